/* SPDX-License-Identifier: MIT */
/* What the pipeline's files share: lcore contexts and the published rule set. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdatomic.h>

#include <rte_rcu_qsbr.h>

#include <fg_clock.h>
#include <fg_handoff.h>
#include <fg_pipeline.h>

#define TICK_US 20u /* how often feeds are seen to: how exactly `hold` ends */

/* What becomes of a packet that rule number i won: ruleset->actions[i]. */
struct action {
	uint64_t sinks;               /* 0: drop */
	struct fg_msg_filter *filter; /* what it wants of its feed; NULL: all */
	uint32_t rule_id;             /* fg_names.h */
	uint16_t feed;                /* FG_META_FEED_NONE: none that has a protocol */
	uint8_t worker;
	uint8_t line;  /* 0: that of the source */
	uint8_t flags; /* FG_META_SLICE */
};

/* Immutable once published. */
struct ruleset {
	struct fg_table *table;
	struct fg_rules *rules;
	struct fg_msg_filter **filters; /* [n_filters], of the actions; NULL: none */
	uint32_t n_filters;
	uint32_t rules_version;
	struct action actions[]; /* [rules->count + 1] */
};

/* One queue of one source, polled by one rx lcore. */
struct rx_queue {
	struct fg_source *source;
	uint16_t queue;
	bool timed; /* the source writes rx_ns, wire_len and flags */
	struct fg_parse parse;
};

/* One lcore's own; control writes it before launch only. */
struct lcore {
	struct fg_pipeline *pipeline;
	struct fg_lcore_stats *stats;
	struct fg_handoff *handoff; /* rx: to the workers; NULL without any */
	uint16_t lcore_id;
	uint16_t lane;              /* as a deliverer; also a worker's number */
	uint16_t index;             /* thread id for qsbr */
	uint16_t n_queues;          /* rx */
	struct fg_feed_stage stage; /* deliverers; no feeds: n_feeds is 0 */
	struct fg_feed **mine;      /* [n_mine] feeds that this lcore handles */
	uint32_t n_mine;
	uint64_t next_tick; /* when to see to them, TSC */
	struct rx_queue queues[FG_SOURCE_QUEUES_MAX];
} __attribute__((aligned(128)));

struct fg_pipeline {
	/* Read by all lcores, written by control: rarely. */
	_Atomic(struct ruleset *) ruleset;
	_Atomic bool stop_rx;
	_Atomic bool stop_workers;
	struct fg_sink *sinks[FG_SINKS_MAX];
	struct rte_rcu_qsbr *qsbr;
	uint16_t n_rx, n_workers;
	struct lcore *rx;      /* [n_rx] */
	struct lcore *workers; /* [n_workers] */
	struct fg_clock clock; /* has cache lines of its own */

	/* Control only. */
	struct fg_feed **feeds; /* [n_feeds] by rule's feed; NULL where it has no protocol */
	uint32_t n_feeds;
	struct rte_mempool *slices;
	uint64_t tick_ticks; /* how often lcores see to their feeds */
	struct fg_source *sources[FG_SOURCES_MAX];
	uint32_t n_sources, n_sinks;
	struct fg_classify_conf classify;
	uint32_t rules_version;
	bool running;
	uint64_t started_ticks, ran_ticks;
};

/* Lcore mains, for rte_eal_remote_launch(). */
int rx_main(void *lcore);
int worker_main(void *lcore);

/* Stamp a burst and give it to its sinks. Hot. Packets change hands. */
void deliver(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count);

/* Give a stamped burst to its sinks. Hot. Packets change hands. */
void dispatch(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count);

/* feeds.c: the stage before dispatch, where there are feeds with protocols. Hot but for
 * feeds_create() and what follows. */
void feeds_burst(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count, uint64_t now_ns);
void feeds_tick(struct lcore *lcore);
void feeds_flush(struct lcore *lcore); /* at the end of a run */
int feeds_create(struct fg_pipeline *pipeline, const struct fg_pipeline_conf *conf,
		 const struct fg_pipeline_ends *ends, struct fg_error *error);
void feeds_free(struct fg_pipeline *pipeline);
/* Does any feed hold packets now? Threads: control. */
bool feeds_hold(const struct fg_pipeline *pipeline);
/* NUMA node of the lcore that handles feeds of @worker. */
int feeds_socket(const struct fg_pipeline *pipeline, uint8_t worker);

/* Compile rules; 0 or -errno. The set owns @p rules on success. */
int ruleset_build(const struct fg_pipeline *pipeline, struct fg_rules *rules, struct ruleset **out,
		  struct fg_error *error);
void ruleset_free(struct ruleset *set);

/* Assign every queue to an rx lcore. */
int placement_assign(struct fg_pipeline *pipeline, const struct fg_parse_conf *parse,
		     struct fg_error *error);

#endif /* PIPELINE_H */
