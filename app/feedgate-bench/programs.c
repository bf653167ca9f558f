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

/* In the build folder beside our own folder, installed in the same one, or anywhere. */
static bool find_feedgate(char out[PATH_MAX])
{
	static const char *const places[] = {"../feedgate/feedgate", "feedgate"};
	char self[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *folder;

	if (length > 0) {
		self[length] = '\0';
		folder = dirname(self);
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (snprintf(out, PATH_MAX, "%s/%s", folder, places[i]) < PATH_MAX &&
			    is_program(out))
				return true;
	}
	return program_in_path("feedgate", out);
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
	if (find_feedgate(out))
		return 0;
	return fg_error_set(error, ENOENT,
			    "feedgate not found, beside this program or in PATH: name it with "
			    "--feedgate");
}
