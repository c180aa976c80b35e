"""The share of a mask under text: polygons of a known engine, masks of all kinds, and the real engine where it is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from goodseed.errors import MissingExtraError, ScanError
from goodseed.inpaint import (
    Found,
    Scanner,
    Settings,
    Word,
    make_engine,
    mimicry,
    rapid,
    scan_batches,
    scan_image,
    sort_images,
    spread,
)
from goodseed.inpaint.area import coverage, shares
from goodseed.inpaint.masks import MARGIN, find_regions, fit_mask
from goodseed.inpaint.overlay import draw_overlay
from goodseed.inpaint.scan import Box, as_picture
from goodseed.inpaint.sorting import summary
from goodseed.inpaint.views import MOST_PIXELS, View, is_flat, plan_views, show
from goodseed.inpaint.weights import without_denormals
from goodseed.inpaint.words import SCORE, strength

NEEDS_RAPIDOCR = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime")),
    reason="RAPIDOCR TESTS SKIPPED: pip install rapidocr onnxruntime",
)
INK = (255, 0, 0)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def finds_ink(text: str = "sale", score: float = 0.95) -> Callable[[Any], list[Word]]:
    """An engine that reads `text` in the box around all red pixels, whatever the view's size."""

    def read(image: Any) -> list[Word]:
        ys, xs = np.nonzero((image[..., 0] > 180) & (image[..., 1] < 105))
        if not len(xs):
            return []
        return [Word(rectangle(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), text, score)]

    return read


def picture(*inked: tuple[int, int, int, int], size: tuple[int, int] = (200, 160)) -> np.ndarray:
    image = Image.new("RGB", size, (200, 210, 220))
    for left, top, right, bottom in inked:
        image.paste(INK, (left, top, right, bottom))
    return np.asarray(image)


def mask_of(*holes: tuple[int, int, int, int], size: tuple[int, int] = (200, 160)) -> np.ndarray:
    mask = np.zeros(size[::-1], np.float32)
    for left, top, right, bottom in holes:
        mask[top:bottom, left:right] = 1
    return mask


HOLE = (40, 40, 120, 120)


@pytest.mark.parametrize(
    ("ink", "holes", "expected"),
    [
        pytest.param((50, 60, 100, 80), [HOLE], 1000 / 6400, id="inside"),
        pytest.param((20, 60, 60, 80), [HOLE], 400 / 6400, id="half inside"),
        pytest.param((130, 60, 170, 80), [HOLE], 0.0, id="outside"),
        pytest.param((60, 60, 140, 80), [(40, 40, 80, 120), (100, 40, 140, 120)], 1200 / 6400, id="in two holes"),
        pytest.param((86, 60, 121, 80), [HOLE], 680 / 6400, id="over the edge by little"),
    ],
)
def test_the_share_is_right_to_5_per_cent(
    ink: tuple[int, int, int, int], holes: list[tuple[int, int, int, int]], expected: float
) -> None:
    found = scan_image(picture(ink), mask_of(*holes), finds_ink())
    assert found.share == pytest.approx(expected, rel=0.05)
    assert bool(found.boxes) == bool(expected)
    for box in found.boxes:  # beyond the margin nothing is read
        assert box.polygon.min(0) == pytest.approx((max(ink[0], HOLE[0] - MARGIN), ink[1]), abs=1)
        assert box.polygon.max(0) == pytest.approx(ink[2:], abs=1)


def test_a_soft_edge_counts_by_its_weight() -> None:
    mask = np.tile(np.clip((np.arange(200, dtype=np.float32) - 39.5) / 80, 0, 1), (160, 1))
    found = scan_image(picture((60, 40, 100, 60)), mask, finds_ink())
    assert found.share == pytest.approx(mask[40:60, 60:100].sum() / mask.sum(), rel=0.05)


def test_two_texts_that_lie_on_each_other_are_counted_once() -> None:
    polygons = [rectangle(10, 10, 30, 20), rectangle(20, 10, 40, 20)]
    together, alone, inside = shares(polygons, mask_of((0, 0, 50, 40)))
    assert together == pytest.approx(300 / 2000)
    assert alone == pytest.approx([200 / 2000] * 2)
    assert inside == pytest.approx([1, 1])


def test_a_polygons_area_is_exact_to_a_sixteenth_of_a_pixel_row() -> None:
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = rectangle(-20, -5, 20, 5) @ turn + [40.3, 30.7]
    assert coverage(turned, 100, 100)[2].sum() == pytest.approx(400, rel=0.005)
    star = np.array([[50 + 30 * np.cos(a), 50 + 30 * np.sin(a)] for a in np.arange(5) * 4 * np.pi / 5])
    assert 0 < coverage(star, 100, 100)[2].max() <= 1
    assert coverage(rectangle(-50, -50, -10, -10), 100, 100)[2].size == 0


def test_inverted_masks_and_masks_of_another_size() -> None:
    ink = picture((45, 50, 110, 100))
    plain = scan_image(ink, mask_of(HOLE), finds_ink()).share
    assert scan_image(ink, 1 - mask_of(HOLE), finds_ink(), invert=True).share == pytest.approx(plain)
    small = np.asarray(Image.fromarray(mask_of(HOLE)).resize((100, 80), Image.Resampling.BOX))
    assert scan_image(ink, small, finds_ink()).share == pytest.approx(plain, rel=0.05)
    assert scan_image(ink, None, finds_ink()).share == pytest.approx(3250 / 32000, rel=0.05)


def test_text_of_the_original_does_not_count() -> None:
    before = picture((50, 60, 100, 80))
    after = before.copy()
    after[100:110, 60:100] = INK
    mask = mask_of(HOLE)
    assert scan_image(before, mask, finds_ink(), original=before).boxes == ()
    noisy = before.astype(np.float32) / 255 + np.float32(0.05)  # made again by the model: other pixels, the same text
    assert scan_image(noisy, mask, finds_ink(), original=before).boxes == ()
    assert scan_image(before, mask, finds_ink(), original=picture()).boxes
    half = np.asarray(Image.fromarray(before).resize((100, 80)))
    assert scan_image(before, mask, finds_ink(), original=half).boxes == ()
    assert scan_image(after, mask, finds_ink(), original=picture((0, 0, 20, 20))).boxes, (
        "text elsewhere is not this one"
    )


def test_only_the_masks_surroundings_are_read_and_enlarged() -> None:
    sizes: list[tuple[int, ...]] = []

    def noting(image: Any) -> list[Word]:
        sizes.append(image.shape)
        return []

    image = picture((120, 110, 150, 120), size=(2000, 1500))
    scan_image(image, mask_of((100, 100, 180, 140), size=(2000, 1500)), noting)
    height, width = 40 + 2 * MARGIN, 80 + 2 * MARGIN
    assert sorted(sizes) == [(round(by * height), round(by * width), 3) for by in (0.5, 1, 1.5, 1.5)]


def test_what_is_of_one_colour_is_not_read() -> None:
    def fail(image: Any) -> list[Word]:
        raise AssertionError("there is nothing to read")

    image = picture((150, 10, 190, 30))
    assert scan_image(image, mask_of(HOLE), fail).share == 0
    faint = image.copy()
    faint[60:70, 60:100] += 14
    assert not is_flat(faint, HOLE)


def looks_of(region: tuple[int, int, int, int], scale: float) -> dict[str, View]:
    return {view.look: view for view in plan_views([region]) if view.scale == scale}


def test_a_small_view_stretches_what_is_faint_but_makes_no_text_of_noise() -> None:
    stretched = looks_of((0, 0, 100, 80), 0.5)["stretched"]
    faint = np.full((80, 100, 3), 100, np.uint8)
    faint[20:60, 20:60] = 130
    assert np.ptp(show(faint, stretched)[0]) == 255
    noise = (100 + np.random.default_rng(0).normal(0, 2, (80, 100, 3))).astype(np.uint8)
    assert show(noise, stretched)[0].std() < 30


def test_a_view_of_rare_colours_takes_away_a_pattern_and_leaves_what_is_written_on_it() -> None:
    """Ink that is between the pattern's colours, so that no gray levels tell it from them."""
    image = np.full((80, 120, 3), (220, 40, 60), np.uint8)
    image[:, ::8] = image[:, 1::8] = image[::10] = (40, 60, 220)
    ink = np.zeros((80, 120), bool)
    ink[30:50, 50:54] = ink[30:34, 50:70] = True
    image[ink] = (60, 180, 60)
    for scale in (1, 1.5):
        shown = show(image, looks_of((0, 0, 120, 80), scale)["rare"])[0]
        seen = np.asarray(Image.fromarray(shown[..., 0]).resize((120, 80), Image.Resampling.BOX)).astype(float)
        far = np.asarray(Image.fromarray(ink).filter(ImageFilter.MaxFilter(5))) == 0
        assert seen[ink].min() > 160
        assert np.percentile(seen[far], 95) < 130
    assert np.ptp(show(np.full_like(image, 90), looks_of((0, 0, 120, 80), 1)["rare"])[0]) == 0


def test_holes_are_read_apart_or_together_as_is_cheaper() -> None:
    size = (1000, 800)
    assert len(find_regions(mask_of((10, 10, 60, 60), (900, 700, 950, 750), size=size))) == 2
    assert len(find_regions(mask_of((10, 10, 60, 60), (80, 10, 130, 60), size=size))) == 1
    rng = np.random.default_rng(0)
    specks = (rng.random((800, 1000)) > 0.99).astype(np.float32)
    assert len(find_regions(specks)) == 1
    for mask in (specks, mask_of((10, 10, 60, 60), (900, 700, 950, 750), size=size)):
        covered = np.zeros_like(mask)
        for left, top, right, bottom in find_regions(mask):
            covered[top:bottom, left:right] = 1
        assert (covered >= (mask > 0)).all()


@pytest.mark.long
def test_a_very_large_picture_is_read_in_tiles_of_bounded_size() -> None:
    seen = []

    def noting(image: Any) -> list[Word]:
        seen.append(image.shape[0] * image.shape[1])
        return []

    image = np.broadcast_to((np.arange(8192) % 256).astype(np.uint8)[:, None], (8192, 8192, 3))
    assert scan_image(image, None, noting).share == 0
    assert max(seen) <= 1300 * 1300
    assert sum(seen) < 3.6 * MOST_PIXELS
    seen.clear()
    mask = np.zeros((8192, 8192), np.float32)
    mask[4000:4100, 4000:4200] = 1
    scan_image(image, mask, noting)
    assert sum(seen) < 200_000


def test_tiles_cover_a_region_and_overlap() -> None:
    views = plan_views([(5, 7, 3005, 2007)])
    for scale in {view.scale for view in views if view.scale > 1}:
        covered = np.zeros((2007, 3005), np.int32)
        for left, top, right, bottom in (view.region for view in views if view.scale == scale):
            covered[top:bottom, left:right] += 1
        assert (covered[7:, 5:] >= 1).all()
        assert (covered > 1).any()


def test_a_picture_of_one_pixel_is_read() -> None:
    assert scan_image(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1)), finds_ink()).share == 0
    two = np.array([[INK, (0, 0, 0)]], np.uint8)
    assert scan_image(two, np.ones((1, 1)), finds_ink()).share == pytest.approx(0.5, abs=0.25)


def test_a_batch_reads_a_shared_original_once_and_keeps_the_order() -> None:
    calls = []

    def noting(image: Any) -> list[Word]:
        calls.append(image.shape)
        return finds_ink()(image)

    images = np.stack([picture((50, 60, 50 + 10 * n, 80)) for n in (1, 0, 3)])
    found = scan_batches(
        [images / 255], [mask_of(HOLE)[None]], noting, originals=[picture((125, 60, 130, 80))[None] / 255]
    )
    assert [round(one.share * 6400) for one in found] == [pytest.approx(200, abs=10), 0, pytest.approx(600, abs=30)]
    assert len(calls) == (2 + 1) * len(plan_views(find_regions(mask_of(HOLE))))  # the second image is of one colour


@pytest.mark.parametrize(
    ("text", "score", "counts"),
    [
        ("A", 0.9, True), ("A", 0.89, False), ("sale", 0.66, True), ("sale", 0.64, False),
        ("a whole line of text", 0.46, True), ("I", 1.0, False), ("O", 1.0, False), ("10", 0.9, True),
        ("C", 1.0, False), ("0000", 1.0, False), ("Q", 0.9, True), ("0001", 0.9, True),
        ("•—", 1.0, False), ("水", 0.9, True), ("一", 1.0, False), ("花园", 0.66, True), ("水", 0.89, False),
        ("DO0C", 0.89, False), ("2024", 0.66, True), ("mmmmm", 1.0, False), ("mmm", 0.9, True),
    ],
)  # fmt: skip
def test_what_counts_as_text(text: str, score: float, counts: bool) -> None:
    assert (strength(Word(rectangle(0, 0, 1, 1), text, score)) >= SCORE) is counts


@pytest.mark.parametrize(
    ("texts", "prompt", "expected"),
    [
        (["clear background"], "Clear Background", 1.0),
        (["clearbackground"], "clear background", 1.0),
        (["cleer backgroud"], "clear background", 1.0),
        (["sale"], "clear background", 0.0),
        (["clear", "sale2"], "a clear sky", 0.5),
        (["花园"], "美丽的花园", 1.0),
        ([], "clear", 0.0),
        (["clear"], "", 0.0),
    ],
)
def test_mimicry_is_the_share_of_letters_that_are_the_prompts(texts: list[str], prompt: str, expected: float) -> None:
    assert mimicry(texts, prompt) == pytest.approx(expected)


def some(*amounts: float) -> list[Found]:
    return [
        Found(share, (Box(rectangle(0, 0, 9, 9), "sale", 0.9, share),) if share else ()) for share in amounts
    ]  # fmt: skip


def test_sorting_keeps_what_is_clean_or_the_best_or_all() -> None:
    found = some(0.2, 0.0, 0.1, 0.0)
    assert sort_images(found).kept == (1, 3)
    assert sort_images(found).rejected == (0, 2)
    assert sort_images(found, threshold=0.1).kept == (1, 2, 3)
    assert sort_images(found, "best", count=3).kept == (1, 3, 2)
    assert sort_images(found, "best", count=9).rejected == ()
    assert sort_images(found, "sort").kept == (1, 3, 2, 0)


def test_when_nothing_is_clean_it_stops_with_the_reason_or_gives_the_least_bad() -> None:
    with pytest.raises(ScanError, match=r"no image is clean: the least text is in image 1, on 10 % .*'sale' \(0.90\)"):
        sort_images(some(0.2, 0.1))
    chosen = sort_images(some(0.2, 0.1), when_none="least bad")
    assert (chosen.kept, chosen.rejected) == ((1,), (0,))
    text = summary(some(0.2, 0.1), [7, 2**64 - 1], chosen)
    assert "no image is clean" in text
    assert "- kept: image 1, seed 18446744073709551615: text on 10 % of the mask" in text


NAN = np.full((1, 8, 8, 3), np.nan, np.float32)
GRAY = np.full((3, 8, 8, 3), 0.5, np.float32)
MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: scan_batches([GRAY], [np.zeros((1, 8, 8))], finds_ink()), "mask: is empty; paint"),
    (lambda: fit_mask(np.ones((8, 8)), 8, 8, invert=True), "mask: is empty; paint what was inpainted or leave out"),
    (lambda: scan_batches([GRAY], [np.zeros((0, 8, 8))], finds_ink()), "mask: 0 for 3 images"),
    (lambda: scan_batches([GRAY], [np.ones((2, 8, 8))], finds_ink()), "mask: 2 for 3 images; give one for all, or one"),
    (lambda: scan_batches([GRAY], [np.full((1, 8, 8), np.nan)], finds_ink()), "mask: holds values that are no numbers"),
    (lambda: scan_batches([GRAY, NAN], [np.ones((1, 8, 8))], finds_ink()), "image 3: holds pixels that are no numbers"),
    (lambda: scan_batches([GRAY], [np.ones((1, 8, 8))], finds_ink(), originals=[GRAY[:2]]), "original: 2 for 3 images"),
    (lambda: scan_batches([], [np.ones((1, 8, 8))], finds_ink()), "images: there are none"),
    (lambda: spread(2, [GRAY], "seeds"), "seeds: 2 for 3 images"),
    (lambda: as_picture(np.zeros((8, 8))), "image: has the shape [8, 8]"),
    (lambda: as_picture(np.zeros((0, 8, 3))), "image: has the shape [0, 8, 3]"),
    (lambda: fit_mask(np.ones((2, 8, 8)), 8, 8), "mask: has the shape [2, 8, 8]"),
    (lambda: sort_images(some(0.0), threshold=1.5), "threshold 1.5: is no share"),
    (lambda: sort_images(some(0.0), threshold=float("nan")), "threshold nan: is no share"),
    (lambda: sort_images(some(0.0), "best", count=0), "count 0: keep at least one"),
    (lambda: sort_images(some(0.0), "most"), "mode 'most'"),
    (lambda: make_engine("eyes"), "engine 'eyes': is none"),
]


@pytest.mark.parametrize(("do", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_is_one_clear_line(do: Callable[[], Any], message: str) -> None:
    with pytest.raises(ScanError) as raised:
        do()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_seed_for_each_image_each_batch_or_all() -> None:
    assert spread(3, [GRAY], "seeds") == [0, 1, 2]
    assert spread(1, [GRAY], "seeds") == [0, 0, 0]
    assert spread(2, [GRAY, GRAY[:1]], "seeds") == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ((), "rapidocr, which reads text in images, is missing; pip install rapidocr and onnxruntime (or, with CUDA, "
             "onnxruntime-gpu; never both: they share one folder, and the one overwrites the other)"),
        (("rapidocr",), "onnxruntime, which rapidocr runs on, is missing; pip install onnxruntime (or, with CUDA, "
                        "onnxruntime-gpu; never both: they share one folder, and the one overwrites the other)"),
        (("onnxruntime",), "rapidocr, which reads text in images, is missing; pip install rapidocr"),
    ],
)  # fmt: skip
def test_a_missing_package_is_one_line_that_says_which_to_install(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr(rapid.importlib.util, "find_spec", lambda name: object() if name in there else None)
    with pytest.raises(MissingExtraError) as raised:
        rapid.RapidOcr()
    assert str(raised.value) == message


def test_both_runtimes_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapid.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(rapid, "_installed", lambda name: True)
    assert "both installed" in rapid.check_packages()
    monkeypatch.setattr(rapid, "_installed", lambda name: name == "onnxruntime")
    assert rapid.check_packages() == ""


def test_the_overlay_marks_the_mask_and_the_text() -> None:
    image, mask = picture(), mask_of(HOLE)
    found = Found(0.1, (Box(rectangle(50, 80, 100, 100), "sale", 0.9, 0.1), Box(rectangle(5, 5, 9, 9), "水", 0.9, 0.0)))
    drawn = draw_overlay(image, mask, found)
    assert drawn.shape == image.shape
    assert tuple(drawn[90, 50]) == (255, 40, 40)
    assert tuple(drawn[60, 40]) == (0, 200, 255)
    assert (drawn[110, 110] == image[110, 110]).all()
    assert (drawn[150, 190] < image[150, 190]).all()


def written(text: str, height: int, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    image = Image.new("RGB", size, (190, 200, 205))
    ImageDraw.Draw(image).text((80, 100), text, font=ImageFont.load_default(size=height * 1.4), fill=(20, 20, 30))
    return np.asarray(image)


@NEEDS_RAPIDOCR
@pytest.mark.parametrize(("text", "height"), [("harbour", 8), ("harbour", 24), ("R", 40)])
def test_rapidocr_reads_small_and_large_letters(text: str, height: int) -> None:
    found = scan_image(written(text, height), mask_of((60, 70, 260, 170), size=(320, 240)), make_engine())
    assert found.texts == [text]
    assert found.share > 0


@NEEDS_RAPIDOCR
def test_a_shape_that_fills_the_hole_is_no_letter() -> None:
    image = Image.new("RGB", (320, 240), (190, 200, 205))
    ImageDraw.Draw(image).text((90, 20), "D", font=ImageFont.load_default(size=200), fill=(20, 20, 30))
    mask = mask_of((70, 40, 250, 220), size=(320, 240))
    assert scan_image(np.asarray(image), mask, make_engine()).boxes == ()
    assert scan_image(written("D", 40), mask, make_engine()).texts == ["D"]


@NEEDS_RAPIDOCR
def test_rapidocr_finds_nothing_in_a_plain_picture_or_beside_the_mask() -> None:
    assert make_engine()(np.zeros((3, 3, 3), np.uint8)) == []
    scanner = Scanner(make_engine())
    rows = np.sin(np.arange(240) / 5)[:, None, None] * 60 + 128
    stripes = np.broadcast_to(rows, (240, 320, 3)).astype(np.uint8)
    mask = mask_of((60, 70, 260, 170), size=(320, 240))
    assert scanner.scan(stripes, mask).boxes == ()
    assert scanner.scan(written("harbour", 24), mask_of((10, 180, 120, 235), size=(320, 240))).boxes == ()


@NEEDS_RAPIDOCR
def test_rapidocr_gives_the_same_for_a_batch_as_alone() -> None:
    images = [written(text, 20) for text in ("harbour", "lantern")]
    mask = mask_of((60, 70, 260, 170), size=(320, 240))
    found = scan_batches([np.stack(images)], [mask], make_engine(), settings=Settings())
    assert [one.texts for one in found] == [["harbour"], ["lantern"]]
    alone = [scan_image(image, mask, make_engine()) for image in images]
    assert [one.as_dict() for one in found] == [one.as_dict() for one in alone]


@NEEDS_RAPIDOCR
def test_without_its_denormal_weights_the_detector_answers_the_same_bit_for_bit() -> None:
    import onnxruntime
    import rapidocr

    (file,) = (Path(rapidocr.__file__).parent / "models").glob("*_det_*.onnx")
    model = file.read_bytes()
    lean = without_denormals(model)
    assert len(lean) == len(model)
    assert lean != model
    assert without_denormals(lean) == lean
    pixels = np.random.default_rng(0).normal(size=(1, 3, 96, 128)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(one, providers=["CPUExecutionProvider"]).run(None, {"x": pixels})[0]
        for one in (model, lean)
    )
    assert (before == after).all()
    for broken in (model[:-1], b"\x07no model"):
        with pytest.raises(ValueError, match="no ONNX file"):
            without_denormals(broken)
