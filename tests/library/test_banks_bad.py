"""Each kind of bad bank is refused with one line that says which part and why."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from goodseed.banks import check_bank, make_bank, read_bank, write_bank
from goodseed.banks.format import METADATA_KEY, bank_id
from goodseed.errors import BankError
from tests.library.bank_maker import make_test_bank, sound_info, sound_tensors

Tensors = dict[str, np.ndarray]


def refusal(path: Path) -> str:
    """Return what reading the file raises; it must be one line that starts with the file, as `bank check` finds it."""
    with pytest.raises(BankError) as caught:
        read_bank(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert check_bank(path)[0] == message.removeprefix(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def write_raw(path: Path, tensors: Tensors, info: Any, with_id: bool = True) -> Path:
    """Write a bank file without any check; its id is right, so that only the planted fault is wrong."""
    if with_id and isinstance(info, dict):
        info = {**info, "id": bank_id(tensors, info)}
    text = info if isinstance(info, str) else json.dumps(info)
    path.write_bytes(save(tensors, {METADATA_KEY: text}))
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    write_bank(make_test_bank(), tmp_path / "bank.safetensors")
    return tmp_path / "bank.safetensors"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_bank_cut_anywhere_is_refused(good: Path, data: st.DataObject) -> None:
    whole = good.read_bytes()
    cut = good.with_name("cut.safetensors")
    cut.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    refusal(cut)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_bank_with_any_byte_changed_is_refused(good: Path, data: st.DataObject) -> None:
    whole = bytearray(good.read_bytes())
    header = struct.unpack("<Q", whole[:8])[0]
    # As many changes in the small header as in the large rest.
    place = data.draw(st.one_of(st.integers(0, 7 + header), st.integers(8 + header, len(whole) - 1)))
    whole[place] ^= data.draw(st.integers(1, 255))
    edited = good.with_name("edited.safetensors")
    edited.write_bytes(whole)
    if json_of(whole) != json_of(good.read_bytes()):  # a space for a space's sake changes nothing
        refusal(edited)


def json_of(data: bytes) -> Any:
    """Return the header as safetensors understands it, and all tensor bytes; the header's padding does not count."""
    size = struct.unpack("<Q", data[:8])[0]
    try:
        return json.loads(data[8 : 8 + size]), bytes(data[8 + size :])
    except ValueError:
        return None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 100_000_001) + b"{" + b" " * 1000,
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"\xff\xff",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        b"a picture, or so it says" * 100,
    ],
    ids=["empty", "short", "png", "header-2^63", "header-100MB", "list", "no-utf8", "deep", "text"],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bank.safetensors"
    path.write_bytes(content)
    assert "no safetensors file" in refusal(path) or "damaged" in refusal(path)


def test_a_header_that_lies_about_sizes_is_refused(tmp_path: Path) -> None:
    for shape, offsets in (([2**40], [0, 2**42]), ([10], [0, 80]), ([2], [0, 8]), ([-1], [0, 8]), ([2**62, 8], [0, 8])):
        header = json.dumps({"seeds": {"dtype": "I64", "shape": shape, "data_offsets": offsets}}).encode()
        path = tmp_path / "bank.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
        assert "damaged" in refusal(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be read (No such file" in refusal(tmp_path / "none.safetensors")
    assert "cannot be read" in refusal(tmp_path)


def test_a_safetensors_file_without_a_banks_metadata_is_no_bank(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(sound_tensors()))
    assert "no seed bank" in refusal(path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 200_000, "[]", "3", '{"schema": NaN}', '{"schema": 1e999}', '{"schema": ' + "9" * 5000 + "}"],
    ids=["empty", "cut", "deep", "list", "number", "nan", "infinity", "long"],
)
def test_metadata_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    assert "metadata" in refusal(write_raw(tmp_path / "bank.safetensors", sound_tensors(), text))


def test_a_tensor_type_that_no_bank_has_is_refused(tmp_path: Path) -> None:
    tensors = {**sound_tensors(), "trait.border": np.zeros(40, dtype=np.float16)}
    path = write_raw(tmp_path / "bank.safetensors", tensors, sound_info())
    assert refusal(path) == "trait.border: is float16 [40], must be float32 [40]"


def test_a_bank_of_a_newer_schema_asks_for_an_update(tmp_path: Path) -> None:
    # Whatever else a newer schema brings, the version is what is said.
    path = write_raw(tmp_path / "bank.safetensors", {"other": np.zeros(3)}, {"schema": 2, "new": {}})
    assert refusal(path) == "schema: version 2 is newer than 1, the newest known here; update Good Seed"


def test_an_id_that_is_not_the_contents_is_refused(tmp_path: Path) -> None:
    for wrong in (None, "0" * 64, 7):
        info = {**sound_info(), "id": wrong}
        path = write_raw(tmp_path / "bank.safetensors", sound_tensors(), info, with_id=False)
        assert refusal(path).startswith("id: the content's SHA-256 is ")


def changed(name: str, value: Any) -> Callable[[Tensors], None]:
    def change(tensors: Tensors) -> None:
        tensors[name][5] = value

    return change


def replaced(name: str, array: np.ndarray) -> Callable[[Tensors], None]:
    return lambda tensors: tensors.update({name: array})


BAD_TENSORS: list[tuple[Callable[[Tensors], None], str]] = [
    (changed("metric.score.mean", np.nan), "metric.score.mean: holds NaN or infinity, first at position 5"),
    (changed("heldout.fid.stderr", np.inf), "heldout.fid.stderr: holds NaN or infinity"),
    (changed("feature.style", np.nan), "feature.style: holds NaN"),
    (changed("trait.border", 1.5), "trait.border: a share lies outside 0…1"),
    (changed("metric.score.stderr", -1), "metric.score.stderr: a standard error is negative"),
    (changed("heldout.score.n", 0), "heldout.score.n: a seed has no image"),
    (changed("seeds", 4), "seeds: seed 4 stands there 2 times"),
    (replaced("seeds", np.arange(40, dtype=np.int32)), "seeds: must be int64"),
    (replaced("seeds", np.arange(0, dtype=np.int64)), "seeds: must be int64"),
    (
        replaced("seeds", np.arange(41, dtype=np.int64)),
        "feature.composition: is float32 [40, 12], must be float32 [41, 12]",
    ),
    (
        replaced("feature.style", np.zeros((40, 7), np.float32)),
        "feature.style: is float32 [40, 7], must be float32 [40, 8]",
    ),
    (replaced("heldout.feature.style", np.zeros((40, 8), np.float32)), "heldout.feature.style: is float32 [40, 8]"),
    (replaced("metric.score.mean", np.zeros((40, 1), np.float32)), "metric.score.mean: is float32 [40, 1]"),
    (replaced("metric.score.n", np.ones(40, np.int64)), "metric.score.n: is int64 [40], must be int32 [40]"),
    (
        replaced("metric.hps.mean", np.ones(40, np.float32)),
        "'metric.hps.mean': is a tensor that the metadata does not name",
    ),
    (replaced("inpaint.x.text_share", np.full(40, 2, np.float32)), "inpaint.x.text_share: a share lies outside"),
    (lambda tensors: tensors.pop("heldout.score.mean"), "heldout.score.mean: is missing"),
    (lambda tensors: tensors.pop("trait.border"), "trait.border: is missing"),
    (lambda tensors: tensors.pop("seeds"), "seeds: must be int64"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD_TENSORS, ids=[message for _, message in BAD_TENSORS])
def test_a_bad_tensor_is_named(tmp_path: Path, spoil: Callable[[Tensors], None], message: str) -> None:
    tensors = sound_tensors()
    spoil(tensors)
    with pytest.raises(BankError) as caught:
        make_bank(tensors, sound_info())
    assert str(caught.value).startswith(message)
    assert refusal(write_raw(tmp_path / "bank.safetensors", tensors, sound_info())).startswith(message)


BAD_INFO: list[tuple[str, Any, str]] = [
    ("schema", "1", "schema: '1' is no schema version"),
    ("schema", True, "schema: True is no schema version"),
    ("model", None, "model: is missing or no object"),
    ("model.sha256", "ABC", "model.sha256: 'ABC' is no SHA-256"),
    ("model.file", "C:\\models\\m.safetensors", "model.file: "),
    ("model.file", "/models/m.safetensors", "model.file: '/models/m.safetensors' is no file name (without a folder)"),
    ("vae", [], "vae: is missing or no object"),
    ("adapters", {}, "adapters: is no list"),
    ("adapters", [{"file": "a"}], "adapters[0].sha256: is missing"),
    ("noise.shape", [4, 0, 16], "noise.shape: [4, 0, 16] is no latent shape"),
    ("noise.batch", 1.0, "noise.batch: 1.0 is no whole number"),
    ("sampling.steps", -1, "sampling.steps: -1 is no whole number"),
    ("sampling.cfg", "3", "sampling.cfg: '3' is no finite number"),
    ("prompts.selection.count", 5, "prompts.selection.texts: 4 prompts where count says 5"),
    ("prompts.selection.sha256", "0" * 64, "prompts.selection.sha256: is not that of the prompts"),
    ("prompts.held_out", 3, "prompts.held_out: 3 is no object"),
    ("prompts.held_out.texts", [1, 2], "prompts.held_out.texts: is no list of texts"),
    ("reference.held_out.count", 0, "reference.held_out.count: 0 is no whole number"),
    ("metrics.score.direction", "up", "metrics.score.direction: 'up' is none of higher, lower"),
    ("metrics.score.per", "prompt", "metrics.score.per: 'prompt' is none of image, seed"),
    ("metrics", {"two\nlines": {}}, "metrics: 'two\\nlines' is no name"),
    ("traits.border.version", 1, "traits.border.version: 1 is no text"),
    ("features.style.per_prompt", 0, "features.style.per_prompt: 0 is no whole number"),
    ("features.style.names", [], "features.style.names: [] is no list of names"),
    ("design", {"kind": "exhaustive"}, "design.images: is missing"),
    ("software", "0.1", "software: is missing or no object"),
    ("reliability.icc", [0.1], "reliability.icc: is no object"),
    ("reliability.icc.score.low", 0.9, "reliability.icc.score: 0.9…0.4 is no interval"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD_INFO, ids=[message for _, _, message in BAD_INFO])
def test_bad_metadata_is_named_by_its_field(tmp_path: Path, path: str, value: Any, message: str) -> None:
    info = sound_info()
    *parents, last = path.split(".")
    inner = info
    for key in parents:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(BankError) as caught:
        make_bank(sound_tensors(), info)
    assert str(caught.value).startswith(message)
    assert refusal(write_raw(tmp_path / "bank.safetensors", sound_tensors(), info)).startswith(message)


@pytest.mark.parametrize("key", sorted(sound_info()))
def test_every_part_of_the_metadata_is_required(key: str) -> None:
    info = sound_info()
    del info[key]
    with pytest.raises(BankError, match=rf"^{key}: "):
        make_bank(sound_tensors(), info)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, "\ud800", 10**400])
def test_what_json_cannot_hold_or_no_number_can_be_is_refused_or_kept_whole(value: Any) -> None:
    info = {**sound_info(), "extra": value}
    if isinstance(value, int):
        assert make_bank(sound_tensors(), info).info["extra"] == value
    else:
        with pytest.raises(BankError, match="metadata: cannot stand in canonical JSON"):
            make_bank(sound_tensors(), info)


def test_checking_finds_all_faults_at_once(tmp_path: Path) -> None:
    tensors = sound_tensors()
    tensors["metric.score.mean"][0] = np.nan
    tensors["trait.border"][0] = -1
    assert len(check_bank(write_raw(tmp_path / "a.safetensors", tensors, sound_info()))) == 2
    info = {**sound_info(), "design": None, "software": None}
    assert len(check_bank(write_raw(tmp_path / "b.safetensors", tensors, info))) == 2
