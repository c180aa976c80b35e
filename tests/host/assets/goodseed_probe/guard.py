"""Probes of the Guard: they note torch's flags, and do what has no deterministic form."""

import copy
import hashlib
import random
from typing import ClassVar

import comfy.model_management
import numpy
import torch
from comfy.patcher_extension import WrappersMP


class ProbeUnsteady:
    """A MODEL whose sampling uses an operation that has no deterministic form, and may fail or be cancelled in it."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"model": ("MODEL",), "then": (["go on", "fail", "cancel"],)}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "wrap", "test"

    def wrap(self, model, then):
        def unsteady(executor, *args, **kwargs):
            torch.zeros(4).put_(torch.tensor([0]), torch.ones(1))
            torch.randn(3), numpy.random.rand(3), random.random()
            if then == "fail":
                raise ValueError("the probe fails")
            if then == "cancel":
                raise comfy.model_management.InterruptProcessingException()
            return executor(*args, **kwargs)

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, "probe", unsteady)
        return (model,)


class ProbeAround:
    """A MODEL that notes torch's flags and the random state's hash before, in and after each sampling."""

    noted: ClassVar = {}
    INPUT_TYPES = classmethod(lambda cls: {"required": {"model": ("MODEL",), "name": ("STRING", {})}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "wrap", "test"

    def wrap(self, model, name):
        notes = self.noted[name] = []

        def outside(executor, *args, **kwargs):
            notes.append(_arithmetic())
            try:
                return executor(*args, **kwargs)
            finally:
                notes.append(_arithmetic())

        def inside(executor, *args, **kwargs):
            notes.append(_arithmetic())
            return executor(*args, **kwargs)

        model = model.clone()
        model.wrappers.setdefault(WrappersMP.OUTER_SAMPLE, {})
        others = model.wrappers[WrappersMP.OUTER_SAMPLE]
        model.wrappers[WrappersMP.OUTER_SAMPLE] = {"probe": [outside], **others}
        model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, "probe", inside)
        return (model,)


class ProbeNoted:
    """What ProbeAround has noted under a name, and the flags as they are now."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"name": ("STRING", {})}})
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, name):
        return {"ui": {"noted": list(ProbeAround.noted.get(name, [])), "now": [_arithmetic()]}}


class ProbeUnsteadyParts:
    """CLIP and VAE whose networks use an operation that has no deterministic form; the VAE may run out of memory."""

    INPUT_TYPES = classmethod(
        lambda cls: {"required": {"clip": ("CLIP",), "vae": ("VAE",), "full": ("BOOLEAN", {"default": False})}}
    )
    RETURN_TYPES, FUNCTION, CATEGORY = ("CLIP", "VAE"), "wrap", "test"

    def wrap(self, clip, vae, full):
        clip, vae = clip.clone(), copy.copy(vae)
        clip.cond_stage_model = _Unsteady(clip.cond_stage_model, "encode_token_weights", False)
        vae.first_stage_model = _Unsteady(vae.first_stage_model, "decode", full)
        return (clip, vae)


class _Unsteady:
    """Hands everything on to `inner`; before the method `name` it does an unsteady operation."""

    def __init__(self, inner, name, full):
        self.inner, self.name, self.full = inner, name, full

    def __getattr__(self, name):
        found = getattr(self.inner, name)
        if name != self.name:
            return found

        def method(*args, **kwargs):
            torch.zeros(4).put_(torch.tensor([0]), torch.ones(1))
            if self.full:
                self.full = False
                raise torch.cuda.OutOfMemoryError("the probe's memory is full")
            return found(*args, **kwargs)

        return method


def _arithmetic():
    """torch's flags and the shared random state, in a form that JSON holds."""
    state = [torch.get_rng_state().numpy().tobytes(), numpy.random.get_state()[1].tobytes(), repr(random.getstate())]
    return {
        "algorithms": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "fill": torch.utils.deterministic.fill_uninitialized_memory,
        "cudnn": [torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32],
        "matmul": torch.get_float32_matmul_precision(),
        "random": hashlib.sha256(b"".join(p if isinstance(p, bytes) else p.encode() for p in state)).hexdigest(),
    }
