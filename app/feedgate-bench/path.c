/* SPDX-License-Identifier: MIT */
/*
 * path: what one rx lcore takes from receive to drop, beside testpmd, which
 * only receives. Both poll the same kind of device, net_pcap handing out one
 * capture for ever, so the difference between them is parse and classify.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"
#include "output.h"
#include "path_files.h"
#include "programs.h"

#define FEEDGATE   "feedgate"
#define TESTPMD    "testpmd-rxonly"
#define START_MS   60000u
#define ANSWER_MS  10000u
#define WARM_UP_MS 200u
#define FINISH_MS  30000u

struct path_conf {
	uint64_t rules;
	uint64_t seconds;
	char *feedgate;
	char *testpmd;
};

#define ROW(member) .name = #member, .offset = offsetof(struct path_conf, member)

static const struct fg_option path_options[] = {
	{ROW(rules), .type = FG_OPTION_U64, .min = 1, .max = 100000, .value = "1000",
	 .help = "channel rules; a quarter of the packets match one"},
	{ROW(seconds), .type = FG_OPTION_U64, .min = 1, .max = 3600, .value = "2",
	 .help = "how long each measurement lasts"},
	{ROW(feedgate), .type = FG_OPTION_STRING, .value = "",
	 .help = "the program; else beside this one, else from PATH"},
	{ROW(testpmd), .type = FG_OPTION_STRING, .value = "",
	 .help = "the program; else dpdk-testpmd from PATH"},
	{0}};

/* Everything of one run. */
struct path {
	const struct path_conf *conf;
	struct path_files files;
	char feedgate[PATH_MAX];
	char testpmd[PATH_MAX]; /* Empty: left out. */
	char device[400];
	char prefix[64];
};

static int find_programs(struct path *path, struct fg_error *error)
{
	const struct path_conf *conf = path->conf;
	const int rc = program_feedgate(conf->feedgate, path->feedgate, error);

	if (rc != 0)
		return rc;
	if (conf->testpmd[0] != '\0')
		return program_given("testpmd", conf->testpmd, path->testpmd, error);
	if (!program_in_path("dpdk-testpmd", path->testpmd))
		fputs("feedgate-bench: dpdk-testpmd not found: install Debian's dpdk package; "
		      "measuring without it\n",
		      stderr);
	return 0;
}

/* Both consoles know testpmd's command. */
static int read_packets(struct child *child, uint64_t timeout_ms, uint64_t *packets,
			uint64_t *at_ns, struct fg_error *error)
{
	int rc = child_say(child, "show port stats all", error);

	if (rc == 0)
		rc = child_read_number(child, "RX-packets:", timeout_ms, packets, error);
	*at_ns = now_ns();
	return rc;
}

static int measure(const struct path *path, struct child *child, double *rate, uint64_t *packets,
		   struct fg_error *error)
{
	uint64_t first, first_ns, last, last_ns;
	/* The first answer only says that it has started. */
	int rc = read_packets(child, START_MS, &first, &first_ns, error);

	if (rc == 0)
		rc = child_wait(child, WARM_UP_MS, error);
	if (rc == 0)
		rc = read_packets(child, ANSWER_MS, &first, &first_ns, error);
	if (rc == 0)
		rc = child_wait(child, path->conf->seconds * 1000, error);
	if (rc == 0)
		rc = read_packets(child, ANSWER_MS, &last, &last_ns, error);
	if (rc != 0)
		return rc;
	if (last <= first || last_ns <= first_ns)
		return fg_error_set(error, EIO, "%s: received nothing in %" PRIu64 " s",
				    child->name, path->conf->seconds);
	*rate = (double)(last - first) * 1e9 / (double)(last_ns - first_ns);
	*packets = last;
	return 0;
}

/* Start @p program with EAL's options and @p own behind them; measure; end it. */
static int run_subject(const struct path *path, const char *name, const char *program,
		       const char *const *own, double *rate, uint64_t *packets,
		       struct fg_error *error)
{
	const char *argv[32] = {program,       "--no-huge",
				"-m",          "512",
				"--no-pci",    "--no-telemetry",
				"--no-shconf", "--file-prefix",
				path->prefix,  "-l",
				"0-1",         "--vdev",
				path->device,  "--"};
	struct child child;
	size_t n = 14;
	int rc;

	while (*own != NULL)
		argv[n++] = *own++;
	rc = child_start(&child, name, (char *const *)argv, error);
	if (rc != 0)
		return rc;
	rc = measure(path, &child, rate, packets, error);
	if (rc == 0)
		return child_finish(&child, "quit", FINISH_MS, error);
	child_kill(&child);
	return rc;
}

static int run_testpmd(const struct path *path, double *rate, struct fg_error *error)
{
	static const char *const own[] = {"-i", "--auto-start", "--forward-mode=rxonly",
					  "--total-num-mbufs=16384", NULL};
	uint64_t packets;

	return run_subject(path, TESTPMD, path->testpmd, own, rate, &packets, error);
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Did feedgate do the work: every packet the device handed out judged, a quarter by rules? */
static int check_summary(const struct path *path, uint64_t packets, struct fg_error *error)
{
	json_error_t reason;
	json_t *summary = json_load_file(path->files.summary, 0, &reason);
	const json_t *dropped = json_object_get(summary, "dropped");
	const json_t *source = json_object_get(json_object_get(summary, "sources"), "path");
	const uint64_t received = number(summary, "received");
	const uint64_t by_rule = number(dropped, "rule_drop");
	const uint64_t by_default = number(dropped, "no_rule");
	const uint64_t lost = number(source, "lost");
	const bool balanced = json_is_true(json_object_get(summary, "balanced"));
	const uint64_t quarter = received / MATCH_EVERY;

	if (summary == NULL)
		return fg_error_set(error, EIO, FEEDGATE ": its summary: %s", reason.text);
	json_decref(summary);
	if (!balanced)
		return fg_error_set(error, EBADMSG, FEEDGATE ": its accounts do not add up");
	if (received < packets || lost > 0)
		return fg_error_set(error, EBADMSG,
				    FEEDGATE ": received %" PRIu64 " packets of at least %" PRIu64
					     ", lost %" PRIu64,
				    received, packets, lost);
	/* The capture goes round: only its last turn can be unfinished. */
	if (by_rule + by_default != received || by_rule + CAPTURE_PACKETS < quarter ||
	    by_rule > quarter + CAPTURE_PACKETS)
		return fg_error_set(error, EBADMSG,
				    FEEDGATE ": of %" PRIu64 " packets rules dropped %" PRIu64
					     " and the default %" PRIu64
					     ": expected a quarter and the rest",
				    received, by_rule, by_default);
	return 0;
}

static int run_feedgate(const struct path *path, double *rate, struct fg_error *error)
{
	const char *const own[] = {"-c",        path->files.rules,   "-i", "-a",
				   "--summary", path->files.summary, NULL};
	uint64_t packets;
	int rc;

	unlink(path->files.summary);
	rc = run_subject(path, FEEDGATE, path->feedgate, own, rate, &packets, error);
	return rc == 0 ? check_summary(path, packets, error) : rc;
}

/* The three series of measurements, repeats long each. */
struct series {
	double *testpmd, *feedgate, *ratio;
};

static int measure_all(const struct path *path, uint32_t repeats, struct series *s,
		       struct fg_error *error)
{
	const bool beside = path->testpmd[0] != '\0';

	/* In turn, so that whatever the machine does meanwhile happens to both. */
	for (uint32_t i = 0; i < repeats; i++) {
		int rc = beside ? run_testpmd(path, &s->testpmd[i], error) : 0;

		if (rc == 0)
			rc = run_feedgate(path, &s->feedgate[i], error);
		if (rc != 0)
			return rc;
		if (beside)
			s->ratio[i] = s->feedgate[i] / s->testpmd[i];
	}
	return 0;
}

static int put_out(const struct path *path, uint32_t repeats, const struct series *s,
		   struct output *out, struct fg_error *error)
{
	const bool beside = path->testpmd[0] != '\0';
	char case_name[32];
	struct result r = {.bench = "path",
			   .case_name = case_name,
			   .subject = FEEDGATE,
			   .metric = "packets_per_s",
			   .unit = "packets/s",
			   .peer = TESTPMD,
			   .values = s->feedgate,
			   .repeats = repeats};
	int rc;

	snprintf(case_name, sizeof(case_name), "%" PRIu64 " rules", path->conf->rules);
	rc = output_add(out, &r, error);
	if (rc != 0 || !beside)
		return rc;
	r.subject = TESTPMD;
	r.values = s->testpmd;
	rc = output_add(out, &r, error);
	r.subject = FEEDGATE;
	r.metric = "ratio";
	r.unit = FEEDGATE "/" TESTPMD;
	r.peer = NULL;
	r.values = s->ratio;
	return rc == 0 ? output_add(out, &r, error) : rc;
}

static int run(const void *conf, uint32_t repeats, struct output *out, struct fg_error *error)
{
	struct path path = {.conf = conf};
	double *values = calloc(repeats, 3 * sizeof(*values));
	struct series s = {values, values + repeats, values + 2 * (size_t)repeats};
	int rc;

	if (values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	rc = find_programs(&path, error);
	if (rc == 0)
		rc = path_files_make(&path.files, (uint32_t)path.conf->rules, error);
	if (rc != 0) {
		free(values);
		return rc;
	}
	snprintf(path.device, sizeof(path.device), "net_pcap0,rx_pcap=%s,infinite_rx=1",
		 path.files.capture);
	snprintf(path.prefix, sizeof(path.prefix), "feedgate-bench-%ld", (long)getpid());
	rc = measure_all(&path, repeats, &s, error);
	path_files_remove(&path.files);
	if (rc == 0)
		rc = put_out(&path, repeats, &s, out, error);
	free(values);
	return rc;
}

const struct bench bench_path = {
	.name = "path",
	.help = "receive, parse, classify, drop on one lcore, beside testpmd's rxonly",
	.options = path_options,
	.conf_bytes = sizeof(struct path_conf),
	.run = run,
};
