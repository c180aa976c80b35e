"""The command: one JSON object on standard output, tables on standard error, one line for a user's mistake."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed.banks import diverse, make_bank, pick, write_bank
from goodseed.cli import run
from tests.library.bank_maker import make_test_bank, sound_info, sound_tensors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    write_bank(make_test_bank(), tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """Run with --json; standard output must be one line with one object, standard error empty."""
    assert run([*map(str, arguments), "--json"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def in_process(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "goodseed.cli", *map(str, arguments)],
        cwd=ROOT,
        text=True,
        stderr=subprocess.PIPE,
        **options,
    )


def test_pick_gives_what_the_library_picks(capsys: pytest.CaptureFixture[str], bank: Path) -> None:
    assert as_json(capsys, "pick", bank) == pick(make_test_bank()).as_dict()
    found = as_json(capsys, "pick", bank, "--rule", "rank-sum", "-k", "3", "--avoid", "border=0.2", "--worst")
    assert found == pick(make_test_bank(), "rank-sum", 3, {"border": 0.2}, worst=True).as_dict()
    found = as_json(capsys, "pick", bank, "--top", "20", "--avoid", "border", "-k", "1", "--rule", "score")
    assert found["seeds"] == pick(make_test_bank(), "score", 1, ["border"]).seeds


def test_diverse_gives_what_the_library_gives(capsys: pytest.CaptureFixture[str], bank: Path) -> None:
    assert as_json(capsys, "diverse", bank) == diverse(make_test_bank()).as_dict()
    found = as_json(capsys, "diverse", bank, "--by", "both", "-n", "3", "--start", "7")
    assert found == diverse(make_test_bank(), "both", 3, 7).as_dict()
    found = as_json(capsys, "diverse", bank, "--within", "golden", "--rule", "score", "--random-state", "5")
    assert found == diverse(make_test_bank(), within="golden", rule="score", random_state=5).as_dict()


def test_for_people_everything_is_on_standard_error(capsys: pytest.CaptureFixture[str], bank: Path) -> None:
    for command in ("pick", "diverse"):
        assert run([command, str(bank)]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        seeds = (pick if command == "pick" else diverse)(make_test_bank()).seeds
        assert all(str(seed) in err for seed in seeds)


def test_what_rounds_to_nothing_has_no_minus(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    info, tensors = sound_info(), sound_tensors()
    info["reliability"]["icc"]["score"] = {"value": -2e-5, "low": -4e-4, "high": 3e-4}
    for which in ("metric", "heldout"):
        tensors[f"{which}.score.mean"] *= np.float32(-1e-7)
    write_bank(make_bank(tensors, info, "tiny"), tmp_path / "tiny.safetensors")
    for command in (["pick", "--rule", "score"], ["bank", "show"]):
        assert run([*command, str(tmp_path / "tiny.safetensors")]) == 0
        said = capsys.readouterr().err
        assert "0.000 (0.000…0.000)" in " ".join(said.replace("│", " ").split())
        assert not re.search(r"-0\.0+\b", said)


def test_a_narrow_terminal_cuts_nothing_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bank: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    info, tensors = sound_info(), sound_tensors()
    info["reliability"]["icc"]["score"] = {"value": -12.558, "low": -112.269, "high": 87.157}
    write_bank(make_bank(tensors, info, "mine"), bank)
    assert run(["pick", str(bank), "--rule", "score"]) == 0
    last = [line.split("│")[-2].strip() for line in capsys.readouterr().err.splitlines() if line.endswith("│")]
    assert "-12.558(-112.269…87.157)" in "".join(last)


def test_bank_check_says_sound_with_exit_0_and_not_sound_with_1(capsys: pytest.CaptureFixture[str], bank: Path) -> None:
    assert as_json(capsys, "bank", "check", bank) == {"sound": True, "errors": []}
    data = bytearray(bank.read_bytes())
    data[-1] ^= 1
    bank.write_bytes(data)
    found = as_json(capsys, "bank", "check", bank, code=1)
    assert found["sound"] is False
    assert len(found["errors"]) == 1
    assert found["errors"][0].startswith("id: the content's SHA-256")
    assert run(["bank", "check", str(bank)]) == 1
    assert "not sound" in capsys.readouterr().err


def test_bank_show_gives_the_metadata_and_what_there_is(capsys: pytest.CaptureFixture[str], bank: Path) -> None:
    found = as_json(capsys, "bank", "show", bank)
    assert (found["name"], found["seeds"], found["id"]) == ("mine", 40, make_test_bank().id)
    assert found["info"] == make_test_bank().info
    assert found["tensors"]["feature.style"] == ["float32", [40, 8]]
    assert run(["bank", "show", str(bank)]) == 0
    assert "0.300 (0.200…0.400)" in capsys.readouterr().err


def test_bank_list_names_sound_banks_and_says_what_is_wrong_with_others(
    capsys: pytest.CaptureFixture[str], bank: Path
) -> None:
    (bank.parent / "bad.safetensors").write_bytes(b"not a bank")
    entries = {entry["name"]: entry for entry in as_json(capsys, "bank", "list", "--folder", bank.parent)["banks"]}
    assert entries["mine"]["id"] == make_test_bank().id
    assert "no safetensors file" in entries["bad"]["error"]
    assert run(["bank", "list", "--folder", str(bank.parent)]) == 0
    assert "mine" in capsys.readouterr().err


MISTAKES: list[tuple[list[str], str]] = [
    (["pick", "BANK", "--rule", "best"], "rule 'best'"),
    (["pick", "BANK", "-k", "41"], "k 41: the bank holds 40 seeds"),
    (["pick", "BANK", "-k", "0"], "k 0"),
    (["pick", "BANK", "-k", "many"], "-k"),
    (["pick", "BANK", "--top", "0"], "top 0"),
    (["pick", "BANK", "--avoid", "sky"], "avoid 'sky'"),
    (["pick", "BANK", "--avoid", "border=much"], "'much' is no number"),
    (["pick", "BANK", "--avoid", "border=nan"], "the limit nan is no share"),
    (["pick", "missing.safetensors"], "missing.safetensors: there is no such file"),
    (["pick", "missing"], "missing: is neither a file nor a known bank"),
    (["pick", "/"], "/: is a folder"),
    (["pick"], "BANK"),
    (["pick"], "(see goodseed pick --help)"),
    (["pick", "BANK", "--speed"], "--speed"),
    (["diverse", "BANK", "--start", "40"], "start 40: is not among the 40 seeds"),
    (["diverse", "BANK", "--start", "-1"], "start: -1 is outside 0…18446744073709551615"),
    (["diverse", "BANK", "--start", "18446744073709551616"], "start: 18446744073709551616 is outside"),
    (["diverse", "BANK", "-n", "41"], "n 41"),
    (["diverse", "BANK", "--by", "colour"], "by 'colour'"),
    (["diverse", "BANK", "--within", "best"], "within 'best'"),
    (["diverse", "BANK", "--random-state", "-1"], "--random-state"),
    (["bank", "show", "missing"], "missing: is neither"),
    (["bank", "check", "missing.safetensors"], "there is no such file"),
    (["bank", "list", "--folder", "/no/such"], "/no/such: is no folder"),
    (["bank"], "command"),
    (["bank", "sing"], "(see goodseed bank --help)"),
    (["sing"], "sing"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], bank: Path, arguments: list[str], message: str
) -> None:
    arguments = [str(bank) if argument == "BANK" else argument for argument in arguments]
    found = as_json(capsys, *arguments, code=2)
    assert found.keys() == {"error"}
    assert message in found["error"]
    assert "\n" not in found["error"]
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize("content", [b"", b"no bank", b"\0" * 1000, "cut", "edited", "nan"])
@pytest.mark.parametrize("command", [["pick"], ["diverse"], ["bank", "show"]])
def test_a_bad_bank_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], bank: Path, command: list[str], content: bytes | str
) -> None:
    data = bank.read_bytes()
    if isinstance(content, bytes):
        data = content
    elif content == "cut":
        data = data[: len(data) // 2]
    else:
        change = np.frombuffer(data, dtype=np.uint8).copy()
        change[-4:] = [0, 0, 192, 127] if content == "nan" else 1
        data = change.tobytes()
    bank.write_bytes(data)
    assert as_json(capsys, *command, bank, code=2)["error"].startswith(f"{bank}: ")


def test_names_with_markup_and_escape_codes_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pick", "[red]x[/red]\x1b[31m\n"]) == 2
    err = capsys.readouterr().err
    assert "[red]x[/red]" in err
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_a_full_standard_output_is_one_line_and_exit_2(bank: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        done = in_process("pick", bank, "--json", stdout=full)
    assert done.returncode == 2
    assert (
        done.stderr
        == "error: standard output: cannot be written (No space left on device); check the disk or the pipe\n"
    )


def test_where_nothing_can_be_said_the_exit_code_says_it(bank: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "goodseed.cli", "bank", "show", str(bank)]
        assert subprocess.run(command, cwd=ROOT, stdout=full, stderr=full, check=False).returncode == 2


def test_a_reader_that_leaves_is_no_traceback(bank: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = in_process("pick", bank, "--json", stdout=write)
    os.close(write)
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output: cannot be written")
    assert done.stderr.count("\n") == 1


def test_the_help_imports_nothing_heavy() -> None:
    script = "import sys; from goodseed.cli import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=True)
    loaded = set(done.stdout.split())
    assert "goodseed.cli" in loaded
    assert not loaded & {"torch", "numpy", "scipy", "sklearn", "matplotlib", "pyarrow", "PIL", "safetensors"}


def test_picking_needs_none_of_the_heavy_packages(bank: Path) -> None:
    script = """
import sys
for name in ("torch", "scipy", "sklearn", "matplotlib", "pyarrow", "PIL", "filelock"):
    sys.modules[name] = None  # importing it fails
from goodseed.cli import run
sys.exit(run(sys.argv[1:]))
"""
    for command in ("pick", "diverse"):
        done = subprocess.run(
            [sys.executable, "-c", script, command, str(bank), "--json"], cwd=ROOT, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["seeds"]


def test_json_may_stand_anywhere(capsys: pytest.CaptureFixture[str], bank: Path) -> None:
    for arguments in (["--json", "bank", "check", str(bank)], ["bank", "--json", "check", str(bank)]):
        assert run(arguments) == 0
        assert json.loads(capsys.readouterr().out) == {"sound": True, "errors": []}
    assert run(["--json"]) == 2
    assert json.loads(capsys.readouterr().out).keys() == {"error"}


def test_without_arguments_and_with_version_the_command_introduces_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "pick" in capsys.readouterr().out
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("goodseed 0.")
