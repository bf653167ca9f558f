/* SPDX-License-Identifier: MIT */
/*
 * EAL runs without hugetlbfs. In production feedgate has huge pages; on small ones, misses of
 * the TLB would take longer than what is measured. So tables and packets get a heap for which
 * the kernel is asked for transparent huge pages.
 */
#include "classify_memory.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <fg_eal.h>
#include <fg_meta.h>

#include "groups.h"

#define HEAP       "feedgate-bench"
#define HUGE_BYTES ((size_t)2 << 20)
/* For EAL's own heap, in MiB; address space until it is used. */
#define EAL_MEGABYTES "4096"
/* As small as possible, so that packets take few pages of the TLB. */
#define ROOM_BYTES   (RTE_PKTMBUF_HEADROOM + FRAME_BYTES)
#define PACKET_BYTES (ROOM_BYTES + sizeof(struct rte_mbuf) + FG_META_BYTES + 192)

/* The last one that we may use: interrupts and daemons mostly use the first. */
static int last_cpu(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	while (cpu > 0 && !CPU_ISSET((size_t)cpu, &set))
		cpu--;
	return cpu;
}

static int start_eal(struct fg_error *error)
{
	char lcores[32];
	char *argv[] = {"feedgate-bench", "--no-huge",           "-m",          EAL_MEGABYTES,
			"--no-pci",       "--no-telemetry",      "--no-shconf", "--lcores",
			lcores,           "--log-level=*:error", NULL};

	snprintf(lcores, sizeof(lcores), "0@%d", last_cpu());
	return fg_eal_start(sizeof(argv) / sizeof(argv[0]) - 1, argv, "", error);
}

static int make_heap(struct memory *memory, size_t bytes)
{
	uint8_t *base = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	base = RTE_PTR_ALIGN_CEIL(base, HUGE_BYTES);
	/* Without huge pages, small ones are used. */
	(void)madvise(base, bytes, MADV_HUGEPAGE);
	if (rte_malloc_heap_create(HEAP) != 0 ||
	    rte_malloc_heap_memory_add(HEAP, base, bytes, NULL, 0, HUGE_BYTES) != 0)
		return -rte_errno;
	memory->socket_id = rte_malloc_heap_get_socket(HEAP);
	return memory->socket_id < 0 ? -rte_errno : 0;
}

int memory_open(struct memory *memory, struct fg_error *error)
{
	const int rc = start_eal(error);

	memory->socket_id = (int)rte_socket_id();
	return rc;
}

int memory_add_heap(struct memory *memory, uint32_t packets, uint64_t tables_bytes,
		    struct fg_error *error)
{
	const int rc = make_heap(memory,
				 RTE_ALIGN_CEIL(tables_bytes + packets * PACKET_BYTES, HUGE_BYTES));

	return rc == 0 ? 0
		       : fg_error_set(error, -rc, "no memory for tables and packets: %s",
				      strerror(-rc));
}

struct rte_mempool *memory_pool(const struct memory *memory, uint32_t packets)
{
	return rte_pktmbuf_pool_create("packets", packets, 0, FG_META_BYTES, ROOM_BYTES,
				       memory->socket_id);
}

uint64_t memory_used(const struct memory *memory)
{
	struct rte_malloc_socket_stats stats;

	return rte_malloc_get_socket_stats(memory->socket_id, &stats) == 0
		       ? stats.heap_allocsz_bytes
		       : 0;
}

void memory_close(void)
{
	rte_eal_cleanup();
}
