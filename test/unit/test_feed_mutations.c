/* SPDX-License-Identifier: MIT */
/*
 * One invalid packet on line A, its intact copy on line B, for every protocol: each byte of a
 * packet is changed in three ways. Every packet is delivered once, the mutated one's numbers by
 * line B's copy. The packets are feedgate-gen's; where their fields are is written out here, from
 * the venues' specifications.
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

#define PACKETS   14u
#define BYTES_MAX 200u /* of a payload that are changed */

/* Header bytes that say which numbers a packet carries, or where its messages are. */
struct identity {
	const char *protocol, *mix;
	struct {
		uint8_t from, to;
	} fields[5]; /* [from, to); unused: empty */
};

static const struct identity identities[] = {
	{"moldudp64", "moldudp64", {{0, 10}, {10, 18}, {18, 20}}},
	{"itch50", "itch", {{0, 10}, {10, 18}, {18, 20}}},
	{"cme_mdp3", "cme", {{0, 4}}},
	{"iex_tp", "iex_tp", {{0, 1}, {2, 12}, {12, 16}, {24, 32}}},
	{"nyse_pillar", "nyse_pillar", {{0, 2}, {3, 8}}},
	{"cboe_pitch", "cboe_pitch", {{0, 8}}},
	{"eurex_eobi", "eurex_eobi", {{0, 2}, {4, 8}, {8, 12}, {16, 17}}},
	{"opra", "opra", {{1, 4}, {5, 11}}},
	{"cta", "cta", {{1, 3}, {5, 10}}},
	{"ice_impact", "ice_impact", {{0, 8}}},
	{"miax_mach", "miax_mach", {{0, 10}, {11, 12}}},
	{"memx_memoir", "memx_memoir", {{1, 20}}},
	{"b3_umdf", "b3_umdf", {{0, 1}, {2, 8}}},
	{"deribit", "deribit", {{0, 8}}},
};

/* What became of a packet of a line. */
struct outcome {
	uint8_t reason; /* FG_DROP_COUNT: passed */
	uint16_t n_matched;
};
static struct outcome outcomes[2][PACKETS];

static void settle(struct rte_mbuf *m, uint8_t reason)
{
	const struct fg_meta *meta = fg_meta(m);

	outcomes[meta->line - 1][meta->rule_id] =
		(struct outcome){.reason = reason, .n_matched = meta->n_matched};
	rte_pktmbuf_free(m);
}

static void put(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		uint64_t now_ns)
{
	struct rte_mbuf *passed[FG_BURST_MAX];
	struct fg_feed_out out = {.pass = passed, .room = FG_BURST_MAX};

	do {
		const uint16_t taken = fg_feed_burst(stage, pkts, count, now_ns, &out);

		pkts += taken;
		count = (uint16_t)(count - taken);
		for (uint16_t i = 0; i < out.n_pass; i++)
			settle(out.pass[i], FG_DROP_COUNT);
		for (uint16_t i = 0; i < out.n_drop; i++)
			settle(out.drop[i], out.reason[i]);
	} while (count > 0 || fg_feed_pending(stage));
}

/* How line B follows line A, and how many packets make a burst. */
struct pace {
	uint32_t lag;
	uint16_t burst;
};

/* Send all, with packet @p at of line A as @p mutated (NULL: intact). @return unrecovered numbers.
 */
static uint64_t run(struct fg_feed *feed, const struct pace *pace, uint32_t at,
		    const uint8_t *mutated)
{
	struct fg_feed *feeds[] = {feed};
	struct fg_feed_stage stage = {.feeds = feeds, .n_feeds = 1, .scratch = scratch};
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint64_t totals[FG_ARBITER_CHANNEL_COUNT], now_ns = T0;
	uint16_t n = 0;

	for (uint32_t step = 0; step < PACKETS + pace->lag; step++) {
		if (step < PACKETS) {
			pkts[n] = make(1, step);
			if (mutated != NULL && step == at)
				memcpy(rte_pktmbuf_mtod_offset(pkts[n], uint8_t *, PAYLOAD_OFF),
				       mutated, source.len[step]);
			n++;
		}
		if (step >= pace->lag)
			pkts[n++] = make(2, step - pace->lag);
		now_ns += 10 * US;
		for (uint16_t i = 0; i < n; i++)
			fg_meta(pkts[i])->rx_ns = now_ns;
		if (n + 2 <= pace->burst && step + 1 < PACKETS + pace->lag)
			continue;
		put(&stage, pkts, n, now_ns);
		n = 0;
	}
	fg_feed_flush(&stage, feed, now_ns);
	put(&stage, pkts, 0, now_ns);
	fg_arbiter_totals(fg_feed_arbiter(feed), totals);
	return totals[FG_ARBITER_CHANNEL_missing] - totals[FG_ARBITER_CHANNEL_filled_late];
}

static bool is_identity(const struct identity *identity, uint32_t byte)
{
	for (size_t i = 0; i < RTE_DIM(identity->fields); i++)
		if (byte >= identity->fields[i].from && byte < identity->fields[i].to)
			return true;
	return false;
}

/* Each intact packet is delivered once; that of @p at: whole, by line B, or by the mutated one. */
static const char *wrong_outcome(const struct outcome *intact, uint32_t at, bool by_b)
{
	for (uint32_t i = 0; i < PACKETS; i++) {
		const struct outcome *a = &outcomes[0][i], *b = &outcomes[1][i];
		const bool a_passed = a->reason == FG_DROP_COUNT,
			   b_passed = b->reason == FG_DROP_COUNT;

		if (intact[i].reason == FG_DROP_COUNT)
			continue; /* not data: both copies pass */
		if (i == at && b_passed && b->n_matched == intact[i].n_matched)
			continue;
		if (i == at && by_b)
			return "line B's copy did not pass whole";
		if (i == at ? !a_passed : !a_passed && !b_passed)
			return "suppressed";
		if (i != at && a_passed && b_passed)
			return "delivered twice";
	}
	return NULL;
}

static void mutate(const struct identity *identity, const struct pace *pace)
{
	static const uint8_t changes[] = {0x01, 0x80, 0xff};
	struct outcome intact[PACKETS];
	uint8_t mutated[1600];
	char text[128];
	struct kit kit;
	uint32_t at = 0, wrong = 0;

	snprintf(text, sizeof(text), "{name: f, protocol: %s, arbitrate: true}",
		 identity->protocol);
	kit_make(&kit, text, NULL, 0);
	assert_int_equal(run(kit.feed, pace, 0, NULL), 0);
	memcpy(intact, outcomes[1], sizeof(intact));
	/* A whole packet is compared by the messages that its first copy delivers. */
	for (uint32_t i = 0; i < PACKETS; i++) {
		intact[i].n_matched = outcomes[0][i].n_matched;
		assert_int_equal(outcomes[0][i].reason, FG_DROP_COUNT);
		if (i > 3 && at == 0 && intact[i].reason == FG_DROP_duplicate)
			at = i;
	}
	kit_free(&kit);
	assert_in_range(at, 4, PACKETS - 4);
	for (uint32_t byte = 0; byte < RTE_MIN(source.len[at], BYTES_MAX); byte++)
		for (size_t c = 0; c < RTE_DIM(changes); c++) {
			const char *what;
			uint64_t unrecovered;

			memcpy(mutated, source.payload[at], source.len[at]);
			mutated[byte] ^= changes[c];
			kit_make(&kit, text, NULL, 0);
			unrecovered = run(kit.feed, pace, at, mutated);
			what = wrong_outcome(intact, at, is_identity(identity, byte));
			if (what == NULL && unrecovered > 0)
				what = "numbers are missing";
			if (what != NULL && ++wrong < 20)
				print_error("%s, lag %u, bursts of %u: byte %u ^ %02x: %s\n",
					    identity->protocol, pace->lag, pace->burst, byte,
					    changes[c], what);
			kit_free(&kit);
		}
	assert_int_equal(wrong, 0);
}

static void one_invalid_packet(void **state)
{
	static const struct pace paces[] = {{0, 1}, {3, 8}};
	const struct identity *identity = *state;

	load(identity->mix, PACKETS);
	for (size_t i = 0; i < RTE_DIM(paces); i++)
		mutate(identity, &paces[i]);
}

/* A slice of a protocol with a checksum and padding is a packet that verifies. */
static void slices_verify(void **state)
{
	static const struct {
		const char *protocol;
		uint32_t type;
	} cases[] = {
		{"opra", 'q'}, {"opra", 'k'}, {"cta", 'Q' << 8 | 'S'}, {"cta", 'T' << 8 | 'L'}};
	uint32_t n = 0;

	(void)state;
	for (size_t c = 0; c < RTE_DIM(cases); c++) {
		struct fg_msg_filter_conf conf = {.types = &cases[c].type,
						  .n_types = 1,
						  .any_instrument = true,
						  .socket_id = SOCKET_ID_ANY};
		struct fg_error error = {0};
		struct fg_msg_filter *filter;
		char text[128];
		struct kit kit;

		load(cases[c].protocol, PACKETS);
		snprintf(text, sizeof(text), "{name: f, protocol: %s, track: false}",
			 cases[c].protocol);
		kit_make(&kit, text, NULL, 0);
		conf.protocol = fg_feed_conf(kit.feed)->protocol;
		assert_int_equal(fg_msg_filter_create(&conf, &filter, &error), 0);
		for (uint32_t i = 0; i < PACKETS; i++) {
			struct rte_mbuf *m = make(1, i), *slice = NULL, *again = NULL;

			fg_meta(m)->filter = filter;
			fg_meta(m)->flags |= FG_META_SLICE;
			if (disposition_of(kit.feed, m, &slice) != FG_DROP_COUNT)
				continue;
			/* Resets pass whole. */
			if (slice->pool != slices) {
				rte_pktmbuf_free(slice);
				continue;
			}
			fg_meta(slice)->filter = NULL;
			assert_int_equal(disposition_of(kit.feed, slice, &again), FG_DROP_COUNT);
			rte_pktmbuf_free(again);
			n++;
		}
		assert_int_equal(counted(kit.feed, FG_FEED_malformed), 0);
		assert_int_equal(counted(kit.feed, FG_FEED_slice_failed), 0);
		fg_msg_filter_free(filter);
		kit_free(&kit);
	}
	assert_in_range(n, 10, RTE_DIM(cases) * PACKETS);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[RTE_DIM(identities) + 1] = {cmocka_unit_test(slices_verify)};
	int failed;

	if (!lines_begin(argc, argv))
		return 1;
	for (size_t i = 0; i < RTE_DIM(identities); i++)
		tests[i + 1] =
			(struct CMUnitTest){.name = identities[i].protocol,
					    .test_func = one_invalid_packet,
					    .initial_state = (void *)(uintptr_t)&identities[i]};
	failed = run_feed_tests("feed_mutations", tests, RTE_DIM(tests));
	lines_end();
	return failed;
}
