/* SPDX-License-Identifier: MIT */
/*
 * Print each UDP packet of a capture as a protocol reads it, one JSON object per
 * line, for test_protocols.py. PROTOCOL is the name of a built-in one, or @FILE.yaml,
 * whose `protocol` describes it. With --list: print the names of the built-in ones.
 */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include <fg_config.h>
#include <fg_parse.h>
#include <fg_protocol.h>
#include <fg_walk.h>

static void print_instrument(const struct fg_protocol *protocol, const struct fg_message_type *row,
			     const uint8_t *at)
{
	uint8_t end = row->id.bytes;

	if (row->instrument == FG_INSTRUMENT_NUMBER) {
		printf("%" PRIu64, fg_number_load(at, row->id.bytes, protocol->header.order));
		return;
	}
	while (end > 0 && (at[end - 1] == ' ' || at[end - 1] == '\0'))
		end--;
	printf("\"");
	for (uint8_t i = 0; i < end; i++) {
		if (at[i] < ' ' || at[i] > '~' || at[i] == '"' || at[i] == '\\')
			printf("\\u%04x", at[i]);
		else
			printf("%c", at[i]);
	}
	printf("\"");
}

static bool print_instruments(const struct fg_protocol *protocol, const struct fg_message *message)
{
	const struct fg_message_type *row = fg_messages_get(protocol->messages, message->type);
	struct fg_instruments list;
	const char *comma = "";
	const uint8_t *at;

	printf(", [");
	fg_instruments_begin(protocol, row, message, &list);
	while (fg_instruments_next(&list, &at)) {
		printf("%s", comma);
		print_instrument(protocol, row, at);
		comma = ", ";
	}
	printf("]");
	if (row->order.bytes != 0 && message->len >= fg_field_end(row->order))
		printf(", %" PRIu64,
		       fg_field_load(row->order, message->data, protocol->header.order));
	return list.malformed;
}

static void print_messages(const struct fg_protocol *protocol, const uint8_t *payload,
			   const struct fg_feed_packet *packet)
{
	char text[FG_TYPE_TEXT_BYTES];
	struct fg_message message;
	struct fg_walk walk;
	bool malformed = false;
	const char *comma = "";

	printf(", \"messages\": [");
	fg_walk_begin(&walk, payload, packet);
	while (fg_protocol_next(protocol, &walk, &message)) {
		printf("%s[\"%s\", %u", comma, fg_protocol_type_text(protocol, message.type, text),
		       message.len);
		malformed |= print_instruments(protocol, &message);
		printf("]");
		comma = ", ";
	}
	printf("], \"ended\": %u, \"entries_malformed\": %s",
	       fg_protocol_verify(protocol, payload, packet), malformed ? "true" : "false");
}

static void print_packet(const struct fg_protocol *protocol, const struct fg_key *key,
			 const uint8_t *payload, uint16_t len)
{
	struct fg_feed_packet packet;
	const int rc = fg_protocol_read(protocol, payload, len, &packet);

	printf("{\"port\": %u, \"rc\": %d", rte_be_to_cpu_16(key->dst_port_be), rc);
	if (rc == 0) {
		printf(", \"session\": \"");
		for (unsigned int i = 0; i < FG_SESSION_BYTES; i++)
			printf("%02x", packet.session[i]);
		printf("\", \"channel\": %" PRIu64 ", \"first\": %" PRIu64
		       ", \"count\": %u, \"kind\": %u, \"bits\": %u",
		       packet.channel, packet.first, packet.count, packet.kind,
		       packet.sequence_bits);
		print_messages(protocol, payload, &packet);
	}
	printf("}\n");
}

static int dump(const struct fg_protocol *protocol, const char *path)
{
	const struct fg_parse parse = {.conf = {.fragments = FG_FRAGMENTS_PASS}};
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const uint8_t *data;
	pcap_t *pcap = pcap_open_offline(path, error);
	int rc;

	if (pcap == NULL) {
		fprintf(stderr, "feed_dump: %s\n", error);
		return 1;
	}
	while ((rc = pcap_next_ex(pcap, &header, &data)) == 1) {
		struct fg_key key;

		if (header->caplen < header->len ||
		    fg_parse_packet(&parse, data, header->caplen, header->len, &key) !=
			    FG_DROP_COUNT ||
		    key.l4 != 17)
			continue;
		/* A copy of the payload alone, so that a sanitizer sees reads beyond it. */
		uint8_t *payload = malloc(key.payload_len + (size_t)1);

		if (payload == NULL)
			break;
		memcpy(payload + 1, data + key.payload_off, key.payload_len);
		print_packet(protocol, &key, payload + 1, key.payload_len);
		free(payload);
	}
	pcap_close(pcap);
	return rc == PCAP_ERROR;
}

int main(int argc, char **argv)
{
	const struct fg_protocol *protocol;
	struct fg_protocol *loaded = NULL;
	struct fg_config *config = NULL;
	struct fg_error error = {0};
	int rc;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (uint32_t i = 0; fg_protocols[i] != NULL; i++)
			puts(fg_protocols[i]->name);
		return 0;
	}
	if (argc != 3) {
		fprintf(stderr, "usage: feed_dump --list | PROTOCOL|@FILE.yaml FILE.pcap\n");
		return 2;
	}
	protocol = fg_protocol_find(argv[1]);
	if (argv[1][0] == '@' && fg_config_load(argv[1] + 1, &config, &error) == 0) {
		const struct fg_node *node = fg_node_get(fg_config_root(config), "protocol");

		if (node != NULL && fg_protocol_load(node, &loaded, &error) == 0)
			protocol = loaded;
	}
	if (protocol == NULL) {
		fprintf(stderr, "feed_dump: %s: %s\n", argv[1],
			error.text[0] != '\0' ? error.text : "no such protocol");
		fg_config_free(config);
		return 2;
	}
	rc = dump(protocol, argv[2]);
	fg_protocol_free(loaded);
	fg_config_free(config);
	return rc;
}
