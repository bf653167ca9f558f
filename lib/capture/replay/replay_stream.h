/* SPDX-License-Identifier: MIT */
/* The bytes of a capture file, decompressed if necessary. Control only. */
#ifndef CAPTURE_REPLAY_STREAM_H
#define CAPTURE_REPLAY_STREAM_H

#include <stdint.h>
#include <stdio.h>

#include <fg_error.h>

struct replay_stream;

/*
 * Open a file or pipe. gzip, zstd, xz, lz4, bzip2, lzip and compress are recognised by the first
 * bytes; other contents are read unchanged. 0, or -errno with @error set.
 */
int replay_stream_open(const char *path, struct replay_stream **out, struct fg_error *error);

/*
 * The FILE to read from. The caller closes it, before the stream. At damaged data reading stops and
 * ferror() is true.
 */
FILE *replay_stream_take(struct replay_stream *stream);

/* Why reading stopped: "gzip: incorrect data check"; NULL unless decompression failed. */
const char *replay_stream_fault(const struct replay_stream *stream);

/*
 * Bytes of the (compressed) file that were read, and its size; both 0 if unknown. Valid while the
 * FILE is open.
 */
void replay_stream_progress(const struct replay_stream *stream, uint64_t *done, uint64_t *total);

/* Close the stream. NULL is allowed. */
void replay_stream_close(struct replay_stream *stream);

#endif /* CAPTURE_REPLAY_STREAM_H */
