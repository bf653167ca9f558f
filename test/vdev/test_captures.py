#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of pcapng sinks as evidence: none is overwritten, losses are counted, writing goes on when it can."""
import ctypes
import glob
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402

CLONE_NEWNS = 0x20000


def mount_small(folder, size):
    """A tmpfs of that size, in a mount namespace that ends with this process."""
    if os.geteuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise lib.Skip("needs root for a small tmpfs")
    small = os.path.join(folder, "small")
    os.makedirs(small)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "feedgate-test", small], check=True)
    return small


def replay(folder, count=400, sinks="", to="disk"):
    """A configuration whose source has that many frames of 1,000 bytes."""
    oracle.write_pcap(os.path.join(folder, "in.pcap"), [bytes(1000)] * count)
    return f"sources:\n  - {{name: s0, replay: {folder}/in.pcap}}\nsinks:\n{sinks}default: {{to: {to}}}\n"


def packets_in(path):
    return len(oracle.read_capture(path)[1])


def statistics(path):
    """tshark's reading of the last interface statistics: received, dropped, accepted, delivered."""
    text = subprocess.run(["tshark", "-o", "gui.max_tree_items:100000000", "-X", "read_format:MIME Files Format", "-r", path, "-V"],
                          check=True, capture_output=True, text=True).stdout
    words = ("Received", "Dropped", "Accepted", "Packets Delivered")
    return [int(re.findall(rf"Option: Number of {word}.* = (\d+)", text)[-1]) for word in words]


def test_restarts(folder):
    """Three runs with one path: three files, each as it was written."""
    text = replay(folder, sinks=f"  - {{name: disk, pcapng: {folder}/out.pcapng}}\n")
    path = lib.write(folder, "rules.yaml", text)
    before = {}
    for run in range(3):
        result = lib.finish(lib.start(lib.command(path, None, args=["--exit-when-done"])))
        assert result.code == 0, str(result)
        files = glob.glob(f"{folder}/out*")
        due = {f"{folder}/{name}" for name in ("out.pcapng", "out.1.pcapng", "out.2.pcapng")[:run + 1]}
        assert set(files) == due, files
        for file, content in before.items():
            with open(file, "rb") as stream:
                assert stream.read() == content, file
        for file in files:
            with open(file, "rb") as stream:
                before[file] = stream.read()
            assert packets_in(file) == 400, file


def test_two_processes(folder):
    """Two feedgates at once with one path, and a third sink: nothing is lost or mixed."""
    sinks = f"  - {{name: disk, pcapng: {folder}/out.pcapng}}\n  - {{name: disk2, pcapng: {folder}/out.pcapng}}\n"
    path = lib.write(folder, "rules.yaml", replay(folder, sinks=sinks, to="[disk, disk2]"))
    runs = [lib.start(lib.command(path, None, args=["--exit-when-done"])) for _ in range(2)]
    for process in runs:
        result = lib.finish(process)
        assert result.code == 0, str(result)
    files = glob.glob(f"{folder}/out*")
    assert sorted(os.path.basename(file) for file in files) == ["out.1.pcapng", "out.2.pcapng", "out.3.pcapng", "out.pcapng"], files
    assert [packets_in(file) for file in files] == [400] * 4


@lib.each("one", "two", "other")
def test_disk_full(folder, kind):
    """A full disk. Packets that no sink could write are dropped as write_error; those that another sink has are delivered."""
    small = mount_small(folder, "64k")
    sinks = f"  - {{name: disk, pcapng: {small}/out.pcapng}}\n"
    if kind == "two":
        sinks += f"  - {{name: more, pcapng: {small}/more.pcapng}}\n"
    if kind == "other":
        sinks += "  - {name: more, count: {}}\n"
    result = lib.run(folder, replay(folder, sinks=sinks, to="disk" if kind == "one" else "[disk, more]"))
    assert result.code == 1, str(result)
    lib.check_accounting(result)
    summary = result.summary
    disk = summary["sinks"]["disk"]
    assert packets_in(f"{small}/out.pcapng") == disk["packets"] < 400, (summary, os.listdir(small))
    assert disk["packets"] + disk["dropped"] == 400, summary
    if kind == "one":
        if shutil.which("tshark"):  # there is room for them after the last complete packet
            assert statistics(f"{small}/out.pcapng")[3] == disk["packets"], summary
        assert summary["dropped"]["write_error"] == disk["dropped"] == 400 - summary["delivered"], summary
    elif kind == "two":
        more = summary["sinks"]["more"]["packets"]
        assert packets_in(f"{small}/more.pcapng") == more, summary
        assert max(more, disk["packets"]) <= summary["delivered"] <= more + disk["packets"], summary
        assert summary["delivered"] < 400, summary
    else:
        assert summary["delivered"] == 400, summary
    assert re.search(r"sink disk: \S*out.pcapng: No space left on device", result.err), str(result)


@lib.each("full", "folder")
def test_writing_again(folder, kind):
    """When there is room, or the folder, again: a new file within 5 s; what was lost is counted; few lines are logged."""
    small = mount_small(folder, "256k")
    out = os.path.join(small, "out")
    os.mkdir(out)
    text = (f"sources:\n  - {{name: s0, ethdev: net_null0}}\nsinks:\n  - {{name: disk, pcapng: {{path: {out}/x.pcapng, slots: 64}}}}\n"
            "default: {to: disk}\n")
    took, removed = [], []

    def disturb():
        if kind == "folder":
            removed.append(open(f"{out}/x.pcapng", "rb"))  # pylint: disable=consider-using-with
            os.remove(f"{out}/x.pcapng")
            os.rmdir(out)
        time.sleep(4)
        begun = time.monotonic()
        if kind == "folder":
            os.mkdir(out)
        subprocess.run(["mount", "-o", "remount,size=256m", small], check=True)
        while not any(os.path.getsize(file) > (1 << 20) for file in glob.glob(f"{out}/x.*pcapng")):
            assert time.monotonic() < begun + 20, os.listdir(out)
            time.sleep(0.05)
        took.append(time.monotonic() - begun)

    result = lib.run_until(folder, text, 5000, before=disturb, vdevs=["net_null0,size=64"])
    assert result.code == 1, str(result)
    assert took[0] < 5, took
    lib.check_accounting(result)
    summary = result.summary
    for stream in removed:  # what was written before counts as delivered
        with stream, open(f"{out}/removed", "wb") as copy:
            copy.write(stream.read())
    found = sum(packets_in(file) for file in glob.glob(f"{out}/*"))
    assert found == summary["sinks"]["disk"]["packets"] == summary["delivered"], (found, summary)
    assert summary["dropped"]["write_error"] > 0, summary
    assert len([line for line in result.err.splitlines() if "sink disk" in line]) <= 4, str(result)


def test_rotation(folder):
    """The options for files, as the configuration has them: each file is seen by the command, two are left."""
    script, log = os.path.join(folder, "script"), os.path.join(folder, "log")
    lib.write(folder, "script", f'#!/bin/sh\necho "$(capinfos -Mrc "$1" | tail -n 1)" >>{log}\n')
    os.chmod(script, 0o700)
    sink = f"{{path: {folder}/out.pcapng, rotate_bytes: 100K, keep: 2, mode: 0600, command: {script}}}"
    result = lib.run(folder, replay(folder, sinks=f"  - {{name: disk, pcapng: {sink}}}\n"))
    assert result.code == 0, str(result)
    lib.check_done(result)
    files = glob.glob(f"{folder}/out*")
    assert len(files) == 2 and all(os.stat(file).st_mode & 0o777 == 0o600 for file in files), files
    assert f"{folder}/out.4.pcapng" in files, files  # 400 blocks of 1,048 bytes
    if shutil.which("capinfos"):
        with open(log, encoding="utf-8") as lines:
            counts = [int(line.split()[-1]) for line in lines]
        assert len(counts) == 5 and sum(counts) == 400, counts


def test_statistics(folder):
    """tshark reads how many packets arrived, what rules chose, and what was written."""
    if not shutil.which("tshark"):
        raise lib.Skip("tshark is not installed")
    path = os.path.join(folder, "disk.pcapng")
    text = ("sources:\n  - {name: s0, ethdev: net_null0}\n"
            f"sinks:\n  - {{name: disk, pcapng: {{path: {path}, slots: 64}}}}\ndefault: {{to: disk}}\n")
    result = lib.run_until(folder, text, 5000, vdevs=["net_null0,size=64"])
    lib.check_done(result)
    disk = result.summary["sinks"]["disk"]
    received = result.summary["received"]
    assert statistics(path) == [received, 0, received, disk["packets"]], (statistics(path), result.summary)
    assert disk["packets"] + disk["dropped"] == received, result.summary


if __name__ == "__main__":
    lib.main()
