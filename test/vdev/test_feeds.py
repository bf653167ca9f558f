#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Feeds through the whole program: arbitration, gaps and their blame, message filters, event logs, console, refusals.

Expected values are computed here from the captures, by independent readers of MoldUDP64, ITCH and MDP 3.0 headers.
"""
import collections
import json
import os
import re
import struct
import subprocess
import sys
import time

import pexpect

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402

PROMPT = "feedgate> "
ITCH = "{ipv4: {dst: [233.54.12.0/24, 233.49.196.0/24]}, udp: {}}"
CME = "{ipv4: {dst: [224.0.31.1, 224.0.32.1]}, udp: {}}"
CONFIG = """sources:
  - {name: day-a, replay: {path: DIR/day-a.pcap, rate: RATE}, line: A}
  - {name: day-b, replay: {path: DIR/day-b.pcap, rate: RATE}, line: B}
pipeline: {ring_slots: SLOTS}
events: DIR/gaps.json
sinks:
  - {name: kept, pcapng: DIR/kept.pcapng}
  - {name: seen, count: {}}
feeds:
  - {name: itch, protocol: itch50, OPTIONS}
  - {name: cme, protocol: cme_mdp3, OPTIONS}
  - {name: other}
rules:
  - {name: itch, match: ITCH, feed: itch, to: kept, SUBSCRIPTION}
  - {name: cme, match: CME, feed: cme, to: seen}
"""


def config(folder, options="arbitrate: true", subscription="", rate="recorded", slots=65536):
    """The configuration above with its gaps filled."""
    text = CONFIG.replace(", SUBSCRIPTION", f", {subscription}" if subscription else "").replace("OPTIONS", options)
    for name, value in (("RATE", rate), ("SLOTS", str(slots)), ("ITCH", ITCH), ("CME", CME), ("DIR", folder)):
        text = text.replace(name, value)
    return text


def generate(folder, *options, packets=20000):
    """day-a.pcap and day-b.pcap: ITCH on two channels, MDP on two channels, of which the tests look at one."""
    line = [lib.binary("feedgate-gen"), "-o", os.path.join(folder, "day"), "--packets", str(packets), "--channels", "2",
            "--instruments", "20", "--mix", "itch=70,cme=30", "--rate", "50000", *options]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


Mold = collections.namedtuple("Mold", "session first count messages")


def mold(payload):
    """A MoldUDP64 packet; count 0 is a heartbeat, 0xffff the end of the session."""
    session, first, count = struct.unpack(">10sQH", payload[:20])
    messages, at = [], 20
    for _ in range(count if count != 0xFFFF else 0):
        length = struct.unpack(">H", payload[at:at + 2])[0]
        messages.append(payload[at + 2:at + 2 + length])
        at += 2 + length
    assert at == len(payload), "the generator's packet is not whole"
    return Mold(session.decode(), first, count, messages)


def payloads(path, groups):
    """UDP payloads sent to groups: the first bytes of the addresses."""
    link, packets = oracle.read_capture(path)
    assert link == oracle.ETHERNET
    return [p.data[42:] for p in packets if p.data[12:14] == b"\x08\x00" and p.data[23] == 17 and p.data[30:33] in groups]


def itch_of(folder, line):
    """ITCH packets of a line's capture."""
    group = {"a": b"\xe9\x36\x0c", "b": b"\xe9\x31\xc4"}[line]
    return [mold(p) for p in payloads(os.path.join(folder, f"day-{line}.pcap"), [group])]


def cme_of(folder, line):
    """Sequence numbers and template of the first message of the MDP packets on the first channel."""
    group = {"a": b"\xe0\x00\x1f", "b": b"\xe0\x00\x20"}[line]
    link, packets = oracle.read_capture(os.path.join(folder, f"day-{line}.pcap"))
    assert link == oracle.ETHERNET
    return [struct.unpack("<I", p.data[42:46])[0] for p in packets if p.data[30:33] == group and p.data[33] == 1]


def numbers(packets):
    """{(session, number)} that packets bring."""
    return {(p.session, p.first + i) for p in packets for i in range(len(p.messages))}


def missing(packets):
    """What no packet brings, from the first number to what the last one says comes next, by session."""
    found, first, after = numbers(packets), {}, {}
    for p in packets:
        first[p.session] = min(first.get(p.session, p.first), p.first)
        after[p.session] = max(after.get(p.session, 0), p.first + len(p.messages))
    return {(s, n) for s in first for n in range(first[s], after[s])} - found


def events(folder, name="gaps.json"):
    """The events of a log, each of which is one whole line."""
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def kept_itch(folder):
    """ITCH packets that the sink kept, in order."""
    return [mold(p) for p in payloads(os.path.join(folder, "kept.pcapng"), [b"\xe9\x36\x0c", b"\xe9\x31\xc4"])]


def check_lines(feed, brought):
    """First and duplicate numbers: each number arrived first once, and lines brought what is in their captures."""
    for name, found in brought.items():
        line = feed["lines"][name]
        assert line["first_numbers"] + line["duplicate_numbers"] == sum(found.values()), (name, line)
        races = sum(line["leads"])
        assert races <= line["first_arrivals"], line
    union = set().union(*brought.values())
    assert sum(line["first_numbers"] for line in feed["lines"].values()) == len(union), (feed, len(union))
    duplicates = sum(line["duplicates"] for line in feed["lines"].values())
    measured = sum(sum(line["leads"]) + line["unmeasured"] for line in feed["lines"].values())
    assert measured == duplicates, (measured, duplicates)


@lib.each((0, "none", 1), (1, "none", 1), (1, "hold", 1), (2, "hold", 1), (0, "none", 2), (0, "hold", 2), (1, "hold", 2))
def test_arbitrate(folder, workers, reorder, rx_lcores):
    """Of two lines with losses each number comes once, in order if so wished; what both lost is lost, and no more."""
    generate(folder, "--loss-a", "30000", "--loss-b", "30000")
    both = {line: itch_of(folder, line) for line in "ab"}
    gone = missing(both["a"] + both["b"])
    assert gone, "the captures must lack something on both lines"
    result = lib.run(folder, config(folder, f"arbitrate: true, reorder: {reorder}, hold_us: 1000000, hold_packets: 65536, window: 128K"),
                     workers=workers, eal=["--lcores", lib.LCORES[rx_lcores - 1 + workers]])
    lib.check_done(result)
    feed = result.summary["feeds"]["itch"]
    assert feed["packets"] == sum(map(len, both.values())), feed
    brought = {line.upper(): collections.Counter((p.session, p.first + i) for p in packets for i in range(len(p.messages)))
               for line, packets in both.items()}
    check_lines(feed, brought)
    assert feed["unrecovered"] == feed["missing"] - feed["filled_late"] == len(gone), (feed, len(gone))
    assert feed["gaps_opened"] >= feed["gaps_closed_other"] + feed["gaps_closed_late"], feed
    assert feed["gaps_open"] == feed["held_now"] == feed["events_lost"] == 0, feed
    kept = kept_itch(folder)
    came = [(p.session, p.first + i) for p in kept for i in range(len(p.messages))]
    assert len(came) == len(set(came)), "a number came twice"
    assert set(came) == numbers(both["a"] + both["b"])
    if reorder == "hold":
        for session in {p.session for p in kept}:
            mine = [n for s, n in came if s == session]
            assert mine == sorted(mine), f"{session}: out of order"
    check_gap_events(folder, feed, gone)
    cme = result.summary["feeds"]["cme"]
    union = set(cme_of(folder, "a")) | set(cme_of(folder, "b"))
    assert cme["unrecovered"] == max(union) - min(union) + 1 - len(union), (cme, len(union))
    assert result.summary["event_logs"][f"{folder}/gaps.json"]["written"] == len(events(folder))


def check_gap_events(folder, feed, gone):
    """Events agree with counters, and unfilled gaps name what both lines lost, and nothing else but what came late."""
    mine = [r for r in events(folder) if r["feed"] == "itch"]
    kinds = collections.Counter()
    for r in mine:
        kinds[r["event"]] += r.get("merged", 1)
    for event, counter in (("gap opened", "gaps_opened"), ("gap closed by another line", "gaps_closed_other"),
                           ("gap closed late", "gaps_closed_late"), ("gap unfilled", "gaps_unfilled"), ("session ended", "ended")):
        assert kinds[event] == feed[counter], (event, kinds, feed)
    lost = [r for r in mine if r["event"] == "gap unfilled"]
    assert sum(r["count"] for r in lost) == feed["missing"]
    spans = {(r["session"], n) for r in lost for n in range(r["first"], r["last"] + 1)}
    assert {(s.strip(), n) for s, n in gone} <= spans
    for r in mine:
        assert r["time"] >= r["since"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", r["iso"]), r
        assert r["line"] in "AB"
        assert ("blame" in r) == r["event"].startswith("gap"), r
        if "blame" in r:
            assert r["blame"] == "network" and not any(r["lost"].values()), r
    # Merged ones come after their second; feeds are collected one after the other.
    times = [r["time"] for r in mine if "merged" not in r]
    assert times == sorted(times)


def test_not_arbitrated(folder):
    """Without arbitrate everything passes, and is tracked all the same."""
    generate(folder, "--loss-a", "20000", "--loss-b", "20000")
    both = itch_of(folder, "a") + itch_of(folder, "b")
    result = lib.run(folder, config(folder, "arbitrate: false"))
    lib.check_done(result)
    feed = result.summary["feeds"]["itch"]
    assert feed["unrecovered"] == len(missing(both))
    assert sorted(kept_itch(folder)) == sorted(both)
    rule = result.summary["rules"]["itch"]
    assert rule["duplicates"] == rule["unmatched"] == 0, rule


SUBSCRIPTIONS = {
    "types": ("messages: [AddOrder, E, P]", "AEP", None),
    "numbers": ("instruments: [1, 4, 7]", None, {1, 4, 7}),
    "both": ("messages: [A, E], instruments: [2, 3]", "AE", {2, 3}),
    "symbols": ("messages: [A, P], instruments: [AAPL, NVDA], unmapped: drop", "AP", {1, 4}),
    "file": ("messages: A, instruments_file: DIR/list", "A", {1, 2}),
    "nothing": ("messages: A, instruments: []", "A", set()),
}


def matching(packet, types, locates):
    """Messages of an ITCH packet that match; those of locate 0 are of all instruments."""
    return [m for m in packet.messages if (types is None or chr(m[0]) in types)
            and (locates is None or struct.unpack(">H", m[1:3])[0] in locates | {0})]


@lib.each(*[(name, workers, cut) for name in SUBSCRIPTIONS for workers, cut in ((1, False), (0, True))])
def test_msg_filter(folder, name, workers, cut):
    """Of the packets that lines bring first those pass that hold a matching message, whole or cut down to these."""
    subscription, types, locates = SUBSCRIPTIONS[name]
    # B has all: every symbol is learned. A feed's symbols are of one session, so its channels, which have one each, are too many.
    generate(folder, "--loss-a", "10000", *(["--channels", "1"] if name in ("symbols", "file") else []))
    lib.write(folder, "list", "# two\nAAPL\n\nMSFT   # Microsoft\n")
    subscription = subscription.replace("DIR", folder) + (", slice: true" if cut else "")
    result = lib.run(folder, config(folder, subscription=subscription), workers=workers)
    lib.check_done(result)
    packets = {(p.session, p.first): p for line in "ab" for p in itch_of(folder, line) if p.messages}
    matched = {key: matching(p, types, locates) for key, p in packets.items()}
    feed = result.summary["feeds"]["itch"]
    assert feed["messages"] == sum(len(p.messages) for p in packets.values()), feed
    assert feed["matched"] == sum(map(len, matched.values())) and feed["unmapped"] == 0, feed
    ends = [p for line in "ab" for p in itch_of(folder, line) if p.count == 0xFFFF]
    kept = sorted((p.session, p.first, p.messages) for p in kept_itch(folder))
    assert kept == sorted([(*key, matched[key] if cut else packets[key].messages) for key in packets if matched[key]]
                          + [(p.session, p.first, []) for p in ends])
    few = sum(0 < len(matched[key]) < len(packets[key].messages) for key in packets)
    assert not cut or few <= feed["sliced"] <= sum(1 for m in matched.values() if m), feed
    assert feed["slice_failed"] == 0, feed
    beats = sum(p.count == 0 for line in "ab" for p in itch_of(folder, line))
    assert result.summary["dropped"]["no_matching_message"] == beats + sum(not m for m in matched.values()), result.summary["dropped"]
    rule = result.summary["rules"]["itch"]
    assert rule["packets"] - rule["duplicates"] - rule["unmatched"] == len(kept), rule


def test_msg_filter_console(folder):
    """A rule's subscription in words, and how many symbols have no number so far."""
    generate(folder, packets=100)
    lib.write(folder, "list", "AAPL\nNOSUCH\n")
    text = config(folder, subscription=f"messages: [AddOrder, D], instruments_file: {folder}/list, unmapped: drop, slice: true")
    path = lib.write(folder, "rules.yaml", text)
    commands = lib.write(folder, "c.cmd", "show rule itch\nexplain ipv4.dst 233.54.12.111 udp.dst 26477\nquit\n")
    result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
    assert result.code == 0, str(result)
    words = r"messages A \(\w+\), D \(\w+\) of 2 instruments: AAPL, NOSUCH \(" + re.escape(folder) + r"/list\); unmapped: drop; slice: true"
    for pattern in (rf"  subscription: {words}\n", r"  symbols without a number so far: 2", rf"  subscription of feed itch: {words}\n"):
        assert re.search(pattern, result.out), f"no {pattern} in\n{result}"


def test_one_line(folder):
    """One line that lost packets: the network is to blame for each gap, and what is lost is what is missing."""
    generate(folder, "--loss-a", "10000")
    text = config(folder).replace("  - {name: day-b,", "  #")
    result = lib.run(folder, text, workers=1)
    lib.check_done(result)
    gone = missing(itch_of(folder, "a"))
    feed = result.summary["feeds"]["itch"]
    assert feed["unrecovered"] == len(gone) > 0 and list(feed["lines"]) == ["A"], feed
    lost = [r for r in events(folder) if r["event"] == "gap unfilled" and r["feed"] == "itch"]
    numbers_of = [{(r["session"], n) for n in range(r["first"], r["last"] + 1)} for r in lost]
    gone = {(s.strip(), n) for s, n in gone}
    # Above 16 a second, events are merged; their numbers have others between them.
    assert set().union(*numbers_of) >= gone and sum(r["count"] for r in lost) == len(gone)
    assert all(n <= gone for r, n in zip(lost, numbers_of) if "merged" not in r) and any("merged" in r for r in lost)
    assert {r["blame"] for r in lost} == {"network"}
    assert re.search(r"feed itch: \d+ missing, numbers \d+ to \d+, session '\w+', channel 0: blame: network", result.err), str(result)


def test_blame_ring(folder):
    """A ring of 64 slots, and packets as fast as they can be replayed: the loss was here, and the event names the place."""
    generate(folder, packets=60000)
    result = lib.run(folder, config(folder, rate="max", slots=64), workers=1)
    lib.check_done(result)
    dropped = result.summary["dropped"]["ring_full"]
    assert dropped > 0, "the ring was never full: the test shows nothing"
    gaps = [r for r in events(folder) if r["event"].startswith("gap")]
    assert gaps and {r["blame"] for r in gaps} == {"ring"}, collections.Counter(r["blame"] for r in gaps)
    assert all(0 < r["lost"]["ring"] <= dropped and r["lost"]["nic"] == 0 for r in gaps)
    assert re.search(r"blame: ring", result.err), str(result)
    lines = [text for text in result.err.splitlines() if text.startswith("feedgate: feed ")]
    assert len(lines) <= 5 * (2 + int(result.summary["seconds"])), f"{len(lines)} lines of log"
    written = sum(len([r for r in events(folder) if r["feed"] == name]) for name in ("itch", "cme"))
    lost = sum(feed["events_lost"] for feed in result.summary["feeds"].values())
    assert result.summary["event_logs"] == {
        f"{folder}/gaps.json": {"written": written, "bytes": os.path.getsize(f"{folder}/gaps.json"), "lost": 0}}
    assert lost == 0 or "events came too fast" in result.err, str(result)


def test_silence(folder):
    """One line ends early: it is silent, in the log, in the event log, in the table; and by the lines' counters."""
    generate(folder)
    whole = oracle.read_capture(os.path.join(folder, "day-b.pcap"))[1]
    oracle.write_pcap(os.path.join(folder, "day-b.pcap"), [p.data for p in whole[:2000]])
    text = config(folder, "arbitrate: true, silence_ms: 150", rate="20000")
    result = lib.run(folder, text, workers=1)
    lib.check_done(result)
    assert re.search(r"feed itch: line B is silent, for 0\.\d s so far", result.err), str(result)
    silent = [r for r in events(folder) if r["event"] == "line silent" and r["feed"] == "itch"]
    assert [r["line"] for r in silent][0] == "B", silent
    feed = result.summary["feeds"]["itch"]
    # Silence ends with the session.
    assert feed["lines"]["B"]["silences"] == 1 and feed["lines"]["B"]["silent"] == 0 and feed["ended"] > 0, feed
    assert feed["unrecovered"] == 0
    row = re.search(r"^itch +itch50 +AB .*$", result.out, re.M)
    assert row and row.group().split()[-1] == "-", str(result)


def ask(process, command, until):
    """Give a command, read until a line matches."""
    process.stdin.write(command + "\n")
    process.stdin.flush()
    text = ""
    for line in process.stdout:
        text += line
        if re.search(until, line):
            return text
    raise AssertionError(f"{command}: no {until} in\n{text}")


def test_console(folder):
    """Every screen of feeds, while packets flow and after."""
    generate(folder, "--loss-a", "10000", "--loss-b", "10000")
    path = lib.write(folder, "rules.yaml", config(folder, "arbitrate: true, reorder: hold, window: 4096"))
    summary = os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, workers=1, args=["-i", "-a"]), stdin=subprocess.PIPE)
    lib.wait_for_prompt(process)
    total = sum(len(itch_of(folder, line)) for line in "ab")
    deadline, packets = time.monotonic() + 60, ""
    while packets != f"{total:,}" and time.monotonic() < deadline:
        text = ask(process, "show feeds", r"^cme ")
        packets = re.search(r"^itch +itch50 +\S+ +\S+(?: \(\+1\))? +\S+ +(\S+) ", text, re.M).group(1)
        time.sleep(0.05)
    assert packets == f"{total:,}", text
    commands = ["show gaps", "show feed itch", "show feed other", "show feed nowhere", "show config", "show rule itch", "show rules",
                "explain ipv4.dst 233.54.12.111 udp.dst 26477", "clear stats", "show feed itch", "quit"]
    result = lib.finish(process, summary, stdin="\n".join(commands) + "\n")
    lib.check_done(result)
    feed = result.summary["feeds"]["itch"]
    first, second = result.out.split(PROMPT + "clear stats")
    for pattern in (r"itch: \{protocol: itch50, messages: itch50, arbitrate: true, reorder: hold, .*window: 4096,",
                    rf"  packets +{total:,}  packets of the feed's rules", rf"  gaps_opened +{feed['gaps_opened']:,}  gaps found",
                    rf"  first_arrivals +{feed['lines']['A']['first_arrivals']:,} +{feed['lines']['B']['first_arrivals']:,}  packets", r"  p50 +[\d,]+ +[\d,]+\n",
                    r"  last packet +\d+\.\d s ago +\d+\.\d s ago", r"  9\w{9} +0 current +\d+ ", r"no feed is called 'nowhere'",
                    r"\n  other: \{\}\n", r"feed: itch\n  subscription: all of its packets\n", r"itch +[\d,]+ +[\d,]+ +[\d,]+ +0 ",
                    r"subscription of feed itch: all of its packets", r"Z itch +[AB] gap opened +\w{10} +0 \d+-\d+ +\d+  network\n"):
        assert re.search(pattern, first), f"no {pattern} in\n{first[-12000:]}"
    assert re.search(r"  packets +0  packets of the feed's rules", second) and re.search(r"  first_arrivals +0 +0 ", second), second
    buckets = re.findall(r"  up to ([\d,]+) ns +([\d,]+) +([\d,]+)\n", first)
    for column, line in ((1, "A"), (2, "B")):
        shown = {int(b[0].replace(",", "")): int(b[column].replace(",", "")) for b in buckets}
        expected = {2 ** i - 1: n for i, n in enumerate(feed["lines"][line]["leads"]) if n}
        assert {b: n for b, n in shown.items() if n} == expected, (shown, expected)


def test_no_feeds(folder):
    """Without feeds the screens say so."""
    text = f"sources:\n  - {{name: s0, replay: {folder}/day-a.pcap}}\nsinks: [{{name: seen, count: {{}}}}]\n"
    generate(folder, packets=100)
    path = lib.write(folder, "rules.yaml", text)
    commands = lib.write(folder, "c.cmd", "show feeds\nshow gaps\nshow feed x\nquit\n")
    result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
    assert result.code == 0, str(result)
    for said in ("there is no feed", "no feed is tracked", "no feed is called 'x'"):
        assert said in result.out, str(result)


def test_completion(folder):
    """TAB completes names of feeds."""
    generate(folder, packets=100)
    path = lib.write(folder, "rules.yaml", config(folder))
    line = lib.command(path, None, args=["-i"])
    child = pexpect.spawn(line[0], line[1:], encoding="utf-8", timeout=30, dimensions=(50, 200))
    try:
        child.expect_exact(PROMPT)
        child.send("show feed cm\t")
        child.expect("cme")
        child.sendline("")
        child.expect(r"cme: \{protocol: cme_mdp3")
        child.expect_exact(PROMPT)
        child.sendline("quit")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0


def test_reload(folder):
    """Other rules are published under load; more lines than there were at start are refused."""
    generate(folder, packets=2000)
    text = config(folder)
    path = lib.write(folder, "rules.yaml", text)
    more = lib.write(folder, "more.yaml", text.replace("feed: itch, to: kept", "feed: itch, line: C, to: kept"))
    fewer = lib.write(folder, "fewer.yaml", text.replace("feed: itch, to: kept", "feed: itch, line: B, to: kept"))
    commands = lib.write(folder, "c.cmd", f"rules reload {more}\nrules reload {fewer}\nshow rule itch\nquit\n")
    result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
    assert result.code == 0, str(result)
    for pattern in (rf"{more}:14:\d+: line: feed itch was started with 2 lines, A to B", r"rules version 2: 2 rules", r"  feed: itch, line B\n"):
        assert re.search(pattern, result.out), f"no {pattern} in\n{result}"


def test_lookup(folder):
    """feedgate-lookup takes such files, and looks at headers alone: each packet that a rule wins, whatever its feed drops."""
    generate(folder, packets=2000)
    text = config(folder, subscription="messages: [A], instruments: [AAPL], slice: true")
    result = lib.run(folder, text)
    lib.check_done(result)
    won = collections.Counter()
    for line in "ab":
        command = [lib.binary("feedgate-lookup"), "--rules", os.path.join(folder, "rules.yaml"), "--pcap", f"{folder}/day-{line}.pcap"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        won.update(text.split(",")[1] for text in done.stdout.splitlines()[1:])
    rules = result.summary["rules"]
    assert won == {name: rule["packets"] for name, rule in rules.items() if rule["packets"]}, (won, rules)
    assert 0 < rules["itch"]["duplicates"] + rules["itch"]["unmatched"] < rules["itch"]["packets"]


@lib.each((0, 2), (1, 3), (1, 2))
def test_owner(folder, workers, owner):
    """`lcore` of a feed names the lcore that delivers its packets; one that does not deliver is refused."""
    generate(folder, packets=2000)
    eal = ["--lcores", lib.LCORES[1 + workers]]
    path = lib.write(folder, "rules.yaml", config(folder, f"arbitrate: true, lcore: {owner}"))
    process = lib.start(lib.command(path, f"{folder}/summary.json", workers=workers, eal=eal, args=["-i", "-a"]), stdin=subprocess.PIPE)
    received = sum(len(oracle.read_capture(f"{folder}/day-{line}.pcap")[1]) for line in "ab")
    while lib.ask_received(process) < received:
        assert process.poll() is None
    result = lib.finish(process, f"{folder}/summary.json", stdin="stop\nshow lcores\nquit\n")
    lib.check_done(result)
    delivered = {line.split()[0]: line.split()[4] for line in result.out.split("show lcores")[1].splitlines() if re.match(r" +\d+ (rx|worker) ", line)}
    assert delivered.pop(str(owner)) != "0" and set(delivered.values()) == {"0"}, result.out
    other = lib.write(folder, "other.yaml", config(folder, "arbitrate: true, lcore: 9"))
    result = lib.finish(lib.start(lib.command(other, None, workers=workers, eal=eal, args=["--exit-when-done"])))
    expected = ("1 or 2", "3, 1 or 2")
    assert result.code == 2 and f"feed itch: lcore: 9 is neither a worker nor an rx lcore: expected {expected[workers]}" in result.err, str(result)


# name: (what is replaced in the configuration, with what, line of the mistake or None, what the message speaks of)
REFUSED = {
    "events-stdout": ("events: DIR/gaps.json", "events: \"-\"", 5, r"standard output"),
    "events-empty": ("events: DIR/gaps.json", "events:", 5, r"expected a file's path"),
    "events-list": ("events: DIR/gaps.json", "events: [DIR/gaps.json]", 5, r"found a list"),
    "feed-events-stdout": ("itch50, arb", "itch50, events: \"-\", arb", 10, r"standard output"),
    "feed-events-map": ("itch50, arb", "itch50, events: {file: x}, arb", 10, r"file"),
    "feed-events-no-protocol": ("{name: other}", "{name: other, events: x}", 12, r"events.*protocol"),
    "sink-event-log": ("  - {name: seen, count: {}}", "  - {name: seen, records: DIR/gaps.json}", 8, r"event log"),
    "source-line": ("line: B}", "line: J}", None, r"day-b.*line J.*8 lines.*A to H"),
    "rule-line": ("feed: itch, to", "feed: itch, line: I, to", 14, r"8 lines.*A to H"),
    "rule-line-word": ("feed: itch, to", "feed: itch, line: 2, to", 14, r"line"),
    "protocol": ("protocol: itch50", "protocol: itch60", 10, r"itch60"),
    "option": ("itch50, arb", "itch50, event: x, arb", 10, r"event"),
    "no-protocol": ("{name: other}", "{name: other, arbitrate: true}", 12, r"protocol"),
    "hold": ("arbitrate: true}\n  - {name: cme", "reorder: hold}\n  - {name: cme", 10, r"arbitrate"),
    "type": ("to: kept", "to: kept, messages: [AddOrder, Zorro]", 14, r"Zorro"),
    "no-such-file": ("to: kept", "to: kept, instruments_file: /nonexistent/list", 14, r"/nonexistent/list"),
    "messages-plain": ("feed: itch, to: kept", "feed: other, to: kept, messages: A", 14, r"other"),
    "messages-alone": ("feed: itch, to: kept", "to: kept, messages: A", 14, r"feed"),
    "symbol-long": ("to: kept", "to: kept, instruments: [ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ]", 14, r"rule itch.*ABCDEFGHIJ"),
    "same-name": ("{name: other}", "{name: itch}", 12, r"itch"),
    "events-path": ("events: DIR/gaps.json", "events: {paths: x}", 5, r"path"),
}


@lib.each(*REFUSED)
def test_refused(folder, name):
    """Refused by --check and at start, in one line that names the place."""
    old, new, at, pattern = REFUSED[name]
    text = config("DIR")
    assert old in text, old
    path = lib.write(folder, "rules.yaml", text.replace(old, new, 1).replace("DIR", folder))
    place = re.escape(path) + rf":{at}:\d+: " if at else ""
    for args in (["--check"], ["--exit-when-done"]):
        result = lib.finish(lib.start(lib.command(path, None, args=args)))
        said = [line for line in result.err.splitlines() if line.startswith("feedgate: ")]
        assert result.code == 2 and len(said) == 1, str(result)
        assert re.search(f"^feedgate: {place}.*({pattern})", said[0]), said[0]
    assert not os.path.exists(os.path.join(folder, "gaps.json"))


@lib.each("nowhere", "folder", "taken", "pipe")
def test_events_refused(folder, kind):
    """Files that an event log cannot be opened on; nothing else is opened then."""
    generate(folder, packets=100)
    target = {"nowhere": f"{folder}/no/such/file", "folder": folder, "taken": f"{folder}/./gaps.json", "pipe": f"{folder}/fifo"}[kind]
    if kind == "pipe":
        os.mkfifo(target)  # without a reader
    text = config(folder, options=f"arbitrate: true, events: {{path: {target}}}")
    names = f"{folder}/gaps.json" if kind == "taken" else target  # the second log of one file is refused
    result = lib.run(folder, text)
    assert result.code in (1, 2) and re.search(rf"feedgate: events: {re.escape(names)}: ", result.err), str(result)
    assert not os.path.exists(f"{folder}/kept.pcapng"), "a sink was opened"


def test_events_full(folder):
    """A disk that is full: counted, logged once, and the run goes on."""
    generate(folder, "--loss-a", "20000", packets=5000)
    text = config(folder).replace(f"{folder}/gaps.json", "/dev/full")
    result = lib.run(folder, text)
    lib.check_done(result)
    log = result.summary["event_logs"]["/dev/full"]
    assert log["written"] == log["bytes"] == 0 and log["lost"] > 1, log
    assert len(re.findall(r"/dev/full", result.err)) == 1, str(result)


def test_events_files(folder):
    """A feed's own event log takes its events from that of all feeds; feeds that name one path share its log."""
    generate(folder, "--loss-a", "20000", "--loss-b", "20000", packets=5000)
    both = lib.run(folder, config(folder))
    lib.check_done(both)
    kinds = collections.Counter((r["feed"], r["event"]) for r in events(folder))
    assert {feed for feed, _ in kinds} == {"itch", "cme"}
    for feeds in (("itch",), ("itch", "cme")):
        os.remove(f"{folder}/gaps.json")
        text = config(folder)
        for name, protocol in (("itch", "itch50"), ("cme", "cme_mdp3")):
            if name in feeds:
                text = text.replace(f"protocol: {protocol},", f"protocol: {protocol}, events: {folder}/own.json,")
        result = lib.run(folder, text)
        lib.check_done(result)
        assert {r["feed"] for r in events(folder, "own.json")} == set(feeds)
        assert {r["feed"] for r in events(folder)} == {"itch", "cme"} - set(feeds)
        logs = result.summary["event_logs"]
        assert logs == {f"{folder}/{name}": {"written": len(events(folder, name)), "bytes": os.path.getsize(f"{folder}/{name}"),
                                             "lost": 0} for name in ("own.json", "gaps.json")}, logs
        os.remove(f"{folder}/own.json")


def test_events_console(folder):
    """`show feeds` has the event logs, `show config` their files; a reload names another one as not the running one."""
    generate(folder, "--loss-a", "20000", packets=2000)
    path = lib.write(folder, "rules.yaml", config(folder, options=f"arbitrate: true, events: {folder}/own.json"))
    other = lib.write(folder, "other.yaml", config(folder, options=f"arbitrate: true, events: {folder}/own.json").replace("gaps.json", "more.json"))
    commands = lib.write(folder, "c.cmd", f"show feeds\nshow config\nrules reload {other}\nquit\n")
    result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
    assert result.code == 0, str(result)
    for pattern in (rf"event log +written +bytes +lost\n{folder}/own.json +0 +0 +0\n", rf"  itch: {{.*events: \"{folder}/own.json\"}}\n",
                    rf'\nevents: {{path: "{folder}/gaps.json"}}\n', r"differs from the running configuration .*: events\n"):
        assert re.search(pattern, result.out), f"no {pattern} in\n{result}"
    assert not os.path.exists(f"{folder}/more.json")


if __name__ == "__main__":
    lib.main()
