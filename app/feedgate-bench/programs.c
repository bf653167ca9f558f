/* SPDX-License-Identifier: MIT */
#include "programs.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

bool program_in_path(const char *name, char out[PATH_MAX])
{
	const char *rest = getenv("PATH");

	while (rest != NULL && *rest != '\0') {
		const size_t length = strcspn(rest, ":");

		if (snprintf(out, PATH_MAX, "%.*s/%s", (int)length, rest, name) < PATH_MAX &&
		    is_program(out))
			return true;
		rest += length + (rest[length] == ':');
	}
	out[0] = '\0';
	return false;
}

bool program_self(char out[PATH_MAX])
{
	const ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);

	out[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* At @p place relative to our own folder (in a build folder), in our folder (installed), or in
 * PATH. */
static bool find_program(const char *place, const char *name, char out[PATH_MAX])
{
	const char *const places[] = {place, name};
	char self[PATH_MAX];
	const char *folder;

	if (program_self(self)) {
		folder = dirname(self);
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (snprintf(out, PATH_MAX, "%s/%s", folder, places[i]) < PATH_MAX &&
			    is_program(out))
				return true;
	}
	return program_in_path(name, out);
}

int program_given(const char *option, const char *given, char out[PATH_MAX], struct fg_error *error)
{
	if (!is_program(given))
		return fg_error_set(error, errno, "--%s %s: %s", option, given, strerror(errno));
	snprintf(out, PATH_MAX, "%s", given);
	return 0;
}

int program_feedgate(const char *given, char out[PATH_MAX], struct fg_error *error)
{
	if (given[0] != '\0')
		return program_given("feedgate", given, out, error);
	if (find_program("../feedgate/feedgate", "feedgate", out))
		return 0;
	return fg_error_set(error, ENOENT,
			    "feedgate not found, beside this program or in PATH: name it with "
			    "--feedgate");
}

int program_report(char out[PATH_MAX], struct fg_error *error)
{
	if (find_program("report/feedgate-bench-report", "feedgate-bench-report", out))
		return 0;
	return fg_error_set(error, ENOENT,
			    "feedgate-bench-report not found, beside this program or in PATH");
}
