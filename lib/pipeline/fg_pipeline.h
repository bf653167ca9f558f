/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The pipeline: lcores, their loops, the running rule set, start and stop.
 *
 * The control thread (EAL's main lcore) creates a pipeline from opened sources, sinks and feeds,
 * publishes a rule set and starts it. Rx lcores receive, parse, classify and hand packets to
 * workers. Without workers, rx lcores run to completion with the same code: each owns some of the
 * feeds, and hands packets of the others to the rx lcores that own these.
 *
 * Only the control thread calls these functions.
 */
#ifndef FG_PIPELINE_H
#define FG_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_feed.h>
#include <fg_option.h>
#include <fg_parse.h>
#include <fg_rules.h>
#include <fg_sink.h>
#include <fg_source.h>
#include <fg_stats.h>

#define FG_LCORES_MAX  64u
#define FG_WORKERS_MAX 32u

/** Settings: the rows of fg_pipeline_options[]. */
struct fg_pipeline_conf {
	uint64_t workers;     /**< Worker lcores; 0: rx lcores run to completion. */
	uint64_t ring_slots;  /**< Packets in each ring from one lcore to another. */
	uint64_t sink_budget; /**< Share of any source's mbufs that one sink may hold, %. */
	uint64_t slice_mbufs; /**< Mbufs for the slices of all feeds; used if a feed has a protocol.
			       */
};

/** `pipeline:` of the configuration file; the last row is empty. */
extern const struct fg_option fg_pipeline_options[];

/** The row of `workers`, which the command line can override. */
extern const struct fg_option *const fg_pipeline_option_workers;

/** Which lcore does what. Made before sources are opened. */
struct fg_placement {
	uint16_t n_rx;
	uint16_t n_workers;
	/**
	 * Lcores that deliver to sinks: the workers, or without any the rx lcores; both if an rx
	 * lcore owns a feed beside workers. Lane i is that of workers[i], then of rx[i -
	 * n_workers].
	 */
	uint16_t n_lanes;
	uint16_t rx[FG_LCORES_MAX];      /**< EAL's lcore ids. */
	uint16_t workers[FG_LCORES_MAX]; /**< EAL's lcore ids. */
};

/**
 * Assign EAL's lcores, all but the main one: the last conf->workers of them are workers; of the
 * others, as many poll as there are queues.
 * @param n_queues  Of all sources together; 0: use every lcore.
 * @return 0; -EINVAL if there are too few lcores.
 */
int fg_placement_make(const struct fg_pipeline_conf *conf, unsigned int n_queues,
		      struct fg_placement *out, struct fg_error *error);

/**
 * Assign feeds to lcores. A feed goes to the lcore that it names (fg_feed_conf.lcore); the others,
 * in their order, each to the worker, or without workers the rx lcore, with the fewest feeds: first
 * those with a protocol. The result depends on nothing but the feeds and the lcores.
 * @param placement  n_lanes is raised if a feed names an rx lcore beside workers.
 * @param feeds      [n_feeds], all.
 * @param owners     [n_feeds]: set to the lane of each feed's lcore.
 * @return 0; -EINVAL: a feed names an lcore that is neither a worker nor an rx lcore.
 */
int fg_placement_feeds(struct fg_placement *placement, const struct fg_feed_conf *const *feeds,
		       uint32_t n_feeds, uint8_t *owners, struct fg_error *error);

/** The NUMA node of a lane's lcore. */
int fg_placement_socket(const struct fg_placement *placement, uint16_t lane);

/** Sources, feeds and sinks of a pipeline. They are open and outlive the pipeline. */
struct fg_pipeline_endpoints {
	struct fg_source *const *sources; /**< At least one. */
	uint32_t n_sources;
	struct fg_sink *const *sinks;
	uint32_t n_sinks;
	struct fg_feed *const *feeds; /**< By fg_rule.feed; NULL: without a protocol. */
	const uint8_t *owners;        /**< [n_feeds] of fg_placement_feeds(); NULL: feed i in lane i
					   modulo n_lanes. */
	uint32_t n_feeds;
};

struct fg_pipeline;

/** What fg_pipeline_create() needs. All of it is copied. */
struct fg_pipeline_setup {
	struct fg_pipeline_conf conf;
	struct fg_placement placement;
	struct fg_parse_conf parse;
	struct fg_classify_conf classify; /**< How rule sets are compiled. */
	struct fg_pipeline_endpoints endpoints;
};

/**
 * Create rings and counters, and assign each queue to an rx lcore: of those on the device's NUMA
 * node the one with the fewest queues; if the node has none, the nearest, with a warning.
 *
 * @param out  Set on success; free with fg_pipeline_free().
 * @return 0; -EINVAL: an lcore has too many queues; -ENOTSUP: the CPU lacks the instruction set;
 *         -ENOMEM.
 */
int fg_pipeline_create(const struct fg_pipeline_setup *setup, struct fg_pipeline **out,
		       struct fg_error *error);

/** Free it; it must be stopped. Counters go with it. NULL is allowed. */
void fg_pipeline_free(struct fg_pipeline *pipeline);

/**
 * Compile @p rules and publish them: build the set, swap one pointer, wait until every lcore uses
 * it. On error the old set stays. Packets that the old set classified may be in rings and in feeds:
 * its message filters are freed later, see fg_pipeline_reclaim(). Only if eight older sets still
 * have such packets, it waits for the oldest.
 * @param rules  The pipeline owns them after success; else they stay the caller's.
 * @return 0, or as fg_table_build().
 */
int fg_pipeline_publish(struct fg_pipeline *pipeline, struct fg_rules *rules,
			struct fg_error *error);

/**
 * Free the message filters of replaced rule sets that no packet refers to any more.
 * fg_pipeline_tick(), fg_pipeline_publish() and fg_pipeline_stop() do it, too.
 * @return how many replaced sets still have packets; 0 when stopped.
 */
uint32_t fg_pipeline_reclaim(struct fg_pipeline *pipeline);

/** The running rules, and their version (1, 2, ...). NULL and 0 before the first publish. */
const struct fg_rules *fg_pipeline_rules(const struct fg_pipeline *pipeline);
uint32_t fg_pipeline_rules_version(const struct fg_pipeline *pipeline);

/**
 * The message filter of running rule number @p number.
 * @return false: the rule has no subscription, or there is no such rule; @p info is not set.
 */
bool fg_pipeline_filter(const struct fg_pipeline *pipeline, uint32_t number,
			struct fg_msg_filter_info *info);

/**
 * The symbols of running rule number @p number that have no number in its feed's symbol map, as
 * fg_msg_filter_unmapped() gives them; none where the rule has no subscription.
 */
int fg_pipeline_unmapped(const struct fg_pipeline *pipeline, uint32_t number,
			 char (*names)[FG_SYMBOL_BYTES + 1], uint32_t max, uint32_t *count);

/** The compiled running rules. NULL before the first publish. */
const struct fg_table *fg_pipeline_table(const struct fg_pipeline *pipeline);

/**
 * Start sinks, sources and lcores. A rule set must be published.
 * @return 0; -EALREADY if it runs; -EINVAL: no rules; -errno of the first that did not start: the
 *         others are stopped again.
 */
int fg_pipeline_start(struct fg_pipeline *pipeline, struct fg_error *error);

/**
 * Stop polling, let all lcores empty their rings, flush feeds and sinks. No packet is lost.
 * @return 0, also if it did not run; -errno of the first sink that could not write all it took.
 */
int fg_pipeline_stop(struct fg_pipeline *pipeline, struct fg_error *error);

bool fg_pipeline_running(const struct fg_pipeline *pipeline);

/** Whether all sources have ended. */
bool fg_pipeline_ended(const struct fg_pipeline *pipeline);

/**
 * Calibrate the clock, read the sources' counters for the sinks, and fg_pipeline_reclaim(). Call it
 * about once a second.
 */
void fg_pipeline_tick(struct fg_pipeline *pipeline);

/** Seconds it has run, over all starts. */
double fg_pipeline_seconds(const struct fg_pipeline *pipeline);

/** Slice mbufs in use; 0 when it is stopped and sinks are closed. */
uint64_t fg_pipeline_slices_out(const struct fg_pipeline *pipeline);

/** Sums over all lcores, since creation. Exact when stopped. */
void fg_pipeline_totals(const struct fg_pipeline *pipeline, struct fg_totals *totals);

/** Counters of one rule, by its id, since creation. */
struct fg_rule_totals {
	uint64_t packets, bytes;
	uint64_t duplicates; /**< Of the packets, dropped as duplicate or stale. */
	uint64_t unmatched;  /**< Of the packets, dropped as no_matching_message, unmapped or
				wrong_protocol. */
	uint64_t dropped;    /**< Of the packets, dropped as ring_full or sink_full. */
	uint64_t last_ticks; /**< When the burst with its last packet arrived, TSC; 0: never. */
};
void fg_pipeline_rule(const struct fg_pipeline *pipeline, uint32_t rule_id,
		      struct fg_rule_totals *totals);

/**
 * Check that received = delivered + dropped over all lcores, and that received is what the sources
 * counted. The pipeline must be stopped.
 * @return 0; -EBADMSG: unbalanced, with the numbers in @p error.
 */
int fg_pipeline_check_accounting(const struct fg_pipeline *pipeline, struct fg_error *error);

/** One lcore, for reports. */
struct fg_lcore_view {
	uint16_t lcore_id;
	int socket_id;
	bool worker;
	const struct fg_lcore_stats *stats;
	uint32_t ring_occupancy; /**< Packets in the rings to it now. */
	uint16_t n_queues;
	struct {
		const struct fg_source *source;
		uint16_t queue;
	} queues[FG_SOURCE_QUEUES_MAX];
};

/** Lcore number @p i of the pipeline, rx lcores first. false past the last one. */
bool fg_pipeline_lcore(const struct fg_pipeline *pipeline, uint32_t i, struct fg_lcore_view *view);

#endif /* FG_PIPELINE_H */
