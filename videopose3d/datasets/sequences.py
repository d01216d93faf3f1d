"""Data sets as sequences: one person doing one thing in front of one camera, in 2D and, where known, in 3D."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np

from videopose3d.calibration import CalibratedCamera
from videopose3d.errors import InputError, SkeletonMismatchError
from videopose3d.geometry import screen_from_pixels
from videopose3d.skeleton import Skeleton
from videopose3d.types import FloatArray


@dataclass(frozen=True)
class PoseSequence:
    """One take of one camera.

    Attributes:
        subject, action: As the data set names them, e.g. ``S9``, ``Walking 1``.
        camera: Where it was seen from.
        keypoints: (T, J_in, 2 or 3) x, y [px] and perhaps the score 0..1.
        poses: (T, J, 3) [m], camera axes, root-relative with the root at 0; None where not known.
        trajectory: (T, 3) the root in camera axes [m]; None where not known.
    """

    subject: str
    action: str
    camera: CalibratedCamera
    keypoints: FloatArray = field(repr=False)
    poses: FloatArray | None = field(default=None, repr=False)
    trajectory: FloatArray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.keypoints.ndim != 3 or self.keypoints.shape[2] not in (2, 3):
            raise SkeletonMismatchError(
                f"expected keypoints (T, J, 2 or 3), got {self.keypoints.shape}", where=f"{self.subject} {self.action}"
            )
        if self.poses is not None and len(self.poses) != len(self.keypoints):
            raise InputError(
                f"{len(self.poses)} frames of 3D for {len(self.keypoints)} of 2D",
                where=f"{self.subject} {self.action}, camera {self.camera.name}",
            )
        if self.trajectory is not None and self.trajectory.shape != (len(self.keypoints), 3):
            raise InputError(
                f"expected a trajectory {(len(self.keypoints), 3)}, got {self.trajectory.shape}",
                where=f"{self.subject} {self.action}, camera {self.camera.name}",
            )

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def screen(self) -> FloatArray:
        """(T, J_in, 2 or 3) the keypoints in screen coordinates, the score unchanged."""
        screen = screen_from_pixels(self.keypoints[..., :2], self.camera.size)
        return np.concatenate([screen, self.keypoints[..., 2:]], -1)

    def part(self, frames: slice) -> PoseSequence:
        """The same take, some of its frames."""
        return replace(
            self,
            keypoints=self.keypoints[frames],
            poses=None if self.poses is None else self.poses[frames],
            trajectory=None if self.trajectory is None else self.trajectory[frames],
        )


@dataclass(frozen=True)
class PoseDataset:
    """Sequences that share their joints and frame rate.

    Attributes:
        name: ``h36m``, ``humaneva15``, ...
        skeleton: Joints of the 3D poses.
        keypoint_skeleton: Joints of the 2D keypoints.
        fps: Frame rate [1/s].
        sequences: By subject, then action in the order of the 2D file, then camera.
        source: The files it came from, for messages and headers.
    """

    name: str
    skeleton: Skeleton
    keypoint_skeleton: Skeleton
    fps: float
    sequences: tuple[PoseSequence, ...] = field(repr=False)
    source: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everyone in it, in order."""
        return tuple(dict.fromkeys(s.subject for s in self.sequences))

    @property
    def features(self) -> int:
        """Numbers per 2D joint."""
        return self.sequences[0].keypoints.shape[2] if self.sequences else 2

    def select(
        self,
        subjects: Sequence[str],
        actions: Sequence[str] = (),
        *,
        labelled: bool = True,
        subset: float = 1.0,
        downsample: int = 1,
    ) -> tuple[PoseSequence, ...]:
        """Takes of some subjects, in the order of ``subjects``.

        Args:
            subjects: Who.
            actions: Prefixes of action names, e.g. ``Walk``; empty for all.
            labelled: Only takes with 3D poses: those that are in the 2D file only are left out, a subject or a named
                action of which nothing remains is an error.
            subset: Share of every take to keep: one stretch, whose place depends on its length only.
            downsample: Keep every n-th frame.

        Raises:
            InputError: No subjects, one that is not in the data set, an action nobody did, or no 3D.
        """
        subjects, actions = ((one,) if isinstance(one, str) else one for one in (subjects, actions))
        chosen = list(self._chosen(subjects, actions))
        if labelled:
            self._refuse_bare(chosen, actions)
            chosen = [s for s in chosen if s.poses is not None]
        parts = [s.part(stretch(len(s), subset, downsample)) for s in chosen]
        if not any(len(s) for s in parts):
            why = f"a subset of {subset:g} leaves no frames" if subset < 1 else "there are no frames"
            raise InputError(why, where=self.source or self.name, fix="Take more: --subset, subjects, actions.")
        return tuple(s for s in parts if len(s))

    def _refuse_bare(self, chosen: Sequence[PoseSequence], actions: Sequence[str]) -> None:
        """Raise where a subject, or an action asked for by name, has no take with 3D poses."""
        for subject in dict.fromkeys(s.subject for s in chosen):
            if all(s.poses is None for s in chosen if s.subject == subject):
                raise InputError(
                    f"no 3D poses of {subject}", where=self.source or self.name, fix="Use it as unlabelled only."
                )
        for action in actions:
            if all(s.poses is None for s in chosen if s.action.startswith(action)):
                raise InputError(f"no 3D poses of action {action!r}", where=self.source or self.name)

    def _chosen(self, subjects: Sequence[str], actions: Sequence[str]) -> Iterator[PoseSequence]:
        if not subjects:
            raise InputError("no subjects given", where=self.name, fix=f"There are {', '.join(self.subjects)}.")
        for subject in subjects:
            takes = [s for s in self.sequences if s.subject == subject]
            if not takes:
                known = f"There are {', '.join(self.subjects)}."
                raise InputError(f"no subject {subject!r}", where=self.source or self.name, fix=known)
            yield from (s for s in takes if not actions or any(s.action.startswith(a) for a in actions))
        done = {s.action for s in self.sequences if s.subject in subjects}
        for action in actions:
            if not any(name.startswith(action) for name in done):
                raise InputError(
                    f"no action {action!r} of {', '.join(subjects)}",
                    where=self.source or self.name,
                    fix=f"There are {', '.join(sorted({action_group(name) for name in done}))}.",
                )


def check_finite(sequence: PoseSequence, source: str) -> None:
    """Refuse gaps and infinities.

    Raises:
        InputError: There is one; the message names subject, action, camera and the first bad frame.
    """
    for name, array in (
        ("keypoints", sequence.keypoints),
        ("3D poses", sequence.poses),
        ("trajectory", sequence.trajectory),
    ):
        if array is None or np.isfinite(array).all():
            continue
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(1))
        raise InputError(
            f"the {name} of {len(bad)} frames are not numbers, the first is frame {bad[0]}",
            where=f"{source}: {sequence.subject} {sequence.action!r}, camera {sequence.camera.name}",
            fix="Interpolate them or cut the take there.",
        )


def action_group(action: str) -> str:
    """``Walking`` of ``Walking 1 chunk0``: what tables have one column for."""
    return action.split(" ", maxsplit=1)[0]


def stretch(length: int, subset: float, downsample: int) -> slice:
    """The frames of a take that a subset keeps: one stretch whose place depends on the length only.

    The place is drawn by the SHA-256 of the length, so that all cameras of a take keep the same frames
    (facts of the original program, section 4.5).
    """
    if subset >= 1:
        return slice(0, length, downsample)
    kept = round(length // downsample * subset) * downsample
    raw = int.from_bytes(sha256(str(length).encode()).digest()[:4], "little") / (2**32 - 1)
    start = min(int(raw * (length - kept + 1)), length - kept)
    return slice(start, start + kept, downsample)
