/* SPDX-License-Identifier: MIT */
/* All counters at one moment. */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

struct app;
struct snapshot;

/* Read all counters. Free it with snapshot_free(). 0, or -ENOMEM with @snapshot zeroed. */
int snapshot_take(const struct app *app, struct snapshot *snapshot);

/* What was counted since @before. */
void snapshot_subtract(struct snapshot *snapshot, const struct snapshot *before);

void snapshot_free(struct snapshot *snapshot);

#endif /* SNAPSHOT_H */
