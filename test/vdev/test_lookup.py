#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""feedgate-lookup: every engine and variant gives the answers of the oracle."""
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

HEADER = "index,rule,action"
RULE_SETS = ("acl_1k", "fw_1k", "ipc_1k", "acl_10k")
BOUNDARY_PACKETS = 100000 if lib.LONG else 2000 if lib.SANITIZED else 10000
CAPTURES = 40 if lib.LONG else 20
SHAPES = tuple(lib.rule_files()) if lib.LONG or not lib.SANITIZED else ("everything", "expr", "overlap")


def lookup(*args, stdin=None):
    """Run feedgate-lookup; the Result."""
    pipes = {"stdin": subprocess.PIPE} if stdin is not None else {}
    return lib.finish(lib.start([lib.binary("feedgate-lookup"), *args], **pipes), stdin=stdin)


def rows(result):
    """The lines of the CSV without the header line."""
    assert result.code == 0, str(result)
    head, *lines = result.out.splitlines()
    assert head == HEADER, head
    return lines


def names(option):
    """The output of --list-engines or --list-variants, as words."""
    result = lookup(option)
    assert result.code == 0 and not result.err, str(result)
    return result.out.split()


def info(result):
    """The output of --info, as a map."""
    return dict(re.findall(r"(\w+)=(\S+)", result.err))


def refused(result, code, reason):
    """It failed with a message of one line."""
    assert result.code == code, f"expected exit {code}\n{result}"
    assert re.fullmatch(rf"feedgate-lookup: [^\n]*{reason}[^\n]*\n", result.err), f"expected {reason}\n{result}"


def every_engine(seed, *args):
    """(name, rows) from each engine and variant. A refusal must have a message of one line.

    Without a seed, and in the long form, all variants; else one.
    """
    variants = names("--list-variants")[1:]
    if seed is not None and not lib.LONG:
        variants = [random.Random(seed).choice(variants)]
    for engine in names("--list-engines"):
        result = lookup(*args, "--info", "--engine", engine)
        if engine == "acl" and result.code != 0:  # rte_acl bounds neither time nor memory: feedgate does
            assert re.fullmatch(r"feedgate-lookup: [^\n]+\n", result.err), str(result)
            print(f"{engine}: {result.err}")
            continue
        got, found = rows(result), info(result)
        assert found["engine"] == engine, str(result)
        yield engine, got
        for variant in variants if found["variant"] != "-" else []:
            result = lookup(*args, "--info", "--engine", engine, "--variant", variant)
            if result.code != 0:
                refused(result, 2, variant)
                print(f"{engine} {variant}: {result.err}")
                continue
            assert info(result)["variant"] == variant, str(result)
            yield f"{engine} {variant}", rows(result)


def check_everywhere(seed, expected, *args):
    """All engines give the expected rows."""
    seen = 0
    for name, got in every_engine(seed, *args):
        lib.compare(name, got, expected)
        seen += 1
    assert seen >= 2, "only one engine built the rules"


# --- ClassBench ---------------------------------------------------------------------------------------------------


class ClassBench:
    """A rule set: fields as ranges, and rules by the lengths and the bits of both prefixes."""

    LINE = re.compile(r"@([\d.]+)/(\d+)\s+([\d.]+)/(\d+)\s+(\d+)\s*:\s*(\d+)\s+(\d+)\s*:\s*(\d+)\s+(\w+)/(\w+)")

    def __init__(self, text):
        self.rules = [self._rule(line) for line in text.splitlines()]
        self.groups = {}
        for number, (_, lengths, ranges) in enumerate(self.rules, 1):
            front = (ranges[0][0] >> 32 - lengths[0], ranges[1][0] >> 32 - lengths[1])
            self.groups.setdefault(lengths, {}).setdefault(front, []).append(number)

    def _rule(self, line):
        found = self.LINE.match(line)
        assert found, line
        src, src_bits, dst, dst_bits, *ports, protocol, mask = found.groups()
        ranges = []
        for address, bits in ((src, src_bits), (dst, dst_bits)):
            free = (1 << 32 - int(bits)) - 1
            first = struct.unpack("!I", socket.inet_aton(address))[0] & ~free
            ranges.append((first, first | free))
        ranges += [(int(ports[0]), int(ports[1])), (int(ports[2]), int(ports[3]))]
        ranges.append((int(protocol, 16),) * 2 if int(mask, 16) else (0, 255))
        return line, (int(src_bits), int(dst_bits)), tuple(ranges)

    def matches(self, number, packet):
        """The reference: all fields are in their ranges."""
        return all(low <= value <= high for value, (low, high) in zip(packet, self.rules[number - 1][2]))

    def first(self, packet):
        """The number of the first rule that matches, or 0; tests only rules whose prefixes match."""
        best = len(self.rules) + 1
        for (src_bits, dst_bits), fronts in self.groups.items():
            for number in fronts.get((packet[0] >> 32 - src_bits, packet[1] >> 32 - dst_bits), ()):
                if number >= best:
                    break
                if self.matches(number, packet):
                    best = number
                    break
        return best if best <= len(self.rules) else 0

    def first_of_all(self, packet):
        """The same, but tests all rules in order."""
        return next((n for n in range(1, len(self.rules) + 1) if self.matches(n, packet)), 0)

    def expect(self, packets):
        """The expected rows for these packets."""
        found = map(self.first, packets)
        return [f"{i},{n or '-'},{'match' if n else 'drop'}" for i, n in enumerate(found)]

    def near_boundaries(self, rng):
        """A packet at the boundaries of one rule or of two."""
        one, two = (rng.choice(self.rules)[2] for _ in range(2))
        packet = []
        for field, top in enumerate((2**32 - 1, 2**32 - 1, 65535, 65535, 255)):
            low, high = (one if rng.random() < 0.85 else two)[field]
            value = rng.choice((low, low, high, high, low - 1, high + 1, rng.randint(low, high)))
            packet.append(min(max(value, 0), top))
        return tuple(packet)


def rule_set(name):
    """Path and contents of one of $FG_TEST_DATA's rule sets."""
    path = os.path.join(os.environ.get("FG_TEST_DATA", ""), "rulesets", name)
    if not os.path.exists(path):
        raise lib.Skip("FG_TEST_DATA is unset or has no rulesets")
    with open(path, encoding="ascii") as file:
        return path, file.read()


def write_trace(folder, packets):
    """A trace of these packets."""
    return lib.write(folder, "trace", "".join(" ".join(map(str, packet)) + "\n" for packet in packets))


@lib.each(*RULE_SETS[:3])
def test_lookup_given_trace(_folder, name):
    path, text = rule_set(name)
    given, trace = rule_set(name + "_trace")
    lines = [list(map(int, line.split())) for line in trace.splitlines()]
    packets = [tuple(line[:5]) for line in lines]
    rules = ClassBench(text)
    expected = rules.expect(packets)
    # The last column is the rule, from 0, that the packet was made for: no later one is the first match.
    for row, line in zip(expected, lines):
        assert 1 <= int(row.split(",")[1]) <= line[-1] + 1, (row, line)
    for packet in packets[::100]:
        assert rules.first(packet) == rules.first_of_all(packet)
    check_everywhere(name if lib.SANITIZED else None, expected, "--rules", path, "--trace", given)


@lib.each(*RULE_SETS)
def test_lookup_boundaries(folder, name):
    path, text = rule_set(name)
    rules, rng = ClassBench(text), random.Random(name)
    packets = [rules.near_boundaries(rng) for _ in range(BOUNDARY_PACKETS)]
    for packet in packets[::1000]:
        assert rules.first(packet) == rules.first_of_all(packet)
    expected = rules.expect(packets)
    winners = {row.split(",")[1] for row in expected}
    assert len(winners) > min(len(rules.rules), len(packets)) / 8, len(winners)
    check_everywhere(name, expected, "--rules", path, "--trace", write_trace(folder, packets))


def test_lookup_classbench_frames(folder):
    """ClassBench rules on frames: they match IPv4 with any tags, and nothing else."""
    rules = lib.write(folder, "rules", "# two\n@10.0.0.0/8 239.1.2.0/24 0 : 65535 26400 : 26500 0x11/0xFF 0x0000/0x0000\n\n"
                                       "@0.0.0.0/0 0.0.0.0/0 0 : 65535 0 : 0 0x00/0x00\n")
    frames = shapes.whole() + shapes.odd()
    expected = []
    for index, frame in enumerate(frames):
        try:
            key = oracle.decode(frame)
        except oracle.Broken as reason:
            expected.append(f"{index},-,drop:{reason}")
            continue
        rule = 0
        if key.family == 4:
            first = key.src[0] == 10 and key.dst[:3] == b"\xef\x01\x02" and key.protocol == 17
            rule = 1 if first and 26400 <= (key.dst_port or 0) <= 26500 else 2 if not key.dst_port else 0
        expected.append(f"{index},{rule or '-'},{'match' if rule else 'drop'}")
    assert {row.split(",")[1] for row in expected} == {"1", "2", "-"}
    path = os.path.join(folder, "in.pcap")
    oracle.write_pcap(path, frames)
    check_everywhere(None, expected, "--rules", rules, "--pcap", path)


# --- rules of feedgate ------------------------------------------------------------------------------------------------


def row_of(index, rules, result):
    """A row from the result of the oracle."""
    reason, rule, sinks = result
    if rule is None:
        return f"{index},-,drop:{reason}"
    order = [sink for sink in rules.sinks if sink in sinks]
    return f"{index},{rule},{'+'.join(order) or 'drop'}"


def oracle_rules(text):
    """The oracle, with the order of the sinks."""
    rules = oracle.Rules(text)
    rules.sinks = re.findall(r"name: (\w+), (?:pcapng|count)", text)
    return rules


@lib.each(*SHAPES)
def test_lookup_shapes(folder, template):
    text = lib.fill(template, folder, lib.replays(["x", "y"]).values())
    config, path, rules = lib.write(folder, "c.yaml", text), os.path.join(folder, "in.pcap"), oracle_rules(text)
    frames = shapes.whole() + shapes.odd() + shapes.cut() + shapes.noisy(500) + shapes.jumbo()
    oracle.write_pcap(path, frames)
    expected = [row_of(i, rules, rules.classify(frame, "s0")) for i, frame in enumerate(frames)]
    check_everywhere(template, expected, "--rules", config, "--pcap", path)
    expected = [row_of(i, rules, rules.classify(frame, "s1")) for i, frame in enumerate(frames)]
    lib.compare("s1", rows(lookup("--rules", config, "--pcap", path, "--source", "s1")), expected)


@lib.each("overlap", "ipv4", "ipv6")
def test_lookup_data(folder, template):
    """Frames of the captures in $FG_TEST_DATA."""
    text = lib.fill(template, folder, lib.replays(["x"]).values())
    config, path, rules = lib.write(folder, "c.yaml", text), os.path.join(folder, "in.pcap"), oracle_rules(text)
    packets = [packet for packet in lib.data_frames(most=30) if len(packet.data) <= 65535]
    oracle.write_pcap(path, packets)
    expected = [row_of(i, rules, rules.classify(packet.data, "s0")) for i, packet in enumerate(packets)]
    check_everywhere(template, expected, "--rules", config, "--pcap", path)


def test_lookup_data_files(folder):
    """Whole captures, pcap and pcapng; another link type is refused."""
    text = lib.fill("overlap", folder, lib.replays(["x"]).values())
    config, rules, compared, other = lib.write(folder, "c.yaml", text), oracle_rules(text), 0, 0
    for path in random.Random(1).sample(lib.data_files(), CAPTURES):
        if os.path.getsize(path) > 1 << 20:
            continue
        try:
            link, packets = oracle.read_capture(path)
        except oracle.CaptureError:
            continue
        result = lookup("--rules", config, "--pcap", path)
        if link in oracle.CONVERTED:
            continue  # test/tools/test_capture_file.py compares them.
        if link not in (oracle.ETHERNET, None):
            refused(result, 1, "link type is .*, expected Ethernet")
            other += 1
        elif any(len(packet.data) > 65535 for packet in packets):
            refused(result, 1, "at most 65535 fit")
        else:
            expected = [row_of(i, rules, rules.classify(p.data, "s0")) for i, p in enumerate(packets)]
            lib.compare(path, rows(result), expected)
            compared += len(packets)
    assert compared > CAPTURES and other > 0, (compared, other)


def decodes(frame):
    """Can the oracle decode it?"""
    try:
        return oracle.decode(frame) is not None
    except oracle.Broken:
        return False


EXPRESSIONS = ("ether[0] & 1 = 1 and len > 100", "udp[2:2] = 26477", "vlan", "ip6", "tcp[13] & 2 != 0")


def test_lookup_expressions(folder):
    """Rules with expressions among others, compared with tcpdump."""
    frames = [frame for frame in shapes.whole() if decodes(frame)]
    path, found = os.path.join(folder, "in.pcap"), []
    oracle.write_pcap(path, frames)
    time_of = {p.time_ns: i for i, p in enumerate(oracle.read_capture(path)[1])}
    for expression in EXPRESSIONS:
        found.append({time_of[p.time_ns] for p in lib.tcpdump(path, expression, folder)})
        assert found[-1], expression
    text = ["sources:\n  - {name: s0, replay: x}\nsinks:\n  - {name: out, count: {}}\nrules:\n"]
    between = oracle.Rule({"name": "dns", "match": {"udp": {"dst": "53"}}})
    for number, expression in enumerate(EXPRESSIONS):
        if number == 0:  # On several lines.
            block = expression.replace(" and ", "\n        and\t")
            text.append(f"  - name: e0\n    match:\n      expr: |\n        {block}\n    to: out\n")
        else:
            text.append(f"  - {{name: e{number}, match: {{expr: {json.dumps(expression)}}}, to: out}}\n")
        if number == 2:
            text.append("  - {name: dns, match: {udp: {dst: 53}}, drop: true}\n")
    expected = []
    for index, frame in enumerate(frames):
        order = [(f"e{n}", "out", index in indexes) for n, indexes in enumerate(found)]
        order.insert(3, ("dns", "drop", between.matches(oracle.decode(frame), "s0", None)))
        rule, action = next(((name, action) for name, action, wins in order if wins), ("-", "drop"))
        expected.append(f"{index},{rule},{action}")
    assert {row.split(",")[1] for row in expected} >= {"e0", "e1", "e3", "e4", "dns", "-"}
    config = lib.write(folder, "c.yaml", "".join(text))
    check_everywhere(None, expected, "--rules", config, "--pcap", path)
    trace = lib.write(folder, "trace", "1 2 3 4 17\n")
    refused(lookup("--rules", config, "--trace", trace), 2, "'expr'.*--pcap")


ORIGIN = """sources:
  - {name: a, replay: nowhere.pcap, line: B}
  - {name: b, ethdev: no-such-device}
sinks:
  - {name: x, pcapng: /nonexistent/x.pcapng}
rules:
  - {name: from-a, match: {source: a, line: B}, to: x}
  - {name: from-b, match: {source: b, line: C}, to: x}
  - {name: other-line, match: {line: [A, B, C]}, drop: true}
default: {to: x}
"""


@lib.each("--pcap", "--trace")
def test_lookup_origin(folder, kind):
    """Source and line are those of the first source unless options change them; sources and sinks are not opened."""
    config, path = lib.write(folder, "c.yaml", ORIGIN), os.path.join(folder, "in")
    if kind == "--pcap":
        oracle.write_pcap(path, [shapes.datagram("239.1.2.3", 26477)])
    else:
        lib.write(folder, "in", "1 2 3 4 17\n")
    for args, row in (((), "from-a,x"), (("--source", "a"), "from-a,x"), (("--line", "A"), "other-line,drop"),
                      (("--source", "b"), "-,x"), (("--source", "b", "--line", "C"), "from-b,x"),
                      (("--source", "b", "--line", "Z"), "-,x")):
        assert rows(lookup("--rules", config, kind, path, *args)) == ["0," + row], args
    refused(lookup("--rules", config, kind, path, "--source", "c"), 2, "no source of .* is called 'c'")
    refused(lookup("--rules", config, kind, path, "--line", "ab"), 2, "--line 'ab': expected a letter, A to Z")


def test_lookup_rules_alone(folder):
    """A file with rules only: all names that they use exist, and packets are from none of the sources."""
    config = lib.write(folder, "c.yaml", """rules:
  - {name: from-s, match: {source: [s, t]}, feed: f, to: x}
  - {name: 'a,"b"', match: {udp: {dst: 1}}, to: [y, x]}
  - {name: c, match: {udp: {dst: 2}}, to: 'z,z'}
  - {name: d, match: {udp: {dst: 3}}, drop: true}
default: {to: w}
""")
    trace = lib.write(folder, "trace", "".join(f"1 2 3 {port} 17\n" for port in range(1, 5)))
    assert rows(lookup("--rules", config, "--trace", trace)) == [
        '0,"a,""b""",x+y', '1,c,"z,z"', "2,d,drop", "3,-,w"]
    assert rows(lookup("--rules", config, "--trace", trace, "--source", "t"))[0] == "0,from-s,x"


def test_lookup_fragments(folder):
    """`parse` of the file applies."""
    path = os.path.join(folder, "in.pcap")
    frames = shapes.odd()
    oracle.write_pcap(path, frames)
    for fragments in ("pass", "first-only", "drop"):
        text = f"parse: {{fragments: {fragments}}}\nrules:\n  - {{name: u, match: {{udp: {{}}}}, to: x}}\n"
        rules = oracle.Rules(text)
        rules.sinks = ["x"]
        expected = [row_of(i, rules, rules.classify(frame, None)) for i, frame in enumerate(frames)]
        lib.compare(fragments, rows(lookup("--rules", lib.write(folder, "c.yaml", text), "--pcap", path)), expected)


def test_lookup_file_chooses(folder):
    """`classify` of the file applies unless an option overrides it."""
    trace = lib.write(folder, "trace", "1 2 3 4 17\n")
    config = lib.write(folder, "c.yaml", "classify: {engine: linear, budget: 3M}\nrules: []\n")
    result = lookup("--rules", config, "--trace", trace, "--info")
    assert rows(result) == ["0,-,drop"] and info(result)["engine"] == "linear", str(result)
    best = names("--list-engines")[0]
    result = lookup("--rules", config, "--trace", trace, "--info", "--engine", best)
    assert rows(result) == ["0,-,drop"] and info(result)["engine"] == best, str(result)


def test_lookup_compressed(folder):
    """A compressed capture, also by a pipe, and rules with a byte order mark give the same as without."""
    config = lib.write(folder, "c.yaml", "\ufeffrules:\n  - {name: u, match: {udp: {dst: 7-9}}, to: x}\n")
    path, expected = os.path.join(folder, "in.pcap"), [f"{i},{'u,x' if 7 <= i <= 9 else '-,drop'}" for i in range(99)]
    oracle.write_pcap(path, [shapes.datagram("239.1.2.3", port) for port in range(99)])
    for words in (["cat"], ["gzip", "-c"], ["zstd", "-qc"], ["lz4", "-qc"], ["lz4", "-qlc"], ["pzstd", "-qc"]):
        if shutil.which(words[0]) is None:
            continue
        packed = os.path.join(folder, "packed")
        with open(packed, "wb") as file:
            subprocess.run([*words, path], stdout=file, check=True)
        assert rows(lookup("--rules", config, "--pcap", packed)) == expected, words
        with open(packed, "rb") as file:
            process = lib.start([lib.binary("feedgate-lookup"), "--rules", config, "--pcap", "-"], stdin=file)
            assert rows(lib.finish(process)) == expected, words


# --- files and pipes ----------------------------------------------------------------------------------------------


def test_lookup_streams(folder):
    """Rules, capture and trace through pipes; an empty input; a capture that is still being written."""
    config = lib.write(folder, "c.yaml", "rules:\n  - {name: u, match: {udp: {}}, to: x}\n")
    trace = "# head\n" + "1 2 3 4 17\n\n1 2 3 4 6\n" * 100
    expected = [f"{i},{'u,x' if i % 2 == 0 else '-,drop'}" for i in range(200)]
    assert rows(lookup("--rules", config, "--trace", "-", stdin=trace)) == expected
    assert rows(lookup("--rules", config, "--trace", "-", stdin="")) == []
    path = lib.write(folder, "trace", trace)
    with open(config, encoding="ascii") as file:
        text = file.read()
    assert rows(lookup("--rules", "-", "--format", "yaml", "--trace", path, stdin=text)) == expected
    text = "@0.0.0.0/0 0.0.0.0/0 0 : 65535 0 : 65535 0x11/0xFF\n"
    got = rows(lookup("--rules", "-", "--format", "classbench", "--trace", path, stdin=text))
    assert got == [f"{i},{'1,match' if i % 2 == 0 else '-,drop'}" for i in range(200)]
    path = os.path.join(folder, "in.pcap")
    oracle.write_pcap(path, [shapes.datagram("239.1.2.3", port) for port in range(130)])
    with open(path, "rb") as file:
        process = lib.start([lib.binary("feedgate-lookup"), "--rules", config, "--pcap", "-"], stdin=file)
        assert rows(lib.finish(process)) == [f"{i},u,x" for i in range(130)]
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 1)
    result = lookup("--rules", config, "--pcap", path)
    refused(result, 1, r"in.pcap: packet 130 \(record at byte \d+\): truncated: ")
    assert result.out.splitlines() == [HEADER] + [f"{i},u,x" for i in range(129)], str(result)


def test_lookup_memory(folder):
    """A capture is not loaded as a whole: reading 200 MB takes much less memory."""
    config = lib.write(folder, "c.yaml", "rules:\n  - {name: u, match: {udp: {}}, to: x}\n")
    path, count = os.path.join(folder, "big.pcap"), 3000
    frame = shapes.jumbo()[-1]
    oracle.write_pcap(path, [frame])
    with open(path, "r+b") as file:
        head, packet = file.read(24), file.read()
        file.seek(0)
        file.write(head)
        for _ in range(count):
            file.write(packet)
    process = lib.start(["/usr/bin/python3", "-c", "import resource, subprocess, sys\n"
                         "code = subprocess.call(sys.argv[1:])\n"
                         "print('kib', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
                         "sys.exit(code)", lib.binary("feedgate-lookup"), "--rules", config, "--pcap", path])
    result = lib.finish(process)
    assert rows(result) == [f"{i},u,x" for i in range(count)]
    if lib.SANITIZED:
        return  # shadow memory counts, too
    kib = int(re.search(r"kib (\d+)", result.err).group(1))
    assert kib * 1024 < os.path.getsize(path) / 2, f"{kib} KiB"


def test_lookup_output(folder):
    """Output that cannot be written is an error."""
    config = lib.write(folder, "c.yaml", "rules: []\n")
    trace = lib.write(folder, "trace", "1 2 3 4 17\n" * 100)
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([lib.binary("feedgate-lookup"), "--rules", config, "--trace", trace], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1, done
    assert done.stderr == "feedgate-lookup: standard output: cannot write: No space left on device\n", done


# --- refusals ----------------------------------------------------------------------------------------------------


GOOD_RULE = "@10.0.0.0/8 1.2.3.4/32 0 : 65535 80 : 90 0x06/0xFF\n"

# name: (rules, trace, exit status, reason)
BAD_INPUT = {
    "rules-field": (GOOD_RULE + "@10.0.0.0/8 1.2.3.4/32 0 : 65535 80 : 90\n", "", 2,
                    r"rules:2: protocol: expected a number from 0 to 255, found the end of the line"),
    "rules-mask": (GOOD_RULE.replace("0xFF", "0x0F"), "", 2, r"rules:1: protocol: expected mask 0x00 or 0xFF, found '0x0F'"),
    "rules-range": (GOOD_RULE.replace("80 : 90", "90 : 80"), "", 2, r"rules:1: destination ports: expected a range"),
    "rules-mixed": (GOOD_RULE + "rules:\n", "", 2, r"rules:2: a rule: expected '@'"),
    "rules-ipv6": ("@::/0 ::/0 0 : 65535 0 : 65535 0x00/0x00\n", "", 2, r"rules:1: source: expected an IPv4 prefix"),
    "rules-control": (GOOD_RULE + "@\x1b[2J\x07\n", "", 2, r"rules:2: source: [^\x00-\x1f]*"),
    "rules-line": (GOOD_RULE + "@" + 5000 * " " + "\n", "", 2, r"rules:2: expected at most 1000 bytes in a line"),
    "yaml-no-rules": ("sinks: []\n", "", 2, r"rules:1:1: expected a map with 'rules' or 'default'"),
    "yaml-list": ("- a\n", "", 2, r"rules:1:1: expected a map with 'rules'"),
    "yaml-empty": ("", "", 2, r"expected a map with 'rules'"),
    "yaml-broken": ("rules: [\n", "", 2, r"rules:\d+:\d+: "),
    "yaml-text": ("rules: hello\n", "", 2, r"rules:1:\d+: rules: expected a list"),
    "yaml-rule": ("rules:\n  - {name: a, match: {upd: {}}, drop: true}\n", "", 2, r"rules:2:\d+: .*'upd'"),
    "yaml-sink": ("sinks:\n  - {name: x, count: {}}\nrules:\n  - {name: a, to: y}\n", "", 2, r"rules:4:\d+: no sink is called 'y'"),
    "yaml-sink-name": ("sinks:\n  - {count: {}}\nrules: []\n", "", 2, r"rules:2:\d+: 'name' is missing"),
    "yaml-sinks": ("sinks: x\nrules: []\n", "", 2, r"rules:1:\d+: sinks: expected a list"),
    "yaml-line": ("sources:\n  - {name: x, line: 7}\nrules: []\n", "", 2, r"rules:2:\d+: line: expected a letter"),
    "yaml-many-sinks": ("rules:\n" + "".join(f"  - {{name: r{i}, to: s{i}}}\n" for i in range(65)), "", 2, r"at most 64 sinks"),
    "yaml-classify": ("classify: {engine: magic}\nrules: []\n", "", 2, r"rules:1:\d+: engine.*'magic'"),
    "yaml-fragments": ("parse: {fragments: some}\nrules: []\n", "", 2, r"rules:1:\d+: fragments.*'some'"),
    "trace-columns": (GOOD_RULE, "1 2 3 4 6\n1 2 3\n", 1, r"trace:2: destination port: expected a number"),
    "trace-port": (GOOD_RULE, "1 2 3 65536 6\n", 1, r"trace:1: destination port: .*, found '65536 6'"),
    "trace-text": (GOOD_RULE, "10.0.0.1 2 3 4 6\n", 1, r"trace:1: source: expected a blank after it"),
    "trace-protocol": (GOOD_RULE, "\n1 2 3 4 256\n", 1, r"trace:2: protocol: expected a number from 0 to 255"),
    "trace-zero-byte": (GOOD_RULE, "1 2 3 4 6\n1 2\0 3 4 6\n", 1, r"trace:2: expected text, found a zero byte"),
    "trace-line": (GOOD_RULE, "1" * 5000, 1, r"trace:1: expected at most 1000 bytes in a line"),
}


@lib.each(*BAD_INPUT)
def test_lookup_refuses(folder, name):
    rules, trace, code, reason = BAD_INPUT[name]
    paths = lib.write(folder, "rules", rules), lib.write(folder, "trace", trace)
    result = lookup("--rules", paths[0], "--trace", paths[1])
    refused(result, code, reason)
    assert result.out.startswith(HEADER + "\n") if code == 1 else result.out == "", str(result)


def test_lookup_refuses_usage(folder):
    rules, trace = lib.write(folder, "rules", GOOD_RULE), lib.write(folder, "trace", "1 2 3 4 6\n")
    both = ("--rules", rules, "--trace", trace)
    for args, code, reason in (
            ((), 2, "--rules FILE is missing"), (both[:2], 2, "either --pcap FILE or --trace FILE, found neither"),
            ((*both, "--pcap", trace), 2, "either --pcap FILE or --trace FILE, found both"),
            ((*both, "--engine", "magic"), 2, "engine: 'magic': expected "),
            ((*both, "--variant", "magic"), 2, "variant: 'magic': expected "),
            ((*both, "--budget", "much"), 2, "budget: 'much': expected "), ((*both, "--budget", "1"), 2, "budget: "),
            ((*both, "--format", "csv"), 2, "--format csv: expected auto, yaml or classbench"),
            ((*both, "--format", "yaml"), 2, r"rules:1:\d+: "), ((*both, "more"), 2, "unexpected argument 'more'"),
            ((*both, "--wrong"), 2, "unknown option '--wrong'"), (("--rules",), 2, "option '--rules' needs a value"),
            (("--rules", "-", "--trace", trace), 2, "so --format is needed"),
            (("--rules", "-", "--format", "yaml", "--trace", "-"), 2, "standard input holds either"),
            (("--rules", folder, "--trace", trace), 2, "not a regular file"),
            (("--rules", folder, "--format", "classbench", "--trace", trace), 2, "cannot read: Is a directory"),
            (("--rules", os.path.join(folder, "no"), "--trace", trace), 2, "cannot open: No such file"),
            (("--rules", rules, "--trace", os.path.join(folder, "no")), 1, "cannot open: No such file"),
            (("--rules", rules, "--pcap", os.path.join(folder, "no")), 1, "cannot open: No such file"),
            (("--rules", rules, "--trace", folder), 1, "cannot read: Is a directory"),
            (("--rules", rules, "--pcap", trace), 1, "neither a pcap nor a pcapng capture")):
        refused(lookup(*args), code, reason)


def test_lookup_refuses_frames(folder):
    """Files that are no captures, and frames that are too long."""
    rules, path = lib.write(folder, "rules", GOOD_RULE), os.path.join(folder, "in.pcap")
    oracle.write_pcap(path, [b"x" * 60], link=105)
    refused(lookup("--rules", rules, "--pcap", path), 1, r"in.pcap: link type is IEEE802_11 \(105\), expected Ethernet")
    oracle.write_pcap(path, [b"x" * 65535, b"x" * 65536])
    result = lookup("--rules", rules, "--pcap", path)
    refused(result, 1, r"in.pcap: packet 2 \(record at byte 65575\): has 65536 bytes, at most 65535 fit")
    assert result.out.splitlines() == [HEADER, "0,-,drop"], str(result)
    oracle.write_pcap(path, [])
    assert rows(lookup("--rules", rules, "--pcap", path)) == []
    oracle.write_pcap(path, [b""])
    assert rows(lookup("--rules", rules, "--pcap", path)) == ["0,-,drop:truncated"]
    with open(path, "wb"):
        pass
    refused(lookup("--rules", rules, "--pcap", path), 1, "in.pcap: empty, expected a pcap or pcapng capture")


def test_lookup_limits(folder):
    """The maximum number of rules is accepted; one more, or a table over its budget, is refused."""
    trace = lib.write(folder, "trace", "167772161 7 7 0 17\n4294967295 7 7 0 17\n")
    some = "".join(f"@10.{i >> 16}.{i >> 8 & 255}.{i & 255}/32 0.0.0.7/32 0 : 65535 0 : 65535 0x11/0xFF\n"
                   for i in range(100000))
    path = lib.write(folder, "rules", some)
    assert rows(lookup("--rules", path, "--trace", trace)) == ["0,2,match", "1,-,drop"]
    refused(lookup("--rules", path, "--trace", trace, "--budget", "1M"), 2, ".*")
    path = lib.write(folder, "rules", some + some[:some.index("\n") + 1])
    refused(lookup("--rules", path, "--trace", trace), 2, "rules:100001: at most 100000 rules")


def test_lookup_help(_folder):
    """Help, version, and a man page with every option."""
    result = lookup("--help")
    assert result.code == 0 and result.out.startswith("usage: feedgate-lookup ") and not result.err, str(result)
    with open(os.path.join(lib.ROOT, "docs", "man", "feedgate-lookup.1.scd"), encoding="utf-8") as file:
        page = set(re.findall(r"\*(--[a-z-]+)\*", file.read()))
    assert page - {"--check"} == set(re.findall(r"--[a-z-]+", result.out)), page
    result = lookup("--rules", "x", "--version")
    assert result.code == 0 and re.fullmatch(r"feedgate-lookup \d+\.\d+\.\d+\n", result.out), str(result)
    assert names("--list-engines")[-1] == "linear" and names("--list-variants")[0] == "auto"


if __name__ == "__main__":
    lib.main()
