/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The parser: reads a packet's headers to a key (struct fg_key), which the classifier compares with
 * rules. Packets with faulty headers are dropped.
 *
 * Formats: Ethernet II and LLC (IEEE 802.3), VLAN tags (802.1Q, 802.1ad; TPIDs 0x8100, 0x88a8,
 * 0x9100), IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200, 4302, 6275, 5533, 7401), UDP
 * (RFC 768), TCP (RFC 9293). Of a non-IP frame only the Ethernet header and the tags are checked.
 *
 * Drop reasons:
 *   truncated  the frame ends before the Ethernet header or a VLAN tag, before the IP header (20
 *              bytes of IPv4, 40 of IPv6), or before the total length that the IP header states; or
 *              a datagram that is not a later fragment ends before its UDP header (8 bytes) or TCP
 *              header (20 bytes and options)
 *   malformed  an IP version that contradicts the EtherType; IHL below 5; IPv4 total length below
 *              the header's (including 0, which segmentation offload may leave); a UDP length
 *              below 8 or beyond the IP payload (0 is valid in IPv6 jumbograms only, which are not
 *              supported); a TCP data offset below 5; extension headers longer than the IPv6
 *              payload (so any jumbogram, whose length is 0), or more than
 *              FG_PARSE_EXTENSIONS_MAX of them; headers that continue beyond the given bytes,
 *              though the frame does not end there
 *   fragment   a fragment, as struct fg_parse_conf specifies
 *   bad_checksum  the checksum of the IPv4 header, of UDP or of TCP is wrong (enum fg_checksums);
 *              only packets that none of the above drops are checked
 *
 * Checks of each header, in this order: its fixed part is complete (truncated), its fields do not
 * contradict each other (malformed), the bytes that it states are there (truncated). The outermost
 * header with a fault decides. Fragments are dropped after the IP header and its extension headers
 * have passed, and before UDP or TCP is checked.
 *
 * The UDP length in a first fragment is that of the whole datagram: only below 8 is malformed. An
 * IPv6 datagram with a fragment header, but with neither offset nor M flag, is whole (RFC 6946): it
 * is no fragment. In a later fragment the payload follows the fragment header, and key.protocol is
 * the type that this header states, even if that is an extension header.
 *
 * The payload (key.payload_off, payload_len) is what UDP's length or the IP datagram contains after
 * the last header read: that of UDP, TCP, or, with any other protocol (ICMP, ESP, AH in IPv4,
 * none), IP. In a non-IP frame the payload is all after the EtherType, at most 65535 bytes. Bytes
 * after the IP datagram (padding, trailers) are no payload.
 */
#ifndef FG_PARSE_H
#define FG_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_drop.h>
#include <fg_isa.h>
#include <fg_key.h>
#include <fg_option.h>

struct rte_mbuf;
struct fg_lcore_stats;

#define FG_PARSE_VLANS_MAX      2u /**< Of a third tag only the TPID is read, as EtherType. */
#define FG_PARSE_EXTENSIONS_MAX 16u
#define FG_PARSE_LINEAR_MAX     2048u /**< Headers of a packet of several segments end within it. */

/** Handling of IP fragments. */
enum fg_fragments {
	FG_FRAGMENTS_PASS = 0, /**< Classify them; later fragments have no ports. */
	FG_FRAGMENTS_FIRST,    /**< Classify first fragments, drop later ones. */
	FG_FRAGMENTS_DROP,     /**< Drop all. */
};

/**
 * Checksums of IPv4 headers, UDP and TCP. Those of fragments cannot be checked, except the IPv4
 * header's. A UDP checksum of 0 over IPv4 is none. A packet whose checksum the kernel has not
 * computed yet (it comes from this machine; RTE_MBUF_F_RX_L4_CKSUM_NONE) is good.
 */
enum fg_checksums {
	FG_CHECKSUMS_NIC = 0, /**< Drop what the NIC or the driver reports as bad. */
	FG_CHECKSUMS_VERIFY,  /**< Compute them. */
	FG_CHECKSUMS_IGNORE,
};

/** Settings; fg_parse_options[] has their rows. */
struct fg_parse_conf {
	uint64_t fragments; /**< enum fg_fragments. */
	uint64_t checksums; /**< enum fg_checksums. */
};

/** Rows of `parse:` in the configuration file; the last row is empty. */
extern const struct fg_option fg_parse_options[];

/** Context of a burst. */
struct fg_parse {
	struct fg_parse_conf conf;
	uint8_t source;  /**< Copied to every key. */
	uint8_t line;    /**< Copied to every key. */
	bool uncomputed; /**< Packets may come from this machine, with a checksum that is not
			    computed yet, without notice: FG_CHECKSUMS_VERIFY accepts the sum of the
			    pseudo header, which stands in its place. */
	enum fg_isa isa; /**< Instruction set of fg_parse_burst(); from fg_isa_find(). */
};

/**
 * Read one packet's headers.
 *
 * @param data   The frame, from its first byte. No byte outside is read.
 * @param length Bytes at @p data.
 * @param total  Length of the whole frame: @p length, or more if @p data is only its beginning.
 * @param key    Filled on success, undefined otherwise.
 * @return FG_DROP_COUNT on success, otherwise the reason to drop. Checksums are computed with
 * FG_CHECKSUMS_VERIFY only, and only where @p data holds all that they cover.
 * Hot. Threads: any.
 */
enum fg_drop fg_parse_packet(const struct fg_parse *parse, const uint8_t *data, uint32_t length,
			     uint32_t total, struct fg_key *key);

/**
 * Read a burst. Faulty packets are counted in @p stats by reason and freed. The others move up, so
 * that pkts[i] and keys[i] belong together. With FG_CHECKSUMS_NIC, ol_flags of the packets are
 * read.
 *
 * @param pkts   @p count packets of one or several segments, owned by the caller. Headers beyond
 * the first segment must end within FG_PARSE_LINEAR_MAX bytes (else: malformed).
 * @param count  1..FG_BURST_MAX.
 * @param keys   Room for @p count.
 * @return packets remaining, 0..count.
 * Hot. Threads: one per @p stats.
 */
uint16_t fg_parse_burst(const struct fg_parse *parse, struct rte_mbuf **pkts, uint16_t count,
			struct fg_key *keys, struct fg_lcore_stats *stats);

#endif /* FG_PARSE_H */
