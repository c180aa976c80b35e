"""Two records side by side: what differs, why the images do, and how to mend it."""

from goodseed.provenance.diff.compare import Compared, compare, diff

__all__ = ["Compared", "compare", "diff"]
