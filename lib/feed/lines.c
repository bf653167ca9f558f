/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include <errno.h>

#include <rte_malloc.h>

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

static int conf_check(struct fg_lines_conf *conf, struct fg_error *error)
{
	conf->n_lines = conf->n_lines == 0 ? 2 : conf->n_lines;
	if (conf->n_lines > FG_LINES_MAX)
		return fg_error_set(error, EINVAL, "%u lines: at most %u", conf->n_lines,
				    FG_LINES_MAX);
	if (conf_number(&conf->spaces, 32, "spaces", 1, 1024, false, error) != 0 ||
	    conf_number(&conf->window, 8192, "window", 128, 1u << 20, true, error) != 0 ||
	    conf_number(&conf->jump_max, conf->window / 2, "jump_max", 1, conf->window / 2, false,
			error) != 0 ||
	    conf_number(&conf->hold_packets, 256, "hold_packets", 1, 65536, false, error) != 0 ||
	    conf_number(&conf->events, 1024, "events", 1, 1u << 20, true, error) != 0)
		return -EINVAL;
	conf->hold_ns = conf->hold_ns == 0 ? UINT64_C(1000000) : conf->hold_ns;
	conf->lost_ns = conf->lost_ns == 0 ? UINT64_C(1000000000) : conf->lost_ns;
	conf->silence_ns = conf->silence_ns == 0 ? UINT64_C(5000000000) : conf->silence_ns;
	/* A time in the far future must not be taken for the past. */
	conf->hold_ns = RTE_MIN(conf->hold_ns, (uint64_t)INT64_MAX / 4);
	conf->lost_ns = RTE_MIN(conf->lost_ns, (uint64_t)INT64_MAX / 4);
	return 0;
}

/* Cut a piece off one block of memory, on cache lines. With @p base NULL it only adds up. */
static void *piece(uint8_t *base, size_t *used, size_t bytes)
{
	void *at = base == NULL ? NULL : base + *used;

	*used += RTE_ALIGN_CEIL(bytes, RTE_CACHE_LINE_SIZE);
	return at;
}

/* All of it in one block; tracks as many as spaces, and some for sides. */
static size_t lines_lay_out(const struct fg_lines_conf *conf, uint8_t *base)
{
	struct fg_lines *lines = (struct fg_lines *)base;
	const uint32_t n_tracks = conf->spaces + RTE_MAX(conf->spaces / 4, 4u);
	size_t used = RTE_ALIGN_CEIL(sizeof(struct fg_lines), 128);
	struct space *spaces = piece(base, &used, sizeof(struct space) * conf->spaces);
	const uint32_t n_buckets = rte_align32pow2(conf->spaces * 2);
	uint32_t *buckets = piece(base, &used, sizeof(uint32_t) * n_buckets);
	struct fg_lines_event *events = piece(base, &used, sizeof(*events) * conf->events);
	struct held *held;

	for (uint32_t i = 0; i < n_tracks; i++) {
		struct track *track = piece(base, &used, sizeof(*track));
		uint64_t *bits = piece(base, &used, conf->window / 8);
		struct win *wins = piece(base, &used, sizeof(*wins) * WINS_MAX);

		if (base == NULL)
			continue;
		track->bits = bits;
		track->wins = wins;
		track->next_free = lines->free_tracks;
		lines->free_tracks = track;
		lines->n_free_tracks++;
	}
	if (base != NULL) {
		lines->spaces = spaces;
		lines->buckets = buckets;
		memset(buckets, 0xff, sizeof(*buckets) * n_buckets);
		lines->bucket_mask = n_buckets - 1;
		lines->events = events;
	}
	for (uint32_t i = 0; conf->hold && i < conf->hold_packets + 1; i++) {
		held = piece(base, &used, sizeof(*held));
		if (base == NULL)
			continue;
		held->next = lines->free_held;
		lines->free_held = held;
	}
	return used;
}

int fg_lines_create(const struct fg_lines_conf *wanted, struct fg_lines **out,
		    struct fg_error *error)
{
	struct fg_lines_conf conf = *wanted;
	struct fg_lines *lines;
	const int status = conf_check(&conf, error);
	size_t bytes;

	if (status != 0)
		return status;
	bytes = lines_lay_out(&conf, NULL);
	lines = rte_zmalloc_socket(NULL, bytes, 128, conf.socket_id);
	if (lines == NULL)
		return fg_error_set(error, ENOMEM,
				    "no DPDK memory for a feed's lines, %zu bytes: fewer spaces, a "
				    "smaller window, or more memory for EAL",
				    bytes);
	(void)lines_lay_out(&conf, (uint8_t *)lines);
	lines->window = conf.window;
	lines->mask = conf.window - 1;
	lines->jump_max = conf.jump_max;
	lines->hold = conf.hold;
	lines->n_lines = conf.n_lines;
	lines->max_spaces = conf.spaces;
	lines->hold_ns = conf.hold_ns;
	lines->lost_ns = conf.lost_ns;
	lines->silence_ns = conf.silence_ns;
	lines->hold_packets = conf.hold_packets;
	lines->event_mask = conf.events - 1;
	lines->ready_end = &lines->ready;
	*out = lines;
	return 0;
}

void fg_lines_free(struct fg_lines *lines)
{
	rte_free(lines);
}

/* Alarms; and look again when the next line may be due. */
static void silence_tick(struct fg_lines *lines, uint64_t now_ns)
{
	for (unsigned int i = 0; i < lines->n_lines; i++) {
		struct fg_counter *counters = lines->lines[i].counters;
		uint64_t since_ns = fg_counter_read(&counters[FG_LINES_LINE_last_ns]);

		since_ns = since_ns == 0 ? lines->began_ns : since_ns;
		if (fg_counter_read(&counters[FG_LINES_LINE_silent]) != 0)
			continue;
		if ((int64_t)(now_ns - since_ns) < 0 || now_ns - since_ns < lines->silence_ns) {
			due_at(lines,
			       RTE_MIN(since_ns, now_ns) + RTE_MIN(lines->silence_ns, FAR_AWAY));
			continue;
		}
		fg_counter_set(&counters[FG_LINES_LINE_silent], 1);
		lines->silent |= (uint8_t)(1u << i);
		fg_counter_add(&counters[FG_LINES_LINE_silences], 1);
		report(lines, NULL, FG_LINES_SILENT, i, now_ns, since_ns, since_ns, 0);
	}
}

static void tick(struct fg_lines *lines, uint64_t now_ns)
{
	if (lines->began_ns == 0)
		lines->began_ns = now_ns;
	lines->base_ns = now_ns - SLACK_NS;
	lines->span_ns = FAR_AWAY;
	for (uint32_t i = 0; i < lines->n_spaces; i++)
		space_tick(lines, &lines->spaces[i], now_ns);
	silence_tick(lines, now_ns);
}

bool fg_lines_tick(struct fg_lines *lines, uint64_t now_ns)
{
	if (unlikely(now_ns - lines->base_ns >= lines->span_ns))
		tick(lines, now_ns);
	return lines->ready != NULL;
}

void fg_lines_flush(struct fg_lines *lines, uint64_t now_ns)
{
	for (uint32_t i = 0; i < lines->n_spaces; i++)
		space_give_up(lines, &lines->spaces[i], now_ns);
}

unsigned int fg_lines_take(struct fg_lines *lines, struct fg_lines_taken *out, unsigned int max)
{
	unsigned int n = 0;

	while (lines->ready != NULL && n < max) {
		struct held *entry = lines->ready;

		lines->ready = entry->next;
		out[n].packet = entry->packet;
		out[n++].verdict = entry->verdict;
		entry->next = lines->free_held;
		lines->free_held = entry;
	}
	if (lines->ready == NULL)
		lines->ready_end = &lines->ready;
	return n;
}

static __rte_noinline void line_back(struct fg_lines *lines, unsigned int line, uint64_t now_ns)
{
	struct fg_counter *counters = lines->lines[line].counters;
	uint64_t since_ns = fg_counter_read(&counters[FG_LINES_LINE_last_ns]);

	since_ns = since_ns == 0 ? lines->began_ns : since_ns;
	fg_counter_set(&counters[FG_LINES_LINE_silent], 0);
	lines->silent &= (uint8_t) ~(1u << line);
	report(lines, NULL, FG_LINES_HEARD, line, now_ns, since_ns, since_ns, 0);
	due_at(lines, now_ns + RTE_MIN(lines->silence_ns, FAR_AWAY));
}

/* The packet is just what comes next. */
static __rte_always_inline void common_next(struct fg_lines *lines, struct space *space,
					    unsigned int line, uint64_t arrival_ns, uint64_t first,
					    uint32_t count, struct fg_lines_verdict *verdict)
{
	struct fg_counter *counters = lines->lines[line].counters;
	struct track *track = space->main;
	const uint64_t end = first + count;

	*verdict = (struct fg_lines_verdict){
		.mask = UINT64_MAX >> (64 - RTE_MIN(count, 64u)),
		.to = count,
		.line = (uint8_t)line,
	};
	bits_set(track->bits, lines->mask, first, count);
	track->high = track->next = end;
	line_moves(lines, &track->line[line], line, first, end);
	win_note(track, line, arrival_ns, first, count);
	/* What the line brings next is no older than this. */
	track->line[line].cursor = track->wins_head;
	fg_counter_set(&space->next, end);
	fg_counter_add(&counters[FG_LINES_LINE_won], 1);
	fg_counter_add(&counters[FG_LINES_LINE_won_numbers], count);
}

/* The packet is one that came before. */
static __rte_always_inline void common_duplicate(struct fg_lines *lines, struct space *space,
						 unsigned int line, uint64_t arrival_ns,
						 uint64_t first, uint32_t count,
						 struct fg_lines_verdict *verdict)
{
	struct fg_counter *counters = lines->lines[line].counters;
	struct track *track = space->main;
	struct line_place *place = &track->line[line];

	*verdict = (struct fg_lines_verdict){.fate = FG_LINES_DUPLICATE, .line = (uint8_t)line};
	if (unlikely(ahead(first + count, place->next) <= 0))
		fg_counter_add(&counters[FG_LINES_LINE_repeated], 1);
	line_moves(lines, place, line, first, first + count);
	fg_counter_add(&counters[FG_LINES_LINE_duplicates], 1);
	fg_counter_add(&counters[FG_LINES_LINE_duplicate_numbers], count);
	win_measure(lines, track, line, arrival_ns, first, first + count);
}

/* @return whether the common path decides it; if not, nothing is changed. */
static __rte_always_inline bool common_judge(struct fg_lines *lines, struct space *space,
					     unsigned int line, uint64_t now_ns,
					     const struct fg_feed_packet *pkt,
					     struct fg_lines_verdict *verdict)
{
	const struct track *track = space->main;
	const uint32_t count = pkt->count;
	const uint64_t first = track_widen(track, pkt->first, space->shift);
	const uint64_t end = first + count;

	/* A count of 0 is none of these. */
	if (unlikely(pkt->control != FG_FEED_DATA || (track->easy >> line & 1) == 0 ||
		     count - 1 >= lines->jump_max))
		return false;
	if (first == track->high) {
		if (unlikely(ahead(end, track->limit) > 0))
			return false;
		common_next(lines, space, line, pkt->arrival_ns, first, count, verdict);
	} else {
		if (ahead(end, track->high) > 0 || ahead(first, track->run_from) < 0 ||
		    track->high - first > lines->window)
			return false;
		common_duplicate(lines, space, line, pkt->arrival_ns, first, count, verdict);
	}
	fg_counter_set(&space->last_ns, now_ns);
	fg_counter_set(&lines->lines[line].counters[FG_LINES_LINE_last_ns], now_ns);
	return true;
}

/* The packet's space, when it is not the last one's. NULL: it has none. */
static __rte_noinline struct space *other_space(struct fg_lines *lines, uint64_t now_ns,
						const struct fg_feed_packet *pkt)
{
	struct space *space;

	if (pkt->control >= FG_FEED_UNSEQUENCED ||
	    (pkt->control == FG_FEED_DATA && pkt->count > lines->jump_max))
		return NULL;
	space = space_find(lines, pkt);
	if (space == NULL)
		space = space_open(lines, pkt, now_ns);
	if (space != NULL)
		lines->last = space;
	return space;
}

/* A packet that is not the last one's kin: another space, something due, or out of the ordinary. */
static __rte_noinline void judge_slowly(struct fg_lines *lines, unsigned int line, uint64_t now_ns,
					const struct fg_feed_packet *pkt, void *packet,
					struct fg_lines_verdict *verdict)
{
	struct arrival arrival = {.lines = lines,
				  .space = lines->last,
				  .pkt = pkt,
				  .packet = packet,
				  .verdict = verdict,
				  .now_ns = now_ns};
	struct fg_counter *counters;

	if (line >= lines->n_lines)
		line = 0;
	arrival.line = (uint8_t)line;
	*verdict = (struct fg_lines_verdict){.line = (uint8_t)line};
	(void)fg_lines_tick(lines, now_ns);
	counters = lines->lines[line].counters;
	if (fg_counter_read(&counters[FG_LINES_LINE_silent]) != 0)
		line_back(lines, line, now_ns);
	fg_counter_set(&counters[FG_LINES_LINE_last_ns], now_ns);
	if (arrival.space == NULL || !space_is(arrival.space, pkt))
		arrival.space = other_space(lines, now_ns, pkt);
	if (arrival.space != NULL)
		fg_counter_set(&arrival.space->last_ns, now_ns);
	/* What is ready goes before this packet, so that it cannot simply pass. */
	if (arrival.space == NULL || lines->ready != NULL ||
	    !common_judge(lines, arrival.space, line, now_ns, pkt, verdict))
		place_judge(&arrival);
	if (lines->ready != NULL)
		verdict->flags |= FG_LINES_READY;
}

void fg_lines_judge(struct fg_lines *lines, unsigned int line, uint64_t now_ns,
		    const struct fg_feed_packet *pkt, void *packet,
		    struct fg_lines_verdict *verdict)
{
	struct space *space = lines->last;

	if (unlikely(line >= lines->n_lines || now_ns - lines->base_ns >= lines->span_ns ||
		     (lines->silent >> line & 1) != 0 || lines->ready != NULL || space == NULL ||
		     !space_is(space, pkt) ||
		     !common_judge(lines, space, line, now_ns, pkt, verdict)))
		judge_slowly(lines, line, now_ns, pkt, packet, verdict);
}
