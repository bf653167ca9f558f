/* SPDX-License-Identifier: MIT */
/* show port info|stats|xstats|summary N|all; clear port stats|xstats N|all. */
#include <cmdline_parse.h>
#include <cmdline_parse_string.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

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

static void show_info(uint16_t port, FILE *out)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	char name[RTE_ETH_NAME_MAX_LEN] = "?", address[RTE_ETHER_ADDR_FMT_SIZE] = "?";
	uint16_t mtu = 0;

	if (rte_eth_dev_info_get(port, &info) != 0) {
		fprintf(out, "port %u: does not describe itself\n", port);
		return;
	}
	(void)rte_eth_dev_get_name_by_port(port, name);
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
}

static void show_summary(uint16_t port, FILE *out)
{
	struct rte_eth_dev_info info;
	char name[RTE_ETH_NAME_MAX_LEN] = "?";

	if (rte_eth_dev_info_get(port, &info) != 0)
		return;
	(void)rte_eth_dev_get_name_by_port(port, name);
	fprintf(out, "%4u  %-24s %s\n", port, name, info.driver_name);
}

static void show_stats(uint16_t port, FILE *out)
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

static void show_xstats(uint16_t port, FILE *out)
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

static const struct {
	const char *verb, *what;
	void (*run)(uint16_t port, FILE *out);
} actions[] = {
	{"show", "info", show_info},     {"show", "summary", show_summary},
	{"show", "stats", show_stats},   {"show", "xstats", show_xstats},
	{"clear", "stats", clear_stats}, {"clear", "xstats", clear_xstats},
};

static void for_ports(const char *which, void (*run)(uint16_t port, FILE *out))
{
	uint64_t number;
	uint16_t port;
	unsigned int seen = 0;

	if (strcmp(which, "all") == 0) {
		for (port = 0; port < RTE_MAX_ETHPORTS; port++)
			if (rte_eth_dev_is_valid_port(port)) {
				run(port, command_out());
				seen++;
			}
		if (seen == 0)
			fputs("EAL has no port\n", command_out());
		return;
	}
	if (fg_number_read(which, UINT16_MAX, &number) != 0)
		fprintf(command_out(), "'%s': expected a port's number or all\n", which);
	else if (!rte_eth_dev_is_valid_port((uint16_t)number))
		fprintf(command_out(), "EAL has no port %s\n", which);
	else
		run((uint16_t)number, command_out());
}

static void run_port(void *parsed, struct cmdline *cl, void *data)
{
	const struct command *command = parsed;

	(void)cl;
	(void)data;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(command->words[0], actions[i].verb) == 0 &&
		    strcmp(command->words[2], actions[i].what) == 0)
			for_ports(command->argument, actions[i].run);
}

static cmdline_parse_token_string_t token_show =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "show");
static cmdline_parse_token_string_t token_clear =
	TOKEN_STRING_INITIALIZER(struct command, words[0], "clear");
static cmdline_parse_token_string_t token_port =
	TOKEN_STRING_INITIALIZER(struct command, words[1], "port");
static cmdline_parse_token_string_t token_show_what =
	TOKEN_STRING_INITIALIZER(struct command, words[2], "info#stats#xstats#summary");
static cmdline_parse_token_string_t token_clear_what =
	TOKEN_STRING_INITIALIZER(struct command, words[2], "stats#xstats");
static cmdline_parse_token_string_t token_which =
	TOKEN_STRING_INITIALIZER(struct command, argument, NULL);

cmdline_parse_inst_t command_show_port = {
	.f = run_port,
	.help_str = "show port info|stats|xstats|summary N|all",
	.tokens = {(void *)&token_show, (void *)&token_port, (void *)&token_show_what,
		   (void *)&token_which, NULL},
};

cmdline_parse_inst_t command_clear_port = {
	.f = run_port,
	.help_str = "clear port stats|xstats N|all",
	.tokens = {(void *)&token_clear, (void *)&token_port, (void *)&token_clear_what,
		   (void *)&token_which, NULL},
};
