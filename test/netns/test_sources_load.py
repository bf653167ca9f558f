#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every kind of source on a kernel interface under traffic: links that go down, removed interfaces, full load.

Expected: each packet that the sender has sent was received or is counted as lost.
"""
import bisect
import json
import os
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
from netlib import (ALL, KINDS, LINES, Gate, Net, captured, check_sources, counted, inside, lost, number,  # noqa: E402
                    ordinary_multicast, sent, sh)


# --- removed interfaces -----------------------------------------------------------------------------------------


@lib.each(*[(name, 1) for name in ALL], *[(name, 2) for name in ALL if KINDS[name].fanout])
def test_link(folder, name, queues):
    """Under traffic an interface is set down and up, removed and created again. The other source continues."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        text = counted(kind.entry(i, queues=queues) for i in LINES)
        with Gate(net, folder, text, vdevs=kind.vdevs()) as gate:
            senders = [net.sender(i, "-r", 2000, "-f", 16) for i in LINES]
            try:
                check_comes(gate, "s0", "s1")
                gate.wait("r0 is up", lambda: link_of(gate, "s0") == "up")
                sh("ip", "-n", net.recv, "link", "set", "r0", "down")
                gate.wait("r0 is down", lambda: link_of(gate, "s0") == "down")
                check_comes(gate, "s1")
                sh("ip", "-n", net.recv, "link", "set", "r0", "up")
                gate.wait("r0 is up", lambda: link_of(gate, "s0") == "up")
                check_comes(gate, "s0", "s1")
                sh("ip", "-n", net.recv, "link", "del", "r0")
                gate.wait("r0 is gone", lambda: link_of(gate, "s0") == "gone")
                check_comes(gate, "s1")
                net.join(0)
                if kind.returns:
                    gate.wait("r0 is back", lambda: link_of(gate, "s0") == "up")
                    check_comes(gate, "s0", "s1")
                else:
                    check_comes(gate, "s1")
            finally:
                reports = [sent(sender, stop=True) for sender in senders]
            gate.settle(net, kind, 1)
            result = gate.quit()
    assert reports[0]["absent"] > 0 and reports[1]["absent"] == 0, reports
    check_sources(kind, result, s1=reports[1]["sent"])


def link_of(gate, source):
    """State of the link in `show sources`: up, down or gone."""
    return gate.row(source)["link"]


def check_comes(gate, *sources):
    """More packets arrive."""
    for source in sources:
        gate.wait_received(gate.received(source) + 200, source)


@lib.once
@lib.each(*ALL)
def test_removed_at_once(folder, name):
    """The interface is removed right after the start, and does not come back."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        text = counted(kind.entry(i) for i in LINES)
        with Gate(net, folder, text, vdevs=kind.vdevs()) as gate:
            sh("ip", "-n", net.recv, "link", "del", "r0")
            total = sent(net.sender(1, "-n", 1000, "-r", 5000))["sent"]
            gate.wait_accounted(kind, total, "s1")
            gate.wait("r0 is gone", lambda: link_of(gate, "s0") == "gone")
            result = gate.quit()
        check_sources(kind, result, s0=0, s1=total)


# --- full load --------------------------------------------------------------------------------------------------


@lib.each(*ALL)
def test_full_load(folder, name):
    """At the sender's full speed: each packet that the kernel accepted was received or is counted as lost."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        text = counted([kind.entry(0)])
        with Gate(net, folder, text, vdevs=kind.vdevs((0,))) as gate:
            report = sent(net.sender(0, "-t", 60 if lib.LONG else 2, "-f", 16))
            gate.settle(net, kind, 0)
            shown, arrived = gate.ask("show source s0"), net.arrived(0)
            result = gate.quit()
    check_conserved(kind, result, arrived, report, shown)


def check_conserved(kind, result, arrived, report, shown):
    """The counts of the sender, the interface and feedgate agree."""
    assert arrived == report["sent"], f"the sender sent {report}, the interface received {arrived}"
    source = result.summary["sources"]["s0"]
    print(f"{report}, {source}")
    total = source["received"] + lost(kind, source) + source.get("prefiltered", 0)
    assert total == arrived or (kind.blind and total < arrived), f"{arrived} on the interface, but {source}: {total - arrived:+}\n{shown}"
    assert source["received"] > 0


PREFILTERED = """sources: SOURCES
sinks:
  - {name: seen, count: {}}
rules:
  - {name: mine, match: {ipv4: {dst: 224.0.31.11}, udp: {dst: 14320}}, to: seen}
"""


BLAMED = """sources: SOURCES
sinks:
  - {name: seen, count: {}}
feeds:
  - {name: f, protocol: moldudp64, arbitrate: true, gap_timeout_ms: 10}
rules:
  - {name: mine, match: {udp: {dst: 26477}}, feed: f, to: seen}
events: {path: EVENTS}
"""


def mold_frame(sequence):
    """Ethernet, IPv4, UDP without a checksum, MoldUDP64 with one message of 40 bytes."""
    payload = b"SESSION001" + struct.pack(">QHH", sequence, 1, 40) + bytes(40)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 4, 17, 0, bytes((10, 0, 0, 1)), bytes((239, 1, 2, 3)))
    total = sum(struct.unpack(">10H", ip))
    ip = ip[:10] + struct.pack(">H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + ip[12:]
    return bytes.fromhex("01005e0102030200000000010800") + ip + struct.pack(">HHHH", 1024, 26477, 8 + len(payload), 0) + payload


def flood(net, i, frames):
    """Send frames to line i at full speed, past the queueing discipline."""
    with inside(net.send):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.setsockopt(263, 20, 1)  # SOL_PACKET, PACKET_QDISC_BYPASS
    sender.bind((f"t{i}", 0))
    for frame in frames:
        sender.send(frame)
    sender.close()


@lib.each(*[(name, how) for name in ALL for how in ("overrun", "network")])
def test_blame(folder, name, how):
    """feedgate does not read while thousands of packets come; or the sender leaves out numbers. Who is to blame?"""
    kind = KINDS[name]
    kind.check()
    events = os.path.join(folder, "events.json")
    begin, many, end = 100, 20000, 200
    with Net() as net:
        source = kind.entry(0, kind.small if how == "overrun" else "")
        text = BLAMED.replace("SOURCES", f"\n  - {source}").replace("EVENTS", events)
        with Gate(net, folder, text, vdevs=kind.vdevs((0,))) as gate:
            net.inject(0, [mold_frame(n) for n in range(1, begin)])
            gate.wait("the first came", lambda: gate.received("s0") > 0)
            time.sleep(0.5)  # Losses are sampled five times a second.
            if how == "overrun":
                frames = [mold_frame(n) for n in range(begin, begin + many)]
                gate.process.send_signal(signal.SIGSTOP)
                flood(net, 0, frames)
                gate.process.send_signal(signal.SIGCONT)
                gate.settle(net, kind, 0, waiting=True)
            net.inject(0, [mold_frame(n) for n in range(begin + many, begin + many + end)])
            gate.settle(net, kind, 0, waiting=True)
            time.sleep(0.5)
            shown, arrived = gate.ask("show source s0"), net.arrived(0)
            result = gate.quit()
    check_conserved(kind, result, arrived, {"sent": begin - 1 + end + (many if how == "overrun" else 0)}, shown)
    with open(events, encoding="utf-8") as file:
        gaps = [event for event in map(json.loads, file) if "blame" in event]
    blames = {event["blame"] for event in gaps}
    assert gaps, "no gap was reported"
    if how == "overrun":
        assert arrived > result.summary["sources"]["s0"]["received"], f"nothing was lost: {result.summary}"
    if how == "network" and kind.shallow:
        assert blames <= {"network", "nic"}, gaps
    elif how == "network" or kind.blind:
        assert blames == {"unknown" if kind.blind else "network"}, gaps
    else:
        assert blames == {"nic"} and all(event["lost"]["nic"] > 0 for event in gaps), gaps
    for event in gaps:
        assert (event["lost"]["nic"] is None) == (kind.blind and event["blame"] == "unknown"), event


def test_prefiltered_load(folder):
    """Full load of packets that no rule matches: the XDP program drops them, and only matching packets arrive."""
    kind, matching = KINDS["af_xdp"], 300
    kind.check()
    with Net() as net:
        source = kind.entry(0, "prefilter: rules")
        with Gate(net, folder, PREFILTERED.replace("SOURCES", f"\n  - {source}")) as gate:
            load = net.sender(0, "-t", 2)
            ordinary_multicast(net, 0, matching, ("224.0.31.11", 14320))
            report = sent(load)
            gate.settle(net, kind, 0)
            shown, arrived = gate.ask("show source s0"), net.arrived(0)
            result = gate.quit()
    check_conserved(kind, result, arrived, {"sent": report["sent"] + matching}, shown)
    assert result.summary["sources"]["s0"]["prefiltered"] == report["sent"], f"{result.summary['sources']}, {report}\n{shown}"
    assert result.summary["rules"]["mine"]["packets"] == matching - result.summary["sources"]["s0"]["lost"], result.summary


@lib.each(*[(name, "") for name in ALL], ("packet_mmap", "hold: drop"), ("packet_mmap", "copy_below: 65535"))
def test_slow_sink(folder, name, options):
    """A sink that blocks for a while, so that packets are held for long, and then continues."""
    kind = KINDS[name]
    kind.check()
    fifo, before, after = os.path.join(folder, "all.pcapng"), 1.0, 2000
    os.mkfifo(fifo)
    hold, read = threading.Event(), []
    with Net() as net:
        text = lib.fill("everything", folder, [kind.entry(0, options)])
        reader = threading.Thread(target=read_slowly, args=(fifo, hold, read))
        reader.start()
        try:
            with Gate(net, folder, text, vdevs=kind.vdevs((0,))) as gate:
                report = sent(net.sender(0, "-t", before, "-s", 600))
                gate.settle(net, kind, 0, waiting=True)
                hold.set()
                gate.wait("the pipe was read", lambda: read_so_far(read) > 0)
                gate.settle(net, kind, 0)
                last = sent(net.sender(0, "-n", after, "-r", 4000, "-q", report["sent"]))
                gate.settle(net, kind, 0)
                shown, arrived = gate.ask("show source s0"), net.arrived(0)
                result = gate.quit()
        finally:
            hold.set()
            reader.join()
    report["sent"] += last["sent"]
    check_conserved(kind, result, arrived, report, shown)
    path = os.path.join(folder, "read.pcapng")
    with open(path, "wb") as file:
        file.writelines(read)
    numbers = [number(p.data) for p in captured(path, "s0")]
    assert len(numbers) == result.summary["sinks"]["all"]["packets"], (len(numbers), result.summary["sinks"])
    assert all(a < b for a, b in zip(numbers, numbers[1:])), "out of order or twice"
    late = len(numbers) - bisect.bisect_left(numbers, report["sent"] - after)
    assert late >= after // (10 if kind.shallow or kind.blind else 2), f"after the slow phase only {late} of {after} came"


def read_slowly(fifo, hold, read):
    """Read nothing until @hold is set, then everything."""
    with open(fifo, "rb", buffering=0) as pipe:
        hold.wait(lib.TIMEOUT_S)
        while data := pipe.read(1 << 16):
            read.append(data)


def read_so_far(read):
    """Number of bytes read."""
    return sum(map(len, read))


if __name__ == "__main__":
    lib.main()
