"""Joint sets by name; indices, mirrors and sides are derived from the names, never written twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from videopose3d.errors import SkeletonMismatchError


@dataclass(frozen=True)
class Skeleton:
    """A named set of joints and the bones between them.

    Attributes:
        name: Short name used in files and messages.
        joints: Joint names; ``left_*`` and ``right_*`` are the person's own sides.
        bones: Pairs of joint names, (nearer to the root, farther from it).
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Position of one joint.

        Raises:
            SkeletonMismatchError: The skeleton has no joint of that name.
        """
        try:
            return self.joints.index(joint)
        except ValueError:
            raise SkeletonMismatchError(
                f"no joint named {joint!r}", where=self.name, fix=f"It has {', '.join(self.joints)}."
            ) from None

    def indices(self, joints: Iterable[str]) -> list[int]:
        """Positions of several joints, in the order asked for."""
        return [self.index(joint) for joint in joints]

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """(J,) index of each joint's partner on the other side (itself for a joint in the middle)."""
        return tuple(self.index(_other_side(joint)) for joint in self.joints)

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """(J,) parent of each joint, -1 for a root."""
        parent = {child: self.index(near) for near, child in self.bones}
        return tuple(parent.get(joint, -1) for joint in self.joints)

    @cached_property
    def bone_indices(self) -> tuple[tuple[int, int], ...]:
        """The bones as index pairs."""
        return tuple((self.index(a), self.index(b)) for a, b in self.bones)

    def bone_side(self, bone: tuple[str, str]) -> str:
        """``left``, ``right`` or ``middle``: the side of the bone's far end, else of its near end."""
        for joint in reversed(bone):
            if side(joint) != "middle":
                return side(joint)
        return "middle"


def side(joint: str) -> str:
    """``left``, ``right`` or ``middle``."""
    for name in ("left", "right"):
        if joint.startswith(f"{name}_"):
            return name
    return "middle"


def _other_side(joint: str) -> str:
    match side(joint):
        case "left":
            return "right_" + joint.removeprefix("left_")
        case "right":
            return "left_" + joint.removeprefix("right_")
    return joint


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _chains(*chains: str) -> tuple[tuple[str, str], ...]:
    """Bones of several chains of joints: ``"a b c"`` gives (a, b), (b, c)."""
    return tuple(pair for chain in chains for pair in zip(chain.split(), chain.split()[1:], strict=False))


_LIMBS = (
    "left_shoulder left_elbow left_wrist",
    "right_shoulder right_elbow right_wrist",
    "left_hip left_knee left_ankle",
    "right_hip right_knee right_ankle",
)

COCO17 = Skeleton(
    "coco17",
    _names(
        "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
        "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
    ),
    _chains(
        "nose left_eye left_ear",
        "nose right_eye right_ear",
        *_LIMBS,
        "left_shoulder right_shoulder",
        "left_hip right_hip",
        "left_shoulder left_hip",
        "right_shoulder right_hip",
    ),
)

H36M17 = Skeleton(
    "h36m17",
    _names(
        "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine thorax neck head "
        "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist"
    ),
    _chains(
        "pelvis right_hip right_knee right_ankle",
        "pelvis left_hip left_knee left_ankle",
        "pelvis spine thorax neck head",
        "thorax left_shoulder left_elbow left_wrist",
        "thorax right_shoulder right_elbow right_wrist",
    ),
)

HUMANEVA15 = Skeleton(
    "humaneva15",
    _names(
        "pelvis thorax left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist "
        "left_hip left_knee left_ankle right_hip right_knee right_ankle head"
    ),
    _chains(
        "pelvis thorax left_shoulder left_elbow left_wrist",
        "thorax right_shoulder right_elbow right_wrist",
        "pelvis left_hip left_knee left_ankle",
        "pelvis right_hip right_knee right_ankle",
        "thorax head",
    ),
)

# HumanEva's body pose as it is: both ends of every limb, so elbows and knees are there twice. The order follows
# from the published swap lists and from the order of the 15 joints.
HUMANEVA20 = Skeleton(
    "humaneva20",
    _names(
        "pelvis thorax neck "
        "left_shoulder left_elbow left_forearm left_wrist right_shoulder right_elbow right_forearm right_wrist "
        "left_hip left_knee left_shin left_ankle right_hip right_knee right_shin right_ankle head"
    ),
    _chains(
        "pelvis thorax neck head",
        "thorax left_shoulder left_elbow left_forearm left_wrist",
        "thorax right_shoulder right_elbow right_forearm right_wrist",
        "pelvis left_hip left_knee left_shin left_ankle",
        "pelvis right_hip right_knee right_shin right_ankle",
    ),
)

MPII16 = Skeleton(
    "mpii16",
    _names(
        "right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax upper_neck head_top "
        "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist"
    ),
    _chains(
        "pelvis right_hip right_knee right_ankle",
        "pelvis left_hip left_knee left_ankle",
        "pelvis thorax upper_neck head_top",
        "thorax left_shoulder left_elbow left_wrist",
        "thorax right_shoulder right_elbow right_wrist",
    ),
)

BLAZEPOSE33 = Skeleton(
    "blazepose33",
    _names(
        "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_ear "
        "right_ear left_mouth right_mouth left_shoulder right_shoulder left_elbow right_elbow left_wrist "
        "right_wrist left_pinky right_pinky left_index right_index left_thumb right_thumb left_hip "
        "right_hip left_knee right_knee left_ankle right_ankle left_heel right_heel left_foot_index "
        "right_foot_index"
    ),
    _chains(
        "nose left_eye_inner left_eye left_eye_outer left_ear",
        "nose right_eye_inner right_eye right_eye_outer right_ear",
        *_LIMBS,
        "left_shoulder right_shoulder",
        "left_hip right_hip",
        "left_shoulder left_hip",
        "right_shoulder right_hip",
        "left_ankle left_heel left_foot_index",
        "right_ankle right_heel right_foot_index",
    ),
)

SKELETONS = {s.name: s for s in (COCO17, H36M17, HUMANEVA15, HUMANEVA20, MPII16, BLAZEPOSE33)}

LIMB_JOINTS = tuple(joint for chain in _LIMBS for joint in chain.split())
"""The twelve joints that every joint set shares: shoulders, elbows, wrists, hips, knees, ankles."""


def skeleton_of(joints: Iterable[str]) -> Skeleton:
    """The known skeleton with exactly these joints in this order.

    Raises:
        SkeletonMismatchError: No known skeleton has them.
    """
    names = tuple(joints)
    for skeleton in SKELETONS.values():
        if skeleton.joints == names:
            return skeleton
    raise SkeletonMismatchError(
        f"unknown joint set of {len(names)} joints ({', '.join(names[:3])}, ...)",
        fix=f"Known sets: {', '.join(SKELETONS)}.",
    )
