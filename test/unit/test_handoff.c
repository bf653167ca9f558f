/* SPDX-License-Identifier: MIT */
/* Rings between lcores: every packet arrives once and in order, or comes back. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <fg_burst.h>
#include <fg_handoff.h>

#define POOL_PACKETS 4095u

static struct rte_mempool *pool;
static const int any_socket[FG_CONSUMERS_MAX]; /* node 0 for each */
static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static struct fg_handoff *create(unsigned int rx, uint16_t n_workers, uint32_t slots)
{
	struct fg_handoff *handoff = NULL;
	struct fg_error error = {0};

	if (fg_handoff_create(&(struct fg_handoff_conf){rx, 0, n_workers, slots, any_socket},
			      &handoff, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(handoff->n_consumers, n_workers);
	return handoff;
}

static void refused(unsigned int rx, uint16_t n_workers, uint32_t slots, int code,
		    const char *reason)
{
	struct fg_handoff *handoff = NULL;
	struct fg_error error = {0};

	assert_int_equal(
		fg_handoff_create(&(struct fg_handoff_conf){rx, 0, n_workers, slots, any_socket},
				  &handoff, &error),
		code);
	assert_null(handoff);
	if (strstr(error.text, reason) == NULL)
		fail_msg("'%s' does not say '%s'", error.text, reason);
}

/* Allocate packets whose metadata contain their worker and a number. */
static void make_packets(struct rte_mbuf **pkts, const uint8_t *workers, uint16_t count,
			 uint32_t first)
{
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, pkts, count), 0);
	for (uint16_t i = 0; i < count; i++) {
		fg_meta(pkts[i])->rule_id = workers[i];
		fg_meta(pkts[i])->wire_len = first + i;
	}
}

static void creation_is_checked(void **state)
{
	struct fg_handoff *handoff;

	(void)state;
	refused(1, 1, 0, -EINVAL, "0 is not a power of two");
	refused(1, 1, 3, -EINVAL, "3 is not a power of two");
	refused(1, 1, 65535, -EINVAL, "65535 is not a power of two");
	refused(1, 1, UINT32_MAX, -EINVAL, "4294967295");
	/* Powers of two beyond the limit of a ring. */
	refused(1, 1, 1u << 30, -EINVAL, "1073741824");
	refused(1, 1, 1u << 31, -EINVAL, "2147483648");
	refused(1, FG_CONSUMERS_MAX + 1, 64, -EINVAL, "65 lcores: at most 64");
	handoff = create(1, FG_CONSUMERS_MAX, 1);
	refused(1, 1, 64, -EEXIST, "File exists");
	fg_handoff_free(handoff);
	fg_handoff_free(create(1, 1, 64));
	fg_handoff_free(NULL);
}

/* Rings of 2 GB, or 4 of 128 MB, do not fit 256 MB; nothing may be left. */
static void memory_runs_out(void **state)
{
	(void)state;
	refused(2, 1, 1u << 27, -ENOMEM, "cannot create a ring of 134217728 slots");
	refused(2, 4, 1u << 23, -ENOMEM, "more memory");
	fg_handoff_free(create(2, 1, 1u << 23));
	fg_handoff_free(create(2, 4, 1024));
}

/* Take all packets of @worker, compare them with @expected, and free them. */
static void drain(struct fg_handoff *handoff, uint16_t worker, struct rte_mbuf *const *expected,
		  uint32_t count)
{
	struct rte_mbuf *got[FG_BURST_MAX];
	uint32_t seen = 0;

	assert_int_equal(fg_handoff_occupancy(handoff, worker), count);
	while (seen < count) {
		const uint16_t max = (uint16_t)(1 + random_below(FG_BURST_MAX));
		const uint16_t n = fg_handoff_get(handoff, worker, got, max);

		assert_int_equal(n, RTE_MIN(max, count - seen));
		assert_memory_equal(got, expected + seen, n * sizeof(got[0]));
		for (uint16_t i = 0; i < n; i++)
			assert_int_equal(fg_meta(got[i])->rule_id, worker);
		rte_pktmbuf_free_bulk(got, n);
		seen += n;
		assert_int_equal(fg_handoff_occupancy(handoff, worker), count - seen);
	}
	assert_int_equal(fg_handoff_get(handoff, worker, got, FG_BURST_MAX), 0);
}

/* A mark is passed when its worker has taken the packets before it, whatever comes after. */
static void marks_are_passed(void **state)
{
	static const uint8_t workers[] = {0, 1, 1, 1};
	struct fg_handoff *handoff = create(5, 2, 4);
	struct rte_mbuf *pkts[RTE_DIM(workers)], *got[RTE_DIM(workers)];
	uint64_t mark;

	(void)state;
	assert_true(fg_handoff_passed(handoff, 1, fg_handoff_mark(handoff, 1)));
	make_packets(pkts, workers, 4, 0);
	assert_int_equal(fg_handoff_put(handoff, pkts, workers, 4), 0);
	mark = fg_handoff_mark(handoff, 1);
	make_packets(pkts, workers, 4, 4);
	assert_int_equal(fg_handoff_put(handoff, pkts, workers, 4), 2); /* one of worker 1 fits */
	rte_pktmbuf_free_bulk(pkts, 2);
	assert_int_equal(fg_handoff_get(handoff, 1, got, 2), 2);
	rte_pktmbuf_free_bulk(got, 2);
	assert_false(fg_handoff_passed(handoff, 1, mark));
	assert_int_equal(fg_handoff_get(handoff, 1, got, 1), 1);
	rte_pktmbuf_free_bulk(got, 1);
	assert_true(fg_handoff_passed(handoff, 1, mark));
	assert_false(fg_handoff_passed(handoff, 1, fg_handoff_mark(handoff, 1)));
	assert_int_equal(fg_handoff_get(handoff, 1, got, 4), 1);
	rte_pktmbuf_free_bulk(got, 1);
	assert_true(fg_handoff_passed(handoff, 1, fg_handoff_mark(handoff, 1)));
	assert_int_equal(fg_handoff_get(handoff, 0, got, 4), 2);
	rte_pktmbuf_free_bulk(got, 2);
	fg_handoff_free(handoff);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PACKETS);
}

/* Bursts of every size to random workers; the rings are wide enough. */
static void order_is_kept_per_worker(void **state)
{
	static const uint16_t sizes[] = {1, 2, 3, 7, 31, FG_CONSUMERS_MAX};

	(void)state;
	for (size_t s = 0; s < RTE_DIM(sizes); s++) {
		struct fg_handoff *handoff = create(3, sizes[s], 4096);
		struct rte_mbuf *sent[FG_CONSUMERS_MAX][POOL_PACKETS];
		uint32_t count[FG_CONSUMERS_MAX] = {0};

		for (uint16_t burst = 1; burst <= FG_BURST_MAX; burst++) {
			struct rte_mbuf *pkts[FG_BURST_MAX];
			uint8_t workers[FG_BURST_MAX];

			for (uint16_t i = 0; i < burst; i++)
				workers[i] = (uint8_t)random_below(sizes[s]);
			make_packets(pkts, workers, burst, 0);
			for (uint16_t i = 0; i < burst; i++)
				sent[workers[i]][count[workers[i]]++] = pkts[i];
			assert_int_equal(fg_handoff_put(handoff, pkts, workers, burst), 0);
		}
		for (uint16_t w = 0; w < sizes[s]; w++)
			drain(handoff, w, sent[w], count[w]);
		fg_handoff_free(handoff);
		assert_int_equal(rte_mempool_avail_count(pool), POOL_PACKETS);
	}
}

/* The expected result of a burst for rings with @space[] free slots, by counting. */
static uint16_t expect_refused(const uint8_t *workers, uint16_t count, uint32_t *space, bool *back)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < count; i++) {
		back[i] = space[workers[i]] == 0;
		if (back[i])
			n++;
		else
			space[workers[i]]--;
	}
	return n;
}

/* The refused packets are the expected ones, each once, in order per worker. */
static void check_back(struct rte_mbuf *const *sent, struct rte_mbuf *const *came, const bool *back,
		       uint16_t count, uint16_t n_back, uint16_t n_workers)
{
	uint16_t found = 0;

	for (uint16_t w = 0; w < n_workers; w++) {
		uint16_t at = 0;

		for (uint16_t i = 0; i < count; i++) {
			if (!back[i] || fg_meta(sent[i])->rule_id != w)
				continue;
			while (at < n_back && fg_meta(came[at])->rule_id != w)
				at++;
			assert_true(at < n_back);
			assert_ptr_equal(came[at], sent[i]);
			at++;
			found++;
		}
	}
	assert_int_equal(found, n_back);
}

#define SMALL_SLOTS 32u

/* Send a random burst; @return how many came back. */
static uint16_t put_random(struct fg_handoff *handoff, uint32_t *space, uint16_t burst)
{
	struct rte_mbuf *sent[FG_BURST_MAX], *pkts[FG_BURST_MAX];
	uint8_t workers[FG_BURST_MAX];
	bool back[FG_BURST_MAX];
	uint16_t n, expected;

	for (uint16_t i = 0; i < burst; i++)
		workers[i] = (uint8_t)random_below(handoff->n_consumers);
	make_packets(sent, workers, burst, 0);
	memcpy(pkts, sent, sizeof(pkts));
	expected = expect_refused(workers, burst, space, back);
	n = fg_handoff_put(handoff, pkts, workers, burst);
	assert_int_equal(n, expected);
	check_back(sent, pkts, back, burst, n, handoff->n_consumers);
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static uint16_t take(struct fg_handoff *handoff, uint16_t worker, uint16_t max, uint32_t *space)
{
	struct rte_mbuf *pkts[FG_BURST_MAX];
	const uint16_t n = fg_handoff_get(handoff, worker, pkts, max);

	assert_int_equal(n, RTE_MIN(max, SMALL_SLOTS - space[worker]));
	space[worker] += n;
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static void full_rings_give_back(void **state)
{
	static const uint16_t sizes[] = {1, 2, 5};

	(void)state;
	for (size_t s = 0; s < RTE_DIM(sizes); s++) {
		struct fg_handoff *handoff = create(4, sizes[s], SMALL_SLOTS);
		uint32_t space[FG_CONSUMERS_MAX], put = 0, got = 0, back = 0;

		for (uint16_t w = 0; w < sizes[s]; w++)
			space[w] = SMALL_SLOTS;
		for (unsigned int round = 0; round < 2000; round++) {
			const uint16_t burst = (uint16_t)(1 + random_below(FG_BURST_MAX));

			put += burst;
			back += put_random(handoff, space, burst);
			got += take(handoff, (uint16_t)random_below(sizes[s]),
				    (uint16_t)random_below(40), space);
		}
		for (uint16_t w = 0; w < sizes[s]; w++)
			got += take(handoff, w, FG_BURST_MAX, space);
		assert_true(back > 0 && got > 0);
		assert_int_equal(put, got + back);
		assert_int_equal(rte_mempool_avail_count(pool), POOL_PACKETS);
		fg_handoff_free(handoff);
	}
}

#define STRESS_PACKETS 400000u
#define STRESS_WORKERS 3u

/* One thread sends; the others receive and return the packets through a second handoff. */
struct stress {
	struct fg_handoff *forth;
	struct fg_handoff *back[STRESS_WORKERS];
	uint16_t n_workers;
	atomic_bool sent_all;
	uint8_t *disposition[STRESS_WORKERS]; /* by number: how often it arrived; its worker writes
					       */
	uint64_t received[STRESS_WORKERS];
	uint64_t disorder[STRESS_WORKERS];
};

struct stress_worker {
	struct stress *stress;
	uint16_t index;
	pthread_t thread;
};

static void stress_receive(struct stress *s, uint16_t index, struct rte_mbuf **pkts, uint16_t n,
			   uint32_t *last)
{
	static const uint8_t home[FG_BURST_MAX]; /* worker 0 of the second handoff */

	for (uint16_t i = 0; i < n; i++) {
		const struct fg_meta *meta = fg_meta(pkts[i]);

		if (meta->rule_id != index || meta->wire_len <= *last)
			s->disorder[index]++;
		*last = meta->wire_len;
		s->disposition[index][meta->wire_len]++;
	}
	s->received[index] += n;
	while (n > 0) {
		n = fg_handoff_put(s->back[index], pkts, home, n);
		if (n > 0)
			sched_yield();
	}
}

static void *stress_worker(void *arg)
{
	const struct stress_worker *w = arg;
	struct stress *s = w->stress;
	uint32_t last = 0;
	bool done;

	do {
		struct rte_mbuf *pkts[FG_BURST_MAX];
		uint16_t n;

		done = atomic_load_explicit(&s->sent_all, memory_order_acquire);
		n = fg_handoff_get(s->forth, w->index, pkts, FG_BURST_MAX);
		if (n > 0) {
			stress_receive(s, w->index, pkts, n, &last);
			done = false;
		} else if (!done)
			sched_yield();
	} while (!done);
	return NULL;
}

/* Send numbered packets; @return how many were refused. Numbers begin at 1. */
static uint64_t stress_send(struct stress *s, struct rte_mbuf **idle, uint32_t *n_idle)
{
	uint32_t number = 1;
	uint64_t n_refused = 0;

	while (number <= STRESS_PACKETS) {
		struct rte_mbuf *pkts[FG_BURST_MAX];
		const uint16_t burst = (uint16_t)(1 + random_below(FG_BURST_MAX));
		uint8_t workers[FG_BURST_MAX];
		uint16_t n = 0, came;

		while (*n_idle > 0 && n < burst && number <= STRESS_PACKETS) {
			pkts[n] = idle[--*n_idle];
			workers[n] = (uint8_t)random_below(s->n_workers);
			fg_meta(pkts[n])->rule_id = workers[n];
			fg_meta(pkts[n++])->wire_len = number++;
		}
		came = n > 0 ? fg_handoff_put(s->forth, pkts, workers, n) : 0;
		/* No worker may receive a refused packet: the sum of dispositions shows it. */
		for (uint16_t i = 0; i < came; i++)
			idle[(*n_idle)++] = pkts[i];
		n_refused += came;
		for (uint16_t w = 0; w < s->n_workers; w++)
			*n_idle += fg_handoff_get(s->back[w], 0, idle + *n_idle, FG_BURST_MAX);
		if (came > 0)
			sched_yield();
	}
	return n_refused;
}

static void stress_check(const struct stress *s, uint64_t n_refused)
{
	uint64_t received = 0, arrived = 0;

	for (uint16_t w = 0; w < s->n_workers; w++) {
		assert_int_equal(s->disorder[w], 0);
		assert_true(s->received[w] > 0);
		received += s->received[w];
	}
	for (uint32_t i = 1; i <= STRESS_PACKETS; i++) {
		unsigned int times = 0;

		for (uint16_t w = 0; w < s->n_workers; w++)
			times += s->disposition[w][i];
		assert_true(times <= 1);
		arrived += times;
	}
	assert_int_equal(arrived, received);
	assert_int_equal(received + n_refused, STRESS_PACKETS);
}

static void stress(uint16_t n_workers, uint32_t slots, uint32_t packets)
{
	struct stress s = {.forth = create(5, n_workers, slots), .n_workers = n_workers};
	struct stress_worker workers[STRESS_WORKERS];
	struct rte_mbuf *idle[POOL_PACKETS + 1];
	uint32_t n_idle = packets;
	uint64_t n_refused;

	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, idle, packets), 0);
	for (uint16_t w = 0; w < n_workers; w++) {
		s.back[w] = create(6u + w, 1, 4096);
		s.disposition[w] = calloc(STRESS_PACKETS + 1, 1);
		assert_non_null(s.disposition[w]);
		workers[w] = (struct stress_worker){.stress = &s, .index = w};
		assert_int_equal(
			pthread_create(&workers[w].thread, NULL, stress_worker, &workers[w]), 0);
	}
	n_refused = stress_send(&s, idle, &n_idle);
	atomic_store_explicit(&s.sent_all, true, memory_order_release);
	for (uint16_t w = 0; w < n_workers; w++)
		assert_int_equal(pthread_join(workers[w].thread, NULL), 0);
	for (uint16_t w = 0; w < n_workers; w++)
		while (fg_handoff_occupancy(s.back[w], 0) > 0)
			n_idle += fg_handoff_get(s.back[w], 0, idle + n_idle, FG_BURST_MAX);
	stress_check(&s, n_refused);
	print_message("%u workers, %u slots: %u sent, %u refused\n", n_workers, slots,
		      STRESS_PACKETS, (unsigned int)n_refused);

	/* All packets are back in the pool. */
	assert_int_equal(n_idle, packets);
	rte_pktmbuf_free_bulk(idle, packets);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PACKETS);
	for (uint16_t w = 0; w < n_workers; w++) {
		fg_handoff_free(s.back[w]);
		free(s.disposition[w]);
	}
	fg_handoff_free(s.forth);
}

static void threads_lose_nothing(void **state)
{
	(void)state;
	stress(1, 4096, 2048);          /* nothing can be refused */
	stress(1, 64, 2048);            /* much is */
	stress(STRESS_WORKERS, 4, 256); /* rings smaller than a burst */
	stress(STRESS_WORKERS, 512, 4000);
}

int main(void)
{
	static char *eal_args[] = {"test_handoff",   "--no-huge",   "-m", "256", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation_is_checked),  cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(marks_are_passed),     cmocka_unit_test(order_is_kept_per_worker),
		cmocka_unit_test(full_rings_give_back), cmocka_unit_test(threads_lose_nothing),
	};
	cpu_set_t cpus;
	int failed;

	/* EAL binds this thread to a CPU, which the tests' threads would inherit. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0 ||
	    rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0 ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		return 1;
	pool = rte_pktmbuf_pool_create("test", POOL_PACKETS, 0, FG_META_BYTES, 0, 0);
	if (pool == NULL)
		return 1;
	failed = cmocka_run_group_tests_name("handoff", tests, NULL, NULL);
	rte_mempool_free(pool);
	rte_eal_cleanup();
	return failed;
}
