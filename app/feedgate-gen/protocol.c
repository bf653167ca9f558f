/* SPDX-License-Identifier: MIT */
#include "protocol.h"

#include <assert.h>
#include <stdio.h>

#define X(name) &gen_##name,
const struct protocol *const protocols[] = {PROTOCOLS(X) NULL};
#undef X
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
