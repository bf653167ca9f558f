/* SPDX-License-Identifier: MIT */
/* What the parts of fg_protocol_load() share: the sections of a protocol's map. */
#ifndef PROTOCOL_LOAD_H
#define PROTOCOL_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_option.h>

#include "fg_protocol.h"

/* A protocol that is loaded, and the memory that it owns. */
struct loaded {
	struct fg_protocol protocol; /* first: fg_protocol_free() gets its address */
	struct fg_messages messages;
	struct fg_message_type *types;
	char **names; /* of types[], in the file's order */
	uint16_t *lengths;
	bool own_messages;
};

/* The options of all sections, in one struct: the rows of a section say which are its own. */
struct values {
	uint64_t at, bytes, length_bias, value, min, max, at2, bytes2;
	uint64_t order, counts, min_bytes, messages_at, kind, is, number, in, instrument, group;
	uint64_t order_at, order_bytes, new_order_at, new_order_bytes, null_value, length, root;
	uint64_t entry_at, entry_bytes, entries_at, entries_bytes, nested_at, nested_bytes;
	uint64_t pad_to, data_at, data_bytes, groups_at, groups_bytes, data_length;
	bool units, empty, bare, text, maps_symbol, adds_order, ends_order;
	char *type, *name;
};

/* The option rows of each section (load_rows.c); each list ends with an empty row. */
extern const struct fg_option header_rows[], length_rows[], field_rows[], check_rows[],
	sequence_rows[], checksum_rows[], admin_rows[], walk_rows[], group_rows[], type_rows[],
	message_rows[];

struct section {
	const char *key;
	const struct fg_option *rows;
	/* Take the values. @return 0; -E2BIG: too many; -EINVAL: a type does not fit; -ENOMEM. */
	int (*read)(struct loaded *l, const struct values *v);
	void (*clear)(struct loaded *l); /* forget what `like` gave; NULL: read() replaces it */
	bool list;                       /* may be a list of maps */
	bool messages;                   /* may be a name; leaves header and walk as they are */
};

/*
 * Every section (load_sections.c), in the order in which they are read, whatever the file's order:
 * messages need the type, and the type needs the header. Ends with an empty one.
 */
extern const struct section load_sections[];

#endif /* PROTOCOL_LOAD_H */
