"""What a Guard knows before it lets a model go: the graph's audit, and the record's models and machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.model_management
from comfy.model_patcher import ModelPatcher
from server import PromptServer

from goodseed.canonical import canonical_json
from goodseed.determinism import flags
from goodseed.determinism.audit import Finding, Machine, audit
from goodseed.determinism.pins import BrokenPin, environment_pins, model_pins, pinned_models
from goodseed.determinism.report import Report, broken_line
from goodseed.errors import PinError
from goodseed.provenance.recipe import node_of
from goodseed.provenance.record import parse_record

from .environment import environment, launch_flags
from .guard import Guard
from .model_files import model_files, models_of, prefetch
from .queue import current_place


def make_guard(mode: str, portable_noise: bool, record: str | None, node: str | None) -> Guard:
    """Return a Guard set as its node is; `record` is a record's text or empty.

    Raises:
        RecordError: for a text that is no sound record.
    """
    pinned = parse_record(record) if record else None
    wanted = {**flags.DETERMINISTIC, **flags.recorded((pinned or {}).get("environment"))}
    return Guard(mode, portable_noise, pinned, node, wanted)


def examine(guard: Guard, model: ModelPatcher, prompt: Mapping[str, Any], workflow: Any, guarded: list[str]) -> Report:
    """Return what is to be said before anything runs.

    Raises:
        PinError: in mode enforce, where the graph's files or the machine are not as recorded.
    """
    prefetch(prompt)  # hashes that a saver below will ask for
    device = str(model.load_device)
    broken = _broken(guard, prompt, device)
    if broken and guard.mode == "enforce":
        raise PinError(broken_line(broken))
    return Report(
        mode=guard.mode,
        device=device,
        flags=guard.flags,
        portable_noise=guard.portable_noise,
        pins=_about(guard.record),
        broken=broken,
        findings=findings(prompt, workflow, guard.portable_noise, guard.record, device),
        guarded=guarded,
    )


def findings(
    prompt: Mapping[str, Any], workflow: Any, portable_noise: bool, record: Mapping[str, Any] | None, device: str
) -> list[Finding]:
    """Return what the audit finds in a graph on this machine."""
    machine = Machine(
        device=device,
        launch_flags=launch_flags(),
        portable_noise=portable_noise,
        cublas=flags.cublas_trouble(device),
        workflow=workflow if isinstance(workflow, Mapping) else None,
        models=[(file.node, file.role, file.name) for file in model_files(_recipe(prompt)["nodes"])],
        pinned=pinned_models(record),
    )
    return audit(prompt, machine)


def audit_fingerprint(portable_noise: bool) -> str:
    """Return what changes when the audit of the running graph does, so that the Guard's report is never an old one.

    A node that is not run again would show the report of a graph that has since been changed below it. The running
    graph is asked of the server's queue, as GET /queue does: ComfyUI hands none to fingerprint_inputs.
    """
    place = current_place()
    running = PromptServer.instance.prompt_queue.get_current_queue_volatile()[0] if place is not None else []
    entry = next((entry for entry in running if entry[1] == place[0]), None) if place is not None else None
    if entry is None:
        return ""
    workflow = (entry[3].get("extra_pnginfo") or {}).get("workflow")
    device = str(comfy.model_management.get_torch_device())
    found = findings(entry[2], workflow, portable_noise, None, device)
    return canonical_json([finding.as_dict() for finding in found])


def _broken(guard: Guard, prompt: Mapping[str, Any], device: str) -> list[BrokenPin]:
    trouble = flags.cublas_trouble(device)
    broken = [BrokenPin("cuBLAS", "deterministic", trouble, _CUBLAS_FIX)] if trouble else []
    if guard.record is not None:
        recipe = _recipe(prompt)
        broken += environment_pins(guard.record, environment(recipe, None))
        broken += model_pins(guard.record, models_of(recipe))
    return broken


def _recipe(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole graph as a record keeps a part of one."""
    return {"nodes": {key: node_of(node) for key, node in prompt.items()}}


_CUBLAS_FIX = f"Set {flags.CUBLAS_VARIABLE}=:4096:8 before ComfyUI starts."


def _about(record: Mapping[str, Any] | None) -> str | None:
    if record is None:
        return None
    runs = len(record["runs"])
    return f"a record of {runs} observed sampling{'s' if runs != 1 else ''}" if runs else "a record of no observed run"
