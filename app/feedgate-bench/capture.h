/* SPDX-License-Identifier: MIT */
/*
 * Parts of `capture`: the capture backends, the packets that are sent to them, and the two
 * measurements: drain and live.
 *
 * Each backend is measured by a process of its own, the measurer, in a network namespace of its
 * own. A second process, the sender, is in another namespace, at the far end of a pair of veth
 * interfaces. The kernel removes namespaces and interfaces when the processes end.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <fg_error.h>
#include <fg_parse.h>
#include <fg_stats.h>

#define CAPTURE_RULES        1000u
#define CAPTURE_CASES_MAX    8u
#define CAPTURE_BACKENDS_MAX 16u

/* Of the time of sending in the frame: CLOCK_REALTIME in ns, in the machine's byte order. */
#define STAMP_OFFSET 50u
#define STAMP_END    (STAMP_OFFSET + 8u)

#define INTERFACE_RECEIVE "fgbench-r"
#define INTERFACE_SEND    "fgbench-s"

struct capture_conf {
	uint64_t packets;
	uint64_t run_ms;
	uint64_t latency_pps;
	char *only;
	char *cases;
	char *live_cases;
};

/* The packets that are sent, and whether the reader looks them up in rules. */
struct capture_case {
	const char *name;
	uint32_t bytes;
	bool filter;
};

extern const struct capture_case capture_cases[CAPTURE_CASES_MAX];

enum capture_metric {
	METRIC_DRAIN,
	METRIC_LOSSLESS,
	METRIC_OFFERED,
	METRIC_CPU,
	METRIC_P50,
	METRIC_P99,
	METRIC_P999,
	METRIC_KERNEL_P50,
	METRIC_KERNEL_P99,
	METRIC_KERNEL_P999,
	METRICS,
};

/* ---- frames and filter: capture_frames.c ---- */

#define CAPTURE_FRAMES 4096u /* Different ones; every fourth goes to a group with a rule. */

/* Make all of them, of @p bytes each, without space between them. */
void frames_make(uint8_t *frames, uint32_t bytes);

/* How many of the first @p count frames match a rule. */
uint64_t frames_matching(uint64_t count);

/* Parses packets and looks them up, as feedgate's rx lcore does. */
struct filter {
	struct fg_table *table;
	struct fg_parse parse;
	struct fg_lcore_stats stats; /* Packets that parse drops are counted here. */
};

/* EAL must be up. */
int filter_open(struct filter *filter, struct fg_error *error);
void filter_close(struct filter *filter);

/* ---- namespaces: capture_net.c ---- */

/* May this process make namespaces? 0, or -errno with @p error set. */
int net_check(struct fg_error *error);
/* Move this process to a new network namespace without IPv6, which would send packets. */
int net_enter_own(struct fg_error *error);
/* Make a pair of interfaces, one here, one in the namespace of process @p peer. */
int net_make_pair(pid_t peer, struct fg_error *error);
int net_remove_pair(struct fg_error *error);
int net_set_up(const char *interface, struct fg_error *error);
/* Packets that the interface dropped before any backend saw them. */
int net_read_dropped(const char *interface, uint64_t *dropped, struct fg_error *error);
/* The processors of sender and reader; the same if there is one only. */
void net_processors(int *sender, int *reader);
int net_pin(int processor, struct fg_error *error);

/* ---- sender: capture_sender.c ---- */

struct sender_order {
	uint32_t frame_bytes;
	uint32_t burst; /* Packets sent at once, 1..SENDER_BURST_MAX. */
	uint64_t count;
	uint64_t pps;         /* 0: as fast as possible. */
	uint64_t duration_ns; /* The order ends after this time, if not earlier; 0: no limit. */
};
#define SENDER_BURST_MAX 64u

/* Shared by both processes. */
struct sender_view {
	/* The sender writes these before it sets done. */
	uint64_t sent;
	uint64_t refused; /* Packets that the interface did not accept. */
	uint64_t took_ns;
	int code; /* errno, 0 if it succeeded. */
	atomic_bool done;
};

struct sender {
	pid_t pid;
	int control; /* A socket: orders go out, a byte comes back after each. */
	struct sender_view *view;
};

/* Start the process, in a namespace of its own. */
int sender_start(struct sender *sender, struct fg_error *error);
/* Use the interfaces, which were just made. */
int sender_attach(struct sender *sender, struct fg_error *error);
/* Begin to send; view->done is set at the end. */
int sender_begin(struct sender *sender, const struct sender_order *order, struct fg_error *error);
/* Sleep until the order is done. */
int sender_wait(struct sender *sender, struct fg_error *error);

/* ---- backends: capture_backends.c ---- */

/* A setting of a source, as in a configuration file. */
struct setting {
	char name[32];
	char value[64];
};
#define SETTINGS_MAX 8u

struct reader;
struct reader_kind;

struct backend {
	const char *name;
	const struct reader_kind *reader;
	const char *kind;   /* Source: its name in fg_source_kinds[]. */
	const char *driver; /* Kind ethdev: the virtual device's driver. */
	/* Fill the source's settings and return how many there are. With a driver: fill the
	 * device's arguments and return 0. NULL: the interface is the only setting. */
	unsigned int (*settings)(const struct reader *reader, struct setting *settings,
				 char *arguments, size_t bytes);
	/* The most packets of @p frame_bytes that the ring can hold. NULL: as many as requested. */
	uint64_t (*holds)(uint32_t frame_bytes);
	bool silent; /* Does not count lost packets. */
};

extern const struct backend capture_backends[];
extern const unsigned int capture_n_backends;

/* ---- readers: capture_source.c, capture_peers.c ---- */

/* What a reader does with packets, or-ed. */
enum reading {
	READING_FILTERED = 1, /* Parse and look up. */
	READING_TIMED = 2,    /* Record latencies. */
	READINGS = 4,
};

/* Latencies, ns. */
struct times {
	uint32_t *ns;
	uint64_t count, max;
};

struct reader {
	const struct backend *backend;
	const struct capture_case *with;
	uint64_t ring_packets; /* Requested size of the ring. */
	struct filter *filter;
	void *state; /* Of the kind. */

	uint64_t packets;           /* Received. */
	uint64_t matched;           /* By a rule, if filtered. */
	struct times sent, stamped; /* Since sending; since the kernel's timestamp, if any. */
};

struct reader_kind {
	/* 0, or -errno with @p error set; then there is nothing to close. */
	int (*open)(struct reader *reader, struct fg_error *error);
	/* Receive a burst, process it as READING_* asks, free it. Does not block. @return packets.
	 * Hot. */
	unsigned int (*poll[READINGS])(struct reader *reader);
	/* Sleep until there are packets, for 10 ms at most. NULL: busy polling. */
	void (*wait)(struct reader *reader);
	/* Packets lost since open. */
	int (*lost)(struct reader *reader, uint64_t *lost, struct fg_error *error);
	/* -errno with @p error set if packets were not returned. */
	int (*close)(struct reader *reader, struct fg_error *error);
};

extern const struct reader_kind reader_source;
extern const struct reader_kind reader_libpcap;
extern const struct reader_kind reader_recvmmsg, reader_recvmmsg_cmsg;

static inline void times_record(struct times *times, uint64_t now_ns, uint64_t then_ns)
{
	const uint64_t ns = now_ns > then_ns ? now_ns - then_ns : 0;

	if (times->count < times->max)
		times->ns[times->count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/* CLOCK_REALTIME. */
uint64_t realtime_ns(void);

/* ---- measuring ---- */

/* The state of a measurer. */
struct measurer {
	const struct capture_conf *conf;
	const struct backend *backend;
	const char *case_name; /* Under way; NULL: none yet. */
	struct sender sender;
	struct filter filter;
	int report; /* Where samples go. */
	int log;    /* Where the output of libraries goes. */
};

/* What a measurer sends to the program: a value, or how the measurer ended. */
enum sample_kind {
	SAMPLE_VALUE,
	SAMPLE_UNAVAILABLE, /* The backend cannot be used here. */
	SAMPLE_FAILED,
	SAMPLE_DONE,
};

struct sample {
	enum sample_kind kind;
	uint32_t case_index;
	enum capture_metric metric;
	double value;
	char text[1200];
};

void measurer_value(const struct measurer *m, const struct capture_case *with,
		    enum capture_metric metric, double value);

/* Make the interfaces, and open a reader there. On error nothing is open. */
int measurer_open(struct measurer *m, struct reader *reader, const struct capture_case *with,
		  uint64_t ring_packets, struct fg_error *error);
int measurer_close(struct measurer *m, struct reader *reader, struct fg_error *error);

/*
 * Check that every packet that was sent since measurer_open() was received or counted as lost, and
 * that the rules matched as many packets as they should. To be called once, between orders.
 */
struct expected {
	uint64_t sent;     /* Packets that the sending interface accepted. */
	uint64_t matching; /* Those that match a rule; UINT64_MAX: unknown. */
};
int measurer_check(struct measurer *m, struct reader *reader, const struct expected *expected,
		   struct fg_error *error);

/* CPU time of this thread. */
uint64_t thread_ns(void);

int drain_measure(struct measurer *m, const struct capture_case *with, struct fg_error *error);
int live_measure(struct measurer *m, const struct capture_case *with, struct fg_error *error);

/* ---- the measurer's process: capture_measurer.c ---- */

/* What a measurer is to do. */
struct measurer_plan {
	const struct capture_conf *conf;
	const struct backend *backend;
	uint32_t drain, live; /* Cases: bits of capture_cases[]. */
	bool try_first;       /* Open the backend first, to find whether it is available. */
};

typedef void (*sample_taker)(void *arg, const struct sample *sample);

/*
 * Do @p plan in a process of its own and pass each sample to @p take. 0, or -errno with @p error
 * set: the process could not be started, died, took too long (-ETIMEDOUT) or we were interrupted
 * (-EINTR).
 */
int measurer_run(const struct measurer_plan *plan, sample_taker take, void *arg,
		 struct fg_error *error);

#endif /* CAPTURE_H */
