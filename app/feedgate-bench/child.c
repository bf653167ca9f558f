/* SPDX-License-Identifier: MIT */
/* The child writes to a pseudo terminal, because output to a pipe would be buffered. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static atomic_bool interrupted;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&interrupted, true);
}

void child_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* If a child has ended, write() returns an error. */
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

bool child_interrupted(void)
{
	return atomic_load(&interrupted);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t deadline_ns(uint64_t duration_ms)
{
	return now_ns() + duration_ms * 1000000u;
}

/* Open a pseudo terminal in raw mode: @p near is ours. @return the child's end, or -errno. */
static int open_terminal(int *near)
{
	char path[64];
	struct termios raw;
	int far = -1, rc;

	*near = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*near >= 0 && grantpt(*near) == 0 && unlockpt(*near) == 0 &&
	    ptsname_r(*near, path, sizeof(path)) == 0)
		far = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (far >= 0 && tcgetattr(far, &raw) == 0) {
		cfmakeraw(&raw);
		if (tcsetattr(far, TCSANOW, &raw) == 0)
			return far;
	}
	rc = -errno;
	if (far >= 0)
		close(far);
	if (*near >= 0)
		close(*near);
	return rc;
}

static int spawn(pid_t *pid, char *const *argv, int in, int out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int rc;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return -rc;
}

int child_start(struct child *child, const char *name, char *const *argv, struct fg_error *error)
{
	int pipe_fd[2], far, rc;

	memset(child, 0, sizeof(*child));
	child->name = name;
	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return fg_error_set(error, errno, "%s: no pipe: %s", name, strerror(errno));
	far = open_terminal(&child->out);
	if (far < 0) {
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		return fg_error_set(error, -far, "%s: no terminal: %s", name, strerror(-far));
	}
	rc = spawn(&child->pid, argv, pipe_fd[0], far);
	close(pipe_fd[0]);
	close(far);
	child->in = pipe_fd[1];
	if (rc == 0)
		return 0;
	child->pid = 0;
	close(child->in);
	close(child->out);
	return fg_error_set(error, -rc, "%s: cannot run %s: %s", name, argv[0], strerror(-rc));
}

/* The last line that is not empty; @p text is changed. */
static const char *last_line(char *text)
{
	char *line = text;

	for (size_t end = strlen(text); end > 0 && strchr("\r\n ", text[end - 1]) != NULL; end--)
		text[end - 1] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			line = c + 1;
	return *line != '\0' ? line : "nothing";
}

static int fail(struct child *child, int code, const char *what, struct fg_error *error)
{
	char text[sizeof(child->text)];

	if (atomic_load(&interrupted))
		return fg_error_set(error, EINTR, "interrupted");
	memcpy(text, child->text, child->used);
	text[child->used] = '\0';
	return fg_error_set(error, code, "%s: %s; its last output: %s", child->name, what,
			    last_line(text));
}

/* Read more output. If there is no room, the older half is discarded. */
static void read_more(struct child *child)
{
	const size_t half = sizeof(child->text) / 2;
	ssize_t got;

	if (child->used == sizeof(child->text) - 1) {
		memmove(child->text, child->text + child->used - half, half);
		child->used = half;
	}
	got = read(child->out, child->text + child->used, sizeof(child->text) - 1 - child->used);
	if (got > 0)
		child->used += (size_t)got;
	else if (got == 0 || (errno != EINTR && errno != EAGAIN))
		child->ended = true; /* EIO: the child closed the terminal. */
	child->text[child->used] = '\0';
}

/* Wait for output. @return 0, -ETIMEDOUT, -EPIPE if the child ended, or -EINTR. */
static int wait_for_output(struct child *child, uint64_t until_ns)
{
	struct pollfd output = {.fd = child->out, .events = POLLIN};
	const uint64_t now = now_ns();
	struct timespec left = {0};
	int rc;

	if (atomic_load(&interrupted))
		return -EINTR;
	if (child->ended)
		return -EPIPE;
	if (now < until_ns) {
		left.tv_sec = (time_t)((until_ns - now) / 1000000000u);
		left.tv_nsec = (long)((until_ns - now) % 1000000000u);
	}
	rc = ppoll(&output, 1, &left, NULL);
	if (rc < 0)
		return atomic_load(&interrupted) ? -EINTR : 0;
	if (rc == 0)
		return -ETIMEDOUT;
	read_more(child);
	return child->ended ? -EPIPE : 0;
}

int child_send(struct child *child, const char *line, struct fg_error *error)
{
	const size_t length = strlen(line);
	char text[256];

	if (length + 1 > sizeof(text))
		return fg_error_set(error, EINVAL, "%s: command too long", child->name);
	memcpy(text, line, length);
	text[length] = '\n';
	if (write(child->in, text, length + 1) == (ssize_t)(length + 1))
		return 0;
	(void)wait_for_output(child, now_ns());
	return fail(child, EPIPE, "its console does not take commands", error);
}

/* Remove the output before @p end. */
static void discard(struct child *child, const char *end)
{
	const size_t gone = (size_t)(end - child->text);

	memmove(child->text, end, child->used - gone + 1);
	child->used -= gone;
}

/* Find the label, a number, and a character that ends it, and remove them. */
static bool find_number(struct child *child, const char *label, uint64_t *out)
{
	const char *at = strstr(child->text, label);
	char *end;

	if (at == NULL)
		return false;
	at += strlen(label);
	at += strspn(at, " ");
	if (*at < '0' || *at > '9')
		return false;
	*out = strtoull(at, &end, 10);
	if (*end == '\0')
		return false;
	discard(child, end);
	return true;
}

int child_read_number(struct child *child, const char *label, uint64_t timeout_ms, uint64_t *out,
		      struct fg_error *error)
{
	const uint64_t until_ns = deadline_ns(timeout_ms);

	while (!find_number(child, label, out)) {
		const int rc = wait_for_output(child, until_ns);

		if (rc == -EPIPE)
			return fail(child, EPIPE, "it ended early", error);
		if (rc != 0)
			return fail(child, -rc, "it does not answer", error);
	}
	return 0;
}

int child_wait(struct child *child, uint64_t duration_ms, struct fg_error *error)
{
	const uint64_t until_ns = deadline_ns(duration_ms);
	int rc;

	do
		rc = wait_for_output(child, until_ns);
	while (rc == 0);
	return rc == -ETIMEDOUT ? 0 : fail(child, -rc, "it ended early", error);
}

static void close_files(struct child *child)
{
	close(child->in);
	close(child->out);
	child->pid = 0;
}

/* It closed its output, so it is about to end. */
static int reap(struct child *child, struct fg_error *error)
{
	int status;

	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return fg_error_set(error, errno, "%s: %s", child->name, strerror(errno));
	close_files(child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return fail(child, EIO, WIFEXITED(status) ? "it failed" : "it was killed by a signal",
		    error);
}

int child_finish(struct child *child, const char *line, uint64_t timeout_ms, struct fg_error *error)
{
	const uint64_t until_ns = deadline_ns(timeout_ms);
	int rc = child_send(child, line, error);

	while (rc == 0)
		rc = wait_for_output(child, until_ns);
	if (rc == -EPIPE)
		return reap(child, error);
	rc = fail(child, -rc, "it does not end", error);
	child_kill(child);
	return rc;
}

void child_kill(struct child *child)
{
	if (child->pid == 0)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	close_files(child);
}
