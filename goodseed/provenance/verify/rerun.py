"""A recorded graph made ready to run again: nothing cached counts, and nothing is left in the output folder.

ComfyUI keeps the outputs of nodes whose class, inputs and ancestry it has seen before. All inputs that stand in the
queued graph count for that, those too that no node declares (CacheKeySetInputSignature in comfy_execution/caching.py),
while only declared ones reach a node (get_input_data in execution.py). So one undeclared input, different for each run,
on the nodes that the graph starts from makes every node run afresh and changes nothing of what it computes. The
server's history says which nodes did not run.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from goodseed.errors import ServerError, VerifyError
from goodseed.provenance.paths import shown
from goodseed.provenance.recipe import is_prompt_link, recipe_of, sampling_nodes

Graph = dict[str, dict[str, Any]]
Describe = Callable[[str], dict[str, Any] | None]

FRESH = "goodseed_fresh"
"""The undeclared input."""
CHECK = "GoodSeedReproductionCheck"
PREVIEW = "PreviewImage"
_PICTURE_TYPES = ("IMAGE",)


@dataclass(frozen=True)
class Rerun:
    """A graph to queue; `shows` are the nodes whose pictures count.

    `must_run` are those that make the pictures and those that sample; `dynamic` ones may not get inputs of ours.
    """

    graph: Graph
    shows: tuple[str, ...]
    must_run: frozenset[str]
    dynamic: frozenset[str]

    def fresh(self) -> Graph:
        """Return the graph with a new number on the nodes that it starts from."""
        number = uuid.uuid4().hex
        graph: Graph = {}
        for key, node in self.graph.items():
            inputs = dict(node["inputs"])
            starts = not any(is_prompt_link(value) for value in inputs.values())
            if starts and key not in self.dynamic:
                inputs[FRESH] = number
            graph[key] = {**node, "inputs": inputs}
        return graph

    def changed(self, key: str, name: str, value: Any) -> Rerun:
        """Return the same with one literal input changed."""
        node = self.graph[key]
        graph = {**self.graph, key: {**node, "inputs": {**node["inputs"], name: value}}}
        return Rerun(graph, self.shows, self.must_run, self.dynamic)


def prepare(prompt: Mapping[str, Any], saver: str | None, describe: Describe, where: str) -> Rerun:
    """Return the part of a prompt in API format that a saver needs, the saver replaced by a node that shows pictures.

    Without `saver`, as in images of other savers, all output nodes that take pictures are. `describe` asks the server
    for a class of nodes; `where` names the server in errors.

    Raises:
        VerifyError: when the graph is broken, or saves no picture.
        ServerError: when the server lacks a node that it needs.
    """
    checked = _checked(prompt)
    classes = {node["class_type"] for node in checked.values()}
    if saver is not None:
        if saver not in checked:
            raise VerifyError(f"graph: has no node '{shown(saver)}', which saved the image; save it again")
        needed = above(checked, [saver])
        classes = {checked[key]["class_type"] for key in needed}
    described = {name: describe(name) for name in sorted(classes)}
    links = dict(_pictures(checked, saver, described))
    if not links:
        at = f"node '{shown(saver)}' takes" if saver is not None else "none of its nodes saves"
        raise VerifyError(f"graph: {at} no picture; there is nothing to compare")
    needed = above(checked, [link[0] for link in links.values()])
    missing = sorted({checked[key]["class_type"] for key in needed if described[checked[key]["class_type"]] is None})
    if missing:
        names = ", ".join(shown(name) for name in missing[:5])
        raise ServerError(f"{where}: lacks the node{'s' * (len(missing) > 1)} {names}; install the pack and restart it")
    shower = CHECK if describe(CHECK) is not None else PREVIEW
    graph = {key: checked[key] for key in checked if key in needed}
    graph |= {key: {"class_type": shower, "inputs": {"images": list(link)}} for key, link in links.items()}
    dynamic = frozenset(key for key in needed if _is_dynamic(checked[key], described[checked[key]["class_type"]]))
    samplers = {node for key in links for node in sampling_nodes(recipe_of(graph, key))}
    return Rerun(graph, tuple(links), frozenset(samplers | {link[0] for link in links.values()}), dynamic)


def above(prompt: Mapping[str, Any], keys: list[str]) -> set[str]:
    """Return nodes and all nodes above them.

    Raises:
        VerifyError: when a node is missing, or the links form a circle.
    """
    done: set[str] = set()
    open_: set[str] = set()
    waiting = [(key, False) for key in keys]
    while waiting:
        key, left = waiting.pop()
        if left:
            open_.discard(key)
            done.add(key)
        elif key not in done:
            if key in open_:
                raise VerifyError(f"graph: node '{shown(key)}' depends on itself; the graph cannot be run")
            open_.add(key)
            waiting.append((key, True))
            for name, source in _sources(prompt[key]):
                if source not in prompt:
                    where = f"'{shown(name)}' of node '{shown(key)}'"
                    raise VerifyError(f"graph: {where} comes from node '{shown(source)}', which is not in it")
                waiting.append((source, False))
    return done


def _sources(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in node["inputs"].items():
        if is_prompt_link(value):
            yield name, value[0]


def _checked(prompt: Mapping[str, Any]) -> Graph:
    graph: Graph = {}
    for key, node in prompt.items():
        inputs = node.get("inputs") if isinstance(node, Mapping) else None
        if not isinstance(inputs, Mapping) or not isinstance(node.get("class_type"), str):
            raise VerifyError(f"graph: node '{shown(str(key))}' has no class_type or no inputs; the graph is damaged")
        values = {str(name): _queued(value) for name, value in inputs.items() if name != FRESH}
        graph[str(key)] = {"class_type": node["class_type"], "inputs": values}
    return graph


def _queued(value: Any) -> Any:
    """Return an input as /prompt wants it: a list that is no link is wrapped, or it would be taken for a broken one."""
    return {"__value__": value} if isinstance(value, list) and not is_prompt_link(value) else value


def _pictures(
    graph: Graph, saver: str | None, described: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield the saver, or each output node, with the link that its pictures come by; each link once."""
    seen: set[tuple[str, int]] = set()
    for key in [saver] if saver is not None else list(graph):
        node = graph[key]
        description = described[node["class_type"]]
        if saver is None and (description is None or not description.get("output_node")):
            continue
        for name, value in node["inputs"].items():
            if not is_prompt_link(value) or (value[0], int(value[1])) in seen:
                continue
            if _takes_pictures(name, description):
                link = (value[0], int(value[1]))
                seen.add(link)
                yield key, link
                break


def _takes_pictures(name: str, description: Mapping[str, Any] | None) -> bool:
    """Say whether an input is for pictures; where the server does not know the saver, by its name."""
    if description is None:
        return name in ("images", "image")
    spec = _declared(description).get(name)
    return bool(spec) and isinstance(spec, list) and str(spec[0]).partition(",")[0] in _PICTURE_TYPES


def _declared(description: Mapping[str, Any]) -> dict[str, Any]:
    inputs = description.get("input")
    parts = [inputs.get(part) for part in ("required", "optional")] if isinstance(inputs, Mapping) else []
    return {name: spec for part in parts if isinstance(part, Mapping) for name, spec in part.items()}


def _is_dynamic(node: Mapping[str, Any], description: Mapping[str, Any] | None) -> bool:
    """Say whether a node takes inputs that it does not declare: it might take ours for one of them."""
    declared = _declared(description or {})
    return any(name not in declared for name in node["inputs"])
