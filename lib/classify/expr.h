/* SPDX-License-Identifier: MIT */
/* A compiled expression, for fg_expr.c and the tier of expressions. */
#ifndef CLASSIFY_EXPR_H
#define CLASSIFY_EXPR_H

#include <pcap/pcap.h>

struct fg_expr {
	struct bpf_program program; /* without loops: it ends after at most bf_len steps */
	char text[];
};

#endif /* CLASSIFY_EXPR_H */
