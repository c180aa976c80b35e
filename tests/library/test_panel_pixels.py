"""How far two pictures are apart, by the plainest arithmetic, and a heat map that a person can read."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodseed.errors import ImageError
from goodseed.panel.pixels import apart, heat, heat_image
from tests.library.panel_maker import picture, pixels, plain

LEGEND = Path(__file__).resolve().parents[2] / "web" / "panel" / "pictures" / "heat.js"


def decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("side", [32, 300])
def test_the_numbers_are_those_of_plain_arithmetic(side: int) -> None:
    a, b = pixels(1, side=side), pixels(1, side=side)
    b[::3, ::5] = pixels(2, side=side)[::3, ::5]
    levels = np.abs(a.astype(int) - b.astype(int))
    found = apart(plain(a), plain(b))
    assert found == {
        "same_size": True, "largest": levels.max(), "mean": pytest.approx(levels.mean(), rel=1e-12),
        "differing": (levels.max(axis=2) > 0).mean(), "channels": "RGB",
    }  # fmt: skip
    assert apart(plain(b), plain(a)) == found


def test_one_level_in_one_pixel_is_seen() -> None:
    a = np.zeros((300, 200, 3), np.uint8)
    b = a.copy()
    b[299, 199, 2] = 1
    found = apart(plain(a), plain(b))
    assert found is not None
    assert (found["largest"], found["differing"]) == (1, 1 / 60_000)
    png, largest = heat(plain(a), plain(b))
    assert largest == 1
    light = decoded(png).sum(axis=2)
    assert (light.argmax(), light.max() > 500, light.min()) == (299 * 200 + 199, True, 0)


def test_transparency_counts_where_both_have_it_and_is_left_out_where_one_has() -> None:
    a = pixels(3, channels=4)
    b = a.copy()
    b[0, 0, 3] ^= 0x80
    assert apart(plain(a), plain(b))["largest"] == 128
    assert apart(plain(a), plain(b))["channels"] == "RGBA"
    opaque = apart(plain(a), plain(np.ascontiguousarray(a[..., :3])))
    assert (opaque["largest"], opaque["channels"], opaque["same_size"]) == (0, "RGB", True)


def test_pictures_of_two_sizes_have_no_numbers_and_no_map() -> None:
    a, b = plain(pixels(side=32)), plain(pixels(side=40))
    assert apart(a, b) == {"same_size": False, "largest": None, "mean": None, "differing": None, "channels": None}
    with pytest.raises(ImageError, match=r"are 32×32 and 40×40 px; a heat map needs two pictures of one size"):
        heat(a, b)


def test_a_heat_map_grows_lighter_with_the_difference_and_names_its_scale() -> None:
    a = np.zeros((16, 256, 3), np.uint8)
    b = a.copy()
    b[..., 1] = np.arange(256) // 2
    png, largest = heat(plain(a), plain(b))
    assert largest == 127
    colours = decoded(png)
    assert colours.shape == (16, 256, 3)
    light = colours[0].astype(int) @ [299, 587, 114]
    assert (np.diff(light) >= 0).all()
    assert light[-1] > 200_000
    assert (colours[:, 0] == colours[:, 1]).all()
    assert (colours[0, 0] == 0).all()
    assert colours[0, 2].max() > 100  # one level of 127 is no black
    image, scale = heat_image(plain(a), plain(b))
    assert scale == largest
    assert (image == colours).all()


def test_the_legend_of_the_panel_shows_the_colours_of_the_map() -> None:
    legend = LEGEND.read_text("utf-8")
    said = re.search(r"COLOURS = \[(.*?)\]", legend, re.DOTALL)
    assert said
    colours = [tuple(bytes.fromhex(found)) for found in re.findall("#([0-9a-f]{6})", said[1])]
    levels = 1 + 7 * np.arange(len(colours))  # at equal steps from 1 to the largest
    a = np.zeros((1, len(colours), 3), np.uint8)
    b = np.repeat(levels.astype(np.uint8)[None, :, None], 3, axis=2)
    assert [tuple(pixel) for pixel in heat_image(plain(a), plain(b))[0][0].tolist()] == colours


def test_the_same_picture_gives_a_black_map() -> None:
    png, largest = heat(picture(), picture())
    assert largest == 0
    assert (decoded(png) == 0).all()
