"""MediaPipe BlazePose: the detector that comes with a package and works offline.

Release 0.10.21 and older carry their models and are driven through the legacy ``solutions`` API. Newer
releases need the Tasks API and a ``.task`` model file, named by the environment variable `MODEL_VARIABLE`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from videopose3d.errors import MissingDependencyError, WeightsError
from videopose3d.skeleton import BLAZEPOSE33, COCO17
from videopose3d.types import Frame, Person

if TYPE_CHECKING:
    from videopose3d.detectors import Detect

MODEL_VARIABLE = "VIDEOPOSE3D_POSE_MODEL"

_COCO = BLAZEPOSE33.indices(COCO17.joints)


@contextmanager
def open_mediapipe(min_score: float) -> Iterator[Detect]:
    """A detector that follows one person from frame to frame; frames must come in order.

    Args:
        min_score: Confidence from which on a person counts as found, 0..1.

    Raises:
        MissingDependencyError: MediaPipe is not installed, or a system library it needs.
        WeightsError: A newer MediaPipe is installed and no model file is named.
    """
    mediapipe = _import()
    legacy = getattr(getattr(mediapipe, "solutions", None), "pose", None)
    opener = _open_solutions(legacy, min_score) if legacy else _open_tasks(mediapipe, min_score)
    with opener as detect:
        yield detect


def _import() -> Any:
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import mediapipe
    except ImportError as error:
        raise MissingDependencyError(
            f"MediaPipe cannot be imported ({error})",
            where="detector mediapipe",
            fix="Install it: pip install 'videopose3d[mediapipe]' (where libGL is missing: apt-get install libgl1).",
        ) from error
    return mediapipe


@contextmanager
def _open_solutions(pose: Any, min_score: float) -> Iterator[Detect]:
    with _silence():
        network = pose.Pose(
            model_complexity=1,
            smooth_landmarks=False,
            min_detection_confidence=min_score,
            min_tracking_confidence=min_score,
        )
        network.process(np.zeros((64, 64, 3), np.uint8))  # its threads greet when they get their first picture
    with network:
        talkative = True  # until it has found somebody once, every new step has its own greeting

        def detect(frame: Frame, _time: float) -> list[Person]:
            nonlocal talkative
            with _silence() if talkative else nullcontext():
                found = network.process(frame).pose_landmarks
            talkative = talkative and not found
            return [_person(found.landmark, frame)] if found else []

        yield detect


@contextmanager
def _open_tasks(mediapipe: Any, min_score: float) -> Iterator[Detect]:
    model = os.environ.get(MODEL_VARIABLE, "")
    if not Path(model).is_file():
        raise WeightsError(
            f"MediaPipe {mediapipe.__version__} carries no pose model",
            where="detector mediapipe",
            fix=f"Set {MODEL_VARIABLE} to a pose_landmarker .task file, or pip install 'mediapipe==0.10.21'.",
        )
    vision = mediapipe.tasks.vision
    options = vision.PoseLandmarkerOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_path=model),
        running_mode=vision.RunningMode.VIDEO,
        num_poses=1,
        min_pose_detection_confidence=min_score,
        min_tracking_confidence=min_score,
    )
    with vision.PoseLandmarker.create_from_options(options) as network:

        def detect(frame: Frame, time: float) -> list[Person]:
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
            found = network.detect_for_video(image, round(time * 1000)).pose_landmarks
            return [_person(landmarks, frame) for landmarks in found]

        yield detect


_silent = 0
_stderr = -1
_silence_lock = Lock()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what MediaPipe's C++ code tells file descriptor 2 about itself from the user.

    Several detectors may be silent at the same time: the first one in turns it off, the last one out on.
    """
    global _silent, _stderr  # noqa: PLW0603 - the descriptor is the whole process's
    with _silence_lock:
        _silent += 1
        if _silent == 1:
            _stderr = _divert_stderr()
    try:
        yield
    finally:
        with _silence_lock:
            _silent -= 1
            if _silent == 0 and _stderr >= 0:
                os.dup2(_stderr, 2)
                os.close(_stderr)


def _divert_stderr() -> int:
    """Send descriptor 2 to nowhere; a copy of where it went before, -1 where there is none."""
    try:
        kept = os.dup(2)
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
    except OSError:
        return -1
    return kept


def _person(landmarks: Any, frame: Frame) -> Person:
    """BlazePose landmarks (in shares of the image) as COCO keypoints [px]; visibility is the confidence."""
    height, width = frame.shape[:2]
    coco = [landmarks[i] for i in _COCO]
    keypoints = np.array([(p.x * width, p.y * height) for p in coco], np.float32)
    scores = np.clip(np.array([p.visibility for p in coco], np.float32), 1e-3, 1)
    return Person(keypoints, scores, np.concatenate([keypoints.min(0), keypoints.max(0)]), float(scores.mean()))
