/* SPDX-License-Identifier: MIT */
/*
 * The compiled message filter, and what the hot path looks up in it.
 *
 *   fg_msg_filter.c       creation, and bursts of packets
 *   filter_types.c        the table of message types
 *   filter_instruments.c  the instruments of a rule, from texts to sets
 *   filter_symbols.c      changes of the symbol map, applied to the filter
 *   filter_match.c        any message: the definition of what is matched
 *   filter_flat.c         the same for bursts, for each protocol: flat_*.h
 *
 * filter_match() defines what is matched. The burst functions give the same
 * results, and call filter_match_unlearned() for each packet that has something unusual.
 */
#ifndef SUBSCRIPTION_FILTER_H
#define SUBSCRIPTION_FILTER_H

#include <assert.h>
#include <stddef.h>

#include <rte_malloc.h>

#include <fg_msg_filter.h>

#include "fg_walk.h"
#include "number_set.h"
#include "order_map.h"
#include "short_numbers.h"
#include "symbol_map.h"
#include "symbol_set.h"

/* The result for one message. */
enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_UNMAPPED, /* the instrument is not known so far */
};

/* What the filter learns from a type of message. */
#define LEARN_SYMBOL 0x01u /* a number's symbol */
#define LEARN_ADD    0x02u /* an order's instrument */
#define LEARN_END    0x04u /* that an order is gone */
#define LEARN_NAME   0x08u /* the symbol of a number that has none */
#define LEARN_ALWAYS (LEARN_SYMBOL | LEARN_ADD | LEARN_END)

/* A type of message. */
struct filter_type {
	uint32_t type;
	bool used;              /* false: an empty slot of the table */
	bool matched;           /* the subscription has the type */
	bool checks_instrument; /* the instrument counts: for this message's result, or as the
				   previous one of the next message */
	uint8_t learn;          /* LEARN_... */
	const struct fg_message_type *row;
};

/* Flags of a type of one byte, for filter_itch.c. The first two are as in a number's code. */
#define TYPE_MATCHED 0x01u /* the subscription has it */
#define TYPE_NAMED                                                                                 \
	0x02u              /* its messages have symbols beside numbers, and the filter learns them \
			    */
#define TYPE_UNUSUAL 0x80u /* the reference looks at its messages */

static_assert(TYPE_MATCHED == CODE_MATCHED && TYPE_NAMED == CODE_UNNAMED,
	      "their AND is the result for a message");

/* How a protocol's messages name their instrument, where flat_match.h can match it. */
enum flat_naming {
	FLAT_EVERYTHING, /* nothing to look at: all messages are matched */
	FLAT_TYPES,      /* the instrument does not matter */
	FLAT_NUMBER2,    /* by a number of 2 bytes, in the message */
	FLAT_NUMBER4,
	FLAT_NUMBER8,
	FLAT_TEXT,      /* by a symbol of at most 8 bytes */
	FLAT_TEXT_WIDE, /* of at most 16 */
	FLAT_GROUP4,    /* by a number of 4 bytes in each entry of its first group */
};

/* Results of a message, a byte. */
#define FLAT_MATCHED  0x01u
#define FLAT_UNMAPPED 0x02u
#define FLAT_IN_GROUP 0x08u /* of a type: the instrument is in entries, with FLAT_GROUP4 */
#define FLAT_NULL     0x10u /* of a type, with FLAT_GROUP4: number INT32_MAX stands for none */
#define FLAT_DEFER    0x40u /* the message is to be learned, or needs the order map */
#define FLAT_FALLBACK 0x80u /* filter_match_unlearned() must look at the packet */

/* What flat_match.h does with a type of message: its instrument's result & mask | special. */
struct flat_type {
	uint16_t type;
	uint16_t need;   /* bytes of a frame that has the instrument */
	uint8_t off;     /* of the instrument in the frame, or in an entry */
	uint8_t shift;   /* of a mask of all ones, to the right: leaves the bytes of a symbol */
	uint8_t mask;    /* of the instrument's results; 0 where the type is not in the list */
	uint8_t special; /* FLAT_..., whatever the instrument is */
};

static_assert(sizeof(struct flat_type) == 8, "an index without a multiplication");

/*
 * Match jobs that have this function: fg_msg_filter_match_burst(). @available: jobs from the first
 * one on; those after @n are only prefetched.
 */
typedef void burst_function(const struct fg_msg_filter_job *jobs, unsigned int n,
			    unsigned int available);

#define JOBS_AHEAD 8u /* between the prefetch of a packet's messages and their use */

/* Between two packets, not many at once: the core can wait for a few cache lines only. */
static __rte_always_inline void prefetch_ahead(const struct fg_msg_filter_job *jobs, unsigned int i,
					       unsigned int available)
{
	if (i + JOBS_AHEAD < available)
		fg_msg_filter_prefetch(jobs[i + JOBS_AHEAD].payload,
				       jobs[i + JOBS_AHEAD].pkt->messages_end);
}

struct fg_msg_filter {
	/* What each packet needs, tables aside, is on the first cache line. */
	burst_function *burst;
	struct fg_symbols *symbols;   /* NULL: nothing is learned */
	uint64_t changes_seen;        /* of the symbol map */
	struct short_numbers *shorts; /* where numbers have two bytes at most; else NULL */
	struct flat_type *flat;       /* of types of a byte: by type; else a hash table */
	const struct fg_protocol *protocol;
	uint32_t flat_factor, flat_shift;
	/* Matched symbols without a number. The worker writes it, control reads it. */
	_Atomic uint32_t n_symbols_without_number;
	bool any_instrument;
	bool by_symbol;     /* some instruments are symbols, and the feed maps numbers to symbols */
	bool other_session; /* the packet being matched is not of the maps' session */
	bool pass_unmapped;
	uint8_t type_flags[256];      /* TYPE_... of types of a byte */
	struct number_set numbers;    /* without `shorts`: numbers listed as such */
	struct flat_type flat_other;  /* for types that are not in the table */
	uint64_t *slots_matched;      /* without `shorts`: a bit for each slot of the symbol map;
					 set: the number's symbol is matched */
	struct filter_type *types;    /* a hash table */
	struct filter_type other;     /* for types that are not in the table */
	uint32_t types_shift;         /* 32 - log2(slots of the table) */
	struct symbol_set symbol_set; /* matched symbols */
	uint32_t *symbol_numbers;     /* by slot of symbol_set: how many numbers it has */
	struct fg_orders *orders;     /* NULL: nothing is learned */
	uint64_t cleared_seen;        /* the change that cleared the map last */
	bool follows; /* changes of the symbol map concern it: by_symbol, or CODE_UNNAMED */
	uint32_t n_types, n_instruments, n_symbols;
	uint64_t bytes;
};

static_assert(offsetof(struct fg_msg_filter, type_flags) <= RTE_CACHE_LINE_MIN_SIZE,
	      "what each packet needs, tables aside, is on the first cache line");

/** Zeroed DPDK memory, counted as the filter's; NULL: none left. */
__rte_cold static inline void *filter_alloc(struct fg_msg_filter *filter, size_t bytes,
					    int socket_id)
{
	filter->bytes += bytes;
	return rte_zmalloc_socket(NULL, bytes, RTE_CACHE_LINE_SIZE, socket_id);
}

/** Whether a number without a symbol may still get a symbol that is matched. Hot. */
static __rte_always_inline bool filter_incomplete(const struct fg_msg_filter *filter)
{
	return filter->by_symbol &&
	       (atomic_load_explicit(&filter->n_symbols_without_number, memory_order_relaxed) !=
			0 ||
		atomic_load_explicit(&filter->symbols->full, memory_order_relaxed));
}

/** Whether the subscription has an instrument number as such. Hot. */
static inline bool filter_lists(const struct fg_msg_filter *filter, uint64_t number)
{
	if (filter->shorts != NULL)
		return (short_numbers_bit(filter->shorts->listed, (uint16_t)number) & 1) != 0;
	return number == 0 || number_set_has(&filter->numbers, number);
}

/** The result for an instrument number. Hot. */
static inline enum match filter_number(const struct fg_msg_filter *filter, uint64_t number)
{
	uint32_t slot;

	if (filter->shorts != NULL) {
		const struct short_numbers *shorts = filter->shorts;

		if ((short_numbers_code(shorts, (uint16_t)number) & CODE_MATCHED) != 0)
			return MATCH_YES;
		return (short_numbers_bit(shorts->unmapped, (uint16_t)number) & 1) != 0 &&
				       filter_incomplete(filter)
			       ? MATCH_UNMAPPED
			       : MATCH_NO;
	}
	if (number == 0 || number_set_has(&filter->numbers, number))
		return MATCH_YES;
	if (!filter->by_symbol)
		return MATCH_NO;
	slot = number_set_find(&filter->symbols->numbers, number);
	if (slot == NUMBER_SET_NONE)
		return filter_incomplete(filter) ? MATCH_UNMAPPED : MATCH_NO;
	return (filter->slots_matched[slot / 64] >> slot % 64 & 1) != 0 ? MATCH_YES : MATCH_NO;
}

/** First slot of a type in the table. */
static __rte_always_inline uint32_t filter_type_hash(const struct fg_msg_filter *filter,
						     uint32_t type)
{
	return type * 0x9e3779b1u >> filter->types_shift;
}

/** What the filter does with messages of a type; never NULL. Hot. */
static __rte_always_inline const struct filter_type *filter_type(const struct fg_msg_filter *filter,
								 uint32_t type)
{
	const uint32_t mask = UINT32_MAX >> filter->types_shift;
	uint32_t i = filter_type_hash(filter, type);

	for (; filter->types[i].used; i = (i + 1) & mask)
		if (filter->types[i].type == type)
			return &filter->types[i];
	return &filter->other;
}

/** Whether a message of the type always teaches something, or its result depends on the order map.
 */
static inline bool filter_type_defers(const struct fg_msg_filter *filter,
				      const struct filter_type *type)
{
	const bool orders = filter->orders != NULL && filter->orders->ids != NULL;

	return (type->learn & LEARN_ALWAYS) != 0 ||
	       (orders && type->checks_instrument && !filter->any_instrument &&
		type->row->instrument == FG_INSTRUMENT_ORDER);
}

#endif /* SUBSCRIPTION_FILTER_H */
