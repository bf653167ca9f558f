#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every kind of source on a kernel interface, packet for packet against tcpdump: veth pairs between two namespaces.

Frames of every shape and size, oversized packets, and several queues on one interface.
"""
import os
import re
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402
from netlib import (ALL, GROUP, KINDS, LCORES, LINES, PATIENCE_S, PORT, Gate, Net, as_shown, captured, check_all,  # noqa: E402
                    counted, inside, lost, number, ordinary_multicast, sendable, sent, sh)

NEAR_NS = 50_000_000  # between the timestamps that the kernel gives one packet for two sockets

# --- packet for packet ------------------------------------------------------------------------------------------


def smallest():
    """Frames that end with their Ethernet header, or a few bytes later."""
    link = bytes.fromhex("01005e010203") + bytes.fromhex("020000000001")
    return [link + b"\x88\xb5" + bytes(n) for n in (0, 1, 5, 45, 46)]


def largest():
    """The longest frames for an MTU of 1500. One 802.1Q tag does not count, other tags do."""
    rest = shapes.datagram(GROUP, PORT)
    frames = []
    for tags, size in ((b"", 1514), (b"\x81\x00\x00\x64", 1518), (b"\x88\xa8\x00\x64", 1514),
                       (b"\x88\xa8\x00\x64\x81\x00\x00\xc8", 1514)):
        frame = rest[:12] + tags + rest[12:]
        frames.append(frame + bytes(size - len(frame)))
    return frames


def check_times(folder, kind, wire, begin, end):
    """Each source's timestamps are in order, within the time of sending, and the kernel's if the kind is timed."""
    for source, packets in wire.items():
        found = captured(os.path.join(folder, "all.pcapng"), source)
        times = [p.time_ns for p in found]
        assert times == sorted(times), f"{source}: its clock runs backwards"
        assert begin <= times[0] and times[-1] <= end, f"{source}: {times[0]} to {times[-1]}, sent {begin} to {end}"
        if not kind.timed:
            continue
        # Packets that the parser dropped are in the wire's list only.
        stamps = iter(packets)
        for p in found:
            theirs = next(w for w in stamps if w.data == p.data)
            assert abs(theirs.time_ns - p.time_ns) < NEAR_NS, f"{source}: {p.time_ns}, tcpdump {theirs.time_ns}"


@lib.each(*ALL)
def test_packets(folder, name):
    """Frames of every shape, and packets of ordinary sockets: contents, order, length and time of each."""
    kind = KINDS[name]
    kind.check()
    parts = [sendable(shapes.whole()[::2] + shapes.noisy(200) + shapes.odd(), kind),
             sendable(shapes.whole()[1::2] + shapes.odd()[::5], kind) + smallest() + largest()]
    multicast = 100
    with Net() as net:
        taps = [os.path.join(folder, f"wire{i}.pcap") for i in LINES]
        for i in LINES:
            net.listen_as(kind, i, taps[i])
        text = lib.fill("everything", folder, [kind.entry(i) for i in LINES])
        with Gate(net, folder, text, vdevs=kind.vdevs()) as gate:
            begin = time.time_ns()
            for i in LINES:
                net.inject(i, parts[i])
                ordinary_multicast(net, i, multicast)
            counts = [len(part) + multicast for part in parts]
            gate.wait("all came", lambda: gate.accounted("s0", "s1") >= sum(counts))
            end = time.time_ns()
            result = gate.quit()
        heard = net.hear(counts, taps)
        assert [len(packets) for packets in heard] == counts, f"tcpdump heard {[len(p) for p in heard]}, sent {counts}"
        wire = {f"s{i}": as_shown(kind, heard[i]) for i in LINES}
        if kind.shallow and any(source["lost_counted"] for source in result.summary["sources"].values()):
            check_most(folder, wire, result.summary)
        else:
            check_all(folder, oracle.Rules(text), result, wire)
        check_times(folder, kind, wire, begin, end)
        left = sh("ip", "-d", "-n", net.recv, "link", "show").stdout
        assert "xdp" not in left and "PROMISC" not in left, f"left behind: {left}"


def check_most(folder, wire, summary):
    """The received packets were on the wire in this order, and the others are counted."""
    missing = sum(len(check_part(folder, source, packets)) for source, packets in wire.items())
    lost = sum(source["lost_counted"] for source in summary["sources"].values())
    assert missing == lost + sum(summary["dropped"].values()), f"{missing} missing: {summary}"


def check_part(folder, source, wire):
    """A source's packets were on the wire, in this order, and are whole. Returns the sizes of those missing."""
    found, missing, at = captured(os.path.join(folder, "all.pcapng"), source), [], 0
    for packet in wire:
        if at < len(found) and found[at].data == packet.data:
            assert found[at].wire_len == len(packet.data), f"{source}: {found[at].wire_len}, {len(packet.data)} on the wire"
            at += 1
        else:
            missing.append(len(packet.data))
    assert at == len(found), f"{source}: a packet of {len(found[at].data)} bytes was never on the wire; missing {missing}"
    return missing


# --- oversized packets ------------------------------------------------------------------------------------------


def send_jumbo(net, i):
    """Send frames up to the limit of an MTU of 9000."""
    net.inject(i, [bytes(shapes.Ether(dst="01:00:5e:01:02:03", src=shapes.SENDER) / shapes.IP(src="10.0.0.1", dst=GROUP)
                         / shapes.UDP(sport=n, dport=PORT) / bytes(size - 42))
                   for n, size in enumerate((1514, 1515, 2000, 2048, 2049, 3520, 4096, 4097, 8192, 9000, 9014) * 3)])


def send_segmented(net, i):
    """Send UDP with segmentation offload: up to 64 KiB that cross a veth unsegmented."""
    with inside(net.send):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(f"10.99.{i}.1"))
    sender.setsockopt(socket.IPPROTO_UDP, 103, 1400)  # UDP_SEGMENT
    for n, size in enumerate((2800, 4200, 15000, 33000, 44800, 60000) * 3):
        sender.sendto(struct.pack(">Q", n) + bytes(size - 8), (GROUP, PORT))
        time.sleep(0.002)
    sender.close()


def send_stream(net, i):
    """Send a TCP stream to the other namespace, with segments as large as offload makes them."""
    net.answer(i)
    with inside(net.recv):
        listener = socket.create_server((f"10.99.{i}.2", 7000))

    def swallow():
        peer, _ = listener.accept()
        while peer.recv(1 << 20):
            pass
        peer.close()
    reader = threading.Thread(target=swallow)
    reader.start()
    with inside(net.send):
        client = socket.socket()
    client.connect((f"10.99.{i}.2", 7000))
    for n in range(16):
        client.sendall(struct.pack(">Q", n) * 8192)
        time.sleep(0.005)
    client.close()
    reader.join()
    listener.close()
    deadline = time.monotonic() + PATIENCE_S
    while connections(net.recv) and time.monotonic() < deadline:  # both ends still send packets
        time.sleep(0.05)


def connections(ns):
    """TCP connections in a namespace that have not ended."""
    with inside(ns), open("/proc/thread-self/net/tcp", encoding="ascii") as file:
        return file.read().splitlines()[1:]


@lib.each(*[(name, options) for name in ALL for options in sorted({"", KINDS[name].whole or ""})],
          ("packet_mmap", "copy_below: 65535"))
def test_oversized(folder, name, options):
    """Jumbo frames and unsegmented packets are received whole or counted as lost, never truncated."""
    kind = KINDS[name]
    kind.check()
    with Net(mtu=9000 if kind.jumbo else 1500) as net:
        taps = [os.path.join(folder, f"wire{i}.pcap") for i in LINES]
        for i in LINES:
            net.listen_as(kind, i, taps[i])
        text = lib.fill("everything", folder, [kind.entry(i, options, mbufs=2600) for i in LINES]) + "pipeline: {sink_budget: 75}\n"
        with Gate(net, folder, text, vdevs=kind.vdevs()) as gate:
            send_segmented(net, 0)
            if kind.jumbo:
                send_jumbo(net, 1)
            if not kind.before_tap:
                send_stream(net, 1)
            gate.settle(net, kind, *LINES)
            shown = "".join(gate.ask(f"show source s{i}") for i in LINES)
            result = gate.quit()
        sources = [result.summary["sources"][f"s{i}"] for i in LINES]
        heard = net.hear([source["received"] + lost(kind, source) for source in sources], taps)
    assert heard[0] and (heard[1] or not kind.jumbo), "tcpdump heard nothing"
    missing = [check_part(folder, f"s{i}", as_shown(kind, heard[i])) for i in LINES]
    losses = [lost(kind, source) for source in sources]
    dropped = {reason: n for reason, n in result.summary["dropped"].items() if n}
    said = f"{[len(packets) for packets in heard]} sent, missing {missing}, lost {losses}, dropped {dropped}\n{shown}"
    print(said)
    if kind.cuts:
        known = sum(losses) + dropped.get("truncated", 0)
        assert sum(map(len, missing)) == known or (kind.blind and sum(map(len, missing)) > known), said
    else:
        assert not dropped and [len(sizes) for sizes in missing] == losses, said
        assert missing == [[], []] or options != kind.whole, said


# --- checksums --------------------------------------------------------------------------------------------------


def udp_frame(n, damage):
    """A frame of an Ethernet with right checksums (scapy's), or with one byte of its payload changed later."""
    from scapy.all import Ether, IP, UDP, Raw  # pylint: disable=import-outside-toplevel
    frame = bytearray(bytes(Ether(dst="01:00:5e:01:02:03", src="02:00:00:00:00:01") / IP(dst=GROUP, src="10.99.0.1", ttl=3)
                            / UDP(sport=1024 + n, dport=PORT) / Raw(bytes(range(n, n + 40)))))
    if damage:
        frame[42 + n % 40] ^= 0x10
    return bytes(frame)


@lib.each(*[(name, mode) for name in ALL for mode in ("verify", "nic")])
def test_checksums(folder, name, mode):
    """Damaged frames are dropped; packets whose checksum the kernel left to a card that does not exist are not."""
    kind = KINDS[name]
    kind.check()
    good, damaged, uncomputed = 20, 30, 40
    with Net() as net:
        text = counted([kind.entry(0)]) + f"parse: {{checksums: {mode}}}\n"
        with Gate(net, folder, text, vdevs=kind.vdevs((0,))) as gate:
            net.inject(0, [udp_frame(n, False) for n in range(good)] + [udp_frame(n, True) for n in range(damaged)])
            ordinary_multicast(net, 0, uncomputed)
            gate.wait("all came", lambda: gate.accounted("s0") >= good + damaged + uncomputed)
            result = gate.quit()
    dropped = {reason: n for reason, n in result.summary["dropped"].items() if n}
    expected = (damaged, good + uncomputed) if mode == "verify" else (0, good + damaged + uncomputed)
    found = (dropped.pop("bad_checksum", 0), result.summary["delivered"])
    assert not dropped, dropped
    lacking = [right - got for right, got in zip(expected, found)]
    assert lacking == [0, 0] or (kind.shallow and min(lacking) >= 0), f"{found}, expected {expected}: {result.summary}"
    assert sum(lacking) == lost(kind, result.summary["sources"]["s0"]), result.summary


# --- several queues ---------------------------------------------------------------------------------------------


@lib.each(*[(name, how) for name in ALL if KINDS[name].fanout for how in ("hash", "lb")])
def test_fanout(folder, name, how):
    """Two queues of one interface, each on an lcore: together they receive every packet once."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        text = lib.fill("everything", folder, [kind.entry(0, f"fanout: {how}", queues=2)])
        with Gate(net, folder, text, eal=LCORES[1]) as gate:
            total = sent(net.sender(0, "-n", 10000, "-r", 20000, "-f", 64))["sent"]
            gate.wait_accounted(kind, total, "s0")
            shares = [int(n.replace(",", "")) for n in re.findall(r"^ *\d+ +rx +\d+ +([\d,]+)", gate.ask("show lcores"), re.M)]
            result = gate.quit()
    assert len(shares) == 2 and min(shares) > total / 10, f"the queues' shares: {shares}"
    source = result.summary["sources"]["s0"]
    numbers = [number(p.data) for p in captured(os.path.join(folder, "all.pcapng"), "s0")]
    assert len(set(numbers)) == len(numbers) == sum(shares) == source["received"] == total - lost(kind, source), (shares, source)
    assert set(numbers) <= set(range(total))
    if how == "hash":
        for flow in range(64):
            mine = [n for n in numbers if n % 64 == flow]
            assert mine == sorted(mine), f"flow {flow} is out of order"


if __name__ == "__main__":
    lib.main()
