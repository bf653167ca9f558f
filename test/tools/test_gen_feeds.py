#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""feedgate-gen's feeds and lines: captures against the truth file, by independent decoders.

usage: test_gen_feeds.py FEEDGATE_GEN

Exit status 0: all checks hold; 1: one does not.
"""
import collections
import hashlib
import ipaddress
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from feed_decoders import DATA, DECODERS, END, HEARTBEAT, RESET, UNSEQUENCED, text

CONTROLS = {"data": DATA, "heartbeat": HEARTBEAT, "reset": RESET, "end": END, "unsequenced": UNSEQUENCED}

Feed = collections.namedtuple("Feed", "protocol types controls per_packet directory")
# By name in --mix: protocol, message types, kinds of packets, whether numbers count packets; of the messages that map symbols: type, and
# layout of number and symbol.
FEEDS = {
    "itch50": Feed("itch50", "S V R H Y L A F E C X D U P I", "data heartbeat end", False, ("R", ">xH8x8s")),
    "cme": Feed("cme_mdp3", "4 12 30 37 46 47 48 49", "data reset", True, None),
    "cme_mdp3": Feed("cme_mdp3", "4 12 30 37 46 47 48 49 54", "data reset", True, ("54", "<45x20sI")),
    "moldudp64": Feed("moldudp64", "M T x -", "data heartbeat end", False, None),
    "iex_tp": Feed("iex_tp", "D S H I O P E Q 8 5 T B X A a M R L C", "data heartbeat", False, None),
    "nyse_pillar": Feed("nyse_pillar", "1 2 3 32 34 100 101 102 103 104 105 106 110 111 112 113 114 140 223",
                        "data heartbeat reset unsequenced", False, ("3", "<4xI11s")),
    "cboe_pitch": Feed("cboe_pitch", "32 33 34 35 36 37 38 39 40 41 42 43 44 46 47 48 49 149 150 151 152",
                       "data heartbeat unsequenced", False, None),
    "eurex_eobi": Feed("eurex_eobi", "13001 13100 13101 13102 13103 13104 13105 13106 13201 13202 13300 13301 13302 13500 13501 "
                       "13503 13504", "data", True, None),
    "opra": Feed("opra", "k q a d f Y C H", "data heartbeat end", False, None),
    "cta": Feed("cta", "AS MK MV QL QS TC TE TH TL TR TS TT CA CT CZ", "data heartbeat reset end", False, None),
    "ice_impact": Feed("ice_impact", "E F G C D J K N U g T L W b i", "data heartbeat", False, None),
    "miax_mach": Feed("miax_mach", "B O W A d D T 1 -", "data heartbeat reset end", False, None),
    "memx_memoir": Feed("memx_memoir", "2 3 5 10 11 12 13", "data heartbeat end", False, None),
    "b3_umdf": Feed("b3_umdf", "2 11 50 51 53 55", "data heartbeat", True, None),
    "deribit": Feed("deribit", "1000 1001 1002 1003 1004 1005 1006 1008 1009", "data", True, None),
}
NO_RESET, NO_HEARTBEAT = ("cboe_pitch", "deribit"), ("deribit",)
COMMON = ["--packets", "4000", "--channels", "5", "--instruments", "23"]
MESSAGES = [name for name, feed in FEEDS.items() if not feed.per_packet]

checks = 0


def check(good, what):
    global checks
    checks += 1
    if not good:
        print(f"FAILED: {what}")
        sys.exit(1)


def passed(what):
    print(f"ok: {what}")


def run(*args, **more):
    return subprocess.run([GEN, *map(str, args)], capture_output=True, text=True, timeout=300, check=False, **more)


class Made:
    """The files of a run: the truth, and the capture of each line."""

    def __init__(self, prefix, *args):
        done = run("-o", prefix, "--truth", f"{prefix}.truth", "--summary", f"{prefix}.json", *args)
        check(done.returncode == 0 and not done.stdout and not done.stderr, f"{args}: {done}")
        self.summary = json.loads(pathlib.Path(f"{prefix}.json").read_text(encoding="ascii"))
        self.files = [pathlib.Path(f"{prefix}.truth")]
        self.feeds, self.messages, self.sent, self.lost = {}, [], collections.defaultdict(list), collections.defaultdict(list)
        for number, row in enumerate(self.files[0].read_text(encoding="ascii").splitlines()):
            self.take(number, json.loads(row))
        self.captures = {}
        for line in self.summary["lines"]:
            self.files.append(pathlib.Path(f"{prefix}-{line}.pcap"))
            self.captures[line] = read_pcap(self.files[-1])
            check([p["index"] for p in self.sent[line]] == list(range(len(self.captures[line]))), f"{args}: line {line}: every packet")

    def take(self, number, row):
        kind = row["is"]
        check((kind == "gen") == (number == 0), "gen is the first line")
        if kind == "gen":
            check(row["format"] == 1, row)
        elif kind == "feed":
            self.feeds[row["feed"]] = row
        elif kind == "message":
            self.messages.append(row)
        elif kind == "lost":
            self.lost[row["line"]].append(row)
        else:
            check(kind in ("packet", "other"), row)
            self.sent[row["line"]].append(row)

    def packets(self, line):
        """(record of the truth, time, payload) of each feed packet of a line."""
        for said, (time_ns, frame) in zip(self.sent[line], self.captures[line]):
            check(said["time_ns"] == time_ns, f"time of {said}")
            if said["is"] == "packet":
                yield said, time_ns, self.payload(line, said, frame)

    def payload(self, line, said, frame):
        to = self.feeds[said["feed"]]["lines"][line]
        check(frame[12:15] == b"\x08\x00\x45" and frame[23] == 17, f"UDP over IPv4: {said}")
        check(str(ipaddress.ip_address(frame[30:34])) == to["group"], f"group of {said}")
        port, length = struct.unpack_from(">HH", frame, 36)
        check(port == to["port"], f"port of {said}")
        return frame[42:34 + length]

    def digest(self):
        """A hash of all files, without the first line of the truth, which has the version."""
        truth, *captures = (path.read_bytes() for path in self.files)
        return hashlib.sha256(b"".join([truth.split(b"\n", 1)[1], *captures])).hexdigest()


def read_pcap(path):
    """(ns, frame) of each packet."""
    data, at, packets = path.read_bytes(), 24, []
    check(struct.unpack_from("<I", data)[0] == 0xa1b23c4d, f"{path}: nanosecond pcap")
    while at < len(data):
        seconds, ns, size, _ = struct.unpack_from("<IIII", data, at)
        packets.append((seconds * 10**9 + ns, data[at + 16:at + 16 + size]))
        at += 16 + size
    return packets


def channel(said):
    """The channel of a record of the truth."""
    return said["feed"], said["session"], said["channel"], said["epoch"]


def same_packet(said, got):
    """Compare a packet of the truth with one decoded."""
    session = got.session.rstrip(b"\0").hex()
    check((session, got.channel, got.first, got.count, got.kind) ==
          (said["session"], said["channel"], said["first"], said["count"], CONTROLS[said["control"]]), f"{said}: {got}")


def same_message(said, got):
    """Compare a message of the truth with [type, length, instruments, maybe order]."""
    have = [said["type"], said["len"], said["instruments"]] + ([said["order"]] if "order" in said else [])
    check(have == [got[0], got[1], [str(i) for i in got[2]], *got[3:]], f"{said}: {got}")


def test_protocol(tmp, name):
    feed = FEEDS[name]
    made = Made(tmp / name, "--mix", f"{name}=1", *COMMON)
    check({row["protocol"] for row in made.feeds.values()} == {feed.protocol}, f"{name}: protocol")
    by_packet = collections.defaultdict(list)
    for m in made.messages:
        check(m["index"] == len(by_packet[m["packet"]]), f"{m}: index")
        by_packet[m["packet"]].append(m)
    controls, types, busy = collections.Counter(), collections.Counter(), set()
    following = {}
    for line in "ab":
        for number, (said, _, payload) in enumerate(made.packets(line)):
            check(said["packet"] == number, f"{said}: no losses, no other order")
            got = DECODERS[feed.protocol](payload)
            same_packet(said, got)
            messages = by_packet[said["packet"]]
            check(len(messages) == len(got.messages), f"{said}: {len(messages)} messages, {got}")
            if line == "b":
                continue
            controls[said["control"]] += 1
            if said["control"] != "unsequenced":
                check(following.get(channel(said), got.first) == got.first, f"{said}: {following.get(channel(said))} was due")
                following[channel(said)] = got.first + got.count
            for m, have in zip(messages, got.messages):
                same_message(m, have)
                numbered = said["control"] == "data" and not feed.per_packet
                check(m["sequence"] == got.first + (m["index"] if numbered else 0) and channel(m) == channel(said), f"{m}: sequence")
                types[m["type"]] += 1
            busy.add(len({i for m in messages for i in m["instruments"]}) > 1)
    check(set(types) == set(feed.types.split()), f"{name}: {sorted(types)}")
    check(set(controls) == set(feed.controls.split()), f"{name}: {controls}")
    check(len(following) == 5 and busy == ({False} if name == "moldudp64" else {False, True}), f"{name}: {len(following)} channels")
    check_symbols(made, name)
    passed(f"{name}: {sum(controls.values())} packets, {sum(types.values())} messages of {len(types)} types, {dict(controls)}")


def directory(made, name):
    """(feed, number as text) -> symbol, read from the messages that map them."""
    kind, layout = FEEDS[name].directory
    symbols = {}
    head = {"itch50": 20, "cme_mdp3": 12, "nyse_pillar": 16}[name]
    step = {"itch50": (">H", 2, 2), "cme_mdp3": ("<H", 0, 0), "nyse_pillar": ("<H", 0, 0)}[name]
    where = {"itch50": (">B", 2), "cme_mdp3": ("<H", 4), "nyse_pillar": ("<H", 2)}[name]
    for said, _, payload in made.packets("a"):
        at = head
        while said["control"] in ("data", "reset") and at < len(payload):
            size = struct.unpack_from(step[0], payload, at)[0] + step[1]
            found = struct.unpack_from(where[0], payload, at + where[1])[0]
            if kind in (str(found), chr(found) if found < 127 else ""):
                fields = struct.unpack_from(layout, payload, at + step[2])
                number, symbol = fields if isinstance(fields[0], int) else fields[::-1]
                symbols[said["feed"], str(number)] = text(symbol)
            at += size
    return symbols


def check_symbols(made, name):
    """Symbols: mapped by the feed, or those of orders."""
    orders, known = {}, directory(made, name) if FEEDS[name].directory else {}
    check(not FEEDS[name].directory or len(known) == 23 == len(set(known.values())), f"{name}: directory: {known}")
    for m in made.messages:
        if FEEDS[name].directory:
            expected = [known[m["feed"], i] for i in m["instruments"]]
        elif name in ("iex_tp", "cboe_pitch", "opra", "cta"):
            expected = m["instruments"]
        else:
            expected = []
        key = m["feed"], m["channel"], m.get("order")
        if name == "cboe_pitch" and m["type"] in ("33", "34", "47"):
            check(key not in orders, f"{m}: added twice")
            orders[key] = m["instruments"]
        if name == "cboe_pitch" and "order" in m and not m["instruments"]:
            expected = orders.pop(key) if m["type"] == "41" else orders[key]
        check(m.get("symbols", []) == expected, f"{m}: {expected}")


EFFECTS = ["--loss-a", "30000", "--loss-burst-a", "4", "--loss-b", "100000", "--reorder-b", "50000", "--reorder-depth-b", "4",
           "--duplicate-a", "20000", "--jitter-a", "60000", "--jitter-b", "60000"]


def numbers(row):
    """The sequence numbers of a data packet, each with its channel."""
    return [(channel(row), row["first"] + i) for i in range(row["count"])] if row["control"] == "data" else []


def test_effects(tmp, name):
    """Losses, copies and late packets are those of the truth."""
    feed = FEEDS[name]
    repack = ["--repack-b"] if not feed.per_packet else []
    reset = ["--reset-after", "400"] if name not in NO_RESET else []
    made = Made(tmp / f"{name}-effects", "--mix", f"{name}=9,other=1", *COMMON, *EFFECTS, *repack, *reset)
    texts = {}
    for m in made.messages:
        if m["control"] == "data" and not feed.per_packet:
            texts[channel(m), m["sequence"]] = m
    expected = {line: collections.Counter() for line in "ab"}
    seen = {line: set() for line in "ab"}
    for line in "ab":
        last = collections.defaultdict(int)
        for said, _, payload in made.packets(line):
            got = DECODERS[feed.protocol](payload)
            same_packet(said, got)
            check(not said.get("copy") or (payload, said["first"]) == last["payload"], f"{said}: copy of the one before it")
            last["payload"] = payload, said["first"]
            if not said.get("copy"):
                expected[line].update(numbers(said))
            seen[line].update(numbers(said))
            if said["control"] == "data" and not feed.per_packet:
                for i, have in enumerate(got.messages):
                    same_message(texts[channel(said), said["first"] + i], have)
        for row in made.lost[line]:
            expected[line].update(numbers(row))
    every = set(expected["a"])
    check(not feed.per_packet and every == set(texts) or feed.per_packet, f"{name}: every message")
    check(every == set(expected["b"]) and set(expected["a"].values()) == set(expected["b"].values()) == {1},
          f"{name}: each number is in one packet sent or lost")
    check(not reset or {s[0][3] for s in every} >= {0, 1}, f"{name}: channels are reset")
    check(seen["a"] != seen["b"] and seen["a"] | seen["b"] < every, f"{name}: losses on one line and on both")
    check_counts(made, name)
    if repack:
        bounds = {line: {(channel(p), p["first"], p["count"]) for p in made.sent[line] + made.lost[line]
                         if p.get("control") == "data"} for line in "ab"}
        check(len(bounds["a"] - bounds["b"]) > len(bounds["a"]) / 2, f"{name}: other packets on B")
    return len(every - seen["a"] - seen["b"]), len(every)


def check_counts(made, name):
    for line in "ab":
        sent = [p for p in made.sent[line] if p["is"] == "packet"]
        said = made.summary["lines"][line]
        copies, late = (sum(bool(p.get(k)) for p in sent) for k in ("copy", "late"))
        check((said.get("copies", 0), said.get("late", 0)) == (copies, late), f"{name}: line {line}: summary: {copies} {late}")
        check((copies > 0, late > 0) == ((True, False) if line == "a" else (False, True)), f"{name}: {line}: {copies} {late}")
        kinds = {k: v for k, v in said["kinds"].items() if k == name or FEEDS[name].protocol == k or k == "itch"}
        check(sum(k["packets"] for k in kinds.values()) == len(sent), f"{name}: line {line}: packets in the summary")
        check(sum(k["lost"] for k in kinds.values()) == len(made.lost[line]), f"{name}: line {line}: losses in the summary")
        others = collections.Counter(p["kind"] for p in made.sent[line] if p["is"] == "other")
        check(others == {k: v["packets"] for k, v in said["kinds"].items() if k not in kinds and v["packets"]}, f"{name}: others")


def test_arbiter(tmp):
    """Runs of losses, depth of reordering, overtaking, delay; eight lines, and one."""
    args = ["--mix", "itch=1", "--packets", "20000", "--channels", "2"]
    made = Made(tmp / "eight", *args, "--lines", "8", "--loss-c", "100000", "--loss-burst-c", "5", "--reorder-d", "100000",
                "--reorder-depth-d", "2", "--delay-e", "500000", "--jitter-e", "1", "--jitter-f", "50000", "--jitter-g", "50000",
                "--loss-h", "1000000")
    check(list(made.captures) == list("abcdefgh") and not made.captures["h"], "eight lines, the last one dead")
    lost = {p["packet"] for p in made.lost["c"]}
    runs = sum(p - 1 not in lost for p in lost)
    check(1500 < len(lost) < 2500 and 4.5 < len(lost) / runs < 6.5, f"{len(lost)} lost in {runs} runs")
    check_late(made, "d", 2)
    times = {line: {p["packet"]: p["time_ns"] for p in made.sent[line]} for line in "aefg"}
    shift = [times["e"][n] - times["a"][n] for n in times["a"]]
    check(470000 < min(shift) and max(shift) < 490000, f"delay of E: {min(shift)} to {max(shift)}")
    first = sum(times["f"][n] < times["g"][n] for n in times["f"])
    check(5000 < first < 15000, f"F is ahead of G {first} times")
    for line in "aefg":
        check(sorted(times[line].values()) == list(times[line].values()), f"line {line} keeps its order")
    groups = {tuple(at.values()) for row in made.feeds.values() for at in row["lines"].values()}
    check(len(groups) == 16, "each line has groups of its own")
    one = Made(tmp / "one", *args, "--lines", "1")
    check(one.captures["a"] == made.captures["a"], "other lines leave A as it was")
    passed(f"lines: {len(lost)} packets lost in {runs} runs, delays, overtaking, eight lines and one")


def check_late(made, line, depth):
    before, late = collections.defaultdict(list), 0
    for p in made.sent[line]:
        if p.get("late"):
            late += 1
            over = sum(n > p["packet"] for n in before[p["feed"]])
            check(1 <= over <= 2 * depth, f"{p}: overtaken by {over}")
        before[p["feed"]].append(p["packet"])
    check(late > 1000, f"{late} late packets")
    check([p["packet"] for p in made.sent[line] if not p.get("late")] ==
          sorted(p["packet"] for p in made.sent[line] if not p.get("late")), "the others keep their order")


def test_reset(tmp, name):
    made = Made(tmp / f"{name}-reset", "--mix", f"{name}=1", *COMMON, "--reset-after", "100")
    epochs = collections.defaultdict(list)
    for said, _, _ in made.packets("a"):
        epochs[said["feed"], said["channel"]].append((said["epoch"], said["control"], said["first"], said["session"]))
    for key, rows in epochs.items():
        count = collections.Counter(row[0] for row in rows)
        check(len(count) > 3 and all(n == 100 or n == 101 for e, n in count.items() if e < max(count)), f"{name} {key}: {count}")
        check([row[0] for row in rows] == sorted(row[0] for row in rows), f"{name} {key}: epochs in order")
        firsts = {epoch: [row for row in rows if row[0] == epoch] for epoch in count}
        sessions = [part[0][3] for part in firsts.values()]
        for epoch, part in firsts.items():
            check(part[0][2] == (2 if part[0][1] == "reset" and FEEDS[name].protocol in
                                 ("cme_mdp3", "nyse_pillar", "eurex_eobi", "b3_umdf") else 1), f"{name} {key}: {part[0]}")
            ends = "end" in FEEDS[name].controls
            check(epoch == max(count) or (part[-1][1] == "end") == ends, f"{name} {key}: ends with {part[-1]}")
        check(len(set(sessions)) == (len(sessions) if sessions[0] and name != "moldudp64" else len(set(sessions))), f"{name}: sessions")
        check(any(part[0][1] == "reset" for part in firsts.values()) or len(set(sessions)) > 1, f"{name} {key}: sees it start anew")
    return len(epochs)


def test_heartbeats(tmp, name):
    limit = 2000000
    made = Made(tmp / f"{name}-beat", "--mix", f"{name}=1", "--packets", "3000", "--channels", "5", "--instruments", "23", "--rate",
                "1000", "--heartbeat", str(limit), "--jitter-a", "1")
    last, gaps = {}, []
    for said, time_ns, _ in made.packets("a"):
        key = said["feed"], said["channel"]
        if said["control"] != "end":
            gaps.append(time_ns - last.get(key, time_ns))
        last[key] = time_ns
    check(max(gaps) <= limit + 100 and sum(g >= limit - 100 for g in gaps) > 100, f"{name}: silent for {max(gaps)} ns")
    check(len(made.captures["a"]) == 3000, f"{name}: heartbeats count as packets")


def test_burst(tmp):
    made = Made(tmp / "burst", "--mix", "nyse_pillar=1", "--packets", "5000", "--burst", "50", "--jitter-a", "1", "--rate", "100000")
    times = made.captures["a"]
    close = 0
    for (before, frame), (after, _) in zip(times, times[1:]):
        wire_ns = (len(frame) + 24) * 0.8
        close += abs(after - before - wire_ns) <= 1
    check(close >= 5000 / 50 * 49 - 50, f"{close} packets back to back")
    mean = (times[-1][0] - times[0][0]) / 5000
    check(9000 < mean < 10500, f"{mean} ns a packet")
    passed(f"bursts: {close} of 5000 packets as close as 10 Gbit/s has them")


def test_determinism(tmp):
    args = ["--mix", ",".join(f"{name}=1" for name in MESSAGES) + ",other=1", *COMMON, *EFFECTS, "--repack-b"]
    more = ["--mix", ",".join(f"{name}=1" for name in FEEDS), *COMMON, *EFFECTS]
    one, two = (Made(tmp / name, *args).digest() for name in ("one", "two"))
    check(one == two, "same options, same captures and truth")
    check(Made(tmp / "other", *args, "--seed", "2").digest() != one, "another seed, others")
    three = Made(tmp / "three", *more)
    check({p["protocol"] for p in three.sent["a"]} == {feed.protocol for feed in FEEDS.values()}, "all protocols at once")
    plain = tmp / "plain"
    done = run("-o", plain, *args, "--summary", tmp / "plain.json")
    check(done.returncode == 0 and all((tmp / f"plain-{line}.pcap").read_bytes() == (tmp / f"one-{line}.pcap").read_bytes()
                                       for line in "ab"), "the truth changes nothing")
    # Of a build that passed these tests: other machines must make the same bytes.
    pinned = {"one": "028640d7b27112c0ef6c724f2a3ccc0b96c16e8ad7bdef1f53e778980b2fd182", "three": "e3d47ea6365a6d1b97e8d9e9c1f402fa08eb3a0f86198baa3f14c857194a25e1"}
    check({"one": one, "three": three.digest()} == pinned, f"the bytes of seed 1: {one} {three.digest()}")
    passed("same options, same bytes; every protocol in one run")


def test_usage(tmp):
    wrong = {
        "--loss-c: there are only 2 lines": ["--loss-c", "5"],
        "--repack-b: there are only 1 lines": ["--lines", "1", "--repack-b"],
        "--lines: '9' is not a number from 1 to 8": ["--lines", "9"],
        "--lines: '0' is not a number from 1 to 8": ["--lines", "0"],
        "--loss-burst-a: only with --loss-a": ["--loss-burst-a", "3"],
        "--loss-burst-b: only with --loss-b": ["--loss-a", "9", "--loss-burst-b", "3"],
        "--reorder-depth-b: only with --reorder-b": ["--reorder-depth-b", "3"],
        "--reorder-depth-a: '65' is not a number from 1 to 64": ["--reorder-a", "9", "--reorder-depth-a", "65"],
        "--loss-burst-a: '0' is not a number from 1 to 10000": ["--loss-a", "9", "--loss-burst-a", "0"],
        "--jitter-b: '0' is not a number from 1 to 1000000000": ["--jitter-b", "0"],
        "--delay-a: '-1' is not a number from 0 to 1000000000": ["--delay-a", "-1"],
        "--duplicate-a: '1000001' is not a number from 0 to 1000000": ["--duplicate-a", "1000001"],
        "--repack-b: not with cme, whose sequence numbers count packets": ["--repack-b"],
        "--repack-a: not with deribit, whose sequence numbers count packets": ["--repack-a", "--mix", "opra=1,deribit=1"],
        "--reset-after: not with cboe_pitch, which has no reset": ["--reset-after", "9", "--mix", "cboe_pitch=1"],
        "--reset-after: '1' is not a number from 2 to 4294967295": ["--reset-after", "1"],
        "--heartbeat: not with deribit, which has no heartbeats": ["--heartbeat", "5000", "--mix", "deribit=1"],
        "--heartbeat: '999' is not a number from 1000 to 1000000000000": ["--heartbeat", "999"],
        "--burst: '1' is not a number from 2 to 100000": ["--burst", "1"],
        "--mix: 'itch50' is given twice": ["--mix", "itch=1,itch50=1"],
        "--mix: unknown kind 'nyse'; --help lists them": ["--mix", "nyse=1"],
    }
    for said, args in wrong.items():
        done = run("-o", tmp / "x", *args)
        check((done.returncode, done.stdout, done.stderr) == (2, "", f"feedgate-gen: {said}\n"), f"{args}: {done}")
    for args in (["--truth", "t"], ["--loss-c", "5"], ["--repack-a"], ["--lines", "3"]):
        done = run("--classbench", "acl", "--rules", tmp / "x", *args)
        check(done.returncode == 2 and "not with --classbench" in done.stderr, f"{args}: {done}")
    check(not list(tmp.iterdir()), "wrong usage leaves no files")
    for path, why in (("/dev/full", "No space left on device"), (tmp / "none" / "t", "No such file or directory")):
        done = run("-o", tmp / "x", "--packets", "5000", "--truth", path)
        check(done.returncode == 1 and done.stderr == f"feedgate-gen: {path}: {why}\n", f"{path}: {done}")
    shown = run("--help").stdout
    check(all(name in shown for name in list(FEEDS)[1:]) and "--reorder-depth-a" in shown and "--truth" in shown, "--help is whole")
    passed(f"{len(wrong) + 4} wrong command lines, each with its reason")


def test_tshark(tmp):
    """MoldUDP64 by tshark, on a line that repacks."""
    if not shutil.which("tshark"):
        print("tshark is not installed: no second opinion")
        return
    made = Made(tmp / "mold", "--mix", "moldudp64=1,itch50=1", *COMMON, "--repack-b")
    ports = {at["port"] for row in made.feeds.values() for at in row["lines"].values()}
    fields = ["moldudp64.session", "moldudp64.sequence", "moldudp64.count"]
    command = ["tshark", "-n", "-r", tmp / "mold-b.pcap", "-T", "fields", "-E", "occurrence=f", "-E", "separator=|"]
    for port in ports:
        command += ["-d", f"udp.port=={port},moldudp64"]
    for field in fields + ["_ws.malformed"]:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    rows = [row.split("|") for row in done.stdout.splitlines()]
    check(len(rows) == len(made.sent["b"]), "tshark: as many packets")
    for said, (session, sequence, count, malformed) in zip(made.sent["b"], rows):
        expected = 0xffff if said["control"] == "end" else said["count"]
        check((session, int(sequence), int(count), malformed) ==
              (bytes.fromhex(said["session"]).decode(), said["first"], expected, ""), f"tshark: {said}: {session} {sequence} {count}")
    passed(f"tshark agrees on {len(rows)} MoldUDP64 packets of a line that repacks")


def main():
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        (tmp / "usage").mkdir()
        test_usage(tmp / "usage")
        for name in FEEDS:
            test_protocol(tmp, name)
        for name in FEEDS:
            both, total = test_effects(tmp, name)
            print(f"ok: {name}: of {total} sequence numbers {both} are lost on both lines, all accounted for")
        passed(f"{sum(test_reset(tmp, name) for name in FEEDS if name not in NO_RESET)} channels are reset")
        for name in FEEDS:
            if name not in NO_HEARTBEAT:
                test_heartbeats(tmp, name)
        passed("no channel is silent for longer than --heartbeat")
        test_arbiter(tmp)
        test_burst(tmp)
        test_tshark(tmp)
        test_determinism(tmp)
    print(f"{checks} checks")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    GEN = os.path.abspath(sys.argv[1])
    sys.exit(main())
