/* SPDX-License-Identifier: MIT */
/* Deribit: multicast. */
#ifndef PROTOCOL_TABLE_DERIBIT_H
#define PROTOCOL_TABLE_DERIBIT_H

#include "rows.h"

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
static const struct fg_messages deribit_messages = {
	.name = "deribit", TYPES(deribit), .other = {INSTRUMENT_ID}};

static const struct fg_protocol protocol_deribit = {
	.name = "deribit",
	.compiled = FG_COMPILED_deribit,
	.help = "Deribit multicast: instrument id",
	.header = {.counts = FG_COUNTS_PACKETS,
		   .bytes = 8,
		   .min_bytes = 8,
		   .messages_off = 8,
		   .length = {0, 2},
		   .length_bias = 8,
		   .channel = {{2, 2}},
		   .sequence = {4, 4}},
	.walk = {.kind = FG_WALK_GROUPS, .min_bytes = 12, .type = {2, 2}},
	.groups = {.root = 12,
		   .root_bytes = {0, 2},
		   .n_groups = {8, 2},
		   .n_data = {10, 2},
		   .header_bytes = 8,
		   .entry_bytes = {0, 2},
		   .entries = {2, 2},
		   .nested = {4, 2},
		   .entry_data = {6, 2},
		   .data_length_bytes = 1},
	.messages = &deribit_messages,
};

#endif /* PROTOCOL_TABLE_DERIBIT_H */
