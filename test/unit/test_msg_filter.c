/* SPDX-License-Identifier: MIT */
/*
 * Message filters by property: whatever packets hold, wrong lengths among it, the
 * result is that of plain code. ITCH 5.0 and MDP 3.0 are walked here by offsets
 * written out by hand. All protocols: test_msg_filter_captures.c; single cases:
 * test_msg_filter_cases.c.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>

#include "filter_rig.h"

#define PACKETS 30000u
#define ROOM    2048u

static uint64_t state;

static uint32_t below(uint32_t bound)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((state >> 32) * bound >> 32);
}

static void put_be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_le16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void put_le32(uint8_t *at, uint32_t value)
{
	put_le16(at, value);
	put_le16(at + 2, value >> 16);
}

/* A subscription of the tests. */
struct trial {
	const char *protocol;
	const char *letters; /* types that are letters; NULL: `types` */
	const uint32_t *types;
	uint32_t n_types;
	bool any_instrument;
	bool symbols; /* the list of instruments has symbols */
	bool pass;    /* unmapped messages pass */
};

static void open_trial(struct rig *rig, const struct trial *trial, const char *const *instruments,
		       uint32_t n_instruments)
{
	const struct fg_protocol *protocol = fg_protocol_find(trial->protocol);
	uint32_t letters[16];
	const struct fg_msg_filter_conf conf = {
		.protocol = protocol,
		.types = trial->letters != NULL ? letters : trial->types,
		.n_types = trial->n_types,
		.instruments = instruments,
		.n_instruments = n_instruments,
		.any_instrument = trial->any_instrument,
		.unmapped = trial->pass ? FG_UNMAPPED_PASS : FG_UNMAPPED_DROP,
	};

	for (uint32_t i = 0; trial->letters != NULL && i < trial->n_types; i++)
		letters[i] = (uint8_t)trial->letters[i];
	rig_open(rig, &conf, 0, 0);
}

static void add_result(struct fg_msg_filter_result *out, bool type, int result, bool pass)
{
	const bool unmapped = type && result < 0;
	const bool matched = type && (result > 0 || (unmapped && pass));

	if (out->n_messages < 64)
		out->mask |= (uint64_t)matched << out->n_messages;
	out->n_messages++;
	out->n_matched += matched;
	out->n_unmapped += unmapped;
}

/* The symbol that messages gave each locate, by its letter; 0: none. */
struct symbol_letters {
	char letter[65536];
};

/*
 * ITCH in the test: locates 1 to 40, symbols of one letter each, A to T. The list has locates 3 and
 * 17, and symbols B, C and Z, which no locate has. 1: matched, 0: not, -1: unmapped.
 */
static int itch_match(const struct symbol_letters *symbols, uint32_t locate, bool by_symbol)
{
	if (locate == 0 || locate == 3 || locate == 17)
		return 1;
	if (!by_symbol)
		return 0;
	if (symbols->letter[locate] != 0)
		return symbols->letter[locate] == 'B' || symbols->letter[locate] == 'C';
	return -1; /* It may yet be Z. */
}

/* Set the letter of a symbol: of one that is longer, '?'; of a blank one, none. */
static void set_letter(char *letter, const uint8_t *symbol, uint32_t bytes)
{
	uint32_t more = 0;

	for (uint32_t i = 1; i < bytes; i++)
		more += symbol[i] != ' ' && symbol[i] != 0;
	if (more > 0)
		*letter = '?';
	else if (symbol[0] != ' ' && symbol[0] != 0)
		*letter = (char)symbol[0];
}

/* Why the messages are not what the header says; FG_WALK_DONE: they are. */
static uint8_t itch_verify(const uint8_t *p, uint32_t len)
{
	uint32_t at = 20, remaining = be16(p + 18) == 0xffff ? 0 : be16(p + 18);

	/* A request for messages. */
	if (len == 20)
		return FG_WALK_DONE;
	for (; remaining > 0; remaining--) {
		if (len - at < 2)
			return FG_WALK_SHORT;
		if (be16(p + at) > len - at - 2)
			return FG_WALK_BAD_LENGTH;
		at += 2 + be16(p + at);
	}
	return at == len ? FG_WALK_DONE : FG_WALK_TRAILING;
}

/* Where ITCH 5.0 has the stock, beside a locate that has none so far; R is for the purpose. */
static void itch_learn(struct symbol_letters *symbols, const uint8_t *m, uint32_t bytes)
{
	static const struct {
		const char *types;
		uint32_t off;
	} stocks[] = {{"RHJKNOYh", 11}, {"L", 15}, {"Q", 19}, {"AFP", 24}, {"I", 28}};

	if (bytes < 3 || m[0] == 0 || be16(m + 1) == 0)
		return;
	for (size_t i = 0; i < RTE_DIM(stocks); i++) {
		char *letter = &symbols->letter[be16(m + 1)];

		if (strchr(stocks[i].types, m[0]) != NULL && bytes >= stocks[i].off + 8 &&
		    (m[0] == 'R' || *letter == 0))
			set_letter(letter, m + stocks[i].off, 8);
	}
}

static void itch_expect(struct symbol_letters *symbols, const struct trial *trial, const uint8_t *p,
			uint32_t len, struct fg_msg_filter_result *out)
{
	const char *types = trial->letters;
	uint32_t at = 20, remaining = be16(p + 18);

	memset(out, 0, sizeof(*out));
	out->walk_end = itch_verify(p, len);
	if (len == 20 || remaining == 0xffff || out->walk_end != FG_WALK_DONE)
		remaining = 0;
	for (; remaining > 0; remaining--) {
		const uint32_t bytes = be16(p + at);
		const uint8_t *m = p + at + 2;
		int result = 1;

		itch_learn(symbols, m, bytes);
		if (!trial->any_instrument && bytes >= 3 && m[0] != 'S' && m[0] != 'V' &&
		    m[0] != 'W')
			result = itch_match(symbols, be16(m + 1), trial->symbols);
		add_result(out,
			   types[0] == '\0' ||
				   (bytes > 0 && m[0] != 0 && strchr(types, m[0]) != NULL),
			   result, trial->pass);
		at += 2 + bytes;
	}
}

static uint32_t itch_make(uint8_t *p)
{
	static const char letters[] = "AFECXDUPQBINHYLSVWRx";
	const uint32_t many = below(50) == 0 ? 90 : 15;
	uint32_t count = below(many), at = 20;

	memset(p, 0, ROOM);
	memcpy(p, "SESSION   ", 10);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t bytes = below(40) == 0 ? below(6) : 12 + below(8);

		if (below(300) == 0)
			bytes = 255 + below(3);
		if (at + 2 + bytes > ROOM - 8) {
			count = i;
			break;
		}
		put_be16(p + at, bytes);
		p[at + 2] = (uint8_t)letters[below(sizeof(letters) - 1)];
		put_be16(p + at + 3, below(100) == 0 ? below(65536) : below(41));
		memset(p + at + 2 + 11, ' ', 8);
		p[at + 2 + 11] = (uint8_t)('A' + below(20));
		if (below(200) == 0)
			put_be16(p + at, below(400));
		at += 2 + bytes;
	}
	put_be16(p + 18, below(60) == 0 ? count + below(3) : count);
	return at + (below(40) == 0 ? below(8) : 0);
}

static void run_itch(const char *letters, bool any_instrument, bool by_symbol, bool pass)
{
	static const char *const instruments[] = {"3", "17", "symbol:B", "C  ", "Z"};
	const struct trial trial = {.protocol = "itch50",
				    .letters = letters,
				    .n_types = (uint32_t)strlen(letters),
				    .any_instrument = any_instrument,
				    .symbols = by_symbol,
				    .pass = pass};
	struct symbol_letters *symbols = calloc(1, sizeof(*symbols));
	struct rig rig = {0};
	uint8_t bytes[ROOM];
	char name[64];

	assert_non_null(symbols);
	open_trial(&rig, &trial, instruments, by_symbol ? 5 : 2);
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct fg_msg_filter_result result = {0}, expected;
		const uint32_t len = itch_make(bytes);

		/* A count that has no room is refused with the header. */
		if (!rig_match(rig.filter, fg_protocol_find("itch50"), bytes, len, &result)) {
			assert_true(2 * be16(bytes + 18) > len - 20);
			continue;
		}
		itch_expect(symbols, &trial, bytes, len, &expected);
		snprintf(name, sizeof(name), "types '%s' packet %u", letters, i);
		rig_expect(name, &result, &expected);
	}
	rig_close(&rig);
	free(symbols);
}

static void test_itch(void **unused)
{
	(void)unused;
	run_itch("AFEDUP", false, false, true);
	run_itch("AFEDUPR", false, true, true);
	run_itch("", false, true, false);
	run_itch("", false, false, true);
	run_itch("ASR", false, true, false);
	run_itch("AD", true, false, true);
	run_itch("", true, false, true);
}

/* Templates of MDP 3.0: where in the first group's entries the instrument is; root ones apart. */
static int mdp3_entry_off(uint32_t template)
{
	switch (template) {
	case 37:
		return 4;
	case 46:
	case 48:
	case 49:
		return 12;
	case 47:
		return 28;
	case 50:
		return 24;
	case 51:
		return 8;
	default:
		return -1;
	}
}

/* The symbol that definitions gave each security id, by its letter; 0: none. */
struct defined {
	struct {
		uint32_t id;
		char letter;
	} rows[4096];
	uint32_t count;
};

static uint32_t le32(const uint8_t *at)
{
	return le16(at) | le16(at + 2) << 16;
}

static char *letter_of(struct defined *defined, uint32_t id)
{
	uint32_t i = 0;

	while (i < defined->count && defined->rows[i].id != id)
		i++;
	assert_true(i < RTE_DIM(defined->rows));
	if (i == defined->count) {
		defined->rows[i].id = id;
		defined->rows[i].letter = 0;
		defined->count++;
	}
	return &defined->rows[i].letter;
}

/*
 * The list has 1005 and 1010, and, with @symbols, symbols B and Z; no number is Z. 1: matched,
 * 0: not, -1: unmapped.
 */
static int mdp3_id(struct defined *defined, uint32_t id, bool symbols)
{
	char letter;

	if (id == 0 || id == 1005 || id == 1010)
		return 1;
	if (!symbols)
		return 0;
	letter = *letter_of(defined, id);
	return letter == 0 ? -1 : letter == 'B';
}

static int mdp3_match(struct defined *defined, const uint8_t *m, uint32_t size, bool symbols)
{
	const uint32_t template = le16(m + 4), group = 10 + le16(m + 2);
	const int off = mdp3_entry_off(template);
	uint32_t stride, entries, fits, matched = 0, unmapped = 0;

	if (template == 30 && size >= 34 && le32(m + 30) == 0x7fffffff)
		return 1;
	if (template == 30)
		return size < 34 ? 1 : mdp3_id(defined, le32(m + 30), symbols);
	if (template == 52)
		return size < 22 ? 1 : mdp3_id(defined, le32(m + 18), symbols);
	if (template == 54)
		return size < 69 ? 1 : mdp3_id(defined, le32(m + 65), symbols);
	if (off < 0)
		return 1;
	if (group + 3 > size)
		return group > size ? -1 : 1;
	stride = le16(m + group);
	entries = m[group + 2];
	if (entries == 0)
		return 1;
	fits = stride < (uint32_t)off + 4 ? 0 : (size - group - 3) / stride;
	for (uint32_t i = 0; i < entries && i < fits; i++) {
		const int one =
			mdp3_id(defined, le32(m + group + 3 + (size_t)i * stride + off), symbols);

		matched += one > 0;
		unmapped += one < 0;
	}
	if (matched > 0)
		return 1;
	return fits < entries || unmapped > 0 ? -1 : 0;
}

static uint8_t mdp3_verify(const uint8_t *p, uint32_t len)
{
	for (uint32_t at = 12; at < len; at += le16(p + at))
		if (len - at < 10 || le16(p + at) < 10 || le16(p + at) > len - at)
			return FG_WALK_BAD_LENGTH;
	return FG_WALK_DONE;
}

static void mdp3_expect(struct defined *defined, const struct trial *trial, const uint8_t *p,
			uint32_t len, struct fg_msg_filter_result *out)
{
	uint32_t at = 12;

	memset(out, 0, sizeof(*out));
	out->walk_end = mdp3_verify(p, len);
	while (out->walk_end == FG_WALK_DONE && at < len) {
		const uint8_t *m = p + at;
		const uint32_t size = le16(m);
		bool type = trial->n_types == 0;

		for (uint32_t i = 0; i < trial->n_types; i++)
			type |= trial->types[i] == le16(m + 4);
		if (le16(m + 4) == 54 && size >= 69 && le32(m + 65) != 0)
			set_letter(letter_of(defined, le32(m + 65)), m + 45, 20);
		add_result(out, type, mdp3_match(defined, m, size, trial->symbols), trial->pass);
		at += size;
	}
}

static uint32_t mdp3_make(uint8_t *p)
{
	static const uint16_t templates[] = {37, 46, 47, 48, 49, 50,  51,
					     30, 52, 4,  12, 99, 300, 54};
	const uint32_t count = below(100) == 0 ? 70 : below(5);
	uint32_t at = 12;

	memset(p, 0, ROOM);
	for (uint32_t i = 0; i < count && at < 1500; i++) {
		uint8_t *m = p + at;
		const uint32_t root = below(60) == 0 ? below(60) : count == 70 ? 0 : 11;
		const uint32_t stride = below(60) == 0 ? below(70) : 32;
		const uint32_t entries = below(4);
		uint32_t size = 10 + root + 3 + stride * entries;

		for (uint32_t j = 10; j + 4 <= size; j++)
			if (below(3) == 0)
				put_le32(m + j, 1000 + below(12));
		put_le16(m + 2, root);
		put_le16(m + 4, templates[below(14)]);
		put_le16(m + 10 + root, stride);
		m[12 + root] = (uint8_t)(below(50) == 0 ? below(256) : entries);
		for (uint32_t j = 0; j < entries; j++)
			for (int off = 4; off < 32; off += 4)
				put_le32(m + 13 + root + j * stride + (uint32_t)off,
					 below(60) == 0 ? 0 : 1000 + below(30));
		if (le16(m + 4) == 30 && below(3) == 0)
			put_le32(m + 30, 0x7fffffff);
		if (le16(m + 4) == 54 && size >= 69) {
			memset(m + 45, below(2) == 0 ? 0 : ' ', 20);
			m[45] = (uint8_t)('A' + below(8));
			put_le32(m + 65, 1000 + below(30));
		}
		put_le16(m, below(100) == 0 ? below(100) : size);
		at += size;
	}
	return below(30) == 0 ? 12 + below(at - 11) : at;
}

static void run_mdp3(const uint32_t *types, uint32_t n_types, bool by_symbol, bool pass)
{
	static const char *const instruments[] = {"1005", "1010", "B", "symbol:Z"};
	const struct trial trial = {.protocol = "cme_mdp3",
				    .types = types,
				    .n_types = n_types,
				    .symbols = by_symbol,
				    .pass = pass};
	struct defined *defined = calloc(1, sizeof(*defined));
	struct rig rig = {0};
	uint8_t bytes[ROOM];
	char name[64];

	assert_non_null(defined);
	open_trial(&rig, &trial, instruments, by_symbol ? 4 : 2);
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct fg_msg_filter_result result = {0}, expected;
		const uint32_t len = mdp3_make(bytes);

		assert_true(
			rig_match(rig.filter, fg_protocol_find("cme_mdp3"), bytes, len, &result));
		mdp3_expect(defined, &trial, bytes, len, &expected);
		snprintf(name, sizeof(name), "%u types, packet %u", n_types, i);
		rig_expect(name, &result, &expected);
	}
	rig_close(&rig);
	free(defined);
}

static void test_mdp3(void **unused)
{
	static const uint32_t types[] = {46, 47, 30, 300};

	(void)unused;
	run_mdp3(types, 4, false, true);
	run_mdp3(NULL, 0, false, false);
	run_mdp3(types, 1, false, false);
	run_mdp3(types, 4, true, true);
	run_mdp3(NULL, 0, true, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_itch),
		cmocka_unit_test(test_mdp3),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_msg_filter", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
