/* SPDX-License-Identifier: MIT */
/*
 * Where a pcapng sink writes: a new file under a free name, never one that exists; or a named pipe,
 * a device, or standard output. One thread at a time.
 */
#ifndef PCAPNG_OUTPUT_H
#define PCAPNG_OUTPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pcapng_path.h"

/* Mode and owner of new files. */
struct pcapng_owner {
	bool has_mode; /* else 0640, without the bits of the umask */
	mode_t mode;
	uid_t uid; /* -1: that of the process; also gid */
	gid_t gid;
};

/* Zeroed before first use but for path.pattern, owner, and fd, which is -1. */
struct pcapng_output {
	struct pcapng_owner owner;
	struct pcapng_path path; /* path.text: the name, for messages, too */
	int fd;                  /* -1: none */
	bool regular;            /* can be truncated */
	bool created;            /* a file that this sink made */
	off_t start;             /* offset of the first block in the file */
	_Atomic bool abandoned;  /* control sets it: write nothing more, the program must end */
};

/*
 * Open the next file. A name that exists is not opened, nor is a symbolic link followed.
 * @param wait  Of a named pipe: for a reader; else -ENXIO if it has none.
 * 0 or -errno.
 */
int pcapng_output_open(struct pcapng_output *out, bool wait);

/* Write all. May block. -ETIMEDOUT: abandoned. *done: bytes written, also on errors. 0 or -errno.
 */
int pcapng_output_write(struct pcapng_output *out, const uint8_t *data, size_t bytes, size_t *done);

/* Cut off what follows the first `bytes`, if it is a file, and go on there. 0 or -errno. */
int pcapng_output_cut(struct pcapng_output *out, uint64_t bytes);

/* Whether somebody deleted the file: what is written to it is lost. */
bool pcapng_output_deleted(const struct pcapng_output *out);

/* Close, if open. 0 or -errno: some file systems report an error (a quota, a server) only now. */
int pcapng_output_close(struct pcapng_output *out);

/* Close. A file that this sink made is deleted, and its name given again. */
void pcapng_output_discard(struct pcapng_output *out);

#endif /* PCAPNG_OUTPUT_H */
