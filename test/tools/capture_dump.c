/* SPDX-License-Identifier: MIT */
/* Prints the packets of a capture file: time in ns, bytes on the wire, the frame in hexadecimal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <fg_capture_file.h>

static void print_packet(const struct fg_capture_packet *packet)
{
	printf("%" PRIu64 " %" PRIu32 " ", packet->ns, packet->wire_len);
	for (uint32_t i = 0; i < packet->length; i++)
		printf("%02x", packet->data[i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct fg_capture_packet packet;
	struct fg_capture_file *file;
	struct fg_error error = {0};
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: capture_dump FILE\n");
		return 2;
	}
	rc = fg_capture_file_open(argv[1], &file, &error);
	if (rc == 0) {
		while ((rc = fg_capture_file_next(file, &packet, &error)) == 1)
			print_packet(&packet);
		fg_capture_file_close(file);
	}
	if (rc == 0)
		return 0;
	fprintf(stderr, "%s\n", error.text);
	return 1;
}
