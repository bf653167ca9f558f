/* SPDX-License-Identifier: MIT */
/* feedgate's feed stage as a subject: fg_feed_burst() on the lcore of the feeds. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fg_config.h>
#include <fg_drop.h>
#include <fg_msg_filter.h>

#include "feed_work.h"

#define SCRATCH_BYTES (UINT16_MAX + 1u)
#define TEXT_BYTES    24u

struct stage {
	struct fg_feed_stage stage;
	struct fg_feed_conf confs[FEEDS_MAX];
	struct fg_feed *feeds[FEEDS_MAX];
	struct fg_msg_filter *filters[FEEDS_MAX];
	const struct feed_case *feed_case;
	bool arbitrate, by_order;
	uint64_t passed, matched; /* matched: as of the last check */
	uint64_t dropped[FG_DROP_COUNT];
};

static void burst(struct feed_subject *subject, const struct feed_burst *burst, uint64_t now_ns)
{
	struct stage *s = subject->state;
	struct rte_mbuf *pass[FG_BURST_MAX];
	struct rte_mbuf *pkts[FG_BURST_MAX], **at = pkts;
	struct fg_feed_out out = {.pass = pass, .room = FG_BURST_MAX};
	uint16_t left = burst->count;

	memcpy(pkts, burst->pkts, sizeof(pkts));
	do {
		const uint16_t taken = fg_feed_burst(&s->stage, at, left, now_ns, &out);

		at += taken;
		left = (uint16_t)(left - taken);
		s->passed += out.n_pass;
		for (uint16_t i = 0; i < out.n_drop; i++)
			s->dropped[out.reason[i]]++;
	} while (left > 0 || fg_feed_pending(&s->stage));
}

static uint64_t sum_of(const struct stage *s, enum fg_feed_counter counter)
{
	uint64_t counters[FG_FEED_COUNTER_COUNT], sum = 0;

	for (uint32_t i = 0; i < s->feed_case->feeds; i++) {
		fg_feed_counters(s->feeds[i], counters);
		sum += counters[counter];
	}
	return sum;
}

static int expect(const struct feed_subject *subject, const char *what, uint64_t found,
		  uint64_t expected, struct fg_error *error)
{
	const struct stage *s = subject->state;

	if (found == expected)
		return 0;
	return fg_error_set(error, EBADMSG,
			    "%s: %s: wrong answer: %" PRIu64 " %s, expected %" PRIu64,
			    s->feed_case->name, subject->name, found, what, expected);
}

/* Nothing is lost, no packet is bad, each number passes once, and what matches is what the
 * generator meant to. */
static int compare(const struct feed_subject *subject, const struct feed_seen *seen,
		   struct fg_error *error)
{
	const struct stage *s = subject->state;
	const uint64_t duplicates = s->arbitrate ? seen->packets - seen->first : 0;
	uint64_t out = s->passed;
	int rc;

	for (uint32_t i = 0; i < FG_DROP_COUNT; i++)
		out += s->dropped[i];
	rc = expect(subject, "packets came out", out, seen->packets, error);
	if (rc == 0)
		rc = expect(subject, "bad packets",
			    sum_of(s, FG_FEED_wrong_protocol) + sum_of(s, FG_FEED_truncated) +
				    sum_of(s, FG_FEED_malformed) + sum_of(s, FG_FEED_undecodable),
			    0, error);
	if (rc == 0)
		rc = expect(subject, "duplicates", s->dropped[FG_DROP_duplicate], duplicates,
			    error);
	if (rc != 0 || subject->filters == NULL || s->by_order)
		return rc;
	return expect(subject, "messages matched", sum_of(s, FG_FEED_matched) - s->matched,
		      s->arbitrate ? seen->first_matched : seen->matched, error);
}

static int check(struct feed_subject *subject, const struct feed_seen *seen, struct fg_error *error)
{
	struct stage *s = subject->state;
	const int rc = seen != NULL ? compare(subject, seen, error) : 0;

	s->matched = sum_of(s, FG_FEED_matched);
	s->passed = 0;
	memset(s->dropped, 0, sizeof(s->dropped));
	return rc;
}

static void close_stage(struct feed_subject *subject)
{
	struct stage *s = subject->state;

	for (uint32_t i = 0; i < FEEDS_MAX; i++) {
		fg_msg_filter_free(s->filters[i]);
		fg_feed_free(s->feeds[i]);
		fg_feed_conf_free(&s->confs[i]);
	}
	free(s->stage.scratch);
	free(s);
}

static int open_feed(struct stage *s, uint32_t i, int socket_id, struct fg_error *error)
{
	struct fg_config *config = NULL;
	char text[160];
	int rc;

	/* Many feeds would need much memory for maps of symbols. */
	snprintf(text, sizeof(text), "{name: f-%u, protocol: %s, track: %s, arbitrate: %s, %s}", i,
		 s->feed_case->protocol->name, s->arbitrate ? "true" : "false",
		 s->arbitrate ? "true" : "false",
		 s->feed_case->feeds == 1 ? "learn: true" : "learn: false, symbols: {max: 64}");
	rc = fg_config_load_text("feed", text, strlen(text), &config, error);
	if (rc == 0)
		rc = fg_feed_read(fg_config_root(config), &s->confs[i], error);
	fg_config_free(config);
	return rc == 0 ? fg_feed_create(&s->confs[i], s->feed_case->lines, socket_id, &s->feeds[i],
					error)
		       : rc;
}

static int open_filters(struct stage *s, const struct feed_maker *maker, const char *const *texts,
			uint32_t selected, int socket_id, struct fg_error *error)
{
	const bool any = maker->feed_case->protocol->messages->count == 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < s->feed_case->feeds; i++) {
		const struct fg_msg_filter_conf conf = {.protocol = s->feed_case->protocol,
							.symbols = fg_feed_symbols(s->feeds[i]),
							.orders = fg_feed_orders(s->feeds[i]),
							.types = maker->types,
							.n_types = maker->n_types,
							.instruments = texts,
							.n_instruments = any ? 0 : selected,
							.any_instrument = any,
							.learns_needed_only =
								s->feed_case->feeds > 1,
							.unmapped = FG_UNMAPPED_DROP,
							.socket_id = socket_id};

		rc = fg_msg_filter_create(&conf, &s->filters[i], error);
	}
	return rc;
}

static int subscribe(struct feed_subject *subject, const struct feed_maker *maker,
		     uint32_t selected, int socket_id, struct fg_error *error)
{
	struct stage *s = subject->state;
	char(*room)[TEXT_BYTES] = calloc(selected, sizeof(*room));
	const char **texts = calloc(selected, sizeof(*texts));
	int rc;

	subject->filters = s->filters;
	for (uint32_t i = 0; room != NULL && texts != NULL && i < selected; i++) {
		maker->text(maker, 2 * i, room[i]);
		texts[i] = room[i];
	}
	rc = room == NULL || texts == NULL
		     ? fg_error_set(error, ENOMEM, "no memory for %u instruments", selected)
		     : open_filters(s, maker, texts, selected, socket_id, error);
	free(texts);
	free(room);
	return rc;
}

int feed_stage_open(struct feed_subject *subject, const struct feed_maker *maker, bool arbitrate,
		    uint32_t selected, int socket_id, struct fg_error *error)
{
	struct stage *s = aligned_alloc(_Alignof(struct stage), sizeof(*s));
	int rc = 0;

	if (s == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	memset(s, 0, sizeof(*s));
	s->feed_case = maker->feed_case;
	s->arbitrate = arbitrate;
	s->by_order = maker->by_order || selected != maker->feed_case->selected;
	s->stage = (struct fg_feed_stage){.feeds = s->feeds,
					  .n_feeds = s->feed_case->feeds,
					  .scratch = malloc(SCRATCH_BYTES)};
	subject->state = s;
	subject->burst = burst;
	subject->check = check;
	subject->close = close_stage;
	if (s->stage.scratch == NULL)
		return fg_error_set(error, ENOMEM, "out of memory");
	for (uint32_t i = 0; rc == 0 && i < s->feed_case->feeds; i++)
		rc = open_feed(s, i, socket_id, error);
	return rc == 0 && selected > 0 ? subscribe(subject, maker, selected, socket_id, error) : rc;
}
