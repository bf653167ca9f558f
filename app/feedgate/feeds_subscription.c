/* SPDX-License-Identifier: MIT */
#include "feeds_subscription.h"

#include "app.h"
#include "report_text.h"

#define TYPES_SHOWN       16u
#define INSTRUMENTS_SHOWN 8u

/* "A (AddOrder)", or what stands for the type alone. */
static void print_type(const struct fg_protocol *protocol, uint32_t type, FILE *out)
{
	const struct fg_message_type *known = fg_messages_get(protocol->messages, type);
	char text[FG_TYPE_TEXT_BYTES];

	fputs(fg_protocol_type_text(protocol, type, text), out);
	if (known->type == type && known->name != NULL)
		fprintf(out, " (%s)", known->name);
}

static void print_types(const struct fg_subscription *subscription,
			const struct fg_protocol *protocol, FILE *out)
{
	if (subscription->n_types == 0)
		fputs("messages of any type", out);
	for (uint32_t i = 0; i < subscription->n_types && i < TYPES_SHOWN; i++) {
		fputs(i == 0 ? "messages " : ", ", out);
		print_type(protocol, subscription->types[i], out);
	}
	if (subscription->n_types > TYPES_SHOWN)
		fprintf(out, " and %u more types", subscription->n_types - TYPES_SHOWN);
}

static void print_instruments(const struct fg_subscription *subscription, FILE *out)
{
	if (subscription->any_instrument) {
		fputs(" of any instrument", out);
		return;
	}
	fprintf(out, " of %s instruments", report_grouped(subscription->n_instruments));
	for (uint32_t i = 0; i < subscription->n_instruments && i < INSTRUMENTS_SHOWN; i++)
		fprintf(out, "%s%s", i == 0 ? ": " : ", ", subscription->instruments[i]);
	if (subscription->n_instruments > INSTRUMENTS_SHOWN)
		fputs(", ...", out);
	if (subscription->file != NULL)
		fprintf(out, " (%s)", subscription->file);
}

bool report_has_protocol(const struct app *app, const struct fg_rule *rule)
{
	return rule->feed != FG_FEED_NONE && app->feeds[rule->feed]->conf.protocol != NULL;
}

void report_subscription(const struct app *app, const struct fg_rule *rule, FILE *out)
{
	const struct fg_subscription *subscription = rule->subscription;

	if (subscription == NULL) {
		fputs("all of its packets", out);
		return;
	}
	print_types(subscription, app->feeds[rule->feed]->conf.protocol, out);
	print_instruments(subscription, out);
	fprintf(out, "; unmapped: %s; slice: %s",
		subscription->unmapped == FG_UNMAPPED_DROP ? "drop" : "pass",
		subscription->slice ? "true" : "false");
}
