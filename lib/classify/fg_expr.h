/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Packet expressions: pcap-filter(7) text, compiled by libpcap.
 *
 * Compiling needs no EAL, so a configuration can be checked without one. A
 * table makes of each expression a program of its own, by rte_bpf_convert, and
 * has it compiled to machine code where DPDK can. Only programs that
 * pcap_compile() made ever get there.
 *
 * Names are never looked up, neither in files nor in the network: an expression
 * consists of keywords, numbers and addresses. What would loop (protochain) is
 * refused, so that no packet decides how long a program runs.
 *
 * An expression sees the frame as captured, from the Ethernet header on, with
 * its VLAN tags in place, as tcpdump would see it in a file; `len` is the
 * captured length.
 */
#ifndef FG_EXPR_H
#define FG_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

#define FG_EXPRS_MAX           1024u  /**< In a table: each may cost every packet a run. */
#define FG_EXPR_MATCHES_MAX    16384u /**< Entries with one in a table: each is compared in turn. */
#define FG_EXPR_TEXT_BYTES_MAX 8192u
#define FG_EXPR_WORDS_MAX      256u  /**< Words and signs: libpcap's time grows with their cube. */
#define FG_EXPR_STEPS_MAX      4096u /**< Instructions it may compile to; none runs twice. */

struct fg_expr;

/**
 * Compile @p text.
 * @param out  Set on success; free with fg_expr_free().
 * @return 0; -EINVAL with libpcap's reason, and for an empty text, one over the limits
 *         above, one with names, or one that loops; -ENOMEM.
 * Threads: control.
 */
int fg_expr_compile(const char *text, struct fg_expr **out, struct fg_error *error);

/** Free an expression that no table uses. NULL is allowed. Threads: control. */
void fg_expr_free(struct fg_expr *expr);

/** Its text. Threads: any. */
const char *fg_expr_text(const struct fg_expr *expr);

/**
 * Does it accept this frame? libpcap's interpreter: the definition, for tests
 * and for explaining; tables have something faster.
 * @param data   @p length contiguous bytes.
 * @param total  Length of the whole frame; at least @p length.
 * Threads: any.
 */
bool fg_expr_test(const struct fg_expr *expr, const uint8_t *data, uint32_t length, uint32_t total);

#endif /* FG_EXPR_H */
