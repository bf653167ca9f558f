/* SPDX-License-Identifier: MIT */
/* Parts of tables. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stdint.h>
#include <stdio.h>

struct app;
struct fg_rule;

/* The sinks of a rule, or "drop". */
void report_action(const struct app *app, const struct fg_rule *rule, FILE *out);
/* 1,234,567. Static text, one of sixteen. */
const char *report_grouped(uint64_t value);
/* A counter: name, value, help. */
void report_row(FILE *out, const char *name, uint64_t value, const char *help);
/* The same with a value in words. */
void report_text_row(FILE *out, const char *name, const char *value, const char *help);
/* "1.2 s ago"; "-" for 0, which means never. Static text. TSC ticks, or UTC ns. */
const char *report_age(uint64_t ticks);
const char *report_age_ns(uint64_t time_ns);

#endif /* REPORT_TEXT_H */
