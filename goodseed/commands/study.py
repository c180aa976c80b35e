"""`goodseed study`: measure seeds, and continue where an earlier run stopped."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodseed.commands.metrics import (
    MetricsOption,
    ReferenceOption,
    WeightsOption,
    chosen_metrics,
    loads_weights,
    use_weights,
)
from goodseed.commands.output import JsonOption, console, escaped, print_json
from goodseed.commands.study_comfy import (
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
    check_generator,
    prepare_comfy,
)
from goodseed.commands.study_demo import CfgOption, DtypeOption, StepsOption, demo_options
from goodseed.commands.study_diffusers import (
    BatchOption,
    CardOption,
    DeviceOption,
    GuidanceOption,
    HeightOption,
    ModelOption,
    NoiseOption,
    OffloadOption,
    RevisionOption,
    VariantOption,
    WidthOption,
    check_diffusers,
    plan_without_pipeline,
    prepare_diffusers,
)
from goodseed.commands.study_engine import AddressOption, EngineOption
from goodseed.commands.study_plan import (
    Asked,
    IccOption,
    PlanOption,
    RateOption,
    check_plan_options,
    plan_without_server,
    require_idle,
    show_forecast,
)
from goodseed.errors import PromptError
from goodseed.prompts import PromptSet, read_prompts
from goodseed.seeds import parse_seeds

if TYPE_CHECKING:
    from goodseed.study.engines import Place
    from goodseed.study.pilot import Pilot
    from goodseed.study.race_plan import RacePlan
    from goodseed.study.runner import StudyResult


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
    from goodseed.study.comfy.feed import Settings
    from goodseed.study.comfy.workflow import Choices
    from goodseed.study.engines import make_engine
    from goodseed.study.engines.local import default_workers
    from goodseed.study.pilot import run_pilot
    from goodseed.study.plan import make_plan
    from goodseed.study.race_plan import make_race
    from goodseed.study.race_run import run_race
    from goodseed.study.runner import check_name, default_name, run_study

    make_engine(engine, workers, (), address)  # a name that is unknown is said before anything is begun
    bank_name = check_name(name) if name else default_name(out)
    wanted = parse_seeds(seeds)
    selection, kept_apart = _prompt_sets(generator, prompts, held_out)
    use_weights(weights)
    names, source = chosen_metrics(metrics, reference)
    if generator in ("comfy", "diffusers") and not names:
        names = ["traits"]
    options: dict[str, Any] = demo_options(generator, steps, cfg, dtype)
    places: list[Place] = []
    check_plan_options(only_plan, rate, icc)
    asked = Asked(out, rate, icc, race_metric, top, race_rule, keep_images, as_json) if only_plan else None
    pipeline = {
        "model": model, "revision": revision, "variant": variant, "guidance": guidance, "width": width,
        "height": height, "noise": noise, "card": card, "batch": batch, "device": device, "offload": offload,
    }  # fmt: skip
    through_diffusers = check_diffusers(generator, pipeline)
    if check_generator(generator, workflow, server):
        choices = Choices(seed_input or (), prompt_input or (), negative, image_node)
        settings = Settings(queue_ahead, stall, patience, keep_images=keep_images and asked is None)
        if asked is not None and asked.rate is not None:
            sets = (selection, kept_apart)
            unasked = plan_without_server(workflow, choices, wanted, sets, names, source)
            return show_forecast(unasked, None, len(server or ()), asked)
        if asked is not None:
            require_idle(server or (), settings.answer)
        options, places = prepare_comfy(workflow, server, choices, settings, selection.prompts[0])
    elif through_diffusers:
        if asked is not None and asked.rate is not None:
            unasked = plan_without_pipeline(wanted, (selection, kept_apart), names, source)
            return show_forecast(unasked, None, workers or len(device or ("",)), asked)
        pipeline |= {"steps": steps, "dtype": dtype, "negative": negative}
        options, places = prepare_diffusers(pipeline, workers)
    shape = (reader if inpaint else None, pairs)
    plan = make_plan(generator, wanted, selection, kept_apart, *shape, names, source, options)
    if workers is None and engine == "local" and loads_weights(names):
        workers = 1
    runs = make_engine(engine, workers, places, address)
    if asked is not None:
        crew = len(places) or (workers if workers is not None else default_workers() if engine == "local" else None)
        return show_forecast(plan, runs, None if crew is None else max(crew, 1), asked)
    whole = plan if racing else plan.without_inpainting
    raced = make_race(whole, race_metric, top, race_rule) if racing or pilot else None
    found: Pilot | None = None
    with _Bar() as bar:
        try:
            if pilot and raced is not None:
                found = run_pilot(out / "pilot", raced, workers, bar, runs)
                bar.say(found.sentences(raced.top))
                if not (found.promise.worth or force):
                    return _not_worth_it(found, bar, as_json)
            if racing and raced is not None:
                result = run_race(out, raced, workers, bank_name, bar, source, runs)
            else:
                result = run_study(out, plan, workers, bank_name, bar, source, runs)
        except KeyboardInterrupt:
            return bar.stopped(out, as_json)
    _say(result, raced if racing else None, found, as_json)
    return 0


def _not_worth_it(found: Pilot, bar: _Bar, as_json: bool) -> int:
    if as_json:
        print_json({"pilot": found.as_dict()})
    bar.say(["Nothing more was measured; --force goes on."])
    return 1


def _say(result: StudyResult, raced: RacePlan | None, found: Pilot | None, as_json: bool) -> None:
    if as_json:
        more = {} if raced is None else {"racing": {"metric": raced.metric, "top": raced.top}}
        more |= {} if found is None else {"pilot": found.as_dict()}
        print_json(
            {
                "bank": str(result.bank),
                "id": result.bank_id,
                "images": result.images,
                "seeds": result.seeds,
                "computed": result.computed,
                "damaged": list(result.damaged),
                **more,
            }
        )
    else:
        console().print(f"[bold]{escaped(str(result.bank))}[/bold]: {result.seeds} seeds, {result.images} images")
        if raced is not None:
            share = f"{result.images / raced.study.images:.0%} of what every seed on every prompt would be"
            console().print(f"A race for the best {raced.top} seeds by {raced.metric}: {share}")
        console().print(f"id {result.bank_id}")


def _prompt_sets(generator: str, prompts: Path | None, held_out: Path | None) -> tuple[PromptSet, PromptSet]:
    """Return the selection set and the held-out set that the options name.

    Raises:
        PromptError: for a file that cannot be used, a missing file, and one that cannot be split.
    """
    from goodseed.study.registry import default_prompts

    if prompts is None:
        brought = default_prompts(generator)
        if held_out is not None or brought is None:
            raise PromptError("prompts: --prompts is missing; name a text file with one prompt a line")
        return brought
    selection = read_prompts(prompts)
    if held_out is not None:
        return selection, read_prompts(held_out)
    if len(selection) < 4:
        raise PromptError(
            f"{prompts}: {len(selection)} prompts cannot be split in two sets; give 4, or --held-out FILE"
        )
    console().print(f"No --held-out: every second of the {len(selection)} prompts is held out.")
    return (
        PromptSet(selection.prompts[0::2], selection.licence),
        PromptSet(selection.prompts[1::2], selection.licence),
    )


class _Bar:
    """A study's progress for people: images done, rate and time left, on standard error."""

    def __enter__(self) -> _Bar:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console(),
            speed_estimate_period=300,
        )
        self._task = self._progress.add_task("images", total=None, rate="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        self._progress.start()
        if done:
            self._progress.console.print(f"Continuing: {done} of {images} images are there.")
        for name, why in damaged.items():
            self._progress.console.print(f"Shard {escaped(name)} is damaged ({escaped(why)}); it is computed again.")
        self._progress.update(self._task, total=images, completed=done)

    def advanced(self, images: int) -> None:
        self._progress.advance(self._task, images)
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, rate=f"{speed:.1f} images/s" if speed else "")

    def say(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._progress.console.print(escaped(sentence), soft_wrap=True)

    def said(self, line: str) -> None:
        self._progress.console.print(escaped(line), soft_wrap=True)

    def summing_up(self) -> None:
        self._progress.update(self._task, description="summing up")

    def stopped(self, out: Path, as_json: bool) -> int:
        """Say that the study can be continued; return the exit code for "not done"."""
        self._progress.stop()
        line = f"{out}: stopped; the same command continues the study"
        if as_json:
            print_json({"error": line})
        else:
            console().print(escaped(line), soft_wrap=True)
        return 1
