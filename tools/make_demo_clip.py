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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import torch
from demo_motion import hold_feet, retarget
from numpy.typing import NDArray

from videopose3d.datasets.mocap.library import cmu_clips
from videopose3d.datasets.mocap.rig import axis_rotation
from videopose3d.datasets.synth.body import SKIN_COUNT, SOLE, Body
from videopose3d.datasets.synth.camera import Film, View, look
from videopose3d.datasets.synth.clothes import dress
from videopose3d.datasets.synth.draw import Backdrop, draw, make_backdrop
from videopose3d.datasets.synth.figure import Figure, Outfit
from videopose3d.datasets.synth.image import expose
from videopose3d.datasets.synth.lights import Lights, make_lights
from videopose3d.datasets.synth.retarget import bend_fingers
from videopose3d.datasets.synth.things import (
    BOARDS,
    BOX,
    CYLINDER,
    MOTTLED,
    PAINTING,
    PLAIN,
    RUG,
    SPHERE,
    WOOD,
    Scenery,
    Surface,
    thing,
)
from videopose3d.datasets.synth.truth import coco_of, h36m_of
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


RUG_HEIGHT = 0.004
ROOM = np.array([-2.9, -5.8, 0.0, 3.3, 2.5, 2.75])
WINDOW = np.array([[-2.88, -3.5, 1.2], [0.0, 1.4, 0.0], [0.0, 0.0, 1.2]])
WINDOW_STRENGTH = 2.4


def log(text: str) -> None:
    """One line to stderr."""
    sys.stderr.write(f"{text}\n")


def make_things() -> Array:
    """(N, 17) what stands and hangs in the room; see `videopose3d.datasets.synth.things`."""
    white, dark = (0.70, 0.69, 0.66), (0.05, 0.05, 0.055)
    wood, things = (1.15, 1.05, 0.95), []

    def add(kind: int, shape: tuple[float, ...], colour: tuple[float, float, float], look: int = PLAIN,
            seed: float = 0.0, glow: float = 0.0) -> None:  # fmt: skip
        things.append(thing(kind, shape, colour, Surface(look, seed=seed, glow=glow)))

    x0, y0, _, x1, y1, _ = ROOM
    for box in ((x0, y1 - 0.018, 0, 1.58, y1, 0.10), (2.72, y1 - 0.018, 0, x1, y1, 0.10),
                (x0, y0, 0, x0 + 0.018, y1, 0.10), (x1 - 0.018, y0, 0, x1, y1, 0.10)):  # fmt: skip
        add(BOX, box, white)  # skirting boards
    add(BOX, (1.58, y1 - 0.035, 0, 1.67, y1, 2.10), white)  # door: frame left, right, top, leaf, panels, handle
    add(BOX, (2.63, y1 - 0.035, 0, 2.72, y1, 2.10), white)
    add(BOX, (1.58, y1 - 0.035, 2.02, 2.72, y1, 2.11), white)
    add(BOX, (1.67, y1 - 0.012, 0.008, 2.63, y1, 2.02), (0.64, 0.63, 0.60))
    for low, high in ((0.22, 0.92), (1.10, 1.86)):
        for left in (1.80, 2.22):
            add(BOX, (left, y1 - 0.020, low, left + 0.30, y1, high), (0.67, 0.66, 0.63))
    add(BOX, (1.715, y1 - 0.035, 0.98, 1.755, y1, 1.10), (0.45, 0.44, 0.42))
    add(BOX, (1.715, y1 - 0.060, 1.045, 1.86, y1 - 0.045, 1.068), (0.5, 0.49, 0.46))
    # Pictures: frame, mount, painting.
    for left, right, low, high, seed in ((-0.95, 0.05, 1.30, 2.02, 2.0), (0.34, 0.86, 1.42, 1.92, 6.0)):
        add(BOX, (left, y1 - 0.030, low, right, y1, high), dark)
        add(BOX, (left + 0.03, y1 - 0.032, low + 0.03, right - 0.03, y1, high - 0.03), (0.72, 0.71, 0.68))
        add(BOX, (left + 0.11, y1 - 0.034, low + 0.10, right - 0.11, y1, high - 0.10), white, PAINTING, seed)
    # Sideboard with books, a vase and a lamp.
    add(BOX, (-2.45, y1 - 0.44, 0.72, -0.98, y1 - 0.01, 0.755), wood, WOOD, 0.55)
    add(BOX, (-2.42, y1 - 0.42, 0.16, -1.01, y1 - 0.01, 0.72), wood, WOOD, 0.35)
    for left in (-2.38, -1.91, -1.44):
        add(BOX, (left, y1 - 0.432, 0.20, left + 0.43, y1 - 0.01, 0.68), (0.60, 0.585, 0.55))
        add(BOX, (left + 0.19, y1 - 0.445, 0.60, left + 0.24, y1 - 0.01, 0.615), dark)
    for left in (-2.38, -1.09):
        for back in (-0.40, -0.08):
            add(CYLINDER, (left, y1 + back, 0.0, 0.018, 0.16), (0.10, 0.06, 0.035))
    x = -2.33
    for wide, high, colour in ((0.035, 0.24, (0.35, 0.07, 0.05)), (0.045, 0.27, (0.07, 0.14, 0.22)),
                               (0.03, 0.22, (0.55, 0.45, 0.22)), (0.04, 0.25, (0.08, 0.17, 0.12)),
                               (0.05, 0.23, (0.50, 0.48, 0.44)), (0.03, 0.26, (0.30, 0.14, 0.07))):  # fmt: skip
        add(BOX, (x, y1 - 0.30, 0.755, x + wide, y1 - 0.12, 0.755 + high), colour)
        x += wide + 0.003
    add(SPHERE, (-1.75, y1 - 0.22, 0.84, 0.085), (0.36, 0.13, 0.07))
    add(CYLINDER, (-1.75, y1 - 0.22, 0.90, 0.034, 0.97), (0.36, 0.13, 0.07))
    add(CYLINDER, (-1.28, y1 - 0.22, 0.755, 0.07, 0.775), dark)
    add(CYLINDER, (-1.28, y1 - 0.22, 0.77, 0.010, 1.04), (0.35, 0.30, 0.20))
    add(CYLINDER, (-1.28, y1 - 0.22, 1.02, 0.125, 1.25), (0.80, 0.70, 0.52), PLAIN, 0.0, 0.75)
    add(BOX, (-1.75, -1.15, 0.0, 1.65, 1.05, 0.006), (0.40, 0.36, 0.30), RUG)  # rug
    return np.array(things)


def make_scenery() -> Scenery:
    """The room with its light."""
    wall, ceiling = (
        thing(BOX, (), (0.68, 0.625, 0.52), Surface(MOTTLED)),
        thing(BOX, (), (0.78, 0.77, 0.75), Surface(glow=0.34)),
    )
    floor = thing(BOX, (), (0.0, 0.0, 0.0), Surface(BOARDS))
    around = np.array([[0.37, 0.35, 0.33], [0.25, 0.28, 0.32], [-0.20, -0.235, -0.265]])
    walls = np.stack([wall, wall, wall, wall, floor, ceiling])
    return Scenery(make_things(), ROOM, walls, WINDOW, WINDOW_STRENGTH, False, around)


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
    root[:, 2] += RUG_HEIGHT
    root[:, :2] -= 0.5 * (root[:, :2].min(0) + root[:, :2].max(0))
    return rotations, root


# ---------------------------------------------------------------------------------------------------------------
# Pictures


@dataclass(frozen=True)
class Stage:
    """All that stays the same from picture to picture."""

    camera: View
    figure: Figure
    lights: Lights
    backdrop: Backdrop
    film: Film


def set_stage(scene: Scene, body: Body, rays: int = 16) -> Stage:
    """Dress the person, light and build the room."""
    focal = scene.size[0] / 2 / np.tan(np.radians(scene.field_of_view / 2))
    camera = View(np.array(scene.camera), look(0.0, np.radians(scene.pitch)), focal, scene.size)
    scenery = make_scenery()
    lights = make_lights(scenery, np.array([0.0, 0.0, 1.0]), 0.75 * WINDOW_STRENGTH, 25, 40)
    figure = dress(body, Outfit(), np.array(scene.palette), np.zeros((6, 6)))
    return Stage(camera, figure, lights, make_backdrop(scenery, camera, rays), Film(scene.exposure))


# ---------------------------------------------------------------------------------------------------------------
# Files


def make_truth(scene: Scene, camera: View, body: Body, rotations: Array, root: Array) -> dict[str, Any]:
    """The arrays of ``demo_truth.npz``; see ``tools/README.md``."""
    vertices, heads = body.skin(rotations, root)
    keypoints = body.keypoints(vertices)
    joints = camera.to_camera(h36m_of(body, keypoints, rotations, heads))
    coco = coco_of(body, keypoints)
    return {
        "poses_3d": (joints - joints[:, :1]).astype(np.float32),
        "trajectory": joints[:, 0].astype(np.float32),
        "keypoints_2d": camera.project(coco).astype(np.float32),
        "keypoints_3d": camera.to_camera(coco).astype(np.float32),
        "focal": np.float64(camera.focal),
        "center": camera.center,
        "fps": np.array([scene.fps, 1], np.int64),
        "size": np.array(scene.size, np.int64),
        "height": np.float64(body.stature),
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
    rng = np.random.default_rng(0)
    for number, (turns, starts) in enumerate(zip(rotations, heads, strict=True)):
        if number % 30 == 0:
            log(f"picture {number} of {len(heads)}")
        people = [(stage.figure, stage.figure.posed(turns, starts, body.heads))]
        drawing = draw(stage.backdrop, stage.camera, people, stage.lights, stage.film, shadow_size=384)
        yield expose(drawing.picture, stage.film, rng)


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
    torch.set_num_threads(1)  # more make the body model slower
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
