/* SPDX-License-Identifier: MIT */
/*
 * The files of a pcapng sink: one after the other, each complete by itself.
 *
 * One thread at a time. After a write that fails, the file ends with its last complete packet, and
 * packets are counted in sink->lost until a new file can be written: pcapng_file_tick().
 */
#ifndef PCAPNG_FILE_H
#define PCAPNG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <fg_sink.h>

#include "pcapng_counts.h"
#include "pcapng_finished.h"
#include "pcapng_output.h"

#define PCAPNG_HELD_MAX 64u

/* A packet in the buffer that other sinks have, too. */
struct pcapng_held {
	struct rte_mbuf *mbuf;
	size_t end; /* of its block in the buffer */
};

struct pcapng_file {
	struct fg_sink *sink;
	struct pcapng_output out;
	struct pcapng_finished finished;
	uint64_t rotate_bytes; /* 0: never */
	uint64_t rotate_s;     /* at multiples of it, UTC; 0: never */
	uint64_t rotate_ns;    /* when the next one is, monotonic clock; UINT64_MAX: never */
	uint64_t tick_ns;      /* when to look after finished files; the same clock */

	uint8_t *head; /* what every file begins with */
	size_t head_bytes;
	bool head_due;      /* the file's head is not written yet */
	uint64_t size;      /* bytes written, whole blocks */
	uint64_t n_packets; /* in this file and in the buffer */
	struct pcapng_counts counts;

	uint8_t *buffer;
	size_t used, room; /* bytes */
	struct pcapng_held held[PCAPNG_HELD_MAX];
	unsigned int n_held;

	int error;                   /* errno while no file can be written, else 0 */
	uint64_t retry_ns;           /* when to try again; monotonic clock, as all of these */
	uint64_t logged_ns;          /* when a failure was logged last; 0: never */
	bool logged;                 /* this failure was logged */
	uint64_t lost;               /* packets, since this failure */
	int first_error;             /* errno of the first failure since begin, or 0 */
	uint64_t all_lost;           /* packets, since begin */
	char first_failed[PATH_MAX]; /* the file of first_error */
};

/* Allocate; 0 or -ENOMEM. `file` is zeroed but for sink and what the configuration has. */
int pcapng_file_init(struct pcapng_file *file);

/* Open the first file. Its head is written by the next flush. 0 or -errno. May wait for a reader.
 */
int pcapng_file_begin(struct pcapng_file *file);

/*
 * Add a packet to the buffer, and write that when it is full.
 * Returns true if the file keeps the reference to the mbuf for a while, false if the caller does.
 */
bool pcapng_file_add(struct pcapng_file *file, struct rte_mbuf *mbuf);

/* Write the buffer. May block. */
void pcapng_file_flush(struct pcapng_file *file);

/* As often as possible: after a failure, try a new file; rotate when it is time. */
void pcapng_file_tick(struct pcapng_file *file);

/* Add the statistics, write all and close. */
void pcapng_file_end(struct pcapng_file *file);

/* Free everything. */
void pcapng_file_free(struct pcapng_file *file);

#endif /* PCAPNG_FILE_H */
