"""GLB (binary glTF 2.0): everybody as an animated, skinned mannequin. Metres, Y up. See docs/formats/glb.md.

Format: Khronos Group, "glTF 2.0 Specification" (2021), sections 3.7 (meshes, skins), 3.10 (cameras), 3.11 (animation).
"""

from __future__ import annotations

from math import atan
from pathlib import Path

import numpy as np

from videopose3d import __version__
from videopose3d.export.contacts import stances
from videopose3d.export.gltf import ATTRIBUTE, INDEX, Gltf, Json
from videopose3d.export.mannequin import SIDES, mannequin
from videopose3d.export.rotations import quaternions
from videopose3d.export.skeletal import Motion, motions, rest_positions
from videopose3d.export.upright import AXES, Array, camera_pose, lifted
from videopose3d.types import Result

# The colours of the rendered video (render/theme.py), sRGB.
_COLOURS = {"left": (86, 180, 233), "right": (240, 150, 20), "middle": (236, 239, 244)}


def write(result: Result, path: Path) -> None:
    """Write ``path``: one animation that moves everybody; a scene without people where nobody was found."""
    people = motions(result)
    gltf = Gltf(_header(result, people))
    nodes: list[int] = []
    if people:
        materials = {side: gltf.add("materials", _material(side)) for side in SIDES}
        times = _times(gltf, result)
        animation: Json = {"name": "motion", "channels": [], "samplers": []}
        if result.world is not None:
            animation["extras"] = {"contacts": [stances(result, motion.person) for motion in people]}
        for motion in people:
            first = _add_skeleton(gltf, motion)
            nodes += [first - 1, _add_body(gltf, motion, first, materials)]
            _animate(gltf, animation, motion, first, times)
        gltf.add("animations", animation)
        nodes += _add_camera(gltf, result)
    gltf.document["scenes"][0] |= {"nodes": nodes} if nodes else {}
    gltf.write(path)


def _header(result: Result, people: list[Motion]) -> Json:
    kp, poses = result.keypoints, lifted(result)
    facts = {
        "source": kp.source,
        "detector": kp.detector,
        "lifter": poses.lifter,
        "fps": [kp.fps.numerator, kp.fps.denominator],
        "frame_count": kp.frames,
        "unit": "m",
        "axes": AXES,
        "joint_names": [bone.name for bone in people[0].bones] if people else [],
    }
    return {
        "asset": {"version": "2.0", "generator": f"videopose3d {__version__}", "extras": facts},
        "scene": 0,
        "scenes": [{"name": Path(kp.source).stem or "videopose3d"}],
    }


def _material(side: str) -> Json:
    """Colours in glTF are linear: the sRGB curve (IEC 61966-2-1) is undone."""
    linear = [(c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in _COLOURS[side]]
    surface = {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}
    return {"name": side.capitalize(), "pbrMetallicRoughness": surface}


def _times(gltf: Gltf, result: Result) -> int:
    seconds = np.arange(result.keypoints.frames) / float(result.fps)
    return gltf.array(seconds.astype(np.float32), bounds=True)


def _add_skeleton(gltf: Gltf, motion: Motion) -> int:
    """Append the person and its bones in the T-pose; the index of the first bone, which the others follow."""
    first = len(gltf.document.get("nodes", [])) + 1
    gltf.add("nodes", {"name": f"Person {motion.person + 1}", "children": [first]})
    starts = rest_positions(motion)
    for number, bone in enumerate(motion.bones):
        offset = motion.offsets[number] if bone.parent >= 0 else starts[0]
        node: Json = {"name": bone.name, "translation": offset.tolist(), "rotation": [0.0, 0.0, 0.0, 1.0]}
        if children := [first + child for child, other in enumerate(motion.bones) if other.parent == number]:
            node["children"] = children
        gltf.add("nodes", node)
    return first


def _add_body(gltf: Gltf, motion: Motion, first: int, materials: dict[str, int]) -> int:
    """Append the mesh with its skin; the index of its node, which has to be at the root of the scene."""
    mesh, bones = mannequin(motion), len(motion.bones)
    joints, weights = np.zeros((2, len(mesh.points), 4), np.uint8)
    joints[:, 0], weights[:, 0] = mesh.bones, 255
    attributes = {
        "POSITION": gltf.array(mesh.points.astype(np.float32), target=ATTRIBUTE, bounds=True),
        "NORMAL": gltf.array(mesh.normals.astype(np.float32), target=ATTRIBUTE),
        "JOINTS_0": gltf.array(joints, target=ATTRIBUTE),
        "WEIGHTS_0": gltf.array(weights, target=ATTRIBUTE, normalized=True),
    }
    primitives = [
        {
            "attributes": attributes,
            "indices": gltf.array(triangles.reshape(-1), target=INDEX),
            "material": materials[side],
        }
        for side, triangles in mesh.triangles.items()
    ]
    to_bone = np.tile(np.eye(4, dtype=np.float32), (bones, 1, 1))
    to_bone[:, 3, :3] = -rest_positions(motion)  # columns first: the translation is the last row
    skin = {
        "name": f"Skin {motion.person + 1}",
        "skeleton": first,
        "joints": [*range(first, first + bones)],
        "inverseBindMatrices": gltf.array(to_bone.reshape(bones, 16)),
    }
    body = f"Body {motion.person + 1}"
    node = {
        "name": body,
        "mesh": gltf.add("meshes", {"name": body, "primitives": primitives}),
        "skin": gltf.add("skins", skin),
    }
    return gltf.add("nodes", node)


def _animate(gltf: Gltf, animation: Json, motion: Motion, first: int, times: int) -> None:
    """Append the channels of one person: place of the hips, rotation of every bone that turns, and absence."""

    def channel(bone: int, path: str, values: Array, interpolation: str = "LINEAR") -> None:
        sampler = {"input": times, "output": gltf.array(values.astype(np.float32)), "interpolation": interpolation}
        animation["channels"].append(
            {"sampler": len(animation["samplers"]), "target": {"node": first + bone, "path": path}}
        )
        animation["samplers"].append(sampler)

    channel(0, "translation", motion.root)
    for number, bone in enumerate(motion.bones):
        if bone.to or bone.parent < 0:
            channel(number, "rotation", motion.turns[:, number, [1, 2, 3, 0]])
    if not motion.posed.all():  # a person of size zero is not drawn (section 3.5.2 of the specification)
        channel(0, "scale", np.repeat(motion.posed[:, None].astype(np.float64), 3, 1), "STEP")


def _add_camera(gltf: Gltf, result: Result) -> list[int]:
    """Append the camera that filmed the clip, where its focal length is known; the nodes it takes."""
    if not result.focal or (seen_from := camera_pose(result)) is None:
        return []
    turn, place = seen_from
    width, height = result.keypoints.size
    view = {"yfov": 2 * atan(height / 2 / result.focal), "aspectRatio": width / height, "znear": 0.05}
    camera = gltf.add("cameras", {"type": "perspective", "perspective": view})
    rotation = quaternions(turn)[[1, 2, 3, 0]].tolist()
    return [
        gltf.add("nodes", {"name": "Camera", "camera": camera, "translation": place.tolist(), "rotation": rotation})
    ]
