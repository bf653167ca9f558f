/* SPDX-License-Identifier: MIT */
#include "pcapng_path.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A name in use; the tree is sorted by text. */
struct used_name {
	uint32_t next_suffix; /* to try when this name is needed again */
	char text[];
};

static int compare_names(const void *a, const void *b)
{
	const struct used_name *left = a, *right = b;

	return strcmp(left->text, right->text);
}

/* The name's entry; *fresh: it was added. NULL: out of memory. */
static struct used_name *add_name(struct pcapng_path *path, const char *text, bool *fresh)
{
	const size_t bytes = strlen(text) + 1;
	struct used_name *name = malloc(sizeof(*name) + bytes);
	struct used_name **found;

	if (name == NULL)
		return NULL;
	name->next_suffix = 1;
	memcpy(name->text, text, bytes);
	found = tsearch(name, &path->used, compare_names);
	*fresh = found != NULL && *found == name;
	if (!*fresh)
		free(name);
	return found != NULL ? *found : NULL;
}

static int expand(const char *pattern, char *text)
{
	const time_t now = time(NULL);
	struct tm utc;

	if (gmtime_r(&now, &utc) == NULL || strftime(text, PATH_MAX, pattern, &utc) == 0)
		return -ENAMETOOLONG;
	return 0;
}

/* a/b.pcapng and 2 make a/b.2.pcapng; a name that only begins with a dot has no extension. */
static int add_suffix(const char *plain, uint32_t number, char *text)
{
	const char *slash = strrchr(plain, '/');
	const char *base = slash != NULL ? slash + 1 : plain;
	const char *dot = strrchr(base, '.');
	const size_t stem = dot != NULL && dot != base ? (size_t)(dot - plain) : strlen(plain);
	const int length =
		snprintf(text, PATH_MAX, "%.*s.%u%s", (int)stem, plain, number, plain + stem);

	return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int pcapng_path_next(struct pcapng_path *path)
{
	struct used_name *plain;
	bool fresh = false;
	int rc;

	if (strcmp(path->pattern, PCAPNG_PATH_STDOUT) == 0) {
		strcpy(path->text, "standard output");
		return 0;
	}
	rc = expand(path->pattern, path->text);
	if (rc != 0)
		return rc;
	plain = add_name(path, path->text, &fresh);
	if (plain == NULL)
		return -ENOMEM;
	while (!fresh) {
		rc = add_suffix(plain->text, plain->next_suffix++, path->text);
		if (rc != 0)
			return rc;
		if (add_name(path, path->text, &fresh) == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int check_folder(const char *sink_name, const char *text, struct fg_error *error)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(text, '/');
	const size_t length = slash == NULL ? 0 : (size_t)(slash - text);

	if (slash == NULL)
		strcpy(folder, ".");
	else if (length == 0)
		strcpy(folder, "/");
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)length, text);
	if (access(folder, W_OK | X_OK) != 0) {
		const int code = errno;

		return fg_error_set(error, code, "sink %s: %s: cannot write files in %s: %s",
				    sink_name, text, folder, strerror(code));
	}
	return 0;
}

int pcapng_path_check(struct pcapng_path *path, const char *sink_name, struct fg_error *error)
{
	struct stat at;
	int rc;

	if (strcmp(path->pattern, PCAPNG_PATH_STDOUT) == 0)
		return 0;
	rc = expand(path->pattern, path->text);
	if (rc != 0)
		return fg_error_set(error, -rc,
				    "sink %s: path: expected a file name of 1 to %d bytes",
				    sink_name, PATH_MAX - 1);
	if (stat(path->text, &at) != 0)
		return check_folder(sink_name, path->text, error);
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

void pcapng_path_reset(struct pcapng_path *path)
{
	tdestroy(path->used, free);
	path->used = NULL;
}
