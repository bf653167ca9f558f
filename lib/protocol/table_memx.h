/* SPDX-License-Identifier: MIT */
/* MEMX: Memoir. */
#ifndef PROTOCOL_TABLE_MEMX_H
#define PROTOCOL_TABLE_MEMX_H

#include "rows.h"

#define SECURITY_ID NUMBER(16, 2)
static const struct fg_message_type memx[] = {
	{2, SECURITY_ID, .name = "RegShoRestriction"},
	{3, SECURITY_ID, .name = "SecurityTradingStatus"},
	{5, NO_INSTRUMENT, .name = "TradingSessionStatus"},
	{10, SECURITY_ID, .name = "OrderAdded"},
	{11, SECURITY_ID, .name = "OrderDeleted"},
	{12, SECURITY_ID, .name = "OrderReduced"},
	{13, SECURITY_ID, .name = "OrderExecuted"},
};
static const struct fg_messages memx_messages = {
	.name = "memx", TYPES(memx), .other = {SECURITY_ID}};

static const struct fg_protocol protocol_memx_memoir = {
	.name = "memx_memoir",
	.compiled = FG_COMPILED_memx_memoir,
	.help = "MEMX Memoir (Depth, Top, Last Sale): security id",
	/* Packet types: 0 heartbeat, 1 session shutdown, 2 data; only data has a count. */
	.header = {.order = FG_ORDER_BIG,
		   .counts = FG_COUNTS_MESSAGES,
		   .bytes = 20,
		   .min_bytes = 18,
		   .messages_off = 20,
		   .session = {2, 8},
		   .sequence = {10, 8},
		   .count = {18, 2},
		   .n_checks = 2,
		   .checks = {CHECK(0, 1, 0, 2), CHECK(1, 1, 18, 18)},
		   .n_admin = 2,
		   .admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(0, 1, 0)},
			     {.is = FG_FEED_END, .empty = true, FIELD_IS(0, 1, 1)}}},
	.walk = {.kind = FG_WALK_LENGTH,
		 .order = FG_ORDER_BIG,
		 .min_bytes = 2,
		 .length_bias = 2,
		 .length = {0, 2},
		 .type = {4, 1}},
	.messages = &memx_messages,
};

#endif /* PROTOCOL_TABLE_MEMX_H */
