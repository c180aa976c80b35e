"""Charts by matplotlib as elements of the page: nothing from outside, the page's colours and fonts, and few bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from goodseed.markup import Markup, escaped

_CIRCLE = re.compile(r'<path d="M (\S+) (\S+) ((?:C [^"Cz]+){8})z *"')
"""A circle as matplotlib writes it: eight curves from its lowest point on."""

_ATTRIBUTE = r'(?:href|x|y|cx|cy|r)="[^"]*"'
_RUN = re.compile(
    rf'<(use|circle)((?: {_ATTRIBUTE})+) ((?:clip-path="[^"]*" )?style="[^"]*")/>(?: <\1(?: {_ATTRIBUTE})+ \3/>)+'
)
"""Shapes after each other that look the same."""


def inline(svg: str, name: str, title: str, colours: Mapping[str, str]) -> Markup:
    """Turn a whole SVG file into an element with ids of its own under `name`; `colours` become the page's variables."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)  # its rules would be the whole page's
    box = re.search(r'viewBox="([\d. ]+)"', body)
    inner = body[body.index(">") + 1 :]
    own = re.sub(r"[^a-z0-9]+", "-", name.lower()) or "chart"
    inner = re.sub(r'\bid="', f'id="{own}-', inner)
    inner = re.sub(r'(?:xlink:)?href="#', f'href="#{own}-', inner)
    inner = inner.replace("url(#", f"url(#{own}-")
    inner = re.sub(r"font: [\d.]+px [^;\"]*", lambda m: re.sub(r"(font: [\d.]+px).*", r"\1 var(--sans)", m[0]), inner)
    for colour, value in colours.items():
        inner = inner.replace(value, f"var(--{colour})")
    inner = re.sub(r"\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", inner)
    inner = re.sub(r"\s*\n\s*", " ", inner)
    view = box[1] if box else "0 0 1 1"
    head = f'<svg viewBox="{view}" role="img" aria-label="{escaped(title)}" stroke-linejoin="round">'
    return Markup(head + slim(inner))


def slim(svg: str) -> str:
    """Write circles as circles, and what shapes in a row have in common once: a tenth of the bytes of many dots."""
    return _RUN.sub(lambda run: f"<g {run[3]}>{run[0].replace(f' {run[3]}', '')}</g>", _CIRCLE.sub(_circle, svg))


def _circle(path: re.Match[str]) -> str:
    """Return the start of a circle in place of that of a path, or the path where it is none."""
    ends = [tuple(map(float, curve.split()[-2:])) for curve in path[3].split("C")[1:]]
    x, low = float(path[1]), float(path[2])
    (right, _), (_, high) = ends[1], ends[3]
    radius = (low - high) / 2
    if abs(abs(right - x) - abs(radius)) > 0.03:
        return path[0]
    return f'<circle cx="{path[1]}" cy="{low - radius:.2f}" r="{abs(radius):.2f}"'
