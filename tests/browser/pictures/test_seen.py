"""The panel's pictures in a real Chromium, alone on a page: which pixels are seen, where, and when."""

from __future__ import annotations

import io
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.browser.pictures_page import (
    BLUE,
    SIZE,
    STEP,
    PicturesServer,
    box,
    coordinates,
    opened,
    press,
    seen,
    settle,
    show,
    stage,
    transforms,
    view,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def wander(page: Page, moves: random.Random) -> None:
    """Zoom and move in a random way by wheel, drag and keys, starting in either view."""
    for _ in range(8):
        found = box(view(page, moves.choice("ab")))
        x = found["x"] + moves.uniform(0.1, 0.9) * found["width"]
        y = found["y"] + moves.uniform(0.1, 0.9) * found["height"]
        kind = moves.choice(("wheel", "drag", "key"))
        if kind == "wheel":
            page.mouse.move(x, y)
            page.mouse.wheel(0, moves.choice((-300, -200, -120, 60)))
        elif kind == "drag":
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + moves.uniform(-90, 90), y + moves.uniform(-90, 90), steps=3)
            page.mouse.up()
        else:
            stage(page).focus()
            page.keyboard.press(moves.choice(("+", "+", "-", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp")))
    settle(page)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
def test_same_pixel_lies_under_same_place(open_page: Page, seed: int) -> None:
    wander(open_page, random.Random(seed))
    one, other = transforms(open_page)
    assert one == other
    a, b = (seen(open_page, view(open_page, name)) for name in "ab")
    assert np.array_equal(a[..., :2], b[..., :2])
    inside = a[..., 2] == BLUE["a"]
    assert inside.mean() > 0.3
    assert np.array_equal(inside, b[..., 2] == BLUE["b"])


@pytest.mark.parametrize("ratio", [1, 1.25, *(pytest.param(ratio, marks=pytest.mark.long) for ratio in (1.1, 1.5, 2))])
def test_at_100_percent_a_pixel_of_the_picture_is_one_of_the_screen(
    browser: Browser, server: PicturesServer, ratio: float
) -> None:
    context = browser.new_context(viewport={"width": 900, "height": 900}, device_scale_factor=ratio)
    page = opened(context.new_page(), server)
    show(page, "sharp-a.png", "sharp-b.png")
    page.get_by_role("button", name="100 % (1)").click()
    settle(page)
    assert page.locator(".gs-pictures-zoom").text_content() == "100 %"
    for name, blue in BLUE.items():
        found = seen(page, view(page, name))
        row, column = np.argwhere((found == (0, 0, blue)).all(-1))[0]
        assert np.array_equal(found[row : row + SIZE, column : column + SIZE], coordinates(SIZE, blue, STEP))
    context.close()


def test_enlarged_pixels_are_squares_of_one_colour(open_page: Page) -> None:
    show(open_page, "sharp-a.png", "sharp-b.png")
    stage(open_page).focus()
    press(open_page, "1", *["+"] * 6)
    assert open_page.locator(".gs-pictures-zoom").text_content() == "800 %"
    found = seen(open_page, view(open_page, "a"))
    assert set(found[..., 2].ravel()) == {BLUE["a"]}
    for channel, line in ((0, found[10, :, 0]), (1, found[:, 10, 1])):
        changes = np.flatnonzero(np.diff(line))
        assert set(np.diff(changes)) == {8}, channel
        assert set(np.diff(line[changes]) % 256) == {STEP}, channel


def test_wheel_keeps_the_pixel_under_the_pointer(open_page: Page) -> None:
    found = box(view(open_page, "b"))
    x, y = int(0.7 * found["width"]), int(0.3 * found["height"])
    before = seen(open_page, view(open_page, "a"))[y, x]
    open_page.mouse.move(found["x"] + x, found["y"] + y)
    for _ in range(5):
        open_page.mouse.wheel(0, -150)
    settle(open_page)
    after = seen(open_page, view(open_page, "a"))[y, x]
    assert np.abs(after - before).max() <= 1


def test_pinch_zooms_between_the_fingers(browser: Browser, server: PicturesServer) -> None:
    context = browser.new_context(viewport={"width": 900, "height": 900}, has_touch=True)
    page = opened(context.new_page(), server)
    session = context.new_cdp_session(page)
    found = box(view(page, "b"))
    x, y = found["x"] + 0.3 * found["width"], found["y"] + 0.5 * found["height"]

    def fingers(kind: str, apart: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = seen(page, view(page, "b"))[int(y - found["y"]), int(x - found["x"])]
    scale = _scale(page)
    fingers("touchStart", 20)
    for apart in (30, 40, 50, 60):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)
    settle(page)
    assert _scale(page) == pytest.approx(3 * scale, rel=0.05)
    assert np.abs(seen(page, view(page, "b"))[int(y - found["y"]), int(x - found["x"])] - before).max() <= 1
    context.close()


def _scale(page: Page) -> float:
    return float(transforms(page)[0].split("scale(")[1].rstrip(")"))


def test_wheel_never_traps_the_page(open_page: Page) -> None:
    """At the smallest zoom the wheel scrolls the page; enlarged pictures come back before it does."""
    open_page.add_style_tag(content="main { padding-bottom: 2000px !important }")
    open_page.mouse.move(*(box(stage(open_page))[side] + 40 for side in ("x", "y")))
    open_page.mouse.wheel(0, 100)
    open_page.wait_for_function("() => scrollY > 0")
    assert "gs-fits" in (stage(open_page).get_attribute("class") or "")
    before = transforms(open_page)
    passed = open_page.evaluate(
        """() => {  // the page comes back up by the wheel, and the pictures come under the pointer
          document.dispatchEvent(new Event('scroll'))
          const wheel = new WheelEvent('wheel', { deltaY: -100, bubbles: true, cancelable: true })
          return document.querySelector('.gs-pictures-a').dispatchEvent(wheel)
        }"""
    )
    settle(open_page)
    assert passed
    assert transforms(open_page) == before


def test_picture_is_shown_as_its_pixels_lie(open_page: Page, server: PicturesServer) -> None:
    """What EXIF says of turning it does not count: hashes, heat map and figures are of the pixels in the file."""
    kept = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90°
    Image.fromarray(coordinates(SIZE, 0)[: SIZE // 2]).save(kept, "PNG", exif=exif)
    server.pictures["turned.png"] = kept.getvalue()
    open_page.evaluate("([w, h]) => made.show(source('turned.png', w, h), null, null, heat)", [SIZE, SIZE // 2])
    open_page.wait_for_function("() => document.querySelector('.gs-pictures-image')?.src.includes('turned')")
    stage(open_page).focus()
    press(open_page, "1")
    found = seen(open_page, view(open_page, "a"))
    row, column = np.argwhere((found == (0, 0, 0)).all(-1))[0]
    assert np.array_equal(found[row : row + SIZE // 2, column : column + SIZE], coordinates(SIZE, 0)[: SIZE // 2])


def test_slider_shows_a_left_and_b_right_of_its_divider(page: Page, server: PicturesServer) -> None:
    opened(page, server, "slider")
    divider = page.get_by_role("slider")
    for place in (0.5, 0.3, 0.85):
        found, grip = box(stage(page)), box(divider)
        page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 4)
        page.mouse.down()
        page.mouse.move(found["x"] + place * found["width"], found["y"] + 60, steps=4)
        page.mouse.up()
        _assert_divided(page, place)
        assert divider.get_attribute("aria-valuenow") == str(round(100 * place))


def test_slider_is_moved_by_keys(page: Page, server: PicturesServer) -> None:
    opened(page, server, "slider")
    divider = page.get_by_role("slider")
    divider.focus()
    before = transforms(page)
    for keys, place in ((["ArrowLeft"] * 3, 47), (["PageUp"], 57), (["End"], 100), (["Home"], 0)):
        press(page, *keys)
        assert divider.get_attribute("aria-valuenow") == str(place)
        assert divider.get_attribute("aria-valuetext") == f"A {place} %, B {100 - place} %"
        _assert_divided(page, place / 100)
    assert transforms(page) == before


def _assert_divided(page: Page, place: float) -> None:
    settle(page)
    blue = seen(page, stage(page))[..., 2]
    height, width = blue.shape
    edge, left = round(place * width), (width - height) // 2  # a square in the middle
    columns = np.arange(width)
    inside = (columns > left) & (columns < left + height - 1)
    assert set(blue[:, inside & (columns < edge - 1)].ravel()) <= {BLUE["a"]}
    assert set(blue[:, inside & (columns > edge + 1)].ravel()) <= {BLUE["b"]}


def test_blink_shows_both_in_turn_twice_a_second(page: Page, server: PicturesServer) -> None:
    page.clock.install()
    opened(page, server, "blink")
    page.clock.pause_at(page.evaluate("() => Date.now() + 60_000"))
    page.evaluate(_COUNT_TURNS)
    page.clock.run_for(10_000)
    turns = page.evaluate("() => turns")
    assert len(turns) == 20
    assert all(later - sooner >= 500 for sooner, later in pairwise(turns))
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(10_000)
    assert len(page.evaluate("() => turns")) == 20
    for _ in range(2):
        page.get_by_role("button", name="Flip").click()
        letter = page.locator(".gs-pictures-said").text_content()
        page.clock.run_for(100)
        colours = seen(page, stage(page))[..., 2]
        assert BLUE[{"Picture A is shown.": "a", "Picture B is shown.": "b"}[letter or ""]] in colours
        assert len(set(BLUE.values()) & set(colours.ravel())) == 1


_COUNT_TURNS = """() => {
  window.turns = []
  const stage = document.querySelector('.gs-pictures-stage')
  let second = stage.classList.contains('gs-second')
  new MutationObserver(() => {
    if (stage.classList.contains('gs-second') !== second) turns.push(Date.now())
    second = stage.classList.contains('gs-second')
  }).observe(stage, { attributes: true, attributeFilter: ['class'] })
}"""


def test_blink_stands_still_where_less_motion_is_asked_for(page: Page, server: PicturesServer) -> None:
    page.clock.install()
    opened(page, server, "blink")
    page.clock.pause_at(page.evaluate("() => Date.now() + 60_000"))
    page.emulate_media(reduced_motion="reduce")  # while it blinks
    page.get_by_text("Your system asks for less motion").wait_for()
    page.evaluate(_COUNT_TURNS)
    page.clock.run_for(30_000)
    assert page.evaluate("() => turns") == []
    assert not page.get_by_role("button", name="Play").is_visible()
    stage(page).focus()
    page.keyboard.press("Space")
    page.clock.run_for(30_000)
    assert len(page.evaluate("() => turns")) == 1
