/* SPDX-License-Identifier: MIT */
/*
 * Several rx lcores, with and without workers: each feed on its lcore, the order of a feed's
 * packets from one source kept, nothing lost, while rules are added, removed and moved. FG_RELOADS:
 * how many times (default 100).
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include <fg_config.h>
#include <fg_names.h>
#include <fg_pipeline.h>

#include "source_rig.h"

#define SOURCES 2u
#define FEEDS   6u /* groups 0..5; the rules of the others have no feed */
#define GROUPS  8u
#define NUMBERS 16u /* packets of a group in the capture, numbered */
#define MBUFS   1024u
#define SLOTS   4096u /* more than mbufs: no ring is ever full */

#define PORT       7000u /* UDP destination of group 0 */
#define PORT_AT    36u
#define PAYLOAD_AT 42u  /* the instrument, the number, the sequence number, 4 bytes each */
#define INSTRUMENT 100u /* of group 0 */
#define LANES_MAX  3u

static char folder[] = "/tmp/feedgate-test-XXXXXX";
static char capture[64];
static unsigned int reloads = 100;

/* What the sink saw of one group from one source. Written by the lcore that delivers it. */
struct stream {
	_Atomic uint32_t next; /* number expected; NUMBERS: any */
	_Atomic uint32_t lane; /* of its first packet; LANES_MAX: none yet */
	_Atomic uint64_t packets;
};

static struct stream streams[SOURCES][GROUPS];
static _Atomic uint64_t wrong_lane, wrong_order, wrong_rule;
static uint32_t ids[GROUPS]; /* of the group's rule */
static unsigned int n_by_rx; /* feeds that name lcore 1 */

static void see(uint16_t lane, struct rte_mbuf *m)
{
	const struct fg_meta *meta = fg_meta(m);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	const unsigned int group = (unsigned int)(data[PORT_AT] << 8 | data[PORT_AT + 1]) - PORT;
	const uint32_t number = data[PAYLOAD_AT + 4];
	struct stream *s = &streams[meta->source][group];
	const uint32_t next = atomic_load_explicit(&s->next, memory_order_relaxed);
	uint32_t expected = LANES_MAX;

	if (!atomic_compare_exchange_strong_explicit(&s->lane, &expected, lane,
						     memory_order_relaxed, memory_order_relaxed) &&
	    expected != lane)
		atomic_fetch_add_explicit(&wrong_lane, 1, memory_order_relaxed);
	if (next != NUMBERS && number != next)
		atomic_fetch_add_explicit(&wrong_order, 1, memory_order_relaxed);
	if (meta->rule_id != ids[group] || meta->line != meta->source + 1 ||
	    meta->feed != (group < FEEDS ? group : FG_META_FEED_NONE))
		atomic_fetch_add_explicit(&wrong_rule, 1, memory_order_relaxed);
	atomic_store_explicit(&s->next, (number + 1) % NUMBERS, memory_order_relaxed);
	atomic_store_explicit(&s->packets,
			      atomic_load_explicit(&s->packets, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static uint16_t watch_put(struct fg_sink *sink, uint16_t lane, struct rte_mbuf **pkts,
			  uint16_t count)
{
	(void)sink;
	for (uint16_t i = 0; i < count; i++)
		see(lane, pkts[i]);
	rte_pktmbuf_free_bulk(pkts, count);
	return count;
}

static const struct fg_option no_options[] = {{0}};
static const struct fg_sink_ops watch_ops = {
	.name = "watch",
	.help = "checks lanes and order",
	.options = no_options,
	.put = watch_put,
};

/* One pipeline: two sources, one sink, six feeds. */
struct fixture {
	struct rig rigs[SOURCES];
	struct fg_sink sink;
	struct fg_config *sets[2]; /* [rules_version % 2] */
	struct fg_feed_conf confs[FEEDS];
	struct fg_feed *feeds[FEEDS];
	uint8_t owners[FEEDS];
	struct fg_pipeline_setup setup;
	struct fg_pipeline *pipeline;
};

static struct fixture fixture;

static struct fg_config *load(const char *text)
{
	struct fg_config *config = NULL;
	struct fg_error error = {0};

	if (fg_config_load_text("text", text, strlen(text), &config, &error) != 0)
		fail_msg("%s", error.text);
	return config;
}

/* Even versions: other rules come first, and those of the groups are in the opposite order. */
static struct fg_config *load_set(bool odd)
{
	static char text[4096];
	size_t used = (size_t)snprintf(text, sizeof(text), "[");

	for (unsigned int i = 0; !odd && i < 3; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "{name: far-%u, match: {udp: {src: %u}}, drop: true},\n",
					 i, 1000 + i);
	for (unsigned int i = 0; i < GROUPS; i++) {
		const unsigned int group = odd ? i : GROUPS - 1 - i;

		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "{name: group-%u, match: {udp: {dst: %u}}, to: watch",
					 group, PORT + group);
		if (group < FEEDS)
			used += (size_t)snprintf(text + used, sizeof(text) - used, ", feed: f-%u",
						 group);
		if (group < FEEDS / 2)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 ", instruments: [%u]", INSTRUMENT + group);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "},\n");
	}
	snprintf(text + used, sizeof(text) - used, "]");
	return load(text);
}

static int publish(void)
{
	static const char *const sinks[] = {"watch"};
	static const char *const feeds[FEEDS] = {"f-0", "f-1", "f-2", "f-3", "f-4", "f-5"};
	const struct fg_protocol *protocols[FEEDS];
	const struct fg_scope scope = {.sinks = sinks,
				       .n_sinks = 1,
				       .feeds = feeds,
				       .n_feeds = FEEDS,
				       .protocols = protocols};
	const uint32_t next = fg_pipeline_rules_version(fixture.pipeline) + 1;
	struct fg_error error = {0};
	struct fg_rules *rules = NULL;

	for (unsigned int i = 0; i < FEEDS; i++)
		protocols[i] = fixture.confs[i].protocol;
	if (fg_rules_load(fg_config_root(fixture.sets[next % 2]), NULL, &scope, &rules, &error) !=
		    0 ||
	    fg_pipeline_publish(fixture.pipeline, rules, &error) != 0)
		fail_msg("%s", error.text);
	return (int)next;
}

/* The payload is one message, which begins with its instrument. */
static void make_feeds(const char *settings)
{
	char text[512];

	for (unsigned int i = 0; i < FEEDS; i++) {
		struct fg_error error = {0};
		struct fg_config *config;

		snprintf(text, sizeof(text),
			 "{name: f-%u, %s, protocol: {header: {order: little, bytes: 12, "
			 "messages_at: 0}, sequence: {at: 8, bytes: 4, counts: packets}, walk: "
			 "{kind: rest, min_bytes: 4}, messages: [{type: other, instrument: number, "
			 "at: 0, bytes: 4}]}}",
			 i, settings);
		config = load(text);
		if (fg_feed_read(fg_config_root(config), &fixture.confs[i], &error) != 0)
			fail_msg("%s", error.text);
		fg_config_free(config);
		if (i < n_by_rx)
			fixture.confs[i].lcore = 1;
	}
}

static void open_feeds(void)
{
	const struct fg_feed_conf *confs[FEEDS];
	struct fg_error error = {0};

	for (unsigned int i = 0; i < FEEDS; i++)
		confs[i] = &fixture.confs[i];
	assert_int_equal(
		fg_placement_feeds(&fixture.setup.placement, confs, FEEDS, fixture.owners, &error),
		0);
	for (unsigned int i = 0; i < FEEDS; i++)
		if (fg_feed_create(&fixture.confs[i], SOURCES,
				   fg_placement_socket(&fixture.setup.placement, fixture.owners[i]),
				   &fixture.feeds[i], &error) != 0)
			fail_msg("%s", error.text);
}

static void forget(void)
{
	for (unsigned int s = 0; s < SOURCES; s++)
		for (unsigned int g = 0; g < GROUPS; g++) {
			atomic_store(&streams[s][g].next, NUMBERS);
			atomic_store(&streams[s][g].lane, LANES_MAX);
		}
}

static void open_fixture(uint64_t workers, const char *loops, const char *settings)
{
	const char *const options[] = {"path", capture, "loops", loops, NULL};
	struct fg_source *sources[SOURCES];
	struct fg_sink *sink = &fixture.sink;
	struct fg_error error = {0};

	memset(&fixture, 0, sizeof(fixture));
	memset(streams, 0, sizeof(streams));
	forget();
	wrong_lane = wrong_order = wrong_rule = 0;
	for (uint8_t i = 0; i < SOURCES; i++) {
		assert_int_equal(rig_open(&fixture.rigs[i], "replay", 1, MBUFS, options), 0);
		fixture.rigs[i].src.index = i;
		fixture.rigs[i].src.line = (uint8_t)(i + 1);
		sources[i] = &fixture.rigs[i].src;
		fixture.sets[i] = load_set(i != 0);
	}
	make_feeds(settings);
	fixture.setup.conf = (struct fg_pipeline_conf){.workers = workers, .ring_slots = SLOTS};
	assert_int_equal(fg_option_read(fg_classify_options, NULL, &fixture.setup.classify, &error),
			 0);
	assert_int_equal(
		fg_placement_make(&fixture.setup.conf, SOURCES, &fixture.setup.placement, &error),
		0);
	open_feeds();
	fixture.sink = (struct fg_sink){
		.ops = &watch_ops, .name = "watch", .n_lanes = fixture.setup.placement.n_lanes};
	fixture.setup.endpoints = (struct fg_pipeline_endpoints){.sources = sources,
								 .n_sources = SOURCES,
								 .sinks = &sink,
								 .n_sinks = 1,
								 .feeds = fixture.feeds,
								 .n_feeds = FEEDS,
								 .owners = fixture.owners};
	if (fg_pipeline_create(&fixture.setup, &fixture.pipeline, &error) != 0)
		fail_msg("%s", error.text);
	(void)publish();
}

static void close_fixture(void)
{
	fg_pipeline_free(fixture.pipeline);
	for (unsigned int i = 0; i < FEEDS; i++) {
		fg_feed_free(fixture.feeds[i]);
		fg_feed_conf_free(&fixture.confs[i]);
	}
	for (unsigned int i = 0; i < SOURCES; i++) {
		struct fg_source *source = &fixture.rigs[i].src;

		assert_int_equal(source->ops->outstanding(source), 0);
		source->ops->close(source);
		fg_option_free(source->ops->options, fixture.rigs[i].conf);
		free(fixture.rigs[i].conf);
		fg_config_free(fixture.sets[i]);
	}
}

static void start_pipeline(void)
{
	struct fg_error error = {0};

	if (fg_pipeline_start(fixture.pipeline, &error) != 0)
		fail_msg("%s", error.text);
}

/* Stop, and check that all packets have been delivered, in order, by the right lcore. */
static void stop_pipeline(void)
{
	struct fg_error error = {0};
	struct fg_totals totals;
	uint64_t seen = 0;

	assert_int_equal(fg_pipeline_stop(fixture.pipeline, &error), 0);
	assert_int_equal(fg_pipeline_reclaim(fixture.pipeline), 0);
	if (fg_pipeline_check_accounting(fixture.pipeline, &error) != 0)
		fail_msg("%s", error.text);
	fg_pipeline_totals(fixture.pipeline, &totals);
	for (unsigned int s = 0; s < SOURCES; s++)
		for (unsigned int g = 0; g < GROUPS; g++)
			seen += streams[s][g].packets;
	assert_int_equal(totals.received_packets, seen);
	assert_int_equal(totals.delivered_packets, seen);
	assert_int_equal(wrong_lane, 0);
	assert_int_equal(wrong_order, 0);
	assert_int_equal(wrong_rule, 0);
}

/* Wait until every stream has got @count packets since this call. */
static void wait_for_each(uint64_t count)
{
	uint64_t before[SOURCES][GROUPS];

	for (unsigned int s = 0; s < SOURCES; s++)
		for (unsigned int g = 0; g < GROUPS; g++)
			before[s][g] = atomic_load(&streams[s][g].packets);
	for (unsigned int s = 0; s < SOURCES; s++)
		for (unsigned int g = 0; g < GROUPS; g++)
			while (atomic_load(&streams[s][g].packets) < before[s][g] + count)
				usleep(100);
}

/* Feeds on the lcores that fg_placement_feeds() chose; rules without one where they arrived. */
static void check_lanes(uint64_t workers)
{
	for (unsigned int g = 0; g < GROUPS; g++)
		for (unsigned int s = 0; s < SOURCES; s++) {
			if (g < FEEDS)
				assert_int_equal(streams[s][g].lane, fixture.owners[g]);
			else if (workers == 0)
				assert_int_equal(streams[s][g].lane, s);
			else
				assert_int_equal(streams[s][g].lane, streams[0][g].lane);
		}
}

static void reload_under_load(uint64_t workers, unsigned int by_rx)
{
	n_by_rx = by_rx;
	open_fixture(workers, "0", "track: false");
	n_by_rx = 0;
	start_pipeline();
	wait_for_each(1);
	for (unsigned int i = 0; i < reloads; i++)
		(void)publish();
	wait_for_each(1000);
	stop_pipeline();
	check_lanes(workers);
	close_fixture();
}

static void without_workers(void **state)
{
	(void)state;
	reload_under_load(0, 0);
}

static void two_rx_one_worker(void **state)
{
	(void)state;
	reload_under_load(1, 0);
}

/* An rx lcore owns some of the feeds beside a worker. */
static void rx_owns_beside_worker(void **state)
{
	(void)state;
	reload_under_load(1, 3);
}

static void one_rx_two_workers(void **state)
{
	(void)state;
	reload_under_load(2, 0);
}

/* Packets are in the rings between rx lcores at every stop; all must come out. */
static void stop_empties_rings(void **state)
{
	(void)state;
	open_fixture(0, "0", "track: false");
	for (unsigned int i = 0; i < 50; i++) {
		forget();
		start_pipeline();
		wait_for_each(1);
		stop_pipeline();
	}
	check_lanes(0);
	close_fixture();
}

/*
 * A sequence number of each feed is missing, so the feed holds the packets after it for a second. A
 * reload does not wait for them; the replaced set's filters live as long as they are held, and
 * stopping releases them.
 */
static void reload_does_not_wait(void **state)
{
	struct fg_feed *feed;
	uint64_t held;

	(void)state;
	open_fixture(0, "1",
		     "arbitrate: true, reorder: hold, hold_us: 1000000, hold_packets: 64, "
		     "jump_max: 64");
	feed = fixture.feeds[1];
	start_pipeline();
	while (!fg_pipeline_ended(fixture.pipeline))
		usleep(100);
	held = fg_feed_held(feed, 1);
	for (unsigned int i = 0; i < 3; i++)
		(void)publish();
	print_message("%lu packets held, %u sets retired\n", held,
		      fg_pipeline_reclaim(fixture.pipeline));
	if (fg_feed_held(feed, 1) > 0)
		assert_int_equal(fg_pipeline_reclaim(fixture.pipeline), 3);
	{
		struct fg_error error = {0};
		struct fg_totals totals;

		assert_int_equal(fg_pipeline_stop(fixture.pipeline, &error), 0);
		assert_int_equal(fg_pipeline_reclaim(fixture.pipeline), 0);
		assert_int_equal(fg_pipeline_check_accounting(fixture.pipeline, &error), 0);
		fg_pipeline_totals(fixture.pipeline, &totals);
		assert_int_equal(totals.received_packets, SOURCES * GROUPS * NUMBERS);
	}
	assert_int_equal(fg_feed_held(feed, 1), 0);
	close_fixture();
}

/* The lane of each of @n feeds, as digits; or the error. */
static void expect_owners(struct fg_placement placement, const uint64_t *lcores, const bool *bare,
			  uint32_t n, const char *expected)
{
	static struct fg_protocol protocol;
	struct fg_feed_conf confs[FEEDS] = {0};
	const struct fg_feed_conf *feeds[FEEDS];
	struct fg_error error = {0};
	uint8_t owners[FEEDS];
	char text[sizeof(error.text)] = "";

	for (uint32_t i = 0; i < n; i++) {
		confs[i].name = "f";
		confs[i].lcore = lcores[i] != 0 ? lcores[i] : FG_FEED_LCORE_AUTO;
		confs[i].protocol = bare != NULL && bare[i] ? NULL : &protocol;
		feeds[i] = &confs[i];
	}
	if (fg_placement_feeds(&placement, feeds, n, owners, &error) != 0)
		snprintf(text, sizeof(text), "%s", error.text);
	else
		for (uint32_t i = 0; i < n; i++)
			snprintf(text + i, sizeof(text) - i, "%u", owners[i]);
	assert_string_equal(text, expected);
}

static void feeds_are_balanced(void **state)
{
	const struct fg_placement rx = {.n_rx = 3, .n_lanes = 3, .rx = {1, 4, 9}};
	const struct fg_placement workers = {
		.n_rx = 1, .n_workers = 2, .n_lanes = 2, .rx = {1}, .workers = {2, 7}};
	static const uint64_t any[FEEDS];
	static const bool bare[FEEDS] = {true, false, true, false, false, true};

	(void)state;
	expect_owners(rx, any, NULL, 6, "012012");
	expect_owners(workers, any, NULL, 5, "01010");
	expect_owners(rx, (const uint64_t[]){0, 0, 1, 1, 9, 0}, NULL, 6, "110022");
	expect_owners(workers, (const uint64_t[]){7, 7, 0, 0, 0}, NULL, 5, "11000");
	/* Those with a protocol first. */
	expect_owners(workers, any, bare, 6, "100101");
	expect_owners(rx, (const uint64_t[]){2}, NULL, 1,
		      "feed f: lcore: 2 is neither a worker nor an rx lcore: expected 1, 4 or 9");
	expect_owners(workers, (const uint64_t[]){9}, NULL, 1,
		      "feed f: lcore: 9 is neither a worker nor an rx lcore: expected 2, 7 or 1");
	/* An rx lcore beside workers comes after these; the others are not given to it. */
	expect_owners(workers, (const uint64_t[]){1, 0, 0, 7, 0}, NULL, 5, "20011");
}

/* Packets of all groups in turn, numbered in each, with a gap of one, as a pcap file. */
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
	for (unsigned int i = 0; i < GROUPS * NUMBERS; i++) {
		const uint32_t record[] = {i, 0, sizeof(frame), sizeof(frame)};
		const unsigned int group = i * 3 % GROUPS, number = i / GROUPS;
		uint8_t copy[sizeof(frame)];

		memcpy(copy, frame, sizeof(frame));
		copy[PORT_AT] = (uint8_t)((PORT + group) >> 8);
		copy[PORT_AT + 1] = (uint8_t)(PORT + group);
		copy[PAYLOAD_AT] = (uint8_t)(group + INSTRUMENT);
		copy[PAYLOAD_AT + 4] = (uint8_t)number;
		copy[PAYLOAD_AT + 8] = (uint8_t)(1 + number + (number >= NUMBERS / 2));
		if (fwrite(record, sizeof(record), 1, file) != 1 ||
		    fwrite(copy, sizeof(copy), 1, file) != 1)
			return -1;
	}
	return fclose(file);
}

/* Three lcores beside the main one, on the CPUs this process may use. */
static int start(void **state)
{
	char lcores[64], name[32];
	cpu_set_t cpus;
	unsigned int first = 0, last;
	char *argv[] = {
		"test",           "--no-huge",   "-m",       "512",  "--no-pci",
		"--no-telemetry", "--no-shconf", "--lcores", lcores, "--log-level=lib.eal:4"};

	(void)state;
	if (getenv("FG_RELOADS") != NULL)
		reloads = (unsigned int)atoi(getenv("FG_RELOADS"));
	if (mkdtemp(folder) == NULL || sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return -1;
	while (!CPU_ISSET(first, &cpus))
		first++;
	for (last = CPU_SETSIZE - 1; !CPU_ISSET(last, &cpus);)
		last--;
	snprintf(capture, sizeof(capture), "%s/groups.pcap", folder);
	snprintf(lcores, sizeof(lcores), "0@%u,1@%u,2@%u,3@%u", first, last, first, last);
	if (write_capture() != 0 || rte_eal_init((int)RTE_DIM(argv), argv) < 0)
		return -1;
	for (unsigned int i = 0; i < GROUPS; i++) {
		snprintf(name, sizeof(name), "group-%u", i);
		if (fg_names_id(name, &ids[i]) != 0)
			return -1;
	}
	return 0;
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
		cmocka_unit_test(feeds_are_balanced),   cmocka_unit_test(without_workers),
		cmocka_unit_test(two_rx_one_worker),    cmocka_unit_test(rx_owns_beside_worker),
		cmocka_unit_test(one_rx_two_workers),   cmocka_unit_test(stop_empties_rings),
		cmocka_unit_test(reload_does_not_wait),
	};

	return cmocka_run_group_tests_name("pipeline_lcores", tests, start, stop);
}
