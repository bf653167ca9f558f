/* SPDX-License-Identifier: MIT */
/* What the application's files share. Everything here belongs to the control thread. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <fg_analyse.h>
#include <fg_config.h>
#include <fg_console.h>
#include <fg_error.h>
#include <fg_pipeline.h>

#include "rulebook.h"

/* Exit status, everywhere in feedgate. */
enum {
	EXIT_DONE = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
	EXIT_UNBALANCED = 3,
};

#define FEEDS_MAX 1024u

/* The command line behind `--`. */
struct options {
	const char *config_path;
	const char *cmdline_path;
	const char *summary_path;
	const char *workers;     /* NULL: as the file says */
	uint64_t stats_period_s; /* 0: none */
	bool interactive;
	bool auto_start;
	bool check;
	bool exit_when_done;
};

/* A source or sink of the file, and the struct that its options fill. */
struct source_entry {
	struct fg_source source;
	void *conf;
	char *name;
	bool open;
	enum fg_link link;   /* as last seen */
	char prefilter[192]; /* "on", or "off: " and why; empty: the source has none */
};

struct sink_entry {
	struct fg_sink sink;
	void *conf;
	char *name;
	bool open;
};

/* A feed of the file. */
struct feed_entry {
	struct fg_feed_conf conf;
	struct sink_entry *events; /* takes its records; NULL: none */
	struct fg_feed *feed;      /* NULL: it has no protocol, or is not open */
};

/* What a feed counted. */
struct feed_totals {
	uint64_t counters[FG_FEED_COUNTER_COUNT];
	uint64_t symbols[FG_SYMBOLS_COUNTER_COUNT];
	uint64_t orders[FG_ORDERS_COUNTER_COUNT];
	uint64_t channels[FG_ARBITER_CHANNEL_COUNT];
	uint64_t events_lost;
	struct fg_arbiter_line lines[FG_ARBITER_LINES_MAX];
};

/* All counters at one moment. */
struct snapshot {
	struct fg_totals totals;
	struct fg_rule_totals *rules; /* [n_rule_ids], by rule id */
	uint32_t n_rule_ids;
	struct fg_sink_totals sinks[FG_SINKS_MAX];
	struct fg_flow_totals {
		uint64_t packets, bytes;
	} sources[FG_SOURCES_MAX];
	struct fg_source_lost lost[FG_SOURCES_MAX];
	struct figures { /* the kinds' own; since open, whatever was cleared */
		struct fg_source_figure at[FG_SOURCE_FIGURES_MAX];
		unsigned int count;
	} figures[FG_SOURCES_MAX];
	struct feed_totals *feeds; /* [n_feeds]; all zero: the feed has no protocol */
	uint32_t n_feeds;
	double seconds;
};

/* What fg_rules_analyse() says of one rule set. Zeroed: nothing was asked. */
struct findings {
	struct fg_rule_finding *at;
	uint32_t count;
	uint32_t rules_version; /* of the set; 0: none */
	bool complete;
};

/* Parts of the file that are read once; a reload compares them. */
enum { PARTS = 6 };

struct app {
	struct options options;
	struct rulebook book; /* the rules in force as text */
	char *parts[PARTS];   /* as text, by setup_part_names[]; NULL: not in the file */

	struct source_entry *sources[FG_SOURCES_MAX];
	struct sink_entry *sinks[FG_SINKS_MAX];
	struct feed_entry *feeds[FEEDS_MAX];
	uint32_t n_sources, n_sinks, n_feeds;
	unsigned int
		n_lines; /* of each feed: the highest of any source or rule; 0: not known so far */
	struct fg_parse_conf parse;
	struct fg_classify_conf classify;
	struct fg_pipeline_conf pipeline_conf;
	struct fg_placement placement;
	struct fg_rules *rules; /* until published */

	struct fg_pipeline *pipeline;
	struct feeds_watch *watch;  /* what feeds told; NULL: none has lines */
	struct findings findings;   /* use findings_of() */
	struct fg_console *console; /* NULL if not interactive and no command file */
	struct snapshot cleared;    /* what `clear stats` saw */
	int exit_status;
};

/* options.c: 0 to go on, 1 if --help, --version or --list-sources was served, -EINVAL with @p
 * error. */
int options_read(struct options *options, int argc, char **argv, struct fg_error *error);
void options_usage(FILE *out);

/* feeds.c: one entry of `feeds`; sinks must have been read. */
int feeds_add(struct app *app, const struct fg_node *node, struct fg_error *error);
/* How many lines feeds must have, for the sources and @rules. */
int feeds_count_lines(struct app *app, const struct fg_rules *rules, struct fg_error *error);
/* Can rules be in force: do they ask for no more lines, and for sinks that take packets? */
int feeds_check_rules(const struct app *app, const struct rulebook *book,
		      const struct fg_rules *rules, struct fg_error *error);
/* Compile what rules want of messages, and throw it away. */
int feeds_try(const struct app *app, struct fg_error *error);
int feeds_open(struct app *app, struct fg_error *error);
/* Free them and forget the entries; no pipeline has them any more. */
void feeds_close(struct app *app);
/* Number of the feed called @name, or -1. */
int feeds_find(const struct app *app, const char *name);
/* What one feed counted. Zeroed by the caller. */
void feeds_totals(const struct fg_feed *feed, struct feed_totals *totals);

/* feeds_watch.c: what feeds tell is taken, attributed, kept, logged, and given to sinks. To be
 * called several times a second, and once more when lcores have stopped. */
int feeds_watch_open(struct app *app, struct fg_error *error);
void feeds_watch(struct app *app);
void feeds_watch_free(struct app *app);

/* feeds_report.c: tables. */
void report_feeds(const struct app *app, const struct snapshot *s, FILE *out);
/* One feed in full. 0, or -1: there is none of that name. */
int report_feed(const struct app *app, const struct snapshot *s, const char *name, FILE *out);
/* "name: {protocol: ..., ...}", as `show config` has it; no newline. */
void report_feed_conf(const struct feed_entry *entry, FILE *out);
/* feeds_gaps.c: the last events, the newest last. */
void report_gaps(const struct app *app, FILE *out);
/* feeds_subscription.c: has a rule a feed whose messages can be read? */
bool report_has_protocol(const struct app *app, const struct fg_rule *rule);
/* What it wants of that feed, in words; no newline. */
void report_subscription(const struct app *app, const struct fg_rule *rule, FILE *out);

/* setup.c: the file's parts into app, without opening anything. EAL need not be up. */
int setup_read(struct app *app, struct fg_error *error);
extern const char *const setup_part_names[PARTS];
/*
 * Is all but the rules of a file's @p root valid? 0 or -EINVAL; then @p differing
 * has the names of those parts that are there and not as in app->parts.
 */
int setup_compare(const struct app *app, const struct fg_node *root, char *differing, size_t size,
		  struct fg_error *error);
/* Compile a book's rules; names are those of the sources, sinks and feeds of @p app. */
int setup_compile(const struct app *app, const struct rulebook *book, struct fg_rules **out,
		  struct fg_error *error);
/* Open sources and sinks, make the pipeline, put the rules in force. */
int setup_open(struct app *app, struct fg_error *error);
/* Compile the rules and throw the table away: --check. */
int setup_try(struct app *app, struct fg_error *error);
/* Close what is open. @return packets that never came back to their pools. */
uint64_t setup_close(struct app *app, struct fg_error *error);
void setup_free(struct app *app);

/* ports.c: a source for each port that EAL found, when the file lists none. */
int ports_as_sources(struct app *app, struct fg_error *error);

/* entries.c: one entry of `sources` or `sinks`. */
int entries_add_source(struct app *app, const struct fg_node *node, struct fg_error *error);
int entries_add_sink(struct app *app, const struct fg_node *node, struct fg_error *error);
/* The same without a file: a source named @p name with row 0 of its kind set to @p value. */
int entries_make_source(struct app *app, const char *kind, const char *name, const char *value,
			uint16_t n_queues, struct fg_error *error);
void entries_free(struct app *app);

/*
 * reload.c: other rules. Each function builds aside, publishes, and says so on
 * @p out; if anything is wrong the rules in force stay, and @p error says why.
 */
int reload_file(struct app *app, const char *path, FILE *out, struct fg_error *error);
/* @p edited comes from the book in force and is taken, whatever happens. */
int reload_edited(struct app *app, struct rulebook *edited, FILE *out, struct fg_error *error);
/* On SIGHUP: the -c file again, and what came of it. */
void reload_on_signal(struct app *app, FILE *out);

/*
 * prefilter.c: which packets sources need not bring, as the rules would drop them.
 * Before @new takes @old's place (NULL: there is none) what either may keep must come;
 * and then what @rules may keep, those in force.
 */
void prefilter_widen(struct app *app, const struct fg_rules *old, const struct fg_rules *new);
void prefilter_set(struct app *app, const struct fg_rules *rules);
/* Can the entry match a packet of this source? */
bool prefilter_concerns(const struct fg_match *m, const struct fg_source *src);

/* save.c: write the book to @p path, all of it or nothing. */
int save_rules(const struct app *app, const char *path, struct fg_error *error);

/* findings.c: shadowed and redundant rules. */
int findings_make(const struct fg_rules *rules, struct findings *findings, struct fg_error *error);
void findings_free(struct findings *findings);
/* Of the rules in force; made when first asked for. */
const struct findings *findings_of(struct app *app);
/* "shadowed by NAME" of rule number @p rule; empty if there is nothing to say. */
void findings_text(const struct findings *findings, const struct fg_rules *rules, uint32_t rule,
		   char *text, size_t size);
/* One line each, at most 100 of them: --check. */
void findings_warn(const struct app *app, FILE *out);

/* explain.c: what happens to one packet, given as fields or in a capture file. */
int explain(const struct app *app, const char *text, FILE *out, struct fg_error *error);

/* snapshot.c */
void snapshot_take(const struct app *app, struct snapshot *snapshot);
void snapshot_subtract(struct snapshot *snapshot, const struct snapshot *before);
void snapshot_free(struct snapshot *snapshot);

/* report.c: tables for people. @p all: also rules that nothing matched. */
void report_totals(const struct app *app, const struct snapshot *s, FILE *out);
/* 1,234,567. Static text, one of sixteen. */
const char *report_grouped(uint64_t value);
/* A counter of a table of one thing: name, value, help. */
void report_row(FILE *out, const char *name, uint64_t value, const char *help);
void report_rules(struct app *app, const struct snapshot *s, FILE *out, bool all);
/* The sinks of a rule, or "drop". */
void report_action(const struct app *app, const struct fg_rule *rule, FILE *out);
/* "1.2 s ago"; "-" for 0, which means never. Static text. Ticks, or UTC ns. */
const char *report_age(uint64_t ticks);
const char *report_age_ns(uint64_t time_ns);
void report_drops(const struct snapshot *s, FILE *out, bool all);
void report_sinks(const struct app *app, const struct snapshot *s, FILE *out);
void report_lcores(const struct app *app, FILE *out);
void report_config(const struct app *app, FILE *out);
void report_all(struct app *app, const struct snapshot *s, FILE *out);
/* One line of progress since the last call. */
void report_progress(const struct app *app, FILE *out);

/* sources.c: tables, and a line in the log when a device goes or comes. */
void report_sources(const struct app *app, const struct snapshot *s, FILE *out);
/* One source in full. 0, or -1: there is none of that name. */
int report_source(const struct app *app, const struct snapshot *s, const char *name, FILE *out);
void sources_watch(struct app *app);
/* Every kind, and whether this machine can do it. EAL need not be up. */
void sources_list(FILE *out);

/* summary.c: the JSON object of --summary. 0 or -errno. */
int summary_write(const struct app *app, const struct snapshot *s, bool balanced, const char *path,
		  struct fg_error *error);

/* commands.c: the console's command table. */
extern cmdline_parse_ctx_t app_commands[];
void commands_init(struct app *app);

/* control.c: from configured to stopped; sets app->exit_status. */
void control_run(struct app *app);
void control_start(struct app *app, FILE *out);
void control_stop(struct app *app, FILE *out);
/* Say an error on standard error and remember the worst status. */
void app_fail(struct app *app, int status, const struct fg_error *error);

#endif /* APP_H */
