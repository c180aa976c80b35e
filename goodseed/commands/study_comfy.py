"""What `goodseed study --generator comfy` asks for besides: a workflow, and the servers that run it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.error import HTTPError

import typer

from goodseed.commands.output import console, escaped
from goodseed.commands.study_kind import Cells, Ready
from goodseed.errors import GraphRefusedError, ServerError, StudyError

if TYPE_CHECKING:
    from goodseed.provenance.verify.client import Server
    from goodseed.study.comfy.feed import Settings
    from goodseed.study.comfy.info import Probe
    from goodseed.study.comfy.workflow import Choices, Workflow
    from goodseed.study.engines.interface import Place
    from goodseed.study.plan import Plan

WorkflowOption = Annotated[
    Path | None,
    typer.Option("--workflow", help="comfy: the workflow in API format ('Export (API)' in ComfyUI's menu)."),
]
ServerOption = Annotated[
    list[str] | None,
    typer.Option("--server", help="comfy: address of a running ComfyUI; repeat it to share the work among several."),
]
SeedInputOption = Annotated[
    list[str] | None,
    typer.Option("--seed-input", help="comfy: NODE.INPUT that takes the seed, where it is not plain; may be repeated."),
]
PromptInputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt-input", help="comfy: NODE.INPUT that takes the prompt, where it is not plain; may be repeated."
    ),
]
NegativeOption = Annotated[
    str | None,
    typer.Option(
        "--negative", help="comfy: negative prompt in the place of the workflow's own; diffusers: negative prompt."
    ),
]
ImageNodeOption = Annotated[
    str | None, typer.Option("--image-node", help="comfy: node that saves the picture to study, where several do.")
]
KeepImagesOption = Annotated[
    bool, typer.Option("--keep-images", help="comfy: let the workflow save its images on the servers; else none is.")
]
QueueAheadOption = Annotated[
    int, typer.Option("--queue-ahead", min=1, help="comfy: entries queued on each server, the running one among them.")
]
StallOption = Annotated[
    float, typer.Option("--stall", min=1, help="comfy: seconds without any progress after which a server hangs.")
]
PatienceOption = Annotated[
    float, typer.Option("--patience", min=0, help="comfy: seconds that a server may stay away before it is given up.")
]


@dataclass(frozen=True, kw_only=True)
class Comfy:
    """A workflow that ComfyUI servers run, with the options of the same names."""

    metrics: ClassVar[tuple[str, ...]] = ("traits",)

    workflow: Path | None
    servers: Sequence[str]
    seed_input: Sequence[str]
    prompt_input: Sequence[str]
    negative: str | None
    image_node: str | None
    keep_images: bool
    queue_ahead: int
    stall: float
    patience: float

    def check(self, generator: str) -> None:
        """Return if these options fit `generator`.

        Raises:
            StudyError: for one of them with another generator, and for comfy without a workflow or a server.
        """
        if generator != "comfy":
            for option, value in self._own(generator).items():
                if value:
                    raise StudyError(f"generator {generator[:40]}: takes no {option}; use --generator comfy")
        elif self.workflow is None:
            raise StudyError("generator comfy: needs a workflow in API format; name it with --workflow")
        elif not self.servers:
            raise StudyError("generator comfy: no server is named; give one with --server http://127.0.0.1:8188")

    def unseen(self, cells: Cells, workers: int | None) -> tuple[Plan, int]:
        """Return a plan without asking a server, and the number of servers.

        Raises:
            StudyError: for a workflow that cannot be used, and as `Cells.unseen_plan`.
        """
        from goodseed.study.comfy.generator import ComfyGenerator
        from goodseed.study.comfy.workflow import read_workflow

        assert self.workflow is not None
        read_workflow(self.workflow, self._choices())
        return cells.unseen_plan(ComfyGenerator), len(self.servers)

    def prepare(self, cells: Cells, workers: int | None, only_plan: bool) -> Ready:
        """Run the workflow once; for a plan on servers that have nothing else to do.

        Raises:
            StudyError: for a workflow that cannot be used, and servers of different versions.
            ServerError: when none of the servers answers, one is no ComfyUI, or the workflow fails.
        """
        from goodseed.study.comfy.feed import Settings

        keep = self.keep_images and not only_plan
        settings = Settings(self.queue_ahead, self.stall, self.patience, keep_images=keep)
        if only_plan:
            _require_idle(self.servers, settings.answer)
        prompt = cells.selection.prompts[0]
        return Ready(*prepare_comfy(self.workflow, self.servers, self._choices(), settings, prompt))

    def _own(self, generator: str) -> dict[str, object]:
        """Return the options that `generator` does not take, whose defaults are nothing."""
        negative = {} if generator == "diffusers" else {"--negative": self.negative is not None}
        return {
            "--workflow": self.workflow,
            "--server": self.servers,
            "--seed-input": self.seed_input,
            "--prompt-input": self.prompt_input,
            "--image-node": self.image_node is not None,
            "--keep-images": self.keep_images,
            **negative,
        }

    def _choices(self) -> Choices:
        from goodseed.study.comfy.workflow import Choices

        return Choices(self.seed_input, self.prompt_input, self.negative, self.image_node)


def prepare_comfy(
    workflow: Path | None, servers: Sequence[str] | None, choices: Choices, settings: Settings, prompt: str
) -> tuple[dict[str, Any], list[Place]]:
    """Read the workflow, run it once at each server, and return the generator's options and a place for each of them.

    Raises:
        StudyError: for a workflow that cannot be used, and servers of different versions or with different pictures.
        ServerError: when none of the servers answers, one is no ComfyUI, or the workflow fails.
    """
    from goodseed.provenance.verify.client import Server
    from goodseed.study.comfy.info import info_of, probe
    from goodseed.study.comfy.workflow import read_workflow
    from goodseed.study.engines.interface import Place

    assert workflow is not None
    flow = read_workflow(workflow, choices)
    opened = [Server(url, settings.answer) for url in servers or ()]
    urls = [server.url for server in opened]
    if len(set(urls)) < len(urls):
        twice = next(url for url in urls if urls.count(url) > 1)
        raise StudyError(f"server: {twice} is named twice; name each server once")
    there = _answering(opened)
    with console().status("Running the workflow once…"):
        first = probe(flow, prompt, there[0], _say_nothing)
    found = [first, *_alike(flow, prompt, first, there, settings.stall)]
    # A server with the pack knows more of what they all run.
    info = info_of(flow, next((one for one in found if one.record is not None), first))
    _say_what_is_known(info)
    places = [Place(url, {"server": url, **asdict(settings)}) for url in urls]
    return {"workflow": flow.as_dict(), "info": info}, places


def _alike(flow: Workflow, prompt: str, first: Probe, servers: Sequence[Server], limit: float) -> list[Probe]:
    """Run the workflow at all servers but the first, at once, since each may have to load its models, and compare.

    What fails there is said, and the study begins without that server.

    Raises:
        StudyError: for a server of another version than the first, or that makes another picture.
        ServerError: when a server refuses the workflow.
    """
    from goodseed.study.comfy.info import check_alike, check_version, probe

    others = servers[1:]
    for server in others:
        check_version(server, {"comfyui": {"version": first.version}})
    found: list[Probe] = []
    if not others:
        return found
    where = escaped(others[0].url) if len(others) == 1 else f"{len(others)} other servers"
    with console().status(f"Running the workflow once at {where}…"), ThreadPoolExecutor(len(others)) as pool:
        runs = [pool.submit(probe, flow, prompt, server, _say_nothing, limit) for server in others]
    for server, run in zip(others, runs, strict=True):
        try:
            other = run.result()
        except GraphRefusedError:
            raise
        except ServerError as error:
            console().print(f"{escaped(str(error))}; the study begins without it", soft_wrap=True)
        else:
            check_alike(first, other, (servers[0].url, server.url))
            found.append(other)
    return found


def _say_nothing(what: str, done: float, of: float) -> None:
    """Hear how far a run is."""


def _require_idle(servers: Sequence[str], patience: float) -> None:
    """Return if all ComfyUI servers are there and have nothing to do: otherwise no rate can be measured.

    Raises:
        ServerError: when one does not answer, is no ComfyUI, or is busy.
    """
    from goodseed.provenance.verify.client import Server

    for url in servers:
        server = Server(url, patience)
        server.check()
        if queued := server.queued():
            raise ServerError(
                f"{server.url}: is busy with {queued} queued runs, so that no rate can be measured; wait for them, or "
                "give --rate"
            )


def _answering(servers: Sequence[Server]) -> list[Server]:
    """Return the servers that answer; the others may come later.

    Raises:
        ServerError: when none answers, or one that does is no ComfyUI.
    """
    there: list[Server] = []
    silent: list[ServerError] = []
    for server in servers:
        try:
            server.check()
        except ServerError as error:
            why = error.__cause__
            if not isinstance(why, OSError) or isinstance(why, HTTPError):
                raise  # something answers, and it is no ComfyUI
            silent.append(error)
        else:
            there.append(server)
    if not there:
        raise silent[0]
    for failed in silent:
        console().print(f"{escaped(str(failed))}; the study begins without it", soft_wrap=True)
    return there


def _say_what_is_known(info: dict[str, Any]) -> None:
    unknown = [model["file"] for model in info["comfyui"]["models"] if not model["sha256"]]
    if unknown:
        console().print(
            f"The bank will name {escaped(', '.join(unknown))} without knowing the content: "
            "where the server has the Good Seed pack, it hashes model files.",
            soft_wrap=True,
        )
