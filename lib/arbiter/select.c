/* SPDX-License-Identifier: MIT */
/* The tracker of a channel to which a packet belongs; jumps and resets. Hot. */
#include "select.h"

#include "channel.h"
#include "hold.h"
#include "report.h"
#include "tracker.h"

/* Where a packet's numbers are, relative to a tracker. */
enum position {
	POSITION_NEAR,  /* in the window, or at most jump_max above it */
	POSITION_STALE, /* below the window, above the lowest number that came */
	POSITION_FAR,   /* anywhere else */
};

/* Make @p tracker the packet's, and widen its numbers for it. */
static enum position arrival_locate(struct arrival *a, struct tracker *tracker)
{
	const struct fg_arbiter *arbiter = a->arbiter;

	a->tracker = tracker;
	a->first = tracker_widen(tracker, a->pkt->first, a->channel->shift);
	a->end = a->first + (a->pkt->kind == FG_FEED_DATA ? a->pkt->count : 0);
	if (seq_diff(a->first, tracker->high) > (int64_t)arbiter->jump_max)
		return POSITION_FAR;
	if (seq_diff(a->end, tracker->high - arbiter->window) > 0)
		return POSITION_NEAR;
	return seq_diff(a->end, tracker->lowest) > 0 ? POSITION_STALE : POSITION_FAR;
}

/* With two trackers of one epoch, the lower one ends where the upper one starts. */
static enum position arrival_locate_same_epoch(struct arrival *a)
{
	struct channel *channel = a->channel;
	const bool current_is_upper =
		seq_diff(channel->current->start, channel->candidate->start) > 0;
	struct tracker *upper = current_is_upper ? channel->current : channel->candidate;
	struct tracker *lower = current_is_upper ? channel->candidate : channel->current;
	enum position in_lower, in_upper;

	in_lower = arrival_locate(a, lower);
	in_upper = arrival_locate(a, upper);
	if (seq_diff(a->end, upper->start) > 0)
		return in_upper;
	if (in_lower == POSITION_FAR && in_upper == POSITION_NEAR)
		return POSITION_NEAR;
	return arrival_locate(a, lower);
}

/* Whether the packet continues its line in the candidate's epoch, before the line's own reset. */
static bool line_lags(struct arrival *a)
{
	const struct tracker *current = a->channel->current, *candidate = a->channel->candidate;
	const unsigned int bit = 1u << a->line;

	return (current->lines_seen & bit) == 0 && (candidate->lines_seen & bit) != 0 &&
	       tracker_widen(candidate, a->pkt->first, a->channel->shift) ==
		       candidate->lines[a->line].next;
}

static enum position arrival_select_tracker(struct arrival *a)
{
	struct channel *channel = a->channel;
	enum position in_current;

	if (channel->candidate == NULL)
		return arrival_locate(a, channel->current);
	if (channel->candidate->epoch == channel->current->epoch)
		return arrival_locate_same_epoch(a);
	if (line_lags(a) && arrival_locate(a, channel->candidate) == POSITION_NEAR)
		return POSITION_NEAR;
	in_current = arrival_locate(a, channel->current);
	if (in_current == POSITION_NEAR || arrival_locate(a, channel->candidate) == POSITION_NEAR)
		return a->tracker == channel->current ? in_current : POSITION_NEAR;
	return arrival_locate(a, channel->current);
}

/* Report an event that this packet led to. */
static void arrival_report(const struct arrival *a, struct fg_arbiter_event event)
{
	event.line = a->line;
	event.time_ns = a->now_ns;
	report_now(a->arbiter, a->channel, event);
}

/* The candidate is confirmed: it becomes the current tracker. */
static void channel_accept_candidate(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *former = channel->current, *accepted = channel->candidate;
	const int64_t skipped = seq_diff(accepted->start, former->high);

	channel->current = accepted;
	channel->candidate = former;
	channel->candidate_streak = 0;
	if (accepted->epoch != former->epoch) {
		channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_resets, 1);
		arrival_report(a, (struct fg_arbiter_event){.kind = FG_ARBITER_RESET,
							    .first = accepted->lowest,
							    .last = former->high - 1});
		hold_release_all(a->arbiter, channel, former, a->now_ns);
	} else {
		channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_jumps_accepted, 1);
		if (skipped > 0 && former->confirmed)
			channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_jumped_over,
				    (uint64_t)skipped);
		arrival_report(a,
			       (struct fg_arbiter_event){.kind = FG_ARBITER_JUMP_ACCEPTED,
							 .first = accepted->start,
							 .last = former->high - 1,
							 .n = skipped > 0 ? (uint64_t)skipped : 0});
	}
	tracker_reject(a->arbiter, channel, former, a->now_ns);
}

/* A packet came to the tracker: confirm the tracker if it continues it, or is of another line. */
static void arrival_confirm(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	const bool continues = seq_diff(a->first, tracker->high) >= 0;
	const bool other_line = (tracker->lines_seen & 1u << a->line) == 0 && !tracker->rejected;

	if (tracker->confirmed || tracker->lines_seen == 0 || (!continues && !other_line))
		return;
	tracker->confirmed = true;
	if (tracker == a->channel->candidate)
		channel_accept_candidate(a);
	else
		channel_take_over(a->arbiter, a->channel, a->line, a->now_ns);
}

/*
 * The packet's line is at this tracker: a jump of the line to the other one is rejected. If many
 * packets in a row are a confirmed candidate's, the trackers change places.
 */
static void arrival_reject_other(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *other =
		a->tracker == channel->current ? channel->candidate : channel->current;

	if (other != NULL && (other->lines_seen & 1u << a->line) != 0)
		tracker_reject(a->arbiter, channel, other, a->now_ns);
	if (a->tracker == channel->current)
		channel->candidate_streak = 0;
	else if (other != NULL && a->tracker->confirmed && other->epoch == a->tracker->epoch &&
		 ++channel->candidate_streak == CANDIDATE_STREAK_MAX) {
		channel->candidate = other;
		channel->current = a->tracker;
		channel->candidate_streak = 0;
	}
	a->tracker->last_packet_ns = a->now_ns;
}

/* Record where the line is. */
static void arrival_record_line(struct arrival *a)
{
	struct tracker *tracker = a->tracker;

	if ((tracker->lines_seen & 1u << a->line) == 0) {
		tracker->lines_seen |= (uint8_t)(1u << a->line);
		tracker->lines[a->line].next = a->end;
		return;
	}
	tracker_line_advance(a->arbiter, &tracker->lines[a->line], a->line, a->first, a->end);
}

/* The packet is not arbitrated: it passes on every line. */
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

/* Without hold: pass what is new of the packet, from @p from on. */
static void arrival_pass(struct arrival *a, uint64_t from)
{
	struct tracker *tracker = a->tracker;

	if (from == a->end) {
		tracker_mark_duplicate(a);
		return;
	}
	if (seq_diff(from, tracker->high) < 0)
		a->result->flags |= FG_ARBITER_LATE;
	tracker_add(a, from, tracker_mark_new(a, from, tracker->high));
	hold_pass(a);
	tracker->deliver_next = tracker->high;
}

/* A packet with numbers, near its tracker. */
static void arrival_data(struct arrival *a)
{
	const struct tracker_line *state = &a->tracker->lines[a->line];
	uint64_t from;

	if (seq_diff(a->first, a->tracker->high) > 0)
		tracker_open_gap(a, a->first);
	from = tracker_next_unseen(a->arbiter, a->tracker, a->first, a->end);
	if (from != a->end && seq_diff(from, a->tracker->high) < 0)
		channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_out_of_order, 1);
	if (a->arbiter->hold)
		hold_data(a);
	else
		arrival_pass(a, from);
	if (a->n_first > 0) {
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_first_arrivals, 1);
		if (a->n_first < a->end - a->first)
			line_add(a->arbiter, a->line, FG_ARBITER_LINE_partial, 1);
	} else if ((a->tracker->lines_seen & 1u << a->line) != 0 &&
		   seq_diff(a->end, state->next) <= 0) {
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_repeated, 1);
	}
}

/* A heartbeat or end of session: a->first is the next number. */
static void arrival_admin(struct arrival *a)
{
	struct channel *channel = a->channel;

	if (seq_diff(a->first, a->tracker->high) > 0) {
		if (a->arbiter->hold)
			hold_advance_window(a);
		tracker_open_gap(a, a->first);
	}
	if (a->pkt->kind != FG_FEED_END || channel->ended)
		return;
	channel->ended = true;
	channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_ended, 1);
	arrival_report(a, (struct fg_arbiter_event){
				  .kind = FG_ARBITER_END, .first = a->first, .last = a->first});
}

/*
 * Open a candidate for a packet far from the trackers: a jump, or @p is_reset, where the packet's
 * line went back to numbers that the channel has passed. The latter may be a repetition, so the
 * packet itself is dropped.
 */
static void arrival_open_candidate(struct arrival *a, bool is_reset)
{
	struct channel *channel = a->channel;
	struct tracker *candidate;

	if (channel->candidate != NULL)
		tracker_free(a->arbiter, channel, channel->candidate, a->now_ns);
	channel->candidate = candidate =
		tracker_alloc_spare(a->arbiter, is_reset ? a->end : a->first, a->line);
	if (candidate == NULL) {
		arrival_untracked(a);
		a->result->flags |= FG_ARBITER_JUMP;
		return;
	}
	candidate->epoch = is_reset ? ++a->arbiter->last_epoch : channel->current->epoch;
	candidate->last_packet_ns = a->now_ns;
	channel->candidate_streak = 0;
	tick_schedule(a->arbiter, a->now_ns + a->arbiter->gap_timeout_ns);
	a->tracker = candidate;
	if (!is_reset) {
		a->result->flags |= FG_ARBITER_JUMP;
		if (a->first != a->end)
			arrival_data(a);
	} else if (a->first != a->end) {
		a->result->disposition = FG_ARBITER_STALE;
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_stale, 1);
	}
	arrival_record_line(a);
}

/* A packet below the window. If its line was past the window itself, this may be a reset. */
static void arrival_stale(struct arrival *a)
{
	const struct tracker *current = a->channel->current;

	if (a->tracker == current && (current->lines_seen & 1u << a->line) != 0 &&
	    seq_diff(current->lines[a->line].next, a->first) > (int64_t)a->arbiter->window) {
		arrival_open_candidate(a, true);
	} else if (a->first != a->end) {
		a->result->disposition = FG_ARBITER_STALE;
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_stale, 1);
	}
}

/* Whether the current tracker stems from this very reset, which another line announced before. */
static bool reset_is_repeat(struct arrival *a)
{
	struct tracker *current = a->channel->current;
	const bool same =
		tracker_widen(current, a->pkt->first, a->channel->shift) == current->reset_first;

	if (current->reset_lines == 0 || !same)
		return false;
	if (current->high == current->reset_first)
		return true;
	return (current->reset_lines & 1u << a->line) == 0 &&
	       !overdue(a->now_ns, current->reset_ns, a->arbiter->gap_timeout_ns);
}

static void arrival_reset(struct arrival *a)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct channel *channel = a->channel;
	struct tracker *former = channel->current, *current;

	if (reset_is_repeat(a)) {
		arrival_locate(a, former);
		former->reset_lines |= (uint8_t)(1u << a->line);
		arrival_record_line(a);
		return;
	}
	if (channel->candidate != NULL)
		tracker_free(arbiter, channel, channel->candidate, a->now_ns);
	hold_release_all(arbiter, channel, former, a->now_ns);
	current = tracker_alloc_spare(arbiter, a->pkt->first, a->line);
	if (current == NULL) {
		tracker_free(arbiter, channel, former, a->now_ns);
		current = tracker_alloc(arbiter, a->pkt->first, a->line);
		former = NULL;
	}
	channel->current = current;
	channel->candidate = former;
	channel->ended = false;
	current->epoch = ++arbiter->last_epoch;
	current->confirmed = true;
	current->reset_lines = (uint8_t)(1u << a->line);
	current->reset_first = a->pkt->first;
	current->reset_ns = current->last_packet_ns = a->now_ns;
	if (former != NULL)
		tracker_reject(arbiter, channel, former, a->now_ns);
	channel_take_over(arbiter, channel, a->line, a->now_ns);
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_resets, 1);
	arrival_report(a, (struct fg_arbiter_event){
				  .kind = FG_ARBITER_RESET,
				  .first = a->pkt->first,
				  .last = (former != NULL ? former->high : a->pkt->first) - 1});
	arrival_locate(a, current);
	arrival_record_line(a);
}

static void arrival_sequenced(struct arrival *a)
{
	const enum position position = arrival_select_tracker(a);

	if (position == POSITION_STALE) {
		arrival_stale(a);
		return;
	}
	if (position == POSITION_FAR) {
		arrival_open_candidate(a, false);
		return;
	}
	arrival_confirm(a);
	arrival_reject_other(a);
	if (a->tracker == a->channel->candidate && !a->tracker->confirmed)
		a->result->flags |= FG_ARBITER_JUMP;
	if (a->first == a->end)
		arrival_admin(a);
	else
		arrival_data(a);
	arrival_record_line(a);
}

void arrival_arbitrate(struct arrival *a)
{
	const struct fg_feed_packet *pkt = a->pkt;
	const bool sequenced = pkt->kind < FG_FEED_RETRANSMISSION;
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
	channel_set_fast_path(a->arbiter, a->channel);
}
