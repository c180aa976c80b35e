"""How far a picture moves when its seed is swapped: `python benchmarks/seed_swap.py [--pairs 24] [--samplers a,b]`.

The experiment of "Good Seed Makes a Good Crop", section 3.1, on the demo model and every sampler that adds noise
between its steps: the picture of seed i beside the pictures with the step noise of seed j from 75, 50, 25 and 0 % of
the steps on, the one with j's first noise and i's step noise, and the picture of seed j. Every pair has noise and a
prompt of its own; the intervals are 95 % percentile bootstraps over pairs. About eleven minutes of processor time, in
two processes.

    --figure FILE.jpg   draws the paper's figure as well
    --keep DIR          keeps the pictures there; a stopped run goes on with those that are there
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from goodseed.demo.judge import DemoJudge  # noqa: E402
from goodseed.demo.prompts import prompt_set  # noqa: E402
from goodseed.determinism import known  # noqa: E402
from goodseed.stats import Interval, bootstrap_mean  # noqa: E402
from tests.host.comfyui import VERSIONS, find_comfyui, make_base, python_of  # noqa: E402

SAMPLERS = sorted(known.STREAM_SAMPLERS | known.TREE_SAMPLERS)
TWINS = sorted(known.TREE_SAMPLERS)
"""Their _gpu names use the same tree on a CPU."""

SWAPS = [0.75, 0.5, 0.25, 0.0]
COLUMNS = ["75 %", "50 %", "25 %", "0 %", "first noise", "both"]
"""What a table compares with the picture of seed i."""
FIGURE = {
    "sampler": "euler_ancestral",
    "rows": [
        {"prompt": "a tree", "seeds": [0, 100]},
        {"prompt": "a red ball", "seeds": [1, 101]},
        {"prompt": "a house", "seeds": [2, 102]},
        {"prompt": "a striped fish", "seeds": [3, 103]},
    ],
}
BATCH, NEAR = 12, 0.1

Measure = Callable[[np.ndarray], np.ndarray]
"""From pictures uint8 [R,N,H,W,3] to how far each of the last R−1 lies from the first: [R−1,N]."""


def batches(pairs: int) -> list[dict[str, Any]]:
    """Return seeds and prompts of `pairs` pairs, no prompt twice while there are any left."""
    halves = (prompt_set(half, 78).prompts for half in (0, 1))
    prompts = [prompt for both in zip(*halves, strict=True) for prompt in both]
    prompts = (prompts * (pairs // len(prompts) + 1))[:pairs]
    starts = range(0, pairs, BATCH)
    # No seed is next to another: on the CPU, ComfyUI draws step noise from the seed after its own.
    return [{"prompts": prompts[at : at + BATCH], "seeds": [10 * at, 10 * at + 5]} for at in starts]


def make_pictures(version: str, asked: Mapping[str, Any], folder: Path) -> None:
    """Have the pictures made by ComfyUI, in two processes, into `folder`; those that are there are kept."""
    root = find_comfyui(version)
    if root is None:
        raise SystemExit(f"no ComfyUI ({version}); see tests/host/comfyui.py")
    parts = [
        {**asked, "samplers": asked["samplers"][::2], "figure": None},
        {**asked, "samplers": asked["samplers"][1::2], "twins": []},
    ]
    with tempfile.TemporaryDirectory() as place:
        base = make_base(Path(place) / "base", ROOT, "good-seed")
        logs = [Path(place) / f"{number}.log" for number in range(len(parts))]
        running = [
            start(root, base, {**part, "out": str(folder.resolve())}, log)
            for part, log in zip(parts, logs, strict=True)
        ]
        for process, log in zip(running, logs, strict=True):
            if process.wait():
                raise SystemExit(f"{root}: no pictures\n{log.read_text(errors='replace')[-2000:]}")


def start(root: Path, base: Path, part: Mapping[str, Any], log: Path) -> subprocess.Popen[bytes]:
    """Start a ComfyUI that makes a part of the pictures."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {
        "GOODSEED_ASKED": json.dumps({**part, "pack": str(base / "custom_nodes" / "good-seed")}),
        "OMP_NUM_THREADS": "1",
    }
    script = ROOT / "benchmarks" / "seed_swap_pictures.py"
    command = [python_of(root), str(script), "--cpu", "--base-directory", str(base)]
    with log.open("wb") as lines:
        return subprocess.Popen(command, cwd=root, env=environment, stdout=lines, stderr=subprocess.STDOUT)


def read_pictures(folder: Path, samplers: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the pictures of each sampler that ComfyUI has, uint8 [R,N,H,W,3], for the pairs that all have."""
    parts: dict[str, dict[str, np.ndarray]] = {}
    for path in sorted(folder.glob("sampler~*.npy")):
        _, name, batch = path.stem.split("~")
        if name in samplers:
            parts.setdefault(name, {})[batch] = np.load(path)
    shared = sorted(set.intersection(*(set(batches) for batches in parts.values())))
    return {name: np.concatenate([batches[batch] for batch in shared], axis=1) for name, batches in parts.items()}


def measures(judge: DemoJudge) -> dict[str, Measure]:
    """Return what the tables show, by its heading."""

    def seen(pictures: np.ndarray) -> Any:
        """Style and composition do not depend on the prompt that `measure` is given."""
        found = judge.measure(pictures.reshape(-1, *pictures.shape[2:]), "a ball")
        return (part.reshape(*pictures.shape[:2], -1) for part in (found.style, found.composition))

    def rms(pictures: np.ndarray) -> np.ndarray:
        apart = pictures[1:].astype(np.float64) - pictures[0]
        return np.sqrt((apart**2).mean(axis=(2, 3, 4)))

    def style(pictures: np.ndarray) -> np.ndarray:
        vectors, _ = seen(pictures)
        vectors = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
        return 1 - (vectors[1:] * vectors[0]).sum(axis=2)

    def moved(pictures: np.ndarray) -> np.ndarray:
        _, composition = seen(pictures)
        return np.linalg.norm(composition[1:, :, :2] - composition[0, :, :2], axis=2)

    def named_alike(*parts: str) -> Measure:
        def share(pictures: np.ndarray) -> np.ndarray:
            captions = judge.name(pictures.reshape(-1, *pictures.shape[2:]))
            names = np.array(["|".join(getattr(caption, part) for part in parts) for caption in captions])
            names = names.reshape(pictures.shape[:2])
            return (names[1:] == names[0]).astype(np.float64)

        return share

    return {
        "pixels: root mean square of the difference, of 255": rms,
        "style: 1 − cosine similarity of the judge's Gram features": style,
        "place: how far the judged object's centre moves, of the picture's side": moved,
        f"place kept: share of pairs where it moves by less than {NEAR:g}": lambda x: (moved(x) < NEAR) * 1.0,
        "object kept: share of pairs where the judge names the same object": named_alike("object"),
        "look kept: share where it names the same modifier and background": named_alike("modifier", "background"),
    }


def rows(found: Mapping[str, np.ndarray], digits: int) -> list[str]:
    """Return a Markdown table: a sampler a row, and a last row for the mean of all samplers."""
    lines = [f"| sampler | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    means = {**found, "all": np.mean(list(found.values()), axis=0)}  # a pair's mean first: samplers share its noise
    for name, table in means.items():
        cells = [shown(bootstrap_mean(values), digits) for values in table]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def shown(figure: Interval, digits: int) -> str:
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help="names with commas between; by default all")
    parser.add_argument("--version", choices=list(VERSIONS), default="newest")
    parser.add_argument("--figure", type=Path, help="a JPEG to draw the figure into")
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    options = parser.parse_args()
    asked = {
        "samplers": options.samplers.split(","), "twins": TWINS, "swaps": SWAPS, "batches": batches(options.pairs),
        "figure": FIGURE,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = options.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        make_pictures(options.version, asked, folder)
        report(read_pictures(folder, asked["samplers"]), folder)
        if options.figure:
            from seed_swap_figure import draw

            draw(np.load(folder / "figure.npy"), FIGURE, SWAPS, options.figure)


def report(pictures: Mapping[str, np.ndarray], folder: Path) -> None:
    """Print the tables, and whether the _gpu names give the same bits."""
    pairs = next(iter(pictures.values())).shape[1]
    print(f"{len(pictures)} samplers, {pairs} pairs of seeds, each pair with a prompt and noise of its own.\n")
    for heading, measure in measures(DemoJudge()).items():
        print(f"**{heading}**\n")
        found = {name: measure(images) for name, images in pictures.items()}
        print("\n".join(rows(found, 1 if heading.startswith("pixels") else 3)) + "\n")
    twins = {path.stem.partition("~")[2]: np.load(path) for path in sorted(folder.glob("twins~*.npy"))}
    same = [name for name, (one, other) in twins.items() if (one == other).all()]
    print(f"On the CPU the _gpu names give the same bits for {len(same)} of {len(twins)}: {', '.join(same)}.")


if __name__ == "__main__":
    main()
