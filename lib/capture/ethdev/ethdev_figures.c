/* SPDX-License-Identifier: MIT */
#include "ethdev_figures.h"

#include <stdlib.h>
#include <string.h>

/* `show sources` shows these for every port, from rte_eth_stats. */
static const char *const shown_already[] = {"rx_missed_errors", "rx_errors",
					    "rx_mbuf_allocation_errors"};

static const char *const relevant[] = {"miss", "drop",  "discard",  "err",    "buf",
				       "crc",  "short", "fragment", "jabber", "oversize",
				       "long", "full",  "lost",     "overrun"};

/* Drivers choose the names, but those of receive counters contain "rx". */
static bool is_relevant(const char *name)
{
	if (strstr(name, "rx") == NULL)
		return false;
	for (unsigned int i = 0; i < RTE_DIM(shown_already); i++)
		if (strcmp(name, shown_already[i]) == 0)
			return false;
	for (unsigned int i = 0; i < RTE_DIM(relevant); i++)
		if (strstr(name, relevant[i]) != NULL)
			return true;
	return false;
}

void ethdev_xstats_find(struct ethdev_xstats *xstats, uint16_t port_id)
{
	const int total = rte_eth_xstats_get_names(port_id, NULL, 0);
	struct rte_eth_xstat_name *names;

	if (xstats->count > 0 || total <= 0)
		return;
	names = calloc((size_t)total, sizeof(*names));
	if (names == NULL ||
	    rte_eth_xstats_get_names(port_id, names, (unsigned int)total) != total) {
		free(names);
		return;
	}
	for (int i = 0; i < total && xstats->count < ETHDEV_XSTATS_MAX; i++) {
		if (!is_relevant(names[i].name))
			continue;
		xstats->ids[xstats->count] = (uint64_t)i;
		memcpy(xstats->names[xstats->count], names[i].name, sizeof(names[i].name));
		xstats->count++;
	}
	free(names);
	if (rte_eth_xstats_get_by_id(port_id, xstats->ids, xstats->base, xstats->count) !=
	    xstats->count)
		xstats->count = 0;
}

static unsigned int read_xstats(struct ethdev_xstats *xstats, uint16_t port_id,
				struct fg_source_figure *figures)
{
	uint64_t values[ETHDEV_XSTATS_MAX];
	unsigned int n = 0;

	if (xstats->count == 0 ||
	    rte_eth_xstats_get_by_id(port_id, xstats->ids, values, xstats->count) != xstats->count)
		return 0;
	for (unsigned int i = 0; i < xstats->count && n < FG_SOURCE_FIGURES_MAX; i++) {
		/* Drivers may reset their counters. */
		xstats->base[i] = RTE_MIN(xstats->base[i], values[i]);
		if (values[i] == xstats->base[i])
			continue;
		figures[n++] = (struct fg_source_figure){
			.name = xstats->names[i],
			.help = "the driver's own count",
			.value = values[i] - xstats->base[i],
		};
	}
	return n;
}

static unsigned int read_queues(const struct fg_source *src, struct fg_source_figure *figures,
				unsigned int room)
{
	static const char *const names[] = {"queue 0",  "queue 1",  "queue 2",  "queue 3",
					    "queue 4",  "queue 5",  "queue 6",  "queue 7",
					    "queue 8",  "queue 9",  "queue 10", "queue 11",
					    "queue 12", "queue 13", "queue 14", "queue 15"};
	unsigned int n = 0;

	for (uint16_t queue = 0;
	     src->n_queues > 1 && queue < src->n_queues && n < room && queue < RTE_DIM(names);
	     queue++)
		figures[n++] = (struct fg_source_figure){
			.name = names[queue],
			.help = "packets of this queue",
			.value = fg_counter_read(&src->queues[queue].received.packets),
		};
	return n;
}

unsigned int ethdev_figures_read(struct ethdev_xstats *xstats, uint16_t port_id,
				 const struct fg_source *src,
				 struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX])
{
	const unsigned int n = xstats != NULL ? read_xstats(xstats, port_id, figures) : 0;

	return n + read_queues(src, figures + n, FG_SOURCE_FIGURES_MAX - n);
}
