/* SPDX-License-Identifier: MIT */
/* The filters of sources that can drop packets before feedgate sees them (kernel, NIC). */
#ifndef PREFILTER_H
#define PREFILTER_H

#include <stdbool.h>

struct app;
struct fg_match;
struct fg_rules;
struct fg_source;

/* Before @new replaces @old (NULL: none): let pass what either may keep. */
void prefilter_widen(struct app *app, const struct fg_rules *old, const struct fg_rules *new);

/* @rules are running: let pass only what they may keep. */
void prefilter_set(struct app *app, const struct fg_rules *rules);

/* Can the entry match a packet of this source? */
bool prefilter_concerns(const struct fg_match *m, const struct fg_source *src);

#endif /* PREFILTER_H */
