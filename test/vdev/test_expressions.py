#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Expressions mean what they say: random ones, against an evaluator of their tree and against tcpdump -O."""
import json
import os
import random
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cbpf  # noqa: E402
import expr_tree  # noqa: E402
import lib  # noqa: E402
import oracle  # noqa: E402

SEEDS = range(1, 11) if lib.LONG else (1, 2)
EXPRESSIONS = 300
FRAMES = 40  # for each expression


def some_ip(rng):
    """An address that the expressions name, or one beside it."""
    return bytes(map(int, rng.choice(expr_tree.ADDRESSES + ["10.0.0.3", "9.9.9.9"]).split(".")))


def some_payload(rng):
    """Many zeros: masks and comparisons with 0 are what optimizers get wrong."""
    return bytes(rng.choice((0, 0, 1, rng.randrange(256))) for _ in range(rng.choice((0, 1, 7, 8, 12, 40))))


def some_transport(rng, protocol):
    """The header of @p protocol and a payload."""
    payload = some_payload(rng)
    sides = struct.pack("!HH", rng.choice(expr_tree.PORTS), rng.choice(expr_tree.PORTS))
    if protocol == 17:
        return sides + struct.pack("!HH", 8 + len(payload), 0) + payload
    if protocol == 6:
        return sides + struct.pack("!IIBBHHH", 1, 0, 0x50, rng.randrange(64), 9, 0, 0) + payload
    return bytes((rng.choice((0, 8, 3)), rng.randrange(3))) + b"\0\0" + payload


def some_frame(rng):
    """Ethernet with IPv4, IPv6 or ARP; the lengths in the headers are right."""
    macs = bytes((2, 0, 0, 0, 0, rng.randrange(3), 2, 0, 0, 0, 1, 1))
    protocol = rng.choice((17, 17, 6, 1))
    kind = rng.random()
    if kind < 0.1:
        return macs + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + macs[6:] + some_ip(rng) + macs[:6] + some_ip(rng)
    body = some_transport(rng, protocol)
    if kind < 0.25:
        sides = b"".join(rng.choice([socket.inet_pton(socket.AF_INET6, a) for a in expr_tree.ADDRESSES6]) for _ in "ab")
        return macs + struct.pack("!HIHBB", 0x86DD, 0x60000000, len(body), protocol, 64) + sides + body
    words = rng.choice((5, 5, 5, 6, 7))
    fragment = rng.choice((0, 0, 0, 0, 0x4000, 0x2000, 1))
    head = struct.pack("!BBHHHBBH", 0x40 + words, 0, 4 * words + len(body), 0, fragment, 64, protocol, 0)
    return macs + b"\x08\x00" + head + some_ip(rng) + some_ip(rng) + bytes(4 * (words - 5)) + body


def some_trees(rng, count):
    """Expressions that libpcap takes, with their text; short enough for feedgate's limit of words."""
    maker, found = expr_tree.Maker(rng), []
    while len(found) < count:
        tree = maker.condition(rng.randrange(5))
        try:
            cbpf.compile_expression(str(tree))
        except subprocess.CalledProcessError as error:
            assert "shift" in error.stderr or "division" in error.stderr or "modulus" in error.stderr, f"{tree}: {error.stderr}"
            continue
        found.append(tree)
    return found


@lib.once
@lib.each(*SEEDS)
def test_evaluator_and_tcpdump(_folder, seed):
    """The evaluator and the program of tcpdump -O agree on frames cut anywhere."""
    rng, accepted, count = random.Random(seed), 0, 0
    for tree in some_trees(rng, EXPRESSIONS):
        for _ in range(FRAMES):
            frame = some_frame(rng)
            frame = frame[:rng.randrange(len(frame) + 1)] if rng.random() < 0.5 else frame
            expected = expr_tree.evaluate(tree, frame)
            assert cbpf.matches(str(tree), frame) == expected, f"{tree}: expected {expected} for {frame.hex()}"
            accepted, count = accepted + expected, count + 1
    assert count / 10 < accepted < count * 9 / 10, (accepted, count)


def decodes(frame):
    """Does feedgate classify it, and not drop it as malformed?"""
    try:
        return oracle.decode(frame) is not None
    except oracle.Broken:
        return False


def numbered(frame, number):
    """The frame with @p number in its destination address."""
    return bytes((2, 0, 0, number >> 16, number >> 8 & 255, number & 255)) + frame[6:]


def check_lookup(folder, trees, cases):
    """One rule for each tree, for the frames with its number: all of @p cases, (tree, frame), are right."""
    config = ["sources:\n  - {name: s0, replay: x}\nsinks:\n  - {name: out, count: {}}\nrules:\n"]
    for number, tree in enumerate(trees):
        mac = ":".join(f"{byte:02x}" for byte in numbered(b"", number))
        match = f"{{mac: {{dst: '{mac}'}}, expr: {json.dumps(str(tree))}}}"
        config.append(f"  - {{name: r{number}, match: {match}, to: out}}\n")
    path, rules = os.path.join(folder, "in.pcap"), lib.write(folder, "rules.yaml", "".join(config))
    oracle.write_pcap(path, [frame for _, frame in cases])
    result = lib.finish(lib.start([lib.binary("feedgate-lookup"), "--rules", rules, "--pcap", path]))
    assert result.code == 0, str(result)
    got = [line.split(",")[1] for line in result.out.splitlines()[1:]]
    assert len(got) == len(cases)
    for (number, frame), rule in zip(cases, got):
        needed = f"r{number}" if expr_tree.evaluate(trees[number], frame) else "-"
        assert rule == needed, f"{trees[number]}: {rule} instead of {needed} for {frame.hex()}"


@lib.each(*SEEDS)
def test_feedgate_and_evaluator(folder, seed):
    """feedgate agrees with the evaluator: its machine code, libpcap's interpreter, and the index over both."""
    rng, cases = random.Random(100 + seed), []
    trees = [tree for tree in some_trees(rng, EXPRESSIONS) if str(tree).count(" ") < 120]
    while len(cases) < FRAMES * len(trees):
        frame = some_frame(rng)
        if decodes(frame):
            number = rng.randrange(len(trees))
            cases.append((number, numbered(frame, number)))
    check_lookup(folder, trees, cases)


def payload_word(sign, mask, compare, number):
    """A relation of the first four bytes of UDP's payload."""
    word = expr_tree.Access("udp", expr_tree.Number(8), 4)
    return expr_tree.Relation(expr_tree.Arithmetic(word, sign, expr_tree.Number(mask)), compare, expr_tree.Number(number))


def contradiction(text):
    """Logic says that it matches nothing."""
    return expr_tree.Primitive(text, lambda frame: False)


# The optimizer of libpcap 1.10.3 changes the first two, and refuses some others.
CHANGED = (
    contradiction("host 192.168.1.1 and not ((host 1.2.3.4 or host 5.6.7.8) and icmp) "
                  "and not (host 5.6.7.8 or host 192.168.1.1)"),
    payload_word("&", expr_tree.BITS32, "!=", 0), payload_word("&", expr_tree.BITS32, "=", 0),
    payload_word("&", expr_tree.BITS32, ">", 0), payload_word("|", expr_tree.BITS32, "=", 0),
    payload_word("^", expr_tree.BITS32, "=", expr_tree.BITS32), payload_word("*", 0, "=", 0),
    contradiction("host 10.0.0.1 and not host 10.0.0.1"), contradiction("udp and not (port 53 or not port 53)"))


def test_optimizer(folder):
    """What an optimizer may get wrong."""
    rng, cases = random.Random(3), []
    for number in range(len(CHANGED)):
        frames = [frame for frame in (some_frame(rng) for _ in range(400)) if decodes(frame)]
        cases += [(number, numbered(frame, number)) for frame in frames]
    assert {expr_tree.evaluate(CHANGED[1], frame) for _, frame in cases} == {False, True}
    check_lookup(folder, CHANGED, cases)


def test_index_in_order(folder):
    """Many expressions in one rule set: of those that accept a frame, the first wins."""
    rng = random.Random(7)
    trees = [tree for tree in some_trees(rng, 400) if str(tree).count(" ") < 120]
    frames = [frame for frame in (some_frame(rng) for _ in range(4000)) if decodes(frame)]
    # The rarest first, so that later rules win, too.
    shares = [sum(expr_tree.evaluate(tree, frame) for frame in frames[:300]) for tree in trees]
    trees = [tree for share, _, tree in sorted(zip(shares, range(len(trees)), trees)) if share < 200]
    config = ["sources:\n  - {name: s0, replay: x}\nsinks:\n  - {name: out, count: {}}\nrules:\n"]
    config += [f"  - {{name: r{n}, match: {{expr: {json.dumps(str(tree))}}}, to: out}}\n" for n, tree in enumerate(trees)]
    path, rules = os.path.join(folder, "in.pcap"), lib.write(folder, "rules.yaml", "".join(config))
    oracle.write_pcap(path, frames)
    result = lib.finish(lib.start([lib.binary("feedgate-lookup"), "--rules", rules, "--pcap", path]))
    assert result.code == 0, str(result)
    got = [line.split(",")[1] for line in result.out.splitlines()[1:]]
    expected = [next((f"r{n}" for n, tree in enumerate(trees) if expr_tree.evaluate(tree, frame)), "-") for frame in frames]
    lib.compare("the first that accepts", got, expected)
    assert len(set(got)) > 30, len(set(got))


MIXED = """sources:
  - {name: s0, replay: nowhere.pcap}
sinks:
  - {name: out, count: {}}
rules:
  - {name: plain, match: {expr: "ip6 and udp"}, to: out}
  - {name: four, match: {ipv4: {}, expr: "udp[8] = 1"}, to: out}
  - {name: any, match: {expr: [vlan, "len > 60 and udp [8:4] = 1"]}, to: out}
  - {name: six, match: {ipv6: {}, expr: "tcp[13] & 2 != 0"}, to: out}
  - {name: other, match: {expr: "icmp[0] = 8 or icmp6[0] = 128 or ether[0] = 1"}, to: out}
"""


def checked(folder, text):
    """What --check says beside errors and warnings."""
    path = lib.write(folder, "rules.yaml", text)
    result = lib.finish(lib.start(lib.command(path, None, args=["--check"])))
    assert result.code == 0, str(result)
    return [line.removeprefix(path) for line in result.err.splitlines() if ": note: " in line]


@lib.once
def test_check_expressions(folder):
    """--check says which expressions never match IPv6, and what a packet may cost."""
    assert checked(folder, MIXED.split("rules:")[0]) == []
    *ipv4_only, cost = checked(folder, MIXED)
    assert ipv4_only == [":8: note: rule any: udp[...] of its expression never matches IPv6",
                         ":9: note: rule six: tcp[...] of its expression never matches IPv6"], ipv4_only
    steps = sum(longest_run(text) for text in ("ip6 and udp", "udp[8] = 1", "vlan", "len > 60 and udp[8:4] = 1",
                                               "tcp[13] & 2 != 0", "icmp[0] = 8 or icmp6[0] = 128 or ether[0] = 1"))
    assert cost == f": note: expressions: 6; a packet runs at most 6 of them, {steps} instructions", cost
    head = MIXED.split("rules:")[0] + "rules:\n"
    many = "".join(f"  - {{name: r{n}, match: {{expr: udp dst port {n}}}, to: out}}\n" for n in range(1000))
    # A packet has one port, at the place for IPv4 and at that for IPv6.
    steps = 2 * longest_run("udp dst port 5")
    assert checked(folder, head + many) == [
        f": note: expressions: 1000; a packet runs at most 2 of them, {steps} instructions"]


def longest_run(text):
    """The most instructions that tcpdump's program can take."""
    program = cbpf.compile_expression(text)
    longest = [1] * len(program)
    for at in reversed(range(len(program))):
        code, jt, jf, k = program[at]
        if code & 7 == 5:
            targets = (k,) if code == 5 else (jt, jf)
            longest[at] += max(longest[at + 1 + target] for target in targets)
        elif code & 7 != 6:
            longest[at] += longest[at + 1]
    return longest[0]


if __name__ == "__main__":
    lib.main()
