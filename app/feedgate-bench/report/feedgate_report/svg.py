# SPDX-License-Identifier: MIT
"""Turns a figure of matplotlib into SVG that stands inside the page, in the page's colours and fonts."""
import io
import logging
import re
import warnings
import xml.etree.ElementTree as ElementTree

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # It reports fonts and folders that do not matter here.

# pylint: disable=wrong-import-position
import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
# A colour of a figure stands for a custom property of the page's style sheet, which has a light and a dark value.
COLOURS = {name: f"#0a0b{number:02x}" for number, name in enumerate(
    ["ink", "soft", "line", "faint", *(f"c{i}" for i in range(10))])}
PROPERTIES = {colour: f"var(--{name})" for name, colour in COLOURS.items()}

matplotlib.rcdefaults()  # The page does not depend on a user's settings.
matplotlib.rcParams.update({
    "svg.fonttype": "none",  # Text stays text.
    "svg.hashsalt": "feedgate",
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "axes.unicode_minus": False,
    "text.parse_math": False,  # Names are no formulas.
})


def new_figure(width, height):
    """A figure of that many user units of SVG."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    return figure


def render(figure, prefix, label, titles):
    """The figure as an svg element. @p prefix makes its ids unique; @p titles: tooltips of texts, by their gid."""
    out = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of characters that its fonts lack; a browser has others.
        figure.canvas.print_svg(out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(out.getvalue().encode("utf-8"))
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
    for parent, child in [(p, c) for p in root.iter() for c in p if c.tag in ("metadata", "style")]:
        parent.remove(child)  # A style here would be one of the whole page.
    clean_ids(root, prefix, titles)
    for element in root.iter():
        clean_style(element)
        element.tail = "\n"
    root.attrib = {"viewBox": root.get("viewBox"), "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode").replace("'", "&#39;")  # As jinja2 escapes it.


def clean_ids(root, prefix, titles):
    """Keep the ids that something refers to, with the prefix; add the titles."""
    used = set(re.findall(r"url\(#([^)]+)\)", " ".join(value for e in root.iter() for value in e.attrib.values())))
    used |= {element.get(XLINK + "href", "#")[1:] for element in root.iter()}
    for element in list(root.iter()):
        name = element.attrib.pop("id", None)
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        if name in used:
            element.set("id", prefix + name)
        if name in titles:
            title = ElementTree.Element("title")
            title.text = titles[name]
            element.insert(0, title)
        reference = element.attrib.pop(XLINK + "href", None)
        if reference is not None:
            element.set("href", "#" + prefix + reference[1:])
        for key, value in element.attrib.items():
            element.set(key, value.replace("url(#", "url(#" + prefix))


def clean_style(element):
    """The page's colours and fonts instead of the figure's."""
    style = element.attrib.pop("style", None)
    if style:
        style = re.sub(r"#0a0b[0-9a-f]{2}", lambda colour: PROPERTIES[colour[0]], style)
        style = re.sub(r"\bfont: (?:(bold|\d+) )?([\d.]+)px [^;]*", lambda font: f"font-size: {font[2]}px" +
                       (f"; font-weight: {font[1]}" if font[1] else ""), style)
        element.set("style", style)
