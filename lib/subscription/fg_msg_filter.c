/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <fg_msg_filter.h>

#include "filter.h"
#include "filter_flat.h"
#include "filter_instruments.h"
#include "filter_match.h"
#include "filter_symbols.h"
#include "filter_types.h"

int fg_msg_filter_create(const struct fg_msg_filter_conf *conf, struct fg_msg_filter **out,
			 struct fg_error *error)
{
	struct fg_msg_filter *filter =
		rte_zmalloc_socket(NULL, sizeof(*filter), RTE_CACHE_LINE_SIZE, conf->socket_id);
	int rc;

	if (filter == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a filter");
	filter->bytes = sizeof(*filter);
	filter->protocol = conf->protocol;
	filter->symbols = conf->symbols;
	filter->orders = conf->orders;
	filter->any_instrument = conf->any_instrument;
	filter->pass_unmapped = conf->unmapped == FG_UNMAPPED_PASS;
	rc = filter_instruments_build(filter, conf, error);
	if (conf->learns_needed_only && !filter->by_symbol)
		filter->symbols = NULL;
	if (conf->learns_needed_only && filter->any_instrument)
		filter->orders = NULL;
	if (rc == 0)
		rc = filter_types_build(filter, conf, error);
	if (rc == 0 && filter_flat_build(filter, conf->socket_id) != 0)
		rc = fg_error_set(error, ENOMEM, "no DPDK memory for a filter's types");
	if (rc != 0) {
		fg_msg_filter_free(filter);
		return rc;
	}
	if (filter->symbols != NULL)
		filter_follow(filter);
	*out = filter;
	return 0;
}

void fg_msg_filter_free(struct fg_msg_filter *filter)
{
	if (filter == NULL)
		return;
	symbol_set_free(&filter->symbol_set);
	number_set_free(&filter->numbers);
	rte_free(filter->symbol_numbers);
	rte_free(filter->slots_matched);
	rte_free(filter->shorts);
	rte_free(filter->flat);
	rte_free(filter->types);
	rte_free(filter);
}

void fg_msg_filter_match_burst(const struct fg_msg_filter_job *jobs, unsigned int n)
{
	unsigned int begin = 0;

	for (unsigned int i = 0; i < RTE_MIN(n, JOBS_AHEAD); i++)
		fg_msg_filter_prefetch(jobs[i].payload, jobs[i].pkt->messages_end);
	/* Mostly all packets of a burst are of one protocol, and so have one function. */
	while (begin < n) {
		burst_function *burst = jobs[begin].filter->burst;
		unsigned int end = begin;

		for (; end < n && jobs[end].filter->burst == burst; end++)
			if (filter_is_behind(jobs[end].filter))
				filter_catch_up(jobs[end].filter);
		burst(&jobs[begin], end - begin, n - begin);
		begin = end;
	}
}

void fg_msg_filter_learn(struct fg_msg_filter *filter, const uint8_t *payload,
			 const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out)
{
	if (filter_is_behind(filter))
		filter_catch_up(filter);
	filter_match(filter, payload, pkt, out);
}

void fg_msg_filter_match_unmapped(struct fg_msg_filter *filter, const uint8_t *payload,
				  const struct fg_feed_packet *pkt,
				  struct fg_msg_filter_result *out)
{
	filter->other_session = true;
	filter_match(filter, payload, pkt, out);
	filter->other_session = false;
}

void fg_msg_filter_info(const struct fg_msg_filter *filter, struct fg_msg_filter_info *out)
{
	out->n_types = filter->n_types;
	out->n_instruments = filter->n_instruments;
	out->n_symbols_without_number =
		atomic_load_explicit(&filter->n_symbols_without_number, memory_order_relaxed);
	out->learns = filter->other.learn != 0;
	for (uint32_t i = 0; i <= UINT32_MAX >> filter->types_shift; i++)
		out->learns |= filter->types[i].learn != 0;
	out->bytes = filter->bytes + number_set_bytes(&filter->numbers) +
		     symbol_set_bytes(&filter->symbol_set);
}
