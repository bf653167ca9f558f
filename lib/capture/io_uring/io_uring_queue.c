/* SPDX-License-Identifier: MIT */
#include "io_uring_queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include <fg_log.h>

#define GROUP        0u    /* Buffer group; a ring has only one. */
#define SQ_ENTRIES   8u    /* At most a receive and a cancel are submitted at once. */
#define REFILL       32u   /* Slots filled at once. */
#define AHEAD        4u    /* Prefetch the mbuf so many packets before it is read. */
#define IDLE_MS      1000u /* An idle kernel thread sleeps after this time. */
#define CANCEL_TURNS 50    /* Of 100 ms each: limit of the wait for the end of a receive. */

/* user_data, by which completions are distinguished. */
#define RECEIVE UINT64_C(1)
#define CANCEL  UINT64_C(2)

static size_t rooms_bytes(const struct uring_queue *q)
{
	return q->conf.buffers * sizeof(struct io_uring_buf);
}

static struct io_uring_params ring_params(const struct uring_queue_conf *conf)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 16};

	if (conf->buffers != 0)
		params.cq_entries = conf->completions != 0 ? conf->completions : 2 * conf->buffers;
	if (conf->mode == URING_SQPOLL) {
		params.flags |= IORING_SETUP_SQPOLL;
		params.sq_thread_idle = IDLE_MS;
		if (conf->cpu >= 0) {
			params.flags |= IORING_SETUP_SQ_AFF;
			params.sq_thread_cpu = (uint32_t)conf->cpu;
		}
	} else {
		/* Created disabled: the thread that enables the ring becomes its only user. */
		params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
				IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED;
	}
	return params;
}

/* Value of kernel.io_uring_disabled; 0 where the kernel has no such setting. */
static int disabled(void)
{
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	char text[16] = "0";

	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '0';
	fclose(file);
	return text[0] - '0';
}

/* Linux 6.0 was the first with multishot recvmsg. */
static bool is_old_kernel(void)
{
	struct utsname name;

	return uname(&name) == 0 && strtoul(name.release, NULL, 10) < 6;
}

/* Set @error to the likely cause of -errno @rc. @return -errno. */
static int explain(int rc, enum uring_mode mode, struct fg_error *error)
{
	switch (-rc) {
	case ENOSYS:
		return fg_error_set(error, ENOSYS,
				    "io_uring: not in this kernel, or hidden by a seccomp filter");
	case EPERM:
		if (disabled() != 0)
			return fg_error_set(
				error, EPERM,
				"io_uring: disabled: kernel.io_uring_disabled is %d (0: "
				"allowed, 1: for group kernel.io_uring_group)",
				disabled());
		return fg_error_set(error, EPERM, "io_uring: a seccomp filter refuses it");
	case EINVAL:
		if (mode == URING_SQPOLL && !is_old_kernel())
			return fg_error_set(error, EINVAL,
					    "io_uring: there is no such CPU for the kernel thread");
		return fg_error_set(error, ENOTSUP, "io_uring: needs Linux %s",
				    mode == URING_SQPOLL ? "6.0" : "6.1, or mode sqpoll");
	case ENOMEM:
		return fg_error_set(error, ENOMEM,
				    "io_uring: no memory for a ring; check the limits on locked "
				    "memory (ulimit -l) and of the control group");
	default:
		return fg_error_set(error, -rc, "io_uring: no ring: %s", strerror(-rc));
	}
}

int uring_queue_probe(enum uring_mode mode, struct fg_error *error)
{
	const struct uring_queue_conf conf = {.mode = mode, .cpu = -1};
	struct io_uring_params params = ring_params(&conf);
	struct io_uring ring;
	int rc = io_uring_queue_init_params(SQ_ENTRIES, &ring, &params);

	if (rc == 0) {
		io_uring_queue_exit(&ring);
		rc = is_old_kernel() ? -EINVAL : 0;
	}
	return rc == 0 ? 0 : explain(rc, mode, error);
}

int uring_queue_open(struct uring_queue *q, const struct uring_queue_conf *conf,
		     struct rte_mempool *pool, struct fg_error *error)
{
	q->conf = *conf;
	q->pool = pool;
	q->room_bytes = (uint32_t)(rte_pktmbuf_data_room_size(pool) - URING_HEADER_AT);
	q->msg = (struct msghdr){.msg_controllen = URING_CONTROL_BYTES};
	q->pause_ticks = rte_get_tsc_hz() / 1000;
	q->missing = conf->buffers;
	q->slots = rte_zmalloc_socket(NULL, 2 * conf->buffers * sizeof(*q->slots),
				      RTE_CACHE_LINE_SIZE, pool->socket_id);
	if (q->slots == NULL)
		return fg_error_set(error, ENOMEM, "no DPDK memory for %u buffers", conf->buffers);
	q->pending = q->slots + conf->buffers;
	q->rooms = mmap(NULL, rooms_bytes(q), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (q->rooms == MAP_FAILED) {
		rte_free(q->slots);
		return fg_error_set(error, ENOMEM, "no memory for %u buffers", conf->buffers);
	}
	return 0;
}

/* Provide the mbuf to the kernel, which uses buffers in the order of slots. */
static void provide(struct uring_queue *q, struct rte_mbuf *m, uint32_t slot, uint32_t offset)
{
	q->slots[slot] = m;
	io_uring_buf_ring_add(q->rooms, (uint8_t *)m->buf_addr + URING_HEADER_AT, q->room_bytes,
			      (uint16_t)slot, io_uring_buf_ring_mask(q->conf.buffers), (int)offset);
}

/* Fill up to REFILL slots. When the pool is empty, packets wait in the socket. */
static void refill(struct uring_queue *q)
{
	uint32_t n = RTE_MIN(q->missing, REFILL);
	void *fresh[REFILL];
	uint32_t count;

	while (n != 0 && rte_mempool_get_bulk(q->pool, fresh, n) != 0)
		n /= 2;
	if (unlikely(n == 0)) {
		fg_counter_add(&q->count.no_mbuf, q->missing != 0);
		return;
	}
	for (count = 0; count < n; count++) {
		const uint32_t slot = (q->next + count) & (q->conf.buffers - 1);

		if (unlikely(q->slots[slot] != NULL))
			break; /* Completed out of order, which a single receive never does. */
		provide(q, fresh[count], slot, count);
	}
	if (unlikely(count < n))
		rte_mempool_put_bulk(q->pool, fresh + count, n - count);
	io_uring_buf_ring_advance(q->rooms, (int)count);
	q->next += count;
	q->missing -= count;
}

/* Fill as many slots as the pool allows: arming a receive is expensive. */
static void refill_all(struct uring_queue *q)
{
	uint32_t before = q->missing + 1;

	while (q->missing != 0 && q->missing != before) {
		before = q->missing;
		refill(q);
	}
}

/* Start a new buffer ring, at slot 0, with the mbufs that stayed over a stop. */
static void provide_again(struct uring_queue *q)
{
	uint32_t count = 0;

	io_uring_buf_ring_init(q->rooms);
	for (uint32_t slot = 0; slot < q->conf.buffers; slot++) {
		struct rte_mbuf *m = q->slots[slot];

		q->slots[slot] = NULL;
		if (m != NULL) {
			provide(q, m, count, count);
			count++;
		}
	}
	io_uring_buf_ring_advance(q->rooms, (int)count);
	q->next = count;
	q->missing = q->conf.buffers - count;
	refill_all(q);
}

int uring_queue_start(struct uring_queue *q, int fd, struct fg_error *error)
{
	struct io_uring_params params = ring_params(&q->conf);
	struct io_uring_buf_reg rooms = {
		.ring_addr = (uintptr_t)q->rooms, .ring_entries = q->conf.buffers, .bgid = GROUP};
	int rc;

	if (q->stuck)
		return fg_error_set(error, EBUSY, "io_uring: the kernel still uses its buffers");
	rc = io_uring_queue_init_params(SQ_ENTRIES, &q->ring, &params);
	if (rc != 0)
		return explain(rc, q->conf.mode, error);
	provide_again(q);
	rc = io_uring_register_buf_ring(&q->ring, &rooms, 0);
	if (rc != 0) {
		io_uring_queue_exit(&q->ring);
		return fg_error_set(error, -rc, "io_uring: cannot register %u buffers: %s",
				    q->conf.buffers, strerror(-rc));
	}
	q->has_ring = true;
	q->enabled = q->conf.mode == URING_SQPOLL;
	q->armed = false;
	q->cancelling = false;
	q->unsubmitted = false;
	q->quiet_until = 0;
	uring_queue_switch(q, fd);
	return 0;
}

void uring_queue_switch(struct uring_queue *q, int fd)
{
	atomic_store_explicit(&q->fd, fd, memory_order_relaxed);
	atomic_fetch_add_explicit(&q->socket, 1, memory_order_release);
}

static void pause_arming(struct uring_queue *q)
{
	q->quiet_until = rte_rdtsc() + q->pause_ticks;
}

/* Submit the prepared requests; if the kernel refuses, the next poll tries again. */
static void submit(struct uring_queue *q)
{
	const int rc = q->conf.mode == URING_SQPOLL ? io_uring_submit(&q->ring)
						    : io_uring_submit_and_get_events(&q->ring);

	fg_counter_add(&q->count.calls, 1);
	q->unsubmitted = rc < 0;
}

/* Bind the ring to the calling thread. Not every liburing has io_uring_enable_rings(). */
static long enable(const struct uring_queue *q)
{
	return syscall(SYS_io_uring_register, q->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
		       0);
}

/* Arm the receive. It stays armed until it fails, or until buffers or completions run out. */
static __rte_noinline void arm(struct uring_queue *q)
{
	struct io_uring_sqe *sqe;

	if (q->missing == q->conf.buffers || rte_rdtsc() < q->quiet_until)
		return;
	if (!q->enabled) {
		fg_counter_add(&q->count.calls, 1);
		if (enable(q) < 0) {
			fg_counter_add(&q->count.failed, 1);
			pause_arming(q);
			return;
		}
		q->enabled = true;
	}
	q->armed_socket = atomic_load_explicit(&q->socket, memory_order_acquire);
	sqe = io_uring_get_sqe(&q->ring);
	if (sqe == NULL)
		return;
	/* MSG_TRUNC: report the length of a frame that does not fit. */
	io_uring_prep_recvmsg_multishot(sqe, atomic_load_explicit(&q->fd, memory_order_relaxed),
					&q->msg, MSG_TRUNC);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data64(sqe, RECEIVE);
	q->armed = true;
	q->cancelling = false;
	submit(q);
}

/* Cancel the receive; its last completion marks its end. */
static __rte_noinline void cancel(struct uring_queue *q)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->ring);

	if (sqe == NULL)
		return;
	io_uring_prep_cancel64(sqe, RECEIVE, 0);
	io_uring_sqe_set_data64(sqe, CANCEL);
	q->cancelling = true;
	submit(q);
}

/* The receive has ended: count the reason, and decide when to arm it again. */
static __rte_noinline void receive_ended(struct uring_queue *q, int result)
{
	q->armed = false;
	fg_counter_add(&q->count.rearmed, 1);
	if (result >= 0) {
		fg_counter_add(&q->count.overflowed, 1);
	} else if (result == -ENOBUFS) {
		fg_counter_add(&q->count.exhausted, 1);
	} else if (result != -ECANCELED) {
		fg_counter_add(&q->count.failed, 1);
		pause_arming(q);
	}
}

/* The packet of a completion, or NULL. Its slot becomes free. */
static inline struct rte_mbuf *take(struct uring_queue *q, const struct io_uring_cqe *cqe)
{
	const uint32_t slot = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	const struct rte_mbuf *ahead = q->slots[(slot + AHEAD) & (q->conf.buffers - 1)];
	struct rte_mbuf *m;

	if (likely(ahead != NULL)) {
		rte_prefetch0(ahead);
		rte_prefetch0(ahead + 1); /* Its fg_meta. */
	}
	if (unlikely(slot >= q->conf.buffers || q->slots[slot] == NULL)) {
		fg_counter_add(&q->count.malformed, 1);
		return NULL;
	}
	m = q->slots[slot];
	q->slots[slot] = NULL;
	q->missing++;
	if (likely(cqe->res >= 0 && uring_frame_read(q, m, (uint32_t)cqe->res)))
		return m;
	rte_mempool_put(q->pool, m);
	return NULL;
}

/* Read completions, up to @max packets. */
static uint16_t reap(struct uring_queue *q, struct rte_mbuf **pkts, uint16_t max)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	uint16_t count = 0;

	io_uring_for_each_cqe(&q->ring, head, cqe)
	{
		if (count == max)
			break;
		seen++;
		if (unlikely(cqe->user_data != RECEIVE))
			continue;
		if (likely((cqe->flags & IORING_CQE_F_BUFFER) != 0)) {
			pkts[count] = take(q, cqe);
			count = (uint16_t)(count + (pkts[count] != NULL));
		}
		if (unlikely((cqe->flags & IORING_CQE_F_MORE) == 0))
			receive_ended(q, cqe->res);
	}
	io_uring_cq_advance(&q->ring, seen);
	return count;
}

/* Enter the kernel if it has deferred work. */
static inline void run_kernel_work(struct uring_queue *q)
{
	/* The kernel writes the flags; this macro is io_uring's own. */
	const unsigned int flags = IO_URING_READ_ONCE(*q->ring.sq.kflags);

	if (unlikely(q->unsubmitted))
		submit(q);
	if ((flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0)
		return;
	fg_counter_add(&q->count.calls, 1);
	(void)io_uring_get_events(&q->ring);
}

static uint16_t pull_pending(struct uring_queue *q, struct rte_mbuf **pkts, uint16_t max)
{
	const uint32_t count = RTE_MIN(q->n_pending, max);

	memcpy(pkts, q->pending + q->first_pending, count * sizeof(struct rte_mbuf *));
	q->first_pending += count;
	q->n_pending -= count;
	return (uint16_t)count;
}

uint16_t uring_queue_pull(struct uring_queue *q, struct rte_mbuf **pkts, uint16_t max)
{
	uint16_t count;

	if (unlikely(q->n_pending != 0))
		return pull_pending(q, pkts, max);
	if (unlikely(!q->armed)) {
		refill_all(q);
		arm(q);
	} else if (unlikely(atomic_load_explicit(&q->socket, memory_order_relaxed) !=
				    q->armed_socket &&
			    !q->cancelling)) {
		cancel(q);
	}
	if (io_uring_cq_ready(&q->ring) < max)
		run_kernel_work(q);
	count = reap(q, pkts, max);
	if (q->missing >= REFILL)
		refill(q);
	return count;
}

/* Move all received packets to pending[]. */
static void save_received(struct uring_queue *q)
{
	struct rte_mbuf *pkts[REFILL];
	uint16_t count;

	if (q->first_pending != 0)
		memmove(q->pending, q->pending + q->first_pending,
			q->n_pending * sizeof(*q->pending));
	q->first_pending = 0;
	while ((count = reap(q, pkts, REFILL)) != 0)
		for (uint16_t i = 0; i < count; i++) {
			if (q->n_pending < q->conf.buffers) {
				q->pending[q->n_pending++] = pkts[i];
			} else {
				fg_counter_add(&q->count.left, 1);
				rte_mempool_put(q->pool, pkts[i]);
			}
		}
}

/* With a kernel thread the mbufs are free only after the last completion. */
static void end_receive(struct uring_queue *q)
{
	struct __kernel_timespec wait = {.tv_nsec = 100000000};
	struct io_uring_cqe *cqe;

	for (int turns = 0; q->armed && turns < CANCEL_TURNS; turns++) {
		if (!q->cancelling)
			cancel(q);
		(void)io_uring_wait_cqe_timeout(&q->ring, &cqe, &wait);
		save_received(q);
	}
	if (q->armed) {
		fg_log(ERR, "io_uring: the kernel does not end a receive; its buffers are lost");
		q->stuck = true;
	}
}

/*
 * A deferred ring belongs to the lcore's thread: control cannot cancel the receive. Closing the
 * ring does that, and the kernel writes nothing unless that lcore enters it.
 */
void uring_queue_stop(struct uring_queue *q)
{
	if (!q->has_ring)
		return;
	if (q->conf.mode == URING_SQPOLL)
		end_receive(q);
	save_received(q);
	io_uring_queue_exit(&q->ring);
	q->has_ring = false;
	q->armed = false;
}

void uring_queue_empty(struct uring_queue *q)
{
	uring_queue_stop(q);
	for (uint32_t i = 0; i < q->n_pending; i++)
		rte_mempool_put(q->pool, q->pending[q->first_pending + i]);
	fg_counter_add(&q->count.left, q->n_pending);
	q->n_pending = 0;
	if (q->stuck)
		return;
	for (uint32_t slot = 0; slot < q->conf.buffers; slot++)
		if (q->slots[slot] != NULL)
			rte_mempool_put(q->pool, q->slots[slot]);
	memset(q->slots, 0, q->conf.buffers * sizeof(struct rte_mbuf *));
	q->missing = q->conf.buffers;
}

void uring_queue_close(struct uring_queue *q)
{
	uring_queue_empty(q);
	if (q->stuck)
		return; /* The kernel may still write. */
	(void)munmap(q->rooms, rooms_bytes(q));
	rte_free(q->slots);
}
