/* SPDX-License-Identifier: MIT */
/* A capture file's bytes: as they lie in the file, or out of what compressed them. */
#ifndef CAPTURE_REPLAY_STREAM_H
#define CAPTURE_REPLAY_STREAM_H

#include <stdint.h>
#include <stdio.h>

#include <fg_error.h>

struct replay_stream;

/*
 * Open a file, which may be a pipe: gzip, zstd, xz, lz4, bzip2, lzip and compress are
 * known by how they begin, all else is taken as it is. 0 or -errno with error set.
 */
int replay_stream_open(const char *path, struct replay_stream **out, struct fg_error *error);

/*
 * What to read from; the caller closes it, before the stream. Reading stops, and ferror() is set,
 * at what is broken.
 */
FILE *replay_stream_take(struct replay_stream *stream);

/* Why reading stopped: "gzip: incorrect data check"; NULL unless decompression failed. */
const char *replay_stream_fault(const struct replay_stream *stream);

/*
 * How much of the file has been read, in bytes as they lie in it, and how much there is: both 0
 * if that cannot be told. While what was taken is open.
 */
void replay_stream_progress(const struct replay_stream *stream, uint64_t *done, uint64_t *total);

/* NULL is allowed. */
void replay_stream_close(struct replay_stream *stream);

#endif /* CAPTURE_REPLAY_STREAM_H */
