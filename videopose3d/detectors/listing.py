"""What finds people on this machine, and what each of the others still needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from videopose3d.detectors.models import BOTH, BOXES, KEYPOINTS, MODELS, Model, installed
from videopose3d.errors import VideoPose3DError
from videopose3d.weights.store import cache_folder

PULL = "Run: videopose3d weights pull"
LICENCES = {
    "mediapipe": "Apache-2.0",
    "torchvision": "BSD-3-Clause",
    "detectron2": "Apache-2.0; weights CC BY-SA 3.0",
    "rtmpose": "Apache-2.0",
}
"""Of program and weights, as published. All weights but those of CPM for MPII and JHMDB have seen images of COCO."""


@dataclass(frozen=True)
class Choice:
    """Something that ``--detector`` takes.

    Attributes:
        group: The library, or ``BOXES+FAMILY`` of networks that need boxes.
        name: For ``--detector``; one half of ``BOXES+KEYPOINTS`` where it finds only that.
        finds: ``boxes``, ``keypoints`` or both.
        usable: It works here and now.
        needs: What is missing and how to get it; empty where it is usable.
        file: Weights that are here.
        licence: Of program and weights.
        accuracy: As published, on COCO val2017 where nothing else is said; empty where none is.
    """

    group: str
    name: str
    finds: str
    usable: bool
    needs: str
    file: str | None
    licence: str
    accuracy: str

    @property
    def to_pull(self) -> bool:
        """Only its weights are missing, and ``weights pull`` gets them."""
        return self.needs.startswith(PULL)

    def values(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        return asdict(self)


def choices() -> list[Choice]:
    """Every detector, those that need nothing first; libraries are really imported, which takes seconds."""
    return [_mediapipe(), *_of_libraries(), *_crop_networks()]


def _mediapipe() -> Choice:
    from videopose3d.detectors.mediapipe import open_mediapipe

    def opened() -> None:
        with open_mediapipe(0.5):
            pass

    needs = _complaint(opened)
    accuracy = "several people, each by a network of their own; no AP on COCO is published"
    return Choice("mediapipe", "mediapipe", BOTH, not needs, needs, None, LICENCES["mediapipe"], accuracy)


def _of_libraries() -> list[Choice]:
    needs = {library: _complaint(_importer(library)) for library in LICENCES}
    found = [_choice(model, needs[model.library]) for model in MODELS if model.library != "rtmpose"]
    modes = dict.fromkeys(model.name for model in MODELS if model.library == "rtmpose")
    return found + [_mode(name, needs["rtmpose"]) for name in modes]


def _importer(library: str) -> Callable[[], Any]:
    if library == "mediapipe":
        from videopose3d.detectors.mediapipe import import_library
    elif library == "torchvision":
        from videopose3d.detectors.torchvision import import_library
    elif library == "detectron2":
        from videopose3d.detectors.detectron2 import import_library
    else:
        from videopose3d.detectors.rtmpose import import_library
    return import_library


def _complaint(work: Callable[[], Any]) -> str:
    """What an attempt says is missing; empty if it succeeds."""
    try:
        work()
    except VideoPose3DError as error:
        return f"{error.what}. {error.fix}"
    return ""


def _choice(model: Model, needs: str) -> Choice:
    path = installed(model)
    if not needs and not path:
        needs = f"{PULL} {model.label}"
    library, accuracy = model.library, _accuracy(model)
    return Choice(library, model.label, model.finds, not needs, needs, _text(path), LICENCES[library], accuracy)


def _mode(name: str, needs: str) -> Choice:
    """A mode of rtmpose: two files, of which boxes and keypoints come."""
    models = [model for model in MODELS if (model.library, model.name) == ("rtmpose", name)]
    paths = [installed(model) for model in models]
    if not needs and None in paths:
        needs = f"{PULL} rtmpose:{name}"
    file = None if None in paths else ", ".join(str(path) for path in paths)
    accuracy = "; ".join(filter(None, (_accuracy(model) for model in models)))
    return Choice("rtmpose", f"rtmpose:{name}", BOTH, not needs, needs, file, LICENCES["rtmpose"], accuracy)


def _crop_networks() -> list[Choice]:
    from videopose3d.detectors.published import PUBLISHED

    found = []
    for network in PUBLISHED.values():
        path = cache_folder() / network.file
        here = path if path.is_file() else None
        needs = "" if here else f"{PULL} {network.name}"
        values = (KEYPOINTS, not needs, needs, _text(here), network.licence, network.accuracy)
        found.append(Choice(f"BOXES+{network.family}", network.name, *values))
    return found


def _accuracy(model: Model) -> str:
    of = "of 80 classes" if model.finds == BOXES else "of people"
    figures = [
        f"AP {model.box_ap}, boxes {of}" if model.box_ap else "",
        f"AP {model.keypoint_ap}, keypoints" if model.keypoint_ap else "",
        model.note,
    ]
    return "; ".join(filter(None, figures))


def _text(path: Path | None) -> str | None:
    return str(path) if path else None
