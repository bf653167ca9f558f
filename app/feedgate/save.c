/* SPDX-License-Identifier: MIT */
/* The rules in force to a file: beside it first, then in its place. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

static int refuse(struct fg_error *error, const char *path)
{
	return fg_error_set(error, errno, "%s: %s", path, strerror(errno));
}

/* The file in force, if it has more than rules, would lose that. */
static bool is_config(const struct app *app, const char *path)
{
	struct stat a, b;
	bool more = false;

	for (size_t i = 0; i < PARTS; i++)
		more = more || app->parts[i] != NULL;
	return more && app->options.config_path != NULL &&
	       stat(app->options.config_path, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Where the file really is: a link stays a link. */
static int resolve(const char *path, char *target, struct fg_error *error)
{
	struct stat status;

	if (realpath(path, target) == NULL) {
		if (errno != ENOENT || strlen(path) >= PATH_MAX)
			return refuse(error, path);
		snprintf(target, PATH_MAX, "%s", path);
		return 0;
	}
	if (stat(target, &status) == 0 && !S_ISREG(status.st_mode))
		return fg_error_set(error, EINVAL, "%s: no regular file", path);
	return 0;
}

/* As open(2) would give it, or as it was. */
static mode_t mode_of(const char *target)
{
	const mode_t mask = umask(0);
	struct stat status;

	umask(mask);
	return stat(target, &status) == 0 ? status.st_mode & 07777 : 0666 & ~mask;
}

static int write_all(const struct app *app, int fd, const char *target)
{
	FILE *out = fdopen(fd, "w");
	int code = 0;

	if (out == NULL) {
		code = errno;
		close(fd);
		return code;
	}
	rulebook_print(&app->book, out);
	if (fflush(out) != 0 || ferror(out) || fchmod(fd, mode_of(target)) != 0 || fsync(fd) != 0)
		code = errno;
	if (fclose(out) != 0 && code == 0)
		code = errno;
	return code;
}

int save_rules(const struct app *app, const char *path, struct fg_error *error)
{
	char target[PATH_MAX], beside[PATH_MAX + 8];
	int fd, code;

	if (is_config(app, path))
		return fg_error_set(error, EINVAL,
				    "%s: is the configuration in force, which has more than rules: "
				    "name another file",
				    path);
	if (resolve(path, target, error) != 0)
		return -EINVAL;
	snprintf(beside, sizeof(beside), "%s.XXXXXX", target);
	fd = mkstemp(beside);
	if (fd < 0)
		return refuse(error, path);
	code = write_all(app, fd, target);
	if (code == 0 && rename(beside, target) != 0)
		code = errno;
	if (code == 0)
		return 0;
	(void)unlink(beside);
	errno = code;
	return refuse(error, path);
}
