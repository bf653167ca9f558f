/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "options.h"

static unsigned int row_of(const char *name)
{
	unsigned int i = 0;

	while (strcmp(line_options[i].name, name) != 0)
		i++;
	return i;
}

static bool check_line(const struct options *o, unsigned int line)
{
	for (unsigned int i = 0; i < LINE_OPTIONS; i++) {
		const struct line_option *row = &line_options[i];

		if (!(o->line_given[line] >> i & 1))
			continue;
		if (line >= o->lines)
			return options_refuse("--%s-%c: there are only %u lines", row->name,
					      (int)('a' + line), o->lines);
		if (row->needs && !(o->line_given[line] >> row_of(row->needs) & 1))
			return options_refuse("--%s-%c: only with --%s-%c", row->name,
					      (int)('a' + line), row->needs, (int)('a' + line));
	}
	return true;
}

static bool check_protocol(const struct options *o, const struct protocol *protocol)
{
	for (unsigned int i = 0; i < o->lines; i++) {
		if (o->line[i].repack && !protocol->seal)
			return options_refuse("--repack-%c: not with %s, whose sequence "
					      "numbers count packets",
					      (int)('a' + i), protocol->name);
	}
	if (o->reset_after > 0 && !(protocol->can & PROTOCOL_RESET))
		return options_refuse("--reset-after: not with %s, which has no reset",
				      protocol->name);
	if (o->heartbeat_ns > 0 && !(protocol->can & PROTOCOL_HEARTBEAT))
		return options_refuse("--heartbeat: not with %s, which has no heartbeats",
				      protocol->name);
	return true;
}

bool options_check(const struct options *o)
{
	for (unsigned int i = 0; i < LINES_MAX; i++) {
		if (!check_line(o, i))
			return false;
	}
	for (unsigned int i = 0; protocols[i]; i++) {
		if (o->mix[i] > 0 && !check_protocol(o, protocols[i]))
			return false;
	}
	return true;
}
