/* SPDX-License-Identifier: MIT */
/* Mode and owner of a pcapng sink's files, from the configuration. */
#ifndef PCAPNG_OWNER_H
#define PCAPNG_OWNER_H

#include <fg_error.h>

#include "pcapng_output.h"

/*
 * @param mode   Octal, or "".
 * @param owner  USER, USER:GROUP, :GROUP, names or numbers, or "".
 * 0 or -EINVAL with `error` set.
 */
int pcapng_owner_read(struct pcapng_owner *out, const char *mode, const char *owner,
		      const char *sink_name, struct fg_error *error);

#endif /* PCAPNG_OWNER_H */
