/* SPDX-License-Identifier: MIT */
/* What a rule wants of its feed's messages, in words. */
#include "app.h"

#define TYPES_SHOWN       16u
#define INSTRUMENTS_SHOWN 8u

/* "A (AddOrder)", or what stands for the type alone. */
static void print_type(const struct fg_framing *framing, uint32_t type, FILE *out)
{
	const struct fg_message_type *known = fg_messages_get(framing->messages, type);
	char text[FG_TYPE_TEXT_BYTES];

	fputs(fg_framing_type_text(framing, type, text), out);
	if (known->type == type && known->name != NULL)
		fprintf(out, " (%s)", known->name);
}

static void print_types(const struct fg_wanted *wanted, const struct fg_framing *framing, FILE *out)
{
	if (wanted->n_types == 0)
		fputs("messages of any type", out);
	for (uint32_t i = 0; i < wanted->n_types && i < TYPES_SHOWN; i++) {
		fputs(i == 0 ? "messages " : ", ", out);
		print_type(framing, wanted->types[i], out);
	}
	if (wanted->n_types > TYPES_SHOWN)
		fprintf(out, " and %u more types", wanted->n_types - TYPES_SHOWN);
}

static void print_instruments(const struct fg_wanted *wanted, FILE *out)
{
	if (wanted->any_instrument) {
		fputs(" of any instrument", out);
		return;
	}
	fprintf(out, " of %s instruments", report_grouped(wanted->n_instruments));
	for (uint32_t i = 0; i < wanted->n_instruments && i < INSTRUMENTS_SHOWN; i++)
		fprintf(out, "%s%s", i == 0 ? ": " : ", ", wanted->instruments[i]);
	if (wanted->n_instruments > INSTRUMENTS_SHOWN)
		fputs(", ...", out);
	if (wanted->file != NULL)
		fprintf(out, " (%s)", wanted->file);
}

bool report_has_framing(const struct app *app, const struct fg_rule *rule)
{
	return rule->feed != FG_FEED_NONE && app->feeds[rule->feed]->conf.framing != NULL;
}

void report_wanted(const struct app *app, const struct fg_rule *rule, FILE *out)
{
	const struct fg_wanted *wanted = rule->wanted;

	if (wanted == NULL) {
		fputs("all of its packets", out);
		return;
	}
	print_types(wanted, app->feeds[rule->feed]->conf.framing, out);
	print_instruments(wanted, out);
	fprintf(out, "; unknown: %s; slice: %s",
		wanted->unknown == FG_UNKNOWN_DROP ? "drop" : "pass",
		wanted->slice ? "true" : "false");
}
