/* SPDX-License-Identifier: MIT */
/* show rule, rules reload|add|delete|move|save. */
#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_parse_string.h>
#include <string.h>

#include "commands.h"
#include "edit.h"

/* librte_cmdline keeps 512 bytes of what is typed, and drops the rest without a word. */
#define TYPED_BYTES_MAX 480u

static const struct fg_rules *rules(void)
{
	return fg_pipeline_rules(command_app->pipeline);
}

/* An edit or a reload did not work out. */
static void refused(const struct fg_error *error)
{
	command_error(error);
	fprintf(command_out(), "the running rules stay, version %u\n",
		fg_pipeline_rules_version(command_app->pipeline));
}

size_t command_word(const char *text)
{
	return strcspn(text, " \t\r\n");
}

const char *command_text(const char *rest, char *copy)
{
	size_t length = strcspn(rest, "\r\n");

	if (length >= COMMAND_TEXT_BYTES ||
	    (fg_console_is_terminal(command_app->console) && length > TYPED_BYTES_MAX)) {
		fprintf(command_out(),
			"too long: a terminal takes %u characters here; write the command to a "
			"file and `load` it\n",
			TYPED_BYTES_MAX);
		return NULL;
	}
	while (length > 0 && (rest[length - 1] == ' ' || rest[length - 1] == '\t'))
		length--;
	memcpy(copy, rest, length);
	copy[length] = '\0';
	return copy;
}

/* Token: the name of a rule. */

static uint32_t rule_count(void)
{
	return rules()->count;
}

static const char *rule_name(uint32_t index)
{
	return rules()->rules[index + 1].name;
}

static struct command_token_name token_name =
	COMMAND_TOKEN_NAME(argument, "rule", rule_count, rule_name);
static struct command_token_name token_other =
	COMMAND_TOKEN_NAME(other, "rule", rule_count, rule_name);

/* Token: the rest of the line. The line outlives the command, so a pointer will do. */

static int text_parse(cmdline_parse_token_hdr_t *token, const char *text, void *result,
		      unsigned int size)
{
	(void)token;
	if (result != NULL) {
		if (size < sizeof(text))
			return -1;
		memcpy(result, &text, sizeof(text));
	}
	return (int)strcspn(text, "\r\n");
}

static int rule_help(cmdline_parse_token_hdr_t *token, char *text, unsigned int size)
{
	(void)token;
	snprintf(text, size, "{name: NAME, match: {...}, to: SINKS} [WHERE]");
	return 0;
}

static int file_help(cmdline_parse_token_hdr_t *token, char *text, unsigned int size)
{
	(void)token;
	snprintf(text, size, "FILE");
	return 0;
}

static struct cmdline_token_ops rule_ops = {.parse = text_parse, .get_help = rule_help};
static struct cmdline_token_ops file_ops = {.parse = text_parse, .get_help = file_help};
static cmdline_parse_token_hdr_t token_rule = {
	.ops = &rule_ops,
	.offset = offsetof(struct command, text),
};
static cmdline_parse_token_hdr_t token_file = {
	.ops = &file_ops,
	.offset = offsetof(struct command, text),
};

/* show rule NAME */

/* The tiers in which its entries are, each once. */
static void print_tiers(const struct fg_rule *rule, FILE *out)
{
	const struct fg_table *table = fg_pipeline_table(command_app->pipeline);
	uint32_t counts[FG_TIER_EXPRESSION + 1] = {0};
	const char *separator = " (";

	for (uint32_t i = 0; i < rule->n_matches; i++)
		counts[fg_table_tier(table, rule->first_match + i)]++;
	for (unsigned int tier = 0; tier <= FG_TIER_EXPRESSION; tier++)
		if (counts[tier] > 0) {
			fprintf(out, "%s%s: %u", separator, fg_tier_name((enum fg_tier)tier),
				counts[tier]);
			separator = ", ";
		}
	fputs(rule->n_matches > 0 ? ")\n" : "\n", out);
}

static void print_place(uint32_t number, FILE *out)
{
	const struct fg_node *node;

	if (number == 0)
		return;
	node = &command_app->book.entries[number - 1].node;
	fprintf(out, ", line %u of %s", node->line, node->file);
}

static void print_feed(const struct fg_rule *rule, uint32_t number, FILE *out)
{
	struct fg_msg_filter_info info;

	fprintf(out, "  feed: %s", command_app->feeds[rule->feed]->conf.name);
	if (rule->feed_line != 0)
		fprintf(out, ", line %c", 'A' + rule->feed_line - 1);
	fputc('\n', out);
	if (!report_has_protocol(command_app, rule))
		return;
	fputs("  wants: ", out);
	report_subscription(command_app, rule, out);
	fputc('\n', out);
	if (fg_pipeline_filter(command_app->pipeline, number, &info))
		fprintf(out, "  unresolved: %u symbols have no number so far; compiled: %s bytes\n",
			info.n_unmapped_symbols, report_grouped(info.bytes));
}

static void show_rule(const struct fg_rule *rule, uint32_t number)
{
	FILE *out = command_out();
	struct snapshot now;
	const struct fg_rule_totals *totals;
	char finding[128];

	command_snapshot(&now);
	totals = &now.rules[rule->id];
	fprintf(out, "rule %s, number %u of %u", rule->name, number, rules()->count);
	print_place(number, out);
	fprintf(out, "\n  match: %s\n  entries: %u", rule->text, rule->n_matches);
	print_tiers(rule, out);
	if (rule->feed != FG_FEED_NONE)
		print_feed(rule, number, out);
	fputs("  to: ", out);
	report_action(command_app, rule, out);
	fprintf(out,
		"\n  packets: %lu, bytes: %lu, duplicates: %lu, unmatched: %lu, "
		"sink drops: %lu, last hit: %s\n",
		(unsigned long)totals->packets, (unsigned long)totals->bytes,
		(unsigned long)totals->duplicates, (unsigned long)totals->unmatched,
		(unsigned long)totals->dropped, report_age(totals->last_ticks));
	findings_text(findings_of(command_app), rules(), number, finding, sizeof(finding));
	if (finding[0] != '\0')
		fprintf(out, "  %s\n", finding);
	snapshot_free(&now);
}

static void run_show_rule(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;

	(void)cl;
	(void)data;
	for (uint32_t i = 0; i <= rules()->count; i++)
		if (strcmp(rules()->rules[i].name, command->argument) == 0) {
			show_rule(&rules()->rules[i], i);
			return;
		}
	fprintf(command_out(), "no rule is called '%s'\n", command->argument);
}

static cmdline_parse_token_string_t token_show =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "show");
static cmdline_parse_token_string_t token_show_rule =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "rule");
cmdline_parse_inst_t command_show_rule = {
	.f = run_show_rule,
	.help_str = "show rule NAME",
	.tokens = {(void *)&token_show, (void *)&token_show_rule, (void *)&token_name, NULL},
};

/* rules reload [FILE], rules save FILE */

static void run_reload(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	char copy[COMMAND_TEXT_BYTES];
	const char *path = NULL;
	struct fg_error error = {0};

	(void)cl;
	(void)data;
	if (command->text != NULL) {
		path = command_text(command->text, copy);
		if (path == NULL)
			return;
	}
	if (reload_file(command_app, path, command_out(), &error) != 0)
		refused(&error);
}

static void run_save(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	char copy[COMMAND_TEXT_BYTES];
	const char *path = command_text(command->text, copy);
	struct fg_error error = {0};

	(void)cl;
	(void)data;
	if (path == NULL)
		return;
	if (save_rules(command_app, path, &error) == 0)
		fprintf(command_out(), "%s: %u rules, version %u\n", path, rules()->count,
			fg_pipeline_rules_version(command_app->pipeline));
	else
		command_error(&error);
}

static cmdline_parse_token_string_t token_rules =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "rules");
static cmdline_parse_token_string_t token_reload =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "reload");
static cmdline_parse_token_string_t token_save =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "save");
cmdline_parse_inst_t command_reload = {
	.f = run_reload,
	.help_str = "rules reload",
	.tokens = {(void *)&token_rules, (void *)&token_reload, NULL},
};
cmdline_parse_inst_t command_reload_file = {
	.f = run_reload,
	.help_str = "rules reload FILE",
	.tokens = {(void *)&token_rules, (void *)&token_reload, (void *)&token_file, NULL},
};
cmdline_parse_inst_t command_save = {
	.f = run_save,
	.help_str = "rules save FILE",
	.tokens = {(void *)&token_rules, (void *)&token_save, (void *)&token_file, NULL},
};

/* rules add RULE [WHERE] */

static void run_add(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	char copy[COMMAND_TEXT_BYTES];
	const char *text = command_text(command->text, copy);
	struct fg_error error = {0};

	(void)cl;
	(void)data;
	if (text != NULL && edit_add(command_app, text, command_out(), &error) != 0)
		refused(&error);
}

static cmdline_parse_token_string_t token_add =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "add");
cmdline_parse_inst_t command_add = {
	.f = run_add,
	.help_str = "rules add RULE [first | last | before NAME | after NAME]",
	.tokens = {(void *)&token_rules, (void *)&token_add, (void *)&token_rule, NULL},
};

/* rules delete NAME, rules move NAME WHERE */

static void run_delete(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	struct rulebook edited;
	struct fg_error error = {0};

	(void)cl;
	(void)data;
	if (rulebook_delete(&command_app->book, command->argument, &edited, &error) != 0 ||
	    reload_edited(command_app, &edited, command_out(), &error) != 0)
		refused(&error);
}

static void run_move(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;
	struct rulebook_place place = {.name = command->other};
	struct rulebook edited;
	struct fg_error error = {0};

	(void)cl;
	(void)data;
	place.where = place_named(command->words[2]);
	if (rulebook_move(&command_app->book, command->argument, &place, &edited, &error) != 0 ||
	    reload_edited(command_app, &edited, command_out(), &error) != 0)
		refused(&error);
}

static cmdline_parse_token_string_t token_delete =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "delete");
static cmdline_parse_token_string_t token_move =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "move");
static cmdline_parse_token_string_t token_end =
	TOKEN_STRING_INITIALIZER(struct command, words[2], "first#last");
static cmdline_parse_token_string_t token_beside =
	TOKEN_STRING_INITIALIZER(struct command, words[2], "before#after");
cmdline_parse_inst_t command_delete = {
	.f = run_delete,
	.help_str = "rules delete NAME",
	.tokens = {(void *)&token_rules, (void *)&token_delete, (void *)&token_name, NULL},
};
cmdline_parse_inst_t command_move = {
	.f = run_move,
	.help_str = "rules move NAME first | last",
	.tokens = {(void *)&token_rules, (void *)&token_move, (void *)&token_name,
		   (void *)&token_end, NULL},
};
cmdline_parse_inst_t command_move_beside = {
	.f = run_move,
	.help_str = "rules move NAME before | after NAME",
	.tokens = {(void *)&token_rules, (void *)&token_move, (void *)&token_name,
		   (void *)&token_beside, (void *)&token_other, NULL},
};
