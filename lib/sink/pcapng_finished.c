/* SPDX-License-Identifier: MIT */
#include "pcapng_finished.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fg_log.h>

#define WAITING_MAX   1024u /* files whose command has not begun */
#define COMMAND_MAX_S 300   /* a command that takes longer is killed */
#define WAIT_MAX_S    2

extern char **environ;

enum stage { WAITING, RUNNING, DONE };

struct pcapng_old {
	struct pcapng_old *next;
	uint64_t bytes;
	dev_t device;
	ino_t inode;
	enum stage stage;
	pid_t pid;     /* of its command, while that runs */
	time_t kill_s; /* when to kill it; monotonic clock */
	char path[];
};

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int pcapng_finished_check(const struct pcapng_finished *finished, struct fg_error *error)
{
	struct stat at;

	if (finished->command[0] == '\0')
		return 0;
	if (stat(finished->command, &at) != 0 || access(finished->command, X_OK) != 0) {
		const int code = errno;

		return fg_error_set(error, code, "sink %s: command: %s: %s", finished->sink_name,
				    finished->command, strerror(code));
	}
	if (!S_ISREG(at.st_mode))
		return fg_error_set(error, EACCES, "sink %s: command: %s: expected a program",
				    finished->sink_name, finished->command);
	return 0;
}

void pcapng_finished_add(struct pcapng_finished *finished, const char *path,
			 const struct stat *file)
{
	const bool keeps = finished->keep_files != 0 || finished->keep_bytes != 0;
	bool runs = finished->command[0] != '\0';
	struct pcapng_old *old;

	if (runs && finished->n_waiting == WAITING_MAX) {
		if (finished->skipped++ == 0)
			fg_log(WARNING, "sink %s: command: %u files wait for it: not run for %s",
			       finished->sink_name, WAITING_MAX, path);
		runs = false;
	}
	if (!keeps && !runs)
		return;
	old = malloc(sizeof(*old) + strlen(path) + 1);
	if (old == NULL) {
		fg_log(WARNING, "sink %s: %s: out of memory: neither command nor keep",
		       finished->sink_name, path);
		return;
	}
	*old = (struct pcapng_old){.bytes = (uint64_t)file->st_size,
				   .device = file->st_dev,
				   .inode = file->st_ino,
				   .stage = runs ? WAITING : DONE};
	memcpy(old->path, path, strlen(path) + 1);
	if (finished->last != NULL)
		finished->last->next = old;
	else
		finished->first = old;
	finished->last = old;
	finished->n_files++;
	finished->bytes += old->bytes;
	finished->n_waiting += runs;
}

/*
 * The child has a process group of its own, no signal blocked or ignored, and none of our files:
 * nothing as input, and our standard error as output, since standard output may carry packets.
 */
static int run(char *command, char *path, pid_t *pid)
{
	char *const arguments[] = {command, path, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int code;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	code = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	if (code == 0)
		code = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETPGROUP);
	if (code == 0)
		code = posix_spawn(pid, command, &files, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return code;
}

static void begin(struct pcapng_finished *finished, struct pcapng_old *old)
{
	const int code = run(finished->command, old->path, &old->pid);

	finished->n_waiting--;
	if (code != 0) {
		fg_log(WARNING, "sink %s: command: %s %s: %s", finished->sink_name,
		       finished->command, old->path, strerror(code));
		old->stage = DONE;
		return;
	}
	old->stage = RUNNING;
	old->kill_s = now_s() + COMMAND_MAX_S;
	finished->n_running++;
}

static void look_after(struct pcapng_finished *finished, struct pcapng_old *old)
{
	int status = 0;

	if (waitpid(old->pid, &status, WNOHANG) == 0) {
		if (now_s() < old->kill_s)
			return;
		fg_log(WARNING, "sink %s: command: %s %s: killed after %d s", finished->sink_name,
		       finished->command, old->path, COMMAND_MAX_S);
		(void)kill(-old->pid, SIGKILL);
		old->kill_s = now_s() + COMMAND_MAX_S;
		return;
	}
	if (WIFSIGNALED(status))
		fg_log(WARNING, "sink %s: command: %s %s: ended by signal %d", finished->sink_name,
		       finished->command, old->path, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		fg_log(WARNING, "sink %s: command: %s %s: exit status %d", finished->sink_name,
		       finished->command, old->path, WEXITSTATUS(status));
	old->stage = DONE;
	finished->n_running--;
}

static void remove_first(struct pcapng_finished *finished)
{
	struct pcapng_old *old = finished->first;

	finished->first = old->next;
	if (finished->first == NULL)
		finished->last = NULL;
	finished->n_files--;
	finished->bytes -= old->bytes;
	free(old);
}

static bool is_over(const struct pcapng_finished *finished, uint32_t n_writing, uint64_t bytes)
{
	return (finished->keep_files != 0 &&
		finished->n_files + n_writing > finished->keep_files) ||
	       (finished->keep_bytes != 0 && finished->bytes + bytes > finished->keep_bytes);
}

/* A command may have renamed the file, and another have got the name: that stays. */
static void delete_file(const struct pcapng_finished *finished, const struct pcapng_old *old)
{
	struct stat at;

	if (lstat(old->path, &at) != 0 || at.st_dev != old->device || at.st_ino != old->inode)
		return;
	if (unlink(old->path) != 0)
		fg_log(WARNING, "sink %s: keep: %s: %s", finished->sink_name, old->path,
		       strerror(errno));
}

void pcapng_finished_tick(struct pcapng_finished *finished, uint32_t n_writing, uint64_t bytes)
{
	const bool keeps = finished->keep_files != 0 || finished->keep_bytes != 0;

	if (finished->n_running + finished->n_waiting > 0) {
		for (struct pcapng_old *old = finished->first; old != NULL; old = old->next)
			if (old->stage == RUNNING)
				look_after(finished, old);
			else if (old->stage == WAITING && finished->n_running < PCAPNG_COMMANDS_MAX)
				begin(finished, old);
	}
	/* In order: a file waits for its command, and the newer ones wait for it. */
	while (finished->first != NULL && finished->first->stage == DONE) {
		if (keeps && !is_over(finished, n_writing, bytes))
			break;
		if (keeps)
			delete_file(finished, finished->first);
		remove_first(finished);
	}
}

void pcapng_finished_wait(struct pcapng_finished *finished)
{
	static const struct timespec moment = {.tv_nsec = 10000000};
	const time_t end_s = now_s() + WAIT_MAX_S;

	pcapng_finished_tick(finished, 0, 0);
	while (finished->n_running + finished->n_waiting > 0 && now_s() < end_s) {
		nanosleep(&moment, NULL);
		pcapng_finished_tick(finished, 0, 0);
	}
	if (finished->n_waiting > 0)
		fg_log(WARNING, "sink %s: command: not run for %u files", finished->sink_name,
		       finished->n_waiting);
	if (finished->skipped > 0)
		fg_log(WARNING,
		       "sink %s: command: not run for %" PRIu64 " files while too many waited",
		       finished->sink_name, finished->skipped);
	finished->skipped = 0;
}

void pcapng_finished_free(struct pcapng_finished *finished)
{
	while (finished->first != NULL)
		remove_first(finished);
	finished->n_waiting = 0;
	finished->n_running = 0;
}
