#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real senders, real kernel interfaces: two namespaces, two veth pairs (lines A and B), feedgate on one side.

Expected: what the oracle and tcpdump's filter select of the packets that tcpdump saw on the same interface. AF_XDP takes
packets before tcpdump sees them: there tcpdump listens where they leave the sender.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402
from netlib import KINDS, LCORES, LINES, Net, as_shown, check_all, enter, sendable, sh  # noqa: E402


def run_over(net, folder, driver, template, send, counts, workers=0):
    """Run feedgate on r0 and r1 while send() runs on the other side: (rules, result, packets on the wire by source)."""
    kind = KINDS[driver]
    kind.check()
    text = lib.fill(template, folder, [kind.entry(i) for i in LINES])
    taps = [os.path.join(folder, f"wire{i}.pcap") for i in LINES]
    for i in LINES:
        net.listen_as(kind, i, taps[i])
    result = lib.run_until(folder, text, sum(counts), before=send, workers=workers, vdevs=kind.vdevs(), netns=net.recv,
                           eal=LCORES[workers])
    heard = net.hear(counts, taps)
    assert [len(packets) for packets in heard] == list(counts), f"tcpdump heard {[len(p) for p in heard]}, sent {counts}"
    wire = {f"s{i}": as_shown(kind, heard[i]) for i in LINES}
    return oracle.Rules(text), result, wire


@lib.once
@lib.each(*[(driver, name, i % 2) for driver in ("net_af_packet", "net_af_xdp") for i, name in
            enumerate(("overlap", "ports", "vlan", "ipv6", "ipv4", "lines", "fragments-first", "everything"))])
def test_tcpreplay(folder, driver, template, workers):
    """Frames of all shapes, replayed onto both lines."""
    parts = [sendable(shapes.whole() + shapes.noisy(200), KINDS[driver]),
             sendable(shapes.odd() + shapes.whole()[::3], KINDS[driver])]
    with Net() as net:
        def send():
            for i in LINES:
                path = os.path.join(folder, f"part{i}.pcap")
                oracle.write_pcap(path, parts[i])
                net.replay(i, path)
        rules, result, wire = run_over(net, folder, driver, template, send, [len(part) for part in parts], workers)
        check_all(folder, rules, result, wire, workers)
        left = sh("ip", "-d", "-n", net.recv, "link", "show", "r0").stdout
        assert "xdp" not in left, f"an XDP program was left behind: {left}"


@lib.once
@lib.each("net_af_packet", "net_af_xdp")
def test_multicast(folder, driver):
    """Ordinary programs that send UDP multicast by sockets: one process a line."""
    program = ("import socket,sys,time\n"
               "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
               "s.setsockopt(socket.IPPROTO_IP,socket.IP_MULTICAST_IF,socket.inet_aton(sys.argv[1]))\n"
               "s.setsockopt(socket.IPPROTO_IP,socket.IP_MULTICAST_TTL,4)\n"
               "for i in range(300):\n"
               "  s.sendto(b'%06d'%i,(('224.0.31.11',14320),('224.0.32.11',15320),('239.1.2.3',26477))[i%3])\n"
               "  time.sleep(0.001)\n")
    with Net() as net:
        def send():
            for i in LINES:
                sh(sys.executable, "-c", program, f"10.99.{i}.1", ns=net.send)
        rules, result, wire = run_over(net, folder, driver, "ports", send, [300, 300])
        check_all(folder, rules, result, wire)
        assert result.summary["rules"]["cme-a"]["packets"] == 200, result.summary["rules"]


@lib.once
def test_scapy(folder):
    """Packets that scapy sends, and their timestamps in UTC."""
    begin = time.time_ns()
    with Net() as net:
        def send():
            for i in LINES:
                path = os.path.join(folder, f"scapy{i}.pcap")
                oracle.write_pcap(path, sendable(shapes.whole(), KINDS["net_af_packet"])[:100])
                sh(sys.executable, "-c", "import sys\nfrom scapy.all import rdpcap,sendp\n"
                   "sendp(rdpcap(sys.argv[1]),iface=sys.argv[2],verbose=0)", path, f"t{i}", ns=net.send)
        rules, result, wire = run_over(net, folder, "net_af_packet", "everything", send, [100, 100], workers=1)
        check_all(folder, rules, result, wire, workers=1)
    times = [p.time_ns for p in oracle.read_capture(os.path.join(folder, "all.pcapng"))[1]]
    assert begin - 10**9 < min(times) and max(times) < time.time_ns() + 10**9, (begin, min(times), max(times))


@lib.once
@lib.each("net_af_packet", "net_af_xdp")
def test_data(folder, driver):
    """Packets of real feeds from the test data."""
    packets = [p.data for p in lib.data_frames("feeds", most=40)]
    packets = sendable(packets, KINDS[driver])[:2500]
    parts = [packets[::2], packets[1::2]]
    with Net() as net:
        def send():
            for i in LINES:
                path = os.path.join(folder, f"part{i}.pcap")
                oracle.write_pcap(path, parts[i])
                net.replay(i, path)
        rules, result, wire = run_over(net, folder, driver, "overlap", send, [len(part) for part in parts])
        check_all(folder, rules, result, wire)


def test_signal_under_traffic(folder):
    """SIGTERM under traffic: drained, flushed, balanced, exit 0."""
    text = lib.fill("everything", folder, [f"{{name: s{i}, ethdev: net_af_packet{i}, mbufs: 8192}}" for i in LINES])
    with Net() as net:
        part = os.path.join(folder, "part.pcap")
        oracle.write_pcap(part, sendable(shapes.whole(), KINDS["net_af_packet"]))
        path, summary = lib.write(folder, "rules.yaml", text), os.path.join(folder, "summary.json")
        process = lib.start(lib.command(path, summary, workers=1, args=["-i", "-a"], netns=net.recv, eal=LCORES[1],
                                        vdevs=[f"net_af_packet{i},iface=r{i}" for i in LINES]), stdin=subprocess.PIPE)
        sender = None
        try:
            lib.wait_for_prompt(process)
            sender = subprocess.Popen([*enter(net.send), "tcpreplay", "-q", "-i", "t0", "--pps", "20000",
                                       "--loop", "1000", part], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while lib.ask_received(process) < 3000 and process.poll() is None:
                time.sleep(0.05)
            process.terminate()
            result = lib.finish(process, summary)
        finally:
            if sender is not None:
                sender.terminate()
                sender.wait()
            if process.poll() is None:
                process.kill()
        lib.check_done(result)
        found = len(oracle.read_capture(os.path.join(folder, "all.pcapng"))[1])
        assert found == result.summary["sinks"]["all"]["packets"] >= 3000 * 0.9, (found, result.summary)


if __name__ == "__main__":
    lib.main()
