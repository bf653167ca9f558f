/* SPDX-License-Identifier: MIT */
/* Prints nodes as YAML that reads back as the same tree. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fg_config.h>

/* libyaml refuses a key of more than 1024 characters unless it follows `?`. */
#define PLAIN_KEY_BYTES_MAX 64u

/*
 * Does it need no quotes? Plain are texts that no YAML reader takes for syntax. No
 * colons, although addresses have them: some readers take 12:30 for a number.
 */
static bool is_plain(const char *text)
{
	static const char first[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/";
	static const char later[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.+-";

	return text[0] != '\0' && strchr(first, text[0]) != NULL &&
	       text[strspn(text, later)] == '\0';
}

/* Decode one character of UTF-8. @return its bytes. */
static size_t decode(const char *text, uint32_t *character)
{
	const unsigned char lead = (unsigned char)text[0];
	const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	*character = length == 1 ? lead : lead & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return i; /* Not UTF-8, so not from a file: print what there is. */
		*character = *character << 6 | ((unsigned char)text[i] & 0x3f);
	}
	return length;
}

static void print_character(FILE *out, uint32_t character)
{
	if (character == '"' || character == '\\')
		fprintf(out, "\\%c", (int)character);
	else if (character == '\n')
		fputs("\\n", out);
	else if (character == '\t')
		fputs("\\t", out);
	else if (character >= ' ' && character < 0x7f)
		fputc((int)character, out);
	else if (character <= 0xff)
		fprintf(out, "\\x%02" PRIx32, character);
	else if (character <= 0xffff)
		fprintf(out, "\\u%04" PRIx32, character);
	else
		fprintf(out, "\\U%08" PRIx32, character);
}

static void print_text(FILE *out, const char *text)
{
	uint32_t character;

	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	while (*text != '\0') {
		text += decode(text, &character);
		print_character(out, character);
	}
	fputc('"', out);
}

static void print_key(FILE *out, const char *key)
{
	if (strlen(key) > PLAIN_KEY_BYTES_MAX)
		fputs("? ", out);
	print_text(out, key);
	fputs(": ", out);
}

void fg_config_print(FILE *out, const struct fg_node *node)
{
	if (node->kind == FG_NODE_SCALAR) {
		print_text(out, node->text);
		return;
	}
	fputc(node->kind == FG_NODE_MAP ? '{' : '[', out);
	for (const struct fg_node *n = node->child; n != NULL; n = n->next) {
		if (node->kind == FG_NODE_MAP)
			print_key(out, n->key);
		fg_config_print(out, n);
		if (n->next != NULL)
			fputs(", ", out);
	}
	fputc(node->kind == FG_NODE_MAP ? '}' : ']', out);
}

char *fg_config_text(const struct fg_node *node)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fg_config_print(out, node);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
