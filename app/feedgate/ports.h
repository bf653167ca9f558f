/* SPDX-License-Identifier: MIT */
#ifndef PORTS_H
#define PORTS_H

#include <fg_error.h>

struct app;

/*
 * The configuration lists no sources: add one for each port that EAL found.
 * 0; -ENODEV: EAL has none; or -errno, with @error set.
 */
int ports_as_sources(struct app *app, struct fg_error *error);

#endif /* PORTS_H */
