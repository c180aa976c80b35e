"""Using a bank of published figures: nothing of it was measured here, and every answer says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goodseed.banks.choice import Choice
from goodseed.banks.format import Bank
from goodseed.banks.published_schema import KIND
from goodseed.errors import ChoiceError


def caution(bank: Bank) -> str:
    """Return what must be said whenever a published bank is used."""
    found = bank.info[KIND]
    return (
        f"These figures are published, not measured here ({found['source']}), for {bank.info['model']['name']}; "
        f"unknown are {', '.join(map(str, found['unknown']))}. With your model they may be like any others."
    )


def unknown_fit(bank: Bank) -> str:
    """Return why a published bank cannot be held against a graph."""
    name = bank.name or bank.id[:12]
    return (
        f"Whether the bank {name} fits this model, size and noise cannot be known: it holds figures published for "
        f"{bank.info['model']['name']}, not what a study measured."
    )


def pick_published(
    bank: Bank, rule: str, rules: Sequence[str], k: int, avoid: Mapping[str, float] | Sequence[str], worst: bool
) -> Choice:
    """Return the seeds that the source ranks in the best quarter (with `worst`: in the worst), best (worst) first.

    One of `rules` asks for seeds that every published metric ranks so; a metric's name for that metric alone.

    Raises:
        ChoiceError: for an unknown rule or trait, a `k` below 1, and where no seed answers.
    """
    metrics, traits = bank.info[KIND]["metrics"], bank.info[KIND]["traits"]
    names = sorted(metrics) if rule in rules else [rule] if rule in metrics else []
    if not names:
        known = ", ".join([*rules, *sorted(metrics)])
        raise ChoiceError(f"rule '{rule}': a bank of published figures answers {known}")
    limits = dict.fromkeys([avoid] if isinstance(avoid, str) else avoid)
    for trait in limits:
        if trait not in traits:
            raise ChoiceError(f"avoid '{trait}': the bank holds the traits {', '.join(sorted(traits)) or 'none'}")
    if k < 1:
        raise ChoiceError(f"k {k}: give at least 1")
    out = {seed for trait in limits for seed in traits[trait]["seeds"]}
    places = {
        seed: [metrics[name]["figures"].get(str(seed)) for name in names] for seed in bank.seeds if seed not in out
    }
    chosen = [seed for seed, found in places.items() if all(figure and _in_quarter(figure, worst) for figure in found)]
    chosen.sort(key=lambda seed: sum(figure["place"] for figure in places[seed]), reverse=worst)
    kind = "worst" if worst else "best"
    if not chosen:
        raise ChoiceError(f"rule {rule}: no seed of this bank is published as one of the {kind} quarter")
    notes = [caution(bank)]
    if len(chosen) < k:
        notes.append(f"Published as of the {kind} quarter: {len(chosen)}; {k} were asked for.")
    scores = {name: [float(metrics[name]["figures"][str(seed)]["value"]) for seed in chosen[:k]] for name in names}
    settings = {"k": k, "avoid": sorted(limits), "worst": worst}
    return Choice(chosen[:k], rule, bank.id, settings, scores, {"held_out": {}, "icc": {}}, notes)


def standing_lines(bank: Bank, seed: int) -> Iterator[str]:
    """Yield what a source says of a seed, as lines of a Markdown table and a sentence."""
    found = bank.info[KIND]
    yield "| published | value | place |"
    yield "|---|---|---|"
    for name, metric in sorted(found["metrics"].items()):
        if figure := metric["figures"].get(str(seed)):
            value = f"{figure['value']:g}"
            yield f"| {name} ({metric['direction']} is better) | {value} | {figure['place']} of {figure['of']} |"
    if named := [name for name, trait in sorted(found["traits"].items()) if seed in trait["seeds"]]:
        yield ""
        yield f"Published as a seed of {', '.join(named)}."


def _in_quarter(figure: Mapping[str, Any], worst: bool) -> bool:
    place, of = figure["place"], figure["of"]
    return bool(4 * place > 3 * of) if worst else bool(4 * place <= of)
