/* SPDX-License-Identifier: MIT */
/* Creation: settings, and one block of memory for all of an arbiter. */
#include <errno.h>

#include <rte_malloc.h>

#include "arbiter.h"

struct conf_number {
	const char *name;
	uint32_t *value;
	uint32_t default_value;
	uint32_t min, max;
	bool power_of_two;
};

/* Replace 0 by the default, and check the range. */
static int conf_number_check(const struct conf_number *number, struct fg_error *error)
{
	uint32_t *value = number->value;

	if (*value == 0)
		*value = number->default_value;
	if (*value < number->min || *value > number->max ||
	    (number->power_of_two && (*value & (*value - 1)) != 0))
		return fg_error_set(error, EINVAL, "%s: %u is not %s from %u to %u", number->name,
				    *value, number->power_of_two ? "a power of two" : "a number",
				    number->min, number->max);
	return 0;
}

static int conf_numbers_check(struct fg_arbiter_conf *conf, struct fg_error *error)
{
	const uint32_t window = conf->window == 0 ? 8192 : conf->window;
	const struct conf_number numbers[] = {
		{"channels", &conf->channels, 32, 1, 1024, false},
		{"window", &conf->window, window, 128, 1u << 20, true},
		{"jump_max", &conf->jump_max, window / 2, 1, window / 2, false},
		{"hold_packets", &conf->hold_packets, 256, 1, 65536, false},
		{"events", &conf->events, 1024, 1, 1u << 20, true},
	};

	for (unsigned int i = 0; i < RTE_DIM(numbers); i++)
		if (conf_number_check(&numbers[i], error) != 0)
			return -EINVAL;
	return 0;
}

static int conf_check(struct fg_arbiter_conf *conf, struct fg_error *error)
{
	conf->n_lines = conf->n_lines == 0 ? 2 : conf->n_lines;
	if (conf->n_lines > FG_ARBITER_LINES_MAX)
		return fg_error_set(error, EINVAL, "%u lines: at most %u", conf->n_lines,
				    FG_ARBITER_LINES_MAX);
	if (conf_numbers_check(conf, error) != 0)
		return -EINVAL;
	conf->hold_ns = conf->hold_ns == 0 ? UINT64_C(1000000) : conf->hold_ns;
	conf->gap_timeout_ns =
		conf->gap_timeout_ns == 0 ? UINT64_C(1000000000) : conf->gap_timeout_ns;
	conf->silence_ns = conf->silence_ns == 0 ? UINT64_C(5000000000) : conf->silence_ns;
	/* Longer times would overflow the signed difference of two times. */
	conf->hold_ns = RTE_MIN(conf->hold_ns, (uint64_t)INT64_MAX / 4);
	conf->gap_timeout_ns = RTE_MIN(conf->gap_timeout_ns, (uint64_t)INT64_MAX / 4);
	return 0;
}

/* Allocate from one block of memory, on cache lines. With @p base NULL only count the bytes. */
static void *block_alloc(uint8_t *base, size_t *used, size_t bytes)
{
	void *at = base == NULL ? NULL : base + *used;

	*used += RTE_ALIGN_CEIL(bytes, RTE_CACHE_LINE_SIZE);
	return at;
}

static void lay_out_trackers(struct fg_arbiter *arbiter, const struct fg_arbiter_conf *conf,
			     uint8_t *base, size_t *used)
{
	const uint32_t n = conf->channels + RTE_MAX(conf->channels / 4, 4u);
	struct tracker *trackers = block_alloc(base, used, sizeof(*trackers) * n);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t *bits = block_alloc(base, used, conf->window / 8);
		uint64_t *held_bits = conf->hold ? block_alloc(base, used, conf->window / 8) : NULL;

		if (base == NULL)
			continue;
		trackers[i].bits = bits;
		trackers[i].held_bits = held_bits;
		trackers[i].next_free = arbiter->free_trackers;
		arbiter->free_trackers = &trackers[i];
		arbiter->n_free_trackers++;
	}
	if (base == NULL)
		return;
	arbiter->trackers = trackers;
	arbiter->n_trackers = n;
}

static void lay_out_held(struct fg_arbiter *arbiter, const struct fg_arbiter_conf *conf,
			 uint8_t *base, size_t *used)
{
	const uint32_t n_buckets = rte_align32pow2(conf->hold_packets * 2);
	struct held **buckets, *held;

	if (!conf->hold)
		return;
	buckets = block_alloc(base, used, sizeof(*buckets) * n_buckets);
	held = block_alloc(base, used, sizeof(*held) * (conf->hold_packets + 1));
	if (base == NULL)
		return;
	arbiter->held_buckets = buckets;
	arbiter->held_mask = n_buckets - 1;
	for (uint32_t i = 0; i < conf->hold_packets + 1; i++) {
		held[i].next = arbiter->free_held;
		arbiter->free_held = &held[i];
	}
}

/*
 * Lay out an arbiter in one block. @return its size; with @p base NULL nothing is written. There is
 * a tracker for each channel, and spare ones for candidates.
 */
static size_t arbiter_lay_out(const struct fg_arbiter_conf *conf, uint8_t *base)
{
	struct fg_arbiter *arbiter = (struct fg_arbiter *)base;
	size_t used = RTE_ALIGN_CEIL(sizeof(struct fg_arbiter), 128);
	const uint32_t n_buckets = rte_align32pow2(conf->channels * 2);
	struct channel *channels;
	uint32_t *buckets;
	uint64_t *due_ns;
	struct fg_arbiter_event *events;

	lay_out_trackers(arbiter, conf, base, &used);
	channels = block_alloc(base, &used, sizeof(struct channel) * conf->channels);
	due_ns = block_alloc(base, &used, sizeof(uint64_t) * conf->channels);
	buckets = block_alloc(base, &used, sizeof(uint32_t) * n_buckets);
	events = block_alloc(base, &used, sizeof(*events) * conf->events);
	lay_out_held(arbiter, conf, base, &used);
	if (base == NULL)
		return used;
	arbiter->channels = channels;
	for (uint32_t i = 0; i < conf->channels; i++)
		channels[i].chain = i + 1 < conf->channels ? i + 1 : CHANNEL_NONE;
	arbiter->channel_due_ns = due_ns;
	memset(due_ns, 0xff, sizeof(*due_ns) * conf->channels);
	arbiter->buckets = buckets;
	memset(buckets, 0xff, sizeof(*buckets) * n_buckets);
	arbiter->bucket_mask = n_buckets - 1;
	arbiter->events = events;
	return used;
}

int fg_arbiter_create(const struct fg_arbiter_conf *requested, struct fg_arbiter **out,
		      struct fg_error *error)
{
	struct fg_arbiter_conf conf = *requested;
	struct fg_arbiter *arbiter;
	const int status = conf_check(&conf, error);
	size_t bytes;

	if (status != 0)
		return status;
	bytes = arbiter_lay_out(&conf, NULL);
	arbiter = rte_zmalloc_socket(NULL, bytes, 128, conf.socket_id);
	if (arbiter == NULL)
		return fg_error_set(
			error, ENOMEM,
			"no DPDK memory for a line arbiter, %zu bytes: configure fewer channels, a "
			"smaller window, or more memory for EAL",
			bytes);
	(void)arbiter_lay_out(&conf, (uint8_t *)arbiter);
	arbiter->window = conf.window;
	arbiter->mask = conf.window - 1;
	arbiter->jump_max = conf.jump_max;
	arbiter->hold = conf.hold;
	arbiter->n_lines = conf.n_lines;
	arbiter->max_channels = conf.channels;
	arbiter->hold_ns = conf.hold_ns;
	arbiter->gap_timeout_ns = conf.gap_timeout_ns;
	arbiter->silence_ns = conf.silence_ns;
	arbiter->hold_packets = conf.hold_packets;
	arbiter->event_mask = conf.events - 1;
	arbiter->ready_end = &arbiter->ready;
	arbiter->head.tracker = &arbiter->none;
	arbiter->head.leads = arbiter->leads;
	arbiter->head.n_fast_lines = conf.n_lines;
	*out = arbiter;
	return 0;
}

void fg_arbiter_free(struct fg_arbiter *arbiter)
{
	rte_free(arbiter);
}
