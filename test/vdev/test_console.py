#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Control of feedgate: terminal, pipe, command file, signals, --help."""
import os
import re
import signal
import subprocess
import sys
import time

import pexpect

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

PROMPT = "feedgate> "
CONFIG = """sources:
  - {name: day, replay: {path: DIR/in.pcap, loops: LOOPS}, line: A}
feeds:
  - {name: itch}
sinks:
  - {name: disk, pcapng: DIR/disk.pcapng}
  - {name: seen, count: {}}
rules:
  - {name: tech, match: {udp: {dst: 26477}}, feed: itch, to: SINK}
  - {name: noise, match: {tcp: {}}, drop: true}
"""


def prepare(folder, loops=1, sink="[disk, seen]"):
    """Configuration and capture; (path, the expected counters of one pass)."""
    capture = os.path.join(folder, "in.pcap")
    oracle.write_pcap(capture, shapes.whole())
    text = CONFIG.replace("DIR/", folder + "/").replace("LOOPS", str(loops)).replace("SINK", sink)
    return lib.write(folder, "rules.yaml", text), oracle.Expected(oracle.Rules(text), {"day": oracle.read_capture(capture)[1]})


def grouped(number):
    """1,234"""
    return f"{number:,}"


def check_transcript(text, expected):
    """The output of `show ...` after one pass."""
    for pattern in (rf"received +{grouped(expected.received)} ", rf"delivered +{grouped(expected.delivered)} ",
                    rf"dropped +{grouped(expected.received - expected.delivered)}\b",
                    rf"day +replay +A +1 +- +{grouped(expected.received)} ", rf"\n  packets +{grouped(expected.received)}  received by rx lcores", rf"tech +{grouped(expected.rules['tech'])} ",
                    rf"noise +{grouped(expected.rules['noise'])} ", rf"rule_drop +{grouped(expected.dropped['rule_drop'])}\b",
                    rf"disk +pcapng +{grouped(expected.sink_packets['disk'])} ", r"feed: itch"):
        assert re.search(pattern, text), f"no {pattern} in\n{text}"


SHOWS = ["show stats", "show sources", "show source day", "show rules", "show rule tech", "show drops", "show sinks", "show lcores",
         "show config"]


@lib.each(0, 1)
def test_cmdline_file(folder, workers):
    """--cmdline-file: comments and empty lines are skipped, the others echoed and run, then it ends by `quit`."""
    path, expected = prepare(folder)
    again = lib.write(folder, "more.cmd", "\n".join(SHOWS) + "\n")
    commands = lib.write(folder, "start.cmd", f"# what to do\n\nstart\nstop\nload {again}\nclear stats\nshow stats\nquit\n")
    summary = os.path.join(folder, "summary.json")
    # `stop` comes before the replay has ended: the numbers only have to agree with the summary.
    result = lib.finish(lib.start(lib.command(path, summary, workers=workers, args=["--cmdline-file", commands])), summary)
    lib.check_done(result)
    for command in ("start", "stop", f"load {again}", *SHOWS, "clear stats", "quit"):
        assert PROMPT + command in result.out, f"{command} is not echoed\n{result}"
    assert "# what to do" not in result.out
    after = result.out[result.out.index(PROMPT + "clear stats"):]
    assert re.search(r"received +0 ", after), f"`clear stats` did not clear\n{after}"
    assert re.search(rf"received +{grouped(result.summary['received'])} ", result.out), str(result)
    assert result.summary["received"] <= expected.received


def test_cmdline_file_bad(folder):
    """A line that is no command is reported with file and line, the others are run, and the exit status is 2."""
    path, _ = prepare(folder)
    commands = lib.write(folder, "bad.cmd", "show stats\nshow nonsense\nshow drops\nquit\n")
    result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
    assert result.code == 2, str(result)
    assert f"{commands}:2" in result.err and PROMPT + "show drops" in result.out, str(result)


@lib.each("quit", "eof")
def test_pipe(folder, how):
    """Commands from a pipe; the end of file ends it like `quit`."""
    path, expected = prepare(folder)
    summary = os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["-i"]), stdin=subprocess.PIPE)
    process.stdin.write("start\n")
    process.stdin.flush()
    while lib.ask_received(process) < expected.received:
        assert process.poll() is None
    result = lib.finish(process, summary, stdin="\n".join(SHOWS) + ("\nquit\n" if how == "quit" else "\n"))
    lib.check_counters(result, expected)
    check_transcript(result.out, expected)
    lib.check_file(os.path.join(folder, "disk.pcapng"), "disk", expected)


def test_pipe_hostile(folder):
    """Nonsense from a pipe: long lines, control characters, half a command; feedgate goes on and ends in order."""
    path, expected = prepare(folder)
    lines = ["x" * 100000, "show", "show  stats   extra", "\x00\x01\x1b[A\x7f", "quit now", "show rule", "show rule " + "y" * 5000,
             "show rule nowhere", "load", "load /nonexistent", "load " + folder, "show port stats 99", "show port info all",
             "\xff\xfe", "start", "start", "stop", "stop"]
    summary = os.path.join(folder, "summary.json")
    result = lib.finish(lib.start(lib.command(path, summary, args=["-i"]), stdin=subprocess.PIPE), summary,
                        stdin="\n".join(lines) + "\n")
    assert result.code == 2, str(result)
    lib.check_accounting(result)
    assert result.summary["received"] <= expected.received and "no rule is called 'nowhere'" in result.out, str(result)
    for text in ("/nonexistent", "the pipeline is not running"):
        assert text in result.out + result.err, f"no {text}\n{result}"


@lib.each("pipe", "file")
def test_unknown_words(folder, how):
    """The answer to what is no command is what is possible there; the exit status is 2 by each way in."""
    path, _ = prepare(folder)
    cases = [("nonsense", "'nonsense': expected help|? | start | stop | quit|exit | load | clear | show | rules | explain"),
             ("show", "expected stats | sources | source | "), ("show nonsense", "'nonsense': expected stats | sources | source | "),
             ("show rule", "expected NAME"), ("stop now", "'now': expected nothing more"), ("rules move tech up", "'up': expected first|last | before|after"),
             ("clear everything", "'everything': expected stats | port")]
    lines = [line for line, _ in cases]
    if how == "pipe":
        result = lib.finish(lib.start(lib.command(path, None, args=["-i"]), stdin=subprocess.PIPE), stdin="\n".join([*lines, "exit", "start"]) + "\n")
    else:
        commands = lib.write(folder, "words.cmd", "\n".join([*lines, "exit"]) + "\n")
        result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
        assert f"{commands}:1: 'nonsense': expected " in result.err, str(result)
    for line, expected in cases:
        assert f"{PROMPT}{line}\n{expected}" in result.out, f"{line}: no {expected}\n{result}"
    assert result.code == 2 and result.out.endswith(PROMPT + "exit\n") and "started" not in result.out, str(result)


def test_load_itself(folder):
    """A command file that loads itself is refused after some levels."""
    path, _ = prepare(folder)
    commands = os.path.join(folder, "loop.cmd")
    lib.write(folder, "loop.cmd", f"load {commands}\nquit\n")
    result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
    assert result.code in (0, 2) and "loop.cmd" in result.out + result.err, str(result)


def test_terminal(folder):
    """A terminal: prompt, help, completion by TAB, history, start, show, stop, quit."""
    path, expected = prepare(folder)
    summary = os.path.join(folder, "summary.json")
    line = lib.command(path, summary, args=["-i"])
    child = pexpect.spawn(line[0], line[1:], encoding="utf-8", timeout=30, dimensions=(50, 160))
    try:
        child.expect_exact(PROMPT)
        child.sendline("help")
        child.expect("show stats ")
        child.expect_exact(PROMPT)
        child.send("sho\t")
        child.expect_exact("show ")
        child.send("sta\t")
        child.expect("stats")
        child.sendline("")
        child.expect(r"received +0 ")
        child.expect_exact(PROMPT)
        child.send("show rule te\t")
        child.expect("tech")
        child.sendline("")
        child.expect("feed: itch")
        child.expect_exact(PROMPT)
        child.sendline("nonsense")
        child.expect_exact(PROMPT)
        child.sendline("start")
        child.expect("started")
        child.expect_exact(PROMPT)
        received = 0
        while received < expected.received:
            child.sendline("show stats")
            child.expect(r"received +([\d,]+) ")
            received = int(child.match.group(1).replace(",", ""))
            child.expect_exact(PROMPT)
        child.send("\x1b[A\r")  # the arrow up: the last command again
        child.expect(rf"received +{grouped(expected.received)} ")
        child.expect_exact(PROMPT)
        text = ""
        for command in SHOWS:
            child.sendline(command)
            child.expect_exact(PROMPT)
            text += child.before
        check_transcript(text.replace("\r", ""), expected)
        child.sendline("stop")
        child.expect("stopped")
        child.expect_exact(PROMPT)
        child.sendline("quit")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    assert child.exitstatus == 0, (child.exitstatus, child.signalstatus, child.before)


def test_terminal_interrupt(folder):
    """Ctrl-C at the prompt ends it in order, and the terminal is as it was."""
    path, _ = prepare(folder, loops=0, sink="seen")
    summary = os.path.join(folder, "summary.json")
    words = " ".join(f"'{word}'" for word in lib.command(path, summary, args=["-i", "-a"]))
    child = pexpect.spawn("sh", ["-c", f"stty -a >{folder}/before; {words}; echo ended=$?; stty -a >{folder}/after"],
                          encoding="utf-8", timeout=30)
    try:
        child.expect_exact(PROMPT)
        os.kill(int(subprocess.check_output(["pgrep", "-P", str(child.pid)]).split()[0]), signal.SIGINT)
        child.expect("ended=0")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    with open(f"{folder}/before", encoding="ascii") as before, open(f"{folder}/after", encoding="ascii") as after:
        assert before.read() == after.read(), "the terminal was not restored"


def started(folder, path, summary, workers, args=()):
    """feedgate on an endless replay, already receiving."""
    process = lib.start(lib.command(path, summary, workers=workers, args=["--stats-period", "1", *args]))
    for text in process.stdout:
        if re.search(r"received [1-9]", text):
            return process
    raise AssertionError(f"it ended: {process.stderr.read()}")


@lib.each(("SIGINT", 0), ("SIGTERM", 1), ("SIGTERM", 2))
def test_signal(folder, name, workers):
    """One signal in full flight: stopped, drained, flushed, the final table, exit 0."""
    path, _ = prepare(folder, loops=0, sink="seen")
    summary = os.path.join(folder, "summary.json")
    process = started(folder, path, summary, workers)
    process.send_signal(getattr(signal, name))
    result = lib.finish(process, summary)
    lib.check_done(result)
    assert re.search(rf"received +{grouped(result.summary['received'])} ", result.out), f"no final table\n{result}"
    assert result.summary["sinks"]["seen"]["packets"] == result.summary["delivered"] > 0


@lib.each("SIGINT", "SIGTERM")
def test_two_signals(folder, name):
    """The drain hangs on a pipe that nobody reads: the first signal waits for it, the second ends at once."""
    fifo = os.path.join(folder, "disk.pcapng")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    path, _ = prepare(folder, loops=3000, sink="disk")
    process = lib.start(lib.command(path, None, args=["--stats-period", "1"]))
    try:
        for text in process.stdout:
            if re.search(r"received [1-9]", text):
                break
        process.send_signal(getattr(signal, name))
        lib.wait_signal(process, getattr(signal, name), caught=False)
        time.sleep(1)
        assert process.poll() is None, f"it did not wait for the pipe\n{process.stderr.read()}"
        process.send_signal(getattr(signal, name))
        process.wait(timeout=lib.TIMEOUT_S)
        assert process.returncode == 128 + getattr(signal, name), process.returncode
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        os.close(reader)


def test_stats_period(folder):
    """A line a second, and the numbers only grow."""
    path, _ = prepare(folder, loops=0, sink="seen")
    process, seen = lib.start(lib.command(path, None, args=["--stats-period", "1"])), []
    for text in process.stdout:
        found = re.search(r"received ([\d,]+)", text)
        if found:
            seen.append(int(found.group(1).replace(",", "")))
        if len(seen) == 3:
            break
    lib.stop(process)
    result = lib.finish(process)
    assert result.code == 0 and seen == sorted(seen) and seen[2] > 0, (seen, str(result))


def test_no_reader(folder):
    """Whoever read standard output goes away: no crash, and the summary is written."""
    path, expected = prepare(folder)
    summary = os.path.join(folder, "summary.json")
    process = lib.start(lib.command(path, summary, args=["--exit-when-done"]))
    process.stdout.close()
    process.stdout = None
    result = lib.finish(process, summary)
    assert result.code in (0, 1), str(result)
    assert result.summary["received"] == expected.received


@lib.each("--version", "--help")
def test_printed(folder, option):
    """Alone, after EAL options, and after `--`; no configuration, no EAL."""
    for line in ([option], [*lib.EAL, option], ["--", option], ["--", "-c", "/nonexistent", option]):
        result = lib.finish(lib.start([lib.binary("feedgate"), *line], cwd=folder))
        assert result.code == 0 and result.err == "", f"{line}: {result}"
        patterns = [r"^feedgate \d+\.\d+\.\d+"] if option == "--version" else [
            re.escape(name) for name in ("-c", "-i", "--cmdline-file", "--stats-period", "--check", "--exit-when-done",
                                         "--summary", "--workers", "--version", "--help")]
        for pattern in patterns:
            assert re.search(pattern, result.out), f"{line}: no {pattern}\n{result}"


def test_nothing_given(folder):
    """No configuration and no port: the error names what is missing."""
    result = lib.finish(lib.start([lib.binary("feedgate"), *lib.EAL, "--lcores", lib.LCORES[0]], cwd=folder))
    assert result.code in (1, 2) and "feedgate: " in result.err, str(result)


def test_two_at_once(folder):
    """Two processes side by side do not disturb each other."""
    processes = []
    for i in range(2):
        mine = os.path.join(folder, str(i))
        os.mkdir(mine)
        path, expected = prepare(mine)
        summary = os.path.join(mine, "summary.json")
        processes.append((lib.start(lib.command(path, summary, args=["--exit-when-done"])), summary))
    for process, summary in processes:
        lib.check_counters(lib.finish(process, summary), expected)


if __name__ == "__main__":
    lib.main()
