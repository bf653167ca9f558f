/* SPDX-License-Identifier: MIT */
/**
 * @file
 * From packet to key: Ethernet, VLAN, IPv4, IPv6, UDP, TCP, ICMP.
 *
 * Formats: Ethernet II and LLC (IEEE 802.3), VLAN tags (802.1Q, 802.1ad; TPIDs
 * 0x8100, 0x88a8, 0x9100), IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200, 4302,
 * 6275, 5533, 7401), UDP (RFC 768), TCP (RFC 9293).
 *
 * What counts as broken. Non-IP frames are never judged beyond their tags.
 *   truncated  the frame ends before the Ethernet header or a VLAN tag, before the IP
 *              header (IPv4's 20 bytes, IPv6's 40), or before the total length that the IP
 *              header states; or, in a datagram that is not a later fragment, the datagram
 *              ends before the UDP (8 bytes) or TCP (20 bytes and its options) header
 *   malformed  the version is not what the EtherType says; IHL below 5; IPv4 total length
 *              below the header's (0, as segmentation offload may leave it, too); a UDP
 *              length below 8 or beyond the IP payload (0 is allowed only in an IPv6
 *              jumbogram, which is not supported: malformed); a TCP data offset below 5;
 *              extension headers longer than the IPv6 payload (so any jumbogram, whose
 *              length is 0) or more than FG_PARSE_EXTENSIONS_MAX of them; headers that go on
 *              beyond the bytes at hand, though the frame does not end there
 * Each header is judged in the order: its fixed part is there (truncated), it does not
 * contradict itself (malformed), what it states is there (truncated). The first fault
 * found, from the outside in, is the verdict. Fragments are refused once the IP header and
 * its extension headers are found sound, before UDP or TCP is looked at.
 *
 * In a first fragment the UDP length speaks of the whole datagram: only below 8 is malformed.
 * An IPv6 datagram with a fragment header but neither offset nor M flag is whole (RFC 6946)
 * and no fragment. In a later part, what follows the fragment header is payload, and
 * protocol is what that header names, be it an extension header.
 *
 * Payload is what UDP's length or the IP datagram holds after the last header read: UDP,
 * TCP, or, with any other protocol (ICMP, ESP, AH in IPv4, none), IP. In a non-IP frame it is
 * all after the EtherType, at most 65535 bytes. What follows the IP datagram in the frame
 * (padding, trailers) is no payload. Checksums are not looked at: senders that offload them
 * are too common.
 */
#ifndef FG_PARSE_H
#define FG_PARSE_H

#include <stdint.h>

#include <fg_drop.h>
#include <fg_isa.h>
#include <fg_key.h>
#include <fg_option.h>

struct rte_mbuf;
struct fg_lcore_stats;

#define FG_PARSE_VLANS_MAX      2u /**< More tags than that: EtherType is the third tag's TPID. */
#define FG_PARSE_EXTENSIONS_MAX 16u
#define FG_PARSE_LINEAR_MAX     2048u /**< Headers beyond the first segment end before that. */

/** What to do with IP fragments. */
enum fg_fragments {
	FG_FRAGMENTS_PASS = 0, /**< Judge them; later parts have no ports. */
	FG_FRAGMENTS_FIRST,    /**< Judge first parts, drop later ones. */
	FG_FRAGMENTS_DROP,     /**< Drop all. */
};

/** Settings; the rows are in fg_parse_options[]. */
struct fg_parse_conf {
	uint64_t fragments; /**< enum fg_fragments. */
};

/** `parse:` of the configuration file; ends with an empty row. */
extern const struct fg_option fg_parse_options[];

/** What is known of a burst's packets before they are read. */
struct fg_parse {
	struct fg_parse_conf conf;
	uint8_t source;  /**< Into every key. */
	uint8_t line;    /**< Into every key. */
	enum fg_isa isa; /**< That fg_parse_burst() uses; from fg_isa_find(). */
};

/**
 * Read one packet's headers.
 *
 * @param data   @p length contiguous bytes from the frame's start; nothing
 *               outside is read.
 * @param length Bytes at @p data.
 * @param total  Length of the whole frame; more than @p length if @p data is
 *               only its beginning; never less than @p length.
 * @param key    Filled on success, undefined otherwise.
 * @return FG_DROP_COUNT if the packet may go on, otherwise the reason to drop.
 * Hot. Threads: any.
 */
enum fg_drop fg_parse_packet(const struct fg_parse *parse, const uint8_t *data, uint32_t length,
			     uint32_t total, struct fg_key *key);

/**
 * Read a burst. Packets that cannot go on are counted in @p stats by reason
 * and freed; the others move up, so that pkts[i] and keys[i] belong together.
 *
 * @param pkts   @p count packets owned by the caller; single or multi segment. Headers
 *               may lie in any segment, but those that are not in the first must end
 *               within FG_PARSE_LINEAR_MAX bytes (else: malformed).
 * @param count  1..FG_BURST_MAX.
 * @param keys   Room for @p count.
 * @return packets left, 0..count.
 * Hot. Threads: one per @p stats.
 */
uint16_t fg_parse_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			struct fg_key *keys, struct fg_lcore_stats *stats);

#endif /* FG_PARSE_H */
