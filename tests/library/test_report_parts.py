"""The report's parts: verdict, orders, numbers, layout, escaping."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from goodseed.markup import Markup, join, tag
from goodseed.report.charts import composition_chart
from goodseed.report.data import Trait, objects_of, spread, wins_in_hundred
from goodseed.report.layout import best_shown_by, project, spaced
from goodseed.report.numbers import finite, number, percent, percent_span, read_interval, span
from goodseed.report.plan import Composition, Row
from goodseed.report.svg import slim
from goodseed.report.verdict import verdict_of
from goodseed.stats import Interval
from tests.library.test_report import Page

METRICS = {"score": {"direction": "higher"}}


def interval(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def info(gain: tuple[float, float, float], **icc: dict[str, float]) -> dict[str, Any]:
    names = ("gain", "low", "high")
    golden = {"paper": {"score": {**dict(zip(names, gain, strict=True)), "golden": 1.0, "all": 1.0, "k": 9}}}
    return {"metrics": METRICS, "reliability": {"golden_gain": golden, "icc": icc}}


STRONG, NONE = interval(0.5, 0.4, 0.6), interval(0.01, -0.02, 0.03)


@pytest.mark.parametrize(
    ("gain", "looks", "headline"),
    [
        ((0.2, 0.1, 0.3), STRONG, "Yes, the seed matters: in looks and in quality."),
        ((0.2, 0.1, 0.3), NONE, "Yes, the seed matters in quality."),
        ((0.1, -0.1, 0.3), STRONG, "In looks, yes. In quality, not that this study shows."),
        ((0.1, -0.1, 0.3), NONE, "Not that this study shows."),
        ((-0.2, -0.3, -0.1), NONE, "Not that this study shows."),
    ],
)
def test_the_headline_follows_the_intervals_and_null_results_are_said(
    gain: tuple[float, float, float], looks: dict[str, float], headline: str
) -> None:
    assert verdict_of(info(gain, border=looks)).headline == headline


def test_a_loss_on_held_out_prompts_is_called_a_loss() -> None:
    verdict = verdict_of(info((-0.2, -0.3, -0.1), border=NONE))
    assert "worse by score" in verdict.reason
    assert [finding.tone for finding in verdict.findings if "golden seeds" in finding.sentence] == ["bad"]


def test_a_gain_whose_interval_holds_zero_is_no_gain() -> None:
    (finding,) = [f for f in verdict_of(info((0.1, 0.0, 0.3))).findings if "golden seeds" in f.sentence]
    assert "cannot be told from all seeds" in finding.sentence
    assert finding.tone == "plain"


def test_overlap_within_chance_is_called_chance() -> None:
    overlap = {"top": 256, "metrics": ["fid", "score"], "both": 66, "chance": 64.0, "chance_low": 52, "chance_high": 76}
    (finding,) = verdict_of({"metrics": METRICS, "reliability": {"overlap": overlap}}).findings
    assert "as chance has it (64)" in finding.sentence
    (finding,) = verdict_of({"metrics": METRICS, "reliability": {"overlap": {**overlap, "both": 90}}}).findings
    assert "more than chance has (64)" in finding.sentence


def test_odds_are_even_without_a_gain_and_grow_with_it() -> None:
    assert wins_in_hundred(0.0, 1.0) == 50.0
    assert wins_in_hundred(1.0, 1.0) == pytest.approx(76.02, abs=0.01)  # Φ(1/√2)
    assert wins_in_hundred(-1.0, 1.0) == pytest.approx(23.98, abs=0.01)


def test_numbers_are_written_for_readers() -> None:
    assert number(-1234.5678, 1) == "\u22121,234.6"
    assert number(0.00004, 2, sign=True) == "0.00"
    assert number(None) == number(float("nan")) == "–"
    assert percent(0.0523) == "5.2\u00a0%"
    assert percent(0.5) == "50\u00a0%"
    assert percent_span(Interval(0.1, -0.01, 0.2)) == "\u22121.0 to 20\u00a0%"
    assert span(Interval(0.1034, 0.0461, 0.1602), sign=True) == "+0.05 to +0.16"


@pytest.mark.parametrize(
    "entry",
    [
        None,
        3,
        [],
        {},
        {"value": 1},
        {"value": 1, "low": "0", "high": 2},
        {"value": 1, "low": True, "high": 2},
        {"value": 1, "low": 0, "high": 1e999},
    ],
)
def test_an_interval_that_is_none_is_left_out(entry: Any) -> None:
    assert read_interval(entry) is None
    assert finite(True) is None


def test_plain_strings_are_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b>", tag("i", "&"), class_='"x') == '<p class="&quot;x">&lt;b&gt;<i>&amp;</i></p>'
    assert join("<", Markup("<"), None) == "&lt;<"
    assert tag("p", "a\x00b\ud800c") == "<p>a b c</p>"


def test_objects_are_found_in_prompts() -> None:
    prompts = ["a red ball under the sky", "a big ball", "a box on stripes", "a small box"]
    assert objects_of(prompts) == {"ball": [0, 1], "box": [2, 3]}
    alone = ["a walk along the river at night", "portrait of a woman"]
    assert objects_of(alone) == {prompt: [i] for i, prompt in enumerate(alone)}


def test_pictures_on_the_map_never_overlap_and_fill_it() -> None:
    points = np.random.default_rng(3).random((500, 2))
    shown = spaced(points, 0.1, 0.15, 100)
    assert len(shown) == len(set(shown)) > 20
    for one in shown:
        for other in shown:
            apart = np.abs(points[one] - points[other]) / [0.1, 0.15]
            assert one == other or apart.max() >= 1.0


def test_the_map_keeps_neighbours_and_ignores_shift_and_scale() -> None:
    random = np.random.default_rng(4)
    features = random.standard_normal((60, 2)) @ random.standard_normal((2, 12))
    plane, same = project(features), project(features * 7 + 3)
    assert plane is not None
    assert same is not None
    np.testing.assert_allclose(plane.points, same.points, atol=1e-9)
    assert sum(plane.shares) == pytest.approx(1.0)
    assert plane.points.min() == 0.0
    assert plane.points.max() == 1.0


def test_features_without_any_difference_make_no_map() -> None:
    assert project(np.ones((9, 4))) is None
    assert project(np.random.default_rng(0).random((2, 4))) is None
    assert project(np.random.default_rng(0).random((5, 1))) is not None


def test_the_prompt_that_follows_the_map_is_shown() -> None:
    random = np.random.default_rng(5)
    points = random.random((40, 2))
    features = random.random((40, 6))
    features[:, 2:4] = points @ np.array([[2.0, 1.0], [0.5, -1.0]])
    assert best_shown_by(points, features, 3) == 1


def test_positions_are_spread_evenly() -> None:
    assert spread(10, 3) == [0, 4, 9]
    assert spread(2, 6) == [0, 1]
    assert spread(0, 3) == []


def test_dots_of_a_chart_are_circles_at_their_places_and_say_once_how_they_look() -> None:
    random = np.random.default_rng(6)
    places = np.column_stack([random.uniform(0.3, 0.7, (50, 2)), random.random(50)])
    panel = Composition("ball", 1, places, (), Row("ball", "", ()))
    chart = composition_chart(panel, 0.25, range(50))
    x, y, radius = np.array(re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"/>', chart), float).T
    for drawn, value in ((x, places[:, 0]), (y, places[:, 1]), (radius**2, places[:, 2])):
        assert np.corrcoef(drawn, value)[0, 1] == pytest.approx(1.0, abs=1e-3)
    assert chart.count("fill-opacity: 0.5") == 1
    assert chart.count("clip-path=") < 5
    assert not Page(chart).open, "every element is closed"


def test_what_is_no_circle_stays_a_path() -> None:
    oval = '<path d="M 5 10 ' + "C 1 1 2 2 9 9 " * 7 + 'C 1 1 2 2 5 10 z " style="fill: red"/>'
    alone = '<use href="#a" x="1" y="2" style="fill: red"/> <use href="#a" x="1" y="2" style="fill: blue"/>'
    assert slim(oval + alone) == oval + alone


def test_seeds_without_a_trait_are_not_among_those_that_show_it_most() -> None:
    assert Trait("border", "", np.array([0, 0.25, 0, 0.75, 0.5, 0.25])).strongest(3) == [3, 4, 1]
    assert Trait("border", "", np.array([0, 0.75, 0, 0])).strongest(3) == [1]
