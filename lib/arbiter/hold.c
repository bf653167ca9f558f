/* SPDX-License-Identifier: MIT */
/*
 * Order. A tracker delivers from `next` on: what begins there or before passes, with all that it
 * has from there on; what begins beyond is held, ascending, until its turn comes. Bits say what
 * came, held or not, so a held packet may find that others overtook part of it, or all.
 *
 * Entries: hold_packets, and one for the packet that makes room when all are in use. Hot.
 */
#include "arbiter.h"

static void ready_add(struct fg_arbiter *arbiter, struct held *entry)
{
	entry->next = NULL;
	*arbiter->ready_end = entry;
	arbiter->ready_end = &entry->next;
}

/* The packet passes: now, or in its turn, if some are to go before it. */
void hold_pass(struct arrival *a)
{
	struct held *entry = a->arbiter->free_held;

	a->result->disposition = FG_ARBITER_PASS;
	if (likely(a->arbiter->ready == NULL) || entry == NULL)
		return;
	a->arbiter->free_held = entry->next;
	entry->packet = a->packet;
	entry->result = *a->result;
	ready_add(a->arbiter, entry);
	a->result->disposition = FG_ARBITER_HELD;
}

/* The first held packet's turn has come: next is not before its first number. */
static void held_release(struct fg_arbiter *arbiter, struct channel *channel,
			 struct tracker *tracker)
{
	struct held *entry = tracker->held;
	struct fg_arbiter_result *result = &entry->result;
	const uint64_t from = later(entry->first, tracker->next);

	tracker->held = entry->next;
	arbiter->n_held--;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_held_now, UINT64_MAX);
	result->disposition = FG_ARBITER_DUPLICATE;
	if (ahead(from, entry->end) < 0) {
		result->disposition = FG_ARBITER_PASS;
		result->from = (uint32_t)(from - entry->first);
		result->to = (uint32_t)(entry->end - entry->first);
		result->mask = UINT64_MAX >> (64 - RTE_MIN(entry->end - from, 64u));
		tracker->next = entry->end;
	}
	ready_add(arbiter, entry);
}

/* Release what is next. */
static void held_drain(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker)
{
	while (tracker->held != NULL && ahead(tracker->held->first, tracker->next) <= 0)
		held_release(arbiter, channel, tracker);
	if (tracker->held == NULL)
		return;
	tracker->held_ns = tracker->held->since_ns;
	for (const struct held *entry = tracker->held; entry != NULL; entry = entry->next)
		tracker->held_ns = earlier(tracker->held_ns, entry->since_ns);
}

/* Go on at @p to: what is missing below is lost. */
static void next_skip(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		      uint64_t to, uint64_t now_ns)
{
	if (ahead(to, tracker->next) <= 0)
		return;
	tracker_abandon_gaps(arbiter, channel, tracker, to, now_ns);
	tracker->next = to;
}

/* Give up the first gap. Something is held. */
static void gap_abandon_first(struct fg_arbiter *arbiter, struct channel *channel,
			      struct tracker *tracker, uint64_t now_ns)
{
	next_skip(arbiter, channel, tracker, tracker->held->first, now_ns);
	held_drain(arbiter, channel, tracker);
}

void hold_release_all(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		      uint64_t now_ns)
{
	while (tracker->held != NULL)
		gap_abandon_first(arbiter, channel, tracker, now_ns);
}

void hold_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	       uint64_t now_ns)
{
	bool expired = false;

	/* Behind a gap given up there may be another, and beyond that one as old as this. */
	while (tracker->held != NULL && overdue(now_ns, tracker->held_ns, arbiter->hold_ns)) {
		gap_abandon_first(arbiter, channel, tracker, now_ns);
		expired = true;
	}
	if (expired)
		channel_add(arbiter, channel, FG_ARBITER_CHANNEL_hold_expired, 1);
	if (tracker->held != NULL)
		due_at(arbiter, tracker->held_ns + arbiter->hold_ns);
}

/* Whether one may be held: there is an entry, and the window reaches from what is next to its end.
 */
static bool held_fits(const struct arrival *a)
{
	return a->arbiter->n_held < a->arbiter->hold_packets && a->arbiter->free_held != NULL &&
	       ahead(a->end - a->arbiter->window, a->tracker->next) <= 0;
}

/* Make this packet deliverable, or able to be held, by giving up gaps. */
static void make_room(struct arrival *a)
{
	struct tracker *tracker = a->tracker;

	while (ahead(a->first, tracker->next) > 0 && !held_fits(a)) {
		channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_hold_full, 1);
		if (tracker->held != NULL && ahead(tracker->held->first, a->first) < 0)
			gap_abandon_first(a->arbiter, a->channel, tracker, a->now_ns);
		else
			next_skip(a->arbiter, a->channel, tracker, a->first, a->now_ns);
	}
}

/* The end moves on to a->first, which nothing holds: the window must still reach back to next. */
void hold_reach(struct arrival *a)
{
	const uint64_t min = a->first - a->arbiter->window;
	struct tracker *tracker = a->tracker;

	while (tracker->held != NULL && ahead(min, tracker->next) > 0)
		gap_abandon_first(a->arbiter, a->channel, tracker, a->now_ns);
	next_skip(a->arbiter, a->channel, tracker, min, a->now_ns);
}

static void hold_keep(struct arrival *a)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct held *entry = arbiter->free_held, **at = &a->tracker->held;

	while (*at != NULL && ahead((*at)->first, a->first) <= 0)
		at = &(*at)->next;
	arbiter->free_held = entry->next;
	*entry = (struct held){.next = *at,
			       .packet = a->packet,
			       .first = a->first,
			       .end = a->end,
			       .since_ns = a->now_ns,
			       .result = *a->result};
	if (a->tracker->held == NULL)
		a->tracker->held_ns = a->now_ns;
	a->tracker->held_ns = earlier(a->tracker->held_ns, a->now_ns);
	*at = entry;
	arbiter->n_held++;
	a->result->disposition = FG_ARBITER_HELD;
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_held, 1);
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_held_now, 1);
	due_at(arbiter, a->now_ns + arbiter->hold_ns);
}

/* It begins at what is next, or before: deliver what is new of it. */
static void hold_deliver(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	const uint64_t next = tracker->next;
	uint64_t from = tracker_next_unseen(a->arbiter, tracker, a->first, a->end), stop;

	/* All from next on is new to whoever is behind us, though some may be held. */
	if (ahead(a->end, next) > 0)
		from = earlier(from, later(next, a->first));
	if (from == a->end) {
		tracker_duplicate(a);
		return;
	}
	if (ahead(from, next) < 0)
		a->result->flags |= FG_ARBITER_LATE;
	stop = tracker_mark_new(a, from, next);
	tracker_claim(a, from, stop);
	tracker->next = later(next, stop);
	hold_pass(a);
	held_drain(a->arbiter, a->channel, tracker);
}

/* A packet with numbers, in the tracker's reach; what is between is a gap already. */
void hold_arrive(struct arrival *a)
{
	if (ahead(a->first, a->tracker->next) > 0 &&
	    tracker_next_unseen(a->arbiter, a->tracker, a->first, a->end) == a->end) {
		tracker_duplicate(a);
		return;
	}
	make_room(a);
	if (ahead(a->first, a->tracker->next) > 0) {
		tracker_claim(a, a->first, a->end);
		hold_keep(a);
	} else {
		hold_deliver(a);
	}
}
