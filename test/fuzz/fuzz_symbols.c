/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a symbols file: it is refused with a message of one line that has the name of the
 * file, or its symbols are those of a file that is saved from them.
 *
 * The first byte chooses the protocol.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_memory.h>

#include <fg_eal.h>

#include "symbol_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define ROOM   64u
#define NOW_NS UINT64_C(1796083200000000000) /* 2026-12-01 */

static char folder[] = "/dev/shm/fg_fuzz_symbols_XXXXXX";
static char in[32], saved[64];
static int fd;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void remove_files(void)
{
	(void)unlink(saved);
	(void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fg_error error = {0};

	(void)argc;
	(void)argv;
	check(fg_eal_start_private("fuzz_symbols", &error) == 0);
	fd = memfd_create("symbols", 0);
	check(fd >= 0 && mkdtemp(folder) != NULL);
	snprintf(in, sizeof(in), "/proc/self/fd/%d", fd);
	snprintf(saved, sizeof(saved), "%s/symbols", folder);
	check(atexit(remove_files) == 0);
	return 0;
}

static struct fg_symbols *make(const char *protocol)
{
	const struct fg_symbols_conf conf = {.protocol = fg_protocol_find(protocol),
					     .symbols_max = ROOM,
					     .socket_id = SOCKET_ID_ANY};
	struct fg_symbols *symbols = NULL;
	struct fg_error error = {0};

	check(fg_symbols_create(&conf, &symbols, &error) == 0);
	return symbols;
}

struct view {
	struct symbol_seen at[ROOM];
	uint32_t count;
};

static void begin(void *context)
{
	memset(context, 0, sizeof(struct view));
}

static void visit(void *context, const struct symbol_seen *seen)
{
	struct view *view = context;
	struct symbol_seen *to = &view->at[view->count++];

	check(view->count <= ROOM && seen->number != 0 && seen->symbol.words[0] != 0);
	to->number = seen->number;
	to->symbol = seen->symbol;
}

static struct view take(const struct fg_symbols *symbols)
{
	struct symbol_moment moment;
	struct view view;

	check(symbol_map_visit(symbols, begin, visit, &view, &moment) == 0);
	return view;
}

static void save_and_load(const char *protocol, struct fg_symbols *symbols)
{
	const struct fg_feed_packet pkt = {.session = "DAY1"};
	struct fg_symbols *again = make(protocol);
	enum fg_symbols_file found;
	struct fg_error error = {0};
	struct view before, after;
	uint64_t n_packets = 0;

	(void)fg_symbols_session(symbols, &pkt, ++n_packets, FG_SYMBOLS_SESSION_OTHER);
	(void)fg_symbols_session(symbols, &pkt, ++n_packets, FG_SYMBOLS_SESSION_OTHER);
	before = take(symbols);
	check(fg_symbols_save(symbols, saved, NOW_NS, &error) == 0);
	check(fg_symbols_load(again, saved, NOW_NS, &found, &error) == 0);
	check(found == FG_SYMBOLS_FILE_SAVED);
	after = take(again);
	check(memcmp(&before, &after, sizeof(before)) == 0);
	fg_symbols_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const protocols[] = {"itch50", "nyse_pillar", "b3_umdf"};
	enum fg_symbols_file found;
	struct fg_error error = {0};
	struct fg_symbols *symbols;
	const char *protocol;

	if (size == 0)
		return 0;
	protocol = protocols[data[0] % RTE_DIM(protocols)];
	check(ftruncate(fd, 0) == 0 && pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
	symbols = make(protocol);
	if (fg_symbols_load(symbols, in, NOW_NS, &found, &error) == 0) {
		check(error.text[0] == '\0');
		if (fg_symbols_version(symbols) != 0)
			save_and_load(protocol, symbols);
	} else {
		check(strncmp(error.text, in, strlen(in)) == 0 && error.text[strlen(in)] == ':');
		check(strchr(error.text, '\n') == NULL);
	}
	fg_symbols_free(symbols);
	return 0;
}
