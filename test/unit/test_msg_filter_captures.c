/* SPDX-License-Identifier: MIT */
/*
 * Message filters over every capture of $FG_TEST_DATA, under every protocol that
 * accepts its packets: the results are those of filter_model.h.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dirent.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <sys/stat.h>

#include "filter_rig.h"

/* The first few instruments that a capture's messages name. */
struct found {
	char texts[8][FG_SYMBOL_BYTES + 8];
	uint32_t count;
};

static void find_instrument(const struct model *model, const struct fg_message_type *row,
			    const struct fg_message *message, struct found *found)
{
	const struct model_text none = {0};
	struct model_text text = none;
	char *to = found->texts[found->count];

	if (found->count == RTE_DIM(found->texts) || !model_has(message, row->id) ||
	    row->group != 0)
		return;
	if (row->instrument == FG_INSTRUMENT_NUMBER) {
		const uint64_t number = model_load(model, message, row->id);

		snprintf(to, sizeof(found->texts[0]), "%llu", (unsigned long long)number);
		found->count += number != 0;
	} else if (row->instrument == FG_INSTRUMENT_TEXT) {
		text = model_trim(message->data + row->id.off, row->id.bytes);
		snprintf(to, sizeof(found->texts[0]), "symbol:%.*s", (int)FG_SYMBOL_BYTES,
			 (const char *)text.bytes);
		found->count += !model_same(&text, &none);
	}
}

/* UDP payloads of a capture, plain Ethernet and IPv4, a VLAN tag or none. */
static const uint8_t *payload_of(const u_char *frame, uint32_t bytes, uint32_t *len)
{
	uint32_t at = 12;

	if (bytes < 60)
		return NULL;
	if (be16(frame + at) == 0x8100)
		at += 4;
	if (be16(frame + at) != 0x0800 || frame[at + 2 + 9] != 17)
		return NULL;
	at += 2 + 4u * (frame[at + 2] & 15);
	if (at + 8 > bytes)
		return NULL;
	*len = be16(frame + at + 4);
	if (*len < 8 || *len - 8 > bytes - at - 8)
		return NULL;
	*len -= 8;
	return frame + at + 8;
}

typedef void packet_function(void *context, const uint8_t *payload, uint32_t len);

static void each_payload(const char *path, packet_function *call, void *context)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, reason);
	struct pcap_pkthdr *head;
	const u_char *frame;

	if (pcap == NULL)
		return;
	while (pcap_datalink(pcap) == DLT_EN10MB && pcap_next_ex(pcap, &head, &frame) == 1) {
		uint32_t len = 0;
		const uint8_t *payload = payload_of(frame, head->caplen, &len);

		if (payload != NULL)
			call(context, payload, len);
	}
	pcap_close(pcap);
}

/* One capture under one protocol. */
struct trial {
	struct model *model;
	struct rig rig;
	struct found found;
	uint32_t read, matched;
};

static void find_in(void *context, const uint8_t *payload, uint32_t len)
{
	struct trial *trial = context;
	const struct fg_protocol *protocol = trial->model->protocol;
	struct fg_feed_packet packet;
	struct fg_message message;
	struct fg_walk walk;

	if (fg_protocol_read(protocol, payload, (uint16_t)len, &packet) != 0)
		return;
	trial->read++;
	fg_walk_begin(&walk, payload, &packet);
	while (fg_protocol_next(protocol, &walk, &message))
		find_instrument(trial->model, fg_messages_get(protocol->messages, message.type),
				&message, &trial->found);
}

static void compare_in(void *context, const uint8_t *payload, uint32_t len)
{
	struct trial *trial = context;
	struct fg_msg_filter_result result, expected;
	struct fg_feed_packet packet;

	if (!rig_match(trial->rig.filter, trial->model->protocol, payload, len, &result))
		return;
	assert_int_equal(fg_protocol_read(trial->model->protocol, payload, (uint16_t)len, &packet),
			 0);
	model_match(trial->model, payload, &packet, &expected);
	rig_expect(trial->model->protocol->name, &result, &expected);
	trial->matched += result.n_matched;
}

/* Of all captures under one protocol. */
struct sum {
	uint64_t packets, matched;
};

static void try_capture(const char *path, const struct fg_protocol *protocol, struct sum *sum)
{
	struct trial trial = {.model = calloc(1, sizeof(struct model))};
	struct model *model = trial.model;
	struct fg_msg_filter_conf conf = {.protocol = protocol, .unmapped = FG_UNMAPPED_DROP};

	assert_non_null(model);
	model->protocol = protocol;
	each_payload(path, find_in, &trial);
	for (uint32_t i = 0; i < trial.found.count; i++)
		model->instruments[model->n_instruments++] = trial.found.texts[i];
	if (trial.read == 0 || trial.found.count == 0) {
		free(model);
		return;
	}
	model->maps_symbols = model_has_kind(model, FG_INSTRUMENT_NUMBER);
	model->maps_orders = model_has_kind(model, FG_INSTRUMENT_ORDER);
	model_begin(model);
	conf.instruments = model->instruments;
	conf.n_instruments = model->n_instruments;
	rig_open(&trial.rig, &conf, model->maps_symbols ? MODEL_MAP_MAX : 0,
		 model->maps_orders ? 2 * MODEL_MAP_MAX : 0);
	each_payload(path, compare_in, &trial);
	sum->packets += trial.read;
	sum->matched += trial.matched;
	rig_close(&trial.rig);
	free(model);
}

static void try_folder(const char *folder, struct sum *sums)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char path[1024];
		struct stat status;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &status) != 0 || status.st_size > 4 << 20)
			continue;
		if (S_ISDIR(status.st_mode))
			try_folder(path, sums);
		for (uint32_t i = 0; S_ISREG(status.st_mode) && fg_protocols[i] != NULL; i++)
			try_capture(path, fg_protocols[i], &sums[i]);
	}
	closedir(dir);
}

static void test_captures(void **unused)
{
	const char *data = getenv("FG_TEST_DATA");
	struct sum sums[32] = {0};
	char folder[1024];

	(void)unused;
	if (data == NULL) {
		print_message("         skipped: FG_TEST_DATA is unset\n");
		skip();
	}
	snprintf(folder, sizeof(folder), "%s/feeds", data);
	try_folder(folder, sums);
	for (uint32_t i = 0; fg_protocols[i] != NULL; i++)
		if (sums[i].packets != 0 && sums[i].matched == 0)
			fail_msg("%s: no message of any capture was matched",
				 fg_protocols[i]->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_msg_filter_captures", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
