/* SPDX-License-Identifier: MIT */
/* The pcapng sink: rotation by time, files that it keeps, the command after each, mode and owner.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "captures.h"

/* Files whose name matches; their packets are added to *seen. */
static unsigned int count_files(const char *stem, struct seen *seen)
{
	unsigned int files = 0;

	for (unsigned int i = 0; i < 1000; i++) {
		char name[64];

		snprintf(name, sizeof(name), i == 0 ? "%s.pcapng" : "%s.%u.pcapng", stem, i);
		if (size_of(in_folder(name)) < 0)
			continue;
		read_capture(in_folder(name), seen);
		files++;
	}
	return files;
}

/* The number of a capture's first packet; they are all of lane 0. */
static uint32_t first_number(const char *name)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(name, reason);
	struct pcap_pkthdr *head;
	const u_char *data;
	uint32_t number;

	assert_non_null(pcap);
	assert_int_equal(pcap_next_ex(pcap, &head, &data), 1);
	number = (uint32_t)data[18] << 24 | (uint32_t)data[19] << 16 | (uint32_t)data[20] << 8 |
		 data[21];
	pcap_close(pcap);
	return number;
}

static void test_time(void **state)
{
	struct subject *s = subject_new(
		"pcapng", 1,
		(const char *const[]){"path", in_folder("time.pcapng"), "rotate_s", "1", NULL});
	struct seen seen = {0};

	(void)state;
	subject_start(s);
	for (uint32_t i = 0; i < 210; i++) {
		put_all(s, 0, i, 1);
		usleep(10000);
	}
	subject_stop(s);
	assert_int_equal(totals_of(s).packets, 210);
	subject_close(s);
	assert_in_range(count_files("time", &seen), 3, 20); /* 2.1 s have two full seconds */
	assert_int_equal(seen.count, 210);
}

/* The newest stay; files of others are not touched. */
static void test_keep(void **state)
{
	const char *const limits[][2] = {{"keep.files", "3"}, {"keep.bytes", "50000"}};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(limits); i++) {
		const char *stem = i == 0 ? "few" : "small";
		char name[64], other[64];
		struct seen seen = {0};
		struct subject *s;
		FILE *file;

		snprintf(name, sizeof(name), "%s.pcapng", stem);
		snprintf(other, sizeof(other), "%s.0.pcapng", stem);
		file = fopen(in_folder(other), "w");
		assert_non_null(file);
		fclose(file);
		s = subject_new("pcapng", 1,
				(const char *const[]){"path", in_folder(name), "rotate_bytes",
						      "20000", limits[i][0], limits[i][1], NULL});
		subject_start(s);
		put_all(s, 0, 0, 2000);
		subject_stop(s);
		assert_int_equal(totals_of(s).packets, 2000);
		subject_close(s);
		/* The numbers in a file follow each other, and the last file has the last. */
		for (unsigned int n = 0; n < 1000 && seen.next[0] == 0; n++) {
			snprintf(name, sizeof(name), "%s.%u.pcapng", stem, n + 1);
			if (size_of(in_folder(name)) >= 0)
				seen.next[0] = first_number(in_folder(name));
		}
		assert_in_range(seen.next[0], 1000, 1999);
		assert_in_range(count_files(stem, &seen), i == 0 ? 3 : 2, 3);
		assert_int_equal(seen.next[0], 2000);
		assert_int_equal(size_of(in_folder(other)), 0);
	}
}

static char *make_script(const char *name, const char *text)
{
	char *path = strdup(in_folder(name));
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	fclose(file);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

/* Each file once, complete, and no child is left. */
static void test_command(void **state)
{
	char text[512];
	char *script, *lines;
	struct seen seen = {0};
	struct subject *s;
	unsigned int files;

	(void)state;
	snprintf(text, sizeof(text), "[ $# = 1 ] && wc -c <\"$1\" >>%s; echo noise",
		 in_folder("sizes"));
	script = make_script("script", text);
	s = subject_new("pcapng", 1,
			(const char *const[]){"path", in_folder("run.pcapng"), "rotate_bytes",
					      "40000", "command", script, NULL});
	subject_start(s);
	put_all(s, 0, 0, 2000);
	subject_stop(s);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	subject_close(s);
	files = count_files("run", &seen);
	assert_int_equal(seen.count, 2000);
	lines = output_of("sort -n %s", in_folder("sizes"));
	snprintf(text, sizeof(text), "stat -c %%%%s %s/run*.pcapng | sort -n", folder);
	script = (free(script), output_of(text));
	assert_string_equal(lines, script);
	assert_in_range(files, 5, 100);
	free(lines);
	free(script);
}

/* A command that hangs holds up neither packets nor the end; only two run at once. */
static void test_command_hangs(void **state)
{
	char *script, *text;
	struct subject *s;
	struct timespec begun, ended;
	long pid;

	(void)state;
	script = make_script("hang", "echo $$ >>\"${1%/*}/pids\"; exec sleep 100");
	s = subject_new("pcapng", 1,
			(const char *const[]){"path", in_folder("hang.pcapng"), "rotate_bytes",
					      "20000", "command", script, NULL});
	subject_start(s);
	put_all(s, 0, 0, 2000);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	subject_stop(s);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_in_range(ended.tv_sec - begun.tv_sec, 0, 4);
	assert_int_equal(totals_of(s).packets, 2000);
	subject_close(s);
	text = output_of("cat %s", in_folder("pids"));
	for (char *at = text; (pid = strtol(at, &at, 10)) > 0;) {
		assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
		assert_int_equal(waitpid((pid_t)pid, NULL, 0), pid);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	pid = 0;
	for (const char *at = text; *at != '\0'; at++)
		pid += *at == '\n';
	assert_int_equal(pid, 2);
	free(text);
	free(script);
}

static void test_owner(void **state)
{
	const bool root = geteuid() == 0;
	const char *name = in_folder("owner.pcapng");
	struct subject *s = subject_new("pcapng", 1,
					(const char *const[]){"path", name, "mode", "0604", "owner",
							      root ? "12345:23456" : "", NULL});
	struct stat at;

	(void)state;
	subject_start(s);
	put_all(s, 0, 0, 10);
	subject_stop(s);
	subject_close(s);
	assert_int_equal(stat(name, &at), 0);
	assert_int_equal(at.st_mode & 07777, 0604);
	assert_int_equal(at.st_uid, root ? 12345 : geteuid());
	assert_int_equal(at.st_gid, root ? 23456 : getegid());
}

static void test_refused(void **state)
{
	static const char *const cases[][3] = {
		{"mode", "8", "octal"},
		{"mode", "1777", "octal"},
		{"mode", "rw", "octal"},
		{"mode", "-1", "octal"},
		{"owner", "nobody-has-this-name", "no such user"},
		{"owner", ":nobody-has-this-name", "no such user"},
		{"owner", "4294967295", "no such user"},
		{"owner", "0:", "no such user"},
		{"command", "/nonexistent/command", "/nonexistent/command"},
		{"command", "/tmp", "expected a program"},
		{"command", "/etc/passwd", "denied"},
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		const char *const options[] = {"path", in_folder("no.pcapng"), cases[i][0],
					       cases[i][1], NULL};
		struct fg_error error = {0};
		struct subject *s;

		assert_true(subject_open(&s, "pcapng", 0, 1, options, &error) < 0);
		if (strstr(error.text, cases[i][2]) == NULL)
			fail_msg("%s", error.text);
	}
	assert_int_equal(size_of(in_folder("no.pcapng")), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, check_pool)
	const struct CMUnitTest tests[] = {
		TEST(test_time),          TEST(test_keep),  TEST(test_command),
		TEST(test_command_hangs), TEST(test_owner), TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, captures_set_up, captures_tear_down);
}
