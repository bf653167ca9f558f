/* SPDX-License-Identifier: MIT */
/*
 * Like CME MDP 3.0: SBE messages of schema 1, version 9, in packets numbered one
 * by one. A channel starts with a channel reset; heartbeats take a number too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "framing.h"
#include "rng.h"

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

struct channel {
	struct rng rng;
	uint32_t seq; /* of the next packet */
	uint32_t index;
	uint32_t instruments;
	uint32_t *rpt_seq; /* per instrument, of its next entry */
	uint64_t next_order;
	uint64_t now_ns;
};

struct cme {
	uint32_t channels;
	uint32_t *rpt_seq;
	struct channel channel[];
};

static uint32_t security_id(const struct cme *cme, const struct channel *ch, uint32_t n)
{
	return 100000 + (ch->index + n * cme->channels) * 7;
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

/* The root block that all incremental messages share: time of the event, and its last message. */
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

/* The form with the count in the last of eight bytes. */
static uint8_t *put_group8(uint8_t *p, uint16_t block_len, uint32_t count)
{
	memset(p, 0, 8 + (size_t)block_len * count);
	put_le16(p, block_len);
	p[7] = (uint8_t)count;
	return p + 8;
}

/* What entries of 46, 48 and 49 have in common; returns the instrument's index. */
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
		p[20] = (uint8_t)(i + 1); /* which of the entries above */
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

static size_t make_message(struct cme *cme, struct channel *ch, uint8_t *m)
{
	uint32_t draw = rng_below(&ch->rng, 100);

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

static size_t cme_next(void *state, uint32_t channel, uint64_t now_ns, uint8_t *payload)
{
	struct cme *cme = state;
	struct channel *ch = &cme->channel[channel];
	uint32_t count = rng_between(&ch->rng, 1, MESSAGES_MAX);
	size_t len = PACKET_HEADER;

	ch->now_ns = now_ns;
	put_le32(payload, ch->seq);
	put_le64(payload + 4, now_ns);
	if (ch->seq == 1) {
		len += make_reset(ch, payload + len);
	} else if (rng_below(&ch->rng, HEARTBEAT_ONE_IN) == 0) {
		len += end(payload + len, begin(payload + len, 12, 0));
	} else {
		for (uint32_t i = 0; i < count; i++)
			len += make_message(cme, ch, payload + len);
	}
	ch->seq++;
	return len;
}

static int cme_open(const struct framing_conf *conf, void **state)
{
	struct cme *cme = calloc(1, sizeof(*cme) + conf->channels * sizeof(cme->channel[0]));
	uint32_t *rpt_seq = calloc(conf->instruments, sizeof(*rpt_seq));

	if (!cme || !rpt_seq) {
		free(cme);
		free(rpt_seq);
		return -ENOMEM;
	}
	cme->channels = conf->channels;
	cme->rpt_seq = rpt_seq;
	for (uint32_t i = 0; i < conf->instruments; i++)
		rpt_seq[i] = 1;
	for (uint32_t i = 0; i < conf->channels; i++) {
		struct channel *ch = &cme->channel[i];

		rng_seed(&ch->rng, conf->seed, conf->stream + i);
		ch->seq = 1;
		ch->index = i;
		ch->instruments = framing_instruments(conf, i);
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

const struct framing framing_cme_mdp3 = {
	.name = "cme",
	.help = "CME MDP 3.0 (SBE)",
	.max_channels = 200,
	.line = {{.src = 0xc0000215, .group = 0xe0001f01, .src_port = 52000, .port = 14310},
		 {.src = 0xc6336415, .group = 0xe0002001, .src_port = 52000, .port = 15310}},
	.open = cme_open,
	.next = cme_next,
	.close = cme_close,
};
