/* SPDX-License-Identifier: MIT */
/**
 * @file
 * ClassBench text: rule sets and packet traces as other people's classifiers
 * exchange them.
 *
 * A rule a line:
 *
 *     @SRC/LEN DST/LEN LO : HI LO : HI PROTOCOL/MASK [more columns]
 *
 * IPv4 prefixes, source ports, destination ports, protocol; numbers are
 * decimal or 0x.... A protocol mask is 0xFF (this one) or 0x00 (any). Address
 * bits beyond a prefix's length are masked off: not every generator leaves them
 * zero. Ports are held against a key's ports whatever the protocol. The flags
 * column that ClassBench may add, and whatever else follows, is ignored. Where
 * a rule stands in the file is its name: "1", "2", ...
 *
 * A trace has a packet's header a line: source and destination address, source
 * and destination port, protocol, all as numbers; more columns are ignored.
 *
 * In both, blanks are spaces and tabs, lines may end in CR LF, and empty lines
 * and lines that begin with # are passed over.
 */
#ifndef FG_CLASSBENCH_H
#define FG_CLASSBENCH_H

#include <stdint.h>
#include <stdio.h>

#include <fg_error.h>
#include <fg_key.h>
#include <fg_rules.h>

#define FG_CLASSBENCH_LINE_BYTES_MAX 1000u /**< Longer lines are refused. */

/**
 * Read rules up to the end of @p in. No match is dropped (rules[0]).
 *
 * @param name   What messages call the file.
 * @param sinks  fg_rule.sinks of every rule.
 * @param out    Set on success; free with fg_rules_free(). A rule has one entry.
 * @return 0; -EINVAL: not such a file, @p error says "NAME:LINE: what: expected ..., found ...";
 *         -E2BIG: over FG_RULES_MAX rules; -ENOMEM; -ENOSPC: see fg_names_id(); -errno of reading.
 * Threads: control.
 */
int fg_classbench_load(FILE *in, const char *name, uint64_t sinks, struct fg_rules **out,
		       struct fg_error *error);

/**
 * Read the next packet's header from a trace.
 *
 * @param line  Lines read so far; the caller sets it to 0 before the first call.
 * @param key   Filled if 1 is returned: an untagged IPv4 packet of source 0 and no line, l4
 *              being the protocol if that is 6 or 17. The ports are kept with any protocol.
 * @return 1; 0 at the end; -EINVAL or -errno as fg_classbench_load().
 * Threads: one per @p in.
 */
int fg_classbench_read_key(FILE *in, const char *name, uint64_t *line, struct fg_key *key,
			   struct fg_error *error);

#endif /* FG_CLASSBENCH_H */
