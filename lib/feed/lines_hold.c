/* SPDX-License-Identifier: MIT */
/*
 * Order. A track delivers from `next` on: what begins there or before passes, with all that it
 * has from there on; what begins beyond is held, ascending, until its turn comes. Bits say what
 * came, held or not, so a held packet may find that others overtook part of it, or all.
 *
 * Entries: hold_packets, and one for the packet that makes room when all are in use. Hot.
 */
#include "lines.h"

static void ready_add(struct fg_lines *lines, struct held *entry)
{
	entry->next = NULL;
	*lines->ready_end = entry;
	lines->ready_end = &entry->next;
}

/* The packet passes: now, or in its turn, if some are to go before it. */
void hold_pass(struct arrival *a)
{
	struct held *entry = a->lines->free_held;

	a->verdict->fate = FG_LINES_PASS;
	if (likely(a->lines->ready == NULL) || entry == NULL)
		return;
	a->lines->free_held = entry->next;
	entry->packet = a->packet;
	entry->verdict = *a->verdict;
	ready_add(a->lines, entry);
	a->verdict->fate = FG_LINES_HELD;
}

/* The first held packet's turn has come: next is not before its first number. */
static void held_release(struct fg_lines *lines, struct space *space, struct track *track)
{
	struct held *entry = track->held;
	struct fg_lines_verdict *verdict = &entry->verdict;
	const uint64_t from = later(entry->first, track->next);

	track->held = entry->next;
	lines->n_held--;
	space_add(lines, space, FG_LINES_SPACE_held_now, UINT64_MAX);
	verdict->fate = FG_LINES_DUPLICATE;
	if (ahead(from, entry->end) < 0) {
		verdict->fate = FG_LINES_PASS;
		verdict->from = (uint32_t)(from - entry->first);
		verdict->to = (uint32_t)(entry->end - entry->first);
		verdict->mask = UINT64_MAX >> (64 - RTE_MIN(entry->end - from, 64u));
		track->next = entry->end;
	}
	ready_add(lines, entry);
}

/* Release what is next. */
static void held_drain(struct fg_lines *lines, struct space *space, struct track *track)
{
	while (track->held != NULL && ahead(track->held->first, track->next) <= 0)
		held_release(lines, space, track);
	if (track->held == NULL)
		return;
	track->held_ns = track->held->since_ns;
	for (const struct held *entry = track->held; entry != NULL; entry = entry->next)
		track->held_ns = earlier(track->held_ns, entry->since_ns);
}

/* Go on at @p to: what is missing below is lost. */
static void next_skip(struct fg_lines *lines, struct space *space, struct track *track, uint64_t to,
		      uint64_t now_ns)
{
	if (ahead(to, track->next) <= 0)
		return;
	track_lose(lines, space, track, to, now_ns);
	track->next = to;
}

/* Give up the first gap. Something is held. */
static void gap_give_up(struct fg_lines *lines, struct space *space, struct track *track,
			uint64_t now_ns)
{
	next_skip(lines, space, track, track->held->first, now_ns);
	held_drain(lines, space, track);
}

void hold_release_all(struct fg_lines *lines, struct space *space, struct track *track,
		      uint64_t now_ns)
{
	while (track->held != NULL)
		gap_give_up(lines, space, track, now_ns);
}

void hold_tick(struct fg_lines *lines, struct space *space, struct track *track, uint64_t now_ns)
{
	bool expired = false;

	/* Behind a gap given up there may be another, and beyond that one as old as this. */
	while (track->held != NULL && overdue(now_ns, track->held_ns, lines->hold_ns)) {
		gap_give_up(lines, space, track, now_ns);
		expired = true;
	}
	if (expired)
		space_add(lines, space, FG_LINES_SPACE_hold_expired, 1);
	if (track->held != NULL)
		due_at(lines, track->held_ns + lines->hold_ns);
}

/* Whether one may be held: there is an entry, and the window reaches from what is next to its end.
 */
static bool held_fits(const struct arrival *a)
{
	return a->lines->n_held < a->lines->hold_packets && a->lines->free_held != NULL &&
	       ahead(a->end - a->lines->window, a->track->next) <= 0;
}

/* Make this packet deliverable, or able to be held, by giving up gaps. */
static void make_room(struct arrival *a)
{
	struct track *track = a->track;

	while (ahead(a->first, track->next) > 0 && !held_fits(a)) {
		space_add(a->lines, a->space, FG_LINES_SPACE_hold_full, 1);
		if (track->held != NULL && ahead(track->held->first, a->first) < 0)
			gap_give_up(a->lines, a->space, track, a->now_ns);
		else
			next_skip(a->lines, a->space, track, a->first, a->now_ns);
	}
}

/* The end moves on to a->first, which nothing holds: the window must still reach back to next. */
void hold_reach(struct arrival *a)
{
	const uint64_t least = a->first - a->lines->window;
	struct track *track = a->track;

	while (track->held != NULL && ahead(least, track->next) > 0)
		gap_give_up(a->lines, a->space, track, a->now_ns);
	next_skip(a->lines, a->space, track, least, a->now_ns);
}

static void hold_keep(struct arrival *a)
{
	struct fg_lines *lines = a->lines;
	struct held *entry = lines->free_held, **at = &a->track->held;

	while (*at != NULL && ahead((*at)->first, a->first) <= 0)
		at = &(*at)->next;
	lines->free_held = entry->next;
	*entry = (struct held){.next = *at,
			       .packet = a->packet,
			       .first = a->first,
			       .end = a->end,
			       .since_ns = a->now_ns,
			       .verdict = *a->verdict};
	if (a->track->held == NULL)
		a->track->held_ns = a->now_ns;
	a->track->held_ns = earlier(a->track->held_ns, a->now_ns);
	*at = entry;
	lines->n_held++;
	a->verdict->fate = FG_LINES_HELD;
	space_add(lines, a->space, FG_LINES_SPACE_held, 1);
	space_add(lines, a->space, FG_LINES_SPACE_held_now, 1);
	due_at(lines, a->now_ns + lines->hold_ns);
}

/* It begins at what is next, or before: deliver what is new of it. */
static void hold_deliver(struct arrival *a)
{
	struct track *track = a->track;
	const uint64_t next = track->next;
	uint64_t from = track_next_unseen(a->lines, track, a->first, a->end), stop;

	/* All from next on is new to whoever is behind us, though some may be held. */
	if (ahead(a->end, next) > 0)
		from = earlier(from, later(next, a->first));
	if (from == a->end) {
		track_duplicate(a);
		return;
	}
	if (ahead(from, next) < 0)
		a->verdict->flags |= FG_LINES_LATE;
	stop = track_say(a, from, next);
	track_claim(a, from, stop);
	track->next = later(next, stop);
	hold_pass(a);
	held_drain(a->lines, a->space, track);
}

/* A packet with numbers, in the track's reach; what is between is a gap already. */
void hold_arrive(struct arrival *a)
{
	if (ahead(a->first, a->track->next) > 0 &&
	    track_next_unseen(a->lines, a->track, a->first, a->end) == a->end) {
		track_duplicate(a);
		return;
	}
	make_room(a);
	if (ahead(a->first, a->track->next) > 0) {
		track_claim(a, a->first, a->end);
		hold_keep(a);
	} else {
		hold_deliver(a);
	}
}
