/* SPDX-License-Identifier: MIT */
/*
 * pcap: a header of 24 bytes, then records. The snapshot length in the header is not used: programs
 * write records that are longer.
 */
#include <errno.h>
#include <stdlib.h>

#include "capture_file.h"
#include "link_type.h"

#define SECOND_NS   1000000000u
#define MICRO       6u
#define NANO        9u
#define HEADER_REST 20u /* After the magic number. */
#define RECORD      16u
#define RECORD_LONG 24u     /* Of the format with the interface and protocol of a packet. */
#define LINK_MASK   0xffffu /* The upper bits describe the frame check sequence. */
#define MAJOR       2u
#define MAJOR_DG_UX 543u /* Lengths swapped, as in versions before 2.3. */

static const struct format {
	uint32_t magic;
	uint32_t record_bytes;
	uint8_t resolution;
} formats[] = {
	{0xa1b2c3d4, RECORD, MICRO},
	{0xa1b23c4d, RECORD, NANO},
	{0xa1b2cd34, RECORD_LONG, MICRO},
};

static int pcap_next(struct fg_capture_file *file, struct fg_capture_packet *packet,
		     struct fg_error *error)
{
	const struct interface *interface = file->interfaces;
	const uint32_t unit_ns = interface->resolution == NANO ? 1 : 1000;
	uint32_t captured, wire;
	uint8_t record[RECORD_LONG];
	int rc;

	file->begin = file->offset;
	file->in_packet = true;
	file->count++;
	rc = capture_read(file, record, file->record_bytes, error);
	if (rc != 1)
		return rc;
	captured = get32(file, record + 8);
	wire = get32(file, record + 12);
	/* Version 2.3 was written in both ways. */
	if (file->lengths_swapped || (file->minor == 3 && captured > wire)) {
		captured = wire;
		wire = get32(file, record + 8);
	}
	packet->ns = (uint64_t)get32(file, record) * SECOND_NS +
		     (uint64_t)get32(file, record + 4) * unit_ns;
	return capture_packet(file, interface, captured, wire, packet, error);
}

static int read_version(struct fg_capture_file *file, const uint8_t header[HEADER_REST],
			struct fg_error *error)
{
	const uint16_t major = get16(file, header);

	file->minor = get16(file, header + 2);
	if (major != MAJOR && major != MAJOR_DG_UX)
		return capture_refuse(file, error, "pcap version %u.%u, expected 2.4", major,
				      file->minor);
	if (major == MAJOR && file->minor > 4)
		return capture_refuse(file, error, "pcap version %u.%u, expected 2.4", major,
				      file->minor);
	file->lengths_swapped = major == MAJOR_DG_UX || file->minor < 3;
	return 0;
}

int capture_pcap_open(struct fg_capture_file *file, const uint8_t magic[4], struct fg_error *error)
{
	const struct format *format = NULL;
	uint8_t header[HEADER_REST];
	int rc;

	for (unsigned int i = 0; i < RTE_DIM(formats) && format == NULL; i++) {
		uint32_t value;

		memcpy(&value, magic, sizeof(value));
		file->swapped = value == rte_bswap32(formats[i].magic);
		if (file->swapped || value == formats[i].magic)
			format = &formats[i];
	}
	if (format == NULL)
		return 0;
	rc = capture_read_on(file, header, sizeof(header), error);
	if (rc == 0)
		rc = read_version(file, header, error);
	if (rc == 0)
		rc = link_check(file, get32(file, header + 16) & LINK_MASK, error);
	if (rc != 0)
		return rc;
	file->interfaces = malloc(sizeof(*file->interfaces));
	if (file->interfaces == NULL)
		return fg_error_set(error, ENOMEM, "%s: out of memory", file->name);
	file->interfaces[0] = (struct interface){.link = get32(file, header + 16) & LINK_MASK,
						 .resolution = format->resolution};
	file->n_interfaces = 1;
	file->record_bytes = format->record_bytes;
	file->next = pcap_next;
	return 1;
}
