/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"

enum { COLUMNS = 9, CELL_BYTES = 64 };

static const char *const titles[COLUMNS] = {"bench", "case", "subject", "metric", "median",
					    "min",   "max",  "unit",    "vs peer"};

/* Rows are printed before the later ones are known. A longer text is printed whole. */
static const int widths[COLUMNS] = {8, 19, 30, 24, 12, 12, 12, 12, 7};

struct row {
	char text[COLUMNS][CELL_BYTES];
	char peer[CELL_BYTES]; /* Empty: no comparison. */
	double value;
};

struct output {
	bool json;
	bool titled; /* The table's titles were printed. */
	uint32_t count;
	struct row *rows; /* Of the case that is under way. */
};

struct output *output_open(bool json)
{
	struct output *out = calloc(1, sizeof(*out));

	if (out != NULL)
		out->json = json;
	return out;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Min, median and max of @p values. */
static int summarize(const struct result *r, double summary[3])
{
	const uint32_t middle = r->repeats / 2;
	double *sorted = malloc(r->repeats * sizeof(*sorted));

	if (sorted == NULL)
		return -ENOMEM;
	memcpy(sorted, r->values, r->repeats * sizeof(*sorted));
	qsort(sorted, r->repeats, sizeof(*sorted), compare);
	summary[0] = sorted[0];
	summary[1] =
		r->repeats % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
	summary[2] = sorted[r->repeats - 1];
	free(sorted);
	return 0;
}

/* Six decimals, of large numbers none: no measurement is more precise than that. */
static double rounded(double value)
{
	return fabs(value) >= 1000 ? round(value) : round(value * 1e6) / 1e6;
}

static int add_json(const struct result *r, const double summary[3])
{
	json_t *line =
		json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:s, s:I}", "bench", r->bench,
			  "case", r->case_name, "subject", r->subject, "metric", r->metric, "value",
			  rounded(summary[1]), "min", rounded(summary[0]), "max",
			  rounded(summary[2]), "unit", r->unit, "repeats", (json_int_t)r->repeats);
	int rc = 0;

	progress_clear();
	if (line == NULL)
		return -ENOMEM;
	errno = EIO;
	if (json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0 ||
	    putchar('\n') == EOF || fflush(stdout) != 0)
		rc = -errno;
	json_decref(line);
	return rc;
}

static void fill_number(char *cell, double value)
{
	snprintf(cell, CELL_BYTES, fabs(value) >= 1000 ? "%.0f" : "%.3f", value);
}

static int add_row(struct output *out, const struct result *r, const double summary[3])
{
	struct row *rows = realloc(out->rows, (out->count + 1) * sizeof(*rows));
	struct row *row;

	if (rows == NULL)
		return -ENOMEM;
	out->rows = rows;
	row = &rows[out->count++];
	memset(row, 0, sizeof(*row));
	row->value = summary[1];
	snprintf(row->peer, CELL_BYTES, "%s", r->peer != NULL ? r->peer : "");
	snprintf(row->text[0], CELL_BYTES, "%s", r->bench);
	snprintf(row->text[1], CELL_BYTES, "%s", r->case_name);
	snprintf(row->text[2], CELL_BYTES, "%s", r->subject);
	snprintf(row->text[3], CELL_BYTES, "%s", r->metric);
	fill_number(row->text[4], summary[1]);
	fill_number(row->text[5], summary[0]);
	fill_number(row->text[6], summary[2]);
	snprintf(row->text[7], CELL_BYTES, "%s", r->unit);
	return 0;
}

int output_add(struct output *out, const struct result *result, struct fg_error *error)
{
	double summary[3];
	int rc = summarize(result, summary);

	if (rc == 0)
		rc = out->json ? add_json(result, summary) : add_row(out, result, summary);
	if (rc == 0)
		return 0;
	return fg_error_set(error, -rc, "cannot print a result: %s", strerror(-rc));
}

/* The row of the peer: same benchmark, case and metric. */
static const struct row *find_peer(const struct output *out, const struct row *row)
{
	for (uint32_t i = 0; i < out->count; i++) {
		const struct row *other = &out->rows[i];

		if (strcmp(other->text[2], row->peer) == 0 &&
		    strcmp(other->text[0], row->text[0]) == 0 &&
		    strcmp(other->text[1], row->text[1]) == 0 &&
		    strcmp(other->text[3], row->text[3]) == 0)
			return other;
	}
	return NULL;
}

static void compare_with_peers(struct output *out)
{
	for (uint32_t i = 0; i < out->count; i++) {
		struct row *row = &out->rows[i];
		const struct row *peer = find_peer(out, row);

		if (peer != NULL && peer->value > 0)
			snprintf(row->text[8], CELL_BYTES, "%.3f", row->value / peer->value);
		else
			snprintf(row->text[8], CELL_BYTES, "-");
	}
}

static bool is_number(int column)
{
	return (column >= 4 && column <= 6) || column == 8;
}

static void print_cells(const struct row *row)
{
	for (int c = 0; c < COLUMNS; c++) {
		const char *text = row != NULL ? row->text[c] : titles[c];
		const int width = is_number(c) ? widths[c] : -widths[c];

		printf("%*s%s", width, text, c + 1 < COLUMNS ? "  " : "\n");
	}
}

int output_finish_case(struct output *out, struct fg_error *error)
{
	progress_clear();
	compare_with_peers(out);
	if (!out->titled && out->count > 0) {
		print_cells(NULL);
		out->titled = true;
	}
	for (uint32_t i = 0; i < out->count; i++)
		print_cells(&out->rows[i]);
	out->count = 0;
	errno = EIO;
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return 0;
	return fg_error_set(error, errno, "cannot write to standard output: %s", strerror(errno));
}

void output_free(struct output *out)
{
	if (out == NULL)
		return;
	free(out->rows);
	free(out);
}
