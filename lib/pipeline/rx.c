/* SPDX-License-Identifier: MIT */
/*
 * The rx lcore: receive, parse, classify; deliver, or hand off to the lcore that owns the feed. All
 * but rx_main() is hot.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_prefetch.h>

#include <fg_burst.h>

#include "pipeline.h"

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

/* Packets that another lcore processes. */
struct away {
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint8_t owners[FG_BURST_MAX]; /* lane of each */
	uint16_t count;
};

/* One burst of one queue on its way through the rx lcore. */
struct turn {
	struct lcore *lcore;
	struct rx_queue *q;
	const struct ruleset *set;
	uint64_t rx_ns;        /* of the burst */
	struct fg_burst burst; /* in the end, what this lcore delivers */
	struct fg_key keys[FG_BURST_MAX] __attribute__((aligned(RTE_CACHE_LINE_MIN_SIZE)));
	uint32_t rules[FG_BURST_MAX]; /* that won; from classify */
	struct dropped dropped;
	struct away away;
};

/* Write the metadata of a packet that a rule keeps. What a timed source wrote stays. */
static inline void record_metadata(struct rte_mbuf *m, const struct turn *t,
				   const struct fg_key *key, const struct action *action,
				   uint32_t pkt_len)
{
	const bool datagram = key->l4 == IPPROTO_UDP && (key->flags & FG_KEY_FRAGMENT) == 0;
	const struct rx_queue *q = t->q;
	struct fg_meta *meta = fg_meta(m);
	uint8_t flags = action->flags | (datagram ? FG_META_DATAGRAM : 0);

	if (q->timed)
		flags |= meta->flags;
	else
		meta->wire_len = pkt_len;
	if (likely((flags & FG_META_TIMED) == 0))
		meta->rx_ns = t->rx_ns;
	memcpy((uint8_t *)meta + ACTION_AT, action, sizeof(*action));
	meta->flags = flags;
	meta->line = action->line != 0 ? action->line : q->parse.line;
	meta->payload_off = key->payload_off;
	meta->payload_len = key->payload_len;
	meta->source = q->source->index;
}

/*
 * Apply the actions of the rules that won: count for each rule, sort out what it drops, write the
 * metadata of the rest. After it the burst holds the packets that this lcore delivers, and, if it
 * has a handoff, `away` those of others.
 */
static inline void apply_actions(struct turn *t, const bool handoff)
{
	struct fg_burst *burst = &t->burst;
	struct dropped *dropped = &t->dropped;
	/* Copies: these stay in registers, since nothing else can point to them. */
	const struct action *const actions = t->set->actions;
	struct fg_rule_counter *const counters = t->lcore->stats->rules;
	const uint16_t lane = t->lcore->lane;
	uint8_t remaining[FG_BURST_MAX];
	uint64_t bytes = burst->bytes;
	unsigned int n_remaining, n_away = 0, kept = 0;

	dropped->count = 0;
	dropped->default_packets = 0;
	dropped->default_not_ip = 0;
	n_remaining = actions[FG_RULE_NONE].sinks == 0
			      ? drop_unmatched(burst, t->keys, t->rules, dropped, remaining)
			      : keep_all(burst->count, remaining);
	for (unsigned int r = 0; r < n_remaining; r++)
		rte_prefetch0(fg_meta(burst->pkts[remaining[r]]));
	for (unsigned int r = 0; r < n_remaining; r++) {
		const uint8_t i = remaining[r];
		struct rte_mbuf *m = burst->pkts[i];
		const struct action *action = &actions[t->rules[i]];
		struct fg_rule_counter *counter = &counters[action->rule_id];
		const uint32_t pkt_len = rte_pktmbuf_pkt_len(m);
		bool here;

		bytes -= pkt_len;
		fg_flow_counter_add(&counter->hits, 1, pkt_len);
		fg_counter_set(&counter->last, burst->rx_ticks);
		if (action->sinks == 0) {
			dropped->pkts[dropped->count++] = m;
			continue;
		}
		record_metadata(m, t, &t->keys[i], action, pkt_len);
		/* Both lists get it, one of them keeps it: no branch. */
		here = !handoff || action->owner == lane || action->owner == OWNER_HERE;
		if (handoff) {
			t->away.pkts[n_away] = m;
			t->away.owners[n_away] = action->owner;
		}
		burst->pkts[kept] = m;
		kept += here;
		n_away += !here;
	}
	dropped->default_bytes = bytes; /* what remains of the sum */
	burst->count = (uint16_t)kept;
	t->away.count = (uint16_t)n_away;
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

static void hand_off(struct lcore *lcore, struct away *away)
{
	const uint16_t refused =
		fg_handoff_put(lcore->handoff, away->pkts, away->owners, away->count);

	if (refused == 0)
		return;
	for (uint16_t i = 0; i < refused; i++)
		fg_counter_add(&lcore->stats->rules[fg_meta(away->pkts[i])->rule_id].dropped, 1);
	fg_counter_add(&lcore->stats->dropped[FG_DROP_ring_full], refused);
	rte_pktmbuf_free_bulk(away->pkts, refused);
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
	t.rx_ns = clock_ns(lcore, burst->rx_ticks);
	if (lcore->handoff == NULL)
		apply_actions(&t, false);
	else
		apply_actions(&t, true);
	count_and_free(lcore->stats, &t.dropped, burst->rx_ticks);
	if (t.away.count > 0)
		hand_off(lcore, &t.away);
	if (burst->count > 0)
		deliver(lcore, burst->pkts, burst->count);
	return received;
}

int rx_main(void *arg)
{
	struct lcore *lcore = arg;
	struct fg_pipeline *pipeline = lcore->pipeline;

	lcore->turn_began = rte_rdtsc();
	rte_rcu_qsbr_thread_online(pipeline->qsbr, lcore->index);
	while (!atomic_load_explicit(&pipeline->stop, memory_order_relaxed)) {
		const struct ruleset *set =
			atomic_load_explicit(&pipeline->ruleset, memory_order_acquire);
		uint32_t found = 0;

		for (uint16_t i = 0; i < lcore->n_queues; i++)
			found += rx_turn(lcore, &lcore->queues[i], set);
		found += take_rings(lcore);
		end_turn(lcore, found);
	}
	/* It puts nothing into rings from here on. Partner: finish_rings(). */
	atomic_fetch_sub_explicit(&pipeline->n_polling, 1, memory_order_release);
	finish_rings(lcore);
	rte_rcu_qsbr_thread_offline(pipeline->qsbr, lcore->index);
	return 0;
}
