/* SPDX-License-Identifier: MIT */
#include "eal.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include <fg_eal.h>

#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

const char *const eal_memories[] = {
	[EAL_MEMORY_AUTO] = "auto", [EAL_MEMORY_HUGE] = "huge", [EAL_MEMORY_4K] = "4k", NULL};

/* EAL cannot be started twice, so find out before. */
static bool has_hugepages(unsigned int megabytes)
{
	const size_t bytes = (size_t)megabytes << 20;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (int)MAP_HUGE_2MB, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	munmap(memory, bytes);
	return true;
}

int eal_cpus(unsigned int *first, unsigned int *last, struct fg_error *error)
{
	cpu_set_t cpus;

	*first = 0;
	*last = CPU_SETSIZE - 1;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return fg_error_set(error, errno, "CPUs: %s", strerror(errno));
	while (!CPU_ISSET(*first, &cpus))
		++*first;
	while (!CPU_ISSET(*last, &cpus))
		--*last;
	return 0;
}

int eal_start(uint64_t *memory, unsigned int megabytes, const char *lcores, struct fg_error *error)
{
	const bool huge = *memory != EAL_MEMORY_4K && has_hugepages(megabytes);
	char amount[16], pages[16], map[64];
	char *argv[] = {"feedgate-bench",
			pages,
			"-m",
			amount,
			"--no-pci",
			"--no-telemetry",
			"--iova-mode",
			"va",
			"--lcores",
			map,
			"--log-level=*:error",
			huge ? NULL : "--no-shconf",
			NULL};
	int argc = 0;

	if (*memory == EAL_MEMORY_HUGE && !huge)
		return fg_error_set(error, ENOMEM,
				    "memory: %u MiB of free hugepages are needed; reserve them in "
				    "/proc/sys/vm/nr_hugepages, or use --memory 4k",
				    megabytes);
	*memory = huge ? EAL_MEMORY_HUGE : EAL_MEMORY_4K;
	/* EAL does not accept --no-huge and --in-memory together. */
	snprintf(pages, sizeof(pages), "%s", huge ? "--in-memory" : "--no-huge");
	snprintf(amount, sizeof(amount), "%u", megabytes);
	snprintf(map, sizeof(map), "%s", lcores);
	while (argv[argc] != NULL)
		argc++;
	return fg_eal_start(argc, argv, "", error);
}
