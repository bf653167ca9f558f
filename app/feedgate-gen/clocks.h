/* SPDX-License-Identifier: MIT */
/* When each channel last sent a packet, and how many: whose turn it is for a heartbeat or a reset.
 */
#ifndef CLOCKS_H
#define CLOCKS_H

#include "options.h"

struct clocks;

struct clock {
	unsigned int protocol;
	uint32_t channel;
	uint64_t last_ns;
	uint64_t sent; /* since it started, or started anew */
	bool ended;    /* its session has, and the next has not begun */
	struct clock *before, *behind;
};

/* 0 or -ENOMEM. */
int clocks_open(const struct options *o, struct clocks **out);
/* NULL is allowed. */
void clocks_close(struct clocks *clocks);

/* What a channel is to send now, and that it does. */
enum packet_request clocks_turn(struct clocks *clocks, unsigned int protocol, uint32_t channel,
				uint64_t now_ns);

/* The channel that has been silent longest, if that is too long by now_ns; else NULL. */
const struct clock *clocks_silent(struct clocks *clocks, uint64_t now_ns);

/* That a channel sent a heartbeat. */
void clocks_beat(struct clocks *clocks, const struct clock *clock, uint64_t now_ns);

#endif /* CLOCKS_H */
