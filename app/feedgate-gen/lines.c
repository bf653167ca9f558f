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

/*
 * The arrival time of a packet that is sent at now_ns. The delay of line A is constant; that of the
 * others differs from it by a few microseconds and varies. Packets stay in order.
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

/* A packet of a line, as the truth file and the capture get it. */
struct line_event {
	const struct line_packet *what; /* NULL: of no feed */
	unsigned int kind;
	uint64_t at_ns;
	bool lost, copy, late;
};

static void write_truth(struct line *line, const struct line_event *event)
{
	const struct line_packet *what = event->what;
	struct truth_packet packet = {.line = line->letter,
				      .index = line->written,
				      .time_ns = event->at_ns,
				      .kind = line_kind_name(event->kind),
				      .lost = event->lost,
				      .copy = event->copy,
				      .late = event->late};

	if (what) {
		packet.protocol = protocols[what->protocol];
		packet.channel = what->channel;
		packet.id = &what->id;
		packet.repacked = what->repacked;
	}
	truth_sent(line->truth, &packet);
}

/* Write the packet to the truth file, then to the capture. */
static int write_packet(struct line *line, const struct frame *f, const struct line_event *event)
{
	struct line_count *count = &line->counts[event->kind];

	if (line->truth)
		write_truth(line, event);
	line->written++;
	line->copies += event->copy;
	line->late += event->late;
	count->packets++;
	count->bytes += f->len;
	return capture_file_write(line->file, event->at_ns, f->data, f->cap_len, f->len);
}

/* Send a packet that was held back. */
static int write_late(struct line *line, struct line_held *h)
{
	const struct line_event event = {
		.what = &h->what, .kind = h->what.protocol, .at_ns = ++line->last_ns, .late = true};

	h->left = 0;
	line->n_held--;
	return write_packet(line, &h->frame, &event);
}

/*
 * Send held packets around the packet what: with before, those that it must not overtake, else
 * those that enough packets have overtaken.
 */
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
		rc = write_late(line, h);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Hold a packet back, if it is drawn to be, and there is room. */
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
	struct line_event event = {.what = what, .kind = what->protocol};
	int rc = line->n_held > 0 ? release(line, what, true) : 0;

	if (rc < 0)
		return rc;
	event.at_ns = arrival(line, now_ns);
	*lost = draw_loss(line);
	if (*lost) {
		event.lost = true;
		line->counts[what->protocol].lost++;
		if (line->truth)
			write_truth(line, &event);
		return 0;
	}
	if (hold(line, f, what))
		return 0;
	rc = write_packet(line, f, &event);
	if (rc == 0 && line->o.duplicate_ppm > 0 &&
	    rng_below(&line->duplicate, MILLION) < line->o.duplicate_ppm) {
		event.at_ns = ++line->last_ns;
		event.copy = true;
		rc = write_packet(line, f, &event);
	}
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
	const struct udp udp = {to.src_port, to.port, p->payload, p->len};

	frame_udp_ipv4(&line->feed, line->index, &ip, &udp);
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
		return repack_add(line->repack, protocol, channel, now_ns, p);
	return send_packet(line, &what, now_ns, p, lost);
}

int line_send_noise(struct line *line, uint64_t now_ns)
{
	struct line_event event = {.kind = KIND_NOISE + noise_next(&line->noise, &line->other)};

	event.at_ns = arrival(line, now_ns);
	if (draw_loss(line)) {
		line->counts[event.kind].lost++;
		return 0;
	}
	return write_packet(line, &line->other, &event);
}

int line_flush(struct line *line, uint64_t now_ns)
{
	int rc = line->repack ? repack_flush(line->repack, now_ns) : 0;

	for (uint32_t i = 0; rc == 0 && i < LINE_HELD_MAX && line->n_held > 0; i++) {
		struct line_held *h = &line->held[i];

		if (h->left == 0)
			continue;
		rc = write_late(line, h);
	}
	return rc;
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
	/* Runs of mean length loss_burst begin so often that loss_ppm of all packets are lost. */
	line->burst_ppb =
		(uint32_t)(line->o.loss_ppm * (1000 * MILLION) /
			   (line->o.loss_burst * (MILLION - line->o.loss_ppm) + line->o.loss_ppm));
	if (line->o.reorder_ppm > 0) {
		line->held = calloc(LINE_HELD_MAX, sizeof(*line->held));
		if (!line->held)
			return -ENOMEM;
	}
	return line->o.repack ? repack_open(o, index, send_repacked, line, &line->repack) : 0;
}

void line_close(struct line *line)
{
	free(line->held);
	repack_close(line->repack);
	line->held = NULL;
	line->repack = NULL;
}
