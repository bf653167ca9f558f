/* SPDX-License-Identifier: MIT */
/* The state of the program. All of it belongs to the control thread. */
#ifndef APP_H
#define APP_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_analyse.h>
#include <fg_error.h>
#include <fg_feed.h>
#include <fg_pipeline.h>

#include "reload_change.h"
#include "rulebook.h"

/* Exit status. */
enum {
	EXIT_DONE = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
	EXIT_UNBALANCED = 3, /* packets are not accounted for */
};

#define FEEDS_MAX      1024u
#define SUMMARY_STDOUT "-" /* --summary: standard output */

/* Sections of the file that are read once, at start; a reload compares them. */
enum { PARTS = 8 };

/* The command line after `--`. */
struct options {
	const char *config_path;
	const char *cmdline_path;
	const char *summary_path;
	const char *workers;     /* NULL: as the file has it */
	uint64_t stats_period_s; /* 0: none */
	bool interactive;
	bool auto_start;
	bool check;
	bool exit_when_done;
	bool stdout_closed; /* by who started feedgate */
};

/* An entry of `sources`. */
struct source_entry {
	struct fg_source source;
	void *conf; /* the struct that the kind's options fill */
	char *name;
	bool open;
	enum fg_link link;   /* as last seen */
	char prefilter[192]; /* "on", or "off: " and why; empty: the source has none */
};

/* An entry of `sinks`. */
struct sink_entry {
	struct fg_sink sink;
	void *conf; /* the struct that the kind's options fill */
	char *name;
	bool open;
};

/* An entry of `feeds`. */
struct feed_entry {
	struct fg_feed_conf conf;
	struct event_log *events; /* the feed's own log; NULL: that of all feeds */
	struct fg_feed *feed;     /* NULL: it has no protocol, or is not open */
};

/* Counters of a kind of source, since it was opened: `clear stats` leaves them. */
struct figures {
	struct fg_source_figure at[FG_SOURCE_FIGURES_MAX];
	unsigned int count;
};

struct fg_flow_totals {
	uint64_t packets, bytes;
};

/* All counters at one moment. */
struct snapshot {
	struct fg_totals totals;
	struct fg_rule_totals *rules; /* [n_rule_ids], by rule id */
	uint32_t n_rule_ids;
	uint32_t *unmapped; /* [n_rule_ids], symbols of the rule without a number now */
	struct fg_sink_totals sinks[FG_SINKS_MAX];
	struct fg_flow_totals sources[FG_SOURCES_MAX];
	struct fg_source_lost lost[FG_SOURCES_MAX];
	struct figures figures[FG_SOURCES_MAX];
	struct feed_totals *feeds; /* [n_feeds]; all zero: the feed has no protocol */
	uint32_t n_feeds;
	struct event_log_totals *event_logs; /* [n_event_logs] */
	uint32_t n_event_logs;
	double seconds; /* that the pipeline has run */
};

/* What fg_rules_analyse() found in one rule set. Zeroed: nothing was analysed. */
struct findings {
	struct fg_rule_finding *at;
	uint32_t count;
	uint32_t rules_version; /* of the set; 0: none */
	bool complete;          /* the search was not cut short */
};

struct app {
	struct options options;
	struct rulebook book; /* the running rules as text */
	char *parts[PARTS];   /* as text, by setup_part_names[]; NULL: not in the file */

	struct source_entry *sources[FG_SOURCES_MAX];
	struct sink_entry *sinks[FG_SINKS_MAX];
	struct feed_entry *feeds[FEEDS_MAX];
	uint8_t feed_owners[FEEDS_MAX]; /* lane of each feed's lcore */
	struct event_log *event_logs[FEEDS_MAX + 1];
	struct event_log *events; /* of feeds without a log of their own; NULL: none */
	uint32_t n_sources, n_sinks, n_feeds, n_event_logs;
	unsigned int n_lines; /* of each feed: the highest of any source or rule; 0: not known */

	struct fg_parse_conf parse;
	struct fg_classify_conf classify;
	struct fg_pipeline_conf pipeline_conf;
	struct reload_conf reload;
	struct fg_placement placement;
	struct fg_rules *rules; /* until published */

	struct fg_pipeline *pipeline;
	struct feeds_watch *watch;     /* events of feeds; NULL: no feed tracks its lines */
	struct symbols_watch *symbols; /* symbol maps of feeds; NULL: not open */
	struct findings findings;      /* use findings_of() */
	struct fg_console *console;    /* NULL if not interactive and no command file */
	struct snapshot cleared;       /* the counters at the last `clear stats` */
	int exit_status;
};

/* main.c: print an error to standard error, and remember the worst status. */
void app_fail(struct app *app, int status, const struct fg_error *error);

/* main.c: the exit status for -errno of what the user gave: EXIT_USAGE, unless the system failed.
 */
int app_status_of(int rc);

#endif /* APP_H */
