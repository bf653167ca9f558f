/* SPDX-License-Identifier: MIT */
/*
 * The subjects of `classify`: touch and feedgate (classify_subjects.c), rte_acl and rte_hash
 * (classify_peers.c).
 */
#ifndef CLASSIFY_SUBJECTS_H
#define CLASSIFY_SUBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_classify.h>
#include <fg_error.h>

#include "classify_work.h"

struct subject;

struct subject_kind {
	/* Build the table of @p work in subject->state. This is timed, so it does nothing else. */
	int (*build)(struct subject *subject, const struct work *work, int socket_id,
		     struct fg_error *error);
	/* Called once after build, before the first measurement. NULL: nothing to do. */
	void (*tune)(struct subject *subject, const struct work *work);
	/*
	 * Look up @p count packets or keys, from @p first on. NULL: the subject cannot.
	 * @return the sum of the rules. Hot.
	 */
	uint64_t (*burst[INPUTS])(const struct subject *subject, const struct work *work,
				  uint32_t first, unsigned int count, uint32_t *rules);
	uint64_t (*bytes)(const struct subject *subject); /* NULL: as memory_used() grew. */
	void (*free)(struct subject *subject);
	bool answers;  /* It finds rules. Otherwise nothing is built, and nothing is checked. */
	bool may_fail; /* If its build fails in a child process, it is left out. */
};

struct subject {
	char name[48];
	const struct subject_kind *kind;
	const char *engine, *variant; /* Of struct fg_table_conf. */
	enum fg_isa isa;              /* Of the variant; set by build. */
	void *state;                  /* NULL: not built. */
};

extern const struct subject_kind subject_touch;
extern const struct subject_kind subject_feedgate;
extern const struct subject_kind subject_acl;
extern const struct subject_kind subject_hash;

#endif /* CLASSIFY_SUBJECTS_H */
