/* SPDX-License-Identifier: MIT */
#include "traffic.h"

#include <string.h>

#define PS_PER_S UINT64_C(1000000000000)

int traffic_open(struct traffic *t, const struct options *o)
{
	memset(t, 0, sizeof(*t));
	t->options = o;
	t->now_ns = o->start_ns;
	t->gap_ps = PS_PER_S / o->rate;
	rng_seed(&t->rng, o->seed, RNG_STREAM(RNG_SCHEDULE, 0));
	for (unsigned int i = 0; i < LINES; i++)
		line_init(&t->line[i], i, o);
	t->mix_total = o->mix[MIX_OTHER];
	for (unsigned int i = 0; framings[i]; i++) {
		struct framing_conf conf = {.seed = o->seed,
					    .stream = RNG_STREAM(RNG_FRAMING + i, 0),
					    .channels = options_channels(o, framings[i]),
					    .instruments = o->instruments};
		int rc;

		if (o->mix[i] == 0)
			continue;
		rc = framings[i]->open(&conf, &t->state[i]);
		if (rc < 0) {
			traffic_close(t);
			return rc;
		}
		t->mix_total += o->mix[i];
	}
	return 0;
}

void traffic_close(struct traffic *t)
{
	for (unsigned int i = 0; framings[i]; i++) {
		if (t->state[i])
			framings[i]->close(t->state[i]);
		t->state[i] = NULL;
	}
}

/* 0 .. n - 1, for n up to 2^63: more than rng_below() can. */
static uint64_t below64(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/*
 * Bursts: 15 of 16 gaps are a tenth of the mean, the others 14.5 times the mean; so the mean
 * over all is the one asked for.
 */
static void advance(struct traffic *t)
{
	uint64_t widest_ps = rng_below(&t->rng, 16) ? t->gap_ps / 5 : t->gap_ps * 29;

	t->fraction_ps += below64(&t->rng, widest_ps + 1);
	t->now_ns += t->fraction_ps / 1000;
	t->fraction_ps %= 1000;
}

static int send_feed(struct traffic *t, unsigned int framing, uint32_t channel, bool finish,
		     const struct line **failed)
{
	const struct framing *ops = framings[framing];
	uint8_t payload[FRAMING_PAYLOAD_MAX];
	size_t (*make)(void *, uint32_t, uint64_t, uint8_t *) = finish ? ops->finish : ops->next;
	size_t len = make(t->state[framing], channel, t->now_ns, payload);
	unsigned int losses = 0;

	for (unsigned int i = 0; i < LINES; i++) {
		bool lost;
		int rc = line_send_feed(&t->line[i], framing, channel, t->now_ns, payload, len,
					&lost);

		if (rc < 0) {
			*failed = &t->line[i];
			return rc;
		}
		losses += lost;
	}
	if (losses == LINES)
		t->lost_on_all[framing]++;
	return 0;
}

static int send_noise(struct traffic *t, const struct line **failed)
{
	for (unsigned int i = 0; i < LINES; i++) {
		int rc = line_send_noise(&t->line[i], t->now_ns);

		if (rc < 0) {
			*failed = &t->line[i];
			return rc;
		}
	}
	return 0;
}

static int send_any(struct traffic *t, const struct line **failed)
{
	uint64_t draw = below64(&t->rng, t->mix_total);

	for (unsigned int i = 0; framings[i]; i++) {
		uint32_t channels = options_channels(t->options, framings[i]);

		if (draw < t->options->mix[i])
			return send_feed(t, i, rng_below(&t->rng, channels), false, failed);
		draw -= t->options->mix[i];
	}
	return send_noise(t, failed);
}

/* How many packets at the end of each line say that a channel is over: at most half of all. */
static uint64_t count_endings(const struct traffic *t)
{
	uint64_t count = 0;

	for (unsigned int i = 0; framings[i]; i++) {
		if (t->state[i] && framings[i]->finish)
			count += options_channels(t->options, framings[i]);
	}
	return count < t->options->packets / 2 ? count : t->options->packets / 2;
}

static int send_endings(struct traffic *t, const struct line **failed)
{
	for (unsigned int i = 0; framings[i]; i++) {
		uint32_t channels = options_channels(t->options, framings[i]);

		if (!t->state[i] || !framings[i]->finish)
			continue;
		for (uint32_t c = 0; c < channels && t->sent < t->options->packets; c++) {
			int rc;

			advance(t);
			rc = send_feed(t, i, c, true, failed);
			if (rc < 0)
				return rc;
			t->sent++;
		}
	}
	return 0;
}

int traffic_run(struct traffic *t, const struct line **failed)
{
	uint64_t ordinary = t->options->packets - count_endings(t);

	for (; t->sent < ordinary; t->sent++) {
		int rc;

		advance(t);
		rc = send_any(t, failed);
		if (rc < 0)
			return rc;
	}
	return send_endings(t, failed);
}
