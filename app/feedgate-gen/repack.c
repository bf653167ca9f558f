/* SPDX-License-Identifier: MIT */
#include "repack.h"

#include <errno.h>
#include <stdlib.h>

#define TARGET_MAX 20u
#define TAIL_BYTES 2u /* for what a protocol appends to its blocks */

struct pending {
	uint32_t target;
	struct packet packet; /* sealed when it is sent */
};

struct repack {
	struct rng rng;
	repack_send send;
	void *to; /* argument of send */
	uint32_t channels[PROTOCOLS_MAX];
	struct pending **pending[PROTOCOLS_MAX]; /* of each channel; NULL until it has messages */
};

int repack_open(const struct options *o, unsigned int line, repack_send send, void *to,
		struct repack **out)
{
	struct repack *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->send = send;
	r->to = to;
	rng_seed(&r->rng, o->seed, RNG_STREAM(RNG_REPACK, line));
	for (unsigned int i = 0; protocols[i]; i++) {
		if (o->mix[i] == 0)
			continue;
		r->channels[i] = options_channels(o, protocols[i]);
		r->pending[i] = calloc(r->channels[i], sizeof(struct pending *));
		if (!r->pending[i]) {
			repack_close(r);
			return -ENOMEM;
		}
	}
	*out = r;
	return 0;
}

void repack_close(struct repack *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; i < PROTOCOLS_MAX; i++) {
		for (uint32_t c = 0; r->pending[i] && c < r->channels[i]; c++)
			free(r->pending[i][c]);
		free(r->pending[i]);
	}
	free(r);
}

static struct pending *get_pending(struct repack *r, unsigned int protocol, uint32_t channel)
{
	struct pending **at = &r->pending[protocol][channel];

	if (!*at)
		*at = calloc(1, sizeof(**at));
	return *at;
}

static int send_pending(struct repack *r, struct pending *pending, unsigned int protocol,
			uint32_t channel, uint64_t now_ns)
{
	struct packet *p = &pending->packet;
	int rc;

	if (p->n_messages == 0)
		return 0;
	p->id.count = p->n_messages;
	protocols[protocol]->seal(p, now_ns);
	rc = r->send(r->to, protocol, channel, now_ns, p);
	p->n_messages = 0;
	return rc;
}

/* Append the nth message of a packet to the pending ones. */
static void append(struct repack *r, struct pending *pending, unsigned int protocol,
		   const struct packet *from, uint32_t n)
{
	const struct packet_message *m = &from->messages[n];
	struct packet *p = &pending->packet;

	if (p->n_messages == 0) {
		packet_begin(p, protocols[protocol]->header_bytes);
		p->id = from->id;
		p->id.first = from->id.first + n;
		p->position = from->position + m->off - from->messages[0].off;
		pending->target = rng_between(&r->rng, 1, TARGET_MAX);
	}
	memcpy(p->payload + p->len, from->payload + m->off, m->bytes);
	packet_message(p, m->type, m->bytes);
}

static bool is_full(const struct pending *pending, size_t more)
{
	const struct packet *p = &pending->packet;

	return p->n_messages == pending->target || p->len + more + TAIL_BYTES > PACKET_PAYLOAD_MAX;
}

int repack_add(struct repack *r, unsigned int protocol, uint32_t channel, uint64_t now_ns,
	       const struct packet *p)
{
	struct pending *pending = get_pending(r, protocol, channel);
	int rc = 0;

	if (!pending)
		return -ENOMEM;
	if (p->id.control != PACKET_DATA ||
	    (pending->packet.n_messages > 0 && pending->packet.id.epoch != p->id.epoch)) {
		rc = send_pending(r, pending, protocol, channel, now_ns);
		if (rc < 0)
			return rc;
	}
	if (p->id.control != PACKET_DATA)
		return r->send(r->to, protocol, channel, now_ns, p);
	for (uint32_t i = 0; i < p->n_messages; i++) {
		if (pending->packet.n_messages > 0 && is_full(pending, p->messages[i].bytes))
			rc = send_pending(r, pending, protocol, channel, now_ns);
		if (rc < 0)
			return rc;
		append(r, pending, protocol, p, i);
	}
	return is_full(pending, 0) ? send_pending(r, pending, protocol, channel, now_ns) : 0;
}

int repack_flush(struct repack *r, uint64_t now_ns)
{
	for (unsigned int i = 0; i < PROTOCOLS_MAX; i++) {
		for (uint32_t c = 0; r->pending[i] && c < r->channels[i]; c++) {
			int rc = 0;

			if (r->pending[i][c])
				rc = send_pending(r, r->pending[i][c], i, c, now_ns);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
