/* SPDX-License-Identifier: MIT */
/*
 * To which place of its sequence channel a packet belongs; jumps and new beginnings. Off the
 * common path. Hot.
 */
#include "arbiter.h"

/* Where a packet is, seen from a tracker. */
enum where {
	NEAR, /* in its window, or a little ahead */
	OLD,  /* behind the window, among numbers the tracker has gone through */
	FAR,  /* anywhere else */
};

static enum where arrival_locate(struct arrival *a, struct tracker *tracker)
{
	const struct fg_arbiter *arbiter = a->arbiter;

	a->tracker = tracker;
	a->first = tracker_widen(tracker, a->pkt->first, a->channel->shift);
	a->end = a->first + (a->pkt->kind == FG_FEED_DATA ? a->pkt->count : 0);
	if (ahead(a->first, tracker->high) > (int64_t)arbiter->jump_max)
		return FAR;
	if (ahead(a->end, tracker->high - arbiter->window) > 0)
		return NEAR;
	return ahead(a->end, tracker->floor) > 0 ? OLD : FAR;
}

/* Two trackers of one epoch: the lower one ends where the upper one began. */
static enum where arrival_locate_in_epoch(struct arrival *a)
{
	struct channel *channel = a->channel;
	const bool current_is_upper = ahead(channel->current->start, channel->candidate->start) > 0;
	struct tracker *upper = current_is_upper ? channel->current : channel->candidate;
	struct tracker *lower = current_is_upper ? channel->candidate : channel->current;
	enum where in_lower, in_upper;

	in_lower = arrival_locate(a, lower);
	in_upper = arrival_locate(a, upper);
	if (ahead(a->end, upper->start) > 0)
		return in_upper;
	if (in_lower == FAR && in_upper == NEAR)
		return NEAR;
	return arrival_locate(a, lower);
}

/* Whether the line, which did not come to the new epoch so far, goes on in the old one. */
static bool line_lags(struct arrival *a)
{
	const struct tracker *current = a->channel->current, *candidate = a->channel->candidate;
	const unsigned int bit = 1u << a->line;

	return (current->joined & bit) == 0 && (candidate->joined & bit) != 0 &&
	       tracker_widen(candidate, a->pkt->first, a->channel->shift) ==
		       candidate->line[a->line].next;
}

static enum where arrival_find_tracker(struct arrival *a)
{
	struct channel *channel = a->channel;
	enum where in_current;

	if (channel->candidate == NULL)
		return arrival_locate(a, channel->current);
	if (channel->candidate->epoch == channel->current->epoch)
		return arrival_locate_in_epoch(a);
	if (line_lags(a) && arrival_locate(a, channel->candidate) == NEAR)
		return NEAR;
	in_current = arrival_locate(a, channel->current);
	if (in_current == NEAR || arrival_locate(a, channel->candidate) == NEAR)
		return a->tracker == channel->current ? in_current : NEAR;
	return arrival_locate(a, channel->current);
}

void tracker_reject(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		    uint64_t now_ns)
{
	if (tracker->confirmed || tracker->rejected)
		return;
	tracker->rejected = true;
	/* A channel begins with a place; a reset as its first packet never went there. */
	if (tracker->joined == 0)
		return;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_jumps_rejected, 1);
	report(arbiter, channel, FG_ARBITER_JUMP_REJECTED, tracker->first_line, now_ns,
	       tracker->floor, tracker->high - 1, tracker->high - tracker->floor);
}

/* The candidate is where the feed is. */
static void channel_swap_trackers(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *was = channel->current, *is = channel->candidate;
	const int64_t skipped = ahead(is->start, was->high);

	channel->current = is;
	channel->candidate = was;
	channel->strays = 0;
	if (is->epoch != was->epoch) {
		channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_resets, 1);
		report(a->arbiter, channel, FG_ARBITER_RESET, a->line, a->now_ns, is->floor,
		       was->high - 1, 0);
		hold_release_all(a->arbiter, channel, was, a->now_ns);
	} else {
		channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_jumps_accepted, 1);
		if (skipped > 0 && was->confirmed)
			channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_jumped_over,
				    (uint64_t)skipped);
		report(a->arbiter, channel, FG_ARBITER_JUMP_ACCEPTED, a->line, a->now_ns, is->start,
		       was->high - 1, skipped > 0 ? (uint64_t)skipped : 0);
	}
	tracker_reject(a->arbiter, channel, was, a->now_ns);
}

/* A second packet near where a first one led: is it believed now? */
static void arrival_confirm(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	const bool goes_on = ahead(a->first, tracker->high) >= 0;
	const bool other = (tracker->joined & 1u << a->line) == 0 && !tracker->rejected;

	if (tracker->confirmed || tracker->joined == 0 || (!goes_on && !other))
		return;
	tracker->confirmed = true;
	tracker->muted = false;
	if (tracker == a->channel->candidate)
		channel_swap_trackers(a);
	else
		channel_take_over(a->arbiter, a->channel, a->line, a->now_ns);
}

/* The line is here, so where it jumped to before was wrong. */
static void arrival_stay(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *other =
		a->tracker == channel->current ? channel->candidate : channel->current;

	if (other != NULL && (other->joined & 1u << a->line) != 0)
		tracker_reject(a->arbiter, channel, other, a->now_ns);
	if (a->tracker == channel->current)
		channel->strays = 0;
	else if (other != NULL && a->tracker->confirmed && other->epoch == a->tracker->epoch &&
		 ++channel->strays == STRAYS_MAX) {
		channel->candidate = other;
		channel->current = a->tracker;
		channel->strays = 0;
	}
	a->tracker->touched_ns = a->now_ns;
}

static void arrival_join(struct arrival *a)
{
	struct tracker *tracker = a->tracker;

	if ((tracker->joined & 1u << a->line) == 0) {
		tracker->joined |= (uint8_t)(1u << a->line);
		tracker->line[a->line].next = a->end;
		return;
	}
	line_moves(a->arbiter, &tracker->line[a->line], a->line, a->first, a->end);
}

/* Not arbitrated: it passes, on whatever line. */
static void arrival_untracked(struct arrival *a)
{
	struct fg_arbiter_result *result = a->result;

	result->flags |= FG_ARBITER_UNTRACKED;
	if (result->disposition == FG_ARBITER_ADMIN)
		return;
	result->disposition = FG_ARBITER_PASS;
	result->to = a->pkt->count;
	result->mask = result->to == 0 ? 0 : UINT64_MAX >> (64 - RTE_MIN(result->to, 64u));
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_untracked, 1);
}

static void data_pass(struct arrival *a, uint64_t from)
{
	struct tracker *tracker = a->tracker;

	if (from == a->end) {
		tracker_duplicate(a);
		return;
	}
	if (ahead(from, tracker->high) < 0)
		a->result->flags |= FG_ARBITER_LATE;
	tracker_claim(a, from, tracker_mark_new(a, from, tracker->high));
	hold_pass(a);
	tracker->next = tracker->high;
}

/* A packet with numbers, near. */
static void data_arrive(struct arrival *a)
{
	const struct tracker_line *place = &a->tracker->line[a->line];
	uint64_t from;

	if (ahead(a->first, a->tracker->high) > 0)
		tracker_skip(a, a->first);
	from = tracker_next_unseen(a->arbiter, a->tracker, a->first, a->end);
	if (from != a->end && ahead(from, a->tracker->high) < 0)
		channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_out_of_order, 1);
	if (a->arbiter->hold)
		hold_arrive(a);
	else
		data_pass(a, from);
	if (a->claimed > 0) {
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_first_arrivals, 1);
		if (a->claimed < a->end - a->first)
			line_add(a->arbiter, a->line, FG_ARBITER_LINE_partial, 1);
	} else if ((a->tracker->joined & 1u << a->line) != 0 && ahead(a->end, place->next) <= 0) {
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_repeated, 1);
	}
}

/* A heartbeat, or an end: first is what comes next. */
static void admin_arrive(struct arrival *a)
{
	struct channel *channel = a->channel;

	if (ahead(a->first, a->tracker->high) > 0) {
		if (a->arbiter->hold)
			hold_reach(a);
		tracker_skip(a, a->first);
	}
	if (a->pkt->kind != FG_FEED_END || channel->ended)
		return;
	channel->ended = true;
	channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_ended, 1);
	report(a->arbiter, channel, FG_ARBITER_END, a->line, a->now_ns, a->first, a->first, 0);
}

/*
 * Far from everything: a new candidate. Muted, if these numbers were gone through already: what it
 * carries may have passed before, so nothing of it does until more of it comes.
 */
static void arrival_jump(struct arrival *a, bool muted)
{
	struct channel *channel = a->channel;
	struct tracker *candidate;

	if (channel->candidate != NULL)
		tracker_free(a->arbiter, channel, channel->candidate, a->now_ns);
	channel->candidate = candidate =
		tracker_get_spare(a->arbiter, muted ? a->end : a->first, a->line);
	if (candidate == NULL) {
		arrival_untracked(a);
		a->result->flags |= FG_ARBITER_JUMP;
		return;
	}
	candidate->epoch = muted ? ++a->arbiter->epochs : channel->current->epoch;
	candidate->muted = muted;
	candidate->touched_ns = a->now_ns;
	channel->strays = 0;
	due_at(a->arbiter, a->now_ns + a->arbiter->gap_timeout_ns);
	a->tracker = candidate;
	if (!muted) {
		a->result->flags |= FG_ARBITER_JUMP;
		if (a->first != a->end)
			data_arrive(a);
	} else if (a->first != a->end) {
		a->result->disposition = FG_ARBITER_STALE;
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_stale, 1);
	}
	arrival_join(a);
}

/* Older than the window. A line that was beyond it itself may begin anew. */
static void arrival_stale(struct arrival *a)
{
	const struct tracker *current = a->channel->current;

	if (a->tracker == current && (current->joined & 1u << a->line) != 0 &&
	    ahead(current->line[a->line].next, a->first) > (int64_t)a->arbiter->window) {
		arrival_jump(a, true);
	} else if (a->first != a->end) {
		a->result->disposition = FG_ARBITER_STALE;
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_stale, 1);
	}
}

/* Whether this line says now what another said of the tracker before. */
static bool reset_is_known(struct arrival *a)
{
	struct tracker *current = a->channel->current;
	const bool same =
		tracker_widen(current, a->pkt->first, a->channel->shift) == current->reset_at;

	if (current->reset_lines == 0 || !same)
		return false;
	if (current->high == current->reset_at)
		return true;
	return (current->reset_lines & 1u << a->line) == 0 &&
	       !overdue(a->now_ns, current->reset_ns, a->arbiter->gap_timeout_ns);
}

static void arrival_reset(struct arrival *a)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct channel *channel = a->channel;
	struct tracker *was = channel->current, *is;

	if (reset_is_known(a)) {
		arrival_locate(a, was);
		was->reset_lines |= (uint8_t)(1u << a->line);
		arrival_join(a);
		return;
	}
	if (channel->candidate != NULL)
		tracker_free(arbiter, channel, channel->candidate, a->now_ns);
	hold_release_all(arbiter, channel, was, a->now_ns);
	is = tracker_get_spare(arbiter, a->pkt->first, a->line);
	if (is == NULL) {
		tracker_free(arbiter, channel, was, a->now_ns);
		is = tracker_get(arbiter, a->pkt->first, a->line);
		was = NULL;
	}
	channel->current = is;
	channel->candidate = was;
	channel->ended = false;
	is->epoch = ++arbiter->epochs;
	is->confirmed = true;
	is->reset_lines = (uint8_t)(1u << a->line);
	is->reset_at = a->pkt->first;
	is->reset_ns = is->touched_ns = a->now_ns;
	if (was != NULL)
		tracker_reject(arbiter, channel, was, a->now_ns);
	channel_take_over(arbiter, channel, a->line, a->now_ns);
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_resets, 1);
	report(arbiter, channel, FG_ARBITER_RESET, a->line, a->now_ns, a->pkt->first,
	       was != NULL ? was->high - 1 : a->pkt->first - 1, 0);
	arrival_locate(a, is);
	arrival_join(a);
}

static void arrival_sequenced(struct arrival *a)
{
	const enum where where = arrival_find_tracker(a);

	if (where == OLD) {
		arrival_stale(a);
		return;
	}
	if (where == FAR) {
		arrival_jump(a, false);
		return;
	}
	arrival_confirm(a);
	arrival_stay(a);
	if (a->tracker == a->channel->candidate && !a->tracker->confirmed)
		a->result->flags |= FG_ARBITER_JUMP;
	if (a->first == a->end)
		admin_arrive(a);
	else
		data_arrive(a);
	arrival_join(a);
}

/* What the common path does not decide. */
void arrival_arbitrate(struct arrival *a)
{
	const struct fg_feed_packet *pkt = a->pkt;
	const bool sequenced = pkt->kind < FG_FEED_UNSEQUENCED;
	const bool data = pkt->kind == FG_FEED_DATA && pkt->count > 0;
	const bool oversized = data && pkt->count > a->arbiter->jump_max;

	if (sequenced && !data) {
		a->result->disposition = FG_ARBITER_ADMIN;
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_admin, 1);
	}
	if (!sequenced || a->channel == NULL || oversized) {
		fg_counter_add(&a->arbiter->totals[FG_ARBITER_CHANNEL_oversized], oversized);
		arrival_untracked(a);
		return;
	}
	if (pkt->kind == FG_FEED_RESET)
		arrival_reset(a);
	else
		arrival_sequenced(a);
	tracker_settle(a->arbiter, a->channel);
}
