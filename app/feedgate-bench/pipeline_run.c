/* SPDX-License-Identifier: MIT */
/* One pipeline in this process, from its sources to a sink that counts. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fg_config.h>
#include <fg_pipeline.h>

#include "child.h"
#include "eal.h"
#include "pipeline.h"

#define WARM_UP_MS 50u
#define MEGABYTES  768u
#define WAITS      100u /* of WARM_UP_MS each, for the first packet */

int pipeline_eal(uint64_t *memory, struct fg_error *error)
{
	unsigned int first, last;
	char lcores[64];
	const int rc = eal_cpus(&first, &last, error);

	/* The main lcore sleeps, so it can share a CPU. */
	snprintf(lcores, sizeof(lcores), "0@%u,1@%u,2@%u", first, last, first);
	return rc == 0 ? eal_start(memory, MEGABYTES, lcores, error) : rc;
}

/* The objects of one run. */
struct pipeline {
	const struct pipeline_shape *shape;
	struct pipeline_source sources[PIPELINE_SOURCES_MAX];
	struct fg_sink sink;
	struct fg_feed_conf confs[PIPELINE_FEEDS];
	struct fg_feed *feeds[PIPELINE_FEEDS];
	struct fg_pipeline *pipeline;
};

static int open_sources(struct pipeline *p, struct fg_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; i < p->shape->rx && rc == 0; i++)
		rc = pipeline_source_open(&p->sources[i], i, p->shape->rx, error);
	return rc;
}

static int open_feeds(struct pipeline *p, struct fg_error *error)
{
	char *text = pipeline_feeds_text();
	struct fg_config *config = NULL;
	const struct fg_node *n;
	int rc = text != NULL ? fg_config_load_text("feeds", text, strlen(text), &config, error)
			      : fg_error_set(error, ENOMEM, "out of memory");

	free(text);
	if (rc != 0)
		return rc;
	n = fg_config_root(config)->child;
	for (uint32_t i = 0; i < PIPELINE_FEEDS && rc == 0; i++, n = n->next) {
		rc = fg_feed_read(n, &p->confs[i], error);
		if (rc == 0)
			rc = fg_feed_create(&p->confs[i], 2, SOCKET_ID_ANY, &p->feeds[i], error);
	}
	fg_config_free(config);
	return rc;
}

static int load_rules(const struct pipeline *p, struct fg_rules **out, struct fg_error *error)
{
	static const char *const sinks[] = {"seen"};
	const struct fg_protocol *protocols[PIPELINE_FEEDS];
	const char *names[PIPELINE_FEEDS];
	const struct fg_scope scope = {.sinks = sinks,
				       .n_sinks = 1,
				       .feeds = names,
				       .n_feeds = PIPELINE_FEEDS,
				       .protocols = protocols};
	char *text = pipeline_rules_text(p->shape->depth);
	struct fg_config *config = NULL;
	int rc = text != NULL ? fg_config_load_text("rules", text, strlen(text), &config, error)
			      : fg_error_set(error, ENOMEM, "out of memory");

	free(text);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < PIPELINE_FEEDS; i++) {
		names[i] = p->confs[i].name;
		protocols[i] = p->confs[i].protocol;
	}
	rc = fg_rules_load(fg_config_root(config), NULL, &scope, out, error);
	fg_config_free(config);
	return rc;
}

static int open_pipeline(struct pipeline *p, struct fg_error *error)
{
	struct fg_source *sources[PIPELINE_SOURCES_MAX];
	struct fg_sink *sink = &p->sink;
	struct fg_pipeline_setup setup = {
		.conf = {.workers = p->shape->workers, .ring_slots = 16384},
		.endpoints = {.sources = sources,
			      .n_sources = p->shape->rx,
			      .sinks = &sink,
			      .n_sinks = 1,
			      .feeds = p->feeds,
			      .n_feeds = PIPELINE_FEEDS},
	};
	struct fg_rules *rules = NULL;
	int rc = fg_option_read(fg_classify_options, NULL, &setup.classify, error);

	for (uint32_t i = 0; i < p->shape->rx; i++)
		sources[i] = &p->sources[i].source;
	if (rc == 0)
		rc = fg_placement_make(&setup.conf, p->shape->rx, &setup.placement, error);
	if (rc != 0)
		return rc;
	p->sink = (struct fg_sink){
		.ops = fg_sink_kind("count"), .name = "seen", .n_lanes = setup.placement.n_lanes};
	rc = fg_pipeline_create(&setup, &p->pipeline, error);
	if (rc == -EINVAL && p->shape->rx > 1 && p->shape->workers == 0)
		return -ENOTSUP;
	if (rc == 0)
		rc = load_rules(p, &rules, error);
	if (rc == 0)
		rc = fg_pipeline_publish(p->pipeline, rules, error);
	return rc;
}

/* A moment of the run. */
struct moment {
	uint64_t packets, ns;
};

/*
 * Without workers the CPU time of each rx lcore counts: none is ever idle, and other programs' time
 * is left out. With a worker, which may be idle, the time that passes counts.
 */
static void take_moments(struct pipeline *p, struct moment moments[PIPELINE_SOURCES_MAX])
{
	struct fg_totals totals;

	for (uint32_t i = 0; i < p->shape->rx && p->shape->workers == 0; i++)
		pipeline_source_time(&p->sources[i], &moments[i].packets, &moments[i].ns);
	if (p->shape->workers == 0)
		return;
	fg_pipeline_totals(p->pipeline, &totals);
	moments[0] = (struct moment){.packets = totals.received_packets, .ns = now_ns()};
}

static bool has_moved(const struct pipeline *p, const struct moment *before,
		      const struct moment *after)
{
	const uint32_t n = p->shape->workers == 0 ? p->shape->rx : 1;

	for (uint32_t i = 0; i < n; i++)
		if (after[i].packets == before[i].packets || after[i].ns == before[i].ns)
			return false;
	return true;
}

static void sleep_ms(uint64_t ms)
{
	const struct timespec time = {.tv_sec = (time_t)(ms / 1000),
				      .tv_nsec = (long)(ms % 1000) * 1000000L};

	nanosleep(&time, NULL);
}

/* Let it run. @return packets per second; 0: none came. */
static double measure_rate(struct pipeline *p, uint64_t run_ms)
{
	struct moment before[PIPELINE_SOURCES_MAX] = {0}, after[PIPELINE_SOURCES_MAX] = {0};
	double rate = 0;

	sleep_ms(WARM_UP_MS);
	take_moments(p, before);
	sleep_ms(run_ms);
	take_moments(p, after);
	/* On a busy machine an lcore may not have run at all. */
	for (uint32_t i = 0; !has_moved(p, before, after) && i < WAITS; i++) {
		sleep_ms(WARM_UP_MS);
		take_moments(p, after);
	}
	for (uint32_t i = 0; i < PIPELINE_SOURCES_MAX && has_moved(p, before, after); i++)
		if (after[i].ns > before[i].ns)
			rate += (double)(after[i].packets - before[i].packets) * 1e9 /
				(double)(after[i].ns - before[i].ns);
	return rate;
}

static int measure(struct pipeline *p, uint64_t run_ms, struct pipeline_result *out,
		   struct fg_error *error)
{
	struct fg_totals all;
	int rc = fg_pipeline_start(p->pipeline, error);
	double rate;

	if (rc != 0)
		return rc;
	rate = measure_rate(p, run_ms);
	rc = fg_pipeline_stop(p->pipeline, error);
	if (rc == 0 && child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	if (rc == 0)
		rc = fg_pipeline_check_accounting(p->pipeline, error);
	if (rc == 0 && rate <= 0)
		rc = fg_error_set(error, EBADMSG, "pipeline: received nothing");
	if (rc != 0)
		return rc;
	fg_pipeline_totals(p->pipeline, &all);
	*out = (struct pipeline_result){
		.packets_per_s = rate,
		.messages_per_s = rate * pipeline_messages(),
		.received = all.received_packets,
		.delivered = all.delivered_packets,
		.duplicates = all.dropped[FG_DROP_duplicate],
		.unmatched = all.dropped[FG_DROP_no_matching_message],
	};
	return 0;
}

/* Did every stage do its work? The expected shares follow from the packets. */
static int check(const struct pipeline_result *r, enum pipeline_depth depth, struct fg_error *error)
{
	const uint64_t half = r->received / 2, slack = 2 * PIPELINE_FEEDS * PIPELINE_ROUNDS;

	if (depth == PIPELINE_RX ? r->delivered != 0
				 : r->delivered + r->duplicates + r->unmatched != r->received)
		return fg_error_set(error, EBADMSG, "pipeline: packets are missing");
	if (depth >= PIPELINE_ARBITRATE && (r->duplicates + slack < half || r->duplicates > half))
		return fg_error_set(error, EBADMSG,
				    "pipeline: of %" PRIu64 " packets %" PRIu64
				    " were duplicates: expected half",
				    r->received, r->duplicates);
	if (depth == PIPELINE_FILTER && (r->delivered == 0 || r->unmatched < r->delivered))
		return fg_error_set(error, EBADMSG,
				    "pipeline: %" PRIu64 " packets delivered, %" PRIu64
				    " unmatched: expected fewer delivered than unmatched",
				    r->delivered, r->unmatched);
	return 0;
}

static void close_all(struct pipeline *p)
{
	fg_pipeline_free(p->pipeline);
	for (uint32_t i = 0; i < PIPELINE_FEEDS; i++) {
		fg_feed_free(p->feeds[i]);
		fg_feed_conf_free(&p->confs[i]);
	}
	for (uint32_t i = 0; i < p->shape->rx; i++)
		pipeline_source_close(&p->sources[i]);
	free(p);
}

int pipeline_run(const struct pipeline_shape *shape, uint64_t run_ms, struct pipeline_result *out,
		 struct fg_error *error)
{
	struct pipeline *p = aligned_alloc(_Alignof(struct pipeline), sizeof(*p));
	int rc;

	if (p == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	memset(p, 0, sizeof(*p));
	p->shape = shape;
	rc = open_sources(p, error);
	if (rc == 0)
		rc = open_feeds(p, error);
	if (rc == 0)
		rc = open_pipeline(p, error);
	if (rc == 0)
		rc = measure(p, run_ms, out, error);
	if (rc == 0)
		rc = check(out, shape->depth, error);
	close_all(p);
	return rc;
}
