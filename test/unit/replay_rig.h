/* SPDX-License-Identifier: MIT */
/* For tests of replay: capture files written by libpcap, whose packets contain their number. */
#ifndef REPLAY_RIG_H
#define REPLAY_RIG_H

#include <pcap/pcap.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>

#include "source_rig.h"

#define FIRST_S 1700000000
#define GAP_NS  1001u /* Between packets; not a whole number of microseconds. */

/* Folder of test files; main() creates and removes it. */
static char folder[] = "/tmp/fg_test_replay_XXXXXX";

static inline const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Contents of packet @i of a test file: lengths differ, and each contains its number. */
static inline uint32_t packet_len(uint32_t i)
{
	return 60 + i * 37 % 1440;
}

static inline void fill_packet(uint32_t i, uint8_t data[1500])
{
	for (uint32_t at = 0; at < 1500; at++)
		data[at] = (uint8_t)(i + at);
	memcpy(data, &i, sizeof(i));
}

static inline uint64_t packet_ns(uint32_t i)
{
	return FIRST_S * 1000000000ull + (uint64_t)i * GAP_NS;
}

/* Write a file of @count packets; every fifth is truncated by its capture. */
static inline const char *write_file(const char *name, uint32_t count, u_int precision)
{
	pcap_t *dead = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535, precision);
	const char *path = in_folder(name);
	pcap_dumper_t *dumper = pcap_dump_open(dead, path);

	assert_non_null(dumper);
	for (uint32_t i = 0; i < count; i++) {
		struct pcap_pkthdr header = {.caplen = packet_len(i), .len = packet_len(i)};
		uint64_t fraction = packet_ns(i) % 1000000000u;
		uint8_t data[1500];

		if (precision == PCAP_TSTAMP_PRECISION_MICRO)
			fraction /= 1000;
		header.ts.tv_sec = (time_t)(packet_ns(i) / 1000000000u);
		header.ts.tv_usec = (suseconds_t)fraction;
		header.len += i % 5 == 0 ? 1000 : 0;
		fill_packet(i, data);
		pcap_dump((u_char *)dumper, &header, data);
	}
	pcap_dump_close(dumper);
	pcap_close(dead);
	return path;
}

/* Check packet @i of a file, received in a loop that adds @loop_ns. */
static inline void check_packet(struct rte_mbuf *m, uint32_t i, uint64_t loop_ns, uint64_t unit_ns)
{
	uint8_t data[1500];

	fill_packet(i, data);
	assert_int_equal(m->pkt_len, packet_len(i));
	assert_int_equal(m->data_len, packet_len(i));
	assert_int_equal(m->nb_segs, 1);
	assert_null(m->next);
	assert_int_equal(m->port, RTE_MBUF_PORT_INVALID);
	assert_int_equal(m->ol_flags, RTE_MBUF_F_EXTERNAL);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), data, packet_len(i));
	assert_int_equal(fg_meta(m)->flags, FG_META_TIMED);
	assert_int_equal(fg_meta(m)->rx_ns, packet_ns(i) / unit_ns * unit_ns + loop_ns);
	assert_int_equal(fg_meta(m)->wire_len, packet_len(i) + (i % 5 == 0 ? 1000 : 0));
}

/* Start EAL with two lcores on one CPU, create the folder, and run @tests. */
static inline int run_with_eal(int (*tests)(void))
{
	static char *eal_args[] = {
		"test_replay",    "--no-huge",   "-m",       "512",     "--no-pci",
		"--no-telemetry", "--no-shconf", "--lcores", "0@0,1@0", NULL};
	char command[64];
	int failed;

	if (mkdtemp(folder) == NULL || rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	failed = tests();
	rte_eal_cleanup();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) != 0 ? 1 : failed;
}

#endif /* REPLAY_RIG_H */
