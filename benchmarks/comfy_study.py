"""Keeps ComfyUI servers busy through a study, and prints the share of the time that each had an entry.

    python benchmarks/comfy_study.py      # two servers of its own, on the CPU
    python benchmarks/comfy_study.py --workflow flow.json --server http://127.0.0.1:8188 --seeds 64

A server counts as busy while its queue holds at least one entry that runs or waits, asked ten times a second from the
first entry to the last image. On a machine whose cores the servers share with the judge this says that a server never
lacks work, not that it had the cores to itself. Without --server the pictures come from the tests' slim Stable
Diffusion 1.5, with random weights.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from goodseed.commands.study_comfy import prepare_comfy
from goodseed.errors import ServerError
from goodseed.prompts import PromptSet
from goodseed.provenance.verify.client import Server
from goodseed.study.comfy.feed import Settings
from goodseed.study.comfy.workflow import Choices
from goodseed.study.engines import make_engine
from goodseed.study.plan import make_plan
from goodseed.study.runner import Running, run_study

COMFY = "tests.host.comfy_model:make"
EVERY = 0.1
WORDS = ("ball", "box", "tree", "house", "boat", "bird", "lamp", "chair")


class Busy:
    """A study's progress that asks each server's queue over and over until the last image is there."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.asked = dict.fromkeys(urls, 0)
        self.busy = dict.fromkeys(urls, 0)
        self.done = threading.Event()
        self.began = self.ended = self.images = 0.0

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        self.images = images - done
        for url in self.asked:
            threading.Thread(target=self._watch, args=(url,), daemon=True).start()

    def advanced(self, images: int) -> None:
        pass

    def said(self, line: str) -> None:
        print(line, file=sys.stderr)

    def summing_up(self) -> None:
        self.ended = time.perf_counter()
        self.done.set()

    def _watch(self, url: str) -> None:
        server = Server(url)
        while not self.done.is_set():
            with contextlib.suppress(ServerError):
                queue = server.queued()
                if queue and not self.began:
                    self.began = time.perf_counter()
                if self.began:
                    self.asked[url] += 1
                    self.busy[url] += queue > 0
            time.sleep(EVERY)


@contextlib.contextmanager
def own_servers(count: int, folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Start servers with the slim model; yield a workflow for it and their addresses."""
    from tests.host.comfyui import ComfyUI, find_comfyui, make_base
    from tests.host.slim import make_slim
    from tests.host.slim_graph import slim_graph

    root = find_comfyui("newest")
    if root is None:
        sys.exit("no ComfyUI; name its folder in COMFYUI_PATH, or a running one with --server")
    slim = make_slim(folder / "models")
    servers = []
    try:
        for number in range(count):
            base = make_base(folder / f"base{number}", Path(__file__).parents[1], "good-seed", root=root)
            slim.link_into(base)
            servers.append(ComfyUI("newest", root, base).start())
        for server in servers:
            server.get("/queue")
        flow = folder / "flow.json"
        flow.write_text(json.dumps(slim_graph(slim)))
        yield flow, [f"http://127.0.0.1:{server.port}" for server in servers]
    finally:
        for server in servers:
            server.stop()


def measure(flow: Path, urls: Sequence[str], seeds: int, prompts: int, ahead: int, folder: Path) -> dict[str, Any]:
    """Run a study and return its figures."""
    texts = [f"a {color} {thing}" for thing in WORDS for color in ("red", "blue")]
    sets = PromptSet(tuple(texts[:prompts])), PromptSet(tuple(texts[prompts : 2 * prompts]))
    options, places = prepare_comfy(flow, urls, Choices(), Settings(ahead=ahead), texts[0])
    plan = make_plan(COMFY, range(seeds), *sets, options=options)
    busy = Busy(urls)
    run_study(folder / "study", plan, Running(progress=busy, engine=make_engine("local", None, places)))
    seconds = busy.ended - busy.began
    shares = {url: busy.busy[url] / max(busy.asked[url], 1) for url in urls}
    return {"images": busy.images, "seconds": seconds, "images_per_second": busy.images / seconds, "busy": shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workflow", type=Path)
    parser.add_argument("--server", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=4, help="in each of the two sets, at most 8")
    parser.add_argument("--ahead", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        flow, urls = options.workflow, options.server
        if not urls:
            flow, urls = stack.enter_context(own_servers(2, folder))
        found = measure(flow, urls, options.seeds, options.prompts, options.ahead, folder)
    print(json.dumps({**found, "busy_least": min(found["busy"].values())}))


if __name__ == "__main__":
    main()
