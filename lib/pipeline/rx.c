/* SPDX-License-Identifier: MIT */
/* The rx lcore: receive, parse, classify, hand off. All but rx_main() is hot. */
#include <netinet/in.h>

#include <rte_pause.h>

#include <fg_burst.h>

#include "pipeline.h"

/* Write the metadata of a packet that a rule keeps. What a timed source wrote stays. */
static inline void record_metadata(struct rte_mbuf *m, const struct rx_queue *q,
				   const struct fg_key *key, uint64_t rx_ticks,
				   const struct action *action, uint32_t rules_version)
{
	const bool datagram = key->l4 == IPPROTO_UDP && (key->flags & FG_KEY_FRAGMENT) == 0;
	const uint8_t flags = action->flags | (datagram ? FG_META_DATAGRAM : 0);
	struct fg_meta *meta = fg_meta(m);

	meta->rx_ticks = rx_ticks;
	meta->sinks = action->sinks;
	meta->filter = action->filter;
	meta->rule_id = action->rule_id;
	meta->rules_version = rules_version;
	meta->payload_off = key->payload_off;
	meta->payload_len = key->payload_len;
	meta->source = q->source->index;
	meta->feed = action->feed;
	meta->line = action->line != 0 ? action->line : q->parse.line;
	if (!q->timed) {
		meta->flags = flags;
		meta->wire_len = rte_pktmbuf_pkt_len(m);
	} else {
		meta->flags |= flags;
	}
}

/* Packets that a rule, or the default, drops. */
struct dropped {
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint16_t count;
	/* By the default: counted once a burst, since they share its counters. */
	uint64_t default_packets, default_bytes;
	uint64_t default_not_ip; /* of these, not IP: a drop reason of their own */
};

/* Count the unmatched packets that are not IP. Rare on a market-data port. */
static __rte_noinline uint64_t count_not_ip(const struct fg_key *keys, const uint32_t *rules,
					    unsigned int count)
{
	uint64_t not_ip = 0;

	for (unsigned int i = 0; i < count; i++)
		not_ip += rules[i] == FG_RULE_NONE && keys[i].family == FG_FAMILY_OTHER;
	return not_ip;
}

/*
 * Drop what no rule matched: most packets of a feed, in an order that no branch predictor learns,
 * so the loop has no branch. @return how many remain, and which: @p remaining.
 */
static inline unsigned int drop_unmatched(const struct fg_burst *burst, const struct fg_key *keys,
					  const uint32_t *rules, struct dropped *dropped,
					  uint8_t *remaining)
{
	const unsigned int count = burst->count;
	unsigned int n = 0, ip = FG_FAMILY_IPV4;

#pragma GCC unroll 4
	for (unsigned int i = 0; i < count; i++) {
		dropped->pkts[n] = burst->pkts[i];
		remaining[i - n] = (uint8_t)i;
		n += rules[i] == FG_RULE_NONE;
		ip &= keys[i].family; /* 6 has the bit of 4. */
	}
	dropped->count = (uint16_t)n;
	dropped->default_packets = n;
	if (unlikely(ip == 0))
		dropped->default_not_ip = count_not_ip(keys, rules, count);
	return count - n;
}

/* The same if the default has sinks: all remain. */
static unsigned int keep_all(unsigned int count, uint8_t *remaining)
{
	for (unsigned int i = 0; i < count; i++)
		remaining[i] = (uint8_t)i;
	return count;
}

/* One burst of one queue on its way through the rx lcore. */
struct turn {
	struct lcore *lcore;
	struct rx_queue *q;
	const struct ruleset *set;
	struct fg_burst burst;
	struct fg_key keys[FG_BURST_MAX] __attribute__((aligned(RTE_CACHE_LINE_MIN_SIZE)));
	uint32_t rules[FG_BURST_MAX];  /* that won; from classify */
	uint8_t workers[FG_BURST_MAX]; /* of the packets kept */
	struct dropped dropped;
};

/*
 * Apply the actions of the rules that won: count for each rule, sort out what it drops, write the
 * metadata of the rest. After it the burst holds the packets that are kept.
 */
static inline void apply_actions(struct turn *t)
{
	struct fg_burst *burst = &t->burst;
	struct dropped *dropped = &t->dropped;
	/* Copies: these stay in registers, since nothing else can point to them. */
	const struct ruleset *const set = t->set;
	const struct rx_queue *const q = t->q;
	struct fg_lcore_stats *const stats = t->lcore->stats;
	uint8_t remaining[FG_BURST_MAX];
	uint64_t bytes = burst->bytes;
	unsigned int n_remaining;
	uint16_t kept = 0;

	dropped->count = 0;
	dropped->default_packets = 0;
	dropped->default_not_ip = 0;
	n_remaining = set->actions[FG_RULE_NONE].sinks == 0
			      ? drop_unmatched(burst, t->keys, t->rules, dropped, remaining)
			      : keep_all(burst->count, remaining);
	for (unsigned int r = 0; r < n_remaining; r++) {
		const uint8_t i = remaining[r];
		struct rte_mbuf *m = burst->pkts[i];
		const struct action *action = &set->actions[t->rules[i]];
		struct fg_rule_counter *counter = &stats->rules[action->rule_id];

		bytes -= rte_pktmbuf_pkt_len(m);
		fg_flow_counter_add(&counter->hits, 1, rte_pktmbuf_pkt_len(m));
		fg_counter_set(&counter->last, burst->rx_ticks);
		if (action->sinks == 0) {
			dropped->pkts[dropped->count++] = m;
			continue;
		}
		record_metadata(m, q, &t->keys[i], burst->rx_ticks, action, set->rules_version);
		t->workers[kept] = action->worker;
		burst->pkts[kept++] = m;
	}
	dropped->default_bytes = bytes; /* what remains of the sum */
	burst->count = kept;
}

static void count_and_free(struct fg_lcore_stats *stats, struct dropped *dropped, uint64_t rx_ticks)
{
	if (dropped->count == 0)
		return;
	if (dropped->default_packets > 0) {
		fg_flow_counter_add(&stats->rules[0].hits, dropped->default_packets,
				    dropped->default_bytes);
		fg_counter_set(&stats->rules[0].last, rx_ticks);
	}
	fg_counter_add(&stats->dropped[FG_DROP_not_ip], dropped->default_not_ip);
	fg_counter_add(&stats->dropped[FG_DROP_no_rule],
		       dropped->default_packets - dropped->default_not_ip);
	fg_counter_add(&stats->dropped[FG_DROP_rule_drop],
		       dropped->count - dropped->default_packets);
	rte_pktmbuf_free_bulk(dropped->pkts, dropped->count);
}

static void hand_off(struct lcore *lcore, struct rte_mbuf **pkts, const uint8_t *workers,
		     uint16_t count)
{
	const uint16_t refused = fg_handoff_put(lcore->handoff, pkts, workers, count);

	if (refused == 0)
		return;
	for (uint16_t i = 0; i < refused; i++)
		fg_counter_add(&lcore->stats->rules[fg_meta(pkts[i])->rule_id].dropped, 1);
	fg_counter_add(&lcore->stats->dropped[FG_DROP_ring_full], refused);
	rte_pktmbuf_free_bulk(pkts, refused);
}

/* Sum the bytes again after parse has dropped packets. */
static __rte_noinline void sum_bytes(struct fg_burst *burst)
{
	burst->bytes = 0;
	for (unsigned int i = 0; i < burst->count; i++)
		burst->bytes += rte_pktmbuf_pkt_len(burst->pkts[i]);
}

/* Receive a burst from one queue and process it. @return packets received. */
static uint16_t rx_turn(struct lcore *lcore, struct rx_queue *q, const struct ruleset *set)
{
	struct turn t;
	struct fg_burst *burst = &t.burst;
	const uint16_t received = fg_source_rx(q->source, q->queue, burst);

	if (received == 0)
		return 0;
	t.lcore = lcore;
	t.q = q;
	t.set = set;
	fg_flow_counter_add(&lcore->stats->received, received, burst->bytes);
	burst->count = fg_parse_burst(&q->parse, burst->pkts, received, t.keys, lcore->stats);
	if (unlikely(burst->count < received))
		sum_bytes(burst);
	if (burst->count == 0)
		return received;
	fg_table_lookup(set->table, t.keys, burst->pkts, t.rules, burst->count);
	apply_actions(&t);
	count_and_free(lcore->stats, &t.dropped, burst->rx_ticks);
	if (burst->count == 0)
		return received;
	if (lcore->handoff != NULL)
		hand_off(lcore, burst->pkts, t.workers, burst->count);
	else
		deliver(lcore, burst->pkts, burst->count);
	return received;
}

int rx_main(void *arg)
{
	struct lcore *lcore = arg;
	struct fg_pipeline *pipeline = lcore->pipeline;

	rte_rcu_qsbr_thread_online(pipeline->qsbr, lcore->index);
	while (!atomic_load_explicit(&pipeline->stop_rx, memory_order_relaxed)) {
		const struct ruleset *set =
			atomic_load_explicit(&pipeline->ruleset, memory_order_acquire);
		uint16_t received = 0;

		for (uint16_t i = 0; i < lcore->n_queues; i++)
			received = (uint16_t)(received + rx_turn(lcore, &lcore->queues[i], set));
		fg_counter_add(received > 0 ? &lcore->stats->bursts : &lcore->stats->empty, 1);
		if (lcore->n_owned > 0)
			feeds_tick(lcore);
		if (received == 0)
			rte_pause();
		rte_rcu_qsbr_quiescent(pipeline->qsbr, lcore->index);
	}
	feeds_flush(lcore);
	rte_rcu_qsbr_thread_offline(pipeline->qsbr, lcore->index);
	return 0;
}
