"""The training set: scenes drawn once and kept as arrays, each from a random state of its own."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from goodseed.demo.scenes import SIDE, draw_scene, random_caption
from goodseed.demo.words import BACKGROUNDS, MODIFIERS, OBJECTS
from goodseed.files import atomic_writer

TRAIN_SEED, TEST_SEED = 1, 2
_CHUNK = 1000


@dataclass(frozen=True)
class Scenes:
    """N scenes: images uint8 [N,128,128,3], masks uint8 [N,32,32] (0…255), captions, labels int64 [N,6].

    The labels are object, modifier, background drawn, border, gray and word.
    """

    images: np.ndarray
    masks: np.ndarray
    captions: list[str]
    labels: np.ndarray


def draw_set(seed: int, start: int, stop: int, signs: bool = False) -> Scenes:
    """Draw scenes `start` to `stop` of the set that `seed` names; the same however it is cut up."""
    count = stop - start
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    masks = np.empty((count, SIDE // 4, SIDE // 4), np.uint8)
    labels = np.empty((count, 6), np.int64)
    captions = []
    for row in range(count):
        rng = np.random.default_rng([seed, start + row])
        scene = draw_scene(random_caption(rng), rng, signs)
        images[row] = scene.image
        masks[row] = scene.mask.reshape(SIDE // 4, 4, SIDE // 4, 4).mean((1, 3)) * 255
        captions.append(scene.caption.text)
        labels[row] = (
            OBJECTS.index(scene.caption.object),
            MODIFIERS.index(scene.caption.modifier),
            list(BACKGROUNDS).index(scene.background),
            scene.border,
            scene.gray,
            scene.word,
        )
    return Scenes(images, masks, captions, labels)


def training_set(folder: Path, count: int, workers: int, signs: bool = False) -> Scenes:
    """Return `count` training scenes, drawn in parallel at first and read from `folder` after that."""
    path = folder / f"scenes-{count}.npz"
    if not path.exists():
        starts = list(range(0, count, _CHUNK))
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            jobs = [pool.submit(draw_set, TRAIN_SEED, s, min(s + _CHUNK, count), signs) for s in starts]
            parts = [job.result() for job in track(jobs, "drawing scenes")]
        with atomic_writer(path) as file:
            np.savez(
                file,
                images=np.concatenate([p.images for p in parts]),
                masks=np.concatenate([p.masks for p in parts]),
                captions=np.array([c for p in parts for c in p.captions]),
                labels=np.concatenate([p.labels for p in parts]),
            )
    with np.load(path) as stored:
        return Scenes(stored["images"], stored["masks"], stored["captions"].tolist(), stored["labels"])
