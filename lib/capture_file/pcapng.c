/* SPDX-License-Identifier: MIT */
/*
 * pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each section with its own byte order and
 * interfaces. Blocks that hold no packet and describe no interface are skipped.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <rte_common.h>

#include "capture_file.h"
#include "link_type.h"

#define SECOND_NS         1000000000u
#define INTERFACES_MAX    65536u
#define BYTE_ORDER_MAGIC  0x1a2b3c4du
#define BLOCK_BYTES_MIN   12u /* Type, length, and the length again. */
#define SECTION_BYTES_MIN 28u
#define CLOSING_BYTES     4u

enum block_type {
	BLOCK_SECTION = 0x0a0d0d0a, /* The same in both byte orders. */
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* Obsolete. */
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
};

static int too_short(struct fg_capture_file *file, struct fg_error *error)
{
	return capture_refuse(file, error, "its length is too short for its contents");
}

int capture_block_take(struct fg_capture_file *file, void *to, uint32_t bytes,
		       struct fg_error *error)
{
	if (bytes > file->left - CLOSING_BYTES)
		return too_short(file, error);
	file->left -= bytes;
	return capture_read_on(file, to, bytes, error);
}

int capture_block_skip(struct fg_capture_file *file, uint32_t bytes, struct fg_error *error)
{
	if (bytes > file->left - CLOSING_BYTES)
		return too_short(file, error);
	file->left -= bytes;
	return capture_skip(file, bytes, error);
}

/* Begin a block of @total bytes, of which @taken were read. */
static int begin_block(struct fg_capture_file *file, uint32_t total, uint32_t taken,
		       struct fg_error *error)
{
	if (total < RTE_MAX(taken + CLOSING_BYTES, BLOCK_BYTES_MIN))
		return capture_refuse(file, error, "length %u, expected at least %u", total,
				      RTE_MAX(taken + CLOSING_BYTES, BLOCK_BYTES_MIN));
	if (total % 4 != 0)
		return capture_refuse(file, error, "length %u, expected a multiple of 4", total);
	file->left = total - taken;
	return 0;
}

/* Skip what is left of the block, and check that the same length ends it. */
static int end_block(struct fg_capture_file *file, uint32_t total, struct fg_error *error)
{
	uint8_t closing[CLOSING_BYTES];
	int rc = capture_block_skip(file, file->left - CLOSING_BYTES, error);

	if (rc == 0)
		rc = capture_read_on(file, closing, sizeof(closing), error);
	if (rc == 0 && get32(file, closing) != total)
		rc = capture_refuse(file, error, "it begins with length %u and ends with %u", total,
				    get32(file, closing));
	return rc;
}

/* A section header block, whose type and length were read: the byte order of what follows. */
static int read_section(struct fg_capture_file *file, const uint8_t length[4],
			struct fg_error *error)
{
	uint8_t header[SECTION_BYTES_MIN - BLOCK_BYTES_MIN];
	uint16_t major, minor;
	int rc = capture_read_on(file, header, sizeof(header), error);

	if (rc != 0)
		return rc;
	file->swapped = false;
	file->swapped = get32(file, header) != BYTE_ORDER_MAGIC;
	if (get32(file, header) != BYTE_ORDER_MAGIC)
		return capture_refuse(file, error, "a section without a byte-order magic");
	major = get16(file, header + 4);
	minor = get16(file, header + 6);
	if (major != 1 || (minor != 0 && minor != 2))
		return capture_refuse(file, error, "pcapng version %u.%u, expected 1.0", major,
				      minor);
	file->n_interfaces = 0;
	rc = begin_block(file, get32(file, length), SECTION_BYTES_MIN - CLOSING_BYTES, error);
	return rc == 0 ? end_block(file, get32(file, length), error) : rc;
}

static int read_interface(struct fg_capture_file *file, struct fg_error *error)
{
	struct interface interface = {.resolution = 6};
	uint8_t fixed[8];
	int rc = capture_block_take(file, fixed, sizeof(fixed), error);

	if (rc != 0)
		return rc;
	interface.link = get16(file, fixed);
	interface.snap_bytes = get32(file, fixed + 4);
	rc = capture_interface_options(file, &interface, error);
	if (rc != 0)
		return rc;
	if (file->n_interfaces == INTERFACES_MAX)
		return capture_refuse(file, error, "more than %u interfaces", INTERFACES_MAX);
	if ((file->n_interfaces & (file->n_interfaces - 1)) == 0) {
		const size_t room = file->n_interfaces > 0 ? 2 * (size_t)file->n_interfaces : 1;
		struct interface *grown = realloc(file->interfaces, room * sizeof(*grown));

		if (grown == NULL)
			return fg_error_set(error, ENOMEM, "%s: out of memory", file->name);
		file->interfaces = grown;
	}
	file->interfaces[file->n_interfaces++] = interface;
	return 0;
}

/* Convert a time to UTC ns, rounded down. */
static int to_ns(const struct fg_capture_file *file, const struct interface *interface,
		 uint64_t time, uint64_t *ns, struct fg_error *error)
{
	const unsigned int exponent = interface->resolution & 0x7f;
	unsigned __int128 value = time;
	__int128 sum;

	if ((interface->resolution & 0x80) != 0)
		value = (value * SECOND_NS) >> exponent;
	for (unsigned int i = 9; i < exponent && (interface->resolution & 0x80) == 0; i++)
		value /= 10;
	for (unsigned int i = exponent; i < 9 && (interface->resolution & 0x80) == 0; i++)
		value *= 10;
	sum = (__int128)value + (__int128)interface->offset_s * SECOND_NS;
	if (sum < 0 || sum > INT64_MAX)
		return capture_refuse(file, error, "its time is %s, expected 1970 to 2262",
				      sum < 0 ? "before 1970" : "after 2262");
	*ns = (uint64_t)sum;
	return 0;
}

static const struct interface *find_interface(const struct fg_capture_file *file, uint32_t number,
					      struct fg_error *error)
{
	if (number < file->n_interfaces)
		return &file->interfaces[number];
	(void)capture_refuse(file, error, "it names interface %u, but the section has %u", number,
			     file->n_interfaces);
	return NULL;
}

/* An enhanced packet block, or the obsolete packet block, which counts drops, too. */
static int read_packet(struct fg_capture_file *file, enum block_type type,
		       struct fg_capture_packet *packet, struct fg_error *error)
{
	const struct interface *interface;
	uint32_t captured;
	uint8_t fixed[20];
	int rc = capture_block_take(file, fixed, sizeof(fixed), error);

	if (rc != 0)
		return rc;
	interface = find_interface(
		file, type == BLOCK_PACKET ? get16(file, fixed) : get32(file, fixed), error);
	if (interface == NULL)
		return -EINVAL;
	captured = get32(file, fixed + 12);
	if (captured > file->left - CLOSING_BYTES)
		return capture_refuse(file, error, "it says %u bytes, but has room for %u",
				      captured, file->left - CLOSING_BYTES);
	rc = to_ns(file, interface, (uint64_t)get32(file, fixed + 4) << 32 | get32(file, fixed + 8),
		   &packet->ns, error);
	if (rc != 0)
		return rc;
	file->left -= captured;
	file->last_ns = packet->ns;
	return capture_packet(file, interface, captured, get32(file, fixed + 16), packet, error);
}

/* A simple packet block: of the first interface, whose snapshot length counts; without a time. */
static int read_simple(struct fg_capture_file *file, struct fg_capture_packet *packet,
		       struct fg_error *error)
{
	const struct interface *interface;
	uint32_t captured, wire;
	uint8_t fixed[4];
	int rc = capture_block_take(file, fixed, sizeof(fixed), error);

	if (rc != 0)
		return rc;
	interface = find_interface(file, 0, error);
	if (interface == NULL)
		return -EINVAL;
	captured = wire = get32(file, fixed);
	if (interface->snap_bytes != 0)
		captured = RTE_MIN(wire, interface->snap_bytes);
	if (captured > file->left - CLOSING_BYTES)
		return capture_refuse(file, error, "it says %u bytes, but has room for %u",
				      captured, file->left - CLOSING_BYTES);
	file->left -= captured;
	packet->ns = file->last_ns;
	return capture_packet(file, interface, captured, wire, packet, error);
}

/* The contents of a block. 1: it was a packet; 0; -errno. */
static int read_contents(struct fg_capture_file *file, uint32_t type,
			 struct fg_capture_packet *packet, struct fg_error *error)
{
	switch (type) {
	case BLOCK_INTERFACE:
		return read_interface(file, error);
	case BLOCK_PACKET:
	case BLOCK_SIMPLE:
	case BLOCK_ENHANCED:
		file->in_packet = true;
		file->count++;
		return type == BLOCK_SIMPLE ? read_simple(file, packet, error)
					    : read_packet(file, type, packet, error);
	default:
		return 0;
	}
}

/* Read a block. 2: it was not a packet; else as fg_capture_file_next(). */
static int read_block(struct fg_capture_file *file, struct fg_capture_packet *packet,
		      struct fg_error *error)
{
	uint8_t head[8];
	uint32_t total;
	int rc, found;

	file->begin = file->offset;
	file->in_packet = false;
	rc = capture_read(file, head, sizeof(head), error);
	if (rc != 1)
		return rc;
	if (get32(file, head) == BLOCK_SECTION) {
		rc = read_section(file, head + 4, error);
		return rc == 0 ? 2 : rc;
	}
	total = get32(file, head + 4);
	rc = begin_block(file, total, sizeof(head), error);
	if (rc != 0)
		return rc;
	found = read_contents(file, get32(file, head), packet, error);
	if (found < 0)
		return found;
	rc = end_block(file, total, error);
	if (rc != 0)
		return rc;
	return found == 1 ? 1 : 2;
}

static int pcapng_next(struct fg_capture_file *file, struct fg_capture_packet *packet,
		       struct fg_error *error)
{
	int rc;

	do
		rc = read_block(file, packet, error);
	while (rc == 2);
	return rc;
}

int capture_pcapng_open(struct fg_capture_file *file, const uint8_t magic[4],
			struct fg_error *error)
{
	uint8_t length[4];
	int rc;

	file->swapped = false;
	if (get32(file, magic) != BLOCK_SECTION)
		return 0;
	file->next = pcapng_next;
	rc = capture_read_on(file, length, sizeof(length), error);
	if (rc == 0)
		rc = read_section(file, length, error);
	return rc < 0 ? rc : 1;
}
