/* SPDX-License-Identifier: MIT */
/* The io_uring source, on a veth pair in a namespace of its own. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <rte_eal.h>

#include <fg_burst.h>

#include "veth_rig.h"

#define MBUFS 2048u

static const char *const modes[] = {"defer", "sqpoll"};

static int open_rig(struct rig *rig, uint16_t n_queues, uint32_t mbufs, const char *mode,
		    const char *name, const char *value)
{
	return rig_open(rig, "io_uring", n_queues, mbufs,
			(const char *[]){"interface", "rx0", "mode", mode, "buffers", "64", name,
					 value, NULL});
}

static struct fg_source_lost get_lost(struct rig *rig)
{
	struct fg_source_lost lost;

	fg_source_count_lost(&rig->src, &lost);
	return lost;
}

static uint64_t figure(struct rig *rig, const char *name)
{
	struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX];
	const unsigned int count = rig->src.ops->figures(&rig->src, figures);

	assert_true(count <= FG_SOURCE_FIGURES_MAX);
	for (unsigned int i = 0; i < count; i++)
		if (strcmp(figures[i].name, name) == 0)
			return figures[i].value;
	fail_msg("no figure '%s'", name);
	return 0;
}

/* The carrier may come a moment later. */
static enum fg_link look(struct rig *rig, enum fg_link expected)
{
	const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	enum fg_link link;

	while ((link = rig->src.ops->watch(&rig->src)) != expected &&
	       clock_ns(CLOCK_MONOTONIC) < end_ns)
		usleep(1000);
	return link;
}

/* Poll all queues until @n packets came, or the time limit is reached. */
static uint32_t receive(struct rig *rig, struct rte_mbuf **pkts, uint32_t n)
{
	const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	uint32_t count = 0;

	while (count < n && clock_ns(CLOCK_MONOTONIC) < end_ns)
		for (uint16_t queue = 0; queue < rig->src.n_queues && count < n; queue++) {
			const uint32_t room = RTE_MIN(n - count, FG_BURST_MAX);

			count += rig->src.ops->rx_burst(&rig->src, queue, pkts + count,
							(uint16_t)room);
		}
	return count;
}

/* No more packets come. */
static void expect_silence(struct rig *rig)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];

	for (unsigned int i = 0; i < 200; i++)
		for (uint16_t queue = 0; queue < rig->src.n_queues; queue++)
			assert_int_equal(
				rig->src.ops->rx_burst(&rig->src, queue, pkts, FG_BURST_MAX), 0);
}

/* Exactly these packets come; from a single queue in order. */
static void expect_serials(struct rig *rig, uint32_t first, uint32_t count)
{
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(receive(rig, &m, 1), 1);
		assert_int_equal(udp_serial(m), first + i);
		rte_pktmbuf_free(m);
	}
}

static void test_refused(void **state)
{
	struct rig rig;

	(void)state;
	assert_int_equal(open_rig(&rig, 2, 255, "defer", NULL, NULL), -EINVAL);
	assert_non_null(strstr(rig.error.text, "at least 256"));
	assert_int_equal(rig_open(&rig, "io_uring", 1, MBUFS,
				  (const char *[]){"interface", "nobody0", NULL}),
			 -ENODEV);
	assert_non_null(strstr(rig.error.text, "nobody0"));
	assert_int_equal(open_rig(&rig, 1, MBUFS, "defer", "filter", "udp prt 5"), -EINVAL);
	assert_int_equal(open_rig(&rig, 1, MBUFS, "defer", NULL, NULL), 0);
	rig_close(&rig);
	assert_int_equal(open_rig(&rig, 1, MBUFS, "sqpoll", "sqpoll_cpu", "4000"), 0);
	assert_int_equal(rig.src.ops->start(&rig.src, &rig.error), -EINVAL);
	assert_non_null(strstr(rig.error.text, "no such CPU"));
	rig.error.text[0] = '\0';
	rig_close(&rig);
	assert_int_equal(open_rig(&rig, 1, MBUFS, "sqpoll", "sqpoll_cpu", "0"), 0);
	rig_start(&rig);
	send_serials(0, 10);
	expect_serials(&rig, 0, 10);
	rig_close(&rig);
}

/* Frames of all sizes and tags arrive as they were sent, with timestamps. */
static void check_frame(struct rte_mbuf *m, const uint8_t *frame, size_t bytes, uint64_t after_ns)
{
	const struct fg_meta *meta = fg_meta(m);

	assert_int_equal(m->pkt_len, bytes);
	assert_int_equal(m->data_len, bytes);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_memory_equal(rte_pktmbuf_mtod(m, const uint8_t *), frame, bytes);
	assert_int_equal(meta->wire_len, bytes);
	assert_int_equal(meta->flags, FG_META_TIMED);
	assert_true(meta->rx_ns >= after_ns);
	assert_true(meta->rx_ns <= clock_ns(CLOCK_REALTIME));
}

static void exchange(struct rig *rig, int fd, const uint8_t *frame, size_t bytes)
{
	const uint64_t after_ns = clock_ns(CLOCK_REALTIME);
	struct rte_mbuf *m;

	send_frame(fd, frame, bytes);
	assert_int_equal(receive(rig, &m, 1), 1);
	check_frame(m, frame, bytes, after_ns);
	rte_pktmbuf_free(m);
}

static void test_contents(void **state)
{
	static const uint16_t sizes[] = {18,  60,   64,   65,   127,           128,          129,
					 512, 1514, 1518, 4096, VETH_MTU + 13, VETH_MTU + 14};
	uint8_t frame[FRAME_MAX];
	struct rig rig;

	(void)state;
	for (unsigned int mode = 0; mode < 2; mode++) {
		const int fd = sender_open();

		assert_int_equal(open_rig(&rig, 1, MBUFS, modes[mode], NULL, NULL), 0);
		rig_start(&rig);
		for (uint32_t i = 0; i < 300; i++) {
			const uint16_t bytes = sizes[i % RTE_DIM(sizes)];

			odd_frame(frame, bytes, i);
			exchange(&rig, fd, frame, bytes);
		}
		expect_silence(&rig);
		assert_int_equal(figure(&rig, "malformed"), 0);
		assert_int_equal(figure(&rig, "untimed"), 0);
		rig_close(&rig);
		close(fd);
	}
}

/* Without kernel timestamps: tags are restored all the same. */
static void test_untimed(void **state)
{
	const int fd = sender_open();
	uint8_t frame[FRAME_MAX];
	struct rte_mbuf *m;
	struct rig rig;

	(void)state;
	assert_int_equal(open_rig(&rig, 1, MBUFS, "defer", "timestamps", "false"), 0);
	rig_start(&rig);
	for (uint32_t i = 0; i < 100; i++) {
		odd_frame(frame, 200, i);
		memcpy(frame + 12, i % 2 == 0 ? "\x81\0\0\x0c\x88\xb5" : "\x88\xb5\0\0\0\0", 6);
		send_frame(fd, frame, 200);
		assert_int_equal(receive(&rig, &m, 1), 1);
		assert_int_equal(m->pkt_len, 200);
		assert_memory_equal(rte_pktmbuf_mtod(m, const uint8_t *), frame, 200);
		assert_int_equal(fg_meta(m)->flags, 0);
		assert_int_equal(fg_meta(m)->wire_len, 200);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(figure(&rig, "untimed"), 0);
	rig_close(&rig);
	close(fd);
}

static void test_tags(void **state)
{
	static const uint8_t tags[][8] = {{0x81, 0x00, 0x00, 0x2a},
					  {0x81, 0x00, 0xef, 0xff},
					  {0x88, 0xa8, 0x20, 0x07},
					  {0x88, 0xa8, 0x01, 0x00, 0x81, 0x00, 0xa0, 0x64},
					  {0x81, 0x00, 0x00, 0x01, 0x81, 0x00, 0x00, 0x02}};
	static const uint8_t lengths[] = {4, 4, 4, 8, 8};
	uint8_t frame[FRAME_MAX];
	struct rig rig;
	int fd;

	(void)state;
	fd = sender_open();
	assert_int_equal(open_rig(&rig, 1, MBUFS, "defer", NULL, NULL), 0);
	rig_start(&rig);
	for (unsigned int i = 0; i < RTE_DIM(tags); i++)
		for (unsigned int bytes = 68; bytes < 2000; bytes += 101) {
			odd_frame(frame, bytes, bytes);
			memmove(frame + 12 + lengths[i], frame + 12, bytes - 12 - lengths[i]);
			memcpy(frame + 12, tags[i], lengths[i]);
			exchange(&rig, fd, frame, bytes);
		}
	/* The longest frame for this MTU: a tag does not count. */
	odd_frame(frame, VETH_MTU + 18, 1);
	memcpy(frame + 12, tags[0], 4);
	exchange(&rig, fd, frame, VETH_MTU + 18);
	rig_close(&rig);
	close(fd);
}

/* A frame longer than a buffer is counted and never delivered truncated; a tag may exceed the MTU.
 */
static void test_truncated(void **state)
{
	const int fd = sender_open();
	uint8_t frame[FRAME_MAX];
	struct rig rig;

	(void)state;
	assert_int_equal(open_rig(&rig, 1, MBUFS, "defer", "mtu", "1500"), 0);
	rig_start(&rig);
	for (uint32_t i = 0; i < 500; i++) {
		odd_frame(frame, 3000, i);
		send_frame(fd, frame, 3000 + i);
		odd_frame(frame, 1514, i);
		exchange(&rig, fd, frame, 1514);
	}
	assert_int_equal(figure(&rig, "truncated"), 500);
	assert_int_equal(get_lost(&rig).errors, 500);
	assert_int_equal(get_lost(&rig).nic, 0);
	rig_close(&rig);
	close(fd);
}

static void test_queues(void **state)
{
	enum { COUNT = 600 };
	struct rte_mbuf *pkts[COUNT];
	bool seen[COUNT];
	struct rig rig;

	(void)state;
	for (unsigned int mode = 0; mode < 2; mode++) {
		memset(seen, 0, sizeof(seen));
		assert_int_equal(open_rig(&rig, 2, MBUFS, modes[mode], "fanout", "hash"), 0);
		rig_start(&rig);
		send_serials(0, COUNT);
		assert_int_equal(receive(&rig, pkts, COUNT), COUNT);
		for (unsigned int i = 0; i < COUNT; i++) {
			const uint32_t serial = udp_serial(pkts[i]);

			assert_true(serial < COUNT);
			assert_false(seen[serial]);
			seen[serial] = true;
			rte_pktmbuf_free(pkts[i]);
		}
		expect_silence(&rig);
		rig_close(&rig);
	}
}

static void test_filter(void **state)
{
	const int fd = sender_open();
	uint8_t frame[FRAME_BYTES];
	struct rig rig;

	(void)state;
	assert_int_equal(open_rig(&rig, 1, MBUFS, "defer", "filter", "udp dst port 26477"), 0);
	rig_start(&rig);
	for (uint32_t i = 0; i < 100; i++) {
		udp_frame(frame, (uint16_t)(26477 + i % 2), i);
		send_frame(fd, frame, sizeof(frame));
		if (i % 2 == 0)
			expect_serials(&rig, i, 1);
	}
	expect_silence(&rig);
	assert_int_equal(get_lost(&rig).nic, 0);
	rig_close(&rig);
	close(fd);
}

/*
 * A consumer holds packets until the pool, the kernel's buffers and finally the socket are full.
 * Then it frees them: received plus lost packets are all that were sent.
 */
static void test_exhaustion(void **state)
{
	enum { COUNT = 3000 };
	static struct rte_mbuf *pkts[COUNT];
	struct rig rig;

	(void)state;
	for (unsigned int mode = 0; mode < 2; mode++) {
		uint32_t count = 0, last = 0;

		assert_int_equal(open_rig(&rig, 1, 200, modes[mode], "socket_bytes", "256K"), 0);
		rig_start(&rig);
		send_serials(1, COUNT);
		assert_int_equal(receive(&rig, pkts, 200), 200);
		expect_silence(&rig);
		assert_true(figure(&rig, "buffers exhausted") > 0);
		assert_true(figure(&rig, "pool empty") > 0);
		for (count = 0; count < COUNT;) {
			for (uint32_t i = 0; i < 200; i++) {
				assert_true(udp_serial(pkts[i]) > last);
				last = udp_serial(pkts[i]);
			}
			count += 200;
			rte_pktmbuf_free_bulk(pkts, 200);
			if (COUNT - count - get_lost(&rig).nic < 200)
				break;
			assert_int_equal(receive(&rig, pkts, 200), 200);
		}
		const uint64_t lost = get_lost(&rig).nic;

		assert_true(lost > 0);
		assert_int_equal(receive(&rig, pkts, (uint32_t)(COUNT - count - lost)),
				 COUNT - count - lost);
		rte_pktmbuf_free_bulk(pkts, (unsigned int)(COUNT - count - lost));
		assert_true(figure(&rig, "rearmed") > 0);
		/* Packets flow as before. */
		expect_silence(&rig);
		send_serials(5000, 100);
		expect_serials(&rig, 5000, 100);
		assert_int_equal(get_lost(&rig).nic, lost);
		rig_close(&rig);
	}
}

/* An idle source needs no system calls, nor does one whose interface is down. */
static void test_down_and_up(void **state)
{
	struct rig rig;
	uint64_t calls;

	(void)state;
	for (unsigned int mode = 0; mode < 2; mode++) {
		assert_int_equal(open_rig(&rig, 1, MBUFS, modes[mode], NULL, NULL), 0);
		rig_start(&rig);
		send_serials(0, 10);
		expect_serials(&rig, 0, 10);
		assert_int_equal(look(&rig, FG_LINK_UP), FG_LINK_UP);
		calls = figure(&rig, "system calls");
		for (unsigned int i = 0; i < 50; i++)
			expect_silence(&rig);
		assert_true(figure(&rig, "system calls") - calls < 10);

		for (unsigned int turn = 0; turn < 3; turn++) {
			run("ip link set rx0 down");
			assert_int_equal(look(&rig, FG_LINK_DOWN), FG_LINK_DOWN);
			calls = figure(&rig, "system calls");
			for (unsigned int i = 0; i < 50; i++)
				expect_silence(&rig);
			assert_true(figure(&rig, "system calls") - calls < 10);
			run("ip link set rx0 up");
			assert_int_equal(look(&rig, FG_LINK_UP), FG_LINK_UP);
			send_serials(turn, 10);
			expect_serials(&rig, turn, 10);
		}
		assert_true(figure(&rig, "socket errors") > 0);
		rig_close(&rig);
	}
}

static void test_removed(void **state)
{
	struct rte_mbuf *pkts[200];
	struct rig rig;

	(void)state;
	for (uint16_t queues = 1; queues <= 2; queues++)
		for (unsigned int mode = 0; mode < 2; mode++) {
			assert_int_equal(open_rig(&rig, queues, MBUFS, modes[mode], NULL, NULL), 0);
			rig_start(&rig);
			send_serials(0, 10);
			assert_int_equal(receive(&rig, pkts, 10), 10);
			rte_pktmbuf_free_bulk(pkts, 10);
			veth_remove();
			assert_int_equal(look(&rig, FG_LINK_GONE), FG_LINK_GONE);
			expect_silence(&rig);
			veth_add();
			assert_int_equal(look(&rig, FG_LINK_UP), FG_LINK_UP);
			send_serials(0, 200);
			assert_int_equal(receive(&rig, pkts, 200), 200);
			rte_pktmbuf_free_bulk(pkts, 200);
			assert_int_equal(get_lost(&rig).nic, 0);
			rig_close(&rig);
		}
}

static void *poll_a_while(void *arg)
{
	struct rig *rig = arg;

	expect_serials(rig, 0, 50);
	return NULL;
}

/* Another thread may poll after each start; packets not polled before a stop come after it. */
static void test_threads(void **state)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct rig rig;
	pthread_t thread;

	(void)state;
	for (unsigned int mode = 0; mode < 2; mode++) {
		assert_int_equal(open_rig(&rig, 1, MBUFS, modes[mode], NULL, NULL), 0);
		for (unsigned int turn = 0; turn < 6; turn++) {
			rig_start(&rig);
			send_serials(0, 50);
			if (turn % 2 == 0) {
				assert_int_equal(pthread_create(&thread, NULL, poll_a_while, &rig),
						 0);
				assert_int_equal(pthread_join(thread, NULL), 0);
				rig.src.ops->stop(&rig.src);
				rig_start(&rig);
			} else {
				poll_a_while(&rig);
			}
			send_serials(50, 50);
			expect_serials(&rig, 50, 7);
			rig.src.ops->stop(&rig.src);
			send_serials(500, 20); /* Sent while stopped. */
			assert_int_equal(rig.src.ops->rx_burst(&rig.src, 0, pkts, 0), 0);
			rig_start(&rig);
			expect_serials(&rig, 57, 43);
			expect_silence(&rig);
			rig.src.ops->stop(&rig.src);
		}
		/* Never polled, and closed with packets. */
		rig_start(&rig);
		rig.src.ops->stop(&rig.src);
		rig_start(&rig);
		send_serials(0, 60);
		expect_serials(&rig, 0, 1);
		rig_close(&rig);
	}
}

/* In a child process: probe without the capability, or with the system call refused. */
static void expect_probe(void (*hinder)(void), int code, const char *text)
{
	const struct fg_source_ops *ops = fg_source_kind("io_uring");
	const pid_t child = fork();
	int status;

	if (child == 0) {
		struct fg_error error = {0};

		hinder();
		_exit(fg_source_probe(ops, &error) == code && strstr(error.text, text) != NULL ? 0
											       : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void become_nobody(void)
{
	if (setresuid(65534, 65534, 65534) != 0)
		_exit(2);
}

static void refuse_io_uring(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	const struct sock_fprog program = {.len = RTE_DIM(code), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(2);
}

static void do_nothing(void)
{
}

static void test_probe(void **state)
{
	(void)state;
	expect_probe(do_nothing, 0, "");
	expect_probe(become_nobody, -EPERM, "CAP_NET_RAW");
	expect_probe(refuse_io_uring, -EPERM, "seccomp");
}

int main(int argc, char **argv)
{
	char *eal[] = {argv[0],          "--no-huge",   "-m", "512", "--no-pci",
		       "--no-telemetry", "--no-shconf", "-l", "0"};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_contents),
		cmocka_unit_test(test_tags),        cmocka_unit_test(test_untimed),
		cmocka_unit_test(test_truncated),   cmocka_unit_test(test_queues),
		cmocka_unit_test(test_filter),      cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_down_and_up), cmocka_unit_test(test_removed),
		cmocka_unit_test(test_threads),     cmocka_unit_test(test_probe),
	};
	struct fg_error error = {0};

	(void)argc;
	if (!veth_namespace()) {
		printf("skipped: needs root, to make a network namespace\n");
		return 77;
	}
	if (fg_source_probe(fg_source_kind("io_uring"), &error) != 0) {
		printf("skipped: %s\n", error.text);
		return 77;
	}
	if (rte_eal_init((int)RTE_DIM(eal), eal) < 0)
		return 1;
	veth_add();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
