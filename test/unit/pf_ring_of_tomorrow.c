/* SPDX-License-Identifier: MIT */
/*
 * A library with all of PF_RING's functions, but of a version that does not exist: it must be
 * refused. Only its version is read, so that all functions may be the same.
 */
#include <stdint.h>

#include "pf_ring/pf_ring_abi.h"

#define FUNCTION(name)                                                                             \
	void pfring_##name(uint32_t *number);                                                      \
	void pfring_##name(uint32_t *number)                                                       \
	{                                                                                          \
		*number = 0x090000;                                                                \
	}

PF_RING_NEEDED(FUNCTION)
