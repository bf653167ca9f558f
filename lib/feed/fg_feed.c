/* SPDX-License-Identifier: MIT */
/* Creation of a feed from its configuration, and its counters. */
#include <errno.h>
#include <time.h>

#include <rte_malloc.h>

#include "feed.h"

#define EVENTS 4096u /* queued for the control thread, which takes them five times a second */

static int make_arbiter(struct fg_feed *feed, int socket_id, struct fg_error *error)
{
	const struct fg_feed_conf *conf = feed->conf;
	const struct fg_arbiter_conf arbiter = {
		.n_lines = (uint8_t)feed->n_lines,
		.hold = conf->reorder == FG_FEED_REORDER_HOLD,
		.socket_id = socket_id,
		.channels = (uint32_t)conf->channels,
		.window = (uint32_t)conf->window,
		.jump_max = (uint32_t)conf->jump_max,
		.hold_packets = (uint32_t)conf->hold_packets,
		.hold_ns = conf->hold_us * 1000,
		.gap_timeout_ns = conf->gap_timeout_ms * 1000000,
		.events = EVENTS,
		.silence_ns = conf->silence_ms > 0 ? conf->silence_ms * 1000000 : UINT64_MAX,
	};

	return conf->track ? fg_arbiter_create(&arbiter, &feed->arbiter, error) : 0;
}

static uint64_t wall_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Whether the symbol map is of use: a file has symbols, or the feed learns them. */
static bool uses_symbols(const struct fg_feed_conf *conf)
{
	const struct fg_messages *messages = conf->protocol->messages;
	bool learns = messages->other.symbol.bytes != 0;

	for (uint32_t i = 0; i < messages->count; i++)
		learns |= messages->types[i].symbol.bytes != 0;
	return learns || conf->symbols_file[0] != '\0';
}

static int make_maps(struct fg_feed *feed, int socket_id, struct fg_error *error)
{
	const struct fg_feed_conf *conf = feed->conf;
	const struct fg_symbols_conf symbols = {
		.protocol = feed->protocol,
		.symbols_max = uses_symbols(conf) ? (uint32_t)conf->symbols_max : 1,
		.socket_id = socket_id,
	};
	const struct fg_orders_conf orders = {
		.protocol = feed->protocol,
		.orders_max = (uint32_t)conf->orders,
		.socket_id = socket_id,
	};
	struct fg_msg_filter_conf any_message = {
		.protocol = feed->protocol,
		.any_instrument = true,
		.socket_id = socket_id,
	};
	int rc = fg_symbols_create(&symbols, &feed->symbols, error);

	if (rc == 0 && conf->symbols_file[0] != '\0')
		rc = fg_symbols_load(feed->symbols, conf->symbols_file, wall_ns(),
				     &feed->symbols_file, error);
	if (rc == 0)
		rc = fg_orders_create(&orders, &feed->orders, error);
	if (rc != 0)
		return rc;
	any_message.symbols = conf->learn ? feed->symbols : NULL;
	any_message.orders = conf->learn ? feed->orders : NULL;
	return fg_msg_filter_create(&any_message, &feed->any_message, error);
}

int fg_feed_create(const struct fg_feed_conf *conf, unsigned int n_lines, int socket_id,
		   struct fg_feed **out, struct fg_error *error)
{
	struct fg_feed *feed;
	struct fg_error reason = {0};
	int rc = 0;

	if (conf->track && (n_lines == 0 || n_lines > FG_ARBITER_LINES_MAX))
		return fg_error_set(error, EINVAL, "feed %s: %u lines: expected 1 to %u",
				    conf->name, n_lines, FG_ARBITER_LINES_MAX);
	feed = rte_zmalloc_socket(NULL, sizeof(*feed), 128, socket_id);
	if (feed == NULL)
		return fg_error_set(error, ENOMEM, "feed %s: no DPDK memory", conf->name);
	feed->conf = conf;
	feed->n_lines = n_lines;
	feed->protocol = conf->protocol;
	feed->arbitrate = conf->arbitrate;
	feed->pass_malformed = conf->malformed == FG_FEED_MALFORMED_PASS;
	feed->hold = conf->reorder == FG_FEED_REORDER_HOLD;
	feed->by_messages = conf->protocol->header.counts == FG_COUNTS_MESSAGES;
	feed->by_session = uses_symbols(conf) || conf->orders != 0;
	rc = make_arbiter(feed, socket_id, &reason);
	if (rc == 0)
		rc = make_maps(feed, socket_id, &reason);
	if (rc != 0) {
		fg_feed_free(feed);
		return fg_error_set(error, -rc, "feed %s: %s", conf->name, reason.text);
	}
	*out = feed;
	return 0;
}

void fg_feed_free(struct fg_feed *feed)
{
	if (feed == NULL)
		return;
	fg_msg_filter_free(feed->any_message);
	fg_symbols_free(feed->symbols);
	fg_orders_free(feed->orders);
	fg_arbiter_free(feed->arbiter);
	rte_free(feed);
}

const struct fg_feed_conf *fg_feed_conf(const struct fg_feed *feed)
{
	return feed->conf;
}

unsigned int fg_feed_n_lines(const struct fg_feed *feed)
{
	return feed->n_lines;
}

struct fg_arbiter *fg_feed_arbiter(const struct fg_feed *feed)
{
	return feed->arbiter;
}

uint64_t fg_feed_held(const struct fg_feed *feed, uint32_t rules_version)
{
	return fg_counter_read(&feed->held[rules_version % FG_FEED_HELD_VERSIONS]);
}

struct fg_symbols *fg_feed_symbols(const struct fg_feed *feed)
{
	return feed->symbols;
}

enum fg_symbols_file fg_feed_symbols_file(const struct fg_feed *feed)
{
	return feed->symbols_file;
}

struct fg_orders *fg_feed_orders(const struct fg_feed *feed)
{
	return feed->orders;
}

void fg_feed_counters(const struct fg_feed *feed, uint64_t *out)
{
	for (unsigned int i = 0; i < FG_FEED_COUNTER_COUNT; i++)
		out[i] = fg_counter_read(&feed->counters[i]);
}

const char *fg_feed_counter_name(enum fg_feed_counter counter)
{
	static const char *const names[] = {
#define X(name, help) #name,
		FG_FEED_COUNTERS(X)
#undef X
	};

	return names[counter];
}

const char *fg_feed_counter_help(enum fg_feed_counter counter)
{
	static const char *const helps[] = {
#define X(name, help) help,
		FG_FEED_COUNTERS(X)
#undef X
	};

	return helps[counter];
}
