# SPDX-License-Identifier: MIT
"""The expected behaviour of feedgate: an independent implementation of its rules.

Reads captures, decodes frames and classifies them by a rule file. Written from the RFCs and docs/configuration.md, it
shares nothing with the C code, and is slow and simple on purpose. It also turns a rule file into a pcap-filter(7)
expression, so that tcpdump gives a third answer.
"""
import functools
import ipaddress
import re
import struct
from collections import Counter, namedtuple

import yaml

import cbpf

ETHERNET = 1
CONVERTED = (0, 12, 14, 101, 108, 113, 197, 228, 229, 276)  # Link types that feedgate reads, too.
TPIDS = (0x8100, 0x88A8, 0x9100)
VLANS_MAX = 2
EXTENSIONS_MAX = 16
CAPTURED_MAX = 262144

Packet = namedtuple("Packet", "time_ns data wire_len interface comment")


class CaptureError(Exception):
    """The file is no capture, is truncated, or contradicts itself."""


# --- captures -------------------------------------------------------------------------------------------------


def read_capture(path):
    """The link type (None if there is none) and the packets of a pcap or pcapng file."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 24 and data[:4] != b"\x0a\x0d\x0d\x0a":
        raise CaptureError("no file header")
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return _read_pcapng(data)
    return _read_pcap(data)


def _read_pcap(data):
    magics = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
              b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if data[:4] not in magics:
        raise CaptureError("unknown magic")
    order, unit_ns = magics[data[:4]]
    link = struct.unpack_from(order + "I", data, 20)[0]
    packets, at = [], 24
    while at < len(data):
        if at + 16 > len(data):
            raise CaptureError("record header cut")
        seconds, fraction, captured, wire = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if captured > CAPTURED_MAX or at + captured > len(data):
            raise CaptureError("record cut")
        packets.append(Packet(seconds * 10**9 + fraction * unit_ns, data[at:at + captured], wire, 0, None))
        at += captured
    return link & 0x3FFFFFF, packets


def _options(order, body, at):
    found = {}
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        found.setdefault(code, body[at + 4:at + 4 + length])
        at += 4 + (length + 3 & ~3)
    return found


def _interface(order, body):
    link, _, snaplen = struct.unpack_from(order + "HHI", body, 0)
    options = _options(order, body, 8)
    resolution = options.get(9, b"\x06")[0]
    per_second = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    offset = struct.unpack(order + "q", options[14])[0] if 14 in options else 0
    return {"link": link, "snaplen": snaplen, "per_second": per_second, "offset": offset,
            "name": options.get(2, b"").decode(errors="replace")}


def _enhanced(order, body, interfaces):
    index, high, low, captured, wire = struct.unpack_from(order + "IIIII", body, 0)
    if index >= len(interfaces) or 20 + captured > len(body):
        raise CaptureError("packet block cut")
    side = interfaces[index]
    ticks = high << 32 | low
    time_ns = ticks * 10**9 // side["per_second"] + side["offset"] * 10**9
    comment = _options(order, body, 20 + (captured + 3 & ~3)).get(1)
    return Packet(time_ns, body[20:20 + captured], wire, side["name"] or index, comment and comment.decode())


def _simple(order, body, interfaces):
    wire = struct.unpack_from(order + "I", body, 0)[0]
    if not interfaces:
        raise CaptureError("packet before its interface")
    captured = min(wire, interfaces[0]["snaplen"] or wire)
    if 4 + captured > len(body):
        raise CaptureError("packet block cut")
    return Packet(0, body[4:4 + captured], wire, interfaces[0]["name"] or 0, None)


def _read_pcapng(data):
    packets, interfaces, links, at, order = [], [], set(), 0, "<"
    while at < len(data):
        if at + 12 > len(data):
            raise CaptureError("block header cut")
        kind = struct.unpack_from(order + "I", data, at)[0]
        if kind == 0x0A0D0D0A:
            order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(data[at + 8:at + 12])
            if order is None:
                raise CaptureError("unknown byte order")
            interfaces = []
        length = struct.unpack_from(order + "I", data, at + 4)[0]
        if length < 12 or length % 4 or at + length > len(data):
            raise CaptureError("block cut")
        if struct.unpack_from(order + "I", data, at + length - 4)[0] != length:
            raise CaptureError("block lengths differ")
        body = data[at + 8:at + length - 4]
        if kind == 1:
            interfaces.append(_interface(order, body))
            links.add(interfaces[-1]["link"])
        elif kind == 6:
            packets.append(_enhanced(order, body, interfaces))
        elif kind == 3:
            packets.append(_simple(order, body, interfaces))
        at += length
    if len(links) > 1:
        raise CaptureError("several link types")
    return (links.pop() if links else None), packets


def write_pcap(path, packets, link=ETHERNET):
    """Write packets, or frames alone, to a pcap file with nanoseconds."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, CAPTURED_MAX, link))
        for i, packet in enumerate(packets):
            if isinstance(packet, bytes):
                packet = Packet(1_700_000_000_000_000_000 + i * 1001, packet, len(packet), 0, None)
            seconds, fraction = divmod(packet.time_ns, 10**9)
            file.write(struct.pack("<IIII", seconds & 0xFFFFFFFF, fraction, len(packet.data), packet.wire_len) + packet.data)


# --- frames ---------------------------------------------------------------------------------------------------


class Key:
    """The header fields of a frame that rules can test; extended: it has IPv6 extension headers."""

    def __init__(self):
        self.frame = None
        self.src_mac = self.dst_mac = None
        self.vlans = []
        self.ethertype = None
        self.family = 0
        self.src = self.dst = None
        self.protocol = None
        self.fragment = self.later = self.extended = False
        self.ports_of = 0
        self.src_port = self.dst_port = None


class Broken(Exception):
    """The frame cannot be classified; the argument is the drop reason."""


def decode(frame, fragments="pass"):
    """The key of a frame; raises Broken("truncated", "malformed" or "fragment")."""
    key = Key()
    key.frame = frame
    if len(frame) < 14:
        raise Broken("truncated")
    key.dst_mac, key.src_mac = frame[0:6], frame[6:12]
    key.ethertype = int.from_bytes(frame[12:14], "big")
    at = 14
    while key.ethertype in TPIDS and len(key.vlans) < VLANS_MAX:
        if len(frame) < at + 4:
            raise Broken("truncated")
        key.vlans.append(int.from_bytes(frame[at:at + 2], "big") & 0xFFF)
        key.ethertype = int.from_bytes(frame[at + 2:at + 4], "big")
        at += 4
    if key.ethertype == 0x0800:
        _decode_ipv4(frame[at:], key, fragments)
    elif key.ethertype == 0x86DD:
        _decode_ipv6(frame[at:], key, fragments)
    return key


def _decode_ipv4(packet, key, fragments):
    if len(packet) < 20:
        raise Broken("truncated")
    header = (packet[0] & 15) * 4
    total = int.from_bytes(packet[2:4], "big")
    if packet[0] >> 4 != 4 or header < 20 or total < header:
        raise Broken("malformed")
    if len(packet) < header or len(packet) < total:
        raise Broken("truncated")
    pieces = int.from_bytes(packet[6:8], "big")
    key.family, key.protocol = 4, packet[9]
    key.src, key.dst = packet[12:16], packet[16:20]
    key.later = pieces & 0x1FFF != 0
    key.fragment = key.later or pieces & 0x2000 != 0
    _decode_ports(packet[header:total], key, fragments)


def _decode_ipv6(packet, key, fragments):
    if len(packet) < 40:
        raise Broken("truncated")
    if packet[0] >> 4 != 6:
        raise Broken("malformed")
    length = int.from_bytes(packet[4:6], "big")
    if len(packet) < 40 + length:
        raise Broken("truncated")
    key.family, key.src, key.dst = 6, packet[8:24], packet[24:40]
    body, protocol, count = packet[40:40 + length], packet[6], 0
    while protocol in (0, 43, 44, 51, 60, 135, 139, 140) and not key.later:
        count += 1
        key.extended = True
        if count > EXTENSIONS_MAX or len(body) < 8:
            raise Broken("malformed")
        if protocol == 44:
            size, pieces = 8, int.from_bytes(body[2:4], "big")
            key.later = pieces >> 3 != 0
            key.fragment = key.fragment or key.later or pieces & 1 != 0
        elif protocol == 51:
            size = (body[1] + 2) * 4
        else:
            size = (body[1] + 1) * 8
        if len(body) < size:
            raise Broken("malformed")
        protocol, body = body[0], body[size:]
    key.protocol = protocol
    _decode_ports(body, key, fragments)


def _decode_ports(body, key, fragments):
    if (fragments == "drop" and key.fragment) or (fragments == "first-only" and key.later):
        raise Broken("fragment")
    if key.later or key.protocol not in (6, 17):
        return
    if len(body) < (8 if key.protocol == 17 else 20):
        raise Broken("truncated")
    if key.protocol == 17:
        length = int.from_bytes(body[4:6], "big")
        if length < 8 or (length > len(body) and not key.fragment):
            raise Broken("malformed")
    else:
        header = (body[12] >> 4) * 4
        if header < 20:
            raise Broken("malformed")
        if len(body) < header:
            raise Broken("truncated")
    key.ports_of = key.protocol
    key.src_port, key.dst_port = int.from_bytes(body[0:2], "big"), int.from_bytes(body[2:4], "big")


# --- rules ----------------------------------------------------------------------------------------------------


def _list(value):
    return value if isinstance(value, list) else [value]


@functools.lru_cache(maxsize=None)
def _network(text):
    network = ipaddress.ip_network(text)
    return int(network.network_address), network.max_prefixlen - network.prefixlen


def _within(address, text):
    first, free_bits = _network(text)
    return int.from_bytes(address, "big") >> free_bits == first >> free_bits


@functools.lru_cache(maxsize=None)
def _mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


@functools.lru_cache(maxsize=None)
def _range(text):
    low, _, high = text.partition("-")
    return int(low, 0), int(high or low, 0)


class Rule:
    """One entry of `rules`."""

    def __init__(self, entry):
        self.name = entry["name"]
        self.drop = entry.get("drop", "false") in ("true", "yes", "on")
        self.to = _list(entry.get("to", []))
        self.match = entry.get("match") or {}

    def matches(self, key, source, line):
        """Do all keys of `match` match?"""
        match = self.match
        if "source" in match and source not in _list(match["source"]):
            return False
        if "line" in match and line not in _list(match["line"]):
            return False
        return (self._matches_link(key) and self._matches_network(key) and self._matches_ports(key)
                and self._matches_expression(key))

    def _matches_expression(self, key):
        return "expr" not in self.match or any(cbpf.matches(text, key.frame) for text in _list(self.match["expr"]))

    def _matches_link(self, key):
        match = self.match
        for side in ("src", "dst"):
            values = (match.get("mac") or {}).get(side)
            if values is not None and getattr(key, side + "_mac") not in [_mac(m) for m in _list(values)]:
                return False
        if "vlan" in match:
            values = [int(v, 0) for v in _list(match["vlan"])]
            if key.vlans[:len(values)] != values:
                return False
        return "ethertype" not in match or key.ethertype in [int(v, 0) for v in _list(match["ethertype"])]

    def _matches_network(self, key):
        match = self.match
        families = [family for family in (4, 6) if f"ipv{family}" in match]
        if families and key.family not in families:
            return False
        if key.family in families:
            for side in ("src", "dst"):
                values = (match[f"ipv{key.family}"] or {}).get(side)
                address = getattr(key, side)
                if values is not None and not any(_within(address, net) for net in _list(values)):
                    return False
        return "protocol" not in match or (
            key.family != 0 and key.protocol in [int(v, 0) for v in _list(match["protocol"])])

    def _matches_ports(self, key):
        named = [(name, number) for name, number in (("udp", 17), ("tcp", 6)) if name in self.match]
        return not named or any(self._matches_protocol(key, name, number) for name, number in named)

    def _matches_protocol(self, key, name, number):
        if key.family == 0 or key.protocol != number:
            return False
        ports = self.match[name] or {}
        for side in ("src", "dst"):
            values = ports.get(side)
            if values is None:
                continue
            if key.ports_of != number:
                return False
            port = getattr(key, side + "_port")
            if not any(low <= port <= high for low, high in map(_range, _list(values))):
                return False
        return True


class Rules:
    """A whole rule file."""

    def __init__(self, text):
        tree = yaml.load(text, Loader=yaml.BaseLoader) or {}
        self.rules = [Rule(entry) for entry in tree.get("rules") or []]
        self.fragments = (tree.get("parse") or {}).get("fragments", "pass")
        default = tree.get("default", "drop")
        self.default_to = _list(default["to"]) if isinstance(default, dict) else []
        self.lines = {source["name"]: source.get("line") for source in tree.get("sources") or []}

    def first(self, key, source):
        """The first rule that matches, or None."""
        line = self.lines.get(source)
        return next((rule for rule in self.rules if rule.matches(key, source, line)), None)

    def classify(self, frame, source):
        """(drop reason or None, rule name or None for a frame that is not classified, sinks)."""
        try:
            key = decode(frame, self.fragments)
        except Broken as reason:
            return str(reason), None, []
        rule = self.first(key, source)
        if rule is None:
            if self.default_to:
                return None, "-", self.default_to
            return ("not_ip" if key.family == 0 else "no_rule"), "-", []
        if rule.drop:
            return "rule_drop", rule.name, []
        return None, rule.name, rule.to


class Expected:
    """The expected counts and frames of a run over some sources."""

    def __init__(self, rules, sources):
        """sources: {name: [Packet]}"""
        self.received = self.bytes = self.delivered = 0
        self.dropped, self.rules, self.sink_packets = Counter(), Counter(), Counter()
        self.rule_bytes = Counter()
        self.frames = {}  # (sink, source): [(Packet, rule name)]
        for source, packets in sources.items():
            for packet in packets:
                self._add(rules, source, packet)

    def _add(self, rules, source, packet):
        reason, rule, sinks = rules.classify(packet.data, source)
        self.received += 1
        self.bytes += len(packet.data)
        if rule is not None:
            self.rules[rule] += 1
            self.rule_bytes[rule] += len(packet.data)
        if reason is not None:
            self.dropped[reason] += 1
            return
        self.delivered += 1
        for sink in sinks:
            self.sink_packets[sink] += 1
            self.frames.setdefault((sink, source), []).append((packet, rule))


# --- the same in pcap-filter(7) ---------------------------------------------------------------------------------


def _any(terms):
    terms = list(terms)
    return "(" + " or ".join(terms) + ")" if terms else "(ether[0] = 256)"


def _all(terms):
    terms = [term for term in terms if term]
    return "(" + " and ".join(terms) + ")" if terms else "(len >= 0)"


NEVER = "(ether[0] = 256)"


def _filter_side(words, family):
    return [_any(f"{family} {side} net {net}" if "/" in net else f"{family} {side} host {net}"
                 for net in _list(words[side])) for side in ("src", "dst") if (words or {}).get(side) is not None]


def _filter_ports(name, words):
    terms = [name]
    for side in ("src", "dst"):
        if (words or {}).get(side) is not None:
            terms.append(_any(f"{name} {side} portrange {low}-{high}"
                              for low, high in map(_range, _list(words[side]))))
    return _all(terms)


def _filter_expression(text, level):
    """Offsets in tagged frames differ: an expression that tests more than Ethernet must match none of them."""
    words = set(re.findall("[a-z][a-z0-9-]*", re.sub("0x[0-9a-f]+", "", text)))
    if level == 0 or words <= {"ether", "len", "and", "or", "not"}:
        return f"({text})"
    assert re.match("(ip|ip6|arp)\\b", text), text
    return NEVER


def _filter_rule(rule, level, source, line):
    """The rule for frames with @p level VLAN tags. ether[] counts from the start of the frame, all else from the tags."""
    match, terms = rule.match, []
    if "source" in match and source not in _list(match["source"]):
        return NEVER
    if "line" in match and line not in _list(match["line"]):
        return NEVER
    for side in ("src", "dst"):
        if (match.get("mac") or {}).get(side) is not None:
            terms.append(_any(f"ether {side} {mac}" for mac in _list(match["mac"][side])))
    if "vlan" in match:
        values = _list(match["vlan"])
        if len(values) > level:
            return NEVER
        terms += [f"(ether[{14 + 4 * i}:2] & 0xfff = {int(vid, 0)})" for i, vid in enumerate(values)]
    if "ethertype" in match:
        terms.append(_any(f"ether[{12 + 4 * level}:2] = {int(v, 0)}" for v in _list(match["ethertype"])))
    families = [(name, word) for name, word in (("ipv4", "ip"), ("ipv6", "ip6")) if name in match]
    if families:
        terms.append(_any(_all([word] + _filter_side(match[name], word)) for name, word in families))
    if "protocol" in match:
        terms.append(_any(f"ip proto {int(v, 0)} or ip6 proto {int(v, 0)}" for v in _list(match["protocol"])))
    protocols = [name for name in ("udp", "tcp") if name in match]
    if protocols:
        terms.append(_any(_filter_ports(name, match[name]) for name in protocols))
    if "expr" in match:
        terms.append(_any(_filter_expression(text, level) for text in _list(match["expr"])))
    return _all(terms)


def _filter_level(rules, sink, level, source):
    """First match wins, as one expression."""
    line, expression = rules.lines.get(source), _all([]) if sink in rules.default_to else NEVER
    for rule in reversed(rules.rules):
        own = _filter_rule(rule, level, source, line)
        expression = f"({own} or {expression})" if sink in rule.to else f"((not {own}) and {expression})"
    return expression


def pcap_filter(rules, sink, source):
    """The frames from @p source that @p sink gets, if they are not malformed and have no IPv6 extension headers."""
    untagged = "(not (ether[{0}:2] = 0x8100 or ether[{0}:2] = 0x88a8 or ether[{0}:2] = 0x9100))"
    levels = [_filter_level(rules, sink, level, source) for level in range(VLANS_MAX + 1)]
    return (f"({untagged.format(12)} and {levels[0]}) or (vlan and (({untagged.format(16)} and {levels[1]})"
            f" or (vlan and {levels[2]})))")
