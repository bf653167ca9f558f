/* SPDX-License-Identifier: MIT */
/* The sink of records: lines appended whole, and what could not be written is counted. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "sinks.h"

static char folder[] = "/tmp/feedgate-records-XXXXXX";
static char path[64];

static struct subject *open_path(const char *at)
{
	return subject_new("records", 1, (const char *const[]){"path", at, NULL});
}

static int refused(const char *at, struct fg_error *error)
{
	struct subject *s = NULL;

	return subject_open(&s, "records", 0, 1, (const char *const[]){"path", at, NULL}, error);
}

static int record(struct subject *s, const char *text)
{
	return fg_sink_record(&s->sink, text, strlen(text));
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
	struct subject *s = open_path(path);

	(void)state;
	/* Also before start and after stop: a feed's last gaps are told when lcores have stopped.
	 */
	assert_int_equal(record(s, "{\"n\": 1}\n"), 0);
	subject_start(s);
	assert_int_equal(record(s, "{\"n\": 2}\n"), 0);
	assert_string_equal(content(), "{\"n\": 1}\n{\"n\": 2}\n");
	subject_stop(s);
	assert_int_equal(record(s, "{}\n"), 0);
	assert_int_equal(totals_of(s).packets, 3);
	assert_int_equal(totals_of(s).bytes, 9 + 9 + 3);
	assert_int_equal(totals_of(s).dropped, 0);
	subject_close(s);

	/* What a run before has written stays. */
	s = open_path(path);
	assert_int_equal(record(s, "{\"n\": 4}\n"), 0);
	subject_close(s);
	assert_string_equal(content(), "{\"n\": 1}\n{\"n\": 2}\n{}\n{\"n\": 4}\n");
}

static void test_no_packets(void **state)
{
	struct subject *s = open_path(path);
	struct rte_mbuf *m = make_packet(0, 0);

	(void)state;
	subject_start(s);
	assert_int_equal(fg_sink_put(&s->sink, 0, &m, 1), 0);
	rte_pktmbuf_free(m);
	assert_int_equal(totals_of(s).packets, 0);
	assert_int_equal(totals_of(s).dropped, 1);
	subject_stop(s);
	subject_close(s);
	assert_string_equal(content(), "");
}

static void test_other_kinds_take_none(void **state)
{
	(void)state;
	for (unsigned int i = 0; fg_sink_kinds[i] != NULL; i++)
		assert_true((fg_sink_kinds[i]->record != NULL) ==
			    (strcmp(fg_sink_kinds[i]->name, "records") == 0));
}

static void test_refused(void **state)
{
	struct fg_error error = {0};
	struct subject *s;

	(void)state;
	assert_int_equal(refused("-", &error), -EINVAL);
	assert_non_null(strstr(error.text, "standard output"));
	error = (struct fg_error){0};
	assert_int_equal(refused("/nonexistent/records", &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nonexistent/records"));
	error = (struct fg_error){0};
	assert_int_equal(refused(folder, &error), -EISDIR);
	s = open_path(path);
	error = (struct fg_error){0};
	assert_int_equal(refused(path, &error), -EBUSY);
	subject_close(s);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	error = (struct fg_error){0};
	assert_int_equal(refused(path, &error), -ENXIO);
}

static void test_full(void **state)
{
	struct subject *s = open_path("/dev/full");

	(void)state;
	assert_int_equal(record(s, "{}\n"), -ENOSPC);
	assert_int_equal(record(s, "{}\n"), -ENOSPC);
	assert_int_equal(totals_of(s).packets, 0);
	assert_int_equal(totals_of(s).bytes, 0);
	assert_int_equal(totals_of(s).dropped, 2);
	subject_close(s);
}

/* A record that fits in part leaves nothing behind, and the next one that fits is whole. */
static void test_partial(void **state)
{
	struct subject *s = open_path(path);
	struct rlimit before, small;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 12;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(record(s, "0123456\n"), 0);
	assert_int_equal(record(s, "abcdefg\n"), -ENOSPC);
	assert_int_equal(record(s, "xyz\n"), 0);
	assert_int_equal(record(s, "{}\n"), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_string_equal(content(), "0123456\nxyz\n");
	assert_int_equal(record(s, "{}\n"), 0);
	assert_string_equal(content(), "0123456\nxyz\n{}\n");
	assert_int_equal(totals_of(s).packets, 3);
	assert_int_equal(totals_of(s).bytes, 8 + 4 + 3);
	assert_int_equal(totals_of(s).dropped, 2);
	subject_close(s);
}

/* A pipe whose reader is slow does not make control wait, and cut records stay lines. */
static void test_pipe(void **state)
{
	static char big[5001], text[1 << 18];
	unsigned int written = 0, lost = 0, whole = 0;
	size_t used = 0;
	struct subject *s;
	int reader;

	(void)state;
	memset(big, 'x', 4999);
	big[4999] = '\n';
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	s = open_path(path);
	while (lost < 3)
		if (record(s, big) == 0)
			written++;
		else
			lost++;
	used += (size_t)read(reader, text, sizeof(text) / 2);
	assert_int_equal(record(s, "{}\n"), 0);
	used += (size_t)read(reader, text + used, sizeof(text) - 1 - used);
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		whole += strlen(line) == 4999 || strcmp(line, "{}") == 0;
	assert_int_equal(whole, written + 1);
	assert_int_equal(totals_of(s).packets, written + 1);
	assert_int_equal(totals_of(s).dropped, lost);
	subject_close(s);
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
		cmocka_unit_test_setup_teardown(test_append, fresh, check_pool),
		cmocka_unit_test_setup_teardown(test_no_packets, fresh, check_pool),
		cmocka_unit_test(test_other_kinds_take_none),
		cmocka_unit_test_setup(test_refused, fresh),
		cmocka_unit_test_setup(test_full, fresh),
		cmocka_unit_test_setup(test_partial, fresh),
		cmocka_unit_test_setup(test_pipe, fresh),
	};
	int failed;

	if (mkdtemp(folder) == NULL || start_eal() != 0)
		return 1;
	snprintf(path, sizeof(path), "%s/records", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return stop_eal() != 0 ? 1 : failed;
}
