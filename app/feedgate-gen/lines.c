/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include <string.h>

#define DELAY_NS    20000
#define JITTER_NS   400u
#define SKEW_NS_MAX 6000

const char *line_kind_name(unsigned int kind)
{
	unsigned int i = kind < KIND_NOISE ? kind : kind - KIND_NOISE;

	for (unsigned int n = 0; kind < KIND_NOISE && n <= i; n++) {
		if (!framings[n])
			return NULL;
	}
	for (unsigned int n = 0; kind >= KIND_NOISE && n <= i; n++) {
		if (!noise_kinds[n].name)
			return NULL;
	}
	return kind < KIND_NOISE ? framings[i]->name : noise_kinds[i].name;
}

void line_init(struct line *line, unsigned int index, const struct options *o)
{
	memset(line, 0, sizeof(*line));
	line->index = index;
	line->letter = (char)('a' + index);
	line->loss_ppm = o->loss_ppm[index];
	rng_seed(&line->loss, o->seed, RNG_STREAM(RNG_LOSS, index));
	rng_seed(&line->delay, o->seed, RNG_STREAM(RNG_DELAY, index));
	if (index > 0)
		line->skew_ns = (int64_t)rng_below(&line->delay, 2 * SKEW_NS_MAX) - SKEW_NS_MAX;
	noise_init(&line->noise, o->seed, index);
}

/*
 * When a packet sent at now_ns arrives. Line A is steady; the others drift against it by a few
 * microseconds either way. No packet overtakes another of its line.
 */
static uint64_t arrival(struct line *line, uint64_t now_ns)
{
	uint64_t at_ns;

	if (line->index > 0) {
		line->skew_ns += (int64_t)rng_below(&line->delay, 401) - 200;
		if (line->skew_ns > SKEW_NS_MAX)
			line->skew_ns = SKEW_NS_MAX;
		if (line->skew_ns < -SKEW_NS_MAX)
			line->skew_ns = -SKEW_NS_MAX;
	}
	at_ns = now_ns + (uint64_t)(DELAY_NS + line->skew_ns) + rng_below(&line->delay, JITTER_NS);
	if (at_ns <= line->last_ns)
		at_ns = line->last_ns + 1;
	line->last_ns = at_ns;
	return at_ns;
}

static int deliver(struct line *line, const struct frame *f, unsigned int kind, uint64_t now_ns,
		   bool *lost)
{
	struct line_count *count = &line->counts[kind];
	uint64_t at_ns = arrival(line, now_ns);

	*lost = rng_below(&line->loss, 1000000) < line->loss_ppm;
	if (*lost) {
		count->lost++;
		return 0;
	}
	count->packets++;
	count->bytes += f->len;
	return capture_file_write(line->file, at_ns, f->data, f->cap_len, f->len);
}

int line_send_feed(struct line *line, unsigned int framing, uint32_t channel, uint64_t now_ns,
		   const uint8_t *payload, size_t len, bool *lost)
{
	const struct framing_line *to = &framings[framing]->line[line->index];
	struct ipv4 ip = {.src = to->src,
			  .dst = to->group + channel,
			  .id = ++line->ip_id,
			  .fragment = IPV4_DF,
			  .ttl = (uint8_t)(57 + line->index),
			  .protocol = IP_PROTOCOL_UDP};

	frame_udp_ipv4(&line->feed, line->index, &ip, to->src_port, (uint16_t)(to->port + channel),
		       payload, len);
	line->noise.feed = &line->feed;
	return deliver(line, &line->feed, framing, now_ns, lost);
}

int line_send_noise(struct line *line, uint64_t now_ns)
{
	unsigned int kind = noise_next(&line->noise, &line->other);
	bool lost;

	return deliver(line, &line->other, KIND_NOISE + kind, now_ns, &lost);
}
