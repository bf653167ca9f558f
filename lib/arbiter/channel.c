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
	if (arbiter->n_free_trackers <= arbiter->max_channels - arbiter->n_channels)
		return NULL;
	return tracker_alloc(arbiter, at, line);
}

void tracker_free(struct fg_arbiter *arbiter, struct channel *channel, struct tracker *tracker,
		  uint64_t now_ns)
{
	hold_release_all(arbiter, channel, tracker, now_ns);
	tracker_abandon_gaps(arbiter, channel, tracker, tracker->high, now_ns);
	tracker_reject(arbiter, channel, tracker, now_ns);
	tracker->next_free = arbiter->free_trackers;
	arbiter->free_trackers = tracker;
	arbiter->n_free_trackers++;
	if (channel->candidate == tracker)
		channel->candidate = NULL;
}

void channel_set_fast_path(struct fg_arbiter *arbiter, struct channel *channel)
{
	struct tracker *current = channel->current;
	const struct tracker *candidate = channel->candidate;
	const bool in_order =
		!arbiter->hold || (current->held == NULL && current->deliver_next == current->high);
	const bool alone = candidate == NULL || candidate->confirmed || candidate->rejected;

	current->fast_path_end = (current->n_gaps > 0 ? current->gaps[0].first + arbiter->window
						      : current->high + DIFF_MAX);
	/* From the candidate's start on, packets are the candidate's. */
	if (candidate != NULL && candidate->epoch == current->epoch &&
	    seq_diff(candidate->start, current->start) > 0)
		current->fast_path_end = seq_min(current->fast_path_end, candidate->start);
	current->fast_path_lines =
		current->confirmed && in_order && alone ? current->lines_seen : 0;
	if (channel->candidate != NULL)
		channel->candidate->fast_path_lines = 0;
	fg_counter_set(&channel->next, current->high);
}

static void flush_tracker(struct fg_arbiter *arbiter, struct channel *channel,
			  struct tracker *tracker, uint64_t now_ns)
{
	hold_release_all(arbiter, channel, tracker, now_ns);
	tracker_abandon_gaps(arbiter, channel, tracker, tracker->high, now_ns);
	tracker->deliver_next = tracker->high;
}

void channel_flush(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	if (channel->candidate != NULL)
		flush_tracker(arbiter, channel, channel->candidate, now_ns);
	flush_tracker(arbiter, channel, channel->current, now_ns);
	channel_set_fast_path(arbiter, channel);
}

static bool is_current_session(const struct channel *channel)
{
	return atomic_load_explicit(&channel->current_session, memory_order_relaxed) != 0;
}

/* Of the channels that are not the current session of their id, the one idle for longest. */
static struct channel *channel_longest_idle(struct fg_arbiter *arbiter)
{
	struct channel *oldest = NULL;

	for (uint32_t i = 0; i < arbiter->n_channels; i++) {
		struct channel *channel = &arbiter->channels[i];

		if (!is_current_session(channel) &&
		    (oldest == NULL ||
		     fg_counter_read(&channel->last_ns) < fg_counter_read(&oldest->last_ns)))
			oldest = channel;
	}
	return oldest;
}

static void channel_evict(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	const uint32_t index = (uint32_t)(channel - arbiter->channels);
	uint32_t *at =
		channel_bucket(arbiter, channel->id, channel->session[0], channel->session[1]);

	if (channel->candidate != NULL)
		tracker_free(arbiter, channel, channel->candidate, now_ns);
	tracker_free(arbiter, channel, channel->current, now_ns);
	while (*at != index)
		at = &arbiter->channels[*at].chain;
	*at = channel->chain;
	if (arbiter->last == channel)
		arbiter->last = NULL;
	fg_counter_add(&arbiter->totals[FG_ARBITER_CHANNEL_channels_evicted], 1);
}

/* The current session of a channel id; NULL if it has none. */
static struct channel *channel_of_current_session(struct fg_arbiter *arbiter, uint64_t id)
{
	for (uint32_t i = 0; i < arbiter->n_channels; i++) {
		struct channel *channel = &arbiter->channels[i];

		if (is_current_session(channel) && channel->id == id)
			return channel;
	}
	return NULL;
}

/* Set the key of a new channel, and clear its counters. Partner: fg_arbiter_channels(). */
static void channel_set_key(struct channel *channel, const struct fg_feed_packet *pkt, bool current)
{
	const uint32_t version = channel->version;

	atomic_store_explicit(&channel->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&channel->id, pkt->channel, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(channel->session); i++)
		atomic_store_explicit(&channel->session[i], session_word(pkt, i),
				      memory_order_relaxed);
	atomic_store_explicit(&channel->current_session, current, memory_order_relaxed);
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		fg_counter_set(&channel->counters[i], 0);
	fg_counter_set(&channel->next, pkt->first);
	atomic_store_explicit(&channel->version, version + 2, memory_order_release);
}

/* An entry of the table, and a free tracker for it. @return NULL if all are current sessions. */
static struct channel *channel_slot(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	struct channel *channel;

	if (arbiter->n_channels < arbiter->max_channels)
		return &arbiter->channels[arbiter->n_channels++];
	channel = channel_longest_idle(arbiter);
	if (channel != NULL)
		channel_evict(arbiter, channel, now_ns);
	return channel;
}

struct channel *channel_open(struct fg_arbiter *arbiter, const struct fg_feed_packet *pkt,
			     uint64_t now_ns)
{
	struct channel *channel = channel_slot(arbiter, now_ns);
	uint32_t *bucket;

	if (channel == NULL) {
		fg_counter_add(&arbiter->totals[FG_ARBITER_CHANNEL_channels_full], 1);
		return NULL;
	}
	bucket = channel_bucket(arbiter, pkt->channel, session_word(pkt, 0), session_word(pkt, 1));
	channel->chain = *bucket;
	*bucket = (uint32_t)(channel - arbiter->channels);
	channel->shift = pkt->sequence_bits == 32 ? 32 : 0;
	channel->candidate_streak = 0;
	channel->ended = false;
	channel->candidate = NULL;
	channel->current = tracker_alloc(arbiter, pkt->first, 0);
	channel->current->epoch = ++arbiter->last_epoch;
	channel->current->last_packet_ns = now_ns;
	channel_set_key(channel, pkt, channel_of_current_session(arbiter, pkt->channel) == NULL);
	return channel;
}

void channel_take_over(struct fg_arbiter *arbiter, struct channel *channel, unsigned int line,
		       uint64_t now_ns)
{
	struct channel *replaced;

	if (is_current_session(channel))
		return;
	replaced = channel_of_current_session(arbiter, channel->id);
	if (replaced != NULL) {
		/* Late packets of it are still arbitrated, but no packet waits for them. */
		atomic_store_explicit(&replaced->current_session, 0, memory_order_relaxed);
		if (replaced->candidate != NULL)
			hold_release_all(arbiter, replaced, replaced->candidate, now_ns);
		hold_release_all(arbiter, replaced, replaced->current, now_ns);
		channel_set_fast_path(arbiter, replaced);
	}
	atomic_store_explicit(&channel->current_session, 1, memory_order_relaxed);
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_session_changes, 1);
	report_now(arbiter, channel,
		   (struct fg_arbiter_event){.kind = FG_ARBITER_SESSION,
					     .line = (uint8_t)line,
					     .time_ns = now_ns,
					     .first = channel->current->lowest,
					     .last = channel->current->lowest});
}

void channel_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	struct tracker *candidate = channel->candidate;

	hold_tick(arbiter, channel, channel->current, now_ns);
	tracker_tick(arbiter, channel, channel->current, now_ns);
	if (candidate != NULL) {
		hold_tick(arbiter, channel, candidate, now_ns);
		tracker_tick(arbiter, channel, candidate, now_ns);
		/* No packet continued it. */
		if (!candidate->confirmed &&
		    overdue(now_ns, candidate->last_packet_ns, arbiter->gap_timeout_ns))
			tracker_free(arbiter, channel, candidate, now_ns);
		else if (!candidate->confirmed)
			tick_schedule(arbiter, candidate->last_packet_ns + arbiter->gap_timeout_ns);
	}
	channel_set_fast_path(arbiter, channel);
}
