"""A record's recipe made ready for comparison: links resolved where it is known what came through them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from goodseed.provenance.diff.values import known_value, mappings, text_of

OBSERVED_INPUTS = {
    "seed": "seed", "noise_seed": "seed", "steps": "steps", "cfg": "cfg", "sampler_name": "sampler",
    "scheduler": "scheduler", "denoise": "denoise",
}  # fmt: skip
"""Inputs of samplers, as ComfyUI spells them, and the value of an observed run that each becomes."""
PARTS_OF_SAMPLING = ("noise", "guider", "sampler", "sigmas")
"""Inputs of SamplerCustomAdvanced; the nodes linked there hold what KSampler holds itself."""
PICTURE_SETTINGS = ("format", "quality")
"""Inputs of a saver that change pixels; the others say where a file goes and what stands beside it."""

_GUARD = "GoodSeedDeterminismGuard"
_PORTABLE = "portable_noise"
_GUARDED = ("model", "clip", "vae")
CONTROL = "control_after_generate"
"""A widget of the browser, which reaches no node."""
_PRIMITIVE = re.compile(r"primitive|literal|constant|^(int|float|string|text|seed|number|boolean)\b", re.IGNORECASE)

Link = tuple[str, int]


@dataclass
class Node:
    """A node of a recipe: what it is, its literal inputs, and what each linked input comes from."""

    key: str
    class_type: str
    title: str
    literals: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)


@dataclass
class Graph:
    """Nodes by key; `dropped` are those that nothing needs once their values are known.

    `portable_noise` says that a Guard has samplers draw their noise on the CPU.
    """

    saver: str
    nodes: dict[str, Node]
    dropped: list[Node] = field(default_factory=list)
    portable_noise: bool = False

    def above(self, key: str, stop: Callable[[str], bool] = lambda key: False) -> set[str]:
        """Return the nodes that `key` takes inputs from, near and far, not going above those where `stop` is true."""
        found: set[str] = set()
        waiting = self.sources(key)
        while waiting:
            source = waiting.pop()
            if source not in found:
                found.add(source)
                if not stop(source):
                    waiting += self.sources(source)
        return found

    def sources(self, key: str) -> list[str]:
        """Return the nodes that `key` is linked to, by the inputs' names, as far as they are there."""
        links = self.nodes[key].links
        return [links[name][0] for name in sorted(links) if links[name][0] in self.nodes]


def graph_of(record: Mapping[str, Any]) -> Graph | None:
    """Return a record's recipe with what was observed put in the place of links, or None where it has no recipe.

    The Guard is left out, since it changes no bit but by its portable noise, and of the saver only what changes pixels
    is kept.
    """
    recipe = record.get("recipe")
    nodes = recipe.get("nodes") if isinstance(recipe, Mapping) else None
    if not isinstance(recipe, Mapping) or not isinstance(nodes, Mapping) or recipe.get("saver") not in nodes:
        return None
    graph = Graph(recipe["saver"], {key: _node(key, node) for key, node in nodes.items()})
    _keep_of_saver(graph.nodes[graph.saver])
    _leave_out_guards(graph)
    _put_primitives(graph)
    for key, values in observed_values(record).items():
        if key in graph.nodes:
            _put_observed(graph, key, values)
    for key, texts in _observed_texts(record).items():
        if key in graph.nodes:
            _put_text(graph.nodes[key], texts)
    _drop_unneeded(graph)
    return graph


def observed_values(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each node that sampled the values that were observed there, where all its runs agree."""
    found: dict[str, dict[str, Any]] = {}
    for run in mappings(record.get("runs")):
        node = str(run.get("node"))
        values = {name: known_value(run, name) for name in set(OBSERVED_INPUTS.values())}
        observed = {name: value for name, (value, is_known) in values.items() if is_known and value is not None}
        if node in found:
            observed = {name: value for name, value in observed.items() if found[node].get(name) == value}
        found[node] = observed
    return found


def is_primitive(class_type: str) -> bool:
    """Say whether nodes of a class do nothing but hold one value, by their name."""
    return _PRIMITIVE.search(class_type) is not None


def own_hash(node: Node) -> str:
    """Return one text for nodes of one class with equal literal inputs, hashed."""
    return _hash([node.class_type, node.literals])


def up_hashes(graph: Graph) -> dict[str, str]:
    """Return for each node a hash of itself and all above it, whatever the nodes are called."""
    found: dict[str, str] = {}
    for key in _in_order(graph):
        node = graph.nodes[key]
        links = {name: [slot, found.get(source, "cut")] for name, (source, slot) in node.links.items()}
        found[key] = _hash([node.class_type, node.literals, links])
    return found


def _hash(value: Any) -> str:
    return hashlib.sha256(text_of(value).encode()).hexdigest()


def _node(key: str, node: Any) -> Node:
    inputs = node.get("inputs") if isinstance(node, Mapping) else None
    title = node.get("title") if isinstance(node, Mapping) else None
    made = Node(key, str(node.get("class_type")) if isinstance(node, Mapping) else "", title or "")
    for name, value in (inputs if isinstance(inputs, Mapping) else {}).items():
        link = _link(value)
        if link is not None:
            made.links[name] = link
        elif name != CONTROL:
            wrapped = isinstance(value, Mapping) and value.keys() == {"literal"}
            made.literals[name] = value["literal"] if wrapped else value
    return made


def _link(value: Any) -> Link | None:
    link = value["link"] if isinstance(value, Mapping) and value.keys() == {"link"} else None
    if isinstance(link, list) and len(link) == 2 and isinstance(link[0], str) and isinstance(link[1], int):
        return link[0], link[1]
    return None


def _keep_of_saver(saver: Node) -> None:
    format_name = str(saver.literals.get("format", "png"))
    lossy = format_name != "png" and "lossless" not in format_name
    saver.literals = {name: saver.literals[name] for name in PICTURE_SETTINGS if name in saver.literals and lossy}
    saver.class_type = "saver"  # which node wrote the file does not change the picture
    saver.links = {name: link for name, link in saver.links.items() if name == "images"} or saver.links


def _leave_out_guards(graph: Graph) -> None:
    """Lead what comes from a Guard to what went into it."""
    through: dict[Link, Link] = {}
    for key, node in graph.nodes.items():
        if node.class_type == _GUARD:
            on = node.literals.get("mode") != "off"
            graph.portable_noise |= on and node.literals.get(_PORTABLE) is True
            through |= {(key, slot): node.links[name] for slot, name in enumerate(_GUARDED) if name in node.links}
    for node in graph.nodes.values():
        for name, link in node.links.items():
            seen: set[Link] = set()
            while link in through and link not in seen:
                seen.add(link)
                link = through[link]
            node.links[name] = link


def _put_primitives(graph: Graph) -> None:
    """Put the value of nodes that only hold one, such as PrimitiveInt, where they are linked to."""
    held: dict[str, Any] = {}
    for key, node in graph.nodes.items():
        values = list(node.literals.values())
        if is_primitive(node.class_type) and not node.links and len(values) == 1:
            held[key] = values[0]
    for node in graph.nodes.values():
        for name in [name for name, (source, slot) in node.links.items() if source in held and slot == 0]:
            node.literals[name] = held[node.links.pop(name)[0]]


def _put_observed(graph: Graph, key: str, values: Mapping[str, Any]) -> None:
    """Put what was observed while node `key` sampled in the place of the links that brought it."""
    for holder in _holders(graph, key):
        for name in [name for name in holder.links if OBSERVED_INPUTS.get(name) in values]:
            del holder.links[name]
            holder.literals[name] = values[OBSERVED_INPUTS[name]]


def _observed_texts(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return for each text encoder what it was seen to read."""
    found: dict[str, list[str]] = {}
    for prompt in mappings(record.get("prompts")):
        if prompt.get("known") == "observed" and isinstance(prompt.get("text"), str):
            found.setdefault(str(prompt.get("node")), []).append(prompt["text"])
    return found


def _put_text(encoder: Node, texts: list[str]) -> None:
    """Put the text that was read in the place of the link that brought it, where both are the only ones."""
    links = [name for name in encoder.links if name != "clip"]
    if len(links) == len(texts) == 1 and not any(isinstance(value, str) for value in encoder.literals.values()):
        del encoder.links[links[0]]
        encoder.literals[links[0]] = texts[0]


def _holders(graph: Graph, key: str) -> Iterator[Node]:
    node = graph.nodes[key]
    yield node
    for name in PARTS_OF_SAMPLING:
        source = node.links.get(name, ("", 0))[0]
        if source in graph.nodes:
            yield graph.nodes[source]


def _drop_unneeded(graph: Graph) -> None:
    needed = graph.above(graph.saver) | {graph.saver}
    graph.dropped = [node for key, node in graph.nodes.items() if key not in needed]
    graph.nodes = {key: node for key, node in graph.nodes.items() if key in needed}


def _in_order(graph: Graph) -> list[str]:
    """Return the nodes, each after those it takes inputs from; a cycle is cut where it closes."""
    done: dict[str, None] = {}
    entered: set[str] = set()
    waiting = [graph.saver]
    while waiting:
        key = waiting[-1]
        if key in done or key in entered:
            done.setdefault(key)
            waiting.pop()
        else:
            entered.add(key)
            waiting += [source for source in reversed(graph.sources(key)) if source not in entered]
    return list(done)
