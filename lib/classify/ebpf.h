/* SPDX-License-Identifier: MIT */
/* Machine code for libpcap's programs, by DPDK. */
#ifndef CLASSIFY_EBPF_H
#define CLASSIFY_EBPF_H

#include <stdint.h>

struct bpf_program;
struct rte_bpf;

/*
 * Compile @p program, which must not loop. Call the result with an mbuf: 0 is no
 * match. NULL, which is no error, if DPDK makes no code, or code that does not
 * match the same packets as libpcap, or would take too long to verify it.
 * @param bpf  Owns the code; free with rte_bpf_destroy(). Set on success.
 */
uint64_t (*ebpf_load(const struct bpf_program *program, struct rte_bpf **bpf))(void *mbuf);

#endif /* CLASSIFY_EBPF_H */
