/* SPDX-License-Identifier: MIT */
/* Market data channels as benchmarks number them, and frames that are sent to them. */
#ifndef GROUPS_H
#define GROUPS_H

#include <stdint.h>

#define FRAME_BYTES   128u
#define FRAME_HEADERS 42u /* Ethernet, IPv4, UDP. */

#define GROUP_PORT_FIRST 20000u
#define GROUP_PORTS      40000u

/* A channel has a group and a port of its own, as those of a venue have. */
static inline uint32_t group_address(uint32_t channel)
{
	return 0xef000100u + channel; /* 239.0.1.0 */
}

static inline uint16_t group_port(uint32_t channel)
{
	return (uint16_t)(GROUP_PORT_FIRST + channel % GROUP_PORTS);
}

/* What all frames have in common. */
#define FRAME_SRC      0xc0000201u /* 192.0.2.1 */
#define FRAME_SRC_PORT 30001u

/* Ethernet, IPv4, UDP without checksum, payload; @p number is in the payload and the IP id. */
void frame_make(uint8_t frame[FRAME_BYTES], uint32_t number, uint32_t group, uint16_t port);

/* The same of @p bytes, at least FRAME_HEADERS + 4; what no header needs is zero. */
void frame_make_long(uint8_t *frame, uint32_t bytes, uint32_t number, uint32_t group,
		     uint16_t port);

#endif /* GROUPS_H */
