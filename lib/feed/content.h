/* SPDX-License-Identifier: MIT */
/*
 * What the parts of fg_content.h share.
 *
 *   content.c              creation: what each type of message is to the filter
 *   content_instruments.c  instruments as people write them
 *   content_catch_up.c     what the directory told since
 *   content_match.c        any framing, message by message: the definition
 *   content_hot.c          the hot framings, whole packets at once; what looks odd there is left
 *                          to content_match.c
 */
#ifndef FEED_CONTENT_H
#define FEED_CONTENT_H

#include <fg_content.h>

#include "fg_walk.h"
#include "known.h"

/* What a filter says of a message. */
enum verdict {
	VERDICT_NO,
	VERDICT_YES,
	VERDICT_UNDECIDED,
};

/* What is learned of a type of message. */
#define LEARN_NAME 0x01u /* a number's symbol */
#define LEARN_ADD  0x02u /* an order's instrument */
#define LEARN_END  0x04u /* that an order is gone */

/* A type of message, as the filter sees it. */
struct action {
	uint32_t type;
	bool used;   /* false: an empty place in the table */
	bool wanted; /* the type is */
	bool judged; /* its instrument is asked for: it is wanted, or says what the next one's is */
	uint8_t learn;
	const struct fg_message_type *row;
};

/*
 * Of a number of two bytes, and of a type of a byte: what both have of these holds for a message,
 * one and-operation says it; see content_hot.c.
 */
#define BITS_WANTED  0x01u /* the number; the type */
#define BITS_UNNAMED 0x02u /* the number has no symbol; as WANTED */
#define BITS_ODD     0x04u /* any number; the type needs another look */
/* Of a number only. */
#define BITS_LISTED 0x10u /* it was given as a number */

/* Where a template of SBE has its instruments; see content_hot.c. */
enum hot_how {
	HOT_NO = 0,  /* not wanted */
	HOT_YES = 1, /* wanted, whatever is in it */
	HOT_ODD = 4, /* another look is needed */
	HOT_GROUP,   /* in the entries of its first group */
};

struct hot_type {
	uint8_t how; /* enum hot_how */
	uint8_t off; /* in the entry */
};

typedef void match_function(struct fg_content *content, const uint8_t *payload,
			    const struct fg_feed_packet *pkt, struct fg_content_result *out);

struct fg_content {
	match_function *match;
	struct fg_known *known;
	const struct fg_framing *framing;
	uint8_t *direct;    /* BITS_... of numbers, where all are of two bytes at most; else NULL */
	struct ids numbers; /* not direct: that were given as numbers */
	uint64_t *resolved; /* not direct: bit of a place in known->numbers: its symbol is wanted */
	struct action *actions;
	struct action other;
	uint32_t actions_shift;
	uint32_t seen; /* entries of the directory */
	/* Wanted symbols without a number. Written by the worker, read by control. */
	_Atomic uint32_t n_unresolved;
	bool any_instrument;
	bool symbolic; /* some instruments are symbols, and numbers may come to have them */
	bool pass_undecided;
	uint8_t type_bits[256];   /* BITS_... of types of a byte */
	uint8_t length_bits[256]; /* BITS_ODD: a message of so many bytes needs another look */
	struct hot_type hot_types[256];
	struct symbols symbols;
	uint32_t *holders; /* by place of a symbol: numbers that it has now */
	uint32_t n_types, n_instruments;
	uint64_t bytes;
};

/** Whether a number without a symbol may yet be given a wanted one. Hot. */
static __rte_always_inline bool content_open(const struct fg_content *content)
{
	return content->symbolic &&
	       (atomic_load_explicit(&content->n_unresolved, memory_order_relaxed) != 0 ||
		atomic_load_explicit(&content->known->full, memory_order_relaxed));
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
static inline enum verdict content_direct(const struct fg_content *content, uint32_t number)
{
	const uint8_t bits = content->direct[direct_place(number)];

	if ((bits & BITS_WANTED) != 0)
		return VERDICT_YES;
	return (bits & BITS_UNNAMED) != 0 && content_open(content) ? VERDICT_UNDECIDED : VERDICT_NO;
}

/** What a number is to the filter. Hot. */
static inline enum verdict content_number(const struct fg_content *content, uint64_t number)
{
	uint32_t place;

	if (content->direct != NULL)
		return content_direct(content, (uint16_t)number);
	if (number == 0 || ids_has(&content->numbers, number))
		return VERDICT_YES;
	if (!content->symbolic)
		return VERDICT_NO;
	place = ids_find(&content->known->numbers, number);
	if (place == IDS_NONE)
		return content_open(content) ? VERDICT_UNDECIDED : VERDICT_NO;
	return bit_of(content->resolved, place) ? VERDICT_YES : VERDICT_NO;
}

/** What a type is to the filter. Hot. */
static __rte_always_inline const struct action *content_action(const struct fg_content *content,
							       uint32_t type)
{
	const uint32_t mask = UINT32_MAX >> content->actions_shift;
	uint32_t i = type * 0x9e3779b1u >> content->actions_shift;

	for (; content->actions[i].used; i = (i + 1) & mask)
		if (content->actions[i].type == type)
			return &content->actions[i];
	return &content->other;
}

/** Read on in the directory. Hot, but seldom called. */
void content_catch_up(struct fg_content *content);

/** The definition: message by message. */
match_function content_match;

/** Code for the filter's framing, or NULL: it has none. Control. */
match_function *content_hot(struct fg_content *content);

/** Instruments of @p conf, taken into @p content. @return 0 or -errno with @p error set. */
int content_instruments(struct fg_content *content, const struct fg_content_conf *conf,
			struct fg_error *error);

/** Zeroed DPDK memory that counts as the filter's, or NULL. */
void *content_memory(struct fg_content *content, size_t bytes, int socket_id);

#endif /* FEED_CONTENT_H */
