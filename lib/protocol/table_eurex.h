/* SPDX-License-Identifier: MIT */
/* Eurex: T7 EOBI. */
#ifndef PROTOCOL_TABLE_EUREX_H
#define PROTOCOL_TABLE_EUREX_H

#include "rows.h"

static const struct fg_message_type eobi[] = {
	{13001, NO_INSTRUMENT, .name = "Heartbeat"},
	{13100, NUMBER(16, 8), .name = "OrderAdd"},
	{13101, NUMBER(40, 8), .name = "OrderModify"},
	{13102, NUMBER(24, 8), .name = "OrderDelete"},
	{13103, NUMBER(8, 8), .name = "OrderMassDelete"},
	{13104, NUMBER(32, 8), .name = "FullOrderExecution"},
	{13105, NUMBER(32, 8), .name = "PartialOrderExecution"},
	{13106, NUMBER(32, 8), .name = "OrderModifySamePrio"},
	{13201, NUMBER(8, 8), .name = "TradeReport"},
	{13202, NUMBER(8, 8), .name = "ExecutionSummary"},
	{13300, NO_INSTRUMENT, .name = "ProductStateChange"},
	{13301, NUMBER(8, 8), .name = "InstrumentStateChange"},
	{13302, NO_INSTRUMENT, .name = "CrossRequest"},
	{13500, NUMBER(16, 8), .name = "AuctionBbo"},
	{13501, NUMBER(16, 8), .name = "AuctionClearingPrice"},
	{13503, NUMBER(8, 8), .name = "QuoteRequest"},
	{13504, NUMBER(16, 8), .name = "TopOfBook"},
	{13600, NO_INSTRUMENT, .name = "ProductSummary"},
	{13601, NUMBER(8, 8), .name = "InstrumentSummary"},
	{13602, .instrument = FG_INSTRUMENT_PREVIOUS, .name = "SnapshotOrder"},
};
static const struct fg_messages eobi_messages = {.name = "eobi", TYPES(eobi)};

static const struct fg_protocol protocol_eurex_eobi = {
	.name = "eurex_eobi",
	.compiled = FG_COMPILED_eurex_eobi,
	.help = "Eurex T7 EOBI: SecurityID; a channel is a partition",
	/*
	 * Packets of all products of a multicast group and partition share its numbers, so those of
	 * one product have holes between them. We assume that a heartbeat (13001) uses a number.
	 */
	.header =
		{.counts = FG_COUNTS_PACKETS,
		 .bytes = 32,
		 .min_bytes = 32,
		 .messages_off = 32,
		 .channel = {{16, 1}},
		 .sequence = {8, 4},
		 .n_checks = 3,
		 .checks = {CHECK(0, 2, 32, 32), CHECK(2, 2, 13000, 13099),
			    CHECK(4, 4, UINT32_MAX, UINT32_MAX)},
		 .n_admin = 2,
		 .admin = {{.is = FG_FEED_RESET, .number = FG_NUMBER_CONSUMES, FIELD_IS(18, 1, 1)},
			   {.is = FG_FEED_HEARTBEAT,
			    .number = FG_NUMBER_CONSUMES,
			    .in_message = true,
			    FIELD_IS(2, 2, 13001)}}},
	.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 8, .length = {0, 2}, .type = {2, 2}},
	.messages = &eobi_messages,
};

#endif /* PROTOCOL_TABLE_EUREX_H */
