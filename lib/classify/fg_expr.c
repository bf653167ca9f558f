/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <fg_expr.h>

#include "cbpf.h"
#include "expr.h"
#include "expr_text.h"

#define SNAPLEN 65535 /* a program returns it to accept a packet: anything but 0 will do */

static int check_program(const struct bpf_program *program, struct fg_error *error)
{
	if (program->bf_len > FG_EXPR_STEPS_MAX)
		return fg_error_set(error, EINVAL,
				    "an expression of %u instructions: at most %u; split it into "
				    "a list of expressions, or into several rules",
				    program->bf_len, FG_EXPR_STEPS_MAX);
	if (cbpf_loops(program))
		return fg_error_set(error, EINVAL,
				    "an expression with a loop (protochain): the packet would "
				    "decide how long it takes");
	return 0;
}

static int compile(const char *text, struct bpf_program *program, struct fg_error *error)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	int rc = 0;

	if (pcap == NULL)
		return fg_error_set(error, ENOMEM, "no memory for an expression");
	/* 0: as written. libpcap's optimizer changes the meaning of some expressions. */
	if (pcap_compile(pcap, program, text, 0, PCAP_NETMASK_UNKNOWN) != 0)
		rc = fg_error_set(error, EINVAL, "'%.100s%s': %s", text,
				  strlen(text) > 100 ? "..." : "", pcap_geterr(pcap));
	pcap_close(pcap);
	if (rc != 0)
		return rc;
	rc = check_program(program, error);
	if (rc != 0)
		pcap_freecode(program);
	return rc;
}

int fg_expr_compile(const char *text, struct fg_expr **out, struct fg_error *error)
{
	const size_t length = strnlen(text, FG_EXPR_TEXT_BYTES_MAX + 1);
	struct fg_expr *expr;
	int rc;

	if (length > FG_EXPR_TEXT_BYTES_MAX)
		return fg_error_set(error, EINVAL, "an expression of over %u characters",
				    FG_EXPR_TEXT_BYTES_MAX);
	rc = expr_text_check(text, error);
	if (rc != 0)
		return rc;
	expr = malloc(sizeof(*expr) + length + 1);
	if (expr == NULL)
		return fg_error_set(error, ENOMEM, "no memory for an expression");
	memcpy(expr->text, text, length + 1);
	rc = compile(text, &expr->program, error);
	if (rc != 0) {
		free(expr);
		return rc;
	}
	*out = expr;
	return 0;
}

void fg_expr_free(struct fg_expr *expr)
{
	if (expr == NULL)
		return;
	pcap_freecode(&expr->program);
	free(expr);
}

const char *fg_expr_text(const struct fg_expr *expr)
{
	return expr->text;
}

const char *fg_expr_ipv4_only(const struct fg_expr *expr)
{
	return expr_text_ipv4_only(expr->text);
}

bool fg_expr_test(const struct fg_expr *expr, const uint8_t *data, uint32_t length, uint32_t total)
{
	return bpf_filter(expr->program.bf_insns, data, total, length) != 0;
}
