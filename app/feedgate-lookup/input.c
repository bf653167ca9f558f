/* SPDX-License-Identifier: MIT */
#include "input.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include <fg_classbench.h>

int input_open_pcap(struct input *input, const char *path, const struct fg_parse *parse,
		    struct fg_error *error)
{
	*input = (struct input){.path = path, .parse = parse};
	return fg_capture_file_open(strcmp(path, "-") == 0 ? NULL : path, &input->capture, error);
}

int input_open_trace(struct input *input, const char *path, const struct fg_parse *parse,
		     struct fg_error *error)
{
	*input = (struct input){.path = path, .parse = parse};
	input->trace = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	if (input->trace == NULL)
		return fg_error_set(error, errno, "%s: cannot open: %s", path, strerror(errno));
	return 0;
}

/* Parse the captured bytes of a packet, as feedgate's replay does. */
static int next_frame(struct input *input, struct rte_mbuf *pkt, struct fg_key *key,
		      enum fg_drop *drop, struct fg_error *error)
{
	struct fg_capture_packet packet;
	uint8_t *frame;
	const int rc = fg_capture_file_next(input->capture, &packet, error);

	if (rc != 1)
		return rc;
	input->count++;
	pkt->data_off = 0;
	pkt->data_len = (uint16_t)packet.length;
	pkt->pkt_len = packet.length;
	frame = rte_pktmbuf_mtod(pkt, uint8_t *);
	memcpy(frame, packet.data, packet.length);
	*drop = fg_parse_packet(input->parse, frame, packet.length, packet.length, key);
	return 1;
}

int input_next(struct input *input, struct rte_mbuf *pkt, struct fg_key *key, enum fg_drop *drop,
	       struct fg_error *error)
{
	int rc;

	if (input->capture != NULL)
		return next_frame(input, pkt, key, drop, error);
	rc = fg_classbench_read_key(input->trace, input->path, &input->count, key, error);
	key->source = input->parse->source;
	key->line = input->parse->line;
	*drop = FG_DROP_COUNT;
	return rc;
}

void input_close(struct input *input)
{
	fg_capture_file_close(input->capture);
	if (input->trace != NULL && input->trace != stdin)
		fclose(input->trace);
	*input = (struct input){0};
}
