/* SPDX-License-Identifier: MIT */
/* What the files of `explain` share. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "app.h"

#define EXPLAIN_FRAME_BYTES 65535u

enum explain_fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

/* What was said of the packet. All that was not has its zero or its -1. */
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

/* explain_fields.c: read `KEY VALUE KEY VALUE ...`; @p text is taken apart. */
int explain_fields_read(const struct app *app, char *text, struct explain_fields *fields,
			struct fg_error *error);
/* Key number @p i, its help, or NULL past the last one. */
const char *explain_field_name(unsigned int i);
const char *explain_field_help(unsigned int i);
/* How many values stand behind @p key. */
unsigned int explain_field_values(const char *key);

/* explain_frame.c: the frame, @p frame has room for EXPLAIN_FRAME_BYTES. @return its length. */
uint32_t explain_frame_make(const struct explain_fields *fields, uint8_t *frame);
/* Packet fields->number of fields->path. 0 or -errno. */
int explain_frame_load(const struct explain_fields *fields, uint8_t *frame, uint32_t *length,
		       struct fg_error *error);

/* explain_words.c: a key, an entry, in words; no newline. */
void explain_print_key(const struct app *app, const struct fg_key *key, FILE *out);
void explain_print_entry(const struct app *app, const struct fg_match *match, FILE *out);

#endif /* EXPLAIN_H */
