#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each allocation fails once, in turn: at start, in each command, at the end. feedgate reports it, and never crashes."""
import json
import mmap
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

PRELOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "preload", "fail_allocations.c")
PROMPT = "feedgate> "
SITES = 16384
CONFIG = """sources:
  - {name: day, replay: {path: DIR/in.pcap}, line: A}
events: {path: DIR/events.jsonl}
feeds:
  - {name: itch, protocol: itch50, arbitrate: true, symbols: {max: 1024}}
sinks:
  - {name: disk, pcapng: DIR/disk.pcapng}
  - {name: seen, count: {}}
rules:
  - {name: tech, match: {udp: {dst: 26477}}, feed: itch, instruments: [AAPL, MSFT], messages: [A, P], to: [disk, seen]}
  - {name: some, match: {ipv4: {src: [10.0.0.0/8, 192.168.0.0/16]}, tcp: {}}, to: seen}
  - {name: expr, match: {expr: "udp[0:2] == 53"}, drop: true}
default: {to: seen}
"""
COMMANDS = ["show stats", "show sources", "show source day", "show feeds", "show feed itch", "show gaps", "show rules", "show rule tech", "show drops",
            "show sinks", "show lcores", "show config", "help", "clear stats", "explain ipv4.dst 10.0.0.1 udp.dst 26477",
            "rules reload", "rules reload DIR/other.yaml", "rules add {name: new, match: {udp: {dst: 1}}, to: seen} first", "rules delete new",
            "rules move tech last", "rules move tech first", "rules save DIR/saved.yaml", "load DIR/more.cmd", "start", "stop", "show port info all",
            "explain pcap DIR/in.pcap 1", "nonsense"]


class Failing:
    """The library and its control file."""

    def __init__(self, folder):
        if lib.SANITIZED:
            raise lib.Skip("sanitizers have allocators of their own")
        library, control = os.path.join(folder, "fail.so"), os.path.join(folder, "control")
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, PRELOAD, "-ldl"], check=True)
        with open(control, "w+b") as file:
            file.truncate(16 + 8 * SITES)
            self.map = mmap.mmap(file.fileno(), 16 + 8 * SITES)
        self.env = {"LD_PRELOAD": library, "FAIL_CONTROL": control}

    def arm(self, number):
        """The allocation @number from now on fails; 0: none."""
        self.map[:16] = struct.pack("qq", number, 0)

    def sites(self):
        """Where each of them was made; addresses differ from run to run."""
        return struct.unpack(f"{min(self.seen(), SITES)}q", self.map[16:16 + 8 * min(self.seen(), SITES)])

    def seen(self):
        """Allocations since then."""
        return struct.unpack("qq", self.map[:16])[1]


def prepare(folder):
    """Configuration, capture and other files; the configuration's path."""
    oracle.write_pcap(os.path.join(folder, "in.pcap"), shapes.whole())
    text = CONFIG.replace("DIR", folder)
    lib.write(folder, "more.cmd", "show stats\n")
    lib.write(folder, "other.yaml", text.replace("[AAPL, MSFT]", "[MSFT, INTC]").replace("name: some", "name: more"))
    return lib.write(folder, "feedgate.yaml", text)


def ask(process, command):
    """A command, and what it printed."""
    process.stdin.write(f"{command}\nhelp start\n")
    process.stdin.flush()
    said = ""
    for text in process.stdout:
        if text.startswith(PROMPT + "help start"):
            process.stdout.readline()
            return said
        said += text
    raise AssertionError(f"it ended at {command}: {process.wait()}\n{said[-500:]}\n{process.stderr.read()[-2000:]}")


def test_commands(folder):
    """Of each command: it works or says that there is no memory, and works again afterwards."""
    failing, path = Failing(folder), prepare(folder)
    summary = os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["-i"]), stdin=subprocess.PIPE, env=failing.env)
    failed, problems = 0, []
    try:
        ask(process, "help")
        for command in COMMANDS:
            command = command.replace("DIR", folder)
            expected = re.sub(r"[\d.,]+", "", ask(process, command))
            for number in range(1, 2000):
                if command.startswith("rules"):
                    ask(process, "rules reload")
                    ask(process, "rules add {name: new, to: seen} last" if "delete" in command else "help")
                failing.arm(number)
                said = ask(process, command)
                hit = failing.seen() >= number
                failing.arm(0)
                failed += hit
                if hit and re.sub(r"[\d.,]+", "", said) != expected and not re.search("memory|search was cut short", said):
                    problems.append((command, number, said))
                if failing.seen() < number and not hit:
                    break
    finally:
        failing.arm(0)
        result = lib.finish(process, summary, stdin="quit\n")
    assert result.code in (0, 1, 2) and failed > 200, f"{failed} failed\n{result}"
    lib.check_accounting(result)
    print(f"{failed} allocations failed")
    assert not problems, "\n".join(f"{command} {number}: {said[-900:]}" for command, number, said in problems[:20]) + f"\n{len(problems)} of {failed}"


@lib.each(0, 1)
def test_start(folder, half):
    """From start to end: status 1 and a message, or all works. The first and the last allocation of each place in the code; each one if FG_LONG."""
    failing, path = Failing(folder), prepare(folder)
    summary, bad = os.path.join(folder, "summary.json"), []
    line = lib.command(path, summary, args=["--exit-when-done"])
    failing.arm(0)
    lib.check_done(lib.finish(lib.start(line, env=failing.env), summary))
    sites = failing.sites()
    assert failing.seen() < SITES
    first = {site: number for number, site in reversed(list(enumerate(sites, 1)))}
    last = {site: number for number, site in enumerate(sites, 1)}
    numbers = range(1, len(sites) + 1) if lib.LONG else sorted({*first.values(), *last.values()})
    for number in numbers[half::2]:
        failing.arm(number)
        if os.path.exists(summary):
            os.remove(summary)
        result = lib.finish(lib.start(line, env=failing.env))
        if result.code not in (0, 1) or (result.code == 1 and not re.search("memory|Cannot allocate", result.err)):
            bad.append((number, result))
        if result.code == 0:
            with open(summary, encoding="utf-8") as file:
                assert set(json.load(file)) >= {"received", "rules", "sinks", "sources", "balanced"}, f"{number}: {result}"
    print(f"{len(numbers[half::2])} allocations failed, of {len(sites)}")
    assert len(numbers) > 50 and not bad, f"{len(bad)} of {len(numbers)}: {[number for number, _ in bad]}\n{bad[0][1]}"


if __name__ == "__main__":
    lib.main()
