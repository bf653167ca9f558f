/* SPDX-License-Identifier: MIT */
#include "before.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "output.h"
#include "progress.h"

#define ARGUMENTS_MAX 40u
#define NAME_BYTES    64u

extern char **environ;

/* A metric of a subject of both programs: this one is 0, the other 1. */
struct series {
	char case_name[NAME_BYTES], subject[NAME_BYTES], metric[NAME_BYTES], unit[NAME_BYTES];
	double *values[2]; /* [repeats] */
	uint32_t done[2];
};

/* The series of one case. */
struct table {
	struct series *rows;
	uint32_t n, repeats;
};

static void copy(char *to, const json_t *line, const char *member)
{
	const char *text = json_string_value(json_object_get(line, member));

	snprintf(to, NAME_BYTES, "%s", text != NULL ? text : "");
}

static struct series *find(struct table *table, const struct series *like)
{
	struct series *rows;

	for (uint32_t i = 0; i < table->n; i++)
		if (strcmp(table->rows[i].case_name, like->case_name) == 0 &&
		    strcmp(table->rows[i].subject, like->subject) == 0 &&
		    strcmp(table->rows[i].metric, like->metric) == 0)
			return &table->rows[i];
	rows = realloc(table->rows, (table->n + 1) * sizeof(*rows));
	if (rows == NULL)
		return NULL;
	table->rows = rows;
	rows[table->n] = *like;
	for (uint32_t which = 0; which < 2; which++) {
		rows[table->n].values[which] = calloc(table->repeats, sizeof(double));
		if (rows[table->n].values[which] == NULL)
			return NULL;
	}
	return &rows[table->n++];
}

/* A line of output. 0, -EBADMSG or -ENOMEM. */
static int take_line(struct table *table, uint32_t which, const char *text)
{
	json_t *line = json_loads(text, 0, NULL);
	struct series like = {.done = {0}}, *row;

	if (!json_is_number(json_object_get(line, "value"))) {
		json_decref(line);
		return -EBADMSG;
	}
	copy(like.case_name, line, "case");
	copy(like.subject, line, "subject");
	copy(like.metric, line, "metric");
	copy(like.unit, line, "unit");
	row = find(table, &like);
	if (row != NULL && row->done[which] < table->repeats)
		row->values[which][row->done[which]++] =
			json_number_value(json_object_get(line, "value"));
	json_decref(line);
	return row != NULL ? 0 : -ENOMEM;
}

/* Start it, its standard output in a pipe. 0, or -errno. */
static int start(const char *program, const char *const *argv, pid_t *pid, FILE **out)
{
	posix_spawn_file_actions_t files;
	int pipe_fd[2], rc;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return -errno;
	posix_spawn_file_actions_init(&files);
	rc = posix_spawn_file_actions_adddup2(&files, pipe_fd[1], STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn(pid, program, &files, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	close(pipe_fd[1]);
	*out = rc == 0 ? fdopen(pipe_fd[0], "r") : NULL;
	if (*out == NULL)
		close(pipe_fd[0]);
	return -rc;
}

/* One measurement by one of the programs. */
static int run_one(struct table *table, uint32_t which, const char *program,
		   const char *const *argv, struct fg_error *error)
{
	char *text = NULL;
	size_t room = 0;
	FILE *out = NULL;
	pid_t pid = 0;
	int status = 0, rc = start(program, argv, &pid, &out);

	if (rc != 0)
		return fg_error_set(error, -rc, "%s: %s", program, strerror(-rc));
	while (out != NULL && rc == 0 && getline(&text, &room, out) > 0)
		rc = take_line(table, which, text);
	free(text);
	if (out != NULL)
		fclose(out);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (child_interrupted())
		return fg_error_set(error, EINTR, "interrupted");
	if (rc != 0)
		return fg_error_set(error, -rc, "%s: its output is not that of --json", program);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fg_error_set(error, EIO, "%s: it failed; its message is above", program);
	return 0;
}

static bool is_compared(const struct series *row)
{
	return row->done[0] > 0 && row->done[0] == row->done[1];
}

struct printed {
	const struct before *before;
	const struct series *row;
	struct output *out;
};

static int print_values(const struct printed *p, const char *subject, const double *values,
			uint32_t n, struct fg_error *error)
{
	const struct result result = {.bench = p->before->bench,
				      .case_name = p->row->case_name,
				      .subject = subject,
				      .metric = p->row->metric,
				      .unit = p->row->unit,
				      .values = values,
				      .repeats = n};

	return n > 0 ? output_add(p->out, &result, error) : 0;
}

/* Each repeat's ratio, this build to the other. */
static int print_ratio(const struct printed *p, struct fg_error *error)
{
	const struct series *row = p->row;
	char metric[NAME_BYTES + 16];
	const struct result result = {.bench = p->before->bench,
				      .case_name = row->case_name,
				      .subject = row->subject,
				      .metric = metric,
				      .unit = "ratio",
				      .values = row->values[0],
				      .repeats = row->done[0]};

	snprintf(metric, sizeof(metric), "%s_to_before", row->metric);
	for (uint32_t i = 0; i < row->done[0]; i++) {
		if (row->values[0][i] <= 0 || row->values[1][i] <= 0)
			return 0;
		row->values[0][i] /= row->values[1][i];
	}
	return output_add(p->out, &result, error);
}

/* The values of peers are measured in both programs, and are this one's. */
static int print_row(const struct before *before, const struct series *row, struct output *out,
		     struct fg_error *error)
{
	const struct printed p = {.before = before, .row = row, .out = out};
	const bool ours = strncmp(row->subject, "feedgate", strlen("feedgate")) == 0;
	char name[NAME_BYTES + 16];
	int rc = print_values(&p, row->subject, row->values[0], row->done[0], error);

	snprintf(name, sizeof(name), "%s:before", row->subject);
	if (rc == 0 && ours)
		rc = print_values(&p, name, row->values[1], row->done[1], error);
	return rc == 0 && ours && is_compared(row) ? print_ratio(&p, error) : rc;
}

static int print_table(const struct before *before, const struct table *table, struct output *out,
		       struct fg_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < table->n; i++)
		rc = print_row(before, &table->rows[i], out, error);
	return rc == 0 ? output_finish_case(out, error) : rc;
}

static void free_table(struct table *table)
{
	for (uint32_t i = 0; i < table->n; i++)
		for (uint32_t which = 0; which < 2; which++)
			free(table->rows[i].values[which]);
	free(table->rows);
}

static void fill_arguments(const struct before *before, const char *case_name,
			   const char *argv[ARGUMENTS_MAX])
{
	static const char *const common[] = {"--json", "--quiet", "--repeats", "1"};
	uint32_t n = 0;

	argv[n++] = "feedgate-bench";
	argv[n++] = before->bench;
	for (uint32_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		argv[n++] = common[i];
	if (case_name != NULL) {
		argv[n++] = "--case";
		argv[n++] = case_name;
	}
	for (uint32_t i = 0; before->options[i] != NULL && n + 1 < ARGUMENTS_MAX; i++)
		argv[n++] = before->options[i];
	argv[n] = NULL;
}

static int run_case(const struct before *before, const char *case_name, uint32_t repeats,
		    struct output *out, struct fg_error *error)
{
	const char *const programs[] = {"/proc/self/exe", before->path};
	struct table table = {.repeats = repeats};
	struct fg_error print_error = {0};
	const char *argv[ARGUMENTS_MAX];
	int rc = 0, print_rc = 0;

	fill_arguments(before, case_name, argv);
	for (uint32_t i = 0; rc == 0 && i < 2 * repeats; i++) {
		/* 0 1, 1 0, 0 1, ... */
		const uint32_t which = (i / 2 + i) % 2;

		progress_step(before->work_ms, case_name != NULL ? case_name : "",
			      which == 0 ? "feedgate" : "feedgate:before");
		rc = run_one(&table, which, programs[which], argv, error);
	}
	if (rc == 0 || rc == -EINTR)
		print_rc = print_table(before, &table, out, &print_error);
	if (rc == 0 && print_rc != 0) {
		*error = print_error;
		rc = print_rc;
	}
	free_table(&table);
	return rc;
}

int before_run(const struct before *before, uint32_t repeats, struct output *out,
	       struct fg_error *error)
{
	int rc = 0;

	if (before->cases[0] == NULL) {
		progress_expect(2 * repeats * before->work_ms);
		return run_case(before, NULL, repeats, out, error);
	}
	for (uint32_t i = 0; before->cases[i] != NULL; i++)
		progress_expect(2 * repeats * before->work_ms);
	for (uint32_t i = 0; rc == 0 && before->cases[i] != NULL; i++)
		rc = run_case(before, before->cases[i], repeats, out, error);
	return rc;
}
