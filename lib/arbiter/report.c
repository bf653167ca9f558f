/* SPDX-License-Identifier: MIT */
/* Events and counters, for control. */
#include "report.h"

static void event_put(struct fg_arbiter *arbiter, const struct fg_arbiter_event *event)
{
	const uint32_t head = atomic_load_explicit(&arbiter->event_head, memory_order_relaxed);
	/* Partner: the release in fg_arbiter_events(), which has copied what it frees. */
	const uint32_t tail = atomic_load_explicit(&arbiter->event_tail, memory_order_acquire);

	if (head - tail > arbiter->event_mask) {
		fg_counter_add(&arbiter->events_lost, 1);
		return;
	}
	arbiter->events[head & arbiter->event_mask] = *event;
	atomic_store_explicit(&arbiter->event_head, head + 1, memory_order_release);
}

static void session_read(const struct channel *channel, uint8_t session[FG_SESSION_BYTES])
{
	for (unsigned int i = 0; i < RTE_DIM(channel->session); i++) {
		const uint64_t word =
			atomic_load_explicit(&channel->session[i], memory_order_relaxed);

		memcpy(session + sizeof(word) * i, &word, sizeof(word));
	}
}

/* A second with events of this kind is over: report those that were merged. */
static void merge_end(struct fg_arbiter *arbiter, struct channel *channel, unsigned int kind)
{
	struct merge *merge = &channel->merges[kind];

	if (merge->merged > 0) {
		merge->event.merged = merge->merged;
		event_put(arbiter, &merge->event);
	}
	merge->n = merge->merged = 0;
	channel->merging &= ~(1u << kind);
}

/* Whether the event is one of too many of its kind, and so reported later. */
static bool event_merge(struct fg_arbiter *arbiter, struct channel *channel,
			const struct fg_arbiter_event *event)
{
	struct merge *merge = &channel->merges[event->kind];
	const struct fg_arbiter_event before = merge->event;

	/* A replay may take an hour's packets through within a second: theirs is the time. */
	const uint64_t packets_ns =
		arbiter->latest_packet_ns != 0 ? arbiter->latest_packet_ns : event->time_ns;

	if (merge->n == 0 || packets_ns - merge->second_ns >= SECOND_NS) {
		merge_end(arbiter, channel, event->kind);
		merge->second_ns = packets_ns;
		merge->since_ns = event->time_ns;
	}
	if (merge->n++ < EVENTS_PER_SECOND)
		return false;
	merge->event = *event;
	if (merge->merged++ == 0) {
		channel->merging |= 1u << event->kind;
		tick_schedule(arbiter, channel, time_after(merge->since_ns, SECOND_NS));
		return true;
	}
	merge->event.first = before.first;
	merge->event.since_ns = before.since_ns;
	merge->event.n += before.n;
	return true;
}

void report_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns, bool all)
{
	for (unsigned int kind = 0; channel->merging >> kind != 0; kind++) {
		const uint64_t since_ns = channel->merges[kind].since_ns;

		if ((channel->merging >> kind & 1) == 0)
			continue;
		if (all || now_ns - since_ns >= SECOND_NS)
			merge_end(arbiter, channel, kind);
		else
			tick_schedule(arbiter, channel, time_after(since_ns, SECOND_NS));
	}
}

void report(struct fg_arbiter *arbiter, struct channel *channel,
	    const struct fg_arbiter_event *event)
{
	struct fg_arbiter_event out = *event;

	out.packet_ns = arbiter->packet_ns;
	if (channel != NULL) {
		if (out.kind != FG_ARBITER_SILENT && out.kind != FG_ARBITER_BACK) {
			out.first &= UINT64_MAX >> channel->shift;
			out.last &= UINT64_MAX >> channel->shift;
		}
		out.channel = atomic_load_explicit(&channel->id, memory_order_relaxed);
		session_read(channel, out.session);
		if (event_merge(arbiter, channel, &out))
			return;
	}
	event_put(arbiter, &out);
}

unsigned int fg_arbiter_events(struct fg_arbiter *arbiter, struct fg_arbiter_event *out,
			       unsigned int max)
{
	const uint32_t head = atomic_load_explicit(&arbiter->event_head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&arbiter->event_tail, memory_order_relaxed);
	unsigned int n = 0;

	while (tail != head && n < max)
		out[n++] = arbiter->events[tail++ & arbiter->event_mask];
	atomic_store_explicit(&arbiter->event_tail, tail, memory_order_release);
	return n;
}

uint64_t fg_arbiter_events_lost(const struct fg_arbiter *arbiter)
{
	return fg_counter_read(&arbiter->events_lost);
}

void fg_arbiter_line(const struct fg_arbiter *arbiter, unsigned int line,
		     struct fg_arbiter_line *out)
{
	const struct line *from = &arbiter->lines[line];
	uint64_t *counters = out->counters;

	for (unsigned int i = 0; i < FG_ARBITER_LINE_COUNT; i++)
		counters[i] = fg_counter_read(&from->counters[i]);
	/* A tracker keeps its counters when another channel takes it. */
	for (uint32_t i = 0; i < arbiter->n_trackers; i++) {
		const struct fg_arbiter_track_line *state = &arbiter->trackers[i].fast.lines[line];
		const uint64_t last_ns = fg_counter_read(&state->last_ns);

		counters[FG_ARBITER_LINE_first_arrivals] += fg_counter_read(&state->first_arrivals);
		counters[FG_ARBITER_LINE_first_numbers] += fg_counter_read(&state->first_numbers);
		counters[FG_ARBITER_LINE_duplicates] += fg_counter_read(&state->duplicates);
		counters[FG_ARBITER_LINE_duplicate_numbers] +=
			fg_counter_read(&state->duplicate_numbers);
		counters[FG_ARBITER_LINE_last_ns] =
			RTE_MAX(counters[FG_ARBITER_LINE_last_ns], last_ns);
	}
	for (unsigned int i = 0; i < FG_ARBITER_LEADS; i++)
		out->leads[i] = fg_counter_read(&arbiter->leads[line][i]);
}

void fg_arbiter_totals(const struct fg_arbiter *arbiter, uint64_t *out)
{
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		out[i] = fg_counter_read(&arbiter->totals[i]);
}

uint64_t channel_last_ns(const struct channel *channel)
{
	const struct tracker *current = channel_current(channel);
	uint64_t last_ns = fg_counter_read(&channel->last_ns);

	for (unsigned int i = 0; current != NULL && i < FG_ARBITER_LINES_MAX; i++)
		last_ns = RTE_MAX(last_ns, fg_counter_read(&current->fast.lines[i].last_ns));
	return last_ns;
}

static void channel_read(const struct channel *channel, struct fg_arbiter_channel *out)
{
	const struct tracker *current = channel_current(channel);

	out->channel = atomic_load_explicit(&channel->id, memory_order_relaxed);
	session_read(channel, out->session);
	out->next = (current != NULL ? tracker_high(current) : 0) &
		    UINT64_MAX >> atomic_load_explicit(&channel->shift, memory_order_relaxed);
	out->last_ns = channel_last_ns(channel);
	out->current = atomic_load_explicit(&channel->current_session, memory_order_relaxed) != 0;
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		out->counters[i] = fg_counter_read(&channel->counters[i]);
}

unsigned int fg_arbiter_channels(const struct fg_arbiter *arbiter, struct fg_arbiter_channel *out,
				 unsigned int max)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < arbiter->max_channels && n < max; i++) {
		const struct channel *channel = &arbiter->channels[i];
		uint32_t before, after;
		bool used;

		do {
			before = atomic_load_explicit(&channel->version, memory_order_acquire);
			used = atomic_load_explicit(&channel->used, memory_order_relaxed);
			channel_read(channel, &out[n]);
			/* Partner: the release fence in channel_write_begin(). */
			atomic_thread_fence(memory_order_acquire);
			after = atomic_load_explicit(&channel->version, memory_order_relaxed);
		} while (before != after || (before & 1) != 0);
		n += used;
	}
	return n;
}

#define X(name, help) #name,
static const char *const line_names[] = {FG_ARBITER_LINE_COUNTERS(X)};
static const char *const channel_names[] = {FG_ARBITER_CHANNEL_COUNTERS(X)};
#undef X
#define X(name, help) help,
static const char *const line_helps[] = {FG_ARBITER_LINE_COUNTERS(X)};
static const char *const channel_helps[] = {FG_ARBITER_CHANNEL_COUNTERS(X)};
#undef X

const char *fg_arbiter_line_counter_name(enum fg_arbiter_line_counter counter)
{
	return line_names[counter];
}

const char *fg_arbiter_line_counter_help(enum fg_arbiter_line_counter counter)
{
	return line_helps[counter];
}

const char *fg_arbiter_channel_counter_name(enum fg_arbiter_channel_counter counter)
{
	return channel_names[counter];
}

const char *fg_arbiter_channel_counter_help(enum fg_arbiter_channel_counter counter)
{
	return channel_helps[counter];
}

const char *fg_arbiter_event_name(enum fg_arbiter_event_kind kind)
{
	static const char *const names[] = {
		[FG_ARBITER_GAP_OPENED] = "gap opened",
		[FG_ARBITER_GAP_CLOSED_OTHER] = "gap closed by another line",
		[FG_ARBITER_GAP_CLOSED_LATE] = "gap closed late",
		[FG_ARBITER_GAP_UNFILLED] = "gap unfilled",
		[FG_ARBITER_GAP_FILLED_LATE] = "gap filled late",
		[FG_ARBITER_SESSION] = "session changed",
		[FG_ARBITER_END] = "session ended",
		[FG_ARBITER_RESET] = "sequence reset",
		[FG_ARBITER_JUMP_ACCEPTED] = "jump accepted",
		[FG_ARBITER_JUMP_REJECTED] = "jump rejected",
		[FG_ARBITER_SILENT] = "line silent",
		[FG_ARBITER_BACK] = "line back",
	};

	return names[kind];
}
