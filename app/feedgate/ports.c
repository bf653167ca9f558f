/* SPDX-License-Identifier: MIT */
#include "ports.h"

#include <errno.h>

#include <rte_ethdev.h>

#include <fg_dpdk.h>

#include "app.h"
#include "entries.h"

int ports_as_sources(struct app *app, struct fg_error *error)
{
	struct fg_placement placement;
	uint16_t port, n_queues;
	int rc = fg_placement_make(&app->pipeline_conf, 0, &placement, error);

	for (port = 0; rc == 0 && port < RTE_MAX_ETHPORTS; port++) {
		struct rte_eth_dev_info info;
		char name[RTE_ETH_NAME_MAX_LEN];

		if (!rte_eth_dev_is_valid_port(port))
			continue;
		rc = rte_eth_dev_info_get(port, &info);
		if (rc == 0)
			rc = fg_dpdk_port_name(port, name);
		if (rc != 0)
			return fg_error_set(error, -rc, "port %u: its driver gives no information",
					    port);
		n_queues = placement.n_rx;
		if (n_queues > info.max_rx_queues)
			n_queues = info.max_rx_queues > 0 ? info.max_rx_queues : 1;
		rc = entries_make_source(app, "ethdev", name, name, n_queues, error);
	}
	if (rc == 0 && app->n_sources == 0)
		rc = fg_error_set(
			error, ENODEV,
			"no sources: the configuration lists none and EAL found no port "
			"(give EAL a device with -a, or --vdev, or list a replay source)");
	return rc;
}
