/* SPDX-License-Identifier: MIT */
/*
 * To which place of its sequence space a packet belongs; jumps and new beginnings. Off the
 * common path. Hot.
 */
#include "lines.h"

/* Where a packet is, seen from a track. */
enum where {
	NEAR, /* in its window, or a little ahead */
	OLD,  /* behind the window, among numbers the track has gone through */
	FAR,  /* anywhere else */
};

static enum where place_enter(struct arrival *a, struct track *track)
{
	const struct fg_lines *lines = a->lines;

	a->track = track;
	a->first = track_widen(track, a->pkt->first, a->space->shift);
	a->end = a->first + (a->pkt->control == FG_FEED_DATA ? a->pkt->count : 0);
	if (ahead(a->first, track->high) > (int64_t)lines->jump_max)
		return FAR;
	if (ahead(a->end, track->high - lines->window) > 0)
		return NEAR;
	return ahead(a->end, track->floor) > 0 ? OLD : FAR;
}

/* Two tracks of one run: the lower one ends where the upper one began. */
static enum where place_of_run(struct arrival *a)
{
	struct space *space = a->space;
	const bool main_is_upper = ahead(space->main->start, space->side->start) > 0;
	struct track *upper = main_is_upper ? space->main : space->side;
	struct track *lower = main_is_upper ? space->side : space->main;
	enum where in_lower, in_upper;

	in_lower = place_enter(a, lower);
	in_upper = place_enter(a, upper);
	if (ahead(a->end, upper->start) > 0)
		return in_upper;
	if (in_lower == FAR && in_upper == NEAR)
		return NEAR;
	return place_enter(a, lower);
}

/* Whether the line, which did not come to the new run so far, goes on in the old one. */
static bool place_lags(struct arrival *a)
{
	const struct track *main = a->space->main, *side = a->space->side;
	const unsigned int bit = 1u << a->line;

	return (main->joined & bit) == 0 && (side->joined & bit) != 0 &&
	       track_widen(side, a->pkt->first, a->space->shift) == side->line[a->line].next;
}

static enum where place_find(struct arrival *a)
{
	struct space *space = a->space;
	enum where in_main;

	if (space->side == NULL)
		return place_enter(a, space->main);
	if (space->side->run == space->main->run)
		return place_of_run(a);
	if (place_lags(a) && place_enter(a, space->side) == NEAR)
		return NEAR;
	in_main = place_enter(a, space->main);
	if (in_main == NEAR || place_enter(a, space->side) == NEAR)
		return a->track == space->main ? in_main : NEAR;
	return place_enter(a, space->main);
}

void place_refuse(struct fg_lines *lines, struct space *space, struct track *track, uint64_t now_ns)
{
	if (track->confirmed || track->refused)
		return;
	track->refused = true;
	/* A space begins with a place; a reset as its first packet never went there. */
	if (track->joined == 0)
		return;
	space_add(lines, space, FG_LINES_SPACE_jumps_refused, 1);
	report(lines, space, FG_LINES_JUMP_REFUSED, track->first_line, now_ns, track->floor,
	       track->high - 1, track->high - track->floor);
}

/* The side is where the feed is. */
static void place_exchange(struct arrival *a)
{
	struct space *space = a->space;
	struct track *was = space->main, *is = space->side;
	const int64_t skipped = ahead(is->start, was->high);

	space->main = is;
	space->side = was;
	space->strays = 0;
	if (is->run != was->run) {
		space_add(a->lines, space, FG_LINES_SPACE_resets, 1);
		report(a->lines, space, FG_LINES_RESET, a->line, a->now_ns, is->floor,
		       was->high - 1, 0);
		hold_release_all(a->lines, space, was, a->now_ns);
	} else {
		space_add(a->lines, space, FG_LINES_SPACE_jumps, 1);
		if (skipped > 0 && was->confirmed)
			space_add(a->lines, space, FG_LINES_SPACE_jumped, (uint64_t)skipped);
		report(a->lines, space, FG_LINES_JUMPED, a->line, a->now_ns, is->start,
		       was->high - 1, skipped > 0 ? (uint64_t)skipped : 0);
	}
	place_refuse(a->lines, space, was, a->now_ns);
}

/* A second packet near where a first one led: is it believed now? */
static void place_confirm(struct arrival *a)
{
	struct track *track = a->track;
	const bool goes_on = ahead(a->first, track->high) >= 0;
	const bool other = (track->joined & 1u << a->line) == 0 && !track->refused;

	if (track->confirmed || track->joined == 0 || (!goes_on && !other))
		return;
	track->confirmed = true;
	track->muted = false;
	if (track == a->space->side)
		place_exchange(a);
	else
		space_take_over(a->lines, a->space, a->line, a->now_ns);
}

/* The line is here, so where it jumped to before was wrong. */
static void place_stay(struct arrival *a)
{
	struct space *space = a->space;
	struct track *other = a->track == space->main ? space->side : space->main;

	if (other != NULL && (other->joined & 1u << a->line) != 0)
		place_refuse(a->lines, space, other, a->now_ns);
	if (a->track == space->main)
		space->strays = 0;
	else if (other != NULL && a->track->confirmed && other->run == a->track->run &&
		 ++space->strays == STRAYS_MAX) {
		space->side = other;
		space->main = a->track;
		space->strays = 0;
	}
	a->track->touched_ns = a->now_ns;
}

static void place_join(struct arrival *a)
{
	struct track *track = a->track;

	if ((track->joined & 1u << a->line) == 0) {
		track->joined |= (uint8_t)(1u << a->line);
		track->line[a->line].next = a->end;
		return;
	}
	line_moves(a->lines, &track->line[a->line], a->line, a->first, a->end);
}

/* Not arbitrated: it passes, on whatever line. */
static void place_untracked(struct arrival *a)
{
	struct fg_lines_verdict *verdict = a->verdict;

	verdict->flags |= FG_LINES_UNTRACKED;
	if (verdict->fate == FG_LINES_CONTROL)
		return;
	verdict->fate = FG_LINES_PASS;
	verdict->to = a->pkt->count;
	verdict->mask = verdict->to == 0 ? 0 : UINT64_MAX >> (64 - RTE_MIN(verdict->to, 64u));
	line_add(a->lines, a->line, FG_LINES_LINE_untracked, 1);
}

static void data_pass(struct arrival *a, uint64_t from)
{
	struct track *track = a->track;

	if (from == a->end) {
		track_duplicate(a);
		return;
	}
	if (ahead(from, track->high) < 0)
		a->verdict->flags |= FG_LINES_LATE;
	track_claim(a, from, track_say(a, from, track->high));
	hold_pass(a);
	track->next = track->high;
}

/* A packet with numbers, near. */
static void data_arrive(struct arrival *a)
{
	const struct line_place *place = &a->track->line[a->line];
	uint64_t from;

	if (ahead(a->first, a->track->high) > 0)
		track_skip(a, a->first);
	from = track_next_unseen(a->lines, a->track, a->first, a->end);
	if (from != a->end && ahead(from, a->track->high) < 0)
		space_add(a->lines, a->space, FG_LINES_SPACE_out_of_order, 1);
	if (a->lines->hold)
		hold_arrive(a);
	else
		data_pass(a, from);
	if (a->claimed > 0) {
		line_add(a->lines, a->line, FG_LINES_LINE_won, 1);
		if (a->claimed < a->end - a->first)
			line_add(a->lines, a->line, FG_LINES_LINE_partial, 1);
	} else if ((a->track->joined & 1u << a->line) != 0 && ahead(a->end, place->next) <= 0) {
		line_add(a->lines, a->line, FG_LINES_LINE_repeated, 1);
	}
}

/* A heartbeat, or an end: first is what comes next. */
static void control_arrive(struct arrival *a)
{
	struct space *space = a->space;

	if (ahead(a->first, a->track->high) > 0) {
		if (a->lines->hold)
			hold_reach(a);
		track_skip(a, a->first);
	}
	if (a->pkt->control != FG_FEED_END || space->ended)
		return;
	space->ended = true;
	space_add(a->lines, space, FG_LINES_SPACE_ended, 1);
	report(a->lines, space, FG_LINES_END, a->line, a->now_ns, a->first, a->first, 0);
}

/*
 * Far from everything: a new side. Muted, if these numbers were gone through already: what it
 * carries may have passed before, so nothing of it does until more of it comes.
 */
static void place_jump(struct arrival *a, bool muted)
{
	struct space *space = a->space;
	struct track *side;

	if (space->side != NULL)
		track_retire(a->lines, space, space->side, a->now_ns);
	space->side = side = track_get_spare(a->lines, muted ? a->end : a->first, a->line);
	if (side == NULL) {
		place_untracked(a);
		a->verdict->flags |= FG_LINES_JUMP;
		return;
	}
	side->run = muted ? ++a->lines->runs : space->main->run;
	side->muted = muted;
	side->touched_ns = a->now_ns;
	space->strays = 0;
	due_at(a->lines, a->now_ns + a->lines->lost_ns);
	a->track = side;
	if (!muted) {
		a->verdict->flags |= FG_LINES_JUMP;
		if (a->first != a->end)
			data_arrive(a);
	} else if (a->first != a->end) {
		a->verdict->fate = FG_LINES_OLD;
		line_add(a->lines, a->line, FG_LINES_LINE_old, 1);
	}
	place_join(a);
}

/* Older than the window. A line that was beyond it itself may begin anew. */
static void place_old(struct arrival *a)
{
	const struct track *main = a->space->main;

	if (a->track == main && (main->joined & 1u << a->line) != 0 &&
	    ahead(main->line[a->line].next, a->first) > (int64_t)a->lines->window) {
		place_jump(a, true);
	} else if (a->first != a->end) {
		a->verdict->fate = FG_LINES_OLD;
		line_add(a->lines, a->line, FG_LINES_LINE_old, 1);
	}
}

/* Whether this line says now what another said of the track before. */
static bool reset_known(struct arrival *a)
{
	struct track *main = a->space->main;
	const bool same = track_widen(main, a->pkt->first, a->space->shift) == main->reset_at;

	if (main->reset_lines == 0 || !same)
		return false;
	if (main->high == main->reset_at)
		return true;
	return (main->reset_lines & 1u << a->line) == 0 &&
	       !overdue(a->now_ns, main->reset_ns, a->lines->lost_ns);
}

static void place_reset(struct arrival *a)
{
	struct fg_lines *lines = a->lines;
	struct space *space = a->space;
	struct track *was = space->main, *is;

	if (reset_known(a)) {
		place_enter(a, was);
		was->reset_lines |= (uint8_t)(1u << a->line);
		place_join(a);
		return;
	}
	if (space->side != NULL)
		track_retire(lines, space, space->side, a->now_ns);
	hold_release_all(lines, space, was, a->now_ns);
	is = track_get_spare(lines, a->pkt->first, a->line);
	if (is == NULL) {
		track_retire(lines, space, was, a->now_ns);
		is = track_get(lines, a->pkt->first, a->line);
		was = NULL;
	}
	space->main = is;
	space->side = was;
	space->ended = false;
	is->run = ++lines->runs;
	is->confirmed = true;
	is->reset_lines = (uint8_t)(1u << a->line);
	is->reset_at = a->pkt->first;
	is->reset_ns = is->touched_ns = a->now_ns;
	if (was != NULL)
		place_refuse(lines, space, was, a->now_ns);
	space_take_over(lines, space, a->line, a->now_ns);
	space_add(lines, space, FG_LINES_SPACE_resets, 1);
	report(lines, space, FG_LINES_RESET, a->line, a->now_ns, a->pkt->first,
	       was != NULL ? was->high - 1 : a->pkt->first - 1, 0);
	place_enter(a, is);
	place_join(a);
}

static void place_sequenced(struct arrival *a)
{
	const enum where where = place_find(a);

	if (where == OLD) {
		place_old(a);
		return;
	}
	if (where == FAR) {
		place_jump(a, false);
		return;
	}
	place_confirm(a);
	place_stay(a);
	if (a->track == a->space->side && !a->track->confirmed)
		a->verdict->flags |= FG_LINES_JUMP;
	if (a->first == a->end)
		control_arrive(a);
	else
		data_arrive(a);
	place_join(a);
}

/* What the common path does not decide. */
void place_judge(struct arrival *a)
{
	const struct fg_feed_packet *pkt = a->pkt;
	const bool sequenced = pkt->control < FG_FEED_UNSEQUENCED;
	const bool data = pkt->control == FG_FEED_DATA && pkt->count > 0;
	const bool oversized = data && pkt->count > a->lines->jump_max;

	if (sequenced && !data) {
		a->verdict->fate = FG_LINES_CONTROL;
		line_add(a->lines, a->line, FG_LINES_LINE_controls, 1);
	}
	if (!sequenced || a->space == NULL || oversized) {
		fg_counter_add(&a->lines->totals[FG_LINES_SPACE_oversized], oversized);
		place_untracked(a);
		return;
	}
	if (pkt->control == FG_FEED_RESET)
		place_reset(a);
	else
		place_sequenced(a);
	track_settle(a->lines, a->space);
}
