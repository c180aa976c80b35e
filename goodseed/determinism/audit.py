"""Silent randomness in a graph: what lets the same graph give another image, each with its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from goodseed.determinism import known
from goodseed.determinism.graph import Graph, Node
from goodseed.determinism.seed_controls import drawing_controls


@dataclass(frozen=True)
class Finding:
    """One way in which a graph is not fixed. `node` is its key in the graph, None for the machine."""

    cause: str
    node: str | None
    what: str
    fix: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Machine:
    """What the audit has to know beside the graph.

    `device` as torch writes it; `launch_flags` of the host; `portable_noise` says that step noise comes from the CPU;
    `workflow` is what the front end saves, where there is one; `models` the model files that the graph loads, as
    (node, role, name); `pinned` the (role, name) of those whose hash is held against a record.
    """

    device: str = "cpu"
    launch_flags: Sequence[str] = ()
    portable_noise: bool = False
    cublas: str | None = None
    workflow: Mapping[str, Any] | None = None
    models: Sequence[tuple[str, str, str]] = ()
    pinned: frozenset[tuple[str, str]] = field(default_factory=frozenset)


def audit(prompt: Mapping[str, Any], machine: Machine | None = None) -> list[Finding]:
    """Return what is found in a prompt in API format and on the machine that runs it, in the order of the nodes."""
    graph, machine = Graph(prompt), machine or Machine()
    return [finding for look in _LOOKS for finding in look(graph, machine)]


def _machine(graph: Graph, machine: Machine) -> Iterator[Finding]:
    if machine.cublas:
        yield Finding("cublas", None, f"{machine.cublas}.", "Set CUBLAS_WORKSPACE_CONFIG=:4096:8 before the start.")
    for flag in machine.launch_flags:
        if flag.partition("=")[0].split(" ")[0] in known.FAST_FLAGS:
            what = f"ComfyUI runs with {flag}: faster kernels that round otherwise, chosen by trying them."
            yield Finding("fast", None, what, "Start ComfyUI without --fast.")


def _seeds(graph: Graph, machine: Machine) -> Iterator[Finding]:
    controls = drawing_controls(machine.workflow)
    for node in graph:
        control = controls.get(node.key)
        if control and not node.has_linked_seed():
            what = f"{node}: control after generate is {control}, the next run takes another seed."
            yield Finding("random-seed", node.key, what, "Set control after generate to fixed.")
        for name, value in node.literals():
            if name in known.SEED_INPUTS and isinstance(value, (int, float)) and value < 0:
                what = f"{node}: {name} {value} means a seed drawn anew in every run."
                yield Finding("random-seed", node.key, what, f"Type a {name} of 0 or more.")


def _step_noise(graph: Graph, machine: Machine) -> Iterator[Finding]:
    batched = graph.batched()
    for node, sampler in graph.samplers():
        streamed, tree = sampler in known.STREAM_SAMPLERS, sampler in known.GPU_TREE_SAMPLERS
        on_gpu = machine.device.partition(":")[0] != "cpu" and not machine.portable_noise
        on_gpu &= node.literal("step_noise") not in ("cpu", "cuda")  # of the Seed Swap KSampler
        if streamed and on_gpu:
            what = f"{node}: {sampler} draws its step noise on the {machine.device}, and other GPUs draw other noise."
            fix = "Turn on portable_noise, or take a sampler without step noise (euler, dpmpp_2m) or with the CPU's"
            yield Finding("gpu-noise", node.key, what, f"{fix} (dpmpp_2m_sde).")
        if tree and on_gpu:
            what = f"{node}: {sampler} draws its step noise on the {machine.device}, and other GPUs draw other noise."
            fix = f"Turn on portable_noise, or take {sampler.removesuffix('_gpu')}."
            yield Finding("gpu-noise", node.key, what, fix)
        if batched and (streamed or tree or sampler in known.TREE_SAMPLERS):
            what = f"{node}: {sampler} draws step noise for the whole batch; an item alone gets other noise."
            fix = "Run the whole batch again to get an item again, or set batch_size to 1."
            yield Finding("batch", node.key, what, fix)


def _batches(graph: Graph, machine: Machine) -> Iterator[Finding]:
    for node, size in graph.batches():
        what = f"{node}: {size} items start from one draw of noise; an item depends on the size of its batch."
        fix = "Keep batch_size to get an item again, or take the noise of Diverse Seed Sampler, a seed for each item."
        yield Finding("batch", node.key, what, fix)


def _unseeded(graph: Graph, machine: Machine) -> Iterator[Finding]:
    for node in graph:
        churn = node.literal("s_churn")
        if (isinstance(churn, (int, float)) and churn > 0) or node.kind in known.UNSEEDED_SAMPLER_NODES:
            about = f"s_churn {churn}" if churn else "its sampler"
            what = f"{node}: {about} draws noise without a seed of its own, from the state that ran before left behind."
            fix = "Set s_churn to 0." if churn else "Sample with another node after a plain latent upscale."
            yield Finding("unseeded", node.key, what, fix)


def _after_decoding(graph: Graph, machine: Machine) -> Iterator[Finding]:
    decoded = graph.below(node.key for node in graph if node.decodes())
    for node in graph:
        named = node.kind in known.UNSEEDED_IMAGE_NODES
        plain = "".join(letter for letter in node.kind.lower() if letter.isalnum())
        noisy = any(word in plain for word in known.NOISE_WORDS) and not any(w in plain for w in known.CALM_WORDS)
        seeded = any("seed" in name.lower() for name in node.inputs)
        if named or (noisy and not seeded and node.key in decoded):
            what = f"{node}: changes the image at random and has no seed."
            fix = "Take it out, or use a node with a seed, such as ImageAddNoise."
            yield Finding("post-process", node.key, what, fix)


def _fp8(graph: Graph, machine: Machine) -> Iterator[Finding]:
    by_flag = next((flag for flag in machine.launch_flags if flag.replace("_", "-") in known.FP8_FLAGS), None)
    weights = [node for node in graph if any(_is_fp8(value) for _, value in node.literals())]
    source = by_flag or (str(weights[0]) if weights else None)
    if source is None:
        return
    for node in graph:
        if node.applies_lora():
            what = f"{node}: a LoRA on fp8 weights ({source}) is rounded at random where the weight lies, GPU or CPU."
            fix = "Load the model in bf16 or fp16, or merge the LoRA into the file."
            yield Finding("fp8-lora", node.key, what, fix)


def _is_fp8(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 300 and any(word in value.lower() for word in ("fp8", "float8"))


def _tiles(graph: Graph, machine: Machine) -> Iterator[Finding]:
    for node in graph:
        if "tiled" in node.kind.lower() and any(word in node.kind.lower() for word in ("vae", "decode", "encode")):
            what = f"{node}: works in tiles, whose size and overlap change the pixels."
            yield Finding("tiled", node.key, what, "Use VAE Decode, or keep the tiles' size and overlap.")


def _automatic(graph: Graph, machine: Machine) -> Iterator[Finding]:
    for node in graph:
        for name, value in node.literals():
            word = value.strip().lower() if isinstance(value, str) and len(value) < 30 else ""
            if word in known.AUTOMATIC:
                what = f"{node}: {name} is {value}: the choice may differ with the machine and the version."
                yield Finding("auto", node.key, what, f"Choose a {name} by name.")
            elif word == "default" and name in known.MACHINE_DEFAULTS:
                what = f"{node}: {name} is default: the machine decides {known.MACHINE_DEFAULTS[name]}."
                yield Finding("auto", node.key, what, f"Choose a {name} by name.")


def _unpinned(graph: Graph, machine: Machine) -> Iterator[Finding]:
    for key, role, name in machine.models:
        if (role, name) not in machine.pinned:
            node: Node | str = graph.node(key) or f"node {key}"
            what = f"{node}: the bytes of {name} are not pinned; another file of that name goes unseen."
            fix = "Save once with Provenance Saver, and give that image's record to the Guard."
            yield Finding("unpinned-model", key, what, fix)


_LOOKS: tuple[Callable[[Graph, Machine], Iterator[Finding]], ...] = (
    _machine, _seeds, _unseeded, _step_noise, _batches, _after_decoding, _fp8, _tiles, _automatic, _unpinned,
)  # fmt: skip
