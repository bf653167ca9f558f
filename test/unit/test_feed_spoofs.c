/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand spoofed packets among two real lines: well-formed, but with numbers, sessions,
 * channels and announcements of their own. Every real packet is delivered once, and ten seconds
 * later the arbiter has forgotten all of the rest.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pcap/pcap.h>
#include <unistd.h>

#include <fg_burst.h>
/* clang-format on */
#include "feed_lines.h"

#define PACKETS     400u
#define PER_PACKET  25u
#define SPOOFED     UINT32_MAX /* rule id of a spoofed packet */
#define SECOND      UINT64_C(1000000000)
#define LAG         3u
#define CHANNEL_MAX 64u

/* Where the fields of a protocol's header are, from the venue's specification. */
struct fields {
	const char *protocol, *mix;
	uint8_t sequence, sequence_bytes;
	bool big;
	uint8_t session, session_bytes;
	uint8_t channel, channel_bytes;
	/* A value that makes the packet a heartbeat, a reset or an end. */
	uint8_t admin, admin_value, admin_bytes;
};

static const struct fields protocols[] = {
	{"itch50", "itch", 10, 8, true, 0, 10, 0, 0, 18, 0xff, 2},
	{"iex_tp", "iex_tp", 24, 8, false, 8, 4, 4, 4, 0, 0, 0},
	{"cboe_pitch", "cboe_pitch", 4, 4, false, 0, 0, 3, 1, 0, 0, 0},
	{"cme_mdp3", "cme", 0, 4, false, 0, 0, 0, 0, 16, 4, 1},
	{"nyse_pillar", "nyse_pillar", 4, 4, false, 0, 0, 0, 0, 2, 12, 1},
	{"eurex_eobi", "eurex_eobi", 8, 4, false, 0, 0, 16, 1, 18, 1, 1},
	{"memx_memoir", "memx_memoir", 10, 8, true, 2, 8, 0, 0, 0, 0, 0},
};

enum spoof {
	SPOOF_FAR,     /* a number anywhere */
	SPOOF_AHEAD,   /* a number ahead, within the window */
	SPOOF_BEHIND,  /* a number behind */
	SPOOF_SESSION, /* another session */
	SPOOF_CHANNEL, /* another channel */
	SPOOF_ADMIN,   /* an announcement */
	SPOOFS,
};

static uint32_t times_delivered[PACKETS], n_spoofs;

static uint64_t load_number(const uint8_t *at, const struct fields *f)
{
	uint64_t value = 0;

	for (uint8_t i = 0; i < f->sequence_bytes; i++)
		value = value << 8 | at[f->big ? i : f->sequence_bytes - 1 - i];
	return value;
}

static void store_number(uint8_t *at, const struct fields *f, uint64_t value)
{
	for (uint8_t i = 0; i < f->sequence_bytes; i++)
		at[f->big ? f->sequence_bytes - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

static void store_random(uint8_t *at, uint8_t bytes)
{
	for (uint8_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)random_below(256);
}

static void spoof(uint8_t *payload, const struct fields *f)
{
	uint8_t *number = payload + f->sequence;
	const uint64_t real = load_number(number, f);

	switch (random_below(SPOOFS)) {
	case SPOOF_AHEAD:
		store_number(number, f, real + 1 + random_below(4000));
		break;
	case SPOOF_BEHIND:
		store_number(number, f,
			     real - 1 - random_below((uint32_t)RTE_MIN(real + 1, 4000u)));
		break;
	case SPOOF_SESSION:
		store_random(payload + f->session, f->session_bytes);
		store_random(number, f->session_bytes > 0 ? f->sequence_bytes : 0);
		break;
	case SPOOF_CHANNEL:
		store_random(payload + f->channel, f->channel_bytes);
		store_random(number, f->sequence_bytes);
		break;
	case SPOOF_ADMIN:
		memset(payload + f->admin, f->admin_value, f->admin_bytes);
		store_random(number, f->sequence_bytes);
		break;
	default:
		store_random(number, f->sequence_bytes);
		break;
	}
}

static struct rte_mbuf *make_spoofed(const struct fields *f, uint32_t i)
{
	struct rte_mbuf *m = make((uint8_t)(1 + random_below(2)), i);
	uint8_t *payload = rte_pktmbuf_mtod_offset(m, uint8_t *, PAYLOAD_OFF);

	spoof(payload, f);
	/* By chance it may be what the real packet is. */
	if (memcmp(payload, source.payload[i], source.len[i]) == 0)
		store_number(payload + f->sequence, f, random_below(UINT32_MAX));
	fg_meta(m)->rule_id = SPOOFED;
	n_spoofs++;
	return m;
}

static void put(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		uint64_t now_ns)
{
	struct rte_mbuf *passed[FG_BURST_MAX];
	struct fg_feed_out out = {.pass = passed, .room = FG_BURST_MAX};

	for (uint16_t i = 0; i < count; i++)
		fg_meta(pkts[i])->rx_ns = now_ns;
	do {
		const uint16_t taken = fg_feed_burst(stage, pkts, count, now_ns, &out);

		pkts += taken;
		count = (uint16_t)(count - taken);
		for (uint16_t i = 0; i < out.n_pass; i++)
			if (fg_meta(out.pass[i])->rule_id != SPOOFED)
				times_delivered[fg_meta(out.pass[i])->rule_id]++;
		rte_pktmbuf_free_bulk(out.pass, out.n_pass);
		rte_pktmbuf_free_bulk(out.drop, out.n_drop);
	} while (count > 0 || fg_feed_pending(stage));
}

/* Both lines, line B a little later, with spoofed packets before each of line A. */
static uint64_t run(struct fg_feed_stage *stage, const struct fields *f, uint32_t per_packet)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint64_t now_ns = T0;

	memset(times_delivered, 0, sizeof(times_delivered));
	n_spoofs = 0;
	for (uint32_t step = 0; step < PACKETS + LAG; step++) {
		uint16_t n = 0;

		for (uint32_t i = 0; i < per_packet && step > 0 && step < PACKETS; i++)
			pkts[n++] = make_spoofed(f, step);
		if (step < PACKETS)
			pkts[n++] = make(1, step);
		if (step >= LAG)
			pkts[n++] = make(2, step - LAG);
		now_ns += 20 * US;
		put(stage, pkts, n, now_ns);
	}
	return now_ns;
}

/* Ten seconds without packets, but for the worker's clock. */
static void wait_10_s(struct fg_feed_stage *stage, struct fg_feed *feed, uint64_t now_ns)
{
	for (uint64_t end_ns = now_ns + 10 * SECOND; now_ns < end_ns; now_ns += SECOND / 10) {
		fg_feed_tick(stage, feed, now_ns);
		if (fg_feed_pending(stage))
			put(stage, NULL, 0, now_ns);
	}
	fg_feed_tick(stage, feed, now_ns);
	if (fg_feed_pending(stage))
		put(stage, NULL, 0, now_ns);
}

static void spoofed_packets(void **state)
{
	const struct fields *f = *state;
	struct fg_feed_stage stage = {.n_feeds = 1, .scratch = scratch};
	struct fg_arbiter_channel channels[CHANNEL_MAX];
	static uint32_t expected[PACKETS];
	uint64_t totals[FG_ARBITER_CHANNEL_COUNT];
	uint32_t wrong = 0, n_channels = 0;
	char text[128];
	struct kit kit;

	load(f->mix, PACKETS);
	snprintf(text, sizeof(text), "{name: f, protocol: %s, arbitrate: true}", f->protocol);
	for (uint32_t per_packet = 0; per_packet <= PER_PACKET; per_packet += PER_PACKET) {
		uint64_t now_ns;

		kit_make(&kit, text, NULL, 0);
		stage = (struct fg_feed_stage){
			.feeds = &kit.feed, .n_feeds = 1, .scratch = scratch};
		now_ns = run(&stage, f, per_packet);
		/* Heartbeats and the like pass on both lines. */
		if (per_packet == 0)
			memcpy(expected, times_delivered, sizeof(expected));
		for (uint32_t i = 0; i < PACKETS; i++)
			if (times_delivered[i] != expected[i] && wrong++ < 10)
				print_error("%s: packet %u delivered %u times, not %u\n",
					    f->protocol, i, times_delivered[i], expected[i]);
		wait_10_s(&stage, kit.feed, now_ns);
		fg_arbiter_totals(fg_feed_arbiter(kit.feed), totals);
		assert_int_equal(totals[FG_ARBITER_CHANNEL_missing] -
					 totals[FG_ARBITER_CHANNEL_filled_late],
				 0);
		if (per_packet == 0)
			n_channels = fg_arbiter_channels(fg_feed_arbiter(kit.feed), channels,
							 CHANNEL_MAX);
		else
			assert_int_equal(fg_arbiter_channels(fg_feed_arbiter(kit.feed), channels,
							     CHANNEL_MAX),
					 n_channels);
		kit_free(&kit);
	}
	assert_int_equal(n_spoofs, (PACKETS - 1) * PER_PACKET);
	assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[RTE_DIM(protocols)];
	int failed;

	if (!lines_begin(argc, argv))
		return 1;
	for (size_t i = 0; i < RTE_DIM(protocols); i++)
		tests[i] = (struct CMUnitTest){.name = protocols[i].protocol,
					       .test_func = spoofed_packets,
					       .initial_state = (void *)(uintptr_t)&protocols[i]};
	failed = run_feed_tests("feed_spoofs", tests, RTE_DIM(tests));
	lines_end();
	return failed;
}
