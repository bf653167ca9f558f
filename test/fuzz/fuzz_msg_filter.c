/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as packets of a feed with a message filter. The first bytes choose
 * protocol and subscription; the rest are packets, each after two bytes with its
 * length, matched in bursts. Nothing is read outside of a packet, and results are those of a plain
 * model.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include <fg_eal.h>

#include "filter_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD        8u
#define PACKETS_MAX 64u
#define BURST_MAX   20u

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const struct fg_protocol *protocol_by(uint8_t letter)
{
	uint32_t count = 0;

	while (fg_protocols[count] != NULL)
		count++;
	return fg_protocols[(uint8_t)(letter - 'A') % count];
}

/* The input's protocol, with or without its checksum and its own code. */
static struct fg_protocol ignoring;

/* Instruments and types that packets are likely to have. */
static void fill(struct model *model, const uint8_t *head)
{
	static const char *const texts[] = {"1", "2", "7", "97", "symbol:1", "A", "AA", "ZZ"};
	const struct fg_messages *messages = model->protocol->messages;
	const bool named = model_has_kind(model, FG_INSTRUMENT_NUMBER) ||
			   model_has_kind(model, FG_INSTRUMENT_TEXT);

	model->any = (head[1] & 1) != 0;
	model->pass = (head[1] & 2) != 0;
	model->maps_symbols = (head[1] & 4) != 0 && model_has_kind(model, FG_INSTRUMENT_NUMBER);
	ignoring = *model->protocol;
	ignoring.ignore_checksum = (head[1] & 16) != 0;
	if ((head[1] & 32) != 0)
		ignoring.compiled = FG_COMPILED_NONE;
	model->protocol = &ignoring;
	model->maps_orders = (head[1] & 8) != 0 && model_has_kind(model, FG_INSTRUMENT_ORDER);
	for (unsigned int i = 0; i < 8 && named && !model->any; i++) {
		/* Symbols need a feed that has them. */
		if ((head[2] >> i & 1) != 0 &&
		    (i < 4 || model->maps_symbols || model_has_kind(model, FG_INSTRUMENT_TEXT)))
			model->instruments[model->n_instruments++] = texts[i];
	}
	for (unsigned int i = 3; i < 6; i++)
		if (head[i] != 0 && messages->count != 0)
			model->types[model->n_types++] =
				messages->types[head[i] % messages->count].type;
}

/* A packet of a burst: a copy that ends where the packet ends. */
struct one {
	uint8_t *payload;
	struct fg_feed_packet packet;
	struct fg_msg_filter_result result;
};

static void check_burst(const struct fg_protocol *protocol, struct model *model,
			struct fg_msg_filter *filter, struct one *ones, uint32_t count)
{
	struct fg_msg_filter_job jobs[BURST_MAX];
	struct fg_msg_filter_result expected;
	bool learned = false;

	for (uint32_t i = 0; i < count; i++)
		jobs[i] = (struct fg_msg_filter_job){filter, ones[i].payload, &ones[i].packet,
						     &ones[i].result};
	fg_msg_filter_match_burst(jobs, count);
	for (uint32_t i = 0; i < count; i++) {
		struct one *one = &ones[i];

		check(one->result.walk_end ==
		      fg_protocol_verify(protocol, one->payload, &one->packet));
		model_match(model, one->payload, &one->packet, &expected);
		/* What was learned in this burst changes the results of later packets. */
		if (learned)
			fg_msg_filter_match_burst(&jobs[i], 1);
		learned |= one->result.deferred;
		if (one->result.deferred)
			fg_msg_filter_learn(filter, one->payload, &one->packet, &one->result);
		check(model_agrees(&one->result, &expected));
		free(one->payload);
	}
}

static void run_packets(const struct fg_protocol *protocol, struct model *model,
			struct fg_msg_filter *filter, const uint8_t *data, size_t size)
{
	struct one ones[BURST_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < PACKETS_MAX && size >= 2; i++) {
		const size_t room = size - 2, said = (size_t)data[0] << 8 | data[1];
		const uint16_t len = (uint16_t)(said < room ? said : room);
		struct one *one = &ones[count];

		one->payload = malloc(len);
		check(one->payload != NULL || len == 0);
		if (len != 0)
			memcpy(one->payload, data + 2, len);
		if (fg_protocol_read(protocol, one->payload, len, &one->packet) == 0)
			count++;
		else
			free(one->payload);
		if (count == BURST_MAX) {
			check_burst(protocol, model, filter, ones, count);
			count = 0;
		}
		data += 2 + len;
		size -= 2u + len;
	}
	check_burst(protocol, model, filter, ones, count);
}

static void run(struct model *model, const uint8_t *data, size_t size)
{
	const struct fg_symbols_conf symbols_conf = {
		.protocol = model->protocol,
		.symbols_max = model->maps_symbols ? MODEL_MAP_MAX : 0,
		.socket_id = SOCKET_ID_ANY};
	const struct fg_orders_conf orders_conf = {
		.protocol = model->protocol,
		.orders_max = model->maps_orders ? 2 * MODEL_MAP_MAX : 0,
		.socket_id = SOCKET_ID_ANY};
	struct fg_msg_filter_conf conf = {.protocol = model->protocol,
					  .types = model->types,
					  .n_types = model->n_types,
					  .instruments = model->instruments,
					  .n_instruments = model->n_instruments,
					  .any_instrument = model->any,
					  .unmapped =
						  model->pass ? FG_UNMAPPED_PASS : FG_UNMAPPED_DROP,
					  .socket_id = SOCKET_ID_ANY};
	struct fg_msg_filter *filter = NULL;
	struct fg_symbols *symbols = NULL;
	struct fg_orders *orders = NULL;
	struct fg_error error = {0};

	check(fg_symbols_create(&symbols_conf, &symbols, &error) == 0);
	check(fg_orders_create(&orders_conf, &orders, &error) == 0);
	if (model->maps_symbols || model->maps_orders) {
		conf.symbols = symbols;
		conf.orders = orders;
	}
	check(fg_msg_filter_create(&conf, &filter, &error) == 0);
	run_packets(model->protocol, model, filter, data, size);
	fg_msg_filter_free(filter);
	fg_symbols_free(symbols);
	fg_orders_free(orders);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct fg_error error = {0};
	struct model *model;

	if (!started)
		check(fg_eal_start_private("fuzz_msg_filter", &error) == 0);
	started = true;
	if (size < HEAD)
		return 0;
	model = calloc(1, sizeof(*model));
	check(model != NULL);
	model->protocol = protocol_by(data[0]);
	fill(model, data);
	model_begin(model);
	run(model, data + HEAD, size - HEAD);
	free(model);
	return 0;
}
