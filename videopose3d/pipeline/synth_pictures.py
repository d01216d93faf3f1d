"""Rendering single pictures of synthetic people, as a COCO data set for training keypoint networks."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videopose3d.config_synth import SynthConfig
from videopose3d.datasets.coco import ANNOTATIONS, IMAGES, writing_coco
from videopose3d.datasets.mocap import MotionLibrary
from videopose3d.errors import OutputError
from videopose3d.files import check_folder, check_overwrite, replacing
from videopose3d.pipeline.synth import announce, cast_of, need_extra, read_motions, side_by_side
from videopose3d.skeleton import COCO17

if TYPE_CHECKING:
    from videopose3d.datasets.synth.pictures import LabelledPicture

_QUALITY = 90  # of JPEG
_INDEX_TO_MIDDLE = 0.5  # COCO's coordinates count from the middle of the first pixel


def synthesise_pictures(
    motions: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    config: SynthConfig,
    *,
    overwrite: bool = False,
    report: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Render ``config.crops`` pictures of people, with boxes, keypoints and visibility.

    Args:
        motions: As `synth.synthesise`.
        folder: Gets ``annotations.json`` and ``images``; `pipeline.finetune` reads it.
        config: How many pictures, and what they are like.
        overwrite: Replace annotations that are there.
        report: Told how many pictures are done, and how many there will be.
        tell: Told which motion files could not be read, and what takes long before the first one is done.

    Returns:
        The annotations.

    Raises:
        MissingDependencyError: The extra [synth] is not installed.
        InputError: There are no motions of the split.
        OutputError: The annotations are there already, or something cannot be written.
    """
    need_extra()
    folder = Path(folder)
    check_overwrite(folder / ANNOTATIONS, overwrite)
    check_folder(folder / IMAGES)
    from videopose3d.datasets.synth.pictures import PER_LOOK

    library = read_motions(motions, config.split, tell)
    looks = range(config.first, config.first + ceil(config.crops / PER_LOOK))
    announce(config.crops, report, tell)
    done = 0
    with writing_coco(folder / ANNOTATIONS, COCO17, "synth") as add:
        for pictures in side_by_side(draw_look, library, folder / IMAGES, config, looks):
            for name, size, one in pictures[: config.crops - done]:
                add(name, size, one.boxes, one.joints - _INDEX_TO_MIDDLE, one.visibility, one.areas)
                done += 1
            if report:
                report(done, config.crops)
    return folder / ANNOTATIONS


def draw_look(
    library: MotionLibrary, folder: Path, config: SynthConfig, number: int
) -> list[tuple[str, tuple[int, int], LabelledPicture]]:
    """Draw and write the pictures of some people; their names, sizes and labels come back, without the pictures."""
    from videopose3d.datasets.synth.pictures import picture_set
    from videopose3d.opencv import cv2

    written = []
    for count, one in enumerate(picture_set(cast_of(library, config), config.seed, number)):
        name = f"{number:06d}_{count}.jpg"
        with replacing(folder / name) as partial:
            bgr = np.ascontiguousarray(one.picture[..., ::-1])
            if not cv2.imwrite(os.fspath(partial), bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
                raise OutputError("the picture cannot be written", where=folder / name, fix="Is the disk full?")
        height, width = one.picture.shape[:2]
        written.append((name, (width, height), replace(one, picture=one.picture[:0])))
    return written
