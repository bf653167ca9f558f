/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a frame, with every function of lib/parse. What must hold:
 *   - no byte outside the frame is read: it has its own malloc'd memory, and so has each segment,
 * so that the address sanitizer detects it
 *   - the payload lies in the frame; a key's fields agree with each other
 *   - with checksums computed too: a packet in one segment and in several are good or bad alike
 *   - the fast and the general parser, a linear frame, a packet in one segment
 *     and one in several give the same result and the same 64 bytes
 *   - a truncated frame gives the key of the whole one or is malformed, never anything else
 *
 * Input: one byte of settings, two bytes of segment lengths, then the frame.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include <fg_meta.h>
#include <fg_stats.h>

#include "general.h"

#define SETTINGS_BYTES 3u
#define SEGMENTS_MAX   3u
/* Beyond this a packet in segments may be refused where a linear one is not. */
#define FRAME_MAX FG_PARSE_LINEAR_MAX

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rte_mempool *pool;
static struct fg_lcore_stats *stats;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char *eal[] = {"fuzz_parse",     "--no-huge",   "-m", "64", "--no-pci",
			      "--no-telemetry", "--no-shconf", "-l", "0",  "--log-level=error"};

	(void)argc, (void)argv;
	CHECK(rte_eal_init(RTE_DIM(eal), eal) >= 0);
	/* Buffers hold nothing: segments are attached from malloc'd memory. */
	pool = rte_pktmbuf_pool_create("fuzz", 127, 0, FG_META_BYTES, 0, SOCKET_ID_ANY);
	stats = fg_lcore_stats_alloc(-1);
	CHECK(pool != NULL && stats != NULL);
	return 0;
}

static void *copy_exactly(const uint8_t *bytes, uint32_t length)
{
	uint8_t *copy = malloc(length);

	CHECK(copy != NULL || length == 0);
	if (length != 0)
		memcpy(copy, bytes, length);
	return copy;
}

static enum fg_drop parse_linear(const struct fg_parse *parse, const uint8_t *frame,
				 uint32_t length, uint32_t total, struct fg_key *key)
{
	uint8_t *copy = copy_exactly(frame, length);
	enum fg_drop result;

	memset(key, 0xa5, sizeof(*key));
	result = fg_parse_packet(parse, copy, length, total, key);
	free(copy);
	return result;
}

/* The segments' memory is freed by the caller, once the packet is. */
static void segment_freed(void *address, void *opaque)
{
	(void)address, (void)opaque;
}

static enum fg_drop parse_segments(const struct fg_parse *parse, const uint8_t *frame,
				   uint32_t total, const uint8_t *lengths, struct fg_key *key)
{
	static struct rte_mbuf_ext_shared_info shared[SEGMENTS_MAX];
	void *copies[SEGMENTS_MAX] = {NULL};
	struct rte_mbuf *pkt = NULL;
	enum fg_drop result = FG_DROP_COUNT;
	uint64_t counts[FG_DROP_COUNT];
	uint32_t at = 0;

	for (unsigned int i = 0; i < SEGMENTS_MAX; i++) {
		const uint32_t left = total - at;
		const uint32_t length = i + 1 < SEGMENTS_MAX ? RTE_MIN(lengths[i], left) : left;
		struct rte_mbuf *segment = rte_pktmbuf_alloc(pool);

		CHECK(segment != NULL);
		copies[i] = copy_exactly(frame + at, length);
		shared[i].free_cb = segment_freed;
		rte_mbuf_ext_refcnt_set(&shared[i], 1);
		rte_pktmbuf_attach_extbuf(segment, copies[i], 0, (uint16_t)length, &shared[i]);
		CHECK(length == 0 || rte_pktmbuf_append(segment, (uint16_t)length) != NULL);
		CHECK(pkt == NULL || rte_pktmbuf_chain(pkt, segment) == 0);
		pkt = pkt == NULL ? segment : pkt;
		at += length;
	}
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		counts[reason] = fg_counter_read(&stats->dropped[reason]);
	memset(key, 0x5a, sizeof(*key));
	if (fg_parse_burst(parse, &pkt, 1, key, stats) == 1)
		rte_pktmbuf_free(pkt);
	for (unsigned int reason = 0; reason < FG_DROP_COUNT; reason++)
		if (fg_counter_read(&stats->dropped[reason]) != counts[reason])
			result = (enum fg_drop)reason;
	for (unsigned int i = 0; i < SEGMENTS_MAX; i++)
		free(copies[i]);
	CHECK(rte_mempool_in_use_count(pool) == 0);
	return result;
}

static void check_key(const struct fg_key *key, const struct fg_parse *parse, uint32_t total)
{
	const bool later = (key->flags & FG_KEY_LATER_PART) != 0;

	CHECK(key->payload_off + key->payload_len <= total);
	CHECK(key->source == parse->source && key->line == parse->line);
	CHECK(key->family == FG_FAMILY_OTHER || key->family == FG_FAMILY_IPV4 ||
	      key->family == FG_FAMILY_IPV6);
	CHECK((key->flags & ~(FG_KEY_FRAGMENT | FG_KEY_LATER_PART)) == 0);
	CHECK(!later || (key->flags & FG_KEY_FRAGMENT) != 0);
	CHECK(key->l4 == 0 || (key->l4 == key->protocol && !later));
	CHECK(key->l4 != 0 || (key->src_port_be == 0 && key->dst_port_be == 0));
	if (key->family == FG_FAMILY_OTHER)
		CHECK(key->flags == 0 && key->protocol == 0);
	else if (!later)
		CHECK((key->l4 != 0) == (key->protocol == 6 || key->protocol == 17));
	if (key->flags != 0)
		CHECK(parse->conf.fragments == FG_FRAGMENTS_PASS ||
		      (parse->conf.fragments == FG_FRAGMENTS_FIRST && !later));
	for (unsigned int i = 0; i < 2; i++)
		CHECK(key->vlan_be[i] == FG_VLAN_NONE_BE ||
		      rte_be_to_cpu_16(key->vlan_be[i]) < 4096);
	CHECK(key->vlan_be[0] != FG_VLAN_NONE_BE || key->vlan_be[1] == FG_VLAN_NONE_BE);
}

static void check_same(enum fg_drop a, const struct fg_key *key_a, enum fg_drop b,
		       const struct fg_key *key_b)
{
	CHECK(a == b);
	CHECK(a != FG_DROP_COUNT || memcmp(key_a, key_b, sizeof(*key_a)) == 0);
}

/* The result without checksums. */
static enum fg_drop headers(enum fg_drop result)
{
	return result == FG_DROP_bad_checksum ? FG_DROP_COUNT : result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fg_parse parse = {.source = 3, .line = 1};
	struct fg_key key, other;
	struct frame frame;
	enum fg_drop result, again;

	if (size < SETTINGS_BYTES || size - SETTINGS_BYTES > FRAME_MAX)
		return 0;
	parse.conf.fragments = data[0] % 3;
	parse.conf.checksums = data[0] / 3 % 3;
	parse.uncomputed = data[0] / 9 % 2;
	frame.data = data + SETTINGS_BYTES;
	frame.length = frame.total = (uint32_t)(size - SETTINGS_BYTES);

	result = parse_linear(&parse, frame.data, frame.length, frame.total, &key);
	CHECK(result == FG_DROP_COUNT || result == FG_DROP_malformed ||
	      result == FG_DROP_truncated || result == FG_DROP_fragment ||
	      (result == FG_DROP_bad_checksum && parse.conf.checksums == FG_CHECKSUMS_VERIFY));
	if (result == FG_DROP_COUNT)
		check_key(&key, &parse, frame.total);

	again = (enum fg_drop)parse_general(&parse, &frame, &other);
	check_same(headers(result), &key, again, &other);
	again = parse_segments(&parse, frame.data, frame.total, (const uint8_t[]){0xff, 0xff},
			       &other);
	check_same(result, &key, again, &other);
	again = parse_segments(&parse, frame.data, frame.total, data + 1, &other);
	check_same(result, &key, again, &other);

	again = parse_linear(&parse, frame.data, RTE_MIN(data[1], frame.length), frame.total,
			     &other);
	if (again != FG_DROP_malformed)
		check_same(headers(result), &key, headers(again), &other);
	return 0;
}
