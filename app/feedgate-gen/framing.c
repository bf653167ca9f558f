/* SPDX-License-Identifier: MIT */
#include "framing.h"

#include <assert.h>
#include <stdio.h>

const struct framing *const framings[] = {
	&framing_itch_moldudp64, &framing_cme,         &framing_cme_mdp3,   &framing_moldudp64,
	&framing_iex_tp,         &framing_nyse_pillar, &framing_cboe_pitch, &framing_eurex_eobi,
	&framing_opra,           &framing_cta,         &framing_ice_impact, &framing_miax_mach,
	&framing_memx_memoir,    &framing_b3_umdf,     &framing_deribit,    NULL,
};
static_assert(sizeof(framings) / sizeof(framings[0]) <= FRAMINGS_MAX + 1, "raise FRAMINGS_MAX");

struct framing_line framing_address(const struct framing *framing, unsigned int line,
				    uint32_t group)
{
	const uint32_t beyond = line > 1 ? line - 1 : 0;
	struct framing_line at = framing->line[line > 0];

	at.src += beyond << 8;
	at.group += (beyond << 20) + group;
	at.port = (uint16_t)(at.port + group);
	return at;
}

const char *framing_type(const struct framing *framing, uint32_t type, char *text)
{
	if (type == PACKET_NO_TYPE)
		snprintf(text, FRAMING_TEXT_BYTES, "-");
	else if (!framing->characters)
		snprintf(text, FRAMING_TEXT_BYTES, "%u", type);
	else if (type > UINT8_MAX)
		snprintf(text, FRAMING_TEXT_BYTES, "%c%c", (int)(type >> 8), (int)(type & 255));
	else
		snprintf(text, FRAMING_TEXT_BYTES, "%c", (int)type);
	return text;
}
