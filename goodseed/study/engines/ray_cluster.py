"""Ray's cluster, as seen by the process that drives it: started or joined, and how many workers it is given."""

from __future__ import annotations

import logging
import math
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodseed.errors import StudyError
from goodseed.study.engines.interface import Place
from goodseed.study.plan import Plan

LOCAL = "local"
"""The address of a cluster that is started on this machine, and ends with the study."""

_STORE_BYTES = 256 * 2**20
"""Results are small: features of one shard, some hundred kilobytes at a time."""
_TRIES = "2"
"""Ray tries twenty times to join a cluster; what does not work at once is the address or the token."""


@dataclass(frozen=True)
class Cluster:
    """Which cluster a study is computed on, and by whom."""

    address: str
    workers: int | None
    places: tuple[Place, ...]
    cores: int
    """Of the cluster that is started here."""
    folder: Path
    """For files of this run, with a short name: Ray makes sockets in it, whose paths have at most 107 bytes."""


def connect(cluster: Cluster) -> Any:
    """Start or join the cluster, and return the module `ray`. This process, which is Ray's alone, is set up for it.

    Raises:
        StudyError: when the cluster does not let this process in; the message says why.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_NUM_REDIS_GET_RETRIES"] = _TRIES
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if cluster.address == LOCAL:
        _be_alone()
        options |= {
            "num_cpus": cluster.cores,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
            "_temp_dir": str(cluster.folder),
            "_node_ip_address": "127.0.0.1",
        }
    else:
        _use_token()
    import ray

    try:
        ray.init(address=cluster.address, **options)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise StudyError(_explained(cluster.address, error)) from error
    return ray


def _be_alone() -> None:
    """Give the cluster a token that nobody else has, and its workers this process's modules and priority."""
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ.pop("RAY_AUTH_TOKEN_PATH", None)
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))


def _use_token() -> None:
    """Use a token that the user names.

    Not the one in ~/.ray, which Ray writes for its own clusters: workers of a cluster without a token die of one.
    """
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _explained(address: str, error: BaseException) -> str:
    words = []
    cause: BaseException | None = error
    while cause is not None:
        words.append(str(cause))
        cause = cause.__cause__
    text = " ".join(" ".join(words).split())
    if any(word in text for word in ("Unauthenticated", "InvalidAuthToken", "uthentication token")):
        return (
            f"Ray at {address}: wants its token; set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to its file: "
            "`ray get-auth-token` prints it there"
        )
    if "ersion mismatch" in text:
        return f"Ray at {address}: {text[text.index('ersion mismatch') - 1 :][:300]}; use the cluster's versions here"
    if "client connection timeout" in text:
        return f"Ray at {address}: does not let this machine in; check the port, and RAY_AUTH_TOKEN if it wants one"
    return f"Ray at {address}: cannot be used ({text[:200]})"


@dataclass(frozen=True)
class Size:
    """What a cluster has."""

    gpus: int
    cores: int
    machines: int


def share_out(size: Size, workers: int | None, places: int, heavy: bool) -> tuple[int, dict[str, float], str]:
    """Return how many workers there are, what each of them asks Ray for, and this in words.

    One a place, else one a GPU, else one a core; where they are `heavy` and there are no GPUs, one a machine.
    """
    if places:
        cores = 1.0 if size.cores >= places else 0.0
        return places, {"num_cpus": cores, "num_gpus": _part(size.gpus, places) if heavy else 0.0}, "one a place"
    if size.gpus:
        count = workers or size.gpus
        return count, {"num_cpus": 0.0, "num_gpus": _part(size.gpus, count)}, "on GPUs"
    count = workers or max(1, size.machines if heavy else size.cores)
    return count, {"num_cpus": 1.0}, "on cores"


def _part(gpus: int, workers: int) -> float:
    """Return how much of a GPU each worker gets; Ray takes whole ones, or parts of one."""
    return 1.0 / math.ceil(workers / gpus) if gpus else 0.0


def on_own_gpus(places: Sequence[Place], gpus: int, workers: int | None) -> tuple[Place, ...]:
    """Return the places, where they are CUDA devices as a cluster has them: each worker is shown only its own.

    A device without a number stands for any: where neither workers nor devices were counted, all GPUs are used.
    """
    if not places or not all(map(_is_cuda, places)):
        return tuple(places)
    anywhere = workers is None and [place.settings["device"] for place in places] == ["cuda"]
    count = max(gpus, 1) if anywhere else len(places)
    return tuple(
        Place(f"worker {number + 1} on a GPU", {**places[number % len(places)].settings, "device": "cuda"})
        for number in range(count)
    )


def is_heavy(plan: Plan, places: Sequence[Place]) -> bool:
    """Say whether each worker wants a GPU: it holds networks of metrics, or its place is a CUDA device."""
    from goodseed.study.metrics.catalogue import weights_of

    return any(map(_is_cuda, places)) or bool(weights_of(plan.metrics))


def _is_cuda(place: Place) -> bool:
    return str(place.settings.get("device", "")).startswith("cuda")
