"""The panel's pictures in use: what is asked of the server, keys, narrow panels, faults, and what is left behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import Said
from tests.browser.pictures_page import (
    MODES,
    PIXELS,
    ROOT,
    SIZE,
    PicturesServer,
    box,
    choose,
    focused,
    opened,
    press,
    settle,
    show,
    stage,
    transforms,
    view,
)
from tests.web_types import install

if TYPE_CHECKING:
    from playwright.sync_api import Page


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
