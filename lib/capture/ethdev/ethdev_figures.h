/* SPDX-License-Identifier: MIT */
/* Extended statistics (xstats) of a port: counters that only its driver has. */
#ifndef CAPTURE_ETHDEV_FIGURES_H
#define CAPTURE_ETHDEV_FIGURES_H

#include <rte_ethdev.h>

#include <fg_source.h>

#define ETHDEV_XSTATS_MAX 128u

/* The driver's counters of receive losses and errors. Only control uses them. */
struct ethdev_xstats {
	uint16_t count;
	uint64_t ids[ETHDEV_XSTATS_MAX];
	uint64_t base[ETHDEV_XSTATS_MAX]; /* Values when they were found. */
	char names[ETHDEV_XSTATS_MAX][RTE_ETH_XSTATS_NAME_SIZE];
};

/* Find them; the port is started. Later calls do nothing. A driver may have none. */
void ethdev_xstats_find(struct ethdev_xstats *xstats, uint16_t port_id);

/*
 * Fill @figures with the counters that have changed since ethdev_xstats_find(), then with the
 * packets of each queue if there are several. @xstats: NULL if the port was removed. @return how
 * many were filled.
 */
unsigned int ethdev_figures_read(struct ethdev_xstats *xstats, uint16_t port_id,
				 const struct fg_source *src,
				 struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX]);

#endif /* CAPTURE_ETHDEV_FIGURES_H */
