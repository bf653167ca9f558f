/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Packet expressions: text as in pcap-filter(7), compiled by libpcap without its
 * optimizer, which changes the meaning of some.
 *
 *     struct fg_expr *expr;
 *
 *     if (fg_expr_compile("udp[8:4] > 0", &expr, &error) == 0) {
 *             match.expr = expr;  // for fg_table_build(), or test a frame:
 *             accepted = fg_expr_test(expr, frame, length, length);
 *     }
 *
 * Compiling needs no EAL, so a configuration can be checked without it. A table
 * translates the program to machine code where DPDK's JIT compiler can.
 *
 * An expression consists of keywords, numbers and addresses. Names are refused:
 * libpcap would look them up in files or in the network. Loops (protochain) are
 * refused too: the packet would decide how long the program runs.
 *
 * An expression reads the frame as captured, from the Ethernet header on, with
 * its VLAN tags in place, as tcpdump reads it from a file; `len` is the captured
 * length.
 */
#ifndef FG_EXPR_H
#define FG_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

#define FG_EXPRS_MAX           1024u  /**< Expressions in a table: each may run on every packet. */
#define FG_EXPR_MATCHES_MAX    16384u /**< Entries with one in a table: compared in turn. */
#define FG_EXPR_TEXT_BYTES_MAX 8192u
#define FG_EXPR_WORDS_MAX      256u   /**< Words and signs. */
#define FG_EXPR_STEPS_MAX      16384u /**< Instructions of a program; none runs twice. */

/** A compiled expression; read-only. */
struct fg_expr;

/**
 * Compile @p text.
 * @param out  Set on success; free with fg_expr_free().
 * @return 0; -EINVAL with the reason: libpcap's, or an empty text, a limit above exceeded,
 *         a name, or a loop; -ENOMEM.
 * Threads: control.
 */
int fg_expr_compile(const char *text, struct fg_expr **out, struct fg_error *error);

/** Free an expression that no table uses. NULL is allowed. Threads: control. */
void fg_expr_free(struct fg_expr *expr);

/** The text it was compiled from; lives as long as @p expr. Threads: any. */
const char *fg_expr_text(const struct fg_expr *expr);

/**
 * "udp", "tcp" or "sctp" if @p expr reads bytes after such a word, as in udp[8]: for
 * libpcap that is IPv4 only. NULL if it does not. Static text. Threads: any.
 */
const char *fg_expr_ipv4_only(const struct fg_expr *expr);

/**
 * Does it accept this frame? Runs in libpcap's interpreter: the reference for
 * tests and `explain`. Tables use machine code where they can.
 * @param data   @p length contiguous bytes.
 * @param total  Length of the whole frame, bytes; at least @p length.
 * Threads: any.
 */
bool fg_expr_test(const struct fg_expr *expr, const uint8_t *data, uint32_t length, uint32_t total);

#endif /* FG_EXPR_H */
