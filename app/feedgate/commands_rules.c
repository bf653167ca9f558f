/* SPDX-License-Identifier: MIT */
/* Commands that change or save the rules, or try a packet on them. */
#include <string.h>

#include "app.h"
#include "commands.h"
#include "edit.h"
#include "explain.h"
#include "reload.h"
#include "save.h"

/* An edit or a reload failed. */
static void refused(const struct command_input *input, const struct fg_error *error)
{
	command_error(input, error);
	fprintf(input->out, "the running rules stay, version %u\n",
		fg_pipeline_rules_version(input->app->pipeline));
}

/* Does the argument begin with the word force? What follows it is the path; NULL: nothing does. */
static bool take_force(const char **path)
{
	static const char word[] = "force";
	const size_t length = sizeof(word) - 1;

	if (*path == NULL || strncmp(*path, word, length) != 0 ||
	    ((*path)[length] != '\0' && (*path)[length] != ' ' && (*path)[length] != '\t'))
		return false;
	*path += length + strspn(*path + length, " \t");
	if (**path == '\0')
		*path = NULL;
	return true;
}

static void reload(struct command_input *input)
{
	const char *path = input->arguments[0];
	const bool force = take_force(&path);
	struct fg_error error = {0};

	if (reload_file(input->app, path, force, input->out, &error) != 0)
		refused(input, &error);
}

static void add(struct command_input *input)
{
	struct fg_error error = {0};

	if (edit_add(input->app, input->arguments[0], input->out, &error) != 0)
		refused(input, &error);
}

static void delete (struct command_input *input)
{
	struct rulebook edited;
	struct fg_error error = {0};

	if (rulebook_delete(&input->app->book, input->arguments[0], &edited, &error) != 0 ||
	    reload_edited(input->app, &edited, input->out, &error) != 0)
		refused(input, &error);
}

static void move(struct command_input *input)
{
	const struct rulebook_place place = {
		.where = place_named(input->arguments[1]),
		.name = input->arguments[2],
	};
	struct rulebook edited;
	struct fg_error error = {0};

	if (rulebook_move(&input->app->book, input->arguments[0], &place, &edited, &error) != 0 ||
	    reload_edited(input->app, &edited, input->out, &error) != 0)
		refused(input, &error);
}

static void save(struct command_input *input)
{
	const char *path = input->arguments[0];
	struct fg_error error = {0};

	if (save_rules(input->app, path, &error) == 0)
		fprintf(input->out, "%s: %u rules, version %u\n", path,
			fg_pipeline_rules(input->app->pipeline)->count,
			fg_pipeline_rules_version(input->app->pipeline));
	else
		command_error(input, &error);
}

static void explain_packet(struct command_input *input)
{
	struct fg_error error = {0};

	if (explain(input->app, input->arguments[0], input->out, &error) != 0)
		command_error(input, &error);
}

const struct command commands_rules[] = {
	{"rules reload", "[RELOAD]",
	 "load the rules of FILE, or of the -c file as SIGHUP does;\n"
	 "force: also if more changes than reload: {max_change} allows",
	 reload},
	{"rules add", "DEFINITION",
	 "add a rule, written as in the file but on one line: {name: x, ...}\n"
	 "WHERE: first | last | before NAME | after NAME",
	 add},
	{"rules delete", "RULE", "delete a rule", delete},
	{"rules move", "RULE first|last", "move a rule to either end", move},
	{"rules move", "RULE before|after RULE", "move a rule next to another", move},
	{"rules save", "PATH", "write the running rules to a file", save},
	{"explain", "FIELDS",
	 "which rule wins a packet with these fields: ipv4.src A, udp.dst N, vlan N,\n"
	 "payload HEX, ... (TAB lists them), or pcap FILE N: packet N of a capture",
	 explain_packet},
	{0},
};
