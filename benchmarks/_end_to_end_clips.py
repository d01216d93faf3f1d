"""The clips of `end_to_end.py`: held-out motions, each by one body, seen by cameras of several fields of view."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from videopose3d.datasets.mocap.motion import Motion, MotionLibrary
from videopose3d.datasets.synth.clip import Cast, SynthClip, clip_of, random_actor
from videopose3d.datasets.synth.scenes import random_film
from videopose3d.datasets.synth.shots import ShotLimits, random_shot
from videopose3d.pipeline.synth import one_thread, read_motions, write_clip

FIELDS = (40, 60, 80)
SECONDS, FPS, SIZE = 2.0, 25, (480, 360)
SEED = 20_261_127
MOTIONS = (  # beginning of the motion's name, first second
    ("kseniia/07/07_06", 0.5),
    ("s07/m01_e03_correct", 0.6),
    ("jump/139_16", 1.0),
    ("train_data_bvh/martial/03", 9.0),
    ("train_data_bvh/indian/04", 6.0),
    ("kseniia/08/08_04", 1.0),
    ("s09/m05_e02_correct", 0.8),
    ("jump/90_16", 1.6),
    ("cyun9601/02/02_05", 5.0),
    ("train_data_bvh/indian/13", 4.0),
    ("cyun9601/02/02_06", 2.0),
    ("jump/139_17", 2.4),
)
"""Two or more of walking, sitting and squatting, floor, fighting, dancing. Dances are those of the validation people:
the test people do not dance."""


def render_missing(folder: Path, mocap: Path, count: int = len(MOTIONS)) -> list[tuple[Path, int, int]]:
    """Video, number of the motion and field of view of every clip, those that are missing rendered first."""
    wanted = [(folder / f"motion_{number:02d}_fov_{fov}.mp4", number, fov) for number in range(count) for fov in FIELDS]
    if all(video.with_suffix(".npz").exists() for video, *_ in wanted):
        return wanted
    folder.mkdir(parents=True, exist_ok=True)
    library = read_motions(mocap, "all")
    with one_thread():
        for number in range(count):
            mine = [(video, fov) for video, n, fov in wanted if n == number]
            if all(video.with_suffix(".npz").exists() for video, _ in mine):
                continue
            for (video, _), clip in zip(mine, clips_of(library, number), strict=True):
                write_clip(clip, video, video.with_suffix(".npz"), crf=20)
                sys.stderr.write(f"{video.name}\n")
    return wanted


def clips_of(library: MotionLibrary, number: int) -> list[SynthClip]:
    """One motion by one body, seen from one side, by a camera of each field of view."""
    motion = piece(library, *MOTIONS[number])
    rng = np.random.default_rng([SEED, number])
    actor = random_actor(rng, Cast((motion,), SECONDS, FPS), motion)
    film = random_film(rng)
    clips = []
    for fov in FIELDS:
        limits = ShotLimits(size=SIZE, fov=float(fov), filling=(0.6, 0.8), moving=0.0, cut=0.0)
        camera = np.random.default_rng([SEED, number, 1])
        shot = random_shot(camera, actor.joints, actor.body.stature, FPS, limits)
        clips.append(clip_of((actor,), shot, film, FPS, SEED + number))
    return clips


def piece(library: MotionLibrary, name: str, start: float) -> Motion:
    """`SECONDS` of the first motion whose name begins so, from a moment on."""
    motion = next(motion for motion in library if motion.name.startswith(name))
    first = min(round(start * motion.fps), max(motion.frames - round((SECONDS + 0.1) * motion.fps), 0))
    cut = slice(first, first + round((SECONDS + 0.1) * motion.fps) + 1)
    return replace(motion, joints_h36m=motion.joints_h36m[cut], joints_coco=motion.joints_coco[cut])
