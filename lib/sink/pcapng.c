/* SPDX-License-Identifier: MIT */
/*
 * The sink that writes pcapng files. put() passes pointers through a ring per
 * lane; a thread of the sink empties the rings, formats and writes. It has the
 * control thread's CPU affinity, so it never runs on an lcore's CPU.
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
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ring.h>

#include <fg_deadline.h>
#include <fg_log.h>

#include "kinds.h"
#include "pcapng_file.h"

#define SLOTS_MAX     (1u << 24)
#define DEQUEUE_MAX   256u
#define IDLE_SLEEP_NS 1000000
#define JOIN_WAIT_NS  20000000

struct pcapng_conf {
	char *path;
	uint64_t rotate_bytes;
	uint64_t slots;
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
	{.name = "slots",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct pcapng_conf, slots),
	 .min = 1,
	 .max = SLOTS_MAX,
	 .value = "65536",
	 .unit = "packets",
	 .help = "packets waiting for the disk, per lcore; more are dropped"},
	{0},
};

struct pcapng {
	struct rte_ring *rings[FG_SINK_LANES_MAX]; /* set by open; lanes put, the writer takes */
	uint16_t n_lanes;
	bool running;            /* control: the writer exists */
	pthread_t thread;        /* control */
	sem_t begun;             /* posted by the writer once the file's head is written */
	_Atomic bool stopping;   /* control sets it when no lane puts any more */
	struct pcapng_file file; /* the writer's while it runs, else control's */
};

static void free_all(struct pcapng *pcapng)
{
	for (uint16_t lane = 0; lane < pcapng->n_lanes; lane++)
		rte_ring_free(pcapng->rings[lane]);
	pcapng_file_free(&pcapng->file);
	sem_destroy(&pcapng->begun);
	free(pcapng);
}

static int make_rings(struct pcapng *pcapng, const struct fg_sink *sink, unsigned int slots)
{
	char name[RTE_RING_NAMESIZE];

	for (uint16_t lane = 0; lane < sink->n_lanes; lane++) {
		snprintf(name, sizeof(name), "fg_pcapng_%u_%u", sink->index, lane);
		pcapng->rings[lane] =
			rte_ring_create(name, slots, SOCKET_ID_ANY,
					RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
		if (pcapng->rings[lane] == NULL)
			return -rte_errno;
		pcapng->n_lanes++;
	}
	return 0;
}

static int check_path(struct pcapng *pcapng, const struct pcapng_conf *conf, struct fg_error *error)
{
	const char *name = pcapng->file.sink->name;

	if (strcmp(conf->path, PCAPNG_PATH_STDOUT) == 0) {
		if (conf->rotate_bytes != 0)
			return fg_error_set(error, EINVAL,
					    "sink %s: rotate_bytes: standard output cannot be "
					    "rotated; expected 0",
					    name);
		if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
			return fg_error_set(error, EBADF, "sink %s: standard output is closed",
					    name);
	}
	return pcapng_path_check(&pcapng->file.path, name, error);
}

static int pcapng_open(struct fg_sink *sink, const void *options, struct fg_error *error)
{
	const struct pcapng_conf *conf = options;
	struct pcapng *pcapng = calloc(1, sizeof(*pcapng));
	int rc;

	if (pcapng == NULL)
		return fg_error_set(error, ENOMEM, "sink %s: out of memory", sink->name);
	pcapng->file.sink = sink;
	pcapng->file.path.pattern = conf->path;
	pcapng->file.rotate_bytes = conf->rotate_bytes;
	sem_init(&pcapng->begun, 0, 0);
	rc = pcapng_file_init(&pcapng->file);
	if (rc == 0)
		rc = check_path(pcapng, conf, error);
	if (rc == 0)
		rc = make_rings(pcapng, sink, (unsigned int)conf->slots);
	if (rc != 0) {
		free_all(pcapng);
		return fg_error_set(error, -rc, "sink %s: buffer and rings of %u slots: %s",
				    sink->name, (unsigned int)conf->slots, strerror(-rc));
	}
	sink->priv = pcapng;
	sink->takes_stdout = strcmp(conf->path, PCAPNG_PATH_STDOUT) == 0;
	return 0;
}

/* One burst of each lane; the number of packets. */
static unsigned int write_round(struct pcapng *pcapng)
{
	struct rte_mbuf *pkts[DEQUEUE_MAX];
	unsigned int total = 0;

	for (uint16_t lane = 0; lane < pcapng->n_lanes; lane++) {
		const unsigned int n = rte_ring_sc_dequeue_burst(pcapng->rings[lane], (void **)pkts,
								 DEQUEUE_MAX, NULL);

		for (unsigned int i = 0; i < n; i++)
			pcapng_file_add(&pcapng->file, pkts[i]);
		rte_pktmbuf_free_bulk(pkts, n);
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
		if (write_round(pcapng) > 0) {
			stopping = false;
			continue;
		}
		pcapng_file_flush(&pcapng->file);
		if (!stopping)
			nanosleep(&idle, NULL);
	}
	pcapng_file_end(&pcapng->file);
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
	atomic_store_explicit(&pcapng->file.abandoned, true, memory_order_relaxed);
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

	if (file->error == 0)
		return 0;
	return fg_error_set(error, file->error, "sink %s: %s: %s", file->sink->name,
			    file->path.text, strerror(file->error));
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
	while (sem_timedwait(&pcapng->begun, moment(pcapng, &at)) != 0)
		;
	if (pcapng->file.error != 0) {
		stop_thread(pcapng);
		return writer_result(pcapng, error);
	}
	return 0;
}

static uint16_t pcapng_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			   uint16_t count)
{
	const struct pcapng *pcapng = sink->priv;

	return (uint16_t)rte_ring_sp_enqueue_burst(pcapng->rings[lane], (void *const *)pkts, count,
						   NULL);
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
	.open = pcapng_open,
	.start = pcapng_start,
	.put = pcapng_put,
	.stop = pcapng_stop,
	.close = pcapng_close,
};
