/* SPDX-License-Identifier: MIT */
/* The af_xdp source, on a veth pair in a network namespace of its own. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mempool.h>

#include "af_xdp/xdp/object.h"
#include "veth_rig.h"

#define MBUFS 4096u

static int tx = -1;

static void add_pair(void)
{
	veth_add();
	run("ip link set rx0 mtu 1500 && ip link set tx0 mtu 1500");
	tx = sender_open();
}

static int make_pair(void **state)
{
	(void)state;
	add_pair();
	return 0;
}

static uint32_t attached(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex("rx0"), 0, &id), 0);
	return id;
}

static int remove_pair(void **state)
{
	(void)state;
	close(tx);
	if (if_nametoindex("rx0") != 0) {
		assert_int_equal(attached(), 0);
		veth_remove();
	}
	return 0;
}

static int open_with(struct rig *rig, const char *const *options)
{
	return rig_open(rig, "af_xdp", 1, MBUFS, options);
}

static void open_started(struct rig *rig, const char *const *options)
{
	assert_int_equal(open_with(rig, options), 0);
	rig_start(rig);
}

/* Start; retry, because the kernel frees the queue of a closed socket a little later. */
static void open_started_again(struct rig *rig, const char *const *options)
{
	const uint64_t end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;

	assert_int_equal(open_with(rig, options), 0);
	while (rig->src.ops->start(&rig->src, &rig->error) != 0) {
		assert_true(clock_ns(CLOCK_MONOTONIC) < end);
		rig->error = (struct fg_error){0};
		rig_close(rig);
		usleep(10000);
		assert_int_equal(open_with(rig, options), 0);
	}
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
	const unsigned int n = rig->src.ops->figures(&rig->src, figures);

	assert_true(n <= FG_SOURCE_FIGURES_MAX);
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(figures[i].name, name) == 0)
			return figures[i].value;
	fail_msg("no figure '%s'", name);
	return 0;
}

/* The next packet, or NULL if none arrives. */
static struct rte_mbuf *next(struct rig *rig, uint64_t patience_ns)
{
	const uint64_t end = clock_ns(CLOCK_MONOTONIC) + patience_ns;
	struct rte_mbuf *m;

	do {
		if (rig->src.ops->rx_burst(&rig->src, 0, &m, 1) == 1)
			return m;
	} while (clock_ns(CLOCK_MONOTONIC) < end);
	return NULL;
}

static void expect(struct rig *rig, const uint8_t *frame, size_t bytes)
{
	struct rte_mbuf *m = next(rig, PATIENCE_NS);

	assert_non_null(m);
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(rte_pktmbuf_pkt_len(m), bytes);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, bytes);
	rte_pktmbuf_free(m);
}

static void expect_silence(struct rig *rig)
{
	struct rte_mbuf *m = next(rig, 50000000);

	assert_null(m);
}

/* So many packets were prefiltered, and none arrives. */
static void expect_filtered(struct rig *rig, uint64_t count)
{
	const uint64_t end = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;

	while (get_lost(rig).prefiltered < count && clock_ns(CLOCK_MONOTONIC) < end)
		usleep(1000);
	expect_silence(rig);
	assert_int_equal(get_lost(rig).prefiltered, count);
}

/* More packets than there are buffers, so that each buffer returns to the kernel. */
static void test_all(void **state)
{
	uint8_t frame[1514];
	struct rig rig;

	(void)state;
	open_started(&rig, (const char *[]){"interface", "rx0", NULL});
	assert_int_not_equal(attached(), 0);
	for (uint32_t i = 0; i < 3 * MBUFS; i++) {
		const size_t bytes = 60 + i % (sizeof(frame) - 59);

		odd_frame(frame, bytes, i);
		send_frame(tx, frame, bytes);
		expect(&rig, frame, bytes);
	}
	assert_int_equal(get_lost(&rig).nic, 0);
	assert_int_equal(get_lost(&rig).prefiltered, 0);
	assert_int_equal(figure(&rig, "invalid buffers"), 0);
	assert_int_equal(figure(&rig, "redirected"), 3 * MBUFS);
	rig_close(&rig);
}

/* Packets for which the kernel had no buffer or no space are counted. */
static void test_overrun(void **state)
{
	const uint32_t sent = 3000;
	uint8_t frame[FRAME_BYTES];
	struct fg_source_lost lost;
	struct rte_mbuf *m;
	struct rig rig;
	uint64_t received = 0;

	(void)state;
	open_started(&rig, (const char *[]){"interface", "rx0", "descriptors", "256", NULL});
	for (uint32_t i = 0; i < sent; i++) {
		udp_frame(frame, 5000, i);
		send_frame(tx, frame, sizeof(frame));
	}
	while ((m = next(&rig, 50000000)) != NULL) {
		received++;
		rte_pktmbuf_free(m);
	}
	lost = get_lost(&rig);
	assert_true(received >= 256 && received < sent);
	assert_int_equal(received + lost.nic, figure(&rig, "redirected"));
	assert_int_equal(lost.nic, figure(&rig, "ring full") + figure(&rig, "no buffer"));
	rig.src.ops->stop(&rig.src);
	assert_int_equal(rig.src.ops->outstanding(&rig.src), 0);
	assert_int_equal(get_lost(&rig).nic, lost.nic);
	assert_int_equal(figure(&rig, "redirected"), received + lost.nic);
	rig_close(&rig);
}

static void set(struct rig *rig, const struct fg_source_group *groups, uint32_t count)
{
	assert_int_equal(rig->src.ops->prefilter(&rig->src, groups, count, &rig->error), 0);
}

static struct fg_source_group udp_group(uint16_t port)
{
	return (struct fg_source_group){
		.family = 4, .protocol = 17, .port_be = htons(port), .ip = {10, 0, 0, 2}};
}

/* Send a packet to each of @ports; only those in @matching arrive. */
static void try_ports(struct rig *rig, const uint16_t *ports, uint32_t count, uint32_t matching)
{
	const uint64_t filtered = get_lost(rig).prefiltered;
	uint8_t frame[FRAME_BYTES];
	uint32_t n_matched = 0;

	for (uint32_t i = 0; i < count; i++) {
		udp_frame(frame, ports[i], i);
		send_frame(tx, frame, sizeof(frame));
	}
	for (uint32_t i = 0; i < count; i++) {
		if ((matching >> i & 1) == 0)
			continue;
		udp_frame(frame, ports[i], i);
		expect(rig, frame, sizeof(frame));
		n_matched++;
	}
	expect_filtered(rig, filtered + count - n_matched);
}

static void test_channels(void **state)
{
	static const uint16_t ports[] = {5000, 5001, 5002, 5003};
	struct fg_source_group two[] = {udp_group(5000), udp_group(5002)};
	struct fg_source_group other[] = {udp_group(5003), udp_group(5002), udp_group(5002)};
	struct fg_source_group wide = {.family = 4, .ip = {10, 0, 0, 2}};
	struct rig rig;

	(void)state;
	assert_int_equal(
		open_with(&rig, (const char *[]){"interface", "rx0", "prefilter", "rules", NULL}),
		0);
	set(&rig, two, 2); /* Before start: stored. */
	rig_start(&rig);
	try_ports(&rig, ports, 4, 0x5);
	set(&rig, other, 3);
	try_ports(&rig, ports, 4, 0xc);
	assert_int_equal(figure(&rig, "groups"), 2);
	set(&rig, NULL, 0);
	try_ports(&rig, ports, 4, 0xf);
	set(&rig, other, 0);
	try_ports(&rig, ports, 4, 0);
	set(&rig, &wide, 1);
	try_ports(&rig, ports, 4, 0xf);
	wide.protocol = 17;
	set(&rig, &wide, 1);
	try_ports(&rig, ports, 4, 0xf);
	wide.protocol = 6;
	set(&rig, &wide, 1);
	try_ports(&rig, ports, 4, 0);
	wide = (struct fg_source_group){.protocol = 17};
	set(&rig, &wide, 1);
	try_ports(&rig, ports, 4, 0xf);
	wide.port_be = htons(5001);
	set(&rig, &wide, 1);
	try_ports(&rig, ports, 4, 0x2);
	wide = (struct fg_source_group){0};
	set(&rig, &wide, 1);
	try_ports(&rig, ports, 4, 0xf);
	rig_close(&rig);
}

/* More new groups than fit beside the old ones: everything passes meanwhile, no packet is missing.
 */
static void test_many_groups(void **state)
{
	static const uint16_t ports[] = {1, 2, 3};
	const uint32_t count = 65536;
	struct fg_source_group *groups = calloc(count + 1, sizeof(*groups));
	struct rig rig;

	(void)state;
	open_started(&rig, (const char *[]){"interface", "rx0", "prefilter", "rules", NULL});
	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < count; i++) {
			groups[i] = udp_group((uint16_t)(2 + pass));
			groups[i].ip[3] = (uint8_t)(2 + i);
			groups[i].ip[2] = (uint8_t)(i >> 8);
		}
		set(&rig, groups, count);
		try_ports(&rig, ports, 3, 2u << pass);
	}
	groups[count] = udp_group(1);
	assert_int_equal(rig.src.ops->prefilter(&rig.src, groups, count + 1, &rig.error), -E2BIG);
	assert_non_null(strstr(rig.error.text, "65537 groups"));
	rig.error = (struct fg_error){0};
	try_ports(&rig, ports, 3, 7);
	free(groups);
	rig_close(&rig);
}

/* With rest: kernel, an ordinary socket receives the other packets. */
static void test_rest_kernel(void **state)
{
	struct fg_source_group group = udp_group(5000);
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
					    .sll_protocol = htons(ETH_P_ALL),
					    .sll_ifindex = (int)if_nametoindex("rx0")};
	const int listener = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
	uint8_t frame[FRAME_BYTES], heard[2048];
	struct rig rig;

	(void)state;
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	open_started(&rig, (const char *[]){"interface", "rx0", "prefilter", "rules", "rest",
					    "kernel", NULL});
	set(&rig, &group, 1);
	udp_frame(frame, 5000, 1);
	send_frame(tx, frame, sizeof(frame));
	expect(&rig, frame, sizeof(frame));
	udp_frame(frame, 5001, 2);
	send_frame(tx, frame, sizeof(frame));
	expect_filtered(&rig, 1);
	assert_int_equal(recv(listener, heard, sizeof(heard), 0), sizeof(frame));
	assert_memory_equal(heard, frame, sizeof(frame));
	assert_int_equal(recv(listener, heard, sizeof(heard), 0), -1);
	assert_int_equal(figure(&rig, "prefiltered: to kernel"), 1);
	close(listener);
	rig_close(&rig);
}

static void test_not_requested(void **state)
{
	struct fg_source_group group = udp_group(5000);
	static const uint16_t ports[] = {5000, 5001};
	struct rig rig;

	(void)state;
	open_started(&rig, (const char *[]){"interface", "rx0", NULL});
	assert_int_equal(rig.src.ops->prefilter(&rig.src, &group, 1, &rig.error), -ENOTSUP);
	rig.error = (struct fg_error){0};
	try_ports(&rig, ports, 2, 3);
	rig_close(&rig);
}

static void expect_refused(int code, const char *text, const char *const *options)
{
	struct rig rig;

	assert_int_equal(open_with(&rig, options), code);
	assert_non_null(strstr(rig.error.text, text));
}

static void test_refused(void **state)
{
	struct rig rig;

	(void)state;
	expect_refused(-ENODEV, "no interface 'nobody'",
		       (const char *[]){"interface", "nobody", NULL});
	expect_refused(-EINVAL, "none of ,=()[]",
		       (const char *[]){"interface", "rx0,force_copy=1", NULL});
	expect_refused(-EINVAL, "it has 1",
		       (const char *[]){"interface", "rx0", "start_queue", "1", NULL});
	assert_int_equal(
		rig_open(&rig, "af_xdp", 1, 2111, (const char *[]){"interface", "rx0", NULL}),
		-EINVAL);
	assert_non_null(strstr(rig.error.text, "at least 2112"));
	run("ip link set rx0 mtu 3371 && ip link set tx0 mtu 3371");
	expect_refused(-EINVAL, "has MTU 3371", (const char *[]){"interface", "rx0", NULL});
}

/* A veth has no zero copy. */
static void test_zero_copy(void **state)
{
	struct rig rig;

	(void)state;
	assert_int_equal(
		open_with(&rig, (const char *[]){"interface", "rx0", "mode", "zero_copy", NULL}),
		0);
	assert_int_equal(rig.src.ops->start(&rig.src, &rig.error), -ENOTSUP);
	assert_non_null(strstr(rig.error.text, "no zero copy"));
	rig.error = (struct fg_error){0};
	rig_close(&rig);
}

/* The longest frame that fits, and the same by the copying mode and without busy polling. */
static void test_large(void **state)
{
	uint8_t frame[3384];
	struct rig rig;

	(void)state;
	run("ip link set rx0 mtu 3370 && ip link set tx0 mtu 3370");
	open_started(&rig,
		     (const char *[]){"interface", "rx0", "mode", "copy", "busy_poll", "0", NULL});
	odd_frame(frame, sizeof(frame), 1);
	send_frame(tx, frame, sizeof(frame));
	expect(&rig, frame, sizeof(frame));
	rig_close(&rig);
}

static struct bpf_object *load_ours(int *fd)
{
	struct bpf_object *object = bpf_object__open_mem(xdp_object, xdp_object_bytes, NULL);

	assert_non_null(object);
	assert_int_equal(bpf_object__load(object), 0);
	*fd = bpf_program__fd(bpf_object__next_program(object, NULL));
	return object;
}

/* Feedgate's program without a process, as after a crash. */
static void test_left_by_crash(void **state)
{
	struct rig rig;
	struct bpf_object *object;
	int fd;

	(void)state;
	object = load_ours(&fd);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("rx0"), fd, 0, NULL), 0);
	bpf_object__close(object);
	assert_int_not_equal(attached(), 0);
	assert_int_equal(open_with(&rig, (const char *[]){"interface", "rx0", NULL}), 0);
	assert_int_equal(attached(), 0);
	rig_close(&rig);
}

static void test_in_use(void **state)
{
	static const char *const options[] = {"interface", "rx0", NULL};
	struct rig rig;
	char text[64];

	(void)state;
	open_started(&rig, options);
	snprintf(text, sizeof(text), "in use by feedgate pid %d", getpid());
	expect_refused(-EBUSY, text, options);
	assert_int_not_equal(attached(), 0);
	rig_close(&rig);
	open_started_again(&rig, options);
	rig_close(&rig);
}

/* Another program is never detached: neither at open, nor at start, nor at close. */
static void test_other_program(void **state)
{
	static const char *const options[] = {"interface", "rx0", NULL};
	/* r0 = XDP_PASS; exit */
	static const struct bpf_insn pass[] = {{.code = 0xb7, .imm = XDP_PASS}, {.code = 0x95}};
	const int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "MIT", pass, 2, NULL);
	const int ifindex = (int)if_nametoindex("rx0");
	struct rig rig;
	uint32_t id;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, 0, NULL), 0);
	id = attached();
	expect_refused(-EBUSY, "(stranger)", options);
	assert_int_equal(attached(), id);

	assert_int_equal(bpf_xdp_detach(ifindex, 0, NULL), 0);
	assert_int_equal(open_with(&rig, options), 0);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, 0, NULL), 0);
	assert_int_equal(rig.src.ops->start(&rig.src, &rig.error), -EBUSY);
	rig.error = (struct fg_error){0};
	rig_close(&rig);
	assert_int_equal(attached(), id);

	assert_int_equal(bpf_xdp_detach(ifindex, 0, NULL), 0);
	open_started(&rig, options);
	assert_int_equal(rig.src.ops->watch(&rig.src), FG_LINK_UP);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, 0, NULL), 0); /* Replaces feedgate's. */
	assert_int_equal(rig.src.ops->watch(&rig.src), FG_LINK_UP);
	rig_close(&rig);
	assert_int_equal(attached(), id);
	assert_int_equal(bpf_xdp_detach(ifindex, 0, NULL), 0);
	close(fd);
}

static void test_down_up(void **state)
{
	uint8_t frame[FRAME_BYTES];
	struct rig rig;

	(void)state;
	open_started(&rig, (const char *[]){"interface", "rx0", NULL});
	assert_int_equal(rig.src.ops->watch(&rig.src), FG_LINK_UP);
	run("ip link set rx0 down");
	assert_int_equal(rig.src.ops->watch(&rig.src), FG_LINK_DOWN);
	expect_silence(&rig);
	run("ip link set rx0 up");
	assert_int_equal(rig.src.ops->watch(&rig.src), FG_LINK_UP);
	udp_frame(frame, 1, 1);
	send_frame(tx, frame, sizeof(frame));
	expect(&rig, frame, sizeof(frame));
	rig_close(&rig);
}

/* The interface is removed and created again. */
static void test_removed(void **state)
{
	struct fg_source_group group = udp_group(5000);
	struct fg_source_lost lost;
	uint8_t frame[FRAME_BYTES];
	struct rig rig;

	(void)state;
	open_started(&rig, (const char *[]){"interface", "rx0", "prefilter", "rules", NULL});
	set(&rig, &group, 1);
	udp_frame(frame, 1, 1);
	send_frame(tx, frame, sizeof(frame));
	expect_filtered(&rig, 1);
	veth_remove();
	assert_int_equal(rig.src.ops->watch(&rig.src), FG_LINK_GONE);
	expect_silence(&rig);
	close(tx);
	add_pair();
	assert_int_equal(rig.src.ops->watch(&rig.src), FG_LINK_GONE);
	set(&rig, NULL, 0);
	lost = get_lost(&rig);
	assert_int_equal(lost.prefiltered, 1);
	assert_int_equal(lost.nic, 0);
	rig_close(&rig);
}

static bool is_promiscuous(void)
{
	return system("ip -d link show rx0 | grep -q 'promiscuity 1'") == 0;
}

static void test_promiscuous(void **state)
{
	struct rig rig;

	(void)state;
	open_started(&rig, (const char *[]){"interface", "rx0", NULL});
	assert_true(is_promiscuous());
	rig_close(&rig);
	assert_false(is_promiscuous());
	open_started_again(&rig, (const char *[]){"interface", "rx0", "promiscuous", "no", NULL});
	assert_false(is_promiscuous());
	rig_close(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_pair, remove_pair)

int main(void)
{
	static char *eal_args[] = {"test_af_xdp",    "--no-huge",   "-m", "512", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	const struct CMUnitTest tests[] = {
		TEST(test_all),           TEST(test_overrun),     TEST(test_channels),
		TEST(test_many_groups),   TEST(test_rest_kernel), TEST(test_not_requested),
		TEST(test_refused),       TEST(test_zero_copy),   TEST(test_large),
		TEST(test_left_by_crash), TEST(test_in_use),      TEST(test_other_program),
		TEST(test_down_up),       TEST(test_removed),     TEST(test_promiscuous),
	};
	struct fg_error reason = {0};
	int failed;

	if (!veth_namespace()) {
		puts("needs root, for a network namespace");
		return 77;
	}
	if (fg_source_probe(fg_source_kind("af_xdp"), &reason) != 0) {
		puts(reason.text);
		return 77;
	}
	if (rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}
