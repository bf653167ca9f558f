/* SPDX-License-Identifier: MIT */
/* Packets of all other protocols, from the tables of messages that feedgate-gen has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <table.h>

#include "feed_work.h"

#define NOW_NS UINT64_C(1700000000000000000)

struct tables {
	struct protocol protocol; /* with symbols for millions of instruments */
	void *state;
	struct rng rng;
	struct packet packet;
};

/* Four characters, the shortest symbol field of any protocol: 14.7 million symbols. */
static void symbol_of(uint32_t instrument, char *text)
{
	static const char characters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (int i = 3; i >= 0; i--, instrument /= 62)
		text[i] = characters[instrument % 62];
	text[4] = '\0';
}

static const struct protocol *find(const char *feed)
{
	for (const struct protocol *const *p = protocols; *p != NULL; p++)
		if ((*p)->table != NULL && strcmp((*p)->feed, feed) == 0)
			return *p;
	return NULL;
}

/* A message matches if it is of a selected instrument, or of none. */
static bool matches(const struct feed_case *feed_case, const struct packet *p,
		    const struct packet_message *m)
{
	if (m->n_instruments == 0 || feed_case->selected == 0)
		return true;
	for (uint32_t i = 0; i < m->n_instruments; i++)
		if (feed_is_selected(feed_case, p->instruments[m->first_instrument + i]))
			return true;
	return false;
}

static void make(struct feed_maker *maker, struct made *out)
{
	struct tables *t = maker->state;
	struct packet *p = &t->packet;

	table_make_data(t->state, 0, rng_between(&t->rng, 1, MESSAGES_MAX), NOW_NS, p);
	memset(out, 0, sizeof(*out));
	memcpy(out->payload, p->payload, p->len);
	out->bytes = (uint32_t)p->len;
	out->n_messages = p->n_messages;
	for (uint32_t i = 0; i < p->n_messages; i++) {
		out->n_matched += matches(maker->feed_case, p, &p->messages[i]);
		out->n_entries += p->messages[i].n_instruments;
	}
}

static void text_of(const struct feed_maker *maker, uint32_t instrument, char *text)
{
	const struct tables *t = maker->state;

	if (t->protocol.table->number != NULL)
		t->protocol.instrument(instrument, text);
	else
		symbol_of(instrument, text);
}

static void close_tables(struct feed_maker *maker)
{
	struct tables *t = maker->state;

	if (t != NULL)
		table_close(t->state);
	free(t);
}

static bool is_by_order(const struct table *table)
{
	for (const struct row *row = table->rows; row->bytes != 0; row++)
		if (row->instrument == ROW_NO_INSTRUMENT && row->does >= ROW_TOUCHES)
			return true;
	return false;
}

int feed_tables_open(struct feed_maker *maker, struct fg_error *error)
{
	const char *name = maker->feed_case->protocol->name;
	const struct protocol *protocol = find(name);
	struct tables *t = calloc(1, sizeof(*t));
	struct protocol_conf conf = {.protocol = &t->protocol,
				     .seed = 1,
				     .stream = 1,
				     .channels = 1,
				     .instruments = maker->feed_case->instruments};

	maker->state = t;
	maker->close = close_tables;
	if (protocol == NULL)
		return fg_error_set(error, ENOENT, "no generator makes packets of %s", name);
	if (t == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	t->protocol = *protocol;
	t->protocol.symbol = symbol_of;
	maker->make = make;
	maker->text = text_of;
	maker->by_order = is_by_order(protocol->table);
	maker->sum_at = strcmp(name, "opra") == 0 ? 19 : strcmp(name, "cta") == 0 ? 18 : 0;
	rng_seed(&t->rng, 1, 2);
	if (table_open(&conf, &t->state) != 0)
		return fg_error_set(error, ENOMEM, "out of memory");
	return 0;
}
