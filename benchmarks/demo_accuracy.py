"""How far the result on the bundled clip is from the truth, against MediaPipe's own 3D on the same clip.

    python benchmarks/demo_accuracy.py

Both see the same pictures. Errors are over the twelve limb joints (shoulders to ankles) with the middle of the
hips at the origin: MPJPE, and after the best similarity transform of every frame (P-MPJPE), in mm. Ours takes
the defaults: neither the person's height nor the camera's field of view is told.
"""

from __future__ import annotations

import mediapipe
import numpy as np
from numpy.typing import NDArray

from videopose3d.metrics import mpjpe, p_mpjpe
from videopose3d.pipeline.demo import demo_clip, load_truth
from videopose3d.pipeline.infer import infer
from videopose3d.skeleton import BLAZEPOSE33, H36M17, LIMB_JOINTS
from videopose3d.video import read_frames

Poses = NDArray[np.float64]


def ours() -> Poses:
    """(T, 12, 3) limb joints [m]."""
    with demo_clip() as clip:
        return infer(clip).poses_3d[0][:, H36M17.indices(LIMB_JOINTS)].astype(np.float64)


def mediapipe_world(smooth: bool) -> Poses:
    """(T, 12, 3) MediaPipe's world landmarks [m], NaN where it found nobody."""
    limbs = BLAZEPOSE33.indices(LIMB_JOINTS)
    poses = []
    with demo_clip() as clip, mediapipe.solutions.pose.Pose(model_complexity=1, smooth_landmarks=smooth) as network:
        for frame in read_frames(clip):
            found = network.process(frame).pose_world_landmarks
            points = [(p.x, p.y, p.z) for p in found.landmark] if found else np.full((33, 3), np.nan)
            poses.append(np.asarray(points)[limbs])
    return np.stack(poses)


def centred(poses: Poses) -> Poses:
    hips = [LIMB_JOINTS.index(f"{side}_hip") for side in ("left", "right")]
    return poses - poses[:, hips].mean(1, keepdims=True)


def main() -> None:
    truth = load_truth().poses[:, H36M17.indices(LIMB_JOINTS)]
    rows = {
        "videopose3d": ours(),
        "MediaPipe world landmarks": mediapipe_world(smooth=False),
        "MediaPipe, its smoothing on": mediapipe_world(smooth=True),
    }
    print(f"{'':28} {'MPJPE':>7} {'P-MPJPE':>8}  [mm], {len(truth)} frames")
    for name, poses in rows.items():
        seen = np.isfinite(poses).all((1, 2))
        pair = centred(poses[seen]), centred(truth[seen])
        print(f"{name:28} {mpjpe(*pair):7.1f} {p_mpjpe(*pair):8.1f}  {seen.sum()} frames found")


if __name__ == "__main__":
    main()
