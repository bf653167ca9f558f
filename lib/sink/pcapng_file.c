/* SPDX-License-Identifier: MIT */
#include "pcapng_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fg_log.h>
#include <fg_names.h>

#include "pcapng_block.h"

/* Room for the head of a file with 64 sources, and for many packets in one write(2). */
#define BUFFER_BYTES (1u << 20)
#define POLL_MS      100 /* between looks at `abandoned` */

static_assert(PCAPNG_SECTION_MAX_BYTES + 256 * PCAPNG_INTERFACE_MAX_BYTES < BUFFER_BYTES,
	      "the head of a file fits");

int pcapng_file_init(struct pcapng_file *file)
{
	file->fd = -1;
	file->room = BUFFER_BYTES;
	file->buffer = malloc(file->room);
	return file->buffer != NULL ? 0 : -ENOMEM;
}

static void fail(struct pcapng_file *file, int code)
{
	if (file->error != 0)
		return;
	file->error = code;
	fg_log(ERR, "sink %s: %s: %s", file->sink->name, file->path.text, strerror(code));
}

/*
 * Two writers would corrupt the file: another sink of this process, or a second feedgate. File
 * systems without locks cannot tell. 0 or errno.
 */
static int lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK ? EBUSY : 0;
}

static int open_file(struct pcapng_file *file)
{
	const bool to_stdout = strcmp(file->path.pattern, PCAPNG_PATH_STDOUT) == 0;
	struct stat at;
	int code = 0;

	/* Truncate after locking: a file in use must not change. */
	file->fd = to_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
			     : open(file->path.text, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (file->fd < 0 || fstat(file->fd, &at) != 0)
		return errno;
	file->regular = S_ISREG(at.st_mode);
	file->start = to_stdout ? at.st_size : 0;
	if (file->regular && !to_stdout) {
		code = lock(file->fd);
		if (code == 0 && ftruncate(file->fd, 0) != 0)
			code = errno;
	}
	return code;
}

static void add_head(struct pcapng_file *file)
{
	const struct fg_sink *sink = file->sink;

	file->used = pcapng_section(file->buffer);
	for (uint16_t i = 0; i < sink->n_sources; i++)
		file->used += pcapng_interface(file->buffer + file->used, sink->source_names[i]);
}

/* Close, if open. Some file systems report an error (a quota, a server) only now. */
static void close_file(struct pcapng_file *file)
{
	if (file->fd >= 0 && close(file->fd) != 0 && errno != EINTR)
		fail(file, errno);
	file->fd = -1;
}

int pcapng_file_begin(struct pcapng_file *file)
{
	int code;

	file->error = 0;
	file->size = 0;
	file->used = 0;
	file->n_packets = 0;
	memset(file->received, 0, sizeof(file->received));
	code = -pcapng_path_next(&file->path);
	if (code == 0)
		code = open_file(file);
	if (code != 0) {
		fail(file, code);
		close_file(file);
		return -code;
	}
	add_head(file);
	return 0;
}

static void add_lost(struct pcapng_file *file, uint64_t packets, uint64_t bytes)
{
	fg_flow_counter_add(&file->sink->lost, packets, bytes);
}

/*
 * Only `done` bytes of the buffer reached the file. Packets in the remaining blocks are lost, and
 * a partial block is cut off.
 */
static void give_up(struct pcapng_file *file, size_t done)
{
	size_t whole = 0, at = 0;
	uint32_t captured;

	while (at < file->used) {
		const uint8_t *block = file->buffer + at;

		at += pcapng_block_bytes(block);
		if (at <= done)
			whole = at;
		else if (pcapng_block_is_packet(block, &captured))
			add_lost(file, 1, captured);
	}
	file->size += whole;
	if (file->regular && done > whole &&
	    ftruncate(file->fd, file->start + (off_t)file->size) != 0)
		fg_log(ERR, "sink %s: %s: its last block is incomplete: %s", file->sink->name,
		       file->path.text, strerror(errno));
}

void pcapng_file_flush(struct pcapng_file *file)
{
	size_t done = 0;

	while (done < file->used && file->error == 0) {
		ssize_t n;

		if (atomic_load_explicit(&file->abandoned, memory_order_relaxed)) {
			fail(file, ETIMEDOUT);
			break;
		}
		n = write(file->fd, file->buffer + done, file->used - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			fail(file, EIO);
		else if (errno == EAGAIN) /* standard output may be a non-blocking pipe */
			poll(&(struct pollfd){.fd = file->fd, .events = POLLOUT}, 1, POLL_MS);
		else if (errno != EINTR)
			fail(file, errno);
	}
	if (file->error != 0)
		give_up(file, done);
	else
		file->size += done;
	file->used = 0;
}

static size_t statistics_bytes(const struct pcapng_file *file)
{
	return (size_t)file->sink->n_sources * PCAPNG_STATISTICS_MAX_BYTES;
}

/* A file has at least one packet, or rotation would never end. */
static bool is_full(const struct pcapng_file *file, size_t more_bytes)
{
	return file->rotate_bytes != 0 && file->n_packets > 0 && file->error == 0 &&
	       file->size + file->used + more_bytes + statistics_bytes(file) > file->rotate_bytes;
}

/* Make room for `bytes` in the buffer. It grows for a frame that is larger than the buffer. */
static void make_room(struct pcapng_file *file, size_t bytes)
{
	if (file->used + bytes > file->room)
		pcapng_file_flush(file);
	if (file->error == 0 && bytes > file->room) {
		uint8_t *larger = realloc(file->buffer, bytes);

		if (larger == NULL) {
			fail(file, ENOMEM);
			return;
		}
		file->buffer = larger;
		file->room = bytes;
	}
}

void pcapng_file_add(struct pcapng_file *file, struct rte_mbuf *mbuf)
{
	const char *rule = fg_names_get(fg_meta(mbuf)->rule_id);
	const size_t bytes = pcapng_packet_max(mbuf, rule);

	if (is_full(file, bytes)) {
		pcapng_file_end(file);
		if (file->error == 0)
			pcapng_file_begin(file);
	}
	if (file->error == 0)
		make_room(file, bytes);
	if (file->error != 0) {
		add_lost(file, 1, rte_pktmbuf_pkt_len(mbuf));
		return;
	}
	file->used += pcapng_packet(file->buffer + file->used, mbuf, rule);
	file->n_packets++;
	file->received[fg_meta(mbuf)->source]++;
}

static void add_statistics(struct pcapng_file *file)
{
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	make_room(file, statistics_bytes(file));
	if (file->error != 0)
		return;
	for (uint16_t i = 0; i < file->sink->n_sources; i++)
		file->used +=
			pcapng_statistics(file->buffer + file->used, i, now_ns, file->received[i]);
}

void pcapng_file_end(struct pcapng_file *file)
{
	if (file->error == 0)
		add_statistics(file);
	if (file->error == 0)
		pcapng_file_flush(file);
	close_file(file);
}

void pcapng_file_free(struct pcapng_file *file)
{
	close_file(file);
	free(file->buffer);
	file->buffer = NULL;
	pcapng_path_reset(&file->path);
}
