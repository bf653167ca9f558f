/* SPDX-License-Identifier: MIT */
/*
 * The running rules as they were written: a list of nodes that can be edited,
 * compiled again and saved. Control thread only.
 *
 * An edit makes a second book that shares all nodes with the first. If its
 * rules compile and are published it replaces the first one, otherwise it is
 * dropped. So an edit costs a copy of the list, and the rebuild.
 */
#ifndef RULEBOOK_H
#define RULEBOOK_H

#include <stdint.h>
#include <stdio.h>

#include <fg_config.h>
#include <fg_error.h>

struct rulebook_entry {
	struct fg_node node;   /* the rule's map; its next is set by the list */
	struct fg_config *own; /* owns the nodes below; NULL: the file does */
};

struct rulebook {
	struct fg_config *file;               /* NULL: there was none */
	const struct fg_node *default_action; /* in file; NULL: drop */
	struct rulebook_entry *entries;
	uint32_t count;
	struct fg_config *removed; /* in an edit: owns the nodes of the deleted rule */
	struct fg_node list;       /* what fg_rules_load() takes; its children are the entries */
};

/* Where a rule is inserted. */
enum rulebook_where { PLACE_LAST, PLACE_FIRST, PLACE_BEFORE, PLACE_AFTER };

struct rulebook_place {
	enum rulebook_where where;
	const char *name; /* BEFORE, AFTER: of the other rule */
};

/* Read `rules` and `default` of @file (NULL: none). On success the book owns @file. */
int rulebook_read(struct rulebook *book, struct fg_config *file, struct fg_error *error);

/*
 * Edits. On success @out is set; give it to rulebook_replace() or rulebook_drop(). @rule is a file
 * that consists of one rule; @out then refers to its nodes. 0 or -errno with @error set.
 */
int rulebook_add(const struct rulebook *book, struct fg_config *rule,
		 const struct rulebook_place *place, struct rulebook *out, struct fg_error *error);
int rulebook_delete(const struct rulebook *book, const char *name, struct rulebook *out,
		    struct fg_error *error);
int rulebook_move(const struct rulebook *book, const char *name, const struct rulebook_place *place,
		  struct rulebook *out, struct fg_error *error);

/* Replace @book by @edited, which was made from it; free what only @book has. */
void rulebook_replace(struct rulebook *book, struct rulebook *edited);

/* Free an edit; the book it was made from is not changed. */
void rulebook_drop(struct rulebook *edited);

/* Print it as a configuration file. */
void rulebook_print(const struct rulebook *book, FILE *out);

void rulebook_free(struct rulebook *book);

#endif /* RULEBOOK_H */
