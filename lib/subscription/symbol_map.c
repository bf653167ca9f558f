/* SPDX-License-Identifier: MIT */
/* The symbol map: entries and changes, which filters read, and an index, which the worker reads. */
#include "symbol_map.h"

#include <errno.h>

#include <rte_malloc.h>

#define SYMBOLS_MAX     (4u << 20)
#define SYMBOLS_DEFAULT 65536u
#define RUN             8u    /* lines of the index: no feed can make lookups longer */
#define RING            2048u /* changes that filters can follow one by one */
#define CLEAN_LINES     64u   /* of the spare index, cleaned with each number that is added */
#define CONFIRM_FIRST   2u    /* packets in a row that begin another session than the file's */
#define CONFIRM_ALONE   16u   /* the same, where no arbiter confirms it */
#define VISITS          16u   /* attempts to see the map unchanged */
#define READS           1000u /* attempts to read an entry that is being written */

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
	const uint32_t ring = RTE_MIN(RING, rte_align32pow2(symbols->capacity));

	if (symbols->capacity == 0)
		return 0;
	if (!symbols->direct &&
	    (number_set_create(&symbols->numbers, 8, symbols->capacity, RUN, socket_id) != 0 ||
	     number_set_create(&symbols->spare, 8, symbols->capacity, RUN, socket_id) != 0))
		return -ENOMEM;
	symbols->slots = symbols->direct ? SHORT_NUMBERS : number_set_slots(&symbols->numbers);
	symbols->ring_mask = ring - 1;
	symbols->entries = rte_zmalloc_socket(NULL, sizeof(*symbols->entries) * symbols->capacity,
					      RTE_CACHE_LINE_SIZE, socket_id);
	symbols->ring = rte_zmalloc_socket(NULL, sizeof(*symbols->ring) * ring, RTE_CACHE_LINE_SIZE,
					   socket_id);
	symbols->entry_of = rte_zmalloc_socket(NULL, sizeof(*symbols->entry_of) * symbols->slots,
					       RTE_CACHE_LINE_SIZE, socket_id);
	return symbols->entries == NULL || symbols->ring == NULL || symbols->entry_of == NULL
		       ? -ENOMEM
		       : 0;
}

int fg_symbols_create(const struct fg_symbols_conf *conf, struct fg_symbols **out,
		      struct fg_error *error)
{
	struct fg_symbols *symbols;
	bool maps_symbol, wide;

	if (conf->symbols_max > SYMBOLS_MAX)
		return fg_error_set(error, EINVAL, "symbols: max: %u is not a number from 0 to %u",
				    conf->symbols_max, SYMBOLS_MAX);
	read_messages(conf->protocol->messages, &maps_symbol, &wide);
	symbols = rte_zmalloc_socket(NULL, sizeof(*symbols), RTE_CACHE_LINE_SIZE, conf->socket_id);
	if (symbols != NULL) {
		/* No packet is of this session: the first one begins its own. */
		memset(&symbols->head.session, 0xff, sizeof(symbols->head.session));
		symbols->protocol = conf->protocol;
		symbols->direct = !wide;
		symbols->capacity = conf->symbols_max;
		if (conf->symbols_max == 0 && maps_symbol)
			symbols->capacity = SYMBOLS_DEFAULT;
	}
	if (symbols == NULL || allocate(symbols, conf->socket_id) != 0) {
		fg_symbols_free(symbols);
		return fg_error_set(error, ENOMEM,
				    "no DPDK memory for a symbol map: lower max of symbols, or "
				    "give EAL more memory");
	}
	*out = symbols;
	return 0;
}

void fg_symbols_free(struct fg_symbols *symbols)
{
	if (symbols == NULL)
		return;
	number_set_free(&symbols->numbers);
	number_set_free(&symbols->spare);
	rte_free(symbols->entries);
	rte_free(symbols->ring);
	rte_free(symbols->entry_of);
	rte_free(symbols);
}

uint64_t fg_symbols_version(const struct fg_symbols *symbols)
{
	return atomic_load_explicit(&symbols->changes, memory_order_acquire);
}

/* The slot of a number that has a symbol, or NUMBER_SET_NONE. */
static inline uint32_t slot_of(const struct fg_symbols *symbols, uint64_t number)
{
	uint32_t at;

	if (!symbols->direct)
		return number_set_find(&symbols->numbers, number);
	at = number < SHORT_NUMBERS ? symbols->entry_of[number] : 0;
	/* The index may be that of a former session. */
	return at != 0 && at <= atomic_load_explicit(&symbols->count, memory_order_relaxed) &&
			       atomic_load_explicit(&symbols->entries[at - 1].number,
						    memory_order_relaxed) == number
		       ? (uint32_t)number
		       : NUMBER_SET_NONE;
}

bool symbol_map_has(const struct fg_symbols *symbols, uint64_t number)
{
	return symbols->capacity != 0 && slot_of(symbols, number) != NUMBER_SET_NONE;
}

static bool no_room(struct fg_symbols *symbols)
{
	atomic_store_explicit(&symbols->full, true, memory_order_relaxed);
	fg_counter_add(&symbols->counters[FG_SYMBOLS_symbols_full], 1);
	return false;
}

/* Clean lines of the spare index, from the last one that needs it. */
static void clean_spare(struct fg_symbols *symbols, uint32_t lines)
{
	lines = RTE_MIN(lines, symbols->spare_clean);
	symbols->spare_clean -= lines;
	memset(symbols->spare.lines + (size_t)symbols->spare_clean * NUMBER_LINE_BYTES, 0,
	       (size_t)lines * NUMBER_LINE_BYTES);
}

/* A new entry for a number, without its symbol. @return its index plus 1; 0: no room. */
static uint32_t add_entry(struct fg_symbols *symbols, uint64_t number)
{
	const uint32_t count = atomic_load_explicit(&symbols->count, memory_order_relaxed);
	uint32_t slot = (uint32_t)number;

	if (count == symbols->capacity || (symbols->direct && number >= SHORT_NUMBERS))
		return 0;
	if (!symbols->direct) {
		clean_spare(symbols, CLEAN_LINES);
		slot = number_set_add(&symbols->numbers, number);
	}
	if (slot == NUMBER_SET_NONE)
		return 0;
	symbols->entry_of[slot] = count + 1;
	atomic_store_explicit(&symbols->entries[count].change, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&symbols->entries[count].number, number, memory_order_relaxed);
	atomic_store_explicit(&symbols->entries[count].slot, slot, memory_order_relaxed);
	return count + 1;
}

/* Partner: take_change(). */
static void write_change(struct fg_symbols *symbols, uint64_t change, uint64_t previous,
			 const struct symbol_entry *entry, const struct symbol *symbol)
{
	struct symbol_change *to = &symbols->ring[change & symbols->ring_mask];
	const struct symbol from = shared_symbol_get(&entry->symbol);

	atomic_store_explicit(&to->change, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&to->previous, previous, memory_order_relaxed);
	atomic_store_explicit(&to->slot, atomic_load_explicit(&entry->slot, memory_order_relaxed),
			      memory_order_relaxed);
	shared_symbol_set(&to->from, &from);
	shared_symbol_set(&to->to, symbol);
	atomic_store_explicit(&to->change, change, memory_order_release);
}

bool symbol_map_add(struct fg_symbols *symbols, uint64_t number, const struct symbol *symbol)
{
	const uint64_t change = atomic_load_explicit(&symbols->changes, memory_order_relaxed) + 1;
	uint32_t slot, index;
	struct symbol_entry *entry;
	uint64_t previous = 0;

	if (symbols->capacity == 0)
		return no_room(symbols);
	slot = slot_of(symbols, number);
	index = slot != NUMBER_SET_NONE ? symbols->entry_of[slot] : add_entry(symbols, number);
	if (index == 0)
		return no_room(symbols);
	entry = &symbols->entries[index - 1];
	if (slot != NUMBER_SET_NONE) {
		const struct symbol last = shared_symbol_get(&entry->symbol);

		if (memcmp(&last, symbol, sizeof(last)) == 0)
			return true;
		previous = atomic_load_explicit(&entry->change, memory_order_relaxed);
	}
	write_change(symbols, change, previous, entry, symbol);
	/* Partner: take_entry(). */
	atomic_store_explicit(&entry->change, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	shared_symbol_set(&entry->symbol, symbol);
	atomic_store_explicit(&entry->change, change, memory_order_release);
	if (previous == 0)
		atomic_store_explicit(&symbols->count, index, memory_order_release);
	/* Partners: filter_catch_up() and symbol_map_visit(). */
	atomic_store_explicit(&symbols->changes, change, memory_order_release);
	fg_counter_add(
		&symbols->counters[previous == 0 ? FG_SYMBOLS_symbols : FG_SYMBOLS_symbols_changed],
		1);
	return true;
}

void fg_symbols_clear(struct fg_symbols *symbols)
{
	const uint64_t change = atomic_load_explicit(&symbols->changes, memory_order_relaxed) + 1;
	const struct number_set used = symbols->numbers;

	if (atomic_load_explicit(&symbols->count, memory_order_relaxed) == 0)
		return;
	/* Entries are written anew after this: symbol_map_visit() then sees it. */
	atomic_store_explicit(&symbols->cleared, change, memory_order_release);
	atomic_store_explicit(&symbols->count, 0, memory_order_release);
	atomic_store_explicit(&symbols->full, false, memory_order_relaxed);
	if (!symbols->direct) {
		clean_spare(symbols, symbols->spare_clean);
		symbols->numbers = symbols->spare;
		symbols->spare = used;
		symbols->spare.count = 0;
		symbols->spare_clean = used.mask + 1;
	}
	atomic_store_explicit(&symbols->changes, change, memory_order_release);
	fg_counter_set(&symbols->counters[FG_SYMBOLS_symbols], 0);
	fg_counter_add(&symbols->counters[FG_SYMBOLS_symbols_cleared], 1);
}

bool fg_symbols_reset(struct fg_symbols *symbols, const struct fg_feed_packet *pkt)
{
	if (pkt->kind == FG_FEED_RESET && symbols->protocol->messages->keeps_numbers)
		return false;
	fg_symbols_clear(symbols);
	return true;
}

/* Packets in a row of the session of @pkt, which is not the map's. */
static uint32_t count_in_a_row(struct fg_symbols *symbols, const struct fg_feed_packet *pkt,
			       uint64_t n_packets)
{
	const bool next = n_packets == symbols->pending_packet + 1;

	symbols->pending_packet = n_packets;
	if (!next || memcmp(symbols->pending_session, pkt->session, FG_SESSION_BYTES) != 0) {
		memcpy(symbols->pending_session, pkt->session, FG_SESSION_BYTES);
		symbols->pending_count = 0;
	}
	return ++symbols->pending_count;
}

static void begin_session(struct fg_symbols *symbols, const struct fg_feed_packet *pkt)
{
	uint64_t words[FG_SESSION_BYTES / 8];

	memcpy(words, pkt->session, sizeof(words));
	/* Partner: fg_symbols_save(). */
	atomic_store_explicit(&symbols->head.has_session, false, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (unsigned int i = 0; i < RTE_DIM(words); i++)
		atomic_store_explicit(&symbols->head.session[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&symbols->head.has_session, true, memory_order_release);
	symbols->pending_count = 0;
}

/* The first session: whether it begins with this packet. */
static bool begins_first(struct fg_symbols *symbols, const struct fg_feed_packet *pkt,
			 enum fg_symbols_evidence evidence)
{
	if (!symbols->has_file_session)
		return true;
	if (memcmp(symbols->file_session, pkt->session, FG_SESSION_BYTES) == 0)
		return true;
	/* A packet of the file's session would have begun it: nothing comes between these. */
	if (evidence != FG_SYMBOLS_SESSION_NEW &&
	    count_in_a_row(symbols, pkt, symbols->pending_packet + 1) < CONFIRM_FIRST)
		return false;
	fg_symbols_clear(symbols);
	return true;
}

bool fg_symbols_session(struct fg_symbols *symbols, const struct fg_feed_packet *pkt,
			uint64_t n_packets, enum fg_symbols_evidence evidence)
{
	if (!atomic_load_explicit(&symbols->head.has_session, memory_order_relaxed)) {
		if (!begins_first(symbols, pkt, evidence))
			return false;
		begin_session(symbols, pkt);
		return true;
	}
	if (fg_symbols_same_session(symbols, pkt))
		return true;
	if (evidence == FG_SYMBOLS_SESSION_OTHER ||
	    (evidence == FG_SYMBOLS_SESSION_UNKNOWN &&
	     count_in_a_row(symbols, pkt, n_packets) < CONFIRM_ALONE))
		return false;
	fg_symbols_clear(symbols);
	begin_session(symbols, pkt);
	return true;
}

/* Read an entry. @return its last change; 0: it cannot be read now. Partner: symbol_map_add(). */
static uint64_t take_entry(const struct symbol_entry *entry, struct symbol_seen *seen)
{
	for (unsigned int i = 0; i < READS; i++) {
		const uint64_t change = atomic_load_explicit(&entry->change, memory_order_acquire);

		seen->number = atomic_load_explicit(&entry->number, memory_order_relaxed);
		seen->slot = atomic_load_explicit(&entry->slot, memory_order_relaxed);
		seen->symbol = shared_symbol_get(&entry->symbol);
		atomic_thread_fence(memory_order_acquire);
		if (change != 0 &&
		    atomic_load_explicit(&entry->change, memory_order_relaxed) == change)
			return change;
	}
	return 0;
}

/* Read a change: the symbol before it. @return false: it is no longer in the ring. */
static bool take_change(const struct fg_symbols *symbols, uint64_t change, uint64_t *previous,
			struct symbol *from)
{
	const struct symbol_change *at = &symbols->ring[change & symbols->ring_mask];

	if (atomic_load_explicit(&at->change, memory_order_acquire) != change)
		return false;
	*previous = atomic_load_explicit(&at->previous, memory_order_relaxed);
	*from = shared_symbol_get(&at->from);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&at->change, memory_order_relaxed) == change;
}

/*
 * An entry as it was at a moment. @return 1; 0: it was not valid then; -EAGAIN: that is not known
 * any more.
 */
static int see_entry(const struct fg_symbols *symbols, uint32_t index,
		     const struct symbol_moment *moment, struct symbol_seen *seen)
{
	uint64_t change = take_entry(&symbols->entries[index], seen);

	if (change == 0)
		return -EAGAIN;
	while (change > moment->change)
		if (!take_change(symbols, change, &change, &seen->symbol))
			return -EAGAIN;
	return change > moment->cleared ? 1 : 0;
}

static int visit_once(const struct fg_symbols *symbols, symbol_visitor *visit, void *context,
		      struct symbol_moment *moment)
{
	uint32_t count;

	moment->change = atomic_load_explicit(&symbols->changes, memory_order_acquire);
	moment->cleared = atomic_load_explicit(&symbols->cleared, memory_order_acquire);
	count = atomic_load_explicit(&symbols->count, memory_order_acquire);
	if (moment->cleared > moment->change)
		return -EAGAIN;
	for (uint32_t i = 0; i < count; i++) {
		struct symbol_seen seen;
		const int rc = see_entry(symbols, i, moment, &seen);

		if (rc < 0)
			return rc;
		if (rc > 0)
			visit(context, &seen);
	}
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&symbols->cleared, memory_order_relaxed) == moment->cleared
		       ? 0
		       : -EAGAIN;
}

int symbol_map_visit(const struct fg_symbols *symbols, void (*begin)(void *context),
		     symbol_visitor *visit, void *context, struct symbol_moment *moment)
{
	int rc = -EAGAIN;

	for (unsigned int i = 0; i < VISITS && rc != 0; i++) {
		begin(context);
		rc = visit_once(symbols, visit, context, moment);
	}
	return rc;
}
