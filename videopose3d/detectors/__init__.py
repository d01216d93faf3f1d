"""People and their 2D keypoints: one module per detector, and what makes one clean track of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from typing import Any

from videopose3d.config import DetectConfig
from videopose3d.detectors.names import BOXES_ONLY, SHORT, Name, parse, split
from videopose3d.errors import MissingDependencyError, VideoPose3DError
from videopose3d.skeleton import COCO17, Skeleton
from videopose3d.types import Frame, Person

Detect = Callable[[Frame, float], list[Person]]
"""A picture and its time [s] to the people in it, keypoints in px of that picture."""
DetectMany = Callable[[Sequence[Frame], Sequence[float]], list[list[Person]]]
"""Pictures and their times [s] to the people in each."""
FindPeople = Callable[[Sequence[Frame]], list[list[Person]]]
"""Pictures to the people in each, the surest first; who was only boxed has NaN for keypoints and 0 for scores."""
AddKeypoints = Callable[[Sequence[Frame], Sequence[Sequence[Person]]], list[list[Person]]]
"""Pictures and the people boxed in each to the same people with keypoints."""

DETECTORS = {
    "mediapipe": "mediapipe:open_mediapipe",
    "torchvision": "torchvision:open_torchvision",
    "detectron2": "detectron2:open_detectron2",
    "rtmpose": "rtmpose:open_rtmpose",
}
"""Name -> module and function that opens the detector. More: `names.SHORT`, and BOXES+KEYPOINTS of two names."""
IN_ORDER = ("mediapipe",)
"""Libraries whose detectors follow people: frames must come in order, and one at a time is as good as many."""


def open_detector(
    name: str, min_score: float = 0.5, device: str | None = None, people: int = DetectConfig.people
) -> AbstractContextManager[Detect]:
    """A detector to give frames to, in order; leave the context to free it.

    Args:
        name: One of `DETECTORS` or `names.SHORT`, with ``:MODEL`` and ``=FILE`` where it has several; or
            ``BOXES+KEYPOINTS``, where the second finds the joints in the boxes of the first.
        min_score: Score from which on a person counts as found, 0..1.
        device: ``cpu`` or ``cuda[:N]``; by default what is best here.
        people: Most people that those `IN_ORDER` follow.

    Raises:
        VideoPose3DError: There is no such detector, or it does not find keypoints.
        MissingDependencyError: Its package is not installed.
        WeightsError: Its weights are not here, or damaged.
    """
    if follows_people(name):
        chosen = parse(name)
        more = (chosen,) if chosen.model or chosen.weights else ()
        opened: AbstractContextManager[Detect] = _function(DETECTORS[chosen.library])(min_score, *more, people=people)
        return opened
    check_name(name)
    return _one_by_one(name, min_score, device)


@contextmanager
def open_batched(name: str, min_score: float = 0.5, device: str | None = None) -> Iterator[DetectMany]:
    """As `open_detector`, for several frames at once: faster, except for those `IN_ORDER`."""
    if follows_people(name):
        with open_detector(name, min_score) as detect:
            yield lambda frames, times: [detect(f, t) for f, t in zip(frames, times, strict=True)]
        return
    check_name(name)
    boxes, keypoints = split(name)
    with ExitStack() as stack:
        find = stack.enter_context(open_boxes(boxes, min_score, device, boxes_only=bool(keypoints)))
        if keypoints:
            add = stack.enter_context(open_keypoints(keypoints, device))
            yield lambda frames, _times: add(frames, find(frames))
        else:
            yield lambda frames, _times: find(frames)


def follows_people(name: str) -> bool:
    """Whether it is one of the detectors `IN_ORDER`."""
    boxes, keypoints = split(name)
    return not keypoints and parse(boxes).library in IN_ORDER


def check_name(name: str) -> None:
    """Refuse what cannot be meant before anything is loaded.

    Raises:
        VideoPose3DError: There is no such detector, or it does not find keypoints.
    """
    boxes, keypoints = split(name)
    library = parse(boxes).library
    if library not in DETECTORS and library not in SHORT:
        resolve(parse(boxes))
    if library in BOXES_ONLY and not keypoints:
        raise VideoPose3DError(f"{name} finds boxes only", fix=f"Add what finds the joints in them: {name}+cpn")


def open_boxes(
    name: str, min_score: float = 0.5, device: str | None = None, *, boxes_only: bool = True
) -> AbstractContextManager[FindPeople]:
    """What finds the boxes of people, and with ``boxes_only=False`` their keypoints too; else `open_detector`."""
    chosen = resolve(parse(name))
    if chosen.library in IN_ORDER:
        raise VideoPose3DError(f"{name} finds no boxes", fix="Use mask_rcnn, torchvision, detectron2 or rtmpose.")
    opened: AbstractContextManager[FindPeople] = _function(DETECTORS[chosen.library])(
        chosen, min_score, device, boxes_only
    )
    return opened


def open_keypoints(name: str, device: str | None = None) -> AbstractContextManager[AddKeypoints]:
    """What finds the keypoints in boxes: ``rtmpose``, or the name or file of a network of `topdown`."""
    parsed = parse(name)
    module = "rtmpose:open_rtmpose_keypoints" if parsed.library == "rtmpose" else "crop_networks:open_crop_network"
    opened: AbstractContextManager[AddKeypoints] = _function(module)(parsed, device)
    return opened


def joints_of(name: str) -> Skeleton:
    """The joints that a detector finds: COCO's, or those that its keypoint network was fine-tuned to.

    Raises:
        WeightsError: The file of the network is damaged.
        FileFormatError: The configuration of the network is.
    """
    boxes, keypoints = split(name)
    parsed = parse(keypoints)
    if not keypoints and (alone := parse(boxes)).library == "detectron2" and alone.model:
        noted: Skeleton = _function("detectron2:joints_of_model")(alone)
        return noted
    if not parsed.library or parsed.library == "rtmpose":
        return COCO17
    found: Skeleton = _function("crop_networks:joints_of_network")(parsed)
    return found


def resolve(name: Name) -> Name:
    """The name with the library that runs it: a short name becomes a model of the first library that is installed.

    Raises:
        VideoPose3DError: There is no such detector.
        MissingDependencyError: No library that has it is installed.
    """
    if name.library in DETECTORS:
        return name
    if name.library not in SHORT:
        short = ", ".join(f"{word}+cpn" if word in BOXES_ONLY else word for word in SHORT)
        raise VideoPose3DError(f"no detector {name.library!r}", fix=f"Choose one of: {', '.join(DETECTORS)}, {short}.")
    reasons: list[VideoPose3DError] = []
    for library, model in SHORT[name.library].items():
        try:
            _function(f"{library}:import_library")()
            return Name(library, name.model or model, name.weights)
        except MissingDependencyError as error:
            reasons.append(error)
    raise MissingDependencyError(
        " and ".join(reason.what for reason in reasons),
        where=f"detector {name}",
        fix=" ".join(f"{way} {reason.fix}" for way, reason in zip(("Either:", "Or:"), reversed(reasons), strict=False)),
    )


@contextmanager
def _one_by_one(name: str, min_score: float, device: str | None) -> Iterator[Detect]:
    with open_batched(name, min_score, device) as detect:
        yield lambda frame, time: detect([frame], [time])[0]


def _function(path: str) -> Any:
    module, function = path.split(":")
    return getattr(import_module(f"{__name__}.{module}"), function)
