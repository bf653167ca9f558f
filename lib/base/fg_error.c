/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <fg_error.h>
#include <fg_node.h>

static void append(struct fg_error *error, const char *format, va_list args)
{
	size_t used = strlen(error->text);

	vsnprintf(error->text + used, sizeof(error->text) - used, format, args);
	/* In the location, too: a path may contain anything. */
	for (char *c = error->text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

int(fg_error_set)(struct fg_error *error, int code, const char *format, ...)
{
	va_list args;

	if (error->text[0] != '\0')
		return -code;
	va_start(args, format);
	append(error, format, args);
	va_end(args);
	return -code;
}

int(fg_error_at)(struct fg_error *error, int code, const struct fg_node *node, const char *format,
		 ...)
{
	va_list args;

	if (error->text[0] != '\0')
		return -code;
	if (node != NULL)
		snprintf(error->text, sizeof(error->text), "%s:%u:%u: ", node->file, node->line,
			 node->column);
	va_start(args, format);
	append(error, format, args);
	va_end(args);
	return -code;
}
