"""What a study will do, fixed before it starts: the content of `study.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from goodseed.canonical import canonical_json
from goodseed.errors import GoodSeedError, StudyError
from goodseed.files import write_bytes
from goodseed.prompts import PromptSet, check_prompt
from goodseed.seeds import format_seeds, parse_seeds
from goodseed.study.inpaint_plan import INPAINT_SETS, PAIRS, TEXT_SHARE, Inpainting, plan_inpainting
from goodseed.study.interfaces import ChecksPrompts, Generator
from goodseed.study.plan_checks import check_generator, check_sizes
from goodseed.study.registry import make_pair

if TYPE_CHECKING:
    from goodseed.study.metrics.source import Source

SETS = ("selection", "held_out")
QUALITY = "quality"
"""The features of a metric per seed that names none."""

FEATURES = (QUALITY, "style", "composition")
SMALL = "small"
"""Small copies of the pictures: a feature that stays in the ledger, for telling seeds; no bank holds it."""

SCHEMA = 1
SHARD_IMAGES = 64
"""A shard holds about this many images: 10 s of one core with the demo model."""

MOST_SHARDS = 16_384
"""A study that would have more shards has more prompts in each, so that tens of millions of cells stay handy; with
shards of 64 images that begins at a million images."""

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """One block of seeds on one block of prompts: computed by one worker, kept in one file.

    In a set of inpainting pairs `prompts` are the cells' names, and `prompt_start` the number of the first cell.
    """

    prompt_set: str
    seed_start: int
    seeds: tuple[int, ...]
    prompt_start: int
    prompts: tuple[str, ...]
    batch: int
    name: str

    @property
    def images(self) -> int:
        return len(self.seeds) * len(self.prompts)


@dataclass(frozen=True)
class Plan:
    """Everything that a study's result depends on. Two plans with the same key give the same bank."""

    generator: str
    generator_info: Mapping[str, Any]
    judge_info: Mapping[str, Any]
    seeds: tuple[int, ...]
    selection: PromptSet
    held_out: PromptSet
    batch: int
    seed_block: int
    prompt_block: int
    software: Mapping[str, str]
    inpaint: Inpainting | None = None
    metrics: tuple[str, ...] = ()
    """The metrics that were chosen by name; none where the generator's own judge measures."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The generator's, as JSON: all that it needs to be made anew in any process of any machine."""

    def prompts(self, prompt_set: str) -> PromptSet:
        return self.selection if prompt_set == "selection" else self.held_out

    @property
    def sets(self) -> tuple[str, ...]:
        """The names of all sets of cells: of prompts, then, where there is inpainting, of pairs."""
        return SETS if self.inpaint is None else (*SETS, *INPAINT_SETS)

    def cells(self, cell_set: str) -> tuple[str, ...]:
        """Return what each seed meets in a set: its prompts, or the names of its pairs and tasks."""
        if cell_set in INPAINT_SETS and self.inpaint is not None:
            return self.inpaint.cells(cell_set)
        return self.prompts(cell_set).prompts

    @property
    def images(self) -> int:
        return len(self.seeds) * sum(len(self.cells(name)) for name in self.sets)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every picture."""
        sampling = self.generator_info["sampling"]
        return int(sampling["width"]), int(sampling["height"])

    @cached_property
    def set_metrics(self) -> Mapping[str, str]:
        """The metrics of a seed's whole set of images, each with the column of the features that it is made of."""
        metrics = self.judge_info["metrics"].items()
        return {name: str(metric.get("features", QUALITY)) for name, metric in metrics if metric["per"] == "seed"}

    @cached_property
    def columns(self) -> frozenset[str]:
        """The names of all columns that a judge's measurements fill."""
        metrics = (f"metric.{name}" for name in self.judge_info["metrics"] if name not in self.set_metrics)
        traits = (f"trait.{name}" for name in self.judge_info["traits"])
        return frozenset([*metrics, *traits, *self.judge_info["features"], *self.set_metrics.values()])

    @cached_property
    def streamed(self) -> frozenset[str]:
        """The columns that are too wide to be held in memory all at once (`Ledger.blocks`)."""
        return frozenset([*self.set_metrics.values(), SMALL])

    @property
    def composition_names(self) -> tuple[str, ...]:
        """What the composition's axes are called; none where it is not measured."""
        composition = self.judge_info["features"].get("composition")
        return () if composition is None else tuple(map(str, composition["names"]))

    def columns_of(self, cell_set: str) -> frozenset[str]:
        """Return the names of the columns of a set's shards."""
        return frozenset([TEXT_SHARE]) if cell_set in INPAINT_SETS else self.columns

    def as_dict(self) -> dict[str, Any]:
        # A study without inpainting or options says nothing of them, so that its key stays what it was.
        inpaint = {} if self.inpaint is None else {"inpaint": self.inpaint.as_dict()}
        metrics = {"metrics": list(self.metrics)} if self.metrics else {}  # likewise
        options = {"options": dict(self.options)} if self.options else {}
        return {
            "schema": SCHEMA,
            "generator": self.generator,
            "generator_info": dict(self.generator_info),
            "judge_info": dict(self.judge_info),
            "seeds": format_seeds(self.seeds),
            "prompts": {name: _set_as_dict(self.prompts(name)) for name in SETS},
            "blocks": {"batch": self.batch, "seeds": self.seed_block, "prompts": self.prompt_block},
            "software": dict(self.software),
            **inpaint,
            **metrics,
            **options,
        }

    @cached_property
    def without_inpainting(self) -> Plan:
        return replace(self, inpaint=None)

    def key_of(self, cell_set: str) -> str:
        """Return the key in a set's shards; pictures of prompts do not depend on whether there is inpainting."""
        return self.key if cell_set in INPAINT_SETS else self.without_inpainting.key

    @cached_property
    def key(self) -> str:
        """The study's key: the SHA-256 of its canonical JSON."""
        return hashlib.sha256(canonical_json(self.as_dict()).encode()).hexdigest()

    def shards(self) -> list[Shard]:
        """Return all shards; they never depend on what is done already, so that a batch is always the same."""
        seeds = _pieces(self.seeds, self.seed_block)
        return [
            Shard(
                prompt_set=prompt_set,
                seed_start=seed_start,
                seeds=some_seeds,
                prompt_start=prompt_start,
                prompts=some_prompts,
                batch=self.batch,
                name=f"{prompt_set}/{seed_start // self.seed_block:05}-{prompt_start // self.prompt_block:05}.parquet",
            )
            for prompt_set in self.sets
            for prompt_start, some_prompts in _pieces(self.cells(prompt_set), self.prompt_block)
            for seed_start, some_seeds in seeds
        ]


def _pieces(whole: tuple[T, ...], size: int) -> list[tuple[int, tuple[T, ...]]]:
    return [(start, whole[start : start + size]) for start in range(0, len(whole), size)]


def make_plan(
    generator: str,
    seeds: Sequence[int],
    selection: PromptSet,
    held_out: PromptSet,
    reader: str | None = None,
    pairs: int = PAIRS,
    metrics: Sequence[str] = (),
    source: Source | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """Plan a study of `seeds` on two prompt sets; where a `reader` is named, of inpainting `pairs` pairs as well.

    Where `metrics` are named they measure, and `source` is the reference of those that are a distance to one;
    otherwise the generator's own judge measures. `options` are the generator's; it describes itself by them alone, and
    needs no place for that.

    Raises:
        MissingExtraError: when what the reader or a metric needs is not installed.
        WeightsError: when a metric's weights are neither here nor to be had.
        SeedError: for a seed that ComfyUI does not take.
        PromptError: for a prompt that the generator or the judge cannot use.
        StudyError: for an unknown generator, too few seeds or prompts, or a prompt that stands in both sets.
    """
    check_sizes(seeds, selection, held_out)
    maker, judge = make_pair(generator, metrics, source, options)
    generator_info, judge_info = maker.describe(), judge.describe()
    check_generator(generator_info)
    _check_judge(judge_info)
    for picky in (maker, judge):
        if isinstance(picky, ChecksPrompts):
            for prompt in (*selection.prompts, *held_out.prompts):
                picky.check_prompt(prompt)
    return replace(
        plan_of(generator, maker, generator_info, judge_info, seeds, selection, held_out),
        inpaint=None if reader is None else plan_inpainting(maker, reader, pairs),
        metrics=tuple(metrics),
        options=dict(options or {}),
    )


def plan_of(
    generator: str,
    maker: Generator | type[Generator],
    generator_info: Mapping[str, Any],
    judge_info: Mapping[str, Any],
    seeds: Sequence[int],
    selection: PromptSet,
    held_out: PromptSet,
) -> Plan:
    """Return a plan of what is described already; of the `maker` it takes the batch and the size of shards alone.

    Raises:
        SeedError: for a seed that ComfyUI does not take.
        StudyError: for too few seeds or prompts, a prompt that stands in both sets, and a judge that is of no use.
    """
    check_sizes(seeds, selection, held_out)
    _check_judge(judge_info)
    shard_images = int(getattr(maker, "shard_images", SHARD_IMAGES))
    seed_block = max(shard_images // maker.batch, 1) * maker.batch
    return Plan(
        generator=generator,
        generator_info=generator_info,
        judge_info=judge_info,
        seeds=tuple(seeds),
        selection=selection,
        held_out=held_out,
        batch=maker.batch,
        seed_block=seed_block,
        prompt_block=_prompt_block(shard_images, seed_block, len(seeds), (len(selection), len(held_out))),
        software=_software(),
    )


def write_plan(folder: Path, plan: Plan) -> None:
    write_bytes(folder / "study.json", canonical_json(plan.as_dict()).encode())


def read_plan(folder: Path | str) -> Plan:
    """Read a study's plan.

    Raises:
        StudyError: when the folder holds none, or one that is damaged or newer than this version.
    """
    path = Path(folder) / "study.json"
    try:
        data = json.loads(path.read_bytes().decode())
        schema = data["schema"]
        if schema == SCHEMA:
            return _plan_from_dict(data)
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); is this a study's folder?") from error
    except (ValueError, KeyError, TypeError, AttributeError, GoodSeedError) as error:
        raise StudyError(f"{path}: is damaged ({type(error).__name__}: {error}); start in another folder") from error
    raise StudyError(f"{path}: schema {schema!r} is not the {SCHEMA} that this version reads; update goodseed")


def differences(old: Plan, new: Plan) -> list[str]:
    """Name what differs between two plans, one short phrase each; nothing for equal plans."""
    before, now = old.as_dict(), new.as_dict()
    blocks = before.pop("blocks"), now.pop("blocks")  # these follow from the rest, unless nothing else differs
    return named_differences(before, now) or named_differences(*blocks, "blocks")


def named_differences(old: Any, new: Any, where: str = "") -> list[str]:
    """Name what differs between two JSON values, one short phrase each, with its place."""
    if old == new:
        return []
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*old, *(key for key in new if key not in old)]
        return [
            phrase
            for key in keys
            for phrase in named_differences(old.get(key), new.get(key), f"{where}.{key}" if where else str(key))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        first = next(index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
        return named_differences(old[first], new[first], f"{where}[{first}]")
    return [f"{where} (was {_short(old)}, now {_short(new)})"]


def _short(value: Any) -> str:
    text = f"{len(value)} of them" if isinstance(value, list) and len(value) > 4 else canonical_json(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _check_judge(info: Mapping[str, Any]) -> None:
    metrics = info["metrics"]
    unnamed = [name for name, metric in metrics.items() if metric["per"] == "seed" and "features" not in metric]
    if len(unnamed) > 1:
        raise StudyError(f"judge: its metrics per seed {', '.join(unnamed)} must each name the features it is made of")
    for name, metric in metrics.items():
        if metric["per"] == "seed" and metric.get("features", QUALITY) != QUALITY:
            if metric.get("distance") not in ("frechet", "mmd"):
                raise StudyError(f"judge: metric {name} is no distance of a known kind; use frechet or mmd")
            if "reference" not in metric:
                raise StudyError(f"metric {name}: is a distance to real images; name them with --reference")
    if not metrics and not info["traits"] and not info["features"]:
        raise StudyError("judge: describes no metric, no trait and no feature; a study has to measure something")
    odd = sorted(set(info["features"]) - {"style", "composition", SMALL})
    if odd:
        raise StudyError(f"judge: describes the feature {odd[0]}; the features of a bank are style and composition")


def _set_as_dict(prompts: PromptSet) -> dict[str, Any]:
    return {"texts": list(prompts.prompts), "licence": prompts.licence}


def _set_from_dict(data: Mapping[str, Any]) -> PromptSet:
    texts = tuple(check_prompt(text, "study.json, prompts") for text in data["texts"])
    return PromptSet(texts, str(data["licence"]))


def _plan_from_dict(data: Mapping[str, Any]) -> Plan:
    plan = Plan(
        generator=str(data["generator"]),
        generator_info=dict(data["generator_info"]),
        judge_info=dict(data["judge_info"]),
        seeds=tuple(parse_seeds(data["seeds"])),
        selection=_set_from_dict(data["prompts"]["selection"]),
        held_out=_set_from_dict(data["prompts"]["held_out"]),
        batch=int(data["blocks"]["batch"]),
        seed_block=int(data["blocks"]["seeds"]),
        prompt_block=int(data["blocks"]["prompts"]),
        software=dict(data["software"]),
        inpaint=Inpainting.from_dict(data["inpaint"]) if "inpaint" in data else None,
        metrics=tuple(map(str, data.get("metrics", ()))),
        options=dict(data.get("options", {})),
    )
    check_sizes(plan.seeds, plan.selection, plan.held_out)
    _check_judge(plan.judge_info)
    if not (plan.batch > 0 and plan.prompt_block > 0 and plan.seed_block > 0):
        raise StudyError(f"blocks of {plan.batch}, {plan.seed_block} and {plan.prompt_block}")
    return plan


def _prompt_block(images: int, seed_block: int, seeds: int, prompts: Sequence[int]) -> int:
    """Return how many prompts a shard of about `images` images has, or of twice, four times… as many."""
    block, blocks_of_seeds = max(images // min(seed_block, seeds), 1), -(-seeds // seed_block)
    while block < max(prompts) and blocks_of_seeds * sum(-(-count // block) for count in prompts) > MOST_SHARDS:
        block *= 2
    return block


def _software() -> dict[str, str]:
    import numpy
    import torch

    from goodseed import __version__

    return {"goodseed": __version__, "torch": str(torch.__version__), "numpy": numpy.__version__}
