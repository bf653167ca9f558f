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
#define INSTRUMENTS_MAX 65535u               /* an ITCH locate has 16 bits, and 0 is taken */
#define RATE_MAX        UINT64_C(1000000000) /* one packet a nanosecond */
#define START_MAX_NS    (UINT64_C(4000000000) * NS_PER_S)
#define WEIGHT_MAX      1000000u

static bool refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool refuse(const char *format, ...)
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

/* Where the weight of a name stands in options.mix; -1 if there is no such name. */
static int mix_index(const char *name)
{
	for (int i = 0; framings[i]; i++) {
		if (strcmp(framings[i]->name, name) == 0)
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

static void print_help(void)
{
	puts("Usage: feedgate-gen [options] -o PREFIX\n"
	     "       feedgate-gen --classbench FAMILY [--count N] [--rules FILE] [--trace FILE]\n"
	     "Write PREFIX-a.pcap and PREFIX-b.pcap: market data on lines A and B, the same for "
	     "the\n"
	     "same options on any machine.\n"
	     "\n"
	     "  -o, --output PREFIX    what the files' names begin with\n"
	     "      --format FORMAT    pcap (default) or pcapng\n"
	     "      --seed N           another seed, other packets (default 1)\n"
	     "      --packets N        per line, before losses (default 100000)\n"
	     "      --channels N       channels of each framing, as far as it has so many (default "
	     "4)\n"
	     "      --instruments N    over all channels (default 100, at least one a channel)\n"
	     "      --rate PPS         mean pace, packets per second, in bursts (default 100000)\n"
	     "      --loss-a PPM       packets lost on line A, of a million (default 0)\n"
	     "      --loss-b PPM       the same on line B\n"
	     "      --mix NAME=N,...   shares of packets (default itch=60,cme=20,other=20)\n"
	     "      --start-ns NS      time of the beginning since 1970 (default\n"
	     "                         1710509400000000000: 2024-03-15 13:30:00 UTC)\n"
	     "      --rules FILE       also write a feedgate configuration that reads the files\n"
	     "      --summary FILE     write the summary as JSON instead of printing a table\n"
	     "      --help             this text\n"
	     "      --version          the version\n"
	     "\n"
	     "Instead of captures, rules for packet classifiers and packets near them:\n"
	     "      --classbench NAME  in the manner of ClassBench: acl, fw or ipc\n"
	     "      --count N          rules (default 1000)\n"
	     "      --rules FILE       write them here\n"
	     "      --trace FILE       write packets here, as many as --packets says\n"
	     "      --edge             all packets at the rules' corners or just outside\n"
	     "\n"
	     "Kinds of traffic for --mix:");
	for (unsigned int i = 0; framings[i]; i++)
		printf("  %-22s %s\n", framings[i]->name, framings[i]->help);
	printf("  %-22s %s\n", "other", "TCP, IPv6, VLAN, fragments, ARP, broken frames, ...");
}

enum {
	OPT_FORMAT = 256,
	OPT_SEED,
	OPT_PACKETS,
	OPT_CHANNELS,
	OPT_INSTRUMENTS,
	OPT_RATE,
	OPT_LOSS_A,
	OPT_LOSS_B,
	OPT_MIX,
	OPT_START_NS,
	OPT_RULES,
	OPT_SUMMARY,
	OPT_CLASSBENCH,
	OPT_COUNT,
	OPT_TRACE,
	OPT_EDGE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"seed", required_argument, NULL, OPT_SEED},
	{"packets", required_argument, NULL, OPT_PACKETS},
	{"channels", required_argument, NULL, OPT_CHANNELS},
	{"instruments", required_argument, NULL, OPT_INSTRUMENTS},
	{"rate", required_argument, NULL, OPT_RATE},
	{"loss-a", required_argument, NULL, OPT_LOSS_A},
	{"loss-b", required_argument, NULL, OPT_LOSS_B},
	{"mix", required_argument, NULL, OPT_MIX},
	{"start-ns", required_argument, NULL, OPT_START_NS},
	{"rules", required_argument, NULL, OPT_RULES},
	{"summary", required_argument, NULL, OPT_SUMMARY},
	{"classbench", required_argument, NULL, OPT_CLASSBENCH},
	{"count", required_argument, NULL, OPT_COUNT},
	{"trace", required_argument, NULL, OPT_TRACE},
	{"edge", no_argument, NULL, OPT_EDGE},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

#define BIT(option) (1u << ((option) == 'o' ? 0 : (option)-OPT_FORMAT + 1))

static bool read_option(struct options *o, int option, const char *text)
{
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
	case OPT_LOSS_A:
		return read_u32("--loss-a", text, 0, 1000000, &o->loss_ppm[0]);
	case OPT_LOSS_B:
		return read_u32("--loss-b", text, 0, 1000000, &o->loss_ppm[1]);
	case OPT_MIX:
		return read_mix(text, o->mix);
	case OPT_START_NS:
		/* Not so near 1970 that a message could be older than that. */
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
	default:
		return false; /* getopt_long() has said why */
	}
}

/* Options of either kind of run, of all others, and none that would go unheard. */
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
	return true;
}

enum options_result options_read(struct options *o, int argc, char **argv)
{
	uint32_t seen = 0;
	int option;

	*o = (struct options){.format = capture_formats,
			      .seed = 1,
			      .packets = 100000,
			      .rate = 100000,
			      .start_ns = UINT64_C(1710509400) * NS_PER_S,
			      .channels = 4,
			      .count = 1000};
	if (!read_mix("itch=60,cme=20,other=20", o->mix))
		return OPTIONS_USAGE;
	while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) != -1) {
		if (option == OPT_HELP) {
			print_help();
			return OPTIONS_DONE;
		}
		if (option == OPT_VERSION) {
			puts("feedgate-gen " FG_VERSION);
			return OPTIONS_DONE;
		}
		if (!read_option(o, option, optarg))
			return OPTIONS_USAGE;
		seen |= BIT(option);
	}
	return check(o, seen, argc, argv) ? OPTIONS_RUN : OPTIONS_USAGE;
}

uint32_t options_channels(const struct options *o, const struct framing *framing)
{
	return o->channels < framing->max_channels ? o->channels : framing->max_channels;
}
