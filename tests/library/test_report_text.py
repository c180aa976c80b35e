"""The report's section on text: there where the bank measured it, and honest about a seed that does nothing."""

from __future__ import annotations

from pathlib import Path

from goodseed.banks import Bank, make_bank
from tests.library.bank_maker import make_inpaint_bank, make_test_bank, sound_info, sound_tensors, with_inpainting
from tests.library.test_report import Page, report_of


def text_part(bank: Bank, folder: Path) -> tuple[Page, str]:
    page = report_of(bank, folder)
    assert not page.open, "every element is closed"
    return page, page.text.partition("Seeds with the least and the most text, removal")[2][:200]


def test_a_bank_with_inpainting_has_the_section_with_its_cleanest_and_dirtiest_seeds(tmp_path: Path) -> None:
    page, listed = text_part(make_inpaint_bank(), tmp_path)
    assert "text" in page.ids
    assert "#text" in [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert "red (1) read what stood in them" in page.text
    assert "1.0 % against 5.0 % of all" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "most text" in listed
    assert "no sure effect" not in page.text


def test_a_seed_that_does_nothing_is_said_to_do_nothing(tmp_path: Path) -> None:
    tensors, info = with_inpainting(sound_tensors(), sound_info())
    info["reliability"]["inpaint"]["removal"]["icc"] = {"value": 0.0, "low": -0.1, "high": 0.1}
    page, _ = text_part(make_bank(tensors, info), tmp_path)
    assert "In removal no sure effect of the seed on text was found" in page.text
    assert "In completion no sure effect" not in page.text


def test_a_bank_without_inpainting_has_no_such_section(tmp_path: Path) -> None:
    page = report_of(make_test_bank(), tmp_path)
    assert "text" not in page.ids
    assert "#text" not in [attrs["href"] for tag, attrs in page.tags if tag == "a"]
