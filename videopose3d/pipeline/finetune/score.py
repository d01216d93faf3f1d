"""How well a network finds the joints of people it did not learn from."""

from __future__ import annotations

import numpy as np

from videopose3d.datasets.coco import LabelledPeople
from videopose3d.detectors.loading import KeypointNetwork
from videopose3d.detectors.topdown import TopDown
from videopose3d.metrics_2d import box_scale, pck, pixel_error
from videopose3d.pipeline.finetune.samples import read_picture

SHARE = 0.1
"""Of the larger side of the box: joints found nearer to the truth than this are right."""
_INDEX_TO_MIDDLE = 0.5  # [px]


def score(network: KeypointNetwork, people: LabelledPeople, *, flip: bool = True, batch: int = 16) -> dict[str, float]:
    """``pck`` 0..1 at a tenth of the box, and ``pixels``, the mean error [px], given the true boxes.

    Args:
        network: In evaluation mode.
        people: Who.
        flip: As `TopDown`.
        batch: People at once.
    """
    look = TopDown(network, flip=flip, batch=batch, precision="float32", skeleton=people.skeleton)
    frames = (read_picture(people, row) for row in range(len(people)))
    found = look.over(frames, (box[None] for box in people.boxes))
    joints = np.stack([person.keypoints for [person] in found]) - _INDEX_TO_MIDDLE
    truth = np.where(people.visibility[..., None] > 0, people.joints, np.nan)
    share = pck(joints, people.joints, box_scale(people.boxes), SHARE, people.visibility.astype(np.float32))
    return {"pck": share, "pixels": pixel_error(joints, truth)}
