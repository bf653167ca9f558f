/* SPDX-License-Identifier: MIT */
/* The directory from a file: what another day's feed, or a reference file, said. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fg_option.h>

#include "known.h"

#define BLANKS " \t\r\n"

/* The most that a number of the feed can be. */
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

/* Cut a comment and the blanks at both ends off. */
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

/* The number at the beginning, cut off; the symbol is what is behind it. */
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

static int load_line(struct fg_known *known, char *line, uint64_t max, const char *path,
		     uint32_t number_of_line, struct fg_error *error)
{
	struct symbol symbol;
	uint64_t number;
	char *name;

	line = trim(line);
	if (*line == '\0')
		return 0;
	name = split(line);
	if (fg_number_read(line, max, &number) != 0 || number == 0)
		return fg_error_set(error, EINVAL,
				    "%s:%u: '%s': expected a number from 1 to %llu, then a symbol",
				    path, number_of_line, line, (unsigned long long)max);
	if (!symbol_of_text(&symbol, name))
		return fg_error_set(error, EINVAL,
				    "%s:%u: '%s': expected a symbol of 1 to %u bytes behind %s",
				    path, number_of_line, name, FG_SYMBOL_BYTES, line);
	if (!known_name(known, number, &symbol))
		return fg_error_set(error, ENOSPC,
				    "%s:%u: the directory is full: it has %u entries", path,
				    number_of_line, known->capacity);
	return 0;
}

int fg_known_load(struct fg_known *known, const char *path, struct fg_error *error)
{
	const uint64_t max = number_max(known->protocol);
	uint32_t number_of_line = 0;
	size_t bytes = 0;
	char *line = NULL;
	ssize_t got;
	FILE *file;
	int rc = 0;

	if (max == 0 || known->capacity == 0)
		return fg_error_set(error, EINVAL,
				    "%s: the feed has no instrument numbers, or no directory",
				    path);
	file = fopen(path, "re");
	if (file == NULL)
		return fg_error_set(error, errno, "%s: %s", path, strerror(errno));
	errno = 0;
	while (rc == 0 && (got = getline(&line, &bytes, file)) >= 0) {
		number_of_line++;
		if (strlen(line) != (size_t)got)
			rc = fg_error_set(error, EINVAL, "%s:%u: a zero byte: expected text", path,
					  number_of_line);
		else
			rc = load_line(known, line, max, path, number_of_line, error);
	}
	if (rc == 0 && ferror(file) != 0)
		rc = fg_error_set(error, errno != 0 ? errno : EIO, "%s: %s", path,
				  strerror(errno != 0 ? errno : EIO));
	free(line);
	(void)fclose(file);
	return rc;
}
