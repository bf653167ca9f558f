/* SPDX-License-Identifier: MIT */
/*
 * The messages of each protocol built in: type, name, and where instrument,
 * symbol and order stand. Offsets count from the message proper. Ascending by type.
 */
#include "load_messages.h"

#include <rte_common.h>

#include "fg_protocol.h"

#define NO_INSTRUMENT      .instrument = FG_INSTRUMENT_NONE
#define NUMBER(at, size)   .instrument = FG_INSTRUMENT_NUMBER, .id = {at, size}
#define TEXT(at, size)     .instrument = FG_INSTRUMENT_TEXT, .id = {at, size}
#define IN_ENTRY(at, size) NUMBER(at, size), .group = 1
#define SYMBOL(at, size)   .symbol = {at, size}
#define ORDER(at)          .order = {at, 8}
#define ADDS(at)           ORDER(at), .adds_order = true
#define BECOMES(at)        .ends_order = true, .new_order = {at, 8}
#define ORDER_ONLY(at)     .instrument = FG_INSTRUMENT_ORDER, .order = {at, 8}
#define TYPES(rows)        .types = (rows), .count = RTE_DIM(rows)
#define CHARACTERS(a, b)   ((uint32_t)(a) << 8 | (b))

const struct fg_messages messages_any = {.name = "any", .text = true};

/* Stock locate in every message; 0 in those that are of no stock or of all. */
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
const struct fg_messages messages_itch50 = {
	.name = "itch50", .text = true, TYPES(itch50), .other = {LOCATE}};

/* SecurityID in the first group's entries, or in the root. Definitions tell symbols. */
#define DEFINITION NUMBER(65, 4), SYMBOL(45, 20), .maps_symbol = true
static const struct fg_message_type cme_mdp3[] = {
	{4, NO_INSTRUMENT, .name = "ChannelReset"},
	{12, NO_INSTRUMENT, .name = "AdminHeartbeat"},
	{15, NO_INSTRUMENT, .name = "AdminLogin"},
	{16, NO_INSTRUMENT, .name = "AdminLogout"},
	{27, DEFINITION, .name = "MDInstrumentDefinitionFuture27"},
	{29, DEFINITION, .name = "MDInstrumentDefinitionSpread29"},
	{30, NUMBER(30, 4), .null_value = INT32_MAX, .name = "SecurityStatus"}, /* Of a group. */
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
const struct fg_messages messages_cme_mdp3 = {.name = "cme_mdp3", TYPES(cme_mdp3)};

/* TOPS, DEEP and DEEP+ give no letter two meanings that differ in where the symbol is. */
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
const struct fg_messages messages_iex = {
	.name = "iex", .text = true, TYPES(iex), .other = {IEX_SYMBOL}};

/* Behind seconds and nanoseconds, or behind nanoseconds only. */
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
const struct fg_messages messages_nyse = {.name = "nyse", TYPES(nyse)};

/* A trade's order does not rest: nothing else will name it. */
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
const struct fg_messages messages_pitch = {.name = "pitch", TYPES(pitch)};

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
const struct fg_messages messages_eobi = {.name = "eobi", TYPES(eobi)};

/* Types are categories. Without appendix: best bid or offer of k and q, the text of C. */
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
const struct fg_messages messages_opra = {
	.name = "opra", .text = true, TYPES(opra), .lengths = opra_lengths};

/* Types are category and type. Of the control messages (C) none is long enough for a symbol. */
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
const struct fg_messages messages_cta = {
	.name = "cta", .text = true, TYPES(cta), .other = {CTA_LONG}};

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
const struct fg_messages messages_ice = {
	.name = "ice", .text = true, TYPES(ice), .other = {MARKET_ID}};

#define PRODUCT_ID NUMBER(17, 4)
static const struct fg_message_type miax[] = {
	{'1', NO_INSTRUMENT, .name = "SystemTime"}, {'A', PRODUCT_ID, .name = "WideBestOffer"},
	{'B', PRODUCT_ID, .name = "BestBid"},       {'D', PRODUCT_ID, .name = "WideDoubleSided"},
	{'O', PRODUCT_ID, .name = "BestOffer"},     {'T', PRODUCT_ID, .name = "LastSale"},
	{'W', PRODUCT_ID, .name = "WideBestBid"},   {'d', PRODUCT_ID, .name = "DoubleSided"},
};
const struct fg_messages messages_miax = {.name = "miax", .text = true, TYPES(miax)};

#define SECURITY_ID NUMBER(16, 2)
static const struct fg_message_type memx[] = {
	{2, SECURITY_ID, .name = "RegShoRestriction"},
	{3, SECURITY_ID, .name = "SecurityTradingStatus"},
	{5, NO_INSTRUMENT, .name = "TradingSessionStatus"},
	{10, SECURITY_ID, .name = "OrderAdded"},
	{11, SECURITY_ID, .name = "OrderDeleted"},
	{12, SECURITY_ID, .name = "OrderReduced"},
	{13, SECURITY_ID, .name = "OrderExecuted"},
};
const struct fg_messages messages_memx = {.name = "memx", TYPES(memx), .other = {SECURITY_ID}};

#define B3_SECURITY NUMBER(12, 8)
static const struct fg_message_type b3[] = {
	{1, NO_INSTRUMENT, .name = "SequenceReset"},   {2, NO_INSTRUMENT, .name = "Sequence"},
	{11, NO_INSTRUMENT, .name = "ChannelReset"},   {50, B3_SECURITY, .name = "Order"},
	{51, B3_SECURITY, .name = "DeleteOrder"},      {53, B3_SECURITY, .name = "Trade"},
	{55, B3_SECURITY, .name = "ExecutionSummary"},
};
const struct fg_messages messages_b3 = {.name = "b3", TYPES(b3), .other = {B3_SECURITY}};

#define INSTRUMENT_ID NUMBER(12, 4)
static const struct fg_message_type deribit[] = {
	{1000, INSTRUMENT_ID, .name = "Instrument"},
	{1001, INSTRUMENT_ID, .name = "Book"},
	{1002, INSTRUMENT_ID, .name = "Trades"},
	{1003, INSTRUMENT_ID, .name = "Ticker"},
	{1004, INSTRUMENT_ID, .name = "Snapshot"},
	{1005, NO_INSTRUMENT, .name = "SnapshotStart"},
	{1006, NO_INSTRUMENT, .name = "SnapshotEnd"},
	{1007, INSTRUMENT_ID, .name = "ComboLegs"},
	{1008, NO_INSTRUMENT, .name = "PriceIndex"},
	{1009, INSTRUMENT_ID, .name = "Rfq"},
};
const struct fg_messages messages_deribit = {
	.name = "deribit", TYPES(deribit), .other = {INSTRUMENT_ID}};
