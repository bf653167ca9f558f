/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS_MAX    30000u
#define INSTRUMENTS_MAX 65535u               /* an ITCH locate has 16 bits and is not 0 */
#define RATE_MAX        UINT64_C(1000000000) /* one packet a nanosecond */
#define START_MAX_NS    (UINT64_C(4000000000) * NS_PER_S)
#define WEIGHT_MAX      1000000u

#define refuse options_refuse

bool options_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("feedgate-gen: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return false;
}

static bool read_number(const char *option, const char *text, uint64_t min, uint64_t max,
			uint64_t *out)
{
	char *end = NULL;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min ||
	    value > max)
		return refuse("%s: '%s' is not a number from %llu to %llu", option, text,
			      (unsigned long long)min, (unsigned long long)max);
	*out = value;
	return true;
}

static bool read_u32(const char *option, const char *text, uint32_t min, uint32_t max,
		     uint32_t *out)
{
	uint64_t value = 0;

	if (!read_number(option, text, min, max, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool read_format(const char *text, const struct capture_format **out)
{
	for (const struct capture_format *f = capture_formats; f->name; f++) {
		if (strcmp(f->name, text) == 0) {
			*out = f;
			return true;
		}
	}
	return refuse("--format: '%s' is not pcap or pcapng", text);
}

/* The index of a name in options.mix; -1: there is no such name. */
static int mix_index(const char *name)
{
	for (int i = 0; protocols[i]; i++) {
		if (strcmp(protocols[i]->name, name) == 0 ||
		    (protocols[i]->alias && strcmp(protocols[i]->alias, name) == 0))
			return i;
	}
	return strcmp(name, "other") == 0 ? (int)MIX_OTHER : -1;
}

static bool read_share(char *item, uint32_t *mix, uint32_t *seen)
{
	char *value = strchr(item, '=');
	int index;

	if (!value)
		return refuse("--mix: '%s' is not NAME=WEIGHT", item);
	*value++ = '\0';
	index = mix_index(item);
	if (index < 0)
		return refuse("--mix: unknown kind '%s'; --help lists them", item);
	if (*seen >> index & 1)
		return refuse("--mix: '%s' is given twice", item);
	*seen |= 1u << index;
	return read_u32("--mix", value, 0, WEIGHT_MAX, &mix[index]);
}

static bool read_mix(const char *text, uint32_t *mix)
{
	char *copy = strdup(text);
	char *rest = copy;
	char *item;
	uint32_t seen = 0;
	uint64_t total = 0;
	bool good = copy != NULL;

	memset(mix, 0, sizeof(*mix) * (MIX_OTHER + 1));
	while (good && (item = strsep(&rest, ",")) != NULL)
		good = read_share(item, mix, &seen);
	free(copy);
	if (!good)
		return false;
	for (unsigned int i = 0; i <= MIX_OTHER; i++)
		total += mix[i];
	return total > 0 || refuse("--mix: all weights are 0");
}

enum {
	OPT_FORMAT = 256,
	OPT_SEED,
	OPT_PACKETS,
	OPT_CHANNELS,
	OPT_INSTRUMENTS,
	OPT_RATE,
	OPT_MIX,
	OPT_START_NS,
	OPT_RULES,
	OPT_SUMMARY,
	OPT_CLASSBENCH,
	OPT_COUNT,
	OPT_TRACE,
	OPT_EDGE,
	OPT_LINES,
	OPT_BURST,
	OPT_RESET_AFTER,
	OPT_HEARTBEAT,
	OPT_TRUTH,
	OPT_HELP,
	OPT_VERSION,
	OPT_LINE = 512, /* + LINES_MAX * row + line */
};

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"seed", required_argument, NULL, OPT_SEED},
	{"packets", required_argument, NULL, OPT_PACKETS},
	{"channels", required_argument, NULL, OPT_CHANNELS},
	{"instruments", required_argument, NULL, OPT_INSTRUMENTS},
	{"rate", required_argument, NULL, OPT_RATE},
	{"mix", required_argument, NULL, OPT_MIX},
	{"start-ns", required_argument, NULL, OPT_START_NS},
	{"rules", required_argument, NULL, OPT_RULES},
	{"summary", required_argument, NULL, OPT_SUMMARY},
	{"classbench", required_argument, NULL, OPT_CLASSBENCH},
	{"count", required_argument, NULL, OPT_COUNT},
	{"trace", required_argument, NULL, OPT_TRACE},
	{"edge", no_argument, NULL, OPT_EDGE},
	{"lines", required_argument, NULL, OPT_LINES},
	{"burst", required_argument, NULL, OPT_BURST},
	{"reset-after", required_argument, NULL, OPT_RESET_AFTER},
	{"heartbeat", required_argument, NULL, OPT_HEARTBEAT},
	{"truth", required_argument, NULL, OPT_TRUTH},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

#define N_OPTIONS (sizeof(long_options) / sizeof(long_options[0]) - 1)

/* All options, with those of each line. The names are not freed. */
static const struct option *all_options(void)
{
	static char names[LINE_OPTIONS * LINES_MAX][24];
	static struct option all[N_OPTIONS + LINE_OPTIONS * LINES_MAX + 1];
	struct option *to = all + N_OPTIONS;

	memcpy(all, long_options, sizeof(all[0]) * N_OPTIONS);
	for (unsigned int i = 0; i < LINE_OPTIONS * LINES_MAX; i++, to++) {
		const struct line_option *row = &line_options[i / LINES_MAX];

		snprintf(names[i], sizeof(names[i]), "%s-%c", row->name,
			 (int)('a' + i % LINES_MAX));
		*to = (struct option){names[i], row->value ? required_argument : no_argument, NULL,
				      (int)(OPT_LINE + i)};
	}
	return all;
}

#define BIT(option) (1u << ((option) == 'o' ? 0 : (option)-OPT_FORMAT + 1))

static bool read_line_option(struct options *o, unsigned int number, const char *text)
{
	const unsigned int line = number % LINES_MAX;
	const struct line_option *row = &line_options[number / LINES_MAX];
	char name[32];

	snprintf(name, sizeof(name), "--%s-%c", row->name, (int)('a' + line));
	o->line_given[line] |= 1u << number / LINES_MAX;
	return read_u32(name, row->value ? text : "1", row->min, row->max,
			line_option_field(&o->line[line], row));
}

static bool read_option(struct options *o, int option, const char *text)
{
	if (option >= OPT_LINE)
		return read_line_option(o, (unsigned int)(option - OPT_LINE), text);
	switch (option) {
	case 'o':
		o->prefix = text;
		return text[0] != '\0' || refuse("--output: the prefix is empty");
	case OPT_FORMAT:
		return read_format(text, &o->format);
	case OPT_SEED:
		return read_number("--seed", text, 0, UINT64_MAX, &o->seed);
	case OPT_PACKETS:
		return read_number("--packets", text, 1, UINT32_MAX, &o->packets);
	case OPT_CHANNELS:
		return read_u32("--channels", text, 1, CHANNELS_MAX, &o->channels);
	case OPT_INSTRUMENTS:
		return read_u32("--instruments", text, 1, INSTRUMENTS_MAX, &o->instruments);
	case OPT_RATE:
		return read_number("--rate", text, 1, RATE_MAX, &o->rate);
	case OPT_MIX:
		return read_mix(text, o->mix);
	case OPT_START_NS:
		/* Times of messages are earlier, and must not be before 1970. */
		return read_number("--start-ns", text, NS_PER_S, START_MAX_NS, &o->start_ns);
	case OPT_RULES:
		o->rules = text;
		return true;
	case OPT_SUMMARY:
		o->summary = text;
		return true;
	case OPT_CLASSBENCH:
		o->family = classbench_family(text);
		return o->family || refuse("--classbench: '%s' is not acl, fw or ipc", text);
	case OPT_COUNT:
		return read_u32("--count", text, 1, CLASSBENCH_RULES_MAX, &o->count);
	case OPT_TRACE:
		o->trace = text;
		return true;
	case OPT_EDGE:
		o->edge = true;
		return true;
	case OPT_LINES:
		return read_u32("--lines", text, 1, LINES_MAX, &o->lines);
	case OPT_BURST:
		return read_u32("--burst", text, 2, 100000, &o->burst);
	case OPT_RESET_AFTER:
		return read_number("--reset-after", text, 2, UINT32_MAX, &o->reset_after);
	case OPT_HEARTBEAT:
		return read_number("--heartbeat", text, 1000, 1000 * NS_PER_S, &o->heartbeat_ns);
	case OPT_TRUTH:
		o->truth = text;
		return true;
	default:
		return false; /* getopt_long() printed the reason */
	}
}

/* Do the options belong to the same kind of run, and is none missing? */
static bool check_kind(const struct options *o, uint32_t seen)
{
	const uint32_t both = BIT(OPT_SEED) | BIT(OPT_PACKETS) | BIT(OPT_RULES);
	const uint32_t of_rules =
		BIT(OPT_CLASSBENCH) | BIT(OPT_COUNT) | BIT(OPT_TRACE) | BIT(OPT_EDGE);
	const uint32_t stray = seen & ~both & (o->family ? ~of_rules : of_rules);

	for (const struct option *row = long_options; row->name; row++) {
		if (stray & BIT(row->val))
			return refuse(o->family ? "--%s: not with --classbench"
						: "--%s: only with --classbench",
				      row->name);
	}
	for (unsigned int i = 0; o->family && i < LINES_MAX; i++) {
		if (o->line_given[i])
			return refuse("options of line %c: not with --classbench", (int)('a' + i));
	}
	return !o->family || o->rules || o->trace ||
	       refuse("--classbench: nothing to write; give --rules or --trace");
}

static bool check(struct options *o, uint32_t seen, int argc, char **argv)
{
	if (optind < argc)
		return refuse("'%s' is not an option; the files' prefix is given with -o",
			      argv[optind]);
	if (!check_kind(o, seen))
		return false;
	if (o->family)
		return true;
	if (!o->prefix)
		return refuse("-o PREFIX is missing; --help shows the usage");
	if (o->instruments == 0)
		o->instruments = o->channels > 100 ? o->channels : 100;
	if (o->instruments < o->channels)
		return refuse("--instruments: %u is less than one for each of %u channels",
			      o->instruments, o->channels);
	return options_check(o);
}

enum options_result options_read(struct options *o, int argc, char **argv)
{
	const struct option *all = all_options();
	uint32_t seen = 0;
	int option;

	*o = (struct options){.format = capture_formats,
			      .seed = 1,
			      .packets = 100000,
			      .rate = 100000,
			      .start_ns = UINT64_C(1710509400) * NS_PER_S,
			      .channels = 4,
			      .lines = 2,
			      .count = 1000};
	for (unsigned int i = 0; i < LINES_MAX; i++)
		o->line[i] = line_defaults;
	if (!read_mix("itch=60,cme=20,other=20", o->mix))
		return OPTIONS_USAGE;
	while ((option = getopt_long(argc, argv, "o:", all, NULL)) != -1) {
		if (option == OPT_HELP) {
			options_help();
			return OPTIONS_DONE;
		}
		if (option == OPT_VERSION) {
			puts("feedgate-gen " FG_VERSION);
			return OPTIONS_DONE;
		}
		if (!read_option(o, option, optarg))
			return OPTIONS_USAGE;
		if (option < OPT_LINE)
			seen |= BIT(option);
	}
	return check(o, seen, argc, argv) ? OPTIONS_RUN : OPTIONS_USAGE;
}

uint32_t options_channels(const struct options *o, const struct protocol *protocol)
{
	return o->channels < protocol->max_channels ? o->channels : protocol->max_channels;
}
