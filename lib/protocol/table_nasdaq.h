/* SPDX-License-Identifier: MIT */
/* Nasdaq: MoldUDP64, and ITCH in it. */
#ifndef PROTOCOL_TABLE_NASDAQ_H
#define PROTOCOL_TABLE_NASDAQ_H

#include "rows.h"

/* A count without messages is a request for them, from a client to a server. */
#define MOLDUDP64_HEADER                                                                           \
	{                                                                                          \
		.order = FG_ORDER_BIG, .counts = FG_COUNTS_MESSAGES, .bytes = 20, .min_bytes = 20, \
		.messages_off = 20, .session = {0, 10}, .sequence = {10, 8}, .count = {18, 2},     \
		.n_admin = 3,                                                                      \
		.admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(18, 2, 0)},            \
			  {.is = FG_FEED_END, .empty = true, FIELD_IS(18, 2, UINT16_MAX)},         \
			  {.is = FG_FEED_UNSEQUENCED,                                              \
			   .empty = true,                                                          \
			   .bare = true,                                                           \
			   .field = {18, 2},                                                       \
			   .max = UINT16_MAX}},                                                    \
	}

/* A message of length 0 is legal; it has no type. */
#define MOLDUDP64_WALK                                                                             \
	{                                                                                          \
		.kind = FG_WALK_LENGTH, .order = FG_ORDER_BIG, .min_bytes = 2, .body = 2,          \
		.length_bias = 2, .length = {0, 2}, .type = {0, 1},                                \
	}

static const struct fg_messages any_messages = {.name = "any", .text = true};

static const struct fg_protocol protocol_moldudp64 = {
	.name = "moldudp64",
	.compiled = FG_COMPILED_moldudp64,
	.help = "MoldUDP64 with any messages",
	.header = MOLDUDP64_HEADER,
	.walk = MOLDUDP64_WALK,
	.messages = &any_messages,
};

/* Every message has a stock locate; 0: of no stock, or of all. */
#define LOCATE NUMBER(1, 2)
static const struct fg_message_type itch50[] = {
	{'A', LOCATE, SYMBOL(24, 8), ADDS(11), .name = "AddOrder"},
	{'B', LOCATE, .name = "BrokenTrade"},
	{'C', LOCATE, ORDER(11), .name = "OrderExecutedWithPrice"},
	{'D', LOCATE, ORDER(11), .ends_order = true, .name = "OrderDelete"},
	{'E', LOCATE, ORDER(11), .name = "OrderExecuted"},
	{'F', LOCATE, SYMBOL(24, 8), ADDS(11), .name = "AddOrderMpid"},
	{'H', LOCATE, SYMBOL(11, 8), .name = "StockTradingAction"},
	{'I', LOCATE, SYMBOL(28, 8), .name = "NetOrderImbalance"},
	{'J', LOCATE, SYMBOL(11, 8), .name = "LuldAuctionCollar"},
	{'K', LOCATE, SYMBOL(11, 8), .name = "IpoQuotingPeriod"},
	{'L', LOCATE, SYMBOL(15, 8), .name = "MarketParticipantPosition"},
	{'N', LOCATE, SYMBOL(11, 8), .name = "RetailInterest"},
	{'O', LOCATE, SYMBOL(11, 8), .name = "DirectListingPrice"},
	{'P', LOCATE, SYMBOL(24, 8), .name = "NonCrossTrade"},
	{'Q', LOCATE, SYMBOL(19, 8), .name = "CrossTrade"},
	{'R', LOCATE, SYMBOL(11, 8), .maps_symbol = true, .name = "StockDirectory"},
	{'S', NO_INSTRUMENT, .name = "SystemEvent"},
	{'U', LOCATE, ORDER(11), BECOMES(19), .name = "OrderReplace"},
	{'V', NO_INSTRUMENT, .name = "MwcbDeclineLevel"},
	{'W', NO_INSTRUMENT, .name = "MwcbStatus"},
	{'X', LOCATE, ORDER(11), .name = "OrderCancel"},
	{'Y', LOCATE, SYMBOL(11, 8), .name = "RegShoRestriction"},
	{'h', LOCATE, SYMBOL(11, 8), .name = "OperationalHalt"},
};
static const struct fg_messages itch50_messages = {
	.name = "itch50", .text = true, TYPES(itch50), .other = {LOCATE}};

static const struct fg_protocol protocol_itch50 = {
	.name = "itch50",
	.compiled = FG_COMPILED_itch50,
	.help = "Nasdaq TotalView-ITCH 5.0 in MoldUDP64 (Nasdaq, BX, PSX): stock locate",
	.header = MOLDUDP64_HEADER,
	.walk = MOLDUDP64_WALK,
	.messages = &itch50_messages,
};

#endif /* PROTOCOL_TABLE_NASDAQ_H */
