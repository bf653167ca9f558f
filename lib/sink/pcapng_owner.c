/* SPDX-License-Identifier: MIT */
#include "pcapng_owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX       (UINT32_MAX - 1u) /* -1 is no id */
#define PERMISSIONS  0777u
#define RECORD_BYTES 16384u /* of a user or group */
#define NAME_BYTES   256u

/* A number, all of @p text. */
static bool read_number(const char *text, int base, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, base);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out <= max;
}

static bool read_user(const char *text, uid_t *out)
{
	char record[RECORD_BYTES];
	struct passwd user, *found = NULL;
	unsigned long number;

	if (read_number(text, 10, ID_MAX, &number)) {
		*out = (uid_t)number;
		return true;
	}
	if (getpwnam_r(text, &user, record, sizeof(record), &found) != 0 || found == NULL)
		return false;
	*out = user.pw_uid;
	return true;
}

static bool read_group(const char *text, gid_t *out)
{
	char record[RECORD_BYTES];
	struct group group, *found = NULL;
	unsigned long number;

	if (read_number(text, 10, ID_MAX, &number)) {
		*out = (gid_t)number;
		return true;
	}
	if (getgrnam_r(text, &group, record, sizeof(record), &found) != 0 || found == NULL)
		return false;
	*out = group.gr_gid;
	return true;
}

static bool read_owner(struct pcapng_owner *out, const char *text)
{
	const char *colon = strchrnul(text, ':');
	const size_t length = (size_t)(colon - text);
	char user[NAME_BYTES];

	if (length >= sizeof(user))
		return false;
	memcpy(user, text, length);
	user[length] = '\0';
	if (length > 0 && !read_user(user, &out->uid))
		return false;
	return *colon == '\0' || read_group(colon + 1, &out->gid);
}

int pcapng_owner_read(struct pcapng_owner *out, const char *mode, const char *owner,
		      const char *sink_name, struct fg_error *error)
{
	unsigned long number = 0;

	*out = (struct pcapng_owner){.uid = (uid_t)-1, .gid = (gid_t)-1};
	if (mode[0] != '\0' && !read_number(mode, 8, PERMISSIONS, &number))
		return fg_error_set(error, EINVAL,
				    "sink %s: mode: '%s': expected an octal number up to 777",
				    sink_name, mode);
	out->has_mode = mode[0] != '\0';
	out->mode = (mode_t)number;
	if (!read_owner(out, owner))
		return fg_error_set(error, EINVAL,
				    "sink %s: owner: '%s': no such user or group; expected USER, "
				    "USER:GROUP or :GROUP",
				    sink_name, owner);
	return 0;
}
