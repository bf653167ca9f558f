/* SPDX-License-Identifier: MIT */
/* The cases: every built-in protocol, small and large subscriptions, one feed and many. */
#include <stdio.h>
#include <string.h>

#include "feed_work.h"

#define INSTRUMENTS 8000u
#define SELECTED    64u
#define MANY        1000000u

/* The size of an instrument's number; 0: texts, or none at all. */
static unsigned int number_bytes(const struct fg_protocol *protocol)
{
	const struct fg_messages *messages = protocol->messages;

	for (uint32_t i = 0; i < messages->count; i++)
		if (messages->types[i].instrument == FG_INSTRUMENT_NUMBER)
			return messages->types[i].id.bytes;
	return 0;
}

static bool has_instruments(const struct fg_protocol *protocol)
{
	return protocol->messages->count > 0;
}

/* Cases of one protocol. @return false: it has no case number @p which. */
static bool case_of(const struct fg_protocol *protocol, unsigned int which, struct feed_case *out)
{
	static const char *const names[] = {"l2", "l3", "1000000", "dram"};
	static const enum feed_place places[] = {FEED_L2, FEED_L3, FEED_L3, FEED_DRAM};
	const bool many = which == 2;

	*out = (struct feed_case){.protocol = protocol,
				  .place = places[which],
				  .feeds = 1,
				  .lines = 2,
				  .instruments = many ? 2 * MANY : INSTRUMENTS,
				  .selected = many ? MANY : SELECTED};
	snprintf(out->name, sizeof(out->name), "%s-%s", protocol->name, names[which]);
	if (many)
		return has_instruments(protocol) && number_bytes(protocol) != 2;
	return which != 3 || strcmp(protocol->name, "itch50") == 0;
}

static bool case_of_lines(uint32_t lines, struct feed_case *out)
{
	*out = (struct feed_case){.protocol = fg_protocol_find("itch50"),
				  .place = FEED_L3,
				  .feeds = FEEDS_MAX,
				  .lines = lines,
				  .instruments = INSTRUMENTS,
				  .selected = SELECTED};
	snprintf(out->name, sizeof(out->name), "lines-%ux%u", FEEDS_MAX, lines);
	return true;
}

bool feed_case_get(uint32_t i, struct feed_case *out)
{
	for (const struct fg_protocol *const *p = fg_protocols; *p != NULL; p++)
		for (unsigned int which = 0; which < 4; which++)
			if (case_of(*p, which, out) && i-- == 0)
				return true;
	return i < FEED_LINES_MAX && case_of_lines(1 + i, out);
}

int feed_maker_open(struct feed_maker *maker, const struct feed_case *feed_case,
		    struct fg_error *error)
{
	*maker = (struct feed_maker){.feed_case = feed_case};
	return feed_packets_has(feed_case) ? feed_packets_open(maker, error)
					   : feed_tables_open(maker, error);
}
