# SPDX-License-Identifier: MIT
"""What the integration tests share: starting feedgate, the accounting, and being a test file.

A test file is a program: `test_x.py --list` prints its tests, `test_x.py NAME` runs one and exits 0 (passed),
77 (skipped, the reason is the last line) or anything else (failed). `test_x.py NAME...` runs several and ends the output
of each with a line: PASS, SKIP or FAIL, name, seconds. `test/run` does that for all of them.
`--list-twice` prints only those that are worth a second build (see once).
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import yaml

import oracle

BUILD = os.environ.get("FG_BUILD", "build/plain")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SANITIZED = os.environ.get("FG_SANITIZED") == "1"
LONG = os.environ.get("FG_LONG") == "1"
TIMEOUT_S = 200 if SANITIZED else 90
EAL = ["--no-huge", "-m", "512", "--no-pci", "--no-telemetry", "--no-shconf"]
LCORES = {0: "0@0,1@1", 1: "0@0,1@0,2@1", 2: "0@0,1@0,2@1,3@1"}


class Skip(Exception):
    """The test cannot run here; the argument is the reason."""


def binary(name):
    """Path of one of our programs."""
    path = os.path.abspath(os.path.join(BUILD, "app", name, name))
    if not os.path.exists(path):
        raise Skip(f"{path} is not built")
    return path


def protocols():
    """The rows of feedgate --list-protocols, each a dict by the words of its first line."""
    try:
        lines = subprocess.run([binary("feedgate"), "--list-protocols"], capture_output=True, text=True, check=True).stdout.splitlines()
    except Skip:
        return []
    words = [match.group(0) for match in re.finditer(r"\w+( \w+)*", lines[0])]
    starts = [lines[0].index(word) for word in words]
    return [{word: line[start:end].strip() for word, start, end in zip(words, starts, starts[1:] + [None])} for line in lines[1:]]


def data_files():
    """Every capture of $FG_TEST_DATA."""
    top = os.environ.get("FG_TEST_DATA", "")
    if not os.path.isdir(top):
        raise Skip("FG_TEST_DATA is unset or no directory")
    found = [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names
             if re.search(r"\.(pcap|pcapng|cap)$", name)]
    if not found:
        raise Skip("FG_TEST_DATA holds no captures")
    return sorted(found)


def data_frames(part="", most=None):
    """Ethernet packets of $FG_TEST_DATA, from each file whose path holds @p part at most so many."""
    packets = []
    for path in data_files():
        if part in path:
            link, found = oracle.read_capture(path)
            packets += found[:most] if link == oracle.ETHERNET else []
    return packets


class Result:
    """How a run of feedgate ended."""

    def __init__(self, code, out, err, summary):
        self.code, self.out, self.err, self.summary = code, out, err, summary

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[-4000:]}\n--- stderr\n{self.err[-4000:]}"


def command(config, summary, workers=0, vdevs=(), args=(), eal=(), netns=None):
    """feedgate's command line as a list."""
    line = ["ip", "netns", "exec", netns] if netns else []
    line += [binary("feedgate"), *EAL, *eal]
    if "--lcores" not in eal:
        line += ["--lcores", LCORES[workers]]
    for vdev in vdevs:
        line += ["--vdev", vdev]
    line.append("--")
    if config is not None:
        line += ["-c", config]
    if summary is not None:
        line += ["--summary", summary]
    return [*line, "--workers", str(workers), *args]


def start(line, **options):
    """Start a program with pipes; the caller stops it."""
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:exitcode=99", UBSAN_OPTIONS="halt_on_error=1:exitcode=99",
               LSAN_OPTIONS=f"suppressions={ROOT}/test/lsan.supp:print_suppressions=0", TERM="xterm")
    env.update(options.pop("env", {}))
    return subprocess.Popen(line, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, errors="replace", env=env, **options)


def finish(process, summary=None, timeout_s=TIMEOUT_S, stdin=None):
    """Wait for its end."""
    try:
        out, err = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"did not end in {timeout_s} s\n{out[-3000:]}\n{err[-3000:]}") from None
    found = None
    if summary and os.path.exists(summary) and os.path.getsize(summary):
        with open(summary, encoding="utf-8") as file:
            found = json.load(file)
    result = Result(process.returncode, out, err, found)
    assert "Sanitizer" not in err and "runtime error:" not in err, str(result)
    return result


def clear_captures(config):
    """Remove what the configuration's pcapng sinks wrote in an earlier run: the names are in use, and they would take others."""
    for path in re.findall(r"pcapng: (?:{path: )?\"?([^\s,}\"]+)", config):
        stem, extension = os.path.splitext(path)
        for file in [path, *glob.glob(f"{glob.escape(stem)}.[0-9]*{extension}")]:
            if os.path.isfile(file):
                os.remove(file)


def run(folder, config, stdin=None, cwd=None, **options):
    """Write the configuration, run feedgate until it is done, return the Result."""
    path = write(folder, "rules.yaml", config)
    clear_captures(config)
    summary = os.path.join(folder, "summary.json")
    if os.path.exists(summary):
        os.remove(summary)
    args = options.pop("args", ["--exit-when-done"])
    process = start(command(path, summary, args=args, **options), cwd=cwd,
                    **({"stdin": subprocess.PIPE} if stdin is not None else {}))
    return finish(process, summary, stdin=stdin)


def run_until(folder, config, received, before=None, **options):
    """Run feedgate on sources that never end: stop it when it has received that many packets."""
    path = write(folder, "rules.yaml", config)
    clear_captures(config)
    summary = os.path.join(folder, "summary.json")
    process = start(command(path, summary, args=["-i", "-a"], **options), stdin=subprocess.PIPE)
    watch = threading.Timer(TIMEOUT_S, process.kill)
    watch.start()
    try:
        wait_for_prompt(process)
        if before:
            before()
        deadline = time.monotonic() + TIMEOUT_S
        seen = 0
        while seen < received and time.monotonic() < deadline and process.poll() is None:
            seen = ask_received(process)
        process.stdin.write("quit\n")
        process.stdin.flush()
    finally:
        try:
            result = finish(process, summary)
        finally:
            watch.cancel()
    assert seen >= received, f"received only {seen} of {received}\n{result}"
    return result


def wait_for_prompt(process):
    """Until the console answers, which is after the sources were started."""
    process.stdin.write("show stats\n")
    process.stdin.flush()
    for text in process.stdout:
        if re.search(r"; running$", text):
            return
    raise AssertionError(f"feedgate ended before its console answered: {process.stderr.read()[-3000:]}")


def ask_received(process):
    """`show stats`, the total received; 0 if feedgate is gone."""
    process.stdin.write("show stats\n")
    process.stdin.flush()
    for text in process.stdout:
        found = re.match(r"\s*received\W+([\d,]+)", text, re.I)
        if found:
            time.sleep(0.1)
            return int(found.group(1).replace(",", ""))
    return 0


class Pipe:
    """A FIFO that is open for reading, but not read; in the end it is, so that its writer can stop."""

    def __init__(self, path):
        os.mkfifo(path)
        self.file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self, per_read_s=0.0):
        """Read from now on, until the writer has closed it, with a pause after each read."""
        os.set_blocking(self.file, True)
        threading.Thread(target=self._read, args=(per_read_s,), daemon=True).start()

    def _read(self, per_read_s):
        while not os.read(self.file, 1):  # no writer yet
            time.sleep(0.01)
        while os.read(self.file, 1 << 16):
            time.sleep(per_read_s)


def check_accounting(result):
    """received == delivered + dropped, and feedgate reports that it is balanced."""
    summary = result.summary
    assert summary is not None, f"no summary\n{result}"
    assert summary["balanced"] is True, str(summary)
    assert summary["received"] == summary["delivered"] + sum(summary["dropped"].values()), str(summary)
    assert sum(source["received"] for source in summary["sources"].values()) == summary["received"], str(summary)


def check_done(result):
    """It ended well and every packet is accounted for."""
    assert result.code == 0, str(result)
    check_accounting(result)


def check_counters(result, expected):
    """The summary against the oracle."""
    check_done(result)
    summary = result.summary
    dropped = {reason: n for reason, n in summary["dropped"].items() if n}
    assert dropped == dict(expected.dropped), f"dropped {dropped}, expected {dict(expected.dropped)}"
    assert summary["received"] == expected.received, f"received {summary['received']}, expected {expected.received}"
    assert summary["bytes"] == expected.bytes, f"bytes {summary['bytes']}, expected {expected.bytes}"
    assert summary["delivered"] == expected.delivered, f"{summary['delivered']}, expected {expected.delivered}"
    rules = {name: rule["packets"] for name, rule in summary["rules"].items() if rule["packets"] and name != "-"}
    matched = {name: n for name, n in expected.rules.items() if name != "-"}
    assert rules == matched, f"rules {rules}, expected {matched}"
    for name, n in expected.rule_bytes.items():
        if name != "-":
            assert summary["rules"][name]["bytes"] == n, f"rule {name}: bytes {summary['rules'][name]}, expected {n}"
    for name, sink in summary["sinks"].items():
        assert sink["packets"] == expected.sink_packets[name], f"sink {name}: {sink}, {expected.sink_packets[name]}"


def check_file(path, sink, expected, times=True, ordered=True):
    """A pcapng sink's file against the oracle: frames, times, order and rule names, source by source.

    Without times: a port has neither capture times nor lengths on the wire. Not ordered: several workers wrote the file, and only packets of one rule keep their order.
    """
    found = {}
    for packet in oracle.read_capture(path)[1]:
        found.setdefault(packet.interface, []).append(packet)
    theirs = {source: frames for (name, source), frames in expected.frames.items() if name == sink}
    assert set(found) == set(theirs), f"{sink}: interfaces {sorted(map(str, found))}, expected {sorted(theirs)}"
    for source, frames in theirs.items():
        got = [(p.data, p.wire_len, p.time_ns if times else 0, p.comment) for p in found[source]]
        due = [(p.data, max(p.wire_len if times else 0, len(p.data)), p.time_ns if times else 0, f"rule={rule}") for p, rule in frames]
        if not ordered:
            got, due = sorted(got, key=lambda p: p[3] or ""), sorted(due, key=lambda p: p[3])
        compare(f"{sink} from {source}", got, due)


def compare(what, got, due):
    """Two lists of packets, with a readable first difference."""
    for i, (mine, theirs) in enumerate(zip(got, due)):
        if mine != theirs:
            raise AssertionError(f"{what}: packet {i + 1}:\n  got      {show(mine)}\n  expected {show(theirs)}")
    assert len(got) == len(due), f"{what}: {len(got)} packets, expected {len(due)}"


def show(item):
    """Bytes as hex."""
    if isinstance(item, tuple):
        return tuple(show(part) for part in item)
    return item.hex() if isinstance(item, bytes) else item


def tcpdump(path, expression, folder):
    """The packets of a capture that a pcap filter keeps, as written (-O)."""
    out, rules = os.path.join(folder, "tcpdump.pcap"), write(folder, "tcpdump.filter", expression)
    done = subprocess.run(["tcpdump", "-O", "-r", path, "-w", out, "-F", rules, "--time-stamp-precision=nano"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + expression
    return oracle.read_capture(out)[1]


RULES = os.path.join(ROOT, "test", "vdev", "rules")


def rule_files():
    """Names of the rule file templates."""
    return sorted(name[:-len(".yaml")] for name in os.listdir(RULES) if name.endswith(".yaml"))


def fill(template, folder, sources):
    """A template of test/vdev/rules with its sources and its output folder put in."""
    with open(os.path.join(RULES, template + ".yaml"), encoding="utf-8") as file:
        text = file.read()
    return text.replace("SOURCES", "\n" + "".join(f"  - {source}\n" for source in sources)).replace("DIR/", folder + "/")


def replays(paths, mbufs=512):
    """`sources` entries s0, s1, ... that replay files, on lines A, B, A, ..."""
    return {f"s{i}": f"{{name: s{i}, replay: {{path: {json.dumps(path)}}}, line: {'AB'[i % 2]}, mbufs: {mbufs}}}"
            for i, path in enumerate(paths)}


def yaml_of(path):
    """The tree of a YAML file; values are texts."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.BaseLoader)


def write(folder, name, text):
    """A file in the test's folder; its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _signals(process, field):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{field}:\s*([0-9a-f]+)$", file.read(), re.M).group(1), 16)


def wait_signal(process, sent, caught=True):
    """Wait until a program handles a signal; not @p caught: until it has taken the one that was sent to it."""
    deadline = time.monotonic() + TIMEOUT_S
    while (_signals(process, "SigCgt" if caught else "ShdPnd") >> (sent - 1) & 1) != caught and process.poll() is None:
        assert time.monotonic() < deadline, f"signal {sent}: not {'caught' if caught else 'taken'} within {TIMEOUT_S} s"
        time.sleep(0.01)


def stop(process, sent=signal.SIGTERM):
    """Signal a program that this test started."""
    if process.poll() is None:
        process.send_signal(sent)


def _tests(module):
    found = {}
    for name, value in vars(module).items():
        if name.startswith("test_") and callable(value):
            cases = getattr(value, "cases", None)
            label = name[len("test_"):]
            if cases is None:
                found[label] = (value, ())
            else:
                found.update({f"{label}[{','.join(map(str, case))}]": (value, case) for case in cases})
    return found


def each(*cases):
    """Decorator: run the test once with each of these arguments."""
    def mark(function):
        function.cases = [case if isinstance(case, tuple) else (case,) for case in cases]
        return function
    return mark


def once(function):
    """Decorator: what is tested is the same in every build, so that the one with sanitizers is enough."""
    function.once = True
    return function


def main(once_all=False):
    """What a test file ends with. @p once_all: all of its tests are once."""
    tests = _tests(sys.modules["__main__"])
    if sys.argv[1:] == ["--list"]:
        print("\n".join(tests))
        return
    if sys.argv[1:] == ["--list-twice"]:
        print("\n".join(name for name, (function, _) in tests.items() if not (once_all or hasattr(function, "once"))))
        return
    failed = 0
    for name in sys.argv[1:] or tests:
        begun = time.monotonic()
        code = _run_one(name, *tests[name])
        if len(sys.argv) == 2:
            sys.exit(code)
        print({0: "PASS", 77: "SKIP"}.get(code, "FAIL"), name, f"{time.monotonic() - begun:.1f}", flush=True)
        failed += code not in (0, 77)
    sys.exit(1 if failed else 0)


def _run_one(name, function, arguments):
    folder = tempfile.mkdtemp(prefix="feedgate-test-")
    try:
        function(folder, *arguments)
        return 0
    except Skip as reason:
        print(f"{reason}", flush=True)
        return 77
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc(file=sys.stdout)
        print(f"in {name}", flush=True)
        return 1
    finally:
        if os.environ.get("FG_KEEP") is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept {folder}")
