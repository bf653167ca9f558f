/* SPDX-License-Identifier: MIT */
/* One place in a sequence space: which of the last numbers came, and which are missing. Hot. */
#include "lines.h"

void track_start(const struct fg_lines *lines, struct track *track, uint64_t at)
{
	track->high = track->run_from = track->next = track->start = track->floor = at;
	track->limit = at + FAR_AWAY;
	memset(track->bits, 0, lines->window / 8);
	/* No old entry may be taken for one of these numbers. */
	memset(track->wins, 0, sizeof(*track->wins) * WINS_MAX);
	track->wins_head = 0;
	track->easy = track->joined = track->reset_lines = 0;
	track->confirmed = track->refused = track->muted = false;
	track->held = NULL;
	track->n_gaps = 0;
	memset(track->line, 0, sizeof(track->line));
}

/* After anything out of the ordinary: what the common path may take for granted from here on. */
void track_settle(struct fg_lines *lines, struct space *space)
{
	struct track *main = space->main;
	const struct track *side = space->side;
	const bool in_order = !lines->hold || (main->held == NULL && main->next == main->high);
	const bool alone = side == NULL || side->confirmed || side->refused;

	main->limit =
		(main->n_gaps > 0 ? main->gaps[0].first + lines->window : main->high + FAR_AWAY);
	/* Where the side began, the side goes on. */
	if (side != NULL && side->run == main->run && ahead(side->start, main->start) > 0)
		main->limit = earlier(main->limit, side->start);
	main->easy = main->confirmed && in_order && alone ? main->joined : 0;
	if (space->side != NULL)
		space->side->easy = 0;
	fg_counter_set(&space->next, main->high);
}

static void bits_clear(uint64_t *bits, uint64_t mask, uint64_t from, uint64_t n)
{
	while (n > 0) {
		const uint64_t at = from & mask;
		const uint64_t lot = RTE_MIN(64 - (at & 63), n);

		bits[at >> 6] &= ~((UINT64_MAX >> (64 - lot)) << (at & 63));
		from += lot;
		n -= lot;
	}
}

/* The first number in [at, end) whose bit is @p set; else end. All of it lies in the window. */
static uint64_t bits_find(const uint64_t *bits, uint64_t mask, uint64_t at, uint64_t end, bool set)
{
	while (ahead(at, end) < 0) {
		const uint64_t bit = at & 63;
		const uint64_t word = bits[(at & mask) >> 6] ^ (set ? 0 : UINT64_MAX);

		if (word >> bit != 0)
			return earlier(at + (uint64_t)__builtin_ctzll(word >> bit), end);
		at += 64 - bit;
	}
	return end;
}

/* Numbers in [at, end) that did not come. All of it lies in the window. */
static uint64_t bits_unseen(const uint64_t *bits, uint64_t mask, uint64_t at, uint64_t end)
{
	uint64_t n = 0;

	while (ahead(at, end) < 0) {
		const uint64_t lot = RTE_MIN(64 - (at & 63), end - at);
		const uint64_t word = ~bits[(at & mask) >> 6] >> (at & 63);

		n += (uint64_t)__builtin_popcountll(word & (UINT64_MAX >> (64 - lot)));
		at += lot;
	}
	return n;
}

/* The first number in [at, end) that did not come; else end. What is too old counts as come. */
uint64_t track_next_unseen(const struct fg_lines *lines, const struct track *track, uint64_t at,
			   uint64_t end)
{
	const uint64_t known = earlier(end, track->high);

	at = later(at, track->high - lines->window);
	if (ahead(at, end) >= 0)
		return end;
	at = ahead(at, known) < 0 ? bits_find(track->bits, lines->mask, at, known, false) : at;
	return at;
}

/* The first number in [at, end) that came; else end. @p at is in the window. */
uint64_t track_next_seen(const struct fg_lines *lines, const struct track *track, uint64_t at,
			 uint64_t end)
{
	const uint64_t known = earlier(end, track->high);
	uint64_t found;

	if (ahead(at, known) >= 0)
		return end;
	found = bits_find(track->bits, lines->mask, at, known, true);
	return found == known ? end : found;
}

static void gap_remove(struct fg_lines *lines, struct space *space, struct track *track, uint32_t i)
{
	track->n_gaps--;
	memmove(&track->gaps[i], &track->gaps[i + 1], sizeof(track->gaps[0]) * (track->n_gaps - i));
	space_add(lines, space, FG_LINES_SPACE_gaps_open, UINT64_MAX);
}

/* The gap number @p i is lost up to @p to. */
static void gap_lose(struct fg_lines *lines, struct space *space, struct track *track, uint32_t i,
		     uint64_t to, uint64_t now_ns)
{
	struct gap *gap = &track->gaps[i];
	uint64_t n = gap->missing;

	if (ahead(to, gap->end) < 0)
		n = bits_unseen(track->bits, lines->mask, gap->first, to);
	else
		to = gap->end;
	if (n > 0) {
		space_add(lines, space, FG_LINES_SPACE_lost, n);
		space_add(lines, space, FG_LINES_SPACE_gaps_lost, 1);
		report_gap(lines, space, FG_LINES_GAP_LOST, gap->line, now_ns, gap, to, n);
	}
	gap->missing -= (uint32_t)n;
	gap->first = to;
	if (gap->missing == 0)
		gap_remove(lines, space, track, i);
}

void track_lose(struct fg_lines *lines, struct space *space, struct track *track, uint64_t to,
		uint64_t now_ns)
{
	while (track->n_gaps > 0 && ahead(track->gaps[0].first, to) < 0)
		gap_lose(lines, space, track, 0, to, now_ns);
}

void track_tick(struct fg_lines *lines, struct space *space, struct track *track, uint64_t now_ns)
{
	/* They were opened in this order. */
	while (track->n_gaps > 0 && overdue(now_ns, track->gaps[0].opened_ns, lines->lost_ns))
		gap_lose(lines, space, track, 0, track->gaps[0].end, now_ns);
	if (track->n_gaps > 0)
		due_at(lines, track->gaps[0].opened_ns + lines->lost_ns);
}

/* The end moves on to @p to; gaps that the window leaves behind are lost. Bits are the caller's. */
static void track_extend(struct arrival *a, uint64_t to)
{
	track_lose(a->lines, a->space, a->track, to - a->lines->window, a->now_ns);
	a->track->high = to;
}

void track_skip(struct arrival *a, uint64_t to)
{
	struct fg_lines *lines = a->lines;
	struct track *track = a->track;
	const uint64_t from = track->high;
	struct gap *gap;

	if (track->n_gaps == GAPS_MAX)
		gap_lose(lines, a->space, track, 0, track->gaps[0].end, a->now_ns);
	track_extend(a, to);
	/* A jump is at most half a window, so this is not longer than the window. */
	bits_clear(track->bits, lines->mask, from, to - from);
	track->run_from = to;
	gap = &track->gaps[track->n_gaps++];
	*gap = (struct gap){.first = from,
			    .end = to,
			    .opened_ns = a->now_ns,
			    .missing = (uint32_t)(to - from),
			    .line = a->line};
	space_add(lines, a->space, FG_LINES_SPACE_gaps_opened, 1);
	space_add(lines, a->space, FG_LINES_SPACE_gaps_open, 1);
	report_gap(lines, a->space, FG_LINES_GAP_OPENED, a->line, a->now_ns, gap, to, to - from);
	due_at(lines, a->now_ns + lines->lost_ns);
}

/* [at, end), which did not come, lies in this gap: it is closed when nothing is missing. @return
 * whether it is. */
static bool gap_fill(struct arrival *a, uint32_t i, uint64_t n)
{
	struct gap *gap = &a->track->gaps[i];
	const bool late = gap->line == a->line;

	gap->missing -= (uint32_t)n;
	if (gap->missing > 0)
		return false;
	space_add(a->lines, a->space,
		  late ? FG_LINES_SPACE_gaps_closed_late : FG_LINES_SPACE_gaps_closed_other, 1);
	report_gap(a->lines, a->space, late ? FG_LINES_GAP_CLOSED_LATE : FG_LINES_GAP_CLOSED_OTHER,
		   a->line, a->now_ns, gap, gap->end, gap->end - gap->first);
	gap_remove(a->lines, a->space, a->track, i);
	return true;
}

/* [at, end), none of which came, comes from behind. */
static void track_fill(struct arrival *a, uint64_t at, uint64_t end)
{
	struct track *track = a->track;
	uint64_t before = 0, rest = end - at;
	uint32_t i = 0;

	while (i < track->n_gaps) {
		const uint64_t from = later(at, track->gaps[i].first);
		const uint64_t to = earlier(end, track->gaps[i].end);

		if (ahead(from, to) < 0) {
			rest -= to - from;
			if (gap_fill(a, i, to - from))
				continue;
		}
		i++;
	}
	if (ahead(at, track->start) < 0)
		before = earlier(end, track->start) - at;
	space_add(a->lines, a->space, FG_LINES_SPACE_before_start, before);
	space_add(a->lines, a->space, FG_LINES_SPACE_recovered, rest - before);
	bits_set(track->bits, a->lines->mask, at, end - at);
	track->floor = earlier(track->floor, at);
}

/* [at, end), none of which came, comes. */
static void track_take(struct arrival *a, uint64_t at, uint64_t end)
{
	struct track *track = a->track;
	const uint64_t known = track->high;

	win_note(track, a->line, a->pkt->arrival_ns, at, end - at);
	line_add(a->lines, a->line, FG_LINES_LINE_won_numbers, end - at);
	a->claimed += end - at;
	if (ahead(at, known) < 0)
		track_fill(a, at, earlier(end, known));
	if (ahead(end, known) > 0) {
		track_extend(a, end);
		at = later(at, known);
		bits_set(track->bits, a->lines->mask, at, end - at);
	}
}

void track_claim(struct arrival *a, uint64_t at, uint64_t end)
{
	while ((at = track_next_unseen(a->lines, a->track, at, end)) != end) {
		const uint64_t stop = track_next_seen(a->lines, a->track, at, end);

		track_take(a, at, stop);
		at = stop;
	}
}

static uint64_t run_mask(uint64_t at, uint64_t stop)
{
	return (UINT64_MAX << at) & (UINT64_MAX >> (64 - RTE_MIN(stop, 64u)));
}

uint64_t track_say(const struct arrival *a, uint64_t from, uint64_t solid)
{
	struct fg_lines_verdict *verdict = a->verdict;
	uint64_t at = from, stop = from;

	verdict->from = (uint32_t)(from - a->first);
	verdict->mask = 0;
	while (at != a->end) {
		/* The mask cannot say this: it is said when the packet is judged again. */
		if (at - from >= 64) {
			verdict->flags |= FG_LINES_MORE;
			break;
		}
		stop = a->end;
		if (ahead(at, solid) < 0)
			stop = track_next_seen(a->lines, a->track, at, earlier(a->end, solid));
		if (stop == solid)
			stop = a->end;
		verdict->mask |= run_mask(at - from, stop - from);
		at = stop;
		if (ahead(at, solid) < 0)
			at = track_next_unseen(a->lines, a->track, at, earlier(a->end, solid));
	}
	verdict->to = (uint32_t)(stop - a->first);
	return stop;
}

/* The first of wins [i, end) that has @p number; else end. */
static uint32_t win_find(const struct track *track, uint32_t i, uint32_t end, uint64_t number)
{
	for (; i != end; i++) {
		const struct win *win = &track->wins[i % WINS_MAX];

		if (number - win->first < win_count(win))
			break;
	}
	return i;
}

/* It is not where the last one ended: further on, or further back. */
void win_search(struct fg_lines *lines, struct track *track, unsigned int line, uint64_t arrival_ns,
		uint64_t first, uint64_t end)
{
	struct line_place *place = &track->line[line];
	const uint32_t head = track->wins_head;
	const uint32_t oldest = head - RTE_MIN(head, WINS_MAX);
	uint32_t i = head - RTE_MIN(head - place->cursor, head - oldest);
	const struct win *win;

	i = win_find(track, i, head, first);
	if (i == head && ahead(first, track->wins[oldest % WINS_MAX].first) >= 0)
		i = win_find(track, oldest, head, first);
	if (i == head) {
		line_add(lines, line, FG_LINES_LINE_unmeasured, 1);
		return;
	}
	win = &track->wins[i % WINS_MAX];
	place->cursor = i + (end - win->first >= win_count(win));
	win_count_lead(lines, win, line, arrival_ns);
}

void track_duplicate(struct arrival *a)
{
	a->verdict->fate = FG_LINES_DUPLICATE;
	line_add(a->lines, a->line, FG_LINES_LINE_duplicates, 1);
	line_add(a->lines, a->line, FG_LINES_LINE_duplicate_numbers, a->end - a->first);
	win_measure(a->lines, a->track, a->line, a->pkt->arrival_ns, a->first, a->end);
}
