#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a reload refuses: half of a file, and more changes than are allowed; and what it says has changed."""
import os
import re
import signal
import subprocess
import sys

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402
from test_reload import HEAD, expect, fill, prepare, reloaded, session  # noqa: E402


def test_half_written(folder):
    """A configuration cut off anywhere, as an editor leaves it within a save: it never puts 0 rules in force."""
    text = fill(folder, HEAD) + "rules:\n" + "".join(f"  - name: r{i}\n    match: {{udp: {{dst: {i}}}}}\n    to: a\n" for i in range(1, 4))
    path = lib.write(folder, "whole.yaml", text)
    oracle.write_pcap(os.path.join(folder, "in.pcap"), shapes.whole())
    cuts = sorted({0, 1, *(match.end() for match in re.finditer("\n", text)), *range(text.index("rules:"), len(text), 3)})
    files = [lib.write(folder, f"cut{cut}.yaml", text[:cut]) for cut in cuts]
    result, said = session(folder, path, [f"rules reload {file}" for file in files])
    published = 0
    for cut, answer in zip(cuts, said):
        found = re.search(r"rules version \d+: (\d+) rules", answer)
        if found:
            published += 1
            assert int(found.group(1)) == len(yaml.load(text[:cut], Loader=yaml.BaseLoader)["rules"]) > 0, answer
        else:
            expect(answer, r"the running rules stay, version \d+\n")
    assert published >= 3 and result.summary["rules"].keys() >= {"-", "r1"}, said


MANY = "rules:\n" + "".join(f"  - {{name: r{i}, match: {{udp: {{dst: {i}}}}}, to: a}}\n" for i in range(1, 11))


def test_max_change(folder):
    """reload: {max_change: 30%}: what changes more of the rules needs `force`, from the console and not by SIGHUP."""
    path = prepare(folder, "reload: {max_change: 30%}\n" + MANY)
    lines = MANY.split("\n")
    cases = [("gone", lines[:-4] + [""], 3, True), ("more", lines[:-5] + [""], 4, False), ("none", ["rules: []", ""], 10, False),
             ("added", lines[:-1] + [f"  - {{name: n{i}, to: b}}" for i in range(4)] + [""], 4, False),
             ("edited", [line.replace("to: a", "to: b") if "r1" in line else line for line in lines], 2, True),
             ("default", lines[:-4] + ["default: {to: b}", ""], 4, False), ("moved", [lines[0], *lines[-2:0:-1], ""], 0, True)]
    commands = []
    for name, text, _, _ in cases:
        file = lib.write(folder, f"{name}.yaml", "\n".join(text))
        commands += [f"rules reload {file}", f"rules reload force  {file}", "rules reload force"]
    _, said = session(folder, path, [*commands, "show config"])
    for i, (name, _, changes, allowed) in enumerate(cases):
        plain, force, back = said[3 * i:3 * i + 3]
        if allowed:
            expect(plain, "^rules version ")
        else:
            expect(plain, rf"^{changes} changes to 10 rules \(.*\): more than reload: {{max_change: 30%}} allows; `rules reload force` makes them\n"
                          "the running rules stay, version ")
        expect(force, "^rules version ")
        expect(back, rf"^rules version \d+: 10 rules .*\n")
        assert "at start only" not in plain + force + back, name
    expect(said[-2], r'\nreload: \{max_change: "?30%"?\}\n')
    process = lib.start(lib.command(path, None, args=["--stats-period", "1"]))
    try:
        reloaded(process, r"received [1-9]")
        lib.write(folder, "feedgate.yaml", fill(folder, HEAD) + "rules: []\n")
        process.send_signal(signal.SIGHUP)
        reloaded(process, "10 changes to 10 rules .*the running rules stay, version 1", process.stderr)
    finally:
        lib.stop(process)
        result = lib.finish(process)
    assert result.code == 0, str(result)


def test_subscriptions_changed(folder):
    """The answer to a reload says how many rules select other messages or instruments than before, and not what else changed."""
    head = HEAD.replace("{name: itch}", "{name: itch, protocol: itch50}").replace("loops: LOOPS", "loops: 1")
    listed = os.path.join(folder, "listed.txt")
    lib.write(folder, "listed.txt", "AAPL\nMSFT\n")
    rules = ("rules:\n  - {name: one, match: {udp: {dst: 1}}, feed: itch, instruments: [AAPL, MSFT], to: a}\n"
             f"  - {{name: two, match: {{udp: {{dst: 2}}}}, feed: itch, instruments_file: {listed}, to: a}}\n"
             "  - {name: three, match: {udp: {dst: 3}}, feed: itch, messages: [A, P], to: a}\n")
    steps = [(lambda text: text, 0), (lambda text: text.replace("AAPL, MSFT", "MSFT, AAPL"), 0), (lambda text: text.replace("MSFT]", "INTC]"), 1),
             (lambda text: text.replace("[A, P]", "[A]").replace("MSFT]", "INTC, MSFT]"), 2), (lambda text: text.replace("dst: 1", "dst: 4"), 0),
             (lambda text: text.replace("instruments: [AAPL, MSFT], ", ""), 1), (lambda text: text.replace("[A, P]", "[A, P], slice: true"), 1)]
    path = prepare(folder, rules, 1, head)
    process = lib.start(lib.command(path, None, args=["-i"]), stdin=subprocess.PIPE)
    try:
        for change, expected in [*steps, (None, 1)]:
            for text, count in ((change(rules) if change else rules, expected), (rules, expected if change else 0)):
                if change is None and count:
                    lib.write(folder, "listed.txt", "AAPL\n")
                lib.write(folder, "feedgate.yaml", fill(folder, head, 1) + text)
                process.stdin.write("rules reload\n")
                process.stdin.flush()
                said = reloaded(process, "^rules version ")
                ending = f", {count} subscription{'s' if count > 1 else ''} changed\n" if count else "3 kept\n"
                assert said.endswith(ending), f"{text}\nexpected {ending}{said}"
    finally:
        result = lib.finish(process, stdin="quit\n")
    assert result.code == 0, str(result)


if __name__ == "__main__":
    lib.main()
