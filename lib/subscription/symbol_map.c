/* SPDX-License-Identifier: MIT */
/* The symbol map: the log, which filters read, and the index, which only the worker reads. */
#include "symbol_map.h"

#include <errno.h>

#include <rte_malloc.h>

#define SYMBOLS_MAX     (4u << 20)
#define SYMBOLS_DEFAULT 65536u
#define RUN             8u /* lines of the index: no feed can make lookups longer */

#define X(name, help) {#name, help},
static const struct {
	const char *name, *help;
} counter_rows[] = {FG_SYMBOLS_COUNTERS(X)};
#undef X

const char *fg_symbols_counter_name(enum fg_symbols_counter counter)
{
	return counter_rows[counter].name;
}

const char *fg_symbols_counter_help(enum fg_symbols_counter counter)
{
	return counter_rows[counter].help;
}

void fg_symbols_counters(const struct fg_symbols *symbols, uint64_t *out)
{
	for (unsigned int i = 0; i < FG_SYMBOLS_COUNTER_COUNT; i++)
		out[i] = fg_counter_read(&symbols->counters[i]);
}

static bool is_wide(const struct fg_message_type *row)
{
	return row->instrument == FG_INSTRUMENT_NUMBER && row->id.bytes > 2;
}

static void read_messages(const struct fg_messages *messages, bool *maps_symbol, bool *wide)
{
	*maps_symbol = messages->other.maps_symbol;
	*wide = is_wide(&messages->other);
	for (uint32_t i = 0; i < messages->count; i++) {
		*maps_symbol |= messages->types[i].maps_symbol;
		*wide |= is_wide(&messages->types[i]);
	}
}

__rte_cold static int allocate(struct fg_symbols *symbols, int socket_id)
{
	if (symbols->capacity == 0)
		return 0;
	if (!symbols->direct &&
	    number_set_create(&symbols->numbers, 8, symbols->capacity, RUN, socket_id) != 0)
		return -ENOMEM;
	symbols->log = rte_zmalloc_socket(NULL, sizeof(*symbols->log) * symbols->capacity,
					  RTE_CACHE_LINE_SIZE, socket_id);
	symbols->last = rte_zmalloc_socket(NULL, sizeof(*symbols->last) * symbol_map_slots(symbols),
					   RTE_CACHE_LINE_SIZE, socket_id);
	return symbols->log == NULL || symbols->last == NULL ? -ENOMEM : 0;
}

int fg_symbols_create(const struct fg_symbols_conf *conf, struct fg_symbols **out,
		      struct fg_error *error)
{
	struct fg_symbols *symbols;
	bool maps_symbol, wide;

	if (conf->symbols_max > SYMBOLS_MAX)
		return fg_error_set(error, EINVAL, "symbols_max: %u is not a number from 0 to %u",
				    conf->symbols_max, SYMBOLS_MAX);
	read_messages(conf->protocol->messages, &maps_symbol, &wide);
	symbols = rte_zmalloc_socket(NULL, sizeof(*symbols), RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (symbols != NULL) {
		symbols->protocol = conf->protocol;
		symbols->direct = !wide;
		symbols->capacity = conf->symbols_max;
		if (conf->symbols_max == 0 && maps_symbol)
			symbols->capacity = SYMBOLS_DEFAULT;
	}
	if (symbols == NULL || allocate(symbols, conf->socket_id) != 0) {
		fg_symbols_free(symbols);
		return fg_error_set(error, ENOMEM,
				    "no DPDK memory for a symbol map: lower symbols_max, or give "
				    "EAL more memory");
	}
	*out = symbols;
	return 0;
}

void fg_symbols_free(struct fg_symbols *symbols)
{
	if (symbols == NULL)
		return;
	number_set_free(&symbols->numbers);
	rte_free(symbols->last);
	rte_free(symbols->log);
	rte_free(symbols);
}

uint32_t symbol_map_slots(const struct fg_symbols *symbols)
{
	if (symbols->capacity == 0)
		return 0;
	return symbols->direct ? SHORT_NUMBERS : number_set_slots(&symbols->numbers);
}

/* The slot of a number that has a symbol, or NUMBER_SET_NONE. */
static uint32_t slot_of(const struct fg_symbols *symbols, uint64_t number)
{
	if (!symbols->direct)
		return number_set_find(&symbols->numbers, number);
	return number < SHORT_NUMBERS && symbols->last[number] != 0 ? (uint32_t)number
								    : NUMBER_SET_NONE;
}

static bool no_room(struct fg_symbols *symbols)
{
	atomic_store_explicit(&symbols->full, true, memory_order_relaxed);
	fg_counter_add(&symbols->counters[FG_SYMBOLS_symbols_full], 1);
	return false;
}

bool symbol_map_add(struct fg_symbols *symbols, uint64_t number, const struct symbol *symbol)
{
	const uint32_t count = atomic_load_explicit(&symbols->count, memory_order_relaxed);
	uint32_t slot = slot_of(symbols, number);
	const uint32_t previous = slot == NUMBER_SET_NONE ? 0 : symbols->last[slot];
	struct symbol_entry *entry = &symbols->log[count];

	if (previous != 0 &&
	    memcmp(&symbols->log[previous - 1].symbol, symbol, sizeof(*symbol)) == 0)
		return true;
	if (count == symbols->capacity)
		return no_room(symbols);
	if (slot == NUMBER_SET_NONE)
		slot = symbols->direct ? (uint32_t)number
				       : number_set_add(&symbols->numbers, number);
	if (slot == NUMBER_SET_NONE)
		return no_room(symbols);
	entry->number = number;
	entry->slot = slot;
	entry->previous = previous;
	entry->symbol = *symbol;
	symbols->last[slot] = count + 1;
	/* Partner: the acquire of filter_catch_up(). */
	atomic_store_explicit(&symbols->count, count + 1, memory_order_release);
	fg_counter_add(
		&symbols->counters[previous == 0 ? FG_SYMBOLS_symbols : FG_SYMBOLS_symbols_changed],
		1);
	return true;
}
