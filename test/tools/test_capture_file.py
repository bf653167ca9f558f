#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares lib/capture_file with tshark, and checks what it refuses.

usage: test_capture_file.py CAPTURE_DUMP

The captures are made byte by byte (captures.py), by mergecap and editcap, and by compressors; and those below FG_TEST_DATA.
Frames of other link types than Ethernet are compared in what tshark decodes of them before and after.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import captures  # noqa: E402
import oracle  # noqa: E402
from captures import Section, cooked, cooked2, datagram, erf, frame, pcap, pcap_of, record  # noqa: E402

SKIP = 77
FRAME_MAX = 65535
ETHERNET = 1
FRAMES = [frame(i, b"x" * (3 * i)) for i in range(5)]
DECODED = ("ip.src ip.dst ip.id ip.proto ipv6.src ipv6.dst ipv6.nxt udp.srcport udp.dstport udp.payload vlan.id "
           "arp.opcode").split()
LITTLE, BIG = Section("<"), Section(">")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def tshark_packets(path):
    """(time in ns, bytes on the wire, data) of each packet."""
    found = []
    for packet in json.loads(run("tshark", "-n", "-r", path, "-T", "json", "-x", "-J", "frame", "--no-duplicate-keys")):
        layers = packet["_source"]["layers"]
        raw = layers.get("frame_raw", "")
        while isinstance(raw, list):  # A list of lists where a frame contains another.
            raw = raw[0]
        seconds, _, fraction = layers["frame"]["frame.time_epoch"].partition(".")
        found.append((int(seconds) * 10**9 + int(fraction.ljust(9, "0")), int(layers["frame"]["frame.len"]),
                      bytes.fromhex(raw)))
    return found


def tshark_decodes(path):
    """What tshark decodes of each packet's inner headers."""
    fields = [word for name in DECODED for word in ("-e", name)]
    return run("tshark", "-n", "-o", "ip.check_checksum:FALSE", "-r", path, "-T", "fields", *fields).decode().splitlines()


class Dump:
    """What capture_dump says of a file."""

    def __init__(self, path):
        done = subprocess.run([sys.argv[1], path], capture_output=True, text=True, check=False)
        self.code, self.error = done.returncode, done.stderr.strip()
        words = [line.split(" ") for line in done.stdout.splitlines()]
        self.packets = [(int(time), int(wire), bytes.fromhex(data)) for time, wire, data in words]
        assert self.code in (0, 1), f"{path}: exit {self.code}\n{done.stderr}"
        assert (self.code == 0) == (self.error == "") and "\n" not in self.error, self.error


def write(folder, data, name="in"):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def check_packets(what, path, due):
    dump = Dump(path)
    assert dump.code == 0, f"{what}: {dump.error}"
    assert len(dump.packets) == len(due), f"{what}: {len(dump.packets)} packets, right: {len(due)}"
    for number, (got, right) in enumerate(zip(dump.packets, due), 1):
        assert got == right, f"{what}: packet {number}: {got}, right: {right}"


def check_as_tshark(what, path):
    """All packets are as tshark reads them. @return how many."""
    due = tshark_packets(path)
    check_packets(what, path, due)
    return len(due)


def check_converted(what, path, folder, times=None):
    """Packets of another link type: times and what tshark decodes are the same in the Ethernet frames. @return how many."""
    dump = Dump(path)
    assert dump.code == 0, f"{what}: {dump.error}"
    due = tshark_packets(path)
    assert [time for time, _, _ in dump.packets] == (times or [time for time, _, _ in due]), what
    for (_, wire, data), (_, wire_before, before) in zip(dump.packets, due):
        # Nothing but the link header changes: what the capture cut off is the same.
        assert wire - len(data) == wire_before - len(before), (what, wire, wire_before)
        assert data[14:] == before[len(before) - len(data) + 14:], what
    ethernet = write(folder, pcap([record(data, wire=wire) for _, wire, data in dump.packets]), "ethernet.pcap")
    assert tshark_decodes(ethernet) == tshark_decodes(path), what
    return len(due)


def check_refused(what, path, reason):
    dump = Dump(path)
    assert dump.code == 1, f"{what}: not refused"
    assert dump.error.startswith(path + ": "), dump.error
    assert re.search(reason, dump.error[len(path) + 2:]), f"{what}: {dump.error!r} is not {reason!r}"


# --- what must be read -----------------------------------------------------------------------------------------


def two_interfaces(side, **second):
    """A section with two interfaces, of which the second differs."""
    return (side.header() + side.interface(snaplen=65535) + side.interface(**second)
            + b"".join(side.enhanced(data, interface=i % 2) for i, data in enumerate(FRAMES)))


def with_options(side, *options, times=(captures.TIME_S * 10**6 + 123456,)):
    return side.header() + side.interface(options=b"".join(options)) + b"".join(side.enhanced(FRAMES[1], time) for time in times)


def good_pcap():
    for order, name in (("<", "little"), (">", "big")):
        for magic in (captures.MICRO, captures.NANO):
            yield f"pcap {name} {magic:x}", pcap_of(FRAMES, order, magic=magic)
        yield f"pcap {name} late", pcap([record(FRAMES[0], 0xFFFFFFFF, 999999, order=order)], order)
        yield f"pcap {name} snaplen 60", pcap_of([data * 3 for data in FRAMES], order, snaplen=60)
        yield f"pcap {name} snaplen 0", pcap_of(FRAMES, order, snaplen=0)
    yield "pcap cut packets", pcap([record(data[:20], wire=len(data)) for data in FRAMES])
    yield "pcap of the maximum", pcap([record(bytes(FRAME_MAX))], snaplen=262144)
    yield "pcap link type with bits of the frame check sequence", pcap_of(FRAMES, link=0x30000001)


def good_pcapng():
    for name, side in (("little", LITTLE), ("big", BIG)):
        head, one = side.header(), side.interface()
        yield f"{name} snap lengths", two_interfaces(side, snaplen=96)
        yield f"{name} snap length below the packet", head + side.interface(snaplen=16) + side.enhanced(FRAMES[4])
        yield f"{name} resolutions", two_interfaces(side, options=side.resolution(9))
        yield f"{name} obsolete", head + one + side.obsolete(FRAMES[0], drops=7) + side.obsolete(FRAMES[3], drops=65535)
        yield f"{name} cut packet", head + one + side.enhanced(FRAMES[3][:33], wire=1500)
        yield f"{name} comments", (side.header(options=side.option(1, b"it is odd") + side.option(0))
                                   + side.interface(options=side.option(2, b"eth0") + side.option(1, b"x" * 65533) + side.option(0))
                                   + side.enhanced(FRAMES[2], options=side.option(1, b"kept") + side.option(0)))
        yield f"{name} other blocks", (head + side.block(0x80001234, b"private" * 99) + one + side.block(10, side.pack("II", 0x544C534B, 0))
                                       + side.block(4, side.pack("HH", 0, 0)) + side.enhanced(FRAMES[0])
                                       + side.block(5, side.pack("III", 0, 0, 0)) + side.enhanced(FRAMES[1]))
        yield f"{name} no packets", head + one
        yield f"{name} minor version 2", side.header((1, 2)) + one + side.enhanced(FRAMES[0])
        for resolution in (0, 3, 6, 7, 9, 0x80 | 10, 0x80 | 20, 0x80 | 30):
            second = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
            yield f"{name} resolution {resolution:#x}", with_options(
                side, side.resolution(resolution), times=[captures.TIME_S * second, captures.TIME_S * second + second * 3 // 7])
        yield f"{name} ends without an end of options", with_options(side, side.resolution(9), times=[10**18])
        yield f"{name} length of a section", side.header(length=len(one)) + one + side.header() + one + side.enhanced(FRAMES[0])
    sections = [two_interfaces(side, snaplen=1500) for side in (LITTLE, BIG, LITTLE)]
    yield "sections of both byte orders", b"".join(sections)
    yield "a section whose interfaces differ", sections[0] + BIG.header() + BIG.interface(options=BIG.resolution(9)) + BIG.enhanced(
        FRAMES[0], captures.TIME_S * 10**9)
    yield "an interface of another link type, without packets", LITTLE.header() + LITTLE.interface() + LITTLE.interface(
        link=249) + LITTLE.enhanced(FRAMES[0])


def test_good(folder):
    """Files in every form of the formats, as tshark reads them."""
    for what, data in good_pcap():
        check_as_tshark(what, write(folder, data))
    sections = dict(good_pcapng())
    assert check_as_tshark("all sections in one file", write(folder, b"".join(sections.values()))) > len(sections)
    # In a file of its own each has the same packets.
    assert Dump(write(folder, b"".join(sections.values()))).packets == [
        packet for data in sections.values() for packet in Dump(write(folder, data)).packets]


def test_by_specification(folder):
    """What tshark does not show, or shows otherwise: by the specification."""
    at, data = captures.TIME_S * 10**9, FRAMES[2]
    whole, side = len(data), LITTLE
    cases = {
        "more captured than on the wire": (pcap([record(data, wire=10)]), [(at, whole, data)]),
        "the same in pcapng": (side.header() + side.interface() + side.enhanced(data, wire=10), [(at, whole, data)]),
        "lengths swapped, as before version 2.3": (pcap([record(data[:30], captured=whole, wire=30)], version=(2, 2)), [(at, whole, data[:30])]),
        "lengths swapped in version 2.3": (pcap([record(data[:30], captured=whole, wire=30)], version=(2, 3)), [(at, whole, data[:30])]),
        "not swapped in version 2.3": (pcap([record(data[:30], wire=whole)], version=(2, 3)), [(at, whole, data[:30])]),
        # Without a time, and cut to the snapshot length of the first interface.
        "simple": (side.header() + side.interface(snaplen=20) + side.simple(data[:20], wire=whole) + side.enhanced(data)
                   + side.simple(data[:20], wire=whole), [(0, whole, data[:20]), (at, whole, data), (at, whole, data[:20])]),
        "simple without a limit": (BIG.header() + BIG.interface() + BIG.simple(data), [(0, whole, data)]),
        # tshark shows custom blocks as packets.
        "custom block": (side.header() + side.interface() + side.block(0xBAD, side.pack("I", 32473) + b"custom") + side.enhanced(data),
                         [(at, whole, data)]),
        # Times are rounded down.
        "10^-12 s": (with_options(side, side.resolution(12), times=[10**18 + 1999]), [(10**15 + 1, len(FRAMES[1]), FRAMES[1])]),
        "10^-40 s": (with_options(side, side.resolution(40), times=[2**64 - 1]), [(0, len(FRAMES[1]), FRAMES[1])]),
        "10^-127 s": (with_options(side, side.resolution(127), times=[2**64 - 1]), [(0, len(FRAMES[1]), FRAMES[1])]),
        "2^-63 s": (with_options(side, side.resolution(0xBF), times=[2**64 - 1]), [(2 * 10**9 - 1, len(FRAMES[1]), FRAMES[1])]),
        "2^-127 s": (with_options(side, side.resolution(0xFF), times=[2**64 - 1]), [(0, len(FRAMES[1]), FRAMES[1])]),
        "offset": (with_options(BIG, BIG.offset(3600), BIG.resolution(9), times=[at]), [(at + 3600 * 10**9, len(FRAMES[1]), FRAMES[1])]),
        "offset before": (with_options(side, side.offset(-3600), times=[at // 1000]), [(at - 3600 * 10**9, len(FRAMES[1]), FRAMES[1])]),
        "offset and big numbers": (with_options(side, side.offset(-2**33), side.resolution(0), times=[captures.TIME_S + 2**33]),
                                   [(at, len(FRAMES[1]), FRAMES[1])]),
    }
    for what, (contents, due) in cases.items():
        check_packets(what, write(folder, contents), due)


def test_mergecap(folder):
    """Captures of different snap lengths, link types and time units, merged."""
    one = write(folder, pcap_of(FRAMES, snaplen=100), "1")
    two = write(folder, pcap_of(FRAMES, ">", magic=captures.NANO), "2")
    raw = write(folder, pcap_of([datagram(i) for i in range(3)], link=101), "3")
    merged = os.path.join(folder, "merged")
    for files, options in (((one, two), []), ((one, two, one), ["-I", "none"]), ((two, one), ["-F", "nsecpcap"])):
        run("mergecap", *options, "-w", merged, *files)
        assert check_as_tshark("mergecap", merged) == len(FRAMES) * len(files)
    run("mergecap", "-w", merged, one, raw)
    assert check_mixed(merged) == len(FRAMES) + 3
    for kind in ("modlibpcap", "pcap", "nsecpcap", "pcapng"):
        run("editcap", "-F", kind, two, merged)
        assert check_as_tshark(kind, merged) == len(FRAMES)


def check_mixed(path):
    """Interfaces of Ethernet and RAW: raw packets have 14 bytes before them."""
    dump, due = Dump(path), tshark_packets(path)
    assert dump.code == 0, dump.error
    for (time, wire, data), (right_time, right_wire, right) in zip(dump.packets, due):
        extra = len(data) - len(right)
        assert extra == (14 if right[0] == 0x45 else 0) and wire == right_wire + extra, (extra, right)
        assert time == right_time and data[extra:] == right and (extra == 0 or data[:14] == bytes(12) + b"\x08\0")
    return len(due)


def test_links(folder):
    """Link types that carry IP or Ethernet."""
    four, six, arp = datagram(1), datagram(2, family=6), bytes.fromhex("0001080006040001020000000001 0a000001 000000000000 0a000002")
    tagged = struct.pack(">HH", 100, 0x0800) + four
    for link, make in ((113, cooked), (276, cooked2)):
        packets = [make(four, 0x0800), make(six, 0x86DD), make(arp, 0x0806), make(tagged, 0x8100), make(four, 0x0800, 772, bytes(6), 4),
                   make(four, 0x0800, 512, b"")]
        path = write(folder, pcap_of(packets, link=link))
        check_converted(f"link type {link}", path, folder)
        sources = [data[:12] for _, _, data in Dump(path).packets]
        assert sources == [bytes(6) + b"\2\0\0\0\0\7"] * 4 + [bytes(12)] * 2, sources
    for link, packets in ((101, [four, six]), (12, [six, four]), (228, [four]), (229, [six])):
        check_converted(f"link type {link}", write(folder, pcap_of(packets, link=link)), folder)
    families = [(2, four), *((family, six) for family in (24, 28, 30))]
    for order in "<>":
        check_converted("NULL", write(folder, pcap_of([struct.pack(order + "I", f) + p for f, p in families], order, link=0)), folder)
    check_converted("LOOP", write(folder, pcap_of([struct.pack(">I", f) + p for f, p in families], link=108)), folder)
    for big, extensions in ((0, 0), (1, 3)):
        packets = [erf(FRAMES[big], kind, extensions) for kind in (2, 11, 16, 20)] + [erf(four, 22, extensions), erf(six, 23, extensions)]
        path = write(folder, pcap_of(packets, link=197))
        assert tshark_decodes(path) == tshark_decodes(write(folder, pcap([record(data) for _, _, data in Dump(path).packets]), "out"))
    path = write(folder, pcap_of([erf(FRAMES[0], 2, pad=6), erf(FRAMES[1][:30], 2, wire=1500)], link=197))
    assert [(wire, data) for _, wire, data in Dump(path).packets] == [(len(FRAMES[0]), FRAMES[0]), (1500, FRAMES[1][:30])]


# --- what must be refused --------------------------------------------------------------------------------------


FITS = f"at most {FRAME_MAX} fit"


def bad_pcap():
    """(contents, the reason that is said, a pattern)"""
    data = FRAMES[1]
    yield b"", "^empty"
    yield b"\xd4", "truncated: the file ends at byte 1"
    yield b"this is no capture", "neither a pcap nor a pcapng capture: it begins with 74 68 69 73"
    yield pcap([])[:23], "truncated: the file ends at byte 23"
    yield pcap([], version=(3, 0)), "pcap version 3.0, expected 2.4"
    yield pcap([], version=(2, 5)), "pcap version 2.5, expected 2.4"
    yield pcap([], link=105), r"link type is IEEE802_11 \(105\), expected Ethernet"
    yield pcap([], link=65000), r"link type is unknown \(65000\), expected Ethernet"
    yield pcap_of([data, data])[:-1], rf"packet 2 \(record at byte {40 + len(data)}\): truncated: the file ends at byte {55 + 2 * len(data)}"
    yield pcap_of([data]) + bytes(15), r"packet 2 \(record at byte \d+\): truncated"
    yield pcap([record(bytes(65536))]), rf"packet 1 \(record at byte 24\): has 65536 bytes, {FITS}"
    yield pcap([record(b"", captured=0xFFFFFFFF)]), rf"has 4294967295 bytes, {FITS}"
    yield pcap_of([bytes(65522)], link=101), rf"packet 1 .*has 65536 bytes, {FITS}"


def bad_blocks():
    """The same for pcapng."""
    side, data = LITTLE, FRAMES[1]
    head, one = side.header(), side.interface()
    yield head[:20], "block at byte 0: truncated"
    yield head[:8] + b"\1\2\3\4" + head[12:], "block at byte 0: a section without a byte-order magic"
    yield side.header((2, 0)), "block at byte 0: pcapng version 2.0, expected 1.0"
    yield head + side.header((1, 7)), "block at byte 28: pcapng version 1.7, expected 1.0"
    yield side.block(0x0A0D0D0A, head[8:24], total=24, closing=24), "length 24, expected at least 28"
    yield head + one[:-1], "block at byte 28: truncated"
    yield head + bytes(12), "block at byte 28: length 0, expected at least 12"
    yield head + side.block(99, b"", total=11), "block at byte 28: length 11, expected at least 12"
    yield head + side.block(99, b"1234", total=18), "block at byte 28: length 18, expected a multiple of 4"
    yield head + side.block(99, b"1234", closing=20), "block at byte 28: it begins with length 16 and ends with 20"
    yield head + side.block(99, b"1234", total=0xFFFFFFF0), "block at byte 28: truncated"
    yield head + side.block(1, b"1234"), "block at byte 28: its length is too short"
    yield head + side.interface(options=side.option(9, b"\6\0\0\0")), "block at byte 28: option if_tsresol has 4 bytes, expected 1"
    yield head + side.interface(options=side.option(14, b"\6\0\0\0")), "option if_tsoffset has 4 bytes, expected 8"
    yield head + side.interface(options=side.option(2, b"eth0", 5)), "its length is too short"
    yield head + side.interface(options=side.option(9, b"", 1)), "its length is too short"
    yield head + one + side.interface() * 65536, "more than 65536 interfaces"
    yield with_options(side, side.offset(-2**40)), "packet 1 .*: its time is before 1970"
    yield with_options(side, side.offset(-2**63), side.resolution(0)), "its time is before 1970"
    yield with_options(side, side.resolution(0), times=[2**64 - 1]), "its time is after 2262"
    yield with_options(side, side.offset(2**63 - 1), side.resolution(0), times=[2**64 - 1]), "its time is after 2262"
    yield head + one + side.block(6, bytes(16)), r"packet 1 \(block at byte \d+\): its length is too short"
    yield head + one + side.block(2, bytes(16)), "its length is too short"
    yield head + one + side.block(3, b""), "its length is too short"


def bad_packets():
    """The same for packet blocks."""
    side, data = LITTLE, FRAMES[1]
    head, one, packet = side.header(), side.interface(), side.enhanced(data)
    at = len(head + one)
    yield head + packet, r"packet 1 \(block at byte 28\): it names interface 0, but the section has 0"
    yield head + side.simple(data), r"packet 1 \(block at byte 28\): it names interface 0, but the section has 0"
    yield head + one + side.enhanced(data, interface=1), "names interface 1, but the section has 1"
    yield head + one + head + packet, "names interface 0, but the section has 0"
    yield head + one + packet + packet[:-1], rf"packet 2 \(block at byte {at + len(packet)}\): truncated"
    yield head + one + side.enhanced(data, captured=len(data) + 4), rf"packet 1 \(block at byte {at}\): it says {len(data) + 4} bytes, but has room"
    yield head + one + side.enhanced(data, captured=0xFFFFFFFF), "it says 4294967295 bytes, but has room"
    yield head + one + side.simple(data, wire=len(data) + 4), "it says .* bytes, but has room"
    yield head + one + side.enhanced(bytes(65536)), rf"packet 1 .*: has 65536 bytes, {FITS}"
    yield head + one + side.enhanced(data, closing=0), "ends with 0"
    yield head + side.interface(link=249) + packet, r"packet 1 \(block at byte \d+\): link type is USBPCAP \(249\), expected Ethernet"


def bad_links():
    """The same for headers of link types."""
    data = FRAMES[1]
    yield pcap_of([cooked(b"", 0)[:15]], link=113), "packet 1 .*: 15 bytes, but a header of link type LINUX_SLL has 16"
    yield pcap_of([cooked(b"x", 4, 803)], link=113), "device type 803 of LINUX_SLL, expected Ethernet or IP"
    yield pcap_of([cooked2(b"x", 0, 824)], link=276), "device type 824 of LINUX_SLL2, expected Ethernet or IP"
    yield pcap_of([b"\2\0\0"], link=0), "3 bytes, but a header of link type NULL has 4"
    yield pcap_of([struct.pack("<I", 7) + data], link=0), "protocol family 7 of a loopback"
    yield pcap_of([erf(data, 2)[:15]], link=197), "15 bytes, but a header of link type ERF has 16"
    yield pcap_of([erf(data, 2, 9)[:24]], link=197), "24 bytes, but a header of link type ERF has 32"
    yield pcap_of([erf(data, 1)], link=197), "ERF record type 1, expected Ethernet or IP"


def test_bad(folder):
    """Files that contradict themselves, or cannot be read right: refused in one line, which has the place and the reason."""
    for number, (data, reason) in enumerate([*bad_pcap(), *bad_blocks(), *bad_packets(), *bad_links()]):
        check_refused(f"bad file {number} ({reason})", write(folder, data), reason)


# --- compression -----------------------------------------------------------------------------------------------


def skippable(data=b"anything"):
    return struct.pack("<II", 0x184D2A5A, len(data)) + data


def test_compressed(folder):
    """By content: frames one after the other, skippable ones at any place, formats of old."""
    content = pcap_of([frame(i, b"y" * (i % 1400)) for i in range(3000)])
    due = Dump(write(folder, content)).packets
    half = len(content) // 2
    parts = [write(folder, content[:half], "a"), write(folder, content[half:], "b")]
    for words in ("gzip -c", "zstd -qc", "xz -c", "lz4 -qc", "lz4 -qcl", "bzip2 -c", "pzstd -qc -p 2", "lzip -c", "compress -c"):
        if shutil.which(words.split()[0]) is None:
            print(f"no {words.split()[0]}: skipped")
            continue
        both = [run(*words.split(), path) for path in parts]
        whole = run(*words.split(), write(folder, content))
        check_packets(words, write(folder, whole, "out"), due)
        if not words.startswith("compress"):
            check_packets(words + ", two files", write(folder, b"".join(both), "out"), due)
        check_cut(words, folder, whole)
        if words.split()[0] in ("zstd", "pzstd", "lz4"):
            check_packets(words + ", skippable", write(folder, skippable() + skippable(b"") + whole, "out"), due)
            check_packets(words + ", between", write(folder, both[0] + skippable(bytes(99999)) + both[1], "out"), due)
    name = "(zstd|lz4)"
    check_refused("a skippable frame alone", write(folder, skippable()), f"neither {name} nor {name} follows a skippable frame")
    check_refused("gzip after it", write(folder, skippable() + b"\x1f\x8b\x08"), "follows a skippable frame")
    check_refused("a cut skippable frame", write(folder, skippable()[:-1]), "the file ends early, in a skippable frame")


def check_cut(words, folder, whole):
    """Without its last bytes it is refused; compress has no end, so that it may seem whole."""
    path = write(folder, whole[:len(whole) - 5], "cut")
    if words.startswith("compress") and Dump(path).code == 0:
        return
    check_refused(words + ", cut", path, ".")


# --- others' files ---------------------------------------------------------------------------------------------


def data_captures():
    top = os.environ.get("FG_TEST_DATA", "")
    return [str(path) for path in sorted(pathlib.Path(top).rglob("*")) if path.suffix in (".pcap", ".pcapng", ".cap")] if top else []


def test_data(folder):
    """Captures below FG_TEST_DATA that can be read are read as tshark reads them; with FG_LONG=1 all of them."""
    counts = {"packets": 0, "converted": 0, "refused": 0}
    for path in data_captures()[::1 if os.environ.get("FG_LONG") == "1" else 20]:
        dump = Dump(path)
        if dump.code != 0:
            counts["refused"] += 1
            if "link type is" not in dump.error and "at most 65535 fit" not in dump.error:
                with contextlib.suppress(subprocess.CalledProcessError):
                    tshark_packets(path)
                    raise AssertionError(f"tshark reads it: {dump.error}")
            continue
        kind = run("capinfos", "-Tr", "-E", path).decode().split("\t")[-1].strip()
        # tshark computes with 32 bits where a record's fraction is damaged: the times are the oracle's.
        times = [packet.time_ns for packet in oracle.read_capture(path)[1]]
        if kind == "ether":
            due = [(time, wire, data) for time, (_, wire, data) in zip(times, tshark_packets(path), strict=True)]
            check_packets(path, path, due)
            counts["packets"] += len(due)
        else:
            counts["converted"] += check_converted(path, path, folder, times)
    print(", ".join(f"{count} {name}" for name, count in counts.items()))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for program in ("tshark", "capinfos", "editcap", "mergecap"):
        if shutil.which(program) is None:
            print(f"skipped: no {program}")
            sys.exit(SKIP)
    for name, test in list(globals().items()):
        if name.startswith("test_") and (len(sys.argv) == 2 or name in sys.argv[2:]):
            with tempfile.TemporaryDirectory(prefix="feedgate-capture-file-") as folder:
                test(folder)
            print(f"{name}: passed")


if __name__ == "__main__":
    main()
