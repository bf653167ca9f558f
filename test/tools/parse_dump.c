/* SPDX-License-Identifier: MIT */
/*
 * Print lib/parse's result for each packet of a capture, a line each, for
 * test_parse_tshark.py: number, result, and, if that is "pass", the checksums (good or bad) and the
 * key: family l4 protocol flags src dst sport dport vlan vlan ethertype off len payload.
 * An absent value is "-"; the payload is hex, as far as the capture has it.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>

#include <fg_parse.h>

static void print_addresses(const struct fg_key *key)
{
	const int family = key->family == FG_FAMILY_IPV6 ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN] = "-", dst[INET6_ADDRSTRLEN] = "-";

	if (key->family != FG_FAMILY_OTHER) {
		inet_ntop(family, key->src_ip, src, sizeof(src));
		inet_ntop(family, key->dst_ip, dst, sizeof(dst));
	}
	printf(" %s %s", src, dst);
}

static void print_vlan(uint16_t vlan_be)
{
	if (vlan_be == FG_VLAN_NONE_BE)
		printf(" -");
	else
		printf(" %u", rte_be_to_cpu_16(vlan_be));
}

static void print_key(const struct fg_key *key, bool good, const uint8_t *data, uint32_t length)
{
	const uint32_t end = (uint32_t)key->payload_off + key->payload_len;

	printf("pass %s %u %u %u %u", good ? "good" : "bad", key->family, key->l4, key->protocol,
	       key->flags);
	print_addresses(key);
	printf(" %u %u", rte_be_to_cpu_16(key->src_port_be), rte_be_to_cpu_16(key->dst_port_be));
	print_vlan(key->vlan_be[0]);
	print_vlan(key->vlan_be[1]);
	printf(" %04x %u %u ", rte_be_to_cpu_16(key->ethertype_be), key->payload_off,
	       key->payload_len);
	for (uint32_t i = key->payload_off; i < end && i < length; i++)
		printf("%02x", data[i]);
	printf("%s\n", key->payload_off < end && key->payload_off < length ? "" : "-");
}

int main(int argc, char **argv)
{
	const struct fg_parse parse = {.conf = {.checksums = FG_CHECKSUMS_IGNORE}};
	const struct fg_parse verify = {.conf = {.checksums = FG_CHECKSUMS_VERIFY}};
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const uint8_t *data;
	uint64_t number = 0;
	pcap_t *pcap;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: parse_dump FILE.pcap\n");
		return 2;
	}
	pcap = pcap_open_offline(argv[1], error);
	if (pcap == NULL) {
		fprintf(stderr, "parse_dump: %s\n", error);
		return 1;
	}
	if (pcap_datalink(pcap) != DLT_EN10MB) {
		fprintf(stderr, "parse_dump: %s: not Ethernet\n", argv[1]);
		pcap_close(pcap);
		return 77;
	}
	while ((rc = pcap_next_ex(pcap, &header, &data)) == 1) {
		const uint32_t total = header->len > header->caplen ? header->len : header->caplen;
		struct fg_key key, again;
		const enum fg_drop result =
			fg_parse_packet(&parse, data, header->caplen, total, &key);
		const bool good = fg_parse_packet(&verify, data, header->caplen, total, &again) !=
				  FG_DROP_bad_checksum;

		printf("%" PRIu64 " ", ++number);
		if (result == FG_DROP_COUNT)
			print_key(&key, good, data, header->caplen);
		else
			printf("%s\n", fg_drop_name(result));
	}
	if (rc == PCAP_ERROR)
		fprintf(stderr, "parse_dump: %s: %s\n", argv[1], pcap_geterr(pcap));
	pcap_close(pcap);
	return rc == PCAP_ERROR;
}
