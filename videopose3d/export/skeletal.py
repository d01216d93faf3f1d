"""Joint positions as the motion of a skeleton: bones of constant length, a T-pose, rotations. See docs/formats/bvh.md.

Y up, metres. The rest pose faces +Z with its left along +X. Letters: T frames, B bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videopose3d.errors import SkeletonMismatchError
from videopose3d.export.rotations import continuous, frames, quaternions, swing, turn, unit
from videopose3d.export.upright import Array, lifted, upright
from videopose3d.skeleton import LIMB_JOINTS, Skeleton
from videopose3d.types import BoolArray, Result

_TRUNK = ("pelvis", "spine", "thorax", "neck", "head")
_ROUNDS = 10
"""Of fitting constant bones to the joints; more change less than 0.1 mm."""
_SMOOTHING = 0.1
"""Standard deviation of the window that twists are smoothed with [s]."""
_BELIEF = 0.15
"""Weight of "not twisted" against a limb bent at a right angle, which shows its twist best."""
_SURE = 0.02
"""The same against the shoulders, which show the twist of the chest."""


@dataclass(frozen=True)
class Bone:
    """One joint of the files and what hangs on it.

    Attributes:
        name: As motion capture files call it.
        parent: Index of the bone it hangs on, -1 for the hips.
        at: Joint of the pose where it starts.
        to: Joint where it ends; empty where none was found (hands, feet): it then moves with its parent.
        rest: (3,) direction in the T-pose; zeros for the hips.
        share: Length in parts of the parent's, for a bone whose end is not known.
    """

    name: str
    parent: int
    at: str
    to: str
    rest: tuple[float, float, float]
    share: float = 0.0


@dataclass(frozen=True)
class Motion:
    """A person as a moving skeleton.

    Attributes:
        person: Counted from 0.
        bones: B bones, every parent before its children, in the order of a BVH file.
        offsets: (B, 3) start of each bone, from the start of its parent in the rest pose [m].
        tips: (B, 3) end of each bone from its start in the rest pose [m].
        root: (T, 3) place of the hips [m].
        turns: (T, B, 4) rotation of each bone in its parent, quaternions w, x, y, z without jumps of sign.
        posed: (T,) the frame has a pose; in the others root and turns lie between those of the neighbours.
    """

    person: int
    bones: tuple[Bone, ...]
    offsets: Array
    tips: Array
    root: Array
    turns: Array
    posed: BoolArray


def motions(result: Result) -> list[Motion]:
    """Everybody who has a pose in the clip, as moving skeletons on the ground (`upright.upright`).

    Raises:
        SkeletonMismatchError: The poses lack a joint that a skeleton needs.
        VideoPose3DError: The result has no 3D poses.
    """
    poses = lifted(result)
    bones = rig(poses.skeleton)
    points = upright(result, fill=True)
    found = []
    for person in moving(result):
        posed: BoolArray = np.isfinite(points[person]).all((-1, -2))
        joints = {name: points[person, posed, number] for number, name in enumerate(poses.skeleton.joints)}
        found.append(_motion(person, bones, joints, posed, result.fps))
    return found


def moving(result: Result) -> list[int]:
    """Who has a whole pose in some frame, counted from 0."""
    posed = np.isfinite(lifted(result).poses).all((-1, -2)).any(-1)
    return [int(person) for person in np.flatnonzero(posed)]


def rig(skeleton: Skeleton) -> tuple[Bone, ...]:
    """The bones that join the joints of a skeleton, named as in the files of the CMU motion capture database.

    Joints with several children have one bone per child, so that every joint can be where it was found:
    ``LHipJoint``, ``RHipJoint`` and ``Spine`` start in the hips, ``Neck`` and the shoulders at the thorax.

    Raises:
        SkeletonMismatchError: Pelvis, thorax, head or a limb is missing.
    """
    trunk = [joint for joint in _TRUNK if joint in skeleton.joints]
    if missing := {"pelvis", "thorax", "head", *LIMB_JOINTS} - set(skeleton.joints):
        raise SkeletonMismatchError(
            f"a moving skeleton needs {', '.join(sorted(missing))}", where=skeleton.name, fix="Export .json or .csv."
        )
    bones = [Bone("Hips", -1, "pelvis", "", (0.0, 0.0, 0.0))]

    def hang(parent: str, name: str, at: str, to: str, rest: tuple[float, float, float], share: float = 0.0) -> None:
        numbers = {bone.name: number for number, bone in enumerate(bones)}
        bones.append(Bone(name, numbers[parent], at, to, rest, share))

    for left in (True, False):
        letter, side, x = ("L", "left", 1.0) if left else ("R", "right", -1.0)
        hang("Hips", f"{letter}HipJoint", "pelvis", f"{side}_hip", (x, 0.0, 0.0))
        hang(f"{letter}HipJoint", f"{side.title()}UpLeg", f"{side}_hip", f"{side}_knee", (0.0, -1.0, 0.0))
        hang(f"{side.title()}UpLeg", f"{side.title()}Leg", f"{side}_knee", f"{side}_ankle", (0.0, -1.0, 0.0))
        hang(f"{side.title()}Leg", f"{side.title()}Foot", f"{side}_ankle", "", _pitched(110.0), 0.42)
    chest = "Hips"
    for name, (at, to) in zip(("Spine", "Spine1"), _pairs(trunk[: trunk.index("thorax") + 1]), strict=False):
        hang(chest, name, at, to, (0.0, 1.0, 0.0))
        chest = name
    above = trunk[trunk.index("thorax") :]
    hang(chest, "Neck", above[0], above[1], _pitched(22.0))  # the neck joint is behind the mouth, the head joint
    hang("Neck", "Head", above[1], "".join(above[2:]), _pitched(-14.0), 0.6)  # above it: at rest the gaze is level
    slope = float(np.cos(np.radians(9.0))), float(np.sin(np.radians(9.0)))  # shoulders are lower than the thorax
    for left in (True, False):
        side, x = ("left", 1.0) if left else ("right", -1.0)
        hang(chest, f"{side.title()}Shoulder", "thorax", f"{side}_shoulder", (x * slope[0], -slope[1], 0.0))
        hang(f"{side.title()}Shoulder", f"{side.title()}Arm", f"{side}_shoulder", f"{side}_elbow", (x, 0.0, 0.0))
        hang(f"{side.title()}Arm", f"{side.title()}ForeArm", f"{side}_elbow", f"{side}_wrist", (x, 0.0, 0.0))
        hang(f"{side.title()}ForeArm", f"{side.title()}Hand", f"{side}_wrist", "", (x, 0.0, 0.0), 0.5)
    return tuple(bones)


def rest_positions(motion: Motion) -> Array:
    """(B, 3) start of each bone in the T-pose, the hips above the origin and the feet on Y = 0 [m]."""
    starts = motion.offsets.copy()
    for number, bone in enumerate(motion.bones):
        if bone.parent >= 0:
            starts[number] += starts[bone.parent]
    starts[:, 1] -= (starts + motion.tips)[:, 1].min()
    return starts


def _pairs(joints: list[str]) -> list[tuple[str, str]]:
    return list(zip(joints, joints[1:], strict=False))


def _pitched(degrees: float) -> tuple[float, float, float]:
    """A direction tilted forward from straight up."""
    angle = np.radians(degrees)
    return 0.0, float(np.cos(angle)), float(np.sin(angle))


def _motion(person: int, bones: tuple[Bone, ...], joints: dict[str, Array], posed: BoolArray, fps: Fraction) -> Motion:
    offsets, tips = _lengths(bones, joints)
    joints = _stiffened(bones, joints, np.linalg.norm(tips, axis=-1))
    world = _rotations(bones, joints, float(fps))
    turns = np.empty((len(world), len(bones), 4))
    for number, bone in enumerate(bones):
        carrier = world[:, bone.parent] if bone.parent >= 0 else np.eye(3)
        turns[:, number] = quaternions(np.swapaxes(carrier, -1, -2) @ world[:, number])
    turns = _filled(continuous(turns), posed)
    turns /= np.linalg.norm(turns, axis=-1, keepdims=True)
    return Motion(person, bones, offsets, tips, _filled(joints["pelvis"], posed), turns, posed)


def _lengths(bones: tuple[Bone, ...], joints: dict[str, Array]) -> tuple[Array, Array]:
    """(offsets, tips) of the rest pose: every bone as long as in the median frame."""
    offsets, tips = np.zeros((2, len(bones), 3))
    for number, bone in enumerate(bones):
        if bone.to:
            length = float(np.median(np.linalg.norm(joints[bone.to] - joints[bone.at], axis=-1)))
        else:
            length = bone.share * float(np.linalg.norm(tips[bone.parent]))
        tips[number] = length * np.array(bone.rest)
        if bone.parent >= 0 and bone.at == bones[bone.parent].to:
            offsets[number] = tips[bone.parent]
    return offsets, tips


def _stiffened(bones: tuple[Bone, ...], joints: dict[str, Array], lengths: Array) -> dict[str, Array]:
    """The joints moved as little as constant bones allow.

    Each bone in turn pulls both its ends by half of what its length is wrong. Without this, all errors of length
    between the pelvis and a foot would move the foot.
    """
    moved = {name: points.copy() for name, points in joints.items()}
    for _ in range(_ROUNDS):
        for bone, length in zip(bones, lengths, strict=True):
            if bone.to:
                along = moved[bone.to] - moved[bone.at]
                wrong = 1 - length / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
                moved[bone.at] += wrong / 2 * along
                moved[bone.to] -= wrong / 2 * along
    return moved


def _rotations(bones: tuple[Bone, ...], joints: dict[str, Array], fps: float) -> Array:
    """(T, B, 3, 3) turn of each bone from the rest pose.

    A position does not say how a bone is twisted about itself. The hips follow both hip joints and the spine, the
    chest the shoulders, thigh and upper arm the plane in which knee and elbow bend. All others twist as little
    as they can against their parent.
    """
    world = np.empty((len(joints["pelvis"]), len(bones), 3, 3))
    first = next(bone.to for bone in bones if bone.name == "Spine")
    world[:, 0] = frames(joints["left_hip"] - joints["right_hip"], joints[first] - joints["pelvis"])
    for number, bone in enumerate(bones[1:], 1):
        carried = world[:, bone.parent]
        if not bone.to:
            world[:, number] = carried
            continue
        rest = np.array(bone.rest)
        before = carried @ rest
        direction = unit(joints[bone.to] - joints[bone.at])
        direction = np.where(np.linalg.norm(direction, axis=-1, keepdims=True) > 0.5, direction, before)
        world[:, number] = swing(before, direction) @ carried
        if (hint := _twist_hint(bone, joints)) is not None:
            aim, mark, belief = hint
            seen = np.einsum("tba,tb->ta", world[:, number], aim)
            angle = _twist(seen, rest, mark, belief, _SMOOTHING * fps if belief == _BELIEF else 0.0)
            world[:, number] = world[:, number] @ turn(rest, angle)
    return world


def _twist_hint(bone: Bone, joints: dict[str, Array]) -> tuple[Array, Array, float] | None:
    """(direction in the world (T, 3), which direction (3,) of the bone should point there, belief in no twist)."""
    side = bone.at.partition("_")[0]
    if bone.name.endswith("UpLeg"):
        return unit(joints[f"{side}_ankle"] - joints[f"{side}_knee"]), np.array([0.0, 0.0, -1.0]), _BELIEF
    if bone.name.endswith("Arm") and "Fore" not in bone.name:
        return unit(joints[f"{side}_wrist"] - joints[f"{side}_elbow"]), np.array([0.0, 0.0, 1.0]), _BELIEF
    if bone.to == "thorax":
        return unit(joints["left_shoulder"] - joints["right_shoulder"]), np.array([1.0, 0.0, 0.0]), _SURE
    return None


def _twist(seen: Array, axis: Array, mark: Array, belief: float, smoothing: float) -> Array:
    """(T,) angle about ``axis`` that brings ``mark`` towards what is seen [rad].

    The angle is that of a sum of complex numbers: what is seen, the weaker the straighter the limb and the nearer
    to half a turn, and a belief in no twist. The sum never becomes zero, so the angle never jumps.
    """
    cosine, sine = seen @ mark, seen @ np.cross(axis, mark)
    across = np.hypot(cosine, sine)
    trust = across * (across + cosine) / 2  # sin^2 of the bend, times (1 + cos) / 2 of the angle
    pointer = trust * (cosine + 1j * sine) / np.maximum(across, 1e-9) + belief
    return np.asarray(np.angle(_smooth(pointer, smoothing)), np.float64)


def _smooth(values: NDArray[np.complex128], sigma: float) -> NDArray[np.complex128]:
    """Mean over a Gaussian window, the ends held."""
    reach = int(np.ceil(3 * sigma))
    if reach == 0:
        return values
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    smooth: NDArray[np.complex128] = np.convolve(np.pad(values, reach, mode="edge"), window / window.sum(), "valid")
    return smooth


def _filled(values: Array, known: BoolArray) -> Array:
    """(T, ...) from the values of the known frames: straight lines between them, the ends held."""
    at, flat = np.flatnonzero(known), values.reshape(len(values), -1)
    columns = [np.interp(np.arange(len(known)), at, column) for column in flat.T]
    filled: Array = np.stack(columns, -1).reshape(len(known), *values.shape[1:])
    return filled
