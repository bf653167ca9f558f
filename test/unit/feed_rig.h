/* SPDX-License-Identifier: MIT */
/*
 * Packets of ITCH 5.0 in MoldUDP64 for tests of the feed stage. What message number n is follows
 * from n alone; lengths and offsets are written out here, not taken from the library.
 */
#ifndef FEED_RIG_H
#define FEED_RIG_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <fg_config.h>
#include <fg_drop.h>
#include <fg_feed.h>
#include <fg_msg_filter.h>

#define PAYLOAD_OFF  42u /* Ethernet, IPv4, UDP */
#define MOLD_BYTES   20u
#define LOCATES      40u
#define POOL_PACKETS 8191u
#define T0           UINT64_C(1700000000000000000)

static struct rte_mempool *pool, *slices;
static __rte_unused uint64_t random_state = 88172645463325252u;

static inline uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static inline uint32_t mix(uint64_t n)
{
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(n >> 32);
}

static inline char type_of(uint64_t number)
{
	return "AEDUXF"[mix(number) % 6];
}

static inline uint16_t locate_of(uint64_t number)
{
	return (uint16_t)(1 + mix(number * 7 + 3) % LOCATES);
}

static inline uint16_t length_of(char type)
{
	switch (type) {
	case 'A':
		return 36;
	case 'F':
		return 40;
	case 'E':
		return 31;
	case 'U':
		return 35;
	case 'X':
		return 23;
	case 'R':
		return 39;
	default: /* D */
		return 19;
	}
}

static inline void store_be(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static inline uint64_t load_be(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

/* The message with its length; its body follows from the number. @return bytes. */
static inline uint32_t put_message(uint8_t *at, uint64_t number)
{
	const char type = type_of(number);
	const uint16_t bytes = length_of(type);

	store_be(at, bytes, 2);
	for (uint32_t i = 0; i < bytes; i++)
		at[2 + i] = (uint8_t)mix(number * 100 + i);
	at[2] = (uint8_t)type;
	store_be(at + 3, locate_of(number), 2);
	return 2u + bytes;
}

static inline void put_headers(uint8_t *frame, uint32_t payload_bytes)
{
	static const uint8_t head[PAYLOAD_OFF] = {
		1, 0, 94, 1, 1,  1, 2, 0,  0, 0, 0, 1,   8, 0, 0x45, 0,    0, 0,    0,
		0, 0, 0,  9, 17, 0, 0, 10, 0, 0, 1, 239, 1, 1, 1,    0x10, 0, 0x67, 0x6d};
	uint32_t sum = 0;

	memcpy(frame, head, sizeof(head));
	store_be(frame + 16, 28 + payload_bytes, 2);
	store_be(frame + 38, 8 + payload_bytes, 2);
	store_be(frame + 40, 0xbeef, 2); /* Any checksum. */
	for (uint32_t i = 14; i < 34; i += 2)
		sum += (uint32_t)load_be(frame + i, 2);
	store_be(frame + 24, 0xffff & ~(sum + (sum >> 16)), 2);
}

/* Metadata as the rx lcore writes it. */
static inline void set_metadata(struct rte_mbuf *m, uint32_t payload_bytes, uint8_t line,
				struct fg_msg_filter *filter)
{
	*fg_meta(m) = (struct fg_meta){
		.rx_ns = T0,
		.sinks = 1,
		.filter = filter,
		.rule_id = 1,
		.wire_len = PAYLOAD_OFF + payload_bytes,
		.payload_off = PAYLOAD_OFF,
		.payload_len = (uint16_t)payload_bytes,
		.line = line,
		.flags = FG_META_DATAGRAM,
	};
}

/* A packet of @count messages from @first on; 0: heartbeat, 0xffff: end of session. */
static inline struct rte_mbuf *packet(uint8_t line, uint64_t first, uint16_t count,
				      struct fg_msg_filter *filter)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint32_t bytes = MOLD_BYTES;
	uint8_t *payload;

	assert_non_null(m);
	payload = rte_pktmbuf_mtod_offset(m, uint8_t *, PAYLOAD_OFF);
	memcpy(payload, "000010059B", 10);
	store_be(payload + 10, first, 8);
	store_be(payload + 18, count, 2);
	for (uint16_t i = 0; count != UINT16_MAX && i < count; i++)
		bytes += put_message(payload + bytes, first + i);
	put_headers(rte_pktmbuf_mtod(m, uint8_t *), bytes);
	assert_non_null(rte_pktmbuf_append(m, (uint16_t)(PAYLOAD_OFF + bytes)));
	set_metadata(m, bytes, line, filter);
	return m;
}

static inline uint64_t first_of(struct rte_mbuf *m)
{
	return load_be(rte_pktmbuf_mtod_offset(m, uint8_t *, PAYLOAD_OFF + 10), 8);
}

static inline uint16_t count_of(struct rte_mbuf *m)
{
	return (uint16_t)load_be(rte_pktmbuf_mtod_offset(m, uint8_t *, PAYLOAD_OFF + 18), 2);
}

static inline struct fg_feed *feed_of(struct fg_feed_conf *conf)
{
	struct fg_error error = {0};
	struct fg_feed *feed = NULL;

	if (fg_feed_create(conf, 2, SOCKET_ID_ANY, &feed, &error) != 0)
		fail_msg("%s", error.text);
	return feed;
}

/* An entry of `feeds:` as a file has it. @return as fg_feed_read(). */
static inline int read_conf(const char *text, struct fg_feed_conf *conf, struct fg_error *error)
{
	struct fg_config *config = NULL;
	int rc;

	if (fg_config_load_text("feed.yaml", text, strlen(text), &config, error) != 0)
		fail_msg("%s", error->text);
	rc = fg_feed_read(fg_config_root(config), conf, error);
	fg_config_free(config);
	return rc;
}

static inline struct fg_feed_conf conf_of(const char *text)
{
	struct fg_feed_conf conf = {0};
	struct fg_error error = {0};

	if (read_conf(text, &conf, &error) != 0)
		fail_msg("%s", error.text);
	return conf;
}

static __rte_unused uint8_t scratch[UINT16_MAX + 1];

/* What a filter selects: these types, of instruments with even numbers. types NULL: no filter. */
struct selection {
	const uint32_t *types;
	uint32_t n_types;
};

static inline bool is_selected(const struct selection *selection, uint64_t number)
{
	if (selection->types == NULL)
		return true;
	if (locate_of(number) % 2 != 0)
		return false;
	for (uint32_t i = 0; i < selection->n_types; i++)
		if ((char)selection->types[i] == type_of(number))
			return true;
	return false;
}

static inline struct fg_msg_filter *filter_of(const struct selection *selection,
					      struct fg_feed *feed)
{
	static char texts[LOCATES][8];
	const char *instruments[LOCATES];
	struct fg_msg_filter_conf conf = {
		.protocol = fg_feed_conf(feed)->protocol,
		.symbols = fg_feed_symbols(feed),
		.orders = fg_feed_orders(feed),
		.types = selection->types,
		.n_types = selection->n_types,
		.instruments = instruments,
		.socket_id = SOCKET_ID_ANY,
	};
	struct fg_msg_filter *filter = NULL;
	struct fg_error error = {0};

	if (selection->types == NULL)
		return NULL;
	for (uint32_t locate = 2; locate <= LOCATES; locate += 2) {
		snprintf(texts[conf.n_instruments], sizeof(texts[0]), "%u", locate);
		instruments[conf.n_instruments] = texts[conf.n_instruments];
		conf.n_instruments++;
	}
	if (fg_msg_filter_create(&conf, &filter, &error) != 0)
		fail_msg("%s", error.text);
	return filter;
}

/* Send one packet through. @return its drop reason, or FG_DROP_COUNT with the packet in *passed. */
static inline uint8_t disposition_of(struct fg_feed *feed, struct rte_mbuf *m,
				     struct rte_mbuf **passed)
{
	struct fg_feed *feeds[] = {feed};
	struct fg_feed_stage stage = {
		.feeds = feeds, .n_feeds = 1, .scratch = scratch, .slices = slices};
	struct fg_feed_out out = {.pass = passed, .room = 1};

	fg_meta(m)->feed = 0;
	assert_int_equal(fg_feed_burst(&stage, &m, 1, T0, &out), 1);
	assert_false(fg_feed_pending(&stage));
	if (out.n_pass == 1)
		return FG_DROP_COUNT;
	assert_int_equal(out.n_drop, 1);
	rte_pktmbuf_free(out.drop[0]);
	return out.reason[0];
}

static inline uint8_t disposition_only(struct fg_feed *feed, struct rte_mbuf *m)
{
	struct rte_mbuf *passed = NULL;
	const uint8_t disposition = disposition_of(feed, m, &passed);

	if (disposition == FG_DROP_COUNT)
		rte_pktmbuf_free(passed);
	return disposition;
}

static inline uint64_t counted(const struct fg_feed *feed, enum fg_feed_counter counter)
{
	uint64_t counters[FG_FEED_COUNTER_COUNT];

	fg_feed_counters(feed, counters);
	return counters[counter];
}

/* A feed with its configuration, and a filter. */
struct kit {
	struct fg_feed_conf conf;
	struct fg_feed *feed;
	struct fg_msg_filter *filter;
};

static inline void kit_make(struct kit *kit, const char *text, const uint32_t *types,
			    uint32_t n_types)
{
	const struct selection selection = {.types = types, .n_types = n_types};

	kit->conf = conf_of(text);
	kit->feed = feed_of(&kit->conf);
	kit->filter = filter_of(&selection, kit->feed);
}

static inline void kit_free(struct kit *kit)
{
	fg_msg_filter_free(kit->filter);
	fg_feed_free(kit->feed);
	fg_feed_conf_free(&kit->conf);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	assert_int_equal(rte_mempool_in_use_count(slices), 0);
}

static __rte_unused const uint32_t add_types[] = {'A', 'F'};

static inline int run_feed_tests(const char *name, const struct CMUnitTest *tests, size_t count)
{
	static char *eal_args[] = {"test_feed",      "--no-huge",   "-m", "256", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	int failed;

	if (rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("test", POOL_PACKETS, 0, FG_META_BYTES,
				       RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	slices = rte_pktmbuf_pool_create("slices", 63, 0, FG_META_BYTES, RTE_MBUF_DEFAULT_BUF_SIZE,
					 0);
	if (pool == NULL || slices == NULL)
		return 1;
	failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
	rte_mempool_free(slices);
	rte_mempool_free(pool);
	rte_eal_cleanup();
	return failed;
}

#endif /* FEED_RIG_H */
