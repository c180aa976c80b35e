"""HTML that cannot be broken by what a file says: plain strings are escaped, `Markup` is not."""

from __future__ import annotations

import html

_VOID = frozenset({"img", "br", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None
"""A piece of content: `Markup` goes in as it is, any other string is escaped, None vanishes."""


def escaped(text: str) -> Markup:
    """Return `text` safe for HTML content and quoted attributes; control characters become spaces."""
    if isinstance(text, Markup):
        return text
    visible = "".join(
        c if c >= " " and not 0x7F <= ord(c) < 0xA0 and not 0xD800 <= ord(c) < 0xE000 else " " for c in text
    )
    return Markup(html.escape(visible, quote=True))


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Markup:
    """Return one element. Attribute `class_` becomes `class`, `data_label` `data-label`; None leaves one out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Return the pieces one after the other."""
    return Markup("".join(escaped(child) for child in children if child is not None))
