/* SPDX-License-Identifier: MIT */
#include "clocks.h"

#include <errno.h>
#include <stdlib.h>

struct clocks {
	const struct options *o;
	struct clock ring; /* the head; after it comes the channel that was silent longest */
	struct clock *first[PROTOCOLS_MAX];
	struct clock clock[];
};

static void append(struct clocks *clocks, struct clock *c)
{
	c->previous = clocks->ring.previous;
	c->next = &clocks->ring;
	c->previous->next = c;
	c->next->previous = c;
}

static void touch(struct clocks *clocks, struct clock *c, uint64_t now_ns)
{
	c->last_ns = now_ns;
	c->previous->next = c->next;
	c->next->previous = c->previous;
	append(clocks, c);
}

int clocks_open(const struct options *o, struct clocks **out)
{
	struct clocks *clocks;
	struct clock *c;
	size_t count = 0;

	for (unsigned int i = 0; protocols[i]; i++)
		count += o->mix[i] > 0 ? options_channels(o, protocols[i]) : 0;
	clocks = calloc(1, sizeof(*clocks) + count * sizeof(clocks->clock[0]));
	if (!clocks)
		return -ENOMEM;
	clocks->o = o;
	clocks->ring.previous = &clocks->ring;
	clocks->ring.next = &clocks->ring;
	c = clocks->clock;
	for (unsigned int i = 0; protocols[i]; i++) {
		clocks->first[i] = c;
		for (uint32_t n = 0; o->mix[i] > 0 && n < options_channels(o, protocols[i]); n++) {
			*c = (struct clock){.protocol = i, .channel = n, .last_ns = o->start_ns};
			append(clocks, c++);
		}
	}
	*out = clocks;
	return 0;
}

void clocks_close(struct clocks *clocks)
{
	free(clocks);
}

enum packet_request clocks_next_request(struct clocks *clocks, unsigned int protocol,
					uint32_t channel, uint64_t now_ns)
{
	struct clock *c = clocks->first[protocol] + channel;
	enum packet_request request = PROTOCOL_ANY;

	touch(clocks, c, now_ns);
	if (clocks->o->reset_after > 0 && c->sent >= clocks->o->reset_after) {
		request = PROTOCOL_RESET;
		if ((protocols[protocol]->can & PROTOCOL_END) && !c->ended)
			request = PROTOCOL_END;
		c->ended = request == PROTOCOL_END;
	}
	c->sent = request == PROTOCOL_RESET ? 1 : c->sent + 1;
	return request;
}

const struct clock *clocks_silent(struct clocks *clocks, uint64_t now_ns)
{
	const uint64_t limit_ns = clocks->o->heartbeat_ns;
	struct clock *c;

	if (limit_ns == 0)
		return NULL;
	/* A session that has ended sends no heartbeats. */
	while ((c = clocks->ring.next) != &clocks->ring && c->last_ns + limit_ns <= now_ns) {
		if (!c->ended)
			return c;
		touch(clocks, c, c->last_ns + limit_ns);
	}
	return NULL;
}

void clocks_heartbeat_sent(struct clocks *clocks, const struct clock *clock, uint64_t now_ns)
{
	struct clock *c = clocks->first[clock->protocol] + clock->channel;

	touch(clocks, c, now_ns);
	c->sent++;
}
