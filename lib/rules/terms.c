/* SPDX-License-Identifier: MIT */
#include "terms.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fg_node.h>
#include <fg_option.h>

#include "expressions.h"
#include "values.h"

static const struct fg_match anything = {.src_port_max = UINT16_MAX, .dst_port_max = UINT16_MAX};

static int add_term(struct terms *terms, const struct fg_match *term, const struct fg_node *at,
		    struct fg_error *error)
{
	if (terms->count == FG_MATCHES_MAX)
		return fg_error_at(error, E2BIG, at, "the rules compile to over %u entries",
				   FG_MATCHES_MAX);
	if (terms->count == terms->room) {
		const uint32_t room = terms->room > 0 ? 2 * terms->room : 16;
		struct fg_match *larger = realloc(terms->at, room * sizeof(*larger));

		if (larger == NULL)
			return fg_error_at(error, ENOMEM, at, "out of memory");
		terms->at = larger;
		terms->room = room;
	}
	terms->at[terms->count++] = *term;
	terms->n_expr += term->expr != NULL;
	return 0;
}

void terms_free(struct terms *terms)
{
	free(terms->at);
	*terms = (struct terms){0};
}

/* A value or a list of values: one term each. */
static int read_any_of(const struct fg_node *node, set_value_fn *set, const struct fg_scope *scope,
		       struct terms *terms, struct fg_error *error)
{
	const struct fg_node *value = node->kind == FG_NODE_LIST ? node->child : node;

	if (node->kind == FG_NODE_LIST && value == NULL)
		return fg_error_at(error, EINVAL, node, "%s: an empty list matches nothing",
				   node->key);
	while (value != NULL) {
		struct fg_match term = anything;
		int rc = set(&term, value, scope, error);

		if (rc == 0)
			rc = add_term(terms, &term, value, error);
		if (rc != 0)
			return rc;
		value = node->kind == FG_NODE_LIST ? value->next : NULL;
	}
	return 0;
}

/* An expression or a list of them: one term each. */
static int read_exprs(const struct fg_node *node, struct fg_rules *set, struct terms *terms,
		      struct fg_error *error)
{
	const struct fg_node *value = node->kind == FG_NODE_LIST ? node->child : node;

	if (value == NULL)
		return fg_error_at(error, EINVAL, node, "expr: an empty list matches nothing");
	while (value != NULL) {
		struct fg_match term = anything;
		int rc = expressions_get(set, value, &term.expr, error);

		if (rc == 0)
			rc = add_term(terms, &term, value, error);
		if (rc != 0)
			return rc;
		value = node->kind == FG_NODE_LIST ? value->next : NULL;
	}
	return 0;
}

/* Make @p into match what both match. false: they contradict each other, nothing matches. */
static bool merge(struct fg_match *into, const struct fg_match *more)
{
	uint8_t *value = (uint8_t *)&into->value, *mask = (uint8_t *)&into->mask;
	const uint8_t *more_value = (const uint8_t *)&more->value;
	const uint8_t *more_mask = (const uint8_t *)&more->mask;

	for (size_t i = 0; i < sizeof(into->value); i++) {
		if (((value[i] ^ more_value[i]) & mask[i] & more_mask[i]) != 0)
			return false;
		value[i] |= more_value[i];
		mask[i] |= more_mask[i];
	}
	if (more->src_port_min > into->src_port_min || more->src_port_max < into->src_port_max) {
		into->src_port_min = more->src_port_min;
		into->src_port_max = more->src_port_max;
	}
	if (more->dst_port_min > into->dst_port_min || more->dst_port_max < into->dst_port_max) {
		into->dst_port_min = more->dst_port_min;
		into->dst_port_max = more->dst_port_max;
	}
	if (more->expr != NULL) /* One key has expressions: no other term has one. */
		into->expr = more->expr;
	/* false for the ports of one protocol with another protocol. */
	return into->mask.l4 == 0 || into->mask.protocol == 0 ||
	       into->value.l4 == into->value.protocol;
}

/* Replace @p terms by all combinations of one of them with one of @p more. */
static int multiply(struct terms *terms, const struct terms *more, const struct fg_node *at,
		    struct fg_error *error)
{
	struct terms product = {0};
	int rc = 0;

	for (uint32_t i = 0; i < terms->count && rc == 0; i++)
		for (uint32_t j = 0; j < more->count && rc == 0; j++) {
			struct fg_match both = terms->at[i];

			if (merge(&both, &more->at[j]))
				rc = add_term(&product, &both, at, error);
		}
	terms_free(terms);
	*terms = product;
	return rc;
}

/*
 * `{src: ..., dst: ...}` of mac, ipv4, ipv6, udp or tcp: @p base combined with each
 * source and each destination.
 */
static int read_pair(const struct fg_node *node, const struct fg_match *base, set_value_fn *set_src,
		     set_value_fn *set_dst, struct terms *terms, struct fg_error *error)
{
	struct terms pair = {0};
	int rc;

	if (node->kind != FG_NODE_MAP)
		return fg_error_at(error, EINVAL, node, "%s: expected a map {src: ..., dst: ...}",
				   node->key);
	rc = add_term(&pair, base, node, error);
	for (const struct fg_node *n = node->child; n != NULL && rc == 0; n = n->next) {
		struct terms values = {0};
		set_value_fn *set = NULL;

		if (strcmp(n->key, "src") == 0)
			set = set_src;
		else if (strcmp(n->key, "dst") == 0)
			set = set_dst;
		if (set == NULL)
			rc = fg_option_unknown_key(n, "src or dst", error);
		if (rc == 0)
			rc = read_any_of(n, set, NULL, &values, error);
		if (rc == 0)
			rc = multiply(&pair, &values, n, error);
		terms_free(&values);
	}
	for (uint32_t i = 0; i < pair.count && rc == 0; i++)
		rc = add_term(terms, &pair.at[i], node, error);
	terms_free(&pair);
	return rc;
}

static int read_ip(const struct fg_node *match, struct terms *terms, struct fg_error *error)
{
	const struct fg_node *v4 = fg_node_get(match, "ipv4"), *v6 = fg_node_get(match, "ipv6");
	struct fg_match base = anything;
	int rc = 0;

	base.mask.family = 0xff;
	base.value.family = FG_FAMILY_IPV4;
	if (v4 != NULL)
		rc = read_pair(v4, &base, set_src_ipv4, set_dst_ipv4, terms, error);
	base.value.family = FG_FAMILY_IPV6;
	if (rc == 0 && v6 != NULL)
		rc = read_pair(v6, &base, set_src_ipv6, set_dst_ipv6, terms, error);
	return rc;
}

/* udp or tcp: a rule with ports tests l4, which a key without ports has not; others the protocol.
 */
static int read_l4(const struct fg_node *node, uint8_t protocol, struct terms *terms,
		   struct fg_error *error)
{
	struct fg_match base = anything;

	if (node == NULL)
		return 0;
	if (node->child != NULL)
		SET_FIELD(&base, l4, protocol);
	else
		SET_FIELD(&base, protocol, protocol);
	return read_pair(node, &base, set_src_port, set_dst_port, terms, error);
}

/* The terms of key @p n. ipv4 and ipv6 are alternatives and read together; so are udp and tcp. */
static int read_key(const struct fg_node *match, const struct fg_node *n,
		    const struct fg_scope *scope, struct fg_rules *set, struct terms *terms,
		    struct fg_error *error)
{
	static const struct {
		const char *key;
		set_value_fn *set;
	} lists[] = {
		{"source", set_source},
		{"line", set_line},
		{"ethertype", set_ethertype},
		{"protocol", set_protocol},
	};
	struct fg_match term = anything;
	int rc;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(n->key, lists[i].key) == 0)
			return read_any_of(n, lists[i].set, scope, terms, error);
	if (strcmp(n->key, "mac") == 0)
		return read_pair(n, &anything, set_src_mac, set_dst_mac, terms, error);
	if (strcmp(n->key, "ipv4") == 0 || strcmp(n->key, "ipv6") == 0)
		return read_ip(match, terms, error);
	if (strcmp(n->key, "udp") == 0 || strcmp(n->key, "tcp") == 0) {
		rc = read_l4(fg_node_get(match, "udp"), IPPROTO_UDP, terms, error);
		return rc != 0 ? rc : read_l4(fg_node_get(match, "tcp"), IPPROTO_TCP, terms, error);
	}
	if (strcmp(n->key, "vlan") == 0) {
		rc = set_vlan(&term, n, error);
		return rc != 0 ? rc : add_term(terms, &term, n, error);
	}
	if (strcmp(n->key, "expr") == 0)
		return read_exprs(n, set, terms, error);
	return fg_option_unknown_key(n,
				     "source, line, mac, vlan, ethertype, ipv4, ipv6, protocol, "
				     "udp, tcp or expr",
				     error);
}

/* Was @p n read with its alternative, an earlier key? */
static bool read_already(const struct fg_node *match, const struct fg_node *n)
{
	static const char *const pairs[][2] = {{"ipv4", "ipv6"}, {"udp", "tcp"}};

	for (int p = 0; p < 2; p++)
		for (int i = 0; i < 2; i++)
			if (strcmp(n->key, pairs[p][i]) == 0)
				for (const struct fg_node *b = match->child; b != n; b = b->next)
					if (strcmp(b->key, pairs[p][1 - i]) == 0)
						return true;
	return false;
}

static int compile_keys(const struct fg_node *match, const struct fg_scope *scope,
			struct fg_rules *set, struct terms *terms, struct fg_error *error)
{
	for (const struct fg_node *n = match->child; n != NULL; n = n->next) {
		struct terms alternatives = {0};
		int rc;

		if (read_already(match, n))
			continue;
		rc = read_key(match, n, scope, set, &alternatives, error);
		if (rc == 0)
			rc = multiply(terms, &alternatives, n, error);
		terms_free(&alternatives);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int terms_compile(const struct fg_node *node, uint32_t rule, const struct fg_scope *scope,
		  struct fg_rules *set, struct terms *out, struct fg_error *error)
{
	const struct fg_node *match = fg_node_get(node, "match");
	struct terms terms = {0};
	int rc;

	if (match != NULL && match->kind != FG_NODE_MAP)
		return fg_error_at(error, EINVAL, match, "match: expected a map, found %s",
				   fg_node_kind_name(match));
	rc = add_term(&terms, &anything, node, error);
	if (rc == 0 && match != NULL)
		rc = compile_keys(match, scope, set, &terms, error);
	if (rc == 0 && terms.count == 0)
		rc = fg_error_at(error, EINVAL, match,
				 "match: its keys contradict one another: nothing can match");
	for (uint32_t i = 0; i < terms.count && rc == 0; i++) {
		terms.at[i].rule = rule;
		rc = add_term(out, &terms.at[i], node, error);
	}
	terms_free(&terms);
	if (rc == 0 && out->n_expr > FG_EXPR_MATCHES_MAX)
		rc = fg_error_at(error, E2BIG, node,
				 "the rules compile to over %u entries with an expression",
				 FG_EXPR_MATCHES_MAX);
	return rc;
}
