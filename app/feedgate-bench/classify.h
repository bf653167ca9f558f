/* SPDX-License-Identifier: MIT */
/*
 * Parts of `classify`: the work to be done (what is looked up, in which rules),
 * the subjects that do it, and the memory that all of it lies in.
 */
#ifndef CLASSIFY_H
#define CLASSIFY_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_classify.h>
#include <fg_error.h>
#include <fg_key.h>

#define MATCH_EVERY_NTH 4u /* One packet in so many is sent to a channel that a rule names. */

/* Where a subject begins. */
enum input {
	INPUT_PACKETS, /* With the frames in mbufs. */
	INPUT_KEYS,    /* With keys in the subject's own form, ready made. */
	INPUTS,
};

/*
 * The five fields as they stand in a packet from the IPv4 header's protocol
 * on, so that rte_acl walks both with the same field definitions.
 */
struct tuple {
	uint8_t protocol;
	uint8_t checksum[2]; /* Not looked at. */
	uint8_t src_ip[4];
	uint8_t dst_ip[4];
	uint8_t src_port[2];
	uint8_t dst_port[2];
	uint8_t pad;
};
static_assert(sizeof(struct tuple) == 16, "tuples stand side by side, aligned");

#define TUPLE_FRAME_OFFSET 23u /* Of the protocol, in an untagged frame. */

/* What rte_hash is asked for. */
struct group_key {
	uint32_t group_be;
	uint16_t port_be;
	uint16_t zero;
};
static_assert(sizeof(struct group_key) == 8, "no padding: all bytes are hashed");

#define TRUTH_UNKNOWN UINT32_MAX

/*
 * The packets are looked up in so many orders, one after another. Were it
 * always the same, the CPU would learn by heart which branches come next.
 */
#define ORDERS 16u
/*
 * Keys beside those of the packets: ready-made keys are looked up in one order, so have more. But
 * not those of rule files, which are looked up alone: parse leaves keys in the L1 cache, and so
 * many would come from far.
 */
#define KEYS_PER_PACKET 4u

/* One case. */
struct work {
	char name[64];
	uint32_t channels;        /* 0: the rules are a file's, and there are only keys. */
	struct fg_match *matches; /* [n_matches]; rule numbers rise with the index. */
	uint32_t n_matches;
	uint32_t n_keys;
	struct tuple *tuples; /* [n_keys], as are the others. */
	struct fg_key *keys;
	struct group_key *group_keys; /* NULL without channels. */
	uint32_t *truth;              /* Rule that wins, or TRUTH_UNKNOWN. */
	uint32_t n_packets;           /* Packet i has key i. */
	struct rte_mbuf **packets;    /* [n_packets]; NULL until work_fill_packets(). */
	struct rte_mbuf **pkts;       /* [ORDERS * n_packets]: all of them, ORDERS times. */
	uint32_t *pkt_keys;           /* Their keys' indices. */
};

/* How many lookups a pass has. */
static inline uint32_t work_count(const struct work *work, enum input input)
{
	return input == INPUT_PACKETS ? ORDERS * work->n_packets : work->n_keys;
}

/* The key of lookup @p i. */
static inline uint32_t work_key(const struct work *work, enum input input, uint32_t i)
{
	return input == INPUT_PACKETS ? work->pkt_keys[i] : i;
}

/* Room for so many rules and keys; 0 or -ENOMEM. work_free() frees it in any case. */
int work_allocate(struct work *work, uint32_t n_matches, uint32_t n_keys);

/* The rule of @p channel, as `{ipv4: {dst: GROUP}, udp: {dst: PORT}}` is compiled. */
void work_match_group(struct fg_match *match, uint32_t channel);

/* @p channels rules, @p packets packets, every MATCH_EVERY_NTH of which matches one. */
int work_make_groups(struct work *work, uint32_t channels, uint32_t packets,
		     struct fg_error *error);

/* The rules of a ClassBench file; keys from @p trace, @p n_keys at most, or, if it is empty,
 * drawn from the rules. */
int work_make_rules(struct work *work, const char *rules, const char *trace, uint32_t n_keys,
		    struct fg_error *error);

struct rte_mempool;

/* Make the packets of @p work; the EAL must be up. */
int work_fill_packets(struct work *work, struct rte_mempool *pool, struct fg_error *error);

void work_free(struct work *work);

/* The same numbers in every run. */
struct rng {
	uint64_t state;
};

uint32_t rng_below(struct rng *rng, uint32_t bound);

/* Where DPDK's memory comes from. */
struct memory {
	int socket_id; /* For tables and packets. */
};

/* Start the EAL, quietly, on one CPU; its memory is on small pages. */
int memory_open(struct memory *memory, struct fg_error *error);
/* From now on, a heap of its own, on huge pages if the kernel has them to give. */
int memory_add_heap(struct memory *memory, uint32_t packets, uint64_t tables_bytes,
		    struct fg_error *error);
struct rte_mempool *memory_pool(const struct memory *memory, uint32_t packets);
/* Allocated there, by whomever. */
uint64_t memory_used(const struct memory *memory);
void memory_close(void);

struct subject;

struct subject_kind {
	/* Build the table of @p work into subject->state: nothing else, its time is taken. */
	int (*build)(struct subject *subject, const struct work *work, int socket_id,
		     struct fg_error *error);
	/* Once built, before any measurement. May be NULL. */
	void (*tune)(struct subject *subject, const struct work *work);
	/*
	 * Answer for @p count packets or keys from @p first on; NULL if it cannot.
	 * @return the sum of the answers. Hot.
	 */
	uint64_t (*burst[INPUTS])(const struct subject *subject, const struct work *work,
				  uint32_t first, unsigned int count, uint32_t *rules);
	uint64_t (*bytes)(const struct subject *subject); /* NULL: as memory_used() grew. */
	void (*free)(struct subject *subject);
	bool answers;  /* Rules; else there is nothing to build and to compare. */
	bool may_fail; /* Is tried in a child first, and left out if that fails. */
};

struct subject {
	char name[48];
	const struct subject_kind *kind;
	const char *engine, *variant; /* Of a struct fg_table_conf. */
	enum fg_isa isa;              /* What variant stands for; set by build. */
	void *state;                  /* NULL: not built. */
};

extern const struct subject_kind subject_touch;
extern const struct subject_kind subject_feedgate;
extern const struct subject_kind subject_acl;
extern const struct subject_kind subject_hash;

/* One pass over all that is to be looked up. @return the sum of the answers. */
uint64_t classify_pass(const struct subject *subject, const struct work *work, enum input input);

/* The fastest of a few passes, ns. */
uint64_t classify_quickest(const struct subject *subject, const struct work *work,
			   enum input input);

/* What became of a build in a process of its own. */
struct probe {
	int rc;              /* 0, or -errno of the build; -EPROTO: it crashed. */
	uint64_t peak_bytes; /* Most that the build had at a time; 0: no build. */
	uint64_t heap_bytes; /* What the table keeps of DPDK's memory. */
	char reason[256];    /* If it failed. */
};

/*
 * Build @p subject's table in a child that may use so much memory and time.
 * To be called before the EAL is up. 0, or -errno with @p error set if there
 * is no child or we were interrupted.
 */
int classify_probe(const struct subject *subject, const struct work *work, struct probe *probe,
		   struct fg_error *error);

#endif /* CLASSIFY_H */
