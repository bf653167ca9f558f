/* SPDX-License-Identifier: MIT */
/* The options of each section of a protocol's map. */
#include <stddef.h>

#include "load.h"

static const char *const unset[] = {"none", NULL};

#define NUMBER_ROW(key, member, highest, preset, text)                                             \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_U64, .offset = offsetof(struct values, member),   \
		.max = (highest), .value = (preset), .help = (text)                                \
	}
#define FLAG_ROW(key, member, text)                                                                \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_BOOL, .offset = offsetof(struct values, member),  \
		.value = "false", .help = (text)                                                   \
	}
#define NAME_ROW(key, member, list, preset, text)                                                  \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_NAME, .offset = offsetof(struct values, member),  \
		.names = (list), .value = (preset), .help = (text)                                 \
	}
/* A number that may be left out. */
#define VALUE_ROW(key, member, text)                                                               \
	{                                                                                          \
		.name = (key), .type = FG_OPTION_U64, .offset = offsetof(struct values, member),   \
		.max = UINT32_MAX, .names = unset, .value = "none", .help = (text)                 \
	}
#define AT_ROW    NUMBER_ROW("at", at, UINT16_MAX, NULL, "offset")
#define BYTES_ROW NUMBER_ROW("bytes", bytes, UINT8_MAX, NULL, "size")
#define LENGTH_BIAS_ROW                                                                            \
	NUMBER_ROW("length_bias", length_bias, UINT16_MAX, "0", "bytes to add to the length field")

static const char *const orders[] = {"little", "big", NULL};
static const char *const counts[] = {"messages", "packets", NULL};
static const char *const packet_kinds[] = {"data",           "heartbeat",   "reset", "end",
					   "retransmission", "unsequenced", NULL};
static const char *const checksums[] = {"sum16", NULL};
static const char *const numbers[] = {"next", "last", "consumes", NULL};
static const char *const places[] = {"header", "message", NULL};
static const char *const kinds[] = {"length", "type", "opra", "groups", "rest", NULL};
static const char *const instruments[] = {"none", "number", "text", "order", "previous", NULL};

const struct fg_option header_rows[] = {
	NAME_ROW("order", order, orders, "little", "byte order of every number"),
	NUMBER_ROW("bytes", bytes, UINT16_MAX, NULL, "header of a data packet"),
	NUMBER_ROW("min_bytes", min_bytes, UINT16_MAX, "0", "shortest packet; 0: the header"),
	VALUE_ROW("messages_at", messages_at, "start of the messages; none: after the header"),
	FLAG_ROW("units", units, "each message has a header of its own"),
	{0}};
const struct fg_option length_rows[] = {AT_ROW, BYTES_ROW, LENGTH_BIAS_ROW, {0}};
const struct fg_option field_rows[] = {AT_ROW, BYTES_ROW, {0}};
const struct fg_option check_rows[] = {AT_ROW,
				       BYTES_ROW,
				       VALUE_ROW("value", value, "the only value that holds"),
				       VALUE_ROW("min", min, "smallest value that holds"),
				       VALUE_ROW("max", max, "largest value that holds"),
				       {0}};
const struct fg_option sequence_rows[] = {
	AT_ROW,
	BYTES_ROW,
	NAME_ROW("counts", counts, counts, "messages", "what a sequence number counts"),
	{0}};
const struct fg_option checksum_rows[] = {
	AT_ROW,
	NUMBER_ROW("bytes", bytes, 2, "2", "size"),
	NAME_ROW("kind", kind, checksums, "sum16",
		 "sum16: the sum of all other bytes of the packet"),
	{0}};
const struct fg_option admin_rows[] = {
	NAME_ROW("is", is, packet_kinds, NULL, "kind of such packets"),
	NAME_ROW("number", number, numbers, "next", "meaning of the sequence number"),
	NAME_ROW("in", in, places, "header", "which part has the field; message: the first one"),
	AT_ROW,
	BYTES_ROW,
	VALUE_ROW("value", value, "the only value that holds"),
	VALUE_ROW("min", min, "smallest value that holds"),
	VALUE_ROW("max", max, "largest value that holds"),
	NUMBER_ROW("number_at", at2, UINT16_MAX, "0", "sequence number, in the message"),
	NUMBER_ROW("number_bytes", bytes2, 8, "0", "0: the header has the number"),
	FLAG_ROW("empty", empty,
		 "no messages, whatever the count says; with units, a header alone"),
	FLAG_ROW("bare", bare, "only packets that end with the header"),
	{0}};
const struct fg_option walk_rows[] = {
	NAME_ROW("kind", kind, kinds, "length", "how the end of a message is found"),
	NUMBER_ROW("at", at, UINT16_MAX, "0", "offset of the length"),
	NUMBER_ROW("bytes", bytes, 4, "0", "size of the length"),
	LENGTH_BIAS_ROW,
	NUMBER_ROW("min_bytes", at2, UINT16_MAX, "0",
		   "shortest message; 0: up to the length's end"),
	NUMBER_ROW("message_at", messages_at, UINT16_MAX, "0", "start of the message in its frame"),
	NUMBER_ROW("pad_to", pad_to, 64, "0", "packets are padded to a multiple of this; 0: not"),
	{0}};
const struct fg_option group_rows[] = {
	NUMBER_ROW("root", root, UINT16_MAX, NULL, "start of the root block"),
	NUMBER_ROW("root_length_at", at, UINT16_MAX, NULL, "offset of its length"),
	NUMBER_ROW("root_length_bytes", bytes, 4, "2", "size of it"),
	NUMBER_ROW("header", at2, UINT8_MAX, NULL, "bytes of a group header"),
	NUMBER_ROW("entry_length_at", entry_at, UINT8_MAX, "0", "in the group header"),
	NUMBER_ROW("entry_length_bytes", entry_bytes, 4, "2", "size of it"),
	NUMBER_ROW("entries_at", entries_at, UINT8_MAX, "2", "in the group header"),
	NUMBER_ROW("entries_bytes", entries_bytes, 4, "1", "size of it"),
	NUMBER_ROW("groups_at", groups_at, UINT16_MAX, "0", "number of groups, in the message"),
	NUMBER_ROW("groups_bytes", groups_bytes, 4, "0", "size of it"),
	NUMBER_ROW("data_at", data_at, UINT16_MAX, "0", "number of variable fields"),
	NUMBER_ROW("data_bytes", data_bytes, 4, "0", "size of it"),
	NUMBER_ROW("data_length", data_length, 2, "1", "bytes of a variable field's length"),
	{0}};
const struct fg_option type_rows[] = {
	AT_ROW, BYTES_ROW, FLAG_ROW("text", text, "types are characters"), {0}};
const struct fg_option message_rows[] = {
	{.name = "type",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct values, type),
	 .help = "number or characters, or other"},
	{.name = "name",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct values, name),
	 .value = "",
	 .help = "for rules and reports"},
	NAME_ROW("instrument", instrument, instruments, "none",
		 "how the message names its instrument"),
	NUMBER_ROW("at", at, UINT16_MAX, "0", "offset of the instrument"),
	NUMBER_ROW("bytes", bytes, FG_SYMBOL_BYTES, "0", "size of it"),
	NUMBER_ROW("group", group, 16, "0", "in each entry of this group, from 1"),
	NUMBER_ROW("symbol_at", at2, UINT16_MAX, "0", "offset of its symbol"),
	NUMBER_ROW("symbol_bytes", bytes2, FG_SYMBOL_BYTES, "0", "size of it"),
	NUMBER_ROW("order_at", order_at, UINT16_MAX, "0", "offset of the order id"),
	NUMBER_ROW("order_bytes", order_bytes, 8, "0", "size of it"),
	NUMBER_ROW("new_order_at", new_order_at, UINT16_MAX, "0",
		   "offset of the id of the order that replaces it"),
	NUMBER_ROW("new_order_bytes", new_order_bytes, 8, "0", "size of it"),
	NUMBER_ROW("null_value", null_value, 0, "0",
		   "instrument number that, like 0, stands for none"),
	NUMBER_ROW("length", length, UINT16_MAX, "0",
		   "bytes of the message, for walk: {kind: type}"),
	FLAG_ROW("maps_symbol", maps_symbol, "has the symbol of an instrument number"),
	FLAG_ROW("adds_order", adds_order, "adds the order to its instrument"),
	FLAG_ROW("ends_order", ends_order, "the order ends with the message"),
	{0}};
