"""What `goodseed study` shows while it goes on."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from goodseed.commands.output import console, escaped, print_json


class StudyBar:
    """A study's progress for people: images done, rate and time left, on standard error."""

    def __enter__(self) -> StudyBar:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console(),
            speed_estimate_period=300,
        )
        self._task = self._progress.add_task("images", total=None, rate="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        self._progress.start()
        if done:
            self._progress.console.print(f"Continuing: {done} of {images} images are there.")
        for name, why in damaged.items():
            self._progress.console.print(f"Shard {escaped(name)} is damaged ({escaped(why)}); it is computed again.")
        self._progress.update(self._task, total=images, completed=done)

    def advanced(self, images: int) -> None:
        self._progress.advance(self._task, images)
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, rate=f"{speed:.1f} images/s" if speed else "")

    def say(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._progress.console.print(escaped(sentence), soft_wrap=True)

    def said(self, line: str) -> None:
        self._progress.console.print(escaped(line), soft_wrap=True)

    def summing_up(self) -> None:
        self._progress.update(self._task, description="summing up")

    def stopped(self, out: Path, as_json: bool) -> int:
        """Say that the study can be continued; return the exit code for "not done"."""
        self._progress.stop()
        line = f"{out}: stopped; the same command continues the study"
        if as_json:
            print_json({"error": line})
        else:
            console().print(escaped(line), soft_wrap=True)
        return 1
