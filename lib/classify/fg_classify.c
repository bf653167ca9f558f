/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "engine.h"
#include "exprs.h"

/* Best first. */
static const struct engine *const engines[] = {&engine_tiered, &engine_acl, &engine_linear};

const char *const fg_table_engines[] = {"tiered", "acl", "linear", NULL};

static_assert(RTE_DIM(engines) + 1 == RTE_DIM(fg_table_engines), "each engine has its name");

const struct fg_option fg_classify_options[] = {
	{.name = "engine",
	 .type = FG_OPTION_NAME,
	 .offset = offsetof(struct fg_classify_conf, engine),
	 .names = fg_table_engines,
	 .value = "tiered",
	 .help = "how keys are matched: tiered, acl (DPDK's rte_acl), linear (entry by entry)"},
	{.name = "variant",
	 .type = FG_OPTION_NAME,
	 .offset = offsetof(struct fg_classify_conf, variant),
	 .names = fg_isa_options,
	 .value = "auto",
	 .help = "vector instructions of tiered; auto: the widest that CPU and EAL allow"},
	{.name = "budget",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct fg_classify_conf, budget_bytes),
	 .min = UINT64_C(1) << 20,
	 .value = "256M",
	 .unit = "bytes",
	 .help = "memory for the compiled rules; a rule set that needs more is refused"},
	{0},
};

struct fg_table {
	const struct engine *engine;
	void *state;
	struct exprs *exprs; /* NULL: no entry has an expression */
	uint32_t count;
	uint8_t tiers[]; /* [count], enum fg_tier */
};

static const struct engine *find_engine(const char *name)
{
	if (name == NULL)
		return engines[0];
	for (size_t i = 0; i < RTE_DIM(engines); i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}

struct fg_table_conf fg_classify_table_conf(const struct fg_classify_conf *conf, int socket_id)
{
	return (struct fg_table_conf){
		.socket_id = socket_id,
		.engine = fg_table_engines[conf->engine],
		.variant = fg_isa_options[conf->variant],
		.budget_bytes = conf->budget_bytes,
	};
}

const char *fg_tier_name(enum fg_tier tier)
{
	static const char *const names[] = {"exact", "wildcard", "expression"};

	return names[tier];
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

static int check_matches(const struct fg_match *matches, uint32_t count, struct fg_error *error)
{
	if (count > FG_MATCHES_MAX)
		return fg_error_set(error, E2BIG, "%u rule entries: at most %u fit a table", count,
				    FG_MATCHES_MAX);
	for (uint32_t i = 0; i < count; i++)
		if (!match_is_valid(&matches[i]))
			return fg_error_set(error, EINVAL, "rule entry %u (rule %u) is not valid",
					    i, matches[i].rule);
	return 0;
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
	rc = check_matches(matches, count, error);
	if (rc != 0)
		return rc;
	table = calloc(1, sizeof(*table) + count);
	if (table == NULL)
		return fg_error_set(error, ENOMEM, "no memory for a table");
	table->engine = engine;
	table->count = count;
	for (uint32_t i = 0; i < count; i++)
		table->tiers[i] = matches[i].expr != NULL ? FG_TIER_EXPRESSION : FG_TIER_WILDCARD;
	rc = exprs_build(matches, count, &table->exprs, error);
	if (rc == 0)
		rc = engine->build(conf, matches, count, table->tiers, &table->state, error);
	if (rc != 0) {
		exprs_free(table->exprs);
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
	exprs_free(table->exprs);
	free(table);
}

void fg_table_lookup(const struct fg_table *table, const struct fg_key *keys,
		     struct rte_mbuf *const *pkts, uint32_t *rules, unsigned int count)
{
	table->engine->lookup(table->state, keys, rules, count);
	if (table->exprs != NULL)
		exprs_lookup(table->exprs, keys, pkts, rules, count);
}

void fg_table_info(const struct fg_table *table, struct fg_table_info *info)
{
	*info = (struct fg_table_info){.engine = table->engine->name, .variant = "-"};
	for (uint32_t i = 0; i < table->count; i++) {
		info->n_exact += table->tiers[i] == FG_TIER_EXACT;
		info->n_wildcard += table->tiers[i] == FG_TIER_WILDCARD;
		info->n_expressions += table->tiers[i] == FG_TIER_EXPRESSION;
	}
	info->n_programs = exprs_count(table->exprs);
	info->worst_programs = exprs_bound(table->exprs).programs;
	info->worst_instructions = exprs_bound(table->exprs).instructions;
	table->engine->info(table->state, info);
}

enum fg_tier fg_table_tier(const struct fg_table *table, uint32_t match)
{
	return table->tiers[match];
}
