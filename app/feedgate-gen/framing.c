/* SPDX-License-Identifier: MIT */
#include "framing.h"

#include <assert.h>

const struct framing *const framings[] = {
	&framing_itch_moldudp64,
	&framing_cme_mdp3,
	NULL,
};
static_assert(sizeof(framings) / sizeof(framings[0]) <= FRAMINGS_MAX + 1, "raise FRAMINGS_MAX");
