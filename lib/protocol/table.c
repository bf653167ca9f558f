/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tables.h"

#define X(name) &protocol_##name,
const struct fg_protocol *const fg_protocols[] = {FG_PROTOCOLS(X) NULL};
#undef X

const struct fg_protocol *fg_protocol_find(const char *name)
{
	for (const struct fg_protocol *const *p = fg_protocols; *p != NULL; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

const struct fg_messages *fg_messages_find(const char *name)
{
	for (const struct fg_protocol *const *p = fg_protocols; *p != NULL; p++)
		if (strcmp((*p)->messages->name, name) == 0)
			return (*p)->messages;
	return NULL;
}
