#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The programs are built hardened."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # pylint: disable=wrong-import-position

PROGRAMS = ["feedgate", "feedgate-lookup", "feedgate-gen", "feedgate-bench"]


def readelf(program, *options):
    path = os.path.join(lib.BUILD, "app", program, program)
    return subprocess.run(["readelf", "-W", *options, path], check=True, capture_output=True, text=True).stdout


@lib.each(*PROGRAMS)
def test_hardened(folder, program):
    """Position-independent, with read-only relocations; stack protector and checked string functions where the build has them."""
    del folder
    with open(os.path.join(lib.BUILD, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as file:
        options = {option["name"]: option["value"] for option in json.load(file)}
    assert "DYN (Position-Independent Executable file)" in readelf(program, "-h")
    assert "GNU_RELRO" in readelf(program, "-l")
    assert "BIND_NOW" in readelf(program, "-d") or " NOW" in readelf(program, "-d")
    symbols = readelf(program, "--dyn-syms")
    assert "__stack_chk_fail" in symbols
    if options["b_sanitize"] == "none" and options["optimization"] not in ("0", "g", "plain"):
        assert "__snprintf_chk" in symbols or "__fprintf_chk" in symbols


if __name__ == "__main__":
    lib.main()
