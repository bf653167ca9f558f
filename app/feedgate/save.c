/* SPDX-License-Identifier: MIT */
/* The rules are written to a temporary file, which then replaces the old one. */
#include "save.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"
#include "setup.h"

static int refuse(struct fg_error *error, const char *path)
{
	return fg_error_set(error, errno, "%s: %s", path, strerror(errno));
}

/* Is @path the running configuration, whose other sections would be lost? */
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

/* The file itself: a symbolic link is kept. */
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
		return fg_error_set(error, EINVAL, "%s: not a regular file", path);
	return 0;
}

/* The mode of the old file, or the one open(2) would give. */
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
				    "%s: is the running configuration, which has more than rules: "
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
