/* SPDX-License-Identifier: MIT */
/* What the files of the pipeline share: lcore contexts and the published rule set. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdatomic.h>

#include <rte_rcu_qsbr.h>

#include <fg_clock.h>
#include <fg_handoff.h>
#include <fg_pipeline.h>

#define TICK_US 20u /* period of feeds_tick(): the resolution of `hold_us` */

/* What to do with a packet that rule number i won: ruleset->actions[i]. */
struct action {
	uint64_t sinks;               /* 0: drop */
	struct fg_msg_filter *filter; /* of the rule's subscription; NULL: none */
	uint32_t rule_id;             /* fg_names.h */
	uint16_t feed;                /* FG_META_FEED_NONE: none, or one without a protocol */
	uint8_t worker;
	uint8_t line;  /* 0: as the source */
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

/* The context of one lcore. The control thread writes it before the lcore starts. */
struct lcore {
	struct fg_pipeline *pipeline;
	struct fg_lcore_stats *stats;
	struct fg_handoff *handoff; /* rx: to the workers; NULL without any */
	uint16_t lcore_id;
	uint16_t lane;              /* as the sinks know it; of a worker: its number */
	uint16_t index;             /* qsbr thread id */
	uint16_t n_queues;          /* rx */
	struct fg_feed_stage stage; /* of lcores that deliver */
	struct fg_feed **owned;     /* [n_owned] feeds that this lcore owns */
	uint32_t n_owned;
	uint64_t next_tick; /* of feeds_tick(), TSC */
	struct rx_queue queues[FG_SOURCE_QUEUES_MAX];
} __attribute__((aligned(128)));

struct fg_pipeline {
	/* Read by all lcores; the control thread writes it rarely. */
	_Atomic(struct ruleset *) ruleset;
	_Atomic bool stop_rx;
	_Atomic bool stop_workers;
	struct fg_sink *sinks[FG_SINKS_MAX];
	struct rte_rcu_qsbr *qsbr;
	uint16_t n_rx, n_workers;
	struct lcore *rx;      /* [n_rx] */
	struct lcore *workers; /* [n_workers] */
	struct fg_clock clock; /* aligned to cache lines of its own */

	/* The control thread's. */
	struct fg_feed **feeds; /* [n_feeds] by fg_rule.feed; NULL: without a protocol */
	uint32_t n_feeds;
	struct rte_mempool *slices;
	uint64_t tick_ticks; /* TICK_US in TSC ticks */
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

/* Stamp a burst, pass it through its feeds and give it to its sinks. Takes the packets. Hot. */
void deliver(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count);

/* Give a burst to its sinks. Takes the packets. Hot. */
void dispatch(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count);

/* feeds.c: the feed stage of an lcore. Up to feeds_flush(): hot. */
void feeds_burst(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count, uint64_t now_ns);
void feeds_tick(struct lcore *lcore);
void feeds_flush(struct lcore *lcore); /* before the lcore stops */
int feeds_create(struct fg_pipeline *pipeline, const struct fg_pipeline_setup *setup,
		 struct fg_error *error);
void feeds_free(struct fg_pipeline *pipeline);
/* Whether a feed holds packets now. Threads: control. */
bool feeds_hold(const struct fg_pipeline *pipeline);
/* NUMA node of @p worker; without workers, of the rx lcore. */
int feeds_socket(const struct fg_pipeline *pipeline, uint8_t worker);

/* Compile rules; 0 or -errno. The set owns @p rules on success. */
int ruleset_build(const struct fg_pipeline *pipeline, struct fg_rules *rules, struct ruleset **out,
		  struct fg_error *error);
void ruleset_free(struct ruleset *set);

/* Assign each queue to an rx lcore. */
int placement_assign(struct fg_pipeline *pipeline, const struct fg_parse_conf *parse,
		     struct fg_error *error);

#endif /* PIPELINE_H */
