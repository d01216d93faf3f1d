"""Keypoint networks that look at one person at a time, as the second half of ``BOXES+KEYPOINTS``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from videopose3d.detectors.loading import joints_of_file, load_keypoint_network
from videopose3d.detectors.names import Name
from videopose3d.detectors.rcnn import usual_device
from videopose3d.detectors.topdown import TopDown
from videopose3d.skeleton import COCO17, Skeleton
from videopose3d.types import FloatArray, Frame, Person

if TYPE_CHECKING:
    from videopose3d.detectors import AddKeypoints

SHORT = {"cpn": "cpn50_384x288", "cpm": "cpm_coco_384x288"}
"""What a family is called when no network of it is named: its best one for COCO's joints."""


@contextmanager
def open_crop_network(name: Name, device: str | None = None) -> Iterator[AddKeypoints]:
    """Finds the keypoints of people whose boxes are known.

    Args:
        name: A network of `published.PUBLISHED`, ``cpn``, ``cpm``, or a file, alone or as ``cpn=FILE``.
        device: ``cpu`` or ``cuda[:N]``; a GPU where there is one.

    Raises:
        WeightsError: There is no such network, or its file is not here, damaged, or of another network.
    """
    network = load_keypoint_network(_source(name), device=usual_device(device))
    look = TopDown(network, skeleton=joints_of_network(name))

    def add(frames: Sequence[Frame], people: Sequence[Sequence[Person]]) -> list[list[Person]]:
        return look(frames, [_table(found) for found in people])

    yield add


def joints_of_network(name: Name) -> Skeleton:
    """What `open_crop_network` finds: COCO's joints, or those that a file of ours was fine-tuned to instead.

    Raises:
        WeightsError: The file is damaged.
    """
    tuned = joints_of_file(_source(name))
    return COCO17 if tuned is None or set(COCO17.joints) <= set(tuned.joints) else tuned


def _source(name: Name) -> str:
    return name.weights or SHORT.get(name.library, str(name))


def _table(people: Sequence[Person]) -> FloatArray:
    """(P, 5) boxes and their confidence."""
    rows = [[*person.box, person.score] for person in people]
    return np.array(rows, np.float32).reshape(-1, 5)
