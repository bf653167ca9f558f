/* SPDX-License-Identifier: MIT */
#include "acl_fields.h"

#include <string.h>

#define FIELD_BYTES(name) offsetof(struct fg_key, name), sizeof(((struct fg_key *)0)->name)

/* The fields of a key in the order of the trie; the fields of a group stand together. */
struct field {
	size_t offset;
	size_t bytes;
	size_t group; /* offset of the four-byte group; the first byte has none */
};

#define FIRST_FIELD SIZE_MAX
/* Addresses and ports first: they rule out most keys. payload_* only fill their groups. */
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
static_assert(FIELDS == ACL_FIELDS, "acl_fields.h has the number of fields");

static bool is_port(const struct field *field)
{
	return field->offset == sport_offset || field->offset == dport_offset;
}

bool acl_belongs(const struct fg_match *match, uint8_t family)
{
	return match->expr == NULL && (match->mask.family == 0 || match->value.family == family);
}

static void port_range(const struct fg_match *match, const struct field *field, uint16_t *min,
		       uint16_t *max)
{
	const bool src = field->offset == sport_offset;

	*min = src ? match->src_port_min : match->dst_port_min;
	*max = src ? match->src_port_max : match->dst_port_max;
}

/* Does the entry test the field? The family needs no test: each has its own trie. */
static bool tests_field(const struct fg_match *match, const struct field *field)
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

uint64_t acl_used_groups(const struct fg_match *matches, uint32_t count, uint8_t family)
{
	uint64_t used = 0;

	for (size_t f = 0; f < FIELDS; f++) {
		/* The first byte of group 0 is the first field of every trie. */
		if (fields[f].group == FIRST_FIELD || (used >> fields[f].group & 1) != 0 ||
		    (fields[f].group == 0 && fields[f].offset == 0))
			continue;
		for (uint32_t m = 0; m < count; m++)
			if (acl_belongs(&matches[m], family) &&
			    tests_field(&matches[m], &fields[f])) {
				used |= UINT64_C(1) << fields[f].group;
				break;
			}
	}
	/* rte_acl needs a group after the first field. */
	return used != 0 ? used : 1;
}

static bool walks(uint64_t used, const struct field *field)
{
	return field->group == FIRST_FIELD || (used >> field->group & 1) != 0;
}

void acl_define_fields(struct rte_acl_config *config, uint64_t used)
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

void acl_fill_rule(struct acl_rule *rule, const struct fg_match *match, uint64_t used)
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
		if (fields[f].offset == offsetof(struct fg_key, family))
			continue;
		set_value(&to->value, fields[f].bytes, number(&match->value, &fields[f]));
		/* rte_acl takes the length of a mask; all masks are prefixes, see struct fg_match.
		 */
		set_value(&to->mask_range, fields[f].bytes,
			  (uint32_t)__builtin_popcount(number(&match->mask, &fields[f])));
	}
}
