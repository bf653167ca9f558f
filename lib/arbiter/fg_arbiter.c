/* SPDX-License-Identifier: MIT */
/* Packets that the fast path does not take, timeouts, and what takes packets out. Hot. */
#include <fg_arbiter.h>

#include "arbiter.h"
#include "channel.h"
#include "claim.h"
#include "report.h"
#include "select.h"
#include "silence.h"
#include "tracker.h"

static void tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	const bool set_back = now_ns < arbiter->last_tick_ns - CLOCK_SLACK_NS;

	if (arbiter->began_ns == 0)
		arbiter->began_ns = now_ns;
	arbiter->last_tick_ns = now_ns;
	arbiter->head.due_ns = UINT64_MAX;
	for (uint32_t i = 0; i < arbiter->max_channels; i++) {
		struct channel *channel = &arbiter->channels[i];
		uint64_t *due_ns = &arbiter->channel_due_ns[i];

		/* Each packet that is held may have a time of its own: most channels have nothing
		 * to do then. */
		if (likely(*due_ns > now_ns && !set_back)) {
			arbiter->head.due_ns = RTE_MIN(arbiter->head.due_ns, *due_ns);
			continue;
		}
		*due_ns = UINT64_MAX;
		if (!channel_is_used(channel))
			continue;
		claim_tick(arbiter, channel, now_ns, false);
		channel_tick(arbiter, channel, now_ns);
		if (channel_is_used(channel))
			silence_tick(arbiter, channel, now_ns);
		if (channel_is_used(channel))
			channel_set_fast_path(arbiter, channel);
	}
	silence_tick_feed(arbiter, now_ns);
}

bool fg_arbiter_tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	if (unlikely(now_ns >= arbiter->head.due_ns ||
		     now_ns < arbiter->last_tick_ns - CLOCK_SLACK_NS))
		tick(arbiter, now_ns);
	return arbiter->ready != NULL;
}

void fg_arbiter_flush(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	for (uint32_t i = 0; i < arbiter->max_channels; i++) {
		if (!channel_is_used(&arbiter->channels[i]))
			continue;
		claim_tick(arbiter, &arbiter->channels[i], now_ns, true);
		channel_flush(arbiter, &arbiter->channels[i], now_ns);
	}
}

unsigned int fg_arbiter_take(struct fg_arbiter *arbiter, struct fg_arbiter_taken *out,
			     unsigned int max)
{
	unsigned int n = 0;

	while (arbiter->ready != NULL && n < max) {
		struct held *entry = arbiter->ready;

		arbiter->ready = entry->next;
		out[n].packet = entry->packet;
		out[n++].result = entry->result;
		entry->next = arbiter->free_held;
		arbiter->free_held = entry;
	}
	if (arbiter->ready == NULL) {
		arbiter->ready_end = &arbiter->ready;
		arbiter->head.n_fast_lines = arbiter->n_lines;
	}
	return n;
}

void fg_arbiter_line_uneven(struct fg_arbiter *arbiter, struct fg_arbiter_track *track,
			    unsigned int line, uint64_t first, uint64_t end, bool duplicate)
{
	struct fg_arbiter_track_line *state = &track->lines[line];
	const int64_t skipped = seq_diff(first, state->next);

	if (skipped > 0)
		line_add(arbiter, line, FG_ARBITER_LINE_skipped, (uint64_t)skipped);
	else if (duplicate && seq_diff(end, state->next) <= 0)
		line_add(arbiter, line, FG_ARBITER_LINE_repeated, 1);
	state->next = seq_max(state->next, end);
}

/* The channel of a packet, added if it is new. NULL: the packet has none, or there is no room. */
static struct channel *channel_lookup(struct fg_arbiter *arbiter, uint64_t now_ns,
				      const struct fg_feed_packet *pkt)
{
	struct channel *channel;

	if (pkt->kind >= FG_FEED_UNSEQUENCED ||
	    (pkt->kind == FG_FEED_DATA && pkt->count > arbiter->jump_max))
		return NULL;
	channel = channel_find(arbiter, pkt);
	if (channel == NULL && pkt->kind != FG_FEED_RETRANSMISSION)
		channel = channel_open(arbiter, pkt, now_ns);
	if (channel != NULL)
		channel_select(arbiter, channel);
	return channel;
}

/* Since when nothing came in the channel: by the clock or, in a replay, by the packets' times. */
static uint64_t channel_pause_ns(const struct arrival *a)
{
	const struct tracker *current = channel_current(a->channel);
	const uint64_t last_ns = channel_last_ns(a->channel);
	const uint64_t pause_ns = a->now_ns > last_ns ? a->now_ns - last_ns : 0;
	uint64_t arrived_ns = UINT64_MAX;

	for (unsigned int i = 0; i < a->arbiter->n_lines; i++)
		if ((current->lines_seen >> i & 1) != 0)
			arrived_ns = RTE_MIN(arrived_ns, line_pause_ns(current, i, a->pkt));
	return arrived_ns == UINT64_MAX ? pause_ns : RTE_MAX(pause_ns, arrived_ns);
}

/* The packet is its channel's: whatever it brings, its line is alive. */
static void arrival_begin(struct arrival *a)
{
	struct channel *channel = a->channel;
	a->pause_ns = channel_pause_ns(a);
	tracker_sync(a->arbiter, channel_current(channel));
	silence_end(a);
	if (a->pkt->kind == FG_FEED_DATA && a->pkt->count > 0 && channel->ended) {
		channel->ended = false;
		tick_schedule(a->arbiter, channel, time_after(a->now_ns, a->arbiter->silence_ns));
	}
}

static void arrival_end_times(const struct arrival *a)
{
	struct tracker *current = channel_current(a->channel);

	fg_counter_set(&a->channel->last_ns, a->now_ns);
	fg_counter_set(&current->fast.lines[a->line].last_ns, a->now_ns);
	current->fast.lines[a->line].arrived =
		(uint32_t)(a->pkt->arrival_ns >> FG_ARBITER_ARRIVED_SHIFT);
}

/* Changes of the current session, and resets. */
static uint64_t epochs_of(const struct fg_arbiter *arbiter)
{
	return arbiter->n_sessions + fg_counter_read(&arbiter->totals[FG_ARBITER_CHANNEL_resets]);
}

void fg_arbiter_arbitrate_slow(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns,
			       const struct fg_feed_packet *pkt, void *packet,
			       struct fg_arbiter_result *result)
{
	struct arrival arrival = {.arbiter = arbiter,
				  .pkt = pkt,
				  .packet = packet,
				  .result = result,
				  .now_ns = now_ns};
	const uint64_t epochs = epochs_of(arbiter);
	const bool alive = pkt->kind != FG_FEED_RETRANSMISSION;

	if (line >= arbiter->n_lines)
		line = 0;
	arrival.line = (uint8_t)line;
	*result = (struct fg_arbiter_result){.line = (uint8_t)line};
	(void)fg_arbiter_tick(arbiter, now_ns);
	arbiter->packet_ns = arbiter->latest_packet_ns = pkt->arrival_ns;
	if (alive && unlikely(arbiter->lines_silent != 0))
		silence_end_feed(arbiter, line, now_ns);
	arrival.channel = arbiter->last;
	if (arrival.channel == NULL || !channel_is(arrival.channel, pkt) ||
	    pkt->kind >= FG_FEED_UNSEQUENCED)
		arrival.channel = channel_lookup(arbiter, now_ns, pkt);
	if (arrival.channel == NULL && alive)
		fg_counter_set(&arbiter->lines[line].counters[FG_ARBITER_LINE_last_ns], now_ns);
	/* The fast path cannot queue this packet after those that are ready. */
	if (arrival.channel == NULL || arbiter->ready != NULL ||
	    !fg_arbiter_track_arbitrate(arbiter, &channel_current(arrival.channel)->fast, line,
					now_ns, pkt, result)) {
		if (arrival.channel != NULL && alive)
			arrival_begin(&arrival);
		else if (arrival.channel != NULL)
			tracker_sync(arbiter, channel_current(arrival.channel));
		arrival_arbitrate(&arrival);
		if (alive && arrival.n_first > 0 && arrival.channel->confirmed &&
		    unlikely(!channel_is_current_session(arrival.channel)))
			channel_go_on(&arrival);
		if (arrival.channel != NULL && alive)
			arrival_end_times(&arrival);
	}
	arbiter->packet_ns = 0;
	if (arbiter->ready != NULL)
		result->flags |= FG_ARBITER_READY;
	if (epochs_of(arbiter) != epochs)
		result->flags |= FG_ARBITER_EPOCH;
}
