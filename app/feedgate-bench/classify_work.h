/* SPDX-License-Identifier: MIT */
/* The work of a case of `classify`: the rules, and the packets and keys that are looked up. */
#ifndef CLASSIFY_WORK_H
#define CLASSIFY_WORK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_classify.h>
#include <fg_error.h>
#include <fg_key.h>

#define MATCH_EVERY_NTH 4u /* One packet in so many goes to a group with a rule. */

/* What a subject starts from. */
enum input {
	INPUT_PACKETS, /* Frames in mbufs. */
	INPUT_KEYS,    /* Keys that are made already, in the subject's own form. */
	INPUTS,
};

/*
 * The bytes of a packet from the IPv4 header's protocol to the ports, so that rte_acl reads packets
 * and keys with the same field definitions.
 */
struct tuple {
	uint8_t protocol;
	uint8_t checksum[2]; /* Not used. */
	uint8_t src_ip[4];
	uint8_t dst_ip[4];
	uint8_t src_port[2];
	uint8_t dst_port[2];
	uint8_t pad;
};
static_assert(sizeof(struct tuple) == 16, "tuples are aligned in an array");

#define TUPLE_FRAME_OFFSET 23u /* Of the protocol, in an untagged frame. */

/* A key of rte_hash. */
struct group_key {
	uint32_t group_be;
	uint16_t port_be;
	uint16_t zero;
};
static_assert(sizeof(struct group_key) == 8, "no padding: all bytes are hashed");

#define TRUTH_UNKNOWN UINT32_MAX

/* The packets are looked up in so many orders, so that the CPU cannot learn the branches. */
#define ORDERS 16u
/*
 * Keys for each packet. Keys are looked up in one order, so there are more of them. With rule
 * files there are only as many keys as packets would be: parse leaves keys in the L1 cache, and
 * more of them would not fit there.
 */
#define KEYS_PER_PACKET 4u

struct work {
	char name[64];
	uint32_t groups;          /* 0: the rules are of a file, and there are only keys. */
	struct fg_match *matches; /* [n_matches], in the order of rules. */
	uint32_t n_matches;
	uint32_t n_keys;
	struct tuple *tuples; /* [n_keys], as are the others. */
	struct fg_key *keys;
	struct group_key *group_keys; /* Used with groups only. */
	uint32_t *truth;              /* The rule that wins, or TRUTH_UNKNOWN. */
	uint32_t n_packets;           /* Packet i has key i. */
	struct rte_mbuf **packets;    /* [n_packets]; NULL before work_fill_packets(). */
	struct rte_mbuf **pkts;       /* [ORDERS * n_packets]: each ORDERS times. */
	uint32_t *pkt_keys;           /* The index of each one's key. */
};

/* The number of lookups of a pass. */
static inline uint32_t work_count(const struct work *work, enum input input)
{
	return input == INPUT_PACKETS ? ORDERS * work->n_packets : work->n_keys;
}

/* The key of lookup @p i. */
static inline uint32_t work_key(const struct work *work, enum input input, uint32_t i)
{
	return input == INPUT_PACKETS ? work->pkt_keys[i] : i;
}

/* Allocate so many rules and keys; 0 or -ENOMEM. work_free() frees them in any case. */
int work_allocate(struct work *work, uint32_t n_matches, uint32_t n_keys);

/* The compiled form of `{ipv4: {dst: ADDRESS}, udp: {dst: PORT}}` for a group of groups.h. */
void work_match_group(struct fg_match *match, uint32_t group);

/* @p groups rules and @p packets packets; one of MATCH_EVERY_NTH packets matches. */
int work_make_groups(struct work *work, uint32_t groups, uint32_t packets, struct fg_error *error);

/* The rules of a ClassBench file, and at most @p n_keys keys of the file @p trace; if that is
 * empty, @p n_keys keys drawn from the rules. */
int work_make_rules(struct work *work, const char *rules, const char *trace, uint32_t n_keys,
		    struct fg_error *error);

struct rte_mempool;

/* Make the packets of @p work; EAL must be up. 0, or -ENOMEM with @p error set. */
int work_fill_packets(struct work *work, struct rte_mempool *pool, struct fg_error *error);

void work_free(struct work *work);

/* A generator of pseudo random numbers, the same in every run. */
struct rng {
	uint64_t state;
};

uint32_t rng_below(struct rng *rng, uint32_t bound);

#endif /* CLASSIFY_WORK_H */
