/* SPDX-License-Identifier: MIT */
/*
 * librte_cmdline tokens for the arguments of `explain`: as many words as the line has, where TAB
 * completes the names of fields. One command of the table can have them.
 */
#ifndef COMMANDS_FIELDS_H
#define COMMANDS_FIELDS_H

#include <cmdline_parse.h>
#include <stddef.h>

/* A line is parsed from its first word on. */
void command_fields_begin(void);

/*
 * The token of the next word; NULL: the line has ended. It stores a pointer to the first of these
 * words at @offset of the result, where NULL stands before.
 */
cmdline_parse_token_hdr_t *command_fields_next(size_t offset);

#endif /* COMMANDS_FIELDS_H */
