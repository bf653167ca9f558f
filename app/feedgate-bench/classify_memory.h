/* SPDX-License-Identifier: MIT */
/* EAL and DPDK's memory, for benchmarks that link what they measure. */
#ifndef CLASSIFY_MEMORY_H
#define CLASSIFY_MEMORY_H

#include <stdint.h>

#include <fg_error.h>

struct rte_mempool;

struct memory {
	int socket_id; /* Where tables and packets are allocated. */
};

/* Start EAL on one CPU, with small pages. 0, or -errno with @p error set. */
int memory_open(struct memory *memory, struct fg_error *error);

/* Add a heap for @p packets packets and so many bytes of tables, on huge pages if there are any,
 * and make it @p memory. 0, or -errno with @p error set. */
int memory_add_heap(struct memory *memory, uint32_t packets, uint64_t tables_bytes,
		    struct fg_error *error);

/* A pool of so many packets; NULL: no memory. */
struct rte_mempool *memory_pool(const struct memory *memory, uint32_t packets);

/* Bytes that are allocated. */
uint64_t memory_used(const struct memory *memory);

void memory_close(void);

#endif /* CLASSIFY_MEMORY_H */
