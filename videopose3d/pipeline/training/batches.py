"""Training windows gathered on the device from sequences that stay there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from videopose3d.calibration import flipped_intrinsics
from videopose3d.datasets.sequences import PoseSequence
from videopose3d.datasets.windows import IntArray, chunk_examples
from videopose3d.lifter.canonical import mirror_pose
from videopose3d.skeleton import Skeleton
from videopose3d.types import FloatArray


@dataclass(frozen=True)
class Batch:
    """Windows of one step; what the sequences do not have is None.

    Attributes:
        inputs: (n, chunk + F - 1, J_in, features) in screen coordinates.
        poses: (n, chunk, J, 3) [m], the root at 0.
        trajectory: (n, chunk, 1, 3) [m].
        intrinsics: (n, 9).
    """

    inputs: Tensor
    poses: Tensor | None
    trajectory: Tensor | None
    intrinsics: Tensor | None

    def __len__(self) -> int:
        return len(self.inputs)


class Batches:
    """Sequences on a device and the windows in them.

    Every sequence is there twice, as it is and mirrored, so that a batch is one look-up per kind of data.

    Args:
        sequences: Where the windows come from.
        skeletons: Joints of the 2D keypoints and of the 3D poses.
        padding: Frames (before, after) an output frame that the network sees.
        features: Numbers per 2D joint the network takes.
        device: Where everything stays.
    """

    def __init__(
        self,
        sequences: Sequence[PoseSequence],
        skeletons: tuple[Skeleton, Skeleton],
        padding: tuple[int, int],
        features: int = 2,
        device: str | torch.device = "cpu",
    ) -> None:
        self.lengths = [len(s) for s in sequences]
        self.padding, self.device = padding, device
        two, three = skeletons
        self._inputs = self._both(_joined([s.screen[..., :features] for s in sequences]), two)
        poses, roots = [s.poses for s in sequences], [s.trajectory for s in sequences]
        self._poses = self._both(_joined(poses), three)
        self._trajectory = self._both(_joined([None if r is None else r[:, None] for r in roots]), None)
        lenses = [s.camera.intrinsics for s in sequences]
        self._intrinsics = None
        if lenses and all(lens is not None for lens in lenses):
            stacked = np.stack([lens for lens in lenses if lens is not None])
            self._intrinsics = torch.from_numpy(np.concatenate([stacked, flipped_intrinsics(stacked)])).to(device)
        starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self._offsets = torch.from_numpy(np.concatenate([starts[:-1], starts[:-1] + starts[-1]])).to(device)
        self._last = torch.tensor([*self.lengths, *self.lengths], device=device) - 1

    def _both(self, values: FloatArray | None, skeleton: Skeleton | None) -> Tensor | None:
        """The joined sequences, and after them the same mirrored."""
        if values is None:
            return None
        plain = torch.from_numpy(values).to(self.device)
        if skeleton is None:
            return torch.cat([plain, plain * plain.new_tensor([-1, 1, 1])])
        return torch.cat([plain, mirror_pose(plain, skeleton)])

    def examples(self, chunk: int = 1, *, augment: bool = False) -> IntArray:
        """(N, 4) all examples in order, see `chunk_examples`."""
        return chunk_examples(self.lengths, chunk, augment=augment)

    def whole(self, sequence: int) -> IntArray:
        """(1, 4) the example that is all frames of one sequence."""
        return np.array([[sequence, 0, self.lengths[sequence], 0]], np.int64)

    @property
    def labelled(self) -> bool:
        """Every sequence has 3D poses."""
        return self._poses is not None

    @property
    def calibrated(self) -> bool:
        """Every sequence has a calibrated camera."""
        return self._intrinsics is not None

    def gather(self, rows: IntArray) -> Batch:
        """The windows of examples (n, 4) with chunks of one length; beyond its ends a sequence stands still."""
        sequence, start, end, mirrored = torch.from_numpy(np.ascontiguousarray(rows.T)).to(self.device)
        copy = sequence + mirrored * len(self.lengths)
        chunk = int(rows[0, 2] - rows[0, 1])
        before, after = self.padding
        seen = torch.arange(-before, chunk + after, device=self.device)
        wide = self._at(copy, start, seen)
        told = wide if before == after == 0 else self._at(copy, start, seen[before : before + chunk])
        inputs = self._inputs
        assert inputs is not None
        return Batch(
            inputs[wide],
            None if self._poses is None else self._poses[told],
            None if self._trajectory is None else self._trajectory[told],
            None if self._intrinsics is None else self._intrinsics[copy],
        )

    def _at(self, copy: Tensor, start: Tensor, frames: Tensor) -> Tensor:
        """(n, frames) places in the joined sequences."""
        times = (start[:, None] + frames).clamp(min=0).minimum(self._last[copy][:, None])
        return times + self._offsets[copy][:, None]


def _joined(parts: Sequence[FloatArray | None]) -> FloatArray | None:
    """All sequences end to end; None if one of them has no such data."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known).astype(np.float32) if known and len(known) == len(parts) else None
