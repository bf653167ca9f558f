/* SPDX-License-Identifier: MIT */
/* What an engine provides, and the list of them. */
#ifndef CLASSIFY_ENGINE_H
#define CLASSIFY_ENGINE_H

#include <fg_classify.h>

struct engine {
	const char *name;

	/* @p matches are valid; 0 and *out, or -errno and @p error. */
	int (*build)(const struct fg_table_conf *conf, const struct fg_match *matches,
		     uint32_t count, void **out, struct fg_error *error);
	void (*lookup)(const void *table, const struct fg_key *keys, uint32_t *rules,
		       unsigned int count);
	void (*free)(void *table);
};

extern const struct engine engine_acl;
extern const struct engine engine_linear;

#endif /* CLASSIFY_ENGINE_H */
