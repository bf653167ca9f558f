/* SPDX-License-Identifier: MIT */
/*
 * Match functions for the protocols with most traffic. They collect the results
 * of a packet's messages in bit masks, with few branches that depend on the data.
 *
 * They write no state and no result before they have seen the whole packet. If it
 * has anything unusual (a wrong length, a message too short for its instrument,
 * over 64 messages, something to learn), they call filter_match_unlearned() instead.
 */
#ifndef SUBSCRIPTION_FILTER_FAST_H
#define SUBSCRIPTION_FILTER_FAST_H

#include "filter.h"

#define FAST_MESSAGES_MAX 64u /* bits of a mask */

/** The match function for MoldUDP64 with ITCH; NULL: the feed's messages differ. Control. */
match_function *filter_itch(struct fg_msg_filter *filter);

/** The match function for MDP 3.0. Control. */
match_function *filter_mdp3(struct fg_msg_filter *filter);

/** The result of a packet with @p n_messages, whose masks are given. Hot. */
static __rte_always_inline void fast_result(const struct fg_msg_filter *filter, uint32_t n_messages,
					    uint64_t matched, uint64_t unmapped,
					    struct fg_msg_filter_result *out)
{
	if (filter->pass_unmapped)
		matched |= unmapped;
	out->mask = matched;
	out->n_messages = n_messages;
	out->n_matched = (uint32_t)__builtin_popcountll(matched);
	out->n_unmapped = (uint32_t)__builtin_popcountll(unmapped);
	out->walk_end = FG_WALK_DONE;
	out->deferred = false;
}

#endif /* SUBSCRIPTION_FILTER_FAST_H */
