/* SPDX-License-Identifier: MIT */
/* The --summary file: one JSON object, a format that scripts rely on. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "app.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *drops(const struct snapshot *s)
{
	json_t *object = json_object();

	for (unsigned int i = 0; i < FG_DROP_COUNT; i++)
		json_object_set_new(object, fg_drop_name((enum fg_drop)i),
				    number(s->totals.dropped[i]));
	return object;
}

static json_t *rules(const struct app *app, const struct snapshot *s)
{
	const struct fg_rules *set = fg_pipeline_rules(app->pipeline);
	json_t *object = json_object();

	for (uint32_t i = 0; i <= set->count; i++) {
		const struct fg_rule_totals *t = &s->rules[set->rules[i].id];

		json_object_set_new(object, set->rules[i].name,
				    json_pack("{s:o, s:o, s:o}", "packets", number(t->packets),
					      "bytes", number(t->bytes), "dropped",
					      number(t->dropped)));
	}
	return object;
}

static json_t *sinks(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < app->n_sinks; i++)
		json_object_set_new(object, app->sinks[i]->name,
				    json_pack("{s:o, s:o, s:o}", "packets",
					      number(s->sinks[i].packets), "bytes",
					      number(s->sinks[i].bytes), "dropped",
					      number(s->sinks[i].dropped)));
	return object;
}

static json_t *sources(const struct app *app, const struct snapshot *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < app->n_sources; i++) {
		const struct fg_source_lost *lost = &s->lost[i];

		json_object_set_new(object, app->sources[i]->name,
				    json_pack("{s:o, s:o, s:o, s:o}", "received",
					      number(s->sources[i].packets), "bytes",
					      number(s->sources[i].bytes), "lost",
					      number(lost->nic + lost->no_mbuf + lost->errors),
					      "filtered", number(lost->filtered)));
	}
	return object;
}

int summary_write(const struct app *app, const struct snapshot *s, bool lawful, const char *path,
		  struct fg_error *error)
{
	json_t *root = json_object();
	int rc;

	json_object_set_new(root, "received", number(s->totals.received_packets));
	json_object_set_new(root, "bytes", number(s->totals.received_bytes));
	json_object_set_new(root, "delivered", number(s->totals.delivered_packets));
	json_object_set_new(root, "dropped", drops(s));
	json_object_set_new(root, "rules", rules(app, s));
	json_object_set_new(root, "sinks", sinks(app, s));
	json_object_set_new(root, "sources", sources(app, s));
	json_object_set_new(root, "generation", number(fg_pipeline_generation(app->pipeline)));
	json_object_set_new(root, "seconds", json_real(s->seconds));
	json_object_set_new(root, "lawful", json_boolean(lawful));
	errno = 0;
	rc = json_dump_file(root, path, JSON_INDENT(2));
	json_decref(root);
	if (rc == 0)
		return 0;
	return fg_error_set(error, errno != 0 ? errno : EIO, "--summary %s: %s", path,
			    errno != 0 ? strerror(errno) : "cannot be written");
}
