/* SPDX-License-Identifier: MIT */
/*
 * The peers, used as in DPDK's examples: rte_acl as in l3fwd-acl, rte_hash as in l3fwd-em. Unlike
 * feedgate, they do not check that a packet is UDP over IPv4.
 */
#define ALLOW_EXPERIMENTAL_API /* rte_vect_*_max_simd_bitwidth(), until DPDK 23.11 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_mbuf.h>
#include <rte_vect.h>

#include <fg_burst.h>
#include <fg_meta.h>

#include "classify_burst.h"
#include "classify_measure.h"
#include "classify_subjects.h"
#include "progress.h"

enum { FIELD_PROTOCOL, FIELD_SRC, FIELD_DST, FIELD_SRC_PORT, FIELD_DST_PORT, FIELDS };

#define FIELD(number, kind, member, input)                                                         \
	{                                                                                          \
		.type = RTE_ACL_FIELD_TYPE_##kind, .size = sizeof(((struct tuple *)0)->member),    \
		.field_index = (number), .input_index = (input),                                   \
		.offset = offsetof(struct tuple, member)                                           \
	}

static const struct rte_acl_field_def fields[FIELDS] = {
	FIELD(FIELD_PROTOCOL, BITMASK, protocol, 0), FIELD(FIELD_SRC, MASK, src_ip, 1),
	FIELD(FIELD_DST, MASK, dst_ip, 2),           FIELD(FIELD_SRC_PORT, RANGE, src_port, 3),
	FIELD(FIELD_DST_PORT, RANGE, dst_port, 3),
};

RTE_ACL_RULE_DEF(acl_rule, FIELDS);

static uint32_t read_be32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static void set_prefix(struct rte_acl_field *field, const uint8_t *value, const uint8_t *mask)
{
	field->value.u32 = read_be32(value);
	field->mask_range.u32 = (uint32_t)__builtin_popcount(read_be32(mask));
}

static void make_rule(struct acl_rule *rule, const struct fg_match *match)
{
	/* A group's rule has the protocol in l4. */
	const bool by_l4 = match->mask.l4 != 0;

	memset(rule, 0, sizeof(*rule));
	rule->data.category_mask = 1;
	rule->data.priority = (int32_t)(RTE_ACL_MAX_PRIORITY - match->rule);
	rule->data.userdata = match->rule;
	rule->field[FIELD_PROTOCOL].value.u8 = by_l4 ? match->value.l4 : match->value.protocol;
	rule->field[FIELD_PROTOCOL].mask_range.u8 = by_l4 ? match->mask.l4 : match->mask.protocol;
	set_prefix(&rule->field[FIELD_SRC], match->value.src_ip, match->mask.src_ip);
	set_prefix(&rule->field[FIELD_DST], match->value.dst_ip, match->mask.dst_ip);
	rule->field[FIELD_SRC_PORT].value.u16 = match->src_port_min;
	rule->field[FIELD_SRC_PORT].mask_range.u16 = match->src_port_max;
	rule->field[FIELD_DST_PORT].value.u16 = match->dst_port_min;
	rule->field[FIELD_DST_PORT].mask_range.u16 = match->dst_port_max;
}

static int acl_fill(struct rte_acl_ctx *acl, const struct work *work)
{
	struct rte_acl_config config = {.num_categories = 1, .num_fields = FIELDS};

	memcpy(config.defs, fields, sizeof(fields));
	for (uint32_t m = 0; m < work->n_matches; m++) {
		struct acl_rule rule;
		int rc;

		make_rule(&rule, &work->matches[m]);
		rc = rte_acl_add_rules(acl, (const struct rte_acl_rule *)&rule, 1);
		if (rc != 0)
			return rc;
	}
	return rte_acl_build(acl, &config);
}

static int acl_build(struct subject *subject, const struct work *work, int socket_id,
		     struct fg_error *error)
{
	const struct rte_acl_param param = {.name = "bench",
					    .socket_id = socket_id,
					    .rule_size = RTE_ACL_RULE_SZ(FIELDS),
					    .max_rule_num = work->n_matches};
	struct rte_acl_ctx *acl = rte_acl_create(&param);
	const int rc = acl != NULL ? acl_fill(acl, work) : -rte_errno;

	if (rc == 0) {
		subject->state = acl;
		return 0;
	}
	rte_acl_free(acl);
	return fg_error_set(error, -rc, "it cannot build %u rules: %s", work->n_matches,
			    strerror(-rc));
}

/* Choose the algorithm that is the fastest here, whichever EAL prefers. */
static void acl_tune(struct subject *subject, const struct work *work)
{
	static const enum rte_acl_classify_alg algorithms[] = {
		RTE_ACL_CLASSIFY_SCALAR,   RTE_ACL_CLASSIFY_SSE,     RTE_ACL_CLASSIFY_AVX2,
		RTE_ACL_CLASSIFY_NEON,     RTE_ACL_CLASSIFY_ALTIVEC, RTE_ACL_CLASSIFY_AVX512X16,
		RTE_ACL_CLASSIFY_AVX512X32};
	static const char *const names[] = {"scalar",  "sse",       "avx2",     "neon",
					    "altivec", "avx512x16", "avx512x32"};
	const uint16_t bits = rte_vect_get_max_simd_bitwidth();
	uint64_t best_ns = UINT64_MAX;
	size_t best = 0;

	(void)rte_vect_set_max_simd_bitwidth(RTE_VECT_SIMD_512);
	for (size_t i = 0; i < RTE_DIM(algorithms); i++) {
		uint64_t ns;

		if (rte_acl_set_ctx_classify(subject->state, algorithms[i]) != 0)
			continue;
		ns = classify_quickest(subject, work,
				       work->pkts != NULL ? INPUT_PACKETS : INPUT_KEYS);
		best = ns < best_ns ? i : best;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	(void)rte_acl_set_ctx_classify(subject->state, algorithms[best]);
	(void)rte_vect_set_max_simd_bitwidth(bits);
	message("%s: the fastest algorithm of rte_acl here is %s", work->name, names[best]);
}

static uint64_t acl_packets(const struct subject *subject, const struct work *work, uint32_t first,
			    unsigned int count, uint32_t *rules)
{
	struct rte_mbuf *const *pkts = work->pkts + first;
	const uint8_t *data[FG_BURST_MAX];

	prefetch_headers(pkts, count);
	for (unsigned int i = 0; i < count; i++)
		data[i] = rte_pktmbuf_mtod_offset(pkts[i], const uint8_t *, TUPLE_FRAME_OFFSET);
	rte_acl_classify(subject->state, data, rules, count, 1);
	return sum_rules(rules, count);
}

static uint64_t acl_keys(const struct subject *subject, const struct work *work, uint32_t first,
			 unsigned int count, uint32_t *rules)
{
	const uint8_t *data[FG_BURST_MAX];

	for (unsigned int i = 0; i < count; i++)
		data[i] = (const uint8_t *)&work->tuples[first + i];
	rte_acl_classify(subject->state, data, rules, count, 1);
	return sum_rules(rules, count);
}

static void acl_free(struct subject *subject)
{
	rte_acl_free(subject->state);
}

const struct subject_kind subject_acl = {
	.build = acl_build,
	.tune = acl_tune,
	.burst = {acl_packets, acl_keys},
	.free = acl_free,
	.answers = true,
	.may_fail = true,
};

struct hash {
	struct rte_hash *keys;
	uint32_t rule[]; /* By the key's position in the hash. */
};

static void hash_free(struct subject *subject)
{
	struct hash *hash = subject->state;

	rte_hash_free(hash->keys);
	free(hash);
}

static int hash_fill(struct hash *hash, const struct work *work)
{
	for (uint32_t m = 0; m < work->n_matches; m++) {
		const struct fg_match *match = &work->matches[m];
		struct group_key key = {.port_be = rte_cpu_to_be_16(match->dst_port_min)};
		int position;

		memcpy(&key.group_be, match->value.dst_ip, sizeof(key.group_be));
		position = rte_hash_add_key(hash->keys, &key);
		if (position < 0)
			return position;
		hash->rule[position] = match->rule;
	}
	return 0;
}

static int hash_build(struct subject *subject, const struct work *work, int socket_id,
		      struct fg_error *error)
{
	const uint32_t entries = RTE_MAX(rte_align32pow2(2 * work->n_matches), 64u);
	const struct rte_hash_parameters param = {.name = "bench",
						  .entries = entries,
						  .key_len = sizeof(struct group_key),
						  .hash_func = rte_hash_crc,
						  .socket_id = socket_id};
	struct hash *hash = calloc(1, sizeof(*hash) + (entries + 1) * sizeof(hash->rule[0]));
	int rc = -ENOMEM;

	if (hash != NULL) {
		hash->keys = rte_hash_create(&param);
		rc = hash->keys != NULL ? hash_fill(hash, work) : -rte_errno;
		subject->state = hash;
	}
	if (rc == 0)
		return 0;
	if (hash != NULL)
		hash_free(subject);
	subject->state = NULL;
	return fg_error_set(error, -rc, "it cannot hold %u keys: %s", work->n_matches,
			    strerror(-rc));
}

static inline uint64_t hash_lookup(const struct hash *hash, const void **keys, unsigned int count,
				   uint32_t *rules)
{
	int32_t positions[FG_BURST_MAX];

	rte_hash_lookup_bulk(hash->keys, keys, count, positions);
	for (unsigned int i = 0; i < count; i++)
		rules[i] = positions[i] >= 0 ? hash->rule[positions[i]] : FG_RULE_NONE;
	return sum_rules(rules, count);
}

static uint64_t hash_packets(const struct subject *subject, const struct work *work, uint32_t first,
			     unsigned int count, uint32_t *rules)
{
	struct rte_mbuf *const *pkts = work->pkts + first;
	struct group_key keys[FG_BURST_MAX];
	const void *pointers[FG_BURST_MAX];

	prefetch_headers(pkts, count);
	for (unsigned int i = 0; i < count; i++) {
		const struct tuple *tuple =
			rte_pktmbuf_mtod_offset(pkts[i], const struct tuple *, TUPLE_FRAME_OFFSET);

		memcpy(&keys[i].group_be, tuple->dst_ip, sizeof(keys[i].group_be));
		memcpy(&keys[i].port_be, tuple->dst_port, sizeof(keys[i].port_be));
		keys[i].zero = 0;
		pointers[i] = &keys[i];
	}
	return hash_lookup(subject->state, pointers, count, rules);
}

static uint64_t hash_keys(const struct subject *subject, const struct work *work, uint32_t first,
			  unsigned int count, uint32_t *rules)
{
	const void *pointers[FG_BURST_MAX];

	for (unsigned int i = 0; i < count; i++)
		pointers[i] = &work->group_keys[first + i];
	return hash_lookup(subject->state, pointers, count, rules);
}

const struct subject_kind subject_hash = {
	.build = hash_build,
	.burst = {hash_packets, hash_keys},
	.free = hash_free,
	.answers = true,
};
