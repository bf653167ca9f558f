/* SPDX-License-Identifier: MIT */
/* Message filters and a feed's maps, for tests. Include cmocka.h before it. */
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

/* A filter and the maps of its feed. */
struct rig {
	struct fg_symbols *symbols;
	struct fg_orders *orders;
	struct fg_msg_filter *filter;
};

static inline struct fg_symbols *rig_symbols(const struct fg_protocol *protocol,
					     uint32_t symbols_max)
{
	const struct fg_symbols_conf conf = {
		.protocol = protocol, .symbols_max = symbols_max, .socket_id = SOCKET_ID_ANY};
	struct fg_symbols *symbols = NULL;
	struct fg_error error = {0};

	if (fg_symbols_create(&conf, &symbols, &error) != 0)
		fail_msg("%s", error.text);
	return symbols;
}

static inline struct fg_orders *rig_orders(const struct fg_protocol *protocol, uint32_t orders_max)
{
	const struct fg_orders_conf conf = {
		.protocol = protocol, .orders_max = orders_max, .socket_id = SOCKET_ID_ANY};
	struct fg_orders *orders = NULL;
	struct fg_error error = {0};

	if (fg_orders_create(&conf, &orders, &error) != 0)
		fail_msg("%s", error.text);
	return orders;
}

static inline struct fg_msg_filter *rig_filter(const struct fg_msg_filter_conf *conf)
{
	struct fg_msg_filter *filter = NULL;
	struct fg_error error = {0};

	if (fg_msg_filter_create(conf, &filter, &error) != 0)
		fail_msg("%s", error.text);
	assert_string_equal(error.text, "");
	return filter;
}

/* Make the filter of @p conf, with maps of these sizes. */
static inline void rig_open(struct rig *rig, const struct fg_msg_filter_conf *conf,
			    uint32_t symbols_max, uint32_t orders_max)
{
	struct fg_msg_filter_conf with_maps = *conf;

	rig->symbols = rig_symbols(conf->protocol, symbols_max);
	rig->orders = rig_orders(conf->protocol, orders_max);
	with_maps.symbols = rig->symbols;
	with_maps.orders = rig->orders;
	with_maps.socket_id = SOCKET_ID_ANY;
	rig->filter = rig_filter(&with_maps);
}

static inline void rig_close(struct rig *rig)
{
	fg_msg_filter_free(rig->filter);
	fg_symbols_free(rig->symbols);
	fg_orders_free(rig->orders);
}

/* Match a copy that ends where the packet ends, so that a sanitizer sees reads beyond it. */
static inline bool rig_match(struct fg_msg_filter *filter, const struct fg_protocol *protocol,
			     const uint8_t *bytes, uint32_t len,
			     struct fg_msg_filter_result *result)
{
	struct fg_feed_packet packet;
	uint8_t *payload = malloc(len);
	bool read;

	assert_non_null(payload);
	memcpy(payload, bytes, len);
	read = fg_protocol_read(protocol, payload, (uint16_t)len, &packet) == 0;
	if (read)
		fg_msg_filter_match(filter, payload, &packet, result);
	free(payload);
	return read;
}

/* The result must be the expected one; @p packet names the packet. */
static inline void rig_expect(const char *packet, const struct fg_msg_filter_result *result,
			      const struct fg_msg_filter_result *expected)
{
	if (!model_agrees(result, expected))
		fail_msg("%s: mask %llx of %u, %u matched, %u unmapped, end %u; expected %llx of "
			 "%u, %u, %u, %u",
			 packet, (unsigned long long)result->mask, result->n_messages,
			 result->n_matched, result->n_unmapped, result->walk_end,
			 (unsigned long long)expected->mask, expected->n_messages,
			 expected->n_matched, expected->n_unmapped, expected->walk_end);
}

#endif /* TEST_FILTER_RIG_H */
