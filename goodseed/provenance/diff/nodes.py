"""What differs between two recipes: values, files, texts, nodes put in or taken out, wires."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from goodseed.provenance.diff import prompts
from goodseed.provenance.diff.difference import ADDED, REMOVED, REPLACED, REWIRED, Findings
from goodseed.provenance.diff.files import Files
from goodseed.provenance.diff.input_files import NAME, InputFiles, fix_of, hash_of, name_of, shown_file
from goodseed.provenance.diff.match import Matching, groups, match, same_source, users_of
from goodseed.provenance.diff.places import CONDITIONING, DECODED, LATENT, NOISE, SIGMAS, Places
from goodseed.provenance.diff.resolve import OBSERVED_INPUTS, Graph, own_hash
from goodseed.provenance.diff.values import is_number, same, same_path, shown

_SAMPLER_NAMES = {
    "sampler_name", "scheduler", "sampler", "add_noise", "return_with_leftover_noise", "solver_type", "swap_unit",
    "swaps", "step_noise", "step_noise_card", "spec", "per_item", "drawn_in", "card",
}  # fmt: skip
_SEED_LISTS = {"seeds", "swap_seeds"}
_TEXT_NAMES = ("text", "prompt", "string", "tags", "lyrics", "positive", "negative", "clip_l", "clip_g", "t5xxl")
_NARROWER = {
    "steps": {SIGMAS}, "scheduler": {SIGMAS}, "denoise": {SIGMAS}, "cfg": {LATENT}, "seed": {NOISE, LATENT},
    "sampler": {SIGMAS, LATENT}, "strength_model": {LATENT}, "strength_clip": {CONDITIONING},
    "swap_seed": {LATENT}, "swap_at": {LATENT}, "swap_unit": {LATENT}, "swaps": {LATENT}, "step_noise": {LATENT},
    "step_noise_card": {LATENT}, "initial_seed": {NOISE}, "spec": {NOISE}, "per_item": {NOISE}, "drawn_in": {NOISE},
    "card": {NOISE},
}  # fmt: skip
"""The stages that values of samplers and LoRAs change first."""
_MOST_SHOWN = 3


class Recipes:
    """Two recipes side by side."""

    def __init__(self, a: Graph, b: Graph, record_a: Mapping[str, Any], record_b: Mapping[str, Any]) -> None:
        self.a, self.b = a, b
        self.places_a, self.places_b = Places(a, record_a), Places(b, record_b)
        self.files, self.inputs = Files(record_a, record_b), InputFiles(record_a, record_b)
        self.matching: Matching = match(a, b)
        self.found = Findings()
        self._by_link: tuple[set[tuple[str, str]], set[tuple[str, str]]] = (set(), set())

    def compare(self) -> Findings:
        for x, y in self.matching.pairs.items():
            if self.a.nodes[x].class_type != self.b.nodes[y].class_type:
                self._replaced(x, y)
            else:
                self._literals(x, y)
                self._links(x, y)
        for side, graph, places, keys, known in (
            (REMOVED, self.a, self.places_a, self.matching.removed, self._by_link[0]),
            (ADDED, self.b, self.places_b, self.matching.added, self._by_link[1]),
        ):
            for group in groups(graph, keys):
                if not users_of(graph, group) <= known:  # else the input that it feeds is named already
                    self._group(side, graph, places, group)
        self._dropped()
        if self.a.portable_noise != self.b.portable_noise:
            values = self.a.portable_noise, self.b.portable_noise
            self.found.add("numerics", "Determinism Guard: portable_noise", *values, "portable_noise", {LATENT})
        return self.found

    @property
    def sample_alike(self) -> bool:
        """Whether each node that samples has its counterpart."""
        return not (
            self.places_a.samplers & set(self.matching.removed) or self.places_b.samplers & set(self.matching.added)
        )

    def _literals(self, x: str, y: str) -> None:
        first, second = self.a.nodes[x].literals, self.b.nodes[y].literals
        for name in sorted(first.keys() & second.keys()):
            self._literal(x, y, name, first[name], second[name])
        links_a, links_b = self.a.nodes[x].links, self.b.nodes[y].links
        for name in sorted(first.keys() ^ second.keys()):
            if name in links_a or name in links_b:
                self._link_and_literal(x, y, name)
            else:
                cause = "post-process" if self.places_a.is_after_decoding(x) else "graph"
                detail = "only one of the two graphs has this input"
                self._add(cause, x, y, name, first.get(name), second.get(name), detail=detail)

    def _literal(self, x: str, y: str, name: str, a: Any, b: Any) -> None:
        role = self.places_a.role(x, name, a)
        if role is None:
            role = self.places_b.role(y, name, b)
        if role is not None and isinstance(a, str) and isinstance(b, str):
            self._file(x, y, name, role, a, b)
            return
        self.files.compare_others(x, y, name, self.found, self.places_a.enters[x] | self.places_b.enters[y])
        self._contents(x, y, name)
        if same(a, b) or self.inputs.are_known((x, name), (y, name)):
            return
        cause = self._cause(x, y, name, a, b)
        detail = prompts.describe(a, b) if cause == "prompt" else ""
        self._add(cause, x, y, name, a, b, detail=detail)

    def _contents(self, x: str, y: str, name: str) -> None:
        """Compare what the files of ComfyUI's folders hold that an input names."""
        for first, second in self.inputs.pairs((x, name), (y, name)):
            if hash_of(first) != hash_of(second):
                cause = "post-process" if self._after(x, y) else "graph"
                where, values = f"{self.label(x, y)}: {name_of(first)}", (shown_file(first), shown_file(second))
                enters = self.places_a.enters[x] | self.places_b.enters[y]
                more = {"by_content": True, "fix": fix_of(first), "place": (x, y, name)}
                self.found.add(cause, where, *values, NAME, enters, **more)
            elif name_of(first) != name_of(second):
                files = f"{shown(name_of(first))} and {shown(name_of(second))}"
                self.found.notes.append(f"{self.label(x, y)}: {files} are the same file")

    def _file(self, x: str, y: str, name: str, role: str, a: str, b: str) -> None:
        """Compare a model's file: by its tensors where both are known, by its name where not."""
        verdict = self.files.same((x, name), (y, name))
        if verdict is None:
            verdict = same_path(a, b) or same(a, b)
        elif verdict and not same_path(a, b):
            self.found.notes.append(f"{self.label(x, y)}: {shown(a)} and {shown(b)} hold the same weights")
        if verdict:
            return
        adapter = self.places_a.is_adapter(x) or self.places_b.is_adapter(y)
        after = self.places_a.is_after_decoding(x) and self.places_b.is_after_decoding(y)
        cause = "adapter" if adapter else "post-process" if after else "model"
        value_a, value_b = self.files.described_a((x, name), a), self.files.described_b((y, name), b)
        detail = "the name is the same, the weights are not" if same_path(a, b) else ""
        self._add(cause, x, y, name, value_a, value_b, detail=detail)

    def _cause(self, x: str, y: str, name: str, a: Any, b: Any) -> str:
        if self.places_a.is_after_decoding(x) and self.places_b.is_after_decoding(y):
            return "post-process"
        if self.places_a.is_adapter(x) or self.places_b.is_adapter(y):
            return "adapter"
        if name in _SAMPLER_NAMES:
            return "sampler"
        if (is_number(a) and is_number(b)) or name in _SEED_LISTS:
            return "number"
        if isinstance(a, str) and isinstance(b, str) and self._is_text(x, name, a, b):
            return "prompt"
        return "graph"

    def _is_text(self, x: str, name: str, a: str, b: str) -> bool:
        words = name.lower()
        named = any(words == text or words.startswith((f"{text}_", f"{text}s")) for text in _TEXT_NAMES)
        return named or words.endswith(("_text", "_prompt")) or any(letter.isspace() for letter in a + b)

    def _links(self, x: str, y: str) -> None:
        first, second = self.a.nodes[x].links, self.b.nodes[y].links
        for name in sorted(first.keys() | second.keys()):
            if name in self.a.nodes[x].literals or name in self.b.nodes[y].literals:
                continue  # looked at with the literals
            link_a, link_b = first.get(name), second.get(name)
            if link_a and link_b and same_source(link_a, link_b, self.matching):
                continue
            sources = [source[0] for source in (link_a, link_b) if source]
            if self._is_new(sources):
                continue  # the node that was put in or taken out is what is named
            value_a = self._source(self.places_a, link_a)
            value_b = self._source(self.places_b, link_b)
            cause = "post-process" if self._after(x, y) else "graph"
            self._add(cause, x, y, name, value_a, value_b, kind=REWIRED)

    def _is_new(self, sources: list[str]) -> bool:
        return any(source in self.matching.removed or source in self.matching.added for source in sources)

    def _link_and_literal(self, x: str, y: str, name: str) -> None:
        """Name an input that is typed in one graph and comes by a link in the other, what came being unknown."""
        value_a = self.a.nodes[x].literals.get(name, self._source(self.places_a, self.a.nodes[x].links.get(name)))
        value_b = self.b.nodes[y].literals.get(name, self._source(self.places_b, self.b.nodes[y].links.get(name)))
        detail = "what came through the link was not observed; a Determinism Guard observes it"
        typed = self.a.nodes[x].literals.get(name, self.b.nodes[y].literals.get(name))
        cause = self._cause(x, y, name, typed, typed)
        more = {CONDITIONING} if "clip" in self.a.nodes[x].links else frozenset()
        self._add(cause, x, y, name, value_a, value_b, kind=REWIRED, detail=detail, by_link=True, narrow=more)
        self._by_link[0].add((x, name))
        self._by_link[1].add((y, name))

    def _source(self, places: Places, link: tuple[str, int] | None) -> str | None:
        if link is None:
            return None
        name = places.label(link[0]) if link[0] in places.graph.nodes else f"{link[0]}, which is missing"
        return f"output {link[1]} of {name}"

    def _replaced(self, x: str, y: str) -> None:
        where = f"{self.places_a.label(x)} / {self.places_b.label(y)}"
        enters = self.places_a.enters[x] | self.places_b.enters[y]
        a, b = self._shown(self.a, x), self._shown(self.b, y)
        if self._after(x, y):
            cause = "post-process"
        elif self.places_a.is_adapter(x) or self.places_b.is_adapter(y):
            cause = "adapter"
        elif self.places_a.is_model_loader(x) or self.places_b.is_model_loader(y):
            cause = "model"
        elif self.places_a.is_only_for(x, "sampler", "sigmas") and self.places_b.is_only_for(y, "sampler", "sigmas"):
            cause = "sampler"
        else:
            cause = "graph"
        self.found.add(cause, where, a, b, "class_type", enters, kind=REPLACED)

    def _group(self, side: str, graph: Graph, places: Places, group: list[str]) -> None:
        """Name nodes that only one graph has: each adapter by itself, the others of a group together."""
        samples = any(key in places.samplers for key in group)
        refiner = samples and any(places.is_model_loader(key) for key in group)
        for part in [group] if refiner else _parts(graph, places, group):
            enters = set().union(*(places.enters[key] for key in part))
            if any(key in places.samplers for key in part):
                enters = {LATENT, DECODED}  # the run itself is in one record only; what follows it tells
            if refiner or any(places.is_adapter(key) for key in part):
                cause = "adapter"
            elif all(places.is_after_decoding(key) for key in part):
                cause = "post-process"
            elif all(places.is_only_for(key, "sampler", "sigmas") for key in part):
                cause = "sampler"
            else:
                cause = "graph"
            what = ", ".join(self._shown(graph, key) for key in part[:_MOST_SHOWN])
            what += f" and {len(part) - _MOST_SHOWN} more" if len(part) > _MOST_SHOWN else ""
            where = ", ".join(places.label(key) for key in part[:_MOST_SHOWN])
            a, b = (what, None) if side == REMOVED else (None, what)
            self.found.add(cause, where, a, b, "node", enters, kind=side)

    def _dropped(self) -> None:
        """Say where nodes differ that only brought values which are known and compared by themselves."""
        first, second = (sorted(own_hash(node) for node in graph.dropped) for graph in (self.a, self.b))
        if first != second:
            self.found.notes.append("values come from other nodes than before; they are compared as they arrived")

    def _after(self, x: str, y: str) -> bool:
        return self.places_a.is_after_decoding(x) and self.places_b.is_after_decoding(y)

    def _add(
        self, cause: str, x: str, y: str, name: str, a: Any, b: Any, narrow: Set[str] = frozenset(), **more: Any
    ) -> None:
        known_as = OBSERVED_INPUTS.get(name, name)
        enters = self.places_a.enters[x] | self.places_b.enters[y]
        own = narrow or ({CONDITIONING} if cause == "prompt" else _NARROWER.get(known_as, set()))
        enters = enters & own or enters
        self.found.add(cause, f"{self.label(x, y)}: {name}", a, b, known_as, enters, place=(x, y, name), **more)

    def label(self, x: str, y: str) -> str:
        """Return what people call two counterparts."""
        first, second = self.places_a.label(x), self.places_b.label(y)
        return first if first == second else f"{first} / {second}"

    def _shown(self, graph: Graph, key: str) -> str:
        """Return a node's class with its first values, as KSampler(seed=7, steps=20)."""
        node = graph.nodes[key]
        values = [f"{name}={shown(node.literals[name], 40)}" for name in sorted(node.literals)]
        more = ", …" if len(values) > 2 * _MOST_SHOWN else ""
        return f"{node.class_type}({', '.join(values[: 2 * _MOST_SHOWN])}{more})"


def _parts(graph: Graph, places: Places, group: list[str]) -> list[list[str]]:
    """Return a group in parts: each adapter with what serves it alone (its loader, its picture), then the others."""
    adapters = [key for key in group if places.is_adapter(key)]
    served = {source for key in adapters for source in graph.sources(key)}
    heads = [key for key in adapters if graph.nodes[key].links or key not in served]
    parts: list[list[str]] = []
    named = set(heads)
    for head in heads:
        part, waiting = [head], graph.sources(head)
        while waiting:
            source = waiting.pop()
            if source in group and source not in named and not {"model", "clip"} & graph.nodes[source].links.keys():
                named.add(source)
                part.append(source)
                waiting += graph.sources(source)
        parts.append(part)
    others = [key for key in group if key not in named]
    return [*parts, others] if others else parts
