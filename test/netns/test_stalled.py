#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One sink stalls (a pipe that nobody reads): it alone drops, on every kind of source. All others get every packet.

Expected: what the sender has sent. FG_LONG=1: a minute at the sender's full speed, where the kernel may drop packets.
"""
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
from netlib import KINDS, Gate, Net, check_sources, counted, lost, sent  # noqa: E402

SECONDS = 60 if lib.LONG else 3
RATE = [] if lib.LONG else ["-r", 10000]
TEXT = """sources:
  - SOURCE
sinks:
  - {name: stuck, pcapng: FOLDER/stuck}
  - {name: seen, count: {}}
default: {to: [stuck, seen]}
"""


def rows(gate):
    """`show sinks`: {name: {packets, dropped}}."""
    found = re.findall(r"^(\w+) +(?:count|pcapng) +([\d,]+) +[\d,]+ +([\d,]+)$", gate.ask("show sinks"), re.M)
    return {name: {"packets": int(packets.replace(",", "")), "dropped": int(dropped.replace(",", ""))}
            for name, packets, dropped in found}


@lib.each(("packet_mmap", 100), ("packet_mmap", 1000), ("io_uring", 100), ("io_uring", 1000), ("af_xdp", 100), ("af_xdp", 1000),
          ("net_af_packet", 1000))
def test_stalled_pipe(folder, name, size):
    """The pipe is full all the time. Short packets are copied by packet_mmap, long ones lie in the kernel's ring."""
    kind = KINDS[name]
    kind.check()
    pipe = lib.Pipe(os.path.join(folder, "stuck"))
    with Net() as net:
        text = TEXT.replace("SOURCE", kind.entry(0)).replace("FOLDER", folder)
        with Gate(net, folder, text, vdevs=kind.vdevs((0,))) as gate:
            sender = net.sender(0, "-t", SECONDS, "-s", size, *RATE)
            counts = []
            while sender.poll() is None:
                time.sleep(0.5)
                counts.append(rows(gate)["seen"]["packets"])
            total = sent(sender)["sent"]
            gate.settle(net, kind, 0)
            shown = gate.ask("show sinks") + gate.ask("show source s0")
            pipe.read()
            result = gate.quit()
    check(kind, result, total, counts, shown)


@lib.each("packet_mmap", "io_uring", "af_xdp")
def test_left_at_the_end(folder, name):
    """feedgate ends with packets in the socket or ring that nobody has read: they are counted."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        with Gate(net, folder, counted([kind.entry(0)]), vdevs=kind.vdevs((0,))) as gate:
            gate.process.send_signal(signal.SIGSTOP)
            total = sent(net.sender(0, "-n", 20000, "-r", 20000))["sent"]
            gate.process.stdin.write("quit\n")
            gate.process.stdin.flush()
            gate.process.send_signal(signal.SIGCONT)
            result = lib.finish(gate.process, gate.summary)
    lib.check_done(result)
    print(f"{name}: {total} sent, {result.summary['sources']}")
    check_sources(kind, result, s0=total)


def check(kind, result, total, counts, shown):
    """Nothing is missing but what the stalled sink dropped."""
    source, sinks = result.summary["sources"]["s0"], result.summary["sinks"]
    print(f"{kind.name}: {total} sent, source {source}, sinks {sinks}")
    # A busy machine may stop an lcore for a while.
    assert len(set(counts)) > len(counts) / 2, f"the other sink stood still: {counts}\n{shown}"
    assert sinks["seen"]["dropped"] == 0 and sinks["seen"]["packets"] == source["received"], f"{sinks}, {source}\n{shown}"
    assert sinks["stuck"]["full"] > 0 and sinks["stuck"]["failed"] == 0, sinks
    assert sinks["stuck"]["packets"] + sinks["stuck"]["dropped"] == source["received"], f"{sinks}, {source}"
    found = source["received"] + lost(kind, source)
    assert found == total or kind.blind and found <= total, f"{total} sent, {source}\n{shown}"
    if not lib.LONG:
        assert source["received"] == total, f"{total} sent, {source}\n{shown}"
    assert not re.search(r"(frozen|waits for mbufs|pool empty) +[1-9]", shown), shown


if __name__ == "__main__":
    lib.main()
