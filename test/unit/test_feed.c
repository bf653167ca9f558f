/* SPDX-License-Identifier: MIT */
/*
 * The feed stage with real packets on two lines that lose, delay and pack differently. What passes
 * is the union of the selected messages, each once, and every packet has exactly one disposition.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fg_burst.h>
/* clang-format on */
#include "feed_rig.h"

#define MESSAGES     4000u
#define ARRIVALS_MAX 8000u

struct world {
	const char *conf;
	struct selection selection;
	uint32_t loss; /* of 100 packets */
	uint32_t delay_ns;
	bool hold;
};

static struct arrival {
	uint64_t first, at_ns;
	uint16_t count;
	uint8_t line;
	uint8_t disposition; /* FG_DROP_COUNT: passed */
	bool seen;
} arrivals[ARRIVALS_MAX];
static uint32_t n_arrivals;
static uint32_t delivered[MESSAGES + 2]; /* how often */
static uint64_t order[MESSAGES * 2];     /* numbers in the order of delivery */
static uint32_t n_order;

static int by_time(const void *a, const void *b)
{
	const struct arrival *left = a, *right = b;

	return (left->at_ns > right->at_ns) - (left->at_ns < right->at_ns);
}

/* Where packets are lost the lines cut the sequence alike: after a loss the arbiter knows copies
 * from other packets by their boundaries. */
static void make_world(const struct world *world)
{
	static uint16_t cuts[MESSAGES + 2];

	n_arrivals = 0;
	for (uint64_t n = 1; n <= MESSAGES; n++)
		cuts[n] = (uint16_t)(1 + random_below(12));
	for (uint8_t line = 1; line <= 2; line++)
		for (uint64_t n = 1; n <= MESSAGES;) {
			const uint64_t left = MESSAGES + 1 - n;
			const uint32_t cut = world->loss > 0 ? cuts[n] : 1 + random_below(12);
			const uint16_t count = (uint16_t)RTE_MIN(cut, left);
			struct arrival *arrival = &arrivals[n_arrivals];

			/* The first and the last packet of line A are never lost. */
			if ((line == 1 && (n == 1 || left == count)) ||
			    random_below(100) >= world->loss) {
				*arrival = (struct arrival){
					.first = n,
					.count = count,
					.line = line,
					.at_ns = T0 + n * 100 + random_below(world->delay_ns + 1),
				};
				arrival->at_ns -= line == 1 && n == 1 ? world->delay_ns + 1 : 0;
				arrival->at_ns += left == count ? world->delay_ns : 0;
				n_arrivals++;
			}
			n += count;
		}
	qsort(arrivals, n_arrivals, sizeof(arrivals[0]), by_time);
}

static void settle(struct rte_mbuf *m, uint8_t disposition)
{
	struct arrival *arrival = &arrivals[fg_meta(m)->wire_len];

	assert_false(arrival->seen);
	arrival->seen = true;
	arrival->disposition = disposition;
}

/* Record the numbers that the metadata marks as matched. */
static void take_numbers(struct rte_mbuf *m)
{
	const struct fg_meta *meta = fg_meta(m);
	const bool has_filter = (meta->flags & FG_META_MATCHED) != 0;
	uint32_t n = 0;

	for (uint16_t i = 0; i < count_of(m); i++) {
		if (has_filter && (meta->messages >> i & 1) == 0)
			continue;
		delivered[first_of(m) + i]++;
		order[n_order++] = first_of(m) + i;
		n++;
	}
	assert_int_equal(meta->n_matched, n);
}

static void take_out(struct fg_feed_out *out)
{
	for (uint16_t i = 0; i < out->n_drop; i++) {
		settle(out->drop[i], out->reason[i]);
		rte_pktmbuf_free(out->drop[i]);
	}
	for (uint16_t i = 0; i < out->n_pass; i++) {
		settle(out->pass[i], FG_DROP_COUNT);
		take_numbers(out->pass[i]);
		rte_pktmbuf_free(out->pass[i]);
	}
}

/* Bursts of any size, through room of any size. */
static void put(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		uint64_t now_ns)
{
	struct rte_mbuf *pass[FG_BURST_MAX];
	struct fg_feed_out out = {.pass = pass};

	do {
		uint16_t taken;

		out.room = (uint16_t)(1 + random_below(FG_BURST_MAX));
		taken = fg_feed_burst(stage, pkts, count, now_ns, &out);
		assert_in_range(taken, 0, count);
		assert_in_range(out.n_pass, 0, out.room);
		pkts += taken;
		count = (uint16_t)(count - taken);
		take_out(&out);
	} while (count > 0 || fg_feed_pending(stage));
}

static void run(struct fg_feed *feed, struct fg_msg_filter *filter)
{
	struct fg_feed *feeds[] = {NULL, feed};
	struct fg_feed_stage stage = {.feeds = feeds, .n_feeds = 2, .scratch = scratch};
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint64_t now_ns = T0;

	memset(delivered, 0, sizeof(delivered));
	n_order = 0;
	for (uint32_t i = 0; i < n_arrivals;) {
		const uint16_t count =
			(uint16_t)RTE_MIN(1 + random_below(FG_BURST_MAX), n_arrivals - i);

		for (uint16_t k = 0; k < count; k++, i++) {
			pkts[k] = packet(arrivals[i].line, arrivals[i].first, arrivals[i].count,
					 filter);
			fg_meta(pkts[k])->rx_ns = arrivals[i].at_ns;
			fg_meta(pkts[k])->wire_len = i; /* its name here */
			fg_meta(pkts[k])->feed = 1;
			now_ns = arrivals[i].at_ns;
		}
		put(&stage, pkts, count, now_ns);
		fg_feed_tick(&stage, feed, now_ns);
		if (fg_feed_pending(&stage))
			put(&stage, pkts, 0, now_ns);
	}
	fg_feed_flush(&stage, feed, now_ns);
	put(&stage, pkts, 0, now_ns);
}

/* Without hold a packet's disposition follows from the packets before it. */
static void check_dispositions(const struct world *world)
{
	static bool came[MESSAGES + 2];

	memset(came, 0, sizeof(came));
	for (uint32_t i = 0; i < n_arrivals; i++) {
		const struct arrival *arrival = &arrivals[i];
		uint32_t new = 0, matched = 0;

		for (uint64_t n = arrival->first; n < arrival->first + arrival->count; n++) {
			new += !came[n];
			matched += !came[n] && is_selected(&world->selection, n);
			came[n] = true;
		}
		assert_int_equal(arrival->disposition, new == 0       ? FG_DROP_duplicate
						       : matched == 0 ? FG_DROP_no_matching_message
								      : FG_DROP_COUNT);
	}
}

static void check_union(const struct world *world)
{
	static bool came[MESSAGES + 2];

	memset(came, 0, sizeof(came));
	for (uint32_t i = 0; i < n_arrivals; i++) {
		assert_true(arrivals[i].seen);
		for (uint16_t k = 0; k < arrivals[i].count; k++)
			came[arrivals[i].first + k] = true;
	}
	for (uint64_t n = 1; n <= MESSAGES; n++)
		assert_int_equal(delivered[n], came[n] && is_selected(&world->selection, n));
	for (uint32_t i = 1; world->hold && i < n_order; i++)
		assert_true(order[i - 1] < order[i]);
}

static void check_world(const struct world *world)
{
	for (int round = 0; round < 6; round++) {
		struct fg_feed_conf conf = conf_of(world->conf);
		struct fg_feed *feed = feed_of(&conf);
		struct fg_msg_filter *filter = filter_of(&world->selection, feed);

		make_world(world);
		run(feed, filter);
		check_union(world);
		if (!world->hold)
			check_dispositions(world);
		assert_int_equal(rte_mempool_in_use_count(pool), 0);
		fg_msg_filter_free(filter);
		fg_feed_free(feed);
		fg_feed_conf_free(&conf);
	}
}

static void union_once(void **state)
{
	static const uint32_t types[] = {'A', 'D', 'F'};
	static const struct world worlds[] = {
		{"{name: f, protocol: itch50, arbitrate: true}", {NULL, 0}, 0, 0, false},
		{"{name: f, protocol: itch50, arbitrate: true}", {NULL, 0}, 20, 3000, false},
		{"{name: f, protocol: itch50, arbitrate: true}", {types, 3}, 20, 3000, false},
		{"{name: f, protocol: itch50, arbitrate: true}", {types, 1}, 60, 3000, false},
		{"{name: f, protocol: moldudp64, arbitrate: true, window: 16K}",
		 {NULL, 0},
		 5,
		 3000,
		 false},
		{"{name: f, protocol: itch50, arbitrate: true, reorder: hold, hold_packets: 4096,"
		 " hold_us: 1000000}",
		 {NULL, 0},
		 10,
		 3000,
		 true},
		{"{name: f, protocol: itch50, arbitrate: true, reorder: hold, hold_packets: 4096,"
		 " hold_us: 1000000}",
		 {types, 2},
		 20,
		 3000,
		 true},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(worlds); i++)
		check_world(&worlds[i]);
}

static void odd_packets(void **state)
{
	struct kit kit;
	struct rte_mbuf *m;

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50}", add_types, 2);
	/* Shorter than the header; no datagram; both with and without a subscription. */
	for (int subscribed = 0; subscribed < 2; subscribed++) {
		struct fg_msg_filter *filter = subscribed != 0 ? kit.filter : NULL;

		m = packet(1, 1, 3, filter);
		fg_meta(m)->payload_len = MOLD_BYTES - 1;
		assert_int_equal(disposition_only(kit.feed, m), FG_DROP_malformed_messages);
		m = packet(1, 1, 3, filter);
		fg_meta(m)->flags = 0;
		assert_int_equal(disposition_only(kit.feed, m),
				 subscribed != 0 ? FG_DROP_wrong_protocol : FG_DROP_COUNT);
		/* A payload length beyond the mbuf. */
		m = packet(1, 1, 3, filter);
		fg_meta(m)->payload_len = 60000;
		assert_int_equal(disposition_only(kit.feed, m), FG_DROP_malformed_messages);
	}
	assert_int_equal(counted(kit.feed, FG_FEED_truncated), 4);
	assert_int_equal(counted(kit.feed, FG_FEED_wrong_protocol), 2);
	kit_free(&kit);
}

/* Damage to a packet of messages 1 to 3, and the counter that names it. */
struct damage {
	uint32_t off; /* from the payload's start */
	uint16_t value;
	enum fg_feed_counter counter;
};

static struct rte_mbuf *damaged(uint8_t line, const struct damage *damage,
				struct fg_msg_filter *filter)
{
	struct rte_mbuf *m = packet(line, 1, 3, filter);

	store_be(rte_pktmbuf_mtod_offset(m, uint8_t *, PAYLOAD_OFF + damage->off), damage->value,
		 2);
	return m;
}

/* A damaged packet on line A is dropped or passes; line B's whole copy passes either way, once. */
static void malformed_suppresses_nothing(void **state)
{
	static const char *const texts[] = {
		"{name: f, protocol: itch50, arbitrate: true}",
		"{name: f, protocol: itch50, arbitrate: true, malformed: pass}",
		"{name: f, protocol: itch50, arbitrate: true, reorder: hold}",
	};
	static const struct damage damages[] = {
		{MOLD_BYTES, 9999, FG_FEED_malformed_length},
		{18, 200, FG_FEED_malformed_count},
		{18, 2, FG_FEED_malformed_trailing},
		{18, 0, FG_FEED_malformed_trailing},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(texts) * RTE_DIM(damages) * 2; i++) {
		const struct damage *damage = &damages[i / 2 % RTE_DIM(damages)];
		const char *text = texts[i / 2 / RTE_DIM(damages)];
		struct fg_msg_filter *filter;
		struct kit kit;

		kit_make(&kit, text, add_types, 2);
		filter = i % 2 != 0 ? kit.filter : NULL;
		assert_int_equal(disposition_only(kit.feed, damaged(1, damage, filter)),
				 strstr(text, "pass") != NULL ? FG_DROP_COUNT
							      : FG_DROP_malformed_messages);
		assert_int_equal(counted(kit.feed, FG_FEED_malformed), 1);
		assert_int_equal(counted(kit.feed, damage->counter), 1);
		assert_int_equal(disposition_only(kit.feed, packet(2, 1, 3, NULL)), FG_DROP_COUNT);
		assert_int_equal(disposition_only(kit.feed, packet(1, 1, 3, NULL)),
				 FG_DROP_duplicate);
		kit_free(&kit);
	}
}

static void admin_packets(void **state)
{
	struct kit kit;

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50, arbitrate: true}", add_types, 2);
	assert_int_equal(disposition_only(kit.feed, packet(1, 1, 5, NULL)), FG_DROP_COUNT);
	assert_int_equal(disposition_only(kit.feed, packet(2, 1, 5, NULL)), FG_DROP_duplicate);
	assert_int_equal(disposition_only(kit.feed, packet(1, 6, 0, NULL)), FG_DROP_COUNT);
	assert_int_equal(disposition_only(kit.feed, packet(1, 6, 0, kit.filter)),
			 FG_DROP_no_matching_message);
	assert_int_equal(disposition_only(kit.feed, packet(1, 6, UINT16_MAX, kit.filter)),
			 FG_DROP_COUNT);
	kit_free(&kit);
}

/* Without arbitrate both lines pass, and gaps are still found. */
static void tracked_only(void **state)
{
	struct kit kit;
	uint64_t totals[FG_ARBITER_CHANNEL_COUNT];

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50}", NULL, 0);
	for (uint8_t line = 1; line <= 2; line++) {
		assert_int_equal(disposition_only(kit.feed, packet(line, 1, 5, NULL)),
				 FG_DROP_COUNT);
		assert_int_equal(disposition_only(kit.feed, packet(line, 16, 5, NULL)),
				 FG_DROP_COUNT);
		assert_int_equal(disposition_only(kit.feed, packet(line, 21, 5, NULL)),
				 FG_DROP_COUNT);
	}
	fg_arbiter_totals(fg_feed_arbiter(kit.feed), totals);
	assert_int_equal(totals[FG_ARBITER_CHANNEL_gaps_opened], 1);
	kit_free(&kit);
	kit_make(&kit, "{name: f, protocol: itch50, track: false}", NULL, 0);
	assert_null(fg_feed_arbiter(kit.feed));
	assert_int_equal(disposition_only(kit.feed, packet(1, 1, 5, NULL)), FG_DROP_COUNT);
	kit_free(&kit);
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"[a]", "a feed: expected a map"},
		{"{protocol: itch50}", "name"},
		{"{name: f, protocol: nosuch}", "no protocol named \"nosuch\""},
		{"{name: f, arbitrate: true}", "a feed without a protocol has no settings"},
		{"{name: f, messages: itch50}", "a feed without a protocol has none"},
		{"{name: f, protocol: moldudp64, messages: nosuch}", "no set named 'nosuch'"},
		{"{name: f, protocol: itch50, arbitrate: true, track: false}", "needs track: true"},
		{"{name: f, protocol: itch50, reorder: hold}", "needs arbitrate: true"},
		{"{name: f, protocol: itch50, reorder: sideways}", "reorder"},
		{"{name: f, protocol: itch50, window: 1000}", "power of two"},
		{"{name: f, protocol: itch50, window: 256, jump_max: 200}",
		 "at most half the window"},
		{"{name: f, protocol: itch50, orders: 1000}", "power of two"},
		{"{name: f, protocol: itch50, colour: red}", "unknown key 'colour'"},
		{"{name: f, protocol: {like: itch50, color: red}}", "color"},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct fg_feed_conf conf = {0};
		struct fg_error error = {0};

		assert_true(read_conf(cases[i].text, &conf, &error) < 0);
		if (strstr(error.text, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].text, error.text);
		assert_non_null(strstr(error.text, "feed.yaml:1:"));
	}
}

static void defaults(void **state)
{
	struct fg_feed_conf conf = conf_of("{name: tied}");

	(void)state;
	assert_null(conf.protocol);
	assert_string_equal(conf.name, "tied");
	fg_feed_conf_free(&conf);
	conf = conf_of("{name: p, protocol: cboe_pitch}");
	assert_int_equal(conf.orders, 1u << 20);
	fg_feed_conf_free(&conf);
	conf = conf_of("{name: m, protocol: moldudp64, messages: itch50}");
	assert_string_equal(conf.protocol->messages->name, "itch50");
	assert_int_equal(conf.orders, 0);
	fg_feed_conf_free(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(union_once),
		cmocka_unit_test(odd_packets),
		cmocka_unit_test(admin_packets),
		cmocka_unit_test(tracked_only),
		cmocka_unit_test(refusals),
		cmocka_unit_test(defaults),
		cmocka_unit_test(malformed_suppresses_nothing),
	};

	return run_feed_tests("feed", tests, RTE_DIM(tests));
}
