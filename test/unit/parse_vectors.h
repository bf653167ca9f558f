/* SPDX-License-Identifier: MIT */
/*
 * Frames for test_parse.c, as hexadecimal bytes ("{N}" means N bytes 0xee), with the expected key,
 * from the RFCs.
 */
#ifndef PARSE_VECTORS_H
#define PARSE_VECTORS_H

#include <stdint.h>

#include <fg_drop.h>
#include <fg_parse.h>

#define PASS   FG_DROP_COUNT
#define NO_TAG 0xffffu

#define MACS           "01005e010203 020000000001 "
#define TAG(tpid, tci) tpid tci
#define IP4(total, fragment, protocol)                                                             \
	"0800 45 00 " total " 1234 " fragment " 40 " protocol " 0000 0a000001 e9360c6f "
#define IP6(payload, next)                                                                         \
	"86dd 60000000 " payload next " 40 20010db8000000000000000000000001 "                      \
	"ff0e0000000000000000000000001234 "
#define UDP(length)    "3039 676d " length " 0000 "
#define TCP(offset)    "3039 676d 00000001 00000002 " offset "018 0400 0000 0000 "
#define EXT(next, len) next len " 0104 00000000 "

struct vector {
	const char *name;
	const char *frame;
	enum fg_drop result;
	enum fg_fragments fragments;
	/* Expected fields of the key, if the frame is valid; in host order. */
	uint8_t family, protocol, l4, flags;
	uint16_t payload_off, payload_len, ethertype;
	uint16_t vlan[2]; /* {0, 0}: no tags; see tags. */
	unsigned int tags;
	unsigned int trailer; /* Bytes after the IP datagram. */
};

#define V4 .result = PASS, .family = 4, .ethertype = 0x0800
#define V6 .result = PASS, .family = 6, .ethertype = 0x86dd

static const struct vector good[] = {
	{"udp4", MACS IP4("0020", "4000", "11") UDP("000c") "{4}", V4, .protocol = 17, .l4 = 17,
	 .payload_off = 42, .payload_len = 4},
	{"udp4 without payload", MACS IP4("001c", "0000", "11") UDP("0008"), V4, .protocol = 17,
	 .l4 = 17, .payload_off = 42},
	{"udp4 padded to 60", MACS IP4("0020", "4000", "11") UDP("000c") "{14}", V4, .protocol = 17,
	 .l4 = 17, .payload_off = 42, .payload_len = 4, .trailer = 10},
	{"udp4 shorter than its datagram", MACS IP4("0020", "4000", "11") UDP("000a") "{4}", V4,
	 .protocol = 17, .l4 = 17, .payload_off = 42, .payload_len = 2},
	{"udp4 tagged", MACS TAG("8100", "6064") IP4("0020", "4000", "11") UDP("000c") "{4}", V4,
	 .protocol = 17, .l4 = 17, .payload_off = 46, .payload_len = 4, .tags = 1, .vlan = {100}},
	{"udp4 tagged twice",
	 MACS TAG("88a8", "0fff") TAG("8100", "b0c8") IP4("0020", "4000", "11") UDP("000c") "{4}",
	 V4, .protocol = 17, .l4 = 17, .payload_off = 50, .payload_len = 4, .tags = 2,
	 .vlan = {4095, 200}},
	{"udp4 tagged 9100, priority only",
	 MACS TAG("9100", "f000") IP4("0020", "4000", "11") UDP("000c") "{4}", V4, .protocol = 17,
	 .l4 = 17, .payload_off = 46, .payload_len = 4, .tags = 1, .vlan = {0}},
	{"tagged three times",
	 MACS TAG("88a8", "0001") TAG("8100", "0002") TAG("8100", "0003") IP4("0020", "4000", "11")
		 UDP("000c") "{4}",
	 PASS, .ethertype = 0x8100, .payload_off = 22, .payload_len = 36, .tags = 2,
	 .vlan = {1, 2}},
	{"arp", MACS "0806 0001 0800 06 04 0001 {20}", PASS, .ethertype = 0x0806, .payload_off = 14,
	 .payload_len = 28},
	{"llc", MACS "0026 4242 03 {43}", PASS, .ethertype = 0x0026, .payload_off = 14,
	 .payload_len = 46},
	{"snap is llc", MACS "0024 aaaa03000000 " IP4("001c", "0000", "11") UDP("0008"), PASS,
	 .ethertype = 0x0024, .payload_off = 14, .payload_len = 36},
	{"ethernet alone", MACS "88b5", PASS, .ethertype = 0x88b5, .payload_off = 14},
	{"ipv4 options",
	 MACS "0800 46 00 0024 1234 0000 40 11 0000 0a000001 e9360c6f 94040000 " UDP("000c") "{4}",
	 V4, .protocol = 17, .l4 = 17, .payload_off = 46, .payload_len = 4},
	{"ipv4 options, most",
	 MACS "0800 4f 00 0048 1234 0000 40 11 0000 0a000001 e9360c6f {40}" UDP("000c") "{4}", V4,
	 .protocol = 17, .l4 = 17, .payload_off = 82, .payload_len = 4},
	{"ipv4 reserved flag", MACS IP4("0020", "c000", "11") UDP("000c") "{4}", V4, .protocol = 17,
	 .l4 = 17, .payload_off = 42, .payload_len = 4},
	{"tcp4", MACS IP4("002b", "4000", "06") TCP("5") "{3}", V4, .protocol = 6, .l4 = 6,
	 .payload_off = 54, .payload_len = 3},
	{"tcp4 options", MACS IP4("0034", "4000", "06") TCP("8") "{12}", V4, .protocol = 6, .l4 = 6,
	 .payload_off = 66},
	{"tcp4 options, most", MACS IP4("0051", "4000", "06") TCP("f") "{41}", V4, .protocol = 6,
	 .l4 = 6, .payload_off = 94, .payload_len = 1},
	{"icmp", MACS IP4("001c", "0000", "01") "0800 0000 0001 0001", V4, .protocol = 1,
	 .payload_off = 34, .payload_len = 8},
	{"igmp padded", MACS IP4("001c", "0000", "02") "{26}", V4, .protocol = 2, .payload_off = 34,
	 .payload_len = 8, .trailer = 18},
	{"ipv4 ah is not looked through", MACS IP4("0034", "0000", "33") "11 04 {30}", V4,
	 .protocol = 51, .payload_off = 34, .payload_len = 32},
	{"ipv4 nothing inside", MACS IP4("0014", "0000", "fd"), V4, .protocol = 253,
	 .payload_off = 34},
	{"ipv4 first part", MACS IP4("0024", "2000", "11") UDP("03e8") "{8}", V4, .protocol = 17,
	 .l4 = 17, .flags = 1, .payload_off = 42, .payload_len = 8},
	{"ipv4 first part, udp ends early", MACS IP4("0024", "2000", "11") UDP("000a") "{8}", V4,
	 .protocol = 17, .l4 = 17, .flags = 1, .payload_off = 42, .payload_len = 2},
	{"ipv4 first part of tcp", MACS IP4("0030", "2000", "06") TCP("5") "{8}", V4, .protocol = 6,
	 .l4 = 6, .flags = 1, .payload_off = 54, .payload_len = 8, .fragments = FG_FRAGMENTS_FIRST},
	{"ipv4 middle part", MACS IP4("0024", "2002", "11") "{16}", V4, .protocol = 17, .flags = 3,
	 .payload_off = 34, .payload_len = 16},
	{"ipv4 last part, short", MACS IP4("0017", "1fff", "06") "{3}", V4, .protocol = 6,
	 .flags = 3, .payload_off = 34, .payload_len = 3},
	{"udp6", MACS IP6("000c", "11") UDP("000c") "{4}", V6, .protocol = 17, .l4 = 17,
	 .payload_off = 62, .payload_len = 4},
	{"udp6 tagged, trailer", MACS TAG("8100", "0001") IP6("000c", "11") UDP("000c") "{8}", V6,
	 .protocol = 17, .l4 = 17, .payload_off = 66, .payload_len = 4, .tags = 1, .vlan = {1},
	 .trailer = 4},
	{"tcp6", MACS IP6("0017", "06") TCP("5") "{3}", V6, .protocol = 6, .l4 = 6,
	 .payload_off = 74, .payload_len = 3},
	{"icmp6", MACS IP6("0008", "3a") "8700 0000 00000000", V6, .protocol = 58,
	 .payload_off = 54, .payload_len = 8},
	{"ipv6 no next header", MACS IP6("0000", "3b"), V6, .protocol = 59, .payload_off = 54},
	{"ipv6 esp", MACS IP6("0010", "32") "{16}", V6, .protocol = 50, .payload_off = 54,
	 .payload_len = 16},
	{"ipv6 hop-by-hop, destination, routing",
	 MACS IP6("002c", "00") EXT("3c", "00") EXT("2b", "01") "{8}" EXT("11", "00")
		 UDP("000c") "{4}",
	 V6, .protocol = 17, .l4 = 17, .payload_off = 94, .payload_len = 4},
	{"ipv6 ah", MACS IP6("0024", "33") "11 04 0000 {20}" UDP("000c") "{4}", V6, .protocol = 17,
	 .l4 = 17, .payload_off = 86, .payload_len = 4},
	{"ipv6 mobility", MACS IP6("0008", "87") EXT("3b", "00"), V6, .protocol = 59,
	 .payload_off = 62},
	{"ipv6 hip, shim6",
	 MACS IP6("001c", "8b") EXT("8c", "00") EXT("11", "00") UDP("000c") "{4}", V6,
	 .protocol = 17, .l4 = 17, .payload_off = 78, .payload_len = 4},
	{"ipv6 whole with fragment header",
	 MACS IP6("0014", "2c") "11 00 0006 00000001 " UDP("000c") "{4}", V6, .protocol = 17,
	 .l4 = 17, .payload_off = 70, .payload_len = 4, .fragments = FG_FRAGMENTS_DROP},
	{"ipv6 first part", MACS IP6("0018", "2c") "11 00 0001 00000001 " UDP("03e8") "{8}", V6,
	 .protocol = 17, .l4 = 17, .flags = 1, .payload_off = 70, .payload_len = 8},
	{"ipv6 middle part", MACS IP6("0010", "2c") "11 00 0009 00000001 {8}", V6, .protocol = 17,
	 .flags = 3, .payload_off = 62, .payload_len = 8},
	{"ipv6 last part, extension header not there",
	 MACS IP6("0009", "2c") "3c 00 0008 00000001 {1}", V6, .protocol = 60, .flags = 3,
	 .payload_off = 62, .payload_len = 1},
	{"ipv6 sixteen extension headers",
	 MACS IP6("0088", "3c") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00")
		 EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00")
			 EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00")
				 EXT("3c", "00") EXT("3c", "00") EXT("3a", "00") "{8}",
	 V6, .protocol = 58, .payload_off = 182, .payload_len = 8},
};

#define MALFORMED .result = FG_DROP_malformed
#define TRUNCATED .result = FG_DROP_truncated
#define FRAGMENT  .result = FG_DROP_fragment

static const struct vector bad[] = {
	{"no byte", "", TRUNCATED},
	{"no ethertype", MACS "08", TRUNCATED},
	{"no tag", MACS "8100 0001 08", TRUNCATED},
	{"no second tag", MACS "8100 0001 88a8", TRUNCATED},
	{"no ip header", MACS "0800", TRUNCATED},
	{"short ip header, wrong version", MACS "0800 60 {18}", TRUNCATED},
	{"ipv4 says 6", MACS "0800 65 00 001c 1234 0000 40 11 0000 0a000001 e9360c6f " UDP("0008"),
	 MALFORMED},
	{"ipv4 ihl 4", MACS "0800 44 00 001c 1234 0000 40 11 0000 0a000001 e9360c6f " UDP("0008"),
	 MALFORMED},
	{"ipv4 total 19", MACS IP4("0013", "0000", "11") UDP("0008"), MALFORMED},
	{"ipv4 total 0", MACS IP4("0000", "4000", "06") TCP("5") "{100}", MALFORMED},
	{"ipv4 total below options",
	 MACS "0800 46 00 0017 1234 0000 40 11 0000 0a000001 e9360c6f 94040000 " UDP("0008"),
	 MALFORMED},
	{"ipv4 total beyond frame", MACS IP4("001d", "0000", "11") UDP("0008"), TRUNCATED},
	{"ipv4 total beyond frame, udp broken", MACS IP4("001d", "0000", "11") UDP("0001"),
	 TRUNCATED},
	{"ipv4 options beyond frame", MACS "0800 46 00 0018 1234 0000 40 3b 0000 0a000001 e9360c6f",
	 TRUNCATED},
	{"udp4 no header", MACS IP4("0014", "0000", "11") "{30}", TRUNCATED},
	{"udp4 seven bytes of header", MACS IP4("001b", "0000", "11") UDP("0008"), TRUNCATED},
	{"udp4 length 0", MACS IP4("0020", "4000", "11") UDP("0000") "{4}", MALFORMED},
	{"udp4 length 7", MACS IP4("0020", "4000", "11") UDP("0007") "{4}", MALFORMED},
	{"udp4 length 13 in 12", MACS IP4("0020", "4000", "11") UDP("000d") "{5}", MALFORMED},
	{"udp4 tagged, length 13 in 12",
	 MACS TAG("8100", "0001") IP4("0020", "4000", "11") UDP("000d") "{5}", MALFORMED},
	{"udp4 first part, length 7", MACS IP4("0024", "2000", "11") UDP("0007") "{8}", MALFORMED},
	{"tcp4 19 bytes", MACS IP4("0027", "4000", "06") TCP("5"), TRUNCATED},
	{"tcp4 offset 4", MACS IP4("0028", "4000", "06") TCP("4"), MALFORMED},
	{"tcp4 options beyond datagram", MACS IP4("0028", "4000", "06") TCP("6") "{4}", TRUNCATED},
	{"tcp4 first part, options cut", MACS IP4("002c", "2000", "06") TCP("f") "{4}", TRUNCATED},
	{"ipv6 says 4", MACS "86dd 40 {39}", MALFORMED},
	{"ipv6 39 bytes", MACS "86dd 60 {38}", TRUNCATED},
	{"ipv6 payload beyond frame", MACS IP6("0009", "3a") "{8}", TRUNCATED},
	{"ipv6 payload beyond frame, extension too", MACS IP6("0009", "3c") EXT("3a", "ff"),
	 TRUNCATED},
	{"udp6 no header", MACS IP6("0007", "11") UDP("0008"), TRUNCATED},
	{"udp6 length 0", MACS IP6("000c", "11") UDP("0000") "{4}", MALFORMED},
	{"udp6 length beyond", MACS IP6("000c", "11") UDP("000d") "{8}", MALFORMED},
	{"ipv6 jumbo", MACS IP6("0000", "00") "11 00 c2 04 00010000 " UDP("0000") "{4}", MALFORMED},
	{"ipv6 extension of 7", MACS IP6("0007", "3c") EXT("3b", "00"), MALFORMED},
	{"ipv6 extension beyond payload", MACS IP6("000c", "3c") EXT("3b", "01") "{8}", MALFORMED},
	{"ipv6 ah beyond payload", MACS IP6("000c", "33") "3b 02 {14}", MALFORMED},
	{"ipv6 fragment header cut", MACS IP6("0004", "2c") "11 00 0001 00000001", MALFORMED},
	{"ipv6 seventeen extension headers",
	 MACS IP6("0090", "3c") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT(
		 "3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00")
		 EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00") EXT("3c", "00")
			 EXT("3c", "00") EXT("3c", "00") EXT("3a", "00") "{8}",
	 MALFORMED},
	{"first-only, ipv4 later part", MACS IP4("0024", "0002", "11") "{16}", FRAGMENT,
	 .fragments = FG_FRAGMENTS_FIRST},
	{"first-only, ipv6 later part", MACS IP6("0010", "2c") "11 00 0008 00000001 {8}", FRAGMENT,
	 .fragments = FG_FRAGMENTS_FIRST},
	{"drop, ipv4 first part", MACS IP4("0024", "2000", "11") UDP("03e8") "{8}", FRAGMENT,
	 .fragments = FG_FRAGMENTS_DROP},
	{"drop, ipv4 first part, udp broken", MACS IP4("0024", "2000", "11") UDP("0000") "{8}",
	 FRAGMENT, .fragments = FG_FRAGMENTS_DROP},
	{"drop, ipv6 first part", MACS IP6("0018", "2c") "11 00 0001 00000001 " UDP("03e8") "{8}",
	 FRAGMENT, .fragments = FG_FRAGMENTS_DROP},
	{"drop, ipv4 later part beyond frame", MACS IP4("0024", "0002", "11") "{15}", TRUNCATED,
	 .fragments = FG_FRAGMENTS_DROP},
};

#endif /* PARSE_VECTORS_H */
