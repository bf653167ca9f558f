/* SPDX-License-Identifier: MIT */
/* A reader on one of feedgate's sources: it receives mbufs and frees them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_classify.h>
#include <fg_meta.h>
#include <fg_node.h>
#include <fg_source.h>

#include "capture.h"

#define MBUFS 16384u

struct source {
	struct fg_source src;
	void *conf;
	char device[64];
	char arguments[256];
};

/* The file name in messages about settings. */
#define FROM "feedgate-bench"

static int read_settings(const struct fg_source_ops *ops, void *conf,
			 const struct setting *settings, unsigned int count, struct fg_error *error)
{
	struct fg_node values[SETTINGS_MAX] = {0};
	struct fg_node map = {.kind = FG_NODE_MAP, .file = FROM, .count = count};
	struct fg_node **end = &map.child;

	for (unsigned int i = 0; i < count; i++) {
		values[i] = (struct fg_node){.kind = FG_NODE_SCALAR,
					     .file = FROM,
					     .key = settings[i].name,
					     .text = settings[i].value};
		*end = &values[i];
		end = &values[i].next;
	}
	return fg_option_read(ops->options, &map, conf, error);
}

/* Add a virtual device. Each has a new name, because EAL may remember an old one. */
static int add_device(struct source *source, const struct backend *backend, struct fg_error *error)
{
	static unsigned int serial;
	int rc;

	snprintf(source->device, sizeof(source->device), "%s%u", backend->driver, serial++);
	rc = rte_eal_hotplug_add("vdev", source->device, source->arguments);
	return rc == 0 ? 0
		       : fg_error_set(error, -rc, "%s,%s: %s", source->device, source->arguments,
				      strerror(-rc));
}

static int configure(struct source *source, const struct reader *reader, struct fg_error *error)
{
	const struct backend *backend = reader->backend;
	struct setting settings[SETTINGS_MAX] = {{"interface", INTERFACE_RECEIVE}};
	unsigned int count = 1;
	int rc = 0;

	if (backend->settings != NULL)
		count = backend->settings(reader, settings, source->arguments,
					  sizeof(source->arguments));
	if (backend->driver != NULL) {
		rc = add_device(source, backend, error);
		snprintf(settings[count].name, sizeof(settings[count].name), "device");
		snprintf(settings[count].value, sizeof(settings[count].value), "%s",
			 source->device);
		count++;
	}
	return rc == 0 ? read_settings(source->src.ops, source->conf, settings, count, error) : rc;
}

static int open_and_start(struct source *source, struct fg_error *error)
{
	struct fg_source *src = &source->src;
	int rc = src->ops->open(src, source->conf, error);

	if (rc != 0)
		return rc;
	rc = src->ops->start(src, error);
	if (rc != 0)
		src->ops->close(src);
	return rc;
}

static int open_source(struct reader *reader, struct fg_error *error)
{
	const struct fg_source_ops *ops = fg_source_kind(reader->backend->kind);
	struct source *source = aligned_alloc(128, RTE_ALIGN_CEIL(sizeof(*source), 128));
	int rc;

	if (source == NULL)
		return fg_error_set(error, ENOMEM, "no memory");
	memset(source, 0, sizeof(*source));
	source->src = (struct fg_source){
		.ops = ops, .name = reader->backend->name, .n_queues = 1, .mbufs = MBUFS};
	source->conf = calloc(1, ops->conf_bytes);
	rc = source->conf != NULL ? configure(source, reader, error)
				  : fg_error_set(error, ENOMEM, "no memory");
	if (rc == 0) {
		rc = open_and_start(source, error);
		if (rc != 0)
			fg_option_free(ops->options, source->conf);
	}
	if (rc != 0) {
		free(source->conf);
		free(source);
		return rc;
	}
	reader->state = source;
	return 0;
}

static void record_times(struct reader *reader, struct rte_mbuf *const *pkts, unsigned int count,
			 bool timed)
{
	const uint64_t now_ns = realtime_ns();

	for (unsigned int i = 0; i < count; i++) {
		uint64_t then_ns;

		if (rte_pktmbuf_data_len(pkts[i]) < STAMP_END)
			continue;
		memcpy(&then_ns, rte_pktmbuf_mtod_offset(pkts[i], const uint8_t *, STAMP_OFFSET),
		       sizeof(then_ns));
		times_record(&reader->sent, now_ns, then_ns);
		if (timed && (fg_meta(pkts[i])->flags & FG_META_TIMED) != 0)
			times_record(&reader->stamped, now_ns, fg_meta(pkts[i])->rx_ns);
	}
}

static inline unsigned int poll_source(struct reader *reader, const unsigned int reading)
{
	struct source *source = reader->state;
	struct fg_burst burst;
	const uint16_t found = fg_source_rx(&source->src, 0, &burst);

	if (found == 0)
		return 0;
	reader->packets += found;
	if ((reading & READING_FILTERED) != 0) {
		struct filter *filter = reader->filter;
		struct fg_key keys[FG_BURST_MAX] __attribute__((aligned(RTE_CACHE_LINE_MIN_SIZE)));
		uint32_t rules[FG_BURST_MAX];

		burst.count =
			fg_parse_burst(&filter->parse, burst.pkts, found, keys, &filter->stats);
		if (burst.count > 0)
			fg_table_lookup(filter->table, keys, burst.pkts, rules, burst.count);
		for (unsigned int i = 0; i < burst.count; i++)
			reader->matched += rules[i] != FG_RULE_NONE;
	}
	if ((reading & READING_TIMED) != 0)
		record_times(reader, burst.pkts, burst.count, source->src.ops->timed);
	rte_pktmbuf_free_bulk(burst.pkts, burst.count);
	return found;
}

static unsigned int poll_plain(struct reader *reader)
{
	return poll_source(reader, 0);
}

static unsigned int poll_filtered(struct reader *reader)
{
	return poll_source(reader, READING_FILTERED);
}

static unsigned int poll_timed(struct reader *reader)
{
	return poll_source(reader, READING_TIMED);
}

static unsigned int poll_filtered_timed(struct reader *reader)
{
	return poll_source(reader, READING_FILTERED | READING_TIMED);
}

static int source_lost(struct reader *reader, uint64_t *lost, struct fg_error *error)
{
	struct source *source = reader->state;
	struct fg_source_lost now = {0};

	(void)error;
	fg_source_count_lost(&source->src, &now);
	*lost = now.nic + now.no_mbuf + now.errors;
	return 0;
}

static int close_source(struct reader *reader, struct fg_error *error)
{
	struct source *source = reader->state;
	const struct fg_source_ops *ops = source->src.ops;
	uint64_t outstanding;

	ops->stop(&source->src);
	outstanding = ops->outstanding(&source->src);
	ops->close(&source->src);
	fg_option_free(ops->options, source->conf);
	free(source->conf);
	free(source);
	reader->state = NULL;
	return outstanding == 0
		       ? 0
		       : fg_error_set(error, EBADMSG,
				      "%" PRIu64 " mbufs are still in use when it is closed",
				      outstanding);
}

const struct reader_kind reader_source = {
	.open = open_source,
	.poll = {poll_plain, poll_filtered, poll_timed, poll_filtered_timed},
	.lost = source_lost,
	.close = close_source,
};
