/* SPDX-License-Identifier: MIT */
/*
 * Decompression, presented as a FILE. libarchive decompresses all formats but gzip, because it does
 * not verify gzip's checksum; zlib does.
 */
#include "stream.h"

#include <archive.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <zlib.h>

#include <rte_common.h>

enum {
	SKIPPABLE_HEAD = 8, /* Of a skippable frame (RFC 8878): magic number and length. */
	IN_BYTES = 1 << 16,
	OUT_BYTES = 1 << 16,
	GZIP_WINDOW = 15 + 16, /* zlib: the largest window, and a gzip header */
};

struct format {
	const char *name;
	const char *magic; /* The file's first bytes, at most SKIPPABLE_HEAD. */
	size_t magic_bytes;
	int (*support)(struct archive *archive); /* NULL: zlib decompresses it. */
	bool has_skippable; /* Skippable frames may stand before the contents. */
};

static const struct format formats[] = {
	{"gzip", "\x1f\x8b", 2, NULL, false},
	{"zstd", "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd, true},
	{"xz", "\xfd\x37\x7a\x58\x5a\x00", 6, archive_read_support_filter_xz, false},
	{"lz4", "\x04\x22\x4d\x18", 4, archive_read_support_filter_lz4, true},
	{"lz4", "\x02\x21\x4c\x18", 4, archive_read_support_filter_lz4, true}, /* Legacy. */
	{"bzip2", "BZh", 3, archive_read_support_filter_bzip2, false},
	{"lzip", "LZIP", 4, archive_read_support_filter_lzip, false},
	{"compress", "\x1f\x9d", 2, archive_read_support_filter_compress, false},
};

struct stream {
	FILE *raw;                    /* The file. */
	FILE *file;                   /* Its decompressed contents; NULL: not compressed. */
	const struct format *format;  /* NULL: not compressed. */
	char fault[160];              /* Empty: none. */
	uint8_t head[SKIPPABLE_HEAD]; /* Bytes read to recognise the format, and read again. */
	size_t head_at, head_bytes;
	uint64_t skipped; /* Bytes of skippable frames at the start. */
	struct archive *archive;
	bool empty; /* The decompressed contents are empty. */
	z_stream gzip;
	bool gzip_open;
	bool member_ended; /* A gzip file may have several members in succession. */
	uint8_t in[IN_BYTES];
};

/* Record why reading failed. @return -1 with errno set. */
static int fault(struct stream *s, const char *reason)
{
	if (s->fault[0] == '\0') /* The first fault counts. */
		snprintf(s->fault, sizeof(s->fault), "%s%s%s",
			 s->format != NULL ? s->format->name : "", s->format != NULL ? ": " : "",
			 reason != NULL ? reason : "broken");
	errno = EIO;
	return -1;
}

/* Bytes of the file as it is; fewer at its end, or at an error of `raw`. */
static size_t read_raw(struct stream *s, void *to, size_t bytes)
{
	const size_t from_head = RTE_MIN(bytes, s->head_bytes - s->head_at);

	if (from_head > 0) {
		memcpy(to, s->head + s->head_at, from_head);
		s->head_at += from_head;
		if (from_head == bytes)
			return bytes;
	}
	return from_head + fread((uint8_t *)to + from_head, 1, bytes - from_head, s->raw);
}

/* Provide input in gzip.next_in, unless the file has ended. */
static int gzip_fill(struct stream *s)
{
	if (s->gzip.avail_in > 0)
		return 0;
	s->gzip.next_in = s->in;
	s->gzip.avail_in = (unsigned int)read_raw(s, s->in, IN_BYTES);
	return ferror(s->raw) ? fault(s, strerror(errno)) : 0;
}

/* After a member another one may follow. Other trailing bytes are ignored, as gzip(1) does. */
static bool gzip_goes_on(struct stream *s)
{
	if (s->gzip.avail_in == 0 || s->gzip.next_in[0] != (uint8_t)s->format->magic[0])
		return false;
	s->member_ended = false;
	return inflateReset(&s->gzip) == Z_OK;
}

static ssize_t gzip_read(void *cookie, char *data, size_t bytes)
{
	struct stream *s = cookie;
	const unsigned int room = bytes < OUT_BYTES ? (unsigned int)bytes : OUT_BYTES;
	int rc;

	if (s->fault[0] != '\0')
		return fault(s, NULL);
	s->gzip.next_out = (uint8_t *)data;
	s->gzip.avail_out = room;
	while (s->gzip.avail_out == room) {
		if (gzip_fill(s) != 0)
			return -1;
		if (s->member_ended && !gzip_goes_on(s))
			return 0;
		if (s->gzip.avail_in == 0)
			return fault(s, "the file ends early");
		rc = inflate(&s->gzip, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END)
			return fault(s, s->gzip.msg);
		s->member_ended = rc == Z_STREAM_END;
	}
	return (ssize_t)(room - s->gzip.avail_out);
}

static ssize_t archive_in(struct archive *archive, void *cookie, const void **data)
{
	struct stream *s = cookie;
	const size_t bytes = read_raw(s, s->in, IN_BYTES);

	*data = s->in;
	if (!ferror(s->raw))
		return (ssize_t)bytes;
	archive_set_error(archive, errno, "%s", strerror(errno));
	return -1;
}

static ssize_t archive_read(void *cookie, char *data, size_t bytes)
{
	struct stream *s = cookie;
	ssize_t got;

	if (s->empty)
		return 0;
	got = s->fault[0] == '\0' ? archive_read_data(s->archive, data, bytes) : -1;
	return got < 0 ? fault(s, archive_error_string(s->archive)) : got;
}

static int gzip_open(struct stream *s)
{
	s->gzip_open = inflateInit2(&s->gzip, GZIP_WINDOW) == Z_OK;
	return s->gzip_open ? 0 : fault(s, "out of memory");
}

static int archive_open(struct stream *s)
{
	struct archive_entry *entry;
	int rc;

	s->archive = archive_read_new();
	if (s->archive == NULL)
		return fault(s, "out of memory");
	/* A warning means that libarchive would start an external program: not with untrusted
	 * input. */
	if (s->format->support(s->archive) != ARCHIVE_OK)
		return fault(s, "this system's libarchive was built without it");
	archive_read_support_format_raw(s->archive);
	archive_read_support_format_empty(s->archive);
	rc = archive_read_open(s->archive, s, NULL, archive_in, NULL);
	if (rc == ARCHIVE_OK)
		rc = archive_read_next_header(s->archive, &entry);
	s->empty = rc == ARCHIVE_EOF;
	if (rc >= ARCHIVE_WARN && archive_filter_code(s->archive, 0) == ARCHIVE_FILTER_NONE)
		return fault(s, "its header is cut or broken");
	return rc >= ARCHIVE_WARN ? 0 : fault(s, archive_error_string(s->archive));
}

static const struct format *find_magic(const struct stream *s)
{
	for (size_t i = 0; i < RTE_DIM(formats); i++)
		if (s->head_bytes >= formats[i].magic_bytes &&
		    memcmp(s->head, formats[i].magic, formats[i].magic_bytes) == 0)
			return &formats[i];
	return NULL;
}

static bool is_skippable(const struct stream *s)
{
	return s->head_bytes == SKIPPABLE_HEAD && s->head[0] >> 4 == 5 &&
	       memcmp(s->head + 1, "\x2a\x4d\x18", 3) == 0;
}

/* Skip the contents of a skippable frame, whose head was read. */
static int skip_frame(struct stream *s)
{
	uint32_t left = (uint32_t)s->head[4] | (uint32_t)s->head[5] << 8 |
			(uint32_t)s->head[6] << 16 | (uint32_t)s->head[7] << 24;

	s->skipped += SKIPPABLE_HEAD + (uint64_t)left;
	while (left > 0) {
		const size_t part = RTE_MIN(left, (uint32_t)IN_BYTES);

		if (fread(s->in, 1, part, s->raw) != part)
			return fault(s, "the file ends early, in a skippable frame of zstd or lz4");
		left -= (uint32_t)part;
	}
	return 0;
}

/*
 * Recognise the format by the first bytes, which are read again afterwards. Skippable frames, as
 * pzstd writes them, stand before those of zstd and lz4; libarchive expects none at the start.
 */
static int find_format(struct stream *s)
{
	while (true) {
		s->head_bytes = fread(s->head, 1, SKIPPABLE_HEAD, s->raw);
		if (!is_skippable(s))
			break;
		if (skip_frame(s) != 0)
			return -1;
	}
	s->format = find_magic(s);
	if (s->skipped > 0 && (s->format == NULL || !s->format->has_skippable)) {
		s->format = NULL;
		return fault(s, "neither zstd nor lz4 follows a skippable frame");
	}
	return 0;
}

static int open_decompressed(struct stream *s)
{
	const bool gzip = s->format->support == NULL;
	const cookie_io_functions_t functions = {.read = gzip ? gzip_read : archive_read};

	if ((gzip ? gzip_open(s) : archive_open(s)) != 0)
		return -1;
	s->file = fopencookie(s, "rb", functions);
	if (s->file == NULL)
		return fault(s, "out of memory");
	setvbuf(s->file, NULL, _IOFBF, OUT_BYTES);
	return 0;
}

int stream_open(const char *path, const char *name, struct stream **out, struct fg_error *error)
{
	struct stream *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (s == NULL)
		return fg_error_set(error, ENOMEM, "%s: out of memory", name);
	s->raw = path != NULL ? fopen(path, "rbe") : stdin;
	if (s->raw == NULL)
		rc = fg_error_set(error, errno, "%s: cannot open: %s", name, strerror(errno));
	else if (find_format(s) != 0 || (s->format != NULL && open_decompressed(s) != 0))
		rc = fg_error_set(error, EINVAL, "%s: %s", name, s->fault);
	if (rc != 0) {
		stream_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

size_t stream_read(struct stream *s, void *to, size_t bytes)
{
	size_t got;

	if (s->file != NULL)
		return fread(to, 1, bytes, s->file);
	got = read_raw(s, to, bytes);
	if (got < bytes && ferror(s->raw))
		(void)fault(s, strerror(errno));
	return got;
}

const char *stream_fault(const struct stream *s)
{
	return s->fault[0] != '\0' ? s->fault : NULL;
}

void stream_progress(const struct stream *s, uint64_t *done, uint64_t *total)
{
	const off_t read = ftello(s->raw);
	struct stat status;

	*done = *total = 0;
	if (read <= 0 || fstat(fileno(s->raw), &status) != 0 || status.st_size < read)
		return;
	*total = (uint64_t)status.st_size;
	/* Bytes in `in` are not decompressed yet. */
	if (s->archive != NULL)
		*done = RTE_MIN(s->skipped + (uint64_t)archive_filter_bytes(s->archive, -1),
				*total);
	else
		*done = (uint64_t)read - s->gzip.avail_in;
}

void stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	if (s->file != NULL)
		fclose(s->file);
	if (s->raw != NULL && s->raw != stdin)
		fclose(s->raw);
	if (s->archive != NULL)
		archive_read_free(s->archive);
	if (s->gzip_open)
		inflateEnd(&s->gzip);
	free(s);
}
