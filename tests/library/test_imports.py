"""The arrows point one way: no file of the library knows ComfyUI, the pack's nodes, or the global random state."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

GOODSEED = Path(__file__).resolve().parents[2] / "goodseed"
FILES = sorted(GOODSEED.rglob("*.py"))
COMFYUI = {"comfy", "comfy_api", "comfy_extras", "comfy_execution", "folder_paths", "server", "execution"}
FORBIDDEN = COMFYUI | {"nodes", "host"}
SEEDING = {"torch.manual_seed", "torch.seed", "torch.random.manual_seed", "torch.cuda.manual_seed"}
KEEPING = {"getstate", "setstate", "get_state", "set_state"}
"""Taking the shared state and putting it back as it was."""
OWN_GENERATORS = {"default_rng", "Generator", "RandomState", "SeedSequence", "PCG64", "Philox", "Random"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the module names that a file imports; a relative import yields its dots too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Call) and dotted(node.func) in ("__import__", "importlib.import_module"):
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


def global_random_calls(tree: ast.AST) -> Iterator[str]:
    """Yield calls that seed the random state which a process shares, or draw from Python's and numpy's."""
    shared = {"np.random", "numpy.random"} | ({"random"} & set(imported(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            head, _, last = name.rpartition(".")
            if name in SEEDING or (head in shared and last not in OWN_GENERATORS | KEEPING):
                yield name


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def test_there_are_files_to_read() -> None:
    assert len(FILES) > 15


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(GOODSEED)) for path in FILES])
def test_a_library_file_imports_neither_comfyui_nor_the_packs_nodes(path: Path) -> None:
    names = list(imported(ast.parse(path.read_text("utf-8"))))
    assert not [name for name in names if name.partition(".")[0] in FORBIDDEN]
    # `from ..nodes import x` would leave the library; whole names cannot.
    assert not [name for name in names if name.startswith(".")]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(GOODSEED)) for path in FILES])
def test_a_library_file_never_touches_the_global_random_state(path: Path) -> None:
    assert list(global_random_calls(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    ["import comfy.sample", "from comfy_api.latest import io", "def f():\n import folder_paths", "__import__('host')"],
)
def test_the_reader_of_imports_sees_what_it_must(source: str) -> None:
    assert {name.partition(".")[0] for name in imported(ast.parse(source))} & FORBIDDEN


@pytest.mark.parametrize(
    "call", ["torch.manual_seed(0)", "np.random.seed(0)", "np.random.rand(3)", "import random\nrandom.seed(1)"]
)
def test_the_reader_of_calls_sees_the_global_random_state(call: str) -> None:
    assert list(global_random_calls(ast.parse(call)))
