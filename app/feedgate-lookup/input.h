/* SPDX-License-Identifier: MIT */
/* Reads the packets of a capture, or the packet headers of a ClassBench trace. */
#ifndef INPUT_H
#define INPUT_H

#include <stdint.h>
#include <stdio.h>

#include <fg_capture_file.h>
#include <fg_drop.h>
#include <fg_error.h>
#include <fg_key.h>
#include <fg_parse.h>

struct rte_mbuf;

struct input {
	const char *path;
	const struct fg_parse *parse;
	struct fg_capture_file *capture;
	FILE *trace;    /* or a trace */
	uint64_t count; /* packets or lines that were read */
};

/* Open a file; "-" is standard input. 0; or -errno with @p error set, and then there is nothing to
 * close. */
int input_open_pcap(struct input *input, const char *path, const struct fg_parse *parse,
		    struct fg_error *error);
int input_open_trace(struct input *input, const char *path, const struct fg_parse *parse,
		     struct fg_error *error);

/*
 * Read the next packet.
 * @param pkt   Receives the frame. A trace has no frames: then it may be NULL.
 * @param key   Set unless parse drops the packet.
 * @param drop  Receives the reason why parse drops the packet, or FG_DROP_COUNT.
 * @return 1; 0 at the end; -errno with @p error set.
 */
int input_next(struct input *input, struct rte_mbuf *pkt, struct fg_key *key, enum fg_drop *drop,
	       struct fg_error *error);

void input_close(struct input *input);

#endif /* INPUT_H */
