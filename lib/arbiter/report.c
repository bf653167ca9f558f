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

void report(struct fg_arbiter *arbiter, const struct channel *channel,
	    const struct fg_arbiter_event *event)
{
	struct fg_arbiter_event out = *event;

	if (channel != NULL) {
		out.first &= UINT64_MAX >> channel->shift;
		out.last &= UINT64_MAX >> channel->shift;
		out.channel = atomic_load_explicit(&channel->id, memory_order_relaxed);
		session_read(channel, out.session);
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

	for (unsigned int i = 0; i < FG_ARBITER_LINE_COUNT; i++)
		out->counters[i] = fg_counter_read(&from->counters[i]);
	for (unsigned int i = 0; i < FG_ARBITER_LEADS; i++)
		out->leads[i] = fg_counter_read(&from->leads[i]);
}

void fg_arbiter_totals(const struct fg_arbiter *arbiter, uint64_t *out)
{
	for (unsigned int i = 0; i < FG_ARBITER_CHANNEL_COUNT; i++)
		out[i] = fg_counter_read(&arbiter->totals[i]);
}

static void channel_read(const struct channel *channel, struct fg_arbiter_channel *out)
{
	out->channel = atomic_load_explicit(&channel->id, memory_order_relaxed);
	session_read(channel, out->session);
	out->next = fg_counter_read(&channel->next) &
		    UINT64_MAX >> atomic_load_explicit(&channel->shift, memory_order_relaxed);
	out->last_ns = fg_counter_read(&channel->last_ns);
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

		do {
			before = atomic_load_explicit(&channel->version, memory_order_acquire);
			channel_read(channel, &out[n]);
			/* Partner: the release fence in channel_set_key(). */
			atomic_thread_fence(memory_order_acquire);
			after = atomic_load_explicit(&channel->version, memory_order_relaxed);
		} while (before != after || (before & 1) != 0);
		if (before != 0)
			n++;
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
