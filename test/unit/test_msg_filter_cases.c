/* SPDX-License-Identifier: MIT */
/* Message filters: single cases, written out by hand, and configurations that are refused. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>

#include <fg_config.h>

#include "filter_rig.h"

#define BYTES_MAX 512u

static uint16_t from_hex(const char *hex, uint8_t *out)
{
	uint16_t count = 0;

	for (; *hex != '\0'; hex++) {
		unsigned int byte;

		if (*hex == ' ')
			continue;
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		assert_true(count < BYTES_MAX);
		out[count++] = (uint8_t)byte;
		hex++;
	}
	return count;
}

#define LIST_MAX 8u

struct hex_case {
	const char *protocol;
	const char *instruments[LIST_MAX];
	uint32_t types[LIST_MAX];
	const char *hex;
	uint64_t mask; /* unmapped messages dropped */
	uint32_t n_messages, n_unmapped;
	uint8_t walk_end;
};

#define MOLD(n) "53455353494f4e202020 0000000000000007 " n
#define IEX(n, b)                                                                                  \
	"01 00 0480 01000000 0000dd48 " b " " n                                                    \
	" 0000000000000000 0100000000000000 0000000000000000 "
#define IEX_T(sym) "1300 50 00 0000000000000000 " sym " 00"
#define EOBI       "2000 cc32 ffffffff 05000000 07000000 02 01 00 00 00000000 0000000000000000 "
#define OPRA(n)    "06 0000 4f 20 00 00000005 " n " 00000000 00000000 0000 "
#define CTA_REST   "53 0000000000000000 01 00000000 0000000000000000"
#define NYSE(n)    "0b " n " 09000000 00000000 00000000 "
#define CME        "0a000000 0000000000000000 "

static const struct hex_case hex_cases[] = {
	/* Locates; of all (0), no instrument (S), too short for one, of no type at all. */
	{"itch50",
	 {"7"},
	 {0},
	 MOLD("0006") "0003 44 0007 0003 44 0008 0003 44 0000 0003 53 0008 0001 44 0000",
	 0x3d,
	 6,
	 0,
	 0},
	{"itch50",
	 {"7"},
	 {'D'},
	 MOLD("0006") "0003 44 0007 0003 44 0008 0003 44 0000 0003 53 0008 0001 44 0000",
	 0x15,
	 6,
	 0,
	 0},
	/* An empty list matches messages that are of all instruments. */
	{"itch50", {NULL}, {0}, MOLD("0003") "0003 44 0007 0003 44 0000 0003 53 0008", 6, 3, 0, 0},
	/* A wrong length: nothing counts. */
	{"itch50",
	 {"7"},
	 {0},
	 MOLD("0002") "0003 44 0007 0004 44 0007",
	 0,
	 0,
	 0,
	 FG_WALK_BAD_LENGTH},
	/* A length of two bytes. */
	{"itch50", {"257"}, {0}, MOLD("0001") "0003 44 0101", 1, 1, 0, 0},
	/* Symbols padded by blanks or zeros, and not the beginning of others. */
	{"iex_tp",
	 {"AB"},
	 {0},
	 IEX("0400", "5400") IEX_T("4142202020202020") IEX_T("4142000000000000")
		 IEX_T("4142432020202020") IEX_T("2041422020202020"),
	 3,
	 4,
	 0,
	 0},
	/* A symbol that is all pads is none; one with all bytes. */
	{"iex_tp",
	 {"ABCDEFGH"},
	 {0},
	 IEX("0300", "3f00") IEX_T("2020202020202020") IEX_T("4142434445464748")
		 IEX_T("4142434445464720"),
	 3,
	 3,
	 0,
	 0},
	/* A number on a feed of texts is a symbol. */
	{"iex_tp",
	 {"12", "symbol:13"},
	 {0},
	 IEX("0200", "2a00") IEX_T("3132202020202020") IEX_T("3133000000000000"),
	 3,
	 2,
	 0,
	 0},
	/* CTA: eleven bytes and five: long ones, short ones. */
	{"cta",
	 {"ABCDEFGHIJK", "BRK"},
	 {0},
	 "02 0082 51 4f 00000005 03 00000000 00000000 0000 "
	 "0025 51 4c " CTA_REST " 4142434445464748494a4b 0025 51 4c " CTA_REST
	 " 4142434445464748494a4c 001f 51 53 " CTA_REST " 42524b2020",
	 5,
	 3,
	 0,
	 0},
	/* OPRA: a long quote's five bytes, a short one's four; what follows an unknown category. */
	{"opra",
	 {"AAPL"},
	 {0},
	 OPRA("03") "51 71 20 20 00000000 00000000 4141504c 00000000000000000000000000 "
		    "51 61 20 20 00000000 00000000 4141504c20 "
		    "0000000000000000000000000000000000000000000000000000 "
		    "51 7a 20 20 00000000 00000000",
	 3,
	 3,
	 1,
	 FG_WALK_UNDECODABLE},
	/* EOBI: orders of a snapshot have the instrument of the summary before them. */
	{"eurex_eobi",
	 {"7"},
	 {0},
	 EOBI "0800 2235 00000000 1000 2135 00000000 0700000000000000 0800 2235 00000000 0800 2235 "
	      "00000000 "
	      "1000 2135 00000000 0800000000000000 0800 2235 00000000",
	 0x0e,
	 6,
	 1,
	 0},
	/* The same, although only the orders' type is in the list. */
	{"eurex_eobi",
	 {"7"},
	 {13602},
	 EOBI "1000 2135 00000000 0700000000000000 0800 2235 00000000 1000 2135 00000000 "
	      "0800000000000000 "
	      "0800 2235 00000000",
	 0x02,
	 4,
	 0,
	 0},
	/* NYSE: the index comes after nanoseconds, or after seconds and nanoseconds. */
	{"nyse_pillar",
	 {"5"},
	 {0},
	 "2e00 " NYSE("03") "0c00 6400 00000000 05000000 0c00 6400 00000000 06000000 1000 2000 "
			    "00000000 00000000 05000000",
	 0x5,
	 3,
	 0,
	 0},
	/* CME: in any entry; the null of a group's status; wrong groups; one without entries. */
	{"cme_mdp3",
	 {"5"},
	 {0},
	 CME
	 "5500 0000 2e00 0100 0900 2000 02 0000000000000000 00000000 06000000 00000000 00000000 "
	 "00000000 0000 0000 "
	 "0000000000000000 00000000 05000000 00000000 00000000 00000000 0000 0000 0000000000000000",
	 1,
	 1,
	 0,
	 0},
	{"cme_mdp3",
	 {"5"},
	 {0},
	 CME "2200 0000 1e00 0100 0900 0000000000000000 0000000000000000 00000000 ffffff7f "
	     "2200 0000 1e00 0100 0900 0000000000000000 0000000000000000 00000000 06000000",
	 1,
	 2,
	 0,
	 0},
	{"cme_mdp3",
	 {"5"},
	 {0},
	 CME "1d00 0000 2500 0100 0900 1000 02 00000000 06000000 00000000 00000000 "
	     "0d00 0000 2500 0100 0900 1000 00",
	 2,
	 2,
	 1,
	 0},
};

static void open_filter(const struct hex_case *c, const struct fg_protocol *protocol,
			struct fg_msg_filter **filter)
{
	struct fg_msg_filter_conf conf = {.protocol = protocol,
					  .types = c->types,
					  .instruments = c->instruments,
					  .unmapped = FG_UNMAPPED_DROP,
					  .socket_id = SOCKET_ID_ANY};
	struct fg_error error = {0};

	while (c->types[conf.n_types] != 0)
		conf.n_types++;
	while (c->instruments[conf.n_instruments] != NULL)
		conf.n_instruments++;
	if (fg_msg_filter_create(&conf, filter, &error) != 0)
		fail_msg("%s: %s", c->hex, error.text);
}

/* Fill in the packet's length and checksum, where the header has them. */
static void set_length(const char *protocol, uint8_t *p, uint32_t len)
{
	const uint32_t sum_at = strcmp(protocol, "opra") == 0  ? 19
				: strcmp(protocol, "cta") == 0 ? 18
							       : 0;
	uint32_t sum = 0;

	if (strcmp(protocol, "opra") == 0 || strcmp(protocol, "cta") == 0) {
		p[1] = (uint8_t)(len >> 8);
		p[2] = (uint8_t)len;
	} else if (strcmp(protocol, "nyse_pillar") == 0) {
		p[0] = (uint8_t)len;
		p[1] = (uint8_t)(len >> 8);
	} else if (strcmp(protocol, "iex_tp") == 0) {
		p[12] = (uint8_t)(len - 40);
	}
	if (sum_at == 0)
		return;
	for (uint32_t i = 0; i < len; i++)
		sum += p[i];
	p[sum_at] = (uint8_t)(sum >> 8);
	p[sum_at + 1] = (uint8_t)sum;
}

static void test_hex(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < RTE_DIM(hex_cases); i++) {
		const struct hex_case *c = &hex_cases[i];
		/* With the protocol's own code, and with the one for all protocols. */
		for (int plain = 0; plain < 2; plain++) {
			struct fg_protocol protocol = *fg_protocol_find(c->protocol);
			struct fg_msg_filter *filter = NULL;
			struct fg_msg_filter_result r;
			struct fg_feed_packet packet;
			uint8_t bytes[BYTES_MAX];
			const uint16_t len = from_hex(c->hex, bytes);
			uint8_t *payload = malloc(len);

			assert_non_null(payload);
			set_length(c->protocol, bytes, len);
			memcpy(payload, bytes, len);
			protocol.compiled = plain ? FG_COMPILED_NONE : protocol.compiled;
			open_filter(c, &protocol, &filter);
			assert_int_equal(fg_protocol_read(&protocol, payload, len, &packet), 0);
			fg_msg_filter_match(filter, payload, &packet, &r);
			if (r.mask != c->mask || r.n_messages != c->n_messages ||
			    r.n_unmapped != c->n_unmapped || r.walk_end != c->walk_end ||
			    r.n_matched != (uint32_t)__builtin_popcountll(c->mask))
				fail_msg("case %zu, %s: mask %llx of %u, %u matched, %u unmapped, "
					 "end %u",
					 i, c->protocol, (unsigned long long)r.mask, r.n_messages,
					 r.n_matched, r.n_unmapped, r.walk_end);
			fg_msg_filter_free(filter);
			free(payload);
		}
	}
}

/* More messages than the mask has bits. */
static void test_many(void **unused)
{
	static const struct hex_case c = {.protocol = "itch50", .instruments = {"7"}};
	const struct fg_protocol *protocol = fg_protocol_find("itch50");
	uint8_t p[20 + 100 * 5] = {[19] = 100};
	struct fg_msg_filter *filter = NULL;
	struct fg_msg_filter_result r;
	struct fg_feed_packet packet;

	(void)unused;
	open_filter(&c, protocol, &filter);
	for (uint32_t count = 60; count <= 100; count++) {
		p[19] = (uint8_t)count;
		for (uint32_t i = 0; i < count; i++) {
			uint8_t *m = p + 20 + (size_t)i * 5;

			m[0] = 0;
			m[1] = 3;
			m[2] = 'D';
			m[3] = 0;
			m[4] = i % 2 == 0 ? 7 : 8;
		}
		assert_int_equal(fg_protocol_read(protocol, p, (uint16_t)(20 + count * 5), &packet),
				 0);
		fg_msg_filter_match(filter, p, &packet, &r);
		assert_int_equal(r.n_messages, count);
		assert_int_equal(r.n_matched, (count + 1) / 2);
		assert_int_equal(r.mask, count < 64 ? UINT64_C(0x5555555555555555) &
							      ((UINT64_C(1) << count) - 1)
						    : UINT64_C(0x5555555555555555));
	}
	/* A heartbeat has none. */
	p[19] = 0;
	assert_int_equal(fg_protocol_read(protocol, p, 20, &packet), 0);
	fg_msg_filter_match(filter, p, &packet, &r);
	assert_true(r.mask == 0 && r.n_messages == 0 && r.n_matched == 0 && r.walk_end == 0);
	fg_msg_filter_free(filter);
}

static void test_refused(void **unused)
{
	static const struct {
		const char *protocol, *instrument, *reason;
	} cases[] = {
		{"itch50", "0", "'0': expected a number from 1 to 65535"},
		{"itch50", "65536", "'65536': expected a number from 1 to 65535; as a symbol"},
		{"itch50", "ABCDEFGHI", "'ABCDEFGHI': expected a symbol of 1 to 8 bytes"},
		{"itch50", "symbol:", "'': expected a symbol"},
		{"itch50", "  ", "'  ': expected a symbol"},
		{"cta", "ABCDEFGHIJKL", "expected a symbol of 1 to 11 bytes"},
		{"ice_impact", "BRN", "'BRN': a symbol, but the feed gives numbers only"},
		{"ice_impact", "symbol:7", "'7': a symbol, but the feed gives numbers only"},
		{"moldudp64", "7", "the feed's messages name no instrument"},
	};

	(void)unused;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct fg_protocol *protocol = fg_protocol_find(cases[i].protocol);
		struct fg_msg_filter_conf conf = {.protocol = protocol,
						  .instruments = &cases[i].instrument,
						  .n_instruments = 1,
						  .socket_id = SOCKET_ID_ANY};
		struct fg_msg_filter *filter = NULL;
		struct fg_error error = {0};

		conf.symbols = rig_symbols(protocol, 0);
		assert_int_equal(fg_msg_filter_create(&conf, &filter, &error), -EINVAL);
		if (strstr(error.text, cases[i].reason) == NULL)
			fail_msg("'%s' lacks '%s'", error.text, cases[i].reason);
		fg_symbols_free(conf.symbols);
	}
	fg_msg_filter_free(NULL);
}

/* As many instruments as a filter takes, every second number; one more is refused. */
static void test_million(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("cme_mdp3");
	char(*digits)[12] = calloc(FG_INSTRUMENTS_MAX + 1, sizeof(*digits));
	const char **texts = calloc(FG_INSTRUMENTS_MAX + 1, sizeof(*texts));
	struct fg_msg_filter_conf conf = {.protocol = protocol,
					  .instruments = texts,
					  .n_instruments = FG_INSTRUMENTS_MAX + 1,
					  .socket_id = SOCKET_ID_ANY};
	uint8_t p[] = {1, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 29, 0, 0, 0, 37, 0, 1, 0, 9,
		       0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0};
	struct fg_msg_filter *filter = NULL;
	struct fg_msg_filter_info info;
	struct fg_feed_packet packet;
	struct fg_error error = {0};

	(void)unused;
	assert_true(digits != NULL && texts != NULL);
	for (uint32_t i = 0; i <= FG_INSTRUMENTS_MAX; i++) {
		snprintf(digits[i], sizeof(*digits), "%u", 2 * i + 1);
		texts[i] = digits[i];
	}
	assert_int_equal(fg_msg_filter_create(&conf, &filter, &error), -E2BIG);
	assert_string_equal(error.text, "1000001 instruments: at most 1000000");
	memset(&error, 0, sizeof(error));
	conf.n_instruments--;
	assert_int_equal(fg_msg_filter_create(&conf, &filter, &error), 0);
	fg_msg_filter_info(filter, &info);
	assert_int_equal(info.n_instruments, FG_INSTRUMENTS_MAX);
	assert_false(info.learns);
	for (uint32_t i = 1; i <= 2 * FG_INSTRUMENTS_MAX; i++) {
		struct fg_msg_filter_result r;

		memcpy(p + 29, &i, sizeof(i));
		assert_int_equal(fg_protocol_read(protocol, p, sizeof(p), &packet), 0);
		fg_msg_filter_match(filter, p, &packet, &r);
		assert_int_equal(r.n_messages, 1);
		assert_int_equal(r.n_matched, i % 2);
	}
	fg_msg_filter_free(filter);
	free(texts);
	free(digits);
}

static uint64_t random_number(void)
{
	static uint64_t state = 7;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return state >> 20;
}

static bool listed(const uint64_t *numbers, uint32_t count, uint64_t number)
{
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return number == 0;
}

/* Sets of all sizes, of numbers of four bytes (MDP 3.0) and eight (EOBI). */
static void test_sizes(void **unused)
{
	static const uint32_t counts[] = {1, 2, 3, 64, 257, 1023, 1024, 1025, 3000};
	static uint64_t numbers[3000];
	static char digits[3000][24];
	static const char *texts[3000];
	uint8_t cme[41] = {[0] = 1, [12] = 29, [16] = 37, [20] = 9, [22] = 16, [24] = 1};
	uint8_t eobi[48] = {32, 0, 0xcc, 0x32, 0xff, 0xff, 0xff, 0xff, [32] = 16, 0, 0x2f, 0x33};

	(void)unused;
	for (size_t c = 0; c < 2 * RTE_DIM(counts); c++) {
		const bool wide = c % 2 != 0;
		const uint32_t count = counts[c / 2];
		const struct fg_protocol *protocol =
			fg_protocol_find(wide ? "eurex_eobi" : "cme_mdp3");
		struct fg_msg_filter_conf conf = {.protocol = protocol,
						  .instruments = texts,
						  .n_instruments = count,
						  .socket_id = SOCKET_ID_ANY};
		struct fg_msg_filter *filter;

		for (uint32_t i = 0; i < count; i++) {
			/* Some close together, some anywhere. */
			numbers[i] = i % 2 == 0 ? 100000 + 3 * i : 1 + random_number() % 4000000000;
			if (wide && i % 3 == 0)
				numbers[i] <<= 31;
			snprintf(digits[i], sizeof(digits[i]), "%lu", numbers[i]);
			texts[i] = digits[i];
		}
		filter = rig_filter(&conf);
		for (uint32_t i = 0; i < 3 * count + 20; i++) {
			const uint64_t number =
				i < count       ? numbers[i]
				: i < 3 * count ? numbers[i % count] + 1 - 2 * (uint64_t)(i % 2)
						: random_number() % 200000;
			uint8_t *p = wide ? eobi : cme;
			const uint16_t len = wide ? sizeof(eobi) : sizeof(cme);
			struct fg_msg_filter_result r;
			struct fg_feed_packet packet;

			memcpy(p + (wide ? 40 : 29), &number, wide ? 8 : 4);
			assert_int_equal(fg_protocol_read(protocol, p, len, &packet), 0);
			fg_msg_filter_match(filter, p, &packet, &r);
			assert_int_equal(r.n_messages, 1);
			assert_int_equal(r.n_matched,
					 listed(numbers, count, wide ? number : (uint32_t)number));
		}
		fg_msg_filter_free(filter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),     cmocka_unit_test(test_many),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_million),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_msg_filter_cases", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
