/* SPDX-License-Identifier: MIT */
/* The event log: lines are appended whole, and those that cannot be written are counted. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <event_log.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/feedgate-events-XXXXXX";
static char path[64];

static int open_log(const char *at, struct event_log **log, struct fg_error *error)
{
	int rc = event_log_new(at, log, error);

	if (rc == 0)
		rc = event_log_open(*log, error);
	assert_true(rc == 0 || error->text[0] != '\0');
	return rc;
}

static struct event_log *open_path(const char *at)
{
	struct fg_error error = {0};
	struct event_log *log = NULL;

	if (open_log(at, &log, &error) != 0)
		fail_msg("%s", error.text);
	return log;
}

static int refused(const char *at, struct fg_error *error)
{
	struct event_log *log = NULL;
	const int rc = open_log(at, &log, error);

	event_log_free(log);
	return rc;
}

static int record(struct event_log *log, const char *text)
{
	return event_log_write(log, text, strlen(text));
}

/* All of the file, or an empty text. */
static const char *content(void)
{
	static char text[65536];
	FILE *in = fopen(path, "r");
	size_t n = in != NULL ? fread(text, 1, sizeof(text) - 1, in) : 0;

	if (in != NULL)
		fclose(in);
	text[n] = '\0';
	return text;
}

static void test_append(void **state)
{
	struct event_log *log = open_path(path);

	(void)state;
	assert_string_equal(event_log_path(log), path);
	assert_int_equal(record(log, "{\"n\": 1}\n"), 0);
	assert_int_equal(record(log, "{\"n\": 2}\n"), 0);
	assert_string_equal(content(), "{\"n\": 1}\n{\"n\": 2}\n");
	assert_int_equal(record(log, "{}\n"), 0);
	assert_int_equal(event_log_totals(log).written, 3);
	assert_int_equal(event_log_totals(log).bytes, 9 + 9 + 3);
	assert_int_equal(event_log_totals(log).lost, 0);
	event_log_free(log);

	/* What an earlier run wrote stays. */
	log = open_path(path);
	assert_int_equal(record(log, "{\"n\": 4}\n"), 0);
	event_log_free(log);
	assert_string_equal(content(), "{\"n\": 1}\n{\"n\": 2}\n{}\n{\"n\": 4}\n");
}

/* Nothing is created before the log is opened. */
static void test_new(void **state)
{
	struct fg_error error = {0};
	struct event_log *log = NULL;

	(void)state;
	assert_int_equal(event_log_new(path, &log, &error), 0);
	assert_int_equal(access(path, F_OK), -1);
	event_log_free(log);
	event_log_free(NULL);
}

static void test_refused(void **state)
{
	struct fg_error error = {0};
	struct event_log *log;

	(void)state;
	assert_int_equal(refused("-", &error), -EINVAL);
	assert_non_null(strstr(error.text, "standard output"));
	error = (struct fg_error){0};
	assert_int_equal(refused("", &error), -EINVAL);
	error = (struct fg_error){0};
	assert_int_equal(refused("/nonexistent/events", &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nonexistent/events"));
	error = (struct fg_error){0};
	assert_int_equal(refused(folder, &error), -EISDIR);
	log = open_path(path);
	error = (struct fg_error){0};
	assert_int_equal(refused(path, &error), -EBUSY);
	event_log_free(log);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	error = (struct fg_error){0};
	assert_int_equal(refused(path, &error), -ENXIO);
}

static void test_full(void **state)
{
	struct event_log *log = open_path("/dev/full");

	(void)state;
	assert_int_equal(record(log, "{}\n"), -ENOSPC);
	assert_int_equal(record(log, "{}\n"), -ENOSPC);
	assert_int_equal(event_log_totals(log).written, 0);
	assert_int_equal(event_log_totals(log).bytes, 0);
	assert_int_equal(event_log_totals(log).lost, 2);
	event_log_free(log);
}

/* A line that fits in part leaves nothing in the file, and the next one that fits is whole. */
static void test_partial(void **state)
{
	struct event_log *log = open_path(path);
	struct rlimit before, small;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 12;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(record(log, "0123456\n"), 0);
	assert_int_equal(record(log, "abcdefg\n"), -ENOSPC);
	assert_int_equal(record(log, "xyz\n"), 0);
	assert_int_equal(record(log, "{}\n"), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_string_equal(content(), "0123456\nxyz\n");
	assert_int_equal(record(log, "{}\n"), 0);
	assert_string_equal(content(), "0123456\nxyz\n{}\n");
	assert_int_equal(event_log_totals(log).written, 3);
	assert_int_equal(event_log_totals(log).bytes, 8 + 4 + 3);
	assert_int_equal(event_log_totals(log).lost, 2);
	event_log_free(log);
}

/* A slow reader of a pipe does not block the writer, and a line after a torn one stands alone. */
static void test_pipe(void **state)
{
	static char big[5001], text[1 << 18];
	unsigned int written = 0, lost = 0, whole = 0;
	size_t used = 0;
	struct event_log *log;
	int reader;

	(void)state;
	memset(big, 'x', 4999);
	big[4999] = '\n';
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	log = open_path(path);
	while (lost < 3)
		if (record(log, big) == 0)
			written++;
		else
			lost++;
	used += (size_t)read(reader, text, sizeof(text) / 2);
	assert_int_equal(record(log, "{}\n"), 0);
	used += (size_t)read(reader, text + used, sizeof(text) - 1 - used);
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		whole += strlen(line) == 4999 || strcmp(line, "{}") == 0;
	assert_int_equal(whole, written + 1);
	assert_int_equal(event_log_totals(log).written, written + 1);
	assert_int_equal(event_log_totals(log).lost, lost);
	event_log_free(log);
	close(reader);
}

static int fresh(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_append, fresh),
		cmocka_unit_test_setup(test_new, fresh),
		cmocka_unit_test_setup(test_refused, fresh),
		cmocka_unit_test_setup(test_full, fresh),
		cmocka_unit_test_setup(test_partial, fresh),
		cmocka_unit_test_setup(test_pipe, fresh),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/events", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}
