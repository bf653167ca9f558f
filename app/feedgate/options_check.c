/* SPDX-License-Identifier: MIT */
/* What can be seen to be wrong with options before anything is started. */
#include "options_check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

/* Options of feedgate that EAL does not have. */
static const char *const own_options[] = {
	"--config", "--interactive",    "--auto-start", "--cmdline-file", "--stats-period",
	"--check",  "--exit-when-done", "--summary",    "--workers",      "-i",
	NULL};

/* EAL's -c takes a mask of CPUs, in hexadecimal. */
static bool is_mask(const char *text)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	return text[0] != '\0' && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static bool is_own(const char *word, const char *next)
{
	if (strncmp(word, "-c", 2) == 0)
		return word[2] != '\0' ? !is_mask(word + 2) : next != NULL && !is_mask(next);
	for (size_t i = 0; own_options[i] != NULL; i++) {
		const size_t length = strlen(own_options[i]);

		if (strncmp(word, own_options[i], length) == 0 &&
		    (word[length] == '\0' || word[length] == '='))
			return true;
	}
	return false;
}

int options_check_eal(int argc, char **argv, struct fg_error *error)
{
	if (argc == 1)
		return fg_error_set(error, EINVAL,
				    "nothing to do: expected feedgate [EAL options] -- -c FILE; "
				    "--help lists the options");
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (is_own(argv[i], argv[i + 1]))
			return fg_error_set(error, EINVAL,
					    "'%s' is no EAL option: expected it after `--`, as in "
					    "feedgate [EAL options] -- -c FILE",
					    argv[i]);
	return 0;
}

static int check_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const size_t length = slash != NULL ? (size_t)(slash - path) : 0;

	if (strlen(path) >= PATH_MAX)
		return ENAMETOOLONG;
	if (slash == NULL)
		memcpy(folder, ".", 2);
	else
		snprintf(folder, sizeof(folder), "%.*s", length > 0 ? (int)length : 1, path);
	return access(folder, W_OK | X_OK) == 0 ? 0 : errno;
}

static int check_summary(const char *path)
{
	struct stat at;

	if (path[0] == '\0')
		return ENOENT;
	if (stat(path, &at) != 0)
		return errno == ENOENT ? check_folder(path) : errno;
	if (S_ISDIR(at.st_mode))
		return EISDIR;
	return access(path, W_OK) == 0 ? 0 : errno;
}

int options_check_files(const struct options *options, struct fg_error *error)
{
	const char *summary = options->summary_path, *commands = options->cmdline_path;

	if (summary != NULL && strcmp(summary, SUMMARY_STDOUT) != 0) {
		const int code = check_summary(summary);

		if (code != 0)
			return fg_error_set(error, code, "--summary %s: %s", summary,
					    strerror(code));
	}
	if (commands != NULL && access(commands, R_OK) != 0)
		return fg_error_set(error, errno, "--cmdline-file %s: cannot open: %s", commands,
				    strerror(errno));
	return 0;
}
