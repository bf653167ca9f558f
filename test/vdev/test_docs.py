#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The example configurations in config/ and in the documents are valid."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # pylint: disable=wrong-import-position

SHOWN = ("README.md", "docs/configuration.md")


def check(path, rules):
    """--check accepts it and counts its rules."""
    result = lib.finish(lib.start([lib.binary("feedgate"), "--", "-c", path, "--check"]))
    assert result.code == 0, str(result)
    assert re.search(rf"\b{rules} rules\b", result.out), f"expected {rules} rules\n{result}"


def count_rules(text):
    """Rules of a configuration in our style: one a line, below `rules:`."""
    return len(re.findall(r"^  - \{name: [^,]+, match:", text, re.M))


def test_ready_made(_folder):
    paths = glob.glob(os.path.join(lib.ROOT, "config", "*.yaml"))
    assert paths
    for path in paths:
        with open(path, encoding="utf-8") as file:
            check(path, count_rules(file.read()))


@lib.each(*SHOWN)
def test_shown(folder, document):
    with open(os.path.join(lib.ROOT, document), encoding="utf-8") as file:
        blocks = re.findall(r"^```yaml\n(.*?)^```", file.read(), re.M | re.S)
    assert blocks
    for number, block in enumerate(blocks):
        check(lib.write(folder, f"{number}.yaml", block), count_rules(block))


if __name__ == "__main__":
    lib.main(once_all=True)
