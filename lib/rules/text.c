/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <fg_node.h>
#include <fg_option.h>

static int expect_scalar(const struct fg_node *at, const char *what, struct fg_error *error)
{
	if (at->kind == FG_NODE_SCALAR)
		return 0;
	return fg_error_at(error, EINVAL, at, "expected %s, found %s", what, fg_node_kind_name(at));
}

/* Clear the bits beyond the prefix. @return whether any was set. */
static int clear_beyond(uint8_t *address, uint8_t length, size_t bytes)
{
	int found = 0;

	for (size_t i = 0; i < bytes; i++) {
		const size_t first_bit = i * 8;
		uint8_t keep = 0;

		if (length >= first_bit + 8)
			keep = 0xff;
		else if (length > first_bit)
			keep = (uint8_t)(0xff00u >> (length - first_bit));
		found |= (address[i] & ~keep) != 0;
		address[i] &= keep;
	}
	return found;
}

int read_prefix(const struct fg_node *at, int family, struct prefix *out, struct fg_error *error)
{
	const char *kind = family == AF_INET ? "an IPv4" : "an IPv6";
	const uint8_t max = family == AF_INET ? 32 : 128;
	char text[64], meant[INET6_ADDRSTRLEN];
	uint64_t length = max;
	char *slash;

	if (expect_scalar(at, "an address or prefix", error) != 0)
		return -EINVAL;
	snprintf(text, sizeof(text), "%s", at->text);
	slash = strchr(text, '/');
	if (slash != NULL) {
		*slash = '\0';
		if (fg_number_read(slash + 1, max, &length) != 0)
			return fg_error_at(error, EINVAL, at,
					   "'%s': expected a prefix length from 0 to %u", at->text,
					   max);
	}
	memset(out, 0, sizeof(*out));
	if (strlen(at->text) >= sizeof(text) || inet_pton(family, text, out->address) != 1)
		return fg_error_at(error, EINVAL, at, "'%s': expected %s address or prefix",
				   at->text, kind);
	out->length = (uint8_t)length;
	if (clear_beyond(out->address, out->length, max / 8)) {
		inet_ntop(family, out->address, meant, sizeof(meant));
		return fg_error_at(error, EINVAL, at,
				   "'%s': bits set beyond the prefix length; %s/%u is meant?",
				   at->text, meant, out->length);
	}
	return 0;
}

int read_ports(const struct fg_node *at, uint16_t *min, uint16_t *max, struct fg_error *error)
{
	uint64_t low, high;
	char text[16];
	char *dash;

	if (expect_scalar(at, "a port or range", error) != 0)
		return -EINVAL;
	snprintf(text, sizeof(text), "%s", at->text);
	dash = strchr(text, '-');
	if (dash != NULL)
		*dash = '\0';
	if (strlen(at->text) >= sizeof(text) || fg_number_read(text, UINT16_MAX, &low) != 0 ||
	    fg_number_read(dash != NULL ? dash + 1 : text, UINT16_MAX, &high) != 0)
		return fg_error_at(error, EINVAL, at,
				   "'%s': expected a port from 0 to 65535, or a range N-M",
				   at->text);
	if (low > high)
		return fg_error_at(error, EINVAL, at, "'%s': the range ends before it begins",
				   at->text);
	*min = (uint16_t)low;
	*max = (uint16_t)high;
	return 0;
}

int read_mac(const struct fg_node *at, uint8_t out[6], struct fg_error *error)
{
	unsigned int b[6];
	int end = 0;

	if (expect_scalar(at, "a MAC address", error) != 0)
		return -EINVAL;
	/* sscanf alone would accept signs and blanks. */
	if (strlen(at->text) != 17 || strspn(at->text, "0123456789abcdefABCDEF:") != 17 ||
	    sscanf(at->text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    end != 17)
		return fg_error_at(error, EINVAL, at,
				   "'%s': expected a MAC address xx:xx:xx:xx:xx:xx", at->text);
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)b[i];
	return 0;
}

int read_number(const struct fg_node *at, uint64_t max, uint64_t *out, struct fg_error *error)
{
	if (expect_scalar(at, "a number", error) != 0)
		return -EINVAL;
	if (fg_number_read(at->text, max, out) != 0)
		return fg_error_at(error, EINVAL, at, "'%s': expected a number from 0 to %" PRIu64,
				   at->text, max);
	return 0;
}
