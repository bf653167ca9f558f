/* SPDX-License-Identifier: MIT */
/* feedgate-bench report: from JSON lines to a page. */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

static int fail(int status, const struct fg_error *error)
{
	fprintf(stderr, "feedgate-bench: %s\n", error->text);
	return status;
}

/* Take -o from the arguments; what is left are files. */
static int read_arguments(int *argc, char **argv, const char **output, struct fg_error *error)
{
	int files = 0;

	for (int i = 2; i < *argc; i++) {
		const char *argument = argv[i];

		if (strncmp(argument, "--output=", 9) == 0) {
			*output = argument + 9;
		} else if (strcmp(argument, "-o") == 0 || strcmp(argument, "--output") == 0) {
			if (i + 1 == *argc)
				return fg_error_set(error, EINVAL,
						    "report: option '%s' needs a value", argument);
			*output = argv[++i];
		} else if (argument[0] == '-' && argument[1] != '\0') {
			return fg_error_set(error, EINVAL,
					    "report: unknown option '%s'; --help lists them all",
					    argument);
		} else {
			argv[2 + files++] = argv[i];
		}
	}
	*argc = 2 + files;
	return files > 0 ? 0
			 : fg_error_set(error, EINVAL,
					"report: which files? They hold what --json prints");
}

static int write_page(const struct results *results, const char *path, struct fg_error *error)
{
	const bool to_output = path == NULL || strcmp(path, "-") == 0;
	FILE *out = to_output ? stdout : fopen(path, "w");
	json_t *present = results->n_machines == 0 ? machine_describe() : NULL;
	int rc = 0;

	if (out != NULL) {
		put_page(out, results, present);
		if (ferror(out) || fflush(out) != 0)
			rc = errno != 0 ? errno : EIO;
		if (!to_output && fclose(out) != 0 && rc == 0)
			rc = errno;
	} else {
		rc = errno;
	}
	json_decref(present);
	return rc == 0 ? 0
		       : fg_error_set(error, rc, "%s: %s", to_output ? "standard output" : path,
				      strerror(rc));
}

int report_main(int argc, char **argv)
{
	struct results results = {0};
	struct fg_error error = {0};
	const char *output = NULL;
	int rc = read_arguments(&argc, argv, &output, &error), status = EXIT_DONE;

	for (int i = 2; rc == 0 && i < argc; i++)
		rc = results_read(&results, argv[i], &error);
	if (rc == 0 && results.count == 0)
		rc = fg_error_set(&error, EINVAL, "report: %s holds no results", argv[2]);
	if (rc != 0)
		status = fail(rc == -ENOMEM || rc == -EIO ? EXIT_RUNTIME : EXIT_USAGE, &error);
	if (rc == 0) {
		results_sort(&results);
		if (write_page(&results, output, &error) != 0)
			status = fail(EXIT_RUNTIME, &error);
	}
	results_free(&results);
	return status;
}
