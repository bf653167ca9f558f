/* SPDX-License-Identifier: MIT */
/* Cboe: multicast PITCH. */
#ifndef PROTOCOL_TABLE_CBOE_H
#define PROTOCOL_TABLE_CBOE_H

#include "rows.h"

/* The order of a trade does not rest: no later message names it. */
static const struct fg_message_type pitch[] = {
	{0x20, NO_INSTRUMENT, .name = "Time"},
	{0x21, TEXT(19, 6), ADDS(6), .name = "AddOrderLong"},
	{0x22, TEXT(17, 6), ADDS(6), .name = "AddOrderShort"},
	{0x23, ORDER_ONLY(6), .name = "OrderExecuted"},
	{0x24, ORDER_ONLY(6), .name = "OrderExecutedAtPrice"},
	{0x25, ORDER_ONLY(6), .name = "ReduceSizeLong"},
	{0x26, ORDER_ONLY(6), .name = "ReduceSizeShort"},
	{0x27, ORDER_ONLY(6), .name = "ModifyOrderLong"},
	{0x28, ORDER_ONLY(6), .name = "ModifyOrderShort"},
	{0x29, ORDER_ONLY(6), .ends_order = true, .name = "DeleteOrder"},
	{0x2a, TEXT(19, 6), ORDER(6), .name = "TradeLong"},
	{0x2b, TEXT(17, 6), ORDER(6), .name = "TradeShort"},
	{0x2c, NO_INSTRUMENT, .name = "TradeBreak"},
	{0x2d, NO_INSTRUMENT, .name = "EndOfSession"},
	{0x2e, TEXT(2, 6), .name = "SymbolMapping"},
	{0x2f, TEXT(19, 8), ADDS(6), .name = "AddOrderExpanded"},
	{0x30, TEXT(19, 8), ORDER(6), .name = "TradeExpanded"},
	{0x31, TEXT(6, 8), .name = "TradingStatus"},
	{0x95, TEXT(6, 8), .name = "AuctionUpdate"},
	{0x96, TEXT(6, 8), .name = "AuctionSummary"},
	{0x97, NO_INSTRUMENT, .name = "UnitClear"},
	{0x98, TEXT(6, 8), .name = "RetailPriceImprovement"},
};
static const struct fg_messages pitch_messages = {.name = "pitch", TYPES(pitch)};

static const struct fg_protocol protocol_cboe_pitch = {
	.name = "cboe_pitch",
	.compiled = FG_COMPILED_cboe_pitch,
	.help = "Cboe multicast PITCH (equities, options, futures): a channel is a unit",
	/* Number 0: spins, definitions, and heartbeats of the gap line. */
	.header = {.counts = FG_COUNTS_MESSAGES,
		   .bytes = 8,
		   .min_bytes = 8,
		   .messages_off = 8,
		   .length = {0, 2},
		   .channel = {{3, 1}},
		   .sequence = {4, 4},
		   .count = {2, 1},
		   .n_admin = 2,
		   .admin = {{.is = FG_FEED_UNSEQUENCED, FIELD_IS(4, 4, 0)},
			     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(2, 1, 0)}}},
	.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 2, .length = {0, 1}, .type = {1, 1}},
	.messages = &pitch_messages,
};

#endif /* PROTOCOL_TABLE_CBOE_H */
