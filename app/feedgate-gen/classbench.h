/* SPDX-License-Identifier: MIT */
/*
 * Rule sets for packet classifiers, and packets for them, in the text format of ClassBench (Taylor
 * and Turner, 2005): access lists, firewalls, IP chains. The distributions are not those of the
 * paper.
 */
#ifndef CLASSBENCH_H
#define CLASSBENCH_H

#include <stdbool.h>
#include <stdint.h>

#define CLASSBENCH_RULES_MAX 100000u

struct options;
struct classbench_family;

struct classbench_prefix {
	uint32_t address;
	uint8_t length; /* 0..32; the address's other bits are 0 */
};

struct classbench_ports {
	uint16_t min, max;
};

struct classbench_rule {
	struct classbench_prefix ip[2]; /* source, destination */
	struct classbench_ports port[2];
	uint8_t protocol;
	bool any_protocol;
};

/* "acl", "fw", "ipc"; NULL for another name. */
const struct classbench_family *classbench_family(const char *name);

/* Make @p count different rules; more general ones are mostly later. 0 or -ENOMEM. */
int classbench_make(const struct classbench_family *family, uint64_t seed, uint32_t count,
		    struct classbench_rule *rules);

/*
 * Write packets that match rules or nearly match; a few flows are much longer than the others. 0;
 * or -errno, and then the file is removed.
 */
int classbench_write_trace(const char *path, const struct options *o,
			   const struct classbench_rule *rules);

/* Do what --classbench requests. 0; or -errno, and *failed is the file that failed. */
int classbench_run(const struct options *o, const char **failed);

#endif /* CLASSBENCH_H */
