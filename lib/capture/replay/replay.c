/* SPDX-License-Identifier: MIT */
/*
 * A source that replays a capture file, which is loaded to memory once.
 *
 * Each packet is an mbuf attached to the file's memory, without a copy. The mbuf's own small buffer
 * holds the shared info (reference count) that DPDK requires for attached memory, so that lcores
 * share none.
 *
 * The pool limits the packets in flight: it has exactly src->mbufs mbufs, and rx_burst() returns
 * nothing while none is free. An lcore that frees packets keeps up to 1.5 times its cache size in
 * its cache, where rx_burst() cannot take them. Caches are sized so that all together hold at most
 * half of the pool: a replay cannot stall.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <fg_pool.h>

#include "replay_clock.h"
#include "replay_file.h"
#include "source_pool.h"

#define SECOND_NS 1000000000u
#define ROOM      RTE_ALIGN_CEIL(sizeof(struct rte_mbuf_ext_shared_info), RTE_CACHE_LINE_SIZE)

struct replay_conf {
	char *path;
	uint64_t rate;
	uint64_t loops;
};

static const char *const rate_names[] = {"max", "recorded", NULL};
#define RATE_MAX      FG_OPTION_NAMED(0u)
#define RATE_RECORDED FG_OPTION_NAMED(1u)

static const struct fg_option replay_options[] = {
	{.name = "path",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct replay_conf, path),
	 .help = "capture file, pcap or pcapng, also gzip, zstd, xz, lz4, bzip2"},
	{.name = "rate",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct replay_conf, rate),
	 .min = 1,
	 .max = SECOND_NS,
	 .names = rate_names,
	 .value = "max",
	 .unit = "packets/s",
	 .help = "recorded: at the recorded pace, in step with other such replays; max: as fast as "
		 "the pipeline takes packets; or a "
		 "number"},
	{.name = "loops",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct replay_conf, loops),
	 .max = UINT32_MAX,
	 .value = "1",
	 .help = "number of repetitions; 0: endless"},
	{0}};

struct replay {
	/* Written by control while no lcore polls. */
	struct replay_file file;
	struct rte_mempool *pool;
	uint64_t rate;
	uint64_t loops;     /* 0: endless. */
	uint64_t span_ns;   /* Time from the first packet of a loop to that of the next. */
	uint64_t origin_ns; /* Recorded time at time 0 of the replays' clock. */
	uint64_t hz;
	uint64_t ns_per_tick_q32;
	struct replay_member member;

	/* Written by the lcore that polls. */
	struct {
		uint64_t next;    /* Index of the next packet in the file. */
		uint64_t loop;    /* Finished loops. */
		uint64_t loop_ns; /* Added to recorded times: loop * span_ns. */
		uint64_t sent;
		_Atomic bool ended; /* Read by control. */
	} __attribute__((aligned(128))) at;
};

/*
 * Called when an mbuf is freed: resets its reference count, now 0, for the next packet. The file's
 * memory stays until the source is closed, so a clone that outlives this mbuf is valid.
 */
static void reset_refcnt(void *data, void *opaque)
{
	(void)data;
	rte_mbuf_ext_refcnt_set(opaque, 1);
}

static struct rte_mbuf_ext_shared_info *shared_info_of(struct rte_mbuf *m)
{
	return m->buf_addr;
}

static void init_shared_info(struct rte_mempool *pool, void *opaque, void *object,
			     unsigned int index)
{
	struct rte_mbuf_ext_shared_info *shared = shared_info_of(object);

	(void)pool;
	(void)opaque;
	(void)index;
	shared->free_cb = reset_refcnt;
	shared->fcb_opaque = shared;
	rte_mbuf_ext_refcnt_set(shared, 1);
}

static int make_pool(const struct fg_source *src, struct replay *r, struct fg_error *error)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	if (src->mbufs == 0)
		return fg_error_set(error, EINVAL, "source %s: mbufs is 0, expected at least 1",
				    src->name);
	source_pool_name(src, name);
	r->pool = rte_pktmbuf_pool_create_by_ops(name, src->mbufs, source_pool_cache(src->mbufs),
						 FG_META_BYTES, ROOM, src->socket_id, FG_POOL_OPS);
	if (r->pool == NULL)
		return fg_error_set(
			error, rte_errno,
			"source %s: no DPDK memory for %u mbufs (%s); give EAL more with "
			"-m or hugepages",
			src->name, src->mbufs, rte_strerror(rte_errno));
	rte_mempool_obj_iter(r->pool, init_shared_info, NULL);
	return 0;
}

static void set_pace(struct replay *r, const struct replay_conf *conf)
{
	r->rate = conf->rate;
	r->loops = conf->loops;
	r->span_ns = replay_clock_span(&r->file);
	r->hz = rte_get_tsc_hz();
	r->ns_per_tick_q32 = ((uint64_t)SECOND_NS << 32) / r->hz;
	atomic_store_explicit(&r->at.ended, r->file.count == 0, memory_order_release);
}

static int replay_open(struct fg_source *src, const void *conf_in, struct fg_error *error)
{
	const struct replay_conf *conf = conf_in;
	struct replay *r;
	int rc;

	if (src->n_queues != 1)
		return fg_error_set(error, EINVAL, "source %s: a replay has 1 queue, not %u",
				    src->name, src->n_queues);
	src->socket_id = (int)rte_socket_id();
	r = rte_zmalloc(NULL, sizeof(*r), 128);
	if (r == NULL)
		return fg_error_set(error, ENOMEM,
				    "source %s: no DPDK memory; give EAL more with -m or hugepages",
				    src->name);
	rc = replay_file_load(&r->file, conf->path, error);
	if (rc == 0)
		rc = make_pool(src, r, error);
	if (rc != 0) {
		replay_file_free(&r->file);
		rte_free(r);
		return rc;
	}
	src->spare = src->mbufs;
	set_pace(r, conf);
	r->member.name = src->name;
	r->member.file = r->rate == RATE_RECORDED ? &r->file : NULL;
	replay_clock_join(&r->member);
	src->priv = r;
	return 0;
}

/* After a stop the replay continues at the same packet, as if no time had passed. */
static int replay_start(struct fg_source *src, struct fg_error *error)
{
	struct replay *r = src->priv;

	(void)error;
	replay_clock_start();
	if (r->rate != RATE_RECORDED)
		return 0;
	r->origin_ns = replay_clock.origin_ns;
	r->span_ns = replay_clock.span_ns;
	return 0;
}

static void replay_stop(struct fg_source *src)
{
	(void)src;
	replay_clock_stop();
}

/* How many of the next @max packets are due at the recorded pace. Hot. */
static uint64_t due_recorded(const struct replay *r, uint64_t max)
{
	const uint64_t ticks = replay_clock_ticks();
	const uint64_t run_ns = (uint64_t)(((unsigned __int128)ticks * r->ns_per_tick_q32) >> 32);
	uint64_t count = 0;

	if (run_ns < r->at.loop_ns)
		return 0;
	/* A packet whose time is before its predecessor's is due, too. */
	while (count < max && replay_file_packet(&r->file, r->at.next + count)->ns <=
				      r->origin_ns + (run_ns - r->at.loop_ns))
		count++;
	return count;
}

/* How many are due at r->rate packets per second: the first at once, then evenly. Hot. */
static uint64_t due_even(const struct replay *r, uint64_t max)
{
	const uint64_t ticks = replay_clock_ticks();
	const uint64_t total = (uint64_t)((unsigned __int128)ticks * r->rate / r->hz) + 1;

	return total <= r->at.sent ? 0 : RTE_MIN(total - r->at.sent, max);
}

static uint64_t due(const struct replay *r, uint64_t max)
{
	/* A burst ends at the end of the file: all its packets have the same loop_ns. */
	max = RTE_MIN(max, r->file.count - r->at.next);
	if (r->rate == RATE_MAX)
		return max;
	return r->rate == RATE_RECORDED ? due_recorded(r, max) : due_even(r, max);
}

/* Attach a packet of the file to the mbuf. Hot. */
static void attach_packet(const struct replay *r, struct rte_mbuf *m,
			  const struct replay_packet *packet)
{
	struct fg_meta *meta = fg_meta(m);

	rte_pktmbuf_attach_extbuf(m, packet->data, packet->iova, packet->len, shared_info_of(m));
	m->data_len = packet->len;
	m->pkt_len = packet->len;
	meta->rx_ns = packet->ns + r->at.loop_ns;
	meta->wire_len = packet->wire_len;
	meta->flags = FG_META_TIMED;
}

static void advance(struct replay *r, uint64_t count)
{
	r->at.sent += count;
	r->at.next += count;
	if (r->at.next < r->file.count)
		return;
	r->at.next = 0;
	r->at.loop++;
	r->at.loop_ns += r->span_ns;
	if (r->at.loop == r->loops)
		atomic_store_explicit(&r->at.ended, true, memory_order_release);
}

static uint16_t replay_rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
				uint16_t max)
{
	struct replay *r = src->priv;
	uint64_t count;

	(void)queue;
	if (atomic_load_explicit(&r->at.ended, memory_order_relaxed))
		return 0;
	count = due(r, max);
	/* A nearly empty pool may still have mbufs for a smaller burst. */
	while (count > 0 && rte_pktmbuf_alloc_bulk(r->pool, pkts, (unsigned int)count) != 0)
		count /= 2;
	if (count == 0)
		return 0;
	for (uint64_t i = 0; i < count; i++) {
		const struct replay_packet *packet = replay_file_packet(&r->file, r->at.next + i);

		rte_prefetch0(packet->data);
		attach_packet(r, pkts[i], packet);
	}
	advance(r, count);
	return (uint16_t)count;
}

static bool replay_ended(struct fg_source *src)
{
	struct replay *r = src->priv;

	return atomic_load_explicit(&r->at.ended, memory_order_acquire);
}

static uint64_t replay_outstanding(struct fg_source *src)
{
	struct replay *r = src->priv;

	return source_pool_in_use(r->pool);
}

static void replay_close(struct fg_source *src)
{
	struct replay *r = src->priv;

	replay_clock_leave(&r->member);
	rte_mempool_free(r->pool);
	replay_file_free(&r->file);
	rte_free(r);
	src->priv = NULL;
}

const struct fg_source_ops fg_source_replay = {
	.name = "replay",
	.help = "a capture file, loaded once, sent by reference",
	.options = replay_options,
	.conf_bytes = sizeof(struct replay_conf),
	.timed = true,
	.waits = true,
	.open = replay_open,
	.start = replay_start,
	.rx_burst = replay_rx_burst,
	.stop = replay_stop,
	.ended = replay_ended,
	.outstanding = replay_outstanding,
	.close = replay_close,
};
