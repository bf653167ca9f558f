/* SPDX-License-Identifier: MIT */
/* IEX: TOPS, DEEP and DEEP+ in IEX-TP. */
#ifndef PROTOCOL_TABLE_IEX_H
#define PROTOCOL_TABLE_IEX_H

#include "rows.h"

/* TOPS, DEEP and DEEP+ use some letters twice, but with the symbol in the same place. */
#define IEX_SYMBOL TEXT(10, 8)
static const struct fg_message_type iex[] = {
	{'5', IEX_SYMBOL, .name = "PriceLevelSell"},
	{'8', IEX_SYMBOL, .name = "PriceLevelBuy"},
	{'A', IEX_SYMBOL, .name = "AuctionInformation"},
	{'B', IEX_SYMBOL, .name = "TradeBreak"},
	{'C', IEX_SYMBOL, .name = "ClearBook"},
	{'D', IEX_SYMBOL, .name = "SecurityDirectory"},
	{'E', IEX_SYMBOL, .name = "SecurityEvent"},
	{'H', IEX_SYMBOL, .name = "TradingStatus"},
	{'I', IEX_SYMBOL, .name = "RetailLiquidity"},
	{'L', IEX_SYMBOL, .name = "OrderExecuted"},
	{'M', IEX_SYMBOL, .name = "OrderModify"},
	{'O', IEX_SYMBOL, .name = "OperationalHalt"},
	{'P', IEX_SYMBOL, .name = "ShortSalePriceTest"},
	{'Q', IEX_SYMBOL, .name = "QuoteUpdate"},
	{'R', IEX_SYMBOL, .name = "OrderDelete"},
	{'S', NO_INSTRUMENT, .name = "SystemEvent"},
	{'T', IEX_SYMBOL, .name = "TradeReport"},
	{'X', IEX_SYMBOL, .name = "OfficialPrice"},
	{'a', IEX_SYMBOL, .name = "AddOrder"},
};
static const struct fg_messages iex_messages = {
	.name = "iex", .text = true, TYPES(iex), .other = {IEX_SYMBOL}};

static const struct fg_protocol protocol_iex_tp = {
	.name = "iex_tp",
	.compiled = FG_COMPILED_iex_tp,
	.help = "IEX-TP 1 with TOPS, DEEP or DEEP+",
	.header = {.counts = FG_COUNTS_MESSAGES,
		   .bytes = 40,
		   .min_bytes = 40,
		   .messages_off = 40,
		   .length = {12, 2},
		   .length_bias = 40,
		   .session = {8, 4},
		   .channel = {{2, 2}, {4, 4}}, /* message protocol, channel */
		   .sequence = {24, 8},
		   .count = {14, 2},
		   .n_checks = 1,
		   .checks = {CHECK(0, 1, 1, 1)},
		   .n_admin = 1,
		   .admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(14, 2, 0)}}},
	.walk = {.kind = FG_WALK_LENGTH,
		 .min_bytes = 2,
		 .body = 2,
		 .length_bias = 2,
		 .length = {0, 2},
		 .type = {0, 1}},
	.messages = &iex_messages,
};

#endif /* PROTOCOL_TABLE_IEX_H */
