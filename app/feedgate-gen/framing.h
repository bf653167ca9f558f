/* SPDX-License-Identifier: MIT */
/*
 * A framing makes the packets of one kind of feed. One file each; the table of
 * all is framings[] in framing.c. To add one: write its file, list it there,
 * behind the others: each one's random numbers depend on its place. Most are
 * tables of messages: see table.h.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include "packet.h"

#define LINES_MAX          8u
#define FRAMINGS_MAX       16u
#define FRAMING_TEXT_BYTES 24u

/* Where channel 0 of a line is sent; the nth group of channels is at group + n, port + n. */
struct framing_line {
	uint32_t src, group;
	uint16_t src_port, port;
};

struct framing;

struct framing_conf {
	const struct framing *framing;
	uint64_t seed;
	uint64_t stream;      /* RNG_STREAM() of channel 0; add the channel */
	uint32_t channels;    /* 1 .. max_channels */
	uint32_t instruments; /* at least channels; instrument i belongs to channel i % channels */
};

/* What to make. A framing makes the last three only if it says so in can. */
enum framing_want {
	FRAMING_ANY = 1,
	FRAMING_HEARTBEAT = 2,
	FRAMING_END = 4,
	FRAMING_RESET = 8, /* the first packet of a channel that starts anew */
};

struct framing {
	const char *name;  /* in --mix, rule names and the summary */
	const char *alias; /* also in --mix; NULL: none */
	const char *feed;  /* as a configuration of feedgate names it */
	const char *help;
	uint32_t max_channels;
	uint32_t shared; /* channels of one multicast group */
	uint32_t can;    /* enum framing_want */
	bool characters; /* types are characters, not numbers */
	uint16_t body;   /* where in its block a message proper begins */
	uint16_t header_bytes;
	struct framing_line line[2]; /* of A and B; the others follow from B's */
	const struct table *table;   /* for table.c, else NULL */

	/* Set *state; 0 or -ENOMEM. */
	int (*open)(const struct framing_conf *conf, void **state);
	/* The channel's next packet, sent at now_ns. */
	void (*make)(void *state, uint32_t channel, enum framing_want want, uint64_t now_ns,
		     struct packet *p);
	/*
	 * Write the header before the blocks, whatever they are, by p->id and position, and what
	 * stands behind them. NULL: the feed's numbers count packets, not messages.
	 */
	void (*seal)(struct packet *p, uint64_t now_ns);
	/* Texts of at most FRAMING_TEXT_BYTES; symbol is NULL where the feed does not tell it. */
	void (*instrument)(uint32_t instrument, char *text);
	void (*symbol)(uint32_t instrument, char *text);
	void (*close)(void *state);
};

extern const struct framing framing_itch_moldudp64;
extern const struct framing framing_cme;
extern const struct framing framing_cme_mdp3;
extern const struct framing framing_moldudp64;
extern const struct framing framing_iex_tp;
extern const struct framing framing_nyse_pillar;
extern const struct framing framing_cboe_pitch;
extern const struct framing framing_eurex_eobi;
extern const struct framing framing_opra;
extern const struct framing framing_cta;
extern const struct framing framing_ice_impact;
extern const struct framing framing_miax_mach;
extern const struct framing framing_memx_memoir;
extern const struct framing framing_b3_umdf;
extern const struct framing framing_deribit;

/* Every framing, NULL-terminated. */
extern const struct framing *const framings[];

/* Where a group of channels is sent on a line. */
struct framing_line framing_address(const struct framing *framing, unsigned int line,
				    uint32_t group);

/* A type as people write it; returns text. */
const char *framing_type(const struct framing *framing, uint32_t type, char *text);

/* How many instruments a channel has: ids channel, channel + channels, ... */
static inline uint32_t framing_instruments(const struct framing_conf *conf, uint32_t channel)
{
	return conf->instruments / conf->channels +
	       (channel < conf->instruments % conf->channels ? 1 : 0);
}

/* How many groups so many channels have. */
static inline uint32_t framing_groups(const struct framing *framing, uint32_t channels)
{
	return (channels + framing->shared - 1) / framing->shared;
}

#endif /* FRAMING_H */
