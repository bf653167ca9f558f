/* SPDX-License-Identifier: MIT */
/* A filter filter over a feed, for tests. Needs cmocka.h before it. */
#ifndef TEST_FILTER_RIG_H
#define TEST_FILTER_RIG_H

#include <rte_memory.h>

#include <fg_eal.h>

#include "filter_model.h"

static inline uint32_t be16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t le16(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8;
}

/* A filter over a feed, and what it is to say. */
struct rig {
	struct fg_known *known;
	struct fg_msg_filter *filter;
	bool any, pass;
};

static inline void rig_close(struct rig *rig)
{
	fg_msg_filter_free(rig->filter);
	fg_known_free(rig->known);
}

/* A copy that ends where the packet ends, so that a sanitizer sees what goes beyond. */
static inline bool rig_match(struct rig *rig, const char *protocol, const uint8_t *bytes,
			     uint32_t len, struct fg_msg_filter_result *result)
{
	struct fg_feed_packet packet;
	uint8_t *payload = malloc(len);
	bool read;

	assert_non_null(payload);
	memcpy(payload, bytes, len);
	read = fg_protocol_read(fg_protocol_find(protocol), payload, (uint16_t)len, &packet) == 0;
	if (read)
		fg_msg_filter_match(rig->filter, payload, &packet, result);
	free(payload);
	return read;
}

#endif /* TEST_FILTER_RIG_H */
