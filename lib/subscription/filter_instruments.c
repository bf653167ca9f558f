/* SPDX-License-Identifier: MIT */
/* The instruments of a rule: from texts to sets of numbers and symbols. */
#include "filter_instruments.h"

#include <errno.h>
#include <stdlib.h>

#include <fg_option.h>

#include "filter.h"
#include "filter_symbols.h"

#define PREFIX "symbol:"

/* How a feed's messages name instruments. */
struct naming {
	uint64_t number_max; /* largest number; 0: no numbers */
	uint32_t text_max;   /* bytes of the longest symbol in messages; 0: none */
	uint32_t mapped_max; /* bytes of the longest symbol that a number may have; 0: none */
	bool maps_numbers;   /* numbers may have symbols */
};

static void read_row(const struct fg_message_type *row, struct naming *naming)
{
	if (row->instrument == FG_INSTRUMENT_NUMBER)
		naming->number_max =
			RTE_MAX(naming->number_max, UINT64_MAX >> (64 - 8 * row->id.bytes));
	if (row->instrument == FG_INSTRUMENT_TEXT)
		naming->text_max = RTE_MAX(naming->text_max, (uint32_t)row->id.bytes);
	if (row->maps_symbol)
		naming->mapped_max = RTE_MAX(naming->mapped_max, (uint32_t)row->symbol.bytes);
}

static struct naming naming_of(const struct fg_protocol *protocol, const struct fg_symbols *symbols)
{
	const struct fg_messages *messages = protocol->messages;
	struct naming naming = {0};

	for (uint32_t i = 0; i < messages->count; i++)
		read_row(&messages->types[i], &naming);
	read_row(&messages->other, &naming);
	naming.maps_numbers = naming.number_max != 0 && symbols != NULL && symbols->capacity != 0;
	if (!naming.maps_numbers)
		naming.mapped_max = 0;
	else if (naming.mapped_max == 0)
		naming.mapped_max = FG_SYMBOL_BYTES; /* no message maps: they come from a file */
	return naming;
}

/* Instruments that were read. */
struct lists {
	uint64_t *numbers;
	struct symbol *symbols;
	uint32_t n_numbers, n_symbols;
};

static int read_symbol(const struct naming *naming, const char *text, struct lists *lists,
		       struct fg_error *error)
{
	const uint32_t longest = RTE_MAX(naming->text_max, naming->mapped_max);

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
	if (!symbol_parse(&lists->symbols[lists->n_symbols], text) || strlen(text) > longest)
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

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct symbol));
}

/* Sort a list and remove duplicates. @return how many remain. */
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

/* Numbers of two bytes. Number 0 stands for all instruments. */
static int build_shorts(struct fg_msg_filter *filter, const struct lists *lists, int socket_id)
{
	filter->shorts = filter_alloc(filter, sizeof(*filter->shorts), socket_id);
	if (filter->shorts == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < lists->n_numbers; i++)
		short_numbers_set_bit(filter->shorts->listed, (uint16_t)lists->numbers[i], true);
	short_numbers_set_bit(filter->shorts->listed, 0, true);
	filter_forget_shorts(filter);
	return 0;
}

static int build_symbols(struct fg_msg_filter *filter, const struct naming *naming,
			 const struct lists *lists, int socket_id)
{
	const uint32_t longest = RTE_MAX(naming->text_max, naming->mapped_max);

	filter->by_symbol = lists->n_symbols != 0 && naming->maps_numbers;
	filter->n_symbols = filter->by_symbol ? lists->n_symbols : 0;
	filter->n_symbols_without_number = filter->n_symbols;
	if (symbol_set_build(&filter->symbol_set, lists->symbols, lists->n_symbols,
			     longest > SYMBOL_SHORT, socket_id) != 0)
		return -ENOMEM;
	if (!filter->by_symbol)
		return 0;
	filter->symbol_numbers = filter_alloc(
		filter, sizeof(*filter->symbol_numbers) * symbol_set_slots(&filter->symbol_set),
		socket_id);
	return filter->symbol_numbers == NULL ? -ENOMEM : 0;
}

static int build_numbers(struct fg_msg_filter *filter, const struct naming *naming,
			 const struct lists *lists, int socket_id)
{
	if (naming->number_max <= UINT16_MAX)
		return build_shorts(filter, lists, socket_id);
	if (filter->by_symbol) {
		filter->slots_matched = filter_alloc(
			filter, RTE_ALIGN_CEIL(filter->symbols->slots, 64) / 8, socket_id);
		if (filter->slots_matched == NULL)
			return -ENOMEM;
	}
	return number_set_build(&filter->numbers, naming->number_max <= UINT32_MAX ? 4 : 8,
				lists->numbers, lists->n_numbers, socket_id);
}

static int build_sets(struct fg_msg_filter *filter, const struct naming *naming,
		      struct lists *lists, int socket_id)
{
	int rc;

	lists->n_numbers =
		distinct(lists->numbers, lists->n_numbers, sizeof(*lists->numbers), by_value);
	lists->n_symbols =
		distinct(lists->symbols, lists->n_symbols, sizeof(*lists->symbols), by_bytes);
	filter->n_instruments = lists->n_numbers + lists->n_symbols;
	rc = build_symbols(filter, naming, lists, socket_id);
	return rc != 0 ? rc : build_numbers(filter, naming, lists, socket_id);
}

int filter_instruments_build(struct fg_msg_filter *filter, const struct fg_msg_filter_conf *conf,
			     struct fg_error *error)
{
	const struct naming naming = naming_of(conf->protocol, conf->symbols);
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
	if (rc == 0 && build_sets(filter, &naming, &lists, conf->socket_id) != 0)
		rc = fg_error_set(
			error, ENOMEM,
			"no DPDK memory for a filter of %u instruments: fewer of them, or "
			"more memory for EAL",
			count);
	free(lists.numbers);
	free(lists.symbols);
	return rc;
}
