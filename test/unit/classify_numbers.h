/* SPDX-License-Identifier: MIT */
/*
 * Rules and packets as plain numbers: each field is an unsigned number in host order,
 * each condition an inclusive range. The rule that a packet matches follows from
 * comparisons of numbers, without the masks and bytes of classify.
 */
#ifndef CLASSIFY_NUMBERS_H
#define CLASSIFY_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fg_classify.h>

typedef unsigned __int128 number;

enum {
	DST_IP, /* IPv4: the upper 32 of 128 bits */
	SRC_IP,
	DST_PORT,
	SRC_PORT,
	L4,
	PROTOCOL,
	FAMILY,
	FLAGS,
	SOURCE,
	LINE,
	OUTER,
	INNER,
	ETHERTYPE,
	DST_MAC,
	SRC_MAC,
	NUMBERS
};

struct place {
	size_t offset, bytes;
};

#define PLACE(field)                                                                               \
	{                                                                                          \
		offsetof(struct fg_key, field), sizeof(((struct fg_key *)0)->field)                \
	}
static const struct place places[NUMBERS] = {
	[DST_IP] = PLACE(dst_ip),
	[SRC_IP] = PLACE(src_ip),
	[DST_PORT] = PLACE(dst_port_be),
	[SRC_PORT] = PLACE(src_port_be),
	[L4] = PLACE(l4),
	[PROTOCOL] = PLACE(protocol),
	[FAMILY] = PLACE(family),
	[FLAGS] = PLACE(flags),
	[SOURCE] = PLACE(source),
	[LINE] = PLACE(line),
	[OUTER] = PLACE(vlan_be[0]),
	[INNER] = PLACE(vlan_be[1]),
	[ETHERTYPE] = PLACE(ethertype_be),
	[DST_MAC] = PLACE(dst_mac),
	[SRC_MAC] = PLACE(src_mac),
};
#undef PLACE

struct range {
	number low, high;
};

/* The conditions of a rule. */
struct conditions {
	struct range range[NUMBERS];
	uint32_t rule;
};

struct packet {
	number value[NUMBERS];
};

static inline number highest(int field)
{
	return ~(number)0 >> (128 - 8 * places[field].bytes);
}

static inline bool is_constrained(const struct conditions *conditions, int field)
{
	return conditions->range[field].low > 0 || conditions->range[field].high < highest(field);
}

static inline struct conditions no_conditions(uint32_t rule)
{
	struct conditions conditions = {.rule = rule};

	for (int f = 0; f < NUMBERS; f++)
		conditions.range[f].high = highest(f);
	return conditions;
}

static inline void require(struct conditions *conditions, int field, number value)
{
	conditions->range[field] = (struct range){value, value};
}

/* All numbers whose first @p length bits are those of @p value. */
static inline void require_prefix(struct conditions *conditions, int field, number value,
				  unsigned int length)
{
	const number rest = length < 128 ? ~(number)0 >> length : 0;

	conditions->range[field] = (struct range){value - (value & rest), value | rest};
}

static inline bool satisfies(const struct packet *packet, const struct conditions *conditions)
{
	for (int f = 0; f < NUMBERS; f++)
		if (packet->value[f] < conditions->range[f].low ||
		    packet->value[f] > conditions->range[f].high)
			return false;
	return true;
}

/* The oracle: the lowest rule whose conditions the packet satisfies, or 0. */
static inline uint32_t expected_rule(const struct conditions *conditions, uint32_t count,
				     const struct packet *packet)
{
	uint32_t lowest = 0;

	for (uint32_t i = 0; i < count; i++)
		if ((lowest == 0 || conditions[i].rule < lowest) &&
		    satisfies(packet, &conditions[i]))
			lowest = conditions[i].rule;
	return lowest;
}

/* Most significant byte first, as on the wire. */
static inline void write_number(void *base, int field, number value)
{
	uint8_t *to = (uint8_t *)base + places[field].offset;

	for (size_t i = places[field].bytes; i-- > 0; value >>= 8)
		to[i] = (uint8_t)value;
}

/* @p noise fills the fields that no entry may test. */
static inline struct fg_key key_of(const struct packet *packet, uint16_t noise)
{
	struct fg_key key = {.payload_len = noise, .payload_off = (uint16_t)~noise};

	for (int f = 0; f < NUMBERS; f++)
		write_number(&key, f, packet->value[f]);
	return key;
}

/* All ranges but those of the ports must be prefixes. */
static inline struct fg_match match_of(const struct conditions *conditions)
{
	const struct range *src = &conditions->range[SRC_PORT], *dst = &conditions->range[DST_PORT];
	struct fg_match match = {
		.src_port_min = (uint16_t)src->low,
		.src_port_max = (uint16_t)src->high,
		.dst_port_min = (uint16_t)dst->low,
		.dst_port_max = (uint16_t)dst->high,
		.rule = conditions->rule,
	};

	for (int f = 0; f < NUMBERS; f++) {
		const struct range *range = &conditions->range[f];

		if (f == SRC_PORT || f == DST_PORT)
			continue;
		write_number(&match.mask, f, highest(f) - (range->high - range->low));
		write_number(&match.value, f, range->low);
	}
	return match;
}

#endif /* CLASSIFY_NUMBERS_H */
