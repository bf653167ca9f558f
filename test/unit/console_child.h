/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A small application with a console, in a child process, and the test's end
 * of the pipes or the pseudo terminal that it runs on.
 */
#ifndef CONSOLE_CHILD_H
#define CONSOLE_CHILD_H

#include <cmdline.h>
#include <cmdline_parse_num.h>
#include <cmdline_parse_string.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include <fg_console.h>

#define PATIENCE_MS 20000 /* Only a failing test waits so long. */

/* The commands of a small application: `show sum`, `add N`, `load PATH`, `quit`, ... */

static struct fg_console *console;
static uint64_t sum;
static bool stop_on_error;
static const char *startup; /* A file to load before the first poll. */

struct words {
	cmdline_fixed_string_t first;
	cmdline_fixed_string_t second;
	uint32_t number;
};

static void run_show(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)cl;
	(void)data;
	fprintf(fg_console_out(console), "sum is %llu\n", (unsigned long long)sum);
}

static void run_add(void *parsed, struct cmdline *cl, void *data)
{
	const struct words *words = parsed;

	(void)cl;
	(void)data;
	sum += words->number;
}

/* Prints both ways in turn, as commands of DPDK's own may. */
static void run_both(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)data;
	fprintf(fg_console_out(console), "one\n");
	fflush(fg_console_out(console));
	cmdline_printf(cl, "two\n");
	fprintf(fg_console_out(console), "three\n");
}

static void run_load(void *parsed, struct cmdline *cl, void *data)
{
	const struct words *words = parsed;
	struct fg_error error = {0};
	int rc;

	(void)cl;
	(void)data;
	rc = fg_console_load(console, words->second, stop_on_error, &error);
	fprintf(fg_console_out(console), "load: %d %s\n", -rc, error.text);
}

static void run_quit(void *parsed, struct cmdline *cl, void *data)
{
	(void)parsed;
	(void)cl;
	(void)data;
	fg_console_quit(console);
}

#define WORD(name, text)                                                                           \
	static cmdline_parse_token_string_t word_##name =                                          \
		TOKEN_STRING_INITIALIZER(struct words, first, text)
WORD(show, "show");
WORD(add, "add");
WORD(both, "both");
WORD(load, "load");
WORD(quit, "quit");
WORD(twin, "twin");
static cmdline_parse_token_string_t word_sum =
	TOKEN_STRING_INITIALIZER(struct words, second, "sum");
static cmdline_parse_token_string_t any_path = TOKEN_STRING_INITIALIZER(struct words, second, NULL);
static cmdline_parse_token_num_t any_number =
	TOKEN_NUM_INITIALIZER(struct words, number, RTE_UINT32);

#define COMMAND(name, ...)                                                                         \
	static cmdline_parse_inst_t command_##name = {                                             \
		.f = run_##name, .help_str = "help of " #name, .tokens = {__VA_ARGS__, NULL}}
COMMAND(show, (void *)&word_show, (void *)&word_sum);
COMMAND(add, (void *)&word_add, (void *)&any_number);
COMMAND(both, (void *)&word_both);
COMMAND(load, (void *)&word_load, (void *)&any_path);
COMMAND(quit, (void *)&word_quit);

static cmdline_parse_inst_t command_twin = {.f = run_show, .tokens = {(void *)&word_twin, NULL}};
static cmdline_parse_inst_t command_other = {.f = run_show, .tokens = {(void *)&word_twin, NULL}};

static cmdline_parse_ctx_t commands[] = {&command_show,  &command_add,  &command_both,
					 &command_load,  &command_quit, &command_twin,
					 &command_other, NULL};

/* What the application's main() does. @return the exit status. */
static int run_console(void)
{
	struct fg_error error = {0};
	bool quit;

	if (fg_console_open(commands, "fg> ", &console, &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	if (startup != NULL && fg_console_load(console, startup, stop_on_error, &error) != 0)
		printf("%s\n", error.text);
	while (fg_console_poll(console, PATIENCE_MS))
		continue;
	/* Once it is over, it stays so. */
	if (fg_console_poll(console, 0))
		return 2;
	quit = fg_console_quitting(console);
	fg_console_close(console);
	fg_console_close(NULL);
	printf("bye%s\n", quit ? ", quit" : "");
	return 0;
}

/* The child of a fork: exit() and not _exit(), so that leaks are found. */
__attribute__((noreturn)) static void be_child(int in, int out)
{
	alarm(PATIENCE_MS / 1000 * 2);
	if (in >= 0 && (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0))
		_exit(3);
	exit(run_console());
}

static pid_t begin_child(int in, int out)
{
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_child(in, out);
	return pid;
}

static void end_child(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* All that comes from @p fd until its end. */
static char *read_all(int fd)
{
	const size_t size = 1u << 20;
	char *text = calloc(size, 1);
	size_t length = 0;
	ssize_t got;

	assert_non_null(text);
	while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	return text;
}

/* Run a console whose standard input is @p in; its transcript is to be freed. */
static char *transcript_of(int in)
{
	int out[2];
	char *text;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = begin_child(in, out[1]);
	close(out[1]);
	close(in);
	text = read_all(out[0]);
	close(out[0]);
	end_child(pid);
	return text;
}

/* The same with @p length bytes, fewer than a pipe holds, all there at once. */
static char *transcript(const char *text, size_t length)
{
	int in[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], text, length), length);
	close(in[1]);
	return transcript_of(in[0]);
}

static void check_transcript(const char *input, const char *expected)
{
	char *text = transcript(input, strlen(input));

	assert_string_equal(text, expected);
	free(text);
}

/*
 * Reads until @p text has come, not looking at carriage returns, of which a
 * terminal adds its own. What comes after it stays for the next call.
 */
static void expect(int fd, const char *text)
{
	char seen[8192];
	size_t length = 0;

	while (length < sizeof(seen) - 1) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		seen[length] = '\0';
		if (strstr(seen, text) != NULL)
			return;
		if (poll(&wait, 1, PATIENCE_MS) <= 0 || read(fd, seen + length, 1) != 1)
			break;
		length += seen[length] != '\r';
	}
	fail_msg("no '%s' in '%s'", text, seen);
}

static void type(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

struct terminal {
	pid_t pid;
	int master;
	int slave;
	struct termios before;
};

static bool has_echo(int fd)
{
	struct termios now;

	assert_int_equal(tcgetattr(fd, &now), 0);
	return (now.c_lflag & (tcflag_t)(ICANON | ECHO)) != 0;
}

static struct terminal begin_terminal(void)
{
	struct terminal t;

	assert_int_equal(openpty(&t.master, &t.slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(t.slave, &t.before), 0);
	(void)fflush(NULL);
	t.pid = fork();
	assert_true(t.pid >= 0);
	if (t.pid == 0) {
		close(t.master);
		if (login_tty(t.slave) != 0)
			_exit(3);
		be_child(-1, -1);
	}
	expect(t.master, "fg> ");
	/* librte_cmdline prints a prompt before it turns the terminal's own echo off. */
	for (unsigned int ms = 0; has_echo(t.slave) && ms < PATIENCE_MS; ms++)
		usleep(1000);
	return t;
}

static void end_terminal(struct terminal *t)
{
	struct termios after;

	end_child(t->pid);
	assert_int_equal(tcgetattr(t->slave, &after), 0);
	assert_int_equal(after.c_lflag, t->before.c_lflag);
	assert_int_equal(after.c_iflag, t->before.c_iflag);
	assert_int_equal(after.c_oflag, t->before.c_oflag);
	assert_memory_equal(after.c_cc, t->before.c_cc, sizeof(after.c_cc));
	close(t->master);
	close(t->slave);
}

#endif /* CONSOLE_CHILD_H */
