/* SPDX-License-Identifier: MIT */
/*
 * Packets with numbers ahead, until other packets confirm or contradict them. Hot.
 *
 * A claim is supported by
 *
 *   - the next packet of a line that brought it, if it starts at the claim's end;
 *   - a copy on another line: the same numbers and digest;
 *   - if that is so already: any packet that starts at its end, or ends at its start;
 *   - a heartbeat of any line that names the number at its end;
 *   - that all below it came, and then: a packet of any line that starts at its end.
 *
 * CLAIM_SUPPORT of these confirm it; one does if it is far from the window, where two packets do
 * not agree by chance. A packet that is a claim itself shares its support with the one that it
 * continues. CLAIM_STREAK claims of a line without a packet of the line below them confirm one
 * another.
 *
 * With a claim those of the same line below it are confirmed, and those that continue it. A claim
 * is rejected when its line continues below it; then the line's next packets do not support it. A
 * packet that overlaps it with other boundaries, or another digest, contradicts it.
 */
#include "claim.h"

#include <limits.h>

#include "channel.h"
#include "epoch.h"
#include "hold.h"
#include "lead.h"
#include "tracker.h"

static bool claim_is_far(const struct claim *claim)
{
	return claim->tracker == NULL;
}

/* How far the packet's first number is above the claim's. */
static int64_t claim_offset(const struct arrival *a, const struct claim *claim)
{
	if (!claim_is_far(claim))
		return seq_diff(a->first, claim->first);
	return (int64_t)((a->pkt->first - claim->first) << a->channel->shift) >> a->channel->shift;
}

static uint64_t claim_length(const struct claim *claim)
{
	return claim->end - claim->first;
}

/* [first, end) of a claim came: open the gap below it. */
static void claim_mark(struct arrival *a, struct claim *claim)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct channel *channel = a->channel;
	struct tracker *tracker = a->tracker;

	/* What follows may give up gaps: the claim must not be taken for one in them. */
	claim->state = CLAIM_SETTLED;
	claim_close(channel, claim, false);
	if (arbiter->hold && seq_diff(claim->end, tracker_high(tracker)) > 0)
		hold_advance_window(a, claim->end);
	if (claim->first != claim->end)
		lead_record(tracker, claim->line, claim->arrival_ns, claim->first,
			    claim->end - claim->first);
	if (seq_diff(claim->first, tracker_high(tracker)) > 0)
		tracker_open_gap(a, claim->first, claim->line, claim->since_ns);
	tracker_mark(a, claim->first, claim->end);
	if (!arbiter->hold)
		tracker->deliver_next = tracker_high(tracker);
	else if (claim->first != claim->end)
		hold_confirm(a, claim, claim->first, claim->end);
	if (claim->first == claim->end || claim->digest == 0)
		claim_free(arbiter, channel, claim);
}

/* The lowest open claim below @p limit that @p claim confirms; NULL: there is none. */
static struct claim *claim_below(const struct arrival *a, const struct claim *claim)
{
	struct claim *lowest = NULL;

	for (uint32_t left = a->channel->claims_open; left != 0;) {
		struct claim *other = claim_take(a->channel, &left);

		if (other == claim || other->tracker != a->tracker ||
		    seq_diff(other->first, claim->first) >= 0)
			continue;
		if ((other->rejected || other->line != claim->line) &&
		    other->first != tracker_high(a->tracker))
			continue;
		if (lowest == NULL || seq_diff(other->first, lowest->first) < 0)
			lowest = other;
	}
	return lowest;
}

/* An open claim that continues what came, and that another packet supports; NULL: there is none. */
static struct claim *claim_above(const struct arrival *a)
{
	for (uint32_t left = a->channel->claims_open; left != 0;) {
		struct claim *claim = claim_take(a->channel, &left);

		if (claim->tracker == a->tracker && claim->support > 0 && !claim->rejected &&
		    claim->first == tracker_high(a->tracker))
			return claim;
	}
	return NULL;
}

/* A claim near a->tracker is confirmed, and those below it. */
static void claim_confirm(struct arrival *a, struct claim *claim)
{
	struct claim *other;

	while ((other = claim_below(a, claim)) != NULL)
		claim_mark(a, other);
	claim_mark(a, claim);
	while ((other = claim_above(a)) != NULL)
		claim_mark(a, other);
	if (!a->tracker->confirmed && a->tracker == channel_current(a->channel))
		channel_confirm(a);
}

/* A claim far from all trackers is confirmed: the channel jumps there. */
static void claim_jump(struct arrival *a, struct claim *claim)
{
	const struct claim jump = *claim;
	struct tracker *tracker;

	claim_free(a->arbiter, a->channel, claim);
	tracker = epoch_jump(a, jump.first, jump.line);
	a->tracker = tracker;
	a->first = tracker_widen(tracker, a->pkt->first, a->channel->shift);
	a->end = a->first + (a->pkt->kind == FG_FEED_DATA ? a->pkt->count : 0);
	for (unsigned int i = 0; i < FG_ARBITER_LINES_MAX; i++) {
		if ((jump.lines >> i & 1) == 0)
			continue;
		tracker->lines_seen |= (uint8_t)(1u << i);
		tracker->fast.lines[i].next = tracker->fast.lines[i].position = jump.end;
	}
	if (jump.first == jump.end)
		return;
	lead_record(tracker, jump.line, jump.arrival_ns, jump.first, jump.end - jump.first);
	tracker->lines_leading |= (uint8_t)(1u << jump.line);
	tracker_mark(a, jump.first, jump.end);
	tracker->deliver_next = tracker_high(tracker);
}

/* Another packet agrees with the claim. @return whether that confirms it. */
static bool claim_support(struct arrival *a, struct claim *claim)
{
	claim->support++;
	tick_schedule(a->arbiter, a->channel,
		      time_after(claim->since_ns, a->arbiter->gap_timeout_ns));
	if (claim_is_far(claim))
		claim_jump(a, claim);
	else if (claim->support >= CLAIM_SUPPORT)
		claim_confirm(a, claim);
	else
		return false;
	return true;
}

/* Another line brings a copy of the claim's packet, or the same line does again. */
static void claim_copy(struct arrival *a, struct claim *claim)
{
	const bool again = (claim->lines & 1u << a->line) != 0;

	claim->lines |= (uint8_t)(1u << a->line);
	lead_measure_one(a->arbiter, claim->line, claim->arrival_ns, a->line, a->pkt->arrival_ns);
	if (!again && !(claim->rejected && claim_is_far(claim)) && !claim_support(a, claim))
		a->channel->last_claim[a->line] = (uint8_t)(claim - a->channel->claims);
}

static bool digests_differ(const struct arrival *a, const struct claim *claim)
{
	return a->pkt->digest != 0 && claim->digest != 0 && a->pkt->digest != claim->digest;
}

void claim_find(struct arrival *a)
{
	const struct channel *channel = a->channel;
	const uint32_t first = (uint32_t)a->pkt->first, count = (uint32_t)(a->end - a->first);
	/* Four at a time; each lane collects the bits of its own claims. */
	uint32_t touching __attribute__((vector_size(16))) = {0};
	uint32_t bits __attribute__((vector_size(16))) = {1, 2, 4, 8};

	for (unsigned int i = 0; i < CLAIMS_MAX; i += 4) {
		uint32_t above __attribute__((vector_size(16)));
		uint32_t counts __attribute__((vector_size(16)));

		memcpy(&above, &channel->claim_firsts[i], sizeof(above));
		memcpy(&counts, &channel->claim_counts[i], sizeof(counts));
		above = first - above;
		touching |= (above <= counts) & bits;
		touching |= (0 - above <= count) & bits;
		bits <<= 4;
	}
	a->touching = touching[0] | touching[1] | touching[2] | touching[3];
}

enum claim_match claim_match(struct arrival *a)
{
	struct channel *channel = a->channel;
	enum claim_match match = CLAIM_MATCH_NONE;

	for (uint32_t left = a->touching & channel->claims_used; left != 0;) {
		struct claim *claim = claim_take(channel, &left);
		const uint64_t length = claim_length(claim), count = a->end - a->first;
		const int64_t offset = claim_offset(a, claim);
		const bool same = offset == 0 && length == count;

		if ((!claim_is_far(claim) && claim->tracker != a->tracker) ||
		    offset >= (int64_t)length || seq_diff(0, (uint64_t)offset) >= (int64_t)count)
			continue;
		if (claim->state == CLAIM_SETTLED) {
			if (same && digests_differ(a, claim)) {
				claim_free(a->arbiter, channel, claim);
				match = CLAIM_MATCH_NEW;
			}
		} else if (same && !digests_differ(a, claim)) {
			claim_copy(a, claim);
			return CLAIM_MATCH_COPY;
		} else {
			channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_claims_contradicted, 1);
			claim_free(a->arbiter, channel, claim);
		}
	}
	return match;
}

bool claim_is_other(struct arrival *a)
{
	struct channel *channel = a->channel;

	if (channel->claims_used == channel->claims_open)
		return false;
	claim_find(a);
	for (uint32_t left = a->touching & channel->claims_used & ~channel->claims_open;
	     left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (claim->state == CLAIM_SETTLED && claim->tracker == a->tracker &&
		    claim->first == a->first && claim->end == a->end && digests_differ(a, claim)) {
			claim_free(a->arbiter, channel, claim);
			return true;
		}
	}
	return false;
}

void claim_reject_line(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct fg_arbiter_track_line *state = &a->tracker->fast.lines[a->line];

	for (uint32_t left = channel->claims_of[a->line]; left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (!claim_is_far(claim) &&
		    (claim->tracker != a->tracker || seq_diff(a->first, claim->first) >= 0))
			continue;
		claim->rejected = true;
		claim_close(channel, claim, true);
		if (claim_is_far(claim))
			claim_report_rejected(a->arbiter, channel, claim, a->now_ns);
		else if (seq_diff(state->position, claim->position) > 0)
			state->position = claim->position;
	}
}

/* Whether the packet, ahead of a->tracker or far, supports the claim. */
static bool claim_is_continued(const struct arrival *a, const struct claim *claim)
{
	const bool ends_here = claim_offset(a, claim) == (int64_t)claim_length(claim);
	const bool is_last =
		a->last_claim < CLAIMS_MAX && claim == &a->channel->claims[a->last_claim];
	const bool data = a->first != a->end;

	if (ends_here && is_last && !claim->rejected)
		return true;
	if (claim_is_far(claim))
		return false;
	/* By chance two packets may be neighbours, or copies, but not both. */
	if (claim->support > 0 && claim->first != claim->end && data &&
	    (ends_here || a->end == claim->first))
		return true;
	return ends_here &&
	       (seq_diff(claim->first, tracker_high(a->tracker)) <= 0 ||
		(!data && (claim->first != claim->end || (claim->lines & 1u << a->line) == 0)));
}

/* The highest of the line's claims, if there are enough of them to confirm one another. */
static struct claim *claim_streak(const struct arrival *a)
{
	struct claim *highest = NULL;
	unsigned int n = 0;

	for (uint32_t left = a->channel->claims_of[a->line]; left != 0;) {
		struct claim *claim = claim_take(a->channel, &left);

		if (claim->tracker != a->tracker)
			continue;
		n++;
		if (highest == NULL || seq_diff(claim->first, highest->first) > 0)
			highest = claim;
	}
	return n >= CLAIM_STREAK ? highest : NULL;
}

/* The packet goes on where its line was, but that claim is forgotten. */
static bool line_is_ahead(const struct arrival *a)
{
	const struct tracker *tracker = a->tracker;

	return (tracker->lines_seen >> a->line & 1) != 0 &&
	       (a->channel->lines_claiming >> a->line & 1) == 0 &&
	       tracker->fast.lines[a->line].position == a->first;
}

bool claim_continue(struct arrival *a, bool far)
{
	struct channel *channel = a->channel;
	struct claim *streak;

	a->support = 0;
	for (uint32_t left = a->touching & channel->claims_open; left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (claim_is_far(claim) != far || (!far && claim->tracker != a->tracker) ||
		    !claim_is_continued(a, claim))
			continue;
		if (claim_support(a, claim))
			return true;
		if (claim->support > a->support)
			a->support = claim->support;
	}
	if (far)
		return false;
	streak = channel->claims_of[a->line] != 0 ? claim_streak(a) : NULL;
	if (streak != NULL)
		claim_confirm(a, streak);
	else if (a->support == 0)
		a->support = line_is_ahead(a);
	return streak != NULL;
}

void claim_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns, bool all)
{
	struct arrival a = {.arbiter = arbiter,
			    .channel = channel,
			    .tracker = channel_current(channel),
			    .now_ns = now_ns};

	tracker_sync(arbiter, a.tracker);
	for (uint32_t left = channel->claims_open; left != 0;) {
		struct claim *claim = claim_take(channel, &left);

		if (claim->support == 0 || claim->tracker != a.tracker || !a.tracker->confirmed)
			continue;
		if (!all && !overdue(now_ns, claim->since_ns, arbiter->gap_timeout_ns)) {
			tick_schedule(arbiter, channel,
				      time_after(claim->since_ns, arbiter->gap_timeout_ns));
			continue;
		}
		a.line = claim->line;
		claim_confirm(&a, claim);
		left = channel->claims_open;
	}
}

void claim_reach(struct arrival *a)
{
	for (uint32_t left = a->channel->claims_open; left != 0;) {
		struct claim *claim = claim_take(a->channel, &left);

		if (claim->reached || claim->tracker != a->tracker ||
		    claim->first != tracker_high(a->tracker))
			continue;
		claim->reached = true;
		/* What follows it may be reached now. */
		if (claim_support(a, claim))
			left = a->channel->claims_open;
	}
}

/* A free entry; if there is none, claims are forgotten in turn. */
static struct claim *claim_alloc(struct arrival *a)
{
	struct channel *channel = a->channel;
	struct claim *claim;
	uint32_t bits;

	if (channel->claims_used != UINT32_MAX)
		return &channel->claims[__builtin_ctz(~channel->claims_used)];
	/* Settled ones first. */
	bits = channel->claims_open != UINT32_MAX ? ~channel->claims_open : UINT32_MAX;
	if (bits >> channel->next_claim != 0)
		bits &= UINT32_MAX << channel->next_claim;
	claim = &channel->claims[__builtin_ctz(bits)];
	channel->next_claim = (uint8_t)((claim - channel->claims + 1) % CLAIMS_MAX);
	if (claim->state == CLAIM_OPEN) {
		channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_claims_forgotten, 1);
		if (claim_is_far(claim) && !claim->rejected)
			claim_report_rejected(a->arbiter, channel, claim, a->now_ns);
	}
	claim_free(a->arbiter, channel, claim);
	return claim;
}

static struct claim *claim_make(struct arrival *a, bool far, enum claim_state state)
{
	struct channel *channel = a->channel;
	struct claim *claim = claim_alloc(a);

	*claim = (struct claim){.first = a->first,
				.end = a->end,
				.since_ns = a->now_ns,
				.arrival_ns = a->pkt->arrival_ns,
				.position = a->tracker->fast.lines[a->line].position,
				.digest = a->pkt->digest,
				.state = (uint8_t)state,
				.lines = (uint8_t)(1u << a->line),
				.line = a->line,
				.support = a->support,
				.tracker = far ? NULL : a->tracker};
	channel->claims_used |= claim_bit(channel, claim);
	channel->claim_firsts[claim - channel->claims] = (uint32_t)a->first;
	channel->claim_counts[claim - channel->claims] = (uint32_t)(a->end - a->first);
	if (state == CLAIM_OPEN) {
		channel->claims_open |= claim_bit(channel, claim);
		channel->claims_of[a->line] |= claim_bit(channel, claim);
		channel->lines_claiming |= (uint8_t)(1u << a->line);
	}
	tick_schedule(a->arbiter, a->channel, time_after(a->now_ns, UNCONFIRMED_NS));
	return claim;
}

/* Which of the packet's numbers are new: those above the highest one, and others that are missing.
 */
static uint64_t claim_mark_new(struct arrival *a, bool far)
{
	const uint64_t high = tracker_high(a->tracker);
	uint64_t from = a->first;

	if (!far && seq_diff(from, high) < 0)
		from = seq_min(tracker_next_unseen(a->arbiter, a->tracker, from, a->end), high);
	(void)tracker_mark_new(a, from, far ? from : seq_max(from, high));
	a->result->flags &= (uint8_t)~FG_ARBITER_MORE;
	return from;
}

void claim_add(struct arrival *a, bool far)
{
	struct channel *channel = a->channel;
	struct claim *claim = claim_make(a, far, CLAIM_OPEN);
	struct fg_arbiter_track_line *state = &a->tracker->fast.lines[a->line];
	uint64_t from;

	/* Part of it came with other packets: at most a copy shows that it is real. */
	claim->rejected = !far && seq_diff(a->first, tracker_high(a->tracker)) < 0;
	if (claim->rejected)
		claim_close(channel, claim, true);
	channel->last_claim[a->line] = (uint8_t)(claim - channel->claims);
	channel_add(a->arbiter, channel, FG_ARBITER_CHANNEL_claims, 1);
	a->result->flags |= far ? FG_ARBITER_JUMP : 0;
	if (a->first == a->end)
		return;
	from = claim_mark_new(a, far);
	fg_counter_add(&state->first_arrivals, 1);
	fg_counter_add(&state->first_numbers, a->end - from);
	a->tracker->slow_leads[a->line]++;
	if (from != a->first)
		line_add(a->arbiter, a->line, FG_ARBITER_LINE_partial, 1);
	if (far || seq_diff(a->first, a->tracker->deliver_next) <= 0 || !hold_claim(a, claim)) {
		a->result->flags |= a->arbiter->hold ? FG_ARBITER_JUMP : 0;
		hold_pass(a);
	}
}

void claim_add_settled(struct arrival *a)
{
	if (a->pkt->digest != 0 && a->first != a->end)
		(void)claim_make(a, false, CLAIM_SETTLED);
}
