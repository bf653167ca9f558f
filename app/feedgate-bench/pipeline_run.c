/* SPDX-License-Identifier: MIT */
/*
 * The pipeline in this process. Its source is `replay` at full speed, with one change: when the
 * capture is repeated, sequence numbers continue, so that the arbiter sees a feed that goes on.
 * There are fewer mbufs than packets, so a packet is not sent again while it is still in use.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_byteorder.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include <fg_config.h>
#include <fg_pipeline.h>

#include "child.h"
#include "pipeline.h"

#define MBUFS      8192u
#define WARM_UP_MS 50u

static const struct fg_source_ops *replay;
static uint64_t numbers; /* of each feed in the capture */

static uint16_t rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			 uint16_t max)
{
	const uint16_t n = replay->rx_burst(src, queue, pkts, max);

	for (uint16_t i = 0; i < n; i++) {
		uint8_t *at = rte_pktmbuf_mtod_offset(pkts[i], uint8_t *, PIPELINE_NUMBER_AT);
		uint64_t number;

		memcpy(&number, at, sizeof(number));
		number = rte_cpu_to_be_64(rte_be_to_cpu_64(number) + numbers);
		memcpy(at, &number, sizeof(number));
	}
	return n;
}

int pipeline_eal(struct fg_error *error)
{
	char lcores[64];
	char *argv[] = {"feedgate-bench", "--no-huge",           "-m",          "2048",
			"--no-pci",       "--no-telemetry",      "--no-shconf", "--lcores",
			lcores,           "--log-level=*:error", NULL};
	unsigned int first = 0, last = CPU_SETSIZE - 1;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return fg_error_set(error, errno, "CPUs: %s", strerror(errno));
	while (!CPU_ISSET(first, &cpus))
		first++;
	while (!CPU_ISSET(last, &cpus))
		last--;
	/* The main lcore sleeps, so it can share a CPU. */
	snprintf(lcores, sizeof(lcores), "0@%u,1@%u,2@%u", first, last, first);
	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) >= 0)
		return 0;
	return fg_error_set(error, rte_errno, "EAL does not start: %s", rte_strerror(rte_errno));
}

/* The objects of one run. */
struct pipeline {
	struct fg_source_ops ops;
	struct fg_source source;
	struct fg_sink sink;
	void *source_conf;
	struct fg_feed_conf confs[PIPELINE_FEEDS];
	struct fg_feed *feeds[PIPELINE_FEEDS];
	struct fg_pipeline *pipeline;
	bool source_open;
};

static int open_source(struct pipeline *p, const char *capture, struct fg_error *error)
{
	int rc;

	p->ops = *replay;
	p->ops.rx_burst = rx_burst;
	p->source = (struct fg_source){
		.ops = &p->ops, .name = "pipeline", .n_queues = 1, .mbufs = MBUFS};
	p->source_conf = calloc(1, replay->conf_bytes);
	if (p->source_conf == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	rc = fg_option_read(replay->options,
			    &(struct fg_node){.kind = FG_NODE_SCALAR, .text = capture},
			    p->source_conf, error);
	for (const struct fg_option *row = replay->options; rc == 0 && row->name != NULL; row++)
		if (strcmp(row->name, "loops") == 0)
			rc = fg_option_set(row, p->source_conf, "0", NULL, error);
	if (rc == 0)
		rc = p->ops.open(&p->source, p->source_conf, error);
	p->source_open = rc == 0;
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

static int load_rules(const struct pipeline *p, enum pipeline_depth depth, struct fg_rules **out,
		      struct fg_error *error)
{
	static const char *const sinks[] = {"seen"};
	const struct fg_protocol *protocols[PIPELINE_FEEDS];
	const char *names[PIPELINE_FEEDS];
	const struct fg_scope scope = {.sinks = sinks,
				       .n_sinks = 1,
				       .feeds = names,
				       .n_feeds = PIPELINE_FEEDS,
				       .protocols = protocols};
	char *text = pipeline_rules_text(depth);
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

static int open_pipeline(struct pipeline *p, enum pipeline_depth depth, unsigned int workers,
			 struct fg_error *error)
{
	struct fg_source *source = &p->source;
	struct fg_sink *sink = &p->sink;
	struct fg_pipeline_setup setup = {
		.conf = {.workers = workers, .ring_slots = 16384},
		.endpoints = {.sources = &source,
			      .n_sources = 1,
			      .sinks = &sink,
			      .n_sinks = 1,
			      .feeds = p->feeds,
			      .n_feeds = PIPELINE_FEEDS},
	};
	struct fg_rules *rules = NULL;
	int rc = fg_option_read(fg_classify_options, NULL, &setup.classify, error);

	if (rc == 0)
		rc = fg_placement_make(&setup.conf, 1, &setup.placement, error);
	if (rc != 0)
		return rc;
	p->sink = (struct fg_sink){
		.ops = fg_sink_kind("count"), .name = "seen", .n_lanes = setup.placement.n_lanes};
	rc = fg_pipeline_create(&setup, &p->pipeline, error);
	if (rc == 0)
		rc = load_rules(p, depth, &rules, error);
	if (rc == 0)
		rc = fg_pipeline_publish(p->pipeline, rules, error);
	return rc;
}

static int measure(struct pipeline *p, uint64_t run_ms, struct pipeline_result *out,
		   struct fg_error *error)
{
	const struct timespec warm_up = {.tv_nsec = WARM_UP_MS * 1000000L};
	const struct timespec run = {.tv_sec = (time_t)(run_ms / 1000),
				     .tv_nsec = (long)(run_ms % 1000) * 1000000L};
	struct fg_totals before, after, all;
	uint64_t begun_ns, ended_ns;
	int rc = fg_pipeline_start(p->pipeline, error);

	if (rc != 0)
		return rc;
	nanosleep(&warm_up, NULL);
	fg_pipeline_totals(p->pipeline, &before);
	begun_ns = now_ns();
	nanosleep(&run, NULL);
	fg_pipeline_totals(p->pipeline, &after);
	ended_ns = now_ns();
	rc = fg_pipeline_stop(p->pipeline, error);
	if (rc == 0 && child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	if (rc == 0)
		rc = fg_pipeline_check_accounting(p->pipeline, error);
	if (rc != 0)
		return rc;
	fg_pipeline_totals(p->pipeline, &all);
	*out = (struct pipeline_result){
		.packets_per_s = (double)(after.received_packets - before.received_packets) * 1e9 /
				 (double)(ended_ns - begun_ns),
		.received = all.received_packets,
		.delivered = all.delivered_packets,
		.duplicates = all.dropped[FG_DROP_duplicate],
		.unmatched = all.dropped[FG_DROP_no_matching_message],
	};
	out->messages_per_s = out->packets_per_s * (double)numbers / PIPELINE_ROUNDS;
	return 0;
}

/* Did every stage do its work? The expected shares follow from the capture. */
static int check(const struct pipeline_result *r, enum pipeline_depth depth, struct fg_error *error)
{
	const uint64_t half = r->received / 2, slack = 2 * PIPELINE_FEEDS * PIPELINE_ROUNDS;

	if (r->received == 0)
		return fg_error_set(error, EBADMSG, "pipeline: received nothing");
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
	if (p->source_open)
		p->ops.close(&p->source);
	fg_option_free(replay->options, p->source_conf);
	free(p->source_conf);
	free(p);
}

int pipeline_run(const char *capture, enum pipeline_depth depth, unsigned int workers,
		 uint64_t run_ms, struct pipeline_result *out, struct fg_error *error)
{
	struct pipeline *p = aligned_alloc(_Alignof(struct pipeline), sizeof(*p));
	int rc;

	if (p == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	memset(p, 0, sizeof(*p));
	numbers = pipeline_numbers();
	replay = fg_source_kind("replay");
	rc = open_source(p, capture, error);
	if (rc == 0)
		rc = open_feeds(p, error);
	if (rc == 0)
		rc = open_pipeline(p, depth, workers, error);
	if (rc == 0)
		rc = measure(p, run_ms, out, error);
	if (rc == 0)
		rc = check(out, depth, error);
	close_all(p);
	return rc;
}
