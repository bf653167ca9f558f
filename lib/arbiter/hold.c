/* SPDX-License-Identifier: MIT */
/*
 * Delivery in order. A packet whose first number is deliver_next or lower passes, with all of its
 * numbers from deliver_next on. A packet above deliver_next is held until deliver_next reaches it.
 * The window's bits also mark the numbers of held packets; when a held packet is released, another
 * packet may have delivered some of its numbers, or all.
 *
 * A packet's cost does not depend on how many are held: they are found by their first number
 * through a hash table, the next one by a bit per number, and the oldest by a list in order of age.
 * Packets with the same first number hang on the first of them.
 *
 * A packet ahead is held with its claim until that is confirmed (claim.c). There are hold_packets
 * entries for both, and one more for a packet that is ready while all are in use. Hot.
 */
#include "hold.h"

#include "tracker.h"

static void ready_add(struct fg_arbiter *arbiter, struct held *entry)
{
	entry->next = NULL;
	*arbiter->ready_end = entry;
	arbiter->ready_end = &entry->next;
	/* The fast path cannot queue a packet after those that are ready. */
	arbiter->head.n_fast_lines = 0;
}

/* Take a free entry, for the packet. */
static struct held *held_alloc(struct arrival *a)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct held *entry = arbiter->free_held;

	arbiter->free_held = entry->next;
	*entry = (struct held){.packet = a->packet,
			       .first = a->first,
			       .end = a->end,
			       .since_ns = a->now_ns,
			       .result = *a->result};
	a->result->disposition = FG_ARBITER_HELD;
	return entry;
}

void hold_pass(struct arrival *a)
{
	a->result->disposition = FG_ARBITER_PASS;
	if (unlikely(a->arbiter->ready != NULL) && a->arbiter->free_held != NULL)
		ready_add(a->arbiter, held_alloc(a));
}

static struct held **held_bucket(struct fg_arbiter *arbiter, const struct tracker *tracker,
				 uint64_t first)
{
	const uint64_t hash =
		(first ^ (uint64_t)tracker->epoch << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return &arbiter->held_buckets[(hash >> 32) & arbiter->held_mask];
}

static void held_bit_set(const struct fg_arbiter *arbiter, struct tracker *tracker, uint64_t first,
			 bool set)
{
	const uint64_t at = first & arbiter->mask, bit = UINT64_C(1) << (at & 63);

	tracker->held_bits[at >> 6] &= ~bit;
	tracker->held_bits[at >> 6] |= set ? bit : 0;
}

/* Into the hash table, after others with the same first number. */
static void held_insert(struct fg_arbiter *arbiter, struct tracker *tracker, struct held *entry)
{
	struct held **at = held_bucket(arbiter, tracker, entry->first);

	while (*at != NULL && ((*at)->tracker != tracker || (*at)->first != entry->first))
		at = &(*at)->next;
	if (*at == NULL) {
		entry->last = entry;
		*at = entry;
		held_bit_set(arbiter, tracker, entry->first, true);
	} else {
		(*at)->last->same = entry;
		(*at)->last = entry;
	}
	if (tracker->oldest == NULL || seq_diff(entry->first, tracker->held_first) < 0)
		tracker->held_first = entry->first;
}

/* Into the list by age. Mostly it is the youngest; one that was held with its claim may not be. */
static void age_insert(struct tracker *tracker, struct held *entry)
{
	struct held *older = tracker->youngest;

	while (older != NULL && (int64_t)(older->since_ns - entry->since_ns) > 0)
		older = older->older;
	entry->older = older;
	entry->younger = older != NULL ? older->younger : tracker->oldest;
	if (older != NULL)
		older->younger = entry;
	else
		tracker->oldest = entry;
	if (entry->younger != NULL)
		entry->younger->older = entry;
	else
		tracker->youngest = entry;
}

static void age_remove(struct tracker *tracker, struct held *entry)
{
	if (entry->older != NULL)
		entry->older->younger = entry->younger;
	else
		tracker->oldest = entry->younger;
	if (entry->younger != NULL)
		entry->younger->older = entry->older;
	else
		tracker->youngest = entry->older;
}

/* Make a held packet ready that is out of the hash table: deliver what is new of it. */
static void held_release(struct fg_arbiter *arbiter, struct channel *channel,
			 struct tracker *tracker, struct held *entry)
{
	struct fg_arbiter_result *result = &entry->result;
	const uint64_t from = seq_max(entry->first, tracker->deliver_next);

	age_remove(tracker, entry);
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

/* deliver_next reached the lowest held packets: make them ready. */
static void held_release_first(struct fg_arbiter *arbiter, struct channel *channel,
			       struct tracker *tracker)
{
	const uint64_t first = tracker->held_first;
	struct held **at = held_bucket(arbiter, tracker, first), *entry, *same;

	while ((*at)->tracker != tracker || (*at)->first != first)
		at = &(*at)->next;
	entry = *at;
	*at = entry->next;
	held_bit_set(arbiter, tracker, first, false);
	for (; entry != NULL; entry = same) {
		same = entry->same;
		held_release(arbiter, channel, tracker, entry);
	}
	if (tracker->oldest != NULL)
		tracker->held_first = bits_find(tracker->held_bits, arbiter->mask, first + 1,
						tracker_high(tracker), true);
}

void hold_release_claim(struct fg_arbiter *arbiter, struct channel *channel, struct claim *claim,
			unsigned int flags)
{
	struct held *entry = claim->held;
	const uint64_t n = entry->end - entry->first;

	claim->held = NULL;
	channel->claims_held &= ~claim_bit(channel, claim);
	arbiter->n_held--;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_held_now, UINT64_MAX);
	entry->result.disposition = FG_ARBITER_PASS;
	entry->result.flags |= (uint8_t)flags;
	entry->result.to = (uint32_t)n;
	entry->result.mask = UINT64_MAX >> (64 - RTE_MIN(n, 64u));
	ready_add(arbiter, entry);
}

/* The lowest held claim of those that start at @p to or lower; NULL: there is none. */
static struct claim *claim_lowest(struct channel *channel, const struct tracker *tracker,
				  uint64_t to)
{
	struct claim *lowest = NULL;

	for (uint32_t left = channel->claims_held; left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (claim->held->tracker == tracker && seq_diff(claim->first, to) <= 0 &&
		    (lowest == NULL || seq_diff(claim->first, lowest->first) < 0))
			lowest = claim;
	}
	return lowest;
}

static void claims_release(struct fg_arbiter *arbiter, struct channel *channel,
			   struct tracker *tracker, uint64_t to)
{
	struct claim *claim;

	while ((claim = claim_lowest(channel, tracker, to)) != NULL) {
		if (claim->state == CLAIM_SETTLED)
			tracker->deliver_next = seq_max(tracker->deliver_next, claim->end);
		hold_release_claim(arbiter, channel, claim, 0);
	}
}

/* What came at deliver_next and is not held has passed already, with a claim: go on after it. */
static bool hold_advance_passed(const struct fg_arbiter *arbiter, struct tracker *tracker)
{
	const uint64_t next = tracker->deliver_next, high = tracker_high(tracker);
	const uint64_t limit = tracker->oldest != NULL ? seq_min(tracker->held_first, high) : high;

	if (seq_diff(next, limit) < 0)
		tracker->deliver_next = tracker_next_unseen(arbiter, tracker, next, limit);
	return tracker->deliver_next != next;
}

void hold_release_due(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker)
{
	do {
		claims_release(arbiter, channel, tracker, tracker->deliver_next);
		while (tracker->oldest != NULL &&
		       seq_diff(tracker->held_first, tracker->deliver_next) <= 0) {
			held_release_first(arbiter, channel, tracker);
			claims_release(arbiter, channel, tracker, tracker->deliver_next);
		}
	} while (hold_advance_passed(arbiter, tracker));
}

/* Continue at @p to: give up what is missing below. */
static void hold_skip_to(struct fg_arbiter *arbiter, struct channel *channel,
			 struct tracker *tracker, uint64_t to, uint64_t now_ns)
{
	if (seq_diff(to, tracker->deliver_next) <= 0)
		return;
	tracker_abandon_gaps(arbiter, channel, tracker, to, now_ns);
	claims_release(arbiter, channel, tracker, to - 1);
	tracker->deliver_next = seq_max(tracker->deliver_next, to);
}

/* Give up what is missing below the first held packet; there is one. */
static void hold_skip_gap(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t now_ns)
{
	hold_skip_to(arbiter, channel, tracker, tracker->held_first, now_ns);
	hold_release_due(arbiter, channel, tracker);
}

void hold_release_all(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		      uint64_t now_ns)
{
	struct claim *claim;

	while (tracker->oldest != NULL)
		hold_skip_gap(arbiter, channel, tracker, now_ns);
	while ((claim = claim_lowest(channel, tracker, tracker_high(tracker) + DIFF_MAX)) != NULL)
		hold_release_claim(arbiter, channel, claim, FG_ARBITER_JUMP);
}

/* Release claims' packets that are held for too long: nothing confirms them so far. */
static bool claims_tick(struct fg_arbiter *arbiter, struct channel *channel,
			const struct tracker *tracker, uint64_t now_ns)
{
	bool expired = false;

	for (uint32_t left = channel->claims_held; left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (claim->held->tracker != tracker)
			continue;
		if (overdue(now_ns, claim->since_ns, arbiter->hold_ns)) {
			hold_release_claim(arbiter, channel, claim, FG_ARBITER_JUMP);
			expired = true;
		} else {
			tick_schedule(arbiter, channel,
				      time_after(claim->since_ns, arbiter->hold_ns));
		}
	}
	return expired;
}

void hold_tick(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
	       uint64_t now_ns)
{
	bool expired = claims_tick(arbiter, channel, tracker, now_ns);

	/* There may be another gap above the one given up, and an expired packet above that. */
	while (tracker->oldest != NULL &&
	       overdue(now_ns, tracker->oldest->since_ns, arbiter->hold_ns)) {
		hold_skip_gap(arbiter, channel, tracker, now_ns);
		expired = true;
	}
	if (expired)
		channel_add(arbiter, channel, FG_ARBITER_CHANNEL_hold_expired, 1);
	if (tracker->oldest != NULL)
		tick_schedule(arbiter, channel,
			      time_after(tracker->oldest->since_ns, arbiter->hold_ns));
}

static bool hold_has_entry(const struct fg_arbiter *arbiter)
{
	return arbiter->n_held < arbiter->hold_packets && arbiter->free_held != NULL;
}

/* Whether the packet may be held: an entry is free, and the window covers deliver_next to its end.
 */
static bool hold_has_room(const struct arrival *a)
{
	return hold_has_entry(a->arbiter) &&
	       seq_diff(a->end - a->arbiter->window, a->tracker->deliver_next) <= 0;
}

/* Give up gaps until the packet may be delivered or held. */
static void hold_make_room(struct arrival *a)
{
	struct tracker *tracker = a->tracker;

	while (seq_diff(a->first, tracker->deliver_next) > 0 && !hold_has_room(a)) {
		channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_hold_full, 1);
		if (tracker->oldest != NULL && seq_diff(tracker->held_first, a->first) < 0)
			hold_skip_gap(a->arbiter, a->channel, tracker, a->now_ns);
		else
			hold_skip_to(a->arbiter, a->channel, tracker, a->first, a->now_ns);
	}
}

/* Continue at @p to; release what is held below. */
static void hold_pass_over(struct arrival *a, uint64_t to)
{
	struct tracker *tracker = a->tracker;

	while (tracker->oldest != NULL && seq_diff(tracker->held_first, to) < 0)
		hold_skip_gap(a->arbiter, a->channel, tracker, a->now_ns);
	hold_skip_to(a->arbiter, a->channel, tracker, to, a->now_ns);
	hold_release_due(a->arbiter, a->channel, tracker);
}

void hold_advance_window(struct arrival *a, uint64_t to)
{
	const uint64_t min = to - a->arbiter->window;

	if (seq_diff(min, a->tracker->deliver_next) > 0)
		hold_pass_over(a, min);
}

static void hold_count(struct arrival *a)
{
	a->arbiter->n_held++;
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_held, 1);
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_held_now, 1);
	tick_schedule(a->arbiter, a->channel, time_after(a->now_ns, a->arbiter->hold_ns));
}

static void hold_add(struct arrival *a)
{
	struct held *entry = held_alloc(a);

	entry->tracker = a->tracker;
	held_insert(a->arbiter, a->tracker, entry);
	age_insert(a->tracker, entry);
	hold_count(a);
}

bool hold_claim(struct arrival *a, struct claim *claim)
{
	if (!a->arbiter->hold)
		return false;
	if (!hold_has_entry(a->arbiter)) {
		channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_hold_full, 1);
		return false;
	}
	claim->held = held_alloc(a);
	claim->held->tracker = a->tracker;
	a->channel->claims_held |= claim_bit(a->channel, claim);
	hold_count(a);
	return true;
}

void hold_confirm(struct arrival *a, struct claim *claim, uint64_t first, uint64_t end)
{
	struct tracker *tracker = a->tracker;
	struct held *entry = claim->held;

	/* The packet has passed already: its time to be held is over. */
	if (entry == NULL || entry->tracker != tracker) {
		hold_pass_over(a, end);
		return;
	}
	claim->held = NULL;
	a->channel->claims_held &= ~claim_bit(a->channel, claim);
	entry->first = first;
	entry->end = end;
	held_insert(a->arbiter, tracker, entry);
	age_insert(tracker, entry);
	hold_release_due(a->arbiter, a->channel, tracker);
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
