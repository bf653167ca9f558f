/* SPDX-License-Identifier: MIT */
/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), formatted in memory in
 * this machine's byte order. Each function returns the bytes it wrote, a
 * multiple of four; `out` needs no alignment.
 */
#ifndef PCAPNG_BLOCK_H
#define PCAPNG_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define PCAPNG_SECTION_MAX_BYTES    128u
#define PCAPNG_INTERFACE_MAX_BYTES  320u
#define PCAPNG_STATISTICS_MAX_BYTES 48u

/* Section header; at most PCAPNG_SECTION_MAX_BYTES. */
size_t pcapng_section(uint8_t *out);

/* Interface description: Ethernet, ns; at most PCAPNG_INTERFACE_MAX_BYTES. */
size_t pcapng_interface(uint8_t *out, const char *name);

/* Most bytes that pcapng_packet() will write. */
size_t pcapng_packet_max(const struct rte_mbuf *mbuf, const char *rule);

/* Enhanced packet: time, interface and lengths come from the packet's fg_meta. */
size_t pcapng_packet(uint8_t *out, struct rte_mbuf *mbuf, const char *rule);

/* Interface statistics; at most PCAPNG_STATISTICS_MAX_BYTES. */
size_t pcapng_statistics(uint8_t *out, uint32_t interface, uint64_t time_ns, uint64_t packets);

/* Length of the block at `block`. */
size_t pcapng_block_bytes(const uint8_t *block);

/* Whether the block is an enhanced packet; then its captured length, bytes. */
bool pcapng_block_is_packet(const uint8_t *block, uint32_t *captured);

#endif /* PCAPNG_BLOCK_H */
