/* SPDX-License-Identifier: MIT */
#include "traffic.h"

#include <string.h>

#define PS_PER_S   UINT64_C(1000000000000)
#define WIRE_BYTES 24u /* beside the frame: preamble, FCS, inter-frame gap */

static int open_protocols(struct traffic *t, const struct options *o)
{
	t->mix_total = o->mix[MIX_OTHER];
	for (unsigned int i = 0; protocols[i]; i++) {
		struct protocol_conf conf = {.protocol = protocols[i],
					     .seed = o->seed,
					     .stream = RNG_STREAM(RNG_PROTOCOL + i, 0),
					     .channels = options_channels(o, protocols[i]),
					     .instruments = o->instruments};
		int rc;

		if (o->mix[i] == 0)
			continue;
		rc = protocols[i]->open(&conf, &t->state[i]);
		if (rc < 0)
			return rc;
		t->mix_total += o->mix[i];
	}
	return 0;
}

int traffic_open(struct traffic *t, const struct options *o, struct truth *truth)
{
	int rc;

	memset(t, 0, sizeof(*t));
	t->options = o;
	t->truth = truth;
	t->now_ns = o->start_ns;
	t->gap_ps = PS_PER_S / o->rate;
	rng_seed(&t->rng, o->seed, RNG_STREAM(RNG_SCHEDULE, 0));
	if (truth)
		truth_begin(truth, o);
	rc = clocks_open(o, &t->clocks);
	for (unsigned int i = 0; rc == 0 && i < o->lines; i++) {
		rc = line_open(&t->line[i], i, o);
		t->line[i].truth = truth;
		t->repacked |= o->line[i].repack != 0;
	}
	if (rc == 0)
		rc = open_protocols(t, o);
	if (rc < 0)
		traffic_close(t);
	return rc;
}

void traffic_close(struct traffic *t)
{
	for (unsigned int i = 0; protocols[i]; i++) {
		if (t->state[i])
			protocols[i]->close(t->state[i]);
		t->state[i] = NULL;
	}
	for (unsigned int i = 0; i < t->options->lines; i++)
		line_close(&t->line[i]);
	clocks_close(t->clocks);
	t->clocks = NULL;
}

/* 0 .. n - 1, for n up to 2^63; rng_below() takes 32 bits. */
static uint64_t below64(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

static void pass(struct traffic *t, uint64_t ps)
{
	t->fraction_ps += ps;
	t->now_ns += t->fraction_ps / 1000;
	t->fraction_ps %= 1000;
}

/* Packets back to back at 10 Gbit/s (800 ps a byte), then a pause that keeps the mean rate. */
static void advance_burst(struct traffic *t)
{
	const uint64_t wire_ps = (t->line[0].feed.len + WIRE_BYTES) * UINT64_C(800);
	const uint64_t whole_ps = t->gap_ps * t->options->burst;

	if (t->burst_left > 0) {
		t->burst_left--;
		t->burst_ps += wire_ps;
		pass(t, wire_ps);
		return;
	}
	pass(t, whole_ps > t->burst_ps ? whole_ps - t->burst_ps : wire_ps);
	t->burst_left = t->options->burst - 1;
	t->burst_ps = 0;
}

/* Of 16 gaps, 15 are a tenth of the mean gap and one is 14.5 times the mean: that keeps the mean.
 */
static void advance(struct traffic *t)
{
	uint64_t widest_ps;

	if (t->options->burst > 0) {
		advance_burst(t);
		return;
	}
	widest_ps = rng_below(&t->rng, 16) ? t->gap_ps / 5 : t->gap_ps * 29;
	pass(t, below64(&t->rng, widest_ps + 1));
}

static int send_feed(struct traffic *t, unsigned int protocol, uint32_t channel,
		     enum packet_request request, const struct line **failed)
{
	struct packet *p = &t->packet;
	unsigned int losses = 0;

	protocols[protocol]->make(t->state[protocol], channel, request, t->now_ns, p);
	p->id.made = t->made++;
	if (t->truth)
		truth_made(t->truth, protocols[protocol], channel, p);
	for (unsigned int i = 0; i < t->options->lines; i++) {
		bool lost;
		int rc = line_send_feed(&t->line[i], protocol, channel, t->now_ns, p, &lost);

		if (rc < 0) {
			*failed = &t->line[i];
			return rc;
		}
		losses += lost;
	}
	if (losses == t->options->lines)
		t->lost_on_all[protocol]++;
	return 0;
}

static int send_noise(struct traffic *t, const struct line **failed)
{
	for (unsigned int i = 0; i < t->options->lines; i++) {
		int rc = line_send_noise(&t->line[i], t->now_ns);

		if (rc < 0) {
			*failed = &t->line[i];
			return rc;
		}
	}
	return 0;
}

static int send_turn(struct traffic *t, unsigned int protocol, uint32_t channel,
		     const struct line **failed)
{
	return send_feed(t, protocol, channel,
			 clocks_next_request(t->clocks, protocol, channel, t->now_ns), failed);
}

static int send_any(struct traffic *t, const struct line **failed)
{
	uint64_t draw = below64(&t->rng, t->mix_total);

	for (unsigned int i = 0; protocols[i]; i++) {
		uint32_t channels = options_channels(t->options, protocols[i]);

		if (draw < t->options->mix[i])
			return send_turn(t, i, rng_below(&t->rng, channels), failed);
		draw -= t->options->mix[i];
	}
	return send_noise(t, failed);
}

/* The number of end-of-session packets at the end of a line: at most half of all packets. */
static uint64_t count_endings(const struct traffic *t)
{
	uint64_t count = 0;

	for (unsigned int i = 0; protocols[i]; i++) {
		if (t->state[i] && (protocols[i]->can & PROTOCOL_END))
			count += options_channels(t->options, protocols[i]);
	}
	return count < t->options->packets / 2 ? count : t->options->packets / 2;
}

static int send_endings(struct traffic *t, const struct line **failed)
{
	for (unsigned int i = 0; protocols[i]; i++) {
		uint32_t channels = options_channels(t->options, protocols[i]);

		if (!t->state[i] || !(protocols[i]->can & PROTOCOL_END))
			continue;
		for (uint32_t c = 0; c < channels && t->sent < t->options->packets; c++) {
			int rc;

			advance(t);
			rc = send_feed(t, i, c, PROTOCOL_END, failed);
			if (rc < 0)
				return rc;
			t->sent++;
		}
	}
	return 0;
}

/* Send the heartbeats that are due by now, each at its time. */
static int send_heartbeats(struct traffic *t, uint64_t max, const struct line **failed)
{
	const uint64_t now_ns = t->now_ns;
	const struct clock *c;
	int rc = 0;

	while (rc == 0 && t->sent < max && (c = clocks_silent(t->clocks, now_ns)) != NULL) {
		t->now_ns = c->last_ns + t->options->heartbeat_ns;
		clocks_heartbeat_sent(t->clocks, c, t->now_ns);
		rc = send_feed(t, c->protocol, c->channel, PROTOCOL_HEARTBEAT, failed);
		t->sent++;
	}
	t->now_ns = now_ns;
	return rc;
}

static int flush_lines(struct traffic *t, const struct line **failed)
{
	for (unsigned int i = 0; i < t->options->lines; i++) {
		int rc = line_flush(&t->line[i], t->now_ns);

		if (rc < 0) {
			*failed = &t->line[i];
			return rc;
		}
	}
	return 0;
}

int traffic_run(struct traffic *t, const struct line **failed)
{
	uint64_t ordinary = t->options->packets - count_endings(t);
	int rc;

	while (t->sent < ordinary) {
		advance(t);
		rc = send_heartbeats(t, ordinary, failed);
		if (rc == 0 && t->sent < ordinary) {
			rc = send_any(t, failed);
			t->sent++;
		}
		if (rc < 0)
			return rc;
	}
	rc = send_endings(t, failed);
	return rc < 0 ? rc : flush_lines(t, failed);
}
