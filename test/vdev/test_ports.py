#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""DPDK ports that need no hardware: net_pcap as source and sink, net_ring, net_null, and no `sources` at all."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

NOISE = int(os.environ.get("FG_NOISE", "3000"))


def ethdevs(paths):
    """`sources` entries s0, s1, ... and the --vdev of each."""
    sources = {f"s{i}": f"{{name: s{i}, ethdev: net_pcap{i}, line: {'AB'[i % 2]}, mbufs: 16384}}" for i in range(len(paths))}
    return sources, [f"net_pcap{i},rx_pcap={path}" for i, path in enumerate(paths)]


def check_run(folder, template, files, workers):
    """As in test_replay.py, through DPDK's net_pcap driver."""
    sources, vdevs = ethdevs(files)
    # The driver does not wait for a sink: each sink may hold all packets.
    text = lib.fill(template, folder, sources.values()) + "pipeline: {sink_budget: 75}\n"
    packets = {name: oracle.read_capture(path)[1] for name, path in zip(sources, files)}
    expected = oracle.Expected(oracle.Rules(text), packets)
    result = lib.run_until(folder, text, expected.received, workers=workers, vdevs=vdevs)
    lib.check_counters(result, expected)
    for sink in {name for name, _ in expected.frames}:
        path = os.path.join(folder, sink + ".pcapng")
        if path in text:
            lib.check_file(path, sink, expected, times=False, ordered=workers < 2)


@lib.each(*[(name, i % 3) for i, name in enumerate(lib.rule_files())])
def test_net_pcap(folder, template, workers):
    """Frames of all shapes; the large ones come in several segments."""
    files = []
    for name, frames in (("whole", shapes.whole()), ("odd", shapes.odd()), ("cut", shapes.cut()),
                         ("noisy", shapes.noisy(NOISE)), ("jumbo", shapes.jumbo())):
        files.append(os.path.join(folder, name + ".pcap"))
        oracle.write_pcap(files[-1], frames)
    check_run(folder, template, files, workers)


@lib.each(0, 1)
def test_net_pcap_data(folder, workers):
    """The first frames of the test data."""
    packets = [p for p in lib.data_frames(most=500) if p.data and len(p.data) <= 9000]
    files = []
    for i in range(2):
        files.append(os.path.join(folder, f"part{i}.pcap"))
        oracle.write_pcap(files[-1], packets[i::2])
    check_run(folder, "overlap", files, workers)


@lib.each(0, 1)
def test_port_sink(folder, workers):
    """Sent out of a port, packets are what came in; one that also goes to a file is not harmed."""
    source, out = os.path.join(folder, "in.pcap"), os.path.join(folder, "out.pcap")
    frames = shapes.whole() + shapes.odd()
    oracle.write_pcap(source, frames)
    text = (f"sources:\n  - {{name: s0, replay: {source}}}\n"
            f"sinks:\n  - {{name: wire, port: net_pcap9}}\n  - {{name: copy, pcapng: {folder}/copy.pcapng}}\n"
            "rules:\n  - {name: udp, match: {udp: {}}, to: [wire, copy]}\n  - {name: tcp, match: {tcp: {}}, to: wire}\n")
    expected = oracle.Expected(oracle.Rules(text), {"s0": oracle.read_capture(source)[1]})
    result = lib.run(folder, text, workers=workers, vdevs=[f"net_pcap9,tx_pcap={out}"])
    lib.check_counters(result, expected)
    lib.check_file(os.path.join(folder, "copy.pcapng"), "copy", expected)
    lib.compare("wire", [p.data for p in oracle.read_capture(out)[1]],
                [p.data for p, _ in expected.frames["wire", "s0"]])


def test_no_sources(folder):
    """Without `sources` every port that EAL found is one."""
    files = []
    for i, frames in enumerate((shapes.whole(), shapes.odd())):
        files.append(os.path.join(folder, f"{i}.pcap"))
        oracle.write_pcap(files[-1], frames)
    _, vdevs = ethdevs(files)
    text = "sinks:\n  - {name: n, count: {}}\ndefault: {to: n}\n"
    total = sum(len(oracle.read_capture(path)[1]) for path in files)
    result = lib.run_until(folder, text, total, vdevs=vdevs)
    lib.check_done(result)
    assert result.summary["received"] == total and len(result.summary["sources"]) == 2, result.summary
    assert "net_pcap0" in result.summary["sources"], result.summary["sources"]


def test_null(folder):
    """A source that never runs dry, stopped in full flight: every packet is accounted for."""
    text = ("sources:\n  - {name: s0, ethdev: net_null0, mbufs: 2048}\nsinks:\n  - {name: n, count: {}}\n"
            "rules:\n  - {name: none, match: {udp: {}}, to: n}\n")
    for workers in (0, 1, 2):
        result = lib.run_until(folder, text, 10000, workers=workers, vdevs=["net_null0,size=64"])
        lib.check_done(result)


def test_full_flight(folder):
    """More than the disk can take: the rest is dropped, counted, and the file holds exactly what the sink says."""
    text = ("sources:\n  - {name: s0, ethdev: net_null0, mbufs: 4096}\n"
            f"sinks:\n  - {{name: disk, pcapng: {{path: {folder}/disk.pcapng, slots: 64}}}}\ndefault: {{to: disk}}\n")
    for workers in (0, 1):
        result = lib.run_until(folder, text, 5000, workers=workers, vdevs=["net_null0,size=64"])
        lib.check_done(result)
        found = len(oracle.read_capture(os.path.join(folder, "disk.pcapng"))[1])
        assert found == result.summary["sinks"]["disk"]["packets"] == result.summary["delivered"], (found, result.summary)


def test_queues(folder):
    """Several queues of one port on several lcores."""
    text = ("sources:\n  - {name: s0, ethdev: net_null0, queues: 2, mbufs: 8192}\n"
            "sinks:\n  - {name: n, count: {}}\ndefault: {to: n}\n")
    for workers, lcores in ((0, "0@0,1@0,2@1"), (1, "0@0,1@0,2@1,3@1")):
        result = lib.run_until(folder, text, 10000, workers=workers, vdevs=["net_null0"], eal=["--lcores", lcores])
        lib.check_done(result)


if __name__ == "__main__":
    lib.main()
