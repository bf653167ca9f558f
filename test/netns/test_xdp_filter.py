#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The XDP prefilter of af_xdp sources: all packets that rules match arrive, few others do, and every packet is counted.

The oracle decides which packets the rules match. Other packets may arrive only if their destination is in some rule, or if
the prefilter cannot parse their headers.
"""
import contextlib
import os
import random
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
from netlib import KINDS, PATIENCE_S, Gate, Net, inside, sendable, sh  # noqa: E402

XDP = KINDS["af_xdp"]
HEAD = """sources: [SOURCE]
sinks:
  - {name: kept, pcapng: {path: DIR/kept.pcapng}}
  - {name: one, count: {}}
rules:
"""


def config(folder, rules, options="prefilter: rules", default="drop"):
    """A configuration with one af_xdp source on r0."""
    text = HEAD.replace("SOURCE", XDP.entry(0, options)).replace("DIR", folder)
    return text + "".join(f"  - {rule}\n" for rule in rules) + f"default: {default}\n"


def attached(net):
    """XDP programs on r0, as `ip link` shows them."""
    return re.findall(r"xdp.*", sh("ip", "-d", "-n", net.recv, "link", "show", "r0").stdout)


def source_of(result):
    """The only source of a summary."""
    return result.summary["sources"]["s0"]


def wait_accounted(gate, count):
    """Wait until so many packets were received, lost or prefiltered."""
    def accounted():
        row = gate.row("s0")
        return sum(int(row[column].replace(",", "")) for column in ("packets", "NIC/kernel", "prefiltered"))
    gate.wait(f"{count} packets accounted for", lambda: accounted() >= count)


# --- the property -----------------------------------------------------------------------------------------------


# Destinations of all frames with unusual headers.
ODD_ONES = ["{name: odd4, match: {ipv4: {dst: 239.1.2.3}, udp: {dst: 26477}}, to: kept}",
            "{name: odd6, match: {ipv6: {dst: ['ff15:dead:beef::26:1', 'ff02::5']}, udp: {dst: 26477}}, to: kept}"]


def random_rule(rng, number):
    """A rule with groups or ports, and sometimes other conditions."""
    match = []
    family = rng.choice((4, 4, 6))
    addresses = [dst for _, dst in (shapes.ADDRESSES if family == 4 else shapes.ADDRESSES6)]
    ports = [port for _, port in shapes.PORTS]
    shape = rng.choice(("both", "both", "address", "port", "prefix"))
    if shape in ("both", "address"):
        match.append(f"ipv{family}: {{dst: [{', '.join(repr(a) for a in rng.sample(addresses, rng.choice((1, 2))))}]}}")
    if shape == "prefix":
        match.append("ipv4: {dst: 239.1.2.0/24}" if family == 4 else "ipv6: {dst: 'ff15:dead:beef::26:0/120'}")
    if shape in ("both", "port", "prefix"):
        port = rng.choice(ports)
        word = rng.choice((str(max(port, 1)), f"{max(port - 20, 1)}-{min(port + 20, 65535)}", f"[{max(port, 1)}, 9]"))
        match.append(f"{rng.choice(('udp', 'udp', 'tcp'))}: {{dst: {word}}}")
    if rng.random() < 0.2:
        match.append(f"vlan: {rng.choice((100, 905))}")
    if rng.random() < 0.2 and "ipv4" in match[0]:
        match[0] = match[0].replace("{dst", "{src: 10.0.0.0/8, dst")
    if rng.random() < 0.1:
        match.append("expr: 'len < 90'")
    action = "drop: true" if rng.random() < 0.15 else "to: [kept]"
    return f"{{name: r{number}, match: {{{', '.join(match)}}}, {action}}}"


def destinations_only(text):
    """The rules that keep packets, reduced to their destinations."""
    rules = oracle.Rules(text)
    rules.rules = [rule for rule in rules.rules if not rule.drop]
    for rule in rules.rules:
        rule.match = {key: {"dst": value["dst"]} for key, value in rule.match.items()
                      if isinstance(value, dict) and "dst" in value}
    return rules


def may_come(wide, frame):
    """May the prefilter pass it: a packet to a destination of a rule, or one that it cannot parse?"""
    try:
        key = oracle.decode(frame)
    except oracle.Broken:
        return True
    return (key.fragment or key.extended or key.ethertype in oracle.TPIDS or wide.first(key, "s0") is not None)


@lib.once
@lib.each(*range(6))
def test_property(folder, seed):
    """Random rules, frames of all shapes."""
    XDP.check()
    rng = random.Random(seed)
    chosen = [random_rule(rng, i) for i in range(rng.choice((1, 4, 12)))]
    text = config(folder, chosen + ODD_ONES[:seed % 3])
    frames = sendable(shapes.whole() + shapes.odd() + shapes.noisy(300, seed), XDP)
    rng.shuffle(frames)
    rules, wide = oracle.Rules(text), destinations_only(text)
    kept = [frame for frame in frames if rules.classify(frame, "s0")[2]]
    with Net() as net, Gate(net, folder, text) as gate:
        net.inject(0, frames)
        wait_accounted(gate, len(frames))
        result = gate.quit()
        assert not attached(net)
    assert "source s0: prefilter is on" in result.err, result.err
    found = oracle.read_capture(os.path.join(folder, "kept.pcapng"))[1]
    lib.compare("kept", [p.data for p in found], kept)
    source = source_of(result)
    assert source["lost"] == 0, source
    assert source["received"] + source["prefiltered"] == len(frames), (source, len(frames))
    most = sum(may_come(wide, frame) for frame in frames)
    assert source["received"] <= most < len(frames), (source, most, len(frames))


# --- rules that change ------------------------------------------------------------------------------------------


def test_reload(folder):
    """Rules change under traffic: packets that both the old and the new ones keep are never missing."""
    XDP.check()
    groups = [("239.1.0.1", 1001), ("239.1.0.2", 1002), ("239.1.0.3", 1003)]
    frames = [shapes.datagram(*group) for group in groups]
    one, two, three = (f"{{name: g{i}, match: {{ipv4: {{dst: {dst}}}, udp: {{dst: {port}}}}}, to: [{'one' if i == 0 else 'kept'}]}}"
                       for i, (dst, port) in enumerate(groups))
    files = [lib.write(folder, f"rules{i}.yaml", config(folder, rules)) for i, rules in enumerate(([one, two], [three, one]))]
    files.append(lib.write(folder, "open.yaml", config(folder, [one, "{name: tcp, match: {tcp: {}}, to: kept}"])))
    sent, done = [0, 0, 0], threading.Event()

    def pour(sender):
        while not done.is_set():
            for i, frame in enumerate(frames):
                sender.send(frame)
                sent[i] += 1
            time.sleep(0.0002)

    with Net() as net, Gate(net, folder, config(folder, [one, two])) as gate:
        with inside(net.send):
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind(("t0", 0))
        thread = threading.Thread(target=pour, args=(sender,))
        thread.start()
        try:
            for turn in range(24):
                if turn % 4 == 3:
                    gate.ask("rules delete g0" if turn % 8 == 3 else "rules move g0 last")
                    gate.ask(f"rules reload {files[0]}")
                    continue
                assert "version" in gate.ask(f"rules reload {files[turn % 3]}")
            gate.ask(f"rules reload {files[0]}")
        finally:
            done.set()
            thread.join()
        sender.close()
        wait_accounted(gate, sum(sent))
        result = gate.quit()
    source = source_of(result)
    assert source["lost"] == 0, source
    assert source["received"] + source["prefiltered"] == sum(sent), (source, sent)
    assert source["prefiltered"] > 0, source
    assert "prefilter is off: rule 'tcp' names neither" in result.err, result.err


def test_never_missing(folder):
    """As test_reload, but every rule set has the first rule: none of its packets is missing."""
    XDP.check()
    keep = "{name: g0, match: {ipv4: {dst: 239.1.0.1}, udp: {dst: 1001}}, to: one}"
    others = [f"{{name: x{i}, match: {{ipv4: {{dst: 239.2.0.{i}}}, udp: {{dst: 2000-2050}}}}, to: kept}}" for i in range(1, 200)]
    files = [lib.write(folder, f"rules{i}.yaml", config(folder, rules)) for i, rules in enumerate(
        ([keep], [*others, keep], [keep, *others[::2]], [keep, "{name: all-tcp, match: {tcp: {}}, to: kept}"]))]
    frame, sent, done = shapes.datagram("239.1.0.1", 1001), [0], threading.Event()

    def pour(sender):
        while not done.is_set():
            sender.send(frame)
            sent[0] += 1
            time.sleep(0.0001)

    with Net() as net, Gate(net, folder, config(folder, [keep])) as gate:
        with inside(net.send):
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind(("t0", 0))
        thread = threading.Thread(target=pour, args=(sender,))
        thread.start()
        try:
            for turn in range(30):
                assert "version" in gate.ask(f"rules reload {files[turn * 7 % 4]}")
        finally:
            done.set()
            thread.join()
        sender.close()
        gate.wait_received(sent[0], "s0")
        result = gate.quit()
    assert result.summary["sinks"]["one"]["packets"] == sent[0], (result.summary, sent)
    assert source_of(result) == {**source_of(result), "lost": 0, "prefiltered": 0}, source_of(result)


@lib.once
@lib.each("expr", "default", "wide")
def test_not_possible(folder, case):
    """Rules that could keep any packet: all packets pass, and the log has the reason."""
    XDP.check()
    rule, default, reason = {
        "expr": ("{name: odd, match: {expr: 'udp dst port 7'}, to: kept}", "drop", "rule 'odd' names neither"),
        "default": ("{name: odd, match: {udp: {dst: 7}}, to: kept}", "{to: kept}", "the default action keeps packets"),
        "wide": ("{name: odd, match: {ipv4: {dst: 239.0.0.0/8}}, to: kept}", "drop", "rule 'odd' names neither"),
    }[case]
    frames = sendable(shapes.whole()[:100], XDP)
    with Net() as net, Gate(net, folder, config(folder, [rule], default=default)) as gate:
        net.inject(0, frames)
        gate.wait_received(len(frames), "s0")
        result = gate.quit()
    assert source_of(result)["prefiltered"] == 0
    assert f"source s0: prefilter is off: {reason}" in result.err, result.err


# --- the kernel and other programs -------------------------------------------------------------------------------


def igmp_query(group):
    """An IGMP query for the members of a group, to be answered at once."""
    body = struct.pack(">BBH4sBBH", 0x11, 1, 0, socket.inet_aton(group), 2, 125, 0)
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    head = struct.pack(">BBHHHBBH4s4sI", 0x46, 0xC0, 24 + len(body), 1, 0, 1, 2, 0, socket.inet_aton("10.99.0.1"),
                       socket.inet_aton(group), 0x94040000)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    mac = bytes([1, 0, 0x5E]) + bytes([socket.inet_aton(group)[1] & 0x7F]) + socket.inet_aton(group)[2:]
    return mac + bytes.fromhex("020000000001") + b"\x08\x00" + head + body


def checksum(data):
    """Internet checksum, RFC 1071."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def asks_in_vain(net, packets, is_answer):
    """Send packets out of t0; True if no answer arrives within a second."""
    with inside(net.send):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind(("t0", 3))
    raw.settimeout(0.2)
    end = time.monotonic() + 1.5
    try:
        for packet in packets:
            raw.send(packet)
        while time.monotonic() < end:
            with contextlib.suppress(socket.timeout):
                data, where = raw.recvfrom(2048)
                if where[2] != socket.PACKET_OUTGOING and is_answer(data):
                    return False
    finally:
        raw.close()
    return True


@lib.once
@lib.each("kernel", "drop")
def test_rest(folder, rest):
    """With rest: kernel, ARP, IGMP and ordinary sockets work on the interface; with rest: drop they do not."""
    XDP.check()
    rules = ["{name: feed, match: {ipv4: {dst: 239.1.0.1}, udp: {dst: 1001}}, to: kept}"]
    with Net() as net:
        net.answer(0)
        with inside(net.recv):
            plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        plain.bind(("", 7777))
        plain.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         socket.inet_aton("239.1.0.1") + socket.inet_aton("10.99.0.2"))
        joined = time.monotonic()
        with inside(net.send):
            other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with Gate(net, folder, config(folder, rules, f"prefilter: rules, rest: {rest}")) as gate:
            time.sleep(max(0, joined + 2.5 - time.monotonic()))  # two reports follow a join, each within a second
            silent = asks_in_vain(net, [igmp_query("239.1.0.1")], lambda data: data[12:14] == b"\x08\x00" and data[23] == 2)
            assert silent == (rest == "drop"), "IGMP"
            other.sendto(b"hello", ("10.99.0.2", 7777))
            plain.settimeout(PATIENCE_S if rest == "kernel" else 2)
            try:
                heard = plain.recv(64)
            except socket.timeout:
                heard = None
            assert heard == (b"hello" if rest == "kernel" else None), heard
            net.inject(0, [shapes.datagram("239.1.0.1", 1001)] * 10)
            gate.wait_received(10, "s0")
            result = gate.quit()
        plain.close()
        other.close()
    assert source_of(result)["received"] == 10 and source_of(result)["prefiltered"] > 0, source_of(result)


@lib.once
def test_crash(folder):
    """After kill -9 the XDP program stays attached but passes all packets; the next feedgate detaches it."""
    XDP.check()
    text = config(folder, ["{name: feed, match: {ipv4: {dst: 239.1.0.1}, udp: {dst: 1001}}, to: kept}"])
    with Net() as net:
        net.answer(0)
        with Gate(net, folder, text) as gate:
            assert attached(net)
            gate.process.kill()
            gate.process.wait()
        assert attached(net)
        with inside(net.recv):
            plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        plain.bind(("", 7777))
        plain.settimeout(10)
        with inside(net.send):
            other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.sendto(b"still there", ("10.99.0.2", 7777))
        assert plain.recv(64) == b"still there"
        plain.close()
        other.close()
        with Gate(net, folder, text) as gate:
            net.inject(0, [shapes.datagram("239.1.0.1", 1001)] * 10)
            gate.wait_received(10, "s0")
            result = gate.quit()
        assert re.search(r"detached XDP program \d+ of a feedgate that crashed", result.err), result.err
        assert not attached(net)


@lib.once
def test_two(folder):
    """A second feedgate on the interface is refused with the first one's pid, and disturbs nothing."""
    XDP.check()
    text = config(folder, ["{name: feed, match: {ipv4: {dst: 239.1.0.1}, udp: {dst: 1001}}, to: kept}"])
    second = os.path.join(folder, "second")
    os.mkdir(second)
    with Net() as net, Gate(net, folder, text) as gate:
        before = attached(net)
        path = lib.write(second, "rules.yaml", config(second, ["{name: all, match: {}, to: kept}"]))
        process = lib.start(["nsenter", f"--net=/run/netns/{net.recv}", *lib.command(path, None)])
        out, err = process.communicate(timeout=lib.TIMEOUT_S)
        assert process.returncode == 1, (process.returncode, out, err)
        assert f"interface r0: in use by feedgate pid {gate.process.pid}" in err, err
        assert attached(net) == before
        net.inject(0, [shapes.datagram("239.1.0.1", 1001)] * 10)
        gate.wait_received(10, "s0")
        gate.quit()
        assert not attached(net)


if __name__ == "__main__":
    lib.main()
