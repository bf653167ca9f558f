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
#define PCAPNG_STATISTICS_MAX_BYTES 96u

/* Section header; at most PCAPNG_SECTION_MAX_BYTES. */
size_t pcapng_section(uint8_t *out);

/* Interface description: Ethernet, ns; at most PCAPNG_INTERFACE_MAX_BYTES. */
size_t pcapng_interface(uint8_t *out, const char *name);

/* Most bytes that pcapng_packet() will write. */
size_t pcapng_packet_max(const struct rte_mbuf *mbuf, const char *rule);

/* Enhanced packet: time, interface and lengths come from the packet's fg_meta. */
size_t pcapng_packet(uint8_t *out, struct rte_mbuf *mbuf, const char *rule);

/* Of one interface, since the capture began. Packets; times in ns since 1970. */
struct pcapng_statistics {
	uint64_t begin_ns, time_ns;
	bool has_received, has_dropped; /* false: not known, and left out */
	uint64_t received;              /* isb_ifrecv: arrived, also those dropped */
	uint64_t dropped;               /* isb_ifdrop: by the interface, for lack of room */
	uint64_t accepted;              /* isb_filteraccept: rules sent them to the sink */
	uint64_t delivered;             /* isb_usrdeliv: written */
};

/* Interface statistics; at most PCAPNG_STATISTICS_MAX_BYTES. */
size_t pcapng_statistics(uint8_t *out, uint32_t interface,
			 const struct pcapng_statistics *statistics);

/* Length of the block at `block`. */
size_t pcapng_block_bytes(const uint8_t *block);

/* Whether the block is an enhanced packet; then its captured length, bytes, and interface. */
bool pcapng_block_is_packet(const uint8_t *block, uint32_t *captured, uint8_t *interface);

#endif /* PCAPNG_BLOCK_H */
