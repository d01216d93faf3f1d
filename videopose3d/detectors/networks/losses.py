"""What keypoint networks are trained with."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

HARD_JOINTS = 8
"""Joints of every person that RefineNet learns from: those with the largest error."""
VISIBLE, OCCLUDED = 2, 1
"""How COCO marks joints; 0 is not labelled."""


def global_losses(maps: Sequence[Tensor], targets: Sequence[Tensor], visibility: Tensor) -> list[Tensor]:
    """Half the mean squared error of every level of GlobalNet, which learns empty maps for joints that are not visible.

    Args:
        maps, targets: Of the four levels, coarsest first, each (N, K, H, W).
        visibility: (N, K) 0, 1 or 2, as in COCO.
    """
    seen = (visibility > 1.1)[..., None, None]
    return [((found - target * seen) ** 2).mean() / 2 for found, target in zip(maps, targets, strict=True)]


def hard_joints_loss(maps: Tensor, targets: Tensor, visibility: Tensor, hardest: int = HARD_JOINTS) -> Tensor:
    """Mean squared error of the hardest joints of every person (online hard keypoint mining).

    Joints without a label count as errors of 0; the sum is divided by ``hardest`` all the same.
    """
    errors = ((maps - targets) ** 2).mean((2, 3)) * (visibility > 0.1)
    return errors.topk(hardest, 1).values.sum(1).mean() / hardest


def cpn_loss(global_maps: Sequence[Tensor], refined: Tensor, targets: Sequence[Tensor], visibility: Tensor) -> Tensor:
    """The loss of a CPN: `global_losses` of all levels and `hard_joints_loss` of RefineNet, on the last target."""
    hardest = min(HARD_JOINTS, refined.shape[1])
    last = hard_joints_loss(refined, targets[-1], visibility, hardest)
    total = sum(global_losses(global_maps, targets, visibility), last)
    assert isinstance(total, Tensor)
    return total


def stages_loss(stages: Sequence[Tensor], target: Tensor, weights: Tensor) -> Tensor:
    """The loss of networks whose stages all learn the same maps (CPM, hourglass): weighted mean squared errors.

    Args:
        stages: Maps of every stage, (N, K, H, W).
        target: (N, K, H, W).
        weights: (N, K), 0 where a joint is not labelled.
    """
    total = sum((((maps - target) ** 2) * weights[..., None, None]).mean() for maps in stages)
    assert isinstance(total, Tensor)
    return total
