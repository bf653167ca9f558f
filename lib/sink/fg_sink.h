/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Where matched packets go: one ops table per kind of sink.
 *
 * The kinds are listed in one visible array, fg_sink_kinds[]. A new kind is a
 * file of its own and a line in that array.
 *
 * Several lcores may use one sink; each has a lane of its own, 0..n_lanes-1,
 * and a kind keeps whatever they write apart by lane.
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

struct fg_sink_ops {
	const char *name; /**< As written in config: "count", "pcapng", "port", "records". */
	const char *help; /**< One line for people. */
	const struct fg_option *options; /**< Rows; row 0 takes a scalar: `port: net_null0`. */
	size_t conf_bytes;               /**< Size of the struct that the rows fill. */

	/**
	 * Acquire everything; sets sink->priv.
	 * @param conf  As filled by fg_option_read(); lives as long as the sink.
	 * @return 0 or -errno with @p error set; then nothing is left to close. Control.
	 */
	int (*open)(struct fg_sink *sink, const void *conf, struct fg_error *error);

	/** Before lcores put; 0 or -errno with @p error set. Control. */
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
	 * Take a record, a text that is complete in itself. NULL: the kind takes
	 * packets. A kind that takes records takes no packets: its put() refuses all.
	 * @return 0 or -errno; then nothing of it was kept.
	 * Threads: control, between open and close. Must not block for long.
	 */
	int (*record)(struct fg_sink *sink, const char *text, size_t bytes);

	/**
	 * Lcores have stopped: push out all that put() took. 0 or -errno with
	 * @p error set. Control. May block for as long as the disk needs.
	 */
	int (*stop)(struct fg_sink *sink, struct fg_error *error);

	/** Free everything. Control; after stop. */
	void (*close)(struct fg_sink *sink);
};

/** What one lane did; written by its lcore. */
struct fg_sink_lane {
	struct fg_flow_counter taken; /**< put() accepted them. */
	struct fg_counter refused;    /**< put() did not: dropped here. */
} __attribute__((aligned(128)));

/** A sink in use. Fields but priv, takes_stdout and lost are set before open and stay. */
struct fg_sink {
	const struct fg_sink_ops *ops;
	void *priv;        /**< The kind's own; set by open. */
	const char *name;  /**< From config. */
	uint8_t index;     /**< Position in the configuration; its bit in a rule's sink mask. */
	uint16_t n_lanes;  /**< Lcores that will put: 1..FG_SINK_LANES_MAX. */
	bool takes_stdout; /**< Set by open: standard output is the sink's, not people's. */
	uint16_t n_sources;
	const char *const *source_names; /**< [n_sources], by fg_meta.source. */
	/** Taken but not delivered after all (disk full, ...). One writer: the kind's own thread,
	 * or, of records, control. */
	struct fg_flow_counter lost;
	struct fg_flow_counter recorded; /**< Records given to it; written by control. */
	struct fg_sink_lane lanes[FG_SINK_LANES_MAX];
};

/**
 * Put and count: what fits is taken, the rest is left to the caller.
 * Hot. @return as ops->put. Threads: as ops->put.
 */
static inline uint16_t fg_sink_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
				   uint16_t count)
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
	return taken;
}

/**
 * Give a record to a sink whose kind takes them, and count it.
 * @return as ops->record. Threads: control.
 */
static inline int fg_sink_record(struct fg_sink *sink, const char *text, size_t bytes)
{
	const int rc = sink->ops->record(sink, text, bytes);

	fg_flow_counter_add(&sink->recorded, 1, bytes);
	if (rc != 0)
		fg_flow_counter_add(&sink->lost, 1, bytes);
	return rc;
}

/** Sums over the lanes, and records; delivered = taken - lost. Threads: any. */
struct fg_sink_totals {
	uint64_t packets, bytes; /**< Delivered; or records, and their bytes. */
	uint64_t dropped;        /**< Refused or lost. */
};

/** Fill @p totals. Threads: control. */
void fg_sink_totals(const struct fg_sink *sink, struct fg_sink_totals *totals);

/** Every kind built in, NULL-terminated. */
extern const struct fg_sink_ops *const fg_sink_kinds[];

/** The kind called @p name, or NULL. Threads: any. */
const struct fg_sink_ops *fg_sink_kind(const char *name);

#endif /* FG_SINK_H */
