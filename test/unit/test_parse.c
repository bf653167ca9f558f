/* SPDX-License-Identifier: MIT */
/*
 * Every frame of parse_vectors.h passes through each function of the library: whole, truncated, in
 * one segment, in several segments.
 */
/* cmocka.h needs those before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_meta.h>
#include <fg_stats.h>

#include "fast.h"
#include "general.h"
#include "parse_rig.h"
#include "parse_vectors.h"

/* The variant of fg_parse_burst() under test: main() tests all that this CPU supports. */
static enum fg_isa isa;

static struct fg_parse settings(const struct vector *v)
{
	return (struct fg_parse){
		.conf = {.fragments = v->fragments}, .source = 7, .line = 2, .isa = isa};
}

/* The key that the vector describes, byte for byte. */
static struct fg_key expected_key(const struct vector *v)
{
	struct fg_key key = {
		.l4 = v->l4,
		.protocol = v->protocol,
		.family = v->family,
		.flags = v->flags,
		.source = 7,
		.line = 2,
		.payload_len = v->payload_len,
		.vlan_be = {rte_cpu_to_be_16(v->tags > 0 ? v->vlan[0] : NO_TAG),
			    rte_cpu_to_be_16(v->tags > 1 ? v->vlan[1] : NO_TAG)},
		.dst_mac = {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03},
		.ethertype_be = rte_cpu_to_be_16(v->ethertype),
		.src_mac = {0x02, 0x00, 0x00, 0x00, 0x00, 0x01},
		.payload_off = v->payload_off,
	};

	if (v->l4 != 0) {
		key.src_port_be = rte_cpu_to_be_16(12345);
		key.dst_port_be = rte_cpu_to_be_16(26477);
	}
	if (v->family == 4) {
		memcpy(key.src_ip, (const uint8_t[]){10, 0, 0, 1}, 4);
		memcpy(key.dst_ip, (const uint8_t[]){233, 54, 12, 111}, 4);
	} else if (v->family == 6) {
		memcpy(key.src_ip, (const uint8_t[]){0x20, 0x01, 0x0d, 0xb8}, 4);
		key.src_ip[15] = 1;
		memcpy(key.dst_ip, (const uint8_t[]){0xff, 0x0e}, 2);
		key.dst_ip[14] = 0x12;
		key.dst_ip[15] = 0x34;
	}
	return key;
}

/* A copy in memory of its own, so that the address sanitizer detects reads outside. */
static enum fg_drop parse_exactly(const struct fg_parse *parse, const uint8_t *frame,
				  uint32_t length, uint32_t total, struct fg_key *key)
{
	uint8_t *copy = malloc(length + (length == 0));
	enum fg_drop result;

	assert_non_null(copy);
	memcpy(copy, frame, length);
	memset(key, 0xa5, sizeof(*key));
	result = fg_parse_packet(parse, copy, length, total, key);
	free(copy);
	return result;
}

static void expect(const struct vector *v, enum fg_drop result, const struct fg_key *key,
		   const char *way, unsigned int at)
{
	const struct fg_key expected = expected_key(v);

	if (result != v->result)
		fail_msg("%s, %s %u: result %d, expected %d", v->name, way, at, result, v->result);
	if (result == PASS && memcmp(key, &expected, sizeof(expected)) != 0)
		fail_msg("%s, %s %u: the key differs", v->name, way, at);
}

static void check_vector(const struct vector *v)
{
	const struct fg_parse parse = settings(v);
	uint8_t bytes[FRAME_MAX];
	const uint32_t length = read_hex(v->frame, bytes);
	const struct frame frame = {.data = bytes, .length = length, .total = length};
	struct fg_key key;

	expect(v, parse_exactly(&parse, bytes, length, length, &key), &key, "whole", 0);
	memset(&key, 0xa5, sizeof(key));
	expect(v, (enum fg_drop)parse_general(&parse, &frame, &key), &key, "general", 0);
	expect(v, parse_packet(&parse, packet(bytes, length, length, 0), &key), &key, "burst", 0);
	for (unsigned int at = 0; at < length; at++) {
		expect(v, parse_packet(&parse, packet(bytes, length, at, 0), &key), &key, "cut",
		       at);
		expect(v, parse_packet(&parse, packet(bytes, length, at, 3), &key), &key,
		       "cut twice", at);
	}
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(good); i++)
		check_vector(&good[i]);
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(bad); i++)
		check_vector(&bad[i]);
}

/* A good frame that ends anywhere before its datagram does is truncated. */
static void test_ends_early(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(good); i++) {
		const struct vector *v = &good[i];
		const struct fg_parse parse = settings(v);
		uint8_t bytes[FRAME_MAX];
		const uint32_t length = read_hex(v->frame, bytes);
		const uint32_t needed = v->family == 0 ? v->payload_off : length - v->trailer;
		struct fg_key key;

		for (uint32_t cut = 0; cut < needed; cut++)
			if (parse_exactly(&parse, bytes, cut, cut, &key) != FG_DROP_truncated)
				fail_msg("%s, %u bytes: not truncated", v->name, cut);
		for (uint32_t cut = needed; cut < length && v->family != 0; cut++)
			expect(v, parse_exactly(&parse, bytes, cut, cut, &key), &key, "ends", cut);
	}
}

/* The beginning of a good frame gives the same key if it holds the headers, else malformed. */
static void test_only_beginning(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(good); i++) {
		const struct vector *v = &good[i];
		const struct fg_parse parse = settings(v);
		uint8_t bytes[FRAME_MAX];
		const uint32_t length = read_hex(v->frame, bytes);
		struct fg_key key;

		for (uint32_t have = v->payload_off; have < length; have++)
			expect(v, parse_exactly(&parse, bytes, have, length, &key), &key, "has",
			       have);
		for (uint32_t have = 0; have < v->payload_off; have++) {
			const enum fg_drop result =
				parse_exactly(&parse, bytes, have, length, &key);

			/* IPv4 options and TCP options are never read, so need not be there. */
			if (result == PASS)
				expect(v, result, &key, "lacks", have);
			else if (result != FG_DROP_malformed)
				fail_msg("%s, %u bytes at hand: not malformed", v->name, have);
		}
	}
}

/* All combinations of the three lengths near their limits, in both parsers, against the rules. */
static void test_lengths(void **state)
{
	const struct fg_parse parse = {.source = 7, .line = 2, .isa = isa};
	uint8_t bytes[FRAME_MAX];
	const uint32_t most = 100;

	(void)state;
	read_hex(MACS IP4("0000", "4000", "11") UDP("0000") "{58}", bytes);
	for (uint32_t total = 42; total <= most; total++)
		for (uint32_t ip = 0; ip <= most; ip++)
			for (uint32_t udp = 0; udp <= most; udp++) {
				const struct frame frame = {bytes, total, total};
				const enum fg_drop expected = ip < 20           ? FG_DROP_malformed
							      : ip + 14 > total ? FG_DROP_truncated
							      : ip < 28         ? FG_DROP_truncated
							      : udp < 8 || udp > ip - 20
								      ? FG_DROP_malformed
								      : PASS;
				struct fg_key key, general;

				bytes[17] = (uint8_t)ip;
				bytes[39] = (uint8_t)udp;
				assert_int_equal(fg_parse_packet(&parse, bytes, total, total, &key),
						 expected);
				assert_int_equal(parse_general(&parse, &frame, &general), expected);
				if (expected == PASS) {
					assert_memory_equal(&key, &general, sizeof(key));
					assert_int_equal(key.payload_len, udp - 8);
				}
			}
}

/* A fast parser that accepts the frame gives the general one's key. @return how many accept it. */
static unsigned int compare_fast(const struct fg_parse *parse, const uint8_t *bytes,
				 uint32_t length, enum fg_drop result, const struct fg_key *general)
{
	static bool (*const parsers[])(const struct fast_head *, const uint8_t *, uint32_t,
				       struct fg_key *, const uint32_t) = {
		fast_key_words,
#if ISA_WIDTH >= 1
		fast_key_vector,
#endif
	};
	const struct fast_head head = fast_head(parse);
	unsigned int taken = 0;

	for (size_t p = 0; p < RTE_DIM(parsers); p++)
		for (uint32_t tag = 0; tag <= FAST_TAG_BYTES; tag += FAST_TAG_BYTES) {
			struct fg_key key;

			memset(&key, 0xa5, sizeof(key));
			if (length < FAST_BYTES + tag ||
			    !parsers[p](&head, bytes, length, &key, tag))
				continue;
			assert_int_equal(result, PASS);
			assert_memory_equal(&key, general, sizeof(key));
			taken |= 1u << (2 * p + tag / FAST_TAG_BYTES);
		}
	return taken;
}

/* A good frame, cut and broken at random, or not. @return its length. */
static uint32_t random_frame(uint8_t *bytes)
{
	const struct vector *v = &good[(size_t)random() % RTE_DIM(good)];
	const uint32_t whole = read_hex(v->frame, bytes);
	const uint32_t length = random() % 4 == 0 ? (uint32_t)random() % (whole + 1) : whole;

	for (long i = random() % 3; i > 0 && length > 0; i--)
		bytes[(uint32_t)random() % RTE_MIN(length, 64u)] ^= (uint8_t)random();
	return length;
}

/* Frames near the fast shape, damaged at random: all parsers agree. */
static void test_fast_is_general(void **state)
{
	uint8_t bytes[FRAME_MAX];
	unsigned int plain = 0, tagged = 0;

	(void)state;
	srandom(20240229);
	for (unsigned int turn = 0; turn < 400000; turn++) {
		const struct fg_parse parse = {.conf = {.fragments = (uint64_t)random() % 3},
					       .source = (uint8_t)random(),
					       .line = (uint8_t)random()};
		const uint32_t length = random_frame(bytes);
		const struct frame frame = {bytes, length, length};
		struct fg_key key, general;
		enum fg_drop result;
		unsigned int taken;

		memset(&key, 0xa5, sizeof(key));
		memset(&general, 0x5a, sizeof(general));
		result = fg_parse_packet(&parse, bytes, length, length, &key);
		assert_int_equal(result, parse_general(&parse, &frame, &general));
		if (result == PASS) {
			assert_memory_equal(&key, &general, sizeof(key));
			assert_true(key.payload_off + key.payload_len <= length);
		}
		taken = compare_fast(&parse, bytes, length, result, &general);
		/* Both variants accept the same frames. */
		assert_true(fast_key == fast_key_words || (taken & 3) == taken >> 2);
		plain += taken & 1;
		tagged += taken >> 1 & 1;
	}
	/* On a big-endian machine the fast parser accepts nothing. */
	assert_true(plain > 1000 || RTE_BYTE_ORDER == RTE_BIG_ENDIAN);
	assert_true(tagged > 1000 || RTE_BYTE_ORDER == RTE_BIG_ENDIAN);
}

/* Bursts of such frames: packets, keys and drop reasons are those of the general parser. */
static void check_random_burst(const struct fg_parse *parse, struct fg_lcore_stats *stats)
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
		const uint32_t length = random_frame(bytes);
		const struct frame frame = {bytes, length, length};
		int result;

		pkts[i] = packet(bytes, length, length, 0);
		result = parse_general(parse, &frame, &expected_keys[expected]);
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

static void test_bursts_are_general(void **state)
{
	const struct fg_parse parse = {.source = 250, .line = 26, .isa = isa};
	struct fg_lcore_stats *stats = fg_lcore_stats_alloc(-1);

	(void)state;
	assert_non_null(stats);
	srandom(20240301);
	for (unsigned int turn = 0; turn < 2000; turn++)
		check_random_burst(&parse, stats);
	fg_lcore_stats_free(stats);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* Good and bad ones, alternating with a growing stride: order, counts and buffers. */
static void test_compaction(void **state)
{
	const struct fg_parse parse = {.source = 7, .line = 2, .isa = isa};

	(void)state;
	for (unsigned int stride = 1; stride <= FG_BURST_MAX + 1; stride++)
		for (uint16_t count = 1; count <= FG_BURST_MAX; count = (uint16_t)(count + 9)) {
			struct fg_lcore_stats *stats = fg_lcore_stats_alloc(-1);
			struct rte_mbuf *pkts[FG_BURST_MAX], *kept[FG_BURST_MAX];
			struct fg_key keys[FG_BURST_MAX];
			uint16_t expected = 0, left;

			for (uint16_t i = 0; i < count; i++) {
				const bool broken = i % stride == 0 && stride <= FG_BURST_MAX;
				uint8_t bytes[FRAME_MAX];
				const uint32_t length = read_hex(broken ? bad[6 + i % 2].frame
									: good[i % 2 * 4].frame,
								 bytes);

				/* A MAC byte distinguishes the packets. */
				bytes[11] = (uint8_t)i;
				pkts[i] = packet(bytes, length, length, 0);
				if (!broken)
					kept[expected++] = pkts[i];
			}
			left = fg_parse_burst(&parse, pkts, count, keys, stats);
			assert_int_equal(left, expected);
			assert_int_equal(fg_counter_read(&stats->dropped[FG_DROP_malformed]),
					 count - expected);
			assert_int_equal(rte_mempool_in_use_count(pool), expected);
			for (uint16_t i = 0; i < left; i++) {
				assert_ptr_equal(pkts[i], kept[i]);
				assert_int_equal(keys[i].src_mac[5],
						 rte_pktmbuf_mtod(pkts[i], uint8_t *)[11]);
			}
			rte_pktmbuf_free_bulk(pkts, left);
			fg_lcore_stats_free(stats);
		}
}

/* Extension headers that reach @p beyond bytes: a chain of them, then UDP. */
static uint32_t long_chain(uint8_t *bytes, uint32_t extensions, uint8_t units)
{
	const uint32_t size = (units + 1u) * 8;
	uint32_t length = read_hex(MACS IP6("0000", "3c"), bytes);
	const uint32_t payload = extensions * size + 12;

	bytes[18] = (uint8_t)(payload >> 8);
	bytes[19] = (uint8_t)payload;
	for (uint32_t i = 0; i < extensions; i++) {
		memset(bytes + length, 0, size);
		bytes[length] = i + 1 < extensions ? 60 : 17;
		bytes[length + 1] = units;
		length += size;
	}
	return length + read_hex(UDP("000c") "{4}", bytes + length);
}

/* Segments: headers are read up to FG_PARSE_LINEAR_MAX, or anywhere in the first segment. */
static void test_long_headers(void **state)
{
	struct vector v = {"long chain", NULL, V6, .protocol = 17, .l4 = 17, .payload_len = 4};
	const struct fg_parse parse = settings(&v);
	uint8_t bytes[FRAME_MAX];
	struct fg_key key;
	uint32_t length;

	(void)state;
	/* 54 + 2 * 992 + 8 = 2046: the last that fits; with 8 more, UDP ends at 2054. */
	length = long_chain(bytes, 2, 123);
	v.payload_off = 2046;
	expect(&v, parse_exactly(&parse, bytes, length, length, &key), &key, "whole", 0);
	expect(&v, parse_packet(&parse, packet(bytes, length, 100, 0), &key), &key, "cut", 100);
	expect(&v, parse_packet(&parse, packet(bytes, length, 1, 60), &key), &key, "cut", 1);
	length = long_chain(bytes, 2, 124);
	v.payload_off = 2062;
	expect(&v, parse_exactly(&parse, bytes, length, length, &key), &key, "whole", 0);
	expect(&v, parse_packet(&parse, packet(bytes, length, 2062, 0), &key), &key, "cut", 2062);
	assert_int_equal(parse_packet(&parse, packet(bytes, length, 100, 0), &key),
			 FG_DROP_malformed);
	/* A frame that really ends there is truncated, however it is cut. */
	assert_int_equal(parse_packet(&parse, packet(bytes, length - 1, 100, 0), &key),
			 FG_DROP_truncated);
}

/* Frames of the greatest lengths that headers can state, and longer ones. */
static void test_huge(void **state)
{
	const struct fg_parse parse = {.source = 7, .line = 2, .isa = isa};
	const uint32_t total = 65535 + 14 + 100;
	uint8_t *bytes = calloc(1, total);
	struct fg_key key;

	(void)state;
	assert_non_null(bytes);
	read_hex(MACS IP4("ffff", "4000", "11") UDP("ffeb"), bytes);
	assert_int_equal(fg_parse_packet(&parse, bytes, total, total, &key), PASS);
	assert_int_equal(key.payload_len, 65535 - 28);
	assert_int_equal(parse_packet(&parse, packet(bytes, total, 50, 0), &key), PASS);
	assert_int_equal(key.payload_len, 65535 - 28);
	assert_int_equal(fg_parse_packet(&parse, bytes, total, 65535 + 13, &key),
			 FG_DROP_truncated);
	read_hex(MACS IP6("ffff", "32"), bytes);
	assert_int_equal(fg_parse_packet(&parse, bytes, total, total, &key), PASS);
	assert_int_equal(key.payload_len, 65535);
	read_hex(MACS "88b5", bytes);
	assert_int_equal(fg_parse_packet(&parse, bytes, total, total, &key), PASS);
	assert_int_equal(key.payload_len, 65535);
	free(bytes);
}

static void test_options(void **state)
{
	static const char *const words[] = {"pass", "first-only", "drop"};
	struct fg_parse_conf conf = {.fragments = 99};
	struct fg_error error = {0};

	(void)state;
	assert_int_equal(fg_option_read(fg_parse_options, NULL, &conf, &error), 0);
	assert_int_equal(conf.fragments, FG_FRAGMENTS_PASS);
	for (unsigned int i = 0; i < RTE_DIM(words); i++) {
		assert_int_equal(fg_option_set(fg_parse_options, &conf, words[i], NULL, &error), 0);
		assert_int_equal(conf.fragments, i);
	}
	assert_true(fg_option_set(fg_parse_options, &conf, "first", NULL, &error) < 0);
}

static int set_up(void **state)
{
	(void)state;
	pool = rte_pktmbuf_pool_create("test", 511, 0, FG_META_BYTES, 4096 + RTE_PKTMBUF_HEADROOM,
				       SOCKET_ID_ANY);
	return pool == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	rte_mempool_free(pool);
	return 0;
}

int main(int argc, char **argv)
{
	static char *eal[] = {"test_parse",     "--no-huge",   "-m", "128", "--no-pci",
			      "--no-telemetry", "--no-shconf", "-l", "0"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_ends_early),
		cmocka_unit_test(test_only_beginning),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_fast_is_general),
		cmocka_unit_test(test_compaction),
		cmocka_unit_test(test_long_headers),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_bursts_are_general),
	};
	struct fg_error error;
	int failed = 0;

	(void)argc, (void)argv;
	if (rte_eal_init(RTE_DIM(eal), eal) < 0)
		return 1;
	for (const char *const *name = fg_isa_options + 1; *name != NULL; name++) {
		error = (struct fg_error){0};
		if (fg_isa_find(*name, &isa, &error) == 0) {
			print_message("variant %s\n", *name);
			failed += cmocka_run_group_tests(tests, set_up, tear_down);
		} else {
			print_message("skipped: %s\n", error.text);
		}
	}
	rte_eal_cleanup();
	return failed;
}
