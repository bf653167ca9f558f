/* SPDX-License-Identifier: MIT */
/* The options of an interface that matter here: how its times are to be read. */
#include "capture_file.h"

#define CLOSING_BYTES 4u

enum option_code {
	OPTION_END = 0,
	OPTION_RESOLUTION = 9, /* if_tsresol */
	OPTION_OFFSET = 14,    /* if_tsoffset */
};

/* Read an option of exactly @expected bytes, and its padding to a multiple of 4. */
static int take_value(struct fg_capture_file *file, const char *name, uint16_t bytes,
		      uint16_t expected, uint8_t value[8], struct fg_error *error)
{
	if (bytes != expected)
		return capture_refuse(file, error, "option %s has %u bytes, expected %u", name,
				      bytes, expected);
	return capture_block_take(file, value, RTE_ALIGN_CEIL((uint32_t)bytes, 4u), error);
}

static int read_option(struct fg_capture_file *file, uint16_t code, uint16_t bytes,
		       struct interface *interface, struct fg_error *error)
{
	uint8_t value[8] = {0};
	int rc;

	switch (code) {
	case OPTION_RESOLUTION:
		rc = take_value(file, "if_tsresol", bytes, 1, value, error);
		if (rc == 0)
			interface->resolution = value[0];
		return rc;
	case OPTION_OFFSET:
		rc = take_value(file, "if_tsoffset", bytes, 8, value, error);
		if (rc == 0) {
			memcpy(&interface->offset_s, value, sizeof(value));
			if (file->swapped)
				interface->offset_s =
					(int64_t)rte_bswap64((uint64_t)interface->offset_s);
		}
		return rc;
	default:
		return capture_block_skip(file, RTE_ALIGN_CEIL((uint32_t)bytes, 4u), error);
	}
}

int capture_interface_options(struct fg_capture_file *file, struct interface *interface,
			      struct fg_error *error)
{
	uint8_t head[4];
	int rc = 0;

	while (rc == 0 && file->left > CLOSING_BYTES) {
		rc = capture_block_take(file, head, sizeof(head), error);
		if (rc != 0 || get16(file, head) == OPTION_END)
			return rc;
		rc = read_option(file, get16(file, head), get16(file, head + 2), interface, error);
	}
	return rc;
}
