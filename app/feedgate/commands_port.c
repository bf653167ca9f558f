/* SPDX-License-Identifier: MIT */
/* Commands about DPDK ports. */
#define ALLOW_EXPERIMENTAL_API /* rte_eth_dev_conf_get(), stable in later DPDK */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include <fg_dpdk.h>
#include <fg_option.h>

#include "commands.h"

static void print_link(uint16_t port, FILE *out)
{
	struct rte_eth_link link;

	memset(&link, 0, sizeof(link));
	if (rte_eth_link_get_nowait(port, &link) != 0) {
		fputs("  link: unknown\n", out);
		return;
	}
	fprintf(out, "  link: %s, %u Mbps, %s duplex\n", link.link_status ? "up" : "down",
		link.link_speed, link.link_duplex ? "full" : "half");
}

/* The checksums that the NIC checks: parse: {checksums: nic} heeds them. */
static void print_checksums(uint16_t port, const struct rte_eth_dev_info *info, FILE *out)
{
	static const struct {
		uint64_t offload;
		const char *name;
	} all[] = {{RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, "IPv4"},
		   {RTE_ETH_RX_OFFLOAD_UDP_CKSUM, "UDP"},
		   {RTE_ETH_RX_OFFLOAD_TCP_CKSUM, "TCP"}};
	struct rte_eth_conf conf;
	const char *separator = " ";

	if (rte_eth_dev_conf_get(port, &conf) != 0)
		return;
	fputs("  rx checksums:", out);
	for (size_t i = 0; i < RTE_DIM(all); i++) {
		if ((info->rx_offload_capa & all[i].offload) == 0)
			continue;
		fprintf(out, "%s%s %s", separator, all[i].name,
			(conf.rxmode.offloads & all[i].offload) != 0 ? "on" : "off");
		separator = ", ";
	}
	fputs(strcmp(separator, " ") == 0 ? " the driver checks none\n" : "\n", out);
}

static void print_info(uint16_t port, FILE *out)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	char name[RTE_ETH_NAME_MAX_LEN] = "?", address[RTE_ETHER_ADDR_FMT_SIZE] = "?";
	uint16_t mtu = 0;

	if (rte_eth_dev_info_get(port, &info) != 0) {
		fprintf(out, "port %u: its driver gives no information\n", port);
		return;
	}
	(void)fg_dpdk_port_name(port, name);
	(void)rte_eth_dev_get_mtu(port, &mtu);
	if (rte_eth_macaddr_get(port, &mac) == 0)
		rte_ether_format_addr(address, sizeof(address), &mac);
	fprintf(out, "port %u: %s\n  driver: %s\n  MAC address: %s\n  NUMA node: %d\n", port, name,
		info.driver_name, address, rte_eth_dev_socket_id(port));
	print_link(port, out);
	fprintf(out, "  MTU: %u (%u to %u)\n  promiscuous: %s, allmulticast: %s\n", mtu,
		info.min_mtu, info.max_mtu, rte_eth_promiscuous_get(port) == 1 ? "on" : "off",
		rte_eth_allmulticast_get(port) == 1 ? "on" : "off");
	fprintf(out, "  queues: rx %u of %u, tx %u of %u\n  descriptors: rx %u to %u\n",
		info.nb_rx_queues, info.max_rx_queues, info.nb_tx_queues, info.max_tx_queues,
		info.rx_desc_lim.nb_min, info.rx_desc_lim.nb_max);
	print_checksums(port, &info, out);
}

static void print_summary(uint16_t port, FILE *out)
{
	struct rte_eth_dev_info info;
	char name[RTE_ETH_NAME_MAX_LEN] = "?";

	if (rte_eth_dev_info_get(port, &info) != 0)
		return;
	(void)fg_dpdk_port_name(port, name);
	fprintf(out, "%4u  %-24s %s\n", port, name, info.driver_name);
}

static void print_stats(uint16_t port, FILE *out)
{
	struct rte_eth_stats stats;

	if (rte_eth_stats_get(port, &stats) != 0) {
		fprintf(out, "port %u: no statistics\n", port);
		return;
	}
	fprintf(out,
		"port %u:\n"
		"  RX-packets: %-16" PRIu64 " RX-missed: %-12" PRIu64 " RX-bytes: %" PRIu64 "\n"
		"  RX-errors:  %-16" PRIu64 " RX-nombuf: %-12" PRIu64 "\n"
		"  TX-packets: %-16" PRIu64 " TX-errors: %-12" PRIu64 " TX-bytes: %" PRIu64 "\n",
		port, stats.ipackets, stats.imissed, stats.ibytes, stats.ierrors, stats.rx_nombuf,
		stats.opackets, stats.oerrors, stats.obytes);
}

static void print_xstats(uint16_t port, unsigned int n, FILE *out)
{
	struct rte_eth_xstat_name *names = calloc(n, sizeof(*names));
	struct rte_eth_xstat *values = calloc(n, sizeof(*values));

	if (names != NULL && values != NULL && rte_eth_xstats_get_names(port, names, n) == (int)n &&
	    rte_eth_xstats_get(port, values, n) == (int)n)
		for (unsigned int i = 0; i < n; i++)
			fprintf(out, "  %s: %" PRIu64 "\n", names[values[i].id].name,
				values[i].value);
	free(names);
	free(values);
}

static void print_all_xstats(uint16_t port, FILE *out)
{
	const int n = rte_eth_xstats_get(port, NULL, 0);

	fprintf(out, "port %u:\n", port);
	if (n > 0)
		print_xstats(port, (unsigned int)n, out);
}

static void clear_stats(uint16_t port, FILE *out)
{
	fprintf(out, "port %u: %s\n", port,
		rte_eth_stats_reset(port) == 0 ? "cleared" : "cannot be cleared");
}

static void clear_xstats(uint16_t port, FILE *out)
{
	fprintf(out, "port %u: %s\n", port,
		rte_eth_xstats_reset(port) == 0 ? "cleared" : "cannot be cleared");
}

/* Run @function for the port, or for all of them. */
static void for_ports(const struct command_input *input, void (*function)(uint16_t port, FILE *out))
{
	const char *which = input->arguments[0];
	uint64_t number;
	uint16_t port;
	unsigned int seen = 0;

	if (strcmp(which, "all") == 0) {
		for (port = 0; port < RTE_MAX_ETHPORTS; port++)
			if (rte_eth_dev_is_valid_port(port)) {
				function(port, input->out);
				seen++;
			}
		if (seen == 0)
			fputs("EAL has no port\n", input->out);
		return;
	}
	if (fg_number_read(which, UINT16_MAX, &number) != 0)
		fprintf(input->out, "'%s': expected a port's number or all\n", which);
	else if (!rte_eth_dev_is_valid_port((uint16_t)number))
		fprintf(input->out, "EAL has no port %s\n", which);
	else
		function((uint16_t)number, input->out);
}

static void show_port_info(struct command_input *input)
{
	for_ports(input, print_info);
}

static void show_port_stats(struct command_input *input)
{
	for_ports(input, print_stats);
}

static void show_port_xstats(struct command_input *input)
{
	for_ports(input, print_all_xstats);
}

static void show_port_summary(struct command_input *input)
{
	for_ports(input, print_summary);
}

static void clear_port_stats(struct command_input *input)
{
	for_ports(input, clear_stats);
}

static void clear_port_xstats(struct command_input *input)
{
	for_ports(input, clear_xstats);
}

const struct command commands_port[] = {
	{"show port info", "PORT", "DPDK's description of a port", show_port_info},
	{"show port stats", "PORT", "DPDK's counters of a port", show_port_stats},
	{"show port xstats", "PORT", "the driver's counters of a port", show_port_xstats},
	{"show port summary", "PORT", "number, device and driver", show_port_summary},
	{"clear port stats", "PORT", "reset DPDK's counters of a port", clear_port_stats},
	{"clear port xstats", "PORT", "reset the driver's counters of a port", clear_port_xstats},
	{0},
};
