/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <rte_malloc.h>

#include "arbiter.h"

/* A number of the configuration: 0 is its default. */
static int conf_number(uint32_t *number, uint32_t value, const char *name, uint32_t min,
		       uint32_t max, bool power_of_two, struct fg_error *error)
{
	if (*number == 0)
		*number = value;
	if (*number < min || *number > max || (power_of_two && (*number & (*number - 1)) != 0))
		return fg_error_set(error, EINVAL, "%s: %u is not %s from %u to %u", name, *number,
				    power_of_two ? "a power of two" : "a number", min, max);
	return 0;
}

static int conf_check(struct fg_arbiter_conf *conf, struct fg_error *error)
{
	conf->n_lines = conf->n_lines == 0 ? 2 : conf->n_lines;
	if (conf->n_lines > FG_ARBITER_LINES_MAX)
		return fg_error_set(error, EINVAL, "%u lines: at most %u", conf->n_lines,
				    FG_ARBITER_LINES_MAX);
	if (conf_number(&conf->channels, 32, "channels", 1, 1024, false, error) != 0 ||
	    conf_number(&conf->window, 8192, "window", 128, 1u << 20, true, error) != 0 ||
	    conf_number(&conf->jump_max, conf->window / 2, "jump_max", 1, conf->window / 2, false,
			error) != 0 ||
	    conf_number(&conf->hold_packets, 256, "hold_packets", 1, 65536, false, error) != 0 ||
	    conf_number(&conf->events, 1024, "events", 1, 1u << 20, true, error) != 0)
		return -EINVAL;
	conf->hold_ns = conf->hold_ns == 0 ? UINT64_C(1000000) : conf->hold_ns;
	conf->gap_timeout_ns =
		conf->gap_timeout_ns == 0 ? UINT64_C(1000000000) : conf->gap_timeout_ns;
	conf->silence_ns = conf->silence_ns == 0 ? UINT64_C(5000000000) : conf->silence_ns;
	/* A time in the far future must not be taken for the past. */
	conf->hold_ns = RTE_MIN(conf->hold_ns, (uint64_t)INT64_MAX / 4);
	conf->gap_timeout_ns = RTE_MIN(conf->gap_timeout_ns, (uint64_t)INT64_MAX / 4);
	return 0;
}

/* Cut a piece off one block of memory, on cache lines. With @p base NULL it only adds up. */
static void *piece(uint8_t *base, size_t *used, size_t bytes)
{
	void *at = base == NULL ? NULL : base + *used;

	*used += RTE_ALIGN_CEIL(bytes, RTE_CACHE_LINE_SIZE);
	return at;
}

/* All of it in one block; trackers as many as channels, and some for sides. */
static size_t arbiter_lay_out(const struct fg_arbiter_conf *conf, uint8_t *base)
{
	struct fg_arbiter *arbiter = (struct fg_arbiter *)base;
	const uint32_t n_trackers = conf->channels + RTE_MAX(conf->channels / 4, 4u);
	size_t used = RTE_ALIGN_CEIL(sizeof(struct fg_arbiter), 128);
	struct channel *channels = piece(base, &used, sizeof(struct channel) * conf->channels);
	const uint32_t n_buckets = rte_align32pow2(conf->channels * 2);
	uint32_t *buckets = piece(base, &used, sizeof(uint32_t) * n_buckets);
	struct fg_arbiter_event *events = piece(base, &used, sizeof(*events) * conf->events);
	struct held *held;

	for (uint32_t i = 0; i < n_trackers; i++) {
		struct tracker *tracker = piece(base, &used, sizeof(*tracker));
		uint64_t *bits = piece(base, &used, conf->window / 8);
		struct first_arrival *first_arrivals =
			piece(base, &used, sizeof(*first_arrivals) * FIRST_ARRIVALS_MAX);

		if (base == NULL)
			continue;
		tracker->bits = bits;
		tracker->first_arrivals = first_arrivals;
		tracker->next_free = arbiter->free_trackers;
		arbiter->free_trackers = tracker;
		arbiter->n_free_trackers++;
	}
	if (base != NULL) {
		arbiter->channels = channels;
		arbiter->buckets = buckets;
		memset(buckets, 0xff, sizeof(*buckets) * n_buckets);
		arbiter->bucket_mask = n_buckets - 1;
		arbiter->events = events;
	}
	for (uint32_t i = 0; conf->hold && i < conf->hold_packets + 1; i++) {
		held = piece(base, &used, sizeof(*held));
		if (base == NULL)
			continue;
		held->next = arbiter->free_held;
		arbiter->free_held = held;
	}
	return used;
}

int fg_arbiter_create(const struct fg_arbiter_conf *wanted, struct fg_arbiter **out,
		      struct fg_error *error)
{
	struct fg_arbiter_conf conf = *wanted;
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
			"no DPDK memory for a feed's lines, %zu bytes: fewer channels, a "
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
	*out = arbiter;
	return 0;
}

void fg_arbiter_free(struct fg_arbiter *arbiter)
{
	rte_free(arbiter);
}

/* Alarms; and look again when the next line may be due. */
static void silence_tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	for (unsigned int i = 0; i < arbiter->n_lines; i++) {
		struct fg_counter *counters = arbiter->lines[i].counters;
		uint64_t since_ns = fg_counter_read(&counters[FG_ARBITER_LINE_last_ns]);

		since_ns = since_ns == 0 ? arbiter->began_ns : since_ns;
		if (fg_counter_read(&counters[FG_ARBITER_LINE_silent]) != 0)
			continue;
		if ((int64_t)(now_ns - since_ns) < 0 || now_ns - since_ns < arbiter->silence_ns) {
			due_at(arbiter,
			       RTE_MIN(since_ns, now_ns) + RTE_MIN(arbiter->silence_ns, FAR_AWAY));
			continue;
		}
		fg_counter_set(&counters[FG_ARBITER_LINE_silent], 1);
		arbiter->silent |= (uint8_t)(1u << i);
		fg_counter_add(&counters[FG_ARBITER_LINE_silences], 1);
		report(arbiter, NULL, FG_ARBITER_SILENT, i, now_ns, since_ns, since_ns, 0);
	}
}

static void tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	if (arbiter->began_ns == 0)
		arbiter->began_ns = now_ns;
	arbiter->base_ns = now_ns - SLACK_NS;
	arbiter->span_ns = FAR_AWAY;
	for (uint32_t i = 0; i < arbiter->n_channels; i++)
		channel_tick(arbiter, &arbiter->channels[i], now_ns);
	silence_tick(arbiter, now_ns);
}

bool fg_arbiter_tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	if (unlikely(now_ns - arbiter->base_ns >= arbiter->span_ns))
		tick(arbiter, now_ns);
	return arbiter->ready != NULL;
}

void fg_arbiter_flush(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	for (uint32_t i = 0; i < arbiter->n_channels; i++)
		channel_abandon_gaps(arbiter, &arbiter->channels[i], now_ns);
}

unsigned int fg_arbiter_take(struct fg_arbiter *arbiter, struct fg_arbiter_taken *out,
			     unsigned int max)
{
	unsigned int n = 0;

	while (arbiter->ready != NULL && n < max) {
		struct held *entry = arbiter->ready;

		arbiter->ready = entry->next;
		out[n].packet = entry->packet;
		out[n++].result = entry->result;
		entry->next = arbiter->free_held;
		arbiter->free_held = entry;
	}
	if (arbiter->ready == NULL)
		arbiter->ready_end = &arbiter->ready;
	return n;
}

static __rte_noinline void line_back(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns)
{
	struct fg_counter *counters = arbiter->lines[line].counters;
	uint64_t since_ns = fg_counter_read(&counters[FG_ARBITER_LINE_last_ns]);

	since_ns = since_ns == 0 ? arbiter->began_ns : since_ns;
	fg_counter_set(&counters[FG_ARBITER_LINE_silent], 0);
	arbiter->silent &= (uint8_t) ~(1u << line);
	report(arbiter, NULL, FG_ARBITER_BACK, line, now_ns, since_ns, since_ns, 0);
	due_at(arbiter, now_ns + RTE_MIN(arbiter->silence_ns, FAR_AWAY));
}

/* The packet is just what comes next. */
static __rte_always_inline void common_next(struct fg_arbiter *arbiter, struct channel *channel,
					    unsigned int line, uint64_t arrival_ns, uint64_t first,
					    uint32_t count, struct fg_arbiter_result *result)
{
	struct fg_counter *counters = arbiter->lines[line].counters;
	struct tracker *tracker = channel->current;
	const uint64_t end = first + count;

	*result = (struct fg_arbiter_result){
		.mask = UINT64_MAX >> (64 - RTE_MIN(count, 64u)),
		.to = count,
		.line = (uint8_t)line,
	};
	bits_set(tracker->bits, arbiter->mask, first, count);
	tracker->high = tracker->next = end;
	line_moves(arbiter, &tracker->line[line], line, first, end);
	first_arrival_record(tracker, line, arrival_ns, first, count);
	/* What the line brings next is no older than this. */
	tracker->line[line].cursor = tracker->first_arrivals_head;
	fg_counter_set(&channel->next, end);
	fg_counter_add(&counters[FG_ARBITER_LINE_first_arrivals], 1);
	fg_counter_add(&counters[FG_ARBITER_LINE_first_numbers], count);
}

/* The packet is one that came before. */
static __rte_always_inline void common_duplicate(struct fg_arbiter *arbiter,
						 struct channel *channel, unsigned int line,
						 uint64_t arrival_ns, uint64_t first,
						 uint32_t count, struct fg_arbiter_result *result)
{
	struct fg_counter *counters = arbiter->lines[line].counters;
	struct tracker *tracker = channel->current;
	struct tracker_line *place = &tracker->line[line];

	*result = (struct fg_arbiter_result){.disposition = FG_ARBITER_DUPLICATE,
					     .line = (uint8_t)line};
	if (unlikely(ahead(first + count, place->next) <= 0))
		fg_counter_add(&counters[FG_ARBITER_LINE_repeated], 1);
	line_moves(arbiter, place, line, first, first + count);
	fg_counter_add(&counters[FG_ARBITER_LINE_duplicates], 1);
	fg_counter_add(&counters[FG_ARBITER_LINE_duplicate_numbers], count);
	lead_measure(arbiter, tracker, line, arrival_ns, first, first + count);
}

/* @return whether the common path decides it; if not, nothing is changed. */
static __rte_always_inline bool common_arbitrate(struct fg_arbiter *arbiter,
						 struct channel *channel, unsigned int line,
						 uint64_t now_ns, const struct fg_feed_packet *pkt,
						 struct fg_arbiter_result *result)
{
	const struct tracker *tracker = channel->current;
	const uint32_t count = pkt->count;
	const uint64_t first = tracker_widen(tracker, pkt->first, channel->shift);
	const uint64_t end = first + count;

	/* A count of 0 is none of these. */
	if (unlikely(pkt->kind != FG_FEED_DATA || (tracker->fast_path_lines >> line & 1) == 0 ||
		     count - 1 >= arbiter->jump_max))
		return false;
	if (first == tracker->high) {
		if (unlikely(ahead(end, tracker->limit) > 0))
			return false;
		common_next(arbiter, channel, line, pkt->arrival_ns, first, count, result);
	} else {
		if (ahead(end, tracker->high) > 0 || ahead(first, tracker->contiguous_from) < 0 ||
		    tracker->high - first > arbiter->window)
			return false;
		common_duplicate(arbiter, channel, line, pkt->arrival_ns, first, count, result);
	}
	fg_counter_set(&channel->last_ns, now_ns);
	fg_counter_set(&arbiter->lines[line].counters[FG_ARBITER_LINE_last_ns], now_ns);
	return true;
}

/* The packet's channel, when it is not the last one's. NULL: it has none. */
static __rte_noinline struct channel *other_channel(struct fg_arbiter *arbiter, uint64_t now_ns,
						    const struct fg_feed_packet *pkt)
{
	struct channel *channel;

	if (pkt->kind >= FG_FEED_UNSEQUENCED ||
	    (pkt->kind == FG_FEED_DATA && pkt->count > arbiter->jump_max))
		return NULL;
	channel = channel_find(arbiter, pkt);
	if (channel == NULL)
		channel = channel_open(arbiter, pkt, now_ns);
	if (channel != NULL)
		arbiter->last = channel;
	return channel;
}

/* A packet that is not the last one's kin: another channel, something due, or out of the ordinary.
 */
static __rte_noinline void arbitrate_slowly(struct fg_arbiter *arbiter, unsigned int line,
					    uint64_t now_ns, const struct fg_feed_packet *pkt,
					    void *packet, struct fg_arbiter_result *result)
{
	struct arrival arrival = {.arbiter = arbiter,
				  .channel = arbiter->last,
				  .pkt = pkt,
				  .packet = packet,
				  .result = result,
				  .now_ns = now_ns};
	struct fg_counter *counters;

	if (line >= arbiter->n_lines)
		line = 0;
	arrival.line = (uint8_t)line;
	*result = (struct fg_arbiter_result){.line = (uint8_t)line};
	(void)fg_arbiter_tick(arbiter, now_ns);
	counters = arbiter->lines[line].counters;
	if (fg_counter_read(&counters[FG_ARBITER_LINE_silent]) != 0)
		line_back(arbiter, line, now_ns);
	fg_counter_set(&counters[FG_ARBITER_LINE_last_ns], now_ns);
	if (arrival.channel == NULL || !channel_is(arrival.channel, pkt))
		arrival.channel = other_channel(arbiter, now_ns, pkt);
	if (arrival.channel != NULL)
		fg_counter_set(&arrival.channel->last_ns, now_ns);
	/* What is ready goes before this packet, so that it cannot simply pass. */
	if (arrival.channel == NULL || arbiter->ready != NULL ||
	    !common_arbitrate(arbiter, arrival.channel, line, now_ns, pkt, result))
		arrival_arbitrate(&arrival);
	if (arbiter->ready != NULL)
		result->flags |= FG_ARBITER_READY;
}

void fg_arbiter_arbitrate(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns,
			  const struct fg_feed_packet *pkt, void *packet,
			  struct fg_arbiter_result *result)
{
	struct channel *channel = arbiter->last;

	if (unlikely(line >= arbiter->n_lines || now_ns - arbiter->base_ns >= arbiter->span_ns ||
		     (arbiter->silent >> line & 1) != 0 || arbiter->ready != NULL ||
		     channel == NULL || !channel_is(channel, pkt) ||
		     !common_arbitrate(arbiter, channel, line, now_ns, pkt, result)))
		arbitrate_slowly(arbiter, line, now_ns, pkt, packet, result);
}
