/* SPDX-License-Identifier: MIT */
#include "input.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_mbuf.h>

#include <fg_classbench.h>

static FILE *open_stream(const char *path, struct fg_error *error)
{
	FILE *stream = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

	if (stream == NULL)
		(void)fg_error_set(error, errno, "%s: cannot open: %s", path, strerror(errno));
	return stream;
}

int input_open_pcap(struct input *input, const char *path, const struct fg_parse *parse,
		    struct fg_error *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	FILE *stream = open_stream(path, error);
	const char *name;
	int type;

	if (stream == NULL)
		return -EIO;
	*input = (struct input){.path = path, .parse = parse};
	input->pcap = pcap_fopen_offline(stream, reason);
	if (input->pcap == NULL) {
		if (stream != stdin)
			fclose(stream);
		return fg_error_set(error, EINVAL, "%s: not a capture: %s", path, reason);
	}
	type = pcap_datalink(input->pcap);
	if (type == DLT_EN10MB)
		return 0;
	name = pcap_datalink_val_to_name(type);
	input_close(input);
	return fg_error_set(error, EINVAL, "%s: link type is %s (%d), expected Ethernet", path,
			    name != NULL ? name : "unknown", type);
}

int input_open_trace(struct input *input, const char *path, const struct fg_parse *parse,
		     struct fg_error *error)
{
	*input = (struct input){.path = path, .parse = parse};
	input->trace = open_stream(path, error);
	return input->trace != NULL ? 0 : -EIO;
}

/* Parse the captured bytes of a packet, as feedgate's replay does. */
static int next_frame(struct input *input, struct rte_mbuf *pkt, struct fg_key *key,
		      enum fg_drop *drop, struct fg_error *error)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	uint8_t *frame;
	const int rc = pcap_next_ex(input->pcap, &header, &data);

	if (rc == PCAP_ERROR_BREAK) /* The end of the file. */
		return 0;
	input->count++;
	if (rc != 1)
		return fg_error_set(error, EIO, "%s: packet %" PRIu64 ": %s", input->path,
				    input->count, pcap_geterr(input->pcap));
	if (header->caplen > UINT16_MAX)
		return fg_error_set(error, EINVAL,
				    "%s: packet %" PRIu64 ": %u bytes, at most 65535 fit",
				    input->path, input->count, header->caplen);
	pkt->data_off = 0;
	pkt->data_len = (uint16_t)header->caplen;
	pkt->pkt_len = header->caplen;
	frame = rte_pktmbuf_mtod(pkt, uint8_t *);
	memcpy(frame, data, header->caplen);
	*drop = fg_parse_packet(input->parse, frame, header->caplen, header->caplen, key);
	return 1;
}

int input_next(struct input *input, struct rte_mbuf *pkt, struct fg_key *key, enum fg_drop *drop,
	       struct fg_error *error)
{
	int rc;

	if (input->pcap != NULL)
		return next_frame(input, pkt, key, drop, error);
	rc = fg_classbench_read_key(input->trace, input->path, &input->count, key, error);
	key->source = input->parse->source;
	key->line = input->parse->line;
	*drop = FG_DROP_COUNT;
	return rc;
}

void input_close(struct input *input)
{
	if (input->pcap != NULL)
		pcap_close(input->pcap);
	if (input->trace != NULL && input->trace != stdin)
		fclose(input->trace);
	*input = (struct input){0};
}
