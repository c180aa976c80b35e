"""The host tier: the pack in real ComfyUI servers, each started once for all of its tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from goodseed.banks import write_bank
from goodseed.demo import weights
from tests.host.banks import bank_of_demo, foreign_bank, write_stand_ins
from tests.host.comfyui import VERSIONS, ComfyUI, find_comfyui, make_base
from tests.host.slim import Slim, make_slim

ROOT = Path(__file__).resolve().parents[2]
ASSETS = Path(__file__).parent / "assets"
PACK_NAMES = {"newest": "good-seed", "floor": "any.other-name_v1"}
"""What the pack's folder is called; nothing may depend on it. No blanks, since aiohttp serves no folder so called."""
LONG_FILES = (
    "test_changes.py", "test_comfy_study.py", "test_demo_model.py", "test_grid.py", "test_guard.py",
    "test_input_files.py", "test_observe.py", "test_reproduce.py", "test_routes.py", "test_same_picture.py",
    "test_saver.py", "test_seed_swap.py",
)  # fmt: skip


@pytest.fixture(scope="session")
def demo_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the demo model's weights: the shipped ones, or untrained ones of the same shape."""
    if all(weights.weights_path(name).is_file() for name in weights.NETWORKS):
        return weights.weights_path("denoiser").parent
    return weights.make_random(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def slim_files(tmp_path_factory: pytest.TempPathFactory) -> Slim:
    """A slim Stable Diffusion 1.5 with a LoRA and a VAE, for any server to link to."""
    return make_slim(tmp_path_factory.mktemp("slim"))


@pytest.fixture(scope="session", params=list(VERSIONS))
def comfyui(
    request: pytest.FixtureRequest, demo_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComfyUI]:
    """One running ComfyUI; tests that ask for it run on every version."""
    version = request.param
    root = find_comfyui(version)
    if root is None:
        pytest.skip(f"no ComfyUI ({version})")
    base = make_base(
        tmp_path_factory.mktemp(version) / "base", ROOT, PACK_NAMES[version], ASSETS / "goodseed_probe", root
    )
    banks = base / "models" / "seedbanks"
    write_bank(bank_of_demo(demo_weights), banks / "test.safetensors")
    write_bank(foreign_bank(), banks / "foreign.safetensors")
    write_stand_ins(demo_weights, banks)
    server = ComfyUI(version, root, base, {"GOODSEED_DEMO_WEIGHTS": str(demo_weights)}).start()
    yield server
    server.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is long on one version is run on the oldest only when all tests are."""
    for item in items:
        long = item.path.name in LONG_FILES or item.get_closest_marker("long_on_oldest")
        if long and "[floor" in item.nodeid:
            item.add_marker(pytest.mark.long)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for version, (variable, folder) in VERSIONS.items():
        if find_comfyui(version) is None:
            line = f"HOST TESTS SKIPPED: no ComfyUI ({version}) in ${variable} or ~/comfy/{folder}"
            terminalreporter.write_line(line, yellow=True, bold=True)
