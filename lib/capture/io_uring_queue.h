/* SPDX-License-Identifier: MIT */
/*
 * One queue of an io_uring source: a ring with one multishot receive on a packet
 * socket, and the mbufs whose rooms the kernel may fill.
 *
 * What the kernel writes into a room ends its own header where an mbuf's data
 * begins, so that the frame lies where it belongs and what is said of it in the
 * headroom:
 *
 *   0          URING_HEADER_AT   +16                RTE_PKTMBUF_HEADROOM
 *   | unused   | recvmsg_out     | time, auxdata    | frame ...
 *
 * Two ways to run it. Deferred: the kernel works for us only inside system calls
 * of the lcore that polls, and says by a flag in shared memory when there is
 * work, so nothing is written while nobody polls. With a kernel thread (SQPOLL):
 * it writes whenever it likes, until the receive has ended.
 */
#ifndef CAPTURE_IO_URING_QUEUE_H
#define CAPTURE_IO_URING_QUEUE_H

#include <liburing.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include <rte_mbuf.h>

#include <fg_error.h>
#include <fg_stats.h>

/* What the kernel says of a frame, before the frame. */
#define URING_CONTROL_BYTES                                                                        \
	(CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata)))
#define URING_HEADER_BYTES (sizeof(struct io_uring_recvmsg_out) + URING_CONTROL_BYTES)
#define URING_HEADER_AT    (RTE_PKTMBUF_HEADROOM - URING_HEADER_BYTES)

#define URING_BUFFERS_MIN 64u
#define URING_BUFFERS_MAX 32768u

enum uring_mode {
	URING_DEFER = 0, /* Order as in the option's names. */
	URING_SQPOLL,
};

/* Written by the lcore that polls; by control while nobody does. */
struct uring_counters {
	struct fg_counter calls;      /* Turns in the kernel. */
	struct fg_counter rearmed;    /* Times the receive was put up again, for these reasons: */
	struct fg_counter exhausted;  /* ... all buffers were full: ENOBUFS. */
	struct fg_counter failed;     /* ... the socket had an error: ENETDOWN, ... */
	struct fg_counter overflowed; /* ... there was no place for a completion. */
	struct fg_counter no_mbuf;    /* Turns that found the pool empty. */
	struct fg_counter truncated;  /* Frames longer than a buffer: dropped. */
	struct fg_counter malformed;  /* What the kernel cannot have said: dropped. */
	struct fg_counter untimed;    /* Packets without a timestamp of the kernel. */
	struct fg_counter left;       /* Received, but still here at the end. */
};

struct uring_queue_conf {
	enum uring_mode mode;
	uint32_t buffers;     /* Power of two, URING_BUFFERS_MIN..MAX. */
	int cpu;              /* Of the kernel thread; -1: where control runs. */
	bool timed;           /* The socket has SO_TIMESTAMPNS. */
	uint32_t completions; /* Places for completions; 0: enough for all buffers. */
};

struct uring_queue {
	/* Set by control while nobody polls. */
	struct io_uring ring;
	bool has_ring;
	bool stuck; /* The kernel would not end the receive: it keeps the mbufs for good. */
	struct uring_queue_conf conf;
	struct rte_mempool *pool;
	struct io_uring_buf_ring *rooms; /* Shared with the kernel. */
	struct rte_mbuf **slots;         /* By buffer id: the mbuf that the kernel has. */
	struct rte_mbuf **kept;          /* Received before a stop, for after it. */
	uint32_t room_bytes;             /* From URING_HEADER_AT on. */
	uint64_t pause_ticks;
	struct msghdr msg; /* Says how much control data there may be. */

	/* Control's, while lcores poll. */
	_Atomic int fd;          /* The socket. */
	_Atomic uint32_t socket; /* Moves when fd stands for another one. */

	/* The polling lcore's; control's while nobody polls. */
	bool enabled; /* The ring is bound to its lcore. */
	bool armed;   /* The kernel has the receive. */
	bool cancelling;
	bool unsubmitted;      /* The kernel has not taken what was put up. */
	uint32_t armed_socket; /* ... on this one. */
	uint32_t missing;      /* Slots without an mbuf. */
	uint32_t next;         /* Slot to fill next. */
	uint32_t n_kept;       /* Packets of kept[] ... */
	uint32_t first_kept;   /* ... from here on. */
	uint64_t quiet_until;  /* Ticks; not armed before. */
	struct uring_counters count;
} __attribute__((aligned(128)));

/* Is such a ring to be had? 0, or -errno with @error set. Leaves nothing open. */
int uring_queue_probe(enum uring_mode mode, struct fg_error *error);

/*
 * Memory for a queue whose mbufs come from @pool. @q is zeroed. 0, or -errno with
 * @error set and nothing to close.
 */
int uring_queue_open(struct uring_queue *q, const struct uring_queue_conf *conf,
		     struct rte_mempool *pool, struct fg_error *error);

/* Make the ring, for whichever lcore polls first. Control; nobody polls. 0 or -errno. */
int uring_queue_start(struct uring_queue *q, int fd, struct fg_error *error);

/* @fd stands for another socket now, or for one bound anew. Control; lcores may poll. */
void uring_queue_switch(struct uring_queue *q, int fd);

/* Up to @max packets. Hot; one system call where the kernel has work to do for us. */
uint16_t uring_queue_pull(struct uring_queue *q, struct rte_mbuf **pkts, uint16_t max);

/* End the receive and the ring; what was received is kept. Control; nobody polls. */
void uring_queue_stop(struct uring_queue *q);

/* Give all mbufs back to the pool. Control; after stop. */
void uring_queue_empty(struct uring_queue *q);

/* Free the memory. Control; after stop. */
void uring_queue_close(struct uring_queue *q);

/*
 * The frame in @m, of which the kernel says that @bytes are written from
 * URING_HEADER_AT on: sets lengths and notes, puts the VLAN tag back. False, with
 * a counter moved, if there is none to hand over. Hot.
 */
bool uring_frame_read(struct uring_queue *q, struct rte_mbuf *m, uint32_t bytes);

#endif /* CAPTURE_IO_URING_QUEUE_H */
