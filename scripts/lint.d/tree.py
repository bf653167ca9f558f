# SPDX-License-Identifier: MIT
"""What the checks share: the files of the repository, and the functions of a C file."""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = (".ci", "app", "config", "docs", "lib", "scripts", "test")


def files(*folders):
    """Paths of the files in @folders (all folders and the root by default), relative to the root, sorted."""
    found = []
    if not folders:
        found = [name for name in os.listdir(ROOT)
                 if not name.startswith(".") and os.path.isfile(os.path.join(ROOT, name))]
    for folder in folders or FOLDERS:
        for where, inner, names in os.walk(os.path.join(ROOT, folder)):
            inner[:] = [name for name in inner if name != "__pycache__"]
            found += [os.path.relpath(os.path.join(where, name), ROOT) for name in names]
    return sorted(found)


def read(path):
    """The text of @path, a byte that is not UTF-8 replaced; "" for a binary file."""
    with open(os.path.join(ROOT, path), "rb") as file:
        data = file.read()
    return "" if b"\0" in data else data.decode(errors="replace")


def rows(name):
    """The rows of a list beside this file: (line number, text) without comments and blank lines."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return [(number, line.rstrip("\n")) for number, line in enumerate(file, 1)
                if line.strip() and not line.startswith("#")]


def is_c(path):
    return path.endswith((".c", ".h"))


def shebang(path):
    """The first line of a file without an extension, or ""."""
    if "." in os.path.basename(path):
        return ""
    with open(os.path.join(ROOT, path), "rb") as file:
        line = file.readline(80)
    return line.decode(errors="replace") if line.startswith(b"#!") else ""


def is_python(path):
    return path.endswith(".py") or "python" in shebang(path)


def is_shell(path):
    return path.endswith(".sh") or "sh" in shebang(path).rpartition("/")[2]


def code(text):
    """C without comments and the insides of strings; every line stays where it was."""
    def blank(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


class Function:
    """A function that is defined in a C file: lines first..last, its head and body without comments."""

    def __init__(self, path, first, last, head, body):
        self.path, self.first, self.last, self.head, self.body = path, first, last, head, body
        # The parameter list is the first group of parentheses that does not belong to an attribute or a macro.
        self.name, self.params = "", 0
        for match in re.finditer(r"\b([A-Za-z_]\w*)\s*\(", head):
            if not re.match(r"__attribute|__rte_|SEC$|_Alignas|alignas|typeof|__typeof", match.group(1)):
                self.name, self.params = match.group(1), len(arguments(head, match.end()))
                break

    def callees(self):
        return set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", self.body))


def arguments(text, at):
    """The arguments from @at, behind an opening parenthesis, to the one that closes it."""
    depth, found, current = 0, [], ""
    for letter in text[at:]:
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            break
        if letter == "," and depth == 0:
            found.append(current.strip())
            current = ""
        else:
            current += letter
    found.append(current.strip())
    return [] if found in ([""], ["void"]) else found


def functions(path, text=None):
    """
    The functions that a C file defines. It relies on the layout that clang-format gives: a definition starts in the
    first column, and so do the braces around its body.
    """
    lines = code(read(path) if text is None else text).split("\n")
    found, at = [], 0
    while at < len(lines):
        if lines[at].rstrip() != "{":
            at += 1
            continue
        first = at
        while first > 0 and lines[first - 1].strip() and not re.match(r"[#}]|.*[;\\]$", lines[first - 1].rstrip()):
            first -= 1
        last = at
        while last < len(lines) - 1 and not lines[last].startswith("}"):
            last += 1
        if first < at:
            found.append(Function(path, first + 1, last + 1, " ".join(lines[first:at]), "\n".join(lines[at:last])))
        at = last + 1
    return found


def report(findings):
    """Print @findings and exit: status 1 if there are any."""
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


def grep(patterns, paths):
    """Lines of @paths that match one of @patterns, as (path, number, text). GNU grep is the fast one."""
    if not paths:
        return []
    done = subprocess.run(["grep", "-nHIiP", "-e", "|".join(f"(?:{p})" for p in patterns), "--", *paths], cwd=ROOT,
                          stdout=subprocess.PIPE, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode > 1:
        raise SystemExit(f"grep failed with status {done.returncode}")
    found = []
    for line in done.stdout.decode(errors="replace").split("\n")[:-1]:
        path, number, text = line.split(":", 2)
        found.append((path, int(number), text))
    return found
