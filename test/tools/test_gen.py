#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""feedgate-gen: its captures against tshark and against the published message layouts.

usage: test_gen.py FEEDGATE_GEN

Exit status 0: all checks hold; 1: one does not; 77: tshark is missing.
"""
import collections
import os
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile

from gen_lib import GEN, check, count_checks, digest, make, passed, run

SKIP = 77
PACKETS = 20000
CHANNELS = 3
INSTRUMENTS = 50
LOSS = {"a": 20000, "b": 35000}
COMMON = ["--packets", str(PACKETS), "--channels", str(CHANNELS), "--instruments", str(INSTRUMENTS)]

# Protocol: first group, port and source of each line.
FEEDS = {
    "itch": {"a": ("233.54.12.111", 26477, "192.0.2.11"), "b": ("233.49.196.111", 26477, "198.51.100.11")},
    "cme": {"a": ("224.0.31.1", 14310, "192.0.2.21"), "b": ("224.0.32.1", 15310, "198.51.100.21")},
}
# ITCH 5.0: length by type, and offset of the symbol.
ITCH_LEN = {"S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "A": 36, "F": 40, "E": 31, "C": 36, "X": 23, "D": 19,
            "U": 35, "P": 44, "I": 50}
ITCH_SYMBOL = {"R": 11, "H": 11, "Y": 11, "L": 15, "A": 24, "F": 24, "P": 24, "I": 28}
# MDP 3.0: root length; group forms (header bytes, entry bytes); SecurityID and RptSeq in the first group's entries.
MDP = {4: (9, [(3, 2)], None, None), 12: (0, [], None, None), 30: (30, [], None, None), 37: (11, [(3, 16)], 4, 8),
       46: (11, [(3, 32), (8, 24)], 12, 16), 47: (11, [(3, 40)], 28, None), 48: (11, [(3, 32), (8, 16)], 12, 16),
       49: (11, [(3, 32)], 12, 16)}
# No malformed frames. By the bytes of the address: if the header length is wrong, tshark shows no address.
WHOLE = ("frame.cap_len == frame.len && !(eth.type == 0x0800 && frame[30:2] == 0a:42) && "
         "!(eth.type == 0x86dd && frame[38:2] == fd:66)")
# A display filter for each kind of unrelated traffic.
NOISE_FILTERS = {
    ("tcp4",): "ip && tcp",
    ("tcp6",): "ipv6 && tcp",
    ("udp4-short",): "udp && ip.src == 10.20.0.0/16 && udp.length <= 25",
    ("udp4-options",): "udp && ip.hdr_len > 20",
    ("fragment-first",): "ip.flags.mf == 1 && ip.frag_offset == 0",
    ("fragment-later",): "ip.frag_offset > 0",
    ("udp6-extensions",): "ipv6.dst == ff3e::/16 && !(ipv6.nxt == 17)",
    ("udp6",): "ipv6.dst == ff3e::/16 && ipv6.nxt == 17",
    ("vlan", "vlan-feed"): "eth.type == 0x8100",
    ("qinq", "qinq-feed"): "eth.type == 0x88a8 && vlan",
    ("vlan-feed", "qinq-feed"): "vlan && udp && ip.dst == 224.0.0.0/4",
    ("arp",): "arp",
    ("icmp4",): "icmp.type == 8",
    ("icmp6",): "icmpv6.type == 135",
    ("igmp",): "igmp.type == 0x16 && ip.opt.type",
    ("stp",): "stp && llc && eth.len == 38",
}

Packet = collections.namedtuple("Packet", "time_ns len data")


def ipv4_number(text):
    return int.from_bytes(bytes(map(int, text.split("."))), "big")


def read_pcap(path):
    data = pathlib.Path(path).read_bytes()
    magic, major, minor, _, _, snap, link = struct.unpack_from("<IHHiIII", data)
    check((magic, major, minor, link) == (0xA1B23C4D, 2, 4, 1), f"{path}: nanosecond pcap of Ethernet")
    at, packets = 24, []
    while at < len(data):
        seconds, ns, cap_len, length = struct.unpack_from("<IIII", data, at)
        check(cap_len <= length and cap_len <= snap and ns < 10**9 and at + 16 + cap_len <= len(data), f"{path}: record")
        packets.append(Packet(seconds * 10**9 + ns, length, data[at + 16:at + 16 + cap_len]))
        at += 16 + cap_len
    return packets


def feed_of(packet, line):
    """(protocol, channel, payload) of an untagged feed packet, else None."""
    d = packet.data
    if len(d) < 42 or d[12:14] != b"\x08\x00" or d[14] != 0x45 or d[23] != 17:
        return None
    dst, port = int.from_bytes(d[30:34], "big"), int.from_bytes(d[36:38], "big")
    for name, lines in FEEDS.items():
        group, first_port, source = lines[line]
        channel = dst - ipv4_number(group)
        if 0 <= channel < CHANNELS and port == first_port + channel:
            check(int.from_bytes(d[26:30], "big") == ipv4_number(source), f"{name} line {line}: source address")
            check(d[:6] == b"\x01\x00\x5e" + (dst & 0x7FFFFF).to_bytes(3, "big"), f"{name}: MAC address of the group")
            length = int.from_bytes(d[38:40], "big") - 8
            return name, channel, d[42:42 + length]
    return None


def read_feeds(path, line):
    """Payloads by (protocol, channel), in order."""
    feeds = collections.defaultdict(list)
    for packet in read_pcap(path):
        feed = feed_of(packet, line)
        if feed:
            feeds[feed[:2]].append(feed[2])
    return feeds


class Itch:
    """The messages of one session, replayed against an order book."""

    def __init__(self, channel):
        self.channel, self.orders, self.symbols, self.types = channel, {}, {}, collections.Counter()
        self.time_ns = 0

    def message(self, m):
        kind = chr(m[0])
        self.types[kind] += 1
        check(len(m) == ITCH_LEN.get(kind), f"ITCH {kind} has {len(m)} bytes")
        locate, _, high, low = struct.unpack_from(">HHHI", m, 1)
        check(high << 32 | low >= self.time_ns, f"ITCH {kind}: time goes back")
        self.time_ns = high << 32 | low
        if kind in "SV":
            check(locate == 0, f"ITCH {kind}: locate")
            return
        check((locate - 1) % CHANNELS == self.channel and 1 <= locate <= INSTRUMENTS, f"ITCH {kind}: locate {locate}")
        if kind == "R":
            check(locate not in self.symbols, f"ITCH R: locate {locate} twice")
            self.symbols[locate] = m[11:19]
        at = ITCH_SYMBOL.get(kind)
        check(at is None or m[at:at + 8] == self.symbols[locate], f"ITCH {kind}: symbol of {locate}")
        self.order(kind, locate, m)

    def order(self, kind, locate, m):
        if kind not in "AFECXDU":
            return
        ref, = struct.unpack_from(">Q", m, 11)
        if kind in "AF":
            shares, = struct.unpack_from(">I", m, 20)
            check(ref not in self.orders and shares > 0 and m[19] in b"BS", f"ITCH {kind}: order {ref}")
            self.orders[ref] = [locate, shares]
            return
        check(self.orders.get(ref, [None])[0] == locate, f"ITCH {kind}: order {ref} of another or none")
        if kind in "ECX":
            shares, = struct.unpack_from(">I", m, 19)
            self.orders[ref][1] -= shares
            check(shares > 0 and self.orders[ref][1] >= (kind == "X"), f"ITCH {kind}: {shares} shares of {ref}")
        if kind == "U":
            new, shares = struct.unpack_from(">QI", m, 19)
            check(new not in self.orders and shares > 0, f"ITCH U: {new} is in use")
            self.orders[new] = [locate, shares]
        if kind in "DU" or self.orders[ref][1] == 0:
            del self.orders[ref]


def walk_itch(channel, payloads):
    """Session, and counts by kind of packet; the whole session must be there."""
    itch, expected, sessions, kinds = Itch(channel), 1, set(), collections.Counter()
    for number, payload in enumerate(payloads):
        session, seq, count = struct.unpack_from(">10sQH", payload)
        sessions.add(session)
        check(seq == expected, f"MoldUDP64 channel {channel}: {seq} where {expected} was due")
        if count in (0, 0xFFFF):
            check(len(payload) == 20, "MoldUDP64: control packet has blocks")
            check((count == 0xFFFF) == (number == len(payloads) - 1), "MoldUDP64: end of session is the last packet")
            kinds["heartbeat" if count == 0 else "end"] += 1
            continue
        check(1 <= count <= 15, f"MoldUDP64: {count} messages")
        kinds["data"] += 1
        at = 20
        for _ in range(count):
            length, = struct.unpack_from(">H", payload, at)
            itch.message(payload[at + 2:at + 2 + length])
            at += 2 + length
        check(at == len(payload), "MoldUDP64: blocks end where the datagram does")
        expected += count
    check(len(sessions) == 1, f"MoldUDP64 channel {channel}: one session, not {sessions}")
    check(len(itch.symbols) == len(range(channel, INSTRUMENTS, CHANNELS)) == len(set(itch.symbols.values())),
          f"ITCH channel {channel}: directory of its instruments")
    return sessions.pop(), kinds, itch.types


def walk_mdp(payloads, instruments):
    """Messages by template; the whole channel must be there."""
    rpt, templates = collections.defaultdict(lambda: 1), collections.Counter()
    for number, payload in enumerate(payloads, 1):
        check(struct.unpack_from("<I", payload)[0] == number, f"MDP: packet {number} is missing")
        at = 12
        while at < len(payload):
            size, root, template, schema, version = struct.unpack_from("<HHHHH", payload, at)
            end, templates[template] = at + size, templates[template] + 1
            root_len, groups, security_at, rpt_at = MDP[template]
            check((root, schema, version) == (root_len, 1, 9) and end <= len(payload), f"MDP {template}: header")
            at += 10 + root
            for first, (header, entry_len) in enumerate(groups):
                block, = struct.unpack_from("<H", payload, at)
                check(block == entry_len, f"MDP {template}: {block} bytes an entry")
                entries = payload[at + header - 1]
                at += header
                for entry in range(at, at + entries * block, block) if first == 0 and security_at else ():
                    security, = struct.unpack_from("<i", payload, entry + security_at)
                    instruments.add((security - 100000) // 7)
                    if rpt_at:
                        check(struct.unpack_from("<I", payload, entry + rpt_at)[0] == rpt[security], "MDP: RptSeq")
                        rpt[security] += 1
                at += entries * block
            check(at == end, f"MDP {template}: groups end where the message does")
    return templates


def tshark(path, display, *fields):
    """Fields of the packets that a display filter finds."""
    args = ["tshark", "-n", "-r", path, "-Y", display, "-T", "fields", "-E", "occurrence=a", "-e", "frame.number"]
    for field in fields:
        args += ["-e", field]
    for port in range(CHANNELS):
        args += ["-d", f"udp.port=={26477 + port},moldudp64", "-d", f"udp.port=={14310 + port},data",
                 "-d", f"udp.port=={15310 + port},data"]
    for protocol in ("ip", "udp", "tcp"):
        args += ["-o", f"{protocol}.check_checksum:TRUE"]
    # These dissectors accept any bytes.
    for protocol in ("quic", "hcrt", "wg"):
        args += ["--disable-protocol", protocol]
    args += ["-o", "ip.defragment:TRUE"]
    done = subprocess.run(args, capture_output=True, text=True, timeout=300, check=False)
    check(done.returncode == 0, f"tshark: {done.stderr}")
    return [row.split("\t") for row in done.stdout.splitlines()]


def test_usage(tmp):
    wrong = [[], ["-o", ""], ["-o", "x", "y"], ["-o", "x", "--packets", "0"], ["-o", "x", "--packets", "1x"],
             ["-o", "x", "--packets", "-1"], ["-o", "x", "--seed", "18446744073709551616"], ["-o", "x", "--seed", ""],
             ["-o", "x", "--loss-a", "1000001"], ["-o", "x", "--mix", "itch"], ["-o", "x", "--mix", "itch=0"],
             ["-o", "x", "--mix", "foo=1"], ["-o", "x", "--mix", "itch=1,itch=2"], ["-o", "x", "--mix", "itch=1,"],
             ["-o", "x", "--format", "erf"], ["-o", "x", "--channels", "30001"], ["-o", "x", "--rate", "0"],
             ["-o", "x", "--channels", "50", "--instruments", "49"], ["-o", "x", "--nonsense"], ["-o"],
             ["--classbench", "acl"], ["--classbench", "nat", "--rules", "x"], ["-o", "x", "--count", "9"],
             ["--classbench", "fw", "--rules", "x", "-o", "y"], ["--classbench", "fw", "--rules", "x", "--rate", "9"],
             ["--classbench", "fw", "--rules", "x", "--count", "100001"], ["-o", "x", "--edge"]]
    for args in wrong:
        done = run(*args, cwd=tmp)
        check(done.returncode == 2 and not done.stdout and done.stderr.count("\n") == 1, f"usage {args}: {done}")
    for option in ("--help", "--version"):
        done = run(option)
        check(done.returncode == 0 and done.stdout and not done.stderr, f"{option}: {done}")
    check(not list(tmp.iterdir()), "wrong usage leaves no files")
    passed(f"{len(wrong)} wrong command lines: status 2, one line, no file")


def test_failures(tmp):
    done = run("-o", tmp / "none" / "x")
    check(done.returncode == 1 and "none/x-a.pcap: No such file" in done.stderr, f"missing folder: {done}")
    limit = 500000

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    for packets in ("20000", "3000"):  # fails while writing; fails when what is left is flushed
        done = run("-o", tmp / "full", "--packets", packets, preexec_fn=small_files)
        check(done.returncode == 1 and done.stderr.count("\n") == 1 and ".pcap: File too large" in done.stderr,
              f"file too large: {done}")
        check(not list(tmp.iterdir()), "partial files are removed")
    os.symlink("/dev/full", tmp / "dev-b.pcap")
    done = run("-o", tmp / "dev", "--packets", "100")
    check(done.returncode == 1 and "dev-b.pcap: No space left on device" in done.stderr, f"full disk: {done}")
    check(os.listdir(tmp) == ["dev-b.pcap"], "the other line's file is removed too, a device is not")
    os.unlink(tmp / "dev-b.pcap")
    os.symlink("/dev/full", tmp / "report")
    for option in ("--summary", "--rules"):
        done = run("-o", tmp / "kept", "--packets", "100", option, tmp / "report")
        check(done.returncode == 1 and "report: No space left on device" in done.stderr, f"{option}: {done}")
        check((tmp / "report").is_symlink() and (tmp / "kept-a.pcap").exists(), f"{option}: captures are kept")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([GEN, "-o", tmp / "kept", "--packets", "100"], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False)
    check(done.returncode == 1 and "standard output: No space" in done.stderr, f"standard output: {done}")
    passed("failures while running: status 1, the reason, no partial file")


def test_determinism(tmp):
    make(tmp / "one", *COMMON)
    make(tmp / "two", *COMMON)
    make(tmp / "other", *COMMON, "--seed", "2")
    make(tmp / "lossy", *COMMON, "--loss-b", "1000")
    for line in "ab":
        check(digest(tmp / f"one-{line}.pcap") == digest(tmp / f"two-{line}.pcap"), "same options, same bytes")
        check(digest(tmp / f"one-{line}.pcap") != digest(tmp / f"other-{line}.pcap"), "other seed, other bytes")
    check(digest(tmp / "one-a.pcap") == digest(tmp / "lossy-a.pcap"), "losses on B leave A as it was")
    one, lossy = set(read_pcap(tmp / "one-b.pcap")), set(read_pcap(tmp / "lossy-b.pcap"))
    check(lossy < one, "a loss takes packets away and changes none")
    # Of a build that passed these tests: other machines must make the same bytes.
    # If the files change, this changes, too, with a line in the changelog.
    pinned = "af20f5fa1083daac6e6d68f626d72a2cb6d43f42e36095c227e7c034d4a7f447"
    check(digest(tmp / "one-a.pcap") == pinned, f"the bytes of seed 1: {digest(tmp / 'one-a.pcap')}")
    passed("same options, same bytes; another seed, others")


def test_summary(tmp, summary):
    for line in "ab":
        packets, said = read_pcap(tmp / f"all-{line}.pcap"), summary["lines"][line]
        check(len(packets) == said["packets"] == PACKETS and said["lost"] == 0, f"line {line}: packets")
        check(sum(p.len for p in packets) == said["bytes"], f"line {line}: bytes")
        check(all(x.time_ns < y.time_ns for x, y in zip(packets, packets[1:])), f"line {line}: in order of time")
        check(packets[0].time_ns >= summary["start_ns"] == 1710509400 * 10**9, "starts when it should")
        check(min(p.len for p in packets) == 60, "shortest frame is 60 bytes")
        for field in ("packets", "bytes", "lost"):
            check(sum(kind[field] for kind in said["kinds"].values()) == said[field], f"line {line}: kinds add up")
    for name, share in (("itch", 60), ("cme", 20)):
        part = 100 * summary["lines"]["a"]["kinds"][name]["packets"] / PACKETS
        check(abs(part - share) < 2, f"mix: {part} percent of {name}")
    mean_ns = (summary["end_ns"] - summary["start_ns"]) / PACKETS
    check(9000 < mean_ns < 11000, f"mean pace: {mean_ns} ns a packet")
    passed("packets, bytes, order, mix and pace as in the summary")


def test_feeds(tmp):
    a, b = read_feeds(tmp / "all-a.pcap", "a"), read_feeds(tmp / "all-b.pcap", "b")
    check(a == b, "both lines carry the same payloads")
    check(len(a) == 2 * CHANNELS, "all channels of both protocols")
    sessions, kinds, types, templates, instruments = set(), *(collections.Counter() for _ in range(3)), set()
    for (name, channel), payloads in a.items():
        if name == "itch":
            session, channel_kinds, channel_types = walk_itch(channel, payloads)
            sessions.add(session)
            kinds += channel_kinds
            types += channel_types
        else:
            templates += walk_mdp(payloads, instruments)
    check(len(sessions) == CHANNELS and kinds["end"] == CHANNELS and kinds["heartbeat"] > 0, f"sessions: {kinds}")
    check(set(types) == set(ITCH_LEN), f"ITCH types: {types}")
    check(set(templates) == set(MDP) and instruments == set(range(INSTRUMENTS)), f"MDP templates: {templates}")
    passed(f"ITCH: {sum(types.values())} messages of {len(types)} types in order, orders consistent; {dict(kinds)}")
    passed(f"MDP: {sum(templates.values())} messages of {len(templates)} templates walk to the end, RptSeq in order")
    return a


def test_losses(tmp, whole):
    args = COMMON + ["--loss-a", str(LOSS["a"]), "--loss-b", str(LOSS["b"])]
    summary = make(tmp / "lossy", *args)
    total = sum(map(len, whole.values()))
    seen = {}
    for line in "ab":
        seen[line] = read_feeds(tmp / f"lossy-{line}.pcap", line)
        said = summary["lines"][line]
        check(said["packets"] + said["lost"] == PACKETS, f"line {line}: packets and losses add up")
        expected = PACKETS * LOSS[line] / 1e6
        check(0.8 * expected < said["lost"] < 1.2 * expected, f"line {line}: {said['lost']} lost")
        lost = sum(said["kinds"][name]["lost"] for name in FEEDS)
        check(total - sum(map(len, seen[line].values())) == lost, f"line {line}: {lost} feed packets missing")
    both = 0
    for key, payloads in whole.items():
        # Heartbeats are equal, so count them.
        have = [collections.Counter(seen[line][key]) for line in "ab"]
        check(not have[0] - collections.Counter(payloads) and not have[1] - collections.Counter(payloads), "no new")
        check(have[0] != have[1], "the lines lose different packets")
        distinct = [p for p, n in collections.Counter(payloads).items() if n == 1]
        repeated = len(payloads) - len(distinct)
        both += sum(1 for p in distinct if p not in have[0] and p not in have[1])
        check(repeated < len(payloads) / 50, "few heartbeats share a sequence number")
    said = sum(f["lost_on_both"] for f in summary["protocols"].values())
    check(0 < both <= said <= both + 1, f"{both} packets on neither line, {said} in the summary")
    passed(f"losses: A {summary['lines']['a']['lost']}, B {summary['lines']['b']['lost']}, on both {said}")


def test_tshark(tmp, summary, whole):
    for line in "ab":
        path, kinds = tmp / f"all-{line}.pcap", summary["lines"][line]["kinds"]
        bad = " || ".join(f'{p}.checksum.status == "Bad"' for p in ("ip", "udp", "tcp", "igmp", "icmp", "icmpv6"))
        rows = tshark(path, f"({WHOLE}) && (_ws.malformed || _ws.short || {bad} || ip.bogus_ip_length || "
                            "ip.bogus_header_length || udp.length.bad || moldudp64.count.invalid || "
                            "moldudp64.msglen.invalid || moldudp64.end_of_session_extra)", "_ws.col.Info")
        check(not rows, f"line {line}: malformed or wrong checksum: {rows[:3]}")
        good = {p: len(tshark(path, f'{p}.checksum.status == "Good"')) for p in ("ip", "udp", "tcp", "icmp", "igmp")}
        check(good["tcp"] == kinds["tcp4"]["packets"] + kinds["tcp6"]["packets"], f"TCP checksums: {good}")
        check(good["igmp"] == kinds["igmp"]["packets"] and good["icmp"] == kinds["icmp4"]["packets"], f"{good}")
        check(good["udp"] > 0.85 * PACKETS, f"UDP checksums: {good}")
        passed(f"tshark, line {line}: nothing malformed; right checksums: {good}")
        test_tshark_noise(path, kinds)
    rows = tshark(tmp / "all-a.pcap", "moldudp64 && !vlan", "udp.dstport", "moldudp64.sequence", "moldudp64.count")
    expected = collections.Counter()
    for _, port, seq, count in rows:
        check(int(seq) == expected[port] + 1, f"tshark: port {port}, {seq} after {expected[port]}")
        expected[port] += int(count) if int(count) != 0xFFFF else 0
    check(len(rows) == sum(len(p) for key, p in whole.items() if key[0] == "itch"), "tshark: as many packets")
    passed(f"tshark: MoldUDP64 sequences of {len(rows)} packets without a gap")


def test_tshark_noise(path, kinds):
    for names, display in NOISE_FILTERS.items():
        rows = tshark(path, f"({WHOLE}) && ({display})")
        said = sum(kinds[name]["packets"] for name in names)
        check(len(rows) == said > 0, f"{path}: {names}: tshark finds {len(rows)}, {said} in the summary")
    check(len(tshark(path, "frame.cap_len < frame.len")) == kinds["snap"]["packets"] > 0, "cut packets")
    lies = [p for p in read_pcap(path) if p.data[12:14] == b"\x08\x00" and p.data[30:32] == b"\x0a\x42" or
            p.data[12:14] == b"\x86\xdd" and p.data[38:40] == b"\xfd\x66"]
    check(len(lies) == kinds["lie"]["packets"] > 0, f"lies: {len(lies)}")
    whole = len(tshark(path, 'ip.reassembled.length && udp.checksum.status == "Good"'))
    check(kinds["fragment-first"]["packets"] - 1 <= whole <= kinds["fragment-first"]["packets"], "fragments rejoin")
    macs = tshark(path, "ip.dst == 224.0.0.0/4 || ipv6.dst == ff00::/8", "eth.dst", "ip.dst", "ipv6.dst")
    for _, mac, v4, v6 in macs:
        tail = f"01:00:5e:{ipv4_number(v4) & 0x7fffff:06x}" if v4 else "33:33"
        check(mac.replace(":", "").startswith(tail.replace(":", "")), f"{v4}{v6} is sent to {mac}")
    passed(f"tshark: {len(NOISE_FILTERS) + 2} kinds of other traffic, {whole} datagrams rejoined, {len(macs)} group MACs")


def test_pcapng(tmp):
    make(tmp / "ng", *COMMON, "--format", "pcapng")
    for line in "ab":
        back = tmp / "back.pcap"
        done = subprocess.run(["tshark", "-n", "-r", tmp / f"ng-{line}.pcapng", "-F", "nsecpcap", "-w", back],
                              capture_output=True, timeout=120, check=False)
        check(done.returncode == 0, f"tshark: {done.stderr}")
        check(read_pcap(back) == read_pcap(tmp / f"all-{line}.pcap"), f"line {line}: pcapng has the same packets")
    passed("pcapng: same packets and nanoseconds as pcap")


def test_rules(tmp):
    prefix = tmp / 'od"d %d'
    make(prefix, "--packets", "1000", "--channels", "250", "--rules", tmp / "rules.yaml", "--mix", "itch=1,cme=1")
    text = (tmp / "rules.yaml").read_text(encoding="utf-8")
    rules = re.findall(r"name: (\w+)-(\d+)-([ab]), match: \{line: ([AB]), ipv4: \{dst: ([\d.]+)\}, "
                       r"udp: \{dst: (\d+)\}\}, feed: (\w+-\d+), to: \[seen, disk\]", text)
    check(len(rules) == 2 * (250 + 200), f"rules: {len(rules)}")
    for name, channel, line, letter, group, port, feed in rules:
        first, first_port, _ = FEEDS[name][line]
        check(letter == line.upper() and feed == f"{name}-{channel}", f"rule {name}-{channel}-{line}")
        check(ipv4_number(group) == ipv4_number(first) + int(channel), f"rule {name}-{channel}-{line}: {group}")
        check(int(port) == first_port + int(channel), f"rule {name}-{channel}-{line}: {port}")
    check(len(re.findall(r"^  - \{name: \w+-\d+\}$", text, re.M)) == 450, "a feed for each channel")
    check('od\\"d %d-a.pcap"' in text and 'od\\"d %%d-kept.pcapng"' in text, "paths are quoted")
    make(tmp / "many", "--packets", "100", "--channels", "1100", "--rules", tmp / "many.yaml", "--mix", "itch=1")
    text = (tmp / "many.yaml").read_text(encoding="utf-8")
    check(text.count("name: itch-") == 2200 and "feed" not in text.split("\n", 1)[1], "too many for feeds: only rules")
    passed(f"rules: {len(rules)}, one per channel and line")


def test_corners(tmp):
    for args in (["--packets", "1"], ["--mix", "other=1", "--packets", "2000"], ["--mix", "cme=1", "--packets", "500"],
                 ["--channels", "30000", "--packets", "100"], ["--loss-a", "1000000", "--packets", "100"],
                 ["--rate", "1000000000", "--packets", "5000"], ["--rate", "1", "--packets", "500"],
                 ["--instruments", "65535", "--channels", "1", "--packets", "20000"]):
        summary = make(tmp / "corner", *args)
        for line in "ab":
            packets, said = read_pcap(tmp / f"corner-{line}.pcap"), summary["lines"][line]
            check(len(packets) == said["packets"] and said["packets"] + said["lost"] == summary["packets"], f"{args}")
    done = run("-o", tmp / "late", "--rate", "1", "--packets", "4000", "--mix", "cme=1", "--start-ns",
               "4000000000000000000")
    check(done.returncode == 0, f"the latest start: {done.stderr}")
    passed("smallest, largest and one-sided arguments")


def main():
    if not shutil.which("tshark"):
        print("skipped: tshark is not installed")
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        for test in (test_usage, test_failures, test_determinism, test_rules, test_corners):
            (tmp / test.__name__).mkdir()
            test(tmp / test.__name__)
        summary = make(tmp / "all", *COMMON)
        test_summary(tmp, summary)
        whole = test_feeds(tmp)
        test_losses(tmp, whole)
        test_pcapng(tmp)
        test_tshark(tmp, summary, whole)
    print(f"{count_checks()} checks")
    return 0


if __name__ == "__main__":
    if GEN is None:
        sys.exit(__doc__)
    sys.exit(main())
