/* SPDX-License-Identifier: MIT */
/* CME: MDP 3.0. */
#include "hot.h"
#include "table.h"

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

const struct fg_protocol protocol_cme_mdp3 = {
	.name = "cme_mdp3",
	.help = "CME MDP 3.0 incremental feeds: SecurityID of each entry",
	.hot = FG_HOT_CME_MDP3,
	.header = CME_MDP3_HEADER,
	.walk = CME_MDP3_WALK,
	.groups = CME_MDP3_GROUPS,
	.messages = &cme_mdp3_messages,
};
