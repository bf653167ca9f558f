/* SPDX-License-Identifier: MIT */
/*
 * A framing makes the payloads of one kind of feed. One file each; the table of
 * all is framings[] in framing.c. To add one: write its file, list it there.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include <stddef.h>
#include <stdint.h>

#define LINES               2u
#define FRAMINGS_MAX        16u
#define FRAMING_PAYLOAD_MAX 1400u

/* Where channel 0 of a line is sent; channel n is at group + n, port + n. */
struct framing_line {
	uint32_t src, group;
	uint16_t src_port, port;
};

struct framing_conf {
	uint64_t seed;
	uint64_t stream;      /* RNG_STREAM() of channel 0; add the channel */
	uint32_t channels;    /* 1 .. max_channels */
	uint32_t instruments; /* at least channels; instrument i belongs to channel i % channels */
};

struct framing {
	const char *name; /* in --mix, rule names and the summary */
	const char *help;
	uint32_t max_channels;
	struct framing_line line[LINES];

	/* Set *state; 0 or -ENOMEM. */
	int (*open)(const struct framing_conf *conf, void **state);
	/* The channel's next packet, sent at now_ns; at most FRAMING_PAYLOAD_MAX bytes. */
	size_t (*next)(void *state, uint32_t channel, uint64_t now_ns, uint8_t *payload);
	/* The channel's last packet; NULL: this feed does not say that it ends. */
	size_t (*finish)(void *state, uint32_t channel, uint64_t now_ns, uint8_t *payload);
	void (*close)(void *state);
};

extern const struct framing framing_itch_moldudp64;
extern const struct framing framing_cme_mdp3;

/* Every framing, NULL-terminated. */
extern const struct framing *const framings[];

/* How many instruments a channel has: ids channel, channel + channels, ... */
static inline uint32_t framing_instruments(const struct framing_conf *conf, uint32_t channel)
{
	return conf->instruments / conf->channels +
	       (channel < conf->instruments % conf->channels ? 1 : 0);
}

#endif /* FRAMING_H */
