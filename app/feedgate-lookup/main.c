/* SPDX-License-Identifier: MIT */
/* feedgate-lookup: prints the rule that wins each packet of a file, using feedgate's libraries. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_eal.h>
#include <fg_meta.h>
#include <fg_sink.h>

#include "input.h"
#include "options.h"
#include "rules_file.h"

enum {
	EXIT_DONE = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
};

struct lookup {
	struct options options;
	struct rules_file file;
	struct input input;
	struct fg_table *table;
	struct rte_mempool *pool; /* NULL for a trace */
	struct rte_mbuf *pkts[FG_BURST_MAX];
	uint64_t index; /* of the next line of output */
};

static int fail(int status, const struct fg_error *error)
{
	fprintf(stderr, "feedgate-lookup: %s\n", error->text);
	return status;
}

/* Names may contain commas and quotes (RFC 4180), but no white space. */
static void print_field(const char *text)
{
	if (strpbrk(text, ",\"") == NULL) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

/* "drop", or the names of sinks. */
static void print_action(const struct names *sinks, uint64_t mask)
{
	char text[FG_SINKS_MAX * (FG_NAME_BYTES_MAX + 1) + 1] = "drop";
	size_t used = 0;

	for (uint32_t i = 0; i < sinks->count; i++)
		if ((mask >> i & 1) != 0)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used > 0 ? "+" : "", sinks->at[i]);
	print_field(text);
}

static void print_line(struct lookup *l, enum fg_drop drop, uint32_t number)
{
	const struct fg_rule *rule = &l->file.rules->rules[number];

	printf("%" PRIu64 ",", l->index++);
	if (drop != FG_DROP_COUNT) {
		printf("-,drop:%s\n", fg_drop_name(drop));
		return;
	}
	print_field(rule->name);
	putchar(',');
	print_action(&l->file.sinks, rule->sinks);
	putchar('\n');
}

/* Read, look up and print a burst. 1; 0 at the end of the file; -errno with @p error set. */
static int look_up_burst(struct lookup *l, struct fg_error *error)
{
	struct fg_key keys[FG_BURST_MAX];
	enum fg_drop drops[FG_BURST_MAX];
	uint32_t rules[FG_BURST_MAX] = {FG_RULE_NONE};
	unsigned int n = 0, n_keys = 0, next = 0;
	int rc = 1;

	while (n < FG_BURST_MAX) {
		rc = input_next(&l->input, l->pkts[n_keys], &keys[n_keys], &drops[n], error);
		if (rc != 1)
			break;
		n_keys += drops[n++] == FG_DROP_COUNT;
	}
	if (n_keys > 0)
		fg_table_lookup(l->table, keys, l->pool != NULL ? l->pkts : NULL, rules, n_keys);
	for (unsigned int i = 0; i < n; i++)
		print_line(l, drops[i], drops[i] == FG_DROP_COUNT ? rules[next++] : FG_RULE_NONE);
	return rc;
}

static int look_up_all(struct lookup *l, struct fg_error *error)
{
	int rc;

	puts("index,rule,action");
	do
		rc = look_up_burst(l, error);
	while (rc == 1 && ferror(stdout) == 0);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return fg_error_set(error, EIO, "standard output: cannot write: %s",
				    strerror(errno));
	return rc;
}

static void print_info(const struct lookup *l, double build_ms)
{
	struct fg_table_info info;

	fg_table_info(l->table, &info);
	fprintf(stderr,
		"engine=%s variant=%s rules=%u entries=%u exact=%u wildcard=%u expressions=%u "
		"hashes=%u trees=%u worst_compares=%u table_bytes=%" PRIu64 " build_ms=%.3f\n",
		info.engine, info.variant, l->file.rules->count, l->file.rules->n_matches,
		info.n_exact, info.n_wildcard, info.n_expressions, info.n_hashes, info.n_trees,
		info.worst_compares, info.bytes, build_ms);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int build_table(struct lookup *l, struct fg_error *error)
{
	const struct fg_table_conf conf = fg_classify_table_conf(&l->file.classify, SOCKET_ID_ANY);
	const struct fg_rules *rules = l->file.rules;
	const double begun_ms = now_ms();
	const int rc = fg_table_build(&conf, rules->matches, rules->n_matches, &l->table, error);

	if (rc == 0 && l->options.info)
		print_info(l, now_ms() - begun_ms);
	return rc;
}

/* Allocate a burst of packets of the maximum length. */
static int make_packets(struct lookup *l, struct fg_error *error)
{
	if (l->options.pcap_path == NULL)
		return 0;
	l->pool = rte_pktmbuf_pool_create("packets", FG_BURST_MAX, 0, FG_META_BYTES, UINT16_MAX,
					  SOCKET_ID_ANY);
	if (l->pool == NULL || rte_pktmbuf_alloc_bulk(l->pool, l->pkts, FG_BURST_MAX) != 0)
		return fg_error_set(error, ENOMEM, "no memory for packets: %s",
				    rte_strerror(rte_errno));
	return 0;
}

/* The part that needs EAL. */
static int run(struct lookup *l, struct fg_error *error)
{
	int rc = build_table(l, error);

	/* Without memory it is a failure, else wrong options. */
	if (rc != 0)
		return fail(rc == -ENOMEM ? EXIT_RUNTIME : EXIT_USAGE, error);
	rc = make_packets(l, error);
	if (rc == 0)
		rc = look_up_all(l, error);
	rte_pktmbuf_free_bulk(l->pkts, l->pool != NULL ? FG_BURST_MAX : 0);
	rte_mempool_free(l->pool);
	fg_table_free(l->table);
	return rc == 0 ? EXIT_DONE : fail(EXIT_RUNTIME, error);
}

static int open_input(struct lookup *l, struct fg_error *error)
{
	if (l->options.pcap_path != NULL)
		return input_open_pcap(&l->input, l->options.pcap_path, &l->file.parse, error);
	return input_open_trace(&l->input, l->options.trace_path, &l->file.parse, error);
}

static int load_rules(struct lookup *l, struct fg_error *error)
{
	const struct options *o = &l->options;

	if (strcmp(o->rules_path, "-") == 0 &&
	    strcmp(o->pcap_path != NULL ? o->pcap_path : o->trace_path, "-") == 0)
		return fg_error_set(error, EINVAL, "standard input holds either rules or packets");
	if (rules_file_load(&l->file, o, error) != 0)
		return -EINVAL;
	if (o->trace_path != NULL && l->file.rules->n_exprs > 0)
		return fg_error_set(error, EINVAL,
				    "%s has rules with 'expr', which need packets: use --pcap, a "
				    "trace has only headers",
				    o->rules_path);
	return 0;
}

int main(int argc, char **argv)
{
	static struct lookup l;
	struct fg_error error = {0};
	int rc = options_read(&l.options, argc, argv, &error), status;

	if (rc > 0)
		return fflush(stdout) == 0 ? EXIT_DONE : EXIT_RUNTIME;
	if (rc < 0)
		return fail(EXIT_USAGE, &error);
	if (load_rules(&l, &error) != 0) {
		status = fail(EXIT_USAGE, &error);
	} else if (open_input(&l, &error) != 0 ||
		   fg_eal_start_private("feedgate-lookup", &error) != 0) {
		status = fail(EXIT_RUNTIME, &error);
	} else {
		status = run(&l, &error);
		rte_eal_cleanup();
	}
	input_close(&l.input);
	rules_file_free(&l.file);
	return status;
}
