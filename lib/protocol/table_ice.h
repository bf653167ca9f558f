/* SPDX-License-Identifier: MIT */
/* ICE: iMpact. */
#ifndef PROTOCOL_TABLE_ICE_H
#define PROTOCOL_TABLE_ICE_H

#include "rows.h"

#define MARKET_ID NUMBER(3, 4)
static const struct fg_message_type ice[] = {
	{'C', MARKET_ID, .name = "MarketSnapshot"},
	{'D', MARKET_ID, .name = "MarketSnapshotOrder"},
	{'E', MARKET_ID, .name = "AddOrModifyOrder"},
	{'F', MARKET_ID, .name = "DeleteOrder"},
	{'G', MARKET_ID, .name = "Trade"},
	{'J', MARKET_ID, .name = "MarketStatistics"},
	{'K', MARKET_ID, .name = "MarketStateChange"},
	{'L', NO_INSTRUMENT},
	{'N', MARKET_ID, .name = "OpenPrice"},
	{'T', NO_INSTRUMENT, .name = "BundleMarker"},
	{'U', MARKET_ID, .name = "NewOptionsStrategy"},
	{'W', NO_INSTRUMENT},
	{'b', NO_INSTRUMENT, .name = "SpecialField"},
	{'g', MARKET_ID, .name = "PreOpenPriceIndicator"},
	{'i', NO_INSTRUMENT},
};
static const struct fg_messages ice_messages = {
	.name = "ice", .text = true, TYPES(ice), .other = {MARKET_ID}};

static const struct fg_protocol protocol_ice_impact = {
	.name = "ice_impact",
	.compiled = FG_COMPILED_ice_impact,
	.help = "ICE multicast data feed, iMpact: market id",
	.header = {.order = FG_ORDER_BIG,
		   .counts = FG_COUNTS_MESSAGES,
		   .bytes = 16,
		   .min_bytes = 16,
		   .messages_off = 16,
		   .session = {0, 2},
		   .sequence = {2, 4},
		   .count = {6, 2},
		   .n_admin = 1,
		   .admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(6, 2, 0)}}},
	.walk = {.kind = FG_WALK_LENGTH,
		 .order = FG_ORDER_BIG,
		 .min_bytes = 3,
		 .length_bias = 3,
		 .length = {1, 2},
		 .type = {0, 1}},
	.messages = &ice_messages,
};

#endif /* PROTOCOL_TABLE_ICE_H */
