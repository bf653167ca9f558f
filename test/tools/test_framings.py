#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What framings say of real captures, against decoders written here, and tshark where it knows the protocol.

usage: test_framings.py FEED_DUMP

The decoders below share nothing with the descriptors: each reads its protocol
in its own words. Every capture below FG_TEST_DATA/feeds is either in CAPTURES
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

SKIP = 77
DATA, HEARTBEAT, RESET, END, UNSEQUENCED = range(5)
DONE, MALFORMED, UNKNOWN = range(3)

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

# In these every packet's number is what the one before it promised, per session, channel and port.
# (how many at least, how many break: of the BATS capture numbers 1 and 2 are missing)
CONTINUOUS = {"large/Cme*": (9998, 0), "large/Miax*": (20559, 0), "large/Ice*": (529, 0), "bats/mcastpitch_realtime*": (373, 1)}

Packet = collections.namedtuple("Packet", "session channel first count control messages ended")


def text(data):
    """A padded symbol."""
    return data.rstrip(b" \0").decode("latin-1")


def blocks(data, size_format, adds=0, skip=0, count=None, least=1):
    """Messages behind a length; (messages, how it ended)."""
    found, size = [], struct.calcsize(size_format)
    while data and (count is None or len(found) < count):
        if len(data) < max(size, least):
            return found, MALFORMED
        length = struct.unpack_from(size_format, data)[0] + adds
        if length < max(size, least) or length > len(data):
            return found, MALFORMED
        found.append(data[skip:length])
        data = data[length:]
    return found, DONE if count is None or len(found) == count else MALFORMED


ITCH_SYMBOL_FREE = "SVW"


def mold(payload, locate):
    """MoldUDP64, with ITCH 5.0 in it or any other."""
    session, first, count = struct.unpack_from(">10sQH", payload)
    if count in (0, 0xffff):
        return Packet(session, 0, first, 0, END if count else HEARTBEAT, [], DONE)
    found, ended = blocks(payload[20:], ">H", adds=2, skip=2, count=count)
    messages = []
    for data in found:
        kind = "-" if not data else chr(data[0]) if 32 < data[0] < 127 else str(data[0])
        entry = [kind, len(data), []]
        if locate and kind not in ITCH_SYMBOL_FREE and len(data) >= 3:
            entry[2] = [struct.unpack_from(">H", data, 1)[0]]
        if locate and kind in "AFECXDU":
            entry.append(struct.unpack_from(">Q", data, 11)[0])
        messages.append(entry)
    return Packet(session, 0, first, count, DATA, messages, ended)


CME_ENTRY = {32: 12, 33: 12, 34: 24, 35: 8, 42: 12, 43: 28, 37: 4, 46: 12, 47: 28, 48: 12, 49: 12, 50: 24, 51: 8, 64: 16,
             65: 16, 66: 8, 67: 16}
CME_ROOT = {30: 30, 52: 18, 53: 18, 69: 18, 59: 19, 61: 19, 68: 19, **{t: 65 for t in (27, 29, 41, 54, 55, 56, 57, 58, 63)}}


def cme(payload):
    """CME MDP 3.0"""
    found, ended = blocks(payload[12:], "<H", least=10)
    messages = []
    for data in found:
        root, template = struct.unpack_from("<HH", data, 2)
        ids = []
        if template in CME_ROOT:
            ids = [struct.unpack_from("<I", data, CME_ROOT[template])[0]]
        if template in CME_ENTRY and len(data) >= 10 + root + 3:
            size, entries = struct.unpack_from("<HB", data, 10 + root)
            ids = [struct.unpack_from("<I", data, 10 + root + 3 + i * size + CME_ENTRY[template])[0] for i in range(entries)]
        messages.append([str(template), len(data), ids])
    first = struct.unpack_from("<I", payload)[0]
    if messages and messages[0][0] == "4":
        return Packet(b"", 0, first + 1, 0, RESET, messages, ended)
    return Packet(b"", 0, first, 1, DATA, messages, ended)


def iex(payload):
    """IEX-TP"""
    _, _, protocol, channel, session, size, count, _, first, _ = struct.unpack_from("<BBHI4sHHQQQ", payload)
    assert 40 + size <= len(payload)
    found, ended = blocks(payload[40:40 + size], "<H", adds=2, skip=2, count=count)
    messages = [[chr(m[0]), len(m), [] if m[:1] == b"S" else [text(m[10:18])]] for m in found]
    return Packet(session, protocol << 32 | channel, first, count, DATA if count else HEARTBEAT, messages, ended)


NYSE_AT_8, NYSE_AT_12 = (100, 101, 102, 103, 104, 110, 111, 112, 113, 114, 140, 340), (32, 34, 105, 106, 223)
NYSE_ORDER = {100: 16, 101: 16, 102: 16, 103: 16, 104: 16, 106: 20}


def nyse(payload):
    """NYSE XDP, Pillar"""
    size, flag, count, first = struct.unpack_from("<HBBI", payload)
    found, ended = blocks(payload[16:size], "<H", count=count, least=4)
    messages = []
    for data in found:
        kind = struct.unpack_from("<H", data, 2)[0]
        at = 4 if kind == 3 else 8 if kind in NYSE_AT_8 else 12 if kind in NYSE_AT_12 else None
        entry = [str(kind), len(data), [] if at is None else [struct.unpack_from("<I", data, at)[0]]]
        if kind in NYSE_ORDER:
            entry.append(struct.unpack_from("<Q", data, NYSE_ORDER[kind])[0])
        messages.append(entry)
    if flag == 12:
        return Packet(b"", 0, first + count, 0, RESET, messages, ended)
    control = HEARTBEAT if flag == 1 else UNSEQUENCED if 13 <= flag <= 21 else DATA
    return Packet(b"", 0, first, count, control, messages, ended)


PITCH_SYMBOL = {0x21: (19, 6), 0x22: (17, 6), 0x2f: (19, 8), 0x2a: (19, 6), 0x2b: (17, 6), 0x30: (19, 8), 0x31: (6, 8),
                0x95: (6, 8), 0x96: (6, 8), 0x98: (6, 8), 0x2e: (2, 6)}
PITCH_ORDER = (0x21, 0x22, 0x2f, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x30)


def pitch(payload):
    """Cboe PITCH"""
    size, count, unit, first = struct.unpack_from("<HBBI", payload)
    found, ended = blocks(payload[8:size], "<B", count=count, least=2)
    messages = []
    for data in found:
        at, bytes_ = PITCH_SYMBOL.get(data[1], (0, 0))
        entry = [str(data[1]), len(data), [text(data[at:at + bytes_])] if bytes_ and len(data) >= at + bytes_ else []]
        if data[1] in PITCH_ORDER:
            entry.append(struct.unpack_from("<Q", data, 6)[0])
        messages.append(entry)
    control = UNSEQUENCED if first == 0 else HEARTBEAT if count == 0 else DATA
    return Packet(b"", unit, first, count, control, messages, ended)


EOBI_ID = {13100: 16, 13101: 40, 13102: 24, 13103: 8, 13104: 32, 13105: 32, 13106: 32, 13201: 8, 13202: 8, 13301: 8, 13503: 8,
           13601: 8, 13500: 16, 13501: 16, 13504: 16}


def eobi(payload):
    """Eurex EOBI"""
    size, _, _, first, _, partition, _, reset = struct.unpack_from("<HHIIiBBB", payload)
    found, ended = blocks(payload[size:], "<H", least=8)
    messages = []
    for data in found:
        kind = struct.unpack_from("<H", data, 2)[0]
        messages.append([str(kind), len(data), [struct.unpack_from("<Q", data, EOBI_ID[kind])[0]] if kind in EOBI_ID else []])
    if reset == 1:
        return Packet(b"", partition, first + 1, 0, RESET, messages, ended)
    return Packet(b"", partition, first, 1, DATA, messages, ended)


OPRA_BASE = {"a": 43, "d": 30, "f": 72, "k": 43, "q": 29, "Y": 27, "C": 14, "H": 12, "R": 155}


def opra(payload):
    """OPRA"""
    size, session, first, count = struct.unpack_from(">xHxxcIB", payload)
    assert sum(payload[:19]) + sum(payload[21:size]) & 0xffff == struct.unpack_from(">H", payload, 19)[0]
    data, messages, ended, control = payload[21:size], [], DONE, DATA
    for _ in range(count):
        category, kind, indicator = (chr(c) for c in data[1:4])
        length = OPRA_BASE[category]
        if category in "kq":
            length += {**dict.fromkeys("MNPCGK", 10), "O": 20}.get(indicator, 0)
        if category == "C":
            length += struct.unpack_from(">H", data, 12)[0]
        if category == "Y" and kind == "I":
            length += 4
        if category == "H" and kind == "N":
            control = HEARTBEAT
        symbol = 4 if category == "q" else 5
        messages.append([category, length, [text(data[12:12 + symbol])] if category not in "CH" else []])
        data = data[length:]
    assert len(data) <= 1, "a pad at most"
    assert payload[4:5] == b" "
    if control == HEARTBEAT:
        return Packet(session, 0, first + 1, 0, control, messages, ended)
    return Packet(session, 0, first, count, control, messages, ended)


def cta(payload):
    """CTA"""
    size, retransmitted, first, count = struct.unpack_from(">xHxcIB", payload)
    assert retransmitted == b"O"
    found, ended = blocks(payload[20:size], ">H", count=count, least=4)
    messages = []
    for data in found:
        kind = data[2:4].decode()
        symbol = data[26:31] if kind in ("TT", "TH", "QS") else data[26:37]
        messages.append([kind, len(data), [text(symbol)] if len(data) >= 37 and kind[0] not in "MC" else []])
    control = {"CT": HEARTBEAT, "CA": RESET, "CL": RESET, "CZ": END}.get(messages[0][0], DATA)
    if control != DATA:
        return Packet(b"", 0, first + 1, 0, control, messages, ended)
    return Packet(b"", 0, first, count, control, messages, ended)


def ice(payload):
    """ICE iMpact"""
    session, first, count = struct.unpack_from(">2sIH", payload)
    messages, data = [], payload[16:]
    for _ in range(count):
        kind, length = struct.unpack_from(">cH", data)
        kind, ids = kind.decode(), []
        if kind not in "LTiWb" and length >= 4:
            ids = [struct.unpack_from(">I", data, 3)[0]]
        messages.append([kind, length + 3, ids])
        data = data[3 + length:]
    return Packet(session, 0, first, count, DATA if count else HEARTBEAT, messages, DONE if not data else MALFORMED)


def miax(payload):
    """MIAX MACH: each message is a unit with a number of its own."""
    messages, numbers, kinds, session, data = [], [], [], None, payload
    while data:
        number, length, kind, session = struct.unpack_from("<QHBc", data)
        numbers.append(number)
        kinds.append(kind)
        inner = chr(data[12]) if length > 12 else "-"
        messages.append([inner, length, [struct.unpack_from("<I", data, 17)[0]] if inner in "BOWAdDT" and length >= 21 else []])
        data = data[length:]
    if kinds[0] != 3:
        return Packet(session, 0, numbers[0] + 1, 0, {0: HEARTBEAT, 1: RESET, 2: END}[kinds[0]], messages, DONE)
    assert kinds == [3] * len(kinds) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return Packet(session, 0, numbers[0], len(numbers), DATA, messages, DONE)


def memx(payload):
    """MEMX Memoir"""
    kind, header, session, first = struct.unpack_from(">BB8sQ", payload)
    assert header == 18
    if kind != 2:
        return Packet(session, 0, first, 0, END if kind else HEARTBEAT, [], DONE)
    count = struct.unpack_from(">H", payload, 18)[0]
    found, ended = blocks(payload[20:], ">H", adds=2, count=count)
    messages = [[str(m[4]), len(m), [struct.unpack_from(">H", m, 16)[0]] if len(m) >= 18 and m[4] != 5 else []] for m in found]
    return Packet(session, 0, first, count, DATA, messages, ended)


def b3(payload):
    """B3 UMDF"""
    channel, version, first = struct.unpack_from("<Bx2sI", payload)
    found, ended = blocks(payload[16:], "<H", least=12)
    kinds = [struct.unpack_from("<H", m, 6)[0] for m in found]
    messages = [[str(k), len(m), [] if k in (1, 2, 11) else [struct.unpack_from("<Q", m, 12)[0]]] for k, m in zip(kinds, found)]
    if kinds[0] == 2:
        return Packet(version, channel, struct.unpack_from("<I", found[0], 12)[0], 0, HEARTBEAT, messages, ended)
    return Packet(version, channel, first, 1, DATA, messages, ended)


def deribit(payload):
    """Deribit: no message says its length."""
    size, channel, first = struct.unpack_from("<HHI", payload)
    data, messages = payload[8:8 + size], []
    while data:
        root, template, _, _, groups, fields = struct.unpack_from("<6H", data)
        end = 12 + root
        for _ in range(groups):
            entry, entries = struct.unpack_from("<HH", data, end)
            end += 8 + entry * entries
        for _ in range(fields):
            end += 1 + data[end]
        ids = [] if template in (1005, 1006, 1008) else [struct.unpack_from("<I", data, 12)[0]]
        messages.append([str(template), end, ids])
        data = data[end:]
    return Packet(b"", channel, first, 1, DATA, messages, DONE)


DECODERS = {"moldudp64": lambda p: mold(p, False), "itch50": lambda p: mold(p, True), "cme_mdp3": cme, "iex_tp": iex,
            "nyse_pillar": nyse, "cboe_pitch": pitch, "eurex_eobi": eobi, "opra": opra, "cta": cta, "ice_impact": ice,
            "miax_mach": miax, "memx_memoir": memx, "b3_umdf": b3, "deribit": deribit}


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


def dump(program, framing, path):
    """What feed_dump says."""
    done = subprocess.run([program, framing, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(program, framing, path, name, decoder=None):
    """Packet by packet; (packets, messages, instruments, next of each) for the report."""
    ours = dump(program, framing, path)
    theirs = list(payloads(path))
    assert len(ours) == len(theirs), f"{name}: {len(ours)} packets, not {len(theirs)}"
    totals = collections.Counter()
    following = {}
    for number, (got, (port, payload)) in enumerate(zip(ours, theirs), 1):
        want = (decoder or DECODERS[framing])(payload)
        assert got["rc"] == 0, f"{name}:{number}: refused, {got}"
        have = Packet(bytes.fromhex(got["session"]).rstrip(b"\0"), got["channel"], got["first"], got["count"], got["control"],
                      got["messages"], got["ended"])
        assert have == want._replace(session=want.session.rstrip(b"\0")), f"{name}:{number}:\n got {have}\nwant {want}"
        assert not got["entries_malformed"], f"{name}:{number}"
        key = port, have.session, have.channel
        if have.control in (DATA, HEARTBEAT):
            totals["continuous"] += following.get(key) == have.first
            totals["broken"] += key in following and following[key] != have.first
            following[key] = have.first + have.count
        totals["packets"] += 1
        totals["control"] += have.control != DATA
        totals["messages"] += len(have.messages)
        totals["instruments"] += sum(len(m[2]) for m in have.messages)
    return totals


def real_captures(program, feeds):
    """Every capture in CAPTURES; a line for each folder."""
    totals, single = {}, {}
    for path in sorted(p for p in feeds.rglob("*") if p.is_file()):
        name = str(path.relative_to(feeds))
        framing = next((f for pattern, f in CAPTURES if fnmatch.fnmatch(name, pattern)), "?")
        assert framing != "?", f"{name}: in no list"
        if framing is None:
            continue
        found = compare(program, framing, path, name)
        single[name] = found
        totals.setdefault((framing, name.rsplit("/", 1)[0]), collections.Counter()).update({**found, "files": 1})
    for (framing, folder), found in totals.items():
        print(f"{framing:12} {folder:45} {found['files']:3} files {found['packets']:6} packets ({found['control']} control) "
              f"{found['messages']:6} messages {found['instruments']:6} instruments")
    for pattern, (least, breaks) in CONTINUOUS.items():
        name = next(n for n in single if fnmatch.fnmatch(n, pattern))
        found = single[name]
        print(f"{name}: {found['packets']} packets, {found['messages']} messages, {found['continuous']} follow, "
              f"{found['broken']} do not")
        assert found["continuous"] >= least and found["broken"] == breaks, name
    seen = {framing for framing, _ in totals}
    assert seen == set(DECODERS) - {"b3_umdf", "deribit"}, seen


def tshark_agrees(program, feeds, folder):
    """MoldUDP64 as tshark has it; the captures' packets on one port, as some have none."""
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
        deribit_packets.append(struct.pack("<HHI", len(body), 5, n) + body + b"trailer"[:n])
    cme_packets = [struct.pack("<IQHHHHH", n, 0, 10 + root, root, t, 1, 9) + bytes(root) for n, t, root in ((7, 12, 0), (8, 4, 9))]
    miax_packets = [struct.pack("<QHBB", n, 12, kind, 1) for n, kind in ((0, 1), (17, 0), (17, 2))]
    memx_packets = [struct.pack(">BB8sQ", kind, 18, b"session8", 5) for kind in (0, 1)]
    pitch_packets = [struct.pack("<HBBI", 8, 0, 3, 0), struct.pack("<HBBI", 8, 0, 3, 77),
                     struct.pack("<HBBI", 14, 1, 3, 0) + b"\x06\x97abcd" + b"padding"]
    nyse_packets = [struct.pack("<HBBIII", 18 + 2, flag, 1, 9, 0, 0) + struct.pack("<HH", 4, 35) for flag in (11, 10, 13, 15, 17, 19, 21)]
    eobi_packets = [struct.pack("<HHIIiBBBBIQ", 32, 13005, 2**32 - 1, 1, 5, 2, 1, reset, 0, 0, 0) + struct.pack("<HHIII", 16, 13001, 0, 9, 0)
                    for reset in (0, 1)]
    for framing, packets in (("b3_umdf", b3_packets), ("deribit", deribit_packets), ("cme_mdp3", cme_packets),
                             ("miax_mach", miax_packets), ("memx_memoir", memx_packets), ("cboe_pitch", pitch_packets),
                             ("nyse_pillar", nyse_packets), ("eurex_eobi", eobi_packets)):
        write_capture(folder / "made.pcap", packets)
        found = compare(program, framing, folder / "made.pcap", f"made {framing}")
        print(f"{framing:12} made: {found['packets']} packets, {found['messages']} messages, {found['instruments']} instruments")


CUSTOM_ICE = """
framing:
  header: {order: big, bytes: 16}
  session: {at: 0, bytes: 2}
  sequence: {at: 2, bytes: 4, counts: messages}
  count: {at: 6, bytes: 2}
  controls: [{is: heartbeat, at: 6, bytes: 2, value: 0, empty: true}]
  walk: {at: 1, bytes: 2, adds: 3}
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
framing:
  header: {order: little, bytes: 12}
  sequence: {at: 0, bytes: 4, counts: packets}
  walk: {kind: length, at: 0, bytes: 2, least: 10}
  groups: {root: 10, root_length_at: 2, header: 3}
  type: {at: 4, bytes: 2}
  messages:
""" + "".join(f"    - {{type: {t}, instrument: number, at: {at}, bytes: 4, group: 1}}\n" for t, at in CME_ENTRY.items()) + "".join(
    f"    - {{type: {t}, instrument: number, at: {at}, bytes: 4}}\n" for t, at in CME_ROOT.items())
CUSTOM_OPRA = "framing: {like: opra, messages: [{type: C, length: 14}, {type: H, length: 12}, {type: other, instrument: text, at: 12, bytes: 4}]}\n"
CUSTOM_HKEX = """
framing:
  header: {bytes: 16}
  length: {at: 0, bytes: 2}
  sequence: {at: 4, bytes: 4}
  count: {at: 2, bytes: 1}
  controls: [{is: heartbeat, at: 2, bytes: 1, value: 0}]
  walk: {at: 0, bytes: 2, least: 4}
  type: {at: 2, bytes: 2}
  messages: [{type: other, instrument: number, at: 4, bytes: 4}]
"""


def hkex(payload):
    """HKEX OMD, which is not built in."""
    size, count, _, first = struct.unpack_from("<HBBI", payload)
    found, ended = blocks(payload[16:size], "<H", count=count, least=4)
    messages = [[str(struct.unpack_from("<H", m, 2)[0]), len(m), [struct.unpack_from("<I", m, 4)[0]] if len(m) >= 8 else []]
                for m in found]
    return Packet(b"", 0, first, count, DATA if count else HEARTBEAT, messages, ended)


def custom(program, feeds, folder):
    """Descriptions in a file say the same as those built in."""
    def described(yaml):
        (folder / "framing.yaml").write_text(yaml)
        return f"@{folder / 'framing.yaml'}"
    for yaml, framing, pattern in ((CUSTOM_ICE, "ice_impact", "large/Ice*"), (CUSTOM_CME, "cme_mdp3", "large/Cme*")):
        if feeds is not None:
            path = next(feeds.glob(pattern))
            found = compare(program, described(yaml), path, f"custom {framing}", DECODERS[framing])
            print(f"custom {framing}: {found['packets']} packets, {found['messages']} messages, {found['instruments']} instruments")
    if feeds is not None:
        for path in sorted(feeds.glob("Siac/Opra*/[AC]*.pcap")):
            compare(program, described(CUSTOM_OPRA), path, "custom opra", opra)
    packets = [struct.pack("<HBBIQ", 16 + 12 * (n % 4), n % 4, 0, n, 0) + b"".join(
        struct.pack("<HHII", 12, 30 + i, 700 + n, i) for i in range(n % 4)) + b"pad" * (n % 2) for n in range(40)]
    write_capture(folder / "hkex.pcap", packets)
    compare(program, described(CUSTOM_HKEX), folder / "hkex.pcap", "custom hkex", hkex)


def main():
    program = sys.argv[1]
    feeds = pathlib.Path(os.environ.get("FG_TEST_DATA", "")) / "feeds"
    if "FG_TEST_DATA" not in os.environ or not feeds.is_dir():
        feeds = None
    with tempfile.TemporaryDirectory(prefix="feedgate-test-") as folder:
        folder = pathlib.Path(folder)
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
