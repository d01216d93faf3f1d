"""Motion capture in a room with the four cameras of Human3.6M, seen perfectly or by an imitated 2D detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from videopose3d.calibration import CalibratedCamera, camera_to_world, project, rotate, world_to_camera
from videopose3d.datasets.human36m import cameras
from videopose3d.datasets.mocap import Motion, MotionLibrary
from videopose3d.datasets.mocap.library import runs
from videopose3d.datasets.sequences import PoseDataset, PoseSequence, action_group
from videopose3d.geometry import pixels_from_screen
from videopose3d.pipeline.training.setup import Split
from videopose3d.skeleton import H36M17, Skeleton
from videopose3d.types import Array, FloatArray

FPS = 50.0
MINUTES = {"train": 16.0, "test": 4.0}
"""No set gives more than this to either split, so that none of them is most of the data."""
SHORTEST = 0.5
"""Pieces of a clip that stay in all four pictures for less than this are left out [s]."""
PLACES = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
"""Whose cameras the people of each split are filmed by, in turn."""
MARGIN = 5
"""Distance from the edge of the picture that every joint keeps [px]."""

_HARDER = {"wrist": 1.5, "elbow": 1.2, "ankle": 1.2, "knee": 1.0, "hip": 0.8, "shoulder": 0.9}
_LIMBS = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))


def room(library: MotionLibrary, seed: int, *, noisy: bool = False) -> tuple[PoseDataset, Split]:
    """The people of the splits ``train`` and ``test``, each take in front of four cameras, and who is who.

    Args:
        library: Motions; those of the split ``validation`` are not used.
        seed: Of the choice of clips, where they face, and the errors of the 2D keypoints.
        noisy: The 2D keypoints are those of an imitated detector instead of the projected joints.
    """
    sequences: list[PoseSequence] = []
    people: dict[str, tuple[str, ...]] = {}
    for split, places in PLACES.items():
        chosen = capped(library.select(split), MINUTES[split], np.random.default_rng(seed))
        people[split] = tuple(dict.fromkeys(m.subject for m in chosen))
        for number, subject in enumerate(people[split]):
            lenses = cameras(places[number % len(places)])
            for motion in (m for m in chosen if m.subject == subject):
                rng = np.random.default_rng([seed, *motion.name.encode()])
                sequences += film(motion, lenses, rng, noisy=noisy)
    there = {s.subject for s in sequences}
    train, test = (tuple(who for who in people[split] if who in there) for split in PLACES)
    source = f"motion capture, seed {seed}, {'noisy' if noisy else 'perfect'} 2D"
    return PoseDataset("mocap_room", H36M17, H36M17, FPS, tuple(sequences), source), Split(train, test)


def capped(library: MotionLibrary, minutes: float, rng: Generator) -> list[Motion]:
    """The motions in their order; of sets that are longer, clips drawn at random up to so many minutes."""
    kept: list[Motion] = []
    for name in library.datasets:
        clips = library.select(dataset=name).motions
        order = rng.permutation(len(clips))
        length = np.cumsum([clips[n].seconds for n in order])
        kept += [clips[n] for n in sorted(order[length <= minutes * 60])]
    return kept


def film(
    motion: Motion, lenses: tuple[CalibratedCamera, ...], rng: Generator, *, noisy: bool = False
) -> list[PoseSequence]:
    """The takes of one motion: four for every piece of it in which the person is in all four pictures.

    The motion is turned by any angle about the vertical and its middle put where the cameras look. Takes are named
    ``<set> <clip> <first frame>``, so that tables have one row per set.
    """
    world = placed(resampled(motion), lenses, rng)
    views = [world_to_camera(world, *_pose_of(lens)).astype(np.float32) for lens in lenses]
    pixels = [seen(view, lens) for view, lens in zip(views, lenses, strict=True)]
    inside = np.all([in_picture(p, v, lens) for p, v, lens in zip(pixels, views, lenses, strict=True)], axis=0)
    takes = []
    for first, end in runs(inside):
        if end - first < SHORTEST * FPS:
            continue
        for lens, view, points in zip(lenses, views, pixels, strict=True):
            part, at = view[first:end], points[first:end]
            keypoints = (detected(at, H36M17, rng) if noisy else at).astype(np.float32)
            action = f"{motion.dataset} {motion.name.replace(' ', '_')} {first}"
            poses = part - part[:, :1]
            takes.append(PoseSequence(motion.subject, action, lens, keypoints, poses, part[:, 0]))
    return takes


def resampled(motion: Motion) -> FloatArray:
    """(T, 17, 3) [m] the joints at `FPS`, by cubic splines."""
    if motion.fps == FPS or motion.frames < 4:
        return motion.joints_h36m
    from scipy.interpolate import CubicSpline

    times = np.arange(int((motion.frames - 1) / motion.fps * FPS) + 1) / FPS
    joints: FloatArray = CubicSpline(np.arange(motion.frames) / motion.fps, motion.joints_h36m)(times)
    return joints.astype(np.float32)


def placed(joints: FloatArray, lenses: tuple[CalibratedCamera, ...], rng: Generator) -> FloatArray:
    """The motion turned at random about the vertical, its pelvis on average in the middle of what is filmed."""
    half = rng.uniform(0, 2 * np.pi) / 2
    turned = rotate(joints.astype(np.float64), np.array([np.cos(half), 0, 0, np.sin(half)]))
    path = turned[:, 0, :2]
    turned[..., :2] += middle(lenses) - (path.min(0) + path.max(0)) / 2
    return turned


def middle(lenses: tuple[CalibratedCamera, ...]) -> Array:
    """(2,) the place on the floor that is nearest to the optical axes of all cameras [m]."""
    normal, right = np.zeros((2, 2)), np.zeros(2)
    for lens in lenses:
        turn, place = _pose_of(lens)
        ahead = camera_to_world(np.array([0.0, 0.0, 1.0]), turn, np.zeros(3))[:2]
        across = np.eye(2) - np.outer(ahead, ahead) / (ahead @ ahead)
        normal += across
        right += across @ place[:2]
    return np.linalg.solve(normal, right)


def seen(points: FloatArray, lens: CalibratedCamera) -> FloatArray:
    """(T, J, 2) [px] where points in camera axes (T, J, 3) appear, with the distortion of the lens."""
    intrinsics = lens.intrinsics
    assert intrinsics is not None
    screen = project(points[None], intrinsics[None])[0]
    return pixels_from_screen(screen.astype(np.float32), lens.size)


def in_picture(pixels: FloatArray, points: FloatArray, lens: CalibratedCamera) -> Array:
    """(T,) every joint is in front of the camera and at least `MARGIN` inside the picture."""
    size = np.array(lens.size)
    return ((points[..., 2] > 1) & (pixels > MARGIN).all(-1) & (pixels < size - MARGIN).all(-1)).all(-1)


def detected(pixels: FloatArray, skeleton: Skeleton, rng: Generator, size: float = 1.0) -> FloatArray:
    """(T, J, 2) [px] what an imitated 2D detector finds instead: about 9 px off on average, seldom much more.

    Per joint an error that changes within a fifth of a second, whose strength rises and falls; jitter with heavy
    tails; now and then a joint that jumps elsewhere for some frames, and an arm or leg exchanged for the other one.

    Args:
        pixels: The joints (T, J, 2).
        skeleton: Their names.
        rng: Where chance comes from.
        size: Factor on all errors.
    """
    frames, joints, _ = pixels.shape
    hard = np.array([_HARDER.get(name.rpartition("_")[2], 0.8) for name in skeleton.joints])[:, None]
    strength = np.exp(0.6 * _slow(rng, frames, (joints, 1), 40))
    error = 5.0 * hard * strength * _slow(rng, frames, (joints, 2), 6)
    error += 1.0 * hard * rng.standard_t(3, (frames, joints, 2))
    error += 30.0 * _jumps(rng, frames, joints, 0.15)[..., None] * rng.normal(size=(1, joints, 2))
    found = pixels + size * error
    for first, end, limb in _exchanges(rng, frames, 0.04):
        for joint in limb:
            left, right = skeleton.index(f"left_{joint}"), skeleton.index(f"right_{joint}")
            found[first:end, [left, right]] = found[first:end, [right, left]]
    return found


def _slow(rng: Generator, frames: int, shape: tuple[int, int], width: float) -> Array:
    """(T, *shape) smooth noise of variance one: white noise under a Gaussian window of ``width`` frames."""
    from scipy.ndimage import gaussian_filter1d

    reach = int(3 * width)
    white = rng.normal(size=(frames + 2 * reach, *shape))
    smooth: Array = gaussian_filter1d(white, width, axis=0, truncate=3)[reach : reach + frames]
    return smooth * np.sqrt(2 * np.sqrt(np.pi) * width)


def _jumps(rng: Generator, frames: int, joints: int, per_second: float) -> Array:
    """(T, J) True where a joint is lost for 2 to 15 frames; so often per joint."""
    lost = np.zeros((frames, joints), bool)
    for joint in range(joints):
        for start in rng.integers(0, frames, rng.poisson(per_second * frames / FPS)):
            lost[start : start + rng.integers(2, 16), joint] = True
    return lost


def _exchanges(rng: Generator, frames: int, per_second: float) -> list[tuple[int, int, tuple[str, ...]]]:
    """(first, end, joints) of the stretches of 2 to 10 frames in which a limb is exchanged for the other one."""
    starts = rng.integers(0, frames, rng.poisson(per_second * frames / FPS))
    return [(int(at), int(at + rng.integers(2, 11)), _LIMBS[rng.integers(2)]) for at in starts]


def _pose_of(lens: CalibratedCamera) -> tuple[Array, Array]:
    """Orientation and place of a camera."""
    assert lens.orientation is not None
    assert lens.translation is not None
    return np.array(lens.orientation), np.array(lens.translation)


def labelled_few(dataset: PoseDataset, split: Split, *, single: bool = False) -> Split:
    """The split in which only the one person who has most of a set is labelled, of every set or of all together."""
    takes: dict[str, dict[str, int]] = {}
    for s in dataset.sequences:
        if s.subject in split.train:
            people = takes.setdefault("" if single else action_group(s.action), {})
            people[s.subject] = people.get(s.subject, 0) + len(s)
    few = {max(people, key=lambda who: people[who]) for people in takes.values()}
    train = tuple(who for who in split.train if who in few)
    return replace(split, train=train, unlabelled=tuple(who for who in split.train if who not in few))
