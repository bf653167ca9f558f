/* SPDX-License-Identifier: MIT */
/*
 * For tests of sinks: packets whose content follows from lane and number, and
 * a sink opened as the configuration would. Needs cmocka.h before it.
 */
#ifndef TEST_SINKS_H
#define TEST_SINKS_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <fg_names.h>
#include <fg_node.h>
#include <fg_sink.h>

#define POOL_SIZE                                                                                  \
	7000u /* well below a power of two: a ring with MT_RTS may need an eighth for itself */
#define LANES      4u
#define TIME0_NS   1700000000123456789u
#define TIME_STEP  1000003u
#define HEAD_BYTES 22u /* MACs, ethertype, lane, number */

static struct rte_mempool *pool;
static uint32_t rule_tech;

static inline uint32_t frame_bytes(uint32_t number)
{
	return 60 + number % 97;
}

static inline uint8_t frame_byte(uint32_t lane, uint32_t number, uint32_t i)
{
	const uint8_t head[HEAD_BYTES] = {
		[12] = 0x88, /* IEEE 802 local experimental */
		[13] = 0xb5, /**/
		[14] = (uint8_t)(lane >> 24),
		(uint8_t)(lane >> 16),
		(uint8_t)(lane >> 8),
		(uint8_t)lane,
		(uint8_t)(number >> 24),
		(uint8_t)(number >> 16),
		(uint8_t)(number >> 8),
		(uint8_t)number,
	};

	return i < HEAD_BYTES ? head[i] : (uint8_t)(number + i * 7);
}

static inline struct rte_mbuf *try_packet(uint32_t lane, uint32_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	const uint32_t bytes = frame_bytes(number);
	uint8_t *data;

	if (m == NULL)
		return NULL;
	data = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)bytes);
	for (uint32_t i = 0; i < bytes; i++)
		data[i] = frame_byte(lane, number, i);
	*fg_meta(m) = (struct fg_meta){.rx_ns = TIME0_NS + (uint64_t)number * TIME_STEP,
				       .rule_id = rule_tech,
				       .wire_len = bytes,
				       .source = (uint8_t)(lane % 2)};
	return m;
}

static inline struct rte_mbuf *make_packet(uint32_t lane, uint32_t number)
{
	struct rte_mbuf *m = try_packet(lane, number);

	assert_non_null(m);
	return m;
}

static const char *const source_names[] = {"nic-a", "day"};

struct subject {
	struct fg_sink sink;
	void *conf;
};

/* Open a sink; options are key, value, ..., NULL. On error the subject is gone and *out NULL. */
static inline int subject_open(struct subject **out, const char *kind, uint8_t index,
			       uint16_t n_lanes, const char *const *options, struct fg_error *error)
{
	struct fg_node nodes[8] = {{0}}, inner[8] = {{0}},
		       map = {.kind = FG_NODE_MAP, .file = "test", .line = 1};
	struct subject *s = aligned_alloc(128, sizeof(*s));
	int rc;

	assert_non_null(s);
	memset(s, 0, sizeof(*s));
	for (; options != NULL && options[2 * map.count] != NULL; map.count++) {
		struct fg_node *node = &nodes[map.count];

		*node = (struct fg_node){.kind = FG_NODE_SCALAR,
					 .file = "test",
					 .line = 1,
					 .key = options[2 * map.count],
					 .text = options[2 * map.count + 1]};
		if (strncmp(node->key, "keep.", 5) == 0) { /* keep: {files: 3} */
			inner[map.count] = *node;
			inner[map.count].key += 5;
			*node = (struct fg_node){.kind = FG_NODE_MAP,
						 .file = "test",
						 .line = 1,
						 .key = "keep",
						 .child = &inner[map.count],
						 .count = 1};
		}
		if (map.count > 0)
			nodes[map.count - 1].next = node;
	}
	map.child = map.count > 0 ? nodes : NULL;
	s->sink.ops = fg_sink_kind(kind);
	assert_non_null(s->sink.ops);
	s->sink.name = "disk";
	s->sink.index = index;
	s->sink.n_lanes = n_lanes;
	s->sink.n_sources = 2;
	s->sink.source_names = source_names;
	s->conf = calloc(1, s->sink.ops->conf_bytes + 1);
	assert_int_equal(fg_option_read(s->sink.ops->options, &map, s->conf, error), 0);
	rc = fg_sink_open(&s->sink, s->conf, error);
	*out = rc == 0 ? s : NULL;
	if (rc != 0) {
		assert_true(error->text[0] != '\0');
		fg_option_free(s->sink.ops->options, s->conf);
		free(s->conf);
		free(s);
	}
	return rc;
}

static inline struct subject *subject_new(const char *kind, uint16_t n_lanes,
					  const char *const *options)
{
	struct fg_error error = {0};
	struct subject *s = NULL;

	if (subject_open(&s, kind, 0, n_lanes, options, &error) != 0)
		fail_msg("%s", error.text);
	return s;
}

static inline void subject_start(struct subject *s)
{
	struct fg_error error = {0};

	if (fg_sink_start(&s->sink, &error) != 0)
		fail_msg("%s", error.text);
}

static inline void subject_stop(struct subject *s)
{
	struct fg_error error = {0};

	if (fg_sink_stop(&s->sink, &error) != 0)
		fail_msg("%s", error.text);
}

static inline void subject_close(struct subject *s)
{
	fg_sink_close(&s->sink);
	fg_option_free(s->sink.ops->options, s->conf);
	free(s->conf);
	free(s);
}

/* Put packets first..first+count-1 on a lane, as often as it takes. */
static inline void put_all(struct subject *s, uint16_t lane, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *m;

		while ((m = try_packet(lane, first + i)) == NULL)
			usleep(100);
		while (fg_sink_put(&s->sink, lane, &m, 1, NULL) == 0)
			usleep(100);
	}
}

static inline struct fg_sink_totals totals_of(const struct subject *s)
{
	struct fg_sink_totals totals;

	fg_sink_totals(&s->sink, &totals);
	return totals;
}

/* After each test every packet is back in the pool. */
static inline int check_pool(void **state)
{
	(void)state;
	if (rte_mempool_avail_count(pool) == POOL_SIZE)
		return 0;
	print_error("%u packets leaked\n", POOL_SIZE - rte_mempool_avail_count(pool));
	return -1;
}

static inline int start_eal(void **state)
{
	char *argv[] = {"test",           "--no-huge",   "-m", "512", "--no-pci",
			"--no-telemetry", "--no-shconf", "-l", "0",   "--log-level=lib.eal:4"};

	(void)state;
	if (rte_eal_init((int)RTE_DIM(argv), argv) < 0)
		return -1;
	/* Threads here are preempted, and a plain ring makes the others spin meanwhile. */
	pool = rte_pktmbuf_pool_create_by_ops("test", POOL_SIZE, 0, FG_META_BYTES,
					      RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY,
					      "ring_mt_rts");
	return pool != NULL ? fg_names_id("tech", &rule_tech) : -1;
}

static inline int stop_eal(void **state)
{
	(void)state;
	fg_names_reset();
	rte_mempool_free(pool);
	return rte_eal_cleanup();
}

#endif /* TEST_SINKS_H */
