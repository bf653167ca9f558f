/* SPDX-License-Identifier: MIT */
/* feedgate-bench: reads the command line and runs a benchmark. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "child.h"
#include "machine.h"
#include "output.h"
#include "progress.h"
#include "report.h"

enum {
	EXIT_DONE = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
};

static const struct bench *const benches[] = {&bench_path, &bench_classify, &bench_capture,
					      &bench_feed, &bench_pipeline};
#define BENCHES (sizeof(benches) / sizeof(benches[0]))

/* Commands that measure nothing. They read their own arguments. */
static const struct tool {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(int argc, char **argv); /* @return the exit status. */
} tools[] = {
	{"report", "FILE... [-o PAGE.html]",
	 "make one page of plots and tables from what --json printed", report_main},
	{"machine", "[--json]", "describe this machine; --json: the line that report looks for",
	 machine_main},
};
#define TOOLS (sizeof(tools) / sizeof(tools[0]))

/* Options of every benchmark. */
struct common {
	bool json, quiet;
	uint64_t repeats;
};

static const struct fg_option common_options[] = {
	{.name = "repeats",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct common, repeats),
	 .min = 1,
	 .max = REPEATS_MAX,
	 .value = "5",
	 .help = "measurements of each subject; the result is their median"},
	{.name = "json",
	 .type = FG_OPTION_BOOL,
	 .offset = offsetof(struct common, json),
	 .value = "false",
	 .help = "print one JSON object a line instead of a table"},
	{.name = "quiet",
	 .type = FG_OPTION_BOOL,
	 .offset = offsetof(struct common, quiet),
	 .value = "false",
	 .help = "show no progress on standard error"},
	{0}};

static int fail(int status, const struct fg_error *error)
{
	fprintf(stderr, "feedgate-bench: %s\n", error->text);
	return status;
}

static void print_options(const struct fg_option *rows)
{
	for (; rows->name != NULL; rows++) {
		char text[64];

		/* The unit of a text row names its value. */
		snprintf(text, sizeof(text), "--%s%s%s", rows->name,
			 rows->type == FG_OPTION_BOOL ? "" : " ",
			 rows->type == FG_OPTION_BOOL     ? ""
			 : rows->type == FG_OPTION_STRING ? rows->unit
							  : "N");
		printf("    %-18s %s", text, rows->help);
		if (rows->type == FG_OPTION_U64)
			printf(" (default %s)", rows->value);
		putchar('\n');
	}
}

static void print_help(void)
{
	puts("usage: feedgate-bench NAME [options]\n"
	     "Measure feedgate, and other programs that do the same beside it.\n"
	     "\n"
	     "Each result is printed when the measurements of its case are done. Progress goes to\n"
	     "standard error. SIGINT and SIGTERM stop the benchmark; what was measured until then\n"
	     "is printed.\n"
	     "\n"
	     "Every benchmark takes:");
	print_options(common_options);
	puts("    --help, --version\n"
	     "\n"
	     "NAME is one of:");
	for (size_t i = 0; i < BENCHES; i++) {
		printf("  %s: %s\n", benches[i]->name, benches[i]->help);
		print_options(benches[i]->options);
	}
	puts("\n"
	     "Other commands:");
	for (size_t i = 0; i < TOOLS; i++)
		printf("  %s %s: %s\n", tools[i].name, tools[i].arguments, tools[i].help);
	puts("\n"
	     "Exit status: 0 done, 1 failed or interrupted, 2 wrong usage.");
}

/* --help and --version, anywhere on the command line. @return whether one was there. */
static bool print_information(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_help();
			return true;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("feedgate-bench " FG_VERSION);
			return true;
		}
	}
	return false;
}

static const struct bench *find_bench(const char *name)
{
	for (size_t i = 0; i < BENCHES; i++)
		if (strcmp(benches[i]->name, name) == 0)
			return benches[i];
	return NULL;
}

/* The row of `--name` or `--name=value`; @p text is without the dashes. */
static const struct fg_option *find_row(const struct fg_option *rows, const char *text)
{
	const size_t length = strcspn(text, "=");

	for (; rows->name != NULL; rows++)
		if (strlen(rows->name) == length && strncmp(rows->name, text, length) == 0)
			return rows;
	return NULL;
}

/* Read argv[*i], and its value if that is the next argument. */
static int read_option(const struct bench *bench, struct common *common, void *conf, char **argv,
		       int *i, struct fg_error *error)
{
	const char *argument = argv[*i], *value;
	const struct fg_option *row = NULL;
	void *into = common;

	if (strncmp(argument, "--", 2) == 0)
		row = find_row(common_options, argument + 2);
	if (strncmp(argument, "--", 2) == 0 && row == NULL) {
		row = find_row(bench->options, argument + 2);
		into = conf;
	}
	if (row == NULL)
		return fg_error_set(error, EINVAL, "%s: unknown option '%s'; --help lists them all",
				    bench->name, argument);
	value = strchr(argument, '=');
	if (value != NULL)
		value++;
	else if (row->type == FG_OPTION_BOOL)
		value = "true";
	else if (argv[*i + 1] != NULL)
		value = argv[++*i];
	else
		return fg_error_set(error, EINVAL, "option '%s' needs a value", argument);
	return fg_option_set(row, into, value, NULL, error);
}

static int read_options(const struct bench *bench, struct common *common, void *conf, char **argv,
			struct fg_error *error)
{
	int rc = fg_option_read(common_options, NULL, common, error);

	if (rc == 0)
		rc = fg_option_read(bench->options, NULL, conf, error);
	for (int i = 2; rc == 0 && argv[i] != NULL; i++)
		rc = read_option(bench, common, conf, argv, &i, error);
	return rc;
}

static int run_bench(const struct bench *bench, const struct common *common, const void *conf,
		     struct fg_error *error)
{
	struct output *out = output_open(common->json);
	int rc;

	if (out == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	child_catch_signals();
	progress_open(bench->name, common->quiet);
	rc = bench->run(conf, (uint32_t)common->repeats, out, error);
	progress_close();
	if (rc == -EINTR)
		fg_error_set(error, EINTR,
			     "interrupted; the results are of what was measured so far");
	output_free(out);
	return rc;
}

int main(int argc, char **argv)
{
	struct fg_error error = {0};
	struct common common = {0};
	const struct bench *bench;
	int status = EXIT_DONE;
	void *conf;

	if (print_information(argc, argv))
		return fflush(stdout) == 0 ? EXIT_DONE : EXIT_RUNTIME;
	for (size_t i = 0; argc > 1 && i < TOOLS; i++)
		if (strcmp(tools[i].name, argv[1]) == 0)
			return tools[i].run(argc, argv);
	bench = argc > 1 ? find_bench(argv[1]) : NULL;
	if (bench == NULL) {
		fg_error_set(&error, EINVAL, "%s%s%s; --help lists the benchmarks",
			     argc > 1 ? "no benchmark is called '" : "which benchmark",
			     argc > 1 ? argv[1] : "", argc > 1 ? "'" : "?");
		return fail(EXIT_USAGE, &error);
	}
	conf = calloc(1, bench->conf_bytes);
	if (conf == NULL) {
		fg_error_set(&error, ENOMEM, "out of memory");
		return fail(EXIT_RUNTIME, &error);
	}
	if (read_options(bench, &common, conf, argv, &error) != 0)
		status = fail(EXIT_USAGE, &error);
	else if (run_bench(bench, &common, conf, &error) != 0)
		status = fail(EXIT_RUNTIME, &error);
	fg_option_free(bench->options, conf);
	free(conf);
	return status;
}
