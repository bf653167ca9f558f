/* SPDX-License-Identifier: MIT */
/* What DPDK's drivers do not report, by driver. */
#ifndef CAPTURE_ETHDEV_DRIVER_H
#define CAPTURE_ETHDEV_DRIVER_H

#include <stdbool.h>

struct ethdev_driver {
	const char *name;
	const char *uncounted; /* Packets that are lost but not in imissed; NULL: it counts all. */
	bool uncomputed;       /* As struct fg_source.uncomputed. */
};

/* The driver of this name. One that is not listed reports everything. Threads: any. */
const struct ethdev_driver *ethdev_driver_find(const char *name);

#endif /* CAPTURE_ETHDEV_DRIVER_H */
