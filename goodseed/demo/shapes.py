"""Outlines of the demo model's objects, in a square from −1 to 1 (y points down)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

Point = tuple[float, float]
Part = tuple[str, Sequence[Point], int]
"""`ellipse` (two corners) or `polygon`, its points, and what it does: 255 adds, 0 cuts out."""


def _regular(count: int, radius: float, turn: float = 0.0, middle: Point = (0.0, 0.0)) -> list[Point]:
    angles = [turn + 2 * math.pi * i / count for i in range(count)]
    return [(middle[0] + radius * math.cos(a), middle[1] + radius * math.sin(a)) for a in angles]


def _disc(x: float, y: float, radius: float) -> list[Point]:
    return [(x - radius, y - radius), (x + radius, y + radius)]


def _star() -> list[Point]:
    points = _regular(10, 1.0, -math.pi / 2)
    return [p if i % 2 == 0 else (p[0] * 0.42, p[1] * 0.42) for i, p in enumerate(points)]


def _heart() -> list[Point]:
    points = []
    for i in range(48):
        t = 2 * math.pi * i / 48
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((math.sin(t) ** 3, -(y + 2.5) / 15.0))
    return points


def _petals() -> list[Part]:
    petals: list[Part] = [("ellipse", _disc(x, y, 0.42), 255) for x, y in _regular(5, 0.58, -math.pi / 2)]
    return [*petals, ("ellipse", _disc(0, 0, 0.24), 0)]


PARTS: dict[str, list[Part]] = {
    "ball": [("ellipse", _disc(0, 0, 0.95), 255)],
    "box": [("polygon", [(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)], 255)],
    "tent": [("polygon", [(0, -0.95), (1.0, 0.85), (-1.0, 0.85)], 255)],
    "star": [("polygon", _star(), 255)],
    "heart": [("polygon", _heart(), 255)],
    "moon": [("ellipse", _disc(0, 0, 0.98), 255), ("ellipse", _disc(0.48, -0.12, 0.78), 0)],
    "ring": [("ellipse", _disc(0, 0, 0.98), 255), ("ellipse", _disc(0, 0, 0.5), 0)],
    "cross": [
        ("polygon", [(-0.32, -0.98), (0.32, -0.98), (0.32, 0.98), (-0.32, 0.98)], 255),
        ("polygon", [(-0.98, -0.32), (0.98, -0.32), (0.98, 0.32), (-0.98, 0.32)], 255),
    ],
    "tree": [
        ("polygon", [(-0.2, 0.2), (0.2, 0.2), (0.2, 1.0), (-0.2, 1.0)], 255),
        ("ellipse", [(-0.72, -1.0), (0.72, 0.42)], 255),
    ],
    "house": [
        ("polygon", [(-0.68, -0.1), (0.68, -0.1), (0.68, 0.95), (-0.68, 0.95)], 255),
        ("polygon", [(0, -0.98), (1.0, -0.08), (-1.0, -0.08)], 255),
        ("polygon", [(-0.2, 0.38), (0.2, 0.38), (0.2, 0.95), (-0.2, 0.95)], 0),
    ],
    "fish": [
        ("ellipse", [(-0.98, -0.56), (0.56, 0.56)], 255),
        ("polygon", [(0.3, 0.0), (1.0, -0.6), (1.0, 0.6)], 255),
        ("ellipse", _disc(-0.58, -0.14, 0.13), 0),
    ],
    "flower": _petals(),
}


def draw_mask(name: str, x: float, y: float, radius: float, side: int) -> Image.Image:
    """Return an `L` image of side × side pixels, 255 where the object lies."""
    mask = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(mask)
    for kind, points, fill in PARTS[name]:
        placed = [(x + px * radius, y + py * radius) for px, py in points]
        if kind == "ellipse":
            pen.ellipse([placed[0], placed[1]], fill=fill)
        else:
            pen.polygon(placed, fill=fill)
    return mask
