"""The nodes on running servers: what they give equals what the command gives on the same bank."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from goodseed import cli
from tests.host.banks import HUGE
from tests.host.comfyui import ComfyUI, GraphFailed, GraphRefused
from tests.host.graphs import Graph, demo, diverse, ksampler, node, picker, shown

SNAPSHOTS = Path(__file__).parent / "snapshots"
NODES = (
    "GoodSeedDemoModel",
    "GoodSeedDeterminismGuard",
    "GoodSeedDiverseSeedSampler",
    "GoodSeedGoldenSeedPicker",
    "GoodSeedInpaintArtifactFilter",
    "GoodSeedLabelledGrid",
    "GoodSeedNoise",
    "GoodSeedProvenanceLoader",
    "GoodSeedProvenanceSaver",
    "GoodSeedReproductionCheck",
    "GoodSeedSeedSwapGrid",
    "GoodSeedSeedSwapKSampler",
    "GoodSeedSeedSwapModel",
)
BANK = "test.safetensors"


def test_the_pack_loads_without_a_warning(comfyui: ComfyUI) -> None:
    offered = comfyui.get("/object_info")
    assert {name for name in offered if name.startswith("GoodSeed")} == set(NODES)
    start = comfyui.log.partition("To see the GUI go to")[0]
    pack = next(line for line in start.splitlines() if "seconds" in line and str(comfyui.pack) in line)
    assert "IMPORT FAILED" not in pack
    complaints = ("Cannot import", "Error while calling", "Traceback", "Unable to parse pyproject", "Skip ")
    assert not [line for line in start.splitlines() if any(word in line for word in complaints)]


@pytest.mark.parametrize("name", NODES)
def test_a_node_keeps_its_schema(comfyui: ComfyUI, name: str) -> None:
    """Saved graphs rest on ids, types, order and defaults; GOODSEED_UPDATE_SNAPSHOTS=1 writes them anew."""
    schema = comfyui.get(f"/object_info/{name}")[name]
    schema.pop("python_module")  # holds the folder's name
    for inputs in _shown_inputs(schema):
        for name_of_input, spec in inputs.items():
            if name_of_input in ("sampler_name", "scheduler"):
                spec[1]["options"] = ["ComfyUI's"]
            if "test.safetensors" in spec[1].get("options", []):
                spec[1]["options"] = ["the banks"]
            if spec[1].get("image_upload"):
                spec[1]["options"] = ["the images"]
    ours = {key: value for key, value in schema.items() if key in _KEPT}
    path = SNAPSHOTS / f"{name}.json"
    if os.environ.get("GOODSEED_UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(ours, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    assert ours == json.loads(path.read_text(encoding="utf-8"))


_KEPT = (
    "input", "input_order", "output", "output_is_list", "output_name", "output_tooltips", "name", "display_name",
    "description", "category", "output_node", "deprecated", "experimental",
)  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_every_input_and_output_has_a_tooltip_and_every_node_a_help_page(comfyui: ComfyUI, name: str) -> None:
    schema = comfyui.get(f"/object_info/{name}")[name]
    assert all(spec[1]["tooltip"] for inputs in _shown_inputs(schema) for spec in inputs.values())
    assert all(schema["output_tooltips"])
    page = comfyui.get_text(f"/extensions/{comfyui.pack.name}/docs/{name}.md")
    assert page.startswith("# ")
    words = comfyui.get("/i18n")
    for language in ("en", "zh"):
        translated = words[language]["nodeDefs"][name]
        assert set(translated.get("inputs", {})) == {i for inputs in _shown_inputs(schema) for i in inputs}
        assert len(translated["outputs"]) == len(schema["output"])


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ({"rule": "paper"}, ["--rule", "paper"]),
        ({"rule": "rank-sum"}, ["--rule", "rank-sum"]),
        ({"rule": "pareto"}, ["--rule", "pareto"]),
        ({"rule": "metric", "metric": "fid"}, ["--rule", "fid"]),
        ({"rule": "rank-sum", "which": "inferior"}, ["--rule", "rank-sum", "--worst"]),
        ({"rule": "rank-sum", "avoid": "border=0.7"}, ["--rule", "rank-sum", "--avoid", "border=0.7"]),
        ({"rule": "clean"}, ["--rule", "clean"]),
        ({"rule": "clean", "task": "removal"}, ["--rule", "clean", "--task", "removal"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_picker_gives_the_seeds_that_the_command_gives(
    comfyui: ComfyUI, inputs: dict[str, Any], options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = _command(capsys, "pick", str(comfyui.banks / BANK), "-k", "10", *options)["seeds"]
    graph: Graph = {}
    for index in range(len(command)):
        graph[f"pick {index}"] = picker(BANK, index=index, **inputs)
        graph[f"{index}"] = shown(f"pick {index}", 0)
    graph |= {"list": picker(BANK, count=len(command), **inputs), "all": shown("list", 1)}
    texts = {name: output["text"] for name, output in comfyui.run(graph).items()}
    assert [int(texts[f"{index}"][0]) for index in range(len(command))] == command
    assert [int(text) for text in texts["all"]] == command


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ({}, ["--by", "style"]),
        ({"by": "composition", "start": 3_000_009 // 3}, ["--by", "composition", "--start", "1000003"]),
        ({"by": "both", "start": HUGE, "count": 7}, ["--by", "both", "--start", str(HUGE), "-n", "7"]),
        ({"within": "golden", "count": 3, "random_seed": 5}, ["--within", "golden", "-n", "3", "--random-state", "5"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_diverse_seeds_are_those_of_the_command(
    comfyui: ComfyUI, inputs: dict[str, Any], options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    graph = {"diverse": diverse(BANK, **inputs), "seeds": shown("diverse", 0)}
    assert [int(text) for text in comfyui.run(graph)["seeds"]["text"]] == _command(
        capsys, "diverse", str(comfyui.banks / BANK), *options
    )["seeds"]


def test_a_seed_above_2_to_the_63_goes_through_to_the_sampler(comfyui: ComfyUI) -> None:
    graph = demo() | {
        "pick": picker(BANK, rule="metric", metric="score"),
        "seed": shown("pick", 0),
        "picked": ksampler(["pick", 0], model=["start a", 0]),
        "typed": ksampler(HUGE, model=["start b", 0]),
        **{f"start {name}": node("ProbeStart", model=["demo", 0], name=f"huge-{name}") for name in "ab"},
        **{f"end {name}": node("ProbeLatent", latent=[name, 0]) for name in ("picked", "typed")},
    }
    assert comfyui.run(graph)["seed"]["text"] == [str(HUGE)]
    assert (comfyui.output / "huge-a.npy").read_bytes() == (comfyui.output / "huge-b.npy").read_bytes()


def test_the_list_output_runs_the_sampler_once_for_each_seed(comfyui: ComfyUI) -> None:
    graph = demo() | {
        "pick": picker(BANK, count=3),
        "sampled": ksampler(["pick", 1]),
        "end": node("ProbeLatent", latent=["sampled", 0]),
    }
    spreads = comfyui.run(graph)["end"]["std"]
    assert len(spreads) == len(set(spreads)) == 3


def test_the_report_says_where_the_seed_stands(comfyui: ComfyUI) -> None:
    graph = {
        "pick": picker(BANK, rule="metric", metric="score", index=2),
        "report": shown("pick", 2),
        "seed": shown("pick", 0),
    }
    output = comfyui.run(graph)
    report = output["report"]["text"][0]
    assert f"**Seed {output['seed']['text'][0]}**: golden seed 3 of 3 by score, bank test" in report
    assert "| 3 of 40 |" in report


def test_the_report_on_a_clean_seed_says_how_much_text_it_leaves(comfyui: ComfyUI) -> None:
    report = _report(comfyui, picker(BANK, rule="clean", task="removal", count=3))
    assert "clean seed 1 of 3 by clean, bank test" in report
    assert "| share of text, removal (lower is better) | 0 | 1 of 40 | 0 |" in report
    assert "seeds have as little text as the last one chosen" in report


def test_a_bank_that_fits_gives_no_warning(comfyui: ComfyUI) -> None:
    assert "Warning" not in _report(comfyui, picker(BANK, model=["demo", 0], latent=["latent", 0]))
    assert "Warning" not in _report(comfyui, diverse(BANK, model=["demo", 0], latent=["latent", 0]))


def test_a_foreign_bank_warns(comfyui: ComfyUI) -> None:
    for chooser in (picker, diverse):
        report = _report(comfyui, chooser("foreign.safetensors", model=["demo", 0], latent=["latent", 0]))
        assert "not on this model" in report
        assert "latents of 4×64×64, not 4×16×16" in report
        assert "noise device cuda, not cpu" in report


@pytest.mark.parametrize(
    "given", [{"model": ["demo", 0]}, {"latent": ["latent", 0]}, {}], ids=["model", "latent", "noise"]
)
def test_a_foreign_bank_stops_the_graph_where_the_node_is_set_to_stop(comfyui: ComfyUI, given: dict[str, Any]) -> None:
    for chooser in (picker, diverse):
        with pytest.raises(GraphFailed, match=r"^The bank .*set on_mismatch to warn\.") as failed:
            _report(comfyui, chooser("foreign.safetensors", on_mismatch="stop", **given))
        _one_line(failed)


def test_a_bank_of_published_figures_says_so_and_stops_where_the_node_is_set_to_stop(comfyui: ComfyUI) -> None:
    name = "published-sd2.safetensors"
    report = _report(comfyui, picker(name, model=["demo", 0], latent=["latent", 0]))
    assert "published, not measured" in report
    assert "cannot be known" in report
    assert "**Seed 469**" in report
    for chooser, message in ((picker, r"cannot be known.*set on_mismatch to warn\."), (diverse, "cannot be known")):
        with pytest.raises(GraphFailed, match=message) as failed:
            _report(comfyui, chooser(name, on_mismatch="stop"))
        _one_line(failed)
    with pytest.raises(GraphFailed, match="published figures only"):
        _report(comfyui, diverse(name))


def test_a_model_of_unknown_origin_is_said_to_be_unknown(comfyui: ComfyUI) -> None:
    graph = demo() | {"anonymous": node("ProbeAnonymous", model=["demo", 0])}
    report = _report(comfyui, picker(BANK, model=["anonymous", 0], on_mismatch="stop"), graph)
    assert "cannot be checked" in report


def test_a_patched_model_is_another_model(comfyui: ComfyUI) -> None:
    graph = demo() | {"patched": node("ProbePatched", model=["demo", 0])}
    assert "patched" in _report(comfyui, picker(BANK, model=["patched", 0]), graph)


def test_one_seed_for_a_whole_batch_is_warned_of(comfyui: ComfyUI) -> None:
    assert "only the first" in _report(comfyui, picker(BANK, latent=["latent", 0]), demo(batch=4))
    assert "only the first" not in _report(comfyui, diverse(BANK, latent=["latent", 0]), demo(batch=4))


def test_a_bank_put_there_while_the_server_runs_is_found_and_a_damaged_one_named(comfyui: ComfyUI) -> None:
    sound = (comfyui.banks / BANK).read_bytes()
    (comfyui.banks / "cut off.safetensors").write_bytes(sound[: len(sound) // 2])
    for chooser in (picker, diverse):
        with pytest.raises(GraphFailed, match=r"cut off\.safetensors: is damaged") as failed:
            _report(comfyui, chooser("cut off.safetensors"))
        _one_line(failed)


@pytest.mark.parametrize(
    ("chooser", "message"),
    [
        (picker(BANK, rule="metric", metric="beauty"), "rule 'beauty': "),
        (picker(BANK, rule="rank-sum", count=41), "k 41: the bank holds 40 seeds"),
        (picker(BANK, index=30), "index 30: rule paper gives"),
        (picker("foreign.safetensors", rule="clean"), "rule clean: the bank has no inpainting part"),
        (picker(BANK, avoid="hats"), "avoid 'hats': the bank holds the traits border"),
        (picker(BANK, avoid="border=much"), "avoid 'border=much': 'much' is no number"),
        (diverse(BANK, count=41), "n 41: the bank holds 40 seeds"),
        (diverse(BANK, start=12), "start 12: is not among the 40 seeds"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_question_that_the_bank_cannot_answer_is_one_clear_line(
    comfyui: ComfyUI, chooser: dict[str, Any], message: str
) -> None:
    with pytest.raises(GraphFailed) as failed:
        _report(comfyui, chooser)
    assert str(failed.value).startswith(message)
    _one_line(failed)


def test_an_unknown_bank_is_named_and_a_negative_index_refused(comfyui: ComfyUI) -> None:
    with pytest.raises((GraphRefused, GraphFailed), match=r"nobody\.safetensors"):
        _report(comfyui, picker("nobody.safetensors"))
    with pytest.raises(GraphRefused, match="smaller than min"):
        _report(comfyui, picker(BANK, index=-1))


def test_a_chosen_bank_is_read_again_only_when_its_file_changes(comfyui: ComfyUI) -> None:
    name = "changing.safetensors"
    (comfyui.banks / name).write_bytes((comfyui.banks / BANK).read_bytes())
    graph = {"pick": picker(name), "seed": shown("pick", 0)}
    assert "pick" in comfyui.executed_nodes(graph)
    assert "pick" not in comfyui.executed_nodes(graph)
    (comfyui.banks / name).write_bytes((comfyui.banks / "foreign.safetensors").read_bytes())
    assert "pick" in comfyui.executed_nodes(graph)


def _report(comfyui: ComfyUI, chooser: dict[str, Any], graph: Graph | None = None) -> str:
    output = comfyui.run((graph or demo()) | {"chooser": chooser, "report": shown("chooser", 2)})
    text: str = output["report"]["text"][0]
    return text


def _shown_inputs(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs that a user sees: all but the hidden ones, which the host fills."""
    return [inputs for part, inputs in schema["input"].items() if part != "hidden"]


def _one_line(failed: pytest.ExceptionInfo[GraphFailed]) -> None:
    assert "\n" not in str(failed.value)


def _command(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.run([*arguments, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer
