/* SPDX-License-Identifier: MIT */
/*
 * Walks over the messages of any protocol, and their verification. One inline body,
 * compiled with the constants of each built-in protocol, and once for all others.
 */
#include "tables.h"
#include "walk_kinds.h"

uint32_t fg_group_skip(const struct fg_group_shape *shape, unsigned int order, const uint8_t *at,
		       uint32_t room)
{
	return walk_group_skip(shape, order, at, room);
}

bool fg_protocol_next(const struct fg_protocol *protocol, struct fg_walk *walk,
		      struct fg_message *out)
{
	return walk_step(protocol, protocol->messages, walk, out);
}

static __rte_always_inline enum fg_walk_end verify(const struct fg_protocol *shape,
						   const struct fg_protocol *protocol,
						   const uint8_t *payload,
						   const struct fg_feed_packet *pkt)
{
	struct fg_message message;
	struct fg_walk walk;

	fg_walk_begin(&walk, payload, pkt);
	while (walk_step(shape, protocol->messages, &walk, &message))
		;
	if (unlikely(walk.end_reason != FG_WALK_DONE && walk.end_reason != FG_WALK_UNDECODABLE))
		return walk.end_reason;
	return likely(walk_checksum_holds(shape, protocol, payload, pkt->messages_end))
		       ? walk.end_reason
		       : FG_WALK_BAD_CHECKSUM;
}

typedef enum fg_walk_end verify_function(const struct fg_protocol *protocol, const uint8_t *payload,
					 const struct fg_feed_packet *pkt);

static enum fg_walk_end verify_any(const struct fg_protocol *protocol, const uint8_t *payload,
				   const struct fg_feed_packet *pkt)
{
	return verify(protocol, protocol, payload, pkt);
}

#define X(name)                                                                                    \
	static enum fg_walk_end verify_##name(const struct fg_protocol *protocol,                  \
					      const uint8_t *payload,                              \
					      const struct fg_feed_packet *pkt)                    \
	{                                                                                          \
		return verify(&protocol_##name, protocol, payload, pkt);                           \
	}
FG_PROTOCOLS(X)
#undef X

static verify_function *const verifiers[FG_COMPILED_COUNT] = {[FG_COMPILED_NONE] = verify_any,
#define X(name) [FG_COMPILED_##name] = verify_##name,
							      FG_PROTOCOLS(X)
#undef X
};

enum fg_walk_end fg_protocol_verify(const struct fg_protocol *protocol, const uint8_t *payload,
				    const struct fg_feed_packet *pkt)
{
	return verifiers[protocol->compiled](protocol, payload, pkt);
}
