/* SPDX-License-Identifier: MIT */
/* A compiled expression, as the tier that runs it sees it. */
#ifndef CLASSIFY_EXPR_H
#define CLASSIFY_EXPR_H

#include <pcap/pcap.h>

struct fg_expr {
	struct bpf_program program; /* without loops: it ends after bf_len steps at most */
	char text[];
};

#endif /* CLASSIFY_EXPR_H */
