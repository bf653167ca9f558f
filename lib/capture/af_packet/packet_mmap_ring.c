/* SPDX-License-Identifier: MIT */
#include "packet_mmap_ring.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

#include <fg_meta.h>

#define SECOND_NS  1000000000u
#define TAG_BYTES  4u
#define ADDRESSES  (2u * ETH_ALEN)
#define FRAME_SIZE 2048u /* Required, but unused by TPACKET_V3. */
/* Room for a VLAN tag between the kernel's packet header and the frame. */
#define RESERVE TAG_BYTES
#define MAC_MIN (sizeof(struct tpacket3_hdr) + TAG_BYTES)
/* Measured: with half of these a copy of 128 bytes takes 19 ns instead of 15. */
#define BYTES_AHEAD   4096u
#define PACKETS_AHEAD 2
#define FRAME_MAX     (UINT16_MAX - TAG_BYTES)
/* Set by the reader in a block's status: it has opened this block already. */
#define STATUS_TAKEN (1u << 16)

static_assert(RING_BLOCK_MAX / (MAC_MIN + ETH_HLEN) < INT16_MAX,
	      "a block's packets fit the reference count, and changes of it");

static _Atomic uint32_t *status_of(struct tpacket_block_desc *desc)
{
	return (_Atomic uint32_t *)&desc->hdr.bh1.block_status;
}

static void give_back(struct ring_block *block)
{
	struct ring *ring = block->ring;

	/*
	 * DPDK reads a reference count of 1 without ordering. The fence orders the reads of all
	 * who released a reference before the kernel, which acquires the status, writes again.
	 */
	atomic_thread_fence(memory_order_acquire);
	atomic_store_explicit(status_of(block->desc), TP_STATUS_KERNEL, memory_order_release);
	/* Last: control may close the ring once all blocks are returned. */
	atomic_fetch_add_explicit(&ring->returned, 1, memory_order_release);
}

/* Called when the last packet of a block was freed, by any thread. */
static void last_freed(void *address, void *opaque)
{
	(void)address;
	give_back(opaque);
}

static void init_blocks(struct ring *ring)
{
	for (uint32_t i = 0; i < ring->conf.n_blocks; i++) {
		struct ring_block *block = &ring->blocks[i];

		block->ring = ring;
		block->desc = (void *)(ring->memory + (size_t)i * ring->conf.block_bytes);
		block->shared.free_cb = last_freed;
		block->shared.fcb_opaque = block;
	}
}

static int set_up(int fd, const struct ring_conf *conf, struct fg_error *error)
{
	const int version = TPACKET_V3;
	const unsigned int reserve = RESERVE;
	const struct tpacket_req3 request = {
		.tp_block_size = conf->block_bytes,
		.tp_block_nr = conf->n_blocks,
		.tp_frame_size = FRAME_SIZE,
		.tp_frame_nr = conf->block_bytes / FRAME_SIZE * conf->n_blocks,
		.tp_retire_blk_tov = conf->timeout_ms,
	};

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof(reserve)) != 0)
		return fg_error_set(error, errno, "this kernel has no TPACKET_V3: %s",
				    strerror(errno));
	if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) != 0)
		return fg_error_set(error, errno,
				    "the kernel has no memory for %u blocks of %u bytes: %s",
				    conf->n_blocks, conf->block_bytes, strerror(errno));
	return 0;
}

int ring_open(struct ring *ring, int fd, const struct ring_conf *conf, struct rte_mempool *pool,
	      uint32_t room, struct fg_error *error)
{
	const int rc = set_up(fd, conf, error);

	if (rc != 0)
		return rc;
	ring->conf = *conf;
	ring->pool = pool;
	ring->room = room;
	ring->bytes = (size_t)conf->block_bytes * conf->n_blocks;
	ring->blocks = rte_zmalloc(NULL, conf->n_blocks * sizeof(*ring->blocks), 64);
	if (ring->blocks == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for a ring of %u blocks",
				    conf->n_blocks);
	/* The kernel maps all pages now, and never swaps them out. */
	ring->memory = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring->memory == MAP_FAILED) {
		ring->memory = NULL;
		rte_free(ring->blocks);
		return fg_error_set(error, errno, "cannot map a ring of %zu bytes: %s", ring->bytes,
				    strerror(errno));
	}
	init_blocks(ring);
	return 0;
}

void ring_close(struct ring *ring)
{
	if (ring->memory == NULL)
		return;
	munmap(ring->memory, ring->bytes);
	ring->memory = NULL;
	rte_free(ring->blocks);
	ring->blocks = NULL;
	ring->conf.n_blocks = 0;
}

/* Choose how the packets of the block that opens are passed on: copied, by reference, or dropped.
 */
static void choose(struct ring *ring)
{
	const struct ring_conf *conf = &ring->conf;
	const bool full = ring_held(ring) > conf->held_max;

	ring->at.copy_below = conf->copy_below;
	ring->at.refused = &ring->count.too_long;
	ring->at.refer = conf->copy_below < RING_COPY_ALL;
	if (full && ring->at.refer) {
		ring->at.refer = false;
		ring->at.refused = &ring->count.dropped_held;
		if (!conf->drop_held)
			ring->at.copy_below = RING_COPY_ALL;
	}
	ring->at.copy_below = RTE_MIN(ring->at.copy_below, ring->room + 1);
}

/* The reader has read the block: release the references that no packet has taken. */
static void finish_block(struct ring *ring)
{
	struct ring_block *block = &ring->blocks[ring->at.index];

	ring->at.remaining = 0;
	ring->at.index = ring->at.index + 1 == ring->conf.n_blocks ? 0 : ring->at.index + 1;
	if (rte_mbuf_ext_refcnt_update(&block->shared, (int16_t) - (int32_t)ring->at.unused) == 0)
		give_back(block);
}

/* Open the next block if the kernel has handed it over; false if not, or if it is empty. */
static bool open_block(struct ring *ring)
{
	struct ring_block *block = &ring->blocks[ring->at.index];
	_Atomic uint32_t *status = status_of(block->desc);
	const struct tpacket_hdr_v1 *head = &block->desc->hdr.bh1;
	/* Pairs with the kernel's store when it closes the block. */
	const uint32_t now = atomic_load_explicit(status, memory_order_acquire);

	if ((now & (TP_STATUS_USER | STATUS_TAKEN)) != TP_STATUS_USER)
		return false;
	atomic_store_explicit(status, now | STATUS_TAKEN, memory_order_relaxed);
	atomic_store_explicit(&block->opened_ticks, rte_rdtsc(), memory_order_relaxed);
	fg_counter_add(&ring->opened, 1);
	choose(ring);
	ring->at.remaining = head->num_pkts;
	ring->at.unused = head->num_pkts + 1;
	ring->at.next = (uint8_t *)block->desc + head->offset_to_first_pkt;
	ring->at.end = (const uint8_t *)block->desc + ring->conf.block_bytes;
	if (head->num_pkts >= INT16_MAX || head->offset_to_first_pkt > ring->conf.block_bytes) {
		fg_counter_add(&ring->count.broken, 1);
		ring->at.remaining = 0;
		ring->at.unused = 1;
	}
	rte_mbuf_ext_refcnt_set(&block->shared, (uint16_t)ring->at.unused);
	if (ring->at.remaining > 0)
		return true;
	finish_block(ring);
	return false;
}

/* Insert the VLAN tag that the kernel removed: the MAC addresses move, the rest stays. */
static inline uint8_t *restore_tag(uint8_t *frame, const struct tpacket3_hdr *head)
{
	const bool has_tpid = (head->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
	const uint16_t tpid = has_tpid ? head->hv1.tp_vlan_tpid : ETH_P_8021Q;
	const uint32_t tag =
		rte_cpu_to_be_32((uint32_t)tpid << 16 | (head->hv1.tp_vlan_tci & UINT16_MAX));

	memmove(frame - TAG_BYTES, frame, ADDRESSES);
	memcpy(frame - TAG_BYTES + ADDRESSES, &tag, TAG_BYTES);
	return frame - TAG_BYTES;
}

/* Attach the frame to the mbuf; the bytes before the frame are its headroom. */
static inline void refer(struct ring *ring, struct rte_mbuf *m, uint8_t *head, uint8_t *frame,
			 uint16_t length)
{
	const uint16_t headroom =
		(uint16_t)RTE_MIN((uint32_t)(frame - head), (uint32_t)(UINT16_MAX - length));

	rte_pktmbuf_attach_extbuf(m, frame - headroom, RTE_BAD_IOVA, (uint16_t)(headroom + length),
				  &ring->blocks[ring->at.index].shared);
	m->data_off = headroom;
}

/* Counts of one burst. */
struct tally {
	uint16_t copied, referred;
};

/* Store a whole frame in the mbuf; false if it was dropped and counted. */
static inline bool hand_over(struct ring *ring, struct rte_mbuf *m, uint8_t *head, uint8_t *frame,
			     uint16_t length, struct tally *tally)
{
	const uint32_t status = ((const struct tpacket3_hdr *)head)->tp_status;

	/* As rte_pktmbuf_reset(), without the fields that are always valid in the pool. */
	m->data_off = RTE_PKTMBUF_HEADROOM;
	m->port = RTE_MBUF_PORT_INVALID;
	/* From this machine: the checksum was left to a network card. */
	m->ol_flags = (status & TP_STATUS_CSUMNOTREADY) != 0 ? RTE_MBUF_F_RX_L4_CKSUM_NONE : 0;
	m->packet_type = 0;
	m->vlan_tci = 0;
	m->vlan_tci_outer = 0;
	if (length < ring->at.copy_below) {
		rte_memcpy(rte_pktmbuf_mtod(m, void *), frame, length);
		tally->copied++;
	} else if (likely(ring->at.refer)) {
		refer(ring, m, head, frame, length);
		tally->referred++;
	} else {
		fg_counter_add(ring->at.refused, 1);
		return false;
	}
	m->data_len = length;
	m->pkt_len = length;
	return true;
}

/* The rest of this block is invalid: count it and skip it. */
static __rte_cold __rte_noinline void skip_rest(struct ring *ring)
{
	fg_counter_add(&ring->count.broken, ring->at.remaining);
	ring->at.remaining = 1; /* The current packet, which the caller subtracts. */
}

/* Count a packet with unusable lengths by reason. */
static __rte_cold __rte_noinline bool refuse(struct ring *ring, const struct tpacket3_hdr *head)
{
	if (head->tp_snaplen < ETH_HLEN)
		fg_counter_add(&ring->count.broken, 1);
	else if (head->tp_snaplen != head->tp_len)
		fg_counter_add(&ring->count.truncated, 1);
	else
		fg_counter_add(&ring->count.too_long, 1);
	return false;
}

/*
 * Prefetch. Packets lie one after another. If packets are copied, every byte a fixed distance
 * ahead will be read. If they go by reference, only the headers will: this guesses the address of
 * the one PACKETS_AHEAD packets further, as if all packets had this one's size.
 */
static inline void prefetch(const struct ring *ring, const uint8_t *at, const uint8_t *next,
			    uint32_t length)
{
	const uint8_t *ahead = next + PACKETS_AHEAD * (next - at);

	if (length < ring->at.copy_below) {
		for (ahead = at + BYTES_AHEAD; ahead < next + BYTES_AHEAD;
		     ahead += RTE_CACHE_LINE_SIZE)
			rte_prefetch0(ahead);
		return;
	}
	rte_prefetch0(ahead);
	rte_prefetch0(ahead + RTE_CACHE_LINE_SIZE);
	rte_prefetch0(ahead + 2 * RTE_CACHE_LINE_SIZE);
}

/* Read the packet at ring->at.next into @m and advance; false if @m was not used. */
static inline bool read_packet(struct ring *ring, struct rte_mbuf *m, struct tally *tally)
{
	uint8_t *const at = ring->at.next;
	const struct tpacket3_hdr *head = (const void *)at;
	const size_t available = (size_t)(ring->at.end - at);
	struct fg_meta *meta = fg_meta(m);
	uint32_t length;
	uint8_t *frame;

	if (unlikely(available < sizeof(*head) || head->tp_mac < MAC_MIN ||
		     head->tp_mac + (size_t)head->tp_snaplen > available)) {
		skip_rest(ring);
		return false;
	}
	ring->at.next = at + RTE_MIN((size_t)head->tp_next_offset, available);
	length = head->tp_snaplen;
	prefetch(ring, at, ring->at.next, length);
	if (unlikely(length != head->tp_len || length - ETH_HLEN > FRAME_MAX - ETH_HLEN))
		return refuse(ring, head);
	meta->rx_ns = (uint64_t)head->tp_sec * SECOND_NS + head->tp_nsec;
	meta->flags = FG_META_TIMED;
	frame = at + head->tp_mac;
	if ((head->tp_status & TP_STATUS_VLAN_VALID) != 0) {
		frame = restore_tag(frame, head);
		length += TAG_BYTES;
	}
	meta->wire_len = length;
	return hand_over(ring, m, at, frame, (uint16_t)length, tally);
}

/* Take up to @count mbufs: fewer if the pool is nearly empty. */
static uint16_t get_mbufs(struct ring *ring, struct rte_mbuf **pkts, uint16_t count)
{
	while (rte_mempool_get_bulk(ring->pool, (void **)pkts, count) != 0) {
		count /= 2;
		if (count == 0) {
			fg_counter_add(&ring->count.waits, 1);
			return 0;
		}
	}
	return count;
}

uint16_t ring_rx(struct ring *ring, struct rte_mbuf **pkts, uint16_t max)
{
	struct tally tally = {0};
	uint16_t n_mbufs, count = 0;

	if (ring->at.remaining == 0 && !open_block(ring))
		return 0;
	n_mbufs = get_mbufs(ring, pkts, (uint16_t)RTE_MIN(ring->at.remaining, (uint32_t)max));
	for (uint16_t i = 0; i < n_mbufs && ring->at.remaining > 0; i++) {
		count += read_packet(ring, pkts[count], &tally);
		ring->at.remaining--;
	}
	if (unlikely(count < n_mbufs))
		rte_mempool_put_bulk(ring->pool, (void **)&pkts[count], n_mbufs - count);
	fg_counter_add(&ring->count.copied, tally.copied);
	fg_counter_add(&ring->count.referred, tally.referred);
	ring->at.unused -= tally.referred;
	if (ring->at.remaining == 0)
		finish_block(ring);
	return count;
}

uint64_t ring_held(const struct ring *ring)
{
	/* Read `returned` first, so that the difference is never negative. Pairs with give_back().
	 */
	const uint64_t returned = atomic_load_explicit(&ring->returned, memory_order_acquire);

	return fg_counter_read(&ring->opened) - returned;
}

uint64_t ring_oldest(const struct ring *ring)
{
	uint64_t oldest = 0;

	for (uint32_t i = 0; i < ring->conf.n_blocks; i++) {
		const struct ring_block *block = &ring->blocks[i];
		const uint64_t opened =
			atomic_load_explicit(&block->opened_ticks, memory_order_relaxed);

		if (rte_mbuf_ext_refcnt_read(&block->shared) > 0 &&
		    (oldest == 0 || opened < oldest))
			oldest = opened;
	}
	return oldest;
}
