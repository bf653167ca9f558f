/* SPDX-License-Identifier: MIT */
/*
 * Puts the messages of a line into other packets. It gathers the messages of each channel and
 * sends them when there is a random number of them, and before a packet without messages.
 */
#ifndef REPACK_H
#define REPACK_H

#include "options.h"
#include "rng.h"

struct repack;

/* Takes the packets: 0 or -errno. */
typedef int (*repack_send)(void *to, unsigned int protocol, uint32_t channel, uint64_t now_ns,
			   const struct packet *p);

/* Repack the packets of a line and pass them to send, with to as its argument. 0 or -ENOMEM. */
int repack_open(const struct options *o, unsigned int line, repack_send send, void *to,
		struct repack **out);

/* Add a packet, and send packets that are full. 0 or -errno. */
int repack_add(struct repack *r, unsigned int protocol, uint32_t channel, uint64_t now_ns,
	       const struct packet *p);

/* Send the messages that were gathered. 0 or -errno. */
int repack_flush(struct repack *r, uint64_t now_ns);

/* NULL is allowed. */
void repack_close(struct repack *r);

#endif /* REPACK_H */
