/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of the protocols with most traffic, as constants that each file
 * may use: with them the compiler makes code for that protocol alone. The tables
 * (table_nasdaq.c, table_cme.c) have the same initialisers.
 */
#ifndef PROTOCOL_HOT_H
#define PROTOCOL_HOT_H

#include <rte_common.h>

#include "fg_protocol.h"

#define MOLDUDP64_HEADER                                                                           \
	{                                                                                          \
		.order = FG_ORDER_BIG, .counts = FG_COUNTS_MESSAGES, .bytes = 20, .min_bytes = 20, \
		.messages_off = 20, .session = {0, 10}, .sequence = {10, 8}, .count = {18, 2},     \
		.n_admin = 2,                                                                      \
		.admin = {{.is = FG_FEED_HEARTBEAT, .empty = true, .field = {18, 2}},              \
			  {.is = FG_FEED_END,                                                      \
			   .empty = true,                                                          \
			   .field = {18, 2},                                                       \
			   .min = UINT16_MAX,                                                      \
			   .max = UINT16_MAX}},                                                    \
	}

/* A message of length 0 is legal; it has no type. */
#define MOLDUDP64_WALK                                                                             \
	{                                                                                          \
		.kind = FG_WALK_LENGTH, .order = FG_ORDER_BIG, .min_bytes = 2, .body = 2,          \
		.length_bias = 2, .length = {0, 2}, .type = {0, 1},                                \
	}

/* A heartbeat (12) uses a number, as any packet does; a channel reset (4) empties all books. */
#define CME_MDP3_HEADER                                                                            \
	{                                                                                          \
		.order = FG_ORDER_LITTLE, .counts = FG_COUNTS_PACKETS, .bytes = 12,                \
		.min_bytes = 12, .messages_off = 12, .sequence = {0, 4}, .n_admin = 2,             \
		.admin = {{.is = FG_FEED_HEARTBEAT,                                                \
			   .number = FG_NUMBER_CONSUMES,                                           \
			   .in_message = true,                                                     \
			   .field = {4, 2},                                                        \
			   .min = 12,                                                              \
			   .max = 12},                                                             \
			  {.is = FG_FEED_RESET,                                                    \
			   .number = FG_NUMBER_CONSUMES,                                           \
			   .in_message = true,                                                     \
			   .field = {4, 2},                                                        \
			   .min = 4,                                                               \
			   .max = 4}},                                                             \
	}

#define CME_MDP3_WALK                                                                              \
	{                                                                                          \
		.kind = FG_WALK_LENGTH, .order = FG_ORDER_LITTLE, .min_bytes = 10,                 \
		.length = {0, 2}, .type = {4, 2},                                                  \
	}

/* Groups with a header of 3 bytes. Later groups of a message may have others; none is read. */
#define CME_MDP3_GROUPS                                                                            \
	{                                                                                          \
		.root = 10, .root_bytes = {2, 2}, .header_bytes = 3, .entry_bytes = {0, 2},        \
		.entries = {2, 1},                                                                 \
	}

static const struct fg_header_shape hot_moldudp64_header __rte_unused = MOLDUDP64_HEADER;
static const struct fg_walk_shape hot_moldudp64_walk __rte_unused = MOLDUDP64_WALK;
static const struct fg_header_shape hot_cme_mdp3_header __rte_unused = CME_MDP3_HEADER;
static const struct fg_walk_shape hot_cme_mdp3_walk __rte_unused = CME_MDP3_WALK;
static const struct fg_group_shape hot_cme_mdp3_groups __rte_unused = CME_MDP3_GROUPS;

#endif /* PROTOCOL_HOT_H */
