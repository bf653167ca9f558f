/* SPDX-License-Identifier: MIT */
#include "pcapng_path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DIGITS_MAX 9u /* of a number in a name; others are not ours */

static int expand(const char *pattern, char *text)
{
	const time_t now = time(NULL);
	struct tm utc;

	if (gmtime_r(&now, &utc) == NULL || strftime(text, PATH_MAX, pattern, &utc) == 0)
		return -ENAMETOOLONG;
	return 0;
}

/* The last component of a name. */
static const char *base_of(const char *text)
{
	const char *slash = strrchr(text, '/');

	return slash != NULL ? slash + 1 : text;
}

/* Bytes of a base name before its extension; one that only begins with a dot has none. */
static size_t stem_bytes(const char *base)
{
	const char *dot = strrchr(base, '.');

	return dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
}

/* a/b.pcapng and 2 make a/b.2.pcapng. */
static int add_number(const char *plain, uint64_t number, char *text)
{
	const char *base = base_of(plain);
	const size_t stem = (size_t)(base - plain) + stem_bytes(base);
	const int length = snprintf(text, PATH_MAX, "%.*s.%llu%s", (int)stem, plain,
				    (unsigned long long)number, plain + stem);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The folder of a name, for opendir(3) and access(2). */
static void folder_of(const char *text, char *folder)
{
	const size_t length = (size_t)(base_of(text) - text);

	if (length == 0)
		snprintf(folder, PATH_MAX, ".");
	else
		snprintf(folder, PATH_MAX, "%.*s", (int)length, text);
}

/* The number after that of an entry of the folder, if it is `base` with a number; 1: as `base`. */
static uint64_t number_after(const char *base, const char *entry)
{
	const size_t stem = stem_bytes(base);
	const char *digits = entry + stem + 1;
	size_t n;

	if (strcmp(entry, base) == 0)
		return 1;
	if (strncmp(entry, base, stem) != 0 || entry[stem] != '.')
		return 0;
	n = strspn(digits, "0123456789");
	if (n == 0 || n > DIGITS_MAX || strcmp(digits + n, base + stem) != 0)
		return 0;
	return strtoull(digits, NULL, 10) + 1;
}

/* Raise path->next above what the folder has. A folder that cannot be read has nothing. */
static void skip_existing(struct pcapng_path *path)
{
	const char *base = base_of(path->plain);
	const struct dirent *entry;
	char folder[PATH_MAX];
	DIR *dir;

	folder_of(path->plain, folder);
	dir = opendir(folder);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		const uint64_t number = number_after(base, entry->d_name);

		if (number > path->next)
			path->next = number;
	}
	closedir(dir);
}

bool pcapng_path_is_special(struct pcapng_path *path)
{
	struct stat at;

	return expand(path->pattern, path->text) == 0 && lstat(path->text, &at) == 0 &&
	       (S_ISFIFO(at.st_mode) || S_ISCHR(at.st_mode) || S_ISBLK(at.st_mode));
}

int pcapng_path_next(struct pcapng_path *path)
{
	const bool first = path->plain[0] == '\0';
	int rc;

	rc = expand(path->pattern, path->text);
	if (rc != 0)
		return rc;
	if (strcmp(path->text, path->plain) != 0) {
		memcpy(path->plain, path->text, sizeof(path->plain));
		path->next = 0;
		/* Later a new text rarely exists, and a large folder takes long to read. */
		if (first)
			skip_existing(path);
	}
	if (path->next > 0)
		rc = add_number(path->plain, path->next, path->text);
	path->next++;
	return rc;
}

void pcapng_path_taken(struct pcapng_path *path)
{
	if (path->next == 1)
		skip_existing(path);
}

void pcapng_path_return(struct pcapng_path *path)
{
	path->next--;
}

/* A new name in this folder needs these rights. */
static int check_folder(const char *sink_name, const char *text, struct fg_error *error)
{
	char folder[PATH_MAX];
	const char *shown = folder;

	folder_of(text, folder);
	if (access(folder, W_OK | X_OK) != 0) {
		const int code = errno;

		return fg_error_set(error, code, "sink %s: %s: cannot write files in %s: %s",
				    sink_name, text, shown, strerror(code));
	}
	return 0;
}

/* What a symbolic link leads to is never written. To a device or pipe, that is no accident. */
static int check_link(const char *sink_name, const char *text, struct fg_error *error)
{
	struct stat at;

	if (stat(text, &at) != 0 || S_ISREG(at.st_mode))
		return check_folder(sink_name, text, error); /* a next name is taken */
	return fg_error_set(error, ELOOP,
			    "sink %s: %s: expected a file, found a symbolic link (standard "
			    "output is \"-\")",
			    sink_name, text);
}

int pcapng_path_check(struct pcapng_path *path, const char *sink_name, struct fg_error *error)
{
	struct stat at;
	int rc;

	if (pcapng_path_is_stdout(path))
		return 0;
	rc = expand(path->pattern, path->text);
	if (rc != 0)
		return fg_error_set(error, -rc,
				    "sink %s: path: expected a file name of 1 to %d bytes",
				    sink_name, PATH_MAX - 1);
	if (lstat(path->text, &at) != 0 || S_ISREG(at.st_mode))
		return check_folder(sink_name, path->text, error);
	if (S_ISLNK(at.st_mode))
		return check_link(sink_name, path->text, error);
	if (S_ISDIR(at.st_mode))
		return fg_error_set(error, EISDIR, "sink %s: %s: expected a file, found a folder",
				    sink_name, path->text);
	if (access(path->text, W_OK) != 0) {
		const int code = errno;

		return fg_error_set(error, code, "sink %s: %s: %s", sink_name, path->text,
				    strerror(code));
	}
	return 0;
}
