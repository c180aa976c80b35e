"""Fonts, words and photographs of text_in_mask.py: those that thresholds are set on, and others that are held out.

Needs Debian's fonts and photographs (`DEBIAN`) and the photographs that come within scikit-image and scikit-learn
(pip install scikit-image scikit-learn); nothing is downloaded.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from text_in_mask_patterns import PATTERNS, PATTERNS_HELD_OUT

DEBIAN = (
    "apt-get install fonts-dejavu-core fonts-liberation fonts-wqy-zenhei fonts-noto-cjk fonts-freefont-ttf fonts-lato "
    "fonts-roboto-unhinted fonts-comic-neue fonts-wqy-microhei fonts-arphic-uming mate-backgrounds"
)
_FONTS, _PICTURES = Path("/usr/share/fonts"), Path("/usr/share/backgrounds/mate/nature")
_FAINT = ("Hairline", "Thin", "Light")  # strokes of less than half a pixel at the smallest sizes


@dataclass(frozen=True)
class Sources:
    """What pictures are made of; `seed` keeps the random choices of one set from those of another."""

    seed: int
    latin: tuple[str, ...]
    chinese: tuple[str, ...]
    words: str
    signs: str
    photos: str
    patterns: tuple[str, ...]

    def fonts(self, chinese: bool) -> list[str]:
        """Return the files of the fonts whose names begin so.

        Raises:
            SystemExit: when there are none; its line says what to install.
        """
        return _font_files(self.chinese if chinese else self.latin)


TUNING = Sources(
    seed=0,
    latin=("DejaVuS", "Liberation"),
    chinese=("wqy-zenhei", "NotoSansCJK"),
    words="""sale open coffee music garden summer winter river mountain castle dragon forest ocean hotel bakery studio
market travel bottle flower window bridge school museum fresh vintage original quality happy birthday welcome paradise
clear background dog house cat chair sunset the and of with best new city light dream photo""",
    signs="中国北京欢迎光临花园咖啡书店山水风光天空美丽新鲜开业大吉生日快乐春夏秋冬东南西北电影音乐学校图书馆",
    photos="""brick camera cat cell coffee coins grass gravel horse hubble_deep_field immunohistochemistry moon retina
colorwheel microaneurysms clock china flower""",  # those of scikit-image and scikit-learn in which nothing is written
    patterns=PATTERNS,
)
HELD_OUT = Sources(
    seed=20,
    latin=("Free", "Lato", "Roboto", "ComicNeue"),
    chinese=("wqy-microhei", "NotoSerifCJK", "uming"),
    words="""exit pizza ticket library velvet pumpkin thunder journey harvest kitchen pepper rocket theatre zebra quiz
jacket yellow umbrella festival gallery wizard kingdom breakfast orange station express lovely grand hello world
remove object blue car horse bench boat bicycle for you from free only today super queen jazz fox holiday""",
    signs="上海广州茶馆面包商城酒家牛肉饭小吃出口入门注意安全禁止停车银行医院公园路站马年幸福平安金色阳光手机电脑",
    photos="""Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm TwoWings Wood YellowFlower
brick coins grass gravel hubble_deep_field retina""",  # Debian's, and other parts of those above
    patterns=PATTERNS_HELD_OUT,
)


@functools.cache
def photo(name: str) -> Image.Image:
    """Return a photograph, at least 200 px wide and high."""
    if name[0].isupper():
        file = _PICTURES / f"{name}.jpg"
        if not file.exists():
            raise SystemExit(f"text_in_mask.py: {file} is missing; {DEBIAN}")
        picture = Image.open(file).convert("RGB")
        return picture.resize((1024, round(1024 * picture.height / picture.width)), Image.Resampling.BICUBIC)
    array = _shipped(name)
    if name == "horse":
        array = array.astype(np.uint8) * 255
    picture = Image.fromarray(np.atleast_3d(array)[..., :3].squeeze()).convert("RGB")
    return picture.resize((705, 705), Image.Resampling.BICUBIC) if name == "retina" else picture


def _shipped(name: str) -> np.ndarray:
    try:
        import skimage.data
        from sklearn.datasets import load_sample_image
    except ImportError as error:
        raise SystemExit(f"text_in_mask.py: {error.name} is missing; pip install scikit-image scikit-learn") from error
    if name in ("china", "flower"):
        return np.asarray(load_sample_image(f"{name}.jpg"))
    return np.asarray(getattr(skimage.data, name)())


@functools.cache
def _font_files(names: tuple[str, ...]) -> list[str]:
    files = [f for f in _FONTS.rglob("*.tt[cf]") if f.name.startswith(names) and not any(w in f.name for w in _FAINT)]
    files += [f for f in _FONTS.rglob("*.otf") if f.name.startswith(names) and not any(w in f.name for w in _FAINT)]
    missing = [name for name in names if not any(f.name.startswith(name) for f in files)]
    if missing:
        raise SystemExit(f"text_in_mask.py: {_FONTS} has no fonts {', '.join(missing)}; {DEBIAN}")
    return sorted(str(f) for f in files)
