/* SPDX-License-Identifier: MIT */
/* The frames that `capture` sends, and the filter that classifies them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include "capture.h"
#include "classify_work.h"
#include "groups.h"

#define MIX 7919u /* A prime, so that consecutive packets use distant rules. */

const struct capture_case capture_cases[CAPTURE_CASES_MAX] = {
	{"64B", 64, false},         {"128B", 128, false},         {"512B", 512, false},
	{"1500B", 1500, false},     {"64B-filter", 64, true},     {"128B-filter", 128, true},
	{"512B-filter", 512, true}, {"1500B-filter", 1500, true},
};

/*
 * Every fourth frame goes to a group and port of a rule. Of the others, half have a rule's address
 * with another rule's port, and half an address that no rule has.
 */
void frames_make(uint8_t *frames, uint32_t bytes)
{
	for (uint32_t i = 0; i < CAPTURE_FRAMES; i++) {
		const uint32_t group = i / MATCH_EVERY_NTH * MIX % CAPTURE_RULES;
		const bool unused = i % MATCH_EVERY_NTH == 2;
		const uint32_t address = group_address(unused ? CAPTURE_RULES + i : group);
		const uint16_t port =
			group_port(i % 2 == 1 ? group + 1 + i % CAPTURE_RULES : group);

		frame_make_long(frames + (size_t)i * bytes, bytes, i, address, port);
	}
}

uint64_t frames_matching(uint64_t count)
{
	return (count + MATCH_EVERY_NTH - 1) / MATCH_EVERY_NTH;
}

int filter_open(struct filter *filter, struct fg_error *error)
{
	const struct fg_table_conf conf = {.socket_id = SOCKET_ID_ANY};
	struct fg_match *matches = calloc(CAPTURE_RULES, sizeof(*matches));
	int rc;

	memset(filter, 0, sizeof(*filter));
	if (matches == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u rules", CAPTURE_RULES);
	for (uint32_t group = 0; group < CAPTURE_RULES; group++)
		work_match_group(&matches[group], group);
	rc = fg_isa_find(NULL, &filter->parse.isa, error);
	if (rc == 0)
		rc = fg_table_build(&conf, matches, CAPTURE_RULES, &filter->table, error);
	free(matches);
	return rc;
}

void filter_close(struct filter *filter)
{
	fg_table_free(filter->table);
	filter->table = NULL;
}
