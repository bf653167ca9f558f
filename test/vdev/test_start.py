#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is wrong before the start is said at once, in one line, with the right exit status."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

CONFIG = """sources:
  - {name: day, replay: {path: DIR/in.pcap, loops: LOOPS}}
sinks:
  - {name: seen, count: {}}
rules:
  - {name: all, match: {}, to: seen}
"""


def prepare(folder, loops=1):
    """Configuration and capture; the configuration's path."""
    oracle.write_pcap(os.path.join(folder, "in.pcap"), shapes.whole())
    return lib.write(folder, "feedgate.yaml", CONFIG.replace("DIR", folder).replace("LOOPS", str(loops)))


def test_missing_dashes(folder):
    """Our options among EAL's, and no option at all: one line that says what is missing; EAL does not start."""
    path = prepare(folder)
    cases = [([], "nothing to do"), (["-c", path], "'-c' is no EAL option"), ([f"-c{path}"], "is no EAL option"), (["--config", path], "'--config'"),
             ([f"--config={path}"], "'--config="), ([*lib.EAL, "-i"], "'-i' is no EAL option"), (["-l", "0-1", "--summary", "x", "--", "-c", path], "'--summary'"),
             (["--check", "-c", path], "'--check' is no EAL option"), (["--exit-when-done"], "'--exit-when-done'")]
    for args, expected in cases:
        result = lib.finish(lib.start([lib.binary("feedgate"), *args], cwd=folder))
        assert result.code == 2 and result.out == "" and result.err.count("\n") == 1, f"{args}\n{result}"
        assert result.err.startswith("feedgate: ") and expected in result.err and "-- -c FILE" in result.err, f"{args}\n{result}"
    # A mask of CPUs is EAL's own -c.
    result = lib.finish(lib.start([lib.binary("feedgate"), *lib.EAL, "-c", "0x3", "--", "-c", path, "--exit-when-done"]))
    assert result.code == 0, str(result)


def test_second_process(folder):
    """Two with one file prefix: the second says so, names the first, and ends with status 1."""
    path = prepare(folder, 0)
    eal = [option for option in lib.EAL if option != "--no-shconf"] + [f"--file-prefix=fg{os.getpid()}"]
    line = [lib.binary("feedgate"), *eal, "--lcores", lib.LCORES[0], "--", "-c", path, "-i", "-a"]
    first = lib.start(line, stdin=subprocess.PIPE)
    try:
        lib.wait_for_prompt(first)
        second = lib.finish(lib.start(line))
    finally:
        result = lib.finish(first, stdin="quit\n")
    assert result.code == 0, str(result)
    assert second.code == 1, str(second)
    assert re.search(rf"^feedgate: .*process {first.pid} runs with the same file prefix; give this one another, --file-prefix NAME$", second.err, re.M), str(second)


def test_paths_of_options(folder):
    """--summary and --cmdline-file that cannot be opened fail before EAL starts."""
    path = prepare(folder)
    read_only = os.path.join(folder, "file")
    lib.write(folder, "file", "")
    cases = [(["--summary", f"{folder}/no/such/summary.json"], "--summary .*no/such/summary.json: No such file or directory"),
             (["--summary", folder], "--summary .*: Is a directory"), (["--summary", f"{read_only}/below"], "--summary .*: Not a directory"),
             (["--summary", ""], "--summary : No such file"), (["--cmdline-file", f"{folder}/none.cmd"], "--cmdline-file .*none.cmd: cannot open: No such file")]
    for args, expected in cases:
        result = lib.finish(lib.start(lib.command(path, None, args=[*args, "--exit-when-done"])))
        assert result.code == 2 and re.search(f"^feedgate: {expected}", result.err) and "EAL" not in result.err, f"{args}\n{result}"


@lib.each("alone", "console", "sink")
def test_summary_on_stdout(folder, how):
    """--summary -: the object is all of standard output, and tables go to standard error; with a console it comes last."""
    path = prepare(folder)
    if how == "console":
        process = lib.start(lib.command(path, "-", args=["-i"]), stdin=subprocess.PIPE)
        result = lib.finish(process, stdin="start\nstop\nquit\n")
        found = json.loads(result.out[result.out.rindex("\n{\n"):])
    elif how == "sink":
        lib.write(folder, "feedgate.yaml", CONFIG.replace("DIR", folder).replace("LOOPS", "1").replace("count: {}", 'pcapng: "-"'))
        result = lib.finish(lib.start(lib.command(path, "-", args=["--exit-when-done"])))
        assert result.code == 2 and result.out == "" and "--summary -: a sink writes to standard output already" in result.err, str(result)
        return
    else:
        result = lib.finish(lib.start(lib.command(path, "-", args=["--exit-when-done"])))
        found = json.loads(result.out)
        assert re.search("received +", result.err), str(result)
    assert result.code == 0, str(result)
    lib.check_accounting(lib.Result(result.code, result.out, result.err, found))
    assert not os.path.exists("-") and (how == "console" or found["received"] > 0)


if __name__ == "__main__":
    lib.main()
