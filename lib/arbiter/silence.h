/* SPDX-License-Identifier: MIT */
/*
 * Silent lines. Silence is of a line in a channel: of the current session of the channel's id, once
 * two packets agree on it and until it ends. While the feed has no channel at all, a line from
 * which nothing ever came is silent, too. Hot.
 */
#ifndef SILENCE_H
#define SILENCE_H

#include "arbiter.h"

/* Report lines that fell silent in the channel, and schedule the next look. */
void silence_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns);
/* The same for lines from which nothing ever came, where the feed has no channel. */
void silence_tick_feed(struct fg_arbiter *arbiter, uint64_t now_ns);
/* A packet comes on the line, the feed's first. */
void silence_end_feed(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns);
/* A packet comes in the channel. */
void silence_end(struct arrival *a);

#endif /* SILENCE_H */
