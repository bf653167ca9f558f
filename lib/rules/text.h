/* SPDX-License-Identifier: MIT */
/* Reads the values of the rule language from text. */
#ifndef RULES_TEXT_H
#define RULES_TEXT_H

#include <stdint.h>

#include <fg_error.h>

struct fg_node;

struct prefix {
	uint8_t address[16]; /* network order; IPv4 in the first four */
	uint8_t length;      /* bits */
};

/* All: 0, or -EINVAL with @p error set, which has the location of @p at. */
int read_prefix(const struct fg_node *at, int family, struct prefix *out, struct fg_error *error);
int read_ports(const struct fg_node *at, uint16_t *min, uint16_t *max, struct fg_error *error);
int read_mac(const struct fg_node *at, uint8_t out[6], struct fg_error *error);
int read_number(const struct fg_node *at, uint64_t max, uint64_t *out, struct fg_error *error);

#endif /* RULES_TEXT_H */
