/* SPDX-License-Identifier: MIT */
/*
 * Decompression, presented to libpcap as a FILE. libarchive decompresses all formats but gzip,
 * because it does not verify gzip's checksum; zlib does.
 */
#include "replay_stream.h"

#include <archive.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <zlib.h>

#include <rte_common.h>

enum {
	MAGIC_MAX = 6,
	IN_BYTES = 1 << 16,
	OUT_BYTES = 1 << 16,
	GZIP_WINDOW = 15 + 16, /* zlib: the largest window, and a gzip header */
};

struct format {
	const char *name;
	const char *magic; /* The file's first bytes, at most MAGIC_MAX. */
	size_t magic_bytes;
	int (*support)(struct archive *archive); /* NULL: zlib decompresses it. */
};

static const struct format formats[] = {
	{"gzip", "\x1f\x8b", 2, NULL},
	{"zstd", "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd},
	{"xz", "\xfd\x37\x7a\x58\x5a\x00", 6, archive_read_support_filter_xz},
	{"lz4", "\x04\x22\x4d\x18", 4, archive_read_support_filter_lz4},
	{"bzip2", "BZh", 3, archive_read_support_filter_bzip2},
	{"lzip", "LZIP", 4, archive_read_support_filter_lzip},
	{"compress", "\x1f\x9d", 2, archive_read_support_filter_compress},
};

struct replay_stream {
	FILE *raw;                   /* The file. */
	FILE *file;                  /* The same, or its decompressed contents. */
	const struct format *format; /* NULL: not compressed. */
	char fault[160];             /* Empty: none. */
	bool taken;                  /* The caller owns `file`. */
	struct archive *archive;
	bool empty; /* The decompressed contents are empty. */
	z_stream gzip;
	bool gzip_open;
	bool member_ended; /* A gzip file may have several members in succession. */
	uint8_t in[IN_BYTES];
};

/* Record why reading failed. @return -1 with errno set. */
static int fault(struct replay_stream *s, const char *reason)
{
	if (s->fault[0] == '\0') /* The first fault counts. */
		snprintf(s->fault, sizeof(s->fault), "%s: %s", s->format->name,
			 reason != NULL ? reason : "broken");
	errno = EIO;
	return -1;
}

/* Provide input in gzip.next_in, unless the file has ended. */
static int gzip_fill(struct replay_stream *s)
{
	if (s->gzip.avail_in > 0)
		return 0;
	s->gzip.next_in = s->in;
	s->gzip.avail_in = (unsigned int)fread(s->in, 1, IN_BYTES, s->raw);
	return ferror(s->raw) ? fault(s, strerror(errno)) : 0;
}

/* After a member another one may follow. Other trailing bytes are ignored, as gzip(1) does. */
static bool gzip_goes_on(struct replay_stream *s)
{
	if (s->gzip.avail_in == 0 || s->gzip.next_in[0] != (uint8_t)s->format->magic[0])
		return false;
	s->member_ended = false;
	return inflateReset(&s->gzip) == Z_OK;
}

static ssize_t gzip_read(void *cookie, char *data, size_t bytes)
{
	struct replay_stream *s = cookie;
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
	struct replay_stream *s = cookie;
	const size_t bytes = fread(s->in, 1, IN_BYTES, s->raw);

	*data = s->in;
	if (!ferror(s->raw))
		return (ssize_t)bytes;
	archive_set_error(archive, errno, "%s", strerror(errno));
	return -1;
}

static ssize_t archive_read(void *cookie, char *data, size_t bytes)
{
	struct replay_stream *s = cookie;
	ssize_t got;

	if (s->empty)
		return 0;
	got = s->fault[0] == '\0' ? archive_read_data(s->archive, data, bytes) : -1;
	return got < 0 ? fault(s, archive_error_string(s->archive)) : got;
}

static int gzip_open(struct replay_stream *s)
{
	s->gzip_open = inflateInit2(&s->gzip, GZIP_WINDOW) == Z_OK;
	return s->gzip_open ? 0 : fault(s, "out of memory");
}

static int archive_open(struct replay_stream *s)
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

/* Recognise the format by the first bytes, which are read again afterwards. NULL: none. */
static const struct format *find_format(FILE *file)
{
	char magic[MAGIC_MAX];
	size_t bytes = fread(magic, 1, sizeof(magic), file);
	const struct format *found = NULL;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) && found == NULL; i++)
		if (bytes >= formats[i].magic_bytes &&
		    memcmp(magic, formats[i].magic, formats[i].magic_bytes) == 0)
			found = &formats[i];
	/* The bytes are still in the FILE's buffer, so all can be pushed back. */
	while (bytes > 0)
		ungetc((unsigned char)magic[--bytes], file);
	return found;
}

static int open_decompressed(struct replay_stream *s)
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

int replay_stream_open(const char *path, struct replay_stream **out, struct fg_error *error)
{
	struct replay_stream *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (s == NULL)
		return fg_error_set(error, ENOMEM, "replay %s: out of memory", path);
	s->raw = fopen(path, "rb");
	if (s->raw == NULL)
		rc = fg_error_set(error, errno, "replay %s: %s", path, strerror(errno));
	if (rc == 0) {
		s->format = find_format(s->raw);
		s->file = s->raw;
	}
	if (rc == 0 && s->format != NULL && open_decompressed(s) != 0)
		rc = fg_error_set(error, EINVAL, "replay %s: %s", path, s->fault);
	if (rc != 0) {
		replay_stream_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

FILE *replay_stream_take(struct replay_stream *s)
{
	s->taken = true;
	return s->file;
}

const char *replay_stream_fault(const struct replay_stream *s)
{
	return s->fault[0] != '\0' ? s->fault : NULL;
}

void replay_stream_progress(const struct replay_stream *s, uint64_t *done, uint64_t *total)
{
	const off_t read = ftello(s->raw);
	struct stat status;

	*done = *total = 0;
	if (read <= 0 || fstat(fileno(s->raw), &status) != 0 || status.st_size < read)
		return;
	*total = (uint64_t)status.st_size;
	/* Bytes in `in` are not decompressed yet. */
	if (s->archive != NULL)
		*done = RTE_MIN((uint64_t)archive_filter_bytes(s->archive, -1), *total);
	else
		*done = (uint64_t)read - s->gzip.avail_in;
}

void replay_stream_close(struct replay_stream *s)
{
	if (s == NULL)
		return;
	if (s->raw != NULL && s->raw != s->file)
		fclose(s->raw);
	if (s->file != NULL && !s->taken)
		fclose(s->file);
	if (s->archive != NULL)
		archive_read_free(s->archive);
	if (s->gzip_open)
		inflateEnd(&s->gzip);
	free(s);
}
