/* SPDX-License-Identifier: MIT */
/* The block of OPRA and CTA. */
#ifndef SIAC_H
#define SIAC_H

#include "bytes.h"
#include "packet.h"

#define SIAC_NS_PER_S UINT64_C(1000000000)

/* Pad the block to an even size, and write size and checksum into the header. */
static inline void siac_seal(struct packet *p, size_t sum_at)
{
	uint32_t sum = 0;

	if (p->len % 2 != 0)
		p->payload[p->len++] = 0;
	put_be16(p->payload + 1, (uint16_t)p->len);
	put_be16(p->payload + sum_at, 0);
	for (size_t i = 0; i < p->len; i++)
		sum += p->payload[i];
	put_be16(p->payload + sum_at, (uint16_t)sum);
}

#endif /* SIAC_H */
