/* SPDX-License-Identifier: MIT */
/* The fast path, timeouts, and what takes packets out. Hot. */
#include <rte_prefetch.h>

#include <fg_arbiter.h>

#include "arbiter.h"
#include "channel.h"
#include "lead.h"
#include "report.h"
#include "select.h"
#include "tracker.h"

static void line_report(struct fg_arbiter *arbiter, enum fg_arbiter_event_kind kind,
			unsigned int line, uint64_t now_ns, uint64_t since_ns)
{
	report_now(arbiter, NULL,
		   (struct fg_arbiter_event){.kind = (uint8_t)kind,
					     .line = (uint8_t)line,
					     .time_ns = now_ns,
					     .first = since_ns,
					     .last = since_ns});
}

/* Report lines that fell silent, and schedule the next look. */
static void silence_tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	for (unsigned int i = 0; i < arbiter->n_lines; i++) {
		struct fg_counter *counters = arbiter->lines[i].counters;
		uint64_t since_ns = fg_counter_read(&counters[FG_ARBITER_LINE_last_ns]);

		since_ns = since_ns == 0 ? arbiter->began_ns : since_ns;
		if (fg_counter_read(&counters[FG_ARBITER_LINE_silent]) != 0)
			continue;
		if ((int64_t)(now_ns - since_ns) < 0 || now_ns - since_ns < arbiter->silence_ns) {
			tick_schedule(arbiter, RTE_MIN(since_ns, now_ns) +
						       RTE_MIN(arbiter->silence_ns, DIFF_MAX));
			continue;
		}
		fg_counter_set(&counters[FG_ARBITER_LINE_silent], 1);
		arbiter->silent |= (uint8_t)(1u << i);
		fg_counter_add(&counters[FG_ARBITER_LINE_silences], 1);
		line_report(arbiter, FG_ARBITER_SILENT, i, now_ns, since_ns);
	}
}

static void tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	if (arbiter->began_ns == 0)
		arbiter->began_ns = now_ns;
	arbiter->tick_base_ns = now_ns - CLOCK_SLACK_NS;
	arbiter->tick_span_ns = DIFF_MAX;
	for (uint32_t i = 0; i < arbiter->n_channels; i++)
		channel_tick(arbiter, &arbiter->channels[i], now_ns);
	silence_tick(arbiter, now_ns);
}

bool fg_arbiter_tick(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	if (unlikely(now_ns - arbiter->tick_base_ns >= arbiter->tick_span_ns))
		tick(arbiter, now_ns);
	return arbiter->ready != NULL;
}

void fg_arbiter_flush(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	for (uint32_t i = 0; i < arbiter->n_channels; i++)
		channel_flush(arbiter, &arbiter->channels[i], now_ns);
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
	line_report(arbiter, FG_ARBITER_BACK, line, now_ns, since_ns);
	tick_schedule(arbiter, now_ns + RTE_MIN(arbiter->silence_ns, DIFF_MAX));
}

/* The packet brings the next numbers. */
static __rte_always_inline void fast_next(struct fg_arbiter *arbiter, struct channel *channel,
					  unsigned int line, const struct fg_feed_packet *pkt,
					  uint64_t first, struct fg_arbiter_result *result)
{
	struct fg_counter *counters = arbiter->lines[line].counters;
	struct tracker *tracker = channel->current;
	const uint64_t arrival_ns = pkt->arrival_ns;
	const uint32_t count = pkt->count;
	const uint64_t end = first + count;

	*result = (struct fg_arbiter_result){
		.mask = UINT64_MAX >> (64 - RTE_MIN(count, 64u)),
		.to = count,
		.line = (uint8_t)line,
	};
	bits_set(tracker->bits, arbiter->mask, first, count);
	tracker->high = tracker->deliver_next = end;
	tracker_line_advance(arbiter, &tracker->lines[line], line, first, end);
	lead_record(tracker, line, arrival_ns, first, count);
	/* The line's next duplicate is above this packet. */
	tracker->lines[line].cursor = tracker->first_arrivals_head;
	fg_counter_set(&channel->next, end);
	fg_counter_add(&counters[FG_ARBITER_LINE_first_arrivals], 1);
	fg_counter_add(&counters[FG_ARBITER_LINE_first_numbers], count);
}

/* All of the packet came before. */
static __rte_always_inline void fast_duplicate(struct fg_arbiter *arbiter, struct channel *channel,
					       unsigned int line, const struct fg_feed_packet *pkt,
					       uint64_t first, struct fg_arbiter_result *result)
{
	struct fg_counter *counters = arbiter->lines[line].counters;
	struct tracker *tracker = channel->current;
	struct tracker_line *state = &tracker->lines[line];
	const uint64_t arrival_ns = pkt->arrival_ns;
	const uint32_t count = pkt->count;

	*result = (struct fg_arbiter_result){.disposition = FG_ARBITER_DUPLICATE,
					     .line = (uint8_t)line};
	if (unlikely(seq_diff(first + count, state->next) <= 0))
		fg_counter_add(&counters[FG_ARBITER_LINE_repeated], 1);
	tracker_line_advance(arbiter, state, line, first, first + count);
	fg_counter_add(&counters[FG_ARBITER_LINE_duplicates], 1);
	fg_counter_add(&counters[FG_ARBITER_LINE_duplicate_numbers], count);
	lead_measure(arbiter, tracker, line, arrival_ns, first, first + count);
}

/* @return whether the fast path took the packet; if not, nothing has changed. */
static __rte_always_inline bool fast_arbitrate(struct fg_arbiter *arbiter, struct channel *channel,
					       unsigned int line, uint64_t now_ns,
					       const struct fg_feed_packet *pkt,
					       struct fg_arbiter_result *result)
{
	const struct tracker *tracker = channel->current;
	const uint32_t count = pkt->count;
	const uint64_t first = tracker_widen(tracker, pkt->first, channel->shift);
	const uint64_t end = first + count;

	/* count - 1 is larger than jump_max for a count of 0. */
	if (unlikely(pkt->kind != FG_FEED_DATA || (tracker->fast_path_lines >> line & 1) == 0 ||
		     count - 1 >= arbiter->jump_max))
		return false;
	if (first == tracker->high) {
		if (unlikely(seq_diff(end, tracker->fast_path_end) > 0))
			return false;
		fast_next(arbiter, channel, line, pkt, first, result);
	} else {
		if (seq_diff(end, tracker->high) > 0 ||
		    seq_diff(first, tracker->contiguous_from) < 0 ||
		    tracker->high - first > arbiter->window)
			return false;
		fast_duplicate(arbiter, channel, line, pkt, first, result);
	}
	fg_counter_set(&channel->last_ns, now_ns);
	fg_counter_set(&arbiter->lines[line].counters[FG_ARBITER_LINE_last_ns], now_ns);
	return true;
}

/* The channel of a packet, added if it is new. NULL: the packet has none, or there is no room. */
static __rte_noinline struct channel *channel_lookup(struct fg_arbiter *arbiter, uint64_t now_ns,
						     const struct fg_feed_packet *pkt)
{
	struct channel *channel;

	if (pkt->kind >= FG_FEED_RETRANSMISSION ||
	    (pkt->kind == FG_FEED_DATA && pkt->count > arbiter->jump_max))
		return NULL;
	channel = channel_find(arbiter, pkt);
	if (channel == NULL)
		channel = channel_open(arbiter, pkt, now_ns);
	if (channel != NULL)
		arbiter->last = channel;
	return channel;
}

/* Sessions that replaced another, and resets. */
static inline uint64_t epochs_of(const struct fg_arbiter *arbiter)
{
	return fg_counter_read(&arbiter->totals[FG_ARBITER_CHANNEL_session_changes]) +
	       fg_counter_read(&arbiter->totals[FG_ARBITER_CHANNEL_resets]);
}

/* The rest: another channel than the last packet's, a timeout, or what the fast path does not take.
 */
static __rte_noinline void arbitrate_slow(struct fg_arbiter *arbiter, unsigned int line,
					  uint64_t now_ns, const struct fg_feed_packet *pkt,
					  void *packet, struct fg_arbiter_result *result)
{
	struct arrival arrival = {.arbiter = arbiter,
				  .channel = arbiter->last,
				  .pkt = pkt,
				  .packet = packet,
				  .result = result,
				  .now_ns = now_ns};
	const uint64_t epochs = epochs_of(arbiter);
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
		arrival.channel = channel_lookup(arbiter, now_ns, pkt);
	if (arrival.channel != NULL)
		fg_counter_set(&arrival.channel->last_ns, now_ns);
	/* The fast path cannot queue this packet after those that are ready. */
	if (arrival.channel == NULL || arbiter->ready != NULL ||
	    !fast_arbitrate(arbiter, arrival.channel, line, now_ns, pkt, result))
		arrival_arbitrate(&arrival);
	if (arbiter->ready != NULL)
		result->flags |= FG_ARBITER_READY;
	if (epochs_of(arbiter) != epochs)
		result->flags |= FG_ARBITER_EPOCH;
}

void fg_arbiter_prefetch(const struct fg_arbiter *arbiter, unsigned int line)
{
	const struct channel *channel = arbiter->last;

	if (likely(channel != NULL))
		rte_prefetch0(channel->current);
	rte_prefetch0(&arbiter->lines[line]);
}

enum fg_arbiter_peek fg_arbiter_peek(const struct fg_arbiter *arbiter, unsigned int line,
				     const struct fg_feed_packet *pkt)
{
	const struct channel *channel = arbiter->last;
	const struct tracker *tracker;
	uint64_t first, end;

	if (line >= arbiter->n_lines || channel == NULL || !channel_is(channel, pkt) ||
	    pkt->kind != FG_FEED_DATA || pkt->count - 1 >= arbiter->jump_max)
		return FG_ARBITER_PEEK_OTHER;
	tracker = channel->current;
	if ((tracker->fast_path_lines >> line & 1) == 0)
		return FG_ARBITER_PEEK_OTHER;
	first = tracker_widen(tracker, pkt->first, channel->shift);
	end = first + pkt->count;
	if (first == tracker->high && seq_diff(end, tracker->fast_path_end) <= 0)
		return FG_ARBITER_PEEK_NEXT;
	if (seq_diff(end, tracker->high) > 0 || seq_diff(first, tracker->contiguous_from) < 0 ||
	    tracker->high - first > arbiter->window)
		return FG_ARBITER_PEEK_OTHER;
	return FG_ARBITER_PEEK_DUPLICATE;
}

void fg_arbiter_arbitrate(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns,
			  const struct fg_feed_packet *pkt, void *packet,
			  struct fg_arbiter_result *result)
{
	struct channel *channel = arbiter->last;

	if (unlikely(line >= arbiter->n_lines ||
		     now_ns - arbiter->tick_base_ns >= arbiter->tick_span_ns ||
		     (arbiter->silent >> line & 1) != 0 || arbiter->ready != NULL ||
		     channel == NULL || !channel_is(channel, pkt) ||
		     !fast_arbitrate(arbiter, channel, line, now_ns, pkt, result)))
		arbitrate_slow(arbiter, line, now_ns, pkt, packet, result);
}
