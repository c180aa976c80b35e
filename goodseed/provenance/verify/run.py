"""Running an image's graph again on a server, and holding what comes out against the image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodseed.errors import RecordError, ServerError, VerifyError
from goodseed.provenance.diff import diff
from goodseed.provenance.diff.input_files import NAME
from goodseed.provenance.embed.decode import Picture, open_source
from goodseed.provenance.paths import shown
from goodseed.provenance.read import GOODSEED, Reading, read_image
from goodseed.provenance.recipe import prompt_of
from goodseed.provenance.record import parse_json, problems
from goodseed.provenance.verify.client import Report, Server
from goodseed.provenance.verify.explain import causes_without_records, edited_since, unsteady
from goodseed.provenance.verify.images import Pixels
from goodseed.provenance.verify.inputs import bring_inputs
from goodseed.provenance.verify.perturb import TRIES, perturbations
from goodseed.provenance.verify.refusal import cached_nodes
from goodseed.provenance.verify.rerun import Rerun, prepare
from goodseed.provenance.verify.verdict import IDENTICAL, Outcome, Reference, Verification

Shown = tuple[Pixels, Mapping[str, Any] | None]
"""A picture that a run shows, and its record where the server has our nodes."""

RECORDS = "goodseed_records"
"""Where the check node shows the records of its pictures, as texts."""


@dataclass(frozen=True)
class Settings:
    """How often to run, whether to change a parameter, seconds for each run, and where input pictures may lie."""

    repeat: int = 1
    perturb: bool = False
    limit: float = math.inf
    inputs: Path | None = None


def verify(
    image: Path | str | bytes, server: Server, settings: Settings, report: Report, name: str | None = None
) -> Verification:
    """Run an image's graph again on a server, with nothing cached, and compare the pixels; `name` is what it is called.

    Raises:
        ImageError: when the image cannot be read.
        RecordError: when its record is damaged.
        VerifyError: when it holds no graph, or one that cannot be run.
        ServerError: when the server is down, busy for too long, lacks something, or fails.
        StoppedError: when the server was told to stop.
    """
    name = name or ("image" if isinstance(image, bytes) else Path(image).name)
    reading = read_image(image, name, keep_image=True)
    prompt, saver = _graph_of(reading, shown(name))
    server.check()
    rerun = prepare(prompt, saver, server.describe, server.url)
    others = bring_inputs(rerun, reading.record or {}, server, settings.inputs)
    expected = _Expected(reading)
    runs = [expected.best(_run(rerun, server, settings, report)) for _ in range(settings.repeat)]
    worst = max(runs, key=lambda run: run.rank)
    answer = Verification(worst.verdict, runs, notes=list(reading.notes))
    _explain(answer, worst, reading, others)
    if settings.perturb:
        answer.perturbed = list(_perturbed(rerun, server, settings, report, expected, runs))
        if answer.computed is False:
            answer.notes.append("The picture did not change with any parameter: it was not computed from this graph.")
    return answer


def _graph_of(reading: Reading, name: str) -> tuple[Mapping[str, Any], str | None]:
    """Return the prompt to queue, and the node that saved the image where that is known."""
    record = reading.record or {}
    if reading.source == GOODSEED and record.get("recipe"):
        return prompt_of(record["recipe"]), str(record["recipe"]["saver"])
    if reading.prompt is not None:
        return reading.prompt, None
    made_by = f"; it was made by {reading.source}" if record else ""
    raise VerifyError(f"{name}: holds no graph of ComfyUI{made_by}; verify needs the graph to run it again")


class _Expected:
    """What a run should show, and which of a batch's pictures it should be."""

    def __init__(self, reading: Reading) -> None:
        record = reading.record or {}
        if reading.image is None:
            raise VerifyError("image: its pixels were not read")
        self.reference = Reference(reading.image, record.get("pixels") if record.get("lossy") else None)
        batch = record.get("batch") or {}
        self._index, self._size = batch.get("index", 0), batch.get("size", 0)

    def best(self, pictures: list[Shown]) -> Outcome:
        """Return the outcome of the batch's item that the image is; where that is not known, of the closest."""
        own = self._own(len(pictures))
        outcomes = [self.reference.judge(pictures[index][0], index, pictures[index][1]) for index in own]
        return min(outcomes, key=lambda outcome: outcome.rank)

    def _own(self, count: int) -> range:
        """Return the places in a run's pictures: a node may have run several times, each for a whole batch."""
        if self._size and count % self._size == 0:
            return range(self._index, count, self._size)
        return range(count)


def _run(rerun: Rerun, server: Server, settings: Settings, report: Report) -> list[Shown]:
    """Queue the graph and return the pictures that it shows, each with its record where the server has our nodes."""
    entry = server.run(rerun.fresh(), report, settings.limit)
    stale = sorted(cached_nodes(entry) & rerun.must_run)
    if stale:
        raise ServerError(
            f"{server.url}: showed a cached picture (node '{shown(stale[0])}' did not run); "
            "restart it, with --cache-none if that does not help"
        )
    found = [(_pixels(server, image), _record(text)) for key in rerun.shows for image, text in _shown_by(entry, key)]
    if not found:
        raise ServerError(f"{server.url}: ran the graph and showed no picture; look into its log")
    return found


def _shown_by(entry: Mapping[str, Any], key: str) -> Iterator[tuple[Any, Any]]:
    """Yield what the server says of each picture that a node shows, with the text of its record or None."""
    outputs = entry.get("outputs")
    output = outputs.get(key) if isinstance(outputs, dict) else None
    images, texts = ((output.get(part) if isinstance(output, dict) else None) for part in ("images", RECORDS))
    images, texts = (part if isinstance(part, list) else [] for part in (images, texts))
    yield from zip(images, [*texts, *([None] * len(images))], strict=False)


def _pixels(server: Server, image: Any) -> Pixels:
    if not isinstance(image, dict):
        raise ServerError(f"{server.url}: showed no picture that can be fetched; is it ComfyUI?")
    name = shown(f"{server.url}: {image.get('filename', 'picture')}", 200)
    with open_source(server.fetch(image), name) as file:
        return Picture(file, name).pixels()


def _record(text: Any) -> Mapping[str, Any] | None:
    if not isinstance(text, str):
        return None
    try:
        record = parse_json(text, "record")
    except RecordError:
        return None
    return record if next(problems(record), None) is None else None


def _perturbed(
    rerun: Rerun, server: Server, settings: Settings, report: Report, expected: _Expected, runs: list[Outcome]
) -> Iterator[dict[str, Any]]:
    """Change one parameter at a time until the picture changes; yield what was tried.

    Raises:
        VerifyError: when the graph has no parameter to change.
    """
    same = {run.sha256 for run in runs}
    tried = 0
    for change in perturbations(rerun.graph):
        other = rerun.changed(change.node, change.name, change.new)
        outcome = expected.best(_run(other, server, settings, report))
        changed = outcome.sha256 not in same and outcome.verdict != IDENTICAL
        yield {**change.as_dict(), "changed": changed}
        tried += 1
        if changed or tried == TRIES:
            return
    if not tried:
        raise VerifyError("graph: has no seed, number or text to change; leave --perturb away")


def _explain(answer: Verification, worst: Outcome, reading: Reading, other_inputs: Sequence[Mapping[str, Any]]) -> None:
    """Name what differs: by the two records where both are there, by the runs among themselves, or by the files."""
    if answer.verdict == IDENTICAL:
        return
    old, new = reading.record, worst.record
    if old is not None and new is not None and reading.source == GOODSEED:
        found = diff(old, _as_saved(new, old))
        answer.causes, answer.stages = list(found["causes"]), list(found["stages"])
    if not any(cause.get("name") == NAME for cause in answer.causes):
        answer.causes += map(dict, other_inputs)
    if answer.repeatable is False:
        answer.causes.insert(0, unsteady(len(answer.runs)))
    if edit := edited_since(reading, worst):
        answer.causes.insert(0, edit)
    if not answer.causes:
        answer.causes = causes_without_records(old, new, answer.repeatable)


def _as_saved(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's record with the recipe that was asked for: our own changes to the graph are no difference."""
    record = {**new, "recipe": old.get("recipe")}
    if old.get("lossy"):
        record["lossy"] = True
    return record
