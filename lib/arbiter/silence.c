/* SPDX-License-Identifier: MIT */
/* Silent lines. Hot. */
#include "silence.h"

#include "channel.h"
#include "report.h"

static void line_report(struct fg_arbiter *arbiter, struct channel *channel,
			enum fg_arbiter_event_kind kind, unsigned int line, uint64_t now_ns,
			uint64_t since_ns)
{
	report_now(arbiter, channel,
		   (struct fg_arbiter_event){.kind = (uint8_t)kind,
					     .line = (uint8_t)line,
					     .time_ns = now_ns,
					     .first = since_ns,
					     .last = since_ns});
}

static void line_set_silent(struct fg_arbiter *arbiter, unsigned int line, bool silent)
{
	struct fg_counter *counters = arbiter->lines[line].counters;

	if (silent)
		fg_counter_add(&counters[FG_ARBITER_LINE_silences], 1);
	fg_counter_set(&counters[FG_ARBITER_LINE_silent], silent);
}

static uint64_t channel_line_since(const struct channel *channel, unsigned int line)
{
	const struct tracker *current = channel_current(channel);
	const uint64_t last_ns = fg_counter_read(&current->fast.lines[line].last_ns);

	return last_ns == 0 ? channel->opened_ns : last_ns;
}

/* Whether a line, of a channel or, with NULL, of the feed, that sent last at @p since_ns is silent;
 * otherwise look again when it may be. */
static bool is_silent(struct fg_arbiter *arbiter, const struct channel *channel, uint64_t since_ns,
		      uint64_t now_ns)
{
	if ((int64_t)(now_ns - since_ns) >= 0 && now_ns - since_ns >= arbiter->silence_ns)
		return true;
	tick_schedule(arbiter, channel, time_after(RTE_MIN(since_ns, now_ns), arbiter->silence_ns));
	return false;
}

void silence_tick(struct fg_arbiter *arbiter, struct channel *channel, uint64_t now_ns)
{
	if (!channel_current(channel)->confirmed || channel->ended ||
	    !channel_is_current_session(channel))
		return;
	for (unsigned int i = 0; i < arbiter->n_lines; i++) {
		const uint64_t since_ns = channel_line_since(channel, i);

		if ((channel->silent >> i & 1) != 0 ||
		    !is_silent(arbiter, channel, since_ns, now_ns))
			continue;
		channel->silent |= (uint8_t)(1u << i);
		if (arbiter->n_silent[i]++ == 0)
			line_set_silent(arbiter, i, true);
		line_report(arbiter, channel, FG_ARBITER_SILENT, i, now_ns, since_ns);
	}
}

void silence_end(struct arrival *a)
{
	struct fg_arbiter *arbiter = a->arbiter;
	struct channel *channel = a->channel;

	if ((channel->silent >> a->line & 1) == 0)
		return;
	channel->silent &= (uint8_t) ~(1u << a->line);
	if (--arbiter->n_silent[a->line] == 0)
		line_set_silent(arbiter, a->line, false);
	line_report(arbiter, channel, FG_ARBITER_BACK, a->line, a->now_ns,
		    channel_line_since(channel, a->line));
	tick_schedule(arbiter, channel, time_after(a->now_ns, arbiter->silence_ns));
}

void silence_tick_feed(struct fg_arbiter *arbiter, uint64_t now_ns)
{
	struct fg_arbiter_line state;

	if (arbiter->n_used > 0)
		return;
	for (unsigned int i = 0; i < arbiter->n_lines; i++) {
		fg_arbiter_line(arbiter, i, &state);
		if (state.counters[FG_ARBITER_LINE_last_ns] != 0 ||
		    (arbiter->lines_silent >> i & 1) != 0 ||
		    !is_silent(arbiter, NULL, arbiter->began_ns, now_ns))
			continue;
		arbiter->lines_silent |= (uint8_t)(1u << i);
		line_set_silent(arbiter, i, true);
		line_report(arbiter, NULL, FG_ARBITER_SILENT, i, now_ns, arbiter->began_ns);
	}
}

void silence_end_feed(struct fg_arbiter *arbiter, unsigned int line, uint64_t now_ns)
{
	if ((arbiter->lines_silent >> line & 1) == 0)
		return;
	arbiter->lines_silent &= (uint8_t) ~(1u << line);
	line_set_silent(arbiter, line, arbiter->n_silent[line] > 0);
	line_report(arbiter, NULL, FG_ARBITER_BACK, line, now_ns, arbiter->began_ns);
}
