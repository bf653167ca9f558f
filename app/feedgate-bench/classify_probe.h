/* SPDX-License-Identifier: MIT */
/* The build of a table in a child process, with limits of memory and time. */
#ifndef CLASSIFY_PROBE_H
#define CLASSIFY_PROBE_H

#include <stdint.h>

#include <fg_error.h>

#include "classify_subjects.h"

/* The result of a build in a child process. */
struct probe {
	int rc;              /* 0, or -errno of the build; -EPROTO: the child crashed. */
	uint64_t peak_bytes; /* The most memory that the build used at a time; 0: no build. */
	uint64_t heap_bytes; /* DPDK memory of the table. */
	char reason[256];    /* Of a failure. */
};

/*
 * Build @p subject's table in a child process. To be called before EAL is started.
 * @return 0 if the child ended, also if the build failed; -errno with @p error set if there is no
 * child, or -EINTR if we were interrupted.
 */
int classify_probe(const struct subject *subject, const struct work *work, struct probe *probe,
		   struct fg_error *error);

#endif /* CLASSIFY_PROBE_H */
