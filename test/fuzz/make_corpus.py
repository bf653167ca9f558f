#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write the seeds of fuzz_parse, fuzz_capture_file, fuzz_classbench, fuzz_expr, fuzz_protocol and fuzz_msg_filter.

usage: make_corpus.py DIRECTORY, the one that holds parse/, capture_file/, classbench/, expr/, protocol/ and msg_filter/

For fuzz_parse one packet a shape, built by scapy: a seed is one byte of settings, two bytes of segment lengths, then
a frame; see fuzz_parse.c. For fuzz_classbench rules and traces, good and bad. For fuzz_expr an
expression in a line, then a frame. For fuzz_protocol a letter for the protocol, then a payload; for
fuzz_msg_filter a subscription between the two, and each payload after its length. For fuzz_capture_file files of all forms. Nothing is random: the script always
makes the same files.
"""
import pathlib
import struct
import sys

from scapy.all import (ARP, AH, Dot1AD, Dot1Q, Dot3, ESP, Ether, GRE, ICMP, IP, IPOption_Router_Alert, IPv6,
                       ICMPv6EchoRequest, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, Jumbo, LLC, MIP6MH_BRR, Raw, SNAP, STP, TCP, UDP)

ETH = Ether(dst="01:00:5e:36:0c:6f", src="02:00:00:00:00:01")
V4 = IP(src="10.0.0.1", dst="233.54.12.111", id=1)
V6 = IPv6(src="2001:db8::1", dst="ff0e::1234")
U = UDP(sport=12345, dport=26477)
T = TCP(sport=12345, dport=26477, seq=1, ack=2, flags="PA")
DATA = Raw(b"feedgate")
EMPTY = bytes(8)


def cut(packet, count):
    """The frame without its last bytes."""
    return bytes(packet)[:-count]


def patched(packet, offset, value):
    """The frame with two bytes overwritten."""
    frame = bytearray(bytes(packet))
    frame[offset:offset + 2] = struct.pack("!H", value)
    return bytes(frame)


def extension(next_header, units=0):
    """An extension header of any kind, without options."""
    return bytes([next_header, units]) + bytes(6 + 8 * units)


SEEDS = {
    "udp4": ETH / V4 / U / DATA,
    "udp4_padded": bytes(ETH / V4 / U / DATA) + EMPTY,
    "udp4_short_length": patched(ETH / V4 / U / DATA, 38, 10),
    "udp4_long_length": patched(ETH / V4 / U / DATA, 38, 100),
    "udp4_length_0": patched(ETH / V4 / U / DATA, 38, 0),
    "udp4_cut": cut(ETH / V4 / U / DATA, 1),
    "udp4_tagged": ETH / Dot1Q(vlan=100, prio=3) / V4 / U / DATA,
    "udp4_tagged_twice": ETH / Dot1AD(vlan=4094) / Dot1Q(vlan=200) / V4 / U / DATA,
    "udp4_tagged_9100": patched(ETH / Dot1Q(vlan=0) / V4 / U / DATA, 12, 0x9100),
    "tagged_three_times": ETH / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / V4 / U / DATA,
    "tag_cut": cut(ETH / Dot1Q(vlan=1), 1),
    "udp4_options": ETH / IP(src="10.0.0.1", dst="224.0.0.1", options=[IPOption_Router_Alert()]) / U / DATA,
    "ip4_total_0": patched(ETH / V4 / T / DATA, 16, 0),
    "ip4_version_6": patched(ETH / V4 / U / DATA, 14, 0x6500),
    "ip4_ihl_15": patched(ETH / V4 / U / Raw(bytes(60)), 14, 0x4f00),
    "ip4_first_part": patched(ETH / IP(flags="MF") / U / DATA, 38, 3000),
    "ip4_later_part": ETH / IP(flags="MF", frag=185, proto=17) / DATA,
    "ip4_last_part": ETH / IP(frag=370, proto=6) / Raw(b"x"),
    "tcp4": ETH / V4 / T / DATA,
    "tcp4_options": ETH / V4 / TCP(options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]) / DATA,
    "tcp4_offset_4": patched(ETH / V4 / T / DATA, 46, 0x4018),
    "tcp4_offset_15": patched(ETH / V4 / T / DATA, 46, 0xf018),
    "icmp4": ETH / V4 / ICMP() / DATA,
    "gre4": ETH / V4 / GRE() / V4 / U / DATA,
    "udp6": ETH / V6 / U / DATA,
    "tcp6_tagged": ETH / Dot1Q(vlan=7) / V6 / T / DATA,
    "icmp6": ETH / V6 / ICMPv6EchoRequest(),
    "ip6_chain": ETH / V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() /
                 IPv6ExtHdrRouting(addresses=["2001:db8::2"]) / U / DATA,
    "ip6_jumbo": patched(ETH / V6 / IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]) / U / DATA, 18, 0),
    "ip6_first_part": patched(ETH / V6 / IPv6ExtHdrFragment(m=1, id=9) / U / DATA, 66, 3000),
    "ip6_later_part": ETH / V6 / IPv6ExtHdrFragment(m=1, offset=185, id=9, nh=17) / DATA,
    "ip6_whole_with_fragment_header": ETH / V6 / IPv6ExtHdrFragment(id=9) / U / DATA,
    "ip6_ah": ETH / V6 / AH(nh=17, spi=1, seq=1, icv=bytes(12), payloadlen=4) / U / DATA,
    "ip6_esp": ETH / V6 / ESP(spi=1, seq=1, data=EMPTY),
    "ip6_mobility": ETH / V6 / MIP6MH_BRR(),
    "ip6_many": ETH / IPv6(src="2001:db8::1", dst="ff0e::1234", nh=60) /
                Raw(extension(139) + extension(140) + 13 * extension(60) + extension(17, 2) +
                    bytes(U / DATA)),
    "arp": ETH / ARP(),
    "snap": Dot3(dst="01:80:c2:00:00:00", src="02:00:00:00:00:01") / LLC() / SNAP() / V4 / U,
    "stp": Dot3(dst="01:80:c2:00:00:00", src="02:00:00:00:00:01") / LLC() / STP(),
}

RULE = "@10.1.0.0/16\t192.0.2.7/32\t0 : 65535\t26400 : 26477\t0x11/0xFF\t0x0000/0x0000\t\n"
CLASSBENCH = {
    "rules": RULE + "@0.0.0.0/0\t198.51.100.0/24\t1024 : 65535\t53 : 53\t0x06/0xFF\t0x1000/0x1000\n"
             "@255.255.255.255/32\t0.0.0.0/0\t0 : 65535\t0 : 65535\t0x00/0x00\n",
    "rules_loose": "# comment\r\n\r\n  @10.1.2.3/9 10.255.0.1/0 7:8 0:0 6/255 and more\r\n\n" + RULE.strip(),
    "rules_odd_mask": RULE + RULE.replace("0xFF", "0x0F"),
    "rules_backwards": RULE.replace("26400 : 26477", "26477 : 26400"),
    "rules_ipv6": "@2001:db8::/32 2001:db8::1/128 0 : 65535 0 : 65535 0x11/0xFF\n",
    "rules_cut": RULE + RULE[:40],
    "long_line": "#" + 1010 * "x",
    "zero_byte": RULE + "\0" + RULE,
    "trace": "167837697\t3221225991\t4000\t26477\t17\t0\t1\n0\t3325256705\t1024\t53\t6\n4294967295 0 65535 0 1\n",
    "trace_loose": "# comment\n\n 1 2 3 4 0x11 and more\r\n5 6 7 8 255",
    "trace_port": "1 2 3 65536 6\n",
    "trace_cut": "1 2 3 4 17\n1 2 3",
}

EXPRESSIONS = {
    "addresses": "ether host 01:00:5e:36:0c:6f and (host 10.0.0.1 or ip6 net 2001:db8::/32 or net 10)",
    "arithmetic": "ip[((ip[0] & 0xf) << 2):2] * 3 - 4 / (udp[5] % 7 + 1) ^ -ip[8] | 5 >= 0x10",
    "bytes": "udp[8:4] = 0x66656564 and ether[len - 1] != 0",
    "far": "ip[ip[12:4]:4] = 0 or ether[0xfffffffe:4] > 1",
    "flags": "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and icmp[icmptype] = icmp-echo",
    "ipv6_mapped": "dst host ::ffff:10.0.0.1 or 1:2:3:4:5:6:7::",
    "loop": "ip6 protochain 17",
    "mac_dashes": "ether src 0-1-2-3-4-5 or ether dst 0001.0203.0405",
    "names": "host localhost or port domain or ip proto \\udp",
    "nested": "not (not (not (udp || tcp) && ! icmp))",
    "odd_colons": "ether[12:2]=2048 or host ::: or 1:2:3:",
    "port_range": "udp src portrange 1024-65535 and not port 53",
    "shift": "ip[0] << ip[1] = 3 or ip[4:4] >> 31 = 1",
    "tags": "vlan 100 and vlan and mpls 5 and pppoes and geneve and udp",
}

MOLD = "53455353494f4e20202000000000000000070002"
PROTOCOLS = {
    "mold": ("A", MOLD + "00024162000153"),
    "itch": ("B", MOLD + "000344123400024412"),
    "cme": ("C", "0a00000000000000000000002f000200250001000900000010000211111111070000002222222233333333" + 32 * "1"),
    "iex": ("D", "0100048001000000" + "0000dd4814000100" + 16 * "0" + "0100000000000000" + 16 * "0" +
            "12004848" + 16 * "0" + "5a49455854202020"),
    "nyse": ("E", "20000b0109000000" + 16 * "0" + "10006400" + 8 * "0" + "07000000" + 8 * "0"),
    "pitch": ("F", "220001034d0000001a22" + 26 * "1" + "42" + "0100" + "414141414141" + "0000"),
    "eobi": ("G", "2000cc32ffffffff0500000007000000020100000000000000000000000000000800c93200000000"),
    "opra": ("H", "0600214f200000000005010000000000000000000" + "04f484e200000000000000000"),
    "cta": ("I", "02002e514f00000005010000000000000000" + "0000001a435453" + 42 * "0"),
    "ice": ("J", "050b0003de840002000001655bed428e5400004b000451ce664f"),
    "miax": ("K", "11000000000000000d0003015412000000000000000c000301"),
    "memx": ("L", "021200000000000000010000000000000005000100120009050201" + 26 * "0"),
    "b3": ("M", "070003001e0000000000000000000000100050eb040002000100010063000000"),
    "deribit": ("N", "1e000500090000000200e8030100010001000100ffff03000200000000001122334455660141"),
}
LOADED = {
    "loaded": "protocol: {header: {order: big, bytes: 16}, sequence: {at: 2, bytes: 4, counts: messages}, "
              "count: {at: 6, bytes: 2}, admin: [{is: heartbeat, at: 6, bytes: 2, value: 0, empty: true}], "
              "walk: {at: 1, bytes: 2, length_bias: 3}, type: {at: 0, bytes: 1, text: true}, "
              "messages: [{type: T, name: Bundle}, {type: other, instrument: number, at: 3, bytes: 4}]}",
    "loaded_like": "protocol: {like: cme_mdp3, checks: [{at: 0, bytes: 1, min: 1, max: 9}], "
                   "channel: [{at: 0, bytes: 1}, {at: 2, bytes: 2}], messages: [{type: 46, instrument: number, at: 12, "
                   "bytes: 4, group: 1, symbol_at: 9, symbol_bytes: 12, order_at: 1, order_bytes: 8}]}",
}


def write_parse(directory):
    """A file a packet."""
    directory.mkdir(parents=True, exist_ok=True)
    for index, (name, frame) in enumerate(SEEDS.items()):
        head = bytes([0, 14 + index % 40, 1 + index % 20])
        (directory / name).write_bytes(head + bytes(frame))


def write_classbench(directory):
    """A file a text."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in CLASSBENCH.items():
        (directory / name).write_bytes(text.encode())


def write_expr(directory):
    """A file an expression, with the same frame."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in EXPRESSIONS.items():
        (directory / name).write_bytes(text.encode() + b"\n" + bytes(SEEDS["udp4"]))


def write_protocol(directory):
    """A file for each protocol, and descriptions with a packet."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, (letter, payload) in PROTOCOLS.items():
        (directory / name).write_bytes(letter.encode() + bytes.fromhex(payload))
    for name, text in LOADED.items():
        payload = bytes.fromhex(PROTOCOLS["ice" if name == "loaded" else "cme"][1])
        (directory / name).write_bytes(b"y" + text.encode() + b"\0" + payload)
    (directory / "described").write_bytes(b"z" + bytes(range(1, 97)) + bytes.fromhex(MOLD))


def write_msg_filter(directory):
    """Two files for each protocol: a filter of numbers with types, and a filter of learned symbols."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, (letter, payload) in PROTOCOLS.items():
        packet = bytes.fromhex(payload)
        packets = 2 * (struct.pack(">H", len(packet)) + packet)
        for suffix, head in (("numbers", "020f030500"), ("symbols", "0ef0000000")):
            (directory / f"{name}_{suffix}").write_bytes(letter.encode() + bytes.fromhex(head) + bytes(2) + packets)


def capture_files():
    """(name, contents): each form of pcap and pcapng, each link type, each compressor that Python has."""
    # pylint: disable=import-outside-toplevel
    import bz2
    import gzip
    import lzma
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
    import captures

    frames, datagram = [captures.frame(i) for i in range(3)], captures.datagram()
    for order, name in (("<", "little"), (">", "big")):
        for magic in (captures.MICRO, captures.NANO):
            yield f"pcap_{name}_{magic:x}", captures.pcap_of(frames, order, magic=magic, snaplen=40)
        records = [captures.record(frames[0], order=order, more=bytes(8))]
        yield f"pcap_{name}_modified", captures.pcap(records, order, magic=captures.MODIFIED)
        side = captures.Section(order)
        for options in ((), (side.resolution(9),), (side.resolution(0x94), side.offset(-5)), (side.option(2, b"eth0"), side.option(0))):
            yield f"pcapng_{name}_{len(options)}{len(b''.join(options))}", (
                side.header() + side.interface(options=b"".join(options)) + side.enhanced(frames[1], options=side.option(1, b"c")))
        yield f"pcapng_{name}_blocks", (side.header() + side.interface(snaplen=50) + side.interface(link=113) + side.simple(frames[0])
                                        + side.obsolete(frames[0]) + side.block(5, bytes(12))
                                        + side.enhanced(captures.cooked(datagram, 0x0800), interface=1) + side.header())
    for link, data in ((0, b"\2\0\0\0" + datagram), (101, datagram), (113, captures.cooked(datagram, 0x0800)),
                       (276, captures.cooked2(datagram, 4)), (197, captures.erf(frames[0], 2, 2)), (197, captures.erf(datagram, 22))):
        yield f"link_{link}_{len(data)}", captures.pcap_of([data], link=link)
    plain = captures.pcap_of(frames)
    yield "gzip", gzip.compress(plain, mtime=0)
    yield "xz", lzma.compress(plain)
    yield "bzip2", bz2.compress(plain)
    yield "skippable", struct.pack("<II", 0x184D2A50, 3) + b"abc" + b"\x28\xb5\x2f\xfd\0\0\1\0\0"
    yield "lz4_legacy", struct.pack("<III", 0x184C2102, len(plain) + 1, 0) + plain


def write_capture_file(directory):
    directory.mkdir(exist_ok=True)
    for name, contents in capture_files():
        (directory / name).write_bytes(contents)


def main():
    corpus = pathlib.Path(sys.argv[1])
    write_parse(corpus / "parse")
    write_capture_file(corpus / "capture_file")
    write_classbench(corpus / "classbench")
    write_expr(corpus / "expr")
    write_protocol(corpus / "protocol")
    write_msg_filter(corpus / "msg_filter")


if __name__ == "__main__":
    main()
