/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "options.h"

static void print_line_options(void)
{
	for (const struct line_option *row = line_options; row->name; row++) {
		char name[32];

		snprintf(name, sizeof(name), "--%s-a %s", row->name, row->value ? row->value : "");
		printf("      %-22s %s\n", name, row->help);
	}
}

void options_help(void)
{
	puts("Usage: feedgate-gen [options] -o PREFIX\n"
	     "       feedgate-gen --classbench FAMILY [--count N] [--rules FILE] [--trace FILE]\n"
	     "Write PREFIX-a.pcap and PREFIX-b.pcap: market data on lines A and B, the same for "
	     "the\n"
	     "same options on any machine.\n"
	     "\n"
	     "  -o, --output PREFIX    what the files' names begin with\n"
	     "      --format FORMAT    pcap (default) or pcapng\n"
	     "      --seed N           another seed, other packets (default 1)\n"
	     "      --packets N        per line, before losses (default 100000)\n"
	     "      --channels N       channels of each protocol, as far as it has so many "
	     "(default "
	     "4)\n"
	     "      --instruments N    over all channels (default 100, at least one a channel)\n"
	     "      --rate PPS         mean pace, packets per second, in bursts (default 100000)\n"
	     "      --burst N          N packets back to back at 10 Gbit/s, then a pause\n"
	     "      --reset-after N    channels start anew after N of their packets\n"
	     "      --heartbeat NS     a heartbeat from a channel that was silent for NS\n"
	     "      --lines N          lines, a to h (default 2)\n"
	     "      --mix NAME=N,...   shares of packets (default itch=60,cme=20,other=20)\n"
	     "      --start-ns NS      time of the beginning since 1970 (default\n"
	     "                         1710509400000000000: 2024-03-15 13:30:00 UTC)\n"
	     "      --rules FILE       also write a feedgate configuration that reads the files\n"
	     "      --summary FILE     write the summary as JSON instead of printing a table\n"
	     "      --truth FILE       also write what is in each packet of each line\n"
	     "      --help             this text\n"
	     "      --version          the version\n"
	     "\n"
	     "Instead of captures, rules for packet classifiers and packets near them:\n"
	     "      --classbench NAME  in the manner of ClassBench: acl, fw or ipc\n"
	     "      --count N          rules (default 1000)\n"
	     "      --rules FILE       write them here\n"
	     "      --trace FILE       write packets here, as many as --packets says\n"
	     "      --edge             all packets at the rules' corners or just outside\n"
	     "\n"
	     "What befalls a line's packets; for line B the same with -b, and so on:");
	print_line_options();
	puts("\nKinds of traffic for --mix:");
	for (unsigned int i = 0; protocols[i]; i++)
		printf("  %-22s %s\n", protocols[i]->name, protocols[i]->help);
	printf("  %-22s %s\n", "other", "TCP, IPv6, VLAN, fragments, ARP, broken frames, ...");
}
