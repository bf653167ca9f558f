/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Reads rule sets and packet traces in the text format of ClassBench, which research
 * on packet classification uses.
 *
 * A rule a line:
 *
 *     @SRC/LEN DST/LEN LO : HI LO : HI PROTOCOL/MASK [more columns]
 *
 * IPv4 prefixes, source ports, destination ports, protocol; numbers are decimal or
 * 0x.... The protocol mask is 0xFF (this protocol) or 0x00 (any). Address bits beyond
 * the prefix length are cleared: some generators set them. Ports are compared for any
 * protocol. More columns, as the flags of ClassBench, are ignored. The name of a rule
 * is its number in the file: "1", "2", ...
 *
 * A trace has a packet a line: source address, destination address, source port,
 * destination port, protocol, all as numbers; more columns are ignored.
 *
 * In both, blanks are spaces and tabs, lines may end with CR LF, and empty lines and
 * lines that begin with # are skipped.
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
 * Read rules up to the end of @p in. The default action, rules[0], is drop.
 *
 * @param name   Name of the file in messages.
 * @param sinks  fg_rule.sinks of every rule.
 * @param out    Set on success; free with fg_rules_free(). A rule has one entry.
 * @return 0; -EINVAL: not this format, @p error is "NAME:LINE: what: expected ..., found ...";
 *         -E2BIG: over FG_RULES_MAX rules; -ENOMEM; -ENOSPC: see fg_names_id(); -errno of reading.
 * Threads: control.
 */
int fg_classbench_load(FILE *in, const char *name, uint64_t sinks, struct fg_rules **out,
		       struct fg_error *error);

/**
 * Read the next packet of a trace.
 *
 * @param line  Number of lines read so far; 0 before the first call.
 * @param key   Set if 1 is returned: an untagged IPv4 packet of source 0 without a line. l4 is
 *              the protocol if that is 6 or 17, else 0. The ports are set for any protocol.
 * @return 1; 0 at the end of the file; -EINVAL or -errno as fg_classbench_load().
 * Threads: one per @p in.
 */
int fg_classbench_read_key(FILE *in, const char *name, uint64_t *line, struct fg_key *key,
			   struct fg_error *error);

#endif /* FG_CLASSBENCH_H */
