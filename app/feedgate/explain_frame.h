/* SPDX-License-Identifier: MIT */
/* The bytes of the packet that `explain` is about: made of fields, or read from a capture. */
#ifndef EXPLAIN_FRAME_H
#define EXPLAIN_FRAME_H

#include <stdint.h>

#include <fg_error.h>

#define EXPLAIN_FRAME_BYTES 65535u

struct explain_fields;

/* Make a frame; @frame has room for EXPLAIN_FRAME_BYTES. @return its bytes. */
uint32_t explain_frame_make(const struct explain_fields *fields, uint8_t *frame);

/* Read packet fields->number of fields->path. 0 or -errno with @error set. */
int explain_frame_load(const struct explain_fields *fields, uint8_t *frame, uint32_t *length,
		       struct fg_error *error);

#endif /* EXPLAIN_FRAME_H */
