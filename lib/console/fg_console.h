/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The console's engine: librte_cmdline on a terminal, a pipe or a file.
 *
 * It knows no command. The application hands over a table of them and runs
 * fg_console_poll() from its control loop, so commands run on the control
 * thread and nothing here needs a lock.
 */
#ifndef FG_CONSOLE_H
#define FG_CONSOLE_H

#include <cmdline_parse.h>
#include <stdbool.h>
#include <stdio.h>

#include <fg_error.h>

struct fg_console;

/**
 * Open on standard input and output.
 *
 * A terminal gets editing, history and TAB completion, and is restored on
 * close; it has no signal keys: Ctrl-C drops the line being typed. From a pipe
 * or a file, lines are read as they come and echoed after the prompt, so that a
 * transcript can be read; one is 8192 bytes at most and has no control
 * characters but tab.
 *
 * @param commands  NULL-terminated, as librte_cmdline has it; lives as long as the console.
 * @param prompt    "feedgate> "; copied, up to 31 characters.
 * @return 0; -ENOMEM; -errno with @p error set.
 * Threads: control; one console a process.
 */
int fg_console_open(cmdline_parse_ctx_t *commands, const char *prompt, struct fg_console **out,
		    struct fg_error *error);

/**
 * Wait up to @p timeout_ms for input, and run what was typed: from a pipe or a
 * file at most one line. A signal ends the wait.
 * @return true while there may be more; false after end of file or fg_console_quit().
 * Threads: control.
 */
bool fg_console_poll(struct fg_console *console, int timeout_ms);

/**
 * Run each line of a file, until fg_console_quit(). Empty lines and lines that start
 * with '#' are skipped; the others are echoed after the prompt.
 * @param stop_on_error  Stop at the first line that is no command.
 * @return 0; -errno if it cannot be read; -EINVAL naming FILE:LINE if a line is no
 *         command: the first one if @p stop_on_error, otherwise after running the rest.
 *         A file that loads itself is refused at 8 levels with -ELOOP, and so is
 *         every load on the way there.
 * Threads: control; also from within a command.
 */
int fg_console_load(struct fg_console *console, const char *path, bool stop_on_error,
		    struct fg_error *error);

/** Make fg_console_poll() return false. Called by the command `quit`. */
void fg_console_quit(struct fg_console *console);

/** fg_console_quit() was called. */
bool fg_console_quitting(const struct fg_console *console);

/** Commands are typed, and librte_cmdline keeps no more than 512 bytes of a line. */
bool fg_console_is_terminal(const struct fg_console *console);

/** Something was printed from outside a command: on a terminal, print the prompt again. */
void fg_console_prompt(const struct fg_console *console);

/**
 * Where commands print: cmdline_printf() cuts long lines, so commands use this.
 * What a command prints ends with a newline, or comes after the next prompt.
 */
FILE *fg_console_out(struct fg_console *console);

/** Close; the terminal is as it was. NULL is allowed. */
void fg_console_close(struct fg_console *console);

#endif /* FG_CONSOLE_H */
