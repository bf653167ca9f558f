/* SPDX-License-Identifier: MIT */
/* Ports of DPDK's own virtual devices: claims, start and stop, nothing left behind. */
/* cmocka.h needs the four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <fg_meta.h>
#include <fg_port.h>

#define POOL_SIZE 2047u

static struct rte_mempool *pool;
static char folder[] = "/tmp/fg_test_port_XXXXXX";

static struct fg_port_rx wish(uint16_t n_queues)
{
	return (struct fg_port_rx){.n_queues = n_queues,
				   .descriptors = 256,
				   .rss = true,
				   .promiscuous = true,
				   .allmulticast = true,
				   .pool = pool};
}

static void add_vdev(const char *name, const char *args)
{
	assert_int_equal(rte_eal_hotplug_add("vdev", name, args), 0);
}

/* Also checks that every mbuf was freed. */
static void remove_vdev(const char *name)
{
	assert_int_equal(rte_eal_hotplug_remove("vdev", name), 0);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_SIZE);
}

static void test_unknown(void **state)
{
	const struct fg_port_rx rx = wish(1);
	struct fg_error error = {0};
	struct fg_port *port = NULL;

	(void)state;
	assert_int_equal(fg_port_claim_rx("net_nobody", &rx, &port, &error), -ENODEV);
	assert_non_null(strstr(error.text, "net_nobody"));
	assert_non_null(strstr(error.text, "--vdev"));
	assert_null(port);

	add_vdev("net_null7", "");
	memset(&error, 0, sizeof(error));
	assert_int_equal(fg_port_claim_tx("0000:81:00.0", 1, &port, &error), -ENODEV);
	assert_non_null(strstr(error.text, "net_null7"));
	assert_null(port);
	remove_vdev("net_null7");
}

static void test_find(void **state)
{
	struct fg_error error = {0};
	struct fg_port found;

	(void)state;
	add_vdev("net_null7", "");
	assert_int_equal(fg_port_find("net_null7", &found, &error), 0);
	assert_string_equal(found.name, "net_null7");
	assert_string_equal(found.driver, "net_null");
	assert_true(rte_eth_dev_is_valid_port(found.id));
	remove_vdev("net_null7");
}

static void test_claims(void **state)
{
	const struct fg_port_rx rx = wish(1);
	struct fg_port *first = NULL, *second = NULL, *third = NULL;
	struct fg_error error = {0};

	(void)state;
	add_vdev("net_null0", "");
	assert_int_equal(fg_port_claim_rx("net_null0", &rx, &first, &error), 0);
	assert_int_equal(fg_port_claim_rx("net_null0", &rx, &third, &error), -EBUSY);
	assert_string_equal(error.text, "port net_null0 is in use already by another source");
	memset(&error, 0, sizeof(error));
	assert_int_equal(fg_port_claim_tx("net_null0", 1, &second, &error), 0);
	assert_int_equal(fg_port_claim_tx("net_null0", 1, &third, &error), -EBUSY);
	assert_string_equal(error.text, "port net_null0 is in use already by another sink");
	memset(&error, 0, sizeof(error));
	/* A claim released before the start can be made again. */
	fg_port_put(second);
	assert_int_equal(fg_port_start(first, &error), 0);
	assert_int_equal(fg_port_claim_tx("net_null0", 1, &third, &error), -EBUSY);
	assert_non_null(strstr(error.text, "started already"));
	assert_null(third);
	fg_port_put(first);
	fg_port_put(NULL);
	remove_vdev("net_null0");
}

static void test_limits(void **state)
{
	struct fg_port_rx rx = wish(2);
	struct fg_port *port = NULL;
	struct fg_error error = {0};
	char args[128];

	(void)state;
	snprintf(args, sizeof(args), "tx_pcap=%s/limits.pcap", folder);
	add_vdev("net_pcap0", args);
	assert_int_equal(fg_port_claim_rx("net_pcap0", &rx, &port, &error), -EINVAL);
	assert_non_null(strstr(error.text, "2 receive queues"));
	memset(&error, 0, sizeof(error));
	assert_int_equal(fg_port_claim_tx("net_pcap0", 9, &port, &error), -EINVAL);
	assert_non_null(strstr(error.text, "9 transmit queues"));
	memset(&error, 0, sizeof(error));
	rx.n_queues = 1;
	rx.mtu = 1; /* Too small for Ethernet. */
	assert_int_equal(fg_port_claim_rx("net_pcap0", &rx, &port, &error), -EINVAL);
	assert_non_null(strstr(error.text, "MTU 1 "));
	assert_null(port);
	remove_vdev("net_pcap0");
}

static unsigned int receive(uint16_t id, uint16_t queue, unsigned int expected)
{
	struct rte_mbuf *pkts[32];
	unsigned int received = 0;

	for (unsigned int turn = 0; turn < 1000 && received < expected; turn++) {
		const uint16_t count = rte_eth_rx_burst(id, queue, pkts, 32);

		received += count;
		rte_pktmbuf_free_bulk(pkts, count);
	}
	return received;
}

static void test_start_stop_start(void **state)
{
	const struct fg_port_rx rx = wish(2);
	struct fg_port *port = NULL;
	struct fg_error error = {0};

	(void)state;
	add_vdev("net_null1", "size=64,copy=0");
	assert_int_equal(fg_port_claim_rx("net_null1", &rx, &port, &error), 0);
	for (unsigned int turn = 0; turn < 3; turn++) {
		assert_int_equal(fg_port_start(port, &error), 0);
		assert_int_equal(fg_port_start(port, &error), 0); /* Runs already. */
		assert_true(receive(port->id, 0, 64) >= 64);
		assert_true(receive(port->id, 1, 64) >= 64);
		fg_port_stop(port);
		fg_port_stop(port);
	}
	assert_string_equal(error.text, "");
	fg_port_put(port);
	remove_vdev("net_null1");
}

/* Sending works without a receiver, whatever queues the driver needs. */
static void check_tx_only(const char *name, const char *args)
{
	struct fg_port *port = NULL;
	struct fg_error error = {0};
	struct rte_mbuf *m;

	add_vdev(name, args);
	assert_int_equal(fg_port_claim_tx(name, 1, &port, &error), 0);
	for (unsigned int turn = 0; turn < 2; turn++) {
		assert_int_equal(fg_port_start(port, &error), 0);
		m = rte_pktmbuf_alloc(pool);
		assert_non_null(m);
		memset(rte_pktmbuf_append(m, 60), 0x55, 60);
		assert_int_equal(rte_eth_tx_burst(port->id, 0, &m, 1), 1);
		fg_port_stop(port);
	}
	fg_port_put(port);
	remove_vdev(name);
}

static void test_tx_only(void **state)
{
	char args[128];
	uint32_t lengths[2] = {0};
	FILE *file;

	(void)state;
	check_tx_only("net_null2", "");
	check_tx_only("net_ring2", "");
	snprintf(args, sizeof(args), "tx_pcap=%s/out.pcap", folder);
	check_tx_only("net_pcap2", args);
	/* The driver creates its file at each start. A packet's lengths follow 24 + 8 bytes. */
	file = fopen(args + strlen("tx_pcap="), "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 24 + 8, SEEK_SET), 0);
	assert_int_equal(fread(lengths, sizeof(lengths), 1, file), 1);
	assert_int_equal(lengths[0], 60);
	assert_int_equal(lengths[1], 60);
	fclose(file);
}

static void send_numbered(uint16_t id, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		assert_non_null(m);
		memset(rte_pktmbuf_append(m, 64), (int)i, 64);
		assert_int_equal(rte_eth_tx_burst(id, 0, &m, 1), 1);
	}
}

/* net_ring receives the packets sent to it: both directions of one port. */
static void test_both_directions(void **state)
{
	const struct fg_port_rx rx = wish(1);
	struct fg_port *in = NULL, *out = NULL;
	struct fg_error error = {0};

	(void)state;
	add_vdev("net_ring0", "");
	assert_int_equal(fg_port_claim_tx("net_ring0", 1, &out, &error), 0);
	assert_int_equal(fg_port_claim_rx("net_ring0", &rx, &in, &error), 0);
	assert_int_equal(in->id, out->id);
	assert_int_equal(fg_port_start(out, &error), 0);
	assert_int_equal(fg_port_start(in, &error), 0);
	send_numbered(out->id, 10);
	assert_int_equal(receive(in->id, 0, 10), 10);
	/* One claim is stopped, the other is not: the port still runs. */
	fg_port_stop(in);
	send_numbered(out->id, 5);
	assert_int_equal(receive(in->id, 0, 5), 5);
	assert_int_equal(fg_port_start(in, &error), 0);
	fg_port_stop(out);
	send_numbered(out->id, 3);
	/* Three packets are not polled: remove_vdev() checks that none leaks. */
	fg_port_put(out);
	fg_port_stop(in);
	fg_port_put(in);
	remove_vdev("net_ring0");
}

static void test_put_stops(void **state)
{
	const struct fg_port_rx rx = wish(1);
	struct fg_port *in = NULL, *out = NULL;
	struct fg_error error = {0};
	uint16_t id;

	(void)state;
	add_vdev("net_ring3", "");
	assert_int_equal(fg_port_claim_rx("net_ring3", &rx, &in, &error), 0);
	assert_int_equal(fg_port_claim_tx("net_ring3", 4, &out, &error), 0);
	assert_int_equal(fg_port_start(out, &error), 0);
	assert_int_equal(fg_port_start(in, &error), 0);
	send_numbered(out->id, 8);
	fg_port_put(out);
	fg_port_put(in);
	assert_int_not_equal(rte_eth_dev_get_port_by_name("net_ring3", &id), 0);
	remove_vdev("net_ring3");
}

/* infinite_rx reads the whole file to the pool at start, which is too small. */
static void test_start_fails(void **state)
{
	struct fg_port_rx rx = wish(1);
	struct fg_port *port = NULL;
	struct fg_error error = {0};
	/* A pcap file's header, then packets without filters. */
	const uint32_t file_header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	const uint32_t packet[4 + 16] = {0, 0, 64, 64};
	char args[160], path[128];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/many.pcap", folder);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(file_header, sizeof(file_header), 1, file), 1);
	for (unsigned int i = 0; i < POOL_SIZE + 100; i++)
		assert_int_equal(fwrite(packet, sizeof(packet), 1, file), 1);
	fclose(file);

	snprintf(args, sizeof(args), "rx_pcap=%s,infinite_rx=1", path);
	add_vdev("net_pcap4", args);
	assert_int_equal(fg_port_claim_rx("net_pcap4", &rx, &port, &error), 0);
	assert_true(fg_port_start(port, &error) < 0);
	assert_non_null(strstr(error.text, "net_pcap4"));
	fg_port_put(port);
	remove_vdev("net_pcap4");
}

int main(void)
{
	static char *eal_args[] = {"test_port",      "--no-huge",   "-m", "512", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),          cmocka_unit_test(test_find),
		cmocka_unit_test(test_claims),           cmocka_unit_test(test_limits),
		cmocka_unit_test(test_start_stop_start), cmocka_unit_test(test_tx_only),
		cmocka_unit_test(test_both_directions),  cmocka_unit_test(test_put_stops),
		cmocka_unit_test(test_start_fails),
	};
	char command[64];
	int failed;

	if (mkdtemp(folder) == NULL || rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("test", POOL_SIZE, 0, FG_META_BYTES,
				       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_mempool_free(pool);
	rte_eal_cleanup();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) != 0 ? 1 : failed;
}
