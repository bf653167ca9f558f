/* SPDX-License-Identifier: MIT */
/* Reads one value of a key of `match` into an entry. */
#ifndef RULES_VALUES_H
#define RULES_VALUES_H

#include <string.h>

#include <fg_classify.h>
#include <fg_error.h>
#include <fg_rules.h>

struct fg_node;

#define SET_FIELD(term, field, v)                                                                  \
	do {                                                                                       \
		memset(&(term)->mask.field, 0xff, sizeof((term)->mask.field));                     \
		(term)->value.field = (v);                                                         \
	} while (0)

/*
 * Make @p term match @p value. 0, or -EINVAL with @p error set. Only set_source
 * uses @p scope; for the others it may be NULL.
 */
typedef int set_value_fn(struct fg_match *term, const struct fg_node *value,
			 const struct fg_scope *scope, struct fg_error *error);

set_value_fn set_source;
set_value_fn set_line;
set_value_fn set_ethertype;
set_value_fn set_protocol;
set_value_fn set_src_mac;
set_value_fn set_dst_mac;
set_value_fn set_src_ipv4;
set_value_fn set_dst_ipv4;
set_value_fn set_src_ipv6;
set_value_fn set_dst_ipv6;
set_value_fn set_src_port;
set_value_fn set_dst_port;

/* A VID, or a list of the outer and the inner VID, which is one value, not "any of". */
int set_vlan(struct fg_match *term, const struct fg_node *at, struct fg_error *error);

#endif /* RULES_VALUES_H */
