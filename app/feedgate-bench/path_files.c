/* SPDX-License-Identifier: MIT */
#include "path_files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"

#define MIX 7919u /* A prime: neighbours in the capture are none in the table. */

/*
 * What packet @p i is sent to: a channel that a rule is about, or one of those
 * behind them, which differ from the wanted ones in the low bits only.
 */
static uint32_t packet_channel(uint32_t i, uint32_t rules)
{
	return i % MATCH_EVERY == 0 ? i / MATCH_EVERY * MIX % rules : rules + i;
}

/* As whoever opened the file finds it: the bytes are ours, the order is the machine's. */
struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_bytes, link;
};

struct pcap_record {
	uint32_t seconds, microseconds, captured, bytes;
};

static void write_capture(FILE *file, uint32_t rules)
{
	const struct pcap_header header = {
		.magic = 0xa1b2c3d4, .major = 2, .minor = 4, .snap_bytes = 65535, .link = 1};

	fwrite(&header, sizeof(header), 1, file);
	for (uint32_t i = 0; i < CAPTURE_PACKETS; i++) {
		const struct pcap_record record = {.seconds = 1700000000,
						   .microseconds = i,
						   .captured = FRAME_BYTES,
						   .bytes = FRAME_BYTES};
		const uint32_t channel = packet_channel(i, rules);
		uint8_t frame[FRAME_BYTES];

		frame_make(frame, i, group_address(channel), group_port(channel));
		fwrite(&record, sizeof(record), 1, file);
		fwrite(frame, sizeof(frame), 1, file);
	}
}

static void write_rules(FILE *file, uint32_t rules)
{
	fputs("sources:\n"
	      "  - {name: path, ethdev: net_pcap0}\n"
	      "rules:\n",
	      file);
	for (uint32_t channel = 0; channel < rules; channel++) {
		const struct in_addr group = {htonl(group_address(channel))};
		char text[INET_ADDRSTRLEN];

		fprintf(file,
			"  - {name: channel-%u, match: {ipv4: {dst: %s}, udp: {dst: %u}}, "
			"drop: true}\n",
			channel, inet_ntop(AF_INET, &group, text, sizeof(text)),
			group_port(channel));
	}
	fputs("default: drop\n", file);
}

static int write_file(const char *path, void (*write)(FILE *, uint32_t), uint32_t rules,
		      struct fg_error *error)
{
	FILE *file = fopen(path, "we");
	int code = 0;

	if (file == NULL)
		return fg_error_set(error, errno, "%s: %s", path, strerror(errno));
	errno = 0;
	write(file, rules);
	if (ferror(file) != 0)
		code = errno != 0 ? errno : EIO;
	if (fclose(file) != 0 && code == 0)
		code = errno;
	return code == 0 ? 0 : fg_error_set(error, code, "%s: %s", path, strerror(code));
}

int path_files_make(struct path_files *files, uint32_t rules, struct fg_error *error)
{
	const char *parent = getenv("TMPDIR");
	int rc;

	if (parent == NULL || parent[0] == '\0')
		parent = "/tmp";
	/* EAL cuts a device's arguments at commas. */
	if (strchr(parent, ',') != NULL || strlen(parent) > 200)
		return fg_error_set(error, EINVAL,
				    "TMPDIR %s: expected a path without commas, of at most 200 "
				    "characters",
				    parent);
	snprintf(files->folder, sizeof(files->folder), "%s/feedgate-bench-XXXXXX", parent);
	if (mkdtemp(files->folder) == NULL)
		return fg_error_set(error, errno, "%s: cannot make a folder: %s", files->folder,
				    strerror(errno));
	snprintf(files->capture, sizeof(files->capture), "%s/frames.pcap", files->folder);
	snprintf(files->rules, sizeof(files->rules), "%s/rules.yaml", files->folder);
	snprintf(files->summary, sizeof(files->summary), "%s/summary.json", files->folder);
	rc = write_file(files->capture, write_capture, rules, error);
	if (rc == 0)
		rc = write_file(files->rules, write_rules, rules, error);
	if (rc != 0)
		path_files_remove(files);
	return rc;
}

void path_files_remove(const struct path_files *files)
{
	unlink(files->capture);
	unlink(files->rules);
	unlink(files->summary);
	rmdir(files->folder);
}
