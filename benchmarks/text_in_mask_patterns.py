"""Drawn backgrounds for text_in_mask.py in which nothing is written: stripes, fences, bricks, leaves and the like."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw


def _colours(rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    while True:
        first, second = rng.integers(0, 256, (2, 3))
        if np.abs(first - second).sum() > 150:
            return tuple(int(v) for v in first), tuple(int(v) for v in second)


def _stripes(rng: np.random.Generator, side: int) -> Image.Image:
    first, second = _colours(rng)
    angle, period = rng.uniform(0, math.pi), rng.uniform(8, 60)
    rows, columns = np.mgrid[0:side, 0:side]
    on = np.sin((rows * math.sin(angle) + columns * math.cos(angle)) * 2 * math.pi / period) > rng.uniform(-0.6, 0.6)
    return Image.fromarray(np.where(on[..., None], first, second).astype(np.uint8))


def _fence(rng: np.random.Generator, side: int) -> Image.Image:
    first, second = _colours(rng)
    canvas = Image.new("RGB", (side, side), first)
    pen = ImageDraw.Draw(canvas)
    width = int(rng.integers(4, 20))
    step, point = int(width * rng.uniform(1.6, 3)), bool(rng.random() < 0.6)
    for y in rng.integers(side // 5, side * 4 // 5, 2):
        pen.rectangle((0, int(y), side, int(y) + width // 2), fill=second)
    top = int(rng.integers(0, side // 3))
    for x in range(-int(rng.integers(step)), side, step):
        pen.rectangle((x, top + width, x + width, side), fill=second)
        if point:
            pen.polygon([(x, top + width), (x + width / 2, top), (x + width, top + width)], fill=second)
    return canvas


def _bricks(rng: np.random.Generator, side: int) -> Image.Image:
    mortar, colour = _colours(rng)
    canvas = Image.new("RGB", (side, side), mortar)
    pen = ImageDraw.Draw(canvas)
    h = int(rng.integers(10, 40))
    w, gap = int(h * rng.uniform(1.8, 3)), int(rng.integers(1, 5))
    for row, y in enumerate(range(-h, side, h)):
        for x in range(-2 * w + (row % 2) * w // 2, side, w):
            shade = tuple(int(np.clip(c + rng.integers(-20, 21), 0, 255)) for c in colour)
            pen.rectangle((x, y, x + w - gap, y + h - gap), fill=shade)
    return canvas


def _leaves(rng: np.random.Generator, side: int) -> Image.Image:
    canvas = Image.new("RGB", (side, side), tuple(int(v) for v in rng.integers(10, 90, 3)))
    for _ in range(int(rng.integers(60, 200))):
        size = int(rng.integers(12, 60))
        leaf = Image.new("L", (size, size), 0)
        pen = ImageDraw.Draw(leaf)
        pen.ellipse((0, size * 0.3, size, size * 0.7), fill=255)
        pen.line((0, size / 2, size, size / 2), fill=120, width=1)
        leaf = leaf.rotate(float(rng.uniform(0, 360)), Image.Resampling.BICUBIC)
        colour = (int(rng.integers(20, 120)), int(rng.integers(70, 220)), int(rng.integers(10, 90)))
        canvas.paste(colour, tuple(int(v) for v in rng.integers(-size, side, 2)), leaf)
    return canvas


def _checks(rng: np.random.Generator, side: int) -> Image.Image:
    first, second = _colours(rng)
    period = int(rng.integers(6, 40))
    rows, columns = np.mgrid[0:side, 0:side] // period
    on = (rows + columns) % 2 == 0
    return Image.fromarray(np.where(on[..., None], first, second).astype(np.uint8)).rotate(
        float(rng.uniform(0, 90)), Image.Resampling.BICUBIC, fillcolor=first
    )


def _discs(rng: np.random.Generator, side: int) -> Image.Image:
    first, second = _colours(rng)
    canvas = Image.new("RGB", (side, side), first)
    pen = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(10, 60))):
        x, y = rng.uniform(0, side, 2)
        r = rng.uniform(4, 50)
        shade = tuple(int(np.clip(c + rng.integers(-40, 41), 0, 255)) for c in second)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=shade)
    return canvas


def _branches(rng: np.random.Generator, side: int) -> Image.Image:
    first, second = _colours(rng)
    canvas = Image.new("RGB", (side, side), first)
    pen = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(6, 25))):
        point, angle, width = rng.uniform(0, side, 2), rng.uniform(0, 2 * math.pi), rng.uniform(1, 9)
        for _ in range(30):
            step = point + 14 * np.array([math.cos(angle), math.sin(angle)])
            pen.line((*point, *step), fill=second, width=max(1, int(width)))
            point, angle, width = step, angle + rng.normal(0, 0.25), width * 0.96
    return canvas


def _clouds(rng: np.random.Generator, side: int) -> Image.Image:
    first, second = (np.array(c, np.float32) for c in _colours(rng))
    field = np.zeros((side, side), np.float32)
    for octave in (4, 8, 16, 48):
        grain = Image.fromarray(rng.normal(0, 1, (octave, octave)).astype(np.float32))
        field += np.asarray(grain.resize((side, side), Image.Resampling.BICUBIC)) / octave
    share = (field - field.min()) / np.ptp(field)
    return Image.fromarray((first + (second - first) * share[..., None]).astype(np.uint8))


def _planks(rng: np.random.Generator, side: int) -> Image.Image:
    gap, colour = _colours(rng)
    canvas = Image.new("RGB", (side, side), gap)
    pen = ImageDraw.Draw(canvas)
    width = int(rng.integers(14, 60))
    for x in range(-int(rng.integers(width)), side, width):
        shade = tuple(int(np.clip(c + rng.integers(-25, 26), 0, 255)) for c in colour)
        pen.rectangle((x, 0, x + width - int(rng.integers(2, 5)), side), fill=shade)
        for _ in range(int(rng.integers(2, 7))):
            y, grain = rng.uniform(0, side), tuple(int(v * 0.8) for v in shade)
            pen.line((x + 4, y, x + width - 6, y + rng.uniform(-30, 30)), fill=grain, width=1)
    turned = canvas.rotate(float(rng.choice([0, 90])))
    return turned


def _tiles(rng: np.random.Generator, side: int) -> Image.Image:
    """Roof tiles: rows of half discs that overlap."""
    edge, colour = _colours(rng)
    canvas = Image.new("RGB", (side, side), edge)
    pen = ImageDraw.Draw(canvas)
    w = int(rng.integers(16, 56))
    for row, y in enumerate(range(side + w, -w, -w // 2)):
        for x in range(-w + (row % 2) * w // 2, side + w, w):
            shade = tuple(int(np.clip(c + rng.integers(-15, 16), 0, 255)) for c in colour)
            pen.ellipse((x, y - w, x + w, y), fill=shade, outline=edge, width=max(1, w // 16))
    return canvas


def _mesh(rng: np.random.Generator, side: int) -> Image.Image:
    """Wire netting: two sets of parallel lines."""
    first, second = _colours(rng)
    canvas = Image.new("RGB", (side, side), first)
    pen = ImageDraw.Draw(canvas)
    step, width, slope = int(rng.integers(12, 48)), int(rng.integers(1, 5)), rng.uniform(0.4, 1.6)
    for x in range(-2 * side, 3 * side, step):
        pen.line((x, 0, x + side * slope, side), fill=second, width=width)
        pen.line((x, 0, x - side * slope, side), fill=second, width=width)
    return canvas


def _cracks(rng: np.random.Generator, side: int) -> Image.Image:
    """Dry earth, cobbles or giraffe's skin: cells around scattered points, with dark joints."""
    joint, colour = _colours(rng)
    points = rng.uniform(0, side, (int(rng.integers(20, 160)), 2))
    rows, columns = np.mgrid[0:side, 0:side]
    far = np.sort(np.hypot(rows[..., None] - points[:, 0], columns[..., None] - points[:, 1]), axis=2)
    on = far[..., 1] - far[..., 0] > rng.uniform(2, 6)
    return Image.fromarray(np.where(on[..., None], colour, joint).astype(np.uint8))


def _windows(rng: np.random.Generator, side: int) -> Image.Image:
    """A wall of windows, each with its panes."""
    wall, frame = _colours(rng)
    canvas = Image.new("RGB", (side, side), wall)
    pen = ImageDraw.Draw(canvas)
    w, line = int(rng.integers(24, 90)), int(rng.integers(2, 5))
    h = int(w * rng.uniform(0.8, 1.8))
    across, down = int(w * rng.uniform(1.2, 1.8)), int(h * rng.uniform(1.2, 1.8))
    for y in range(-int(rng.integers(down)), side, down):
        for x in range(-int(rng.integers(across)), side, across):
            glass = tuple(int(v) for v in rng.integers(30, 226, 3))
            pen.rectangle((x, y, x + w, y + h), fill=glass, outline=frame, width=line)
            pen.line((x + w / 2, y, x + w / 2, y + h), fill=frame, width=line)
            pen.line((x, y + h / 3, x + w, y + h / 3), fill=frame, width=line)
    return canvas


def _zigzags(rng: np.random.Generator, side: int) -> Image.Image:
    first, second = _colours(rng)
    canvas = Image.new("RGB", (side, side), first)
    pen = ImageDraw.Draw(canvas)
    step, width = int(rng.integers(8, 40)), int(rng.integers(2, 12))
    for y in range(-2 * step, side + 2 * step, int(width + step * rng.uniform(0.5, 1.5))):
        pen.line([(x * step, y + step * (x % 2)) for x in range(side // step + 2)], fill=second, width=width)
    return canvas


def _weave(rng: np.random.Generator, side: int) -> Image.Image:
    """A basket: strips that go over and under each other."""
    first, second = _colours(rng)
    canvas = Image.new("RGB", (side, side), tuple(v // 3 for v in first))
    pen = ImageDraw.Draw(canvas)
    cell, gap = int(rng.integers(12, 48)), int(rng.integers(1, 5))
    for row in range(side // cell + 1):
        for column in range(side // cell + 1):
            x, y, shade = column * cell, row * cell, first if (row + column) % 2 else second
            box = (x - 2, y + gap, x + cell + 2, y + cell - gap) if (row + column) % 2 else None
            pen.rectangle(box or (x + gap, y - 2, x + cell - gap, y + cell + 2), fill=shade)
    return canvas.rotate(float(rng.choice([0, 45])), Image.Resampling.BICUBIC, fillcolor=first)


def _pebbles(rng: np.random.Generator, side: int) -> Image.Image:
    """Pebbles that lie on each other, each with a rim and a shade of its own."""
    sand, colour = _colours(rng)
    canvas = Image.new("RGB", (side, side), sand)
    for _ in range(int(rng.integers(80, 300))):
        w, h = (int(v) for v in rng.integers(10, 60, 2))
        stone = Image.new("L", (64, 64), 0)
        box = (32 - w / 2, 32 - h / 2, 32 + w / 2, 32 + h / 2)
        ImageDraw.Draw(stone).ellipse(box, fill=255)
        stone = stone.rotate(float(rng.uniform(0, 180)), Image.Resampling.BICUBIC)
        shade = tuple(int(np.clip(c + rng.integers(-60, 61), 0, 255)) for c in colour)
        x, y = (int(v) for v in rng.integers(-64, side, 2))
        canvas.paste(tuple(v // 2 for v in shade), (x + 2, y + 2), stone)
        canvas.paste(shade, (x, y), stone)
    return canvas


DRAWERS = {
    "stripes": _stripes, "fence": _fence, "bricks": _bricks, "leaves": _leaves, "checks": _checks, "discs": _discs,
    "branches": _branches, "clouds": _clouds, "planks": _planks, "tiles": _tiles, "mesh": _mesh, "cracks": _cracks,
    "windows": _windows, "zigzags": _zigzags, "weave": _weave, "pebbles": _pebbles,
}  # fmt: skip
PATTERNS = tuple(DRAWERS)[:12]
PATTERNS_HELD_OUT = tuple(DRAWERS)
