"""The Guard's report: Markdown that also reads well as it is, and the same as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goodseed.determinism.audit import Finding
from goodseed.determinism.pins import BrokenPin

MODES = ("enforce", "warn", "off")


@dataclass(frozen=True)
class Report:
    """What the Guard has done and found. `pins` says what the run is held against; `broken` what is not so."""

    mode: str
    device: str = "cpu"
    flags: Mapping[str, Any] = field(default_factory=dict)
    portable_noise: bool = False
    pins: str | None = None
    broken: Sequence[BrokenPin] = ()
    findings: Sequence[Finding] = ()
    guarded: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {
            "mode": self.mode,
            "device": self.device,
            "flags": dict(self.flags),
            "portable_noise": self.portable_noise,
            "guarded": list(self.guarded),
            "pins": self.pins,
            "broken": [pin.as_dict() for pin in self.broken],
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def __str__(self) -> str:
        if self.mode == "off":
            return "**Determinism Guard: off.** The model goes through untouched."
        lines = [f"**Determinism Guard: {self.mode}**, on {self.device}", ""]
        lines += [f"- guarded: {', '.join(self.guarded)}; deterministic algorithms while it runs, put back afterwards"]
        if tf32 := {name: self.flags[name] for name in _TF32 if name in self.flags}:
            lines.append(f"- as recorded: {', '.join(f'{name} {value}' for name, value in tf32.items())}")
        if self.portable_noise:
            lines.append("- step noise comes from the CPU")
        lines.append(f"- held against: {self.pins or 'no record'}")
        lines += [f"- **Not as recorded:** {pin}" for pin in self.broken]
        lines += ["", _heading(len(self.findings)), *_table(self.findings)]
        return "\n".join(lines).rstrip()


_TF32 = ("float32_matmul_precision", "cudnn_allow_tf32")


def _heading(count: int) -> str:
    if count == 0:
        return "The graph hides no randomness that is known of."
    return f"What may give another image next time ({count}):\n"


def _table(findings: Sequence[Finding]) -> list[str]:
    rows = [f"| {finding.cause} | {finding.what} | {finding.fix} |" for finding in findings]
    return ["| cause | what | fix |", "|---|---|---|", *rows] if rows else []


def not_exact(operations: Sequence[str], where: str) -> str:
    """Return the sentence that names the operations for which two runs may differ."""
    names = ", ".join(operations)
    return f"{where} is not bit-exact: {names} {'has' if len(operations) == 1 else 'have'} no deterministic form here."


def broken_line(broken: Sequence[BrokenPin]) -> str:
    """Return all broken pins on one line, for an error that stops a run."""
    return f"{' '.join(str(pin) for pin in broken)} (Set the Guard to warn to run it all the same.)"
