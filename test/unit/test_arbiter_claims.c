/* SPDX-License-Identifier: MIT */
/* Cases of what one packet says: numbers ahead, restarts, retransmissions, channels, silence. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <fg_eal.h>

#include "arbiter_rig.h"

#define A 0
#define B 1
#define C 2

#define SECOND (1000 * MS)

/* A packet whose messages hash to @p digest. */
static struct fg_arbiter_result send(struct fg_arbiter *arbiter, unsigned int line, uint64_t now,
				     uint64_t first, uint32_t count, uint32_t digest)
{
	struct fg_feed_packet pkt = packet_of(FG_FEED_DATA, first, count);
	struct fg_arbiter_result result;

	pkt.digest = digest;
	pkt.arrival_ns = now;
	fg_arbiter_arbitrate(arbiter, line, now, &pkt, NULL, &result);
	return result;
}

/* A packet with one number, in another channel. */
static void send_in(struct fg_arbiter *arbiter, unsigned int line, uint64_t now, uint64_t channel,
		    uint64_t first)
{
	struct fg_feed_packet pkt = packet_of(FG_FEED_DATA, first, 1);
	struct fg_arbiter_result result;

	pkt.channel = channel;
	pkt.arrival_ns = now;
	fg_arbiter_arbitrate(arbiter, line, now, &pkt, NULL, &result);
}

/* Both lines bring packets of one number each, [from, to). */
static void both(struct fg_arbiter *arbiter, uint64_t now, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n < to; n++) {
		assert_passes(send(arbiter, A, now, n, 1, 1000), 0, 1);
		assert_disposition(send(arbiter, B, now, n, 1, 1000), FG_ARBITER_DUPLICATE);
	}
}

static uint64_t unrecovered(const struct fg_arbiter *arbiter)
{
	return total_counter(arbiter, FG_ARBITER_CHANNEL_missing) -
	       total_counter(arbiter, FG_ARBITER_CHANNEL_filled_late);
}

/* A spoofed packet ahead, at any distance and on any line, costs itself. */
static void one_spoofed_packet(void **state)
{
	(void)state;
	for (unsigned int line = A; line <= C; line++)
		for (uint64_t distance = 1; distance < 10000; distance += distance / 3 + 1) {
			struct fg_arbiter *arbiter =
				arbiter_of((struct fg_arbiter_conf){.n_lines = 3});
			const uint64_t at = 100 + distance;

			both(arbiter, T0, 1, 100);
			assert_passes(send(arbiter, line, T0, at, 3, 5), 0, 3);
			/* Once more: still one packet. */
			assert_disposition(send(arbiter, line, T0, at, 3, 5), FG_ARBITER_DUPLICATE);
			both(arbiter, T0, 100, 12000);
			assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
			fg_arbiter_flush(arbiter, T0);
			assert_int_equal(unrecovered(arbiter), 0);
			fg_arbiter_free(arbiter);
		}
}

/* The same packet, damaged in its messages only: the other line's copy passes. */
static void another_digest_is_another_packet(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	both(arbiter, T0, 1, 10);
	assert_passes(send(arbiter, A, T0, 20, 2, 5), 0, 2);
	/* Confirmed by the packets after it, but not what line B has. */
	assert_passes(send(arbiter, A, T0, 22, 1, 6), 0, 1);
	assert_passes(send(arbiter, A, T0, 23, 1, 7), 0, 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 1);
	assert_disposition(send(arbiter, B, T0, 22, 1, 6), FG_ARBITER_DUPLICATE);
	assert_passes(send(arbiter, B, T0, 20, 2, 99), 0, 2);
	assert_disposition(send(arbiter, B, T0, 20, 2, 5), FG_ARBITER_DUPLICATE);
	fg_arbiter_free(arbiter);
}

/* The same for what is sent again on request. */
static void retransmission_of_another_digest(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.n_lines = 3});
	struct fg_feed_packet pkt = packet_of(FG_FEED_RETRANSMISSION, 10, 2);
	struct fg_arbiter_result result;

	(void)state;
	both(arbiter, T0, 1, 10);
	for (uint64_t n = 12; n < 15; n++)
		send(arbiter, A, T0, n, 1, 7);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 1);
	pkt.digest = 66;
	fg_arbiter_arbitrate(arbiter, C, T0, &pkt, NULL, &result);
	assert_passes(result, 0, 2);
	assert_passes(send(arbiter, B, T0, 10, 2, 5), 0, 2);
	assert_disposition(send(arbiter, A, T0, 10, 2, 5), FG_ARBITER_DUPLICATE);
	/* What is sent again is the right one. */
	for (uint64_t n = 17; n < 20; n++)
		send(arbiter, A, T0, n, 1, 7);
	assert_passes(send(arbiter, B, T0, 15, 2, 66), 0, 2);
	pkt.first = 15;
	pkt.digest = 5;
	fg_arbiter_arbitrate(arbiter, C, T0, &pkt, NULL, &result);
	assert_passes(result, 0, 2);
	fg_arbiter_arbitrate(arbiter, C, T0, &pkt, NULL, &result);
	assert_disposition(result, FG_ARBITER_DUPLICATE);
	assert_int_equal(unrecovered(arbiter), 0);
	fg_arbiter_free(arbiter);
}

/* What nothing confirms is forgotten in 10 s, and was in nobody's way. */
static void forgotten_in_time(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.channels = 4});
	struct fg_arbiter_channel channels[4];

	(void)state;
	both(arbiter, T0, 1, 10);
	send(arbiter, A, T0, 20, 1, 5);
	send(arbiter, B, T0, 1000000, 1, 5);
	arbitrate(arbiter, A, T0, FG_FEED_RESET, 500, 0);
	send_in(arbiter, A, T0, 8, 1);
	assert_int_equal(fg_arbiter_channels(arbiter, channels, 4), 2);
	fg_arbiter_tick(arbiter, T0 + 8 * SECOND);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_claims_forgotten), 0);
	fg_arbiter_tick(arbiter, T0 + 10 * SECOND);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_claims_forgotten), 2);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets_unconfirmed), 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_channels_forgotten), 1);
	assert_int_equal(fg_arbiter_channels(arbiter, channels, 4), 1);
	both(arbiter, T0 + 10 * SECOND, 10, 30);
	fg_arbiter_free(arbiter);
}

/* Both lines lose the same numbers, and send only one packet after them: reported in time. */
static void gap_at_the_end(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	both(arbiter, T0, 1, 10);
	both(arbiter, T0, 20, 21);
	fg_arbiter_tick(arbiter, T0 + SECOND - MS);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
	fg_arbiter_tick(arbiter, T0 + SECOND);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 1);
	assert_int_equal(unrecovered(arbiter), 10);
	fg_arbiter_free(arbiter);
}

/* One spoofed reset: both epochs' copies are still duplicates, whatever the line sends next. */
static void one_spoofed_reset(void **state)
{
	static const uint64_t to[] = {1, 50, 100, 101, 150, 1000000};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(to); i++) {
		struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

		both(arbiter, T0, 1, 100);
		assert_passes(send(arbiter, A, T0, 100, 1, 1000), 0, 1);
		assert_disposition(arbitrate(arbiter, B, T0, FG_FEED_RESET, to[i], 0),
				   FG_ARBITER_ADMIN);
		assert_disposition(send(arbiter, B, T0, 100, 1, 1000), FG_ARBITER_DUPLICATE);
		both(arbiter, T0, 101, 300);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 0);
		fg_arbiter_free(arbiter);
	}
}

/* 1,000 spoofed packets far away, between the two that make a real jump. */
static void jump_among_spoofed_packets(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	both(arbiter, T0, 1, 100);
	for (uint64_t n = 0; n < 1000; n++)
		send(arbiter, n & 1, T0, UINT64_C(1) << 40 | n * 20011, 1, 5);
	both(arbiter, T0, 100, 200);
	assert_passes(send(arbiter, A, T0, 500000, 1, 8), 0, 1);
	send(arbiter, A, T0, UINT64_C(1) << 41, 1, 5);
	assert_disposition(send(arbiter, B, T0, 500000, 1, 8), FG_ARBITER_DUPLICATE);
	both(arbiter, T0, 500001, 500100);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumps_accepted), 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumped_over), 500000 - 200);
	fg_arbiter_free(arbiter);
}

/* A venue's next day: numbers begin at 1. Heartbeats of both lines, or three of one, say so. */
static void restart_by_heartbeats(void **state)
{
	(void)state;
	for (unsigned int lines = 1; lines <= 2; lines++) {
		struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
		const uint64_t later = T0 + 14 * 3600 * SECOND;

		both(arbiter, T0, 1, 100);
		for (unsigned int i = 0; i < (lines == 2 ? 2u : 3u); i++) {
			assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 0);
			arbitrate(arbiter, lines == 2 ? i : A, later + i * SECOND,
				  FG_FEED_HEARTBEAT, 1, 0);
		}
		assert_int_equal(event_of(arbiter, FG_ARBITER_RESET).last, 99);
		both(arbiter, later + 3 * SECOND, 1, 200);
		assert_int_equal(unrecovered(arbiter), 0);
		fg_arbiter_free(arbiter);
	}
}

/* Heartbeats that lag, or were overtaken by data, are none. */
static void no_restart_by_heartbeats(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	both(arbiter, T0, 1, 100);
	/* Both lines' heartbeats were overtaken by the last packet. */
	arbitrate(arbiter, A, T0 + MS, FG_FEED_HEARTBEAT, 99, 0);
	arbitrate(arbiter, B, T0 + MS, FG_FEED_HEARTBEAT, 99, 0);
	/* Line B has not had all of it: its heartbeats are right. */
	for (uint64_t n = 100; n < 110; n++)
		send(arbiter, A, T0 + SECOND, n, 1, 1000);
	for (unsigned int i = 0; i < 5; i++)
		arbitrate(arbiter, B, T0 + (2 + i) * SECOND, FG_FEED_HEARTBEAT, 100, 0);
	/* One wrong one among data. */
	arbitrate(arbiter, A, T0 + 10 * SECOND, FG_FEED_HEARTBEAT, 50, 0);
	send(arbiter, A, T0 + 10 * SECOND, 110, 1, 1000);
	arbitrate(arbiter, B, T0 + 10 * SECOND, FG_FEED_HEARTBEAT, 50, 0);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 0);
	fg_arbiter_free(arbiter);
}

/* Both lines go back after a pause, without a word: two packets each are dropped, and reported. */
static void restart_by_both_lines(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	const uint64_t later = T0 + 20 * SECOND;

	(void)state;
	both(arbiter, T0, 1, 100);
	assert_disposition(send(arbiter, A, later, 1, 1, 1), FG_ARBITER_DUPLICATE);
	assert_disposition(send(arbiter, B, later, 1, 1, 1), FG_ARBITER_DUPLICATE);
	assert_disposition(send(arbiter, A, later, 2, 1, 1), FG_ARBITER_DUPLICATE);
	assert_passes(send(arbiter, B, later, 2, 1, 1), 0, 1);
	assert_int_equal(event_of(arbiter, FG_ARBITER_RESET).first, 1);
	both(arbiter, later, 3, 200);
	/* Number 1 is a gap of the new epoch. */
	fg_arbiter_tick(arbiter, later + 2 * SECOND);
	assert_int_equal(unrecovered(arbiter), 1);
	fg_arbiter_free(arbiter);
}

/* One line alone needs ten seconds of silence, and three packets. */
static void restart_by_one_line(void **state)
{
	(void)state;
	for (uint64_t seconds = 5; seconds <= 20; seconds += 15) {
		struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.n_lines = 1});
		const uint64_t later = T0 + seconds * SECOND;

		for (uint64_t n = 1; n < 100; n++)
			send(arbiter, A, T0, n, 1, 1);
		for (uint64_t n = 1; n < 50; n++)
			assert_disposition(send(arbiter, A, later, n, 1, 1),
					   seconds > 10 && n > 2 ? FG_ARBITER_PASS
								 : FG_ARBITER_DUPLICATE);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), seconds > 10);
		fg_arbiter_free(arbiter);
	}
}

/* A line that only repeats, in order and for long, after any pause, is no sender. */
static void line_that_repeats(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.n_lines = 3});

	(void)state;
	both(arbiter, T0, 1, 20000);
	for (uint64_t round = 0; round < 3; round++)
		for (uint64_t n = 15000; n < 19000; n++)
			assert_disposition(send(arbiter, C, T0 + 60 * SECOND, n, 1, 1000),
					   FG_ARBITER_DUPLICATE);
	/* And below the window. */
	for (uint64_t n = 1; n < 100; n++)
		assert_disposition(send(arbiter, C, T0 + 60 * SECOND, n, 1, 1000),
				   FG_ARBITER_STALE);
	/* A switch repeats the last packets of line A, while B goes on. */
	for (uint64_t n = 19990; n < 20000; n++) {
		assert_disposition(send(arbiter, A, T0 + 61 * SECOND, n, 1, 1000),
				   FG_ARBITER_DUPLICATE);
		assert_passes(send(arbiter, B, T0 + 61 * SECOND, n + 10, 1, 1000), 0, 1);
	}
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 0);
	fg_arbiter_free(arbiter);
}

/* Retransmissions fill what is missing, also long after the window has moved on, and no more. */
static void retransmissions(void **state)
{
	struct fg_arbiter *arbiter =
		arbiter_of((struct fg_arbiter_conf){.window = 128, .n_lines = 3});
	struct fg_arbiter_event event;
	struct fg_arbiter_result result;

	(void)state;
	both(arbiter, T0, 1, 100);
	both(arbiter, T0, 110, 1000);
	assert_int_equal(unrecovered(arbiter), 10);
	/* Half of it, with numbers that came on both sides. */
	result = arbitrate(arbiter, C, T0, FG_FEED_RETRANSMISSION, 95, 10);
	assert_disposition(result, FG_ARBITER_PASS);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(result_has(&result, i), i >= 5);
	assert_int_equal(unrecovered(arbiter), 5);
	assert_disposition(arbitrate(arbiter, C, T0, FG_FEED_RETRANSMISSION, 95, 10),
			   FG_ARBITER_DUPLICATE);
	/* The rest comes as data, on a line of its own. */
	assert_passes(data(arbiter, C, T0, 105, 5), 0, 5);
	assert_int_equal(unrecovered(arbiter), 0);
	event = event_of(arbiter, FG_ARBITER_GAP_FILLED_LATE);
	assert_int_equal(event.first, 100);
	assert_int_equal(event.last, 109);
	assert_int_equal(event.n, 10);
	/* What is not missing: a duplicate, also ahead. Nothing moves. */
	assert_disposition(arbitrate(arbiter, C, T0, FG_FEED_RETRANSMISSION, 1, 50),
			   FG_ARBITER_DUPLICATE);
	assert_disposition(arbitrate(arbiter, C, T0, FG_FEED_RETRANSMISSION, 1005, 10),
			   FG_ARBITER_DUPLICATE);
	both(arbiter, T0, 1000, 1020);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 1);
	fg_arbiter_free(arbiter);
}

/* One gap of 200 numbers: two events, while the window moves over it one by one. */
static void one_gap_two_events(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.window = 512});
	struct fg_arbiter_event events[8];

	(void)state;
	both(arbiter, T0, 1, 101);
	both(arbiter, T0, 301, 1000);
	assert_int_equal(fg_arbiter_events(arbiter, events, 8), 2);
	assert_int_equal(events[0].kind, FG_ARBITER_GAP_OPENED);
	assert_int_equal(events[1].kind, FG_ARBITER_GAP_UNFILLED);
	assert_int_equal(events[1].first, 101);
	assert_int_equal(events[1].last, 300);
	assert_int_equal(events[1].n, 200);
	fg_arbiter_free(arbiter);
}

/* A hundred gaps in a second: sixteen events, and one for the rest. The counters are exact. */
static void events_are_merged(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_event events[256];
	uint64_t n_opened = 0, sum = 0;
	unsigned int n;

	(void)state;
	for (uint64_t n_gap = 0; n_gap < 100; n_gap++)
		for (uint64_t i = 0; i < 3; i++)
			data(arbiter, A, T0 + n_gap * MS, 1 + n_gap * 5 + i, 1);
	fg_arbiter_tick(arbiter, T0 + 3 * SECOND);
	n = fg_arbiter_events(arbiter, events, 256);
	for (unsigned int i = 0; i < n; i++)
		if (events[i].kind == FG_ARBITER_GAP_OPENED) {
			n_opened++;
			sum += events[i].n;
			assert_int_equal(events[i].merged, n_opened == 17 ? 99 - 16 : 0);
		}
	assert_int_equal(n_opened, 17);
	assert_int_equal(sum, 99 * 2);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 99);
	fg_arbiter_free(arbiter);
}

/* Silence is of a line in a channel, and ends with the session. */
static void silence_by_channel(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.silence_ns = SECOND});
	struct fg_arbiter_event event;

	(void)state;
	for (unsigned int line = A; line <= B; line++) {
		send_in(arbiter, line, T0, 1, 1);
		send_in(arbiter, line, T0, 2, 1);
	}
	/* Line B goes on in channel 1 only. */
	send_in(arbiter, A, T0 + 900 * MS, 1, 2);
	send_in(arbiter, B, T0 + 900 * MS, 1, 2);
	send_in(arbiter, A, T0 + 900 * MS, 2, 2);
	fg_arbiter_tick(arbiter, T0 + 1200 * MS);
	event = event_of(arbiter, FG_ARBITER_SILENT);
	assert_int_equal(event.channel, 2);
	assert_int_equal(event.line, B);
	assert_int_equal(event.first, T0);
	assert_int_equal(line_counter(arbiter, B, FG_ARBITER_LINE_silent), 1);
	send_in(arbiter, B, T0 + 1300 * MS, 2, 2);
	assert_int_equal(event_of(arbiter, FG_ARBITER_BACK).channel, 2);
	assert_int_equal(line_counter(arbiter, B, FG_ARBITER_LINE_silent), 0);
	/* The session of both ends. */
	for (uint64_t channel = 1; channel <= 2; channel++) {
		struct fg_feed_packet pkt = packet_of(FG_FEED_END, 3, 0);
		struct fg_arbiter_result result;

		pkt.channel = channel;
		fg_arbiter_arbitrate(arbiter, A, T0 + 1400 * MS, &pkt, NULL, &result);
	}
	fg_arbiter_tick(arbiter, T0 + 3600 * SECOND);
	assert_int_equal(event_of(arbiter, FG_ARBITER_SILENT).kind, FG_ARBITER_EVENT_KINDS);
	fg_arbiter_free(arbiter);
}

/* A session that ended and goes on after all: its lines may be silent again. */
static void silence_after_end(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.silence_ns = SECOND});

	(void)state;
	both(arbiter, T0, 1, 10);
	arbitrate(arbiter, A, T0, FG_FEED_END, 10, 0);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_ended), 1);
	fg_arbiter_tick(arbiter, T0 + 60 * SECOND);
	both(arbiter, T0 + 61 * SECOND, 10, 20);
	for (uint64_t now = T0 + 61 * SECOND; now <= T0 + 63 * SECOND; now += 100 * MS)
		fg_arbiter_tick(arbiter, now);
	for (unsigned int line = A; line <= B; line++)
		assert_int_equal(line_counter(arbiter, line, FG_ARBITER_LINE_silences), 1);
	fg_arbiter_free(arbiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_spoofed_packet),
		cmocka_unit_test(another_digest_is_another_packet),
		cmocka_unit_test(retransmission_of_another_digest),
		cmocka_unit_test(forgotten_in_time),
		cmocka_unit_test(gap_at_the_end),
		cmocka_unit_test(one_spoofed_reset),
		cmocka_unit_test(jump_among_spoofed_packets),
		cmocka_unit_test(restart_by_heartbeats),
		cmocka_unit_test(no_restart_by_heartbeats),
		cmocka_unit_test(restart_by_both_lines),
		cmocka_unit_test(restart_by_one_line),
		cmocka_unit_test(line_that_repeats),
		cmocka_unit_test(retransmissions),
		cmocka_unit_test(one_gap_two_events),
		cmocka_unit_test(events_are_merged),
		cmocka_unit_test(silence_by_channel),
		cmocka_unit_test(silence_after_end),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_arbiter_claims", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
