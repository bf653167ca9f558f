#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""feedgate-bench report: the page holds what the lines say, whatever they say, and bad lines are refused."""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # pylint: disable=wrong-import-position

HOSTILE = ["<script>alert(1)</script>", "\"' onload='x", "]]>&amp;<!--", "a\u0001b\u202ec\ufffe", "é漢😀" * 40, ""]
MACHINE_KEYS = {"cpu", "cores", "kernel", "memory", "hugepages", "governor", "dpdk", "feedgate", "date"}


def bench(*arguments, stdin=None):
    options = {"stdin": subprocess.PIPE} if stdin is not None else {}
    return lib.finish(lib.start([lib.binary("feedgate-bench"), *arguments], **options), stdin=stdin)


def result(value, subject="feedgate", **members):
    """A result line's object."""
    return {"bench": "capture", "case": "128B", "subject": subject, "metric": "drain_ns_per_packet", "value": value,
            "min": value * 0.9, "max": value * 1.1, "unit": "ns/packet", "repeats": 5, **members}


def page(folder, *objects):
    """The page made of the lines: as text, and as a tree of elements without namespaces."""
    path = lib.write(folder, "lines.jsonl", "".join(json.dumps(line) + "\n" for line in objects))
    out = os.path.join(folder, "page.html")
    done = bench("report", path, "-o", out)
    assert done.code == 0 and done.err == "" and done.out == "", str(done)
    with open(out, encoding="utf-8") as file:
        text = file.read()
    tree = ElementTree.fromstring(text)
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    return text, tree


def words(element):
    """All text in it, in one line."""
    return " ".join("".join(element.itertext()).split())


def tables(tree):
    """The rows of each chart's table, as lists of cells' texts."""
    return [[[words(cell) for cell in row] for row in table.iter("tr")]
            for table in tree.iter("table") if "Median" in words(table)]


def test_values(folder):
    """Best first, ratios to the best, medians and spread; each chart says which way is better."""
    _, tree = page(folder, result(20.0, "libpcap"), result(8.0, "feedgate:packet_mmap"), {"machine": {"cpu": "Z80", "cores": 1}},
                   result(2000000.0, "libpcap", metric="lossless_packets_per_s", unit="packets/s"),
                   result(4000000.0, "feedgate:packet_mmap", metric="lossless_packets_per_s", unit="packets/s"))
    drain, rate = tables(tree)
    assert drain[1] == ["128B", "feedgate:packet_mmap", "8.00", "7.20", "8.80", "20.0 %", "5", "1.00×"], drain
    assert drain[2] == ["libpcap", "20.0", "18.0", "22.0", "20.0 %", "5", "2.50×"], drain
    assert rate[1][:3] == ["128B", "feedgate:packet_mmap", "4,000,000"] and rate[2][-1] == "0.50×", rate
    text = words(tree)
    assert "lower is better" in text and "higher is better" in text and "Z80" in text, text
    assert "No file says what machine" not in text and "logarithmic" not in text.replace("logarithmic scale: lines", ""), text
    assert len(list(tree.iter("svg"))) == 2


def test_roads(folder):
    """What the figures say stands first, and only of what was measured; overlapping ones are not told apart."""
    _, tree = page(folder, result(880.0, "recvmmsg"), result(8.0, "feedgate:packet_mmap"), result(8.3, "feedgate:af_xdp"))
    text = words(tree)
    assert ("A packet costs the reading core least: feedgate:packet_mmap, 8.00 ns/packet; not to be told apart from it: "
            "feedgate:af_xdp; next recvmmsg at 110× of that.") in text, text
    rows = {row[0]: row[1] for table in tree.iter("table") if "Rights" in words(table)
            for row in ([words(cell) for cell in row] for row in table.iter("tr"))}
    assert rows["packet_mmap"] == rows["af_xdp"] == rows["recvmmsg"] == "here" and rows["pf_ring"] == "no", rows
    assert "logarithmic scale" in text, text
    _, tree = page(folder, result(8.0, bench="classify", metric="ns_per_packet"))
    assert "Which road to choose" not in words(tree)


def test_last_counts(folder):
    _, tree = page(folder, result(20.0), result(30.0))
    assert tables(tree)[0][1][2] == "30.0" and "1 results were given more than once" in words(tree)


def test_own_machine(folder):
    """Without a description in the files the page has that of this machine, and says so."""
    done = bench("machine", "--json")
    machine = json.loads(done.out)["machine"]
    assert done.code == 0 and MACHINE_KEYS <= set(machine), str(done)
    assert os.uname().release == machine["kernel"] and machine["cores"] == os.cpu_count(), machine
    _, tree = page(folder, result(1.0))
    assert "No file says what machine" in words(tree) and machine["kernel"] in words(tree)
    _, tree = page(folder, {"machine": machine}, result(1.0))
    assert "No file says what machine" not in words(tree) and machine["date"] in words(tree)


def test_hostile_names(folder):
    """Whatever texts hold, the page is well-formed, has no markup of theirs, and shows them."""
    lines = [result(float(i + 1), **{member: text}) for member in ("bench", "case", "subject", "metric", "unit")
             for i, text in enumerate(HOSTILE)]
    lines += [{"machine": {text: text}} for text in HOSTILE] + [{"machine": {"a": [1], "b": None, "c": 1e300, "d": True}}]
    text, tree = page(folder, *lines)
    assert {element.tag for element in tree.iter()} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "div", "p", "dl", "dt", "dd", "nav", "ul", "ol", "li",
        "a", "b", "i", "section", "figure", "svg", "line", "path", "rect", "text", "table", "thead", "tbody", "tr", "th", "td",
        "code"}
    assert not re.search(r"<script|onload='|<!--|https?://(?!www\.w3\.org/1999/xhtml)", text), "markup came through"
    shown = words(tree)
    for name in HOSTILE[:3] + ["é漢😀" * 40, "a\ufffdb\ufffdc\ufffd"]:
        assert name in shown, name
    for element in tree.iter():
        assert not {"src", "onload"} & set(element.keys()), element.attrib
        assert element.get("href", "#").startswith("#"), element.attrib


@lib.each(0.0, 1e-9, 1e308, -5.0)
def test_extreme_values(folder, value):
    low, high = sorted([value * 0.5, value])
    text, _ = page(folder, result(value, min=low, max=high), result(3.0, "libpcap"), result(value, "x", min=value, max=value))
    assert not re.search(r'="[^"]*(nan|inf)', text), "no number"


BAD = ["", "[1]", "{", "nonsense", '{"machine": 5}', '{"bench": "b"}', "\x00", "{}x", '{"a": 1, "a": 2}', "x" * 70000,
       '{"bench": "\x1b[2J"', "\udcff", json.dumps({**result(1.0), "value": "1"})]
BAD += [json.dumps(result(1.0, **members)) for members in ({"repeats": 0}, {"min": 2.0}, {"bench": None}, {"unit": 5})]


@lib.each(*range(len(BAD)))
def test_malformed(folder, number):
    """A bad line is named by file and number, in one line without control characters; no page is made."""
    bad = BAD[number]
    path = os.path.join(folder, "lines.jsonl")
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(json.dumps(result(1.0)) + "\n\n" + bad + "\n")
    out = os.path.join(folder, "page.html")
    done = bench("report", path, "-o", out)
    if bad == "":
        assert done.code == 0 and os.path.exists(out), str(done)
        return
    assert done.code == 2 and f"{path}:3: " in done.err and not os.path.exists(out), str(done)
    assert len(done.err.splitlines()) == 1 and done.err[:-1].isprintable(), repr(done.err)


def test_arguments(folder):
    """Files from standard input, pages to standard output; wrong usage is refused."""
    line = json.dumps(result(1.0)) + "\n"
    done = bench("report", "-", stdin=line)
    assert done.code == 0 and done.out.startswith("<!DOCTYPE html>"), str(done)
    good = lib.write(folder, "good.jsonl", line)
    empty = lib.write(folder, "empty.jsonl", "")
    for arguments, code in ((["report"], 2), (["report", "-o"], 2), (["report", "--nonsense", good], 2), (["report", empty], 2),
                            (["report", os.path.join(folder, "none")], 2), (["report", good, "-o", folder], 1),
                            (["machine", "--nonsense"], 2)):
        done = bench(*arguments)
        assert done.code == code and done.err.startswith("feedgate-bench: ") and not done.out, f"{arguments}: {done}"
    assert bench("report", good, "--output=/dev/full").code == 1


if __name__ == "__main__":
    lib.main()
