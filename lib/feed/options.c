/* SPDX-License-Identifier: MIT */
/* Read an entry of `feeds:` into struct fg_feed_conf. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include <fg_feed.h>
#include <fg_node.h>

static const char *const reorders[] = {
	[FG_FEED_REORDER_NONE] = "none", [FG_FEED_REORDER_HOLD] = "hold", NULL};

static const char *const malformeds[] = {
	[FG_FEED_MALFORMED_DROP] = "drop", [FG_FEED_MALFORMED_PASS] = "pass", NULL};

static const char *const automatic[] = {"auto", NULL};

#define ROW(key, kind, standard, what)                                                             \
	.name = #key, .type = (kind), .offset = offsetof(struct fg_feed_conf, key),                \
	.value = (standard), .help = (what)

static const struct fg_option symbols_options[] = {
	{.name = "file",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct fg_feed_conf, symbols_file),
	 .value = "",
	 .help = "keeps the symbol map across a restart"},
	{.name = "max",
	 .type = FG_OPTION_U64,
	 .offset = offsetof(struct fg_feed_conf, symbols_max),
	 .value = "65536",
	 .min = 1,
	 .max = 1u << 22,
	 .unit = "numbers",
	 .help = "instrument numbers that the symbol map has room for"},
	{0},
};

const struct fg_option fg_feed_options[] = {
	{ROW(arbitrate, FG_OPTION_BOOL, "false",
	     "pass the first arrival of each sequence number, drop the others")},
	{ROW(reorder, FG_OPTION_NAME, "none",
	     "hold: hold early packets, so that numbers come out in order"),
	 .names = reorders},
	{ROW(track, FG_OPTION_BOOL, "true",
	     "detect gaps, resets and silent lines; needed to arbitrate")},
	{ROW(learn, FG_OPTION_BOOL, "true",
	     "learn symbols and orders from all packets, not only those of rules that need them")},
	{ROW(checksum, FG_OPTION_BOOL, "true",
	     "verify the protocol's own checksum, where it has one: a packet with a wrong one is "
	     "malformed")},
	{ROW(malformed, FG_OPTION_NAME, "drop",
	     "packets whose messages are not as their header has them: drop; pass: pass them on "
	     "every line, with no message matched"),
	 .names = malformeds},
	{ROW(window, FG_OPTION_U64, "8192", "how far back the arbiter knows which numbers arrived"),
	 .min = 128, .max = 1u << 20, .power_of_two = true, .unit = "numbers"},
	{ROW(jump_max, FG_OPTION_U64, "0", "a longer gap is a sequence jump; 0: half the window"),
	 .max = 1u << 19, .unit = "numbers"},
	{ROW(hold_packets, FG_OPTION_U64, "256", "packets held at once at most"), .min = 1,
	 .max = 65536, .unit = "packets"},
	{ROW(hold_us, FG_OPTION_U64, "1000", "longest that a packet is held"), .min = 1,
	 .max = 1000000, .unit = "us"},
	{ROW(gap_timeout_ms, FG_OPTION_U64, "1000",
	     "a gap this old is given up: its numbers are missing"),
	 .min = 1, .max = 3600000, .unit = "ms"},
	{ROW(silence_ms, FG_OPTION_U64, "5000", "a line this quiet is silent; 0: never"),
	 .max = 86400000, .unit = "ms"},
	{ROW(channels, FG_OPTION_U64, "32", "channels and sessions tracked at once"), .min = 1,
	 .max = 1024},
	{.name = "symbols",
	 .type = FG_OPTION_MAP,
	 .rows = symbols_options,
	 .help = "the symbol map"},
	{ROW(orders, FG_OPTION_U64, "auto",
	     "entries of the order map; auto: 1 M where messages name only the order, else 0"),
	 .max = 1u << 26, .power_of_two = true, .names = automatic, .unit = "orders"},
	{ROW(lcore, FG_OPTION_U64, "auto",
	     "lcore that owns it, a worker or an rx lcore; auto: the worker, or without workers "
	     "the rx lcore, with the fewest feeds"),
	 .max = UINT16_MAX, .names = automatic},
	{0},
};

/* Keys that are read before the protocol is known. */
struct head {
	char *name;
	char *messages;
};

static const struct fg_option head_rows[] = {
	{.name = "name", .type = FG_OPTION_STRING, .offset = offsetof(struct head, name)},
	{.name = "messages",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct head, messages),
	 .value = ""},
	{0},
};

static bool is_head(const char *key)
{
	for (const struct fg_option *row = head_rows; row->name != NULL; row++)
		if (strcmp(row->name, key) == 0)
			return true;
	return false;
}

/* The keys of an entry, split in two maps. The maps hold copies, freed with their array. */
struct parts {
	struct fg_node head, rest;
	struct fg_node *copies;
	const struct fg_node *protocol;
};

static int split(const struct fg_node *node, struct parts *parts, struct fg_error *error)
{
	struct fg_node **head = &parts->head.child, **rest = &parts->rest.child;
	uint32_t n = 0;

	parts->head = parts->rest = *node;
	*head = *rest = NULL;
	parts->head.count = parts->rest.count = 0;
	parts->copies = calloc((size_t)node->count + 1, sizeof(*parts->copies));
	if (parts->copies == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	for (const struct fg_node *c = node->child; c != NULL; c = c->next) {
		struct fg_node *copy = &parts->copies[n++];

		if (strcmp(c->key, "protocol") == 0) {
			parts->protocol = c;
			continue;
		}
		*copy = *c;
		copy->next = NULL;
		if (is_head(c->key)) {
			*head = copy;
			head = &copy->next;
			parts->head.count++;
		} else {
			*rest = copy;
			rest = &copy->next;
			parts->rest.count++;
		}
	}
	return 0;
}

/* `messages`: another set of messages than the protocol's own. */
static int take_messages(const struct fg_node *node, const char *name, struct fg_feed_conf *conf,
			 struct fg_error *error)
{
	const struct fg_messages *messages = fg_messages_find(name);
	struct fg_error reason = {0};

	if (name[0] == '\0')
		return 0;
	if (conf->protocol == NULL)
		return fg_error_at(error, EINVAL, fg_node_get(node, "messages"),
				   "messages: a feed without a protocol has none");
	if (messages == NULL)
		return fg_error_at(error, EINVAL, fg_node_get(node, "messages"),
				   "messages: no set named '%s'", name);
	conf->protocol->messages = messages;
	if (fg_protocol_check(conf->protocol, &reason) != 0)
		return fg_error_at(error, EINVAL, fg_node_get(node, "messages"), "messages: %s: %s",
				   name, reason.text);
	return 0;
}

static int check(const struct fg_node *node, const struct fg_feed_conf *conf,
		 struct fg_error *error)
{
	const bool hold = conf->reorder == FG_FEED_REORDER_HOLD;

	if (conf->arbitrate && !conf->track)
		return fg_error_at(error, EINVAL, node, "arbitrate: true needs track: true");
	if (hold && !conf->arbitrate)
		return fg_error_at(error, EINVAL, node, "reorder: hold needs arbitrate: true");
	if (conf->jump_max > conf->window / 2)
		return fg_error_at(
			error, EINVAL, node, "jump_max: %lu: expected at most half the window, %lu",
			(unsigned long)conf->jump_max, (unsigned long)(conf->window / 2));
	return 0;
}

/* Is there a message that names an order and no instrument? */
static bool names_orders_only(const struct fg_messages *messages)
{
	for (uint32_t i = 0; i < messages->count; i++)
		if (messages->types[i].instrument == FG_INSTRUMENT_ORDER)
			return true;
	return messages->other.instrument == FG_INSTRUMENT_ORDER;
}

static bool is_setting(const char *key)
{
	for (const struct fg_option *row = fg_feed_options; row->name != NULL; row++)
		if (strcmp(row->name, key) == 0)
			return true;
	return false;
}

/* A feed without a protocol takes no settings. @first of them; the others follow it. */
static int refuse_settings(const struct fg_node *first, struct fg_error *error)
{
	const struct fg_node *n = first;

	do {
		if (!is_setting(n->key))
			return fg_option_unknown_key(n, "name, protocol or messages", error);
		n = n->next;
	} while (n != NULL);
	return fg_error_at(error, EINVAL, first, "%s: a feed without a protocol has no settings",
			   first->key);
}

static int read_parts(const struct fg_node *node, const struct parts *parts, struct head *head,
		      struct fg_feed_conf *conf, struct fg_error *error)
{
	int rc = 0;

	if (parts->protocol != NULL)
		rc = fg_protocol_load(parts->protocol, &conf->protocol, error);
	else if (parts->rest.child != NULL)
		rc = refuse_settings(parts->rest.child, error);
	if (rc == 0)
		rc = take_messages(node, head->messages, conf, error);
	if (rc == 0)
		rc = fg_option_read(fg_feed_options, &parts->rest, conf, error);
	if (rc == 0)
		rc = check(node, conf, error);
	if (conf->protocol != NULL)
		conf->protocol->ignore_checksum = !conf->checksum;
	if (rc == 0 && conf->orders == FG_OPTION_NAMED(0))
		conf->orders = conf->protocol != NULL && names_orders_only(conf->protocol->messages)
				       ? 1u << 20
				       : 0;
	return rc;
}

int fg_feed_read(const struct fg_node *node, struct fg_feed_conf *conf, struct fg_error *error)
{
	struct parts parts = {0};
	struct head head = {0};
	int rc;

	if (node->kind != FG_NODE_MAP)
		return fg_error_at(error, EINVAL, node,
				   "a feed: expected a map {name: ..., protocol: ...}, found %s",
				   fg_node_kind_name(node));
	rc = split(node, &parts, error);
	if (rc == 0)
		rc = fg_option_read(head_rows, &parts.head, &head, error);
	if (rc == 0) {
		rc = read_parts(node, &parts, &head, conf, error);
		conf->name = rc == 0 ? head.name : NULL;
		head.name = rc == 0 ? NULL : head.name;
		fg_option_free(head_rows, &head);
	}
	free(parts.copies);
	if (rc != 0)
		fg_feed_conf_free(conf);
	return rc;
}

void fg_feed_conf_free(struct fg_feed_conf *conf)
{
	fg_option_free(fg_feed_options, conf);
	fg_protocol_free(conf->protocol);
	free(conf->name);
	*conf = (struct fg_feed_conf){0};
}
