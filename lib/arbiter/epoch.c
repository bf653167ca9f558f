/* SPDX-License-Identifier: MIT */
/* Sequence jumps and resets: a channel changes its tracker. Hot. */
#include "epoch.h"

#include "channel.h"
#include "hold.h"
#include "report.h"
#include "tracker.h"

static uint64_t tracker_last_ns(const struct tracker *tracker, unsigned int n_lines)
{
	uint64_t last_ns = tracker->last_packet_ns;

	for (unsigned int i = 0; i < n_lines; i++)
		last_ns = RTE_MAX(last_ns, fg_counter_read(&tracker->fast.lines[i].last_ns));
	return last_ns;
}

/*
 * Open a tracker, which becomes the current one, and the current one the candidate. What was the
 * candidate is dropped, or the current one if only the candidate is in use. @return the candidate;
 * NULL where there was no tracker left for it.
 */
static struct tracker *epoch_open(struct arrival *a, uint64_t first, unsigned int line)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct channel *channel = a->channel;
	struct tracker *former = channel_current(channel), *opened, *dropped = channel->candidate;
	uint64_t last_ns[FG_ARBITER_LINES_MAX] = {0};

	if (dropped != NULL && tracker_last_ns(dropped, arbiter->n_lines) >
				       tracker_last_ns(former, arbiter->n_lines)) {
		channel->candidate = former;
		former = dropped;
		dropped = channel->candidate;
	}
	for (unsigned int i = 0; i < arbiter->n_lines; i++)
		last_ns[i] = fg_counter_read(&channel_current(channel)->fast.lines[i].last_ns);
	if (dropped != NULL)
		tracker_free(arbiter, channel, dropped, a->now_ns);
	opened = tracker_alloc_spare(arbiter, first, line);
	if (opened == NULL) {
		tracker_free(arbiter, channel, former, a->now_ns);
		opened = tracker_alloc(arbiter, first, line);
		former = NULL;
	}
	for (unsigned int i = 0; i < arbiter->n_lines; i++)
		fg_counter_set(&opened->fast.lines[i].last_ns, last_ns[i]);
	opened->last_packet_ns = a->now_ns;
	opened->confirmed = true;
	channel->candidate = former;
	channel->candidate_streak = 0;
	channel_set_current(arbiter, channel, opened);
	return former;
}

struct tracker *epoch_reset(struct arrival *a, uint64_t first)
{
	struct channel *channel = a->channel;
	const uint64_t high = tracker_high(channel_current(channel));
	struct tracker *former = epoch_open(a, first, a->line);
	struct tracker *opened = channel_current(channel);

	opened->epoch = ++a->arbiter->last_epoch;
	channel->ended = false;
	if (former != NULL)
		hold_release_all(a->arbiter, channel, former, a->now_ns);
	channel_confirm(a);
	channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_resets, 1);
	report_now(a->arbiter, channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_RESET,
					     .line = a->line,
					     .time_ns = a->now_ns,
					     .first = first,
					     .last = high - 1});
	if (former != NULL)
		tracker_reject(a->arbiter, channel, former, a->now_ns);
	return opened;
}

struct tracker *epoch_jump(struct arrival *a, uint64_t first, unsigned int line)
{
	struct channel *channel = a->channel;
	const struct tracker *current = channel_current(channel);
	const uint64_t high = tracker_high(current);
	const bool was_confirmed = current->confirmed;
	const int64_t skipped = seq_diff(first, high);
	const uint32_t epoch = current->epoch;
	struct tracker *former = epoch_open(a, first, line);
	struct tracker *opened = channel_current(channel);

	opened->epoch = epoch;
	channel_confirm(a);
	channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_jumps_accepted, 1);
	if (skipped > 0 && was_confirmed)
		channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_jumped_over, (uint64_t)skipped);
	report_now(a->arbiter, channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_JUMP_ACCEPTED,
					     .line = a->line,
					     .time_ns = a->now_ns,
					     .first = first,
					     .last = high - 1,
					     .n = skipped > 0 ? (uint64_t)skipped : 0});
	if (former != NULL)
		tracker_reject(a->arbiter, channel, former, a->now_ns);
	return opened;
}

void epoch_follow(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct tracker *current = channel_current(channel);

	a->tracker->last_packet_ns = a->now_ns;
	if (a->tracker == current) {
		channel->candidate_streak = 0;
		return;
	}
	if (channel->candidate_streak == 0 || channel->streak_high != tracker_high(current)) {
		channel->candidate_streak = 0;
		channel->streak_high = tracker_high(current);
	}
	if (++channel->candidate_streak < CANDIDATE_STREAK_MAX || !a->tracker->confirmed)
		return;
	channel->candidate = current;
	channel->candidate_streak = 0;
	channel_set_current(a->arbiter, channel, a->tracker);
}
