/* SPDX-License-Identifier: MIT */
/*
 * A library that has all names of PF_RING's, but of a version that does not exist: it is to be
 * refused. Nothing but the version is asked of it, so all can say just that.
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
