/* SPDX-License-Identifier: MIT */
/* Packets above a gap, held and released in order. Hot. */
#ifndef HOLD_H
#define HOLD_H

#include "arbiter.h"

/* Arbitrate a packet with numbers, where packets are held. The gap below it is open already. */
void hold_data(struct arrival *a);
/* The packet passes: at once, or after the packets that are ready. */
void hold_pass(struct arrival *a);
/* A heartbeat moves the end to a->first: give up gaps until the window reaches deliver_next. */
void hold_advance_window(struct arrival *a);
/* Release all of a tracker's held packets. */
void hold_release_all(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		      uint64_t now_ns);
/* Release packets held for too long. */
void hold_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	       uint64_t now_ns);

#endif /* HOLD_H */
