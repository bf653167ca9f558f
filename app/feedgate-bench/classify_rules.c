/* SPDX-License-Identifier: MIT */
/* The work of a ClassBench file: its rules, and keys from a trace or drawn from the rules. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include <fg_classbench.h>
#include <fg_meta.h>
#include <fg_rules.h>

#include "classify_work.h"

/* Comparisons to find the right rules; they take some seconds. */
#define COMPARISONS_MAX 400000000u

static int fail(const char *path, int code, struct fg_error *error)
{
	return fg_error_set(error, code, "%s: %s", path, strerror(code));
}

static int read_rules(const char *path, struct fg_rules **rules, struct fg_error *error)
{
	FILE *file = fopen(path, "re");
	int rc;

	if (file == NULL)
		return fail(path, errno, error);
	rc = fg_classbench_load(file, path, 1, rules, error);
	fclose(file);
	if (rc != 0)
		return rc;
	if ((*rules)->n_matches > 0)
		return 0;
	fg_rules_free(*rules);
	return fg_error_set(error, EINVAL, "%s: it has no rules", path);
}

/* Read up to work->n_keys keys. If there are fewer, set n_keys. */
static int read_trace(struct work *work, const char *path, struct fg_error *error)
{
	FILE *file = fopen(path, "re");
	uint64_t line = 0;
	uint32_t count = 0;
	int rc = 1;

	if (file == NULL)
		return fail(path, errno, error);
	while (count < work->n_keys && rc == 1) {
		rc = fg_classbench_read_key(file, path, &line, &work->keys[count], error);
		count += rc == 1;
	}
	fclose(file);
	if (rc < 0)
		return rc;
	if (count == 0)
		return fg_error_set(error, EINVAL, "%s: it has no keys", path);
	work->n_keys = count;
	return 0;
}

/* Draw an address in the prefix of @p value and @p mask. */
static void draw_address(struct rng *rng, uint8_t *to, const uint8_t *value, const uint8_t *mask)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value[i] | (rng_below(rng, 256) & ~(uint32_t)mask[i]));
}

/* Draw a port: the first or last of the range, or any of it. */
static uint16_t draw_port(struct rng *rng, uint16_t min, uint16_t max)
{
	switch (rng_below(rng, 4)) {
	case 0:
		return min;
	case 1:
		return max;
	default:
		return (uint16_t)(min + rng_below(rng, max - min + 1u));
	}
}

/* Draw a key that @p match matches; one in four differs a little, so that it does not match. */
static void draw_key(struct rng *rng, const struct fg_match *match, struct fg_key *key)
{
	static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP};
	uint16_t src = draw_port(rng, match->src_port_min, match->src_port_max);
	uint16_t dst = draw_port(rng, match->dst_port_min, match->dst_port_max);

	memset(key, 0, sizeof(*key));
	key->family = FG_FAMILY_IPV4;
	key->vlan_be[0] = key->vlan_be[1] = FG_VLAN_NONE_BE;
	draw_address(rng, key->src_ip, match->value.src_ip, match->mask.src_ip);
	draw_address(rng, key->dst_ip, match->value.dst_ip, match->mask.dst_ip);
	key->protocol = match->mask.protocol != 0 ? match->value.protocol
						  : protocols[rng_below(rng, sizeof(protocols))];
	switch (rng_below(rng, 16)) {
	case 0:
		src = (uint16_t)(match->src_port_max + 1);
		break;
	case 1:
		dst = (uint16_t)(match->dst_port_max + 1);
		break;
	case 2:
		key->src_ip[rng_below(rng, 4)] ^= (uint8_t)(1u << rng_below(rng, 8));
		break;
	case 3:
		key->dst_ip[rng_below(rng, 4)] ^= (uint8_t)(1u << rng_below(rng, 8));
		break;
	default:
		break;
	}
	key->src_port_be = rte_cpu_to_be_16(src);
	key->dst_port_be = rte_cpu_to_be_16(dst);
	if (key->protocol == IPPROTO_UDP || key->protocol == IPPROTO_TCP)
		key->l4 = key->protocol;
}

static void draw_keys(struct work *work)
{
	struct rng rng = {work->n_matches};

	for (uint32_t i = 0; i < work->n_keys; i++)
		draw_key(&rng, &work->matches[rng_below(&rng, work->n_matches)], &work->keys[i]);
}

static void make_tuple(struct tuple *tuple, const struct fg_key *key)
{
	memset(tuple, 0, sizeof(*tuple));
	tuple->protocol = key->protocol;
	memcpy(tuple->src_ip, key->src_ip, sizeof(tuple->src_ip));
	memcpy(tuple->dst_ip, key->dst_ip, sizeof(tuple->dst_ip));
	memcpy(tuple->src_port, &key->src_port_be, sizeof(tuple->src_port));
	memcpy(tuple->dst_port, &key->dst_port_be, sizeof(tuple->dst_port));
}

/* Find the first rule that matches each key, by comparing all, up to COMPARISONS_MAX. */
static void find_truth(struct work *work)
{
	uint64_t left = COMPARISONS_MAX;

	for (uint32_t i = 0; i < work->n_keys; i++) {
		uint32_t m = 0;

		if (left < work->n_matches) {
			work->truth[i] = TRUTH_UNKNOWN;
			continue;
		}
		while (m < work->n_matches && !fg_match_test(&work->matches[m], &work->keys[i]))
			m++;
		work->truth[i] = m < work->n_matches ? work->matches[m].rule : FG_RULE_NONE;
		left -= m;
	}
}

static int fill(struct work *work, const struct fg_rules *rules, const char *trace, uint32_t n_keys,
		struct fg_error *error)
{
	int rc = work_allocate(work, rules->n_matches, n_keys);

	if (rc != 0)
		return fg_error_set(error, -rc, "no memory for %u keys", n_keys);
	memcpy(work->matches, rules->matches, rules->n_matches * sizeof(*work->matches));
	if (trace[0] == '\0')
		draw_keys(work);
	else
		rc = read_trace(work, trace, error);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < work->n_keys; i++)
		make_tuple(&work->tuples[i], &work->keys[i]);
	find_truth(work);
	return 0;
}

int work_make_rules(struct work *work, const char *path, const char *trace, uint32_t n_keys,
		    struct fg_error *error)
{
	const char *slash = strrchr(path, '/');
	struct fg_rules *rules = NULL;
	int rc;

	*work = (struct work){0};
	rc = read_rules(path, &rules, error);
	if (rc != 0)
		return rc;
	snprintf(work->name, sizeof(work->name), "%s", slash != NULL ? slash + 1 : path);
	rc = fill(work, rules, trace, n_keys, error);
	fg_rules_free(rules);
	if (rc != 0)
		work_free(work);
	return rc;
}
