/* SPDX-License-Identifier: MIT */
/* What the console's command files share. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "app.h"

/* Every command parses into this: fixed words, then at most one argument. */
struct command {
	char words[3][32];
	char argument[512];
};

/* librte_cmdline's tables are static, so the application is reached through here. */
extern struct app *command_app;

FILE *command_out(void);
void command_error(const struct fg_error *error);
void command_snapshot(struct snapshot *s);
void command_show_one_rule(const struct fg_rule *rule, uint32_t number);

#endif /* COMMANDS_H */
