/* SPDX-License-Identifier: MIT */
#include "feeds_loss.h"

#include <stdlib.h>
#include <time.h>

#include "app.h"
#include "feed_events.h"
#include "prefilter.h"

#define RENEW_NS  UINT64_C(50000000)   /* a sample younger than this is replaced by the next one */
#define QUEUED_NS UINT64_C(1000000000) /* a packet waits no longer in a queue of the kernel */

const char *loss_place_name(enum loss_place place)
{
	static const char *const names[] = {"nic", "no_mbuf", "errors", "ring", "sink"};

	return names[place];
}

const char *blame_name(uint8_t blame)
{
	if (blame == 0)
		return "-";
	if (blame == BLAME_NETWORK)
		return "network";
	return blame == BLAME_UNKNOWN ? "unknown" : loss_place_name(blame - 1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Where the next sample goes. Samples in quick succession do not use up the array. */
static struct loss_sample *next_sample(struct losses *losses, uint64_t now)
{
	const uint64_t n = losses->count;

	if (n > 1 && now - losses->at[(n - 2) % LOSS_SAMPLES].time_ns < RENEW_NS)
		return &losses->at[(n - 1) % LOSS_SAMPLES];
	losses->count++;
	return &losses->at[n % LOSS_SAMPLES];
}

void losses_take(struct app *app)
{
	struct losses *losses = &app->watch->losses;
	const uint64_t now = now_ns();
	struct loss_sample *sample = next_sample(losses, now);
	struct fg_totals totals = {0};

	fg_pipeline_totals(app->pipeline, &totals);
	sample->ring = totals.dropped[FG_DROP_ring_full];
	sample->sink = totals.dropped[FG_DROP_sink_full];
	for (uint32_t i = 0; i < app->n_sources; i++) {
		struct fg_source *source = &app->sources[i]->source;

		sample->received[i] = fg_source_received(source);
		sample->sources[i] = (struct fg_source_lost){0};
		if (app->sources[i]->open)
			fg_source_count_lost(source, &sample->sources[i]);
	}
	sample->time_ns = now;
}

/* Number of the oldest sample that is kept. */
static uint64_t oldest_number(const struct losses *losses)
{
	return losses->count > LOSS_SAMPLES ? losses->count - LOSS_SAMPLES : 0;
}

/* Did none of @sources receive a packet between sample @n - 1 and sample @n? */
static bool was_idle(const struct app *app, uint64_t sources, uint64_t n)
{
	const struct losses *losses = &app->watch->losses;
	const uint64_t *before = losses->at[(n - 1) % LOSS_SAMPLES].received;
	const uint64_t *after = losses->at[n % LOSS_SAMPLES].received;

	for (uint32_t i = 0; i < app->n_sources; i++)
		if ((sources >> i & 1) != 0 && before[i] != after[i])
			return false;
	return true;
}

/*
 * The sample from which on losses may belong to a gap that was seen at @time_ns. A gap shows when
 * the next packet comes: the time before, in which none came, belongs to it, and as the packets
 * that came last may have waited in the kernel's queue, so does the second before them. NULL: it is
 * older than the samples.
 */
static const struct loss_sample *sample_before(const struct app *app, uint64_t sources,
					       uint64_t time_ns)
{
	const struct losses *losses = &app->watch->losses;
	const uint64_t oldest = oldest_number(losses);
	uint64_t n = losses->count - 1, last_ns;

	while (n > oldest && losses->at[n % LOSS_SAMPLES].time_ns > time_ns)
		n--;
	while (n > oldest && was_idle(app, sources, n))
		n--;
	last_ns = losses->at[n % LOSS_SAMPLES].time_ns;
	while (n > oldest && losses->at[n % LOSS_SAMPLES].time_ns + QUEUED_NS > last_ns)
		n--;
	return n > oldest || oldest == 0 ? &losses->at[n % LOSS_SAMPLES] : NULL;
}

/* The first sample taken at @time_ns or later; the last one if there is none. */
static const struct loss_sample *sample_after(const struct losses *losses, uint64_t time_ns)
{
	const uint64_t oldest = oldest_number(losses);
	const struct loss_sample *found = &losses->at[(losses->count - 1) % LOSS_SAMPLES];

	for (uint64_t n = losses->count; n > oldest; n--) {
		if (losses->at[(n - 1) % LOSS_SAMPLES].time_ns < time_ns)
			break;
		found = &losses->at[(n - 1) % LOSS_SAMPLES];
	}
	return found;
}

/* By the running rules: which sources can carry each feed. */
static void find_sources(const struct app *app, struct feeds_watch *watch)
{
	const struct fg_rules *rules = fg_pipeline_rules(app->pipeline);
	const uint64_t all = UINT64_MAX >> (64 - app->n_sources);

	if (watch->rules_version == fg_pipeline_rules_version(app->pipeline))
		return;
	watch->rules_version = fg_pipeline_rules_version(app->pipeline);
	for (uint32_t i = 0; i < app->n_feeds; i++)
		watch->sources[i] = 0;
	for (uint32_t i = 1; i <= rules->count; i++) {
		const struct fg_rule *rule = &rules->rules[i];

		for (uint32_t n = 0; rule->feed != FG_FEED_NONE && n < rule->n_matches; n++)
			for (uint32_t s = 0; s < app->n_sources; s++) {
				if (watch->sources[rule->feed] == all)
					break;
				if (prefilter_concerns(&rules->matches[rule->first_match + n],
						       &app->sources[s]->source))
					watch->sources[rule->feed] |= UINT64_C(1) << s;
			}
	}
}

static void subtract(const struct app *app, const struct loss_sample *from,
		     const struct loss_sample *to, struct feed_event *event)
{
	const uint64_t sources = app->watch->sources[event->feed];
	uint64_t *lost = event->lost;

	for (uint32_t i = 0; i < app->n_sources; i++) {
		if ((sources >> i & 1) == 0)
			continue;
		event->nic_unknown = event->nic_unknown || to->sources[i].nic_unknown;
		lost[LOSS_NIC] += to->sources[i].nic - from->sources[i].nic;
		lost[LOSS_NO_MBUF] += to->sources[i].no_mbuf - from->sources[i].no_mbuf;
		lost[LOSS_ERRORS] += to->sources[i].errors - from->sources[i].errors;
	}
	lost[LOSS_RING] = to->ring - from->ring;
	lost[LOSS_SINK] = to->sink - from->sink;
}

/* The oldest sample there is. */
static const struct loss_sample *oldest_sample(const struct losses *losses)
{
	return &losses->at[oldest_number(losses) % LOSS_SAMPLES];
}

void losses_attribute(struct app *app, struct feed_event *event)
{
	struct feeds_watch *watch = app->watch;
	const struct loss_sample *from;
	const struct loss_sample *to = sample_after(&watch->losses, event->event.time_ns);
	uint64_t max = 0;

	if (!event_is_gap(&event->event))
		return;
	find_sources(app, watch);
	from = sample_before(app, watch->sources[event->feed], event->event.since_ns);
	subtract(app, from != NULL ? from : oldest_sample(&watch->losses), to, event);
	event->blame = from != NULL && !event->nic_unknown ? BLAME_NETWORK : BLAME_UNKNOWN;
	for (unsigned int place = 0; place < LOSS_SINK; place++)
		if (event->lost[place] > max) {
			max = event->lost[place];
			event->blame = (uint8_t)(place + 1);
		}
}
