/* SPDX-License-Identifier: MIT */
#include "protocol.h"

#include <assert.h>
#include <stdio.h>

const struct protocol *const protocols[] = {
	&protocol_itch_moldudp64, &protocol_cme,         &protocol_cme_mdp3,   &protocol_moldudp64,
	&protocol_iex_tp,         &protocol_nyse_pillar, &protocol_cboe_pitch, &protocol_eurex_eobi,
	&protocol_opra,           &protocol_cta,         &protocol_ice_impact, &protocol_miax_mach,
	&protocol_memx_memoir,    &protocol_b3_umdf,     &protocol_deribit,    NULL,
};
static_assert(sizeof(protocols) / sizeof(protocols[0]) <= PROTOCOLS_MAX + 1, "raise PROTOCOLS_MAX");

struct protocol_line protocol_address(const struct protocol *protocol, unsigned int line,
				      uint32_t group)
{
	const uint32_t beyond = line > 1 ? line - 1 : 0;
	struct protocol_line at = protocol->line[line > 0];

	at.src += beyond << 8;
	at.group += (beyond << 20) + group;
	at.port = (uint16_t)(at.port + group);
	return at;
}

const char *protocol_type(const struct protocol *protocol, uint32_t type, char *text)
{
	if (type == PACKET_NO_TYPE)
		snprintf(text, PROTOCOL_TEXT_BYTES, "-");
	else if (!protocol->characters)
		snprintf(text, PROTOCOL_TEXT_BYTES, "%u", type);
	else if (type > UINT8_MAX)
		snprintf(text, PROTOCOL_TEXT_BYTES, "%c%c", (int)(type >> 8), (int)(type & 255));
	else
		snprintf(text, PROTOCOL_TEXT_BYTES, "%c", (int)type);
	return text;
}
