/* SPDX-License-Identifier: MIT */
#include "feed_results.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "before.h"
#include "eal.h"
#include "output.h"

#define CASES_MAX 64u

uint64_t run_work_ms(const struct feed_conf *conf)
{
	return conf->pass_ms + 20;
}

bool run_is_asked_for(const struct feed_conf *conf, const char *subject)
{
	return conf->subject[0] == '\0' || fnmatch(conf->subject, subject, 0) == 0;
}

uint32_t run_subjects(const struct feed_conf *conf, const struct feed_case *feed_case)
{
	const bool many = feed_case->selected > FEED_FEW;
	const char *const names[] = {"touch", "feedgate",
				     many ? "feedgate:64" : "feedgate:arbitrate",
				     feed_naive_has(feed_case) ? "naive" : NULL,
				     feed_walk_has(feed_case) ? "naive:walk" : NULL};
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		n += names[i] != NULL && run_is_asked_for(conf, names[i]);
	return n;
}

static const char *peer_of(const struct run *run)
{
	if (run->feed_case.selected > FEED_FEW)
		return "feedgate:64";
	if (feed_naive_has(&run->feed_case))
		return "naive";
	return feed_walk_has(&run->feed_case) ? "naive:walk" : "touch";
}

static int add(struct run *run, const char *subject, const char *metric, const char *unit,
	       const double *values, struct fg_error *error)
{
	const struct result result = {.bench = "feed",
				      .case_name = run->case_name,
				      .subject = subject,
				      .metric = metric,
				      .unit = unit,
				      .peer = peer_of(run),
				      .values = values,
				      .repeats = run->done};

	return output_add(run->out, &result, error);
}

static int add_rate(struct run *run, const struct feed_subject *subject, const char *metric,
		    const char *unit, uint64_t count, struct fg_error *error)
{
	double *values = run->values + (size_t)SUBJECTS_MAX * run->repeats;

	for (uint32_t i = 0; i < run->done; i++)
		values[i] = 1e9 * (double)count / (subject->ns[i] * (double)subject->packets);
	return add(run, subject->name, metric, unit, values, error);
}

/* Arbitration adds this to the same packets, which are otherwise not tracked. */
static int add_arbitration(struct run *run, const struct feed_subject *subject,
			   struct fg_error *error)
{
	double *values = run->values + (size_t)SUBJECTS_MAX * run->repeats;
	const struct feed_subject *plain = subject - 1;

	if (strcmp(subject->name, "feedgate:arbitrate") != 0 || subject == run->subjects ||
	    strcmp(plain->name, "feedgate") != 0)
		return 0;
	for (uint32_t i = 0; i < run->done; i++)
		values[i] = subject->ns[i] - plain->ns[i];
	return add(run, subject->name, "arbitration_added_ns", "ns", values, error);
}

static int add_subject(struct run *run, const struct feed_subject *subject, struct fg_error *error)
{
	int rc = add(run, subject->name, "ns_per_packet", "ns", subject->ns, error);

	if (rc == 0 && subject->check != NULL)
		rc = add_rate(run, subject, "messages_per_s", "messages/s", subject->messages,
			      error);
	if (rc == 0 && subject->check != NULL &&
	    strcmp(run->feed_case.protocol->name, "cme_mdp3") == 0)
		rc = add_rate(run, subject, "entries_per_s", "entries/s", subject->entries, error);
	return rc == 0 ? add_arbitration(run, subject, error) : rc;
}

int run_print(struct run *run, struct fg_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && run->done > 0 && i < run->count; i++)
		rc = add_subject(run, &run->subjects[i], error);
	return rc == 0 ? output_finish_case(run->out, error) : rc;
}

int feed_before(const struct feed_conf *conf, uint32_t repeats, struct output *out,
		struct fg_error *error)
{
	char packets[24], l2_packets[24], dram_packets[24], pass_ms[24];
	static struct feed_case feed_cases[CASES_MAX];
	const char *cases[CASES_MAX + 1] = {NULL};
	const char *options[] = {"--packets",
				 packets,
				 "--l2-packets",
				 l2_packets,
				 "--dram-packets",
				 dram_packets,
				 "--pass-ms",
				 pass_ms,
				 "--memory",
				 eal_memories[conf->memory],
				 "--subject",
				 conf->subject,
				 NULL};
	const struct before before = {.bench = "feed",
				      .path = conf->before,
				      .options = options,
				      .cases = cases,
				      .work_ms = 5 * run_work_ms(conf) + 500};
	uint32_t n = 0;

	for (uint32_t i = 0; n < CASES_MAX && feed_case_get(i, &feed_cases[n]); i++)
		if (conf->cases[0] == '\0' || fnmatch(conf->cases, feed_cases[n].name, 0) == 0) {
			cases[n] = feed_cases[n].name;
			n++;
		}
	snprintf(packets, sizeof(packets), "%" PRIu64, conf->packets);
	snprintf(l2_packets, sizeof(l2_packets), "%" PRIu64, conf->l2_packets);
	snprintf(dram_packets, sizeof(dram_packets), "%" PRIu64, conf->dram_packets);
	snprintf(pass_ms, sizeof(pass_ms), "%" PRIu64, conf->pass_ms);
	return before_run(&before, repeats, out, error);
}
