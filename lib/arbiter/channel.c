/* SPDX-License-Identifier: MIT */
/* The table of channels, and the pool of trackers. Hot. */
#include "channel.h"

#include "hold.h"
#include "report.h"
#include "tracker.h"

static uint32_t *channel_bucket(struct fg_arbiter *arbiter, uint64_t channel, uint64_t session0,
				uint64_t session1)
{
	uint64_t hash = channel * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ hash >> 32 ^ session0) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ hash >> 29 ^ session1) * UINT64_C(0x94d049bb133111eb);
	return &arbiter->buckets[(hash >> 32) & arbiter->bucket_mask];
}

struct channel *channel_find(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt)
{
	uint32_t i =
		*channel_bucket(arbiter, pkt->channel, session_word(pkt, 0), session_word(pkt, 1));

	while (i != CHANNEL_NONE && !channel_is(&arbiter->channels[i], pkt))
		i = arbiter->channels[i].chain;
	return i == CHANNEL_NONE ? NULL : &arbiter->channels[i];
}

struct tracker *tracker_alloc(struct fg_arbiter *arbiter, uint64_t at, unsigned int line)
{
	struct tracker *tracker = arbiter->free_trackers;

	if (tracker == NULL)
		return NULL;
	arbiter->free_trackers = tracker->next_free;
	arbiter->n_free_trackers--;
	tracker_start(arbiter, tracker, at);
	tracker->opening_line = (uint8_t)line;
	return tracker;
}

struct tracker *tracker_alloc_spare(struct fg_arbiter *arbiter, uint64_t at, unsigned int line)
{
	if (arbiter->n_free_trackers <= arbiter->max_channels - arbiter->n_used)
		return NULL;
	return tracker_alloc(arbiter, at, line);
}

void claim_report_rejected(struct fg_arbiter *arbiter, struct channel *channel,
			   const struct claim *claim, uint64_t now_ns)
{
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_jumps_rejected, 1);
	report_now(arbiter, channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_JUMP_REJECTED,
					     .line = claim->line,
					     .time_ns = now_ns,
					     .first = claim->first,
					     .last = claim->end - 1,
					     .n = claim->end - claim->first});
}

void claim_free(struct fg_arbiter *arbiter, struct channel *channel, struct claim *claim)
{
	if (claim->held != NULL)
		hold_release_claim(arbiter, channel, claim, FG_ARBITER_JUMP);
	claim_close(channel, claim, false);
	channel->claims_used &= ~claim_bit(channel, claim);
	claim->state = CLAIM_NONE;
}

void tracker_free(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns)
{
	tracker_sync(arbiter, tracker);
	hold_release_all(arbiter, channel, tracker, now_ns);
	tracker_abandon_gaps(arbiter, channel, tracker, tracker_high(tracker), now_ns);
	tracker_reject(arbiter, channel, tracker, now_ns);
	for (uint32_t left = channel->claims_used; left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (claim->tracker == tracker)
			claim_free(arbiter, channel, claim);
	}
	tracker->fast.fast_path_lines = 0;
	tracker->next_free = arbiter->free_trackers;
	arbiter->free_trackers = tracker;
	arbiter->n_free_trackers++;
	if (channel->candidate == tracker)
		channel->candidate = NULL;
}

void channel_select(struct fg_arbiter *arbiter, struct channel *channel)
{
	arbiter->last = channel;
	arbiter->head.tracker = channel != NULL ? &channel_current(channel)->fast : &arbiter->none;
}

void channel_set_current(struct fg_arbiter *arbiter, struct channel *channel,
			 struct tracker *tracker)
{
	struct fg_arbiter_track *fast = &tracker->fast;

	fast->channel = atomic_load_explicit(&channel->id, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(fast->session); i++)
		fast->session[i] = atomic_load_explicit(&channel->session[i], memory_order_relaxed);
	fast->shift = channel->shift;
	fast->jump_max = (uint32_t)arbiter->jump_max;
	fast->window_log2 = (uint8_t)__builtin_ctzll(arbiter->window);
	atomic_store_explicit(&channel->current, tracker, memory_order_relaxed);
	if (arbiter->last == channel)
		arbiter->head.tracker = fast;
}

/*
 * How far the lowest open claim at @high or above is above it, in the low 32 bits of numbers;
 * INT32_MAX: there is none.
 */
static int32_t lowest_claim_above(const struct channel *channel, uint32_t high)
{
	/* Four at a time. */
	int32_t lowest
		__attribute__((vector_size(16))) = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
	uint32_t bits __attribute__((vector_size(16))) = {1, 2, 4, 8};
	int32_t least = INT32_MAX;

	for (unsigned int i = 0; channel->claims_open != 0 && i < CLAIMS_MAX; i += 4) {
		uint32_t firsts __attribute__((vector_size(16)));
		int32_t above __attribute__((vector_size(16)));
		int32_t lower __attribute__((vector_size(16)));

		memcpy(&firsts, &channel->claim_firsts[i], sizeof(firsts));
		firsts -= high;
		memcpy(&above, &firsts, sizeof(above));
		lower = (channel->claims_open & bits) != 0; /* all ones in each such lane */
		lower &= above >= 0;
		lower &= above < lowest;
		lowest = (above & lower) | (lowest & ~lower);
		bits <<= 4;
	}
	for (unsigned int i = 0; i < 4; i++)
		least = RTE_MIN(least, lowest[i]);
	return least;
}

/* The fast path ends below the numbers of claims, and where the window would lose track of a gap.
 */
static uint64_t fast_path_end(const struct fg_arbiter *arbiter, const struct channel *channel,
			      const struct tracker *current)
{
	const struct tracker *candidate = channel->candidate;
	const uint64_t high = tracker_high(current);
	const int32_t lowest = lowest_claim_above(channel, (uint32_t)high);
	uint64_t end = current->n_gaps > 0 ? current->gaps[0].abandoned_to + arbiter->window
					   : high + DIFF_MAX;

	/* From the candidate's start on, packets are the candidate's. */
	if (candidate != NULL && candidate->epoch == current->epoch &&
	    seq_diff(candidate->start, current->start) > 0)
		end = seq_min(end, candidate->start);
	if (lowest != INT32_MAX)
		end = seq_min(end, high + (uint64_t)lowest - 1);
	return end;
}

void channel_set_fast_path(struct fg_arbiter *arbiter, struct channel *channel)
{
	struct tracker *current = channel_current(channel);
	const bool in_order = !arbiter->hold || (current->oldest == NULL &&
						 current->deliver_next == tracker_high(current));

	current->fast.fast_path_end = fast_path_end(arbiter, channel, current);
	current->fast.fast_path_lines = 0;
	if (current->confirmed && in_order && !channel->ended &&
	    channel_is_current_session(channel))
		current->fast.fast_path_lines =
			current->lines_seen &
			(uint8_t) ~(channel->silent | channel->lines_claiming |
				    channel->lines_resetting | current->lines_back);
	if (channel->candidate != NULL)
		channel->candidate->fast.fast_path_lines = 0;
}

static void flush_tracker(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t now_ns)
{
	tracker_sync(arbiter, tracker);
	hold_release_all(arbiter, channel, tracker, now_ns);
	tracker_abandon_gaps(arbiter, channel, tracker, tracker_high(tracker), now_ns);
	tracker->deliver_next = tracker_high(tracker);
}

void channel_flush(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	if (channel->candidate != NULL)
		flush_tracker(arbiter, channel, channel->candidate, now_ns);
	flush_tracker(arbiter, channel, channel_current(channel), now_ns);
	report_tick(arbiter, channel, now_ns, true);
	channel_set_fast_path(arbiter, channel);
}

void channel_end_silence(struct fg_arbiter *arbiter, struct channel *channel)
{
	for (unsigned int i = 0; i < arbiter->n_lines; i++) {
		if ((channel->silent >> i & 1) == 0)
			continue;
		arbiter->n_silent[i]--;
		fg_counter_set(&arbiter->lines[i].counters[FG_ARBITER_LINE_silent],
			       arbiter->n_silent[i] > 0);
	}
	channel->silent = 0;
}

/* The channel to replace: the oldest of which one packet came, else of those that are not the
 * current session of their id the one that has been idle for longest. NULL: there is none. */
static struct channel *channel_replaceable(struct fg_arbiter *arbiter)
{
	struct channel *longest = arbiter->oldest;

	for (uint32_t i = 0; arbiter->oldest == NULL && i < arbiter->max_channels; i++) {
		struct channel *channel = &arbiter->channels[i];

		if (!channel_is_current_session(channel) &&
		    (longest == NULL || channel_last_ns(channel) < channel_last_ns(longest)))
			longest = channel;
	}
	return longest;
}

/* Into the list of unconfirmed channels, by age. */
static void unconfirmed_add(struct fg_arbiter *arbiter, struct channel *channel)
{
	channel->older = arbiter->youngest;
	channel->younger = NULL;
	if (arbiter->youngest != NULL)
		arbiter->youngest->younger = channel;
	else
		arbiter->oldest = channel;
	arbiter->youngest = channel;
}

static void unconfirmed_remove(struct fg_arbiter *arbiter, struct channel *channel)
{
	if (channel->older != NULL)
		channel->older->younger = channel->younger;
	else
		arbiter->oldest = channel->younger;
	if (channel->younger != NULL)
		channel->younger->older = channel->older;
	else
		arbiter->youngest = channel->older;
}

/* Control must not read the channel from here to channel_write_end(). */
static void channel_write_begin(struct channel *channel)
{
	atomic_store_explicit(&channel->version, channel->version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void channel_write_end(struct channel *channel)
{
	atomic_store_explicit(&channel->version, channel->version + 1, memory_order_release);
}

/* Take a channel out of the table. */
static void channel_close(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns,
			  enum fg_arbiter_channel_counter counter)
{
	const uint32_t index = (uint32_t)(channel - arbiter->channels);
	uint32_t *at =
		channel_bucket(arbiter, channel->id, channel->session[0], channel->session[1]);
	struct tracker *current = channel_current(channel);

	/* A channel of which one packet came is no jump. */
	current->rejected = true;
	if (!channel->confirmed)
		unconfirmed_remove(arbiter, channel);
	channel_end_silence(arbiter, channel);
	if (channel->candidate != NULL)
		tracker_free(arbiter, channel, channel->candidate, now_ns);
	tracker_free(arbiter, channel, current, now_ns);
	for (uint32_t left = channel->claims_used; left != 0;)
		claim_free(arbiter, channel, claim_take(channel, &left));
	report_tick(arbiter, channel, now_ns, true);
	while (*at != index)
		at = &arbiter->channels[*at].chain;
	*at = channel->chain;
	channel->chain = arbiter->free_channel;
	arbiter->free_channel = index;
	if (arbiter->last == channel)
		channel_select(arbiter, NULL);
	channel_write_begin(channel);
	atomic_store_explicit(&channel->used, false, memory_order_relaxed);
	channel_write_end(channel);
	arbiter->n_used--;
	fg_counter_add(&arbiter->totals[counter], 1);
}

/* The current session of a channel id; NULL if it has none. */
static struct channel *channel_of_current_session(struct fg_arbiter *arbiter, uint64_t id)
{
	for (uint32_t i = 0; i < arbiter->max_channels; i++) {
		struct channel *channel = &arbiter->channels[i];

		if (channel_is_used(channel) && channel_is_current_session(channel) &&
		    channel->id == id)
			return channel;
	}
	return NULL;
}

/* Set the key of a new channel, and clear its counters. Partner: fg_arbiter_channels(). */
static void channel_set_key(struct channel *channel, const struct fg_feed_packet *pkt)
{
	channel_write_begin(channel);
	atomic_store_explicit(&channel->id, pkt->channel, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(channel->session); i++)
		atomic_store_explicit(&channel->session[i], session_word(pkt, i),
				      memory_order_relaxed);
	atomic_store_explicit(&channel->shift, pkt->sequence_bits == 32 ? 32 : 0,
			      memory_order_relaxed);
	atomic_store_explicit(&channel->current_session, 0, memory_order_relaxed);
	atomic_store_explicit(&channel->used, true, memory_order_relaxed);
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		fg_counter_set(&channel->counters[i], 0);
	channel_write_end(channel);
}

/* A free entry of the table, and a free tracker for it. @return NULL if there is none. */
static struct channel *channel_slot(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	struct channel *channel;

	if (arbiter->free_channel == CHANNEL_NONE) {
		channel = channel_replaceable(arbiter);
		if (channel == NULL)
			return NULL;
		channel_close(arbiter, channel, now_ns, FG_ARBITER_CHANNEL_channels_evicted);
	}
	channel = &arbiter->channels[arbiter->free_channel];
	arbiter->free_channel = channel->chain;
	return channel;
}

struct channel *channel_open(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt,
			     uint64_t now_ns)
{
	struct channel *channel = channel_slot(arbiter, now_ns);
	struct tracker *tracker;
	uint32_t *bucket;

	if (channel == NULL) {
		fg_counter_add(&arbiter->totals[FG_ARBITER_CHANNEL_channels_full], 1);
		return NULL;
	}
	arbiter->n_used++;
	bucket = channel_bucket(arbiter, pkt->channel, session_word(pkt, 0), session_word(pkt, 1));
	channel->chain = *bucket;
	*bucket = (uint32_t)(channel - arbiter->channels);
	channel_set_key(channel, pkt);
	unconfirmed_add(arbiter, channel);
	channel->confirmed = false;
	channel->opened_ns = now_ns;
	fg_counter_set(&channel->last_ns, now_ns);
	channel->candidate_streak = channel->session_streak = 0;
	channel->ended = false;
	channel->candidate = NULL;
	channel->claims_used = channel->claims_open = channel->claims_held = 0;
	memset(channel->claims_of, 0, sizeof(channel->claims_of));
	channel->lines_claiming = channel->next_claim = 0;
	memset(channel->resets, 0, sizeof(channel->resets));
	memset(channel->last_claim, CLAIMS_MAX, sizeof(channel->last_claim));
	for (unsigned int i = 0; i < FG_ARBITER_EVENT_KINDS; i++)
		channel->merges[i].n = channel->merges[i].merged = 0;
	channel->lines_resetting = 0;
	tracker = tracker_alloc(arbiter, pkt->first, 0);
	tracker->epoch = ++arbiter->last_epoch;
	tracker->last_packet_ns = now_ns;
	channel_set_current(arbiter, channel, tracker);
	tick_schedule(arbiter, channel, time_after(now_ns, UNCONFIRMED_NS));
	return channel;
}

/* Nothing confirmed the claim in time. */
static void claim_expire(struct fg_arbiter *arbiter, struct channel *channel,
			 const struct claim *claim, uint64_t now_ns)
{
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_claims_forgotten, 1);
	if (claim->tracker == NULL && !claim->rejected)
		claim_report_rejected(arbiter, channel, claim, now_ns);
}

static void channel_take_over(struct arrival *a)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct channel *channel = a->channel;
	struct channel *replaced = channel_of_current_session(arbiter, channel->id);
	const uint64_t lowest = channel_current(channel)->lowest;

	if (replaced != NULL) {
		/* It may go on beside this one: its packets are arbitrated and held as before. */
		atomic_store_explicit(&replaced->current_session, 0, memory_order_relaxed);
		tracker_sync(arbiter, channel_current(replaced));
		channel_end_silence(arbiter, replaced);
		channel_set_fast_path(arbiter, replaced);
	}
	atomic_store_explicit(&channel->current_session, 1, memory_order_relaxed);
	arbiter->n_sessions += replaced != NULL || arbiter->n_sessions == 0;
	channel->session_streak = 0;
	if (replaced == NULL)
		return;
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_session_changes, 1);
	report_now(arbiter, channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_SESSION,
					     .line = a->line,
					     .time_ns = a->now_ns,
					     .first = lowest,
					     .last = lowest});
}

void channel_confirm(struct arrival *a)
{
	channel_current(a->channel)->confirmed = true;
	if (!a->channel->confirmed)
		unconfirmed_remove(a->arbiter, a->channel);
	a->channel->confirmed = true;
	if (!channel_is_current_session(a->channel))
		channel_take_over(a);
	tick_schedule(a->arbiter, a->channel,
		      time_after(a->channel->opened_ns, a->arbiter->silence_ns));
}

void channel_go_on(struct arrival *a)
{
	struct channel *channel = a->channel;
	const struct channel *other = channel_of_current_session(a->arbiter, channel->id);
	const uint64_t high = other != NULL ? tracker_high(channel_current(other)) : 0;

	if (channel->session_streak == 0 || channel->session_high != high) {
		channel->session_streak = 0;
		channel->session_high = high;
	}
	if (++channel->session_streak < CANDIDATE_STREAK_MAX)
		return;
	channel_take_over(a);
	channel_set_fast_path(a->arbiter, channel);
	tick_schedule(a->arbiter, channel, time_after(a->now_ns, a->arbiter->silence_ns));
}

/* Forget claims and announced resets that nothing confirmed. */
static void channel_forget(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	for (uint32_t left = channel->claims_used; left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (!overdue(now_ns, claim->since_ns, UNCONFIRMED_NS)) {
			tick_schedule(arbiter, channel,
				      time_after(claim->since_ns, UNCONFIRMED_NS));
			continue;
		}
		if (claim->state == CLAIM_OPEN)
			claim_expire(arbiter, channel, claim, now_ns);
		claim_free(arbiter, channel, claim);
	}
	channel->lines_resetting = 0;
	for (unsigned int i = 0; i < RESETS_MAX; i++) {
		struct reset *reset = &channel->resets[i];

		if (reset->lines != 0 && overdue(now_ns, reset->since_ns, UNCONFIRMED_NS)) {
			reset->lines = 0;
			channel_add(arbiter, channel, FG_ARBITER_CHANNEL_resets_unconfirmed, 1);
		}
		channel->lines_resetting |= reset->lines;
		if (reset->lines != 0)
			tick_schedule(arbiter, channel,
				      time_after(reset->since_ns, UNCONFIRMED_NS));
	}
}

void channel_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	struct tracker *current = channel_current(channel), *candidate = channel->candidate;

	if (!channel->confirmed) {
		const uint64_t last_ns = fg_counter_read(&channel->last_ns);

		if (overdue(now_ns, last_ns, UNCONFIRMED_NS)) {
			channel_close(arbiter, channel, now_ns,
				      FG_ARBITER_CHANNEL_channels_forgotten);
			return;
		}
		tick_schedule(arbiter, channel, time_after(last_ns, UNCONFIRMED_NS));
	}
	tracker_sync(arbiter, current);
	hold_tick(arbiter, channel, current, now_ns);
	tracker_tick(arbiter, channel, current, now_ns);
	if (candidate != NULL) {
		hold_tick(arbiter, channel, candidate, now_ns);
		tracker_tick(arbiter, channel, candidate, now_ns);
	}
	/* A gap given up may have had numbers of claims that passed. */
	if (arbiter->hold) {
		hold_release_due(arbiter, channel, current);
		if (candidate != NULL)
			hold_release_due(arbiter, channel, candidate);
	}
	channel_forget(arbiter, channel, now_ns);
	report_tick(arbiter, channel, now_ns, false);
	channel_set_fast_path(arbiter, channel);
}
