"""Where a pipeline is: a folder of the user's, the cache of the Hugging Face hub, or the hub."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodseed.errors import StudyError, WeightsError
from goodseed.study.diffusers.families import family_of, read_config
from goodseed.study.diffusers.packages import library, quiet
from goodseed.study.metrics.weights import in_words

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_INDEX = "model_index.json"
_NOT_LOADED = {"safety_checker", "feature_extractor", "image_encoder"}
_WITHOUT_WEIGHTS = ("tokenizer", "scheduler")


@dataclass(frozen=True)
class Known:
    """What is known of a repository on the hub without asking it."""

    size: float
    """GB to fetch, of the files that are used; less with `--variant fp16` where it has that."""
    steps: int | None = None
    guidance: float | None = None
    """As its card has them, where the pipeline's own default is meant for other models."""


KNOWN: dict[str, Known] = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5": Known(4.3),
    "stabilityai/stable-diffusion-2": Known(5.2),
    "stabilityai/stable-diffusion-2-base": Known(5.2),
    "stabilityai/stable-diffusion-2-1": Known(5.2),
    "stabilityai/stable-diffusion-2-1-base": Known(5.2),
    "stabilityai/sd-turbo": Known(5.2, 1, 0.0),
    "stabilityai/stable-diffusion-xl-base-1.0": Known(13.9),
    "stabilityai/sdxl-turbo": Known(13.9, 1, 0.0),
    "stabilityai/stable-diffusion-3-medium-diffusers": Known(15.5),
    "stabilityai/stable-diffusion-3.5-medium": Known(16.7),
    "stabilityai/stable-diffusion-3.5-large": Known(27.7),
    "black-forest-labs/FLUX.1-dev": Known(33.7),
    "black-forest-labs/FLUX.1-schnell": Known(33.7, 4, 0.0),
}


@dataclass(frozen=True)
class Found:
    """A pipeline on this machine."""

    name: str
    """The repository, or the folder's own name."""
    revision: str
    """The hub's commit; empty for a folder of the user's."""
    folder: Path
    class_name: str
    parts: tuple[str, ...]
    """Its components, each in a folder of its own, sorted; without those that are not loaded here."""


def find_pipeline(model: str, revision: str, variant: str, say: Callable[[str], None]) -> Found:
    """Return where a pipeline is, after fetching it where it is not here; `say` hears its size before that.

    Raises:
        MissingExtraError: when diffusers is not installed.
        StudyError: for a name that can be neither a folder nor a repository, a folder that is no pipeline, and a
            pipeline that does not start from text.
        WeightsError: one line with the repository, its size and where to put it, when it cannot be had.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        if revision:
            raise StudyError(f"revision: {model} is a folder and has none; leave --revision out")
        return _opened(path.resolve().name or "pipeline", "", path.resolve())
    if path.is_file():
        raise StudyError(
            f"model: {model} is a file; give a pipeline's folder or its name on the hub, or study a checkpoint through "
            "ComfyUI (--generator comfy)"
        )
    if not _REPOSITORY.fullmatch(model):
        raise StudyError(f"model: there is no folder {model[:200]}; name a pipeline's folder, or owner/name on the hub")
    folder = _from_hub(model, revision, variant, say)
    commit = folder.name if _COMMIT.fullmatch(folder.name) else revision
    return _opened(model, commit, folder)


def _opened(name: str, revision: str, folder: Path) -> Found:
    if not (folder / _INDEX).is_file():
        raise StudyError(
            f"{folder}: holds no {_INDEX}, so that it is no pipeline of diffusers; save one with save_pretrained"
        )
    index = read_config(folder / _INDEX)
    class_name = index.get("_class_name")
    family_of(class_name, name)
    parts = {key for key, value in index.items() if isinstance(value, list) and value[:1] not in ([], [None])}
    return Found(name, revision, folder, str(class_name), tuple(sorted(parts - _NOT_LOADED)))


def _from_hub(model: str, revision: str, variant: str, say: Callable[[str], None]) -> Path:
    download = library().DiffusionPipeline.download
    asked: dict[str, Any] = {"revision": revision or None, "variant": variant or None, "safety_checker": None}
    with quiet():
        here = _in_cache(download, model, variant, asked)
        if here is not None:
            return here
        errors: tuple[type[Exception], ...] = (OSError, ValueError, *_network_errors())
        try:
            say(f"Weights to fetch: {model}, {_size(model, revision, variant)}")
            return Path(download(model, **asked))
        except errors as error:
            raise WeightsError(_how_to_get(model, revision, variant, error)) from error


def _in_cache(download: Any, model: str, variant: str, asked: Mapping[str, Any]) -> Path | None:
    """Return where the hub's cache has a pipeline, or None where it lacks one or a part of it."""
    try:
        folder = Path(download(model, local_files_only=True, **asked))
    except (OSError, ValueError):
        return None
    found = _opened(model, "", folder) if (folder / _INDEX).is_file() else None
    whole = found is not None and not any(lacks_weights(folder / part, variant) for part in found.parts)
    return folder if whole else None


def lacks_weights(part: Path, variant: str) -> bool:
    """Say whether the folder of a pipeline's component has no weights, and should."""
    if part.name.startswith(_WITHOUT_WEIGHTS):
        return not part.is_dir()
    return not weight_names([path.name for path in part.glob("*")], variant)


def _network_errors() -> list[type[Exception]]:
    """Return what the hub's client raises besides OSErrors: its library for HTTP has changed over the years."""
    return [sys.modules[name].HTTPError for name in ("httpx", "httpx2") if name in sys.modules]


def _size(model: str, revision: str, variant: str) -> str:
    """Ask the hub what has to be fetched.

    Raises:
        OSError, ValueError, or an error of the network: when it does not answer.
    """
    from huggingface_hub import model_info

    siblings = model_info(model, revision=revision or None, files_metadata=True).siblings or []
    sizes = {file.rfilename: int(file.size or 0) for file in siblings}
    found = 0
    for folder in sorted({name.rpartition("/")[0] for name in sizes} - {"", "safety_checker"}):
        names = [name for name in sizes if name.rpartition("/")[0] == folder]
        found += sum(sizes[name] for name in weight_names(names, variant))
    return f"about {in_words(found)}" if found else "of unknown size"


def weight_names(names: list[str], variant: str) -> list[str]:
    """Return those of a component's files that hold the weights which diffusers loads.

    Safetensors before pickles, and the variant's files before the plain ones.
    """
    for ending in ("safetensors", "bin"):
        files = [name for name in names if name.endswith(f".{ending}") and _is_weights(name)]
        of_variant = [name for name in files if variant and f".{variant}" in name.rpartition("/")[2]]
        plain = [name for name in files if "." not in _bare(name)]
        if of_variant or plain:
            return sorted(of_variant or plain)
    return []


_STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")


def _is_weights(name: str) -> bool:
    stem = _bare(name).partition(".")[0]
    return re.sub(r"-\d+-of-\d+$", "", stem) in _STEMS


def _bare(name: str) -> str:
    """Return a file's name without folder and ending."""
    return name.rpartition("/")[2].rpartition(".")[0]


def _how_to_get(model: str, revision: str, variant: str, error: Exception) -> str:
    known = KNOWN.get(model)
    size = f"about {known.size:g} GB" if known else "of a size that only the hub knows"
    asked = {"revision": revision, "variant": variant, "cache_dir": "FOLDER"}
    arguments = ", ".join([f"'{model}'", *(f"{name}='{value}'" for name, value in asked.items() if value)])
    cause = error.__cause__ or error
    why = " ".join(str(cause).split())[:120]
    return (
        f"{model}: there is no such folder, and this pipeline ({size}) is neither in the hub's cache nor to be fetched "
        f"({why}); fetch it where there is a network, by diffusers' DiffusionPipeline.download({arguments}), "
        "put FOLDER here and set HF_HUB_CACHE to it, or name another folder that holds the pipeline"
    )
