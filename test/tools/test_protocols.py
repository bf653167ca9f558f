#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Protocols on real captures, against independent decoders, and against tshark where it has the protocol.

usage: test_protocols.py FEED_DUMP

The decoders, in feed_decoders.py, share nothing with the descriptors. Every capture below FG_TEST_DATA/feeds is either in CAPTURES
or in OTHERS; those of a protocol without captures are made here.
"""
import collections
import fnmatch
import gzip
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

from feed_decoders import CME_ENTRY, CME_ROOT, DATA, DECODERS, HEARTBEAT, Packet, blocks, opra

SKIP = 77

# What a capture's packets are. The first pattern that matches counts.
CAPTURES = [
    ("Memx/*/StockTradingActionMessage.pcap", "itch50"),  # really Nasdaq's
    ("Nasdaq/*TotalView.Itch.v5*/*.pcap", "itch50"),
    ("Nasdaq/Ise.*/*.pcap", "moldudp64"),
    ("Nasdaq/Nasdaq.Equities.Bbo*/*.pcap", "moldudp64"),
    ("Nasdaq/Nasdaq.Equities.NlsPlus*/*.pcap", "moldudp64"),
    ("Nasdaq/Uqdf*/*.pcap", "moldudp64"),
    ("Cme/Mdp3*/*.Tcp.pcap", None),
    ("Cme/Mdp3*/*.pcap", "cme_mdp3"),
    ("large/Cme*", "cme_mdp3"),
    ("Iex/*/*.pcap", "iex_tp"),
    ("Nyse/Nyse.Equities.OpenBook*/*", None),  # an older header
    ("Nyse/Equities.BinaryGateway*/*", None),
    ("Nyse/*/*.pcap", "nyse_pillar"),
    ("Cboe/*Pitch*/*.pcap", "cboe_pitch"),
    ("bats/mcastpitch*.pcap", "cboe_pitch"),
    ("Eurex/Eobi*/*.pcap", "eurex_eobi"),
    ("Siac/Opra*/*.pcap", "opra"),
    ("Siac/C?s.Cta*/*.pcap", "cta"),
    ("Ice/*/*.pcap", "ice_impact"),
    ("large/Ice*", "ice_impact"),
    ("large/Miax*", "miax_mach"),
    ("Memx/*/*.pcap", "memx_memoir"),
    # Order entry over TCP, a retired feed, and what is no capture.
    ("Cboe/*Csm*/*", None), ("Cboe/*Boe*/*", None), ("bats/boe2*", None), ("Cme/iLink3*/*", None),
    ("Eurex/Eti*/*", None), ("Nasdaq/Nasdaq.Nsm.Ouch*/*", None), ("itch50/*", None)]

MADE_ONLY = {"b3_umdf", "deribit"}  # no capture has them: made_captures()

# In these each packet has the number after that of the packet before it, per session, channel and port.
# (how many do at least, how many do not: the BATS capture lacks numbers 1 and 2)
CONTINUOUS = {"large/Cme*": (9998, 0), "large/Miax*": (20559, 0), "large/Ice*": (529, 0), "bats/mcastpitch_realtime*": (373, 1)}


def frames(path):
    """Frames of a pcap or pcapng file."""
    from scapy.utils import RawPcapReader  # pylint: disable=import-outside-toplevel
    reader = RawPcapReader(str(path))
    try:
        for data, _ in reader:
            yield bytes(data)
    finally:
        reader.close()


def payloads(path):
    """(port, payload) of each UDP packet: Ethernet, tags, IPv4."""
    for frame in frames(path):
        at = 12
        while frame[at:at + 2] == b"\x81\x00":
            at += 4
        if frame[at:at + 2] != b"\x08\x00" or frame[at + 11] != 17:
            continue
        at += 2 + (frame[at + 2] & 15) * 4
        port, length = struct.unpack_from(">HH", frame, at + 2)
        yield port, frame[at + 8:at + length]


def write_capture(path, packets):
    """UDP payloads as a pcap file."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for payload in packets:
            udp = struct.pack(">HHHH", 5000, 26477, 8 + len(payload), 0) + payload
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([239, 1, 1, 1]))
            frame = bytes.fromhex("01005e010101020000000001") + b"\x08\x00" + ip + udp
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def dump(program, protocol, path):
    """The lines of feed_dump."""
    done = subprocess.run([program, protocol, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(program, protocol, path, name, decoder=None):
    """Packet by packet; (packets, messages, instruments, next of each) for the report."""
    ours = dump(program, protocol, path)
    theirs = list(payloads(path))
    assert len(ours) == len(theirs), f"{name}: {len(ours)} packets, not {len(theirs)}"
    totals = collections.Counter()
    following = {}
    for number, (got, (port, payload)) in enumerate(zip(ours, theirs), 1):
        expected = (decoder or DECODERS[protocol])(payload)
        assert got["rc"] == 0, f"{name}:{number}: refused, {got}"
        have = Packet(bytes.fromhex(got["session"]).rstrip(b"\0"), got["channel"], got["first"], got["count"], got["kind"],
                      got["messages"], got["ended"])
        assert have == expected._replace(session=expected.session.rstrip(b"\0")), f"{name}:{number}:\n     got {have}\nexpected {expected}"
        assert not got["entries_malformed"], f"{name}:{number}"
        key = port, have.session, have.channel
        if have.kind in (DATA, HEARTBEAT):
            totals["continuous"] += following.get(key) == have.first
            totals["broken"] += key in following and following[key] != have.first
            following[key] = have.first + have.count
        totals["packets"] += 1
        totals["admin"] += have.kind != DATA
        totals["messages"] += len(have.messages)
        totals["instruments"] += sum(len(m[2]) for m in have.messages)
    return totals


def real_captures(program, feeds):
    """Every capture in CAPTURES; a line for each folder."""
    totals, single = {}, {}
    for path in sorted(p for p in feeds.rglob("*") if p.is_file()):
        name = str(path.relative_to(feeds))
        protocol = next((f for pattern, f in CAPTURES if fnmatch.fnmatch(name, pattern)), "?")
        assert protocol != "?", f"{name}: in no list"
        if protocol is None:
            continue
        found = compare(program, protocol, path, name)
        single[name] = found
        totals.setdefault((protocol, name.rsplit("/", 1)[0]), collections.Counter()).update({**found, "files": 1})
    for (protocol, folder), found in totals.items():
        print(f"{protocol:12} {folder:45} {found['files']:3} files {found['packets']:6} packets ({found['admin']} not data) "
              f"{found['messages']:6} messages {found['instruments']:6} instruments")
    for pattern, (minimum, breaks) in CONTINUOUS.items():
        name = next(n for n in single if fnmatch.fnmatch(n, pattern))
        found = single[name]
        print(f"{name}: {found['packets']} packets, {found['messages']} messages, {found['continuous']} follow, "
              f"{found['broken']} do not")
        assert found["continuous"] >= minimum and found["broken"] == breaks, name
    seen = {protocol for protocol, _ in totals}
    assert seen == set(DECODERS) - MADE_ONLY, seen


def tshark_agrees(program, feeds, folder):
    """MoldUDP64 as tshark decodes it; all packets go to one port, as some captures have none."""
    paths = [p for p in sorted(feeds.glob("Nasdaq/*/*.pcap")) if "Ouch" not in str(p)]
    write_capture(folder / "mold.pcap", [payload for path in paths for _, payload in payloads(path)])
    fields = ["moldudp64.session", "moldudp64.sequence", "moldudp64.count", "moldudp64.msglen"]
    command = ["tshark", "-n", "-r", str(folder / "mold.pcap"), "-d", "udp.port==26477,moldudp64", "-T", "fields",
               "-E", "occurrence=a", "-E", "aggregator=|"]
    for field in fields:
        command += ["-e", field]
    rows = subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "WIRESHARK_CONFIG_DIR": str(folder)}).stdout.splitlines()
    ours = dump(program, "moldudp64", folder / "mold.pcap")
    assert len(rows) == len(ours)
    messages = 0
    for row, got in zip(rows, ours):
        have = dict(zip(fields, row.split("\t")))
        lengths = [int(n) for n in have["moldudp64.msglen"].split("|") if n]
        assert int(have["moldudp64.sequence"].split("|")[0]) == got["first"], (have, got)
        assert int(have["moldudp64.count"]) == got["count"], (have, got)
        assert have["moldudp64.session"] in ("", bytes.fromhex(got["session"])[:10].decode().strip("\0")), (have, got)
        assert lengths == [m[1] for m in got["messages"]], (have, got)
        messages += len(lengths)
    print(f"tshark agrees on MoldUDP64: {len(rows)} packets, {messages} messages")


ITCH_LENGTHS = {"S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21, "A": 36, "F": 40,
                "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19, "I": 50, "N": 20, "O": 48}


def itch_file(program, feeds, folder):
    """The ITCH file's messages, some to a packet."""
    data = gzip.decompress((feeds / "itch50" / "ex20101224.TEST_ITCH_50.gz").read_bytes())
    packets, messages, at, number = [], [], 0, 1
    while at < len(data):
        length = ITCH_LENGTHS[chr(data[at + 2])]
        messages.append(data[at + 2:at + 2 + length])
        at += 2 + length
    for size in range(len(messages)):
        some = messages[number - 1:number - 1 + size % 31]
        packets.append(struct.pack(">10sQH", b"TEST      ", number, len(some)) + b"".join(
            struct.pack(">H", len(m)) + m for m in some))
        number += len(some)
        if number > len(messages):
            break
    packets.append(struct.pack(">10sQH", b"TEST      ", number, 0xffff))
    write_capture(folder / "itch.pcap", packets)
    found = compare(program, "itch50", folder / "itch.pcap", "itch file")
    print(f"itch50 file: {found['packets']} packets {found['messages']} messages {found['instruments']} instruments")
    assert found["messages"] == len(messages) and found["broken"] == 0


def made_captures(program, folder):
    """Protocols without captures: B3, Deribit; ends, resets and other rare packets."""
    def sofh(template, body):
        return struct.pack("<HHHHHH", 12 + len(body), 0xeb50, len(body), template, 1, 1) + body
    b3_packets = [struct.pack("<BxHIQ", 7, 3, n, 0) + b"".join(sofh(50, struct.pack("<QQ", 1000 + n, i)) for i in range(n % 5 + 1))
                  for n in range(1, 30)]
    b3_packets.append(struct.pack("<BxHIQ", 7, 3, 30, 0) + sofh(2, struct.pack("<I", 30)))
    # Instrument (a name), Book (a group), Trades (two groups), Ticker (none), as Deribit lays them out.
    instrument = struct.pack("<6HI", 140, 1000, 1, 1, 0, 1, 210762) + bytes(136) + b"\x12ETH-31MAR23-3500-P"
    book = struct.pack("<6HI", 29, 1001, 1, 1, 1, 0, 210838) + bytes(25) + struct.pack("<4H", 18, 3, 0, 0) + bytes(54)
    trades = struct.pack("<6HI", 4, 1002, 1, 1, 2, 0, 7) + struct.pack("<4H", 83, 1, 0, 0) + bytes(83) + struct.pack("<4H", 5, 0, 0, 0)
    ticker = struct.pack("<6HI", 133, 1003, 1, 1, 0, 0, 9) + bytes(129)
    deribit_packets = []
    for n, body in enumerate([instrument, book + trades, trades + ticker + instrument + book, ticker * 9]):
        deribit_packets.append(struct.pack("<HHI", len(body), 5, n) + body)
    cme_packets = [struct.pack("<IQHHHHH", n, 0, 10 + root, root, t, 1, 9) + bytes(root) for n, t, root in ((7, 12, 0), (8, 4, 9))]
    miax_packets = [struct.pack("<QHBB", n, 12, kind, 1) for n, kind in ((0, 1), (17, 0), (17, 2))]
    memx_packets = [struct.pack(">BB8sQ", kind, 18, b"session8", 5) for kind in (0, 1)]
    pitch_packets = [struct.pack("<HBBI", 8, 0, 3, 0), struct.pack("<HBBI", 8, 0, 3, 77),
                     struct.pack("<HBBI", 14, 1, 3, 0) + b"\x06\x97abcd"]
    nyse_packets = [struct.pack("<HBBIII", 18 + 2, flag, 1, 9, 0, 0) + struct.pack("<HH", 4, 35) for flag in (11, 10, 13, 15, 17, 19, 21)]
    eobi_packets = [struct.pack("<HHIIiBBBBIQ", 32, 13005, 2**32 - 1, 1, 5, 2, 1, reset, 0, 0, 0) + struct.pack("<HHIII", 16, 13001, 0, 9, 0)
                    for reset in (0, 1)]
    for protocol, packets in (("b3_umdf", b3_packets), ("deribit", deribit_packets), ("cme_mdp3", cme_packets),
                             ("miax_mach", miax_packets), ("memx_memoir", memx_packets), ("cboe_pitch", pitch_packets),
                             ("nyse_pillar", nyse_packets), ("eurex_eobi", eobi_packets)):
        write_capture(folder / "made.pcap", packets)
        found = compare(program, protocol, folder / "made.pcap", f"made {protocol}")
        print(f"{protocol:12} made: {found['packets']} packets, {found['messages']} messages, {found['instruments']} instruments")


CUSTOM_ICE = """
protocol:
  header: {order: big, bytes: 16}
  session: {at: 0, bytes: 2}
  sequence: {at: 2, bytes: 4, counts: messages}
  count: {at: 6, bytes: 2}
  admin: [{is: heartbeat, at: 6, bytes: 2, value: 0, empty: true}]
  walk: {at: 1, bytes: 2, length_bias: 3}
  type: {at: 0, bytes: 1, text: true}
  messages:
    - {type: L}
    - {type: T, name: BundleMarker}
    - {type: i}
    - {type: W}
    - {type: b}
    - {type: other, instrument: number, at: 3, bytes: 4}
"""
CUSTOM_CME = """
protocol:
  header: {order: little, bytes: 12}
  sequence: {at: 0, bytes: 4, counts: packets}
  walk: {kind: length, at: 0, bytes: 2, min_bytes: 10}
  groups: {root: 10, root_length_at: 2, header: 3}
  type: {at: 4, bytes: 2}
  messages:
""" + "".join(f"    - {{type: {t}, instrument: number, at: {at}, bytes: 4, group: 1}}\n" for t, at in CME_ENTRY.items()) + "".join(
    f"    - {{type: {t}, instrument: number, at: {at}, bytes: 4}}\n" for t, at in CME_ROOT.items())
CUSTOM_OPRA = "protocol: {like: opra, messages: [{type: C, length: 14}, {type: H, length: 12}, {type: other, instrument: text, at: 12, bytes: 4}]}\n"
CUSTOM_HKEX = """
protocol:
  header: {bytes: 16}
  length: {at: 0, bytes: 2}
  sequence: {at: 4, bytes: 4}
  count: {at: 2, bytes: 1}
  admin: [{is: heartbeat, at: 2, bytes: 1, value: 0}]
  walk: {at: 0, bytes: 2, min_bytes: 4}
  type: {at: 2, bytes: 2}
  messages: [{type: other, instrument: number, at: 4, bytes: 4}]
"""


def hkex(payload):
    """HKEX OMD, which is not built in."""
    size, count, _, first = struct.unpack_from("<HBBI", payload)
    found, ended = blocks(payload[16:size], "<H", count=count, min_bytes=4)
    messages = [[str(struct.unpack_from("<H", m, 2)[0]), len(m), [struct.unpack_from("<I", m, 4)[0]] if len(m) >= 8 else []]
                for m in found]
    return Packet(b"", 0, first, count, DATA if count else HEARTBEAT, messages, ended)


def custom(program, feeds, folder):
    """Protocols described in a file give the same as those built in."""
    def described(yaml):
        (folder / "protocol.yaml").write_text(yaml)
        return f"@{folder / 'protocol.yaml'}"
    for yaml, protocol, pattern in ((CUSTOM_ICE, "ice_impact", "large/Ice*"), (CUSTOM_CME, "cme_mdp3", "large/Cme*")):
        if feeds is not None:
            path = next(feeds.glob(pattern))
            found = compare(program, described(yaml), path, f"custom {protocol}", DECODERS[protocol])
            print(f"custom {protocol}: {found['packets']} packets, {found['messages']} messages, {found['instruments']} instruments")
    if feeds is not None:
        for path in sorted(feeds.glob("Siac/Opra*/[AC]*.pcap")):
            compare(program, described(CUSTOM_OPRA), path, "custom opra", opra)
    packets = [struct.pack("<HBBIQ", 16 + 12 * (n % 4), n % 4, 0, n, 0) + b"".join(
        struct.pack("<HHII", 12, 30 + i, 700 + n, i) for i in range(n % 4)) for n in range(40)]
    write_capture(folder / "hkex.pcap", packets)
    compare(program, described(CUSTOM_HKEX), folder / "hkex.pcap", "custom hkex", hkex)


def main():
    program = sys.argv[1]
    feeds = pathlib.Path(os.environ.get("FG_TEST_DATA", "")) / "feeds"
    if "FG_TEST_DATA" not in os.environ or not feeds.is_dir():
        feeds = None
    with tempfile.TemporaryDirectory(prefix="feedgate-test-") as folder:
        folder = pathlib.Path(folder)
        names = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
        assert set(names) == set(DECODERS), f"feed_decoders.py lacks {set(names) - set(DECODERS)}, or has more"
        made_captures(program, folder)
        custom(program, feeds, folder)
        if feeds is None:
            print("FG_TEST_DATA names no directory with feeds: only packets made here are compared")
            return SKIP
        real_captures(program, feeds)
        itch_file(program, feeds, folder)
        tshark_agrees(program, feeds, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
