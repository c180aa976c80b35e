"""Where a node sits in its graph: which stages of the image it can change first, and what part of the work it does."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from goodseed.provenance.diff.resolve import Graph, Node
from goodseed.provenance.diff.values import is_model_file, mappings

CONDITIONING, NOISE, SIGMAS, LATENT = "conditioning", "initial_noise", "sigmas", "output_latent"
DECODED, PIXELS = "decoded", "pixels"
RUN_STAGES = (CONDITIONING, NOISE, SIGMAS, LATENT)
ALL_STAGES = (*RUN_STAGES, DECODED, PIXELS)

_ENTERS = {
    "model": {SIGMAS, LATENT}, "positive": {CONDITIONING, LATENT}, "negative": {CONDITIONING, LATENT},
    "conditioning": {CONDITIONING, LATENT}, "latent_image": {NOISE, LATENT}, "latent": {NOISE, LATENT},
    "samples": {NOISE, LATENT}, "noise": {NOISE, LATENT}, "sigmas": {SIGMAS}, "sampler": {SIGMAS, LATENT},
    "cfg": {LATENT}, "cond1": {CONDITIONING, LATENT}, "cond2": {CONDITIONING, LATENT},
}  # fmt: skip
"""By the name of the input of a sampler, or of a guider, through which something reaches it."""

ADAPTER_ROLES = {
    "loras", "controlnet", "hypernetworks", "style_models", "clip_vision", "gligen", "photomaker", "model_patches",
    "ipadapter", "embeddings", "inpaint",
}  # fmt: skip
"""folder_paths' categories of files that go on top of a model."""
_WITH_USER = {"controlnet", "style_models", "clip_vision", "gligen", "photomaker", "model_patches", "ipadapter"}
"""Those whose loader only loads; the node that the file is handed to sets its weight."""
_ADAPTER_CLASSES = ("lora", "controlnet", "control_net", "ipadapter", "hypernetwork", "gligen", "t2iadapter", "unclip")
_ROLES_OF_INPUTS = {
    "ckpt_name": "checkpoints", "unet_name": "diffusion_models", "vae_name": "vae", "clip_name": "text_encoders",
    "clip_name1": "text_encoders", "clip_name2": "text_encoders", "clip_name3": "text_encoders",
    "clip_name4": "text_encoders", "lora_name": "loras", "control_net_name": "controlnet",
    "style_model_name": "style_models", "gligen_name": "gligen", "hypernetwork_name": "hypernetworks",
}  # fmt: skip


class Places:
    """What each node of one graph can change, seen from its samplers and its saver."""

    def __init__(self, graph: Graph, record: Mapping[str, Any]) -> None:
        self.graph = graph
        self.samplers = _samplers(graph, record)
        self.roles = _file_roles(graph, record)
        self._titles: dict[str, list[str]] = {}
        for node in graph.nodes.values():
            self._titles.setdefault(node.class_type, []).append(node.title)
        self.enters: dict[str, set[str]] = {key: set() for key in graph.nodes}
        self.inputs: dict[str, set[str]] = {key: set() for key in graph.nodes}
        for sampler in self.samplers:
            self._enter_through(sampler)
        decoders = [key for key, node in graph.nodes.items() if _decodes(node)]
        self.before_decoding = set(decoders).union(*(graph.above(key) for key in decoders))
        for key in graph.above(graph.saver, self._samples) | {graph.saver}:
            if key not in self.samplers:
                self.enters[key].add(PIXELS if key == graph.saver else DECODED)

    def _enter_through(self, sampler: str) -> None:
        self.enters[sampler] |= set(RUN_STAGES)
        for name, (source, _) in self.graph.nodes[sampler].links.items():
            if source not in self.graph.nodes or source in self.samplers:
                continue
            if name == "guider":
                self.enters[source] |= {CONDITIONING, LATENT}
                self.inputs[source].add(name)
                for inner, (further, _) in self.graph.nodes[source].links.items():
                    self._enter(further, inner)
            else:
                self._enter(source, name)

    def _enter(self, source: str, name: str) -> None:
        if source not in self.graph.nodes or source in self.samplers:
            return
        for key in {source} | self.graph.above(source, self._samples):
            if key not in self.samplers:
                self.enters[key] |= _ENTERS.get(name, {LATENT})
                self.inputs[key].add(name)

    def _samples(self, key: str) -> bool:
        return key in self.samplers

    def role(self, key: str, name: str, value: Any) -> str | None:
        """Return folder_paths' category of the file that an input names, "" where unknown, None where it is no file."""
        if (key, name) in self.roles:
            return self.roles[key, name]
        if name in _ROLES_OF_INPUTS and isinstance(value, str):
            return _ROLES_OF_INPUTS[name]
        return "" if is_model_file(value) else None

    def is_adapter(self, key: str) -> bool:
        """Say whether a node loads an adapter (LoRA, ControlNet …) or sets its weight."""
        if self._loads(key, ADAPTER_ROLES):
            return True
        if any(word in self.graph.nodes[key].class_type.lower() for word in _ADAPTER_CLASSES):
            return True
        return any(self._loads(source, _WITH_USER) for source in self.graph.sources(key))

    def is_model_loader(self, key: str) -> bool:
        """Say whether a node loads a model, not an adapter: checkpoint, diffusion model, VAE, text encoder."""
        roles = [self.role(key, name, value) for name, value in self.graph.nodes[key].literals.items()]
        return any(role is not None for role in roles) and not self.is_adapter(key)

    def is_after_decoding(self, key: str) -> bool:
        """Say whether a node works on the decoded image, and nothing that samples depends on it."""
        return self.enters[key] <= {DECODED, PIXELS} and key not in self.before_decoding

    def is_only_for(self, key: str, *names: str) -> bool:
        """Say whether a node reaches samplers through inputs of these names alone, and nothing else."""
        return bool(self.inputs[key]) and self.inputs[key] <= set(names) and DECODED not in self.enters[key]

    def label(self, key: str) -> str:
        """Return what people call a node: its class, with its title, or its id where others have that class too."""
        node = self.graph.nodes[key]
        name = "the saver" if key == self.graph.saver else node.class_type
        if node.title and node.title != node.class_type and key != self.graph.saver:
            name += f" “{node.title}”"
        titles = self._titles[node.class_type]
        return f"{name} ({key})" if len(set(titles)) < len(titles) else name

    def _loads(self, key: str, roles: Container[str | None]) -> bool:
        literals = self.graph.nodes[key].literals
        return any(self.role(key, name, value) in roles for name, value in literals.items())


def _samplers(graph: Graph, record: Mapping[str, Any]) -> set[str]:
    """Return the nodes that sampled, or that look as if they do: a latent goes in, and noise, a seed or a guider."""
    found = {str(run.get("node")) for run in mappings(record.get("runs"))} & graph.nodes.keys()
    for key, node in graph.nodes.items():
        names = node.literals.keys() | node.links.keys()
        if "latent_image" in names and names & {"seed", "noise_seed", "noise", "guider"}:
            found.add(key)
    return found


def _file_roles(graph: Graph, record: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for model in mappings(record.get("models")):
        key, name, role = (str(model.get(part)) for part in ("node", "input", "role"))
        if key in graph.nodes and isinstance(graph.nodes[key].literals.get(name), str):
            found[key, name] = role
    return found


def _decodes(node: Node) -> bool:
    return {"samples", "vae"} <= node.links.keys() or node.class_type.startswith("VAEDecode")
