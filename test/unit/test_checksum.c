/* SPDX-License-Identifier: MIT */
/*
 * parse: checksums. The good frames of parse_vectors.h get right checksums from a sum of 16-bit
 * words written here by RFC 1071, over what the vector says where the headers are; then every byte
 * of them is damaged. test_parse_tshark.py compares with tshark.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_meta.h>
#include <fg_stats.h>

#include "parse_rig.h"
#include "parse_vectors.h"

#define UDP_BYTES 8u

static enum fg_isa isa;

/* Where a vector's headers are. */
struct layout {
	uint32_t ip, l4, size; /* Offsets, and bytes that the checksum of UDP or TCP covers. */
	uint32_t field;        /* Offset of that checksum; 0: there is none to check. */
};

static uint32_t be16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t sum_up(const uint8_t *bytes, uint32_t size, uint32_t sum)
{
	for (uint32_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static struct layout find_layout(const struct vector *v, const uint8_t *bytes, uint32_t length)
{
	struct layout at = {.ip = 14 + 4 * v->tags};
	/* A routing header with segments left: its last address is the destination. */
	const bool rerouted = strstr(v->name, "routing") != NULL;

	if (v->l4 == 17) {
		at.l4 = v->payload_off - UDP_BYTES;
		at.size = be16(bytes + at.l4 + 4);
	} else if (v->l4 == 6) {
		at.size = length - v->trailer;
		for (at.l4 = v->payload_off - 20u;
		     bytes[at.l4] != 0x30 || bytes[at.l4 + 1] != 0x39;)
			at.l4--;
		at.size -= at.l4;
	}
	if (v->l4 != 0 && v->flags == 0 && !rerouted)
		at.field = at.l4 + (v->l4 == 17 ? 6 : 16);
	return at;
}

/* Sum of the pseudo header, from the addresses where the vectors have them. */
static uint32_t pseudo_sum(const struct vector *v, const struct layout *at, const uint8_t *bytes)
{
	const uint32_t sum = v->l4 + (at->size & 0xffff);

	if (v->family == 4)
		return sum_up(bytes + at->ip + 12, 8, sum);
	return sum_up(bytes + at->ip + 8, 32, sum);
}

static void put16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* Read the vector's frame and make its checksums right. @return its length. */
static uint32_t read_right(const struct vector *v, uint8_t *bytes, struct layout *at)
{
	const uint32_t length = read_hex(v->frame, bytes);
	uint32_t sum;

	*at = find_layout(v, bytes, length);
	if (v->family == 4) {
		put16(bytes + at->ip + 10, 0);
		put16(bytes + at->ip + 10, ~sum_up(bytes + at->ip, (bytes[at->ip] & 15u) * 4, 0));
	}
	if (at->field == 0)
		return length;
	put16(bytes + at->field, 0);
	sum = ~sum_up(bytes + at->l4, at->size, pseudo_sum(v, at, bytes)) & 0xffff;
	put16(bytes + at->field, sum == 0 && v->l4 == 17 ? 0xffff : sum);
	return length;
}

static struct fg_parse settings(const struct vector *v, enum fg_checksums checksums)
{
	return (struct fg_parse){.conf = {.fragments = v->fragments, .checksums = checksums},
				 .isa = isa};
}

/* The result, which must be the same whole, as a burst, and in segments cut at @cut. */
static enum fg_drop verify(const struct vector *v, const uint8_t *bytes, uint32_t length,
			   uint32_t cut)
{
	const struct fg_parse parse = settings(v, FG_CHECKSUMS_VERIFY);
	struct fg_key key;
	const enum fg_drop whole = fg_parse_packet(&parse, bytes, length, length, &key);

	assert_int_equal(parse_packet(&parse, packet(bytes, length, length, 0), &key), whole);
	assert_int_equal(parse_packet(&parse, packet(bytes, length, cut, 0), &key), whole);
	assert_int_equal(parse_packet(&parse, packet(bytes, length, cut, 3), &key), whole);
	return whole;
}

static void right_ones_pass(void **state)
{
	unsigned int checked = 0;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(good); i++) {
		uint8_t bytes[FRAME_MAX];
		struct layout at;
		const uint32_t length = read_right(&good[i], bytes, &at);

		for (uint32_t cut = 0; cut < length; cut++)
			if (verify(&good[i], bytes, length, cut) != PASS)
				fail_msg("%s: dropped", good[i].name);
		checked += at.field != 0;
	}
	assert_true(checked >= 15);
}

/* Does a checksum of the frame cover this byte? */
static bool covers(const struct vector *v, const struct layout *at, const uint8_t *bytes,
		   uint32_t byte)
{
	const uint32_t ip_end =
		at->ip + (v->family == 4 ? (bytes[at->ip] & 15u) * 4 : 40); /* UDP: addresses. */

	if (v->family == 4 && byte >= at->ip && byte < ip_end)
		return true;
	if (at->field == 0)
		return false;
	return (v->family == 6 && byte >= at->ip + 8 && byte < at->ip + 40) ||
	       (byte >= at->l4 && byte < at->l4 + at->size);
}

/* One bit of a byte is wrong. Where that does not move a header, the checksum decides. */
static void check_damage(const struct vector *v, uint8_t *bytes, uint32_t length,
			 const struct layout *at, uint32_t byte)
{
	const struct fg_parse ignore = settings(v, FG_CHECKSUMS_IGNORE);
	const bool covered = covers(v, at, bytes, byte);
	struct fg_key before, after;
	enum fg_drop result;

	assert_int_equal(fg_parse_packet(&ignore, bytes, length, length, &before), PASS);
	bytes[byte] ^= 0x10;
	result = fg_parse_packet(&ignore, bytes, length, length, &after);
	if (result != PASS) {
		assert_int_equal(verify(v, bytes, length, byte), result);
	} else if (before.payload_off == after.payload_off && before.l4 == after.l4 &&
		   before.flags == after.flags && before.family == after.family) {
		result = verify(v, bytes, length, byte);
		if (result != (covered ? FG_DROP_bad_checksum : PASS))
			fail_msg("%s, byte %u: %d", v->name, byte, result);
	}
	bytes[byte] ^= 0x10;
}

static void one_wrong_bit_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(good); i++) {
		uint8_t bytes[FRAME_MAX];
		struct layout at;
		const uint32_t length = read_right(&good[i], bytes, &at);

		for (uint32_t byte = 0; byte < length; byte++)
			check_damage(&good[i], bytes, length, &at, byte);
	}
}

static const struct vector *find(const char *name)
{
	for (size_t i = 0; i < RTE_DIM(good); i++)
		if (strcmp(good[i].name, name) == 0)
			return &good[i];
	fail_msg("no vector %s", name);
	return NULL;
}

/* UDP without a checksum: over IPv4 there is none, over IPv6 that is wrong (RFC 8200, 8.1). */
static void zero_is_none(void **state)
{
	static const struct {
		const char *name;
		enum fg_drop result;
	} cases[] = {{"udp4", PASS},
		     {"udp4 tagged", PASS},
		     {"ipv4 options", PASS},
		     {"udp6", FG_DROP_bad_checksum},
		     {"ipv6 ah", FG_DROP_bad_checksum},
		     {"tcp4", FG_DROP_bad_checksum}};
	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		uint8_t bytes[FRAME_MAX];
		struct layout at;
		const uint32_t length = read_right(find(cases[i].name), bytes, &at);

		put16(bytes + at.field, 0);
		assert_int_equal(verify(find(cases[i].name), bytes, length, 20), cases[i].result);
	}
}

/* In the beginning of a frame, a checksum over more than that cannot be checked. */
static void beginnings_pass(void **state)
{
	static const char *const names[] = {"udp4", "tcp4 options", "udp6", "udp4 tagged"};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(names); i++) {
		const struct vector *v = find(names[i]);
		const struct fg_parse parse = settings(v, FG_CHECKSUMS_VERIFY);
		uint8_t bytes[FRAME_MAX];
		struct fg_key key;
		struct layout at;
		const uint32_t length = read_right(v, bytes, &at);

		bytes[at.field] ^= 1;
		assert_int_equal(fg_parse_packet(&parse, bytes, length, length, &key),
				 FG_DROP_bad_checksum);
		assert_int_equal(fg_parse_packet(&parse, bytes, length - 1, length, &key), PASS);
	}
}

/* As the kernel leaves it to a network card: the sum of the pseudo header, RFC 1071, not inverted.
 */
static void uncomputed_ones_pass(void **state)
{
	static const char *const names[] = {"udp4", "tcp4", "udp6", "tcp6", "udp4 tagged twice"};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(names); i++) {
		const struct vector *v = find(names[i]);
		struct fg_parse parse = settings(v, FG_CHECKSUMS_VERIFY);
		uint8_t bytes[FRAME_MAX];
		struct rte_mbuf *pkt;
		struct fg_key key;
		struct layout at;
		const uint32_t length = read_right(v, bytes, &at);

		put16(bytes + at.field, pseudo_sum(v, &at, bytes));
		assert_int_equal(verify(v, bytes, length, 30), FG_DROP_bad_checksum);
		parse.uncomputed = true;
		assert_int_equal(parse_packet(&parse, packet(bytes, length, length, 0), &key),
				 PASS);
		bytes[at.field] ^= 1;
		assert_int_equal(parse_packet(&parse, packet(bytes, length, length, 0), &key),
				 FG_DROP_bad_checksum);
		parse.uncomputed = false;
		pkt = packet(bytes, length, length, 0);
		pkt->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
		assert_int_equal(parse_packet(&parse, pkt, &key), PASS);
		pkt = packet(bytes, length, length, 0);
		pkt->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		assert_int_equal(parse_packet(&parse, pkt, &key), FG_DROP_bad_checksum);
	}
}

#define IP_BAD  RTE_MBUF_F_RX_IP_CKSUM_BAD
#define IP_GOOD RTE_MBUF_F_RX_IP_CKSUM_GOOD
#define IP_NONE RTE_MBUF_F_RX_IP_CKSUM_NONE
#define L4_BAD  RTE_MBUF_F_RX_L4_CKSUM_BAD
#define L4_GOOD RTE_MBUF_F_RX_L4_CKSUM_GOOD
#define L4_NONE RTE_MBUF_F_RX_L4_CKSUM_NONE

/* What a NIC reports decides with `nic`, and only there. Vectors have no UDP checksum. */
static void nic_is_heeded(void **state)
{
	static const struct {
		const char *name;
		uint64_t flags;
		bool checksum; /* Give it one. */
		bool dropped;
	} cases[] = {
		{"udp4", 0, true, false},
		{"udp4", IP_GOOD | L4_GOOD, true, false},
		{"udp4", IP_BAD | L4_GOOD, true, true},
		{"udp4", IP_GOOD | L4_BAD, true, true},
		{"udp4", IP_NONE | L4_NONE, true, false},
		{"udp4", L4_BAD, false, false}, /* It has none. */
		{"udp4", IP_BAD, false, true},
		{"udp4 tagged", L4_BAD, true, true},
		{"tcp4", L4_BAD, true, true},
		{"udp6", L4_BAD, true, true},
		{"udp6", L4_BAD, false, true},
		{"udp6", IP_BAD, true, false}, /* IPv6 has no such checksum. */
		{"ipv4 first part", L4_BAD, false, false},
		{"ipv4 middle part", L4_BAD, false, false},
		{"ipv4 middle part", IP_BAD, false, true},
		{"icmp", L4_BAD, false, false},
		{"arp", IP_BAD | L4_BAD, false, false},
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct vector *v = find(cases[i].name);
		uint8_t bytes[FRAME_MAX];
		struct layout at;
		const uint32_t length = read_right(v, bytes, &at);

		if (v->l4 != 0 && v->flags == 0 && !cases[i].checksum)
			put16(bytes + at.field, 0);
		for (unsigned int mode = FG_CHECKSUMS_NIC; mode <= FG_CHECKSUMS_IGNORE; mode += 2) {
			const struct fg_parse parse = settings(v, mode);
			struct rte_mbuf *pkt = packet(bytes, length, 20, 0);
			struct fg_key key;
			enum fg_drop result;

			pkt->ol_flags |= cases[i].flags;
			result = parse_packet(&parse, pkt, &key);
			if (result != (cases[i].dropped && mode == FG_CHECKSUMS_NIC
					       ? FG_DROP_bad_checksum
					       : PASS))
				fail_msg("case %zu, mode %u: %d", i, mode, result);
		}
	}
}

/* A burst of right, damaged and malformed frames gives what its packets give one by one. */
static void check_burst(const struct fg_parse *parse, struct fg_lcore_stats *stats)
{
	struct rte_mbuf *pkts[FG_BURST_MAX], *kept[FG_BURST_MAX];
	struct fg_key keys[FG_BURST_MAX], expected_keys[FG_BURST_MAX];
	const uint16_t count = (uint16_t)(1 + random() % FG_BURST_MAX);
	uint64_t dropped[FG_DROP_COUNT];
	uint16_t expected = 0;

	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		dropped[reason] = fg_counter_read(&stats->dropped[reason]);
	for (uint16_t i = 0; i < count; i++) {
		uint8_t bytes[FRAME_MAX];
		struct layout at;
		const uint32_t length =
			read_right(&good[(size_t)random() % RTE_DIM(good)], bytes, &at);
		enum fg_drop result;

		if (random() % 3 == 0)
			bytes[random() % length] ^= (uint8_t)random();
		result = fg_parse_packet(parse, bytes, length, length, &expected_keys[expected]);
		pkts[i] = packet(bytes, length, random() % 2 == 0 ? length : 40, 0);
		if (result == PASS)
			kept[expected++] = pkts[i];
		else
			dropped[result]++;
	}
	assert_int_equal(fg_parse_burst(parse, pkts, count, keys, stats), expected);
	assert_memory_equal(keys, expected_keys, expected * sizeof(keys[0]));
	assert_memory_equal(pkts, kept, expected * sizeof(pkts[0]));
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		assert_int_equal(fg_counter_read(&stats->dropped[reason]), dropped[reason]);
	rte_pktmbuf_free_bulk(pkts, expected);
}

static void bursts_are_as_single_packets(void **state)
{
	const struct fg_parse parse = {
		.conf = {.checksums = FG_CHECKSUMS_VERIFY}, .source = 4, .isa = isa};
	struct fg_lcore_stats *stats = fg_lcore_stats_alloc(-1);

	(void)state;
	assert_non_null(stats);
	srandom(20261201);
	for (unsigned int turn = 0; turn < 1000; turn++)
		check_burst(&parse, stats);
	assert_true(fg_counter_read(&stats->dropped[FG_DROP_bad_checksum]) > 1000);
	fg_lcore_stats_free(stats);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void options(void **state)
{
	static const char *const words[] = {"nic", "verify", "ignore"};
	struct fg_parse_conf conf = {.checksums = 99};
	struct fg_error error = {0};

	(void)state;
	assert_int_equal(fg_option_read(fg_parse_options, NULL, &conf, &error), 0);
	assert_int_equal(conf.checksums, FG_CHECKSUMS_NIC);
	for (unsigned int i = 0; i < RTE_DIM(words); i++) {
		const char *const text = words[i];

		assert_int_equal(fg_option_set(fg_parse_options + 1, &conf, text, NULL, &error), 0);
		assert_int_equal(conf.checksums, i);
	}
}

int main(void)
{
	static char *eal[] = {"test_checksum",  "--no-huge",   "-m", "128", "--no-pci",
			      "--no-telemetry", "--no-shconf", "-l", "0"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_ones_pass),
		cmocka_unit_test(one_wrong_bit_is_found),
		cmocka_unit_test(zero_is_none),
		cmocka_unit_test(beginnings_pass),
		cmocka_unit_test(uncomputed_ones_pass),
		cmocka_unit_test(nic_is_heeded),
		cmocka_unit_test(bursts_are_as_single_packets),
		cmocka_unit_test(options),
	};
	int failed = 0;

	if (rte_eal_init(RTE_DIM(eal), eal) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("test", 511, 0, FG_META_BYTES, 4096 + RTE_PKTMBUF_HEADROOM,
				       SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	for (const char *const *name = fg_isa_options + 1; *name != NULL; name++) {
		struct fg_error error = {0};

		if (fg_isa_find(*name, &isa, &error) == 0)
			failed += cmocka_run_group_tests_name(*name, tests, NULL, NULL);
		else
			print_message("skipped: %s\n", error.text);
	}
	rte_mempool_free(pool);
	rte_eal_cleanup();
	return failed;
}
