"""The report: one file with everything inside, whatever the bank holds or lacks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodseed.banks import Bank, make_bank
from goodseed.errors import OutputError
from goodseed.report import write_report
from goodseed.report.pictures import LIMIT
from goodseed.report.write import Report
from tests.library.fake_model import FakeGenerator

SECTIONS = ["best-worst", "golden", "scores", "share", "style", "traits", "composition", "diverse", "maps", "method"]
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='a()'>&lt; $\\frac{1}{0}$ </style> \u202e"
OWN_SCRIPTS = [{"type": "application/json", "id": "maps-data"}, {"type": "module"}]
FILE = HOSTILE.replace("/", "|").replace("\\", "|")


def a_bank(seeds: int = 24, drop: tuple[str, ...] = (), change: Mapping[str, Any] | None = None) -> Bank:
    """Make a bank of noise with all that a study gives; `drop` names parts of the info to empty."""
    random, prompts = np.random.default_rng(5), 4
    texts = {
        s: [f"a {w} ball" if i % 2 else f"a {w} box" for i, w in enumerate(["red", "big", "low", "old"])] for s in "ab"
    }
    texts["b"] = [f"{text} on a table" for text in texts["b"]]
    common = {"version": "1", "weights_sha256": "", "about": "a number"}
    info: dict[str, Any] = {
        **FakeGenerator().describe(),
        "schema": 1,
        "prompts": {"selection": _prompts(texts["a"]), "held_out": _prompts(texts["b"])},
        "reference": {},
        "metrics": {
            "score": {**common, "direction": "higher", "per": "image"},
            "fid": {**common, "direction": "lower", "per": "seed"},
        },
        "traits": {"border": common, "sky": common},
        "features": {
            "style": {**common, "prompts": prompts, "per_prompt": 2, "names": ["pc1", "pc2"]},
            "composition": {**common, "prompts": prompts, "per_prompt": 3, "names": ["x", "y", "size"]},
        },
        "design": {"kind": "exhaustive", "images": seeds * prompts * 2},
        "reliability": {
            "icc": {name: {"value": 0.2, "low": 0.1, "high": 0.3} for name in ("score", "border", "centroid_x")},
            "rank_correlation": {"score": {"value": 0.4, "low": 0.2, "high": 0.6}},
            "overlap": {
                "top": 6,
                "metrics": ["fid", "score"],
                "both": 2,
                "chance": 1.5,
                "chance_low": 0,
                "chance_high": 3,
            },
            "golden_gain": {
                "paper": {"score": {"golden": 0.5, "all": 0.4, "gain": 0.1, "low": 0.02, "high": 0.2, "k": 2}}
            },
            "diverse_gain": {"style": {"diverse": 0.8, "random": 0.9, "gain": 0.1, "low": -0.1, "high": 0.3, "n": 4}},
        },
        "software": {"goodseed": "0.1.0"},
    }
    for part in drop:
        info[part] = {}
    info.update(change or {})
    tensors: dict[str, np.ndarray] = {"seeds": np.arange(seeds, dtype=np.int64)}
    for metric in info["metrics"]:
        for prefix in ("metric", "heldout"):
            tensors[f"{prefix}.{metric}.mean"] = random.standard_normal(seeds).astype(np.float32)
            tensors[f"{prefix}.{metric}.stderr"] = np.full(seeds, 0.1, np.float32)
            tensors[f"{prefix}.{metric}.n"] = np.full(seeds, prompts, np.int32)
    for trait in info["traits"]:
        tensors[f"trait.{trait}"] = random.random(seeds).astype(np.float32)
    for feature, about in info["features"].items():
        tensors[f"feature.{feature}"] = random.random((seeds, prompts * about["per_prompt"])).astype(np.float32)
    return make_bank(tensors, info, "a-bank")


def _prompts(texts: list[str]) -> dict[str, Any]:
    sha256 = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return {"sha256": sha256, "count": len(texts), "order": "as given", "licence": "CC0-1.0", "texts": texts}


class Page(HTMLParser):
    """What a page holds: its tags with attributes, ids, scripts, and the text outside of styles and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes what it did not open"

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.text += data

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.tags if "id" in attrs]

    def images(self) -> list[str]:
        return [attrs["src"] or "" for tag, attrs in self.tags if tag == "img"]


def report_of(bank: Bank, folder: Path, generator: FakeGenerator | None = None) -> Page:
    write_report(bank, folder / "report.html", generator)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A full bank's report, with its figures as PNG."""
    folder = tmp_path_factory.mktemp("report")
    return write_report(a_bank(), folder / "r.html", FakeGenerator(), folder / "figures")


def test_a_full_bank_has_every_section_with_figures_and_well_formed_html(written: Report) -> None:
    page = Page(written.path.read_text(encoding="utf-8"))
    assert not page.open, "every element is closed"
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS
    assert not any(attrs.get("class") == "gap" for _, attrs in page.tags), "nothing is missing from a full bank"
    assert sum(tag == "table" for tag, _ in page.tags) == 5
    assert "Yes, the seed matters: in looks and in quality." in page.text
    assert "+0.10" in page.text
    assert "+0.02 to +0.20" in page.text
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert links == [f"#{name}" for name in SECTIONS]


def test_the_file_asks_for_nothing_outside_itself(written: Report) -> None:
    text = written.path.read_text(encoding="utf-8")
    page = Page(text)
    assert "http" not in text.replace("http-equiv", "")
    assert not re.search(r"//[a-z]", re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "", text))
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert not any(tag in {"link", "iframe", "object", "embed"} for tag, _ in page.tags)
    assert [attrs for tag, attrs in page.tags if tag == "script"] == OWN_SCRIPTS
    assert page.images()
    for _, attrs in page.tags:
        for key in ("src", "href", "xlink:href"):
            if key in attrs:
                assert re.match(r"data:image/(webp|png);base64,|#", attrs[key] or "")
    for _, attrs in page.tags:
        assert not any(key.startswith("on") for key in attrs)


def test_ids_are_unique_and_what_charts_refer_to_is_there(bare_report: str) -> None:
    page = Page(bare_report)
    assert len(page.ids) == len(set(page.ids))
    used = [(attrs.get("href") or attrs.get("xlink:href") or "#method")[1:] for tag, attrs in page.tags if tag == "use"]
    assert used
    assert set(used) <= set(page.ids)


def test_every_text_from_a_bank_is_shown_as_text(tmp_path: Path) -> None:
    judged = {"version": HOSTILE, "weights_sha256": "", "about": HOSTILE}
    change = {
        "prompts": {
            "selection": _prompts([HOSTILE, "b", "c", "d"]),
            "held_out": _prompts([f"x {HOSTILE}", "f", "g", "h"]),
        },
        "metrics": {"score": {**judged, "direction": "higher", "per": "image"}},
        "features": {
            "style": {**judged, "prompts": 4, "per_prompt": 2, "names": [HOSTILE, HOSTILE]},
            "composition": {**judged, "prompts": 4, "per_prompt": 3, "names": [HOSTILE, "y", "size"]},
        },
        "traits": {"border": judged},
        "design": {"kind": HOSTILE, "images": 8},
        "software": {HOSTILE: HOSTILE},
        "adapters": [{"file": FILE, "sha256": "0" * 64}],
        "reference": {"selection": {"what": HOSTILE, "sha256": "0" * 64, "count": 9}},
        "reliability": {
            "icc": {HOSTILE: {"value": 0.5, "low": 0.1, "high": 0.9}},
            "rank_correlation": {HOSTILE: {"value": 0.5, "low": 0.1, "high": 0.9}},
            "golden_gain": {
                HOSTILE: {HOSTILE: {"gain": 1, "low": 0.5, "high": 2, "golden": HOSTILE, "all": None, "k": "x"}}
            },
            "diverse_gain": {HOSTILE: {"gain": 1, "low": 0.5, "high": 2}},
            "overlap": {
                "metrics": [HOSTILE, HOSTILE],
                "top": 3,
                "both": 1,
                "chance": 1,
                "chance_low": 0,
                "chance_high": 2,
            },
        },
    }
    bank = a_bank(change=change)
    info = {**bank.info, "sampling": {**bank.info["sampling"], "sampler": HOSTILE, "negative_prompt": HOSTILE}}
    info["model"] = {**info["model"], "family": HOSTILE, "file": FILE}
    bank = make_bank(bank.tensors, info, HOSTILE)
    generator = FakeGenerator()
    described = {key: bank.info[key] for key in generator.describe()}
    generator.describe = lambda: described  # type: ignore[method-assign]
    page = report_of(bank, tmp_path, generator)
    assert not page.open
    assert [attrs for tag, attrs in page.tags if tag == "script"] == OWN_SCRIPTS
    assert all(src.startswith("data:image/") for src in page.images())
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    assert page.text.count("<script>alert(1)</script>") > 20
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS


@pytest.mark.parametrize(
    ("seeds", "drop"),
    [
        (1, ()),
        (2, ()),
        (3, ()),
        (24, ("traits",)),
        (5, ("features",)),
        (80, ("reliability",)),
        (24, ("metrics",)),
        (1, ("traits", "features", "reliability", "metrics", "software")),
    ],
)
def test_what_a_bank_lacks_is_said_and_the_rest_is_shown(tmp_path: Path, seeds: int, drop: tuple[str, ...]) -> None:
    bank = a_bank(seeds, drop)
    page = report_of(bank, tmp_path, FakeGenerator())
    assert not page.open
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS
    gaps = sum(attrs.get("class") == "gap" for _, attrs in page.tags)
    assert gaps >= len(set(drop) & {"traits", "features", "reliability", "metrics"})
    if "reliability" in drop:
        assert "The bank does not say whether the seed matters." in page.text
    assert "nan" not in page.text.lower().split()
    assert "None" not in page.text


def test_best_seeds_without_a_lead_on_held_out_prompts_come_with_a_warning(tmp_path: Path) -> None:
    def gain(low: float) -> dict[str, Any]:
        entry = {"golden": 0.5, "all": 0.4, "gain": 0.1, "low": low, "high": 0.2, "k": 2}
        return {"reliability": {"golden_gain": {"paper": {"score": entry}}}}

    warning = "what sets these rows apart may be chance"
    assert warning not in report_of(a_bank(change=gain(0.05)), tmp_path).text
    assert warning in report_of(a_bank(change=gain(-0.05)), tmp_path).text


def test_without_a_generator_the_report_says_so_and_keeps_its_charts(bare_report: str) -> None:
    page = Page(bare_report)
    assert "Without pictures: no generator was given that can make them again." in page.text
    assert page.images() == []
    assert sum(tag == "svg" for tag, _ in page.tags) == 9  # two metrics, the style map, two objects, four maps of seeds


def test_pictures_of_another_model_are_never_shown(tmp_path: Path) -> None:
    bank = a_bank()
    other = make_bank(bank.tensors, {**bank.info, "model": {**bank.info["model"], "tensors_sha256": "1" * 64}})
    page = report_of(other, tmp_path, FakeGenerator())
    assert "the generator at hand differs from the one measured in: model" in page.text
    assert page.images() == []


def test_a_bank_without_its_prompts_texts_has_no_pictures_and_says_so(tmp_path: Path) -> None:
    bank = a_bank()
    bare = {name: {k: v for k, v in entry.items() if k != "texts"} for name, entry in bank.info["prompts"].items()}
    page = report_of(make_bank(bank.tensors, {**bank.info, "prompts": bare}), tmp_path, FakeGenerator())
    assert "the bank does not hold its prompts’ texts" in page.text
    assert page.images() == []


def test_a_large_bank_asks_for_few_pictures_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "made"
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(log))
    monkeypatch.setattr("goodseed.report.maps.MOST_DOTS", 100)
    traits = {f"t{i}": {"version": "1", "weights_sha256": "", "about": ""} for i in range(12)}
    seen: list[tuple[int, int]] = []
    written = write_report(
        a_bank(3000, change={"traits": traits}),
        tmp_path / "r.html",
        FakeGenerator(),
        progress=lambda *at: seen.append(at),
    )
    made = log.read_text().splitlines()
    assert len(made) == len(set(made)) == written.pictures <= LIMIT
    assert seen[-1] == (written.pictures, written.pictures)
    assert (tmp_path / "r.html").stat().st_size < 4_000_000


def test_the_same_bank_gives_the_same_file(written: Report, tmp_path: Path) -> None:
    again = write_report(a_bank(), tmp_path / "b.html", FakeGenerator(), tmp_path / "b")
    assert written.path.read_bytes() == again.path.read_bytes()
    assert [png.name for png in written.pngs] == [png.name for png in again.pngs]
    for png, same in zip(written.pngs, again.pngs, strict=True):
        assert png.read_bytes() == same.read_bytes()


def test_the_figures_come_as_png_on_request(written: Report) -> None:
    names = {"best-worst", "traits", "diverse", "style-map", "composition-map", "maps", "scores-fid", "scores-score"}
    assert {path.stem for path in written.pngs} == names
    for path in written.pngs:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert min(image.size) >= 400
            assert len(set(image.convert("L").resize((64, 64)).tobytes())) > 8, f"{path.name} is blank"


def test_a_place_that_cannot_be_written_stops_before_any_picture_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "made"
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(log))
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file" / "r.html", tmp_path, Path("/proc/no/r.html")):
        with pytest.raises(OutputError, match="cannot be written") as raised:
            write_report(a_bank(), out, FakeGenerator())
        assert "\n" not in str(raised.value)
    assert not log.exists()
