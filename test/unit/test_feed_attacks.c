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

#define REAL "000010059B"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_copy_by_its_sum),
	};

	return run_feed_tests("feed_attacks", tests, RTE_DIM(tests));
}
