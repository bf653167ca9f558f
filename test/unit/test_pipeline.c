/* SPDX-License-Identifier: MIT */
/*
 * Rule sets replaced under full load: every packet is judged by exactly one of
 * them, none is lost, and nothing leaks. FG_RELOADS says how often (default 100).
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include <fg_config.h>
#include <fg_names.h>
#include <fg_pipeline.h>

#include "source_rig.h"

#define PORTS      64u
#define PORT_AT    36u  /* Ethernet, IPv4, then the UDP destination */
#define PAYLOAD_AT 42u  /* Behind them: the instrument, of 4 bytes */
#define INSTRUMENT 100u /* That of port 0; number 0 would be none */
#define FIRST_ODD  0u   /* Odd rule-set versions want ports 0..39, even ones 24..63. */
#define LAST_ODD   39u
#define FIRST_EVEN 24u
#define LAST_EVEN  63u

static char folder[] = "/tmp/feedgate-test-XXXXXX";
static char capture[64];
static unsigned int reloads = 100;
static uint32_t ids[2]
		   [PORTS]; /* Of the rule that wins this port in such a rules_version; 0: none. */
static bool by_content;     /* One rule takes all, and wants the ports as instruments of a feed. */

/* A sink that holds each packet against the rules_version that judged it. */
struct watch {
	_Atomic uint64_t packets, wrong;
	_Atomic uint32_t rules_version; /* Of the last packet. */
};

static int watch_open(struct fg_sink *sink, const void *conf, struct fg_error *error)
{
	(void)conf;
	(void)error;
	(void)sink;
	return 0;
}

static int watch_start(struct fg_sink *sink, struct fg_error *error)
{
	(void)sink;
	(void)error;
	return 0;
}

static bool is_right(const struct fg_sink *sink, struct rte_mbuf *m, uint32_t last)
{
	const struct fg_meta *meta = fg_meta(m);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	const unsigned int port = (unsigned int)(data[PORT_AT] << 8 | data[PORT_AT + 1]);
	const unsigned int odd = meta->rules_version % 2;

	return port < PORTS && meta->rules_version >= last && sink->index == odd &&
	       meta->sinks == UINT64_C(1) << odd && ids[odd][port] != 0 &&
	       meta->rule_id == ids[odd][by_content ? (odd ? FIRST_ODD : FIRST_EVEN) : port];
}

static uint16_t watch_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			  uint16_t count)
{
	struct watch *watch = sink->priv;

	(void)lane;
	for (uint16_t i = 0; i < count; i++) {
		const uint32_t last =
			atomic_load_explicit(&watch->rules_version, memory_order_relaxed);

		if (!is_right(sink, pkts[i], last))
			atomic_fetch_add_explicit(&watch->wrong, 1, memory_order_relaxed);
		atomic_store_explicit(&watch->rules_version, fg_meta(pkts[i])->rules_version,
				      memory_order_relaxed);
	}
	atomic_fetch_add_explicit(&watch->packets, count, memory_order_relaxed);
	rte_pktmbuf_free_bulk(pkts, count);
	return count;
}

static int watch_stop(struct fg_sink *sink, struct fg_error *error)
{
	(void)sink;
	(void)error;
	return 0;
}

static void watch_close(struct fg_sink *sink)
{
	(void)sink;
}

static const struct fg_option no_options[] = {{0}};
static const struct fg_sink_ops watch_ops = {
	.name = "watch",
	.help = "holds packets against their rules_version",
	.options = no_options,
	.open = watch_open,
	.start = watch_start,
	.put = watch_put,
	.stop = watch_stop,
	.close = watch_close,
};

/* A rule that wants the rules_version's ports of its feed. */
static void write_wanting_rule(char *text, size_t size, bool odd)
{
	size_t used = (size_t)snprintf(text, size,
				       "[{name: %s, match: {udp: {}}, feed: f, to: %s, "
				       "instruments: [",
				       odd ? "odd-0" : "even-24", odd ? "b" : "a");

	for (unsigned int port = odd ? FIRST_ODD : FIRST_EVEN; port <= (odd ? LAST_ODD : LAST_EVEN);
	     port++)
		used += (size_t)snprintf(text + used, size - used, "%u, ", port + INSTRUMENT);
	snprintf(text + used, size - used, "]}]");
}

/* A rule per port, some by prefix, some by expression; the last ones never match. */
static void write_rules(char *text, size_t size, bool odd)
{
	const unsigned int first = odd ? FIRST_ODD : FIRST_EVEN, last = odd ? LAST_ODD : LAST_EVEN;
	size_t used = (size_t)snprintf(text, size, "[");

	for (unsigned int port = first; port <= last; port++)
		used += (size_t)snprintf(
			text + used, size - used,
			port % 8 == 7 ? "{name: %s-%u, match: {expr: 'udp dst port %u'}, to: %s},\n"
			: port % 4 == 1
				? "{name: %s-%u, match: {ipv4: {dst: 239.0.0.0/8}, udp: "
				  "{dst: %u}}, to: %s},\n"
				: "{name: %s-%u, match: {ipv4: {dst: 239.1.2.3}, udp: {dst: "
				  "%u}}, to: %s},\n",
			odd ? "odd" : "even", port, port, odd ? "b" : "a");
	for (unsigned int i = 0; i < (odd ? 5u : 500u); i++)
		used += (size_t)snprintf(text + used, size - used,
					 "{name: far-%u, match: {udp: {src: %u}}, drop: true},\n",
					 i, 1000 + i);
	snprintf(text + used, size - used, "]");
}

static struct fg_config *load_set(bool odd)
{
	static char text[1u << 18];
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	if (by_content)
		write_wanting_rule(text, sizeof(text), odd);
	else
		write_rules(text, sizeof(text), odd);
	if (fg_config_load_text("set", text, strlen(text), &config, &error) != 0)
		fail_msg("%s", error.text);
	return config;
}

/* One pipeline, from source to sinks. */
struct walk {
	struct rig rig;
	struct fg_sink sinks[2];
	struct watch watch[2];
	struct fg_config *sets[2]; /* [rules_version % 2] */
	struct fg_feed_conf feed_conf;
	struct fg_feed *feed; /* by_content */
	struct fg_pipeline *pipeline;
	uint64_t heap; /* after the first sets */
	struct rte_malloc_socket_stats dpdk;
};

static void publish(struct walk *walk)
{
	static const char *const sinks[] = {"a", "b"};
	static const char *const feeds[] = {"f"};
	const struct fg_protocol *const protocols[] = {walk->feed_conf.protocol};
	const struct fg_scope scope = {
		.sinks = sinks, .n_sinks = 2, .feeds = feeds, .n_feeds = 1, .protocols = protocols};
	const uint32_t next = fg_pipeline_rules_version(walk->pipeline) + 1;
	struct fg_error error = {0};
	struct fg_rules *rules = NULL;

	if (fg_rules_load(fg_config_root(walk->sets[next % 2]), NULL, &scope, &rules, &error) !=
		    0 ||
	    fg_pipeline_publish(walk->pipeline, rules, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(fg_pipeline_rules_version(walk->pipeline), next);
	assert_ptr_equal(fg_pipeline_rules(walk->pipeline), rules);
}

/* The payload is one message, which begins with its instrument. */
static void make_feed(struct walk *walk)
{
	static const char text[] =
		"{name: f, track: false, protocol: {header: {order: little, bytes: 4, messages_at: "
		"0}, sequence: {at: 0, bytes: 4, counts: packets}, walk: {kind: rest, min_bytes: "
		"4}, "
		"messages: "
		"[{type: other, instrument: number, at: 0, bytes: 4}]}}";
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	if (fg_config_load_text("feed", text, strlen(text), &config, &error) != 0 ||
	    fg_feed_read(fg_config_root(config), &walk->feed_conf, &error) != 0 ||
	    fg_feed_create(&walk->feed_conf, 1, SOCKET_ID_ANY, &walk->feed, &error) != 0)
		fail_msg("%s", error.text);
	fg_config_free(config);
}

static void make_pipeline(struct walk *walk, uint64_t workers)
{
	struct fg_source *source = &walk->rig.src;
	struct fg_sink *sinks[] = {&walk->sinks[0], &walk->sinks[1]};
	struct fg_pipeline_setup setup = {
		.conf = {.workers = workers, .ring_slots = 4096},
		.endpoints = {.sources = &source,
			      .n_sources = 1,
			      .sinks = sinks,
			      .n_sinks = 2,
			      .feeds = &walk->feed,
			      .n_feeds = 1},
	};
	struct fg_error error = {0};

	assert_int_equal(fg_option_read(fg_classify_options, NULL, &setup.classify, &error), 0);
	assert_int_equal(fg_placement_make(&setup.conf, 1, &setup.placement, &error), 0);
	for (uint8_t i = 0; i < 2; i++) {
		walk->sets[i] = load_set(i != 0);
		walk->sinks[i] = (struct fg_sink){
			.ops = &watch_ops,
			.priv = &walk->watch[i],
			.name = i == 0 ? "a" : "b",
			.index = i,
			.n_lanes = setup.placement.n_lanes,
		};
	}
	if (fg_pipeline_create(&setup, &walk->pipeline, &error) != 0)
		fail_msg("%s", error.text);
}

static void note_memory(struct walk *walk)
{
	walk->heap = mallinfo2().uordblks;
	assert_int_equal(rte_malloc_get_socket_stats(0, &walk->dpdk), 0);
}

static void check_memory(struct walk *walk)
{
	struct rte_malloc_socket_stats now;
	const uint64_t heap = mallinfo2().uordblks;

	assert_int_equal(rte_malloc_get_socket_stats(0, &now), 0);
	assert_int_equal(now.alloc_count, walk->dpdk.alloc_count);
	assert_int_equal(now.heap_allocsz_bytes, walk->dpdk.heap_allocsz_bytes);
	/* A set takes some 100 KiB; glibc's own caches move a little. */
	if (heap > walk->heap + (64u << 10))
		fail_msg("the heap grew from %lu to %lu bytes", walk->heap, heap);
}

static void check_accounts(struct walk *walk)
{
	const uint64_t seen = walk->watch[0].packets + walk->watch[1].packets;
	struct fg_source *source = &walk->rig.src;
	struct fg_source_lost lost;
	struct fg_error error = {0};
	struct fg_totals totals;

	if (fg_pipeline_check_accounting(walk->pipeline, &error) != 0)
		fail_msg("%s", error.text);
	fg_pipeline_totals(walk->pipeline, &totals);
	assert_int_equal(walk->watch[0].wrong, 0);
	assert_int_equal(walk->watch[1].wrong, 0);
	assert_true(walk->watch[0].packets > 0 && walk->watch[1].packets > 0);
	assert_int_equal(totals.delivered_packets, seen);
	/* Ports that a set does not want, and nothing else. */
	assert_int_equal(
		totals.received_packets,
		seen + totals.dropped[by_content ? FG_DROP_no_matching_message : FG_DROP_no_rule]);
	source->ops->lost(source, &lost);
	assert_int_equal(lost.nic + lost.no_mbuf + lost.errors, 0);
}

static void close_walk(struct walk *walk)
{
	struct fg_source *source = &walk->rig.src;

	fg_pipeline_free(walk->pipeline);
	fg_feed_free(walk->feed);
	fg_feed_conf_free(&walk->feed_conf);
	assert_int_equal(source->ops->outstanding(source), 0);
	source->ops->close(source);
	fg_option_free(source->ops->options, walk->rig.conf);
	free(walk->rig.conf);
	for (unsigned int i = 0; i < 2; i++)
		fg_config_free(walk->sets[i]);
}

static void reload_under_load(const char *kind, const char *const *options, uint64_t workers)
{
	static struct walk walk;
	struct fg_error error = {0};

	walk = (struct walk){0};
	if (rig_open(&walk.rig, kind, 1, 4096, options) != 0)
		fail_msg("%s", walk.rig.error.text);
	if (by_content)
		make_feed(&walk);
	make_pipeline(&walk, workers);
	publish(&walk);
	if (fg_pipeline_start(walk.pipeline, &error) != 0)
		fail_msg("%s", error.text);
	for (unsigned int i = 0; i < 2 || walk.watch[0].packets + walk.watch[1].packets == 0; i++)
		publish(&walk);
	if (fg_pipeline_rules_version(walk.pipeline) % 2 == 0)
		publish(&walk);
	note_memory(&walk);
	for (unsigned int i = 0; i < (reloads + 1) / 2 * 2; i++)
		publish(&walk);
	check_memory(&walk);
	assert_int_equal(fg_pipeline_stop(walk.pipeline, &error), 0);
	check_accounts(&walk);
	print_message("%u rule-set versions, %lu packets\n",
		      fg_pipeline_rules_version(walk.pipeline),
		      walk.watch[0].packets + walk.watch[1].packets);
	close_walk(&walk);
}

static void replay_to_completion(void **state)
{
	const char *const options[] = {"path", capture, "loops", "0", NULL};

	(void)state;
	reload_under_load("replay", options, 0);
}

static void replay_with_worker(void **state)
{
	const char *const options[] = {"path", capture, "loops", "0", NULL};

	(void)state;
	reload_under_load("replay", options, 1);
}

/* What a set wants must not be freed while packets that it judged are under way. */
static void contents_with_worker(void **state)
{
	const char *const options[] = {"path", capture, "loops", "0", NULL};

	(void)state;
	by_content = true;
	reload_under_load("replay", options, 1);
	by_content = false;
}

static void contents_to_completion(void **state)
{
	const char *const options[] = {"path", capture, "loops", "0", NULL};

	(void)state;
	by_content = true;
	reload_under_load("replay", options, 0);
	by_content = false;
}

static void port_to_completion(void **state)
{
	const char *const options[] = {"device", "net_pcap0", NULL};

	(void)state;
	reload_under_load("ethdev", options, 0);
}

static void refused_set_leaves_the_old(void **state)
{
	const char *const options[] = {"path", capture, "loops", "0", NULL};
	static struct walk walk;
	struct fg_error error = {0};
	struct fg_match bad = {.rule = 1, .src_port_min = 2, .src_port_max = 1};
	struct fg_rule rule[2] = {0};
	struct fg_rules rules = {.rules = rule, .count = 1, .matches = &bad, .n_matches = 1};
	const struct fg_rules *old;

	(void)state;
	walk = (struct walk){0};
	assert_int_equal(rig_open(&walk.rig, "replay", 1, 4096, options), 0);
	make_pipeline(&walk, 0);
	assert_null(fg_pipeline_rules(walk.pipeline));
	assert_int_equal(fg_pipeline_start(walk.pipeline, &error), -EINVAL);
	publish(&walk);
	old = fg_pipeline_rules(walk.pipeline);
	error = (struct fg_error){0};
	assert_int_equal(fg_pipeline_start(walk.pipeline, &error), 0);
	assert_int_equal(fg_pipeline_publish(walk.pipeline, &rules, &error), -EINVAL);
	assert_true(error.text[0] != '\0');
	assert_ptr_equal(fg_pipeline_rules(walk.pipeline), old);
	assert_int_equal(fg_pipeline_rules_version(walk.pipeline), 1);
	error = (struct fg_error){0};
	assert_int_equal(fg_pipeline_stop(walk.pipeline, &error), 0);
	close_walk(&walk);
}

/* Rules of both sets by port, as any name gets its id when it is first seen. */
static int name_rules(void)
{
	char name[32];

	for (unsigned int odd = 0; odd < 2; odd++)
		for (unsigned int port = odd ? FIRST_ODD : FIRST_EVEN;
		     port <= (odd ? LAST_ODD : LAST_EVEN); port++) {
			snprintf(name, sizeof(name), "%s-%u", odd ? "odd" : "even", port);
			if (fg_names_id(name, &ids[odd][port]) != 0)
				return -1;
		}
	return 0;
}

/* One UDP frame for each port, as a pcap file. */
static int write_capture(void)
{
	static const uint32_t head[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	static const uint8_t frame[60] = {
		1,    0, 0x5e, 1,  2, 3,  2, 0, 0,  0,  0, 1, 0x08, 0x00,       /* Ethernet */
		0x45, 0, 0,    46, 0, 0,  0, 0, 64, 17, 0, 0, 10,   0,    0, 1, /* IPv4 */
		239,  1, 2,    3,                                               /* its group */
		0,    7, 0,    0,  0, 26, 0, 0};                                /* UDP */
	FILE *file = fopen(capture, "wb");

	if (file == NULL || fwrite(head, sizeof(head), 1, file) != 1)
		return -1;
	for (unsigned int port = 0; port < PORTS; port++) {
		const uint32_t record[] = {port, 0, sizeof(frame), sizeof(frame)};
		uint8_t mine[sizeof(frame)];

		memcpy(mine, frame, sizeof(frame));
		mine[PORT_AT + 1] = (uint8_t)port;
		mine[PAYLOAD_AT] = (uint8_t)(port + INSTRUMENT);
		if (fwrite(record, sizeof(record), 1, file) != 1 ||
		    fwrite(mine, sizeof(mine), 1, file) != 1)
			return -1;
	}
	return fclose(file);
}

/* Two lcores beside the main one, on whatever CPUs there are. */
static int start(void **state)
{
	char device[128], lcores[64];
	cpu_set_t cpus;
	unsigned int first = 0, last;
	char *argv[] = {"test",     "--no-huge",      "-m",          "512",
			"--no-pci", "--no-telemetry", "--no-shconf", "--lcores",
			lcores,     "--vdev",         device,        "--log-level=lib.eal:4"};

	(void)state;
	if (getenv("FG_RELOADS") != NULL)
		reloads = (unsigned int)atoi(getenv("FG_RELOADS"));
	if (mkdtemp(folder) == NULL || sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return -1;
	while (!CPU_ISSET(first, &cpus))
		first++;
	for (last = CPU_SETSIZE - 1; !CPU_ISSET(last, &cpus);)
		last--;
	snprintf(capture, sizeof(capture), "%s/ports.pcap", folder);
	snprintf(device, sizeof(device), "net_pcap0,rx_pcap=%s,infinite_rx=1", capture);
	snprintf(lcores, sizeof(lcores), "0@%u,1@%u,2@%u", first, last, first);
	if (write_capture() != 0 || rte_eal_init((int)RTE_DIM(argv), argv) < 0)
		return -1;
	return name_rules();
}

static int stop(void **state)
{
	(void)state;
	fg_names_reset();
	(void)unlink(capture);
	(void)rmdir(folder);
	return rte_eal_cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_set_leaves_the_old),
		cmocka_unit_test(replay_to_completion),
		cmocka_unit_test(replay_with_worker),
		cmocka_unit_test(port_to_completion),
		cmocka_unit_test(contents_to_completion),
		cmocka_unit_test(contents_with_worker),
	};

	return cmocka_run_group_tests_name("pipeline", tests, start, stop);
}
