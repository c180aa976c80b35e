"""The panel's pictures in a real Chromium, alone on a page: what is seen, by pointer, by keyboard, and what is left."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.pages import Said
from tests.browser.pictures_page import ROOT, PicturesServer, coordinates
from tests.web_types import install

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page

SIZE = 200
"""Width and height of the pictures in pixels; below 256, so that a pixel's colour says which one it is."""
BLUE = {"a": 40, "b": 220}
STEP = 97
"""How far the colours of neighbours are apart where every bit counts: nothing between two pixels looks like either."""
PIXELS = {"same_size": True, "largest": 180, "mean": 60.0, "differing": 1.0}
MODES = ("side", "slider", "blink", "heat")


@pytest.fixture(scope="module")
def server() -> Iterator[PicturesServer]:
    server = PicturesServer()
    for name, blue in BLUE.items():
        server.add(f"{name}.png", coordinates(SIZE, blue))
        server.add(f"sharp-{name}.png", coordinates(SIZE, blue, STEP))
    server.add("heat.png", coordinates(SIZE, 128))
    server.add("wide.png", coordinates(SIZE, 0)[: SIZE // 2])
    server.pictures["broken.png"] = b"not a picture"
    yield server
    server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 900, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def open_page(page: Page, server: PicturesServer) -> Page:
    """The page with A and B on it, side by side."""
    return opened(page, server)


def opened(page: Page, server: PicturesServer, mode: str = "side", **options: Any) -> Page:
    page.goto(server.page(**options))
    page.wait_for_function("() => window.ready")
    show(page, pixels=PIXELS)
    choose(page, mode)
    return page


def show(page: Page, a: str = "a.png", b: str = "b.png", pixels: dict[str, Any] | None = None) -> None:
    """Show two of the server's pictures and wait until both can be seen."""
    page.evaluate(
        f"""([a, b, pixels]) => {{
          const one = (name, more) => name && source(name, {SIZE}, name === 'wide.png' ? {SIZE // 2} : {SIZE}, more)
          made.show(one(a, {{ pixels_sha256: 'aa' }}), one(b, {{ pixels_sha256: 'bb' }}), pixels, heat)
        }}""",
        [a, b, pixels],
    )
    page.wait_for_function("() => !document.querySelector('.gs-pictures-note:not(:empty)')")
    settle(page)


def choose(page: Page, mode: str) -> None:
    page.locator(f".gs-pictures-modes input[value={mode}]").check()
    settle(page)


def settle(page: Page) -> None:
    """Wait until what was done is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def box(place: Locator) -> FloatRect:
    found = place.bounding_box()
    assert found is not None
    return found


def seen(page: Page, place: Locator) -> np.ndarray[Any, Any]:
    """Return what an element shows, int [height, width, 3], without letters and divider, in pixels of the screen."""
    hidden = ".gs-pictures-letter, .gs-pictures-divider { opacity: 0 } "
    hidden += ".gs-pictures-stage { border-radius: 0 !important; outline: none !important }"
    image = Image.open(io.BytesIO(place.screenshot(style=hidden)))
    return np.asarray(image.convert("RGB")).astype(int)


def stage(page: Page) -> Locator:
    return page.locator(".gs-pictures-stage")


def view(page: Page, name: str) -> Locator:
    return page.locator(f".gs-pictures-{name}")


def transforms(page: Page) -> list[str]:
    return page.locator(".gs-pictures-image").evaluate_all("(found) => found.map((image) => image.style.transform)")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def focused(page: Page) -> str:
    """Return what has the focus: its accessible name, or its value."""
    return page.evaluate(
        "() => document.activeElement.getAttribute('aria-label') || document.activeElement.value || "
        "document.activeElement.textContent"
    )


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


def test_heat_map_is_asked_for_once_and_only_when_wanted(open_page: Page) -> None:
    for mode in ("slider", "blink", "side"):
        choose(open_page, mode)
    assert open_page.evaluate("() => heats") == 0
    for mode in ("heat", "side", "heat"):
        choose(open_page, mode)
    assert view(open_page, "heat").locator("img").count() == 1
    assert transforms(open_page)[0] == transforms(open_page)[2]
    scale = open_page.locator(".gs-pictures-scale").inner_text().split()
    assert scale == ["same", "1", str(PIXELS["largest"])]
    show(open_page, pixels=PIXELS | {"mean": 61})  # the same pair again, as the panel does when an answer comes
    choose(open_page, "side")
    assert open_page.evaluate("() => heats") == 1
    show(open_page, "b.png", "a.png", PIXELS)
    assert open_page.evaluate("() => heats") == 1
    choose(open_page, "heat")
    assert open_page.evaluate("() => heats") == 2


def test_heat_map_that_fails_is_one_line_and_can_be_asked_for_again(open_page: Page) -> None:
    open_page.evaluate(
        """() => {
          const good = heat
          window.heat = () => { window.heat = good; return Promise.reject(new Error('<img src=x onerror=alert(1)>')) }
        }"""
    )
    show(open_page, "b.png", "a.png", PIXELS)
    choose(open_page, "heat")
    line = view(open_page, "heat").locator(".gs-pictures-note")
    assert line.text_content() == "No heat map: <img src=x onerror=alert(1)>"
    choose(open_page, "side")
    choose(open_page, "heat")
    assert line.text_content() == "No heat map: <img src=x onerror=alert(1)>"
    assert open_page.evaluate("() => heats") == 0


def test_equal_pictures_need_no_heat_map(open_page: Page) -> None:
    show(open_page, "a.png", "a.png", {"same_size": True, "largest": 0, "mean": 0, "differing": 0})
    choose(open_page, "heat")
    assert view(open_page, "heat").inner_text() == "Every pixel is the same."
    assert open_page.evaluate("() => heats") == 0


def test_sizes_that_differ_are_only_seen_side_by_side(page: Page, server: PicturesServer) -> None:
    opened(page, server, "heat")
    show(page, "a.png", "wide.png", {"same_size": False, "largest": 0, "mean": 0, "differing": 0})
    assert page.get_by_text("The sizes differ: only side by side is possible.").is_visible()
    assert stage(page).get_attribute("data-mode") == "side"
    radios = page.get_by_role("radio")
    assert [radios.nth(place).is_enabled() for place in range(4)] == [True, False, False, False]
    assert page.evaluate("() => heats") == 1  # of the pair before
    assert not page.locator(".gs-pictures-facts dd").first.is_visible()


def test_picture_that_cannot_be_read_is_one_line(open_page: Page) -> None:
    name = "<b onmouseover=alert(1)>broken.png"
    open_page.evaluate(
        "([bad, good]) => made.show(bad, good, null, heat)",
        [
            {"url": f"/pictures/{file}", "name": label, "width": SIZE, "height": SIZE}
            for file, label in (("broken.png", name), ("b.png", "b.png"))
        ],
    )
    open_page.wait_for_function("() => document.querySelector('.gs-pictures-note')?.textContent.includes('cannot')")
    assert view(open_page, "a").inner_text().split("\n")[0] == f"The browser cannot show {name}."
    assert view(open_page, "b").locator("img").is_visible()
    assert open_page.locator(".gs-pictures b[onmouseover]").count() == 0


def test_one_picture_alone_and_none(open_page: Page) -> None:
    open_page.evaluate("(size) => made.show(null, source('b.png', size, size), null, heat)", SIZE)
    settle(open_page)
    assert not view(open_page, "a").is_visible()
    assert view(open_page, "b").locator("img").is_visible()
    assert not open_page.get_by_role("radiogroup").is_visible()
    open_page.evaluate("() => made.show(null, null, null, heat)")
    assert not open_page.locator(".gs-pictures").is_visible()


def test_keyboard_alone_is_enough(open_page: Page) -> None:
    press(open_page, "Tab")
    assert focused(open_page) == "side"
    press(open_page, "ArrowRight")
    assert stage(open_page).get_attribute("data-mode") == "slider"
    order = []
    for _ in range(8):
        press(open_page, "Tab")
        order.append(focused(open_page))
    assert order == [
        "Smaller (−)", "Larger (+)", "Fit (0)", "100 % (1)", "Fill the window",
        open_page.locator(".gs-pictures-stage").get_attribute("aria-label"),
        "Divider: A on its left, B on its right", "Hashes of the pixels: different",
    ]  # fmt: skip
    press(open_page, "Enter")
    assert open_page.get_by_text("bb", exact=True).is_visible()
    stage(open_page).focus()
    press(open_page, "1", "+", "+", "+", "+")
    assert open_page.locator(".gs-pictures-zoom").text_content() == "400 %"
    before = transforms(open_page)[0]
    press(open_page, "ArrowLeft")
    assert transforms(open_page)[0] != before
    press(open_page, "0")
    assert "gs-fits" in (stage(open_page).get_attribute("class") or "")


def test_window_is_filled_and_left_by_keys_and_the_host_hears_none(open_page: Page) -> None:
    open_page.evaluate("() => { window.heard = []; addEventListener('keydown', (event) => heard.push(event.key)) }")
    before = box(stage(open_page))["height"]
    open_page.get_by_role("button", name="Fill the window").focus()
    press(open_page, "Enter")
    assert open_page.get_by_role("dialog").is_visible()
    assert box(stage(open_page))["height"] > before
    heard = open_page.evaluate("() => heard.splice(0)")
    press(open_page, "r", "+", "ArrowLeft", "Tab", "q")
    press(open_page, "Escape")
    open_page.wait_for_function("() => !document.querySelector('dialog').open")
    assert (heard, open_page.evaluate("() => heard")) == (["Enter"], [])
    settle(open_page)
    assert focused(open_page) == "Fill the window"
    assert box(stage(open_page))["height"] == before
    stage(open_page).focus()
    press(open_page, "+", "-", "0", "1", "ArrowUp", "x")
    assert open_page.evaluate("() => heard") == ["x"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [300, 200])
def test_narrow_panels_are_enough(page: Page, server: PicturesServer, width: int, language: str) -> None:
    opened(page, server, width=width, language=language)
    for mode in MODES:
        choose(page, mode)
        wide = page.locator(".gs-pictures").evaluate(
            """(root) => [...root.querySelectorAll('*')]
              .filter((found) => found.checkVisibility() && !found.closest('.gs-pictures-stage, svg'))
              .filter((found) => found.getBoundingClientRect().right > root.getBoundingClientRect().right + 0.5)
              .map((found) => found.outerHTML)"""
        )
        assert wide == []
        places = page.locator(".gs-pictures-button, .gs-pictures-modes span")
        sizes = places.evaluate_all(
            """(found) => found.filter((place) => place.checkVisibility()).map((place) => place.getBoundingClientRect())
              .map(({ width, height }) => Math.min(width, height))"""
        )
        assert min(sizes) >= 24
        assert box(stage(page))["height"] >= 120


@pytest.fixture(scope="module")
def axe() -> Path:
    modules = install()
    if modules is None:
        pytest.skip("axe-core cannot be installed: that needs npm")
    return modules / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("theme", ["light", "solarized", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_no_serious_fault(page: Page, server: PicturesServer, axe: Path, theme: str) -> None:
    opened(page, server, width=300, theme=theme)
    page.add_script_tag(path=axe)
    for mode in MODES:
        choose(page, mode)
        found = page.evaluate("() => axe.run('.gs-pictures')")
        faults = [
            (fault["id"], [node["html"] for node in fault["nodes"]])
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert (mode, faults) == (mode, [])
        assert len(found["passes"]) > 5


def test_importing_does_nothing(page: Page, server: PicturesServer) -> None:
    """The front end imports every module under web/ as an extension."""
    page.goto(server.page())
    page.evaluate("() => { document.body.replaceChildren(); document.head.querySelector('link[href$=css]')?.remove() }")
    modules = [path.relative_to(ROOT).as_posix() for path in (ROOT / "web" / "panel" / "pictures").glob("*.js")]
    changed = page.evaluate(
        """async (modules) => {
          const before = [document.documentElement.outerHTML, Object.keys(window).join()].join()
          const added = []
          const add = EventTarget.prototype.addEventListener
          EventTarget.prototype.addEventListener = function (...of) { added.push(of[0]); return add.apply(this, of) }
          for (const module of modules) await import(`/${module}?again`)
          EventTarget.prototype.addEventListener = add
          return [added, before === [document.documentElement.outerHTML, Object.keys(window).join()].join()]
        }""",
        [*modules, "web/panel/pictures.js"],
    )
    assert changed == [[], True]


def test_nothing_is_left_after_destroy(page: Page, server: PicturesServer) -> None:
    page.goto(server.page())
    page.wait_for_function("() => window.ready")
    said = Said().listen(page)
    page.evaluate(_COUNT_URLS)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def counts() -> dict[str, float]:
        session.send("HeapProfiler.collectGarbage")
        metrics = {found["name"]: found["value"] for found in session.send("Performance.getMetrics")["metrics"]}
        return {name: metrics[name] for name in ("Nodes", "JSEventListeners", "AudioHandlers")}

    page.evaluate(_ONE_LIFE, SIZE)
    before = counts()
    for _ in range(5):
        page.evaluate(_ONE_LIFE, SIZE)
    assert counts() == before
    assert page.evaluate("() => [urls.made, urls.freed, urls.timers]") == [6 * 2, 6 * 2, 0]
    assert said == Said()


_COUNT_URLS = """() => {
  window.made.destroy()
  window.made = null
  window.urls = { made: 0, freed: 0, timers: 0 }
  const { createObjectURL, revokeObjectURL } = URL
  URL.createObjectURL = (blob) => { urls.made += 1; return createObjectURL.call(URL, blob) }
  URL.revokeObjectURL = (url) => { urls.freed += 1; return revokeObjectURL.call(URL, url) }
  const { setInterval, clearInterval } = window
  window.setInterval = (...of) => { urls.timers += 1; return setInterval(...of) }
  window.clearInterval = (timer) => { urls.timers -= 1; return clearInterval(timer) }
}"""

_ONE_LIFE = """async (size) => {
  const { createPictures } = await import('/web/panel/pictures.js')
  const pictures = createPictures((key) => key)
  document.querySelector('main').append(pictures.element)
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  const until = async (selector) => { while (!pictures.element.querySelector(selector)) await frame() }
  const [a, b] = ['a.png', 'b.png'].map((name) => source(name, size, size))
  for (const pair of [[a, b], [b, a]]) {
    pictures.show(...pair, null, heat)
    await until('.gs-pictures-b .gs-pictures-image')
    await until('.gs-pictures-a .gs-pictures-image')
    pictures.element.querySelector('input[value=heat]').click()
    await until('.gs-pictures-heat .gs-pictures-image')
  }
  pictures.element.querySelector('.gs-pictures-last').click()
  await frame()
  pictures.element.querySelector('input[value=blink]').click()
  await frame()
  pictures.destroy()
  await frame()
  dispatchEvent(new Event('resize'))
  document.dispatchEvent(new Event('scroll'))
  await frame()
}"""
