/* SPDX-License-Identifier: MIT */
/*
 * One line of a feed as feedgate-gen writes it, for tests of the feed stage with any protocol. The
 * other line is the same. Include pcap/pcap.h and unistd.h before it.
 */
#ifndef FEED_LINES_H
#define FEED_LINES_H

#include "feed_rig.h"

#define PACKETS_MAX 512u
#define US          UINT64_C(1000)

static const char *generator;
static char folder[] = "/tmp/fg_test_lines_XXXXXX";

static struct source {
	uint8_t payload[PACKETS_MAX][1600];
	uint16_t len[PACKETS_MAX];
	uint32_t count;
} source;

/* Generate @p packets packets of traffic @p mix, on one channel, and read them. */
static inline void load(const char *mix, uint32_t packets)
{
	char command[512], path[256], error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const u_char *frame;
	pcap_t *pcap;

	snprintf(command, sizeof(command),
		 "%s -o %s/lines --mix %s=1 --packets %u --channels 1 --summary /dev/null",
		 generator, folder, mix, packets);
	if (system(command) != 0)
		fail_msg("%s: failed", command);
	snprintf(path, sizeof(path), "%s/lines-a.pcap", folder);
	pcap = pcap_open_offline(path, error);
	if (pcap == NULL)
		fail_msg("%s", error);
	source.count = 0;
	while (source.count < packets && pcap_next_ex(pcap, &head, &frame) == 1) {
		/* Ethernet, IPv4 without options, UDP. */
		assert_true(head->caplen > PAYLOAD_OFF && frame[12] == 8 && frame[14] == 0x45);
		source.len[source.count] = (uint16_t)(load_be(frame + 38, 2) - 8);
		memcpy(source.payload[source.count], frame + PAYLOAD_OFF, source.len[source.count]);
		source.count++;
	}
	pcap_close(pcap);
	assert_int_equal(source.count, packets);
}

/* Packet @p i of a line; its metadata has i as the rule's id. */
static inline struct rte_mbuf *make(uint8_t line, uint32_t i)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *frame;

	assert_non_null(m);
	frame = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(PAYLOAD_OFF + source.len[i]));
	assert_non_null(frame);
	put_headers(frame, source.len[i]);
	memcpy(frame + PAYLOAD_OFF, source.payload[i], source.len[i]);
	set_metadata(m, source.len[i], line, NULL);
	fg_meta(m)->feed = 0;
	fg_meta(m)->rule_id = i;
	return m;
}

/* Whether there is a generator, and a folder for its files. */
static inline bool lines_begin(int argc, char **argv)
{
	generator = argc == 2 ? argv[1] : NULL;
	return generator != NULL && mkdtemp(folder) != NULL;
}

static inline void lines_end(void)
{
	char path[256];

	for (const char *line = "ab"; *line != '\0'; line++) {
		snprintf(path, sizeof(path), "%s/lines-%c.pcap", folder, *line);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

#endif /* FEED_LINES_H */
