/* SPDX-License-Identifier: MIT */
/* The table of sequence channels, and the trackers they stand on. */
#include "arbiter.h"

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

/* An empty tracker, @p line's. @return NULL if none is left. */
struct tracker *tracker_get(struct fg_arbiter *arbiter, uint64_t at, unsigned int line)
{
	struct tracker *tracker = arbiter->free_trackers;

	if (tracker == NULL)
		return NULL;
	arbiter->free_trackers = tracker->next_free;
	arbiter->n_free_trackers--;
	tracker_start(arbiter, tracker, at);
	tracker->first_line = (uint8_t)line;
	return tracker;
}

/* The same, but never one that a new channel may need. */
struct tracker *tracker_get_spare(struct fg_arbiter *arbiter, uint64_t at, unsigned int line)
{
	if (arbiter->n_free_trackers <= arbiter->max_channels - arbiter->n_channels)
		return NULL;
	return tracker_get(arbiter, at, line);
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

void channel_abandon_gaps(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	struct tracker *const trackers[] = {channel->candidate, channel->current};

	for (unsigned int i = 0; i < RTE_DIM(trackers); i++) {
		if (trackers[i] == NULL)
			continue;
		hold_release_all(arbiter, channel, trackers[i], now_ns);
		tracker_abandon_gaps(arbiter, channel, trackers[i], trackers[i]->high, now_ns);
		trackers[i]->next = trackers[i]->high;
	}
	tracker_settle(arbiter, channel);
}

static bool is_current(const struct channel *channel)
{
	return atomic_load_explicit(&channel->is_current, memory_order_relaxed) != 0;
}

/* The channel that was quiet for longest, and is not its channel's current one. */
static struct channel *channel_oldest(struct fg_arbiter *arbiter)
{
	struct channel *oldest = NULL;

	for (uint32_t i = 0; i < arbiter->n_channels; i++) {
		struct channel *channel = &arbiter->channels[i];

		if (!is_current(channel) &&
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

/* The current session of channel @id; NULL if it has none. */
static struct channel *channel_current(struct fg_arbiter *arbiter, uint64_t id)
{
	for (uint32_t i = 0; i < arbiter->n_channels; i++) {
		struct channel *channel = &arbiter->channels[i];

		if (is_current(channel) && channel->id == id)
			return channel;
	}
	return NULL;
}

/* Key and counters of a new channel. Partner: the reader in report.c. */
static void channel_name(struct channel *channel, const struct fg_feed_packet *pkt, bool current)
{
	const uint32_t version = channel->version;

	atomic_store_explicit(&channel->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&channel->id, pkt->channel, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(channel->session); i++)
		atomic_store_explicit(&channel->session[i], session_word(pkt, i),
				      memory_order_relaxed);
	atomic_store_explicit(&channel->is_current, current, memory_order_relaxed);
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		fg_counter_set(&channel->counters[i], 0);
	fg_counter_set(&channel->next, pkt->first);
	atomic_store_explicit(&channel->version, version + 2, memory_order_release);
}

/* A place in the table, and a free tracker for it. @return NULL if all are current. */
static struct channel *channel_slot(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	struct channel *channel;

	if (arbiter->n_channels < arbiter->max_channels)
		return &arbiter->channels[arbiter->n_channels++];
	channel = channel_oldest(arbiter);
	if (channel != NULL)
		channel_evict(arbiter, channel, now_ns);
	return channel;
}

/* A new channel for a packet's channel and session. @return NULL if there is no room. */
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
	channel->strays = 0;
	channel->ended = false;
	channel->candidate = NULL;
	channel->current = tracker_get(arbiter, pkt->first, 0);
	channel->current->epoch = ++arbiter->epochs;
	channel->current->touched_ns = now_ns;
	channel_name(channel, pkt, channel_current(arbiter, pkt->channel) == NULL);
	return channel;
}

/* The channel is believed: from here on it is its channel's. */
void channel_take_over(struct fg_arbiter *arbiter, struct channel *channel, unsigned int line,
		       uint64_t now_ns)
{
	struct channel *was;

	if (is_current(channel))
		return;
	was = channel_current(arbiter, channel->id);
	if (was != NULL) {
		/* Its stragglers are still arbitrated, but nothing waits for them. */
		atomic_store_explicit(&was->is_current, 0, memory_order_relaxed);
		if (was->candidate != NULL)
			hold_release_all(arbiter, was, was->candidate, now_ns);
		hold_release_all(arbiter, was, was->current, now_ns);
		tracker_settle(arbiter, was);
	}
	atomic_store_explicit(&channel->is_current, 1, memory_order_relaxed);
	channel_add(arbiter, channel, FG_ARBITER_CHANNEL_session_changes, 1);
	report(arbiter, channel, FG_ARBITER_SESSION, line, now_ns, channel->current->floor,
	       channel->current->floor, 0);
}

void channel_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	struct tracker *candidate = channel->candidate;

	hold_tick(arbiter, channel, channel->current, now_ns);
	tracker_tick(arbiter, channel, channel->current, now_ns);
	if (candidate != NULL) {
		hold_tick(arbiter, channel, candidate, now_ns);
		tracker_tick(arbiter, channel, candidate, now_ns);
		/* Nobody went on from there: forget it. */
		if (!candidate->confirmed &&
		    overdue(now_ns, candidate->touched_ns, arbiter->gap_timeout_ns))
			tracker_free(arbiter, channel, candidate, now_ns);
		else if (!candidate->confirmed)
			due_at(arbiter, candidate->touched_ns + arbiter->gap_timeout_ns);
	}
	tracker_settle(arbiter, channel);
}
