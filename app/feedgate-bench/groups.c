/* SPDX-License-Identifier: MIT */
#include "groups.h"

#include <string.h>

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

static uint32_t checksum(const uint8_t *header, unsigned int bytes)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < bytes; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

void frame_make_long(uint8_t *frame, uint32_t bytes, uint32_t number, uint32_t address,
		     uint16_t port)
{
	uint8_t *ip = frame + 14, *udp = ip + 20;

	memset(frame, 0, bytes);
	put32(frame, 0x01005e00 | (address >> 16 & 0x7f));
	put16(frame + 4, address);
	put16(frame + 6, 0x0200); /* Locally administered. */
	put32(frame + 8, 1);
	put16(frame + 12, 0x0800);
	put16(ip, 0x4500);
	put16(ip + 2, bytes - 14);
	put16(ip + 4, number);
	put16(ip + 8, 16 << 8 | 17); /* TTL, protocol. */
	put32(ip + 12, FRAME_SRC);
	put32(ip + 16, address);
	put16(ip + 10, checksum(ip, 20));
	put16(udp, FRAME_SRC_PORT);
	put16(udp + 2, port);
	put16(udp + 4, bytes - 34);
	put32(udp + 8, number);
}

void frame_make(uint8_t frame[FRAME_BYTES], uint32_t number, uint32_t address, uint16_t port)
{
	frame_make_long(frame, FRAME_BYTES, number, address, port);
}
