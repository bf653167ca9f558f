/* SPDX-License-Identifier: MIT */
/*
 * Random packets, times and lines. The arbiter must keep what fg_arbiter.h promises: the number of
 * held packets is bounded, each is returned once and in time; results stay within their packets;
 * counters add up; what peek calls a duplicate is one. Channel id 3 stays within one window, and a
 * model checks that each of its numbers passes once at most, but for those of packets that nothing
 * confirmed.
 *
 * An operation is eight bytes: kind, line, session and channel, three of the number, count, time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include <fg_arbiter.h>
#include <fg_eal.h>

#define HELD_MAX 8u
#define HOLD_NS  UINT64_C(3000000)
#define WINDOW   256u
#define N_LINES  3u
#define MODEL    4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct held {
	uint64_t since_ns;
	uint32_t count;
	bool is;
	uint8_t line;
};

static struct fg_arbiter *arbiter;
static struct held held[65536]; /* by operation */
static uint32_t n_held, n_arbitrated[N_LINES], oldest;
static uint64_t now_ns;
static bool hold, back;
/* Channel id 3, which has neither resets nor jumps. */
static uint8_t passed[MODEL];
static uint32_t numbers[65536];

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool result_has(const struct fg_arbiter_result *result, uint32_t i)
{
	if (i < result->from || i >= result->to)
		return false;
	return i - result->from >= 64 || (result->mask >> (i - result->from) & 1) != 0;
}

/* What the arbiter did not believe, or has forgotten since; and resets. */
static uint64_t n_unconfirmed(void)
{
	uint64_t totals[FG_ARBITER_CHANNEL_COUNT];

	fg_arbiter_totals(arbiter, totals);
	return totals[FG_ARBITER_CHANNEL_claims] + totals[FG_ARBITER_CHANNEL_channels_forgotten] +
	       totals[FG_ARBITER_CHANNEL_channels_evicted] + totals[FG_ARBITER_CHANNEL_resets];
}

static void check_result(uint32_t op, const struct fg_arbiter_result *result, uint32_t count)
{
	check(result->from <= result->to && result->to <= count);
	check(result->line < N_LINES);
	if (result->disposition != FG_ARBITER_PASS)
		return;
	check(count == 0 || result_has(result, result->from));
	check(count == 0 || result_has(result, result->to - 1));
	if (numbers[op] == UINT32_MAX || (result->flags & FG_ARBITER_UNTRACKED) != 0)
		return;
	for (uint32_t i = result->from; i < result->to; i++)
		if (result_has(result, i))
			check(passed[numbers[op] + i]++ == 0 || n_unconfirmed() > 0);
}

static void take_all(void)
{
	struct fg_arbiter_taken taken[4];
	unsigned int n;

	while ((n = fg_arbiter_take(arbiter, taken, 4)) > 0) {
		for (unsigned int i = 0; i < n; i++) {
			const uint32_t op = (uint32_t)(uintptr_t)taken[i].packet;

			check(held[op].is);
			check(held[op].line == taken[i].result.line);
			check(taken[i].result.disposition == FG_ARBITER_PASS ||
			      taken[i].result.disposition == FG_ARBITER_DUPLICATE);
			held[op].is = false;
			n_held--;
			check_result(op, &taken[i].result, held[op].count);
		}
	}
}

/* Held packets are returned in time. After the clock went back all of them are due. */
static void check_time(uint32_t op)
{
	const bool ready = fg_arbiter_tick(arbiter, now_ns);

	check(ready || fg_arbiter_take(arbiter, &(struct fg_arbiter_taken){0}, 1) == 0);
	take_all();
	while (oldest < op && !held[oldest].is)
		oldest++;
	for (uint32_t i = oldest; n_held > 0 && !back && i < op; i++)
		check(!held[i].is || now_ns - held[i].since_ns < HOLD_NS);
}

static struct fg_feed_packet packet_of(const uint8_t *at, uint32_t op)
{
	static const uint64_t bases[] = {1000, UINT32_MAX - 500, UINT64_MAX - 500, 0};
	struct fg_feed_packet pkt = {.channel = at[2] & 3, .sequence_bits = 32};
	const uint32_t near = (uint32_t)at[3] | (uint32_t)at[4] << 8;

	pkt.session[0] = at[2] >> 2 & 7;
	pkt.kind = at[0] & 7;
	pkt.count = at[6] % 80;
	/* Some packets are alike but for their messages. */
	pkt.digest = at[7] & 3;
	pkt.first = bases[at[2] >> 5 & 3] + (near & 2047);
	numbers[op] = UINT32_MAX;
	if (pkt.channel != 3) {
		/* Sometimes far. */
		pkt.first += at[5] > 200 ? (uint64_t)at[5] << (at[4] & 63) : near >> 5;
		pkt.count = at[6] == 255 ? UINT32_MAX - at[5] : pkt.count;
		pkt.sequence_bits = (at[2] >> 5 & 3) == 1 ? 32 : 64;
		return pkt;
	}
	/* All within one window: starts at 100 numbers, packets of 20 at most. */
	pkt.session[0] = 0;
	pkt.digest = 0;
	pkt.kind = pkt.kind == FG_FEED_HEARTBEAT        ? FG_FEED_HEARTBEAT
		   : pkt.kind == FG_FEED_RETRANSMISSION ? FG_FEED_RETRANSMISSION
							: FG_FEED_DATA;
	pkt.count = 1 + at[6] % 20;
	numbers[op] = near % 100;
	pkt.first = (uint32_t)(UINT32_MAX - 50 + numbers[op]);
	return pkt;
}

static void arbitrate(const uint8_t *at, uint32_t op)
{
	struct fg_feed_packet pkt = packet_of(at, op);
	const unsigned int line = at[1] % (N_LINES + 1);
	const unsigned int as_line = line < N_LINES ? line : 0;
	enum fg_arbiter_peek peek;
	struct fg_arbiter_result result;

	pkt.arrival_ns = now_ns;
	peek = fg_arbiter_peek(arbiter, line, &pkt);
	fg_arbiter_arbitrate(arbiter, line, now_ns, &pkt, (void *)(uintptr_t)op, &result);
	n_arbitrated[as_line]++;
	check(peek != FG_ARBITER_PEEK_DUPLICATE || result.disposition == FG_ARBITER_DUPLICATE);
	check(result.line == as_line);
	if (result.disposition == FG_ARBITER_HELD) {
		check(hold);
		held[op] = (struct held){now_ns, pkt.count, true, result.line};
		n_held++;
	} else {
		check(result.disposition < FG_ARBITER_DISPOSITIONS);
		check((result.disposition == FG_ARBITER_ADMIN) ==
		      (pkt.kind < FG_FEED_RETRANSMISSION &&
		       (pkt.kind != FG_FEED_DATA || pkt.count == 0)));
		check_result(op, &result, pkt.count);
	}
	if ((result.flags & FG_ARBITER_READY) != 0)
		take_all();
	check(n_held <= HELD_MAX);
}

static uint64_t packets_of_line(unsigned int line)
{
	struct fg_arbiter_line out;
	uint64_t races = 0;

	fg_arbiter_line(arbiter, line, &out);
	check(out.counters[FG_ARBITER_LINE_partial] <=
	      out.counters[FG_ARBITER_LINE_first_arrivals]);
	check(out.counters[FG_ARBITER_LINE_repeated] <= out.counters[FG_ARBITER_LINE_duplicates]);
	for (unsigned int i = 0; i < FG_ARBITER_LEADS; i++)
		races += out.leads[i];
	check(races <= n_arbitrated[0] + n_arbitrated[1] + n_arbitrated[2]);
	return out.counters[FG_ARBITER_LINE_first_arrivals] +
	       out.counters[FG_ARBITER_LINE_duplicates] + out.counters[FG_ARBITER_LINE_stale] +
	       out.counters[FG_ARBITER_LINE_admin] + out.counters[FG_ARBITER_LINE_untracked];
}

static void check_end(void)
{
	uint64_t totals[FG_ARBITER_CHANNEL_COUNT];
	struct fg_arbiter_channel channels[8];
	struct fg_arbiter_event events[16];
	unsigned int n;

	fg_arbiter_flush(arbiter, now_ns);
	take_all();
	check(n_held == 0);
	for (unsigned int line = 0; line < N_LINES; line++)
		check(packets_of_line(line) == n_arbitrated[line]);
	fg_arbiter_totals(arbiter, totals);
	check(totals[FG_ARBITER_CHANNEL_gaps_open] == 0 &&
	      totals[FG_ARBITER_CHANNEL_held_now] == 0);
	check(totals[FG_ARBITER_CHANNEL_filled_late] <= totals[FG_ARBITER_CHANNEL_missing]);
	check(totals[FG_ARBITER_CHANNEL_gaps_filled_late] <=
	      totals[FG_ARBITER_CHANNEL_gaps_unfilled]);
	check(totals[FG_ARBITER_CHANNEL_gaps_opened] ==
	      totals[FG_ARBITER_CHANNEL_gaps_closed_other] +
		      totals[FG_ARBITER_CHANNEL_gaps_closed_late] +
		      totals[FG_ARBITER_CHANNEL_gaps_unfilled]);
	n = fg_arbiter_channels(arbiter, channels, 8);
	check(n <= 6);
	while ((n = fg_arbiter_events(arbiter, events, 16)) > 0)
		for (unsigned int i = 0; i < n; i++)
			check(events[i].kind < FG_ARBITER_EVENT_KINDS && events[i].line < N_LINES);
}

static void start(uint8_t how)
{
	struct fg_arbiter_conf conf = {.n_lines = N_LINES,
				       .hold = (how & 1) != 0,
				       .socket_id = SOCKET_ID_ANY,
				       .channels = 6,
				       .window = WINDOW,
				       .hold_packets = HELD_MAX,
				       .hold_ns = HOLD_NS,
				       .gap_timeout_ns = 20000000,
				       .silence_ns = 50000000,
				       .events = 64};
	struct fg_error error = {0};
	static bool started;

	if (!started)
		check(fg_eal_start_private("fuzz_arbiter", &error) == 0);
	started = true;
	check(fg_arbiter_create(&conf, &arbiter, &error) == 0);
	memset(held, 0, sizeof(held));
	memset(passed, 0, sizeof(passed));
	memset(n_arbitrated, 0, sizeof(n_arbitrated));
	n_held = oldest = 0;
	now_ns = UINT64_C(1700000000000000000);
	hold = conf.hold;
	back = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t op = 0;

	if (size == 0)
		return 0;
	start(data[0]);
	for (size_t at = 1; at + 8 <= size && op < RTE_DIM(held); at += 8, op++) {
		/* Up to 65 us; sometimes a second, or an hour back. */
		now_ns += (uint64_t)data[at + 7] << (data[at] >> 4 & 8);
		if (data[at] >= 0xfe)
			now_ns += 1000000000;
		if (data[at] == 0xfd) {
			now_ns -= UINT64_C(3600000000000);
			back = true;
		}
		arbitrate(data + at, op);
		check_time(op + 1);
	}
	check_end();
	fg_arbiter_free(arbiter);
	return 0;
}
