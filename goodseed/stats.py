"""How sure a figure about seeds is: intraclass correlation, rank correlation, chance overlap, gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from goodseed.errors import StudyError

FloatArray = npt.NDArray[np.float64]

LEVEL = 0.95
"""The confidence of every interval here."""

_Z = 1.959963984540054  # the normal quantile of LEVEL, two-sided
_NEGLIGIBLE = 1e-12  # an overlap less likely than this is left out of a longer chain of lists


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Gain:
    """Chosen seeds against all seeds: two means, and by how much the chosen are better (95 % interval).

    `gain` is positive when the chosen seeds are better, whichever way the metric points.
    """

    golden: float
    all: float
    gain: float
    low: float
    high: float
    k: int

    def as_dict(self) -> dict[str, float | int]:
        return asdict(self)


def icc(table: npt.ArrayLike) -> Interval:
    """Return the share of one image's variance that its seed explains, prompt means removed.

    Two-way random effects, consistency, single measurement: ICC(C,1) of McGraw and Wong 1996, with the
    interval from the F distribution. `table` is [seeds, prompts]. An estimate may lie below zero; a table
    without any variance has 0.

    Raises:
        StudyError: for fewer than two seeds or two prompts, and for NaN.
    """
    values = _finite(table, "ICC")
    if values.ndim != 2 or min(values.shape) < 2:
        raise StudyError(f"ICC: a table of shape {values.shape} is too small; give at least 2 seeds × 2 prompts")
    seeds, prompts = values.shape
    seed_means = values.mean(axis=1)
    residual = values - values.mean(axis=0) - (seed_means - values.mean())[:, None]
    between = prompts * float(((seed_means - values.mean()) ** 2).sum())
    largest = float(np.abs(values).max(initial=0.0))
    return icc_of_squares(between, float((residual**2).sum()), seeds, prompts, largest)


def icc_of_squares(between: float, within: float, seeds: int, prompts: int, largest: float) -> Interval:
    """Return what `icc` says of a table whose sums of squares are known.

    `between` is that of the seeds' means, each counted `prompts` times; `within` what is left when the means of seeds
    and of prompts are taken away; `largest` is the largest absolute value in the table.

    Raises:
        StudyError: for fewer than two seeds or two prompts.
    """
    from scipy.stats import f as f_distribution

    if min(seeds, prompts) < 2:
        raise StudyError(f"ICC: a table of {seeds} × {prompts} is too small; give at least 2 seeds × 2 prompts")
    free = (seeds - 1) * (prompts - 1)
    between, within = between / (seeds - 1), within / free
    # Rounding leaves a variance of about eps²·x² where there is none.
    nothing = (np.finfo(np.float64).eps * largest) ** 2 * seeds * prompts
    if within <= nothing:
        share = 0.0 if between <= nothing else 1.0
        return Interval(share, share, share)
    ratio = between / within
    tail = (1 - LEVEL) / 2
    lowest = ratio / float(f_distribution.ppf(1 - tail, seeds - 1, free))
    highest = ratio * float(f_distribution.ppf(1 - tail, free, seeds - 1))
    value, low, high = ((x - 1) / (x + prompts - 1) for x in (ratio, lowest, highest))
    return Interval(value, low, high)


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> Interval:
    """Return Spearman's rank correlation of two lists [n], with Bonett and Wright's (2000) interval.

    Where it is not defined (one list is constant) the value is 0, and where n < 4 the interval is -1…1.

    Raises:
        StudyError: for lists of different length or fewer than two values, and for NaN.
    """
    from scipy.stats import rankdata

    first, second = _finite(a, "rank correlation"), _finite(b, "rank correlation")
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise StudyError(f"rank correlation: shapes {first.shape} and {second.shape}; give two lists of one length ≥ 2")
    ranks = [rankdata(x) - (len(x) + 1) / 2 for x in (first, second)]
    scale = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    if scale == 0:
        return Interval(0.0, -1.0, 1.0)
    value = float(np.clip((ranks[0] * ranks[1]).sum() / scale, -1.0, 1.0))
    if len(first) < 4:
        return Interval(value, -1.0, 1.0)
    if abs(value) == 1.0:
        return Interval(value, value, value)
    half = _Z * float(np.sqrt((1 + value**2 / 2) / (len(first) - 3)))
    return Interval(value, float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half)))


def chance_correlation(n: int) -> Interval:
    """Return the rank correlation that chance gives two lists [n]: 0, with the central 95 % of its distribution.

    The spread is exact, 1/√(n−1) (Kendall and Gibbons 1990, section 4.14), its shape taken as normal.

    Raises:
        StudyError: for fewer than two values.
    """
    if n < 2:
        raise StudyError(f"rank correlation: {n} values; give at least 2")
    half = min(1.0, _Z / float(np.sqrt(n - 1)))
    return Interval(0.0, -half, half)


def overlap(k: int, n_total: int, lists: int = 2) -> Interval:
    """Return how many seeds `lists` random top-`k` lists of `n_total` seeds share by chance.

    Two lists: the hypergeometric distribution; each further list draws from what the earlier ones share.
    The value is the mean, the interval the central 95 % of the distribution.

    Raises:
        StudyError: unless 1 ≤ k ≤ n_total and lists ≥ 1.
    """
    if not (1 <= k <= n_total and lists >= 1):
        raise StudyError(f"overlap: {lists} lists of the top {k} of {n_total}; k lies in 1…{n_total}")
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n_total + 1)))])
    chance = np.zeros(k + 1)
    chance[k] = 1.0
    for _ in range(lists - 1):
        chance = sum(
            (
                chance[size] * _hypergeometric(n_total, int(size), k, log_factorial)
                for size in np.flatnonzero(chance > _NEGLIGIBLE)
            ),
            start=np.zeros(k + 1),
        )
    below = np.cumsum(chance)
    tail = (1 - LEVEL) / 2
    low, high = (int(np.searchsorted(below, x)) for x in (tail, 1 - tail))
    return Interval(k * (k / n_total) ** (lists - 1), float(low), float(min(high, k)))


def bootstrap_gain(
    table: npt.ArrayLike, chosen: Sequence[int], direction: str = "higher", resamples: int = 2000, random_state: int = 0
) -> Gain:
    """Return how much better the seeds at the positions `chosen` are than all, on a held-out table.

    `table` is [seeds, prompts], or [seeds] for a metric that is one number a seed; see `bootstrap_contrast`.

    Raises:
        StudyError: for no chosen seed, a direction other than higher or lower, and for NaN.
    """
    values = _finite(table, "gain")
    return bootstrap_contrast(values[np.asarray(chosen, dtype=np.int64)], values, direction, resamples, random_state)


def bootstrap_contrast(
    chosen: npt.ArrayLike,
    others: npt.ArrayLike,
    direction: str = "higher",
    resamples: int = 2000,
    random_state: int = 0,
) -> Gain:
    """Return how much better the `chosen` seeds are than the `others`: two tables on the same held-out prompts.

    The interval is the percentile bootstrap over chosen seeds, over the others and over prompts at once. Each table
    is [seeds, prompts], or [seeds] for a metric that is one number a seed; a seed may stand in both.

    Raises:
        StudyError: for no seed in a table, other prompts, a direction other than higher or lower, and for NaN.
    """
    golden, values = _finite(chosen, "gain"), _finite(others, "gain")
    golden, values = (table[:, None] if table.ndim == 1 else table for table in (golden, values))
    if len(golden) == 0 or len(values) == 0 or direction not in ("higher", "lower"):
        raise StudyError(f"gain: {len(golden)} chosen seeds, direction '{direction}'; choose seeds, higher or lower")
    if golden.shape[1] != values.shape[1]:
        raise StudyError(
            f"gain: {golden.shape[1]} prompts of the chosen, {values.shape[1]} of the others; give the same"
        )
    sign = 1.0 if direction == "higher" else -1.0
    random = np.random.default_rng(random_state)
    by_prompt = _resampled_means(golden, resamples, random) - _resampled_means(values, resamples, random)
    weights = random.multinomial(values.shape[1], [1 / values.shape[1]] * values.shape[1], resamples)
    gains = sign * (by_prompt * weights).sum(axis=1) / values.shape[1]
    low, high = np.quantile(gains, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Gain(
        golden=float(golden.mean()),
        all=float(values.mean()),
        gain=sign * float(golden.mean() - values.mean()),
        low=float(low),
        high=float(high),
        k=len(golden),
    )


def measured_gain(means: npt.ArrayLike, stderrs: npt.ArrayLike, chosen: Sequence[int], direction: str) -> Gain:
    """Return how much better the seeds at `chosen` are than all, from each seed's mean and standard error [S].

    For exactly these seeds on further prompts: the seeds are fixed and only the prompts are drawn anew, so
    this also answers for one seed. The interval is normal, the seeds' errors taken as independent.
    """
    values, errors = _finite(means, "gain"), _finite(stderrs, "gain")
    weights = np.full(len(values), -1 / len(values))
    weights[np.asarray(chosen, dtype=np.int64)] += 1 / len(chosen)
    sign = 1.0 if direction == "higher" else -1.0
    gain = sign * float(weights @ values) + 0.0  # of no seeds that differ it is 0, not -0
    half = _Z * float(np.sqrt((weights**2) @ (errors**2)))
    golden = float(values[np.asarray(chosen, dtype=np.int64)].mean())
    return Gain(golden, float(values.mean()), gain, gain - half, gain + half, len(chosen))


def bootstrap_mean(values: npt.ArrayLike, resamples: int = 2000, random_state: int = 0) -> Interval:
    """Return the mean of independent values [n], with its percentile bootstrap interval.

    Raises:
        StudyError: for no values, and for NaN.
    """
    found = _finite(values, "mean")
    if found.ndim != 1 or not len(found):
        raise StudyError(f"mean: values of shape {found.shape}; give a list of at least one")
    means = _resampled_means(found[:, None], resamples, np.random.default_rng(random_state))
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(found.mean()), float(low), float(high))


def _hypergeometric(total: int, good: int, draws: int, log_factorial: FloatArray) -> FloatArray:
    """Return P(x good ones among `draws` of `total`, of which `good` are good) for x = 0…draws."""
    x = np.arange(draws + 1)
    possible = (x <= good) & (draws - x <= total - good)
    x = x[possible]
    logs = (
        log_factorial[good] - log_factorial[x] - log_factorial[good - x]
        + log_factorial[total - good] - log_factorial[draws - x] - log_factorial[total - good - draws + x]
        - log_factorial[total] + log_factorial[draws] + log_factorial[total - draws]
    )  # fmt: skip
    chances = np.zeros(draws + 1)
    chances[possible] = np.exp(logs)
    return chances


def _resampled_means(values: FloatArray, resamples: int, random: np.random.Generator) -> FloatArray:
    """Return means over seeds drawn with replacement: [seeds, prompts] → [resamples, prompts]."""
    seeds = len(values)
    means = np.empty((resamples, values.shape[1]))
    block = max(1, 10_000_000 // seeds)  # about 80 MB of weights at a time
    for first in range(0, resamples, block):
        count = min(block, resamples - first)
        means[first : first + count] = random.multinomial(seeds, [1 / seeds] * seeds, count) @ values / seeds
    return means


def _finite(values: npt.ArrayLike, what: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise StudyError(f"{what}: the table holds NaN or infinity; measure those cells again")
    return array
