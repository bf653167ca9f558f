/* SPDX-License-Identifier: MIT */
#include "classify_work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include <fg_meta.h>
#include <fg_parse.h>

#include "groups.h"

/* splitmix64. */
uint32_t rng_below(struct rng *rng, uint32_t bound)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (uint32_t)((z >> 32) * bound >> 32);
}

int work_allocate(struct work *work, uint32_t n_matches, uint32_t n_keys)
{
	work->n_matches = n_matches;
	work->n_keys = n_keys;
	work->matches = calloc(n_matches, sizeof(*work->matches));
	work->tuples = aligned_alloc(64, n_keys * sizeof(*work->tuples));
	work->keys = aligned_alloc(64, n_keys * sizeof(*work->keys));
	work->group_keys = aligned_alloc(64, n_keys * sizeof(*work->group_keys));
	work->truth = calloc(n_keys, sizeof(*work->truth));
	return work->matches != NULL && work->tuples != NULL && work->keys != NULL &&
			       work->group_keys != NULL && work->truth != NULL
		       ? 0
		       : -ENOMEM;
}

void work_free(struct work *work)
{
	if (work->packets != NULL)
		rte_pktmbuf_free_bulk(work->packets, work->n_packets);
	free(work->packets);
	free(work->pkts);
	free(work->pkt_keys);
	free(work->matches);
	free(work->tuples);
	free(work->keys);
	free(work->group_keys);
	free(work->truth);
	*work = (struct work){0};
}

void work_match_group(struct fg_match *match, uint32_t group)
{
	const uint32_t address_be = htonl(group_address(group));

	memset(match, 0, sizeof(*match));
	match->src_port_max = UINT16_MAX;
	match->value.family = FG_FAMILY_IPV4;
	match->mask.family = 0xff;
	memcpy(match->value.dst_ip, &address_be, sizeof(address_be));
	memset(match->mask.dst_ip, 0xff, sizeof(address_be));
	match->value.l4 = IPPROTO_UDP;
	match->mask.l4 = 0xff;
	match->dst_port_min = match->dst_port_max = group_port(group);
	match->rule = group + 1;
}

/*
 * Where a packet goes that no rule matches: half of them to the address of a group with another
 * group's port, half to an address that no rule has.
 */
static void miss(struct rng *rng, uint32_t groups, uint32_t *address, uint16_t *port)
{
	const uint32_t group = rng_below(rng, groups);
	const uint32_t unused = groups > UINT16_MAX ? groups : UINT16_MAX;

	if (rng_below(rng, 2) == 0) {
		*address = group_address(group);
		*port = group_port(group + 1 + rng_below(rng, GROUP_PORTS - 1));
	} else {
		*address = group_address(groups + rng_below(rng, unused));
		*port = group_port(group);
	}
}

/* Make the key of packet @p i in every form, by parsing a frame. */
static int make_key(struct work *work, uint32_t i, uint32_t address, uint16_t port)
{
	const struct fg_parse parse = {0};
	uint8_t frame[FRAME_BYTES];

	frame_make(frame, i, address, port);
	memcpy(&work->tuples[i], frame + TUPLE_FRAME_OFFSET, sizeof(work->tuples[i]));
	work->tuples[i].pad = 0;
	work->group_keys[i] = (struct group_key){htonl(address), htons(port), 0};
	return fg_parse_packet(&parse, frame, FRAME_BYTES, FRAME_BYTES, &work->keys[i]) ==
			       FG_DROP_COUNT
		       ? 0
		       : -EPROTO;
}

static void shuffle(struct rng *rng, uint32_t *numbers, uint32_t count)
{
	for (uint32_t i = count - 1; i > 0; i--) {
		const uint32_t other = rng_below(rng, i + 1);
		const uint32_t number = numbers[i];

		numbers[i] = numbers[other];
		numbers[other] = number;
	}
}

/* Choose the rules of @p count packets, in random order; most packets have none. */
static void choose_rules(struct rng *rng, uint32_t *truth, uint32_t count, uint32_t groups)
{
	const uint32_t matching = count / MATCH_EVERY_NTH;

	/* All groups in turn; if there are more of them than packets, some at equal distances. */
	for (uint32_t i = 0; i < count; i++)
		truth[i] = i >= matching       ? FG_RULE_NONE
			   : groups < matching ? 1 + i % groups
					       : 1 + (uint32_t)((uint64_t)i * groups / matching);
	shuffle(rng, truth, count);
}

static int fill_keys(struct work *work, uint32_t packets)
{
	struct rng rng = {work->groups};
	int rc = 0;

	for (uint32_t group = 0; group < work->groups; group++)
		work_match_group(&work->matches[group], group);
	for (uint32_t first = 0; first < work->n_keys; first += packets)
		choose_rules(&rng, work->truth + first, packets, work->groups);
	for (uint32_t i = 0; rc == 0 && i < work->n_keys; i++) {
		uint32_t address = group_address(work->truth[i] - 1);
		uint16_t port = group_port(work->truth[i] - 1);

		if (work->truth[i] == FG_RULE_NONE)
			miss(&rng, work->groups, &address, &port);
		rc = make_key(work, i, address, port);
	}
	return rc;
}

int work_make_groups(struct work *work, uint32_t groups, uint32_t packets, struct fg_error *error)
{
	int rc;

	*work = (struct work){.groups = groups, .n_packets = packets};
	snprintf(work->name, sizeof(work->name), "groups-%u", groups);
	rc = work_allocate(work, groups, KEYS_PER_PACKET * packets);
	if (rc == 0)
		rc = fill_keys(work, packets);
	if (rc == 0)
		return 0;
	work_free(work);
	return fg_error_set(error, -rc, "cannot make %u packets for %u groups: %s", packets, groups,
			    strerror(-rc));
}

static void make_orders(struct work *work, struct rng *rng)
{
	for (uint32_t first = 0; first < ORDERS * work->n_packets; first += work->n_packets) {
		for (uint32_t i = 0; i < work->n_packets; i++)
			work->pkt_keys[first + i] = i;
		shuffle(rng, work->pkt_keys + first, work->n_packets);
	}
	for (uint32_t i = 0; i < ORDERS * work->n_packets; i++)
		work->pkts[i] = work->packets[work->pkt_keys[i]];
}

int work_fill_packets(struct work *work, struct rte_mempool *pool, struct fg_error *error)
{
	const uint32_t count = work->n_packets;
	struct rng rng = {1};

	work->packets = calloc(count, sizeof(*work->packets));
	work->pkts = calloc(ORDERS * (size_t)count, sizeof(*work->pkts));
	work->pkt_keys = calloc(ORDERS * (size_t)count, sizeof(*work->pkt_keys));
	if (work->packets == NULL || work->pkts == NULL || work->pkt_keys == NULL ||
	    rte_pktmbuf_alloc_bulk(pool, work->packets, count) != 0) {
		free(work->packets);
		work->packets = NULL;
		return fg_error_set(error, ENOMEM, "no memory for %u packets", count);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *frame = (uint8_t *)rte_pktmbuf_append(work->packets[i], FRAME_BYTES);

		frame_make(frame, i, ntohl(work->group_keys[i].group_be),
			   ntohs(work->group_keys[i].port_be));
	}
	make_orders(work, &rng);
	return 0;
}
