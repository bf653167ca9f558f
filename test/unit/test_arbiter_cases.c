/* SPDX-License-Identifier: MIT */
/* Cases of arbitration: first arrivals, gaps, jumps, heartbeats and resets. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>

#include <fg_eal.h>

#include "arbiter_rig.h"

#define A 0
#define B 1

/* Two packets after the one with @p first agree with it: what is missing below is a gap. */
static void ahead(struct fg_arbiter *arbiter, unsigned int line, uint64_t now, uint64_t first)
{
	for (uint64_t n = first; n < first + 3; n++)
		assert_passes(data(arbiter, line, now, n, 1), 0, 1);
}

/* A packet above the highest number that both lines bring, and a heartbeat that agrees. */
static void ahead_by_both(struct fg_arbiter *arbiter, uint64_t first, uint32_t count)
{
	assert_passes(data(arbiter, A, T0, first, count), 0, count);
	assert_disposition(data(arbiter, B, T0, first, count), FG_ARBITER_DUPLICATE);
	arbitrate(arbiter, A, T0, FG_FEED_HEARTBEAT, first + count, 0);
}

static void refused(struct fg_arbiter_conf conf, const char *reason)
{
	struct fg_arbiter *arbiter = NULL;
	struct fg_error error = {0};

	assert_int_equal(fg_arbiter_create(&conf, &arbiter, &error), -EINVAL);
	assert_null(arbiter);
	if (strstr(error.text, reason) == NULL)
		fail_msg("'%s' lacks '%s'", error.text, reason);
}

static void creation_is_checked(void **state)
{
	(void)state;
	refused((struct fg_arbiter_conf){.n_lines = 9}, "9 lines: at most 8");
	refused((struct fg_arbiter_conf){.window = 1000}, "window: 1000 is not a power of two");
	refused((struct fg_arbiter_conf){.window = 64}, "window: 64");
	refused((struct fg_arbiter_conf){.jump_max = 4097},
		"jump_max: 4097 is not a number from 1 to 4096");
	refused((struct fg_arbiter_conf){.channels = 1025}, "channels: 1025");
	refused((struct fg_arbiter_conf){.events = 3}, "events: 3");
	refused((struct fg_arbiter_conf){.hold_packets = 65537}, "hold_packets: 65537");
	fg_arbiter_free(NULL);
}

static void first_arrival_passes(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_result result;

	(void)state;
	assert_passes(data(arbiter, A, T0, 1, 10), 0, 10);
	assert_disposition(data(arbiter, B, T0 + 1500, 1, 4), FG_ARBITER_DUPLICATE);
	/* Packets cut differently: a part of each is new. */
	assert_passes(data(arbiter, B, T0 + 2000, 5, 10), 6, 10);
	result = data(arbiter, A, T0 + 2500, 11, 200);
	assert_passes(result, 4, 200);
	assert_disposition(data(arbiter, B, T0 + 2600, 200, 11), FG_ARBITER_DUPLICATE);
	/* A line that does not exist is taken as line 0. */
	assert_int_equal(data(arbiter, 99, T0 + 3000, 211, 1).line, A);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_first_arrivals), 3);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_partial), 1);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_last_ns), T0 + 3000);
	fg_arbiter_free(arbiter);
}

static void several_new_ranges(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_result result;

	(void)state;
	data(arbiter, A, T0, 1, 1);
	ahead_by_both(arbiter, 4, 2);
	ahead_by_both(arbiter, 8, 1);
	ahead_by_both(arbiter, 99, 1);
	ahead_by_both(arbiter, 110, 1);
	result = data(arbiter, B, T0, 1, 110);
	assert_disposition(result, FG_ARBITER_PASS);
	assert_int_equal(result.from, 1);
	/* Numbers 2, 3, 6, 7, 9 to 98: the last range extends past the mask. 100 on must wait. */
	assert_int_equal(result.to, 98);
	assert_true(result.mask == (UINT64_MAX & ~(UINT64_C(3) << 2) & ~(UINT64_C(1) << 6)));
	assert_int_equal(result.flags, FG_ARBITER_LATE | FG_ARBITER_MORE);
	assert_passes(data(arbiter, B, T0, 1, 110), 99, 109);
	assert_disposition(data(arbiter, B, T0, 1, 110), FG_ARBITER_DUPLICATE);
	fg_arbiter_free(arbiter);
}

static void lead_times(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_line line;

	(void)state;
	for (uint64_t n = 0; n < 1000; n++) {
		const unsigned int first = n % 10 == 0 ? B : A;

		data(arbiter, first, T0 + n * 10000, 1 + n, 1);
		data(arbiter, 1 - first, T0 + n * 10000 + 700, 1 + n, 1);
	}
	fg_arbiter_line(arbiter, A, &line);
	assert_int_equal(line.leads[10], 900); /* [512, 1024) */
	fg_arbiter_line(arbiter, B, &line);
	assert_int_equal(line.leads[10], 100);
	/* A duplicate slightly before its first arrival counts as 0 ns. */
	data(arbiter, A, T0 + 20 * MS, 1001, 1);
	data(arbiter, B, T0 + 20 * MS - 50, 1001, 1);
	fg_arbiter_line(arbiter, A, &line);
	assert_int_equal(line.leads[0], 1);
	fg_arbiter_free(arbiter);
}

static void gaps_are_reported(void **state)
{
	struct fg_arbiter *arbiter =
		arbiter_of((struct fg_arbiter_conf){.gap_timeout_ns = 100 * MS});
	struct fg_arbiter_result result;
	struct fg_arbiter_event event;

	(void)state;
	data(arbiter, A, T0, 1, 10);
	data(arbiter, A, T0 + 5, 21, 1);
	data(arbiter, A, T0 + 6, 22, 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
	data(arbiter, A, T0 + 7, 23, 1);
	event = event_of(arbiter, FG_ARBITER_GAP_OPENED);
	assert_int_equal(event.first, 11);
	assert_int_equal(event.last, 20);
	assert_int_equal(event.n, 10);
	assert_int_equal(event.channel, 7);
	assert_memory_equal(event.session, "S1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(event.time_ns, T0 + 7);
	assert_int_equal(event.packet_ns, T0 + 7);
	assert_int_equal(event.since_ns, T0 + 5);
	assert_passes(data(arbiter, B, T0 + 10, 11, 4), 0, 4);
	assert_passes(data(arbiter, A, T0 + 11, 15, 6), 0, 6);
	event = event_of(arbiter, FG_ARBITER_GAP_CLOSED_LATE);
	assert_int_equal(event.since_ns, T0 + 5);
	assert_int_equal(event.line, A);
	ahead(arbiter, B, T0 + 20, 26);
	data(arbiter, A, T0 + 21, 24, 2);
	event = event_of(arbiter, FG_ARBITER_GAP_CLOSED_OTHER);
	assert_int_equal(event.first, 24);
	assert_int_equal(event.last, 25);
	/* A gap is given up after its timeout, without a packet. Its numbers pass later. */
	ahead(arbiter, B, T0 + 30, 34);
	assert_passes(data(arbiter, B, T0 + 31, 30, 1), 0, 1);
	assert_false(fg_arbiter_tick(arbiter, T0 + 29 + 100 * MS));
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 0);
	assert_false(fg_arbiter_tick(arbiter, T0 + 30 + 100 * MS));
	event = event_of(arbiter, FG_ARBITER_GAP_UNFILLED);
	assert_int_equal(event.first, 29);
	assert_int_equal(event.last, 33);
	assert_int_equal(event.n, 4);
	assert_int_equal(event.packet_ns, 0);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 4);
	result = data(arbiter, A, T0 + 200 * MS, 29, 3);
	assert_true(result_has(&result, 0) && !result_has(&result, 1) && result_has(&result, 2));
	assert_int_equal(result.flags, FG_ARBITER_LATE);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_filled_late), 2);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_open), 0);
	/* When the rest comes, the gap is filled late. */
	assert_passes(data(arbiter, A, T0 + 201 * MS, 32, 2), 0, 2);
	event = event_of(arbiter, FG_ARBITER_GAP_FILLED_LATE);
	assert_int_equal(event.first, 29);
	assert_int_equal(event.last, 33);
	assert_int_equal(event.n, 4);
	assert_int_equal(event.packet_ns, T0 + 201 * MS);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_filled_late), 1);
	fg_arbiter_free(arbiter);
}

static void window_moves_on(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.window = 128});
	uint64_t n = 1;

	(void)state;
	for (; n < 100; n++)
		data(arbiter, A, T0, n, 1);
	ahead(arbiter, A, T0, 102); /* 100 and 101 are missing */
	for (n = 105; n < 228; n++)
		assert_passes(data(arbiter, A, T0, n, 1), 0, 1);
	assert_passes(data(arbiter, B, T0, 100, 1), 0, 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 0);
	assert_passes(data(arbiter, A, T0, 228, 2), 0, 2);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 1);
	/* Below the window: what was given up still passes, once. */
	assert_passes(data(arbiter, B, T0, 101, 1), 0, 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_filled_late), 1);
	assert_disposition(data(arbiter, B, T0, 101, 1), FG_ARBITER_STALE);
	assert_disposition(data(arbiter, B, T0, 99, 3), FG_ARBITER_STALE);
	assert_int_equal(line_counter(arbiter, B, FG_ARBITER_LINE_stale), 2);
	fg_arbiter_free(arbiter);
}

static void more_gaps_than_room(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	/* One of two packets is lost: CLAIM_STREAK packets confirm one another. */
	for (uint64_t n = 1; n <= 200; n += 2)
		assert_passes(data(arbiter, A, T0, n, 1), 0, 1);
	ahead(arbiter, A, T0, 201);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 100);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_open), 32);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 68);
	for (uint64_t n = 2; n < 201; n += 2)
		assert_passes(data(arbiter, B, T0, n, 1), 0, 1);
	/* Of the 68 ranges 64 are known; all are in the window. */
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_filled_late), 68);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_lost_forgotten), 4);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_filled_late), 64);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_closed_other), 32);
	fg_arbiter_free(arbiter);
}

static void wrong_packet_does_no_harm(void **state)
{
	static const uint64_t wrong[] = {50000, 900000, UINT64_MAX - 5, UINT64_C(1) << 63};

	(void)state;
	for (unsigned int hold = 0; hold < 2; hold++) {
		for (unsigned int i = 0; i < RTE_DIM(wrong); i++) {
			struct fg_arbiter *arbiter =
				arbiter_of((struct fg_arbiter_conf){.hold = hold != 0});
			struct fg_arbiter_result result;
			struct fg_arbiter_event event;

			data(arbiter, A, T0, 20000, 10);
			data(arbiter, A, T0, 20010, 10);
			result = data(arbiter, A, T0, wrong[i], 5);
			assert_passes(result, 0, 5);
			assert_int_equal(result.flags, FG_ARBITER_JUMP);
			assert_passes(data(arbiter, A, T0, 20020, 10), 0, 10);
			event = event_of(arbiter, FG_ARBITER_JUMP_REJECTED);
			assert_int_equal(event.first, wrong[i]);
			assert_int_equal(event.last, wrong[i] + 4);
			/* The other line brings the same wrong packet: it passes once. */
			assert_disposition(data(arbiter, B, T0, wrong[i], 5), FG_ARBITER_DUPLICATE);
			assert_disposition(data(arbiter, B, T0, 20020, 10), FG_ARBITER_DUPLICATE);
			assert_passes(data(arbiter, B, T0, 20030, 10), 0, 10);
			assert_disposition(data(arbiter, A, T0, 20030, 10), FG_ARBITER_DUPLICATE);
			assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
			assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumps_accepted),
					 0);
			assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumps_rejected),
					 1);
			fg_arbiter_free(arbiter);
		}
	}
}

static void wrong_first_packet(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	assert_passes(data(arbiter, A, T0, UINT64_C(1) << 40, 5), 0, 5);
	assert_passes(data(arbiter, A, T0, 1000, 5), 0, 5);
	assert_disposition(data(arbiter, B, T0, 1000, 5), FG_ARBITER_DUPLICATE);
	assert_passes(data(arbiter, B, T0, 1005, 5), 0, 5);
	assert_disposition(data(arbiter, A, T0, 1005, 5), FG_ARBITER_DUPLICATE);
	assert_int_equal(event_of(arbiter, FG_ARBITER_JUMP_ACCEPTED).first, 1000);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumps_accepted), 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumped_over), 0);
	fg_arbiter_free(arbiter);
}

static void far_jump_is_accepted(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_event event;

	(void)state;
	data(arbiter, A, T0, 1, 10);
	data(arbiter, B, T0, 1, 10);
	data(arbiter, A, T0, 11, 10);
	assert_int_equal(data(arbiter, A, T0, 100001, 10).flags, FG_ARBITER_JUMP);
	/* The duplicate on the other line confirms the jump. */
	assert_disposition(data(arbiter, B, T0, 100001, 10), FG_ARBITER_DUPLICATE);
	event = event_of(arbiter, FG_ARBITER_JUMP_ACCEPTED);
	assert_int_equal(event.first, 100001);
	assert_int_equal(event.last, 20);
	assert_int_equal(event.n, 100001 - 21);
	assert_passes(data(arbiter, B, T0, 100011, 10), 0, 10);
	assert_disposition(data(arbiter, A, T0, 100011, 10), FG_ARBITER_DUPLICATE);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumped_over), 100001 - 21);
	fg_arbiter_free(arbiter);
}

static void other_line_brings_what_a_jump_left_out(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	uint64_t n;

	(void)state;
	data(arbiter, A, T0, 1, 10);
	data(arbiter, B, T0, 1, 10);
	/* A stays 40,000 ahead. Each number of both passes once. */
	for (n = 0; n < 60000; n += 10) {
		if (n < 20000) {
			assert_passes(data(arbiter, A, T0, 40001 + n, 10), 0, 10);
		} else if (n >= 40000) {
			assert_passes(data(arbiter, A, T0, 20001 + n, 10), 0, 10);
		}
		if (n > 0 && n < 40000)
			assert_passes(data(arbiter, B, T0, 1 + n, 10), 0, 10);
	}
	/* B has reached the number at which A started. */
	for (n = 52001; n < 60001; n += 10)
		assert_disposition(data(arbiter, B, T0, n, 10),
				   n < 80000 - 8192 ? FG_ARBITER_STALE : FG_ARBITER_DUPLICATE);
	fg_arbiter_free(arbiter);
}

static void late_starter_beyond_the_window(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	uint64_t n;

	(void)state;
	for (n = 100001; n < 101001; n += 10)
		assert_passes(data(arbiter, A, T0, n, 10), 0, 10);
	/* B lags by 20,000: these numbers are from before the start. */
	for (n = 80001; n < 100001; n += 10)
		assert_passes(data(arbiter, B, T0, n, 10), 0, 10);
	for (; n < 101001; n += 10)
		assert_disposition(data(arbiter, B, T0, n, 10), FG_ARBITER_DUPLICATE);
	assert_passes(data(arbiter, B, T0, 101001, 10), 0, 10);
	assert_disposition(data(arbiter, A, T0, 101001, 10), FG_ARBITER_DUPLICATE);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
	fg_arbiter_free(arbiter);
}

static void heartbeats_open_gaps(void **state)
{
	(void)state;
	for (unsigned int hold = 0; hold < 2; hold++) {
		struct fg_arbiter *arbiter =
			arbiter_of((struct fg_arbiter_conf){.hold = hold != 0});

		assert_disposition(arbitrate(arbiter, A, T0, FG_FEED_HEARTBEAT, 1, 0),
				   FG_ARBITER_ADMIN);
		assert_disposition(arbitrate(arbiter, A, T0, FG_FEED_HEARTBEAT, 1, 0),
				   FG_ARBITER_ADMIN);
		assert_passes(data(arbiter, A, T0, 1, 10), 0, 10);
		arbitrate(arbiter, B, T0, FG_FEED_HEARTBEAT, 11, 0);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
		/* One heartbeat, or two, may be wrong. */
		arbitrate(arbiter, B, T0, FG_FEED_HEARTBEAT, 15, 0);
		arbitrate(arbiter, B, T0, FG_FEED_HEARTBEAT, 15, 0);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
		arbitrate(arbiter, B, T0, FG_FEED_HEARTBEAT, 15, 0);
		assert_int_equal(event_of(arbiter, FG_ARBITER_GAP_OPENED).last, 14);
		arbitrate(arbiter, A, T0, FG_FEED_HEARTBEAT, 11, 0); /* lags */
		assert_passes(data(arbiter, A, T0, 11, 4), 0, 4);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_closed_other), 1);
		assert_passes(data(arbiter, A, T0, 15, 1), 0, 1);
		assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_admin), 3);
		arbitrate(arbiter, A, T0, FG_FEED_END, 17, 0);
		arbitrate(arbiter, B, T0, FG_FEED_END, 17, 0);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_ended), 0);
		arbitrate(arbiter, A, T0, FG_FEED_END, 17, 0);
		arbitrate(arbiter, B, T0, FG_FEED_END, 17, 0);
		assert_int_equal(event_of(arbiter, FG_ARBITER_END).first, 17);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_ended), 1);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 2);
		/* Heartbeats move the end past the window: the next number moves with it. */
		for (uint64_t n = 3; n < 60; n++)
			arbitrate(arbiter, A, T0, FG_FEED_HEARTBEAT, 17 + n / 3 * 4000, 0);
		assert_passes(data(arbiter, A, T0, 17 + 76000, 1), 0, 1);
		fg_arbiter_flush(arbiter, T0);
		assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 76001);
		fg_arbiter_free(arbiter);
	}
}

static void unsequenced_passes(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_result result;

	(void)state;
	for (unsigned int line = 0; line < 2; line++) {
		result = arbitrate(arbiter, line, T0, FG_FEED_UNSEQUENCED, 5, 3);
		assert_passes(result, 0, 3);
		assert_int_equal(result.flags, FG_ARBITER_UNTRACKED);
	}
	assert_int_equal(fg_arbiter_channels(arbiter, NULL, 0), 0);
	data(arbiter, A, T0, 1, 1);
	assert_int_equal(arbitrate(arbiter, A, T0, FG_FEED_UNSEQUENCED, 0, 0).to, 0);
	assert_int_equal(arbitrate(arbiter, A, T0, (enum fg_feed_packet_kind)200, 0, 7).to, 7);
	/* More numbers than jump_max. */
	assert_int_equal(data(arbiter, A, T0, 2, UINT32_MAX).flags, FG_ARBITER_UNTRACKED);
	assert_int_equal(data(arbiter, A, T0, 2, 4097).flags, FG_ARBITER_UNTRACKED);
	assert_passes(data(arbiter, A, T0, 2, 4096), 0, 4096);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_oversized), 2);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_untracked), 5);
	fg_arbiter_free(arbiter);
}

/* The first packet is a reset: no jump was rejected. */
static void reset_first(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	assert_disposition(arbitrate(arbiter, A, T0, FG_FEED_RESET, 2, 0), FG_ARBITER_ADMIN);
	assert_passes(data(arbiter, A, T0 + 1, 2, 10), 0, 10);
	assert_disposition(data(arbiter, B, T0 + 2, 2, 10), FG_ARBITER_DUPLICATE);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_jumps_rejected), 0);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
	fg_arbiter_free(arbiter);
}

static void reset_by_both_lines(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_event event;

	(void)state;
	data(arbiter, A, T0, 100000, 10);
	data(arbiter, B, T0, 100000, 10);
	data(arbiter, A, T0, 100010, 10);
	assert_disposition(arbitrate(arbiter, A, T0, FG_FEED_RESET, 1, 0), FG_ARBITER_ADMIN);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 0);
	/* The line continues there. */
	assert_passes(data(arbiter, A, T0 + 1, 1, 10), 0, 10);
	event = event_of(arbiter, FG_ARBITER_RESET);
	assert_int_equal(event.first, 1);
	assert_int_equal(event.last, 100019);
	/* B is still in the old epoch; then it announces the same reset. */
	assert_disposition(data(arbiter, B, T0 + 2, 100010, 10), FG_ARBITER_DUPLICATE);
	assert_passes(data(arbiter, B, T0 + 2, 100020, 10), 0, 10);
	assert_passes(data(arbiter, A, T0 + 3, 11, 10), 0, 10);
	arbitrate(arbiter, B, T0 + 4, FG_FEED_RESET, 1, 0);
	assert_disposition(data(arbiter, B, T0 + 5, 1, 10), FG_ARBITER_DUPLICATE);
	assert_disposition(data(arbiter, B, T0 + 5, 11, 10), FG_ARBITER_DUPLICATE);
	assert_passes(data(arbiter, B, T0 + 5, 21, 10), 0, 10);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 1);
	/* A line announces a second reset to the same number. */
	arbitrate(arbiter, B, T0 + 6, FG_FEED_RESET, 1, 0);
	assert_passes(data(arbiter, B, T0 + 6, 1, 10), 0, 10);
	arbitrate(arbiter, A, T0 + 7, FG_FEED_RESET, 1, 0);
	assert_disposition(data(arbiter, A, T0 + 8, 1, 10), FG_ARBITER_DUPLICATE);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 2);
	/* Within gap_timeout_ns the other line's is the same reset, after it another one. */
	arbitrate(arbiter, A, T0 + 5000 * MS, FG_FEED_RESET, 1, 0);
	arbitrate(arbiter, B, T0 + 5000 * MS, FG_FEED_RESET, 1, 0);
	data(arbiter, A, T0 + 5000 * MS, 1, 10);
	arbitrate(arbiter, B, T0 + 9000 * MS, FG_FEED_RESET, 1, 0);
	/* B is at 1 anyway, so that it continues there proves nothing: A must announce it, too. */
	assert_disposition(data(arbiter, B, T0 + 9000 * MS, 1, 10), FG_ARBITER_DUPLICATE);
	arbitrate(arbiter, B, T0 + 9000 * MS, FG_FEED_RESET, 1, 0);
	arbitrate(arbiter, A, T0 + 9000 * MS, FG_FEED_RESET, 1, 0);
	assert_passes(data(arbiter, B, T0 + 9000 * MS, 1, 10), 0, 10);
	assert_disposition(data(arbiter, A, T0 + 9000 * MS, 1, 10), FG_ARBITER_DUPLICATE);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 4);
	arbitrate(arbiter, A, T0 + 20000 * MS, FG_FEED_RESET, 1, 0);
	data(arbiter, A, T0 + 20000 * MS, 1, 10);
	arbitrate(arbiter, B, T0 + 20900 * MS, FG_FEED_RESET, 1, 0);
	assert_disposition(data(arbiter, B, T0 + 20900 * MS, 1, 10), FG_ARBITER_DUPLICATE);
	arbitrate(arbiter, A, T0 + 30000 * MS, FG_FEED_RESET, 1, 0);
	data(arbiter, A, T0 + 30000 * MS, 1, 10);
	arbitrate(arbiter, B, T0 + 31000 * MS, FG_FEED_RESET, 1, 0);
	assert_passes(data(arbiter, B, T0 + 31000 * MS, 1, 10), 0, 10);
	fg_arbiter_free(arbiter);
}

static void straggler_in_the_new_epoch(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	data(arbiter, A, T0, 1, 40);
	data(arbiter, B, T0, 1, 40);
	arbitrate(arbiter, A, T0, FG_FEED_RESET, 1, 0);
	/* B continues: number 41 of the old epoch, not of the new one. */
	assert_passes(data(arbiter, B, T0, 41, 5), 0, 5);
	arbitrate(arbiter, B, T0, FG_FEED_RESET, 1, 0);
	for (uint64_t n = 1; n < 100; n++) {
		assert_passes(data(arbiter, B, T0, n, 1), 0, 1);
		assert_disposition(data(arbiter, A, T0, n, 1), FG_ARBITER_DUPLICATE);
	}
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
	fg_arbiter_free(arbiter);
}

static void unannounced_reset(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	for (uint64_t n = 1; n < 20001; n += 10) {
		data(arbiter, A, T0, n, 10);
		data(arbiter, B, T0, n, 10);
	}
	/* A's first packet may be a repetition and is dropped; B confirms the reset and passes. */
	assert_disposition(data(arbiter, A, T0, 1, 10), FG_ARBITER_STALE);
	assert_passes(data(arbiter, B, T0, 1, 10), 0, 10);
	assert_int_equal(event_of(arbiter, FG_ARBITER_RESET).last, 20000);
	assert_passes(data(arbiter, A, T0, 11, 10), 0, 10);
	assert_disposition(data(arbiter, B, T0, 11, 10), FG_ARBITER_DUPLICATE);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_gaps_opened), 0);
	/* A single old packet is no reset. */
	for (uint64_t n = 21; n < 20001; n += 10)
		data(arbiter, A, T0, n, 10);
	assert_disposition(data(arbiter, A, T0, 11, 10), FG_ARBITER_STALE);
	assert_passes(data(arbiter, A, T0, 20001, 10), 0, 10);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_resets), 1);
	fg_arbiter_free(arbiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation_is_checked),
		cmocka_unit_test(first_arrival_passes),
		cmocka_unit_test(several_new_ranges),
		cmocka_unit_test(lead_times),
		cmocka_unit_test(gaps_are_reported),
		cmocka_unit_test(window_moves_on),
		cmocka_unit_test(more_gaps_than_room),
		cmocka_unit_test(wrong_packet_does_no_harm),
		cmocka_unit_test(wrong_first_packet),
		cmocka_unit_test(far_jump_is_accepted),
		cmocka_unit_test(other_line_brings_what_a_jump_left_out),
		cmocka_unit_test(late_starter_beyond_the_window),
		cmocka_unit_test(heartbeats_open_gaps),
		cmocka_unit_test(unsequenced_passes),
		cmocka_unit_test(reset_first),
		cmocka_unit_test(reset_by_both_lines),
		cmocka_unit_test(straggler_in_the_new_epoch),
		cmocka_unit_test(unannounced_reset),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_arbiter_cases", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
