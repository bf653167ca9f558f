/* SPDX-License-Identifier: MIT */
/*
 * Read from the statistics functions of DPDK 22.11.11's drivers: who never sets imissed, or sets it
 * to less than what is lost before rte_eth_rx_burst(). Not listed are drivers whose sender waits or
 * counts (net_ring, net_memif, net_vhost), and those that lose nothing (net_null, net_pcap's
 * files).
 */
#include "ethdev_driver.h"

#include <stddef.h>
#include <string.h>

#define KERNEL  "packets that the kernel drops, because the ring or the socket is full"
#define NIC     "packets that the NIC drops, because its queue is full"
#define VF      "packets that the NIC drops: the virtual function has no counter for them"
#define HOST    "packets that the host drops, because the queue is full"
#define MEMBERS "packets that members drop whose drivers do not count them"

static const struct ethdev_driver drivers[] = {
	{.name = "net_af_packet", .uncounted = KERNEL, .uncomputed = true},
	/* imissed is the kernel's rx_dropped (no buffer), without rx_ring_full. */
	{.name = "net_af_xdp", .uncounted = KERNEL, .uncomputed = true},
	{.name = "net_pcap", .uncomputed = true}, /* Counts the kernel's drops. */
	{.name = "net_tap", .uncounted = KERNEL},
	{.name = "net_tun", .uncounted = KERNEL},
	{.name = "net_kni", .uncounted = KERNEL},
	{.name = "net_virtio", .uncounted = HOST},
	{.name = "net_virtio_user", .uncounted = HOST},
	{.name = "net_avp", .uncounted = HOST},
	{.name = "net_gve", .uncounted = HOST},
	{.name = "net_mana", .uncounted = HOST},
	{.name = "net_ixgbe_vf", .uncounted = VF},
	{.name = "net_e1000_igb_vf", .uncounted = VF},
	{.name = "net_txgbe_vf", .uncounted = VF},
	{.name = "net_mlx4", .uncounted = NIC},
	{.name = "net_idpf", .uncounted = NIC},
	{.name = "net_otx_ep", .uncounted = NIC}, /* imissed: no mbuf. */
	{.name = "net_liovf", .uncounted = NIC},
	{.name = "net_dpaa", .uncounted = NIC},
	{.name = "net_enetfec", .uncounted = NIC},
	{.name = "net_pfe", .uncounted = NIC},
	{.name = "net_nfb", .uncounted = NIC},
	{.name = "net_bonding", .uncounted = MEMBERS},
	{.name = "net_failsafe", .uncounted = MEMBERS},
};

const struct ethdev_driver *ethdev_driver_find(const char *name)
{
	static const struct ethdev_driver reports_all;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i].name, name) == 0)
			return &drivers[i];
	return &reports_all;
}
