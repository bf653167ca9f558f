/* SPDX-License-Identifier: MIT */
#include "pcapng_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <fg_log.h>
#include <fg_monotonic.h>
#include <fg_names.h>

#include "pcapng_block.h"

#define BUFFER_BYTES (1u << 20) /* many packets in one write(2) */
#define SECOND_NS    UINT64_C(1000000000)
#define RETRY_NS     (2 * SECOND_NS)
#define TICK_NS      (SECOND_NS / 10)
#define LOG_NS       (10 * SECOND_NS) /* failures in this time are logged once */
#define LOG_AGAIN_NS (60 * SECOND_NS) /* one that stays is logged again */

static void make_head(struct pcapng_file *file)
{
	const struct fg_sink *sink = file->sink;

	file->head_bytes = pcapng_section(file->head);
	for (uint16_t i = 0; i < sink->n_sources; i++)
		file->head_bytes +=
			pcapng_interface(file->head + file->head_bytes, sink->source_names[i]);
}

int pcapng_file_init(struct pcapng_file *file)
{
	file->out.fd = -1;
	file->room = BUFFER_BYTES;
	file->buffer = malloc(file->room);
	file->head = malloc(PCAPNG_SECTION_MAX_BYTES +
			    (size_t)file->sink->n_sources * PCAPNG_INTERFACE_MAX_BYTES);
	if (file->buffer == NULL || file->head == NULL)
		return -ENOMEM;
	make_head(file);
	return 0;
}

/* The next multiple of rotate_s in UTC, on the monotonic clock. */
static uint64_t next_rotation(const struct pcapng_file *file)
{
	const uint64_t period_ns = file->rotate_s * SECOND_NS;
	struct timespec now;

	if (file->rotate_s == 0)
		return UINT64_MAX;
	clock_gettime(CLOCK_REALTIME, &now);
	return fg_monotonic_ns() + period_ns -
	       ((uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec) % period_ns;
}

/* Open the next file, empty. 0 or -errno. */
static int open_next(struct pcapng_file *file, bool wait)
{
	const int rc = pcapng_output_open(&file->out, wait);

	file->rotate_ns = next_rotation(file);
	file->size = 0;
	file->n_packets = 0;
	file->head_due = rc == 0;
	return rc;
}

/* A packet that put() took is not in a file. `last`: no other sink has it. */
static void lose(struct pcapng_file *file, uint64_t bytes, bool last)
{
	fg_sink_lose(file->sink, bytes, last);
	file->lost++;
	file->all_lost++;
}

static void release_held(struct pcapng_file *file)
{
	for (unsigned int i = 0; i < file->n_held; i++)
		rte_pktmbuf_free(file->held[i].mbuf);
	file->n_held = 0;
}

/* Only `done` bytes of the buffer reached the file: packets in the remaining blocks are lost. */
static void lose_buffer(struct pcapng_file *file, size_t done)
{
	size_t whole = 0, at = 0;
	unsigned int held = 0;
	uint32_t captured;
	uint8_t source;

	while (at < file->used) {
		const uint8_t *block = file->buffer + at;
		const struct pcapng_held *shared = NULL;

		at += pcapng_block_bytes(block);
		if (held < file->n_held && file->held[held].end == at)
			shared = &file->held[held++];
		if (at <= done) {
			whole = at;
		} else if (pcapng_block_is_packet(block, &captured, &source)) {
			file->counts.delivered[source]--;
			lose(file, captured,
			     shared == NULL || fg_meta_give_up(fg_meta(shared->mbuf)));
		}
	}
	file->size += whole;
	file->used = 0;
	release_held(file);
}

/* Failures in short succession are one to the log; one that stays is logged now and then. */
static void log_failure(struct pcapng_file *file, int code, uint64_t now)
{
	const uint64_t pause = file->error == 0 ? LOG_NS : LOG_AGAIN_NS;

	if (file->error == 0)
		file->logged = false;
	if (file->logged_ns != 0 && now - file->logged_ns < pause)
		return;
	file->logged = true;
	file->logged_ns = now;
	if (file->lost == 0)
		fg_log(ERR, "sink %s: %s: %s", file->sink->name, file->out.path.text,
		       strerror(code));
	else
		fg_log(ERR, "sink %s: %s: %s, %" PRIu64 " packets lost so far", file->sink->name,
		       file->out.path.text, strerror(code), file->lost);
}

/* Close the file, which is complete. 0 or -errno. */
static int finish(struct pcapng_file *file)
{
	const bool created = file->out.created;
	struct stat at;
	bool known;
	int rc;

	if (file->out.fd < 0)
		return 0;
	known = fstat(file->out.fd, &at) == 0;
	rc = pcapng_output_close(&file->out);
	if (created && known)
		pcapng_finished_add(&file->finished, file->out.path.text, &at);
	return rc;
}

/* Into the buffer, which has room. */
static void put_statistics(struct pcapng_file *file)
{
	for (uint16_t i = 0; i < file->sink->n_sources; i++) {
		const struct pcapng_statistics statistics =
			pcapng_counts_get(&file->counts, file->sink, i);

		file->used += pcapng_statistics(file->buffer + file->used, i, &statistics);
	}
}

/* Cut off a partial block. Where that was, there may be room for the statistics. */
static void close_failed(struct pcapng_file *file)
{
	size_t done;

	if (pcapng_output_cut(&file->out, file->size) != 0)
		fg_log(ERR, "sink %s: %s: its last block is incomplete: %s", file->sink->name,
		       file->out.path.text, strerror(errno));
	if (file->size == 0) {
		pcapng_output_discard(&file->out);
		return;
	}
	if (file->out.regular) {
		put_statistics(file);
		if (pcapng_output_write(&file->out, file->buffer, file->used, &done) != 0)
			(void)pcapng_output_cut(&file->out, file->size);
		file->used = 0;
	}
	(void)finish(file);
}

/*
 * The file ends here, after what was written of it. What is in the buffer is lost, but for its
 * first `done` bytes.
 */
static void fail(struct pcapng_file *file, int code, size_t done)
{
	const uint64_t now = fg_monotonic_ns();

	if (file->first_error == 0) {
		file->first_error = code;
		snprintf(file->first_failed, sizeof(file->first_failed), "%s", file->out.path.text);
	}
	if (file->error == 0)
		file->lost = 0;
	log_failure(file, code, now);
	file->error = code;
	file->retry_ns = now + RETRY_NS;
	lose_buffer(file, done);
	if (file->out.fd >= 0)
		close_failed(file);
}

int pcapng_file_begin(struct pcapng_file *file)
{
	int rc;

	file->error = 0;
	file->first_error = 0;
	file->all_lost = 0;
	file->logged_ns = 0;
	pcapng_counts_begin(&file->counts, file->sink);
	rc = open_next(file, true);
	if (rc != 0)
		fail(file, -rc, 0);
	return rc;
}

static bool write_head(struct pcapng_file *file)
{
	size_t done;
	int rc;

	if (!file->head_due)
		return true;
	rc = pcapng_output_write(&file->out, file->head, file->head_bytes, &done);
	if (rc != 0) {
		fail(file, -rc, 0);
		return false;
	}
	file->head_due = false;
	file->size += file->head_bytes;
	return true;
}

/* Go on in a new file if somebody deleted this one. */
static bool replace_deleted(struct pcapng_file *file)
{
	int rc;

	if (file->head_due || !pcapng_output_deleted(&file->out))
		return true;
	fg_log(WARNING, "sink %s: %s was deleted: a new file begins", file->sink->name,
	       file->out.path.text);
	(void)pcapng_output_close(&file->out);
	rc = open_next(file, false);
	if (rc != 0)
		fail(file, -rc, 0);
	return rc == 0;
}

void pcapng_file_flush(struct pcapng_file *file)
{
	size_t done = 0;
	int rc;

	if (file->error != 0 || (file->used == 0 && !file->head_due))
		return;
	if (!replace_deleted(file) || !write_head(file))
		return;
	rc = pcapng_output_write(&file->out, file->buffer, file->used, &done);
	if (rc != 0) {
		fail(file, -rc, done);
		return;
	}
	file->size += done;
	file->used = 0;
	release_held(file);
}

static void retry(struct pcapng_file *file)
{
	const uint64_t lost = file->lost;
	int rc = -ETIMEDOUT;

	if (!atomic_load_explicit(&file->out.abandoned, memory_order_relaxed))
		rc = open_next(file, false);
	if (rc != 0) {
		fail(file, -rc, 0);
		return;
	}
	if (!write_head(file))
		return;
	file->error = 0;
	if (file->logged)
		fg_log(NOTICE, "sink %s: %s: writing again, %" PRIu64 " packets were lost",
		       file->sink->name, file->out.path.text, lost);
}

static size_t statistics_bytes(const struct pcapng_file *file)
{
	return (size_t)file->sink->n_sources * PCAPNG_STATISTICS_MAX_BYTES;
}

/* A file has at least one packet, or rotation would never end. */
static bool is_full(const struct pcapng_file *file, size_t more_bytes)
{
	const uint64_t head = file->head_due ? file->head_bytes : 0;

	return file->rotate_bytes != 0 && file->n_packets > 0 &&
	       file->size + head + file->used + more_bytes + statistics_bytes(file) >
		       file->rotate_bytes;
}

/* Make room for `bytes` in the buffer. It grows for a frame that is larger than the buffer. */
static void make_room(struct pcapng_file *file, size_t bytes)
{
	if (file->used + bytes > file->room)
		pcapng_file_flush(file);
	if (file->error == 0 && bytes > file->room) {
		uint8_t *larger = realloc(file->buffer, bytes);

		if (larger == NULL) {
			fail(file, ENOMEM, 0);
			return;
		}
		file->buffer = larger;
		file->room = bytes;
	}
}

static void rotate(struct pcapng_file *file)
{
	int rc;

	pcapng_file_end(file);
	if (file->error != 0)
		return;
	rc = open_next(file, false);
	if (rc != 0)
		fail(file, -rc, 0);
}

void pcapng_file_tick(struct pcapng_file *file)
{
	const uint64_t now = fg_monotonic_ns();

	if (file->error != 0) {
		if (now >= file->retry_ns)
			retry(file);
	} else if (now >= file->rotate_ns) {
		rotate(file);
	}
	if (now < file->tick_ns)
		return;
	file->tick_ns = now + TICK_NS;
	if (file->error == 0)
		pcapng_finished_tick(&file->finished, 1, file->size + file->used);
	else
		pcapng_finished_tick(&file->finished, 0, 0);
}

bool pcapng_file_add(struct pcapng_file *file, struct rte_mbuf *mbuf)
{
	struct fg_meta *meta = fg_meta(mbuf);
	const char *rule = fg_names_get(meta->rule_id);
	const size_t bytes = pcapng_packet_max(mbuf, rule);

	file->counts.taken[meta->source]++;
	if (file->error == 0 && is_full(file, bytes))
		rotate(file);
	if (file->error == 0)
		make_room(file, bytes);
	if (file->error == 0 && file->n_held == PCAPNG_HELD_MAX)
		pcapng_file_flush(file);
	if (file->error != 0) {
		lose(file, rte_pktmbuf_pkt_len(mbuf), fg_meta_give_up(meta));
		return false;
	}
	file->used += pcapng_packet(file->buffer + file->used, mbuf, rule);
	file->n_packets++;
	file->counts.delivered[meta->source]++;
	if (!fg_meta_is_shared(meta))
		return false;
	file->held[file->n_held++] = (struct pcapng_held){.mbuf = mbuf, .end = file->used};
	return true;
}

static void add_statistics(struct pcapng_file *file)
{
	make_room(file, statistics_bytes(file));
	if (file->error == 0)
		put_statistics(file);
}

void pcapng_file_end(struct pcapng_file *file)
{
	int rc;

	if (file->error == 0)
		add_statistics(file);
	pcapng_file_flush(file);
	rc = finish(file);
	if (rc != 0) {
		fail(file, -rc, 0);
		file->retry_ns = 0; /* the next file may do better */
	}
}

void pcapng_file_free(struct pcapng_file *file)
{
	(void)pcapng_output_close(&file->out);
	pcapng_finished_free(&file->finished);
	free(file->head);
	file->head = NULL;
	free(file->buffer);
	file->buffer = NULL;
}
