/* SPDX-License-Identifier: MIT */
/*
 * Rule sets replaced under full load: every packet is classified by exactly one of them, none is
 * lost, and nothing leaks. FG_RELOADS: how many replacements (default 100).
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
#define PAYLOAD_AT 42u  /* the instrument, 4 bytes */
#define INSTRUMENT 100u /* of port 0; instrument 0 would mean none */
#define FIRST_ODD  0u   /* Odd versions match ports 0..39, even ones 24..63. */
#define LAST_ODD   39u
#define FIRST_EVEN 24u
#define LAST_EVEN  63u

static char folder[] = "/tmp/feedgate-test-XXXXXX";
static char capture[64];
static unsigned int reloads = 100;
static uint32_t ids[2][PORTS]; /* of the rule that wins the port, by version % 2; 0: none */
static bool by_subscription;   /* one rule matches all; ports are instruments of its feed */

/* A sink that checks each packet against the rule-set version that classified it. */
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
	       meta->rule_id == ids[odd][by_subscription ? (odd ? FIRST_ODD : FIRST_EVEN) : port];
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
	.help = "checks packets against their rule-set version",
	.options = no_options,
	.open = watch_open,
	.start = watch_start,
	.put = watch_put,
	.stop = watch_stop,
	.close = watch_close,
};

/* One rule that subscribes to the version's ports as instruments. */
static void write_subscribing_rule(char *text, size_t size, bool odd)
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

	if (by_subscription)
		write_subscribing_rule(text, sizeof(text), odd);
	else
		write_rules(text, sizeof(text), odd);
	if (fg_config_load_text("set", text, strlen(text), &config, &error) != 0)
		fail_msg("%s", error.text);
	return config;
}

/* One pipeline, from source to sinks. */
struct fixture {
	struct rig rig;
	struct fg_sink sinks[2];
	struct watch watch[2];
	struct fg_config *sets[2]; /* [rules_version % 2] */
	struct fg_feed_conf feed_conf;
	struct fg_feed *feed; /* by_subscription */
	struct fg_pipeline *pipeline;
	uint64_t heap; /* after the first sets */
	struct rte_malloc_socket_stats dpdk;
};

static void publish(struct fixture *fixture)
{
	static const char *const sinks[] = {"a", "b"};
	static const char *const feeds[] = {"f"};
	const struct fg_protocol *const protocols[] = {fixture->feed_conf.protocol};
	const struct fg_scope scope = {
		.sinks = sinks, .n_sinks = 2, .feeds = feeds, .n_feeds = 1, .protocols = protocols};
	const uint32_t next = fg_pipeline_rules_version(fixture->pipeline) + 1;
	struct fg_error error = {0};
	struct fg_rules *rules = NULL;

	if (fg_rules_load(fg_config_root(fixture->sets[next % 2]), NULL, &scope, &rules, &error) !=
		    0 ||
	    fg_pipeline_publish(fixture->pipeline, rules, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(fg_pipeline_rules_version(fixture->pipeline), next);
	assert_ptr_equal(fg_pipeline_rules(fixture->pipeline), rules);
}

/* The payload is one message, which begins with its instrument. */
static void make_feed(struct fixture *fixture)
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
	    fg_feed_read(fg_config_root(config), &fixture->feed_conf, &error) != 0 ||
	    fg_feed_create(&fixture->feed_conf, 1, SOCKET_ID_ANY, &fixture->feed, &error) != 0)
		fail_msg("%s", error.text);
	fg_config_free(config);
}

static void make_pipeline(struct fixture *fixture, uint64_t workers)
{
	struct fg_source *source = &fixture->rig.src;
	struct fg_sink *sinks[] = {&fixture->sinks[0], &fixture->sinks[1]};
	struct fg_pipeline_setup setup = {
		.conf = {.workers = workers, .ring_slots = 4096},
		.endpoints = {.sources = &source,
			      .n_sources = 1,
			      .sinks = sinks,
			      .n_sinks = 2,
			      .feeds = &fixture->feed,
			      .n_feeds = 1},
	};
	struct fg_error error = {0};

	assert_int_equal(fg_option_read(fg_classify_options, NULL, &setup.classify, &error), 0);
	assert_int_equal(fg_placement_make(&setup.conf, 1, &setup.placement, &error), 0);
	for (uint8_t i = 0; i < 2; i++) {
		fixture->sets[i] = load_set(i != 0);
		fixture->sinks[i] = (struct fg_sink){
			.ops = &watch_ops,
			.priv = &fixture->watch[i],
			.name = i == 0 ? "a" : "b",
			.index = i,
			.n_lanes = setup.placement.n_lanes,
		};
	}
	if (fg_pipeline_create(&setup, &fixture->pipeline, &error) != 0)
		fail_msg("%s", error.text);
}

/* Replaced sets are freed when no packet refers to them: this takes a turn of each lcore, or two.
 */
static void reclaim(struct fixture *fixture)
{
	while (fg_pipeline_reclaim(fixture->pipeline) > 0)
		usleep(100);
}

static void remember_memory(struct fixture *fixture)
{
	reclaim(fixture);
	fixture->heap = mallinfo2().uordblks;
	assert_int_equal(rte_malloc_get_socket_stats(0, &fixture->dpdk), 0);
}

/*
 * Publish both sets until DPDK's heap has the same size twice: an element that reuses a slightly
 * larger hole keeps the rest of it, so the first rounds may differ. A leak never settles.
 */
static void settle_memory(struct fixture *fixture)
{
	uint64_t last;

	remember_memory(fixture);
	for (unsigned int round = 0; round < 16; round++) {
		last = fixture->dpdk.heap_allocsz_bytes;
		publish(fixture);
		publish(fixture);
		remember_memory(fixture);
		if (fixture->dpdk.heap_allocsz_bytes == last)
			return;
	}
}

static void check_memory(struct fixture *fixture)
{
	struct rte_malloc_socket_stats now;
	uint64_t heap;

	reclaim(fixture);
	heap = mallinfo2().uordblks;
	assert_int_equal(rte_malloc_get_socket_stats(0, &now), 0);
	assert_int_equal(now.alloc_count, fixture->dpdk.alloc_count);
	/* As many elements; one that reuses a larger hole keeps the rest of it. */
	if (now.heap_allocsz_bytes > fixture->dpdk.heap_allocsz_bytes + (4u << 10))
		fail_msg("DPDK's heap grew from %zu to %zu bytes", fixture->dpdk.heap_allocsz_bytes,
			 now.heap_allocsz_bytes);
	/* A set takes some 100 KiB; glibc's own caches move a little. */
	if (heap > fixture->heap + (64u << 10))
		fail_msg("the heap grew from %lu to %lu bytes", fixture->heap, heap);
}

static void check_accounting(struct fixture *fixture)
{
	const uint64_t seen = fixture->watch[0].packets + fixture->watch[1].packets;
	struct fg_source *source = &fixture->rig.src;
	struct fg_source_lost lost;
	struct fg_error error = {0};
	struct fg_totals totals;

	if (fg_pipeline_check_accounting(fixture->pipeline, &error) != 0)
		fail_msg("%s", error.text);
	fg_pipeline_totals(fixture->pipeline, &totals);
	assert_int_equal(fixture->watch[0].wrong, 0);
	assert_int_equal(fixture->watch[1].wrong, 0);
	assert_true(fixture->watch[0].packets > 0 && fixture->watch[1].packets > 0);
	assert_int_equal(totals.delivered_packets, seen);
	/* Only ports that a set does not match are dropped. */
	assert_int_equal(totals.received_packets,
			 seen + totals.dropped[by_subscription ? FG_DROP_no_matching_message
							       : FG_DROP_no_rule]);
	fg_source_count_lost(source, &lost);
	assert_int_equal(lost.nic + lost.no_mbuf + lost.errors, 0);
}

static void close_fixture(struct fixture *fixture)
{
	struct fg_source *source = &fixture->rig.src;

	fg_pipeline_free(fixture->pipeline);
	fg_feed_free(fixture->feed);
	fg_feed_conf_free(&fixture->feed_conf);
	assert_int_equal(source->ops->outstanding(source), 0);
	source->ops->close(source);
	fg_option_free(source->ops->options, fixture->rig.conf);
	free(fixture->rig.conf);
	for (unsigned int i = 0; i < 2; i++)
		fg_config_free(fixture->sets[i]);
}

static void reload_under_load(const char *kind, const char *const *options, uint64_t workers)
{
	static struct fixture fixture;
	struct fg_error error = {0};

	fixture = (struct fixture){0};
	if (rig_open(&fixture.rig, kind, 1, 4096, options) != 0)
		fail_msg("%s", fixture.rig.error.text);
	if (by_subscription)
		make_feed(&fixture);
	make_pipeline(&fixture, workers);
	publish(&fixture);
	if (fg_pipeline_start(fixture.pipeline, &error) != 0)
		fail_msg("%s", error.text);
	for (unsigned int i = 0; i < 2 || fixture.watch[0].packets + fixture.watch[1].packets == 0;
	     i++)
		publish(&fixture);
	if (fg_pipeline_rules_version(fixture.pipeline) % 2 == 0)
		publish(&fixture);
	settle_memory(&fixture);
	for (unsigned int i = 0; i < (reloads + 1) / 2 * 2; i++)
		publish(&fixture);
	check_memory(&fixture);
	assert_int_equal(fg_pipeline_stop(fixture.pipeline, &error), 0);
	check_accounting(&fixture);
	print_message("%u rule-set versions, %lu packets\n",
		      fg_pipeline_rules_version(fixture.pipeline),
		      fixture.watch[0].packets + fixture.watch[1].packets);
	close_fixture(&fixture);
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

/* Filters of an old set must not be freed while packets that it classified are in the rings. */
static void filters_with_worker(void **state)
{
	const char *const options[] = {"path", capture, "loops", "0", NULL};

	(void)state;
	by_subscription = true;
	reload_under_load("replay", options, 1);
	by_subscription = false;
}

static void filters_to_completion(void **state)
{
	const char *const options[] = {"path", capture, "loops", "0", NULL};

	(void)state;
	by_subscription = true;
	reload_under_load("replay", options, 0);
	by_subscription = false;
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
	static struct fixture fixture;
	struct fg_error error = {0};
	struct fg_match bad = {.rule = 1, .src_port_min = 2, .src_port_max = 1};
	struct fg_rule rule[2] = {0};
	struct fg_rules rules = {.rules = rule, .count = 1, .matches = &bad, .n_matches = 1};
	const struct fg_rules *old;

	(void)state;
	fixture = (struct fixture){0};
	assert_int_equal(rig_open(&fixture.rig, "replay", 1, 4096, options), 0);
	make_pipeline(&fixture, 0);
	assert_null(fg_pipeline_rules(fixture.pipeline));
	assert_int_equal(fg_pipeline_start(fixture.pipeline, &error), -EINVAL);
	publish(&fixture);
	old = fg_pipeline_rules(fixture.pipeline);
	error = (struct fg_error){0};
	assert_int_equal(fg_pipeline_start(fixture.pipeline, &error), 0);
	assert_int_equal(fg_pipeline_publish(fixture.pipeline, &rules, &error), -EINVAL);
	assert_true(error.text[0] != '\0');
	assert_ptr_equal(fg_pipeline_rules(fixture.pipeline), old);
	assert_int_equal(fg_pipeline_rules_version(fixture.pipeline), 1);
	error = (struct fg_error){0};
	assert_int_equal(fg_pipeline_stop(fixture.pipeline, &error), 0);
	close_fixture(&fixture);
}

/* Name the rules of both sets, by port. */
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
		uint8_t copy[sizeof(frame)];

		memcpy(copy, frame, sizeof(frame));
		copy[PORT_AT + 1] = (uint8_t)port;
		copy[PAYLOAD_AT] = (uint8_t)(port + INSTRUMENT);
		if (fwrite(record, sizeof(record), 1, file) != 1 ||
		    fwrite(copy, sizeof(copy), 1, file) != 1)
			return -1;
	}
	return fclose(file);
}

/* Two lcores beside the main one, on the CPUs this process may use. */
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
		cmocka_unit_test(filters_to_completion),
		cmocka_unit_test(filters_with_worker),
	};

	return cmocka_run_group_tests_name("pipeline", tests, start, stop);
}
