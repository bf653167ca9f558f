/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "feed_loops.h"

static bool naive_has(const struct naive *naive, uint32_t id)
{
	uint32_t i = id * 2654435761u & naive->mask;

	while (naive->ids[i] != 0 && naive->ids[i] != id)
		i = (i + 1) & naive->mask;
	return naive->ids[i] == id;
}

static uint32_t find_itch(struct naive *naive, const uint8_t *payload, uint32_t bytes)
{
	const uint8_t *at = payload + 20, *end = payload + bytes;
	uint32_t matched = 0;
	uint16_t count;

	if (bytes < 20)
		return 0;
	count = load_be16(payload + 18);
	for (uint32_t i = 0; i < count && end - at >= 2; i++) {
		const uint16_t length = load_be16(at);

		at += 2;
		if (length > end - at)
			break;
		if (length >= 3 && naive->types[at[0]]) {
			const uint16_t locate = load_be16(at + 1);

			if (locate == 0 || (naive->locates[locate / 64] >> locate % 64 & 1) != 0)
				matched++;
		}
		at += length;
	}
	return matched;
}

static bool find_entry(const struct naive *naive, const uint8_t *m, uint32_t size,
		       uint32_t template)
{
	const uint32_t off = template == 47 ? 28 : template == 37 ? 4 : 12;
	const uint32_t at = 10u + load_le16(m + 2);
	uint16_t stride;

	if (at + 3 > size)
		return false;
	stride = load_le16(m + at);
	for (uint32_t i = 0, entry = at + 3; i < m[at + 2] && entry + off + 4 <= size;
	     i++, entry += stride) {
		uint32_t id;

		memcpy(&id, m + entry + off, sizeof(id));
		if (naive_has(naive, rte_le_to_cpu_32(id)))
			return true;
	}
	return false;
}

static uint32_t find_mdp3(struct naive *naive, const uint8_t *payload, uint32_t bytes)
{
	const uint8_t *at = payload + 12, *end = payload + bytes;
	uint32_t matched = 0;

	while (end - at >= 10) {
		const uint16_t size = load_le16(at), template = load_le16(at + 4);

		if (size < 10 || size > end - at)
			break;
		if (naive->types[template])
			matched += find_entry(naive, at, size, template);
		at += size;
	}
	return matched;
}

static void burst_itch(struct feed_subject *subject, const struct feed_burst *burst,
		       uint64_t now_ns)
{
	(void)now_ns;
	loop_each(burst, subject->state, &subject->answer, find_itch);
}

static void burst_mdp3(struct feed_subject *subject, const struct feed_burst *burst,
		       uint64_t now_ns)
{
	(void)now_ns;
	loop_each(burst, subject->state, &subject->answer, find_mdp3);
}

static int check_matched(struct feed_subject *subject, const struct feed_seen *seen,
			 struct fg_error *error)
{
	return loop_check(subject, seen, seen != NULL ? seen->matched : 0, error);
}

bool feed_naive_has(const struct feed_case *feed_case)
{
	return feed_case->selected > 0 &&
	       (loop_is_of(feed_case, "itch50") || loop_is_of(feed_case, "cme_mdp3"));
}

int feed_naive_open(struct feed_subject *subject, const struct feed_maker *maker,
		    struct fg_error *error)
{
	const int rc = loop_open(subject, maker, error);
	struct naive *naive = subject->state;

	subject->burst = loop_is_of(maker->feed_case, "itch50") ? burst_itch : burst_mdp3;
	subject->check = check_matched;
	for (uint32_t i = 0; rc == 0 && i < maker->feed_case->selected; i++) {
		const uint16_t locate = feed_locate(2 * i);
		const uint32_t number = feed_security(2 * i);
		uint32_t at = number * 2654435761u & naive->mask;

		naive->locates[locate / 64] |= UINT64_C(1) << locate % 64;
		while (naive->ids[at] != 0)
			at = (at + 1) & naive->mask;
		naive->ids[at] = number;
	}
	return rc;
}
