/* SPDX-License-Identifier: MIT */
/* What control gets to see: events, and counters. */
#include "lines.h"

static void event_put(struct fg_lines *lines, const struct fg_lines_event *event)
{
	const uint32_t head = atomic_load_explicit(&lines->event_head, memory_order_relaxed);
	/* Partner: the release in fg_lines_events(), which has copied what it frees. */
	const uint32_t tail = atomic_load_explicit(&lines->event_tail, memory_order_acquire);

	if (head - tail > lines->event_mask) {
		fg_counter_add(&lines->events_lost, 1);
		return;
	}
	lines->events[head & lines->event_mask] = *event;
	atomic_store_explicit(&lines->event_head, head + 1, memory_order_release);
}

/* @p space is NULL where it is about a line. */
void report(struct fg_lines *lines, const struct space *space, enum fg_lines_event_kind kind,
	    unsigned int line, uint64_t now_ns, uint64_t first, uint64_t last, uint64_t n)
{
	const struct gap gap = {.first = first, .opened_ns = now_ns};

	report_gap(lines, space, kind, line, now_ns, &gap, last + 1, n);
}

void report_gap(struct fg_lines *lines, const struct space *space, enum fg_lines_event_kind kind,
		unsigned int line, uint64_t now_ns, const struct gap *gap, uint64_t end, uint64_t n)
{
	const uint64_t mask = space != NULL ? UINT64_MAX >> space->shift : UINT64_MAX;
	struct fg_lines_event event = {
		.time_ns = now_ns,
		.since_ns = gap->opened_ns,
		.first = gap->first & mask,
		.last = (end - 1) & mask,
		.n = n,
		.kind = (uint8_t)kind,
		.line = (uint8_t)line,
	};

	if (space != NULL) {
		event.channel = atomic_load_explicit(&space->channel, memory_order_relaxed);
		for (unsigned int i = 0; i < RTE_DIM(space->session); i++) {
			const uint64_t word =
				atomic_load_explicit(&space->session[i], memory_order_relaxed);

			memcpy(event.session + sizeof(word) * i, &word, sizeof(word));
		}
	}
	event_put(lines, &event);
}

unsigned int fg_lines_events(struct fg_lines *lines, struct fg_lines_event *out, unsigned int max)
{
	const uint32_t head = atomic_load_explicit(&lines->event_head, memory_order_acquire);
	uint32_t tail = atomic_load_explicit(&lines->event_tail, memory_order_relaxed);
	unsigned int n = 0;

	while (tail != head && n < max)
		out[n++] = lines->events[tail++ & lines->event_mask];
	atomic_store_explicit(&lines->event_tail, tail, memory_order_release);
	return n;
}

uint64_t fg_lines_events_lost(const struct fg_lines *lines)
{
	return fg_counter_read(&lines->events_lost);
}

void fg_lines_line(const struct fg_lines *lines, unsigned int line, struct fg_lines_line *out)
{
	const struct line *from = &lines->lines[line];

	for (unsigned int i = 0; i < FG_LINES_LINE_COUNT; i++)
		out->counters[i] = fg_counter_read(&from->counters[i]);
	for (unsigned int i = 0; i < FG_LINES_LEADS; i++)
		out->leads[i] = fg_counter_read(&from->leads[i]);
}

void fg_lines_totals(const struct fg_lines *lines, uint64_t *out)
{
	for (unsigned int i = 0; i < FG_LINES_SPACE_COUNT; i++)
		out[i] = fg_counter_read(&lines->totals[i]);
}

static void space_read(const struct space *space, struct fg_lines_space *out)
{
	out->channel = atomic_load_explicit(&space->channel, memory_order_relaxed);
	for (unsigned int i = 0; i < RTE_DIM(space->session); i++) {
		const uint64_t word =
			atomic_load_explicit(&space->session[i], memory_order_relaxed);

		memcpy(out->session + sizeof(word) * i, &word, sizeof(word));
	}
	out->next = fg_counter_read(&space->next) &
		    UINT64_MAX >> atomic_load_explicit(&space->shift, memory_order_relaxed);
	out->last_ns = fg_counter_read(&space->last_ns);
	out->current = atomic_load_explicit(&space->current, memory_order_relaxed) != 0;
	for (unsigned int i = 0; i < FG_LINES_SPACE_COUNT; i++)
		out->counters[i] = fg_counter_read(&space->counters[i]);
}

unsigned int fg_lines_spaces(const struct fg_lines *lines, struct fg_lines_space *out,
			     unsigned int max)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < lines->max_spaces && n < max; i++) {
		const struct space *space = &lines->spaces[i];
		uint32_t before, after;

		do {
			before = atomic_load_explicit(&space->version, memory_order_acquire);
			space_read(space, &out[n]);
			/* Partner: the release fence in space_name(). */
			atomic_thread_fence(memory_order_acquire);
			after = atomic_load_explicit(&space->version, memory_order_relaxed);
		} while (before != after || (before & 1) != 0);
		if (before != 0)
			n++;
	}
	return n;
}

#define X(name, help) #name,
static const char *const line_names[] = {FG_LINES_LINE_COUNTERS(X)};
static const char *const space_names[] = {FG_LINES_SPACE_COUNTERS(X)};
#undef X
#define X(name, help) help,
static const char *const line_helps[] = {FG_LINES_LINE_COUNTERS(X)};
static const char *const space_helps[] = {FG_LINES_SPACE_COUNTERS(X)};
#undef X

const char *fg_lines_line_counter_name(enum fg_lines_line_counter counter)
{
	return line_names[counter];
}

const char *fg_lines_line_counter_help(enum fg_lines_line_counter counter)
{
	return line_helps[counter];
}

const char *fg_lines_space_counter_name(enum fg_lines_space_counter counter)
{
	return space_names[counter];
}

const char *fg_lines_space_counter_help(enum fg_lines_space_counter counter)
{
	return space_helps[counter];
}

const char *fg_lines_event_name(enum fg_lines_event_kind kind)
{
	static const char *const names[] = {
		[FG_LINES_GAP_OPENED] = "gap opened",
		[FG_LINES_GAP_CLOSED_OTHER] = "gap closed by another line",
		[FG_LINES_GAP_CLOSED_LATE] = "gap closed late",
		[FG_LINES_GAP_LOST] = "gap lost",
		[FG_LINES_SESSION] = "session changed",
		[FG_LINES_END] = "session ended",
		[FG_LINES_RESET] = "new beginning",
		[FG_LINES_JUMPED] = "jumped",
		[FG_LINES_JUMP_REFUSED] = "jump refused",
		[FG_LINES_SILENT] = "line silent",
		[FG_LINES_HEARD] = "line back",
	};

	return names[kind];
}
