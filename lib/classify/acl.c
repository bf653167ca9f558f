/* SPDX-License-Identifier: MIT */
/*
 * The engine "acl": DPDK's rte_acl, one trie for each address family.
 *
 * rte_acl reads keys in place: the layout of struct fg_key is what it requires
 * (the first field is one byte, the others stand in groups of four bytes).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include <fg_burst.h>
#include <fg_meta.h>

#include "acl_fields.h"
#include "engine.h"

enum { TRIES = 3 };
static const uint8_t families[TRIES] = {FG_FAMILY_OTHER, FG_FAMILY_IPV4, FG_FAMILY_IPV6};

/*
 * Most packets match no rule. If every entry of a family tests a whole destination
 * address, a bit map of hashed addresses rules most of these packets out without
 * walking the trie. A collision only costs a walk.
 */
struct trie {
	struct rte_acl_ctx *walk; /* NULL: no entry */
	uint64_t *maybe;          /* bit map, by address_hash(); NULL: every key walks the trie */
	unsigned int hash_bits;   /* maybe has 1 << hash_bits bits */
};

struct acl {
	struct trie tries[TRIES]; /* in the order of families[] */
	uint8_t by_family[8];     /* family to index of trie */
};

static struct rte_acl_ctx *create_trie(const struct fg_table_conf *conf, uint32_t rules,
				       uint32_t n_fields)
{
	static atomic_uint serial;
	char name[RTE_ACL_NAMESIZE];
	struct rte_acl_param param = {
		.name = name,
		.socket_id = conf->socket_id,
		.rule_size = (uint32_t)RTE_ACL_RULE_SZ(n_fields),
		.max_rule_num = rules,
	};

	snprintf(name, sizeof(name), "fg_acl_%u", atomic_fetch_add(&serial, 1));
	return rte_acl_create(&param);
}

static int add_rules(struct rte_acl_ctx *trie, const struct fg_match *matches, uint32_t count,
		     uint8_t family, uint64_t used)
{
	struct acl_rule rule;

	for (uint32_t m = 0; m < count; m++) {
		int rc;

		if (!acl_belongs(&matches[m], family))
			continue;
		acl_fill_rule(&rule, &matches[m], used);
		rc = rte_acl_add_rules(trie, (const struct rte_acl_rule *)&rule, 1);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The top bits of a multiplicative hash of dst_ip. */
static inline uint32_t address_hash(const struct fg_key *key, uint8_t family,
				    unsigned int hash_bits)
{
	uint64_t halves[2] = {0, 0};

	memcpy(halves, key->dst_ip, family == FG_FAMILY_IPV4 ? 4 : 16);
	return (uint32_t)(((halves[0] ^ (halves[1] << 1)) * UINT64_C(0x9e3779b97f4a7c15)) >>
			  (64 - hash_bits));
}

static bool tests_whole_address(const struct fg_match *match, uint8_t family)
{
	static const uint8_t ones[16] = {[0 ... 15] = 0xff};

	return memcmp(match->mask.dst_ip, ones, family == FG_FAMILY_IPV4 ? 4 : 16) == 0;
}

/* The bit map, at least 16 bits for each entry; none if an entry tests no whole address. */
static int build_maybe(struct trie *trie, const struct fg_table_conf *conf,
		       const struct fg_match *matches, uint32_t count, uint8_t family,
		       uint32_t rules)
{
	for (uint32_t m = 0; m < count; m++)
		if (acl_belongs(&matches[m], family) && !tests_whole_address(&matches[m], family))
			return 0;
	trie->hash_bits = 12;
	while ((UINT64_C(1) << trie->hash_bits) < 16 * (uint64_t)rules)
		trie->hash_bits++;
	trie->maybe = rte_zmalloc_socket(NULL, (size_t)1 << (trie->hash_bits - 3),
					 RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (trie->maybe == NULL)
		return -ENOMEM;
	for (uint32_t m = 0; m < count; m++)
		if (acl_belongs(&matches[m], family)) {
			const uint32_t hash =
				address_hash(&matches[m].value, family, trie->hash_bits);

			trie->maybe[hash / 64] |= UINT64_C(1) << (hash % 64);
		}
	return 0;
}

static int build_walk(const struct fg_table_conf *conf, const struct fg_match *matches,
		      uint32_t count, uint8_t family, uint32_t rules, struct rte_acl_ctx **out)
{
	const uint64_t used = acl_used_groups(matches, count, family);
	struct rte_acl_config config;
	struct rte_acl_ctx *walk;
	int rc;

	acl_define_fields(&config, used);
	walk = create_trie(conf, rules, config.num_fields);
	if (walk == NULL)
		return -rte_errno;
	rc = add_rules(walk, matches, count, family, used);
	if (rc == 0)
		rc = rte_acl_build(walk, &config);
	if (rc != 0) {
		rte_acl_free(walk);
		return rc;
	}
	*out = walk;
	return 0;
}

/* On error, acl_free() frees what was built. */
static int build_trie(const struct fg_table_conf *conf, const struct fg_match *matches,
		      uint32_t count, uint8_t family, struct trie *trie)
{
	uint32_t rules = 0;
	int rc;

	for (uint32_t m = 0; m < count; m++)
		rules += acl_belongs(&matches[m], family);
	if (rules == 0)
		return 0;
	rc = build_walk(conf, matches, count, family, rules, &trie->walk);
	return rc != 0 ? rc : build_maybe(trie, conf, matches, count, family, rules);
}

static void acl_free(void *table)
{
	struct acl *acl = table;

	for (unsigned int t = 0; t < TRIES; t++) {
		rte_acl_free(acl->tries[t].walk);
		rte_free(acl->tries[t].maybe);
	}
	rte_free(acl);
}

static int acl_build(const struct fg_table_conf *conf, const struct fg_match *matches,
		     uint32_t count, uint8_t *tiers, void **out, struct fg_error *error)
{
	struct acl *acl =
		rte_zmalloc_socket(NULL, sizeof(*acl), RTE_CACHE_LINE_SIZE, conf->socket_id);

	(void)tiers;
	if (acl == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a table of %u rule entries",
				    count);
	for (uint8_t t = 0; t < TRIES; t++) {
		const int rc = build_trie(conf, matches, count, families[t], &acl->tries[t]);

		acl->by_family[families[t]] = t;
		if (rc != 0) {
			acl_free(acl);
			return fg_error_set(error, -rc,
					    "rte_acl cannot build a table of %u rule entries: %s "
					    "(too many wildcards for it, or give EAL more memory "
					    "with -m or hugepages)",
					    count, strerror(-rc));
		}
	}
	*out = acl;
	return 0;
}

/* Keys that must walk the trie, and their indexes in the burst. */
struct walkers {
	const uint8_t *keys[FG_BURST_MAX];
	uint8_t index[FG_BURST_MAX];
	unsigned int count;
};

/* The keys of @p family that the bit map does not rule out. */
static inline void pick(const struct trie *trie, const struct fg_key *keys, uint8_t family,
			unsigned int count, struct walkers *walkers)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int walk = keys[i].family == family;

		if (trie->maybe != NULL) {
			const uint32_t hash = address_hash(&keys[i], family, trie->hash_bits);

			walk &= (unsigned int)(trie->maybe[hash / 64] >> (hash % 64));
		}
		walkers->keys[n] = (const uint8_t *)&keys[i];
		walkers->index[n] = (uint8_t)i;
		n += walk;
	}
	walkers->count = n;
}

static inline void lookup_family(const struct trie *trie, const struct fg_key *keys, uint8_t family,
				 uint32_t *rules, unsigned int count)
{
	struct walkers walkers;
	uint32_t results[FG_BURST_MAX];

	if (trie->walk == NULL)
		return;
	/* A constant for the usual family: its loop is compiled separately. */
	if (family == FG_FAMILY_IPV4)
		pick(trie, keys, FG_FAMILY_IPV4, count, &walkers);
	else
		pick(trie, keys, family, count, &walkers);
	if (walkers.count == 0)
		return;
	rte_acl_classify(trie->walk, walkers.keys, results, walkers.count, 1);
	for (unsigned int i = 0; i < walkers.count; i++)
		rules[walkers.index[i]] = results[i];
}

static void acl_lookup(const void *table, const struct fg_key *keys, uint32_t *rules,
		       unsigned int count)
{
	const struct acl *acl = table;
	uint8_t present = 0; /* bit t: tries[t] */

	for (unsigned int i = 0; i < count; i++) {
		present |= (uint8_t)(1u << acl->by_family[keys[i].family & 7]);
		rules[i] = FG_RULE_NONE;
	}
	for (unsigned int t = 0; t < TRIES; t++)
		if ((present >> t & 1) != 0)
			lookup_family(&acl->tries[t], keys, families[t], rules, count);
}

static void acl_info(const void *table, struct fg_table_info *info)
{
	const struct acl *acl = table;

	for (unsigned int t = 0; t < TRIES; t++)
		info->n_trees += acl->tries[t].walk != NULL;
}

const struct engine engine_acl = {
	.name = "acl",
	.build = acl_build,
	.lookup = acl_lookup,
	.info = acl_info,
	.free = acl_free,
};
