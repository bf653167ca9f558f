/* SPDX-License-Identifier: MIT */
/* The burst functions of all protocols, and the choice of a filter's. */
#include "filter_flat.h"

#include <errno.h>

#include "filter_itch.h"
#include "flat_match.h"
#include "tables.h"

#define SLOTS_MAX   4096u
#define FACTORS     64u
#define SLOTS_SMALL 256u

static void match_any(const struct fg_msg_filter_job *jobs, unsigned int n, unsigned int available)
{
	for (unsigned int i = 0; i < n; i++) {
		prefetch_ahead(jobs, i, available);
		flat_fall_back(&jobs[i]);
	}
}

/*
 * X(protocol, naming, by_symbol): what is compiled. Every protocol has the first two of its rows;
 * the third is that of how its messages name instruments, and the fourth the same with symbols
 * that numbers have.
 */
#define PLAIN(X, name)           X(name, FLAT_EVERYTHING, false) X(name, FLAT_TYPES, false)
#define NUMBERS(X, name, naming) PLAIN(X, name) X(name, naming, false) X(name, naming, true)
#define FUNCTIONS(X)                                                                               \
	PLAIN(X, moldudp64)                                                                        \
	NUMBERS(X, itch50, FLAT_NUMBER2)                                                           \
	NUMBERS(X, cme_mdp3, FLAT_GROUP4)                                                          \
	PLAIN(X, iex_tp)                                                                           \
	X(iex_tp, FLAT_TEXT, false)                                                                \
	NUMBERS(X, nyse_pillar, FLAT_NUMBER4)                                                      \
	PLAIN(X, cboe_pitch)                                                                       \
	X(cboe_pitch, FLAT_TEXT, false)                                                            \
	NUMBERS(X, eurex_eobi, FLAT_NUMBER8)                                                       \
	PLAIN(X, opra)                                                                             \
	X(opra, FLAT_TEXT, false)                                                                  \
	PLAIN(X, cta)                                                                              \
	X(cta, FLAT_TEXT_WIDE, false)                                                              \
	NUMBERS(X, ice_impact, FLAT_NUMBER4)                                                       \
	NUMBERS(X, miax_mach, FLAT_NUMBER4)                                                        \
	NUMBERS(X, memx_memoir, FLAT_NUMBER2)                                                      \
	NUMBERS(X, b3_umdf, FLAT_NUMBER8) NUMBERS(X, deribit, FLAT_NUMBER4)

#define X(name, naming, by_symbol)                                                                 \
	static void burst_##name##_##naming##_##by_symbol(const struct fg_msg_filter_job *jobs,    \
							  unsigned int n, unsigned int available)  \
	{                                                                                          \
		for (unsigned int i = 0; i < n; i++) {                                             \
			prefetch_ahead(jobs, i, available);                                        \
			flat_packet((struct flat_code){&protocol_##name, naming, by_symbol},       \
				    &jobs[i]);                                                     \
		}                                                                                  \
	}
FUNCTIONS(X)
#undef X

static const struct function {
	uint8_t compiled, naming;
	bool by_symbol;
	burst_function *burst;
} functions[] = {
#define X(name, naming, by_symbol)                                                                 \
	{FG_COMPILED_##name, naming, by_symbol, burst_##name##_##naming##_##by_symbol},
	FUNCTIONS(X)
#undef X
};

static burst_function *function_for(const struct fg_msg_filter *filter, enum flat_naming naming)
{
	for (size_t i = 0; i < RTE_DIM(functions); i++)
		if (functions[i].compiled == filter->protocol->compiled &&
		    functions[i].naming == naming &&
		    functions[i].by_symbol == (filter->by_symbol && naming != FLAT_EVERYTHING &&
					       naming != FLAT_TYPES))
			return functions[i].burst;
	return NULL;
}

/* How the protocol's messages name instruments, as far as there is a function for it. */
static enum flat_naming naming_of(const struct fg_msg_filter *filter)
{
	for (size_t i = 0; i < RTE_DIM(functions); i++)
		if (functions[i].compiled == filter->protocol->compiled &&
		    functions[i].naming > FLAT_TYPES)
			return (enum flat_naming)functions[i].naming;
	return FLAT_TYPES;
}

static uint32_t number_bytes(enum flat_naming naming)
{
	return naming == FLAT_NUMBER2 ? 2 : naming == FLAT_NUMBER8 ? 8 : 4;
}

/* Whether the sets of the filter are those that code of this naming looks into. */
static bool sets_fit(const struct fg_msg_filter *filter, enum flat_naming naming)
{
	switch (naming) {
	case FLAT_NUMBER2:
		return filter->shorts != NULL;
	case FLAT_TEXT:
		return !filter->symbol_set.wide;
	case FLAT_TEXT_WIDE:
		return filter->symbol_set.wide;
	case FLAT_NUMBER4:
	case FLAT_NUMBER8:
	case FLAT_GROUP4:
		return filter->shorts == NULL && filter->numbers.bytes == number_bytes(naming);
	default:
		return true;
	}
}

/* Whether messages without a length of their own are long enough for @bytes. */
static bool is_long_enough(const struct fg_protocol *protocol, uint32_t type, uint32_t bytes)
{
	if (protocol->walk.kind != FG_WALK_TYPE && protocol->walk.kind != FG_WALK_OPRA)
		return true;
	return type <= UINT8_MAX && protocol->messages->lengths[type] >= bytes;
}

/* Where a row's instrument is, in the terms of the naming. @return false: not in these terms. */
static bool place_instrument(const struct fg_msg_filter *filter, enum flat_naming naming,
			     const struct fg_message_type *row, struct flat_type *out)
{
	const bool text = naming == FLAT_TEXT || naming == FLAT_TEXT_WIDE;
	const uint32_t room = !text ? row->id.bytes : naming == FLAT_TEXT ? 8 : 16;
	const uint32_t off = (row->group == 0 ? filter->protocol->walk.body : 0u) + row->id.off;

	const bool null = row->null_value != 0;

	if (off > UINT8_MAX || !sets_fit(filter, naming) ||
	    !is_long_enough(filter->protocol, row->type, off + room))
		return false;
	if (null && (naming != FLAT_GROUP4 || row->group != 0 || row->null_value != INT32_MAX))
		return false;
	out->off = (uint8_t)off;
	out->need = (uint16_t)(off + room);
	if (text) {
		out->shift = (uint8_t)(8 * (room - row->id.bytes));
		return row->instrument == FG_INSTRUMENT_TEXT && row->group == 0 &&
		       row->id.bytes <= room;
	}
	out->special = row->group == 1 ? FLAT_IN_GROUP : null ? FLAT_NULL : 0;
	return row->instrument == FG_INSTRUMENT_NUMBER && row->id.bytes == number_bytes(naming) &&
	       row->group <= (naming == FLAT_GROUP4 ? 1 : 0);
}

/* A type whose instrument is not looked at: flat_nothing stands for it, which is of all. */
static struct flat_type make_plain(const struct filter_type *from, bool matched, uint8_t special)
{
	return (struct flat_type){.type = (uint16_t)from->type,
				  .need = UINT16_MAX,
				  .mask = matched ? FLAT_MATCHED : 0,
				  .special = special};
}

static struct flat_type make_type(const struct fg_msg_filter *filter, enum flat_naming naming,
				  const struct filter_type *from)
{
	const struct fg_message_type *row = from->row;
	struct flat_type type = make_plain(from, false, 0);

	if (filter_type_defers(filter, from)) {
		type.special = FLAT_DEFER;
		/* flat_prefetch_order() reads the order. */
		if (row->order.bytes == 8 && naming != FLAT_TEXT_WIDE &&
		    filter->protocol->walk.body + row->order.off <= UINT8_MAX) {
			type.off = (uint8_t)(filter->protocol->walk.body + row->order.off);
			type.need = (uint16_t)(type.off + 8);
		}
		return type;
	}
	if (from->learn != 0)
		return make_plain(from, false, FLAT_FALLBACK);
	if (filter->any_instrument || row->instrument == FG_INSTRUMENT_NONE)
		return make_plain(from, from->matched, 0);
	if (place_instrument(filter, naming, row, &type)) {
		type.mask = from->matched ? UINT8_MAX : 0;
		return type;
	}
	if (!from->matched && !from->checks_instrument)
		return make_plain(from, false, 0);
	/* Without an order map, the instrument of an order is unmapped. */
	if (row->instrument == FG_INSTRUMENT_ORDER)
		return make_plain(from, false, from->matched ? FLAT_UNMAPPED : 0);
	return make_plain(from, false, FLAT_FALLBACK);
}

/* The hash table of types of two bytes and more, where each type has a slot of its own. */
static bool fill_slots(struct fg_msg_filter *filter, enum flat_naming naming, uint32_t slots,
		       uint32_t factor)
{
	const uint32_t mask = UINT32_MAX >> filter->types_shift;
	bool used[SLOTS_MAX];

	filter->flat_factor = factor;
	filter->flat_shift = 32 - rte_log2_u32(slots);
	memset(used, 0, sizeof(used));
	for (uint32_t i = 0; i < slots; i++)
		filter->flat[i] = filter->flat_other;
	for (uint32_t i = 0; i <= mask; i++) {
		const struct filter_type *from = &filter->types[i];
		uint32_t slot;

		if (!from->used)
			continue;
		slot = from->type * factor >> filter->flat_shift;
		if (used[slot] || from->type > UINT16_MAX)
			return false;
		used[slot] = true;
		filter->flat[slot] = make_type(filter, naming, from);
	}
	return true;
}

/* @return 0; -ENOMEM; -ENOSPC: too many types. */
static int build_slots(struct fg_msg_filter *filter, enum flat_naming naming, int socket_id)
{
	uint32_t factor = 0x9e3779b1u;

	filter->flat = filter_alloc(filter, SLOTS_MAX * sizeof(*filter->flat), socket_id);
	if (filter->flat == NULL)
		return -ENOMEM;
	for (uint32_t slots = SLOTS_SMALL; slots <= SLOTS_MAX; slots *= 2)
		for (uint32_t i = 0; i < FACTORS; i++, factor = factor * 2654435769u + 2)
			if (fill_slots(filter, naming, slots, factor | 1))
				return 0;
	return -ENOSPC;
}

static int build_types(struct fg_msg_filter *filter, enum flat_naming naming, int socket_id)
{
	filter->flat_other = make_type(filter, naming, &filter->other);
	if (filter->protocol->walk.type.bytes != 1)
		return build_slots(filter, naming, socket_id);
	filter->flat = filter_alloc(filter, SLOTS_SMALL * sizeof(*filter->flat), socket_id);
	if (filter->flat == NULL)
		return -ENOMEM;
	for (uint32_t type = 0; type < SLOTS_SMALL; type++)
		filter->flat[type] = make_type(filter, naming, filter_type(filter, type));
	return 0;
}

/* Whether no message needs a look at all. */
static bool matches_everything(const struct fg_msg_filter *filter)
{
	bool everything =
		filter->any_instrument && filter->n_types == 0 && filter->other.learn == 0;

	for (uint32_t i = 0; i <= UINT32_MAX >> filter->types_shift; i++)
		everything &= filter->types[i].learn == 0;
	return everything;
}

/* Whether the lengths that follow from types are those of the protocol itself. */
static bool lengths_fit(const struct fg_protocol *protocol)
{
	const uint8_t kind = protocol->walk.kind;

	return (kind != FG_WALK_TYPE && kind != FG_WALK_OPRA) ||
	       protocol->messages->lengths ==
		       fg_protocols[protocol->compiled - 1]->messages->lengths;
}

int filter_flat_build(struct fg_msg_filter *filter, int socket_id)
{
	enum flat_naming naming = filter->any_instrument ? FLAT_TYPES : naming_of(filter);
	burst_function *burst = NULL;
	int rc;

	filter->burst = match_any;
	if (filter->protocol->compiled == FG_COMPILED_NONE || !lengths_fit(filter->protocol))
		return 0;
	if (matches_everything(filter))
		naming = FLAT_EVERYTHING;
	burst = function_for(filter, naming);
	if (burst == NULL || naming == FLAT_EVERYTHING) {
		filter->burst = burst != NULL ? burst : match_any;
		return 0;
	}
	rc = build_types(filter, naming, socket_id);
	if (rc == 0)
		filter->burst = filter_itch_build(filter) ? filter_itch_burst : burst;
	return rc == -ENOSPC ? 0 : rc;
}
