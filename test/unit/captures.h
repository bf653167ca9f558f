/* SPDX-License-Identifier: MIT */
/*
 * For tests that write captures: a folder for their files, the output of other
 * programs, and checks by libpcap of files that hold packets of sinks.h. Include
 * cmocka.h before it.
 */
#ifndef TEST_CAPTURES_H
#define TEST_CAPTURES_H

#include <dirent.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <sys/stat.h>

#include "sinks.h"

static char folder[] = "/tmp/fg_test_pcapng_XXXXXX";

static inline const char *in_folder(const char *name)
{
	static char text[8][320];
	static unsigned int turn;
	char *at = text[turn++ % 8];

	snprintf(at, sizeof(text[0]), "%s/%s", folder, name);
	return at;
}

/* Whether a program is installed. */
static inline bool have(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	if (system(command) == 0)
		return true;
	print_message("         skipped: %s is not installed\n", program);
	return false;
}

/* The output of a program, which must succeed. The caller frees it. */
static inline char *output_of(const char *format, ...)
{
	char command[1024], *text = calloc(1, 65536);
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	text[fread(text, 1, 65535, pipe)] = '\0';
	if (pclose(pipe) != 0)
		fail_msg("%s: failed", command);
	return text;
}

/* Packets that libpcap has read: how many, and the next number of each lane. */
struct seen {
	uint32_t count;
	uint32_t next[LANES];
};

static inline void check_frame(struct seen *seen, const struct pcap_pkthdr *head,
			       const u_char *data)
{
	const uint32_t lane = data[17];
	uint32_t number;

	assert_true(head->caplen >= HEAD_BYTES && lane < LANES);
	number = seen->next[lane]++;
	assert_int_equal(head->caplen, frame_bytes(number));
	assert_int_equal(head->len, frame_bytes(number));
	assert_int_equal((uint64_t)head->ts.tv_sec * 1000000000u + (uint64_t)head->ts.tv_usec,
			 TIME0_NS + (uint64_t)number * TIME_STEP);
	for (uint32_t i = 0; i < head->caplen; i++)
		if (data[i] != frame_byte(lane, number, i))
			fail_msg("lane %u packet %u: byte %u differs", lane, number, i);
	seen->count++;
}

/* Read a capture. Each lane's packets must be in order, and continue those in @seen. */
static inline void read_capture(const char *name, struct seen *seen)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap =
		pcap_open_offline_with_tstamp_precision(name, PCAP_TSTAMP_PRECISION_NANO, reason);
	struct pcap_pkthdr *head;
	const u_char *data;
	int rc;

	if (pcap == NULL)
		fail_msg("%s: %s", name, reason);
	assert_int_equal(pcap_datalink(pcap), DLT_EN10MB);
	while ((rc = pcap_next_ex(pcap, &head, &data)) == 1)
		check_frame(seen, head, data);
	assert_int_equal(rc, PCAP_ERROR_BREAK); /* the end, nothing cut off */
	pcap_close(pcap);
}

static inline off_t size_of(const char *name)
{
	struct stat at;

	return stat(name, &at) == 0 ? at.st_size : -1;
}

/* For cmocka_run_group_tests(). */
static inline int captures_set_up(void **state)
{
	return mkdtemp(folder) != NULL ? start_eal(state) : -1;
}

static inline int captures_tear_down(void **state)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		unlink(in_folder(entry->d_name));
	if (dir != NULL)
		closedir(dir);
	return stop_eal(state) != 0 || rmdir(folder) != 0 ? -1 : 0;
}

#endif /* TEST_CAPTURES_H */
