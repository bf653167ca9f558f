/* SPDX-License-Identifier: MIT */
/* The arguments of `explain`: fields with the names that `match` uses. */
#ifndef EXPLAIN_FIELDS_H
#define EXPLAIN_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

struct app;

enum explain_fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

/* A packet as described. A field that was not given is 0, or -1 where that is said. */
struct explain_fields {
	const char *path; /* a capture file; NULL: made of the fields */
	uint64_t number;  /* which packet of it, from 1 */
	uint32_t source;  /* index */
	uint8_t line;

	bool has_src_mac, has_dst_mac, has_ethertype;
	uint8_t src_mac[6], dst_mac[6];
	uint16_t vlans[2];
	unsigned int n_vlans;
	uint16_t ethertype;
	int family; /* 0, 4, 6 */
	uint8_t src_ip[16], dst_ip[16];
	int protocol; /* -1: not given */
	uint16_t src_port, dst_port;
	enum explain_fragment fragment;
	uint8_t payload[4096];
	uint32_t payload_bytes;
};

/*
 * Read `FIELD VALUE FIELD VALUE ...`. @text is modified, and @fields point into it.
 * 0 or -EINVAL with @error set.
 */
int explain_fields_read(const struct app *app, char *text, struct explain_fields *fields,
			struct fg_error *error);

/* Name of field number @i; NULL after the last one. */
const char *explain_field_name(unsigned int i);

/* How many values follow the field called @name. */
unsigned int explain_field_values(const char *name);

#endif /* EXPLAIN_FIELDS_H */
