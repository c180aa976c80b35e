"""How well text in a mask is found: 300 pictures with text and 300 without, Tesseract beside it, and the time.

    python benchmarks/text_in_mask.py [--cases 300] [--no-tesseract] [--mistakes] [--time-only]

The score that a text needs is chosen on one set (the highest recall at no more than .02 false positives), and so were
the reader's views and rules; all figures are those of another set, made of other fonts, words, photographs and
patterns, with 95 % Wilson intervals. What it needs: see text_in_mask_sources.py, and pip install rapidocr onnxruntime;
Tesseract is left out where it is missing (apt-get install tesseract-ocr tesseract-ocr-chi-sim, pip install
pytesseract). It takes about a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from text_in_mask_cases import Case, plain_case, text_case  # noqa: E402
from text_in_mask_sources import HELD_OUT, TUNING, Sources  # noqa: E402

from goodseed.errors import MissingExtraError  # noqa: E402
from goodseed.inpaint.area import shares  # noqa: E402
from goodseed.inpaint.batch import in_turn  # noqa: E402
from goodseed.inpaint.engines import Engine, make_engine, make_pool  # noqa: E402
from goodseed.inpaint.scan import LEAST_INSIDE, Found, Scanner  # noqa: E402
from goodseed.inpaint.words import SCORE, Word, strength  # noqa: E402

WANTED_RECALL, WANTED_FALSE, WANTED_AREA, WANTED_SECONDS = 0.92, 0.02, 0.1, 0.15
NEVER = 2.0
"""A score that no text has."""

THRESHOLDS = [round(float(value), 2) for value in np.arange(0.6, 1.0, 0.02)]


@dataclass
class Read:
    """One picture and all that an engine said of it, so that every threshold can be tried."""

    case: Case
    calls: dict[str, list[Word]]
    """By what the engine was shown."""
    found: dict[float, Found] = field(default_factory=dict)


def read_with_goodseed(case: Case, engine: Engine) -> Read:
    calls: dict[str, list[Word]] = {}

    def noting(image: Any) -> list[Word]:
        return calls.setdefault(shown(image), engine(image))

    Scanner(noting, NEVER).scan(case.image, case.mask)  # where no text is sure enough, all views are read
    return Read(case, calls)


def shown(image: Any) -> str:
    return f"{image.shape} {hashlib.sha256(image.tobytes()).hexdigest()}"


def read_as_the_paper(case: Case, engine: Engine) -> Read:
    """Tesseract on the whole picture; what it finds is cut with the mask."""
    return Read(case, {shown(case.image): engine(case.image)})


def goodseed_at(read: Read, score: float) -> Found:
    if not any(strength(word) >= score for call in read.calls.values() for word in call):
        return Found(0.0)
    if score not in read.found:
        replay = Scanner(lambda image: read.calls[shown(image)], score)
        read.found[score] = replay.scan(read.case.image, read.case.mask)
    return read.found[score]


def paper_at(read: Read, score: float) -> Found:
    words = [
        word
        for word in read.calls[shown(read.case.image)]
        if word.score >= score and any(c.isalnum() for c in word.text)
    ]
    inside = shares([word.polygon for word in words], read.case.mask)[2]
    words = [word for word, part in zip(words, inside, strict=True) if part >= LEAST_INSIDE]
    return Found(shares([word.polygon for word in words], read.case.mask)[0])


At = Callable[[Read, float], Found]


def choose(reads: Sequence[Read], at: At) -> float:
    """Return the threshold with the highest recall at no more than .02 false positives; the highest where none is."""

    def value(score: float) -> tuple[bool, float, float]:
        caught, false = rates(reads, at, score)
        fine = false[0] <= WANTED_FALSE * false[1]
        return fine, caught[0] if fine else -false[0], -abs(score - SCORE)

    return max(THRESHOLDS, key=value)


def rates(reads: Iterable[Read], at: At, score: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return hits and number of pictures with text, and of those without."""
    hits = {True: [0, 0], False: [0, 0]}
    for read in reads:
        count = hits[bool(read.case.outlines)]
        count[0] += at(read, score).share > 0
        count[1] += 1
    return (hits[True][0], hits[True][1]), (hits[False][0], hits[False][1])


def wilson(hits: int, count: int) -> str:
    """Return a share with its 95 % interval (Wilson 1927)."""
    if not count:
        return "–"
    z, p = 1.959963984540054, hits / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return f"{p:.3f} [{max(0.0, middle - half):.3f}, {min(1.0, middle + half):.3f}] ({hits} of {count})"


def area_errors(reads: Iterable[Read], at: At, score: float) -> list[float]:
    """Return by how much the share is off, for upright text of high contrast."""
    clean = [read for read in reads if read.case.look == "clean" and read.case.outlines]
    return [abs(at(read, score).share - shares(read.case.outlines, read.case.mask)[0]) for read in clean]


def report(name: str, first: list[Read], second: list[Read], at: At, verbose: bool) -> bool:
    """Print the figures of one method on the second set; say whether they are as wanted."""
    score = choose(first, at)
    caught, false = rates(second, at, score)
    print(f"\n## {name}: score ≥ {score:.2f}, chosen on {len(first)} pictures, measured on {len(second)} held out\n")
    print(f"recall          {wilson(*caught)}\nfalse positives {wilson(*false)}")
    if name == "goodseed":
        for title, reads in (("held out", second), ("those it was set on", first)):
            shipped = rates(reads, at, SCORE)
            print(f"score ≥ {SCORE}, as shipped, on {title}: recall {wilson(*shipped[0])}, ", end="")
            print(f"false positives {wilson(*shipped[1])}")
    errors = area_errors(second, at, score)
    within = sum(error <= WANTED_AREA for error in errors)
    print(f"share within {WANTED_AREA} on upright text of high contrast: {wilson(within, len(errors))}, ", end="")
    print(f"mean error {statistics.fmean(errors or [0]):.3f}, largest {max(errors, default=0):.3f}")
    for title, group in (("look", lambda c: c.look), ("text", lambda c: c.kind), ("height", _height)):
        print(f"\n| {title} | recall |\n|---|---|")
        for value, part in sorted(_grouped([r for r in second if r.case.outlines], group).items()):
            print(f"| {value} | {wilson(*rates(part, at, score)[0])} |")
    if verbose:
        _print_mistakes(second, at, score)
    fine = caught[0] >= WANTED_RECALL * caught[1] and false[0] <= WANTED_FALSE * false[1]
    return fine and within == len(errors)


def _height(case: Case) -> str:
    return next(f"{low:2}–{high} px" for low, high in ((8, 12), (12, 20), (20, 36), (36, 64)) if case.height <= high)


def _grouped(reads: Iterable[Read], key: Callable[[Case], str]) -> dict[str, list[Read]]:
    groups: dict[str, list[Read]] = defaultdict(list)
    for read in reads:
        groups[key(read.case)].append(read)
    return groups


def _print_mistakes(reads: Iterable[Read], at: At, score: float) -> None:
    print("\nmistakes:")
    for read in reads:
        case, found = read.case, at(read, score)
        if bool(found.share) != bool(case.outlines):
            said = [(w.text, round(w.score, 2), round(strength(w), 2)) for call in read.calls.values() for w in call]
            best = sorted(said, key=lambda one: -one[2])[:3]
            print(f"  {case.kind}, {case.look}, '{case.text}' {case.height:.0f} px: read {found.texts}; best {best}")


def measure_time(engine: Engine, pictures: int = 12, rounds: int = 3) -> bool:
    """Print the seconds a picture takes in a batch, of which half have text, against rapidocr on the whole of it.

    Both use two threads: goodseed for views and pictures at once, rapidocr within each picture, and they take turns.
    Beside the clock stands the time of both processors together, which other programs disturb less.
    """
    from rapidocr import RapidOCR

    whole = RapidOCR(params={"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 2})
    print(f"\n## time: a quarter masked, {pictures} pictures in a batch, half of them with text, two threads\n")
    print("| picture | reader | seconds a picture: mean | fastest batch | processor seconds |\n|---|---|---|---|---|")
    means = {}
    for side in (512, 128):
        mask = np.zeros((side, side), np.float32)
        mask[side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = 1
        images = [np.asarray(Image.fromarray(case.image).resize((side, side))) for case in _mixed(pictures)]
        with ThreadPoolExecutor(2) as pool:
            scanner = Scanner(engine, pool=pool)
            readers: dict[str, Callable[[list[Any]], object]] = {
                "goodseed": lambda batch: list(in_turn(scanner.begin(image, mask) for image in batch)),  # noqa: B023
                "rapidocr on the whole": lambda batch: [whole(image[..., ::-1]) for image in batch],
            }
            took = _take_turns(readers, images, rounds)
        for name, times in took.items():
            seconds, work = zip(*times, strict=True)
            means[side, name] = statistics.fmean(seconds)
            print(f"| {side}² | {name} | {means[side, name]:.3f} | {min(seconds):.3f} | {statistics.fmean(work):.3f} |")
    return means[512, "goodseed"] <= WANTED_SECONDS


def _take_turns(
    readers: dict[str, Callable[[list[Any]], object]], images: list[Any], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Return for each reader the seconds, and the processors' seconds, a picture takes in each round."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for read in readers.values():
        read(images[:1])  # warms up
    for _ in range(rounds):
        for name, read in readers.items():
            began, worked = time.perf_counter(), time.process_time()
            read(images)
            spent = time.perf_counter() - began, time.process_time() - worked
            took[name].append((spent[0] / len(images), spent[1] / len(images)))
    return took


def _mixed(count: int) -> Iterator[Case]:
    for place in range(count):
        yield (text_case if place % 2 else plain_case)(place * 7)


def read_all(count: int, sources: Sources, read: Callable[[Case, Engine], Read], engine: Engine) -> list[Read]:
    places = [int(place) for place in np.random.default_rng(1).permutation(300)[:count]]
    made = [(make, place) for place in places for make in (text_case, plain_case)]
    reads = []
    with make_pool() as pool:
        for one in pool.map(lambda case: read(case[0](case[1], sources), engine), made):
            reads.append(one)
            if sys.stderr.isatty():
                print(f"\r{len(reads)}/{len(made)}", end="", file=sys.stderr)
    return reads


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=300, help="how many with text, and as many without")
    parser.add_argument("--tesseract", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--time-only", action="store_true")
    parser.add_argument("--mistakes", action="store_true", help="print each")
    options = parser.parse_args()
    engine = make_engine("rapidocr")
    fine = True
    if not options.time_only:
        sets = [read_all(options.cases, one, read_with_goodseed, engine) for one in (TUNING, HELD_OUT)]
        fine = report("goodseed", *sets, goodseed_at, options.mistakes)
        if options.tesseract:
            try:
                other = make_engine("tesseract")
                sets = [read_all(options.cases, one, read_as_the_paper, other) for one in (TUNING, HELD_OUT)]
                report("Tesseract on the whole picture", *sets, paper_at, False)
            except MissingExtraError as error:
                print(f"\n## Tesseract is left out: {error}")
    return 0 if measure_time(engine) and fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
