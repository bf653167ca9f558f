/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <fg_names.h>
#include <fg_stats.h>

#define CHUNK_NAMES 4096u
#define CHUNKS      (FG_RULE_IDS_MAX / CHUNK_NAMES)
#define SLOTS       (2u * FG_RULE_IDS_MAX)

/*
 * Names are in chunks that never move, so that readers need no lock. store() releases
 * the pointer of a new chunk, slot_of() acquires it. Names added to a chunk later reach
 * a reader by the release that publishes the rule set with these names.
 */
static _Atomic(char **) chunks[CHUNKS];
/* Used by the control thread only: */
static uint32_t count;   /* names have ids 1..count */
static uint32_t *hashed; /* [SLOTS], ids, open addressing; 0: free */

static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static char **slot_of(uint32_t id)
{
	char **chunk = atomic_load_explicit(&chunks[id / CHUNK_NAMES], memory_order_acquire);

	return &chunk[id % CHUNK_NAMES];
}

static int store(uint32_t id, const char *name)
{
	_Atomic(char **) *chunk = &chunks[id / CHUNK_NAMES];
	char *copy = strdup(name);

	if (copy == NULL)
		return -ENOMEM;
	if (atomic_load_explicit(chunk, memory_order_relaxed) == NULL) {
		char **names = calloc(CHUNK_NAMES, sizeof(*names));

		if (names == NULL) {
			free(copy);
			return -ENOMEM;
		}
		atomic_store_explicit(chunk, names, memory_order_release);
	}
	*slot_of(id) = copy;
	return 0;
}

int fg_names_id(const char *name, uint32_t *id)
{
	uint32_t slot = hash(name) % SLOTS;
	int rc;

	if (hashed == NULL) {
		hashed = calloc(SLOTS, sizeof(*hashed));
		if (hashed == NULL)
			return -ENOMEM;
	}
	for (; hashed[slot] != 0; slot = (slot + 1) % SLOTS)
		if (strcmp(*slot_of(hashed[slot]), name) == 0) {
			*id = hashed[slot];
			return 0;
		}
	if (count + 1 >= FG_RULE_IDS_MAX)
		return -ENOSPC;
	rc = store(count + 1, name);
	if (rc != 0)
		return rc;
	*id = hashed[slot] = ++count;
	return 0;
}

const char *fg_names_get(uint32_t id)
{
	return id == 0 ? "-" : *slot_of(id);
}

uint32_t fg_names_count(void)
{
	return count;
}

/* The last name first: none was put in after it, so its slot can be freed as it is. */
void fg_names_forget(uint32_t mark)
{
	for (; count > mark; count--) {
		char **name = slot_of(count);
		uint32_t slot = hash(*name) % SLOTS;

		while (hashed[slot] != count)
			slot = (slot + 1) % SLOTS;
		hashed[slot] = 0;
		free(*name);
		*name = NULL;
	}
}

void fg_names_reset(void)
{
	for (uint32_t id = 1; id <= count; id++)
		free(*slot_of(id));
	for (uint32_t i = 0; i < CHUNKS; i++) {
		free(atomic_load_explicit(&chunks[i], memory_order_relaxed));
		atomic_store_explicit(&chunks[i], NULL, memory_order_relaxed);
	}
	free(hashed);
	hashed = NULL;
	count = 0;
}
