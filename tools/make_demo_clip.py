"""Render the bundled demo clip and its exact 3D truth.

Run by hand from the repository, with the package and its extra [synth] installed:

    python tools/make_demo_clip.py --mocap MOCAP

Writes demo.mp4 and demo_truth.npz; what is in them and whose they are: tools/README.md. It takes about five minutes
on one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import synth_raster as sr
from numpy.typing import NDArray
from synth_clothes import Figure, dress, pose_figure
from synth_person import SKIN_COUNT, SOLE, Body, bend_fingers, hold_feet, retarget

from videopose3d.datasets.mocap.body import H36M_HEAD, H36M_NECK, NOSE, SPINE_FRACTION, body_axes, chin_up, unit
from videopose3d.datasets.mocap.library import cmu_clips
from videopose3d.datasets.mocap.rig import axis_rotation
from videopose3d.files import replacing
from videopose3d.skeleton import COCO17, H36M17

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What the clip shows.

    Attributes:
        clip: Path of the CMU trial, as in ``clips.csv``.
        start: First frame of it (120 Hz).
        stop: Past its last frame.
        fps: Pictures per second.
        yaw: Turn of the person about the upright axis; 0 looks as the motion does [degrees].
        size: Width and height [px].
        field_of_view: Horizontal [degrees].
        camera: Where it stands [m]; it looks along y.
        pitch: How far it looks down [degrees].
        exposure: Brightness.
        crouch: See `hold_feet`.
        finger_curl: Bend of the fingers [degrees].
        shape: The body (`anny` phenotype).
        palette: (6, 3) linear base colours of skin, shirt, trousers, shoes, eyes, hair.
    """

    clip: str = "cyun9601/02/02_06.amc"
    start: int = 30
    stop: int = 710
    fps: int = 30
    yaw: float = -25.0
    size: tuple[int, int] = (1280, 720)
    field_of_view: float = 56.0
    camera: tuple[float, float, float] = (0.0, -4.6, 1.25)
    pitch: float = 3.2
    exposure: float = 1.05
    crouch: float = 0.72
    finger_curl: float = 32.0
    shape: tuple[tuple[str, float], ...] = (
        ("gender", 0.05), ("age", 0.667), ("muscle", 0.55), ("weight", 0.42), ("height", 0.38), ("proportions", 0.6),
    )  # fmt: skip
    palette: tuple[tuple[float, float, float], ...] = (
        (0.56, 0.335, 0.235), (0.045, 0.20, 0.27), (0.062, 0.066, 0.085), (0.42, 0.42, 0.40), (0.6, 0.6, 0.6),
        (0.050, 0.030, 0.018),
    )  # fmt: skip


RUG = 0.004
ROOM = np.array([-2.9, -5.8, 0.0, 3.3, 2.5, 2.75])
WINDOW = np.array([[-2.88, -3.5, 1.2], [0.0, 1.4, 0.0], [0.0, 0.0, 1.2]])
WINDOW_STRENGTH = 2.4


def log(text: str) -> None:
    """One line to stderr."""
    sys.stderr.write(f"{text}\n")


def make_things() -> Array:
    """(N, 13) what stands and hangs in the room.

    A row is: kind (0 box, 1 sphere, 2 upright cylinder), six numbers of its shape [m], look (0 plain, 1 wood,
    2 painting, 3 rug), three of its colour, seed, own light.
    """
    white, dark = (0.70, 0.69, 0.66), (0.05, 0.05, 0.055)
    wood, things = (1.15, 1.05, 0.95), []

    def add(kind: int, shape: tuple[float, ...], colour: tuple[float, ...], look: int = 0, seed: float = 0.0,
            glow: float = 0.0) -> None:  # fmt: skip
        things.append([kind, *shape, *(0.0,) * (6 - len(shape)), look, *colour, seed, glow])

    x0, y0, _, x1, y1, _ = ROOM
    for box in ((x0, y1 - 0.018, 0, 1.58, y1, 0.10), (2.72, y1 - 0.018, 0, x1, y1, 0.10),
                (x0, y0, 0, x0 + 0.018, y1, 0.10), (x1 - 0.018, y0, 0, x1, y1, 0.10)):  # fmt: skip
        add(0, box, white)  # skirting boards
    add(0, (1.58, y1 - 0.035, 0, 1.67, y1, 2.10), white)  # door: frame left, right, top, leaf, panels, handle
    add(0, (2.63, y1 - 0.035, 0, 2.72, y1, 2.10), white)
    add(0, (1.58, y1 - 0.035, 2.02, 2.72, y1, 2.11), white)
    add(0, (1.67, y1 - 0.012, 0.008, 2.63, y1, 2.02), (0.64, 0.63, 0.60))
    for low, high in ((0.22, 0.92), (1.10, 1.86)):
        for left in (1.80, 2.22):
            add(0, (left, y1 - 0.020, low, left + 0.30, y1, high), (0.67, 0.66, 0.63))
    add(0, (1.715, y1 - 0.035, 0.98, 1.755, y1, 1.10), (0.45, 0.44, 0.42))
    add(0, (1.715, y1 - 0.060, 1.045, 1.86, y1 - 0.045, 1.068), (0.5, 0.49, 0.46))
    # Pictures: frame, mount, painting.
    for left, right, low, high, seed in ((-0.95, 0.05, 1.30, 2.02, 2.0), (0.34, 0.86, 1.42, 1.92, 6.0)):
        add(0, (left, y1 - 0.030, low, right, y1, high), dark)
        add(0, (left + 0.03, y1 - 0.032, low + 0.03, right - 0.03, y1, high - 0.03), (0.72, 0.71, 0.68))
        add(0, (left + 0.11, y1 - 0.034, low + 0.10, right - 0.11, y1, high - 0.10), white, 2, seed)
    # Sideboard with books, a vase and a lamp.
    add(0, (-2.45, y1 - 0.44, 0.72, -0.98, y1 - 0.01, 0.755), wood, 1, 0.55)
    add(0, (-2.42, y1 - 0.42, 0.16, -1.01, y1 - 0.01, 0.72), wood, 1, 0.35)
    for left in (-2.38, -1.91, -1.44):
        add(0, (left, y1 - 0.432, 0.20, left + 0.43, y1 - 0.01, 0.68), (0.60, 0.585, 0.55))
        add(0, (left + 0.19, y1 - 0.445, 0.60, left + 0.24, y1 - 0.01, 0.615), dark)
    for left in (-2.38, -1.09):
        for back in (-0.40, -0.08):
            add(2, (left, y1 + back, 0.0, 0.018, 0.16), (0.10, 0.06, 0.035))
    x = -2.33
    for wide, high, colour in ((0.035, 0.24, (0.35, 0.07, 0.05)), (0.045, 0.27, (0.07, 0.14, 0.22)),
                               (0.03, 0.22, (0.55, 0.45, 0.22)), (0.04, 0.25, (0.08, 0.17, 0.12)),
                               (0.05, 0.23, (0.50, 0.48, 0.44)), (0.03, 0.26, (0.30, 0.14, 0.07))):  # fmt: skip
        add(0, (x, y1 - 0.30, 0.755, x + wide, y1 - 0.12, 0.755 + high), colour)
        x += wide + 0.003
    add(1, (-1.75, y1 - 0.22, 0.84, 0.085), (0.36, 0.13, 0.07))
    add(2, (-1.75, y1 - 0.22, 0.90, 0.034, 0.97), (0.36, 0.13, 0.07))
    add(2, (-1.28, y1 - 0.22, 0.755, 0.07, 0.775), dark)
    add(2, (-1.28, y1 - 0.22, 0.77, 0.010, 1.04), (0.35, 0.30, 0.20))
    add(2, (-1.28, y1 - 0.22, 1.02, 0.125, 1.25), (0.80, 0.70, 0.52), 0, 0.0, 0.75)
    add(0, (-1.75, -1.15, 0.0, 1.65, 1.05, 0.006), (0.40, 0.36, 0.30), 3)  # rug
    return np.array(things)


# ---------------------------------------------------------------------------------------------------------------
# Motion and truth


def animate(scene: Scene, mocap: Path, body: Body) -> tuple[Array, Array]:
    """Bone rotations (T, J, 3, 3) and root (T, 3) of the clip, feet on the floor, the person over x = y = 0."""
    motion = next(clip for row, clip, *_ in cmu_clips(mocap / "cmu") if row["path"] == scene.clip)
    frames = slice(scene.start, scene.stop, round(motion.fps / scene.fps))
    rotations, root = retarget(motion, body, frames)
    upright = axis_rotation("z", np.radians(scene.yaw))
    rotations, root = upright @ rotations, root @ upright.T
    bend_fingers(body, rotations, scene.finger_curl)
    floor = body.rest[:SKIN_COUNT, 2].min() - SOLE
    sole = float(body.heads[body.index["LeftToeBase"], 2] - floor)
    rotations, root = hold_feet(body, rotations, root, sole, scene.crouch)
    root[:, 2] += RUG
    root[:, :2] -= 0.5 * (root[:, :2].min(0) + root[:, :2].max(0))
    return rotations, root


def joints_17(body: Body, keypoints: Array, rotations: Array, heads: Array) -> Array:
    """(T, 17, 3) Human3.6M joints [m] in world axes.

    Knees, ankles, elbows and wrists are the regressor's surface averages; hips and shoulders are joint centres
    refitted to the skin; spine, neck and head are defined as for the motion capture that lifters are trained on.
    """
    named = dict(zip(body.keypoint_names, np.moveaxis(keypoints, 1, 0), strict=True))
    at: dict[str, Array] = {}
    for side, big in (("left", "Left"), ("right", "Right")):
        for joint, bone in (("hip", f"{big}UpLeg"), ("shoulder", f"{big}Arm")):
            j = body.index[bone]
            at[f"{side}_{joint}"] = heads[:, j] + rotations[:, j] @ (body.joint_centre(bone) - body.heads[j])
        for joint in ("knee", "ankle", "elbow", "wrist"):
            at[f"{side}_{joint}"] = named[f"{side}_{joint}"]
    stature = np.ptp(body.rest[:SKIN_COUNT, 2])
    at["pelvis"] = (at["left_hip"] + at["right_hip"]) / 2
    at["neck"], at["head"] = head_joints(named, stature)
    middle = (at["left_shoulder"] + at["right_shoulder"]) / 2
    at["thorax"] = middle + 0.015 * stature * unit(at["head"] - middle)
    at["spine"] = at["pelvis"] + SPINE_FRACTION * (at["thorax"] - at["pelvis"])
    return np.stack([at[name] for name in H36M17.joints], 1)


def head_joints(named: Mapping[str, Array], stature: float) -> tuple[Array, Array]:
    """(T, 3) neck and head joints [m] from the points of the face, where the training data has them."""
    ears = (named["left_ear"] + named["right_ear"]) / 2
    left = named["left_ear"] - named["right_ear"]
    nose_drop = np.degrees(np.arctan2(-NOSE[2], NOSE[0]))
    axes = body_axes(left, np.cross(named["nose"] - ears, left)) @ chin_up(nose_drop)
    neck, head = (ears + axes @ (np.array(offset) / 1e3 * stature / 1.75) for offset in (H36M_NECK, H36M_HEAD))
    return neck, head


# ---------------------------------------------------------------------------------------------------------------
# Pictures


@dataclass(frozen=True)
class Backdrop:
    """The empty room.

    Attributes:
        ambient: (H, W, 3) light from around.
        direct: (H, W, 3) light from the window.
        where: (H, W, 3) points [m].
        floor: (H, W) True where the person may cast a shadow.
    """

    ambient: Array
    direct: Array
    where: Array
    floor: Any


def make_backdrop(camera: sr.Camera, rays: int = 16) -> Backdrop:
    """Cast the room at twice the size and shrink it."""
    fine = camera.scaled(2)
    view = np.concatenate([fine.position[None], fine.rotation])
    width, height = fine.size
    parts = sr.cast_room(make_things(), ROOM, WINDOW, WINDOW_STRENGTH, view, fine.focal, width, height, rays)
    ambient, direct, where = (sr.shrink(part, 2) for part in parts)
    near = (where[..., 2] < 0.02) & (np.abs(where[..., :2]) < 2.2).all(-1)
    return Backdrop(ambient, direct, where, near)


@dataclass(frozen=True)
class Stage:
    """All that stays the same from picture to picture."""

    scene: Scene
    camera: sr.Camera
    figure: Figure
    lights: sr.Lights
    backdrop: Backdrop


def set_stage(scene: Scene, body: Body, rays: int = 16) -> Stage:
    """Dress the person, light and build the room."""
    focal = scene.size[0] / 2 / np.tan(np.radians(scene.field_of_view / 2))
    camera = sr.Camera(np.array(scene.camera), np.radians(scene.pitch), focal, scene.size)
    lights = sr.make_lights(WINDOW, np.array([0.0, 0.0, 1.0]), 0.75 * WINDOW_STRENGTH, 25, 40)
    return Stage(scene, camera, dress(body), lights, make_backdrop(camera, rays))


def draw(stage: Stage, vertices: Array) -> NDArray[np.uint8]:
    """(H, W, 3) one picture of the posed figure."""
    figure, lights, back = stage.figure, stage.lights, stage.backdrop
    middle, span = np.array([*vertices[:, :2].mean(0), 1.05]), 2.9
    axes, maps = sr.shadow_maps(vertices, figure.faces, figure.keep, lights, 384, middle, span)
    shadows = sr.shade_floor(
        back.where[::2, ::2], back.floor[::2, ::2], axes, maps, lights.colours, lights.count_key, middle, span
    )
    ambient, key = (
        sr.blur(np.repeat(np.repeat(sr.blur(part, radius), 2, 0), 2, 1), 1)[..., None]
        for part, radius in zip(shadows, (2, 1), strict=True)
    )
    image = back.ambient * ambient + back.direct * key
    fine = stage.camera.scaled(2)
    points = np.concatenate([fine.project(vertices), fine.to_camera(vertices)[:, 2:]], 1)
    x0, y0 = (np.maximum(points[:, :2].min(0).astype(int) - 2, 0) // 2) * 2
    x1, y1 = (np.minimum(points[:, :2].max(0).astype(int) + 4, fine.size) // 2) * 2
    index, weights, _ = sr.rasterise(points, figure.faces, figure.keep, True, x0, y0, x1 - x0, y1 - y0)
    normals = sr.vertex_normals(vertices, figure.faces)
    person, cover = sr.shade_person(
        index, weights, figure.faces, figure.material, vertices, normals, figure.rest, figure.face,
        np.array(stage.scene.palette), stage.camera.position, lights.directions, lights.colours, axes, maps, middle,
        span,
    )  # fmt: skip
    window = image[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    # Tone first, then mix: an edge between light and dark stays smooth.
    out = sr.to_srgb(image, stage.scene.exposure)
    share = sr.shrink(cover, 2)[..., None]
    tone = sr.to_srgb(np.where(cover[..., None] > 0, person, np.repeat(np.repeat(window, 2, 0), 2, 1)),
                      stage.scene.exposure)  # fmt: skip
    mixed = sr.shrink(tone.astype(float), 2)
    part = out[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
    part[:] = np.where(share > 0, np.rint(mixed), part)
    return out


# ---------------------------------------------------------------------------------------------------------------
# Files


def make_truth(scene: Scene, camera: sr.Camera, body: Body, rotations: Array, root: Array) -> dict[str, Any]:
    """The arrays of ``demo_truth.npz``; see ``tools/README.md``."""
    vertices, heads = body.skin(rotations, root)
    keypoints = body.keypoints(vertices)
    joints = camera.to_camera(joints_17(body, keypoints, rotations, heads))
    order = [body.keypoint_names.index(name) for name in COCO17.joints]
    return {
        "poses_3d": (joints - joints[:, :1]).astype(np.float32),
        "trajectory": joints[:, 0].astype(np.float32),
        "keypoints_2d": camera.project(keypoints[:, order]).astype(np.float32),
        "keypoints_3d": camera.to_camera(keypoints[:, order]).astype(np.float32),
        "focal": np.float64(camera.focal),
        "center": camera.center,
        "fps": np.array([scene.fps, 1], np.int64),
        "size": np.array(scene.size, np.int64),
        "height": np.float64(np.ptp(body.rest[:SKIN_COUNT, 2])),
        "joint_names": np.array(H36M17.joints),
        "keypoint_names": np.array(COCO17.joints),
        "source": np.array(
            f"CMU Graphics Lab Motion Capture Database, trial {Path(scene.clip).stem}, frames {scene.start} to "
            f"{scene.stop - 1} at 120 Hz. The data used in this project was obtained from mocap.cs.cmu.edu. The "
            "database was created with funding from NSF EIA-0196217. Body: anny 0.6.2 on MakeHuman assets (CC0)."
        ),
        "licence": np.array("Apache-2.0 (rendered by this project; the CMU motion itself may not be resold)"),
    }


def write_truth(path: Path, truth: dict[str, Any]) -> None:
    """Write plain arrays, compressed; the same arrays give the same bytes."""
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **truth)


def write_video(path: Path, pictures: Iterator[NDArray[np.uint8]], scene: Scene, crf: int) -> None:
    """Encode pictures (H, W, 3) as H.264.

    Raises:
        RuntimeError: ffmpeg failed; the message has the end of what it said.
    """
    width, height = scene.size
    with replacing(path) as draft:
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", f"{width}x{height}", "-r", str(scene.fps), "-i", "-", "-an", "-vf",
            "scale=out_color_matrix=bt709:out_range=tv", "-c:v", "libx264", "-preset", "veryslow", "-crf", str(crf),
            "-pix_fmt", "yuv420p", "-threads", "1", "-colorspace", "bt709", "-color_primaries", "bt709",
            "-color_trc", "bt709", "-movflags", "+faststart", str(draft),
        ]  # fmt: skip
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert process.stdin is not None
            for picture in pictures:
                process.stdin.write(picture.tobytes())
            _, said = process.communicate()
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise RuntimeError(f"ffmpeg failed: {' '.join(command)}\n{said.decode(errors='replace')[-2000:]}")


def pictures(stage: Stage, body: Body, rotations: Array, heads: Array) -> Iterator[NDArray[np.uint8]]:
    """Draw the clip, picture by picture."""
    for number, (turns, starts) in enumerate(zip(rotations, heads, strict=True)):
        if number % 30 == 0:
            log(f"picture {number} of {len(heads)}")
        yield draw(stage, pose_figure(stage.figure, body, turns, starts))


def main(arguments: list[str] | None = None) -> None:
    """Make both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sets = "the motion capture sets; it holds cmu/clips.csv, cmu/*.tar.xz and so on"
    parser.add_argument("--mocap", type=Path, required=True, metavar="FOLDER", help=sets)
    place = "where the two files go (default: %(default)s)"
    parser.add_argument("--out", type=Path, default=Path("videopose3d/data"), metavar="FOLDER", help=place)
    quality = "quality of the video from 0 (best, largest) to 51 (default: %(default)s)"
    parser.add_argument("--crf", type=int, default=15, help=quality)
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    scene = Scene()
    body = Body(dict(scene.shape))
    rotations, root = animate(scene, options.mocap, body)
    log(f"{len(root)} frames of {scene.clip}; the room takes a minute or two")
    stage = set_stage(scene, body)
    write_truth(options.out / "demo_truth.npz", make_truth(scene, stage.camera, body, rotations, root))
    shots = pictures(stage, body, rotations, body.chain(rotations, root))
    write_video(options.out / "demo.mp4", shots, scene, options.crf)
    log(f"done in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
