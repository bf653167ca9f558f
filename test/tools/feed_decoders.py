# SPDX-License-Identifier: MIT
"""Decoders of market-data protocols, written from their specifications: tests compare protocols and generators with them."""
import collections
import struct

DATA, HEARTBEAT, RESET, END, RETRANSMISSION, UNSEQUENCED = range(6)
DONE, MALFORMED, UNDECODABLE = 0, 1, 4

Packet = collections.namedtuple("Packet", "session channel first count kind messages ended")


def text(data):
    """A padded symbol."""
    return data.rstrip(b" \0").decode("latin-1")


def blocks(data, size_format, length_bias=0, skip=0, count=None, min_bytes=1):
    """Messages, each after its length; (messages, how the walk ended)."""
    found, size = [], struct.calcsize(size_format)
    while data and (count is None or len(found) < count):
        if len(data) < max(size, min_bytes):
            return found, MALFORMED
        length = struct.unpack_from(size_format, data)[0] + length_bias
        if length < max(size, min_bytes) or length > len(data):
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
    found, ended = blocks(payload[20:], ">H", length_bias=2, skip=2, count=count)
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
    found, ended = blocks(payload[12:], "<H", min_bytes=10)
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
    found, ended = blocks(payload[40:40 + size], "<H", length_bias=2, skip=2, count=count)
    messages = [[chr(m[0]), len(m), [] if m[:1] == b"S" else [text(m[10:18])]] for m in found]
    return Packet(session, protocol << 32 | channel, first, count, DATA if count else HEARTBEAT, messages, ended)


NYSE_AT_8, NYSE_AT_12 = (100, 101, 102, 103, 104, 110, 111, 112, 113, 114, 140, 340), (32, 34, 105, 106, 223)
NYSE_ORDER = {100: 16, 101: 16, 102: 16, 103: 16, 104: 16, 106: 20}


def nyse(payload):
    """NYSE XDP, Pillar"""
    size, flag, count, first = struct.unpack_from("<HBBI", payload)
    found, ended = blocks(payload[16:size], "<H", count=count, min_bytes=4)
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
    kind = HEARTBEAT if flag == 1 else RETRANSMISSION if flag in (13, 15) else UNSEQUENCED if 13 <= flag <= 21 else DATA
    return Packet(b"", 0, first, count, kind, messages, ended)


PITCH_SYMBOL = {0x21: (19, 6), 0x22: (17, 6), 0x2f: (19, 8), 0x2a: (19, 6), 0x2b: (17, 6), 0x30: (19, 8), 0x31: (6, 8),
                0x95: (6, 8), 0x96: (6, 8), 0x98: (6, 8), 0x2e: (2, 6)}
PITCH_ORDER = (0x21, 0x22, 0x2f, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x30)


def pitch(payload):
    """Cboe PITCH"""
    size, count, unit, first = struct.unpack_from("<HBBI", payload)
    found, ended = blocks(payload[8:size], "<B", count=count, min_bytes=2)
    messages = []
    for data in found:
        at, bytes_ = PITCH_SYMBOL.get(data[1], (0, 0))
        entry = [str(data[1]), len(data), [text(data[at:at + bytes_])] if bytes_ and len(data) >= at + bytes_ else []]
        if data[1] in PITCH_ORDER:
            entry.append(struct.unpack_from("<Q", data, 6)[0])
        messages.append(entry)
    kind = UNSEQUENCED if first == 0 else HEARTBEAT if count == 0 else DATA
    return Packet(b"", unit, first, count, kind, messages, ended)


EOBI_ID = {13100: 16, 13101: 40, 13102: 24, 13103: 8, 13104: 32, 13105: 32, 13106: 32, 13201: 8, 13202: 8, 13301: 8, 13503: 8,
           13601: 8, 13500: 16, 13501: 16, 13504: 16}


def eobi(payload):
    """Eurex EOBI"""
    size, _, _, first, _, partition, _, reset = struct.unpack_from("<HHIIiBBB", payload)
    found, ended = blocks(payload[size:], "<H", min_bytes=8)
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
    data, messages, ended, packet_kind = payload[21:size], [], DONE, DATA
    for _ in range(count):
        category, kind, indicator = (chr(c) for c in data[1:4])
        length = OPRA_BASE[category]
        if category in "kq":
            length += {**dict.fromkeys("MNPCGK", 10), "O": 20}.get(indicator, 0)
        if category == "C":
            length += struct.unpack_from(">H", data, 12)[0]
        if category == "Y" and kind == "I":
            length += 4
        if category == "H":
            packet_kind = {"N": HEARTBEAT, "K": RESET, "J": END}.get(kind, packet_kind)
        symbol = 4 if category == "q" else 5
        messages.append([category, length, [text(data[12:12 + symbol])] if category not in "CH" else []])
        data = data[length:]
    assert len(data) <= 1, "a pad at most"
    assert payload[4:5] == b" "
    if packet_kind != DATA:
        return Packet(session, 0, first + 1, 0, packet_kind, messages, ended)
    return Packet(session, 0, first, count, packet_kind, messages, ended)


def cta(payload):
    """CTA"""
    size, retransmitted, first, count = struct.unpack_from(">xHxcIB", payload)
    assert retransmitted == b"O"
    found, ended = blocks(payload[20:size], ">H", count=count, min_bytes=4)
    messages = []
    for data in found:
        kind = data[2:4].decode()
        symbol = data[26:31] if kind in ("TT", "TH", "QS") else data[26:37]
        messages.append([kind, len(data), [text(symbol)] if len(data) >= 37 and kind[0] not in "MC" else []])
    kind = {"CT": HEARTBEAT, "CA": RESET, "CL": RESET, "CZ": END}.get(messages[0][0], DATA)
    if kind != DATA:
        return Packet(b"", 0, first + 1, 0, kind, messages, ended)
    return Packet(b"", 0, first, count, kind, messages, ended)


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
    found, ended = blocks(payload[20:], ">H", length_bias=2, count=count)
    messages = [[str(m[4]), len(m), [struct.unpack_from(">H", m, 16)[0]] if len(m) >= 18 and m[4] != 5 else []] for m in found]
    return Packet(session, 0, first, count, DATA, messages, ended)


def b3(payload):
    """B3 UMDF"""
    channel, version, first = struct.unpack_from("<Bx2sI", payload)
    found, ended = blocks(payload[16:], "<H", min_bytes=12)
    kinds = [struct.unpack_from("<H", m, 6)[0] for m in found]
    messages = [[str(k), len(m), [] if k in (1, 2, 11) else [struct.unpack_from("<Q", m, 12)[0]]] for k, m in zip(kinds, found)]
    if kinds[0] == 1:
        return Packet(version, channel, first + 1, 0, RESET, messages, ended)
    if kinds[0] == 2:
        return Packet(version, channel, struct.unpack_from("<I", found[0], 12)[0], 0, HEARTBEAT, messages, ended)
    return Packet(version, channel, first, 1, DATA, messages, ended)


def deribit(payload):
    """Deribit: no message has a length."""
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
