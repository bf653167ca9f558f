/* SPDX-License-Identifier: MIT */
/*
 * Rule sets for the differential test: random ones, ones like those in use, and worst
 * cases; and keys at the boundaries of their entries.
 */
#ifndef DIFFERENTIAL_SETS_H
#define DIFFERENTIAL_SETS_H

#include <arpa/inet.h>
#include <classbench.h> /* feedgate-gen's rules */
#include <stdlib.h>

#include "classify_sets.h"

struct entries {
	struct fg_match *at;
	uint32_t count;
};

static inline void store_be32(uint8_t *to, uint32_t value)
{
	value = htonl(value);
	memcpy(to, &value, sizeof(value));
}

static inline struct fg_match any_match(void)
{
	return (struct fg_match){.src_port_max = UINT16_MAX, .dst_port_max = UINT16_MAX};
}

static inline void set_byte(uint8_t *value, uint8_t *mask, uint32_t byte)
{
	*value = (uint8_t)byte;
	*mask = 0xff;
}
#define SET(match, field, number) set_byte(&(match)->value.field, &(match)->mask.field, (number))

static inline void set_short(uint16_t *value, uint16_t *mask, uint32_t host)
{
	*value = htons((uint16_t)host);
	*mask = 0xffff;
}
#define SET_SHORT(match, field, number)                                                            \
	set_short(&(match)->value.field, &(match)->mask.field, (number))

static inline void set_prefix(uint8_t *value, uint8_t *mask, const uint8_t *address, uint32_t bits)
{
	for (uint32_t i = 0; i < 16; i++) {
		const uint32_t remaining = bits > 8 * i ? bits - 8 * i : 0;

		mask[i] = (uint8_t)(remaining >= 8 ? 0xffu : 0xff00u >> remaining);
		value[i] = address[i] & mask[i];
	}
}

static inline void set_ipv4(struct fg_match *m, bool dst, uint32_t address, uint32_t bits)
{
	uint8_t bytes[16] = {0};

	store_be32(bytes, address);
	SET(m, family, FG_FAMILY_IPV4);
	if (dst)
		set_prefix(m->value.dst_ip, m->mask.dst_ip, bytes, bits);
	else
		set_prefix(m->value.src_ip, m->mask.src_ip, bytes, bits);
}

static inline void set_ports(uint16_t *min, uint16_t *max, uint32_t low, uint32_t high)
{
	*min = (uint16_t)RTE_MIN(low, 65535u);
	*max = (uint16_t)RTE_MIN(high, 65535u);
}
#define SET_PORTS(match, direction, low, high)                                                     \
	set_ports(&(match)->direction##_port_min, &(match)->direction##_port_max, (low), (high))

/* The styles of classify_sets.h, with any number of entries. */
static inline void fill_from(struct entries *e, void (*make)(struct conditions *))
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct conditions conditions = no_conditions(1 + random_below(e->count));

		make(&conditions);
		e->at[i] = match_of(&conditions);
	}
}

static inline void fill_nested(struct entries *e)
{
	fill_from(e, make_nested);
}

static inline void fill_port_ranges(struct entries *e)
{
	fill_from(e, make_ports);
}

static inline void fill_link(struct entries *e)
{
	fill_from(e, make_link);
}

static inline void fill_ipv6(struct entries *e)
{
	fill_from(e, make_ipv6);
}

static inline void fill_mixed(struct entries *e)
{
	fill_from(e, make_mixed);
}

static inline void fill_classbench(struct entries *e, const char *family)
{
	struct classbench_rule *rules = calloc(e->count, sizeof(*rules));

	if (rules == NULL ||
	    classbench_make(classbench_family(family), random_word(), e->count, rules) != 0)
		abort();
	for (uint32_t i = 0; i < e->count; i++) {
		const struct classbench_rule *r = &rules[i];
		struct fg_match *m = &e->at[i];

		*m = any_match();
		m->rule = i + 1;
		set_ipv4(m, false, r->ip[0].address, r->ip[0].length);
		set_ipv4(m, true, r->ip[1].address, r->ip[1].length);
		SET_PORTS(m, src, r->port[0].min, r->port[0].max);
		SET_PORTS(m, dst, r->port[1].min, r->port[1].max);
		if (!r->any_protocol)
			SET(m, protocol, r->protocol);
	}
	free(rules);
}

static inline void fill_acl(struct entries *e)
{
	fill_classbench(e, "acl");
}

static inline void fill_fw(struct entries *e)
{
	fill_classbench(e, "fw");
}

static inline void fill_ipc(struct entries *e)
{
	fill_classbench(e, "ipc");
}

/* Multicast groups with their UDP ports, sometimes with more fields. */
static inline void fill_groups(struct entries *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		const uint32_t channel = random_below(e->count);

		*m = any_match();
		m->rule = i + 1;
		SET(m, l4, one_in(16) ? 6 : 17);
		set_ipv4(m, true, 0xe9000000 + channel, 32);
		SET_PORTS(m, dst, 10000 + channel % 30000, 10000 + channel % 30000);
		if (one_in(4))
			set_ipv4(m, false, 0x0a000000 + random_below(8), 32);
		if (one_in(4))
			SET_SHORT(m, vlan_be[0], one_in(3) ? 0xffff : 100 + random_below(4));
		if (one_in(8))
			SET_SHORT(m, vlan_be[1], one_in(3) ? 0xffff : 100 + random_below(4));
		if (one_in(4))
			SET(m, line, 1 + random_below(2));
		if (one_in(4))
			SET(m, source, random_below(3));
		if (one_in(16))
			SET(m, protocol, 17);
		if (one_in(16))
			SET_PORTS(m, src, 7, 7);
	}
}

/* All fields tested, in two kinds of entries; one bit differs from one entry to the next. */
static inline void fill_one_bit(struct entries *e)
{
	struct fg_key base;

	for (size_t i = 0; i < sizeof(base); i++)
		((uint8_t *)&base)[i] = (uint8_t)random_word();
	base.family = one_in(2) ? FG_FAMILY_IPV6 : FG_FAMILY_IPV4;
	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		const uint32_t bit = i % 512;

		*m = any_match();
		m->rule = e->count - i;
		m->value = base;
		memset(&m->mask, 0xff, sizeof(m->mask));
		((uint8_t *)&m->value)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (i >= 512) /* twice the same, and two bits */
			((uint8_t *)&m->value)[random_below(64)] ^=
				(uint8_t)(1u << random_below(8));
		m->value.family = one_in(8) ? FG_FAMILY_IPV4 : base.family;
		if (m->value.family == FG_FAMILY_IPV4) {
			memset(m->value.src_ip + 4, 0, 12);
			memset(m->value.dst_ip + 4, 0, 12);
		}
		SET_PORTS(m, src, ntohs(m->value.src_port_be), ntohs(m->value.src_port_be));
		SET_PORTS(m, dst, ntohs(m->value.dst_port_be), ntohs(m->value.dst_port_be));
		m->value.src_port_be = m->value.dst_port_be = 0;
		m->mask.src_port_be = m->mask.dst_port_be = 0;
		m->value.payload_len = m->value.payload_off = 0;
		m->mask.payload_len = m->mask.payload_off = 0;
	}
}

/* One port, and nothing else. */
static inline void fill_one_port(struct entries *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		const uint32_t port = i * 3 % 65536;

		*m = any_match();
		m->rule = i + 1;
		if (i % 2 != 0)
			SET_PORTS(m, src, port, port);
		else
			SET_PORTS(m, dst, port, port);
	}
}

/* Each range within the next, the widest first or last. */
static inline void fill_nested_ranges(struct entries *e)
{
	const bool widest_first = one_in(2);

	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];

		*m = any_match();
		m->rule = widest_first ? e->count - i : i + 1;
		SET_PORTS(m, dst, 32768 - i % 32768, 32768 + i % 32768);
		if (i % 3 == 0)
			SET_PORTS(m, src, i % 32768, 65535 - i % 32768);
	}
}

/* Ranges that cross: each begins within the one before. */
static inline void fill_crossing_ranges(struct entries *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		const uint32_t low = random_below(65536);
		const uint32_t other = random_below(65536);

		*m = any_match();
		m->rule = 1 + random_below(e->count);
		SET_PORTS(m, src, low, low + random_below(30000));
		SET_PORTS(m, dst, other, other + random_below(30000));
		if (one_in(4))
			SET(m, l4, one_in(2) ? 6 : 17);
	}
}

/* As many combinations of masks as possible. */
static inline void fill_many_masks(struct entries *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		uint8_t address[16];

		*m = any_match();
		m->rule = 1 + random_below(e->count);
		for (uint32_t b = 0; b < 16; b++)
			address[b] = one_in(4) ? 0xff : 0x20;
		set_prefix(m->value.src_ip, m->mask.src_ip, address, i % 129);
		set_prefix(m->value.dst_ip, m->mask.dst_ip, address, i / 129 % 129);
		if (one_in(2))
			SET(m, line, random_below(2));
		if (one_in(2))
			SET(m, source, random_below(2));
		if (one_in(2))
			SET(m, flags, random_below(2));
		if (one_in(2))
			SET_SHORT(m, ethertype_be, one_in(2) ? 0x800 : 0x86dd);
		if (one_in(2))
			SET_SHORT(m, vlan_be[0], one_in(2) ? 0xffff : 1);
		if (one_in(3))
			SET(m, family, FG_FAMILY_IPV6);
	}
}

/* Entries without conditions, or nearly so. */
static inline void fill_wild(struct entries *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		e->at[i] = any_match();
		e->at[i].rule = e->count - i;
		if (i > 0 && one_in(3))
			SET(&e->at[i], family, one_in(2) ? FG_FAMILY_IPV4 : FG_FAMILY_OTHER);
	}
}

/*
 * Whole addresses and ports that may collide in a multiplicative or xor hash: they
 * differ only in high bits, the xor of both addresses is the same, or they are steps.
 */
static inline void fill_colliders(struct entries *e)
{
	const uint32_t kind = random_below(6), step = 1u << random_below(28);
	const uint32_t port = random_below(65536);

	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];

		*m = any_match();
		m->rule = i + 1;
		SET(m, l4, 17);
		set_ipv4(m, true, 0xe0000001, 32);
		set_ipv4(m, false, 0x0a000001, 32);
		SET_PORTS(m, dst, port, port);
		if (kind == 0)
			set_ipv4(m, true, 0xe0000001 ^ i << 18, 32);
		else if (kind == 1)
			set_ipv4(m, true, i * step, 32);
		else if (kind == 2) {
			set_ipv4(m, true, i * 0x10001, 32);
			set_ipv4(m, false, ~(i * 0x10001), 32);
		} else if (kind == 3)
			SET_PORTS(m, dst, i * 64 % 65536, i * 64 % 65536);
		else if (kind == 4) {
			set_ipv4(m, true, i, 32);
			SET_PORTS(m, dst, (port ^ i) & 65535, (port ^ i) & 65535);
		} else {
			memset(&m->mask.dst_mac, 0xff, 6);
			store_be32(m->value.dst_mac, i * step);
		}
	}
}

/* The same in IPv6: the halves of the addresses may have the same xor. */
static inline void fill_colliders6(struct entries *e)
{
	const bool equal_xor = one_in(2);

	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		uint8_t address[16] = {0xff, 0x3e};

		*m = any_match();
		m->rule = i + 1;
		SET(m, family, FG_FAMILY_IPV6);
		store_be32(address + 4, i * 0x01010101);
		store_be32(address + 12, equal_xor ? i * 0x01010101 : 0);
		set_prefix(m->value.dst_ip, m->mask.dst_ip, address, 128);
		if (i % 2 != 0)
			set_prefix(m->value.src_ip, m->mask.src_ip, address, 128);
	}
}

/* Addresses that differ only in their last bytes: the high bits of words in memory. */
static inline void fill_tails(struct entries *e)
{
	const bool both = one_in(2);

	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		uint8_t address[16] = {0xff, 0x3e};

		*m = any_match();
		m->rule = 1 + random_below(e->count);
		SET(m, family, FG_FAMILY_IPV6);
		address[15] = (uint8_t)i;
		address[14] = (uint8_t)(i >> 16);
		set_prefix(m->value.dst_ip, m->mask.dst_ip, address, 128);
		address[15] = (uint8_t)(i >> 8);
		set_prefix(m->value.src_ip, m->mask.src_ip, address, 128);
		if (both)
			SET_SHORT(m, vlan_be[1], i >> 4 & 0xfff);
	}
}

/* Few boxes, each many times, with rules in no order. */
static inline void fill_duplicates(struct entries *e)
{
	const uint32_t different = 1 + e->count / 8;

	fill_mixed(&(struct entries){e->at, different});
	for (uint32_t i = different; i < e->count; i++)
		e->at[i] = e->at[random_below(different)];
	for (uint32_t i = 0; i < e->count; i++)
		e->at[i].rule = one_in(64) ? FG_MATCH_RULE_MAX : 1 + random_below(e->count / 2 + 1);
}

/* Random fields with random values. */
static inline void fill_random(struct entries *e)
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct fg_match *m = &e->at[i];
		const uint32_t low = random_below(65536);
		uint8_t address[16];

		*m = any_match();
		m->rule = 1 + random_below(e->count);
		for (uint32_t b = 0; b < 16; b++)
			address[b] = (uint8_t)random_word();
		if (one_in(2))
			set_prefix(m->value.src_ip, m->mask.src_ip, address, random_below(129));
		if (one_in(2))
			set_ipv4(m, true, (uint32_t)random_word(), random_below(33));
		if (one_in(2))
			SET_PORTS(m, dst, low, low + random_below(65536));
		if (one_in(4))
			SET_PORTS(m, src, low, low + random_below(256));
		if (one_in(2))
			SET(m, protocol, random_below(256));
		if (one_in(4))
			SET(m, l4, one_in(2) ? 6 : 17);
	}
}

/* Several styles in one set. */
static inline void fill_everything(struct entries *e)
{
	static void (*const parts[])(struct entries *) = {
		fill_groups, fill_mixed,   fill_many_masks, fill_colliders, fill_nested_ranges,
		fill_random, fill_one_bit, fill_one_port,   fill_ipv6,      fill_link,
	};

	for (uint32_t i = 0; i < e->count;) {
		struct entries part = {e->at + i, 1 + random_below(e->count / 8 + 1)};

		part.count = RTE_MIN(part.count, e->count - i);
		parts[random_below(RTE_DIM(parts))](&part);
		i += part.count;
	}
	for (uint32_t i = 0; i < e->count; i++)
		e->at[i].rule = 1 + random_below(e->count);
}

static inline uint32_t tested_bits(const struct fg_match *m)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < sizeof(m->mask); i++)
		bits += (uint32_t)__builtin_popcount(((const uint8_t *)&m->mask)[i]);
	for (uint32_t n = 1u + m->src_port_max - m->src_port_min; n < 65536; n *= 2)
		bits++;
	for (uint32_t n = 1u + m->dst_port_max - m->dst_port_min; n < 65536; n *= 2)
		bits++;
	return bits;
}

/*
 * Number the rules so that specific entries come before general ones; otherwise a few
 * general ones match everything. The order of the entries stays.
 */
static inline void rank_by_bits(struct entries *e)
{
	uint32_t next[1024] = {0}, before = 0;

	for (uint32_t i = 0; i < e->count; i++)
		next[tested_bits(&e->at[i])]++;
	for (uint32_t bits = 1024; bits-- > 0;) {
		const uint32_t count = next[bits];

		next[bits] = before;
		before += count;
	}
	for (uint32_t i = 0; i < e->count; i++)
		e->at[i].rule = 1 + next[tested_bits(&e->at[i])]++;
}

static inline uint32_t near_port(uint32_t min, uint32_t max)
{
	switch (random_below(6)) {
	case 0:
		return min - 1;
	case 1:
		return max + 1;
	case 2:
	case 3:
		return one_in(2) ? min : max;
	default:
		return min + random_below(max - min + 1);
	}
}

/* Move the address just beyond one end of the prefix. */
static inline void step_out(uint8_t *address, const uint8_t *mask)
{
	const bool up = one_in(2);
	uint32_t i = 16;

	while (i > 0 && mask[i - 1] != 0xff)
		address[i - 1] = (uint8_t)(up ? address[i - 1] | (uint8_t)~mask[i - 1]
					      : address[i - 1] & mask[i - 1]),
			    i--;
	for (i = 16; i-- > 0;) {
		address[i] = (uint8_t)(up ? address[i] + 1 : address[i] - 1);
		if (address[i] != (up ? 0 : 0xff))
			return;
	}
}

static inline void flip_a_bit(struct fg_key *key, const struct fg_match *m)
{
	for (uint32_t tries = 0; tries < 200; tries++) {
		const uint32_t bit = random_below(512);

		if ((((const uint8_t *)&m->mask)[bit / 8] >> bit % 8 & 1) != 0) {
			((uint8_t *)key)[bit / 8] ^= (uint8_t)(1u << bit % 8);
			return;
		}
	}
}

/* Clear what an address does not have, as parse does. */
static inline void tidy_key(struct fg_key *key)
{
	const uint32_t bytes = key->family == FG_FAMILY_IPV6   ? 16
			       : key->family == FG_FAMILY_IPV4 ? 4
							       : 0;

	if (bytes == 0)
		key->family = FG_FAMILY_OTHER;
	memset(key->src_ip + bytes, 0, 16 - bytes);
	memset(key->dst_ip + bytes, 0, 16 - bytes);
}

/* A key that satisfies an entry; elsewhere the values of another one, or random ones. */
static inline struct fg_key near_key(const struct entries *e)
{
	const struct fg_match *m = &e->at[random_below(e->count)];
	const struct fg_match *other = &e->at[random_below(e->count)];
	const bool noise = one_in(2);
	struct fg_key key;

	for (size_t i = 0; i < sizeof(key); i++) {
		const uint8_t mask = ((const uint8_t *)&m->mask)[i];
		uint8_t rest = ((const uint8_t *)&other->value)[i];

		if (noise && one_in(2))
			rest = (uint8_t)random_word();
		((uint8_t *)&key)[i] =
			(uint8_t)((((const uint8_t *)&m->value)[i] & mask) | (rest & ~mask));
	}
	key.src_port_be = htons((uint16_t)near_port(m->src_port_min, m->src_port_max));
	key.dst_port_be = htons((uint16_t)near_port(m->dst_port_min, m->dst_port_max));
	if (m->mask.family == 0)
		key.family = (uint8_t)PICK(FG_FAMILY_OTHER, FG_FAMILY_IPV4, FG_FAMILY_IPV6);
	if (one_in(3))
		flip_a_bit(&key, m);
	if (one_in(8))
		step_out(key.dst_ip, m->mask.dst_ip);
	if (one_in(8))
		step_out(key.src_ip, m->mask.src_ip);
	tidy_key(&key);
	return key;
}

#endif /* DIFFERENTIAL_SETS_H */
