"""Rendering clips of synthetic people: motions in, videos and their exact truth out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from videopose3d.config_synth import SynthConfig
from videopose3d.datasets.mocap import MotionLibrary, read_source
from videopose3d.datasets.raw.packages import package
from videopose3d.errors import InputError
from videopose3d.files import check_folder, check_overwrite, replacing
from videopose3d.video import open_writer

if TYPE_CHECKING:
    from videopose3d.datasets.synth.clip import Cast, SynthClip

COCO = "coco"
"""Keypoints of the motions: the face tells where a head looks."""


@dataclass(frozen=True)
class SynthFiles:
    """What one clip has become.

    Attributes:
        video: The pictures.
        truth: The exact truth (.npz).
        motion: Name of the main person's motion.
        frames: Number of pictures.
        people: Number of people.
    """

    video: Path
    truth: Path
    motion: str
    frames: int
    people: int


def synthesise(
    motions: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    config: SynthConfig | None = None,
    *,
    overwrite: bool = False,
    report: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[SynthFiles]:
    """Render clips of people who do the motions.

    Args:
        motions: A folder of motion capture sets, a library (.npz), a motion file or a folder of motion files.
        folder: Gets ``clip_0000.mp4``, ``clip_0000.npz`` and so on.
        config: How many clips, and what they are like.
        overwrite: Replace files that are there.
        report: Told how many clips are done, and how many there will be.
        tell: Told which motion files could not be read, and what takes long before the first one is done.

    Raises:
        MissingDependencyError: The extra [synth] is not installed.
        InputError: There are no motions, or none of the split.
        OutputError: Files are there already, or cannot be written.
    """
    config = config or SynthConfig()
    need_extra()
    folder = Path(folder)
    check_folder(folder)
    numbers = range(config.first, config.first + config.clips)
    for number in numbers:
        for path in _paths(folder, number):
            check_overwrite(path, overwrite)
    library = read_motions(motions, config.split, tell)
    announce(len(numbers), report, tell)
    done: list[SynthFiles] = []
    for files in side_by_side(render_clip, library, folder, config, numbers):
        done.append(files)
        if report:
            report(len(done), len(numbers))
    return done


def announce(total: int, report: Callable[[int, int], None] | None, tell: Callable[[str], None] | None) -> None:
    """Say what happens before the first of ``total`` is done; its time counts."""
    if tell:
        tell("preparing the body model and the renderer")
    if report:
        report(0, total)


def need_extra() -> None:
    """Find out now whether people can be drawn.

    Raises:
        MissingDependencyError: They cannot; the error names the extra.
    """
    for name in ("anny", "numba"):
        package(name, "synthetic people", "synth")


def read_motions(
    motions: str | os.PathLike[str], split: str, tell: Callable[[str], None] | None = None
) -> MotionLibrary:
    """The motions of a split (``all`` for every one); motion files of a user count as of any.

    Raises:
        InputError: There are none.
    """
    library = read_source(motions, detector=COCO, split="test" if split == "all" else split, tell=tell)
    chosen = library if split == "all" else library.select(split)
    if not len(chosen):
        raise InputError(f"no motions of the split {split!r}", where=motions, fix="Name another --split.")
    return chosen


Out = TypeVar("Out")
Work = Callable[[MotionLibrary, Path, SynthConfig, int], Out]


def side_by_side(
    work: Work[Out], library: MotionLibrary, folder: Path, config: SynthConfig, numbers: range
) -> Iterator[Out]:
    """What a function of the module makes of every number, in their order, in ``config.jobs`` processes."""
    if config.jobs == 1:
        with one_thread():
            for number in numbers:
                yield work(library, folder, config, number)
        return
    with ProcessPoolExecutor(config.jobs, get_context("spawn"), _start, (library, folder, config)) as pool:
        waiting = [pool.submit(_in_worker, work, number) for number in numbers]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


_worker: tuple[MotionLibrary, Path, SynthConfig] | None = None


def _start(library: MotionLibrary, folder: Path, config: SynthConfig) -> None:
    global _worker  # noqa: PLW0603 - a process has one library
    _worker = (library, folder, config)
    torch.set_num_threads(1)


def _in_worker(work: Work[Out], number: int) -> Out:
    assert _worker is not None
    return work(*_worker, number)


def render_clip(library: MotionLibrary, folder: Path, config: SynthConfig, number: int) -> SynthFiles:
    """Draw and write the clip of a number."""
    from videopose3d.datasets.synth.clip import plan_clip

    clip = plan_clip(cast_of(library, config), config.seed, number)
    return write_clip(clip, *_paths(folder, number), config.crf)


def cast_of(library: MotionLibrary, config: SynthConfig) -> Cast:
    """What is drawn, by the settings."""
    from videopose3d.datasets.synth.clip import Cast
    from videopose3d.datasets.synth.shots import ShotLimits

    size = (config.size[0], config.size[1]) if config.size else None
    limits = ShotLimits(size=size, fov=config.fov, moving=config.moving, cut=config.cut)
    return Cast(library.motions, config.seconds, config.fps, config.people, config.hidden, limits)


def write_clip(clip: SynthClip, video: Path, truth: Path, crf: int) -> SynthFiles:
    """Draw a clip; the truth appears when the video is there."""
    from videopose3d.datasets.synth.clip import clip_truth, film_clip

    visible = []
    with open_writer(video, clip.shot.size, Fraction(clip.fps), crf=crf) as writer:
        for frame in film_clip(clip):
            writer.write(frame.picture)
            visible.append(frame.visibility)
    arrays = clip_truth(clip, np.stack(visible, 1))
    with replacing(truth) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return SynthFiles(video, truth, clip.actors[0].motion, clip.frames, len(clip.actors))


@contextmanager
def one_thread() -> Iterator[None]:
    """More threads of torch make the body model 4 to 30 times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _paths(folder: Path, number: int) -> tuple[Path, Path]:
    name = f"clip_{number:04d}"
    return folder / f"{name}.mp4", folder / f"{name}.npz"
