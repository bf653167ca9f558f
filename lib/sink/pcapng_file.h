/* SPDX-License-Identifier: MIT */
/*
 * What a pcapng sink writes: one file after the other, each complete by itself.
 *
 * One thread at a time. The first write that fails ends it: from then on every
 * packet is counted in sink->lost, until the next pcapng_file_begin().
 */
#ifndef PCAPNG_FILE_H
#define PCAPNG_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <rte_mbuf.h>

#include <fg_sink.h>

#include "pcapng_path.h"

struct pcapng_file {
	struct fg_sink *sink;
	struct pcapng_path path;
	uint64_t rotate_bytes; /* 0: never */

	int fd;                           /* -1: none */
	int error;                        /* errno of what went wrong, 0 if nothing did */
	bool regular;                     /* can be cut back */
	off_t start;                      /* where our first block stands in the file */
	uint64_t size;                    /* bytes written, whole blocks */
	uint64_t n_packets;               /* in this file, and waiting for it */
	uint64_t received[UINT8_MAX + 1]; /* the same by source */

	uint8_t *buffer;
	size_t used, room; /* bytes */
};

/* Allocate; 0 or -ENOMEM. `file` is zeroed but for sink, path.pattern and rotate_bytes. */
int pcapng_file_init(struct pcapng_file *file);

/* Open the next file; its head waits in the buffer. 0 or -errno, noted in file->error. */
int pcapng_file_begin(struct pcapng_file *file);

/* Write a packet, sooner or later; the mbuf stays the caller's. */
void pcapng_file_add(struct pcapng_file *file, struct rte_mbuf *mbuf);

/* Write what waits in the buffer. May block. */
void pcapng_file_flush(struct pcapng_file *file);

/* Add the statistics, write all and close. file->error tells whether it is complete. */
void pcapng_file_end(struct pcapng_file *file);

/* Free everything. */
void pcapng_file_free(struct pcapng_file *file);

#endif /* PCAPNG_FILE_H */
