/* SPDX-License-Identifier: MIT */
/* Types of messages, by number and by name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <fg_option.h>

#include "fg_protocol.h"

const struct fg_message_type *fg_messages_get(const struct fg_messages *messages, uint32_t type)
{
	uint32_t low = 0, high = messages->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const struct fg_message_type *row = &messages->types[middle];

		if (row->type == type)
			return row;
		if (row->type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return &messages->other;
}

int fg_protocol_type(const struct fg_protocol *protocol, const char *text, uint32_t *type)
{
	const struct fg_messages *messages = protocol->messages;
	const uint32_t bytes = protocol->walk.type.bytes;
	uint64_t number = 0;

	for (uint32_t i = 0; i < messages->count; i++) {
		const char *name = messages->types[i].name;

		if (name != NULL && strcasecmp(name, text) == 0) {
			*type = messages->types[i].type;
			return 0;
		}
	}
	if (messages->text && strlen(text) == bytes) {
		for (uint32_t i = 0; i < bytes; i++)
			number = number << 8 | (uint8_t)text[i];
		if (protocol->walk.order == FG_ORDER_LITTLE && bytes > 1)
			number = __builtin_bswap32((uint32_t)number) >> (32 - 8 * bytes);
	} else if (bytes == 0 ||
		   fg_number_read(text, UINT32_MAX >> (32 - 8 * bytes), &number) != 0 ||
		   number == FG_TYPE_NONE) {
		return -ENOENT;
	}
	*type = (uint32_t)number;
	return 0;
}

const char *fg_protocol_type_text(const struct fg_protocol *protocol, uint32_t type,
				  char text[FG_TYPE_TEXT_BYTES])
{
	const uint32_t bytes = protocol->walk.type.bytes;
	bool printable = protocol->messages->text && bytes != 0;

	if (type == FG_TYPE_NONE) {
		snprintf(text, FG_TYPE_TEXT_BYTES, "-");
		return text;
	}
	for (uint32_t i = 0; printable && i < bytes; i++) {
		const uint32_t place = protocol->walk.order == FG_ORDER_LITTLE ? i : bytes - 1 - i;

		text[i] = (char)(type >> (8 * place));
		printable = text[i] > ' ' && text[i] < 0x7f;
	}
	if (printable)
		text[bytes] = '\0';
	else
		snprintf(text, FG_TYPE_TEXT_BYTES, "%u", type);
	return text;
}
