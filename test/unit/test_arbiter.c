/* SPDX-License-Identifier: MIT */
/*
 * Property test of the arbiter. One to three lines lose, delay, reorder and repeat packets, and cut
 * the sequence into packets differently. A model without windows finds for each number which
 * arrival brought it first; the arbiter must agree. test_arbiter_cases.c has single cases.
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
#define CHANNELS_MAX 3u
#define LINES_TRIED  3u
#define NOBODY       UINT32_MAX

struct scenario {
	uint32_t n_lines, n_channels, numbers;
	uint32_t loss, twice, swap; /* of 1,000 packets: lost, sent twice, out of order */
	uint32_t packet_max;        /* numbers in a packet */
	uint32_t delay_ns;          /* of each line after the one before */
	uint32_t jitter_ns;         /* of each packet */
	bool same_cuts;             /* all lines cut the sequence into the same packets */
	uint64_t base;
	uint8_t bits;
};

struct arrival {
	uint64_t ns;
	uint32_t order; /* among arrivals of the same time */
	uint32_t line, channel, first, count;
};

/* What the arbiter must find; by brute force. */
struct expected {
	uint32_t first_arrival[CHANNELS_MAX][NUMBERS_MAX]; /* index of the arrival, or NOBODY */
	uint64_t first_arrivals[LINES_TRIED], first_numbers[LINES_TRIED], partial[LINES_TRIED];
	uint64_t duplicates[LINES_TRIED], duplicate_numbers[LINES_TRIED], repeated[LINES_TRIED];
	uint64_t skipped[LINES_TRIED];
	uint64_t leads[LINES_TRIED][FG_ARBITER_LEADS], races;
	uint64_t missing, before_start, out_of_order;
	uint64_t gaps, closed_other, closed_late, most_open;
};

static struct arrival arrivals[ARRIVALS_MAX];
static uint32_t n_arrivals;
static struct expected expected;

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void arrive(const struct scenario *scenario, uint32_t line, uint32_t channel, uint32_t first,
		   uint32_t count, uint64_t sent)
{
	struct arrival *arrival = &arrivals[n_arrivals];
	uint64_t ns = sent + line * scenario->delay_ns;

	if (random_below(1000) < scenario->loss)
		return;
	assert_true(n_arrivals < ARRIVALS_MAX);
	if (random_below(1000) < scenario->swap)
		ns += scenario->jitter_ns;
	else if (scenario->jitter_ns > 0)
		ns += random_below(scenario->jitter_ns / 8 + 1);
	*arrival = (struct arrival){ns, n_arrivals, line, channel, first, count};
	n_arrivals++;
}

static uint16_t cuts[NUMBERS_MAX];

/* For each number: how many numbers a packet has that starts there. */
static void make_cuts(const struct scenario *scenario)
{
	for (uint32_t n = 0; n < scenario->numbers; n++)
		cuts[n] = (uint16_t)RTE_MIN(1 + random_below(scenario->packet_max),
					    scenario->numbers - n);
}

/* All arrivals, by time. Numbers count from 0. */
static void make_scenario(const struct scenario *scenario)
{
	n_arrivals = 0;
	for (uint32_t channel = 0; channel < scenario->n_channels; channel++) {
		make_cuts(scenario);
		for (uint32_t line = 0; line < scenario->n_lines; line++) {
			if (!scenario->same_cuts)
				make_cuts(scenario);
			for (uint32_t n = 0; n < scenario->numbers; n += cuts[n]) {
				arrive(scenario, line, channel, n, cuts[n], T0 + n * 1000);
				if (random_below(1000) < scenario->twice)
					arrive(scenario, line, channel, n, cuts[n], T0 + n * 1000);
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

/* By number: the index of its gap; by gap: how many numbers are missing, and who revealed it. */
static uint32_t gap_of[CHANNELS_MAX][NUMBERS_MAX], gap_missing[NUMBERS_MAX * CHANNELS_MAX],
	gap_line[NUMBERS_MAX * CHANNELS_MAX];

static void expect_gaps(const struct arrival *arrival, uint32_t *high, uint64_t *open)
{
	const uint32_t channel = arrival->channel, end = arrival->first + arrival->count;
	uint32_t gap = (uint32_t)expected.gaps;

	if (arrival->first > *high) {
		for (uint32_t n = *high; n < arrival->first; n++)
			gap_of[channel][n] = gap;
		gap_missing[gap] = arrival->first - *high;
		gap_line[gap] = arrival->line;
		expected.gaps++;
		++*open;
		expected.most_open = RTE_MAX(expected.most_open, *open);
	}
	for (uint32_t n = arrival->first; n < RTE_MIN(end, *high); n++) {
		gap = gap_of[channel][n];
		if (expected.first_arrival[channel][n] != NOBODY || gap == NOBODY ||
		    --gap_missing[gap] > 0)
			continue;
		if (gap_line[gap] == arrival->line)
			expected.closed_late++;
		else
			expected.closed_other++;
		--*open;
	}
	*high = RTE_MAX(*high, end);
}

static void expect_line(const struct arrival *arrival, uint32_t fresh, int64_t *line_next)
{
	const uint32_t line = arrival->line, end = arrival->first + arrival->count;
	const uint32_t first_arrival = expected.first_arrival[arrival->channel][arrival->first];

	if (fresh > 0) {
		expected.first_arrivals[line]++;
		expected.first_numbers[line] += fresh;
		expected.partial[line] += fresh < arrival->count;
	} else {
		expected.duplicates[line]++;
		expected.duplicate_numbers[line] += arrival->count;
		expected.repeated[line] += *line_next >= (int64_t)end;
		if (arrivals[first_arrival].line != line) {
			const uint64_t lead = arrival->ns - arrivals[first_arrival].ns;

			expected.leads[arrivals[first_arrival].line][lead_bucket(lead)]++;
			expected.races++;
		}
	}
	if (*line_next >= 0 && arrival->first > *line_next)
		expected.skipped[line] += arrival->first - (uint64_t)*line_next;
	*line_next = RTE_MAX(*line_next, (int64_t)end);
}

static void find_expected(const struct scenario *scenario)
{
	uint32_t high[CHANNELS_MAX], start[CHANNELS_MAX];
	uint64_t open[CHANNELS_MAX] = {0};
	int64_t next[CHANNELS_MAX][LINES_TRIED];

	memset(&expected, 0, sizeof(expected));
	memset(expected.first_arrival, 0xff, sizeof(expected.first_arrival));
	memset(gap_of, 0xff, sizeof(gap_of));
	memset(start, 0xff, sizeof(start));
	memset(next, 0xff, sizeof(next));
	for (uint32_t i = 0; i < n_arrivals; i++) {
		const struct arrival *arrival = &arrivals[i];
		const uint32_t channel = arrival->channel;
		uint32_t fresh = 0, first_fresh = NOBODY;

		if (start[channel] == NOBODY)
			start[channel] = high[channel] = arrival->first;
		for (uint32_t n = arrival->first; n < arrival->first + arrival->count; n++) {
			if (expected.first_arrival[channel][n] != NOBODY)
				continue;
			first_fresh = fresh++ == 0 ? n : first_fresh;
			expected.before_start += n < start[channel];
		}
		expected.out_of_order += fresh > 0 && first_fresh < high[channel];
		expect_gaps(arrival, &high[channel], &open[channel]);
		for (uint32_t n = arrival->first; n < arrival->first + arrival->count; n++)
			if (expected.first_arrival[channel][n] == NOBODY)
				expected.first_arrival[channel][n] = i;
		expect_line(arrival, fresh, &next[channel][arrival->line]);
	}
	for (uint32_t channel = 0; channel < scenario->n_channels; channel++)
		for (uint32_t n = start[channel]; start[channel] != NOBODY && n < high[channel];
		     n++)
			expected.missing += expected.first_arrival[channel][n] == NOBODY;
}

static struct fg_feed_packet packet_in(const struct scenario *scenario,
				       const struct arrival *arrival)
{
	struct fg_feed_packet pkt =
		packet_of(FG_FEED_DATA, scenario->base + arrival->first, arrival->count);

	pkt.sequence_bits = scenario->bits;
	if (scenario->bits == 32)
		pkt.first &= UINT32_MAX;
	/* The second differs in its channel id, the third in its session. */
	pkt.channel += arrival->channel == 1;
	pkt.session[15] = (uint8_t)(arrival->channel == 2);
	pkt.arrival_ns = arrival->ns;
	/* Copies are alike, and no other packet is. */
	pkt.digest = 1 + arrival->channel * NUMBERS_MAX + arrival->first;
	return pkt;
}

static uint64_t n_forgotten(const struct fg_arbiter *arbiter)
{
	return total_counter(arbiter, FG_ARBITER_CHANNEL_claims_forgotten);
}

static void check_line(const struct fg_arbiter *arbiter, uint32_t line)
{
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_first_arrivals),
			 expected.first_arrivals[line]);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_first_numbers),
			 expected.first_numbers[line]);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_partial),
			 expected.partial[line]);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_duplicates),
			 expected.duplicates[line]);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_duplicate_numbers),
			 expected.duplicate_numbers[line]);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_repeated),
			 expected.repeated[line]);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_skipped),
			 expected.skipped[line]);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_stale), 0);
	assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_untracked), 0);
}

static void check_leads(const struct fg_arbiter *arbiter, uint32_t n_lines)
{
	uint64_t unmeasured = 0, measured = 0;
	struct fg_arbiter_line line;

	for (uint32_t i = 0; i < n_lines; i++)
		unmeasured += line_counter(arbiter, i, FG_ARBITER_LINE_unmeasured);
	for (uint32_t i = 0; i < n_lines; i++) {
		fg_arbiter_line(arbiter, i, &line);
		for (uint32_t bucket = 0; bucket < FG_ARBITER_LEADS; bucket++) {
			measured += line.leads[bucket];
			if (unmeasured == 0)
				assert_int_equal(line.leads[bucket], expected.leads[i][bucket]);
		}
	}
	if (unmeasured == 0)
		assert_int_equal(measured, expected.races);
}

/* Which of the test's channels the arbiter's channel is. */
static uint32_t channel_of(const struct fg_arbiter_channel *channel)
{
	return channel->session[15] != 0 ? 2 : channel->channel == 8 ? 1 : 0;
}

/*
 * How many numbers came on no line, from the first packet to where the arbiter knows that numbers
 * were sent. Above that are only packets that none confirmed.
 */
static uint64_t missing_below_end(const struct scenario *scenario, const struct fg_arbiter *arbiter)
{
	struct fg_arbiter_channel channels[CHANNELS_MAX];
	const unsigned int n = fg_arbiter_channels(arbiter, channels, CHANNELS_MAX);
	const uint64_t mask = scenario->bits == 32 ? UINT32_MAX : UINT64_MAX;
	uint64_t missing = 0;

	for (unsigned int i = 0; i < n; i++) {
		const uint32_t channel = channel_of(&channels[i]);
		const uint64_t end = (channels[i].next - scenario->base) & mask;
		uint32_t start = NOBODY, above = 0;

		assert_true(end <= scenario->numbers);
		for (uint32_t k = 0; k < n_arrivals; k++) {
			if (arrivals[k].channel != channel)
				continue;
			start = start == NOBODY ? arrivals[k].first : start;
			above += arrivals[k].first >= end;
		}
		/* Where nothing is out of order, few packets are without another one to confirm
		 * them. */
		if (scenario->swap == 0 && scenario->jitter_ns == 0)
			assert_true(above <= 16 * scenario->n_lines);
		for (uint64_t number = start; number < end; number++)
			missing += expected.first_arrival[channel][number] == NOBODY;
	}
	return missing;
}

/* With @p gaps also check counters of gaps, which are exact if all open gaps found room. */
static void check_counters(const struct scenario *scenario, struct fg_arbiter *arbiter, bool gaps)
{
	struct fg_arbiter_channel channels[CHANNELS_MAX + 1];
	uint64_t sums[FG_ARBITER_CHANNEL_COUNT] = {0}, totals[FG_ARBITER_CHANNEL_COUNT];
	uint64_t missing;
	unsigned int n;

	fg_arbiter_flush(arbiter, T0);
	for (uint32_t line = 0; line < scenario->n_lines; line++)
		check_line(arbiter, line);
	check_leads(arbiter, scenario->n_lines);
	fg_arbiter_totals(arbiter, totals);
	missing = totals[FG_ARBITER_CHANNEL_missing] - totals[FG_ARBITER_CHANNEL_filled_late];
	assert_int_equal(missing, missing_below_end(scenario, arbiter));
	assert_int_equal(totals[FG_ARBITER_CHANNEL_before_start], expected.before_start);
	/* Nothing is out of order below a packet that is not confirmed, and no gap opens. */
	assert_true(totals[FG_ARBITER_CHANNEL_out_of_order] <= expected.out_of_order);
	assert_true(totals[FG_ARBITER_CHANNEL_gaps_opened] <= expected.gaps);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_claims_contradicted], 0);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_gaps_open], 0);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_held_now], 0);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_jumps_accepted] +
				 totals[FG_ARBITER_CHANNEL_jumps_rejected],
			 0);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_gaps_closed_other] +
				 totals[FG_ARBITER_CHANNEL_gaps_closed_late] +
				 totals[FG_ARBITER_CHANNEL_gaps_unfilled],
			 totals[FG_ARBITER_CHANNEL_gaps_opened]);
	if (gaps && expected.most_open <= 32)
		assert_int_equal(totals[FG_ARBITER_CHANNEL_filled_late], 0);
	n = fg_arbiter_channels(arbiter, channels, CHANNELS_MAX + 1);
	assert_true(n <= scenario->n_channels);
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int c = 0; c < FG_ARBITER_CHANNEL_COUNT; c++)
			sums[c] += channels[i].counters[c];
	assert_memory_equal(sums, totals, sizeof(sums));
}

/* Arbitrate a packet, and again while FG_ARBITER_MORE is set. @return how often again. */
static uint32_t arbitrate_pass(struct fg_arbiter *arbiter, const struct scenario *scenario,
			       uint32_t i)
{
	const struct arrival *arrival = &arrivals[i];
	const struct fg_feed_packet pkt = packet_in(scenario, arrival);
	uint8_t marked[NUMBERS_MAX] = {0};
	struct fg_arbiter_result result;
	uint32_t fresh = 0, again = 0;

	do {
		fg_arbiter_arbitrate(arbiter, arrival->line, arrival->ns, &pkt, NULL, &result);
		for (uint32_t k = 0; k < arrival->count; k++)
			marked[k] = (uint8_t)(marked[k] + result_has(&result, k));
		again++;
	} while ((result.flags & FG_ARBITER_MORE) != 0);
	for (uint32_t k = 0; k < arrival->count; k++) {
		const bool is = expected.first_arrival[arrival->channel][arrival->first + k] == i;

		/* A packet that was forgotten before another one confirmed it may pass again. */
		if (marked[k] != is && (!marked[k] || n_forgotten(arbiter) == 0))
			fail_msg("arrival %u, number %u: %u", i, arrival->first + k, marked[k]);
		fresh += is;
	}
	if (n_forgotten(arbiter) == 0)
		assert_int_equal(result.disposition,
				 fresh > 0 ? FG_ARBITER_PASS : FG_ARBITER_DUPLICATE);
	assert_int_equal(result.line, arrival->line);
	assert_int_equal(result.flags & ~(FG_ARBITER_LATE | FG_ARBITER_EPOCH), 0);
	return again - 1;
}

/* Without hold: each packet passes with the numbers that it brings first, and no others. */
static void check_pass(const struct scenario *scenario)
{
	struct fg_arbiter *arbiter =
		arbiter_of((struct fg_arbiter_conf){.n_lines = (uint8_t)scenario->n_lines,
						    .window = 2048,
						    .gap_timeout_ns = UINT64_MAX});
	uint32_t again = 0;

	for (uint32_t i = 0; i < n_arrivals; i++)
		again += arbitrate_pass(arbiter, scenario, i);
	/* A packet that is arbitrated again counts twice. */
	if (again == 0 && n_forgotten(arbiter) == 0)
		check_counters(scenario, arbiter, true);
	fg_arbiter_free(arbiter);
}

/* With hold: what was delivered so far, and what is held. */
struct outcome {
	struct fg_arbiter *arbiter;
	const struct scenario *scenario;
	uint8_t out[CHANNELS_MAX][NUMBERS_MAX];
	int64_t last[CHANNELS_MAX];
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

		if (!result_has(result, k))
			continue;
		if (outcome->out[arrival->channel][n]++ != 0 && n_forgotten(outcome->arbiter) == 0)
			fail_msg("number %u was delivered twice", (unsigned int)n);
		/* Released before another packet confirmed it. */
		if ((result->flags & FG_ARBITER_JUMP) != 0)
			continue;
		if (n < outcome->last[arrival->channel]) {
			assert_true((result->flags & FG_ARBITER_LATE) != 0 ||
				    n_forgotten(outcome->arbiter) > 0);
			outcome->late++;
		}
		outcome->last[arrival->channel] = RTE_MAX(outcome->last[arrival->channel], n);
	}
}

static void take_all(struct outcome *outcome)
{
	struct fg_arbiter_taken taken[3];
	unsigned int n;

	while ((n = fg_arbiter_take(outcome->arbiter, taken, 3)) > 0) {
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

/* @return whether FG_ARBITER_MORE is set. */
static bool arbitrate_held(struct outcome *outcome, uint32_t i)
{
	const struct fg_feed_packet pkt = packet_in(outcome->scenario, &arrivals[i]);
	struct fg_arbiter_result result;

	fg_arbiter_arbitrate(outcome->arbiter, arrivals[i].line, arrivals[i].ns, &pkt,
			     (void *)(uintptr_t)i, &result);
	assert_int_equal(result.flags & FG_ARBITER_UNTRACKED, 0);
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
	assert_int_equal(fg_arbiter_take(outcome->arbiter, &(struct fg_arbiter_taken){0}, 1), 0);
	return (result.flags & FG_ARBITER_MORE) != 0;
}

static void check_hold(const struct scenario *scenario, uint32_t hold_packets, uint64_t hold_ns)
{
	static struct outcome outcome;
	uint32_t oldest = 0, again = 0;
	bool exact;

	memset(&outcome, 0, sizeof(outcome));
	memset(outcome.last, 0xff, sizeof(outcome.last));
	outcome.scenario = scenario;
	outcome.held = calloc(n_arrivals + 1, 1);
	outcome.arbiter = arbiter_of((struct fg_arbiter_conf){.n_lines = (uint8_t)scenario->n_lines,
							      .hold = true,
							      .hold_packets = hold_packets,
							      .hold_ns = hold_ns,
							      .window = 2048,
							      .gap_timeout_ns = UINT64_MAX});
	for (uint32_t i = 0; i < n_arrivals; i++) {
		while (arbitrate_held(&outcome, i))
			again++;
		if (fg_arbiter_tick(outcome.arbiter, arrivals[i].ns))
			take_all(&outcome);
		/* hold_packets and hold_ns are kept. */
		assert_true(outcome.n_held <= hold_packets);
		while (oldest < i && outcome.held[oldest] == 0)
			oldest++;
		assert_true(arrivals[i].ns - arrivals[oldest].ns < hold_ns || oldest == i);
	}
	fg_arbiter_flush(outcome.arbiter, arrivals[RTE_MAX(n_arrivals, 1u) - 1].ns);
	take_all(&outcome);
	assert_int_equal(outcome.n_held, 0);
	for (uint32_t channel = 0; channel < scenario->n_channels; channel++)
		for (uint32_t n = 0; n < scenario->numbers; n++)
			assert_int_equal(outcome.out[channel][n] != 0,
					 expected.first_arrival[channel][n] != NOBODY);
	exact = n_forgotten(outcome.arbiter) == 0;
	/* Late numbers are those given up before, or from before the start. */
	assert_true(!exact ||
		    outcome.late <= total_counter(outcome.arbiter, FG_ARBITER_CHANNEL_filled_late) +
					    total_counter(outcome.arbiter,
							  FG_ARBITER_CHANNEL_before_start));
	/* The third channel changes the session, which releases what the old session holds. */
	if (exact && scenario->n_channels < 3 &&
	    total_counter(outcome.arbiter, FG_ARBITER_CHANNEL_hold_expired) == 0 &&
	    total_counter(outcome.arbiter, FG_ARBITER_CHANNEL_hold_full) == 0)
		assert_true(outcome.late <= expected.before_start);
	if (again == 0 && exact)
		check_counters(scenario, outcome.arbiter, false);
	free(outcome.held);
	fg_arbiter_free(outcome.arbiter);
}

static struct scenario random_scenario(void)
{
	static const uint64_t bases[] = {1, 0, UINT32_MAX - 300, UINT64_MAX - 300, 1u << 31};
	static const uint32_t rates[] = {0, 5, 50, 300};
	/* A number is sent every 1,000 ns: lines are at most 1,200 apart, less than the window. */
	static const uint32_t times[] = {0, 500, 5000, 50000, 400000};
	const uint32_t sizes[] = {1, 3, 15, 64, 100};
	struct scenario scenario = {
		.n_lines = 1 + random_below(LINES_TRIED),
		.n_channels = 1 + random_below(CHANNELS_MAX),
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

	/* After a loss, copies differ from other packets in their boundaries. */
	if (scenario.loss > 0 || scenario.swap > 0 || scenario.jitter_ns > 0)
		scenario.same_cuts = true;
	scenario.bits = scenario.base > UINT32_MAX || random_below(2) == 0 ? 64 : 32;
	return scenario;
}

static unsigned int scenarios(void)
{
	return getenv("FG_LONG") != NULL ? 10000 : 200;
}

static void each_number_passes_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < scenarios(); i++) {
		const struct scenario scenario = random_scenario();

		make_scenario(&scenario);
		find_expected(&scenario);
		check_pass(&scenario);
	}
}

static void in_order_where_held(void **state)
{
	static const uint32_t packets[] = {1, 4, 256, 5000};
	static const uint64_t times[] = {1000, 20000, 10 * MS, 1000 * MS};

	(void)state;
	for (unsigned int i = 0; i < scenarios(); i++) {
		const struct scenario scenario = random_scenario();

		make_scenario(&scenario);
		find_expected(&scenario);
		check_hold(&scenario, packets[random_below(4)], times[random_below(4)]);
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
