/* SPDX-License-Identifier: MIT */
/* What the pipeline's files share: lcore contexts and the published rule set. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdatomic.h>

#include <rte_rcu_qsbr.h>

#include <fg_clock.h>
#include <fg_handoff.h>
#include <fg_pipeline.h>

/* What becomes of a packet that rule number i won: ruleset->actions[i]. */
struct action {
	uint64_t sinks;   /* 0: drop */
	uint32_t rule_id; /* fg_names.h */
	uint8_t worker;
};

/* Immutable once published. */
struct ruleset {
	struct fg_table *table;
	struct fg_rules *rules;
	uint32_t generation;
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
	uint16_t lane;     /* as a deliverer; also a worker's number */
	uint16_t index;    /* thread id for qsbr */
	uint16_t n_queues; /* rx */
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
	struct fg_source *sources[FG_SOURCES_MAX];
	uint32_t n_sources, n_sinks;
	struct fg_classify_conf classify;
	uint32_t generation;
	bool running;
	uint64_t started_ticks, ran_ticks;
};

/* Lcore mains, for rte_eal_remote_launch(). */
int rx_main(void *lcore);
int worker_main(void *lcore);

/* Stamp a burst and give it to its sinks. Hot. Packets change hands. */
void deliver(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count);

/* Compile rules; 0 or -errno. The set owns @p rules on success. */
int ruleset_build(const struct fg_pipeline *pipeline, struct fg_rules *rules, struct ruleset **out,
		  struct fg_error *error);
void ruleset_free(struct ruleset *set);

/* Assign every queue to an rx lcore. */
int placement_assign(struct fg_pipeline *pipeline, const struct fg_parse_conf *parse,
		     struct fg_error *error);

#endif /* PIPELINE_H */
