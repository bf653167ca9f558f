# SPDX-License-Identifier: MIT
"""
What the meson.build files say of libraries and programs: which see which. Only the forms that these files have are
understood: lists, their sums, names of other variables.
"""
import os
import re

import tree


def strip(text):
    """meson without comments."""
    return re.sub(r"#[^\n]*", "", text)


def expression(text, at):
    """The expression from @at on: up to a comma, a closing parenthesis or a line's end outside of brackets."""
    depth, end = 0, at
    while end < len(text):
        letter = text[end]
        if depth == 0 and letter in ",)\n":
            break
        depth += (letter in "([{") - (letter in ")]}")
        end += 1
    return text[at:end]


def names(text, variables, seen=frozenset()):
    """The names in the expression @text, with those of the lists that it names."""
    found = []
    for name in re.findall(r"(?<![\w'.])([A-Za-z_]\w*)(?![\w'(.:])", re.sub(r"'[^']*'", "", text)):
        found.append(name)
        if name in variables and name not in seen:
            found += names(variables[name], variables, seen | {name})
    return found


def read_folder(folder):
    """The names that the targets of @folder and of its subfolders give as dependencies, in order."""
    texts = [strip(tree.read(path)) for path in tree.files(folder) if os.path.basename(path) == "meson.build"]
    variables = {}
    for text in texts:
        for match in re.finditer(r"^\s*(\w+)\s*\+?=\s*(?=[\[\w(])", text, re.MULTILINE):
            value = expression(text, match.end())
            if "(" not in value:
                variables[match.group(1)] = variables.get(match.group(1), "") + " " + value
    found = []
    for text in texts:
        for match in re.finditer(r"\bdependencies\s*:\s*", text):
            found += names(expression(text, match.end()), variables)
    return list(dict.fromkeys(found))


def subfolders(folder):
    return sorted({path.split("/")[1] for path in tree.files(folder)
                   if path.count("/") >= 2 and os.path.basename(path) == "meson.build"})


def libraries():
    """{library: the libraries that it sees}"""
    known = subfolders("lib")
    return {name: [other for other in read_folder(f"lib/{name}") if other in known and other != name] for name in known}


def programs():
    """{program: the libraries that it sees}"""
    known = subfolders("lib")
    return {name: [other for other in read_folder(f"app/{name}") if other in known] for name in subfolders("app")}
