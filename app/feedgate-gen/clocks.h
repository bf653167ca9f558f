/* SPDX-License-Identifier: MIT */
/* When each channel last sent a packet and how many it sent: decides when it sends a heartbeat,
 * ends or is reset. */
#ifndef CLOCKS_H
#define CLOCKS_H

#include "options.h"

struct clocks;

struct clock {
	unsigned int protocol;
	uint32_t channel;
	uint64_t last_ns;
	uint64_t sent; /* packets since the start or the last reset */
	bool ended;    /* the session has ended, and the next has not begun */
	struct clock *previous, *next;
};

/* 0 or -ENOMEM. */
int clocks_open(const struct options *o, struct clocks **out);
/* NULL is allowed. */
void clocks_close(struct clocks *clocks);

/* What a channel is to send now. The caller sends it. */
enum packet_request clocks_next_request(struct clocks *clocks, unsigned int protocol,
					uint32_t channel, uint64_t now_ns);

/* The channel that has been silent longest, if a heartbeat is due by now_ns; else NULL. */
const struct clock *clocks_silent(struct clocks *clocks, uint64_t now_ns);

/* A heartbeat was sent. */
void clocks_heartbeat_sent(struct clocks *clocks, const struct clock *clock, uint64_t now_ns);

#endif /* CLOCKS_H */
