"""Does `goodseed diff` name what changed? `python benchmarks/drift.py [--images DIR] [--again]`.

Makes pairs of images on real ComfyUI servers: with one change planted (drift_cases.py), with two, and with none. Prints
what was planted, what `goodseed diff` puts first, and what a comparison of the saved prompts by DeepDiff names, as
ComfyUI-Crystools does it (core/common.py, findJsonsDiff: values changed, items added and removed).
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.drift_cases import DRIFTING, DRIFTING_MASK, KINDS, SERVERS, Case, Shot  # noqa: E402
from goodseed.provenance.diff import diff  # noqa: E402
from goodseed.provenance.read import read_image  # noqa: E402
from tests.host.comfyui import ComfyUI, find_comfyui, make_base  # noqa: E402
from tests.host.reproduce_graphs import write_picture  # noqa: E402
from tests.host.slim import Slim, make_slim, write_checkpoint, write_lora, write_vae  # noqa: E402

PROBES = ROOT / "tests" / "host" / "assets" / "goodseed_probe"
CHECKPOINTS, VAES = "checkpoints", "vae"


def make_models(folder: Path) -> Slim:
    """Write the slim checkpoint, its LoRA and VAE, others of the same shape, and one with only another header."""
    from safetensors.torch import load_file, save_file

    slim = make_slim(folder)
    write_checkpoint(folder / CHECKPOINTS / "other.safetensors", seed=1)
    write_lora(folder / "loras" / "other-lora.safetensors", seed=1)
    write_vae(folder / VAES / "other-vae.safetensors", seed=2)
    state = load_file(folder / CHECKPOINTS / slim.checkpoint)
    save_file(state, folder / CHECKPOINTS / "header.safetensors", metadata={"note": "the same tensors"})
    return slim


def point(base: Path, kind: str, name: str, target: str) -> None:
    """Let a name in a server's model folder mean another of its files."""
    link = base / "models" / kind / name
    link.unlink(missing_ok=True)
    link.symlink_to((link.parent / target).resolve())


PREPARE: dict[str, Callable[[Path], object]] = {
    "free": lambda base: None,
    "roll 1": lambda base: point(base, CHECKPOINTS, "rolling.safetensors", "slim.safetensors"),
    "roll 2": lambda base: point(base, CHECKPOINTS, "rolling.safetensors", "other.safetensors"),
    "roll vae 1": lambda base: point(base, VAES, "rolling-vae.safetensors", "slim-vae.safetensors"),
    "roll vae 2": lambda base: point(base, VAES, "rolling-vae.safetensors", "other-vae.safetensors"),
    "picture 1": lambda base: write_picture(base / "input", DRIFTING),
    "picture 2": lambda base: edit_picture(write_picture(base / "input", DRIFTING), (40, 8, 41, 9)),
    "mask 1": lambda base: write_picture(base / "input", DRIFTING_MASK),
    "mask 2": lambda base: edit_picture(write_picture(base / "input", DRIFTING_MASK), (0, 0, 64, 20)),
}
"""What is done before a shot; the server then forgets all that it has loaded."""


def edit_picture(path: Path, box: tuple[int, int, int, int]) -> None:
    """Make a part of a picture black, and transparent: a pixel of it, or its mask."""
    with Image.open(path) as file:
        picture = file.copy()
    picture.paste((0, 0, 0, 0), box)
    picture.save(path)


def start(name: str, slim: Slim, folder: Path) -> ComfyUI:
    version, arguments, environment = SERVERS[name]
    root = find_comfyui(version)
    if root is None:
        raise SystemExit(f"no ComfyUI ({version}); see tests/host/comfyui.py")
    base = make_base(folder / name / "base", ROOT, "good-seed", PROBES)
    slim.link_into(base)
    for step in ("roll 1", "roll vae 1"):
        PREPARE[step](base)
    point(base, CHECKPOINTS, "renamed.safetensors", slim.checkpoint)
    write_picture(base / "input")
    for step in ("picture 1", "mask 1"):
        PREPARE[step](base)
    return ComfyUI(version, root, base, environment, arguments).start()


def make_images(cases: list[Case], folder: Path, images: Path) -> None:
    """Run all shots, server by server, and keep each image with its sidecar as <number>-a and <number>-b.

    Images that are there already are not made again.
    """
    images.mkdir(parents=True, exist_ok=True)
    slim = make_models(folder / "models")
    for name in SERVERS:
        missing = [(key, shot) for key, shot in every_shot(cases) if not any(images.glob(f"{key}.*"))]
        shots = [(key, shot) for key, shot in missing if shot.server == name]
        if not shots:
            continue
        began = time.monotonic()
        server = start(name, slim, folder)
        try:
            for key, shot in shots:
                shoot(server, key, shot, images)
        finally:
            server.stop()
        print(f"{name}: {len(shots)} images in {time.monotonic() - began:.0f} s", file=sys.stderr)


def every_shot(cases: list[Case]) -> Iterator[tuple[str, Shot]]:
    for number, case in enumerate(cases):
        yield f"{number:03}-a", case.a
        yield f"{number:03}-b", case.b


def shoot(server: ComfyUI, key: str, shot: Shot, images: Path) -> None:
    if shot.before:
        PREPARE[shot.before](server.base)
        server.free()
    graph = {**shot.graph, "saver": {**shot.graph["saver"]}}
    graph["saver"]["inputs"] = {**graph["saver"]["inputs"], "filename_prefix": key}
    saved = server.image(server.run(graph)["saver"]["images"][0])
    for file in (saved, saved.with_name(f"{saved.name}.json")):
        shutil.copy(file, images / file.name.replace(saved.stem, key))


def deepdiff_names(a: dict[str, Any], b: dict[str, Any], saver: str = "saver") -> list[str]:
    """Return the places that DeepDiff names between two prompts, with Crystools' settings, the file's name left out."""
    try:
        from deepdiff import DeepDiff
    except ImportError as error:
        raise SystemExit("drift.py: DeepDiff is missing; pip install deepdiff") from error

    for prompt in (a, b):
        prompt[saver]["inputs"].pop("filename_prefix", None)
    found = DeepDiff(a, b, ignore_order=True, verbose_level=2)
    kinds = ("values_changed", "dictionary_item_added", "dictionary_item_removed")
    return [place for kind in kinds for place in found.get(kind, {})]


def judge(case: Case, number: int, images: Path) -> tuple[bool, str, bool, str]:
    """Return whether diff is right and what it names, and the same of DeepDiff."""
    first, second = (read_image(next(images.glob(f"{number:03}-{side}.*g"))) for side in "ab")
    assert first.record is not None
    assert second.record is not None
    found = diff(first.record, second.record)
    named = [cause["cause"] for cause in found["causes"]]
    places = deepdiff_names(first.prompt or {}, second.prompt or {})
    said = "; ".join(f"{cause['cause']} ({cause['where']}, {cause['evidence']})" for cause in found["causes"]) or "same"
    theirs = ", ".join(re.sub(r"^root|\['inputs'\]", "", place) for place in places) or "nothing"
    if not case.causes:
        return found["same"] and not named, said, not places, theirs
    hit = bool(case.inputs) and all(any(name in place for place in places) for name in case.inputs)
    if len(case.causes) == 1:
        return named[:1] == list(case.causes), said, hit, theirs
    both = all(named.count(cause) >= case.causes.count(cause) for cause in case.causes)
    return both, said, hit, theirs


def report(kind: str, cases: list[Case], offset: int, images: Path) -> int:
    titles = {
        "one": "one change planted: is it the first cause?",
        "two": "two changes planted: are both named?",
        "none": "no change planted: are they the same?",
    }
    print(f"\n## {titles[kind]}\n")
    print("| planted | what | goodseed diff | right | DeepDiff names | right |\n|---|---|---|---|---|---|")
    right = theirs = 0
    for place, case in enumerate(cases):
        good, said, hit, places = judge(case, offset + place, images)
        right, theirs = right + good, theirs + hit
        ours, other = "yes" if good else "**NO**", "yes" if hit else "no"
        cells = (", ".join(case.causes) or "–", case.name, said, ours, places, other)
        print(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    print(f"\ngoodseed diff {right} of {len(cases)}, DeepDiff {theirs} of {len(cases)}")
    return len(cases) - right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="keep the images in this folder")
    parser.add_argument("--again", action="store_true", help="make no images; compare those in --images again")
    arguments = parser.parse_args()
    cases = {kind: make() for kind, make in KINDS.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = arguments.images or folder / "images"
        if not arguments.again:
            make_images([case for listed in cases.values() for case in listed], folder, images)
        wrong = offset = 0
        for kind, listed in cases.items():
            wrong += report(kind, listed, offset, images)
            offset += len(listed)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
