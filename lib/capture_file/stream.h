/* SPDX-License-Identifier: MIT */
/* The bytes of a file, decompressed if necessary. Control only. */
#ifndef CAPTURE_FILE_STREAM_H
#define CAPTURE_FILE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>

struct stream;

/*
 * Open a file or pipe; @path NULL is standard input. gzip, zstd, xz, lz4, bzip2, lzip and compress
 * are recognised by the first bytes; other contents are read unchanged. 0, or -errno with @error
 * set, which begins with @name.
 */
int stream_open(const char *path, const char *name, struct stream **out, struct fg_error *error);

/* Read so many bytes; fewer at the end, or if stream_fault() has a reason. */
size_t stream_read(struct stream *stream, void *to, size_t bytes);

/* Why reading stopped: "gzip: incorrect data check"; NULL: no error. */
const char *stream_fault(const struct stream *stream);

/* Bytes of the (compressed) file that were read, and its size; both 0 if unknown. */
void stream_progress(const struct stream *stream, uint64_t *done, uint64_t *total);

/* Close the stream. NULL is allowed. */
void stream_close(struct stream *stream);

#endif /* CAPTURE_FILE_STREAM_H */
