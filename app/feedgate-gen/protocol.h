/* SPDX-License-Identifier: MIT */
/*
 * A protocol makes the packets of one kind of feed. One file each; the table of
 * all is protocols[] in protocol.c. To add one: write its file, list it there,
 * behind the others: each one's random numbers depend on its place. Most are
 * tables of messages: see table.h.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include "packet.h"

#define LINES_MAX           8u
#define PROTOCOLS_MAX       16u
#define PROTOCOL_TEXT_BYTES 24u

/* Where channel 0 of a line is sent; the nth group of channels is at group + n, port + n. */
struct protocol_line {
	uint32_t src, group;
	uint16_t src_port, port;
};

struct protocol;

struct protocol_conf {
	const struct protocol *protocol;
	uint64_t seed;
	uint64_t stream;      /* RNG_STREAM() of channel 0; add the channel */
	uint32_t channels;    /* 1 .. max_channels */
	uint32_t instruments; /* at least channels; instrument i belongs to channel i % channels */
};

/* What to make. A protocol makes the last three only if it says so in can. */
enum packet_request {
	PROTOCOL_ANY = 1,
	PROTOCOL_HEARTBEAT = 2,
	PROTOCOL_END = 4,
	PROTOCOL_RESET = 8, /* the first packet of a channel that starts anew */
};

struct protocol {
	const char *name;  /* in --mix, rule names and the summary */
	const char *alias; /* also in --mix; NULL: none */
	const char *feed;  /* as a configuration of feedgate names it */
	const char *help;
	uint32_t max_channels;
	uint32_t shared; /* channels of one multicast group */
	uint32_t can;    /* enum packet_request */
	bool characters; /* types are characters, not numbers */
	uint16_t body;   /* where in its block a message proper begins */
	uint16_t header_bytes;
	struct protocol_line line[2]; /* of A and B; the others follow from B's */
	const struct table *table;    /* for table.c, else NULL */

	/* Set *state; 0 or -ENOMEM. */
	int (*open)(const struct protocol_conf *conf, void **state);
	/* The channel's next packet, sent at now_ns. */
	void (*make)(void *state, uint32_t channel, enum packet_request want, uint64_t now_ns,
		     struct packet *p);
	/*
	 * Write the header before the blocks, whatever they are, by p->id and position, and what
	 * stands behind them. NULL: the feed's numbers count packets, not messages.
	 */
	void (*seal)(struct packet *p, uint64_t now_ns);
	/* Texts of at most PROTOCOL_TEXT_BYTES; symbol is NULL where the feed does not tell it. */
	void (*instrument)(uint32_t instrument, char *text);
	void (*symbol)(uint32_t instrument, char *text);
	void (*close)(void *state);
};

/* X(name): `protocol_name` is in a file of its own. The order is that of lists and of addresses. */
#define PROTOCOLS(X)                                                                               \
	X(itch_moldudp64)                                                                          \
	X(cme)                                                                                     \
	X(cme_mdp3)                                                                                \
	X(moldudp64)                                                                               \
	X(iex_tp)                                                                                  \
	X(nyse_pillar)                                                                             \
	X(cboe_pitch)                                                                              \
	X(eurex_eobi)                                                                              \
	X(opra)                                                                                    \
	X(cta)                                                                                     \
	X(ice_impact)                                                                              \
	X(miax_mach)                                                                               \
	X(memx_memoir)                                                                             \
	X(b3_umdf)                                                                                 \
	X(deribit)

#define X(name) extern const struct protocol protocol_##name;
PROTOCOLS(X)
#undef X

/* Every protocol, NULL-terminated. */
extern const struct protocol *const protocols[];

/* Where a group of channels is sent on a line. */
struct protocol_line protocol_address(const struct protocol *protocol, unsigned int line,
				      uint32_t group);

/* A type as people write it; returns text. */
const char *protocol_type(const struct protocol *protocol, uint32_t type, char *text);

/* How many instruments a channel has: ids channel, channel + channels, ... */
static inline uint32_t protocol_instruments(const struct protocol_conf *conf, uint32_t channel)
{
	return conf->instruments / conf->channels +
	       (channel < conf->instruments % conf->channels ? 1 : 0);
}

/* How many groups so many channels have. */
static inline uint32_t protocol_groups(const struct protocol *protocol, uint32_t channels)
{
	return (channels + protocol->shared - 1) / protocol->shared;
}

#endif /* PROTOCOL_H */
