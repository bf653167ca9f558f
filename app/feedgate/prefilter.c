/* SPDX-License-Identifier: MIT */
/*
 * A source with a prefilter gets the destinations of packets that some rule may keep. The prefilter
 * passes at least what the rules keep: it looks at destinations alone, and ignores rules that drop.
 * What it drops, the rules would have dropped, too.
 */
#include "prefilter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fg_log.h>

#include "app.h"

#define EXPAND_MAX 1024u      /* Groups of one entry. */
#define HOST_BITS  8u         /* A wider prefix is not expanded to addresses. */
#define GROUPS_MAX (1u << 20) /* No kernel takes more. */

struct groups {
	struct fg_source_group *at;
	uint32_t count, room;
	char *why; /* why there can be no filter */
	size_t why_size;
};

static int add(struct groups *list, const struct fg_source_group *group)
{
	if (list->count == GROUPS_MAX) {
		snprintf(list->why, list->why_size, "the rules have more than %u groups",
			 GROUPS_MAX);
		return -E2BIG;
	}
	if (list->count == list->room) {
		const uint32_t room = list->room == 0 ? 64 : 2 * list->room;
		struct fg_source_group *at = realloc(list->at, room * sizeof(*at));

		if (at == NULL) {
			snprintf(list->why, list->why_size, "out of memory");
			return -ENOMEM;
		}
		list->at = at;
		list->room = room;
	}
	list->at[list->count++] = *group;
	return 0;
}

/* Bits of the destination that the entry leaves open; UINT_MAX if it may be of any family. */
static unsigned int open_bits(const struct fg_match *m)
{
	const unsigned int bytes = m->value.family == FG_FAMILY_IPV4 ? 4 : 16;
	unsigned int open = 8 * bytes;

	if (m->mask.family == 0 || m->value.family == FG_FAMILY_OTHER)
		return UINT_MAX;
	for (unsigned int i = 0; i < bytes; i++)
		open -= (unsigned int)__builtin_popcount(m->mask.dst_ip[i]);
	return open;
}

static uint8_t transport(const struct fg_match *m)
{
	if (m->mask.l4 != 0)
		return m->value.l4;
	if (m->mask.protocol != 0 && (m->value.protocol == 6 || m->value.protocol == 17))
		return m->value.protocol;
	return 0;
}

/* Add the group with each of the ports @first to @last. */
static int add_ports(struct groups *list, struct fg_source_group group, uint32_t first,
		     uint32_t last)
{
	int rc = 0;

	for (uint32_t port = first; port <= last && rc == 0; port++) {
		group.port_be = htons((uint16_t)port);
		rc = add(list, &group);
	}
	return rc;
}

/* Add the groups of an entry. -ENOTSUP: there are too many. */
static int add_entry(struct groups *list, const struct fg_match *m)
{
	struct fg_source_group group = {.protocol = transport(m)};
	const unsigned int bits = open_bits(m);
	const bool any_port = m->mask.l4 == 0 || (m->dst_port_min == 0 && m->dst_port_max == 65535);
	uint32_t first = m->dst_port_min, last = m->dst_port_max, hosts;
	int rc = 0;

	/* Port 0 of a group stands for any port, so a range that begins with 0 becomes any port. */
	if (any_port || first == 0)
		first = last = 0;
	if (bits > HOST_BITS) {
		if (first == 0 || last - first >= EXPAND_MAX)
			return -ENOTSUP;
		return add_ports(list, group, first, last);
	}
	hosts = 1u << bits;
	if (hosts * (last - first + 1) > EXPAND_MAX)
		first = last = 0;
	group.family = m->value.family;
	memcpy(group.ip, m->value.dst_ip, sizeof(group.ip));
	for (uint32_t host = 0; host < hosts && rc == 0; host++) {
		group.ip[group.family == FG_FAMILY_IPV4 ? 3 : 15] =
			(uint8_t)(m->value.dst_ip[group.family == FG_FAMILY_IPV4 ? 3 : 15] | host);
		rc = add_ports(list, group, first, last);
	}
	return rc;
}

bool prefilter_concerns(const struct fg_match *m, const struct fg_source *src)
{
	return (m->mask.source == 0 || m->value.source == src->index) &&
	       (m->mask.line == 0 || m->value.line == src->line);
}

/* Add what @rules (NULL: none) may keep of the packets of @src. */
static int add_rules(struct groups *list, const struct fg_rules *rules, const struct fg_source *src)
{
	int rc = 0;

	if (rules == NULL)
		return 0;
	if (rules->rules[0].sinks != 0) {
		snprintf(list->why, list->why_size, "the default action keeps packets");
		return -ENOTSUP;
	}
	for (uint32_t i = 1; i <= rules->count && rc == 0; i++) {
		const struct fg_rule *rule = &rules->rules[i];

		for (uint32_t n = 0; rule->sinks != 0 && n < rule->n_matches && rc == 0; n++)
			if (prefilter_concerns(&rules->matches[rule->first_match + n], src))
				rc = add_entry(list, &rules->matches[rule->first_match + n]);
		if (rc == -ENOTSUP)
			snprintf(list->why, list->why_size,
				 "rule '%s' names neither a group (at most %u addresses) nor a "
				 "port (at most %u)",
				 rule->name, 1u << HOST_BITS, EXPAND_MAX);
	}
	return rc;
}

/* Has the source a prefilter, and is it switched on? */
static bool has_filter(struct source_entry *entry)
{
	struct fg_error error = {0};

	return entry->open && entry->source.ops->prefilter != NULL &&
	       (entry->prefilter[0] != '\0' ||
		entry->source.ops->prefilter(&entry->source, NULL, 0, &error) != -ENOTSUP);
}

/* Set the prefilter to what @a and @b (NULL: none) may keep. @text: source_entry.prefilter. */
static void apply(struct source_entry *entry, const struct fg_rules *a, const struct fg_rules *b,
		  char *text, size_t size)
{
	static const struct fg_source_group none;
	char why[sizeof(entry->prefilter) - sizeof("off: ")];
	struct groups list = {.why = why, .why_size = sizeof(why)};
	struct fg_error error = {0};
	int rc = add_rules(&list, a, &entry->source);

	if (rc == 0)
		rc = add_rules(&list, b, &entry->source);
	if (rc != 0) {
		(void)entry->source.ops->prefilter(&entry->source, NULL, 0, &error);
	} else {
		/* NULL would open the filter, so an empty list needs an address. */
		rc = entry->source.ops->prefilter(&entry->source, list.at != NULL ? list.at : &none,
						  list.count, &error);
		if (rc != 0)
			snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, error.text);
	}
	if (rc == 0)
		snprintf(text, size, "on");
	else
		snprintf(text, size, "off: %s", why);
	free(list.at);
}

void prefilter_widen(struct app *app, const struct fg_rules *old, const struct fg_rules *new)
{
	char text[sizeof(app->sources[0]->prefilter)];

	for (uint32_t i = 0; i < app->n_sources; i++)
		if (has_filter(app->sources[i]))
			apply(app->sources[i], old, new, text, sizeof(text));
}

void prefilter_set(struct app *app, const struct fg_rules *rules)
{
	char text[sizeof(app->sources[0]->prefilter)];

	for (uint32_t i = 0; i < app->n_sources; i++) {
		struct source_entry *entry = app->sources[i];

		if (!has_filter(entry))
			continue;
		apply(entry, rules, NULL, text, sizeof(text));
		if (strcmp(text, entry->prefilter) != 0)
			fg_log(NOTICE, "source %s: prefilter is %s", entry->name, text);
		memcpy(entry->prefilter, text, sizeof(text));
	}
}
