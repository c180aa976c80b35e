"""The report's maps: where seeds lie, what the figures beside them say, and what the page holds of them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed.banks import Bank, make_bank, read_bank
from goodseed.banks.clean import clean_positions
from goodseed.banks.diverse import farthest_point_sampling
from goodseed.report.data import spread
from goodseed.report.embedding import FEWEST, perplexity_for, trust, tsne
from goodseed.report.layout import principal
from goodseed.report.maps import SIDE, STEPS, Column, Maps, SeedMap, make_maps
from goodseed.report.maps_section import STYLE, maps_section
from goodseed.report.maps_sheet import ONE, RING, TWO
from tests.library.bank_maker import make_inpaint_bank
from tests.library.test_report import HOSTILE, Page, a_bank, report_of

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "seedbanks" / "published-sd2.safetensors"


def clusters(seeds: int = 60, columns: int = 12, apart: float = 9.0) -> tuple[np.ndarray, np.ndarray]:
    """Make features [S, D] in three groups of equal size, and each seed's group [S]."""
    random = np.random.default_rng(7)
    group = np.arange(seeds) % 3
    return apart * random.standard_normal((3, columns))[group] + random.standard_normal((seeds, columns)), group


def with_style(features: np.ndarray, held_out: np.ndarray | None = None, seeds: np.ndarray | None = None) -> Bank:
    """Make a bank whose style features are these [S, 8]."""
    bank = a_bank(len(features))
    tensors = {**bank.tensors, "feature.style": features.astype(np.float32)}
    if held_out is not None:
        tensors["heldout.feature.style"] = held_out.astype(np.float32)
    if seeds is not None:
        tensors["seeds"] = seeds
    return make_bank(tensors, {key: value for key, value in bank.info.items() if key != "id"}, "a-bank")


def named(maps: Maps, name: str) -> Column:
    (found,) = [column for column in maps.columns if column.name == name]
    return found


def test_tsne_is_the_same_in_another_process_with_other_threads() -> None:
    code = (
        "import numpy as np; from goodseed.report.layout import principal; from goodseed.report.embedding import tsne;"
        "x = np.random.default_rng(3).standard_normal((90, 6));"
        "print(tsne(x, principal(x).points).tobytes().hex())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    features = np.random.default_rng(3).standard_normal((90, 6))
    plane = principal(features)
    assert plane is not None
    assert elsewhere.strip() == tsne(features, plane.points).tobytes().hex()


def test_tsne_leaves_random_state_alone_and_keeps_groups_together() -> None:
    features, group = clusters()
    plane = principal(features)
    assert plane is not None
    before = np.random.get_state()[1].copy()  # type: ignore[union-attr]
    points = tsne(features, plane.points)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[arg-type]
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.diag(np.full(len(points), np.inf))
    assert (group[apart.argmin(axis=1)] == group).all(), "each seed's nearest on the map is of its own group"


def test_perplexity_follows_the_number_of_seeds() -> None:
    assert perplexity_for(1024) == perplexity_for(91) == 30
    assert perplexity_for(32) == pytest.approx(31 / 3)
    assert all(perplexity_for(n) < n for n in range(FEWEST, 200))


def test_trust_is_high_for_what_is_there_and_that_of_chance_where_nothing_is() -> None:
    features, _ = clusters(90, 2)
    plane, noise = principal(features), np.random.default_rng(1).standard_normal((90, 30))
    assert plane is not None
    kept = trust(features, noise, plane.points)
    assert kept.value == pytest.approx(1.0, abs=1e-3)  # the features are the plane
    assert kept.chance == pytest.approx(0.5, abs=0.1)
    assert kept.held_out == pytest.approx(0.5, abs=0.1)
    assert kept.neighbours == 10
    assert trust(features[:5], None, plane.points[:5]).neighbours == 2


def test_places_keep_the_seeds_order_and_the_shape_of_the_plane() -> None:
    features, _ = clusters(40, 8)
    features[17] += 30  # one seed far from all
    (first, second) = [make_maps(with_style(features)) for _ in range(2)]
    pca: SeedMap = first.maps[0]
    assert [found.name for found in first.maps[:2]] == ["Style by PCA", "Style by t-SNE"]
    for one, other in zip(first.maps, second.maps, strict=True):
        assert np.array_equal(one.places, other.places)
    plane = principal(features.astype(np.float32))
    assert plane is not None
    scale = np.ptp(pca.places, axis=0) / np.ptp(plane.points, axis=0)
    assert scale[0] == pytest.approx(scale[1], rel=0.01), "one scale for both axes"
    away = np.linalg.norm(pca.places - np.median(pca.places, axis=0), axis=1)
    assert first.seeds[int(away.argmax())] == 17
    for found in first.maps:
        assert found.places.min() >= 0
        assert found.places[:, 0].max() <= SIDE
        assert found.places[:, 1].max() <= found.height <= SIDE


def test_shares_of_pca_are_those_of_the_variance_beside_chance() -> None:
    features = np.random.default_rng(2).standard_normal((200, 8)) * [5, 3, 1, 1, 1, 1, 1, 1]
    found = make_maps(with_style(features)).maps[0]
    power = np.sort(np.linalg.eigvalsh(np.cov(features.T)))[::-1]
    np.testing.assert_allclose(found.shares, power[:2] / power.sum(), rtol=1e-4)
    assert found.by_chance == 2 / 8


def test_colours_of_metrics_hold_equally_many_seeds_and_the_best_are_bluest() -> None:
    bank = a_bank(70)
    maps = make_maps(bank)
    for name, best in (("score", np.argmax), ("fid", np.argmin)):
        column = named(maps, name)
        assert np.bincount(column.steps, minlength=STEPS).tolist() == [10] * STEPS
        assert column.two_sided
        assert column.steps[best(bank.tensors[f"metric.{name}.mean"])] == STEPS - 1
        assert column.low.startswith("worst")
    rank = named(maps, "rank over all metrics")
    assert sorted(rank.values) == list(range(1, 71))
    assert rank.steps[int(np.argmin(rank.values))] == STEPS - 1


def test_colours_of_shares_are_equal_steps_from_little_to_much() -> None:
    bank = a_bank(70)
    shares = bank.tensors["trait.border"].astype(np.float64)
    column = named(make_maps(bank), "border")
    np.testing.assert_allclose(column.values, 100 * shares)
    assert (np.diff(column.steps[np.argsort(shares)]) >= 0).all()
    middle = (shares - shares.min()) / np.ptp(shares)
    assert (column.steps == np.minimum(STEPS - 1, np.floor(STEPS * middle))).all()


def test_equal_values_have_one_colour() -> None:
    bank = a_bank(30)
    tensors = {**bank.tensors, "metric.score.mean": np.repeat(np.float32([1, 2, 3]), 10)}
    tensors["trait.sky"] = np.full(30, 0.25, np.float32)
    maps = make_maps(make_bank(tensors, bank.info))
    assert [len(set(part)) for part in np.split(named(maps, "score").steps, 3)] == [1, 1, 1]
    assert set(named(maps, "sky").steps) == {0}


def test_marked_are_the_golden_the_faulty_and_the_diverse_seeds() -> None:
    bank = a_bank(64)
    maps = make_maps(bank)
    marks = {mark.name: mark for mark in maps.marks}
    score, fid = bank.tensors["metric.score.mean"], bank.tensors["metric.fid.mean"]
    quarter = set(np.argsort(-score, kind="stable")[:16]) & set(np.argsort(fid, kind="stable")[:16])
    assert set(marks["golden"].members) == quarter != set()
    assert set(marks["border"].members) == set(np.flatnonzero(bank.tensors["trait.border"] > 0.5))
    for feature in ("style", "composition"):
        mark = marks[f"diverse by {feature}"]
        start = int(np.random.default_rng(0).choice(64, 4, replace=False)[0])
        assert set(mark.members) == set(farthest_point_sampling(bank.tensors[f"feature.{feature}"], 4, start))
        assert mark.features == (feature,)


def test_a_bank_on_text_in_holes_is_coloured_by_it_and_its_clean_seeds_are_marked() -> None:
    bank = make_inpaint_bank()
    maps = make_maps(bank)
    assert maps.columns[0].name == f"text, {bank.tasks[0]}"
    np.testing.assert_allclose(maps.columns[0].values, 100 * bank.text_share(bank.tasks[0]))
    assert maps.columns[0].held_out is not None
    count = max(1, len(bank.seeds) // 16)
    assert set(maps.marks[0].members) == set(clean_positions(bank, None)[:count])
    assert "golden" not in [mark.name for mark in maps.marks]


def test_a_large_bank_is_drawn_with_some_of_its_seeds_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goodseed.report.maps.MOST_DOTS", 40)
    maps = make_maps(a_bank(500))
    assert maps.total == 500
    assert 40 <= len(maps.seeds) <= 48
    assert all(len(found.places) == len(maps.seeds) for found in maps.maps)
    picks = [mark for mark in maps.marks if mark.shape == "diamond"]
    assert [len(mark.members) for mark in picks] == [4, 4]
    even = set(spread(500, 40))
    added = len(set(maps.seeds) - even)
    assert 0 < added == maps.added == len(maps.seeds) - len(even)
    drawn = f"Drawn are {40 + added} of 500 seeds: 40 evenly spread over the bank, and {added} diverse ones besides."
    assert drawn in maps_section(maps)


@pytest.mark.parametrize("seeds", [1, 2, 3, FEWEST - 1, FEWEST])
def test_few_seeds_have_the_maps_that_they_can_have(seeds: int) -> None:
    maps = make_maps(a_bank(seeds))
    methods = [found.method for found in maps.maps]
    assert methods == (["PCA", "t-SNE"] * 2 if seeds == FEWEST else ["PCA"] * 2 if seeds > 2 else [])
    assert len(maps.gaps) == (0 if seeds == FEWEST else 2)


def test_seeds_that_do_not_differ_and_features_that_are_not_there_are_said() -> None:
    maps = make_maps(with_style(np.ones((20, 8))))
    assert [found.feature for found in maps.maps] == ["composition", "composition"]
    assert "show no difference" in maps.gaps[0]
    bare = make_maps(a_bank(drop=("features",)))
    assert bare.gaps == (
        "This study measured no style features.",
        "This study measured no composition features.",
    )
    assert "plots" not in maps_section(bare)


def test_a_published_bank_has_no_maps_and_its_page_no_script(tmp_path: Path) -> None:
    page = report_of(read_bank(PUBLISHED), tmp_path)
    assert "maps" not in page.ids
    assert page.scripts == []
    assert "script-src 'none'" in policy(page)


def policy(page: Page) -> str:
    (found,) = [attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert found is not None
    return found


def data_of(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.scripts[0])
    return found


def test_the_page_allows_its_own_script_and_nothing_else(bare_report: str) -> None:
    page = Page(bare_report)
    own = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    parts = dict(part.split(" ", 1) for part in policy(page).split("; "))
    assert parts["script-src"] == f"'sha256-{own}'"
    assert parts["default-src"] == parts["base-uri"] == parts["form-action"] == "'none'"
    assert parts["img-src"] == "data:"


def test_dots_and_data_of_the_page_give_each_seed_its_place_and_figures(tmp_path: Path) -> None:
    seeds = np.arange(30, dtype=np.int64)[::-1].copy()
    seeds[4] = -1  # in the file's two's complement: the largest seed, too large for a number of JavaScript
    bank = with_style(np.random.default_rng(6).random((30, 8)), seeds=seeds)
    maps, page = make_maps(bank), report_of(bank, tmp_path)
    data = data_of(page)
    assert data["seeds"].split(" ") == [str(seed) for seed in bank.seeds]
    assert data["seeds"].split(" ")[4] == str(2**64 - 1)
    paths = [attrs for tag, attrs in page.tags if tag == "path" and re.fullmatch(r"b\d", attrs.get("class") or "")]
    assert len(paths) == STEPS * len(maps.maps)
    for place, found in enumerate(maps.maps):
        own = {attrs["class"]: attrs["d"] or "" for attrs in paths[STEPS * place : STEPS * (place + 1)]}
        rows = {name: iter(re.findall(r"M(\d+) (\d+)", d)) for name, d in own.items()}
        read = [tuple(map(int, next(rows[f"b{step}"]))) for step in data["columns"][0]["steps"]]
        assert read == [tuple(point) for point in found.places.tolist()]
    for column, written in zip(maps.columns, data["columns"], strict=True):
        np.testing.assert_allclose(written["values"], column.values, atol=0.5 * 10**-column.decimals + 1e-9)
        assert [int(step) for step in written["steps"]] == column.steps.tolist()


def test_no_text_of_a_bank_ends_the_data_and_each_is_read_as_it_is(tmp_path: Path) -> None:
    bank = a_bank()
    features = {**bank.info["features"]}
    features["composition"] = {**features["composition"], "names": [HOSTILE, "y", "size"]}
    page = report_of(make_bank(bank.tensors, {**bank.info, "features": features}), tmp_path)
    assert HOSTILE in [column["name"] for column in data_of(page)["columns"]]
    assert not set("<>&") & set(page.scripts[0])
    assert "<script>alert(1)</script>" in page.text  # as a choice of colours
    assert not page.open


def test_what_a_map_must_not_be_read_for_stands_under_it(tmp_path: Path) -> None:
    features = np.random.default_rng(8).random((40, 8))
    page = report_of(with_style(features, features + 0.01), tmp_path)
    assert page.text.count("the distances between groups, their sizes and the axes mean nothing") == 2
    assert page.text.count("two at random hold") == 2
    found = re.findall(
        r"Trustworthiness of the nearest 10 seeds \(at best 1\): 0\.\d\d(, against set 2 0\.\d\d)?", page.text
    )
    assert [bool(held_out) for held_out in found] == [True, True, False, False]
    assert page.text.count("by chance 0.") == 4


def test_without_the_script_nothing_is_shown_that_needs_it(bare_report: str) -> None:
    page = Page(bare_report)
    for name in ("tools", "one-seed"):
        (found,) = [attrs for _, attrs in page.tags if attrs.get("class") == name]
        assert found["hidden"] == "hidden"


def test_the_maps_add_less_than_200_kb_for_1024_seeds() -> None:
    random = np.random.default_rng(0)
    shown = random.integers(0, SIDE, (1024, 2))
    column = Column("a metric", random.random(1024), random.integers(0, STEPS, 1024), 2, "", "", "", True)
    nothing = trust(shown[:20], None, shown[:20])
    maps = Maps(
        tuple(range(1024)), 1024, (SeedMap("style", "PCA", shown, nothing, (0.1, 0.1), 0.1),) * 4, (column,) * 16
    )
    assert len(maps_section(maps)) < 200_000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_stands_out_from_its_paper(theme: str) -> None:
    """Web Content Accessibility Guidelines 2.2, 1.4.11: 3 to 1."""
    text = STYLE.read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    colours = re.findall(r"--((?:two|one)-\d|ring|square): (#[0-9a-f]{6})", light if theme == "light" else dark)
    assert len(colours) == 2 * STEPS + 2
    paper = luminance("#ffffff" if theme == "light" else "#1d2320")
    for name, colour in colours:
        low, high = sorted([luminance(colour), paper])
        assert (high + 0.05) / (low + 0.05) >= 3.0, name


def test_the_png_has_the_page_s_colours() -> None:
    light = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert tuple(re.findall(r"--two-\d: (#[0-9a-f]{6})", light)) == TWO
    assert tuple(re.findall(r"--one-\d: (#[0-9a-f]{6})", light)) == ONE
    assert f"--ring: {RING};" in light


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_chart_s_own_rules_do_not_reach_the_page(bare_report: str) -> None:
    assert "<style" not in bare_report.partition("</head>")[2]
