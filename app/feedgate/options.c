/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include <fg_option.h>

#include "app.h"
#include "options_check.h"
#include "protocols.h"
#include "sources.h"

enum {
	OPTION_CMDLINE_FILE = 256,
	OPTION_STATS_PERIOD,
	OPTION_CHECK,
	OPTION_EXIT_WHEN_DONE,
	OPTION_SUMMARY,
	OPTION_WORKERS,
	OPTION_LIST_PROTOCOLS,
	OPTION_LIST_SOURCES,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"interactive", no_argument, NULL, 'i'},
	{"auto-start", no_argument, NULL, 'a'},
	{"cmdline-file", required_argument, NULL, OPTION_CMDLINE_FILE},
	{"stats-period", required_argument, NULL, OPTION_STATS_PERIOD},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"exit-when-done", no_argument, NULL, OPTION_EXIT_WHEN_DONE},
	{"summary", required_argument, NULL, OPTION_SUMMARY},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"list-protocols", no_argument, NULL, OPTION_LIST_PROTOCOLS},
	{"list-sources", no_argument, NULL, OPTION_LIST_SOURCES},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

void options_usage(FILE *out)
{
	fputs("usage: feedgate [EAL options] -- [options]\n"
	      "\n"
	      "  -c, --config FILE      sources, feeds, sinks and rules (YAML); see "
	      "feedgate.yaml(5)\n"
	      "  -i, --interactive      console on standard input; `start` starts\n"
	      "  -a, --auto-start       with -i: start at once\n"
	      "  --cmdline-file FILE    run console commands from FILE first\n"
	      "  --stats-period S       a line of statistics every S seconds\n"
	      "  --workers N            worker lcores; overrides pipeline: {workers: N}\n"
	      "  --exit-when-done       exit when all sources have ended and all packets "
	      "are delivered\n"
	      "  --summary FILE         write all counters as JSON at exit; -: to standard output\n"
	      "  --check                validate the configuration and exit; opens nothing\n"
	      "  --list-protocols       list the built-in protocols\n"
	      "  --list-sources         list the source kinds, and what this machine lacks for "
	      "those it does not support\n"
	      "  --version, --help\n"
	      "\n"
	      "EAL options come first, for example:\n"
	      "  feedgate -l 0-2 -a 0000:81:00.0 -- -c rules.yaml -i\n"
	      "  feedgate --no-huge -m 512 --no-pci -l 0-1 -- -c replay.yaml --exit-when-done\n"
	      "\n"
	      "Exit status: 0 done, 1 failed at run time, 2 wrong usage or configuration,\n"
	      "3 accounting unbalanced.\n",
	      out);
}

static int read_count(const char *option, const char *text, uint64_t max, uint64_t *out,
		      struct fg_error *error)
{
	if (fg_number_read(text, max, out) == 0)
		return 0;
	return fg_error_set(error, EINVAL, "%s %s: expected a number from 0 to %lu", option, text,
			    (unsigned long)max);
}

static int read_option(struct options *options, int c, struct fg_error *error)
{
	switch (c) {
	case 'c':
		options->config_path = optarg;
		return 0;
	case 'i':
		options->interactive = true;
		return 0;
	case 'a':
		options->auto_start = true;
		return 0;
	case OPTION_CMDLINE_FILE:
		options->cmdline_path = optarg;
		return 0;
	case OPTION_STATS_PERIOD:
		return read_count("--stats-period", optarg, 86400, &options->stats_period_s, error);
	case OPTION_CHECK:
		options->check = true;
		return 0;
	case OPTION_EXIT_WHEN_DONE:
		options->exit_when_done = true;
		return 0;
	case OPTION_SUMMARY:
		options->summary_path = optarg;
		return 0;
	case OPTION_WORKERS:
		options->workers = optarg;
		return 0;
	default:
		return -EINVAL;
	}
}

/* These options need no EAL, and are also taken before `--`, among EAL's options. */
static int serve_at_once(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--version") == 0) {
			puts("feedgate " FG_VERSION);
			return 1;
		}
		if (strcmp(argv[i], "--list-protocols") == 0) {
			protocols_list(stdout);
			return 1;
		}
		if (strcmp(argv[i], "--list-sources") == 0) {
			sources_list(stdout);
			return 1;
		}
		if (strcmp(argv[i], "--help") == 0) {
			options_usage(stdout);
			return 1;
		}
	}
	return 0;
}

int options_read(struct options *options, int argc, char **argv, struct fg_error *error)
{
	int ours = 1, c;

	*options = (struct options){0};
	if (serve_at_once(argc, argv) != 0)
		return 1;
	if (options_check_eal(argc, argv, error) != 0)
		return -EINVAL;
	while (ours < argc && strcmp(argv[ours], "--") != 0)
		ours++;
	argc -= ours;
	argv += ours;
	opterr = 0;
	optind = 1;
	while (argc > 0 && (c = getopt_long(argc, argv, "+:c:ia", long_options, NULL)) != -1) {
		if (c == '?' || c == ':')
			return fg_error_set(error, EINVAL,
					    c == '?' ? "unknown option '%s'; --help lists them"
						     : "option '%s' needs a value",
					    argv[optind - 1]);
		if (read_option(options, c, error) != 0)
			return -EINVAL;
	}
	if (argc > 0 && optind < argc)
		return fg_error_set(error, EINVAL, "unexpected argument '%s'", argv[optind]);
	if (options->check && options->config_path == NULL)
		return fg_error_set(error, EINVAL, "--check needs -c FILE");
	if (options_check_files(options, error) != 0)
		return -EINVAL;
	optind = 1; /* EAL uses getopt, too. */
	return 0;
}
