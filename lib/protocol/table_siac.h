/* SPDX-License-Identifier: MIT */
/* SIAC: the consolidated feeds OPRA and CTA. */
#ifndef PROTOCOL_TABLE_SIAC_H
#define PROTOCOL_TABLE_SIAC_H

#include "rows.h"

/* The retransmission indicator: two rows for all of its values but that of original blocks. */
#define RETRANSMITTED_UNLESS(original)                                                             \
	{.is = FG_FEED_RETRANSMISSION, .field = {4, 1}, .max = (original)-1},                      \
	{                                                                                          \
		.is = FG_FEED_RETRANSMISSION, .field = {4, 1}, .min = (original) + 1,              \
		.max = UINT8_MAX                                                                   \
	}

/* Types are categories. Lengths do not have appendages: best bid or offer of k and q, text of C. */
static const uint16_t opra_lengths[256] = {
	['C'] = 14, ['H'] = 12, ['R'] = 155, ['Y'] = 27, ['a'] = 43,
	['d'] = 30, ['f'] = 72, ['k'] = 43,  ['q'] = 29,
};
static const struct fg_message_type opra[] = {
	{'C', NO_INSTRUMENT, .name = "Administrative"},
	{'H', NO_INSTRUMENT, .name = "Control"},
	{'R', TEXT(12, 5), .name = "SeriesMapping"},
	{'Y', TEXT(12, 5), .name = "UnderlyingValue"},
	{'a', TEXT(12, 5), .name = "LastSale"},
	{'d', TEXT(12, 5), .name = "OpenInterest"},
	{'f', TEXT(12, 5), .name = "EndOfDay"},
	{'k', TEXT(12, 5), .name = "LongQuote"},
	{'q', TEXT(12, 4), .name = "ShortQuote"},
};
static const struct fg_messages opra_messages = {
	.name = "opra", .text = true, TYPES(opra), .lengths = opra_lengths};

static const struct fg_protocol protocol_opra = {
	.name = "opra",
	.compiled = FG_COMPILED_opra,
	.help = "OPRA binary: types are categories",
	/* We assume that numbers count messages, and that line integrity repeats the last number.
	 */
	.header = {.order = FG_ORDER_BIG,
		   .counts = FG_COUNTS_MESSAGES,
		   .bytes = 21,
		   .min_bytes = 21,
		   .messages_off = 21,
		   .length = {1, 2},
		   .session = {5, 1},
		   .sequence = {6, 4},
		   .count = {10, 1},
		   .n_checks = 1,
		   .checks = {CHECK(3, 1, 'O', 'O')},
		   .checksum = {19, 2},
		   .checksum_kind = FG_CHECKSUM_SUM16,
		   .n_admin = 6,
		   .admin = {RETRANSMITTED_UNLESS(' '),
			     {.is = FG_FEED_HEARTBEAT,
			      .number = FG_NUMBER_LAST,
			      .in_message = true,
			      FIELD_IS(1, 2, CHARACTERS('H', 'N'))},
			     {.is = FG_FEED_RESET,
			      .number = FG_NUMBER_LAST,
			      .in_message = true,
			      FIELD_IS(1, 2, CHARACTERS('H', 'K'))},
			     {.is = FG_FEED_END,
			      .number = FG_NUMBER_LAST,
			      .in_message = true,
			      FIELD_IS(1, 2, CHARACTERS('H', 'J'))},
			     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(10, 1, 0)}}},
	.walk = {.kind = FG_WALK_OPRA,
		 .order = FG_ORDER_BIG,
		 .pad_to = 2,
		 .min_bytes = 12,
		 .type = {1, 1}},
	.messages = &opra_messages,
};

/* Types are category and type. No control message (C) is long enough for a symbol. */
#define CTA_LONG  TEXT(26, 11)
#define CTA_SHORT TEXT(26, 5)
static const struct fg_message_type cta[] = {
	{CHARACTERS('A', 'S'), CTA_LONG, .name = "SymbolReferenceData"},
	{CHARACTERS('C', 'A'), NO_INSTRUMENT, .name = "StartOfDay"},
	{CHARACTERS('C', 'L'), NO_INSTRUMENT, .name = "ResetSequence"},
	{CHARACTERS('C', 'T'), NO_INSTRUMENT, .name = "LineIntegrity"},
	{CHARACTERS('C', 'Z'), NO_INSTRUMENT, .name = "EndOfDay"},
	{CHARACTERS('M', 'K'), NO_INSTRUMENT, .name = "MwcbDeclineLevel"},
	{CHARACTERS('M', 'L'), NO_INSTRUMENT, .name = "MwcbStatus"},
	{CHARACTERS('M', 'V'), NO_INSTRUMENT, .name = "MarketCenterVolume"},
	{CHARACTERS('Q', 'L'), CTA_LONG, .name = "LongQuote"},
	{CHARACTERS('Q', 'S'), CTA_SHORT, .name = "ShortQuote"},
	{CHARACTERS('T', 'C'), CTA_LONG, .name = "TradeCorrection"},
	{CHARACTERS('T', 'E'), CTA_LONG, .name = "TradeCancel"},
	{CHARACTERS('T', 'H'), CTA_SHORT, .name = "ShortTradeH"},
	{CHARACTERS('T', 'L'), CTA_LONG, .name = "LongTrade"},
	{CHARACTERS('T', 'R'), CTA_LONG, .name = "FractionalLongTrade"},
	{CHARACTERS('T', 'S'), CTA_LONG, .name = "TradingStatus"},
	{CHARACTERS('T', 'T'), CTA_SHORT, .name = "ShortTrade"},
};
static const struct fg_messages cta_messages = {
	.name = "cta", .text = true, TYPES(cta), .other = {CTA_LONG}};

static const struct fg_protocol protocol_cta = {
	.name = "cta",
	.compiled = FG_COMPILED_cta,
	.help = "CTA consolidated quotes and trades, CQS and CTS: types of two characters",
	/* Line integrity and start of day before message 1 have number 0. */
	.header = {.order = FG_ORDER_BIG,
		   .counts = FG_COUNTS_MESSAGES,
		   .bytes = 20,
		   .min_bytes = 20,
		   .messages_off = 20,
		   .length = {1, 2},
		   .sequence = {5, 4},
		   .count = {9, 1},
		   .checksum = {18, 2},
		   .checksum_kind = FG_CHECKSUM_SUM16,
		   .n_admin = 7,
		   .admin = {RETRANSMITTED_UNLESS('O'),
			     {.is = FG_FEED_HEARTBEAT,
			      .number = FG_NUMBER_LAST,
			      .in_message = true,
			      FIELD_IS(2, 2, CHARACTERS('C', 'T'))},
			     {.is = FG_FEED_RESET,
			      .number = FG_NUMBER_LAST,
			      .in_message = true,
			      FIELD_IS(2, 2, CHARACTERS('C', 'A'))},
			     {.is = FG_FEED_RESET,
			      .number = FG_NUMBER_LAST,
			      .in_message = true,
			      FIELD_IS(2, 2, CHARACTERS('C', 'L'))},
			     {.is = FG_FEED_END,
			      .number = FG_NUMBER_LAST,
			      .in_message = true,
			      FIELD_IS(2, 2, CHARACTERS('C', 'Z'))},
			     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(9, 1, 0)}}},
	.walk = {.kind = FG_WALK_LENGTH,
		 .order = FG_ORDER_BIG,
		 .pad_to = 2,
		 .min_bytes = 4,
		 .length = {0, 2},
		 .type = {2, 2}},
	.messages = &cta_messages,
};

#endif /* PROTOCOL_TABLE_SIAC_H */
