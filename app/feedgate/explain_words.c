/* SPDX-License-Identifier: MIT */
#include "explain_words.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

static bool is_set(const void *mask, size_t bytes)
{
	static const uint8_t zero[16];

	return memcmp(mask, zero, bytes) != 0;
}

static void print_mac(const uint8_t *mac, FILE *out)
{
	for (unsigned int i = 0; i < 6; i++)
		fprintf(out, "%s%02x", i > 0 ? ":" : "", mac[i]);
}

static void print_ip(const uint8_t *ip, uint8_t family, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	fputs(inet_ntop(family == FG_FAMILY_IPV4 ? AF_INET : AF_INET6, ip, text, sizeof(text)),
	      out);
}

static void print_end(const uint8_t *ip, uint16_t port_be, const struct fg_key *key, FILE *out)
{
	print_ip(ip, key->family, out);
	if (key->l4 != 0)
		fprintf(out, key->family == FG_FAMILY_IPV6 ? " port %u" : ":%u", ntohs(port_be));
}

static void print_protocol(const struct fg_key *key, FILE *out)
{
	fprintf(out, ", IPv%u ", key->family);
	if (key->protocol == IPPROTO_UDP)
		fputs("UDP ", out);
	else if (key->protocol == IPPROTO_TCP)
		fputs("TCP ", out);
	else
		fprintf(out, "protocol %u ", key->protocol);
	print_end(key->src_ip, key->src_port_be, key, out);
	fputs(" > ", out);
	print_end(key->dst_ip, key->dst_port_be, key, out);
	if ((key->flags & FG_KEY_LATER_PART) != 0)
		fputs(", later part of a fragmented datagram", out);
	else if ((key->flags & FG_KEY_FRAGMENT) != 0)
		fputs(", first part of a fragmented datagram", out);
}

void explain_print_key(const struct app *app, const struct fg_key *key, FILE *out)
{
	if (app->n_sources > 0)
		fprintf(out, "source %s, ", app->sources[key->source]->name);
	if (key->line > 0)
		fprintf(out, "line %c, ", 'A' + key->line - 1);
	print_mac(key->src_mac, out);
	fputs(" > ", out);
	print_mac(key->dst_mac, out);
	for (int i = 0; i < 2; i++)
		if (key->vlan_be[i] != FG_VLAN_NONE_BE)
			fprintf(out, ", VLAN %u", ntohs(key->vlan_be[i]));
	if (key->family != FG_FAMILY_OTHER)
		print_protocol(key, out);
	else
		fprintf(out, ", EtherType 0x%04x", ntohs(key->ethertype_be));
	fprintf(out, ", payload %u bytes", key->payload_len);
}

/* An entry is printed as the `match` that compiles to it. */
struct printer {
	const struct app *app;
	const struct fg_match *match;
	FILE *out;
	bool more; /* not the first item */
};

static void begin_item(struct printer *p, const char *name)
{
	fprintf(p->out, "%s%s: ", p->more ? ", " : "", name);
	p->more = true;
}

static unsigned int prefix_bits(const uint8_t *mask, unsigned int bytes)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; i < bytes; i++)
		bits += (unsigned int)__builtin_popcount(mask[i]);
	return bits;
}

static void print_addresses(struct printer *p)
{
	const struct fg_key *value = &p->match->value, *mask = &p->match->mask;
	const unsigned int bytes = value->family == FG_FAMILY_IPV4 ? 4 : 16;
	const char *separator = "";

	if (mask->family == 0)
		return;
	begin_item(p, value->family == FG_FAMILY_IPV4   ? "ipv4"
		      : value->family == FG_FAMILY_IPV6 ? "ipv6"
							: "neither ipv4 nor ipv6");
	fputc('{', p->out);
	if (is_set(mask->src_ip, 16)) {
		fputs("src: ", p->out);
		print_ip(value->src_ip, value->family, p->out);
		fprintf(p->out, "/%u", prefix_bits(mask->src_ip, bytes));
		separator = ", ";
	}
	if (is_set(mask->dst_ip, 16)) {
		fprintf(p->out, "%sdst: ", separator);
		print_ip(value->dst_ip, value->family, p->out);
		fprintf(p->out, "/%u", prefix_bits(mask->dst_ip, bytes));
	}
	fputc('}', p->out);
}

static void print_range(uint16_t min, uint16_t max, FILE *out)
{
	if (min == max)
		fprintf(out, "%u", min);
	else
		fprintf(out, "%u-%u", min, max);
}

static void print_ports(struct printer *p)
{
	const struct fg_match *m = p->match;
	const bool src = m->src_port_min > 0 || m->src_port_max < UINT16_MAX;
	const bool dst = m->dst_port_min > 0 || m->dst_port_max < UINT16_MAX;

	if (m->mask.l4 == 0 && !src && !dst)
		return;
	begin_item(p, m->mask.l4 == 0              ? "ports"
		      : m->value.l4 == IPPROTO_UDP ? "udp"
		      : m->value.l4 == IPPROTO_TCP ? "tcp"
						   : "no ports");
	fputc('{', p->out);
	if (src) {
		fputs("src: ", p->out);
		print_range(m->src_port_min, m->src_port_max, p->out);
	}
	if (dst) {
		fputs(src ? ", dst: " : "dst: ", p->out);
		print_range(m->dst_port_min, m->dst_port_max, p->out);
	}
	fputc('}', p->out);
}

static void print_link(struct printer *p)
{
	const struct fg_key *value = &p->match->value, *mask = &p->match->mask;

	if (is_set(mask->src_mac, 6)) {
		begin_item(p, "mac.src");
		print_mac(value->src_mac, p->out);
	}
	if (is_set(mask->dst_mac, 6)) {
		begin_item(p, "mac.dst");
		print_mac(value->dst_mac, p->out);
	}
	for (int i = 0; i < 2; i++)
		if (mask->vlan_be[i] != 0) {
			begin_item(p, i == 0 ? "vlan" : "inner vlan");
			if (value->vlan_be[i] == FG_VLAN_NONE_BE)
				fputs("none", p->out);
			else
				fprintf(p->out, "%u", ntohs(value->vlan_be[i]));
		}
	if (mask->ethertype_be != 0) {
		begin_item(p, "ethertype");
		fprintf(p->out, "0x%04x", ntohs(value->ethertype_be));
	}
}

void explain_print_entry(const struct app *app, const struct fg_match *match, FILE *out)
{
	struct printer p = {.app = app, .match = match, .out = out};

	fputc('{', out);
	if (match->mask.source != 0 && match->value.source < app->n_sources) {
		begin_item(&p, "source");
		fputs(app->sources[match->value.source]->name, out);
	}
	if (match->mask.line != 0) {
		begin_item(&p, "line");
		fprintf(out, "%c", 'A' + match->value.line - 1);
	}
	print_link(&p);
	print_addresses(&p);
	if (match->mask.protocol != 0) {
		begin_item(&p, "protocol");
		fprintf(out, "%u", match->value.protocol);
	}
	print_ports(&p);
	if (match->expr != NULL) {
		begin_item(&p, "expr");
		fprintf(out, "\"%s\"", fg_expr_text(match->expr));
	}
	fputc('}', out);
}
