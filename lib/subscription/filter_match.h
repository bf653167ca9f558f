/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_FILTER_MATCH_H
#define SUBSCRIPTION_FILTER_MATCH_H

#include <fg_msg_filter.h>

/** Match the messages of a packet of any protocol. Hot. Writes all of @p out. */
void filter_match(struct fg_msg_filter *filter, const uint8_t *payload,
		  const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out);

/** The same, without learning: defer where something is to be learned. Hot. */
void filter_match_unlearned(struct fg_msg_filter *filter, const uint8_t *payload,
			    const struct fg_feed_packet *pkt, struct fg_msg_filter_result *out);

#endif /* SUBSCRIPTION_FILTER_MATCH_H */
