/* SPDX-License-Identifier: MIT */
/* Writes capture files, pcap or pcapng, with times in nanoseconds. */
#ifndef CAPTURE_FILE_H
#define CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_file;

struct capture_format {
	const char *name; /* of --format, and the suffix of files */
	/* Each writes bytes to `to` and returns how many. */
	size_t (*header)(uint8_t *to);
	/* Before the bytes of a packet; time_ns is below 2^32 seconds. */
	size_t (*before)(uint8_t *to, uint64_t time_ns, uint32_t cap_len, uint32_t len);
	/* After the bytes of a packet. */
	size_t (*after)(uint8_t *to, uint32_t cap_len);
};

/* All formats, ended by a row without a name. The first is the default. */
extern const struct capture_format capture_formats[];

/* Create or truncate path; 0 or -errno. path is copied. */
int capture_file_open(const char *path, const struct capture_format *format,
		      struct capture_file **out);

/* Append a packet; 0 or -errno. */
int capture_file_write(struct capture_file *file, uint64_t time_ns, const uint8_t *data,
		       uint32_t cap_len, uint32_t len);

/* Flush the buffer and close the file; 0 or -errno. */
int capture_file_finish(struct capture_file *file);

/* Free the file, and remove it from the disk unless keep. NULL is allowed. */
void capture_file_free(struct capture_file *file, bool keep);

const char *capture_file_path(const struct capture_file *file);

#endif /* CAPTURE_FILE_H */
