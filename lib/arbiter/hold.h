/* SPDX-License-Identifier: MIT */
/* Packets above a gap, held and released in order. Hot. */
#ifndef HOLD_H
#define HOLD_H

#include "arbiter.h"

/* Arbitrate a packet with numbers, where packets are held. The gap below it is open already. */
void hold_data(struct arrival *a);
/* The packet passes: at once, or after the packets that are ready. */
void hold_pass(struct arrival *a);
/* Hold the packet with its claim. @return whether there is room; if not, it passes. */
bool hold_claim(struct arrival *a, struct claim *claim);
/* The claim's packet is no longer held: it passes, with @p flags. */
void hold_release_claim(struct fg_arbiter *arbiter, struct channel *channel, struct claim *claim,
			unsigned int flags);
/* The claim is confirmed, its numbers are [first, end): its packet is held like any other. */
void hold_confirm(struct arrival *a, struct claim *claim, uint64_t first, uint64_t end);
/* The tracker ends at @p to: give up gaps until the window reaches deliver_next. */
void hold_advance_window(struct arrival *a, uint64_t to);
/* Release what is due after deliver_next or the tracker changed. */
void hold_release_due(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker);
/* Release all of a tracker's held packets. */
void hold_release_all(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		      uint64_t now_ns);
/* Release packets held for too long. */
void hold_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	       uint64_t now_ns);

#endif /* HOLD_H */
