"""Every default of ``videopose3d synth``, once."""

from __future__ import annotations

from dataclasses import dataclass

from videopose3d.config import check_limits
from videopose3d.errors import VideoPose3DError


@dataclass(frozen=True)
class SynthConfig:
    """What rendered clips of synthetic people are like; all else is drawn from the seed.

    Attributes:
        clips: How many.
        crops: Instead of clips so many pictures with boxes and keypoints, as finetune cpn reads them.
        seed: Of everything random; the same seed gives the same clips.
        first: Number of the first clip: 10 goes on after ten clips of the same seed.
        seconds: Length of a clip; shorter where the motion is shorter [s].
        fps: Frame rate [1/s].
        size: Width and height [px], e.g. 640,480; drawn by default.
        fov: Field of view along the longer side [degrees]; 30 to 100 are drawn by default.
        split: Whose motions: train, validation, test or all.
        people: Most people at a time.
        moving: Share of clips with a moving camera.
        cut: Share of clips in which people are partly out of the picture.
        hidden: Share of clips with things that hide parts of people.
        crf: Quality of the videos, 0 (best) to 51.
        jobs: Clips rendered side by side.
    """

    clips: int = 10
    crops: int = 0
    seed: int = 1
    first: int = 0
    seconds: float = 3.0
    fps: int = 25
    size: tuple[int, ...] = ()
    fov: float | None = None
    split: str = "test"
    people: int = 1
    moving: float = 0.35
    cut: float = 0.15
    hidden: float = 0.3
    crf: int = 20
    jobs: int = 1

    def __post_init__(self) -> None:
        check_limits(self)
        if self.seconds * self.fps < 1:
            raise VideoPose3DError(f"seconds is {self.seconds}", fix="A clip has to have a frame at least.")
        if len(self.size) not in (0, 2) or (self.size and min(self.size) < 64):
            raise VideoPose3DError(f"size is {self.size}", fix="Give width and height, 64 or more, e.g. 640,480.")
