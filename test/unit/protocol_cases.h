/* SPDX-License-Identifier: MIT */
/* Packets of every protocol, written by hand from the specifications, and what they are. */
#ifndef TEST_PROTOCOL_CASES_H
#define TEST_PROTOCOL_CASES_H

#include <errno.h>
#include <stdint.h>

#include <fg_walk.h>

struct read_case {
	const char *protocol, *hex;
	int rc;
	uint8_t kind;
	uint64_t first, channel;
	uint32_t count, messages;
	uint8_t verified; /* enum fg_walk_end */
};

#define MOLD          "53455353494f4e202020" /* Session. */
#define FLAG(f)       "1400 " f " 01 09000000 00000000 00000000 0400 2300"
#define RESET_FLAG(f) "1e00 " f " 01 01000000 00000000 00000000 0e00 0100 00000000 00000000 01 00"
#define IEX(version, length, count)                                                                \
	version " 00 0480 01000000 0000dd48 " length " " count                                     \
		" 0000000000000000 0100000000000000 0000000000000000"
#define OPRA_REAL      "06 0022 4f 20 00 17ff866c 01 6567a593 37f798"
#define CTA_REAL       "02 002e 51 4f 00000000 01 69d49658 00065298 "
#define EOBI           "2000 cc32 ffffffff 05000000 07000000 02 01 "
#define CME            "0a000000 0000000000000000 "
#define OPRA(bytes, f) "06 " bytes " 4f " f " 00 00000005 01 00000000 00000000 0000 "
#define CTA(f)         "02 002e 51 " f " 00000005 01 00000000 00000000 0000 001a "
#define CTA_REST       "53 0000000000000000 01 00000000 00000000 00000000"
#define MEMX           "12 0000000000000001 0000000000000005"

static const struct read_case read_cases[] = {
	/* MoldUDP64: two messages, heartbeat, end; bytes after the last message, after a heartbeat
	 * and after an end; counts that are too high; the request of 3 messages. */
	{"moldudp64", MOLD "0000000000000007 0002 0001 53 0000", 0, FG_FEED_DATA, 7, 0, 2, 2, 0},
	{"itch50", MOLD "0000000000000007 0002 0001 53 0000", 0, FG_FEED_DATA, 7, 0, 2, 2, 0},
	{"itch50", MOLD "0000000000000007 0001 0001 53 0000", 0, FG_FEED_DATA, 7, 0, 1, 1,
	 FG_WALK_TRAILING},
	{"itch50", MOLD "0000000000000007 0000", 0, FG_FEED_HEARTBEAT, 7, 0, 0, 0, 0},
	{"itch50", MOLD "0000000000000007 0000 00", 0, FG_FEED_HEARTBEAT, 7, 0, 0, 0,
	 FG_WALK_TRAILING},
	{"itch50", MOLD "0000000000000007 ffff", 0, FG_FEED_END, 7, 0, 0, 0, 0},
	{"itch50", MOLD "0000000000000007 ffff 0001 53", 0, FG_FEED_END, 7, 0, 0, 0,
	 FG_WALK_TRAILING},
	{"itch50", MOLD "0000000000000007 0003 0001 53", -ENODATA, 0, 0, 0, 0, 0, 0},
	/* A request for messages. */
	{"itch50", MOLD "0000000000000007 0003", 0, FG_FEED_UNSEQUENCED, 7, 0, 0, 0, 0},
	{"itch50", MOLD "0000000000000007 0002 0002 53 45", 0, FG_FEED_DATA, 7, 0, 2, 1,
	 FG_WALK_SHORT},
	{"itch50", MOLD "0000000000000007 0002 0001 53 00", 0, FG_FEED_DATA, 7, 0, 2, 1,
	 FG_WALK_SHORT},
	{"itch50", MOLD "0000000000000007 0001 0002 53", 0, FG_FEED_DATA, 7, 0, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"itch50", MOLD "0000000000000007 0001 ffff 53", 0, FG_FEED_DATA, 7, 0, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"itch50", MOLD "0000000000000007 0001 00", -ENODATA, 0, 0, 0, 0, 0, 0},
	{"itch50", MOLD "0000000000000007 00", -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	{"itch50", "", -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	/* CME: no message; heartbeat is data; reset; sizes of 0, below the header, beyond the end.
	 */
	{"cme_mdp3", CME, 0, FG_FEED_DATA, 10, 0, 1, 0, 0},
	{"cme_mdp3", CME "0a00 0000 0c00 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 1, 0},
	{"cme_mdp3", CME "0a00 0000 0400 0100 0900", 0, FG_FEED_RESET, 11, 0, 0, 1, 0},
	{"cme_mdp3", CME "0000 0000 0c00 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"cme_mdp3", CME "0900 0000 0500 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"cme_mdp3", CME "0b00 0000 0500 0100 0900", 0, FG_FEED_DATA, 10, 0, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"cme_mdp3", CME "0a00 0000 0500 0100 0900 00", 0, FG_FEED_DATA, 10, 0, 1, 1,
	 FG_WALK_BAD_LENGTH},
	{"cme_mdp3", "ffffffff 0000000000000000 0a00 0000 0400 0100 0900", 0, FG_FEED_RESET, 0, 0,
	 0, 1, 0},
	/* IEX: heartbeat; another version; stated lengths beyond the payload and below it; a
	 * message; a count without messages, and the highest one. */
	{"iex_tp", IEX("01", "0000", "0000"), 0, FG_FEED_HEARTBEAT, 1, 0x800400000001, 0, 0, 0},
	{"iex_tp", IEX("02", "0000", "0000"), -EPROTO, 0, 0, 0, 0, 0, 0},
	{"iex_tp", IEX("01", "0100", "0000"), -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	{"iex_tp", IEX("01", "0000", "0000") "00", -EOVERFLOW, 0, 0, 0, 0, 0, 0},
	{"iex_tp", IEX("01", "0300", "0000") "0100 53", 0, FG_FEED_HEARTBEAT, 1, 0x800400000001, 0,
	 0, FG_WALK_TRAILING},
	{"iex_tp", IEX("01", "0300", "0100") "0100 53", 0, FG_FEED_DATA, 1, 0x800400000001, 1, 1,
	 0},
	{"iex_tp", IEX("01", "0000", "0100"), -ENODATA, 0, 0, 0, 0, 0, 0},
	{"iex_tp", IEX("01", "0300", "ffff") "0100 53", -ENODATA, 0, 0, 0, 0, 0, 0},
	/* Pillar: delivery flags; a retransmission has its old numbers, but not that of a reset;
	 * the reset is known by its message; stated lengths that are not the payload's. */
	{"nyse_pillar", "1000 01 00 02000000 00000000 00000000", 0, FG_FEED_HEARTBEAT, 2, 0, 0, 0,
	 0},
	{"nyse_pillar", FLAG("01"), 0, FG_FEED_HEARTBEAT, 9, 0, 0, 0, FG_WALK_TRAILING},
	{"nyse_pillar", FLAG("0a"), 0, FG_FEED_DATA, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("0b"), 0, FG_FEED_DATA, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("0c"), 0, FG_FEED_DATA, 9, 0, 1, 1, 0},
	{"nyse_pillar", RESET_FLAG("0c"), 0, FG_FEED_RESET, 2, 0, 0, 1, 0},
	{"nyse_pillar", RESET_FLAG("0b"), 0, FG_FEED_RESET, 2, 0, 0, 1, 0},
	{"nyse_pillar", FLAG("0d"), 0, FG_FEED_RETRANSMISSION, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("0f"), 0, FG_FEED_RETRANSMISSION, 9, 0, 1, 1, 0},
	{"nyse_pillar", RESET_FLAG("0d"), 0, FG_FEED_UNSEQUENCED, 1, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("0e"), 0, FG_FEED_UNSEQUENCED, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("11"), 0, FG_FEED_UNSEQUENCED, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("14"), 0, FG_FEED_UNSEQUENCED, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("15"), 0, FG_FEED_UNSEQUENCED, 9, 0, 1, 1, 0},
	{"nyse_pillar", FLAG("00"), -EPROTO, 0, 0, 0, 0, 0, 0},
	{"nyse_pillar", FLAG("16"), -EPROTO, 0, 0, 0, 0, 0, 0},
	{"nyse_pillar", "0f00 0b 01 09000000 00000000 00000000 0400 2300", -EMSGSIZE, 0, 0, 0, 0, 0,
	 0},
	{"nyse_pillar", "1500 0b 01 09000000 00000000 00000000 0400 2300", -EMSGSIZE, 0, 0, 0, 0, 0,
	 0},
	{"nyse_pillar", "1300 0b 01 09000000 00000000 00000000 0400 2300", -EOVERFLOW, 0, 0, 0, 0,
	 0, 0},
	{"nyse_pillar", "1400 0b 02 09000000 00000000 00000000 0400 2300", -ENODATA, 0, 0, 0, 0, 0,
	 0},
	{"nyse_pillar", "1400 0b 01 09000000 00000000 00000000 0300 2300", 0, FG_FEED_DATA, 9, 0, 1,
	 0, FG_WALK_BAD_LENGTH},
	/* PITCH: unsequenced; heartbeat of unit 3; lengths 0 and 1, which must not loop. */
	{"cboe_pitch", "0e00 01 03 00000000 06 97 00000000", 0, FG_FEED_UNSEQUENCED, 0, 3, 1, 1, 0},
	{"cboe_pitch", "0800 00 03 4d000000", 0, FG_FEED_HEARTBEAT, 77, 3, 0, 0, 0},
	{"cboe_pitch", "0e00 00 03 4d000000 06 97 00000000", 0, FG_FEED_HEARTBEAT, 77, 3, 0, 0,
	 FG_WALK_TRAILING},
	{"cboe_pitch", "0e00 02 03 4d000000 06 97 00000000", 0, FG_FEED_DATA, 77, 3, 2, 1,
	 FG_WALK_SHORT},
	{"cboe_pitch", "0e00 01 03 4d000000 05 97 00000000", 0, FG_FEED_DATA, 77, 3, 1, 1,
	 FG_WALK_TRAILING},
	{"cboe_pitch", "0e00 01 03 4d000000 00 97 00000000", 0, FG_FEED_DATA, 77, 3, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"cboe_pitch", "0e00 01 03 4d000000 01 97 00000000", 0, FG_FEED_DATA, 77, 3, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"cboe_pitch", "0900 01 03 4d000000 02", -ENODATA, 0, 0, 0, 0, 0, 0},
	/* EOBI: data, reset; a header that is none. */
	{"eurex_eobi", EOBI "00 00 00000000 0000000000000000 0800 2d33 00000000", 0, FG_FEED_DATA,
	 5, 2, 1, 1, 0},
	{"eurex_eobi", EOBI "00 00 00000000 0000000000000000 0700 2d33 00000000", 0, FG_FEED_DATA,
	 5, 2, 1, 0, FG_WALK_BAD_LENGTH},
	{"eurex_eobi", EOBI "01 00 00000000 0000000000000000 0800 2d33 00000000", 0, FG_FEED_RESET,
	 6, 2, 0, 1, 0},
	{"eurex_eobi", "1000 c932 ffffffff 5e0c0000 00000000 0000000000000000 0000000000000000",
	 -EPROTO, 0, 0, 0, 0, 0, 0},
	/* OPRA: a captured block, and with other bytes; line integrity; what is sent again, which
	 * for line integrity says nothing; an unknown category; padding to an even size, and
	 * bytes that are not padding. */
	{"opra", OPRA_REAL "00 076f 4f484e20 0000000000000000 00", 0, FG_FEED_HEARTBEAT, 0x17ff866d,
	 0, 0, 1, 0},
	{"opra", OPRA_REAL "00 076e 4f484e20 0000000000000000 00", 0, FG_FEED_HEARTBEAT, 0x17ff866d,
	 0, 0, 1, FG_WALK_BAD_CHECKSUM},
	{"opra", OPRA_REAL "01 076f 4f484e20 0000000000000000 00", 0, FG_FEED_HEARTBEAT, 0x17ff866d,
	 0, 0, 1, FG_WALK_BAD_CHECKSUM},
	{"opra", OPRA_REAL "00 076f 4f484e20 0000000000000000 01", 0, FG_FEED_HEARTBEAT, 0x17ff866d,
	 0, 0, 1, FG_WALK_BAD_CHECKSUM},
	{"opra", OPRA("0021", "20") "4f 48 4e 20 00000000 00000000", 0, FG_FEED_HEARTBEAT, 6, 0, 0,
	 1, 0},
	{"opra", OPRA("0021", "56") "4f 48 41 20 00000000 00000000", 0, FG_FEED_RETRANSMISSION, 5,
	 0, 1, 1, 0},
	{"opra", OPRA("0021", "1f") "4f 48 41 20 00000000 00000000", 0, FG_FEED_RETRANSMISSION, 5,
	 0, 1, 1, 0},
	{"opra", OPRA("0021", "56") "4f 48 4e 20 00000000 00000000", 0, FG_FEED_UNSEQUENCED, 5, 0,
	 1, 1, 0},
	{"opra", OPRA("0021", "20") "4f 5a 41 20 00000000 00000000", 0, FG_FEED_DATA, 5, 0, 1, 0,
	 FG_WALK_UNDECODABLE},
	{"opra", OPRA("0021", "20") "4f 6b 41 20 00000000 00000000", 0, FG_FEED_DATA, 5, 0, 1, 0,
	 FG_WALK_BAD_LENGTH},
	{"opra", OPRA("0021", "20") "4f 48 41 20 00000000 00000000 00", -EOVERFLOW, 0, 0, 0, 0, 0,
	 0},
	{"opra", OPRA("0022", "20") "4f 48 41 20 00000000 00000000 00", 0, FG_FEED_DATA, 5, 0, 1, 1,
	 0},
	{"opra", OPRA("0023", "20") "4f 48 41 20 00000000 00000000 0000", 0, FG_FEED_DATA, 5, 0, 1,
	 1, FG_WALK_TRAILING},
	{"opra", OPRA("0025", "20") "4f 43 20 20 00000000 00000000 0001 41 00", 0, FG_FEED_DATA, 5,
	 0, 1, 1, FG_WALK_TRAILING},
	{"opra", OPRA("0023", "20") "4f 43 20 20 00000000 00000000 0001", 0, FG_FEED_DATA, 5, 0, 1,
	 0, FG_WALK_BAD_LENGTH},
	/* CTA: line integrity and start of day before the first message; end; what is sent again;
	 * a captured block. */
	{"cta", CTA("4f") "43 54 " CTA_REST, 0, FG_FEED_HEARTBEAT, 6, 0, 0, 1, 0},
	{"cta", CTA("4f") "43 41 " CTA_REST, 0, FG_FEED_RESET, 6, 0, 0, 1, 0},
	{"cta", CTA("4f") "43 5a " CTA_REST, 0, FG_FEED_END, 6, 0, 0, 1, 0},
	{"cta", CTA("56") "43 43 " CTA_REST, 0, FG_FEED_RETRANSMISSION, 5, 0, 1, 1, 0},
	{"cta", CTA("41") "43 43 " CTA_REST, 0, FG_FEED_RETRANSMISSION, 5, 0, 1, 1, 0},
	{"cta", CTA("56") "43 4c " CTA_REST, 0, FG_FEED_UNSEQUENCED, 5, 0, 1, 1, 0},
	{"cta", CTA("4f") "43 43 " CTA_REST, 0, FG_FEED_DATA, 5, 0, 1, 1, 0},
	{"cta", CTA_REAL "07e2 001a43415369d496580001a63201000000000000000000000000", 0,
	 FG_FEED_RESET, 1, 0, 0, 1, 0},
	{"cta", CTA_REAL "07e3 001a43415369d496580001a63201000000000000000000000000", 0,
	 FG_FEED_RESET, 1, 0, 0, 1, FG_WALK_BAD_CHECKSUM},
	/* iMpact: heartbeat; a body of no bytes is a message of 3; counts that are not theirs. */
	{"ice_impact", "050b 0003de84 0000 000001655bed428e", 0, FG_FEED_HEARTBEAT, 0x3de84, 0, 0,
	 0, 0},
	{"ice_impact", "050b 0003de84 0002 000001655bed428e 54 0000 54 0001 53", 0, FG_FEED_DATA,
	 0x3de84, 0, 2, 2, 0},
	{"ice_impact", "050b 0003de84 0001 000001655bed428e 54 0000 54 0001 53", 0, FG_FEED_DATA,
	 0x3de84, 0, 1, 1, FG_WALK_TRAILING},
	{"ice_impact", "050b 0003de84 0002 000001655bed428e 54 0004 54 0001 53", 0, FG_FEED_DATA,
	 0x3de84, 0, 2, 1, FG_WALK_SHORT},
	{"ice_impact", "050b 0003de84 ffff 000001655bed428e 54 0000 54 0001 53", -ENODATA, 0, 0, 0,
	 0, 0, 0},
	/* MACH: start, heartbeat that repeats the last number, end, three units, a hole among them;
	 * a heartbeat with a body, unknown types, a byte too many.
	 */
	{"miax_mach", "0000000000000000 0c00 01 01", 0, FG_FEED_RESET, 1, 0, 0, 1, 0},
	{"miax_mach", "1100000000000000 0c00 00 01", 0, FG_FEED_HEARTBEAT, 18, 0, 0, 1, 0},
	{"miax_mach", "1100000000000000 0c00 02 01", 0, FG_FEED_END, 18, 0, 0, 1, 0},
	{"miax_mach", "1100000000000000 0d00 03 01 54 1200000000000000 0c00 03 01", 0, FG_FEED_DATA,
	 17, 0, 2, 2, 0},
	{"miax_mach", "0000000000000000 0c00 01 01 0100000000000000 0c00 03 01", 0, FG_FEED_DATA, 1,
	 0, 1, 2, 0},
	{"miax_mach", "1100000000000000 0d00 03 01 54 1300000000000000 0c00 03 01", -EBADMSG, 0, 0,
	 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0d00 03 01 54 1200000000000000 0c00 03 02", -EBADMSG, 0, 0,
	 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0000 03 01", -EBADMSG, 0, 0, 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0d00 00 01 54", -EBADMSG, 0, 0, 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0d00 04 01 54", -EPROTO, 0, 0, 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0d00 03 01 54 1200000000000000 0c00 04 01", -EBADMSG, 0, 0,
	 0, 0, 0, 0},
	{"miax_mach", "1100000000000000 0c00 03 01 00", 0, FG_FEED_DATA, 17, 0, 1, 1,
	 FG_WALK_BAD_LENGTH},
	/* Memoir: heartbeat and shutdown are shorter than data. */
	{"memx_memoir", "00 " MEMX, 0, FG_FEED_HEARTBEAT, 5, 0, 0, 0, 0},
	{"memx_memoir", "01 " MEMX, 0, FG_FEED_END, 5, 0, 0, 0, 0},
	{"memx_memoir", "00 " MEMX "00", 0, FG_FEED_HEARTBEAT, 5, 0, 0, 0, FG_WALK_TRAILING},
	{"memx_memoir", "00 " MEMX "0001 0000", 0, FG_FEED_HEARTBEAT, 5, 0, 0, 0, FG_WALK_TRAILING},
	{"memx_memoir", "02 " MEMX, -EMSGSIZE, 0, 0, 0, 0, 0, 0},
	{"memx_memoir", "02 " MEMX "0001 0000", 0, FG_FEED_DATA, 5, 0, 1, 1, 0},
	{"memx_memoir", "03 " MEMX "0001 0000", -EPROTO, 0, 0, 0, 0, 0, 0},
	/* UMDF: the heartbeat has the next number; one that is too short for it is data. */
	{"b3_umdf", "07 00 0300 1e000000 0000000000000000 1000 50eb 0400 0200 0100 0100 63000000",
	 0, FG_FEED_HEARTBEAT, 99, 7, 0, 1, 0},
	{"b3_umdf", "07 00 0300 1e000000 0000000000000000 0c00 50eb 0000 0200 0100 0100", 0,
	 FG_FEED_DATA, 30, 7, 1, 1, 0},
	{"b3_umdf", "07 00 0300 1e000000 0000000000000000 0b00 50eb 0000 0200 0100 0100", 0,
	 FG_FEED_DATA, 30, 7, 1, 0, FG_WALK_BAD_LENGTH},
	/* Deribit: a block, a group of two and a text; then wrong lengths of each. */
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 0200 0000 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 1, 0},
	{"deribit",
	 "1e00 0500 09000000 ff00 e803 0100 0100 0100 0100 ffff 0300 0200 0000 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, FG_WALK_BAD_LENGTH},
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 ff00 0000 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, FG_WALK_BAD_LENGTH},
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 0200 0000 0000 112233 445566 "
	 "02 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, FG_WALK_BAD_LENGTH},
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 0200 0000 0000 112233 445566 "
	 "00 41",
	 0, FG_FEED_DATA, 9, 5, 1, 1, FG_WALK_BAD_LENGTH},
	{"deribit",
	 "1e00 0500 09000000 0200 e803 0100 0100 0100 0100 ffff 0300 0200 0100 0000 112233 445566 "
	 "01 41",
	 0, FG_FEED_DATA, 9, 5, 1, 0, FG_WALK_BAD_LENGTH},
	{"deribit", "0c00 0500 09000000 0000 e803 0100 0100 ffff ffff", 0, FG_FEED_DATA, 9, 5, 1, 0,
	 FG_WALK_BAD_LENGTH},
};

#endif /* TEST_PROTOCOL_CASES_H */
