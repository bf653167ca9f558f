/* SPDX-License-Identifier: MIT */
/*
 * The built-in protocols. Each is a descriptor in the file of its venue,
 * table_VENUE.h, beside the table of its messages. They are in headers, so that any
 * file can be compiled with a descriptor's constants; tables.h has all of them.
 *
 * In a table of messages, offsets count from the start of the message without its
 * frame (struct fg_walk_shape), and rows ascend by type.
 */
#ifndef PROTOCOL_ROWS_H
#define PROTOCOL_ROWS_H

#include <rte_common.h>

#include "fg_protocol.h"

/* For descriptors: a header field that must be in a range, or an admin row that holds for a value.
 */
#define CHECK(at, size, low, high)                                                                 \
	{                                                                                          \
		.field = {at, size}, .min = (low), .max = (high)                                   \
	}
#define FIELD_IS(at, size, number) .field = {at, size}, .min = (number), .max = (number)

/* For tables of messages: how a message names its instrument, its order and its symbol. */
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

/* A type, or a field, of two characters. */
#define CHARACTERS(a, b) ((uint32_t)(a) << 8 | (b))

#endif /* PROTOCOL_ROWS_H */
