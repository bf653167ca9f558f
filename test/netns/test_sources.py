#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every kind of source that stands on a kernel interface, put through the same: veth pairs between two namespaces.

Packet for packet against tcpdump; oversized packets; fanout; interfaces that go down, away and come back; full load
against the sender's own count; without root; kernel filters and multicast memberships; wrong options.
"""
import bisect
import os
import re
import shutil
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402
from netlib import (KINDS, LCORES, LINES, PATIENCE_S, Gate, Net, as_shown, check_all, enter, inside, sendable, sent,  # noqa: E402
                    sh)

ALL = list(KINDS)
GROUP, PORT = "239.1.2.3", 26477  # of test/tools/sender
NOBODY = 65534
NEAR_NS = 50_000_000  # two stamps of one packet, one right after the other in the kernel
COUNTED = """sources: SOURCES
sinks:
  - {name: seen, count: {}}
default: {to: seen}
"""


def counted(sources):
    """A configuration that counts everything."""
    return COUNTED.replace("SOURCES", "\n" + "".join(f"  - {source}\n" for source in sources))


def captured(path, source):
    """A pcapng sink's packets of one source."""
    return [p for p in oracle.read_capture(path)[1] if p.interface == source]


def number(packet):
    """What test/tools/sender wrote into a frame."""
    return struct.unpack_from(">Q", packet, 42)[0]


# --- packet for packet ------------------------------------------------------------------------------------------


def smallest():
    """Frames that end with their Ethernet header, or soon after."""
    link = bytes.fromhex("01005e010203") + bytes.fromhex("020000000001")
    return [link + b"\x88\xb5" + bytes(n) for n in (0, 1, 5, 45, 46)]


def largest():
    """As much as an MTU of 1500 allows; of tags only one 802.1Q tag does not count."""
    rest = shapes.datagram(GROUP, PORT)
    frames = []
    for tags, size in ((b"", 1514), (b"\x81\x00\x00\x64", 1518), (b"\x88\xa8\x00\x64", 1514),
                       (b"\x88\xa8\x00\x64\x81\x00\x00\xc8", 1514)):
        frame = rest[:12] + tags + rest[12:]
        frames.append(frame + bytes(size - len(frame)))
    return frames


def ordinary_multicast(net, i, count, group=(GROUP, PORT)):
    """UDP by an ordinary socket, its checksum left to hardware that is not there."""
    with inside(net.send):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(f"10.99.{i}.1"))
    for n in range(count):
        sender.sendto(b"%06d" % n * (1 + n % 200), group)
        time.sleep(0.0005)
    sender.close()


def check_times(folder, kind, wire, begin, end):
    """Each source's packets are stamped in order, while they were sent, and by the kernel if the kind says so."""
    for source, packets in wire.items():
        found = captured(os.path.join(folder, "all.pcapng"), source)
        times = [p.time_ns for p in found]
        assert times == sorted(times), f"{source}: its clock runs backwards"
        assert begin <= times[0] and times[-1] <= end, f"{source}: {times[0]} to {times[-1]}, sent {begin} to {end}"
        if not kind.timed:
            continue
        # Packets that parse refused are in the wire's list only.
        stamps = iter(packets)
        for p in found:
            theirs = next(w for w in stamps if w.data == p.data)
            assert abs(theirs.time_ns - p.time_ns) < NEAR_NS, f"{source}: {p.time_ns}, tcpdump {theirs.time_ns}"


@lib.each(*ALL)
def test_packets(folder, name):
    """Frames of every shape, and what ordinary sockets send: content, order, length and time of each packet."""
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
        if kind.shallow and any(source["lost"] for source in result.summary["sources"].values()):
            check_most(folder, wire, result.summary)
        else:
            check_all(folder, oracle.Rules(text), result, wire)
        check_times(folder, kind, wire, begin, end)
        left = sh("ip", "-d", "-n", net.recv, "link", "show").stdout
        assert "xdp" not in left and "PROMISC" not in left, f"left behind: {left}"


def check_most(folder, wire, summary):
    """What came was on the wire, in this order, and the rest was counted."""
    missing = sum(len(check_part(folder, source, packets)) for source, packets in wire.items())
    lost = sum(source["lost"] for source in summary["sources"].values())
    assert missing == lost + sum(summary["dropped"].values()), f"{missing} missing: {summary}"


def check_part(folder, source, wire):
    """What a source shows is a part of what was on the wire, in order, and whole; the sizes of what it does not show."""
    found, missing, at = captured(os.path.join(folder, "all.pcapng"), source), [], 0
    for packet in wire:
        if at < len(found) and found[at].data == packet.data:
            assert found[at].wire_len == len(packet.data), f"{source}: {found[at].wire_len}, {len(packet.data)} on the wire"
            at += 1
        else:
            missing.append(len(packet.data))
    assert at == len(found), f"{source}: a packet of {len(found[at].data)} bytes was never on the wire; missing {missing}"
    return missing


# --- larger than a frame ----------------------------------------------------------------------------------------


def send_jumbo(net, i):
    """Frames up to what an MTU of 9000 allows, by socket."""
    net.inject(i, [bytes(shapes.Ether(dst="01:00:5e:01:02:03", src=shapes.SENDER) / shapes.IP(src="10.0.0.1", dst=GROUP)
                         / shapes.UDP(sport=n, dport=PORT) / bytes(size - 42))
                   for n, size in enumerate((1514, 1515, 2000, 2048, 2049, 3520, 4096, 4097, 8192, 9000, 9014) * 3)])


def send_segmented(net, i):
    """UDP that the kernel cuts up late: datagrams of up to 64 KiB that cross a veth in one piece."""
    with inside(net.send):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(f"10.99.{i}.1"))
    sender.setsockopt(socket.IPPROTO_UDP, 103, 1400)  # UDP_SEGMENT
    for n, size in enumerate((2800, 4200, 15000, 33000, 44800, 60000) * 3):
        sender.sendto(struct.pack(">Q", n) + bytes(size - 8), (GROUP, PORT))
        time.sleep(0.002)
    sender.close()


def send_stream(net, i):
    """A TCP connection to the other namespace: segments as large as offload makes them."""
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
    while connections(net.recv) and time.monotonic() < deadline:  # both ends still have something to say
        time.sleep(0.05)


def connections(ns):
    """TCP connections there that have not ended."""
    with inside(ns), open("/proc/thread-self/net/tcp", encoding="ascii") as file:
        return file.read().splitlines()[1:]


# What has room for everything.
WHOLE = {"packet_mmap": "", "io_uring": "mtu: 65000", "af_xdp": ""}


@lib.each(*[(name, options) for name in ALL for options in sorted({"", WHOLE.get(name, "")})],
          ("packet_mmap", "copy_below: 65535"))
def test_oversized(folder, name, options):
    """Jumbo frames and unsegmented packets: whole, or counted as lost; never a part of one."""
    kind = KINDS[name]
    kind.check()
    with Net(mtu=9000 if kind.jumbo else 1500) as net:
        taps = [os.path.join(folder, f"wire{i}.pcap") for i in LINES]
        for i in LINES:
            net.listen_as(kind, i, taps[i])
        text = lib.fill("everything", folder, [kind.entry(i, options, mbufs=2600) for i in LINES])
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
        heard = net.hear([source["received"] + source["lost"] for source in sources], taps)
    assert heard[0] and (heard[1] or not kind.jumbo), "tcpdump heard nothing"
    missing = [check_part(folder, f"s{i}", as_shown(kind, heard[i])) for i in LINES]
    lost = [source["lost"] for source in sources]
    dropped = {reason: n for reason, n in result.summary["dropped"].items() if n}
    said = f"{[len(packets) for packets in heard]} sent, missing {missing}, lost {lost}, dropped {dropped}\n{shown}"
    print(said)
    if kind.cuts:
        known = sum(lost) + dropped.get("truncated", 0)
        assert sum(map(len, missing)) == known or (kind.blind and sum(map(len, missing)) > known), said
    else:
        assert not dropped and [len(sizes) for sizes in missing] == lost, said
        assert missing == [[], []] or options != WHOLE.get(name), said


# --- several queues ---------------------------------------------------------------------------------------------


@lib.each(*[(name, how) for name in ALL if KINDS[name].fanout for how in ("hash", "lb")])
def test_fanout(folder, name, how):
    """Two queues of one interface, an lcore each: together they have every packet once."""
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
    assert len(set(numbers)) == len(numbers) == sum(shares) == source["received"] == total - source["lost"], (shares, source)
    assert set(numbers) <= set(range(total))
    if how == "hash":
        for flow in range(64):
            mine = [n for n in numbers if n % 64 == flow]
            assert mine == sorted(mine), f"flow {flow} is out of order"


# --- interfaces that come and go --------------------------------------------------------------------------------


@lib.each(*[(name, 1) for name in ALL], *[(name, 2) for name in ALL if KINDS[name].fanout])
def test_link(folder, name, queues):
    """Under traffic: taken down and up, removed, made again. Another source goes on; it ends in order."""
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
                told = [sent(sender, stop=True) for sender in senders]
            gate.settle(net, kind, 1)
            result = gate.quit()
    assert told[0]["absent"] > 0 and told[1]["absent"] == 0, told
    check_sources(kind, result, s1=told[1]["sent"])


def check_sources(kind, result, **totals):
    """Received or known to be lost."""
    for name, total in totals.items():
        source = result.summary["sources"][name]
        found = source["received"] + source["lost"]
        assert found == total or (kind.blind and found < total), f"{name}: {total} sent, {source}"


def link_of(gate, source):
    """up, down or gone, as `show sources` has it."""
    return gate.row(source)["link"]


def check_comes(gate, *sources):
    """More packets come."""
    for source in sources:
        gate.wait_received(gate.received(source) + 200, source)


@lib.once
@lib.each(*ALL)
def test_removed_at_once(folder, name):
    """Its interface goes as soon as it has started, and never comes back."""
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
    """As fast as the sender can: what the kernel took from it was received or is counted as lost, exactly."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        text = counted([kind.entry(0)])
        with Gate(net, folder, text, vdevs=kind.vdevs((0,))) as gate:
            told = sent(net.sender(0, "-t", 60 if lib.LONG else 2, "-f", 16))
            gate.settle(net, kind, 0)
            shown, arrived = gate.ask("show source s0"), net.arrived(0)
            result = gate.quit()
    check_conserved(kind, result, arrived, told, shown)


def check_conserved(kind, result, arrived, told, shown):
    """The sender's count, the interface's and ours."""
    assert arrived == told["sent"], f"the sender says {told}, the interface {arrived}"
    source = result.summary["sources"]["s0"]
    print(f"{told}, {source}")
    total = source["received"] + source["lost"] + source.get("filtered", 0)
    assert total == arrived or (kind.blind and total < arrived), f"{arrived} on the interface, but {source}: {total - arrived:+}\n{shown}"
    assert source["received"] > 0


PREFILTERED = """sources: SOURCES
sinks:
  - {name: seen, count: {}}
rules:
  - {name: mine, match: {ipv4: {dst: 224.0.31.11}, udp: {dst: 14320}}, to: seen}
"""


def test_prefiltered_load(folder):
    """Full load of what no rule keeps: the XDP program leaves it out, and only what is wanted comes."""
    kind, wanted = KINDS["af_xdp"], 300
    kind.check()
    with Net() as net:
        source = kind.entry(0, "prefilter: rules")
        with Gate(net, folder, PREFILTERED.replace("SOURCES", f"\n  - {source}")) as gate:
            load = net.sender(0, "-t", 2)
            ordinary_multicast(net, 0, wanted, ("224.0.31.11", 14320))
            told = sent(load)
            gate.settle(net, kind, 0)
            shown, arrived = gate.ask("show source s0"), net.arrived(0)
            result = gate.quit()
    check_conserved(kind, result, arrived, {"sent": told["sent"] + wanted}, shown)
    assert result.summary["sources"]["s0"]["filtered"] == told["sent"], f"{result.summary['sources']}, {told}\n{shown}"
    assert result.summary["rules"]["mine"]["packets"] == wanted - result.summary["sources"]["s0"]["lost"], result.summary


@lib.each(*[(name, "") for name in ALL], ("packet_mmap", "hold: drop"), ("packet_mmap", "copy_below: 65535"))
def test_slow_sink(folder, name, options):
    """A reader that does not read for a while, so that packets are held for long; then everything flows again."""
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
                told = sent(net.sender(0, "-t", before, "-s", 600))
                gate.settle(net, kind, 0, waiting=True)
                hold.set()
                gate.wait("the pipe was read", lambda: read_so_far(read) > 0)
                gate.settle(net, kind, 0)
                last = sent(net.sender(0, "-n", after, "-r", 4000, "-q", told["sent"]))
                gate.settle(net, kind, 0)
                shown, arrived = gate.ask("show source s0"), net.arrived(0)
                result = gate.quit()
        finally:
            hold.set()
            reader.join()
    told["sent"] += last["sent"]
    check_conserved(kind, result, arrived, told, shown)
    path = os.path.join(folder, "read.pcapng")
    with open(path, "wb") as file:
        file.writelines(read)
    numbers = [number(p.data) for p in captured(path, "s0")]
    assert len(numbers) == result.summary["sinks"]["all"]["packets"], (len(numbers), result.summary["sinks"])
    assert all(a < b for a, b in zip(numbers, numbers[1:])), "out of order or twice"
    late = len(numbers) - bisect.bisect_left(numbers, told["sent"] - after)
    assert late >= after // (10 if kind.shallow or kind.blind else 2), f"after the slow phase only {late} of {after} came"


def read_slowly(fifo, hold, read):
    """Nothing until told, then all."""
    with open(fifo, "rb", buffering=0) as pipe:
        hold.wait(lib.TIMEOUT_S)
        while data := pipe.read(1 << 16):
            read.append(data)


def read_so_far(read):
    """Bytes."""
    return sum(map(len, read))


# --- who may ----------------------------------------------------------------------------------------------------


def as_nobody(folder, capabilities):
    """What to put before a command, and where it finds a feedgate that this user may run."""
    if shutil.which("setpriv") is None:
        raise lib.Skip("setpriv is not installed")
    os.chmod(folder, 0o777)
    shutil.copy(lib.binary("feedgate"), folder)
    names = ",".join(f"+{name}" for name in capabilities)
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if capabilities:
        return [*words, f"--bounding-set=-all,{names}", f"--inh-caps=-all,{names}", f"--ambient-caps=-all,{names}"]
    return [*words, "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]


@lib.once
@lib.each(*[name for name in ALL if not KINDS[name].driver])
def test_without_root(folder, name):
    """An ordinary user with no more than the capabilities that the kind asks for."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        with Gate(net, folder, counted([kind.entry(0)]), before=as_nobody(folder, kind.capabilities), program=folder) as gate:
            total = sent(net.sender(0, "-n", 1000, "-r", 10000))["sent"]
            gate.wait_accounted(kind, total, "s0")
            result = gate.quit()
    check_sources(kind, result, s0=total)


@lib.once
@lib.each(*ALL)
def test_without_capability(folder, name):
    """A user who may nothing is told so, in one line."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        path = lib.write(folder, "rules.yaml", counted([kind.entry(0)]))
        line = lib.command(path, None, vdevs=kind.vdevs((0,)))
        before = as_nobody(folder, ())
        line[0] = os.path.join(folder, "feedgate")
        result = lib.finish(lib.start([*enter(net.recv), *before, *line], cwd=folder))
        check_refused(result, "" if kind.driver else r"CAP_NET_RAW")


@lib.once
@lib.each(*[name for name in ALL if len(KINDS[name].capabilities) > 1])
def test_without_one_capability(folder, name):
    """Each of those that a kind needs is named when it is the one that is missing."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        path = lib.write(folder, "rules.yaml", counted([kind.entry(0)]))
        line = lib.command(path, None)
        line[0] = os.path.join(folder, "feedgate")
        for missing in kind.capabilities:
            before = as_nobody(folder, [other for other in kind.capabilities if other != missing])
            result = lib.finish(lib.start([*enter(net.recv), "prlimit", "--memlock=65536:65536", *before, *line], cwd=folder))
            check_refused(result, rf"s0: .*CAP_{missing.upper()}")


def check_refused(result, pattern):
    """One line, and the right exit status."""
    assert result.code in (1, 2), str(result)
    lines = [text for text in result.err.splitlines() if text.startswith("feedgate: ") and "rxvlan" not in text]
    assert len(lines) == 1 and re.search(pattern, lines[0]), f"expected {pattern}\n{result}"


# --- what the kernel is asked for -------------------------------------------------------------------------------


FILTERS = ("udp dst portrange 26400-26500 or tcp", "vlan 100 and ip")


@lib.once
@lib.each(*[name for name in ALL if KINDS[name].filter])
def test_filter(folder, name):
    """`filter` keeps what tcpdump keeps with these words on this interface; `join` is known to the kernel."""
    kind = KINDS[name]
    kind.check()
    frames = sendable(shapes.whole() + shapes.noisy(200), kind)
    with Net() as net:
        taps = [os.path.join(folder, f"wire{i}.pcap") for i in LINES]
        for i in LINES:
            net.listen_as(kind, i, taps[i], FILTERS[i])
        for interface in ("r0", "r1"):
            sh("sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=0", ns=net.recv)
        joins = ("239.1.2.3 224.0.31.11", '"ff15::26:1, 233.54.12.111"')
        text = lib.fill("everything", folder, [kind.entry(i, f'filter: "{FILTERS[i]}", join: {joins[i]}') for i in LINES])
        with Gate(net, folder, text) as gate:
            assert joined(net, "igmp", "r0") >= {"EF010203", "E0001F0B"}, joined(net, "igmp", "r0")
            assert joined(net, "igmp", "r1") >= {"E9360C6F"}, joined(net, "igmp", "r1")
            assert "ff150000000000000000000000260001" in joined(net, "igmp6", "r1"), joined(net, "igmp6", "r1")
            for i in LINES:
                net.inject(i, frames)
            gate.settle(net, kind, *LINES, waiting=True)
            result = gate.quit()
        heard = net.hear([result.summary["sources"][f"s{i}"]["received"] for i in LINES], taps)
        assert not joined(net, "igmp", "r0") & {"EF010203", "E0001F0B"}, "still joined"
    assert all(10 < len(packets) < len(frames) for packets in heard), [len(packets) for packets in heard]
    check_all(folder, oracle.Rules(text), result, {f"s{i}": heard[i] for i in LINES})


def joined(net, table, interface):
    """Groups that the kernel is a member of."""
    with inside(net.recv), open(f"/proc/thread-self/net/{table}", encoding="ascii") as file:
        text = file.read()
    if table == "igmp6":
        return {words[2] for words in map(str.split, text.splitlines()) if words[1] == interface}
    groups, here = set(), False
    for line in text.splitlines()[1:]:
        if not line.startswith("\t"):
            here = line.split()[1] == interface
        elif here:
            group = line.split()[0]
            groups.add("".join(reversed([group[n:n + 2] for n in range(0, 8, 2)])))
    return groups


# --- what is refused --------------------------------------------------------------------------------------------


SOCKET_OPTIONS = [("colour: red", "colour"), ("promiscuous: perhaps", "perhaps"), ("fanout: sideways", "sideways"),
                  ("filter: [a, b]", "filter"), ("interface: r1", "interface")]
OPTIONS = {
    "packet_mmap": SOCKET_OPTIONS,
    "io_uring": SOCKET_OPTIONS,
    "af_xdp": [("colour: red", "colour"), ("interface: r1", "interface")],
    "pf_ring": [("colour: red", "colour"), ("interface: r1", "interface")],
}
# What only a start can find out: (options, interface, what it says).
OPENED = [("", "nowhere", "nowhere"), ("", "interfaceNameThatIsTooLong", "interfaceNameThatIsTooLong")]
SOCKET_OPENED = [('filter: "udp portt 5"', None, "filter"), ("join: 10.0.0.1", None, r"10\.0\.0\.1"),
                 ("join: 239.1.2", None, r"239\.1\.2")]


@lib.once
@lib.each(*OPTIONS)
def test_options(folder, name):
    """A wrong option is refused with its place in the file, or in one line by the start."""
    kind = KINDS[name]
    kind.check()
    path = os.path.join(folder, "rules.yaml")
    for options, pattern in OPTIONS[name]:
        lib.write(folder, "rules.yaml", counted([kind.entry(0, options)]))
        result = lib.finish(lib.start(lib.command(path, None, args=["--check"])))
        check_refused(result, rf"^feedgate: {re.escape(path)}:2:\d+: .*({pattern})")
        assert result.code == 2 and len(result.err.splitlines()) == 1, str(result)
    with Net() as net:
        for options, interface, pattern in OPENED + (SOCKET_OPENED if kind.filter else []):
            lib.write(folder, "rules.yaml", counted([kind.entry(0, options, interface=interface)]))
            process = lib.start([*enter(net.recv), *lib.command(path, None)])
            watch = threading.Timer(lib.TIMEOUT_S / 5, process.kill)
            watch.start()
            result = lib.finish(process)
            watch.cancel()
            check_refused(result, rf"s0.*({pattern})")


if __name__ == "__main__":
    lib.main()
