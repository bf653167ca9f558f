/* SPDX-License-Identifier: MIT */
/*
 * Every protocol built in. What is known of the less travelled corners stands
 * beside them; their messages are in load_messages.c.
 */
#include <string.h>

#include <rte_common.h>

#include "fg_protocol.h"
#include "hot.h"
#include "load_messages.h"

#define FIELD_IS(at, size, number) .field = {at, size}, .min = (number), .max = (number)
#define CHECK(at, size, low, high)                                                                 \
	{                                                                                          \
		.field = {at, size}, .min = (low), .max = (high)                                   \
	}
#define TYPE(a, b) ((uint64_t)(a) << 8 | (b))

const struct fg_protocol fg_protocols[] = {
	{
		.name = "moldudp64",
		.help = "MoldUDP64 with messages of any kind: types, no instruments",
		.hot = FG_HOT_MOLDUDP64,
		.header = MOLDUDP64_HEADER,
		.walk = MOLDUDP64_WALK,
		.messages = &messages_any,
	},
	{
		.name = "itch50",
		.help = "MoldUDP64 with Nasdaq TotalView-ITCH 5.0 (Nasdaq, BX, PSX)",
		.hot = FG_HOT_MOLDUDP64,
		.header = MOLDUDP64_HEADER,
		.walk = MOLDUDP64_WALK,
		.messages = &messages_itch50,
	},
	{
		.name = "cme_mdp3",
		.help = "CME MDP 3.0 incremental feeds",
		.hot = FG_HOT_CME_MDP3,
		.header = CME_MDP3_HEADER,
		.walk = CME_MDP3_WALK,
		.groups = CME_MDP3_GROUPS,
		.messages = &messages_cme_mdp3,
	},
	{
		.name = "iex_tp",
		.help = "IEX-TP 1 with TOPS, DEEP or DEEP+",
		.header = {.counts = FG_COUNTS_MESSAGES,
			   .bytes = 40,
			   .min_bytes = 40,
			   .messages_off = 40,
			   .length = {12, 2},
			   .length_bias = 40,
			   .session = {8, 4},
			   .channel = {{2, 2}, {4, 4}}, /* Protocol, channel. */
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
		.messages = &messages_iex,
	},
	{
		.name = "nyse_pillar",
		.help = "NYSE XDP and Pillar: Integrated, BBO, Trades, Imbalances, Arca Options",
		/* Flags 13 to 21 are retransmissions and refreshes. The reset message is number 1.
		 */
		.header = {.counts = FG_COUNTS_MESSAGES,
			   .bytes = 16,
			   .min_bytes = 16,
			   .messages_off = 16,
			   .length = {0, 2},
			   .sequence = {4, 4},
			   .count = {3, 1},
			   .n_admin = 4,
			   .admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(2, 1, 1)},
				     {.is = FG_FEED_RESET,
				      .number = FG_NUMBER_CONSUMES,
				      FIELD_IS(2, 1, 12)},
				     {.is = FG_FEED_UNSEQUENCED,
				      .field = {2, 1},
				      .min = 13,
				      .max = 21},
				     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(3, 1, 0)}}},
		.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 4, .length = {0, 2}, .type = {2, 2}},
		.messages = &messages_nyse,
	},
	{
		.name = "cboe_pitch",
		.help = "Cboe multicast PITCH, equities, options and futures",
		/* Number 0: spins, definitions, and heartbeats of the gap line. */
		.header = {.counts = FG_COUNTS_MESSAGES,
			   .bytes = 8,
			   .min_bytes = 8,
			   .messages_off = 8,
			   .length = {0, 2},
			   .channel = {{3, 1}},
			   .sequence = {4, 4},
			   .count = {2, 1},
			   .n_admin = 2,
			   .admin = {{.is = FG_FEED_UNSEQUENCED, FIELD_IS(4, 4, 0)},
				     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(2, 1, 0)}}},
		.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 2, .length = {0, 1}, .type = {1, 1}},
		.messages = &messages_pitch,
	},
	{
		.name = "eurex_eobi",
		.help = "Eurex T7 EOBI",
		/*
		 * Numbers are of the multicast group and partition: packets of neighbouring
		 * products share them, and a product of few messages has high ones. Its heartbeat
		 * (13001) is taken to use a number like any packet.
		 */
		.header = {.counts = FG_COUNTS_PACKETS,
			   .bytes = 32,
			   .min_bytes = 32,
			   .messages_off = 32,
			   .channel = {{16, 1}},
			   .sequence = {8, 4},
			   .n_checks = 3,
			   .checks = {CHECK(0, 2, 32, 32), CHECK(2, 2, 13000, 13099),
				      CHECK(4, 4, UINT32_MAX, UINT32_MAX)},
			   .n_admin = 2,
			   .admin = {{.is = FG_FEED_RESET,
				      .number = FG_NUMBER_CONSUMES,
				      FIELD_IS(18, 1, 1)},
				     {.is = FG_FEED_HEARTBEAT,
				      .number = FG_NUMBER_CONSUMES,
				      .in_message = true,
				      FIELD_IS(2, 2, 13001)}}},
		.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 8, .length = {0, 2}, .type = {2, 2}},
		.messages = &messages_eobi,
	},
	{
		.name = "opra",
		.help = "OPRA binary",
		/* Its numbers are taken to count messages, and line integrity to repeat the last.
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
			   .n_admin = 5,
			   .admin = {{.is = FG_FEED_UNSEQUENCED, /* Retransmitted: not ' '. */
				      .field = {4, 1},
				      .min = ' ' + 1,
				      .max = UINT8_MAX},
				     {.is = FG_FEED_HEARTBEAT,
				      .number = FG_NUMBER_LAST,
				      .in_message = true,
				      FIELD_IS(1, 2, TYPE('H', 'N'))},
				     {.is = FG_FEED_RESET,
				      .number = FG_NUMBER_LAST,
				      .in_message = true,
				      FIELD_IS(1, 2, TYPE('H', 'K'))},
				     {.is = FG_FEED_END,
				      .number = FG_NUMBER_LAST,
				      .in_message = true,
				      FIELD_IS(1, 2, TYPE('H', 'J'))},
				     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(10, 1, 0)}}},
		.walk = {.kind = FG_WALK_OPRA,
			 .order = FG_ORDER_BIG,
			 .min_bytes = 12,
			 .type = {1, 1}},
		.messages = &messages_opra,
	},
	{
		.name = "cta",
		.help = "CTA consolidated quotes and trades: CQS, CTS",
		/* Line integrity and start of day have number 0 before the first message, number 1.
		 */
		.header = {.order = FG_ORDER_BIG,
			   .counts = FG_COUNTS_MESSAGES,
			   .bytes = 20,
			   .min_bytes = 20,
			   .messages_off = 20,
			   .length = {1, 2},
			   .sequence = {5, 4},
			   .count = {9, 1},
			   .n_admin = 6,
			   .admin = {{.is = FG_FEED_UNSEQUENCED, /* Retransmitted: not 'O'. */
				      .field = {4, 1},
				      .min = 'O' + 1,
				      .max = UINT8_MAX},
				     {.is = FG_FEED_HEARTBEAT,
				      .number = FG_NUMBER_LAST,
				      .in_message = true,
				      FIELD_IS(2, 2, TYPE('C', 'T'))},
				     {.is = FG_FEED_RESET,
				      .number = FG_NUMBER_LAST,
				      .in_message = true,
				      FIELD_IS(2, 2, TYPE('C', 'A'))},
				     {.is = FG_FEED_RESET,
				      .number = FG_NUMBER_LAST,
				      .in_message = true,
				      FIELD_IS(2, 2, TYPE('C', 'L'))},
				     {.is = FG_FEED_END,
				      .number = FG_NUMBER_LAST,
				      .in_message = true,
				      FIELD_IS(2, 2, TYPE('C', 'Z'))},
				     {.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(9, 1, 0)}}},
		.walk = {.kind = FG_WALK_LENGTH,
			 .order = FG_ORDER_BIG,
			 .min_bytes = 4,
			 .length = {0, 2},
			 .type = {2, 2}},
		.messages = &messages_cta,
	},
	{
		.name = "ice_impact",
		.help = "ICE multicast data feed, iMpact",
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
		.messages = &messages_ice,
	},
	{
		.name = "miax_mach",
		.help = "MIAX MACH: Top of Market, Administrative, Liquidity feeds",
		/* Packet types: 0 heartbeat, 1 start of session, 2 its end, 3 data. */
		.header = {.counts = FG_COUNTS_MESSAGES,
			   .units = true,
			   .bytes = 12,
			   .min_bytes = 12,
			   .session = {11, 1},
			   .sequence = {0, 8},
			   .n_admin = 3,
			   .admin = {{.is = FG_FEED_HEARTBEAT,
				      .number = FG_NUMBER_LAST,
				      FIELD_IS(10, 1, 0)},
				     {.is = FG_FEED_RESET,
				      .number = FG_NUMBER_LAST,
				      FIELD_IS(10, 1, 1)},
				     {.is = FG_FEED_END,
				      .number = FG_NUMBER_LAST,
				      FIELD_IS(10, 1, 2)}}},
		.walk = {.kind = FG_WALK_LENGTH,
			 .min_bytes = 12,
			 .length = {8, 2},
			 .type = {12, 1}},
		.messages = &messages_miax,
	},
	{
		.name = "memx_memoir",
		.help = "MEMX Memoir Depth, Top and Last Sale",
		/* Packet types: 0 heartbeat, 1 session shutdown, 2 data; only data has a count. */
		.header = {.order = FG_ORDER_BIG,
			   .counts = FG_COUNTS_MESSAGES,
			   .bytes = 20,
			   .min_bytes = 18,
			   .messages_off = 20,
			   .session = {2, 8},
			   .sequence = {10, 8},
			   .count = {18, 2},
			   .n_checks = 2,
			   .checks = {CHECK(0, 1, 0, 2), CHECK(1, 1, 18, 18)},
			   .n_admin = 2,
			   .admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, FIELD_IS(0, 1, 0)},
				     {.is = FG_FEED_END, .empty = true, FIELD_IS(0, 1, 1)}}},
		.walk = {.kind = FG_WALK_LENGTH,
			 .order = FG_ORDER_BIG,
			 .min_bytes = 2,
			 .length_bias = 2,
			 .length = {0, 2},
			 .type = {4, 1}},
		.messages = &messages_memx,
	},
	{
		.name = "b3_umdf",
		.help = "B3 Binary UMDF",
		/* A new sequence version is a new session. A heartbeat (2) says itself what comes
		   next. */
		.header = {.counts = FG_COUNTS_PACKETS,
			   .bytes = 16,
			   .min_bytes = 16,
			   .messages_off = 16,
			   .session = {2, 2},
			   .channel = {{0, 1}},
			   .sequence = {4, 4},
			   .n_admin = 2,
			   .admin = {{.is = FG_FEED_RESET,
				      .number = FG_NUMBER_CONSUMES,
				      .in_message = true,
				      FIELD_IS(6, 2, 1)},
				     {.is = FG_FEED_HEARTBEAT,
				      .in_message = true,
				      FIELD_IS(6, 2, 2),
				      .at = {12, 4}}}},
		.walk = {.kind = FG_WALK_LENGTH, .min_bytes = 12, .length = {0, 2}, .type = {6, 2}},
		.groups = {.root = 12,
			   .root_bytes = {4, 2},
			   .header_bytes = 3,
			   .entry_bytes = {0, 2},
			   .entries = {2, 1}},
		.messages = &messages_b3,
	},
	{
		.name = "deribit",
		.help = "Deribit multicast",
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
		.messages = &messages_deribit,
	},
	{.name = NULL},
};

const struct fg_messages *const fg_message_sets[] = {
	&messages_any,   &messages_itch50, &messages_cme_mdp3, &messages_iex,     &messages_nyse,
	&messages_pitch, &messages_eobi,   &messages_opra,     &messages_cta,     &messages_ice,
	&messages_miax,  &messages_memx,   &messages_b3,       &messages_deribit, NULL,
};

const struct fg_protocol *fg_protocol_find(const char *name)
{
	for (const struct fg_protocol *f = fg_protocols; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

const struct fg_messages *fg_messages_find(const char *name)
{
	for (const struct fg_messages *const *set = fg_message_sets; *set != NULL; set++)
		if (strcmp((*set)->name, name) == 0)
			return *set;
	return NULL;
}
