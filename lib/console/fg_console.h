/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The console: reads commands from a terminal, a pipe or a file, and runs them by
 * librte_cmdline.
 *
 * It knows no command: the application passes a table of them. Call
 * fg_console_poll() from the control loop, so that commands run on the control
 * thread; nothing here takes a lock.
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
 * A terminal gets editing, history and TAB completion, and its settings are
 * restored on close. Ctrl-C clears the line being typed: there are no signal keys.
 * Lines from a pipe or a file are echoed after the prompt, so that the output is a
 * transcript. Such a line has at most 8192 bytes, and no control characters but tab.
 *
 * @param commands  NULL-terminated table of librte_cmdline; must outlive the console.
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

/** Makes the message about @p line, which is no command; one line, no longer than @p size. */
typedef void fg_console_explain(const char *line, char *text, size_t size);

/** Answer lines that are no command with this, instead of "Command not found". Not on a terminal.
 */
void fg_console_set_explain(struct fg_console *console, fg_console_explain *explain);

/** Was any line no command: typed, from a pipe, or of a file that was loaded? */
bool fg_console_had_bad_line(const struct fg_console *console);

/** Has it read a whole line, or the end, that fg_console_poll() will run without waiting? */
bool fg_console_has_line(const struct fg_console *console);

/** Was fg_console_quit() called? */
bool fg_console_quitting(const struct fg_console *console);

/** Is it a terminal? Then librte_cmdline keeps no more than 512 bytes of a line. */
bool fg_console_is_terminal(const struct fg_console *console);

/** On a terminal, print the prompt again after output that came from outside a command. */
void fg_console_prompt(const struct fg_console *console);

/**
 * The stream for the output of commands (cmdline_printf() truncates long lines).
 * The output of a command must end with a newline, or it comes after the next prompt.
 */
FILE *fg_console_out(struct fg_console *console);

/** Close, and restore the terminal. NULL is allowed. */
void fg_console_close(struct fg_console *console);

#endif /* FG_CONSOLE_H */
