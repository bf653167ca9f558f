#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is the oracle itself right? tshark decodes what it decoded, tcpdump keeps what it would keep."""
import ipaddress
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

FIELDS = ["frame.number", "eth.dst", "eth.src", "vlan.id", "ip.src", "ip.dst", "ip.proto", "ipv6.src", "ipv6.dst",
          "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport"]


def generated(_folder):
    """Frames of all shapes."""
    return [oracle.Packet(i, frame, len(frame), 0, None) for i, frame in
            enumerate(shapes.whole() + shapes.odd() + shapes.cut() + shapes.noisy(2000))]


def given(_folder):
    """Every Ethernet frame of the test data."""
    return lib.data_frames()


MATERIAL = {"shapes": generated, "data": given}


def tshark(path):
    """{frame number: {field: [values]}}"""
    line = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "aggregator=,", "-o", "ip.defragment:FALSE",
            "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    for field in FIELDS:
        line += ["-e", field]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    rows = [dict(zip(FIELDS, (part.split(",") for part in row.split("\t")))) for row in done.stdout.splitlines()]
    return {int(row["frame.number"][0]): row for row in rows}


def check_row(key, row, frame):
    """One frame's key against tshark's fields, outermost first; it knows tags of 802.1Q only by this name."""
    assert row["eth.dst"][0] == key.dst_mac.hex(":") and row["eth.src"][0] == key.src_mac.hex(":")
    if key.vlans and all(frame[12 + 4 * i:14 + 4 * i] == b"\x81\x00" for i in range(len(key.vlans))):
        assert [int(vid) for vid in row["vlan.id"][:len(key.vlans)]] == key.vlans, f"vlans {key.vlans}"
    name = {4: "ip", 6: "ipv6"}.get(key.family)
    if name is None:
        return
    for side in ("src", "dst"):
        address = ipaddress.ip_address(getattr(key, side))
        assert ipaddress.ip_address(row[f"{name}.{side}"][0]) == address, f"{side} {address}"
    if key.family == 4:
        assert int(row["ip.proto"][0]) == key.protocol, f"protocol {key.protocol}"
    if key.ports_of:
        layer = {6: "tcp", 17: "udp"}[key.ports_of]
        ports = [(f"{layer}.srcport", key.src_port), (f"{layer}.dstport", key.dst_port)]
        for field, port in ports:
            if key.extended and row[field][0] == "":
                continue  # tshark does not look behind every kind of extension header
            assert row[field][0] == str(port), f"{field} {port}"


@lib.each("shapes", "data")
def test_decode_as_tshark(folder, material):
    """Addresses, tags and ports are what tshark says."""
    packets = MATERIAL[material](folder)
    path = os.path.join(folder, "all.pcap")
    oracle.write_pcap(path, packets)
    rows, compared = tshark(path), 0
    for number, packet in enumerate(packets, 1):
        try:
            key = oracle.decode(packet.data)
        except oracle.Broken:
            continue
        try:
            check_row(key, rows[number], packet.data)
        except (AssertionError, ValueError) as difference:
            raise AssertionError(f"frame {number} {packet.data.hex()}: {difference}, tshark {rows[number]}") from None
        compared += 1
    assert compared > 500, compared


@lib.each(*[(name, material) for name in lib.rule_files() for material in ("shapes", "data")])
def test_match_as_tcpdump(folder, template, material):
    """For frames in order and without IPv6 extension headers, tcpdump keeps the same."""
    rules = oracle.Rules(lib.fill(template, folder, lib.replays(["x", "y"]).values()))
    # To tcpdump `len` is what was on the wire.
    packets = [p._replace(wire_len=len(p.data)) for p in MATERIAL[material](folder) if plain(p.data, rules)]
    path = os.path.join(folder, "all.pcap")
    oracle.write_pcap(path, packets)
    sinks = {sink for rule in rules.rules for sink in rule.to} | set(rules.default_to)
    for source in ("s0", "s1"):
        expected = oracle.Expected(rules, {source: packets})
        for sink in sinks:
            due = [packet.data for packet, _ in expected.frames.get((sink, source), [])]
            got = [p.data for p in lib.tcpdump(path, oracle.pcap_filter(rules, sink, source), folder)]
            lib.compare(f"{sink} from {source}: tcpdump", got, due)


def plain(frame, rules):
    """A pcap filter can speak of it."""
    try:
        return not oracle.decode(frame, rules.fragments).extended
    except oracle.Broken:
        return False


if __name__ == "__main__":
    lib.main()
