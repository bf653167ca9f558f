/* SPDX-License-Identifier: MIT */
#include "feeds_loss.h"

#include <stdlib.h>
#include <time.h>

#include "app.h"
#include "feed_events.h"
#include "prefilter.h"

#define RENEW_NS UINT64_C(50000000) /* a sample younger than this is replaced by the next one */

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

		sample->sources[i] = (struct fg_source_lost){0};
		if (app->sources[i]->open)
			fg_source_count_lost(source, &sample->sources[i]);
	}
	sample->time_ns = now;
}

/*
 * The sample before the last one taken at @time_ns or earlier: what was lost shortly before a gap
 * was seen belongs to it. NULL: @time_ns is before the oldest sample.
 */
static const struct loss_sample *sample_before(const struct losses *losses, uint64_t time_ns)
{
	const uint64_t oldest = losses->count > LOSS_SAMPLES ? losses->count - LOSS_SAMPLES : 0;

	for (uint64_t n = losses->count; n > oldest; n--)
		if (losses->at[(n - 1) % LOSS_SAMPLES].time_ns <= time_ns)
			return n - 1 > oldest ? &losses->at[(n - 2) % LOSS_SAMPLES]
			       : oldest == 0  ? &losses->at[0]
					      : NULL;
	return oldest == 0 ? &losses->at[0] : NULL;
}

/* The first sample taken at @time_ns or later; the last one if there is none. */
static const struct loss_sample *sample_after(const struct losses *losses, uint64_t time_ns)
{
	const uint64_t oldest = losses->count > LOSS_SAMPLES ? losses->count - LOSS_SAMPLES : 0;
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
	return &losses->at[losses->count > LOSS_SAMPLES ? losses->count % LOSS_SAMPLES : 0];
}

void losses_attribute(struct app *app, struct feed_event *event)
{
	struct feeds_watch *watch = app->watch;
	const struct loss_sample *from = sample_before(&watch->losses, event->event.since_ns);
	const struct loss_sample *to = sample_after(&watch->losses, event->event.time_ns);
	uint64_t max = 0;

	if (!event_is_gap(&event->event))
		return;
	find_sources(app, watch);
	subtract(app, from != NULL ? from : oldest_sample(&watch->losses), to, event);
	event->blame = from != NULL && !event->nic_unknown ? BLAME_NETWORK : BLAME_UNKNOWN;
	for (unsigned int place = 0; place < LOSS_SINK; place++)
		if (event->lost[place] > max) {
			max = event->lost[place];
			event->blame = (uint8_t)(place + 1);
		}
}
