#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The end of feedgate: within 5 s after SIGTERM in every state, from the first moment on; and control never waits for a reader."""
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

CONFIG = """sources:
  - {name: day, replay: {path: DIR/in.pcap, loops: LOOPS}}
sinks:
  - {name: disk, pcapng: DIR/disk.pcapng}
  - {name: seen, count: {}}
rules:
  - {name: all, match: {}, to: SINKS}
"""
# A disk that does not answer: write(2) to the sink's file never returns, whatever signals come.
STUCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
ssize_t write(int fd, const void *data, size_t bytes)
{
	static ssize_t (*real)(int, const void *, size_t);
	struct stat at, sink;

	if (real == NULL)
		real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	if (bytes > 4096 && fstat(fd, &at) == 0 && stat(getenv("STUCK"), &sink) == 0 && at.st_ino == sink.st_ino)
		for (;;)
			pause();
	return real(fd, data, bytes);
}
"""


def prepare(folder, sinks="[disk, seen]", loops=0):
    """Configuration and capture; the configuration's path."""
    oracle.write_pcap(os.path.join(folder, "in.pcap"), shapes.whole())
    text = CONFIG.replace("DIR", folder).replace("LOOPS", str(loops)).replace("SINKS", sinks)
    return lib.write(folder, "feedgate.yaml", text)


def end(process, summary, limit_s=5.0):
    """SIGTERM; the Result, which must be there in time."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    result = lib.finish(process, summary)
    took = time.monotonic() - begun
    assert took < limit_s * (3 if lib.SANITIZED else 1), f"{took:.1f} s\n{result}"
    return result


def until(condition, what):
    """Wait for a condition."""
    deadline = time.monotonic() + lib.TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.02)


@lib.each("SIGHUP", "SIGTERM", "SIGINT", "both")
def test_signal_at_start(folder, name):
    """A signal while the configuration is not even open, which is a pipe here: SIGHUP reloads later, the others end it with status 0."""
    path, summary = prepare(folder, "seen", 1), os.path.join(folder, "summary.json")
    fifo = os.path.join(folder, "fifo.yaml")
    os.mkfifo(fifo)
    process = lib.start(lib.command(fifo, summary, args=["--stats-period", "1"]))
    lib.wait_signal(process, signal.SIGHUP, caught=True)
    process.send_signal(signal.SIGHUP if name == "both" else getattr(signal, name))
    if name in ("SIGTERM", "SIGINT"):
        result = lib.finish(process)
        assert result.code == 0 and result.err == "", str(result)
        return
    time.sleep(0.2)
    assert process.poll() is None, str(lib.finish(process))
    with open(path, encoding="utf-8") as text, open(fifo, "w", encoding="utf-8") as pipe:
        pipe.write(text.read())
    if name == "both":
        result = end(process, None)
        assert result.code == 0, str(result)
        return
    os.rename(path, fifo)
    for text in process.stdout:
        if text.startswith("rules version 2: "):
            break
    result = end(process, summary)
    lib.check_done(result)


def test_stalled_reader(folder):
    """A sink on a pipe whose reader has stopped reading: what the sink could not write is counted as its drops."""
    fifo = os.path.join(folder, "disk.pcapng")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    path, summary = prepare(folder), os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["--stats-period", "1"]))
    for text in process.stdout:
        if re.search(r"received [1-9]", text):
            break
    result = end(process, summary)
    os.close(reader)
    assert result.code == 1 and "sink disk: " in result.err, str(result)
    lib.check_accounting(result)
    disk = result.summary["sinks"]["disk"]
    assert disk["dropped"] > 0 and disk["dropped"] + disk["packets"] == result.summary["rules"]["all"]["packets"], result.summary


@lib.once
def test_no_reader_at_start(folder):
    """A sink on a pipe that nobody opens: the start waits for it, SIGTERM ends that."""
    os.mkfifo(os.path.join(folder, "disk.pcapng"))
    path = prepare(folder)
    process = lib.start(lib.command(path, None))
    lib.wait_signal(process, signal.SIGTERM, caught=True)
    time.sleep(1)
    assert process.poll() is None
    result = end(process, None)
    assert result.code in (0, 1, 3), str(result)


def test_stuck_disk(folder):
    """A disk that does not answer, ever: status 3, as nobody knows what it took, and a line that says so."""
    if lib.SANITIZED:
        raise lib.Skip("a sanitizer's library must be the first that is loaded")
    source = lib.write(folder, "stuck.c", STUCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", f"{folder}/stuck.so", source, "-ldl"], check=True)
    path = prepare(folder)
    process = lib.start(lib.command(path, None, args=["--stats-period", "1"]),
                        env={"LD_PRELOAD": f"{folder}/stuck.so", "STUCK": f"{folder}/disk.pcapng"})
    for text in process.stdout:
        if re.search(r"received [1-9]", text):
            break
    result = end(process, None)
    assert result.code == 3 and "ended by force" in result.err, str(result)


@lib.each("stdout", "stderr")
def test_full_pipe(folder, stream):
    """Nobody reads standard output or error: commands go on, signals are served, what comes later is whole."""
    path, summary = prepare(folder, "seen"), os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["-i", "-a"]), stdin=subprocess.PIPE)
    saved = os.path.join(folder, "saved.yaml")
    if stream == "stdout":
        process.stdin.write("show config\nshow drops\n" * 300 + f"rules save {saved}\n")
        process.stdin.flush()
        until(lambda: os.path.exists(saved), "saved rules")
    else:
        lib.wait_for_prompt(process)
        lib.write(folder, "feedgate.yaml", "x" * 500)
        for _ in range(300):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        process.stdin.write(f"rules save {saved}\n")
        process.stdin.flush()
        until(lambda: os.path.exists(saved), "saved rules")
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=lib.TIMEOUT_S)
    assert time.monotonic() - begun < 5 * (3 if lib.SANITIZED else 1)
    result = lib.finish(process, summary)
    assert result.code == (1 if stream == "stdout" else 0), str(result)
    lib.check_accounting(result)


def test_slow_reader(folder):
    """A reader that comes late gets every byte, in order."""
    path, summary = prepare(folder, "seen", 1), os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["-i"]), stdin=subprocess.PIPE)
    process.stdin.write("show config\n" * 500 + "quit\n")
    process.stdin.flush()
    time.sleep(1)
    result = lib.finish(process, summary)
    lib.check_done(result)
    one = result.out.split("feedgate> show config\n")
    assert len(one) == 501 and len(set(one[1:-1])) == 1, f"{len(one)} {len(set(one[1:-1]))}"


@lib.each("<&-", ">&-", "2>&-", "<&- >&- 2>&-")
def test_closed_streams(folder, closed):
    """Started without standard streams, as by a careless supervisor: no file gets their numbers."""
    path, summary = prepare(folder, loops=1), os.path.join(folder, "summary.json")
    words = " ".join(f"'{word}'" for word in lib.command(path, summary))
    shell = lib.start(["sh", "-c", f"exec {words} {closed}"])
    until(lambda: os.path.exists(f"{folder}/disk.pcapng"), "capture")
    opened = {number: os.readlink(f"/proc/{shell.pid}/fd/{number}") for number in range(3)}
    for number, sign in enumerate(("<&-", " >&-", "2>&-")):
        assert (opened[number] == "/dev/null") == (sign in f" {closed}" or number == 0), opened
    until(lambda: os.path.getsize(f"{folder}/disk.pcapng") > 0, "packets")
    result = end(shell, summary)
    lib.check_done(result)
    captured = len(oracle.read_capture(f"{folder}/disk.pcapng")[1])
    assert captured == result.summary["sinks"]["disk"]["packets"], f"{captured} captured\n{result.summary}"


def test_closed_stdout_sink(folder):
    """A sink that writes to standard output, which is closed: refused, and not written to /dev/null."""
    path = prepare(folder, loops=1)
    lib.write(folder, "feedgate.yaml", open(path, encoding="utf-8").read().replace(f"{folder}/disk.pcapng", '"-"'))
    words = " ".join(f"'{word}'" for word in lib.command(path, None, args=["--exit-when-done"]))
    result = lib.finish(lib.start(["sh", "-c", f"exec {words} >&-"]))
    assert result.code == 1 and "sink disk: standard output is closed" in result.err, str(result)


if __name__ == "__main__":
    lib.main()
