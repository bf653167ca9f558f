/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Private to parse: checksums of packets whose headers have passed (parse: checksums).
 *
 * IPv4 headers have a checksum, UDP over IPv4 may have one (0: none), TCP and UDP over IPv6 must.
 * Not checked, so good: UDP and TCP of fragments; those behind an IPv6 routing header with segments
 * left, or a Home Address option, whose checksum covers another address than the IPv6 header's;
 * what the kernel has left to a network card (RTE_MBUF_F_RX_L4_CKSUM_NONE).
 */
#ifndef PARSE_CHECKSUM_H
#define PARSE_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_parse.h>

#include "drops.h"

/** A whole packet. */
struct checksum_packet {
	const uint8_t *data;        /**< Its beginning. */
	uint32_t length;            /**< Bytes at data. */
	const struct rte_mbuf *pkt; /**< The packet; NULL: data is all of it. */
};

/**
 * Compute the checksums.
 * @param key  The packet's, from the parser.
 * @return whether those that exist are right. Hot.
 */
bool checksum_is_good(const struct fg_parse *parse, const struct checksum_packet *packet,
		      const struct fg_key *key);

/**
 * Move packets with a bad checksum from the burst to @p drops. The others move up with their keys.
 * @return packets remaining. Hot.
 */
uint16_t checksum_check_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			      struct fg_key *keys, struct drops *drops);

#endif /* PARSE_CHECKSUM_H */
