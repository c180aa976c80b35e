"""Models so small that a run takes milliseconds, sampled by ComfyUI's nodes and by the Seed Swap KSampler."""

import sys
from typing import ClassVar

import comfy.latent_formats
import comfy.model_base
import comfy.model_patcher
import comfy.sample
import comfy.supported_models_base
import torch

import nodes

STEPS, SEED, OTHER, CFG = 6, 11, 2**64 - 5, 3.0
KINDS = ("EPS", "V_PREDICTION", "FLOW")
TASKS = ("txt2img", "denoise 0.6", "inpaint", "batch of 4")


def node():
    return nodes.NODE_CLASS_MAPPINGS["GoodSeedSeedSwapKSampler"]


def host():
    return sys.modules[node().__module__.rpartition(".nodes.")[0] + ".host.seed_swap"]


class Config(comfy.supported_models_base.BASE):
    unet_extra_config: ClassVar = {}
    latent_format = comfy.latent_formats.SD15
    memory_usage_factor = 1.0
    sampling_settings: ClassVar = {}


class FlowConfig(Config):
    sampling_settings: ClassVar = {"shift": 3.0}


class Network(torch.nn.Module):
    """A few thousand multiplications: enough that one wrong bit of the input shows."""

    calls = 0
    hook = None

    def __init__(self, dtype, device, operations):
        super().__init__()
        self.dtype = dtype
        generator = torch.Generator().manual_seed(5)
        self.weight = torch.nn.Parameter(torch.randn(4, 4, 3, 3, generator=generator) * 0.15, requires_grad=False)

    def forward(self, x, timesteps, context, **options):
        if Network.hook is not None:
            Network.hook()
        shift = torch.tanh(context.mean(dim=(1, 2)) + timesteps.float().cos() * 0.1)[:, None, None, None]
        return torch.tanh(torch.nn.functional.conv2d(x, self.weight, padding=1)) + 0.1 * shift


def tiny(kind):
    """A MODEL of one prediction type."""
    config = (FlowConfig if kind == "FLOW" else Config)({"dtype": torch.float32})
    model_type = getattr(comfy.model_base.ModelType, kind)
    model = comfy.model_base.BaseModel(config, model_type, device=torch.device("cpu"), unet_model=Network)
    device = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=device)


def conditioning(seed):
    return [[torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(seed)), {}]]


POSITIVE, NEGATIVE = conditioning(1), conditioning(2)


def latent_of(task):
    generator = torch.Generator().manual_seed(9)
    empty = {"samples": torch.zeros(4 if task == "batch of 4" else 1, 4, 8, 12)}
    full = {"samples": torch.randn(1, 4, 8, 12, generator=generator)}
    if task == "inpaint":
        return {**full, "noise_mask": (torch.rand(1, 1, 64, 96, generator=generator) > 0.5).float()}
    return full if task == "denoise 0.6" else empty


def denoise_of(task):
    return 0.6 if task in ("denoise 0.6", "inpaint") else 1.0


def bits(latent):
    return latent["samples"].numpy().tobytes()


def sampled(model, sampler, task, seed=SEED, swap_seed=OTHER, at=0.5, unit="fraction", scheduler="simple", **options):
    result = node().execute(
        model, seed, swap_seed, at, unit, options.pop("steps", STEPS), CFG, sampler, scheduler, POSITIVE, NEGATIVE,
        latent_of(task), options.pop("denoise", denoise_of(task)), **options,
    ).result  # fmt: skip
    return bits(result[0]), result[1]


def stock(model, sampler, task, seed=SEED, steps=STEPS):
    latent = latent_of(task)
    return bits(
        nodes.KSampler().sample(
            model, seed, steps, CFG, sampler, "simple", POSITIVE, NEGATIVE, latent, denoise_of(task)
        )[0]
    )


def with_other_step_seed(model, sampler, task):
    """The host's own sampling with the first noise of one seed and the step noise of another."""
    latent = latent_of(task)
    noise = comfy.sample.prepare_noise(latent["samples"], SEED, None)
    samples = comfy.sample.sample(
        model, noise, STEPS, CFG, sampler, "simple", POSITIVE, NEGATIVE, latent["samples"], denoise=denoise_of(task),
        noise_mask=latent.get("noise_mask"), seed=OTHER,
    )  # fmt: skip
    return samples.numpy().tobytes()
