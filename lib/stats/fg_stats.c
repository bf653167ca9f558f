/* SPDX-License-Identifier: MIT */
#include <numa.h>
#include <sys/mman.h>

#include <fg_stats.h>

static const size_t rules_bytes = (size_t)FG_RULE_IDS_MAX * sizeof(struct fg_rule_counter);
static const size_t rule_feeds_bytes =
	(size_t)FG_RULE_IDS_MAX * sizeof(struct fg_rule_feed_counter);

/* Reserve zeroed address space, whose memory will be on @p socket_id if it can; NULL: none. */
static void *reserve(size_t bytes, int socket_id)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (socket_id >= 0 && numa_available() >= 0 && socket_id <= numa_max_node())
		numa_tonode_memory(at, bytes, socket_id);
	/* A hint only: fewer TLB misses with many rules. */
	(void)madvise(at, bytes, MADV_HUGEPAGE);
	return at;
}

struct fg_lcore_stats *fg_lcore_stats_alloc(int socket_id)
{
	struct fg_lcore_stats *stats = reserve(sizeof(*stats), socket_id);

	if (stats == NULL)
		return NULL;
	stats->rules = reserve(rules_bytes, socket_id);
	stats->rule_feeds = reserve(rule_feeds_bytes, socket_id);
	if (stats->rules == NULL || stats->rule_feeds == NULL) {
		fg_lcore_stats_free(stats);
		return NULL;
	}
	return stats;
}

void fg_lcore_stats_free(struct fg_lcore_stats *stats)
{
	if (stats == NULL)
		return;
	if (stats->rules != NULL)
		(void)munmap(stats->rules, rules_bytes);
	if (stats->rule_feeds != NULL)
		(void)munmap(stats->rule_feeds, rule_feeds_bytes);
	(void)munmap(stats, sizeof(*stats));
}

void fg_totals_add(struct fg_totals *totals, const struct fg_lcore_stats *stats)
{
	totals->received_packets += fg_counter_read(&stats->received.packets);
	totals->received_bytes += fg_counter_read(&stats->received.bytes);
	totals->delivered_packets += fg_counter_read(&stats->delivered.packets);
	totals->delivered_bytes += fg_counter_read(&stats->delivered.bytes);
	for (unsigned int i = 0; i < FG_DROP_COUNT; i++)
		totals->dropped[i] += fg_counter_read(&stats->dropped[i]);
}

void fg_totals_subtract(struct fg_totals *totals, const struct fg_totals *before)
{
	uint64_t *values = (uint64_t *)totals;
	const uint64_t *subtrahends = (const uint64_t *)before;

	for (size_t i = 0; i < sizeof(*totals) / sizeof(*values); i++)
		values[i] -= RTE_MIN(values[i], subtrahends[i]);
}

uint64_t fg_totals_dropped(const struct fg_totals *totals)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < FG_DROP_COUNT; i++)
		sum += totals->dropped[i];
	return sum;
}
