/* SPDX-License-Identifier: MIT */
/* Cases of arbitration: sessions, timeouts, held packets, limits. */
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

static struct fg_arbiter_result in_session(struct fg_arbiter *arbiter, unsigned int line,
					   uint64_t now, const char *session, uint64_t channel,
					   uint64_t first)
{
	struct fg_feed_packet pkt = packet_of(FG_FEED_DATA, first, 10);
	struct fg_arbiter_result result;

	memset(pkt.session, 0, sizeof(pkt.session));
	memcpy(pkt.session, session, RTE_MIN(strlen(session), sizeof(pkt.session)));
	pkt.channel = channel;
	fg_arbiter_arbitrate(arbiter, line, now, &pkt, NULL, &result);
	return result;
}

static void session_changes(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_arbiter_channel channels[4];

	(void)state;
	in_session(arbiter, A, T0, "MONDAY", 1, 500);
	in_session(arbiter, A, T0, "MONDAY", 1, 510);
	assert_passes(in_session(arbiter, A, T0, "TUESDAY", 1, 1), 0, 10);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_session_changes), 0);
	/* B is still in the old session, and is first with some of it. */
	assert_disposition(in_session(arbiter, B, T0, "MONDAY", 1, 510), FG_ARBITER_DUPLICATE);
	assert_passes(in_session(arbiter, B, T0, "MONDAY", 1, 520), 0, 10);
	assert_passes(in_session(arbiter, A, T0, "TUESDAY", 1, 11), 0, 10);
	assert_memory_equal(event_of(arbiter, FG_ARBITER_SESSION).session, "TUESDAY", 8);
	assert_disposition(in_session(arbiter, B, T0, "TUESDAY", 1, 1), FG_ARBITER_DUPLICATE);
	assert_disposition(in_session(arbiter, A, T0, "MONDAY", 1, 520), FG_ARBITER_DUPLICATE);
	/* The same session with another channel id; sessions that differ in the last byte. */
	assert_passes(in_session(arbiter, B, T0, "TUESDAY", 2, 1), 0, 10);
	assert_passes(in_session(arbiter, B, T0, "0123456789abcdeX", 3, 1), 0, 10);
	assert_passes(in_session(arbiter, B, T0, "0123456789abcdeY", 3, 1), 0, 10);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_session_changes), 1);
	assert_int_equal(fg_arbiter_channels(arbiter, channels, 4), 4);
	assert_memory_equal(channels[0].session, "MONDAY\0\0\0\0\0\0\0\0\0", 16);
	assert_false(channels[0].current);
	assert_int_equal(channels[0].next, 530);
	assert_true(channels[1].current);
	assert_int_equal(channels[1].next, 21);
	assert_int_equal(channels[1].channel, 1);
	assert_int_equal(channels[1].last_ns, T0);
	fg_arbiter_free(arbiter);
}

static void table_is_bounded(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.channels = 4});
	struct fg_arbiter_channel channels[8];
	char name[17];

	(void)state;
	for (uint64_t channel = 1; channel <= 3; channel++)
		for (unsigned int line = 0; line < 2; line++)
			in_session(arbiter, line, T0, "S", channel, 1);
	/* A thousand wrong sessions: the current ones stay. */
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "wrong%u", i);
		assert_passes(in_session(arbiter, A, T0 + 1 + i, name, 1 + i % 3, 1), 0, 10);
	}
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_channels_evicted), 999);
	for (uint64_t channel = 1; channel <= 3; channel++) {
		assert_disposition(in_session(arbiter, B, T0, "S", channel, 1),
				   FG_ARBITER_DUPLICATE);
		assert_passes(in_session(arbiter, B, T0, "S", channel, 11), 0, 10);
	}
	/* All are current: packets of a fifth pass on each line, and are counted. */
	in_session(arbiter, A, T0, "S", 4, 1);
	in_session(arbiter, B, T0, "S", 4, 1);
	for (unsigned int line = 0; line < 2; line++)
		assert_int_equal(in_session(arbiter, line, T0, "S", 5, 1).flags,
				 FG_ARBITER_UNTRACKED);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_channels_full), 2);
	assert_int_equal(fg_arbiter_channels(arbiter, channels, 8), 4);
	fg_arbiter_free(arbiter);
}

static void silence(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.silence_ns = 1000 * MS});
	struct fg_arbiter_event event;

	(void)state;
	data(arbiter, A, T0, 1, 10);
	fg_arbiter_tick(arbiter, T0 + 999 * MS);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_silences), 0);
	data(arbiter, A, T0 + 999 * MS, 11, 10);
	fg_arbiter_tick(arbiter, T0 + 1000 * MS);
	event = event_of(arbiter, FG_ARBITER_SILENT); /* B has sent nothing */
	assert_int_equal(event.line, B);
	assert_int_equal(event.first, T0);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_silent), 0);
	/* An hour without packets, then the lines continue. */
	fg_arbiter_tick(arbiter, T0 + 3600000 * MS);
	event = event_of(arbiter, FG_ARBITER_SILENT);
	assert_int_equal(event.line, A);
	assert_int_equal(event.first, T0 + 999 * MS);
	fg_arbiter_tick(arbiter, T0 + 3600001 * MS);
	assert_int_equal(event_of(arbiter, FG_ARBITER_SILENT).kind, FG_ARBITER_EVENT_KINDS);
	assert_disposition(data(arbiter, B, T0 + 3600002 * MS, 11, 10), FG_ARBITER_DUPLICATE);
	assert_int_equal(event_of(arbiter, FG_ARBITER_BACK).line, B);
	assert_passes(data(arbiter, A, T0 + 3600003 * MS, 21, 10), 0, 10);
	assert_int_equal(event_of(arbiter, FG_ARBITER_BACK).first, T0 + 999 * MS);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_silent), 0);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_silences), 1);
	fg_arbiter_free(arbiter);
}

static unsigned int take(struct fg_arbiter *arbiter, uint64_t *firsts)
{
	struct fg_arbiter_taken taken[16];
	const unsigned int n = fg_arbiter_take(arbiter, taken, 16);

	for (unsigned int i = 0; i < n; i++)
		firsts[i] = (uint64_t)(uintptr_t)taken[i].packet + taken[i].result.from;
	return n;
}

/* A packet above the highest number that both lines bring is held; a heartbeat agrees with it. */
static void hold_ahead(struct fg_arbiter *arbiter, uint64_t now, uint64_t first, uint32_t count)
{
	assert_disposition(data(arbiter, A, now, first, count), FG_ARBITER_HELD);
	assert_disposition(data(arbiter, B, now, first, count), FG_ARBITER_DUPLICATE);
	arbitrate(arbiter, A, now, FG_FEED_HEARTBEAT, first + count, 0);
}

static void held_until_in_order(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of(
		(struct fg_arbiter_conf){.hold = true, .hold_ns = 2 * MS, .hold_packets = 2});
	struct fg_arbiter_result result;
	uint64_t out[16];

	(void)state;
	assert_passes(data(arbiter, A, T0, 1, 10), 0, 10);
	hold_ahead(arbiter, T0 + MS, 21, 10);
	result = data(arbiter, B, T0 + MS, 11, 12);
	assert_passes(result, 0, 12);
	assert_int_equal(result.flags, FG_ARBITER_READY);
	assert_int_equal(take(arbiter, out), 1);
	assert_int_equal(out[0], 23);
	/* No packet comes: the timeout releases it. */
	hold_ahead(arbiter, T0 + 2 * MS, 41, 10);
	assert_false(fg_arbiter_tick(arbiter, T0 + 4 * MS - 1));
	assert_true(fg_arbiter_tick(arbiter, T0 + 4 * MS));
	assert_disposition(data(arbiter, A, T0 + 4 * MS, 51, 1), FG_ARBITER_HELD);
	assert_int_equal(take(arbiter, out), 2);
	assert_int_equal(out[0], 41);
	assert_int_equal(out[1], 51);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 10);
	result = data(arbiter, B, T0 + 5 * MS, 31, 10);
	assert_passes(result, 0, 10);
	assert_int_equal(result.flags, FG_ARBITER_LATE);
	/* A third packet is more than hold_packets: it passes before the others. Once another
	 * packet agrees with it, the gaps below are given up. */
	hold_ahead(arbiter, T0 + 5 * MS, 61, 1);
	hold_ahead(arbiter, T0 + 5 * MS, 71, 1);
	result = data(arbiter, A, T0 + 5 * MS, 81, 1);
	assert_passes(result, 0, 1);
	assert_int_equal(result.flags, FG_ARBITER_JUMP);
	assert_int_equal(take(arbiter, out), 0);
	assert_disposition(data(arbiter, B, T0 + 5 * MS, 81, 1), FG_ARBITER_DUPLICATE);
	arbitrate(arbiter, A, T0 + 5 * MS, FG_FEED_HEARTBEAT, 82, 0);
	assert_int_equal(take(arbiter, out), 2);
	assert_int_equal(out[0], 61);
	assert_int_equal(out[1], 71);
	assert_passes(data(arbiter, A, T0 + 5 * MS, 82, 1), 0, 1);
	/* A packet that comes after the timeout follows the packets released by it. */
	hold_ahead(arbiter, T0 + 6 * MS, 91, 1);
	assert_disposition(data(arbiter, A, T0 + 8 * MS, 92, 1), FG_ARBITER_HELD);
	assert_int_equal(take(arbiter, out), 2);
	assert_int_equal(out[0], 91);
	assert_int_equal(out[1], 92);
	assert_passes(data(arbiter, A, T0 + 8 * MS, 93, 1), 0, 1);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_held_now), 0);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_hold_expired), 2);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_hold_full), 1);
	fg_arbiter_free(arbiter);
}

static void overtaken_while_held(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.hold = true});
	struct fg_arbiter_taken taken[4];

	(void)state;
	data(arbiter, A, T0, 1, 10);
	hold_ahead(arbiter, T0, 13, 4);
	hold_ahead(arbiter, T0, 20, 10);
	/* One packet has all numbers of the first and some of the second. */
	assert_passes(data(arbiter, B, T0, 11, 14), 0, 14);
	assert_int_equal(fg_arbiter_take(arbiter, taken, 4), 2);
	assert_disposition(taken[0].result, FG_ARBITER_DUPLICATE);
	assert_passes(taken[1].result, 5, 10);
	assert_int_equal(taken[1].result.line, A);
	fg_arbiter_free(arbiter);
}

/* Two packets make an invented session current; the real one comes back when it goes on alone. */
static void replaced_session_comes_back(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});

	(void)state;
	in_session(arbiter, A, T0, "REAL", 1, 1);
	in_session(arbiter, A, T0, "REAL", 1, 11);
	in_session(arbiter, A, T0, "OTHER", 1, 1);
	in_session(arbiter, A, T0, "OTHER", 1, 11);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_session_changes), 1);
	for (uint64_t first = 21; first < 171; first += 10) {
		assert_passes(in_session(arbiter, A, T0, "REAL", 1, first), 0, 10);
		assert_disposition(in_session(arbiter, B, T0, "REAL", 1, first),
				   FG_ARBITER_DUPLICATE);
	}
	/* The fifteenth; then the other one goes on, so that they are counted anew. */
	in_session(arbiter, A, T0, "OTHER", 1, 21);
	for (uint64_t first = 171; first < 321; first += 10)
		in_session(arbiter, A, T0, "REAL", 1, first);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_session_changes), 1);
	assert_int_equal(in_session(arbiter, A, T0, "REAL", 1, 321).flags, FG_ARBITER_EPOCH);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_session_changes), 2);
	fg_arbiter_free(arbiter);
}

static void released_by_reset(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.hold = true});
	struct fg_arbiter_result result;
	uint64_t out[16];

	(void)state;
	data(arbiter, A, T0, 1, 10);
	hold_ahead(arbiter, T0, 21, 10);
	assert_int_equal(arbitrate(arbiter, A, T0, FG_FEED_RESET, 1, 0).flags, 0);
	/* The packet that confirms the reset waits for its turn. */
	result = data(arbiter, A, T0, 1, 10);
	assert_disposition(result, FG_ARBITER_HELD);
	assert_int_equal(result.flags, FG_ARBITER_READY | FG_ARBITER_EPOCH);
	assert_int_equal(take(arbiter, out), 2);
	assert_int_equal(out[0], 21);
	assert_int_equal(out[1], 1);
	fg_arbiter_free(arbiter);
}

/* Two sessions may run at the same time: that one becomes current releases nothing of the other. */
static void not_released_by_session(void **state)
{
	struct fg_arbiter *arbiter =
		arbiter_of((struct fg_arbiter_conf){.hold = true, .hold_ns = 10 * MS});
	uint64_t out[16];

	(void)state;
	data(arbiter, A, T0, 1, 10);
	hold_ahead(arbiter, T0, 21, 10);
	in_session(arbiter, A, T0, "NEXT", 7, 1);
	assert_passes(in_session(arbiter, A, T0, "NEXT", 7, 11), 0, 10);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_session_changes), 1);
	assert_int_equal(take(arbiter, out), 0);
	assert_passes(data(arbiter, B, T0, 11, 10), 0, 10);
	assert_int_equal(take(arbiter, out), 1);
	assert_int_equal(out[0], 21);
	hold_ahead(arbiter, T0, 41, 10);
	assert_true(fg_arbiter_tick(arbiter, T0 + 11 * MS));
	assert_int_equal(take(arbiter, out), 1);
	assert_int_equal(out[0], 41);
	assert_int_equal(total_counter(arbiter, FG_ARBITER_CHANNEL_missing), 10);
	fg_arbiter_free(arbiter);
}

static void clock_goes_back(void **state)
{
	struct fg_arbiter *arbiter =
		arbiter_of((struct fg_arbiter_conf){.hold = true, .hold_ns = 10 * MS});
	uint64_t out[16];

	(void)state;
	data(arbiter, A, T0, 1, 10);
	hold_ahead(arbiter, T0, 21, 10);
	/* Back by half a millisecond: nothing happens. By an hour: all that waits is due. */
	assert_false(fg_arbiter_tick(arbiter, T0 - MS / 2));
	assert_true(fg_arbiter_tick(arbiter, T0 - 3600000 * MS));
	assert_int_equal(take(arbiter, out), 1);
	assert_int_equal(line_counter(arbiter, A, FG_ARBITER_LINE_silences), 0);
	assert_passes(data(arbiter, A, T0 - 3600000 * MS, 31, 10), 0, 10);
	fg_arbiter_free(arbiter);
}

static void events_are_bounded(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){.events = 4});
	struct fg_arbiter_event events[8];

	(void)state;
	for (uint64_t n = 1; n < 200; n += n % 20 == 3 ? 18 : 1)
		data(arbiter, A, T0, n, 1);
	assert_int_equal(fg_arbiter_events_lost(arbiter), 5);
	assert_int_equal(fg_arbiter_events(arbiter, events, 3), 3);
	assert_int_equal(events[0].first, 4);
	assert_int_equal(fg_arbiter_events(arbiter, events, 8), 1);
	assert_int_equal(events[0].first, 64);
	for (uint64_t n = 300; n < 303; n++)
		data(arbiter, A, T0, n, 1);
	assert_int_equal(fg_arbiter_events(arbiter, events, 8), 1);
	assert_int_equal(events[0].last, 299);
	for (unsigned int i = 0; i < FG_ARBITER_EVENT_KINDS; i++)
		assert_non_null(fg_arbiter_event_name(i));
	assert_string_equal(fg_arbiter_line_counter_name(FG_ARBITER_LINE_first_arrivals),
			    "first_arrivals");
	assert_string_equal(fg_arbiter_channel_counter_name(FG_ARBITER_CHANNEL_missing), "missing");
	assert_non_null(
		strstr(fg_arbiter_line_counter_help(FG_ARBITER_LINE_first_arrivals), "first"));
	assert_non_null(
		strstr(fg_arbiter_channel_counter_help(FG_ARBITER_CHANNEL_missing), "given up"));
	fg_arbiter_free(arbiter);
}

static void numbers_of_32_bits_wrap(void **state)
{
	struct fg_arbiter *arbiter = arbiter_of((struct fg_arbiter_conf){0});
	struct fg_feed_packet pkt = packet_of(FG_FEED_DATA, 0, 10);
	struct fg_arbiter_result result;
	struct fg_arbiter_channel channel;

	(void)state;
	pkt.sequence_bits = 32;
	for (uint64_t n = UINT64_C(0xffffffce); n < UINT64_C(0x100000064); n += 10) {
		if (n == UINT64_C(0xfffffff6))
			continue; /* a gap across the wrap */
		pkt.first = n & UINT32_MAX;
		fg_arbiter_arbitrate(arbiter, A, T0, &pkt, NULL, &result);
		assert_passes(result, 0, 10);
	}
	assert_int_equal(event_of(arbiter, FG_ARBITER_GAP_OPENED).last, UINT64_C(0xffffffff));
	pkt.first = 0xfffffff6;
	fg_arbiter_arbitrate(arbiter, B, T0, &pkt, NULL, &result);
	assert_passes(result, 0, 10);
	assert_int_equal(event_of(arbiter, FG_ARBITER_GAP_CLOSED_OTHER).first,
			 UINT64_C(0xfffffff6));
	assert_int_equal(fg_arbiter_channels(arbiter, &channel, 1), 1);
	assert_int_equal(channel.next, 100);
	fg_arbiter_free(arbiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_changes),
		cmocka_unit_test(table_is_bounded),
		cmocka_unit_test(silence),
		cmocka_unit_test(held_until_in_order),
		cmocka_unit_test(overtaken_while_held),
		cmocka_unit_test(replaced_session_comes_back),
		cmocka_unit_test(released_by_reset),
		cmocka_unit_test(not_released_by_session),
		cmocka_unit_test(clock_goes_back),
		cmocka_unit_test(events_are_bounded),
		cmocka_unit_test(numbers_of_32_bits_wrap),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_arbiter_limits", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
