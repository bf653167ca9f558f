/* SPDX-License-Identifier: MIT */
/*
 * Lines, by property: whatever two or three lines lose, delay, reorder, repeat and cut differently,
 * what comes out is what a model says that has never heard of windows: it notes for each number who
 * brought it first, and when. Single cases are in test_lines_cases.c.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <fg_eal.h>

#include "arbiter_rig.h"

#define NUMBERS_MAX  4000u
#define ARRIVALS_MAX 60000u
#define SPACES_MAX   3u
#define LINES_TRIED  3u
#define NOBODY       UINT32_MAX

/* What a world is like. */
struct world {
	uint32_t n_lines, n_spaces, numbers;
	uint32_t loss, twice, swap;   /* of 1,000 packets */
	uint32_t packet_max;          /* numbers in a packet */
	uint32_t delay_ns, jitter_ns; /* of lines after the first; of each packet */
	bool same_cuts;
	uint64_t base;
	uint8_t bits;
};

struct arrival {
	uint64_t ns;
	uint32_t order; /* of equals */
	uint32_t line, space, first, count;
};

/* What is so, found by brute force. */
struct truth {
	uint32_t winner[SPACES_MAX][NUMBERS_MAX]; /* arrival, or NOBODY */
	uint64_t won[LINES_TRIED], won_numbers[LINES_TRIED], partial[LINES_TRIED];
	uint64_t duplicates[LINES_TRIED], duplicate_numbers[LINES_TRIED], repeated[LINES_TRIED];
	uint64_t skipped[LINES_TRIED];
	uint64_t leads[LINES_TRIED][FG_ARBITER_LEADS], races;
	uint64_t missing, before_start, out_of_order;
	uint64_t gaps, closed_other, closed_late, most_open;
};

static struct arrival arrivals[ARRIVALS_MAX];
static uint32_t n_arrivals;
static struct truth truth;

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void arrive(const struct world *world, uint32_t line, uint32_t space, uint32_t first,
		   uint32_t count, uint64_t sent)
{
	struct arrival *arrival = &arrivals[n_arrivals];
	uint64_t ns = sent + line * world->delay_ns;

	if (random_below(1000) < world->loss)
		return;
	assert_true(n_arrivals < ARRIVALS_MAX);
	if (random_below(1000) < world->swap)
		ns += world->jitter_ns;
	else if (world->jitter_ns > 0)
		ns += random_below(world->jitter_ns / 8 + 1);
	*arrival = (struct arrival){ns, n_arrivals, line, space, first, count};
	n_arrivals++;
}

static uint16_t cuts[NUMBERS_MAX];

/* Where the packets of a line begin, if a packet begins there before: how many numbers it has. */
static void make_cuts(const struct world *world)
{
	for (uint32_t n = 0; n < world->numbers; n++)
		cuts[n] =
			(uint16_t)RTE_MIN(1 + random_below(world->packet_max), world->numbers - n);
}

/* Everything that arrives, in time's order. Numbers count from 0. */
static void make_world(const struct world *world)
{
	n_arrivals = 0;
	for (uint32_t space = 0; space < world->n_spaces; space++) {
		make_cuts(world);
		for (uint32_t line = 0; line < world->n_lines; line++) {
			if (!world->same_cuts)
				make_cuts(world);
			for (uint32_t n = 0; n < world->numbers; n += cuts[n]) {
				arrive(world, line, space, n, cuts[n], T0 + n * 1000);
				if (random_below(1000) < world->twice)
					arrive(world, line, space, n, cuts[n], T0 + n * 1000);
			}
		}
	}
	qsort(arrivals, n_arrivals, sizeof(arrivals[0]), by_time);
}

static unsigned int lead_bucket(uint64_t lead)
{
	unsigned int bucket = 0;

	for (; lead > 0; lead /= 2)
		bucket++;
	return bucket;
}

/* One gap a number may lie in; gaps have numbers of their own. */
static uint32_t gap_of[SPACES_MAX][NUMBERS_MAX], gap_missing[NUMBERS_MAX * SPACES_MAX],
	gap_line[NUMBERS_MAX * SPACES_MAX];

static void truth_of_gaps(const struct arrival *arrival, uint32_t *high, uint64_t *open)
{
	const uint32_t space = arrival->space, end = arrival->first + arrival->count;
	uint32_t gap = (uint32_t)truth.gaps;

	if (arrival->first > *high) {
		for (uint32_t n = *high; n < arrival->first; n++)
			gap_of[space][n] = gap;
		gap_missing[gap] = arrival->first - *high;
		gap_line[gap] = arrival->line;
		truth.gaps++;
		++*open;
		truth.most_open = RTE_MAX(truth.most_open, *open);
	}
	for (uint32_t n = arrival->first; n < RTE_MIN(end, *high); n++) {
		gap = gap_of[space][n];
		if (truth.winner[space][n] != NOBODY || gap == NOBODY || --gap_missing[gap] > 0)
			continue;
		if (gap_line[gap] == arrival->line)
			truth.closed_late++;
		else
			truth.closed_other++;
		--*open;
	}
	*high = RTE_MAX(*high, end);
}

static void truth_of_line(const struct arrival *arrival, uint32_t fresh, int64_t *line_next)
{
	const uint32_t line = arrival->line, end = arrival->first + arrival->count;
	const uint32_t winner = truth.winner[arrival->space][arrival->first];

	if (fresh > 0) {
		truth.won[line]++;
		truth.won_numbers[line] += fresh;
		truth.partial[line] += fresh < arrival->count;
	} else {
		truth.duplicates[line]++;
		truth.duplicate_numbers[line] += arrival->count;
		truth.repeated[line] += *line_next >= (int64_t)end;
		if (arrivals[winner].line != line) {
			const uint64_t lead = arrival->ns - arrivals[winner].ns;

			truth.leads[arrivals[winner].line][lead_bucket(lead)]++;
			truth.races++;
		}
	}
	if (*line_next >= 0 && arrival->first > *line_next)
		truth.skipped[line] += arrival->first - (uint64_t)*line_next;
	*line_next = RTE_MAX(*line_next, (int64_t)end);
}

static void find_truth(const struct world *world)
{
	uint32_t high[SPACES_MAX], start[SPACES_MAX];
	uint64_t open[SPACES_MAX] = {0};
	int64_t next[SPACES_MAX][LINES_TRIED];

	memset(&truth, 0, sizeof(truth));
	memset(truth.winner, 0xff, sizeof(truth.winner));
	memset(gap_of, 0xff, sizeof(gap_of));
	memset(start, 0xff, sizeof(start));
	memset(next, 0xff, sizeof(next));
	for (uint32_t i = 0; i < n_arrivals; i++) {
		const struct arrival *arrival = &arrivals[i];
		const uint32_t space = arrival->space;
		uint32_t fresh = 0, first_fresh = NOBODY;

		if (start[space] == NOBODY)
			start[space] = high[space] = arrival->first;
		for (uint32_t n = arrival->first; n < arrival->first + arrival->count; n++) {
			if (truth.winner[space][n] != NOBODY)
				continue;
			first_fresh = fresh++ == 0 ? n : first_fresh;
			truth.before_start += n < start[space];
		}
		truth.out_of_order += fresh > 0 && first_fresh < high[space];
		truth_of_gaps(arrival, &high[space], &open[space]);
		for (uint32_t n = arrival->first; n < arrival->first + arrival->count; n++)
			if (truth.winner[space][n] == NOBODY)
				truth.winner[space][n] = i;
		truth_of_line(arrival, fresh, &next[space][arrival->line]);
	}
	for (uint32_t space = 0; space < world->n_spaces; space++)
		for (uint32_t n = start[space]; start[space] != NOBODY && n < high[space]; n++)
			truth.missing += truth.winner[space][n] == NOBODY;
}

static struct fg_feed_packet packet_in(const struct world *world, const struct arrival *arrival)
{
	struct fg_feed_packet pkt =
		packet_of(FG_FEED_DATA, world->base + arrival->first, arrival->count);

	pkt.sequence_bits = world->bits;
	if (world->bits == 32)
		pkt.first &= UINT32_MAX;
	/* One differs in the channel, one in the session. */
	pkt.channel += arrival->space == 1;
	pkt.session[15] = (uint8_t)(arrival->space == 2);
	pkt.arrival_ns = arrival->ns;
	return pkt;
}

static void check_line(const struct fg_arbiter *lines, uint32_t line)
{
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_first_arrivals), truth.won[line]);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_first_numbers),
			 truth.won_numbers[line]);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_partial), truth.partial[line]);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_duplicates), truth.duplicates[line]);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_duplicate_numbers),
			 truth.duplicate_numbers[line]);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_repeated), truth.repeated[line]);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_skipped), truth.skipped[line]);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_stale), 0);
	assert_int_equal(of_line(lines, line, FG_ARBITER_LINE_untracked), 0);
}

static void check_leads(const struct fg_arbiter *lines, uint32_t n_lines)
{
	uint64_t unmeasured = 0, measured = 0;
	struct fg_arbiter_line line;

	for (uint32_t i = 0; i < n_lines; i++)
		unmeasured += of_line(lines, i, FG_ARBITER_LINE_unmeasured);
	for (uint32_t i = 0; i < n_lines; i++) {
		fg_arbiter_line(lines, i, &line);
		for (uint32_t bucket = 0; bucket < FG_ARBITER_LEADS; bucket++) {
			measured += line.leads[bucket];
			if (unmeasured == 0)
				assert_int_equal(line.leads[bucket], truth.leads[i][bucket]);
		}
	}
	if (unmeasured == 0)
		assert_int_equal(measured, truth.races);
}

/* Some counters of a space are the same whatever its gaps are; those of gaps themselves if they all
 * found room. */
static void check_counters(const struct world *world, struct fg_arbiter *lines, bool gaps)
{
	struct fg_arbiter_channel channels[SPACES_MAX + 1];
	uint64_t sums[FG_ARBITER_CHANNEL_COUNT] = {0}, totals[FG_ARBITER_CHANNEL_COUNT];
	unsigned int n;

	fg_arbiter_flush(lines, T0);
	for (uint32_t line = 0; line < world->n_lines; line++)
		check_line(lines, line);
	check_leads(lines, world->n_lines);
	fg_arbiter_totals(lines, totals);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_missing] -
				 totals[FG_ARBITER_CHANNEL_filled_late],
			 truth.missing);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_before_start], truth.before_start);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_out_of_order], truth.out_of_order);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_gaps_opened], truth.gaps);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_gaps_open], 0);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_held_now], 0);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_jumps_accepted] +
				 totals[FG_ARBITER_CHANNEL_jumps_rejected],
			 0);
	if (gaps && truth.most_open <= 32) {
		assert_int_equal(totals[FG_ARBITER_CHANNEL_gaps_closed_other], truth.closed_other);
		assert_int_equal(totals[FG_ARBITER_CHANNEL_gaps_closed_late], truth.closed_late);
		/* The window leaves a gap behind bit by bit, so that it may count as several. */
		assert_true(totals[FG_ARBITER_CHANNEL_gaps_unfilled] >=
			    truth.gaps - truth.closed_other - truth.closed_late);
		assert_int_equal(totals[FG_ARBITER_CHANNEL_filled_late], 0);
	}
	n = fg_arbiter_channels(lines, channels, SPACES_MAX + 1);
	assert_true(n <= world->n_spaces);
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int c = 0; c < FG_ARBITER_CHANNEL_COUNT; c++)
			sums[c] += channels[i].counters[c];
	assert_memory_equal(sums, totals, sizeof(sums));
}

/* Judge a packet, and again if there is more than a result can say. @return how often more. */
static uint32_t judge_none(struct fg_arbiter *lines, const struct world *world, uint32_t i)
{
	const struct arrival *arrival = &arrivals[i];
	const struct fg_feed_packet pkt = packet_in(world, arrival);
	uint8_t said[NUMBERS_MAX] = {0};
	struct fg_arbiter_result result;
	uint32_t fresh = 0, again = 0;

	do {
		fg_arbiter_arbitrate(lines, arrival->line, arrival->ns, &pkt, NULL, &result);
		for (uint32_t k = 0; k < arrival->count; k++)
			said[k] = (uint8_t)(said[k] + says(&result, k));
		again++;
	} while ((result.flags & FG_ARBITER_MORE) != 0);
	for (uint32_t k = 0; k < arrival->count; k++) {
		const bool is = truth.winner[arrival->space][arrival->first + k] == i;

		if (said[k] != is)
			fail_msg("arrival %u, number %u: %u", i, arrival->first + k, said[k]);
		fresh += is;
	}
	assert_int_equal(result.disposition, fresh > 0 ? FG_ARBITER_PASS : FG_ARBITER_DUPLICATE);
	assert_int_equal(result.line, arrival->line);
	assert_int_equal(result.flags & ~FG_ARBITER_LATE, 0);
	return again - 1;
}

/* Without hold: each packet passes with just the numbers that it was first with. */
static void run_none(const struct world *world)
{
	struct fg_arbiter *lines = lines_of((struct fg_arbiter_conf){
		.n_lines = (uint8_t)world->n_lines, .window = 2048, .gap_timeout_ns = UINT64_MAX});
	uint32_t again = 0;

	for (uint32_t i = 0; i < n_arrivals; i++)
		again += judge_none(lines, world, i);
	/* Copies count as packets. */
	if (again == 0)
		check_counters(world, lines, true);
	fg_arbiter_free(lines);
}

/* With hold: what came out so far, and what is held. */
struct outcome {
	struct fg_arbiter *lines;
	const struct world *world;
	uint8_t out[SPACES_MAX][NUMBERS_MAX];
	int64_t last[SPACES_MAX];
	uint64_t late;
	uint8_t *held; /* by arrival */
	uint32_t n_held;
};

static void deliver(struct outcome *outcome, uint32_t i, const struct fg_arbiter_result *result)
{
	const struct arrival *arrival = &arrivals[i];

	assert_int_equal(result->line, arrival->line);
	for (uint32_t k = 0; k < arrival->count; k++) {
		const int64_t n = arrival->first + k;

		if (!says(result, k))
			continue;
		if (outcome->out[arrival->space][n]++ != 0)
			fail_msg("number %u came out twice", (unsigned int)n);
		if (n < outcome->last[arrival->space]) {
			assert_true((result->flags & FG_ARBITER_LATE) != 0);
			outcome->late++;
		}
		outcome->last[arrival->space] = RTE_MAX(outcome->last[arrival->space], n);
	}
}

static void take_all(struct outcome *outcome)
{
	struct fg_arbiter_taken taken[3];
	unsigned int n;

	while ((n = fg_arbiter_take(outcome->lines, taken, 3)) > 0) {
		for (unsigned int k = 0; k < n; k++) {
			const uint32_t i = (uint32_t)(uintptr_t)taken[k].packet;

			assert_true(outcome->held[i]-- > 0);
			outcome->n_held--;
			if (taken[k].result.disposition == FG_ARBITER_PASS)
				deliver(outcome, i, &taken[k].result);
			else
				assert_int_equal(taken[k].result.disposition, FG_ARBITER_DUPLICATE);
		}
	}
}

/* @return whether there is more than the result could say. */
static bool judge_held(struct outcome *outcome, uint32_t i)
{
	const struct fg_feed_packet pkt = packet_in(outcome->world, &arrivals[i]);
	struct fg_arbiter_result result;

	fg_arbiter_arbitrate(outcome->lines, arrivals[i].line, arrivals[i].ns, &pkt,
			     (void *)(uintptr_t)i, &result);
	assert_int_equal(result.flags & (FG_ARBITER_JUMP | FG_ARBITER_UNTRACKED), 0);
	if (result.disposition == FG_ARBITER_HELD) {
		outcome->held[i]++;
		outcome->n_held++;
	} else if (result.disposition == FG_ARBITER_PASS) {
		deliver(outcome, i, &result);
	} else {
		assert_int_equal(result.disposition, FG_ARBITER_DUPLICATE);
	}
	if ((result.flags & FG_ARBITER_READY) != 0)
		take_all(outcome);
	assert_int_equal(fg_arbiter_take(outcome->lines, &(struct fg_arbiter_taken){0}, 1), 0);
	return (result.flags & FG_ARBITER_MORE) != 0;
}

static void run_hold(const struct world *world, uint32_t hold_packets, uint64_t hold_ns)
{
	static struct outcome outcome;
	uint32_t oldest = 0, again = 0;

	memset(&outcome, 0, sizeof(outcome));
	memset(outcome.last, 0xff, sizeof(outcome.last));
	outcome.world = world;
	outcome.held = calloc(n_arrivals + 1, 1);
	outcome.lines = lines_of((struct fg_arbiter_conf){.n_lines = (uint8_t)world->n_lines,
							  .hold = true,
							  .hold_packets = hold_packets,
							  .hold_ns = hold_ns,
							  .window = 2048,
							  .gap_timeout_ns = UINT64_MAX});
	for (uint32_t i = 0; i < n_arrivals; i++) {
		while (judge_held(&outcome, i))
			again++;
		if (fg_arbiter_tick(outcome.lines, arrivals[i].ns))
			take_all(&outcome);
		/* Bounded in number, and in time. */
		assert_true(outcome.n_held <= hold_packets);
		while (oldest < i && outcome.held[oldest] == 0)
			oldest++;
		assert_true(arrivals[i].ns - arrivals[oldest].ns < hold_ns || oldest == i);
	}
	fg_arbiter_flush(outcome.lines, arrivals[RTE_MAX(n_arrivals, 1u) - 1].ns);
	take_all(&outcome);
	assert_int_equal(outcome.n_held, 0);
	for (uint32_t space = 0; space < world->n_spaces; space++)
		for (uint32_t n = 0; n < world->numbers; n++)
			assert_int_equal(outcome.out[space][n], truth.winner[space][n] != NOBODY);
	/* Nothing comes late but what was given up, or was before the first. */
	assert_true(outcome.late <= total(outcome.lines, FG_ARBITER_CHANNEL_filled_late) +
					    total(outcome.lines, FG_ARBITER_CHANNEL_before_start));
	/* (With the third space a session changes, which releases what the old one holds.) */
	if (world->n_spaces < 3 && total(outcome.lines, FG_ARBITER_CHANNEL_hold_expired) == 0 &&
	    total(outcome.lines, FG_ARBITER_CHANNEL_hold_full) == 0)
		assert_true(outcome.late <= truth.before_start);
	if (again == 0)
		check_counters(world, outcome.lines, false);
	free(outcome.held);
	fg_arbiter_free(outcome.lines);
}

static struct world random_world(void)
{
	static const uint64_t bases[] = {1, 0, UINT32_MAX - 300, UINT64_MAX - 300, 1u << 31};
	static const uint32_t rates[] = {0, 5, 50, 300};
	/* A number is sent every 1,000 ns: lines are at most 1,200 apart, less than the window. */
	static const uint32_t times[] = {0, 500, 5000, 50000, 400000};
	const uint32_t sizes[] = {1, 3, 15, 64, 100};
	struct world world = {
		.n_lines = 1 + random_below(LINES_TRIED),
		.n_spaces = 1 + random_below(SPACES_MAX),
		.numbers = 1 + random_below(NUMBERS_MAX),
		.loss = rates[random_below(4)],
		.twice = rates[random_below(4)],
		.swap = rates[random_below(4)],
		.packet_max = sizes[random_below(5)],
		.delay_ns = times[random_below(5)],
		.jitter_ns = times[random_below(5)],
		.same_cuts = random_below(2) == 0,
		.base = bases[random_below(5)],
	};

	world.bits = world.base > UINT32_MAX || random_below(2) == 0 ? 64 : 32;
	return world;
}

static unsigned int worlds(void)
{
	return getenv("FG_LONG") != NULL ? 10000 : 200;
}

static void each_number_passes_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < worlds(); i++) {
		const struct world world = random_world();

		make_world(&world);
		find_truth(&world);
		run_none(&world);
	}
}

static void in_order_where_held(void **state)
{
	static const uint32_t packets[] = {1, 4, 256, 5000};
	static const uint64_t times[] = {1000, 20000, 10 * MS, 1000 * MS};

	(void)state;
	for (unsigned int i = 0; i < worlds(); i++) {
		const struct world world = random_world();

		make_world(&world);
		find_truth(&world);
		run_hold(&world, packets[random_below(4)], times[random_below(4)]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_number_passes_once),
		cmocka_unit_test(in_order_where_held),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_arbiter", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
