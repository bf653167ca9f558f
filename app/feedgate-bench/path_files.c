/* SPDX-License-Identifier: MIT */
#include "path_files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"

#define MIX 7919u /* A prime, so that consecutive packets match distant rules. */

/*
 * The group of packet @p i: one that has a rule, or one of those that follow. They differ in the
 * low bits only.
 */
static uint32_t packet_group(uint32_t i, uint32_t rules)
{
	return i % MATCH_EVERY == 0 ? i / MATCH_EVERY * MIX % rules : rules + i;
}

/* In the machine's byte order, which readers find by the magic number. */
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
		const uint32_t group = packet_group(i, rules);
		uint8_t frame[FRAME_BYTES];

		frame_make(frame, i, group_address(group), group_port(group));
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
	for (uint32_t group = 0; group < rules; group++) {
		const struct in_addr address = {htonl(group_address(group))};
		char text[INET_ADDRSTRLEN];

		fprintf(file,
			"  - {name: group-%u, match: {ipv4: {dst: %s}, udp: {dst: %u}}, "
			"drop: true}\n",
			group, inet_ntop(AF_INET, &address, text, sizeof(text)), group_port(group));
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
	/* EAL splits the arguments of a device at commas. */
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
