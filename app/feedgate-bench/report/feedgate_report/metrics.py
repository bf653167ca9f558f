# SPDX-License-Identifier: MIT
"""The known benchmarks and metrics: titles, meanings, and which values are better."""
from dataclasses import dataclass

TO_BEFORE = "_to_before"
LOWER, HIGHER, NEITHER = "lower is better", "higher is better", "neither more nor less is better"
SINCE_KERNEL = "From the kernel's receive timestamp until the reader finished the burst, where the capture backend has that timestamp."


@dataclass(frozen=True)
class Metric:
    """What is known of a metric."""

    title: str
    better: str
    meaning: str = ""


METRICS = {
    "drain_ns_per_packet": Metric(
        "Draining a full ring", LOWER,
        "The ring is filled while the reader sleeps, then drained: the cost of the reading side alone."),
    "lossless_packets_per_s": Metric(
        "Highest rate without loss", HIGHER,
        "The sender increases its rate; this is the highest one without loss. Where the sender shares the machine with "
        "the reader, it is a limit of both together."),
    "offered_packets_per_s": Metric(
        "Highest rate offered", NEITHER,
        "The sender's highest rate. A capture backend that loses nothing at this rate was not at its limit."),
    "cpu_ns_per_packet": Metric(
        "CPU time per packet, live", LOWER,
        "The reader's CPU time per packet, at a rate that every capture backend keeps up with. Of a backend that "
        "sleeps, all of its thread's time counts; of one that polls, the time of the polls that found packets."),
    "latency_ns_p50": Metric("Latency, median", LOWER, "From sending until the reader finished the burst."),
    "latency_ns_p99": Metric(
        "Latency, 99th percentile", LOWER,
        "One packet in a hundred takes longer from sending until the reader finished the burst."),
    "latency_ns_p999": Metric(
        "Latency, 99.9th percentile", LOWER,
        "One packet in a thousand takes longer from sending until the reader finished the burst."),
    "kernel_latency_ns_p50": Metric("Latency since the kernel's timestamp, median", LOWER, SINCE_KERNEL),
    "kernel_latency_ns_p99": Metric("Latency since the kernel's timestamp, 99th percentile", LOWER, SINCE_KERNEL),
    "kernel_latency_ns_p999": Metric("Latency since the kernel's timestamp, 99.9th percentile", LOWER, SINCE_KERNEL),
    "packets_per_s": Metric("Packet rate", HIGHER, "Packets received, classified and freed."),
    "ratio": Metric("Rate relative to the peer's", HIGHER, "Both rates are of the same repeat."),
    "ns_per_packet": Metric(
        "Time per packet", LOWER,
        "From the packet to the rule that matches, or through the feed stage. The subject touch "
        "only reads the bytes that must be read: it is the floor."),
    "lookup_ns_per_packet": Metric("Lookup alone", LOWER, "With ready-made keys."),
    "touch_ns_per_packet": Metric("Only reading the packet", LOWER),
    "touch_ratio": Metric("Time relative to only reading the packet", LOWER),
    "messages_per_s": Metric("Message rate", HIGHER, "Messages in the packets."),
    "entries_per_s": Metric(
        "Entry rate", HIGHER, "Entries of repeating groups whose instrument one core looks up."),
    "arbitration_added_ns": Metric(
        "Arbitration", LOWER, "What arbitrating adds to the feed stage's time per packet. A duplicate saves its message filter."),
    "build_ms": Metric("Compiling the rules", LOWER),
    "table_bytes": Metric("Memory of the compiled rules", LOWER),
    "build_peak_bytes": Metric("Memory while compiling", LOWER),
}

BENCHES = {
    "capture": "Every capture backend on the same work, over a pair of virtual interfaces.",
    "path": "What one rx lcore takes from receive to drop, beside testpmd, which only receives and frees.",
    "classify": "Which rule a packet matches, by feedgate and its peers on the same rules and packets.",
    "feed": "The feed stage of each protocol, with and without arbitration, beside plain loops over the messages.",
    "pipeline": "The whole packet path in one process, from a replay at full speed to a sink that counts, and what "
                "each stage adds.",
}


def metric_of(name, unit):
    """The metric; of an unknown one the unit decides which values are better."""
    if name.endswith(TO_BEFORE):
        base = metric_of(name[:-len(TO_BEFORE)], unit)
        return Metric(f"{base.title}, relative to the build before", base.better, "Both values are of the same repeat.")
    return METRICS.get(name) or Metric(name, HIGHER if unit.endswith("/s") else LOWER)


def is_floor(subject):
    """Does the subject only show the lower bound, without the others' work?"""
    return subject == "touch"
