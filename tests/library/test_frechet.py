"""The Fréchet distance and its jackknife."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.errors import StudyError
from goodseed.study import frechet
from goodseed.study.frechet import JACKKNIFE_GROUPS, Reference, frechet_distances, jackknife, stderr_of_mean


def by_sqrtm(features: np.ndarray, real: np.ndarray) -> float:
    """The distance as Heusel et al. write it, with scipy's square root of a matrix."""
    from scipy.linalg import sqrtm

    first, second = np.cov(features, rowvar=False), np.cov(real, rowvar=False)
    shift = features.mean(axis=0) - real.mean(axis=0)
    root = np.trace(np.real(sqrtm(first @ second)))
    return float(shift @ shift + np.trace(first) + np.trace(second) - 2 * root)


def features_of(seed: int, images: int, size: int, seeds: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(seeds, images, size)) @ random.normal(size=(size, size)) + random.normal(size=size)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), images=st.integers(9, 30), size=st.integers(2, 8))
def test_more_images_than_features_agree_with_sqrtm_to_1e6(seed: int, images: int, size: int) -> None:
    values, real = features_of(seed, images, size), features_of(seed + 1, 60, size)[0]
    assert frechet_distances(values, Reference.of(real))[0] == pytest.approx(by_sqrtm(values[0], real), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), images=st.integers(2, 7), size=st.integers(8, 12))
def test_fewer_images_than_features_agree_with_the_roots_of_the_products_eigenvalues(
    seed: int, images: int, size: int
) -> None:
    values, real = features_of(seed, images, size), features_of(seed + 1, 60, size)[0]
    first, second = np.cov(values[0], rowvar=False), np.cov(real, rowvar=False)
    eigenvalues = np.sort(np.linalg.eigvals(first @ second).real)[-(images - 1) :]  # the others are 0 exactly
    shift = values[0].mean(axis=0) - real.mean(axis=0)
    expected = shift @ shift + np.trace(first) + np.trace(second) - 2 * np.sqrt(np.clip(eigenvalues, 0, None)).sum()
    assert frechet_distances(values, Reference.of(real))[0] == pytest.approx(expected, rel=1e-6)


def test_both_ways_of_taking_the_trace_agree_where_they_meet() -> None:
    values, real = features_of(1, 40, 8), features_of(2, 60, 8)[0]
    wide = np.concatenate([values, np.zeros((1, 40, 56))], axis=2)  # 64 features, 8 of them alive
    wide_real = np.concatenate([real, np.zeros((60, 56))], axis=1)
    narrow = frechet_distances(values, Reference.of(real))[0]
    assert frechet_distances(wide, Reference.of(wide_real))[0] == pytest.approx(narrow, rel=1e-9)


def test_the_distance_of_a_set_to_itself_is_0() -> None:
    values = features_of(3, 50, 8)
    assert frechet_distances(values, Reference.of(values[0]))[0] == pytest.approx(0, abs=1e-9 * np.var(values))


def test_a_shift_adds_its_squared_length() -> None:
    values = features_of(4, 50, 8)
    shift = np.arange(8.0)
    assert frechet_distances(values + shift, Reference.of(values[0]))[0] == pytest.approx(shift @ shift, rel=1e-9)


def test_seeds_do_not_influence_each_other() -> None:
    values, reference = features_of(5, 12, 16, seeds=5), Reference.of(features_of(6, 100, 16)[0])
    together = frechet_distances(values, reference)
    alone = [frechet_distances(values[index : index + 1], reference)[0] for index in range(5)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize(("images", "size"), [(12, 16), (50, 8)])
def test_the_order_of_the_images_and_a_rotation_of_both_sets_change_nothing(images: int, size: int) -> None:
    values, real = features_of(21, images, size), features_of(22, 100, size)[0]
    distance = frechet_distances(values, Reference.of(real))
    turn = np.linalg.qr(np.random.default_rng(23).normal(size=(size, size)))[0]
    shuffled = np.random.default_rng(24).permutation(values, axis=1)
    np.testing.assert_allclose(frechet_distances(shuffled, Reference.of(real)), distance, rtol=1e-9)
    np.testing.assert_allclose(frechet_distances(values @ turn, Reference.of(real @ turn)), distance, rtol=1e-9)


def test_how_many_seeds_are_taken_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values, reference = features_of(25, 12, 16, seeds=7), Reference.of(features_of(26, 100, 16)[0])
    expected = jackknife(values, reference)
    for block in (1, 3 * 8 * 12 * 16):
        monkeypatch.setattr(frechet, "_BLOCK_BYTES", block)
        np.testing.assert_allclose(jackknife(values, reference), expected, rtol=1e-12)


@pytest.mark.parametrize(("images", "size"), [(10, 16), (9, 8), (70, 8), (70, 100)])
def test_leaving_out_a_group_is_the_distance_of_the_others(images: int, size: int) -> None:
    values, reference = features_of(27, images, size, seeds=2), Reference.of(features_of(28, 150, size)[0])
    groups = np.array_split(np.arange(images), min(images, JACKKNIFE_GROUPS))
    without = np.stack([frechet_distances(np.delete(values, group, axis=1), reference) for group in groups], axis=1)
    whole = frechet_distances(values, reference)[:, None]
    expected = whole + (len(groups) - 1) * (without.mean(axis=1, keepdims=True) - without)
    np.testing.assert_allclose(jackknife(values, reference), expected, rtol=1e-8)


def test_float32_features_are_computed_in_float64() -> None:
    values = features_of(7, 12, 64, seeds=3).astype(np.float32)
    real = features_of(8, 300, 64)[0].astype(np.float32)
    exact = frechet_distances(values.astype(np.float64), Reference.of(real.astype(np.float64)))
    np.testing.assert_array_equal(frechet_distances(values, Reference.of(real)), exact)


def test_the_jackknife_values_of_a_seed_have_its_distance_as_mean() -> None:
    values, reference = features_of(9, 10, 16, seeds=4), Reference.of(features_of(10, 100, 16)[0])
    table = jackknife(values, reference)
    assert table.shape == (4, 10)
    np.testing.assert_allclose(table.mean(axis=1), frechet_distances(values, reference), rtol=1e-12)


def test_the_standard_error_is_the_jackknifes_own() -> None:
    values, reference = features_of(11, 10, 16), Reference.of(features_of(12, 100, 16)[0])
    without = [frechet_distances(np.delete(values, one, axis=1), reference)[0] for one in range(10)]
    expected = np.sqrt(9 / 10 * ((without - np.mean(without)) ** 2).sum())
    assert stderr_of_mean(jackknife(values, reference))[0] == pytest.approx(expected, rel=1e-9)


def test_many_prompts_are_left_out_in_groups() -> None:
    values, reference = features_of(13, 100, 8, seeds=2), Reference.of(features_of(14, 100, 8)[0])
    assert jackknife(values, reference).shape == (2, JACKKNIFE_GROUPS)


@pytest.mark.parametrize("shape", [(1, 1, 8), (1, 5, 7), (5, 8)])
def test_features_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(StudyError, match="Fréchet"):
        frechet_distances(np.ones(shape), Reference.of(features_of(15, 20, 8)[0]))


def test_a_reference_with_nan_is_refused() -> None:
    with pytest.raises(StudyError, match="reference"):
        Reference.of(np.full((20, 8), np.nan))
