"""Every default of every command, once. CLI options and keyword arguments take theirs from here."""

from __future__ import annotations

from dataclasses import dataclass, field

from videopose3d.errors import VideoPose3DError

LIMITS: dict[str, tuple[float | None, float | None]] = {
    "max_side": (16, None),
    "min_score": (0, 1),
    "max_gap": (0, None),
    "parts": (1, 64),
    "fov": (1, 179),
    "focal": (1, None),
    "height": (0.1, 10),
    "smooth": (0, None),
    "chunk": (1, None),
    "picture_height": (16, None),
    "gif_fps": (1, 50),
    "gif_height": (16, None),
    "elevation": (-90, 90),
    "windows": (1, None),
    "batch": (2, None),
    "channels": (1, None),
    "dropout": (0, 0.99),
    "learning_rate": (0, None),
    "weight_decay": (0, None),
    "average": (0, 1),
    "save_every": (1, None),
}
"""What the numbers may be, both ends included; None is no end."""


def check_limits(config: object) -> None:
    """Refuse numbers outside `LIMITS`.

    Raises:
        VideoPose3DError: A field is outside its limits.
    """
    for name, value in vars(config).items():
        low, high = LIMITS.get(name, (None, None))
        if value is not None and ((low is not None and not value >= low) or (high is not None and not value <= high)):
            allowed = f"{low} or more" if high is None else f"between {low} and {high}"
            raise VideoPose3DError(f"{name.replace('_', '-')} is {value}", fix=f"It has to be {allowed}.")


@dataclass(frozen=True)
class DetectConfig:
    """How people are found and their keypoints cleaned.

    Attributes:
        detector: Name of the 2D detector.
        max_side: Frames are decoded no larger than this for the detector [px].
        min_score: A frame counts as "person seen" from this person confidence on.
        max_gap: Gaps up to this long are interpolated, longer ones stay NaN [s].
        repair_swaps: Repair left/right swaps over the whole sequence.
        parts: Parts of the clip that are watched side by side to use more cores; 1 watches in order.
    """

    detector: str = "mediapipe"
    max_side: int = 640
    min_score: float = 0.5
    max_gap: float = 0.5
    repair_swaps: bool = True
    parts: int = 2

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class LiftConfig:
    """How 2D keypoints become 3D poses.

    Attributes:
        lifter: Name of bundled weights, or a .safetensors file.
        device: ``auto`` (a GPU when there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        fov: Horizontal or vertical field of view, whichever is larger, of the camera [degrees].
        focal: Focal length [px]; overrides ``fov``.
        height: Stature of the person [m]; scales poses and trajectory.
        flip: Average with the mirrored sequence.
        smooth: Length of the window over which poses are smoothed by a local parabola; 0 for raw poses [s].
        chunk: Frames lifted at once; bounds the memory and does not change the result.
    """

    lifter: str = "open"
    device: str = "auto"
    fov: float = 60.0
    focal: float | None = None
    height: float = 1.70
    flip: bool = True
    smooth: float = 0.25
    chunk: int = 2048

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class TrainConfig:
    """How a lifter is trained on motion capture.

    Attributes:
        windows: Training windows drawn in all.
        batch: Windows per step.
        filter_widths: Kernel widths; their product is the receptive field [frames].
        channels: Width of the hidden layers.
        dropout: Probability of dropping an activation.
        learning_rate: At the start; it falls to zero along a cosine.
        weight_decay: Of AdamW.
        average: Decay per step of the averaged weights that are kept in the end.
        seed: Of everything random.
        save_every: Steps between checkpoints.
    """

    windows: int = 7_000_000
    batch: int = 512
    filter_widths: tuple[int, ...] = (3, 3, 3)
    channels: int = 512
    dropout: float = 0.05
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    average: float = 0.999
    seed: int = 1
    save_every: int = 500

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class RenderConfig:
    """What the video to look at is like.

    Attributes:
        picture_height: Greatest height of the written picture [px].
        layout: ``auto``, ``side`` (side by side) or ``stack`` (one above the other).
        gif_fps: Highest frame rate of a GIF [1/s].
        gif_height: Height of a GIF [px].
        elevation: How far the 3D scene is seen from above, relative to the filming camera [degrees].
        azimuth: How far the view of the 3D scene is turned away from the filming camera's [degrees].
        audio: Carry the sound of the source into the MP4.
    """

    picture_height: int = 720
    layout: str = "auto"
    gif_fps: int = 15
    gif_height: int = 360
    elevation: float = 12.0
    azimuth: float = 25.0
    audio: bool = True

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class InferConfig:
    """Settings of the stages from a video to its result.

    Attributes:
        detect: The 2D stage.
        lift: The 3D stage.
        render: The video to look at.
    """

    detect: DetectConfig = field(default_factory=DetectConfig)
    lift: LiftConfig = field(default_factory=LiftConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
