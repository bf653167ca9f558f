#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""DPDK drivers that join processes or programs of this machine: net_memif, net_vhost with net_virtio_user, net_tap, and
net_af_packet with several queues. Who sends is another process: feedgate replaying a file, dpdk-testpmd, or a raw socket.

net_pcap and net_null: test_ports.py. Kernel interfaces: test/netns.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "netns")]
import lib  # noqa: E402
import netlib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

# Whoever listens, and whoever connects; both hold more than is sent at once.
PAIRS = {
    "memif": ("net_memif0,role=server,rsize=12,socket-abstract=no,socket={}", "net_memif0,role=client,rsize=12,socket-abstract=no,socket={}"),
    "vhost": ("net_vhost0,queues=2,iface={}", "net_virtio_user0,queues=2,queue_size=1024,path={}"),
}
# What is sent before a sender's port is up is refused. So there the first packet goes nowhere, and the others come later.
KNOCK = bytes.fromhex("020000000002" "020000000001" "88b5") + bytes(46)
RULES = ("sinks:\n  - {{name: all, {sink}}}\nrules:\n  - {{name: udp, match: {{udp: {{}}}}, to: all}}\n"
         "  - {{name: knock, match: {{ethertype: 0x88b5}}, drop: true}}\n  - {{name: tcp, match: {{tcp: {{}}}}, to: all}}\ndefault: {{to: all}}\n")


class Console:
    """feedgate with its console on pipes."""

    def __init__(self, folder, name, text, ns=None, **options):
        self.summary = os.path.join(folder, name + ".json")
        lib.clear_captures(text)
        line = netlib.enter(ns) if ns else []
        line += lib.command(lib.write(folder, name + ".yaml", text), self.summary, args=["-i"], **options)
        self.process = lib.start(line, stdin=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def ask(self, command):
        """What it answers."""
        self.process.stdin.write(f"{command}\nshow stats\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if re.search(r"; (running|stopped)$", line):
                return "".join(lines)
        raise AssertionError(f"feedgate ended: {self.process.stderr.read()[-3000:]}")

    def wait(self, command, pattern):
        """Ask until the answer has the pattern."""
        deadline = time.monotonic() + netlib.PATIENCE_S
        while True:
            answer = self.ask(command)
            found = re.search(pattern, answer, re.M)
            if found:
                return found
            assert time.monotonic() < deadline, f"{command}: no {pattern!r} within {netlib.PATIENCE_S} s\n{answer}"
            time.sleep(0.1)

    def received(self, count):
        """Wait until so many came in."""
        self.wait("", rf"^received +{count:,} ")

    def quit(self):
        """End it in order; its Result."""
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        result = lib.finish(self.process, self.summary)
        lib.check_done(result)
        return result


def device(vdev):
    """A vdev's name."""
    return vdev.split(",")[0]


def listener(folder, vdev, queues=1):
    """The configuration of who receives."""
    return (f"sources:\n  - {{name: s0, ethdev: {device(vdev)}, queues: {queues}, mbufs: 8192}}\n"
            + RULES.format(sink=f"pcapng: {folder}/all.pcapng"))


def check_frames(folder, expected, queues):
    """The sink's file has these frames; of several queues in any order."""
    path = os.path.join(folder, "all.pcapng")
    if queues == 1:
        lib.check_file(path, "all", expected, times=False)
        return
    packets = oracle.read_capture(path)[1]
    for (_, source), frames in expected.frames.items():
        got = sorted((p.comment, p.data) for p in packets if p.interface == source)
        lib.compare(f"from {source}", got, sorted((f"rule={rule}", p.data) for p, rule in frames))
    assert len(packets) == sum(len(frames) for frames in expected.frames.values())


def pair(folder, kind, queues, gap_s):
    """One feedgate sends what it replays, another receives. False: the sender's port was not up in time."""
    capture, meeting = os.path.join(folder, "in.pcap"), os.path.join(folder, "meeting")
    late = [oracle.Packet((i > 0) * int(gap_s * 10**9) + i, frame, len(frame), None, None) for i, frame in
            enumerate([KNOCK] + [frame for frame in shapes.whole() + shapes.odd() if len(frame) <= 1514])]
    oracle.write_pcap(capture, late)
    server, client = (vdev.format(meeting) for vdev in PAIRS[kind])
    source = f"sources:\n  - {{name: s0, replay: {{path: {capture}, rate: recorded}}}}\n" + RULES.format(sink=f"port: {device(client)}")
    sent = oracle.Expected(oracle.Rules(source), {"s0": oracle.read_capture(capture)[1]})
    frames = [packet for packet, _ in sent.frames["all", "s0"]]
    target = listener(folder, server, queues)
    expected = oracle.Expected(oracle.Rules(target), {"s0": frames})
    with Console(folder, "target", target, vdevs=[server]) as receiver:
        receiver.ask("start")
        with Console(folder, "source", source, vdevs=[client], workers=queues if queues > 1 else 0) as sender:
            sender.ask("start")
            sender.wait("show port info 0", "^ *link: up")
            if not re.search(r"^received +1 ", sender.ask(""), re.M):
                return False
            receiver.received(len(frames))
            lib.check_counters(sender.quit(), sent)
        answer = receiver.ask("show source s0")
        result = receiver.quit()
    lib.check_counters(result, expected)
    check_frames(folder, expected, queues)
    if queues > 1:
        counts = [int(n.replace(",", "")) for n in re.findall(r"^ +queue \d +([\d,]+)", answer, re.M)]
        assert len(counts) == queues and min(counts) > 0 and sum(counts) == len(frames), answer
    return True


@lib.each(*[(kind, queues) for kind in PAIRS for queues in (1, 2) if (kind, queues) != ("memif", 2)])
def test_pair(folder, kind, queues):
    """The same frames on both sides, and each says how many."""
    for turn in range(6):
        place = os.path.join(folder, str(turn))
        os.makedirs(place)
        if pair(place, kind, queues, 0.4 * 2**turn):
            return
    raise AssertionError("the two never met in time")


def testpmd(vdev, folder):
    """DPDK's own test program, with nothing sent yet."""
    program = shutil.which("dpdk-testpmd")
    if program is None:
        raise lib.Skip("dpdk-testpmd is not installed")
    line = ["stdbuf", "-oL", program, *lib.EAL, "--lcores", "0@0,1@1", "--vdev", vdev, "--", "-i", "--forward-mode=rxonly",
            "--total-num-mbufs=4096"]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
    process.limit = threading.Timer(lib.TIMEOUT_S, process.kill)
    process.limit.start()
    return process


def say(process, words, until):
    """A command to testpmd, and its answer up to a pattern."""
    process.stdin.write(words + "\n")
    process.stdin.flush()
    text = ""
    for line in process.stdout:
        text += line
        if re.search(until, line):
            return text
    raise AssertionError(f"testpmd ended\n{text[-3000:]}")


def wait_link(process):
    """Until testpmd's own port is up: what it sends before is refused."""
    deadline = time.monotonic() + netlib.PATIENCE_S
    while "Link status: up" not in say(process, "show port info 0", "Link status"):
        assert time.monotonic() < deadline, f"testpmd's port is not up within {netlib.PATIENCE_S} s"
        time.sleep(0.1)


@lib.each("net_memif", "net_vhost", "net_virtio_user")
def test_testpmd(folder, driver):
    """What testpmd says it sent is what was received; net_virtio_user receives from testpmd's net_vhost."""
    meeting = os.path.join(folder, "meeting")
    mine, peer = (vdev.format(meeting).replace("queues=2,", "") for vdev in PAIRS["memif" if driver == "net_memif" else "vhost"])
    if driver == "net_virtio_user":
        mine, peer = peer, mine
    other = None
    text = listener(folder, mine)
    try:
        if driver == "net_virtio_user":
            other = testpmd(peer, folder)
            say(other, "show port info 0", "Link status")
        with Console(folder, "target", text, vdevs=[mine]) as receiver:
            receiver.ask("start")
            if other is None:
                other = testpmd(peer, folder)
            receiver.wait("show sources", r"^s0 +ethdev .* up ")
            wait_link(other)
            say(other, "start tx_first 3", "RX Offloads|TX offloads")
            receiver.received(96)
            shown = say(other, "show port stats 0", "TX-packets")
            sent = int(re.search(r"TX-packets: (\d+)", shown).group(1))
            assert sent == 96, shown
            result = receiver.quit()
        assert result.summary["received"] == result.summary["delivered"] == sent, result.summary
        packets = oracle.read_capture(os.path.join(folder, "all.pcapng"))[1]
        assert len(packets) == sent and len({p.data for p in packets}) == 1 and len(packets[0].data) == 64, packets[:2]
    finally:
        if other is not None:
            other.limit.cancel()
            other.kill()
            other.communicate()


def test_peer_leaves(folder):
    """The other side of a shared ring ends and comes again: link down, link up, and nothing is counted twice."""
    meeting = os.path.join(folder, "meeting")
    capture = os.path.join(folder, "in.pcap")
    oracle.write_pcap(capture, shapes.whole()[:50])
    server, client = (vdev.format(meeting) for vdev in PAIRS["memif"])
    source = (f"sources:\n  - {{name: s0, replay: {{path: {capture}, rate: 1000, loops: 0}}}}\n"
              + RULES.format(sink=f"port: {device(client)}"))
    total = 0
    with Console(folder, "target", listener(folder, server), vdevs=[server]) as receiver:
        receiver.ask("start")
        for _ in range(2):
            with Console(folder, "source", source, vdevs=[client]) as sender:
                sender.ask("start")
                receiver.wait("show sources", r"^s0 +ethdev .* up ")
                sender.wait("show sinks", r"^all +port +[1-9]")
                # What still is in the ring when the sender ends is lost: it falls silent first.
                sender.ask("rules add {name: hush, match: {}, drop: true} first")
                passed = int(sender.wait("show sinks", r"^all +port +([\d,]+)").group(1).replace(",", ""))
                total += passed
                receiver.received(total)
                assert sender.quit().summary["delivered"] == passed > 0
            receiver.wait("show sources", r"^s0 +ethdev .* down ")
        assert receiver.quit().summary["received"] == total


def send_into(net, interface, frames):
    """From the kernel's side of an interface, at a pace that everybody can follow."""
    with netlib.inside(net.recv):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    for frame in frames:
        sender.send(frame)
        time.sleep(0.0003)
    sender.close()


@lib.each(1, 2)
def test_tap(folder, queues):
    """What the kernel sends into an interface that net_tap made; then the interface is deleted, and another goes on."""
    frames = [frame for frame in shapes.whole() if 20 <= len(frame) <= 1514]
    vdevs = [f"net_tap{i},iface=x{i}" for i in (0, 1)]
    text = ("sources:\n" + "".join(f"  - {{name: s{i}, ethdev: net_tap{i}, queues: {queues}, mbufs: 16384}}\n" for i in (0, 1))
            + RULES.format(sink=f"pcapng: {folder}/all.pcapng") + "parse: {checksums: ignore}\n")
    if not os.path.exists("/dev/net/tun"):
        raise lib.Skip("no /dev/net/tun")
    with netlib.Net() as net, Console(folder, "target", text, ns=net.recv, vdevs=vdevs) as gate:
        gate.ask("start")
        for i in (0, 1):
            send_into(net, f"x{i}", frames)
        gate.received(2 * len(frames))
        netlib.sh("ip", "-n", net.recv, "link", "del", "x0")
        gate.wait("show sources", r"^s0 +ethdev .* gone ")
        send_into(net, "x1", frames)
        gate.received(3 * len(frames))
        result = gate.quit()
    packets = [oracle.Packet(0, frame, len(frame), None, None) for frame in frames]
    expected = oracle.Expected(oracle.Rules(text), {"s0": packets, "s1": packets + packets})
    lib.check_counters(result, expected)
    check_frames(folder, expected, queues)
    assert "source s0: its device is gone" in result.err, result.err


@lib.each("nic", "ignore")
def test_nic_checksums(folder, mode):
    """net_tap checks checksums as a NIC does, if it is asked to: feedgate heeds it, and says so."""
    if not os.path.exists("/dev/net/tun"):
        raise lib.Skip("no /dev/net/tun")
    right = [frame for frame in shapes.whole() if frame[12:14] == b"\x08\x00" and frame[14] == 0x45 and frame[23] == 17
             and not netlib.kernel_fragment(frame)][:20]
    wrong = [frame[:24] + bytes([frame[24] ^ 0x40]) + frame[25:] for frame in right]  # The IPv4 header's checksum.
    text = f"sources:\n  - {{name: s0, ethdev: net_tap0}}\nsinks:\n  - {{name: seen, count: {{}}}}\ndefault: {{to: seen}}\nparse: {{checksums: {mode}}}\n"
    with netlib.Net() as net, Console(folder, "target", text, ns=net.recv, vdevs=["net_tap0,iface=x0"]) as gate:
        gate.ask("start")
        shown = gate.ask("show port info 0")
        send_into(net, "x0", right + wrong)
        gate.received(len(right + wrong))
        result = gate.quit()
    assert len(right) >= 10
    assert re.search(r"^  rx checksums: IPv4 {0}, UDP {0}, TCP {0}$".format("on" if mode == "nic" else "off"), shown, re.M), shown
    assert result.summary["dropped"]["bad_checksum"] == (len(wrong) if mode == "nic" else 0), result.summary
    assert result.summary["delivered"] == len(right) + (0 if mode == "nic" else len(wrong)), result.summary


def test_fanout(folder):
    """net_af_packet with two queues: the kernel shares flows out among them, each frame once."""
    frames = [frame for frame in shapes.whole() if 20 <= len(frame) <= 1514 and not netlib.kernel_fragment(frame)]
    text = ("sources:\n  - {name: s0, ethdev: net_af_packet0, queues: 2, mbufs: 16384}\n"
            + RULES.format(sink=f"pcapng: {folder}/all.pcapng"))
    vdevs = ["net_af_packet0,iface=r0,qpairs=2,framecnt=4096"]
    with netlib.Net() as net, Console(folder, "target", text, ns=net.recv, vdevs=vdevs) as gate:
        gate.ask("start")
        net.inject(0, frames)
        gate.received(len(frames))
        answer = gate.ask("show source s0")
        result = gate.quit()
    counts = [int(n.replace(",", "")) for n in re.findall(r"^ +queue \d +([\d,]+)", answer, re.M)]
    assert len(counts) == 2 and min(counts) > 0 and sum(counts) == len(frames), answer
    packets = netlib.as_shown(netlib.KINDS["net_af_packet"], [oracle.Packet(0, frame, len(frame), None, None) for frame in frames])
    expected = oracle.Expected(oracle.Rules(text), {"s0": packets})
    lib.check_counters(result, expected)
    check_frames(folder, expected, 2)


if __name__ == "__main__":
    lib.main()
