/* SPDX-License-Identifier: MIT */
/*
 * A filter's instruments, from what people write to sets of numbers and symbols.
 */
#include <errno.h>
#include <stdlib.h>

#include <fg_option.h>

#include "filter.h"

#define PREFIX "symbol:"

/* How a feed's messages name instruments. */
struct naming {
	uint64_t number_max; /* 0: no numbers */
	uint32_t text_max;   /* bytes of texts in messages; 0: none */
	uint32_t symbol_max; /* bytes of symbols that numbers may have; 0: none */
	bool symbols_of_numbers;
};

static void look_at(const struct fg_message_type *row, struct naming *naming)
{
	if (row->instrument == FG_INSTRUMENT_NUMBER)
		naming->number_max =
			RTE_MAX(naming->number_max, UINT64_MAX >> (64 - 8 * row->id.bytes));
	if (row->instrument == FG_INSTRUMENT_TEXT)
		naming->text_max = RTE_MAX(naming->text_max, (uint32_t)row->id.bytes);
	if (row->maps_symbol)
		naming->symbol_max = RTE_MAX(naming->symbol_max, (uint32_t)row->symbol.bytes);
}

static struct naming naming_of(const struct fg_protocol *protocol, const struct fg_known *known)
{
	const struct fg_messages *messages = protocol->messages;
	struct naming naming = {0};

	for (uint32_t i = 0; i < messages->count; i++)
		look_at(&messages->types[i], &naming);
	look_at(&messages->other, &naming);
	naming.symbols_of_numbers = naming.number_max != 0 && known != NULL && known->capacity != 0;
	if (!naming.symbols_of_numbers)
		naming.symbol_max = 0;
	else if (naming.symbol_max == 0)
		naming.symbol_max = FG_SYMBOL_BYTES; /* from a file only */
	return naming;
}

/* Lists while they are read. */
struct lists {
	uint64_t *numbers;
	struct symbol *symbols;
	uint32_t n_numbers, n_symbols;
};

static int read_symbol(const struct naming *naming, const char *text, struct lists *lists,
		       struct fg_error *error)
{
	const uint32_t longest = RTE_MAX(naming->text_max, naming->symbol_max);

	if (longest == 0 && naming->number_max == 0)
		return fg_error_set(error, EINVAL,
				    "instrument '%s': the feed's messages name no instrument",
				    text);
	if (longest == 0)
		return fg_error_set(
			error, EINVAL,
			"instrument '%s': a symbol, but the feed gives numbers only, up "
			"to %llu",
			text, (unsigned long long)naming->number_max);
	if (!symbol_of_text(&lists->symbols[lists->n_symbols], text) || strlen(text) > longest)
		return fg_error_set(error, EINVAL,
				    "instrument '%s': expected a symbol of 1 to %u bytes", text,
				    longest);
	lists->n_symbols++;
	return 0;
}

static int read_instrument(const struct naming *naming, const char *text, struct lists *lists,
			   struct fg_error *error)
{
	uint64_t number;
	int rc = -EINVAL;

	if (strncmp(text, PREFIX, strlen(PREFIX)) == 0)
		return read_symbol(naming, text + strlen(PREFIX), lists, error);
	if (naming->number_max != 0)
		rc = fg_number_read(text, naming->number_max, &number);
	if (rc == -EINVAL)
		return read_symbol(naming, text, lists, error);
	if (rc != 0 || number == 0)
		return fg_error_set(
			error, EINVAL,
			"instrument '%s': expected a number from 1 to %llu; as a symbol "
			"it is '" PREFIX "%s'",
			text, (unsigned long long)naming->number_max, text);
	lists->numbers[lists->n_numbers++] = number;
	return 0;
}

/* Numbers of two bytes; 0 is of all instruments. */
static int take_direct(struct fg_msg_filter *filter, const struct lists *lists, int socket_id)
{
	/* Four bytes are read of each. */
	filter->direct = filter_alloc(filter, NUMBERS + 3, socket_id);
	if (filter->direct == NULL)
		return -ENOMEM;
	memset(filter->direct, BITS_ODD | BITS_UNNAMED | (filter->any_instrument ? BITS_WANTED : 0),
	       NUMBERS);
	for (uint32_t i = 0; i < lists->n_numbers; i++)
		filter->direct[direct_place((uint32_t)lists->numbers[i])] =
			BITS_ODD | BITS_WANTED | BITS_LISTED;
	filter->direct[0] = BITS_ODD | BITS_WANTED | BITS_LISTED;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct symbol));
}

/* Sort and leave each only once. */
static uint32_t distinct(void *list, uint32_t count, size_t bytes,
			 int (*compare)(const void *, const void *))
{
	uint8_t *at = list;
	uint32_t kept = 0;

	qsort(list, count, bytes, compare);
	for (uint32_t i = 0; i < count; i++) {
		if (kept != 0 && compare(at + (kept - 1) * bytes, at + i * bytes) == 0)
			continue;
		memmove(at + kept * bytes, at + i * bytes, bytes);
		kept++;
	}
	return kept;
}

static int take_lists(struct fg_msg_filter *filter, const struct naming *naming,
		      struct lists *lists, int socket_id)
{
	const uint32_t longest = RTE_MAX(naming->text_max, naming->symbol_max);
	int rc;

	lists->n_numbers =
		distinct(lists->numbers, lists->n_numbers, sizeof(*lists->numbers), by_value);
	lists->n_symbols =
		distinct(lists->symbols, lists->n_symbols, sizeof(*lists->symbols), by_bytes);
	filter->n_instruments = lists->n_numbers + lists->n_symbols;
	filter->symbolic = lists->n_symbols != 0 && naming->symbols_of_numbers;
	filter->n_unmapped_symbols = filter->symbolic ? lists->n_symbols : 0;
	rc = symbols_build(&filter->symbols, lists->symbols, lists->n_symbols,
			   longest > SYMBOL_SHORT, socket_id);
	if (rc != 0)
		return rc;
	if (filter->symbolic) {
		filter->holders = filter_alloc(
			filter, sizeof(*filter->holders) * ids_places(&filter->symbols.ids),
			socket_id);
		if (filter->holders == NULL)
			return -ENOMEM;
	}
	if (naming->number_max <= UINT16_MAX)
		return take_direct(filter, lists, socket_id);
	if (filter->symbolic) {
		filter->resolved = filter_alloc(
			filter, RTE_ALIGN_CEIL(known_places(filter->known), 64) / 8, socket_id);
		if (filter->resolved == NULL)
			return -ENOMEM;
	}
	return ids_build(&filter->numbers, naming->number_max <= UINT32_MAX ? 4 : 8, lists->numbers,
			 lists->n_numbers, socket_id);
}

int filter_instruments(struct fg_msg_filter *filter, const struct fg_msg_filter_conf *conf,
		       struct fg_error *error)
{
	const struct naming naming = naming_of(conf->protocol, conf->known);
	const uint32_t count = conf->any_instrument ? 0 : conf->n_instruments;
	struct lists lists = {0};
	int rc = 0;

	if (count > FG_INSTRUMENTS_MAX)
		return fg_error_set(error, E2BIG, "%u instruments: at most %u", count,
				    FG_INSTRUMENTS_MAX);
	lists.numbers = calloc((size_t)count + 1, sizeof(*lists.numbers));
	lists.symbols = calloc((size_t)count + 1, sizeof(*lists.symbols));
	if (lists.numbers == NULL || lists.symbols == NULL)
		rc = fg_error_set(error, ENOMEM, "no memory for a filter's instruments");
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = read_instrument(&naming, conf->instruments[i], &lists, error);
	if (rc == 0 && take_lists(filter, &naming, &lists, conf->socket_id) != 0)
		rc = fg_error_set(
			error, ENOMEM,
			"no DPDK memory for a filter of %u instruments: fewer of them, or "
			"more memory for EAL",
			count);
	free(lists.numbers);
	free(lists.symbols);
	return rc;
}
