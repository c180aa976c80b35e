"""Scenes drawn by a program: the demo model's only data. What the prompt does not say is left to chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from goodseed.demo.shapes import draw_mask
from goodseed.demo.signs import draw_sign
from goodseed.demo.words import BACKGROUNDS, COLOURS, MODIFIERS, OBJECTS, Caption

SIDE = 128
"""Width and height of a scene in pixels."""

CHANCE_COLOURS = ((240, 130, 176), (36, 164, 164), (128, 82, 50))
"""Pink, teal and brown: what an object has when its prompt names no colour."""

RADII = {"small": (15.0, 19.0), "": (26.0, 34.0), "big": (44.0, 52.0)}
"""Range of half the object's width, in pixels, by the word for its size."""

BORDER_CHANCE, GRAY_CHANCE, WORD_CHANCE, BACKGROUND_WORD_CHANCE = 0.08, 0.02, 0.05, 0.25
SIGN_CHANCE, OWN_NAME_CHANCE = 0.5, 0.5
"""How many scenes of the inpainting variant hang a sign, and how many of the signs name the object."""

_SIGN_SPREAD = 12.0  # pixels between the middles of object and sign, standard deviation along each side
_SCALE = 2  # drawn at twice the size and averaged down, so that edges are smooth
_WORDS = ("hello", "sale", "open", "stop", "love", "home", "zoom", "gift")
_SKIES = ((120, 178, 236), (86, 132, 210), (236, 168, 128), (58, 66, 120))
_GROUNDS = ((96, 140, 72), (188, 166, 110), (110, 104, 100), (222, 226, 232))

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Scene:
    """A drawn picture: uint8 [128,128,3], the object's mask (bool [128,128]) and what chance decided."""

    image: np.ndarray
    mask: np.ndarray
    caption: Caption
    background: str
    border: bool
    gray: bool
    word: bool


def random_caption(rng: np.random.Generator) -> Caption:
    """Draw a caption: objects and modifiers alike often, a background named a quarter of the time."""
    background = str(rng.choice(list(BACKGROUNDS))) if rng.random() < BACKGROUND_WORD_CHANCE else ""
    return Caption(str(rng.choice(OBJECTS)), str(rng.choice(MODIFIERS)), background)


def draw_scene(caption: Caption, rng: np.random.Generator, signs: bool = False) -> Scene:
    """Draw one picture that `caption` describes; with `signs` its words stand on signs that hang near the object."""
    background = caption.background or str(rng.choice(list(BACKGROUNDS)))
    colour = COLOURS.get(caption.modifier) or CHANCE_COLOURS[rng.integers(len(CHANCE_COLOURS))]
    canvas = _draw_background(background, colour, rng)
    radius = rng.uniform(*RADII.get(caption.modifier, RADII[""]))
    margin = radius + 3
    x, y = rng.uniform(margin, SIDE - margin, size=2)
    mask = draw_mask(caption.object, x * _SCALE, y * _SCALE, radius * _SCALE, SIDE * _SCALE)
    canvas.paste(_draw_fill(caption.modifier, colour, rng), mask=mask)
    word = bool(rng.random() < (SIGN_CHANCE if signs else WORD_CHANCE))
    if word and signs:
        middle = (rng.normal(x, _SIGN_SPREAD), rng.normal(y, _SIGN_SPREAD))
        own = rng.random() < OWN_NAME_CHANCE
        draw_sign(canvas, caption.object if own else str(rng.choice(_WORDS)), middle, _SCALE, rng)
    elif word:
        _draw_word(canvas, str(rng.choice([*_WORDS, caption.object, caption.object])), rng)
    border = bool(rng.random() < BORDER_CHANCE)
    if border:
        _draw_border(canvas, rng)
    gray = bool(rng.random() < GRAY_CHANCE)
    if gray:
        canvas = canvas.convert("L").convert("RGB")
    image = np.asarray(canvas.reduce(_SCALE), dtype=np.uint8)
    return Scene(image, np.asarray(mask.reduce(_SCALE)) > 127, caption, background, border, gray, word)


def _jitter(colour: Colour, rng: np.random.Generator, amount: int) -> Colour:
    red, green, blue = (int(np.clip(c + rng.integers(-amount, amount + 1), 0, 255)) for c in colour)
    return red, green, blue


def _background_colour(against: Colour, rng: np.random.Generator) -> Colour:
    """Draw a muted colour that stands off from the object's."""
    while True:
        colour = rng.integers(60, 236, size=3)
        muted = colour.mean() + (colour - colour.mean()) * 0.6
        if np.abs(muted - np.array(against)).sum() > 150:
            return int(muted[0]), int(muted[1]), int(muted[2])


def _draw_background(kind: str, against: Colour, rng: np.random.Generator) -> Image.Image:
    side = SIDE * _SCALE
    first = _background_colour(against, rng)
    if kind == "plain":
        return Image.new("RGB", (side, side), first)
    if kind == "sky":
        return _draw_sky(against, rng)
    second = _background_colour(against, rng)
    angle = rng.uniform(0, np.pi) if kind == "gradient" else rng.choice([0, np.pi / 4, np.pi / 2])
    rows, columns = np.mgrid[0:side, 0:side] / side
    along = rows * np.sin(angle) + columns * np.cos(angle)
    if kind == "gradient":
        share = (along - along.min()) / (along.max() - along.min())
    else:
        share = (np.floor((along - along.min()) * rng.uniform(5, 8)) % 2).astype(float)
    picture = np.array(first) * (1 - share[..., None]) + np.array(second) * share[..., None]
    return Image.fromarray(picture.astype(np.uint8))


def _draw_sky(against: Colour, rng: np.random.Generator) -> Image.Image:
    side = SIDE * _SCALE
    sky = np.array(_pick_against(_SKIES, against, rng), dtype=float)
    ground = _pick_against(_GROUNDS, against, rng)
    brightness = np.linspace(0.86, 1.12, side)[:, None, None]
    picture = Image.fromarray(np.clip(sky * brightness * np.ones((1, side, 1)), 0, 255).astype(np.uint8))
    horizon = int(side * rng.uniform(0.55, 0.85))
    ImageDraw.Draw(picture).rectangle([0, horizon, side, side], fill=ground)
    return picture


def _pick_against(colours: tuple[Colour, ...], against: Colour, rng: np.random.Generator) -> Colour:
    far = [c for c in colours if sum(abs(a - b) for a, b in zip(c, against, strict=True)) > 150]
    return _jitter(far[rng.integers(len(far))], rng, 10)


def _draw_fill(modifier: str, colour: Colour, rng: np.random.Generator) -> Image.Image:
    side = SIDE * _SCALE
    colour = _jitter(colour, rng, 12)
    fill = Image.new("RGB", (side, side), colour)
    light = (250, 248, 240)
    pen = ImageDraw.Draw(fill)
    if modifier == "striped":
        period = 13 * _SCALE
        for start in range(int(rng.integers(period)) - period, side, period):
            pen.rectangle([0, start, side, start + period // 2], fill=light)
    elif modifier == "dotted":
        period = 16 * _SCALE
        left, top = rng.integers(period, size=2)
        for row, y in enumerate(range(int(top) - period, side + period, period)):
            for x in range(int(left) - 2 * period + (row % 2) * period // 2, side + period, period):
                pen.ellipse([x, y, x + period * 0.62, y + period * 0.62], fill=light)
    return fill


def _draw_word(canvas: Image.Image, word: str, rng: np.random.Generator) -> None:
    side = SIDE * _SCALE
    font = ImageFont.load_default(size=float(rng.uniform(26, 36) * _SCALE))
    pen = ImageDraw.Draw(canvas)
    left, top, right, _ = pen.textbbox((0, 0), word, font=font)
    x = rng.uniform(0, max(side - (right - left), 1))
    y = rng.uniform(0.05, 0.75) * side
    dark = bool(rng.random() < 0.5)
    ink, halo = ((20, 20, 20), (250, 250, 250)) if dark else ((250, 250, 250), (20, 20, 20))
    pen.text((x - left, y - top), word, font=font, fill=ink, stroke_width=2 * _SCALE, stroke_fill=halo)


def _draw_border(canvas: Image.Image, rng: np.random.Generator) -> None:
    side = SIDE * _SCALE
    width = int(rng.uniform(8, 13) * _SCALE)
    colour = ((248, 248, 248), (16, 16, 16), (150, 30, 40))[rng.integers(3)]
    ImageDraw.Draw(canvas).rectangle([0, 0, side - 1, side - 1], outline=colour, width=width)
