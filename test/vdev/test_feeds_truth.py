#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every protocol through the whole program, held against what the generator says it sent and lost."""
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402

LISTED = lib.protocols()
PROTOCOLS = [line["protocol"] for line in LISTED]
NAMING = [line["protocol"] for line in LISTED if line["instruments"] != "-"]
SYMBOLIC = [line["protocol"] for line in LISTED if "learned symbol" in line["instruments"]]

Packet = collections.namedtuple("Packet", "number channel control first count")


class Truth:
    """The side file of feedgate-gen: feeds, what came of each feed's packets, and messages by packet."""

    def __init__(self, path):
        self.feeds, self.packets, self.messages = {}, collections.defaultdict(list), collections.defaultdict(list)
        with open(path, encoding="ascii") as file:
            for text in file:
                record = json.loads(text)
                kind = record["is"]
                if kind == "feed":
                    self.feeds[record["feed"]] = record
                if kind not in ("packet", "message"):
                    continue
                channel = (record["session"], record["channel"], record.get("epoch", 0))
                if kind == "packet":
                    self.packets[record["feed"]].append(Packet(record["packet"], channel, record["control"], record["first"], record["count"]))
                else:
                    self.messages[record["packet"]].append(record)

    def came(self, feed):
        """Packets as arbitration passes them: data once, everything else on each line."""
        seen = set()
        for packet in self.packets[feed]:
            if packet.control != "data" or packet.number not in seen:
                yield packet
            seen.add(packet.number)

    def missing(self, feed):
        """How many numbers came on no line, between the first one of their channel and what came next at its end."""
        found, first, after = collections.defaultdict(set), {}, {}
        for p in self.packets[feed]:
            if p.control == "unsequenced":
                continue
            found[p.channel].update(range(p.first, p.first + p.count))
            first[p.channel] = min(first.get(p.channel, p.first), p.first)
            after[p.channel] = max(after.get(p.channel, 0), p.first + p.count)
        return sum(len(set(range(first[s], after[s])) - found[s]) for s in first)


def generate(folder, protocol, *options, packets=4000):
    """Two lines of a protocol on two channels, and the truth."""
    truth = os.path.join(folder, "truth")
    line = [lib.binary("feedgate-gen"), "-o", os.path.join(folder, "day"), "--packets", str(packets), "--channels", "2", "--instruments", "20",
            "--mix", f"{protocol}=1", "--rate", "20000", "--truth", truth, *options]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Truth(truth)


def config(folder, truth, subscription="", options="arbitrate: true"):
    """A feed and a rule for each feed of the truth."""
    text = f"sources:\n  - {{name: a, replay: {{path: {folder}/day-a.pcap, rate: recorded}}, line: A}}\n"
    text += f"  - {{name: b, replay: {{path: {folder}/day-b.pcap, rate: recorded}}, line: B}}\n"
    text += f"sinks:\n  - {{name: seen, count: {{}}}}\nevents: {folder}/gaps.json\nfeeds:\n"
    rules = "rules:\n"
    for name, feed in truth.feeds.items():
        text += f"  - {{name: {name}, protocol: {feed['protocol']}, {options}}}\n"
        groups = ", ".join(sorted({line["group"] for line in feed["lines"].values()}))
        ports = ", ".join(sorted({str(line["port"]) for line in feed["lines"].values()}))
        rules += f"  - {{name: {name}, match: {{ipv4: {{dst: [{groups}]}}, udp: {{dst: [{ports}]}}}}, feed: {name}, to: seen{subscription}}}\n"
    return text + rules


@lib.each(*PROTOCOLS)
def test_lost(folder, protocol):
    """Two lines with losses of their own: what neither brought is unrecovered, and nothing else."""
    truth = generate(folder, protocol, "--loss-a", "40000", "--loss-b", "40000")
    assert sum(truth.missing(name) for name in truth.feeds) > 0, "nothing is missing: the test shows nothing"
    result = lib.run(folder, config(folder, truth), workers=1)
    lib.check_done(result)
    for name in truth.feeds:
        feed = result.summary["feeds"][name]
        assert feed["packets"] == len(truth.packets[name]), (name, feed["packets"], len(truth.packets[name]))
        assert feed["wrong_protocol"] == feed["truncated"] == feed["malformed"] == 0, feed
        assert feed["unrecovered"] == truth.missing(name), (name, feed["unrecovered"], truth.missing(name))
        assert feed["jumped_over"] == feed["gaps_open"] == 0, feed
        passed = sum(1 for _ in truth.came(name))
        rule = result.summary["rules"][name]
        assert rule["packets"] - rule["duplicates"] - rule["unmatched"] == passed, (name, rule, passed)


def matches(message, names, key):
    """Is a message of one of these instruments, or of none?"""
    mine = message[key] if message.get(key) else message.get("symbols", [])
    return not mine or mine == ["0"] or bool(names & set(mine))


@lib.each(*[(protocol, "instruments") for protocol in NAMING], *[(protocol, "symbols") for protocol in SYMBOLIC])
def test_matched(folder, protocol, key):
    """Packets of two instruments, by number or symbol as the feed names them, or by a symbol or order that it maps, maybe in a gap."""
    truth = generate(folder, protocol, "--loss-a", "20000")
    found = collections.Counter(name for messages in truth.messages.values() for m in messages if m["control"] == "data"
                                for name in m.get(key) or m.get("symbols", []) if name != "0")
    names = {name for name, _ in found.most_common()[len(found) // 2:][:2]}
    assert len(names) == 2, found
    listed = ", ".join(json.dumps(name) for name in sorted(names))
    result = lib.run(folder, config(folder, truth, f", instruments: [{listed}], unmapped: drop",
                                    "arbitrate: true, reorder: hold, hold_us: 500000, hold_packets: 4096"), workers=1)
    lib.check_done(result)
    some = 0
    for name in truth.feeds:
        packets = [(p, truth.messages.get(p.number, [])) for p in truth.came(name)]
        chosen = [sum(matches(m, names, key) for m in messages) for _, messages in packets]
        feed, rule = result.summary["feeds"][name], result.summary["rules"][name]
        assert feed["unrecovered"] == 0 and feed["messages"] == sum(len(m) for _, m in packets), (name, feed)
        assert feed["matched"] == sum(chosen), (name, feed["matched"], sum(chosen))
        passed = sum(n > 0 or p.control in ("reset", "end") for n, (p, _) in zip(chosen, packets))
        assert rule["packets"] - rule["duplicates"] - rule["unmatched"] == passed, (name, rule, passed)
        some += 0 < passed < len(packets)
    assert some, "every packet or none matched: the test shows nothing"


if __name__ == "__main__":
    lib.main()
