/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"

#define ORDERS_MAX         256u
#define HEARTBEAT_ONE_IN   200u
#define UNSEQUENCED_ONE_IN 100u

struct order {
	uint64_t id;
	uint32_t instrument;
};

struct channel {
	struct rng rng;
	uint64_t session; /* of epoch 0 */
	uint64_t seq;     /* of the next message or packet */
	uint64_t position;
	uint64_t next_order;
	uint32_t index;
	uint32_t instruments;
	uint32_t announced; /* instruments that directory messages announced */
	uint32_t epoch;
	uint32_t n_orders;
	uint32_t total[2]; /* weights of the rows of this channel, and of the unsequenced ones */
	bool begun;
	struct order orders[ORDERS_MAX];
};

struct state {
	const struct protocol *protocol;
	const struct table *table;
	uint32_t channels;
	struct channel channel[];
};

void table_text(uint64_t number, char *text)
{
	snprintf(text, PROTOCOL_TEXT_BYTES, "%" PRIu64, number);
}

static void put_number(const struct table *t, uint8_t *m, struct place place, uint64_t value)
{
	uint8_t *to = m + place.at;

	for (unsigned int i = 0; i < place.bytes; i++)
		to[t->big ? place.bytes - 1u - i : i] = (uint8_t)(value >> (8 * i));
}

static void put_digits(uint8_t *to, unsigned int n, uint64_t value)
{
	for (; n > 0; n--, value /= 10)
		to[n - 1] = (uint8_t)('0' + value % 10);
}

static void put_symbol(const struct state *s, uint8_t *m, struct place place, uint32_t instrument)
{
	char text[PROTOCOL_TEXT_BYTES];
	size_t n;

	if (place.bytes == 0)
		return;
	s->protocol->symbol(instrument, text);
	n = strlen(text);
	memset(m + place.at, s->table->pad, place.bytes);
	memcpy(m + place.at, text, n < place.bytes ? n : place.bytes);
}

static bool is_of(const struct row *row, uint32_t index)
{
	return row->kinds == 0 || (row->kinds >> index % 3 & 1);
}

static const struct row *find_row(const struct table *t, uint32_t index, enum row_does does)
{
	const struct row *row = t->rows;

	while (row->bytes != 0 && (row->does != does || row->weight == 0 || !is_of(row, index)))
		row++;
	return row->bytes != 0 ? row : t->rows;
}

/* Draw a row by weight: rows that need an order only if there is one, adds only below the maximum.
 */
static const struct row *draw_row(const struct table *t, struct channel *ch, bool unsequenced)
{
	uint32_t draw = rng_below(&ch->rng, ch->total[unsequenced]);
	const struct row *row;

	for (row = t->rows; row->bytes != 0; row++) {
		if (!is_of(row, ch->index) || row->unsequenced != unsequenced)
			continue;
		if (draw < row->weight)
			break;
		draw -= row->weight;
	}
	if (row->does >= ROW_TOUCHES && ch->n_orders == 0)
		return find_row(t, ch->index, ROW_ADDS);
	if (row->does == ROW_ADDS && ch->n_orders == ORDERS_MAX)
		return find_row(t, ch->index, ROW_ENDS);
	return row;
}

/* Choose the order of a message, and its instrument. */
static uint64_t draw_order(struct channel *ch, const struct row *row, uint32_t *instrument,
			   uint64_t *new_order)
{
	struct order *o;
	uint64_t id = ch->next_order;

	if (row->does < ROW_TOUCHES) {
		ch->next_order += rng_between(&ch->rng, 1, 4);
		if (row->does == ROW_ADDS)
			ch->orders[ch->n_orders++] = (struct order){id, *instrument};
		return id;
	}
	o = &ch->orders[rng_below(&ch->rng, ch->n_orders)];
	id = o->id;
	*instrument = o->instrument;
	if (row->does == ROW_ENDS) {
		*o = ch->orders[--ch->n_orders];
	} else if (row->does == ROW_REPLACES) {
		*new_order = ch->next_order;
		o->id = ch->next_order;
		ch->next_order += rng_between(&ch->rng, 1, 4);
	}
	return id;
}

static void fill(struct rng *r, uint8_t *to, size_t n)
{
	for (; n > 0; n -= n < 8 ? n : 8, to += 8) {
		uint8_t bytes[8];

		put_le64(bytes, rng_next(r));
		memcpy(to, bytes, n < 8 ? n : 8);
	}
}

static void add_message(const struct state *s, struct channel *ch, struct packet *p,
			const struct row *row, uint32_t instrument)
{
	const struct table *t = s->table;
	struct table_block b = {.row = row, .id = &p->id, .number = ch->seq, .rng = &ch->rng};
	uint8_t *block = p->payload + p->len;
	uint8_t *m = block + s->protocol->body;
	struct packet_message *note;
	uint64_t order = 0, new_order = 0;
	size_t bytes;

	if (!t->per_packet)
		b.number += p->n_messages;
	fill(&ch->rng, block, row->bytes);
	bytes = t->block(&b, block);
	if (row->order.bytes != 0)
		order = draw_order(ch, row, &instrument, &new_order);
	put_number(t, m, row->order, order);
	put_number(t, m, row->new_order, new_order);
	if (row->instrument == ROW_NUMBER)
		put_number(t, m, row->id, t->number(instrument));
	if (row->instrument == ROW_SYMBOL)
		put_symbol(s, m, row->id, instrument);
	put_symbol(s, m, row->symbol, instrument);
	if (row->instrument != ROW_NO_INSTRUMENT || row->does >= ROW_TOUCHES)
		packet_instrument(p, instrument);
	note = packet_message(p, row->type, bytes);
	note->names_order_only = row->instrument == ROW_NO_INSTRUMENT;
	note->has_order = row->order.bytes != 0;
	note->order = order;
}

static uint32_t draw_instrument(const struct state *s, struct channel *ch)
{
	return ch->index + rng_below(&ch->rng, ch->instruments) * s->channels;
}

static bool has_room(const struct packet *p)
{
	return p->n_messages < PACKET_MESSAGES_MAX &&
	       p->len + TABLE_BLOCK_MAX <= PACKET_PAYLOAD_MAX - 2;
}

static void draw_messages(const struct state *s, struct channel *ch, struct packet *p,
			  uint32_t count, bool unsequenced)
{
	for (; count > 0 && has_room(p); count--) {
		const struct row *row = draw_row(s->table, ch, unsequenced);

		add_message(s, ch, p, row, draw_instrument(s, ch));
	}
}

static void add_messages(const struct state *s, struct channel *ch, struct packet *p)
{
	const struct table *t = s->table;
	const bool unsequenced = p->id.control == PACKET_UNSEQUENCED;
	uint32_t count = rng_between(&ch->rng, 1, t->messages_max);

	if (!unsequenced && t->directory != NULL && ch->announced < ch->instruments) {
		for (; count > 0 && ch->announced < ch->instruments && has_room(p); count--)
			add_message(s, ch, p, t->directory,
				    ch->index + ch->announced++ * s->channels);
		return;
	}
	count = rng_between(&ch->rng, 1, count); /* small packets are the most frequent */
	draw_messages(s, ch, p, count, unsequenced);
}

static void set_identity(const struct state *s, const struct channel *ch, struct packet *p)
{
	const struct table *t = s->table;

	p->id.channel = t->channel != NULL ? t->channel(ch->index) : 0;
	p->id.epoch = ch->epoch;
	p->id.first = ch->seq;
	p->id.session_bytes = t->session_bytes;
	if (t->session_bytes > sizeof(uint64_t))
		put_digits(p->id.session, t->session_bytes, ch->session + ch->epoch);
	else
		put_number(t, p->id.session, (struct place){0, t->session_bytes},
			   ch->session + ch->epoch);
	p->position = ch->position;
}

static void make_control(const struct state *s, struct channel *ch, enum packet_control control,
			 struct packet *p)
{
	const struct table *t = s->table;
	const uint8_t number = control == PACKET_RESET ? t->reset : t->heartbeat;
	uint32_t type = PACKET_NO_TYPE;
	size_t bytes = 0;

	p->id.control = (uint8_t)control;
	if (number == TABLE_CONSUMES)
		ch->seq++;
	p->id.first = ch->seq;
	if (t->control != NULL)
		bytes = t->control(control, &p->id, p->payload + p->len, &type);
	if (bytes > 0)
		packet_message(p, type, bytes);
	/* A heartbeat with a number of its own counts as data. */
	if (control == PACKET_HEARTBEAT && number == TABLE_CONSUMES) {
		p->id.control = PACKET_DATA;
		p->id.first--;
		p->id.count = 1;
	}
}

static void count_numbers(const struct state *s, struct channel *ch, struct packet *p, size_t begin)
{
	p->id.count = s->table->per_packet ? 1 : p->n_messages;
	ch->seq += p->id.count;
	ch->position += p->len - begin;
}

static void make_data(const struct state *s, struct channel *ch, struct packet *p)
{
	const size_t begin = p->len;

	add_messages(s, ch, p);
	if (p->id.control == PACKET_UNSEQUENCED) {
		p->id.count = s->table->per_packet ? 1 : p->n_messages;
		p->id.first = 0;
		return;
	}
	count_numbers(s, ch, p, begin);
}

void table_make_data(void *state, uint32_t channel, uint32_t count, uint64_t now_ns,
		     struct packet *p)
{
	struct state *s = state;
	struct channel *ch = &s->channel[channel];
	size_t begin;

	packet_begin(p, s->protocol->header_bytes);
	set_identity(s, ch, p);
	begin = p->len;
	draw_messages(s, ch, p, count, false);
	count_numbers(s, ch, p, begin);
	s->table->seal(p, now_ns);
}

static void start_anew(struct channel *ch)
{
	ch->seq = 1;
	ch->position = 0;
	ch->announced = 0;
	ch->n_orders = 0;
	ch->epoch++;
}

void table_make(void *state, uint32_t channel, enum packet_request request, uint64_t now_ns,
		struct packet *p)
{
	const struct state *s = state;
	struct channel *ch = &((struct state *)state)->channel[channel];
	const struct table *t = s->table;
	bool open;

	if (request == PROTOCOL_RESET)
		start_anew(ch);
	if (t->begins && !ch->begun && request != PROTOCOL_END)
		request = PROTOCOL_RESET;
	ch->begun = true;
	open = t->directory == NULL || ch->announced == ch->instruments;
	if (request == PROTOCOL_ANY && open && (s->protocol->can & PROTOCOL_HEARTBEAT) &&
	    rng_below(&ch->rng, HEARTBEAT_ONE_IN) == 0)
		request = PROTOCOL_HEARTBEAT;
	packet_begin(p, s->protocol->header_bytes);
	set_identity(s, ch, p);
	if (request == PROTOCOL_HEARTBEAT) {
		make_control(s, ch, PACKET_HEARTBEAT, p);
	} else if (request == PROTOCOL_END) {
		make_control(s, ch, PACKET_END, p);
	} else if (request == PROTOCOL_RESET && t->reset != TABLE_NEXT) {
		make_control(s, ch, PACKET_RESET, p);
	} else {
		if (ch->total[1] > 0 && open && rng_below(&ch->rng, UNSEQUENCED_ONE_IN) == 0)
			p->id.control = PACKET_UNSEQUENCED;
		make_data(s, ch, p);
	}
	t->seal(p, now_ns);
}

static void open_channel(struct state *s, const struct protocol_conf *conf, uint32_t index)
{
	struct channel *ch = &s->channel[index];

	rng_seed(&ch->rng, conf->seed, conf->stream + index);
	ch->session = rng_between(&ch->rng, 1, 100);
	ch->next_order = rng_between(&ch->rng, 1, 100000);
	ch->next_order += UINT64_C(0x10000000000) * (index + 1);
	ch->seq = 1;
	ch->index = index;
	ch->instruments = protocol_instruments(conf, index);
	for (const struct row *row = s->table->rows; row->bytes != 0; row++) {
		if (is_of(row, index))
			ch->total[row->unsequenced] += row->weight;
	}
}

int table_open(const struct protocol_conf *conf, void **state)
{
	struct state *s = calloc(1, sizeof(*s) + conf->channels * sizeof(s->channel[0]));

	if (!s)
		return -ENOMEM;
	s->protocol = conf->protocol;
	s->table = conf->protocol->table;
	s->channels = conf->channels;
	for (uint32_t i = 0; i < conf->channels; i++)
		open_channel(s, conf, i);
	*state = s;
	return 0;
}

void table_close(void *state)
{
	free(state);
}
