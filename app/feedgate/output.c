/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fg_deadline.h>

#define WAITING_BYTES_MAX (64u << 20) /* a table of 100,000 rules has 16 MB */
#define CHUNK_BYTES       4096u       /* A pipe that poll(2) reports as writable takes these. */
#define STALL_MS          3000
#define MOMENT_MS         50

/* A stream; the streams' own locks do not cover output_poll(). */
struct output {
	int fd;
	bool blocks; /* not opened anew as non-blocking: it may block */
	pthread_mutex_t lock;
	char *pending; /* [room] */
	size_t begin, end, room;
	uint64_t dropped; /* bytes, not yet reported */
	int code;         /* errno of the last write that failed */
};

static struct output outputs[2] = {
	{.fd = STDOUT_FILENO, .lock = PTHREAD_MUTEX_INITIALIZER},
	{.fd = STDERR_FILENO, .lock = PTHREAD_MUTEX_INITIALIZER},
};

bool output_fill_closed(void)
{
	bool closed = false;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		closed = closed || fd == STDOUT_FILENO;
		/* The lowest number that is free: this one. */
		(void)open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
	}
	return closed;
}

static bool is_writable(const struct output *o)
{
	struct pollfd wait = {.fd = o->fd, .events = POLLOUT};

	return poll(&wait, 1, 0) > 0;
}

/* Write what the reader takes now. @return bytes; -1: error, o->code is set. */
static ssize_t write_now(struct output *o, const char *text, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		const size_t left = bytes - done;
		ssize_t n;

		if (o->blocks && !is_writable(o))
			break;
		n = write(o->fd, text + done, o->blocks && left > CHUNK_BYTES ? CHUNK_BYTES : left);
		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			o->code = n == 0 ? EIO : errno;
			return -1;
		}
	}
	return (ssize_t)done;
}

/* Keep what cannot be written now. @return false: there is no room. */
static bool keep(struct output *o, const char *text, size_t bytes)
{
	const size_t held = o->end - o->begin;
	size_t room = o->room > 0 ? o->room : CHUNK_BYTES;
	char *more;

	if (held + bytes > WAITING_BYTES_MAX)
		return false;
	if (o->begin > 0)
		memmove(o->pending, o->pending + o->begin, held);
	o->begin = 0;
	o->end = held;
	while (room < held + bytes)
		room *= 2;
	if (room > o->room) {
		more = realloc(o->pending, room);
		if (more == NULL)
			return false;
		o->pending = more;
		o->room = room;
	}
	memcpy(o->pending + held, text, bytes);
	o->end += bytes;
	return true;
}

/* Write what waits. An error ends the waiting: nobody will ever read that. */
static void drain(struct output *o)
{
	char note[64];
	ssize_t n;

	if (o->begin < o->end) {
		n = write_now(o, o->pending + o->begin, o->end - o->begin);
		o->begin = n < 0 ? o->end : o->begin + (size_t)n;
	}
	if (o->begin < o->end)
		return;
	o->begin = o->end = 0;
	if (o->dropped > 0 && (!o->blocks || is_writable(o))) {
		const int length =
			snprintf(note, sizeof(note), "\n[%lu bytes of output were lost]\n",
				 (unsigned long)o->dropped);

		o->dropped = 0;
		(void)keep(o, note, (size_t)length);
	}
}

static ssize_t put(void *cookie, const char *text, size_t bytes)
{
	struct output *o = cookie;
	ssize_t n = 0;

	pthread_mutex_lock(&o->lock);
	drain(o);
	if (o->begin == o->end && o->dropped == 0)
		n = write_now(o, text, bytes);
	if (n >= 0 && (size_t)n < bytes &&
	    (o->dropped > 0 || !keep(o, text + n, bytes - (size_t)n)))
		o->dropped += bytes - (size_t)n;
	pthread_mutex_unlock(&o->lock);
	if (n >= 0)
		return (ssize_t)bytes;
	errno = o->code;
	return 0; /* what an error is for fopencookie(3) */
}

/* A pipe or a terminal is opened anew: as non-blocking for this process only. */
static int open_anew(int fd)
{
	char path[32];
	struct stat at;

	if (fstat(fd, &at) != 0 || (!S_ISFIFO(at.st_mode) && !S_ISCHR(at.st_mode)))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static FILE *open_stream(struct output *o, int mode)
{
	const cookie_io_functions_t functions = {.write = put};
	FILE *stream = fopencookie(o, "w", functions);
	const int fd = open_anew(o->fd);

	if (stream == NULL) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	o->blocks = fd < 0;
	if (fd >= 0)
		o->fd = fd;
	(void)setvbuf(stream, NULL, mode, BUFSIZ);
	return stream;
}

static void finish_at_exit(void)
{
	(void)output_finish();
}

void output_open(void)
{
	FILE *out, *err;

	(void)fflush(stdout);
	out = open_stream(&outputs[0], isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF);
	if (out != NULL)
		stdout = out;
	/* Line by line: unbuffered, a message would come in pieces. */
	err = open_stream(&outputs[1], _IOLBF);
	if (err != NULL)
		stderr = err;
	(void)atexit(finish_at_exit);
}

static bool waits(struct output *o)
{
	bool waiting;

	pthread_mutex_lock(&o->lock);
	drain(o);
	waiting = o->begin < o->end;
	pthread_mutex_unlock(&o->lock);
	return waiting;
}

bool output_poll(int timeout_ms, bool input)
{
	const bool out = waits(&outputs[0]), err = waits(&outputs[1]);
	struct pollfd wait[] = {
		{.fd = input ? STDIN_FILENO : -1, .events = POLLIN},
		{.fd = out ? outputs[0].fd : -1, .events = POLLOUT},
		{.fd = err ? outputs[1].fd : -1, .events = POLLOUT},
	};

	if (!out && !err)
		return false;
	(void)poll(wait, 3, timeout_ms);
	return true;
}

static size_t count_waiting(void)
{
	return outputs[0].end - outputs[0].begin + outputs[1].end - outputs[1].begin;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int output_finish(void)
{
	const bool failed = fflush(stdout) != 0;
	uint64_t begun_ms = now_ms();
	size_t before = SIZE_MAX;

	(void)fflush(stderr);
	while (output_poll(MOMENT_MS, false) && !fg_deadline_passed()) {
		if (count_waiting() < before)
			begun_ms = now_ms();
		else if (now_ms() - begun_ms >= STALL_MS)
			break;
		before = count_waiting();
	}
	if (failed || outputs[0].code != 0)
		return outputs[0].code != 0 ? -outputs[0].code : -EIO;
	return count_waiting() > 0 ? -ETIMEDOUT : 0;
}
