# SPDX-License-Identifier: MIT
"""What the tests of feedgate-gen share: running it, and checks that end the test."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys

GEN = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else None

checks = 0


def check(good, text):
    """Unless good: print the text and end with status 1."""
    global checks  # pylint: disable=global-statement
    checks += 1
    if not good:
        print(f"FAILED: {text}")
        sys.exit(1)


def passed(text):
    """A line for each test."""
    print(f"ok: {text}")


def count_checks():
    """How many checks there were."""
    return checks


def run(*args, **more):
    """Run feedgate-gen."""
    return subprocess.run([GEN, *map(str, args)], capture_output=True, text=True, timeout=120, check=False, **more)


def make(prefix, *args):
    """Make captures; the summary."""
    summary = f"{prefix}.json"
    done = run("-o", prefix, "--summary", summary, *args)
    check(done.returncode == 0 and not done.stdout and not done.stderr, f"{args}: {done}")
    return json.loads(pathlib.Path(summary).read_text(encoding="utf-8"))


def digest(path):
    """A hash of a file."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
