/* SPDX-License-Identifier: MIT */
#include "classbench_family.h"

/* Access lists: hosts and nets on both sides, a destination port each, any source port. */
static const struct classbench_pair acl_scopes[] = {
	{SCOPE_HOST, SCOPE_HOST, 22}, {SCOPE_LAN, SCOPE_HOST, 13}, {SCOPE_HOST, SCOPE_LAN, 13},
	{SCOPE_LAN, SCOPE_LAN, 9},    {SCOPE_SITE, SCOPE_HOST, 9}, {SCOPE_HOST, SCOPE_SITE, 8},
	{SCOPE_SITE, SCOPE_LAN, 6},   {SCOPE_LAN, SCOPE_SITE, 5},  {SCOPE_NET, SCOPE_HOST, 3},
	{SCOPE_NET, SCOPE_LAN, 2},    {SCOPE_SITE, SCOPE_SITE, 3}, {SCOPE_ANY, SCOPE_HOST, 2},
	{SCOPE_ANY, SCOPE_LAN, 1},    {SCOPE_SHORT, SCOPE_LAN, 1}, {SCOPE_SITE, SCOPE_ANY, 1},
	{SCOPE_LAN, SCOPE_ANY, 1},    {SCOPE_HOST, SCOPE_NET, 1},  {0},
};

static const struct classbench_pair acl_ports[] = {
	{PORTS_WC, PORTS_EM, 64}, {PORTS_WC, PORTS_WC, 18}, {PORTS_WC, PORTS_AR, 11},
	{PORTS_WC, PORTS_HI, 6},  {PORTS_WC, PORTS_LO, 1},  {0},
};

static const struct classbench_protocol acl_protocols[] = {
	{6, 74}, {17, 16}, {1, 4}, {CLASSBENCH_ANY_PROTOCOL, 6}, {0},
};

/* Firewalls: a few machines on one side, any on the other; ranges overlap. */
static const struct classbench_pair fw_scopes[] = {
	{SCOPE_ANY, SCOPE_LAN, 21},
	{SCOPE_ANY, SCOPE_HOST, 12},
	{SCOPE_SHORT, SCOPE_HOST, 9},
	{SCOPE_SHORT, SCOPE_LAN, 9},
	{SCOPE_LAN, SCOPE_ANY, 9},
	{SCOPE_HOST, SCOPE_ANY, 6},
	{SCOPE_HOST, SCOPE_SHORT, 5},
	{SCOPE_LAN, SCOPE_SHORT, 4},
	{SCOPE_SITE, SCOPE_ANY, 3},
	{SCOPE_ANY, SCOPE_SITE, 2},
	{SCOPE_HOST, SCOPE_HOST, 4},
	{SCOPE_LAN, SCOPE_HOST, 4},
	{SCOPE_HOST, SCOPE_LAN, 4},
	{SCOPE_LAN, SCOPE_LAN, 4},
	{SCOPE_SITE, SCOPE_LAN, 2},
	{SCOPE_ANY, SCOPE_ANY, 2},
	{SCOPE_NET, SCOPE_HOST, 1},
	{SCOPE_SHORT, SCOPE_SHORT, 1},
	{0},
};

static const struct classbench_pair fw_ports[] = {
	{PORTS_WC, PORTS_EM, 46}, {PORTS_WC, PORTS_WC, 16}, {PORTS_EM, PORTS_WC, 11},
	{PORTS_HI, PORTS_HI, 7},  {PORTS_HI, PORTS_EM, 6},  {PORTS_EM, PORTS_EM, 4},
	{PORTS_EM, PORTS_HI, 3},  {PORTS_WC, PORTS_HI, 3},  {PORTS_WC, PORTS_AR, 2},
	{PORTS_WC, PORTS_LO, 1},  {PORTS_LO, PORTS_HI, 1},  {0},
};

static const struct classbench_protocol fw_protocols[] = {
	{6, 54}, {17, 33}, {1, 5}, {47, 4}, {CLASSBENCH_ANY_PROTOCOL, 3}, {50, 1}, {0},
};

/* IP chains: a mix of both, with ports on both sides. */
static const struct classbench_pair ipc_scopes[] = {
	{SCOPE_HOST, SCOPE_HOST, 25},  {SCOPE_LAN, SCOPE_HOST, 9},
	{SCOPE_HOST, SCOPE_LAN, 8},    {SCOPE_SITE, SCOPE_SITE, 6},
	{SCOPE_SITE, SCOPE_LAN, 10},   {SCOPE_SITE, SCOPE_HOST, 10},
	{SCOPE_LAN, SCOPE_SITE, 7},    {SCOPE_LAN, SCOPE_LAN, 7},
	{SCOPE_HOST, SCOPE_SITE, 5},   {SCOPE_ANY, SCOPE_HOST, 5},
	{SCOPE_ANY, SCOPE_LAN, 1},     {SCOPE_SHORT, SCOPE_HOST, 2},
	{SCOPE_HOST, SCOPE_ANY, 2},    {SCOPE_LAN, SCOPE_ANY, 1},
	{SCOPE_NET, SCOPE_NET, 1},     {SCOPE_NET, SCOPE_HOST, 1},
	{SCOPE_HOST, SCOPE_NET, 2},    {SCOPE_SITE, SCOPE_ANY, 1},
	{SCOPE_SHORT, SCOPE_SHORT, 1}, {0},
};

static const struct classbench_pair ipc_ports[] = {
	{PORTS_WC, PORTS_EM, 34}, {PORTS_WC, PORTS_WC, 26}, {PORTS_EM, PORTS_WC, 18},
	{PORTS_WC, PORTS_HI, 5},  {PORTS_WC, PORTS_AR, 3},  {PORTS_AR, PORTS_WC, 3},
	{PORTS_EM, PORTS_EM, 3},  {PORTS_AR, PORTS_AR, 1},  {PORTS_EM, PORTS_AR, 1},
	{PORTS_HI, PORTS_WC, 1},  {PORTS_HI, PORTS_EM, 1},  {0},
};

static const struct classbench_protocol ipc_protocols[] = {
	{17, 41}, {6, 29}, {CLASSBENCH_ANY_PROTOCOL, 25}, {1, 2}, {50, 1}, {47, 1}, {89, 1}, {0},
};

const struct classbench_family classbench_families[] = {
	{.name = "acl",
	 .tree = {{{60, 60, 80, 100}, 170, 0}, {{50, 60, 70, 110}, 170, 0}},
	 .scopes = acl_scopes,
	 .ports = acl_ports,
	 .protocols = acl_protocols,
	 .n_ports = {8, 150},
	 .n_ranges = {4, 24}},
	{.name = "fw",
	 .tree = {{{50, 60, 60, 90}, 160, 64}, {{40, 50, 70, 90}, 160, 64}},
	 .scopes = fw_scopes,
	 .ports = fw_ports,
	 .protocols = fw_protocols,
	 .n_ports = {14, 44},
	 .n_ranges = {4, 10}},
	{.name = "ipc",
	 .tree = {{{60, 60, 80, 90}, 170, 0}, {{60, 60, 80, 100}, 170, 0}},
	 .scopes = ipc_scopes,
	 .ports = ipc_ports,
	 .protocols = ipc_protocols,
	 .n_ports = {28, 50},
	 .n_ranges = {6, 10}},
	{0},
};
