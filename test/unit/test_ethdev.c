/* SPDX-License-Identifier: MIT */
/* The ethdev source, on DPDK's virtual devices. */
#include <errno.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <fg_burst.h>
#include <fg_port.h>

#include "source_rig.h"

static char folder[] = "/tmp/fg_test_ethdev_XXXXXX";

static void add_vdev(const char *name, const char *args)
{
	assert_int_equal(rte_eal_hotplug_add("vdev", name, args), 0);
}

static void remove_vdev(const char *name)
{
	assert_int_equal(rte_eal_hotplug_remove("vdev", name), 0);
}

static int open_device(struct rig *rig, const char *name, uint16_t n_queues, uint32_t mbufs)
{
	return rig_open(rig, "ethdev", n_queues, mbufs,
			(const char *[]){"device", name, "descriptors", "256", NULL});
}

static struct fg_source_lost get_lost(struct rig *rig)
{
	struct fg_source_lost lost;

	fg_source_count_lost(&rig->src, &lost);
	return lost;
}

static void test_unknown(void **state)
{
	struct rig rig;

	(void)state;
	assert_int_equal(open_device(&rig, "net_nobody", 1, 1024), -ENODEV);
	assert_non_null(strstr(rig.error.text, "'net_nobody'"));
}

static void test_refused(void **state)
{
	struct rig rig, other;

	(void)state;
	add_vdev("net_null0", "");
	/* 2 * (256 + 2 bursts of 32). */
	assert_int_equal(open_device(&rig, "net_null0", 2, 639), -EINVAL);
	assert_non_null(strstr(rig.error.text, "at least 640"));
	assert_int_equal(open_device(&rig, "net_null0", 2, 640), 0);
	assert_int_equal(open_device(&other, "net_null0", 1, 1024), -EBUSY);
	assert_string_equal(other.error.text, "port net_null0 is in use already by another source");
	rig_close(&rig);
	assert_int_equal(open_device(&rig, "net_null0", 1, 1024), 0);
	rig_start(&rig);
	rig_close(&rig);
	remove_vdev("net_null0");

	add_vdev("net_null0", "");
	assert_int_equal(rig_open(&rig, "ethdev", 1, 4096,
				  (const char *[]){"device", "net_null0", "mtu", "20", NULL}),
			 -EINVAL);
	assert_non_null(strstr(rig.error.text, "MTU 20 "));
	assert_int_equal(rig_open(&rig, "ethdev", 1, 200000,
				  (const char *[]){"device", "net_null0", "mtu", "9000", NULL}),
			 -ENOMEM);
	assert_non_null(strstr(rig.error.text, "200000 mbufs"));
	remove_vdev("net_null0");
}

static void test_null(void **state)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct fg_burst burst;
	struct rig rig;

	(void)state;
	add_vdev("net_null1", "size=128,copy=0");
	assert_int_equal(open_device(&rig, "net_null1", 2, 2048), 0);
	for (unsigned int turn = 0; turn < 3; turn++) {
		rig_start(&rig);
		for (uint16_t queue = 0; queue < 2; queue++) {
			const uint16_t n = rig.src.ops->rx_burst(&rig.src, queue, pkts, 32);

			assert_int_equal(n, 32);
			for (uint16_t i = 0; i < n; i++) {
				assert_int_equal(pkts[i]->pkt_len, 128);
				assert_int_equal(rte_pktmbuf_priv_size(pkts[i]->pool),
						 FG_META_BYTES);
				assert_int_equal(fg_meta(pkts[i])->flags, 0);
			}
			rte_pktmbuf_free_bulk(pkts, n);
		}
		assert_true(fg_source_rx(&rig.src, 1, &burst) > 0);
		rte_pktmbuf_free_bulk(burst.pkts, burst.count);
		assert_false(ended(&rig));
		rig.src.ops->stop(&rig.src);
	}
	assert_int_equal(get_lost(&rig).no_mbuf, 0);
	rig_close(&rig);
	remove_vdev("net_null1");
}

/* A sink sends to net_ring, the source receives; packets not polled are not lost. */
static void test_ring(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("ring", 511, 0, FG_META_BYTES,
							   RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	struct rte_mbuf *pkts[40];
	struct fg_error error = {0};
	struct fg_port *out;
	struct rig rig;

	(void)state;
	assert_non_null(pool);
	add_vdev("net_ring0", "");
	assert_int_equal(open_device(&rig, "net_ring0", 1, 1024), 0);
	assert_int_equal(fg_port_claim_tx("net_ring0", 1, &out, &error), 0);
	assert_int_equal(fg_port_start(out, &error), 0);
	rig_start(&rig);
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, pkts, 40), 0);
	for (unsigned int i = 0; i < 40; i++)
		*(unsigned int *)(void *)rte_pktmbuf_append(pkts[i], 60) = i;
	assert_int_equal(rte_eth_tx_burst(out->id, 0, pkts, 40), 40);
	assert_int_equal(rig.src.ops->rx_burst(&rig.src, 0, pkts, 30), 30);
	for (unsigned int i = 0; i < 30; i++)
		assert_int_equal(*rte_pktmbuf_mtod(pkts[i], unsigned int *), i);
	rte_pktmbuf_free_bulk(pkts, 30);
	assert_false(ended(&rig));
	fg_port_stop(out);
	fg_port_put(out);
	rig_close(&rig);
	assert_int_equal(rte_mempool_avail_count(pool), 511);
	rte_mempool_free(pool);
	remove_vdev("net_ring0");
}

/* "rx_pcap=FILE..." for a file of @p count packets, numbered. */
static const char *pcap_args(uint32_t count, const char *more)
{
	static char args[256];
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *dumper;

	snprintf(args, sizeof(args), "rx_pcap=%s/in.pcap", folder);
	dumper = pcap_dump_open(dead, strchr(args, '=') + 1);
	assert_non_null(dumper);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t data[16] = {i};
		struct pcap_pkthdr header = {.caplen = sizeof(data), .len = sizeof(data)};

		pcap_dump((u_char *)dumper, &header, (const u_char *)data);
	}
	pcap_dump_close(dumper);
	pcap_close(dead);
	strcat(args, more);
	return args;
}

/* Poll a file until the source has ended; every packet comes, in order. */
static void play(struct rig *rig, uint32_t count)
{
	struct fg_burst burst;
	uint32_t next = 0;

	rig_start(rig);
	assert_false(ended(rig));
	while (!ended(rig)) {
		fg_source_rx(&rig->src, 0, &burst);
		for (uint16_t i = 0; i < burst.count; i++)
			assert_int_equal(*rte_pktmbuf_mtod(burst.pkts[i], uint32_t *), next++);
		rte_pktmbuf_free_bulk(burst.pkts, burst.count);
	}
	assert_int_equal(next, count);
	assert_true(ended(rig));
}

static void test_pcap(void **state)
{
	struct rig rig;

	(void)state;
	add_vdev("net_pcap0", pcap_args(1000, ""));
	assert_int_equal(open_device(&rig, "net_pcap0", 2, 2048), -EINVAL);
	assert_non_null(strstr(rig.error.text, "2 receive queues requested"));
	assert_int_equal(open_device(&rig, "net_pcap0", 1, 2048), 0);
	play(&rig, 1000);
	/* The driver starts its file again. */
	rig.src.ops->stop(&rig.src);
	play(&rig, 1000);
	assert_int_equal(fg_counter_read(&rig.src.queues[0].received.packets), 2000);
	rig_close(&rig);
	remove_vdev("net_pcap0");
}

static void test_pcap_empty(void **state)
{
	struct rig rig;

	(void)state;
	add_vdev("net_pcap1", pcap_args(0, ""));
	assert_int_equal(open_device(&rig, "net_pcap1", 1, 2048), 0);
	play(&rig, 0);
	rig_close(&rig);
	remove_vdev("net_pcap1");
}

/* The file does not end while no lcore polls, however long that takes. */
static void test_pcap_not_polled(void **state)
{
	struct rig rig;

	(void)state;
	add_vdev("net_pcap1", pcap_args(10, ""));
	assert_int_equal(open_device(&rig, "net_pcap1", 1, 2048), 0);
	rig_start(&rig);
	assert_false(ended(&rig));
	usleep(300000);
	assert_false(ended(&rig));
	rig.src.ops->stop(&rig.src);
	play(&rig, 10);
	rig_close(&rig);
	remove_vdev("net_pcap1");
}

static void test_pcap_infinite(void **state)
{
	struct fg_burst burst;
	struct rig rig;

	(void)state;
	add_vdev("net_pcap2", pcap_args(10, ",infinite_rx=1"));
	assert_int_equal(open_device(&rig, "net_pcap2", 1, 2048), 0);
	rig_start(&rig);
	for (unsigned int turn = 0; turn < 100; turn++) {
		assert_true(fg_source_rx(&rig.src, 0, &burst) > 0);
		rte_pktmbuf_free_bulk(burst.pkts, burst.count);
		assert_false(ended(&rig));
	}
	rig_close(&rig);
	remove_vdev("net_pcap2");
}

/* If all mbufs are held, packets are lost, and the source counts them. */
static void test_lost(void **state)
{
	struct rte_mbuf *held[1024 + FG_BURST_MAX];
	struct fg_source_lost lost;
	struct rig rig;
	uint32_t n_held = 0;

	(void)state;
	add_vdev("net_pcap3", pcap_args(3000, ""));
	assert_int_equal(open_device(&rig, "net_pcap3", 1, 512), 0);
	assert_int_equal(get_lost(&rig).no_mbuf, 0);
	rig_start(&rig);
	while (!ended(&rig)) {
		n_held += rig.src.ops->rx_burst(&rig.src, 0, &held[n_held], FG_BURST_MAX);
		assert_true(n_held <= 512);
	}
	lost = get_lost(&rig);
	assert_int_equal(n_held + lost.no_mbuf, 3000);
	assert_int_equal(lost.nic + lost.errors, 0);
	rte_pktmbuf_free_bulk(held, n_held);
	rig.src.ops->stop(&rig.src);
	rig_start(&rig);
	assert_int_equal(get_lost(&rig).no_mbuf, 3000 - n_held);
	rig.src.ops->stop(&rig.src);
	/* Closes the port: the counters stay. */
	assert_int_equal(rig.src.ops->outstanding(&rig.src), 0);
	assert_int_equal(get_lost(&rig).no_mbuf, 3000 - n_held);
	rig_close(&rig);
	remove_vdev("net_pcap3");
}

static enum fg_link look(struct rig *rig)
{
	return rig->src.ops->watch(&rig->src);
}

/* EAL removes a device: it is reported, no packet comes any more, and all functions may still be
 * called. */
static void test_removed(void **state)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	struct rig rig;

	(void)state;
	add_vdev("net_null4", "size=64");
	assert_int_equal(open_device(&rig, "net_null4", 2, 2048), 0);
	rig_start(&rig);
	assert_int_equal(look(&rig), FG_LINK_UP);
	assert_int_equal(rig.src.ops->rx_burst(&rig.src, 1, pkts, 32), 32);
	assert_false(ended(&rig));
	remove_vdev("net_null4");
	assert_int_equal(look(&rig), FG_LINK_GONE);
	assert_int_equal(look(&rig), FG_LINK_GONE);
	assert_true(ended(&rig));
	for (uint16_t queue = 0; queue < 2; queue++)
		assert_int_equal(rig.src.ops->rx_burst(&rig.src, queue, &pkts[16], 8), 0);
	assert_int_equal(get_lost(&rig).nic, 0);
	rte_pktmbuf_free_bulk(pkts, 16);
	rte_pktmbuf_free_bulk(&pkts[16], 16);
	rig.src.ops->stop(&rig.src);
	rig_start(&rig);
	assert_true(ended(&rig));
	assert_int_equal(look(&rig), FG_LINK_GONE);
	rig_close(&rig);

	/* Another device gets its name and its port id. */
	add_vdev("net_null4", "size=64");
	assert_int_equal(open_device(&rig, "net_null4", 1, 1024), 0);
	rig_start(&rig);
	assert_int_equal(look(&rig), FG_LINK_UP);
	assert_int_equal(rig.src.ops->rx_burst(&rig.src, 0, pkts, 32), 32);
	rte_pktmbuf_free_bulk(pkts, 32);
	rig_close(&rig);
	remove_vdev("net_null4");
}

/* A device is removed, and the source is closed without a call of watch(). */
static void test_removed_unseen(void **state)
{
	struct rig rig;

	(void)state;
	add_vdev("net_null5", "");
	assert_int_equal(open_device(&rig, "net_null5", 1, 1024), 0);
	rig_start(&rig);
	remove_vdev("net_null5");
	rig_close(&rig);
	add_vdev("net_null5", "");
	assert_int_equal(open_device(&rig, "net_null5", 1, 1024), 0);
	remove_vdev("net_null5");
	rig_close(&rig);
}

/* A removed device cannot be used for sending. */
static void test_removed_sink(void **state)
{
	struct fg_error error = {0};
	struct fg_port *out;
	struct rig rig;

	(void)state;
	add_vdev("net_ring1", "");
	assert_int_equal(open_device(&rig, "net_ring1", 1, 1024), 0);
	assert_int_equal(fg_port_claim_tx("net_ring1", 2, &out, &error), 0);
	assert_int_equal(fg_port_start(out, &error), 0);
	rig_start(&rig);
	assert_true(fg_port_enter(out, 1));
	fg_port_leave(out, 1);
	assert_int_equal(fg_port_watch(out), FG_PORT_UP);
	remove_vdev("net_ring1");
	assert_int_equal(fg_port_watch(NULL), FG_PORT_UP);
	assert_int_equal(fg_port_watch(out), FG_PORT_GONE);
	for (uint16_t lane = 0; lane < 2; lane++)
		assert_false(fg_port_enter(out, lane));
	fg_port_stop(out);
	assert_int_equal(fg_port_start(out, &error), 0);
	fg_port_put(out);
	assert_int_equal(look(&rig), FG_LINK_GONE);
	rig_close(&rig);
}

/* State shared with the thread that polls. */
struct poller {
	struct rig *rig;
	uint64_t received;
	_Atomic bool stop;
};

static void *poll_until_stopped(void *arg)
{
	struct poller *poller = arg;
	struct fg_burst burst;

	while (!atomic_load(&poller->stop)) {
		poller->received += fg_source_rx(&poller->rig->src, 0, &burst);
		rte_pktmbuf_free_bulk(burst.pkts, burst.count);
	}
	return NULL;
}

static void ip(const char *words)
{
	char line[128];

	snprintf(line, sizeof(line), "ip %s", words);
	assert_int_equal(system(line), 0);
}

static enum fg_link wait_for(struct rig *rig, enum fg_link expected)
{
	enum fg_link link = look(rig);

	for (unsigned int i = 0; i < 200 && link != expected; i++) {
		usleep(50000);
		link = look(rig);
	}
	return link;
}

/* An interface is set down and up and is deleted while a thread polls; the port is closed
 * meanwhile. */
static void check_interface(const char *driver)
{
	struct poller poller = {0};
	char vdev[32], args[64];
	pthread_t thread;
	struct rig rig;

	ip("link add fgx type veth peer name fgy");
	ip("link set fgx up");
	ip("link set fgy up");
	snprintf(vdev, sizeof(vdev), "%s9", driver);
	snprintf(args, sizeof(args), "iface=fgx");
	add_vdev(vdev, args);
	assert_int_equal(open_device(&rig, vdev, 1, 16384), 0);
	rig_start(&rig);
	poller.rig = &rig;
	assert_int_equal(pthread_create(&thread, NULL, poll_until_stopped, &poller), 0);
	assert_int_equal(wait_for(&rig, FG_LINK_UP), FG_LINK_UP);
	ip("link set fgy down");
	assert_int_equal(wait_for(&rig, FG_LINK_DOWN), FG_LINK_DOWN);
	ip("link set fgy up");
	assert_int_equal(wait_for(&rig, FG_LINK_UP), FG_LINK_UP);
	ip("link del fgx");
	assert_int_equal(wait_for(&rig, FG_LINK_GONE), FG_LINK_GONE);
	usleep(100000);
	assert_int_equal(look(&rig), FG_LINK_GONE);
	assert_true(ended(&rig));
	atomic_store(&poller.stop, true);
	pthread_join(thread, NULL);
	rig_close(&rig);
}

static void test_interface(void **state)
{
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0) {
		print_message("skipped: no network namespace of one's own\n");
		return;
	}
	check_interface("net_af_packet");
	check_interface("net_pcap");
	fd = socket(AF_XDP, SOCK_RAW, 0);
	if (fd >= 0)
		check_interface("net_af_xdp");
	close(fd);
}

int main(void)
{
	static char *eal_args[] = {"test_ethdev",    "--no-huge",   "-m", "512", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_pcap_empty),
		cmocka_unit_test(test_pcap_not_polled),
		cmocka_unit_test(test_pcap_infinite),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_removed_unseen),
		cmocka_unit_test(test_removed_sink),
		cmocka_unit_test(test_interface), /* Leaves this network namespace. */
	};
	char command[64];
	int failed;

	if (mkdtemp(folder) == NULL || rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) != 0 ? 1 : failed;
}
