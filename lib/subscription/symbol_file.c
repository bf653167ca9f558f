/* SPDX-License-Identifier: MIT */
/* The symbol map from a file, written by hand or by symbol_save.c. */
#include "symbol_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fg_option.h>

#include "symbol_map.h"

#define BLANKS     " \t\r\n"
#define LINE_BYTES 1024u /* of the longest line, with its end */
#define SHOWN      40    /* bytes of a line that an error shows */

/* A file that is read. */
struct reader {
	struct fg_symbols *symbols;
	struct fg_error *error;
	const char *path;
	uint32_t line;
	uint64_t number_max;
	char today[SYMBOL_FILE_DAY];
	enum fg_symbols_file found;
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

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Bytes written as pairs of digits, 1 to @max of them. @return how many; 0: something else. */
static uint32_t read_hex(const char *text, uint8_t *bytes, uint32_t max)
{
	const size_t digits = strlen(text);

	if (digits == 0 || digits % 2 != 0 || digits / 2 > max)
		return 0;
	for (size_t i = 0; i < digits; i += 2) {
		const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return 0;
		bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	return (uint32_t)digits / 2;
}

/* The symbol of a line: as it is, or in digits. */
static bool read_symbol(struct symbol *symbol, const char *text)
{
	uint8_t bytes[FG_SYMBOL_BYTES];
	uint32_t count;

	if (strncmp(text, SYMBOL_FILE_HEX, strlen(SYMBOL_FILE_HEX)) != 0)
		return symbol_parse(symbol, text);
	count = read_hex(text + strlen(SYMBOL_FILE_HEX), bytes, sizeof(bytes));
	return count > 0 && symbol_read(symbol, bytes, count);
}

static int load_session(struct reader *reader, const char *text)
{
	struct fg_symbols *symbols = reader->symbols;
	uint8_t session[FG_SESSION_BYTES] = {0};

	if (reader->found == FG_SYMBOLS_FILE_SAVED)
		return fg_error_set(reader->error, EINVAL,
				    "%s:%u: a second session or day: expected one, before the "
				    "symbols",
				    reader->path, reader->line);
	if (read_hex(text, session, sizeof(session)) != sizeof(session))
		return fg_error_set(reader->error, EINVAL,
				    "%s:%u: session '%.*s': expected %zu bytes in lower-case hex",
				    reader->path, reader->line, SHOWN, text, sizeof(session));
	memcpy(symbols->file_session, session, sizeof(session));
	symbols->has_file_session = true;
	reader->found = FG_SYMBOLS_FILE_SAVED;
	return 0;
}

/* @return 1: the file is of another day. */
static int load_day(struct reader *reader, const char *text)
{
	if (reader->found == FG_SYMBOLS_FILE_SAVED)
		return fg_error_set(reader->error, EINVAL,
				    "%s:%u: a second session or day: expected one, before the "
				    "symbols",
				    reader->path, reader->line);
	if (strlen(text) != strlen(reader->today) || strspn(text, "0123456789-") != strlen(text))
		return fg_error_set(reader->error, EINVAL,
				    "%s:%u: day '%.*s': expected a date such as %s", reader->path,
				    reader->line, SHOWN, text, reader->today);
	reader->found =
		strcmp(text, reader->today) == 0 ? FG_SYMBOLS_FILE_SAVED : FG_SYMBOLS_FILE_OLD;
	return reader->found == FG_SYMBOLS_FILE_OLD;
}

static int load_symbol(struct reader *reader, const char *number_text, const char *text)
{
	struct symbol symbol;
	uint64_t number;

	if (fg_number_read(number_text, reader->number_max, &number) != 0 || number == 0)
		return fg_error_set(
			reader->error, EINVAL,
			"%s:%u: '%.*s': expected a number from 1 to %llu, then a symbol",
			reader->path, reader->line, SHOWN, number_text,
			(unsigned long long)reader->number_max);
	if (!read_symbol(&symbol, text))
		return fg_error_set(reader->error, EINVAL,
				    "%s:%u: '%.*s': expected a symbol of 1 to %u bytes after %s",
				    reader->path, reader->line, SHOWN, text, FG_SYMBOL_BYTES,
				    number_text);
	if (!symbol_map_add(reader->symbols, number, &symbol))
		return fg_error_set(reader->error, ENOSPC,
				    "%s:%u: the symbol map is full: it has room for %u numbers",
				    reader->path, reader->line, reader->symbols->capacity);
	return 0;
}

/* @return 0; 1: the rest of the file does not count; -errno. */
static int load_line(struct reader *reader, char *line)
{
	bool first = reader->found == FG_SYMBOLS_FILE_NONE;
	char *text;

	line = trim(line);
	if (*line == '\0')
		return 0;
	text = split(line);
	if (strcmp(line, "session") == 0 && (first || reader->found == FG_SYMBOLS_FILE_SAVED))
		return load_session(reader, text);
	if (strcmp(line, "day") == 0 && (first || reader->found == FG_SYMBOLS_FILE_SAVED))
		return load_day(reader, text);
	if (first)
		reader->found = FG_SYMBOLS_FILE_HAND;
	return load_symbol(reader, line, text);
}

/* Lines must be text: errors show them, on one line. */
static int check_text(const struct reader *reader, const char *line, size_t bytes)
{
	if (bytes == LINE_BYTES - 1 && line[bytes - 1] != '\n')
		return fg_error_set(reader->error, EINVAL, "%s:%u: over %u bytes in a line",
				    reader->path, reader->line, LINE_BYTES - 2);
	for (size_t i = 0; i < bytes; i++)
		if (((uint8_t)line[i] < ' ' && strchr("\t\r\n", line[i]) == NULL) ||
		    line[i] == 0x7f || line[i] == '\0')
			return fg_error_set(reader->error, EINVAL,
					    "%s:%u: byte 0x%02x: expected text", reader->path,
					    reader->line, (uint8_t)line[i]);
	return 0;
}

/* Read a line with its end. @return its bytes; 0: the end of the file, or an error of it. */
static size_t read_line(FILE *file, char line[LINE_BYTES])
{
	size_t bytes = 0;
	int c = 0;

	while (bytes < LINE_BYTES - 1 && c != '\n' && (c = getc_unlocked(file)) != EOF)
		line[bytes++] = (char)c;
	line[bytes] = '\0';
	return bytes;
}

static int load_lines(struct reader *reader, FILE *file)
{
	char line[LINE_BYTES];
	size_t bytes;
	int rc = 0;

	errno = 0;
	while (rc == 0 && (bytes = read_line(file, line)) > 0) {
		reader->line++;
		rc = check_text(reader, line, bytes);
		if (rc == 0)
			rc = load_line(reader, line);
	}
	if (rc == 0 && ferror(file) != 0)
		rc = fg_error_set(reader->error, errno != 0 ? errno : EIO, "%s: %s", reader->path,
				  strerror(errno != 0 ? errno : EIO));
	return rc < 0 ? rc : 0;
}

/* A stream of a regular file, so that a start never waits for another program. */
static int open_file(const char *path, FILE **out, struct fg_error *error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	FILE *file = NULL;

	if (fd >= 0 && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
		(void)close(fd);
		return fg_error_set(error, EINVAL, "%s: expected a regular file", path);
	}
	if (fd >= 0)
		file = fdopen(fd, "r");
	if (file == NULL) {
		const int reason = errno;

		if (fd >= 0)
			(void)close(fd);
		return fg_error_set(error, reason, "%s: %s", path, strerror(reason));
	}
	*out = file;
	return 0;
}

int fg_symbols_load(struct fg_symbols *symbols, const char *path, uint64_t now_ns,
		    enum fg_symbols_file *found, struct fg_error *error)
{
	struct reader reader = {
		.symbols = symbols,
		.error = error,
		.path = path,
		.number_max = number_max(symbols->protocol),
	};
	struct fg_error reason = {0};
	FILE *file = NULL;
	int rc;

	if (reader.number_max == 0 || symbols->capacity == 0)
		return fg_error_set(error, EINVAL,
				    "%s: the feed has no instrument numbers, or no symbol map",
				    path);
	(void)symbol_file_day(now_ns, reader.today);
	rc = open_file(path, &file, &reason);
	if (rc == -ENOENT) {
		*found = FG_SYMBOLS_FILE_NONE;
		return 0;
	}
	if (rc != 0 || file == NULL)
		return fg_error_set(error, rc != 0 ? -rc : EIO, "%s", reason.text);
	rc = load_lines(&reader, file);
	(void)fclose(file);
	/* An empty file may be written by hand: it is not replaced. */
	*found = reader.found == FG_SYMBOLS_FILE_NONE ? FG_SYMBOLS_FILE_HAND : reader.found;
	return rc;
}
