/* SPDX-License-Identifier: MIT */
#include "capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "frame.h"
#include "output.h"

#define NS_PER_S     UINT64_C(1000000000)
#define SNAP_LEN     65535u
#define ETHERNET     1u
#define BUFFER_BYTES (1u << 20)
#define RECORD_MAX   (FRAME_MAX + 64u) /* a packet with the bytes around it */

struct capture_file {
	const struct capture_format *format;
	char *path;
	int fd;
	bool removable;
	size_t used;
	uint8_t buffer[BUFFER_BYTES];
};

static size_t pcap_header(uint8_t *to)
{
	put_le32(to, 0xa1b23c4d); /* nanoseconds */
	put_le16(to + 4, 2);
	put_le16(to + 6, 4);
	put_le64(to + 8, 0);
	put_le32(to + 16, SNAP_LEN);
	put_le32(to + 20, ETHERNET);
	return 24;
}

static size_t pcap_before(uint8_t *to, uint64_t time_ns, uint32_t cap_len, uint32_t len)
{
	put_le32(to, (uint32_t)(time_ns / NS_PER_S));
	put_le32(to + 4, (uint32_t)(time_ns % NS_PER_S));
	put_le32(to + 8, cap_len);
	put_le32(to + 12, len);
	return 16;
}

static size_t pcap_after(uint8_t *to, uint32_t cap_len)
{
	(void)to;
	(void)cap_len;
	return 0;
}

static size_t pcapng_header(uint8_t *to)
{
	uint8_t *idb = to + 28;

	put_le32(to, 0x0a0d0d0a); /* section header block */
	put_le32(to + 4, 28);
	put_le32(to + 8, 0x1a2b3c4d);
	put_le16(to + 12, 1);
	put_le16(to + 14, 0);
	put_le64(to + 16, UINT64_MAX); /* length of the section: unknown */
	put_le32(to + 24, 28);

	put_le32(idb, 1); /* interface description block */
	put_le32(idb + 4, 32);
	put_le16(idb + 8, ETHERNET);
	put_le16(idb + 10, 0);
	put_le32(idb + 12, SNAP_LEN);
	put_le16(idb + 16, 9); /* if_tsresol: 10^-9 s */
	put_le16(idb + 18, 1);
	put_le32(idb + 20, 9);
	put_le32(idb + 24, 0); /* end of options */
	put_le32(idb + 28, 32);
	return 28 + 32;
}

static uint32_t pcapng_padding(uint32_t cap_len)
{
	return -cap_len & 3u;
}

static size_t pcapng_before(uint8_t *to, uint64_t time_ns, uint32_t cap_len, uint32_t len)
{
	put_le32(to, 6); /* enhanced packet block */
	put_le32(to + 4, 32 + cap_len + pcapng_padding(cap_len));
	put_le32(to + 8, 0);
	put_le32(to + 12, (uint32_t)(time_ns >> 32));
	put_le32(to + 16, (uint32_t)time_ns);
	put_le32(to + 20, cap_len);
	put_le32(to + 24, len);
	return 28;
}

static size_t pcapng_after(uint8_t *to, uint32_t cap_len)
{
	uint32_t padding = pcapng_padding(cap_len);

	memset(to, 0, padding);
	put_le32(to + padding, 32 + cap_len + padding);
	return padding + 4;
}

const struct capture_format capture_formats[] = {
	{"pcap", pcap_header, pcap_before, pcap_after},
	{"pcapng", pcapng_header, pcapng_before, pcapng_after},
	{0},
};

int capture_file_open(const char *path, const struct capture_format *format,
		      struct capture_file **out)
{
	struct capture_file *file = malloc(sizeof(*file));
	int rc;

	if (!file)
		return -ENOMEM;
	file->format = format;
	file->path = strdup(path);
	if (!file->path) {
		free(file);
		return -ENOMEM;
	}
	file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file->fd < 0) {
		rc = -errno;
		free(file->path);
		free(file);
		return rc;
	}
	file->removable = output_removable(file->fd);
	file->used = format->header(file->buffer);
	*out = file;
	return 0;
}

static int flush(struct capture_file *file)
{
	size_t done = 0;

	while (done < file->used) {
		ssize_t n = write(file->fd, file->buffer + done, file->used - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	file->used = 0;
	return 0;
}

int capture_file_write(struct capture_file *file, uint64_t time_ns, const uint8_t *data,
		       uint32_t cap_len, uint32_t len)
{
	uint8_t *to;

	if (time_ns / NS_PER_S > UINT32_MAX)
		return -EOVERFLOW;
	if (BUFFER_BYTES - file->used < RECORD_MAX) {
		int rc = flush(file);

		if (rc < 0)
			return rc;
	}
	to = file->buffer + file->used;
	to += file->format->before(to, time_ns, cap_len, len);
	memcpy(to, data, cap_len);
	to += cap_len;
	to += file->format->after(to, cap_len);
	file->used = (size_t)(to - file->buffer);
	return 0;
}

int capture_file_finish(struct capture_file *file)
{
	int rc = flush(file);

	/* Some file systems report only here that they are full. */
	if (close(file->fd) < 0 && rc == 0)
		rc = -errno;
	file->fd = -1;
	return rc;
}

void capture_file_free(struct capture_file *file, bool keep)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	if (!keep && file->removable)
		unlink(file->path);
	free(file->path);
	free(file);
}

const char *capture_file_path(const struct capture_file *file)
{
	return file->path;
}
