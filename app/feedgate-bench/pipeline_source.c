/* SPDX-License-Identifier: MIT */
/*
 * A source like a NIC at full speed. Each mbuf has its packet from the beginning; the packets come
 * again and again, and their sequence numbers continue, so that the arbiter sees a feed that goes
 * on. rx_burst() writes of an mbuf what a driver writes. The number that a packet has next time is
 * written half a lap before it comes again: by then its cache lines have left the near caches of
 * the rx lcore, as if a NIC had written them to the L3 cache. All packets with their mbufs take
 * some 10 MB, which is meant to fit the L3 cache and no L2 cache.
 *
 * Freed mbufs go through the lcores' caches to the pool, as always, which only counts them: it does
 * not give them out. At most IN_FLIGHT are in use, fewer than half of all, so none is written while
 * it is read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "pipeline.h"

#define POOL_OPS  "feedgate_bench"
#define CACHE     256u
#define IN_FLIGHT 4096u /* of all sources together */
#define POLLS     64u   /* between two looks at the clock; a power of two */

/* State of a pool. */
struct pool {
	_Atomic uint64_t freed;    /* written by the lcores that free */
	_Atomic uint64_t received; /* written by the rx lcore */
};

static int pool_alloc(struct rte_mempool *mp)
{
	mp->pool_data = calloc(1, sizeof(struct pool));
	return mp->pool_data != NULL ? 0 : -ENOMEM;
}

static void pool_free(struct rte_mempool *mp)
{
	free(mp->pool_data);
}

static int pool_enqueue(struct rte_mempool *mp, void *const *objects, unsigned int n)
{
	struct pool *pool = mp->pool_data;

	(void)objects;
	atomic_fetch_add_explicit(&pool->freed, n, memory_order_release);
	return 0;
}

static int pool_dequeue(struct rte_mempool *mp, void **objects, unsigned int n)
{
	(void)mp;
	(void)objects;
	(void)n;
	return -ENOBUFS;
}

static unsigned int pool_count(const struct rte_mempool *mp)
{
	struct pool *pool = mp->pool_data;

	return (unsigned int)(atomic_load(&pool->freed) - atomic_load(&pool->received));
}

static const struct rte_mempool_ops pool_ops = {.name = POOL_OPS,
						.alloc = pool_alloc,
						.free = pool_free,
						.enqueue = pool_enqueue,
						.dequeue = pool_dequeue,
						.get_count = pool_count};
RTE_MEMPOOL_REGISTER_OPS(pool_ops)

/* The packet that was read half a lap ago gets the number that it has next time. */
static inline void write_next(const struct pipeline_source *s)
{
	const uint32_t half = s->count / 2;
	const bool later = s->position >= half;
	const uint64_t lap = s->lap + (later ? 1 : 0);
	const struct pipeline_packet *p = &s->packets[s->position + (later ? 0 : s->count) - half];
	const uint64_t number = rte_cpu_to_be_64(p->first + lap * p->advance);

	memcpy(p->number_at, &number, sizeof(number));
}

/* What a driver writes for each packet. */
static inline struct rte_mbuf *receive(const struct pipeline_packet *p)
{
	struct rte_mbuf *m = p->m;

	m->data_off = RTE_PKTMBUF_HEADROOM;
	m->refcnt = 1;
	m->nb_segs = 1;
	m->port = 0;
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	m->packet_type = 0;
	m->pkt_len = p->bytes;
	m->data_len = p->bytes;
	m->vlan_tci = 0;
	m->hash.rss = 0;
	return m;
}

/* The CPU time that the lcore has used up to these packets. */
static __rte_noinline void publish_time(struct pipeline_source *s)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	atomic_fetch_add(&s->time.version, 1);
	atomic_store(&s->time.cpu_ns, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	atomic_store(&s->time.packets, s->received);
	atomic_fetch_add(&s->time.version, 1);
}

void pipeline_source_time(struct pipeline_source *s, uint64_t *packets, uint64_t *cpu_ns)
{
	uint32_t version;

	do {
		version = atomic_load(&s->time.version);
		*packets = atomic_load(&s->time.packets);
		*cpu_ns = atomic_load(&s->time.cpu_ns);
	} while (version % 2 != 0 || version != atomic_load(&s->time.version));
}

/* How many packets may be received now; @max or fewer. */
static inline uint32_t room(struct pipeline_source *s, uint32_t max)
{
	struct pool *pool = s->pool->pool_data;

	max = RTE_MIN(max, s->count - s->position);
	if (unlikely(s->received + max > s->may_receive))
		s->may_receive = atomic_load_explicit(&pool->freed, memory_order_acquire) -
				 s->count + s->in_flight;
	return (uint32_t)RTE_MIN((uint64_t)max, s->may_receive - s->received);
}

static uint16_t rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			 uint16_t max)
{
	struct pipeline_source *s = container_of(src, struct pipeline_source, source);
	const uint32_t n = room(s, max);

	(void)queue;
	if (unlikely((s->polls++ & (POLLS - 1)) == 0))
		publish_time(s);
	for (uint32_t i = 0; i < n; i++) {
		pkts[i] = receive(&s->packets[s->position]);
		if (likely(s->lap > 0) || s->position >= s->count / 2)
			write_next(s);
		s->position++;
	}
	s->received += n;
	if (s->position == s->count) {
		s->position = 0;
		s->lap++;
	}
	return (uint16_t)n;
}

static int start(struct fg_source *src, struct fg_error *error)
{
	(void)src;
	(void)error;
	return 0;
}

static void stop(struct fg_source *src)
{
	struct pipeline_source *s = container_of(src, struct pipeline_source, source);
	struct pool *pool = s->pool->pool_data;

	atomic_store(&pool->received, s->received);
}

static uint64_t outstanding(struct fg_source *src)
{
	return rte_mempool_in_use_count(container_of(src, struct pipeline_source, source)->pool);
}

static const struct fg_source_ops source_ops = {.name = "bench",
						.start = start,
						.rx_burst = rx_burst,
						.stop = stop,
						.outstanding = outstanding};

static void fill(struct rte_mempool *pool, void *opaque, void *object, unsigned int i)
{
	struct pipeline_source *s = opaque;
	struct pipeline_packet *p = &s->packets[i];

	(void)pool;
	p->m = object;
	pipeline_packet_make(p, i, s->share, s->shares);
	p->number_at = (uint8_t *)p->m->buf_addr + RTE_PKTMBUF_HEADROOM + PIPELINE_NUMBER_AT;
}

int pipeline_source_open(struct pipeline_source *s, uint32_t share, uint32_t shares,
			 struct fg_error *error)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "bench-%u", share);
	s->share = share;
	s->shares = shares;
	s->count = pipeline_packet_count(shares);
	s->in_flight = IN_FLIGHT / shares;
	s->packets = calloc(s->count, sizeof(*s->packets));
	s->pool =
		rte_pktmbuf_pool_create_by_ops(name, s->count, CACHE, FG_META_BYTES,
					       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY, POOL_OPS);
	if (s->packets == NULL || s->pool == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u packets: %s", s->count,
				    rte_strerror(rte_errno));
	rte_mempool_obj_iter(s->pool, fill, s);
	s->source = (struct fg_source){.ops = &source_ops,
				       .name = shares > 1 ? "share" : "all",
				       .index = (uint8_t)share,
				       .n_queues = 1,
				       .socket_id = SOCKET_ID_ANY,
				       .mbufs = s->count};
	return 0;
}

void pipeline_source_close(struct pipeline_source *s)
{
	rte_mempool_free(s->pool);
	free(s->packets);
}
