"""Defaults of reading motion of one's own, once."""

from __future__ import annotations

from dataclasses import dataclass

from videopose3d.config import check_limits
from videopose3d.errors import VideoPose3DError


@dataclass(frozen=True)
class MocapConfig:
    """How motion files of a user are read; the open sets know all of it themselves.

    Attributes:
        fps: True frame rate [1/s] of files that hold none or a wrong one; AMC files hold none, 120 is taken for them.
        unit: Metres per unit of length of the files; by default what the file says, else the unit that makes the
            legs as long as a person's.
        up: Which axis of files with points is up; auto: the one along which shoulders are above feet.
        detector: Whose idea of hips and shoulders the keypoints follow: mediapipe, coco or movenet; by default that
            of a library among the sources, else mediapipe.
        split: Whose motion it is: train, validation or test. People of validation and test are held out.
        subject: Who moves; by default the folder in the source that the file is in; nobody known for a file given by
            itself.
        dataset: What the motions are called together; by default the name of the folder given as a source, and file for
            files given by themselves.
    """

    fps: float | None = None
    unit: float | None = None
    up: str = "auto"
    detector: str | None = None
    split: str = "train"
    subject: str | None = None
    dataset: str | None = None

    def __post_init__(self) -> None:
        check_limits(self)
        if self.unit == float("inf"):
            raise VideoPose3DError("unit is inf", fix="It has to be a number.")
