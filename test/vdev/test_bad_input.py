#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bad input of every kind: one clear line, the right exit status, no file half-written."""
import os
import random
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

GOOD = """sources:
  - {name: s0, replay: DIR/in.pcap}
feeds:
  - {name: itch}
sinks:
  - {name: disk, pcapng: DIR/out.pcapng}
rules:
  - {name: tech, match: {udp: {dst: 26477}}, feed: itch, to: disk}
default: drop
"""


def rule(text):
    """GOOD with this rule in line 8."""
    return GOOD.replace("  - {name: tech, match: {udp: {dst: 26477}}, feed: itch, to: disk}", f"  - {text}")


def match(text):
    """GOOD with this match in line 8."""
    return rule(f"{{name: tech, match: {text}, to: disk}}")


# name: (configuration, line of the mistake, what the message must speak of)
CONFIGURATIONS = {
    "yaml-broken": (GOOD.replace("feed: itch, to: disk}", "feed: itch, to: disk"), (8, 9), r".+"),
    "yaml-tab": (GOOD.replace("  - {name: itch}", "\t- {name: itch}"), (4,), r".+"),
    "yaml-alias": (GOOD.replace("to: disk}", "to: *disk}"), (8,), r"alias"),
    "yaml-anchor": (GOOD.replace("{name: itch}", "&x {name: itch}"), (4,), r"anchor"),
    "yaml-tag": (GOOD.replace("default: drop", "default: !!str drop"), (9,), r"tag"),
    "yaml-two-documents": (GOOD + "---\n" + GOOD, (10, 11), r"document"),
    "yaml-key-twice": (GOOD + "default: drop\n", (10,), r"default"),
    "yaml-deep": ("rules: " + "[" * 200 + "]" * 200 + "\n", (1,), r".+"),
    "not-utf8": (GOOD.replace("tech", "te\udcffch"), (8,), r".+"),
    "nul": (GOOD.replace("tech", "te\0ch"), (8,), r".+"),
    "top-is-list": ("- a\n- b\n", (1,), r"map"),
    "top-is-text": ("hello\n", (1,), r"map"),
    "unknown-top-key": (GOOD + "sorces: []\n", (10,), r"sorces"),
    "unknown-source-kind": (GOOD.replace("replay:", "relay:"), (2,), r"relay"),
    "unknown-sink-kind": (GOOD.replace("pcapng:", "pcap:"), (6,), r"pcap"),
    "unknown-source-key": (GOOD.replace("name: s0,", "name: s0, colour: red,"), (2,), r"colour|replay"),
    "unknown-replay-key": (GOOD.replace("replay: DIR/in.pcap", "replay: {path: DIR/in.pcap, speed: 1}"), (2,), r"speed"),
    "unknown-rule-key": (rule("{name: tech, mach: {}, to: disk}"), (8,), r"mach"),
    "unknown-match-key": (match("{ipv5: {}}"), (8,), r"ipv5"),
    "unknown-side": (match("{udp: {dest: 1}}"), (8,), r"dest"),
    "two-kinds": (GOOD.replace("pcapng: DIR/out.pcapng", "pcapng: DIR/out.pcapng, count: {}"), (6,), r"count|pcapng"),
    "no-kind": (GOOD.replace(", pcapng: DIR/out.pcapng", ""), (6,), r"kind|pcapng"),
    "no-name": (GOOD.replace("name: disk, ", ""), (6,), r"name"),
    "no-path": (GOOD.replace("replay: DIR/in.pcap", "replay: {rate: max}"), (2,), r"path"),
    "rules-is-map": (GOOD.replace("  - {name: tech, match: {udp: {dst: 26477}}, feed: itch, to: disk}", "  a: b"), (7, 8), r"list"),
    "sources-is-text": ("sources: nic\n", (1,), r"list|map"),
    "rule-is-text": (rule("tech"), (8,), r"map"),
    "match-is-text": (match("udp"), (8,), r"map"),
    "port-is-map": (match("{udp: {dst: {a: 1}}}"), (8,), r".+"),
    "name-is-list": (rule("{name: [a, b], to: disk}"), (8,), r"name"),
    "mbufs-is-text": (GOOD.replace("name: s0,", "name: s0, mbufs: many,"), (2,), r"many.*number|mbufs"),
    "mbufs-too-large": (GOOD.replace("name: s0,", "name: s0, mbufs: 99999999999999999999999,"), (2,), r"mbufs"),
    "mbufs-negative": (GOOD.replace("name: s0,", "name: s0, mbufs: -5,"), (2,), r"mbufs"),
    "line-word": (GOOD.replace("name: s0,", "name: s0, line: AB,"), (2,), r"line"),
    "rate-word": (GOOD.replace("replay: DIR/in.pcap", "replay: {path: DIR/in.pcap, rate: fast}"), (2,), r"fast"),
    "drop-word": (rule("{name: tech, drop: perhaps}"), (8,), r"drop"),
    "fragments-word": (GOOD + "parse: {fragments: some}\n", (10,), r"some"),
    "ring-slots": (GOOD + "pipeline: {ring_slots: 1000}\n", (10,), r"1000|power"),
    "prefix-length": (match("{ipv4: {dst: 10.0.0.0/33}}"), (8,), r"10\.0\.0\.0/33"),
    "prefix-bits": (match("{ipv4: {dst: 10.0.0.1/24}}"), (8,), r"10\.0\.0\.1/24"),
    "prefix-empty": (match('{ipv4: {dst: "10.0.0.0/"}}'), (8,), r"10\.0\.0\.0/"),
    "prefix-twice": (match('{ipv4: {dst: "10.0.0.0/8/8"}}'), (8,), r"10\.0\.0\.0/8/8"),
    "address-short": (match("{ipv4: {dst: 10.0.0}}"), (8,), r"10\.0\.0"),
    "address-octet": (match("{ipv4: {dst: 10.0.0.256}}"), (8,), r"10\.0\.0\.256"),
    "address-zeros": (match("{ipv4: {dst: 010.0.0.1}}"), (8,), r"010\.0\.0\.1"),
    "address-six-as-four": (match('{ipv4: {dst: "::1"}}'), (8,), r"::1"),
    "prefix6-length": (match('{ipv6: {dst: "::/129"}}'), (8,), r"::/129"),
    "prefix6-bits": (match('{ipv6: {dst: "2001:db8::1/32"}}'), (8,), r"2001:db8::1/32"),
    "address6": (match('{ipv6: {dst: "1::2::3"}}'), (8,), r"1::2::3"),
    "range-backwards": (match("{udp: {dst: 200-100}}"), (8,), r"200-100"),
    "range-over": (match("{udp: {dst: 1-65536}}"), (8,), r"65536"),
    "range-open": (match('{udp: {dst: "100-"}}'), (8,), r"100-"),
    "port-over": (match("{udp: {dst: 65536}}"), (8,), r"65536"),
    "port-negative": (match("{udp: {dst: -1}}"), (8,), r"-1"),
    "port-blank": (match('{udp: {dst: " 5"}}'), (8,), r"5"),
    "port-empty-list": (match("{udp: {dst: []}}"), (8,), r".+"),
    "vlan-over": (match("{vlan: 4096}"), (8,), r"4096"),
    "vlan-three": (match("{vlan: [1, 2, 3]}"), (8,), r"vlan"),
    "protocol-over": (match("{protocol: 256}"), (8,), r"256"),
    "ethertype-over": (match("{ethertype: 0x10000}"), (8,), r"0x10000"),
    "mac-short": (match('{mac: {dst: "01:02:03:04:05"}}'), (8,), r"01:02:03:04:05"),
    "mac-digit": (match('{mac: {dst: "01:02:03:04:05:0g"}}'), (8,), r"0g"),
    "duplicate-rule": (GOOD.replace("default:", "  - {name: tech, drop: true}\ndefault:"), (9,), r"tech"),
    "duplicate-sink": (GOOD.replace("rules:", "  - {name: disk, count: {}}\nrules:"), (7,), r"disk"),
    "duplicate-source": (GOOD.replace("feeds:", "  - {name: s0, replay: DIR/in.pcap}\nfeeds:"), (3,), r"s0"),
    "duplicate-feed": (GOOD.replace("sinks:", "  - {name: itch}\nsinks:"), (5,), r"itch"),
    "unknown-sink": (rule("{name: tech, to: dsk}"), (8,), r"dsk"),
    "unknown-sink-default": (GOOD.replace("default: drop", "default: {to: nowhere}"), (9,), r"nowhere"),
    "unknown-feed": (rule("{name: tech, feed: mdp, to: disk}"), (8,), r"mdp"),
    "unknown-source": (match("{source: s9}"), (8,), r"s9"),
    "bad-match-line": (match("{line: 7}"), (8,), r"7"),
    "drop-and-to": (rule("{name: tech, drop: true, to: disk}"), (8,), r"drop|to"),
    "neither-drop-nor-to": (rule("{name: tech, match: {udp: {}}}"), (8,), r"drop|to"),
    "name-blank": (rule('{name: "a b", to: disk}'), (8,), r"a b"),
    "name-empty": (rule('{name: "", to: disk}'), (8,), r"name"),
    "name-kept": (rule('{name: "-", to: disk}'), (8,), r"-"),
    "name-long": (rule("{name: " + "x" * 65 + ", to: disk}"), (8,), r"64"),
    "name-control": (rule('{name: "a\\nb", to: disk}'), (8,), r".+"),
    "default-word": (GOOD.replace("default: drop", "default: keep"), (9,), r"default"),
    "too-many-sources": ("sources:\n" + "".join(f"  - {{name: s{i}, replay: x}}\n" for i in range(65)), (66,), r"64"),
    "too-many-sinks": ("sinks:\n" + "".join(f"  - {{name: s{i}, count: {{}}}}\n" for i in range(65)), (66,), r"64"),
    "too-many-rules": ("rules:\n" + "".join(f"  - {{name: r{i}, drop: true}}\n" for i in range(100001)), (1, 2, 100002), r"100,?000"),
    "too-many-entries": (match("{ipv4: {src: [" + ", ".join(f"10.0.{i // 256}.{i % 256}" for i in range(1001)) + "]}, udp: {dst: ["
                               + ", ".join(map(str, range(1000))) + "]}}"), (8,), r"1,?000,?000"),
    "bad-rotate": (GOOD.replace("pcapng: DIR/out.pcapng", "pcapng: {path: DIR/out.pcapng, rotate_bytes: 1T}"), (6,), r"1T"),
}


def prepare(folder):
    """A capture to read, and a folder that must stay as it is."""
    oracle.write_pcap(os.path.join(folder, "in.pcap"), shapes.whole()[:40])


def check_refused(folder, result, status, pattern=None, before=()):
    """Exit status, one line with the reason, and nothing written."""
    assert result.code in (status if isinstance(status, tuple) else (status,)), f"exit {result.code}, expected {status}\n{result}"
    lines = [text for text in result.err.splitlines() if text.startswith("feedgate: ")]
    assert len(lines) == 1, f"{len(lines)} error lines\n{result}"
    if pattern is not None:
        assert re.search(pattern, lines[0]), f"expected {pattern} in: {lines[0]}"
    left = set(os.listdir(folder)) - {"in.pcap", "rules.yaml", *before}
    assert not left, f"left behind: {left}"


@lib.each(*CONFIGURATIONS)
def test_configuration(folder, name):
    """--check and a real start refuse it alike: FILE:LINE:COLUMN: reason, and nothing else on standard error."""
    text, at, pattern = CONFIGURATIONS[name]
    prepare(folder)
    path = os.path.join(folder, "rules.yaml")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text.replace("DIR/", folder + "/"))
    place = f"^feedgate: {re.escape(path)}:({'|'.join(map(str, at))}):\\d+: .*({pattern})"
    messages = []
    for args in (["--check"], ["--exit-when-done"]):
        result = lib.finish(lib.start(lib.command(path, os.path.join(folder, "summary.json"), args=args)))
        check_refused(folder, result, 2, place)
        assert len(result.err.splitlines()) == 1, f"more than one line\n{result}"
        messages.append(result.err)
    assert messages[0] == messages[1], messages


def test_good(folder):
    """What the cases above were made from is right, and --check opens nothing."""
    prepare(folder)
    text = GOOD.replace("DIR/", folder + "/")
    path = lib.write(folder, "rules.yaml", text)
    result = lib.finish(lib.start(lib.command(path, None, args=["--check"])))
    assert result.code == 0 and not os.path.exists(os.path.join(folder, "out.pcapng")), str(result)
    lib.check_done(lib.run(folder, text))


@lib.each("missing", "folder", "secret")
def test_file(folder, kind):
    """The configuration file cannot be read."""
    path, user = os.path.join(folder, "none.yaml"), {}
    line = lib.command(path, None)
    if kind == "folder":
        os.mkdir(path)
    elif kind == "secret":
        lib.write(folder, "none.yaml", "rules: []\n")
        os.chmod(path, 0)
        if os.geteuid() == 0:  # who may read everything
            os.chmod(folder, 0o755)
            line[0] = shutil.copy(line[0], folder)
            user = {"user": 65534, "group": 65534, "cwd": folder}
    result = lib.finish(lib.start(line, **user))
    check_refused(folder, result, 2, re.escape(path), before=["none.yaml", "feedgate"])


CAPTURES = {
    "missing": None,
    "folder": "folder",
    "empty": b"",
    "text": b"this is no capture, whatever its name says\n" * 9,
    "header-cut": struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)[:20],
    "wifi": struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 105),
    "ppp": struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 9),
    "record-cut": "cut",
    "record-header-cut": "cut-header",
    "record-huge": "huge",
    "pcapng-cut": "ng-cut",
    "pcapng-lengths": "ng-lengths",
}


def broken_capture(folder, kind):
    """Make it; its path."""
    path, value = os.path.join(folder, "in.pcap"), CAPTURES[kind]
    with open(path, "rb") as file:
        good = file.read()
    os.remove(path)
    ng = (struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20)
          + struct.pack("<IIIIIII", 6, 96, 0, 0, 0, 64, 64) + bytes(64) + struct.pack("<I", 96))
    made = {"cut": good[:-3], "cut-header": good + bytes(7), "huge": good + struct.pack("<IIII", 0, 0, 0x7FFFFFFF, 60),
            "ng-cut": ng[:-30], "ng-lengths": ng[:-4] + struct.pack("<I", 92)}
    if value == "folder":
        os.mkdir(path)
    elif value is not None:
        with open(path, "wb") as file:
            file.write(made.get(value, value) if isinstance(value, str) else value)
    return path


@lib.each(*CAPTURES)
def test_capture(folder, kind):
    """A replay that cannot be: refused before the first packet and before any file is made."""
    prepare(folder)
    path = broken_capture(folder, kind)
    text = GOOD.replace("DIR/", folder + "/")
    result = lib.finish(lib.start(lib.command(lib.write(folder, "rules.yaml", text), None, args=["--exit-when-done"])))
    check_refused(folder, result, (1, 2), re.escape(path))


@lib.each("truncated", "noise")
def test_capture_damage(folder, kind):
    """A capture cut or damaged anywhere is refused in one line, or replayed balanced: never a crash."""
    rng = random.Random(5)
    prepare(folder)
    path = os.path.join(folder, "in.pcap")
    with open(path, "rb") as file:
        good = file.read()
    for _ in range(12):
        data = bytearray(good)
        if kind == "truncated":
            del data[rng.randrange(len(data)):]
        else:
            for _ in range(3):
                data[rng.randrange(min(len(data), 400))] = rng.randrange(256)
        with open(path, "wb") as file:
            file.write(data)
        for name in ("out.pcapng", "summary.json"):
            if os.path.exists(os.path.join(folder, name)):
                os.remove(os.path.join(folder, name))
        result = lib.run(folder, GOOD.replace("DIR/", folder + "/"))
        if result.code == 0:
            lib.check_done(result)
        else:
            check_refused(folder, result, (1, 2), re.escape(path))


def test_capture_not_ethernet(folder):
    """Captures of the test data with other link types are refused by name."""
    files = [path for path in lib.data_files() if oracle.read_capture(path)[0] not in (oracle.ETHERNET, None, *oracle.CONVERTED)]
    for path in files[::20]:
        text = f"sources:\n  - {{name: s0, replay: {path}}}\nsinks:\n  - {{name: disk, pcapng: {folder}/out.pcapng}}\n"
        result = lib.finish(lib.start(lib.command(lib.write(folder, "rules.yaml", text), None, args=["--exit-when-done"])))
        check_refused(folder, result, (1, 2), re.escape(path) + ".*(Ethernet|link)")


PORTS = {
    "no-such-port": ("sources:\n  - {name: s0, ethdev: net_pcap7}\n", [], r"net_pcap7"),
    "no-such-pci": ('sources:\n  - {name: s0, ethdev: "0000:ff:1f.7"}\n', [], r"0000:ff:1f\.7"),
    "no-port-at-all": ("", [], r"port|source"),
    "in-use": ("sources:\n  - {name: s0, ethdev: net_null0}\n  - {name: s1, ethdev: net_null0}\n", ["net_null0"], r"net_null0"),
    "sink-in-use": ("sources:\n  - {name: s0, ethdev: net_null0}\nSINK  - {name: p, port: net_null1}\n  - {name: q, port: net_null1}\n",
                    ["net_null0", "net_null1"], r"net_null1"),
    "no-sink-port": ("sources:\n  - {name: s0, ethdev: net_null0}\nSINK  - {name: p, port: net_null5}\n", ["net_null0"], r"net_null5"),
    "too-many-queues": ("sources:\n  - {name: s0, ethdev: net_pcap0, queues: 9}\n", ["net_pcap0,rx_pcap=IN"], r"queue|lcore"),
}


@lib.each(*PORTS)
def test_port(folder, name):
    """Ports that are not there, or taken."""
    text, vdevs, pattern = PORTS[name]
    prepare(folder)
    sink = f"sinks:\n  - {{name: disk, pcapng: {folder}/out.pcapng}}\n"
    text = text.replace("SINK", sink) if "SINK" in text else text + sink
    vdevs = [vdev.replace("IN", os.path.join(folder, "in.pcap")) for vdev in vdevs]
    path = lib.write(folder, "rules.yaml", text)
    result = lib.finish(lib.start(lib.command(path, None, vdevs=vdevs, args=["--exit-when-done"])))
    check_refused(folder, result, (1, 2), pattern)


@lib.each("pool", "eal")
def test_memory(folder, kind):
    """Too little memory for what the configuration asks."""
    prepare(folder)
    text = GOOD.replace("DIR/", folder + "/").replace("name: s0,", "name: s0, mbufs: 4M,")
    if kind == "eal":
        text = text.replace(f"replay: {folder}/in.pcap", "ethdev: net_null0")
    path = lib.write(folder, "rules.yaml", text)
    result = lib.finish(lib.start(lib.command(path, None, vdevs=["net_null0"] if kind == "eal" else [], eal=["-m", "64"],
                                              args=["--exit-when-done"])))
    check_refused(folder, result, 1, r"s0|memory")


def check_said(result, what):
    """One message, when it happened, and perhaps again at the end, with what was lost."""
    lines = {re.sub(r", \d+ packets lost$", "", text) for text in result.err.splitlines() if text.startswith("feedgate: ")}
    assert len(lines) == 1 and what in lines.pop(), str(result)


@lib.each("folder", "nowhere", "full")
def test_output(folder, kind):
    """The sink's file cannot be made, or the disk is full."""
    prepare(folder)
    target = {"folder": folder, "nowhere": os.path.join(folder, "no", "such", "out.pcapng"), "full": "/dev/full"}[kind]
    text = GOOD.replace("DIR/out.pcapng", target).replace("DIR/", folder + "/").replace("udp: {dst: 26477}", "")
    result = lib.run(folder, text)
    assert result.code in (1, 2), str(result)
    check_said(result, target)
    if result.summary is not None:
        lib.check_accounting(result)
        assert result.summary["sinks"]["disk"]["packets"] == 0, result.summary


def test_output_fills_up(folder):
    """A file system that runs out of room: logged once, counted, balanced, exit 1."""
    if os.geteuid() != 0:
        raise lib.Skip("needs root for a small tmpfs")
    small = os.path.join(folder, "small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "feedgate-test", small], check=False, capture_output=True).returncode:
        raise lib.Skip("mounting a tmpfs is not allowed here")
    try:
        oracle.write_pcap(os.path.join(folder, "in.pcap"), [bytes(1000)] * 400)
        text = (f"sources:\n  - {{name: s0, replay: {folder}/in.pcap}}\nsinks:\n  - {{name: disk, pcapng: {small}/out.pcapng}}\n"
                "default: {to: disk}\n")
        result = lib.run(folder, text)
        assert result.code == 1, str(result)
        lib.check_accounting(result)
        sink = result.summary["sinks"]["disk"]
        assert sink["packets"] < 400 and sink["packets"] + sink["dropped"] == 400, sink
        check_said(result, "out.pcapng")
    finally:
        subprocess.run(["umount", small], check=True)


USAGE = {
    "unknown-option": (["--frobnicate"], r"frobnicate"),
    "argument": (["extra"], r"extra"),
    "no-value": (["--summary"], r"--summary"),
    "stats-period": (["--stats-period", "soon"], r"soon"),
    "workers": (["--workers", "-1"], r"-1"),
    "too-many-workers": (["--workers", "40"], r"lcore|40|worker"),
    "check-without-file": (["--check"], r"-c"),
    "cmdline-file": (["--cmdline-file", "/nonexistent/commands"], r"/nonexistent/commands"),
    "summary-nowhere": (["--exit-when-done", "--summary", "/nonexistent/summary.json"], r"/nonexistent/summary\.json"),
}


@lib.each(*USAGE)
def test_usage(folder, name):
    """The command line."""
    args, pattern = USAGE[name]
    prepare(folder)
    line = [lib.binary("feedgate"), *lib.EAL, "--lcores", lib.LCORES[1], "--"]
    if name != "check-without-file":
        line += ["-c", lib.write(folder, "rules.yaml", GOOD.replace("DIR/", folder + "/"))]
    result = lib.finish(lib.start(line + args))
    check_refused(folder, result, 2, pattern)


def test_eal_refused(folder):
    """EAL itself does not start."""
    path = lib.write(folder, "rules.yaml", "sinks: [{name: n, count: {}}]\n")
    result = lib.finish(lib.start([lib.binary("feedgate"), "--no-such-eal-option", "--", "-c", path]))
    check_refused(folder, result, (1, 2), r"EAL")


def test_lcores(folder):
    """Too few lcores: the message says how to give more."""
    prepare(folder)
    path = lib.write(folder, "rules.yaml", GOOD.replace("DIR/", folder + "/"))
    result = lib.finish(lib.start(lib.command(path, None, eal=["--lcores", "0@0"], args=["--exit-when-done"])))
    check_refused(folder, result, (1, 2), r"lcore")


def test_huge_file(folder):
    """A configuration beyond what is read at all."""
    path = os.path.join(folder, "rules.yaml")
    with open(path, "wb") as file:
        file.truncate(300 << 20)
    try:
        result = lib.finish(lib.start(lib.command(path, None, args=["--check"])))
        check_refused(folder, result, 2, re.escape(path))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    lib.main(once_all=True)
