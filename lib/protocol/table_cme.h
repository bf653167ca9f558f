/* SPDX-License-Identifier: MIT */
/* CME: MDP 3.0. */
#ifndef PROTOCOL_TABLE_CME_H
#define PROTOCOL_TABLE_CME_H

#include "rows.h"

/* SecurityID is in the first group's entries, or in the root. Definitions have the symbol. */
#define DEFINITION NUMBER(65, 4), SYMBOL(45, 20), .maps_symbol = true
static const struct fg_message_type cme_mdp3[] = {
	{4, NO_INSTRUMENT, .name = "ChannelReset"},
	{12, NO_INSTRUMENT, .name = "AdminHeartbeat"},
	{15, NO_INSTRUMENT, .name = "AdminLogin"},
	{16, NO_INSTRUMENT, .name = "AdminLogout"},
	{27, DEFINITION, .name = "MDInstrumentDefinitionFuture27"},
	{29, DEFINITION, .name = "MDInstrumentDefinitionSpread29"},
	{30, NUMBER(30, 4), .null_value = INT32_MAX, .name = "SecurityStatus"}, /* of a group */
	{32, IN_ENTRY(12, 4), .name = "MDIncrementalRefreshBook32"},
	{33, IN_ENTRY(12, 4), .name = "MDIncrementalRefreshDailyStatistics33"},
	{34, IN_ENTRY(24, 4), .name = "MDIncrementalRefreshLimitsBanding34"},
	{35, IN_ENTRY(8, 4), .name = "MDIncrementalRefreshSessionStatistics35"},
	{36, IN_ENTRY(12, 4), .name = "MDIncrementalRefreshTrade36"},
	{37, IN_ENTRY(4, 4), .name = "MDIncrementalRefreshVolume"},
	{39, IN_ENTRY(20, 4), .name = "QuoteRequest"},
	{41, DEFINITION, .name = "MDInstrumentDefinitionOption41"},
	{42, IN_ENTRY(12, 4), .name = "MDIncrementalRefreshTradeSummary42"},
	{43, IN_ENTRY(28, 4), .name = "MDIncrementalRefreshOrderBook43"},
	{46, IN_ENTRY(12, 4), .name = "MDIncrementalRefreshBook"},
	{47, IN_ENTRY(28, 4), .name = "MDIncrementalRefreshOrderBook"},
	{48, IN_ENTRY(12, 4), .name = "MDIncrementalRefreshTradeSummary"},
	{49, IN_ENTRY(12, 4), .name = "MDIncrementalRefreshDailyStatistics"},
	{50, IN_ENTRY(24, 4), .name = "MDIncrementalRefreshLimitsBanding"},
	{51, IN_ENTRY(8, 4), .name = "MDIncrementalRefreshSessionStatistics"},
	{52, NUMBER(18, 4), .name = "SnapshotFullRefresh"},
	{53, NUMBER(18, 4), .name = "SnapshotFullRefreshOrderBook"},
	{54, DEFINITION, .name = "MDInstrumentDefinitionFuture"},
	{55, DEFINITION, .name = "MDInstrumentDefinitionOption"},
	{56, DEFINITION, .name = "MDInstrumentDefinitionSpread"},
	{57, DEFINITION, .name = "MDInstrumentDefinitionFixedIncome"},
	{58, DEFINITION, .name = "MDInstrumentDefinitionRepo"},
	{59, NUMBER(19, 4), .name = "SnapshotRefreshTopOrders"},
	{61, NUMBER(19, 4), .name = "SnapshotFullRefreshTCP"},
	{63, DEFINITION, .name = "MDInstrumentDefinitionFX"},
	{64, IN_ENTRY(16, 4), .name = "MDIncrementalRefreshBookLongQty"},
	{65, IN_ENTRY(16, 4), .name = "MDIncrementalRefreshTradeSummaryLongQty"},
	{66, IN_ENTRY(8, 4), .name = "MDIncrementalRefreshVolumeLongQty"},
	{67, IN_ENTRY(16, 4), .name = "MDIncrementalRefreshSessionStatisticsLongQty"},
	{68, NUMBER(19, 4), .name = "SnapshotFullRefreshTCPLongQty"},
	{69, NUMBER(18, 4), .name = "SnapshotFullRefreshLongQty"},
};
/* A channel reset is about books: an instrument keeps its SecurityID. */
static const struct fg_messages cme_mdp3_messages = {
	.name = "cme_mdp3", .keeps_numbers = true, TYPES(cme_mdp3)};

static const struct fg_protocol protocol_cme_mdp3 = {
	.name = "cme_mdp3",
	.compiled = FG_COMPILED_cme_mdp3,
	.help = "CME MDP 3.0 incremental feeds: SecurityID of each entry",
	/* A heartbeat uses a number, as any packet does; a channel reset empties all books. */
	.header = {.counts = FG_COUNTS_PACKETS,
		   .bytes = 12,
		   .min_bytes = 12,
		   .messages_off = 12,
		   .sequence = {0, 4},
		   .n_admin = 2,
		   .admin = {{.is = FG_FEED_HEARTBEAT,
			      .number = FG_NUMBER_CONSUMES,
			      .in_message = true,
			      FIELD_IS(4, 2, 12)},
			     {.is = FG_FEED_RESET,
			      .number = FG_NUMBER_CONSUMES,
			      .in_message = true,
			      FIELD_IS(4, 2, 4)}}},
	.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 10, .length = {0, 2}, .type = {4, 2}},
	/* Groups with a header of 3 bytes. Later groups of a message may have others; none is read.
	 */
	.groups = {.root = 10,
		   .root_bytes = {2, 2},
		   .header_bytes = 3,
		   .entry_bytes = {0, 2},
		   .entries = {2, 1}},
	.messages = &cme_mdp3_messages,
};

#endif /* PROTOCOL_TABLE_CME_H */
