"""Boxes to keypoints: every person is cut out, and a keypoint network looks at all of them in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from videopose3d.detectors.crops import cut, rectangle, region, to_image, warp
from videopose3d.detectors.decoding import DECODERS, confidence, merge_flip
from videopose3d.detectors.fast import faster
from videopose3d.detectors.loading import KeypointNetwork
from videopose3d.errors import InputError, VideoPose3DError
from videopose3d.skeleton import COCO17, Skeleton
from videopose3d.types import Array, FloatArray, Frame, Person


@dataclass(frozen=True)
class TopDown:
    """A keypoint network that finds the joints of the people in boxes.

    Attributes:
        network: From `load_keypoint_network`.
        decoder: A name of `decoding.DECODERS`, or ``classic`` for the one that the network was published with.
        flip: Average with the maps of the mirrored picture.
        batch: People that are looked at together.
        precision: As `fast.faster`; ``bfloat16`` is faster and moves joints by a tenth of a cell.
        skeleton: Joints to give, by name; those that the network has not are NaN with score 0.
    """

    network: KeypointNetwork
    decoder: str = "window"
    flip: bool = True
    batch: int = 8
    precision: str = "float32"
    skeleton: Skeleton = field(default=COCO17)

    def __post_init__(self) -> None:
        if self.decoder not in (*DECODERS, "classic"):
            raise VideoPose3DError(
                f"no decoder {self.decoder!r}", fix=f"Choose one of: classic, {', '.join(DECODERS)}."
            )
        if self.batch < 1:
            raise VideoPose3DError(f"batch is {self.batch}", fix="It has to be 1 or more.")

    def __call__(self, frames: Sequence[Frame], boxes: Sequence[Array]) -> list[list[Person]]:
        """The people of every frame, in the order of their boxes.

        Args:
            frames: (H, W, 3) RGB.
            boxes: Per frame (P, 4) or (P, 5): x0, y0, x1, y1 [px] and, if given, the confidence of the box 0..1, which
                becomes that of the person. A box without an area in the image gives NaN and scores of 0.

        Raises:
            InputError: Frames and boxes do not fit together.
        """
        tables = [_table(found) for found in boxes]
        if len(frames) != len(tables):
            raise InputError(f"{len(frames)} frames and boxes for {len(tables)}", where="top-down")
        wanted = [(f, p) for f, table in enumerate(tables) for p in range(len(table)) if _inside(table[p], frames[f])]
        people = [[self._unseen(row) for row in table] for table in tables]
        for start in range(0, len(wanted), self.batch):
            part = wanted[start : start + self.batch]
            found = self._look([(frames[f], tables[f][p, :4]) for f, p in part])
            for (f, p), (keypoints, scores) in zip(part, zip(*found, strict=True), strict=True):
                row = tables[f][p]
                people[f][p] = Person(keypoints, scores, row[:4], float(row[4]))
        return people

    def over(self, frames: Iterable[Frame], boxes: Iterable[Array]) -> Iterator[list[Person]]:
        """The people of frame after frame, as a call gives; a few frames are held to fill a batch."""
        held: list[tuple[Frame, Array]] = []
        waiting = 0
        for frame, found in zip(frames, boxes, strict=True):
            held.append((frame, found))
            waiting += len(found)
            if waiting >= self.batch or len(held) >= 4 * self.batch:
                yield from self(*zip(*held, strict=True))
                held, waiting = [], 0
        if held:
            yield from self(*zip(*held, strict=True))

    def maps(self, pictures: Sequence[Frame]) -> Tensor:
        """Pictures of the network's input size to its maps (N, K, h, w), averaged with the mirrored ones if asked."""
        recipe = self.network.recipe
        device = next(self.network.model.parameters()).device
        x = torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2).float() / 255
        x = (x - x.new_tensor(recipe.mean).view(3, 1, 1)) / x.new_tensor(recipe.deviation).view(3, 1, 1)
        if not self.flip:
            return self._maps(x)
        maps, mirrored = self._maps(torch.cat([x, x.flip(3)])).chunk(2)
        return merge_flip(maps, mirrored, self.network.skeleton.mirror, recipe.flip_shift)

    def decode(self, maps: Tensor, corners: Array) -> tuple[FloatArray, FloatArray]:
        """Maps (N, K, h, w) to keypoints (N, J, 2) [px] and confidences (N, J) 0..1 of our joints.

        Args:
            maps: As `maps` gives.
            corners: (N, 4) of the crops, in image coordinates.
        """
        recipe = self.network.recipe
        decoder = DECODERS[recipe.decoder if self.decoder == "classic" else self.decoder]
        cells = decoder(maps).cpu().numpy()
        found = to_image(cells, corners[:, None], (maps.shape[2], maps.shape[3]), recipe.middle)
        scores = confidence(maps, recipe.height).cpu().numpy()
        return self._ours(found), self._ours(scores[..., None], missing=0)[..., 0]

    @cached_property
    def _maps(self) -> Callable[[Tensor], Tensor]:
        return faster(self.network.model, self.precision)

    def _look(self, people: Sequence[tuple[Frame, Array]]) -> tuple[FloatArray, FloatArray]:
        size = self.network.input_size
        if self.network.recipe.crop == "rectangle":
            whole = [rectangle(box, (frame.shape[0], frame.shape[1]), size) for frame, box in people]
            pictures = [cut(frame, corners, size) for (frame, _), corners in zip(people, whole, strict=True)]
            return self.decode(self.maps(pictures), np.stack(whole).astype(float))
        regions = [region(box, size) for _, box in people]
        pictures = [warp(frame, corners, size) for (frame, _), corners in zip(people, regions, strict=True)]
        return self.decode(self.maps(pictures), np.stack(regions))

    def _ours(self, values: FloatArray, missing: float = np.nan) -> FloatArray:
        """(N, K, C) of the network's joints as (N, J, C) of ours."""
        names = self.network.skeleton.joints
        ours = np.full((len(values), len(self.skeleton), values.shape[2]), missing, np.float32)
        for j, joint in enumerate(self.skeleton.joints):
            if joint in names:
                ours[:, j] = values[:, names.index(joint)]
        return ours

    def _unseen(self, row: FloatArray) -> Person:
        joints = len(self.skeleton)
        keypoints = np.full((joints, 2), np.nan, np.float32)
        return Person(keypoints, np.zeros(joints, np.float32), row[:4], float(row[4]))


def _table(boxes: Array) -> FloatArray:
    """Boxes as (P, 5), the last column being their confidence, 1 where none is given."""
    table = np.asarray(boxes, np.float32)
    if table.size == 0:
        return np.zeros((0, 5), np.float32)
    if table.ndim != 2 or table.shape[1] not in (4, 5):
        raise InputError(f"boxes of shape {table.shape}", where="top-down", fix="They are (P, 4) or (P, 5).")
    return np.concatenate([table, np.ones((len(table), 5 - table.shape[1]), np.float32)], 1)


def _inside(box: FloatArray, frame: Frame) -> bool:
    """Whether a box has an area, and some of it lies in the image."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = box[:4]
    return bool(x0 < x1 and y0 < y1 and x1 > 0 and y1 > 0 and x0 < width and y0 < height and np.isfinite(box).all())
