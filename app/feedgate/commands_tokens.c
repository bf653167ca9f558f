/* SPDX-License-Identifier: MIT */
#include "commands_tokens.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <rte_debug.h>

#include <fg_rules.h>

#include "commands_arguments.h"

/* The alternative number @index of "a|b|c", and its length. */
static const char *alternative(const struct token *token, unsigned int index, size_t *length)
{
	const char *end = token->text + token->length, *at = token->text;

	for (;; index--) {
		const char *bar = memchr(at, '|', (size_t)(end - at));

		*length = (size_t)((bar != NULL ? bar : end) - at);
		if (index == 0)
			return at;
		if (bar == NULL)
			return NULL;
		at = bar + 1;
	}
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (!cmdline_isendoftoken(text[length]))
		length++;
	return length;
}

/* The length of the argument or word that @text begins with; 0: it is none. */
static size_t measure(const struct token *token, const char *text)
{
	size_t length = word_length(text), n;
	const char *word;

	if (token->argument == NULL) {
		for (unsigned int i = 0; (word = alternative(token, i, &n)) != NULL; i++)
			if (n == length && memcmp(word, text, n) == 0)
				return n;
		return 0;
	}
	switch (token->argument->kind) {
	case ARGUMENT_NAME:
		length = strcspn(text, " \t\r\n");
		return length <= FG_NAME_BYTES_MAX ? length : 0;
	case ARGUMENT_REST:
		return strcspn(text, "\r\n");
	default:
		return length;
	}
}

bool token_is_rest(const struct token *token)
{
	return token->argument != NULL &&
	       (token->argument->kind == ARGUMENT_REST || token->argument->kind == ARGUMENT_FIELDS);
}

static int parse(cmdline_parse_token_hdr_t *hdr, const char *text, void *result, unsigned int size)
{
	const struct token *token = (const struct token *)hdr;
	const size_t length = measure(token, text);

	if (length == 0)
		return -1;
	if (token_is_rest(token)) {
		if (result != NULL && size >= sizeof(text))
			memcpy(result, &text, sizeof(text));
		return (int)length;
	}
	if (length > TOKEN_BYTES_MAX || (result != NULL && size <= length))
		return -1;
	if (result != NULL) {
		memcpy(result, text, length);
		((char *)result)[length] = '\0';
	}
	return (int)length;
}

static int count(cmdline_parse_token_hdr_t *hdr)
{
	const struct token *token = (const struct token *)hdr;
	size_t length;
	int n = 0;

	if (token->argument != NULL)
		return token->argument->count != NULL ? (int)token->argument->count(token->app) : 0;
	while (alternative(token, (unsigned int)n, &length) != NULL)
		n++;
	return n;
}

/* A repeated word has no text here: TAB shows it once. */
static int complete(cmdline_parse_token_hdr_t *hdr, int index, char *text, unsigned int size)
{
	const struct token *token = (const struct token *)hdr;
	const char *word;
	size_t length;

	if (token->repeated || index < 0 || index >= count(hdr))
		return -1;
	if (token->argument != NULL) {
		word = token->argument->get(token->app, (uint32_t)index);
		length = strlen(word);
	} else {
		word = alternative(token, (unsigned int)index, &length);
	}
	return snprintf(text, size, "%.*s", (int)length, word) < (int)size ? 0 : -1;
}

static int help(cmdline_parse_token_hdr_t *hdr, char *text, unsigned int size)
{
	const struct token *token = (const struct token *)hdr;

	if (token->argument != NULL)
		snprintf(text, size, "%s", token->argument->help);
	else
		snprintf(text, size, "%.*s", (int)token->length, token->text);
	return 0;
}

static struct cmdline_token_ops token_ops = {
	.parse = parse,
	.complete_get_nb = count,
	.complete_get_elt = complete,
	.get_help = help,
};

void token_make(const struct app *app, const char *text, size_t length, size_t offset,
		struct token *token)
{
	*token = (struct token){
		.hdr = {.ops = &token_ops, .offset = (unsigned int)offset},
		.app = app,
		.text = text,
		.length = length,
	};
	if (!isupper((unsigned char)text[0]))
		return;
	token->argument = command_argument_find(text, length);
	RTE_VERIFY(token->argument != NULL); /* else the row is wrong */
}
