"""A bank is one file: the same content gives the same bytes and id, and nothing unsound becomes a bank."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.banks import check_bank, find_banks, make_bank, mismatches, read_bank, resolve_bank, write_bank
from goodseed.banks.library import SHIPPED
from goodseed.errors import BankError, OutputError
from goodseed.noise import NoiseSpec
from tests.library.bank_maker import make_test_bank, sha, sound_info, sound_tensors


def test_a_bank_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    bank = write_bank(make_test_bank(), tmp_path / "golden.safetensors")
    again = read_bank(tmp_path / "golden.safetensors")
    assert (again.id, again.name, again.info, again.seeds) == (bank.id, "golden", bank.info, bank.seeds)
    assert again.tensors.keys() == bank.tensors.keys()
    for name, array in bank.tensors.items():
        assert again.tensors[name].dtype == array.dtype
        assert np.array_equal(again.tensors[name], array)
    assert check_bank(tmp_path / "golden.safetensors") == []


def test_the_same_bank_written_twice_gives_the_same_bytes_whatever_the_order_of_its_parts(tmp_path: Path) -> None:
    write_bank(make_test_bank(), tmp_path / "a.safetensors")
    tensors = dict(reversed(sound_tensors().items()))
    info = dict(reversed(sound_info().items()))
    write_bank(make_bank(tensors, info), tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_the_id_changes_with_any_tensor_any_value_and_any_name() -> None:
    ids = {make_test_bank().id}
    for name in sound_tensors():
        tensors = sound_tensors()
        tensors[name] = np.flip(tensors[name], axis=0) if name == "seeds" else tensors[name].copy()
        if name != "seeds":
            # A share stays a share, a count a count.
            tensors[name].flat[3] = 0.25 if name.startswith("trait") else abs(tensors[name].flat[3]) + 1
        ids.add(make_bank(tensors, sound_info()).id)
    for change in ({"software": {"goodseed": "0.2.0"}}, {"adapters": [{"file": "l.safetensors", "sha256": sha("l")}]}):
        ids.add(make_bank(sound_tensors(), {**sound_info(), **change}).id)
    assert len(ids) == len(sound_tensors()) + 3


def test_the_id_is_the_documented_hash_computed_here_anew() -> None:
    bank = make_test_bank()
    parts = []
    for name in sorted(bank.tensors):
        array = bank.tensors[name]
        parts.append([name, str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()])
    text = json.dumps({"info": bank.info, "tensors": parts}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert bank.id == hashlib.sha256(text.encode()).hexdigest()


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=3, unique=True))
def test_every_seed_that_comfyui_takes_survives_the_bank(seeds: list[int]) -> None:
    tensors = sound_tensors(3)
    tensors["seeds"] = np.array(seeds, dtype=np.uint64).view(np.int64)
    assert make_bank(tensors, sound_info()).seeds == seeds


def test_a_banks_arrays_cannot_be_changed_and_the_makers_own_stay_free() -> None:
    tensors = sound_tensors()
    bank = make_bank(tensors, sound_info())
    with pytest.raises(ValueError, match="read-only"):
        bank.tensors["trait.border"][0] = 1
    tensors["trait.border"][0] = 1
    assert bank.tensors["trait.border"][0] == 0


def test_a_bank_may_lack_what_is_optional() -> None:
    tensors = sound_tensors()
    del tensors["heldout.feature.style"]
    tensors["inpaint.removal.text_share"] = np.zeros(40, dtype=np.float32)
    info = {**sound_info(), "vae": None, "text_encoder": None, "reference": {}, "reliability": {}}
    assert make_bank(tensors, info).seeds == list(range(40))


def test_an_unknown_metric_is_named_with_those_there_are() -> None:
    with pytest.raises(BankError, match="metric 'hps': the bank holds fid, score"):
        make_test_bank().metric("hps")


def test_a_bank_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "b.safetensors"
    old = write_bank(make_test_bank(), path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # as a disk with 4 KiB left
    try:
        with pytest.raises(OutputError, match=r"b\.safetensors: cannot be written"):
            write_bank(make_test_bank(random_state=1), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_bank(path).id == old.id
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_below_a_file_is_no_place_for_a_bank(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file.b\.safetensors: cannot be written"):
        write_bank(make_test_bank(), tmp_path / "file" / "b.safetensors")


def test_a_bank_fits_its_own_model_latent_and_noise() -> None:
    bank = make_test_bank()
    noise = {**NoiseSpec((4, 16, 16)).as_dict(), "fingerprint": sha("noise")}
    assert mismatches(bank) == []
    assert mismatches(bank, tensors_sha256=sha("denoiser tensors"), latent_shape=(4, 16, 16), noise=noise) == []
    assert mismatches(bank, latent_shape=(4, 1, 16, 16)) == [], "one frame of a model of videos is a picture"
    assert mismatches(bank, model_sha256=sha("denoiser file"), noise=NoiseSpec((4, 16, 16))) == []


def test_the_same_weights_in_another_file_fit() -> None:
    assert mismatches(make_test_bank(), model_sha256=sha("other"), tensors_sha256=sha("denoiser tensors")) == []


def test_each_thing_that_does_not_fit_gets_a_sentence() -> None:
    bank = make_test_bank(name="mine")
    found = mismatches(
        bank, tensors_sha256=sha("other"), latent_shape=(4, 64, 64), noise=NoiseSpec((4, 64, 64), device="cuda")
    )
    assert len(found) == 3
    assert found[0].startswith("The bank mine was measured on denoiser.safetensors (tensors ")
    assert found[1] == "The bank was measured on latents of 4×16×16, not 4×64×64."
    assert found[2] == "The bank was measured with noise device cpu, not cuda."
    assert "(file " in mismatches(bank, model_sha256=sha("other"))[0]
    assert len(mismatches(bank, noise=NoiseSpec((16, 16, 16)))) == 1


def test_banks_are_found_by_name_and_the_first_folder_wins(tmp_path: Path) -> None:
    for name in ("a/one", "b/one", "b/two"):
        write_bank(make_test_bank(3), tmp_path / f"{name}.safetensors")
    (tmp_path / "b" / "notes.md").write_text("no bank")
    (tmp_path / "b" / "folder.safetensors").mkdir()
    found = find_banks([tmp_path / "a", tmp_path / "missing", tmp_path / "b"])
    assert found == {"one": tmp_path / "a" / "one.safetensors", "two": tmp_path / "b" / "two.safetensors"}
    assert resolve_bank("two", [tmp_path / "b"]) == tmp_path / "b" / "two.safetensors"
    assert resolve_bank(tmp_path / "b" / "one.safetensors") == tmp_path / "b" / "one.safetensors"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no-such-bank", "is neither a file nor a known bank"),
        ("no/such.safetensors", "there is no such file"),
        ("x" * 5000, "can be no file|neither a file"),
        ("a\0b", "can be no file|neither a file"),
        (".", "is a folder"),
    ],
)
def test_a_bank_that_is_not_there_is_named_in_one_line(name: str, message: str) -> None:
    with pytest.raises(BankError, match=message) as caught:
        resolve_bank(name)
    assert "\n" not in str(caught.value)


def test_the_banks_of_the_pack_lie_beside_the_library() -> None:
    assert Path(__file__).resolve().parents[2] / "seedbanks" == SHIPPED
