/* SPDX-License-Identifier: MIT */
/*
 * In a child process the most memory that a build uses can be measured, and a build that crashes,
 * does not end or uses too much memory does no harm.
 */
#include "classify_probe.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_common.h>

#include "child.h"
#include "classify_memory.h"

#define BUILD_BYTES_MAX (UINT64_C(4) << 30)
#define BUILD_S_MAX     60u

/* Address space and resident memory of this process; 0 if they are not known. */
static void read_sizes(uint64_t *address_space, uint64_t *resident)
{
	FILE *file = fopen("/proc/self/statm", "re");
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (file == NULL || fscanf(file, "%" SCNu64 " %" SCNu64, address_space, resident) != 2)
		*address_space = *resident = 0;
	if (file != NULL)
		fclose(file);
	*address_space *= page;
	*resident *= page;
}

/* Reset the kernel's record of the most memory that this process used. */
static void reset_peak(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "we");

	if (file == NULL)
		return;
	fputs("5", file);
	fclose(file);
}

static void limit(uint64_t address_space)
{
	struct rlimit memory = {.rlim_cur = address_space + BUILD_BYTES_MAX,
				.rlim_max = address_space + BUILD_BYTES_MAX};
	const struct rlimit no_core = {0};

	setrlimit(RLIMIT_AS, &memory);
	setrlimit(RLIMIT_CORE, &no_core);
	alarm(BUILD_S_MAX);
}

/* In the child. */
static void build(struct subject *subject, const struct work *work, struct probe *probe)
{
	struct fg_error error = {0};
	struct memory memory;
	struct rusage usage;
	uint64_t address_space, resident, used;

	probe->rc = memory_open(&memory, &error);
	if (probe->rc == 0) {
		reset_peak();
		read_sizes(&address_space, &resident);
		used = memory_used(&memory);
		limit(address_space);
		probe->rc = subject->kind->build(subject, work, memory.socket_id, &error);
		getrusage(RUSAGE_SELF, &usage);
		probe->peak_bytes =
			RTE_MAX((uint64_t)usage.ru_maxrss * 1024, resident + 1) - resident;
		probe->heap_bytes = memory_used(&memory) - used;
	}
	snprintf(probe->reason, sizeof(probe->reason), "%.*s", (int)sizeof(probe->reason) - 1,
		 error.text);
}

static void __attribute__((noreturn))
run_child(const struct subject *subject, const struct work *work, pid_t parent, int out)
{
	struct subject copy = *subject;
	struct probe probe = {0};

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent) {
		build(&copy, work, &probe);
		if (write(out, &probe, sizeof(probe)) != (ssize_t)sizeof(probe))
			_exit(1);
	}
	_exit(0);
}

/* Read the result. false: the child ended without one. */
static bool read_result(int in, struct probe *probe)
{
	ssize_t got;

	do
		got = read(in, probe, sizeof(*probe));
	while (got < 0 && errno == EINTR && !child_interrupted());
	return got == (ssize_t)sizeof(*probe);
}

static void describe_end(int status, struct probe *probe)
{
	*probe = (struct probe){.rc = -EPROTO};
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(probe->reason, sizeof(probe->reason), "no end after %u s", BUILD_S_MAX);
	else if (WIFSIGNALED(status))
		snprintf(probe->reason, sizeof(probe->reason), "it crashed: %s",
			 strsignal(WTERMSIG(status)));
	else
		snprintf(probe->reason, sizeof(probe->reason), "it ended with status %d",
			 WEXITSTATUS(status));
}

int classify_probe(const struct subject *subject, const struct work *work, struct probe *probe,
		   struct fg_error *error)
{
	const pid_t parent = getpid();
	int ends[2], status = 0;
	bool has_result;
	pid_t pid;

	if (pipe(ends) != 0)
		return fg_error_set(error, errno, "no pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run_child(subject, work, parent, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return fg_error_set(error, errno, "no child process: %s", strerror(errno));
	}
	has_result = read_result(ends[0], probe);
	close(ends[0]);
	if (child_interrupted())
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	if (!has_result)
		describe_end(status, probe);
	return 0;
}
