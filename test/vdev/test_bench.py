#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""feedgate-bench classify: what it says, and what it refuses. Never how fast anything is."""
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # pylint: disable=wrong-import-position

MEMBERS = {"bench": str, "case": str, "subject": str, "metric": str, "value": (int, float), "min": (int, float),
           "max": (int, float), "unit": str, "repeats": int}
OWN = {"ns_per_packet", "touch_ns_per_packet", "touch_ratio", "build_ms", "table_bytes", "build_peak_bytes"}
QUICK = ["--repeats", "2", "--pass-ms", "0", "--packets", "1000"]


def bench(*options, quick=True):
    """Run it; the Result."""
    return lib.finish(lib.start([lib.binary("feedgate-bench"), "classify", *(QUICK if quick else []), *options]))


def measure(*options):
    """{case: {subject: {metric: line}}}; every answer was right, or it would have failed."""
    result = bench("--json", *options)
    assert result.code == 0, str(result)
    found = {}
    for text in result.out.splitlines():
        line = json.loads(text)
        assert set(line) == set(MEMBERS), text
        assert all(isinstance(line[name], kind) for name, kind in MEMBERS.items()), text
        assert line["bench"] == "classify" and 0 < line["min"] <= line["value"] <= line["max"], text
        metrics = found.setdefault(line["case"], {}).setdefault(line["subject"], {})
        assert line["metric"] not in metrics, text
        metrics[line["metric"]] = line
    return found


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
def test_channels(_folder, channels):
    subjects = measure("--channels", str(channels))[f"channels-{channels}"]
    assert {"touch", "feedgate", "rte_acl", "rte_hash"} <= set(subjects), str(set(subjects))
    assert set(subjects["touch"]) == {"ns_per_packet"}, str(subjects["touch"])
    assert set(subjects["feedgate"]) == OWN | {"lookup_ns_per_packet"}, str(subjects["feedgate"])
    for name, metrics in subjects.items():
        if name not in ("touch", "feedgate"):
            assert set(metrics) == (OWN | {"lookup_ns_per_packet"}) - {"touch_ns_per_packet"}, f"{name}: {metrics}"
        assert metrics["ns_per_packet"]["repeats"] == 2, str(metrics)


@lib.each("", "--trace")
def test_rules(folder, option):
    rules, trace = classbench(folder)
    subjects = measure("--rules", rules, *([option, trace] if option else []))["mixed"]
    assert {"touch", "feedgate", "rte_acl"} <= set(subjects) and "rte_hash" not in subjects, str(set(subjects))
    assert set(subjects["feedgate"]) == OWN, str(subjects["feedgate"])


def test_engine_and_subject(_folder):
    found = measure("--channels", "20", "--engine", "linear", "--subject", "feedgate")["channels-20"]
    assert set(found) == {"feedgate"} and "touch_ratio" not in found["feedgate"], str(found)


def test_data(_folder):
    folder = os.path.join(os.environ.get("FG_TEST_DATA", ""), "rulesets")
    if not os.environ.get("FG_TEST_DATA") or not os.path.isdir(folder):
        raise lib.Skip("FG_TEST_DATA is unset or has no rulesets")
    for name in ("acl_1k", "fw_1k", "ipc_1k"):
        rules = os.path.join(folder, name)
        assert "rte_acl" in measure("--rules", rules, "--trace", rules + "_trace")[name]


def test_table(_folder):
    result = bench("--channels", "16", "--repeats=1")
    lines = result.out.splitlines()
    assert result.code == 0 and lines[0].split()[:4] == ["bench", "case", "subject", "metric"], str(result)
    assert any(line.split()[:4] == ["classify", "channels-16", "rte_acl", "ns_per_packet"] for line in lines), str(result)


@lib.each(("--channels", "5", "--rules", "x"), ("--trace", "x"), ("--rules", "/nonexistent"), ("--rules", "/dev/null"),
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
    time.sleep(2)
    lib.stop(process, signal.SIGINT)
    result = lib.finish(process)
    assert result.code == 1 and "interrupted" in result.err and result.out == "", str(result)


if __name__ == "__main__":
    lib.main()
