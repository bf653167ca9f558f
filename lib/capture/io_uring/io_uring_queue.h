/* SPDX-License-Identifier: MIT */
/*
 * One queue of an io_uring source: a ring with one multishot receive on a packet socket, and the
 * mbufs provided to the kernel as buffers.
 *
 * A buffer begins in the mbuf's headroom, so that the kernel's header ends where the mbuf's data
 * begins and the frame needs no move:
 *
 *   0          URING_HEADER_AT   +16                RTE_PKTMBUF_HEADROOM
 *   | unused   | recvmsg_out     | time, auxdata    | frame ...
 *
 * There are two modes. Deferred: the kernel works only inside system calls of the polling lcore,
 * and sets a flag in shared memory when there is work; it writes nothing while no lcore polls.
 * SQPOLL: a kernel thread writes at any time, until the receive has ended.
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

/* The kernel's header before a frame: lengths, then control data. */
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

/* Written by the lcore that polls; by control while no lcore polls. */
struct uring_counters {
	struct fg_counter calls;      /* System calls. */
	struct fg_counter rearmed;    /* Times the receive was armed again, for these reasons: */
	struct fg_counter exhausted;  /* ... all buffers were full: ENOBUFS. */
	struct fg_counter failed;     /* ... the socket had an error: ENETDOWN, ... */
	struct fg_counter overflowed; /* ... the completion queue was full. */
	struct fg_counter no_mbuf;    /* Refills that found the pool empty. */
	struct fg_counter truncated;  /* Frames dropped: longer than a buffer. */
	struct fg_counter malformed;  /* Completions dropped: invalid. */
	struct fg_counter untimed;    /* Packets without a kernel timestamp. */
	struct fg_counter left;       /* Packets received but not polled before the close. */
};

struct uring_queue_conf {
	enum uring_mode mode;
	uint32_t buffers;     /* Power of two, URING_BUFFERS_MIN..MAX. */
	int cpu;              /* Of the kernel thread; -1: control's. */
	bool timed;           /* The socket has SO_TIMESTAMPNS. */
	uint32_t completions; /* Size of the completion queue; 0: enough for all buffers. */
};

struct uring_queue {
	/* Written by control while no lcore polls. */
	struct io_uring ring;
	bool has_ring;
	bool stuck; /* The kernel did not end the receive: the mbufs cannot be freed. */
	struct uring_queue_conf conf;
	struct rte_mempool *pool;
	struct io_uring_buf_ring *rooms; /* Shared with the kernel. */
	struct rte_mbuf **slots;         /* By buffer id: the mbuf provided to the kernel. */
	struct rte_mbuf **pending;       /* Packets received before a stop, for after it. */
	uint32_t room_bytes;             /* Size of a buffer, which begins at URING_HEADER_AT. */
	uint64_t pause_ticks;
	struct msghdr msg; /* Sets the maximum of control data. */

	/* Written by control while lcores poll. */
	_Atomic int fd;          /* The socket. */
	_Atomic uint32_t socket; /* Incremented when fd refers to another socket. */

	/* Only the polling lcore uses these; control while no lcore polls. */
	bool enabled; /* The ring is bound to its lcore. */
	bool armed;   /* The kernel has the receive. */
	bool cancelling;
	bool unsubmitted;       /* The kernel has not accepted a request yet. */
	uint32_t armed_socket;  /* Value of socket when the receive was armed. */
	uint32_t missing;       /* Slots without an mbuf. */
	uint32_t next;          /* Next slot to fill. */
	uint32_t n_pending;     /* Packets in pending[] ... */
	uint32_t first_pending; /* ... from this index on. */
	uint64_t quiet_until;   /* Do not arm before this TSC value. */
	struct uring_counters count;
} __attribute__((aligned(128)));

/* Can such a ring be created? 0, or -errno with @error set. Leaves nothing open. Control. */
int uring_queue_probe(enum uring_mode mode, struct fg_error *error);

/*
 * Allocate memory for a queue whose mbufs come from @pool. The caller has zeroed @q. 0, or -errno
 * with @error set and nothing to close. Control.
 */
int uring_queue_open(struct uring_queue *q, const struct uring_queue_conf *conf,
		     struct rte_mempool *pool, struct fg_error *error);

/* Create the ring; the first lcore that polls owns it. Control; no lcore polls. 0, or -errno with
 * @error set. */
int uring_queue_start(struct uring_queue *q, int fd, struct fg_error *error);

/* @fd now refers to another socket, or to one bound again. Control; lcores may poll. */
void uring_queue_switch(struct uring_queue *q, int fd);

/* Receive up to @max packets. Hot; makes a system call if the kernel has deferred work. */
uint16_t uring_queue_pull(struct uring_queue *q, struct rte_mbuf **pkts, uint16_t max);

/* End the receive and close the ring; received packets stay readable. Control; no lcore polls. */
void uring_queue_stop(struct uring_queue *q);

/* Return all mbufs to the pool. Control; after stop. */
void uring_queue_empty(struct uring_queue *q);

/* Free the memory. Control; after stop. */
void uring_queue_close(struct uring_queue *q);

/*
 * Read the kernel's header in @m, of @bytes with the frame: set lengths and metadata, and insert
 * the VLAN tag. False if the frame must be dropped, which a counter of @q records. Hot.
 */
bool uring_frame_read(struct uring_queue *q, struct rte_mbuf *m, uint32_t bytes);

#endif /* CAPTURE_IO_URING_QUEUE_H */
