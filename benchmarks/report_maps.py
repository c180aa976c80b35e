"""The maps of a report of 1,024 seeds: what they add to the file, and how soon they answer in a real Chromium.

Prints how long making the maps takes, how far each can be trusted, the kilobytes that they add to the report, and the
page's own work for a step of the pointer from seed to seed and for another colour of all dots, with what it takes to
draw, in milliseconds and in frames of a screen of 60 Hz. `--picture FILE` also writes the maps as in the README.

    python benchmarks/report_maps.py [--bank seedbanks/goodseed-demo.safetensors] [--moves 300] [--picture FILE]
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from goodseed.banks import read_bank  # noqa: E402
from goodseed.report import write_report  # noqa: E402
from goodseed.report.maps import make_maps  # noqa: E402
from goodseed.report.maps_section import STYLE, maps_section, script  # noqa: E402
from goodseed.study.registry import make_pair  # noqa: E402
from tests.browser.frontends import find_chromium  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

FRAME = 1000 / 60

_MOVES = """async (count) => {
  const frame = () => new Promise(requestAnimationFrame)
  const plots = [...document.querySelectorAll('.plot')]
  const spent = []
  for (let move = 0; move < count; move += 1) {
    const plot = plots[move % plots.length]
    const box = plot.querySelector('svg').getBoundingClientRect()
    const [x, y] = [0.2 + 0.6 * ((move * 0.618) % 1), 0.2 + 0.6 * ((move * 0.414) % 1)]
    const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true }
    const start = performance.now()
    plot.dispatchEvent(new PointerEvent('pointermove', at))
    document.body.getBoundingClientRect()
    spent.push(performance.now() - start)
    if (move % 20 === 0) await frame()
  }
  return spent
}"""
_COLOURS = """async () => {
  const by = document.querySelector('.by')
  const spent = []
  for (const option of by.options) {
    by.value = option.value
    const start = performance.now()
    by.dispatchEvent(new Event('change'))
    await new Promise(requestAnimationFrame)
    await new Promise((done) => setTimeout(done))
    spent.push(performance.now() - start)
  }
  return spent
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, default=ROOT / "seedbanks" / "goodseed-demo.safetensors")
    parser.add_argument("--moves", type=int, default=300)
    parser.add_argument("--picture", type=Path, help="also write the maps as a picture, with the demo model's images")
    options = parser.parse_args()
    bank = read_bank(options.bank)
    start = time.perf_counter()
    maps = make_maps(bank)
    print(f"{len(maps.seeds):,} seeds on {len(maps.maps)} maps, made in {time.perf_counter() - start:.1f} s")
    for found in maps.maps:
        held_out = "" if found.trust.held_out is None else f", against set 2 {found.trust.held_out:.3f}"
        shares = "" if found.shares is None else f", variance {found.shares[0]:.3f} and {found.shares[1]:.3f}"
        trust = f"trustworthiness {found.trust.value:.3f}{held_out}, chance {found.trust.chance:.3f}"
        print(f"  {found.name}: {trust}{shares}")
    added = len(maps_section(maps).encode()) + len(script().encode()) + STYLE.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.html"
        write_report(bank, report, make_pair("demo")[0] if options.picture else None)
        whole = report.stat().st_size
        print(f"they add {added / 1000:.0f} kB to the report of {whole / 1000:,.0f} kB")
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            page.goto(report.as_uri())
            page.locator("#maps").scroll_into_view_if_needed()
            say("a step of the pointer", page.evaluate(_MOVES, options.moves))
            say("another colour, to the next frame", page.evaluate(_COLOURS))
            if options.picture:
                draw(page, options.picture)
            browser.close()


def say(what: str, spent: list[float]) -> None:
    middle, slow = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
    frames = f"{middle / FRAME:.2f} and {slow / FRAME:.2f} frames"
    print(f"{what}: median {middle:.1f} ms, 95 % below {slow:.1f} ms ({frames}), over {len(spent)}")


def draw(page: Page, out: Path) -> None:
    """Write the maps of style with the best seed kept, as a JPEG 900 pixels wide."""
    page.set_viewport_size({"width": 1200, "height": 1600})
    best = page.locator("#best-worst img").first.get_attribute("data-seed")
    page.locator(".find").fill(best or "")
    page.evaluate("() => document.activeElement.blur()")
    page.locator("#maps .plots figure:nth-child(n + 3)").evaluate_all("(found) => found.forEach((one) => one.remove())")
    page.evaluate(
        """() => {
          const { height } = document.querySelector('#maps .plots figure').getBoundingClientRect()
          document.querySelector('.one-seed').style.maxHeight = `${height}px`
        }"""
    )
    png = page.locator(".atlas").screenshot()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.resize((900, round(image.height * 900 / image.width)), Image.Resampling.LANCZOS).save(out, quality=82)


if __name__ == "__main__":
    main()
