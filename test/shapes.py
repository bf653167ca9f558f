# SPDX-License-Identifier: MIT
"""Frames of many shapes: valid ones made by scapy, truncated ones, and ones with random bytes."""
import functools
import random
import warnings

import logging

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR  # noqa: E402  pylint: disable=wrong-import-position
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,  # noqa: E402  pylint: disable=C0413
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, ICMPv6EchoRequest)
from scapy.layers.ipsec import AH  # noqa: E402  pylint: disable=wrong-import-position
from scapy.layers.l2 import ARP, LLC, STP, Dot1AD, Dot1Q, Dot3, Ether  # noqa: E402  pylint: disable=C0413

GROUP, SENDER = "01:00:5e:01:02:03", "02:00:00:00:00:01"
ADDRESSES = [("10.0.0.1", "239.1.2.3"), ("205.209.221.75", "224.0.31.11"), ("192.168.1.9", "10.0.0.21"),
             ("0.0.0.0", "255.255.255.255"), ("127.0.0.1", "127.0.0.1"), ("200.1.1.1", "224.0.0.5")]
ADDRESSES6 = [("fe80::1", "ff02::5"), ("::1", "::1"), ("2001:db8::1", "ff15:dead:beef::26:1"),
              ("2001:db8:a000::1", "2001:db8:9fff::2"), ("fe80::2", "ff02:8000::1"), ("fe80::3", "ff02:7fff::1")]
PORTS = [(1024, 26477), (53, 53), (65535, 0), (179, 1023), (1023, 26400), (7, 32010), (7, 32011), (5000, 14320),
         (30000, 65535), (546, 547)]


def _link(tags=(), kind=Dot1Q):
    frame = Ether(dst=GROUP, src=SENDER)
    for vid in tags:
        frame = frame / kind(vlan=vid, prio=vid % 8)
    return frame


def _transports():
    for sport, dport in PORTS:
        yield UDP(sport=sport, dport=dport) / b"market data"
    yield UDP(sport=9, dport=26477)
    yield UDP(sport=9, dport=26477, chksum=0) / bytes(range(60))
    yield TCP(sport=10100, dport=22, flags="PA") / b"x"
    yield TCP(sport=179, dport=443, options=[("MSS", 1460), ("NOP", None), ("WScale", 7)])
    yield TCP(sport=1, dport=65535, flags="S")


def _network():
    for src, dst in ADDRESSES:
        yield from (IP(src=src, dst=dst, id=7) / transport for transport in _transports())
        yield IP(src=src, dst=dst) / ICMP()
        yield IP(src=src, dst=dst, proto=89) / (b"ospf" * 5)
        yield IP(src=src, dst=dst, proto=0) / b"hop-by-hop means nothing here"
        yield IP(src=src, dst=dst, proto=51) / bytes(24)
    for src, dst in ADDRESSES6:
        yield from (IPv6(src=src, dst=dst) / transport for transport in _transports())
        yield IPv6(src=src, dst=dst) / ICMPv6EchoRequest()
        yield IPv6(src=src, dst=dst, nh=59)
        yield IPv6(src=src, dst=dst, nh=50) / bytes(40)


def _fragments():
    data = UDP(sport=1024, dport=26477, len=2008, chksum=1) / bytes(400)
    for proto, body in ((17, bytes(data)), (17, b"\x04\x00gm" + bytes(300)), (6, b"\x00\x07\x00\x16" + bytes(90)), (1, bytes(64))):
        for flags, offset in (("MF", 0), ("MF", 100), (0, 200), ("MF+DF", 0), (0, 1), ("evil", 8191)):
            yield IP(src="10.0.0.1", dst="239.1.2.3", flags=flags, frag=offset, proto=proto) / body
    yield IP(src="10.0.0.1", dst="239.1.2.3", flags="MF", proto=17) / b"\x04\x00gm"
    yield IP(src="10.0.0.1", dst="239.1.2.3", flags="MF", proto=17) / b"\x04\x00gm\x00\x07\x00\x00"
    for m, offset in ((0, 0), (1, 0), (1, 10), (0, 8191), (0, 1)):
        head = IPv6(src="fe80::1", dst="ff15:dead:beef::26:1") / IPv6ExtHdrFragment(m=m, offset=offset, id=5)
        yield head / UDP(sport=1024, dport=26477) / b"data"
        yield head / TCP(sport=1024, dport=22)
        yield head / IPv6ExtHdrDestOpt() / UDP(sport=1024, dport=26477) / b"data"
        yield IPv6(src="fe80::1", dst="ff02::5", nh=44) / bytes([17, 0, offset >> 5 & 255, (offset << 3 & 255) | m, 0, 0, 0, 5])


def _extensions():
    head = IPv6(src="2001:db8::1", dst="ff15:dead:beef::26:1")
    tail = UDP(sport=1024, dport=26477) / b"data"
    yield head / IPv6ExtHdrHopByHop() / tail
    yield head / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(addresses=["::2"]) / IPv6ExtHdrDestOpt() / tail
    yield head / IPv6ExtHdrDestOpt() / AH(icv=b"\0" * 12) / TCP(sport=1, dport=22)
    for count in (15, 16, 17):
        chain = bytes([60, 0] + [1, 4] + [0] * 4) * (count - 1) + bytes([17, 0] + [1, 4] + [0] * 4)
        yield IPv6(src="fe80::1", dst="ff02::5", nh=60) / chain / tail
    for kind in (135, 139, 140):
        yield IPv6(src="fe80::1", dst="ff02::5", nh=kind) / bytes([17, 0, 0, 0, 0, 0, 0, 0]) / tail
    yield IPv6(src="fe80::1", dst="ff02::5", nh=0) / bytes([17, 255, 0, 0, 0, 0, 0, 0])
    yield IPv6(src="fe80::1", dst="ff02::5", nh=51) / bytes([17, 0, 0, 0, 0, 0, 0, 0]) / tail
    yield IPv6(src="fe80::1", dst="ff02::5", nh=0, plen=0) / bytes([17, 0, 0xC2, 4, 0, 1, 0, 0]) / tail


def _contradictions():
    udp = UDP(sport=1, dport=26477) / b"12345"
    for change in ({"version": 5}, {"ihl": 4}, {"ihl": 15}, {"len": 19}, {"len": 20}, {"len": 27}, {"len": 28},
                   {"len": 65535}, {"len": 0}):
        yield IP(src="10.0.0.1", dst="239.1.2.3", **change) / udp
    for change in ({"version": 4}, {"plen": 0}, {"plen": 7}, {"plen": 8}, {"plen": 14}, {"plen": 65535}):
        yield IPv6(src="fe80::1", dst="ff02::5", **change) / udp
    for length in (0, 7, 8, 12, 13, 14, 65535):
        yield IP(src="10.0.0.1", dst="239.1.2.3") / UDP(sport=1, dport=26477, len=length) / b"12345"
        yield IPv6(src="fe80::1", dst="ff02::5") / UDP(sport=1, dport=26477, len=length) / b"12345"
    for offset in (0, 4, 5, 6, 15):
        yield IP(src="10.0.0.1", dst="239.1.2.3") / TCP(sport=1, dport=22, dataofs=offset) / b"1234"
    yield IP(src="10.0.0.1", dst="239.1.2.3", options=[IPOption_RR(routers=["1.2.3.4"] * 3)]) / udp


def _links():
    ipv4 = IP(src="10.0.0.1", dst="239.1.2.3") / UDP(sport=1024, dport=26477) / b"tagged"
    ipv6 = IPv6(src="fe80::1", dst="ff15:dead:beef::26:1") / UDP(sport=1024, dport=26477) / b"tagged"
    for tags in ((0,), (1,), (100,), (905,), (4095,), (100, 200), (200, 100), (100, 5), (0, 100), (100, 200, 300)):
        for inner in (ipv4, ipv6, ARP()):
            yield _link(tags) / inner
            yield _link(tags, Dot1AD) / inner
    yield Ether(dst=GROUP, src=SENDER, type=0x9100) / (b"\x00\x64" + b"\x08\x00" + bytes(ipv4))
    yield Ether(dst=GROUP, src=SENDER, type=0x9100) / (b"\x00\x64" + b"\x81\x00" + b"\xf0\xc8" + b"\x86\xdd" + bytes(ipv6))
    yield _link() / ARP(pdst="10.0.0.2")
    yield Ether(dst="01:80:c2:00:00:0e", src=SENDER, type=0x88CC) / bytes(46)
    yield Dot3(dst="01:80:c2:00:00:00", src=SENDER) / LLC() / STP()
    yield Ether(dst="00:00:00:00:00:00", src="00:00:00:00:00:00") / ipv4
    yield Ether(dst="33:33:00:00:00:05", src=SENDER) / ipv6
    yield Ether(dst=GROUP, src=SENDER, type=0x0800) / bytes(ipv6)
    yield Ether(dst=GROUP, src=SENDER, type=0x86DD) / bytes(ipv4)
    for size in (0x05FF, 0x0600, 0x0000, 0xFFFF):
        yield Ether(dst=GROUP, src=SENDER, type=size) / b"what is this"


def datagram(dst, port):
    """One UDP datagram to a group."""
    return bytes(_link() / IP(src="10.0.0.1", dst=dst) / UDP(sport=1024, dport=port) / b"market data")


def _kept(function):
    """Decorator: make the frames once in a process; each caller gets its own list."""
    made = functools.cache(function)
    return functools.wraps(function)(lambda: list(made()))


@_kept
def whole():
    """Valid frames."""
    frames = [bytes(_link() / packet) for packet in _network()]
    frames += [bytes(frame) for frame in _links()]
    frames.append(bytes(_link() / IP(dst="239.1.2.3", src="10.0.0.1") / UDP(sport=1, dport=26477) / bytes(1472)))
    return frames + [frame + b"trailer, padding" for frame in frames[::7]]


@_kept
def odd():
    """Fragments, extension headers, and headers that contradict themselves."""
    frames = []
    for make in (_fragments, _extensions, _contradictions):
        for tags in ((), (100,), (100, 200)):
            frames += [bytes(_link(tags) / packet) for packet in make()]
    return frames


def jumbo():
    """Frames larger than an mbuf, up to the largest that a source accepts."""
    return [bytes(_link() / IP(dst="239.1.2.3", src="10.0.0.1") / UDP(sport=1, dport=26477) / bytes(size))
            for size in (2020, 2080, 4000, 9000, 16000, 65493)]


def cut():
    """Some frames truncated to each length but 0."""
    ipv6 = (IPv6(src="fe80::1", dst="ff02::5") / IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(m=1) / TCP(sport=1, dport=22))
    ipv4 = IP(src="10.0.0.1", dst="239.1.2.3", options=[IPOption_RR(routers=["1.2.3.4"] * 3)]) / UDP(sport=1, dport=26477) / b"xy"
    frames = []
    for packet in (_link((100, 200)) / ipv6, _link((100,)) / ipv4, _link() / ARP()):
        data = bytes(packet)
        frames += [data[:size] for size in range(1, len(data))]
    return frames


def noisy(count, seed=1):
    """Valid and odd frames with a few header bytes replaced."""
    rng = random.Random(seed)
    base, frames = whole() + odd(), []
    for _ in range(count):
        frame = bytearray(rng.choice(base))
        for _ in range(rng.randint(1, 4)):
            frame[rng.randrange(min(len(frame), 80))] = rng.choice((0, 255, rng.randrange(256), 0x45, 0x60, 17, 44))
        if rng.random() < 0.2:
            del frame[rng.randrange(14, len(frame)):]
        frames.append(bytes(frame))
    return frames
