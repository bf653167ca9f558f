/* SPDX-License-Identifier: MIT */
#include "values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <fg_node.h>

#include "scope.h"
#include "text.h"

static int expect_name(const struct fg_node *at, struct fg_error *error)
{
	if (at->kind == FG_NODE_SCALAR)
		return 0;
	return fg_error_at(error, EINVAL, at, "expected a name, found %s", fg_node_kind_name(at));
}

int set_source(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
	       struct fg_error *error)
{
	int index;

	if (expect_name(at, error) != 0)
		return -EINVAL;
	index = scope_find(scope->sources, scope->n_sources, at->text);
	if (index < 0)
		return fg_error_at(error, EINVAL, at, "no source is called '%s'", at->text);
	SET_FIELD(term, source, (uint8_t)index);
	return 0;
}

int set_line(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
	     struct fg_error *error)
{
	uint8_t line;

	(void)scope;
	if (expect_name(at, error) != 0)
		return -EINVAL;
	if (fg_line_read(at->text, &line) != 0)
		return fg_error_at(error, EINVAL, at, "'%s': expected the letter of a line, A to Z",
				   at->text);
	SET_FIELD(term, line, line);
	return 0;
}

int set_ethertype(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		  struct fg_error *error)
{
	uint64_t number;

	(void)scope;
	if (read_number(at, UINT16_MAX, &number, error) != 0)
		return -EINVAL;
	SET_FIELD(term, ethertype_be, htons((uint16_t)number));
	return 0;
}

int set_protocol(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		 struct fg_error *error)
{
	uint64_t number;

	(void)scope;
	if (read_number(at, UINT8_MAX, &number, error) != 0)
		return -EINVAL;
	/* 0 is the hop-by-hop header, which parse skips; keys of packets that are not IP hold 0. */
	if (number == 0)
		return fg_error_at(error, EINVAL, at, "protocol: 0 is an extension header");
	SET_FIELD(term, protocol, (uint8_t)number);
	return 0;
}

int set_src_mac(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		struct fg_error *error)
{
	(void)scope;
	memset(term->mask.src_mac, 0xff, sizeof(term->mask.src_mac));
	return read_mac(at, term->value.src_mac, error);
}

int set_dst_mac(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		struct fg_error *error)
{
	(void)scope;
	memset(term->mask.dst_mac, 0xff, sizeof(term->mask.dst_mac));
	return read_mac(at, term->value.dst_mac, error);
}

static int set_address(uint8_t *value, uint8_t *mask, int family, const struct fg_node *at,
		       struct fg_error *error)
{
	struct prefix prefix;

	if (read_prefix(at, family, &prefix, error) != 0)
		return -EINVAL;
	memcpy(value, prefix.address, 16);
	for (unsigned int bit = 0; bit < prefix.length; bit++)
		mask[bit / 8] |= (uint8_t)(0x80u >> (bit % 8));
	return 0;
}

int set_src_ipv4(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		 struct fg_error *error)
{
	(void)scope;
	return set_address(term->value.src_ip, term->mask.src_ip, AF_INET, at, error);
}

int set_dst_ipv4(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		 struct fg_error *error)
{
	(void)scope;
	return set_address(term->value.dst_ip, term->mask.dst_ip, AF_INET, at, error);
}

int set_src_ipv6(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		 struct fg_error *error)
{
	(void)scope;
	return set_address(term->value.src_ip, term->mask.src_ip, AF_INET6, at, error);
}

int set_dst_ipv6(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		 struct fg_error *error)
{
	(void)scope;
	return set_address(term->value.dst_ip, term->mask.dst_ip, AF_INET6, at, error);
}

int set_src_port(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		 struct fg_error *error)
{
	(void)scope;
	return read_ports(at, &term->src_port_min, &term->src_port_max, error);
}

int set_dst_port(struct fg_match *term, const struct fg_node *at, const struct fg_scope *scope,
		 struct fg_error *error)
{
	(void)scope;
	return read_ports(at, &term->dst_port_min, &term->dst_port_max, error);
}

int set_vlan(struct fg_match *term, const struct fg_node *at, struct fg_error *error)
{
	const struct fg_node *value = at->kind == FG_NODE_LIST ? at->child : at;

	if (at->kind == FG_NODE_LIST && (at->count < 1 || at->count > 2))
		return fg_error_at(
			error, EINVAL, at,
			"vlan: expected a VID, or a list of the outer and the inner VID");
	for (unsigned int tag = 0; value != NULL; tag++) {
		uint64_t vid;

		if (read_number(value, 4095, &vid, error) != 0)
			return -EINVAL;
		SET_FIELD(term, vlan_be[tag], htons((uint16_t)vid));
		value = at->kind == FG_NODE_LIST ? value->next : NULL;
	}
	return 0;
}
