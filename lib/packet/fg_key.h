/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The key: the header fields of one packet that rules compare, in one cache line.
 *
 * Parse writes it, classify reads it. Keys stay on the rx lcore's stack.
 *
 * Fields of several bytes are in network order (_be). Every field lies in a group of four bytes at
 * a multiple of four, because rte_acl reads keys in such groups.
 */
#ifndef FG_KEY_H
#define FG_KEY_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define FG_VLAN_NONE_BE 0xffffu /**< vlan_be[i] of a frame with fewer tags; no VID is that. */

/** fg_key.family: which addresses the key holds. */
enum fg_family {
	FG_FAMILY_OTHER = 0, /**< Neither: ARP, LLC, ... Addresses are zero. */
	FG_FAMILY_IPV4 = 4,
	FG_FAMILY_IPV6 = 6,
};

/** fg_key.flags. */
enum fg_key_flag {
	FG_KEY_FRAGMENT = 1 << 0,   /**< Part of a fragmented datagram, first or later. */
	FG_KEY_LATER_PART = 1 << 1, /**< Not the first part: no ports. */
};

struct fg_key {
	uint8_t l4;       /**< Protocol whose ports are below (6 or 17); 0: no ports. */
	uint8_t protocol; /**< IP protocol after extension headers; 0 if not IP. */
	uint8_t family;   /**< enum fg_family. */
	uint8_t flags;    /**< enum fg_key_flag, or-ed. */

	uint8_t source;       /**< Index of the source. */
	uint8_t line;         /**< 1 for A, 2 for B, ...; 0: none. */
	uint16_t payload_len; /**< L4 payload, bytes as the headers say, host order. Not matched. */

	uint16_t src_port_be; /**< 0 if l4 is 0. */
	uint16_t dst_port_be;

	uint16_t vlan_be[2]; /**< VID of outer and inner tag, or FG_VLAN_NONE_BE. */

	uint8_t src_ip[16]; /**< IPv4 in the first four bytes, the rest zero. */
	uint8_t dst_ip[16];

	uint8_t dst_mac[6];
	uint16_t ethertype_be; /**< After the VLAN tags; below 0x600 it is an LLC length. */

	uint8_t src_mac[6];
	uint16_t payload_off;  /**< L4 payload, from the packet's start, host order. Not matched. */
} __attribute__((aligned(8))); /* engines also read words of 64 bits */

static_assert(sizeof(struct fg_key) == 64, "a key is one cache line");
static_assert(offsetof(struct fg_key, src_port_be) == 8, "fields stand in groups of four");
static_assert(offsetof(struct fg_key, dst_mac) == 48, "fields stand in groups of four");

#endif /* FG_KEY_H */
