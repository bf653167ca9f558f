/* SPDX-License-Identifier: MIT */
#include "pcapng_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ATTEMPTS_MAX 100000u /* names that others take meanwhile */
#define FILE_MODE    0640
#define POLL_MS      100 /* between looks at `abandoned` */

/* 0 or -errno. */
static int set_owner(const struct pcapng_output *out)
{
	const struct pcapng_owner *owner = &out->owner;

	if ((owner->uid != (uid_t)-1 || owner->gid != (gid_t)-1) &&
	    fchown(out->fd, owner->uid, owner->gid) != 0)
		return -errno;
	return owner->has_mode && fchmod(out->fd, owner->mode) != 0 ? -errno : 0;
}

/* A file under a name that nothing had. */
static int create_file(struct pcapng_output *out)
{
	for (unsigned int i = 0; i < ATTEMPTS_MAX; i++) {
		const int rc = pcapng_path_next(&out->path);

		if (rc != 0)
			return rc;
		out->fd = open(out->path.text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       out->owner.has_mode ? FILE_MODE & out->owner.mode : FILE_MODE);
		if (out->fd >= 0) {
			out->created = true;
			return set_owner(out);
		}
		if (errno != EEXIST) {
			const int code = errno;

			pcapng_path_return(&out->path);
			return -code;
		}
		pcapng_path_taken(&out->path);
	}
	return -EEXIST;
}

/* Without O_CREAT: if somebody replaces it by a file in this moment, that must not change. */
static int open_special(struct pcapng_output *out, bool wait)
{
	struct stat at;

	out->fd = open(out->path.text, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (wait ? 0 : O_NONBLOCK));
	if (out->fd < 0 || fstat(out->fd, &at) != 0)
		return -errno;
	return S_ISREG(at.st_mode) ? -EEXIST : 0;
}

int pcapng_output_open(struct pcapng_output *out, bool wait)
{
	struct stat at;
	int rc = 0;

	out->created = false;
	if (pcapng_path_is_stdout(&out->path)) {
		snprintf(out->path.text, sizeof(out->path.text), "standard output");
		out->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
		rc = out->fd < 0 ? -errno : 0;
	} else if (pcapng_path_is_special(&out->path)) {
		rc = open_special(out, wait);
	} else {
		rc = create_file(out);
	}
	if (rc == 0 && fstat(out->fd, &at) != 0)
		rc = -errno;
	if (rc != 0) {
		pcapng_output_discard(out);
		return rc;
	}
	out->regular = S_ISREG(at.st_mode);
	out->start = out->regular ? at.st_size : 0;
	return 0;
}

int pcapng_output_write(struct pcapng_output *out, const uint8_t *data, size_t bytes, size_t *done)
{
	*done = 0;
	while (*done < bytes) {
		ssize_t n;

		if (atomic_load_explicit(&out->abandoned, memory_order_relaxed))
			return -ETIMEDOUT;
		n = write(out->fd, data + *done, bytes - *done);
		if (n > 0)
			*done += (size_t)n;
		else if (n == 0)
			return -EIO;
		else if (errno == EAGAIN) /* a pipe may be non-blocking */
			poll(&(struct pollfd){.fd = out->fd, .events = POLLOUT}, 1, POLL_MS);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int pcapng_output_cut(struct pcapng_output *out, uint64_t bytes)
{
	const off_t end = out->start + (off_t)bytes;

	if (!out->regular)
		return 0;
	return ftruncate(out->fd, end) != 0 || lseek(out->fd, end, SEEK_SET) != end ? -errno : 0;
}

bool pcapng_output_deleted(const struct pcapng_output *out)
{
	struct stat at;

	return out->created && fstat(out->fd, &at) == 0 && at.st_nlink == 0;
}

int pcapng_output_close(struct pcapng_output *out)
{
	const int rc = out->fd >= 0 ? close(out->fd) : 0;

	out->fd = -1;
	return rc != 0 && errno != EINTR ? -errno : 0;
}

/* Whether the name is that of the open file, not of another that has replaced it. */
static bool has_name(const struct pcapng_output *out)
{
	struct stat named, opened;

	return lstat(out->path.text, &named) == 0 && fstat(out->fd, &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

void pcapng_output_discard(struct pcapng_output *out)
{
	if (out->created && has_name(out)) {
		(void)unlink(out->path.text);
		pcapng_path_return(&out->path);
	}
	out->created = false;
	(void)pcapng_output_close(out);
}
