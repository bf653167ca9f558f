/* SPDX-License-Identifier: MIT */
/*
 * rte_acl behind the engine interface: one trie per address family.
 *
 * A trie walks the key byte by byte, so it is built over those four-byte groups
 * of the key only that some entry of its family looks at. Tries read the key
 * where it lies: struct fg_key has rte_acl's form (first field one byte, the
 * others in groups of four).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_byteorder.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include <fg_meta.h>

#include "engine.h"

#define FIELD_BYTES(name) offsetof(struct fg_key, name), sizeof(((struct fg_key *)0)->name)

/* The fields of a key in walking order; a group's fields stand together. */
struct field {
	size_t offset;
	size_t bytes;
	size_t group; /* offset of the four-byte group; the first byte has none */
};

#define FIRST_FIELD SIZE_MAX
/* Ports and addresses first: they decide soonest. payload_* are never matched, but fill groups. */
static const struct field fields[] = {
	{FIELD_BYTES(l4), FIRST_FIELD},
	{offsetof(struct fg_key, dst_ip), 4, 32},
	{offsetof(struct fg_key, dst_ip) + 4, 4, 36},
	{offsetof(struct fg_key, dst_ip) + 8, 4, 40},
	{offsetof(struct fg_key, dst_ip) + 12, 4, 44},
	{FIELD_BYTES(src_port_be), 8},
	{FIELD_BYTES(dst_port_be), 8},
	{offsetof(struct fg_key, src_ip), 4, 16},
	{offsetof(struct fg_key, src_ip) + 4, 4, 20},
	{offsetof(struct fg_key, src_ip) + 8, 4, 24},
	{offsetof(struct fg_key, src_ip) + 12, 4, 28},
	{FIELD_BYTES(l4), 0},
	{FIELD_BYTES(protocol), 0},
	{FIELD_BYTES(family), 0},
	{FIELD_BYTES(flags), 0},
	{FIELD_BYTES(source), 4},
	{FIELD_BYTES(line), 4},
	{FIELD_BYTES(payload_len), 4},
	{offsetof(struct fg_key, vlan_be), 2, 12},
	{offsetof(struct fg_key, vlan_be) + 2, 2, 12},
	{offsetof(struct fg_key, dst_mac), 4, 48},
	{offsetof(struct fg_key, dst_mac) + 4, 2, 52},
	{FIELD_BYTES(ethertype_be), 52},
	{offsetof(struct fg_key, src_mac), 4, 56},
	{offsetof(struct fg_key, src_mac) + 4, 2, 60},
	{FIELD_BYTES(payload_off), 60},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const size_t sport_offset = offsetof(struct fg_key, src_port_be);
static const size_t dport_offset = offsetof(struct fg_key, dst_port_be);

enum { TRIES = 3 };
static const uint8_t families[TRIES] = {FG_FAMILY_OTHER, FG_FAMILY_IPV4, FG_FAMILY_IPV6};

/*
 * Most packets are wanted by nobody. Where every entry of a family names a
 * whole destination address, one bit per hashed address tells most of them
 * without a walk; a wrong "maybe" costs a walk, and there is no wrong "no".
 */
struct trie {
	struct rte_acl_ctx *walk; /* NULL: no entry */
	uint64_t *maybe;          /* bits by address_hash(); NULL: every key walks */
	unsigned int hash_bits;   /* of maybe: 1 << hash_bits bits */
};

struct acl {
	struct trie tries[TRIES]; /* in the order of families[] */
	uint8_t by_family[8];     /* family to index of trie */
};

RTE_ACL_RULE_DEF(acl_rule, FIELDS);

static bool is_port(const struct field *field)
{
	return field->offset == sport_offset || field->offset == dport_offset;
}

static bool belongs(const struct fg_match *match, uint8_t family)
{
	return match->mask.family == 0 || match->value.family == family;
}

static void port_range(const struct fg_match *match, const struct field *field, uint16_t *min,
		       uint16_t *max)
{
	const bool src = field->offset == sport_offset;

	*min = src ? match->src_port_min : match->dst_port_min;
	*max = src ? match->src_port_max : match->dst_port_max;
}

/* Does this entry look at the field? The family is decided by the choice of the trie. */
static bool looks_at(const struct fg_match *match, const struct field *field)
{
	static const uint8_t zero[4];
	uint16_t min, max;

	if (field->offset == offsetof(struct fg_key, family))
		return false;
	if (is_port(field)) {
		port_range(match, field, &min, &max);
		return min > 0 || max < UINT16_MAX;
	}
	return memcmp((const uint8_t *)&match->mask + field->offset, zero, field->bytes) != 0;
}

/* Which groups the trie of @p family must walk; group offsets are multiples of four below 64. */
static uint64_t used_groups(const struct fg_match *matches, uint32_t count, uint8_t family)
{
	uint64_t used = 0;

	for (size_t f = 0; f < FIELDS; f++) {
		/* The first byte of group 0 is walked before all groups anyway. */
		if (fields[f].group == FIRST_FIELD || (used >> fields[f].group & 1) != 0 ||
		    (fields[f].group == 0 && fields[f].offset == 0))
			continue;
		for (uint32_t m = 0; m < count; m++)
			if (belongs(&matches[m], family) && looks_at(&matches[m], &fields[f])) {
				used |= UINT64_C(1) << fields[f].group;
				break;
			}
	}
	/* rte_acl wants a group after the first byte. */
	return used != 0 ? used : 1;
}

static bool walks(uint64_t used, const struct field *field)
{
	return field->group == FIRST_FIELD || (used >> field->group & 1) != 0;
}

static void define_fields(struct rte_acl_config *config, uint64_t used)
{
	uint32_t n = 0;
	uint8_t input = 0;
	size_t group = FIRST_FIELD;

	memset(config, 0, sizeof(*config));
	for (size_t f = 0; f < FIELDS; f++) {
		if (!walks(used, &fields[f]))
			continue;
		if (fields[f].group != group) {
			group = fields[f].group;
			input++;
		}
		config->defs[n] = (struct rte_acl_field_def){
			.type = is_port(&fields[f]) ? RTE_ACL_FIELD_TYPE_RANGE
						    : RTE_ACL_FIELD_TYPE_MASK,
			.size = (uint8_t)fields[f].bytes,
			.field_index = (uint8_t)n,
			.input_index = input,
			.offset = (uint32_t)fields[f].offset,
		};
		n++;
	}
	config->num_fields = n;
	config->num_categories = 1;
}

/* A big-endian number of @p bytes, in host order. */
static uint32_t number(const struct fg_key *key, const struct field *field)
{
	const uint8_t *bytes = (const uint8_t *)key + field->offset;
	uint32_t value = 0;

	for (size_t i = 0; i < field->bytes; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void set_value(union rte_acl_field_types *to, size_t bytes, uint32_t value)
{
	if (bytes == 1)
		to->u8 = (uint8_t)value;
	else if (bytes == 2)
		to->u16 = (uint16_t)value;
	else
		to->u32 = value;
}

static void fill_rule(struct acl_rule *rule, const struct fg_match *match, uint64_t used)
{
	uint32_t n = 0;

	memset(rule, 0, sizeof(*rule));
	rule->data.category_mask = 1;
	rule->data.priority = (int32_t)(RTE_ACL_MAX_PRIORITY - match->rule);
	rule->data.userdata = match->rule;
	for (size_t f = 0; f < FIELDS; f++) {
		struct rte_acl_field *to = &rule->field[n];

		if (!walks(used, &fields[f]))
			continue;
		n++;
		if (is_port(&fields[f])) {
			port_range(match, &fields[f], &to->value.u16, &to->mask_range.u16);
			continue;
		}
		/* All masks are prefixes within a field (fg_match), so a length says it. */
		if (fields[f].offset == offsetof(struct fg_key, family))
			continue;
		set_value(&to->value, fields[f].bytes, number(&match->value, &fields[f]));
		set_value(&to->mask_range, fields[f].bytes,
			  (uint32_t)__builtin_popcount(number(&match->mask, &fields[f])));
	}
}

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

		if (!belongs(&matches[m], family))
			continue;
		fill_rule(&rule, &matches[m], used);
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

static bool names_whole_address(const struct fg_match *match, uint8_t family)
{
	static const uint8_t ones[16] = {[0 ... 15] = 0xff};

	return memcmp(match->mask.dst_ip, ones, family == FG_FAMILY_IPV4 ? 4 : 16) == 0;
}

/* The bits for @p rules entries, sixteen and more for each; none if an entry has no address. */
static int build_maybe(struct trie *trie, const struct fg_table_conf *conf,
		       const struct fg_match *matches, uint32_t count, uint8_t family,
		       uint32_t rules)
{
	for (uint32_t m = 0; m < count; m++)
		if (belongs(&matches[m], family) && !names_whole_address(&matches[m], family))
			return 0;
	trie->hash_bits = 12;
	while ((UINT64_C(1) << trie->hash_bits) < 16 * (uint64_t)rules)
		trie->hash_bits++;
	trie->maybe = rte_zmalloc_socket(NULL, (size_t)1 << (trie->hash_bits - 3),
					 RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (trie->maybe == NULL)
		return -ENOMEM;
	for (uint32_t m = 0; m < count; m++)
		if (belongs(&matches[m], family)) {
			const uint32_t hash =
				address_hash(&matches[m].value, family, trie->hash_bits);

			trie->maybe[hash / 64] |= UINT64_C(1) << (hash % 64);
		}
	return 0;
}

static int build_walk(const struct fg_table_conf *conf, const struct fg_match *matches,
		      uint32_t count, uint8_t family, uint32_t rules, struct rte_acl_ctx **out)
{
	const uint64_t used = used_groups(matches, count, family);
	struct rte_acl_config config;
	struct rte_acl_ctx *walk;
	int rc;

	define_fields(&config, used);
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

/* On error, acl_free() frees what was made. */
static int build_trie(const struct fg_table_conf *conf, const struct fg_match *matches,
		      uint32_t count, uint8_t family, struct trie *trie)
{
	uint32_t rules = 0;
	int rc;

	for (uint32_t m = 0; m < count; m++)
		rules += belongs(&matches[m], family);
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
		     uint32_t count, void **out, struct fg_error *error)
{
	struct acl *acl =
		rte_zmalloc_socket(NULL, sizeof(*acl), RTE_CACHE_LINE_SIZE, conf->socket_id);

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

/* Keys that must be walked, and where they stand in the burst. */
struct walkers {
	const uint8_t *keys[FG_BURST_MAX];
	uint8_t index[FG_BURST_MAX];
	unsigned int count;
};

/* Of the keys of @p family, those which the bits do not rule out. */
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
	/* Said twice, so that the usual family's loop is compiled for it alone. */
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

const struct engine engine_acl = {
	.name = "acl",
	.build = acl_build,
	.lookup = acl_lookup,
	.free = acl_free,
};
