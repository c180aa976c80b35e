"""GoodSeedDeterminismGuard: fixed arithmetic around a model, and a run held against a record."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from goodseed.determinism.report import MODES, Report
from goodseed.plain import plain

from ..host.guard_report import audit_fingerprint, examine, make_guard


class DeterminismGuard(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedDeterminismGuard",
            display_name="Determinism Guard (Good Seed)",
            category="Good Seed",
            description=(
                "Makes a model's runs repeatable and observed, says what in the graph may give another image, and"
                " holds the run against a record."
            ),
            inputs=[
                io.Model.Input("model", tooltip="The model to guard; put the Guard right before the samplers."),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default="warn",
                    tooltip=(
                        "enforce: what is not as recorded stops the run before sampling. warn: it is reported."
                        " off: everything goes through untouched."
                    ),
                ),
                io.Boolean.Input(
                    "portable_noise",
                    default=False,
                    tooltip=(
                        "Samplers draw their step noise on the CPU, so that every GPU gets the same. It gives another"
                        " image than without, on a GPU."
                    ),
                ),
                io.Clip.Input("clip", optional=True, tooltip="The text encoder, to guard it as well."),
                io.Vae.Input("vae", optional=True, tooltip="The VAE, to guard it as well."),
                io.String.Input(
                    "record",
                    optional=True,
                    force_input=True,
                    tooltip="The record to hold the run against, from Provenance Loader or Provenance Saver.",
                ),
            ],
            outputs=[
                io.Model.Output("MODEL", tooltip="The guarded model."),
                io.Clip.Output("CLIP", tooltip="The guarded text encoder, where one is connected."),
                io.Vae.Output("VAE", tooltip="The guarded VAE, where one is connected."),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="What is guarded and held, and what may give another image next time.",
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
        )

    @classmethod
    def fingerprint_inputs(cls, mode: str = "warn", portable_noise: bool = False, **others: Any) -> str:
        return audit_fingerprint(portable_noise) if mode != "off" else ""

    @classmethod
    def execute(
        cls,
        model: Any,
        mode: str,
        portable_noise: bool,
        clip: Any = None,
        vae: Any = None,
        record: str | None = None,
    ) -> io.NodeOutput:
        if mode == "off":
            return _output(Report(mode), model, clip, vae)
        guard = make_guard(mode, portable_noise, record, cls.hidden.unique_id)
        workflow = (cls.hidden.extra_pnginfo or {}).get("workflow")
        guarded = [name for name, part in (("model", model), ("clip", clip), ("vae", vae)) if part is not None]
        report = examine(guard, model, cls.hidden.prompt or {}, workflow, guarded)
        return _output(
            report,
            guard.model(model, clip),
            guard.clip(clip) if clip is not None else None,
            guard.vae(vae) if vae is not None else None,
        )


def _output(report: Report, *parts: Any) -> io.NodeOutput:
    text = str(report)
    return io.NodeOutput(*parts, text, ui={"text": [plain(text)], "goodseed": [report.as_dict()]})
