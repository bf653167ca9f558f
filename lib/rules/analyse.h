/* SPDX-License-Identifier: MIT */
/* The parts of an analysis; each has a share of the work. */
#ifndef RULES_ANALYSE_H
#define RULES_ANALYSE_H

#include "boxes.h"
#include "fg_analyse.h"

/* What covers an entry: a rule, FG_FINDING_BY_SEVERAL, or this. */
#define COVER_NONE 0u

struct analysis {
	const struct fg_rules *rules;
	struct boxes boxes;
	struct box_index index;
	uint32_t *cover; /* [entries]: earlier rule that takes all its packets */
	bool *shadowed;  /* [rules + 1] */
	uint32_t *next;  /* [entries]: later rule that would, with the same action */
	bool *needed;    /* [rules + 1]: not redundant, or not known to be */
	uint64_t work;   /* left for the part under way */
	bool complete;
};

/* Steps of one part: comparisons, hashes. A second or so at most. */
#define ANALYSE_WORK (UINT64_C(1) << 25)

/* Take @p steps from what is left; false if there are not so many. */
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

/* Earlier entries that together cover one in one field. 0 or -ENOMEM. */
int analyse_unions(struct analysis *a);

#endif /* RULES_ANALYSE_H */
