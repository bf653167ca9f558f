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

#include "arbiter_model.h"

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
