/* SPDX-License-Identifier: MIT */
#include <cmdline.h>
#include <cmdline_socket.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fg_console.h>

#define LINE_BYTES_MAX 8192u
#define LOAD_DEPTH_MAX 8u
#define PROMPT_BYTES   32u /* librte_cmdline keeps no more. */

/* Reads lines from a file descriptor. */
struct reader {
	int fd;
	int code;            /* errno of a read() that failed; 0: none did. */
	bool ended;          /* End of file or error. */
	bool skipping;       /* Skipping the rest of a line that was too long. */
	unsigned int number; /* Of the line that was cut last, 1-based. */
	size_t begin, end;   /* The part of buffer[] that was read and not yet cut into lines. */
	char buffer[LINE_BYTES_MAX + 1];
	char line[LINE_BYTES_MAX + 2]; /* The line that was cut; room for "\n". */
};

enum cut {
	CUT_LINE,  /* A line that can be run. */
	CUT_BAD,   /* A line that cannot: too long, or with control characters. */
	CUT_AGAIN, /* No whole line yet. */
	CUT_END,   /* End of file. */
};

struct fg_console {
	struct cmdline *cmdline;
	bool terminal;
	bool quitting;
	bool in_command; /* On a terminal: the prompt is not shown. */
	unsigned int load_depth;
	bool loop;                   /* A file loads itself: all levels stop. */
	fg_console_explain *explain; /* NULL: none */
	char problem[600];           /* of the last bad line */
	bool bad;                    /* At least one line was no command. */
	char prompt[PROMPT_BYTES];
	struct reader input; /* Of a terminal only `ended` is used. */
};

/* A running fg_console_load(). */
struct load {
	struct reader reader;
	const char *path;
	bool stop_on_error;
	bool wrong; /* At least one line was no command. */
	struct fg_error *error;
};

/* Control characters would end the command early, or be sent to the terminal. */
static bool is_clean(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return false;
	return true;
}

/* Read once more. */
static void reader_fill(struct reader *r)
{
	ssize_t got;

	memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
	r->end -= r->begin;
	r->begin = 0;
	got = read(r->fd, r->buffer + r->end, sizeof(r->buffer) - r->end);
	if (got > 0) {
		r->end += (size_t)got;
	} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
		r->code = got < 0 ? errno : 0;
		r->ended = true;
	}
}

/* Copy a line that was cut from the buffer to r->line, or the reason why it cannot be run. */
static enum cut take_line(struct reader *r, const char *from, size_t length, bool too_long)
{
	r->number++;
	if (too_long || length > LINE_BYTES_MAX) {
		(void)snprintf(r->line, sizeof(r->line), "Line longer than %u bytes",
			       LINE_BYTES_MAX);
		return CUT_BAD;
	}
	if (length > 0 && from[length - 1] == '\r')
		length--;
	memcpy(r->line, from, length);
	r->line[length] = '\0';
	if (is_clean(r->line, length))
		return CUT_LINE;
	(void)snprintf(r->line, sizeof(r->line), "Line with control characters");
	return CUT_BAD;
}

/* Cut the next line into r->line; of a bad line, the message about it. */
static enum cut reader_cut(struct reader *r)
{
	const char *from = r->buffer + r->begin;
	const size_t held = r->end - r->begin;
	const char *newline = memchr(from, '\n', held);
	const size_t length = newline != NULL ? (size_t)(newline - from) : held;
	const bool too_long = r->skipping;

	if (newline == NULL && r->ended && held == 0 && !r->skipping)
		return CUT_END;
	if (newline == NULL && !r->ended && held < sizeof(r->buffer))
		return CUT_AGAIN;
	r->begin += length + (newline != NULL ? 1 : 0);
	r->skipping = newline == NULL && !r->ended;
	return r->skipping ? CUT_AGAIN : take_line(r, from, length, too_long);
}

static const char *parse_problem(int rc)
{
	switch (rc) {
	case CMDLINE_PARSE_AMBIGUOUS:
		return "Ambiguous command";
	case CMDLINE_PARSE_BAD_ARGS:
		return "Bad arguments";
	default:
		return rc < 0 ? "Command not found" : NULL;
	}
}

/*
 * Echo and run a line; its buffer has room for one more byte.
 * @return what is wrong with it, or NULL. Valid until the next line.
 */
static const char *run_line(struct fg_console *console, char *line)
{
	const size_t length = strlen(line);
	const char *problem;

	printf("%s%s\n", console->prompt, line);
	/* The command may use cmdline_printf(), which bypasses stdio's buffer. */
	(void)fflush(stdout);
	memcpy(line + length, "\n", 2);
	problem = parse_problem(cmdline_parse(console->cmdline, line));
	if (problem != NULL && console->explain != NULL) {
		line[length] = '\0';
		console->explain(line, console->problem, sizeof(console->problem));
		problem = console->problem;
	}
	if (problem != NULL)
		puts(problem);
	console->bad = console->bad || problem != NULL;
	(void)fflush(stdout);
	return problem;
}

static struct cmdline *open_cmdline(cmdline_parse_ctx_t *commands, const char *prompt,
				    bool terminal)
{
	if (!terminal)
		/* No prompt: librte_cmdline would print it before there is a line. */
		return cmdline_new(commands, "", STDIN_FILENO, STDOUT_FILENO);
	/*
	 * librte_cmdline prints the next prompt right after a command and bypasses
	 * stdio's buffer, so that must be empty by then.
	 */
	(void)fflush(stdout);
	(void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	return cmdline_stdin_new(commands, prompt);
}

int fg_console_open(cmdline_parse_ctx_t *commands, const char *prompt, struct fg_console **out,
		    struct fg_error *error)
{
	struct fg_console *console;

	if (fcntl(STDIN_FILENO, F_GETFL) < 0)
		return fg_error_set(error, errno, "console: stdin: %s", strerror(errno));
	console = calloc(1, sizeof(*console));
	if (console == NULL)
		return fg_error_set(error, ENOMEM, "console: out of memory");
	console->terminal = isatty(STDIN_FILENO) == 1;
	console->input.fd = STDIN_FILENO;
	(void)snprintf(console->prompt, sizeof(console->prompt), "%s", prompt);
	console->cmdline = open_cmdline(commands, console->prompt, console->terminal);
	if (console->cmdline == NULL) {
		free(console);
		return fg_error_set(error, ENOMEM, "console: out of memory");
	}
	*out = console;
	return 0;
}

/* @return false at the end of file. */
static bool read_terminal(struct fg_console *console)
{
	char typed[256];
	const ssize_t got = read(STDIN_FILENO, typed, sizeof(typed));
	int taken;

	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	if (got == 0)
		return false;
	(void)fflush(stdout);
	console->in_command = true;
	taken = cmdline_in(console->cmdline, typed, (int)got);
	console->in_command = false;
	if (taken < 0 && !console->quitting) {
		putchar('\n'); /* The shell's prompt shall begin a line. */
		return false;
	}
	(void)fflush(stdout);
	return true;
}

/* One line a call, so that the control loop is never kept waiting for long. */
static bool run_input(struct fg_console *console)
{
	switch (reader_cut(&console->input)) {
	case CUT_LINE:
		(void)run_line(console, console->input.line);
		return !console->quitting;
	case CUT_BAD:
		console->bad = true;
		printf("%s\n%s\n", console->prompt, console->input.line);
		(void)fflush(stdout);
		return true;
	case CUT_END:
		return false;
	default:
		return true;
	}
}

/* Is a whole line, or the end, in the buffer? */
static bool input_is_held(const struct reader *r)
{
	return r->ended || memchr(r->buffer + r->begin, '\n', r->end - r->begin) != NULL;
}

bool fg_console_poll(struct fg_console *console, int timeout_ms)
{
	struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};

	if (console->quitting)
		return false;
	if (input_is_held(&console->input))
		return run_input(console);
	/* Interrupted or timed out: return, so that the caller can check its flags. */
	if (poll(&wait, 1, timeout_ms) <= 0)
		return true;
	if (console->terminal) {
		console->input.ended = !read_terminal(console);
		return !console->input.ended && !console->quitting;
	}
	reader_fill(&console->input);
	return run_input(console);
}

static bool is_comment(const char *line)
{
	line += strspn(line, " \t");
	return *line == '\0' || *line == '#';
}

/* @return false if no more lines are to be run. */
static bool load_line(struct fg_console *console, struct load *load)
{
	struct reader *r = &load->reader;
	const char *problem = NULL;

	switch (reader_cut(r)) {
	case CUT_LINE:
		if (!is_comment(r->line))
			problem = run_line(console, r->line);
		break;
	case CUT_BAD:
		problem = r->line;
		console->bad = true;
		puts(problem);
		break;
	case CUT_AGAIN:
		reader_fill(r);
		return true;
	case CUT_END:
		return false;
	}
	if (problem != NULL) {
		load->wrong = true;
		(void)fg_error_set(load->error, EINVAL, "%s:%u: %s", load->path, r->number,
				   problem);
	}
	return !console->quitting && !console->loop && (problem == NULL || !load->stop_on_error);
}

/* All levels stop: each might load itself several times. */
static int refuse_loop(struct fg_console *console, const char *path, struct fg_error *error)
{
	console->loop = console->load_depth > 0;
	return fg_error_set(error, ELOOP, "%s: loads itself, or is loaded %u levels deep", path,
			    LOAD_DEPTH_MAX);
}

/* Outside a command the terminal shows a prompt already: the echo overwrites it. */
static void load_all(struct fg_console *console, struct load *load)
{
	const bool prompted = console->terminal && !console->in_command && console->load_depth == 0;

	if (prompted)
		putchar('\r');
	console->load_depth++;
	while (load_line(console, load))
		continue;
	console->load_depth--;
	if (prompted && !console->quitting)
		(void)fputs(console->prompt, stdout);
	(void)fflush(stdout);
}

static int load_lines(struct fg_console *console, struct load *load)
{
	load_all(console, load);
	if (console->loop)
		return refuse_loop(console, load->path, load->error);
	if (load->reader.code != 0)
		return fg_error_set(load->error, load->reader.code, "%s: cannot read: %s",
				    load->path, strerror(load->reader.code));
	return load->wrong ? -EINVAL : 0;
}

int fg_console_load(struct fg_console *console, const char *path, bool stop_on_error,
		    struct fg_error *error)
{
	struct load *load;
	int rc;

	if (console->load_depth == LOAD_DEPTH_MAX)
		return refuse_loop(console, path, error);
	load = calloc(1, sizeof(*load));
	if (load == NULL)
		return fg_error_set(error, ENOMEM, "%s: out of memory", path);
	load->path = path;
	load->stop_on_error = stop_on_error;
	load->error = error;
	load->reader.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (load->reader.fd < 0) {
		rc = fg_error_set(error, errno, "%s: cannot open: %s", path, strerror(errno));
	} else {
		rc = load_lines(console, load);
		close(load->reader.fd);
	}
	free(load);
	return rc;
}

void fg_console_quit(struct fg_console *console)
{
	console->quitting = true;
	/* Ignore what was typed after `quit`. */
	cmdline_quit(console->cmdline);
}

void fg_console_set_explain(struct fg_console *console, fg_console_explain *explain)
{
	console->explain = explain;
}

bool fg_console_had_bad_line(const struct fg_console *console)
{
	return console->bad;
}

bool fg_console_has_line(const struct fg_console *console)
{
	return input_is_held(&console->input);
}

bool fg_console_quitting(const struct fg_console *console)
{
	return console->quitting;
}

bool fg_console_is_terminal(const struct fg_console *console)
{
	return console->terminal;
}

void fg_console_prompt(const struct fg_console *console)
{
	if (console->terminal)
		(void)fputs(console->prompt, stdout);
	(void)fflush(stdout);
}

FILE *fg_console_out(struct fg_console *console)
{
	(void)console;
	return stdout;
}

void fg_console_close(struct fg_console *console)
{
	if (console == NULL)
		return;
	(void)fflush(stdout);
	if (console->terminal)
		cmdline_stdin_exit(console->cmdline);
	else
		cmdline_free(console->cmdline);
	free(console);
}
