/* SPDX-License-Identifier: MIT */
/* Programs for DPDK, made of libpcap's. */
#ifndef CLASSIFY_EBPF_H
#define CLASSIFY_EBPF_H

#include <stdint.h>

struct bpf_program;
struct rte_bpf;

/*
 * Machine code for @p program, which must not loop, to be called with an mbuf:
 * 0 for no match. NULL if DPDK makes none, or none that judges every packet as
 * libpcap does, or would take too long to check it: none of these is an error.
 * @param bpf  Owns it; free with rte_bpf_destroy(). Set on success.
 */
uint64_t (*ebpf_load(const struct bpf_program *program, struct rte_bpf **bpf))(void *mbuf);

#endif /* CLASSIFY_EBPF_H */
