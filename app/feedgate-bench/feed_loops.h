/* SPDX-License-Identifier: MIT */
/*
 * Plain loops as subjects, as a first version of a program has them:
 *
 *   feed_naive.c  find what the subscription matches
 *   feed_walk.c   only go from message to message; only touch the packet
 *
 * All prefetch payloads into L1, FEED_NEAR packets ahead in the burst.
 */
#ifndef FEED_LOOPS_H
#define FEED_LOOPS_H

#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include <fg_msg_filter.h>

#include "feed_work.h"

#define FEED_NEAR 8u

/* Types and instruments that the plain loop selects. */
struct naive {
	bool types[65536];
	uint64_t locates[1024];
	uint64_t counts[256]; /* of types */
	uint32_t mask;
	uint32_t *ids; /* [mask + 1], open addressing */
	const struct feed_case *feed_case;
};

static inline const uint8_t *loop_payload(struct rte_mbuf *m, uint32_t *bytes)
{
	const struct fg_meta *meta = fg_meta(m);

	*bytes = meta->payload_len;
	return rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->payload_off);
}

static inline void loop_prefetch(struct rte_mbuf *m)
{
	uint32_t bytes;
	const uint8_t *payload = loop_payload(m, &bytes);

	fg_msg_filter_prefetch(payload, bytes);
}

/* A subject's loop over a burst. */
static __rte_always_inline void
loop_each(const struct feed_burst *burst, struct naive *naive, uint64_t *sum,
	  uint32_t (*one)(struct naive *, const uint8_t *, uint32_t))
{
	for (uint16_t i = 0; i < RTE_MIN(burst->count, FEED_NEAR); i++)
		loop_prefetch(burst->pkts[i]);
	for (uint16_t i = 0; i < burst->count; i++) {
		uint32_t bytes;
		const uint8_t *payload = loop_payload(burst->pkts[i], &bytes);

		if (i + FEED_NEAR < burst->count)
			loop_prefetch(burst->pkts[i + FEED_NEAR]);
		*sum += one(naive, payload, bytes);
	}
}

static inline uint16_t load_be16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return rte_be_to_cpu_16(value);
}

static inline uint16_t load_le16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return rte_le_to_cpu_16(value);
}

static inline bool loop_is_of(const struct feed_case *feed_case, const char *protocol)
{
	return strcmp(feed_case->protocol->name, protocol) == 0;
}

/* Make the state of a subject. 0, or -errno with @p error set. */
int loop_open(struct feed_subject *subject, const struct feed_maker *maker, struct fg_error *error);
/* Its answer since the last check must be @p expected; @p seen NULL: check nothing. */
int loop_check(struct feed_subject *subject, const struct feed_seen *seen, uint64_t expected,
	       struct fg_error *error);

#endif /* FEED_LOOPS_H */
