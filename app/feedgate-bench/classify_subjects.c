/* SPDX-License-Identifier: MIT */
/* touch, the least that any classifier can do, and feedgate. */
#include "classify_subjects.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <fg_burst.h>
#include <fg_meta.h>
#include <fg_parse.h>
#include <fg_stats.h>

#include "classify_burst.h"

/* One byte of each packet's header. */
static uint64_t touch_packets(const struct subject *subject, const struct work *work,
			      uint32_t first, unsigned int count, uint32_t *rules)
{
	struct rte_mbuf *const *pkts = work->pkts + first;
	uint64_t sum = 0;

	(void)subject, (void)rules;
	prefetch_headers(pkts, count);
	for (unsigned int i = 0; i < count; i++)
		sum += rte_pktmbuf_mtod(pkts[i], const uint8_t *)[TUPLE_FRAME_OFFSET];
	return sum;
}

static uint64_t touch_keys(const struct subject *subject, const struct work *work, uint32_t first,
			   unsigned int count, uint32_t *rules)
{
	const struct fg_key *keys = work->keys + first;
	uint64_t sum = 0;

	(void)subject, (void)rules;
	for (unsigned int i = 0; i < count; i++)
		rte_prefetch0(&keys[i]);
	for (unsigned int i = 0; i < count; i++)
		sum += keys[i].protocol;
	return sum;
}

const struct subject_kind subject_touch = {
	.burst = {touch_packets, touch_keys},
};

static int feedgate_build(struct subject *subject, const struct work *work, int socket_id,
			  struct fg_error *error)
{
	const struct fg_table_conf conf = {
		.socket_id = socket_id, .engine = subject->engine, .variant = subject->variant};
	struct fg_table *table = NULL;
	int rc = fg_isa_find(subject->variant, &subject->isa, error);

	if (rc == 0)
		rc = fg_table_build(&conf, work->matches, work->n_matches, &table, error);
	subject->state = table;
	return rc;
}

static uint64_t feedgate_packets(const struct subject *subject, const struct work *work,
				 uint32_t first, unsigned int count, uint32_t *rules)
{
	const struct fg_parse parse = {.isa = subject->isa};
	static struct fg_lcore_stats stats;  /* Nothing is dropped, so nothing is counted. */
	struct rte_mbuf *pkts[FG_BURST_MAX]; /* As a receive function fills it. */
	struct fg_key keys[FG_BURST_MAX];

	memcpy(pkts, work->pkts + first, count * sizeof(pkts[0]));
	prefetch_headers(pkts, count);
	if (fg_parse_burst(&parse, pkts, (uint16_t)count, keys, &stats) != count)
		return UINT64_MAX; /* The check of the sum fails. */
	fg_table_lookup(subject->state, keys, pkts, rules, count);
	return sum_rules(rules, count);
}

static uint64_t feedgate_keys(const struct subject *subject, const struct work *work,
			      uint32_t first, unsigned int count, uint32_t *rules)
{
	fg_table_lookup(subject->state, work->keys + first, NULL, rules, count);
	return sum_rules(rules, count);
}

static uint64_t feedgate_bytes(const struct subject *subject)
{
	struct fg_table_info info;

	fg_table_info(subject->state, &info);
	return info.bytes;
}

static void feedgate_free(struct subject *subject)
{
	fg_table_free(subject->state);
}

const struct subject_kind subject_feedgate = {
	.build = feedgate_build,
	.burst = {feedgate_packets, feedgate_keys},
	.bytes = feedgate_bytes,
	.free = feedgate_free,
	.answers = true,
};
