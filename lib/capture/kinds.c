/* SPDX-License-Identifier: MIT */
#include "kinds.h"

#include <string.h>

#include <fg_source.h>

const struct fg_source_ops *const fg_source_kinds[] = {
	&fg_source_ethdev,
	&fg_source_af_xdp,
	&fg_source_io_uring,
	&fg_source_packet_mmap,
	&fg_source_pf_ring,
	&fg_source_replay,
	NULL,
};

const struct fg_source_ops *fg_source_kind(const char *name)
{
	for (unsigned int i = 0; fg_source_kinds[i] != NULL; i++)
		if (strcmp(fg_source_kinds[i]->name, name) == 0)
			return fg_source_kinds[i];
	return NULL;
}
