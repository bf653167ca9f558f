/* SPDX-License-Identifier: MIT */
/* Turns an mbuf that the kernel has filled into a packet. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include <fg_meta.h>

#include "io_uring_queue.h"

#define ADDRESSES_BYTES ((uint32_t)(2 * RTE_ETHER_ADDR_LEN)) /* A VLAN tag follows them. */

static_assert(URING_HEADER_BYTES + sizeof(struct rte_vlan_hdr) <= RTE_PKTMBUF_HEADROOM,
	      "a headroom holds the kernel's header");
static_assert(URING_HEADER_AT % 8 == 0, "control data is aligned");

/* What the control data contains. */
struct control {
	uint64_t rx_ns; /* 0: no valid timestamp. */
	bool has_aux;
	struct tpacket_auxdata aux;
};

/* 0: invalid. */
static inline uint64_t nanoseconds(const uint8_t *data)
{
	struct timespec time;

	memcpy(&time, data, sizeof(time));
	if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1000000000)
		return 0;
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Read control data of any order. @bytes: at most URING_CONTROL_BYTES. */
static __rte_noinline void walk_control(const uint8_t *control, size_t bytes, struct control *found)
{
	struct cmsghdr head;

	found->rx_ns = 0;
	found->has_aux = false;
	for (size_t at = 0; at + sizeof(head) <= bytes; at += CMSG_ALIGN(head.cmsg_len)) {
		const uint8_t *data = control + at + CMSG_LEN(0);

		memcpy(&head, control + at, sizeof(head));
		if (head.cmsg_len < sizeof(head) || head.cmsg_len > bytes - at)
			return;
		if (head.cmsg_level == SOL_SOCKET && head.cmsg_type == SCM_TIMESTAMPNS &&
		    head.cmsg_len >= CMSG_LEN(sizeof(struct timespec))) {
			found->rx_ns = nanoseconds(data);
		} else if (head.cmsg_level == SOL_PACKET && head.cmsg_type == PACKET_AUXDATA &&
			   head.cmsg_len >= CMSG_LEN(sizeof(found->aux))) {
			memcpy(&found->aux, data, sizeof(found->aux));
			found->has_aux = true;
		}
	}
}

static inline bool is_head(const uint8_t *at, size_t data_bytes, int level, int type)
{
	struct cmsghdr head;

	memcpy(&head, at, sizeof(head));
	return head.cmsg_len == CMSG_LEN(data_bytes) && head.cmsg_level == level &&
	       head.cmsg_type == type;
}

/* As walk_control(), with a fast path for the kernel's usual order: timestamp, auxdata. */
static inline void read_control(const uint8_t *control, size_t bytes, struct control *found)
{
	const uint8_t *second = control + CMSG_SPACE(sizeof(struct timespec));

	if (likely(bytes == URING_CONTROL_BYTES &&
		   is_head(control, sizeof(struct timespec), SOL_SOCKET, SCM_TIMESTAMPNS) &&
		   is_head(second, sizeof(found->aux), SOL_PACKET, PACKET_AUXDATA))) {
		found->rx_ns = nanoseconds(control + CMSG_LEN(0));
		found->has_aux = true;
		memcpy(&found->aux, second + CMSG_LEN(0), sizeof(found->aux));
		return;
	}
	walk_control(control, bytes, found);
}

/* Insert the VLAN tag that the kernel removed, after the MAC addresses. */
static void restore_tag(struct rte_mbuf *m, const struct tpacket_auxdata *aux)
{
	const bool named = (aux->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
	const uint16_t tag[2] = {rte_cpu_to_be_16(named ? aux->tp_vlan_tpid : RTE_ETHER_TYPE_VLAN),
				 rte_cpu_to_be_16(aux->tp_vlan_tci)};
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	memmove(frame - sizeof(tag), frame, ADDRESSES_BYTES);
	memcpy(frame - sizeof(tag) + ADDRESSES_BYTES, tag, sizeof(tag));
	m->data_off = (uint16_t)(m->data_off - sizeof(tag));
	m->data_len = (uint16_t)(m->data_len + sizeof(tag));
	m->pkt_len += (uint32_t)sizeof(tag);
}

static bool refuse(struct fg_counter *reason)
{
	fg_counter_add(reason, 1);
	return false;
}

bool uring_frame_read(struct uring_queue *q, struct rte_mbuf *m, uint32_t bytes)
{
	uint8_t *header = (uint8_t *)m->buf_addr + URING_HEADER_AT;
	struct fg_meta *meta = fg_meta(m);
	struct io_uring_recvmsg_out out;
	struct control control;
	uint32_t len;

	if (bytes < URING_HEADER_BYTES + ADDRESSES_BYTES || bytes > q->room_bytes)
		return refuse(&q->count.malformed);
	len = bytes - (uint32_t)URING_HEADER_BYTES;
	memcpy(&out, header, sizeof(out));
	if (out.payloadlen > len || (out.flags & MSG_TRUNC) != 0)
		return refuse(&q->count.truncated);
	if (out.payloadlen != len || out.namelen != 0 || out.controllen > URING_CONTROL_BYTES)
		return refuse(&q->count.malformed);
	read_control(header + sizeof(out), out.controllen, &control);
	if (!control.has_aux)
		return refuse(&q->count.malformed);
	if (control.aux.tp_len > len) /* A filter may pass the beginning only. */
		return refuse(&q->count.truncated);

	m->data_off = RTE_PKTMBUF_HEADROOM;
	/* From this machine: the checksum was left to a network card. */
	m->ol_flags = (control.aux.tp_status & TP_STATUS_CSUMNOTREADY) != 0
			      ? RTE_MBUF_F_RX_L4_CKSUM_NONE
			      : 0;
	m->packet_type = 0;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	if ((control.aux.tp_status & TP_STATUS_VLAN_VALID) != 0)
		restore_tag(m, &control.aux);
	meta->rx_ns = control.rx_ns;
	meta->wire_len = m->pkt_len;
	meta->flags = control.rx_ns != 0 ? FG_META_TIMED : 0;
	if (unlikely(control.rx_ns == 0 && q->conf.timed))
		fg_counter_add(&q->count.untimed, 1);
	return true;
}
