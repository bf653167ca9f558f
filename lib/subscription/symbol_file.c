/* SPDX-License-Identifier: MIT */
/* The symbol map from a file, such as an exchange's list of instruments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fg_option.h>

#include "symbol_map.h"

#define BLANKS " \t\r\n"

/* Where a line of the file is, for messages. */
struct position {
	const char *path;
	uint32_t line;
};

/* The largest instrument number that the protocol has room for; 0: it has no numbers. */
static uint64_t number_max(const struct fg_protocol *protocol)
{
	uint32_t bytes = protocol->messages->other.id.bytes;

	if (protocol->messages->other.instrument != FG_INSTRUMENT_NUMBER)
		bytes = 0;
	for (uint32_t i = 0; i < protocol->messages->count; i++) {
		const struct fg_message_type *row = &protocol->messages->types[i];

		if (row->instrument == FG_INSTRUMENT_NUMBER)
			bytes = RTE_MAX(bytes, row->id.bytes);
	}
	return bytes == 0 ? 0 : UINT64_MAX >> (64 - 8 * bytes);
}

/* Cut off a comment, and the blanks at both ends. */
static char *trim(char *line)
{
	char *end;

	line += strspn(line, BLANKS);
	for (char *at = strchr(line, '#'); at != NULL; at = strchr(at + 1, '#'))
		if (at == line || strchr(BLANKS, at[-1]) != NULL) {
			*at = '\0';
			break;
		}
	for (end = line + strlen(line); end > line && strchr(BLANKS, end[-1]) != NULL; end--)
		end[-1] = '\0';
	return line;
}

/* Cut the line after its number. @return the symbol, which follows. */
static char *split(char *line)
{
	char *symbol = line + strcspn(line, "," BLANKS);
	const size_t blanks = strspn(symbol, BLANKS);
	const bool comma = symbol[blanks] == ',';
	char *end = symbol;

	symbol += blanks + (comma ? 1 : 0);
	symbol += strspn(symbol, BLANKS);
	if (*end != '\0')
		*end = '\0';
	return symbol;
}

static int load_line(struct fg_symbols *symbols, char *line, uint64_t max,
		     const struct position *at, struct fg_error *error)
{
	struct symbol symbol;
	uint64_t number;
	char *text;

	line = trim(line);
	if (*line == '\0')
		return 0;
	text = split(line);
	if (fg_number_read(line, max, &number) != 0 || number == 0)
		return fg_error_set(error, EINVAL,
				    "%s:%u: '%s': expected a number from 1 to %llu, then a symbol",
				    at->path, at->line, line, (unsigned long long)max);
	if (!symbol_parse(&symbol, text))
		return fg_error_set(error, EINVAL,
				    "%s:%u: '%s': expected a symbol of 1 to %u bytes after %s",
				    at->path, at->line, text, FG_SYMBOL_BYTES, line);
	if (!symbol_map_add(symbols, number, &symbol))
		return fg_error_set(error, ENOSPC,
				    "%s:%u: the symbol map is full: it has %u entries", at->path,
				    at->line, symbols->capacity);
	return 0;
}

int fg_symbols_load(struct fg_symbols *symbols, const char *path, struct fg_error *error)
{
	const uint64_t max = number_max(symbols->protocol);
	struct position at = {.path = path};
	size_t bytes = 0;
	char *line = NULL;
	ssize_t got;
	FILE *file;
	int rc = 0;

	if (max == 0 || symbols->capacity == 0)
		return fg_error_set(error, EINVAL,
				    "%s: the feed has no instrument numbers, or no symbol map",
				    path);
	file = fopen(path, "re");
	if (file == NULL)
		return fg_error_set(error, errno, "%s: %s", path, strerror(errno));
	errno = 0;
	while (rc == 0 && (got = getline(&line, &bytes, file)) >= 0) {
		at.line++;
		if (strlen(line) != (size_t)got)
			rc = fg_error_set(error, EINVAL, "%s:%u: a zero byte: expected text", path,
					  at.line);
		else
			rc = load_line(symbols, line, max, &at, error);
	}
	if (rc == 0 && ferror(file) != 0)
		rc = fg_error_set(error, errno != 0 ? errno : EIO, "%s: %s", path,
				  strerror(errno != 0 ? errno : EIO));
	free(line);
	(void)fclose(file);
	return rc;
}
