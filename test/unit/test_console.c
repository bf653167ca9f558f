/* SPDX-License-Identifier: MIT */
/*
 * Each console runs in a child process, whose standard input and output are a
 * pipe, a file or a pseudo terminal.
 */
/* cmocka.h needs those before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <fg_console.h>

#include "console_child.h"

static void lines_are_echoed_and_run(void **state)
{
	(void)state;
	check_transcript("add 2\nadd 40\nshow sum\n", "fg> add 2\nfg> add 40\nfg> show sum\n"
						      "sum is 42\nbye\n");
	check_transcript("", "bye\n");
	check_transcript("show sum", "fg> show sum\nsum is 0\nbye\n");
	check_transcript("add 1\r\n\n  # a comment\n\t show \t sum # more\r\n",
			 "fg> add 1\nfg> \nfg>   # a comment\nfg> \t show \t sum # more\n"
			 "sum is 1\nbye\n");
}

static void mistakes_are_named(void **state)
{
	(void)state;
	check_transcript(
		"shew\nshow\nshow sum now\nadd x\nadd 4294967296\nadd -1\ntwin\nshow sum\n",
		"fg> shew\nCommand not found\n"
		"fg> show\nBad arguments\n"
		"fg> show sum now\nBad arguments\n"
		"fg> add x\nBad arguments\n"
		"fg> add 4294967296\nBad arguments\n"
		"fg> add -1\nBad arguments\n"
		"fg> twin\nAmbiguous command\n"
		"fg> show sum\nsum is 0\nbye\n");
}

static void output_keeps_its_order(void **state)
{
	(void)state;
	check_transcript("both\nshew\n", "fg> both\none\ntwo\nthree\nfg> shew\nCommand not found\n"
					 "bye\n");
}

static void quit_ends_it(void **state)
{
	(void)state;
	check_transcript("add 1\nquit\nshow sum\n", "fg> add 1\nfg> quit\nbye, quit\n");
}

static void odd_bytes_are_refused(void **state)
{
	static const char input[] =
		"add 1\0 2\nadd 1\x1b[2J\nadd 1\rquit\n\x01\n\xc3\xa9\nshow sum\n";
	char *text = transcript(input, sizeof(input) - 1);

	(void)state;
	assert_string_equal(text, "fg> \nLine with control characters\n"
				  "fg> \nLine with control characters\n"
				  "fg> \nLine with control characters\n"
				  "fg> \nLine with control characters\n"
				  "fg> \xc3\xa9\nCommand not found\n"
				  "fg> show sum\nsum is 0\nbye\n");
	free(text);
}

/* "add 1", blanks up to @p length bytes, @p end; then `show sum`. */
static void check_length(size_t length, const char *end, bool fits)
{
	char *input = malloc(length + 32);
	char *text;

	assert_non_null(input);
	memset(input, ' ', length);
	memcpy(input, "add 1", 5);
	strcpy(input + length, end);
	strcat(input, "show sum\n");
	text = transcript(input, strlen(input));
	assert_non_null(strstr(text, fits ? "sum is 1\nbye\n" : "sum is 0\nbye\n"));
	assert_true((strstr(text, "Line longer than 8192 bytes\n") != NULL) == !fits);
	free(text);
	free(input);
}

static void long_lines_are_skipped(void **state)
{
	char *input = calloc(8193 + 1, 1);
	char *text;

	(void)state;
	check_length(8191, "\n", true);
	check_length(8192, "\n", true);
	check_length(8193, "\n", false);
	check_length(8194, "\n", false);
	check_length(16386, "\n", false);
	check_length(50000, "\n", false);
	/* Without an end of line. */
	assert_non_null(input);
	memset(input, 'x', 8193);
	text = transcript(input, 8193);
	assert_string_equal(text, "fg> \nLine longer than 8192 bytes\nbye\n");
	free(text);
	text = transcript(input, 8192);
	assert_non_null(strstr(text, "xxx\nCommand not found\nbye\n"));
	free(text);
	free(input);
}

static void file_is_standard_input(void **state)
{
	char path[] = "/tmp/fg-console-XXXXXX";
	const int fd = mkstemp(path);
	char *text;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	for (unsigned int i = 0; i < 3000; i++)
		assert_int_equal(write(fd, "add 1\n", 6), 6);
	assert_int_equal(write(fd, "show sum\n", 9), 9);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	text = transcript_of(fd);
	assert_non_null(strstr(text, "fg> show sum\nsum is 3000\nbye\n"));
	free(text);
}

static void lines_run_as_they_come(void **state)
{
	int in[2], out[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = begin_child(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	type(in[1], "add 1\nshow");
	expect(out[0], "fg> add 1\n");
	type(in[1], " sum\nadd 1\n");
	expect(out[0], "fg> show sum\nsum is 1\nfg> add 1\n");
	type(in[1], "quit\n");
	expect(out[0], "bye, quit\n");
	end_child(pid);
	close(in[1]);
	close(out[0]);
}

static void terminal_completes_words(void **state)
{
	struct terminal t = begin_terminal();

	(void)state;
	type(t.master, "a\t");
	expect(t.master, "add ");
	type(t.master, "5\r");
	expect(t.master, "5\nfg> ");
	type(t.master, "sh\t");
	expect(t.master, "show ");
	type(t.master, "s\t\r");
	expect(t.master, "sum ");
	expect(t.master, "\nsum is 5\nfg> ");
	type(t.master, "add ?");
	expect(t.master, "help of add");
	expect(t.master, "fg> add ");
	assert_false(has_echo(t.slave));
	type(t.master, "\x03quit\r");
	expect(t.master, "bye, quit\n");
	end_terminal(&t);
}

static void terminal_has_history(void **state)
{
	struct terminal t = begin_terminal();

	(void)state;
	type(t.master, "add 7\r");
	expect(t.master, "add 7\nfg> ");
	type(t.master, "show sum\r");
	expect(t.master, "sum is 7\nfg> ");
	type(t.master, "\x1b[A");
	expect(t.master, "show sum");
	type(t.master, "\x1b[A");
	expect(t.master, "add 7");
	/* The caret stands at the end. */
	type(t.master, "0\r");
	expect(t.master, "0\nfg> ");
	type(t.master, "show sum\r");
	expect(t.master, "sum is 77\nfg> ");
	type(t.master, "shew\rshow\rtwin\r");
	expect(t.master, "shew\nCommand not found\nfg> show\nBad arguments\n"
			 "fg> twin\nAmbiguous command\nfg> ");
	type(t.master, "both\r");
	expect(t.master, "both\none\ntwo\nthree\nfg> ");
	type(t.master, "\x04");
	expect(t.master, "\nbye\n");
	end_terminal(&t);
}

static void terminal_drops_what_is_behind_quit(void **state)
{
	struct terminal t = begin_terminal();

	(void)state;
	type(t.master, "add 3\rshow sum\rquit\rshow sum\r");
	expect(t.master, "sum is 3\nfg> quit\nbye, quit\n");
	end_terminal(&t);
}

/* The other side hangs up. */
static void terminal_may_go_away(void **state)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct terminal t;

	(void)state;
	assert_int_equal(sigaction(SIGHUP, &ignore, &old), 0);
	t = begin_terminal();
	assert_int_equal(sigaction(SIGHUP, &old, NULL), 0);
	close(t.slave);
	close(t.master);
	end_child(t.pid);
}

static void count_signal(int number)
{
	(void)number;
}

static void signal_ends_the_wait(void **state)
{
	int in[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct itimerval soon = {.it_value.tv_usec = 20000,
					       .it_interval.tv_usec = 20000};
		const struct sigaction action = {.sa_handler = count_signal};
		struct fg_error error = {0};
		bool more;

		if (dup2(in[0], STDIN_FILENO) < 0 || sigaction(SIGALRM, &action, NULL) != 0 ||
		    fg_console_open(commands, "", &console, &error) != 0 ||
		    setitimer(ITIMER_REAL, &soon, NULL) != 0)
			_exit(3);
		/* Nobody writes: without the signal, this waits forever. */
		more = fg_console_poll(console, -1);
		fg_console_close(console);
		exit(more ? 0 : 4);
	}
	end_child(pid);
	close(in[0]);
	close(in[1]);
}

static void input_must_be_open(void **state)
{
	pid_t pid;

	(void)state;
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct fg_error error = {0};

		close(STDIN_FILENO);
		exit(fg_console_open(commands, "", &console, &error) == -EBADF &&
				     error.text[0] != '\0'
			     ? 0
			     : 4);
	}
	end_child(pid);
}

static char folder[64];

static int begin_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/fg-console-XXXXXX");
	stop_on_error = false;
	startup = NULL;
	return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int end_folder(void **state)
{
	(void)state;
	(void)unlink("a");
	(void)unlink("b");
	return chdir("/") == 0 ? rmdir(folder) : -1;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void file_is_loaded(void **state)
{
	(void)state;
	write_file("a", "# first\n\nadd 1\r\n  # more\nload b\nshow sum");
	write_file("b", "add 10\n");
	check_transcript("load a\nshow sum\n",
			 "fg> load a\nfg> add 1\nfg> load b\nfg> add 10\nload: 0 \n"
			 "fg> show sum\nsum is 11\nload: 0 \nfg> show sum\nsum is 11\nbye\n");
}

static void mistakes_in_files_have_a_place(void **state)
{
	(void)state;
	write_file("a", "add 1\nadd x\n\x01\nshew\nadd 1\n");
	check_transcript("load a\nshow sum\n",
			 "fg> load a\nfg> add 1\nfg> add x\nBad arguments\n"
			 "Line with control characters\nfg> shew\nCommand not found\nfg> add 1\n"
			 "load: 22 a:2: Bad arguments\nfg> show sum\nsum is 2\nbye\n");
	stop_on_error = true;
	check_transcript("load a\nshow sum\n",
			 "fg> load a\nfg> add 1\nfg> add x\nBad arguments\n"
			 "load: 22 a:2: Bad arguments\nfg> show sum\nsum is 1\nbye\n");
}

static void unreadable_files_are_refused(void **state)
{
	(void)state;
	check_transcript("load none\nload .\n",
			 "fg> load none\nload: 2 none: cannot open: No such file or directory\n"
			 "fg> load .\nload: 21 .: cannot read: Is a directory\nbye\n");
}

static void file_may_quit(void **state)
{
	(void)state;
	write_file("a", "add 1\nload b\nadd 1\n");
	write_file("b", "quit\nadd 1\n");
	check_transcript("load a\nadd 1\n",
			 "fg> load a\nfg> add 1\nfg> load b\nfg> quit\nload: 0 \n"
			 "load: 0 \nbye, quit\n");
}

static unsigned int count_of(const char *text, const char *part)
{
	unsigned int count = 0;

	while ((text = strstr(text, part)) != NULL) {
		text += strlen(part);
		count++;
	}
	return count;
}

/* Eight levels are run; none of them goes on once the ninth was refused. */
static void file_cannot_load_itself(void **state)
{
	static const char input[] = "load a\nshow sum\nload none\n";
	char *text;

	(void)state;
	write_file("a", "add 1\nload b\nload b\n");
	write_file("b", "add 1\nload a\nload a\n");
	text = transcript(input, sizeof(input) - 1);
	assert_int_equal(count_of(text, "load: 40 "), 9);
	assert_int_equal(count_of(text, ": loads itself, or is loaded 8 levels deep\n"), 9);
	assert_non_null(strstr(text, "fg> show sum\nsum is 8\nfg> load none\nload: 2 "));
	free(text);
}

static void terminal_loads_files_too(void **state)
{
	struct terminal t;

	(void)state;
	write_file("a", "add 1\nshow sum\nquit\nshow sum\n");
	t = begin_terminal();
	type(t.master, "load a\rshow sum\r");
	expect(t.master, "load a\nfg> add 1\nfg> show sum\nsum is 1\nfg> quit\n"
			 "load: 0 \nbye, quit\n");
	end_terminal(&t);
}

static void file_is_loaded_at_startup(void **state)
{
	struct terminal t;

	(void)state;
	write_file("a", "add 1\nshow sum\n");
	startup = "a";
	check_transcript("show sum\n", "fg> add 1\nfg> show sum\nsum is 1\n"
				       "fg> show sum\nsum is 1\nbye\n");
	t = begin_terminal();
	expect(t.master, "fg> add 1\nfg> show sum\nsum is 1\nfg> ");
	type(t.master, "quit\r");
	expect(t.master, "quit\nbye, quit\n");
	end_terminal(&t);
	startup = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_echoed_and_run),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(output_keeps_its_order),
		cmocka_unit_test(quit_ends_it),
		cmocka_unit_test(odd_bytes_are_refused),
		cmocka_unit_test(long_lines_are_skipped),
		cmocka_unit_test(file_is_standard_input),
		cmocka_unit_test(lines_run_as_they_come),
		cmocka_unit_test(terminal_completes_words),
		cmocka_unit_test(terminal_has_history),
		cmocka_unit_test(terminal_drops_what_is_behind_quit),
		cmocka_unit_test(terminal_may_go_away),
		cmocka_unit_test(signal_ends_the_wait),
		cmocka_unit_test(input_must_be_open),
		cmocka_unit_test_setup_teardown(file_is_loaded, begin_folder, end_folder),
		cmocka_unit_test_setup_teardown(mistakes_in_files_have_a_place, begin_folder,
						end_folder),
		cmocka_unit_test_setup_teardown(unreadable_files_are_refused, begin_folder,
						end_folder),
		cmocka_unit_test_setup_teardown(file_may_quit, begin_folder, end_folder),
		cmocka_unit_test_setup_teardown(file_cannot_load_itself, begin_folder, end_folder),
		cmocka_unit_test_setup_teardown(terminal_loads_files_too, begin_folder, end_folder),
		cmocka_unit_test_setup_teardown(file_is_loaded_at_startup, begin_folder,
						end_folder),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
