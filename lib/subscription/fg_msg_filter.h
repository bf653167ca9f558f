/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Which messages of a packet are matched: a rule's message types and
 * instruments, compiled for one feed.
 *
 * A message is matched if its type is (no types given: any is) and its
 * instrument is (none given: any is). A message that names no instrument, or
 * number 0, is of all instruments. In repeating groups any entry's counts.
 *
 * Where the feed gives numbers and the rule names symbols, a message whose
 * number has no symbol so far is unmapped, as long as a matched symbol has no
 * number or the directory is full. Undecided are, too: a message of an order
 * that is not known, one whose groups contradict themselves and where no entry is
 * matched, one that goes by the message before it when it is the packet's
 * first, and what follows a message of unknown length. Undecided messages are
 * matched if `unknown` match pass.
 */
#ifndef FG_MSG_FILTER_H
#define FG_MSG_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>

#include <fg_error.h>
#include <fg_feed_packet.h>
#include <fg_known.h>
#include <fg_protocol.h>

#define FG_INSTRUMENTS_MAX 1000000u /**< In one filter. */

enum fg_unmapped {
	FG_UNMAPPED_PASS,
	FG_UNMAPPED_DROP,
};

struct fg_msg_filter_conf {
	const struct fg_protocol *protocol; /**< Outlives it. */
	struct fg_known *known; /**< The feed's; outlives it; NULL: nothing is learned. */
	const uint32_t *types;  /**< Of n_types; 0: any type. */
	uint32_t n_types;
	/**
	 * As people write them: a number where the feed gives numbers and the text is one, else
	 * a symbol; `symbol:123` is a symbol in any case. Of n_instruments.
	 */
	const char *const *instruments;
	uint32_t n_instruments;
	/** No list was given. Else an empty list wants only messages that are of all instruments.
	 */
	bool any_instrument;
	uint8_t unmapped; /**< enum fg_unmapped. */
	int socket_id;    /**< NUMA node of the worker, or SOCKET_ID_ANY. */
};

/** What a packet holds for a filter. */
struct fg_msg_filter_result {
	uint64_t mask; /**< Bit i: message i is matched; of the first 64. */
	/** Messages walked over; what follows one of unknown length counts as one, unmapped. */
	uint32_t n_messages;
	uint32_t n_matched; /**< Of these, matched, unmapped ones included if they pass. */
	uint32_t n_unmapped;
	uint8_t walk_end; /**< enum fg_walk_end. */
};

/** A compiled filter. Its lists never change; what it has learned is written by the worker. */
struct fg_msg_filter;

/**
 * Compile a filter; fg_msg_filter_free() frees it. May take a second with a million instruments.
 * @return 0; -EINVAL, @p error match which instrument and why: too long, a symbol where the feed
 *         has numbers only; -E2BIG: over FG_INSTRUMENTS_MAX; -ENOMEM.
 * Threads: control.
 */
int fg_msg_filter_create(const struct fg_msg_filter_conf *conf, struct fg_msg_filter **out,
			 struct fg_error *error);

/** Free a filter that nobody uses; NULL is allowed. Threads: control. */
void fg_msg_filter_free(struct fg_msg_filter *filter);

/**
 * Walk over a packet's messages: learn what they tell, say which are matched.
 * Hot. A packet without messages gives all zeros. Call it once for each packet of a feed, with
 * whichever filter: what the packet tells is learned for all of them.
 * @param payload  The UDP payload that @p pkt was read from, by the filter's protocol.
 * Threads: the feed's worker.
 */
void fg_msg_filter_match(struct fg_msg_filter *filter, const uint8_t *payload,
			 const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out);

/* One of the CPU's levels: it wants a constant. */
static __rte_always_inline void msg_prefetch_line(const uint8_t *at, bool near)
{
	if (near)
		rte_prefetch0(at);
	else
		rte_prefetch1(at);
}

/**
 * Ask for all of a payload, some packets before fg_msg_filter_match(). Hot. Best twice: about 16
 * packets ahead into the L2 cache, where there is room for as many as memory takes to answer, and
 * 4 packets ahead, with @p near, from there into L1. @p near is a constant.
 *
 * How many lines there are cannot be foretold, and a wrong guess costs the CPU more than to ask
 * for a line twice: up to 512 bytes it is always so many, evenly spread, and none is left out.
 */
static __rte_always_inline void fg_msg_filter_prefetch(const uint8_t *payload, uint32_t bytes,
						       bool near)
{
	uint32_t step;

	for (; unlikely(bytes > 512); bytes -= RTE_CACHE_LINE_MIN_SIZE) {
		msg_prefetch_line(payload, near);
		payload += RTE_CACHE_LINE_MIN_SIZE;
	}
	step = (bytes + 7) / 8;
	msg_prefetch_line(payload, near);
#pragma GCC unroll 8
	for (uint32_t i = 1; i <= 8; i++)
		msg_prefetch_line(payload + i * (uint64_t)step - 1, near);
}

/** For people: how many types, instruments, and matched symbols without a number. Threads: any. */
struct fg_msg_filter_info {
	uint32_t n_types;
	uint32_t n_instruments;
	uint32_t n_unmapped_symbols;
	bool learns; /**< Packets may teach it something; else there is no need to show it those
		      *   whose result does not matter. */
	uint64_t bytes;
};
void fg_msg_filter_info(const struct fg_msg_filter *filter, struct fg_msg_filter_info *out);

#endif /* FG_MSG_FILTER_H */
