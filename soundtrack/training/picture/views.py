"""Random views of pictures, cut, mirrored, graded and blended on the device that holds the pictures.

Goes in: squares of RGB in a GPU's memory. Comes out: batches as the teachers see them. Rectangles and ratios as in
`teachers.part_of`; on top of that brightness, contrast and colour change, since films are graded.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from soundtrack.training.picture.teachers import TEACHER_SIDE_PX

WHOLE_SHARE = 0.15
"""Of the views that show the whole picture."""
BLEND_SHARE = 0.4
"""Of the views that are blends of two pictures."""
GRADE = 0.25
"""Most by which brightness, contrast and colour of half of the views are changed."""
LEAST_AREA = 0.2
"""Of a picture that a view shows."""


class Views:
    """Where batches come from.

    Parameters
    ----------
    pictures : Tensor, shape=(n, side, side, 3), uint8
        RGB, squashed to squares.
    chances : Tensor, shape=(n,)
        How likely each picture is drawn.
    seed : int
        Of everything random.
    """

    def __init__(self, pictures: Tensor, chances: Tensor, *, seed: int) -> None:
        self.pictures, self.chances = pictures, chances
        self.dice = torch.Generator(pictures.device).manual_seed(seed)

    def _uniform(self, n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(n, generator=self.dice, device=self.pictures.device) * (high - low) + low

    def _cut(self, n: int) -> Tensor:
        """Rectangles of n pictures, shape (n, 3, 224, 224), in [0, 255]."""
        rows = torch.multinomial(self.chances, n, replacement=True, generator=self.dice)
        whole = self._uniform(n) < WHOLE_SHARE
        area, ratio = self._uniform(n, LEAST_AREA, 1.0), self._uniform(n, math.log(3 / 4), math.log(4 / 3)).exp()
        height = torch.where(whole, 1.0, (area / ratio).sqrt().clamp(max=1.0))
        width = torch.where(whole, 1.0, (area * ratio).sqrt().clamp(max=1.0))
        mirror = torch.where(self._uniform(n) < 0.5, -1.0, 1.0)
        theta = torch.zeros(n, 2, 3, device=self.pictures.device)
        theta[:, 0, 0], theta[:, 1, 1] = width * mirror, height
        theta[:, 0, 2] = (1 - width) * self._uniform(n, -1.0, 1.0)
        theta[:, 1, 2] = (1 - height) * self._uniform(n, -1.0, 1.0)
        side = TEACHER_SIDE_PX
        grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
        chosen = self.pictures[rows].permute(0, 3, 1, 2).float()
        return F.grid_sample(chosen, grid, padding_mode="border", align_corners=False)

    def batch(self, n: int) -> Tensor:
        """Views, shape (n, 3, 224, 224), in [0, 255]: cut, half of them graded, some of them blended."""
        views = self._cut(n)
        graded = (self._uniform(n) < 0.5).view(-1, 1, 1, 1)
        gain, contrast, colour = (self._uniform(n, 1 - GRADE, 1 + GRADE).view(-1, 1, 1, 1) for _ in range(3))
        grey = views.mean(dim=1, keepdim=True)
        toned = (grey + (views - grey) * colour - 127.5) * contrast + 127.5
        views = torch.where(graded, toned * gain, views).clamp(0, 255)
        share = torch.where(self._uniform(n) < BLEND_SHARE, self._uniform(n, 0.5, 1.0), 1.0).view(-1, 1, 1, 1)
        return (views * share + views.roll(1, 0) * (1 - share)).round()
