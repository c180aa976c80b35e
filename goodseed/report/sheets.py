"""The picture sections as PNG: contact sheets and the style map."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

from goodseed.report.charts import COLOURS
from goodseed.report.pictures import Pictures
from goodseed.report.plan import MAP_WIDTH, Row, Sheet, StyleMap
from goodseed.report.sections import pin_place

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

TILE, GAP, LABEL, LINE = 144, 10, 220, 24
_TONES = {"best": COLOURS["first"], "worst": COLOURS["second"], "plain": COLOURS["ink"]}


def contact_sheet(sheets: list[Sheet], pictures: Pictures, captions: bool = True) -> bytes | None:
    """Draw sheets under each other, a row of pictures for each of their rows: PNG, or None without pictures."""
    from PIL import Image, ImageDraw

    rows = [row for sheet in sheets for row in sheet.rows if _has_pictures(row, pictures)]
    if not rows:
        return None
    columns = max(len(row.cells) for row in rows)
    width = LABEL + columns * (TILE + GAP) + GAP
    blocks = [(sheet, [row for row in sheet.rows if _has_pictures(row, pictures)]) for sheet in sheets]
    blocks = [(sheet, kept) for sheet, kept in blocks if kept]
    height = sum(2 * LINE + len(kept) * (TILE + GAP) + captions * LINE for _, kept in blocks) + GAP
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    top = GAP
    for sheet, kept in blocks:
        heading = f"{sheet.title}  {sheet.note}".replace("_", " ")
        draw.text((GAP, top), _fit(heading, width - 2 * GAP, 17), COLOURS["ink"], font=_font(17))
        top += LINE + LINE // 2
        if captions:
            for column, cell in enumerate(kept[0].cells):
                place = (LABEL + column * (TILE + GAP), top)
                draw.text(place, _fit(cell.caption, TILE, 12), COLOURS["muted"], font=_font(12))
            top += LINE
        for row in kept:
            draw.text(
                (GAP, top + TILE // 2 - 10), _fit(row.title, LABEL - 2 * GAP, 15), _TONES[row.tone], font=_font(15)
            )
            for column, cell in enumerate(row.cells):
                if (image := pictures.get(cell.prompt, cell.seed)) is not None:
                    canvas.paste(_tile(image, TILE), (LABEL + column * (TILE + GAP), top))
            top += TILE + GAP
        top += LINE // 2
    return _bytes(canvas)


def style_sheet(style: StyleMap, pictures: Pictures, width: int = 1400) -> bytes:
    """Draw the style map: PNG of 4:3."""
    from PIL import Image, ImageDraw

    height, tile = width * 3 // 4, round(width * MAP_WIDTH)
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    step = max(1, len(style.plane.points) // 4096)
    for position in range(0, len(style.plane.points), step):
        x, y = pin_place(style.plane, position)
        draw.ellipse((x * width - 4, y * height - 4, x * width + 4, y * height + 4), COLOURS["cloud"])
    for position, seed in style.shown:
        image = pictures.get(style.prompt, seed)
        if image is None:
            continue
        x, y = pin_place(style.plane, position)
        left, top = round(x * width - tile / 2), round(y * height - tile / 2)
        canvas.paste(_tile(image, tile), (left, top))
        box = draw.textbbox((left + 5, top + tile - 21), str(seed), font=_font(14))
        draw.rectangle((left, top + tile - 23, box[2] + 5, top + tile), "white")
        draw.text((left + 5, top + tile - 21), str(seed), COLOURS["ink"], font=_font(14))
    return _bytes(canvas)


def _has_pictures(row: Row, pictures: Pictures) -> bool:
    return any(pictures.get(cell.prompt, cell.seed) is not None for cell in row.cells)


def _tile(image: Image, side: int) -> Image:
    from PIL import Image as images

    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    square = images.new("RGB", (side, side), "white")
    square.paste(image.resize(size, images.Resampling.LANCZOS), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def _fit(text: str, width: int, size: int) -> str:
    """Cut `text` to `width` pixels."""
    if _font(size).getlength(text) <= width:
        return text
    while text and _font(size).getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@cache
def _font(size: int) -> FreeTypeFont:
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def _bytes(image: Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
