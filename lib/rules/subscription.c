/* SPDX-License-Identifier: MIT */
#include "subscription.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_common.h>

#include <fg_node.h>
#include <fg_option.h>

#define TYPES_MAX      4096u
#define FILE_BYTES_MAX (64u << 20)

static const char *const unmapped_names[] = {
	[FG_UNMAPPED_PASS] = "pass", [FG_UNMAPPED_DROP] = "drop", NULL};

struct values {
	uint64_t unmapped;
	bool slice;
	char *file;
};

static const struct fg_option rows[] = {
	{.name = "unmapped",
	 .type = FG_OPTION_NAME,
	 .offset = offsetof(struct values, unmapped),
	 .names = unmapped_names,
	 .value = "pass"},
	{.name = "slice",
	 .type = FG_OPTION_BOOL,
	 .offset = offsetof(struct values, slice),
	 .value = "false"},
	{.name = "instruments_file",
	 .type = FG_OPTION_STRING,
	 .offset = offsetof(struct values, file),
	 .value = ""},
};

bool subscription_is_key(const char *key)
{
	for (size_t i = 0; i < RTE_DIM(rows); i++)
		if (strcmp(rows[i].name, key) == 0)
			return true;
	return strcmp(key, "messages") == 0 || strcmp(key, "instruments") == 0;
}

static int read_options(const struct fg_node *node, struct fg_subscription *subscription,
			struct fg_error *error)
{
	struct values values = {0};
	int rc = 0;

	for (size_t i = 0; i < RTE_DIM(rows) && rc == 0; i++) {
		const struct fg_node *n = fg_node_get(node, rows[i].name);

		if (n != NULL && n->kind != FG_NODE_SCALAR)
			rc = fg_error_at(error, EINVAL, n, "%s: expected a value, found %s", n->key,
					 fg_node_kind_name(n));
		else
			rc = fg_option_set(&rows[i], &values, n != NULL ? n->text : rows[i].value,
					   n, error);
	}
	subscription->unmapped = (uint8_t)values.unmapped;
	subscription->slice = values.slice;
	subscription->file = values.file;
	if (rc != 0 || subscription->file == NULL || subscription->file[0] != '\0')
		return rc;
	free(subscription->file);
	subscription->file = NULL;
	return 0;
}

/* The first of a list, or the value itself; NULL: an empty list. */
static const struct fg_node *first_of(const struct fg_node *node)
{
	return node->kind == FG_NODE_LIST ? node->child : node;
}

static const struct fg_node *next_of(const struct fg_node *list, const struct fg_node *n)
{
	return list->kind == FG_NODE_LIST ? n->next : NULL;
}

/* `messages`: a type or a list of them, each by its name, its characters or its number. */
static int read_types(const struct fg_node *list, const struct fg_protocol *protocol,
		      struct fg_subscription *subscription, struct fg_error *error)
{
	const uint32_t count = list->kind == FG_NODE_LIST ? list->count : 1;

	if (list->kind == FG_NODE_MAP || count == 0 || count > TYPES_MAX)
		return fg_error_at(error, EINVAL, list,
				   "messages: expected a type or a list of 1 to %u types",
				   TYPES_MAX);
	subscription->types = calloc(count, sizeof(*subscription->types));
	if (subscription->types == NULL)
		return fg_error_at(error, ENOMEM, list, "out of memory");
	for (const struct fg_node *n = first_of(list); n != NULL; n = next_of(list, n)) {
		if (n->kind != FG_NODE_SCALAR)
			return fg_error_at(error, EINVAL, n, "messages: expected a type, found %s",
					   fg_node_kind_name(n));
		if (protocol != NULL &&
		    fg_protocol_type(protocol, n->text,
				     &subscription->types[subscription->n_types++]) != 0)
			return fg_error_at(error, EINVAL, n,
					   "messages: '%s' is no message type of protocol %s: "
					   "expected a name of one or its %s",
					   n->text, protocol->name,
					   protocol->messages->text ? "characters" : "number");
	}
	return 0;
}

static int check_count(const struct fg_node *at, size_t count, struct fg_error *error)
{
	if (count <= FG_INSTRUMENTS_MAX)
		return 0;
	return fg_error_at(error, E2BIG, at, "%s: %zu instruments: at most %u", at->key, count,
			   FG_INSTRUMENTS_MAX);
}

/* Allocate room for @p count instruments and @p bytes of their text. */
static int make_room(struct fg_subscription *subscription, const struct fg_node *at, size_t count,
		     size_t bytes, struct fg_error *error)
{
	subscription->instruments = calloc(count + 1, sizeof(*subscription->instruments));
	subscription->text = malloc(bytes + 1);
	if (subscription->instruments == NULL || subscription->text == NULL)
		return fg_error_at(error, ENOMEM, at, "no memory for %zu instruments", count);
	return 0;
}

/* `instruments`: a value or a list of them. */
static int read_list(const struct fg_node *list, struct fg_subscription *subscription,
		     struct fg_error *error)
{
	size_t bytes = 0, count = 0;
	char *at;
	int rc;

	if (list->kind == FG_NODE_MAP)
		return fg_error_at(error, EINVAL, list,
				   "instruments: expected an instrument or a list, found a map");
	for (const struct fg_node *n = first_of(list); n != NULL; n = next_of(list, n)) {
		if (n->kind != FG_NODE_SCALAR || n->text[0] == '\0')
			return fg_error_at(error, EINVAL, n, "instruments: expected an instrument");
		bytes += strlen(n->text) + 1;
		count++;
	}
	rc = check_count(list, count, error);
	if (rc == 0)
		rc = make_room(subscription, list, count, bytes, error);
	if (rc != 0)
		return rc;
	at = subscription->text;
	for (const struct fg_node *n = first_of(list); n != NULL; n = next_of(list, n)) {
		subscription->instruments[subscription->n_instruments++] = at;
		at = stpcpy(at, n->text) + 1;
	}
	return 0;
}

/* Read a whole file, and end it with a zero byte. */
static int read_file(const struct fg_node *node, const char *path, char **out, size_t *size,
		     struct fg_error *error)
{
	FILE *in = fopen(path, "r");
	struct stat status;
	char *text;
	size_t n;
	int rc = 0;

	if (in == NULL)
		return fg_error_at(error, errno, node, "instruments_file: %s: %s", path,
				   strerror(errno));
	if (fstat(fileno(in), &status) != 0 || !S_ISREG(status.st_mode) ||
	    status.st_size > FILE_BYTES_MAX) {
		fclose(in);
		return fg_error_at(error, EINVAL, node,
				   "instruments_file: %s: expected a regular file of at most %u "
				   "bytes",
				   path, FILE_BYTES_MAX);
	}
	text = malloc((size_t)status.st_size + 1);
	n = text != NULL ? fread(text, 1, (size_t)status.st_size, in) : 0;
	if (text == NULL)
		rc = fg_error_at(error, ENOMEM, node, "instruments_file: %s: out of memory", path);
	else if (ferror(in))
		rc = fg_error_at(error, EIO, node, "instruments_file: %s: cannot be read", path);
	fclose(in);
	if (rc != 0) {
		free(text);
		return rc;
	}
	text[n] = '\0';
	*out = text;
	*size = n;
	return 0;
}

/* The instrument in a line, without blanks and comment; may be empty. Symbols may contain '#'. */
static char *trim(char *line)
{
	char *end;

	for (char *at = line; (at = strchr(at, '#')) != NULL; at++)
		if (at == line || isspace((unsigned char)at[-1])) {
			*at = '\0';
			break;
		}
	while (isspace((unsigned char)*line))
		line++;
	end = line + strlen(line);
	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return line;
}

static int bad_line(const struct fg_node *node, const char *path, size_t number, const char *what,
		    struct fg_error *error)
{
	return fg_error_at(error, EINVAL, node, "instruments_file: %s:%zu: %s", path, number, what);
}

/* `instruments_file`: one instrument a line. */
static int read_lines(const struct fg_node *node, struct fg_subscription *subscription,
		      struct fg_error *error)
{
	size_t size = 0, number = 0, count = 1;
	char *text = NULL, *line, *rest;
	int rc = read_file(node, subscription->file, &text, &size, error);

	if (rc != 0 || text == NULL)
		return rc;
	subscription->text = text;
	if (strlen(text) != size)
		return bad_line(node, subscription->file, 1, "a zero byte: not a text file", error);
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		count++;
	subscription->instruments = calloc(count, sizeof(*subscription->instruments));
	if (subscription->instruments == NULL)
		return fg_error_at(error, ENOMEM, node, "no memory for %zu instruments", count);
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		number++;
		line = trim(line);
		if (strpbrk(line, " \t,;") != NULL)
			return bad_line(node, subscription->file, number,
					"expected one instrument a line", error);
		if (line[0] != '\0')
			subscription->instruments[subscription->n_instruments++] = line;
	}
	return check_count(node, subscription->n_instruments, error);
}

static int read_instruments(const struct fg_node *node, struct fg_subscription *subscription,
			    struct fg_error *error)
{
	const struct fg_node *list = fg_node_get(node, "instruments");
	const struct fg_node *file = fg_node_get(node, "instruments_file");

	subscription->any_instrument = list == NULL && subscription->file == NULL;
	if (list != NULL && subscription->file != NULL)
		return fg_error_at(error, EINVAL, file,
				   "a rule has either instruments or instruments_file");
	if (list != NULL)
		return read_list(list, subscription, error);
	return subscription->file != NULL ? read_lines(file, subscription, error) : 0;
}

/* A subscription needs a feed with a protocol, and a sink. */
static int check_feed(const struct fg_node *first, const struct fg_scope *scope,
		      const struct fg_rule *rule, struct fg_error *error)
{
	if (rule->feed == FG_FEED_NONE)
		return fg_error_at(error, EINVAL, first, "%s: the rule has no feed", first->key);
	if (rule->sinks == 0)
		return fg_error_at(error, EINVAL, first, "%s: the rule drops its packets",
				   first->key);
	if (scope->protocols != NULL && scope->protocols[rule->feed] == NULL)
		return fg_error_at(error, EINVAL, first, "%s: feed %s has no protocol", first->key,
				   scope->feeds[rule->feed]);
	return 0;
}

int subscription_read(const struct fg_node *node, const struct fg_scope *scope,
		      struct fg_rule *rule, struct fg_error *error)
{
	const struct fg_node *first = node->child, *types = fg_node_get(node, "messages");
	struct fg_subscription *subscription;
	int rc;

	while (first != NULL && !subscription_is_key(first->key))
		first = first->next;
	if (first == NULL)
		return 0;
	rc = check_feed(first, scope, rule, error);
	if (rc != 0)
		return rc;
	subscription = calloc(1, sizeof(*subscription));
	if (subscription == NULL)
		return fg_error_at(error, ENOMEM, node, "out of memory");
	rule->subscription = subscription;
	rc = read_options(node, subscription, error);
	if (rc == 0 && types != NULL)
		rc = read_types(types,
				scope->protocols != NULL ? scope->protocols[rule->feed] : NULL,
				subscription, error);
	return rc != 0 ? rc : read_instruments(node, subscription, error);
}

void subscription_free(struct fg_subscription *subscription)
{
	if (subscription == NULL)
		return;
	free(subscription->types);
	free(subscription->instruments);
	free(subscription->text);
	free(subscription->file);
	free(subscription);
}

struct fg_msg_filter_conf fg_rules_msg_filter_conf(const struct fg_subscription *subscription,
						   const struct fg_protocol *protocol,
						   struct fg_symbols *symbols,
						   struct fg_orders *orders, int socket_id)
{
	return (struct fg_msg_filter_conf){
		.protocol = protocol,
		.symbols = symbols,
		.orders = orders,
		.types = subscription->types,
		.n_types = subscription->n_types,
		.instruments = subscription->instruments,
		.n_instruments = subscription->n_instruments,
		.any_instrument = subscription->any_instrument,
		.unmapped = subscription->unmapped,
		.socket_id = socket_id,
	};
}
