/* SPDX-License-Identifier: MIT */
/*
 * The symbol maps of feeds, as control sees them: it writes their files, and reports rules whose
 * instruments have no number in their feed's map.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fg_error.h>

struct app;

/* Begin, when feeds are open. 0 or -ENOMEM. */
int symbols_open(struct app *app, struct fg_error *error);

/* Do what is due. Call it several times a second; @last: the lcores have stopped, all is due. */
void symbols_watch(struct app *app, bool last);

void symbols_free(struct app *app);

/* How many symbols of running rule number @number have no number. */
uint32_t symbols_unmapped(const struct app *app, uint32_t number);

/* The rules of a feed that have such symbols, and the first of these; nothing if there are none. */
void report_unmapped(const struct app *app, uint32_t feed, FILE *out);

#endif /* SYMBOLS_H */
