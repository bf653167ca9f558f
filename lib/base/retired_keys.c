/* SPDX-License-Identifier: MIT */
#include "retired_keys.h"

#include <stddef.h>

const struct retired_key retired_keys[] = {
	/* Feeds. */
	{"framing", "protocol", NULL, false},
	{"spaces", "channels", NULL, false},
	{"lost_ms", "gap_timeout_ms", NULL, false},
	{"directory", "symbols", ": {file: PATH}", false},
	{"directory_size", "symbols", ": {max: N}", false},
	{"symbol_file", "symbols", ": {file: PATH}", false},
	{"symbols_max", "symbols", ": {max: N}", false},
	/* A feed's protocol description. */
	{"controls", "admin", NULL, false},
	{"adds", "length_bias", NULL, false},
	{"least", "min_bytes", NULL, false},
	{"shortest", "min_bytes", NULL, false},
	{"no_number", "null_value", NULL, false},
	{"directory", "maps_symbol", NULL, false},
	/* Rules. */
	{"unknown", "unmapped", NULL, false},
	/* Sinks. */
	{"records", "events", ", an event log, not a sink", true},
	{NULL, NULL, NULL, false},
};
