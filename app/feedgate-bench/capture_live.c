/* SPDX-License-Identifier: MIT */
/*
 * live: the reader works while the sender sends. First a search finds the highest rate without
 * loss. Then, at a fixed rate, the same for all backends, the reader's CPU time and the latency of
 * each packet are measured.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_cycles.h>

#include "capture.h"

/* Small, so that it cannot hide a slow reader: it holds 5 % of what a million packets/s make in
 * 300 ms. */
#define RING_PACKETS 16384u
#define BURST        32u
#define STEPS        7 /* Of the search: its result is exact to 1/128 of the sender's rate. */
#define SILENCE_MS   200u
/* The first packet may take so many times longer: a thread may have to wake up. */
#define FIRST_TIMES   20u
#define LATENCY_TIMES 3u /* The run for latencies is longer, for more of them. */

/* During a longer poll something else ran on the processor. */
#define INTERRUPTED_US 100u

/* What is to be done in a run. */
struct run_plan {
	uint64_t pps; /* 0: as fast as the sender can. */
	uint64_t run_ms;
	uint32_t burst;       /* Packets sent at once. */
	unsigned int reading; /* READING_* without READING_FILTERED, which the case has. */
};

/* What happened in a run. */
struct run {
	uint64_t offered, received;
	double pps;            /* Of the packets offered. */
	uint64_t busy_ns;      /* Of polls that found packets and were not interrupted, */
	uint64_t busy_packets; /* ... and their packets. */
	uint64_t all_busy_ns;  /* Of all polls that found packets. */
	uint64_t cpu_ns;       /* CPU time of the reading thread. */
};

static uint64_t to_ns(uint64_t ticks)
{
	return (uint64_t)((double)ticks * 1e9 / (double)rte_get_tsc_hz());
}

/* Read until the sender is done and all packets have arrived, or no more arrive. */
static void read_packets(struct reader *reader, const struct sender_view *view,
			 unsigned int reading, struct run *run)
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

/* What is measured. */
struct live {
	struct measurer *m;
	struct reader reader;
	struct expected expected;
};

static int do_run(struct live *live, const struct run_plan *plan, struct run *run,
		  struct fg_error *error)
{
	struct reader *reader = &live->reader;
	struct sender *sender = &live->m->sender;
	struct expected *expected = &live->expected;
	const struct sender_view *view = sender->view;
	const uint64_t run_ns = plan->run_ms * 1000000;
	const struct sender_order order = {
		.frame_bytes = reader->with->bytes,
		.burst = plan->burst,
		.pps = plan->pps,
		.count = plan->pps > 0 ? plan->pps * plan->run_ms / 1000 + 1 : UINT32_MAX,
		.duration_ns = plan->pps > 0 ? 2 * run_ns : run_ns};
	const uint64_t cpu_ns = thread_ns();
	int rc = sender_begin(sender, &order, error);

	if (rc != 0)
		return rc;
	read_packets(reader, view, plan->reading | (reader->with->filter ? READING_FILTERED : 0),
		     run);
	run->cpu_ns = thread_ns() - cpu_ns;
	rc = sender_wait(sender, error);
	if (rc != 0)
		return rc;
	run->offered = view->sent + view->refused;
	run->pps = (double)run->offered * 1e9 / (double)(view->took_ns > 0 ? view->took_ns : 1);
	expected->sent += view->sent;
	if (view->refused > 0)
		expected->matching = UINT64_MAX;
	else if (expected->matching != UINT64_MAX)
		expected->matching += frames_matching(view->sent);
	return 0;
}

static bool without_loss(const struct run *run)
{
	return run->received == run->offered;
}

/* Loss in one run may be the machine's fault: then a second run decides. */
static int try_rate(struct live *live, uint64_t pps, struct run *run, struct fg_error *error)
{
	const struct run_plan plan = {.pps = pps,
				      .run_ms = live->m->conf->run_ms,
				      .burst = pps > 0 ? BURST : SENDER_BURST_MAX};
	int rc = 0;

	for (int i = 0; rc == 0 && i < 2; i++) {
		rc = do_run(live, &plan, run, error);
		if (rc == 0 && without_loss(run))
			break;
	}
	return rc;
}

static int search_rate(struct live *live, struct fg_error *error)
{
	double low = 0, high;
	struct run run;
	int rc = try_rate(live, 0, &run, error);

	if (rc != 0)
		return rc;
	measurer_value(live->m, live->reader.with, METRIC_OFFERED, run.pps);
	high = run.pps;
	if (without_loss(&run))
		low = high;
	for (int i = 0; rc == 0 && i < STEPS && low < high; i++) {
		const double middle = (low + high) / 2;

		rc = try_rate(live, (uint64_t)middle + 1, &run, error);
		if (rc == 0 && without_loss(&run))
			low = run.pps < middle ? run.pps : middle;
		if (rc == 0 && (!without_loss(&run) || run.pps < middle * 0.98))
			high = middle;
	}
	if (rc == 0)
		measurer_value(live->m, live->reader.with, METRIC_LOSSLESS, low);
	return rc;
}

static int measure_cpu(struct live *live, struct fg_error *error)
{
	const struct capture_conf *conf = live->m->conf;
	const struct run_plan plan = {.pps = conf->latency_pps, .run_ms = conf->run_ms, .burst = 1};
	struct run run;
	const int rc = do_run(live, &plan, &run, error);
	double ns;

	if (rc != 0)
		return rc;
	if (run.received == 0)
		return fg_error_set(error, EIO, "nothing was received");
	if (live->m->backend->reader->wait != NULL)
		ns = (double)run.cpu_ns / (double)run.received;
	else if (run.busy_packets > 0)
		ns = (double)run.busy_ns / (double)run.busy_packets;
	else
		ns = (double)run.all_busy_ns / (double)run.received;
	measurer_value(live->m, live->reader.with, METRIC_CPU, ns);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report_times(const struct live *live, struct times *times, enum capture_metric first)
{
	static const double shares[] = {0.5, 0.99, 0.999};

	if (times->count == 0)
		return;
	qsort(times->ns, times->count, sizeof(times->ns[0]), compare);
	for (unsigned int i = 0; i < 3; i++)
		measurer_value(live->m, live->reader.with, first + i,
			       times->ns[(uint64_t)((double)(times->count - 1) * shares[i])]);
}

static int measure_latency(struct live *live, struct fg_error *error)
{
	const struct capture_conf *conf = live->m->conf;
	const struct run_plan plan = {.pps = conf->latency_pps,
				      .run_ms = LATENCY_TIMES * conf->run_ms,
				      .burst = 1,
				      .reading = READING_TIMED};
	const uint64_t max = plan.pps * plan.run_ms / 1000 + 1;
	struct reader *reader = &live->reader;
	struct run run;
	int rc;

	reader->sent = (struct times){calloc(max, sizeof(uint32_t)), 0, max};
	reader->stamped = (struct times){calloc(max, sizeof(uint32_t)), 0, max};
	if (reader->sent.ns == NULL || reader->stamped.ns == NULL)
		rc = fg_error_set(error, ENOMEM, "no memory for %" PRIu64 " latencies", max);
	else
		rc = do_run(live, &plan, &run, error);
	if (rc == 0 && reader->sent.count == 0)
		rc = fg_error_set(error, EIO, "nothing was received");
	if (rc == 0) {
		report_times(live, &reader->sent, METRIC_P50);
		report_times(live, &reader->stamped, METRIC_KERNEL_P50);
	}
	free(reader->sent.ns);
	free(reader->stamped.ns);
	return rc;
}

int live_measure(struct measurer *m, const struct capture_case *with, struct fg_error *error)
{
	struct live live = {.m = m};
	int rc = measurer_open(m, &live.reader, with, RING_PACKETS, error);

	if (rc == 0)
		rc = search_rate(&live, error);
	if (rc == 0)
		rc = measure_cpu(&live, error);
	if (rc == 0)
		rc = measure_latency(&live, error);
	if (rc == 0)
		rc = measurer_check(m, &live.reader, &live.expected, error);
	return rc == 0 ? measurer_close(m, &live.reader, error) : rc;
}
