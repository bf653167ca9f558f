/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "classbench.h"
#include "options.h"
#include "output.h"

static void print_prefix(FILE *out, struct classbench_prefix p)
{
	fprintf(out, "%u.%u.%u.%u/%u\t", p.address >> 24, p.address >> 16 & 255,
		p.address >> 8 & 255, p.address & 255, (unsigned int)p.length);
}

static int write_rules(const char *path, const struct classbench_rule *rules, uint32_t count)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	for (const struct classbench_rule *r = rules; r < rules + count; r++) {
		fputc('@', out);
		print_prefix(out, r->ip[0]);
		print_prefix(out, r->ip[1]);
		fprintf(out, "%u : %u\t%u : %u\t", (unsigned int)r->port[0].min,
			(unsigned int)r->port[0].max, (unsigned int)r->port[1].min,
			(unsigned int)r->port[1].max);
		fprintf(out, "0x%02X/0x%02X\t0x0000/0x0000\n", (unsigned int)r->protocol,
			r->any_protocol ? 0u : 255u);
	}
	return output_finish(out, path);
}

int classbench_run(const struct options *o, const char **failed)
{
	struct classbench_rule *rules = calloc(o->count, sizeof(*rules));
	int rc;

	*failed = "memory";
	if (!rules)
		return -ENOMEM;
	rc = classbench_make(o->family, o->seed, o->count, rules);
	if (rc == 0 && o->rules) {
		*failed = o->rules;
		rc = write_rules(o->rules, rules, o->count);
	}
	if (rc == 0 && o->trace) {
		*failed = o->trace;
		rc = classbench_write_trace(o->trace, o, rules);
	}
	free(rules);
	return rc;
}
