/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a packet of any protocol: one built in, one described by the first
 * bytes, or one loaded from a text before the packet. The sanitizer sees that
 * nothing outside of the packet is read; results are checked for consistency.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fg_config.h>
#include <fg_protocol.h>
#include <fg_walk.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_instruments(const struct fg_protocol *protocol, const struct fg_message *message)
{
	const struct fg_message_type *row = fg_messages_get(protocol->messages, message->type);
	struct fg_instruments list;
	uint32_t count = 0;
	uint64_t sum = 0;
	const uint8_t *at;

	fg_instruments_begin(protocol, row, message, &list);
	while (fg_instruments_next(&list, &at)) {
		check(at >= message->data);
		check(at + row->id.bytes <= message->data + message->len);
		for (unsigned int i = 0; i < row->id.bytes; i++)
			sum += at[i];
		count++;
	}
	check(count <= message->len && sum <= UINT64_C(255) * UINT16_MAX * FG_SYMBOL_BYTES);
}

static void check_walk(const struct fg_protocol *protocol, const uint8_t *payload,
		       const struct fg_feed_packet *packet, enum fg_walk_end verified)
{
	const uint8_t *last = payload + packet->messages_off;
	const uint8_t *end = payload + packet->messages_end;
	struct fg_message message;
	struct fg_walk walk;
	uint32_t count = 0;

	fg_walk_begin(&walk, payload, packet);
	while (fg_protocol_next(protocol, &walk, &message)) {
		check(message.data >= last && message.data + message.len <= end);
		check(walk.at > last && walk.at <= end);
		last = walk.at;
		count++;
		check_instruments(protocol, &message);
	}
	check(!fg_protocol_next(protocol, &walk, &message));
	check(packet->n_messages == UINT16_MAX || count <= packet->n_messages);
	if (walk.end_reason == FG_WALK_DONE && packet->n_messages != UINT16_MAX)
		check(count == packet->n_messages);
	if (walk.end_reason == FG_WALK_DONE)
		check(end - last < 64);
	if (verified != FG_WALK_BAD_CHECKSUM)
		check(verified == walk.end_reason);
}

static void check_packet(const struct fg_protocol *protocol, const uint8_t *payload, uint16_t len)
{
	struct fg_protocol slow = *protocol;
	struct fg_feed_packet packet, again;
	const int rc = fg_protocol_read(protocol, payload, len, &packet);
	enum fg_walk_end end;

	slow.compiled = FG_COMPILED_NONE;
	check(rc == fg_protocol_read(&slow, payload, len, &again));
	if (rc != 0)
		return;
	check(packet.messages_off <= packet.messages_end && packet.messages_end <= len);
	check(packet.kind < FG_FEED_PACKET_KINDS);
	check(packet.sequence_bits == 64 ||
	      (packet.sequence_bits == 32 && packet.first <= UINT32_MAX));
	check(packet.count == 0 || packet.kind == FG_FEED_DATA ||
	      packet.kind == FG_FEED_RETRANSMISSION || packet.kind == FG_FEED_UNSEQUENCED);
	check(packet.first == again.first && packet.count == again.count &&
	      packet.messages_end == again.messages_end && packet.kind == again.kind);
	end = fg_protocol_verify(protocol, payload, &packet);
	check(end < FG_WALK_ENDS && end == fg_protocol_verify(&slow, payload, &packet));
	check_walk(protocol, payload, &packet, end);
}

/* Use a copy that ends where the packet ends. */
static void try_packet(const struct fg_protocol *protocol, const uint8_t *data, size_t size)
{
	const uint16_t len = (uint16_t)(size < UINT16_MAX ? size : UINT16_MAX);
	uint8_t *payload = malloc(len);

	if (payload == NULL)
		return;
	memcpy(payload, data, len);
	check_packet(protocol, payload, len);
	free(payload);
}

static struct fg_field field_from(const uint8_t *data)
{
	static const uint8_t sizes[] = {0, 1, 2, 4, 8, 3, 2, 1};

	return (struct fg_field){.off = data[0] & 63, .bytes = sizes[data[1] & 7]};
}

#define DESCRIBED 96u

static struct fg_header_shape header_from(const uint8_t *data)
{
	struct fg_header_shape header = {
		.order = data[0] & 1,
		.counts = data[0] >> 1 & 1,
		.units = (data[0] & 12) == 12,
		.n_checks = data[1] & 1,
		.n_admin = data[2] & 3,
		.bytes = data[3],
		.min_bytes = data[4],
		.messages_off = data[5],
		.length_bias = data[6],
		.length = field_from(data + 7),
		.session = {data[9] & 31, data[10] & 31},
		.channel = {field_from(data + 11), field_from(data + 13)},
		.sequence = field_from(data + 15),
		.count = field_from(data + 17),
		.checks = {{field_from(data + 19), 0, data[21]}},
	};

	for (unsigned int i = 0; i < 3; i++)
		header.admin[i] = (struct fg_protocol_admin){.is = data[22 + i] & 7,
							     .number = data[25 + i] & 3,
							     .in_message = data[28 + i] & 1,
							     .empty = data[28 + i] & 2,
							     .field = field_from(data + 31 + 2 * i),
							     .min = data[37 + i],
							     .max = UINT16_MAX,
							     .at = field_from(data + 40 + 2 * i)};
	return header;
}

static struct fg_group_shape groups_from(const uint8_t *data)
{
	return (struct fg_group_shape){.root = data[0],
				       .root_bytes = field_from(data + 1),
				       .n_groups = field_from(data + 3),
				       .n_data = field_from(data + 5),
				       .header_bytes = data[7],
				       .entry_bytes = field_from(data + 8),
				       .entries = field_from(data + 10),
				       .nested = field_from(data + 12),
				       .entry_data = field_from(data + 14),
				       .data_length_bytes = data[16] & 3};
}

/* A descriptor of any bytes; fg_protocol_check() decides whether it may be used. */
static void try_described(const uint8_t *data, size_t size)
{
	struct fg_message_type types[2] = {0};
	uint16_t lengths[256];
	struct fg_messages messages = {
		.name = "any", .count = 2, .types = types, .lengths = lengths};
	struct fg_protocol f = {.name = "any", .messages = &messages};
	struct fg_error error = {0};

	if (size < DESCRIBED)
		return;
	f.header = header_from(data);
	f.walk = (struct fg_walk_shape){.kind = data[46] & 7,
					.order = f.header.order,
					.min_bytes = data[47],
					.body = data[48],
					.length_bias = data[49],
					.length = field_from(data + 50),
					.type = field_from(data + 52)};
	f.walk.pad_to = data[71] & 3;
	if ((data[72] & 1) != 0)
		f.header.checksum = field_from(data + 73);
	f.groups = groups_from(data + 54);
	for (unsigned int i = 0; i < 2; i++) {
		types[i] = (struct fg_message_type){.type = (uint32_t)data[71 + i] + 256 * i,
						    .instrument = data[73 + i] & 3,
						    .group = data[75 + i] & 3,
						    .id = field_from(data + 77 + 2 * i),
						    .order = field_from(data + 81 + 2 * i)};
	}
	messages.other = types[0];
	for (unsigned int i = 0; i < 256; i++)
		lengths[i] = data[85 + i % 11];
	if (fg_protocol_check(&f, &error) == 0)
		try_packet(&f, data + DESCRIBED, size - DESCRIBED);
}

/* A description in YAML, up to a zero byte, and a packet after it. */
static void try_loaded(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);
	const size_t length = end != NULL ? (size_t)(end - data) : size;
	struct fg_protocol *protocol = NULL;
	struct fg_config *config = NULL;
	struct fg_error error = {0};
	const struct fg_node *node;

	if (fg_config_load_text("fuzz", (const char *)data, length, &config, &error) != 0)
		return;
	node = fg_node_get(fg_config_root(config), "protocol");
	if (node != NULL && fg_protocol_load(node, &protocol, &error) == 0) {
		struct fg_error none = {0};

		check(error.text[0] == '\0');
		check(fg_protocol_check(protocol, &none) == 0);
		if (end != NULL)
			try_packet(protocol, end + 1, size - length - 1);
	} else if (node != NULL) {
		check(protocol == NULL && strncmp(error.text, "fuzz:", 5) == 0);
		check(strchr(error.text, '\n') == NULL);
	}
	fg_protocol_free(protocol);
	fg_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t count = 0;

	while (fg_protocols[count] != NULL)
		count++;
	if (size == 0)
		return 0;
	/* Letters, so that seeds can be read: A is the first protocol. */
	if (data[0] == 'z')
		try_described(data + 1, size - 1);
	else if (data[0] == 'y')
		try_loaded(data + 1, size - 1);
	else
		try_packet(fg_protocols[(uint8_t)(data[0] - 'A') % count], data + 1, size - 1);
	return 0;
}
