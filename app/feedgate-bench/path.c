/* SPDX-License-Identifier: MIT */
/*
 * path: packets/s of one rx lcore that receives, parses, classifies and drops, beside testpmd,
 * which only receives. Both poll a net_pcap device that repeats a capture, so the difference is
 * parse and classify.
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
#include "progress.h"

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
	 .help = "rules on a group and port each; a quarter of the packets match one"},
	{ROW(seconds), .type = FG_OPTION_U64, .min = 1, .max = 3600, .value = "2",
	 .help = "duration of each measurement"},
	{ROW(feedgate), .type = FG_OPTION_STRING, .unit = "PATH", .value = "",
	 .help = "the program feedgate; default: beside this one, else from PATH"},
	{ROW(testpmd), .type = FG_OPTION_STRING, .unit = "PATH", .value = "",
	 .help = "the program testpmd; default: dpdk-testpmd from PATH"},
	{0}};

/* Everything of one run. */
struct path {
	const struct path_conf *conf;
	struct path_files files;
	char feedgate[PATH_MAX];
	char testpmd[PATH_MAX]; /* Empty: testpmd is left out. */
	char case_name[32];
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
		message("dpdk-testpmd not found, so it is left out; Debian's package dpdk has it");
	return 0;
}

/* feedgate's console has testpmd's command, too. */
static int read_packets(struct child *child, uint64_t timeout_ms, uint64_t *packets,
			uint64_t *at_ns, struct fg_error *error)
{
	int rc = child_send(child, "show port stats all", error);

	if (rc == 0)
		rc = child_read_number(child, "RX-packets:", timeout_ms, packets, error);
	*at_ns = now_ns();
	return rc;
}

/* A program, its options behind EAL's, and what was measured. */
struct subject {
	const char *name, *program;
	const char *const *options; /* Ended by NULL. */
	double rate;                /* Packets/s. */
	uint64_t packets;           /* Received until the last reading. */
};

static int measure(const struct path *path, struct child *child, struct subject *subject,
		   struct fg_error *error)
{
	uint64_t first, first_ns, last, last_ns;
	/* The first answer only shows that it has started. */
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
	subject->rate = (double)(last - first) * 1e9 / (double)(last_ns - first_ns);
	subject->packets = last;
	return 0;
}

/* Start the program, measure, and end it. */
static int run_subject(const struct path *path, struct subject *subject, struct fg_error *error)
{
	const char *argv[32] = {subject->program,
				"--no-huge",
				"-m",
				"512",
				"--no-pci",
				"--no-telemetry",
				"--no-shconf",
				"--file-prefix",
				path->prefix,
				"-l",
				"0-1",
				"--vdev",
				path->device,
				"--"};
	struct child child;
	size_t n = 14;
	int rc;

	progress_step(path->conf->seconds, path->case_name, subject->name);
	for (const char *const *option = subject->options; *option != NULL; option++)
		argv[n++] = *option;
	rc = child_start(&child, subject->name, (char *const *)argv, error);
	if (rc != 0)
		return rc;
	rc = measure(path, &child, subject, error);
	if (rc == 0)
		return child_finish(&child, "quit", FINISH_MS, error);
	child_kill(&child);
	return rc;
}

static int run_testpmd(const struct path *path, double *rate, struct fg_error *error)
{
	static const char *const options[] = {"-i", "--auto-start", "--forward-mode=rxonly",
					      "--total-num-mbufs=16384", NULL};
	struct subject subject = {TESTPMD, path->testpmd, options, 0, 0};
	const int rc = run_subject(path, &subject, error);

	*rate = subject.rate;
	return rc;
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Did feedgate classify every packet of the device, a quarter of them by rules? */
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
		return fg_error_set(error, EBADMSG, FEEDGATE ": accounting unbalanced");
	if (received < packets || lost > 0)
		return fg_error_set(error, EBADMSG,
				    FEEDGATE ": received %" PRIu64 " packets of at least %" PRIu64
					     ", lost %" PRIu64,
				    received, packets, lost);
	/* The device repeats the capture; the last repetition may be incomplete. */
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
	const char *const options[] = {"-c",        path->files.rules,   "-i", "-a",
				       "--summary", path->files.summary, NULL};
	struct subject subject = {FEEDGATE, path->feedgate, options, 0, 0};
	int rc;

	unlink(path->files.summary);
	rc = run_subject(path, &subject, error);
	*rate = subject.rate;
	return rc == 0 ? check_summary(path, subject.packets, error) : rc;
}

/* The results; each array has a value for each repeat that is done. */
struct series {
	double *testpmd, *feedgate, *ratio;
	uint32_t done;
};

static int measure_all(const struct path *path, uint32_t repeats, struct series *s,
		       struct fg_error *error)
{
	const bool beside = path->testpmd[0] != '\0';

	progress_expect((beside ? 2 : 1) * repeats * path->conf->seconds);
	/* In turn, so that a change of the machine's speed affects both. */
	for (uint32_t i = 0; i < repeats; i++) {
		int rc = beside ? run_testpmd(path, &s->testpmd[i], error) : 0;

		if (rc == 0)
			rc = run_feedgate(path, &s->feedgate[i], error);
		if (rc != 0)
			return rc;
		if (beside)
			s->ratio[i] = s->feedgate[i] / s->testpmd[i];
		s->done++;
	}
	return 0;
}

static int print_results(const struct path *path, const struct series *s, struct output *out,
			 struct fg_error *error)
{
	const bool beside = path->testpmd[0] != '\0';
	struct result r = {.bench = "path",
			   .case_name = path->case_name,
			   .subject = FEEDGATE,
			   .metric = "packets_per_s",
			   .unit = "packets/s",
			   .peer = TESTPMD,
			   .values = s->feedgate,
			   .repeats = s->done};
	int rc = s->done > 0 ? output_add(out, &r, error) : 0;

	if (rc == 0 && s->done > 0 && beside) {
		r.subject = TESTPMD;
		r.values = s->testpmd;
		rc = output_add(out, &r, error);
		r.subject = FEEDGATE;
		r.metric = "ratio";
		r.unit = FEEDGATE "/" TESTPMD;
		r.peer = NULL;
		r.values = s->ratio;
		if (rc == 0)
			rc = output_add(out, &r, error);
	}
	return rc == 0 ? output_finish_case(out, error) : rc;
}

static int measure_and_print(struct path *path, uint32_t repeats, struct output *out,
			     struct fg_error *error)
{
	double *values = calloc(repeats, 3 * sizeof(*values));
	struct series s = {values, values + repeats, values + 2 * (size_t)repeats, 0};
	struct fg_error print_error = {0};
	int rc, print_rc = 0;

	if (values == NULL)
		return fg_error_set(error, ENOMEM, "no memory for %u repeats", repeats);
	rc = measure_all(path, repeats, &s, error);
	if (rc == 0 || rc == -EINTR)
		print_rc = print_results(path, &s, out, &print_error);
	free(values);
	if (rc == 0 && print_rc != 0)
		*error = print_error;
	return rc == 0 ? print_rc : rc;
}

static int run(const void *conf, uint32_t repeats, struct output *out, struct fg_error *error)
{
	struct path path = {.conf = conf};
	int rc = find_programs(&path, error);

	if (rc == 0)
		rc = path_files_make(&path.files, (uint32_t)path.conf->rules, error);
	if (rc != 0)
		return rc;
	snprintf(path.case_name, sizeof(path.case_name), "%" PRIu64 " rules", path.conf->rules);
	snprintf(path.device, sizeof(path.device), "net_pcap0,rx_pcap=%s,infinite_rx=1",
		 path.files.capture);
	snprintf(path.prefix, sizeof(path.prefix), "feedgate-bench-%ld", (long)getpid());
	rc = measure_and_print(&path, repeats, out, error);
	path_files_remove(&path.files);
	return rc;
}

const struct bench bench_path = {
	.name = "path",
	.help = "receive, parse, classify and drop on one lcore, beside testpmd rxonly",
	.options = path_options,
	.conf_bytes = sizeof(struct path_conf),
	.run = run,
};
