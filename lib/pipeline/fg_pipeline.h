/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The walk itself: lcores, loops, rule sets in force, start and stop.
 *
 * Control (the main lcore) creates a pipeline from opened sources and sinks,
 * publishes a rule set, and starts it. Rx lcores pull, parse, classify and
 * either hand over to workers or, where there are none, deliver themselves;
 * the same code runs in both cases.
 *
 * All functions: control thread, unless they say otherwise.
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

#define FG_LCORES_MAX 64u

/** Settings; the rows are in fg_pipeline_options[]. */
struct fg_pipeline_conf {
	uint64_t workers;     /**< Worker lcores; 0: rx lcores run to completion. */
	uint64_t ring_slots;  /**< Per (rx lcore, worker). */
	uint64_t slice_mbufs; /**< For slices of all feeds; taken only where there are feeds. */
};

/** `pipeline:` of the configuration file; ends with an empty row. */
extern const struct fg_option fg_pipeline_options[];

/** The row of `workers`, which the command line may override. */
extern const struct fg_option *const fg_pipeline_option_workers;

/** How many lcores do what; known before anything is opened. */
struct fg_placement {
	uint16_t n_rx;
	uint16_t n_workers;
	uint16_t n_lanes;                /**< Lcores that deliver: workers, or else rx lcores. */
	uint16_t rx[FG_LCORES_MAX];      /**< EAL's lcore ids. */
	uint16_t workers[FG_LCORES_MAX]; /**< EAL's lcore ids. */
};

/**
 * Share out EAL's lcores but the main one: the last conf->workers of them are
 * workers, of the others as many poll as there are queues.
 * @param n_queues  Of all sources together; 0: as many as possible.
 * @return 0; -EINVAL if there are too few lcores (the error says how to give more).
 */
int fg_placement_make(const struct fg_pipeline_conf *conf, unsigned int n_queues,
		      struct fg_placement *out, struct fg_error *error);

/** What packets come from, go through and go to. All of it is opened and outlives the pipeline. */
struct fg_pipeline_ends {
	struct fg_source *const *sources; /**< At least one. */
	uint32_t n_sources;
	struct fg_sink *const *sinks;
	uint32_t n_sinks;
	struct fg_feed *const *feeds; /**< By fg_rule.feed; NULL for those without a protocol. */
	uint32_t n_feeds;
};

struct fg_pipeline;

/**
 * Make rings and counters, and assign each queue to an rx lcore: the least
 * loaded on the device's NUMA node; where that node has none, the nearest,
 * with a warning.
 *
 * @param classify How rule sets are compiled; copied, as the other settings and @p ends are.
 * @return 0; -EINVAL: also if feeds have protocols, there are no workers, and several rx lcores;
 *         -ENOMEM.
 */
int fg_pipeline_create(const struct fg_pipeline_conf *conf, const struct fg_placement *placement,
		       const struct fg_parse_conf *parse, const struct fg_classify_conf *classify,
		       const struct fg_pipeline_ends *ends, struct fg_pipeline **out,
		       struct fg_error *error);

/** Free it; it must be stopped. Counters go with it. NULL is allowed. */
void fg_pipeline_free(struct fg_pipeline *pipeline);

/**
 * Compile @p rules and put them in force: build aside, swap one pointer, wait
 * until no lcore can see the old set, free it. On error the old set stays.
 * @param rules  Taken over on success, the caller's otherwise.
 * @return 0, or as fg_table_build().
 */
int fg_pipeline_publish(struct fg_pipeline *pipeline, struct fg_rules *rules,
			struct fg_error *error);

/** The rules in force, and their rules_version (1, 2, ...). NULL before the first publish. */
const struct fg_rules *fg_pipeline_rules(const struct fg_pipeline *pipeline);
uint32_t fg_pipeline_rules_version(const struct fg_pipeline *pipeline);

/**
 * How rule number @p number of those in force sees its feed's messages.
 * @return false: it wants all, or there is no such rule; then @p info is not set.
 */
bool fg_pipeline_filter(const struct fg_pipeline *pipeline, uint32_t number,
			struct fg_msg_filter_info *info);

/** Their compiled form. NULL before the first publish. */
const struct fg_table *fg_pipeline_table(const struct fg_pipeline *pipeline);

/**
 * Start sinks, sources and lcores. A rule set must be in force.
 * @return 0; -EALREADY if it runs; -errno of whatever did not start, after
 *         stopping what did.
 */
int fg_pipeline_start(struct fg_pipeline *pipeline, struct fg_error *error);

/**
 * Stop polling, let workers empty their rings, push out what sinks hold.
 * Nothing that a source handed over is lost by it.
 * @return 0, also if it did not run; -errno of the first sink that could not
 *         write all it took.
 */
int fg_pipeline_stop(struct fg_pipeline *pipeline, struct fg_error *error);

bool fg_pipeline_running(const struct fg_pipeline *pipeline);

/** Every source has ended: nothing more will come. */
bool fg_pipeline_ended(const struct fg_pipeline *pipeline);

/** To be called about once a second: keeps the clock calibrated. */
void fg_pipeline_tick(struct fg_pipeline *pipeline);

/** Seconds it has been running, all starts together. */
double fg_pipeline_seconds(const struct fg_pipeline *pipeline);

/** Mbufs of slices that are still with somebody; 0 when stopped and sinks are closed. */
uint64_t fg_pipeline_slices_out(const struct fg_pipeline *pipeline);

/** Sums over all lcores, since creation. Exact when stopped. */
void fg_pipeline_totals(const struct fg_pipeline *pipeline, struct fg_totals *totals);

/** What one rule saw, by its id, since creation. */
struct fg_rule_totals {
	uint64_t packets, bytes;
	uint64_t filtered;   /**< Of the packets, left out by the rule's feed. */
	uint64_t dropped;    /**< Of the packets, lost: ring_full, sink_full. */
	uint64_t last_ticks; /**< When its last packet came (TSC, to the burst); 0: never. */
};
void fg_pipeline_rule(const struct fg_pipeline *pipeline, uint32_t rule_id,
		      struct fg_rule_totals *totals);

/**
 * Does the accounting hold? To be asked when stopped.
 * received = delivered + dropped, over the lcores, and received = what the
 * sources counted.
 * @return 0, or -EBADMSG with both sides in @p error.
 */
int fg_pipeline_check_accounting(const struct fg_pipeline *pipeline, struct fg_error *error);

/** One lcore, for people. */
struct fg_lcore_view {
	uint16_t lcore_id;
	int socket_id;
	bool worker;
	const struct fg_lcore_stats *stats;
	uint32_t waiting; /**< A worker's rings: packets in them now. */
	uint16_t n_queues;
	struct {
		const struct fg_source *source;
		uint16_t queue;
	} queues[FG_SOURCE_QUEUES_MAX];
};

/** Lcore number @p i of the pipeline, rx lcores first. false past the last one. */
bool fg_pipeline_lcore(const struct fg_pipeline *pipeline, uint32_t i, struct fg_lcore_view *view);

#endif /* FG_PIPELINE_H */
