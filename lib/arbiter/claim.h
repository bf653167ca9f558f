/* SPDX-License-Identifier: MIT */
/*
 * Packets with numbers ahead. That such a packet came is no proof that its numbers were sent: it
 * may be damaged or spoofed. It passes, or is held, but is a claim only. Until it is confirmed its
 * numbers make no other packet a duplicate, and no gap opens below them. Hot.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include "arbiter.h"

/* What a packet with numbers is to the claims. */
enum claim_match {
	CLAIM_MATCH_NONE, /* none has its numbers; those that it contradicts are forgotten */
	CLAIM_MATCH_COPY, /* it is a copy of one, which may be confirmed by it */
	CLAIM_MATCH_NEW,  /* another packet with its numbers came, but not this one */
};

/* Find the claims that the packet overlaps or is next to. */
void claim_find(struct arrival *a);
/* Compare the packet with those: a->tracker and its numbers are set. */
enum claim_match claim_match(struct arrival *a);
/* Whether another packet with exactly its numbers came, but not this one. As claim_match(). */
bool claim_is_other(struct arrival *a);
/* The packet's line comes back below a claim of its own: its next packets do not confirm that. */
void claim_reject_line(struct arrival *a);
/*
 * The packet is above the highest number of its tracker, or far from all: confirm the claims that
 * it continues. @return whether one was confirmed; a->tracker may be another one then.
 */
bool claim_continue(struct arrival *a, bool far);
/* All below some number came: claims that start there are supported by it. */
void claim_reach(struct arrival *a);
/*
 * Confirm claims that one packet agrees with, and no other contradicted for gap_timeout_ns, or with
 * @p all now: what both lines left out at the end of a burst is a gap.
 */
void claim_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns, bool all);
/* The packet becomes a claim. */
void claim_add(struct arrival *a, bool far);
/* What the packet brought came: another packet with its numbers and another digest is new. */
void claim_add_settled(struct arrival *a);

#endif /* CLAIM_H */
