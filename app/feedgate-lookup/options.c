/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <fg_classify.h>

enum {
	OPTION_RULES = 256,
	OPTION_PCAP,
	OPTION_TRACE,
	OPTION_FORMAT,
	OPTION_ENGINE,
	OPTION_VARIANT,
	OPTION_BUDGET,
	OPTION_SOURCE,
	OPTION_LINE,
	OPTION_INFO,
	OPTION_LIST_ENGINES,
	OPTION_LIST_VARIANTS,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"rules", required_argument, NULL, OPTION_RULES},
	{"pcap", required_argument, NULL, OPTION_PCAP},
	{"trace", required_argument, NULL, OPTION_TRACE},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"engine", required_argument, NULL, OPTION_ENGINE},
	{"variant", required_argument, NULL, OPTION_VARIANT},
	{"budget", required_argument, NULL, OPTION_BUDGET},
	{"source", required_argument, NULL, OPTION_SOURCE},
	{"line", required_argument, NULL, OPTION_LINE},
	{"info", no_argument, NULL, OPTION_INFO},
	{"list-engines", no_argument, NULL, OPTION_LIST_ENGINES},
	{"list-variants", no_argument, NULL, OPTION_LIST_VARIANTS},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static void print_usage(void)
{
	puts("usage: feedgate-lookup --rules FILE (--pcap FILE | --trace FILE) [options]\n"
	     "\n"
	     "Print the rule that wins each packet of a file, as CSV: index,rule,action\n"
	     "\n"
	     "  --rules FILE      feedgate configuration (YAML) or ClassBench rules\n"
	     "  --pcap FILE       pcap or pcapng, compressed or not; - is standard input\n"
	     "  --trace FILE      ClassBench packet headers, one a line; - is standard input\n"
	     "  --format FORMAT   of the rules: yaml, classbench or auto (default: by the first "
	     "'@')\n"
	     "  --engine NAME     classification engine; default: that of the rules file\n"
	     "  --variant NAME    instruction set; default: that of the rules file\n"
	     "  --budget BYTES    maximum size of the compiled rules (K, M, G)\n"
	     "  --source NAME     source of the packets; default: the first\n"
	     "  --line LETTER     line of the packets; default: that of the source\n"
	     "  --info            describe the compiled rules on standard error\n"
	     "  --list-engines    print the names for --engine, the best first\n"
	     "  --list-variants   print the names for --variant\n"
	     "  --version, --help\n"
	     "\n"
	     "Exit status: 0 done, 1 failed at run time, 2 wrong usage or rules.");
}

static void print_names(const char *const *names)
{
	for (; *names != NULL; names++)
		puts(*names);
}

static int read_format(const char *text, enum rules_format *format, struct fg_error *error)
{
	static const char *const names[] = {"auto", "yaml", "classbench"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			*format = (enum rules_format)i;
			return 0;
		}
	return fg_error_set(error, EINVAL, "--format %s: expected auto, yaml or classbench", text);
}

/* The field of an option's text; NULL: it has none, or is read elsewhere. */
static const char **text_of(struct options *o, int option)
{
	switch (option) {
	case OPTION_RULES:
		return &o->rules_path;
	case OPTION_PCAP:
		return &o->pcap_path;
	case OPTION_TRACE:
		return &o->trace_path;
	case OPTION_ENGINE:
		return &o->engine;
	case OPTION_VARIANT:
		return &o->variant;
	case OPTION_BUDGET:
		return &o->budget;
	case OPTION_SOURCE:
		return &o->source;
	case OPTION_LINE:
		return &o->line;
	default:
		return NULL;
	}
}

/* Options that only print something: 1 if @p option is one. */
static int print_answer(int option)
{
	switch (option) {
	case OPTION_LIST_ENGINES:
		print_names(fg_table_engines);
		return 1;
	case OPTION_LIST_VARIANTS:
		print_names(fg_isa_options);
		return 1;
	case OPTION_VERSION:
		puts("feedgate-lookup " FG_VERSION);
		return 1;
	case OPTION_HELP:
		print_usage();
		return 1;
	default:
		return 0;
	}
}

static int check(const struct options *o, struct fg_error *error)
{
	if (o->rules_path == NULL)
		return fg_error_set(error, EINVAL,
				    "--rules FILE is missing; --help shows the usage");
	if ((o->pcap_path == NULL) == (o->trace_path == NULL))
		return fg_error_set(error, EINVAL,
				    "expected either --pcap FILE or --trace FILE, found %s",
				    o->pcap_path == NULL ? "neither" : "both");
	return 0;
}

int options_read(struct options *options, int argc, char **argv, struct fg_error *error)
{
	int c;

	*options = (struct options){.format = FORMAT_AUTO};
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		const char **text = text_of(options, c);

		if (c == '?' || c == ':')
			return fg_error_set(error, EINVAL,
					    c == '?' ? "unknown option '%s'; --help lists them"
						     : "option '%s' needs a value",
					    argv[optind - 1]);
		if (print_answer(c) != 0)
			return 1;
		if (text != NULL)
			*text = optarg;
		else if (c == OPTION_INFO)
			options->info = true;
		else if (read_format(optarg, &options->format, error) != 0)
			return -EINVAL;
	}
	if (optind < argc)
		return fg_error_set(error, EINVAL, "unexpected argument '%s'", argv[optind]);
	optind = 1; /* EAL uses getopt(), too. */
	return check(options, error);
}
