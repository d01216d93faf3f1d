"""Finding the landmarks of a rig nobody described, by the names of its joints.

Known are the habits of the CMU conversions, MotionBuilder, Mixamo, Daz/Poser, 3ds Max Biped, Blender, Unreal
and Biovision itself. Names are compared in lower case without prefix, spaces and signs.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from videopose3d.datasets.mocap.body import REFERENCE_LENGTH
from videopose3d.datasets.mocap.rig import RigMotion
from videopose3d.datasets.mocap.rigmap import ASF, RigMap, rest_axes
from videopose3d.errors import FileFormatError
from videopose3d.skeleton import LIMB_JOINTS

# In order of preference: LeftShoulder is the shoulder where there is no LeftArm, else the collar bone.
_PARTS = {
    "shoulder": ("shldr", "shldrbend", "upperarm", "uparm", "arm", "shoulder"),
    "elbow": ("forearm", "forearmbend", "lowerarm", "lowarm", "elbow"),
    "wrist": ("hand", "wrist"),
    "hip": ("upleg", "thigh", "thighbend", "upperleg", "hip"),
    "knee": ("shin", "calf", "lowerleg", "lowleg", "leg", "knee"),
    "ankle": ("foot", "ankle"),
}
_HEADS = ("head",)
_NECKS = ("neck", "neck1", "necklower", "lowerneck", "neck01")
_UNITS = (1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45)
"""Metres, centimetres, millimetres, inches, and the CMU database's inches times 0.45."""
LEG = 0.86
"""Hip to knee to ankle of an adult [m]."""
_STIFF = 1e-3
"""Rotation matrices that differ by less are the same: files round their angles."""

# Where thorax and ears are, seen from the middle between the shoulders of a body of 1.75 m (see body.py) [m].
THORAX_UP, EARS_UP = 0.026, 0.216


def guess_rig(motion: RigMotion) -> tuple[RigMotion, RigMap, float]:
    """The motion with a rest pose that stands upright, its landmarks, and metres per unit.

    Where the rest pose of the file does not stand, the first frame is taken for it.

    Raises:
        FileFormatError: A landmark has no joint with a known name, or nothing stands upright.
    """
    if "lfemur" in motion.names and "lhipjoint" in motion.names:
        return motion, ASF, guess_unit(motion, ASF)
    limbs = _find_limbs(motion)
    head = _first(motion, _HEADS, "the head")
    neck = _first(motion, _NECKS, "the neck", or_else=motion.names[motion.parents[motion.index(head)]])
    soles = [joint for joint in range(len(motion.names)) if _below(motion, joint, (limbs[8], limbs[11]))]
    rig = RigMap(limbs, (), (head, neck, 0.0), head, (head, (0.0, 0.0, 0.0)), tuple(motion.names[j] for j in soles))
    if not _stands(motion, rig):
        motion = rebased(motion, 0)
        if not _stands(motion, rig):
            raise FileFormatError(
                "neither the rest pose nor the first frame stands upright",
                fix="Export the motion with a T-pose as its rest pose or first frame.",
            )
    unit = guess_unit(motion, rig)
    rig = _with_trunk(motion, rig, neck, unit)
    return motion, _standing_on_ankles(motion, rig) if _stiff_feet(motion, rig) else rig, unit


def guess_unit(motion: RigMotion, rig: RigMap) -> float:
    """Metres per unit of length: the known unit that makes the legs most human."""
    points = dict(zip(LIMB_JOINTS, (motion.rest[motion.index(name)] for name in rig.limbs), strict=True))
    leg = sum(
        float(np.linalg.norm(points[f"left_{a}"] - points[f"left_{b}"]))
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    )
    return nearest_unit(leg, LEG)


def nearest_unit(length: float, metres: float) -> float:
    """Metres per unit of length: the known unit in which a length is nearest to what it usually is [m]."""
    return min(_UNITS, key=lambda unit: abs(np.log(max(length, 1e-9) * unit / metres)))


def rebased(motion: RigMotion, frame: int) -> RigMotion:
    """The same motion with the pose of one frame as its rest pose."""
    rest = motion.positions[frame] - motion.positions[frame, 0]
    back = np.swapaxes(motion.rotations[frame], -1, -2)
    return replace(motion, rest=rest, rotations=motion.rotations @ back)


def _with_trunk(motion: RigMotion, rig: RigMap, neck: str, unit: float) -> RigMap:
    """The map with trunk, thorax and skull, placed by the rest pose at the heights of ``body.py``."""
    axes = rest_axes(motion, rig)
    seen = motion.rest @ axes * unit  # (J, 3) forward, left, up [m]
    limb = {joint: seen[motion.index(name)] for joint, name in zip(LIMB_JOINTS, rig.limbs, strict=True)}
    shoulders = (limb["left_shoulder"] + limb["right_shoulder"]) / 2
    hips = (limb["left_hip"] + limb["right_hip"]) / 2
    ratio = (np.linalg.norm(limb["left_ankle"] - hips) + np.linalg.norm(shoulders - hips)) / REFERENCE_LENGTH
    chain = [j for j in _ancestors(motion, motion.index(neck)) if seen[j, 2] > hips[2] + 0.02 * ratio]
    low = chain[-1] if chain else 0
    rise = max(seen[motion.index(neck), 2] - seen[low, 2], 0.01)
    share = float(np.clip((shoulders[2] + THORAX_UP * ratio - seen[low, 2]) / rise, 0.3, 1.7))
    ears = float(np.clip(shoulders[2] + EARS_UP * ratio - seen[motion.index(rig.head), 2], 0.0, 0.15))
    return replace(
        rig,
        trunk=tuple(motion.names[j] for j in chain),
        thorax=(motion.names[low], neck, share),
        skull=(rig.head, (0.01, 0.0, ears)),
    )


def _stiff_feet(motion: RigMotion, rig: RigMap) -> bool:
    """Everything below the ankles turns with the shin: nobody measured the feet, and their ends are no soles."""
    for knee, ankle in ((rig.limbs[7], rig.limbs[8]), (rig.limbs[10], rig.limbs[11])):
        shin = motion.rotations[:, motion.index(knee)]
        foot = [j for j, name in enumerate(motion.names) if name in rig.soles and _below(motion, j, (ankle,))]
        if any(np.abs(motion.rotations[:, j] - shin).max() > _STIFF for j in foot):
            return False
    return True


def _standing_on_ankles(motion: RigMotion, rig: RigMap) -> RigMap:
    """The map whose soles are as far below the ankles as in the rest pose, however the shin leans."""
    heights = motion.rest @ rest_axes(motion, rig)[:, 2]
    ankles = (rig.limbs[8], rig.limbs[11])
    low = min(heights[motion.index(name)] for name in rig.soles)
    below = min(heights[motion.index(name)] for name in ankles) - low
    return replace(rig, soles=ankles, below=float(below))


def _stands(motion: RigMotion, rig: RigMap) -> bool:
    """The rest pose has its ankles well below the hips and its head above, along one axis of the file."""
    limb = {joint: motion.rest[motion.index(name)] for joint, name in zip(LIMB_JOINTS, rig.limbs, strict=True)}
    hips = (limb["left_hip"] + limb["right_hip"]) / 2
    feet = hips - (limb["left_ankle"] + limb["right_ankle"]) / 2
    trunk = motion.rest[motion.index(rig.head)] - hips
    axis = int(np.abs(feet).argmax())
    return bool(feet[axis] > 0.9 * np.linalg.norm(feet) and trunk[axis] > 0.8 * np.linalg.norm(trunk))


def _find_limbs(motion: RigMotion) -> tuple[str, ...]:
    found = {}
    for joint in LIMB_JOINTS:
        side, part = joint.split("_")
        aliases = [form for alias in _PARTS[part] for form in sided_forms(side, alias)]
        if (name := _match(motion, aliases)) is not None:
            found[joint] = name
    if missing := [joint for joint in LIMB_JOINTS if joint not in found]:
        raise FileFormatError(
            f"no joints with known names for {', '.join(missing)}",
            fix=f"The file has {', '.join(motion.names)}. Rename them like LeftUpLeg, LeftLeg, LeftFoot, "
            "LeftArm, LeftForeArm, LeftHand.",
        )
    return tuple(found[joint] for joint in LIMB_JOINTS)


def sided_forms(side: str, alias: str) -> tuple[str, ...]:
    """Ways to write a joint of one side: ``lefthip``, ``lhip``, ``hipleft``, ``hipl``."""
    short = side[0]
    return f"{side}{alias}", f"{short}{alias}", f"{alias}{side}", f"{alias}{short}"


def _first(motion: RigMotion, aliases: tuple[str, ...], what: str, or_else: str | None = None) -> str:
    name = _match(motion, aliases) or or_else
    if name is None:
        raise FileFormatError(f"no joint with a known name for {what}", fix=f"It has {', '.join(motion.names)}.")
    return name


def _match(motion: RigMotion, aliases: list[str] | tuple[str, ...]) -> str | None:
    plain = {_plain(name): name for name in reversed(motion.names)}
    return next((plain[alias] for alias in aliases if alias in plain), None)


def _plain(name: str) -> str:
    """Lower case letters and digits without a name space: ``mixamorig:LeftUpLeg`` -> ``leftupleg``."""
    name = re.sub(r"^(mixamorig\d*|bip0*1|biped)(?=[:_ A-Z])", "", name.rpartition(":")[2], flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _ancestors(motion: RigMotion, joint: int) -> list[int]:
    """Joints from the root down to the parent of a joint."""
    chain = []
    while (joint := motion.parents[joint]) >= 0:
        chain.append(joint)
    return chain[::-1]


def _below(motion: RigMotion, joint: int, tops: tuple[str, ...]) -> bool:
    """The joint is one of ``tops`` or hangs below one."""
    return motion.names[joint] in tops or any(motion.names[j] in tops for j in _ancestors(motion, joint))
