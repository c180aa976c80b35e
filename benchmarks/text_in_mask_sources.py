"""Fonts, words and photographs of text_in_mask.py: those that rules and thresholds are set on, and others, held out.

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
    "fonts-roboto-unhinted fonts-comic-neue fonts-wqy-microhei fonts-arphic-uming mate-backgrounds fonts-cantarell "
    "fonts-crosextra-carlito fonts-crosextra-caladea fonts-inter fonts-open-sans fonts-linuxlibertine fonts-quicksand "
    "fonts-arphic-ukai fonts-lxgw-wenkai fonts-droid-fallback fonts-arphic-gbsn00lp lomiri-wallpapers-16.04 "
    "lomiri-wallpapers-20.04"
)
_FONTS, _PICTURES = Path("/usr/share/fonts"), Path("/usr/share/backgrounds")
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
    latin=("DejaVuS", "Liberation", "Free", "Lato", "Roboto", "ComicNeue"),
    chinese=("wqy-zenhei", "NotoSansCJK", "wqy-microhei", "NotoSerifCJK", "uming"),
    words="""sale open coffee music garden summer winter river mountain castle dragon forest ocean hotel bakery studio
market travel bottle flower window bridge school museum fresh vintage original quality happy birthday welcome paradise
clear background dog house cat chair sunset the and of with best new city light dream photo exit pizza ticket library
velvet pumpkin thunder journey harvest kitchen pepper rocket theatre zebra quiz jacket yellow umbrella festival gallery
wizard kingdom breakfast orange station express lovely grand hello world remove object blue car horse bench boat bicycle
you from free only today super queen jazz fox holiday""",
    signs="中国北京欢迎光临花园咖啡书店山水风光天空美丽新鲜开业大吉生日快乐春夏秋冬东南西电影音乐学校图书馆上海广州茶馆面包"
    "商城酒家牛肉饭小吃出口入门注意安全禁止停车银行医院公路站马年幸福平金色阳手机脑",
    photos="""brick camera cat cell coffee coins grass gravel horse hubble_deep_field immunohistochemistry moon retina
colorwheel microaneurysms clock china flower Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm
TwoWings Wood YellowFlower""",  # those of scikit-image, scikit-learn and Debian in which nothing is written
    patterns=PATTERNS,
)
HELD_OUT = Sources(
    seed=40,
    latin=("Cantarell", "Carlito", "Caladea", "Inter-", "OpenSans", "LinLibertine_R", "LinBiolinum_R", "Quicksand"),
    chinese=("LXGWWenKai-", "ukai", "DroidSansFallbackFull", "gbsn00lp"),
    words="""bread butter chapel marble silver copper branch island harbour lantern saddle parcel violin guitar meadow
village kettle basket candle mirror feather pocket planet comet engine tunnel airport square circle triangle fashion
luxury organic delicious discount member closed please wait here push pull stop slow quick brown lazy jump under over
this that while because exact quiet vivid maple cedar tulip daisy poppy figure erase clean texture sky lamp table bird
truck train apple banana""",
    signs="红绿蓝白黑石木火土铁鱼鸟虎龙象猫狗羊村镇县省市区街道号楼层房间厨卫洗衣服鞋帽食品药铺超级便利早午晚餐厅客服"
    "热冷汤粉条米粥豆腐青菜苹果香蕉游泳池球场网络信息技术研究所",
    photos="""Bridge Dragonfly Fossa Infinite-Sea Kleiber Painting-Colors Picture_0B Picture_1A aitzgorri analogpattern
free friends life picosdeeuropa seeding sunset umang coins retina brick""",  # other parts of the last three
    patterns=PATTERNS_HELD_OUT,
)
"""Of a set that was held out before, the mistakes were looked at; it is now a part of TUNING, and this one is new."""


@functools.cache
def photo(name: str) -> Image.Image:
    """Return a photograph, at least 200 px wide and high."""
    for file in (*_PICTURES.glob(f"{name}_by_*.jpg"), *_PICTURES.glob(f"mate/nature/{name}.jpg")):
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
    if name not in skimage.data.__all__:
        raise SystemExit(f"text_in_mask.py: there is no photograph {name}; {DEBIAN}")
    return np.asarray(getattr(skimage.data, name)())


@functools.cache
def _font_files(names: tuple[str, ...]) -> list[str]:
    files = [f for f in _FONTS.rglob("*.tt[cf]") if f.name.startswith(names) and not any(w in f.name for w in _FAINT)]
    files += [f for f in _FONTS.rglob("*.otf") if f.name.startswith(names) and not any(w in f.name for w in _FAINT)]
    missing = [name for name in names if not any(f.name.startswith(name) for f in files)]
    if missing:
        raise SystemExit(f"text_in_mask.py: {_FONTS} has no fonts {', '.join(missing)}; {DEBIAN}")
    return sorted(str(f) for f in files)
