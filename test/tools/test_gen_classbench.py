#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""feedgate-gen --classbench: its rule sets and the packets near them.

usage: test_gen_classbench.py FEEDGATE_GEN

Exit status 0: all checks hold; 1: one does not.
"""
import collections
import ipaddress
import os
import pathlib
import re
import sys
import tempfile

from gen_lib import GEN, check, count_checks, digest, passed, run

Prefix = collections.namedtuple("Prefix", "first last length")
CbRule = collections.namedtuple("CbRule", "ip ports protocol")


def read_prefix(text):
    net = ipaddress.ip_network(text)  # refuses bits beyond the prefix
    return Prefix(int(net[0]), int(net[-1]), net.prefixlen)


def read_classbench(path):
    rules = []
    for line in path.read_text(encoding="ascii").splitlines():
        found = re.fullmatch(r"@(\S+)\t(\S+)\t(\d+) : (\d+)\t(\d+) : (\d+)\t0x([0-9A-F]{2})/0x(00|FF)\t"
                             r"0x0000/0x0000", line)
        check(found, f"ClassBench text: {line}")
        ports = tuple(map(int, found.group(3, 4, 5, 6)))
        check(ports[0] <= ports[1] <= 65535 and ports[2] <= ports[3] <= 65535, f"ports: {line}")
        protocol = int(found[7], 16) if found[8] == "FF" else None
        check(protocol is not None or found[7] == "00", f"protocol: {line}")
        rules.append(CbRule((read_prefix(found[1]), read_prefix(found[2])), (ports[:2], ports[2:]), protocol))
    return rules


def inside(rule, packet):
    return (all(p.first <= x <= p.last for p, x in zip(rule.ip, packet)) and
            all(low <= x <= high for (low, high), x in zip(rule.ports, packet[2:])) and
            rule.protocol in (None, packet[4]))


def near(rule, packet):
    """Is each address and port at most one beyond the bounds of the rule?"""
    return (all(p.first - 1 <= x <= p.last + 1 for p, x in zip(rule.ip, packet)) and
            all(low - 1 <= x <= high + 1 for (low, high), x in zip(rule.ports, packet[2:])))


def at_corner(rule, packet):
    ends = [(p.first, p.last) for p in rule.ip] + list(rule.ports)
    return all(min(abs(x - low), abs(x - high)) <= 1 for (low, high), x in zip(ends, packet))


def read_trace(path, rules):
    """The packets, how many are within the rule they were drawn for, and how many were drawn for none."""
    packets, within, unrelated = [], 0, 0
    for line in path.read_text(encoding="ascii").splitlines():
        *packet, flags, number = map(int, line.split("\t"))
        check(len(packet) == 5 and flags == 0 and number <= len(rules), f"trace: {line}")
        check(number == 0 or near(rules[number - 1], packet), f"trace: {line} is not near its rule")
        within += number > 0 and inside(rules[number - 1], packet)
        unrelated += number == 0
        packets.append(tuple(packet))
    return packets, within, unrelated


def nesting(prefixes):
    """The most prefixes of the set that are nested."""
    have = {(p.length, p.first) for p in prefixes if p.length}
    return max(sum((n, first >> (32 - n) << (32 - n)) in have for n in range(1, length + 1)) for length, first in have)


def test_family(tmp, family, count):
    args = ["--classbench", family, "--count", count, "--packets", "20000"]
    for name, more in (("one", []), ("two", []), ("other", ["--seed", "2"]), ("edge", ["--edge"])):
        done = run(*args, "--rules", tmp / f"{name}.rules", "--trace", tmp / f"{name}.trace", *more)
        check(done.returncode == 0 and not done.stdout and not done.stderr, f"{family}: {done}")
    for suffix in ("rules", "trace"):
        check(digest(tmp / f"one.{suffix}") == digest(tmp / f"two.{suffix}"), f"{family}: same options, same {suffix}")
        check(digest(tmp / f"one.{suffix}") != digest(tmp / f"other.{suffix}"), f"{family}: other seed, other {suffix}")
    check(digest(tmp / "one.rules") == digest(tmp / "edge.rules"), f"{family}: --edge changes packets only")
    rules = read_classbench(tmp / "one.rules")
    check(len(rules) == count == len(set(rules)), f"{family}: {len(rules)} rules, {len(set(rules))} different")
    packets, within, unrelated = read_trace(tmp / "one.trace", rules)
    check(len(packets) == 20000 and within > 4000, f"{family}: {within} packets within their rules")
    check(0 < unrelated < 4000, f"{family}: {unrelated} packets of no rule")
    check(len(set(packets)) < 16000, f"{family}: packets come in flows")
    edges, _, unrelated = read_trace(tmp / "edge.trace", rules)
    near_one = [line.split("\t") for line in (tmp / "edge.trace").read_text(encoding="ascii").splitlines()]
    check(unrelated < 1000 and all(at_corner(rules[int(row[6]) - 1], list(map(int, row[:4])))
                                 for row in near_one if row[6] != "0"), f"{family}: --edge is at corners")
    check(len(edges) == 20000, f"{family}: --edge")
    return rules


def test_classbench(tmp):
    wild = {}
    for family in ("acl", "fw", "ipc"):
        rules = test_family(tmp, family, 1000)
        wild[family] = sum(min(p.length for p in rule.ip) <= 2 for rule in rules) / len(rules)
        for side in (0, 1):
            deep = nesting(rule.ip[side] for rule in rules)
            check(3 <= deep <= 10, f"{family}: {deep} prefixes nest")
        any_source = sum(rule.ports[0] == (0, 65535) for rule in rules) / len(rules)
        check(any_source == 1 if family == "acl" else 0.6 < any_source < 0.9, f"{family}: any source port {any_source}")
        lengths = [sum(p.length for rule in part for p in rule.ip) for part in (rules[:500], rules[500:])]
        check(lengths[0] > lengths[1], f"{family}: general rules are later")
    check(wild["acl"] < wild["ipc"] < wild["fw"] > 0.6, f"rules that leave a side open: {wild}")
    for args in (["acl", "--count", "1"], ["fw", "--count", "20000"]):
        done = run("--classbench", *args, "--rules", tmp / "some", "--trace", tmp / "some.trace", "--packets", "10")
        check(done.returncode == 0, f"{args}: {done}")
        check(len(set(read_classbench(tmp / "some"))) == int(args[2]), f"{args}: different rules")
    os.symlink("/dev/full", tmp / "full")
    for option in ("--rules", "--trace"):
        done = run("--classbench", "acl", option, tmp / "full")
        check(done.returncode == 1 and "full: No space left on device" in done.stderr, f"{option}: {done}")
    passed(f"ClassBench: 3 families of rules, packets near them; open on a side: {wild}")


if __name__ == "__main__":
    if GEN is None:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        test_classbench(pathlib.Path(folder))
    print(f"{count_checks()} checks")
