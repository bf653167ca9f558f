/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as ClassBench rules and as a trace: they are refused with a message of one
 * line that has the location, or the result is as fg_classbench.h promises. Rules and
 * packets are then written in the simplest form of the format, which must read the same.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fg_classbench.h>
#include <fg_names.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static FILE *stream_of(const void *text, size_t size)
{
	/* Some C libraries refuse size 0: an empty line is equivalent. */
	FILE *in = size > 0 ? fmemopen((void *)(uintptr_t)text, size, "r")
			    : fmemopen((char[]){'\n'}, 1, "r");

	check(in != NULL);
	return in;
}

static void check_refused(int rc, const struct fg_error *error)
{
	check(rc < 0);
	check(strncmp(error->text, "fuzz:", 5) == 0);
	check(strchr(error->text, '\n') == NULL);
}

static uint32_t address_of(const uint8_t bytes[16])
{
	uint32_t address_be;

	for (int i = 4; i < 16; i++)
		check(bytes[i] == 0);
	memcpy(&address_be, bytes, sizeof(address_be));
	return ntohl(address_be);
}

static void write_prefix(FILE *out, const uint8_t value[16], const uint8_t mask[16])
{
	const uint32_t address = address_of(value), bits = address_of(mask);

	check((address & ~bits) == 0);
	check((~bits & (~bits + 1)) == 0);
	fprintf(out, "%u.%u.%u.%u/%d", address >> 24, address >> 16 & 255, address >> 8 & 255,
		address & 255, __builtin_popcount(bits));
}

static void write_rule(FILE *out, const struct fg_match *m)
{
	fputc('@', out);
	write_prefix(out, m->value.src_ip, m->mask.src_ip);
	fputc(' ', out);
	write_prefix(out, m->value.dst_ip, m->mask.dst_ip);
	fprintf(out, " %u : %u %u : %u 0x%02x/0x%02X\n", m->src_port_min, m->src_port_max,
		m->dst_port_min, m->dst_port_max, m->value.protocol, m->mask.protocol);
}

static void check_rule(const struct fg_rules *set, uint32_t number)
{
	const struct fg_rule *rule = &set->rules[number];
	const struct fg_match *match = &set->matches[number - 1];
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	check(strcmp(rule->name, name) == 0 && strcmp(fg_names_get(rule->id), name) == 0);
	check(rule->n_matches == 1 && rule->first_match == number - 1);
	check(rule->sinks == 5 && rule->feed == FG_FEED_NONE);
	check(rule->line >= number && rule->line > set->rules[number - 1].line);
	check(rule->text[0] == '{');
	check(match->rule == number && match->expr == NULL);
	check(match->value.family == FG_FAMILY_IPV4 && match->mask.family == UINT8_MAX);
	check(match->src_port_min <= match->src_port_max);
	check(match->dst_port_min <= match->dst_port_max);
}

static int load(const void *text, size_t size, struct fg_rules **set, struct fg_error *error)
{
	FILE *in = stream_of(text, size);
	const int rc = fg_classbench_load(in, "fuzz", 5, set, error);

	fclose(in);
	return rc;
}

static void check_rules(const uint8_t *data, size_t size)
{
	struct fg_rules *set = NULL, *again = NULL;
	struct fg_error error = {0};
	const int rc = load(data, size, &set, &error);
	char *text = NULL;
	size_t length;
	FILE *out;

	if (rc != 0) {
		check(set == NULL);
		check_refused(rc, &error);
		return;
	}
	check(error.text[0] == '\0');
	check(set->n_matches == set->count && set->n_exprs == 0);
	out = open_memstream(&text, &length);
	check(out != NULL);
	for (uint32_t number = 1; number <= set->count; number++) {
		check_rule(set, number);
		write_rule(out, &set->matches[number - 1]);
	}
	fclose(out);
	check(load(text, length, &again, &error) == 0);
	check(again->count == set->count);
	/* Not the padding after the rule number, nor the expression. */
	for (uint32_t i = 0; i < set->count; i++)
		check(memcmp(&again->matches[i], &set->matches[i],
			     offsetof(struct fg_match, rule) + sizeof(uint32_t)) == 0);
	free(text);
	fg_rules_free(again);
	fg_rules_free(set);
}

static void check_key(const struct fg_key *key)
{
	struct fg_error error = {0};
	struct fg_key again;
	uint64_t line = 0;
	char text[64];
	FILE *in;

	check(key->family == FG_FAMILY_IPV4);
	check(key->l4 == (key->protocol == 6 || key->protocol == 17 ? key->protocol : 0));
	snprintf(text, sizeof(text), "%u %u %u %u %u", address_of(key->src_ip),
		 address_of(key->dst_ip), ntohs(key->src_port_be), ntohs(key->dst_port_be),
		 key->protocol);
	in = stream_of(text, strlen(text));
	check(fg_classbench_read_key(in, "fuzz", &line, &again, &error) == 1);
	check(memcmp(key, &again, sizeof(*key)) == 0);
	fclose(in);
}

static void check_trace(const uint8_t *data, size_t size)
{
	struct fg_error error = {0};
	FILE *in = stream_of(data, size);
	uint64_t line = 0, before;
	struct fg_key key;
	int rc;

	do {
		before = line;
		rc = fg_classbench_read_key(in, "fuzz", &line, &key, &error);
		check(line > before && line <= size + 2);
		if (rc == 1)
			check_key(&key);
	} while (rc == 1);
	if (rc < 0)
		check_refused(rc, &error);
	else
		check(rc == 0 && error.text[0] == '\0');
	fclose(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_rules(data, size);
	check_trace(data, size);
	return 0;
}
