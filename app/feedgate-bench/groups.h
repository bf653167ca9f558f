/* SPDX-License-Identifier: MIT */
/* Multicast groups (an address and a UDP port each), numbered from 0, and frames to them. */
#ifndef GROUPS_H
#define GROUPS_H

#include <stdint.h>

#define FRAME_BYTES   128u
#define FRAME_HEADERS 42u /* Ethernet, IPv4, UDP. */

#define GROUP_PORT_FIRST 20000u
#define GROUP_PORTS      40000u

/* Every group has an address of its own, and ports repeat after GROUP_PORTS groups. */
static inline uint32_t group_address(uint32_t group)
{
	return 0xef000100u + group; /* 239.0.1.0 */
}

static inline uint16_t group_port(uint32_t group)
{
	return (uint16_t)(GROUP_PORT_FIRST + group % GROUP_PORTS);
}

/* The source of all frames. */
#define FRAME_SRC      0xc0000201u /* 192.0.2.1 */
#define FRAME_SRC_PORT 30001u

/* Make a frame to @p address (host byte order): Ethernet, IPv4, UDP without checksum, payload.
 * @p number is in the payload and, its low 16 bits, in the IP id. */
void frame_make(uint8_t frame[FRAME_BYTES], uint32_t number, uint32_t address, uint16_t port);

/* The same with @p bytes bytes, at least FRAME_HEADERS + 4. */
void frame_make_long(uint8_t *frame, uint32_t bytes, uint32_t number, uint32_t address,
		     uint16_t port);

#endif /* GROUPS_H */
