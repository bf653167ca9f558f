/* SPDX-License-Identifier: MIT */
/* The table of sequence spaces, and the tracks they stand on. */
#include "lines.h"

static uint32_t *space_bucket(struct fg_lines *lines, uint64_t channel, uint64_t session0,
			      uint64_t session1)
{
	uint64_t hash = channel * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ hash >> 32 ^ session0) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ hash >> 29 ^ session1) * UINT64_C(0x94d049bb133111eb);
	return &lines->buckets[(hash >> 32) & lines->bucket_mask];
}

struct space *space_find(struct fg_lines *lines, const struct fg_feed_packet *pkt)
{
	uint32_t i = *space_bucket(lines, pkt->channel, session_word(pkt, 0), session_word(pkt, 1));

	while (i != SPACE_NONE && !space_is(&lines->spaces[i], pkt))
		i = lines->spaces[i].chain;
	return i == SPACE_NONE ? NULL : &lines->spaces[i];
}

/* An empty track, @p line's. @return NULL if none is left. */
struct track *track_get(struct fg_lines *lines, uint64_t at, unsigned int line)
{
	struct track *track = lines->free_tracks;

	if (track == NULL)
		return NULL;
	lines->free_tracks = track->next_free;
	lines->n_free_tracks--;
	track_start(lines, track, at);
	track->first_line = (uint8_t)line;
	return track;
}

/* The same, but never one that a new space may need. */
struct track *track_get_spare(struct fg_lines *lines, uint64_t at, unsigned int line)
{
	if (lines->n_free_tracks <= lines->max_spaces - lines->n_spaces)
		return NULL;
	return track_get(lines, at, line);
}

void track_retire(struct fg_lines *lines, struct space *space, struct track *track, uint64_t now_ns)
{
	hold_release_all(lines, space, track, now_ns);
	track_lose(lines, space, track, track->high, now_ns);
	place_refuse(lines, space, track, now_ns);
	track->next_free = lines->free_tracks;
	lines->free_tracks = track;
	lines->n_free_tracks++;
	if (space->side == track)
		space->side = NULL;
}

void space_give_up(struct fg_lines *lines, struct space *space, uint64_t now_ns)
{
	struct track *const tracks[] = {space->side, space->main};

	for (unsigned int i = 0; i < RTE_DIM(tracks); i++) {
		if (tracks[i] == NULL)
			continue;
		hold_release_all(lines, space, tracks[i], now_ns);
		track_lose(lines, space, tracks[i], tracks[i]->high, now_ns);
		tracks[i]->next = tracks[i]->high;
	}
	track_settle(lines, space);
}

static bool is_current(const struct space *space)
{
	return atomic_load_explicit(&space->current, memory_order_relaxed) != 0;
}

/* The space that was quiet for longest, and is not its channel's current one. */
static struct space *space_oldest(struct fg_lines *lines)
{
	struct space *oldest = NULL;

	for (uint32_t i = 0; i < lines->n_spaces; i++) {
		struct space *space = &lines->spaces[i];

		if (!is_current(space) &&
		    (oldest == NULL ||
		     fg_counter_read(&space->last_ns) < fg_counter_read(&oldest->last_ns)))
			oldest = space;
	}
	return oldest;
}

static void space_evict(struct fg_lines *lines, struct space *space, uint64_t now_ns)
{
	const uint32_t index = (uint32_t)(space - lines->spaces);
	uint32_t *at = space_bucket(lines, space->channel, space->session[0], space->session[1]);

	if (space->side != NULL)
		track_retire(lines, space, space->side, now_ns);
	track_retire(lines, space, space->main, now_ns);
	while (*at != index)
		at = &lines->spaces[*at].chain;
	*at = space->chain;
	if (lines->last == space)
		lines->last = NULL;
	fg_counter_add(&lines->totals[FG_LINES_SPACE_spaces_evicted], 1);
}

/* The channel's current space; NULL if it has none. */
static struct space *space_current(struct fg_lines *lines, uint64_t channel)
{
	for (uint32_t i = 0; i < lines->n_spaces; i++) {
		struct space *space = &lines->spaces[i];

		if (is_current(space) && space->channel == channel)
			return space;
	}
	return NULL;
}

/* Key and counters of a new space. Partner: the reader in lines_report.c. */
static void space_name(struct space *space, const struct fg_feed_packet *pkt, bool current)
{
	const uint32_t version = space->version;

	atomic_store_explicit(&space->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&space->channel, pkt->channel, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(space->session); i++)
		atomic_store_explicit(&space->session[i], session_word(pkt, i),
				      memory_order_relaxed);
	atomic_store_explicit(&space->current, current, memory_order_relaxed);
	for (unsigned int i = 0; i < FG_LINES_SPACE_COUNT; i++)
		fg_counter_set(&space->counters[i], 0);
	fg_counter_set(&space->next, pkt->first);
	atomic_store_explicit(&space->version, version + 2, memory_order_release);
}

/* A place in the table, and a free track for it. @return NULL if all are current. */
static struct space *space_place(struct fg_lines *lines, uint64_t now_ns)
{
	struct space *space;

	if (lines->n_spaces < lines->max_spaces)
		return &lines->spaces[lines->n_spaces++];
	space = space_oldest(lines);
	if (space != NULL)
		space_evict(lines, space, now_ns);
	return space;
}

/* A new space for a packet's channel and session. @return NULL if there is no room. */
struct space *space_open(struct fg_lines *lines, const struct fg_feed_packet *pkt, uint64_t now_ns)
{
	struct space *space = space_place(lines, now_ns);
	uint32_t *bucket;

	if (space == NULL) {
		fg_counter_add(&lines->totals[FG_LINES_SPACE_spaces_full], 1);
		return NULL;
	}
	bucket = space_bucket(lines, pkt->channel, session_word(pkt, 0), session_word(pkt, 1));
	space->chain = *bucket;
	*bucket = (uint32_t)(space - lines->spaces);
	space->shift = pkt->sequence_bits == 32 ? 32 : 0;
	space->strays = 0;
	space->ended = false;
	space->side = NULL;
	space->main = track_get(lines, pkt->first, 0);
	space->main->run = ++lines->runs;
	space->main->touched_ns = now_ns;
	space_name(space, pkt, space_current(lines, pkt->channel) == NULL);
	return space;
}

/* The space is believed: from here on it is its channel's. */
void space_take_over(struct fg_lines *lines, struct space *space, unsigned int line,
		     uint64_t now_ns)
{
	struct space *was;

	if (is_current(space))
		return;
	was = space_current(lines, space->channel);
	if (was != NULL) {
		/* Its stragglers are still arbitrated, but nothing waits for them. */
		atomic_store_explicit(&was->current, 0, memory_order_relaxed);
		if (was->side != NULL)
			hold_release_all(lines, was, was->side, now_ns);
		hold_release_all(lines, was, was->main, now_ns);
		track_settle(lines, was);
	}
	atomic_store_explicit(&space->current, 1, memory_order_relaxed);
	space_add(lines, space, FG_LINES_SPACE_session_changes, 1);
	report(lines, space, FG_LINES_SESSION, line, now_ns, space->main->floor, space->main->floor,
	       0);
}

void space_tick(struct fg_lines *lines, struct space *space, uint64_t now_ns)
{
	struct track *side = space->side;

	hold_tick(lines, space, space->main, now_ns);
	track_tick(lines, space, space->main, now_ns);
	if (side != NULL) {
		hold_tick(lines, space, side, now_ns);
		track_tick(lines, space, side, now_ns);
		/* Nobody went on from there: forget it. */
		if (!side->confirmed && overdue(now_ns, side->touched_ns, lines->lost_ns))
			track_retire(lines, space, side, now_ns);
		else if (!side->confirmed)
			due_at(lines, side->touched_ns + lines->lost_ns);
	}
	track_settle(lines, space);
}
