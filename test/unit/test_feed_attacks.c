/* SPDX-License-Identifier: MIT */
/* A few packets must not cost others their numbers or their symbols. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <rte_hash_crc.h>

#include "feed_rig.h"

#define REAL   "000010059B"
#define OTHER  "0000999999"
#define LOCATE 5u

/* A packet in @session; the caller adds the messages. */
static struct rte_mbuf *begin(const char *session, uint64_t first, uint16_t count)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *payload;

	assert_non_null(m);
	payload = rte_pktmbuf_mtod_offset(m, uint8_t *, PAYLOAD_OFF);
	memcpy(payload, session, 10);
	store_be(payload + 10, first, 8);
	store_be(payload + 18, count, 2);
	put_headers(rte_pktmbuf_mtod(m, uint8_t *), MOLD_BYTES);
	assert_non_null(rte_pktmbuf_append(m, PAYLOAD_OFF + MOLD_BYTES));
	return m;
}

static void add(struct rte_mbuf *m, const uint8_t *message, uint16_t bytes)
{
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(2 + bytes));

	assert_non_null(at);
	store_be(at, bytes, 2);
	memcpy(at + 2, message, bytes);
}

static struct rte_mbuf *end(struct rte_mbuf *m, uint8_t line, struct fg_msg_filter *filter)
{
	set_metadata(m, rte_pktmbuf_pkt_len(m) - PAYLOAD_OFF, line, filter);
	return m;
}

/* A packet with one message: StockDirectory, which gives LOCATE its symbol, or OrderDelete. */
static struct rte_mbuf *one(const char *session, uint64_t number, char type,
			    struct fg_msg_filter *filter)
{
	struct rte_mbuf *m = begin(session, number, 1);
	uint8_t message[64] = {(uint8_t)type};

	store_be(message + 1, LOCATE, 2);
	if (type == 'R')
		memcpy(message + 11, "SELECT  ", 8);
	add(m, message, length_of(type));
	return end(m, 1, filter);
}

static struct fg_msg_filter *filter_by_symbol(struct fg_feed *feed)
{
	const char *const instruments[] = {"SELECT"};
	const struct fg_msg_filter_conf conf = {
		.protocol = fg_feed_conf(feed)->protocol,
		.symbols = fg_feed_symbols(feed),
		.orders = fg_feed_orders(feed),
		.instruments = instruments,
		.n_instruments = 1,
		.unmapped = FG_UNMAPPED_DROP,
		.socket_id = SOCKET_ID_ANY,
	};
	struct fg_msg_filter *filter = NULL;
	struct fg_error error = {0};

	if (fg_msg_filter_create(&conf, &filter, &error) != 0)
		fail_msg("%s", error.text);
	return filter;
}

/* The feed's first packet is of a session that nothing confirms: the map is not that session's. */
static void first_packet_is_of_no_session(void **state)
{
	struct kit kit;

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50, arbitrate: true}", NULL, 0);
	kit.filter = filter_by_symbol(kit.feed);
	disposition_only(kit.feed, one(OTHER, 1, 'D', kit.filter));
	/* The session is confirmed with its second packet, and teaches from then on. */
	for (uint64_t number = 1; number < 4; number++)
		disposition_only(kit.feed, one(REAL, number, 'R', kit.filter));
	assert_int_equal(disposition_only(kit.feed, one(REAL, 4, 'D', kit.filter)), FG_DROP_COUNT);
	kit_free(&kit);
}

/* Two packets of an invented session make it the current one, until the real one goes on. */
static void session_comes_back(void **state)
{
	struct kit kit;
	uint8_t last = FG_DROP_COUNT;

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50, arbitrate: true}", NULL, 0);
	kit.filter = filter_by_symbol(kit.feed);
	for (uint64_t number = 1; number < 4; number++)
		disposition_only(kit.feed, one(REAL, number, 'R', kit.filter));
	assert_int_equal(disposition_only(kit.feed, one(REAL, 4, 'D', kit.filter)), FG_DROP_COUNT);
	disposition_only(kit.feed, one(OTHER, 1, 'D', kit.filter));
	disposition_only(kit.feed, one(OTHER, 2, 'D', kit.filter));
	for (uint64_t number = 5; number < 40; number++)
		last = disposition_only(kit.feed,
					one(REAL, number, number % 2 ? 'R' : 'D', kit.filter));
	assert_int_equal(last, FG_DROP_COUNT);
	kit_free(&kit);
}

static void put(struct fg_feed_stage *stage, struct rte_mbuf *m, uint8_t line, uint64_t now_ns)
{
	struct rte_mbuf *passed[8];
	struct fg_feed_out out = {.pass = passed, .room = 8};

	fg_meta(m)->feed = 0;
	fg_meta(m)->line = line;
	fg_meta(m)->rx_ns = now_ns;
	assert_int_equal(fg_feed_burst(stage, &m, 1, now_ns, &out), 1);
	assert_false(fg_feed_pending(stage));
	rte_pktmbuf_free_bulk(out.pass, out.n_pass);
	rte_pktmbuf_free_bulk(out.drop, out.n_drop);
}

/*
 * Numbers start anew while packets of the old ones are held. The packet that shows it comes out
 * after those, but it is no old one: it teaches.
 */
static void first_packet_after_a_reset_teaches(void **state)
{
	const uint64_t pause_ns = UINT64_C(200000000);
	struct fg_feed_stage stage = {.n_feeds = 1, .scratch = scratch};
	struct kit kit;

	(void)state;
	kit_make(&kit,
		 "{name: f, protocol: itch50, arbitrate: true, reorder: hold, hold_us: 1000000}",
		 NULL, 0);
	kit.filter = filter_by_symbol(kit.feed);
	stage.feeds = &kit.feed;
	for (uint64_t number = 1; number < 20000; number++)
		for (uint8_t line = 1; line <= 2; line++)
			put(&stage, one(REAL, number, 'D', kit.filter), line, T0);
	/* A gap, and packets that are held. */
	for (uint64_t number = 20001; number < 20004; number++)
		for (uint8_t line = 1; line <= 2; line++)
			put(&stage, one(REAL, number, 'D', kit.filter), line, T0);
	assert_true(fg_feed_held(kit.feed, 0) > 0);
	/* Both lines go back by more than the window: the second such packet shows it. */
	for (uint8_t line = 1; line <= 2; line++)
		put(&stage, one(REAL, 1, 'R', kit.filter), line, T0 + pause_ns);
	put(&stage, one(REAL, 2, 'D', kit.filter), 1, T0 + pause_ns);
	assert_int_equal(counted(kit.feed, FG_FEED_matched), 2);
	kit_free(&kit);
}

/* A message of 14 bytes, after its length: 16 bytes whose CRC, begun with their number, is 0. */
static void craft(uint8_t *message)
{
	uint64_t head;
	uint32_t crc;

	memcpy(message - 2, "\0\x0espoofed.......", 16);
	memcpy(&head, message - 2, 8);
	crc = rte_hash_crc_8byte(head, 16);
	memcpy(message + 6, &crc, 4);
	memset(message + 10, 0, 4);
}

/* A packet ahead is no copy of others whatever its messages sum up to. */
static void no_copy_by_its_sum(void **state)
{
	static const uint8_t message[] = "a message";
	uint8_t crafted[16];
	struct kit kit;

	(void)state;
	craft(crafted + 2);
	kit_make(&kit, "{name: f, protocol: moldudp64, arbitrate: true}", NULL, 0);
	for (uint8_t line = 1; line <= 2; line++) {
		struct rte_mbuf *m = begin(REAL, 1, 1);

		add(m, message, sizeof(message));
		disposition_only(kit.feed, end(m, line, NULL));
	}
	for (uint8_t line = 2; line > 0; line--) {
		struct rte_mbuf *m = begin(REAL, line == 2 ? 5 : 2, line == 2 ? 1 : 3);

		for (unsigned int i = 0; i < (line == 2 ? 1 : 3); i++)
			add(m, line == 2 ? crafted + 2 : message, line == 2 ? 14 : sizeof(message));
		assert_int_equal(disposition_only(kit.feed, end(m, line, NULL)), FG_DROP_COUNT);
	}
	for (uint8_t line = 1; line <= 2; line++) {
		struct rte_mbuf *m = begin(REAL, 5, 1);

		add(m, message, sizeof(message));
		assert_int_equal(disposition_only(kit.feed, end(m, line, NULL)),
				 line == 1 ? FG_DROP_COUNT : FG_DROP_duplicate);
	}
	kit_free(&kit);
}

static struct rte_mbuf *cut_short(uint64_t first, uint16_t count)
{
	struct rte_mbuf *m = packet(2, first, count, NULL);

	assert_int_equal(rte_pktmbuf_trim(m, 3), 0);
	fg_meta(m)->payload_len = (uint16_t)(fg_meta(m)->payload_len - 3);
	return m;
}

/* A damaged copy fares the same whether it comes in a burst with the packet or not. */
static void damaged_copies_in_any_burst(void **state)
{
	(void)state;
	for (unsigned int together = 0; together < 2; together++) {
		struct rte_mbuf *pkts[3], *passed[4];
		struct fg_feed_out out = {.pass = passed, .room = 4};
		struct fg_feed_stage stage = {.n_feeds = 1, .scratch = scratch};
		const uint16_t n = together ? 3 : 1;
		uint32_t n_passed = 0;
		struct kit kit;

		kit_make(&kit, "{name: f, protocol: itch50, arbitrate: true, malformed: pass}",
			 NULL, 0);
		stage.feeds = &kit.feed;
		disposition_only(kit.feed, packet(1, 1, 4, NULL));
		disposition_only(kit.feed, packet(2, 1, 4, NULL));
		pkts[0] = packet(1, 5, 4, NULL);
		pkts[1] = cut_short(5, 4);
		pkts[2] = packet(2, 9, 4, NULL);
		for (uint16_t i = 0; i < 3; i++)
			fg_meta(pkts[i])->feed = 0;
		for (uint16_t i = 0; i < 3; i = (uint16_t)(i + n)) {
			assert_int_equal(fg_feed_burst(&stage, &pkts[i], n, T0, &out), n);
			n_passed += out.n_pass;
			rte_pktmbuf_free_bulk(out.pass, out.n_pass);
			rte_pktmbuf_free_bulk(out.drop, out.n_drop);
		}
		assert_int_equal(n_passed, 2);
		assert_int_equal(counted(kit.feed, FG_FEED_malformed), 0);
		kit_free(&kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_packet_is_of_no_session),
		cmocka_unit_test(session_comes_back),
		cmocka_unit_test(no_copy_by_its_sum),
		cmocka_unit_test(first_packet_after_a_reset_teaches),
		cmocka_unit_test(damaged_copies_in_any_burst),
	};

	return run_feed_tests("feed_attacks", tests, RTE_DIM(tests));
}
