/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fg_log.h>

#include "app.h"
#include "report_text.h"

#define SECOND_NS    UINT64_C(1000000000)
#define DAY_NS       (86400 * SECOND_NS)
#define SAVE_NS      (5 * SECOND_NS)  /* between two writes of a file, at least */
#define RETRY_NS     (60 * SECOND_NS) /* after a write that failed */
#define LOG_NS       (10 * SECOND_NS) /* after a feed's first packet, or what was logged before */
#define CHANGED_NS   (60 * SECOND_NS) /* before another count of a rule is logged, unless 0 */
#define LOGS         5u               /* lines a look logs */
#define NAMES        5u               /* that a line shows */
#define NAMES_BYTES  (NAMES * (FG_SYMBOL_BYTES + 2) + 8)
#define NEVER_LOGGED UINT32_MAX

/* The map of a feed. */
struct feed_symbols {
	uint64_t saved_version, saved_day;
	uint64_t save_due_ns;
	uint64_t first_packet_ns; /* when control saw that there was one; 0: none */
};

/* Symbols of a rule that have no number. */
struct rule_symbols {
	uint64_t map_version;
	uint32_t rules_version; /* of the set for which `count` was determined; 0: none */
	uint32_t count;
	uint32_t logged; /* the count that was logged last; NEVER_LOGGED */
	uint64_t logged_ns;
};

struct symbols_watch {
	struct feed_symbols feeds[FEEDS_MAX];
	struct rule_symbols *rules; /* [n_rules], by rule id */
	uint32_t n_rules;
	uint64_t look_due_ns;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

int symbols_open(struct app *app, struct fg_error *error)
{
	const uint64_t day = clock_ns(CLOCK_REALTIME) / DAY_NS;

	app->symbols = calloc(1, sizeof(*app->symbols));
	if (app->symbols == NULL)
		return fg_error_set(error, ENOMEM, "no memory for the symbols of %u feeds",
				    app->n_feeds);
	for (uint32_t i = 0; i < app->n_feeds; i++) {
		const struct feed_entry *entry = app->feeds[i];

		if (entry->feed == NULL || entry->conf.symbols_file[0] == '\0')
			continue;
		app->symbols->feeds[i].saved_version =
			fg_symbols_version(fg_feed_symbols(entry->feed));
		app->symbols->feeds[i].saved_day = day;
		if (fg_feed_symbols_file(entry->feed) == FG_SYMBOLS_FILE_OLD)
			fg_log(NOTICE, "feed %s: %s is of another day: it is not used",
			       entry->conf.name, entry->conf.symbols_file);
		else if (fg_feed_symbols_file(entry->feed) == FG_SYMBOLS_FILE_HAND)
			fg_log(INFO,
			       "feed %s: %s has neither session nor day: it is read, and not "
			       "written",
			       entry->conf.name, entry->conf.symbols_file);
	}
	return 0;
}

void symbols_free(struct app *app)
{
	if (app->symbols != NULL)
		free(app->symbols->rules);
	free(app->symbols);
	app->symbols = NULL;
}

static void save(const struct feed_entry *entry, struct feed_symbols *state, bool last)
{
	const struct fg_symbols *symbols = fg_feed_symbols(entry->feed);
	const uint64_t now = clock_ns(CLOCK_MONOTONIC), wall = clock_ns(CLOCK_REALTIME);
	const uint64_t version = fg_symbols_version(symbols);
	struct fg_error error = {0};
	int rc;

	/* A file that is valid for a day is written anew on the next. */
	if ((version == state->saved_version &&
	     (version == 0 || state->saved_day == wall / DAY_NS)) ||
	    (now < state->save_due_ns && !last))
		return;
	rc = fg_symbols_save(symbols, entry->conf.symbols_file, wall, &error);
	state->save_due_ns = now + (rc == 0 || rc == -EAGAIN ? SAVE_NS : RETRY_NS);
	if (rc == 0) {
		state->saved_version = version;
		state->saved_day = wall / DAY_NS;
	} else if (rc != -EAGAIN) {
		fg_log(WARNING, "feed %s: the symbol map cannot be written: %s", entry->conf.name,
		       error.text);
	}
}

/* The state of a rule, by its id; NULL: no memory. */
static struct rule_symbols *rule_state(struct symbols_watch *watch, uint32_t id)
{
	struct rule_symbols *grown;

	if (id < watch->n_rules)
		return &watch->rules[id];
	grown = realloc(watch->rules, ((size_t)id + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	watch->rules = grown;
	for (; watch->n_rules <= id; watch->n_rules++)
		grown[watch->n_rules] = (struct rule_symbols){.logged = NEVER_LOGGED};
	return &grown[id];
}

/* The feed of a rule that subscribes to messages; NULL: it does not. */
static const struct feed_entry *feed_of(const struct app *app, const struct fg_rule *rule)
{
	const struct feed_entry *entry = rule->feed != FG_FEED_NONE && rule->subscription != NULL
						 ? app->feeds[rule->feed]
						 : NULL;

	return entry != NULL && entry->feed != NULL ? entry : NULL;
}

uint32_t symbols_unmapped(const struct app *app, uint32_t number)
{
	const struct fg_rule *rule = &fg_pipeline_rules(app->pipeline)->rules[number];
	const uint32_t rules_version = fg_pipeline_rules_version(app->pipeline);
	const struct feed_entry *entry = feed_of(app, rule);
	struct rule_symbols *state;
	uint64_t version;
	uint32_t count;

	if (entry == NULL || app->symbols == NULL)
		return 0;
	version = fg_symbols_version(fg_feed_symbols(entry->feed));
	state = rule_state(app->symbols, rule->id);
	if (state == NULL)
		return 0;
	if ((state->rules_version != rules_version || state->map_version != version) &&
	    fg_pipeline_unmapped(app->pipeline, number, NULL, 0, &count) >= 0) {
		state->count = count;
		state->map_version = version;
		state->rules_version = rules_version;
	}
	return state->count;
}

/* "AAPL, MSFT, ...": the first symbols of a rule that have no number. */
static const char *names_text(const struct app *app, uint32_t number, char text[NAMES_BYTES])
{
	char names[NAMES][FG_SYMBOL_BYTES + 1];
	uint32_t count;
	const int n = fg_pipeline_unmapped(app->pipeline, number, names, NAMES, &count);
	size_t used = 0;

	snprintf(text, NAMES_BYTES, "%s", n < 0 ? "(out of memory)" : "");
	for (int i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, NAMES_BYTES - used, "%s%s",
					 i == 0 ? "" : ", ", names[i]);
	if (n > 0 && count > (uint32_t)n)
		(void)snprintf(text + used, NAMES_BYTES - used, ", ...");
	return text;
}

/* Whether the count of a rule is news, and not too soon after the last. */
static bool is_due(const struct rule_symbols *state, uint32_t count)
{
	if (state->logged == NEVER_LOGGED)
		return count != 0;
	return state->logged != count &&
	       clock_ns(CLOCK_MONOTONIC) - state->logged_ns >= (count == 0 ? LOG_NS : CHANGED_NS);
}

/* Log a rule whose count has changed. @return whether it is to be logged, and was not. */
static bool log_rule(const struct app *app, uint32_t number, uint32_t *room)
{
	const struct fg_rule *rule = &fg_pipeline_rules(app->pipeline)->rules[number];
	const uint32_t count = symbols_unmapped(app, number);
	const struct feed_entry *entry = feed_of(app, rule);
	struct rule_symbols *state = entry != NULL ? rule_state(app->symbols, rule->id) : NULL;
	char text[NAMES_BYTES];

	if (state == NULL || !is_due(state, count))
		return false;
	if (*room == 0)
		return true;
	(*room)--;
	state->logged = count;
	state->logged_ns = clock_ns(CLOCK_MONOTONIC);
	if (count > 0)
		fg_log(WARNING, "rule %s: %u of %u instruments are unmapped in feed %s: %s",
		       rule->name, count, rule->subscription->n_instruments, entry->conf.name,
		       names_text(app, number, text));
	else
		fg_log(NOTICE, "rule %s: all instruments are mapped in feed %s", rule->name,
		       entry->conf.name);
	return false;
}

/* Whether the feed has had some time to learn its symbols. */
static bool is_settled(const struct app *app, uint32_t feed, bool last)
{
	const uint64_t first = app->symbols->feeds[feed].first_packet_ns;

	return first != 0 && (last || clock_ns(CLOCK_MONOTONIC) - first >= LOG_NS);
}

static void log_rules(const struct app *app, bool last)
{
	const struct fg_rules *rules = fg_pipeline_rules(app->pipeline);
	uint32_t room = LOGS, more = 0;

	for (uint32_t i = 0; rules != NULL && i <= rules->count; i++)
		if (feed_of(app, &rules->rules[i]) != NULL &&
		    is_settled(app, rules->rules[i].feed, last))
			more += log_rule(app, i, &room);
	if (more > 0)
		fg_log(WARNING, "%u more rules with unmapped instruments: `show feed NAME`", more);
}

static void see_first_packet(const struct feed_entry *entry, struct feed_symbols *state)
{
	uint64_t counters[FG_FEED_COUNTER_COUNT];

	if (state->first_packet_ns != 0)
		return;
	fg_feed_counters(entry->feed, counters);
	if (counters[FG_FEED_packets] != 0)
		state->first_packet_ns = clock_ns(CLOCK_MONOTONIC);
}

void symbols_watch(struct app *app, bool last)
{
	const uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (app->symbols == NULL)
		return;
	for (uint32_t i = 0; i < app->n_feeds; i++) {
		const struct feed_entry *entry = app->feeds[i];
		struct feed_symbols *state = &app->symbols->feeds[i];

		if (entry->feed == NULL)
			continue;
		see_first_packet(entry, state);
		if (entry->conf.symbols_file[0] != '\0' &&
		    fg_feed_symbols_file(entry->feed) != FG_SYMBOLS_FILE_HAND)
			save(entry, state, last);
	}
	if (now < app->symbols->look_due_ns && !last)
		return;
	app->symbols->look_due_ns = now + SECOND_NS;
	log_rules(app, last);
}

void report_unmapped(const struct app *app, uint32_t feed, FILE *out)
{
	const struct fg_rules *rules = fg_pipeline_rules(app->pipeline);
	char text[NAMES_BYTES];
	bool any = false;

	for (uint32_t i = 0; rules != NULL && i <= rules->count; i++) {
		const struct fg_rule *rule = &rules->rules[i];
		uint32_t count;

		if (rule->feed != feed || (count = symbols_unmapped(app, i)) == 0)
			continue;
		if (!any)
			fputs("unmapped instruments: no number of the feed has their symbol\n",
			      out);
		any = true;
		fprintf(out, "  rule %s: %s of %s: %s\n", rule->name, report_grouped(count),
			report_grouped(rule->subscription->n_instruments),
			names_text(app, i, text));
	}
}
