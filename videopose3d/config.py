"""Every default of every command, once. CLI options and keyword arguments take theirs from here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from videopose3d.errors import VideoPose3DError

DEFAULT_FOV = 60.0
"""Field of view along the longer side of a picture of which nothing is known [degrees]."""

LIMITS: dict[str, tuple[float | None, float | None]] = {
    "max_side": (16, None),
    "min_score": (0, 1),
    "max_gap": (0, None),
    "parts": (1, 64),
    "fov": (1, 179),
    "focal": (1, None),
    "height": (0.1, 10),
    "smooth": (0, None),
    "one_euro_cutoff": (0.001, None),
    "one_euro_beta": (0, None),
    "chunk": (1, None),
    "picture_height": (16, 4320),
    "gif_fps": (1, 50),
    "gif_height": (16, 4320),
    "elevation": (-90, 90),
    "orbit": (-360, 360),
    "skip": (0, None),
    "limit": (1, None),
    "max_fps": (0.1, None),
    "bitrate": (1, None),
    "windows": (1, None),
    "batch": (2, None),
    "channels": (1, None),
    "dropout": (0, 0.99),
    "learning_rate": (0, None),
    "weight_decay": (0, None),
    "average": (0, 1),
    "outputs": (1, None),
    "velocity": (0, None),
    "bones": (0, None),
    "save_every": (1, None),
    "epochs": (1, 100_000),
    "stride": (1, None),
    "lr_decay": (0, 1),
    "subset": (0, 1),
    "downsample": (1, None),
    "warmup": (0, None),
    "keep_every": (0, None),
    "seed": (0, 4_000_000_000),
    "validate_every": (1, None),
    "validation_people": (1, None),
    "workers": (1, 256),
    **dict.fromkeys(("clips", "people", "jobs", "fps"), (1, 100_000)),
    **dict.fromkeys(("first", "seconds", "crops", "unit"), (0, None)),
    **dict.fromkeys(("moving", "cut", "hidden"), (0, 1)),
    "crf": (0, 51),
}
"""What the numbers may be, both ends included but for `ABOVE`; None is no end."""
ABOVE = ("seconds", "unit")
"""Numbers that have to be more than their lower limit."""

CHOICES = {
    "layout": ("auto", "side", "stack", "scene", "overlay"),
    "theme": ("dark", "light"),
    "second_view": ("none", "side", "top", "front", "back"),
    "trajectory": ("solve", "network"),
    "smooth_filter": ("savgol", "one-euro"),
    "LiftConfig.precision": ("float32", "mixed", "bfloat16", "auto"),
    "TrainConfig.precision": ("float32", "bfloat16"),
    "FinetuneConfig.precision": ("float32", "bfloat16"),
    "backbone": ("resnet50", "resnet101"),
    "normalisation": ("rays", "screen"),
    "SynthConfig.split": ("train", "validation", "test", "all"),
    "MocapConfig.split": ("train", "validation", "test"),
    "MocapConfig.up": ("auto", "x", "y", "z", "-x", "-y", "-z"),
    "MocapConfig.detector": ("mediapipe", "coco", "movenet"),
}
"""What the texts may be, by field, or by class and field where they differ."""


def choices(config: type, field: str) -> tuple[str, ...] | None:
    """What a text field of a configuration may be; None for anything."""
    return CHOICES.get(f"{config.__name__}.{field}", CHOICES.get(field))


def check_limits(config: object) -> None:
    """Refuse numbers outside `LIMITS` and texts that are not among `CHOICES`.

    Raises:
        VideoPose3DError: A field is outside its limits.
    """
    for name, value in vars(config).items():
        known = choices(type(config), name)
        if known and value is not None and value not in known:
            raise VideoPose3DError(f"{name.replace('_', '-')} is {value!r}", fix=f"Choose one of {', '.join(known)}.")
        low, high = LIMITS.get(name, (None, None))
        if value is None:
            continue
        below = low is not None and not (value > low if name in ABOVE else value >= low)
        if below or (high is not None and not value <= high):
            least = f"more than {low}" if name in ABOVE else f"{low} or more"
            allowed = least if high is None else f"between {low} and {high}"
            raise VideoPose3DError(f"{name.replace('_', '-')} is {value}", fix=f"It has to be {allowed}.")


@dataclass(frozen=True)
class DetectConfig:
    """How people are found and their keypoints cleaned.

    Attributes:
        detector: Name of the 2D detector.
        max_side: Frames are decoded no larger than this for MediaPipe [px].
        min_score: A frame counts as "person seen" from this person confidence on.
        max_gap: Gaps up to this long are interpolated, longer ones stay NaN [s].
        repair_swaps: Repair left/right swaps over the whole sequence.
        parts: Parts of the clip that are watched side by side to use more cores; 1 watches in order.
        people: Most people that MediaPipe follows at a time; each takes as long as the first.
        person: ``all``, ``main`` (the largest and longest seen) or a number: 1 is the main person, 2 the next.
        keypoints: File or folder of another 2D tool to take the keypoints from, instead of a detector.
    """

    detector: str = "mediapipe"
    max_side: int = 640
    min_score: float = 0.5
    max_gap: float = 0.5
    repair_swaps: bool = True
    parts: int = 2
    people: int = 4
    person: str = "all"
    keypoints: str | None = None

    def __post_init__(self) -> None:
        check_limits(self)
        if self.person not in ("all", "main") and not (self.person.isdecimal() and int(self.person)):
            raise VideoPose3DError(f"person is {self.person!r}", fix="Use all, main, or a number from 1 on.")


@dataclass(frozen=True)
class LiftConfig:
    """How 2D keypoints become 3D poses.

    Attributes:
        lifter: Name of bundled weights, or a .safetensors file.
        device: ``auto`` (a GPU when there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        fov: Horizontal or vertical field of view, whichever is larger, of the camera [degrees]; what the video's
            metadata say, else 60.
        focal: Focal length [px], instead of ``fov``.
        calib: Calibration file: OpenCV's YAML or XML, or TOML as of Pose2Sim and anipose; with the lens' distortion.
        calib_camera: Which camera of a TOML file that holds several.
        height: Stature of the person [m]; scales poses and trajectory of lifters made for one stature, as open is.
        flip: Average with the mirrored sequence.
        smooth: Length of the window over which the savgol filter smooths poses [s]; one-euro takes no length. With
            either, 0 leaves poses and path raw.
        smooth_filter: ``savgol`` (a local parabola, as Savitzky and Golay), or ``one-euro``, which looks at the past
            only, as a live system has to.
        one_euro_cutoff: With ``--smooth-filter one-euro``: its cutoff frequency for joints that stand still; lower is
            smoother [1/s].
        one_euro_beta: With ``--smooth-filter one-euro``: how much that grows with a joint's speed; higher lags less
            behind [1/m].
        refine: Make poses and path agree with the picture, constant bones and feet that stay where they stand.
        chunk: Frames lifted at once; bounds the memory and does not change the result.
        precision: float32; mixed (16-bit numbers where they cost little: 0.1 mm with open), bfloat16 (all large
            products), or auto (mixed on processors that gain by it).
        trajectory: ``solve`` (the path that explains the 2D joints best) or ``network`` (what the lifter's own
            network of the root gives).
    """

    lifter: str = "open"
    device: str = "auto"
    fov: float | None = None
    focal: float | None = None
    calib: str | None = None
    calib_camera: str | None = None
    height: float = 1.70
    flip: bool = True
    smooth: float = 0.4
    smooth_filter: str = "savgol"
    one_euro_cutoff: float = 1.0
    one_euro_beta: float = 12.0
    refine: bool = True
    chunk: int = 1296
    precision: str = "float32"
    trajectory: str = "solve"

    def __post_init__(self) -> None:
        check_limits(self)
        given = [flag for flag, value in (("--fov", self.fov), ("--focal", self.focal)) if value is not None]
        if self.calib is not None and given:
            named = " and ".join(given)
            raise VideoPose3DError(f"--calib contradicts {named}", fix=f"Leave out {named}.")
        if len(given) > 1:
            raise VideoPose3DError("--fov contradicts --focal", fix="Leave one of them out.")
        if self.calib_camera is not None and self.calib is None:
            raise VideoPose3DError("--calib-camera without --calib", fix="Give the file with --calib, too.")


@dataclass(frozen=True)
class TrainConfig:
    """How a lifter is trained on a data set; the defaults are the paper's.

    Attributes:
        epochs: Passes over the labelled windows.
        batch: Poses predicted per step, and in every process if there are several.
        stride: Neighbouring poses predicted from one window.
        learning_rate: In the first epoch.
        lr_decay: Factor on the learning rate after every epoch.
        dropout: Probability of dropping an activation.
        channels: Width of the hidden layers.
        causal: Poses see the past only.
        dense: Ordinary convolutions of the same extent instead of dilated ones (the paper's ablation).
        augment: Train on mirrored windows, too.
        subset: Share of every labelled training take to use.
        downsample: Use every n-th frame, in training and evaluation.
        warmup: Epochs on labelled windows alone before unlabelled ones join in.
        distortion: Project with the lens distortion in the unlabelled loss.
        reprojection: Unlabelled loss: distance of the projected pose from the 2D keypoints.
        bone_length: Unlabelled loss: labelled and unlabelled people have the same bones on average.
        one_frame: Train with the strided network that computes one pose per window only (same weights, faster).
        filter_widths: Odd widths of the convolutions; their product is the receptive field [frames].
        precision: float32, or bfloat16 for mixed precision.
        seed: Of everything random; 1234 gives the original program's order of windows.
        validate: Measure on the training and test subjects after every epoch.
        score: Give the network the score of every 2D joint, where the keypoints have one.
        keep_every: Epochs between weights that are kept besides the best and the last; 0 keeps none.
        licence: Of the weights, for their header.
        tensorboard: Also write the figures for TensorBoard (pip install tensorboard).
    """

    epochs: int = 60
    batch: int = 1024
    stride: int = 1
    learning_rate: float = 1e-3
    lr_decay: float = 0.95
    dropout: float = 0.25
    filter_widths: tuple[int, ...] = (3, 3, 3)
    channels: int = 1024
    causal: bool = False
    dense: bool = False
    augment: bool = True
    subset: float = 1.0
    downsample: int = 1
    warmup: int = 1
    distortion: bool = True
    reprojection: bool = True
    bone_length: bool = True
    one_frame: bool = True
    precision: str = "float32"
    seed: int = 1234
    validate: bool = True
    score: bool = True
    keep_every: int = 10
    licence: str = ""
    tensorboard: bool = False

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class MocapTrainConfig:
    """How a lifter is trained on motion capture.

    Attributes:
        windows: Training windows drawn in all.
        batch: Windows per step.
        outputs: Neighbouring poses predicted from one window; they share most of the work.
        normalisation: ``rays`` of a known or guessed camera, or ``screen`` coordinates as in the paper.
        filter_widths: Kernel widths; their product is the receptive field [frames].
        channels: Width of the hidden layers.
        causal: Poses see the past only, as a live stream needs it.
        dropout: Probability of dropping an activation.
        velocity: Weight, in the loss, of the mean error of the joints' velocities [per frame].
        bones: Weight, in the loss, of the mean error of the bones' lengths.
        learning_rate: At the start; it falls to zero along a cosine.
        weight_decay: Of AdamW.
        average: Decay per step of the averaged weights that are kept in the end.
        seed: Of everything random.
        save_every: Steps between checkpoints.
    """

    windows: int = 18_000_000
    batch: int = 512
    outputs: int = 1
    normalisation: str = "rays"
    filter_widths: tuple[int, ...] = (9, 3, 1)
    channels: int = 768
    causal: bool = False
    dropout: float = 0.0
    velocity: float = 1.0
    bones: float = 0.0
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    average: float = 0.999
    seed: int = 1
    save_every: int = 2000

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class RenderConfig:
    """What the video to look at is like.

    Attributes:
        picture_height: Greatest height of the written picture [px].
        layout: ``auto``, ``side`` (side by side), ``stack`` (one above the other), ``scene`` (3D only) or ``overlay``
            (the video with the 2D skeletons only).
        theme: ``dark`` or ``light``.
        elevation: How far the 3D scene is seen from above, relative to the filming camera [degrees].
        azimuth: How far the view of the 3D scene is turned away from the filming camera's [degrees].
        orbit: How fast the viewer goes round the 3D scene [degrees/s].
        follow: The 3D scene moves with the first person, or stays; by default it moves if there is one person only,
            who goes far.
        second_view: A second 3D scene: ``side``, ``top``, ``front`` (as filmed) or ``back``.
        truth: File with the true poses for a further 3D scene: a result, or an .npz with poses_3d and trajectory.
        plot: A plot over time below, repeatable: a joint angle (right_knee), trajectory:z, left_wrist:height,
            left_wrist:speed, error; several with commas share one (right_knee,left_knee).
        skip: Frames of the result that are left out at the start.
        limit: Most frames of the result to draw.
        downsample: Draw every n-th frame; the rate falls with it and the duration stays.
        max_fps: Highest frame rate; frames are left out as with downsample [1/s].
        frame: Which frame a .png or .jpg shows: a number from 0 or a time (42, 1.5s, 0:01.5); by default the middle.
        bitrate: Of the video [kbit/s]; by default the quality is constant instead.
        gif_fps: Highest frame rate of a GIF [1/s].
        gif_height: Height of a GIF [px].
        audio: Carry the sound of the source into the video.
    """

    picture_height: int = 720
    layout: str = "auto"
    theme: str = "dark"
    elevation: float = 12.0
    azimuth: float = 25.0
    orbit: float = 0.0
    follow: bool | None = None
    second_view: str = "none"
    truth: str | None = None
    plot: tuple[str, ...] = ()
    skip: int = 0
    limit: int | None = None
    downsample: int = 1
    max_fps: float | None = None
    frame: str | None = None
    bitrate: int | None = None
    gif_fps: int = 15
    gif_height: int = 360
    audio: bool = True

    def __post_init__(self) -> None:
        check_limits(self)
        if self.frame is not None and not re.fullmatch(r"\d+|\d+(\.\d*)?s|\d+:[0-5]?\d(\.\d*)?", self.frame):
            raise VideoPose3DError(f"frame is {self.frame!r}", fix="Give a number or a time: 42, 1.5s, 0:01.5.")


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
