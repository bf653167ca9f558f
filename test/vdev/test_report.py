#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""feedgate-bench report: the page shows the results of any lines, and bad lines are refused."""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # pylint: disable=wrong-import-position

HOSTILE = ["<script>alert(1)</script>", "\"' onload='x", "]]>&amp;<!--", "a\u0001b\u202ec\ufffe", "é漢😀" * 40, "",
           "$x^2$ \\frac{1", "{{ 7 * 7 }}{% raw %}"]
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
    """Best first, ratios to the best, medians and spread; each chart names the better direction."""
    _, tree = page(folder, result(20.0, "libpcap"), result(8.0, "feedgate:packet_mmap"), {"machine": {"cpu": "Z80", "cores": 1}},
                   result(2000000.0, "libpcap", metric="lossless_packets_per_s", unit="packets/s"),
                   result(4000000.0, "feedgate:packet_mmap", metric="lossless_packets_per_s", unit="packets/s"))
    drain, rate = tables(tree)
    assert drain[1] == ["128B", "feedgate:packet_mmap", "8.00", "7.20", "8.80", "20.0 %", "5", "1.00×"], drain
    assert drain[2] == ["libpcap", "20.0", "18.0", "22.0", "20.0 %", "5", "2.50×"], drain
    assert rate[1][:3] == ["128B", "feedgate:packet_mmap", "4,000,000"] and rate[2][-1] == "0.50×", rate
    text = words(tree)
    assert "lower is better" in text and "higher is better" in text and "Z80" in text, text
    assert "No file describes the machine" not in text and "logarithmic" not in text.replace("logarithmic scale: lines", ""), text
    assert len(list(tree.iter("svg"))) == 2


def test_plots(folder):
    """Each plot has the subjects best first, their values, an axis with its unit, and the page's colours alone."""
    text, tree = page(folder, result(20.0, "libpcap"), result(8.0, "feedgate:packet_mmap"),
                      *(result(value, f"s{i}", metric="latency_ns_p50", unit="ns") for i, value in enumerate((2e3, 4e6))))
    linear, log = ([words(element) for element in svg.iter("text")] for svg in tree.iter("svg"))
    assert linear == ["0", "5", "10", "15", "20", "25", "ns/packet", "128B", "feedgate:packet_mmap", "8.00", "best",
                      "libpcap", "20.0", "2.50×"], linear
    assert {"ns, logarithmic scale", "1,000", "10,000", "10⁵", "10⁶", "2,000", "4,000,000", "2,000×"} <= set(log), log
    assert "feedgate:packet_mmap" in [words(element) for element in tree.iter("title")], "no title of a label"
    for svg in re.findall(r"<svg.*?</svg>", text, re.S):
        assert re.search(r"var\(--c\d\)", svg) and "var(--ink)" in svg and not re.search(r"#[0-9a-f]{6}\b", svg), svg
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), ids
    uses = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
    assert uses and {first or second for first, second in uses} <= set(ids), uses


def bars(tree, of):
    """The horizontal extents of the first plot's shapes in that colour."""
    svg = next(tree.iter("svg"))
    for path in svg.iter("path"):
        if f"fill: var(--{of})" in path.get("style", ""):
            xs = [float(x) for x in re.findall(r"[ML] ([-\d.]+) [-\d.]+", path.get("d"))]
            yield min(xs), max(xs)


def test_bar_lengths(folder):
    """Bars have the proportion of their values, from zero; a negative one extends to the left."""
    for low, high in ((8.0, 20.0), (-10.0, 20.0)):
        _, tree = page(folder, *(result(value, f"s{i}", min=value, max=value) for i, value in enumerate((low, high))))
        (first,), (second,) = bars(tree, "c0"), bars(tree, "c1")
        zero = second[0]
        assert first[0 if low > 0 else 1] == zero, (first, second)
        length = first[1] - zero if low > 0 else first[0] - zero
        assert abs(length / (second[1] - zero) - low / high) < 1e-3, (first, second)


def test_large_chart(folder):
    """A plot has its limit; the table has every result."""
    text, tree = page(folder, *(result(float(i + 1), f"s{i}") for i in range(230)))
    assert len(tables(tree)[0]) == 231 and "leaves out the last 30 results" in text


@lib.each("matplotlib", "jinja2")
def test_missing_module(folder, name):
    """Without one of its modules it names the Debian packages, in one line."""
    lib.write(folder, f"{name}.py", "raise ImportError('not here')\n")
    path = lib.write(folder, "lines.jsonl", json.dumps(result(1.0)) + "\n")
    done = lib.finish(lib.start([lib.binary("feedgate-bench"), "report", path], env={"PYTHONPATH": folder}))
    assert done.code == 1 and not done.out and len(done.err.splitlines()) == 1, str(done)
    assert "python3-matplotlib" in done.err and "python3-jinja2" in done.err, str(done)


def test_by_itself(folder):
    """Started by itself the program finds feedgate-bench for the machine; matplotlib's settings do not change the page."""
    program = os.path.join(os.path.dirname(lib.binary("feedgate-bench")), "report", "feedgate-bench-report")
    path = lib.write(folder, "lines.jsonl", json.dumps(result(1.0)) + "\n")
    lib.write(folder, "matplotlibrc", "text.usetex: True\nsvg.fonttype: path\naxes.facecolor: red\n")
    done = lib.finish(lib.start([program, path], cwd=folder))
    assert done.code == 0 and done.err == "" and os.uname().release in done.out and "<text" in done.out, str(done)
    assert lib.finish(lib.start([program, "--help"])).out.startswith("usage: feedgate-bench report ")


def test_backends(folder):
    """The findings are first, and only of what was measured; those that overlap are named together."""
    _, tree = page(folder, result(880.0, "recvmmsg"), result(8.0, "feedgate:packet_mmap"), result(8.3, "feedgate:af_xdp"))
    text = words(tree)
    assert ("Lowest cost per packet on the reading core: feedgate:packet_mmap, 8.00 ns/packet; within the spread of it: "
            "feedgate:af_xdp; next recvmmsg at 110× of that.") in text, text
    rows = {row[0]: row[1] for table in tree.iter("table") if "Rights" in words(table)
            for row in ([words(cell) for cell in row] for row in table.iter("tr"))}
    assert rows["packet_mmap"] == rows["af_xdp"] == rows["recvmmsg"] == "here" and rows["pf_ring"] == "no", rows
    assert "logarithmic scale" in text, text
    _, tree = page(folder, result(8.0, bench="classify", metric="ns_per_packet"))
    assert "Which capture backend to choose" not in words(tree)


def test_last_counts(folder):
    _, tree = page(folder, result(20.0), result(30.0))
    assert tables(tree)[0][1][2] == "30.0" and "1 results were given more than once" in words(tree)


def test_own_machine(folder):
    """Without a description in the files the page has that of this machine, and reports it."""
    done = bench("machine", "--json")
    machine = json.loads(done.out)["machine"]
    assert done.code == 0 and MACHINE_KEYS <= set(machine), str(done)
    assert os.uname().release == machine["kernel"] and machine["cores"] == os.cpu_count(), machine
    _, tree = page(folder, result(1.0))
    assert "No file describes the machine" in words(tree) and machine["kernel"] in words(tree)
    _, tree = page(folder, {"machine": machine}, result(1.0))
    assert "No file describes the machine" not in words(tree) and machine["date"] in words(tree)


def test_hostile_names(folder):
    """With any texts the page is well-formed, has none of their markup, and shows them."""
    lines = [result(float(i + 1), **{member: text}) for member in ("bench", "case", "subject", "metric", "unit")
             for i, text in enumerate(HOSTILE)]
    lines += [{"machine": {text: text}} for text in HOSTILE] + [{"machine": {"a": [1], "b": None, "c": 1e300, "d": True}}]
    text, tree = page(folder, *lines)
    assert {element.tag for element in tree.iter()} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "div", "p", "dl", "dt", "dd", "nav", "ul", "ol", "li",
        "a", "b", "i", "section", "figure", "svg", "g", "defs", "clipPath", "use", "path", "rect", "text", "table", "thead", "tbody",
        "tr", "th", "td", "code"}
    assert not re.search(r"<script|onload='|<!--|https?://(?!www\.w3\.org/1999/xhtml)", text), "markup came through"
    shown = words(tree)
    assert tree.find("body//style") is None and "49" not in [words(cell) for cell in tree.iter("td")]
    for name in HOSTILE[:3] + HOSTILE[-2:] + ["é漢😀" * 40, "a\ufffdb\ufffdc\ufffd"]:
        assert name in shown, name
    for element in tree.iter():
        assert not {"src", "onload"} & set(element.keys()), element.attrib
        assert element.get("href", "#").startswith("#"), element.attrib
    plots = " ".join(words(svg) for svg in tree.iter("svg"))
    assert HOSTILE[-2] in plots and HOSTILE[0] in plots, plots


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
