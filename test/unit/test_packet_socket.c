/* SPDX-License-Identifier: MIT */
/*
 * Packet sockets, tested with the packet_mmap source: which packets are received, on which queue,
 * and what happens when the interface changes.
 */
#include <fg_burst.h>

#include "packet_rig.h"

#define SHARED 4000u /* Packets for two queues. */

static void test_refused(void **state)
{
	struct rig rig;
	struct fg_error error = {0};

	(void)state;
	assert_int_equal(fg_source_probe(fg_source_kind("packet_mmap"), &error), 0);
	assert_int_equal(open_with(&rig, 1, 1024, (const char *[]){"interface", "nobody", NULL}),
			 -ENODEV);
	assert_string_equal(
		rig.error.text,
		"source test: there is no interface 'nobody' in this network namespace");
	assert_int_equal(
		open_with(&rig, 1, 1024,
			  (const char *[]){"interface", "a-name-much-too-long-for-one", NULL}),
		-ENODEV);
	assert_int_equal(open_with(&rig, 2, 127, OPTIONS("blocks", "4")), -EINVAL);
	assert_non_null(strstr(rig.error.text, "at least 128"));
	assert_int_equal(open_with(&rig, 1, 1024, OPTIONS("filter", "udp port 5 and and")),
			 -EINVAL);
	assert_non_null(strstr(rig.error.text, "source test: filter: "));
	shell("ip tuntap add dev t0 mode tun");
	assert_int_equal(open_with(&rig, 1, 1024, (const char *[]){"interface", "t0", NULL}),
			 -EMEDIUMTYPE);
	assert_non_null(strstr(rig.error.text, "expected Ethernet"));
	shell("ip link del t0");
}

static void test_join_refused(void **state)
{
	static const char *const groups[] = {"239.1.1.1, nonsense", "10.0.0.1", "fe80::1"};
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(groups); i++) {
		assert_int_equal(open_with(&rig, 1, 1024, OPTIONS("join", groups[i])), 0);
		assert_true(rig.src.ops->start(&rig.src, &rig.error) < 0);
		assert_non_null(strstr(rig.error.text, "is no multicast group"));
		rig.error.text[0] = '\0';
		rig_close(&rig);
	}
}

/* Poll two queues until @count packets came; record them and their queue. */
static void receive_shared(struct rig *rig, uint32_t count, uint8_t *seen, uint64_t *per_queue)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint32_t got = 0;

	for (unsigned int quiet = 0; got < count && quiet < 5000; quiet++) {
		const uint16_t queue = quiet & 1;
		const uint16_t n = rig->src.ops->rx_burst(&rig->src, queue, pkts, FG_BURST_MAX);

		for (uint16_t i = 0; i < n; i++) {
			assert_true(number_of(pkts[i]) < SHARED);
			assert_int_equal(seen[number_of(pkts[i])], 0);
			seen[number_of(pkts[i])] = (uint8_t)(queue + 1);
		}
		rte_pktmbuf_free_bulk(pkts, n);
		per_queue[queue] += n;
		got += n;
		if (n > 0)
			quiet &= 1;
		else
			usleep(1000);
	}
	assert_int_equal(got, count);
}

/* Two queues: each packet comes on one of them, all packets of a flow on the same. */
static void check_fanout(const char *fanout, bool by_flow)
{
	uint8_t seen[SHARED] = {0};
	uint64_t per_queue[2] = {0};
	struct rte_mbuf *extra;
	struct rig rig;

	start_with(&rig, 2, 16384, OPTIONS("fanout", fanout));
	for (uint32_t first = 0; first < SHARED; first += 500) {
		send_frames(first, 500, 200);
		receive_shared(&rig, 500, seen, per_queue);
	}
	assert_int_equal(receive(&rig, &extra, 1), 0);
	for (uint32_t number = 256; by_flow && number < SHARED; number++)
		assert_int_equal(seen[number], seen[number % 256]);
	assert_int_equal(lost_of(&rig).nic, 0);
	if (strcmp(fanout, "hash") == 0 || strcmp(fanout, "lb") == 0)
		assert_true(per_queue[0] > 100 && per_queue[1] > 100);
	rig_close(&rig);
}

static void test_fanout(void **state)
{
	(void)state;
	check_fanout("hash", true);
	check_fanout("lb", false);
	check_fanout("cpu", false);
	check_fanout("rnd", false);
	check_fanout("qm", false);
}

/* Only packets that match the filter come, also right after a start. */
static void check_filter(const char *filter, const bool *comes)
{
	uint8_t frame[5][200];
	uint32_t length[5];
	struct rig rig;

	for (uint32_t i = 0; i < 5; i++) {
		make_frame(frame[i], 100, i);
		length[i] = 100;
	}
	frame[1][37] = 6; /* Destination port. */
	length[2] = add_tag(frame[2], 100, 0x8100, 7);
	length[3] = add_tag(frame[3], 100, 0x8100, 8);
	length[4] = add_tag(frame[4], 100, 0x8100, 7);
	length[4] = add_tag(frame[4], 104, 0x88a8, 9);
	start_with(&rig, 1, 256, OPTIONS("filter", filter, "blocks", "4"));
	for (unsigned int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 5; i++)
			send_bytes(frame[i], length[i]);
		for (uint32_t i = 0; i < 5; i++)
			if (comes[i])
				rte_pktmbuf_free(expect(&rig, frame[i], length[i]));
		rig.src.ops->stop(&rig.src);
		send_bytes(frame[0], length[0]);
		rig_start(&rig);
	}
	send_bytes(frame[0], length[0]);
	if (comes[0])
		rte_pktmbuf_free(expect(&rig, frame[0], length[0]));
	rig_close(&rig);
}

static void test_filter(void **state)
{
	(void)state;
	check_filter("", (const bool[]){true, true, true, true, true});
	/* The kernel removes the tag before the filter sees the frame. */
	check_filter("udp dst port 5", (const bool[]){true, false, true, true, false});
	check_filter("udp dst port 5 or vlan", (const bool[]){true, false, true, true, true});
	check_filter("vlan 7 and udp", (const bool[]){false, false, true, false, false});
	check_filter("vlan 9 and vlan 7", (const bool[]){false, false, false, false, true});
	check_filter("not vlan", (const bool[]){true, true, false, false, false});
	/* As written: libpcap's optimizer takes the mask for a constant that is not 0. */
	check_filter("udp[8:4] & 0xffffffff != 0", (const bool[]){false, true, true, true, false});
	check_filter("host 10.0.0.1 and not ((host 1.2.3.4 or host 5.6.7.8) and icmp) and "
		     "not (host 5.6.7.8 or host 10.0.0.1)",
		     (const bool[]){false, false, false, false, false});
}

/* Each port takes libpcap 63 instructions. */
static void test_long_filter(void **state)
{
	char text[1024] = "port 1";
	struct rig rig;
	size_t length = strlen(text);

	(void)state;
	for (unsigned int port = 2; port <= 66; port++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " or %u", port);
	assert_int_equal(open_with(&rig, 1, 1024, OPTIONS("filter", text)), -E2BIG);
	assert_non_null(strstr(rig.error.text, "source test: filter: 'port 1 or 2 or 3"));
	assert_non_null(strstr(rig.error.text, "...' has "));
	assert_non_null(strstr(rig.error.text, " instructions, the kernel takes at most 409"));
}

static bool file_has(const char *path, const char *text)
{
	static char content[1 << 16];
	FILE *file = fopen(path, "r");
	size_t length;

	assert_non_null(file);
	length = fread(content, 1, sizeof(content) - 1, file);
	fclose(file);
	content[length] = '\0';
	return strstr(content, text) != NULL;
}

/* An address as in /proc/net/igmp: its bytes in memory order. */
static bool joined(unsigned int last)
{
	char text[16];

	snprintf(text, sizeof(text), "%08X", htonl(0xefc80000u + last));
	return file_has("/proc/net/igmp", text);
}

static void test_join(void **state)
{
	char groups[1024] = "239.200.0.0, ff05::1234 239.200.0.0";
	struct rig rig;

	(void)state;
	/* More than one socket can join. */
	for (unsigned int i = 1; i < 45; i++)
		sprintf(groups + strlen(groups), ",239.200.0.%u", i);
	shell("echo 0 > /proc/sys/net/ipv6/conf/vb/disable_ipv6");
	assert_false(joined(0));
	start_with(&rig, 1, 256, OPTIONS("join", groups, "blocks", "4"));
	for (unsigned int i = 0; i < 45; i++)
		assert_true(joined(i));
	assert_true(file_has("/proc/net/igmp6", "ff050000000000000000000000001234"));
	rig_close(&rig);
	assert_false(joined(0));
	shell("echo 1 > /proc/sys/net/ipv6/conf/vb/disable_ipv6");
}

/* A frame to another station is received only in promiscuous mode, or if it is multicast. */
static void test_promiscuous(void **state)
{
	uint8_t frame[FRAME_MAX], group[FRAME_MAX];
	struct rig rig;

	(void)state;
	make_frame(group, 100, 1);
	make_frame(frame, 100, 2);
	frame[0] = 2;
	start_with(&rig, 1, 256, OPTIONS("blocks", "4"));
	assert_true(system("ip -d link show vb | grep -q 'promiscuity 1'") == 0);
	send_bytes(frame, 100);
	rte_pktmbuf_free(expect(&rig, frame, 100));
	rig_close(&rig);
	start_with(&rig, 1, 256, OPTIONS("blocks", "4", "promiscuous", "false"));
	assert_true(system("ip -d link show vb | grep -q 'promiscuity 0 .*allmulti 1'") == 0 ||
		    system("ip -d link show vb | grep -q 'promiscuity 0'") == 0);
	send_bytes(group, 100);
	rte_pktmbuf_free(expect(&rig, group, 100));
	rig_close(&rig);
}

/* Packets that this machine sends are received only with `outgoing`. */
static void check_outgoing(uint16_t n_queues)
{
	uint8_t frame[FRAME_MAX];
	struct rte_mbuf *m;
	struct rig rig;

	make_frame(frame, 100, 1);
	start_with(&rig, n_queues, 256,
		   (const char *[]){"interface", "va", "filter", "udp dst port 5", NULL});
	send_bytes(frame, 100);
	assert_int_equal(receive(&rig, &m, 1), 0);
	rig_close(&rig);
	start_with(&rig, n_queues, 256,
		   (const char *[]){"interface", "va", "filter", "udp dst port 5", "outgoing",
				    "true", NULL});
	send_bytes(frame, 100);
	rte_pktmbuf_free(expect(&rig, frame, 100));
	rig_close(&rig);
}

static void test_outgoing(void **state)
{
	(void)state;
	check_outgoing(1);
	check_outgoing(2);
}

static enum fg_link watch(struct rig *rig)
{
	return rig->src.ops->watch(&rig->src);
}

/* The kernel notices a change of the carrier up to a second later. */
static void expect_link(struct rig *rig, enum fg_link link)
{
	for (unsigned int look = 0; look < 300 && watch(rig) != link; look++)
		usleep(10000);
	assert_int_equal(watch(rig), link);
}

static void check_down_up(uint16_t n_queues)
{
	uint8_t frame[FRAME_MAX];
	struct rte_mbuf *none;
	struct rig rig;

	make_frame(frame, 1000, 1);
	start_with(&rig, n_queues, 1024, OPTIONS("blocks", "4"));
	expect_link(&rig, FG_LINK_UP);
	for (unsigned int round = 0; round < 3; round++) {
		shell(round == 1 ? "ip link set va down" : "ip link set vb down");
		expect_link(&rig, FG_LINK_DOWN);
		assert_int_equal(receive(&rig, &none, 1), 0);
		shell("ip link set va up && ip link set vb up");
		open_tx();
		expect_link(&rig, FG_LINK_UP);
		send_bytes(frame, 1000);
		rte_pktmbuf_free(expect(&rig, frame, 1000));
	}
	rig_close(&rig);
}

static void test_down_up(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct rig rig;

	(void)state;
	check_down_up(1);
	check_down_up(2);
	/* The interface may be down at open. */
	shell("ip link set vb down");
	start_with(&rig, 1, 1024, OPTIONS("blocks", "4"));
	expect_link(&rig, FG_LINK_DOWN);
	shell("ip link set vb up");
	open_tx();
	expect_link(&rig, FG_LINK_UP);
	make_frame(frame, 1000, 1);
	send_bytes(frame, 1000);
	rte_pktmbuf_free(expect(&rig, frame, 1000));
	rig_close(&rig);
}

/* The interface is removed while its packets are in flight, and created again. */
static void check_return(uint16_t n_queues)
{
	uint8_t frame[FRAME_MAX], later[FRAME_MAX];
	struct rte_mbuf *m, *none;
	struct rig rig;

	make_frame(frame, 1000, 1);
	make_frame(later, 1200, 2);
	start_with(&rig, n_queues, 1024, OPTIONS("blocks", "4", "join", "239.200.0.9"));
	send_bytes(frame, 1000);
	m = expect(&rig, frame, 1000);
	for (unsigned int round = 0; round < 3; round++) {
		shell("ip link del va");
		for (unsigned int look = 0; look < 3; look++) {
			assert_int_equal(watch(&rig), FG_LINK_GONE);
			usleep(10000);
		}
		assert_int_equal(receive(&rig, &none, 1), 0);
		assert_false(joined(9));
		add_pair();
		expect_link(&rig, FG_LINK_UP);
		assert_true(joined(9));
		send_bytes(later, 1200);
		rte_pktmbuf_free(expect(&rig, later, 1200));
	}
	assert_is(m, frame, 1000);
	rte_pktmbuf_free(m);
	rig_close(&rig);
}

static void test_return(void **state)
{
	(void)state;
	check_return(1);
	check_return(2);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),  cmocka_unit_test(test_join_refused),
		cmocka_unit_test(test_fanout),   cmocka_unit_test(test_filter),
		cmocka_unit_test(test_join),     cmocka_unit_test(test_promiscuous),
		cmocka_unit_test(test_outgoing), cmocka_unit_test(test_down_up),
		cmocka_unit_test(test_return),   cmocka_unit_test(test_long_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return packet_rig_run("test_packet_socket", run_all);
}
