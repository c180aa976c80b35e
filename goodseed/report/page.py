"""The whole page: header with the verdict, sections, and how it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodseed import __version__
from goodseed.banks.cautions import cautions
from goodseed.markup import Child, Markup, join, tag
from goodseed.report import maps_section, sections, tables
from goodseed.report.data import SETS, metrics_of, section, single_image_spread, texts, wins_in_hundred
from goodseed.report.maps import Maps
from goodseed.report.numbers import count, finite, number
from goodseed.report.pictures import Pictures
from goodseed.report.plan import Plan
from goodseed.report.text import NAME as TEXT
from goodseed.report.text import TITLE as TEXT_TITLE
from goodseed.report.text import text_section
from goodseed.report.verdict import GROUPS, Finding, headline_gains, standing, verdict_of

if TYPE_CHECKING:
    from goodseed.banks.format import Bank

STYLE = Path(__file__).with_name("style.css")

_CONTENTS = (
    ("best-worst", "Best and worst"),
    ("golden", "Golden"),
    ("scores", "On new prompts"),
    ("share", "The seed’s share"),
    ("style", "Styles"),
    ("traits", "Traits"),
    ("composition", "Compositions"),
    ("diverse", "Diverse"),
    (maps_section.NAME, "Maps"),
    ("method", "How it was measured"),
)
_MOST_PROMPTS = 40


def page(
    bank: Bank, plan: Plan, maps: Maps, pictures: Pictures, charts: Mapping[str, Markup], missing: str | None
) -> str:
    """Return the report as one HTML document without outside addresses."""
    metrics = metrics_of(bank)
    title = f"What the seed does to {_model(bank)}"
    golden, diverse = tables.golden_table(bank), tables.diverse_table(bank)
    body = join(
        _header(bank, title, missing),
        tag("nav", *(tag("a", text, href=f"#{name}") for name, text in _contents(bank)), aria_label="Contents"),
        tag(
            "main",
            sections.best_and_worst(plan, pictures, metrics, len(bank.seeds), _caution(bank)),
            _golden(golden),
            sections.sorted_scores(metrics, charts),
            _share(bank),
            sections.style_map(plan, pictures, len(bank.seeds)),
            sections.traits(plan, pictures),
            text_section(bank, charts),
            sections.composition(plan, pictures, charts),
            sections.diverse_sets(plan, pictures, diverse),
            maps_section.maps_section(maps),
            _method(bank),
        ),
        tag("footer", tag("p", _sources(bank))),
    )
    return document(title, body, with_maps=bool(maps.maps))


def document(title: str, body: Markup, with_maps: bool = False) -> str:
    """Return a whole HTML document with the report's style, and with the maps' script where they are.

    Its content security policy lets nothing be fetched, and no script run but that one.
    """
    styles = [STYLE, maps_section.STYLE] if with_maps else [STYLE]
    script = tag("script", Markup(maps_section.script()), type="module") if with_maps else None
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(with_maps)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · Good Seed"),
        tag("style", Markup("".join(style.read_text(encoding="utf-8") for style in styles))),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', body, script), lang='en')}\n"


def _policy(with_maps: bool) -> str:
    allowed = f"'{maps_section.script_hash()}'" if with_maps else "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )


def _contents(bank: Bank) -> list[tuple[str, str]]:
    """Return the sections' ids and titles; that on text only where there is one."""
    found = list(_CONTENTS)
    if bank.tasks:
        found.insert([name for name, _ in _CONTENTS].index("traits") + 1, (TEXT, TEXT_TITLE))
    return found


def _header(bank: Bank, title: str, missing: str | None) -> Markup:
    verdict = verdict_of(bank.info, _odds(bank))
    sampling = section(bank.info, "sampling")
    lead = (
        f"{tables.how_many(bank)} of {sampling.get('width')} × {sampling.get('height')} pixels. "
        f"Seeds are chosen on one set of prompts (set 1) and checked on another (set 2, held out)."
    )
    return tag(
        "header",
        tag("p", "Good Seed", tag("span", f"bank {bank.name}" if bank.name else "seed bank"), class_="mark"),
        tag("h1", title),
        tag("p", lead, class_="lead"),
        *(sections.gap(caution) for caution in cautions(bank)),
        tag("div", tag("h2", verdict.headline), tag("p", verdict.reason), class_="verdict"),
        tag("div", *(_card(group, verdict.findings) for group in GROUPS), class_="cards") if verdict.findings else None,
        tag("p", "Small figures beside large ones: 95 % intervals.", class_="under") if verdict.findings else None,
        sections.gap(f"Without pictures: {missing}.") if missing else None,
    )


def _odds(bank: Bank) -> dict[str, float]:
    """Return by metric how often of 100 times a golden seed's picture beats a random seed's, where it can be told."""
    _, gains = headline_gains(section(bank.info, "reliability"))
    spreads = {name: single_image_spread(bank, name) for name in gains}
    return {name: wins_in_hundred(gains[name]["gain"].value, found) for name, found in spreads.items() if found}


def _card(group: str, findings: Sequence[Finding]) -> Markup | None:
    own = [finding for finding in findings if finding.group == group]
    return tag("div", tag("h3", group), *(_finding(finding) for finding in own), class_="card") if own else None


def _finding(finding: Finding) -> Markup:
    figure = tag("p", tag("b", finding.figure), tag("small", finding.interval), class_="figure")
    words = tag("p", tag("b", finding.label), f" {finding.sentence}")
    return tag("div", figure, words, class_=f"finding {finding.tone}")


def _caution(bank: Bank) -> str | None:
    """Return what keeps a reader from seeing more in the best and the worst seeds than was measured."""
    _, gains = headline_gains(section(bank.info, "reliability"))
    if any(standing(entry["gain"]) == "better" for entry in gains.values()):
        return None
    shown = "No lead of such seeds shows on set 2" if gains else "Whether their lead holds on set 2 was not measured"
    return f"{shown}: what sets these rows apart may be chance."


def _golden(table: Markup | None) -> Markup:
    intro = "Chosen on set 1 by each rule, then measured on set 2. An interval that holds zero shows no difference."
    content = table if table is not None else sections.gap("The bank holds no gains on held-out prompts.")
    return sections.part(
        "golden", "Golden seeds against random seeds", tag("div", content, class_="table"), intro=intro
    )


def _share(bank: Bank) -> Markup:
    intro = (
        "Two pictures of one prompt differ because their seeds do. Part of that difference a seed makes whatever the "
        "prompt says: that part, shown here, is all that picking seeds can use."
    )
    found = sections.tables(tables.icc_table(bank), tables.agreement_table(bank), tables.overlap_table(bank))
    return sections.part(
        "share", "The seed’s share", found or sections.gap("The bank holds no such figures."), intro=intro
    )


def _method(bank: Bank) -> Markup:
    rows: list[tuple[str, Child]] = [
        *_files(bank),
        ("Seeds", sections.seeds_listed(bank)),
        ("Noise", _noise(section(bank.info, "noise"))),
        ("Sampling", _sampling(section(bank.info, "sampling"))),
        ("Design", _design(bank)),
        *((f"Prompts, set {number_}", _prompts(bank, which)) for number_, which in enumerate(SETS, start=1)),
        ("Compared with", _reference(section(bank.info, "reference"))),
        *((f"Metric {name}", _judged(entry)) for name, entry in section(bank.info, "metrics").items()),
        *((f"Trait {name}", _judged(entry)) for name, entry in section(bank.info, "traits").items()),
        *((f"Feature {name}", _judged(entry)) for name, entry in section(bank.info, "features").items()),
        ("Software", ", ".join(f"{k} {v}" for k, v in section(bank.info, "software").items()) or None),
        ("Bank id", tag("code", bank.id)),
    ]
    listed = tag("dl", *(join(tag("dt", term), tag("dd", text)) for term, text in rows if text))
    prompts = [_prompt_list(bank, which, f"Prompts of set {place}") for place, which in enumerate(SETS, start=1)]
    return sections.part("method", "How it was measured", listed, *prompts)


def _files(bank: Bank) -> list[tuple[str, Child]]:
    found: list[tuple[str, Child]] = []
    for role, name in (("model", "Model"), ("vae", "VAE"), ("text_encoder", "Text encoder")):
        entry = section(bank.info, role)
        if entry:
            sha = tag("code", str(entry.get("sha256", "")))
            found.append((name, join(f"{entry.get('file', '')} ({entry.get('family', '')}), SHA-256 ", sha)))
    adapters = bank.info.get("adapters")
    names = [str(a.get("file", "")) for a in adapters if isinstance(a, dict)] if isinstance(adapters, list) else []
    found.append(("Adapters", ", ".join(names) or "none"))
    return found


def _noise(noise: Mapping[str, Any]) -> str:
    shape = noise.get("shape")
    size = " × ".join(str(s) for s in shape) if isinstance(shape, list) else "?"
    drawn = "as ComfyUI draws it" if noise.get("name") == "comfy" else f"as {noise.get('name')} draws it"
    return f"{drawn}: on the {noise.get('device')}, {noise.get('dtype')}, batch of {noise.get('batch')}, latent {size}"


def _sampling(sampling: Mapping[str, Any]) -> str:
    words = {"negative_prompt": "negative prompt"}
    parts = [f"{words.get(key, key)} {value if value != '' else 'empty'}" for key, value in sampling.items()]
    return ", ".join(part for part in parts if not part.endswith(" None"))


def _design(bank: Bank) -> str:
    design = section(bank.info, "design")
    kinds = {
        "exhaustive": "every seed on every prompt",
        "racing": f"a race for the best {design.get('top')} seeds by {design.get('metric')}",
    }
    kind = kinds.get(str(design.get("kind")), str(design.get("kind", "not said")))
    images = finite(design.get("images"))
    return kind + (f", {number(images, 0)} pictures" if images is not None else "")


def _prompts(bank: Bank, which: str) -> str | None:
    entry = section(bank.info, "prompts", which)
    if not entry:
        return None
    use = "seeds are chosen on these" if which == "selection" else "held out: seeds are checked on these"
    amount = finite(entry.get("count"))
    size = count(int(amount), "prompt") if amount is not None else "prompts"
    return f"{size}, licence {entry.get('licence', 'unknown')}; {use}"


def _reference(reference: Mapping[str, Any]) -> str | None:
    entry = section(reference, "selection")
    amount = finite(entry.get("count"))
    return f"{entry.get('what', '')}, {number(amount, 0)} a set" if amount is not None else entry.get("what")


def _judged(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return ""
    about = str(entry.get("about", "")).strip() or "not described"
    return f"{about} (version {entry.get('version', '?')})"


def _prompt_list(bank: Bank, which: str, heading: str) -> Markup | None:
    found = texts(bank, which)
    if not found:
        return None
    more = tag("li", f"and {len(found) - _MOST_PROMPTS:,} more") if len(found) > _MOST_PROMPTS else None
    items = [tag("li", text if len(text) <= 200 else text[:199] + "…") for text in found[:_MOST_PROMPTS]]
    return join(tag("h3", heading), tag("ol", *items, more, class_="prompts"))


def _sources(bank: Bank) -> str:
    return (
        f"Made by Good Seed {__version__}. The figures follow Xu, Zhang and Shi, “Good Seed Makes a Good Crop” (2024): "
        "best and worst seeds its figure 5, sorted scores 6 and 7, styles 8, traits 9, compositions 10, golden and "
        "diverse seeds its tables 1 and 2, maps its section 3.2. A bank holds for its own model, sampling and noise "
        "only."
    )


_DEMOS = {"goodseed-demo": "the demo model", "goodseed-demo-inpaint": "the demo model's inpainting variant"}


def _model(bank: Bank) -> str:
    model = section(bank.info, "model")
    if model.get("family") in _DEMOS:
        return _DEMOS[model["family"]]
    return str(model.get("file") or model.get("family") or "this model").removesuffix(".safetensors")
