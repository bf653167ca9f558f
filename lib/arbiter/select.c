/* SPDX-License-Identifier: MIT */
/* The tracker of a channel to which a packet belongs; jumps and resets. Hot. */
#include "select.h"

#include "channel.h"
#include "claim.h"
#include "epoch.h"
#include "hold.h"
#include "lost.h"
#include "report.h"
#include "restart.h"
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
	if (seq_diff(a->first, tracker_high(tracker)) > (int64_t)arbiter->jump_max)
		return POSITION_FAR;
	if (seq_diff(a->end, tracker_high(tracker) - arbiter->window) > 0)
		return POSITION_NEAR;
	return seq_diff(a->end, tracker->lowest) > 0 ? POSITION_STALE : POSITION_FAR;
}

/* With two trackers of one epoch, the lower one ends where the upper one starts. */
static enum position arrival_locate_same_epoch(struct arrival *a)
{
	struct channel *channel = a->channel;
	const bool current_is_upper =
		seq_diff(channel_current(channel)->start, channel->candidate->start) > 0;
	struct tracker *upper = current_is_upper ? channel_current(channel) : channel->candidate;
	struct tracker *lower = current_is_upper ? channel->candidate : channel_current(channel);
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
	const struct tracker *current = channel_current(a->channel);
	const struct tracker *candidate = a->channel->candidate;
	const unsigned int bit = 1u << a->line;

	return (current->lines_seen & bit) == 0 && (candidate->lines_seen & bit) != 0 &&
	       tracker_widen(candidate, a->pkt->first, a->channel->shift) ==
		       candidate->fast.lines[a->line].next;
}

static enum position arrival_select_tracker(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *current = channel_current(channel);
	enum position in_current;

	if (channel->candidate == NULL)
		return arrival_locate(a, current);
	if (channel->candidate->epoch == current->epoch)
		return arrival_locate_same_epoch(a);
	if (line_lags(a) && arrival_locate(a, channel->candidate) == POSITION_NEAR)
		return POSITION_NEAR;
	in_current = arrival_locate(a, current);
	if (in_current == POSITION_NEAR || arrival_locate(a, channel->candidate) == POSITION_NEAR)
		return a->tracker == current ? in_current : POSITION_NEAR;
	return arrival_locate(a, current);
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

/* The first packet of a line at an unconfirmed tracker, or one that continues it, confirms it. */
static void arrival_confirm(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	const bool other_line = (tracker->lines_seen & 1u << a->line) == 0 && !tracker->rejected;

	if (tracker->confirmed || tracker->lines_seen == 0 ||
	    (a->first != tracker_high(tracker) && !other_line))
		return;
	tracker->confirmed = true;
	if (tracker == channel_current(a->channel))
		channel_confirm(a);
}

/* Without hold: pass what is new of the packet, from @p from on. */
static void arrival_pass(struct arrival *a, uint64_t from)
{
	struct tracker *tracker = a->tracker;
	const uint64_t high = tracker_high(tracker);

	if (from == a->end) {
		tracker_mark_duplicate(a);
		return;
	}
	if (seq_diff(from, high) < 0)
		a->result->flags |= FG_ARBITER_LATE;
	tracker_add(a, from, tracker_mark_new(a, from, high));
	hold_pass(a);
	tracker->deliver_next = tracker_high(tracker);
}

/* Count a packet that brought new numbers. */
static void arrival_count_first(struct arrival *a)
{
	fg_counter_add(&a->tracker->fast.lines[a->line].first_arrivals, 1);
	a->tracker->slow_leads[a->line]++;
	if (a->n_first < a->end - a->first)
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_partial, 1);
}

static void arrival_count_repeated(struct arrival *a)
{
	const struct tracker *tracker = a->tracker;

	if ((tracker->lines_seen & 1u << a->line) != 0 &&
	    seq_diff(a->end, tracker->fast.lines[a->line].next) <= 0)
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_repeated, 1);
}

/* A packet with numbers, near its tracker and not above its highest number. */
static void arrival_data(struct arrival *a)
{
	uint64_t from = tracker_next_unseen(a->arbiter, a->tracker, a->first, a->end);

	if (from == a->end && restart_repeated(a)) {
		if (seq_diff(a->first, tracker_high(a->tracker)) > 0)
			tracker_open_gap(a, a->first, a->line, a->now_ns);
		from = tracker_next_unseen(a->arbiter, a->tracker, a->first, a->end);
	}
	if (from != a->end && seq_diff(from, tracker_high(a->tracker)) < 0)
		channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_out_of_order, 1);
	if (a->arbiter->hold)
		hold_data(a);
	else
		arrival_pass(a, from);
	if (a->n_first > 0)
		arrival_count_first(a);
	else
		arrival_count_repeated(a);
}

/* Another packet with these numbers came before; this one is not a copy of it. */
static void arrival_pass_other(struct arrival *a)
{
	const uint64_t n = a->end - a->first;

	a->result->flags |= FG_ARBITER_LATE;
	a->result->to = (uint32_t)n;
	a->result->mask = UINT64_MAX >> (64 - RTE_MIN(n, 64u));
	a->n_first = n;
	arrival_count_first(a);
	fg_counter_add(&a->tracker->fast.lines[a->line].first_numbers, n);
	hold_pass(a);
}

/* The session ends, if no line said so before. */
static void arrival_end(struct arrival *a)
{
	struct channel *channel = a->channel;

	/* One that names a number ahead is a claim first. */
	if (a->pkt->kind != FG_FEED_END || channel->ended ||
	    seq_diff(a->first, tracker_high(a->tracker)) > 0)
		return;
	channel->ended = true;
	channel_end_silence(a->arbiter, channel);
	channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_ended, 1);
	report_now(a->arbiter, channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_END,
					     .line = a->line,
					     .time_ns = a->now_ns,
					     .first = a->first,
					     .last = a->first});
}

/* Record where the line is. */
static void arrival_record_line(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	struct fg_arbiter_track_line *state = &tracker->fast.lines[a->line];

	/* All that it sent ahead is forgotten. */
	if ((a->channel->lines_claiming >> a->line & 1) == 0 &&
	    (tracker->lines_seen >> a->line & 1) != 0 &&
	    seq_diff(state->position, tracker_high(tracker)) > 0)
		state->position = a->first;
	if (seq_diff(a->end, state->position) > 0 || a->n_first > 0)
		restart_clear(a);
	tracker_line_move(a, a->first, a->end);
}

/*
 * Whether the packet is a claim only: it is above the highest number, or reaches above it from
 * below where its line is.
 */
static bool arrival_is_claim(struct arrival *a)
{
	const struct tracker *tracker = a->tracker;
	const bool seen = (tracker->lines_seen >> a->line & 1) != 0;
	const uint64_t position = seen ? tracker->fast.lines[a->line].position : tracker->start;

	if (seq_diff(a->first, tracker_high(tracker)) > 0)
		return !claim_continue(a, false) || seq_diff(a->first, tracker_high(tracker)) > 0;
	return a->first != tracker_high(tracker) && seq_diff(a->end, tracker_high(tracker)) > 0 &&
	       a->first != position && tracker->lines_seen != 0;
}

/* The packet is near a->tracker. */
static void arrival_near(struct arrival *a, enum claim_match match)
{
	const bool data = a->first != a->end;
	const bool is_first = a->tracker->lines_seen == 0;

	claim_reject_line(a);
	arrival_confirm(a);
	epoch_follow(a);
	if (match == CLAIM_MATCH_NEW) {
		arrival_pass_other(a);
	} else if (arrival_is_claim(a)) {
		claim_add(a, false);
	} else if (data) {
		arrival_data(a);
	} else if (restart_heartbeat(a)) {
		arrival_record_line(a);
		return;
	}
	if (a->channel->claims_open != 0 && a->n_first > 0)
		claim_reach(a);
	arrival_record_line(a);
	/* One packet alone stands for these numbers. */
	if (match != CLAIM_MATCH_NEW && a->n_first > 0 &&
	    (is_first || (a->result->flags & FG_ARBITER_LATE) != 0))
		claim_add_settled(a);
}

/* A packet below the window. If its line was past the window itself, this may be a reset. */
static void arrival_stale(struct arrival *a)
{
	if (a->first == a->end) {
		(void)restart_heartbeat(a);
		return;
	}
	if (restart_repeated(a)) {
		arrival_near(a, CLAIM_MATCH_NONE);
		return;
	}
	a->result->disposition = FG_ARBITER_STALE;
	line_add(a->arbiter, a->line, FG_ARBITER_LINE_stale, 1);
}

/* A copy of a packet ahead, which may just have been confirmed. */
static void arrival_copy(struct arrival *a)
{
	arrival_confirm(a);
	tracker_count_duplicate(a);
	if (seq_diff(a->first, tracker_high(a->tracker)) > (int64_t)a->arbiter->jump_max)
		return;
	arrival_count_repeated(a);
	arrival_record_line(a);
}

static void arrival_sequenced(struct arrival *a)
{
	struct channel *channel = a->channel;
	enum claim_match match = CLAIM_MATCH_NONE;
	enum position position;
	bool data;

	a->last_claim = channel->last_claim[a->line];
	channel->last_claim[a->line] = CLAIMS_MAX;
	if (unlikely((channel->lines_resetting >> a->line & 1) != 0))
		restart_check_announced(a);
	position = arrival_select_tracker(a);
	data = a->first != a->end;
	/* What was given up is known also below the window. */
	if (position == POSITION_STALE && data && a->tracker->n_lost > 0 &&
	    tracker_next_unseen(a->arbiter, a->tracker, a->first, a->end) != a->end)
		position = POSITION_NEAR;
	a->touching = 0;
	if (channel->claims_used != 0)
		claim_find(a);
	if (data && channel->claims_used != 0 && position != POSITION_STALE)
		match = claim_match(a);
	if (match == CLAIM_MATCH_COPY) {
		arrival_copy(a);
		return;
	}
	if (position == POSITION_FAR && claim_continue(a, true))
		position = POSITION_NEAR;
	else if (position == POSITION_FAR)
		claim_add(a, true);
	if (position == POSITION_STALE)
		arrival_stale(a);
	if (position == POSITION_NEAR) {
		arrival_near(a, match);
		arrival_end(a);
	}
}

/* Whether the packet has numbers that are missing at the tracker; cut off those above. */
static bool retransmission_fills(struct arrival *a, struct tracker *tracker, uint64_t *from)
{
	if (tracker == NULL)
		return false;
	a->tracker = tracker;
	a->first = tracker_widen(tracker, a->pkt->first, a->channel->shift);
	a->end = seq_min(a->first + a->pkt->count, tracker_high(tracker));
	*from = seq_max(a->first, tracker->start);
	if (seq_diff(*from, a->end) >= 0)
		return false;
	*from = tracker_next_unseen(a->arbiter, tracker, *from, a->end);
	return *from != a->end;
}

/*
 * A packet that is sent again on request: what is missing of it passes. It shows nothing of where
 * its line is, or the channel.
 */
static void arrival_retransmission(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *current = channel_current(channel);
	struct fg_arbiter_track_line *state = &current->fast.lines[a->line];
	uint64_t from;

	if (!retransmission_fills(a, current, &from) &&
	    !(channel->candidate != NULL && channel->candidate->epoch == current->epoch &&
	      retransmission_fills(a, channel->candidate, &from))) {
		a->tracker = current;
		a->first = tracker_widen(current, a->pkt->first, channel->shift);
		a->end = a->first + a->pkt->count;
		if (claim_is_other(a)) {
			arrival_pass_other(a);
			return;
		}
		a->result->disposition = FG_ARBITER_DUPLICATE;
		fg_counter_add(&state->duplicates, 1);
		fg_counter_add(&state->duplicate_numbers, a->pkt->count);
		return;
	}
	channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_out_of_order, 1);
	if (a->arbiter->hold)
		hold_data(a);
	else
		arrival_pass(a, from);
	a->end = a->first + a->pkt->count;
	arrival_count_first(a);
	claim_add_settled(a);
}

void arrival_arbitrate(struct arrival *a)
{
	const struct fg_feed_packet *pkt = a->pkt;
	const bool sequenced = pkt->kind < FG_FEED_RETRANSMISSION;
	const bool data = (pkt->kind == FG_FEED_DATA || pkt->kind == FG_FEED_RETRANSMISSION) &&
			  pkt->count > 0;
	const bool oversized = data && pkt->count > a->arbiter->jump_max;

	if (sequenced && !data) {
		a->result->disposition = FG_ARBITER_ADMIN;
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_admin, 1);
	}
	if (a->channel == NULL || oversized || (!sequenced && !data)) {
		fg_counter_add(&a->arbiter->totals[FG_ARBITER_CHANNEL_oversized], oversized);
		arrival_untracked(a);
		return;
	}
	if (!sequenced)
		arrival_retransmission(a);
	else if (pkt->kind == FG_FEED_RESET)
		restart_announce(a);
	else
		arrival_sequenced(a);
	channel_set_fast_path(a->arbiter, a->channel);
}
