/* SPDX-License-Identifier: MIT */
#ifndef FEED_LEARN_H
#define FEED_LEARN_H

#include "item.h"

/* The packet is believed: learn from it what there is to learn. */
void learn(struct fg_feed_stage *stage, struct item *item);

/*
 * The packet is of another session than the maps, or numbers start anew with it: is it the next
 * session's? Then the maps are emptied. @return whether they are of the packet's session.
 */
bool follow_session(struct fg_feed_stage *stage, const struct item *item,
		    enum fg_symbols_evidence evidence);

#endif /* FEED_LEARN_H */
