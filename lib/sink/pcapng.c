/* SPDX-License-Identifier: MIT */
/*
 * The sink that writes pcapng files. put() passes pointers through a ring per
 * lane (pcapng_queue.h); a thread of the sink empties the rings, formats and
 * writes. It has the control thread's CPU affinity, so it never runs on an
 * lcore's CPU.
 *
 * The thread may be preempted while it frees packets. Mbuf pools should be of a
 * kind where other users need not wait for it then ("ring_mt_rts"): with DPDK's
 * default an lcore that frees packets may spin for a time slice.
 *
 * Packets of one lane keep their order; those of different lanes are not
 * sorted by time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fg_deadline.h>
#include <fg_log.h>

#include "kinds.h"
#include "pcapng_file.h"
#include "pcapng_owner.h"
#include "pcapng_queue.h"

#define IDLE_SLEEP_NS 1000000
#define ROTATE_S_MAX  (366u * 86400u)
#define WAIT_MAX_MS   3600000u
#define JOIN_WAIT_NS  20000000

static const char *const automatic[] = {"auto", NULL};

struct pcapng_conf {
	char *path;
	uint64_t rotate_bytes, rotate_s;
	uint64_t keep_files, keep_bytes;
	char *command;
	char *mode, *owner;
	uint64_t slots;
	uint64_t wait_ms;
};

static const struct fg_option keep_options[] = {
	{.name = "files",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pcapng_conf, keep_files),
	 .value = "0",
	 .unit = "files",
	 .help = "how many, with the one that is being written; 0: all"},
	{.name = "bytes",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pcapng_conf, keep_bytes),
	 .value = "0",
	 .unit = "bytes",
	 .help = "how much, with the one that is being written; 0: all"},
	{0},
};

static const struct fg_option pcapng_options[] = {
	{.name = "path",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct pcapng_conf, path),
	 .help = "file, strftime(3) in UTC when it is opened; -: standard output"},
	{.name = "rotate_bytes",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pcapng_conf, rotate_bytes),
	 .value = "0",
	 .unit = "bytes",
	 .help = "begin a new file when this size is reached; 0: never"},
	{.name = "rotate_s",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pcapng_conf, rotate_s),
	 .max = ROTATE_S_MAX,
	 .value = "0",
	 .unit = "s",
	 .help = "begin a new file at multiples of this time, UTC; 0: never"},
	{.name = "keep",
	 .type = FG_OPTION_MAP,
	 .rows = keep_options,
	 .help = "delete the oldest files of this run beyond that"},
	{.name = "command",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct pcapng_conf, command),
	 .value = "",
	 .help = "program to run for each finished file, with its name"},
	{.name = "mode",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct pcapng_conf, mode),
	 .value = "",
	 .help = "permissions of the files, octal; without: 0640 and the umask"},
	{.name = "owner",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct pcapng_conf, owner),
	 .value = "",
	 .help = "USER, USER:GROUP or :GROUP of the files, names or numbers"},
	{.name = "slots",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pcapng_conf, slots),
	 .min = 1,
	 .max = PCAPNG_SLOTS_MAX,
	 .names = automatic,
	 .value = "auto",
	 .unit = "packets",
	 .help = "packets waiting for the disk, per lcore; more are dropped; auto: as many as the "
		 "sink may hold"},
	{.name = "wait_ms",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pcapng_conf, wait_ms),
	 .max = WAIT_MAX_MS,
	 .value = "5000",
	 .unit = "ms",
	 .help = "replays wait for a sink that takes nothing, but no longer than this"},
	{0},
};

struct pcapng {
	struct pcapng_queue queue; /* lanes put, the writer takes */
	bool running;              /* control: the writer exists */
	pthread_t thread;          /* control */
	sem_t begun;               /* posted by the writer once the file's head is written */
	_Atomic bool stopping;     /* control sets it when no lane puts any more */
	struct pcapng_file file;   /* the writer's while it runs, else control's */
};

static void free_all(struct pcapng *pcapng)
{
	pcapng_queue_close(&pcapng->queue);
	pcapng_file_free(&pcapng->file);
	sem_destroy(&pcapng->begun);
	free(pcapng);
}

static int check_path(struct pcapng *pcapng, const struct pcapng_conf *conf, struct fg_error *error)
{
	const char *name = pcapng->file.sink->name;
	struct pcapng_path *path = &pcapng->file.out.path;
	const bool to_stdout = pcapng_path_is_stdout(path);

	if (to_stdout && fcntl(STDOUT_FILENO, F_GETFD) < 0)
		return fg_error_set(error, EBADF, "sink %s: standard output is closed", name);
	if (conf->rotate_bytes + conf->rotate_s != 0 && (to_stdout || pcapng_path_is_special(path)))
		return fg_error_set(error, EINVAL, "sink %s: %s: %s cannot be rotated; expected 0",
				    name, conf->rotate_bytes != 0 ? "rotate_bytes" : "rotate_s",
				    to_stdout ? "standard output" : path->text);
	return pcapng_path_check(path, name, error);
}

static void configure(struct pcapng_file *file, struct fg_sink *sink,
		      const struct pcapng_conf *conf)
{
	file->sink = sink;
	file->out.path.pattern = conf->path;
	file->rotate_bytes = conf->rotate_bytes;
	file->rotate_s = conf->rotate_s;
	file->finished.sink_name = sink->name;
	file->finished.command = conf->command;
	file->finished.keep_files = conf->keep_files;
	file->finished.keep_bytes = conf->keep_bytes;
}

static int pcapng_open(struct fg_sink *sink, const void *options, struct fg_error *error)
{
	const struct pcapng_conf *conf = options;
	struct pcapng *pcapng = aligned_alloc(_Alignof(struct pcapng), sizeof(*pcapng));
	uint32_t slots = 0;
	int rc;

	if (pcapng == NULL)
		return fg_error_set(error, ENOMEM, "sink %s: out of memory", sink->name);
	memset(pcapng, 0, sizeof(*pcapng));
	configure(&pcapng->file, sink, conf);
	if (conf->slots != FG_OPTION_NAMED(0))
		slots = (uint32_t)conf->slots;
	sem_init(&pcapng->begun, 0, 0);
	rc = pcapng_file_init(&pcapng->file);
	if (rc == 0)
		rc = pcapng_owner_read(&pcapng->file.out.owner, conf->mode, conf->owner, sink->name,
				       error);
	if (rc == 0)
		rc = pcapng_finished_check(&pcapng->file.finished, error);
	if (rc == 0)
		rc = check_path(pcapng, conf, error);
	if (rc == 0)
		rc = pcapng_queue_open(&pcapng->queue, sink, slots, conf->wait_ms);
	if (rc != 0) {
		slots = pcapng->queue.working_max;
		free_all(pcapng);
		return fg_error_set(error, -rc, "sink %s: buffer and rings of %u slots: %s",
				    sink->name, slots, strerror(-rc));
	}
	sink->priv = pcapng;
	sink->takes_stdout = pcapng_path_is_stdout(&pcapng->file.out.path);
	return 0;
}

/* One burst of each lane; the number of packets. */
static unsigned int write_round(struct pcapng *pcapng)
{
	struct rte_mbuf *pkts[PCAPNG_BATCH_MAX];
	unsigned int total = 0;

	for (uint16_t lane = 0; lane < pcapng->queue.n_lanes; lane++) {
		const unsigned int n = pcapng_queue_take(&pcapng->queue, lane, pkts);
		unsigned int n_free = 0;

		for (unsigned int i = 0; i < n; i++) {
			const bool shared = fg_meta_is_shared(fg_meta(pkts[i]));

			if (shared)
				pcapng_queue_pass(&pcapng->queue, lane, pkts[i]);
			if (pcapng_file_add(&pcapng->file, pkts[i]))
				continue;
			if (shared)
				rte_pktmbuf_free(pkts[i]);
			else
				pkts[n_free++] = pkts[i];
		}
		pcapng_queue_free(&pcapng->queue, lane, pkts, n_free);
		total += n;
	}
	return total;
}

static void *writer(void *arg)
{
	static const struct timespec idle = {.tv_nsec = IDLE_SLEEP_NS};
	struct pcapng *pcapng = arg;
	bool stopping = false;

	pcapng_file_flush(&pcapng->file);
	sem_post(&pcapng->begun);
	while (!stopping) {
		/* Read first: the round after sees all that was put before stop(). */
		stopping = atomic_load_explicit(&pcapng->stopping, memory_order_acquire);
		pcapng_file_tick(&pcapng->file);
		if (write_round(pcapng) > 0) {
			stopping = false;
			continue;
		}
		pcapng_file_flush(&pcapng->file);
		if (!stopping)
			nanosleep(&idle, NULL);
	}
	pcapng_file_end(&pcapng->file);
	pcapng_finished_wait(&pcapng->file.finished);
	return NULL;
}

static void on_interrupt(int number)
{
	(void)number;
}

/*
 * The program must end now, but the writer may be in a write(2) that nobody takes: end that. Again
 * and again: a signal that comes just before the call ends nothing.
 */
static void abandon_writes(struct pcapng *pcapng)
{
	atomic_store_explicit(&pcapng->file.out.abandoned, true, memory_order_relaxed);
	pthread_kill(pcapng->thread, SIGURG);
}

/* A moment from now, for calls that wait; and is it time to give up? */
static const struct timespec *moment(struct pcapng *pcapng, struct timespec *at)
{
	if (fg_deadline_passed())
		abandon_writes(pcapng);
	clock_gettime(CLOCK_REALTIME, at);
	at->tv_nsec += JOIN_WAIT_NS;
	at->tv_sec += at->tv_nsec / 1000000000;
	at->tv_nsec %= 1000000000;
	return at;
}

/*
 * The writer takes no signal but SIGURG: those meant for the process go elsewhere, and a
 * write over a limit (SIGXFSZ) or to a closed pipe (SIGPIPE) returns its errno.
 */
static int start_thread(struct pcapng *pcapng)
{
	char name[16];
	sigset_t all, before;
	int code;

	snprintf(name, sizeof(name), "fg-%s", pcapng->file.sink->name);
	sigaction(SIGURG, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
	sigfillset(&all);
	sigdelset(&all, SIGURG);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&pcapng->thread, NULL, writer, pcapng);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code != 0)
		return -code;
	pthread_setname_np(pcapng->thread, name);
	return 0;
}

/* 0, or -errno with the writer's error. */
static int writer_result(const struct pcapng *pcapng, struct fg_error *error)
{
	const struct pcapng_file *file = &pcapng->file;

	if (file->first_error == 0)
		return 0;
	if (file->all_lost == 0)
		return fg_error_set(error, file->first_error, "sink %s: %s: %s", file->sink->name,
				    file->first_failed, strerror(file->first_error));
	return fg_error_set(error, file->first_error, "sink %s: %s: %s, %" PRIu64 " packets lost",
			    file->sink->name, file->first_failed, strerror(file->first_error),
			    file->all_lost);
}

static void stop_thread(struct pcapng *pcapng)
{
	struct timespec at;

	atomic_store_explicit(&pcapng->stopping, true, memory_order_release);
	while (pthread_timedjoin_np(pcapng->thread, NULL, moment(pcapng, &at)) != 0)
		;
	pcapng->running = false;
}

static int pcapng_start(struct fg_sink *sink, struct fg_error *error)
{
	struct pcapng *pcapng = sink->priv;
	struct timespec at;
	int rc;

	if (pcapng_file_begin(&pcapng->file) != 0)
		return writer_result(pcapng, error);
	atomic_store_explicit(&pcapng->stopping, false, memory_order_relaxed);
	rc = start_thread(pcapng);
	if (rc != 0) {
		pcapng_file_end(&pcapng->file);
		return fg_error_set(error, -rc, "sink %s: writer thread: %s", sink->name,
				    strerror(-rc));
	}
	pcapng->running = true;
	pcapng_queue_restart(&pcapng->queue);
	while (sem_timedwait(&pcapng->begun, moment(pcapng, &at)) != 0)
		;
	if (pcapng->file.first_error != 0) {
		stop_thread(pcapng);
		return writer_result(pcapng, error);
	}
	return 0;
}

static uint16_t pcapng_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			   uint16_t count)
{
	struct pcapng *pcapng = sink->priv;
	const uint16_t taken = pcapng_queue_put(&pcapng->queue, lane, pkts, count);
	struct pcapng_refused *refused = &pcapng->file.counts.refused[lane];

	for (uint16_t i = taken; i < count; i++)
		fg_counter_add(&refused->by_source[fg_meta(pkts[i])->source], 1);
	return taken;
}

static void pcapng_watch(struct fg_sink *sink)
{
	struct pcapng *pcapng = sink->priv;

	if (pcapng->running)
		pcapng_queue_watch(&pcapng->queue, sink, &pcapng->file.counts.evicted);
}

static uint32_t pcapng_held(const struct fg_sink *sink)
{
	return pcapng_queue_held(&((const struct pcapng *)sink->priv)->queue);
}

static int pcapng_stop(struct fg_sink *sink, struct fg_error *error)
{
	struct pcapng *pcapng = sink->priv;

	if (!pcapng->running)
		return 0;
	stop_thread(pcapng);
	return writer_result(pcapng, error);
}

static void pcapng_close(struct fg_sink *sink)
{
	struct pcapng *pcapng = sink->priv;

	if (pcapng->running)
		stop_thread(pcapng);
	free_all(pcapng);
	sink->priv = NULL;
}

const struct fg_sink_ops fg_sink_pcapng = {
	.name = "pcapng",
	.help = "writes pcapng files",
	.options = pcapng_options,
	.conf_bytes = sizeof(struct pcapng_conf),
	.holds = true,
	.open = pcapng_open,
	.start = pcapng_start,
	.put = pcapng_put,
	.watch = pcapng_watch,
	.held = pcapng_held,
	.stop = pcapng_stop,
	.close = pcapng_close,
};
