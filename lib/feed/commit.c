/* SPDX-License-Identifier: MIT */
/* What is not common in the last pass over a burst: all but the arbiter's fast path. Hot. */
#include "commit.h"

#include <rte_hash_crc.h>

#include "finish.h"
#include "slice.h"

#define TAKE_MAX 16u /* packets taken from the arbiter at a time */

/* Another line brought some of the messages: only the new ones stay matched. */
static void keep_new(struct fg_feed *feed, struct fg_meta *meta,
		     const struct fg_arbiter_result *result)
{
	const uint64_t new = result->from < 64 ? result->mask << result->from : 0;
	const uint64_t seen = meta->messages & ~new;

	if (likely(seen == 0))
		return;
	meta->messages &= new;
	meta->n_matched = (uint16_t)(meta->n_matched - __builtin_popcountll(seen));
	meta->flags |= FG_META_MATCHED;
	feed_count(feed, FG_FEED_partial, 1);
}

/*
 * A result covers 64 numbers. A longer packet may bring new numbers after those: arbitrate it again
 * until all are marked as seen. Not where packets are held, since this one passes now.
 */
static void arbitrate_rest(const struct fg_feed *feed, uint64_t now_ns, const struct item *item,
			   const struct fg_arbiter_result *result)
{
	struct fg_arbiter_result more = *result;

	while (!feed->hold && more.disposition == FG_ARBITER_PASS &&
	       (more.flags & FG_ARBITER_MORE) != 0)
		fg_arbiter_arbitrate(feed->arbiter, result->line, now_ns, &item->pkt, item->m,
				     &more);
}

/* Not a packet of the protocol: it passes, unless its rule subscribes to certain messages. */
static void wrong_protocol(struct item *item, struct fg_feed_out *out)
{
	feed_count(item->feed, FG_FEED_wrong_protocol, 1);
	item->meta->messages = 0;
	item->meta->n_matched = 0;
	if (item->meta->filter == NULL)
		pass(out, item->m);
	else
		drop(out, item->m, FG_DROP_wrong_protocol);
}

/* The messages are not as the header has them, or there is no whole header. */
static void malformed(struct item *item, struct fg_feed_out *out)
{
	static const uint8_t counters[] = {
		[FG_WALK_BAD_LENGTH] = FG_FEED_malformed_length,
		[FG_WALK_SHORT] = FG_FEED_malformed_count,
		[FG_WALK_TRAILING] = FG_FEED_malformed_trailing,
		[FG_WALK_BAD_CHECKSUM] = FG_FEED_malformed_checksum,
	};
	struct fg_feed *feed = item->feed;

	if (item->rc == -EMSGSIZE) {
		feed_count(feed, FG_FEED_truncated, 1);
	} else {
		feed_count(feed, FG_FEED_malformed, 1);
		feed_count(feed,
			   item->rc == -ENODATA     ? FG_FEED_malformed_count
			   : item->rc == -EOVERFLOW ? FG_FEED_malformed_trailing
			   : item->rc != 0          ? FG_FEED_malformed_numbers
						    : counters[item->found.walk_end],
			   1);
	}
	item->meta->messages = 0;
	item->meta->n_matched = 0;
	if (feed->pass_malformed)
		pass(out, item->m);
	else
		drop(out, item->m, FG_DROP_malformed_messages);
}

/*
 * The arbiter releases a packet that it held. Its messages are matched only now: the symbols and
 * orders they refer to may have come with the packets that it waited for.
 */
static void release(struct fg_feed_stage *stage, const struct fg_arbiter_taken *taken,
		    struct fg_feed_out *out)
{
	struct item item;

	stage->released = true;
	feed_count_held(stage->draining, fg_meta(taken->packet), UINT64_MAX); /* one less */
	if (taken->result.disposition == FG_ARBITER_DUPLICATE) {
		drop(out, taken->packet, FG_DROP_duplicate);
		return;
	}
	if (taken->packet == stage->newest)
		stage->draining_old = false;
	/* As when the packet arrived: it was read and verified then. */
	item_read(stage, taken->packet, &item);
	item_match(&item);
	record_matches(stage, &item);
	if (item.feed->by_messages)
		keep_new(item.feed, item.meta, &taken->result);
	finish(stage, &item, out);
}

void drain(struct fg_feed_stage *stage, struct fg_feed_out *out)
{
	struct fg_arbiter_taken taken[TAKE_MAX];
	uint16_t room;

	while ((room = room_of(out)) > 0) {
		const unsigned int n = fg_arbiter_take(stage->draining->arbiter, taken,
						       RTE_MIN((unsigned int)room, TAKE_MAX));

		for (unsigned int i = 0; i < n; i++)
			release(stage, &taken[i], out);
		if (n > 0)
			continue;
		if (stage->after != NULL)
			pass(out, stage->after);
		stage->after = NULL;
		stage->draining = NULL;
		stage->draining_old = false;
		return;
	}
}

/* A heartbeat, a reset or an end. @ready: packets that it releases must go before it. */
static void admin(struct fg_feed_stage *stage, struct item *item, bool ready,
		  struct fg_feed_out *out)
{
	const uint16_t before = out->n_pass;

	record_matches(stage, item);
	finish(stage, item, out);
	if (likely(!ready) || out->n_pass == before)
		return;
	stage->after = out->pass[--out->n_pass];
}

/* The packet has new numbers, or is not arbitrated. */
static void deliver(struct fg_feed_stage *stage, struct item *item,
		    const struct fg_arbiter_result *result, struct fg_feed_out *out)
{
	struct fg_feed *feed = item->feed;

	if (unlikely((result->flags & FG_ARBITER_MORE) != 0))
		arbitrate_rest(feed, stage->now_ns, item, result);
	record_matches(stage, item);
	if (feed->arbitrate && feed->by_messages && (result->flags & FG_ARBITER_UNTRACKED) == 0)
		keep_new(feed, item->meta, result);
	finish(stage, item, out);
}

static inline uint32_t digest_add(uint32_t crc, uint64_t word)
{
#if defined(__SSE4_2__)
	/* rte_hash_crc_8byte() asks for each word what the CPU can. */
	return (uint32_t)__builtin_ia32_crc32di(crc, word);
#else
	return rte_hash_crc_8byte(word, crc);
#endif
}

/*
 * By these the arbiter knows copies of one packet from packets that only claim its numbers. Never
 * 0, which would be equal to any.
 */
static uint32_t digest(const struct item *item)
{
	const uint8_t *at = item->payload + item->pkt.messages_off;
	const uint8_t *end = item->payload + item->pkt.messages_end;
	uint32_t crc = (uint32_t)(end - at);
	uint64_t word;

	for (; end - at >= 8; at += 8) {
		memcpy(&word, at, 8);
		crc = digest_add(crc, word);
	}
	word = 0;
	memcpy(&word, at, (size_t)(end - at));
	crc = digest_add(crc, word);
	return crc != 0 ? crc : 1;
}

static void arbitrate(struct fg_feed_stage *stage, struct item *item, struct fg_feed_out *out)
{
	struct fg_feed *feed = item->feed;
	struct fg_arbiter_result result;

	if (item->pkt.kind < FG_FEED_UNSEQUENCED)
		item->pkt.digest = digest(item);
	fg_arbiter_arbitrate(feed->arbiter, item->line, stage->now_ns, &item->pkt, item->m,
			     &result);
	if (unlikely((result.flags & FG_ARBITER_EPOCH) != 0) && feed->by_session)
		(void)follow_session(stage, item, FG_SYMBOLS_SESSION_NEW);
	switch (result.disposition) {
	case FG_ARBITER_HELD:
		feed_count_held(item->feed, item->meta, 1);
		break;
	case FG_ARBITER_ADMIN:
		admin(stage, item, (result.flags & FG_ARBITER_READY) != 0, out);
		break;
	case FG_ARBITER_DUPLICATE:
	case FG_ARBITER_STALE:
		if (feed->arbitrate) {
			drop(out, item->m,
			     result.disposition == FG_ARBITER_STALE ? FG_DROP_stale
								    : FG_DROP_duplicate);
			break;
		}
		record_matches(stage, item);
		finish(stage, item, out);
		break;
	default:
		deliver(stage, item, &result, out);
		break;
	}
	if (unlikely((result.flags & FG_ARBITER_READY) != 0)) {
		stage->draining = feed;
		stage->newest = item->m;
		drain(stage, out);
	} else {
		stage->draining_old = false;
	}
}

/*
 * Whether the packet is a duplicate by now. In a burst of its own it would have been one before
 * its messages were looked at: the same becomes of it, however packets are cut into bursts.
 */
static bool is_late_copy(const struct fg_feed_stage *stage, const struct item *item)
{
	const struct fg_feed *feed = item->feed;
	struct fg_arbiter_result result;

	return feed->arbitrate &&
	       fg_arbiter_arbitrate_fast(feed->arbiter, item->line, stage->now_ns, &item->pkt, true,
					 &result);
}

void commit_slow(struct fg_feed_stage *stage, struct item *item, struct fg_feed_out *out)
{
	if (item->rc == -EPROTO) {
		wrong_protocol(item, out);
		return;
	}
	/* It was a duplicate before the burst, and is none now. */
	if (item->rc == 0 && !item->matched)
		item_match(item);
	if (item->rc != 0 || item_is_malformed(item)) {
		if (item->rc == 0 && is_late_copy(stage, item))
			drop(out, item->m, FG_DROP_duplicate);
		else
			malformed(item, out);
		return;
	}
	if (item->feed->arbiter != NULL) {
		arbitrate(stage, item, out);
		return;
	}
	record_matches(stage, item);
	finish(stage, item, out);
}
