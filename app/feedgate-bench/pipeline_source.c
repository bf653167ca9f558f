/* SPDX-License-Identifier: MIT */
/*
 * A source like a NIC: `replay` at full speed, with one change. When the capture is repeated,
 * sequence numbers continue, so that the arbiter sees a feed that goes on. A packet's next number
 * is written half a capture before the packet comes again: by then its cache lines have left the
 * near caches of the rx lcore, as if a NIC had written them to the L3 cache. All packets together
 * take some 13 MB, which is meant to fit the L3 cache and no L2 cache.
 *
 * There are fewer mbufs than half of the packets, so no packet is written while it is in use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include <fg_node.h>

#include "pipeline.h"

#define POLLS 1024u /* between two looks at the clock; a power of two */

static const struct fg_source_ops *replay;

/* The packet that was read half a capture ago gets the number that it has next time. */
static inline void write_next(struct pipeline_source *s)
{
	const uint32_t half = s->count / 2;
	const bool later = s->position >= half;
	const uint64_t lap = s->lap + (later ? 1 : 0);
	const struct pipeline_packet *p = &s->packets[s->position + (later ? 0 : s->count) - half];
	const uint64_t number = rte_cpu_to_be_64(p->first + lap * s->numbers);

	memcpy(p->number_at, &number, sizeof(number));
}

static void remember(struct pipeline_source *s, struct rte_mbuf *m)
{
	struct pipeline_packet *p = &s->packets[s->position];

	p->number_at = rte_pktmbuf_mtod_offset(m, uint8_t *, PIPELINE_NUMBER_AT);
	memcpy(&p->first, p->number_at, sizeof(p->first));
	p->first = rte_be_to_cpu_64(p->first);
}

/* The CPU time that the lcore has used up to these packets. */
static __rte_noinline void publish_time(struct pipeline_source *s)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	atomic_fetch_add(&s->time.version, 1);
	atomic_store(&s->time.cpu_ns, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	atomic_store(&s->time.packets, s->lap * s->count + s->position);
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

static uint16_t rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			 uint16_t max)
{
	struct pipeline_source *s = container_of(src, struct pipeline_source, source);
	const uint16_t n = replay->rx_burst(src, queue, pkts, max);

	if (unlikely((s->polls++ & (POLLS - 1)) == 0))
		publish_time(s);
	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(s->lap == 0))
			remember(s, pkts[i]);
		if (likely(s->lap > 0) || s->position >= s->count / 2)
			write_next(s);
		if (++s->position == s->count) {
			s->position = 0;
			s->lap++;
		}
	}
	return n;
}

int pipeline_source_open(struct pipeline_source *s, const char *capture, uint32_t shares,
			 struct fg_error *error)
{
	int rc;

	replay = fg_source_kind("replay");
	s->ops = *replay;
	s->ops.rx_burst = rx_burst;
	s->source.ops = &s->ops;
	s->source.name = shares > 1 ? "share" : "pipeline";
	s->source.n_queues = 1;
	s->source.mbufs = PIPELINE_MBUFS / shares;
	s->numbers = pipeline_numbers();
	s->count = 2 * PIPELINE_FEEDS * PIPELINE_ROUNDS / shares;
	s->packets = calloc(s->count, sizeof(*s->packets));
	s->conf = calloc(1, replay->conf_bytes);
	if (s->conf == NULL || s->packets == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	rc = fg_option_read(replay->options,
			    &(struct fg_node){.kind = FG_NODE_SCALAR, .text = capture}, s->conf,
			    error);
	for (const struct fg_option *row = replay->options; rc == 0 && row->name != NULL; row++)
		if (strcmp(row->name, "loops") == 0)
			rc = fg_option_set(row, s->conf, "0", NULL, error);
	if (rc == 0)
		rc = s->ops.open(&s->source, s->conf, error);
	s->open = rc == 0;
	return rc;
}

void pipeline_source_close(struct pipeline_source *s)
{
	if (s->open)
		s->ops.close(&s->source);
	if (s->conf != NULL)
		fg_option_free(replay->options, s->conf);
	free(s->conf);
	free(s->packets);
}
