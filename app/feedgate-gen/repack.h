/* SPDX-License-Identifier: MIT */
/*
 * The same messages in other packets, for one line: they are gathered for each
 * channel and sent when there are as many as was drawn, or before what is no data.
 */
#ifndef REPACK_H
#define REPACK_H

#include "options.h"
#include "rng.h"

struct repack;

/* Where packets go. 0 or -errno. */
typedef int (*repack_send)(void *to, unsigned int protocol, uint32_t channel, uint64_t now_ns,
			   const struct packet *p);

/* 0 or -ENOMEM. */
int repack_open(const struct options *o, unsigned int line, struct repack **out);

/* Take a packet and send what is due. 0 or -errno. */
int repack_add(struct repack *r, unsigned int protocol, uint32_t channel, uint64_t now_ns,
	       const struct packet *p, repack_send send, void *to);

/* Send what is left. 0 or -errno. */
int repack_flush(struct repack *r, uint64_t now_ns, repack_send send, void *to);

/* NULL is allowed. */
void repack_close(struct repack *r);

#endif /* REPACK_H */
