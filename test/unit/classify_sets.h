/* SPDX-License-Identifier: MIT */
/* Random rule sets in several styles, and packets at the boundaries of their rules. */
#ifndef CLASSIFY_SETS_H
#define CLASSIFY_SETS_H

#include <rte_common.h>

#include "classify_numbers.h"

#define SETS_MAX 2000u

static uint64_t random_state;

static inline uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * UINT64_C(2685821657736338717);
}

static inline uint32_t random_below(uint32_t limit)
{
	return (uint32_t)((random_word() >> 32) * limit >> 32);
}

static inline bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}

static inline number random_number(void)
{
	return (number)random_word() << 64 | random_word();
}

static inline number pick(const uint32_t *values, uint32_t count)
{
	return values[random_below(count)];
}
#define PICK(...) pick((const uint32_t[]){__VA_ARGS__}, RTE_DIM(((const uint32_t[]){__VA_ARGS__})))

/* One of few addresses, sometimes with a bit flipped, so that prefixes nest and collide. */
static inline number some_address(int family)
{
	static const uint64_t bases[] = {0xe9360c6fe9360c70, 0xe0000000ffffffff, 0x0a00000120010db8,
					 0x20010db8c0a80001, 0xffffffffffffffff};
	number address = (number)bases[random_below(RTE_DIM(bases))] << 64 |
			 bases[random_below(RTE_DIM(bases))];

	if (one_in(2))
		address ^= (number)1 << random_below(128);
	return family == FG_FAMILY_IPV4 ? address >> 96 << 96 : address;
}

static inline void require_some_prefix(struct conditions *w, int field, int family)
{
	const unsigned int max = family == FG_FAMILY_IPV4 ? 32 : 128;
	const unsigned int length = one_in(3) ? max : random_below(max + 1);

	require_prefix(w, field, some_address(family), length);
}

static inline void require_some_ports(struct conditions *w, int field)
{
	const number from = PICK(0, 1, 1023, 1024, 5000, 5001, 32767, 32768, 65534, 65535);
	const number length = PICK(0, 0, 0, 1, 2, 10, 255, 256, 1000, 40000, 65535);

	w->range[field] = (struct range){from, RTE_MIN(from + length, (number)65535)};
}

static inline void make_group(struct conditions *w)
{
	require(w, FAMILY, FG_FAMILY_IPV4);
	require(w, L4, 17);
	require(w, DST_IP, (number)(0xe9000000u + random_below(4096)) << 96);
	require(w, DST_PORT, 20000 + random_below(64));
	if (one_in(4))
		require(w, SOURCE, random_below(4));
	if (one_in(4))
		require(w, LINE, 1 + random_below(2));
}

static inline void make_nested(struct conditions *w)
{
	require(w, FAMILY, FG_FAMILY_IPV4);
	require_some_prefix(w, DST_IP, FG_FAMILY_IPV4);
	if (one_in(2))
		require_some_prefix(w, SRC_IP, FG_FAMILY_IPV4);
	if (one_in(2))
		require(w, PROTOCOL, PICK(6, 17));
}

static inline void make_ports(struct conditions *w)
{
	require(w, L4, PICK(6, 17));
	if (!one_in(4))
		require_some_ports(w, DST_PORT);
	if (one_in(2))
		require_some_ports(w, SRC_PORT);
	if (one_in(2))
		require(w, FAMILY, PICK(FG_FAMILY_IPV4, FG_FAMILY_IPV6));
}

static inline void make_link(struct conditions *w)
{
	require(w, LINE, PICK(0, 1, 2, 26));
	if (one_in(3))
		require(w, FAMILY, PICK(FG_FAMILY_OTHER, FG_FAMILY_IPV4, FG_FAMILY_IPV6));
	if (one_in(2))
		require(w, OUTER, PICK(0, 1, 100, 4095, FG_VLAN_NONE_BE));
	if (one_in(3))
		require(w, INNER, PICK(0, 1, 256, FG_VLAN_NONE_BE));
	if (one_in(3))
		require(w, ETHERTYPE, PICK(0x806, 0x800, 0x88f7, 0x100, 0));
	if (one_in(2))
		require(w, DST_MAC, 0x01005e000000 + PICK(0, 1, 0x100, 0x10000, 0x7fffff));
	if (one_in(4))
		require(w, SRC_MAC, 0x020000000000 + random_below(16));
	if (one_in(4))
		require(w, SOURCE, PICK(0, 1, 63, 255));
	if (one_in(6))
		require(w, FLAGS, random_below(4));
}

static inline void make_ipv6(struct conditions *w)
{
	require(w, FAMILY, FG_FAMILY_IPV6);
	require_some_prefix(w, DST_IP, FG_FAMILY_IPV6);
	if (one_in(3))
		require_some_prefix(w, SRC_IP, FG_FAMILY_IPV6);
	if (one_in(2))
		require(w, L4, 17);
	if (one_in(3))
		require(w, DST_PORT, PICK(1, 26477, 65535));
}

static inline void make_mixed(struct conditions *w)
{
	static void (*const makers[])(struct conditions *) = {make_group, make_nested, make_ports,
							      make_link, make_ipv6};

	makers[random_below(RTE_DIM(makers))](w);
	if (one_in(4))
		make_link(w);
	if (one_in(8))
		make_ports(w);
}

struct set {
	struct conditions conditions[SETS_MAX];
	struct fg_match matches[SETS_MAX];
	uint32_t count;
};

/* Rule numbers are in no order, and some are used several times. */
static inline void make_set(struct set *set, void (*make)(struct conditions *), uint32_t count)
{
	set->count = count;
	for (uint32_t i = 0; i < count; i++) {
		set->conditions[i] = no_conditions(1 + random_below(count));
		make(&set->conditions[i]);
		set->matches[i] = match_of(&set->conditions[i]);
	}
}

static inline number somewhere_in(const struct range *range, number max)
{
	const number width = range->high - range->low;

	if (one_in(3))
		return range->low;
	if (one_in(2))
		return range->high;
	return width == max ? random_number() & max : range->low + random_number() % (width + 1);
}

/* A packet that matches a rule, or is just beyond it in one field. */
static inline struct packet near_packet(const struct set *set)
{
	const struct conditions *w = &set->conditions[random_below(set->count)];
	const int odd = one_in(2) ? (int)random_below(NUMBERS) : -1;
	struct packet packet;

	for (int f = 0; f < NUMBERS; f++) {
		const struct conditions *from = w;
		number *value = &packet.value[f];

		/* Where this rule has no condition, another one may have one. */
		if (!is_constrained(w, f) && one_in(2))
			from = &set->conditions[random_below(set->count)];
		*value = somewhere_in(&from->range[f], highest(f));
		if (f != odd)
			continue;
		if (one_in(3))
			*value ^= (number)1 << random_below((uint32_t)(8 * places[f].bytes));
		else
			*value = one_in(2) ? w->range[f].low - 1 : w->range[f].high + 1;
		*value &= highest(f);
	}
	if (packet.value[FAMILY] != FG_FAMILY_IPV4 && packet.value[FAMILY] != FG_FAMILY_IPV6)
		packet.value[FAMILY] = PICK(FG_FAMILY_OTHER, FG_FAMILY_IPV4, FG_FAMILY_IPV6);
	return packet;
}

#endif /* CLASSIFY_SETS_H */
