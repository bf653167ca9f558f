/* SPDX-License-Identifier: MIT */
/*
 * CME MDP 3.0: SBE messages of schema 1, version 9. Sequence numbers count packets, also
 * heartbeats. A channel begins with a channel reset. There are two protocols: cme_mdp3 begins with
 * security definitions, which map symbols; cme has none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "protocol.h"
#include "rng.h"
#include "symbols.h"

#define PACKET_HEADER    12u
#define MESSAGE_HEADER   10u
#define SCHEMA_ID        1u
#define SCHEMA_VERSION   9u
#define ROOT_BYTES       11u /* of every incremental message used here */
#define ENTRIES_MAX      5u
#define MESSAGES_MAX     3u
#define HEARTBEAT_ONE_IN 300u
#define TICK             INT64_C(250000000) /* 0.25 in 10^-9 */
#define END_OF_EVENT     0x80
#define DEFINITION_BYTES 216u

struct channel {
	struct rng rng;
	uint32_t seq; /* of the next packet */
	uint32_t index;
	uint32_t instruments;
	uint32_t *rpt_seq; /* per instrument, of its next entry */
	uint32_t defined;  /* instruments that were defined */
	uint32_t epoch;
	uint64_t next_order;
	uint64_t now_ns;
	struct packet *packet; /* that is being made */
};

struct cme {
	uint32_t channels;
	bool defines;
	uint32_t *rpt_seq;
	struct channel channel[];
};

static uint32_t security_of(uint32_t instrument)
{
	return 100000 + instrument * 7;
}

static void instrument_text(uint32_t instrument, char *text)
{
	snprintf(text, PROTOCOL_TEXT_BYTES, "%u", security_of(instrument));
}

/* Write the security id of the channel's nth instrument. */
static uint32_t security_id(const struct cme *cme, const struct channel *ch, uint32_t n)
{
	uint32_t instrument = ch->index + n * cme->channels;

	packet_instrument(ch->packet, instrument);
	return security_of(instrument);
}

static int64_t draw_price(struct channel *ch, uint32_t n)
{
	int64_t ticks = 4000 + (int64_t)(rng_mix64(n + 1) % 12000);

	return (ticks + (int64_t)rng_below(&ch->rng, 21) - 10) * TICK;
}

static uint8_t *begin(uint8_t *m, uint16_t template_id, uint16_t root_len)
{
	memset(m, 0, MESSAGE_HEADER + root_len);
	put_le16(m + 2, root_len);
	put_le16(m + 4, template_id);
	put_le16(m + 6, SCHEMA_ID);
	put_le16(m + 8, SCHEMA_VERSION);
	return m + MESSAGE_HEADER;
}

static size_t end(uint8_t *m, const uint8_t *p)
{
	put_le16(m, (uint16_t)(p - m));
	return (size_t)(p - m);
}

/* The root block of all incremental messages: the time of the event, and its end. */
static uint8_t *put_root(struct channel *ch, uint8_t *root)
{
	put_le64(root, ch->now_ns - 3000);
	root[8] = END_OF_EVENT;
	return root + ROOT_BYTES;
}

static uint8_t *put_group(uint8_t *p, uint16_t block_len, uint32_t count)
{
	put_le16(p, block_len);
	p[2] = (uint8_t)count;
	memset(p + 3, 0, (size_t)block_len * count);
	return p + 3;
}

/* The group header of eight bytes, which ends with the count. */
static uint8_t *put_group8(uint8_t *p, uint16_t block_len, uint32_t count)
{
	memset(p, 0, 8 + (size_t)block_len * count);
	put_le16(p, block_len);
	p[7] = (uint8_t)count;
	return p + 8;
}

/* Write the common fields of entries of 46, 48 and 49; returns the index of the instrument. */
static uint32_t put_entry(struct cme *cme, struct channel *ch, uint8_t *e)
{
	uint32_t n = rng_below(&ch->rng, ch->instruments);

	put_le64(e, (uint64_t)draw_price(ch, n));
	put_le32(e + 8, rng_between(&ch->rng, 1, 200));
	put_le32(e + 12, security_id(cme, ch, n));
	put_le32(e + 16, ch->rpt_seq[n]++);
	return n;
}

static size_t make_book(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint32_t count = rng_between(&ch->rng, 1, ENTRIES_MAX);
	uint32_t orders = rng_below(&ch->rng, count + 1);
	uint8_t *p = put_group(put_root(ch, begin(m, 46, ROOT_BYTES)), 32, count);

	for (uint32_t i = 0; i < count; i++, p += 32) {
		put_entry(cme, ch, p);
		put_le32(p + 20, rng_between(&ch->rng, 1, 40));
		p[24] = (uint8_t)rng_between(&ch->rng, 1, 10);
		p[25] = (uint8_t)rng_below(&ch->rng, 3);
		p[26] = rng_below(&ch->rng, 2) ? '0' : '1';
	}
	p = put_group8(p, 24, orders);
	for (uint32_t i = 0; i < orders; i++, p += 24) {
		put_le64(p, ch->next_order);
		put_le64(p + 8, ch->next_order++);
		put_le32(p + 16, rng_between(&ch->rng, 1, 50));
		p[20] = (uint8_t)(i + 1); /* the entry above that the order belongs to */
	}
	return end(m, p);
}

static size_t make_order_book(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint32_t count = rng_between(&ch->rng, 1, ENTRIES_MAX);
	uint8_t *p = put_group(put_root(ch, begin(m, 47, ROOT_BYTES)), 40, count);

	for (uint32_t i = 0; i < count; i++, p += 40) {
		uint32_t n = rng_below(&ch->rng, ch->instruments);

		put_le64(p, ch->next_order);
		put_le64(p + 8, ch->next_order++);
		put_le64(p + 16, (uint64_t)draw_price(ch, n));
		put_le32(p + 24, rng_between(&ch->rng, 1, 50));
		put_le32(p + 28, security_id(cme, ch, n));
		p[32] = (uint8_t)rng_below(&ch->rng, 3);
		p[33] = rng_below(&ch->rng, 2) ? '0' : '1';
	}
	return end(m, p);
}

static size_t make_trade(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint32_t orders = rng_between(&ch->rng, 1, ENTRIES_MAX);
	uint8_t *p = put_group(put_root(ch, begin(m, 48, ROOT_BYTES)), 32, 1);

	put_entry(cme, ch, p);
	put_le32(p + 20, orders);
	p[24] = (uint8_t)rng_between(&ch->rng, 1, 2);
	put_le32(p + 26, ch->seq);
	p = put_group8(p + 32, 16, orders);
	for (uint32_t i = 0; i < orders; i++, p += 16) {
		put_le64(p, ch->next_order++);
		put_le32(p + 8, rng_between(&ch->rng, 1, 50));
	}
	return end(m, p);
}

static size_t make_statistics(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint8_t *p = put_group(put_root(ch, begin(m, 49, ROOT_BYTES)), 32, 1);

	put_entry(cme, ch, p);
	p[22] = 0x03;
	p[24] = '6';
	return end(m, p + 32);
}

static size_t make_volume(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint32_t count = rng_between(&ch->rng, 1, 2);
	uint8_t *p = put_group(put_root(ch, begin(m, 37, ROOT_BYTES)), 16, count);

	for (uint32_t i = 0; i < count; i++, p += 16) {
		uint32_t n = rng_below(&ch->rng, ch->instruments);

		put_le32(p, rng_between(&ch->rng, 1, 100000));
		put_le32(p + 4, security_id(cme, ch, n));
		put_le32(p + 8, ch->rpt_seq[n]++);
		p[12] = 1;
	}
	return end(m, p);
}

static size_t make_status(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint8_t *root = begin(m, 30, 30);

	put_le64(root, ch->now_ns - 3000);
	memcpy(root + 8, "FG", 2);
	memcpy(root + 14, "FG", 2);
	put_le32(root + 20, security_id(cme, ch, rng_below(&ch->rng, ch->instruments)));
	put_le16(root + 24, 0xffff); /* no trade date */
	root[26] = END_OF_EVENT;
	root[27] = 17; /* ready to trade */
	return end(m, root + 30);
}

static size_t make_reset(struct channel *ch, uint8_t *m)
{
	uint8_t *root = begin(m, 4, 9);
	uint8_t *p;

	put_le64(root, ch->now_ns - 3000);
	root[8] = END_OF_EVENT;
	p = put_group(root + 9, 2, 1);
	put_le16(p, (uint16_t)(310 + ch->index));
	return end(m, p + 2);
}

/* Only id and symbol are set; other fields are zero, and groups have no entries. */
static size_t make_definition(struct cme *cme, struct channel *ch, uint8_t *m)
{
	static const uint8_t group_bytes[] = {9, 4, 4, 5};
	uint8_t *root = begin(m, 54, DEFINITION_BYTES);
	uint8_t *p = root + DEFINITION_BYTES;
	uint32_t n = ch->defined++;
	char text[PROTOCOL_TEXT_BYTES];

	root[0] = END_OF_EVENT;
	symbol_text(ch->index + n * cme->channels, text);
	memcpy(m + 45, text, strlen(text));
	put_le32(m + 65, security_id(cme, ch, n));
	for (size_t i = 0; i < sizeof(group_bytes); i++)
		p = put_group(p, group_bytes[i], 0);
	return end(m, p);
}

static size_t make_message(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint32_t draw;

	if (cme->defines && ch->defined < ch->instruments)
		return make_definition(cme, ch, m);
	draw = rng_below(&ch->rng, 100);
	if (draw < 60)
		return make_book(cme, ch, m);
	if (draw < 75)
		return make_order_book(cme, ch, m);
	if (draw < 88)
		return make_trade(cme, ch, m);
	if (draw < 96)
		return make_volume(cme, ch, m);
	if (draw < 99)
		return make_statistics(cme, ch, m);
	return make_status(cme, ch, m);
}

static void note(struct packet *p, size_t bytes)
{
	const uint8_t *m = p->payload + p->len;

	packet_message(p, (uint32_t)(m[4] | m[5] << 8), bytes);
}

static void start_anew(struct channel *ch)
{
	ch->seq = 1;
	ch->defined = 0;
	ch->epoch++;
	for (uint32_t n = 0; n < ch->instruments; n++)
		ch->rpt_seq[n] = 1;
}

static void cme_make(void *state, uint32_t channel, enum packet_request request, uint64_t now_ns,
		     struct packet *p)
{
	struct cme *cme = state;
	struct channel *ch = &cme->channel[channel];
	uint32_t count = 0;
	uint8_t *m;

	if (request == PROTOCOL_RESET)
		start_anew(ch);
	if (request != PROTOCOL_HEARTBEAT)
		count = rng_between(&ch->rng, 1, MESSAGES_MAX);
	packet_begin(p, PACKET_HEADER);
	m = p->payload + p->len;
	ch->now_ns = now_ns;
	ch->packet = p;
	p->id.epoch = ch->epoch;
	p->id.first = ch->seq;
	p->id.count = 1;
	put_le32(p->payload, ch->seq);
	put_le64(p->payload + 4, now_ns);
	if (ch->seq == 1) {
		note(p, make_reset(ch, m));
		p->id.control = PACKET_RESET;
		p->id.first++;
		p->id.count = 0;
	} else if (count == 0 || rng_below(&ch->rng, HEARTBEAT_ONE_IN) == 0) {
		note(p, end(m, begin(m, 12, 0)));
	} else {
		for (uint32_t i = 0; i < count; i++)
			note(p, make_message(cme, ch, p->payload + p->len));
	}
	ch->seq++;
}

static int cme_open(const struct protocol_conf *conf, void **state)
{
	struct cme *cme = calloc(1, sizeof(*cme) + conf->channels * sizeof(cme->channel[0]));
	uint32_t *rpt_seq = calloc(conf->instruments, sizeof(*rpt_seq));

	if (!cme || !rpt_seq) {
		free(cme);
		free(rpt_seq);
		return -ENOMEM;
	}
	cme->channels = conf->channels;
	cme->defines = conf->protocol->symbol != NULL;
	cme->rpt_seq = rpt_seq;
	for (uint32_t i = 0; i < conf->instruments; i++)
		rpt_seq[i] = 1;
	for (uint32_t i = 0; i < conf->channels; i++) {
		struct channel *ch = &cme->channel[i];

		rng_seed(&ch->rng, conf->seed, conf->stream + i);
		ch->seq = 1;
		ch->index = i;
		ch->instruments = protocol_instruments(conf, i);
		ch->rpt_seq = rpt_seq;
		ch->next_order = UINT64_C(700000000000) + rng_below(&ch->rng, 1000000);
		rpt_seq += ch->instruments;
	}
	*state = cme;
	return 0;
}

static void cme_close(void *state)
{
	struct cme *cme = state;

	free(cme->rpt_seq);
	free(cme);
}

const struct protocol gen_cme = {
	.name = "cme",
	.feed = "cme_mdp3",
	.help = "CME MDP 3.0 (SBE), without definitions",
	.max_channels = 200,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_RESET,
	.header_bytes = PACKET_HEADER,
	.line = {{.src = 0xc0000215, .group = 0xe0001f01, .src_port = 52000, .port = 14310},
		 {.src = 0xc6336415, .group = 0xe0002001, .src_port = 52000, .port = 15310}},
	.open = cme_open,
	.make = cme_make,
	.instrument = instrument_text,
	.close = cme_close,
};

const struct protocol gen_cme_mdp3 = {
	.name = "cme_mdp3",
	.feed = "cme_mdp3",
	.help = "CME MDP 3.0 (SBE), definitions first",
	.max_channels = 200,
	.shared = 1,
	.can = PROTOCOL_HEARTBEAT | PROTOCOL_RESET,
	.header_bytes = PACKET_HEADER,
	.line = {{.src = 0xc0000216, .group = 0xe0002101, .src_port = 52000, .port = 16310},
		 {.src = 0xc6336416, .group = 0xe0002201, .src_port = 52000, .port = 17310}},
	.open = cme_open,
	.make = cme_make,
	.instrument = instrument_text,
	.symbol = symbol_text,
	.close = cme_close,
};
