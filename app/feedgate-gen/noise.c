/* SPDX-License-Identifier: MIT */
#include "noise.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"

/* A tag of any priority and one of eight VIDs. */
static void push_tag(struct noise *n, struct frame *f, uint16_t tpid)
{
	uint32_t priority = rng_below(&n->rng, 8);
	uint32_t vid = rng_between(&n->rng, 100, 107);

	frame_push_tag(f, tpid, (uint16_t)(priority << 13 | vid));
}

static void make_vlan(struct noise *n, struct frame *f)
{
	noise_udp4(n, f);
	push_tag(n, f, ETHERTYPE_VLAN);
}

static void make_qinq(struct noise *n, struct frame *f)
{
	make_vlan(n, f);
	push_tag(n, f, ETHERTYPE_QINQ);
}

/* A copy of the line's last feed packet, as a mirror port would send it. */
static void make_vlan_feed(struct noise *n, struct frame *f)
{
	if (n->feed)
		*f = *n->feed;
	else
		noise_udp4(n, f);
	push_tag(n, f, ETHERTYPE_VLAN);
}

static void make_qinq_feed(struct noise *n, struct frame *f)
{
	make_vlan_feed(n, f);
	push_tag(n, f, ETHERTYPE_QINQ);
}

/* Cut in the file only, somewhere between the Ethernet header and the end. */
static void make_snap(struct noise *n, struct frame *f)
{
	struct ipv4 ip = noise_udp4_header(n);

	noise_udp4_sized(n, f, &ip, rng_between(&n->rng, 200, 1000));
	f->cap_len = rng_between(&n->rng, 8, 100);
}

static void lie_ipv4(struct noise *n, struct frame *f)
{
	uint32_t payload = rng_between(&n->rng, 60, 600);
	struct ipv4 ip = noise_udp4_header(n);
	uint32_t len = 20 + 8 + payload;

	ip.dst = UINT32_C(0x0a420000) + rng_between(&n->rng, 1, 250);
	noise_udp4_sized(n, f, &ip, payload);
	switch (rng_below(&n->rng, 5)) {
	case 0: /* more bytes than there are */
		frame_ipv4_lie(f, (uint16_t)(len + rng_between(&n->rng, 1, 9000)));
		break;
	case 1: /* fewer bytes than the IP header */
		frame_ipv4_lie(f, (uint16_t)rng_below(&n->rng, 20));
		break;
	case 2: /* ends within the UDP header */
		frame_ipv4_lie(f, (uint16_t)rng_between(&n->rng, 20, 27));
		break;
	case 3: /* a header length that is too small, or beyond the total length */
		f->data[f->l3_off] = rng_below(&n->rng, 2) ? 0x44 : 0x4f;
		frame_ipv4_lie(f, 40);
		break;
	default: /* a UDP length beyond the datagram */
		put_be16(f->data + f->l4_off + 4, (uint16_t)(8 + payload + 100));
		break;
	}
}

static void lie_ipv6(struct noise *n, struct frame *f)
{
	uint8_t *ip;

	noise_udp6(n, f);
	frame_host_mac(f->data);
	ip = f->data + f->l3_off;
	memset(ip + 24, 0, 16);
	put_be16(ip + 24, 0xfd66);
	ip[39] = (uint8_t)rng_between(&n->rng, 1, 250);
	put_be16(ip + 4, (uint16_t)(f->len + rng_between(&n->rng, 1, 9000)));
}

static void make_lie(struct noise *n, struct frame *f)
{
	if (rng_below(&n->rng, 4))
		lie_ipv4(n, f);
	else
		lie_ipv6(n, f);
}

/* The next fragment of the datagram. */
static void make_fragment(struct noise *n, struct frame *f)
{
	const struct frame *whole = &n->whole;
	const uint8_t *data = whole->data + whole->l4_off + n->fragment_off;
	uint32_t left = whole->len - whole->l4_off - n->fragment_off;
	uint32_t len = left < n->fragment_bytes ? left : n->fragment_bytes;

	f->len = 0;
	frame_append(f, whole->data, whole->l4_off);
	f->l3_off = whole->l3_off;
	f->l4_off = whole->l4_off;
	put_be16(f->data + f->l3_off + 6,
		 (uint16_t)((left > len ? IPV4_MF : 0) | n->fragment_off / 8));
	frame_append(f, data, len);
	frame_end(f);
	n->fragment_off = left > len ? n->fragment_off + len : 0;
}

static void make_fragment_first(struct noise *n, struct frame *f)
{
	struct ipv4 ip = noise_udp4_header(n);

	ip.fragment = 0;
	noise_udp4_sized(n, &n->whole, &ip, rng_between(&n->rng, 1000, FRAME_PAYLOAD_MAX));
	n->fragment_bytes = 8 * rng_between(&n->rng, 50, 120);
	make_fragment(n, f);
}

const struct noise_kind noise_kinds[] = {
	{"tcp4", 20, noise_tcp4},
	{"tcp6", 6, noise_tcp6},
	{"udp4", 14, noise_udp4},
	{"udp4-short", 4, noise_udp4_short},
	{"udp4-options", 4, noise_udp4_options},
	{"fragment-first", 4, make_fragment_first},
	{"fragment-later", 0, make_fragment},
	{"udp6", 8, noise_udp6},
	{"udp6-extensions", 5, noise_udp6_extensions},
	{"vlan", 6, make_vlan},
	{"qinq", 3, make_qinq},
	{"vlan-feed", 4, make_vlan_feed},
	{"qinq-feed", 2, make_qinq_feed},
	{"arp", 4, noise_arp},
	{"icmp4", 3, noise_icmp4},
	{"icmp6", 2, noise_icmp6},
	{"igmp", 2, noise_igmp},
	{"stp", 2, noise_stp},
	{"snap", 4, make_snap},
	{"lie", 3, make_lie},
	{0},
};
static_assert(sizeof(noise_kinds) / sizeof(noise_kinds[0]) <= NOISE_KINDS_MAX + 1,
	      "raise NOISE_KINDS_MAX");

void noise_init(struct noise *n, uint64_t seed, unsigned int line)
{
	memset(n, 0, sizeof(*n));
	n->line = line;
	rng_seed(&n->rng, seed, RNG_STREAM(RNG_NOISE, line));
	for (unsigned int i = 0; i < NOISE_FLOWS; i++) {
		for (unsigned int end = 0; end < 2; end++) {
			n->flows[0][i].seq[end] = (uint32_t)rng_next(&n->rng);
			n->flows[1][i].seq[end] = (uint32_t)rng_next(&n->rng);
		}
	}
}

static unsigned int draw_kind(struct noise *n)
{
	uint32_t total = 0;
	uint32_t draw;
	unsigned int i;

	if (n->fragment_off > 0) {
		for (i = 0; noise_kinds[i].make != make_fragment; i++)
			;
		return i;
	}
	for (i = 0; noise_kinds[i].name; i++)
		total += noise_kinds[i].weight;
	draw = rng_below(&n->rng, total);
	for (i = 0; draw >= noise_kinds[i].weight; i++)
		draw -= noise_kinds[i].weight;
	return i;
}

unsigned int noise_next(struct noise *n, struct frame *f)
{
	unsigned int kind = draw_kind(n);

	noise_kinds[kind].make(n, f);
	return kind;
}
