/* SPDX-License-Identifier: MIT */
/* The symbol map to a file, which symbol_file.c reads. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "symbol_file.h"
#include "symbol_map.h"

const char *symbol_file_day(uint64_t now_ns, char text[SYMBOL_FILE_DAY])
{
	const time_t seconds = (time_t)(now_ns / UINT64_C(1000000000));
	struct tm day = {0};

	(void)gmtime_r(&seconds, &day);
	(void)strftime(text, SYMBOL_FILE_DAY, "%Y-%m-%d", &day);
	return text;
}

/* A map that is written. */
struct writer {
	FILE *file;
	long start; /* of the symbols in the file */
};

static void print_hex(FILE *file, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)fprintf(file, "%02x", bytes[i]);
}

/* Whether a reader would take the text for this symbol. */
static bool is_plain(const char *text)
{
	if (text[0] == ' ' || text[0] == ',' || text[0] == '#' ||
	    strncmp(text, SYMBOL_FILE_HEX, strlen(SYMBOL_FILE_HEX)) == 0)
		return false;
	for (const char *at = text; *at != '\0'; at++)
		if ((uint8_t)*at < ' ' || (uint8_t)*at > '~' || (*at == '#' && at[-1] == ' '))
			return false;
	return true;
}

static void print_entry(void *context, const struct symbol_seen *seen)
{
	const struct writer *writer = context;
	char text[FG_SYMBOL_BYTES + 1] = {0};
	const uint8_t *bytes = (const uint8_t *)&seen->symbol;
	size_t count = FG_SYMBOL_BYTES;

	while (count > 0 && bytes[count - 1] == 0)
		count--;
	memcpy(text, bytes, count);
	(void)fprintf(writer->file, "%" PRIu64 " ", seen->number);
	if (strlen(text) == count && is_plain(text)) {
		(void)fprintf(writer->file, "%s\n", text);
		return;
	}
	(void)fputs(SYMBOL_FILE_HEX, writer->file);
	print_hex(writer->file, bytes, count);
	(void)fputc('\n', writer->file);
}

static void begin_entries(void *context)
{
	const struct writer *writer = context;

	(void)fflush(writer->file);
	(void)fseek(writer->file, writer->start, SEEK_SET);
	if (ftruncate(fileno(writer->file), writer->start) != 0)
		(void)fputs("truncation failed\n", writer->file); /* Refused when it is read. */
}

/* Read the session that the map is of. @return false: it has none so far. */
static bool take_session(const struct fg_symbols *symbols, uint64_t words[FG_SESSION_BYTES / 8])
{
	const struct fg_symbols_head *head = &symbols->head;

	/* Partner: begin_session(). */
	if (!atomic_load_explicit(&head->has_session, memory_order_acquire))
		return false;
	for (unsigned int i = 0; i < FG_SESSION_BYTES / 8; i++)
		words[i] = atomic_load_explicit(&head->session[i], memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&head->has_session, memory_order_relaxed);
}

static int write_map(const struct fg_symbols *symbols, FILE *file, uint64_t now_ns)
{
	struct writer writer = {.file = file};
	uint64_t session[FG_SESSION_BYTES / 8] = {0}, after[FG_SESSION_BYTES / 8] = {0};
	struct symbol_moment moment;
	char day[SYMBOL_FILE_DAY];
	int rc;

	if (!take_session(symbols, session))
		return -EAGAIN;
	(void)fputs("# The symbol map of a feed, by feedgate.\n", file);
	if ((session[0] | session[1]) != 0) {
		(void)fputs("session ", file);
		print_hex(file, (const uint8_t *)session, sizeof(session));
		(void)fputc('\n', file);
	} else {
		(void)fprintf(file, "day %s\n", symbol_file_day(now_ns, day));
	}
	writer.start = ftell(file);
	rc = symbol_map_visit(symbols, begin_entries, print_entry, &writer, &moment);
	if (rc != 0 || !take_session(symbols, after) ||
	    memcmp(session, after, sizeof(session)) != 0)
		return -EAGAIN;
	return fflush(file) == 0 && ferror(file) == 0 && fsync(fileno(file)) == 0 ? 0 : -errno;
}

/* Make a rename in the folder of @path durable. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	const int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(folder);
}

static int save_aside(const struct fg_symbols *symbols, const char *path, const char *aside,
		      uint64_t now_ns)
{
	const int fd = open(aside, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
	int rc;

	if (file == NULL) {
		rc = -errno;
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	rc = write_map(symbols, file, now_ns);
	if (fclose(file) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(aside, path) != 0)
		rc = -errno;
	if (rc != 0)
		(void)unlink(aside);
	else
		sync_folder(path);
	return rc;
}

int fg_symbols_save(const struct fg_symbols *symbols, const char *path, uint64_t now_ns,
		    struct fg_error *error)
{
	char *aside;
	int rc;

	if (asprintf(&aside, "%s.new", path) < 0)
		return fg_error_set(error, ENOMEM, "%s: out of memory", path);
	rc = save_aside(symbols, path, aside, now_ns);
	if (rc != 0)
		(void)fg_error_set(error, -rc, "%s: %s", path,
				   rc == -EAGAIN ? "the symbol map is changing" : strerror(-rc));
	free(aside);
	return rc;
}
