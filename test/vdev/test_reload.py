#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Changes of rules while packets flow: reload, SIGHUP, edits by console, save, explain, shadowed rules."""
import os
import random
import re
import signal
import subprocess
import sys

import pexpect
import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

PROMPT = "feedgate> "
RELOADS = int(os.environ.get("FG_RELOADS", "100"))
HEAD = """sources:
  - {name: day, replay: {path: DIR/in.pcap, loops: LOOPS}, line: A}
  - {name: night, replay: {path: DIR/in.pcap, loops: 1}, line: B}
feeds:
  - {name: itch}
sinks:
  - {name: a, count: {}}
  - {name: b, count: {}}
"""
RULES = """rules:
  - {name: tech, match: {udp: {dst: 26477}}, feed: itch, to: a}
  - {name: noise, match: {tcp: {}}, drop: true}
  - {name: rest, match: {udp: {}}, to: [a, b]}
"""
OTHER = """rules:
  - {name: rest, match: {udp: {dst: [26400, 53]}}, to: b}
  - {name: tech, match: {udp: {dst: 26477}}, feed: itch, to: b}
  - {name: new, match: {ipv6: {}}, to: [a]}
default: {to: b}
"""


def prepare(folder, rules=RULES, loops=0, head=HEAD):
    """Configuration and capture; the configuration's path."""
    oracle.write_pcap(os.path.join(folder, "in.pcap"), shapes.whole())
    return lib.write(folder, "feedgate.yaml", fill(folder, head, loops) + rules)


def fill(folder, text, loops=0):
    """A template with folder and loops put in."""
    return text.replace("DIR/", folder + "/").replace("LOOPS", str(loops))


def session(folder, path, commands, workers=0, args=("-i",), **options):
    """Run commands from a pipe to their end; the Result, and what each command printed, in order."""
    summary = os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, workers=workers, args=list(args), **options), stdin=subprocess.PIPE)
    result = lib.finish(process, summary, stdin="\n".join([*commands, "quit"]) + "\n")
    lib.check_done(result)
    said = [part.split("\n", 1) for part in result.out.split(PROMPT)[1:]]
    assert [part[0] for part in said] == [*commands, "quit"], f"echoed {[part[0] for part in said]}\n{result}"
    return result, [part[1] for part in said]


def names_of(text):
    """Names of the rules that `show rules` lists, in order."""
    return [line.split()[0] for line in text.split("\n") if re.search(r" (drop|a|b|a, b)(;.*)?$", line) and line[0] != "-"]


def expect(text, pattern):
    """The match of a pattern that must be there."""
    found = re.search(pattern, text)
    assert found, f"no {pattern} in\n{text}"
    return found


@lib.each((0, "stopped"), (0, "running"), (1, "running"), (2, "running"))
def test_reload(folder, workers, when):
    """Another file, and the first one again: what was added, removed and kept, and which rules run then."""
    path, other = prepare(folder), lib.write(folder, "other.yaml", OTHER)
    begin = ["start"] if when == "running" else []
    result, said = session(folder, path, [*begin, "show rules", f"rules reload {other}", "show rules", "show config",
                                          "rules reload", "show rules"], workers)
    said = said[len(begin):]
    assert names_of(said[0]) == ["tech", "noise", "rest"], said[0]
    expect(said[1], r"rules version 2: 3 rules \(4 entries\), built in [\d.]+ ms, 1 added, 1 removed, 2 kept\n")
    assert names_of(said[2]) == ["rest", "tech", "new"], said[2]
    expect(said[2], r"- \(no rule matched\) .* b\n")
    expect(said[3], rf"rules: 3, from {re.escape(other)}, version 2\n")
    expect(said[4], r"rules version 3: 3 rules \(3 entries\), .* 1 added, 1 removed, 2 kept\n")
    assert names_of(said[5]) == ["tech", "noise", "rest"] and result.summary["version"] == 3


def test_counters_stay(folder):
    """Rules of the same name go on counting, whatever their place and match; others count from where they were."""
    path = prepare(folder, loops=1)
    other = lib.write(folder, "other.yaml", OTHER)
    summary = os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["-i", "-a"]), stdin=subprocess.PIPE)
    expected = oracle.Expected(oracle.Rules(RULES), {s: oracle.read_capture(f"{folder}/in.pcap")[1] for s in ("day", "night")})
    while lib.ask_received(process) < expected.received:
        assert process.poll() is None
    result = lib.finish(process, summary, stdin=f"rules reload {other}\nshow rules\nrules reload\nshow rules\nquit\n")
    lib.check_done(result)
    for text, names in zip(result.out.split(PROMPT + "show rules")[1:], (("tech", "rest"), ("tech", "noise", "rest"))):
        for name in names:
            expect(text, rf"\n{name} +{expected.rules[name]:,} +{expected.rule_bytes[name]:,} +0 +0 +0 +[\d.]+ \w+ ago ")


BAD = [
    ("rules:\n  - {name: x, to: a}\n  - {name: y, to: nowhere}\n", r":3:15: no sink is called 'nowhere'"),
    ("rules:\n  - {name: x, match: {source: dusk}, to: a}\n", r":2:23: no source is called 'dusk'"),
    ("rules:\n  - {name: x, feed: none, to: a}\n", r":2:15: no feed is called 'none'"),
    ("rules:\n  - {name: x, to: a\n", r":3:1: did not find expected"),
    ("rules:\n  - {name: x, to: a}\n  - {name: x, to: b}\n", r":3:6: a rule called 'x' stands in line 2 already"),
    ("rules: {name: x}\n", r":1:1: rules: expected a list"),
    ("rules:\n  - {name: x, match: {ipv4: {dst: 10.0.0.1/8}}, to: a}\n", r":2:\d+: '10.0.0.1/8'"),
    ("rules:\n  - {name: x, match: {udp: {dst: 70000}}, to: a}\n", r":2:\d+: '70000'"),
    ("rule: []\n", r":1:1: unknown key 'rule'"),
    ("rules: []\ndefault: keep\n", r":2:1: default: expected drop"),
    ("rules: []\nparse: {fragments: sometimes}\n", r":2:9: fragments: 'sometimes'"),
    ("rules: []\nsinks:\n  - {name: a, paper: {}}\n", r":3:15: unknown key 'paper'"),
    ("rules: []\nsources:\n  - {replay: x.pcap}\n", r":3:5: 'name' is missing"),
    ("rules: []\npipeline: {workers: many}\n", r":2:12: workers: 'many'"),
    ("rules: []\nclassify: {engine: magic}\n", r":2:12: engine: 'magic'"),
    ("rules: &a []\n", r":1:8: anchors"),
    ("\x00", r":1:1: "),
    ("just text\n", r":1:1: expected a map"),
    ("", r":1:1: there is no `rules`; to have no rule, write `rules: \[\]`"),
    ("# half of a save\n", r":1:1: there is no `rules`"),
    ("default: {to: a}\n", r":1:1: there is no `rules`"),
    ("rules:\n", r":1:1: rules: expected a list"),
    ("rules: []\nreload: {max_change: 0%}\n", r":2:10: max_change: '0%': expected off, or a share from 1% to 100%"),
    ("rules: []\nreload: {max_change: 101%}\n", r":2:10: max_change: '101%'"),
    ("rules: []\nreload: {max_change: 50}\n", r":2:10: max_change: '50'"),
]


@lib.each("stopped", "running")
def test_bad_files(folder, when):
    """Each kind of bad file: the error names what and where, the old rules stay, and feedgate goes on."""
    path = prepare(folder)
    commands = ["start"] if when == "running" else []
    files = [lib.write(folder, f"bad{i}.yaml", text) for i, (text, _) in enumerate(BAD)]
    files += [os.path.join(folder, "nothing.yaml"), folder, "-"]
    reasons = [re.escape(file) + reason for file, (_, reason) in zip(files, BAD)]
    reasons += [r"nothing.yaml: cannot open: No such file", r"Is a directory", r"standard input cannot be read again"]
    for file in files:
        commands += [f"rules reload {file}", "show rules"]
    result, said = session(folder, path, commands)
    said = said[when == "running":]
    for i, reason in enumerate(reasons):
        expect(said[2 * i], reason)
        expect(said[2 * i], r"the running rules stay, version 1\n")
        assert names_of(said[2 * i + 1]) == ["tech", "noise", "rest"], said[2 * i + 1]
    assert result.summary["version"] == 1


def test_parts_need_a_restart(folder):
    """What a reload does not apply is named if it differs; what is left out or the same is not."""
    path = prepare(folder)
    head = fill(folder, HEAD)
    same = lib.write(folder, "same.yaml", "# a comment\n" + head.replace("{name: itch}", "name:   itch") + OTHER)
    less = lib.write(folder, "less.yaml", "rules: []\ndefault: {to: [a]}\n")
    more = lib.write(folder, "more.yaml", head.replace("{name: b, ", "{name: c, ") + "parse: {fragments: drop}\n" + RULES)
    _, said = session(folder, path, [f"rules reload {file}" for file in (same, less, more)])
    assert "at start only" not in said[0] + said[1], said
    expect(said[1], r"rules version 3: 0 rules \(0 entries\), .* 0 added, 3 removed, 0 kept")
    expect(said[2], r"rules version 4: 3 rules")
    expect(said[2], r"differs from the running configuration in what is read at start only: parse, sinks\n")


@lib.each(("stopped", 0), ("running", 0), ("running", 1))
def test_edit(folder, when, workers):
    """add, delete, move: the order that comes of it, and its errors, which change nothing."""
    path = prepare(folder)
    steps = [
        ("rules add {name: last, match: {ipv6: {}}, to: [b]}", "tech noise rest last"),
        ("rules add {name: one, match: {vlan: [100, 200]}, drop: true} first", "one tech noise rest last"),
        ("rules add {name: 'it''s', to: a} before rest", "one tech noise it's rest last"),
        ('rules add   {"name":"x}y", match: {mac: {dst: 01:00:5e:01:02:03}}, to: b}   after tech  ', "one tech x}y noise it's rest last"),
        ("rules move one last", "tech x}y noise it's rest last one"),
        ("rules move last first", "last tech x}y noise it's rest one"),
        ("rules move it's before tech", "last it's tech x}y noise rest one"),
        ("rules move last after x}y", "it's tech x}y last noise rest one"),
        ("rules move last after last", "it's tech x}y last noise rest one"),
        ("rules delete x}y", "it's tech last noise rest one"),
        ("rules delete one", "it's tech last noise rest"),
        ("rules delete it's", "tech last noise rest"),
        ("rules add {name: it's, to: a} last", "tech last noise rest it's"),
    ]
    bad = [
        ("rules add {name: tech, to: a}", "called 'tech' stands"), ("rules add {name: x}", "rules add:1:"),
        ("rules add {name: x, to: c}", "rules add:1:11: no sink is called 'c'"), ("rules add {name: x, to: a", "rules add:"),
        ("rules add [x]", "expected a rule"), ("rules add x", "expected a rule"), ("rules add {name: x, to: a} here", "'here' after the rule"),
        ("rules add {name: x, to: a} before", "expected first, last"), ("rules add {name: x, to: a} first tech", "expected first, last"),
        ("rules add {name: x, to: a} after nobody", "no rule is called 'nobody'"), ("rules add {name: x, to: a} {name: y, to: a}", "expected first"),
        ("rules add {name: x y, to: a}", "printable"), ("rules add {name: 'x, to: a}", "rules add:1:"),
        ("rules move nobody first", "no rule is called 'nobody'"), ("rules move tech after nobody", "no rule is called 'nobody'"),
        ("rules delete nobody", "no rule is called 'nobody'"), ("rules delete -", "no rule is called '-'"),
    ]
    commands = ["start"] if when == "running" else []
    skip = len(commands)
    for command, _ in steps + bad:
        commands += [command, "show rules"]
    result, said = session(folder, path, commands, workers)
    said = said[skip:]
    for i, (command, order) in enumerate(steps):
        expect(said[2 * i], rf"^rules version {i + 2}: ")
        assert names_of(said[2 * i + 1]) == order.split(), f"{command}\n{said[2 * i + 1]}"
    for i, (command, reason) in enumerate(bad, len(steps)):
        assert reason in said[2 * i] and f"the running rules stay, version {len(steps) + 1}\n" in said[2 * i], f"{command}\n{said[2 * i]}"
        assert names_of(said[2 * i + 1]) == steps[-1][1].split(), f"{command}\n{said[2 * i + 1]}"
    assert result.summary["version"] == len(steps) + 1


def test_edit_from_nothing(folder):
    """Without a configuration: rules can be added, and there is nothing to reload."""
    _, said = session(folder, None, ["rules reload", "rules add {name: x, match: {udp: {}}, drop: true}", "rules add {name: y, to: a}",
                                     "rules delete x", f"rules save {folder}/none.yaml", f"rules reload {folder}/none.yaml"],
                      vdevs=["net_null0"])
    expect(said[0], r"there is no -c FILE to reload")
    expect(said[1], r"rules version 2: 1 rules")
    expect(said[2], r"no sink is called 'a'")
    expect(said[5], r"rules version 4: 0 rules")
    assert lib.yaml_of(f"{folder}/none.yaml") == {"rules": [], "default": "drop"}


def test_save(folder):
    """The saved file has the running rules, reads back as the same, and replaces a file at once."""
    path = prepare(folder, OTHER)
    out, link = os.path.join(folder, "out.yaml"), os.path.join(folder, "link.yaml")
    os.symlink(out, link)
    lib.write(folder, "out.yaml", "old")
    os.chmod(out, 0o640)
    _, said = session(folder, path, ["rules add {name: \"'quo#ted\", match: {mac: {src: [02:00:00:00:00:01]}, ipv6: {dst: ff02::/16}}, drop: true} first",
                                     "rules move rest last", f"rules save {link}", f"rules reload {out}", f"rules save {path}",
                                     f"rules save {folder}/no/where.yaml", f"rules save {folder}", f"rules save {folder}/new.yaml"])
    expect(said[2], r"4 rules, version 3\n")
    expect(said[3], r"rules version 4: 4 rules \(5 entries\), .* 0 added, 0 removed, 4 kept\n")
    expect(said[4], r"is the running configuration")
    expect(said[5], r"No such file or directory")
    expect(said[6], r"not a regular file")
    expected = yaml.load(OTHER, Loader=yaml.BaseLoader)
    expected["rules"] = [{"name": "'quo#ted", "match": {"mac": {"src": ["02:00:00:00:00:01"]}, "ipv6": {"dst": "ff02::/16"}}, "drop": "true"},
                       *expected["rules"][1:], expected["rules"][0]]
    assert lib.yaml_of(out) == lib.yaml_of(f"{folder}/new.yaml") == expected
    assert os.path.islink(link) and os.stat(out).st_mode & 0o777 == 0o640
    assert sorted(os.listdir(folder)) == ["feedgate.yaml", "in.pcap", "link.yaml", "new.yaml", "out.yaml", "summary.json"]


def reloaded(process, pattern, stream=None):
    """Wait for a line of standard output, or of another stream; what came until then."""
    said = ""
    for text in stream or process.stdout:
        said += text
        if re.search(pattern, text):
            return said
    raise AssertionError(f"it ended without {pattern}: {process.stderr.read()}")


@lib.each("SIGINT", "SIGTERM")
def test_hangup(folder, name):
    """SIGHUP reads the -c file again; an error goes to standard error; one other signal then ends it in order."""
    path = prepare(folder)
    summary = os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["--stats-period", "1"]))
    try:
        reloaded(process, r"received [1-9]")
        lib.write(folder, "feedgate.yaml", fill(folder, HEAD) + OTHER)
        process.send_signal(signal.SIGHUP)
        reloaded(process, r"^rules version 2: 3 rules .* 1 added, 1 removed, 2 kept$")
        lib.write(folder, "feedgate.yaml", fill(folder, HEAD) + "rules:\n  - {name: x}\n")
        process.send_signal(signal.SIGHUP)
        refusal = reloaded(process, "the running rules stay, version 2", process.stderr)
        lib.write(folder, "feedgate.yaml", fill(folder, HEAD) + RULES)
        process.send_signal(signal.SIGHUP)
        reloaded(process, r"^rules version 3: ")
        for _ in range(5):
            process.send_signal(signal.SIGHUP)
        process.send_signal(getattr(signal, name))
    finally:
        result = lib.finish(process, summary)
    lib.check_done(result)
    assert result.summary["version"] >= 3, str(result)
    assert f"feedgate: {path}:10:5: " in refusal, refusal


def test_hangup_without_config(folder):
    """SIGHUP without -c: a message, and it goes on."""
    process = lib.start(lib.command(None, None, vdevs=["net_null0"], args=["--stats-period", "1"]), cwd=folder)
    reloaded(process, r"received [1-9]")
    process.send_signal(signal.SIGHUP)
    reloaded(process, r"received [1-9]")
    lib.stop(process)
    result = lib.finish(process)
    assert result.code == 0 and "there is no -c FILE to reload" in result.err, str(result)


@lib.each(0, 1)
def test_under_load(folder, workers):
    """Two files in turn, by console, while packets flow: every packet is accounted for, none is lost by it."""
    path, other = prepare(folder), lib.write(folder, "other.yaml", OTHER)
    commands = lib.write(folder, "reloads.cmd", "start\n" + f"rules reload {other}\nrules reload\n" * (RELOADS // 2) + "quit\n")
    summary = os.path.join(folder, "summary.json")
    result = lib.finish(lib.start(lib.command(path, summary, workers=workers, args=["--cmdline-file", commands])), summary,
                        timeout_s=lib.TIMEOUT_S + RELOADS // 20)
    lib.check_done(result)
    assert result.summary["version"] == 1 + RELOADS // 2 * 2 and result.summary["delivered"] > 0
    for reason in ("ring_full", "sink_full"):
        assert result.summary["dropped"][reason] == 0, result.summary["dropped"]
    assert all(source["lost"] == 0 for source in result.summary["sources"].values())


def test_many_rules(folder):
    """An edit of a large set: it is built again and published."""
    count = 20000
    rules = "rules:\n" + "".join(f"  - {{name: r{i}, match: {{ipv4: {{dst: 239.{i >> 8}.{i & 255}.1}}, udp: {{dst: {i % 60000}}}}}, to: a}}\n"
                                 for i in range(count))
    path = prepare(folder, rules)
    _, said = session(folder, path, ["start", "rules delete r7", "rules move r19999 first", f"rules save {folder}/out.yaml",
                                     f"rules reload {folder}/out.yaml", "explain ipv4.dst 239.0.7.1 udp.dst 7", "explain ipv4.dst=239.78.31.1 udp.dst=19999"])
    expect(said[1], rf"rules version 2: {count - 1} rules \({count - 1} entries\), .* 0 added, 1 removed, {count - 1} kept\n")
    expect(said[4], rf"0 added, 0 removed, {count - 1} kept\n")
    expect(said[5], r"winner: no rule: the default: drop\n")
    expect(said[6], r"winner: rule 1, r19999 \(line 2 of .*out.yaml\): to a\n")


def test_long_rules(folder):
    """A line has up to 8192 bytes from a pipe; a terminal takes less, and refuses a rule instead of cutting it."""
    path = prepare(folder)
    ports = ", ".join(str(port) for port in range(1000, 2300))
    rule = "rules add {name: long, match: {udp: {dst: [" + ports + "]}}, to: a} first"
    assert 7000 < len(rule) < 8192
    _, said = session(folder, path, [rule, "show rule long"])
    expect(said[0], r"rules version 2: 4 rules \(1303 entries\)")
    line = lib.command(path, None, args=["-i"])
    child = pexpect.spawn(line[0], line[1:], encoding="utf-8", timeout=30, dimensions=(50, 160))
    try:
        child.expect_exact(PROMPT)
        for length in (481, 500, 520, 800):
            child.sendline("rules add {name: " + "x" * length)
            child.expect("too long: a terminal takes 480 characters")
            child.expect_exact(PROMPT)
        child.sendline("rules add {name: short, match: {udp: {dst: [" + ports[:400].rsplit(",", 1)[0] + "]}}, to: a} first")
        child.expect(r"rules version 2: 4 rules")
        child.expect_exact(PROMPT)
        child.sendline("quit")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0


def test_completion(folder):
    """TAB: commands, names of rules, fields of explain."""
    path = prepare(folder)
    line = lib.command(path, None, args=["-i"])
    child = pexpect.spawn(line[0], line[1:], encoding="utf-8", timeout=30, dimensions=(50, 160))
    try:
        child.expect_exact(PROMPT)
        for typed, shown in (("rul\t", "rules "), ("del\t", "delete "), ("no\t", "noise ")):
            child.send(typed)
            child.expect_exact(shown)
        child.sendline("")
        child.expect("rules version 2: 2 rules")
        for typed, shown in (("exp\t", "explain "), ("ipv4.s\t", "ipv4.src "), ("1.2.3.4 ud\t", "udp."), ("d\t", "dst ")):
            child.send(typed)
            child.expect_exact(shown)
        child.sendline("26477")
        child.expect("winner: rule 1, tech ")
        child.expect_exact(PROMPT)
        child.send("explain \t")
        for field in ("source", "ipv6.dst", "payload", "pcap"):
            child.expect_exact(field)
        child.sendline("pcap nothing 1")
        child.expect("nothing: cannot open: No such file")
        child.sendline("quit")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)


# --- explain --------------------------------------------------------------------------------------------------


def explained(text):
    """The contents of a transcript: (frame, drop reason or None, names of the winner and of the others, how many others more)."""
    assert "DISAGREEMENT" not in text, text
    frame = bytes.fromhex(expect(text, r"^frame: \d+ bytes ([0-9a-f]*)").group(1))
    dropped = re.search(r"\ndropped before any rule: (\w+): ", text)
    if dropped:
        return frame, dropped.group(1), [], 0
    winner = expect(text, r"\nwinner: (?:rule \d+, (\S+) \(line \d+ of \S+\)|no rule: the default): ").group(1) or "-"
    if winner != "-":
        expect(text, r"\n  tier: (exact|wildcard|expression), entry \d+ of \d+: \{.*\}\n")
    others = re.findall(r"\nalso matches: rule \d+, (\S+) ", text)
    more = re.search(r"\nalso matches: and (\d+) more\n", text)
    return frame, None, [winner, *others], int(more.group(1)) if more else 0


def match_of(rules, frame, source, line):
    """The same by the oracle."""
    try:
        key = oracle.decode(frame, rules.fragments)
    except oracle.Broken as reason:
        return str(reason), [], 0
    names = [rule.name for rule in rules.rules if rule.matches(key, source, line)]
    return None, names[:11] or ["-"], max(0, len(names) - 11)


@lib.each("everything", "overlap", "vlan", "fragments-first", "link")
def test_explain_capture(folder, template):
    """Every packet of a capture with all shapes: winner, others, drop reasons, as the oracle says."""
    capture = os.path.join(folder, "in.pcap")
    frames = shapes.whole()
    oracle.write_pcap(capture, frames)
    text = lib.fill(template, folder, list(lib.replays([capture, capture]).values()))
    path, rules = lib.write(folder, "rules.yaml", text), oracle.Rules(text)
    numbers = list(range(1, len(frames) + 1))
    commands = [f"explain pcap {capture} {n}" + (" source s1" if n % 2 else "") for n in numbers]
    _, said = session(folder, path, commands)
    for n, text in zip(numbers, said):
        _, *got = explained(text)
        source = "s1" if n % 2 else "s0"
        expected = match_of(rules, bytes(frames[n - 1]), source, rules.lines[source])
        assert tuple(got) == expected, f"packet {n}: {got}, expected {expected}\n{text}"


def random_fields(pick):
    """Fields, and the frame that scapy makes of the same."""
    fields, link = {}, {"src": "02:00:00:00:00:01"}
    network, transport, payload = None, None, pick.randbytes(pick.choice((0, 1, 8, 11)))
    family = pick.choice((0, 4, 4, 6))
    if pick.random() < 0.3:
        fields["mac.src"] = link["src"] = "02:00:00:00:00:%02x" % pick.randrange(4)
    if family == 4:
        src, dst = pick.choice(shapes.ADDRESSES)
        fields["ipv4.src"], fields["ipv4.dst"] = src, dst
        network = shapes.IP(src=src, dst=dst, id=0, ttl=64)
    elif family == 6:
        src, dst = pick.choice(shapes.ADDRESSES6)
        fields["ipv6.src"], fields["ipv6.dst"] = src, dst
        network = shapes.IPv6(src=src, dst=dst, hlim=64)
    else:
        fields["ethertype"] = "0x%04x" % pick.choice((0x0806, 0x88CC, 0x88B5))
    if family:
        sport, dport = pick.choice(shapes.PORTS)
        kind = pick.choice(("udp", "udp", "tcp", "89"))
        if kind == "89":
            fields["protocol"] = "89"
            setattr(network, "proto" if family == 4 else "nh", 89)
        else:
            fields[f"{kind}.src"], fields[f"{kind}.dst"] = sport, dport
            transport = shapes.UDP(sport=sport, dport=dport) if kind == "udp" else shapes.TCP(sport=sport, dport=dport, flags="A", window=65535)
    link["dst"] = fields["mac.dst"] = pick.choice((shapes.GROUP, "ff:ff:ff:ff:ff:ff"))
    tags = pick.choice(((), (), (100,), (905,), (100, 200)))
    if tags:
        fields["vlan"] = ",".join(map(str, tags))
    if payload:
        fields["payload"] = payload.hex()
    frame = shapes.Ether(**link)
    for i, vid in enumerate(tags):
        frame = frame / (shapes.Dot1AD if i == 0 and len(tags) == 2 else shapes.Dot1Q)(vlan=vid)
    for layer in (network, transport):
        frame = frame if layer is None else frame / layer
    if family == 0:
        frame.lastlayer().type = int(fields["ethertype"], 0)
    return fields, bytes(frame / payload if payload else frame)


@lib.each("everything", "overlap", "vlan")
def test_explain_fields(folder, template):
    """Frames made of fields are those that scapy makes of them, and go where the oracle says."""
    pick = random.Random(7)
    capture = os.path.join(folder, "in.pcap")
    oracle.write_pcap(capture, shapes.whole()[:3])
    text = lib.fill(template, folder, list(lib.replays([capture, capture]).values()))
    path, rules = lib.write(folder, "rules.yaml", text), oracle.Rules(text)
    cases = [random_fields(pick) for _ in range(100)]
    commands = []
    for fields, _ in cases:
        words = list(fields.items())
        pick.shuffle(words)
        mark = pick.choice(("=", " "))
        commands.append("explain " + " ".join(f"{key}{mark}{value}" for key, value in words) + pick.choice(("", " source s0")))
    _, said = session(folder, path, commands)
    for command, (_, expected), text in zip(commands, cases, said):
        frame, *got = explained(text)
        assert frame == expected, f"{command}\n{frame.hex()}\n{expected.hex()}"
        assert tuple(got) == match_of(rules, expected, "s0", "A"), f"{command}\n{text}"


def test_explain_words(folder):
    """The words themselves: key, tier, entry, fragments, and what is refused."""
    path = prepare(folder, RULES.replace("name: tech, match: {", "name: tech, match: {ipv4: {dst: [10.0.0.0/8, 233.54.12.111]}, "))
    _, said = session(folder, path, [
        "explain ipv4.src=1.2.3.4 ipv4.dst=233.54.12.111 udp.src=7 udp.dst=26477 vlan=10,20 line=B payload=0102",
        "explain ipv4.dst 10.1.1.1 udp.dst 26477 fragment later", "explain ipv6.dst ff02::5 tcp.dst 22 fragment first source night",
        "explain ipv4.dst 10.1", "explain udp.dst 1 tcp.dst 1", "explain ipv4.dst 1.2.3.4 ipv6.dst ::1", "explain vlan 1,2,3",
        "explain payload 123", "explain source dusk", "explain nonsense 1", "explain udp.dst", "explain ethertype 0x806 udp.dst 1",
        f"explain pcap {folder}/in.pcap 0", f"explain pcap {folder}/in.pcap 99999", f"explain pcap {folder}/in.pcap 1 udp.dst 1",
        f"explain pcap {path} 1", "explain fragment sometimes", "explain line AA", "explain mac.src 1:2"])
    assert said[0] == (
        "frame: 52 bytes 01005e360c6f02000000000188a8000a8100001408004500001e000000004011812401020304e9360c6f0007676d000a9db80102\n"
        "key: source day, line B, 02:00:00:00:00:01 > 01:00:5e:36:0c:6f, VLAN 10, VLAN 20, IPv4 UDP 1.2.3.4:7 > 233.54.12.111:26477, "
        f"payload 2 bytes\nwinner: rule 1, tech (line 10 of {path}): to a\n" + expect(said[0], r"  tier: \w+, ").group(0) +
        "entry 2 of 2: {ipv4: {dst: 233.54.12.111/32}, udp: {dst: 26477}}\n"
        f"also matches: rule 3, rest (line 12 of {path}): to a, b\n"), said[0]
    expect(said[1], r"protocol|UDP 0.0.0.0 > 10.1.1.1, later part of a fragmented datagram")
    expect(said[1], r"winner: rule 3, rest")
    expect(said[2], r"source night, line B, .* IPv6 TCP :: port 0 > ff02::5 port 22, first part of a fragmented datagram")
    for text, reason in zip(said[3:], ("expected an IPv4 address", "contradicts", "contradicts", "expected a VID", "hexadecimal",
                                       "the name of a source", "unknown field 'nonsense'", "a value is missing", "contradicts",
                                       "from 1", "has 339 packets", "only source and line", "", "first or later", "A to Z", "MAC address")):
        assert reason in text and "winner" not in text, f"{reason}: {text}"


def test_explain_expression(folder):
    """Expressions see the frame that is made: its payload and its tags; a better-placed rule wins before them."""
    path = prepare(folder, """rules:
  - {name: first, match: {udp: {dst: 1}}, to: a}
  - {name: word, match: {udp: {}, expr: "udp[8:4] == 0x01020304"}, to: b}
  - {name: tag, match: {expr: vlan 10 and udp dst port 2}, to: a}
""")
    _, said = session(folder, path, ["start", "explain udp.dst=1 payload=01020304", "explain udp.dst 2 payload 01020304 vlan 10",
                                     "explain udp.dst 2 vlan 10 payload 010203", "explain udp.dst 2 payload 01020305",
                                     "explain udp.dst 2 vlan 10 payload 01020304", "show rule word"])
    assert explained(said[1])[2] == ["first", "word"], said[1]
    assert explained(said[2])[2] == ["tag"], said[2]  # to libpcap, udp[] is not behind a tag unless `vlan` says so
    assert explained(said[3])[2] == ["tag"] and explained(said[4])[2] == ["-"], said
    expect(said[3], r"  tier: expression, entry 1 of 1: \{expr: \"vlan 10 and udp dst port 2\"\}\n")
    expect(said[6], r"entries: 1 \(expression: 1\)\n")


SHADOWED = """rules:
  - {name: wide, match: {ipv4: {dst: 10.0.0.0/8}}, to: a}
  - {name: hidden, match: {ipv4: {dst: 10.1.0.0/16}, udp: {dst: 5}}, to: b}
  - {name: needless, match: {tcp: {dst: 22}}, drop: true}
  - {name: fine, match: {udp: {dst: 6}}, to: b}
"""


def test_shadowed(folder):
    """Rules that no packet can reach and such that change nothing are marked; --check warns of them, and passes."""
    path = prepare(folder, SHADOWED)
    _, said = session(folder, path, ["show rules", "show rule hidden", "show rule fine", "rules move hidden first", "show rules"])
    expect(said[0], r"\nhidden .* b; shadowed by wide\n")
    expect(said[0], r"\nneedless .* drop; redundant with the default\n")
    expect(said[0], r"\nfine .* b\n")
    expect(said[1], r"\n  shadowed by wide\n")
    assert "shadowed" not in said[2] + said[4] and "redundant" not in said[2], said
    result = lib.finish(lib.start([lib.binary("feedgate"), "--", "-c", path, "--check"]))
    assert result.code == 0, str(result)
    expect(result.err, rf"{re.escape(path)}:11: warning: rule hidden is shadowed by wide\n")
    expect(result.err, rf"{re.escape(path)}:12: warning: rule needless is redundant with the default\n")
    assert "fine" not in result.err, result.err


def test_check_caps_warnings(folder):
    """150 shadowed rules: a hundred lines, and how many more."""
    path = prepare(folder, "rules:\n  - {name: all, to: a}\n" + "".join(f"  - {{name: r{i}, match: {{udp: {{dst: {i}}}}}, to: b}}\n" for i in range(150)))
    result = lib.finish(lib.start([lib.binary("feedgate"), "--", "-c", path, "--check"]))
    assert result.code == 0 and len(re.findall("shadowed by all", result.err)) == 100, str(result)
    expect(result.err, r"and 50 more shadowed or redundant rules")


if __name__ == "__main__":
    lib.main()
