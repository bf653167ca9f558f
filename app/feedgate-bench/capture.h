/* SPDX-License-Identifier: MIT */
/*
 * Parts of `capture`: the backends that packets can take off an interface, what is
 * sent to them, and the two ways to measure them (drain, live).
 *
 * Each backend is measured in a process of its own, a measurer, in a network
 * namespace of its own. It has a sender, a process in another namespace, at the
 * far end of a pair of veth interfaces. Namespaces and interfaces are gone when
 * their processes are.
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

/* In the UDP payload: when the packet was sent, CLOCK_REALTIME in ns, in the machine's order. */
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

/* What is sent, and what is done with it. */
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

#define CAPTURE_FRAMES 4096u /* Different ones; every fourth is sent to a channel with a rule. */

/* Make all of them, of so many bytes each, one behind the other. */
void frames_make(uint8_t *frames, uint32_t bytes);

/* How many of the first @p count frames match a rule. */
uint64_t frames_matching(uint64_t count);

/* Parse and look up, as on feedgate's rx lcore. */
struct filter {
	struct fg_table *table;
	struct fg_parse parse;
	struct fg_lcore_stats stats; /* What parse refuses is counted here. */
};

/* EAL must be up. */
int filter_open(struct filter *filter, struct fg_error *error);
void filter_close(struct filter *filter);

/* ---- namespaces: capture_net.c ---- */

/* May this process make namespaces? 0, or -errno with @p error set. */
int net_check(struct fg_error *error);
/* Leave for a new network namespace, where IPv6 is off: it would send by itself. */
int net_enter_own(struct fg_error *error);
/* A pair of interfaces, one here, one in the namespace of @p peer. */
int net_make_pair(pid_t peer, struct fg_error *error);
int net_remove_pair(struct fg_error *error);
int net_set_up(const char *interface, struct fg_error *error);
/* What the interface of this namespace dropped before any backend saw it. */
int net_read_dropped(const char *interface, uint64_t *dropped, struct fg_error *error);
/* Processors that the two sides run on; the same if there is but one. */
void net_processors(int *sender, int *reader);
int net_pin(int processor, struct fg_error *error);

/* ---- sender: capture_sender.c ---- */

struct sender_order {
	uint32_t frame_bytes;
	uint32_t burst; /* Packets sent at once, 1..SENDER_BURST_MAX. */
	uint64_t count;
	uint64_t pps;         /* 0: as fast as it can. */
	uint64_t duration_ns; /* Ends earlier when so much time has passed; 0: does not. */
};
#define SENDER_BURST_MAX 64u

/* Seen by both processes. */
struct sender_view {
	/* Written by the sender before it says that it is done. */
	uint64_t sent;
	uint64_t refused; /* Given to the interface, but not taken. */
	uint64_t took_ns;
	int code; /* errno, if it failed. */
	atomic_bool done;
};

struct sender {
	pid_t pid;
	int control; /* Orders out, a byte back when one is carried out. */
	struct sender_view *view;
};

/* Fork it, into a namespace of its own. */
int sender_start(struct sender *sender, struct fg_error *error);
/* The interfaces were made (again): use them. */
int sender_attach(struct sender *sender, struct fg_error *error);
/* Begin to send; view->done says when it is over. */
int sender_begin(struct sender *sender, const struct sender_order *order, struct fg_error *error);
/* Sleep until it is over. */
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
	/* @return how many were filled; or, with a driver, 0 and the device's arguments. NULL: just
	 * the interface. */
	unsigned int (*settings)(const struct reader *reader, struct setting *settings,
				 char *arguments, size_t bytes);
	/* How many packets of so many bytes wait in the ring at most, whatever is asked for; 0:
	 * as many as asked for. */
	uint64_t (*holds)(uint32_t frame_bytes);
	bool silent; /* Does not count what it loses. */
};

extern const struct backend capture_backends[];
extern const unsigned int capture_n_backends;

/* ---- readers: capture_source.c, capture_peers.c ---- */

/* What a reader does with packets, or-ed. */
enum reading {
	READING_FILTERED = 1, /* Parse and look up. */
	READING_TIMED = 2,    /* Note latencies. */
	READINGS = 4,
};

/* Latencies, ns. */
struct times {
	uint32_t *ns;
	uint64_t count, most;
};

struct reader {
	const struct backend *backend;
	const struct capture_case *with;
	uint64_t ring_packets; /* That the ring is to hold, if it can. */
	struct filter *filter;
	void *state; /* The kind's own. */

	uint64_t packets;           /* Received. */
	uint64_t matched;           /* By rules, if filtered. */
	struct times sent, stamped; /* Since sent; since the kernel's stamp, where there is one. */
};

struct reader_kind {
	/* 0 or -errno; then nothing is left to close. */
	int (*open)(struct reader *reader, struct fg_error *error);
	/* Take a burst, do what is to be done, give it back. Does not block. @return packets. Hot.
	 */
	unsigned int (*poll[READINGS])(struct reader *reader);
	/* Sleep until there is something, for 10 ms at most. NULL: polled all the time. */
	void (*wait)(struct reader *reader);
	/* Packets lost, since open. */
	int (*lost)(struct reader *reader, uint64_t *lost, struct fg_error *error);
	/* -errno with @p error set if anything was left behind. */
	int (*close)(struct reader *reader, struct fg_error *error);
};

extern const struct reader_kind reader_source;
extern const struct reader_kind reader_libpcap;
extern const struct reader_kind reader_recvmmsg, reader_recvmmsg_noted;

static inline void times_note(struct times *times, uint64_t now_ns, uint64_t then_ns)
{
	const uint64_t ns = now_ns > then_ns ? now_ns - then_ns : 0;

	if (times->count < times->most)
		times->ns[times->count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/* CLOCK_REALTIME. */
uint64_t realtime_ns(void);

/* ---- measuring ---- */

/* What a measurer has. */
struct measurer {
	const struct capture_conf *conf;
	const struct backend *backend;
	const char *at; /* The case that it is at; NULL: none yet. */
	struct sender sender;
	struct filter filter;
	int report; /* Where samples go. */
	int words;  /* Where the libraries' output goes. */
};

/* A value, or how it ended, from a measurer to the program. */
enum sample_kind {
	SAMPLE_VALUE,
	SAMPLE_UNAVAILABLE, /* The backend cannot be taken here. */
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

/* Interfaces, and a reader on them that receives. On error nothing is open. */
int measurer_open(struct measurer *m, struct reader *reader, const struct capture_case *with,
		  uint64_t ring_packets, struct fg_error *error);
int measurer_close(struct measurer *m, struct reader *reader, struct fg_error *error);

/*
 * Was every packet that the kernel took received, or counted as lost? And did rules match what
 * they should? For all that was sent since measurer_open(), in whole orders. To be asked once.
 */
struct ledger {
	uint64_t sent;     /* Taken by the sending interface. */
	uint64_t matching; /* Of those; UINT64_MAX: not known. */
};
int measurer_check(struct measurer *m, struct reader *reader, const struct ledger *ledger,
		   struct fg_error *error);

/* The time this thread has had on the processor. */
uint64_t thread_ns(void);

int drain_measure(struct measurer *m, const struct capture_case *with, struct fg_error *error);
int live_measure(struct measurer *m, const struct capture_case *with, struct fg_error *error);

/* ---- the measurer's process: capture_measurer.c ---- */

/* What became of one. */
typedef void (*sample_taker)(void *arg, const struct sample *sample);
/*
 * Measure @p backend in a process of its own: @p drain and @p live are bits of capture_cases[].
 * Each sample is given to @p take. 0, or -errno with @p error set if there was no such process,
 * it died, took too long, or we were interrupted.
 */
int measurer_run(const struct capture_conf *conf, const struct backend *backend, uint32_t drain,
		 uint32_t live, sample_taker take, void *arg, struct fg_error *error);

#endif /* CAPTURE_H */
