#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares lib/parse with tshark.

usage: test_parse_tshark.py PARSE_DUMP

The packets are shapes made with scapy, and those of every Ethernet capture below FG_TEST_DATA. All go to one capture, which
tshark and parse_dump read. Only the protocols that lib/parse reads are enabled in tshark, so that no inner layer is taken
for an outer one. A packet that tshark finds sound must pass, and the fields of packets that pass must be equal. RULES lists
permitted differences and their reasons. The checksums that tshark finds wrong are those that `checksums: verify` does.
"""
import collections
import itertools
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

SKIP = 77
PROTOCOLS = "frame eth ethertype vlan ieee8021ad ip ipv6 ah hip mipv6 shim6 udp tcp data".split()
FIELDS = ("frame.number frame.protocols frame.len frame.cap_len eth.dst eth.src eth.type eth.len vlan.id vlan.len "
          "ieee8021ad.id ip.src ip.dst ip.proto ip.len ip.flags.mf ip.frag_offset ipv6.src ipv6.dst ipv6.nxt "
          "ipv6.hopopts.nxt ipv6.dstopts.nxt ipv6.routing.nxt ipv6.fraghdr.nxt ipv6.fraghdr.more "
          "ipv6.fraghdr.offset ipv6.routing.segleft ah.next_header mip6.proto shim6.nxt "
          "hip.proto udp.srcport udp.dstport udp.length udp.payload udp.checksum.status tcp.srcport tcp.dstport "
          "tcp.len tcp.payload tcp.checksum.status ip.checksum.status data.data _ws.malformed _ws.expert.message").split()
# An extension header's layer, and the field that names what follows it.
EXTENSIONS = {"ipv6.hopopts": "ipv6.hopopts.nxt", "ipv6.dstopts": "ipv6.dstopts.nxt",
              "ipv6.routing": "ipv6.routing.nxt", "ipv6.fraghdr": "ipv6.fraghdr.nxt", "ah": "ah.next_header",
              "mipv6": "mip6.proto", "shim6": "shim6.nxt", "hip": "hip.proto"}
UNSOUND = re.compile(r"bogus|exceeds|bad length|short segment|malformed|must be|header length|length is zero", re.I)


def shapes():
    """Every combination of tags, network header, transport and padding, and the seeds of fuzz_parse."""
    # pylint: disable=import-outside-toplevel
    from scapy.all import (AH, Dot1AD, Dot1Q, Ether, ICMP, IP, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt,
                           IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, TCP, UDP)
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fuzz"))
    import make_corpus

    yield from (bytes(frame) for frame in make_corpus.SEEDS.values())
    tags = [[], [Dot1Q(vlan=1, prio=7)], [Dot1AD(vlan=4094)], [Dot1AD(vlan=2), Dot1Q(vlan=3)],
            [Dot1Q(vlan=4), Dot1Q(vlan=0)], [Dot1Q(vlan=5), Dot1Q(vlan=6), Dot1Q(vlan=7)]]
    v4 = {"src": "192.0.2.1", "dst": "239.1.2.3"}
    v6 = {"src": "2001:db8::1", "dst": "ff3e::8000:1"}
    networks = [[IP(**v4)], [IP(**v4, options=[IPOption_NOP()] * 4)], [IP(**v4, options=[IPOption_NOP()] * 40)],
                [IP(**v4, flags="DF")], [IP(**v4, flags="MF")], [IP(**v4, frag=7)], [IP(**v4, frag=7, flags="MF")],
                [IPv6(**v6)], [IPv6(**v6), IPv6ExtHdrHopByHop()],
                [IPv6(**v6), IPv6ExtHdrHopByHop(), IPv6ExtHdrRouting(addresses=["2001:db8::5"]), IPv6ExtHdrDestOpt()],
                [IPv6(**v6), IPv6ExtHdrFragment(id=1)], [IPv6(**v6), IPv6ExtHdrFragment(id=1, m=1)],
                [IPv6(**v6), IPv6ExtHdrFragment(id=1, offset=9, m=1)], [IPv6(**v6), IPv6ExtHdrFragment(id=1, offset=9)],
                [IPv6(**v6), IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment(id=1, m=1), IPv6ExtHdrDestOpt()],
                [IPv6(**v6), AH(spi=1, seq=2, icv=bytes(12), payloadlen=4, nh=17)],
                [IPv6(**v6), AH(spi=1, seq=2, icv=bytes(12), payloadlen=4, nh=6)]]
    transports = [UDP(sport=1025, dport=26477), TCP(sport=1026, dport=443), ICMP(),
                  TCP(sport=1, dport=2, options=[("MSS", 1460), ("Timestamp", (1, 2))])]
    for tag, network, transport, (size, padding) in itertools.product(
            tags, networks, transports, [(0, 0), (8, 0), (24, 0), (8, 40)]):
        if isinstance(network[-1], AH) and network[-1].nh != {UDP: 17, TCP: 6}.get(type(transport)):
            continue
        frame = Ether(dst="01:00:5e:01:02:03", src="02:00:00:00:00:01")
        for layer in tag + network + [transport, Raw(b"\xa5" * size)]:
            frame = frame / layer
        yield bytes(frame) + bytes(padding)
        yield from damaged(bytes(frame) + bytes(padding), 14 + 4 * len(tag), len(frame) - 1)


def damaged(frame, at_ip, last):
    """Copies with a wrong byte in the IP header's addresses and at the end, and without a checksum where UDP's may be."""
    for at in {at_ip + 13, last}:
        yield frame[:at] + bytes([frame[at] ^ 0x55]) + frame[at + 1:]
    at = at_ip + (20 if frame[at_ip] >> 4 == 4 else 40) + 6
    yield frame[:at] + bytes(2) + frame[at + 2:]


def captured(path):
    """(bytes, length on the wire) of each Ethernet packet in a capture; stops where scapy cannot read on."""
    from scapy.utils import RawPcapReader  # pylint: disable=import-outside-toplevel
    try:
        reader = RawPcapReader(str(path))
        for data, meta in reader:
            if getattr(meta, "linktype", getattr(reader, "linktype", None)) == 1:
                yield bytes(data), meta.wirelen or len(data)
        reader.close()
    except Exception as error:  # pylint: disable=broad-except
        print(f"{path.name}: not read to its end: {error}")


def all_packets():
    """(where from, bytes, length on the wire)"""
    for index, frame in enumerate(shapes()):
        yield f"shape {index}", frame, len(frame)
    data = pathlib.Path(os.environ.get("FG_TEST_DATA", ""))
    if "FG_TEST_DATA" not in os.environ or not data.is_dir():
        print("FG_TEST_DATA names no directory: only the shapes made here are compared")
        return
    for path in sorted(data.rglob("*.pcap*")):
        for index, (frame, wire) in enumerate(captured(path)):
            yield f"{path.relative_to(data)}:{index + 1}", frame, wire


def run_tshark(capture, config):
    """One dict of lists a packet."""
    names = subprocess.run(["tshark", "-G", "protocols"], check=True, capture_output=True, text=True).stdout
    short = [line.split("\t")[2] for line in names.splitlines()]
    (config / "disabled_protos").write_text("".join(
        name + "\n" for name in short if name not in PROTOCOLS and not name.startswith(("ipv6.", "_ws."))))
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|",
               "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE",
               "-o", "ip.tso_support:FALSE", "-o", "eth.fcs:Never", "-o", "ip.check_checksum:TRUE",
               "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
    for field in FIELDS:
        command += ["-e", field]
    output = subprocess.run(command, check=True, capture_output=True, text=True,
                            env={**os.environ, "WIRESHARK_CONFIG_DIR": str(config)}).stdout
    for line in output.splitlines():
        yield {field: text.split("|") if text else [] for field, text in zip(FIELDS, line.split("\t"))}


def first(values, default=None):
    return values[0] if values else default


def tags_of(row, layers):
    """VIDs outermost first and the EtherType after at most two tags; layers loses the tags."""
    ids = {"vlan": list(row["vlan.id"]), "ieee8021ad": list(row["ieee8021ad.id"])}
    vids = []
    while layers and layers[0] in ("vlan", "ieee8021ad"):
        vids.append(int(ids[layers.pop(0)].pop(0), 0))
    return vids


def expect_ip(row, layers, expected):
    """Addresses, protocol, ports, fragment flags; None for those that tshark does not give."""
    network = layers.pop(0)
    expected.update(family=4 if network == "ip" else 6, src=first(row[network + ".src"]), dst=first(row[network + ".dst"]))
    if network == "ip":
        expected["protocol"] = int(first(row["ip.proto"]))
        more, offset = first(row["ip.flags.mf"]) in ("1", "True"), int(first(row["ip.frag_offset"], "0"))
    else:
        expected["protocol"] = int(first(row["ipv6.nxt"]))
        more, offset = False, 0
        rest = {field: list(row[field]) for field in EXTENSIONS.values()}
        while layers and layers[0] in EXTENSIONS:
            layer = layers.pop(0)
            following = rest[EXTENSIONS[layer]]
            expected["protocol"] = int(following.pop(0), 0) if following else None
            if layer == "ipv6.fraghdr":
                more = more or first(row["ipv6.fraghdr.more"]) in ("1", "True")
                offset = offset or int(first(row["ipv6.fraghdr.offset"], "0"), 0)
            if layer == "hip":
                expected["protocol"] = None
    expected["flags"] = 3 if offset else 1 if more else 0
    expected["l4"] = {"udp": 17, "tcp": 6}.get(first(layers), 0)
    if expected["protocol"] is None:
        expected["l4"] = None
    if expected["l4"]:
        name = "udp" if expected["l4"] == 17 else "tcp"
        expected.update(sport=first(row[name + ".srcport"]), dport=first(row[name + ".dstport"]),
                    payload=first(row[name + ".payload"]))
        if name == "udp" and not expected["flags"]:
            expected["len"] = max(int(first(row["udp.length"])) - 8, 0)
        elif name == "tcp" and row["tcp.len"]:
            expected["len"] = int(first(row["tcp.len"]))
    elif expected["l4"] == 0:
        expected.update(sport="0", dport="0")
        # A layer that tshark decodes may follow: IP in IP.
        if layers in ([], ["data"]):
            expected["payload"] = first(row["data.data"], "" if sound(row) else None)


def expectation(row):
    """The key that results from tshark's fields."""
    layers = [name for name in first(row["frame.protocols"], "").split(":") if name not in ("eth", "ethertype")]
    types = [int(text, 16) for text in row["eth.type"][:1]]
    vids = tags_of(row, layers)
    expected = {"vlans": vids[:2], "family": 0, "l4": 0, "protocol": 0, "flags": 0, "src": "-", "dst": "-"}
    if len(vids) > 2:
        return expected
    if not vids:
        expected["ethertype"] = first(types, int(first(row["eth.len"], "0")) or None)
    if layers and layers[0] in ("ip", "ipv6"):
        expected["ethertype"] = 0x0800 if layers[0] == "ip" else 0x86dd
        expect_ip(row, layers, expected)
    elif not row["eth.len"] and not row["vlan.len"]:
        # With LLC tshark's payload ends at the stated length; lib/parse's ends with the frame.
        expected["payload"] = first(row["data.data"], "" if sound(row) else None)
    return expected


def sound(row):
    """Does tshark accept the lengths and versions of the headers?"""
    return not row["_ws.malformed"] and not UNSOUND.search(" ".join(row["_ws.expert.message"]))


def checksums(row):
    """good or bad. None: lib/parse does not check it, because the destination is in a routing header."""
    if any(int(left, 0) for left in row["ipv6.routing.segleft"]):
        return None
    # tshark has no status for UDP's 0 over IPv6, which RFC 8200 forbids.
    illegal = any("Illegal checksum value (0)" in message for message in row["_ws.expert.message"])
    bad = any("0" in row[layer + ".checksum.status"] for layer in ("ip", "udp", "tcp"))
    return "bad" if bad or illegal else "good"


def parsed(line):
    """A line of parse_dump: (result, fields)."""
    words = line.split()
    if words[1] != "pass":
        return words[1], {}
    names = "checksums family l4 protocol flags src dst sport dport vlan0 vlan1 ethertype off len payload".split()
    key = dict(zip(names, words[2:]))
    for name in ("family", "l4", "protocol", "flags", "off", "len"):
        key[name] = int(key[name])
    key["ethertype"] = int(key["ethertype"], 16)
    key["vlans"] = [int(key[name]) for name in ("vlan0", "vlan1") if key[name] != "-"]
    key["payload"] = "" if key["payload"] == "-" else key["payload"]
    return "pass", key


# Where the two may differ: (name, does it apply?). A packet to which a rule applies is counted, not compared.
RULES = [
    ("tshark decodes what follows AH in IPv4; for lib/parse AH is the protocol",
     lambda row, result, key: key.get("family") == 4 and key["protocol"] == 51),
    ("tshark takes protocol 62 for Mobile IPv6 as it was before RFC 3775",
     lambda row, result, key: key.get("family") == 6 and key["protocol"] == 62),
    ("the capture cut the frame within the headers",
     lambda row, result, key: result == "malformed" and int(row["frame.cap_len"][0]) < int(row["frame.len"][0])),
]


def differences(row, result, key):
    """Names of what differs; for a packet that passes."""
    if result != "pass":
        return [f"{result}, but tshark finds it sound"] if sound(row) else []
    expected = expectation(row)
    expected["checksums"] = checksums(row) if expected["family"] and expected["l4"] is not None else key["checksums"]
    found = [f"{name} {key[name]}, tshark {expected[name]}" for name in expected
             if name != "payload" and expected[name] is not None and str(key[name]) != str(expected[name])]
    # tshark's UDP payload extends to the end of the IP datagram; lib/parse's has the length in the UDP header.
    if expected.get("payload") is not None and expected["payload"][:len(key["payload"])] != key["payload"]:
        found.append("payload")
    if expected.get("payload") is not None and expected["l4"] != 17 and len(expected["payload"]) != len(key["payload"]):
        found.append("payload length")
    return found


def compare(places, rows, lines):
    """Print differences; return how many packets differ."""
    counts, failed, bad = collections.Counter(), 0, 0
    for place, row, line in itertools.zip_longest(places, rows, lines):
        result, key = parsed(line)
        rule = next((name for name, applies in RULES if applies(row, result, key)), None)
        found = [] if rule else differences(row, result, key)
        bad += not rule and not found and key.get("checksums") == "bad"
        counts[rule or (result if result == "pass" else f"{result}, and tshark finds fault too")] += not found
        if found:
            failed += 1
            if failed <= 50:
                print(f"{place} ({':'.join(row['frame.protocols'])}): {'; '.join(found)}; {row['_ws.expert.message']}")
    for name, count in counts.most_common():
        print(f"{count:8} {name}")
    print(f"{bad:8} of these have a bad checksum")
    print(f"{failed:8} differ")
    return failed + (bad == 0)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        import scapy.utils  # pylint: disable=import-outside-toplevel,unused-import
        subprocess.run(["tshark", "--version"], check=True, capture_output=True)
    except (ImportError, OSError) as error:
        print(f"skipped: needs scapy and tshark: {error}")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory() as directory:
        capture, config = pathlib.Path(directory, "all.pcap"), pathlib.Path(directory, "config")
        config.mkdir()
        places = []
        with capture.open("wb") as out:
            out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
            for place, frame, wire in all_packets():
                places.append(place)
                out.write(struct.pack("<IIII", len(places), 0, len(frame), max(wire, len(frame))) + frame)
        dump = subprocess.run([sys.argv[1], str(capture)], check=True, capture_output=True, text=True).stdout
        sys.exit(1 if compare(places, run_tshark(capture, config), dump.splitlines()) else 0)


if __name__ == "__main__":
    main()
