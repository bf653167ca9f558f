/* SPDX-License-Identifier: MIT */
/*
 * Random frames, with and without the headers of protocols, and random expressions.
 * Include cmocka.h first.
 */
#ifndef EXPR_FRAMES_H
#define EXPR_FRAMES_H

#include <pcap/pcap.h>
#include <stdio.h>

#include "classify_sets.h"

#define FRAME_ROOM 2000u

#define SOME(...) ((uint32_t)PICK(__VA_ARGS__))

struct frame {
	uint32_t length;
	uint8_t data[FRAME_ROOM];
};

static inline void add_bytes(struct frame *frame, uint32_t count)
{
	for (uint32_t i = 0; i < count && frame->length < FRAME_ROOM; i++)
		frame->data[frame->length++] = one_in(3) ? 0 : (uint8_t)random_word();
}

static inline void add_be(struct frame *frame, uint64_t value, unsigned int bytes)
{
	while (bytes-- > 0)
		frame->data[frame->length++] = (uint8_t)(value >> 8 * bytes);
}

static inline uint64_t some_ipv4(void)
{
	return SOME(0x0a000001, 0x0a000002, 0xef010203, 0xe9360c6f, 0xc0a80101, 0x7f000001, 0,
		    0xffffffff, 0x80000001);
}

static inline uint32_t some_port(void)
{
	return SOME(0, 53, 80, 179, 443, 1024, 2048, 14320, 26400, 26477, 26478, 65535);
}

static inline void add_transport(struct frame *frame, uint32_t protocol)
{
	if (protocol == 6 || protocol == 17 || protocol == 132) {
		add_be(frame, some_port(), 2);
		add_be(frame, some_port(), 2);
	}
	if (protocol == 6) {
		add_bytes(frame, 8);
		add_be(frame, SOME(0x50, 0x60, 0x80, 0xf0, 0x10), 1);
		add_be(frame, random_below(64), 1);
		add_bytes(frame, 6);
		if (one_in(3))
			add_be(frame, 0x47455420, 4);
	} else if (protocol == 17) {
		add_be(frame, random_below(200), 2);
		add_bytes(frame, 2);
		if (one_in(3))
			add_be(frame, 0x4d4f4c44, 4);
	} else {
		add_be(frame, SOME(0, 3, 8, 11, 0x16, 128, 135, 136), 1);
		add_be(frame, random_below(4), 1);
	}
}

static inline void add_ipv4(struct frame *frame)
{
	const uint32_t words = one_in(4) ? SOME(0, 4, 6, 8, 15) : 5;
	const uint32_t protocol = SOME(1, 2, 6, 6, 17, 17, 17, 50, 51, 89, 103, 112, 132);

	add_be(frame, 0x40 + words, 1);
	add_be(frame, one_in(2) ? 0 : random_below(40), 1);
	add_be(frame, random_below(300), 2);
	add_be(frame, random_word(), 2);
	add_be(frame, one_in(3) ? SOME(0x2000, 0x2001, 1, 0x4000, 0x1fff) : 0, 2);
	add_be(frame, random_below(4), 1);
	add_be(frame, protocol, 1);
	add_be(frame, random_word(), 2);
	add_be(frame, some_ipv4(), 4);
	add_be(frame, some_ipv4(), 4);
	if (words > 5)
		add_bytes(frame, 4 * (words - 5));
	add_transport(frame, protocol);
}

static inline void add_ipv6_address(struct frame *frame)
{
	add_be(frame, SOME(0, 0, 0xfe800000, 0xff020000, 0x20010db8), 4);
	add_be(frame, 0, 4);
	add_be(frame, one_in(4) ? SOME(1, 0xffff) : 0, 4);
	add_be(frame, one_in(4) ? 0x00010002 : SOME(1, 2, 3, 4, 5, 6, 0x0a000001), 4);
}

static inline void add_ipv6(struct frame *frame)
{
	const uint32_t protocol = SOME(6, 17, 17, 58, 0, 44, 50, 51, 132);

	add_be(frame, 0x60000000, 4);
	add_be(frame, random_below(200), 2);
	add_be(frame, protocol, 1);
	add_be(frame, 64, 1);
	add_ipv6_address(frame);
	add_ipv6_address(frame);
	if (protocol == 44) {
		add_be(frame, 17, 1);
		add_bytes(frame, 7);
	}
	add_transport(frame, protocol == 44 ? 17 : protocol);
}

/* A tunnel that "geneve" matches. */
static inline void add_geneve(struct frame *frame)
{
	add_be(frame, UINT64_C(0x4500006400000000), 8);
	add_be(frame, 0x40110000, 4);
	add_be(frame, some_ipv4(), 4);
	add_be(frame, some_ipv4(), 4);
	add_be(frame, 0x303917c100500000, 8);
	add_be(frame, random_below(3), 1);
	add_be(frame, 0, 1);
	add_be(frame, SOME(0x6558, 0x0800, 0x86dd), 2);
	add_be(frame, random_below(3) << 8, 4);
	add_bytes(frame, 4 * random_below(3));
	if (one_in(2))
		add_be(frame, 0x020000000001, 6), add_be(frame, 0x02000000000208, 7),
			add_be(frame, 0, 1);
	add_ipv4(frame);
}

static inline void add_label_or_tag(struct frame *frame)
{
	if (one_in(4)) {
		add_be(frame, SOME(0x8847, 0x8848), 2);
		if (one_in(2))
			add_be(frame, 0x00064000, 4);
		add_be(frame, SOME(0x00064100, 0x00005100, 0x003e8100), 4);
		add_ipv4(frame);
	} else if (one_in(4)) {
		add_be(frame, SOME(0x8863, 0x8864), 2);
		add_be(frame, 0x1100000500640021, 8);
		add_ipv4(frame);
	} else {
		add_be(frame, SOME(0x8100, 0x88a8, 0x9100), 2);
		add_be(frame, SOME(100, 200, 905, 0x6064), 2);
	}
}

static inline void make_shaped(struct frame *frame)
{
	add_be(frame, SOME(0x01005e36, 0x33330000, 0xffffffff, 0x00112233), 4);
	add_be(frame, SOME(0x0c6f, 1, 0xffff, 0x4455, 0x00fb), 2);
	add_be(frame, 0x020000000001, 6);
	while (one_in(4) && frame->length < 40)
		add_label_or_tag(frame);
	if (one_in(8)) {
		add_be(frame, SOME(0x0806, 0x88cc, 0x0026, 0x8035, 0x8137), 2);
		add_bytes(frame, 30);
	} else if (one_in(8)) {
		add_be(frame, 0x0800, 2);
		add_geneve(frame);
	} else if (one_in(3)) {
		add_be(frame, 0x86dd, 2);
		add_ipv6(frame);
	} else {
		add_be(frame, 0x0800, 2);
		add_ipv4(frame);
	}
	add_bytes(frame, one_in(10) ? random_below(1400) : random_below(60));
}

static inline void make_frame(struct frame *frame)
{
	frame->length = 0;
	if (one_in(8))
		add_bytes(frame, random_below(61));
	else
		make_shaped(frame);
	if (one_in(4) && frame->length > 0)
		frame->length = random_below(RTE_MIN(frame->length, 61u));
	if (one_in(4) && frame->length > 0)
		frame->data[random_below(frame->length)] = (uint8_t)random_word();
}

/* --- expressions --- */

struct text {
	size_t length;
	char at[4096];
};

static inline void add_text(struct text *text, const char *more)
{
	const size_t length = strlen(more);

	if (text->length + length < sizeof(text->at)) {
		memcpy(text->at + text->length, more, length + 1);
		text->length += length;
	}
}

static inline const char *one_of(const char *const *texts, uint32_t count)
{
	return texts[random_below(count)];
}
#define ONE_OF(...)                                                                                \
	one_of((const char *const[]){__VA_ARGS__}, RTE_DIM(((const char *const[]){__VA_ARGS__})))

static inline void add_number(struct text *text)
{
	char digits[16];
	const uint64_t value = one_in(4) ? random_word() & 0xffffffff
					 : SOME(0, 1, 2, 3, 4, 5, 7, 14, 15, 20, 31, 32, 60, 255);

	snprintf(digits, sizeof(digits), one_in(2) ? "%u" : "0x%x", (unsigned int)value);
	add_text(text, digits);
}

/* Offsets in brackets, mostly near the start of the frame. */
static inline void add_value(struct text *text, unsigned int depth)
{
	if (depth == 0 || one_in(5)) {
		add_number(text);
	} else if (one_in(8)) {
		add_text(text, "len");
	} else if (one_in(2)) {
		add_text(text, ONE_OF("ip[", "ip6[", "ether[", "tcp[", "udp[", "icmp["));
		if (one_in(2))
			add_text(text, ONE_OF("0", "1", "2", "6", "8", "9", "12"));
		else
			add_value(text, depth - 1);
		add_text(text, ONE_OF("]", ":1]", ":2]", ":4]"));
	} else {
		add_text(text, one_in(10) ? "-(" : "(");
		add_value(text, depth - 1);
		add_text(text, ONE_OF(" + ", " - ", " * ", " / ", " % ", " & ", " | ", " ^ ",
				      " << ", " >> ", " & 7 + ", " & 15 << "));
		add_value(text, depth - 1);
		add_text(text, ")");
	}
}

static inline void add_condition(struct text *text, unsigned int depth)
{
	if (depth > 0 && one_in(2)) {
		add_text(text, ONE_OF("(", "not ("));
		add_condition(text, depth - 1);
		add_text(text, ONE_OF(" and ", " or ", " && ", " || "));
		add_condition(text, depth - 1);
		add_text(text, ")");
	} else if (one_in(2)) {
		add_value(text, 3);
		add_text(text, ONE_OF(" = ", " != ", " < ", " > ", " <= ", " >= "));
		add_value(text, 2);
	} else {
		add_text(text,
			 ONE_OF("ip", "ip6", "tcp", "udp", "icmp", "vlan", "vlan 100", "port 53",
				"host 10.0.0.1", "net 10.0.0.0/8", "dst portrange 1000-30000",
				"ip6 host ::1", "multicast", "greater 60", "less 100", "mpls",
				"tcp[tcpflags] & tcp-syn != 0", "src port 80", "ip proto 17"));
	}
}

static inline void make_expression(struct text *text)
{
	text->length = 0;
	text->at[0] = '\0';
	add_condition(text, random_below(4));
}

/* Compile @p text as written with libpcap. false: it refuses. */
static inline bool compile(const char *text, struct bpf_program *program)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	const int rc = pcap_compile(pcap, program, text, 0, PCAP_NETMASK_UNKNOWN);

	pcap_close(pcap);
	return rc == 0;
}

static inline struct fg_expr *expr_of(const char *text)
{
	struct fg_expr *expr = NULL;
	struct fg_error error = {0};

	if (fg_expr_compile(text, &expr, &error) != 0)
		fail_msg("%s: %s", text, error.text);
	assert_string_equal(fg_expr_text(expr), text);
	assert_string_equal(error.text, "");
	return expr;
}

#endif /* EXPR_FRAMES_H */
