# SPDX-License-Identifier: MIT
"""The list `layers`: which layer a library is in, and what it may see."""
import re

import tree

LIST = "layers"


def read():
    """({library: layer}, {library: the set of libraries that it may see})"""
    rows = [(number, *re.match(r"(\d+)\s+(\w+):\s*(.*)$", line).groups()) for number, line in tree.rows(LIST)]
    layer_of = {name: int(layer) for _, layer, name, _ in rows}
    may_see = {}
    for number, layer, name, words in rows:
        seen = set()
        for word in words.split():
            span = re.fullmatch(r"(\d+)-(\d+)", word)
            if span:
                seen |= {other for other, at in layer_of.items() if int(span.group(1)) <= at <= int(span.group(2))}
            elif word.startswith("-"):
                seen.discard(word[1:])
            else:
                seen.add(word)
        # A library of the same layer must stand further up: so there can be no circle.
        for other in sorted(seen):
            if layer_of.get(other, 99) > int(layer) or other not in may_see and layer_of[other] == int(layer):
                raise SystemExit(f"scripts/lint.d/{LIST}:{number}: {name} may not see {other}, which is not below it")
        may_see[name] = seen
    return layer_of, may_see
