/* SPDX-License-Identifier: MIT */
/* What is known of the benchmarks and their metrics. */
#include <string.h>

#include "report.h"

static const struct metric_info metrics[] = {
	{"drain_ns_per_packet", "Draining a full ring", BETTER_LOWER,
	 "The ring is filled while the reader sleeps, then drained: what the reading side alone "
	 "takes."},
	{"lossless_packets_per_s", "Highest rate without loss", BETTER_HIGHER,
	 "The sender gets faster and faster; this is the highest rate at which nothing was lost. "
	 "Where the sender "
	 "shares the machine with the reader, it is a limit of both together."},
	{"offered_packets_per_s", "Highest rate offered", BETTER_NEITHER,
	 "What the sender managed. A backend that loses nothing at this rate was not at its "
	 "limit."},
	{"cpu_ns_per_packet", "CPU time of a packet, live", BETTER_LOWER,
	 "What a packet takes of the reader's processor at a rate that all backends keep up with: "
	 "of "
	 "a backend that sleeps "
	 "all of its thread's time, of one that polls that of the polls which found something."},
	{"latency_ns_p50", "Latency, median", BETTER_LOWER,
	 "From sending to the reader's dispatch."},
	{"latency_ns_p99", "Latency, 99th percentile", BETTER_LOWER,
	 "One packet in a hundred takes longer from sending to the reader's dispatch."},
	{"latency_ns_p999", "Latency, 99.9th percentile", BETTER_LOWER,
	 "One packet in a thousand takes longer from sending to the reader's dispatch."},
	{"kernel_latency_ns_p50", "Latency since the kernel's stamp, median", BETTER_LOWER,
	 "From the kernel's receive stamp to dispatch, where the backend has that stamp."},
	{"kernel_latency_ns_p99", "Latency since the kernel's stamp, 99th percentile", BETTER_LOWER,
	 "From the kernel's receive stamp to dispatch, where the backend has that stamp."},
	{"kernel_latency_ns_p999", "Latency since the kernel's stamp, 99.9th percentile",
	 BETTER_LOWER,
	 "From the kernel's receive stamp to dispatch, where the backend has that stamp."},
	{"packets_per_s", "Rate", BETTER_HIGHER, "Packets received, judged and freed by one core."},
	{"ratio", "Rate against the peer's", BETTER_HIGHER, "Of the same turn."},
	{"ns_per_packet", "Time of a packet", BETTER_LOWER,
	 "From the packet to the rule that wins, or to the messages that are wanted. The subject "
	 "touch only reads what must be read: nobody can be faster."},
	{"lookup_ns_per_packet", "Look up alone", BETTER_LOWER, "With ready-made keys."},
	{"touch_ns_per_packet", "Only reading the packet", BETTER_LOWER, ""},
	{"touch_ratio", "Time against only reading the packet", BETTER_LOWER, ""},
	{"messages_per_s", "Messages", BETTER_HIGHER, "Messages walked over by one core."},
	{"entries_per_s", "Entries of messages", BETTER_HIGHER,
	 "Entries of repeating groups whose instrument one core looks up."},
	{"arbitration_ns_per_packet", "Arbitration", BETTER_LOWER,
	 "What judging a packet adds to reading its header."},
	{"build_ms", "Compiling the rules", BETTER_LOWER, ""},
	{"table_bytes", "Memory of the compiled rules", BETTER_LOWER, ""},
	{"build_peak_bytes", "Memory while compiling", BETTER_LOWER, ""},
};

struct metric_info metric_info(const char *name, const char *unit)
{
	const size_t length = strlen(unit);
	struct metric_info info = {name, NULL, BETTER_LOWER, ""};

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		if (strcmp(metrics[i].name, name) == 0)
			return metrics[i];
	if (length >= 2 && strcmp(unit + length - 2, "/s") == 0)
		info.better = BETTER_HIGHER;
	return info;
}

const char *bench_meaning(const char *name)
{
	if (strcmp(name, "capture") == 0)
		return "Every backend off the wire on the same work, over a pair of virtual "
		       "interfaces.";
	if (strcmp(name, "path") == 0)
		return "What one rx lcore takes from receive to drop, beside testpmd, which only "
		       "receives and frees.";
	if (strcmp(name, "classify") == 0)
		return "Which rule a packet falls to, by feedgate and its peers on the same rules "
		       "and packets.";
	if (strcmp(name, "feed") == 0)
		return "Which messages of a packet are wanted, beside a plain walk over them.";
	return NULL;
}

bool subject_is_floor(const char *name)
{
	return strcmp(name, "touch") == 0;
}
