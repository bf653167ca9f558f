/* SPDX-License-Identifier: MIT */
/*
 * Any packets through the feed stage: each comes out exactly once, passed or dropped for a reason
 * that its rule and feed allow, and its metadata is consistent.
 *
 * The first three bytes choose protocol, feed and rule; then packets: line, length, payload.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_drop.h>
#include <fg_eal.h>
#include <fg_feed.h>
#include <fg_msg_filter.h>

#define PACKETS_MAX 256u
#define PAYLOAD_OFF 42u
#define MS          UINT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct rte_mempool *pool, *slices;
static uint8_t scratch[UINT16_MAX + 1];
static bool is_out[PACKETS_MAX];
static bool subscribed, arbitrating;

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fg_error error = {0};

	(void)argc;
	(void)argv;
	check(fg_eal_start_private("fuzz_feed", &error) == 0);
	pool = rte_pktmbuf_pool_create("packets", 1023, 0, FG_META_BYTES, RTE_MBUF_DEFAULT_BUF_SIZE,
				       0);
	slices = rte_pktmbuf_pool_create("slices", 3, 0, FG_META_BYTES, RTE_MBUF_DEFAULT_BUF_SIZE,
					 0);
	check(pool != NULL && slices != NULL);
	return 0;
}

static struct rte_mbuf *make_packet(uint16_t number, uint8_t line, const uint8_t *payload,
				    uint8_t len, struct fg_msg_filter *filter, uint8_t flags)
{
	static const uint8_t head[PAYLOAD_OFF] = {1, 0, 94, 1, 1, 1, 2, 0, 0, 0, 0, 1, 8, 0, 0x45};
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *frame;

	check(m != NULL);
	frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(PAYLOAD_OFF + len));
	memcpy(frame, head, sizeof(head));
	memcpy(frame + PAYLOAD_OFF, payload, len);
	*fg_meta(m) = (struct fg_meta){
		.filter = filter,
		.rule_id = number,
		.payload_off = PAYLOAD_OFF,
		.payload_len = len,
		.line = line & 3,
		.flags = (uint8_t)((line & 0x80) != 0 ? 0 : FG_META_DATAGRAM) | flags,
	};
	return m;
}

static void check_pass(struct rte_mbuf *m)
{
	const struct fg_meta *meta = fg_meta(m);

	check(meta->rule_id < PACKETS_MAX && !is_out[meta->rule_id]);
	is_out[meta->rule_id] = true;
	check((unsigned int)__builtin_popcountll(meta->messages) <= meta->n_matched);
	if (m->pool == slices)
		check((meta->flags & FG_META_SLICE) != 0 && meta->n_matched > 0 &&
		      (uint32_t)meta->payload_off + meta->payload_len == rte_pktmbuf_pkt_len(m));
	rte_pktmbuf_free(m);
}

static void check_drop(struct rte_mbuf *m, uint8_t reason)
{
	const struct fg_meta *meta = fg_meta(m);

	check(meta->rule_id < PACKETS_MAX && !is_out[meta->rule_id]);
	is_out[meta->rule_id] = true;
	if (reason == FG_DROP_duplicate || reason == FG_DROP_stale)
		check(arbitrating);
	else if (reason != FG_DROP_malformed_messages)
		check(subscribed &&
		      (reason == FG_DROP_no_matching_message || reason == FG_DROP_unmapped ||
		       reason == FG_DROP_wrong_protocol));
	rte_pktmbuf_free(m);
}

static void put(struct fg_feed_stage *stage, struct rte_mbuf **pkts, uint16_t count,
		uint64_t now_ns, uint16_t room)
{
	struct rte_mbuf *pass[FG_BURST_MAX];
	struct fg_feed_out out = {.pass = pass, .room = room};

	do {
		const uint16_t taken = fg_feed_burst(stage, pkts, count, now_ns, &out);

		check(taken <= count && out.n_pass <= room && out.n_drop <= FG_BURST_MAX);
		pkts += taken;
		count = (uint16_t)(count - taken);
		for (uint16_t i = 0; i < out.n_pass; i++)
			check_pass(out.pass[i]);
		for (uint16_t i = 0; i < out.n_drop; i++)
			check_drop(out.drop[i], out.reason[i]);
	} while (count > 0 || fg_feed_pending(stage));
}

/* Bursts of 4, a burst each 0.3 ms. @return how many packets. */
static uint16_t put_all(struct fg_feed_stage *stage, struct fg_msg_filter *filter,
			const uint8_t *data, size_t size, uint8_t flags)
{
	struct rte_mbuf *pkts[4];
	uint16_t n = 0, total = 0;
	uint64_t now_ns = 1000 * MS;

	while (size > 2 && total < PACKETS_MAX) {
		const uint8_t len = (uint8_t)RTE_MIN(data[1], size - 2);

		pkts[n++] = make_packet(total++, data[0], data + 2, len, filter, flags);
		data += 2 + len;
		size -= 2u + len;
		if (n < RTE_DIM(pkts) && size > 2 && total < PACKETS_MAX)
			continue;
		put(stage, pkts, n, now_ns, (uint16_t)(1 + total % FG_BURST_MAX));
		now_ns += 3 * MS / 10;
		fg_feed_tick(stage, stage->feeds[0], now_ns);
		if (fg_feed_pending(stage))
			put(stage, pkts, 0, now_ns, 1);
		n = 0;
	}
	fg_feed_flush(stage, stage->feeds[0], now_ns);
	put(stage, pkts, 0, now_ns, 2);
	return total;
}

static struct fg_msg_filter *make_filter(const struct fg_feed *feed, uint8_t choice)
{
	static const char *const instruments[] = {"1", "2", "3", "1000", "70000"};
	static const uint32_t types[] = {'A', 'D', 46, 0x21, 100, 'q'};
	const struct fg_msg_filter_conf conf = {
		.protocol = fg_feed_conf(feed)->protocol,
		.symbols = fg_feed_symbols(feed),
		.orders = fg_feed_orders(feed),
		.types = types,
		.n_types = (choice & 2) != 0 ? RTE_DIM(types) : 0,
		.instruments = instruments,
		.n_instruments = RTE_DIM(instruments),
		.any_instrument = (choice & 4) != 0,
		.unmapped = (choice & 8) != 0 ? FG_UNMAPPED_DROP : FG_UNMAPPED_PASS,
		.socket_id = SOCKET_ID_ANY,
	};
	struct fg_msg_filter *filter = NULL;
	struct fg_error error = {0};

	if ((choice & 1) == 0)
		return NULL;
	/* Some feeds name no instruments, or none like these. */
	if (fg_msg_filter_create(&conf, &filter, &error) != 0)
		check(error.text[0] != '\0' && filter == NULL);
	return filter;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char none[] = "";
	uint32_t n_protocols = 0;
	struct fg_feed_conf conf = {.name = none,
				    .track = true,
				    .learn = true,
				    .window = 128,
				    .hold_packets = 3,
				    .hold_us = 1000,
				    .gap_timeout_ms = 2,
				    .channels = 2,
				    .symbols_file = none,
				    .symbols_max = 4,
				    .orders = 8};
	struct fg_feed_stage stage = {.n_feeds = 1, .scratch = scratch, .slices = slices};
	struct fg_feed *feed = NULL;
	struct fg_msg_filter *filter;
	struct fg_protocol protocol;
	struct fg_error error = {0};
	uint16_t total;

	if (size < 4)
		return 0;
	while (fg_protocols[n_protocols] != NULL)
		n_protocols++;
	protocol = *fg_protocols[data[0] % n_protocols];
	conf.protocol = &protocol;
	conf.arbitrate = arbitrating = (data[1] & 1) != 0;
	conf.reorder = (data[1] & 3) == 3 ? FG_FEED_REORDER_HOLD : FG_FEED_REORDER_NONE;
	conf.track = arbitrating || (data[1] & 4) != 0;
	check(fg_feed_create(&conf, 3, SOCKET_ID_ANY, &feed, &error) == 0);
	stage.feeds = &feed;
	filter = make_filter(feed, data[2]);
	subscribed = filter != NULL;
	memset(is_out, 0, sizeof(is_out));
	total = put_all(&stage, filter, data + 3, size - 3,
			(data[2] & 16) != 0 ? FG_META_SLICE : 0);
	for (uint16_t i = 0; i < total; i++)
		check(is_out[i]);
	check(rte_mempool_in_use_count(pool) == 0 && rte_mempool_in_use_count(slices) == 0);
	fg_msg_filter_free(filter);
	fg_feed_free(feed);
	return 0;
}
