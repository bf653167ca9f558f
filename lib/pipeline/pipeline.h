/* SPDX-License-Identifier: MIT */
/* What the files of the pipeline share: lcore contexts and the published rule set. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdatomic.h>

#include <rte_lcore.h>
#include <rte_rcu_qsbr.h>

#include <fg_clock.h>
#include <fg_handoff.h>
#include <fg_pipeline.h>

#define TICK_US 20u /* period of feeds_tick(): the resolution of `hold_us` */

#define RETIRED_MAX 8u        /* sets of retired filters that wait to be freed */
#define OWNER_HERE  UINT8_MAX /* action.owner: the lcore that received the packet */

/*
 * What to do with a packet that rule number i won: ruleset->actions[i]. The fields up to flags are
 * as in fg_meta: the rx loop copies them at once, and then writes those of the packet.
 */
struct action {
	uint64_t sinks;               /* 0: drop */
	struct fg_msg_filter *filter; /* of the rule's subscription; NULL: none */
	uint32_t rule_id;             /* fg_names.h */
	uint32_t rules_version;
	uint16_t feed;  /* FG_META_FEED_NONE: none, or one without a protocol */
	uint8_t line;   /* 0: as the source */
	uint8_t flags;  /* FG_META_SLICE */
	uint8_t owner;  /* lane of the lcore that processes it, or OWNER_HERE */
	uint8_t pad[3]; /* the place of the payload's offset and length */
};
#define ACTION_AT offsetof(struct fg_meta, sinks)
static_assert(
	sizeof(struct action) == 32 &&
		offsetof(struct fg_meta, filter) - ACTION_AT == offsetof(struct action, filter) &&
		offsetof(struct fg_meta, rule_id) - ACTION_AT == offsetof(struct action, rule_id) &&
		offsetof(struct fg_meta, feed) - ACTION_AT == offsetof(struct action, feed) &&
		offsetof(struct fg_meta, flags) - ACTION_AT == offsetof(struct action, flags) &&
		offsetof(struct fg_meta, payload_off) - ACTION_AT ==
			offsetof(struct action, owner) &&
		offsetof(struct fg_meta, wire_len) - ACTION_AT == sizeof(struct action),
	"an action is copied into the metadata as a whole");

/*
 * The message filters of a rule set. Packets in rings and in feeds refer to them after the set was
 * replaced; publish.c takes the evidence that none does.
 */
struct filters {
	uint32_t rules_version;
	enum {
		FILTERS_IN_RINGS, /* packets from before the marks are in rings */
		FILTERS_IN_TURNS, /* the lcores that took them have not finished their turn */
		FILTERS_HELD,     /* a feed holds packets */
		FILTERS_RELEASED, /* the lcore that released the last has not finished its turn */
		FILTERS_UNUSED,
	} state;         /* from here on: of replaced sets only */
	uint64_t token;  /* of qsbr, for the end of a turn */
	uint64_t *marks; /* [n_rx * n_lanes], fg_handoff_mark() */
	uint32_t count;
	struct fg_msg_filter *filters[];
};

/* Immutable once published. */
struct ruleset {
	struct fg_table *table;
	struct fg_rules *rules;
	struct filters *filters; /* of the actions; NULL: none */
	struct action actions[]; /* [rules->count + 1] */
};

/* One queue of one source, polled by one rx lcore. */
struct rx_queue {
	struct fg_source *source;
	uint16_t queue;
	bool timed; /* the source writes rx_ns, wire_len and flags */
	struct fg_parse parse;
};

/* The context of one lcore, on its NUMA node. The control thread writes it before it starts. */
struct lcore {
	struct fg_pipeline *pipeline;
	struct fg_lcore_stats *stats;
	struct fg_handoff *handoff; /* rx: to the lcores that own; NULL: it processes all itself */
	uint16_t lcore_id;
	uint16_t lane;     /* as sinks and rings know it; n_lanes or more: it does not deliver */
	uint16_t index;    /* qsbr thread id */
	uint16_t n_queues; /* rx */
	uint16_t n_inlets; /* rings that bring it packets */
	struct fg_feed_stage stage; /* of lcores that deliver */
	struct fg_feed **owned;     /* [n_owned] feeds that this lcore owns, */
	uint32_t n_owned;
	uint32_t n_holding;                       /* first those that hold packets */
	uint32_t next_slow;                       /* of the others, the next one to tick */
	uint64_t next_tick;                       /* of feeds_tick(), TSC */
	uint64_t turn_began;                      /* TSC */
	struct fg_handoff *inlets[FG_LCORES_MAX]; /* [n_inlets], of the rx lcores that put */
	struct rx_queue queues[FG_SOURCE_QUEUES_MAX];
} __attribute__((aligned(128)));

struct fg_pipeline {
	/* Read by all lcores; the control thread writes it rarely. */
	_Atomic(struct ruleset *) ruleset;
	_Atomic bool stop;
	struct fg_sink *sinks[FG_SINKS_MAX];
	struct rte_rcu_qsbr *qsbr;
	struct fg_clock clock; /* aligned to cache lines of its own */

	/* Rx lcores that poll sources, and so may put packets into rings. Each subtracts itself. */
	_Atomic uint32_t n_polling __attribute__((aligned(128)));

	/* The control thread's. */
	uint16_t n_rx __attribute__((aligned(128)));
	uint16_t n_workers, n_lanes;
	struct lcore *lcores[FG_LCORES_MAX]; /* [n_rx + n_workers], rx lcores first */
	uint8_t *owners;                     /* [n_feeds] lane of each feed's lcore */
	struct fg_feed **feeds; /* [n_feeds] by fg_rule.feed; NULL: without a protocol */
	uint32_t n_feeds;
	struct rte_mempool *slices;
	uint64_t tick_ticks; /* TICK_US in TSC ticks */
	struct fg_source *sources[FG_SOURCES_MAX];
	struct fg_sink_interface interfaces[FG_SOURCES_MAX]; /* [n_sources], for the sinks */
	uint32_t n_sources, n_sinks;
	struct fg_classify_conf classify;
	uint32_t rules_version;
	struct filters *retired[RETIRED_MAX]; /* [n_retired] of replaced sets, the oldest first */
	uint32_t n_retired;
	bool running;
	uint64_t started_ticks, ran_ticks;
};

/* The lcore of @p lane: the workers first, then the rx lcores. */
static inline struct lcore *lane_lcore(const struct fg_pipeline *pipeline, uint16_t lane)
{
	return pipeline->lcores[lane < pipeline->n_workers ? lane + pipeline->n_rx
							   : lane - pipeline->n_workers];
}

static inline int lane_socket(const struct fg_pipeline *pipeline, uint16_t lane)
{
	return (int)rte_lcore_to_socket_id(lane_lcore(pipeline, lane)->lcore_id);
}

/* Lcore mains, for rte_eal_remote_launch(). */
int rx_main(void *lcore);
int worker_main(void *lcore);

/* Pass a burst through its feeds and give it to its sinks. Takes the packets. Hot. */
void deliver(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count);

/* Give a burst, of at least one packet, to its sinks. Takes the packets. Hot. */
void dispatch(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count);

/* Take a burst from each ring that brings packets, and deliver it. Hot. @return packets taken. */
uint32_t take_rings(struct lcore *lcore);

/* Count a turn of the loop that had @p found packets, run feeds_tick(), report it. Hot. */
void end_turn(struct lcore *lcore, uint32_t found);

/* Process what is in the rings until no rx lcore polls any more, then flush the feeds. */
void finish_rings(struct lcore *lcore);

static inline uint64_t clock_ns(const struct lcore *lcore, uint64_t ticks)
{
	const struct fg_clock_scale scale = fg_clock_scale(&lcore->pipeline->clock);

	return fg_clock_ns(&scale, ticks);
}

/* feeds.c: the feed stage of an lcore. Up to feeds_flush(): hot. */
void feeds_burst(struct lcore *lcore, struct rte_mbuf **pkts, uint16_t count, uint64_t now_ns);
void feeds_tick(struct lcore *lcore);
void feeds_flush(struct lcore *lcore); /* before the lcore stops */
int feeds_create(struct fg_pipeline *pipeline, const struct fg_pipeline_setup *setup,
		 struct fg_error *error);
void feeds_free(struct fg_pipeline *pipeline);
/* Whether a feed holds packets that rule-set version @p rules_version classified. */
bool feeds_hold(const struct fg_pipeline *pipeline, uint32_t rules_version);

/* Compile rules; 0 or -errno. The set owns @p rules on success. */
int ruleset_build(const struct fg_pipeline *pipeline, struct fg_rules *rules, struct ruleset **out,
		  struct fg_error *error);
void ruleset_free(struct ruleset *set);
void filters_free(struct filters *filters);

/* publish.c */
/* Wait until each running lcore has reported a quiescent state or is offline. */
void wait_quiescent(const struct fg_pipeline *pipeline);
/* Free all retired filters, in use or not. */
void retired_free(struct fg_pipeline *pipeline);

/* Assign each queue to an rx lcore. */
int placement_assign(struct fg_pipeline *pipeline, const struct fg_parse_conf *parse,
		     struct fg_error *error);

#endif /* PIPELINE_H */
