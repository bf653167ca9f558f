/* SPDX-License-Identifier: MIT */
/* For tests of sources: open one with options, and check that it leaves nothing behind. */
#ifndef SOURCE_RIG_H
#define SOURCE_RIG_H

/* cmocka.h needs the four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#include <fg_burst.h>
#include <fg_node.h>
#include <fg_option.h>
#include <fg_source.h>

/* A source, its options, and the DPDK memory in use before it was opened. */
struct rig {
	struct fg_source src;
	void *conf;
	unsigned int allocations;
	struct fg_error error;
};

static inline unsigned int count_allocations(void)
{
	struct rte_malloc_socket_stats stats;

	assert_int_equal(rte_malloc_get_socket_stats(0, &stats), 0);
	return stats.alloc_count;
}

/* Read options as from a configuration file. @options: name, value, ..., NULL. */
static inline void read_options(struct rig *rig, const char *const *options)
{
	struct fg_node values[8] = {0}, map = {.kind = FG_NODE_MAP, .file = "test"};

	for (struct fg_node **end = &map.child; options[0] != NULL; options += 2) {
		struct fg_node *value = &values[map.count++];

		*value = (struct fg_node){.kind = FG_NODE_SCALAR,
					  .file = "test",
					  .key = options[0],
					  .text = options[1]};
		*end = value;
		end = &value->next;
	}
	assert_int_equal(fg_option_read(rig->src.ops->options, &map, rig->conf, &rig->error), 0);
}

/* Open a source; on failure nothing may be left. */
static inline int rig_open(struct rig *rig, const char *kind, uint16_t n_queues, uint32_t mbufs,
			   const char *const *options)
{
	const struct fg_source_ops *ops = fg_source_kind(kind);
	int rc;

	assert_non_null(ops);
	memset(rig, 0, sizeof(*rig));
	rig->allocations = count_allocations();
	rig->conf = calloc(1, ops->conf_bytes);
	rig->src.ops = ops;
	rig->src.name = "test";
	rig->src.n_queues = n_queues;
	rig->src.mbufs = mbufs;
	read_options(rig, options);
	rc = ops->open(&rig->src, rig->conf, &rig->error);
	if (rc != 0) {
		assert_int_not_equal(rig->error.text[0], 0);
		fg_option_free(ops->options, rig->conf);
		free(rig->conf);
		assert_int_equal(count_allocations(), rig->allocations);
	}
	return rc;
}

static inline void rig_start(struct rig *rig)
{
	assert_int_equal(rig->src.ops->start(&rig->src, &rig->error), 0);
}

/* Close a source: no mbuf is outstanding, and no memory is left but what drivers leak. */
static inline void rig_close(struct rig *rig)
{
	rig->src.ops->stop(&rig->src);
	assert_int_equal(rig->src.ops->outstanding(&rig->src), 0);
	rig->src.ops->close(&rig->src);
	fg_option_free(rig->src.ops->options, rig->conf);
	free(rig->conf);
	assert_string_equal(rig->error.text, "");
	if (strcmp(rig->src.ops->name, "ethdev") != 0 && strcmp(rig->src.ops->name, "af_xdp") != 0)
		assert_int_equal(count_allocations(), rig->allocations);
}

static inline uint16_t pull(struct rig *rig, struct rte_mbuf **pkts)
{
	return rig->src.ops->rx_burst(&rig->src, 0, pkts, FG_BURST_MAX);
}

static inline bool ended(struct rig *rig)
{
	return fg_source_ended(&rig->src);
}

#endif /* SOURCE_RIG_H */
