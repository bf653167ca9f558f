/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The message filter: which messages of a packet does a subscription match?
 *
 * A subscription is a rule's list of message types and list of instruments.
 * fg_msg_filter_create() compiles it for one feed, and fg_msg_filter_match_burst()
 * gives the result for each packet.
 *
 * A message is matched if its type is in the list of types, or there is none, and
 * its instrument is in the list of instruments, or there is none. A message
 * without an instrument, or with instrument number 0, is of all instruments. A
 * message with a repeating group is matched if one entry's instrument is.
 *
 * A message is unmapped if the filter cannot tell:
 * - its instrument number has no symbol so far, while a symbol of the list has no
 *   number, or the symbol map is full;
 * - it names an order that is not in the order map;
 * - its groups contradict themselves, and no entry is matched;
 * - it has the instrument of the message before it, and is the packet's first;
 * - the message before it has an unknown length.
 * `unmapped` says whether such messages count as matched.
 *
 * The filter also fills the feed's symbol map and order map from the messages.
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
#include <fg_orders.h>
#include <fg_protocol.h>
#include <fg_symbols.h>

#define FG_INSTRUMENTS_MAX 1000000u /**< Of one filter. */

enum fg_unmapped {
	FG_UNMAPPED_PASS, /**< Unmapped messages count as matched. */
	FG_UNMAPPED_DROP, /**< They do not. */
};

struct fg_msg_filter_conf {
	const struct fg_protocol *protocol; /**< Must outlive the filter. */
	struct fg_symbols *symbols; /**< The feed's; must outlive the filter; NULL: not learned. */
	struct fg_orders *orders;   /**< The same. */
	const uint32_t *types;      /**< [n_types]; copied. */
	uint32_t n_types;           /**< 0: any type. */
	/**
	 * [n_instruments]; copied. A text is an instrument number if the feed has numbers and it
	 * is one, else a symbol. `symbol:123` is a symbol on any feed.
	 */
	const char *const *instruments;
	uint32_t n_instruments; /**< 0: only messages that are of all instruments. */
	bool any_instrument;    /**< There is no list of instruments. */
	/** Learn only what this filter's results depend on; else for other filters, too. */
	bool learns_needed_only;
	uint8_t unmapped; /**< enum fg_unmapped. */
	int socket_id;    /**< NUMA node of the owner, or SOCKET_ID_ANY. */
};

/** The result for one packet. */
struct fg_msg_filter_result {
	uint64_t mask; /**< Bit i: message i, of the first 64, is matched. */
	/** Messages; all that follow one of unknown length count as one, which is unmapped. */
	uint32_t n_messages;
	uint32_t n_matched;  /**< With the unmapped ones, if these pass. */
	uint32_t n_unmapped; /**< Whether they pass or not. */
	uint8_t walk_end;    /**< enum fg_walk_end. */
	/** Only walk_end is valid: call fg_msg_filter_learn() once the packet is accepted. */
	bool deferred;
};

/** Opaque. Control makes it; the owner writes what it learns. */
struct fg_msg_filter;

/**
 * Compile a filter; fg_msg_filter_free() frees it. With a million instruments it
 * takes about a second.
 * @return 0; -EINVAL: an instrument is too long, or a symbol where the feed has numbers only,
 *         @p error names it; -E2BIG: over FG_INSTRUMENTS_MAX instruments or 65,536 types; -ENOMEM.
 * Threads: control.
 */
int fg_msg_filter_create(const struct fg_msg_filter_conf *conf, struct fg_msg_filter **out,
			 struct fg_error *error);

/** Free a filter that nobody uses; NULL is allowed. Threads: control. */
void fg_msg_filter_free(struct fg_msg_filter *filter);

/** A packet whose messages are to be matched. */
struct fg_msg_filter_job {
	struct fg_msg_filter *filter;
	const uint8_t *payload;           /**< The UDP payload that `pkt` was read from. */
	const struct fg_feed_packet *pkt; /**< By the filter's protocol. */
	struct fg_msg_filter_result *out;
};

/**
 * Verify the messages of packets, as fg_protocol_verify(), and match them. Hot.
 *
 * It learns nothing, since the packet may turn out to be wrong. If there is something to learn from
 * the messages, or the result depends on the order map, the result is `deferred`. After
 * fg_msg_filter_learn() the results of later packets of that feed are out of date: match these
 * again. A packet without messages gives all zeros; so does one whose messages do not verify, but
 * for walk_end: do not learn from it. It prefetches the payloads itself, some packets ahead.
 * @param jobs  [n], of the feeds of one lcore.
 * Threads: the feeds' owner.
 */
void fg_msg_filter_match_burst(const struct fg_msg_filter_job *jobs, unsigned int n);

/**
 * Match a packet's messages, and learn from them. Hot.
 *
 * Call it for each packet that fg_msg_filter_match_burst() deferred, in order, with any of the
 * feed's filters: the maps that it fills belong to the feed.
 * @param out  All of it is written; `deferred` is false.
 * Threads: the feed's owner.
 */
void fg_msg_filter_learn(struct fg_msg_filter *filter, const uint8_t *payload,
			 const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out);

/**
 * Match a packet's messages as if the maps were empty, and learn nothing: for a packet of another
 * session than that of the maps (fg_symbols.h). Hot. Threads: the feed's owner.
 */
void fg_msg_filter_match_unmapped(struct fg_msg_filter *filter, const uint8_t *payload,
				  const struct fg_feed_packet *pkt,
				  struct fg_msg_filter_result *out);

/** Match one packet and learn from it. Threads: the feed's owner. */
static inline void fg_msg_filter_match(struct fg_msg_filter *filter, const uint8_t *payload,
				       const struct fg_feed_packet *pkt,
				       struct fg_msg_filter_result *out)
{
	const struct fg_msg_filter_job job = {filter, payload, pkt, out};

	fg_msg_filter_match_burst(&job, 1);
	if (out->deferred)
		fg_msg_filter_learn(filter, payload, pkt, out);
}

/**
 * Prefetch a payload, for a loop over packets, some packets before it reads it. Hot.
 * fg_msg_filter_match_burst() does so by itself.
 *
 * Up to 512 bytes it always prefetches nine addresses, evenly spread, so that no
 * line is left out. A loop over the lines would end at a branch that cannot be
 * predicted, which costs more than prefetching a line twice.
 */
static __rte_always_inline void fg_msg_filter_prefetch(const uint8_t *payload, uint32_t bytes)
{
	uint32_t step;

	for (; unlikely(bytes > 512); bytes -= RTE_CACHE_LINE_MIN_SIZE) {
		rte_prefetch0(payload);
		payload += RTE_CACHE_LINE_MIN_SIZE;
	}
	step = (bytes + 7) / 8;
	rte_prefetch0(payload);
#pragma GCC unroll 8
	for (uint32_t i = 1; i <= 8; i++)
		rte_prefetch0(payload + i * (uint64_t)step - 1);
}

/** Facts about a filter, for reports. */
struct fg_msg_filter_info {
	uint32_t n_types;
	uint32_t n_instruments;
	uint32_t n_symbols_without_number; /**< Symbols of the list that have no number so far. */
	/** Messages may fill a map: each packet must go through a filter, matched or not. */
	bool learns;
	uint64_t bytes; /**< Memory. */
};

/**
 * The symbols of the filter's list that have no number in the symbol map now.
 * @param names  The first of them in alphabetical order, at most @p max.
 * @param count  How many there are.
 * @return how many names there are; -EAGAIN: the map changes too fast; -ENOMEM. Threads: control.
 */
int fg_msg_filter_unmapped(const struct fg_msg_filter *filter, char (*names)[FG_SYMBOL_BYTES + 1],
			   uint32_t max, uint32_t *count);

/** Fill @p out. Threads: any, while the filter exists. */
void fg_msg_filter_info(const struct fg_msg_filter *filter, struct fg_msg_filter_info *out);

#endif /* FG_MSG_FILTER_H */
