"""`goodseed study`: measure seeds, and continue where an earlier run stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goodseed.commands.metrics import MetricsOption, ReferenceOption, WeightsOption, chosen_metrics, use_weights
from goodseed.commands.output import JsonOption
from goodseed.commands.study_comfy import (
    Comfy,
    ImageNodeOption,
    KeepImagesOption,
    NegativeOption,
    PatienceOption,
    PromptInputOption,
    QueueAheadOption,
    SeedInputOption,
    ServerOption,
    StallOption,
    WorkflowOption,
)
from goodseed.commands.study_demo import CfgOption, Demo, DtypeOption, StepsOption
from goodseed.commands.study_diffusers import (
    BatchOption,
    CardOption,
    DeviceOption,
    Diffusers,
    GuidanceOption,
    HeightOption,
    ModelOption,
    NoiseOption,
    OffloadOption,
    RevisionOption,
    VariantOption,
    WidthOption,
)
from goodseed.commands.study_engine import AddressOption, EngineOption, Hands
from goodseed.commands.study_kind import Cells, Kind, prompt_sets
from goodseed.commands.study_plan import Asked, IccOption, PlanOption, RateOption, check_plan_options, show_plan
from goodseed.commands.study_run import Contest, run_plan
from goodseed.seeds import parse_seeds


def study(
    out: Annotated[Path, typer.Option("--out", help="Folder of the study; an unfinished one there is continued.")],
    generator: Annotated[
        str,
        typer.Option(
            "--generator",
            help="demo, demo-inpaint, comfy, diffusers, or module:function that returns a generator and a judge.",
        ),
    ] = "demo",
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds to measure, such as 0-1023 or 1,5,9-12.")] = "0-1023",
    prompts: Annotated[
        Path | None, typer.Option("--prompts", help="Text file, one prompt a line; the demo brings its own prompts.")
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option("--held-out", help="Prompts kept apart for the final word; else every second one of --prompts."),
    ] = None,
    metrics: MetricsOption = "",
    reference: ReferenceOption = None,
    weights: WeightsOption = None,
    inpaint: Annotated[
        bool,
        typer.Option("--inpaint", help="Also fill holes in pictures, and measure the text that seeds leave there."),
    ] = False,
    pairs: Annotated[
        int, typer.Option("--pairs", help="With --inpaint: pictures with a hole, half of them held out.")
    ] = 40,
    reader: Annotated[
        str, typer.Option("--reader", help="With --inpaint: what reads text: rapidocr, tesseract, or module:function.")
    ] = "rapidocr",
    steps: StepsOption = None,
    cfg: CfgOption = None,
    dtype: DtypeOption = None,
    workflow: WorkflowOption = None,
    server: ServerOption = None,
    seed_input: SeedInputOption = None,
    prompt_input: PromptInputOption = None,
    negative: NegativeOption = None,
    image_node: ImageNodeOption = None,
    keep_images: KeepImagesOption = False,
    queue_ahead: QueueAheadOption = 2,
    stall: StallOption = 300.0,
    patience: PatienceOption = 600.0,
    model: ModelOption = None,
    revision: RevisionOption = "",
    variant: VariantOption = "",
    guidance: GuidanceOption = None,
    width: WidthOption = None,
    height: HeightOption = None,
    noise: NoiseOption = "",
    card: CardOption = "",
    batch: BatchOption = None,
    device: DeviceOption = None,
    offload: OffloadOption = False,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            help="Processes; 0: this one. By default one a core (diffusers: one a device), or 1 where metrics load "
            "weights.",
        ),
    ] = None,
    racing: Annotated[
        bool,
        typer.Option(
            "--racing/--exhaustive",
            help="Measure a seed only until it is clear whether it is among the best; or every seed on every prompt.",
        ),
    ] = False,
    top: Annotated[
        int | None, typer.Option("--top", help="With --racing or --pilot: seeds wanted; a sixteenth if not given.")
    ] = None,
    race_metric: Annotated[
        str,
        typer.Option("--race-metric", help="With --racing or --pilot: what decides; by default the first metric."),
    ] = "",
    race_rule: Annotated[
        str,
        typer.Option("--race-rule", help="With --racing: gain, or interval, the costlier rule of races begun earlier."),
    ] = "gain",
    pilot: Annotated[
        bool,
        typer.Option("--pilot", help="First say from a few seeds what can be gained; stop if it is not worth it."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="With --pilot: go on in any case.")] = False,
    name: Annotated[str, typer.Option("--name", help="The bank's name; the folder's by default.")] = "",
    engine: EngineOption = "local",
    address: AddressOption = None,
    only_plan: PlanOption = False,
    rate: RateOption = None,
    icc: IccOption = "",
    as_json: JsonOption = False,
) -> int:
    """Measure seeds × prompts on a generator and sum them up in a seed bank.

    Without --metrics the generator's own judge measures. With --racing most seeds leave early, for a part of the
    images. It can be stopped at any moment: the same command continues it. With --inpaint a finished study is extended.
    With --plan nothing is begun: it says what the study would cost.
    """
    hands = Hands(engine, workers, address)
    hands.check()  # a name that is unknown is said before anything is begun
    check_plan_options(only_plan, rate, icc)
    contest = Contest(racing, pilot, force, race_metric, top, race_rule)
    contest.check(only_plan)
    bank_name = _bank_name(name, out)
    kind = _kind(
        generator,
        Demo(steps=steps, cfg=cfg, dtype=dtype),
        Comfy(
            workflow=workflow, servers=server or (), seed_input=seed_input or (), prompt_input=prompt_input or (),
            negative=negative, image_node=image_node, keep_images=keep_images, queue_ahead=queue_ahead, stall=stall,
            patience=patience,
        ),
        Diffusers(
            model=model, revision=revision, variant=variant, guidance=guidance, width=width, height=height, noise=noise,
            card=card, batch=batch, device=device, offload=offload, steps=steps, dtype=dtype, negative=negative,
        ),
    )  # fmt: skip
    use_weights(weights)
    sets = prompt_sets(generator, prompts, held_out)
    names, source = chosen_metrics(metrics, reference)
    cells = Cells(
        generator, parse_seeds(seeds), *sets, names or kind.metrics, source, reader if inpaint else None, pairs
    )
    if only_plan:
        return show_plan(kind, cells, hands, contest, Asked(out, rate, icc, keep_images, as_json))
    ready = kind.prepare(cells, workers, only_plan=False)
    plan = cells.plan(ready.options)
    runs, _ = hands.at(cells, ready.places)
    return run_plan(out, bank_name, plan, source, contest, runs, as_json)


def _kind(generator: str, demo: Demo, comfy: Comfy, diffusers: Diffusers) -> Kind:
    """Return the kind of a generator by its name, after options that are another's were refused.

    Raises:
        StudyError: for those, for options that it lacks, and for a name that is unknown.
    """
    from goodseed.study.registry import check_generator

    check_generator(generator)
    demo.check(generator)
    diffusers.check(generator)
    comfy.check(generator)
    return comfy if generator == "comfy" else diffusers if generator == "diffusers" else demo


def _bank_name(name: str, out: Path) -> str:
    from goodseed.study.runner import check_name, default_name

    return check_name(name) if name else default_name(out)
