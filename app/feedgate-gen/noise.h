/* SPDX-License-Identifier: MIT */
/*
 * Unrelated traffic: other protocols, and unusual or malformed packets. Each line has its own;
 * noise_kinds[] lists the kinds.
 *
 * All packets are well formed, with right checksums, except the kinds "lie" (wrong lengths, sent to
 * 10.66.0.0/16 and fd66::/16 only, so that a test can exclude them) and "snap" (cut by a snap
 * length).
 */
#ifndef NOISE_H
#define NOISE_H

#include <stdint.h>

#include "frame.h"
#include "rng.h"

#define NOISE_KINDS_MAX 24u
#define NOISE_FLOWS     8u

struct noise_flow {
	uint32_t seq[2]; /* of both directions */
};

struct noise {
	struct rng rng;
	unsigned int line;
	uint16_t ip_id;
	uint16_t echo_seq;
	const struct frame *feed; /* the line's last feed packet; NULL: none yet */
	struct noise_flow flows[2][NOISE_FLOWS];
	struct frame whole;      /* a datagram being sent in fragments */
	uint32_t fragment_off;   /* bytes that were sent; 0: no fragments are being sent */
	uint32_t fragment_bytes; /* a fragment's payload */
};

struct noise_kind {
	const char *name;
	uint32_t weight; /* 0: it is sent after another kind only */
	void (*make)(struct noise *n, struct frame *f);
};

/* All kinds, ended by a row without a name. */
extern const struct noise_kind noise_kinds[];

void noise_init(struct noise *n, uint64_t seed, unsigned int line);

/* Make the next packet; returns the index of its kind. */
unsigned int noise_next(struct noise *n, struct frame *f);

/* noise_ip.c */
void noise_tcp4(struct noise *n, struct frame *f);
void noise_tcp6(struct noise *n, struct frame *f);
void noise_udp4(struct noise *n, struct frame *f);
void noise_udp4_short(struct noise *n, struct frame *f);
void noise_udp4_options(struct noise *n, struct frame *f);
void noise_udp6(struct noise *n, struct frame *f);
void noise_udp6_extensions(struct noise *n, struct frame *f);
/* A header for a unicast UDP datagram between two of the hosts. */
struct ipv4 noise_udp4_header(struct noise *n);
void noise_udp4_sized(struct noise *n, struct frame *f, const struct ipv4 *ip, uint32_t len);
/* A text of at least FRAME_PAYLOAD_MAX bytes. */
const void *noise_text(struct noise *n);

/* noise_control.c */
void noise_arp(struct noise *n, struct frame *f);
void noise_icmp4(struct noise *n, struct frame *f);
void noise_icmp6(struct noise *n, struct frame *f);
void noise_igmp(struct noise *n, struct frame *f);
void noise_stp(struct noise *n, struct frame *f);

#endif /* NOISE_H */
