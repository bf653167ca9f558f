/* SPDX-License-Identifier: MIT */
#include "explain_fields.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <rte_ether.h>

#include <fg_option.h>

#include "app.h"

#define ETHERTYPE_IPV4 0x0800u
#define ETHERTYPE_IPV6 0x86ddu

static int refuse(struct fg_error *error, const char *key, const char *value, const char *expected)
{
	return fg_error_set(error, EINVAL, "%s %s: expected %s", key, value, expected);
}

/* Two fields exclude each other. */
static int contradict(struct fg_error *error, const char *key)
{
	return fg_error_set(error, EINVAL, "%s: contradicts a field before it", key);
}

typedef int read_value(const struct app *app, const char *key, char *value,
		       struct explain_fields *fields, struct fg_error *error);

static int read_source(const struct app *app, const char *key, char *value,
		       struct explain_fields *fields, struct fg_error *error)
{
	for (uint32_t i = 0; i < app->n_sources; i++)
		if (strcmp(app->sources[i]->name, value) == 0) {
			fields->source = i;
			return 0;
		}
	return refuse(error, key, value, "the name of a source");
}

static int read_line(const struct app *app, const char *key, char *value,
		     struct explain_fields *fields, struct fg_error *error)
{
	(void)app;
	return fg_line_read(value, &fields->line) == 0
		       ? 0
		       : refuse(error, key, value, "the letter of a line, A to Z");
}

static int read_mac(const struct app *app, const char *key, char *value,
		    struct explain_fields *fields, struct fg_error *error)
{
	const bool is_src = strcmp(key, "mac.src") == 0;
	struct rte_ether_addr mac;

	(void)app;
	if (rte_ether_unformat_addr(value, &mac) != 0)
		return refuse(error, key, value, "a MAC address xx:xx:xx:xx:xx:xx");
	memcpy(is_src ? fields->src_mac : fields->dst_mac, mac.addr_bytes, 6);
	*(is_src ? &fields->has_src_mac : &fields->has_dst_mac) = true;
	return 0;
}

static int read_vlan(const struct app *app, const char *key, char *value,
		     struct explain_fields *fields, struct fg_error *error)
{
	char *rest = value;

	(void)app;
	fields->n_vlans = 0;
	while (rest != NULL) {
		const char *vid = strsep(&rest, ",");
		uint64_t number;

		if (fields->n_vlans == 2 || fg_number_read(vid, 4095, &number) != 0)
			return refuse(error, key, vid, "a VID from 0 to 4095, or OUTER,INNER");
		fields->vlans[fields->n_vlans++] = (uint16_t)number;
	}
	return 0;
}

static int read_ethertype(const struct app *app, const char *key, char *value,
			  struct explain_fields *fields, struct fg_error *error)
{
	uint64_t number;

	(void)app;
	if (fg_number_read(value, UINT16_MAX, &number) != 0)
		return refuse(error, key, value, "a number from 0 to 65535");
	fields->ethertype = (uint16_t)number;
	fields->has_ethertype = true;
	return 0;
}

static int read_ip(const struct app *app, const char *key, char *value,
		   struct explain_fields *fields, struct fg_error *error)
{
	const int family = key[3] - '0';
	uint8_t *to = strcmp(key + 4, ".src") == 0 ? fields->src_ip : fields->dst_ip;

	(void)app;
	if (fields->family != 0 && fields->family != family)
		return contradict(error, key);
	fields->family = family;
	if (inet_pton(family == 4 ? AF_INET : AF_INET6, value, to) == 1)
		return 0;
	return refuse(error, key, value, family == 4 ? "an IPv4 address" : "an IPv6 address");
}

static int read_protocol(const struct app *app, const char *key, char *value,
			 struct explain_fields *fields, struct fg_error *error)
{
	uint64_t number;

	(void)app;
	if (fg_number_read(value, UINT8_MAX, &number) != 0)
		return refuse(error, key, value, "a number from 0 to 255");
	if (fields->protocol >= 0 && fields->protocol != (int)number)
		return contradict(error, key);
	fields->protocol = (int)number;
	return 0;
}

static int read_port(const struct app *app, const char *key, char *value,
		     struct explain_fields *fields, struct fg_error *error)
{
	const int protocol = key[0] == 'u' ? IPPROTO_UDP : IPPROTO_TCP;
	uint64_t number;

	(void)app;
	if (fg_number_read(value, UINT16_MAX, &number) != 0)
		return refuse(error, key, value, "a port from 0 to 65535");
	if (fields->protocol >= 0 && fields->protocol != protocol)
		return contradict(error, key);
	fields->protocol = protocol;
	*(strcmp(key + 3, ".src") == 0 ? &fields->src_port : &fields->dst_port) = (uint16_t)number;
	return 0;
}

static int read_fragment(const struct app *app, const char *key, char *value,
			 struct explain_fields *fields, struct fg_error *error)
{
	(void)app;
	if (strcmp(value, "first") == 0)
		fields->fragment = FRAGMENT_FIRST;
	else if (strcmp(value, "later") == 0)
		fields->fragment = FRAGMENT_LATER;
	else
		return refuse(error, key, value, "first or later");
	return 0;
}

static int read_payload(const struct app *app, const char *key, char *value,
			struct explain_fields *fields, struct fg_error *error)
{
	const size_t digits = strlen(value);

	(void)app;
	if (digits % 2 != 0 || digits / 2 > sizeof(fields->payload) ||
	    strspn(value, "0123456789abcdefABCDEF") != digits)
		return refuse(error, key, value, "hexadecimal digits, two a byte");
	for (size_t i = 0; i < digits / 2; i++) {
		unsigned int byte;

		(void)sscanf(value + 2 * i, "%2x", &byte);
		fields->payload[i] = (uint8_t)byte;
	}
	fields->payload_bytes = (uint32_t)(digits / 2);
	return 0;
}

static int read_pcap(const struct app *app, const char *key, char *value,
		     struct explain_fields *fields, struct fg_error *error)
{
	(void)app;
	(void)key;
	(void)error;
	fields->path = value;
	return 0;
}

static const struct {
	const char *name;
	read_value *read;
	const char *help;
} rows[] = {
	{"source", read_source, "name of the source; default: the first one"},
	{"line", read_line, "letter of a line; default: the source's"},
	{"mac.src", read_mac, "MAC address"},
	{"mac.dst", read_mac, "MAC address; default: that of a multicast group"},
	{"vlan", read_vlan, "VID, or OUTER,INNER"},
	{"ethertype", read_ethertype, "number"},
	{"ipv4.src", read_ip, "IPv4 address"},
	{"ipv4.dst", read_ip, "IPv4 address"},
	{"ipv6.src", read_ip, "IPv6 address"},
	{"ipv6.dst", read_ip, "IPv6 address"},
	{"protocol", read_protocol, "IP protocol number; 17 is UDP, 6 is TCP"},
	{"udp.src", read_port, "port"},
	{"udp.dst", read_port, "port"},
	{"tcp.src", read_port, "port"},
	{"tcp.dst", read_port, "port"},
	{"fragment", read_fragment, "first or later: part of a fragmented datagram"},
	{"payload", read_payload, "hexadecimal digits: what follows the headers"},
	{"pcap", read_pcap, "FILE N: packet N, from 1, of a capture file"},
};

const char *explain_field_name(unsigned int i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? rows[i].name : NULL;
}

unsigned int explain_field_values(const char *key)
{
	return strcmp(key, "pcap") == 0 ? 2 : 1;
}

/* The next word, which ends at one of @ends, or NULL; @rest then points after it. */
static char *next_word(char **rest, const char *ends)
{
	char *word = *rest + strspn(*rest, " \t");

	*rest = word + strcspn(word, ends);
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return *word != '\0' ? word : NULL;
}

static int read_field(const struct app *app, const char *key, char **rest,
		      struct explain_fields *fields, struct fg_error *error)
{
	char *value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, key) != 0)
			continue;
		value = next_word(rest, " \t");
		if (value == NULL)
			return fg_error_set(error, EINVAL, "%s: a value is missing: %s", key,
					    rows[i].help);
		if (rows[i].read(app, key, value, fields, error) != 0)
			return -EINVAL;
		if (rows[i].read != read_pcap)
			return 0;
		value = next_word(rest, " \t");
		if (value == NULL || fg_number_read(value, UINT64_MAX, &fields->number) != 0 ||
		    fields->number == 0)
			return refuse(error, "pcap FILE", value != NULL ? value : "",
				      "the number of a packet, from 1");
		return 0;
	}
	return fg_error_set(error, EINVAL, "unknown field '%s': expected %s", key,
			    "source, line, mac.src, mac.dst, vlan, ethertype, ipv4.src, ipv4.dst, "
			    "ipv6.src, ipv6.dst, protocol, udp.src, udp.dst, tcp.src, tcp.dst, "
			    "fragment, payload or pcap");
}

/* Set the fields that follow from those given. */
static int complete(const struct app *app, struct explain_fields *fields, struct fg_error *error)
{
	const bool is_ip =
		fields->family != 0 || fields->protocol >= 0 || fields->fragment != FRAGMENT_NONE;

	if (fields->line == 0 && app->n_sources > 0)
		fields->line = app->sources[fields->source]->source.line;
	if (fields->family == 0 && fields->has_ethertype)
		fields->family = fields->ethertype == ETHERTYPE_IPV4   ? 4
				 : fields->ethertype == ETHERTYPE_IPV6 ? 6
								       : 0;
	else if (fields->family == 0 && is_ip)
		fields->family = 4;
	if (!fields->has_ethertype)
		fields->ethertype = fields->family == 4   ? ETHERTYPE_IPV4
				    : fields->family == 6 ? ETHERTYPE_IPV6
							  : 0x88b5; /* local experiments */
	if (is_ip && fields->ethertype != (fields->family == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6))
		return fg_error_set(error, EINVAL, "ethertype 0x%04x: contradicts fields of IPv%d",
				    fields->ethertype, fields->family != 0 ? fields->family : 4);
	return 0;
}

int explain_fields_read(const struct app *app, char *text, struct explain_fields *fields,
			struct fg_error *error)
{
	char *rest = text;
	const char *key;
	unsigned int n = 0;

	memset(fields, 0, sizeof(*fields));
	fields->protocol = -1;
	while ((key = next_word(&rest, " \t=")) != NULL) {
		if (read_field(app, key, &rest, fields, error) != 0)
			return -EINVAL;
		/* source and line may be given for a packet in a file, too. */
		n += strcmp(key, "source") != 0 && strcmp(key, "line") != 0;
	}
	if (fields->path != NULL && n > 1)
		return fg_error_set(error, EINVAL,
				    "pcap: only source and line may stand beside it");
	return complete(app, fields, error);
}
