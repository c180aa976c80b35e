"""Nodes for tests only: they show what the host hands from node to node."""

import hashlib
import importlib
import json
import os
import sys

import comfy.sample
import folder_paths
import numpy
import torch
from comfy.patcher_extension import WrappersMP
from PIL import Image

from .guard import ProbeAround, ProbeNoted, ProbeUnsteady, ProbeUnsteadyParts  # noqa: F401
from .seed_swap import ProbeSeedSwap  # noqa: F401
from .trouble import ProbeTrouble  # noqa: F401


def _hashes(tensor):
    return [hashlib.sha256(item.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest() for item in tensor.cpu()]


class ProbeNoise:
    """What a NOISE makes of a latent: an item's hash each, dtype, and whether the global random state stayed."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"noise": ("NOISE",), "latent": ("LATENT",)}})
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, noise, latent):
        before = torch.random.get_rng_state()
        made = noise.generate_noise(latent)
        kept = bool(torch.equal(before, torch.random.get_rng_state()))
        return {
            "ui": {"hashes": _hashes(made), "dtype": [str(made.dtype)], "shape": [list(made.shape)], "kept": [kept]}
        }


class ProbeNestedNoise:
    """Hashes of what a NOISE makes of a latent of two tensors (newer ComfyUI), tensor after tensor."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"noise": ("NOISE",), "latent": ("LATENT",)}})
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, noise, latent):
        nested = importlib.import_module("comfy.nested_tensor").NestedTensor
        samples = latent["samples"]
        made = noise.generate_noise({**latent, "samples": nested([samples, samples[:, :2, :5]])})
        return {"ui": {"hashes": [_hashes(part) for part in made.unbind()]}}


class ProbeHostNoise:
    """ComfyUI's own noise of one seed."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"seed": ("INT", {"max": 2**64 - 1}), "latent": ("LATENT",)}})
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, seed, latent):
        with torch.random.fork_rng(devices=[]):
            made = comfy.sample.prepare_noise(latent["samples"], seed, latent.get("batch_index"))
        return {"ui": {"hashes": _hashes(made), "dtype": [str(made.dtype)]}}


class ProbeStart:
    """A MODEL that saves, as output/<name>.npy, the noise that each sampling starts from."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"model": ("MODEL",), "name": ("STRING", {})}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "wrap", "test"

    def wrap(self, model, name):
        def save(executor, noise, *args, **kwargs):
            numpy.save(os.path.join(folder_paths.get_output_directory(), f"{name}.npy"), noise.cpu().numpy())
            return executor(noise, *args, **kwargs)

        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "probe", save)
        return (model,)


class ProbeLatent:
    """Shape, spread and finiteness of a latent; saves it as output/<name>.npy where a name is given."""

    INPUT_TYPES = classmethod(
        lambda cls: {"required": {"latent": ("LATENT",)}, "optional": {"name": ("STRING", {"default": ""})}}
    )
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, latent, name=""):
        samples = latent["samples"]
        if name:
            numpy.save(os.path.join(folder_paths.get_output_directory(), f"{name}.npy"), samples.cpu().float().numpy())
        finite = bool(torch.isfinite(samples).all())
        return {"ui": {"shape": [list(samples.shape)], "std": [float(samples.std())], "finite": [finite]}}


class ProbeCast:
    """A latent in another dtype."""

    INPUT_TYPES = classmethod(
        lambda cls: {"required": {"latent": ("LATENT",), "dtype": (["float16", "bfloat16", "float32"],)}}
    )
    RETURN_TYPES, FUNCTION, CATEGORY = ("LATENT",), "cast", "test"

    def cast(self, latent, dtype):
        return ({**latent, "samples": latent["samples"].to(getattr(torch, dtype))},)


class ProbeConditioning:
    """Hashes of a CONDITIONING's tensors."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"conditioning": ("CONDITIONING",)}})
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, conditioning):
        return {
            "ui": {
                "hashes": [h for c, _ in conditioning for h in _hashes(c)],
                "shape": [list(conditioning[0][0].shape)],
            }
        }


class ProbeRandomState:
    """A hash of the global random state, taken once the model (where given) is there."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {}, "optional": {"model": ("MODEL",)}})
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, model=None):
        return {"ui": {"state": _hashes(torch.random.get_rng_state()[None])}}


class ProbeAnonymous:
    """A MODEL that says nothing of where it comes from, as ComfyUI's loaders give it."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"model": ("MODEL",)}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "strip", "test"

    def strip(self, model):
        model = model.clone()
        model.attachments = {}
        return (model,)


class ProbePatched:
    """A MODEL with one weight patched, as a LoRA does it."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"model": ("MODEL",)}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "patch", "test"

    def patch(self, model):
        model = model.clone()
        name, weight = next(iter(model.model.state_dict().items()))
        model.add_patches({name: (torch.zeros_like(weight),)})
        return (model,)


class ProbeLatentHashes:
    """A hash of each item of a latent, and one of the global random state once it is there."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"latent": ("LATENT",)}})
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, latent):
        return {"ui": {"hashes": _hashes(latent["samples"]), "state": _hashes(torch.random.get_rng_state()[None])}}


class ProbeList:
    """A list of whole numbers, for which the nodes below run once each."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"values": ("STRING", {})}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("INT",), "split", "test"
    OUTPUT_IS_LIST = (True,)

    def split(self, values):
        return ([int(value) for value in values.split()],)


class ProbeGrain:
    """An image with noise that no seed sets, new with every run."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"image": ("IMAGE",)}})
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))
    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "grain", "test"

    def grain(self, image):
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(int.from_bytes(os.urandom(4), "big")))
        return ((image + 0.05 * noise).clamp(0, 1),)


class ProbeRemove:
    """The image, while a file of the input folder is removed."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"image": ("IMAGE",), "name": ("STRING", {})}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "remove", "test"

    def remove(self, image, name):
        os.remove(os.path.join(folder_paths.get_input_directory(), name))
        return (image,)


class ProbeImages:
    """Images of the input folder, in this order: a list, or one batch."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"names": ("STRING", {}), "batch": ("BOOLEAN", {})}})
    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "load", "test"
    OUTPUT_IS_LIST = (True,)

    def load(self, names, batch):
        paths = [os.path.join(folder_paths.get_input_directory(), name) for name in names.split()]
        images = [torch.from_numpy(numpy.array(Image.open(path).convert("RGB")))[None] / 255 for path in paths]
        return ([torch.cat(images)] if batch else images,)


class ProbePixels:
    """A hash of each image of a list of batches."""

    INPUT_TYPES = classmethod(lambda cls: {"required": {"images": ("IMAGE",)}})
    INPUT_IS_LIST = True
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, images):
        return {"ui": {"hashes": [h for batch in images for h in _hashes(batch)]}}


def _pack(module):
    """A module of the pack's host folder, whatever the pack is called."""
    host = next(name for name in sys.modules if name.endswith(".host") and "custom_nodes" in name)
    return importlib.import_module(f"{host}.{module}")


class ProbeObserve:
    """A MODEL whose samplings are observed, and nothing else."""

    INPUT_TYPES = classmethod(
        lambda cls: {"required": {"model": ("MODEL",)}, "optional": {"clip": ("CLIP",), "times": ("INT", {})}}
    )
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL",), "observe", "test"

    def observe(self, model, clip=None, times=1):
        for _ in range(times):
            model = _pack("observe").observe(model, clip)
        return (model,)


class ProbeRecord:
    """The records of the images that it would save, as text."""

    INPUT_TYPES = classmethod(
        lambda cls: {"required": {"images": ("IMAGE",)}, "hidden": {"prompt": "PROMPT", "unique_id": "UNIQUE_ID"}}
    )
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "show", True, "test"

    def show(self, images, prompt, unique_id):
        records = _pack("record").records_for(images, prompt, unique_id)
        return {"ui": {"records": [json.dumps(record, allow_nan=False) for record in records]}}


NODE_CLASS_MAPPINGS = {name: cls for name, cls in list(globals().items()) if name.startswith("Probe")}
