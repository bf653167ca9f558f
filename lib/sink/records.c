/* SPDX-License-Identifier: MIT */
/*
 * The sink that takes records, not packets: lines of text, appended to a file by
 * the control thread. Each is one write(2), there whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fg_log.h>

#include "kinds.h"

struct records_conf {
	char *path;
};

static const struct fg_option records_options[] = {
	{.name = "path",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct records_conf, path),
	 .help = "file that records are appended to, one JSON object a line"},
	{0},
};

struct records {
	const char *path; /* the configuration's */
	int fd;
	bool regular;
	bool failed; /* told once */
	bool torn;   /* the file ends within a record */
};

/* A pipe that nobody reads is refused, and one that is full does not make control wait. */
static int open_file(struct records *records)
{
	struct stat at;

	records->fd = open(records->path,
			   O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
	if (records->fd < 0)
		return errno;
	if (fstat(records->fd, &at) != 0)
		return errno;
	records->regular = S_ISREG(at.st_mode);
	/* A record that fits in part is taken back, so there must be no other writer. Where locks
	 * do not exist we go without. */
	if (records->regular && flock(records->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return EBUSY;
	return 0;
}

static void free_all(struct records *records)
{
	if (records->fd >= 0)
		close(records->fd);
	free(records);
}

static int records_open(struct fg_sink *sink, const void *options, struct fg_error *error)
{
	const struct records_conf *conf = options;
	struct records *records;
	int code;

	if (strcmp(conf->path, "-") == 0 || conf->path[0] == '\0')
		return fg_error_set(error, EINVAL,
				    "sink %s: records: '%s': expected a file's path: records do "
				    "not go to standard output",
				    sink->name, conf->path);
	records = calloc(1, sizeof(*records));
	if (records == NULL)
		return fg_error_set(error, ENOMEM, "sink %s: out of memory", sink->name);
	records->path = conf->path;
	code = open_file(records);
	if (code != 0) {
		free_all(records);
		return fg_error_set(error, code, "sink %s: %s: %s", sink->name, conf->path,
				    code == EBUSY ? "another sink or process writes it"
						  : strerror(code));
	}
	sink->priv = records;
	return 0;
}

static int records_start(struct fg_sink *sink, struct fg_error *error)
{
	(void)sink;
	(void)error;
	return 0;
}

static uint16_t records_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			    uint16_t count)
{
	(void)sink;
	(void)lane;
	(void)pkts;
	(void)count;
	return 0;
}

/* Only @done bytes of a record are in the file: take them back. */
static void take_back(struct records *records, size_t done)
{
	struct stat at;

	if (!records->regular || fstat(records->fd, &at) != 0 ||
	    ftruncate(records->fd, at.st_size - (off_t)done) != 0)
		records->torn = true;
}

static int records_record(struct fg_sink *sink, const char *text, size_t bytes)
{
	struct records *records = sink->priv;
	/* What was cut off stays a line of its own. */
	const size_t newline = records->torn ? 1 : 0;
	const struct iovec parts[] = {{(void *)"\n", newline}, {(void *)text, bytes}};
	ssize_t n;
	int code;

	do
		n = writev(records->fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)(newline + bytes)) {
		records->torn = false;
		return 0;
	}
	code = n < 0 ? errno : ENOSPC;
	if (n > 0)
		take_back(records, (size_t)n);
	if (!records->failed)
		fg_log(ERR, "sink %s: %s: %s: records are lost, and counted as dropped", sink->name,
		       records->path, strerror(code));
	records->failed = true;
	return -code;
}

static int records_stop(struct fg_sink *sink, struct fg_error *error)
{
	(void)sink;
	(void)error;
	return 0;
}

static void records_close(struct fg_sink *sink)
{
	free_all(sink->priv);
	sink->priv = NULL;
}

const struct fg_sink_ops fg_sink_records = {
	.name = "records",
	.help = "appends records of a feed's gaps to a file, one JSON object a line",
	.options = records_options,
	.conf_bytes = sizeof(struct records_conf),
	.open = records_open,
	.start = records_start,
	.put = records_put,
	.record = records_record,
	.stop = records_stop,
	.close = records_close,
};
