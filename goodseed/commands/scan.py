"""`goodseed scan`: unwanted text inside a mask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.output import JsonOption, console, escaped, make_table, print_json
from goodseed.errors import ScanError
from goodseed.files import not_over

if TYPE_CHECKING:
    from rich.console import Console

    from goodseed.inpaint.area import Weights
    from goodseed.inpaint.scan import Begun, Found, Scanner
    from goodseed.inpaint.words import Picture

ENDINGS = (".png", ".webp", ".jpg", ".jpeg", ".avif")


def scan(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Images, or folders of them.")],
    mask: Annotated[
        Path | None, typer.Option("--mask", help="An image, white where text counts; the whole picture if not given.")
    ] = None,
    prompt: Annotated[str, typer.Option("--prompt", help="Say how much of the text is the prompt's own.")] = "",
    original: Annotated[
        Path | None, typer.Option("--original", help="The image before inpainting: text in it does not count.")
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="The share of the mask, 0 to 1, that text may cover.")
    ] = 0.0,
    engine: Annotated[str, typer.Option("--engine", help="rapidocr or tesseract.")] = "rapidocr",
    invert: Annotated[bool, typer.Option("--invert", help="The mask is black where text counts.")] = False,
    overlay: Annotated[
        Path | None, typer.Option("--overlay", metavar="OUT.png", help="For one image: a picture of what was found.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Look for text inside a mask, such as inpainting models leave: exit 0 clean, 1 text found."""
    from goodseed.inpaint.batch import in_turn
    from goodseed.inpaint.engines import make_engine, make_pool
    from goodseed.inpaint.scan import Scanner
    from goodseed.inpaint.sorting import check_threshold

    check_threshold(threshold)
    paths = listed(images)
    if overlay is not None and (len(paths) > 1 or overlay.suffix.lower() != ".png"):
        raise ScanError(f"overlay {overlay}: needs one image and a name that ends with .png")
    not_over(overlay, *paths, mask, original)
    painted = _read_mask(mask) if mask is not None else None
    before = read_picture(original) if original is not None else None
    reader = make_engine(engine)
    with make_pool() as pool:
        scanner = Scanner(reader, pool=pool)
        found = dict(
            zip(paths, in_turn(_begin(scanner, path, painted, invert, prompt, before) for path in paths), strict=True)
        )
    if overlay is not None:
        picture = read_picture(paths[0])
        _write_overlay(overlay, picture, _weights(painted, picture, invert), found[paths[0]])
    clean = {path: one.share <= threshold for path, one in found.items()}
    if as_json:
        print_json(_as_json(found, clean))
    else:
        _show(console(), found, clean)
    return 0 if all(clean.values()) else 1


def listed(images: list[Path]) -> list[Path]:
    """Return the images that are named, and those in the folders that are.

    Raises:
        ScanError: for a folder that cannot be read or holds no image.
    """
    files: list[Path] = []
    for path in images:
        if not path.is_dir():
            files.append(path)
            continue
        try:
            inside = sorted(one for one in path.iterdir() if one.suffix.lower() in ENDINGS and one.is_file())
        except OSError as error:
            raise ScanError(f"{path}: cannot be read ({error.strerror}); check its rights") from error
        if not inside:
            raise ScanError(f"{path}: holds no image ({', '.join(ENDINGS)})")
        files += inside
    return files


def read_picture(path: Path) -> Picture:
    """Return an image's pixels [H, W, 3]."""
    from goodseed.provenance.embed.decode import Picture as File
    from goodseed.provenance.embed.decode import open_source
    from goodseed.provenance.paths import shown

    name = shown(str(path))
    with open_source(path, name) as file:
        return File(file, name).pixels()[..., :3]


def _read_mask(path: Path) -> Weights:
    """Return a mask [h, w] from an image's brightness."""
    import numpy as np

    weights: Weights = (
        read_picture(path).astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / np.float32(255)
    )
    return weights


def _weights(mask: Weights | None, picture: Picture, invert: bool) -> Weights:
    import numpy as np

    from goodseed.inpaint.masks import fit_mask

    height, width = picture.shape[:2]
    if mask is None:
        return np.ones((height, width), np.float32)
    return fit_mask(mask, width, height, invert)


def _begin(
    scanner: Scanner, path: Path, mask: Weights | None, invert: bool, prompt: str, original: Picture | None
) -> Begun:
    from goodseed.inpaint.scan import fit_picture

    picture = read_picture(path)
    height, width = picture.shape[:2]
    before = None if original is None else fit_picture(original, width, height)
    return scanner.begin(picture, _weights(mask, picture, invert), prompt, before)


def _write_overlay(path: Path, picture: Picture, weights: Weights, found: Found) -> None:
    from PIL import Image

    from goodseed.files import atomic_writer
    from goodseed.inpaint.overlay import draw_overlay

    with atomic_writer(path) as file:
        Image.fromarray(draw_overlay(picture, weights, found)).save(file, "PNG")


def _as_json(found: dict[Path, Found], clean: dict[Path, bool]) -> dict[str, Any]:
    """Return the one image's answer, or all of them under `images`."""
    images = [{"image": str(path), **one.as_dict(), "clean": clean[path]} for path, one in found.items()]
    return images[0] if len(images) == 1 else {"images": images, "clean": all(clean.values())}


def _show(out: Console, found: dict[Path, Found], clean: dict[Path, bool]) -> None:
    from goodseed.inpaint.scan import texts_of
    from goodseed.inpaint.sorting import percent

    table = make_table("image", "", "of the mask", "text")
    own = any(one.mimicry is not None for one in found.values())
    if own:
        table.add_column("the prompt's")
    for path, one in found.items():
        verdict = "[green]clean[/green]" if clean[path] else "[red]text[/red]"
        cells = [escaped(str(path)), verdict, percent(one.share), escaped(texts_of(one.boxes))]
        table.add_row(*cells, *([percent(one.mimicry or 0.0)] if own and one.boxes else []))
    out.print(table)
