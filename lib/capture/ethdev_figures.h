/* SPDX-License-Identifier: MIT */
/* What a port's driver counts beyond what every port has: its extended statistics. */
#ifndef CAPTURE_ETHDEV_FIGURES_H
#define CAPTURE_ETHDEV_FIGURES_H

#include <rte_ethdev.h>

#include <fg_source.h>

#define ETHDEV_XSTATS_MAX 128u

/* The driver's counters that tell of loss or trouble in receiving. Control's own. */
struct ethdev_xstats {
	uint16_t count;
	uint64_t ids[ETHDEV_XSTATS_MAX];
	uint64_t base[ETHDEV_XSTATS_MAX]; /* What they showed when they were found. */
	char names[ETHDEV_XSTATS_MAX][RTE_ETH_XSTATS_NAME_SIZE];
};

/* Find them, once; the port is started. A driver that has none is no error. */
void ethdev_xstats_find(struct ethdev_xstats *xstats, uint16_t port_id);

/*
 * Those that counted something since, then each queue's packets if there are
 * several queues. @param xstats  NULL: the port is gone.
 */
unsigned int ethdev_figures_read(struct ethdev_xstats *xstats, uint16_t port_id,
				 const struct fg_source *src,
				 struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX]);

#endif /* CAPTURE_ETHDEV_FIGURES_H */
