"""Pictures side by side with their labels, as one picture."""

from goodseed.grid.arrange import Arrangement, arrange, labels_of
from goodseed.grid.draw import draw_grid

__all__ = ["Arrangement", "arrange", "draw_grid", "labels_of"]
