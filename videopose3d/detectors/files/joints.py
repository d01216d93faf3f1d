"""The joint sets of other tools, by name; indices follow from the names."""

from __future__ import annotations

from videopose3d.skeleton import COCO17, MPII16, Skeleton

_BODY = "right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist"
_LEGS = "right_hip right_knee right_ankle", "left_hip left_knee left_ankle"
_FACE = "right_eye left_eye right_ear left_ear"

BODY25 = Skeleton(
    "body25",
    tuple(
        f"nose neck {_BODY} pelvis {_LEGS[0]} {_LEGS[1]} {_FACE} left_big_toe left_small_toe left_heel "
        "right_big_toe right_small_toe right_heel".split()
    ),
    (),
)
"""OpenPose's joints (its documentation, "Pose Output Format (BODY_25)")."""

OPENPOSE18 = Skeleton("openpose18", tuple(f"nose neck {_BODY} {_LEGS[0]} {_LEGS[1]} {_FACE}".split()), ())
"""The joints of OpenPose's older COCO model."""

HALPE26 = Skeleton(
    "halpe26",
    (
        *COCO17.joints,
        *("head_top", "neck", "pelvis", "left_big_toe", "right_big_toe"),
        *("left_small_toe", "right_small_toe", "left_heel", "right_heel"),
    ),
    (),
)
"""AlphaPose's joints with feet (github.com/Fang-Haoshu/Halpe-FullBody)."""

OPENPOSE_BY_COUNT = {25: BODY25, 18: OPENPOSE18}
BY_COUNT = {17: COCO17, 26: HALPE26, 133: COCO17, 136: HALPE26, 16: MPII16}
"""Joint sets of AlphaPose, COCO and MMPose by their number of joints; whole bodies (133, 136) begin with these."""
