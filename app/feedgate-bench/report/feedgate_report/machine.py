# SPDX-License-Identifier: MIT
"""The machine that the page is made on, as `feedgate-bench machine` describes it."""
import json
import os
import shutil
import subprocess
import sys

from .results import describe


def find_bench():
    """feedgate-bench: the one that runs us, installed beside us, in the build directory, or in PATH."""
    here = os.path.dirname(os.path.realpath(sys.argv[0]))
    for path in (os.environ.get("FEEDGATE_BENCH", ""), os.path.join(here, "feedgate-bench"),
                 os.path.join(here, "..", "feedgate-bench")):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return shutil.which("feedgate-bench")


def present():
    """This machine; None if feedgate-bench is not found or fails."""
    bench = find_bench()
    if bench is None:
        return None
    try:
        done = subprocess.run([bench, "machine", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True, timeout=30)
        return describe("", json.loads(done.stdout)["machine"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError, AttributeError):
        return None


def distinct(machines):
    """Without those that repeat the description before them."""
    return [machine for i, machine in enumerate(machines) if i == 0 or machine.values != machines[i - 1].values]
