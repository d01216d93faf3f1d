"""MediaPipe BlazePose: the detector that comes with a package and works offline.

Release 0.10.21 and older carry their models and are driven through the legacy ``solutions`` API, which finds one
person; `several.Crowd` follows more with several of them. Newer releases have only the Tasks API, which finds several
and needs a ``.task`` model file: a pulled one, or that which the environment variable `MODEL_VARIABLE` names. Where a
model is named the Tasks API is taken in any case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from videopose3d.detectors.models import MODELS, find_model, installed, weights_file
from videopose3d.detectors.names import Name
from videopose3d.detectors.several import Crowd
from videopose3d.errors import MissingDependencyError, VideoPose3DError, WeightsError
from videopose3d.silence import silence
from videopose3d.skeleton import BLAZEPOSE33, COCO17
from videopose3d.types import Frame, Person

if TYPE_CHECKING:
    from videopose3d.detectors import Detect

MODEL_VARIABLE = "VIDEOPOSE3D_POSE_MODEL"
_COCO = BLAZEPOSE33.indices(COCO17.joints)
_OFFERED = tuple(model for model in MODELS if model.library == "mediapipe")


@contextmanager
def open_mediapipe(min_score: float, name: Name | None = None, people: int = 1) -> Iterator[Detect]:
    """A detector that follows people from frame to frame; frames must come in order.

    Args:
        min_score: Confidence from which on a person counts as found, 0..1.
        name: Which model to take, ``mediapipe:MODEL`` or ``mediapipe=FILE``; by default that of the package.
        people: Most people to follow.

    Raises:
        MissingDependencyError: MediaPipe is not installed, or a system library it needs.
        VideoPose3DError: There is no such model.
        WeightsError: The model file is not here or no such file, or a newer MediaPipe is installed and none is here.
    """
    mediapipe = import_library()
    named = name is not None and bool(name.model or name.weights)
    legacy = getattr(getattr(mediapipe, "solutions", None), "pose", None)
    if legacy and not named:
        opener = _open_solutions(legacy, min_score, people)
    else:
        opener = _open_tasks(mediapipe, _model_file(name, mediapipe.__version__), min_score, people)
    with opener as detect:
        yield detect


def import_library() -> Any:
    """MediaPipe.

    Raises:
        MissingDependencyError: It is not installed, or a system library it needs.
    """
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


class _Legacy:
    """A network of the ``solutions`` API, which follows one person: a `several.Network`."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._talkative = True  # until it has found somebody once, every new step has its own greeting

    def see(self, frame: Frame) -> Person | None:
        """Whom it follows, or finds."""
        with silence() if self._talkative else nullcontext():
            found = self._network.process(frame).pose_landmarks
        self._talkative = self._talkative and not found
        return _person(found.landmark, frame) if found else None

    def forget(self) -> None:
        """Start anew."""
        with silence():
            self._network.reset()
        self._talkative = True


@contextmanager
def _open_solutions(pose: Any, min_score: float, people: int) -> Iterator[Detect]:
    with ExitStack() as opened:

        def make() -> _Legacy:
            with silence():
                network = pose.Pose(
                    model_complexity=1,
                    smooth_landmarks=False,
                    min_detection_confidence=min_score,
                    min_tracking_confidence=min_score,
                )
                network.process(np.zeros((64, 64, 3), np.uint8))  # its threads greet when they get their first picture
            return _Legacy(opened.enter_context(network))

        yield Crowd(make, people).see


@contextmanager
def _open_tasks(mediapipe: Any, model: Path, min_score: float, people: int) -> Iterator[Detect]:
    tasks = getattr(mediapipe, "tasks", None)
    if tasks is None:
        what = f"MediaPipe {mediapipe.__version__} is too old for model files"
        raise MissingDependencyError(what, where="detector mediapipe", fix="pip install 'mediapipe>=0.10.21'")
    options = tasks.vision.PoseLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        running_mode=tasks.vision.RunningMode.VIDEO,
        num_poses=people,
        min_pose_detection_confidence=min_score,
        min_pose_presence_confidence=min_score,
        min_tracking_confidence=min_score,
    )
    try:
        with silence():
            network = tasks.vision.PoseLandmarker.create_from_options(options)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise WeightsError(f"no pose model that MediaPipe can run ({reason})", where=model) from error
    with network:
        talkative, clock = True, -1

        def detect(frame: Frame, time: float) -> list[Person]:
            nonlocal talkative, clock
            clock = max(round(time * 1000), clock + 1)  # [ms], has to grow
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
            with silence() if talkative else nullcontext():
                found = network.detect_for_video(image, clock).pose_landmarks
            talkative = talkative and not found
            return [_person(landmarks, frame) for landmarks in found]

        yield detect


def _model_file(name: Name | None, version: str) -> Path:
    """The model file: the one named, else that of `MODEL_VARIABLE`, else the first that was pulled."""
    if name and name.model:
        model = find_model("mediapipe", name.model)
        if model is None:
            known = ", ".join(one.name for one in _OFFERED)
            raise VideoPose3DError(f"mediapipe has no model {name.model!r}", fix=f"Choose one of: {known}.")
        return weights_file(model)
    given = (name and name.weights) or os.environ.get(MODEL_VARIABLE)
    if given:
        if not Path(given).is_file():
            raise WeightsError("no such pose model", where=given, fix="Check the name and the folder.")
        return Path(given)
    pulled = next((path for model in _OFFERED if (path := installed(model))), None)
    if pulled is None:
        raise WeightsError(
            f"MediaPipe {version} carries no pose model",
            where="detector mediapipe",
            fix=f"Run: videopose3d weights pull {_OFFERED[0].label} (or name a .task file in {MODEL_VARIABLE}, "
            "or pip install 'mediapipe==0.10.21').",
        )
    return pulled


def _person(landmarks: Any, frame: Frame) -> Person:
    """BlazePose landmarks (in shares of the image) as COCO keypoints [px]; visibility is the confidence."""
    height, width = frame.shape[:2]
    coco = [landmarks[i] for i in _COCO]
    keypoints = np.array([(p.x * width, p.y * height) for p in coco], np.float32)
    scores = np.clip(np.array([p.visibility for p in coco], np.float32), 1e-3, 1)
    return Person(keypoints, scores, np.concatenate([keypoints.min(0), keypoints.max(0)]), float(scores.mean()))
