"""The bundled clip: a rendered person whose every joint is known, so that the result can be judged."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopose3d.config import InferConfig, RenderConfig
from videopose3d.errors import VideoPose3DError
from videopose3d.metrics import mpjpe, p_mpjpe
from videopose3d.pipeline.detect import Progress
from videopose3d.pipeline.infer import infer
from videopose3d.skeleton import H36M17, LIMB_JOINTS
from videopose3d.types import Result


@dataclass(frozen=True)
class DemoTruth:
    """What is really there in the bundled clip.

    Attributes:
        poses: (T, 17, 3) [m], camera axes, pelvis at the origin.
        trajectory: (T, 3) pelvis in camera coordinates [m].
    """

    poses: NDArray[np.float64]
    trajectory: NDArray[np.float64]


@dataclass(frozen=True)
class DemoErrors:
    """The demo's result and its distance from the truth.

    Attributes:
        result: What was found.
        all_joints, limb_joints: (MPJPE, P-MPJPE) over 17 joints, and over shoulders to ankles [mm].
        root: Mean distance of the pelvis from where it is [mm].
    """

    result: Result
    all_joints: tuple[float, float]
    limb_joints: tuple[float, float]
    root: float

    def report(self) -> str:
        """The errors in words."""
        return (
            f"Against the exact truth of this clip, in mm (MPJPE / after alignment):\n"
            f"  all 17 joints    {self.all_joints[0]:5.0f} / {self.all_joints[1]:.0f}\n"
            f"  12 limb joints   {self.limb_joints[0]:5.0f} / {self.limb_joints[1]:.0f}\n"
            f"  place in space   {self.root:5.0f}"
        )


def load_truth() -> DemoTruth:
    """The truth that comes with the clip."""
    with demo_truth() as path, np.load(path, allow_pickle=False) as npz:
        return DemoTruth(npz["poses_3d"].astype(np.float64), npz["trajectory"].astype(np.float64))


def run_demo(
    output: str | os.PathLike[str],
    progress: Progress | None = None,
    config: RenderConfig | None = None,
    *,
    show_truth: bool = False,
) -> DemoErrors:
    """Run ``infer`` on the bundled clip: write the video, and the result file beside it.

    Args:
        output: The video.
        progress: Called as ``progress(stage, done, total)``.
        config: How the video is drawn.
        show_truth: The exact truth in a scene of its own.
    """
    exports = [Path(output).with_suffix(".npz")]
    render = config or RenderConfig()
    with demo_clip() as clip, demo_truth() as truth:
        if show_truth:
            render = replace(render, truth=os.fspath(truth))
        result = infer(clip, output, exports=exports, config=InferConfig(render=render), progress=progress)
    return compare(result, load_truth())


def demo_clip() -> AbstractContextManager[Path]:
    """The bundled clip as a file."""
    return as_file(files("videopose3d.data") / "demo.mp4")


def demo_truth() -> AbstractContextManager[Path]:
    """Its truth as a file."""
    return as_file(files("videopose3d.data") / "demo_truth.npz")


def compare(result: Result, truth: DemoTruth) -> DemoErrors:
    """How far the first person of a result is from the truth, over the frames that have a pose.

    Raises:
        VideoPose3DError: The result has nobody.
    """
    if not result.people:
        raise VideoPose3DError("nobody was found in the bundled clip", fix="Is the detector whole? Install it again.")
    frames = min(len(truth.poses), result.keypoints.frames)
    found = result.poses_3d[0, :frames].astype(np.float64)
    there = np.isfinite(found).all((-2, -1))
    limbs = H36M17.indices(LIMB_JOINTS)

    def errors(joints: Any) -> tuple[float, float]:
        pair = found[there][:, joints], truth.poses[:frames][there][:, joints]
        return mpjpe(*pair), p_mpjpe(*pair)

    path = result.trajectory[0, :frames]
    root = mpjpe(path[there][:, None], truth.trajectory[:frames][there][:, None])
    return DemoErrors(result, errors(slice(None)), errors(limbs), root)
