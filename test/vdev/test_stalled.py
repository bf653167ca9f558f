#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A sink that stalls takes no packets from the others; a replay waits for one that is slow. Settings that cannot hold are refused or warned of.

On kernel interfaces: test/netns/test_stalled.py.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

SECONDS = 60 if lib.LONG else 3
TEXT = """sources:
  - {name: s0, SOURCE}
sinks:
  - {name: stuck, pcapng: {path: FOLDER/stuck, wait_ms: 500}}
  - {name: seen, count: {}}
default: {to: [stuck, seen]}
"""


def config(folder, source):
    """The configuration."""
    return TEXT.replace("SOURCE", source).replace("FOLDER", folder)


def capture(folder, count):
    """A capture of so many packets."""
    path = os.path.join(folder, "in.pcap")
    frames = [shapes.datagram("239.1.1.1", 20000 + i) for i in range(100)]
    oracle.write_pcap(path, frames * (count // len(frames)))
    return path


@lib.each(("replay", 0), ("replay", 1), ("even", 1), ("net_null", 0), ("net_null", 1))
def test_stalled_pipe(folder, kind, workers):
    """The other sink gets every packet, and more all the time, while nobody reads the pipe."""
    pipe = lib.Pipe(os.path.join(folder, "stuck"))
    replay = f"replay: {{path: {capture(folder, 1000)}, loops: 0, rate: {'max' if kind == 'replay' else 50000}}}"
    text = config(folder, "ethdev: net_null0" if kind == "net_null" else replay)
    process = lib.start(lib.command(lib.write(folder, "rules.yaml", text), os.path.join(folder, "summary.json"), workers=workers,
                                    vdevs=["net_null0"] if kind == "net_null" else [], args=["-i", "-a"]), stdin=-1)
    lib.wait_for_prompt(process)
    deadline, counts = time.monotonic() + SECONDS, []
    while time.monotonic() < deadline:
        time.sleep(1)
        counts.append(lib.ask_received(process))
    process.stdin.write("show sinks\nshow source s0\n")
    pipe.read()
    process.stdin.write("quit\n")
    process.stdin.flush()
    result = lib.finish(process, os.path.join(folder, "summary.json"))
    lib.check_done(result)
    sinks, received = result.summary["sinks"], result.summary["received"]
    print(f"{kind}: {received} received, sinks {sinks}")
    # A busy machine may stop an lcore for a while.
    assert len(set(counts)) > len(counts) / 2, f"the other sink stood still: {counts}\n{result}"
    assert sinks["seen"]["packets"] == received and sinks["seen"]["dropped"] == 0, sinks
    assert sinks["stuck"]["full"] > 0 and sinks["stuck"]["failed"] == 0, sinks
    assert sinks["stuck"]["packets"] + sinks["stuck"]["dropped"] == received, sinks
    assert re.search(r"^ +full [1-9][\d,]*, failed 0, held now [\d,]+ of [\d,]+$", result.out, re.M), result.out
    assert "sink stuck: stalled" in result.err, result.err
    assert result.summary["sources"]["s0"]["lost_counted"] == 0, result.summary["sources"]


@lib.each(0, 1)
def test_replay_waits(folder, workers):
    """Whoever reads the pipe slowly, but reads it, gets every packet of a replay."""
    pipe = lib.Pipe(os.path.join(folder, "stuck"))
    path = capture(folder, 40000)
    pipe.read(per_read_s=0.005)
    result = lib.run(folder, config(folder, f"replay: {path}, mbufs: 4096").replace(", wait_ms: 500", ""), workers=workers)
    lib.check_done(result)
    for sink in result.summary["sinks"].values():
        assert sink["packets"] == 40000 and sink["dropped"] == 0, result.summary["sinks"]


def test_settings(folder):
    """What cannot hold is refused, or warned of."""
    def run(text):
        return lib.run(folder, text, vdevs=["net_null0"], args=["--exit-when-done"]) if "net_null" not in text else lib.run_until(
            folder, text, 100, vdevs=["net_null0"])
    source = "ethdev: net_null0"
    text = config(folder, source + ", mbufs: 1100").replace("FOLDER/stuck", "out")
    path = lib.write(folder, "rules.yaml", text)
    result = lib.finish(lib.start(lib.command(path, None, vdevs=["net_null0"])))
    assert result.code == 2, str(result)
    assert re.search(r"feedgate: sink stuck: may hold 3 mbufs.* source s0 .*raise mbufs", result.err), result.err
    result = run(config(folder, source).replace("wait_ms: 500", "slots: 65536").replace("/stuck,", "/a.pcapng,"))
    assert "sink stuck: slots: 65536 is more than it may hold" in result.err, result.err
    four = "".join(f"  - {{name: p{i}, pcapng: {folder}/{i}.pcapng}}\n" for i in range(3))
    result = run(config(folder, source).replace("/stuck,", "/a.pcapng,").replace("sinks:\n", "sinks:\n" + four))
    assert "sink_budget: 25: if all 4 sinks" in result.err, result.err
    feeds = "feeds: [{name: f, protocol: itch50, arbitrate: true, reorder: hold, hold_packets: 65536}]\n"
    result = run(config(folder, source).replace("/stuck,", "/a.pcapng,") + feeds)
    assert "hold_packets: 65536 in all feeds" in result.err, result.err
    result = run(config(folder, source).replace("/stuck,", "/a.pcapng,"))
    assert "sink" not in result.err, result.err


if __name__ == "__main__":
    lib.main()
