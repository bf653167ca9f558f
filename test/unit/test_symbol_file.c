/* SPDX-License-Identifier: MIT */
/* The symbol map's file: written by hand, written by feedgate, and written by an enemy. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filter_rig.h"
#include "symbol_map.h"

/* 2026-12-01 00:00:00 and 2026-12-02 00:00:00 UTC. */
#define DAY_NS  UINT64_C(1796083200000000000)
#define NEXT_NS UINT64_C(1796169600000000000)

static char folder[] = "/tmp/fg_test_symbol_file_XXXXXX";
static char path[64];

static void write_bytes(const void *bytes, size_t count)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
}

static void view_begin(void *context)
{
	*(uint32_t *)context = 0;
}

static struct symbol_seen entries[16];

static void view_entry(void *context, const struct symbol_seen *seen)
{
	uint32_t *count = context;

	assert_true(*count < RTE_DIM(entries));
	entries[(*count)++] = *seen;
}

static uint32_t view(const struct fg_symbols *symbols)
{
	struct symbol_moment moment;
	uint32_t count;

	assert_int_equal(symbol_map_visit(symbols, view_begin, view_entry, &count, &moment), 0);
	return count;
}

static bool has(const struct fg_symbols *symbols, uint64_t number, const char *text)
{
	const uint32_t count = view(symbols);

	for (uint32_t i = 0; i < count; i++)
		if (entries[i].number == number)
			return strncmp((const char *)&entries[i].symbol, text, FG_SYMBOL_BYTES) ==
			       0;
	return false;
}

static void test_by_hand(void **unused)
{
	static const struct {
		const char *text;
		int rc;
		const char *reason;
	} cases[] = {
		{"# all good\n\n7 AAPL # an apple\n 8,MSFT\n9 , BRK#\n10\tA B\r\n", 0, ""},
		{"7 AAPL\nAAPL 7\n", -EINVAL, ":2: 'AAPL': expected a number from 1 to 65535"},
		{"65536 AAPL\n", -EINVAL, ":1: '65536': expected a number"},
		{"0 AAPL\n", -EINVAL, ":1: '0': expected a number"},
		{"-1 AAPL\n", -EINVAL, ":1: '-1': expected a number"},
		{"7\n", -EINVAL, ":1: '': expected a symbol of 1 to 32 bytes after 7"},
		{"7 123456789012345678901234567890123\n", -EINVAL, "expected a symbol"},
		{"7 hex:4\n", -EINVAL, ":1: 'hex:4': expected a symbol"},
		{"7 hex:\n", -EINVAL, ":1: 'hex:': expected a symbol"},
		{"7 hex:4G\n", -EINVAL, ":1: 'hex:4G': expected a symbol"},
		{"1 A\n2 B\n3 C\n4 D\n5 E\n", -ENOSPC, ":5: the symbol map is full: it has room"},
		{"1 A\nsession 00\n", -EINVAL, ":2: 'session': expected a number"},
		{"session 00\n", -EINVAL, ":1: session '00': expected 16 bytes"},
		{"day today\n", -EINVAL, ":1: day 'today': expected a date such as 2026-12-01"},
		{"day 2026-12-01\nday 2026-12-01\n", -EINVAL, ":2: a second session or day"},
		{"7 A\x01\n", -EINVAL, ":1: byte 0x01: expected text"},
		{"7 A\x1b[2J\n", -EINVAL, ":1: byte 0x1b: expected text"},
	};
	const struct fg_protocol *protocol = fg_protocol_find("itch50");

	(void)unused;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct fg_symbols *symbols = rig_symbols(protocol, 4);
		enum fg_symbols_file found = FG_SYMBOLS_FILE_NONE;
		struct fg_error error = {0};

		write_bytes(cases[i].text, strlen(cases[i].text));
		assert_int_equal(fg_symbols_load(symbols, path, DAY_NS, &found, &error),
				 cases[i].rc);
		if (strstr(error.text, cases[i].reason) == NULL || strchr(error.text, '\n') != NULL)
			fail_msg("'%s' lacks '%s'", error.text, cases[i].reason);
		if (cases[i].rc == 0) {
			assert_int_equal(found, FG_SYMBOLS_FILE_HAND);
			assert_int_equal(view(symbols), 4);
			assert_true(has(symbols, 7, "AAPL") && has(symbols, 8, "MSFT") &&
				    has(symbols, 9, "BRK#") && has(symbols, 10, "A B"));
		}
		fg_symbols_free(symbols);
	}
}

static void test_refused(void **unused)
{
	struct fg_symbols *symbols = rig_symbols(fg_protocol_find("itch50"), 4);
	enum fg_symbols_file found = FG_SYMBOLS_FILE_HAND;
	struct fg_error error = {0};
	char line[2000];

	(void)unused;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fg_symbols_load(symbols, path, DAY_NS, &found, &error), 0);
	assert_int_equal(found, FG_SYMBOLS_FILE_NONE);
	assert_string_equal(error.text, "");
	assert_int_equal(fg_symbols_load(symbols, folder, DAY_NS, &found, &error), -EINVAL);
	assert_non_null(strstr(error.text, "expected a regular file"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fg_symbols_load(symbols, path, DAY_NS, &found, &error), -EINVAL);
	assert_int_equal(unlink(path), 0);
	error = (struct fg_error){0};
	memset(line, 'A', sizeof(line));
	write_bytes(line, sizeof(line));
	assert_int_equal(fg_symbols_load(symbols, path, DAY_NS, &found, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":1: over 1022 bytes in a line"));
	error = (struct fg_error){0};
	write_bytes("7 A\0B\n", 6);
	assert_int_equal(fg_symbols_load(symbols, path, DAY_NS, &found, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":1: byte 0x00: expected text"));
	assert_int_equal(view(symbols), 0);
	fg_symbols_free(symbols);
	symbols = rig_symbols(fg_protocol_find("iex_tp"), 0);
	assert_int_equal(fg_symbols_load(symbols, path, DAY_NS, &found, &error), -EINVAL);
	fg_symbols_free(symbols);
}

static uint64_t n_packets; /* of the feed */

static struct fg_feed_packet of_session(const char *session)
{
	struct fg_feed_packet packet = {.kind = FG_FEED_DATA};

	memcpy(packet.session, session, strlen(session));
	return packet;
}

static void add(struct fg_symbols *symbols, uint64_t number, const void *bytes, uint32_t count)
{
	struct symbol symbol;

	assert_true(symbol_read(&symbol, bytes, count));
	assert_true(symbol_map_add(symbols, number, &symbol));
}

static void save(const struct fg_symbols *symbols, uint64_t now_ns)
{
	struct fg_error error = {0};

	if (fg_symbols_save(symbols, path, now_ns, &error) != 0)
		fail_msg("%s", error.text);
}

static struct fg_symbols *load(const char *protocol, uint64_t now_ns, enum fg_symbols_file expected)
{
	struct fg_symbols *symbols = rig_symbols(fg_protocol_find(protocol), 16);
	enum fg_symbols_file found;
	struct fg_error error = {0};

	if (fg_symbols_load(symbols, path, now_ns, &found, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(found, expected);
	return symbols;
}

/* Whatever a feed calls its instruments: what is written is what is read. */
static void test_round_trip(void **unused)
{
	static const char *const texts[] = {
		"AAPL",     "A B",     "A #B",   "A#",   " A",
		",A",       "#A",      "hex:41", "A\nB", "\x1b[2J",
		"\xc3\xa4", "session", "7",      "A\tB", "123456789012345678901234567890 #"};
	const struct fg_feed_packet today = of_session("DAY");
	struct fg_symbols *symbols = rig_symbols(fg_protocol_find("nyse_pillar"), 16), *read;
	uint8_t bytes[FG_SYMBOL_BYTES];
	struct fg_error error = {0};

	(void)unused;
	for (uint32_t i = 0; i < RTE_DIM(texts); i++)
		add(symbols, i + 1, texts[i], (uint32_t)strlen(texts[i]));
	add(symbols, UINT32_MAX, "A\0B", 3);
	/* There is no session so far. */
	assert_int_equal(fg_symbols_save(symbols, path, DAY_NS, &error), -EAGAIN);
	assert_true(fg_symbols_session(symbols, &today, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	save(symbols, DAY_NS);
	read = load("nyse_pillar", NEXT_NS, FG_SYMBOLS_FILE_SAVED);
	assert_int_equal(view(read), RTE_DIM(texts) + 1);
	for (uint32_t i = 0; i < RTE_DIM(texts); i++)
		if (!has(read, i + 1, texts[i]))
			fail_msg("%u: '%s' is missing", i, texts[i]);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "A\0B", 3);
	(void)view(read);
	assert_memory_equal(&entries[RTE_DIM(texts)].symbol, bytes, sizeof(bytes));
	fg_symbols_free(read);
	fg_symbols_free(symbols);
}

/* The file counts for its session alone, or where sessions have no name, for its day. */
static void test_of_session(void **unused)
{
	const struct fg_feed_packet monday = of_session("MON"), tuesday = of_session("TUE");
	const struct fg_feed_packet nameless = of_session("");
	struct fg_symbols *symbols = rig_symbols(fg_protocol_find("itch50"), 16);

	(void)unused;
	add(symbols, 7, "AAPL", 4);
	assert_true(fg_symbols_session(symbols, &monday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	save(symbols, DAY_NS);
	fg_symbols_free(symbols);
	/* Restarted in the session: the map goes on. */
	symbols = load("itch50", NEXT_NS, FG_SYMBOLS_FILE_SAVED);
	assert_true(fg_symbols_session(symbols, &monday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_true(has(symbols, 7, "AAPL"));
	fg_symbols_free(symbols);
	/* In another: one stray packet does not end it, a second one does. */
	symbols = load("itch50", DAY_NS, FG_SYMBOLS_FILE_SAVED);
	assert_false(fg_symbols_session(symbols, &tuesday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_true(has(symbols, 7, "AAPL"));
	assert_true(fg_symbols_session(symbols, &tuesday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_false(has(symbols, 7, "AAPL"));
	assert_true(fg_symbols_same_session(symbols, &tuesday));
	fg_symbols_free(symbols);
	/* A file that was written by hand is of the first session, and of no other. */
	write_bytes("7 AAPL\n", 7);
	symbols = load("itch50", DAY_NS, FG_SYMBOLS_FILE_HAND);
	assert_true(fg_symbols_session(symbols, &monday, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_true(has(symbols, 7, "AAPL"));
	assert_true(fg_symbols_session(symbols, &tuesday, ++n_packets, FG_SYMBOLS_SESSION_NEW));
	assert_false(has(symbols, 7, "AAPL"));
	/* Nameless. */
	fg_symbols_free(symbols);
	symbols = rig_symbols(fg_protocol_find("nyse_pillar"), 16);
	add(symbols, 70000, "IBM", 3);
	assert_true(fg_symbols_session(symbols, &nameless, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	save(symbols, NEXT_NS - 1);
	fg_symbols_free(symbols);
	symbols = load("nyse_pillar", DAY_NS, FG_SYMBOLS_FILE_SAVED);
	assert_true(fg_symbols_session(symbols, &nameless, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_true(has(symbols, 70000, "IBM"));
	fg_symbols_free(symbols);
	symbols = load("nyse_pillar", NEXT_NS, FG_SYMBOLS_FILE_OLD);
	assert_int_equal(view(symbols), 0);
	fg_symbols_free(symbols);
}

/* A save that fails leaves the file as it was, and nothing beside it. */
static void test_failed_save(void **unused)
{
	const struct fg_feed_packet today = of_session("DAY");
	struct fg_symbols *symbols = rig_symbols(fg_protocol_find("itch50"), 16);
	struct fg_error error = {0};
	char aside[80];

	(void)unused;
	add(symbols, 7, "AAPL", 4);
	assert_true(fg_symbols_session(symbols, &today, ++n_packets, FG_SYMBOLS_SESSION_OTHER));
	assert_int_equal(fg_symbols_save(symbols, "/nonexistent/x", DAY_NS, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nonexistent/x: "));
	/* A link beside the file is not followed. */
	snprintf(aside, sizeof(aside), "%s.new", path);
	assert_int_equal(symlink("/tmp/fg_test_symbol_file_target", aside), 0);
	assert_int_equal(fg_symbols_save(symbols, path, DAY_NS, &error), -ELOOP);
	assert_int_equal(access("/tmp/fg_test_symbol_file_target", F_OK), -1);
	assert_int_equal(unlink(aside), 0);
	save(symbols, DAY_NS);
	assert_int_equal(access(aside, F_OK), -1);
	fg_symbols_free(symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_of_session),
		cmocka_unit_test(test_failed_save),
	};
	struct fg_error error = {0};
	int rc;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/symbols", folder);
	if (fg_eal_start_private("test_symbol_file", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)rmdir(folder);
	return rc;
}
