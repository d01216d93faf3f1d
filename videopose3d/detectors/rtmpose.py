"""RTMPose (Jiang et al., 2023) through the package rtmlib, on ONNX Runtime: boxes of YOLOX, keypoints of RTMPose.

rtmlib would download models that it does not find. Here it is only given files that are there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from videopose3d.detectors.models import BOXES, KEYPOINTS, MODELS, find_model, weights_file
from videopose3d.detectors.names import Name
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.skeleton import COCO17
from videopose3d.types import Array, Frame, Person

if TYPE_CHECKING:
    from videopose3d.detectors import AddKeypoints, FindPeople

DEFAULT = "balanced"
INSTALL = "pip install onnxruntime tqdm, then pip install --no-deps rtmlib"
"""Its requirements name two packages of OpenCV, which overwrite each other and ours."""
_INDEX_TO_MIDDLE = 0.5  # [px] its keypoints are those of COCO, where pixel i is the number i
_BOX_AND_SCORE = 5
_SMALLEST_SCORE = 1e-3  # 0 is a joint that was not seen


@contextmanager
def open_rtmpose(
    name: Name, min_score: float = 0.5, device: str | None = None, boxes_only: bool = False
) -> Iterator[FindPeople]:
    """Finds the people in pictures.

    Args:
        name: ``lightweight``, ``balanced`` or ``performance``; or the files of YOLOX and RTMPose with a comma between.
        min_score: Score from which on a box is a person, 0..1.
        device: ``cpu`` or ``cuda[:N]``; the CPU.
        boxes_only: Do not look for keypoints.

    Raises:
        MissingDependencyError: rtmlib or ONNX Runtime is not installed.
        WeightsError: A model is not here or cannot be read.
        VideoPose3DError: There is no such mode.
    """
    library = import_library()
    paths = _files(name, (BOXES,) if boxes_only else (BOXES, KEYPOINTS))
    find = _box_finder(_loaded(library.YOLOX, paths[0], device), min_score)
    if boxes_only:
        yield find
    else:
        add = _keypoint_finder(_loaded(library.RTMPose, paths[1], device), paths[1])
        yield lambda frames: add(frames, find(frames))


@contextmanager
def open_rtmpose_keypoints(name: Name, device: str | None = None) -> Iterator[AddKeypoints]:
    """Finds the keypoints of people whose boxes are known.

    Args:
        name: A mode, or the file of RTMPose.
        device: As in `open_rtmpose`.

    Raises:
        MissingDependencyError: rtmlib or ONNX Runtime is not installed.
        WeightsError: The model is not here or cannot be read.
        VideoPose3DError: There is no such mode.
    """
    library = import_library()
    (path,) = _files(name, (KEYPOINTS,))
    yield _keypoint_finder(_loaded(library.RTMPose, path, device), path)


def import_library() -> Any:
    """The module ``rtmlib``.

    Raises:
        MissingDependencyError: It or ONNX Runtime cannot be imported.
    """
    try:
        import onnxruntime  # noqa: F401 - rtmlib imports it when it opens a model
        import rtmlib
    except ImportError as error:
        raise MissingDependencyError(
            f"rtmlib cannot be imported ({error})", where="detector rtmpose", fix=f"Install it: {INSTALL}"
        ) from error
    return rtmlib


def _files(name: Name, kinds: tuple[str, ...]) -> list[Path]:
    """The model files of the kinds, in their order."""
    if name.weights:
        given = [Path(part.strip()) for part in name.weights.split(",")]
        if len(given) != len(kinds):
            raise VideoPose3DError(
                f"{len(given)} file(s) where {len(kinds)} are needed",
                where=name,
                fix=f"Give {' and '.join(f'that of the {kind}' for kind in kinds)}, with a comma between.",
            )
        if missing := [path for path in given if not path.is_file()]:
            raise WeightsError("no such file", where=missing[0], fix="Check the name and the folder.")
        return given
    mode = name.model or DEFAULT
    models = [find_model("rtmpose", mode, kind) for kind in kinds]
    if None in models:
        modes = dict.fromkeys(model.name for model in MODELS if model.library == "rtmpose")
        raise VideoPose3DError(f"rtmpose has no mode {mode!r}", fix=f"Choose one of: {', '.join(modes)}.")
    return [weights_file(model) for model in models if model]


def _loaded(kind: Any, path: Path, device: str | None) -> Any:
    """A network of rtmlib, its input size read from the file; rtmlib prints, and is not let."""
    try:
        with redirect_stdout(io.StringIO()):
            network = kind(str(path), backend="onnxruntime", device=device or "cpu")
        height, width = network.session.get_inputs()[0].shape[2:]
    except Exception as error:  # ONNX Runtime has a tree of its own
        reason = " ".join(str(error).split())[:120]
        raise WeightsError(f"not a model that ONNX Runtime can run ({reason})", where=path) from error
    square = kind.__name__ == "YOLOX"
    if isinstance(height, int) and isinstance(width, int):
        network.model_input_size = (height, width) if square else (width, height)
    return network


def _box_finder(network: Any, min_score: float) -> FindPeople:
    def boxed(frame: Frame) -> list[Person]:
        picture, ratio = network.preprocess(np.ascontiguousarray(frame[..., ::-1]))
        found = network.inference(picture)[0]
        if found.shape[-1] == _BOX_AND_SCORE:  # duplicates already removed; rtmlib would give no scores
            boxes, scores = found[0, :, :4] / ratio, found[0, :, 4]
        else:
            network.score_thr = min_score
            boxes = np.asarray(network.postprocess(found, ratio)).reshape(-1, 4)
            scores = np.ones(len(boxes))
        order = [i for i in np.argsort(-scores, kind="stable") if scores[i] > min_score]
        return [_boxed(boxes[i], float(scores[i])) for i in order]

    return lambda frames: [boxed(frame) for frame in frames]


def _boxed(box: Array, score: float) -> Person:
    joints = len(COCO17)
    empty = np.full((joints, 2), np.nan, np.float32)
    return Person(empty, np.zeros(joints, np.float32), np.asarray(box, np.float32), min(score, 1.0))


def _keypoint_finder(network: Any, path: Path) -> AddKeypoints:
    def found(frame: Frame, people: Sequence[Person]) -> list[Person]:
        if not people:  # without boxes rtmlib looks for one person in the whole picture
            return []
        points, scores = network(np.ascontiguousarray(frame[..., ::-1]), bboxes=[p.box for p in people])
        if points.shape[1:] != (len(COCO17), 2):
            raise WeightsError(f"it finds {points.shape[1]} joints instead of COCO's {len(COCO17)}", where=path)
        points = (points + _INDEX_TO_MIDDLE).astype(np.float32)
        scores = np.clip(scores, _SMALLEST_SCORE, 1).astype(np.float32)
        return [Person(points[i], scores[i], person.box, person.score) for i, person in enumerate(people)]

    return lambda frames, people: [found(frame, own) for frame, own in zip(frames, people, strict=True)]
