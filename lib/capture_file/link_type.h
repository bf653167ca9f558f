/* SPDX-License-Identifier: MIT */
/* Link types: what becomes an Ethernet frame, and how. */
#ifndef CAPTURE_FILE_LINK_TYPE_H
#define CAPTURE_FILE_LINK_TYPE_H

#include "capture_file.h"

/* A packet's bytes. HEADROOM bytes before them may be overwritten, and so may the bytes. */
struct link_frame {
	uint8_t *data;
	uint32_t length;
	uint32_t wire_len;
};

/* Whether packets of that link type can be read. 0, or -EINVAL with @error set. */
int link_check(const struct fg_capture_file *file, uint32_t link, struct fg_error *error);

/* Make an Ethernet frame of a packet whose type link_check() accepted. 0, or -EINVAL. */
int link_to_ethernet(const struct fg_capture_file *file, uint32_t link, struct link_frame *frame,
		     struct fg_error *error);

#endif /* CAPTURE_FILE_LINK_TYPE_H */
