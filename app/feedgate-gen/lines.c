/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_NS_MAX 6000
#define MILLION     UINT64_C(1000000)

const char *line_kind_name(unsigned int kind)
{
	unsigned int i = kind < KIND_NOISE ? kind : kind - KIND_NOISE;

	for (unsigned int n = 0; kind < KIND_NOISE && n <= i; n++) {
		if (!protocols[n])
			return NULL;
	}
	for (unsigned int n = 0; kind >= KIND_NOISE && n <= i; n++) {
		if (!noise_kinds[n].name)
			return NULL;
	}
	return kind < KIND_NOISE ? protocols[i]->name : noise_kinds[i].name;
}

int line_open(struct line *line, unsigned int index, const struct options *o)
{
	memset(line, 0, sizeof(*line));
	line->index = index;
	line->letter = (char)('a' + index);
	line->o = o->line[index];
	rng_seed(&line->loss, o->seed, RNG_STREAM(RNG_LOSS, index));
	rng_seed(&line->delay, o->seed, RNG_STREAM(RNG_DELAY, index));
	rng_seed(&line->reorder, o->seed, RNG_STREAM(RNG_REORDER, index));
	rng_seed(&line->duplicate, o->seed, RNG_STREAM(RNG_DUPLICATE, index));
	if (index > 0)
		line->skew_ns = (int64_t)rng_below(&line->delay, 2 * SKEW_NS_MAX) - SKEW_NS_MAX;
	noise_init(&line->noise, o->seed, index);
	/* Runs of mean length n begin so often that loss_ppm of all packets are in one. */
	line->burst_ppb =
		(uint32_t)(line->o.loss_ppm * (1000 * MILLION) /
			   (line->o.loss_burst * (MILLION - line->o.loss_ppm) + line->o.loss_ppm));
	if (line->o.reorder_ppm > 0) {
		line->held = calloc(LINE_HELD_MAX, sizeof(*line->held));
		if (!line->held)
			return -ENOMEM;
	}
	return line->o.repack ? repack_open(o, index, &line->repack) : 0;
}

void line_close(struct line *line)
{
	free(line->held);
	repack_close(line->repack);
	line->held = NULL;
	line->repack = NULL;
}

/*
 * When a packet sent at now_ns arrives. Line A is steady; the others drift against it by a few
 * microseconds either way. No packet overtakes another of its line here.
 */
static uint64_t arrival(struct line *line, uint64_t now_ns)
{
	int64_t at_ns;

	if (line->index > 0) {
		line->skew_ns += (int64_t)rng_below(&line->delay, 401) - 200;
		if (line->skew_ns > SKEW_NS_MAX)
			line->skew_ns = SKEW_NS_MAX;
		if (line->skew_ns < -SKEW_NS_MAX)
			line->skew_ns = -SKEW_NS_MAX;
	}
	at_ns = (int64_t)now_ns + (int64_t)line->o.delay_ns + line->skew_ns;
	at_ns += rng_below(&line->delay, line->o.jitter_ns);
	if (at_ns <= (int64_t)line->last_ns)
		at_ns = (int64_t)line->last_ns + 1;
	line->last_ns = (uint64_t)at_ns;
	return line->last_ns;
}

static bool draw_loss(struct line *line)
{
	const uint32_t n = line->o.loss_burst;

	if (n == 1)
		return rng_below(&line->loss, MILLION) < line->o.loss_ppm;
	if (line->losing)
		line->losing = rng_below(&line->loss, n) != 0;
	if (!line->losing)
		line->losing = rng_below(&line->loss, 1000 * MILLION) < line->burst_ppb;
	return line->losing;
}

static void tell(struct line *line, const struct line_packet *what, unsigned int kind,
		 uint64_t at_ns, bool lost, bool copy, bool late)
{
	struct truth_packet told = {.line = line->letter,
				    .index = line->written,
				    .time_ns = at_ns,
				    .kind = line_kind_name(kind),
				    .lost = lost,
				    .copy = copy,
				    .late = late};

	if (what) {
		told.protocol = protocols[what->protocol];
		told.channel = what->channel;
		told.id = &what->id;
		told.repacked = what->repacked;
	}
	truth_sent(line->truth, &told);
}

/* What is told of it stands in the truth file before the packet is in the capture. */
static int put(struct line *line, const struct frame *f, const struct line_packet *what,
	       unsigned int kind, uint64_t at_ns, bool copy, bool late)
{
	struct line_count *count = &line->counts[kind];

	if (line->truth)
		tell(line, what, kind, at_ns, false, copy, late);
	line->written++;
	line->copies += copy;
	line->late += late;
	count->packets++;
	count->bytes += f->len;
	return capture_file_write(line->file, at_ns, f->data, f->cap_len, f->len);
}

/* Of what is held back, send all that is due; or all that the packet at hand must not overtake. */
static int release(struct line *line, const struct line_packet *what, bool before)
{
	const uint32_t shared = protocols[what->protocol]->shared;
	const bool all = what->id.control == PACKET_RESET || what->id.control == PACKET_END;

	for (uint32_t i = 0; i < LINE_HELD_MAX && line->n_held > 0; i++) {
		struct line_held *h = &line->held[i];
		int rc;

		if (h->left == 0 || h->what.protocol != what->protocol ||
		    h->what.channel / shared != what->channel / shared)
			continue;
		if (before && !all &&
		    (h->what.channel != what->channel || h->what.id.epoch == what->id.epoch))
			continue;
		if (!before && --h->left > 0)
			continue;
		h->left = 0;
		line->n_held--;
		rc = put(line, &h->frame, &h->what, h->what.protocol, ++line->last_ns, false, true);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Keep a packet for later, if it is one of those, and there is room. */
static bool hold(struct line *line, const struct frame *f, const struct line_packet *what)
{
	struct line_held *h = line->held;
	uint32_t left;

	if (!h || rng_below(&line->reorder, MILLION) >= line->o.reorder_ppm)
		return false;
	left = rng_between(&line->reorder, 1, line->o.reorder_depth);
	if (line->n_held == LINE_HELD_MAX || what->id.control == PACKET_RESET ||
	    what->id.control == PACKET_END)
		return false;
	while (h->left > 0)
		h++;
	h->left = left;
	h->what = *what;
	h->frame = *f;
	line->n_held++;
	return true;
}

static int deliver_feed(struct line *line, const struct frame *f, const struct line_packet *what,
			uint64_t now_ns, bool *lost)
{
	uint64_t at_ns;
	bool held;
	int rc = line->n_held > 0 ? release(line, what, true) : 0;

	if (rc < 0)
		return rc;
	at_ns = arrival(line, now_ns);
	*lost = draw_loss(line);
	if (*lost) {
		line->counts[what->protocol].lost++;
		if (line->truth)
			tell(line, what, what->protocol, at_ns, true, false, false);
		return 0;
	}
	held = hold(line, f, what);
	if (held)
		return 0;
	rc = put(line, f, what, what->protocol, at_ns, false, false);
	if (rc == 0 && line->o.duplicate_ppm > 0 &&
	    rng_below(&line->duplicate, MILLION) < line->o.duplicate_ppm)
		rc = put(line, f, what, what->protocol, ++line->last_ns, true, false);
	return rc == 0 && line->n_held > 0 ? release(line, what, false) : rc;
}

static int send_packet(struct line *line, const struct line_packet *what, uint64_t now_ns,
		       const struct packet *p, bool *lost)
{
	const struct protocol *protocol = protocols[what->protocol];
	const struct protocol_line to =
		protocol_address(protocol, line->index, what->channel / protocol->shared);
	struct ipv4 ip = {.src = to.src,
			  .dst = to.group,
			  .id = ++line->ip_id,
			  .fragment = IPV4_DF,
			  .ttl = (uint8_t)(57 + line->index),
			  .protocol = IP_PROTOCOL_UDP};

	frame_udp_ipv4(&line->feed, line->index, &ip, to.src_port, to.port, p->payload, p->len);
	line->noise.feed = &line->feed;
	return deliver_feed(line, &line->feed, what, now_ns, lost);
}

static int send_repacked(void *to, unsigned int protocol, uint32_t channel, uint64_t now_ns,
			 const struct packet *p)
{
	const struct line_packet what = {.protocol = protocol,
					 .channel = channel,
					 .id = p->id,
					 .repacked = p->id.control == PACKET_DATA};
	bool lost;

	return send_packet(to, &what, now_ns, p, &lost);
}

int line_send_feed(struct line *line, unsigned int protocol, uint32_t channel, uint64_t now_ns,
		   const struct packet *p, bool *lost)
{
	const struct line_packet what = {.protocol = protocol, .channel = channel, .id = p->id};

	*lost = false;
	if (line->repack)
		return repack_add(line->repack, protocol, channel, now_ns, p, send_repacked, line);
	return send_packet(line, &what, now_ns, p, lost);
}

int line_send_noise(struct line *line, uint64_t now_ns)
{
	unsigned int kind = KIND_NOISE + noise_next(&line->noise, &line->other);
	uint64_t at_ns = arrival(line, now_ns);

	if (draw_loss(line)) {
		line->counts[kind].lost++;
		return 0;
	}
	return put(line, &line->other, NULL, kind, at_ns, false, false);
}

int line_flush(struct line *line, uint64_t now_ns)
{
	int rc = line->repack ? repack_flush(line->repack, now_ns, send_repacked, line) : 0;

	for (uint32_t i = 0; rc == 0 && i < LINE_HELD_MAX && line->n_held > 0; i++) {
		struct line_held *h = &line->held[i];

		if (h->left == 0)
			continue;
		h->left = 0;
		line->n_held--;
		rc = put(line, &h->frame, &h->what, h->what.protocol, ++line->last_ns, false, true);
	}
	return rc;
}
