/* SPDX-License-Identifier: MIT */
/*
 * The process that measures one backend, and how the program waits for it. If it crashes or hangs,
 * its namespaces, its sender and its DPDK end with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include <fg_eal.h>
#include <fg_source.h>

#include "capture.h"
#include "child.h"
#include "progress.h"

#define HUGE_FREE  "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
#define HUGE_PAGES 512                  /* Needed; else small pages are used. */
#define LATE_NS    UINT64_C(2000000000) /* After so long without a packet no more is expected. */

static void report(const struct measurer *m, const struct sample *sample)
{
	/* A pipe takes so few bytes in one piece. If nobody reads, the program has ended. */
	if (write(m->report, sample, sizeof(*sample)) != (ssize_t)sizeof(*sample))
		_exit(1);
}

void measurer_value(const struct measurer *m, const struct capture_case *with,
		    enum capture_metric metric, double value)
{
	const struct sample sample = {.kind = SAMPLE_VALUE,
				      .case_index = (uint32_t)(with - capture_cases),
				      .metric = metric,
				      .value = value};

	report(m, &sample);
}

static void report_end(const struct measurer *m, enum sample_kind kind, const char *text)
{
	struct sample sample = {.kind = kind};

	snprintf(sample.text, sizeof(sample.text), "%s%s%s",
		 m->case_name != NULL ? m->case_name : "", m->case_name != NULL ? ": " : "", text);
	report(m, &sample);
}

static bool huge_pages_free(void)
{
	FILE *file = fopen(HUGE_FREE, "re");
	int pages = 0;

	if (file == NULL)
		return false;
	if (fscanf(file, "%d", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages >= HUGE_PAGES;
}

static int start_eal(struct fg_error *error)
{
	char *argv[] = {"feedgate-bench",
			"-m",
			"512",
			huge_pages_free() ? "--in-memory" : "--no-huge",
			"--no-pci",
			"--no-telemetry",
			"--no-shconf",
			"--log-level=*:error",
			NULL};

	return fg_eal_start(sizeof(argv) / sizeof(argv[0]) - 1, argv, "", error);
}

int measurer_open(struct measurer *m, struct reader *reader, const struct capture_case *with,
		  uint64_t ring_packets, struct fg_error *error)
{
	int rc = net_make_pair(m->sender.pid, error);

	*reader = (struct reader){.backend = m->backend,
				  .with = with,
				  .ring_packets = ring_packets,
				  .filter = &m->filter};
	if (rc == 0)
		rc = net_set_up(INTERFACE_RECEIVE, error);
	if (rc == 0)
		rc = sender_attach(&m->sender, error);
	if (rc == 0)
		rc = m->backend->reader->open(reader, error);
	return rc;
}

int measurer_close(struct measurer *m, struct reader *reader, struct fg_error *error)
{
	const int rc = m->backend->reader->close(reader, error);

	return rc == 0 ? net_remove_pair(error) : rc;
}

/* Packets lost, as counted by the backend and by the interface. */
struct losses {
	uint64_t lost, dropped;
};

static int read_losses(struct measurer *m, struct reader *reader, struct losses *losses,
		       struct fg_error *error)
{
	const int rc = m->backend->reader->lost(reader, &losses->lost, error);

	return rc == 0 ? net_read_dropped(INTERFACE_RECEIVE, &losses->dropped, error) : rc;
}

static bool balanced(const struct reader *reader, const struct expected *expected,
		     const struct losses *losses)
{
	const uint64_t known = reader->packets + losses->lost;

	/* A driver may count packets that the interface's counter contains, too. */
	return known == expected->sent || known + losses->dropped == expected->sent ||
	       (reader->backend->silent && reader->packets <= expected->sent);
}

/* Wait for packets that the kernel has not handed over yet. */
static int settle(struct measurer *m, struct reader *reader, const struct expected *expected,
		  struct losses *losses, struct fg_error *error)
{
	uint64_t until_ns = now_ns() + LATE_NS;
	int rc = read_losses(m, reader, losses, error);

	while (rc == 0 && !balanced(reader, expected, losses) && now_ns() < until_ns) {
		if (reader->backend->reader->poll[READING_FILTERED](reader) == 0)
			usleep(1000);
		else
			until_ns = now_ns() + LATE_NS;
		rc = read_losses(m, reader, losses, error);
	}
	return rc;
}

int measurer_check(struct measurer *m, struct reader *reader, const struct expected *expected,
		   struct fg_error *error)
{
	struct losses losses = {0};
	const int rc = settle(m, reader, expected, &losses, error);

	if (rc != 0)
		return rc;
	if (!balanced(reader, expected, &losses))
		return fg_error_set(error, EBADMSG,
				    "accounting unbalanced: %" PRIu64 " packets sent, %" PRIu64
				    " received, %" PRIu64 " counted as lost, %" PRIu64
				    " dropped by the interface",
				    expected->sent, reader->packets, losses.lost, losses.dropped);
	if (reader->packets == expected->sent && expected->matching != UINT64_MAX &&
	    reader->with->filter && reader->matched != expected->matching)
		return fg_error_set(error, EBADMSG,
				    "rules matched %" PRIu64 " packets, not %" PRIu64,
				    reader->matched, expected->matching);
	return 0;
}

/* Is the backend built in, and does the kernel have it? */
static int probe(const struct backend *backend, struct fg_error *error)
{
	const struct fg_source_ops *ops;

	if (backend->kind == NULL)
		return 0;
	ops = fg_source_kind(backend->kind);
	if (ops == NULL)
		return fg_error_set(error, ENOTSUP, "no source of kind %s is built in",
				    backend->kind);
	return fg_source_probe(ops, error);
}

/* Open it once, for the first case's frames. */
static int try_backend(struct measurer *m, struct fg_error *error)
{
	struct reader reader;
	int rc = measurer_open(m, &reader, &capture_cases[0], m->conf->packets, error);

	return rc == 0 ? measurer_close(m, &reader, error) : rc;
}

static int set_up(struct measurer *m, struct fg_error *error)
{
	/* Kernels before 5.11 count BPF programs and maps, and so AF_XDP's memory, as locked. */
	const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
	int processor, other;
	int rc = net_enter_own(error);

	(void)setrlimit(RLIMIT_MEMLOCK, &no_limit);
	if (rc == 0)
		rc = sender_start(&m->sender, error);
	net_processors(&other, &processor);
	if (rc == 0)
		rc = net_pin(processor, error);
	if (rc == 0)
		rc = start_eal(error);
	return rc == 0 ? filter_open(&m->filter, error) : rc;
}

static int measure(struct measurer *m, const struct measurer_plan *plan, struct fg_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < CAPTURE_CASES_MAX; i++) {
		m->case_name = capture_cases[i].name;
		if ((plan->drain >> i & 1) != 0)
			rc = drain_measure(m, &capture_cases[i], error);
		if (rc == 0 && (plan->live >> i & 1) != 0)
			rc = live_measure(m, &capture_cases[i], error);
	}
	return rc;
}

static _Noreturn void measurer_main(struct measurer *m, const struct measurer_plan *plan)
{
	struct fg_error error = {0};
	enum sample_kind failure = SAMPLE_FAILED;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(m->log, STDERR_FILENO);
	dup2(m->log, STDOUT_FILENO);
	rc = set_up(m, &error);
	if (rc == 0) {
		failure = SAMPLE_UNAVAILABLE;
		rc = probe(m->backend, &error);
	}
	if (rc == 0 && plan->try_first)
		rc = try_backend(m, &error);
	if (rc == 0) {
		failure = SAMPLE_FAILED;
		rc = measure(m, plan, &error);
	}
	report_end(m, rc == 0 ? SAMPLE_DONE : failure, error.text);
	filter_close(&m->filter);
	_exit(0);
}

/* Long enough for builds with sanitizers. */
static uint64_t limit_ms(const struct measurer_plan *plan)
{
	const struct capture_conf *conf = plan->conf;
	const uint64_t drains = (uint64_t)__builtin_popcount(plan->drain);
	const uint64_t lives = (uint64_t)__builtin_popcount(plan->live);

	return 60000 + drains * (10000 + conf->packets / 10) + lives * 40 * (conf->run_ms + 1000);
}

/* Read a sample. @return 1, 0 at the end, or -errno with @p error set. */
static int next_sample(int fd, uint64_t until_ns, struct sample *sample, struct fg_error *error)
{
	struct pollfd pipe = {.fd = fd, .events = POLLIN};
	ssize_t got;
	int rc;

	do {
		const uint64_t now = now_ns();

		if (child_interrupted())
			return fg_error_set(error, EINTR, "interrupted");
		if (now >= until_ns)
			return fg_error_set(error, ETIMEDOUT, "it took too long");
		progress_update();
		rc = poll(&pipe, 1, 100);
	} while (rc == 0 || (rc < 0 && errno == EINTR));
	got = read(fd, sample, sizeof(*sample));
	if (got != 0 && got != (ssize_t)sizeof(*sample))
		return fg_error_set(error, EIO, "the measurer sent half a sample");
	return got != 0;
}

static int follow(pid_t pid, int fd, uint64_t until_ns, sample_taker take, void *arg,
		  struct fg_error *error)
{
	struct sample sample;
	bool ended = false;
	int rc, status = 0;

	while ((rc = next_sample(fd, until_ns, &sample, error)) > 0) {
		take(arg, &sample);
		ended |= sample.kind == SAMPLE_DONE || sample.kind == SAMPLE_FAILED ||
			 sample.kind == SAMPLE_UNAVAILABLE;
	}
	if (rc < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (rc < 0 || ended)
		return rc;
	if (WIFSIGNALED(status))
		return fg_error_set(error, EIO, "the measurer was killed by signal %d (%s)",
				    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return fg_error_set(error, EIO, "it ended with status %d", WEXITSTATUS(status));
}

/* Print what libraries printed in the measurer: of use only if it failed. */
static void print_log(int log)
{
	char text[4096];
	ssize_t got;

	progress_clear();
	lseek(log, 0, SEEK_SET);
	while ((got = read(log, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)got, stderr);
}

/* Passes samples on, and remembers whether the measurer finished. */
struct listener {
	sample_taker take;
	void *arg;
	bool done;
};

static void listen_and_pass(void *arg, const struct sample *sample)
{
	struct listener *listener = arg;

	listener->done |= sample->kind == SAMPLE_DONE;
	listener->take(listener->arg, sample);
}

int measurer_run(const struct measurer_plan *plan, sample_taker take, void *arg,
		 struct fg_error *error)
{
	struct listener listener = {take, arg, false};
	struct measurer m = {.conf = plan->conf, .backend = plan->backend};
	const uint64_t until_ns = now_ns() + limit_ms(plan) * 1000000u;
	int ends[2], rc;
	pid_t pid;

	m.log = memfd_create("log", MFD_CLOEXEC);
	if (m.log < 0)
		return fg_error_set(error, errno, "no memory for the output of libraries: %s",
				    strerror(errno));
	if (pipe2(ends, O_CLOEXEC) != 0) {
		close(m.log);
		return fg_error_set(error, errno, "no pipe: %s", strerror(errno));
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		m.report = ends[1];
		measurer_main(&m, plan);
	}
	rc = pid < 0 ? fg_error_set(error, errno, "no process: %s", strerror(errno)) : 0;
	close(ends[1]);
	if (rc == 0)
		rc = follow(pid, ends[0], until_ns, listen_and_pass, &listener, error);
	if (!listener.done && rc != -EINTR)
		print_log(m.log);
	close(ends[0]);
	close(m.log);
	return rc;
}
