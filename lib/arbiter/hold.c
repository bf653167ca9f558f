/* SPDX-License-Identifier: MIT */
/*
 * Delivery in order. A packet whose first number is deliver_next or lower passes, with all of its
 * numbers from deliver_next on. A packet above deliver_next is held until deliver_next reaches it.
 * The window's bits also mark the numbers of held packets; when a held packet is released, another
 * packet may have delivered some of its numbers, or all.
 *
 * There are hold_packets entries, and one more for a packet that is ready while all are in use.
 * Hot.
 */
#include "hold.h"

#include "tracker.h"

static uint64_t time_min(uint64_t a_ns, uint64_t b_ns)
{
	return (int64_t)(a_ns - b_ns) < 0 ? a_ns : b_ns;
}

static void ready_add(struct fg_arbiter *arbiter, struct held *entry)
{
	entry->next = NULL;
	*arbiter->ready_end = entry;
	arbiter->ready_end = &entry->next;
}

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

/* deliver_next reached the first held packet: make it ready. */
static void hold_release_first(struct fg_arbiter *arbiter, struct channel *channel,
			       struct tracker *tracker)
{
	struct held *entry = tracker->held;
	struct fg_arbiter_result *result = &entry->result;
	const uint64_t from = seq_max(entry->first, tracker->deliver_next);

	tracker->held = entry->next;
	arbiter->n_held--;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_held_now, UINT64_MAX);
	result->disposition = FG_ARBITER_DUPLICATE;
	if (seq_diff(from, entry->end) < 0) {
		result->disposition = FG_ARBITER_PASS;
		result->from = (uint32_t)(from - entry->first);
		result->to = (uint32_t)(entry->end - entry->first);
		result->mask = UINT64_MAX >> (64 - RTE_MIN(entry->end - from, 64u));
		tracker->deliver_next = entry->end;
	}
	ready_add(arbiter, entry);
}

/* Release the packets that deliver_next reached. */
static void hold_release_due(struct fg_arbiter *arbiter, struct channel *channel,
			     struct tracker *tracker)
{
	while (tracker->held != NULL && seq_diff(tracker->held->first, tracker->deliver_next) <= 0)
		hold_release_first(arbiter, channel, tracker);
	if (tracker->held == NULL)
		return;
	tracker->oldest_held_ns = tracker->held->since_ns;
	for (const struct held *entry = tracker->held; entry != NULL; entry = entry->next)
		tracker->oldest_held_ns = time_min(tracker->oldest_held_ns, entry->since_ns);
}

/* Continue at @p to: give up what is missing below. */
static void hold_skip_to(struct fg_arbiter *arbiter, struct channel *channel,
			 struct tracker *tracker, uint64_t to, uint64_t now_ns)
{
	if (seq_diff(to, tracker->deliver_next) <= 0)
		return;
	tracker_abandon_gaps(arbiter, channel, tracker, to, now_ns);
	tracker->deliver_next = to;
}

/* Give up what is missing below the first held packet; there is one. */
static void hold_skip_gap(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t now_ns)
{
	hold_skip_to(arbiter, channel, tracker, tracker->held->first, now_ns);
	hold_release_due(arbiter, channel, tracker);
}

void hold_release_all(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		      uint64_t now_ns)
{
	while (tracker->held != NULL)
		hold_skip_gap(arbiter, channel, tracker, now_ns);
}

void hold_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	       uint64_t now_ns)
{
	bool expired = false;

	/* There may be another gap above the one given up, and an expired packet above that. */
	while (tracker->held != NULL &&
	       overdue(now_ns, tracker->oldest_held_ns, arbiter->hold_ns)) {
		hold_skip_gap(arbiter, channel, tracker, now_ns);
		expired = true;
	}
	if (expired)
		channel_add(arbiter, channel, FG_ARBITER_CHANNEL_hold_expired, 1);
	if (tracker->held != NULL)
		tick_schedule(arbiter, tracker->oldest_held_ns + arbiter->hold_ns);
}

/* Whether the packet may be held: an entry is free, and the window covers deliver_next to its end.
 */
static bool hold_has_room(const struct arrival *a)
{
	return a->arbiter->n_held < a->arbiter->hold_packets && a->arbiter->free_held != NULL &&
	       seq_diff(a->end - a->arbiter->window, a->tracker->deliver_next) <= 0;
}

/* Give up gaps until the packet may be delivered or held. */
static void hold_make_room(struct arrival *a)
{
	struct tracker *tracker = a->tracker;

	while (seq_diff(a->first, tracker->deliver_next) > 0 && !hold_has_room(a)) {
		channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_hold_full, 1);
		if (tracker->held != NULL && seq_diff(tracker->held->first, a->first) < 0)
			hold_skip_gap(a->arbiter, a->channel, tracker, a->now_ns);
		else
			hold_skip_to(a->arbiter, a->channel, tracker, a->first, a->now_ns);
	}
}

void hold_advance_window(struct arrival *a)
{
	const uint64_t min = a->first - a->arbiter->window;
	struct tracker *tracker = a->tracker;

	while (tracker->held != NULL && seq_diff(min, tracker->deliver_next) > 0)
		hold_skip_gap(a->arbiter, a->channel, tracker, a->now_ns);
	hold_skip_to(a->arbiter, a->channel, tracker, min, a->now_ns);
}

static void hold_add(struct arrival *a)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct held *entry = arbiter->free_held, **at = &a->tracker->held;

	while (*at != NULL && seq_diff((*at)->first, a->first) <= 0)
		at = &(*at)->next;
	arbiter->free_held = entry->next;
	*entry = (struct held){.next = *at,
			       .packet = a->packet,
			       .first = a->first,
			       .end = a->end,
			       .since_ns = a->now_ns,
			       .result = *a->result};
	if (a->tracker->held == NULL)
		a->tracker->oldest_held_ns = a->now_ns;
	a->tracker->oldest_held_ns = time_min(a->tracker->oldest_held_ns, a->now_ns);
	*at = entry;
	arbiter->n_held++;
	a->result->disposition = FG_ARBITER_HELD;
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_held, 1);
	channel_add(arbiter, a->channel, FG_ARBITER_CHANNEL_held_now, 1);
	tick_schedule(arbiter, a->now_ns + arbiter->hold_ns);
}

/* The packet starts at deliver_next or lower: deliver what is new of it. */
static void hold_deliver(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	const uint64_t next = tracker->deliver_next;
	uint64_t from = tracker_next_unseen(a->arbiter, tracker, a->first, a->end);
	uint64_t stop;

	/* From deliver_next on all is new to the receiver, also what held packets brought. */
	if (seq_diff(a->end, next) > 0)
		from = seq_min(from, seq_max(next, a->first));
	if (from == a->end) {
		tracker_mark_duplicate(a);
		return;
	}
	if (seq_diff(from, next) < 0)
		a->result->flags |= FG_ARBITER_LATE;
	stop = tracker_mark_new(a, from, next);
	tracker_add(a, from, stop);
	tracker->deliver_next = seq_max(next, stop);
	hold_pass(a);
	hold_release_due(a->arbiter, a->channel, tracker);
}

void hold_data(struct arrival *a)
{
	if (seq_diff(a->first, a->tracker->deliver_next) > 0 &&
	    tracker_next_unseen(a->arbiter, a->tracker, a->first, a->end) == a->end) {
		tracker_mark_duplicate(a);
		return;
	}
	hold_make_room(a);
	if (seq_diff(a->first, a->tracker->deliver_next) > 0) {
		tracker_add(a, a->first, a->end);
		hold_add(a);
	} else {
		hold_deliver(a);
	}
}
