"""`goodseed classify`: can the seed be told from the picture, and which one likely made it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goodseed.commands.output import JsonOption, console, escaped, print_json
from goodseed.commands.scan import listed, read_picture
from goodseed.errors import StudyError

if TYPE_CHECKING:
    from goodseed.study.recognize import Calibration, Guess


def classify(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="DIR | IMAGE", help="The folder of a finished study; or images, with --study."),
    ],
    study: Annotated[
        Path | None,
        typer.Option("--study", metavar="DIR", help="Which seed of this study likely made the images?"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=2, help="Only so many of its seeds; all if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Say how often a study's seeds can be told from pictures of new prompts: exit 0 if better than by chance, else 1.

    With --study: name the five seeds of the study that likeliest made each image, or say that none stands out; exit 0
    when one stands out for each, else 1. The study must be of the model and size that the images were made with.
    """
    if study is not None:
        return _recognize(paths, study, seeds, as_json)
    if len(paths) > 1 or paths[0].is_file():
        raise StudyError(f"{paths[0]}: name one study's folder; or images, and their study with --study DIR")
    return _accuracy(paths[0], seeds, as_json)


def _accuracy(folder: Path, seeds: int | None, as_json: bool) -> int:
    from goodseed.study.classifier import classify_study

    found = classify_study(folder, seeds)
    if as_json:
        print_json(found.as_dict())
    else:
        out = console()
        for what, share, chance in (
            ("the seed itself", found.accuracy, found.chance),
            ("among the five likeliest", found.among_five, found.chance_five),
        ):
            figures = f"{share.value:.1%} ({share.low:.1%}…{share.high:.1%}), by chance {chance:.1%}"
            out.print(escaped(f"{what}: {figures}"), soft_wrap=True)
        how = (
            f"{found.seeds} seeds, learned from {found.learned} pictures each, told from {found.tested} of new prompts"
        )
        out.print(escaped(f"{how}, by {', '.join(found.features)}"), soft_wrap=True)
    return 0 if found.better_than_chance else 1


def _recognize(paths: list[Path], study: Path, seeds: int | None, as_json: bool) -> int:
    from goodseed.study.recognize import learn_recognizer, picture_features

    files = listed(paths)
    pictures = {str(path): read_picture(path) for path in files}
    recognizer, ledger = learn_recognizer(study, seeds)
    guesses = dict(zip(files, recognizer.guess(picture_features(ledger, pictures)), strict=True))
    if as_json:
        images = [{"image": str(path), **guess.as_dict()} for path, guess in guesses.items()]
        print_json({"images": images, "calibration": recognizer.calibration.as_dict()})
    else:
        _show(guesses, recognizer.calibration)
    return 0 if all(guess.seed is not None for guess in guesses.values()) else 1


def _show(guesses: dict[Path, Guess], known: Calibration) -> None:
    out = console()
    for path, guess in guesses.items():
        verdict = f"seed {guess.seed}" if guess.seed is not None else "no seed stands out"
        seeds = ", ".join(f"{seed} {probability:.1%}" for seed, probability in guess.likeliest)
        out.print(escaped(f"{path}: {verdict} ({seeds}; none of them {guess.none:.1%})"), soft_wrap=True)
    out.print(
        escaped(
            f"Where the truth is known ({known.seeds} seeds learned, new prompts): the right seed stands out for "
            f"{known.named_right.value:.1%} of pictures, a wrong one for {known.named_wrong.value:.1%}, and any for "
            f"{known.named_strangers.value:.1%} of pictures of seeds that were not learned."
        ),
        soft_wrap=True,
    )
