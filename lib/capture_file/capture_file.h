/* SPDX-License-Identifier: MIT */
/* What the parts of the reader share: the open file, and reading from it with checks. */
#ifndef CAPTURE_FILE_H
#define CAPTURE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#include <fg_capture_file.h>

#include "stream.h"

/* Link headers are at most so much longer than the Ethernet header that replaces them. */
#define LINK_ROOM    256u
#define CAPTURED_MAX (FG_CAPTURE_FRAME_MAX + LINK_ROOM)
/* Before the captured bytes: room for an Ethernet header. */
#define HEADROOM 16u

/* An interface of a pcapng section; a pcap file has one. */
struct interface {
	uint32_t link;       /* Link type, LINKTYPE_* of the registry. */
	uint32_t snap_bytes; /* 0: no limit. Only simple packet blocks need it. */
	int64_t offset_s;    /* Added to each time. */
	uint8_t resolution;  /* if_tsresol: 10^-N s, or 2^-(N & 0x7f) s with the top bit. */
};

struct fg_capture_file {
	struct stream *stream;
	char *name;
	int (*next)(struct fg_capture_file *file, struct fg_capture_packet *packet,
		    struct fg_error *error);
	uint64_t offset; /* Of the next byte, decompressed. */
	uint64_t begin;  /* Offset of the current record or block. */
	uint64_t count;  /* Packets so far, with the current one. */
	bool in_packet;  /* The current block holds a packet. */
	bool swapped;    /* Its byte order is not that of this machine. */

	/* pcap. */
	uint32_t record_bytes; /* Of a record's header. */
	uint16_t minor;        /* Of the version. */
	bool lengths_swapped;

	/* pcapng. */
	uint32_t left; /* Bytes of the current block that were not read. */
	uint64_t last_ns;

	struct interface *interfaces;
	uint32_t n_interfaces;
	uint8_t bytes[HEADROOM + CAPTURED_MAX];
};

static inline uint16_t get16(const struct fg_capture_file *file, const uint8_t *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return file->swapped ? rte_bswap16(value) : value;
}

static inline uint32_t get32(const struct fg_capture_file *file, const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return file->swapped ? rte_bswap32(value) : value;
}

/* Set @error: the file, packet and offset, then the text. -EINVAL. */
int capture_refuse(const struct fg_capture_file *file, struct fg_error *error, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));

/* Read so many bytes. 1; 0 if the file ends before the first one; -EINVAL with @error set. */
int capture_read(struct fg_capture_file *file, void *to, size_t bytes, struct fg_error *error);

/* Read on within a record or block: that the file ends is an error. 0, -EINVAL with @error set. */
int capture_read_on(struct fg_capture_file *file, void *to, size_t bytes, struct fg_error *error);

/* Skip so many bytes. 0, or -EINVAL with @error set. */
int capture_skip(struct fg_capture_file *file, uint32_t bytes, struct fg_error *error);

/*
 * Read the captured bytes of a packet and make an Ethernet frame of them. The time is already set.
 * 1, or -EINVAL with @error set.
 */
int capture_packet(struct fg_capture_file *file, const struct interface *interface,
		   uint32_t captured, uint32_t wire, struct fg_capture_packet *packet,
		   struct fg_error *error);

/* The file begins with these 4 bytes. 1: it is of that format, and opened; 0: it is not; -errno. */
int capture_pcap_open(struct fg_capture_file *file, const uint8_t magic[4], struct fg_error *error);
int capture_pcapng_open(struct fg_capture_file *file, const uint8_t magic[4],
			struct fg_error *error);

/*
 * Read the options of an interface description block, up to its end. 0, or -EINVAL with @error set.
 */
int capture_interface_options(struct fg_capture_file *file, struct interface *interface,
			      struct fg_error *error);

/* Take bytes of the current block, of what stands before its closing length. 0, or -EINVAL. */
int capture_block_take(struct fg_capture_file *file, void *to, uint32_t bytes,
		       struct fg_error *error);
int capture_block_skip(struct fg_capture_file *file, uint32_t bytes, struct fg_error *error);

#endif /* CAPTURE_FILE_H */
