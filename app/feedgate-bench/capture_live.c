/* SPDX-License-Identifier: MIT */
/*
 * live: the reader at work while the sender sends. First the highest rate
 * without loss; then, at a fixed rate that is the same for all backends, the reader's
 * CPU time and the latency of each packet.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_cycles.h>

#include "capture.h"

/* A ring so small hardly hides a reader that is too slow: in a run of 300 ms, 5 % of a million
 * packets a second. */
#define RING_PACKETS 16384u
#define BURST        32u
#define STEPS        7 /* Of the search: to a 128th of what the sender can send. */
#define SILENCE_MS   200u
/* The first packet may take so many times as long: a thread may have to wake up. */
#define FIRST_TIMES   20u
#define LATENCY_TIMES 3u /* The run for latencies is so many times as long: they are few. */

/* In a poll that took so long, the processor was taken away from us. */
#define INTERRUPTED_US 100u

/* What happened in a run. */
struct run {
	uint64_t offered, received;
	double pps;            /* As offered. */
	uint64_t busy_ns;      /* In polls that found packets, without interrupted ones, */
	uint64_t busy_packets; /* ... and how many they found. */
	uint64_t all_busy_ns;  /* In all polls that found packets. */
	uint64_t cpu_ns;       /* Of the reading thread. */
};

static uint64_t to_ns(uint64_t ticks)
{
	return (uint64_t)((double)ticks * 1e9 / (double)rte_get_tsc_hz());
}

/* Read until the sender is done and all has come, or nothing comes any more. */
static void read_on(struct reader *reader, const struct sender_view *view, unsigned int reading,
		    struct run *run)
{
	const struct reader_kind *kind = reader->backend->reader;
	unsigned int (*const poll)(struct reader *) = kind->poll[reading];
	const uint64_t silence = rte_get_tsc_hz() / 1000 * SILENCE_MS;
	const uint64_t first = FIRST_TIMES * silence;
	const uint64_t before = reader->packets;
	const uint64_t interrupted = rte_get_tsc_hz() / 1000000 * INTERRUPTED_US;
	uint64_t now = rte_rdtsc(), last = now, busy = 0, all_busy = 0;

	run->busy_packets = 0;
	for (;;) {
		const uint64_t then = now;
		const unsigned int found = poll(reader);

		now = rte_rdtsc();
		if (found > 0) {
			last = now;
			all_busy += now - then;
			if (now - then <= interrupted) {
				busy += now - then;
				run->busy_packets += found;
			}
			continue;
		}
		if (atomic_load_explicit(&view->done, memory_order_acquire) &&
		    (reader->packets - before >= view->sent ||
		     now - last > (reader->packets > before ? silence : first)))
			break;
		if (kind->wait != NULL)
			kind->wait(reader);
	}
	run->received = reader->packets - before;
	run->busy_ns = to_ns(busy);
	run->all_busy_ns = to_ns(all_busy);
}

/* @p pps 0: as fast as the sender can. */
static int do_run(struct measurer *m, struct reader *reader, uint64_t pps, uint32_t burst,
		  uint64_t run_ms, unsigned int reading, struct ledger *ledger, struct run *run,
		  struct fg_error *error)
{
	const struct sender_view *view = m->sender.view;
	const struct sender_order order = {.frame_bytes = reader->with->bytes,
					   .burst = burst,
					   .pps = pps,
					   .count = pps > 0 ? pps * run_ms / 1000 + 1 : UINT32_MAX,
					   .duration_ns = pps > 0 ? 2 * run_ms * 1000000
								  : run_ms * 1000000};
	const uint64_t cpu_ns = thread_ns();
	int rc = sender_begin(&m->sender, &order, error);

	if (rc != 0)
		return rc;
	read_on(reader, view, reading | (reader->with->filter ? READING_FILTERED : 0), run);
	run->cpu_ns = thread_ns() - cpu_ns;
	rc = sender_wait(&m->sender, error);
	if (rc != 0)
		return rc;
	run->offered = view->sent + view->refused;
	run->pps = (double)run->offered * 1e9 / (double)(view->took_ns > 0 ? view->took_ns : 1);
	ledger->sent += view->sent;
	if (view->refused > 0)
		ledger->matching = UINT64_MAX;
	else if (ledger->matching != UINT64_MAX)
		ledger->matching += frames_matching(view->sent);
	return 0;
}

static bool without_loss(const struct run *run)
{
	return run->received == run->offered;
}

/* Twice if need be: a machine's hiccup is not the backend's limit. */
static int try_rate(struct measurer *m, struct reader *reader, uint64_t pps, struct ledger *ledger,
		    struct run *run, struct fg_error *error)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < 2; i++) {
		rc = do_run(m, reader, pps, pps > 0 ? BURST : SENDER_BURST_MAX, m->conf->run_ms, 0,
			    ledger, run, error);
		if (rc == 0 && without_loss(run))
			break;
	}
	return rc;
}

static int search_rate(struct measurer *m, struct reader *reader, struct ledger *ledger,
		       struct fg_error *error)
{
	double low = 0, high;
	struct run run;
	int rc = try_rate(m, reader, 0, ledger, &run, error);

	if (rc != 0)
		return rc;
	measurer_value(m, reader->with, METRIC_OFFERED, run.pps);
	high = run.pps;
	if (without_loss(&run))
		low = high;
	for (int i = 0; rc == 0 && i < STEPS && low < high; i++) {
		const double middle = (low + high) / 2;

		rc = try_rate(m, reader, (uint64_t)middle + 1, ledger, &run, error);
		if (rc == 0 && without_loss(&run))
			low = run.pps < middle ? run.pps : middle;
		if (rc == 0 && (!without_loss(&run) || run.pps < middle * 0.98))
			high = middle;
	}
	if (rc == 0)
		measurer_value(m, reader->with, METRIC_LOSSLESS, low);
	return rc;
}

static int measure_cpu(struct measurer *m, struct reader *reader, struct ledger *ledger,
		       struct fg_error *error)
{
	struct run run;
	int rc =
		do_run(m, reader, m->conf->latency_pps, 1, m->conf->run_ms, 0, ledger, &run, error);
	double ns;

	if (rc != 0)
		return rc;
	if (run.received == 0)
		return fg_error_set(error, EIO, "nothing was received");
	if (m->backend->reader->wait != NULL)
		ns = (double)run.cpu_ns / (double)run.received;
	else if (run.busy_packets > 0)
		ns = (double)run.busy_ns / (double)run.busy_packets;
	else
		ns = (double)run.all_busy_ns / (double)run.received;
	measurer_value(m, reader->with, METRIC_CPU, ns);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void put_times(struct measurer *m, const struct reader *reader, struct times *times,
		      enum capture_metric first)
{
	static const double shares[] = {0.5, 0.99, 0.999};

	if (times->count == 0)
		return;
	qsort(times->ns, times->count, sizeof(times->ns[0]), compare);
	for (unsigned int i = 0; i < 3; i++)
		measurer_value(m, reader->with, first + i,
			       times->ns[(uint64_t)((double)(times->count - 1) * shares[i])]);
}

static int measure_latency(struct measurer *m, struct reader *reader, struct ledger *ledger,
			   struct fg_error *error)
{
	const uint64_t run_ms = LATENCY_TIMES * m->conf->run_ms;
	const uint64_t most = m->conf->latency_pps * run_ms / 1000 + 1;
	struct run run;
	int rc;

	reader->sent = (struct times){calloc(most, sizeof(uint32_t)), 0, most};
	reader->stamped = (struct times){calloc(most, sizeof(uint32_t)), 0, most};
	if (reader->sent.ns == NULL || reader->stamped.ns == NULL)
		rc = fg_error_set(error, ENOMEM, "no memory for %" PRIu64 " latencies", most);
	else
		rc = do_run(m, reader, m->conf->latency_pps, 1, run_ms, READING_TIMED, ledger, &run,
			    error);
	if (rc == 0 && reader->sent.count == 0)
		rc = fg_error_set(error, EIO, "nothing was received");
	if (rc == 0) {
		put_times(m, reader, &reader->sent, METRIC_P50);
		put_times(m, reader, &reader->stamped, METRIC_KERNEL_P50);
	}
	free(reader->sent.ns);
	free(reader->stamped.ns);
	return rc;
}

int live_measure(struct measurer *m, const struct capture_case *with, struct fg_error *error)
{
	struct ledger ledger = {0};
	struct reader reader;
	int rc = measurer_open(m, &reader, with, RING_PACKETS, error);

	if (rc == 0)
		rc = search_rate(m, &reader, &ledger, error);
	if (rc == 0)
		rc = measure_cpu(m, &reader, &ledger, error);
	if (rc == 0)
		rc = measure_latency(m, &reader, &ledger, error);
	if (rc == 0)
		rc = measurer_check(m, &reader, &ledger, error);
	return rc == 0 ? measurer_close(m, &reader, error) : rc;
}
