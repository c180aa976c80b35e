"""The pictures of text_in_mask.py: holes with text drawn into them, and holes without.

The height of a text is that of its capital letters, of a Chinese character its em: 8 px and more, Chinese 12 and more,
since fewer pixels do not hold its strokes. One letter alone is never one that is a stroke or a ring to anyone
(I l i j 1 | O o 0 C c and the like).
"""

from __future__ import annotations

import functools
import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from text_in_mask_patterns import DRAWERS
from text_in_mask_sources import TUNING, Sources, photo

from goodseed.demo.scenes import draw_scene, random_caption

LOOKS = ("clean", "rotated", "curved", "perspective", "low contrast", "noisy")
CONTENTS = ("letter", "digits", "word", "words", "sentence", "chinese")
LOW, HIGH = 8.0, 64.0
LOW_CHINESE = 12.0
_MANY = 10_000
_SCALE = 4  # ink is drawn at four times the size and averaged down
_LETTERS = "ABDEFGHKMNPQRSTWYZabdefghkmnqrtwy"

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A picture uint8 [H,W,3], a mask float [H,W], and the text's outlines, none where there is no text."""

    kind: str
    look: str
    image: NDArray[np.uint8]
    mask: NDArray[np.float32]
    outlines: tuple[Points, ...] = ()
    text: str = ""
    height: float = 0.0


def text_case(index: int, sources: Sources = TUNING) -> Case:
    """Return the case of that number with text in its hole; look and content take turns."""
    rng = np.random.default_rng([sources.seed + 1, index])
    look, kind = LOOKS[index % 6], CONTENTS[(index // 6) % 6]
    picture = background(rng, int(rng.integers(_MANY)), sources)
    mask, box = hole(rng, picture.size)
    text, font_path = _text(kind, rng, sources), str(rng.choice(sources.fonts(kind == "chinese")))
    lowest = LOW_CHINESE if kind == "chinese" else LOW
    height = float(np.exp(rng.uniform(np.log(lowest), np.log(HIGH))))
    while True:
        while height > lowest and _length(text, font_path, height) > math.hypot(box[2] - box[0], box[3] - box[1]):
            height = max(lowest, height * 0.8)
        ink, outlines = _ink(text, font_path, height, look, rng)
        points = np.concatenate(outlines)
        size = points.max(0) - points.min(0)
        if (size <= [box[2] - box[0] - 2, box[3] - box[1] - 2]).all():
            break
        if height > lowest:
            height = max(lowest, height * 0.8)
        else:
            text = text.rsplit(" ", 1)[0] if " " in text else text[: max(1, len(text) * 2 // 3)]
    low = np.array(box[:2]) + 1 - points.min(0)
    shift = np.round(low + rng.uniform(0, 1, 2) * (np.array(box[2:]) - box[:2] - 2 - size))
    alpha = np.zeros((picture.height, picture.width), np.float32)
    _paste(alpha, ink, shift)
    image = _write(np.asarray(picture, np.float32), alpha, look == "low contrast", rng)
    return Case(kind, look, _spoil(image, look, rng), mask, tuple(o + shift for o in outlines), text, height)


def plain_case(index: int, sources: Sources = TUNING) -> Case:
    """Return the case of that number without text."""
    rng = np.random.default_rng([sources.seed + 2, index])
    picture, kind = background(rng, index, sources), background_kind(index, sources)
    mask, _ = hole(rng, picture.size)
    look = "noisy" if rng.random() < 1 / 3 else "clean"
    return Case(kind, look, _spoil(np.asarray(picture, np.float32), look, rng), mask)


def background_kind(index: int, sources: Sources = TUNING) -> str:
    """Return what the background of that number shows: in turn a photograph, a drawn pattern, and a scene."""
    turn, place = index % 6, index // 6
    if turn in (0, 2, 4):
        return (photos := sources.photos.split())[(3 * place + turn // 2) % len(photos)]
    return sources.patterns[(2 * place + turn // 3) % len(sources.patterns)] if turn != 5 else "scene"


def background(rng: np.random.Generator, index: int, sources: Sources = TUNING) -> Image.Image:
    """Return a picture without text, 384 px wide; a photograph's crop, a pattern, or a scene of the demo model."""
    kind = background_kind(index, sources)
    if kind in DRAWERS:
        return DRAWERS[kind](rng, 384)
    if kind == "scene":
        while (scene := draw_scene(random_caption(rng), rng)).word:
            pass
        return Image.fromarray(scene.image).resize((256, 256), Image.Resampling.BICUBIC)
    whole = photo(kind)
    side = int(min(*whole.size, rng.integers(200, 513)))
    x, y = (int(rng.integers(length - side + 1)) for length in whole.size)
    return whole.crop((x, y, x + side, y + side)).resize((384, 384), Image.Resampling.BICUBIC)


def hole(rng: np.random.Generator, size: tuple[int, int]) -> tuple[NDArray[np.float32], tuple[int, int, int, int]]:
    """Return a mask of about a quarter of the picture, a third of them soft, and the box of its inner part."""
    width, height = size
    area, stretch = rng.uniform(0.15, 0.4) * width * height, float(np.exp(rng.uniform(-0.5, 0.5)))
    w, h = (min(math.sqrt(area * stretch), width * 0.95), min(math.sqrt(area / stretch), height * 0.95))
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    mask = Image.new("L", size, 0)
    pen = ImageDraw.Draw(mask)
    shape = rng.integers(3)
    if shape == 0:
        pen.rectangle((x, y, x + w, y + h), fill=255)
        inner = 0.0
    elif shape == 1:
        pen.ellipse((x, y, x + w, y + h), fill=255)
        inner = 0.14
    else:
        pen.rounded_rectangle((x, y, x + w, y + h), radius=min(w, h) / 4, fill=255)
        inner = 0.06
    if rng.random() < 1 / 3:
        mask = mask.filter(ImageFilter.GaussianBlur(4))
    box = (x + inner * w, y + inner * h, x + w - inner * w, y + h - inner * h)
    return np.asarray(mask, np.float32) / 255, (math.ceil(box[0]), math.ceil(box[1]), int(box[2]), int(box[3]))


def _text(kind: str, rng: np.random.Generator, sources: Sources) -> str:
    if kind == "letter":
        return str(rng.choice(list(_LETTERS)))
    if kind == "digits":
        return "".join(str(d) for d in rng.integers(0, 10, rng.integers(2, 7)))
    if kind == "chinese":
        return "".join(rng.choice(list(sources.signs), rng.integers(1, 7)))
    count = {"word": 1, "words": int(rng.integers(2, 4)), "sentence": int(rng.integers(4, 8))}[kind]
    text = " ".join(rng.choice(sources.words.split(), count))
    return (text, text.upper(), text.capitalize())[rng.integers(3)]


def _sized(path: str, text: str, height: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, height * _em(path, "国" if ord(text[0]) > 0x3000 else "H"))


@functools.cache
def _em(path: str, probe: str) -> float:
    _, top, _, bottom = ImageFont.truetype(path, 400).getbbox(probe)
    return 400 / (bottom - top)


def _length(text: str, path: str, height: float) -> float:
    return _sized(path, text, 32).getlength(text) * height / 32


def _ink(
    text: str, path: str, height: float, look: str, rng: np.random.Generator
) -> tuple[NDArray[np.float32], list[Points]]:
    """Return the ink 0…1 of a text from the origin on, and its outlines in the same pixels."""
    rng = np.random.default_rng(rng.bit_generator.seed_seq.spawn(1)[0])  # type: ignore[attr-defined]
    font = _sized(path, text, height * _SCALE)
    left, top, right, bottom = (float(v) for v in font.getbbox(text))
    pad = 8.0
    flat = Image.new("L", (int(right - left + 2 * pad), int(bottom - top + 2 * pad)), 0)
    ImageDraw.Draw(flat).text((pad - left, pad - top), text, font=font, fill=255)
    w, h = right - left, bottom - top
    quad = np.array([[0, 0], [w, 0], [w, h], [0, h]]) + pad
    if look == "curved" and len(text) > 1:
        return _curved(flat, w, h, pad, rng)
    if look == "rotated":
        angle = rng.uniform(-math.pi / 2, math.pi / 2)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        target = quad @ turn
    elif look == "perspective":
        target = quad + rng.uniform(-0.3, 0.3, (4, 2)) * [min(w, 4 * h) * 0.5, h]
        target[:, 1] += (target[:, 0] - target[0, 0]) * math.tan(rng.uniform(-0.4, 0.4))
    else:
        target = quad
    target = target - target.min(0) + 2 * _SCALE
    width, tall = (math.ceil(v) + 2 * _SCALE for v in target.max(0))
    size = (-(-width // _SCALE) * _SCALE, -(-tall // _SCALE) * _SCALE)
    moved = flat.transform(size, Image.Transform.PERSPECTIVE, _homography(target, quad), Image.Resampling.BICUBIC)
    return np.asarray(moved.reduce(_SCALE), np.float32) / 255, [target / _SCALE]


def _curved(
    flat: Image.Image, w: float, h: float, pad: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], list[Points]]:
    """Bend a line of text along an arc of 40° to 110°, up or down."""
    span = math.radians(rng.uniform(40, 110))
    up = rng.random() < 0.5
    radius = w / span + h / 2
    side = 2 * (radius + h + pad)
    size = (int(side) // _SCALE * _SCALE + _SCALE,) * 2
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    dx, dy = columns - side / 2, (side / 2 - rows) * (1 if up else -1)
    angle, far = np.arctan2(dx, dy), np.hypot(dx, dy)
    u = angle * (w / span) + w / 2 + pad
    v = ((radius + h / 2 - far) if up else (far - radius + h / 2)) + pad
    source = np.asarray(flat, np.float32)
    inside = (u >= 0) & (u < source.shape[1] - 1) & (v >= 0) & (v < source.shape[0] - 1) & (np.abs(angle) < 1.6)
    ink = np.zeros(u.shape, np.float32)
    ink[inside] = source[v[inside].astype(int), u[inside].astype(int)]
    angles = np.linspace(-span / 2, span / 2, 24)
    sign = 1 if up else -1
    arcs = [
        np.stack([side / 2 + r * np.sin(angles), side / 2 - sign * r * np.cos(angles)], 1)
        for r in (radius - h / 2, radius + h / 2)
    ]
    outline = np.concatenate([arcs[0], arcs[1][::-1]])
    small = Image.fromarray(ink.astype(np.uint8)).reduce(_SCALE)
    low = np.maximum(np.floor(outline.min(0) / _SCALE).astype(int) - 2, 0)
    high = np.ceil(outline.max(0) / _SCALE).astype(int) + 2
    crop = small.crop((int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    return np.asarray(crop, np.float32) / 255, [outline / _SCALE - low]


def _homography(source: Points, target: Points) -> list[float]:
    """Return the eight numbers that take `source`'s points to `target`'s, as Pillow's transform wants them."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(right))]


def _paste(alpha: NDArray[np.float32], ink: NDArray[np.float32], shift: Points) -> None:
    x, y = (int(v) for v in shift)
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + ink.shape[0], alpha.shape[0]), min(x + ink.shape[1], alpha.shape[1])
    alpha[top:bottom, left:right] = ink[top - y : bottom - y, left - x : right - x]


def _write(
    image: NDArray[np.float32], alpha: NDArray[np.float32], low: bool, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Put ink on a picture; of high contrast and with a halo on what is uneven, or of low contrast.

    Low contrast: 36 to 56 of 255 levels off the mean, or twice the background's spread where that is more.
    """
    near = np.asarray(Image.fromarray((alpha > 0.05).astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(5))) > 0
    under = image[near]
    mean, spread = under.mean(0), float(under.mean(1).std())
    brighter = bool(mean.mean() < 128)
    if low:
        offset = max(rng.uniform(36, 56), 2 * spread) * (1 if brighter else -1)
        ink = np.clip(mean + offset, 0, 255)
    else:
        ink = rng.uniform(200, 255, 3) if brighter else rng.uniform(0, 55, 3)
        if spread > 25:
            halo = np.array(
                Image.fromarray((alpha * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(3)), np.float32
            )
            halo = halo[..., None] / 255
            image = image * (1 - halo) + (255 - ink) * halo
    return image * (1 - alpha[..., None]) + ink * alpha[..., None]


def _spoil(image: NDArray[np.float32], look: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    if look == "noisy":
        image = image + rng.normal(0, rng.uniform(10, 30), image.shape)
    made = np.clip(image, 0, 255).astype(np.uint8)
    if look != "noisy" or rng.random() < 0.5:
        return made
    file = io.BytesIO()
    Image.fromarray(made).save(file, "JPEG", quality=int(rng.integers(30, 70)))
    return np.asarray(Image.open(file))
