/* SPDX-License-Identifier: MIT */
/* Measuring: a subject that takes part, and what is known of it. */
#ifndef CLASSIFY_MEASURE_H
#define CLASSIFY_MEASURE_H

#include "classify.h"

struct entrant {
	struct subject subject; /* Takes part as long as it is not out. */
	bool out;
	struct probe probe;
	uint64_t table_bytes;
	double *build_ms; /* [repeats], of which builds are filled. */
	uint32_t builds;
	double *ns[INPUTS]; /* [repeats], a packet; NULL: it has no such burst. */
	uint32_t rounds[INPUTS];
};

/* Build its table, again and again, unless the entrant is out; let it @p tune itself. */
int entrant_build(struct entrant *entrant, const struct work *work, const struct memory *memory,
		  uint32_t repeats, bool tune, struct fg_error *error);

/* Every answer of all is right, and the same. What no truth is known of yet is noted in @p work. */
int entrants_verify(const struct entrant *entrants, uint32_t count, struct work *work,
		    struct fg_error *error);

/* Fill ns: each repeat measures one after another, for at least @p pass_ms each. */
int entrants_measure(struct entrant *entrants, uint32_t count, const struct work *work,
		     uint32_t repeats, uint64_t pass_ms, struct fg_error *error);

/* Say something on standard error. */
void classify_note(const struct work *work, const struct subject *subject, const char *what);

#endif /* CLASSIFY_MEASURE_H */
