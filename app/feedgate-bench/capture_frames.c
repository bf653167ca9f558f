/* SPDX-License-Identifier: MIT */
/* What is sent in `capture`, and the filter that judges it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_memory.h>

#include "capture.h"
#include "classify.h"
#include "groups.h"

#define MIX 7919u /* A prime: neighbours in time are none in the table. */

const struct capture_case capture_cases[CAPTURE_CASES_MAX] = {
	{"64B", 64, false},         {"128B", 128, false},         {"512B", 512, false},
	{"1500B", 1500, false},     {"64B-filter", 64, true},     {"128B-filter", 128, true},
	{"512B-filter", 512, true}, {"1500B-filter", 1500, true},
};

/*
 * Every fourth to a channel that a rule names. Of the others, half to such a
 * group, but another channel's port, half to one of the groups behind them.
 */
void frames_make(uint8_t *frames, uint32_t bytes)
{
	for (uint32_t i = 0; i < CAPTURE_FRAMES; i++) {
		const uint32_t channel = i / MATCH_EVERY_NTH * MIX % CAPTURE_RULES;
		const bool behind = i % MATCH_EVERY_NTH == 2;
		const uint32_t group = group_address(behind ? CAPTURE_RULES + i : channel);
		const uint16_t port =
			group_port(i % 2 == 1 ? channel + 1 + i % CAPTURE_RULES : channel);

		frame_make_long(frames + (size_t)i * bytes, bytes, i, group, port);
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
	for (uint32_t channel = 0; channel < CAPTURE_RULES; channel++)
		work_match_group(&matches[channel], channel);
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
