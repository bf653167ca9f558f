/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* Best first. */
static const struct engine *const engines[] = {&engine_acl, &engine_linear};

struct fg_table {
	const struct engine *engine;
	void *state;
};

static const struct engine *find_engine(const char *name)
{
	if (name == NULL)
		return engines[0];
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}

static int is_prefix(const uint8_t *mask, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && mask[i] == 0xff)
		i++;
	if (i < bytes && (uint8_t)(mask[i] | (mask[i] << 1)) != mask[i])
		return 0;
	for (i++; i < bytes; i++)
		if (mask[i] != 0)
			return 0;
	return 1;
}

static int all_or_nothing(const void *field, size_t bytes)
{
	const uint8_t *mask = field;

	for (size_t i = 0; i < bytes; i++)
		if (mask[i] != mask[0] || (mask[i] != 0 && mask[i] != 0xff))
			return 0;
	return 1;
}

static int mask_is_valid(const struct fg_key *m)
{
	return is_prefix(m->src_ip, 16) && is_prefix(m->dst_ip, 16) && all_or_nothing(&m->l4, 1) &&
	       all_or_nothing(&m->protocol, 1) && all_or_nothing(&m->family, 1) &&
	       all_or_nothing(&m->flags, 1) && all_or_nothing(&m->source, 1) &&
	       all_or_nothing(&m->line, 1) && all_or_nothing(&m->vlan_be[0], 2) &&
	       all_or_nothing(&m->vlan_be[1], 2) && all_or_nothing(m->dst_mac, 6) &&
	       all_or_nothing(m->src_mac, 6) && all_or_nothing(&m->ethertype_be, 2) &&
	       m->src_port_be == 0 && m->dst_port_be == 0 && m->payload_off == 0 &&
	       m->payload_len == 0;
}

static int match_is_valid(const struct fg_match *match)
{
	const uint8_t *value = (const uint8_t *)&match->value;
	const uint8_t *mask = (const uint8_t *)&match->mask;

	for (size_t i = 0; i < sizeof(match->value); i++)
		if ((value[i] & ~mask[i]) != 0)
			return 0;
	return mask_is_valid(&match->mask) && match->rule > 0 && match->rule <= FG_MATCH_RULE_MAX &&
	       match->src_port_min <= match->src_port_max &&
	       match->dst_port_min <= match->dst_port_max;
}

int fg_table_build(const struct fg_table_conf *conf, const struct fg_match *matches, uint32_t count,
		   struct fg_table **out, struct fg_error *error)
{
	const struct engine *engine = find_engine(conf->engine);
	struct fg_table *table;
	int rc;

	if (engine == NULL)
		return fg_error_set(error, EINVAL, "no classify engine is called '%s'",
				    conf->engine);
	if (count > FG_MATCHES_MAX)
		return fg_error_set(error, E2BIG, "%u rule entries: at most %u fit a table", count,
				    FG_MATCHES_MAX);
	for (uint32_t i = 0; i < count; i++)
		if (!match_is_valid(&matches[i]))
			return fg_error_set(error, EINVAL, "rule entry %u (rule %u) is not valid",
					    i, matches[i].rule);
	table = malloc(sizeof(*table));
	if (table == NULL)
		return fg_error_set(error, ENOMEM, "no memory for a table");
	table->engine = engine;
	rc = engine->build(conf, matches, count, &table->state, error);
	if (rc != 0) {
		free(table);
		return rc;
	}
	*out = table;
	return 0;
}

void fg_table_free(struct fg_table *table)
{
	if (table == NULL)
		return;
	table->engine->free(table->state);
	free(table);
}

void fg_table_lookup(const struct fg_table *table, const struct fg_key *keys, uint32_t *rules,
		     unsigned int count)
{
	table->engine->lookup(table->state, keys, rules, count);
}

const char *fg_table_engine(const struct fg_table *table)
{
	return table->engine->name;
}
