/* SPDX-License-Identifier: MIT */
#include "protocols.h"

#include <string.h>

#include <fg_protocol.h>

#define LINE "%-12s %-9s %-16s %-11s %-31s %s\n"

struct words {
	char text[64];
};

static void add(struct words *words, bool holds, const char *word)
{
	const size_t used = strlen(words->text);

	if (holds)
		snprintf(words->text + used, sizeof(words->text) - used, "%s%s",
			 used > 0 ? ", " : "", word);
}

/* What separates one sequence of a feed from another. */
static struct words separators_of(const struct fg_header_shape *header)
{
	struct words words = {""};

	add(&words, header->session.bytes != 0, "session");
	add(&words, header->channel[0].bytes != 0, "channel");
	return words;
}

/* How messages name their instrument. */
static struct words instruments_of(const struct fg_messages *messages)
{
	bool kinds[FG_INSTRUMENT_PREVIOUS + 1] = {false}, maps_symbol = false;
	struct words words = {""};

	kinds[messages->other.instrument] = true;
	for (uint32_t i = 0; i < messages->count; i++) {
		kinds[messages->types[i].instrument] = true;
		maps_symbol |= messages->types[i].maps_symbol;
	}
	add(&words, kinds[FG_INSTRUMENT_NUMBER],
	    maps_symbol ? "number with learned symbol" : "number");
	add(&words, kinds[FG_INSTRUMENT_TEXT], "symbol");
	add(&words, kinds[FG_INSTRUMENT_ORDER], "order");
	return words;
}

void protocols_list(FILE *out)
{
	fprintf(out, LINE, "protocol", "counts", "sequence by", "types", "instruments", "feed");
	for (uint32_t i = 0; fg_protocols[i] != NULL; i++) {
		const struct fg_protocol *p = fg_protocols[i];
		const struct words separators = separators_of(&p->header);
		const struct words instruments = instruments_of(p->messages);

		fprintf(out, LINE, p->name,
			p->header.counts == FG_COUNTS_MESSAGES ? "messages" : "packets",
			separators.text[0] != '\0' ? separators.text : "feed",
			p->messages->text ? "characters" : "numbers",
			instruments.text[0] != '\0' ? instruments.text : "-", p->help);
	}
}
