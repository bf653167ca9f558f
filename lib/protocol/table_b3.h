/* SPDX-License-Identifier: MIT */
/* B3: binary UMDF. */
#ifndef PROTOCOL_TABLE_B3_H
#define PROTOCOL_TABLE_B3_H

#include "rows.h"

#define B3_SECURITY NUMBER(12, 8)
static const struct fg_message_type b3[] = {
	{1, NO_INSTRUMENT, .name = "SequenceReset"},   {2, NO_INSTRUMENT, .name = "Sequence"},
	{11, NO_INSTRUMENT, .name = "ChannelReset"},   {50, B3_SECURITY, .name = "Order"},
	{51, B3_SECURITY, .name = "DeleteOrder"},      {53, B3_SECURITY, .name = "Trade"},
	{55, B3_SECURITY, .name = "ExecutionSummary"},
};
static const struct fg_messages b3_messages = {.name = "b3", TYPES(b3), .other = {B3_SECURITY}};

static const struct fg_protocol protocol_b3_umdf = {
	.name = "b3_umdf",
	.compiled = FG_COMPILED_b3_umdf,
	.help = "B3 Binary UMDF: SecurityID; a session is a sequence version",
	/* A new sequence version is a new session. A heartbeat (2) has the next number in the
	   message. */
	.header = {.counts = FG_COUNTS_PACKETS,
		   .bytes = 16,
		   .min_bytes = 16,
		   .messages_off = 16,
		   .session = {2, 2},
		   .channel = {{0, 1}},
		   .sequence = {4, 4},
		   .n_admin = 2,
		   .admin = {{.is = FG_FEED_RESET,
			      .number = FG_NUMBER_CONSUMES,
			      .in_message = true,
			      FIELD_IS(6, 2, 1)},
			     {.is = FG_FEED_HEARTBEAT,
			      .in_message = true,
			      FIELD_IS(6, 2, 2),
			      .at = {12, 4}}}},
	.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 12, .length = {0, 2}, .type = {6, 2}},
	.groups = {.root = 12,
		   .root_bytes = {4, 2},
		   .header_bytes = 3,
		   .entry_bytes = {0, 2},
		   .entries = {2, 1}},
	.messages = &b3_messages,
};

#endif /* PROTOCOL_TABLE_B3_H */
