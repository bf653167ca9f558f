/* SPDX-License-Identifier: MIT */
/*
 * Packets that the NIC of a kernel interface had to drop before the kernel saw them
 * (rx_missed_errors): no socket's counter contains them. Where sysfs shows another network
 * namespace than this process's they stay 0. Control only.
 */
#ifndef CAPTURE_INTERFACE_MISSED_H
#define CAPTURE_INTERFACE_MISSED_H

#include <stdint.h>

struct interface_missed {
	const char *name;     /* Of the interface; NULL: none. */
	unsigned int ifindex; /* That `last` is of; 0: none. */
	uint64_t last;        /* Its counter, as last read. */
	uint64_t count;       /* Growth since interface_missed_begin(). */
};

/* Begin to count for the interface @name, which outlives @missed. */
void interface_missed_begin(struct interface_missed *missed, const char *name);

/*
 * Add what is new. An interface of that name that was removed and created again begins at 0; while
 * there is none, or the kernel does not answer, the count stays. @return the count.
 */
uint64_t interface_missed_read(struct interface_missed *missed);

/* The part of interface_missed_read() that is arithmetic: the interface @ifindex has @now. */
void interface_missed_add(struct interface_missed *missed, unsigned int ifindex, uint64_t now);

#endif /* CAPTURE_INTERFACE_MISSED_H */
