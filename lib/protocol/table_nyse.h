/* SPDX-License-Identifier: MIT */
/* NYSE: XDP and Pillar. */
#ifndef PROTOCOL_TABLE_NYSE_H
#define PROTOCOL_TABLE_NYSE_H

#include "rows.h"

/* The symbol index comes after seconds and nanoseconds, or after nanoseconds alone. */
#define INDEX_LONG  NUMBER(12, 4)
#define INDEX_SHORT NUMBER(8, 4)
static const struct fg_message_type nyse[] = {
	{1, NO_INSTRUMENT, .name = "SequenceReset"},
	{2, NO_INSTRUMENT, .name = "TimeReference"},
	{3, NUMBER(4, 4), SYMBOL(8, 11), .maps_symbol = true, .name = "SymbolMapping"},
	{31, NO_INSTRUMENT, .name = "MessageUnavailable"},
	{32, INDEX_LONG, .name = "SymbolClear"},
	{34, INDEX_LONG, .name = "SecurityStatus"},
	{35, NO_INSTRUMENT, .name = "RefreshHeader"},
	{100, INDEX_SHORT, ADDS(16), .name = "AddOrder"},
	{101, INDEX_SHORT, ORDER(16), .name = "ModifyOrder"},
	{102, INDEX_SHORT, ORDER(16), .ends_order = true, .name = "DeleteOrder"},
	{103, INDEX_SHORT, ORDER(16), .name = "OrderExecution"},
	{104, INDEX_SHORT, ORDER(16), .ends_order = true, .name = "ReplaceOrder"},
	{105, INDEX_LONG, .name = "Imbalance"},
	{106, INDEX_LONG, ADDS(20), .name = "AddOrderRefresh"},
	{110, INDEX_SHORT, .name = "NonDisplayedTrade"},
	{111, INDEX_SHORT, .name = "CrossTrade"},
	{112, INDEX_SHORT, .name = "TradeCancel"},
	{113, INDEX_SHORT, .name = "CrossCorrection"},
	{114, INDEX_SHORT, .name = "RetailPriceImprovement"},
	{140, INDEX_SHORT, .name = "Quote"},
	{223, INDEX_LONG, .name = "StockSummary"},
	{340, INDEX_SHORT, .name = "OptionsQuote"},
};
static const struct fg_messages nyse_messages = {.name = "nyse", TYPES(nyse)};

static const struct fg_protocol protocol_nyse_pillar = {
	.name = "nyse_pillar",
	.compiled = FG_COMPILED_nyse_pillar,
	.help = "NYSE XDP and Pillar (Integrated, BBO, Trades, Imbalances, Arca Options): symbol "
		"index",
	/*
	 * Delivery flags: 1 heartbeat, 10 failover, 11 original, 12 reset, 13 and 15
	 * retransmissions, 17 to 20 refreshes, 21 messages that are unavailable. The reset is
	 * known by its message, which has number 1, as a flag alone may be damaged.
	 */
	.header = {.counts = FG_COUNTS_MESSAGES,
		   .bytes = 16,
		   .min_bytes = 16,
		   .messages_off = 16,
		   .length = {0, 2},
		   .sequence = {4, 4},
		   .count = {3, 1},
		   .n_checks = 1,
		   .checks = {CHECK(2, 1, 1, 21)},
		   .n_admin = 6,
		   .admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(2, 1, 1)},
			     {.is = FG_FEED_RETRANSMISSION, FIELD_IS(2, 1, 13)},
			     {.is = FG_FEED_RETRANSMISSION, FIELD_IS(2, 1, 15)},
			     {.is = FG_FEED_UNSEQUENCED, .field = {2, 1}, .min = 14, .max = 21},
			     {.is = FG_FEED_RESET,
			      .number = FG_NUMBER_CONSUMES,
			      .in_message = true,
			      FIELD_IS(2, 2, 1)},
			     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(3, 1, 0)}}},
	.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 4, .length = {0, 2}, .type = {2, 2}},
	.messages = &nyse_messages,
};

#endif /* PROTOCOL_TABLE_NYSE_H */
