"""The seed swap beside ComfyUI's own samplers, with models so small that a run takes milliseconds.

A node runs these checks in a test's server; tests/host/inside.py runs them without one.
"""

import hashlib
import json
import sys
import time

import comfy.k_diffusion.sa_solver
import comfy.k_diffusion.sampling as sampling
import comfy.k_diffusion.utils
import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.patcher_extension
import comfy.sample
import comfy.samplers
import comfy.supported_models_base
import comfy.utils
import latent_preview
import torch
from comfy.patcher_extension import WrappersMP

import nodes

from .tiny import (
    CFG,
    KINDS,
    NEGATIVE,
    OTHER,
    POSITIVE,
    SEED,
    STEPS,
    TASKS,
    Network,
    bits,
    host,
    latent_of,
    node,
    sampled,
    stock,
    tiny,
    with_other_step_seed,
)  # fmt: skip


def matrix(kinds=KINDS, tasks=TASKS, samplers=None):
    """For every sampler and condition, what holds: a, b, c, d as in benchmarks/seed_swap_matrix.py."""
    cells = []
    for kind in kinds:
        model = tiny(kind)
        for task in tasks:
            for sampler in samplers or comfy.samplers.KSampler.SAMPLERS:
                plain = stock(model, sampler, task)
                half, report = sampled(model, sampler, task)
                values = torch.frombuffer(bytearray(half), dtype=torch.float32)
                # ddim takes the noise of its mask from the sampling's seed, which stays the first
                masked_ddim = sampler == "ddim" and task == "inpaint"
                cells.append({
                    "kind": kind, "task": task, "sampler": sampler,
                    "a": sampled(model, sampler, task, swap_seed=SEED)[0] == plain,
                    "b": sampled(model, sampler, task, at=1.0)[0] == plain,
                    "c": None if masked_ddim else (
                        sampled(model, sampler, task, at=0.0)[0] == with_other_step_seed(model, sampler, task)
                    ),
                    "changed": half != plain, "finite": bool(torch.isfinite(values).all()), "report": report,
                })  # fmt: skip
    return {"cells": cells}


def recorded(model, seen):
    """The model with what each callback is given: x, by step."""

    def around(executor, noise, latent_image, sampler, sigmas, denoise_mask, callback, *rest, **options):
        def note(step, denoised, x, total):
            seen[step] = x.numpy().tobytes()
            callback(step, denoised, x, total)

        return executor(noise, latent_image, sampler, sigmas, denoise_mask, note, *rest, **options)

    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "recorded", around)
    return model


def prefixes(kinds=KINDS, steps=9, at=(0, 1, 3, 5, 7), samplers=None):
    """For every sampler with step noise and every k: up to which step x is that of the run without a swap."""
    found = []
    for kind in kinds:
        model = tiny(kind)
        for sampler in samplers or comfy.samplers.KSampler.SAMPLERS:
            whole = {}
            sampled(recorded(model, whole), sampler, "txt2img", swap_seed=SEED, steps=steps)
            for k in at:
                seen = {}
                report = sampled(recorded(model, seen), sampler, "txt2img", at=k, unit="step", steps=steps)[1]
                alike = [step for step in sorted(whole) if seen[step] == whole[step]]
                found.append({
                    "kind": kind, "sampler": sampler, "k": k, "steps": len(whole), "alike": alike, "report": report
                })  # fmt: skip
    return {"found": found}


def advanced(kinds=("EPS", "FLOW"), samplers=("euler", "euler_ancestral", "dpmpp_sde", "dpm_2_ancestral", "ddim")):
    """KSamplerAdvanced beside the node with the same inputs and equal seeds."""
    wrong, count = [], 0
    for kind in kinds:
        model = tiny(kind)
        for sampler in samplers:
            for noise, start, end, leftover in (
                ("disable", 2, 10000, "disable"), ("enable", 0, 4, "enable"), ("enable", 0, 4, "disable"),
                ("disable", 3, 5, "enable"), ("enable", 6, 10000, "disable"), ("enable", 9, 10, "disable"),
            ):  # fmt: skip
                theirs = nodes.KSamplerAdvanced().sample(
                    model, noise, SEED, STEPS, CFG, sampler, "karras", POSITIVE, NEGATIVE, latent_of("denoise 0.6"),
                    start, end, leftover,
                )[0]  # fmt: skip
                ours = sampled(
                    model, sampler, "denoise 0.6", swap_seed=SEED, scheduler="karras", denoise=1.0, add_noise=noise,
                    start_at_step=start, end_at_step=end, return_with_leftover_noise=leftover,
                )[0]  # fmt: skip
                count += 1
                if ours != bits(theirs):
                    wrong.append([kind, sampler, noise, start, end, leftover])
    return {"wrong": wrong, "count": count}


MODULES = (
    sampling, comfy.k_diffusion.sa_solver, comfy.k_diffusion.utils, comfy.samplers, comfy.sample, comfy.utils,
    comfy.model_base, comfy.model_patcher, comfy.model_sampling, comfy.model_management, comfy.patcher_extension,
    latent_preview, nodes, torch,
)  # fmt: skip


def attributes():
    """Every attribute of the host's modules, and of the classes in them."""
    found = {}
    for module in MODULES:
        for name, value in vars(module).items():
            found[module.__name__, name] = value
            if isinstance(value, type) and value.__module__ == module.__name__ and module is not torch:
                found |= {(module.__name__, name, inner): part for inner, part in vars(value).items()}
    return found


def untouched():
    """What is left of a swapped sampling that ends well, with an error and cancelled."""
    model = tiny("FLOW")
    sampled(model, "euler_ancestral", "txt2img")
    wrappers = {kind: dict(keys) for kind, keys in model.wrappers.items()}
    answer = {}
    for ending, error in (
        ("well", None), ("error", ZeroDivisionError), ("cancel", comfy.model_management.InterruptProcessingException)
    ):  # fmt: skip
        before, calls = attributes(), iter(range(100))

        def hook(error=error, calls=calls):
            if next(calls) == 4 and error is not None:
                raise error

        Network.hook = staticmethod(hook)
        raised = None
        for sampler in ("euler_ancestral", "dpmpp_sde_gpu", "seeds_2"):
            calls = iter(range(100))
            Network.hook = staticmethod(lambda error=error, calls=calls: hook(error, calls))
            try:
                sampled(model, sampler, "txt2img")
            except (ZeroDivisionError, comfy.model_management.InterruptProcessingException) as seen:
                raised = type(seen).__name__
        Network.hook = None
        after = attributes()
        changed = [key for key in before.keys() | after.keys() if before.get(key) is not after.get(key)]
        answer[ending] = {"raised": raised, "changed": ["/".join(key) for key in changed]}
    return {**answer, "wrappers": wrappers == model.wrappers, "attributes": len(before)}


def message(run):
    try:
        run()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return [type(error).__name__, str(error)]
    return ["", ""]


def sample_foreign(model, x, sigmas, extra_args=None, callback=None, disable=None):
    """A sampler of another pack, with noise of its own."""
    generator = torch.Generator().manual_seed(extra_args["seed"])
    for i in range(len(sigmas) - 1):
        x = model(x, sigmas[i] * x.new_ones([x.shape[0]]), **extra_args)
        x = x + sigmas[i + 1] * torch.randn(x.shape, generator=generator)
    return x


def foreign():
    """Samplers that are not ComfyUI's own: as they are without a swap, and said so."""
    model, answer = tiny("EPS"), {}
    sampling.sample_foreign = sample_foreign  # as other packs add theirs
    comfy.samplers.KSampler.SAMPLERS.append("foreign")
    try:
        ours, report = sampled(model, "foreign", "txt2img")
        answer["by name"] = [ours == stock(model, "foreign", "txt2img"), report]
    finally:
        del sampling.sample_foreign
        comfy.samplers.KSampler.SAMPLERS.remove("foreign")

    class Own(comfy.samplers.Sampler):
        def sample(self, model_wrap, sigmas, extra_args, callback, noise, latent_image=None, *rest, **options):
            return sample_foreign(model_wrap, noise, sigmas, extra_args)

    def named_alike(*args, **options):
        return sample_foreign(*args, **options)

    named_alike.__name__ = "sample_euler_ancestral"
    given = {"noise_sampler": lambda sigma, sigma_next: torch.ones(1, 4, 8, 12)}
    for name, sampler in (
        ("a class", Own()),
        ("named alike", comfy.samplers.KSAMPLER(named_alike)),
        ("its own noise", comfy.samplers.ksampler("euler_ancestral", given)),
        ("eta 0", comfy.samplers.ksampler("euler_ancestral", {"eta": 0.0})),
        ("churn", comfy.samplers.ksampler("euler", {"s_churn": 1.0})),
        ("adaptive", comfy.samplers.ksampler("dpm_adaptive", {"eta": 1.0})),
    ):
        swap = host().SeedSwap(host().read_swaps(OTHER, 0.5, "fraction", ""))
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", STEPS)
        ends = []
        for patched in (model, swap.on(model)):
            torch.manual_seed(3)
            noise = torch.randn(1, 4, 8, 12, generator=torch.Generator().manual_seed(1))
            latent = torch.zeros_like(noise)
            sampler_arguments = (patched, noise, CFG, sampler, sigmas, POSITIVE, NEGATIVE, latent)
            ends.append(comfy.sample.sample_custom(*sampler_arguments, seed=SEED).numpy().tobytes())
        answer[name] = [ends[0] == ends[1], swap.report()]
    return answer


def errors():
    """What bad input is answered with."""
    model, most = tiny("FLOW"), 2**64 - 1
    ancestral = ("euler_ancestral", "txt2img")
    return {
        "negative": message(lambda: sampled(model, *ancestral, at=-1.0, unit="step")),
        "nan": message(lambda: sampled(model, *ancestral, at=float("nan"))),
        "nan step": message(lambda: sampled(model, *ancestral, at=float("nan"), unit="step")),
        "fraction 20": message(lambda: sampled(model, *ancestral, at=20.0)),
        "half step": message(lambda: sampled(model, *ancestral, at=2.5, unit="step")),
        "unit": message(lambda: sampled(model, *ancestral, unit="percent")),
        "seed": message(lambda: sampled(model, *ancestral, seed=-1)),
        "swap_seed": message(lambda: sampled(model, *ancestral, swap_seed=2**64)),
        "initial_seed": message(lambda: sampled(model, *ancestral, initial_seed=2**64)),
        "malformed": message(lambda: sampled(model, *ancestral, swaps="5 - 123")),
        "twice": message(lambda: sampled(model, *ancestral, swaps="3: 1, 50%: 2")),
        "largest": message(lambda: sampled(model, *ancestral, seed=most, swap_seed=most)),
        "largest swap": message(lambda: sampled(model, *ancestral, swap_seed=most)),
        "largest tree": message(lambda: sampled(model, "dpmpp_2m_sde", "txt2img", seed=most, swap_seed=most - 1)),
        "largest ddim": message(lambda: sampled(model, "ddim", "txt2img", seed=most)),
    }


def several():
    """Several swaps, a first noise of its own, and where noise is drawn."""
    model, answer = tiny("EPS"), {}
    ancestral = ("euler_ancestral", "txt2img")
    plain = stock(model, *ancestral)
    there_and_back, report = sampled(model, *ancestral, swaps=f"1: 5, 3: {SEED}")
    answer["report"] = report
    answer["several"] = there_and_back != plain
    answer["none"] = sampled(model, *ancestral, swaps=f"1: {SEED}\n50%: {SEED}")[0] == plain
    answer["text is the inputs"] = (
        sampled(model, *ancestral, swaps=f"50%: {OTHER}")[0] == sampled(model, *ancestral)[0]
        == sampled(model, *ancestral, swaps=f"3:{OTHER}", swap_seed=1)[0]
    )  # fmt: skip
    initial = sampled(model, *ancestral, seed=OTHER, swap_seed=OTHER, initial_seed=SEED)[0]
    answer["initial"] = initial == with_other_step_seed(model, *ancestral)
    answer["start"] = [
        sampled(model, *ancestral, at=k, unit="step", start_at_step=2, end_at_step=5)[1] for k in (1, 2, 3, 5, 7)
    ]
    answer["cpu"] = all(
        sampled(model, sampler, "txt2img", step_noise="cpu")[0] == sampled(model, sampler, "txt2img")[0]
        for sampler in ("euler_ancestral", "dpmpp_sde", "dpmpp_2m_sde_gpu", "seeds_3")
    )
    answer["quiet"] = sampled(model, "euler", "txt2img")[1]
    answer["no step"] = sampled(model, *ancestral, start_at_step=STEPS)[1]
    stock(model, *ancestral)
    after_stock = torch.random.get_rng_state()
    torch.manual_seed(1)
    sampled(model, *ancestral)
    answer["random state"] = bool(torch.equal(after_stock, torch.random.get_rng_state()))
    return answer


def cuda():
    """Step noise as on a card: each stream a new generator, which starts where it began."""
    from goodseed.noise.cuda import CudaGenerator

    model, answer = tiny("EPS"), {}
    sigmas = torch.tensor([4.0, 2.0, 1.0, 0.0])
    x = torch.zeros(1, 4, 8, 12)
    drawn = {SEED: [], OTHER: []}
    for seed, numbers in drawn.items():
        generator = CudaGenerator(seed)
        numbers += [generator.randn(x.shape) for _ in range(3)]
    step_noise = sys.modules[host().__name__.replace("seed_swap", "step_noise")]
    plan = sys.modules[host().__name__].make_plan(host().read_swaps(OTHER, 1.0, "step", ""), 3)
    asked = []

    def sample_lcm(model, x, sigmas, extra_args=None, callback=None, disable=None, noise_sampler=None):
        for i in range(3):
            callback({"i": i})
            asked.append(noise_sampler(sigmas[i], sigmas[i + 1]))
        return x

    sample_lcm.__module__ = sampling.__name__
    sampler = step_noise.with_step_noise(comfy.samplers.KSAMPLER(sample_lcm), plan=plan, where="cuda")
    sampler.sampler_function(None, x, sigmas, extra_args={"seed": SEED})
    wanted = [drawn[SEED][0], drawn[OTHER][1], drawn[OTHER][2]]
    answer["draws"] = all(bool(torch.equal(a, b)) for a, b in zip(asked, wanted, strict=True))
    answer["other"] = sampled(model, "lcm", "txt2img", step_noise="cuda")[0] != sampled(model, "lcm", "txt2img")[0]
    answer["report"] = sampled(model, "lcm", "txt2img", step_noise="cuda")[1]
    latent = {"samples": torch.zeros(1, 4, 96, 96)}
    for card in ("H200", "RTX 4090", "RTX 2060"):  # the last has fewer threads than the latent has numbers
        asked = {"step_noise": "cuda", "step_noise_card": card}
        runs = node().execute(
            model, SEED, OTHER, 1.0, "fraction", 2, CFG, "lcm", "simple", POSITIVE, NEGATIVE, latent, 1.0, **asked
        ).result  # fmt: skip
        answer[card] = [hashlib.sha256(bits(runs[0])).hexdigest(), runs[1]]
    tree = sampled(model, "dpmpp_sde_gpu", "txt2img", step_noise="cuda")
    answer["tree"] = [tree[0] == sampled(model, "dpmpp_sde", "txt2img")[0], tree[1]]
    return answer


def timing(model, sampler, size, steps, runs):
    """Seconds of processor time of KSampler and of the node, in turn: [stock, swapped] of each round."""
    if model == "slim":
        model, clip, _ = nodes.CheckpointLoaderSimple().load_checkpoint("slim.safetensors")
    else:
        model, clip, _ = nodes.NODE_CLASS_MAPPINGS["GoodSeedDemoModel"].execute().result
    texts = [clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in ("a red ball", "")]
    latent = {"samples": torch.zeros(1, 4, size // 8, size // 8)}

    def stock():
        nodes.KSampler().sample(model, 1, steps, 7.0, sampler, "normal", *texts, latent)

    def swapped():
        node().execute(model, 1, 2, 0.5, "fraction", steps, 7.0, sampler, "normal", *texts, latent, 1.0)

    def seconds(sample):
        clock = time.perf_counter if torch.cuda.is_available() else time.process_time
        start = clock()
        sample()
        return clock() - start

    stock(), swapped()
    rounds = []
    for turn in range(runs):
        order = (stock, swapped) if turn % 2 else (swapped, stock)
        found = {sample: seconds(sample) for sample in order}
        rounds.append([found[stock], found[swapped]])
    return {"rounds": rounds, "device": str(comfy.model_management.get_torch_device())}


def run(check, options):
    with torch.inference_mode():
        return globals()[check](**options)


class ProbeSeedSwap:
    """Runs one of the checks above."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"check": ("STRING", {}), "options": ("STRING", {})}})
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, check, options):
        return {"ui": {"answer": [json.dumps(run(check, json.loads(options)))]}}
