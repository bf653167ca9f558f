/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A source: where packets come from. Each kind of source (a capture backend, such as
 * ethdev, af_xdp or replay) is one struct fg_source_ops.
 *
 * fg_source_kinds[] is made from the rows of lib/capture/meson.build. A new kind is a folder
 * with a file that defines `const struct fg_source_ops fg_source_NAME`, and one row.
 *
 * Life of a source: open -> start -> (rx_burst ...) -> stop -> start ... -> stop -> close.
 *
 * A source counts the packets that were lost before it could hand them over (struct
 * fg_source_lost). The pipeline counts the packets that it received.
 */
#ifndef FG_SOURCE_H
#define FG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include <fg_burst.h>
#include <fg_error.h>
#include <fg_meta.h>
#include <fg_option.h>
#include <fg_stats.h>

#define FG_SOURCE_QUEUES_MAX 64u
#define FG_SOURCES_MAX       64u

struct fg_source;

/** Packets that a source did not hand over, since open. */
struct fg_source_lost {
	uint64_t nic;     /**< The NIC or the kernel had no room: imissed, tp_drops, ... */
	uint64_t no_mbuf; /**< No mbuf was free (rx_nombuf); more in docs/capture.md. */
	uint64_t errors;  /**< Damaged on the wire (ierrors), or longer than a buffer. */
	bool nic_unknown; /**< More may be lost there: nobody counts it. nic is what is known. */
	uint64_t prefiltered; /**< Not lost: dropped by the source's prefilter, if it can count. */
};

/** A counter or gauge that only this kind of source has, for display. */
struct fg_source_figure {
	const char *name; /**< A word or two: "blocks held". */
	const char *help; /**< What it means, in one line. */
	uint64_t value;
};
#define FG_SOURCE_FIGURES_MAX 24u

/** State of a source's device. */
enum fg_link {
	FG_LINK_NONE = 0, /**< The source has no device: it reads a file. */
	FG_LINK_UP,
	FG_LINK_DOWN, /**< No carrier, or set down. */
	FG_LINK_GONE, /**< Unplugged or removed. Some kinds continue when it comes back. */
};

/** A destination that a source's prefilter lets through. All zero: any packet. */
struct fg_source_group {
	uint8_t family;   /**< 4 or 6; 0: any address, ip is ignored. */
	uint8_t protocol; /**< IP protocol, 17 or 6; 0: any, port_be is ignored. */
	uint16_t port_be; /**< Destination port; 0: any. */
	uint8_t ip[16];   /**< Destination address; IPv4 in the first four bytes, the rest zero. */
};

/**
 * One kind of source. Optional members (probe, ended, lost, figures, watch, prefilter) are
 * NULL when the kind has no such thing: callers check, or use the fg_source_*() functions
 * below. All others must be set.
 */
struct fg_source_ops {
	const char *name;                /**< Key in the configuration: "ethdev", "replay". */
	const char *help;                /**< One line for users. */
	const struct fg_option *options; /**< Rows; row 0 takes a scalar: `ethdev: net_pcap0`. */
	size_t conf_bytes;               /**< Size of the struct that the rows fill. */
	bool timed; /**< rx_burst() sets rx_ns, wire_len and flags of each packet's fg_meta. */
	bool waits; /**< While no mbuf is free it waits, for as long as it takes, and loses nothing.
		     */

	/**
	 * Optional: can this process open such a source on this machine? NULL: always. Leaves
	 * nothing open.
	 * @return 0, or -errno with @p error naming what is missing. Threads: control; EAL may
	 *         not be initialised.
	 */
	int (*probe)(struct fg_error *error);

	/**
	 * Acquire all resources; set src->priv and src->socket_id.
	 * @param conf  As fg_option_read() filled it; outlives the source.
	 * @return 0, or -errno with @p error set and nothing left to close. Threads: control.
	 */
	int (*open)(struct fg_source *src, const void *conf, struct fg_error *error);

	/** Start receiving. @return 0, or -errno with @p error set. Threads: control; no lcore
	 * polls. */
	int (*start)(struct fg_source *src, struct fg_error *error);

	/**
	 * Receive up to @p max packets. Hot. Never blocks.
	 * @return packets stored in @p pkts, 0..max; the caller owns them.
	 * Threads: one lcore per queue; different queues in parallel.
	 */
	uint16_t (*rx_burst)(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			     uint16_t max);

	/** Stop receiving. Packets not yet polled may be lost. Threads: control; no lcore polls. */
	void (*stop)(struct fg_source *src);

	/** Optional: true once no more packets can come, such as at the end of a file. NULL: never.
	 * Threads: control; lcores may poll. */
	bool (*ended)(struct fg_source *src);

	/** Optional: packets lost since open. NULL: the kind loses none. Threads: control; lcores
	 * may poll. */
	void (*lost)(struct fg_source *src, struct fg_source_lost *lost);

	/**
	 * Optional: the kind's own counters, since open.
	 * @return how many of @p figures were filled. Threads: control; lcores may poll.
	 */
	unsigned int (*figures)(struct fg_source *src,
				struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX]);

	/**
	 * Optional: check the device, and handle its removal or return. Called several times
	 * a second. NULL: there is no device.
	 * Threads: control, between open and close; lcores may poll.
	 */
	enum fg_link (*watch)(struct fg_source *src);

	/**
	 * Optional: drop packets to other destinations than @p groups as early as possible. A
	 * packet whose destination is uncertain passes.
	 * @param groups  Copied. NULL: pass everything again.
	 * @return 0, or -errno with @p error set, and then everything passes. -ENOTSUP: this
	 *         source was configured without a prefilter.
	 * Threads: control, between open and close; lcores may poll.
	 */
	int (*prefilter)(struct fg_source *src, const struct fg_source_group *groups,
			 uint32_t count, struct fg_error *error);

	/**
	 * @return mbufs missing from the source's pool: 0 when every packet was freed and the
	 *         source holds none. May close the device to find out: afterwards only lost()
	 *         and close() may be called. Threads: control; after stop, and after all sinks
	 *         were closed.
	 */
	uint64_t (*outstanding)(struct fg_source *src);

	/** Free everything. Threads: control; no lcore polls, every packet was freed. */
	void (*close)(struct fg_source *src);
};

/** What a queue handed over; written by the lcore that polls it. */
struct fg_source_queue {
	struct fg_flow_counter received;
} __attribute__((aligned(128)));

struct interface_missed;

/** A source in use. The creator sets all fields but those that open sets. */
struct fg_source {
	const struct fg_source_ops *ops;
	void *priv;        /**< State of the kind; set by open. */
	const char *name;  /**< From the configuration. */
	uint8_t index;     /**< Position in the configuration. */
	uint8_t line;      /**< 1 for line A, 2 for B, ...; 0: none. */
	uint16_t n_queues; /**< 1..FG_SOURCE_QUEUES_MAX. */
	int socket_id;     /**< NUMA node of the device, or SOCKET_ID_ANY; set by open. */
	uint32_t mbufs;    /**< Mbufs in the packet pool that open creates. */
	uint32_t spare; /**< Of these, what packets in flight can take: the others are in rings of
			   the device, or reserved; set by open. */
	bool nic_checksums; /**< Have the device check checksums, as far as it can. */
	bool uncomputed;    /**< Packets may come from this machine with a checksum that was left to
			       a network card, without notice; set by open. */
	/** Drops of the kernel interface's NIC, which fg_source_count_lost() adds; NULL: none. Set
	 * by open. Control only. */
	struct interface_missed *missed;
	struct fg_source_queue queues[FG_SOURCE_QUEUES_MAX];
};

/** A burst on the rx lcore. */
struct fg_burst {
	uint64_t rx_ticks; /**< TSC, read once, right after rx_burst(). */
	uint64_t bytes;    /**< Sum of the packets' lengths; undefined without packets. */
	uint16_t count;
	struct rte_mbuf *pkts[FG_BURST_MAX];
};

/**
 * Receive a burst, read the TSC, and prefetch the packets' headers for the parser. Hot.
 * Counts packets and bytes of the queue.
 * @return burst->count: 0..FG_BURST_MAX packets; the caller owns them.
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

/** ops->probe(), or 0 for a kind without it. */
int fg_source_probe(const struct fg_source_ops *ops, struct fg_error *error);

/** ops->ended(), or false for a kind without it. */
bool fg_source_ended(struct fg_source *src);

/** Packets that it has handed over, of all queues. Threads: any. */
uint64_t fg_source_received(const struct fg_source *src);

/** ops->lost(), or zeroes for a kind without it, and what the interface's NIC dropped. */
void fg_source_count_lost(struct fg_source *src, struct fg_source_lost *lost);

/** Every kind of this build, NULL-terminated. */
extern const struct fg_source_ops *const fg_source_kinds[];

/** The kind called @p name, or NULL. Threads: any. */
const struct fg_source_ops *fg_source_kind(const char *name);

#endif /* FG_SOURCE_H */
