/* SPDX-License-Identifier: MIT */
/* The pcapng sink: failures to write, what is lost then, and files that exist already. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include <fg_burst.h>

#include "captures.h"

static struct subject *pcapng_new(const char *path)
{
	return subject_new("pcapng", 1, (const char *const[]){"path", path, NULL});
}

struct copy {
	int from;
	const char *to;
};

static void *copy_all(void *arg)
{
	const struct copy *copy = arg;
	FILE *out = fopen(copy->to, "w");
	char bytes[4096];
	ssize_t n;

	while ((n = read(copy->from, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)n, out);
	fclose(out);
	return NULL;
}

/* A named pipe with a reader that does not read; the sink is started on it. */
static struct subject *start_on_pipe(const char *name, int *reader)
{
	struct subject *s =
		subject_new("pcapng", 1, (const char *const[]){"path", name, "slots", "64", NULL});

	assert_int_equal(mkfifo(name, 0600), 0);
	*reader = open(name, O_RDONLY | O_NONBLOCK);
	assert_true(*reader >= 0);
	fcntl(*reader, F_SETPIPE_SZ, 4096);
	subject_start(s);
	return s;
}

static void test_slots_full(void **state)
{
	const char *name = in_folder("full.fifo"), *copied = in_folder("full.pcapng");
	struct copy copy = {.to = copied};
	struct subject *s = start_on_pipe(name, &copy.from);
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint32_t taken = 0, put = FG_BURST_MAX;
	struct seen seen = {0};
	pthread_t thread;

	(void)state;
	/* The writer is stuck once the pipe is full: then the ring fills, and stays so. */
	for (unsigned int full = 0; full < 100; full = put == 0 ? full + 1 : 0) {
		for (uint32_t i = 0; i < FG_BURST_MAX; i++)
			pkts[i] = make_packet(0, taken + i);
		put = fg_sink_put(&s->sink, 0, pkts, FG_BURST_MAX, NULL);
		rte_pktmbuf_free_bulk(pkts + put, FG_BURST_MAX - put);
		taken += put;
		usleep(put < FG_BURST_MAX ? 3000 : 0);
	}
	assert_in_range(taken, 64, 20000); /* buffer, pipe, slots: no more than these */
	assert_true(fg_counter_read(&s->sink.lanes[0].refused) >= 100 * FG_BURST_MAX);

	fcntl(copy.from, F_SETFL, 0);
	assert_int_equal(pthread_create(&thread, NULL, copy_all, &copy), 0);
	subject_stop(s);
	pthread_join(thread, NULL);
	close(copy.from);
	assert_int_equal(totals_of(s).packets, taken);
	subject_close(s);
	read_capture(copied, &seen);
	assert_int_equal(seen.count, taken);
}

/* stop() must fail with @p code, naming @p name; all taken are in the file or lost. */
static void expect_failure(struct subject *s, int code, const char *name, uint64_t in_file)
{
	struct fg_error error = {0};
	const uint64_t taken = fg_counter_read(&s->sink.lanes[0].taken.packets);
	char text[512];

	assert_int_equal(s->sink.ops->stop(&s->sink, &error), -code);
	snprintf(text, sizeof(text), "sink disk: %s: %s, %u packets lost", name, strerror(code),
		 (unsigned int)(taken - in_file));
	assert_string_equal(error.text, text);
	assert_int_equal(totals_of(s).packets, in_file);
	assert_int_equal(fg_counter_read(&s->sink.lost.packets), taken - in_file);
	assert_int_equal(fg_counter_read(&s->sink.undelivered.packets), taken - in_file);
}

/* Wait until the file is there: the sink has 5 s for it. */
static void wait_for(const char *name)
{
	for (int i = 0; i < 5000 && size_of(name) < 0; i++)
		usleep(1000);
	assert_true(size_of(name) > 0);
}

static void test_reader_gone(void **state)
{
	const char *name = in_folder("gone.fifo");
	int reader;
	struct subject *s = start_on_pipe(name, &reader);

	(void)state;
	close(reader);
	put_all(s, 0, 0, 500);
	expect_failure(s, EPIPE, name, 0);
	subject_close(s);
}

static void test_disk_full(void **state)
{
	const char *name = in_folder("limit.pcapng");
	struct subject *s = pcapng_new(name);
	struct rlimit before, limit;
	struct seen seen = {0};
	uint64_t bytes = 0;

	(void)state;
	subject_start(s);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 20000;
	setrlimit(RLIMIT_FSIZE, &limit);
	put_all(s, 0, 0, 1000);
	while (totals_of(s).dropped == 0)
		usleep(1000);
	read_capture(name, &seen); /* whole blocks only */
	while (totals_of(s).packets > seen.count)
		usleep(1000);
	setrlimit(RLIMIT_FSIZE, &before);

	assert_in_range(seen.count, 50, 200);
	assert_in_range(size_of(name), 20000 - 250, 20000);
	for (uint32_t i = 0; i < seen.count; i++)
		bytes += frame_bytes(i);
	assert_int_equal(totals_of(s).packets, seen.count);
	assert_int_equal(totals_of(s).bytes, bytes);
	assert_int_equal(totals_of(s).dropped, 1000 - seen.count);

	/* There is room again: the sink goes on by itself. */
	wait_for(in_folder("limit.1.pcapng"));
	put_all(s, 0, seen.count, 10);
	expect_failure(s, EFBIG, name, seen.count + 10);
	read_capture(in_folder("limit.1.pcapng"), &seen);
	assert_int_equal(totals_of(s).packets, seen.count);

	subject_start(s);
	put_all(s, 0, seen.count, 10);
	subject_stop(s);
	read_capture(in_folder("limit.2.pcapng"), &seen);
	assert_int_equal(totals_of(s).packets, seen.count);
	subject_close(s);
}

static void test_folder_gone(void **state)
{
	const char *sub = in_folder("sub"), *name = in_folder("sub/x.pcapng");
	const char *next = in_folder("sub/x.1.pcapng");
	struct subject *s;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(mkdir(sub, 0700), 0);
	s = pcapng_new(name);
	subject_start(s);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(sub), 0);
	put_all(s, 0, 0, 100);
	while (totals_of(s).dropped < 100)
		usleep(1000);
	assert_int_equal(mkdir(sub, 0700), 0);
	wait_for(next);
	put_all(s, 0, 0, 10);
	expect_failure(s, ENOENT, next, 10);
	subject_close(s);
	read_capture(next, &seen);
	assert_int_equal(seen.count, 10);
	unlink(next);
	rmdir(sub);
}

/* Somebody deletes the file that is being written: what comes later is in a new one. */
static void test_deleted(void **state)
{
	const char *name = in_folder("deleted.pcapng");
	struct subject *s = pcapng_new(name);
	struct seen seen = {0};

	(void)state;
	subject_start(s);
	assert_int_equal(unlink(name), 0);
	put_all(s, 0, 0, 100);
	subject_stop(s);
	assert_int_equal(totals_of(s).packets, 100);
	subject_close(s);
	assert_int_equal(size_of(name), -1);
	read_capture(in_folder("deleted.1.pcapng"), &seen);
	assert_int_equal(seen.count, 100);
}

/* Packets with two sinks: undelivered are those that both have lost. */
static void test_undelivered(void **state)
{
	const char *names[] = {in_folder("one.fifo"), in_folder("two.fifo")};
	struct subject *s[2];
	int readers[2];

	(void)state;
	for (unsigned int good = 0; good < 2; good++) {
		const uint64_t before = good == 0 ? 0 : 300;

		for (uint8_t i = 0; i < 2; i++) {
			const char *const options[] = {
				"path", i == 0 && good ? in_folder("both.pcapng") : names[i], NULL};

			if (mkfifo(names[i], 0600) != 0)
				assert_int_equal(errno, EEXIST);
			readers[i] = open(names[i], O_RDONLY | O_NONBLOCK);
			assert_int_equal(
				subject_open(&s[i], "pcapng", i, 1, options, &(struct fg_error){0}),
				0);
			subject_start(s[i]);
			close(readers[i]);
		}
		for (uint32_t i = 0; i < 300; i++) {
			struct rte_mbuf *m = make_packet(0, i);

			fg_meta(m)->sinks = 3;
			fg_meta(m)->n_takers = 2;
			rte_pktmbuf_refcnt_update(m, 1);
			assert_int_equal(fg_sink_put(&s[0]->sink, 0, &m, 1, NULL), 1);
			assert_int_equal(fg_sink_put(&s[1]->sink, 0, &m, 1, NULL), 1);
		}
		for (uint8_t i = 0; i < 2; i++)
			s[i]->sink.ops->stop(&s[i]->sink, &(struct fg_error){0});
		assert_int_equal(totals_of(s[0]).dropped, good ? 0 : 300);
		assert_int_equal(totals_of(s[1]).dropped, 300);
		assert_int_equal(fg_counter_read(&s[0]->sink.undelivered.packets) +
					 fg_counter_read(&s[1]->sink.undelivered.packets),
				 300 - before);
		subject_close(s[0]);
		subject_close(s[1]);
	}
}

/* Files that exist stay as they are, and links are not followed. */
static void test_existing(void **state)
{
	const char *const taken[] = {"kept.pcapng", "kept.7.pcapng", "kept.x.pcapng",
				     "kept.12",     "target",        "kept.0000000000012.pcapng"};
	const char *const links[] = {"link.pcapng", "dangling.pcapng"};
	const char *const made[] = {"kept.8.pcapng", "link.1.pcapng", "dangling.1.pcapng"};
	const char *const paths[] = {"kept.pcapng", "link.pcapng", "dangling.pcapng"};
	struct fg_error error = {0};
	struct subject *s;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(taken); i++) {
		FILE *file = fopen(in_folder(taken[i]), "w");

		assert_true(file != NULL && fputs("evidence", file) >= 0 && fclose(file) == 0);
	}
	assert_int_equal(symlink("target", in_folder(links[0])), 0);
	assert_int_equal(symlink("nothing", in_folder(links[1])), 0);
	for (unsigned int i = 0; i < RTE_DIM(paths); i++) {
		struct seen seen = {0};

		s = pcapng_new(in_folder(paths[i]));
		subject_start(s);
		put_all(s, 0, 0, 10);
		subject_stop(s);
		subject_close(s);
		read_capture(in_folder(made[i]), &seen);
		assert_int_equal(seen.count, 10);
	}
	for (unsigned int i = 0; i < RTE_DIM(taken); i++)
		assert_int_equal(size_of(in_folder(taken[i])), strlen("evidence"));
	assert_int_equal(size_of(in_folder("nothing")), -1);

	assert_int_equal(symlink("/dev/null", in_folder("device")), 0);
	assert_int_equal(subject_open(&s, "pcapng", 0, 1,
				      (const char *const[]){"path", in_folder("device"), NULL},
				      &error),
			 -ELOOP);
	assert_non_null(strstr(error.text, "symbolic link"));
}

static void test_start_errors(void **state)
{
	const char *name = in_folder("twice.pcapng");
	const char *const options[] = {"path", name, NULL};
	struct fg_error error = {0};
	struct subject *s = pcapng_new("/dev/full");
	struct subject *other = NULL;

	(void)state;
	assert_int_equal(s->sink.ops->start(&s->sink, &error), -ENOSPC);
	assert_non_null(strstr(error.text, "sink disk: /dev/full: "));
	subject_close(s);

	/* Two sinks, one path: each has a file of its own. */
	s = subject_new("pcapng", 1, options);
	memset(&error, 0, sizeof(error));
	assert_int_equal(subject_open(&other, "pcapng", 1, 1, options, &error), 0);
	subject_start(s);
	subject_start(other);
	put_all(s, 0, 0, 10);
	put_all(other, 0, 0, 20);
	subject_stop(s);
	subject_stop(other);
	subject_close(other);
	subject_close(s);
	for (unsigned int i = 0; i < 2; i++) {
		struct seen seen = {0};

		read_capture(in_folder(i == 0 ? "twice.pcapng" : "twice.1.pcapng"), &seen);
		assert_int_equal(seen.count, i == 0 ? 10 : 20);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, check_pool)
	const struct CMUnitTest tests[] = {
		TEST(test_slots_full),  TEST(test_reader_gone),  TEST(test_disk_full),
		TEST(test_folder_gone), TEST(test_deleted),      TEST(test_undelivered),
		TEST(test_existing),    TEST(test_start_errors),
	};

	return cmocka_run_group_tests(tests, captures_set_up, captures_tear_down);
}
