"""What Mask, Faster and Keypoint R-CNN of any library share: their boxes and maps of logits as people.

A Keypoint R-CNN gives 56 x 56 cells of logits per joint over the box. The joint is where the softmax of the map is
expected ("soft-argmax": the paper, section 5.2), which is finer than its maximum, and how much of the softmax lies
around there is the confidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videopose3d.detectors.decoding import soft_argmax
from videopose3d.errors import FileFormatError, WeightsError
from videopose3d.safe_pickle import load_pickle
from videopose3d.skeleton import COCO17, Skeleton
from videopose3d.types import Frame, Person
from videopose3d.weights.pickled import read_pickled

if TYPE_CHECKING:
    from videopose3d.detectors import FindPeople

CONFIDENCE_RADIUS = 4
"""Cells around a joint whose share of the softmax is its confidence: a 14th of the box to each side."""
SMALLEST_SCORE = 1e-3
"""Of a joint that was looked for; 0 is one that was not seen."""


def usual_device(device: str | None) -> str:
    """The device as given; without one a GPU where there is one, else the CPU."""
    return device or ("cuda" if torch.cuda.is_available() else "cpu")


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors by name of a checkpoint of PyTorch or of Detectron2's model zoo; nothing in it is run.

    Raises:
        WeightsError: The file cannot be read, is something else, or asks for code to be run.
    """
    content: Any = _read_zoo_pickle(path) if path.suffix == ".pkl" else read_pickled(path).content
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if isinstance(content, Mapping) and isinstance(content.get("blobs"), Mapping):
        raise WeightsError("a model of the first Detectron, whose layers have other names", where=path)
    if not isinstance(content, Mapping) or not content:
        raise WeightsError("there are no weights in it", where=path)
    arrays = {str(key): value for key, value in content.items() if isinstance(value, np.ndarray)}
    if broken := next((key for key, value in arrays.items() if not _finite(value)), None):
        raise WeightsError(f"tensor {broken} holds values that are no numbers", where=path)
    return {key.removeprefix("module."): torch.from_numpy(np.array(value)) for key, value in arrays.items()}


def _finite(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iufb" and bool(np.isfinite(values).all())


def _read_zoo_pickle(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            return load_pickle(file)
    except FileFormatError as error:
        raise WeightsError(error.what, where=path, fix=error.fix) from None
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", where=path) from error
    except Exception as error:  # whatever a damaged pickle makes of itself
        raise WeightsError("not a model of Detectron2, or damaged", where=path, fix="Download it again.") from error


def check_joints(state: Mapping[str, Tensor], layer: str, path: Path, skeleton: Skeleton = COCO17) -> None:
    """Refuse a Keypoint R-CNN of another number of joints.

    Args:
        state: Tensors by name.
        layer: Name of the last weights, (channels, joints, 4, 4).
        path: The file, for the message.
        skeleton: The joints it should find.

    Raises:
        WeightsError: It has other joints, or none.
    """
    joints = state[layer].shape[1] if layer in state else 0
    if joints != len(skeleton):
        whose = "COCO's" if skeleton == COCO17 else "the configuration's"
        what = f"it finds {joints} joints instead of {whose} {len(skeleton)}" if joints else "it finds boxes only"
        raise WeightsError(what, where=path, fix="Name it before a keypoint network: ...=FILE+cpn")


def frames_alike(frames: Sequence[Frame], find: FindPeople) -> list[list[Person]]:
    """People of pictures of any sizes; those of one size go together, because padding changes what is found."""
    if len({frame.shape for frame in frames}) > 1:
        return [find([frame])[0] for frame in frames]
    return find(frames) if frames else []


def people_in(
    boxes: NDArray[Any], scores: NDArray[Any], logits: Tensor | None = None, shift: float = 0.0
) -> list[Person]:
    """People of one picture, the surest first.

    Args:
        boxes: (N, 4) x0, y0, x1, y1 [px].
        scores: (N,) 0..1.
        logits: (N, J, H, W) over the boxes; None where only boxes were looked for.
        shift: What makes the library's keypoint coordinates ours: 0 where a pixel spans [i, i + 1), 0.5 where it is i.
    """
    boxes, scores = np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(scores, np.float32)
    count, joints = len(boxes), len(COCO17) if logits is None else logits.shape[1]
    points = np.full((count, joints, 2), np.nan, np.float32)
    shares = np.zeros((count, joints), np.float32)
    if logits is not None and count:
        cells = soft_argmax(logits)
        points = in_boxes(cells.cpu().numpy(), boxes, (logits.shape[2], logits.shape[3])) + np.float32(shift)
        shares = nearby_share(logits, cells).clamp(min=SMALLEST_SCORE).cpu().numpy()
    people = [Person(points[i], shares[i], boxes[i], float(scores[i])) for i in range(count)]
    return sorted(people, key=lambda person: -person.score)


def in_boxes(cells: NDArray[Any], boxes: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    """Positions (N, J, 2) in cells of maps that cover boxes (N, 4), as px; the middle of the first cell is 0.

    Args:
        cells: x, y.
        boxes: x0, y0, x1, y1 [px].
        size: (height, width) of a map.
    """
    shares = (cells + 0.5) / np.array([size[1], size[0]], np.float32)
    start, end = boxes[:, None, :2], boxes[:, None, 2:]
    return np.asarray(start + shares * (end - start), np.float32)


def nearby_share(logits: Tensor, cells: Tensor, radius: int = CONFIDENCE_RADIUS) -> Tensor:
    """(N, K) share of the softmax of maps (N, K, H, W) within a radius [cells] around positions (N, K, 2)."""
    height, width = logits.shape[2:]
    shares = torch.softmax(logits.float().flatten(2), 2).view(logits.shape)
    x = torch.arange(width, device=logits.device) - cells[..., 0, None]
    y = torch.arange(height, device=logits.device) - cells[..., 1, None]
    near = (y.abs() <= radius)[..., :, None] & (x.abs() <= radius)[..., None, :]
    return (shares * near).sum((2, 3)).clamp(0, 1)
