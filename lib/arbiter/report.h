/* SPDX-License-Identifier: MIT */
/* Events, for control. Hot. */
#ifndef REPORT_H
#define REPORT_H

#include "arbiter.h"

/*
 * Report an event: the caller sets kind, line, time_ns, since_ns, first, last and n, where numbers
 * are as the tracker counts. @p channel is NULL for an event of a line.
 */
void report(struct fg_arbiter *arbiter, struct channel *channel,
	    const struct fg_arbiter_event *event);

/* The same for an event that is no gap's: since_ns is time_ns. */
static inline void report_now(struct fg_arbiter *arbiter, struct channel *channel,
			      struct fg_arbiter_event event)
{
	event.since_ns = event.time_ns;
	report(arbiter, channel, &event);
}

/* Report merged events whose second is over; with @p all, all of them. */
void report_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns, bool all);
/* Time of the channel's last packet. */
uint64_t channel_last_ns(const struct channel *channel);

#endif /* REPORT_H */
