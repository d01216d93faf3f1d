"""What is measured after every epoch: errors over whole sequences, in evaluation mode, without the mirrored pass."""

from __future__ import annotations

import torch

from videopose3d.calibration import project
from videopose3d.lifter.losses import distance, same_joints
from videopose3d.pipeline.training.batches import Batches
from videopose3d.pipeline.training.processes import Processes
from videopose3d.pipeline.training.steps import Networks
from videopose3d.skeleton import Skeleton

METRES_TO_MM = 1000


@torch.inference_mode()
def measure(
    networks: Networks, data: Batches, skeletons: tuple[Skeleton, Skeleton], processes: Processes
) -> dict[str, float]:
    """Frame-weighted means over all sequences; what the data or the networks do not have is left out.

    Args:
        networks: Dilated pose and trajectory networks (`steps.Networks`).
        data: The sequences; several processes share them out.
        skeletons: Joints of the 2D keypoints and of the 3D poses.
        processes: Who takes part.

    Returns:
        ``3d`` [mm], and with a trajectory network ``traj`` [mm] and ``2d`` [screen units].
    """
    before, (two, three) = data.padding[0], same_joints(*skeletons)
    sums = torch.zeros(4, dtype=torch.float64)  # 3d, traj, 2d, frames
    for sequence in range(processes.rank, len(data.lengths), processes.count):
        length = data.lengths[sequence]
        batch = data.gather(data.whole(sequence))
        poses, roots = networks(batch.inputs)
        values = [torch.zeros(())] * 3
        if batch.poses is not None:
            values[0] = distance(poses, batch.poses) * METRES_TO_MM
        if roots is not None and batch.trajectory is not None:
            values[1] = distance(roots, batch.trajectory) * METRES_TO_MM
        if roots is not None and batch.intrinsics is not None:
            seen = batch.inputs[:, before : before + length, two, :2]
            values[2] = distance(project(poses + roots, batch.intrinsics)[:, :, three], seen)
        sums += length * torch.tensor([*map(float, values), 1.0], dtype=torch.float64)
    total = processes.sum(sums)
    means = dict(zip(("3d", "traj", "2d"), (total[:3] / total[3]).tolist(), strict=True))
    there = {"3d": data.labelled, "traj": data.labelled and networks.trajectory is not None}
    there["2d"] = data.calibrated and networks.trajectory is not None
    return {name: value for name, value in means.items() if there[name]}
