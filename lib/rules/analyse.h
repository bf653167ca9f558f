/* SPDX-License-Identifier: MIT */
/* Shared by the parts of an analysis. The work of each part is bounded. */
#ifndef RULES_ANALYSE_H
#define RULES_ANALYSE_H

#include "boxes.h"
#include "fg_analyse.h"

/* No rule covers the entry. Otherwise: the number of a rule, or FG_FINDING_BY_SEVERAL. */
#define COVER_NONE 0u

struct analysis {
	const struct fg_rules *rules;
	struct boxes boxes;
	struct box_index index;
	uint32_t *cover; /* [entries]: the earlier rule that matches all its packets */
	bool *shadowed;  /* [rules + 1] */
	uint32_t *next;  /* [entries]: a later rule that does, with the same action */
	bool *needed;    /* [rules + 1]: not redundant, or not known to be */
	uint64_t work;   /* remaining for the current part */
	bool complete;   /* no part ran out of work */
};

/* Steps of one part, comparisons or hashes: about a second at most. */
#define ANALYSE_WORK (UINT64_C(1) << 25)

/* Take @p steps from the remaining work. false: less remains. */
static inline bool spend(struct analysis *a, uint64_t steps)
{
	if (a->work < steps) {
		a->work = 0;
		a->complete = false;
		return false;
	}
	a->work -= steps;
	return true;
}

static inline uint32_t entry_of(const struct analysis *a, const struct group *group, uint32_t i)
{
	return a->boxes.order[group->first + i];
}

/*
 * Find entries that several earlier entries cover together, side by side in one
 * field. 0 or -ENOMEM.
 */
int analyse_unions(struct analysis *a);

#endif /* RULES_ANALYSE_H */
