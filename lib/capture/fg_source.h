/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Where packets come from: one ops table per kind of source.
 *
 * The kinds are listed in one visible array, fg_source_kinds[]; there are no
 * constructors and no run-time registration. A new kind is a file of its own
 * and a line in that array.
 *
 * Life: open -> start -> (rx_burst ...) -> stop -> start ... -> stop -> close.
 *
 * What never reached us is counted by fg_source_lost; what a packet that did
 * reach us becomes is the pipeline's affair. A source drops nothing in silence.
 */
#ifndef FG_SOURCE_H
#define FG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include <fg_error.h>
#include <fg_meta.h>
#include <fg_option.h>
#include <fg_stats.h>

#define FG_SOURCE_QUEUES_MAX 64u
#define FG_SOURCES_MAX       64u

struct fg_source;

/** What was lost before a source could hand it over, and what it was told to leave out. */
struct fg_source_lost {
	uint64_t nic;         /**< The NIC or the kernel had no room: imissed, tp_drops, ... */
	uint64_t no_mbuf;     /**< No mbuf free (rx_nombuf), or none that may be held. */
	uint64_t errors;      /**< Broken on the wire (ierrors), or too long for a buffer. */
	uint64_t prefiltered; /**< Not lost: the source's own filter left it out, where it can
				 count. */
};

/** A figure that only this kind of source has, for people. */
struct fg_source_figure {
	const char *name; /**< A word or two: "blocks held". */
	const char *help; /**< What it means, one line. */
	uint64_t value;
};
#define FG_SOURCE_FIGURES_MAX 24u

/** How a source's device is. */
enum fg_link {
	FG_LINK_NONE = 0, /**< It has none: a file. */
	FG_LINK_UP,
	FG_LINK_DOWN, /**< No carrier, or taken down. */
	FG_LINK_GONE, /**< Unplugged or removed; may come back if the kind says so. */
};

/** Where packets go that a source's own filter is to let through. Zeroed: to anywhere. */
struct fg_source_group {
	uint8_t family;   /**< 4 or 6; 0: any address, ip is not looked at. */
	uint8_t protocol; /**< 17 or 6; 0: any, port_be is not looked at. */
	uint16_t port_be; /**< Destination port; 0: every port. */
	uint8_t ip[16];   /**< Destination; IPv4 in the first four bytes, the rest zero. */
};

/** One kind of source. All members are set but those that say otherwise. */
struct fg_source_ops {
	const char *name;                /**< As written in config: "ethdev", "replay". */
	const char *help;                /**< One line for people. */
	const struct fg_option *options; /**< Rows; row 0 takes a scalar: `ethdev: net_pcap0`. */
	size_t conf_bytes;               /**< Size of the struct that the rows fill. */
	bool timed; /**< rx_burst() writes rx_ns, wire_len and flags of each packet's fg_meta. */

	/**
	 * Could this machine and this process open such a source? Opens nothing for long.
	 * @return 0, or -errno with @p error saying what is missing. Control; EAL may not be up.
	 */
	int (*probe)(struct fg_error *error);

	/**
	 * Acquire everything; sets src->priv and src->socket_id.
	 * @param conf  As filled by fg_option_read(); lives as long as the source.
	 * @return 0 or -errno with @p error set; then nothing is left to close. Control.
	 */
	int (*open)(struct fg_source *src, const void *conf, struct fg_error *error);

	/** Let packets in; 0 or -errno with @p error set. Control; no lcore is polling. */
	int (*start)(struct fg_source *src, struct fg_error *error);

	/**
	 * Pull up to @p max packets. Hot. Never blocks.
	 * @return packets stored in @p pkts, 0..max, owned by the caller.
	 * Threads: one lcore per queue; different queues in parallel.
	 */
	uint16_t (*rx_burst)(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			     uint16_t max);

	/** Let no more in. What rx_burst() would still give may be lost. Control; nobody polls. */
	void (*stop)(struct fg_source *src);

	/** Nothing more will ever come (a file ended). Threads: control, while lcores poll. */
	bool (*ended)(struct fg_source *src);

	/** What was lost so far, since open. Threads: control, while lcores poll. */
	void (*lost)(struct fg_source *src, struct fg_source_lost *lost);

	/**
	 * The kind's own figures, since open. NULL: it has none.
	 * @return how many of @p figures were written. Threads: control, while lcores poll.
	 */
	unsigned int (*figures)(struct fg_source *src,
				struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX]);

	/**
	 * Look after the device, several times a second: how it is, and what there
	 * is to do when it went away or came back. NULL: nothing to look after.
	 * Threads: control, between open and close; lcores may poll.
	 */
	enum fg_link (*watch)(struct fg_source *src);

	/**
	 * Leave out, as early as possible, what goes to none of @p groups; whatever
	 * cannot be told for sure is let through. NULL: the kind cannot.
	 * @param groups  NULL: let everything through again. Not kept.
	 * @return 0, or -errno with @p error set; then everything is let through.
	 * Threads: control, between open and close; lcores may poll.
	 */
	int (*prefilter)(struct fg_source *src, const struct fg_source_group *groups,
			 uint32_t count, struct fg_error *error);

	/**
	 * Packets (mbufs) of this source that are out of its pool: 0 when all
	 * that it handed over were freed and it keeps none itself. Control;
	 * after stop and after all sinks are closed. May close the device to
	 * see what it holds: only lost() and close() may follow.
	 */
	uint64_t (*outstanding)(struct fg_source *src);

	/** Free everything. Control; nobody polls, every packet is freed. */
	void (*close)(struct fg_source *src);
};

/** What a queue handed over; written by the lcore that polls it. */
struct fg_source_queue {
	struct fg_flow_counter received;
} __attribute__((aligned(128)));

/** A source in use. Fields but priv and socket_id are set before open and stay. */
struct fg_source {
	const struct fg_source_ops *ops;
	void *priv;        /**< The kind's own; set by open. */
	const char *name;  /**< From config. */
	uint8_t index;     /**< Position in the configuration. */
	uint8_t line;      /**< 1 for A, 2 for B, ...; 0: none. */
	uint16_t n_queues; /**< 1..FG_SOURCE_QUEUES_MAX. */
	int socket_id;     /**< NUMA node of the device, or SOCKET_ID_ANY; set by open. */
	uint32_t mbufs;    /**< Size of the packet pool to make. */
	struct fg_source_queue queues[FG_SOURCE_QUEUES_MAX];
};

/** A burst on its way through the rx lcore. */
struct fg_burst {
	uint64_t rx_ticks; /**< Read once, right after the pull. */
	uint64_t bytes;    /**< Sum of the packets' lengths; undefined without packets. */
	uint16_t count;
	struct rte_mbuf *pkts[FG_BURST_MAX];
};

/**
 * Pull a burst, read the clock, and ask for the packets' headers, so that they
 * are in the cache when parse comes to them. Hot.
 * @return burst->count: 0..FG_BURST_MAX packets, owned by the caller. Packets
 *         and bytes are counted for the queue.
 * Threads: as rx_burst.
 */
static inline uint16_t fg_source_rx(struct fg_source *src, uint16_t queue, struct fg_burst *burst)
{
	const uint16_t count = src->ops->rx_burst(src, queue, burst->pkts, FG_BURST_MAX);
	uint64_t bytes = 0;

	burst->count = count;
	if (count == 0)
		return 0;
	burst->rx_ticks = rte_rdtsc();
#pragma GCC unroll 4
	for (unsigned int i = 0; i < count; i++) {
		bytes += rte_pktmbuf_pkt_len(burst->pkts[i]);
		rte_prefetch0(rte_pktmbuf_mtod(burst->pkts[i], void *));
	}
	burst->bytes = bytes;
	fg_flow_counter_add(&src->queues[queue].received, count, bytes);
	return count;
}

/** Every kind built in, NULL-terminated. */
extern const struct fg_source_ops *const fg_source_kinds[];

/** The kind called @p name, or NULL. Threads: any. */
const struct fg_source_ops *fg_source_kind(const char *name);

#endif /* FG_SOURCE_H */
