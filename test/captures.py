# SPDX-License-Identifier: MIT
"""Makes capture files byte by byte, from the formats' specifications: pcap, pcapng, headers of link types."""
import struct

MICRO, NANO, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
TIME_S = 1700000000


def datagram(number=0, data=b"feedgate", family=4):
    """An IP packet with UDP; the checksum of UDP is absent or, for IPv6, wrong."""
    udp = struct.pack(">HHHH", 1024 + number, 26477, 8 + len(data), 0) + data
    if family == 6:
        return struct.pack(">IHBB", 6 << 28, len(udp), 17, 9) + bytes(15) + b"\1" + b"\xff\x0e" + bytes(13) + b"\2" + udp
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 9, 17, 0, b"\x0a\0\0\1", b"\xef\1\2\3")
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack(">H", 0xFFFF ^ ((total & 0xFFFF) + (total >> 16))) + head[12:] + udp


def frame(number=0, data=b"feedgate", family=4):
    """The same in Ethernet."""
    kind = 0x0800 if family == 4 else 0x86DD
    return bytes.fromhex("01005e010203020000000001") + struct.pack(">H", kind) + datagram(number, data, family)


def record(data, seconds=TIME_S, fraction=0, wire=None, captured=None, order="<", more=b""):
    """A record of a pcap file. @captured: what it says."""
    return struct.pack(order + "IIII", seconds, fraction, len(data) if captured is None else captured,
                       len(data) if wire is None else wire) + more + data


def pcap(records, order="<", magic=MICRO, snaplen=65535, link=1, version=(2, 4)):
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link) + b"".join(records)


def pcap_of(frames, order="<", **more):
    return pcap([record(data, fraction=i, order=order) for i, data in enumerate(frames)], order, **more)


class Section:
    """Blocks of a pcapng section in one byte order."""

    def __init__(self, order="<"):
        self.order = order

    def pack(self, text, *values):
        return struct.pack(self.order + text, *values)

    def block(self, kind, body, total=None, closing=None):
        """@total and @closing: the lengths that it says."""
        body += bytes(-len(body) % 4)
        total = len(body) + 12 if total is None else total
        return self.pack("II", kind, total) + body + self.pack("I", total if closing is None else closing)

    def option(self, code, value=b"", length=None):
        return self.pack("HH", code, len(value) if length is None else length) + value + bytes(-len(value) % 4)

    def header(self, version=(1, 0), length=-1, options=b""):
        return self.block(0x0A0D0D0A, self.pack("IHHq", 0x1A2B3C4D, *version, length) + options)

    def interface(self, link=1, snaplen=0, options=b""):
        return self.block(1, self.pack("HHI", link, 0, snaplen) + options)

    def resolution(self, value):
        return self.option(9, bytes([value]))

    def offset(self, seconds):
        return self.option(14, self.pack("q", seconds))

    def enhanced(self, data, time=TIME_S * 10**6, interface=0, wire=None, captured=None, options=b"", **lengths):
        body = self.pack("IIIII", interface, time >> 32, time & 0xFFFFFFFF, len(data) if captured is None else captured,
                         len(data) if wire is None else wire)
        return self.block(6, body + data + bytes(-len(data) % 4) + options, **lengths)

    def obsolete(self, data, time=TIME_S * 10**6, interface=0, drops=0, wire=None, options=b""):
        body = self.pack("HHIIII", interface, drops, time >> 32, time & 0xFFFFFFFF, len(data), len(data) if wire is None else wire)
        return self.block(2, body + data + bytes(-len(data) % 4) + options)

    def simple(self, data, wire=None):
        return self.block(3, self.pack("I", len(data) if wire is None else wire) + data)


def cooked(data, kind, device=1, address=b"\2\0\0\0\0\7", packet_type=0):
    """LINUX_SLL (113)."""
    return struct.pack(">HHH8sH", packet_type, device, len(address), address, kind) + data


def cooked2(data, kind, device=1, address=b"\2\0\0\0\0\7", packet_type=0):
    """LINUX_SLL2 (276)."""
    return struct.pack(">HHIHBB8s", kind, 0, 3, device, packet_type, len(address), address) + data


def erf(data, kind, extensions=0, pad=0, wire=None):
    """An ERF record (197); Ethernet has an offset and a pad byte first."""
    more = b"".join(bytes([0x80 if i + 1 < extensions else 0]) + bytes(7) for i in range(extensions))
    body = more + (bytes(2) if kind in (2, 11, 16, 20) else b"") + data + bytes(pad)
    time = struct.pack("<Q", TIME_S << 32)
    return time + struct.pack(">BBHHH", kind | (0x80 if extensions else 0), 4, 16 + len(body), 0,
                              len(data) if wire is None else wire) + body
