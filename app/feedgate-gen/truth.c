/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define BUFFER_BYTES (1u << 20)

struct truth {
	FILE *out;
	const char *path; /* belongs to the caller */
	char buffer[BUFFER_BYTES];
};

int truth_open(const char *path, struct truth **out)
{
	struct truth *truth = malloc(sizeof(*truth));
	int rc;

	if (!truth)
		return -ENOMEM;
	truth->path = path;
	truth->out = fopen(path, "we");
	if (!truth->out) {
		rc = -errno;
		free(truth);
		return rc;
	}
	setvbuf(truth->out, truth->buffer, _IOFBF, sizeof(truth->buffer));
	*out = truth;
	return 0;
}

int truth_close(struct truth *truth)
{
	int rc = truth ? output_finish(truth->out, truth->path) : 0;

	free(truth);
	return rc;
}

static const char *control_name(uint8_t control)
{
	static const char *const names[] = {
		[PACKET_DATA] = "data",
		[PACKET_HEARTBEAT] = "heartbeat",
		[PACKET_RESET] = "reset",
		[PACKET_END] = "end",
		[PACKET_UNSEQUENCED] = "unsequenced",
	};

	return names[control];
}

static void print_id(FILE *out, const struct protocol *protocol, uint32_t channel,
		     const struct packet_id *id)
{
	uint8_t end = id->session_bytes;

	fprintf(out, "\"feed\":\"%s-%u\",\"session\":\"", protocol->name,
		channel / protocol->shared);
	while (end > 0 && id->session[end - 1] == 0)
		end--;
	for (uint8_t i = 0; i < end; i++)
		fprintf(out, "%02x", id->session[i]);
	fprintf(out, "\",\"channel\":%" PRIu64 ",\"epoch\":%u,\"control\":\"%s\"", id->channel,
		id->epoch, control_name(id->control));
}

static void print_address(FILE *out, const struct protocol *protocol, unsigned int line,
			  uint32_t group)
{
	const struct protocol_line at = protocol_address(protocol, line, group);

	fprintf(out, "%s\"%c\":{\"group\":\"%u.%u.%u.%u\",\"port\":%u}", line > 0 ? "," : "",
		(char)('a' + line), at.group >> 24, at.group >> 16 & 255, at.group >> 8 & 255,
		at.group & 255, at.port);
}

static void print_feeds(FILE *out, const struct options *o, const struct protocol *protocol)
{
	const uint32_t groups = protocol_groups(protocol, options_channels(o, protocol));

	for (uint32_t g = 0; g < groups; g++) {
		fprintf(out, "{\"is\":\"feed\",\"feed\":\"%s-%u\",\"protocol\":\"%s\",\"lines\":{",
			protocol->name, g, protocol->feed);
		for (unsigned int i = 0; i < o->lines; i++)
			print_address(out, protocol, i, g);
		fputs("}}\n", out);
	}
}

void truth_begin(struct truth *truth, const struct options *o)
{
	fprintf(truth->out,
		"{\"is\":\"gen\",\"format\":1,\"version\":\"" FG_VERSION "\",\"seed\":%" PRIu64
		",\"lines\":%u,\"packets\":%" PRIu64 "}\n",
		o->seed, o->lines, o->packets);
	for (unsigned int i = 0; protocols[i]; i++) {
		if (o->mix[i] > 0)
			print_feeds(truth->out, o, protocols[i]);
	}
}

static void print_texts(FILE *out, const char *key, const struct packet *p,
			const struct packet_message *m, void (*text_of)(uint32_t, char *))
{
	char text[PROTOCOL_TEXT_BYTES];

	fprintf(out, ",\"%s\":[", key);
	for (unsigned int i = 0; i < m->n_instruments; i++) {
		text_of(p->instruments[m->first_instrument + i], text);
		fprintf(out, "%s\"%s\"", i > 0 ? "," : "", text);
	}
	fputc(']', out);
}

void truth_made(struct truth *truth, const struct protocol *protocol, uint32_t channel,
		const struct packet *p)
{
	const bool numbered = protocol->seal && p->id.control == PACKET_DATA;
	char text[PROTOCOL_TEXT_BYTES];
	FILE *out = truth->out;

	for (uint32_t i = 0; i < p->n_messages; i++) {
		const struct packet_message *m = &p->messages[i];

		fputs("{\"is\":\"message\",", out);
		print_id(out, protocol, channel, &p->id);
		fprintf(out,
			",\"packet\":%" PRIu64 ",\"sequence\":%" PRIu64
			",\"index\":%u,\"type\":\"%s\",\"len\":%u",
			p->id.made, p->id.first + (numbered ? i : 0), i,
			protocol_type(protocol, m->type, text), m->bytes - protocol->body);
		if (m->names_order_only || m->n_instruments == 0)
			fputs(",\"instruments\":[]", out);
		else
			print_texts(out, "instruments", p, m, protocol->instrument);
		if (protocol->symbol && m->n_instruments > 0)
			print_texts(out, "symbols", p, m, protocol->symbol);
		if (m->has_order)
			fprintf(out, ",\"order\":%" PRIu64, m->order);
		fputs("}\n", out);
	}
}

void truth_sent(struct truth *truth, const struct truth_packet *packet)
{
	FILE *out = truth->out;

	fprintf(out, "{\"is\":\"%s\",\"line\":\"%c\"",
		packet->lost         ? "lost"
		: packet->id == NULL ? "other"
				     : "packet",
		packet->line);
	if (!packet->lost)
		fprintf(out, ",\"index\":%" PRIu64 ",\"time_ns\":%" PRIu64, packet->index,
			packet->time_ns);
	if (packet->id == NULL) {
		fprintf(out, ",\"kind\":\"%s\"}\n", packet->kind);
		return;
	}
	fputc(',', out);
	print_id(out, packet->protocol, packet->channel, packet->id);
	fprintf(out, ",\"protocol\":\"%s\",\"first\":%" PRIu64 ",\"count\":%u",
		packet->protocol->feed, packet->id->first, packet->id->count);
	if (!packet->repacked)
		fprintf(out, ",\"packet\":%" PRIu64, packet->id->made);
	fprintf(out, "%s%s}\n", packet->copy ? ",\"copy\":true" : "",
		packet->late ? ",\"late\":true" : "");
}
