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
	     "Write PREFIX-a.pcap and PREFIX-b.pcap, captures of market data on lines A and B. "
	     "The\n"
	     "same options make the same files on all machines.\n"
	     "\n"
	     "  -o, --output PREFIX    path of the files, without -a.pcap\n"
	     "      --format FORMAT    pcap (default) or pcapng\n"
	     "      --seed N           of the random numbers (default 1)\n"
	     "      --packets N        packets of a line, before losses (default 100000)\n"
	     "      --channels N       channels of each protocol, up to its maximum (default 4)\n"
	     "      --instruments N    instruments of all channels (default 100, at least one "
	     "each)\n"
	     "      --rate PPS         mean packets/s, in bursts (default 100000)\n"
	     "      --burst N          N packets back to back at 10 Gbit/s, then a pause\n"
	     "      --reset-after N    reset a channel after N of its packets\n"
	     "      --heartbeat NS     heartbeat of a channel after NS without packets\n"
	     "      --lines N          lines, at most 8: a to h (default 2)\n"
	     "      --mix NAME=N,...   shares of packets (default itch=60,cme=20,other=20)\n"
	     "      --start-ns NS      time of the first packet since 1970 (default\n"
	     "                         1710509400000000000: 2024-03-15 13:30:00 UTC)\n"
	     "      --rules FILE       also write a configuration of feedgate that reads the "
	     "files\n"
	     "      --summary FILE     write the summary as JSON instead of printing a table\n"
	     "      --truth FILE       also write the contents of all packets, as JSON\n"
	     "      --help             print this text\n"
	     "      --version          print the version\n"
	     "\n"
	     "Instead of captures, write a rule set for packet classifiers:\n"
	     "      --classbench NAME  family of rules, as in ClassBench: acl, fw or ipc\n"
	     "      --count N          number of rules (default 1000)\n"
	     "      --rules FILE       write the rules to FILE\n"
	     "      --trace FILE       write --packets packets near the rules to FILE\n"
	     "      --edge             all packets at the bounds of rules or next to them\n"
	     "\n"
	     "Options of line A; those of line B end in -b, and so on:");
	print_line_options();
	puts("\nKinds of traffic for --mix:");
	for (unsigned int i = 0; protocols[i]; i++)
		printf("  %-22s %s\n", protocols[i]->name, protocols[i]->help);
	printf("  %-22s %s\n", "other",
	       "unrelated traffic: TCP, IPv6, VLAN, fragments, ARP, bad headers, ...");
}
