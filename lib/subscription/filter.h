/* SPDX-License-Identifier: MIT */
/*
 * What the parts of fg_msg_filter.h share.
 *
 *   fg_msg_filter.c              creation: what each type of message is to the filter
 *   filter_instruments.c  instruments as people write them
 *   filter_symbols.c     what the directory told since
 *   filter_match.c        any protocol, message by message: the definition
 *   filter_hot.c          the hot protocols, whole packets at once; what looks odd there is left
 *                          to filter_match.c
 */
#ifndef SUBSCRIPTION_FILTER_H
#define SUBSCRIPTION_FILTER_H

#include <fg_msg_filter.h>

#include "fg_walk.h"
#include "known.h"

/* What a filter match of a message. */
enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_UNMAPPED,
};

/* What is learned of a type of message. */
#define LEARN_NAME 0x01u /* a number's symbol */
#define LEARN_ADD  0x02u /* an order's instrument */
#define LEARN_END  0x04u /* that an order is gone */

/* A type of message, as the filter sees it. */
struct action {
	uint32_t type;
	bool used;              /* false: an empty place in the table */
	bool matched;           /* the type is */
	bool checks_instrument; /* its instrument is asked for: it is matched, or match what the
				   next one's is */
	uint8_t learn;
	const struct fg_message_type *row;
};

/*
 * Of a number of two bytes, and of a type of a byte: what both have of these holds for a message,
 * one and-operation match it; see filter_hot.c.
 */
#define BITS_WANTED  0x01u /* the number; the type */
#define BITS_UNNAMED 0x02u /* the number has no symbol; as WANTED */
#define BITS_ODD     0x04u /* any number; the type needs another look */
/* Of a number only. */
#define BITS_LISTED 0x10u /* it was given as a number */

/* Where a template of SBE has its instruments; see filter_hot.c. */
enum hot_how {
	HOT_NO = 0,  /* not matched */
	HOT_YES = 1, /* matched, whatever is in it */
	HOT_ODD = 4, /* another look is needed */
	HOT_GROUP,   /* in the entries of its first group */
};

struct hot_type {
	uint8_t how; /* enum hot_how */
	uint8_t off; /* in the entry */
};

typedef void match_function(struct fg_msg_filter *filter, const uint8_t *payload,
			    const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out);

struct fg_msg_filter {
	match_function *match;
	struct fg_known *known;
	const struct fg_protocol *protocol;
	uint8_t *direct;    /* BITS_... of numbers, where all are of two bytes at most; else NULL */
	struct ids numbers; /* not direct: that were given as numbers */
	uint64_t
		*resolved; /* not direct: bit of a place in known->numbers: its symbol is matched */
	struct action *actions;
	struct action other;
	uint32_t actions_shift;
	uint32_t seen; /* entries of the directory */
	/* Wanted symbols without a number. Written by the worker, read by control. */
	_Atomic uint32_t n_unmapped_symbols;
	bool any_instrument;
	bool symbolic; /* some instruments are symbols, and numbers may come to have them */
	bool pass_unmapped;
	uint8_t type_bits[256];   /* BITS_... of types of a byte */
	uint8_t length_bits[256]; /* BITS_ODD: a message of so many bytes needs another look */
	struct hot_type hot_types[256];
	struct symbols symbols;
	uint32_t *holders; /* by place of a symbol: numbers that it has now */
	uint32_t n_types, n_instruments;
	uint64_t bytes;
};

/** Whether a number without a symbol may yet be given a matched one. Hot. */
static __rte_always_inline bool filter_open(const struct fg_msg_filter *filter)
{
	return filter->symbolic &&
	       (atomic_load_explicit(&filter->n_unmapped_symbols, memory_order_relaxed) != 0 ||
		atomic_load_explicit(&filter->known->full, memory_order_relaxed));
}

/** Where `direct` has a number: as it stands in packets of MoldUDP64, whatever the host's order. */
static __rte_always_inline uint32_t direct_place(uint32_t number)
{
	return rte_cpu_to_be_16((uint16_t)number);
}

static __rte_always_inline bool bit_of(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/** The same, of two bytes at most. Hot. */
static inline enum match filter_direct(const struct fg_msg_filter *filter, uint32_t number)
{
	const uint8_t bits = filter->direct[direct_place(number)];

	if ((bits & BITS_WANTED) != 0)
		return MATCH_YES;
	return (bits & BITS_UNNAMED) != 0 && filter_open(filter) ? MATCH_UNMAPPED : MATCH_NO;
}

/** What a number is to the filter. Hot. */
static inline enum match filter_number(const struct fg_msg_filter *filter, uint64_t number)
{
	uint32_t place;

	if (filter->direct != NULL)
		return filter_direct(filter, (uint16_t)number);
	if (number == 0 || ids_has(&filter->numbers, number))
		return MATCH_YES;
	if (!filter->symbolic)
		return MATCH_NO;
	place = ids_find(&filter->known->numbers, number);
	if (place == IDS_NONE)
		return filter_open(filter) ? MATCH_UNMAPPED : MATCH_NO;
	return bit_of(filter->resolved, place) ? MATCH_YES : MATCH_NO;
}

/** What a type is to the filter. Hot. */
static __rte_always_inline const struct action *filter_action(const struct fg_msg_filter *filter,
							      uint32_t type)
{
	const uint32_t mask = UINT32_MAX >> filter->actions_shift;
	uint32_t i = type * 0x9e3779b1u >> filter->actions_shift;

	for (; filter->actions[i].used; i = (i + 1) & mask)
		if (filter->actions[i].type == type)
			return &filter->actions[i];
	return &filter->other;
}

/** Read on in the directory. Hot, but seldom called. */
void filter_catch_up(struct fg_msg_filter *filter);

/** The definition: message by message. */
match_function filter_match;

/** Code for the filter's protocol, or NULL: it has none. Control. */
match_function *filter_hot(struct fg_msg_filter *filter);

/** Instruments of @p conf, taken into @p filter. @return 0 or -errno with @p error set. */
int filter_instruments(struct fg_msg_filter *filter, const struct fg_msg_filter_conf *conf,
		       struct fg_error *error);

/** Zeroed DPDK memory that counts as the filter's, or NULL. */
void *filter_alloc(struct fg_msg_filter *filter, size_t bytes, int socket_id);

#endif /* SUBSCRIPTION_FILTER_H */
