/* SPDX-License-Identifier: MIT */
/*
 * Nasdaq TotalView-ITCH 5.0 in MoldUDP64. Each channel is a session of its own. It begins with the
 * stock directory. Orders are added before they are executed, cancelled, replaced or deleted.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "moldudp64.h"
#include "protocol.h"
#include "rng.h"
#include "symbols.h"

#define NS_PER_DAY       UINT64_C(86400000000000)
#define SESSION_BYTES    10u
#define SYMBOL_BYTES     8u
#define MESSAGES_MAX     15u
#define HEARTBEAT_ONE_IN 200u
#define ORDERS_ALL       (1u << 20) /* open orders of all channels, about */

struct order {
	uint64_t ref;
	uint32_t shares;
	uint32_t price; /* 1/10,000 dollar */
	uint32_t instrument;
	char buy_sell;
};

struct channel {
	struct rng rng;
	char session[SESSION_BYTES + 1];
	uint32_t session_number, session_letter;
	uint32_t epoch;
	uint64_t seq; /* of the next message */
	uint64_t clock_ns;
	uint64_t next_ref, next_match;
	uint64_t named; /* order of the last message that has one */
	uint32_t index;
	uint32_t instruments;
	uint32_t announced; /* messages of the opening that were sent */
	uint32_t n_orders;
	struct order *orders;
};

struct itch {
	uint32_t channels;
	uint32_t orders_max;
	struct order *orders;
	struct channel channel[];
};

static void put_symbol(uint8_t *to, uint32_t instrument)
{
	char text[PROTOCOL_TEXT_BYTES];

	symbol_text(instrument, text);
	memset(to, ' ', SYMBOL_BYTES);
	memcpy(to, text, strlen(text));
}

/* Near the price of the instrument, 5 to 505 dollars, in whole cents. */
static uint32_t draw_price(struct rng *r, uint32_t instrument)
{
	uint32_t cents = 500 + (uint32_t)(rng_mix64(instrument + 1) % 50000);

	return (cents - 50 + rng_below(r, 101)) * 100;
}

static uint32_t draw_shares(struct rng *r)
{
	return rng_below(r, 4) ? 100 * rng_between(r, 1, 10) : rng_between(r, 1, 999);
}

static uint32_t draw_instrument(struct itch *itch, struct channel *ch)
{
	return ch->index + rng_below(&ch->rng, ch->instruments) * itch->channels;
}

static size_t begin(struct channel *ch, uint8_t *m, char type, uint16_t locate, size_t len)
{
	memset(m, 0, len);
	m[0] = (uint8_t)type;
	put_be16(m + 1, locate);
	put_be48(m + 5, ch->clock_ns % NS_PER_DAY);
	return len;
}

static uint16_t locate_of(uint32_t instrument)
{
	return (uint16_t)(instrument + 1);
}

static void instrument_text(uint32_t instrument, char *text)
{
	snprintf(text, PROTOCOL_TEXT_BYTES, "%u", locate_of(instrument));
}

static size_t make_system(struct channel *ch, uint8_t *m, char event)
{
	size_t len = begin(ch, m, 'S', 0, 12);

	m[11] = (uint8_t)event;
	return len;
}

static size_t make_levels(struct channel *ch, uint8_t *m)
{
	size_t len = begin(ch, m, 'V', 0, 35);

	put_be64(m + 11, UINT64_C(478500000000));
	put_be64(m + 19, UINT64_C(447600000000));
	put_be64(m + 27, UINT64_C(411600000000));
	return len;
}

static size_t make_directory(struct channel *ch, uint8_t *m, uint32_t instrument)
{
	size_t len = begin(ch, m, 'R', locate_of(instrument), 39);

	put_symbol(m + 11, instrument);
	m[19] = 'Q';
	m[20] = 'N';
	put_be32(m + 21, 100);
	memcpy(m + 25, "NCZ PNN1N", 9);
	m[38] = 'N';
	return len;
}

static size_t make_action(struct channel *ch, uint8_t *m, uint32_t instrument)
{
	size_t len = begin(ch, m, 'H', locate_of(instrument), 25);

	put_symbol(m + 11, instrument);
	memcpy(m + 19, "T     ", 6);
	return len;
}

static size_t make_reg_sho(struct channel *ch, uint8_t *m, uint32_t instrument, char action)
{
	size_t len = begin(ch, m, 'Y', locate_of(instrument), 20);

	put_symbol(m + 11, instrument);
	m[19] = (uint8_t)action;
	return len;
}

static size_t make_participant(struct channel *ch, uint8_t *m, uint32_t instrument)
{
	size_t len = begin(ch, m, 'L', locate_of(instrument), 26);

	memcpy(m + 11, "FGMM", 4);
	put_symbol(m + 15, instrument);
	memcpy(m + 23, "YNA", 3);
	return len;
}

/* The opening: start of messages, circuit breaker levels, four messages an instrument, open. */
static size_t make_opening(struct itch *itch, struct channel *ch, uint8_t *m)
{
	uint32_t step = ch->announced++;
	uint32_t instrument = ch->index + (step - 2) / 4 * itch->channels;

	if (step == 0)
		return make_system(ch, m, 'O');
	if (step == 1)
		return make_levels(ch, m);
	if (step == 2 + 4 * ch->instruments)
		return make_system(ch, m, 'S');
	if (step == 3 + 4 * ch->instruments)
		return make_system(ch, m, 'Q');
	switch ((step - 2) % 4) {
	case 0:
		return make_directory(ch, m, instrument);
	case 1:
		return make_action(ch, m, instrument);
	case 2:
		return make_reg_sho(ch, m, instrument, '0');
	default:
		return make_participant(ch, m, instrument);
	}
}

static bool is_open(const struct channel *ch)
{
	return ch->announced == 4 + 4 * ch->instruments;
}

static void put_ref(struct channel *ch, uint8_t *m, const struct order *o)
{
	put_be64(m + 11, o->ref);
	ch->named = o->ref;
}

static size_t make_add(struct itch *itch, struct channel *ch, uint8_t *m, char type)
{
	size_t len = begin(ch, m, type, 0, type == 'F' ? 40 : 36);
	struct order *o = &ch->orders[ch->n_orders++];

	o->instrument = draw_instrument(itch, ch);
	o->ref = ch->next_ref;
	o->buy_sell = rng_below(&ch->rng, 2) ? 'B' : 'S';
	o->shares = draw_shares(&ch->rng);
	o->price = draw_price(&ch->rng, o->instrument);
	ch->next_ref += rng_between(&ch->rng, 1, 4);

	put_be16(m + 1, locate_of(o->instrument));
	put_ref(ch, m, o);
	m[19] = (uint8_t)o->buy_sell;
	put_be32(m + 20, o->shares);
	put_symbol(m + 24, o->instrument);
	put_be32(m + 32, o->price);
	if (type == 'F')
		memcpy(m + 36, "FGMM", 4);
	return len;
}

static void remove_order(struct channel *ch, struct order *o)
{
	*o = ch->orders[--ch->n_orders];
}

static size_t make_delete(struct channel *ch, uint8_t *m, struct order *o)
{
	size_t len = begin(ch, m, 'D', locate_of(o->instrument), 19);

	put_ref(ch, m, o);
	remove_order(ch, o);
	return len;
}

static size_t make_executed(struct channel *ch, uint8_t *m, struct order *o, char type)
{
	size_t len = begin(ch, m, type, locate_of(o->instrument), type == 'C' ? 36 : 31);
	uint32_t shares = rng_below(&ch->rng, 2) ? o->shares : rng_between(&ch->rng, 1, o->shares);

	put_ref(ch, m, o);
	put_be32(m + 19, shares);
	put_be64(m + 23, ch->next_match++);
	if (type == 'C') {
		m[31] = rng_below(&ch->rng, 8) ? 'Y' : 'N';
		put_be32(m + 32, o->price + 100);
	}
	o->shares -= shares;
	if (o->shares == 0)
		remove_order(ch, o);
	return len;
}

static size_t make_cancel(struct channel *ch, uint8_t *m, struct order *o)
{
	size_t len;
	uint32_t shares;

	if (o->shares < 2)
		return make_delete(ch, m, o);
	len = begin(ch, m, 'X', locate_of(o->instrument), 23);
	shares = rng_between(&ch->rng, 1, o->shares - 1);
	put_ref(ch, m, o);
	put_be32(m + 19, shares);
	o->shares -= shares;
	return len;
}

static size_t make_replace(struct channel *ch, uint8_t *m, struct order *o)
{
	size_t len = begin(ch, m, 'U', locate_of(o->instrument), 35);

	put_ref(ch, m, o);
	o->ref = ch->next_ref;
	o->shares = draw_shares(&ch->rng);
	o->price = draw_price(&ch->rng, o->instrument);
	ch->next_ref += rng_between(&ch->rng, 1, 4);
	put_be64(m + 19, o->ref);
	put_be32(m + 27, o->shares);
	put_be32(m + 31, o->price);
	return len;
}

static size_t make_trade(struct itch *itch, struct channel *ch, uint8_t *m)
{
	uint32_t instrument = draw_instrument(itch, ch);
	size_t len = begin(ch, m, 'P', locate_of(instrument), 44);

	/* Since 2014 the order reference is 0 and the buy/sell indicator always B. */
	m[19] = 'B';
	put_be32(m + 20, draw_shares(&ch->rng));
	put_symbol(m + 24, instrument);
	put_be32(m + 32, draw_price(&ch->rng, instrument));
	put_be64(m + 36, ch->next_match++);
	return len;
}

static size_t make_imbalance(struct itch *itch, struct channel *ch, uint8_t *m)
{
	uint32_t instrument = draw_instrument(itch, ch);
	uint32_t price = draw_price(&ch->rng, instrument);
	size_t len = begin(ch, m, 'I', locate_of(instrument), 50);

	put_be64(m + 11, draw_shares(&ch->rng));
	put_be64(m + 19, draw_shares(&ch->rng));
	m[27] = rng_below(&ch->rng, 2) ? 'B' : 'S';
	put_symbol(m + 28, instrument);
	put_be32(m + 36, price);
	put_be32(m + 40, price);
	put_be32(m + 44, price);
	m[48] = 'C';
	m[49] = 'L';
	return len;
}

static size_t make_any_reg_sho(struct itch *itch, struct channel *ch, uint8_t *m)
{
	uint32_t instrument = draw_instrument(itch, ch);

	return make_reg_sho(ch, m, instrument, rng_below(&ch->rng, 2) ? '1' : '2');
}

/* Weights of 1000, about as on a real day; a few more orders are added than ended. */
static const struct {
	char type;
	uint16_t weight;
} message_mix[] = {{'A', 430}, {'D', 350}, {'U', 90}, {'E', 50}, {'X', 25}, {'F', 20},
		   {'P', 20},  {'C', 8},   {'I', 4},  {'Y', 2},  {'H', 1}};

static char draw_type(struct rng *r)
{
	uint32_t draw = rng_below(r, 1000);

	for (size_t i = 0; i < sizeof(message_mix) / sizeof(message_mix[0]); i++) {
		if (draw < message_mix[i].weight)
			return message_mix[i].type;
		draw -= message_mix[i].weight;
	}
	return 'A';
}

static size_t make_message(struct itch *itch, struct channel *ch, uint8_t *m)
{
	char type = is_open(ch) ? draw_type(&ch->rng) : 'R';
	struct order *o = NULL;

	if (strchr("DUEXC", type) && ch->n_orders == 0)
		type = 'A';
	if (strchr("AF", type) && ch->n_orders == itch->orders_max)
		type = 'D';
	if (strchr("DUEXC", type))
		o = &ch->orders[rng_below(&ch->rng, ch->n_orders)];
	switch (type) {
	case 'R':
		return make_opening(itch, ch, m);
	case 'A':
	case 'F':
		return make_add(itch, ch, m, type);
	case 'E':
	case 'C':
		return make_executed(ch, m, o, type);
	case 'D':
		return make_delete(ch, m, o);
	case 'X':
		return make_cancel(ch, m, o);
	case 'U':
		return make_replace(ch, m, o);
	case 'P':
		return make_trade(itch, ch, m);
	case 'I':
		return make_imbalance(itch, ch, m);
	case 'H':
		return make_action(ch, m, draw_instrument(itch, ch));
	default:
		return make_any_reg_sho(itch, ch, m);
	}
}

/* Append a message to the packet, and record its type and instrument. */
static void add_message(struct itch *itch, struct channel *ch, struct packet *p)
{
	uint8_t *m = p->payload + p->len + 2;
	size_t bytes = make_message(itch, ch, m);
	uint16_t locate = (uint16_t)(m[1] << 8 | m[2]);
	struct packet_message *note;

	put_be16(m - 2, (uint16_t)bytes);
	if (locate > 0)
		packet_instrument(p, locate - 1u);
	note = packet_message(p, m[0], bytes + 2);
	if (strchr("AFECXDU", m[0])) {
		note->has_order = true;
		note->order = ch->named;
	}
}

static void add_messages(struct itch *itch, struct channel *ch, uint32_t count, uint64_t now_ns,
			 struct packet *p)
{
	if (is_open(ch)) /* small packets are the most frequent */
		count = rng_between(&ch->rng, 1, count);
	else if (count > 4 + 4 * ch->instruments - ch->announced)
		count = 4 + 4 * ch->instruments - ch->announced;
	/* The times of messages are shortly before the packet, and ascend. */
	if (ch->clock_ns < now_ns - 8000)
		ch->clock_ns = now_ns - 8000;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t step_ns;

		add_message(itch, ch, p);
		step_ns = rng_below(&ch->rng, 500);
		if (ch->clock_ns + step_ns < now_ns)
			ch->clock_ns += step_ns;
	}
	p->id.count = count;
	ch->seq += count;
}

/* A session name that no other channel and no other epoch has. */
static void name_session(struct channel *ch)
{
	const uint32_t number = ch->session_number + ch->epoch / 26;
	const uint32_t letter = ch->session_letter + ch->epoch % 26;

	snprintf(ch->session, sizeof(ch->session), "%04u%05u%c", number % 10000, ch->index % 100000,
		 (int)('A' + letter % 26));
}

static void start_anew(struct channel *ch)
{
	ch->seq = 1;
	ch->announced = 0;
	ch->n_orders = 0;
	ch->epoch++;
	name_session(ch);
}

static void itch_make(void *state, uint32_t channel, enum packet_request request, uint64_t now_ns,
		      struct packet *p)
{
	struct itch *itch = state;
	struct channel *ch = &itch->channel[channel];

	if (request == PROTOCOL_RESET)
		start_anew(ch);
	packet_begin(p, MOLDUDP64_HEADER_BYTES);
	p->id.first = ch->seq;
	p->id.epoch = ch->epoch;
	p->id.session_bytes = SESSION_BYTES;
	memcpy(p->id.session, ch->session, SESSION_BYTES);
	if (request == PROTOCOL_HEARTBEAT) {
		p->id.control = PACKET_HEARTBEAT;
	} else if (request == PROTOCOL_END) {
		p->id.control = PACKET_END;
	} else {
		uint32_t count = rng_between(&ch->rng, 1, MESSAGES_MAX);

		if (is_open(ch) && rng_below(&ch->rng, HEARTBEAT_ONE_IN) == 0)
			p->id.control = PACKET_HEARTBEAT;
		else
			add_messages(itch, ch, count, now_ns, p);
	}
	moldudp64_seal(p, now_ns);
}

static void open_channel(struct itch *itch, const struct protocol_conf *conf, uint32_t index)
{
	struct channel *ch = &itch->channel[index];

	rng_seed(&ch->rng, conf->seed, conf->stream + index);
	ch->session_number = rng_below(&ch->rng, 10000);
	ch->session_letter = rng_below(&ch->rng, 26);
	ch->index = index;
	name_session(ch);
	ch->seq = 1;
	ch->next_ref = rng_between(&ch->rng, 1, 100000);
	ch->next_match = rng_between(&ch->rng, 1, 100000);
	ch->instruments = protocol_instruments(conf, index);
	ch->orders = itch->orders + (size_t)index * itch->orders_max;
}

static int itch_open(const struct protocol_conf *conf, void **state)
{
	struct itch *itch = calloc(1, sizeof(*itch) + conf->channels * sizeof(itch->channel[0]));

	if (!itch)
		return -ENOMEM;
	itch->channels = conf->channels;
	itch->orders_max = ORDERS_ALL / conf->channels;
	if (itch->orders_max > 4096)
		itch->orders_max = 4096;
	itch->orders = calloc((size_t)conf->channels * itch->orders_max, sizeof(*itch->orders));
	if (!itch->orders) {
		free(itch);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < conf->channels; i++)
		open_channel(itch, conf, i);
	*state = itch;
	return 0;
}

static void itch_close(void *state)
{
	struct itch *itch = state;

	free(itch->orders);
	free(itch);
}

const struct protocol gen_itch_moldudp64 = {
	.name = "itch",
	.alias = "itch50",
	.feed = "itch50",
	.help = "Nasdaq TotalView-ITCH 5.0 in MoldUDP64",
	.max_channels = 30000,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_END | PROTOCOL_RESET,
	.characters = true,
	.body = 2,
	.header_bytes = MOLDUDP64_HEADER_BYTES,
	.line = {{.src = 0xc000020b, .group = 0xe9360c6f, .src_port = 51000, .port = 26477},
		 {.src = 0xc633640b, .group = 0xe931c46f, .src_port = 51000, .port = 26477}},
	.open = itch_open,
	.make = itch_make,
	.seal = moldudp64_seal,
	.instrument = instrument_text,
	.symbol = symbol_text,
	.close = itch_close,
};
