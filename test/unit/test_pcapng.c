/* SPDX-License-Identifier: MIT */
/* The pcapng sink: its files as tshark and libpcap read them, and failures to write. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <sys/resource.h>

#include <fg_burst.h>

#include "captures.h"

static struct subject *pcapng_new(const char *path)
{
	return subject_new("pcapng", 1, (const char *const[]){"path", path, NULL});
}

/* A chain of segments, cut at odd places. */
static struct rte_mbuf *make_chain(uint32_t number)
{
	static const uint16_t cuts[] = {1, 13, 0, 29, UINT16_MAX};
	struct rte_mbuf *whole = make_packet(0, number), *head = NULL;
	const uint8_t *data = rte_pktmbuf_mtod(whole, const uint8_t *);
	uint32_t left = frame_bytes(number);

	for (unsigned int i = 0; i < RTE_DIM(cuts); i++) {
		const uint16_t bytes = (uint16_t)RTE_MIN(left, cuts[i]);
		struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);

		assert_non_null(seg);
		memcpy(rte_pktmbuf_append(seg, bytes), data, bytes);
		data += bytes;
		left -= bytes;
		if (head == NULL)
			head = seg;
		else
			assert_int_equal(rte_pktmbuf_chain(head, seg), 0);
	}
	*fg_meta(head) = *fg_meta(whole);
	rte_pktmbuf_free(whole);
	return head;
}

/* Written by hand: the lines of tshark about the packets below. */
static const char *const tshark_lines = "1700000000.123456789\t60\t60\trule=tech\tnic-a\n"
					"1700000000.124456792\t61\t61\trule=-\tday\n"
					"1700000000.125456795\t1514\t62\trule=tech\tnic-a\n"
					"1700000000.126456798\t63\t63\trule=tech\tnic-a\n"
					"1700000000.127456801\t64\t64\trule=tech\tday\n";

static void test_fields(void **state)
{
	const char *name = in_folder("fields.pcapng");
	struct subject *s = pcapng_new(name);
	struct rte_mbuf *pkts[5];
	char *text;

	(void)state;
	if (!have("tshark") || !have("capinfos")) {
		subject_close(s);
		skip();
	}
	assert_int_equal(size_of(name), -1);
	subject_start(s);
	for (uint32_t i = 0; i < 5; i++)
		pkts[i] = i == 3 ? make_chain(i) : make_packet(0, i);
	fg_meta(pkts[1])->rule_id = 0;
	fg_meta(pkts[1])->source = 1;
	fg_meta(pkts[2])->wire_len = 1514;
	fg_meta(pkts[3])->wire_len = 0; /* not known: as long as it is */
	fg_meta(pkts[4])->source = 1;
	assert_int_equal(fg_sink_put(&s->sink, 0, pkts, 5, NULL), 5);
	subject_stop(s);
	assert_int_equal(totals_of(s).packets, 5);
	subject_close(s);

	text = output_of("tshark -n -r %s -T fields -e frame.time_epoch -e frame.len "
			 "-e frame.cap_len -e frame.comment -e frame.interface_name 2>/dev/null",
			 name);
	assert_string_equal(text, tshark_lines);
	free(text);
	text = output_of("LC_ALL=C capinfos %s", name);
	assert_non_null(strstr(text, "feedgate " FG_VERSION "\n"));
	assert_non_null(strstr(text, "nanoseconds"));
	assert_non_null(strstr(text, "Number of interfaces in file: 2\n"));
	assert_non_null(strstr(text, "Number of packets = 3\n")); /* per interface */
	assert_non_null(strstr(text, "Number of packets = 2\n"));
	assert_non_null(strstr(text, "Number of stat entries = 1\n"));
	free(text);
}

static void test_chain_content(void **state)
{
	const char *name = in_folder("chain.pcapng");
	struct subject *s = pcapng_new(name);
	struct seen seen = {0};

	(void)state;
	subject_start(s);
	for (uint32_t i = 0; i < 200; i++) {
		struct rte_mbuf *m = make_chain(i);

		assert_int_equal(fg_sink_put(&s->sink, 0, &m, 1, NULL), 1);
	}
	subject_stop(s);
	subject_close(s);
	read_capture(name, &seen);
	assert_int_equal(seen.count, 200);
}

/* Beyond what readers accept, and beyond the sink's buffer; still whole in the file. */
static void test_huge_frame(void **state)
{
	const char *name = in_folder("huge.pcapng");
	struct subject *s = pcapng_new(name);
	struct rte_mbuf *head = make_packet(0, 0), *pkts[2];
	uint32_t words[8], captured = 0;
	FILE *file;

	(void)state;
	for (unsigned int i = 0; i < 700; i++) {
		struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);

		memset(rte_pktmbuf_append(seg, 2000), (int)i, 2000);
		assert_int_equal(rte_pktmbuf_chain(head, seg), 0);
	}
	pkts[0] = head;
	pkts[1] = make_packet(0, 1);
	subject_start(s);
	assert_int_equal(fg_sink_put(&s->sink, 0, pkts, 2, NULL), 2);
	subject_stop(s);
	assert_int_equal(totals_of(s).bytes, 700 * 2000 + 60 + 61);
	subject_close(s);

	file = fopen(name, "r");
	assert_non_null(file);
	while (fread(words, 4, 6, file) == 6) { /* block by block */
		captured += words[0] == 6 ? words[5] : 0;
		assert_int_equal(fseek(file, (long)words[1] - 28, SEEK_CUR), 0);
		assert_int_equal(fread(&words[7], 4, 1, file), 1);
		assert_int_equal(words[7], words[1]);
	}
	assert_true(feof(file));
	assert_int_equal(ftell(file), size_of(name));
	assert_int_equal(captured, 700 * 2000 + 60 + 61);
	fclose(file);
}

struct feeder {
	struct subject *s;
	uint16_t lane;
	uint32_t count;
};

static void *feed(void *arg)
{
	const struct feeder *feeder = arg;

	put_all(feeder->s, feeder->lane, 0, feeder->count);
	return NULL;
}

static void test_lanes(void **state)
{
	const char *name = in_folder("lanes.pcapng");
	struct subject *s = subject_new("pcapng", LANES,
					(const char *const[]){"path", name, "slots", "100", NULL});
	struct feeder feeders[LANES];
	struct seen seen = {0};
	pthread_t threads[LANES];

	(void)state;
	subject_start(s);
	for (uint16_t lane = 0; lane < LANES; lane++) {
		feeders[lane] = (struct feeder){.s = s, .lane = lane, .count = 10000};
		assert_int_equal(pthread_create(&threads[lane], NULL, feed, &feeders[lane]), 0);
	}
	for (uint16_t lane = 0; lane < LANES; lane++)
		pthread_join(threads[lane], NULL);
	subject_stop(s);
	assert_int_equal(totals_of(s).packets, 10000 * LANES);
	assert_int_equal(fg_counter_read(&s->sink.lost.packets), 0);
	subject_close(s);
	read_capture(name, &seen);
	assert_int_equal(seen.count, 10000 * LANES);
}

static void test_rotation(void **state)
{
	struct subject *s = subject_new("pcapng", 1,
					(const char *const[]){"path", in_folder("turn.pcapng"),
							      "rotate_bytes", "20000", NULL});
	char name[32] = "turn.pcapng";
	struct seen seen = {0};
	unsigned int files = 0;

	(void)state;
	subject_start(s);
	put_all(s, 0, 0, 2000);
	subject_stop(s);
	subject_close(s);
	for (; size_of(in_folder(name)) >= 0;
	     snprintf(name, sizeof(name), "turn.%u.pcapng", files)) {
		const uint32_t before = seen.count;

		assert_in_range(size_of(in_folder(name)), 1, 20000);
		read_capture(in_folder(name), &seen);
		assert_true(seen.count > before);
		files++;
	}
	assert_int_equal(seen.count, 2000);
	/* 2000 blocks of about 160 bytes; neither one file nor one for every packet. */
	assert_in_range(files, 2000 * 108 / 20000, 2000 * 200 / 19000 + 2);
	if (have("capinfos"))
		free(output_of("capinfos %s/turn*.pcapng >/dev/null", folder));
}

static void test_restart(void **state)
{
	struct subject *s = pcapng_new(in_folder("again"));
	struct seen seen = {0};

	(void)state;
	for (uint32_t run = 0; run < 3; run++) {
		subject_start(s);
		put_all(s, 0, run * 10, 10);
		subject_stop(s);
	}
	assert_int_equal(totals_of(s).packets, 30);
	subject_close(s);
	read_capture(in_folder("again"), &seen);
	assert_int_equal(seen.count, 10);
	read_capture(in_folder("again.1"), &seen);
	read_capture(in_folder("again.2"), &seen);
	assert_int_equal(seen.count, 30);

	/* Another sink does not know these names: it begins again. */
	s = pcapng_new(in_folder("again"));
	subject_start(s);
	subject_stop(s);
	subject_close(s);
	seen = (struct seen){0};
	read_capture(in_folder("again"), &seen);
	assert_int_equal(seen.count, 0);
}

static void test_strftime(void **state)
{
	struct subject *s = pcapng_new(in_folder("%Y-%%-.x.pcapng"));
	char *year = output_of("date -u +%%Y"), name[64];

	(void)state;
	snprintf(name, sizeof(name), "%.4s-%%-.x.pcapng", year);
	free(year);
	subject_start(s);
	assert_true(size_of(in_folder(name)) >= 0);
	subject_stop(s);
	subject_close(s);
}

/* Without stop(), what was put can be read before long. */
static void test_live(void **state)
{
	const char *name = in_folder("live.pcapng");
	struct subject *s = pcapng_new(name);
	struct seen seen = {0};
	off_t empty;

	(void)state;
	subject_start(s);
	empty = size_of(name);
	assert_true(empty > 0);
	put_all(s, 0, 0, 1);
	for (int i = 0; i < 10000 && size_of(name) == empty; i++)
		usleep(1000);
	read_capture(name, &seen);
	assert_int_equal(seen.count, 1);
	subject_stop(s);
	subject_close(s);
}

static void test_stdout(void **state)
{
	const char *name = in_folder("stdout.pcapng");
	struct subject *s = pcapng_new("-");
	const int fd = open(name, O_RDWR | O_CREAT, 0600), saved = dup(STDOUT_FILENO);
	struct seen seen = {0};

	(void)state;
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	subject_start(s);
	put_all(s, 0, 0, 10);
	subject_stop(s);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fd);
	subject_close(s);
	read_capture(name, &seen);
	assert_int_equal(seen.count, 10);
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
	char text[512];
	uint64_t taken;

	assert_int_equal(s->sink.ops->stop(&s->sink, &error), -code);
	snprintf(text, sizeof(text), "sink disk: %s: %s", name, strerror(code));
	assert_string_equal(error.text, text);
	taken = fg_counter_read(&s->sink.lanes[0].taken.packets);
	if (in_file != UINT64_MAX)
		assert_int_equal(totals_of(s).packets, in_file);
	assert_int_equal(fg_counter_read(&s->sink.lost.packets), taken - totals_of(s).packets);
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
	s->sink.ops->stop(&s->sink, &(struct fg_error){0});
	setrlimit(RLIMIT_FSIZE, &before);

	read_capture(name, &seen); /* whole blocks only */
	assert_in_range(seen.count, 50, 200);
	assert_in_range(size_of(name), 20000 - 250, 20000);
	for (uint32_t i = 0; i < seen.count; i++)
		bytes += frame_bytes(i);
	assert_int_equal(totals_of(s).packets, seen.count);
	assert_int_equal(totals_of(s).bytes, bytes);
	assert_int_equal(totals_of(s).dropped, 1000 - seen.count);

	/* There is room again: a new start writes again. */
	subject_start(s);
	put_all(s, 0, seen.count, 10);
	subject_stop(s);
	read_capture(in_folder("limit.1.pcapng"), &seen);
	assert_int_equal(totals_of(s).packets, seen.count);
	subject_close(s);
}

static void test_folder_gone(void **state)
{
	const char *sub = in_folder("sub"), *name = in_folder("sub/x.pcapng");
	struct subject *s;

	(void)state;
	assert_int_equal(mkdir(sub, 0700), 0);
	s = subject_new("pcapng", 1,
			(const char *const[]){"path", name, "rotate_bytes", "1", NULL});
	subject_start(s);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(sub), 0);
	put_all(s, 0, 0, 100);
	expect_failure(s, ENOENT, in_folder("sub/x.1.pcapng"), 1);
	subject_close(s);
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

	/* Two sinks, one file: the second is refused and the first's file stays. */
	s = subject_new("pcapng", 1, options);
	memset(&error, 0, sizeof(error));
	assert_int_equal(subject_open(&other, "pcapng", 1, 1, options, &error), 0);
	subject_start(s);
	assert_int_equal(other->sink.ops->start(&other->sink, &error), -EBUSY);
	put_all(s, 0, 0, 10);
	subject_stop(s);
	subject_close(other);
	subject_close(s);
	read_capture(name, &(struct seen){0});
}

static void test_open_errors(void **state)
{
	char long_path[5000];
	const struct {
		const char *path, *rotate;
		int code;
	} cases[] = {
		{in_folder("nowhere/x.pcapng"), "0", ENOENT},
		{folder, "0", EISDIR},
		{"-", "1M", EINVAL},
		{"", "0", ENAMETOOLONG},
		{long_path, "0", ENAMETOOLONG},
	};

	(void)state;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	for (unsigned int i = 0; i < RTE_DIM(cases); i++) {
		const char *const options[] = {"path", cases[i].path, "rotate_bytes",
					       cases[i].rotate, NULL};
		struct fg_error error = {0};
		struct subject *s;

		assert_int_equal(subject_open(&s, "pcapng", 0, 1, options, &error), -cases[i].code);
		assert_non_null(strstr(error.text, "sink disk: "));
	}
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? start_eal() : -1;
}

static int tear_down(void **state)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	(void)state;
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		unlink(in_folder(entry->d_name));
	if (dir != NULL)
		closedir(dir);
	return stop_eal() != 0 || rmdir(folder) != 0 ? -1 : 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, check_pool)
	const struct CMUnitTest tests[] = {
		TEST(test_fields),      TEST(test_chain_content), TEST(test_huge_frame),
		TEST(test_lanes),       TEST(test_rotation),      TEST(test_restart),
		TEST(test_strftime),    TEST(test_live),          TEST(test_stdout),
		TEST(test_slots_full),  TEST(test_reader_gone),   TEST(test_disk_full),
		TEST(test_folder_gone), TEST(test_start_errors),  TEST(test_open_errors),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
