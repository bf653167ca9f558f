/* SPDX-License-Identifier: MIT */
/* MIAX: MACH. */
#ifndef PROTOCOL_TABLE_MIAX_H
#define PROTOCOL_TABLE_MIAX_H

#include "rows.h"

#define PRODUCT_ID NUMBER(17, 4)
static const struct fg_message_type miax[] = {
	{'1', NO_INSTRUMENT, .name = "SystemTime"}, {'A', PRODUCT_ID, .name = "WideBestOffer"},
	{'B', PRODUCT_ID, .name = "BestBid"},       {'D', PRODUCT_ID, .name = "WideDoubleSided"},
	{'O', PRODUCT_ID, .name = "BestOffer"},     {'T', PRODUCT_ID, .name = "LastSale"},
	{'W', PRODUCT_ID, .name = "WideBestBid"},   {'d', PRODUCT_ID, .name = "DoubleSided"},
};
static const struct fg_messages miax_messages = {.name = "miax", .text = true, TYPES(miax)};

static const struct fg_protocol protocol_miax_mach = {
	.name = "miax_mach",
	.compiled = FG_COMPILED_miax_mach,
	.help = "MIAX MACH (Top of Market, Administrative, Liquidity): product id",
	/* Packet types: 0 heartbeat, 1 start of session, 2 its end, 3 data. */
	.header = {.counts = FG_COUNTS_MESSAGES,
		   .units = true,
		   .bytes = 12,
		   .min_bytes = 12,
		   .session = {11, 1},
		   .sequence = {0, 8},
		   .n_checks = 1,
		   .checks = {CHECK(10, 1, 0, 3)},
		   .n_admin = 3,
		   .admin = {{.is = FG_FEED_HEARTBEAT,
			      .number = FG_NUMBER_LAST,
			      .empty = true,
			      FIELD_IS(10, 1, 0)},
			     {.is = FG_FEED_RESET,
			      .number = FG_NUMBER_LAST,
			      .empty = true,
			      FIELD_IS(10, 1, 1)},
			     {.is = FG_FEED_END,
			      .number = FG_NUMBER_LAST,
			      .empty = true,
			      FIELD_IS(10, 1, 2)}}},
	.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 12, .length = {8, 2}, .type = {12, 1}},
	.messages = &miax_messages,
};

#endif /* PROTOCOL_TABLE_MIAX_H */
