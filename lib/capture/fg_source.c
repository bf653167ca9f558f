/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <fg_source.h>

#include "interface_missed.h"

/* meson.build sets FG_SOURCE_KINDS to a row X(NAME) for each kind. */
#define X(name) extern const struct fg_source_ops fg_source_##name;
FG_SOURCE_KINDS
#undef X

#define X(name) &fg_source_##name,
const struct fg_source_ops *const fg_source_kinds[] = {FG_SOURCE_KINDS NULL};
#undef X

const struct fg_source_ops *fg_source_kind(const char *name)
{
	for (unsigned int i = 0; fg_source_kinds[i] != NULL; i++)
		if (strcmp(fg_source_kinds[i]->name, name) == 0)
			return fg_source_kinds[i];
	return NULL;
}

int fg_source_probe(const struct fg_source_ops *ops, struct fg_error *error)
{
	return ops->probe != NULL ? ops->probe(error) : 0;
}

bool fg_source_ended(struct fg_source *src)
{
	return src->ops->ended != NULL && src->ops->ended(src);
}

uint64_t fg_source_received(const struct fg_source *src)
{
	uint64_t packets = 0;

	for (uint16_t queue = 0; queue < src->n_queues; queue++)
		packets += fg_counter_read(&src->queues[queue].received.packets);
	return packets;
}

void fg_source_count_lost(struct fg_source *src, struct fg_source_lost *lost)
{
	if (src->ops->lost != NULL)
		src->ops->lost(src, lost);
	else
		memset(lost, 0, sizeof(*lost));
	if (src->missed != NULL)
		lost->nic += interface_missed_read(src->missed);
}
