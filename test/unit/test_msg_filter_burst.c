/* SPDX-License-Identifier: MIT */
/*
 * Bursts of packets by property: packets of all protocols, intact and damaged, with filters of
 * many kinds, mixed in bursts of any size. Each result is that of filter_model.h, and matching
 * changes nothing. The packets are feedgate-gen's.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <pcap/pcap.h>
#include <stdio.h>
#include <unistd.h>

#include "filter_rig.h"

#define PACKETS  400u /* of each protocol */
#define BYTES    1600u
#define BURST    96u
#define BURSTS   6000u
#define PER_FEED 6u /* filters of each protocol */

static const char *generator;
static uint64_t state = 1;

static uint32_t below(uint32_t bound)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((state >> 32) * bound >> 32);
}

/* A protocol's packets. */
struct traffic {
	const struct fg_protocol *protocol;
	uint32_t count;
	uint16_t len[PACKETS];
	uint8_t bytes[PACKETS][BYTES];
};

/* A filter, and the model of it; each has maps of its own. */
struct subject {
	struct rig rig;
	struct model *model;
	struct fg_protocol protocol; /* some have no compiled code, or ignore checksums */
	bool learned;                /* in this burst */
};

static void load(struct traffic *traffic)
{
	const char *name = traffic->protocol->name;
	char folder[] = "/tmp/fg_test_burst_XXXXXX", command[512], path[128],
	     error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const u_char *frame;
	pcap_t *pcap;

	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command),
		 "%s -o %s/lines --mix %s=1 --packets %u --channels 1 --lines 1 --instruments 30 "
		 "--summary /dev/null",
		 generator, folder, strcmp(name, "itch50") == 0 ? "itch" : name, PACKETS);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/lines-a.pcap", folder);
	pcap = pcap_open_offline(path, error);
	assert_non_null(pcap);
	while (traffic->count < PACKETS && pcap_next_ex(pcap, &head, &frame) == 1) {
		uint16_t *len = &traffic->len[traffic->count];

		/* Ethernet, IPv4 without options, UDP. */
		assert_true(head->caplen > 42 && frame[12] == 8 && frame[14] == 0x45);
		*len = (uint16_t)(be16(frame + 38) - 8);
		assert_true(*len <= BYTES);
		memcpy(traffic->bytes[traffic->count++], frame + 42, *len);
	}
	pcap_close(pcap);
	assert_true(traffic->count > PACKETS / 2);
	unlink(path);
	rmdir(folder);
}

/* Instruments and types of the packets, some of them, and some that no packet has. */
static void choose(const struct traffic *traffic, struct model *model, char (*texts)[48])
{
	const bool numbers = model_has_kind(model, FG_INSTRUMENT_NUMBER);
	const bool symbols = model_has_kind(model, FG_INSTRUMENT_TEXT) || model->maps_symbols;

	for (uint32_t i = 0; i < 12; i++) {
		const uint32_t packet = below(traffic->count);
		struct fg_instruments list;
		struct fg_feed_packet pkt;
		struct fg_message message;
		struct fg_walk walk;
		const uint8_t *at;
		uint32_t skip = below(6);

		if (fg_protocol_read(traffic->protocol, traffic->bytes[packet],
				     traffic->len[packet], &pkt) != 0)
			continue;
		fg_walk_begin(&walk, traffic->bytes[packet], &pkt);
		while (fg_protocol_next(traffic->protocol, &walk, &message)) {
			const struct fg_message_type *row =
				fg_messages_get(traffic->protocol->messages, message.type);
			char *text = texts[model->n_instruments];

			if (skip-- > 0)
				continue;
			if (i % 3 == 0 && model->n_types < 5 && message.type != FG_TYPE_NONE)
				model->types[model->n_types++] = message.type;
			fg_instruments_begin(traffic->protocol, row, &message, &list);
			if (model->any || row->id.bytes == 0 || !fg_instruments_next(&list, &at))
				continue;
			if (row->instrument == FG_INSTRUMENT_TEXT)
				snprintf(text, 48, "symbol:%.*s", row->id.bytes, (const char *)at);
			else
				snprintf(text, 48, "%lu",
					 fg_number_load(at, row->id.bytes,
							traffic->protocol->header.order));
			if (strcmp(text, "0") == 0 || text[strlen(text) - 1] == ':' ||
			    text[strlen(text) - 1] == ' ' || text[7] == ' ')
				continue;
			model->instruments[model->n_instruments++] = text;
			break;
		}
	}
	if (!model->any && numbers)
		model->instruments[model->n_instruments++] = "4242";
	if (!model->any && symbols)
		model->instruments[model->n_instruments++] = "symbol:Q";
	if (!model->any && below(2) == 0)
		model->n_types = 0;
}

static void open_subject(struct subject *subject, const struct traffic *traffic, uint32_t kind,
			 char (*texts)[48])
{
	struct fg_msg_filter_conf conf = {.unmapped = FG_UNMAPPED_DROP};
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	subject->model = model;
	subject->protocol = *traffic->protocol;
	if (kind == 5)
		subject->protocol.compiled = FG_COMPILED_NONE;
	subject->protocol.ignore_checksum = kind >= 2;
	model->protocol = &subject->protocol;
	model->any = kind == 0 || kind == 1;
	model->pass = below(2) == 0;
	model->maps_symbols = kind != 0 && kind != 2 && model_has_kind(model, FG_INSTRUMENT_NUMBER);
	model->maps_orders = kind >= 4 && model_has_kind(model, FG_INSTRUMENT_ORDER);
	choose(traffic, model, texts);
	if (kind == 0)
		model->n_types = 0;
	model_begin(model);
	conf.protocol = &subject->protocol;
	conf.types = model->types;
	conf.n_types = model->n_types;
	conf.instruments = model->instruments;
	conf.n_instruments = model->n_instruments;
	conf.any_instrument = model->any;
	conf.unmapped = model->pass ? FG_UNMAPPED_PASS : FG_UNMAPPED_DROP;
	rig_open(&subject->rig, &conf, model->maps_symbols ? MODEL_MAP_MAX : 1,
		 model->maps_orders ? 2 * MODEL_MAP_MAX : 0);
}

/* A packet in a burst. */
struct one {
	struct subject *subject;
	uint8_t *payload;
	struct fg_feed_packet pkt;
	struct fg_msg_filter_result result, again;
};

/* Change the first bytes of a message, where lengths and types are, or its length by a little. */
static void damage_message(const struct fg_protocol *protocol, uint8_t *bytes, uint32_t len)
{
	const struct fg_field length = protocol->walk.length;
	const bool big = protocol->header.order == FG_ORDER_BIG;
	struct fg_feed_packet pkt;
	struct fg_message message;
	struct fg_walk walk;
	uint8_t *at;

	if (fg_protocol_read(protocol, bytes, (uint16_t)len, &pkt) != 0)
		return;
	fg_walk_begin(&walk, bytes, &pkt);
	at = bytes + pkt.messages_off;
	for (uint32_t skip = below(6); skip > 0; skip--) {
		if (!fg_protocol_next(protocol, &walk, &message) || walk.at == walk.end)
			break;
		at = bytes + (walk.at - bytes);
	}
	if (length.bytes == 0 || below(3) == 0)
		at[below(RTE_MIN(24u, len - (uint32_t)(at - bytes)))] = (uint8_t)below(40);
	else if (below(2) == 0)
		at[length.off + (big ? length.bytes - 1 : 0)] = (uint8_t)below(6);
	else
		at[length.off + (big ? length.bytes - 1 : 0)] += (uint8_t)(below(9) - 4);
}

/* Damage: any bytes, those of the header rather than others; a cut or longer end. */
static uint32_t damage(const struct fg_protocol *protocol, uint8_t *bytes, uint32_t len)
{
	const struct fg_header_shape *h = &protocol->header;

	if (below(2) == 0) {
		damage_message(protocol, bytes, len);
		return len;
	}
	for (uint32_t i = below(4); i > 0; i--)
		bytes[below(below(2) == 0 ? RTE_MIN(len, 60u) : len)] ^=
			(uint8_t)(below(2) == 0 ? 1u << below(8) : 1 + below(255));
	if (below(4) == 0)
		len = 1 + below(len);
	else if (below(2) == 0)
		len += below(4);
	for (uint32_t i = 0; i < h->length.bytes && below(4) != 0; i++) {
		const uint32_t place = h->order == FG_ORDER_BIG ? h->length.bytes - 1 - i : i;

		bytes[h->length.off + place] = (uint8_t)((len - h->length_bias) >> 8 * i);
	}
	return len;
}

static bool make(struct one *one, struct subject *subjects, const struct traffic *traffic,
		 uint32_t n_protocols)
{
	const uint32_t p = below(n_protocols), i = below(traffic[p].count);
	uint8_t bytes[BYTES + 8] = {0};
	uint32_t len = traffic[p].len[i];

	one->subject = &subjects[p * PER_FEED + below(PER_FEED)];
	memcpy(bytes, traffic[p].bytes[i], len);
	if (below(3) == 0)
		len = damage(traffic[p].protocol, bytes, len);
	one->payload = malloc(len);
	assert_non_null(one->payload);
	memcpy(one->payload, bytes, len);
	if (fg_protocol_read(&one->subject->protocol, one->payload, (uint16_t)len, &one->pkt) == 0)
		return true;
	free(one->payload);
	return false;
}

static void check_one(struct one *one)
{
	const struct fg_protocol *protocol = &one->subject->protocol;
	struct fg_msg_filter *filter = one->subject->rig.filter;
	struct fg_msg_filter_result expected;

	assert_int_equal(one->result.walk_end,
			 fg_protocol_verify(protocol, one->payload, &one->pkt));
	assert_memory_equal(&one->result, &one->again, sizeof(one->result));
	model_match(one->subject->model, one->payload, &one->pkt, &expected);
	if (one->subject->learned)
		fg_msg_filter_match(filter, one->payload, &one->pkt, &one->result);
	else if (one->result.deferred)
		fg_msg_filter_learn(filter, one->payload, &one->pkt, &one->result);
	one->subject->learned |= one->again.deferred;
	rig_expect(protocol->name, &one->result, &expected);
}

static uint32_t run_burst(struct subject *subjects, const struct traffic *traffic,
			  uint32_t n_protocols, uint64_t *good)
{
	/* Often all of one protocol, as bursts mostly are. */
	const uint32_t only = below(2) == 0 ? below(n_protocols) : n_protocols;
	struct fg_msg_filter_job jobs[BURST];
	static struct one ones[BURST];
	const uint32_t room = 1 + below(BURST);
	uint32_t n = 0;

	memset(ones, 0, sizeof(ones));
	for (uint32_t tries = 0; tries < room; tries++) {
		const uint32_t first = only < n_protocols ? only : 0;

		if (make(&ones[n], subjects + first * PER_FEED, traffic + first,
			 only < n_protocols ? 1 : n_protocols))
			n++;
	}
	for (uint32_t i = 0; i < n; i++)
		jobs[i] = (struct fg_msg_filter_job){ones[i].subject->rig.filter, ones[i].payload,
						     &ones[i].pkt, &ones[i].result};
	fg_msg_filter_match_burst(jobs, n);
	for (uint32_t i = 0; i < n; i++)
		jobs[i].out = &ones[i].again;
	fg_msg_filter_match_burst(jobs, n);
	for (uint32_t i = 0; i < n; i++)
		ones[i].subject->learned = false;
	for (uint32_t i = 0; i < n; i++) {
		check_one(&ones[i]);
		*good += ones[i].result.walk_end == FG_WALK_DONE;
		free(ones[i].payload);
	}
	return n;
}

static void test_bursts(void **unused)
{
	static char texts[32 * PER_FEED][16][48];
	struct traffic *traffic = calloc(32, sizeof(*traffic));
	struct subject *subjects = calloc((size_t)32 * PER_FEED, sizeof(*subjects));
	uint64_t packets = 0, good = 0;
	uint32_t n = 0;

	(void)unused;
	assert_true(traffic != NULL && subjects != NULL);
	for (; fg_protocols[n] != NULL; n++) {
		traffic[n].protocol = fg_protocols[n];
		load(&traffic[n]);
		for (uint32_t i = 0; i < PER_FEED; i++)
			open_subject(&subjects[n * PER_FEED + i], &traffic[n], i,
				     texts[n * PER_FEED + i]);
	}
	for (uint32_t i = 0; i < BURSTS; i++)
		packets += run_burst(subjects, traffic, n, &good);
	assert_true(packets > BURSTS * BURST / 3 && good > packets / 2 && good < packets);
	for (uint32_t i = 0; i < n * PER_FEED; i++) {
		rig_close(&subjects[i].rig);
		free(subjects[i].model);
	}
	free(subjects);
	free(traffic);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bursts),
	};
	struct fg_error error = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: test_msg_filter_burst FEEDGATE_GEN\n");
		return 1;
	}
	generator = argv[1];
	if (fg_eal_start_private("test_msg_filter_burst", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
