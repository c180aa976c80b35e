"""Makes the pack's own `goodseed` importable under that name, without pip and without the pack's root on sys.path.

The root holds `nodes` and `tests`, which would take the place of ComfyUI's own modules if it stood on sys.path.
Instead `goodseed` alone is loaded from the folder beside this one, whatever the pack's folder is called;
its submodules then follow from its `__path__` as for any package.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent.parent / "goodseed"


def provide_goodseed() -> ModuleType:
    """Return `goodseed`, loaded from the pack, or the same version that something else has loaded before.

    Raises:
        ImportError: when another version is loaded already; the message says where it lies.
    """
    spec = importlib.util.spec_from_file_location(
        "goodseed", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{FOLDER}: is not there; install the good-seed pack again")
    own = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(own)
    loaded = sys.modules.setdefault("goodseed", own)
    if loaded.__version__ != own.__version__:
        raise ImportError(
            f"good-seed: goodseed {loaded.__version__} is loaded from {loaded.__file__}, "
            f"this pack needs its own {own.__version__}; remove or update the other copy"
        )
    return loaded
