/* SPDX-License-Identifier: MIT */
/*
 * Senders that start their numbers anew, announced or not. Hot.
 *
 * One packet proves nothing: it may be a repetition, or spoofed. fg_arbiter.h has the rules. A line
 * that only ever repeats what others brought is no sender: one of the lines must have brought new
 * numbers, and each must have reached the highest number.
 */
#include "restart.h"

#include "channel.h"
#include "epoch.h"
#include "report.h"
#include "tracker.h"

#define HEARTBEAT_PAUSE_NS UINT64_C(10000000) /* of the line, before it names a lower number */

/* The packet belongs to the channel's new epoch, which begins with @p first. */
static struct tracker *restart(struct arrival *a, uint64_t first)
{
	a->tracker = epoch_reset(a, first);
	a->first = tracker_widen(a->tracker, a->pkt->first, a->channel->shift);
	a->end = a->first + (a->pkt->kind == FG_FEED_DATA ? a->pkt->count : 0);
	return a->tracker;
}

/* Whether a line that did not go back itself sent anything since @p since_ns. */
static bool others_go_on(const struct arrival *a, uint64_t since_ns)
{
	const struct tracker *tracker = a->tracker;

	for (unsigned int i = 0; i < a->arbiter->n_lines; i++)
		if ((tracker->lines_back >> i & 1) == 0 && i != a->line &&
		    (int64_t)(fg_counter_read(&tracker->fast.lines[i].last_ns) - since_ns) > 0)
			return true;
	return false;
}

/* What the line did since it went back; empty if the channel has gone on since. */
static struct back *back_of(const struct arrival *a, unsigned int line)
{
	struct tracker *tracker = a->tracker;
	struct back *back = &tracker->back[line];

	if ((tracker->lines_back >> line & 1) == 0 || back->high != tracker_high(tracker)) {
		*back = (struct back){.high = tracker_high(tracker),
				      .since_ns = a->now_ns,
				      .pause_ns = a->pause_ns,
				      .was_on_top = tracker_line_leads(tracker, line) ||
						    tracker->fast.lines[line].position ==
							    tracker_high(tracker)};
	}
	return back;
}

/* Whether another line went back to the same numbers. @p far: by more than the window. */
static bool back_together(const struct arrival *a, const struct back *back, bool far)
{
	const struct tracker *tracker = a->tracker;
	const uint32_t min = far ? 1 : RESTART_RUN_MIN;

	if (back->n < min || !back->was_on_top)
		return false;
	for (unsigned int i = 0; i < a->arbiter->n_lines; i++) {
		const struct back *other = &tracker->back[i];

		if (i == a->line || (tracker->lines_back >> i & 1) == 0 ||
		    other->high != back->high || other->n < min || !other->was_on_top ||
		    seq_diff(other->first, back->next) > 0 ||
		    seq_diff(back->first, other->next) > 0 ||
		    (!tracker_line_leads(tracker, i) && !tracker_line_leads(tracker, a->line)))
			continue;
		if (far || RTE_MAX(other->pause_ns, back->pause_ns) >= RESTART_PAUSE_NS)
			return true;
	}
	return false;
}

/* Whether the line announced a reset to where it went back, and goes on there. */
static bool back_is_announced(const struct arrival *a, const struct back *back, uint64_t *first)
{
	for (unsigned int i = 0; i < RESETS_MAX; i++) {
		const struct reset *reset = &a->channel->resets[i];
		const uint64_t at = tracker_widen(a->tracker, reset->first, a->channel->shift);

		if ((reset->lines >> a->line & 1) != 0 && back->n >= RESTART_RUN_MIN &&
		    back->first - at <= a->arbiter->jump_max) {
			*first = reset->first;
			return true;
		}
	}
	return false;
}

bool restart_repeated(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	const uint64_t position = tracker->fast.lines[a->line].position;
	const bool far = seq_diff(position, a->first) > (int64_t)a->arbiter->window;
	struct back *back;
	uint64_t first;

	if (tracker != channel_current(a->channel) || (tracker->lines_seen >> a->line & 1) == 0 ||
	    seq_diff(a->end, position) > 0)
		return false;
	back = back_of(a, a->line);
	if (back->n == 0 || back->next != a->first) {
		back->first = a->first;
		back->n = 0;
	}
	back->next = a->end;
	back->n++;
	tracker->lines_back |= (uint8_t)(1u << a->line);
	if (others_go_on(a, back->since_ns))
		return false;
	first = back->first;
	if (back_together(a, back, far)) {
		/* The other line may have gone back further. */
		for (unsigned int i = 0; i < a->arbiter->n_lines; i++)
			if ((tracker->lines_back >> i & 1) != 0 && tracker->back[i].n > 0 &&
			    back->first - tracker->back[i].first <= a->arbiter->jump_max)
				first = seq_min(first, tracker->back[i].first);
	} else if (!(back->n_heartbeats > 0 && back->heartbeat == back->first) &&
		   !back_is_announced(a, back, &first) &&
		   !(tracker_line_leads(tracker, a->line) &&
		     (far ? back->n >= RESTART_RUN_MIN
			  : back->n >= RESTART_RUN_ALONE &&
				      back->pause_ns >= RESTART_SILENCE_NS))) {
		return false;
	}
	(void)restart(a, first);
	return true;
}

bool restart_heartbeat(struct arrival *a)
{
	struct tracker *tracker = a->tracker;
	const struct fg_arbiter_track_line *state = &tracker->fast.lines[a->line];
	struct back *back;
	bool other = false;

	if (tracker != channel_current(a->channel) || (tracker->lines_seen >> a->line & 1) == 0 ||
	    seq_diff(a->first, state->position) >= 0)
		return false;
	back = back_of(a, a->line);
	if (back->n_heartbeats > 0 && back->heartbeat == a->first) {
		back->n_heartbeats++;
	} else if (!overdue(a->now_ns, fg_counter_read(&state->last_ns), HEARTBEAT_PAUSE_NS) &&
		   line_pause_ns(tracker, a->line, a->pkt) < HEARTBEAT_PAUSE_NS) {
		return false;
	} else {
		back->heartbeat = a->first;
		back->n_heartbeats = 1;
	}
	tracker->lines_back |= (uint8_t)(1u << a->line);
	for (unsigned int i = 0; i < a->arbiter->n_lines; i++)
		other |= i != a->line && (tracker->lines_back >> i & 1) != 0 &&
			 tracker->back[i].n_heartbeats > 0 &&
			 tracker->back[i].heartbeat == a->first &&
			 tracker->back[i].high == back->high;
	if ((back->n_heartbeats < RESTART_HEARTBEATS && !other) || others_go_on(a, back->since_ns))
		return false;
	(void)restart(a, a->first);
	return true;
}

void restart_clear(struct arrival *a)
{
	a->tracker->lines_back &= (uint8_t) ~(1u << a->line);
}

/* Whether the current tracker stems from this very reset, which another line announced before. */
static bool reset_is_repeat(struct arrival *a)
{
	const struct tracker *current = channel_current(a->channel);
	const bool same =
		tracker_widen(current, a->pkt->first, a->channel->shift) == current->reset_first;

	if (current->reset_lines == 0 || !same)
		return false;
	if (tracker_high(current) == current->reset_first)
		return true;
	return (current->reset_lines & 1u << a->line) == 0 &&
	       !overdue(a->now_ns, current->reset_ns, a->arbiter->gap_timeout_ns);
}

static void announced_set_lines(struct channel *channel)
{
	channel->lines_resetting = 0;
	for (unsigned int i = 0; i < RESETS_MAX; i++)
		channel->lines_resetting |= channel->resets[i].lines;
}

/* An announced reset is confirmed. */
static void announced_confirm(struct arrival *a, const struct reset *announced)
{
	const struct reset reset = *announced;
	struct tracker *opened = restart(a, reset.first);

	memset(a->channel->resets, 0, sizeof(a->channel->resets));
	announced_set_lines(a->channel);
	opened->reset_lines = reset.lines;
	opened->reset_first = reset.first;
	opened->reset_ns = reset.since_ns;
	for (unsigned int i = 0; i < FG_ARBITER_LINES_MAX; i++) {
		if ((reset.lines >> i & 1) == 0)
			continue;
		opened->lines_seen |= (uint8_t)(1u << i);
		opened->fast.lines[i].next = opened->fast.lines[i].position = reset.first;
	}
}

/* Whether @p number is the one to which the channel is to reset. */
static bool announced_is(const struct arrival *a, const struct reset *reset, uint64_t number)
{
	return reset->lines != 0 && (number - reset->first) << a->channel->shift == 0;
}

/* The channel's first packet: its tracker is the one to which it resets. */
static bool announced_opened(struct arrival *a, struct tracker *current)
{
	if (tracker_widen(current, a->pkt->first, a->channel->shift) != current->start)
		return false;
	a->first = a->end = current->start;
	current->reset_lines = (uint8_t)(1u << a->line);
	current->reset_first = current->start;
	current->reset_ns = a->now_ns;
	tracker_line_move(a, a->first, a->end);
	channel_add(a->arbiter, a->channel, FG_ARBITER_CHANNEL_resets, 1);
	report_now(a->arbiter, a->channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_RESET,
					     .line = a->line,
					     .time_ns = a->now_ns,
					     .first = current->start,
					     .last = current->start - 1});
	return true;
}

void restart_announce(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *current = channel_current(channel);
	struct reset *oldest = NULL;
	const uint8_t bit = (uint8_t)(1u << a->line);

	a->tracker = current;
	if (current->lines_seen == 0 && tracker_high(current) == current->start &&
	    announced_opened(a, current))
		return;
	if (reset_is_repeat(a)) {
		a->first = a->end = current->reset_first;
		current->reset_lines |= bit;
		tracker_line_move(a, a->first, a->end);
		return;
	}
	for (unsigned int i = 0; i < RESETS_MAX; i++) {
		struct reset *reset = &channel->resets[i];

		if (announced_is(a, reset, a->pkt->first)) {
			const bool other = (reset->lines & ~bit) != 0;

			reset->lines |= bit;
			announced_set_lines(channel);
			if (other)
				announced_confirm(a, reset);
			return;
		}
		if (oldest == NULL || (reset->lines == 0 && oldest->lines != 0) ||
		    (reset->lines != 0 && oldest->lines != 0 &&
		     (int64_t)(reset->since_ns - oldest->since_ns) < 0))
			oldest = reset;
	}
	if (oldest->lines != 0)
		channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_resets_unconfirmed, 1);
	*oldest = (struct reset){.first = a->pkt->first, .since_ns = a->now_ns, .lines = bit};
	announced_set_lines(channel);
	tick_schedule(a->arbiter, channel, time_after(a->now_ns, UNCONFIRMED_NS));
}

void restart_check_announced(struct arrival *a)
{
	struct channel *channel = a->channel;
	const struct tracker *current = channel_current(channel);
	const uint64_t first = tracker_widen(current, a->pkt->first, channel->shift);
	const bool seen = (current->lines_seen >> a->line & 1) != 0;
	const int64_t ahead = seq_diff(first, current->fast.lines[a->line].position);

	for (unsigned int i = 0; i < RESETS_MAX; i++) {
		struct reset *reset = &channel->resets[i];

		if ((reset->lines >> a->line & 1) == 0)
			continue;
		/* A reset to where the line is, or to a little above, cannot be distinguished from
		 * none. */
		if (!seen || ahead < 0 || ahead > (int64_t)a->arbiter->jump_max) {
			if (!announced_is(a, reset, a->pkt->first))
				continue;
			announced_confirm(a, reset);
			return;
		}
		reset->lines &= (uint8_t) ~(1u << a->line);
		if (reset->lines == 0)
			channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_resets_unconfirmed, 1);
	}
	announced_set_lines(channel);
}
