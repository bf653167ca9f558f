/* SPDX-License-Identifier: MIT */
/* Shadowed and redundant rules. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct app;
struct fg_rules;
struct fg_table_info;
struct findings;

/* Those of the running rules; analysed when first asked for. Valid until the next reload. */
const struct findings *findings_of(struct app *app);

void findings_free(struct findings *findings);

/* "shadowed by NAME" of rule number @rule; empty if there is no finding. */
void findings_text(const struct findings *findings, const struct fg_rules *rules, uint32_t rule,
		   char *text, size_t size);

/* Warnings of --check about app->rules: a line each, at most 100. */
void findings_warn(const struct app *app, FILE *out);

/* What --check says about the expressions of app->rules: what a packet may cost, and what is IPv4
 * only.
 */
void findings_expressions(const struct app *app, const struct fg_table_info *info, FILE *out);

#endif /* FINDINGS_H */
