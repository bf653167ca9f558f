/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>

#include "capture_file.h"
#include "link_type.h"

static_assert(HEADROOM >= 14, "an Ethernet header fits");

int capture_refuse(const struct fg_capture_file *file, struct fg_error *error, const char *format,
		   ...)
{
	char reason[256], place[96] = "";
	const char *what = file->record_bytes > 0 ? "record" : "block";
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (file->in_packet)
		snprintf(place, sizeof(place),
			 "packet %" PRIu64 " (%s at byte %" PRIu64 "): ", file->count, what,
			 file->begin);
	else if (file->offset > file->begin && file->next != NULL)
		snprintf(place, sizeof(place), "%s at byte %" PRIu64 ": ", what, file->begin);
	return fg_error_set(error, EINVAL, "%s: %s%s", file->name, place, reason);
}

int capture_read(struct fg_capture_file *file, void *to, size_t bytes, struct fg_error *error)
{
	const size_t got = stream_read(file->stream, to, bytes);
	const char *fault = stream_fault(file->stream);

	file->offset += got;
	if (got == bytes)
		return 1;
	if (fault != NULL)
		return capture_refuse(file, error, "%s", fault);
	if (got == 0)
		return 0;
	return capture_refuse(file, error, "truncated: the file ends at byte %" PRIu64,
			      file->offset);
}

int capture_read_on(struct fg_capture_file *file, void *to, size_t bytes, struct fg_error *error)
{
	const int rc = bytes > 0 ? capture_read(file, to, bytes, error) : 1;

	if (rc == 0)
		return capture_refuse(file, error, "truncated: the file ends at byte %" PRIu64,
				      file->offset);
	return rc < 0 ? rc : 0;
}

int capture_skip(struct fg_capture_file *file, uint32_t bytes, struct fg_error *error)
{
	uint8_t scratch[4096];
	int rc = 0;

	while (bytes > 0 && rc == 0) {
		const uint32_t part = RTE_MIN(bytes, (uint32_t)sizeof(scratch));

		rc = capture_read_on(file, scratch, part, error);
		bytes -= part;
	}
	return rc;
}

int capture_packet(struct fg_capture_file *file, const struct interface *interface,
		   uint32_t captured, uint32_t wire, struct fg_capture_packet *packet,
		   struct fg_error *error)
{
	struct link_frame frame = {.data = file->bytes + HEADROOM,
				   .length = captured,
				   .wire_len = RTE_MAX(captured, wire)};
	int rc = link_check(file, interface->link, error);

	if (rc == 0 && captured > CAPTURED_MAX)
		rc = capture_refuse(file, error, "has %u bytes, at most %u fit", captured,
				    FG_CAPTURE_FRAME_MAX);
	if (rc == 0)
		rc = capture_read_on(file, frame.data, captured, error);
	if (rc == 0)
		rc = link_to_ethernet(file, interface->link, &frame, error);
	if (rc != 0)
		return rc;
	if (frame.length > FG_CAPTURE_FRAME_MAX)
		return capture_refuse(file, error, "has %u bytes, at most %u fit", frame.length,
				      FG_CAPTURE_FRAME_MAX);
	packet->data = frame.data;
	packet->length = frame.length;
	packet->wire_len = frame.wire_len;
	return 1;
}

static int read_header(struct fg_capture_file *file, struct fg_error *error)
{
	uint8_t magic[4];
	int rc = capture_read(file, magic, sizeof(magic), error);

	if (rc == 0)
		return capture_refuse(file, error, "empty, expected a pcap or pcapng capture");
	if (rc == 1)
		rc = capture_pcap_open(file, magic, error);
	if (rc == 0)
		rc = capture_pcapng_open(file, magic, error);
	if (rc == 0)
		return capture_refuse(file, error,
				      "neither a pcap nor a pcapng capture: it begins with "
				      "%02x %02x %02x %02x",
				      magic[0], magic[1], magic[2], magic[3]);
	return rc < 0 ? rc : 0;
}

int fg_capture_file_open(const char *path, struct fg_capture_file **out, struct fg_error *error)
{
	const char *name = path != NULL ? path : "standard input";
	struct fg_capture_file *file = calloc(1, sizeof(*file));
	int rc;

	if (file != NULL)
		file->name = strdup(name);
	if (file == NULL || file->name == NULL)
		rc = fg_error_set(error, ENOMEM, "%s: out of memory", name);
	else
		rc = stream_open(path, name, &file->stream, error);
	if (rc == 0)
		rc = read_header(file, error);
	if (rc != 0)
		fg_capture_file_close(file);
	else
		*out = file;
	return rc;
}

int fg_capture_file_next(struct fg_capture_file *file, struct fg_capture_packet *packet,
			 struct fg_error *error)
{
	return file->next(file, packet, error);
}

void fg_capture_file_progress(const struct fg_capture_file *file, uint64_t *done, uint64_t *total)
{
	stream_progress(file->stream, done, total);
}

void fg_capture_file_close(struct fg_capture_file *file)
{
	if (file == NULL)
		return;
	stream_close(file->stream);
	free(file->interfaces);
	free(file->name);
	free(file);
}
