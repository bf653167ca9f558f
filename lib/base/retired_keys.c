/* SPDX-License-Identifier: MIT */
#include "retired_keys.h"

#include <stddef.h>

const struct retired_key retired_keys[] = {
	/* Feeds. */
	{"framing", "protocol", NULL},
	{"spaces", "channels", NULL},
	{"lost_ms", "gap_timeout_ms", NULL},
	{"directory", "symbol_file", NULL},
	{"directory_size", "symbols_max", NULL},
	/* A feed's protocol description. */
	{"controls", "admin", NULL},
	{"adds", "length_bias", NULL},
	{"least", "min_bytes", NULL},
	{"shortest", "min_bytes", NULL},
	{"no_number", "null_value", NULL},
	{"directory", "maps_symbol", NULL},
	/* Rules. */
	{"unknown", "unmapped", NULL},
	/* Sinks. */
	{"records", "events", ", an event log, not a sink"},
	{NULL, NULL, NULL},
};
