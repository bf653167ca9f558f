#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
scripts/lint on a small tree with one fault of each kind: each is reported, and nothing else is.

usage: test_lint.py

Exit status 0: all holds; 1: something does not.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
SPDX = "/* SPDX-License-Identifier: MIT */\n"
DESIGN = "| layer | library |\n| --- | --- |\n| 0 | base |\n| 2 | parse |\n| 2 | sink |\n"
MESON = "{0}_lib = static_library('fg_{0}', 'x.c', dependencies: {1})\n"
# What is right. Each test below puts files of its own on top.
GOOD = {
    "README.md": "Broadcasts and in-house words are no matter.\n", "CHANGELOG.md": "", "CONTRIBUTING.md": "",
    "config/x.yaml": "", ".ci/run": "#!/bin/sh\n", "test/x.h": SPDX, "app/x/x.h": SPDX,
    "app/x/meson.build": "x = executable('x', 'x.c', dependencies: [parse])\n",
    "docs/design.md": DESIGN,
    "lib/base/meson.build": MESON.format("base", "[dpdk]"), "lib/base/fg_base.h": SPDX,
    "lib/parse/meson.build": "deps = [base] # not sink\n" + MESON.format("parse", "deps"),
    "lib/parse/hot.c": SPDX + "#include <fg_base.h>\n\nvoid start(void)\n{\n\tputs(\"\");\n}\n\nint rx(int n)\n{\n\treturn n;\n}\n",
    "lib/sink/meson.build": MESON.format("sink", "[base]"), "lib/sink/fg_sink.h": SPDX,
    "scripts/lint.d/layers": "0 base:\n2 parse: 0-1\n2 sink: 0-1\n",
    "scripts/lint.d/hot-files": "lib/parse/*hot.c rx*\n",
    "scripts/lint.d/retired-words": "exempt\tdocs/glossary.md\tscripts/*\n<houses?>\tpipeline\tREADME.md: in-house\n->win>\tfirst_arrival\n",
}


def function(head, lines):
    return SPDX + f"{head}\n{{\n" + "\tn++;\n" * lines + "}\n"


# (check, files, what is printed: one piece a line)
CASES = [
    ("words", {"lib/base/a.c": SPDX + "\nint house_run; /* The House. */\n", "docs/glossary.md": "house\n"},
     ["lib/base/a.c:3: retired word 'house_run': use 'pipeline'", "lib/base/a.c:3: retired word 'House': use 'pipeline'"]),
    ("words", {"lib/base/a.c": SPDX + "\tx = t->win;\n\tx = t->window;\n"}, ["a.c:2: retired word '->win'"]),
    ("words", {"app/x/house.c": SPDX}, ["app/x/house.c:1: retired word 'house' in the file's name"]),
    ("words", {"docs/a.md": "a warehouse\n"}, []),
    ("words", {"README.md": "in a house\n"}, ["README.md:1: retired word 'house'", "remove the exception"]),
    ("sizes", {"lib/base/a.c": function("static int\nlong_one(int n)", 56)}, []),
    ("sizes", {"lib/base/a.c": function("int long_one(int n)", 58)}, ["a.c:2: long_one() has 61 lines"]),
    ("sizes", {"lib/base/a.c": function("void f(int a, int (*b)(int, int), char c[2],\n       int d, int e, int f)", 1)}, []),
    ("sizes", {"lib/base/a.c": function("void f(int a, int (*b)(int), int c,\n       int d, int e, int f, int g)", 1)},
     ["a.c:2: f() has 7 parameters"]),
    ("sizes", {"test/x.h": SPDX + "#define M(a, b, c, d, e, f, g) a\n"}, ["x.h:2: macro M() has 7 parameters"]),
    ("sizes", {"test/x.py": "x = 1\n" * 601}, ["test/x.py:601: the file has 601 lines"]),
    ("sizes", {"test/x.py": "def f():\n" + "    x = 1\n" * 60}, ["test/x.py:1: f() has 61 lines"]),
    ("includes", {"app/x/a.h": SPDX + '#include "b.h"\n', "app/x/b.h": SPDX + '#include "a.h"\n'},
     ["circle of headers: app/x/a.h -> app/x/b.h -> app/x/a.h"]),
    ("includes", {"app/x/a.c": '#include "a.h"\n#include "b.h"\n', "app/x/a.h": SPDX, "app/x/b.h": SPDX,
                  "app/x/b.c": '#include "b.h"\n#include "c.h"\n', "app/x/c.h": '#include "a.h"\n'},
     ["circle of modules: app/x/a -> app/x/b -> app/x/c -> app/x/a"]),
    ("includes", {"lib/base/a.c": "#include <fg_sink.h>\n", "lib/sink/b.c": "#include <fg_base.h>\n"},
     ["circle of libraries: lib/base -> lib/sink -> lib/base"]),
    ("libraries", {"lib/parse/meson.build": "deps = [base]\ndeps += [sink]\n" + MESON.format("parse", "deps + [dpdk]")},
     ["lib/parse/meson.build:2: parse (layer 2) may not see sink (layer 2)"]),
    ("libraries", {"lib/parse/a.c": "\n#include <fg_sink.h>\n"}, ["lib/parse/a.c:2: parse may not see fg_sink.h of sink"]),
    ("libraries", {"lib/new/meson.build": MESON.format("new", "[base]")}, ["lib/new/meson.build:1: the library has no row"]),
    ("libraries", {"docs/design.md": DESIGN.replace("| 2 | sink |\n", "")}, ["docs/design.md:1: the table of layers lacks sink"]),
    ("hot", {"lib/parse/hot.c": SPDX + "static int log(void)\n{\n\tputs(\"\");\n}\n\nint rx(void)\n{\n\treturn log();\n}\n"},
     ["lib/parse/hot.c:4: puts() in hot code"]),
    ("hot", {"lib/parse/hot.c": SPDX}, ["hot-files:1: lib/parse/hot.c has no function rx*()"]),
    ("hot", {"scripts/lint.d/hot-files": "lib/parse/gone.c\n"}, ["hot-files:1: there is no lib/parse/gone.c"]),
    ("map", {"docs/modules.dot": "digraph {}\n", "docs/modules.svg": ""}, ["docs/modules.svg:1: the module map is not current"]),
    ("tokens", {"lib/base/a.c": "volatile int x; \n"}, ["a.c:1:volatile int x; : volatile", "a.c: first lines lack SPDX", "trailing blank"]),
]


def make(folder, files):
    shutil.copytree(SCRIPTS, folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in {**GOOD, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def lint(folder, check):
    """(exit status, lines printed)"""
    done = subprocess.run([folder / "scripts" / "lint", "--only", check], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    return done.returncode, done.stdout.splitlines()


def run(check, files, expected):
    """What is wrong with what lint prints, or ""."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make(folder, files)
        status, lines = lint(folder, check)
    fits = len(lines) == len(expected) and all(any(piece in line for line in lines) for piece in expected)
    if fits and status == (1 if expected else 0):
        return ""
    return f"{check}: {list(files)}: exit status {status}, expected {expected}, got:\n  " + "\n  ".join(lines)


def main():
    wrong = [text for check in ("words", "sizes", "includes", "libraries", "hot", "tokens") if (text := run(check, {}, []))]
    wrong += [text for case in CASES if (text := run(*case))]
    print("\n".join(wrong) or f"{len(CASES)} faults are reported")
    sys.exit(1 if wrong else 0)


main()
