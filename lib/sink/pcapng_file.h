/* SPDX-License-Identifier: MIT */
/*
 * The files of a pcapng sink: one after the other, each complete by itself.
 *
 * One thread at a time. After the first write that fails every packet is
 * counted in sink->lost, until the next pcapng_file_begin().
 */
#ifndef PCAPNG_FILE_H
#define PCAPNG_FILE_H

#include <stdatomic.h>
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
	int error;                        /* errno of the first failure, or 0 */
	bool regular;                     /* can be truncated */
	off_t start;                      /* offset of the first block in the file */
	uint64_t size;                    /* bytes written, whole blocks */
	uint64_t n_packets;               /* in this file and in the buffer */
	uint64_t received[UINT8_MAX + 1]; /* the same by source */

	uint8_t *buffer;
	size_t used, room; /* bytes */

	_Atomic bool abandoned; /* control sets it: write nothing more, the program must end */
};

/* Allocate; 0 or -ENOMEM. `file` is zeroed but for sink, path.pattern and rotate_bytes. */
int pcapng_file_init(struct pcapng_file *file);

/* Open the next file; its head is in the buffer. 0 or -errno; file->error is set. */
int pcapng_file_begin(struct pcapng_file *file);

/* Add a packet to the buffer, and write that when it is full. The caller keeps the mbuf. */
void pcapng_file_add(struct pcapng_file *file, struct rte_mbuf *mbuf);

/* Write the buffer. May block. */
void pcapng_file_flush(struct pcapng_file *file);

/* Add the statistics, write all and close. The file is complete if file->error is 0. */
void pcapng_file_end(struct pcapng_file *file);

/* Free everything. */
void pcapng_file_free(struct pcapng_file *file);

#endif /* PCAPNG_FILE_H */
