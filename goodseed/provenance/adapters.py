"""LoRAs and ControlNets: what a graph lists, and what of it was seen on the model that sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from goodseed.provenance.recipe import Recipe, above, links_of, literal_of
from goodseed.provenance.record import GRAPH, OBSERVED

Adapter = dict[str, Any]


def adapters_in(recipe: Recipe, path: Iterable[str], models: Sequence[Mapping[str, Any]]) -> list[Adapter]:
    """Return the adapters that a graph names, with the strengths at their nodes' inputs; null where by link.

    `path` are the nodes above the sampler's model: a LoRA beside it is not on the model.
    """
    nodes = recipe["nodes"]
    on_path = set(path)
    found: list[Adapter] = []
    for model in models:
        if model["role"] == "loras" and model["node"] in on_path:
            found.append(_adapter(model, "weights", *_lora_strengths(nodes[model["node"]], model)))
        elif model["role"] == "controlnet":
            for strength in _control_strengths(recipe, model["node"]):
                found.append(_adapter(model, "controlnet", strength, None))
    return found


def named(
    adapters: Iterable[Mapping[str, Any]], listed: Sequence[Adapter], holds: Callable[[str, Mapping[str, Any]], bool]
) -> list[Adapter]:
    """Return the adapters seen on a model with the names and hashes of their files.

    `holds` says whether the LoRA file of a name has the tensor of a probe: the file is then observed. Where no file
    has it (a ControlNet, a file of another format), the only one that the graph lists at that strength is taken, from
    the graph; where there is none or several, the name stays null.
    """
    found: list[Adapter] = []
    for seen in adapters:
        adapter = {**seen, "name": None, "sha256": None}
        alike = [entry for entry in listed if (entry["kind"] == "weights") == (adapter["kind"] == "weights")]
        sure = [entry for entry in alike if adapter["probe"] and holds(entry["name"], adapter["probe"])]
        likely = [entry for entry in alike if entry["strength_model"] == adapter["strength_model"]]
        if sure:
            adapter |= {"name": sure[0]["name"], "sha256": sure[0]["sha256"], "known": OBSERVED}
        elif len(likely) == 1:
            adapter |= {"name": likely[0]["name"], "sha256": likely[0]["sha256"], "known": GRAPH}
        found.append(adapter)
    return found


def matched(run: Mapping[str, Any], listed: Sequence[Adapter]) -> list[Adapter]:
    """Return the adapters that were on the model of a run, as a record's tuple has them.

    What the graph lists and the run did not have (a switch left it out, or no weight of it fits) is left out, except
    a LoRA that is only on the text encoder.
    """
    clip_strengths = {_hash(adapter): adapter["strength_model"] for adapter in run.get("clip_adapters", ())}
    found: list[Adapter] = []
    for adapter in run["adapters"]:
        entry = next((entry for entry in listed if _is(entry, adapter)), None)
        strength_clip = clip_strengths.get(_hash(adapter)) if _hash(adapter) else None
        if strength_clip is None and entry is not None:
            strength_clip = entry["strength_clip"]
        plain = {name: adapter[name] for name in ("name", "sha256", "strength_model")}
        if {**plain, "strength_clip": strength_clip} not in found:  # of one file, functions and plain weights apart
            found.append({**plain, "strength_clip": strength_clip})
    found += [plain_adapter(entry) for entry in listed if entry["strength_model"] == 0 and entry["strength_clip"]]
    return found


def plain_adapter(adapter: Mapping[str, Any]) -> Adapter:
    """Return an adapter as a record's tuple has it."""
    return {name: adapter[name] for name in ("name", "sha256", "strength_model", "strength_clip")}


def _is(entry: Mapping[str, Any], adapter: Mapping[str, Any]) -> bool:
    return bool(entry["name"] == adapter["name"] and entry["strength_model"] in (None, adapter["strength_model"]))


def _hash(adapter: Mapping[str, Any]) -> str | None:
    probe = adapter.get("probe")
    return probe["sha256"] if probe else None


def _adapter(model: Mapping[str, Any], kind: str, strength_model: Any, strength_clip: Any) -> Adapter:
    return {
        "name": model["name"],
        "sha256": model["sha256"]["value"],
        "strength_model": strength_model,
        "strength_clip": strength_clip,
        "kind": kind,
        "node": model["node"],
    }


def _lora_strengths(node: Mapping[str, Any], model: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the strengths on model and text encoder; some nodes keep them beside the name, in one input."""
    inputs = node["inputs"]
    own = literal_of(inputs.get(model["input"]))
    settings: Mapping[str, Any] = own if isinstance(own, Mapping) else inputs
    on_model = _number(settings.get("strength_model", settings.get("strength")))
    return on_model, _number(settings.get("strength_clip", on_model if isinstance(own, Mapping) else None))


def _control_strengths(recipe: Recipe, loader: str) -> Iterator[Any]:
    for node in recipe["nodes"].values():
        link = links_of(node).get("control_net")
        if link is not None and "strength" in node["inputs"] and loader in above(recipe, link[0]):
            yield _number(node["inputs"]["strength"])


def _number(value: Any) -> float | None:
    value = literal_of(value)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
