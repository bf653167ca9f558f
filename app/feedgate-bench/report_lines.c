/* SPDX-License-Identifier: MIT */
/* Reads JSON lines: results, and descriptions of machines. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { LINE_MAX_BYTES = 1 << 16, ENTRIES_MAX = 100000 };

/* Where we are, for messages. */
struct place {
	const char *file;
	uint64_t line;
};

static int refuse(const struct place *place, struct fg_error *error, const char *why)
{
	char clean[160];

	snprintf(clean, sizeof(clean), "%s", why);
	for (char *c = clean; *c != '\0'; c++) /* It may quote the file, and ends on a terminal. */
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
	return fg_error_set(error, EINVAL, "%s:%" PRIu64 ": %s", place->file, place->line, clean);
}

/* The number of @p text, which is new or not. */
static int intern(struct names *names, const char *text, uint32_t *number)
{
	const json_t *known;
	char **texts;

	if (names->index == NULL)
		names->index = json_object();
	known = json_object_get(names->index, text);
	if (known != NULL) {
		*number = (uint32_t)json_integer_value(known);
		return 0;
	}
	texts = realloc(names->texts, (names->count + 1u) * sizeof(*texts));
	if (texts == NULL)
		return -ENOMEM;
	names->texts = texts;
	texts[names->count] = strdup(text);
	if (texts[names->count] == NULL)
		return -ENOMEM;
	*number = names->count++;
	return json_object_set_new(names->index, text, json_integer(*number)) == 0 ? 0 : -ENOMEM;
}

static int add_machine(struct results *results, const char *file, json_t *machine)
{
	struct machine_note *notes =
		realloc(results->machines, (results->n_machines + 1u) * sizeof(*notes));

	if (notes == NULL)
		return -ENOMEM;
	results->machines = notes;
	notes[results->n_machines].file = strdup(file);
	if (notes[results->n_machines].file == NULL)
		return -ENOMEM;
	notes[results->n_machines++].machine = json_incref(machine);
	return 0;
}

static struct entry *next_entry(struct results *results)
{
	if ((results->count & (results->count - 1)) == 0) {
		const size_t room = results->count > 0 ? 2u * results->count : 1u;
		struct entry *entries = realloc(results->entries, room * sizeof(*entries));

		if (entries == NULL)
			return NULL;
		results->entries = entries;
	}
	return &results->entries[results->count];
}

static int add_result(struct results *r, json_t *line, const struct place *place,
		      struct fg_error *error)
{
	const char *bench, *in_case, *subject, *metric, *unit;
	struct entry *entry = next_entry(r);
	json_int_t repeats;
	json_error_t reason;

	if (entry == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	if (json_unpack_ex(line, &reason, 0, "{s:s, s:s, s:s, s:s, s:s, s:F, s:F, s:F, s:I}",
			   "bench", &bench, "case", &in_case, "subject", &subject, "metric",
			   &metric, "unit", &unit, "value", &entry->value, "min", &entry->min,
			   "max", &entry->max, "repeats", &repeats) != 0)
		return refuse(place, error, reason.text);
	if (!isfinite(entry->value) || !(entry->min <= entry->value && entry->value <= entry->max))
		return refuse(place, error, "expected min <= value <= max");
	if (repeats < 1)
		return refuse(place, error, "repeats: expected at least 1");
	if (r->count == ENTRIES_MAX)
		return refuse(place, error, "more than 100,000 results");
	entry->repeats = (uint64_t)repeats;
	entry->sequence = r->count;
	if (intern(&r->benches, bench, &entry->bench) != 0 ||
	    intern(&r->metrics, metric, &entry->metric) != 0 ||
	    intern(&r->units, unit, &entry->unit) != 0 ||
	    intern(&r->cases, in_case, &entry->in_case) != 0 ||
	    intern(&r->subjects, subject, &entry->subject) != 0)
		return fg_error_set(error, ENOMEM, "out of memory");
	entry->lower_wins = metric_info(metric, unit).better != BETTER_HIGHER;
	r->count++;
	return 0;
}

static int add_line(struct results *results, const char *text, size_t length,
		    const struct place *place, struct fg_error *error)
{
	json_error_t reason;
	json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &reason);
	json_t *machine = json_object_get(line, "machine");
	int rc = 0;

	if (line == NULL)
		return refuse(place, error, reason.text);
	if (!json_is_object(line))
		rc = refuse(place, error, "expected a JSON object");
	else if (machine != NULL && !json_is_object(machine))
		rc = refuse(place, error, "machine: expected a JSON object");
	else if (machine != NULL && add_machine(results, place->file, machine) != 0)
		rc = fg_error_set(error, ENOMEM, "out of memory");
	else if (machine == NULL)
		rc = add_result(results, line, place, error);
	json_decref(line);
	return rc;
}

static int read_lines(struct results *results, FILE *file, struct place *place,
		      struct fg_error *error)
{
	static char line[LINE_MAX_BYTES];
	int rc = 0;

	while (rc == 0 && fgets(line, sizeof(line), file) != NULL) {
		const size_t length = strlen(line);

		place->line++;
		if (length == 0 || (line[length - 1] != '\n' && !feof(file)))
			rc = refuse(place, error, "expected a line of text, at most 65,535 bytes");
		else if (strspn(line, " \t\r\n") < length)
			rc = add_line(results, line, length, place, error);
	}
	if (rc == 0 && ferror(file))
		rc = fg_error_set(error, errno, "%s: %s", place->file, strerror(errno));
	return rc;
}

int results_read(struct results *results, const char *path, struct fg_error *error)
{
	const bool is_input = strcmp(path, "-") == 0;
	struct place place = {.file = is_input ? "standard input" : path};
	FILE *file = is_input ? stdin : fopen(path, "r");
	int rc;

	if (file == NULL)
		return fg_error_set(error, errno, "%s: %s", path, strerror(errno));
	rc = read_lines(results, file, &place, error);
	if (!is_input)
		fclose(file);
	return rc;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_keys(const struct entry *x, const struct entry *y)
{
	int order = ORDER(x->bench, y->bench);

	if (order == 0)
		order = ORDER(x->metric, y->metric);
	if (order == 0)
		order = ORDER(x->unit, y->unit);
	return order != 0 ? order : ORDER(x->in_case, y->in_case);
}

static int compare_given(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_keys(x, y);

	if (order == 0)
		order = ORDER(x->subject, y->subject);
	return order != 0 ? order : ORDER(x->sequence, y->sequence);
}

static int compare_shown(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_keys(x, y);

	if (order == 0)
		order = x->lower_wins ? ORDER(x->value, y->value) : ORDER(y->value, x->value);
	return order != 0 ? order : ORDER(x->sequence, y->sequence);
}

void results_sort(struct results *r)
{
	uint32_t kept = 0;

	if (r->count == 0)
		return;
	qsort(r->entries, r->count, sizeof(*r->entries), compare_given);
	for (uint32_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->entries[i], *next = e + 1;

		if (i + 1 < r->count && compare_keys(e, next) == 0 && e->subject == next->subject)
			r->replaced++;
		else
			r->entries[kept++] = *e;
	}
	r->count = kept;
	qsort(r->entries, r->count, sizeof(*r->entries), compare_shown);
}

uint32_t results_chart(const struct results *results, uint32_t first)
{
	const struct entry *from = &results->entries[first];
	uint32_t count = 1;

	while (first + count < results->count && from[count].bench == from->bench &&
	       from[count].metric == from->metric && from[count].unit == from->unit)
		count++;
	return count;
}

uint32_t results_case(const struct results *results, uint32_t first, uint32_t end)
{
	const struct entry *from = &results->entries[first];
	uint32_t count = 1;

	while (first + count < end && from[count].in_case == from->in_case)
		count++;
	return count;
}

static void names_free(struct names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->texts[i]);
	free(names->texts);
	json_decref(names->index);
}

void results_free(struct results *results)
{
	names_free(&results->benches);
	names_free(&results->metrics);
	names_free(&results->units);
	names_free(&results->cases);
	names_free(&results->subjects);
	for (uint32_t i = 0; i < results->n_machines; i++) {
		free(results->machines[i].file);
		json_decref(results->machines[i].machine);
	}
	free(results->machines);
	free(results->entries);
}
