/* SPDX-License-Identifier: MIT */
/* Slices, compared with messages made again; and payloads in several segments. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "feed_rig.h"

/* The sum of the header's 16-bit words is all ones. */
static void check_sum(const uint8_t *at, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes; i += 2)
		sum += (uint32_t)load_be(at + i, 2);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void check_slice(struct rte_mbuf *slice, uint64_t first, uint16_t count)
{
	const struct selection selection = {.types = add_types, .n_types = 2};
	const uint8_t *frame = rte_pktmbuf_mtod(slice, const uint8_t *);
	uint8_t message[64];
	uint32_t at = PAYLOAD_OFF + MOLD_BYTES, n = 0;

	for (uint64_t number = first; number < first + count; number++) {
		uint32_t bytes;

		if (!is_selected(&selection, number))
			continue;
		bytes = put_message(message, number);
		assert_true(at + bytes <= rte_pktmbuf_data_len(slice));
		assert_memory_equal(frame + at, message, bytes);
		at += bytes;
		n++;
	}
	assert_int_equal(at, rte_pktmbuf_pkt_len(slice));
	assert_int_equal(at, rte_pktmbuf_data_len(slice));
	assert_int_equal(at, fg_meta(slice)->wire_len);
	assert_int_equal(at - PAYLOAD_OFF, fg_meta(slice)->payload_len);
	assert_int_equal(count_of(slice), n);
	assert_int_equal(first_of(slice), first);
	assert_int_equal(load_be(frame + 16, 2), at - 14);
	assert_int_equal(load_be(frame + 38, 2), at - 34);
	assert_int_equal(load_be(frame + 40, 2), 0);
	check_sum(frame + 14, 20);
}

static void slices_are_packets(void **state)
{
	struct kit kit;
	const struct selection selection = {.types = add_types, .n_types = 2};
	uint32_t n_sliced = 0;

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50}", add_types, 2);
	for (uint64_t first = 1; first < 2000; first += 9) {
		struct rte_mbuf *m = packet(1, first, 9, kit.filter), *out = NULL;
		uint32_t n_matched = 0;
		uint8_t disposition;

		for (uint64_t n = first; n < first + 9; n++)
			n_matched += is_selected(&selection, n);
		fg_meta(m)->flags |= FG_META_SLICE;
		disposition = disposition_of(kit.feed, m, &out);
		assert_int_equal(disposition,
				 n_matched > 0 ? FG_DROP_COUNT : FG_DROP_no_matching_message);
		if (disposition != FG_DROP_COUNT)
			continue;
		assert_ptr_equal(out->pool, slices);
		check_slice(out, first, 9);
		rte_pktmbuf_free(out);
		n_sliced++;
	}
	assert_true(n_sliced > 100);
	assert_int_equal(counted(kit.feed, FG_FEED_sliced), n_sliced);
	kit_free(&kit);
}

/* Without an mbuf for the slice the packet passes whole. */
static void slices_that_fail(void **state)
{
	struct kit kit;
	struct rte_mbuf *all[64], *m, *out = NULL;
	const unsigned int n = rte_mempool_avail_count(slices);

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50, track: false}", add_types, 2);
	assert_int_equal(rte_pktmbuf_alloc_bulk(slices, all, n), 0);
	m = packet(1, 1, 30, kit.filter);
	fg_meta(m)->flags |= FG_META_SLICE;
	assert_int_equal(disposition_of(kit.feed, m, &out), FG_DROP_COUNT);
	assert_ptr_equal(out, m);
	rte_pktmbuf_free(out);
	rte_pktmbuf_free_bulk(all, n);
	assert_int_equal(counted(kit.feed, FG_FEED_slice_failed), 1);
	kit_free(&kit);
}

/* A payload in several segments is read as one. */
static void segments(void **state)
{
	struct kit kit;

	(void)state;
	kit_make(&kit, "{name: f, protocol: itch50, track: false}", add_types, 2);
	for (uint16_t cut = 1; cut < PAYLOAD_OFF + 100; cut++) {
		struct rte_mbuf *whole = packet(1, 1, 9, kit.filter);
		struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *tail = rte_pktmbuf_alloc(pool);
		const uint16_t bytes = rte_pktmbuf_data_len(whole);
		const uint8_t *data = rte_pktmbuf_mtod(whole, const uint8_t *);
		struct rte_mbuf *out[2] = {NULL, NULL};

		memcpy(rte_pktmbuf_append(head, cut), data, cut);
		memcpy(rte_pktmbuf_append(tail, (uint16_t)(bytes - cut)), data + cut,
		       (size_t)(bytes - cut));
		assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
		*fg_meta(head) = *fg_meta(whole);
		fg_meta(whole)->flags |= FG_META_SLICE;
		fg_meta(head)->flags |= FG_META_SLICE;
		assert_int_equal(disposition_of(kit.feed, whole, &out[0]), FG_DROP_COUNT);
		assert_int_equal(disposition_of(kit.feed, head, &out[1]), FG_DROP_COUNT);
		assert_int_equal(fg_meta(out[0])->messages, fg_meta(out[1])->messages);
		assert_int_equal(rte_pktmbuf_pkt_len(out[0]), rte_pktmbuf_pkt_len(out[1]));
		assert_memory_equal(rte_pktmbuf_mtod(out[0], void *),
				    rte_pktmbuf_mtod(out[1], void *), rte_pktmbuf_pkt_len(out[0]));
		rte_pktmbuf_free_bulk(out, 2);
	}
	kit_free(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_packets),
		cmocka_unit_test(slices_that_fail),
		cmocka_unit_test(segments),
	};

	return run_feed_tests("feed_slices", tests, RTE_DIM(tests));
}
