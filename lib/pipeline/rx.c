/* SPDX-License-Identifier: MIT */
/* The rx lcore: capture, parse, classify, and on. Hot from rx_turn() inwards. */
#include <netinet/in.h>

#include <rte_pause.h>

#include <fg_free.h>

#include "pipeline.h"

/* Notes for a packet that a rule keeps. The source's own notes stay. */
static inline void note(struct rte_mbuf *m, const struct rx_queue *q, const struct fg_key *key,
			uint64_t rx_ticks, const struct action *action, uint32_t rules_version)
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
	meta->queue = (uint8_t)q->queue;
	meta->feed = action->feed;
	meta->line = action->line != 0 ? action->line : q->parse.line;
	if (!q->timed) {
		meta->flags = flags;
		meta->wire_len = rte_pktmbuf_pkt_len(m);
	} else {
		meta->flags |= flags;
	}
}

/* Packets leaving the burst because of what their rule, or the default, says. */
struct dropped {
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint16_t count;
	/* By the default: added once a burst, as all of them share its counters. */
	uint64_t default_packets, default_bytes;
	uint64_t default_not_ip; /* What the reason is called where no rule could be about IP. */
};

/* How many that no rule has won are not IP. Hardly ever any, on a market-data port. */
static __rte_noinline uint64_t count_not_ip(const struct fg_key *keys, const uint32_t *rules,
					    unsigned int count)
{
	uint64_t not_ip = 0;

	for (unsigned int i = 0; i < count; i++)
		not_ip += rules[i] == FG_RULE_NONE && keys[i].family == FG_FAMILY_OTHER;
	return not_ip;
}

/*
 * Set aside what no rule has won and the default drops: mostly nearly all, in
 * no order that could be foretold, so without a branch. @return how many are
 * left, and which: @p left.
 */
static inline unsigned int set_aside(const struct fg_burst *burst, const struct fg_key *keys,
				     const uint32_t *rules, struct dropped *dropped, uint8_t *left)
{
	const unsigned int count = burst->count;
	unsigned int n = 0, ip = FG_FAMILY_IPV4;

#pragma GCC unroll 4
	for (unsigned int i = 0; i < count; i++) {
		dropped->pkts[n] = burst->pkts[i];
		left[i - n] = (uint8_t)i;
		n += rules[i] == FG_RULE_NONE;
		ip &= keys[i].family; /* The bit of 4 is in 6, too. */
	}
	dropped->count = (uint16_t)n;
	dropped->default_packets = n;
	if (unlikely(ip == 0))
		dropped->default_not_ip = count_not_ip(keys, rules, count);
	return count - n;
}

/* The same where the default keeps them: nothing is set aside. */
static unsigned int leave_all(unsigned int count, uint8_t *left)
{
	for (unsigned int i = 0; i < count; i++)
		left[i] = (uint8_t)i;
	return count;
}

/*
 * Carry out what classify decided: count for the rule, set aside what it
 * drops, note the rest. @return packets kept; pkts and workers hold them.
 */
static inline uint16_t judge(struct lcore *lcore, const struct rx_queue *q,
			     const struct ruleset *set, struct fg_burst *burst,
			     const struct fg_key *keys, const uint32_t *rules, uint8_t *workers,
			     struct dropped *dropped)
{
	uint8_t left[FG_BURST_MAX];
	uint64_t bytes = burst->bytes;
	unsigned int n_left;
	uint16_t kept = 0;

	dropped->count = 0;
	dropped->default_packets = 0;
	dropped->default_not_ip = 0;
	n_left = set->actions[FG_RULE_NONE].sinks == 0
			 ? set_aside(burst, keys, rules, dropped, left)
			 : leave_all(burst->count, left);
	for (unsigned int l = 0; l < n_left; l++) {
		const uint8_t i = left[l];
		struct rte_mbuf *m = burst->pkts[i];
		const struct action *action = &set->actions[rules[i]];
		struct fg_rule_counter *counter = &lcore->stats->rules[action->rule_id];

		bytes -= rte_pktmbuf_pkt_len(m);
		fg_flow_counter_add(&counter->hits, 1, rte_pktmbuf_pkt_len(m));
		fg_counter_set(&counter->last, burst->rx_ticks);
		if (action->sinks == 0) {
			dropped->pkts[dropped->count++] = m;
			continue;
		}
		note(m, q, &keys[i], burst->rx_ticks, action, set->rules_version);
		workers[kept] = action->worker;
		burst->pkts[kept++] = m;
	}
	dropped->default_bytes = bytes; /* of those that were not left */
	return kept;
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
	fg_packets_free(dropped->pkts, dropped->count);
}

static void hand_over(struct lcore *lcore, struct rte_mbuf **pkts, const uint8_t *workers,
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

/* Parse has dropped some. */
static __rte_noinline void sum_bytes(struct fg_burst *burst)
{
	burst->bytes = 0;
	for (unsigned int i = 0; i < burst->count; i++)
		burst->bytes += rte_pktmbuf_pkt_len(burst->pkts[i]);
}

/* One burst of one queue, all the way. @return packets it found. */
static uint16_t rx_turn(struct lcore *lcore, struct rx_queue *q, const struct ruleset *set)
{
	struct fg_burst burst;
	struct fg_key keys[FG_BURST_MAX] __attribute__((aligned(RTE_CACHE_LINE_MIN_SIZE)));
	uint32_t rules[FG_BURST_MAX];
	uint8_t workers[FG_BURST_MAX];
	struct dropped dropped;
	const uint16_t found = fg_source_rx(q->source, q->queue, &burst);

	if (found == 0)
		return 0;
	fg_flow_counter_add(&lcore->stats->received, found, burst.bytes);
	burst.count = fg_parse_burst(&q->parse, burst.pkts, found, keys, lcore->stats);
	if (unlikely(burst.count < found))
		sum_bytes(&burst);
	if (burst.count == 0)
		return found;
	fg_table_lookup(set->table, keys, burst.pkts, rules, burst.count);
	burst.count = judge(lcore, q, set, &burst, keys, rules, workers, &dropped);
	count_and_free(lcore->stats, &dropped, burst.rx_ticks);
	if (burst.count == 0)
		return found;
	if (lcore->handoff != NULL)
		hand_over(lcore, burst.pkts, workers, burst.count);
	else
		deliver(lcore, burst.pkts, burst.count);
	return found;
}

int rx_main(void *arg)
{
	struct lcore *lcore = arg;
	struct fg_pipeline *pipeline = lcore->pipeline;

	rte_rcu_qsbr_thread_online(pipeline->qsbr, lcore->index);
	while (!atomic_load_explicit(&pipeline->stop_rx, memory_order_relaxed)) {
		const struct ruleset *set =
			atomic_load_explicit(&pipeline->ruleset, memory_order_acquire);
		uint16_t found = 0;

		for (uint16_t i = 0; i < lcore->n_queues; i++)
			found = (uint16_t)(found + rx_turn(lcore, &lcore->queues[i], set));
		fg_counter_add(found > 0 ? &lcore->stats->bursts : &lcore->stats->empty, 1);
		if (lcore->n_mine > 0)
			feeds_tick(lcore);
		if (found == 0)
			rte_pause();
		rte_rcu_qsbr_quiescent(pipeline->qsbr, lcore->index);
	}
	feeds_flush(lcore);
	rte_rcu_qsbr_thread_offline(pipeline->qsbr, lcore->index);
	return 0;
}
