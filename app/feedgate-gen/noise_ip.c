/* SPDX-License-Identifier: MIT */
/* TCP and UDP between the hosts of a management network of the line. */
#include <string.h>

#include "bytes.h"
#include "noise.h"

#define HOSTS      6u
#define PORT_UDP   50001
#define PORT_TCP   50101
#define PORT_GROUP 50201

#define TCP_PSH 0x08
#define TCP_ACK 0x10

/* A repeated line of text; payloads begin somewhere in the first one. */
const void *noise_text(struct noise *n)
{
	static const char line[] = "feedgate-gen: nothing here is worth a trade, and most of it is "
				   "not even worth reading. ";
	static char text[FRAME_PAYLOAD_MAX + sizeof(line)];

	if (text[0] == '\0') {
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = line[i % (sizeof(line) - 1)];
	}
	return text + rng_below(&n->rng, sizeof(line) - 1);
}

/* 10.20.LINE.1 and following. */
static uint32_t host_ipv4(const struct noise *n, uint32_t host)
{
	return UINT32_C(0x0a140001) + (n->line << 8) + host;
}

/* 2001:db8:LINE::1 and following. */
static void host_ipv6(const struct noise *n, uint32_t host, uint8_t *to)
{
	memset(to, 0, 16);
	put_be32(to, UINT32_C(0x20010db8));
	put_be16(to + 4, (uint16_t)n->line);
	put_be16(to + 14, (uint16_t)(host + 1));
}

struct ipv4 noise_udp4_header(struct noise *n)
{
	uint32_t src = rng_below(&n->rng, HOSTS);
	uint32_t dst = (src + rng_between(&n->rng, 1, HOSTS - 1)) % HOSTS;

	return (struct ipv4){.src = host_ipv4(n, src),
			     .dst = host_ipv4(n, dst),
			     .id = ++n->ip_id,
			     .fragment = IPV4_DF,
			     .ttl = 64,
			     .protocol = IP_PROTOCOL_UDP};
}

void noise_udp4_sized(struct noise *n, struct frame *f, const struct ipv4 *ip, uint32_t len)
{
	struct udp udp = {.bytes = len};

	udp.src_port = (uint16_t)rng_between(&n->rng, 40000, 49999);
	udp.dst_port = (uint16_t)(PORT_UDP + rng_below(&n->rng, 20));
	udp.payload = noise_text(n);
	frame_udp_ipv4(f, n->line, ip, &udp);
}

void noise_udp4(struct noise *n, struct frame *f)
{
	struct ipv4 ip = noise_udp4_header(n);

	noise_udp4_sized(n, f, &ip, rng_between(&n->rng, 20, 900));
}

void noise_udp4_short(struct noise *n, struct frame *f)
{
	struct ipv4 ip = noise_udp4_header(n);

	noise_udp4_sized(n, f, &ip, rng_below(&n->rng, 18));
}

void noise_udp4_options(struct noise *n, struct frame *f)
{
	static const uint8_t router_alert[] = {0x94, 0x04, 0x00, 0x00};
	/* No-operation, then a record route option for three addresses, empty. */
	static const uint8_t record_route[] = {0x01, 0x07, 0x0f, 0x04, 0, 0, 0, 0,
					       0,    0,    0,    0,    0, 0, 0, 0};
	struct ipv4 ip = noise_udp4_header(n);

	if (rng_below(&n->rng, 2)) {
		ip.options = router_alert;
		ip.options_len = sizeof(router_alert);
	} else {
		ip.options = record_route;
		ip.options_len = sizeof(record_route);
	}
	noise_udp4_sized(n, f, &ip, rng_between(&n->rng, 20, 600));
}

static void begin_ipv6(struct noise *n, struct frame *f, const struct ipv6 *ip)
{
	uint8_t dst[6], src[6];

	frame_mac_ipv6(dst, ip->dst);
	frame_line_mac(src, n->line);
	frame_begin(f, dst, src, ETHERTYPE_IPV6);
	frame_ipv6(f, ip);
}

/* The next segment of a connection, in one direction; half have no data. */
static void next_segment(struct noise *n, struct noise_flow *flow, unsigned int number,
			 unsigned int from, struct frame *f)
{
	uint32_t len = rng_below(&n->rng, 2) ? rng_between(&n->rng, 1, 1400) : 0;
	uint16_t client = (uint16_t)(41000 + number);
	uint16_t server = (uint16_t)(PORT_TCP + number);
	struct tcp tcp = {.src_port = from ? server : client,
			  .dst_port = from ? client : server,
			  .seq = flow->seq[from],
			  .ack = flow->seq[!from],
			  .flags = len > 0 ? TCP_PSH | TCP_ACK : TCP_ACK};

	frame_tcp(f, &tcp, noise_text(n), len);
	frame_end(f);
	flow->seq[from] += len;
}

void noise_tcp4(struct noise *n, struct frame *f)
{
	unsigned int number = rng_below(&n->rng, NOISE_FLOWS);
	unsigned int from = rng_below(&n->rng, 2);
	uint32_t ends[2] = {host_ipv4(n, 10), host_ipv4(n, 20 + number)};
	struct ipv4 ip = {.src = ends[from],
			  .dst = ends[!from],
			  .id = ++n->ip_id,
			  .fragment = IPV4_DF,
			  .ttl = 64,
			  .protocol = IP_PROTOCOL_TCP};
	uint8_t dst[6], src[6];

	frame_host_mac(dst);
	frame_line_mac(src, n->line);
	frame_begin(f, dst, src, ETHERTYPE_IPV4);
	frame_ipv4(f, &ip);
	next_segment(n, &n->flows[0][number], number, from, f);
}

void noise_tcp6(struct noise *n, struct frame *f)
{
	unsigned int number = rng_below(&n->rng, NOISE_FLOWS);
	unsigned int from = rng_below(&n->rng, 2);
	uint8_t ends[2][16];
	struct ipv6 ip = {.src = ends[from],
			  .dst = ends[!from],
			  .hop_limit = 64,
			  .next_header = IP_PROTOCOL_TCP};

	host_ipv6(n, 10, ends[0]);
	host_ipv6(n, 20 + number, ends[1]);
	begin_ipv6(n, f, &ip);
	next_segment(n, &n->flows[1][number], number, from, f);
}

/* ff3e::4321:N, from a host. */
static void group_ipv6(struct noise *n, uint8_t *src, uint8_t *dst)
{
	host_ipv6(n, rng_below(&n->rng, HOSTS), src);
	memset(dst, 0, 16);
	put_be16(dst, 0xff3e);
	put_be16(dst + 12, 0x4321);
	put_be16(dst + 14, (uint16_t)rng_between(&n->rng, 1, 8));
}

static void end_udp6(struct noise *n, struct frame *f)
{
	struct udp udp;

	udp.src_port = (uint16_t)rng_between(&n->rng, 40000, 49999);
	udp.dst_port = (uint16_t)(PORT_GROUP + rng_below(&n->rng, 8));
	udp.bytes = rng_between(&n->rng, 20, 900);
	udp.payload = noise_text(n);
	frame_udp(f, &udp);
	frame_end(f);
}

void noise_udp6(struct noise *n, struct frame *f)
{
	uint8_t src[16], dst[16];
	struct ipv6 ip = {.src = src, .dst = dst, .hop_limit = 32, .next_header = IP_PROTOCOL_UDP};

	group_ipv6(n, src, dst);
	begin_ipv6(n, f, &ip);
	end_udp6(n, f);
}

/* One to three of: hop-by-hop options, destination options, fragment header of a whole packet. */
void noise_udp6_extensions(struct noise *n, struct frame *f)
{
	static const uint8_t types[] = {0, 60, 44};
	uint32_t drawn = rng_between(&n->rng, 1, 7);
	uint8_t src[16], dst[16];
	struct ipv6 ip = {.src = src, .dst = dst, .hop_limit = 32, .next_header = IP_PROTOCOL_UDP};
	uint8_t *next;

	group_ipv6(n, src, dst);
	begin_ipv6(n, f, &ip);
	next = f->data + f->l3_off + 6;
	for (unsigned int i = 0; i < sizeof(types); i++) {
		uint8_t *p;

		if (!(drawn >> i & 1))
			continue;
		*next = types[i];
		p = frame_append(f, NULL, 8);
		p[0] = IP_PROTOCOL_UDP;
		if (types[i] == 44) {
			put_be32(p + 4, (uint32_t)rng_next(&n->rng));
		} else {
			p[2] = 1; /* PadN, four bytes */
			p[3] = 4;
		}
		next = p;
	}
	end_udp6(n, f);
}
