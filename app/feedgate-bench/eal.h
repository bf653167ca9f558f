/* SPDX-License-Identifier: MIT */
/*
 * EAL on hugepages where the machine has free ones, as a feed handler runs, else on pages of 4 KiB.
 * Hugepages are anonymous: no hugetlbfs need be mounted, and nothing of the machine is changed.
 */
#ifndef EAL_H
#define EAL_H

#include <stdint.h>

#include <fg_error.h>

/* Values of the option --memory. */
enum eal_memory { EAL_MEMORY_AUTO, EAL_MEMORY_HUGE, EAL_MEMORY_4K };
extern const char *const eal_memories[];

#define EAL_MEMORY_HELP                                                                            \
	"huge: hugepages; 4k: pages of 4 KiB; auto: hugepages if enough are free. The names of "   \
	"cases end in it"

/*
 * Start EAL with @p megabytes of memory. @p memory is the option's value; set to what it is now.
 * @param lcores  For --lcores.
 * 0, or -errno with @p error set.
 */
int eal_start(uint64_t *memory, unsigned int megabytes, const char *lcores, struct fg_error *error);

/* The first and the last CPU that this process may use: daemons mostly use the first. 0, or -errno
 * with @p error set. */
int eal_cpus(unsigned int *first, unsigned int *last, struct fg_error *error);

#endif /* EAL_H */
