/* SPDX-License-Identifier: MIT */
/*
 * The model of the arbiter's property test: lines that lose, delay, reorder and repeat packets, and
 * by brute force which arrival brings each number first.
 */
#ifndef ARBITER_MODEL_H
#define ARBITER_MODEL_H

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

#endif /* ARBITER_MODEL_H */
