/* SPDX-License-Identifier: MIT */
/* What makes a family of rule sets: how often which length, port and protocol. */
#ifndef CLASSBENCH_FAMILY_H
#define CLASSBENCH_FAMILY_H

#include <stdint.h>

/* Lengths of prefixes by what they stand for. */
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

/* Weights, ended by one of weight 0; a is of the source, b of the destination. */
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
 * Addresses come from a binary tree that exists only as a hash of its paths: a
 * node has two children or, more often, one. The fewer fork, the more addresses
 * share their beginning and the more prefixes nest.
 */
struct classbench_tree {
	uint8_t fork[4]; /* of 256 nodes those with two children, by byte of the address */
	uint8_t skew;    /* of 256 draws those that go to a fork's heavier child */
	uint8_t shorter; /* of 256 prefixes those that have their place's other length */
};

struct classbench_family {
	const char *name;
	struct classbench_tree tree[2];
	const struct classbench_pair *scopes;
	const struct classbench_pair *ports;
	const struct classbench_protocol *protocols;
	uint16_t n_ports[2];  /* different single ports on either side */
	uint16_t n_ranges[2]; /* different ranges */
};

extern const struct classbench_family classbench_families[]; /* ended by one without a name */

#endif /* CLASSBENCH_FAMILY_H */
