/* SPDX-License-Identifier: MIT */
/* The pcapng sink: its files as tshark and libpcap read them. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <pthread.h>

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

	/* Another sink, as after a restart of the program, continues the numbers. */
	s = pcapng_new(in_folder("again"));
	subject_start(s);
	put_all(s, 0, 30, 10);
	subject_stop(s);
	subject_close(s);
	read_capture(in_folder("again.3"), &seen);
	assert_int_equal(seen.count, 40);
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

static uint64_t handed_over(const void *source)
{
	return *(const uint64_t *)source;
}

/* The statistics as tshark reads them. */
static void test_statistics(void **state)
{
	const char *name = in_folder("statistics.pcapng");
	struct subject *s = subject_new("pcapng", 1,
					(const char *const[]){"path", name, "slots", "1000", NULL});
	uint64_t received[2] = {1000, 7};
	struct fg_sink_interface interfaces[2] = {
		{.handed_over = handed_over, .source = &received[0]},
		{.handed_over = handed_over, .source = &received[1]},
	};
	char *text;

	(void)state;
	s->sink.interfaces = interfaces;
	fg_counter_add(&interfaces[0].dropped, 50); /* before the capture begins */
	subject_start(s);
	put_all(s, 0, 0, 30);
	received[0] += 400;
	received[1] += 3;
	fg_counter_add(&interfaces[0].dropped, 5);
	fg_counter_add(&interfaces[0].prefiltered, 20);
	fg_counter_add(&interfaces[1].uncounted, 1);
	subject_stop(s);
	subject_close(s);
	if (!have("tshark"))
		skip();
	text = output_of("tshark -X 'read_format:MIME Files Format' -r %s -V 2>/dev/null | "
			 "sed -n 's/.*Option: Number of //p'",
			 name);
	assert_string_equal(text, "Received Packets = 425\n" /* handed over, dropped, prefiltered */
				  "Dropped Packets = 5\n"
				  "Accepted Packets = 30\n"
				  "Packets Delivered to the User = 30\n"
				  "Received Packets = 3\n" /* nobody counts all that were dropped */
				  "Accepted Packets = 0\n"
				  "Packets Delivered to the User = 0\n");
	free(text);
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

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, check_pool)
	const struct CMUnitTest tests[] = {
		TEST(test_fields),     TEST(test_chain_content), TEST(test_huge_frame),
		TEST(test_lanes),      TEST(test_rotation),      TEST(test_restart),
		TEST(test_strftime),   TEST(test_live),          TEST(test_stdout),
		TEST(test_statistics), TEST(test_open_errors),
	};

	return cmocka_run_group_tests(tests, captures_set_up, captures_tear_down);
}
