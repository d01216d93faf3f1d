"""Losses of the lifter's training (sections 3 and 4 of the paper). Positions in metres, screen units in 2D."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from videopose3d.skeleton import Skeleton


def distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean Euclidean distance over everything but the last axis: MPJPE for poses, in 2D the reprojection error."""
    mean: Tensor = (predicted - target).norm(dim=-1).mean()
    return mean


def depth_weighted_distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean distance of trajectories (N, T, 1, 3), each weighted by 1 / depth of the target (section 3.2)."""
    mean: Tensor = ((predicted - target).norm(dim=-1) / target[..., 2]).mean()
    return mean


def bone_lengths(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """(N, bones) lengths [m] of poses (N, T, J, 3), averaged over the T frames of every example."""
    near, far = zip(*skeleton.bone_indices, strict=True)
    lengths: Tensor = (poses[:, :, list(far)] - poses[:, :, list(near)]).norm(dim=-1).mean(1)
    return lengths


def bone_length_difference(
    labelled: Tensor, unlabelled: Tensor, skeleton: Skeleton, mean: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """How far the mean bone lengths of two batches of predictions are apart [m] (section 3.2).

    Args:
        labelled, unlabelled: (N, T, J, 3) predicted poses.
        skeleton: Their joints.
        mean: Mean over the examples of a batch; several processes give theirs over all of them.
    """
    mean = mean or (lambda lengths: lengths.mean(0))
    one, other = (mean(bone_lengths(poses, skeleton)) for poses in (labelled, unlabelled))
    return (one - other).abs().mean()


def same_joints(two: Skeleton, three: Skeleton) -> tuple[list[int], list[int]]:
    """Places in both skeletons of the joints that mean the same: all of equal skeletons, else those named the same."""
    if two.joints == three.joints:
        return list(range(len(two))), list(range(len(three)))
    shared = [joint for joint in three.joints if joint in two.joints]
    return two.indices(shared), three.indices(shared)
