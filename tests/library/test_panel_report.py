"""Reports to pass on: everything that a picture says is text in them, and the HTML fetches nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.errors import UploadError
from goodseed.panel.report import report
from tests.library.panel_maker import graph, picture, pixels, plain, stock

BAD = "</style><script>alert(1)</script><img src=x onerror=alert(1)> [a](javascript:b) `c` | d"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "p", "span", "h1", "h2", "div", "main", "section",
    "figure", "figcaption", "img", "b", "code", "ol", "ul", "li", "del", "ins", "small", "table", "thead", "tbody",
    "tr", "th", "td", "footer",
}  # fmt: skip


class Page(HTMLParser):
    """Collects the tags, attributes and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


def bad_pair(bad: str) -> tuple[Any, Any]:
    prompt = graph(("5", "text", bad), ("3", "seed", 1), ("7", "lora_name", f"{bad}.safetensors"))
    prompt["3"]["_meta"] = {"title": bad}
    return stock(prompt, name=f"{bad}.png"), picture(graph(("5", "text", f"{bad}!")), pixels(1), name=f"{bad}2.png")


def test_markup_in_a_picture_is_text_in_the_page() -> None:
    page = Page(report(*bad_pair(BAD), "html")["text"])
    assert page.tags <= TAGS
    assert {name for name, _ in page.attributes} <= {
        "lang", "charset", "name", "content", "class", "src", "alt", "data-label", "scope", "colspan"
    }  # fmt: skip
    assert "<script>alert(1)</script>" in page.words


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*"<>&\"'`*_[]()|\\!#-+~ \n\t=/", "script", "\u202e", "é"]), max_size=30).map("".join))
def test_no_text_becomes_markup(bad: str) -> None:
    a, b = bad_pair(bad)
    page = Page(report(a, b, "html")["text"])
    assert page.tags <= TAGS
    text = report(a, b, "markdown")["text"]
    assert "<" not in text
    assert not re.search(r"(?<!\\)(\[|\]|`|!)", text)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (4, 5) for line in tables)


def test_a_page_needs_nothing_from_outside() -> None:
    text = report(picture(), picture(graph(("3", "seed", 1)), pixels(1)), "html")["text"]
    page = Page(text)
    sources = [value for name, value in page.attributes if name in ("src", "href")]
    assert len(sources) == 3  # A, B and the heat map
    assert all(value.startswith("data:image/") for value in sources)
    assert "url(" not in text
    assert "@import" not in text


def test_a_report_says_what_differs_with_its_fix_and_what_cannot_be_seen() -> None:
    a, b = picture(), picture(graph(("3", "cfg", 7.0), ("5", "text", "a red\u00a0ball")), pixels(1), name="b.png")
    page = Page(report(a, b, "html")["text"]).words
    text = report(a, b, "markdown")["text"].replace("\\", "")
    for said in (page, text):
        assert "The pixels differ; " in said
        assert "U+00A0 NO-BREAK SPACE" in said
        assert "Set KSampler: cfg to 7.5." in said
        assert "a red‹U+00A0›ball" in said
        assert "largest difference".casefold() in said.casefold()


def test_the_same_picture_and_pictures_without_a_word_have_a_report_too() -> None:
    for kind in ("html", "markdown"):
        assert "Nothing that makes the image differs." in report(picture(), picture(), kind)["text"]
        found = report(plain(), plain(pixels(1), name="b.png"), kind)["text"]
        assert "The pixels differ; no cause can be named." in found
        assert "only the pixels were compared" in found


def test_a_file_name_is_plain_whatever_the_pictures_are_called() -> None:
    assert report(*bad_pair(BAD), "html")["filename"].isascii()
    assert report(picture(name="ä b.png"), picture(name=".png"), "markdown")["filename"] == "goodseed-_b-picture.md"
    with pytest.raises(UploadError, match="is none of markdown, html"):
        report(picture(), picture(), "pdf")
