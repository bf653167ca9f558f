/* SPDX-License-Identifier: MIT */
/*
 * drain: the sender fills the ring while the reader sleeps; then the reader empties it. This
 * measures the reader alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include <rte_cycles.h>

#include "capture.h"

#define SETTLE_MS  30   /* In this time the kernel closes blocks that are not full. */
#define SILENCE_MS 500u /* After so long without a packet no more is expected. */
#define IDLE       100u /* After so many polls without a packet the clock stops. */
#define ROUNDS_MAX 32u  /* For backends with small rings. */

/* The packets of an order, and the CPU time that reading them took. */
struct round {
	uint64_t packets, ns;
};

uint64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void sleep_ms(long ms)
{
	const struct timespec duration = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&duration, NULL);
}

/* Read @p sent packets, or as many as arrive. */
static void empty_ring(struct reader *reader, uint64_t sent, struct round *round)
{
	unsigned int (*const poll)(struct reader *) =
		reader->backend->reader->poll[reader->with->filter ? READING_FILTERED : 0];
	const uint64_t silence = rte_get_tsc_hz() / 1000 * SILENCE_MS;
	const uint64_t before = reader->packets, start_ns = thread_ns();
	uint64_t end_ns = 0, since = 0;
	unsigned int idle = 0;

	while (reader->packets - before < sent) {
		if (poll(reader) > 0) {
			idle = 0;
		} else if (++idle == IDLE) {
			end_ns = thread_ns();
			since = rte_rdtsc();
		} else if (idle > IDLE && rte_rdtsc() - since > silence) {
			break;
		}
	}
	round->packets += reader->packets - before;
	round->ns += (idle >= IDLE ? end_ns : thread_ns()) - start_ns;
}

static int do_round(struct measurer *m, struct reader *reader, uint64_t count,
		    struct expected *expected, struct round *round, struct fg_error *error)
{
	const struct sender_order order = {
		.frame_bytes = reader->with->bytes, .burst = SENDER_BURST_MAX, .count = count};
	int rc = sender_begin(&m->sender, &order, error);

	if (rc == 0)
		rc = sender_wait(&m->sender, error);
	if (rc != 0)
		return rc;
	sleep_ms(SETTLE_MS);
	empty_ring(reader, m->sender.view->sent, round);
	expected->sent += m->sender.view->sent;
	if (m->sender.view->refused > 0)
		expected->matching = UINT64_MAX;
	else if (expected->matching != UINT64_MAX)
		expected->matching += frames_matching(count);
	return 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int do_rounds(struct measurer *m, struct reader *reader, double *ns, struct fg_error *error)
{
	uint64_t packets = m->conf->packets;
	struct round warm_up = {0}, round = {0};
	struct expected expected = {0};
	uint64_t at_once = packets;
	int rc;

	if (m->backend->holds != NULL)
		at_once = smaller(packets, m->backend->holds(reader->with->bytes));
	rc = do_round(m, reader, at_once, &expected, &warm_up, error);
	packets = smaller(packets, at_once * ROUNDS_MAX);
	for (uint64_t sent = 0; rc == 0 && sent < packets; sent += at_once)
		rc = do_round(m, reader, smaller(at_once, packets - sent), &expected, &round,
			      error);
	if (rc == 0)
		rc = measurer_check(m, reader, &expected, error);
	if (rc != 0)
		return rc;
	if (round.packets == 0)
		return fg_error_set(error, EIO, "nothing was received");
	*ns = (double)round.ns / (double)round.packets;
	return 0;
}

int drain_measure(struct measurer *m, const struct capture_case *with, struct fg_error *error)
{
	struct reader reader;
	double ns = 0;
	int rc = measurer_open(m, &reader, with, m->conf->packets, error);

	if (rc == 0)
		rc = do_rounds(m, &reader, &ns, error);
	if (rc == 0)
		rc = measurer_close(m, &reader, error);
	if (rc == 0)
		measurer_value(m, with, METRIC_DRAIN, ns);
	return rc;
}
