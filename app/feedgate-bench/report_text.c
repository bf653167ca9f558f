/* SPDX-License-Identifier: MIT */
/* Text and numbers as they stand in the page. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/*
 * The character at @p text, which is UTF-8, and its bytes. What no XML may hold, and what turns
 * the direction of writing to make text look like another, becomes U+FFFD.
 */
static uint32_t next_character(const char *text, unsigned int *bytes)
{
	const uint8_t *t = (const uint8_t *)text;
	const unsigned int n = t[0] < 0x80 ? 1 : t[0] < 0xe0 ? 2 : t[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? t[0] : t[0] & (0xffu >> (n + 1));

	*bytes = 1;
	if (n > 1 && (t[0] < 0xc2 || t[0] > 0xf4))
		return 0xfffd;
	for (unsigned int i = 1; i < n; i++) {
		if ((t[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (t[i] & 0x3f);
	}
	*bytes = n;
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || (c >= 0xd800 && c < 0xe000) || (c & 0xfffe) == 0xfffe)
		return 0xfffd;
	return c;
}

static void put_character(FILE *out, uint32_t c)
{
	if (c >= 0x7f || strchr("<>&\"'", (int)c) != NULL)
		fprintf(out, "&#%" PRIu32 ";", c);
	else
		putc((int)c, out);
}

void put_short_text(FILE *out, const char *text, unsigned int most)
{
	unsigned int bytes;

	for (unsigned int n = 0; *text != '\0'; n++, text += bytes) {
		const uint32_t c = next_character(text, &bytes);

		if (n + 1 >= most && text[bytes] != '\0') {
			put_character(out, 0x2026); /* ... */
			return;
		}
		put_character(out, c);
	}
}

void put_text(FILE *out, const char *text)
{
	put_short_text(out, text, UINT32_MAX);
}

/* A whole number below 10^15 in groups of three. */
static void put_groups(FILE *out, double value)
{
	char digits[32];
	int length;

	length = snprintf(digits, sizeof(digits), "%.0f", value);
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
			putc(',', out);
		putc(digits[i], out);
	}
}

void put_figure(FILE *out, double value)
{
	const double size = fabs(value);

	if (size >= 1e15 || (size > 0 && size < 1e-3))
		fprintf(out, "%.3g", value);
	else if (size >= 999.5)
		put_groups(out, value);
	else if (size == 0)
		putc('0', out);
	else
		fprintf(out, "%.*f",
			size >= 99.95    ? 0
			: size >= 9.995  ? 1
			: size >= 0.9995 ? 2
					 : 3,
			value);
}

void put_number(FILE *out, double value)
{
	if (fabs(value) >= 1000 && fabs(value) < 1e15)
		put_groups(out, value);
	else
		fprintf(out, "%.6g", value);
}

void put_ratio(FILE *out, double ratio)
{
	if (ratio >= 1e9 || !isfinite(ratio))
		fprintf(out, "%.3g", ratio);
	else if (ratio >= 99.95)
		put_groups(out, ratio);
	else
		fprintf(out, "%.*f", ratio >= 9.995 ? 1 : 2, ratio);
	fputs("&#215;", out);
}
