"""`goodseed study` at the command line: what it prints, and one clear line for each kind of bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from goodseed.cli import run

FAKE = "tests.library.fake_model:make"


def study(*arguments: object) -> list[str]:
    return ["study", "--generator", FAKE, "--seeds", "0-3", "--workers", "0", *map(str, arguments)]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text("a\nb\nc\nd\n", encoding="utf-8")
    return file


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail on its input; return its one line."""
    assert run([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    (line,) = captured.out.splitlines()
    answer = json.loads(line)
    assert set(answer) == {"error"}
    return str(answer["error"])


def test_json_is_one_object_on_standard_output_and_nothing_else(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(study("--prompts", prompts, "--out", tmp_path / "my study", "--json")) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["bank"] == str(tmp_path / "my study" / "my-study.safetensors")
    assert (answer["images"], answer["seeds"]) == (16, 4)
    assert run(["bank", "check", answer["bank"]]) == 0
    from goodseed.banks import read_bank

    assert read_bank(answer["bank"]).id == answer["id"]


def test_one_prompts_file_is_split_and_the_output_says_so(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(study("--prompts", prompts, "--out", tmp_path / "out", "--name", "split")) == 0
    assert "every second of the 4 prompts is held out" in capsys.readouterr().err
    from goodseed.banks import read_bank

    sets = read_bank(tmp_path / "out" / "split.safetensors").info["prompts"]
    assert (sets["selection"]["texts"], sets["held_out"]["texts"]) == (["a", "c"], ["b", "d"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no prompt"),
        (b"# only\n\n# comments\n", "holds no prompt"),
        (bytes(range(256)), "is not UTF-8"),
        (b"a\x00b\nc\nd\ne\n", "line 1: holds control characters"),
        (b"a\nb\nc\n", "cannot be split"),
        (b"a\nb\na\nd\n", "line 3: the prompt already stands on line 1"),
        (b"a\nb\n\n# a\n \ta \r\nd\n", "line 5: the prompt already stands on line 1"),
        (b"a\nb\nc\n" + b"x" * 10_001, "line 4: 10001 characters"),
    ],
)
def test_a_prompts_file_that_cannot_be_used_is_one_line(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes(content)
    error = refused(study("--prompts", file, "--out", tmp_path / "out"), capsys)
    assert str(file) in error
    assert message in error
    assert not (tmp_path / "out").exists()


def test_a_held_out_prompt_that_is_also_chosen_on_is_one_line(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = tmp_path / "held-out.txt"
    held_out.write_text("x\n  c \ny\n", encoding="utf-8")
    arguments = study("--prompts", prompts, "--held-out", held_out, "--out", tmp_path / "out")
    says = "prompts: 'c' stands in both sets, which must differ; take it out of one of them"
    assert refused(arguments, capsys) == says
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_pictures_of_several_sizes_are_one_line_with_the_seed(
    workers: int, tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uneven = ["--generator", "tests.library.fake_model:make_uneven", "--workers", str(workers)]
    error = refused([*study("--prompts", prompts, "--out", tmp_path / "out"), *uneven], capsys)
    assert "generator: gave 16×32 for seed 2 where it describes 16×16; a study has one resolution" in error


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("nothing", "sampling: is missing or no object"),
        ("words", "sampling: is missing or no object"),
        ("no JSON", "it is no JSON (Object of type int64 is not JSON serializable)"),
    ],
)
def test_a_generator_that_no_bank_could_be_made_of_is_refused_before_it_makes_anything(
    says: str,
    message: str,
    tmp_path: Path,
    prompts: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_SHY", says)
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(tmp_path / "log"))
    shy = ["--generator", "tests.library.fake_model:make_shy"]
    error = refused([*study("--prompts", prompts, "--out", tmp_path / "out"), *shy], capsys)
    assert error == f"generator: cannot be described in a bank; mend its describe(): {message}"
    assert not (tmp_path / "log").exists()


def test_a_prompts_file_of_100_mb_is_refused_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prompts.txt"
    with file.open("wb") as opened:
        opened.truncate(100 * 2**20)
    assert "over the 64 MiB" in refused(study("--prompts", file, "--out", tmp_path / "out"), capsys)


def test_emoji_and_a_prompt_of_10000_characters_are_prompts_like_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text(f"🦊🌈\n{'x' * 10_000}\n狐\nd\n", encoding="utf-8")
    assert run(study("--prompts", file, "--out", tmp_path / "out", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 16


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ("-1", "seeds: "),
        (str(2**64), f"{2**64} is outside 0…{2**64 - 1}"),
        ("0-99999999999", "more than 1000000 seeds"),
        ("5", "1 cannot be compared"),
        ("1,2,1", "seed 1 is named twice"),
        ("zero", "is no seed and no range"),
    ],
)
def test_seeds_that_cannot_be_used_are_one_line(
    seeds: str, message: str, tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "study",
        "--generator",
        FAKE,
        f"--seeds={seeds}",
        "--prompts",
        str(prompts),
        "--out",
        str(tmp_path / "o"),
    ]
    assert message in refused(arguments, capsys)


def test_an_output_folder_that_cannot_be_made_is_one_line(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "cannot be written" in refused(study("--prompts", prompts, "--out", prompts / "out"), capsys)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_permission_is_one_line(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert "cannot be written" in refused(study("--prompts", prompts, "--out", closed), capsys)


def test_a_full_disk_is_one_line_and_the_same_command_continues(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource")
    arguments = study("--prompts", prompts, "--out", tmp_path / "out")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        error = refused(arguments, capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written" in error
    assert "free space" in error
    assert not list((tmp_path / "out").rglob("*.tmp"))
    assert run(arguments) == 0


def test_other_arguments_on_an_existing_study_are_named_and_nothing_is_changed(
    tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(study("--prompts", prompts, "--out", out)) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    capsys.readouterr()
    error = refused([*study("--prompts", prompts, "--out", out), "--seeds", "0-4"], capsys)
    assert 'other settings: seeds (was "0-3", now "0-4")' in error
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--engine", "slurm"], "engine: 'slurm' is unknown; use local, ray"),
        (["--name", "../x"], "cannot name a file"),
        (["--workers", "-1"], "--workers"),
        (["--held-out", "no/such/file"], "no/such/file: cannot be read"),
        (["--generator", "dall-e"], "generator: 'dall-e' is unknown"),
        (["--generator", "os:sep"], "generator: os:sep cannot be called with nothing ("),
        (["--generator", "os:makedirs"], "generator: os:makedirs cannot be called with nothing (missing"),
        (["--generator", "os:getcwd"], "generator: os:getcwd returns str; let it return a generator and a judge"),
        (
            ["--generator", "locale:getlocale"],
            "generator: locale:getlocale returns one without describe()",
        ),
        (["--steps", "4"], "takes no --steps; use --generator demo"),
        (["--seed-input", "3.seed"], "takes no --seed-input; use --generator comfy"),
        (["--negative", ""], "takes no --negative; use --generator comfy"),
        (["--keep-images"], "takes no --keep-images; use --generator comfy"),
        (["--top", "1"], "top: is for --racing and --pilot; add one of them"),
        (["--race-rule", "interval"], "race-rule: is for --racing and --pilot; add one of them"),
        (["--force", "--racing"], "force: is for --pilot; add that"),
    ],
)
def test_other_options_that_cannot_be_used_are_one_line(
    more: list[str], message: str, tmp_path: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(study("--prompts", prompts, "--out", tmp_path / "out", *more), capsys)


def test_a_generator_without_prompts_of_its_own_asks_for_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--prompts is missing" in refused(study("--out", tmp_path / "out"), capsys)


def test_an_unknown_generator_is_named_before_anything_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--steps", "4"], ["--prompts", str(tmp_path / "none.txt")]):
        says = refused(["study", "--generator", "comfyui", "--out", str(tmp_path / "study"), *more], capsys)
        assert says.startswith("generator: 'comfyui' is unknown; use demo, demo-inpaint, comfy, diffusers, or module")


@pytest.mark.parametrize(
    "of_its_own",
    [["comfy", "--workflow", "flow.json", "--server", "http://127.0.0.1:9"], ["diffusers", "--model", "none"], [FAKE]],
)
def test_only_the_demos_bring_prompts(
    of_its_own: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another model would be measured for hours on drawn scenes that nobody asked for."""
    says = refused(["study", "--generator", *of_its_own, "--out", str(tmp_path / "study")], capsys)
    assert says == "prompts: --prompts is missing; name a text file with one prompt a line"
