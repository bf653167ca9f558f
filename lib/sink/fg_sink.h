/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Sinks: where the packets that a rule keeps go.
 *
 * A kind of sink (count, pcapng, port) is one ops table in a file of its own;
 * fg_sink_kinds[] lists them. A sink in use is a struct fg_sink: the program
 * fills it from the configuration and calls fg_sink_open(); the pipeline calls
 * fg_sink_start(), fg_sink_put() on its lcores, and fg_sink_stop(); the program
 * calls fg_sink_close().
 *
 * Several lcores may use one sink. Each has a lane of its own, 0..n_lanes-1, and
 * a kind keeps the data of its lanes separate.
 */
#ifndef FG_SINK_H
#define FG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_meta.h>
#include <fg_option.h>
#include <fg_stats.h>

#define FG_SINK_LANES_MAX 64u
#define FG_SINKS_MAX      64u

struct fg_sink;

/** A kind of sink. What is marked optional may be NULL. */
struct fg_sink_ops {
	const char *name;                /**< As written in the configuration. */
	const char *help;                /**< One line for users. */
	const struct fg_option *options; /**< Rows; row 0 takes a scalar: `port: net_null0`. */
	size_t conf_bytes;               /**< Size of the struct that the rows fill; 0: no rows. */
	bool holds; /**< Packets that put() took stay for longer than the call: see hold_max. */

	/**
	 * Acquire everything; may set sink->priv and sink->takes_stdout. Optional.
	 * @param conf  As filled by fg_option_read(); lives as long as the sink.
	 * @return 0 or -errno with @p error set; then nothing is left to close.
	 * Threads: control.
	 */
	int (*open)(struct fg_sink *sink, const void *conf, struct fg_error *error);

	/** Before lcores put. Optional. @return 0 or -errno with @p error set. Threads: control. */
	int (*start)(struct fg_sink *sink, struct fg_error *error);

	/**
	 * Take a burst of stamped packets (fg_meta.h). Hot. Must not block.
	 * @return packets taken, 0..count, always a prefix of @p pkts. Of those,
	 *         one reference each is the sink's to free; the caller counts the
	 *         rest as dropped and frees its reference.
	 * Threads: one lcore per lane; different lanes in parallel.
	 */
	uint16_t (*put)(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			uint16_t count);

	/**
	 * A few times a second while the sink is open: find out whether it stalls, and give back
	 * what it then holds beyond hold_max. Optional. Threads: control; lcores may put.
	 */
	void (*watch)(struct fg_sink *sink);

	/** Mbufs that it holds now. Optional. Threads: control; lcores may put. */
	uint32_t (*held)(const struct fg_sink *sink);

	/**
	 * Lcores have stopped: push out all that put() took. May block for as long as the
	 * disk needs. Optional.
	 * @return 0 or -errno with @p error set. Threads: control.
	 */
	int (*stop)(struct fg_sink *sink, struct fg_error *error);

	/** Free everything; the sink is stopped. Optional. Threads: control. */
	void (*close)(struct fg_sink *sink);
};

/** What one lane did; written by its lcore. */
struct fg_sink_lane {
	struct fg_flow_counter taken; /**< put() accepted them. */
	struct fg_counter refused;    /**< put() did not: dropped here. */
} __attribute__((aligned(128)));

/** What is counted of a source before rules see its packets: for sinks that write it down. */
struct fg_sink_interface {
	/** Packets that the source handed over. Threads: any. */
	uint64_t (*handed_over)(const void *source);
	const void *source;
	/* Written by control, about once a second and when the pipeline starts and stops. */
	struct fg_counter dropped;     /**< The interface, the kernel or the source had no room. */
	struct fg_counter prefiltered; /**< The source's prefilter dropped them. */
	struct fg_counter uncounted;   /**< 1: more may be dropped, and nobody counts them. */
};

/** A sink in use. Fields but priv, takes_stdout and the counters are set before open and stay. */
struct fg_sink {
	const struct fg_sink_ops *ops;
	void *priv;        /**< The kind's own; set by open. */
	const char *name;  /**< From the configuration. */
	uint8_t index;     /**< Position in the configuration; its bit in a rule's sink mask. */
	uint16_t n_lanes;  /**< Lcores that will put: 1..FG_SINK_LANES_MAX. */
	bool takes_stdout; /**< Set by open: the sink writes to standard output. */
	uint16_t n_sources;
	const char *const *source_names; /**< [n_sources], by fg_meta.source. */
	/** [n_sources]; set before start. NULL: not known. */
	const struct fg_sink_interface *interfaces;
	/**
	 * The budget: mbufs that the sink may hold at once, over all lanes, so that the pool of
	 * each source has enough for all others; beyond it put() refuses. 0: no limit. The second
	 * is larger if every source waits for mbufs without loss: it applies until the sink stalls.
	 */
	uint32_t hold_max, hold_working;
	/** Taken but not delivered after all (disk full, ...). Writer: the kind's own thread. */
	struct fg_flow_counter lost;
	/** Of these, packets that no other sink delivers. Writer: the same. */
	struct fg_flow_counter undelivered;
	/** Taken, but given up when the sink stalled. Writer: control, in ops->watch(). */
	struct fg_flow_counter evicted;
	/** Of these, packets that no other sink delivers. Writer: the same. */
	struct fg_flow_counter evicted_undelivered;
	struct fg_sink_lane lanes[FG_SINK_LANES_MAX];
};

/** ops->open() if the kind has it, else 0; the next three likewise. Threads: control. */
int fg_sink_open(struct fg_sink *sink, const void *conf, struct fg_error *error);
int fg_sink_start(struct fg_sink *sink, struct fg_error *error);
int fg_sink_stop(struct fg_sink *sink, struct fg_error *error);
void fg_sink_close(struct fg_sink *sink);

/**
 * Put and count: what fits is taken, the rest is left to the caller.
 * @param taken_bytes  Set to the bytes of those taken; NULL: not needed.
 * Hot. @return as ops->put. Threads: as ops->put.
 */
static inline uint16_t fg_sink_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
				   uint16_t count, uint64_t *taken_bytes)
{
	uint64_t bytes = 0;
	uint16_t taken;

	for (uint16_t i = 0; i < count; i++)
		bytes += rte_pktmbuf_pkt_len(pkts[i]);
	taken = sink->ops->put(sink, lane, pkts, count);
	for (uint16_t i = taken; i < count; i++)
		bytes -= rte_pktmbuf_pkt_len(pkts[i]);
	fg_flow_counter_add(&sink->lanes[lane].taken, taken, bytes);
	fg_counter_add(&sink->lanes[lane].refused, (uint64_t)(count - taken));
	if (taken_bytes != NULL)
		*taken_bytes = bytes;
	return taken;
}

/**
 * Count a packet that put() took and that is not delivered after all.
 * @param bytes  Its length.
 * @param last   As fg_meta_give_up() returned: no other sink delivers it.
 * Threads: the kind's own.
 */
static inline void fg_sink_lose(struct fg_sink *sink, uint64_t bytes, bool last)
{
	fg_flow_counter_add(&sink->lost, 1, bytes);
	if (last)
		fg_flow_counter_add(&sink->undelivered, 1, bytes);
}

/** Sums over the lanes: delivered = taken - lost - evicted. */
struct fg_sink_totals {
	uint64_t packets, bytes; /**< Delivered. */
	uint64_t dropped;        /**< Packets not delivered: full and failed. */
	uint64_t full;           /**< Refused or given up: it held as many as it may. */
	uint64_t failed;         /**< Lost: it could not write them. */
	uint32_t held;           /**< Mbufs, now. */
};

/** ops->watch(), for a kind that has it. Threads: control. */
void fg_sink_watch(struct fg_sink *sink);

/** Fill @p totals. Threads: any. */
void fg_sink_totals(const struct fg_sink *sink, struct fg_sink_totals *totals);

/** Every built-in kind, NULL-terminated. */
extern const struct fg_sink_ops *const fg_sink_kinds[];

/** The kind called @p name, or NULL. Threads: any. */
const struct fg_sink_ops *fg_sink_kind(const char *name);

#endif /* FG_SINK_H */
