/* SPDX-License-Identifier: MIT */
/* Packets of a capture, or headers of a trace, one at a time. */
#ifndef INPUT_H
#define INPUT_H

#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

#include <fg_drop.h>
#include <fg_error.h>
#include <fg_key.h>
#include <fg_parse.h>

struct rte_mbuf;

struct input {
	const char *path;
	const struct fg_parse *parse;
	pcap_t *pcap;   /* a capture */
	FILE *trace;    /* or a trace */
	uint64_t count; /* packets, or lines, read */
};

/* Open a file; "-" is standard input. 0, or -errno with @p error, and nothing to close. */
int input_open_pcap(struct input *input, const char *path, const struct fg_parse *parse,
		    struct fg_error *error);
int input_open_trace(struct input *input, const char *path, const struct fg_parse *parse,
		     struct fg_error *error);

/*
 * The next packet.
 * @param pkt      Gets the frame; of a trace there is none, and it may be NULL.
 * @param key      Set if the verdict is FG_DROP_COUNT.
 * @param verdict  What parse says.
 * @return 1; 0 at the end; -errno with @p error.
 */
int input_next(struct input *input, struct rte_mbuf *pkt, struct fg_key *key, enum fg_drop *verdict,
	       struct fg_error *error);

void input_close(struct input *input);

#endif /* INPUT_H */
