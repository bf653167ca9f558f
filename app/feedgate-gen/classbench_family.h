/* SPDX-License-Identifier: MIT */
/* A family of rule sets: the distributions of prefix lengths, ports and protocols. */
#ifndef CLASSBENCH_FAMILY_H
#define CLASSBENCH_FAMILY_H

#include <stdint.h>

/* Classes of prefix lengths. */
enum classbench_scope {
	SCOPE_ANY,   /* /0 */
	SCOPE_SHORT, /* /1, /2 */
	SCOPE_NET,   /* /3 to /16 */
	SCOPE_SITE,  /* /17 to /24 */
	SCOPE_LAN,   /* /25 to /31 */
	SCOPE_HOST,  /* /32 */
	SCOPES,
};

/* As in the ClassBench paper. */
enum classbench_port_class {
	PORTS_WC, /* all */
	PORTS_HI, /* 1024 and over */
	PORTS_LO, /* below 1024 */
	PORTS_AR, /* some range */
	PORTS_EM, /* one */
};

/* A row of weights, the last has weight 0; a is of the source, b of the destination. */
struct classbench_pair {
	uint8_t a, b;
	uint16_t weight;
};

#define CLASSBENCH_ANY_PROTOCOL 256

struct classbench_protocol {
	uint16_t protocol;
	uint16_t weight;
};

/*
 * Addresses are paths in a binary tree; hashes of paths decide the shape of the tree. A node has
 * one child or two. The fewer nodes have two, the more addresses share prefixes.
 */
struct classbench_tree {
	uint8_t fork[4]; /* nodes with two children, of 256, by byte of the address */
	uint8_t skew;    /* draws of the more frequent child, of 256 */
	uint8_t shorter; /* prefixes with the less frequent length, of 256 */
};

struct classbench_family {
	const char *name;
	struct classbench_tree tree[2];
	const struct classbench_pair *scopes;
	const struct classbench_pair *ports;
	const struct classbench_protocol *protocols;
	uint16_t n_ports[2];  /* different single ports of source and destination */
	uint16_t n_ranges[2]; /* different ranges */
};

extern const struct classbench_family classbench_families[]; /* ended by a row without a name */

#endif /* CLASSBENCH_FAMILY_H */
