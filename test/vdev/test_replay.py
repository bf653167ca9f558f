#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole pipeline over capture files by the replay source, against the oracle and against tcpdump."""
import os
import re
import shutil
import struct
import subprocess
import sys

import yaml

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import captures  # noqa: E402
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

BATCH = 60
FRAME_MAX = 65535
NOISE = int(os.environ.get("FG_NOISE", "3000"))


def check_run(folder, template, files, workers, played=None, **options):
    """Run one rule file over some captures, or others that hold the same, and compare everything with the oracle."""
    sources = lib.replays(played or files, **options)
    text = lib.fill(template, folder, sources.values())
    rules = oracle.Rules(text)
    packets = {name: oracle.read_capture(path)[1] for name, path in zip(sources, files)}
    expected = oracle.Expected(rules, packets)
    result = lib.run(folder, text, workers=workers)
    lib.check_counters(result, expected)
    for sink in {name for name, _ in expected.frames}:
        path = os.path.join(folder, sink + ".pcapng")
        if path in text:
            lib.check_file(path, sink, expected, ordered=workers < 2)
    return rules, expected


def shape_files(folder):
    """Captures of all shapes, one for each kind."""
    files = []
    for name, frames in (("whole", shapes.whole()), ("odd", shapes.odd()), ("cut", shapes.cut()),
                         ("noisy", shapes.noisy(NOISE)), ("jumbo", shapes.jumbo())):
        files.append(os.path.join(folder, name + ".pcap"))
        oracle.write_pcap(files[-1], frames)
    return files


@lib.each(*[(name, workers) for name in lib.rule_files() for workers in (0, 1, 2)])
def test_shapes(folder, template, workers):
    """Frames of all shapes, whole and broken, from five files."""
    check_run(folder, template, shape_files(folder), workers)


@lib.each(*lib.rule_files())
def test_as_tcpdump(folder, template):
    """What the sinks hold is, packet for packet, what tcpdump keeps by the same rules written as a pcap filter."""
    frames = shapes.whole() + shapes.odd()
    path = os.path.join(folder, "in.pcap")
    sources = lib.replays([path, path])
    text = lib.fill(template, folder, sources.values())
    rules = oracle.Rules(text)
    oracle.write_pcap(path, [frame for frame in frames if expressible(frame, rules)])
    result = lib.run(folder, text, workers=1)
    lib.check_done(result)
    for sink in {sink for rule in rules.rules for sink in rule.to} | set(rules.default_to):
        out = os.path.join(folder, sink + ".pcapng")
        if not os.path.exists(out):
            continue
        found = oracle.read_capture(out)[1]
        assert len(found) == result.summary["sinks"][sink]["packets"], f"{sink}: {result.summary['sinks'][sink]}"
        for source in sources:
            due = lib.tcpdump(path, oracle.pcap_filter(rules, sink, source), folder)
            got = [p for p in found if p.interface == source]
            lib.compare(f"{sink} from {source}", [(p.time_ns, p.data) for p in got], [(p.time_ns, p.data) for p in due])


def expressible(frame, rules):
    """A pcap filter can speak of it."""
    try:
        return not oracle.decode(frame, rules.fragments).extended
    except oracle.Broken:
        return False


def ethernet_files():
    """The captures of the test data that feedgate takes, and those with frames too large for it."""
    taken, refused = [], []
    for path in lib.data_files():
        link, packets = oracle.read_capture(path)
        if link in (oracle.ETHERNET, None):
            (refused if any(len(p.data) > FRAME_MAX for p in packets) else taken).append(path)
    return taken, refused


@lib.each(*range(9))
def test_data_files(folder, batch):
    """Every Ethernet capture of the test data, each a source of its own."""
    files = ethernet_files()[0][batch * BATCH:(batch + 1) * BATCH]
    if not files:
        raise lib.Skip(f"FG_TEST_DATA has no more than {batch * BATCH} captures")
    check_run(folder, "everything" if batch % 2 else "overlap", files, batch % 3)


def test_data_too_large(folder):
    """Captures with frames larger than a packet buffer's length field are refused by name."""
    for path in ethernet_files()[1]:
        result = lib.run(folder, lib.fill("everything", folder, lib.replays([path]).values()))
        assert result.code in (1, 2) and path in result.err, str(result)
        assert not os.path.exists(os.path.join(folder, "all.pcapng")), "a file was made"


@lib.each(*[(name, i % 3) for i, name in enumerate(lib.rule_files())])
def test_data_rules(folder, template, workers):
    """Every rule file over all frames of the test data."""
    packets = [p for path in ethernet_files()[0] for p in oracle.read_capture(path)[1]]
    files = []
    for i in range(2):
        files.append(os.path.join(folder, f"part{i}.pcap"))
        oracle.write_pcap(files[-1], packets[i::2])
    check_run(folder, template, files, workers, mbufs=8192)


def test_modes_agree(folder):
    """Run to completion, one worker and two give the same counters and, rule by rule, the same packets."""
    files, seen = shape_files(folder), []
    for workers in (0, 1, 2):
        out = os.path.join(folder, str(workers))
        os.mkdir(out)
        result = lib.run(out, lib.fill("overlap", out, lib.replays(files).values()), workers=workers)
        lib.check_done(result)
        packets = {}
        for sink in ("one", "two"):
            for p in oracle.read_capture(os.path.join(out, sink + ".pcapng"))[1]:
                packets.setdefault((sink, p.interface, p.comment), []).append((p.time_ns, p.data))
        summary = {k: v for k, v in result.summary.items() if k != "seconds"}
        seen.append((packets, summary))
    assert seen[0] == seen[1] == seen[2], "the modes differ"


@lib.each(*[(style, workers) for style in ("pcap", "pcapng") for workers in (0, 1, 2)])
def test_gen(folder, style, workers):
    """Both lines of feedgate-gen's traffic, in both formats."""
    generate(folder, "--format", style)
    files = [os.path.join(folder, f"day-{line}.{style}") for line in "ab"]
    check_run(folder, "lines", files, workers, mbufs=8192)


def test_gen_rules(folder):
    """The configuration that feedgate-gen writes beside its traffic runs as it is, and does what it says."""
    path = os.path.join(folder, "gen.yaml")
    generate(folder, "--rules", path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    files = [os.path.join(folder, f"day-{line}.pcap") for line in "ab"]
    sources = [source["name"] for source in yaml.safe_load(text)["sources"]]
    expected = oracle.Expected(oracle.Rules(text), {name: oracle.read_capture(file)[1]
                                                    for name, file in zip(sources, files)})
    for workers in (0, 1):
        lib.check_counters(lib.run(folder, text, workers=workers, cwd=folder), expected)


def generate(folder, *options):
    """Two capture files of feedgate-gen in the folder."""
    done = lib.finish(lib.start([lib.binary("feedgate-gen"), *GEN, *options, "-o", os.path.join(folder, "day")]))
    assert done.code == 0, str(done)


def compress(path, tool):
    """What gzip, zstd, ... makes of a file; its path."""
    if not shutil.which(tool):
        raise lib.Skip(f"{tool} is not installed")
    with open(path, "rb") as source, open(f"{path}.{tool}", "wb") as target:
        subprocess.run([tool, "-c"], stdin=source, stdout=target, check=True)
    return target.name


@lib.each(*[(tool, style) for tool in ("gzip", "zstd") for style in ("pcap", "pcapng")])
def test_compressed(folder, tool, style):
    """Compressed captures give what they hold, packet for packet; damaged ones are refused by name."""
    generate(folder, "--format", style)
    files = [os.path.join(folder, f"day-{line}.{style}") for line in "ab"]
    packed = [compress(path, tool) for path in files]
    assert os.path.getsize(packed[0]) < os.path.getsize(files[0]), "nothing was compressed"
    check_run(folder, "lines", files, 1, played=packed, mbufs=8192)
    os.truncate(packed[1], os.path.getsize(packed[1]) // 2)
    out = os.path.join(folder, "again")
    os.mkdir(out)
    result = lib.run(out, lib.fill("everything", out, lib.replays(packed).values()))
    assert result.code in (1, 2) and packed[1] in result.err and f"{tool}: " in result.err, str(result)
    assert not os.path.exists(os.path.join(out, "all.pcapng")), str(result)


GEN = ["--seed", "7", "--packets", "6000", "--loss-a", "3000", "--loss-b", "3000"]


@lib.each(1000, 5000)
def test_many_rules(folder, count):
    """A channel a rule, wide ones between them; packets that many of them could take."""
    rules, frames = [], []
    for i in range(count):
        kind = ({"ipv4": f"{{dst: 239.{i >> 8 & 255}.{i & 255}.{i % 7}}}", "udp": f"{{dst: {20000 + i % 1000}}}"} if i % 50 else
                {"ipv4": f"{{dst: 239.{i >> 8 & 255}.{i & 255}.0/24}}", "udp": f"{{dst: {20000 + i % 900}-{20100 + i % 900}}}"})
        text = ", ".join(f"{key}: {value}" for key, value in kind.items())
        rules.append(f"  - {{name: r{i}, match: {{{text}}}, " + ("drop: true}" if i % 13 == 0 else f"to: s{i % 2}}}"))
    for i in range(0, count, count // 250):
        frames.append(shapes.datagram(f"239.{i >> 8 & 255}.{i & 255}.{i % 7}", 20000 + i % 1000))
        frames.append(shapes.datagram(f"239.{i >> 8 & 255}.{i & 255}.200", 20000 + i * 7 % 1100))
    path = os.path.join(folder, "in.pcap")
    oracle.write_pcap(path, frames)
    text = (f"sources:\n  - {{name: s0, replay: {path}}}\nsinks:\n  - {{name: s0, pcapng: {folder}/s0.pcapng}}\n"
            f"  - {{name: s1, pcapng: {folder}/s1.pcapng}}\nrules:\n" + "\n".join(rules) + "\n")
    expected = oracle.Expected(oracle.Rules(text), {"s0": oracle.read_capture(path)[1]})
    assert len(expected.rules) > 200, len(expected.rules)
    for workers in (0, 2):
        lib.check_counters(lib.run(folder, text, workers=workers, eal=["-m", "1024"]), expected)
        for sink in ("s0", "s1"):
            lib.check_file(os.path.join(folder, sink + ".pcapng"), sink, expected, ordered=workers < 2)


def test_most_rules(folder):
    """100,000 rules are accepted."""
    text = "sinks: [{name: n, count: {}}]\nrules:\n" + "".join(
        f"  - {{name: r{i}, match: {{ipv4: {{dst: 239.{i >> 16}.{i >> 8 & 255}.{i & 255}}}, udp: {{dst: 26477}}}}, to: n}}\n"
        for i in range(100000))
    path = lib.write(folder, "rules.yaml", text)
    result = lib.finish(lib.start(lib.command(path, None, args=["--check"])), timeout_s=300)
    assert result.code == 0 and re.search(r"100,?000 rules", result.out), str(result)


def test_loops(folder):
    """The file again and again: the counters multiply."""
    path = os.path.join(folder, "in.pcap")
    frames = shapes.whole()
    oracle.write_pcap(path, frames)
    result = lib.run(folder, f"sources:\n  - {{name: s0, replay: {{path: {path}, loops: 7}}, mbufs: 64}}\n"
                     "sinks: [{name: n, count: {}}]\ndefault: {to: n}\n")
    lib.check_done(result)
    assert result.summary["received"] == 7 * len(frames), result.summary


def test_formats(folder):
    """pcap and pcapng, micro- and nanoseconds, either byte order, give the same packets."""
    frames, files = shapes.whole()[:50], []
    for name, order, magic, unit in (("lu", "<", 0xA1B2C3D4, 1000), ("bu", ">", 0xA1B2C3D4, 1000),
                                     ("ln", "<", 0xA1B23C4D, 1), ("bn", ">", 0xA1B23C4D, 1)):
        files.append(os.path.join(folder, name + ".pcap"))
        with open(files[-1], "wb") as file:
            file.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, 1))
            for i, frame in enumerate(frames):
                file.write(struct.pack(order + "IIII", 1_700_000_000 + i, 123456000 // unit, len(frame), len(frame) + 4) + frame)
    for name, order in (("l", "<"), ("b", ">")):
        files.append(os.path.join(folder, name + ".pcapng"))
        with open(files[-1], "wb") as file:
            file.write(struct.pack(order + "IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
            file.write(struct.pack(order + "IIHHIHHB3xHHI", 1, 32, 1, 0, 0, 9, 1, 9, 0, 0, 32))
            for i, frame in enumerate(frames):
                body = frame + bytes(-len(frame) % 4)
                time_ns = (1_700_000_000 + i) * 10**9 + 123456000
                file.write(struct.pack(order + "IIIIIII", 6, 32 + len(body), 0, time_ns >> 32, time_ns & 0xFFFFFFFF,
                                       len(frame), len(frame) + 4) + body + struct.pack(order + "I", 32 + len(body)))
    _, expected = check_run(folder, "everything", files, 0)
    assert expected.received == 300 and len({p.time_ns for p, _ in expected.frames["all", "s0"]}) == 50
    again = os.path.join(folder, "again")
    os.mkdir(again)
    check_run(again, "everything", [os.path.join(folder, "all.pcapng")], 0)


def test_merged(folder):
    """Sections of either byte order, each with interfaces of other snap lengths, time units and link types."""
    contents, due = b"", []
    for number, order in enumerate("<><"):
        side = captures.Section(order)
        contents += side.header() + side.interface(snaplen=40, options=side.resolution(9)) + side.interface(snaplen=9000)
        contents += side.interface(link=101, options=side.offset(-60))
        for i in range(30):
            frame, packet = captures.frame(i, b"x" * (40 * number)), captures.datagram(i, b"y" * number)
            data, unit_ns = [(frame, 1), (frame, 1000), (packet, 1000)][i % 3]
            time_ns = captures.TIME_S * 10**9 + (30 * number + i) * 10**6
            contents += side.enhanced(data, time_ns // unit_ns, interface=i % 3, wire=len(data) + 4)
            contents += side.block(5, bytes(12))
            ethernet = bytes(12) + b"\x08\0" + packet if data is packet else frame
            due.append((time_ns - (60 * 10**9 if data is packet else 0), ethernet, len(ethernet) + 4))
    path, out = os.path.join(folder, "in.pcapng"), os.path.join(folder, "out.pcapng")
    with open(path, "wb") as file:
        file.write(contents)
    result = lib.run(folder, f"sources:\n  - {{name: s0, replay: {path}}}\nsinks:\n  - {{name: disk, pcapng: {out}}}\ndefault: {{to: disk}}\n")
    lib.check_done(result)
    lib.compare("packets", [(p.time_ns, p.data, p.wire_len) for p in oracle.read_capture(out)[1]], due)


def test_feed_order(folder):
    """Both lines of a feed are handled by one worker: what one lcore took in order goes out in order."""
    frames = [frame for frame in shapes.whole() if b"market data" in frame] * 40
    files = []
    for name in ("a", "b"):
        files.append(os.path.join(folder, name + ".pcap"))
        oracle.write_pcap(files[-1], frames)
    check_run(folder, "lines", files, 2)


if __name__ == "__main__":
    lib.main()
