"""One step of training: predictions, losses, gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from videopose3d.calibration import project
from videopose3d.config import TrainConfig
from videopose3d.lifter.losses import (
    bone_length_difference,
    depth_weighted_distance,
    distance,
    same_joints,
)
from videopose3d.lifter.model import TemporalModel, TemporalModelOneFrame
from videopose3d.pipeline.training.batches import Batch
from videopose3d.pipeline.training.processes import Processes
from videopose3d.skeleton import Skeleton

Network = TemporalModel | TemporalModelOneFrame


class Networks(nn.Module):
    """The pose network and, for unlabelled training, the trajectory network, as one module.

    Args:
        pose: Gives root-relative poses.
        trajectory: Gives the root's position, or None.
    """

    def __init__(self, pose: Network, trajectory: Network | None = None) -> None:
        super().__init__()
        self.pose, self.trajectory = pose, trajectory

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """(N, T, J, 3) poses [m] and (N, T, 1, 3) roots [m] or None."""
        return self.pose(inputs), None if self.trajectory is None else self.trajectory(inputs)

    def set_bn_momentum(self, momentum: float) -> None:
        """Set the momentum of every batch-norm layer of both."""
        for network in (self.pose, self.trajectory):
            if network is not None:
                network.set_bn_momentum(momentum)


@dataclass(frozen=True)
class Losses:
    """What a step is judged by.

    Attributes:
        total: What is minimised.
        terms: Every term by name, also those that do not count.
    """

    total: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True)
class Objective:
    """What training minimises.

    Attributes:
        config: Which terms count.
        keypoint_skeleton, skeleton: Joints in and out.
        before: Frames a window starts before its first output frame.
        processes: Who shares a step.
    """

    config: TrainConfig
    keypoint_skeleton: Skeleton
    skeleton: Skeleton
    before: int
    processes: Processes

    def supervised(self, networks: nn.Module, batch: Batch) -> Losses:
        """Distance from the true poses and, with a trajectory network, from the true roots weighted by 1 / depth."""
        with self._autocast(batch.inputs):
            poses, roots = networks(batch.inputs)
        return self._labelled(poses.float(), None if roots is None else roots.float(), batch)

    def semi_supervised(self, networks: nn.Module, labelled: Batch, unlabelled: Batch) -> Losses:
        """The supervised losses, and what must hold without labels (section 3.2); one forward for both batches."""
        inputs = torch.cat([labelled.inputs, unlabelled.inputs])
        with self._autocast(inputs):
            poses, roots = networks(inputs)
        poses, roots, n = poses.float(), roots.float(), len(labelled)
        told = self._labelled(poses[:n], roots[:n], labelled)
        share = self.processes.share(len(unlabelled))
        seen = self.reprojection(poses[n:], roots[n:], unlabelled, self.config.distortion)
        bones = bone_length_difference(poses[:n], poses[n:], self.skeleton, self.processes.mean)
        total = told.total
        if self.config.reprojection:
            total = total + share * seen
        if self.config.bone_length:
            total = total + bones
        return Losses(total, {**told.terms, "reprojection": seen, "bone_length": bones})

    def reprojection(self, poses: Tensor, roots: Tensor, batch: Batch, distortion: bool = True) -> Tensor:
        """Mean distance [screen units] of projected poses from the 2D joints that mean the same."""
        assert batch.intrinsics is not None
        two, three = same_joints(self.keypoint_skeleton, self.skeleton)
        seen = batch.inputs[:, self.before : self.before + poses.shape[1], :, :2]
        projected = project(poses + roots, batch.intrinsics, distortion=distortion)
        return distance(projected[:, :, three], seen[:, :, two])

    def _labelled(self, poses: Tensor, roots: Tensor | None, batch: Batch) -> Losses:
        assert batch.poses is not None
        share = self.processes.share(len(batch))
        terms = {"pose": distance(poses, batch.poses)}
        if roots is not None:
            assert batch.trajectory is not None
            terms["trajectory"] = depth_weighted_distance(roots, batch.trajectory)
        return Losses(share * torch.stack(list(terms.values())).sum(), terms)

    def _autocast(self, inputs: Tensor) -> torch.autocast:
        return torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16")


def batch_norm_momentum(epoch: int, epochs: int) -> float:
    """Of epoch ``epoch`` (from 0) of ``epochs``: falls from 0.1 towards 0.001 (section 4)."""
    return float(0.1 * 100 ** (-epoch / epochs))
