/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Reads capture files: pcap and pcapng, compressed or not, packet by packet.
 *
 * Every packet comes as an Ethernet frame. Ethernet frames are as captured. Packets of a few other
 * link types get a synthesised Ethernet header instead of their own, see docs/configuration.md;
 * others are refused.
 *
 * What a file says of itself is not believed: no length is used before it is checked. A file that
 * cannot be read right is refused, with its name, the place in it and the reason.
 *
 * Threads: one at a time for each file. Blocks while it reads.
 */
#ifndef FG_CAPTURE_FILE_H
#define FG_CAPTURE_FILE_H

#include <stdint.h>

#include <fg_error.h>

/** The longest frame that is read, in bytes. */
#define FG_CAPTURE_FRAME_MAX 65535u

struct fg_capture_file;

/** A packet of a file. */
struct fg_capture_packet {
	const uint8_t *data; /**< The captured bytes; valid until the next call. */
	uint32_t length;     /**< At most FG_CAPTURE_FRAME_MAX. */
	uint32_t wire_len;   /**< Bytes on the wire; at least length. */
	uint64_t ns;         /**< Recorded time, UTC ns; at most INT64_MAX. */
};

/**
 * Open a file or pipe. gzip, zstd, xz, lz4, bzip2, lzip and compress are recognised by the first
 * bytes.
 *
 * @param path  NULL: standard input.
 * @return 0, or -errno with @p error set, which begins with the path.
 */
int fg_capture_file_open(const char *path, struct fg_capture_file **out, struct fg_error *error);

/** Read the next packet. 1; 0 at the end of the file; -errno with @p error set. */
int fg_capture_file_next(struct fg_capture_file *file, struct fg_capture_packet *packet,
			 struct fg_error *error);

/** Bytes of the (compressed) file that were read, and its size; both 0 if unknown. */
void fg_capture_file_progress(const struct fg_capture_file *file, uint64_t *done, uint64_t *total);

/** NULL is allowed. */
void fg_capture_file_close(struct fg_capture_file *file);

#endif /* FG_CAPTURE_FILE_H */
