"""The maps of a report in use: pointer, keys, search, colours; without the script, and what the page refuses."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from goodseed.banks import Bank, make_bank
from goodseed.report import write_report
from goodseed.report.maps import SIDE, Maps, make_maps
from tests.browser.frontends import WINDOW
from tests.browser.pages import Said
from tests.library.fake_model import FakeGenerator
from tests.library.test_report import HOSTILE, a_bank
from tests.web_types import install

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Page

SEEDS = 40
LARGEST = 2**64 - 1
_AT = """(which) => [...document.querySelectorAll(`.plot .${which}`)].map((mark) => mark.classList.contains('on')
  ? [Number(mark.children[0].getAttribute('cx')), Number(mark.children[0].getAttribute('cy'))] : null)"""
_DOTS = """() => [...document.querySelectorAll('.plot')].map((plot) => [0, 1, 2, 3, 4, 5, 6].map((step) =>
  (plot.querySelector(`.dots .b${step}`).getAttribute('d').match(/M\\d+ \\d+/g) ?? []).sort()))"""


@pytest.fixture(scope="module")
def bank() -> Bank:
    """Forty seeds, one of them larger than a script's numbers, with a hostile name among the colours."""
    made = a_bank(SEEDS)
    seeds = np.arange(SEEDS, dtype=np.int64)
    seeds[7] = -1  # two's complement of the largest
    names = {**made.info["features"]["composition"], "names": [HOSTILE, "y", "size"]}
    info = {**made.info, "features": {**made.info["features"], "composition": names}}
    return make_bank({**made.tensors, "seeds": seeds}, info, "a-bank")


@pytest.fixture(scope="module")
def maps(bank: Bank) -> Maps:
    return make_maps(bank)


@pytest.fixture(scope="module")
def report(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report with pictures."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    write_report(bank, out, FakeGenerator())
    return out.as_uri()


@pytest.fixture(scope="module")
def opened(browser: Browser, report: str) -> Iterator[Page]:
    page = browser.new_page(viewport=WINDOW)
    page.goto(report)
    yield page
    page.close()


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """The report with no seed lit; it complains of nothing while a test runs."""
    said = Said().listen(opened)
    opened.locator(".find").fill("")
    opened.mouse.move(1, 1)
    assert [where(opened, which) for which in ("lit", "kept")] == [[None] * 4] * 2
    yield opened
    assert said == Said()


def where(page: Page, which: str) -> list[list[int] | None]:
    """Return where on each map a seed is lit, or kept."""
    found: list[list[int] | None] = page.evaluate(_AT, which)
    return found


def places(maps: Maps, position: int) -> list[list[int]]:
    return [found.places[position].tolist() for found in maps.maps]


def spot(page: Page, maps: Maps, plot: int, position: int) -> tuple[float, float]:
    """Return where in the window a seed of a map lies, after scrolling there."""
    drawing = page.locator(".plot svg").nth(plot)
    drawing.scroll_into_view_if_needed()
    box: FloatRect | None = drawing.bounding_box()
    assert box is not None
    x, y = maps.maps[plot].places[position]
    return box["x"] + x * box["width"] / SIDE, box["y"] + y * box["width"] / SIDE


def alone(maps: Maps, plot: int) -> list[int]:
    """Return seeds from the one with most room around it on a map to the one with least."""
    points = maps.maps[plot].places.astype(float)
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.diag(np.full(len(points), np.inf))
    return [int(position) for position in np.argsort(-apart.min(axis=1))]


@pytest.mark.parametrize("plot", range(4))
def test_a_seed_under_the_pointer_is_lit_on_all_maps_with_its_figures(page: Page, maps: Maps, plot: int) -> None:
    position = alone(maps, plot)[0]
    page.mouse.move(*spot(page, maps, plot, position))
    assert where(page, "lit") == places(maps, position)
    card = page.locator(".one-seed")
    assert card.locator("h3").inner_text() == f"Seed {maps.seeds[position]}"
    terms, values = (card.locator(name).all_inner_texts() for name in ("dt", "dd"))
    assert terms == [" ".join(column.name.split()) for column in maps.columns]
    border = maps.columns[[column.name for column in maps.columns].index("border")]
    assert values[terms.index("border")].replace("\N{NO-BREAK SPACE}", " ") == f"{border.values[position]:.1f} %"
    page.mouse.move(1, 1)
    assert where(page, "lit") == [None] * 4


def test_a_click_keeps_a_seed_until_it_is_clicked_again(page: Page, maps: Maps) -> None:
    one, other = alone(maps, 1)[:2]
    page.mouse.click(*spot(page, maps, 1, one))
    page.mouse.move(*spot(page, maps, 1, other))
    assert where(page, "kept") == places(maps, one)
    assert where(page, "lit") == places(maps, other)
    assert page.locator(".one-seed h3").inner_text() == f"Seed {maps.seeds[other]}"
    page.mouse.move(1, 1)
    assert page.locator(".one-seed h3").inner_text().startswith(f"Seed {maps.seeds[one]}")
    page.mouse.click(*spot(page, maps, 1, one))
    assert where(page, "kept") == [None] * 4


def test_the_button_lets_a_kept_seed_go_and_the_focus_stays_near(page: Page) -> None:
    page.locator(".find").fill("3")
    page.locator(".one-seed button").press("Enter")
    assert where(page, "kept") == [None] * 4
    assert page.evaluate("() => document.activeElement.className") == "one-seed"


def test_its_pictures_are_the_report_s_own(page: Page, maps: Maps) -> None:
    seed = page.locator("#best-worst img").first.get_attribute("data-seed")
    assert seed is not None
    page.locator(".find").fill(seed)
    own = set(page.locator(f"img[data-seed='{seed}']").evaluate_all("(found) => found.map((image) => image.src)"))
    shown = page.locator(".one-seed img").evaluate_all("(found) => found.map((image) => image.src)")
    assert len(shown) == len(set(shown)) == min(12, len(own))
    assert set(shown) <= own
    kept = page.locator("img.is-kept").evaluate_all("(found) => found.map((image) => image.dataset.seed)")
    assert set(kept) == {seed}
    page.locator(".find").fill("")
    assert page.locator("img.is-kept").count() == 0


def test_a_seed_without_pictures_is_shown_beside_the_nearest_that_has_some(page: Page, maps: Maps) -> None:
    shown = set(page.locator("img[data-seed]").evaluate_all("(found) => found.map((image) => image.dataset.seed)"))
    bare = [position for position, seed in enumerate(maps.seeds) if str(seed) not in shown]
    assert bare, "the report shows some of its seeds"
    far = np.linalg.norm(maps.maps[0].places - maps.maps[0].places[bare[0]], axis=1)
    near = min((position for position in range(SEEDS) if position not in bare), key=lambda position: far[position])
    page.locator(".find").fill(str(maps.seeds[bare[0]]))
    said = page.locator(".one-seed p").all_inner_texts()
    assert any(text.endswith(f"on the map “Style by PCA”, is seed {maps.seeds[near]}:") for text in said)
    labels = page.locator(".one-seed img").evaluate_all("(found) => found.map((image) => image.title)")
    assert labels
    assert {label.split(":")[0] for label in labels} == {f"seed {maps.seeds[near]}"}


def test_keys_go_from_seed_to_seed_and_say_which(page: Page, maps: Maps) -> None:
    plot = page.locator(".plot").first
    page.locator(".find").focus()
    page.keyboard.press("Tab")
    while page.evaluate("() => !document.activeElement.matches('.plot')"):
        page.keyboard.press("Tab")
    start = where(page, "lit")[0]
    assert start is not None, "the focus lights a seed"
    for key, axis, sign in (("Right", 0, 1), ("Down", 1, 1), ("Left", 0, -1), ("Up", 1, -1)):
        before = where(page, "lit")[0]
        page.keyboard.press(f"Arrow{key}")
        after = where(page, "lit")[0]
        assert before is not None
        assert after is not None
        assert sign * (after[axis] - before[axis]) > 0
    page.keyboard.press("Home")
    page.keyboard.press("PageDown")
    assert where(page, "lit") == places(maps, 1)
    said = page.locator(".said").inner_text()
    assert said.startswith(f"Seed {maps.seeds[1]}: rank over all metrics {maps.columns[0].values[1]:.0f}")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    assert where(page, "kept") == places(maps, 1)
    assert where(page, "lit") == places(maps, SEEDS - 1)
    page.keyboard.press("Escape")
    assert [where(page, which) for which in ("lit", "kept")] == [[None] * 4] * 2
    assert plot.evaluate("(plot) => plot === document.activeElement")
    plot.blur()


def test_page_down_comes_to_every_seed_and_stops_at_the_last(page: Page, maps: Maps) -> None:
    plot = page.locator(".plot").nth(2)
    plot.press("Home")
    for position in range(SEEDS):
        assert where(page, "lit") == places(maps, position)
        plot.press("PageDown")
    assert where(page, "lit") == places(maps, SEEDS - 1)
    plot.press("PageUp")
    assert where(page, "lit") == places(maps, SEEDS - 2)
    plot.blur()


def test_the_search_finds_a_seed_as_it_is_written_and_says_where_there_is_none(page: Page, maps: Maps) -> None:
    find, said = page.locator(".find"), page.locator(".said")
    find.fill(str(LARGEST))
    assert where(page, "kept") == places(maps, 7)
    assert page.locator(".one-seed h3").inner_text().startswith(f"Seed {LARGEST}")
    find.fill(str(LARGEST - 1))  # the same number to a script that counts
    assert where(page, "kept") == [None] * 4
    assert said.inner_text() == f"There is no seed {LARGEST - 1} on these maps."
    find.fill("<img src=x onerror=alert(1)>")
    assert "<img" in said.inner_text()


def test_another_column_colours_the_same_dots(page: Page, maps: Maps) -> None:
    before = page.evaluate(_DOTS)
    for number, column in enumerate(maps.columns):
        page.locator(".by").select_option(str(number))
        for found, rows in zip(maps.maps, page.evaluate(_DOTS), strict=True):
            for step in range(7):
                own = found.places[column.steps == step].tolist()
                assert rows[step] == sorted(f"M{x} {y}" for x, y in own)
        legend = page.locator(".scale")
        assert legend.locator(".low").inner_text() == column.low
        assert legend.locator(".name").text_content() == column.name
        assert legend.get_attribute("class") == f"scale {'two' if column.two_sided else 'one'}"
    page.locator(".by").select_option("0")
    assert page.evaluate(_DOTS) == before
    assert page.evaluate("() => window.hurt === undefined && !document.querySelector('#maps img[src=x]')")


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_no_serious_fault_in_the_report(page: Page, theme: str) -> None:
    folder = install()
    if folder is None:
        pytest.skip("axe-core cannot be installed: that needs npm")
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.locator(".find").fill("5")
    page.evaluate((folder / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("() => window.axe.run(document)")
    faults = [
        (fault["id"], [node["html"][:120] for node in fault["nodes"][:3]])
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert faults == []
    assert len(found["passes"]) > 15


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_and_what_is_pressed_is_large_enough(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.locator(".find").fill("5")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    for name in (".by", ".find", ".one-seed button"):
        box = page.locator(name).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24
    page.set_viewport_size(WINDOW)


def test_without_the_script_the_maps_are_plain_plots(browser: Browser, report: str, maps: Maps) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=WINDOW)
    page = context.new_page()
    page.goto(report)
    plots = page.locator(".plot svg")
    assert plots.count() == 4
    assert page.locator(".tools").is_hidden()
    assert page.locator(".one-seed").is_hidden()
    assert page.locator(".scale .high").is_visible()
    plots.first.scroll_into_view_if_needed()
    position = alone(maps, 0)[0]
    x, y = spot(page, maps, 0, position)
    picture = page.screenshot(clip={"x": x - 1, "y": y - 1, "width": 3, "height": 3})
    assert _mean_colour(picture) != pytest.approx((255, 255, 255), abs=30), "a dot is drawn at the seed's place"
    context.close()


def _mean_colour(png: bytes) -> tuple[float, ...]:
    return tuple(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3).mean(axis=0).tolist())


def test_the_page_runs_no_other_script_and_asks_for_nothing(browser: Browser, report: str, tmp_path: Path) -> None:
    text = Path(report.removeprefix("file://")).read_text(encoding="utf-8")
    planted = (
        "<script>window.hurt = 1</script><script type=module>window.hurt = 2</script>"
        "<img src=x onerror='window.hurt = 3'><img src='https://example.invalid/a.png'>"
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "x", "PNG")
    (tmp_path / "r.html").write_text(text.replace("<main>", f"{planted}<main>", 1), encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto((tmp_path / "r.html").as_uri())
    page.locator(".find").fill("5")
    assert page.locator(".one-seed h3").inner_text().startswith("Seed 5")
    assert page.evaluate("() => window.hurt === undefined")
    assert page.evaluate("() => [...document.images].slice(0, 2).map((image) => image.naturalWidth)") == [0, 0]
    assert [url for url in asked if not url.startswith("data:")] == [(tmp_path / "r.html").as_uri()]
    page.close()
