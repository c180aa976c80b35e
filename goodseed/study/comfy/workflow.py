"""A workflow in API format as a study runs it: where the seed and the prompt go in, and which picture comes out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodseed.canonical import canonical_json
from goodseed.determinism.graph import Graph as AuditedGraph
from goodseed.errors import StudyError
from goodseed.provenance.paths import shown
from goodseed.provenance.recipe import is_prompt_link, recipe_of
from goodseed.provenance.verify.rerun import above
from goodseed.study.comfy.find import Input, find_prompt, find_seed, negative_of, sampler_of

Graph = dict[str, dict[str, Any]]

SHOW = "goodseed_show"
"""The key of the node that hands the picture over."""
SEND, PREVIEW = "SaveImageWebsocket", "PreviewImage"
_SAVERS = ("SaveImage", "SaveImageWebsocket", "SaveAnimatedPNG", "SaveAnimatedWEBP", "GoodSeedProvenanceSaver")
_LARGEST = 64 << 20


@dataclass(frozen=True)
class Workflow:
    """The nodes that one picture needs, and the inputs that change from cell to cell."""

    graph: Graph
    seed: tuple[Input, ...]
    prompt: tuple[Input, ...]
    picture: tuple[str, int]
    """Node and output that the picture comes from."""
    saver: str
    """The node of the workflow that saves it; it stays out unless images are to be kept."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(canonical_json(self.graph).encode()).hexdigest()

    @property
    def sampler(self) -> str:
        """The node that begins with the seed's noise."""
        return sampler_of(recipe_of(self.graph, self.saver), self.seed)

    @property
    def negative(self) -> str:
        return negative_of(recipe_of(self.graph, self.saver), self.sampler)

    def filled(self, prompt: str, seed: int, show: str) -> Graph:
        """Return the graph for one cell; `show` is the class of the node that hands the picture over.

        An empty `show` leaves the workflow's own saver in, whose images then stay on the server.
        """
        graph = {key: {**node, "inputs": dict(node["inputs"])} for key, node in self.graph.items()}
        for place, value in [*((place, seed) for place in self.seed), *((place, prompt) for place in self.prompt)]:
            graph[place.node]["inputs"][place.name] = value
        if show:
            del graph[self.saver]
            graph[SHOW] = {"class_type": show, "inputs": {"images": list(self.picture)}}
        return graph

    def as_dict(self) -> dict[str, Any]:
        return {
            "graph": self.graph,
            "sha256": self.sha256,
            "seed": [str(place) for place in self.seed],
            "prompt": [str(place) for place in self.prompt],
            "picture": list(self.picture),
            "saver": self.saver,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Workflow:
        """Return the workflow of a plan.

        Raises:
            StudyError: when its graph is not the one that was planned.
        """
        workflow = Workflow(
            graph={str(key): dict(node) for key, node in data["graph"].items()},
            seed=tuple(map(Input.parse, data["seed"])),
            prompt=tuple(map(Input.parse, data["prompt"])),
            picture=(str(data["picture"][0]), int(data["picture"][1])),
            saver=str(data["saver"]),
        )
        if workflow.sha256 != data["sha256"]:
            raise StudyError("workflow: its graph is not the one with the sha256 in the plan; start in another folder")
        return workflow


@dataclass(frozen=True)
class Choices:
    """What the user says about a workflow where it does not speak for itself: inputs as NODE.INPUT."""

    seed: Sequence[str] = ()
    prompt: Sequence[str] = ()
    negative: str | None = None
    """Text for the negative prompt in the place of the workflow's."""
    image: str | None = None
    """The node that saves the picture to study."""


def read_workflow(path: Path | str, choices: Choices | None = None) -> Workflow:
    """Read a workflow and find its inputs.

    Raises:
        StudyError: when the file is no workflow in API format, or it is not plain where a seed, a prompt or a picture
            goes in or comes out; the message lists what could be meant and the option that says so.
        VerifyError: when its links lead nowhere or in a circle.
    """
    where = shown(Path(path).name)
    choices = choices or Choices()
    graph = _read(Path(path), where)
    saver, picture = _saver(graph, choices.image, where)
    needed = above(graph, [saver])
    graph = {key: node for key, node in graph.items() if key in needed}
    recipe = recipe_of(graph, saver)
    seed = find_seed(recipe, choices.seed, where)
    prompt = find_prompt(recipe, seed, choices.prompt, where)
    if choices.negative is not None:
        for place in find_prompt(recipe, seed, (), where, role="negative"):
            graph[place.node]["inputs"][place.name] = choices.negative
    for node, size in AuditedGraph(graph).batches():
        raise StudyError(f"{where}: {node} makes {size} pictures at a time; a study wants one a seed: set it to 1")
    return Workflow(graph, seed, prompt, picture, saver)


def _read(path: Path, where: str) -> Graph:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); name a workflow in API format") from error
    try:
        content = json.loads(data.decode("utf-8-sig")) if len(data) <= _LARGEST else None
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{where}: is no JSON; save the workflow with 'Export (API)' in ComfyUI's menu") from error
    if isinstance(content, dict) and isinstance(content.get("nodes"), list):
        raise StudyError(
            f"{where}: is a workflow in the editor's format; save it with 'Export (API)' in ComfyUI's menu"
        )
    if isinstance(content, dict) and isinstance(content.get("prompt"), dict):
        content = content["prompt"]
    if not isinstance(content, dict) or not content:
        raise StudyError(f"{where}: holds no workflow; save one with 'Export (API)' in ComfyUI's menu")
    graph: Graph = {}
    for key, node in content.items():
        inputs = node.get("inputs") if isinstance(node, dict) else None
        if not isinstance(inputs, dict) or not isinstance(node.get("class_type"), str):
            raise StudyError(f"{where}: node '{shown(str(key))}' has no class_type or no inputs; export it anew")
        graph[str(key)] = {"class_type": node["class_type"], "inputs": inputs}
    return graph


def _saver(graph: Graph, chosen: str | None, where: str) -> tuple[str, tuple[str, int]]:
    """Return the node that saves the picture to study, and the node and output that the picture comes from."""
    found = {key: link for key, node in graph.items() if (link := _picture_into(node)) and not _used(graph, key)}
    if chosen is not None:
        if chosen not in graph or not (link := _picture_into(graph[chosen])):
            raise StudyError(f"{where}: node '{shown(chosen)}' saves no picture; {_could_be(graph, found)}")
        return chosen, link
    savers = {key: link for key, link in found.items() if graph[key]["class_type"] in _SAVERS} or found
    if not savers:
        raise StudyError(f"{where}: no node saves a picture; add Save Image to the workflow and export it anew")
    if len(set(savers.values())) > 1:
        raise StudyError(f"{where}: several nodes save different pictures; {_could_be(graph, savers)}")
    return next(iter(savers.items()))


def _could_be(graph: Graph, keys: Iterable[str]) -> str:
    named = ", ".join(f"{shown(key)} ({shown(graph[key]['class_type'])})" for key in keys)
    return f"say which one with --image-node: {named}" if named else "none does"


def _picture_into(node: Mapping[str, Any]) -> tuple[str, int] | None:
    for name in ("images", "image"):
        value = node["inputs"].get(name)
        if is_prompt_link(value):
            return str(value[0]), int(value[1])
    return None


def _used(graph: Graph, key: str) -> bool:
    return any(
        is_prompt_link(value) and value[0] == key for node in graph.values() for value in node["inputs"].values()
    )
