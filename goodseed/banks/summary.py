"""A choice of seeds in plain words, for the nodes' report: Markdown that also reads well as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from goodseed.banks.chart import standing_line
from goodseed.banks.choice import Choice, quality, ranks_of
from goodseed.banks.format import Bank
from goodseed.banks.published import caution, standing_lines
from goodseed.figures import fixed, spanned
from goodseed.plain import plain


def golden_summary(bank: Bank, choice: Choice, index: int, warnings: Sequence[str] = ()) -> str:
    """Return where the seed at place `index` of a golden choice stands, and what speaks for it."""
    standing = standing_lines if bank.published else _standing
    lines = [_headline(bank, choice, index), "", *_warnings(warnings), *standing(bank, choice.seeds[index]), ""]
    clean = "tasks" in choice.settings
    held_out = choice.evidence.get("held_out", {})
    if held_out:
        on = "pictures with holes" if clean else "prompts"
        chosen = "chosen seed" if len(choice.seeds) == 1 else f"{len(choice.seeds)} chosen seeds"
        them = "it" if len(choice.seeds) == 1 else "them"
        lines.append(f"The {chosen} on {on} that played no part in choosing {them}:")
        lines += [f"- {_plain(name)}: {_gain(gain)}{_icc(choice, name)}" for name, gain in held_out.items()]
    if overlap := choice.evidence.get("overlap"):
        chance = f"{overlap['chance']:.0f} ({overlap['chance_low']:.0f}…{overlap['chance_high']:.0f})"
        lines.append(f"- the metrics' top {overlap['top']} share {overlap['both']} seeds; chance gives {chance}")
    lines += [f"- {note}" for note in choice.notes]
    return "\n".join([*lines, "", f"Seeds: {_seeds(choice)}", _measured(bank)])


def golden_note(bank: Bank, choice: Choice, index: int, warnings: Sequence[str] = ()) -> str:
    """Return the same in a few lines of plain text, for the node itself."""
    standing = caution(bank) if bank.published else standing_line(bank, choice.seeds[index])
    return plain("\n".join([_headline(bank, choice, index), standing, *warnings]))


def diverse_summary(bank: Bank, choice: Choice, warnings: Sequence[str] = ()) -> str:
    """Return which seeds a diverse choice holds and how varied they are beside random ones."""
    asked = choice.settings
    within = f"golden seeds ({asked['rule']})" if asked["within"] == "golden" else "all seeds"
    lines = [f"**{len(choice.seeds)} seeds that differ in {asked['by']}**, from {within} of bank {_name(bank)}", ""]
    lines += [
        *_warnings(warnings),
        f"Seeds: {_seeds(choice)}",
        f"The first is where the search began: {asked['start']}.",
    ]
    for name, found in choice.evidence.get("similarity", {}).items():
        random = spanned(found["random"], found["random_low"], found["random_high"], 3)
        prompts = found["prompts"].replace("_", "-")
        lines.append(
            f"- similarity in {name} on the {prompts} prompts: {fixed(found['similarity'], 3)}; random seeds: {random}"
        )
    lines += [f"- {note}" for note in choice.notes]
    return "\n".join([*lines, "", _measured(bank)])


def _headline(bank: Bank, choice: Choice, index: int) -> str:
    clean, worst = "tasks" in choice.settings, choice.settings["worst"]
    kind = ("text-prone" if clean else "inferior") if worst else "clean" if clean else "golden"
    place = f"{kind} seed {index + 1} of {len(choice.seeds)}"
    return f"**Seed {choice.seeds[index]}**: {place} by {choice.rule}, bank {_name(bank)}"


def _standing(bank: Bank, seed: int) -> Iterator[str]:
    position, total = bank.seeds.index(seed), len(bank.seeds)
    yield "| metric | selection prompts | place | held-out prompts |"
    yield "|---|---|---|---|"
    for name, about in sorted(bank.metrics.items()):
        place = int(ranks_of(quality(bank, name))[position]) + 1
        value, held_out = float(bank.metric(name)[position]), float(bank.metric(name, held_out=True)[position])
        yield f"| {name} ({about['direction']} is better) | {value:.4g} | {place} of {total} | {held_out:.4g} |"
    for task in bank.tasks:
        share, held_out = (float(bank.text_share(task, held_out=which)[position]) for which in (False, True))
        place = int(ranks_of(-bank.text_share(task).astype(np.float64))[position]) + 1
        name = _plain(f"inpaint.{task}")
        yield f"| {name} (lower is better) | {share:.4g} | {place} of {total} | {held_out:.4g} |"
    if traits := [f"{trait} {float(bank.tensors[f'trait.{trait}'][position]):.0%}" for trait in bank.traits]:
        yield ""
        yield f"Share of its images: {', '.join(traits)}"


def _plain(name: str) -> str:
    return f"share of text, {name.removeprefix('inpaint.')}" if name.startswith("inpaint.") else name


def _gain(gain: Mapping[str, Any]) -> str:
    span = "no interval" if gain["low"] is None else f"{gain['low']:.3g}…{gain['high']:.3g}"
    better = f"better by {gain['gain']:.3g} ({span})"
    return f"{gain['golden']:.4g} against {gain['all']:.4g} of all, {better}"


def _icc(choice: Choice, name: str) -> str:
    icc = choice.evidence.get("icc", {}).get(name)
    return f"; ICC {spanned(icc['value'], icc['low'], icc['high'], 3)}" if icc else ""


def _measured(bank: Bank) -> str:
    if bank.published:
        return f"Published for {bank.info['model']['name']}, not measured."
    sampling, images = bank.info["sampling"], bank.info["design"]["images"]
    how = f"{sampling['sampler']}, {sampling['scheduler']}, {sampling['steps']} steps, cfg {sampling['cfg']:g}"
    size = f"{sampling['width']}×{sampling['height']} px"
    return f"Measured on {bank.info['model']['file']}: {images} images, {how}, {size}."


def _warnings(warnings: Sequence[str]) -> list[str]:
    return [*(f"**Warning:** {warning}" for warning in warnings), *([""] if warnings else [])]


def _seeds(choice: Choice) -> str:
    return ", ".join(str(seed) for seed in choice.seeds)


def _name(bank: Bank) -> str:
    return bank.name or bank.id[:12]
