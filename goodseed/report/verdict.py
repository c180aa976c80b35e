"""What a bank says about its seeds, in plain words: the report's first lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from goodseed.report.data import section
from goodseed.report.numbers import count, interval_decimals, number, percent, percent_span, read_interval, span
from goodseed.stats import Interval

NOTICEABLE = 0.05
"""The share of variance from which a seed's effect on the look of pictures is called noticeable."""

HEADLINE_RULES = ("paper", "rank-sum", "pareto")
"""The rule whose gain stands in the first lines: the first of these that the bank has."""


BETTER, HOLDS, SHARE, VARIED = GROUPS = (
    "Are golden seeds better?",
    "Does the order hold on new prompts?",
    "How much is the seed’s own?",
    "Are diverse seeds more varied?",
)


@dataclass(frozen=True)
class Finding:
    """One figure with its interval, and a sentence that begins with `label`; `tone`: good, bad, plain or unknown."""

    group: str
    label: str
    figure: str
    interval: str
    sentence: str
    tone: str = "plain"


@dataclass(frozen=True)
class Verdict:
    """The answer in one line, why in one or two sentences, and the findings under it."""

    headline: str
    reason: str
    findings: tuple[Finding, ...]


def verdict_of(info: Mapping[str, Any], odds: Mapping[str, float] | None = None) -> Verdict:
    """Judge a bank by its reliability figures alone; what is missing is said to be missing.

    `odds`: by metric, how often of 100 times a golden seed's picture beats a random seed's.
    """
    reliability = section(info, "reliability")
    rule, gains = headline_gains(reliability)
    shares = icc_of(reliability)
    looks = {name: share for name, share in shares.items() if name not in section(info, "metrics")}
    findings = [
        *(_gain_finding(metric, rule, gain, (odds or {}).get(metric)) for metric, gain in gains.items()),
        *_icc_findings(info, shares, looks),
        *_rank_findings(reliability),
        *_overlap_findings(reliability),
        *_diverse_findings(reliability),
    ]
    headline, reason = _headline({name: entry["gain"] for name, entry in gains.items()}, shares, looks)
    return Verdict(headline, reason, tuple(findings))


def headline_gains(reliability: Mapping[str, Any]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the headline rule's name and, by metric, its held-out gain with the entry's other figures."""
    every = section(reliability, "golden_gain")
    for rule in [*HEADLINE_RULES, *sorted(every)]:
        found = {
            metric: {**entry, "gain": interval}
            for metric, entry in section(every, rule).items()
            if (interval := read_interval(entry, "gain")) is not None
        }
        if found:
            return rule, found
    return "", {}


def icc_of(reliability: Mapping[str, Any]) -> dict[str, Interval]:
    """Return the shares of variance that the bank holds, the largest first."""
    found = {name: read_interval(entry) for name, entry in section(reliability, "icc").items()}
    sound = {name: interval for name, interval in found.items() if interval is not None}
    return dict(sorted(sound.items(), key=lambda item: -item[1].value))


def standing(gain: Interval) -> str:
    """Return `better`, `worse` or `unclear`: on which side of zero the whole interval lies."""
    return "better" if gain.low > 0 else "worse" if gain.high < 0 else "unclear"


def _headline(
    gains: Mapping[str, Interval], shares: Mapping[str, Interval], looks: Mapping[str, Interval]
) -> tuple[str, str]:
    better = [name for name, gain in gains.items() if standing(gain) == "better"]
    worse = [name for name, gain in gains.items() if standing(gain) == "worse"]
    visible = [name for name, share in looks.items() if share.low > 0 and share.value >= NOTICEABLE]
    most = [f"{plain(name)} ({percent(looks[name].value)})" for name in visible[:3]]
    seen = f"The seed shows most in {_listed(most)}." if visible else ""
    if not gains and not shares:
        return (
            "The bank does not say whether the seed matters.",
            "It holds no reliability figures: no seed should be called golden on its word.",
        )
    if not gains:
        headline = "The seed changes how pictures look." if visible else "No effect of the seed is shown."
        return headline, f"{seen} Whether some seeds are better was not checked on held-out prompts.".strip()
    if better and not worse:
        part = "" if len(better) == len(gains) else f" by {_listed(better)}"
        headline = f"Yes, the seed matters{': in looks and' if visible else ''} in quality."
        gained = f"Golden seeds did better{part} on prompts that they were not chosen on."
        unclear = [name for name in gains if name not in better]
        rest = f" By {_listed(unclear)}, no difference is shown." if unclear else ""
        return headline, f"{gained}{rest} {seen}".strip()
    if better and worse:
        mixed = f"Golden seeds did better by {_listed(better)} and worse by {_listed(worse)} on new prompts."
        return "The seed matters, but golden seeds are not better all round.", f"{mixed} {seen}".strip()
    failed = (
        f"Golden seeds did worse by {_listed(worse)} on prompts that they were not chosen on."
        if worse
        else ("On prompts that they were not chosen on, golden seeds did no better than others, as far as can be told.")
    )
    if visible:
        return "In looks, yes. In quality, not that this study shows.", f"{failed} {seen}"
    return "Not that this study shows.", f"{failed} Nor does the seed show in how the pictures look."


def _gain_finding(metric: str, rule: str, entry: Mapping[str, Any], odds: float | None) -> Finding:
    gain: Interval = entry["gain"]
    chosen = entry.get("k")
    who = count(chosen, "golden seed") if isinstance(chosen, int) and not isinstance(chosen, bool) else "golden seeds"
    words = {
        "better": f"{who} (rule {rule}) beat the mean of all seeds on held-out prompts.",
        "worse": f"{who} (rule {rule}) fell behind the mean of all seeds on held-out prompts.",
        "unclear": f"{who} (rule {rule}) cannot be told from all seeds on held-out prompts.",
    }[standing(gain)]
    if odds is not None and standing(gain) != "unclear":
        words += f" A golden seed’s picture beats a random seed’s about {odds:.0f} times in 100; 50 is no difference."
    return Finding(BETTER, f"{metric}:", *_signed(gain), words, _TONES[standing(gain)])


_TONES = {"better": "good", "worse": "bad", "unclear": "plain"}


def _signed(gain: Interval) -> tuple[str, str]:
    places = interval_decimals(gain)
    return number(gain.value, places, sign=True), span(gain, places, sign=True)


_OWN = "so much of the difference between pictures of one prompt is the seed’s own."


def _icc_findings(
    info: Mapping[str, Any], shares: Mapping[str, Interval], looks: Mapping[str, Interval]
) -> list[Finding]:
    found = []
    for name in section(info, "metrics"):
        if name in shares:
            found.append(_share_finding(f"{name}:", shares[name], _OWN))
    for name, share in list(looks.items())[:1]:
        found.append(_share_finding(f"{plain(name)}:", share, f"{_OWN} Here the seed shows most."))
    return found


def _share_finding(label: str, share: Interval, sentence: str) -> Finding:
    rest = (
        "" if share.low > 0 else " It may be nothing." if share.value > 0 else " Below zero means nothing that shows."
    )
    tone = "plain" if share.low > 0 else "unknown"
    return Finding(SHARE, label, percent(share.value), percent_span(share), sentence + rest, tone)


def _rank_findings(reliability: Mapping[str, Any]) -> list[Finding]:
    found = []
    for name, entry in section(reliability, "rank_correlation").items():
        if (interval := read_interval(entry)) is None:
            continue
        words = {
            "better": "rank correlation of the seeds on the two prompt sets; 1 is the same order, 0 none in common.",
            "worse": "rank correlation of the seeds on the two prompt sets: opposite orders.",
            "unclear": "rank correlation of the seeds on the two prompt sets: nothing in common that can be told.",
        }[standing(interval)]
        found.append(Finding(HOLDS, f"{name}:", number(interval.value, 2), span(interval, 2), words))
    return found


def _overlap_findings(reliability: Mapping[str, Any]) -> list[Finding]:
    entry = section(reliability, "overlap")
    chance = read_interval(
        {"value": entry.get("chance"), "low": entry.get("chance_low"), "high": entry.get("chance_high")}
    )
    both, top, metrics = entry.get("both"), entry.get("top"), entry.get("metrics")
    if chance is None or not isinstance(both, int) or not isinstance(top, int) or not isinstance(metrics, list):
        return []
    if len(metrics) < 2:
        return []
    side = (
        "more than chance has"
        if both > chance.high
        else "less than chance has"
        if both < chance.low
        else "as chance has it"
    )
    lists = f"{'both' if len(metrics) == 2 else 'all of'} {_listed([str(metric) for metric in metrics])}"
    words = f"so many seeds stand in the best {top:,} by {lists}; that is {side} ({number(chance.value, 0)})."
    return [Finding(HOLDS, "Overlap:", f"{both:,}", f"chance {span(chance, 0)}", words)]


def _diverse_findings(reliability: Mapping[str, Any]) -> list[Finding]:
    found = []
    for kind, entry in section(reliability, "diverse_gain").items():
        gain = read_interval(entry, "gain")
        if gain is None:
            continue
        words = {
            "better": "diverse sets differ more within themselves than random sets, on held-out prompts.",
            "worse": "diverse sets differ less within themselves than random sets, on held-out prompts.",
            "unclear": "diverse sets cannot be told from random sets, on held-out prompts.",
        }[standing(gain)]
        found.append(Finding(VARIED, f"{kind}:", *_signed(gain), words, _TONES[standing(gain)]))
    return found


def plain(name: str) -> str:
    """Return what a reader calls the thing that a bank calls `name`."""
    names = {"centroid_x": "place across", "centroid_y": "place up and down", "size": "object size"}
    return names.get(name, name.replace("_", " "))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else "nothing"
