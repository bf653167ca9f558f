# SPDX-License-Identifier: MIT
"""Which capture backend to choose: what `capture` measured, beside what each backend requires of the machine."""
from dataclasses import dataclass

from . import text

OWN_PREFIX = "feedgate:"
PREFERRED_CASE = "128B"  # Packets of feeds are about that long.
ROWS_MAX = 48
KEEPS_PORT = 1  # The kernel goes on using the port.
NEEDS_LITTLE = 2  # One capability; nothing to load or to install.
WHOLE_PORT = 4


@dataclass(frozen=True)
class Backend:
    """A row of the table of requirements; the name is as in a configuration file, of ethdev with the driver."""

    name: str
    traits: int
    copies: str
    rights: str
    machine: str
    multicast: str


AS_PACKET_MMAP = "As packet_mmap."
BACKENDS = (
    Backend("packet_mmap", KEEPS_PORT | NEEDS_LITTLE,
            "One, by the kernel into the ring that feedgate reads; none after it.", "CAP_NET_RAW",
            "Any interface; any kernel since 3.2.", "The kernel joins: a socket on the port sends the IGMP report."),
    Backend("io_uring", KEEPS_PORT | NEEDS_LITTLE, "One, by the kernel into the packet's own buffer.",
            "CAP_NET_RAW; io_uring may be forbidden (kernel.io_uring_disabled, containers).",
            "Any interface; kernel 6.1 or later.", AS_PACKET_MMAP),
    Backend("pf_ring", KEEPS_PORT, "Two: by the kernel module into its ring, and out of it.",
            "CAP_NET_RAW; root to load the module.",
            "ntop's module, built for the running kernel, and libpfring. Its zero-copy drivers are licensed by port.",
            AS_PACKET_MMAP),
    Backend("af_xdp", KEEPS_PORT, "None with a driver that supports zero copy (i40e, ice, ixgbe, mlx5, ...), else one.",
            "CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON, or root; locked memory.",
            "Kernel 5.4 or later; the NIC's queues must be steered to the sockets.",
            "The kernel joins; redirected packets never reach its sockets, so IGMP queries must be let through."),
    Backend("ethdev-net_af_packet", KEEPS_PORT, "Two: into the ring, and out of it.", "CAP_NET_RAW", "Any interface.",
            AS_PACKET_MMAP),
    Backend("ethdev-net_pcap", KEEPS_PORT, "Two or more: libpcap's, and out of it.", "CAP_NET_RAW", "Any interface.",
            AS_PACKET_MMAP),
    Backend("ethdev-net_af_xdp", KEEPS_PORT, "As af_xdp, and one more if buffers cannot be shared.", "As af_xdp.",
            "As af_xdp.", "As af_xdp."),
    Backend("ethdev", WHOLE_PORT, "None: the NIC writes into feedgate's buffers.",
            "Root, or a user who may open the vfio group; huge pages.",
            "A NIC that DPDK has a driver for, bound to vfio-pci, and an IOMMU. The kernel loses the port (not "
            "with mlx5).",
            "Nobody joins for it: static groups on the switch, or a join through another port."),
    Backend("libpcap", KEEPS_PORT | NEEDS_LITTLE, "One or two; tcpdump receives this way.", "CAP_NET_RAW",
            "Any interface.", AS_PACKET_MMAP),
    Backend("recvmmsg", KEEPS_PORT | NEEDS_LITTLE, "One, and a socket buffer allocated and freed for each packet.",
            "CAP_NET_RAW", "Any interface.", AS_PACKET_MMAP),
)

# Metric, column head, and how the sentence about it begins; None: there is none.
COLUMNS = (
    ("drain_ns_per_packet", "Drain, ns/packet", "Lowest cost per packet on the reading core"),
    ("lossless_packets_per_s", "Lossless, packets/s", "Highest rate without loss"),
    ("cpu_ns_per_packet", "CPU, ns/packet", "Lowest CPU time per packet, live"),
    ("latency_ns_p50", "p50, ns", "Lowest median latency"),
    ("latency_ns_p99", "p99, ns", "Lowest 99th percentile of latency"),
    ("latency_ns_p999", "p99.9, ns", None),
)
FAVOURED = ((1, "the rate without loss"), (0, "the cost of a packet"), (4, "latency (p99)"))


def find_backend(subject):
    """The row of a subject: the longest name that it begins with, up to a separator."""
    subject = subject.removeprefix(OWN_PREFIX)

    def is_of(backend):
        # A driver that is not in the table is virtual: it has no port of its own.
        ends = ":, " if backend.traits & WHOLE_PORT else ":-, "
        rest = subject[len(backend.name):]
        return subject.startswith(backend.name) and (not rest or rest[0] in ends)

    return max(filter(is_of, BACKENDS), key=lambda backend: len(backend.name), default=None)


class Comparison:
    """What the page shows of `capture`, in one case."""

    def __init__(self, charts):
        self.case = next((c.name for chart in charts for c in chart.cases if c.name == PREFERRED_CASE),
                         charts[0].cases[0].name)
        self.rankings = [self._ranking(charts, metric) for metric, _, _ in COLUMNS]
        self.heads = [head for _, head, _ in COLUMNS]

    def _ranking(self, charts, metric):
        """The entries of a metric in that case, best first."""
        cases = (case for chart in charts if chart.name == metric for case in chart.cases)
        return next((case.entries for case in cases if case.name == self.case), [])

    def findings(self):
        """For each metric: the best, those that overlap with it, and the next."""
        for (_, _, sentence), ranking in zip(COLUMNS, self.rankings):
            if not ranking or sentence is None:
                continue
            best = ranking[0]
            after = next((i for i, entry in enumerate(ranking) if not best.overlaps(entry)), len(ranking))
            follower = ranking[after] if after < len(ranking) and best.value > 0 else None
            yield {"sentence": sentence, "best": best, "ties": ranking[1:after], "next": follower,
                   "next_ratio": text.ratio(follower.value, best.value) if follower else ""}

    def rows(self):
        """Each subject once, in the order of the first ranking that has it: its entry of each ranking, or None."""
        subjects = list(dict.fromkeys(entry.subject for ranking in self.rankings for entry in ranking))[:ROWS_MAX]
        for subject in subjects:
            cells = [next((entry for entry in ranking if entry.subject == subject), None) for ranking in self.rankings]
            marks = [entry is not None and entry.overlaps(ranking[0]) for entry, ranking in zip(cells, self.rankings)]
            colour = next(entry.colour for entry in cells if entry)
            yield {"subject": subject, "colour": colour, "cells": list(zip(cells, marks))}

    def favoured(self, traits):
        """Of feedgate's backends with these traits: [(subject, what it is best at)]."""
        best = {}
        for column, words in FAVOURED:
            for entry in self.rankings[column]:
                backend = find_backend(entry.subject)
                if entry.subject.startswith(OWN_PREFIX) and backend and backend.traits & traits == traits:
                    best.setdefault(entry.subject, []).append(words)
                    break
        return [(subject, ", ".join(words)) for subject, words in best.items()]

    def choices(self):
        """The measured backends for each answer to "how to choose", in the page's order."""
        return [self.favoured(traits) for traits in (WHOLE_PORT, KEEPS_PORT, KEEPS_PORT | NEEDS_LITTLE)]

    def requirements(self):
        """(backend, was it measured) for each row of the table."""
        measured = {find_backend(entry.subject) for ranking in self.rankings for entry in ranking}
        return [(backend, backend in measured) for backend in BACKENDS]


def compare(charts):
    """The comparison; None without results of `capture`."""
    capture = [chart for chart in charts if chart.bench == "capture"]
    return Comparison(capture) if capture else None
