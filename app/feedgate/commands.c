/* SPDX-License-Identifier: MIT */
/* From rows to librte_cmdline, which edits lines, parses them and completes words. */
#include "commands.h"

#include <cmdline.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_debug.h>

#include <fg_console.h>

#include "app.h"
#include "commands_arguments.h"
#include "commands_fields.h"
#include "commands_tokens.h"
#include "feeds_watch.h"
#include "snapshot.h"

#define TOKENS_MAX 8u
#define TEXT_BYTES 8192u /* of an argument that is the rest of a line */
/* librte_cmdline keeps 512 bytes of a line typed on a terminal, and silently drops the rest. */
#define TYPED_BYTES_MAX 480u

const struct command *const commands[] = {
	commands_general, commands_show, commands_port, commands_rules, NULL,
};

/* A row as librte_cmdline sees it; a row whose last argument is optional has two. */
struct instruction {
	const struct command *command;
	struct token tokens[TOKENS_MAX];
	unsigned int n_tokens, n_words; /* the rest are arguments */
	cmdline_parse_inst_t *inst;
	char *usage; /* inst->help_str */
};

/* What librte_cmdline parses a line into; zeroed by it. */
struct parsed {
	char words[COMMAND_ARGUMENTS_MAX][TOKEN_BYTES_MAX + 1];
	const char *rest; /* of the line, up to its end; lies in the line */
};

static struct {
	struct app *app;
	struct instruction *instructions;
	unsigned int count;
	const struct instruction *fields; /* the one whose arguments are fields */
	cmdline_parse_ctx_t *table;
} state;

/*
 * The rest of a line without the blanks at its end, in @copy; NULL: it is longer than a terminal
 * takes, so that its end may be missing.
 */
static const char *copy_rest(const char *rest, char copy[TEXT_BYTES])
{
	size_t length = strcspn(rest, "\r\n");

	if (length >= TEXT_BYTES ||
	    (fg_console_is_terminal(state.app->console) && length > TYPED_BYTES_MAX))
		return NULL;
	while (length > 0 && (rest[length - 1] == ' ' || rest[length - 1] == '\t'))
		length--;
	memcpy(copy, rest, length);
	copy[length] = '\0';
	return copy;
}

static void run(void *result, struct cmdline *cl, void *data)
{
	const struct instruction *in = data;
	const struct parsed *parsed = result;
	struct command_input input = {.app = state.app, .out = fg_console_out(state.app->console)};
	struct snapshot snapshot = {0};
	char copy[TEXT_BYTES];

	(void)cl;
	for (unsigned int i = in->n_words; i < in->n_tokens; i++)
		input.arguments[i - in->n_words] = token_is_rest(&in->tokens[i])
							   ? copy_rest(parsed->rest, copy)
							   : parsed->words[i - in->n_words];
	if (parsed->rest != NULL && input.arguments[in->n_tokens - in->n_words - 1] == NULL) {
		fprintf(input.out,
			"too long: a terminal takes %u characters here; write the command to a "
			"file and `load` it\n",
			TYPED_BYTES_MAX);
		return;
	}
	input.snapshot = &snapshot;
	in->command->run(&input);
	snapshot_free(&snapshot);
}

/* The instruction with fields. Without @cl: put the token that stands at @data into @result. */
static void run_fields(void *result, struct cmdline *cl, void *data)
{
	const struct instruction *in = state.fields;
	cmdline_parse_token_hdr_t **token = result;
	size_t index;

	if (cl != NULL) {
		run(result, cl, data);
		return;
	}
	index = (size_t)((cmdline_parse_token_hdr_t **)data - in->inst->tokens);
	if (index == 0)
		command_fields_begin();
	*token = index < in->n_words ? (cmdline_parse_token_hdr_t *)&in->tokens[index].hdr
				     : command_fields_next(offsetof(struct parsed, rest));
}

/* Append the words of @text as tokens; [X] only if @optional. */
static void add_tokens(struct instruction *in, const char *text, bool arguments, bool optional)
{
	while (text != NULL && text[strspn(text, " ")] != '\0') {
		const char *word = text + strspn(text, " ");
		size_t length = strcspn(word, " ");
		const size_t n = in->n_tokens - in->n_words;
		size_t offset = arguments ? n * sizeof(((struct parsed *)NULL)->words[0]) : 0;

		text = word + length;
		if (word[0] == '[') {
			if (!optional)
				return;
			word++;
			length -= 2;
		}
		RTE_VERIFY(in->n_tokens < TOKENS_MAX && (!arguments || n < COMMAND_ARGUMENTS_MAX));
		token_make(state.app, word, length, offset, &in->tokens[in->n_tokens]);
		if (token_is_rest(&in->tokens[in->n_tokens]))
			in->tokens[in->n_tokens].hdr.offset = offsetof(struct parsed, rest);
		in->n_tokens++;
	}
}

/* Mark the words that an instruction before this one has too, after the same words. */
static void mark_repeated(struct instruction *in)
{
	for (const struct instruction *other = state.instructions; other < in; other++)
		for (unsigned int i = 0; i < in->n_tokens && i < other->n_tokens; i++) {
			const struct token *token = &other->tokens[i];

			if (token->length != in->tokens[i].length ||
			    memcmp(token->text, in->tokens[i].text, token->length) != 0)
				break;
			in->tokens[i].repeated = true;
		}
}

static int add_instruction(const struct command *command, bool optional)
{
	struct instruction *in = &state.instructions[state.count];
	char usage[COMMAND_USAGE_BYTES];
	const struct token *last;

	in->command = command;
	add_tokens(in, command->words, false, false);
	in->n_words = in->n_tokens;
	add_tokens(in, command->arguments, true, optional);
	mark_repeated(in);
	in->inst = calloc(1, sizeof(*in->inst) + (TOKENS_MAX + 1) * sizeof(in->inst->tokens[0]));
	if (in->inst == NULL)
		return -ENOMEM;
	state.table[state.count++] = in->inst;
	in->inst->f = run;
	in->inst->data = in;
	in->usage = strdup(command_usage(command, usage));
	in->inst->help_str = in->usage;
	last = &in->tokens[in->n_tokens - 1];
	if (last->argument != NULL && last->argument->kind == ARGUMENT_FIELDS) {
		RTE_VERIFY(state.fields == NULL);
		state.fields = in;
		in->inst->f = run_fields; /* and no tokens: it is called for each */
		return 0;
	}
	for (unsigned int i = 0; i < in->n_tokens; i++)
		in->inst->tokens[i] = &in->tokens[i].hdr;
	return 0;
}

cmdline_parse_ctx_t *commands_new(struct app *app)
{
	unsigned int rows = 0;
	int rc = 0;

	for (unsigned int i = 0; commands[i] != NULL; i++)
		for (const struct command *c = commands[i]; c->words != NULL; c++)
			rows++;
	state.app = app;
	state.instructions = calloc(2 * rows + 1, sizeof(*state.instructions));
	state.table = calloc(2 * rows + 1, sizeof(*state.table));
	if (state.instructions == NULL || state.table == NULL)
		rc = -ENOMEM;
	for (unsigned int i = 0; rc == 0 && commands[i] != NULL; i++)
		for (const struct command *c = commands[i]; rc == 0 && c->words != NULL; c++) {
			rc = add_instruction(c, false);
			if (rc == 0 && c->arguments != NULL && strchr(c->arguments, '[') != NULL)
				rc = add_instruction(c, true);
		}
	if (rc == 0)
		return state.table;
	commands_free();
	return NULL;
}

void commands_free(void)
{
	for (unsigned int i = 0; state.instructions != NULL && i < state.count; i++) {
		free(state.instructions[i].usage);
		free(state.instructions[i].inst);
	}
	free(state.instructions);
	free(state.table);
	memset(&state, 0, sizeof(state));
}

/* How many tokens of @in @line begins with; @rest: what follows them. */
static unsigned int match_tokens(const struct instruction *in, const char *line, const char **rest)
{
	unsigned int n = 0;

	for (*rest = line + strspn(line, " \t"); n < in->n_tokens; n++) {
		cmdline_parse_token_hdr_t *hdr = (cmdline_parse_token_hdr_t *)&in->tokens[n].hdr;
		const int length =
			**rest != '\0' && **rest != '\n' ? hdr->ops->parse(hdr, *rest, NULL, 0) : 0;

		if (length <= 0)
			break;
		*rest += length;
		*rest += strspn(*rest, " \t");
	}
	return n;
}

/* Append "| WORD" unless it is there. */
static void add_choice(char *text, size_t size, const struct token *token)
{
	const size_t used = strlen(text);

	if (token->repeated && token->argument == NULL)
		return;
	if (token->argument != NULL)
		snprintf(text + used, size - used, "%s%s", used > 0 ? " | " : "",
			 token->argument->shown);
	else
		snprintf(text + used, size - used, "%s%.*s", used > 0 ? " | " : "",
			 (int)token->length, token->text);
}

void command_explain(const char *line, char *text, size_t size)
{
	const char *rest = line, *at = line;
	unsigned int best = 0;
	char choices[512] = "";

	for (unsigned int i = 0; i < state.count; i++) {
		const unsigned int n = match_tokens(&state.instructions[i], line, &rest);

		if (n >= best) {
			best = n;
			at = rest;
		}
	}
	for (unsigned int i = 0; i < state.count; i++)
		if (match_tokens(&state.instructions[i], line, &rest) == best &&
		    best < state.instructions[i].n_tokens)
			add_choice(choices, sizeof(choices), &state.instructions[i].tokens[best]);
	if (choices[0] == '\0')
		snprintf(choices, sizeof(choices), "nothing more");
	if (at[strcspn(at, " \t\r\n")] == '\0' && *at == '\0')
		snprintf(text, size, "expected %s", choices);
	else
		snprintf(text, size, "'%.*s': expected %s",
			 (int)RTE_MIN(strcspn(at, " \t\r\n"), 64u), at, choices);
}

/* Append @length characters of @more, after a blank if there is anything before. */
static void add_usage(char text[COMMAND_USAGE_BYTES], const char *more, size_t length,
		      bool brackets)
{
	const size_t used = strlen(text);

	snprintf(text + used, COMMAND_USAGE_BYTES - used, "%s%s%.*s%s", used > 0 ? " " : "",
		 brackets ? "[" : "", (int)length, more, brackets ? "]" : "");
}

const char *command_usage(const struct command *command, char text[COMMAND_USAGE_BYTES])
{
	text[0] = '\0';
	add_usage(text, command->words, strlen(command->words), false);
	for (const char *at = command->arguments; at != NULL && *at != '\0';
	     at += strspn(at, " ")) {
		const bool brackets = at[0] == '[';
		const char *word = at + brackets;
		const size_t length = strcspn(word, " ]");
		const struct command_argument *argument = command_argument_find(word, length);

		if (argument != NULL)
			add_usage(text, argument->shown, strlen(argument->shown), brackets);
		else
			add_usage(text, word, length, brackets);
		at += strcspn(at, " ");
	}
	return text;
}

const struct snapshot *command_snapshot(struct command_input *input)
{
	if (!input->has_snapshot) {
		feeds_watch(input->app);
		if (snapshot_take(input->app, input->snapshot) != 0) {
			fputs("out of memory: counters cannot be shown\n", input->out);
			return NULL;
		}
		snapshot_subtract(input->snapshot, &input->app->cleared);
		input->has_snapshot = true;
	}
	return input->snapshot;
}

void command_error(const struct command_input *input, const struct fg_error *error)
{
	fprintf(input->out, "%s\n", error->text);
}
