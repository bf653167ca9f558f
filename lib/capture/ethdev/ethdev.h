/* SPDX-License-Identifier: MIT */
/*
 * The ethdev kind's ops, for kinds that create a DPDK port and then work as an ethdev source
 * (af_xdp): their ops are these functions, or call them.
 */
#ifndef CAPTURE_ETHDEV_H
#define CAPTURE_ETHDEV_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

struct ethdev_conf {
	char *device;
	uint64_t descriptors;
	uint64_t mtu;
	bool rss;
	bool promiscuous;
	bool allmulticast;
};

/* As the members of struct fg_source_ops; conf points to a struct ethdev_conf. */
int ethdev_open(struct fg_source *src, const void *conf, struct fg_error *error);
int ethdev_start(struct fg_source *src, struct fg_error *error);
uint16_t ethdev_rx_burst(struct fg_source *src, uint16_t queue, struct rte_mbuf **pkts,
			 uint16_t max);
void ethdev_stop(struct fg_source *src);
bool ethdev_ended(struct fg_source *src);
void ethdev_lost(struct fg_source *src, struct fg_source_lost *lost);
unsigned int ethdev_figures(struct fg_source *src,
			    struct fg_source_figure figures[FG_SOURCE_FIGURES_MAX]);
enum fg_link ethdev_watch(struct fg_source *src);
uint64_t ethdev_outstanding(struct fg_source *src);
void ethdev_close(struct fg_source *src);

/* Pointer to the state of the kind that uses these functions; initially NULL. */
void **ethdev_extra(const struct fg_source *src);

/* Release the port, which closes the driver. ethdev_lost() still works. Control; after stop. */
void ethdev_release_port(struct fg_source *src);

#endif /* CAPTURE_ETHDEV_H */
