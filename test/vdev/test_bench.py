#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""feedgate-bench: what the benchmarks print, and which options they refuse. Never how fast anything is."""
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # pylint: disable=wrong-import-position

MEMBERS = {"bench": str, "case": str, "subject": str, "metric": str, "value": (int, float), "min": (int, float),
           "max": (int, float), "unit": str, "repeats": int}
OWN = {"ns_per_packet", "touch_ns_per_packet", "touch_ratio", "build_ms", "table_bytes", "build_peak_bytes"}
BACKENDS = {"libpcap", "recvmmsg", "recvmmsg-cmsg", "feedgate:packet_mmap", "feedgate:packet_mmap-copy", "feedgate:packet_mmap-reference",
         "feedgate:io_uring", "feedgate:io_uring-sqpoll", "feedgate:pf_ring", "feedgate:af_xdp",
         "feedgate:ethdev-net_af_packet", "feedgate:ethdev-net_pcap", "feedgate:ethdev-net_af_xdp"}
# Every kernel that can make namespaces has these.
ALWAYS = {name for name in BACKENDS if not re.search("io_uring|pf_ring|xdp", name)}
DRAIN = {"drain_ns_per_packet"}
LATENCY = {"latency_ns_p50", "latency_ns_p99", "latency_ns_p999"}
LIVE = LATENCY | {"lossless_packets_per_s", "offered_packets_per_s", "cpu_ns_per_packet"}
QUICK_CAPTURE = ["--repeats", "1", "--packets", "1000", "--run-ms", "20", "--latency-pps", "5000"]
QUICK_FEED = ["--repeats", "2", "--pass-ms", "0", "--packets", "1000", "--dram-packets", "1000", "--memory", "4k"]
QUICK_PIPELINE = ["--repeats", "1", "--run-ms", "50", "--memory", "4k"]
PROTOCOLS = {"moldudp64", "itch50", "cme_mdp3", "iex_tp", "nyse_pillar", "cboe_pitch", "eurex_eobi", "opra", "cta", "ice_impact",
             "miax_mach", "memx_memoir", "b3_umdf", "deribit"}
# Their plain loops.
PEERS = {"itch50": {"naive", "naive:walk"}, "cme_mdp3": {"naive"}, "opra": {"naive:walk"}}
PIPELINE = {"feedgate", "feedgate:one-lcore", "feedgate:rx", "feedgate:deliver", "feedgate:arbitrate", "feedgate:filter"}
QUICK = ["--repeats", "2", "--pass-ms", "0", "--packets", "1000"]


def bench(*options, name="classify", quick=True, **start):
    """Run it; the Result."""
    quickly = {"classify": QUICK, "capture": QUICK_CAPTURE, "feed": QUICK_FEED, "pipeline": QUICK_PIPELINE}[name] if quick else []
    return lib.finish(lib.start([lib.binary("feedgate-bench"), name, *quickly, *options], **start))


def parse(name, result):
    """{case: {subject: {metric: line}}}"""
    assert result.code == 0, str(result)
    found = {}
    for text in result.out.splitlines():
        line = json.loads(text)
        assert set(line) == set(MEMBERS), text
        assert all(isinstance(line[name], kind) for name, kind in MEMBERS.items()), text
        assert line["bench"] == name and line["min"] <= line["value"] <= line["max"], text
        # A packet that is found to be a duplicate saves the message filter.
        assert line["min"] >= 0 or line["metric"] == "arbitration_added_ns", text
        assert line["min"] != 0 or line["metric"] == "lossless_packets_per_s" or name == "pipeline", text
        metrics = found.setdefault(line["case"], {}).setdefault(line["subject"], {})
        assert line["metric"] not in metrics, text
        metrics[line["metric"]] = line
    return found


def measure(*options):
    """The JSON results of classify. It fails if a lookup finds a wrong rule."""
    return parse("classify", bench("--json", *options))


def classbench(folder):
    """A small rule set with prefixes, ranges and wild fields, and its trace."""
    chance = random.Random(3)
    rules, trace = [], []
    for _ in range(200):
        numbers = [chance.randrange(1 << 32) for _ in range(2)]
        lengths = [chance.choice([0, 8, 16, 24, 27, 32]) for _ in range(2)]
        low = chance.choice([0, 53, 1024, 8000])
        ports = [(0, 65535), (low, low + chance.randrange(1000))]
        chance.shuffle(ports)
        protocol = chance.choice(["0x06/0xFF", "0x11/0xFF", "0x00/0x00"])
        prefixes = [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}/{length}" for n, length in zip(numbers, lengths)]
        rules.append(f"@{prefixes[0]}\t{prefixes[1]}\t" + "\t".join(f"{a} : {b}" for a, b in ports) + f"\t{protocol}\t0/0\n")
        trace.append("\t".join(map(str, [*numbers, ports[0][0], ports[1][1], chance.choice([6, 17, 1]), 0, 0])) + "\n")
    return lib.write(folder, "mixed", "".join(rules)), lib.write(folder, "mixed_trace", "".join(trace))


@lib.each(1, 300)
def test_groups(_folder, groups):
    subjects = measure("--groups", str(groups))[f"groups-{groups}"]
    assert {"touch", "feedgate", "rte_acl", "rte_hash"} <= set(subjects), str(set(subjects))
    assert set(subjects["touch"]) == {"ns_per_packet"}, str(subjects["touch"])
    assert set(subjects["feedgate"]) == OWN | {"lookup_ns_per_packet"}, str(subjects["feedgate"])
    for name, metrics in subjects.items():
        if name not in ("touch", "feedgate"):
            assert set(metrics) == (OWN | {"lookup_ns_per_packet"}) - {"touch_ns_per_packet"}, f"{name}: {metrics}"
        assert metrics["ns_per_packet"]["repeats"] == 2, str(metrics)


def pipeline(*options):
    """Its results, and subjects that this build cannot have."""
    result = bench("--json", *options, name="pipeline")
    left_out = set(re.findall(r"^feedgate-bench: (\S+) is left out: .+$", result.err, re.M))
    return parse("pipeline", result)["96x2-itch50-4k"], left_out


def test_pipeline(_folder):
    """The benchmark fails if a stage does not do its work. The time of a stage may be lost in noise."""
    found, left_out = pipeline()
    assert set(found) | left_out == PIPELINE | {"feedgate:two-rx"} and not set(found) & left_out, f"{found} {left_out}"
    for name in {"feedgate", "feedgate:one-lcore", "feedgate:two-rx"} - left_out:
        assert set(found[name]) == {"packets_per_s", "messages_per_s"}, str(found)
        ratio = found[name]["messages_per_s"]["value"] / found[name]["packets_per_s"]["value"]
        assert 7 < ratio < 9, str(found)


def test_pipeline_subject(_folder):
    assert set(pipeline("--subject", "feedgate:deliver")[0]) == {"feedgate:deliver"}
    assert bench("--subject", "nobody", name="pipeline").code == 1


def test_pipeline_before(_folder):
    """A program beside itself: everything is measured in both."""
    found, _ = pipeline("--before", lib.binary("feedgate-bench"))
    for name in ("feedgate", "feedgate:one-lcore", "feedgate:rx"):
        assert set(found[name + ":before"]) == {metric for metric in found[name] if not metric.endswith("_to_before")}, str(found)
    values = [found[name]["packets_per_s"]["value"] for name in ("feedgate", "feedgate:before")]
    assert abs(found["feedgate"]["packets_per_s_to_before"]["value"] - values[0] / values[1]) < 0.001, str(found)


@lib.each("", "--trace")
def test_rules(folder, option):
    rules, trace = classbench(folder)
    subjects = measure("--rules", rules, *([option, trace] if option else []))["mixed"]
    assert {"touch", "feedgate", "rte_acl"} <= set(subjects) and "rte_hash" not in subjects, str(set(subjects))
    assert set(subjects["feedgate"]) == OWN, str(subjects["feedgate"])


def test_engine_and_subject(_folder):
    found = measure("--groups", "20", "--engine", "linear", "--subject", "feedgate")["groups-20"]
    assert set(found) == {"feedgate"} and "touch_ratio" not in found["feedgate"], str(found)


def test_data(_folder):
    folder = os.path.join(os.environ.get("FG_TEST_DATA", ""), "rulesets")
    if not os.environ.get("FG_TEST_DATA") or not os.path.isdir(folder):
        raise lib.Skip("FG_TEST_DATA is unset or has no rulesets")
    for name in ("acl_1k", "fw_1k", "ipc_1k"):
        rules = os.path.join(folder, name)
        assert "rte_acl" in measure("--rules", rules, "--trace", rules + "_trace")[name]


def test_table(_folder):
    result = bench("--groups", "16", "--repeats=1")
    lines = result.out.splitlines()
    assert result.code == 0 and lines[0].split()[:4] == ["bench", "case", "subject", "metric"], str(result)
    assert any(line.split()[:4] == ["classify", "groups-16", "rte_acl", "ns_per_packet"] for line in lines), str(result)


@lib.each(("--groups", "5", "--rules", "x"), ("--trace", "x"), ("--rules", "/nonexistent"), ("--rules", "/dev/null"),
          ("--subject", "nobody"), ("--engine", "none"))
def test_refused(_folder, *options):
    result = bench(*options)
    assert result.code in (1, 2) and result.out == "", str(result)
    assert len(result.err.splitlines()) == 1 and result.err.startswith("feedgate-bench: "), str(result)


def test_bad_file(folder):
    rules, trace = classbench(folder)
    bad = lib.write(folder, "bad", "nonsense\n")
    for options in (["--rules", bad], ["--rules", rules, "--trace", bad]):
        result = bench(*options)
        assert result.code == 1 and "bad:1" in result.err, str(result)
    assert os.path.exists(trace)


def test_interrupted(_folder):
    process = lib.start([lib.binary("feedgate-bench"), "classify", "--repeats", "1000"])
    lib.wait_signal(process, signal.SIGINT)
    lib.stop(process, signal.SIGINT)
    result = lib.finish(process)
    assert result.code == 1 and "interrupted" in result.err and result.out == "", str(result)


def need_namespaces():
    if os.geteuid() != 0:
        raise lib.Skip("needs root for network namespaces")
    if shutil.which("ip") is None:
        raise lib.Skip("ip is not installed")
    if bench("--only", "recvmmsg", "--cases", "none", "--live-cases", "none", name="capture").code != 0:
        raise lib.Skip("network namespaces are not allowed here")


def test_capture(_folder):
    """Every backend is measured or reported as left out. The benchmark fails if accounting or matches are wrong."""
    need_namespaces()
    result = bench("--json", "--cases", "64B,1500B-filter", "--live-cases", "128B-filter", name="capture")
    found = parse("capture", result)
    left_out = set(re.findall(r"^feedgate-bench: (\S+) is left out: .+$", result.err, re.M))
    assert set(found) == {"64B", "1500B-filter", "128B-filter"}, str(set(found))
    for case, subjects in found.items():
        assert set(subjects) == BACKENDS - left_out and ALWAYS <= set(subjects), f"{case}: {set(subjects)}\n{result.err}"
        for name, metrics in subjects.items():
            expected = LIVE if case == "128B-filter" else DRAIN
            own = {metric for metric in metrics if not metric.startswith("kernel_")}
            assert own == expected, f"{name} {case}: {set(metrics)}"
            assert set(metrics) - own in (set(), {"kernel_" + metric for metric in LATENCY}), f"{name}: {set(metrics)}"
    for name in ("libpcap", "feedgate:packet_mmap"):
        metrics = found["128B-filter"][name]
        assert metrics["kernel_latency_ns_p50"]["value"] <= metrics["latency_ns_p999"]["value"], str(metrics)


def test_capture_only(_folder):
    need_namespaces()
    found = parse("capture", bench("--json", "--only", "^(libpcap|recv.*)$", "--repeats", "3", "--cases", "512B", "--live-cases",
                                   "none", name="capture"))
    assert set(found) == {"512B"} and set(found["512B"]) == {"libpcap", "recvmmsg", "recvmmsg-cmsg"}, str(found)
    assert all(metrics["drain_ns_per_packet"]["repeats"] == 3 for metrics in found["512B"].values()), str(found)


def test_capture_small_ring(_folder):
    """A ring that is smaller than requested is filled several times."""
    need_namespaces()
    result = bench("--only", "net_pcap", "--packets", "6000", "--cases", "1500B", "--live-cases", "none", name="capture")
    lines = result.out.splitlines()
    assert result.code == 0 and lines[1].split()[:4] == ["capture", "1500B", "feedgate:ethdev-net_pcap", "drain_ns_per_packet"], str(result)


@lib.each(("--only", "nobody"), ("--only", "("), ("--cases", "77B"), ("--live-cases", "64B,x"), ("--packets", "0"),
          ("--run-ms", "fast"), ("--seconds", "1"), ("64B",))
def test_capture_refused(_folder, *options):
    result = bench(*options, name="capture")
    assert result.code in (1, 2) and result.out == "", str(result)
    assert len(result.err.splitlines()) == 1 and result.err.startswith("feedgate-bench: "), str(result)


def test_capture_without_root(folder):
    if os.geteuid() != 0:
        raise lib.Skip("needs root to become somebody else")
    os.chmod(folder, 0o755)
    program = shutil.copy(lib.binary("feedgate-bench"), folder)
    result = lib.finish(lib.start([program, "capture"], user=65534, group=65534, extra_groups=[], cwd="/"))
    assert result.code == 1 and result.out == "" and "root" in result.err, str(result)


def session_of(pid):
    """Session of a process; 0 if it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def in_session(process):
    """Processes of the session that a process leads."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if session_of(pid) == process.pid]


def wait_in_session(process, holds):
    """Those in its session, when holds() is true of them, or after a time limit."""
    deadline = time.monotonic() + 20
    while not holds(found := in_session(process)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_capture_interrupted(_folder):
    """No process is left, so no namespace and no interface either."""
    need_namespaces()
    process = lib.start([lib.binary("feedgate-bench"), "capture", "--repeats", "1000"], start_new_session=True)
    lib.wait_signal(process, signal.SIGINT)
    helpers = wait_in_session(process, lambda found: len(found) > 2)
    lib.stop(process, signal.SIGINT)
    result = lib.finish(process)
    assert len(helpers) > 2, f"it measured nothing: {helpers}\n{result}"
    assert result.code == 1 and "interrupted" in result.err and result.out == "", str(result)
    left = wait_in_session(process, lambda found: not found)
    assert not left, f"processes left: {left}"


def feed(*options):
    """{case without the memory: subjects}"""
    found = parse("feed", bench("--json", *options, name="feed"))
    assert all(case.endswith("-4k") for case in found), str(set(found))
    return {case[:-len("-4k")]: subjects for case, subjects in found.items()}


def check_feed(case, subjects):
    """A case of one protocol."""
    peers = PEERS.get(case.rsplit("-", 1)[0], set())
    assert set(subjects) == {"touch", "feedgate", "feedgate:arbitrate"} | peers, f"{case}: {set(subjects)}"
    rates = {"messages_per_s"} | ({"entries_per_s"} if case.startswith("cme_mdp3") else set())
    for name, metrics in subjects.items():
        own = {"ns_per_packet"} if name == "touch" else {"ns_per_packet"} | rates
        own |= {"arbitration_added_ns"} if name == "feedgate:arbitrate" else set()
        assert set(metrics) == own, f"{case} {name}: {set(metrics)}"


def test_feed(_folder):
    """Every protocol. The benchmark fails if a subject does not match the messages that the generator meant to."""
    found = feed("--case", "*-l2")
    assert set(found) == {name + "-l2" for name in PROTOCOLS}, str(set(found))
    for case, subjects in found.items():
        check_feed(case, subjects)


@lib.each("itch50-l3", "itch50-dram")
def test_feed_case(_folder, case):
    found = feed("--case", case)
    assert set(found) == {case}, str(set(found))
    check_feed(case, found[case])


def test_feed_lines(_folder):
    found = feed("--case", "lines-*")
    assert set(found) == {"lines-96x1", "lines-96x2"}, str(set(found))
    assert all("arbitration_added_ns" in subjects["feedgate:arbitrate"] for subjects in found.values()), str(found)


def test_feed_many(_folder):
    """Its peer is the same with few instruments. Numbers of two bytes cannot name a million."""
    found = feed("--case", "eurex_eobi-1000000")
    assert set(found["eurex_eobi-1000000"]) == {"touch", "feedgate", "feedgate:64"}, str(found)
    assert bench("--case", "itch50-1000000", name="feed").code == 1


def test_feed_only(_folder):
    found = feed("--case", "cme_mdp3-l3", "--subject", "naive")
    assert set(found) == {"cme_mdp3-l3"} and set(found["cme_mdp3-l3"]) == {"naive"}, str(found)
    table = bench("--case", "itch50-l3", name="feed").out.splitlines()
    assert any(line.split()[:4] == ["feed", "itch50-l3-4k", "feedgate", "messages_per_s"] for line in table), str(table)


def test_feed_before(folder):
    """A program beside itself; and one that is no benchmark."""
    found = feed("--case", "itch50-l2", "--before", lib.binary("feedgate-bench"))["itch50-l2"]
    assert {"feedgate", "feedgate:before", "feedgate:arbitrate:before", "naive"} <= set(found), str(set(found))
    assert "naive:before" not in found and "ns_per_packet_to_before" in found["feedgate"], str(found)
    assert found["feedgate"]["ns_per_packet"]["repeats"] == 2, str(found)
    other = lib.write(folder, "other", "#!/bin/sh\necho nonsense\n")
    os.chmod(other, 0o755)
    for path in (other, "/nonexistent"):
        result = bench("--json", "--case", "itch50-l2", "--before", path, name="feed")
        assert result.code == 1 and f"feedgate-bench: {path}: " in result.err, str(result)


@lib.each(("--case", "none"), ("--subject", "nobody"), ("--packets", "1"), ("--dram-packets", "x"), ("--memory", "2k"), ("itch50-l3",))
def test_feed_refused(_folder, *options):
    result = bench(*options, name="feed")
    assert result.code in (1, 2) and result.out == "", str(result)
    assert len(result.err.splitlines()) == 1 and result.err.startswith("feedgate-bench: "), str(result)


def read_lines(process, count):
    """The first lines of its standard output, as objects."""
    return [json.loads(process.stdout.readline()) for _ in range(count)]


@lib.each(signal.SIGINT, signal.SIGTERM)
def test_interrupted_later(_folder, number):
    """The first case's results are printed when it is done; after a signal those of the second one's complete repeats follow."""
    process = lib.start([lib.binary("feedgate-bench"), "feed", "--json", "--repeats", "1000", "--pass-ms", "0", "--packets", "128",
                         "--dram-packets", "100000", "--case", "itch50-*", "--subject", "feedgate*", "--memory", "4k", "--quiet"])
    first = read_lines(process, 5)
    assert process.poll() is None and {line["case"] for line in first} == {"itch50-l2-4k"}, str(first)
    assert all(line["repeats"] == 1000 for line in first), str(first)
    read_lines(process, 5)
    lib.stop(process, number)
    result = lib.finish(process)
    assert result.code == 1 and len(result.err.splitlines()) == 1 and "interrupted" in result.err, str(result)
    rest = [json.loads(line) for line in result.out.splitlines()]
    assert {line["case"] for line in rest} <= {"itch50-dram-4k"} and all(0 < line["repeats"] < 1000 for line in rest), str(result)


def children(pid):
    """Its child processes."""
    path = f"/proc/{pid}/task/{pid}/children"
    if not os.path.exists(path):
        raise lib.Skip("the kernel does not list child processes")
    with open(path, encoding="ascii") as file:
        return file.read().split()


def test_capture_interrupted_later(_folder):
    """A backend that was measured before the signal is in the results."""
    need_namespaces()
    process = lib.start([lib.binary("feedgate-bench"), "capture", "--json", "--repeats", "1000", "--only", "^(libpcap|recvmmsg)$",
                         "--packets", "64", "--cases", "64B", "--live-cases", "none"])
    lib.wait_signal(process, signal.SIGINT)
    seen, deadline = set(), time.monotonic() + lib.TIMEOUT_S / 2
    while len(seen) < 4 and time.monotonic() < deadline:  # net_check()'s, and one for each measurement
        seen.update(children(process.pid))
        time.sleep(0.01)
    lib.stop(process, signal.SIGINT)
    result = lib.finish(process)
    assert result.code == 1 and "interrupted" in result.err, str(result)
    found = [json.loads(line) for line in result.out.splitlines()]
    assert found and all(line["case"] == "64B" and line["metric"] == "drain_ns_per_packet" for line in found), str(result)


def on_terminal(*options):
    """Run feed with its standard error on a terminal; standard output, and what the terminal got."""
    near, far = pty.openpty()
    process = subprocess.Popen([lib.binary("feedgate-bench"), "feed", *QUICK_FEED, "--case", "itch50-l3", "--json", *options],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=far, text=True)
    os.close(far)
    shown = b""
    while True:
        try:
            shown += os.read(near, 4096)
        except OSError:  # the terminal was closed
            break
    os.close(near)
    out = process.stdout.read()
    assert process.wait() == 0, f"{out}\n{shown}"
    return out, shown.decode()


@lib.each((), ("--json",))
def test_full_output(_folder, *options):
    """Results that cannot be written are an error with its reason."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [lib.binary("feedgate-bench"), "feed", *QUICK_FEED, "--case", "itch50-l3", "--subject", "touch", "--quiet", *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
    assert done.returncode == 1 and "No space left on device" in done.stderr, f"{done.returncode} {done.stderr!r}"
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("feedgate-bench: "), done.stderr


def test_progress(_folder):
    """Progress is one line on standard error, which is removed at the end; standard output has results only."""
    out, shown = on_terminal()
    assert all(json.loads(line)["case"] == "itch50-l3-4k" for line in out.splitlines()), out
    assert re.search(r"\rfeed: itch50-l3-4k \S+: \d+ % done", shown) and "\n" not in shown, repr(shown)
    assert shown.endswith("\r\x1b[K"), repr(shown)
    assert on_terminal("--quiet")[1] == ""


if __name__ == "__main__":
    lib.main(once_all=True)
