/* SPDX-License-Identifier: MIT */
/*
 * A slice: a copy of a packet with only its matched messages. Lengths, count, padding and checksums
 * (of IP, UDP and the protocol) are adjusted; the sequence number stays the packet's.
 */
#include "slice.h"

#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include <fg_walk.h>

static void number_store(uint8_t *at, struct fg_field field, unsigned int order, uint64_t value)
{
	for (unsigned int i = 0; i < field.bytes; i++) {
		const unsigned int byte = order == FG_ORDER_BIG ? field.bytes - 1u - i : i;

		at[field.off + i] = (uint8_t)(value >> (8 * byte));
	}
}

/* Copy the messages of bit mask @matched to @to, which has room for all. @return bytes; 0: fewer
 * messages than the mask has. */
static uint32_t copy_messages(const struct fg_protocol *protocol, uint64_t matched,
			      const uint8_t *payload, const struct fg_feed_packet *pkt, uint8_t *to)
{
	struct fg_message message;
	struct fg_walk walk;
	uint32_t bytes = 0;

	fg_walk_begin(&walk, payload, pkt);
	for (; matched != 0; matched >>= 1) {
		const uint8_t *from = walk.at;

		if (!fg_protocol_next(protocol, &walk, &message))
			return 0;
		if ((matched & 1) == 0)
			continue;
		memcpy(to + bytes, from, (size_t)(walk.at - from));
		bytes += (uint32_t)(walk.at - from);
	}
	return bytes;
}

/* Where the IP header begins: after the VLAN tags. Parse has checked them. */
static uint32_t ip_offset(const uint8_t *frame, uint32_t end)
{
	uint32_t off = RTE_ETHER_HDR_LEN;

	while (off + 4 <= end) {
		const uint64_t type = fg_number_load(frame + off - 2, 2, FG_ORDER_BIG);

		if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ &&
		    type != RTE_ETHER_TYPE_QINQ1)
			break;
		off += 4;
	}
	return off;
}

static void fit_ipv4(uint8_t *frame, uint32_t ip_off, uint32_t frame_bytes)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + ip_off);

	ip->total_length = rte_cpu_to_be_16((uint16_t)(frame_bytes - ip_off));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* Over IPv6 the UDP checksum is required. Extension headers do not change the pseudo header. */
static void fit_ipv6(uint8_t *frame, uint32_t ip_off, uint32_t udp_off, uint32_t frame_bytes)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(frame + ip_off);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(frame + udp_off);
	const uint32_t tail[] = {rte_cpu_to_be_32(frame_bytes - udp_off),
				 rte_cpu_to_be_32(IPPROTO_UDP)};
	uint32_t sum;

	ip->payload_len = rte_cpu_to_be_16((uint16_t)(frame_bytes - ip_off - sizeof(*ip)));
	sum = rte_raw_cksum(&ip->src_addr, 2 * sizeof(ip->src_addr));
	sum += rte_raw_cksum(tail, sizeof(tail));
	sum += rte_raw_cksum(udp, frame_bytes - udp_off);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	udp->dgram_cksum = (uint16_t)~sum;
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = UINT16_MAX;
}

/* Adjust the headers, @payload_off bytes, to a payload of @payload_bytes. false: no IP header that
 * parse accepts. */
static bool fit_headers(uint8_t *frame, uint32_t payload_off, uint32_t payload_bytes)
{
	const uint32_t udp_off = payload_off - (uint32_t)sizeof(struct rte_udp_hdr);
	const uint32_t ip_off = ip_offset(frame, payload_off);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(frame + udp_off);
	const unsigned int version = frame[ip_off] >> 4;

	udp->dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(*udp) + payload_bytes));
	udp->dgram_cksum = 0;
	if (version == 4 && ip_off + sizeof(struct rte_ipv4_hdr) <= udp_off)
		fit_ipv4(frame, ip_off, payload_off + payload_bytes);
	else if (version == 6 && ip_off + sizeof(struct rte_ipv6_hdr) <= udp_off)
		fit_ipv6(frame, ip_off, udp_off, payload_off + payload_bytes);
	else
		return false;
	return true;
}

/* The protocol's own checksum: the sum of all bytes but its field's, which are 0 here. */
static uint64_t sum_bytes(const uint8_t *payload, uint32_t bytes)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < bytes; i++)
		sum += payload[i];
	return sum;
}

/* Adjust the protocol's header to @bytes bytes of payload, with @count messages. */
static void fit_protocol(const struct fg_header_shape *shape, uint8_t *payload, uint32_t bytes,
			 uint32_t count)
{
	number_store(payload, shape->count, shape->order, count);
	if (shape->length.bytes != 0)
		number_store(payload, shape->length, shape->order, bytes - shape->length_bias);
	if (shape->checksum.bytes != 0) {
		number_store(payload, shape->checksum, shape->order, 0);
		number_store(payload, shape->checksum, shape->order, sum_bytes(payload, bytes));
	}
}

/* Pad the payload as the protocol does, up to @room bytes: those of the packet. */
static uint32_t pad(const struct fg_walk_shape *shape, uint8_t *payload, uint32_t bytes,
		    uint32_t room)
{
	while (shape->pad_to > 1 && bytes % shape->pad_to != 0 && bytes < room)
		payload[bytes++] = 0;
	return bytes;
}

/* Write the slice into @frame, which has room for the whole packet. @return its bytes, or 0. */
static uint32_t write_slice(const struct fg_protocol *protocol, struct rte_mbuf *m,
			    const uint8_t *payload, const struct fg_feed_packet *pkt,
			    uint8_t *frame)
{
	const struct fg_meta *meta = fg_meta(m);
	const uint32_t off = meta->payload_off, head = pkt->messages_off;
	const void *headers = rte_pktmbuf_read(m, 0, off, frame);
	uint32_t bytes;

	if (headers == NULL || off < RTE_ETHER_HDR_LEN + sizeof(struct rte_udp_hdr))
		return 0;
	if (headers != frame)
		memcpy(frame, headers, off);
	memcpy(frame + off, payload, head);
	bytes = copy_messages(protocol, meta->messages, payload, pkt, frame + off + head);
	if (bytes == 0)
		return 0;
	bytes = pad(&protocol->walk, frame + off, bytes + head, pkt->messages_end);
	fit_protocol(&protocol->header, frame + off, bytes, meta->n_matched);
	return fit_headers(frame, off, bytes) ? off + bytes : 0;
}

struct rte_mbuf *slice_make(const struct fg_feed *feed, struct rte_mempool *pool,
			    struct rte_mbuf *m, const uint8_t *payload,
			    const struct fg_feed_packet *pkt)
{
	const struct fg_meta *meta = fg_meta(m);
	struct rte_mbuf *slice = NULL;
	uint32_t bytes = 0;

	/* The mask covers the first 64 messages; which others matched is not recorded. */
	if (pool != NULL && meta->n_matched == (unsigned int)__builtin_popcountll(meta->messages))
		slice = rte_pktmbuf_alloc(pool);
	if (slice == NULL)
		return NULL;
	if ((uint32_t)meta->payload_off + pkt->messages_end <= rte_pktmbuf_tailroom(slice))
		bytes = write_slice(feed->protocol, m, payload, pkt,
				    rte_pktmbuf_mtod(slice, uint8_t *));
	if (bytes == 0) {
		rte_pktmbuf_free(slice);
		return NULL;
	}
	slice->pkt_len = bytes;
	slice->data_len = (uint16_t)bytes;
	slice->port = m->port;
	*fg_meta(slice) = *meta;
	fg_meta(slice)->payload_len = (uint16_t)(bytes - meta->payload_off);
	fg_meta(slice)->wire_len = bytes;
	return slice;
}

struct rte_mbuf *slice_instead(struct fg_feed_stage *stage, const struct item *item)
{
	struct rte_mbuf *made =
		slice_make(item->feed, stage->slices, item->m, item->payload, &item->pkt);

	feed_count(item->feed, made != NULL ? FG_FEED_sliced : FG_FEED_slice_failed, 1);
	if (made != NULL)
		rte_pktmbuf_free(item->m);
	return made != NULL ? made : item->m;
}
