"""What must be said whenever a bank is used that was not measured whole."""

from __future__ import annotations

from goodseed.banks.format import Bank
from goodseed.banks.published import caution


def cautions(bank: Bank) -> list[str]:
    """Return a sentence for each thing that a user of the bank's figures must know; nothing for a whole study."""
    if bank.published:
        return [caution(bank)]
    design = bank.info["design"]
    if design["kind"] != "racing":
        return []
    n, same = bank.metric(design["metric"], part="n"), design["same_for_all"]
    return [
        f"The bank was measured by a race for the best {design['top']} seeds by {design['metric']}: seeds met "
        f"{int(n.min())} to {int(n.max())} prompts. Metrics of a whole set of images, traits, styles and compositions "
        f"are of the first {same['selection']} (held out: {same['held_out']}), which every seed met."
    ]
